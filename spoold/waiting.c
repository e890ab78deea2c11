/* See LICENSE for the terms. */

/* The messages that wait for the line: see waiting.h. */

#include <sys/types.h>
#include <sys/tree.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "child.h"
#include "log.h"
#include "waiting.h"

/*
 * What a message counts as, in the low bits of its place.  Each is counted
 * by itself; all but those that are held have an order.
 */
enum rank { RANK_URGENT, RANK_NORMAL, RANK_BULK, RANK_HELD, RANKS };
#define PLACE_RANK	0x03
#define PLACE_COUNTED	0x04	/* it is for the line, and counted so */
#define PLACE_ORDERED	0x08	/* is in the order of its rank */
#define PLACE_TAKEN	0x10
#define PLACE_FIRST	0x20	/* was passed over: before those of its rank */
#define PLACE_UNREAD	0x40	/* it could not be read */

/*
 * Bulk mail that was passed over and does not fit is stepped over: so many of
 * it are looked at, before that which was not passed over.
 */
#define BULK_LOOK	16

RB_HEAD(order, queue_info);

/* The facts of one rank, taken or not; and what is in its order. */
static struct facts {
	uint64_t	 messages;
	uint64_t	 bytes;
	uint64_t	 received;	/* sum */
	int64_t		 oldest;	/* unless stale */
	int		 stale;
	struct order	 order;
	uint32_t	 left;
	uint64_t	 left_bytes;
} facts[RANKS];

static int64_t		 deadline;	/* nearest, unless stale; 0: none */
static int		 deadline_stale;
static int64_t		 bulk_until;	/* when some bulk is that no more */
static uint32_t		 unread;	/* messages */
static int		 given;		/* some were taken in this window */

static void	 waiting_tell(struct queue *, enum queue_event,
		    struct queue_info *);
static int	 order_cmp(struct queue_info *, struct queue_info *);

static struct queue_watcher	 watcher = { .tell = waiting_tell };

RB_PROTOTYPE(order, queue_info, order, order_cmp)
RB_GENERATE(order, queue_info, order, order_cmp)

static int
order_cmp(struct queue_info *a, struct queue_info *b)
{
	if ((a->place & PLACE_FIRST) != (b->place & PLACE_FIRST))
		return (a->place & PLACE_FIRST ? -1 : 1);
	/* Of those that were passed over the oldest, else the smallest. */
	if ((a->place & PLACE_FIRST) == 0 && a->size != b->size)
		return (a->size < b->size ? -1 : 1);
	return (a->id < b->id ? -1 : a->id > b->id);
}

static struct facts *
facts_of(const struct queue_info *info)
{
	return (&facts[info->place & PLACE_RANK]);
}

/* When bulk mail is that no more. */
static int64_t
bulk_end(const struct queue_info *info)
{
	uint64_t	 after = 0;

	if (child_conf != NULL)
		after = child_conf->global.bulk_after;
	if (after == 0 || after > (uint64_t)(INT64_MAX - info->received))
		return (INT64_MAX);
	return (info->received + (int64_t)after);
}

static enum rank
rank_now(const struct queue_info *info)
{
	if (info->flags & QUEUE_INFO_HELD)
		return (RANK_HELD);
	if (info->class == PROTO_URGENT)
		return (RANK_URGENT);
	if (info->class == PROTO_BULK && (int64_t)time(NULL) < bulk_end(info))
		return (RANK_BULK);
	return (RANK_NORMAL);
}

/* A deadline that dialerd may have to dial for. */
static int
has_deadline(const struct queue_info *info)
{
	return (info->deadline != 0 && (info->flags & QUEUE_INFO_LATE) == 0 &&
	    (info->place & PLACE_RANK) <= RANK_NORMAL);
}

static void
order_remove(struct queue_info *info)
{
	struct facts	*f = facts_of(info);

	if ((info->place & PLACE_ORDERED) == 0)
		return;
	RB_REMOVE(order, &f->order, info);
	info->place &= (uint8_t)~PLACE_ORDERED;
	f->left--;
	f->left_bytes -= info->size;
}

static void
order_insert(struct queue_info *info)
{
	struct facts	*f = facts_of(info);

	if ((info->place & PLACE_RANK) == RANK_HELD ||
	    (info->place & (PLACE_ORDERED | PLACE_TAKEN)) != 0)
		return;
	RB_INSERT(order, &f->order, info);
	info->place |= PLACE_ORDERED;
	f->left++;
	f->left_bytes += info->size;
}

static void
count_remove(struct queue_info *info)
{
	struct facts	*f = facts_of(info);

	if ((info->place & PLACE_COUNTED) == 0)
		return;
	order_remove(info);
	info->place &= (uint8_t)~PLACE_COUNTED;
	f->messages--;
	f->bytes -= info->size;
	f->received -= (uint64_t)info->received;
	if (info->received <= f->oldest)
		f->stale = 1;
	if (info->deadline != 0 && info->deadline <= deadline)
		deadline_stale = 1;
}

static void
count_insert(struct queue_info *info, enum rank rank)
{
	struct facts	*f = &facts[rank];

	info->place = (uint8_t)((info->place & ~PLACE_RANK) | rank);
	info->place |= PLACE_COUNTED;
	if (f->messages++ == 0) {
		f->oldest = info->received;
		f->stale = 0;
	} else if (info->received < f->oldest)
		f->oldest = info->received;
	f->bytes += info->size;
	f->received += (uint64_t)info->received;
	if (has_deadline(info) && (deadline == 0 || info->deadline < deadline))
		deadline = info->deadline;
	if (rank == RANK_BULK && bulk_end(info) < bulk_until)
		bulk_until = bulk_end(info);
	order_insert(info);
}

/* Whether any recipient that waits is one for the line; -1: unknown. */
static int
is_remote(struct queue *q, const struct queue_info *info)
{
	struct envelope	*e;
	uint32_t	 i;
	int		 remote = 0;

	if (info->waiting == 0 || (info->flags & QUEUE_INFO_REMOTE) == 0)
		return (0);
	if ((info->flags & QUEUE_INFO_LOCAL) == 0)
		return (1);
	if ((e = queue_envelope(q, info->id)) == NULL) {
		log_warn("msg id=%016llx envelope",
		    (unsigned long long)info->id);
		return (-1);
	}
	for (i = 0; i < e->nrecipients && !remote; i++)
		remote = e->recipients[i].user == NULL &&
		    e->recipients[i].state == RECIPIENT_WAITING;
	envelope_free(e);
	return (remote);
}

/* A message is or has become what the queue says. */
static void
waiting_update(struct queue *q, struct queue_info *info)
{
	int	 remote;

	count_remove(info);
	if (info->place & PLACE_UNREAD)
		unread--;
	info->place &= (uint8_t)~PLACE_UNREAD;
	if ((remote = is_remote(q, info)) == 1)
		count_insert(info, rank_now(info));
	else if (remote == -1) {
		info->place |= PLACE_UNREAD;
		unread++;
	}
}

static void
waiting_tell(struct queue *q, enum queue_event event, struct queue_info *info)
{
	switch (event) {
	case QUEUE_NEW:
		info->place = 0;
		info->passed = 0;
		waiting_update(q, info);
		break;
	case QUEUE_CHANGED:
		waiting_update(q, info);
		break;
	case QUEUE_GONE:
		count_remove(info);
		if (info->place & PLACE_UNREAD)
			unread--;
		break;
	}
}

void
waiting_clear(void)
{
	enum rank	 r;

	queue_unwatch(&watcher);
	memset(facts, 0, sizeof(facts));
	for (r = 0; r < RANKS; r++)
		RB_INIT(&facts[r].order);
	deadline = 0;
	deadline_stale = 0;
	bulk_until = INT64_MAX;
	unread = 0;
	given = 0;
}

void
waiting_watch(struct queue *q)
{
	if (watcher.queue == q)
		return;
	waiting_clear();
	queue_watch(q, &watcher);
}

static int
retry_one(struct queue_info *info, void *arg)
{
	if (info->place & PLACE_UNREAD)
		waiting_update(arg, info);
	return (0);
}

int
waiting_retry(void)
{
	if (unread == 0 || watcher.queue == NULL)
		return (0);
	queue_walk(watcher.queue, retry_one, watcher.queue);
	return (1);
}

static int
age_one(struct queue_info *info, void *arg)
{
	enum rank	 rank;

	(void)arg;
	if ((info->place & PLACE_COUNTED) == 0 || info->class != PROTO_BULK)
		return (0);
	rank = rank_now(info);
	if (rank != (info->place & PLACE_RANK)) {
		count_remove(info);
		count_insert(info, rank);
	} else if (rank == RANK_BULK && bulk_end(info) < bulk_until)
		bulk_until = bulk_end(info);
	return (0);
}

void
waiting_age(void)
{
	if (watcher.queue == NULL || (int64_t)time(NULL) < bulk_until)
		return;
	bulk_until = INT64_MAX;
	queue_walk(watcher.queue, age_one, NULL);
}

void
waiting_reload(void)
{
	bulk_until = 0;
	waiting_age();
}

/*
 * Finds what has become stale.  The oldest of a rank cannot be older than it
 * was, and ids are in the order of time, so the end is mostly near.
 */
static int
refresh_one(struct queue_info *info, void *arg)
{
	struct facts	*old = arg, *f = facts_of(info);
	enum rank	 r = info->place & PLACE_RANK;

	if ((info->place & PLACE_COUNTED) == 0)
		return (0);
	if (f->stale && (f->oldest == 0 || info->received < f->oldest))
		f->oldest = info->received;
	if (f->stale && f->oldest <= old[r].oldest)
		f->stale = 0;
	if (deadline_stale && has_deadline(info) &&
	    (deadline == 0 || info->deadline < deadline))
		deadline = info->deadline;
	return (!deadline_stale && !facts[RANK_URGENT].stale &&
	    !facts[RANK_NORMAL].stale);
}

static void
waiting_refresh(void)
{
	struct facts	 old[RANKS];
	enum rank	 r;

	memcpy(old, facts, sizeof(old));
	for (r = 0; r < RANKS; r++)
		if (facts[r].stale) {
			facts[r].oldest = 0;
			/* Nobody asks for that of the others. */
			facts[r].stale = facts[r].messages > 0 &&
			    r <= RANK_NORMAL;
		}
	if (deadline_stale)
		deadline = 0;
	if (deadline_stale || facts[RANK_URGENT].stale ||
	    facts[RANK_NORMAL].stale)
		queue_walk(watcher.queue, refresh_one, old);
	deadline_stale = 0;
	facts[RANK_URGENT].stale = facts[RANK_NORMAL].stale = 0;
}

void
waiting_state(struct proto_queue_state *s)
{
	const struct facts	*u = &facts[RANK_URGENT];
	const struct facts	*n = &facts[RANK_NORMAL];

	memset(s, 0, sizeof(*s));
	if (watcher.queue == NULL)
		return;
	waiting_age();
	waiting_refresh();
	s->messages = u->messages + n->messages;
	s->bytes = u->bytes + n->bytes;
	s->received_sum = u->received + n->received;
	s->urgent = u->messages;
	s->urgent_bytes = u->bytes;
	if (u->messages > 0)
		s->oldest = s->urgent_oldest = u->oldest;
	if (n->messages > 0 && (s->oldest == 0 || n->oldest < s->oldest))
		s->oldest = n->oldest;
	s->deadline = deadline;
	s->bulk = facts[RANK_BULK].messages;
	s->bulk_bytes = facts[RANK_BULK].bytes;
	s->held = facts[RANK_HELD].messages;
}

uint64_t
waiting_count(void)
{
	uint64_t	 n = 0;
	enum rank	 r;

	for (r = 0; r < RANK_HELD; r++)
		n += facts[r].messages;
	return (n);
}

/* The first bulk message of at most so many bytes. */
static struct queue_info *
bulk_first(uint64_t bytes)
{
	struct order		*order = &facts[RANK_BULK].order;
	struct queue_info	*info, key;
	int			 n = 0;

	if (bytes == 0)
		return (NULL);
	RB_FOREACH(info, order, order) {
		if (info->size <= bytes)
			return (info);
		if ((info->place & PLACE_FIRST) == 0)
			return (NULL);
		if (++n == BULK_LOOK)
			break;
	}
	if (info == NULL)
		return (NULL);
	memset(&key, 0, sizeof(key));
	info = RB_NFIND(order, order, &key);
	return (info != NULL && info->size <= bytes ? info : NULL);
}

static struct queue_info *
waiting_first(uint64_t bulk)
{
	struct queue_info	*info;

	if ((info = RB_MIN(order, &facts[RANK_URGENT].order)) != NULL ||
	    (info = RB_MIN(order, &facts[RANK_NORMAL].order)) != NULL)
		return (info);
	return (bulk_first(bulk));
}

int
waiting_take(uint64_t bulk, uint64_t *id, int *is_bulk)
{
	struct queue_info	*info;

	if ((info = waiting_first(bulk)) == NULL)
		return (0);
	order_remove(info);
	info->place |= PLACE_TAKEN;
	/* It has had its turn. */
	info->place &= (uint8_t)~PLACE_FIRST;
	info->passed = 0;
	given = 1;
	*id = info->id;
	*is_bulk = (info->place & PLACE_RANK) == RANK_BULK;
	return (1);
}

void
waiting_release(uint64_t id)
{
	struct queue_info	*info;

	if (watcher.queue == NULL ||
	    (info = queue_info(watcher.queue, id)) == NULL)
		return;
	info->place &= (uint8_t)~PLACE_TAKEN;
	if (info->place & PLACE_COUNTED)
		order_insert(info);
}

static int
reset_one(struct queue_info *info, void *arg)
{
	int64_t	 now = *(int64_t *)arg;

	if ((info->place & PLACE_COUNTED) == 0) {
		info->place &= (uint8_t)~PLACE_TAKEN;
		return (0);
	}
	/* Only a window that took others has passed it over. */
	if (given && (info->place & PLACE_ORDERED) && info->passed < UINT8_MAX)
		info->passed++;
	order_remove(info);
	info->place &= (uint8_t)~(PLACE_TAKEN | PLACE_FIRST);
	if (info->passed >= WAITING_PASSED || (info->passed > 0 &&
	    now - info->received > WAITING_PASSED_AGE))
		info->place |= PLACE_FIRST;
	order_insert(info);
	return (0);
}

void
waiting_reset(void)
{
	int64_t	 now = (int64_t)time(NULL);

	if (watcher.queue == NULL)
		return;
	waiting_age();
	queue_walk(watcher.queue, reset_one, &now);
	given = 0;
}

void
waiting_left(struct waiting_left *left)
{
	memset(left, 0, sizeof(*left));
	left->messages = facts[RANK_URGENT].left + facts[RANK_NORMAL].left;
	left->urgent_bytes = facts[RANK_URGENT].left_bytes;
	left->bytes = left->urgent_bytes + facts[RANK_NORMAL].left_bytes;
	left->bulk_bytes = facts[RANK_BULK].left_bytes;
}

int
waiting_any(uint64_t bulk)
{
	return (waiting_first(bulk) != NULL);
}
