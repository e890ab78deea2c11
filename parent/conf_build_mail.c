/* See LICENSE for the terms. */
/*
 * What the statements on mail do: listeners, upstreams, users and the
 * accounts that they have elsewhere.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aliases.h"
#include "conf.h"
#include "conf_build.h"
#include "conf_build_internal.h"
#include "conf_lex.h"
#include "conf_value.h"
#include "parse.h"

#define ACCOUNTS_MAX	99		/* of one user at one upstream */

/* Listeners. */

void
build_listener(struct build *b, struct word key, struct word host)
{
	struct conf_listener *l;
	const char *why;

	b->listener = &b->no_listener;
	if (host.text[0] != '/' && value_address(host.text, &why) == -1)
		build_wrong(b, host, why);
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		build_no_memory(b, key.pos);
		return;
	}
	TAILQ_INIT(&l->from);
	l->host = build_copy(b, host, host.text);
	l->line = key.pos.line;
	l->fd = -1;
	TAILQ_INSERT_TAIL(&b->conf->listeners, l, entry);
	build_remember(b, l, key.pos);
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
			build_wrong(b, n->word, why);
		else
			build_add_string(b, &b->listener->from, n->word, buf);
	}
}

/* Who is on this machine needs neither a network nor a password. */
static void
build_local_listener(struct build *b, struct conf_listener *l,
    struct word service)
{
	if (l->service != SERVICE_SMTP)
		build_error(b, service.pos, "a local socket is for smtp, not "
		    "%s", service.text);
	if (l->port != 0 || l->pki != NULL || !TAILQ_EMPTY(&l->from))
		build_error(b, service.pos, "a local socket has neither "
		    "\"port\" nor \"tls\" nor \"from\"");
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
	if (l->host != NULL && conf_listener_local(l)) {
		build_local_listener(b, l, service);
		return;
	}
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
	build_check_name(b, name, VALUE_NAME_MAX);
	if ((u = calloc(1, sizeof(*u))) == NULL) {
		build_no_memory(b, key.pos);
		return;
	}
	u->name = build_copy(b, name, name.text);
	u->line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->upstreams, u, entry);
	build_remember(b, u, key.pos);
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
		build_wrong(b, w, why);
	return (0);
}

void
build_relay(struct build *b, struct word key, struct word w,
    const struct word *user, const struct word *password)
{
	struct conf_upstream *u = b->upstream;
	struct value_url url;

	if (!build_first_time(b, key, &u->relay_host))
		return;
	if (parse_url(b, w, &url)) {
		if (url.service != VALUE_URL_SMTP)
			build_wrong(b, w, "is not for smtp");
		u->relay_host = build_copy(b, w, url.host);
		u->relay_port = url.port;
		u->relay_tls = url.tls;
	}
	if (user == NULL)
		return;
	if (build_short_enough(b, *user, "user", LOGIN_MAX))
		u->relay_user = build_copy(b, *user, user->text);
	if (build_check_secret(b, *password))
		u->relay_password = build_copy(b, *password, password->text);
}

void
build_fetch(struct build *b, struct word key, struct word w)
{
	struct conf_upstream *u = b->upstream;
	struct value_url url;

	if (!build_first_time(b, key, &u->fetch_host) || !parse_url(b, w, &url))
		return;
	if (url.service == VALUE_URL_SMTP)
		build_wrong(b, w, "is for neither pop3 nor imap");
	u->fetch_proto = url.service == VALUE_URL_IMAP ? FETCH_IMAP :
	    FETCH_POP3;
	u->fetch_host = build_copy(b, w, url.host);
	u->fetch_port = url.port;
	u->fetch_tls = url.tls;
}

/* Users and their accounts. */

void
build_user(struct build *b, struct word key, struct word name)
{
	struct conf_user *u;

	b->user = &b->no_user;
	build_check_name(b, name, VALUE_USER_MAX);
	if ((u = calloc(1, sizeof(*u))) == NULL) {
		build_no_memory(b, key.pos);
		return;
	}
	TAILQ_INIT(&u->addresses);
	u->name = build_copy(b, name, name.text);
	u->line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->users, u, entry);
	build_remember(b, u, key.pos);
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
			build_wrong(b, n->word, why);
		else
			build_add_string(b, &b->user->addresses, n->word, buf);
	}
}

/* Begins an alias; where it fails the targets that follow are left out. */
static void
new_alias(struct build *b, struct word name, uint32_t from_file)
{
	struct conf_alias *a;
	const char *why;

	b->alias = NULL;
	if (value_alias_name(name.text, &why) == -1) {
		build_wrong(b, name, why);
		return;
	}
	if ((a = calloc(1, sizeof(*a))) == NULL) {
		build_no_memory(b, name.pos);
		return;
	}
	TAILQ_INIT(&a->targets);
	a->name = build_copy(b, name, name.text);
	a->from_file = from_file;
	a->line = name.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->aliases, a, entry);
	build_remember(b, a, name.pos);
	b->alias = a;
}

static void
add_target(struct build *b, struct word w)
{
	char buf[512];
	const char *why;

	if (b->alias == NULL)
		return;
	if (value_alias_target(w.text, buf, sizeof(buf), &why) == -1)
		build_wrong(b, w, why);
	else
		build_add_string(b, &b->alias->targets, w, buf);
}

void
build_alias(struct build *b, struct word key, struct word name,
    struct words *targets)
{
	struct words *n;

	name.pos = key.pos;
	new_alias(b, name, 0);
	for (n = targets; n != NULL; n = n->next)
		add_target(b, n->word);
}

/* A word of the file of aliases. */
struct alias_file {
	struct build	*b;
	struct lex_file	*file;
};

static void
alias_found(void *arg, uint32_t line, const char *name, const char *target)
{
	struct alias_file *f = arg;
	struct word w;

	if (f->b->stop)
		return;
	w.text = target != NULL ? target : name;
	w.pos.file = f->file;
	w.pos.line = line;
	w.origin = f->file;
	if (target != NULL)
		add_target(f->b, w);
	else
		new_alias(f->b, w, 1);
}

static void
alias_wrong(void *arg, uint32_t line, const char *why)
{
	struct alias_file *f = arg;
	struct lex_pos pos = { f->file, line };

	build_error(f->b, pos, "%s", why);
}

void
build_alias_file(struct build *b)
{
	const char *path = b->conf->global.aliases;
	const struct lex_pos *pos;
	struct alias_file f;

	if (path == NULL || (b->flags & PARSE_NOINCLUDE) ||
	    (pos = build_where(b, &b->conf->global.aliases)) == NULL)
		return;
	f.b = b;
	if ((f.file = lex_read(b->lex, path, *pos)) == NULL)
		return;
	/* Whoever writes to it says where everybody's mail goes. */
	if ((f.file->mode & (S_IWGRP | S_IWOTH)) != 0) {
		build_error(b, *pos, "%s: others than its owner can write to "
		    "it (mode %04o): chmod go-w", path,
		    (unsigned int)(f.file->mode & 07777));
		return;
	}
	aliases_parse(f.file->bytes, f.file->len, alias_found, alias_wrong,
	    &f);
}

void
build_no_plus(struct build *b, struct word key)
{
	if (build_first_time(b, key, &b->conf->global.no_plus))
		b->conf->global.no_plus = 1;
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
		build_no_memory(b, key.pos);
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
		build_no_memory(b, key.pos);
		return;
	}
	a->line = key.pos.line;
	a->user = b->user->name == NULL ? NULL :
	    build_copy(b, key, b->user->name);
	a->upstream = build_copy(b, upstream, upstream.text);
	if (a->user != NULL && a->upstream != NULL)
		a->name = account_name(b, key, a);
	if (build_short_enough(b, login, "as", LOGIN_MAX))
		a->login = build_copy(b, login, login.text);
	if (build_check_secret(b, password))
		a->password = build_copy(b, password, password.text);
	TAILQ_INSERT_TAIL(&b->conf->accounts, a, entry);
	build_remember(b, a, key.pos);
	b->account = a;
}

void
build_keep(struct build *b, struct word key, const struct word *how_long)
{
	if (how_long != NULL)
		build_duration(b, key, &b->account->keep, *how_long);
	else if (build_first_time(b, key, &b->account->keep))
		b->account->keep = KEEP_FOREVER;
}

void
build_large(struct build *b, struct word key, struct word w)
{
	build_size(b, key, &b->account->large, w);
	build_warn(b, key.pos, "\"large\" is accepted but does not hold back "
	    "a message in this version");
}
