/* See LICENSE for the terms. */
/* Lists of addresses in header fields: RFC 5322 3.4 and its obsolete forms. */
#ifndef RELAYCTL_ADDRLIST_H
#define RELAYCTL_ADDRLIST_H

#include <sys/types.h>

/* RFC 5321 4.5.3.1, and room for a local part that is quoted. */
#define ADDRLIST_ADDRESS_MAX	512

/* Each address as "local@domain", or "local" where it has no domain; valid
 * in the call.  Returning -1 with errno ends the parse. */
typedef int	 addrlist_found(void *arg, const char *address);

/*
 * The addresses of a list, without names, comments, groups and routes.
 * Folded lines are fine.  0, or -1 with errno: EINVAL when it is no list of
 * addresses, and what the callback set.  Pure.
 */
int	 addrlist_parse(const char *, size_t, addrlist_found *, void *arg);

#endif
