/* See LICENSE for the terms. */
/*
 * Linux tells what a connection delivers, how long its round trip is at best,
 * and how much has been acknowledged.
 */
#ifdef __linux__
#include <sys/socket.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#endif

#include "tcp_queue.h"

/* No path that is paid for by the minute holds more. */
#define QUEUE_MAX	(1024 * 1024)

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
