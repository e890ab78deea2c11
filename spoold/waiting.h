/* See LICENSE for the terms. */

/*
 * The messages of the queue that wait for the line, in the order in which
 * they go:
 *
 *	urgent mail, then normal mail, then bulk mail as far as it may begin;
 *	in each the smallest first, so that a line that drops has carried the
 *	most.
 *
 * So that nothing starves, a message that three windows have passed over, or
 * one window when it is more than a day old, goes before all others of its
 * class: once, for it may be too large for any window, and then the others
 * shall not starve.  Bulk mail becomes normal mail with age.  What the
 * operator holds waits for nothing.
 *
 * The order is kept within what the queue has in memory, and follows it by
 * being told of each change: none of this looks at all of the queue, but for
 * the opening of a window and what says so.
 */
#ifndef SPOOLD_WAITING_H
#define SPOOLD_WAITING_H

#include "proto.h"
#include "queue.h"

#define WAITING_PASSED		3	/* windows */
#define WAITING_PASSED_AGE	(24 * 60 * 60)	/* ... or one at this age */

/*
 * Begins to follow the queue; again, does nothing.  An envelope is read only
 * of messages that are both for the line and for users here.
 */
void	 waiting_watch(struct queue *);
/* Forgets the queue. */
void	 waiting_clear(void);
/*
 * What could not be read (logged) does not wait for the line, as far as
 * anyone knows.  Tries it again: 1 if there was any.
 */
int	 waiting_retry(void);
/* Time passes: bulk mail that has become old is bulk no more. */
void	 waiting_age(void);
/* A new configuration may say otherwise how old that is. */
void	 waiting_reload(void);
/* What dialerd's policy wants to know. */
void	 waiting_state(struct proto_queue_state *);
/* Messages for the line, bulk too, but none that are held. */
uint64_t waiting_count(void);

/*
 * The next message that nobody has taken in this window, bulk mail only of
 * at most so many bytes: 1, its id and whether it counts as bulk, or 0.
 * It is taken then, until waiting_release or the next window.
 */
int	 waiting_take(uint64_t bulk, uint64_t *id, int *is_bulk);
/* Give a message back. */
void	 waiting_release(uint64_t id);
/* A new window: nothing is taken, and all are in order. */
void	 waiting_reset(void);

struct waiting_left {			/* what nobody has taken */
	uint32_t	 messages;	/* but bulk */
	uint64_t	 bytes;
	uint64_t	 urgent_bytes;	/* of them */
	uint64_t	 bulk_bytes;
};
void	 waiting_left(struct waiting_left *);
/* 1 when waiting_take would have something. */
int	 waiting_any(uint64_t bulk);

#endif
