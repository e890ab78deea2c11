/* See LICENSE for the terms. */
/*
 * Reading the records of a segment at start.
 *
 * The records of a batch take effect together, once the batch is known to
 * be whole, or to have been acknowledged although some of it cannot be read
 * any more: that is so when something follows it, in its segment or in the
 * seal that begins the next.  Otherwise it is the torn end of the log, and
 * is cut off.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "queue_recover.h"

#define NO_BATCH	UINT64_MAX

void
replay_set_aside(struct recovery *r, const struct hole *hole)
{
	struct segment	*s = r->segment;
	char		 name[QUEUE_NAME_MAX];

	r->ndamaged++;
	r->damaged = 1;
	snprintf(name, sizeof(name), "damaged.%016llx.%08llx",
	    (unsigned long long)s->number, (unsigned long long)hole->from);
	log_warnx("queue: damaged: segment=%016llx offset=%llu length=%llu "
	    "aside=%s", (unsigned long long)s->number,
	    (unsigned long long)hole->from,
	    (unsigned long long)(hole->to - hole->from), name);
	if (reader_copy(&r->reader, hole->from, hole->to, r->queue->dirfd,
	    name) == -1) {
		log_warn("queue: %s", name);
		/* Then the segment stays. */
		s->stuck = 1;
	}
}

static void
set_aside_holes(struct recovery *r)
{
	size_t	 i;

	for (i = 0; i < r->nholes; i++)
		replay_set_aside(r, &r->holes[i]);
	r->nholes = 0;
}

static int
apply_message(struct recovery *r, const struct replay *p)
{
	const struct record_message *m = &p->u.message;
	struct queue_entry	*e;

	if ((e = queue_find(r->queue, m->id)) != NULL) {
		/* A copy, made to free the older segment. */
		if (e->nrecipients == m->nrecipients &&
		    e->info.size == m->size &&
		    e->head_len == p->head_len)
			queue_entry_place(e, r->segment, p->offset);
		return (0);
	}
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return (-1);
	queue_entry_fill(e, m, p->head_len);
	queue_entry_insert(r->queue, e);
	queue_entry_place(e, r->segment, p->offset);
	return (0);
}

/* A mark without its message is of one that is done, or damaged. */
static int
apply_mark(struct recovery *r, const struct replay *p)
{
	const struct record_mark *m = &p->u.mark;
	struct queue_entry	*e;
	struct mark_ref		 ref;

	e = queue_find(r->queue, m->id);
	if (e == NULL || m->recipient >= e->nrecipients)
		return (0);
	memset(&ref, 0, sizeof(ref));
	ref.segment = r->segment;
	ref.offset = p->offset;
	ref.recipient = m->recipient;
	ref.windows = m->windows;
	ref.state = m->state;
	return (queue_entry_mark(e, &ref, NULL) == -1 ? -1 : 0);
}

static void
apply_change(struct recovery *r, const struct record_change *c)
{
	struct queue_entry	*e;

	if ((e = queue_find(r->queue, c->id)) == NULL)
		return;
	e->info.class = c->class;
	e->info.flags &= (uint8_t)~(QUEUE_INFO_HELD | QUEUE_INFO_LATE);
	e->info.flags |= QUEUE_INFO_CHANGED;
	if (c->flags & RECORD_HELD)
		e->info.flags |= QUEUE_INFO_HELD;
	if (c->flags & RECORD_LATE)
		e->info.flags |= QUEUE_INFO_LATE;
}

static int
apply_record(struct recovery *r, const struct replay *p)
{
	struct queue_entry	*e;
	uint64_t		 id;

	switch (p->type) {
	case RECORD_MESSAGE:
		id = p->u.message.id;
		break;
	case RECORD_DONE:
		id = p->u.id;
		break;
	case RECORD_CHANGE:
		apply_change(r, &p->u.change);
		return (0);
	default:
		return (p->type == RECORD_MARK ? apply_mark(r, p) : 0);
	}
	if (id > r->queue->last_id)
		r->queue->last_id = id;
	if (p->type == RECORD_MESSAGE)
		return (apply_message(r, p));
	if ((e = queue_find(r->queue, id)) != NULL)
		queue_entry_remove(r->queue, e);
	return (0);
}

/* The open batch was acknowledged: what can be read of it takes effect. */
static int
batch_apply(struct recovery *r)
{
	size_t	 i;

	set_aside_holes(r);
	for (i = 0; i < r->nreplays; i++)
		if (apply_record(r, &r->replays[i]) == -1)
			return (-1);
	r->nreplays = 0;
	r->batch = NO_BATCH;
	r->holed = r->suspect = 0;
	return (0);
}

/*
 * What is open at the end of the segment was never acknowledged.  If it
 * looks as if it had once been whole, this may be wrong, so it is kept
 * aside.  Returns where the good part ends.
 */
static uint64_t
batch_torn(struct recovery *r)
{
	struct hole	 all;

	all.from = r->batch;
	all.to = r->end;
	if (r->nholes > 0 && r->holes[0].from < all.from)
		all.from = r->holes[0].from;
	log_warnx("queue: torn end: segment=%016llx offset=%llu length=%llu",
	    (unsigned long long)r->segment->number,
	    (unsigned long long)all.from,
	    (unsigned long long)(all.to - all.from));
	if (r->suspect)
		replay_set_aside(r, &all);
	r->nholes = r->nreplays = 0;
	return (all.from);
}

/* Decodes a head.  0, or -1 with EINVAL. */
static int
replay_decode(struct replay *p, const struct record_header *h,
    const uint8_t *head)
{
	struct record_seal	 seal;
	int			 error;

	p->type = h->type;
	p->head_len = h->head_len;
	switch (h->type) {
	case RECORD_MESSAGE:
		error = record_message_check(&p->u.message, head, h->head_len);
		if (error == 0 && h->body_len !=
		    (p->u.message.file ? 0 : p->u.message.size))
			error = -1;
		break;
	case RECORD_MARK:
		error = record_mark_decode(&p->u.mark, head, h->head_len);
		p->u.mark.status = NULL;
		break;
	case RECORD_CHANGE:
		error = record_change_decode(&p->u.change, head, h->head_len);
		break;
	case RECORD_DONE:
		error = record_done_decode(&p->u.id, head, h->head_len);
		break;
	case RECORD_SEAL:
		error = record_seal_decode(&seal, head, h->head_len);
		break;
	default:
		error = -1;
	}
	if (error == -1)
		errno = EINVAL;
	return (error);
}

/* A good record that ends at end. */
static int
scan_good(struct recovery *r, const struct record_header *h,
    const struct replay *p, uint64_t end)
{
	struct replay	*replays;
	uint64_t	 hole_end = 0;

	if (r->nholes > 0)
		hole_end = r->holes[r->nholes - 1].to;
	if (r->batch != h->batch) {
		/* Something follows what was open: it was acknowledged. */
		if ((r->batch != NO_BATCH || hole_end <= h->batch) &&
		    batch_apply(r) == -1)
			return (-1);
		r->batch = h->batch;
		r->holed = hole_end > h->batch;
	}
	if (r->holed)
		r->suspect = 1;
	replays = replay_grow(r->replays, r->nreplays, &r->replays_cap,
	    sizeof(*r->replays));
	if (replays == NULL)
		return (-1);
	r->replays = replays;
	r->replays[r->nreplays++] = *p;
	if (!(h->flags & RECORD_LAST))
		return (0);
	if (r->holed && end == r->end && !r->sealed)
		return (0);
	return (batch_apply(r));
}

static int
scan_bad(struct recovery *r, uint64_t from, uint64_t to)
{
	struct hole	*last, *holes;

	r->holed = 1;
	if (r->nholes > 0) {
		last = &r->holes[r->nholes - 1];
		if (last->to == from) {
			last->to = to;
			return (0);
		}
	}
	holes = replay_grow(r->holes, r->nholes, &r->holes_cap,
	    sizeof(*r->holes));
	if (holes == NULL)
		return (-1);
	r->holes = holes;
	r->holes[r->nholes].from = from;
	r->holes[r->nholes++].to = to;
	return (0);
}

/*
 * One record, good or bad, at offset.  Moves offset behind it; 0, or -1
 * when nothing can go on.
 */
static int
scan_record(struct recovery *r, uint64_t *offset)
{
	struct record_header	 h;
	struct replay		 p;
	const uint8_t		*head, *body;
	uint64_t		 end;

	memset(&p, 0, sizeof(p));
	p.offset = (uint32_t)*offset;
	if (reader_header(&r->reader, *offset, &h) == -1) {
		if (errno != EINVAL)
			return (-1);
		end = reader_scan(&r->reader, *offset + 1);
		if (scan_bad(r, *offset, end) == -1)
			return (-1);
		*offset = end;
		return (0);
	}
	end = *offset + RECORD_HEADER_LEN + h.head_len + h.body_len;
	if (end > r->end) {
		*offset = r->end;
		return (scan_bad(r, p.offset, r->end));
	}
	*offset = end;
	head = reader_get(&r->reader, p.offset + (uint64_t)RECORD_HEADER_LEN,
	    (size_t)h.head_len + h.body_len);
	if (head == NULL)
		return (-1);
	body = head + h.head_len;
	if (record_crc(head, h.head_len) == h.head_crc &&
	    record_crc(body, h.body_len) == h.body_crc &&
	    replay_decode(&p, &h, head) == 0)
		return (scan_good(r, &h, &p, end));
	/* The header is good, so its batch and length are known. */
	if (r->batch != NO_BATCH && r->batch != h.batch &&
	    batch_apply(r) == -1)
		return (-1);
	if (r->batch == NO_BATCH && r->nholes == 0)
		r->batch = h.batch;
	if (h.flags & RECORD_LAST)
		r->suspect = 1;
	return (scan_bad(r, p.offset, end));
}

int
replay_segment(struct recovery *r)
{
	struct segment	*s = r->segment;
	uint64_t	 offset = 0;

	r->batch = NO_BATCH;
	r->holed = r->suspect = r->damaged = 0;
	r->nholes = r->nreplays = 0;
	if (r->sealed && r->reader.size < r->end) {
		log_warnx("queue: segment=%016llx is short: %llu of %llu",
		    (unsigned long long)s->number,
		    (unsigned long long)r->reader.size,
		    (unsigned long long)r->end);
		r->ndamaged++;
	}
	if (!r->sealed || r->reader.size < r->end)
		r->end = r->reader.size;
	while (offset < r->end)
		if (scan_record(r, &offset) == -1)
			return (-1);
	s->size = r->end;
	if (r->batch == NO_BATCH && r->nholes == 0)
		return (0);
	if (r->sealed)
		return (batch_apply(r));
	s->size = batch_torn(r);
	return (0);
}
