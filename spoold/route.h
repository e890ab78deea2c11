/* See LICENSE for the terms. */

/* Where a recipient's mail goes: into a mailbox here, upstream, nowhere. */
#ifndef SPOOLD_ROUTE_H
#define SPOOLD_ROUTE_H

#include "address.h"
#include "conf.h"

struct envelope;

enum route_kind {
	ROUTE_LOCAL,		/* into the mailbox of user */
	ROUTE_RELAY,		/* upstream */
	ROUTE_ALIAS,		/* to those whom the alias stands for */
	ROUTE_NO_USER,		/* the domain is ours, and nobody is there */
	ROUTE_DENIED,		/* this client may not relay */
	ROUTE_NO_UPSTREAM	/* nothing that it could be sent to */
};

struct route {
	enum route_kind	 kind;
	const char	*user;		/* ROUTE_LOCAL: the configuration's */
	const struct conf_alias
			*alias;		/* ROUTE_ALIAS: the configuration's */
};

/*
 * A known address of a user, or an alias or a user's name at a local domain,
 * is local; so is postmaster, when the configuration names one.  What follows
 * a "+" in a name does not count, unless the whole is known or the
 * configuration says no; who is not known then is the catch-all's.  At our
 * host name aliases and users are local, but nobody else is missed there.
 * Everything else goes upstream if the client may relay.  Case does not
 * matter for names that are local.
 */
struct route	 route_recipient(const struct conf *, const struct address *,
		    int may_relay);
/* The same, but as if there were no aliases: whose address it is. */
struct route	 route_owner(const struct conf *, const struct address *);

/* Aliases that one name may lead through, and what failed. */
#define ROUTE_ALIASES_MAX	256

enum route_expand {
	ROUTE_EXPANDED,
	ROUTE_EXPAND_MEMORY,	/* ENOMEM */
	ROUTE_EXPAND_MANY,	/* more recipients or aliases than allowed */
	ROUTE_EXPAND_TARGET,	/* one of an alias leads nowhere */
	ROUTE_EXPAND_EMPTY	/* nobody is left: a loop */
};

struct route_failure {
	const char	*alias;		/* the configuration's */
	const char	*target;	/* or NULL */
};

/*
 * Appends to the envelope, which may have at most max recipients then, all
 * whom the alias stands for, each once: those here under the address that
 * was given, those elsewhere under their own.  An alias that names itself
 * means the user of that name; one that was gone through already is left
 * out.  Whoever relays by it does so by the operator's word.
 */
enum route_expand
		 route_expand(const struct conf *, const struct conf_alias *,
		    const char *address, uint32_t max, struct envelope *,
		    struct route_failure *);

#endif
