/* See LICENSE for the terms. */

/* The messages that wait for the line. */

#include <sys/types.h>
#include <sys/tree.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "waiting.h"

struct waiting {
	RB_ENTRY(waiting)	 by_id;
	RB_ENTRY(waiting)	 by_order;
	uint64_t		 id;
	uint64_t		 size;
	int64_t			 received;
	uint32_t		 recipients;	/* that wait, local ones too */
	int			 remote;	/* some of them for the line;
						 * -1: could not be read */
	int			 taken;
	int			 ordered;	/* is in the tree by order */
};

static int	 id_cmp(struct waiting *, struct waiting *);
static int	 order_cmp(struct waiting *, struct waiting *);

static RB_HEAD(waiting_ids, waiting)	 ids = RB_INITIALIZER(&ids);
static RB_HEAD(waiting_orders, waiting)	 orders = RB_INITIALIZER(&orders);
static uint32_t			 left_messages;
static uint64_t			 left_bytes;
static int			 unread;	/* some could not be read */

RB_PROTOTYPE(waiting_ids, waiting, by_id, id_cmp)
RB_PROTOTYPE(waiting_orders, waiting, by_order, order_cmp)
RB_GENERATE(waiting_ids, waiting, by_id, id_cmp)
RB_GENERATE(waiting_orders, waiting, by_order, order_cmp)

static int
id_cmp(struct waiting *a, struct waiting *b)
{
	return (a->id < b->id ? -1 : a->id > b->id);
}

static int
order_cmp(struct waiting *a, struct waiting *b)
{
	if (a->size != b->size)
		return (a->size < b->size ? -1 : 1);
	return (id_cmp(a, b));
}

static void
order_remove(struct waiting *w)
{
	if (!w->ordered)
		return;
	RB_REMOVE(waiting_orders, &orders, w);
	w->ordered = 0;
	left_messages--;
	left_bytes -= w->size;
}

/* Into or out of the order, as what is known of it says. */
static void
order_update(struct waiting *w)
{
	if (w->remote != 1 || w->taken) {
		order_remove(w);
		return;
	}
	if (w->ordered)
		return;
	RB_INSERT(waiting_orders, &orders, w);
	w->ordered = 1;
	left_messages++;
	left_bytes += w->size;
}

static void
waiting_remove(struct waiting *w)
{
	order_remove(w);
	RB_REMOVE(waiting_ids, &ids, w);
	free(w);
}

static struct waiting *
waiting_find(uint64_t id)
{
	struct waiting	 key;

	key.id = id;
	return (RB_FIND(waiting_ids, &ids, &key));
}

/* Whether any recipient that waits is one for the line; -1: unknown. */
static int
is_remote(struct queue *q, uint64_t id)
{
	struct envelope	*e;
	uint32_t	 i;
	int		 remote = 0;

	if ((e = queue_envelope(q, id)) == NULL) {
		if (errno == ENOENT)
			return (0);
		log_warn("msg id=%016llx envelope", (unsigned long long)id);
		return (-1);
	}
	for (i = 0; i < e->nrecipients && !remote; i++)
		remote = e->recipients[i].user == NULL &&
		    e->recipients[i].state == RECIPIENT_WAITING;
	envelope_free(e);
	return (remote);
}

static void
waiting_update(struct queue *q, const struct queue_info *info)
{
	struct waiting	*w;

	if ((w = waiting_find(info->id)) == NULL) {
		if ((w = calloc(1, sizeof(*w))) == NULL) {
			/* It waits for a look that finds memory. */
			log_warn("waiting");
			unread = 1;
			return;
		}
		w->id = info->id;
		w->size = info->size;
		w->received = info->received;
		RB_INSERT(waiting_ids, &ids, w);
	}
	if (w->recipients == info->waiting)
		return;
	w->recipients = info->waiting;
	if ((w->remote = is_remote(q, w->id)) == -1)
		unread = 1;
	order_update(w);
}

int
waiting_retry(void)
{
	struct waiting	*w;

	if (!unread)
		return (0);
	unread = 0;
	RB_FOREACH(w, waiting_ids, &ids)
		if (w->remote == -1)
			w->recipients = 0;
	return (1);
}

void
waiting_sync(struct queue *q)
{
	struct queue_info	 info;
	struct waiting		*w, *next;
	uint64_t		 after = 0;

	/* Both are in order of id: what the queue passes over is gone. */
	w = RB_MIN(waiting_ids, &ids);
	while (queue_next(q, after, &info)) {
		while (w != NULL && w->id < info.id) {
			next = RB_NEXT(waiting_ids, &ids, w);
			waiting_remove(w);
			w = next;
		}
		if (w != NULL && w->id == info.id)
			w = RB_NEXT(waiting_ids, &ids, w);
		waiting_update(q, &info);
		after = info.id;
	}
	while (w != NULL) {
		next = RB_NEXT(waiting_ids, &ids, w);
		waiting_remove(w);
		w = next;
	}
}

void
waiting_state(struct proto_queue_state *state)
{
	struct waiting	*w;

	memset(state, 0, sizeof(*state));
	RB_FOREACH(w, waiting_ids, &ids) {
		if (w->remote != 1)
			continue;
		state->messages++;
		state->bytes += w->size;
		if (state->oldest == 0 || w->received < state->oldest)
			state->oldest = w->received;
	}
}

int
waiting_take(uint64_t *id)
{
	struct waiting	*w;

	if ((w = RB_MIN(waiting_orders, &orders)) == NULL)
		return (0);
	w->taken = 1;
	order_update(w);
	*id = w->id;
	return (1);
}

void
waiting_release(uint64_t id)
{
	struct waiting	*w;

	if ((w = waiting_find(id)) == NULL)
		return;
	order_remove(w);
	w->taken = 0;
	order_update(w);
}

void
waiting_reset(void)
{
	struct waiting	*w;

	RB_FOREACH(w, waiting_ids, &ids) {
		order_remove(w);
		w->taken = 0;
		order_update(w);
	}
}

void
waiting_left(uint32_t *messages, uint64_t *bytes)
{
	*messages = left_messages;
	*bytes = left_bytes;
}

void
waiting_clear(void)
{
	struct waiting	*w;

	while ((w = RB_MIN(waiting_ids, &ids)) != NULL)
		waiting_remove(w);
	unread = 0;
}
