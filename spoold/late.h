/* See LICENSE for the terms. */

/*
 * Messages with a time by which they are to be delivered (RFC 2852), when it
 * has passed: the mail comes back to its sender, or the sender is told, as
 * he has asked for.
 */
#ifndef SPOOLD_LATE_H
#define SPOOLD_LATE_H

/* Begin to watch the queue; again, does nothing. */
void	 late_watch(void);
void	 late_stop(void);

#endif
