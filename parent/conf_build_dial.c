/* See LICENSE for the terms. */
/*
 * What the statements on when to dial do: rules, hours, holds, budgets.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "conf_build.h"
#include "conf_build_internal.h"
#include "conf_lex.h"
#include "conf_value.h"

void
build_between(struct build *b, struct conf_span *span, int not,
    struct word from, struct word to)
{
	const char *why;

	span->set = 1;
	span->negate = (uint32_t)not;
	span->days = DAYS_ALL;
	if (value_clock(from.text, &span->from, &why) == -1)
		build_wrong(b, from, why);
	else if (span->from == 1440)
		build_wrong(b, from, "is the end of a day: it begins at 00:00");
	else if (value_clock(to.text, &span->to, &why) == -1)
		build_wrong(b, to, why);
	else if (span->to == span->from && span->to != 0)
		build_error(b, from.pos, "from %s to %s is no time at all",
		    from.text, to.text);
	else if (span->to == 0)
		span->to = 1440;
	if (not && span->from == 0 && span->to == 1440)
		build_error(b, from.pos, "not between %s and %s is never",
		    from.text, to.text);
}

static struct conf_dayset *
new_dayset(struct build *b, struct word at, uint32_t id)
{
	struct conf_dayset *d;

	if ((d = calloc(1, sizeof(*d))) == NULL) {
		build_no_memory(b, at.pos);
		return (NULL);
	}
	TAILQ_INIT(&d->dates);
	d->id = id;
	TAILQ_INSERT_TAIL(&b->conf->daysets, d, entry);
	build_remember(b, d, at.pos);
	return (d);
}

static void
add_date(struct build *b, struct conf_dayset *d, struct word w)
{
	const struct strnode *n;

	TAILQ_FOREACH(n, &d->dates, entry) {
		if (strcmp(n->s, w.text) == 0) {
			build_wrong(b, w, "is there already");
			return;
		}
	}
	build_add_string(b, &d->dates, w, w.text);
}

void
build_holiday(struct build *b, struct word w)
{
	struct conf_dayset *d;
	const char *why;

	if (value_date(w.text, &why) == -1) {
		build_wrong(b, w, why);
		return;
	}
	TAILQ_FOREACH(d, &b->conf->daysets, entry)
		if (d->id == DAYSET_HOLIDAYS)
			break;
	if (d != NULL || (d = new_dayset(b, w, DAYSET_HOLIDAYS)) != NULL)
		add_date(b, d, w);
}

/* The dates among these words, as a set of the span's own. */
static void
on_dates(struct build *b, struct conf_span *span, struct words *list)
{
	struct conf_dayset *d;
	struct words *n;
	const char *why;
	uint32_t id = DAYSET_HOLIDAYS;

	TAILQ_FOREACH(d, &b->conf->daysets, entry)
		if (d->id > id)
			id = d->id;
	if ((d = new_dayset(b, list->word, id + 1)) == NULL)
		return;
	span->dayset = d->id;
	for (n = list; n != NULL; n = n->next)
		if (value_date(n->word.text, &why) == 0)
			add_date(b, d, n->word);
}

void
build_on(struct build *b, struct conf_span *span, struct words *list)
{
	struct words *n;
	const char *why = NULL, *not_day;
	uint32_t bits;
	int dates = 0;

	if (!span->set)
		span->to = 1440;
	span->set = 1;
	span->days = 0;
	for (n = list; n != NULL; n = n->next) {
		if (value_days(n->word.text, &bits, &not_day) == 0)
			span->days |= bits;
		else if (value_date(n->word.text, &why) == 0)
			dates = 1;
		else {
			if (n->word.text[0] < '0' || n->word.text[0] > '9')
				why = not_day;
			build_wrong(b, n->word, why);
		}
	}
	/* Every day of the week: no holiday or date can add to that. */
	if ((span->days & DAYS_ALL) == DAYS_ALL &&
	    (span->days & (DAYS_WORKDAY | DAYS_HOLIDAY)) != DAYS_WORKDAY)
		span->days = DAYS_ALL;
	else if (dates)
		on_dates(b, span, list);
}

/* What a condition's number is a number of. */
static int
rule_value(struct build *b, enum dial_condition condition, struct word w,
    uint64_t *v)
{
	const char *why = NULL;
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
		if (strspn(w.text, "0123456789") == strlen(w.text))
			break;
		/* FALLTHROUGH */
	case DIAL_AGE:
	case DIAL_DEADLINE:
	case DIAL_EVERY:
		ret = value_duration(w.text, v, &why);
		break;
	case DIAL_COST:
	case DIAL_BALANCE:
		ret = value_money(w.text, v, &why);
		if (ret == 0 && *v == 0) {
			why = "is no cost: it would dial for every message";
			ret = -1;
		}
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
		build_wrong(b, w, why);
	return (ret == 0);
}

void
build_rule(struct build *b, struct word key, enum dial_condition condition,
    const struct word *value, const struct conf_span *span)
{
	struct conf_rule *r;
	uint64_t v = 0;

	if (value != NULL && !rule_value(b, condition, *value, &v))
		return;
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		build_no_memory(b, key.pos);
		return;
	}
	r->condition = condition;
	r->value = v;
	r->span = *span;
	r->line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->rules, r, entry);
	build_remember(b, r, key.pos);
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
		build_no_memory(b, key.pos);
		return;
	}
	h->span = *span;
	h->line = key.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->holds, h, entry);
	build_remember(b, h, key.pos);
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
		build_wrong(b, a.word, why);
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
			build_wrong(b, kept.word, "is not of the same kind as "
			    "the budget");
			return;
		}
	}
	if ((n = calloc(1, sizeof(*n))) == NULL) {
		build_no_memory(b, amount.word.pos);
		return;
	}
	n->kind = kind;
	n->period = period;
	n->amount = v;
	n->keep = keep_v;
	n->line = amount.word.pos.line;
	TAILQ_INSERT_TAIL(&b->conf->budgets, n, entry);
	build_remember(b, n, amount.word.pos);
}

void
build_breaker(struct build *b, struct word key, struct word failures,
    struct word pause)
{
	struct conf_global *g = &b->conf->global;
	const char *why;
	uint64_t n, seconds;

	if (!build_first_time(b, key, &g->breaker))
		return;
	if (value_count(failures.text, 1, 1000, &n, &why) == -1)
		build_error(b, failures.pos, "breaker: \"%s\" is not a whole "
		    "number from 1 to 1000", failures.text);
	else if (value_duration(pause.text, &seconds, &why) == -1)
		build_wrong(b, pause, why);
	else {
		g->breaker = (uint32_t)n;
		g->breaker_pause = seconds;
	}
}
