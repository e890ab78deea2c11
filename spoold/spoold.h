/*
 * What the modules of spoold share: the spool, the queue, and the group
 * commit at the end of a turn of the event loop.
 */
#ifndef SPOOLD_SPOOLD_H
#define SPOOLD_SPOOLD_H

#include "child.h"
#include "queue.h"

extern int		 spool_fd;	/* directory: the spool */
extern struct queue	*spool_queue;

/*
 * Something was submitted or marked: queue_commit runs once at the end of
 * this turn of the loop, after everything else that is ready now.
 */
void	 spool_commit_soon(void);
/*
 * The queue changed: local recipients are delivered, dialerd gets the new
 * state, and an open window goes on.  Called after each group commit.
 */
void	 spool_queue_changed(void);
/*
 * Somebody on the LAN, as the words say, wants a call: 0 and the messages
 * that wait for the line, or -1 when dialerd cannot be told.
 */
int	 spool_request(const char *who, uint64_t *messages);

#endif
