/* See LICENSE for the terms. */
/*
 * What the statements of the configuration file do: errors, single values,
 * and what stands outside of every block.
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
#include "conf_build_internal.h"
#include "conf_check.h"
#include "conf_lex.h"
#include "conf_value.h"
#include "log.h"
#include "parse.h"

#define ERRORS_MAX	50		/* then it is some other file */

static int	 where_cmp(struct where *, struct where *);
static void	 report(struct lex_pos, const char *, va_list)
		    __attribute__((__format__(printf, 2, 0)));

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
	TAILQ_INIT(&b->no_line.chat);
	TAILQ_INIT(&b->no_line.chat_abort);
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

void
build_no_memory(struct build *b, struct lex_pos pos)
{
	build_error(b, pos, "%s", strerror(ENOMEM));
	b->stop = 1;
}

void
build_wrong(struct build *b, struct word w, const char *why)
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
int
build_remember(struct build *b, const void *object, struct lex_pos pos)
{
	struct where *w;

	if ((w = lex_alloc(b->lex, sizeof(*w))) == NULL) {
		build_no_memory(b, pos);
		return (0);
	}
	w->object = object;
	w->pos = pos;
	return (RB_INSERT(wheres, &b->wheres, w) != NULL);
}

/* 1 for a field that was not set yet; else 0, after an error. */
int
build_first_time(struct build *b, struct word key, const void *field)
{
	const struct lex_pos *before;

	if ((before = build_where(b, field)) == NULL) {
		build_remember(b, field, key.pos);
		return (1);
	}
	build_error(b, key.pos, "\"%s\" is there already, at %s:%u", key.text,
	    before->file->path, before->line);
	return (0);
}

char *
build_copy(struct build *b, struct word at, const char *s)
{
	char *p;

	if ((p = strdup(s)) == NULL)
		build_no_memory(b, at.pos);
	return (p);
}

void
build_add_string(struct build *b, struct strlist *list, struct word at,
    const char *s)
{
	if (strlist_add(list, s) == -1)
		build_no_memory(b, at.pos);
	else
		build_remember(b, TAILQ_LAST(list, strlist), at.pos);
}

/* Neither empty nor long; the text itself may be a secret. */
int
build_short_enough(struct build *b, struct word w, const char *what, size_t max)
{
	size_t len = strlen(w.text);

	if (len > 0 && len <= max)
		return (1);
	build_error(b, w.pos, "%s: %s", what, len == 0 ? "an empty string" :
	    "a string too long");
	return (0);
}

/* A secret came from the file.  C2: that file must be secret. */
static void
check_secrecy(struct build *b, struct word w)
{
	struct lex_file *f = w.origin;

	if ((f->mode & (S_IRWXG | S_IRWXO)) != 0 && !f->told_secret) {
		f->told_secret = 1;
		build_error(b, w.pos, "%s holds a password, but others than "
		    "its owner can read or write it (mode %04o): chmod 600",
		    f->path, (unsigned int)(f->mode & 07777));
	}
}

/*
 * The mask that print_config writes is no secret, and surely not the
 * password.
 */
int
build_check_secret(struct build *b, struct word w)
{
	if (strcmp(w.text, PARSE_MASK) == 0) {
		build_warn(b, w.pos, "the password is the mask that -nv "
		    "prints in place of the true one");
		return (1);
	}
	check_secrecy(b, w);
	return (build_short_enough(b, w, "password", LOGIN_MAX));
}

int
build_check_said(struct build *b, struct word w)
{
	if (w.text[0] == '\0')
		return (1);
	if (strcmp(w.text, PARSE_MASK) == 0)
		build_warn(b, w.pos, "the chat has the mask that -nv prints "
		    "in place of what is sent");
	else
		check_secrecy(b, w);
	return (build_short_enough(b, w, "chat", CONF_CHAT_STRING));
}

int
build_check_name(struct build *b, struct word w, size_t max)
{
	const char *why;

	if (value_name(w.text, max, &why) == 0)
		return (1);
	build_wrong(b, w, why);
	return (0);
}

/* Single values. */

void
build_count(struct build *b, struct word key, uint32_t *field, struct word w,
    uint64_t min, uint64_t max)
{
	const char *why;
	uint64_t v;

	if (!build_first_time(b, key, field))
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

	if (build_first_time(b, key, field) &&
	    value_size(w.text, field, &why) == -1)
		build_wrong(b, w, why);
}

void
build_duration(struct build *b, struct word key, uint64_t *field,
    struct word w)
{
	const char *why;

	if (build_first_time(b, key, field) &&
	    value_duration(w.text, field, &why) == -1)
		build_wrong(b, w, why);
}

void
build_money(struct build *b, struct word key, uint64_t *field, struct word w)
{
	const char *why;

	if (build_first_time(b, key, field) &&
	    value_money(w.text, field, &why) == -1)
		build_wrong(b, w, why);
}

void
build_string(struct build *b, struct word key, char **field, struct word w)
{
	if (build_first_time(b, key, field) &&
	    build_short_enough(b, w, key.text, ARGUMENT_MAX))
		*field = build_copy(b, w, w.text);
}

void
build_path(struct build *b, struct word key, char **field, struct word w)
{
	const char *why;

	if (!build_first_time(b, key, field))
		return;
	if (value_path(w.text, &why) == -1)
		build_wrong(b, w, why);
	else
		*field = build_copy(b, w, w.text);
}

void
build_hostname(struct build *b, struct word key, struct word w)
{
	char **field = &b->conf->global.hostname;
	const char *why;

	if (!build_first_time(b, key, field))
		return;
	if (value_host(w.text, &why) == -1)
		build_wrong(b, w, why);
	else if (value_address(w.text, &why) == 0)
		build_wrong(b, w, "is an address: other servers want a name");
	else
		*field = build_copy(b, w, w.text);
}

void
build_currency(struct build *b, struct word key, struct word w)
{
	char **field = &b->conf->global.currency;
	const char *why;

	if (!build_first_time(b, key, field))
		return;
	if (value_currency(w.text, &why) == -1)
		build_wrong(b, w, why);
	else
		*field = build_copy(b, w, w.text);
}

void
build_redial(struct build *b, struct word key, int unrestricted,
    struct word n, struct word within, struct word then)
{
	struct conf_global *g = &b->conf->global;
	uint64_t redials, seconds, pause;
	const char *why;

	if (!build_first_time(b, key, &g->redial))
		return;
	if (value_count(n.text, 0, 1000, &redials, &why) == -1)
		build_wrong(b, n, why);
	else if (value_duration(within.text, &seconds, &why) == -1)
		build_wrong(b, within, why);
	else if (value_duration(then.text, &pause, &why) == -1)
		build_wrong(b, then, why);
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
		build_no_memory(b, w.pos);
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
			build_wrong(b, name, "is not the name of a macro: "
			    "letters, digits and \"_\"");
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
		build_no_memory(b, name.pos);
		return;
	}
	for (n = list; n != NULL; n = n->next) {
		strlcat(text, n->word.text, len);
		if (n->next != NULL)
			strlcat(text, " ", len);
	}
	if (lex_define(b->lex, name.text, text, origin) == -1)
		build_no_memory(b, name.pos);
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
		build_no_memory(b, path.pos);
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
		build_wrong(b, w, why);
		return;
	}
	if ((d = calloc(1, sizeof(*d))) == NULL) {
		build_no_memory(b, w.pos);
		return;
	}
	d->name = build_copy(b, w, buf);
	TAILQ_INSERT_TAIL(&b->conf->domains, d, entry);
	build_remember(b, d, w.pos);
}

void
build_pki(struct build *b, struct word key, struct word name,
    struct word cert, struct word privkey)
{
	struct conf_pki *p;
	const char *why;

	if (!build_check_name(b, name, VALUE_NAME_MAX))
		return;
	if (value_path(cert.text, &why) == -1)
		build_wrong(b, cert, why);
	if (value_path(privkey.text, &why) == -1)
		build_wrong(b, privkey, why);
	if ((p = calloc(1, sizeof(*p))) == NULL) {
		build_no_memory(b, key.pos);
		return;
	}
	p->name = build_copy(b, name, name.text);
	p->cert = build_copy(b, cert, cert.text);
	p->key = build_copy(b, privkey, privkey.text);
	p->line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->pkis, p, entry);
	build_remember(b, p, key.pos);
}
