/* See LICENSE for the terms. */
/* What the queue knows in memory: segments, messages, and their marks. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "queue_internal.h"

static int
queue_entry_cmp(const struct queue_entry *a, const struct queue_entry *b)
{
	if (a->info.id < b->info.id)
		return (-1);
	return (a->info.id > b->info.id);
}

RB_GENERATE(queue_tree, queue_entry, node, queue_entry_cmp)

uint64_t
queue_new_id(struct queue *q)
{
	struct timespec	 ts;
	uint64_t	 id = 0;

	if (clock_gettime(CLOCK_REALTIME, &ts) == 0 && ts.tv_sec > 0)
		id = (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
	if (id <= q->last_id)
		id = q->last_id + 1;
	if (id > INT64_MAX)
		fatalx("queue: no more message ids");
	q->last_id = id;
	return (id);
}

struct queue_entry *
queue_find(const struct queue *q, uint64_t id)
{
	struct queue_entry	*e = RB_ROOT(&q->tree);

	while (e != NULL && e->info.id != id)
		e = id < e->info.id ? RB_LEFT(e, node) : RB_RIGHT(e, node);
	return (e);
}

void
queue_tell(struct queue *q, enum queue_event event, struct queue_info *info)
{
	struct queue_watcher	*w;

	TAILQ_FOREACH(w, &q->watchers, link)
		w->tell(q, event, info);
}

void
queue_watch(struct queue *q, struct queue_watcher *w)
{
	struct queue_entry	*e;

	queue_unwatch(w);
	w->queue = q;
	TAILQ_INSERT_TAIL(&q->watchers, w, link);
	RB_FOREACH(e, queue_tree, &q->tree)
		w->tell(q, QUEUE_NEW, &e->info);
}

void
queue_unwatch(struct queue_watcher *w)
{
	if (w->queue == NULL)
		return;
	TAILQ_REMOVE(&w->queue->watchers, w, link);
	w->queue = NULL;
}

void
queue_entry_fill(struct queue_entry *e, const struct record_message *m,
    uint32_t head_len)
{
	e->info.id = m->id;
	e->info.received = m->received;
	e->info.deadline = m->deadline;
	e->info.size = m->size;
	e->info.waiting = e->nrecipients = m->nrecipients;
	e->info.class = m->class;
	e->info.flags = (uint8_t)((m->nlocal > 0 ? QUEUE_INFO_LOCAL : 0) |
	    (m->nlocal < m->nrecipients ? QUEUE_INFO_REMOTE : 0) |
	    (m->file ? QUEUE_INFO_FILE : 0));
	e->head_len = head_len;
}

uint8_t *
queue_entry_change(const struct queue_entry *e, size_t *len)
{
	struct record_change	 c;

	c.id = e->info.id;
	c.class = e->info.class;
	c.flags = 0;
	if (e->info.flags & QUEUE_INFO_HELD)
		c.flags |= RECORD_HELD;
	if (e->info.flags & QUEUE_INFO_LATE)
		c.flags |= RECORD_LATE;
	return (record_change_encode(&c, len));
}

void
queue_entry_insert(struct queue *q, struct queue_entry *e)
{
	if (RB_INSERT(queue_tree, &q->tree, e) != NULL)
		fatalx("queue: id %016llx is there twice",
		    (unsigned long long)e->info.id);
}

uint64_t
queue_entry_length(const struct queue_entry *e)
{
	return ((uint64_t)RECORD_HEADER_LEN + e->head_len +
	    ((e->info.flags & QUEUE_INFO_FILE) ? 0 : e->info.size));
}

static void
entry_unplace(struct queue_entry *e)
{
	if (e->segment == NULL)
		return;
	TAILQ_REMOVE(&e->segment->entries, e, link);
	e->segment->live -= queue_entry_length(e);
	e->segment = NULL;
}

void
queue_entry_place(struct queue_entry *e, struct segment *s, uint32_t offset)
{
	entry_unplace(e);
	e->segment = s;
	e->offset = offset;
	TAILQ_INSERT_TAIL(&s->entries, e, link);
	s->live += queue_entry_length(e);
}

void
queue_entry_remove(struct queue *q, struct queue_entry *e)
{
	RB_REMOVE(queue_tree, &q->tree, e);
	entry_unplace(e);
	free(e->marks);
	free(e);
}

/* Where the mark of a recipient is in the array, or would be. */
static uint32_t
mark_slot(const struct queue_entry *e, uint32_t recipient)
{
	uint32_t	 low = 0, high = e->nmarks, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (e->marks[middle].recipient < recipient)
			low = middle + 1;
		else
			high = middle;
	}
	return (low);
}

struct mark_ref *
queue_entry_ref(const struct queue_entry *e, uint32_t recipient)
{
	uint32_t	 slot;

	slot = mark_slot(e, recipient);
	if (slot == e->nmarks || e->marks[slot].recipient != recipient)
		return (NULL);
	return (&e->marks[slot]);
}

static void
entry_count(struct queue_entry *e, uint8_t before, uint8_t after)
{
	if (before == RECIPIENT_WAITING && after != RECIPIENT_WAITING)
		e->info.waiting--;
	else if (before != RECIPIENT_WAITING && after == RECIPIENT_WAITING)
		e->info.waiting++;
}

int
queue_entry_mark(struct queue_entry *e, const struct mark_ref *mark,
    struct mark_ref *before)
{
	struct mark_ref	*marks;
	uint32_t	 slot;

	slot = mark_slot(e, mark->recipient);
	if (slot < e->nmarks && e->marks[slot].recipient == mark->recipient) {
		if (before != NULL)
			*before = e->marks[slot];
		entry_count(e, e->marks[slot].state, mark->state);
		e->marks[slot] = *mark;
		return (1);
	}
	/* Grows by doubling: a power of two is full. */
	if ((e->nmarks & (e->nmarks - 1)) == 0) {
		marks = reallocarray(e->marks, e->nmarks == 0 ? 1 :
		    (size_t)e->nmarks * 2, sizeof(*marks));
		if (marks == NULL)
			return (-1);
		e->marks = marks;
	}
	memmove(&e->marks[slot + 1], &e->marks[slot],
	    (e->nmarks - slot) * sizeof(*e->marks));
	e->marks[slot] = *mark;
	e->nmarks++;
	entry_count(e, RECIPIENT_WAITING, mark->state);
	return (0);
}

void
queue_entry_unmark(struct queue_entry *e, uint32_t recipient,
    const struct mark_ref *before)
{
	uint32_t	 slot;

	slot = mark_slot(e, recipient);
	if (before != NULL) {
		entry_count(e, e->marks[slot].state, before->state);
		e->marks[slot] = *before;
		return;
	}
	entry_count(e, e->marks[slot].state, RECIPIENT_WAITING);
	e->nmarks--;
	memmove(&e->marks[slot], &e->marks[slot + 1],
	    (e->nmarks - slot) * sizeof(*e->marks));
}

struct segment *
queue_segment_new(struct queue *q, uint64_t number, uint64_t salt)
{
	struct segment	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->number = number;
	s->salt = salt;
	TAILQ_INIT(&s->entries);
	TAILQ_INSERT_TAIL(&q->segments, s, link);
	return (s);
}

void
queue_segment_free(struct queue *q, struct segment *s)
{
	if (q->reading == s)
		queue_read_forget(q);
	TAILQ_REMOVE(&q->segments, s, link);
	free(s);
}

void
queue_segment_name(char *buf, size_t len, const struct segment *s)
{
	snprintf(buf, len, "log.%016llx.%016llx",
	    (unsigned long long)s->number, (unsigned long long)s->salt);
}

void
queue_body_name(char *buf, size_t len, uint64_t id)
{
	snprintf(buf, len, "body.%016llx", (unsigned long long)id);
}
