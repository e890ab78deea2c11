/* See LICENSE for the terms. */

/* Routes of recipients: see route.h. */

#include <string.h>
#include <strings.h>

#include "route.h"

static int
is_local_domain(const struct conf *conf, const char *name)
{
	struct conf_domain	*d;

	TAILQ_FOREACH(d, &conf->domains, entry)
		if (strcasecmp(d->name, name) == 0)
			return (1);
	return (0);
}

/* The user who has this as one of the addresses. */
static const struct conf_user *
find_by_address(const struct conf *conf, const struct address *a)
{
	struct conf_user	*u;
	struct strnode		*n;
	struct address		 known;

	TAILQ_FOREACH(u, &conf->users, entry) {
		TAILQ_FOREACH(n, &u->addresses, entry)
			if (address_parse(n->s, strlen(n->s), &known) == 0 &&
			    address_equal_nocase(&known, a))
				return (u);
	}
	return (NULL);
}

static const struct conf_user *
find_by_name(const struct conf *conf, const char *name)
{
	struct conf_user	*u;

	TAILQ_FOREACH(u, &conf->users, entry)
		if (strcasecmp(u->name, name) == 0)
			return (u);
	return (NULL);
}

static int
has_relay(const struct conf *conf)
{
	struct conf_upstream	*u;

	TAILQ_FOREACH(u, &conf->upstreams, entry)
		if (u->relay_host != NULL)
			return (1);
	return (0);
}

/* A recipient without a domain (postmaster only), or at one of ours. */
static const struct conf_user *
find_here(const struct conf *conf, const struct address *a)
{
	const struct conf_user	*u = NULL;
	char			 local[ADDRESS_MAX + 1];

	if (address_local(a, local, sizeof(local)) == -1)
		return (NULL);
	if (address_domain(a)[0] != '\0')
		u = find_by_name(conf, local);
	if (u == NULL && strcasecmp(local, "postmaster") == 0 &&
	    conf->global.postmaster != NULL)
		u = find_by_name(conf, conf->global.postmaster);
	return (u);
}

struct route
route_recipient(const struct conf *conf, const struct address *a,
    int may_relay)
{
	const struct conf_user	*u;
	struct route		 route = { ROUTE_NO_USER, NULL };
	const char		*domain = address_domain(a);
	int			 here;

	here = domain[0] == '\0' || is_local_domain(conf, domain);
	u = find_by_address(conf, a);
	/* Programs of this machine name its users by its own name. */
	if (u == NULL && (here || (conf->global.hostname != NULL &&
	    strcasecmp(domain, conf->global.hostname) == 0)))
		u = find_here(conf, a);
	if (u != NULL) {
		route.kind = ROUTE_LOCAL;
		route.user = u->name;
	} else if (!here && !may_relay)
		route.kind = ROUTE_DENIED;
	else if (!here)
		route.kind = has_relay(conf) ? ROUTE_RELAY :
		    ROUTE_NO_UPSTREAM;
	return (route);
}
