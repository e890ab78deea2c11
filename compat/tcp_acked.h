/* See LICENSE for the terms. */
/*
 * What the kernel knows of a connection: how far the peer has acknowledged
 * what it was given to send, and how long that takes.
 */
#ifndef RELAYD_COMPAT_TCP_ACKED_H
#define RELAYD_COMPAT_TCP_ACKED_H

#include <stdint.h>

/* Bytes so far; 0 where the system or the kind of socket cannot tell. */
uint64_t	 tcp_acked(int fd);
/* The round trip in milliseconds, 1 at least; 0 where no one can tell. */
uint64_t	 tcp_rtt(int fd);

#endif
