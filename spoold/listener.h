/* See LICENSE for the terms. */

/*
 * The LAN's listening sockets: accepting within the limits of sessions, and
 * the TLS context of each PKI.
 */
#ifndef SPOOLD_LISTENER_H
#define SPOOLD_LISTENER_H

#include <sys/socket.h>
#include "conf.h"

struct tls;

/*
 * Builds the TLS contexts of a new configuration and takes over the
 * descriptors of its listeners (their fd is then -1), also when it fails.
 * 0, or an errno, after which nothing is left to abort.
 */
int	 listener_prepare(struct conf *);
/* Start to accept on the new sockets, stop on the old; child_conf is the
 * new configuration already. */
void	 listener_swap(struct conf *);
/* Forget what listener_prepare made. */
void	 listener_abort(void);
/* Accept no more; sessions go on. */
void	 listener_shutdown(void);

/*
 * The context of a PKI by name, for stream_tls_server; NULL if none.  It
 * lives as long as there are sessions, also across a reload.
 */
struct tls	*listener_tls(const char *pki);
/* A session has ended: its place is free for the address. */
void	 listener_release(const struct sockaddr_storage *peer);

#endif
