/* See LICENSE for the terms. */
/*
 * When to dial.  Conditions are looked at first: the earliest of them is
 * the reason.  Then each restraint may put it off.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "policy.h"
#include "span.h"

/* Which condition, and from when. */
struct cause {
	time_t	 when;			/* -1: none in sight */
	char	 why[PROTO_TEXT_MAX];
};

static uint64_t
age(time_t now, time_t then)
{
	/* The wall clock may have been put back. */
	return (then >= now ? 0 : (uint64_t)(now - then));
}

/* a + n, where n may be beyond all time. */
static time_t
later(time_t a, uint64_t n)
{
	return (n > INT32_MAX ? a + INT32_MAX : a + (time_t)n);
}

uint64_t
policy_pause(uint64_t first, uint32_t step, uint32_t jitter)
{
	uint64_t	 max = first > POLICY_PAUSE_MAX ? first :
	    POLICY_PAUSE_MAX;
	uint64_t	 pause = first;

	while (step-- > 0 && pause < max)
		pause *= 2;
	if (pause > max)
		pause = max;
	/* Up to an eighth more: sites that failed together part again. */
	return (pause + pause / 8 * (jitter & 0xff) / 0x100);
}

/*
 * Mail that the last window tried and left behind is no reason to dial
 * again at once: it waits for a pause that grows as redials' does.  Returns
 * when it counts again.
 */
static time_t
left_until(const struct conf *conf, const struct policy_facts *f)
{
	uint64_t	 pause;

	if (f->left == 0 || f->left_windows == 0)
		return (f->now);
	pause = policy_pause(conf->global.redial_then, f->left_windows - 1,
	    f->jitter);
	if (f->good_age >= pause)
		return (f->now);
	return (later(f->now, pause - f->good_age));
}

/* When a queue's number comes to what the rule says: now, soon or never. */
static time_t
when_amount(uint64_t have, uint64_t left, uint64_t want, time_t until,
    time_t now)
{
	uint64_t	 fresh = have > left ? have - left : 0;

	if (want == 0)
		want = 1;
	if (fresh >= want)
		return (now);
	return (have >= want ? until : -1);
}

static time_t
when_age(const struct conf_rule *rule, const struct policy_facts *f,
    time_t until)
{
	time_t	 when;

	if (f->messages == 0 || f->oldest == 0)
		return (-1);
	when = f->now;
	if (age(f->now, f->oldest) < rule->value)
		when = later(f->now, rule->value - age(f->now, f->oldest));
	/* Only what was there in the last window has to wait for more. */
	if (f->left > 0 && f->oldest <= f->good_up && when < until)
		when = until;
	return (when);
}

static time_t
when_every(const struct conf_rule *rule, const struct policy_facts *f)
{
	if (f->good_age >= rule->value)
		return (f->now);
	return (later(f->now, rule->value - f->good_age));
}

/* Clock times up to then have had their window. */
static time_t
served_until(const struct policy_facts *f)
{
	time_t	 closed;

	/* Before the first good window: what came while we were not there
	 * may have been served by a dialerd before this one. */
	if (f->good_up == 0)
		return (f->start - 1);
	closed = f->now - (time_t)f->good_age;
	/* The clock was set since, or such a window is not possible. */
	if (f->good_up > f->now ||
	    later(f->good_up, f->worst_seconds) < closed)
		return (closed);
	return (f->good_up);
}

static time_t
when_at(const struct conf_rule *rule, const struct policy_facts *f)
{
	time_t	 at;

	at = span_at_last(&rule->span, (uint32_t)rule->value, f->now,
	    POLICY_AT_LATE);
	if (at != -1 && at > served_until(f))
		return (f->now);
	return (span_at_next(&rule->span, (uint32_t)rule->value, f->now));
}

static time_t
rule_when(const struct conf_rule *rule, const struct policy_facts *f,
    time_t until)
{
	time_t	 when;

	switch (rule->condition) {
	case DIAL_MESSAGES:
		when = when_amount(f->messages, f->left, rule->value, until,
		    f->now);
		break;
	case DIAL_SIZE:
		when = when_amount(f->bytes, f->left_bytes, rule->value,
		    until, f->now);
		break;
	case DIAL_AGE:
		when = when_age(rule, f, until);
		break;
	case DIAL_EVERY:
		when = when_every(rule, f);
		break;
	case DIAL_AT:
		return (when_at(rule, f));
	default:
		return (-1);
	}
	return (when == -1 ? -1 : span_next(&rule->span, when));
}

static void
rule_text(const struct conf_rule *rule, char *buf, size_t size)
{
	unsigned long long	 v = rule->value;

	switch (rule->condition) {
	case DIAL_MESSAGES:
		snprintf(buf, size, "messages %llu", v);
		break;
	case DIAL_SIZE:
		snprintf(buf, size, "size %llu", v);
		break;
	case DIAL_AGE:
		snprintf(buf, size, "age %llus", v);
		break;
	case DIAL_EVERY:
		snprintf(buf, size, "every %llus", v);
		break;
	case DIAL_AT:
		snprintf(buf, size, "at %02llu:%02llu", v / 60, v % 60);
		break;
	}
}

/* The first condition that is met, or the one that will be first. */
static void
find_cause(const struct conf *conf, const struct policy_facts *f,
    struct cause *cause)
{
	const struct conf_rule	*rule;
	time_t			 until = left_until(conf, f), when;

	cause->when = -1;
	strlcpy(cause->why, "no condition in sight", sizeof(cause->why));
	if (f->request != POLICY_REQUEST_NONE) {
		cause->when = f->now;
		/* The ledger knows a new series by the first of these. */
		strlcpy(cause->why, f->request == POLICY_REQUEST_NEW ?
		    "request" : "request again", sizeof(cause->why));
		return;
	}
	TAILQ_FOREACH(rule, &conf->rules, entry) {
		when = rule_when(rule, f, until);
		if (when == -1)
			continue;
		if (cause->when == -1 || when < cause->when) {
			cause->when = when;
			rule_text(rule, cause->why, sizeof(cause->why));
		}
	}
}

/*
 * L5: `redial` redials within redial_within seconds of the first attempt,
 * then pauses, none so short that any redial_within seconds hold more.
 */
static time_t
redial_when(const struct conf *conf, const struct policy_facts *f)
{
	const struct conf_global	*g = &conf->global;
	uint64_t			 pause;

	if (f->attempts == 0 || f->request == POLICY_REQUEST_NEW)
		return (f->now);
	if (f->attempts <= g->redial && f->first_age < g->redial_within) {
		pause = POLICY_REDIAL_GAP;
		/* The gap must not push it past its own limit. */
		if (f->last_age < pause && f->first_age + pause -
		    f->last_age >= g->redial_within)
			pause = g->redial_then > g->redial_within ?
			    g->redial_then : g->redial_within;
	} else {
		pause = policy_pause(g->redial_then, f->attempts >
		    g->redial + 1 ? f->attempts - g->redial - 1 : 0,
		    f->jitter);
		if (pause < g->redial_within)
			pause = g->redial_within;
	}
	if (f->last_age >= pause)
		return (f->now);
	return (later(f->now, pause - f->last_age));
}

/* The end of all `hold between` spans that cover t, one after the other. */
static time_t
hold_when(const struct conf *conf, time_t t)
{
	const struct conf_hold	*hold;
	struct conf_span	 free;
	int			 moved, turns = 0;

	do {
		moved = 0;
		TAILQ_FOREACH(hold, &conf->holds, entry) {
			if (!hold->span.set || !span_contains(&hold->span, t))
				continue;
			free = hold->span;
			free.negate = !free.negate;
			if ((t = span_next(&free, t)) == -1)
				return (-1);
			moved = 1;
		}
	} while (moved && ++turns < 16);
	return (moved ? -1 : t);
}

static uint64_t
spent(const struct conf_budget *b, const struct policy_facts *f,
    uint64_t *worst)
{
	const struct policy_sum	*sum = &f->sum[b->period];

	switch (b->kind) {
	case BUDGET_SECONDS:
		*worst = f->worst_seconds;
		return (sum->seconds);
	case BUDGET_MONEY:
		*worst = f->worst_cost;
		return (sum->cost);
	}
	*worst = 1;
	return (sum->calls);
}

static const char *
budget_text(const struct conf_budget *b)
{
	static const char * const texts[3][POLICY_PERIODS] = {
		{ "seconds per day", "seconds per week", "seconds per month" },
		{ "calls per day", "calls per week", "calls per month" },
		{ "money per day", "money per week", "money per month" }
	};

	return (texts[b->kind][b->period]);
}

/*
 * L3: what was spent in the period and the worst case of this call must not
 * be more than the budget, less what of it is kept for urgent mail.  The
 * period's end is when it is worth another look; -1 if it never can be.
 */
static time_t
budget_when(const struct conf *conf, const struct policy_facts *f,
    char *why, size_t size)
{
	const struct conf_budget	*b;
	time_t				 until = f->now, end;
	uint64_t			 have, worst, used;

	TAILQ_FOREACH(b, &conf->budgets, entry) {
		if (b->kind > BUDGET_MONEY || b->period >= POLICY_PERIODS)
			continue;
		have = b->amount > b->keep ? b->amount - b->keep : 0;
		used = spent(b, f, &worst);
		if (used <= have && worst <= have - used)
			continue;
		if (worst > have) {
			snprintf(why, size, "budget: %s never cover the "
			    "worst case of a call", budget_text(b));
			return (-1);
		}
		end = span_period_end(b->period, f->now);
		if (end > until) {
			until = end;
			snprintf(why, size, "budget: %s used up",
			    budget_text(b));
		}
	}
	return (until);
}

static void
wait_until(struct policy_decision *d, time_t when, const char *why,
    const char *because)
{
	d->dial = 0;
	d->next = when == -1 ? 0 : when;
	if (because == NULL)
		strlcpy(d->why, why, sizeof(d->why));
	else
		snprintf(d->why, sizeof(d->why), "%.*s (%.*s)", 100, because,
		    100, why);
}

/* The hours are looked at again when the others let it go. */
static time_t
hours_when(const struct conf *conf, const struct policy_facts *f, time_t t)
{
	if (f->request != POLICY_REQUEST_NONE)
		return (t);
	return (hold_when(conf, t));
}

void
policy_decide(const struct conf *conf, const struct policy_facts *f,
    struct policy_decision *d)
{
	struct cause	 cause;
	char		 text[PROTO_TEXT_MAX];
	time_t		 when, hours;

	find_cause(conf, f, &cause);
	if (f->hold) {
		wait_until(d, -1, cause.why, "held by the operator");
		return;
	}
	if (cause.when == -1) {
		wait_until(d, -1, cause.why, NULL);
		return;
	}
	if ((when = budget_when(conf, f, text, sizeof(text))) != f->now) {
		if (when != -1 && when < cause.when)
			wait_until(d, cause.when, cause.why, NULL);
		else
			wait_until(d, when, cause.why, text);
		return;
	}
	when = redial_when(conf, f);
	if (when < cause.when)
		when = cause.when;
	hours = hours_when(conf, f, when);
	if (hours != when)
		wait_until(d, hours, cause.why, "hold hours");
	else if (when > cause.when)
		wait_until(d, when, cause.why, "pause before a redial");
	else if (when > f->now)
		wait_until(d, when, cause.why, NULL);
	else {
		d->dial = 1;
		d->next = f->now;
		strlcpy(d->why, cause.why, sizeof(d->why));
	}
}
