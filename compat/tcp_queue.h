/* See LICENSE for the terms. */
/*
 * How much of what is sent the kernel should be given at a time.  It takes all
 * it can get, and on a slow line that stands for seconds before everything else
 * that goes the same way: acknowledgements and commands of other connections.
 */
#ifndef RELAYD_COMPAT_TCP_QUEUE_H
#define RELAYD_COMPAT_TCP_QUEUE_H

#include <stdint.h>

/* How often to ask while there is output, in milliseconds: no event tells. */
#define TCP_QUEUE_MS	100

/*
 * Bytes that keep a path busy: what it delivers (bytes a second) in its
 * shortest round trip (microseconds) or until it is asked about again, a
 * quarter more so that it can turn out to be faster, and two segments.
 */
uint64_t	 tcp_queue_bytes(uint64_t rate, uint64_t rtt, uint64_t segment);
/*
 * Bytes that the kernel may be given now, when so many were written to the
 * socket since it was made.  UINT64_MAX where the system or the kind of socket
 * cannot tell.
 */
uint64_t	 tcp_queue_room(int fd, uint64_t written);

#endif
