/* See LICENSE for the terms. */

/*
 * The messages of the queue that wait for the line, in the order in which
 * they go: smallest first, so that a line that drops has carried the most.
 * A small copy of what the queue holds, brought up to date by waiting_sync.
 */
#ifndef SPOOLD_WAITING_H
#define SPOOLD_WAITING_H

#include "proto.h"
#include "queue.h"

/*
 * Look at the queue.  Reads an envelope only where the number of waiting
 * recipients has changed; cheap for all others.
 */
void	 waiting_sync(struct queue *);
/*
 * What could not be read (logged) does not wait for the line, as far as
 * anyone knows.  Has the next waiting_sync try it again: 1 if there is any.
 */
int	 waiting_retry(void);
/* What dialerd's policy wants to know, as of the last waiting_sync. */
void	 waiting_state(struct proto_queue_state *);

/*
 * The next message that nobody has taken in this window: 1 and its id, or 0.
 * It is taken then, until waiting_release or the next window.
 */
int	 waiting_take(uint64_t *id);
/* Give a message back. */
void	 waiting_release(uint64_t id);
/* A new window: nothing is taken, and all are in order. */
void	 waiting_reset(void);
/* Messages and bytes that waiting_take would give. */
void	 waiting_left(uint32_t *messages, uint64_t *bytes);
/* Forget everything. */
void	 waiting_clear(void);

#endif
