/* See LICENSE for the terms. */
/*
 * A send buffer of megabytes over a line of a few kilobytes a second: for
 * minutes the program sees no byte move, while all goes well.  Linux tells
 * what has been acknowledged.
 */
#ifdef __linux__
#include <sys/socket.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#endif

#include "tcp_acked.h"

uint64_t
tcp_acked(int fd)
{
#ifdef __linux__
	struct tcp_info	 info;
	socklen_t	 len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 ||
	    len < offsetof(struct tcp_info, tcpi_bytes_acked) +
	    sizeof(info.tcpi_bytes_acked))
		return (0);
	return (info.tcpi_bytes_acked);
#else
	(void)fd;
	return (0);
#endif
}

uint64_t
tcp_rtt(int fd)
{
#ifdef __linux__
	struct tcp_info	 info;
	socklen_t	 len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 ||
	    info.tcpi_rtt == 0)
		return (0);
	return (info.tcpi_rtt < 1000 ? 1 : info.tcpi_rtt / 1000);
#else
	(void)fd;
	return (0);
#endif
}
