/* See LICENSE for the terms. */
/* Reading from the queue's log what memory does not have. */

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "queue_internal.h"

static int
segment_reader(const struct queue *q, const struct segment *s)
{
	char	 name[QUEUE_NAME_MAX];

	queue_segment_name(name, sizeof(name), s);
	return (openat(q->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
}

void
queue_read_forget(struct queue *q)
{
	if (q->reading_fd != -1)
		close(q->reading_fd);
	q->reading_fd = -1;
	q->reading = NULL;
}

/* All len bytes, or -1 with EIO or what read says. */
static int
read_all(int fd, void *buf, size_t len, uint64_t offset)
{
	uint8_t	*p = buf;
	ssize_t	 n;

	while (len > 0) {
		n = pread(fd, p, len, (off_t)offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (-1);
		if (n == 0) {
			errno = EIO;
			return (-1);
		}
		p += n;
		len -= n;
		offset += n;
	}
	return (0);
}

/* A part of a record, into memory of its own; NULL with errno. */
static uint8_t *
read_part(int fd, uint64_t offset, uint32_t len, uint32_t crc)
{
	uint8_t	*buf;

	if ((buf = malloc(len > 0 ? len : 1)) == NULL)
		return (NULL);
	if (read_all(fd, buf, len, offset) == -1) {
		free(buf);
		return (NULL);
	}
	if (record_crc(buf, len) != crc) {
		free(buf);
		errno = EIO;
		return (NULL);
	}
	return (buf);
}

int
queue_record_read(struct queue *q, const struct segment *s, uint32_t offset,
    struct record_header *h, uint8_t **head, uint8_t **body)
{
	uint8_t		 buf[RECORD_HEADER_LEN];
	uint64_t	 at = (uint64_t)offset + RECORD_HEADER_LEN;

	if (q->reading != s) {
		queue_read_forget(q);
		if ((q->reading_fd = segment_reader(q, s)) == -1)
			return (-1);
		q->reading = s;
	}
	if (read_all(q->reading_fd, buf, sizeof(buf), offset) == -1)
		return (-1);
	if (record_header_decode(h, buf, sizeof(buf), s->salt, offset) == -1) {
		errno = EIO;
		return (-1);
	}
	*head = read_part(q->reading_fd, at, h->head_len, h->head_crc);
	if (*head == NULL)
		return (-1);
	if (body == NULL)
		return (0);
	*body = read_part(q->reading_fd, at + h->head_len, h->body_len,
	    h->body_crc);
	if (*body == NULL) {
		free(*head);
		return (-1);
	}
	return (0);
}

/* Puts a mark into the envelope; what it says beyond memory is on disk. */
static void
envelope_mark(struct queue *q, struct envelope *e, const struct mark_ref *m)
{
	struct recipient	*r = &e->recipients[m->recipient];
	struct record_header	 h;
	struct record_mark	 mark;
	uint8_t			*head;

	r->state = m->state;
	r->windows = m->windows;
	if (queue_record_read(q, m->segment, m->offset, &h, &head, NULL) == -1)
		goto fail;
	if (h.type != RECORD_MARK ||
	    record_mark_decode(&mark, head, h.head_len) == -1 ||
	    mark.id != e->id || mark.recipient != m->recipient) {
		free(head);
		errno = EIO;
		goto fail;
	}
	r->marked = mark.when;
	if (mark.status != NULL)
		r->status = strndup(mark.status, mark.status_len);
	free(head);
	return;
fail:
	/* State and count are known; the words are lost. */
	log_warn("queue: mark of id=%016llx", (unsigned long long)e->id);
}

struct envelope *
queue_envelope(struct queue *q, uint64_t id)
{
	const struct queue_entry *entry;
	struct record_header	 h;
	struct envelope		*e = NULL;
	uint8_t			*head;
	uint32_t		 i;

	if ((entry = queue_find(q, id)) == NULL) {
		errno = ENOENT;
		return (NULL);
	}
	if (queue_record_read(q, entry->segment, entry->offset, &h, &head,
	    NULL) == -1)
		goto fail;
	errno = 0;
	if (h.type != RECORD_MESSAGE ||
	    (e = record_message_decode(head, h.head_len)) == NULL ||
	    e->id != id || e->nrecipients != entry->nrecipients) {
		envelope_free(e);
		e = NULL;
		free(head);
		errno = errno == ENOMEM ? ENOMEM : EIO;
		goto fail;
	}
	free(head);
	for (i = 0; i < entry->nmarks; i++)
		envelope_mark(q, e, &entry->marks[i]);
	e->class = entry->info.class;
	if (entry->info.flags & QUEUE_INFO_HELD)
		e->flags |= ENVELOPE_HELD;
	if (entry->info.flags & QUEUE_INFO_LATE)
		e->flags |= ENVELOPE_LATE;
	return (e);
fail:
	log_warn("queue: envelope of id=%016llx", (unsigned long long)id);
	return (NULL);
}

int
queue_body(struct queue *q, uint64_t id, off_t *offset, uint64_t *size)
{
	const struct queue_entry *e;
	struct stat		 st;
	char			 name[QUEUE_NAME_MAX];
	uint64_t		 begin = 0;
	int			 fd;

	if ((e = queue_find(q, id)) == NULL) {
		errno = ENOENT;
		return (-1);
	}
	/*
	 * Always a descriptor of its own: a duplicate would share the file
	 * offset with other readers.
	 */
	if (e->info.flags & QUEUE_INFO_FILE) {
		queue_body_name(name, sizeof(name), id);
		fd = openat(q->dirfd, name,
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	} else {
		begin = (uint64_t)e->offset + RECORD_HEADER_LEN + e->head_len;
		fd = segment_reader(q, e->segment);
	}
	if (fd == -1)
		goto fail;
	if (fstat(fd, &st) == -1)
		goto fail;
	if ((uint64_t)st.st_size < begin + e->info.size) {
		errno = EIO;
		goto fail;
	}
	*offset = (off_t)begin;
	*size = e->info.size;
	return (fd);
fail:
	log_warn("queue: body of id=%016llx", (unsigned long long)id);
	if (fd != -1)
		close(fd);
	return (-1);
}

int
queue_is_marked(struct queue *q, uint64_t id, uint32_t recipient)
{
	const struct queue_entry *e;
	const struct mark_ref	*m;

	if ((e = queue_find(q, id)) == NULL)
		return (1);
	m = queue_entry_ref(e, recipient);
	return (m != NULL && m->state != RECIPIENT_WAITING);
}

int
queue_next(const struct queue *q, uint64_t after, struct queue_info *info)
{
	const struct queue_entry *e = RB_ROOT(&q->tree), *next = NULL;

	while (e != NULL) {
		if (e->info.id > after) {
			next = e;
			e = RB_LEFT(e, node);
		} else
			e = RB_RIGHT(e, node);
	}
	/* Done ones stay until the callbacks of their marks have run. */
	while (next != NULL && next->info.waiting == 0)
		next = RB_NEXT(queue_tree, &q->tree,
		    (struct queue_entry *)(uintptr_t)next);
	if (next == NULL)
		return (0);
	*info = next->info;
	return (1);
}

struct queue_info *
queue_info(const struct queue *q, uint64_t id)
{
	struct queue_entry	*e;

	if ((e = queue_find(q, id)) == NULL || e->info.waiting == 0)
		return (NULL);
	return (&e->info);
}

void
queue_walk(const struct queue *q, int (*fn)(struct queue_info *, void *),
    void *arg)
{
	struct queue_entry	*e;

	for (e = RB_MIN(queue_tree, (struct queue_tree *)(uintptr_t)&q->tree);
	    e != NULL; e = RB_NEXT(queue_tree, &q->tree, e))
		if (e->info.waiting > 0 && fn(&e->info, arg) != 0)
			return;
}
