/* See LICENSE for the terms. */
/*
 * What the statements of the configuration file do.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/tree.h>

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "conf_build.h"
#include "conf_check.h"
#include "conf_lex.h"
#include "conf_value.h"
#include "log.h"
#include "parse.h"

#define ERRORS_MAX	50		/* then it is some other file */
#define ACCOUNTS_MAX	99		/* of one user at one upstream */
#define LOGIN_MAX	255		/* of each half: RFC 4616, pppd(8) */
#define ARGUMENT_MAX	1024		/* of commands and options */

static int	 where_cmp(struct where *, struct where *);
static void	 report(struct lex_pos, const char *, va_list)
		    __attribute__((__format__(printf, 2, 0)));
static void	 no_memory(struct build *, struct lex_pos);
static void	 wrong(struct build *, struct word, const char *);
static int	 remember(struct build *, const void *, struct lex_pos);
static int	 first_time(struct build *, struct word, const void *);
static char	*copy(struct build *, struct word, const char *);
static void	 add_string(struct build *, struct strlist *, struct word,
		    const char *);
static int	 short_enough(struct build *, struct word, const char *,
		    size_t);
static int	 check_secret(struct build *, struct word);
static int	 check_name(struct build *, struct word, size_t);
static int	 parse_amount(struct build *, struct amount, uint32_t *,
		    uint64_t *);
static int	 rule_value(struct build *, enum dial_condition,
		    struct word, uint64_t *);
static void	 rule_warning(struct build *, struct word,
		    enum dial_condition);

RB_PROTOTYPE(wheres, where, entry, where_cmp)
RB_GENERATE(wheres, where, entry, where_cmp)

static int
where_cmp(struct where *a, struct where *b)
{
	uintptr_t x = (uintptr_t)a->object, y = (uintptr_t)b->object;

	return (x < y ? -1 : x > y);
}

void
build_init(struct build *b)
{
	RB_INIT(&b->wheres);
	TAILQ_INIT(&b->no_listener.from);
	TAILQ_INIT(&b->no_user.addresses);
	TAILQ_INIT(&b->no_line.init);
	TAILQ_INIT(&b->no_line.phone);
	TAILQ_INIT(&b->no_line.ppp_options);
}

static void
report(struct lex_pos pos, const char *fmt, va_list ap)
{
	char text[1024];

	/* Too long is cut: a name of the file's own making. */
	vsnprintf(text, sizeof(text), fmt, ap);
	if (pos.file != NULL)
		log_warnx("%s:%u: %s", pos.file->path, pos.line, text);
	else
		log_warnx("%s", text);
}

void
build_error(struct build *b, struct lex_pos pos, const char *fmt, ...)
{
	va_list ap;

	if (b->stop)
		return;
	va_start(ap, fmt);
	report(pos, fmt, ap);
	va_end(ap);
	if (++b->errors >= ERRORS_MAX) {
		log_warnx("too many errors: gave up");
		b->stop = 1;
	}
}

void
build_warn(struct build *b, struct lex_pos pos, const char *fmt, ...)
{
	va_list ap;

	if (b->stop || (b->flags & PARSE_NOWARN))
		return;
	va_start(ap, fmt);
	report(pos, fmt, ap);
	va_end(ap);
}

static void
no_memory(struct build *b, struct lex_pos pos)
{
	build_error(b, pos, "%s", strerror(ENOMEM));
	b->stop = 1;
}

static void
wrong(struct build *b, struct word w, const char *why)
{
	build_error(b, w.pos, "\"%s\" %s", w.text, why);
}

const struct lex_pos *
build_where(struct build *b, const void *object)
{
	struct where key, *w;

	key.object = object;
	w = RB_FIND(wheres, &b->wheres, &key);
	return (w == NULL ? NULL : &w->pos);
}

/* Keeps where a part was written; 1 if it was kept before, else 0. */
static int
remember(struct build *b, const void *object, struct lex_pos pos)
{
	struct where *w;

	if ((w = lex_alloc(b->lex, sizeof(*w))) == NULL) {
		no_memory(b, pos);
		return (0);
	}
	w->object = object;
	w->pos = pos;
	return (RB_INSERT(wheres, &b->wheres, w) != NULL);
}

/* 1 for a field that was not set yet; else 0, after an error. */
static int
first_time(struct build *b, struct word key, const void *field)
{
	const struct lex_pos *before;

	if ((before = build_where(b, field)) == NULL) {
		remember(b, field, key.pos);
		return (1);
	}
	build_error(b, key.pos, "\"%s\" is there already, at %s:%u", key.text,
	    before->file->path, before->line);
	return (0);
}

static char *
copy(struct build *b, struct word at, const char *s)
{
	char *p;

	if ((p = strdup(s)) == NULL)
		no_memory(b, at.pos);
	return (p);
}

static void
add_string(struct build *b, struct strlist *list, struct word at,
    const char *s)
{
	if (strlist_add(list, s) == -1)
		no_memory(b, at.pos);
	else
		remember(b, TAILQ_LAST(list, strlist), at.pos);
}

/* Neither empty nor long; the text itself may be a secret. */
static int
short_enough(struct build *b, struct word w, const char *what, size_t max)
{
	size_t len = strlen(w.text);

	if (len > 0 && len <= max)
		return (1);
	build_error(b, w.pos, "%s: %s", what, len == 0 ? "an empty string" :
	    "a string too long");
	return (0);
}

/*
 * A password came from the file.  C2: that file must be secret.  The mask
 * that print_config writes is no secret, and surely not the password.
 */
static int
check_secret(struct build *b, struct word w)
{
	struct lex_file *f = w.origin;

	if (strcmp(w.text, PARSE_MASK) == 0) {
		build_warn(b, w.pos, "the password is the mask that -nv "
		    "prints in place of the true one");
		return (1);
	}
	if ((f->mode & (S_IRWXG | S_IRWXO)) != 0 && !f->told_secret) {
		f->told_secret = 1;
		build_error(b, w.pos, "%s holds a password, but others than "
		    "its owner can read or write it (mode %04o): chmod 600",
		    f->path, (unsigned int)(f->mode & 07777));
	}
	return (short_enough(b, w, "password", LOGIN_MAX));
}

static int
check_name(struct build *b, struct word w, size_t max)
{
	const char *why;

	if (value_name(w.text, max, &why) == 0)
		return (1);
	wrong(b, w, why);
	return (0);
}

/* Single values. */

void
build_count(struct build *b, struct word key, uint32_t *field, struct word w,
    uint64_t min, uint64_t max)
{
	const char *why;
	uint64_t v;

	if (!first_time(b, key, field))
		return;
	if (value_count(w.text, min, max, &v, &why) == -1)
		build_error(b, w.pos, "%s: \"%s\" is not a whole number from "
		    "%llu to %llu", key.text, w.text, (unsigned long long)min,
		    (unsigned long long)max);
	else
		*field = (uint32_t)v;
}

void
build_size(struct build *b, struct word key, uint64_t *field, struct word w)
{
	const char *why;

	if (first_time(b, key, field) &&
	    value_size(w.text, field, &why) == -1)
		wrong(b, w, why);
}

void
build_duration(struct build *b, struct word key, uint64_t *field,
    struct word w)
{
	const char *why;

	if (first_time(b, key, field) &&
	    value_duration(w.text, field, &why) == -1)
		wrong(b, w, why);
}

void
build_money(struct build *b, struct word key, uint64_t *field, struct word w)
{
	const char *why;

	if (first_time(b, key, field) &&
	    value_money(w.text, field, &why) == -1)
		wrong(b, w, why);
}

void
build_string(struct build *b, struct word key, char **field, struct word w)
{
	if (first_time(b, key, field) &&
	    short_enough(b, w, key.text, ARGUMENT_MAX))
		*field = copy(b, w, w.text);
}

void
build_path(struct build *b, struct word key, char **field, struct word w)
{
	const char *why;

	if (!first_time(b, key, field))
		return;
	if (value_path(w.text, &why) == -1)
		wrong(b, w, why);
	else
		*field = copy(b, w, w.text);
}

void
build_hostname(struct build *b, struct word key, struct word w)
{
	char **field = &b->conf->global.hostname;
	const char *why;

	if (!first_time(b, key, field))
		return;
	if (value_host(w.text, &why) == -1)
		wrong(b, w, why);
	else
		*field = copy(b, w, w.text);
}

void
build_redial(struct build *b, struct word key, int unrestricted,
    struct word n, struct word within, struct word then)
{
	struct conf_global *g = &b->conf->global;
	uint64_t redials, seconds, pause;
	const char *why;

	if (!first_time(b, key, &g->redial))
		return;
	if (value_count(n.text, 0, 1000, &redials, &why) == -1)
		wrong(b, n, why);
	else if (value_duration(within.text, &seconds, &why) == -1)
		wrong(b, within, why);
	else if (value_duration(then.text, &pause, &why) == -1)
		wrong(b, then, why);
	else if (!unrestricted && conf_redial_lax(redials, seconds, pause))
		build_error(b, key.pos, "more than 2 redials within 3m are "
		    "against the law in some countries: where it is allowed, "
		    "write \"redial unrestricted\"");
	else {
		g->redial = (uint32_t)redials;
		g->redial_within = seconds;
		g->redial_then = pause;
	}
}

struct words *
build_words(struct build *b, struct words *list, struct word w)
{
	struct words *n, *tail;

	if ((n = lex_alloc(b->lex, sizeof(*n))) == NULL) {
		no_memory(b, w.pos);
		return (list);
	}
	n->word = w;
	n->next = NULL;
	if (list == NULL)
		return (n);
	for (tail = list; tail->next != NULL; tail = tail->next)
		;
	tail->next = n;
	return (list);
}

void
build_macro(struct build *b, struct word name, struct words *list)
{
	struct words *n;
	struct lex_file *origin = NULL;
	size_t len = 1, i;
	char *text;

	for (i = 0; name.text[i] != '\0'; i++) {
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
		    "wxyz0123456789_", name.text[i]) == NULL) {
			wrong(b, name, "is not the name of a macro: letters, "
			    "digits and \"_\"");
			return;
		}
	}
	for (n = list; n != NULL; n = n->next) {
		len += strlen(n->word.text) + 1;
		/* Where it holds a secret, the laxest file is to blame. */
		if (origin == NULL ||
		    (n->word.origin->mode & (S_IRWXG | S_IRWXO)) != 0)
			origin = n->word.origin;
	}
	if ((text = lex_alloc(b->lex, len)) == NULL) {
		no_memory(b, name.pos);
		return;
	}
	for (n = list; n != NULL; n = n->next) {
		strlcat(text, n->word.text, len);
		if (n->next != NULL)
			strlcat(text, " ", len);
	}
	if (lex_define(b->lex, name.text, text, origin) == -1)
		no_memory(b, name.pos);
}

void
build_include(struct build *b, struct word path)
{
	char *full;

	if (b->flags & PARSE_NOINCLUDE) {
		build_error(b, path.pos, "nothing can be included here");
		return;
	}
	if ((full = lex_path(b->lex, path.text, path.pos)) == NULL)
		no_memory(b, path.pos);
	else
		lex_open(b->lex, full, path.pos);
}

void
build_domain(struct build *b, struct word w)
{
	struct conf_domain *d;
	char buf[VALUE_HOST_MAX + 1];
	const char *why;

	if (value_domain(w.text, buf, sizeof(buf), &why) == -1) {
		wrong(b, w, why);
		return;
	}
	if ((d = calloc(1, sizeof(*d))) == NULL) {
		no_memory(b, w.pos);
		return;
	}
	d->name = copy(b, w, buf);
	TAILQ_INSERT_TAIL(&b->conf->domains, d, entry);
	remember(b, d, w.pos);
}

void
build_pki(struct build *b, struct word key, struct word name,
    struct word cert, struct word privkey)
{
	struct conf_pki *p;
	const char *why;

	if (!check_name(b, name, VALUE_NAME_MAX))
		return;
	if (value_path(cert.text, &why) == -1)
		wrong(b, cert, why);
	if (value_path(privkey.text, &why) == -1)
		wrong(b, privkey, why);
	if ((p = calloc(1, sizeof(*p))) == NULL) {
		no_memory(b, key.pos);
		return;
	}
	p->name = copy(b, name, name.text);
	p->cert = copy(b, cert, cert.text);
	p->key = copy(b, privkey, privkey.text);
	p->line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->pkis, p, entry);
	remember(b, p, key.pos);
}

/* Listeners. */

void
build_listener(struct build *b, struct word key, struct word host)
{
	struct conf_listener *l;
	const char *why;

	b->listener = &b->no_listener;
	if (value_address(host.text, &why) == -1)
		wrong(b, host, why);
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		no_memory(b, key.pos);
		return;
	}
	TAILQ_INIT(&l->from);
	l->host = copy(b, host, host.text);
	l->line = key.pos.line;
	l->fd = -1;
	TAILQ_INSERT_TAIL(&b->conf->listeners, l, entry);
	remember(b, l, key.pos);
	b->listener = l;
}

void
build_listener_port(struct build *b, struct word port)
{
	struct word key = port;

	key.text = "port";
	build_count(b, key, &b->listener->port, port, 1, 65535);
}

void
build_listener_from(struct build *b, struct words *list)
{
	struct words *n;
	char buf[64];
	const char *why;

	for (n = list; n != NULL; n = n->next) {
		if (value_network(n->word.text, buf, sizeof(buf), &why) == -1)
			wrong(b, n->word, why);
		else
			add_string(b, &b->listener->from, n->word, buf);
	}
}

void
build_listener_end(struct build *b, struct word service)
{
	static const struct {
		const char	*name;
		enum service	 service;
		enum tls_mode	 tls;
		uint32_t	 port;
	} services[] = {
		{ "smtp", SERVICE_SMTP, TLS_MODE_NONE, 25 },
		{ "submission", SERVICE_SUBMISSION, TLS_MODE_NONE, 587 },
		{ "submissions", SERVICE_SUBMISSION, TLS_MODE_IMPLICIT, 465 },
		{ "pop3", SERVICE_POP3, TLS_MODE_NONE, 110 },
		{ "pop3s", SERVICE_POP3, TLS_MODE_IMPLICIT, 995 }
	};
	struct conf_listener *l = b->listener;
	size_t i;

	for (i = 0; strcmp(services[i].name, service.text) != 0; i++)
		;
	l->service = services[i].service;
	l->tls = services[i].tls;
	if (l->tls == TLS_MODE_NONE && l->pki != NULL)
		l->tls = TLS_MODE_STARTTLS;
	if (l->port == 0)
		l->port = services[i].port;
}

/* Upstreams. */

void
build_upstream(struct build *b, struct word key, struct word name)
{
	struct conf_upstream *u;

	b->upstream = &b->no_upstream;
	check_name(b, name, VALUE_NAME_MAX);
	if ((u = calloc(1, sizeof(*u))) == NULL) {
		no_memory(b, key.pos);
		return;
	}
	u->name = copy(b, name, name.text);
	u->line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->upstreams, u, entry);
	remember(b, u, key.pos);
	b->upstream = u;
}

/* A URL is shown only where no one can have put a password into it. */
static int
parse_url(struct build *b, struct word w, struct value_url *url)
{
	const char *why;

	if (value_url(w.text, url, &why) == 0)
		return (1);
	if (strchr(w.text, '@') != NULL)
		build_error(b, w.pos, "the URL %s", why);
	else
		wrong(b, w, why);
	return (0);
}

void
build_relay(struct build *b, struct word key, struct word w,
    const struct word *user, const struct word *password)
{
	struct conf_upstream *u = b->upstream;
	struct value_url url;

	if (!first_time(b, key, &u->relay_host))
		return;
	if (parse_url(b, w, &url)) {
		if (url.service != VALUE_URL_SMTP)
			wrong(b, w, "is not for smtp");
		u->relay_host = copy(b, w, url.host);
		u->relay_port = url.port;
		u->relay_tls = url.tls;
	}
	if (user == NULL)
		return;
	if (short_enough(b, *user, "user", LOGIN_MAX))
		u->relay_user = copy(b, *user, user->text);
	if (check_secret(b, *password))
		u->relay_password = copy(b, *password, password->text);
}

void
build_fetch(struct build *b, struct word key, struct word w)
{
	struct conf_upstream *u = b->upstream;
	struct value_url url;

	if (!first_time(b, key, &u->fetch_host) || !parse_url(b, w, &url))
		return;
	if (url.service == VALUE_URL_SMTP)
		wrong(b, w, "is for neither pop3 nor imap");
	u->fetch_proto = url.service == VALUE_URL_IMAP ? FETCH_IMAP :
	    FETCH_POP3;
	u->fetch_host = copy(b, w, url.host);
	u->fetch_port = url.port;
	u->fetch_tls = url.tls;
}

/* Users and their accounts. */

void
build_user(struct build *b, struct word key, struct word name)
{
	struct conf_user *u;

	b->user = &b->no_user;
	check_name(b, name, VALUE_USER_MAX);
	if ((u = calloc(1, sizeof(*u))) == NULL) {
		no_memory(b, key.pos);
		return;
	}
	TAILQ_INIT(&u->addresses);
	u->name = copy(b, name, name.text);
	u->line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->users, u, entry);
	remember(b, u, key.pos);
	b->user = u;
}

void
build_addresses(struct build *b, struct words *list)
{
	struct words *n;
	char buf[512];
	const char *why;

	for (n = list; n != NULL; n = n->next) {
		if (value_mailbox(n->word.text, buf, sizeof(buf), &why) == -1)
			wrong(b, n->word, why);
		else
			add_string(b, &b->user->addresses, n->word, buf);
	}
}

/* "user@upstream", and "#2" and so on for a further one there. */
static char *
account_name(struct build *b, struct word key, const struct conf_account *new)
{
	const struct conf_account *a;
	char *name = NULL;
	unsigned int n = 1;
	int len;

	TAILQ_FOREACH(a, &b->conf->accounts, entry) {
		if (a->user != NULL && a->upstream != NULL &&
		    strcmp(a->user, new->user) == 0 &&
		    strcmp(a->upstream, new->upstream) == 0)
			n++;
	}
	if (n > ACCOUNTS_MAX)
		build_error(b, key.pos, "more than %d accounts of one user at "
		    "one upstream", ACCOUNTS_MAX);
	if (n == 1)
		len = asprintf(&name, "%s@%s", new->user, new->upstream);
	else
		len = asprintf(&name, "%s@%s#%u", new->user, new->upstream,
		    n);
	if (len == -1) {
		no_memory(b, key.pos);
		return (NULL);
	}
	return (name);
}

void
build_account(struct build *b, struct word key, struct word upstream,
    struct word login, struct word password)
{
	struct conf_account *a;

	b->account = &b->no_account;
	if ((a = calloc(1, sizeof(*a))) == NULL) {
		no_memory(b, key.pos);
		return;
	}
	a->line = key.pos.line;
	a->user = b->user->name == NULL ? NULL :
	    copy(b, key, b->user->name);
	a->upstream = copy(b, upstream, upstream.text);
	if (a->user != NULL && a->upstream != NULL)
		a->name = account_name(b, key, a);
	if (short_enough(b, login, "as", LOGIN_MAX))
		a->login = copy(b, login, login.text);
	if (check_secret(b, password))
		a->password = copy(b, password, password.text);
	TAILQ_INSERT_TAIL(&b->conf->accounts, a, entry);
	remember(b, a, key.pos);
	b->account = a;
}

void
build_keep(struct build *b, struct word key, const struct word *how_long)
{
	if (how_long != NULL)
		build_duration(b, key, &b->account->keep, *how_long);
	else if (first_time(b, key, &b->account->keep))
		b->account->keep = KEEP_FOREVER;
}

void
build_large(struct build *b, struct word key, struct word w)
{
	build_size(b, key, &b->account->large, w);
	build_warn(b, key.pos, "\"large\" is accepted but does not hold back "
	    "a message in this version");
}

/* Tariffs. */

void
build_tariff(struct build *b, struct word key, struct word name)
{
	struct conf_tariff *t;

	b->tariff = &b->no_tariff;
	check_name(b, name, VALUE_NAME_MAX);
	if ((t = calloc(1, sizeof(*t))) == NULL) {
		no_memory(b, key.pos);
		return;
	}
	t->name = copy(b, name, name.text);
	t->line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->tariffs, t, entry);
	remember(b, t, key.pos);
	b->tariff = t;
}

void
build_rate(struct build *b, const struct conf_span *span, struct word unit,
    struct word price)
{
	struct conf_rate *r;
	const char *why;

	if (b->tariff->name == NULL)
		return;
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		no_memory(b, unit.pos);
		return;
	}
	r->tariff = copy(b, unit, b->tariff->name);
	r->span = *span;
	if (value_duration(unit.text, &r->unit, &why) == -1)
		wrong(b, unit, why);
	if (value_money(price.text, &r->price, &why) == -1)
		wrong(b, price, why);
	TAILQ_INSERT_TAIL(&b->conf->rates, r, entry);
}

/* Lines. */

void
build_line(struct build *b, struct word key, struct word name)
{
	struct conf_line *l;

	b->line = &b->no_line;
	check_name(b, name, VALUE_NAME_MAX);
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		no_memory(b, key.pos);
		return;
	}
	TAILQ_INIT(&l->init);
	TAILQ_INIT(&l->phone);
	TAILQ_INIT(&l->ppp_options);
	l->name = copy(b, name, name.text);
	l->conf_line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->lines, l, entry);
	remember(b, l, key.pos);
	b->line = l;
}

void
build_line_end(struct build *b, struct word key)
{
	struct conf_line *l = b->line;

	if (l->device != NULL && build_where(b, &l->ppp) == NULL)
		build_error(b, key.pos, "line \"%s\" has a modem: what it "
		    "carries must be said, \"ppp\" or \"no ppp\"", l->name);
}

void
build_speed(struct build *b, struct word key, struct word w)
{
	const char *why;

	if (first_time(b, key, &b->line->speed) &&
	    value_speed(w.text, &b->line->speed, &why) == -1)
		wrong(b, w, why);
}

void
build_init_strings(struct build *b, struct words *list)
{
	struct words *n;
	const char *why;

	for (n = list; n != NULL; n = n->next) {
		if (value_modem_command(n->word.text, &why) == -1)
			wrong(b, n->word, why);
		else
			add_string(b, &b->line->init, n->word, n->word.text);
	}
}

void
build_phones(struct build *b, struct words *list)
{
	struct words *n;
	const char *why;

	for (n = list; n != NULL; n = n->next) {
		if (value_phone(n->word.text, &why) == -1)
			wrong(b, n->word, why);
		else
			add_string(b, &b->line->phone, n->word, n->word.text);
	}
}

void
build_dial_mode(struct build *b, struct word key, int pulse)
{
	if (first_time(b, key, &b->line->pulse))
		b->line->pulse = (uint32_t)pulse;
}

void
build_no_ppp(struct build *b, struct word key)
{
	if (first_time(b, key, &b->line->ppp))
		b->line->ppp = 0;
}

void
build_ppp(struct build *b, struct word key, const struct word *user,
    const struct word *password, struct words *options)
{
	struct conf_line *l = b->line;
	struct words *n;

	if (!first_time(b, key, &l->ppp))
		return;
	l->ppp = 1;
	for (n = options; n != NULL; n = n->next) {
		if (short_enough(b, n->word, "options", ARGUMENT_MAX))
			add_string(b, &l->ppp_options, n->word, n->word.text);
	}
	if (user == NULL)
		return;
	if (short_enough(b, *user, "user", LOGIN_MAX))
		l->ppp_user = copy(b, *user, user->text);
	if (check_secret(b, *password))
		l->ppp_password = copy(b, *password, password->text);
}

/* Root runs it, so whoever can write it is root. */
void
build_command(struct build *b, struct word key, char **field, struct word w)
{
	struct lex_file *f = w.origin;

	if ((f->mode & (S_IWGRP | S_IWOTH)) != 0 && !f->told_command) {
		f->told_command = 1;
		build_error(b, w.pos, "%s holds a command that root runs, but "
		    "others than its owner can write it (mode %04o)", f->path,
		    (unsigned int)(f->mode & 07777));
	}
	build_string(b, key, field, w);
}

/* When to dial. */

void
build_between(struct build *b, struct conf_span *span, int not,
    struct word from, struct word to)
{
	const char *why;

	span->set = 1;
	span->negate = (uint32_t)not;
	span->days = DAYS_ALL;
	if (value_clock(from.text, &span->from, &why) == -1)
		wrong(b, from, why);
	else if (span->from == 1440)
		wrong(b, from, "is the end of a day: it begins at 00:00");
	else if (value_clock(to.text, &span->to, &why) == -1)
		wrong(b, to, why);
	else if (span->to == span->from && span->to != 0)
		build_error(b, from.pos, "from %s to %s is no time at all",
		    from.text, to.text);
	else if (span->to == 0)
		span->to = 1440;
	if (not && span->from == 0 && span->to == 1440)
		build_error(b, from.pos, "not between %s and %s is never",
		    from.text, to.text);
}

void
build_on(struct build *b, struct conf_span *span, struct words *list)
{
	struct words *n;
	const char *why;
	uint32_t bits;

	if (!span->set)
		span->to = 1440;
	span->set = 1;
	span->days = 0;
	for (n = list; n != NULL; n = n->next) {
		if (value_days(n->word.text, &bits, &why) == -1)
			wrong(b, n->word, why);
		else
			span->days |= bits;
	}
}

/* What a condition's number is a number of. */
static int
rule_value(struct build *b, enum dial_condition condition, struct word w,
    uint64_t *v)
{
	const char *why;
	uint32_t minute;
	int ret = -1;

	switch (condition) {
	case DIAL_MESSAGES:
		ret = value_count(w.text, 1, UINT32_MAX, v, &why);
		break;
	case DIAL_SIZE:
		ret = value_size(w.text, v, &why);
		break;
	case DIAL_SECONDS:
		/* The word says the unit, so that a bare number will do. */
		if (value_count(w.text, 1, UINT32_MAX, v, &why) == 0)
			return (1);
		/* FALLTHROUGH */
	case DIAL_AGE:
	case DIAL_DEADLINE:
	case DIAL_EVERY:
		ret = value_duration(w.text, v, &why);
		break;
	case DIAL_COST:
	case DIAL_BALANCE:
		ret = value_money(w.text, v, &why);
		break;
	case DIAL_AT:
		if ((ret = value_clock(w.text, &minute, &why)) == 0) {
			*v = minute;
			why = "is the same as 00:00: write that";
			if (minute == 1440)
				ret = -1;
		}
		break;
	case DIAL_URGENT:
		return (1);
	}
	if (ret == -1)
		wrong(b, w, why);
	return (ret == 0);
}

static void
rule_warning(struct build *b, struct word key, enum dial_condition condition)
{
	switch (condition) {
	case DIAL_SECONDS:
	case DIAL_COST:
	case DIAL_URGENT:
	case DIAL_DEADLINE:
	case DIAL_BALANCE:
		build_warn(b, key.pos, "\"dial when %s\" is accepted but does "
		    "not open a window in this version", key.text);
		break;
	default:
		break;
	}
}

void
build_rule(struct build *b, struct word key, enum dial_condition condition,
    const struct word *value, const struct conf_span *span)
{
	struct conf_rule *r;
	uint64_t v = 0;

	rule_warning(b, key, condition);
	if (value != NULL && !rule_value(b, condition, *value, &v))
		return;
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		no_memory(b, key.pos);
		return;
	}
	r->condition = condition;
	r->value = v;
	r->span = *span;
	r->line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->rules, r, entry);
	remember(b, r, key.pos);
}

void
build_hold(struct build *b, struct word key, const struct conf_span *span)
{
	struct conf_hold *h;

	if (span->from == 0 && span->to == 1440 && !span->negate &&
	    span->days == DAYS_ALL) {
		build_error(b, key.pos, "this holds at all times: nothing "
		    "would ever be dialled");
		return;
	}
	if ((h = calloc(1, sizeof(*h))) == NULL) {
		no_memory(b, key.pos);
		return;
	}
	h->span = *span;
	h->line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->holds, h, entry);
	remember(b, h, key.pos);
}

/* "5 calls", "60m", "3000": the kind is seen from the form. */
static int
parse_amount(struct build *b, struct amount a, uint32_t *kind, uint64_t *v)
{
	const char *s = a.word.text, *why;
	int ret;

	if (a.calls) {
		*kind = BUDGET_CALLS;
		ret = value_count(s, 0, UINT32_MAX, v, &why);
	} else if (s[0] != '\0' &&
	    strchr("smhdw", s[strlen(s) - 1]) != NULL) {
		*kind = BUDGET_SECONDS;
		ret = value_duration(s, v, &why);
	} else {
		*kind = BUDGET_MONEY;
		ret = value_money(s, v, &why);
	}
	if (ret == -1)
		wrong(b, a.word, why);
	return (ret == 0);
}

void
build_budget(struct build *b, struct amount amount, enum budget_period period,
    const struct amount *keep)
{
	struct conf_budget *n;
	struct amount kept;
	uint64_t v, keep_v = 0;
	uint32_t kind, keep_kind;

	if (!parse_amount(b, amount, &kind, &v))
		return;
	if (v == 0) {
		build_error(b, amount.word.pos, "a budget of 0");
		return;
	}
	if (keep != NULL) {
		kept = *keep;
		/* A bare number is of what the budget is of. */
		kept.calls |= amount.calls;
		if (!parse_amount(b, kept, &keep_kind, &keep_v))
			return;
		if (keep_kind != kind) {
			wrong(b, kept.word, "is not of the same kind as the "
			    "budget");
			return;
		}
		build_warn(b, kept.word.pos, "\"keep %s for urgent\" is "
		    "accepted, but no mail is urgent in this version: that "
		    "part is not spent", kept.word.text);
	}
	if ((n = calloc(1, sizeof(*n))) == NULL) {
		no_memory(b, amount.word.pos);
		return;
	}
	n->kind = kind;
	n->period = period;
	n->amount = v;
	n->keep = keep_v;
	n->line = amount.word.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->budgets, n, entry);
	remember(b, n, amount.word.pos);
}

void
build_bulk(struct build *b, struct word key, struct word size)
{
	build_size(b, key, &b->conf->global.bulk_larger, size);
	build_warn(b, key.pos, "\"bulk when larger\" is accepted but does not "
	    "hold back a message in this version");
}
