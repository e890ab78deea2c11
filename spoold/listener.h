/*
 * The LAN's listening sockets: accepting within the limits of sessions, and
 * the TLS context of each PKI.
 */
#ifndef SPOOLD_LISTENER_H
#define SPOOLD_LISTENER_H

#include <sys/socket.h>
#include "conf.h"

struct tls;

/* Builds the TLS contexts of a new configuration: 0, or an errno. */
int	 listener_prepare(struct conf *);
/* Start to accept on the new sockets, stop on the old. */
void	 listener_swap(struct conf *);
/* Forget what listener_prepare made. */
void	 listener_abort(void);
void	 listener_shutdown(void);

/* The context of a PKI by name, for stream_tls_server; NULL if none. */
struct tls	*listener_tls(const char *pki);
/* A session has ended: its place is free for the address. */
void	 listener_release(const struct sockaddr_storage *peer);

#endif
