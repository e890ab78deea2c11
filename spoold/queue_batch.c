/* See LICENSE for the terms. */
/*
 * Appending to the log: a batch of records is written to the newest segment
 * and synced once.  Either all of it is there afterwards or nothing.
 */

#include <sys/uio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "queue_internal.h"

#define BATCH_IOV	512	/* at once; no system has a lower IOV_MAX
				 * that matters */

int
queue_batch_add(struct batch *b, enum record_type type, uint8_t *head,
    size_t head_len, const uint8_t *body, size_t body_len)
{
	struct batch_record	*records, *r;

	if (head == NULL)
		return (-1);
	/* Grows by doubling: a power of two is full. */
	if ((b->count & (b->count - 1)) == 0) {
		records = reallocarray(b->records,
		    b->count == 0 ? 1 : b->count * 2, sizeof(*records));
		if (records == NULL) {
			free(head);
			return (-1);
		}
		b->records = records;
	}
	r = &b->records[b->count];
	r->type = type;
	r->head = head;
	r->head_len = head_len;
	r->body = body;
	r->body_len = body_len;
	b->bytes += RECORD_HEADER_LEN + head_len + body_len;
	return ((int)b->count++);
}

void
queue_batch_free(struct batch *b)
{
	size_t	 i;

	for (i = 0; i < b->count; i++)
		free(b->records[i].head);
	free(b->records);
	memset(b, 0, sizeof(*b));
}

void
queue_retire(struct queue *q)
{
	if (q->active == NULL)
		return;
	close(q->active_fd);
	q->active_fd = -1;
	q->active = NULL;
}

/*
 * What is in the segment beyond its good end may or may not be on the disk.
 * It was not acknowledged and must not count: the next segment's seal says
 * so, and if the disk still can, it is taken away at once.
 */
static void
segment_abandon(struct queue *q)
{
	struct segment	*s = q->active;
	char		 name[QUEUE_NAME_MAX];

	queue_segment_name(name, sizeof(name), s);
	log_warnx("queue: %s is not written to any more", name);
	if (s->size == 0) {
		queue_retire(q);
		if (unlinkat(q->dirfd, name, 0) == -1 ||
		    fsync(q->dirfd) == -1) {
			log_warn("queue: %s", name);
			q->in_doubt = 1;
		}
		queue_segment_free(q, s);
		return;
	}
	if (ftruncate(q->active_fd, (off_t)s->size) == -1 ||
	    fsync(q->active_fd) == -1) {
		log_warn("queue: %s: truncate", name);
		q->in_doubt = 1;
	}
	queue_retire(q);
}

/* Makes a new segment the active one; else, with an errno, it stays. */
static int
segment_open(struct queue *q)
{
	struct segment	*s;
	uint64_t	 salt;
	char		 name[QUEUE_NAME_MAX];
	int		 fd, error;

	arc4random_buf(&salt, sizeof(salt));
	if ((s = queue_segment_new(q, queue_new_id(q), salt)) == NULL)
		return (ENOMEM);
	queue_segment_name(name, sizeof(name), s);
	fd = openat(q->dirfd, name, O_WRONLY | O_APPEND | O_CREAT | O_EXCL |
	    O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1) {
		error = errno;
		log_warn("queue: %s", name);
		queue_segment_free(q, s);
		return (error);
	}
	queue_retire(q);
	q->active = s;
	q->active_fd = fd;
	return (0);
}

/* The record that begins a segment: where the one before it ends. */
static uint8_t *
segment_seal(const struct segment *s, size_t *len)
{
	const struct segment	*previous;
	struct record_seal	 seal = { 0, 0 };

	if ((previous = TAILQ_PREV(s, segments, link)) != NULL) {
		seal.previous = previous->number;
		seal.end = previous->size;
	}
	return (record_seal_encode(&seal, len));
}

/* Gives each record its place, its header, and an entry in the iovec. */
static size_t
batch_lay_out(struct batch *b, const struct segment *s, struct iovec *iov)
{
	struct record_header	 h;
	struct batch_record	*r;
	uint64_t		 offset = s->size;
	size_t			 i, n = 0;

	memset(&h, 0, sizeof(h));
	h.batch = (uint32_t)s->size;
	for (i = 0; i < b->count; i++) {
		r = &b->records[i];
		r->offset = (uint32_t)offset;
		h.type = r->type;
		h.flags = i == b->count - 1 ? RECORD_LAST : 0;
		h.head_len = (uint32_t)r->head_len;
		h.body_len = (uint32_t)r->body_len;
		h.head_crc = record_crc(r->head, r->head_len);
		h.body_crc = record_crc(r->body, r->body_len);
		record_header_encode(r->header, &h, s->salt, offset);
		iov[n].iov_base = r->header;
		iov[n++].iov_len = RECORD_HEADER_LEN;
		iov[n].iov_base = r->head;
		iov[n++].iov_len = r->head_len;
		if (r->body_len > 0) {
			iov[n].iov_base = (void *)(uintptr_t)r->body;
			iov[n++].iov_len = r->body_len;
		}
		offset += RECORD_HEADER_LEN + r->head_len + r->body_len;
	}
	return (n);
}

/* All of it, or -1 with errno. */
static int
write_all(int fd, struct iovec *iov, size_t n)
{
	ssize_t	 done;

	while (n > 0) {
		done = writev(fd, iov, n < BATCH_IOV ? (int)n : BATCH_IOV);
		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return (-1);
		if (done == 0) {
			errno = EIO;
			return (-1);
		}
		while (n > 0 && (size_t)done >= iov->iov_len) {
			done -= iov->iov_len;
			iov++;
			n--;
		}
		if (n > 0) {
			iov->iov_base = (uint8_t *)iov->iov_base + done;
			iov->iov_len -= done;
		}
	}
	return (0);
}

/* Writes to the active segment and syncs.  0, or an errno. */
static int
batch_append(struct queue *q, struct batch *b)
{
	struct segment	*s = q->active;
	struct iovec	*iov;
	size_t		 n;
	int		 error;

	if ((iov = calloc(b->count, 3 * sizeof(*iov))) == NULL)
		return (ENOMEM);
	n = batch_lay_out(b, s, iov);
	if (write_all(q->active_fd, iov, n) == -1) {
		error = errno;
		log_warn("queue: write");
		if (ftruncate(q->active_fd, (off_t)s->size) == -1)
			segment_abandon(q);
		goto done;
	}
	/* A new file is only there once its directory says so, too. */
	if (fdatasync(q->active_fd) == -1 ||
	    (s->size == 0 && fsync(q->dirfd) == -1)) {
		error = errno;
		log_warn("queue: sync");
		segment_abandon(q);
		goto done;
	}
	s->size += b->bytes;
	b->segment = s;
	/* An abandoned segment is followed by this one's seal now. */
	q->in_doubt = 0;
	error = 0;
done:
	free(iov);
	return (error);
}

int
queue_batch_write(struct queue *q, struct batch *b)
{
	struct batch_record	 first;
	uint8_t			*seal;
	size_t			 len;
	int			 error;

	if (b->bytes > QUEUE_SEGMENT_LIMIT / 2)
		return (EFBIG);
	/* Where no file can be made the old segment must do. */
	if ((q->active == NULL || (q->active->size > 0 &&
	    q->active->size + b->bytes > q->segment_max)) &&
	    (error = segment_open(q)) != 0 && (q->active == NULL ||
	    q->active->size + b->bytes > QUEUE_SEGMENT_LIMIT))
		return (error);
	if (q->active->size > 0)
		return (batch_append(q, b));

	/*
	 * The seal comes first, but the caller's indices stay: it is added
	 * at the end and changes places with the others for the writing.
	 */
	seal = segment_seal(q->active, &len);
	if (queue_batch_add(b, RECORD_SEAL, seal, len, NULL, 0) == -1)
		return (ENOMEM);
	first = b->records[b->count - 1];
	memmove(b->records + 1, b->records,
	    (b->count - 1) * sizeof(*b->records));
	b->records[0] = first;
	error = batch_append(q, b);
	first = b->records[0];
	memmove(b->records, b->records + 1,
	    (b->count - 1) * sizeof(*b->records));
	b->records[b->count - 1] = first;
	return (error);
}

int
queue_rotate(struct queue *q)
{
	struct batch	 b;
	int		 error;

	memset(&b, 0, sizeof(b));
	if ((error = segment_open(q)) == 0)
		error = queue_batch_write(q, &b);
	queue_batch_free(&b);
	return (error);
}
