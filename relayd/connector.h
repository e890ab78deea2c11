/*
 * The way to an upstream: its name is resolved, its addresses are tried in
 * turn, and what fails in the first moments of a window is tried again, for
 * a route may appear a little later than the line.
 */
#ifndef RELAYD_CONNECTOR_H
#define RELAYD_CONNECTOR_H

#include <stdint.h>

struct connector;

/*
 * Comes from the event loop: with a connected socket, which is the owner's
 * to close, or with -1 and the last reason in words, valid in the call: the
 * end.  Either way the connector rests then, and may be freed in the call.
 */
typedef void	 connector_done(void *arg, int fd, const char *why);

/* Begins.  NULL with errno ENOMEM. */
struct connector	*connector_new(const char *host, uint16_t port,
			    connector_done *, void *arg);
/*
 * Of a connector that has given a socket.  next: the peer is not what it
 * should be; on with the addresses that are left and with fresh ones, without
 * pauses, since there is a route.  cut: the connection broke before the peer
 * said what it is; the same, but with pauses while patience lasts, since a
 * server that starts or is full does that.  again: the peer was right and has
 * gone; begin with its address, with new patience.
 */
void	 connector_next(struct connector *, const char *why);
void	 connector_cut(struct connector *, const char *why);
void	 connector_again(struct connector *);
/* Ends it at any time: done does not come any more.  NULL is allowed. */
void	 connector_free(struct connector *);

#endif
