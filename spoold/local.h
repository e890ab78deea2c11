/* Delivery of queued messages to users of this site, without the line. */
#ifndef SPOOLD_LOCAL_H
#define SPOOLD_LOCAL_H

/* Deliver to every local recipient that waits; marks go through
 * queue_mark and spool_commit_soon.  A mailbox that cannot be written to
 * (full disk) is tried again later, on a named timer. */
void	 local_deliver(void);
/* For maildir_recover: decides keys of the form "q.<id>.<n>". */
int	 local_decided(const char *key, void *arg);
/* Something could not be placed or delivered: start that timer. */
void	 local_retry_later(void);

#endif
