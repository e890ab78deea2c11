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
	if (a->id < b->id)
		return (-1);
	return (a->id > b->id);
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

	while (e != NULL && e->id != id)
		e = id < e->id ? RB_LEFT(e, node) : RB_RIGHT(e, node);
	return (e);
}

void
queue_entry_insert(struct queue *q, struct queue_entry *e)
{
	if (RB_INSERT(queue_tree, &q->tree, e) != NULL)
		fatalx("queue: id %016llx is there twice",
		    (unsigned long long)e->id);
}

uint64_t
queue_entry_length(const struct queue_entry *e)
{
	return ((uint64_t)RECORD_HEADER_LEN + e->head_len +
	    (e->file ? 0 : e->size));
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
		e->waiting--;
	else if (before != RECIPIENT_WAITING && after == RECIPIENT_WAITING)
		e->waiting++;
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
