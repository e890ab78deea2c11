/* See LICENSE for the terms. */
/*
 * The queue: messages being received, and the group commit that makes
 * messages and marks durable.
 */

#include <sys/statvfs.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "proto.h"
#include "queue_internal.h"

#define WRITER_FIRST	4096	/* of memory; doubles up to the inline limit */

struct queue *
queue_open(int spoolfd, const char *name)
{
	struct queue	*q;
	int		 error;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return (NULL);
	TAILQ_INIT(&q->segments);
	TAILQ_INIT(&q->pending);
	TAILQ_INIT(&q->watchers);
	RB_INIT(&q->tree);
	q->active_fd = q->reading_fd = -1;
	q->segment_max = QUEUE_SEGMENT_MAX;
	q->dirfd = openat(spoolfd, name,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (q->dirfd == -1 || queue_recover(q) == -1) {
		error = errno;
		queue_close(q);
		errno = error;
		return (NULL);
	}
	return (q);
}

static void
item_free(struct queue_item *item)
{
	free(item->head);
	free(item->status);
	free(item);
}

void
queue_close(struct queue *q)
{
	struct queue_item	*item;
	struct queue_entry	*e;
	struct queue_watcher	*w;
	struct segment		*s;

	if (q == NULL)
		return;
	while ((w = TAILQ_FIRST(&q->watchers)) != NULL)
		queue_unwatch(w);
	while ((item = TAILQ_FIRST(&q->pending)) != NULL) {
		TAILQ_REMOVE(&q->pending, item, link);
		if (item->writer != NULL)
			queue_abort(item->writer);
		item_free(item);
	}
	while ((e = RB_ROOT(&q->tree)) != NULL)
		queue_entry_remove(q, e);
	while ((s = TAILQ_FIRST(&q->segments)) != NULL)
		queue_segment_free(q, s);
	queue_read_forget(q);
	if (q->active_fd != -1)
		close(q->active_fd);
	if (q->dirfd != -1)
		close(q->dirfd);
	free(q);
}

struct queue_writer *
queue_message(struct queue *q)
{
	struct queue_writer	*w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return (NULL);
	/* Had now, so that a submission cannot fail for lack of it. */
	if ((w->item = calloc(1, sizeof(*w->item))) == NULL) {
		free(w);
		return (NULL);
	}
	w->queue = q;
	w->fd = -1;
	w->id = queue_new_id(q);
	return (w);
}

uint64_t
queue_writer_id(const struct queue_writer *w)
{
	return (w->id);
}

uint64_t
queue_writer_size(const struct queue_writer *w)
{
	return (w->size);
}

static void
writer_free(struct queue_writer *w)
{
	if (w->fd != -1)
		close(w->fd);
	free(w->buf);
	free(w);
}

static void
body_unlink(const struct queue *q, uint64_t id)
{
	char	 name[QUEUE_NAME_MAX];

	queue_body_name(name, sizeof(name), id);
	if (unlinkat(q->dirfd, name, 0) == -1)
		log_warn("queue: %s", name);
}

int
queue_space(const struct queue *q, uint64_t bytes)
{
	struct statvfs	 vfs;
	uint64_t	 avail;

	/* Where it cannot be told, the write itself tells. */
	if (fstatvfs(q->dirfd, &vfs) == -1 || vfs.f_blocks == 0)
		return (0);
	avail = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	return (avail < bytes + QUEUE_RESERVE ? ENOSPC : 0);
}

/* Writes the buffer to the body's file.  0, or -1 with errno. */
static int
writer_flush(struct queue_writer *w)
{
	const uint8_t	*p = w->buf;
	ssize_t		 n;

	if ((errno = queue_space(w->queue, w->len)) != 0)
		return (-1);
	for (; w->len > 0; p += n, w->len -= (size_t)n) {
		n = write(w->fd, p, w->len);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return (-1);
	}
	return (0);
}

/* Too large for memory: into a file. */
static int
writer_spill(struct queue_writer *w)
{
	char	 name[QUEUE_NAME_MAX];

	queue_body_name(name, sizeof(name), w->id);
	w->fd = openat(w->queue->dirfd, name, O_WRONLY | O_CREAT | O_EXCL |
	    O_CLOEXEC | O_NOFOLLOW, 0600);
	if (w->fd == -1)
		return (-1);
	return (writer_flush(w));
}

static int
writer_grow(struct queue_writer *w, size_t need)
{
	uint8_t	*buf;
	size_t	 cap;

	cap = w->cap == 0 ? WRITER_FIRST : w->cap;
	while (cap < need)
		cap *= 2;
	if (cap == w->cap)
		return (0);
	if ((buf = realloc(w->buf, cap)) == NULL)
		return (-1);
	w->buf = buf;
	w->cap = cap;
	return (0);
}

int
queue_write(struct queue_writer *w, const void *data, size_t len)
{
	const uint8_t	*p = data;
	size_t		 n;

	while (len > 0) {
		if (w->len == QUEUE_BODY_INLINE && (w->fd == -1 ?
		    writer_spill(w) : writer_flush(w)) == -1)
			return (-1);
		n = QUEUE_BODY_INLINE - w->len;
		n = n < len ? n : len;
		if (writer_grow(w, w->len + n) == -1)
			return (-1);
		memcpy(w->buf + w->len, p, n);
		w->len += n;
		w->size += n;
		p += n;
		len -= n;
	}
	return (0);
}

void
queue_abort(struct queue_writer *w)
{
	if (w == NULL)
		return;
	if (w->fd != -1)
		body_unlink(w->queue, w->id);
	free(w->item);
	writer_free(w);
}

void
queue_submit(struct queue_writer *w, struct envelope *e,
    queue_callback *callback, void *arg)
{
	struct queue_item	*item = w->item;
	struct record_message	 m;

	e->id = w->id;
	e->received = (int64_t)time(NULL);
	e->size = w->size;
	w->item = NULL;
	item->writer = w;
	item->callback = callback;
	item->arg = arg;
	item->id = w->id;
	item->record = -1;
	if (w->fd != -1 && writer_flush(w) == -1)
		item->result = errno;
	item->head = record_message_encode(e, w->fd != -1, &item->head_len);
	if (item->head == NULL && item->result == 0)
		item->result = errno;
	/* What the list will have of it, made now for the same reason. */
	if (item->result == 0 &&
	    (item->entry = calloc(1, sizeof(*item->entry))) == NULL)
		item->result = ENOMEM;
	if (item->result == 0) {
		/* What was just encoded is sound, and says what there is. */
		(void)record_message_check(&m, item->head, item->head_len);
		queue_entry_fill(item->entry, &m, (uint32_t)item->head_len);
	}
	TAILQ_INSERT_TAIL(&w->queue->pending, item, link);
}

void
queue_mark(struct queue *q, uint64_t id, uint32_t recipient,
    enum recipient_state state, int tried, const char *status,
    queue_callback *callback, void *arg)
{
	struct queue_item	*item;

	if ((item = calloc(1, sizeof(*item))) == NULL)
		fatal("queue: mark");
	item->callback = callback;
	item->arg = arg;
	item->id = id;
	item->recipient = recipient;
	item->state = (uint8_t)state;
	item->tried = (int8_t)tried;
	item->record = -1;
	if (status != NULL && (item->status = strndup(status,
	    record_status_len(status))) == NULL)
		fatal("queue: mark");
	TAILQ_INSERT_TAIL(&q->pending, item, link);
}

void
queue_change(struct queue *q, uint64_t id, enum queue_change change,
    queue_callback *callback, void *arg)
{
	struct queue_item	*item;

	if ((item = calloc(1, sizeof(*item))) == NULL)
		fatal("queue: change");
	item->callback = callback;
	item->arg = arg;
	item->id = id;
	item->change = (uint8_t)change;
	item->record = -1;
	TAILQ_INSERT_TAIL(&q->pending, item, link);
}

int
queue_pending(const struct queue *q)
{
	return (!TAILQ_EMPTY(&q->pending));
}

int
queue_in_doubt(const struct queue *q)
{
	return (q->in_doubt);
}

/* Makes the bodies in files durable: before the records that name them. */
static void
commit_bodies(struct queue *q, struct queue_items *items)
{
	struct queue_item	*item;
	int			 files = 0, error = 0;

	TAILQ_FOREACH(item, items, link) {
		if (item->writer == NULL || item->writer->fd == -1 ||
		    item->result != 0)
			continue;
		if (fsync(item->writer->fd) == -1) {
			item->result = errno;
			log_warn("queue: body of id=%016llx",
			    (unsigned long long)item->id);
		}
		files = 1;
	}
	if (!files)
		return;
	if (fsync(q->dirfd) == -1)
		error = errno;
	TAILQ_FOREACH(item, items, link)
		if (error != 0 && item->writer != NULL &&
		    item->writer->fd != -1 && item->result == 0)
			item->result = error;
}

/*
 * Messages that cannot be had: their own fault, or no space for any.  What
 * bounced may depend on one of them, being its notice.
 */
static void
commit_refuse(struct queue *q, struct queue_items *items)
{
	struct queue_item	*item;
	uint64_t		 bytes = 0;
	int			 space = 0, refused = 0;

	TAILQ_FOREACH(item, items, link)
		if (item->writer != NULL && item->result == 0)
			bytes += RECORD_HEADER_LEN + item->head_len +
			    (item->writer->fd != -1 ? 0 : item->writer->size);
	if (bytes > 0)
		space = queue_space(q, bytes);
	TAILQ_FOREACH(item, items, link) {
		if (item->writer == NULL)
			continue;
		if (item->result == 0)
			item->result = space;
		if (item->result != 0)
			refused = item->result;
	}
	TAILQ_FOREACH(item, items, link)
		if (item->writer == NULL &&
		    (item->state == RECIPIENT_BOUNCED ||
		    item->change == QUEUE_LATE))
			item->result = refused;
}

/* Adds a mark to the batch and to memory.  0, or -1 with ENOMEM. */
static int
encode_mark(struct queue *q, struct batch *b, struct queue_item *item)
{
	struct queue_entry	*e;
	struct record_mark	 mark;
	struct mark_ref		 ref, *now;
	uint8_t			*head;
	size_t			 len = 0;
	int			 rc;

	e = queue_find(q, item->id);
	if (e == NULL || item->recipient >= e->nrecipients) {
		item->result = ENOENT;
		return (0);
	}
	now = queue_entry_ref(e, item->recipient);
	/* What is sent or bounced stays so. */
	if (now != NULL && now->state != RECIPIENT_WAITING)
		return (0);
	memset(&ref, 0, sizeof(ref));
	ref.recipient = item->recipient;
	ref.state = item->state;
	if (now != NULL && item->tried != QUEUE_AFRESH)
		ref.windows = now->windows;
	if (item->tried > 0 && ref.windows < RECORD_WINDOWS_MAX)
		ref.windows++;
	mark.id = item->id;
	mark.recipient = item->recipient;
	mark.windows = ref.windows;
	mark.state = item->state;
	mark.when = (int64_t)time(NULL);
	mark.status = item->status;
	mark.status_len = item->status == NULL ? 0 : strlen(item->status);
	head = record_mark_encode(&mark, &len);
	item->record = queue_batch_add(b, RECORD_MARK, head, len, NULL, 0);
	if (item->record == -1)
		return (-1);
	if ((rc = queue_entry_mark(e, &ref, &item->before)) == -1)
		return (-1);
	item->had_before = rc;
	item->entry = e;
	if (e->info.waiting > 0)
		return (0);
	head = record_done_encode(e->info.id, &len);
	return (queue_batch_add(b, RECORD_DONE, head, len, NULL, 0) == -1 ?
	    -1 : 0);
}

/* What a change makes of a message. */
static void
entry_change(struct queue_entry *e, enum queue_change change)
{
	switch (change) {
	case QUEUE_HOLD:
		e->info.flags |= QUEUE_INFO_HELD;
		break;
	case QUEUE_RELEASE:
		e->info.flags &= (uint8_t)~QUEUE_INFO_HELD;
		break;
	case QUEUE_LATE:
		e->info.flags |= QUEUE_INFO_LATE;
		break;
	case QUEUE_NORMAL:
		e->info.class = PROTO_NORMAL;
		break;
	case QUEUE_URGENT:
		e->info.class = PROTO_URGENT;
		break;
	case QUEUE_BULK:
		e->info.class = PROTO_BULK;
		break;
	}
	e->info.flags |= QUEUE_INFO_CHANGED;
}

/* Adds a change to the batch and to memory.  0, or -1 with ENOMEM. */
static int
encode_change(struct queue *q, struct batch *b, struct queue_item *item)
{
	struct queue_entry	*e;
	uint8_t			*head;
	size_t			 len = 0;

	if ((e = queue_find(q, item->id)) == NULL) {
		item->result = ENOENT;
		return (0);
	}
	item->entry = e;
	item->class_before = e->info.class;
	item->flags_before = e->info.flags;
	entry_change(e, item->change);
	head = queue_entry_change(e, &len);
	item->record = queue_batch_add(b, RECORD_CHANGE, head, len, NULL, 0);
	return (item->record == -1 ? -1 : 0);
}

/* All records of this commit.  0, or an errno. */
static int
commit_encode(struct queue *q, struct batch *b, struct queue_items *items)
{
	struct queue_item	*item;
	struct queue_writer	*w;
	int			 in_file;

	TAILQ_FOREACH(item, items, link) {
		if (item->result != 0)
			continue;
		if ((w = item->writer) == NULL) {
			if ((item->change != 0 ? encode_change(q, b, item) :
			    encode_mark(q, b, item)) == -1)
				return (ENOMEM);
			continue;
		}
		in_file = w->fd != -1;
		item->record = queue_batch_add(b, RECORD_MESSAGE, item->head,
		    item->head_len, in_file ? NULL : w->buf,
		    in_file ? 0 : w->len);
		item->head = NULL;
		if (item->record == -1)
			return (ENOMEM);
	}
	return (0);
}

/* Not durable: everything in memory as it was. */
static void
commit_undo(struct queue_items *items, int error)
{
	struct queue_item	*item;

	TAILQ_FOREACH_REVERSE(item, items, queue_items, link) {
		if (item->result != 0)
			continue;
		item->result = error;
		if (item->writer != NULL || item->entry == NULL)
			continue;
		if (item->change != 0) {
			item->entry->info.class = item->class_before;
			item->entry->info.flags = item->flags_before;
		} else
			queue_entry_unmark(item->entry, item->recipient,
			    item->had_before ? &item->before : NULL);
	}
}

/* Where the record of a mark is, now that it is durable. */
static void
apply_mark(const struct batch *b, const struct queue_item *item)
{
	struct mark_ref	*ref;

	ref = queue_entry_ref(item->entry, item->recipient);
	ref->segment = b->segment;
	ref->offset = b->records[item->record].offset;
}

/*
 * Durable: memory says where.  Those who watch are told when all of it does,
 * for they may read a message that has another mark in the same batch.
 */
static void
commit_apply(struct queue *q, const struct batch *b,
    struct queue_items *items)
{
	struct queue_item	*item;

	TAILQ_FOREACH(item, items, link) {
		if (item->result != 0 || item->record == -1)
			continue;
		if (item->writer != NULL) {
			queue_entry_insert(q, item->entry);
			queue_entry_place(item->entry, b->segment,
			    b->records[item->record].offset);
		} else if (item->change == 0)
			apply_mark(b, item);
	}
	TAILQ_FOREACH(item, items, link) {
		if (item->result != 0 || item->record == -1)
			continue;
		queue_tell(q, item->writer == NULL ? QUEUE_CHANGED :
		    QUEUE_NEW, &item->entry->info);
		if (item->writer != NULL)
			item->entry = NULL;
	}
}

/* Messages that this commit brought to their end. */
static void
commit_finish(struct queue *q, struct queue_items *items)
{
	struct queue_item	*item;
	struct queue_entry	*e;

	while ((item = TAILQ_FIRST(items)) != NULL) {
		TAILQ_REMOVE(items, item, link);
		/* By id: another mark of the message may have been first. */
		if (item->result == 0 && item->record != -1 &&
		    (e = queue_find(q, item->id)) != NULL &&
		    e->info.waiting == 0) {
			if (e->info.flags & QUEUE_INFO_FILE)
				body_unlink(q, e->info.id);
			queue_tell(q, QUEUE_GONE, &e->info);
			queue_entry_remove(q, e);
		}
		item_free(item);
	}
}

/* The memory and the files of messages that were not taken in. */
static void
commit_writers(struct queue *q, struct queue_items *items)
{
	struct queue_item	*item;

	TAILQ_FOREACH(item, items, link) {
		if (item->writer == NULL)
			continue;
		if (item->result != 0) {
			if (item->writer->fd != -1)
				body_unlink(q, item->id);
			free(item->entry);
			item->entry = NULL;
		}
		writer_free(item->writer);
	}
}

void
queue_commit(struct queue *q)
{
	struct queue_items	 items = TAILQ_HEAD_INITIALIZER(items);
	struct queue_item	*item;
	struct batch		 b;
	int			 error;

	/* From a callback: then it is for the next. */
	if (q->committing || TAILQ_EMPTY(&q->pending))
		return;
	q->committing = 1;
	TAILQ_CONCAT(&items, &q->pending, link);
	memset(&b, 0, sizeof(b));
	commit_bodies(q, &items);
	commit_refuse(q, &items);
	error = commit_encode(q, &b, &items);
	if (error == 0 && b.count > 0)
		error = queue_batch_write(q, &b);
	if (error != 0)
		commit_undo(&items, error);
	else
		commit_apply(q, &b, &items);
	queue_batch_free(&b);
	commit_writers(q, &items);
	TAILQ_FOREACH(item, &items, link)
		if (item->callback != NULL)
			item->callback(item->arg, item->result);
	commit_finish(q, &items);
	q->committing = 0;
}
