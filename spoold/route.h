/* See LICENSE for the terms. */

/* Where a recipient's mail goes: into a mailbox here, upstream, nowhere. */
#ifndef SPOOLD_ROUTE_H
#define SPOOLD_ROUTE_H

#include "address.h"
#include "conf.h"

enum route_kind {
	ROUTE_LOCAL,		/* into the mailbox of user */
	ROUTE_RELAY,		/* upstream */
	ROUTE_NO_USER,		/* the domain is ours, and nobody is there */
	ROUTE_DENIED,		/* this client may not relay */
	ROUTE_NO_UPSTREAM	/* nothing that it could be sent to */
};

struct route {
	enum route_kind	 kind;
	const char	*user;		/* ROUTE_LOCAL: the configuration's */
};

/*
 * A known address of a user, or a user's name at a local domain, is local;
 * so is postmaster, when the configuration names one.  At our host name
 * users are local, but nobody else is missed there.  Everything else goes
 * upstream if the client may relay.  Case does not matter for local users.
 */
struct route	 route_recipient(const struct conf *, const struct address *,
		    int may_relay);

#endif
