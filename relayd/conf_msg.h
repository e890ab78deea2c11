/*
 * How a configuration travels to the children: each structure is packed
 * from a table of its fields.
 */
#ifndef RELAYD_CONF_MSG_H
#define RELAYD_CONF_MSG_H

#include "channel.h"
#include "conf.h"

/*
 * Sends what the receiver may see of a configuration: items only, without
 * BEGIN and DRAIN.  Secrets go where they are used.  fds gives a duplicate
 * of the descriptor that goes with an item (cert, key, socket, trust);
 * CONF_FD_NONE leaves the item out, -1 fails.  0, or -1 with errno.
 */
#define CONF_FD_NONE	(-2)
struct conf_fds {
	int	(*open)(void *arg, uint32_t type, const void *item);
	void	*arg;
};
int	 conf_msg_send(struct channel *, enum proc_id, const struct conf *,
	    const struct conf_fds *);

/*
 * Takes one PARENT_CONF_* item into a configuration that is being received.
 * 0, or -1 with errno when it is malformed.
 */
int	 conf_msg_receive(struct conf *, struct imsg *);

/* Reads a whole regular file from its start: at most max bytes, allocated.
 * NULL with errno (EFBIG). */
uint8_t	*conf_read_fd(int fd, size_t max, size_t *len);

#endif
