/* See LICENSE for the terms. */
/*
 * Making the log shorter.  Segments go oldest first, and each unlink is
 * durable before the next, because a newer one may hold what says that a
 * message of an older one is done.  The few messages that would keep the
 * oldest segments are copied to the end of the log, with their marks, in
 * one batch.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "queue_internal.h"

/*
 * Copy when no more than a quarter of what is then freed is alive: so the
 * log is never much more than four times as long as it must be, and each
 * byte is copied seldom.
 */
#define CLEAN_SHARE	4
/*
 * Of a segment's full size: as much is copied in one go, since the event
 * loop waits for it; and with less in it the newest segment is not begun
 * anew when nothing waits, since that takes three syncs.
 */
#define CLEAN_PART	16
/*
 * A segment with a message that cannot be read holds up all later ones, which
 * may say of its others that they are done, and whose seals are a chain.  The
 * error may pass, so it is looked at again: not often, for disks that fail
 * take their time.
 */
#define CLEAN_REST	60
#define CLEAN_UNLINKS	16	/* segments that go in one go: each takes a
				 * sync of the directory */

/* The oldest segments that hold nothing any more.  0, or -1. */
static int
unlink_finished(struct queue *q)
{
	struct segment	*s;
	char		 name[QUEUE_NAME_MAX];
	int		 n;

	for (n = 0;; n++) {
		if (q->dir_dirty && fsync(q->dirfd) == -1) {
			log_warn("queue: sync of directory");
			return (-1);
		}
		q->dir_dirty = 0;
		s = TAILQ_FIRST(&q->segments);
		/* The newest stays: it keeps the ids growing. */
		if (s == NULL || TAILQ_NEXT(s, link) == NULL || s->stuck ||
		    !TAILQ_EMPTY(&s->entries) || n == CLEAN_UNLINKS)
			return (0);
		/* Nor may the next be without its seal on the disk. */
		if (TAILQ_NEXT(s, link)->size == 0)
			return (0);
		queue_segment_name(name, sizeof(name), s);
		if (unlinkat(q->dirfd, name, 0) == -1 && errno != ENOENT) {
			log_warn("queue: %s", name);
			return (-1);
		}
		q->dir_dirty = 1;
		queue_segment_free(q, s);
	}
}

/* 1 when copying what the oldest segments still hold is worth it. */
static int
worth_copying(const struct queue *q)
{
	const struct segment	*s;
	uint64_t		 size = 0, live = 0;

	TAILQ_FOREACH(s, &q->segments, link) {
		if (s == q->active || s->stuck ||
		    TAILQ_NEXT(s, link) == NULL)
			return (0);
		size += s->size;
		live += s->live;
		if (live <= size / CLEAN_SHARE)
			return (1);
	}
	return (0);
}

/* The record as it is, into the batch.  0, or -1 with errno. */
static int
copy_record(struct queue *q, struct batch *b, const struct segment *s,
    uint32_t offset, uint8_t **body)
{
	struct record_header	 h;
	uint8_t			*head;

	if (queue_record_read(q, s, offset, &h, &head, body) == -1)
		return (-1);
	if (queue_batch_add(b, h.type, head, h.head_len,
	    body == NULL ? NULL : *body, h.body_len) == -1) {
		errno = ENOMEM;
		return (-1);
	}
	return (0);
}

static int
copy_message(struct queue *q, struct batch *b, const struct queue_entry *e,
    uint8_t **body)
{
	size_t		 len = 0;
	uint32_t	 i;
	uint8_t		*change;

	if (copy_record(q, b, e->segment, e->offset, body) == -1)
		return (-1);
	for (i = 0; i < e->nmarks; i++)
		if (copy_record(q, b, e->marks[i].segment,
		    e->marks[i].offset, NULL) == -1)
			return (-1);
	if ((e->info.flags & QUEUE_INFO_CHANGED) == 0)
		return (0);
	/* Of these only the newest counts, and memory has all of it. */
	change = queue_entry_change(e, &len);
	if (queue_batch_add(b, RECORD_CHANGE, change, len, NULL, 0) == -1) {
		errno = ENOMEM;
		return (-1);
	}
	return (0);
}

/* The copies are durable: they are what counts.  Same order as above. */
static void
move_messages(struct segment *from, const struct batch *b, size_t count)
{
	struct queue_entry	*e;
	uint32_t		 i;
	size_t			 r = 0;

	while (count-- > 0) {
		e = TAILQ_FIRST(&from->entries);
		queue_entry_place(e, b->segment, b->records[r++].offset);
		for (i = 0; i < e->nmarks; i++) {
			e->marks[i].segment = b->segment;
			e->marks[i].offset = b->records[r++].offset;
		}
		if (e->info.flags & QUEUE_INFO_CHANGED)
			r++;
	}
}

/* Some of the oldest segment's messages.  0, or -1 when it cannot be. */
static int
copy_forward(struct queue *q)
{
	struct segment		*s = TAILQ_FIRST(&q->segments);
	struct queue_entry	*e;
	struct batch		 b;
	uint8_t			**bodies, **p;
	size_t			 count = 0;
	int			 error = 0;

	TAILQ_FOREACH(e, &s->entries, link)
		count++;
	if ((bodies = calloc(count + 1, sizeof(*bodies))) == NULL)
		return (-1);
	memset(&b, 0, sizeof(b));
	count = 0;
	TAILQ_FOREACH(e, &s->entries, link) {
		if (b.bytes >= q->segment_max / CLEAN_PART)
			break;
		if (copy_message(q, &b, e, &bodies[count]) == -1) {
			error = errno;
			log_warn("queue: copy of id=%016llx",
			    (unsigned long long)e->info.id);
			/* What stays so the next start sorts out. */
			if (error == EIO)
				s->rest = CLEAN_REST;
			break;
		}
		count++;
	}
	/* It can wait, and marks cannot. */
	if (error == 0 && count > 0)
		error = queue_space(q, b.bytes);
	if (error == 0 && count > 0)
		error = queue_batch_write(q, &b);
	if (error == 0)
		move_messages(s, &b, count);
	queue_batch_free(&b);
	for (p = bodies; *p != NULL; p++)
		free(*p);
	free(bodies);
	errno = error;
	return (error == 0 ? 0 : -1);
}

void
queue_clean(struct queue *q)
{
	struct segment	*s;

	if (q->committing || unlink_finished(q) == -1)
		return;
	s = TAILQ_FIRST(&q->segments);
	if (s != NULL && s->rest > 0) {
		s->rest--;
		return;
	}
	if (worth_copying(q)) {
		if (copy_forward(q) == 0)
			(void)unlink_finished(q);
		return;
	}
	if (s != NULL && s == q->active && RB_EMPTY(&q->tree) &&
	    s->size >= q->segment_max / CLEAN_PART && queue_rotate(q) == 0)
		(void)unlink_finished(q);
}
