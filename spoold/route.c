/* See LICENSE for the terms. */

/* Routes of recipients: see route.h. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "queue.h"
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

static const struct conf_alias *
find_alias(const struct conf *conf, const char *name)
{
	struct conf_alias	*a;

	TAILQ_FOREACH(a, &conf->aliases, entry)
		if (strcasecmp(a->name, name) == 0)
			return (a);
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

/* Fills in an alias or a user of that name; 1, or 0 where there is none. */
static int
find_exactly(const struct conf *conf, const char *name, int aliases,
    struct route *route)
{
	const struct conf_user	*u;

	if (aliases && (route->alias = find_alias(conf, name)) != NULL) {
		route->kind = ROUTE_ALIAS;
		return (1);
	}
	if ((u = find_by_name(conf, name)) == NULL &&
	    strcasecmp(name, "postmaster") == 0 &&
	    conf->global.postmaster != NULL)
		u = find_by_name(conf, conf->global.postmaster);
	if (u == NULL)
		return (0);
	route->kind = ROUTE_LOCAL;
	route->user = u->name;
	return (1);
}

/* The same, with or without what follows a "+"; the name is cut there. */
static int
find_name(const struct conf *conf, char *name, int aliases,
    struct route *route)
{
	char	*plus;

	if (find_exactly(conf, name, aliases, route))
		return (1);
	if (conf->global.no_plus || (plus = strchr(name, '+')) == NULL ||
	    plus == name)
		return (0);
	*plus = '\0';
	return (find_exactly(conf, name, aliases, route));
}

/* An address that a user has, with something after a "+". */
static int
find_plus_address(const struct conf *conf, const struct address *a,
    struct route *route)
{
	const struct conf_user	*u;
	const char		*plus = memchr(a->text, '+', a->at);
	struct address		 cut;
	char			 text[ADDRESS_MAX + 1];
	size_t			 n;

	if (conf->global.no_plus || plus == NULL || a->text[0] == '"' ||
	    (n = (size_t)(plus - a->text)) == 0)
		return (0);
	memcpy(text, a->text, n);
	memcpy(text + n, a->text + a->at, strlen(a->text + a->at) + 1);
	if (address_parse(text, strlen(text), &cut) == -1 ||
	    (u = find_by_address(conf, &cut)) == NULL)
		return (0);
	route->kind = ROUTE_LOCAL;
	route->user = u->name;
	return (1);
}

/* At one of our names, domain or host: 1 if somebody is there, else 0. */
static int
find_here(const struct conf *conf, const struct address *a, int domain,
    int aliases, struct route *route)
{
	const struct conf_user	*u;
	char			 local[ADDRESS_MAX + 1];

	if (address_local(a, local, sizeof(local)) == -1)
		return (0);
	/* Without a domain there is but one. */
	if (address_domain(a)[0] == '\0')
		return (strcasecmp(local, "postmaster") == 0 &&
		    find_exactly(conf, local, aliases, route));
	if (find_name(conf, local, aliases, route))
		return (1);
	if (!domain)
		return (0);
	if (find_plus_address(conf, a, route))
		return (1);
	if (conf->global.catch_all == NULL ||
	    (u = find_by_name(conf, conf->global.catch_all)) == NULL)
		return (0);
	route->kind = ROUTE_LOCAL;
	route->user = u->name;
	return (1);
}

/* An alias at one of our names comes before all else. */
static int
is_alias(const struct conf *conf, const struct address *a,
    struct route *route)
{
	char	 local[ADDRESS_MAX + 1];

	if (TAILQ_EMPTY(&conf->aliases) || address_domain(a)[0] == '\0' ||
	    address_local(a, local, sizeof(local)) == -1 ||
	    (route->alias = find_alias(conf, local)) == NULL)
		return (0);
	route->kind = ROUTE_ALIAS;
	return (1);
}

static struct route
find_route(const struct conf *conf, const struct address *a, int aliases,
    int may_relay)
{
	const struct conf_user	*u;
	struct route		 route = { ROUTE_NO_USER, NULL, NULL };
	const char		*domain = address_domain(a);
	int			 here, host;

	here = domain[0] == '\0' || is_local_domain(conf, domain);
	/* Programs of this machine name its users by its own name. */
	host = conf->global.hostname != NULL &&
	    strcasecmp(domain, conf->global.hostname) == 0;
	if (aliases && (here || host) && is_alias(conf, a, &route))
		return (route);
	if ((u = find_by_address(conf, a)) != NULL) {
		route.kind = ROUTE_LOCAL;
		route.user = u->name;
	} else if ((here || host) &&
	    find_here(conf, a, here, aliases, &route))
		;
	else if (!here && !may_relay)
		route.kind = ROUTE_DENIED;
	else if (!here)
		route.kind = has_relay(conf) ? ROUTE_RELAY :
		    ROUTE_NO_UPSTREAM;
	return (route);
}

struct route
route_recipient(const struct conf *conf, const struct address *a,
    int may_relay)
{
	return (find_route(conf, a, 1, may_relay));
}

struct route
route_owner(const struct conf *conf, const struct address *a)
{
	return (find_route(conf, a, 0, 1));
}

/* What is gone through, and for whom. */
struct expansion {
	const struct conf	*conf;
	const struct conf_alias	*seen[ROUTE_ALIASES_MAX];
	size_t			 nseen;
	const char		*address;	/* that was written to */
	uint32_t		 max;
	struct envelope		*envelope;
};

static enum route_expand
add_member(struct expansion *x, const char *address, const char *user)
{
	struct envelope		*e = x->envelope;
	struct address		 one, two;
	uint32_t		 i;

	if (user == NULL && address_parse(address, strlen(address), &one) ==
	    -1)
		return (ROUTE_EXPAND_TARGET);
	for (i = 0; i < e->nrecipients; i++) {
		if (user != NULL && e->recipients[i].user != NULL) {
			if (strcmp(e->recipients[i].user, user) == 0)
				return (ROUTE_EXPANDED);
		} else if (user == NULL && e->recipients[i].user == NULL &&
		    address_parse(e->recipients[i].address,
		    strlen(e->recipients[i].address), &two) == 0 &&
		    address_equal(&one, &two))
			return (ROUTE_EXPANDED);
	}
	if (e->nrecipients >= x->max)
		return (ROUTE_EXPAND_MANY);
	return (envelope_add(e, address, user) == -1 ? ROUTE_EXPAND_MEMORY :
	    ROUTE_EXPANDED);
}

static enum route_expand
add_alias(struct expansion *x, const struct conf_alias *alias)
{
	size_t	 i;

	for (i = 0; i < x->nseen; i++)
		if (x->seen[i] == alias)
			return (ROUTE_EXPANDED);
	if (x->nseen == ROUTE_ALIASES_MAX)
		return (ROUTE_EXPAND_MANY);
	x->seen[x->nseen++] = alias;
	return (ROUTE_EXPANDED);
}

/* Whom a target means; "\\name", and a name within itself, are users. */
static struct route
find_target(const struct conf *conf, const struct conf_alias *alias,
    const char *target)
{
	struct route	 route = { ROUTE_NO_USER, NULL, NULL };
	struct address	 a;
	char		 name[ADDRESS_MAX + 1];
	int		 aliases = 1;

	if (target[0] == '\\') {
		aliases = 0;
		target++;
	}
	if (strchr(target, '@') != NULL) {
		if (address_parse(target, strlen(target), &a) == 0)
			route = route_recipient(conf, &a, 1);
	} else if (strlcpy(name, target, sizeof(name)) < sizeof(name))
		(void)find_name(conf, name, aliases, &route);
	if (route.kind != ROUTE_ALIAS || route.alias != alias)
		return (route);
	route.kind = ROUTE_NO_USER;
	(void)find_exactly(conf, alias->name, 0, &route);
	return (route);
}

static enum route_expand
expand_one(struct expansion *x, const struct conf_alias *alias,
    const char *target)
{
	struct route	 route = find_target(x->conf, alias, target);

	switch (route.kind) {
	case ROUTE_LOCAL:
		return (add_member(x, x->address, route.user));
	case ROUTE_RELAY:
		return (add_member(x, target, NULL));
	case ROUTE_ALIAS:
		return (add_alias(x, route.alias));
	default:
		return (ROUTE_EXPAND_TARGET);
	}
}

enum route_expand
route_expand(const struct conf *conf, const struct conf_alias *alias,
    const char *address, uint32_t max, struct envelope *e,
    struct route_failure *why)
{
	struct expansion	 x;
	const struct strnode	*n;
	uint32_t		 before = e->nrecipients;
	enum route_expand	 result;
	size_t			 i;

	memset(&x, 0, sizeof(x));
	x.conf = conf;
	x.address = address;
	x.max = max;
	x.envelope = e;
	x.seen[x.nseen++] = alias;
	for (i = 0; i < x.nseen; i++) {
		why->alias = x.seen[i]->name;
		TAILQ_FOREACH(n, &x.seen[i]->targets, entry) {
			why->target = n->s;
			result = expand_one(&x, x.seen[i], n->s);
			if (result != ROUTE_EXPANDED)
				return (result);
		}
	}
	why->alias = alias->name;
	why->target = NULL;
	return (e->nrecipients == before ? ROUTE_EXPAND_EMPTY :
	    ROUTE_EXPANDED);
}
