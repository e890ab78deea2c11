/* See LICENSE for the terms. */
/*
 * Making, freeing and searching the configuration.  What a structure holds
 * is described in conf.h.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "conf.h"

static void	 free_secret(char *);
static void	 free_trust(struct conf *);
static void	 free_people(struct conf *);
static void	 free_lines(struct conf *);
static void	 free_policy(struct conf *);

int
strlist_add(struct strlist *list, const char *s)
{
	struct strnode *n;

	if ((n = malloc(sizeof(*n))) == NULL)
		return (-1);
	if ((n->s = strdup(s)) == NULL) {
		free(n);
		return (-1);
	}
	TAILQ_INSERT_TAIL(list, n, entry);
	return (0);
}

void
strlist_free(struct strlist *list)
{
	struct strnode *n;

	while ((n = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, n, entry);
		free(n->s);
		free(n);
	}
}

size_t
strlist_len(const struct strlist *list)
{
	const struct strnode *n;
	size_t len = 0;

	TAILQ_FOREACH(n, list, entry)
		len++;
	return (len);
}

struct conf *
conf_new(void)
{
	struct conf *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	TAILQ_INIT(&c->domains);
	TAILQ_INIT(&c->pkis);
	TAILQ_INIT(&c->listeners);
	TAILQ_INIT(&c->upstreams);
	TAILQ_INIT(&c->users);
	TAILQ_INIT(&c->aliases);
	TAILQ_INIT(&c->accounts);
	TAILQ_INIT(&c->rates);
	TAILQ_INIT(&c->tariffs);
	TAILQ_INIT(&c->lines);
	TAILQ_INIT(&c->rules);
	TAILQ_INIT(&c->holds);
	TAILQ_INIT(&c->budgets);
	TAILQ_INIT(&c->daysets);
	return (c);
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	free(c->global.hostname);
	free(c->global.spool);
	free(c->global.empty);
	free(c->global.control);
	free(c->global.control_ro);
	free(c->global.users);
	free(c->global.ca);
	free(c->global.postmaster);
	free(c->global.aliases);
	free(c->global.catch_all);
	free(c->global.currency);
	free_trust(c);
	free_people(c);
	free_lines(c);
	free_policy(c);
	free(c);
}

static void
free_secret(char *s)
{
	if (s != NULL)
		freezero(s, strlen(s));
}

static void
free_secrets(struct strlist *list)
{
	struct strnode *n;

	TAILQ_FOREACH(n, list, entry)
		explicit_bzero(n->s, strlen(n->s));
	strlist_free(list);
}

/* What is about servers, ours and upstream's. */
static void
free_trust(struct conf *c)
{
	struct conf_pki *p;
	struct conf_listener *l;
	struct conf_upstream *u;

	while ((p = TAILQ_FIRST(&c->pkis)) != NULL) {
		TAILQ_REMOVE(&c->pkis, p, entry);
		free(p->name);
		free(p->cert);
		free(p->key);
		free(p->cert_mem);
		freezero(p->key_mem, p->key_len);
		free(p);
	}
	while ((l = TAILQ_FIRST(&c->listeners)) != NULL) {
		TAILQ_REMOVE(&c->listeners, l, entry);
		free(l->host);
		free(l->pki);
		strlist_free(&l->from);
		free(l);
	}
	while ((u = TAILQ_FIRST(&c->upstreams)) != NULL) {
		TAILQ_REMOVE(&c->upstreams, u, entry);
		free(u->name);
		free(u->relay_host);
		free(u->relay_user);
		free_secret(u->relay_password);
		free(u->fetch_host);
		free(u->ca);
		free(u->ca_mem);
		free(u);
	}
}

static void
free_people(struct conf *c)
{
	struct conf_domain *d;
	struct conf_user *u;
	struct conf_alias *alias;
	struct conf_account *a;

	while ((d = TAILQ_FIRST(&c->domains)) != NULL) {
		TAILQ_REMOVE(&c->domains, d, entry);
		free(d->name);
		free(d);
	}
	while ((u = TAILQ_FIRST(&c->users)) != NULL) {
		TAILQ_REMOVE(&c->users, u, entry);
		free(u->name);
		strlist_free(&u->addresses);
		free(u);
	}
	while ((alias = TAILQ_FIRST(&c->aliases)) != NULL) {
		TAILQ_REMOVE(&c->aliases, alias, entry);
		free(alias->name);
		strlist_free(&alias->targets);
		free(alias);
	}
	while ((a = TAILQ_FIRST(&c->accounts)) != NULL) {
		TAILQ_REMOVE(&c->accounts, a, entry);
		free(a->name);
		free(a->user);
		free(a->upstream);
		free(a->login);
		free_secret(a->password);
		free(a);
	}
}

static void
free_lines(struct conf *c)
{
	struct conf_line *l;
	struct conf_tariff *t;
	struct conf_rate *r;

	while ((l = TAILQ_FIRST(&c->lines)) != NULL) {
		TAILQ_REMOVE(&c->lines, l, entry);
		free(l->name);
		free(l->device);
		strlist_free(&l->init);
		strlist_free(&l->phone);
		free(l->ppp_user);
		free_secret(l->ppp_password);
		strlist_free(&l->ppp_options);
		free(l->up);
		free(l->down);
		free(l->tariff);
		free(l->lock);
		free_secrets(&l->chat);
		strlist_free(&l->chat_abort);
		free(l->status);
		free(l);
	}
	while ((t = TAILQ_FIRST(&c->tariffs)) != NULL) {
		TAILQ_REMOVE(&c->tariffs, t, entry);
		free(t->name);
		free(t);
	}
	while ((r = TAILQ_FIRST(&c->rates)) != NULL) {
		TAILQ_REMOVE(&c->rates, r, entry);
		free(r->tariff);
		free(r);
	}
}

static void
free_policy(struct conf *c)
{
	struct conf_rule *r;
	struct conf_hold *h;
	struct conf_budget *b;
	struct conf_dayset *d;

	while ((r = TAILQ_FIRST(&c->rules)) != NULL) {
		TAILQ_REMOVE(&c->rules, r, entry);
		free(r);
	}
	while ((h = TAILQ_FIRST(&c->holds)) != NULL) {
		TAILQ_REMOVE(&c->holds, h, entry);
		free(h);
	}
	while ((b = TAILQ_FIRST(&c->budgets)) != NULL) {
		TAILQ_REMOVE(&c->budgets, b, entry);
		free(b);
	}
	while ((d = TAILQ_FIRST(&c->daysets)) != NULL) {
		TAILQ_REMOVE(&c->daysets, d, entry);
		strlist_free(&d->dates);
		free(d);
	}
}

struct conf_upstream *
conf_upstream_find(const struct conf *c, const char *name)
{
	struct conf_upstream *u;

	TAILQ_FOREACH(u, &c->upstreams, entry)
		if (strcmp(u->name, name) == 0)
			return (u);
	return (NULL);
}

struct conf_user *
conf_user_find(const struct conf *c, const char *name)
{
	struct conf_user *u;

	TAILQ_FOREACH(u, &c->users, entry)
		if (strcmp(u->name, name) == 0)
			return (u);
	return (NULL);
}

struct conf_pki *
conf_pki_find(const struct conf *c, const char *name)
{
	struct conf_pki *p;

	TAILQ_FOREACH(p, &c->pkis, entry)
		if (strcmp(p->name, name) == 0)
			return (p);
	return (NULL);
}

struct conf_tariff *
conf_tariff_find(const struct conf *c, const char *name)
{
	struct conf_tariff *t;

	TAILQ_FOREACH(t, &c->tariffs, entry)
		if (strcmp(t->name, name) == 0)
			return (t);
	return (NULL);
}

struct conf_line *
conf_line_find(const struct conf *c, const char *name)
{
	struct conf_line *l;

	TAILQ_FOREACH(l, &c->lines, entry)
		if (strcmp(l->name, name) == 0)
			return (l);
	return (NULL);
}
