/* See LICENSE for the terms. */
/*
 * How far the peer has acknowledged what the kernel was given to send.
 */
#ifndef RELAYD_COMPAT_TCP_ACKED_H
#define RELAYD_COMPAT_TCP_ACKED_H

#include <stdint.h>

/* Bytes so far; 0 where the system or the kind of socket cannot tell. */
uint64_t	 tcp_acked(int fd);

#endif
