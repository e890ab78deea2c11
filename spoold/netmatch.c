/* See LICENSE for the terms. */

/* Addresses against networks: see netmatch.h. */

#include <sys/types.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>

#include "netmatch.h"

void
netmatch_address(const struct sockaddr_storage *ss,
    struct netmatch_address *a)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0,
	    0, 0xff, 0xff };
	struct sockaddr_in	 in;
	struct sockaddr_in6	 in6;

	memset(a, 0, sizeof(*a));
	a->family = AF_UNSPEC;
	if (ss->ss_family == AF_INET) {
		memcpy(&in, ss, sizeof(in));
		a->family = AF_INET;
		memcpy(a->bytes, &in.sin_addr, 4);
	} else if (ss->ss_family == AF_INET6) {
		memcpy(&in6, ss, sizeof(in6));
		a->family = AF_INET6;
		memcpy(a->bytes, &in6.sin6_addr, 16);
		if (memcmp(a->bytes, mapped, sizeof(mapped)) == 0) {
			a->family = AF_INET;
			memmove(a->bytes, a->bytes + sizeof(mapped), 4);
			memset(a->bytes + 4, 0, sizeof(mapped));
		}
	}
}

const char *
netmatch_text(const struct sockaddr_storage *ss, char *dst)
{
	struct netmatch_address	 a;

	netmatch_address(ss, &a);
	if (a.family == AF_UNSPEC ||
	    inet_ntop(a.family, a.bytes, dst, INET6_ADDRSTRLEN) == NULL)
		memcpy(dst, "local", sizeof("local"));
	return (dst);
}

/* The number after the "/", of at most max bits; -1 if it is none. */
static int
parse_prefix(const char *s, int max)
{
	int	 n = 0;

	if (*s == '\0')
		return (-1);
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return (-1);
		if ((n = n * 10 + (*s - '0')) > max)
			return (-1);
	}
	return (n);
}

static int
equal_bits(const unsigned char *a, const unsigned char *b, int bits)
{
	unsigned char	 mask;

	if (memcmp(a, b, (size_t)bits / 8) != 0)
		return (0);
	if (bits % 8 == 0)
		return (1);
	mask = (unsigned char)(0xff << (8 - bits % 8));
	return (((a[bits / 8] ^ b[bits / 8]) & mask) == 0);
}

int
netmatch(const struct sockaddr_storage *ss, const char *net)
{
	struct netmatch_address	 a;
	unsigned char		 bytes[16];
	char			 text[INET6_ADDRSTRLEN];
	const char		*slash;
	size_t			 len;
	int			 family, max, prefix;

	slash = strchr(net, '/');
	len = slash != NULL ? (size_t)(slash - net) : strlen(net);
	if (len >= sizeof(text))
		return (-1);
	memcpy(text, net, len);
	text[len] = '\0';
	family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	max = family == AF_INET6 ? 128 : 32;
	prefix = slash != NULL ? parse_prefix(slash + 1, max) : max;
	memset(bytes, 0, sizeof(bytes));
	if (prefix == -1 || inet_pton(family, text, bytes) != 1)
		return (-1);
	netmatch_address(ss, &a);
	return (a.family == family && equal_bits(a.bytes, bytes, prefix));
}

int
netmatch_list(const struct sockaddr_storage *ss, const struct strlist *list)
{
	struct strnode	*n;

	TAILQ_FOREACH(n, list, entry)
		if (netmatch(ss, n->s) == 1)
			return (1);
	return (0);
}
