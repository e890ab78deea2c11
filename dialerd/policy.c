/* See LICENSE for the terms. */
/*
 * When to dial.  Each condition says when it is met, and the restraints put
 * that off; what comes first of all is the reason.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "policy.h"
#include "policy_text.h"
#include "span.h"

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
when_old(time_t now, time_t then, uint64_t value)
{
	return (age(now, then) >= value ? now :
	    later(now, value - age(now, then)));
}

static time_t
when_age(const struct conf_rule *rule, const struct policy_facts *f,
    time_t until)
{
	time_t	 when, fresh;

	if (f->messages == 0 || f->oldest == 0)
		return (-1);
	when = when_old(f->now, f->oldest, rule->value);
	if (f->left == 0 || f->oldest > f->good_up || when >= until)
		return (when);
	/* Only what was there in the last window has to wait for more. */
	if (f->fresh != 0 && f->messages > f->left) {
		fresh = when_old(f->now, f->fresh, rule->value);
		if (fresh < until)
			return (fresh > when ? fresh : when);
	}
	return (until);
}

/* Of a share of the queue, what the last window left is not fresh. */
static uint64_t
left_share(uint64_t have, const struct policy_facts *f)
{
	uint64_t	 permille;

	if (f->left == 0 || f->bytes == 0)
		return (0);
	permille = f->left_bytes >= f->bytes ? 1000 :
	    f->left_bytes / (f->bytes / 1000 + 1);
	return (have / 1000 * permille + have % 1000 * permille / 1000);
}

static time_t
when_deadline(const struct conf_rule *rule, const struct policy_facts *f,
    time_t until)
{
	time_t	 when;

	if (f->messages == 0 || f->deadline == 0)
		return (-1);
	when = f->now;
	if (f->deadline > f->now &&
	    (uint64_t)(f->deadline - f->now) > rule->value)
		when = f->deadline - (time_t)rule->value;
	/* The last window had this one and did not get rid of it. */
	if (f->left > 0 && f->left_deadline == f->deadline && when < until)
		when = until;
	return (when);
}

/*
 * When waiting will have cost as much as the call would: value/1000 for each
 * message and hour.
 */
static time_t
when_balance(const struct conf_rule *rule, const struct policy_facts *f,
    time_t until)
{
	uint64_t	 waited, per_second, now = (uint64_t)f->now, want;
	time_t		 when;

	if (f->messages == 0 || rule->value == 0 || f->now < 0)
		return (-1);
	/* In 1/1000 of 1/3600; neither is near to what does not fit. */
	if (rule->value > UINT64_MAX / 3600 / (f->messages + 1) ||
	    f->messages > UINT64_MAX / (now + 1) ||
	    f->send_cost > UINT64_MAX / 3600)
		return (f->now);
	waited = f->messages * now > f->received_sum ?
	    f->messages * now - f->received_sum : 0;
	per_second = rule->value * f->messages;
	want = f->send_cost * 3600;
	if (waited > UINT64_MAX / rule->value || waited * rule->value >= want)
		when = f->now;
	else
		when = later(f->now, (want - waited * rule->value +
		    per_second - 1) / per_second);
	if (f->messages <= f->left && when < until)
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
	/* The clock was set since, or such a window is not possible.  One that
	 * was put back by a little has had what comes for a second time. */
	if ((f->good_up > f->now &&
	    f->good_up > later(closed, POLICY_AT_LATE)) ||
	    later(f->good_up, f->worst_seconds) < closed)
		return (closed);
	return (f->good_up);
}

static time_t
when_at(const struct calendar *c, const struct conf_rule *rule,
    const struct policy_facts *f)
{
	time_t	 at;

	at = span_at_last(c, &rule->span, (uint32_t)rule->value, f->now,
	    POLICY_AT_LATE);
	if (at != -1 && at > served_until(f))
		return (f->now);
	return (span_at_next(c, &rule->span, (uint32_t)rule->value, f->now));
}

/* When the condition is met, -1 if that is not in sight. */
static time_t
rule_when(const struct calendar *c, const struct conf_rule *rule,
    const struct policy_facts *f, time_t until)
{
	time_t	 when = -1;

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
	case DIAL_SECONDS:
		if (f->messages > 0)
			when = when_amount(f->send_seconds,
			    left_share(f->send_seconds, f), rule->value,
			    until, f->now);
		break;
	case DIAL_COST:
		if (f->messages > 0)
			when = when_amount(f->send_cost,
			    left_share(f->send_cost, f), rule->value, until,
			    f->now);
		break;
	case DIAL_URGENT:
		when = when_amount(f->urgent, f->left_urgent, 1, until,
		    f->now);
		break;
	case DIAL_DEADLINE:
		when = when_deadline(rule, f, until);
		break;
	case DIAL_EVERY:
		when = when_every(rule, f);
		break;
	case DIAL_AT:
		return (when_at(c, rule, f));
	case DIAL_BALANCE:
		when = when_balance(rule, f, until);
		break;
	}
	return (when == -1 ? -1 : span_next(c, &rule->span, when));
}

static int
rule_is_urgent(const struct conf_rule *rule)
{
	return (rule->condition == DIAL_URGENT ||
	    rule->condition == DIAL_DEADLINE);
}

/*
 * L5: `redial` redials within redial_within seconds of the first attempt,
 * then pauses, none so short that any redial_within seconds hold more.
 */
static time_t
redial_when(const struct conf *conf, const struct policy_facts *f,
    enum policy_request request, const char **why)
{
	const struct conf_global	*g = &conf->global;
	uint64_t			 pause;

	*why = "pause before a redial";

	if (f->attempts == 0 || request == POLICY_REQUEST_NEW)
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
	if (g->breaker != 0 && f->attempts >= g->breaker &&
	    pause < g->breaker_pause) {
		pause = g->breaker_pause;
		*why = "breaker: too many calls failed in a row";
	}
	if (f->last_age >= pause)
		return (f->now);
	return (later(f->now, pause - f->last_age));
}

/* The end of all `hold between` spans that cover t, one after the other. */
static time_t
hold_when(const struct calendar *c, const struct conf *conf, time_t t)
{
	const struct conf_hold	*hold;
	struct conf_span	 free;
	int			 moved, turns = 0;

	do {
		moved = 0;
		TAILQ_FOREACH(hold, &conf->holds, entry) {
			if (!hold->span.set ||
			    !span_contains(c, &hold->span, t))
				continue;
			free = hold->span;
			free.negate = !free.negate;
			if ((t = span_next(c, &free, t)) == -1)
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

/* What the budget has for such mail. */
static uint64_t
budget_have(const struct conf_budget *b, int urgent)
{
	if (urgent)
		return (b->amount);
	return (b->amount > b->keep ? b->amount - b->keep : 0);
}

static int
budget_known(const struct conf_budget *b)
{
	return (b->kind <= BUDGET_MONEY && b->period < POLICY_PERIODS);
}

/*
 * L3: what was spent in the period and the worst case of this call must not
 * be more than the budget, less what of it is kept for urgent mail.  The
 * period's end is when it is worth another look; -1 if it never can be.
 */
static time_t
budget_one(const struct conf_budget *b, const struct policy_facts *f,
    int urgent)
{
	uint64_t	 have = budget_have(b, urgent), worst, used;

	if (!budget_known(b))
		return (f->now);
	used = spent(b, f, &worst);
	if (used <= have && worst <= have - used)
		return (f->now);
	return (worst > have ? -1 : span_period_end(b->period, f->now));
}

static time_t
budget_when(const struct conf *conf, const struct policy_facts *f, int urgent,
    char *why, size_t size)
{
	const struct conf_budget	*b;
	time_t				 until = f->now, end;
	char				 text[PROTO_TEXT_MAX];

	TAILQ_FOREACH(b, &conf->budgets, entry) {
		if ((end = budget_one(b, f, urgent)) == f->now)
			continue;
		policy_budget_text(b, text, sizeof(text));
		if (end == -1) {
			snprintf(why, size, "budget: %.100s never covers the "
			    "worst case of a call", text);
			return (-1);
		}
		if (end > until) {
			until = end;
			snprintf(why, size, "budget: %.100s is used up", text);
		}
	}
	return (until);
}

void
policy_room(const struct conf *conf, const struct policy_facts *f, int urgent,
    uint64_t *seconds, uint64_t *cost)
{
	const struct conf_budget	*b;
	uint64_t			 have, used, worst, *room;

	*seconds = *cost = UINT64_MAX;
	TAILQ_FOREACH(b, &conf->budgets, entry) {
		if (!budget_known(b) || b->kind == BUDGET_CALLS)
			continue;
		room = b->kind == BUDGET_SECONDS ? seconds : cost;
		have = budget_have(b, urgent);
		used = spent(b, f, &worst);
		if ((used >= have ? 0 : have - used) < *room)
			*room = used >= have ? 0 : have - used;
	}
}

/* What a condition comes to when the restraints have had their say. */
struct outcome {
	time_t		 when;		/* -1: not in sight */
	int		 urgent;
	enum policy_request request;	/* NONE: it is of a condition */
	char		 cause[PROTO_TEXT_MAX];
	char		 because[PROTO_TEXT_MAX];	/* "": nothing more */
};

struct scene {				/* of one decision */
	const struct conf		*conf;
	const struct policy_facts	*f;
	struct calendar			 calendar;
};

static void
scene_set(struct scene *s, const struct conf *conf,
    const struct policy_facts *f)
{
	s->conf = conf;
	s->f = f;
	/* The parser has looked at them; else no day is a holiday. */
	if (calendar_take(&s->calendar, conf) == -1)
		s->calendar.n = 0;
}

static void
put_off(struct outcome *o, time_t when, const char *because)
{
	o->when = when;
	strlcpy(o->because, because, sizeof(o->because));
}

/* The restraints, one after the other, for a condition that is met at when. */
static void
restrain(const struct scene *s, struct outcome *o)
{
	const struct policy_facts	*f = s->f;
	const char			*why;
	char				 text[PROTO_TEXT_MAX];
	time_t				 when;

	if (f->hold) {
		put_off(o, -1, "held by the operator");
		return;
	}
	when = budget_when(s->conf, f, o->urgent, text, sizeof(text));
	if (when == -1 || when > o->when)
		put_off(o, when, text);
	if (o->when == -1)
		return;
	if ((when = redial_when(s->conf, f, o->request, &why)) > o->when)
		put_off(o, when, why);
	/* The operator knows what time it is; a program does not. */
	if (o->request != POLICY_REQUEST_NONE && f->request_text == NULL)
		return;
	if ((when = hold_when(&s->calendar, s->conf, o->when)) != o->when)
		put_off(o, when, "hold hours");
}

/* 1 if a comes before b; one that is not in sight comes last. */
static int
sooner(const struct outcome *a, const struct outcome *b)
{
	if (a->when == -1 || b->when == -1)
		return (a->when != -1);
	return (a->when < b->when);
}

static void
requested(const struct scene *s, struct outcome *o)
{
	memset(o, 0, sizeof(*o));
	o->when = s->f->now;
	o->request = s->f->request;
	/* The ledger knows a new series by the first of these. */
	strlcpy(o->cause, s->f->request_text != NULL ?
	    s->f->request_text : s->f->request == POLICY_REQUEST_NEW ?
	    "request" : "request again", sizeof(o->cause));
	restrain(s, o);
}

/* The first condition that may have its call. */
static void
choose(const struct scene *s, struct outcome *best)
{
	const struct conf_rule	*rule;
	struct outcome		 o;
	time_t			 until = left_until(s->conf, s->f);
	int			 any = 0;

	memset(best, 0, sizeof(*best));
	best->when = -1;
	strlcpy(best->cause, s->f->hold ? "held by the operator" :
	    "no condition in sight", sizeof(best->cause));
	TAILQ_FOREACH(rule, &s->conf->rules, entry) {
		memset(&o, 0, sizeof(o));
		o.when = rule_when(&s->calendar, rule, s->f, until);
		if (o.when == -1)
			continue;
		o.urgent = rule_is_urgent(rule);
		policy_rule_text(rule, o.cause, sizeof(o.cause));
		restrain(s, &o);
		if (!any || sooner(&o, best))
			*best = o;
		any = 1;
	}
}

void
policy_decide(const struct conf *conf, const struct policy_facts *f,
    struct policy_decision *d)
{
	struct outcome	 best, request;
	struct scene	 s;

	scene_set(&s, conf, f);
	choose(&s, &best);
	if (f->request != POLICY_REQUEST_NONE) {
		requested(&s, &request);
		if (!sooner(&best, &request))
			best = request;
	}
	d->dial = best.when != -1 && best.when <= f->now;
	d->urgent = best.urgent;
	d->next = best.when == -1 ? 0 : d->dial ? f->now : best.when;
	if (d->dial || best.because[0] == '\0')
		strlcpy(d->why, best.cause, sizeof(d->why));
	else
		snprintf(d->why, sizeof(d->why), "%.120s (%.120s)",
		    best.because, best.cause);
}

/* --- how all of them stand --- */

struct telling {
	void	(*tell)(void *, const struct ctl_rule *);
	void	 *arg;
};

static void
tell(const struct telling *t, struct ctl_rule *r, time_t when, int met)
{
	r->when = when == -1 ? 0 : when;
	r->met = met != 0;
	t->tell(t->arg, r);
}

static void
tell_conditions(const struct scene *s, const struct telling *t)
{
	const struct conf_rule	*rule;
	struct ctl_rule		 r;
	time_t			 until = left_until(s->conf, s->f), when;
	char			 text[PROTO_TEXT_MAX];

	TAILQ_FOREACH(rule, &s->conf->rules, entry) {
		memset(&r, 0, sizeof(r));
		r.kind = CTL_RULE_CONDITION;
		r.line = rule->line;
		policy_rule_text(rule, text, sizeof(text));
		snprintf(r.rule, sizeof(r.rule), "%s %.240s",
		    rule->condition == DIAL_EVERY ||
		    rule->condition == DIAL_AT ? "dial" : "dial when", text);
		policy_rule_state(rule, s->f, r.text, sizeof(r.text));
		when = rule_when(&s->calendar, rule, s->f, until);
		tell(t, &r, when, when != -1 && when <= s->f->now);
	}
}

static void
tell_holds(const struct scene *s, const struct telling *t)
{
	const struct conf_hold	*hold;
	struct conf_span	 change;
	struct ctl_rule		 r;
	int			 met;

	TAILQ_FOREACH(hold, &s->conf->holds, entry) {
		memset(&r, 0, sizeof(r));
		r.kind = CTL_RULE_RESTRAINT;
		r.line = hold->line;
		policy_span_text("hold", &hold->span, r.rule, sizeof(r.rule));
		met = span_contains(&s->calendar, &hold->span, s->f->now);
		change = hold->span;
		if (met)
			change.negate = !change.negate;
		strlcpy(r.text, met ? "no call in these hours" :
		    "not these hours", sizeof(r.text));
		tell(t, &r, span_next(&s->calendar, &change, s->f->now), met);
	}
}

static void
tell_budgets(const struct scene *s, const struct telling *t)
{
	const struct conf_budget	*b;
	struct ctl_rule			 r;
	time_t				 when;
	char			 text[PROTO_TEXT_MAX];

	TAILQ_FOREACH(b, &s->conf->budgets, entry) {
		if (!budget_known(b))
			continue;
		memset(&r, 0, sizeof(r));
		r.kind = CTL_RULE_RESTRAINT;
		r.line = b->line;
		policy_budget_text(b, text, sizeof(text));
		snprintf(r.rule, sizeof(r.rule), "budget %.240s", text);
		policy_budget_state(b, s->f, r.text, sizeof(r.text));
		/* When it will be used up nobody knows. */
		when = budget_one(b, s->f, 0);
		tell(t, &r, when == s->f->now ? -1 : when, when != s->f->now);
	}
}

static void
tell_redial(const struct scene *s, const struct telling *t)
{
	struct ctl_rule	 r;
	const char	*why;
	time_t		 when;

	memset(&r, 0, sizeof(r));
	r.kind = CTL_RULE_RESTRAINT;
	policy_redial_text(&s->conf->global, r.rule, sizeof(r.rule));
	when = redial_when(s->conf, s->f, s->f->request, &why);
	if (s->f->attempts == 0)
		strlcpy(r.text, "the last call did not fail", sizeof(r.text));
	else
		snprintf(r.text, sizeof(r.text),
		    "%u failed call%s in a row%s%s", s->f->attempts,
		    s->f->attempts == 1 ? "" : "s",
		    when > s->f->now ? ": " : "",
		    when > s->f->now ? why : "");
	tell(t, &r, when > s->f->now ? when : -1, when > s->f->now);
	if (!s->f->hold)
		return;
	memset(&r, 0, sizeof(r));
	r.kind = CTL_RULE_RESTRAINT;
	strlcpy(r.rule, "relayctl hold", sizeof(r.rule));
	strlcpy(r.text, "no call until relayctl release", sizeof(r.text));
	tell(t, &r, -1, 1);
}

void
policy_rules(const struct conf *conf, const struct policy_facts *f,
    void (*callback)(void *, const struct ctl_rule *), void *arg)
{
	const struct telling	 t = { callback, arg };
	struct scene		 s;

	scene_set(&s, conf, f);
	tell_conditions(&s, &t);
	tell_holds(&s, &t);
	tell_budgets(&s, &t);
	tell_redial(&s, &t);
}
