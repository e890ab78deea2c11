/* See LICENSE for the terms. */
/*
 * Linux tells what a connection delivers, how long its round trip is at best,
 * and how much has been acknowledged; and it can be held to a window.
 */
#ifdef __linux__
#include <sys/socket.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#endif

#include "tcp_queue.h"

/* No path that is paid for by the minute holds more. */
#define QUEUE_MAX	(1024 * 1024)
/*
 * How long an acknowledgement may take beyond that: the peer has it when what
 * we send has left our end of the line.
 */
#define ACK_DELAY	250000	/* microseconds */
/* The line, or the provider, may be another one the next time. */
#define RTT_HOLDS	600	/* seconds */
/* Without the scaling that a small first window rules out. */
#define WINDOW_MAX	65535

uint64_t
tcp_queue_bytes(uint64_t rate, uint64_t rtt, uint64_t segment)
{
	uint64_t	 held;

	if (rtt < TCP_QUEUE_MS * 1000)
		rtt = TCP_QUEUE_MS * 1000;
	if (rate > UINT64_MAX / rtt || segment > QUEUE_MAX)
		return (QUEUE_MAX);
	held = rate * rtt / 1000000;
	held += held / 4 + 2 * segment;
	return (held < QUEUE_MAX ? held : QUEUE_MAX);
}

uint64_t
tcp_queue_room(int fd, uint64_t written)
{
#ifdef __linux__
	struct tcp_info	 info;
	socklen_t	 len = sizeof(info);
	uint64_t	 bytes, there;

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 ||
	    len < offsetof(struct tcp_info, tcpi_delivery_rate) +
	    sizeof(info.tcpi_delivery_rate))
		return (UINT64_MAX);
	bytes = tcp_queue_bytes(info.tcpi_delivery_rate, info.tcpi_min_rtt,
	    info.tcpi_snd_mss);
	there = written > info.tcpi_bytes_acked ?
	    written - info.tcpi_bytes_acked : 0;
	return (bytes > there ? bytes - there : 0);
#else
	(void)fd;
	(void)written;
	return (UINT64_MAX);
#endif
}

void
tcp_window_limit(int fd, uint64_t bytes)
{
#ifdef __linux__
	int	 window = (int)(bytes < WINDOW_MAX ? bytes : WINDOW_MAX);
	int	 buffer = 2 * window;

	/*
	 * Newer kernels forget the clamp once they know what memory a segment
	 * takes, and have the buffer alone decide; older ones do not get above
	 * the clamp.  What is short costs several times its length in there.
	 * It is no harm where neither can be done.
	 */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &window,
	    sizeof(window));
#else
	(void)fd;
	(void)bytes;
#endif
}

#ifdef __linux__
/*
 * The shortest round trip of this and all other connections of late: one that
 * began on a busy line has seen none that was not spent in queues.
 */
static uint64_t
round_trip(uint32_t own)
{
	static uint64_t	 best = UINT32_MAX;
	static time_t	 seen;
	struct timespec	 now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	/* All ones until it is known. */
	if (own == UINT32_MAX)
		return (ACK_DELAY);
	if (own <= best || now.tv_sec - seen > RTT_HOLDS) {
		best = own;
		seen = now.tv_sec;
	}
	return (best + ACK_DELAY);
}
#endif

/* Twice what comes in a round trip, so that it can turn out to be faster. */
uint64_t
tcp_window_bytes(int fd, uint64_t rate)
{
#ifdef __linux__
	struct tcp_info	 info;
	socklen_t	 len = sizeof(info);
	uint64_t	 bytes, rtt;

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 ||
	    len < offsetof(struct tcp_info, tcpi_min_rtt) +
	    sizeof(info.tcpi_min_rtt))
		return (WINDOW_MAX);
	rtt = round_trip(info.tcpi_min_rtt);
	if (rate > UINT64_MAX / 2 / rtt)
		return (WINDOW_MAX);
	bytes = 2 * rate * rtt / 1000000 + 2 * info.tcpi_rcv_mss;
	return (bytes < WINDOW_MAX ? bytes : WINDOW_MAX);
#else
	(void)fd;
	(void)rate;
	return (WINDOW_MAX);
#endif
}
