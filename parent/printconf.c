/* See LICENSE for the terms. */
/*
 * The configuration printed, so that it parses again to the same.  Passwords
 * are not shown.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "conf_check.h"
#include "conf_value.h"
#include "parse.h"

static void	 print_escaped(FILE *, const char *, size_t);
static void	 print_quoted(FILE *, const char *);
static void	 print_strings(FILE *, const char *, const struct strlist *);
static void	 print_size(FILE *, uint64_t);
static void	 print_duration(FILE *, uint64_t);
static void	 print_money(FILE *, uint64_t);
static void	 print_days(FILE *, const struct conf *,
		    const struct conf_span *);
static void	 print_span(FILE *, const struct conf *,
		    const struct conf_span *);
static void	 print_url(FILE *, const char *, uint32_t, const char *,
		    uint32_t);
static void	 print_global(FILE *, const struct conf_global *);
static void	 print_listeners(FILE *, const struct conf *);
static void	 print_upstreams(FILE *, const struct conf *);
static void	 print_users(FILE *, const struct conf *);
static void	 print_aliases(FILE *, const struct conf *);
static void	 print_account(FILE *, const struct conf_account *);
static void	 print_holidays(FILE *, const struct conf *);
static void	 print_tariffs(FILE *, const struct conf *);
static void	 print_lines(FILE *, const struct conf *);
static void	 print_modem(FILE *, const struct conf_line *);
static void	 print_chat(FILE *, const struct conf_line *);
static void	 print_stay(FILE *, const struct conf_line *);
static void	 print_rules(FILE *, const struct conf *);
static void	 print_redial(FILE *, const struct conf_global *);
static void	 print_budgets(FILE *, const struct conf *);
static void	 print_amount(FILE *, uint32_t, uint64_t);
static void	 print_bulk(FILE *, const struct conf_global *);

void
print_config(const struct conf *conf)
{
	print_config_to(stdout, conf);
}

void
print_config_to(FILE *f, const struct conf *conf)
{
	const struct conf_hold *h;
	const struct conf_domain *d;

	print_global(f, &conf->global);
	if (!TAILQ_EMPTY(&conf->domains)) {
		fprintf(f, "local domains {");
		TAILQ_FOREACH(d, &conf->domains, entry) {
			fprintf(f, " ");
			print_quoted(f, d->name);
		}
		fprintf(f, " }\n");
	}
	print_listeners(f, conf);
	print_upstreams(f, conf);
	print_users(f, conf);
	print_aliases(f, conf);
	print_holidays(f, conf);
	print_tariffs(f, conf);
	print_lines(f, conf);
	print_rules(f, conf);
	TAILQ_FOREACH(h, &conf->holds, entry) {
		fprintf(f, "hold");
		print_span(f, conf, &h->span);
		fprintf(f, "\n");
	}
	print_redial(f, &conf->global);
	print_budgets(f, conf);
	print_bulk(f, &conf->global);
}

static void
print_escaped(FILE *f, const char *s, size_t len)
{
	for (; len > 0; s++, len--) {
		if (*s == '"' || *s == '\\')
			putc('\\', f);
		putc(*s, f);
	}
}

static void
print_quoted(FILE *f, const char *s)
{
	putc('"', f);
	print_escaped(f, s, strlen(s));
	putc('"', f);
}

/* keyword "a" "b", or nothing where the list is empty. */
static void
print_strings(FILE *f, const char *keyword, const struct strlist *list)
{
	const struct strnode *n;

	if (TAILQ_EMPTY(list))
		return;
	fprintf(f, "%s", keyword);
	TAILQ_FOREACH(n, list, entry) {
		putc(' ', f);
		print_quoted(f, n->s);
	}
}

static void
print_size(FILE *f, uint64_t v)
{
	static const char units[] = "KMG";
	size_t i = 0;

	while (i < sizeof(units) - 1 && v != 0 && v % 1024 == 0) {
		v /= 1024;
		i++;
	}
	fprintf(f, "%" PRIu64, v);
	if (i > 0)
		putc(units[i - 1], f);
}

static void
print_duration(FILE *f, uint64_t v)
{
	static const struct {
		uint64_t	 seconds;
		char		 letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i;

	for (i = 0; v % units[i].seconds != 0; i++)
		;
	fprintf(f, "%" PRIu64 "%c", v / units[i].seconds, units[i].letter);
}

static void
print_money(FILE *f, uint64_t v)
{
	unsigned int part = (unsigned int)(v % 1000);

	fprintf(f, "%" PRIu64, v / 1000);
	if (part % 10 != 0)
		fprintf(f, ".%03u", part);
	else if (part % 100 != 0)
		fprintf(f, ".%02u", part / 10);
	else if (part != 0)
		fprintf(f, ".%u", part / 100);
}

static void
print_dates(FILE *f, const struct conf *conf, uint32_t id, const char *comma)
{
	const struct conf_dayset *d;
	const struct strnode *n;

	TAILQ_FOREACH(d, &conf->daysets, entry) {
		if (d->id != id)
			continue;
		TAILQ_FOREACH(n, &d->dates, entry) {
			fprintf(f, "%s%s", comma, n->s);
			comma = ", ";
		}
	}
}

static void
print_days(FILE *f, const struct conf *conf, const struct conf_span *s)
{
	static const struct {
		uint32_t	 bits;
		const char	*name;
	} days[] = { { 0x3e | DAYS_WORKDAY, "workdays" },
	    { 0x3e, "weekdays" }, { 0x41, "weekends" }, { 0x01, "sunday" },
	    { 0x02, "monday" }, { 0x04, "tuesday" }, { 0x08, "wednesday" },
	    { 0x10, "thursday" }, { 0x20, "friday" }, { 0x40, "saturday" },
	    { DAYS_HOLIDAY, "holidays" } };
	const char *comma = "";
	uint32_t bits = s->days;
	size_t i;

	fprintf(f, "on ");
	for (i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		if ((bits & days[i].bits) != days[i].bits)
			continue;
		fprintf(f, "%s%s", comma, days[i].name);
		comma = ", ";
		bits &= ~days[i].bits;
	}
	if (s->dayset != 0)
		print_dates(f, conf, s->dayset, comma);
}

static void
print_clock(FILE *f, uint32_t minute)
{
	fprintf(f, "%02u:%02u", minute / 60, minute % 60);
}

/* With a space in front, since it always follows something. */
static void
print_span(FILE *f, const struct conf *conf, const struct conf_span *s)
{
	if (!s->set)
		return;
	if (s->from != 0 || s->to != 1440 || s->negate ||
	    s->days == DAYS_ALL) {
		fprintf(f, " %sbetween ", s->negate ? "not " : "");
		print_clock(f, s->from);
		fprintf(f, " and ");
		print_clock(f, s->to);
	}
	if (s->days != DAYS_ALL) {
		putc(' ', f);
		print_days(f, conf, s);
	}
}

static void
print_url(FILE *f, const char *service, uint32_t tls, const char *host,
    uint32_t port)
{
	const char *mode = "";
	int brackets = strchr(host, ':') != NULL;

	if (tls == TLS_MODE_IMPLICIT)
		mode = "s";
	else if (tls == TLS_MODE_STARTTLS)
		mode = "+tls";
	fprintf(f, "\"%s%s://%s%s%s:%u\"", service, mode, brackets ? "[" : "",
	    host, brackets ? "]" : "", port);
}

static void
print_global(FILE *f, const struct conf_global *g)
{
	const struct {
		const char	*keyword;
		const char	*value;
	} strings[] = {
		{ "hostname", g->hostname },
		{ "spool", g->spool },
		{ "empty", g->empty },
		{ "control", g->control },
		{ "control read-only", g->control_ro },
		{ "ca", g->ca },
		{ "users", g->users },
		{ "postmaster", g->postmaster },
		{ "catch-all", g->catch_all },
		{ "aliases", g->aliases },
		{ "currency", g->currency }
	};
	size_t i;

	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		if (strings[i].value == NULL)
			continue;
		fprintf(f, "%s ", strings[i].keyword);
		print_quoted(f, strings[i].value);
		fprintf(f, "\n");
	}
	if (g->no_plus)
		fprintf(f, "no plus addressing\n");
	fprintf(f, "message max ");
	print_size(f, g->message_max);
	fprintf(f, "\nsessions %u\nsessions per address %u\n", g->sessions,
	    g->sessions_per_address);
	fprintf(f, "fetch parallel %u\nexpire after %u windows\n",
	    g->parallel, g->expire);
}

/* Those of the file are printed by its name. */
static void
print_aliases(FILE *f, const struct conf *conf)
{
	const struct conf_alias *a;

	TAILQ_FOREACH(a, &conf->aliases, entry) {
		if (a->from_file)
			continue;
		fprintf(f, "alias ");
		print_quoted(f, a->name);
		print_strings(f, " to", &a->targets);
		fprintf(f, "\n");
	}
}

static const char *
service_name(const struct conf_listener *l)
{
	int implicit = l->tls == TLS_MODE_IMPLICIT;

	switch (l->service) {
	case SERVICE_SUBMISSION:
		return (implicit ? "submissions" : "submission");
	case SERVICE_POP3:
		return (implicit ? "pop3s" : "pop3");
	}
	return ("smtp");
}

static void
print_listeners(FILE *f, const struct conf *conf)
{
	const struct conf_pki *p;
	const struct conf_listener *l;
	const struct strnode *n;

	TAILQ_FOREACH(p, &conf->pkis, entry) {
		fprintf(f, "pki ");
		print_quoted(f, p->name);
		fprintf(f, " cert ");
		print_quoted(f, p->cert);
		fprintf(f, " key ");
		print_quoted(f, p->key);
		fprintf(f, "\n");
	}
	TAILQ_FOREACH(l, &conf->listeners, entry) {
		if (conf_listener_local(l)) {
			fprintf(f, "listen on ");
			print_quoted(f, l->host);
			fprintf(f, " %s\n", service_name(l));
			continue;
		}
		fprintf(f, "listen on %s port %u %s", l->host, l->port,
		    service_name(l));
		if (l->pki != NULL) {
			fprintf(f, " tls ");
			print_quoted(f, l->pki);
		}
		TAILQ_FOREACH(n, &l->from, entry)
			fprintf(f, "%s%s", n == TAILQ_FIRST(&l->from) ?
			    " from " : ", ", n->s);
		fprintf(f, "\n");
	}
}

static void
print_upstreams(FILE *f, const struct conf *conf)
{
	const struct conf_upstream *u;

	TAILQ_FOREACH(u, &conf->upstreams, entry) {
		fprintf(f, "upstream ");
		print_quoted(f, u->name);
		fprintf(f, " {\n");
		if (u->relay_host != NULL) {
			fprintf(f, "\trelay ");
			print_url(f, "smtp", u->relay_tls, u->relay_host,
			    u->relay_port);
			if (u->relay_user != NULL) {
				fprintf(f, " user ");
				print_quoted(f, u->relay_user);
				fprintf(f, " password \"%s\"", PARSE_MASK);
			}
			fprintf(f, "\n");
		}
		if (u->fetch_proto != FETCH_NONE) {
			fprintf(f, "\tfetch ");
			print_url(f, u->fetch_proto == FETCH_POP3 ? "pop3" :
			    "imap", u->fetch_tls, u->fetch_host,
			    u->fetch_port);
			fprintf(f, "\n");
		}
		if (u->ca != NULL) {
			fprintf(f, "\tca ");
			print_quoted(f, u->ca);
			fprintf(f, "\n");
		}
		fprintf(f, "}\n");
	}
}

static void
print_users(FILE *f, const struct conf *conf)
{
	const struct conf_user *u;
	const struct conf_account *a;

	TAILQ_FOREACH(u, &conf->users, entry) {
		fprintf(f, "user ");
		print_quoted(f, u->name);
		fprintf(f, " {\n");
		print_strings(f, "\taddress", &u->addresses);
		if (!TAILQ_EMPTY(&u->addresses))
			fprintf(f, "\n");
		TAILQ_FOREACH(a, &conf->accounts, entry) {
			if (strcmp(a->user, u->name) == 0)
				print_account(f, a);
		}
		fprintf(f, "}\n");
	}
}

static void
print_account(FILE *f, const struct conf_account *a)
{
	fprintf(f, "\tfetch ");
	print_quoted(f, a->upstream);
	fprintf(f, " as ");
	print_quoted(f, a->login);
	fprintf(f, " password \"%s\"", PARSE_MASK);
	if (a->keep == KEEP_FOREVER)
		fprintf(f, " keep");
	else if (a->keep != KEEP_NONE) {
		fprintf(f, " keep ");
		print_duration(f, a->keep);
	}
	if (a->large != 0) {
		fprintf(f, " large ");
		print_size(f, a->large);
	}
	fprintf(f, "\n");
}

static void
print_rate(FILE *f, const struct conf *conf, const struct conf_rate *r)
{
	const struct conf_span *s = &r->span;

	putc('\t', f);
	if (s->set && (s->from != 0 || s->to != 1440 ||
	    s->days == DAYS_ALL)) {
		fprintf(f, "from ");
		print_clock(f, s->from);
		fprintf(f, " to ");
		print_clock(f, s->to);
		putc(' ', f);
	}
	if (s->set && s->days != DAYS_ALL) {
		print_days(f, conf, s);
		putc(' ', f);
	}
	fprintf(f, "unit ");
	print_duration(f, r->unit);
	fprintf(f, " price ");
	print_money(f, r->price);
	fprintf(f, "\n");
}

static void
print_holidays(FILE *f, const struct conf *conf)
{
	const struct conf_dayset *d;

	TAILQ_FOREACH(d, &conf->daysets, entry) {
		if (d->id != DAYSET_HOLIDAYS)
			continue;
		fprintf(f, "holidays { ");
		print_dates(f, conf, d->id, "");
		fprintf(f, " }\n");
	}
}

static void
print_tariffs(FILE *f, const struct conf *conf)
{
	const struct conf_tariff *t;
	const struct conf_rate *r;

	TAILQ_FOREACH(t, &conf->tariffs, entry) {
		fprintf(f, "tariff ");
		print_quoted(f, t->name);
		fprintf(f, " {\n\tsetup ");
		print_money(f, t->setup);
		fprintf(f, "\n");
		if (t->per_megabyte != 0) {
			fprintf(f, "\tper megabyte ");
			print_money(f, t->per_megabyte);
			fprintf(f, "\n");
		}
		if (t->free != 0) {
			fprintf(f, "\tfree ");
			print_duration(f, t->free);
			fprintf(f, "\n");
		}
		if (t->minimum != 0) {
			fprintf(f, "\tminimum ");
			print_money(f, t->minimum);
			fprintf(f, "\n");
		}
		TAILQ_FOREACH(r, &conf->rates, entry) {
			if (strcmp(r->tariff, t->name) == 0)
				print_rate(f, conf, r);
		}
		fprintf(f, "}\n");
	}
}

static void
print_lines(FILE *f, const struct conf *conf)
{
	const struct conf_line *l;
	size_t i;

	TAILQ_FOREACH(l, &conf->lines, entry) {
		const struct {
			const char	*keyword;
			const char	*value;
		} strings[] = {
			{ "up", l->up },
			{ "down", l->down },
			{ "status", l->status },
			{ "tariff", l->tariff }
		};

		fprintf(f, "line ");
		print_quoted(f, l->name);
		fprintf(f, " {\n");
		if (l->device != NULL)
			print_modem(f, l);
		for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
			if (strings[i].value == NULL)
				continue;
			fprintf(f, "\t%s ", strings[i].keyword);
			print_quoted(f, strings[i].value);
			fprintf(f, "\n");
		}
		print_stay(f, l);
		fprintf(f, "}\n");
	}
}

static void
print_stay(FILE *f, const struct conf_line *l)
{
	fprintf(f, "\tanswer ");
	print_duration(f, l->answer);
	fprintf(f, "\n\twindow ");
	print_duration(f, l->window);
	fprintf(f, "\n\tstall ");
	print_duration(f, l->stall);
	fprintf(f, "\n");
	if (l->linger)
		fprintf(f, "\tlinger\n");
	if (l->margin != 0) {
		fprintf(f, "\tmargin ");
		print_duration(f, l->margin);
		fprintf(f, "\n");
	}
	if (l->skip != 0)
		fprintf(f, "\tskip %u\n", l->skip);
}

/* An expect, without what it has to send when nothing comes. */
static void
print_expect(FILE *f, const char *s)
{
	const char *p, *end;
	int i;

	putc('"', f);
	for (i = 0, p = s;; p = end + 1, i++) {
		end = value_chat_piece(p);
		if (i % 2 == 1 && end > p)
			fprintf(f, "%s", PARSE_MASK);
		else
			print_escaped(f, p, (size_t)(end - p));
		if (*end == '\0')
			break;
		putc('-', f);
	}
	putc('"', f);
}

/* What is sent may be a password, and nothing tells which. */
static void
print_chat(FILE *f, const struct conf_line *l)
{
	const struct strnode *n;
	int send = 0;

	if (TAILQ_EMPTY(&l->chat))
		return;
	fprintf(f, "\tchat");
	TAILQ_FOREACH(n, &l->chat, entry) {
		putc(' ', f);
		if (!send)
			print_expect(f, n->s);
		else
			print_quoted(f, n->s[0] == '\0' ? "" : PARSE_MASK);
		send = !send;
	}
	fprintf(f, "\n");
	print_strings(f, "\tchat abort", &l->chat_abort);
	if (!TAILQ_EMPTY(&l->chat_abort))
		fprintf(f, "\n");
	fprintf(f, "\tchat timeout ");
	print_duration(f, l->chat_timeout);
	fprintf(f, "\n");
}

static void
print_modem(FILE *f, const struct conf_line *l)
{
	fprintf(f, "\tmodem ");
	print_quoted(f, l->device);
	fprintf(f, " speed %u\n\tdial %s\n", l->speed,
	    l->pulse ? "pulse" : "tone");
	print_strings(f, "\tinit", &l->init);
	if (!TAILQ_EMPTY(&l->init))
		fprintf(f, "\n");
	print_strings(f, "\tphone", &l->phone);
	fprintf(f, "\n\tflow %s\n", l->no_flow ? "none" : "hardware");
	if (l->lock[0] == '\0')
		fprintf(f, "\tno lock\n");
	else {
		fprintf(f, "\tlock ");
		print_quoted(f, l->lock);
		fprintf(f, "\n");
	}
	print_chat(f, l);
	if (!l->ppp) {
		fprintf(f, "\tno ppp\n");
		return;
	}
	fprintf(f, "\tppp");
	if (l->ppp_user != NULL) {
		fprintf(f, " user ");
		print_quoted(f, l->ppp_user);
		fprintf(f, " password \"%s\"", PARSE_MASK);
	}
	print_strings(f, " options", &l->ppp_options);
	fprintf(f, "\n");
}

static void
print_rule(FILE *f, const struct conf_rule *r)
{
	switch (r->condition) {
	case DIAL_MESSAGES:
		fprintf(f, "dial when messages %" PRIu64, r->value);
		break;
	case DIAL_SIZE:
		fprintf(f, "dial when size ");
		print_size(f, r->value);
		break;
	case DIAL_AGE:
		fprintf(f, "dial when age ");
		print_duration(f, r->value);
		break;
	case DIAL_SECONDS:
		fprintf(f, "dial when seconds %" PRIu64, r->value);
		break;
	case DIAL_COST:
		fprintf(f, "dial when cost ");
		print_money(f, r->value);
		break;
	case DIAL_URGENT:
		fprintf(f, "dial when urgent");
		break;
	case DIAL_DEADLINE:
		fprintf(f, "dial when deadline ");
		print_duration(f, r->value);
		break;
	case DIAL_EVERY:
		fprintf(f, "dial every ");
		print_duration(f, r->value);
		break;
	case DIAL_AT:
		fprintf(f, "dial at ");
		print_clock(f, (uint32_t)r->value);
		break;
	case DIAL_BALANCE:
		fprintf(f, "dial when balance ");
		print_money(f, r->value);
		fprintf(f, " per hour");
		break;
	}
}

static void
print_rules(FILE *f, const struct conf *conf)
{
	const struct conf_rule *r;

	TAILQ_FOREACH(r, &conf->rules, entry) {
		print_rule(f, r);
		/* "at" has days only; every day is nothing to print. */
		if (r->condition != DIAL_AT)
			print_span(f, conf, &r->span);
		else if (r->span.set && r->span.days != DAYS_ALL) {
			putc(' ', f);
			print_days(f, conf, &r->span);
		}
		fprintf(f, "\n");
	}
}

static void
print_redial(FILE *f, const struct conf_global *g)
{
	fprintf(f, "redial %s%u within ", conf_redial_lax(g->redial,
	    g->redial_within, g->redial_then) ? "unrestricted " : "",
	    g->redial);
	print_duration(f, g->redial_within);
	fprintf(f, " then ");
	print_duration(f, g->redial_then);
	fprintf(f, "\nbreaker %u failures pause ", g->breaker);
	print_duration(f, g->breaker_pause);
	fprintf(f, "\n");
}

static void
print_amount(FILE *f, uint32_t kind, uint64_t v)
{
	switch (kind) {
	case BUDGET_SECONDS:
		print_duration(f, v);
		break;
	case BUDGET_CALLS:
		fprintf(f, "%" PRIu64 " calls", v);
		break;
	case BUDGET_MONEY:
		print_money(f, v);
		break;
	}
}

static void
print_budgets(FILE *f, const struct conf *conf)
{
	static const char *const periods[] = { "day", "week", "month" };
	const struct conf_budget *b;

	TAILQ_FOREACH(b, &conf->budgets, entry) {
		fprintf(f, "budget ");
		print_amount(f, b->kind, b->amount);
		fprintf(f, " per %s", periods[b->period]);
		if (b->keep != 0) {
			fprintf(f, " keep ");
			print_amount(f, b->kind, b->keep);
			fprintf(f, " for urgent");
		}
		fprintf(f, "\n");
	}
}

static void
print_bulk(FILE *f, const struct conf_global *g)
{
	if (g->bulk_larger != 0) {
		fprintf(f, "bulk when larger ");
		print_size(f, g->bulk_larger);
		fprintf(f, "\n");
	}
	fprintf(f, "bulk for at most ");
	print_duration(f, g->bulk_after);
	fprintf(f, "\n");
}
