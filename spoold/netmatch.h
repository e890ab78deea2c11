/* See LICENSE for the terms. */

/* Addresses of clients against networks as the configuration names them. */
#ifndef SPOOLD_NETMATCH_H
#define SPOOLD_NETMATCH_H

#include <sys/socket.h>
#include <netinet/in.h>

#include "conf.h"

/*
 * The address without the form that an IPv4 client has on an IPv6 socket:
 * family and raw bytes (4 or 16, the rest zero).  Other families give
 * AF_UNSPEC.
 */
struct netmatch_address {
	int		 family;
	unsigned char	 bytes[16];
};
void	 netmatch_address(const struct sockaddr_storage *,
	    struct netmatch_address *);
/*
 * The address in digits, "local" when it is none of the Internet's.  The
 * text is returned; dst has room for INET6_ADDRSTRLEN.
 */
const char	*netmatch_text(const struct sockaddr_storage *, char *dst);

/*
 * 1 when the address is within the network ("192.168.1.0/24", "fd00::/8";
 * without a "/" one address), 0 when not, -1 when that is no network.
 */
int	 netmatch(const struct sockaddr_storage *, const char *net);
/* 1 when it is within any of them. */
int	 netmatch_list(const struct sockaddr_storage *,
	    const struct strlist *);

#endif
