/* See LICENSE for the terms. */
/*
 * What the statements on lines do, and those on what a call costs.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "conf_build.h"
#include "conf_build_internal.h"
#include "conf_lex.h"
#include "conf_value.h"

/* Tariffs. */

void
build_tariff(struct build *b, struct word key, struct word name)
{
	struct conf_tariff *t;

	b->tariff = &b->no_tariff;
	build_check_name(b, name, VALUE_NAME_MAX);
	if ((t = calloc(1, sizeof(*t))) == NULL) {
		build_no_memory(b, key.pos);
		return;
	}
	t->name = build_copy(b, name, name.text);
	t->line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->tariffs, t, entry);
	build_remember(b, t, key.pos);
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
		build_no_memory(b, unit.pos);
		return;
	}
	r->tariff = build_copy(b, unit, b->tariff->name);
	build_remember(b, r, unit.pos);
	r->span = *span;
	if (value_duration(unit.text, &r->unit, &why) == -1)
		build_wrong(b, unit, why);
	if (value_money(price.text, &r->price, &why) == -1)
		build_wrong(b, price, why);
	TAILQ_INSERT_TAIL(&b->conf->rates, r, entry);
}

/* Lines. */

void
build_line(struct build *b, struct word key, struct word name)
{
	struct conf_line *l;

	b->line = &b->no_line;
	build_check_name(b, name, VALUE_NAME_MAX);
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		build_no_memory(b, key.pos);
		return;
	}
	TAILQ_INIT(&l->init);
	TAILQ_INIT(&l->phone);
	TAILQ_INIT(&l->ppp_options);
	TAILQ_INIT(&l->chat);
	TAILQ_INIT(&l->chat_abort);
	l->name = build_copy(b, name, name.text);
	l->conf_line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->lines, l, entry);
	build_remember(b, l, key.pos);
	b->line = l;
}

void
build_line_end(struct build *b, struct word key)
{
	struct conf_line *l = b->line;

	if (TAILQ_EMPTY(&l->chat) && (!TAILQ_EMPTY(&l->chat_abort) ||
	    build_where(b, &l->chat_timeout) != NULL))
		build_error(b, key.pos, "line \"%s\" has no \"chat\" for "
		    "\"abort\" or \"timeout\"", l->name);
	if (l->device != NULL && build_where(b, &l->ppp) == NULL)
		build_error(b, key.pos, "line \"%s\" has a modem: what it "
		    "carries must be said, \"ppp\" or \"no ppp\"", l->name);
	if (build_where(b, &l->device) != NULL)
		return;
	/* Other words for a modem are seen by their values. */
	if ((!l->pulse && build_where(b, &l->pulse) != NULL) ||
	    (!l->ppp && build_where(b, &l->ppp) != NULL))
		build_error(b, key.pos, "line \"%s\" has no \"modem\" for "
		    "\"dial\" or \"no ppp\"", l->name);
	if (build_where(b, &l->no_flow) != NULL || !TAILQ_EMPTY(&l->chat) ||
	    build_where(b, &l->lock) != NULL)
		build_error(b, key.pos, "line \"%s\" has no \"modem\" for "
		    "\"flow\", \"lock\" or \"chat\"", l->name);
}

void
build_speed(struct build *b, struct word key, struct word w)
{
	const char *why;

	if (build_first_time(b, key, &b->line->speed) &&
	    value_speed(w.text, &b->line->speed, &why) == -1)
		build_wrong(b, w, why);
}

void
build_init_strings(struct build *b, struct words *list)
{
	struct words *n;
	const char *why;

	for (n = list; n != NULL; n = n->next) {
		if (value_modem_command(n->word.text, &why) == -1)
			build_wrong(b, n->word, why);
		else
			build_add_string(b, &b->line->init, n->word,
			    n->word.text);
	}
}

void
build_phones(struct build *b, struct words *list)
{
	struct words *n;
	const char *why;

	for (n = list; n != NULL; n = n->next) {
		if (value_phone(n->word.text, &why) == -1)
			build_wrong(b, n->word, why);
		else
			build_add_string(b, &b->line->phone, n->word,
			    n->word.text);
	}
}

void
build_dial_mode(struct build *b, struct word key, int pulse)
{
	if (build_first_time(b, key, &b->line->pulse))
		b->line->pulse = (uint32_t)pulse;
}

void
build_no_ppp(struct build *b, struct word key)
{
	if (build_first_time(b, key, &b->line->ppp))
		b->line->ppp = 0;
}

void
build_ppp(struct build *b, struct word key, const struct word *user,
    const struct word *password, struct words *options)
{
	struct conf_line *l = b->line;
	struct words *n;

	if (!build_first_time(b, key, &l->ppp))
		return;
	l->ppp = 1;
	for (n = options; n != NULL; n = n->next) {
		/* Options are printed, and everyone sees them in ps(1). */
		if (strcmp(n->word.text, "password") == 0)
			build_error(b, n->word.pos, "options: a password is "
			    "given by \"ppp user ... password ...\"");
		else if (build_short_enough(b, n->word, "options",
		    ARGUMENT_MAX))
			build_add_string(b, &l->ppp_options, n->word,
			    n->word.text);
	}
	if (user == NULL)
		return;
	if (build_short_enough(b, *user, "user", LOGIN_MAX))
		l->ppp_user = build_copy(b, *user, user->text);
	if (build_check_secret(b, *password))
		l->ppp_password = build_copy(b, *password, password->text);
}

void
build_flow(struct build *b, struct word key, struct word w)
{
	if (!build_first_time(b, key, &b->line->no_flow))
		return;
	if (strcmp(w.text, "none") == 0)
		b->line->no_flow = 1;
	else if (strcmp(w.text, "hardware") != 0)
		build_wrong(b, w, "is no way of flow control: hardware or "
		    "none");
}

void
build_no_lock(struct build *b, struct word key)
{
	if (build_first_time(b, key, &b->line->lock))
		b->line->lock = build_copy(b, key, "");
}

void
build_linger(struct build *b, struct word key)
{
	if (build_first_time(b, key, &b->line->linger))
		b->line->linger = 1;
}

/* What an expect has to send when nothing comes: between its dashes. */
static int
check_expect(struct build *b, struct word w)
{
	const char *p, *end;
	struct word piece = w;
	char *copy;
	int i;

	for (i = 0, p = w.text; *p != '\0'; p = end + (*end == '-'), i++) {
		end = value_chat_piece(p);
		if (i % 2 == 0)
			continue;
		if ((copy = lex_alloc(b->lex, (size_t)(end - p) + 1)) == NULL) {
			build_no_memory(b, w.pos);
			return (0);
		}
		memcpy(copy, p, (size_t)(end - p));
		copy[end - p] = '\0';
		piece.text = copy;
		if (!build_check_said(b, piece))
			return (0);
	}
	return (w.text[0] == '\0' ||
	    build_short_enough(b, w, "chat", CONF_CHAT_STRING));
}

void
build_chat(struct build *b, struct word key, struct words *list)
{
	struct words *n;
	int i = 0, good;

	for (n = list; n != NULL; n = n->next, i++) {
		good = i % 2 == 0 ? check_expect(b, n->word) :
		    build_check_said(b, n->word);
		if (good)
			build_add_string(b, &b->line->chat, n->word,
			    n->word.text);
	}
	if (i % 2 != 0)
		build_error(b, key.pos, "chat: what to expect and what to send "
		    "come in pairs, but there are %d strings", i);
}

void
build_chat_abort(struct build *b, struct words *list)
{
	struct words *n;

	for (n = list; n != NULL; n = n->next)
		if (build_short_enough(b, n->word, "chat abort",
		    CONF_CHAT_STRING))
			build_add_string(b, &b->line->chat_abort, n->word,
			    n->word.text);
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
