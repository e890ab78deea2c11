/*
 * An imsg channel between two processes, on the event loop.  The one
 * dispatcher checks each message against the protocol table (proto.h) and
 * hands it to the one handler of its type.
 */
#ifndef RELAYD_CHANNEL_H
#define RELAYD_CHANNEL_H

#include <sys/types.h>
#include <sys/queue.h>
#include <event.h>
#include <stdint.h>

#include "imsg.h"
#include "proto.h"

struct channel;

/*
 * Takes the payload with the imsg_get_* accessors.  0, or -1 when size or
 * content is wrong: then the peer has broken the protocol, with the
 * consequences of channel_violation.
 */
typedef int	 channel_handler(struct channel *, struct imsg *, void *);

struct channel_row {
	uint32_t		 type;
	channel_handler		*handler;
};

struct channel {
	struct imsgbuf		 ibuf;
	struct event		 ev;
	enum proc_id		 self;
	enum proc_id		 peer;
	const struct channel_row *rows;		/* ends with PROTO_NONE */
	void			*arg;		/* of the handlers */
	/* The peer went away, or broke the protocol; may free the channel. */
	void			(*closed)(struct channel *, int violation,
				    void *);
	int			 open;
	int			*destroyed;	/* set while dispatching */
};

/*
 * Starts a channel on fd, which it owns from then on: non-blocking,
 * close-on-exec.  rows and arg stay the caller's.  0, or -1 with errno.
 */
int	 channel_open(struct channel *, int fd, enum proc_id self,
	    enum proc_id peer, const struct channel_row *, void *arg,
	    void (*closed)(struct channel *, int, void *));
/* Closes it; safe within a handler, and when it is not open. */
void	 channel_close(struct channel *);

/*
 * Queue a message; fd is -1 or passes to the channel (it is closed on
 * error too).  When the channel is not open the message is dropped and the
 * result is -1 with EPIPE.  0, or -1 with errno.
 */
int	 channel_send(struct channel *, uint32_t type, uint32_t id, int fd,
	    const void *data, size_t len);
/* The same with a payload built in an ibuf, which is consumed. */
int	 channel_send_ibuf(struct channel *, uint32_t type, uint32_t id,
	    int fd, struct ibuf *);
/* Messages not yet written: for senders of long lists. */
uint32_t channel_queued(struct channel *);
/* Writes all that is queued, blocking: at the end of a process only. */
void	 channel_flush(struct channel *);

#endif
