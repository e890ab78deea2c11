/* See LICENSE for the terms. */
/*
 * Whether the parts of a configuration fit together: what the grammar, which
 * sees one statement at a time, cannot know.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf.h"
#include "conf_check.h"
#include "conf_value.h"

#define RATES_MAX	64	/* TARIFF_RATES_MAX of dialerd */
#define DATES_MAX	128	/* CALENDAR_MAX of dialerd */
#define INIT_MAX	16	/* MODEM_INIT_MAX of dialerd */
#define ANSWER_MAX	120	/* DESIGN L5: give up within 2 minutes */
#define REDIALS_STRICT	2	/* L5, and ... */
#define REDIAL_PERIOD	180	/* ... within 3 minutes */
#define DAY_MINUTES	1440
#define FREE_LIMIT	86400

struct check {
	const struct conf	*conf;
	conf_report		*report;
	void			*arg;
	int			 errors;
};

#define ERROR(k, where, ...) do {					\
	(k)->errors++;							\
	(k)->report((k)->arg, CONF_ERROR, (where), __VA_ARGS__);	\
} while (0)
#define WARN(k, where, ...)						\
	(k)->report((k)->arg, CONF_WARNING, (where), __VA_ARGS__)

static void	 check_paths(struct check *);
static void	 check_socket(struct check *, char *const *, const char *);
static void	 check_names(struct check *);
static void	 check_listeners(struct check *);
static void	 check_listener(struct check *, const struct conf_listener *);
static void	 check_upstreams(struct check *);
static void	 check_plain(struct check *, const struct conf_upstream *);
static void	 check_users(struct check *);
static void	 check_addresses(struct check *, const struct conf_user *);
static int	 has_name_address(const struct check *,
		    const struct conf_user *, const char *);
static void	 check_aliases(struct check *);
static void	 check_accounts(struct check *);
static void	 check_lines(struct check *);
static void	 check_modem(struct check *, const struct conf_line *);
static void	 check_stay(struct check *, const struct conf_line *);
static void	 check_amount(struct check *);
static size_t	 string_size(const char *);
static size_t	 list_size(const struct strlist *);
static void	 check_tariffs(struct check *);
static void	 check_gap(struct check *, const struct conf_tariff *);
static int	 has_holidays(const struct conf *);
static void	 check_spans(struct check *);
static void	 check_budgets(struct check *);
static void	 check_budget(struct check *, const struct conf_budget *);
static void	 check_dialling(struct check *);
static int	 has_price(const struct conf *);
static int	 covers(const struct conf_listener *,
		    const struct conf_listener *);
static int	 is_loopback(const char *);

int
conf_redial_lax(uint64_t redials, uint64_t within, uint64_t then)
{
	/* The pause after a series is never shorter than "within". */
	return (redials > REDIALS_STRICT ||
	    (within < REDIAL_PERIOD && then < REDIAL_PERIOD));
}

int
conf_check(const struct conf *conf, conf_report *report, void *arg)
{
	struct check k;

	memset(&k, 0, sizeof(k));
	k.conf = conf;
	k.report = report;
	k.arg = arg;
	check_paths(&k);
	check_names(&k);
	check_listeners(&k);
	check_upstreams(&k);
	check_users(&k);
	check_aliases(&k);
	check_accounts(&k);
	check_lines(&k);
	check_tariffs(&k);
	check_spans(&k);
	check_budgets(&k);
	check_dialling(&k);
	check_amount(&k);
	return (k.errors);
}

static void
check_paths(struct check *k)
{
	const struct conf_global *g = &k->conf->global;

	check_socket(k, &g->control, "control");
	check_socket(k, &g->control_ro, "control read-only");
	if (strcmp(g->control, g->control_ro) == 0)
		ERROR(k, &g->control_ro,
		    "both control sockets have the same path");
	if (strcmp(g->spool, g->empty) == 0)
		ERROR(k, &g->empty, "\"empty\" and \"spool\" are the same "
		    "directory");
	if (g->postmaster != NULL &&
	    conf_user_find(k->conf, g->postmaster) == NULL)
		ERROR(k, &g->postmaster, "postmaster \"%s\": there is no such "
		    "user", g->postmaster);
	if (g->catch_all != NULL &&
	    conf_user_find(k->conf, g->catch_all) == NULL)
		ERROR(k, &g->catch_all, "catch-all \"%s\": there is no such "
		    "user", g->catch_all);
	else if (g->catch_all != NULL && TAILQ_EMPTY(&k->conf->domains))
		WARN(k, &g->catch_all, "catch-all: there are no \"local "
		    "domains\"");
}

static void
check_socket(struct check *k, char *const *path, const char *what)
{
	struct sockaddr_un sun;

	if (strlen(*path) >= sizeof(sun.sun_path))
		ERROR(k, path, "%s: a socket's path has at most %zu bytes",
		    what, sizeof(sun.sun_path) - 1);
}

/* The second of two things with one name is where the error is. */
#define CHECK_UNIQUE(k, list, type, what, same) do {			\
	const struct type *a_, *b_;					\
	TAILQ_FOREACH(a_, &(k)->conf->list, entry) {			\
		TAILQ_FOREACH(b_, &(k)->conf->list, entry) {		\
			if (a_ == b_)					\
				break;					\
			if (same(a_->name, b_->name) == 0) {		\
				ERROR(k, a_, what " \"%s\" is there "	\
				    "already", a_->name);		\
				break;					\
			}						\
		}							\
	}								\
} while (0)

static void
check_names(struct check *k)
{
	CHECK_UNIQUE(k, domains, conf_domain, "local domain", strcmp);
	CHECK_UNIQUE(k, pkis, conf_pki, "pki", strcmp);
	CHECK_UNIQUE(k, upstreams, conf_upstream, "upstream", strcmp);
	/* alice and Alice would both be alice@ a local domain. */
	CHECK_UNIQUE(k, users, conf_user, "user", strcasecmp);
	CHECK_UNIQUE(k, tariffs, conf_tariff, "tariff", strcmp);
	CHECK_UNIQUE(k, lines, conf_line, "line", strcmp);
}

static void
check_listeners(struct check *k)
{
	const struct conf_listener *a, *b;

	TAILQ_FOREACH(a, &k->conf->listeners, entry) {
		check_listener(k, a);
		TAILQ_FOREACH(b, &k->conf->listeners, entry) {
			if (a == b)
				break;
			if (conf_same_socket(a, b) && conf_listener_local(a))
				ERROR(k, a, "listen on %s is there already",
				    a->host);
			else if (conf_same_socket(a, b))
				ERROR(k, a, "listen on %s port %u is there "
				    "already", a->host, a->port);
			else if (covers(a, b) || covers(b, a))
				ERROR(k, a, "listen on %s port %u: there is "
				    "one on %s already", a->host, a->port,
				    b->host);
			else
				continue;
			break;
		}
	}
}

static void
check_listener(struct check *k, const struct conf_listener *l)
{
	struct sockaddr_un sun;

	if (conf_listener_local(l) && strlen(l->host) >= sizeof(sun.sun_path))
		ERROR(k, l, "listen on %s: a socket's path has at most %zu "
		    "bytes", l->host, sizeof(sun.sun_path) - 1);
	if (l->tls != TLS_MODE_NONE && l->pki == NULL)
		ERROR(k, l, "a listener with TLS needs a pki: tls \"name\"");
	if (l->pki != NULL && conf_pki_find(k->conf, l->pki) == NULL)
		ERROR(k, l, "tls \"%s\": there is no such pki", l->pki);
	if (l->service == SERVICE_SMTP)
		return;
	if (!TAILQ_EMPTY(&l->from))
		WARN(k, l, "\"from\" is for smtp: this service is open to "
		    "whoever has a password");
	if (k->conf->global.users == NULL)
		ERROR(k, l, "this listener asks for passwords, but there is "
		    "no \"users\" file");
	if (l->tls == TLS_MODE_NONE && !is_loopback(l->host))
		WARN(k, l, "without \"tls\" passwords pass through the "
		    "local network in the clear");
}

/* 1 when a is on every address, that of b among them. */
static int
covers(const struct conf_listener *a, const struct conf_listener *b)
{
	struct in6_addr all;

	if (a->port != b->port)
		return (0);
	if (strchr(a->host, ':') == NULL)
		return (strcmp(a->host, "0.0.0.0") == 0 &&
		    strchr(b->host, ':') == NULL);
	return (inet_pton(AF_INET6, a->host, &all) == 1 &&
	    IN6_IS_ADDR_UNSPECIFIED(&all) && strchr(b->host, ':') != NULL);
}

int
conf_same_socket(const struct conf_listener *a, const struct conf_listener *b)
{
	struct in6_addr x, y;

	if (a->port != b->port)
		return (0);
	if (inet_pton(AF_INET6, a->host, &x) == 1 &&
	    inet_pton(AF_INET6, b->host, &y) == 1)
		return (memcmp(&x, &y, sizeof(x)) == 0);
	return (strcasecmp(a->host, b->host) == 0);
}

static int
is_loopback(const char *host)
{
	struct in_addr in;
	struct in6_addr in6;

	if (inet_pton(AF_INET, host, &in) == 1)
		return (ntohl(in.s_addr) >> 24 == IN_LOOPBACKNET);
	if (inet_pton(AF_INET6, host, &in6) == 1)
		return (IN6_IS_ADDR_LOOPBACK(&in6));
	return (strcasecmp(host, "localhost") == 0);
}

static void
check_upstreams(struct check *k)
{
	const struct conf_upstream *u, *relay = NULL;

	TAILQ_FOREACH(u, &k->conf->upstreams, entry) {
		if (u->relay_host == NULL && u->fetch_proto == FETCH_NONE)
			ERROR(k, u, "upstream \"%s\" has neither \"relay\" "
			    "nor \"fetch\"", u->name);
		if (u->ca == NULL && k->conf->global.ca == NULL &&
		    (u->relay_tls != TLS_MODE_NONE ||
		    u->fetch_tls != TLS_MODE_NONE))
			ERROR(k, u, "upstream \"%s\" uses TLS, but there is "
			    "no \"ca\" to trust", u->name);
		check_plain(k, u);
		if (u->relay_host == NULL)
			continue;
		if (relay != NULL)
			WARN(k, u, "upstream \"%s\": its relay is not used: "
			    "all mail leaves through that of \"%s\"",
			    u->name, relay->name);
		else
			relay = u;
	}
}

/* Passwords that anyone on the way can read. */
static void
check_plain(struct check *k, const struct conf_upstream *u)
{
	const struct conf_account *a;

	if (u->relay_password != NULL && u->relay_tls == TLS_MODE_NONE &&
	    !is_loopback(u->relay_host))
		WARN(k, u, "upstream \"%s\": smtp:// sends the password in "
		    "the clear: use smtps:// or smtp+tls://", u->name);
	if (u->fetch_proto == FETCH_NONE || u->fetch_tls != TLS_MODE_NONE ||
	    is_loopback(u->fetch_host))
		return;
	TAILQ_FOREACH(a, &k->conf->accounts, entry) {
		if (strcmp(a->upstream, u->name) != 0)
			continue;
		WARN(k, u, "upstream \"%s\": %s:// sends passwords in the "
		    "clear: use %ss:// or %s+tls://", u->name,
		    u->fetch_proto == FETCH_POP3 ? "pop3" : "imap",
		    u->fetch_proto == FETCH_POP3 ? "pop3" : "imap",
		    u->fetch_proto == FETCH_POP3 ? "pop3" : "imap");
		return;
	}
}

static void
check_users(struct check *k)
{
	const struct conf_user *u;
	const char *why;

	TAILQ_FOREACH(u, &k->conf->users, entry) {
		if (value_name(u->name, VALUE_USER_MAX, &why) == -1)
			ERROR(k, u, "user \"%s\" %s", u->name, why);
		check_addresses(k, u);
	}
}

/* No address of this user may be one of this or of an earlier user. */
static void
check_addresses(struct check *k, const struct conf_user *user)
{
	const struct conf_user *other;
	const struct strnode *a, *b;

	TAILQ_FOREACH(a, &user->addresses, entry) {
		TAILQ_FOREACH(other, &k->conf->users, entry) {
			TAILQ_FOREACH(b, &other->addresses, entry) {
				if (a == b || strcasecmp(a->s, b->s) == 0)
					break;
			}
			if (b != NULL)
				break;
		}
		if (other == NULL || b == a) {
			TAILQ_FOREACH(other, &k->conf->users, entry)
				if (other != user &&
				    has_name_address(k, other, a->s))
					break;
		}
		if (other != NULL)
			ERROR(k, a, "address \"%s\" belongs to user \"%s\" "
			    "already", a->s, other->name);
	}
}

/* Whether this is the address that the user has by name in our domains. */
static int
has_name_address(const struct check *k, const struct conf_user *u,
    const char *address)
{
	const struct conf_domain *d;
	size_t len = strlen(u->name);

	if (strncasecmp(address, u->name, len) != 0 || address[len] != '@')
		return (0);
	TAILQ_FOREACH(d, &k->conf->domains, entry)
		if (strcasecmp(address + len + 1, d->name) == 0)
			return (1);
	return (0);
}

/* A name, without what follows a "+" if need be, that leads somewhere. */
static int
has_name(const struct conf *conf, const char *name)
{
	const struct conf_alias *a;
	const struct conf_user *u;
	size_t len = strlen(name), plus;

	plus = conf->global.no_plus ? len : strcspn(name, "+");
	TAILQ_FOREACH(u, &conf->users, entry)
		if (strncasecmp(u->name, name, plus) == 0 &&
		    u->name[plus] == '\0')
			return (1);
	TAILQ_FOREACH(a, &conf->aliases, entry)
		if (strcasecmp(a->name, name) == 0 ||
		    (plus < len && strncasecmp(a->name, name, plus) == 0 &&
		    a->name[plus] == '\0'))
			return (1);
	return (strcasecmp(name, "postmaster") == 0 &&
	    conf->global.postmaster != NULL);
}

static void
check_targets(struct check *k, const struct conf_alias *a)
{
	const struct strnode *n;

	TAILQ_FOREACH(n, &a->targets, entry) {
		if (strchr(n->s, '@') == NULL &&
		    !has_name(k->conf, n->s + (n->s[0] == '\\')))
			WARN(k, n, "alias \"%s\": there is neither a user nor "
			    "an alias \"%s\": its mail is refused", a->name,
			    n->s);
	}
	if (strlist_len(&a->targets) > CONF_LIST_MAX ||
	    list_size(&a->targets) > CONF_ITEM_MAX)
		ERROR(k, a, "alias \"%s\" stands for too many: divide it",
		    a->name);
}

/* A user whose name stands for others only. */
static void
check_hidden(struct check *k, const struct conf_alias *a)
{
	const struct conf_user *u;
	const struct strnode *n;

	TAILQ_FOREACH(u, &k->conf->users, entry) {
		if (strcasecmp(u->name, a->name) != 0)
			continue;
		TAILQ_FOREACH(n, &a->targets, entry)
			if (strcasecmp(n->s + (n->s[0] == '\\'), u->name) ==
			    0)
				return;
		WARN(k, a, "alias \"%s\": mail for the user of that name goes "
		    "to others only", a->name);
	}
}

static void
check_aliases(struct check *k)
{
	const struct conf_alias *a;
	size_t n = 0;

	TAILQ_FOREACH(a, &k->conf->aliases, entry) {
		if (++n > CONF_ALIASES_MAX) {
			ERROR(k, a, "more than %d aliases", CONF_ALIASES_MAX);
			return;
		}
	}
	CHECK_UNIQUE(k, aliases, conf_alias, "alias", strcasecmp);
	TAILQ_FOREACH(a, &k->conf->aliases, entry) {
		check_targets(k, a);
		check_hidden(k, a);
	}
}

static void
check_accounts(struct check *k)
{
	const struct conf_account *a;
	const struct conf_upstream *u;

	TAILQ_FOREACH(a, &k->conf->accounts, entry) {
		u = conf_upstream_find(k->conf, a->upstream);
		if (u == NULL)
			ERROR(k, a, "fetch \"%s\": there is no such upstream",
			    a->upstream);
		else if (u->fetch_proto == FETCH_NONE)
			ERROR(k, a, "fetch \"%s\": that upstream has no "
			    "\"fetch\"", a->upstream);
	}
}

static void
check_lines(struct check *k)
{
	const struct conf_line *l;

	TAILQ_FOREACH(l, &k->conf->lines, entry) {
		if (l->window == 0)
			ERROR(k, l, "line \"%s\": a window of 0", l->name);
		if (l->answer == 0 || l->answer > ANSWER_MAX)
			ERROR(k, l, "line \"%s\": a call that is not answered "
			    "is given up within 1s to 2m", l->name);
		if (l->tariff != NULL &&
		    conf_tariff_find(k->conf, l->tariff) == NULL)
			ERROR(k, l, "tariff \"%s\": there is no such tariff",
			    l->tariff);
		check_modem(k, l);
		check_stay(k, l);
	}
	l = TAILQ_FIRST(&k->conf->lines);
	if (l != NULL && TAILQ_NEXT(l, entry) == NULL && l->skip != 0)
		ERROR(k, &l->skip, "skip: line \"%s\" is the only one",
		    l->name);
	if (TAILQ_EMPTY(&k->conf->lines) && !TAILQ_EMPTY(&k->conf->upstreams))
		ERROR(k, TAILQ_FIRST(&k->conf->upstreams), "there is an "
		    "upstream, but no \"line\" to reach it");
}

static void
check_modem(struct check *k, const struct conf_line *l)
{
	if (l->device != NULL && TAILQ_EMPTY(&l->phone))
		ERROR(k, l, "line \"%s\" has a modem, but no \"phone\" to "
		    "dial", l->name);
	if (strlist_len(&l->init) > INIT_MAX)
		ERROR(k, l, "line \"%s\": more than %d \"init\" strings",
		    l->name, INIT_MAX);
	if (l->device == NULL && (!TAILQ_EMPTY(&l->phone) ||
	    !TAILQ_EMPTY(&l->init) || l->ppp || l->pulse || l->speed != 0))
		ERROR(k, l, "line \"%s\" has no \"modem\", so nothing can be "
		    "dialled or carry ppp", l->name);
}

/* What comes before the link, and whose it is. */
static void
check_chat(struct check *k, const struct conf_line *l)
{
	if (l->chat_timeout > CONF_CHAT_MAX)
		ERROR(k, &l->chat_timeout, "line \"%s\": a chat lasts no "
		    "longer than %d seconds", l->name, CONF_CHAT_MAX);
	if (strlist_len(&l->chat_abort) > CONF_CHAT_ABORTS)
		ERROR(k, l, "line \"%s\": more than %d \"chat abort\" "
		    "strings", l->name, CONF_CHAT_ABORTS);
	if (l->status != NULL && l->device == NULL && l->up == NULL)
		ERROR(k, &l->status, "line \"%s\" has a \"status\", but "
		    "neither \"modem\" nor \"up\": it is always there",
		    l->name);
}

uint64_t
conf_paid_unit(const struct conf *conf, const char *tariff)
{
	const struct conf_rate *r;
	uint64_t unit = 0;

	if (tariff == NULL)
		return (0);
	TAILQ_FOREACH(r, &conf->rates, entry)
		if (strcmp(r->tariff, tariff) == 0 && r->price != 0 &&
		    r->unit > unit)
			unit = r->unit;
	return (unit);
}

/* How long a call stays depends on the units that it pays for. */
static void
check_stay(struct check *k, const struct conf_line *l)
{
	uint64_t unit = conf_paid_unit(k->conf, l->tariff);

	if (l->linger && unit == 0)
		ERROR(k, &l->linger, "linger: line \"%s\" has no tariff with "
		    "units that cost something", l->name);
	if (l->margin != 0 && unit == 0)
		ERROR(k, &l->margin, "margin: line \"%s\" has no tariff with "
		    "units that cost something", l->name);
	else if (l->margin != 0 && l->margin >= unit)
		ERROR(k, &l->margin, "margin: no unit of tariff \"%s\" is "
		    "longer than that", l->tariff);
	check_chat(k, l);
}

static void
check_tariffs(struct check *k)
{
	const struct conf_tariff *t;
	const struct conf_rate *r;
	size_t n;

	TAILQ_FOREACH(t, &k->conf->tariffs, entry) {
		n = 0;
		TAILQ_FOREACH(r, &k->conf->rates, entry)
			if (strcmp(r->tariff, t->name) == 0)
				n++;
		if (n > RATES_MAX)
			ERROR(k, t, "tariff \"%s\": more than %d prices",
			    t->name, RATES_MAX);
		else if (n > 0)
			check_gap(k, t);
		if (t->free != 0 && conf_paid_unit(k->conf, t->name) == 0)
			ERROR(k, &t->free, "free: no time of tariff \"%s\" "
			    "costs anything", t->name);
		else if (t->free > FREE_LIMIT)
			ERROR(k, &t->free, "free: more than a day of each "
			    "call");
	}
}

/* A day is one of the week, and a holiday or not; so is the one before. */
struct daykind {
	uint32_t	 wday;
	int		 holiday;
	int		 after_holiday;
};

static int
day_matches(const struct conf_span *s, uint32_t wday, int holiday)
{
	if (holiday && (s->days & DAYS_HOLIDAY) != 0)
		return (1);
	if (holiday && (s->days & DAYS_WORKDAY) != 0)
		return (0);
	return ((s->days & 1U << wday) != 0);
}

/* Whether a rate of a span is in force at this minute of such a day. */
static int
span_holds(const struct conf_span *s, const struct daykind *d, uint32_t minute)
{
	if (!s->set)
		return (1);
	if (s->from < s->to)
		return (minute >= s->from && minute < s->to &&
		    day_matches(s, d->wday, d->holiday));
	if (minute >= s->from)
		return (day_matches(s, d->wday, d->holiday));
	/* It began the day before. */
	return (minute < s->to && day_matches(s, (d->wday + 6) % 7,
	    d->after_holiday));
}

/* 1, and the first minute of such a day that no rate covers, or 0. */
static int
tariff_gap(const struct conf *conf, const char *name, const struct daykind *d,
    uint32_t *minute)
{
	const struct conf_rate *r;
	uint32_t m;

	for (m = 0; m < DAY_MINUTES; m++) {
		TAILQ_FOREACH(r, &conf->rates, entry) {
			if (strcmp(r->tariff, name) == 0 &&
			    span_holds(&r->span, d, m))
				break;
		}
		if (r == NULL) {
			*minute = m;
			return (1);
		}
	}
	return (0);
}

/* Said of the first day that has one; what counts by date is on top. */
static void
check_gap(struct check *k, const struct conf_tariff *t)
{
	static const char *const names[] = { "sunday", "monday", "tuesday",
	    "wednesday", "thursday", "friday", "saturday" };
	static const char *const kinds[] = { "", " after a holiday",
	    " that is a holiday", " between two holidays" };
	struct daykind d;
	uint32_t i, minute, n = has_holidays(k->conf) ? 4 : 1;

	for (i = 0; i < 7 * n; i++) {
		d.wday = i % 7;
		d.after_holiday = i / 7 == 1 || i / 7 == 3;
		d.holiday = i / 7 >= 2;
		if (!tariff_gap(k->conf, t->name, &d, &minute))
			continue;
		WARN(k, t, "tariff \"%s\" has no price on %s%s at "
		    "%02u:%02u: time is free then", t->name, names[d.wday],
		    kinds[i / 7], minute / 60, minute % 60);
		return;
	}
}

static int
has_holidays(const struct conf *conf)
{
	const struct conf_dayset *d;

	TAILQ_FOREACH(d, &conf->daysets, entry)
		if (d->id == DAYSET_HOLIDAYS)
			return (1);
	return (0);
}

/* Words that need a list of holidays. */
static void
check_span(struct check *k, const void *where, const struct conf_span *s)
{
	if (has_holidays(k->conf))
		return;
	if ((s->days & DAYS_HOLIDAY) != 0)
		ERROR(k, where, "on holidays: there are no \"holidays\"");
	if ((s->days & DAYS_WORKDAY) != 0)
		WARN(k, where, "on workdays: there are no \"holidays\", so "
		    "these are all weekdays");
}

static void
check_spans(struct check *k)
{
	const struct conf_rate *rate;
	const struct conf_rule *rule;
	const struct conf_hold *hold;

	TAILQ_FOREACH(rate, &k->conf->rates, entry)
		check_span(k, rate, &rate->span);
	TAILQ_FOREACH(rule, &k->conf->rules, entry)
		check_span(k, rule, &rule->span);
	TAILQ_FOREACH(hold, &k->conf->holds, entry)
		check_span(k, hold, &hold->span);
}

static void
check_budgets(struct check *k)
{
	const struct conf_budget *a, *b;

	TAILQ_FOREACH(a, &k->conf->budgets, entry) {
		TAILQ_FOREACH(b, &k->conf->budgets, entry) {
			if (a == b)
				break;
			if (a->kind != b->kind || a->period != b->period)
				continue;
			ERROR(k, a, "a budget of this kind for this period "
			    "is there already");
			break;
		}
		check_budget(k, a);
	}
}

static void
check_budget(struct check *k, const struct conf_budget *b)
{
	const struct conf_line *l;
	int price = has_price(k->conf);

	if (b->keep > b->amount)
		ERROR(k, b, "more of the budget is kept for urgent mail than "
		    "there is");
	if (b->kind == BUDGET_MONEY && !price)
		ERROR(k, b, "the budget is of money, but no line has a "
		    "tariff");
	TAILQ_FOREACH(l, &k->conf->lines, entry) {
		if (b->kind == BUDGET_MONEY && price && l->tariff == NULL)
			WARN(k, b, "the budget is of money, but line \"%s\" "
			    "has no tariff: its calls are free", l->name);
		if (b->kind == BUDGET_SECONDS && b->keep <= b->amount &&
		    b->amount - b->keep < l->window)
			WARN(k, b, "the budget is less than one window of "
			    "line \"%s\": it will never be dialled", l->name);
	}
}

/* Whether a call can cost anything; of no line at all nothing is said. */
static int
has_price(const struct conf *conf)
{
	const struct conf_line *l;

	TAILQ_FOREACH(l, &conf->lines, entry)
		if (l->tariff != NULL)
			return (1);
	return (TAILQ_EMPTY(&conf->lines));
}

static void
check_dialling(struct check *k)
{
	const struct conf_global *g = &k->conf->global;
	const struct conf_rule *r;

	TAILQ_FOREACH(r, &k->conf->rules, entry) {
		if ((r->condition == DIAL_COST ||
		    r->condition == DIAL_BALANCE) && !has_price(k->conf))
			ERROR(k, r, "dial when %s: no line has a tariff",
			    r->condition == DIAL_COST ? "cost" : "balance");
	}
	if (g->breaker_pause < g->redial_then)
		ERROR(k, &g->breaker, "breaker: its pause is shorter than that "
		    "of \"redial\"");
	if (TAILQ_EMPTY(&k->conf->rules) && !TAILQ_EMPTY(&k->conf->upstreams))
		WARN(k, TAILQ_FIRST(&k->conf->upstreams), "nothing opens a "
		    "window by itself: there is no \"dial\"");
}

static size_t
string_size(const char *s)
{
	return (s == NULL ? 0 : strlen(s) + 2);
}

static size_t
list_size(const struct strlist *list)
{
	const struct strnode *n;
	size_t size = 0;

	TAILQ_FOREACH(n, list, entry)
		size += string_size(n->s);
	return (size);
}

static size_t
line_size(const struct conf_line *l)
{
	return (list_size(&l->init) + list_size(&l->phone) +
	    list_size(&l->ppp_options) + list_size(&l->chat) +
	    list_size(&l->chat_abort) + string_size(l->device) +
	    string_size(l->up) + string_size(l->down) +
	    string_size(l->status) + string_size(l->lock));
}

/* What the other processes could not be told. */
static void
check_amount(struct check *k)
{
	const struct conf_global *g = &k->conf->global;
	const struct conf_listener *l;
	const struct conf_user *u;
	const struct conf_line *line;
	const struct conf_dayset *days;
	size_t dates = 0;

	TAILQ_FOREACH(l, &k->conf->listeners, entry)
		if (strlist_len(&l->from) > CONF_LIST_MAX ||
		    list_size(&l->from) > CONF_ITEM_MAX)
			ERROR(k, l, "too many networks for one listener");
	TAILQ_FOREACH(u, &k->conf->users, entry) {
		if (strlist_len(&u->addresses) > CONF_LIST_MAX)
			ERROR(k, u, "user \"%s\": more than %d addresses",
			    u->name, CONF_LIST_MAX);
		else if (list_size(&u->addresses) > CONF_ITEM_MAX)
			ERROR(k, u, "user \"%s\": the words of this block "
			    "are too many", u->name);
	}
	TAILQ_FOREACH(line, &k->conf->lines, entry)
		if (strlist_len(&line->phone) > CONF_LIST_MAX ||
		    strlist_len(&line->ppp_options) > CONF_LIST_MAX ||
		    strlist_len(&line->chat) > CONF_LIST_MAX ||
		    line_size(line) > CONF_ITEM_MAX)
			ERROR(k, line, "line \"%s\": the words of this block "
			    "are too many", line->name);
	TAILQ_FOREACH(days, &k->conf->daysets, entry) {
		dates += strlist_len(&days->dates);
		if (dates > DATES_MAX &&
		    dates - strlist_len(&days->dates) <= DATES_MAX)
			ERROR(k, days, "more than %d dates in all", DATES_MAX);
	}
	if (string_size(g->spool) + string_size(g->empty) +
	    string_size(g->users) + string_size(g->ca) > CONF_ITEM_MAX)
		ERROR(k, NULL, "the paths are too long");
}
