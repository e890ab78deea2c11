/*
 * What spoold, dialerd and fetchd have in common: the order of start-up,
 * the channel to the parent and the pipes to each other, and the two phases
 * of a configuration.
 */
#ifndef RELAYD_CHILD_H
#define RELAYD_CHILD_H

#include "channel.h"
#include "conf.h"

struct child_ops {
	enum proc_id		 self;
	/* Handlers of what comes from the parent beyond what child.c does. */
	const struct channel_row *parent_rows;
	/* Handlers of what comes from each peer, by enum proc_id. */
	const struct channel_row *peer_rows[PROC_COUNT];
	/*
	 * A whole new configuration: do all that can fail, but change
	 * nothing.  0, or an errno that refuses it.
	 */
	int			(*prepare)(struct conf *);
	/* Every process is ready: this is the configuration now.  The old
	 * one is freed by child.c after the call. */
	void			(*swap)(struct conf *);
	/* prepare succeeded but another process refused. */
	void			(*abort)(struct conf *);
	/* What the sandbox forbids and need be done but once. */
	void			(*begin)(void);
	/* A pipe to a peer is there (also after the peer was respawned). */
	void			(*peer_up)(enum proc_id);
	void			(*peer_down)(enum proc_id);
	/* PARENT_SHUTDOWN: finish; then call child_exit(). */
	void			(*shutdown)(void);
};

/* The running configuration; NULL before the first. */
extern struct conf	*child_conf;

/*
 * Parses the child's own arguments, drops into chroot and user, starts the
 * event loop and the channel at descriptor 3, enters the sandbox, and runs.
 * Does not return.
 */
void	 child_run(const struct child_ops *, int argc, char *argv[])
	    __attribute__((__noreturn__));
/* Ends the event loop and the process, after flushing the channels. */
void	 child_exit(void);

/* Which of the processes this is. */
enum proc_id	 child_self(void);
struct channel	*child_parent(void);
/* The pipe to a peer; it may not be open: sends are then dropped. */
struct channel	*child_peer(enum proc_id);

#endif
