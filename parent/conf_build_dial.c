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
			build_wrong(b, n->word, why);
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
		build_wrong(b, w, why);
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
		build_warn(b, kept.word.pos, "\"keep %s for urgent\" is "
		    "accepted, but no mail is urgent in this version: that "
		    "part is not spent", kept.word.text);
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
build_bulk(struct build *b, struct word key, struct word size)
{
	build_size(b, key, &b->conf->global.bulk_larger, size);
	build_warn(b, key.pos, "\"bulk when larger\" is accepted but does not "
	    "hold back a message in this version");
}
