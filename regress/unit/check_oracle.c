/* See LICENSE for the terms. */
/*
 * The oracle of the property test: see check_policy.h.  Whatever can be
 * bounded only (pauses with jitter) it judges twice: a call must not come
 * before the lower bound, and not after the upper one.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check_policy.h"

#define AT_RULES_MAX	8
#define AT_DAYS_MAX	64
#define SAMPLES		3
#define PAUSE_MAX	(4 * 3600)
#define GAP		10

struct letter {				/* of the same index as its event */
	int			 gone;
	int			 tried;		/* in the last good window */
};

struct made {				/* a call */
	int64_t			 began;
	time_t			 opened;
	uint64_t		 seconds;
	uint64_t		 cost;
};

struct clock_time {			/* of an `at` rule */
	const struct conf_rule	*rule;
	int64_t			 at[AT_DAYS_MAX];	/* monotonic */
	int			 n;
};

static struct {
	struct check		*c;
	struct letter		*letters;
	struct made		*calls;
	size_t			 ncalls;
	size_t			 series;	/* first call of it */
	uint32_t		 attempts;	/* failed, in a row */
	int64_t			 first;		/* began */
	int64_t			 last;		/* ended */
	int64_t			 good;		/* closed, monotonic */
	time_t			 good_up;
	uint64_t		 left;
	uint32_t		 left_windows;
	int64_t			 hold_since;	/* of the operator */
	struct clock_time	 clock[AT_RULES_MAX];
	int			 nclock;
	struct policy_facts	 f;		/* as last told */
} o;

/* --- time and days, without any of dialerd's code --- */

static int64_t
offset_at(int64_t t)
{
	int64_t	 offset = o.c->offset;
	size_t	 i;

	for (i = 0; i < o.c->nevents && o.c->events[i].at <= t; i++)
		if (o.c->events[i].kind == REPLAY_CLOCK)
			offset = o.c->events[i].offset;
	return (offset);
}

static int64_t
day_of(time_t w)
{
	struct tm	 tm;

	localtime_r(&w, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	return (timegm(&tm) / 86400);
}

static int
is_holiday(int64_t day)
{
	const struct conf_dayset	*set;
	const struct strnode		*n;
	struct tm			 tm;
	time_t				 t = (time_t)(day * 86400);
	char				 full[32], yearly[32];

	gmtime_r(&t, &tm);
	strftime(full, sizeof(full), "%Y-%m-%d", &tm);
	strftime(yearly, sizeof(yearly), "%m-%d", &tm);
	TAILQ_FOREACH(set, &o.c->conf->daysets, entry)
		TAILQ_FOREACH(n, &set->dates, entry)
			if (strcmp(n->s, full) == 0 ||
			    strcmp(n->s, yearly) == 0)
				return (1);
	return (0);
}

static int
day_fits(const struct conf_span *s, int64_t day)
{
	/* 1970-01-01 was a Thursday. */
	int	 weekday = (int)((day + 4) % 7);

	if ((s->days & (DAYS_HOLIDAY | DAYS_WORKDAY)) != 0 && is_holiday(day))
		return ((s->days & DAYS_HOLIDAY) != 0 ? 1 :
		    (s->days & DAYS_WORKDAY) != 0 ? 0 :
		    (int)(s->days >> weekday & 1));
	return ((int)(s->days >> weekday & 1));
}

static int
span_fits(const struct conf_span *s, time_t w)
{
	struct tm	 tm;
	int64_t		 day = day_of(w);
	uint32_t	 minute;
	int		 in;

	if (!s->set)
		return (1);
	localtime_r(&w, &tm);
	minute = (uint32_t)(tm.tm_hour * 60 + tm.tm_min);
	if (s->from < s->to)
		in = minute >= s->from && minute < s->to && day_fits(s, day);
	else
		in = (minute >= s->from && day_fits(s, day)) ||
		    (minute < s->to && day_fits(s, day - 1));
	return (in != (int)s->negate);
}

/* The same for two moments of one period. */
static int64_t
period_of(uint32_t period, time_t w)
{
	struct tm	 tm;

	if (period == BUDGET_DAY)
		return (day_of(w));
	if (period == BUDGET_WEEK)
		return ((day_of(w) + 3) / 7);
	localtime_r(&w, &tm);
	return (tm.tm_year * 12 + tm.tm_mon);
}

/* All clock times of the run, minute by minute. */
static void
find_clock_times(struct clock_time *ct, int64_t from, int64_t to)
{
	struct tm	 tm;
	int64_t		 day, today = -1;
	time_t		 w;
	int		 seen = 1;

	for (w = (time_t)(from / 60 * 60); w < to; w += 60) {
		localtime_r(&w, &tm);
		if ((day = day_of(w)) != today) {
			/* The first is not a whole day. */
			seen = today == -1;
			today = day;
		}
		if (seen || (uint64_t)(tm.tm_hour * 60 + tm.tm_min) <
		    ct->rule->value)
			continue;
		seen = 1;
		if (span_fits(&ct->rule->span, w) && ct->n < AT_DAYS_MAX)
			ct->at[ct->n++] = w - o.c->offset;
	}
}

void
oracle_begin(struct check *c)
{
	const struct conf_rule	*rule;

	memset(&o, 0, sizeof(o));
	o.c = c;
	o.good = c->start;
	o.hold_since = -1;
	o.letters = calloc(c->nevents + 1, sizeof(*o.letters));
	o.calls = calloc(CHECK_CALLS_MAX, sizeof(*o.calls));
	if (o.letters == NULL || o.calls == NULL)
		err(2, NULL);
	if (c->clock_set)
		return;
	TAILQ_FOREACH(rule, &c->conf->rules, entry)
		if (rule->condition == DIAL_AT && o.nclock < AT_RULES_MAX) {
			o.clock[o.nclock].rule = rule;
			find_clock_times(&o.clock[o.nclock++],
			    c->start + c->offset - 2 * 86400,
			    c->end + c->offset + 86400);
		}
}

void
oracle_end(struct check *c)
{
	(void)c;
	free(o.letters);
	free(o.calls);
}

/* --- how it stands at a moment --- */

struct view {
	int64_t		 t;		/* monotonic */
	time_t		 w;
	int		 upper;		/* of what is bounded */
	int		 paused;	/* mail that was tried does not count */
	uint64_t	 n, fresh;
	uint64_t	 bytes, fresh_bytes;
	uint64_t	 urgent, fresh_urgent;
	uint64_t	 received;
	int64_t		 oldest, fresh_oldest;
	int64_t		 deadline;
	int		 deadline_fresh;
};

static uint64_t
pause_bound(uint64_t first, uint32_t step, int upper)
{
	uint64_t	 max = first > PAUSE_MAX ? first : PAUSE_MAX;
	uint64_t	 pause = first;

	while (step-- > 0 && pause < max)
		pause *= 2;
	if (pause > max)
		pause = max;
	return (upper ? pause + pause / 8 : pause);
}

static int
counts(const struct replay_event *e, int64_t stamp, time_t w)
{
	const struct conf_global	*g = &o.c->conf->global;

	if (e->class == PROTO_URGENT)
		return (1);
	if (e->class == PROTO_NORMAL &&
	    (g->bulk_larger == 0 || e->bytes <= g->bulk_larger))
		return (1);
	return (g->bulk_after != 0 && stamp + (int64_t)g->bulk_after <= w);
}

static void
view_add(struct view *v, const struct replay_event *e, int64_t stamp,
    int fresh)
{
	v->n++;
	v->bytes += e->bytes;
	v->received += (uint64_t)stamp;
	v->urgent += e->class == PROTO_URGENT;
	if (v->oldest == 0 || stamp < v->oldest)
		v->oldest = stamp;
	if (e->deadline != 0 && (v->deadline == 0 || e->deadline <= v->deadline)) {
		v->deadline_fresh = fresh &&
		    (e->deadline < v->deadline || v->deadline == 0 ||
		    v->deadline_fresh);
		v->deadline = e->deadline;
	}
	if (!fresh)
		return;
	v->fresh++;
	v->fresh_bytes += e->bytes;
	v->fresh_urgent += e->class == PROTO_URGENT;
	if (v->fresh_oldest == 0 || stamp < v->fresh_oldest)
		v->fresh_oldest = stamp;
}

static void
view_take(struct view *v, int64_t t, int upper)
{
	const struct replay_event	*e;
	int64_t				 offset = o.c->offset;
	size_t				 i;

	memset(v, 0, sizeof(*v));
	v->t = t;
	v->upper = upper;
	v->w = (time_t)(t + offset_at(t));
	v->paused = o.left > 0 && (uint64_t)(t - o.good) <
	    pause_bound(o.c->conf->global.redial_then, o.left_windows - 1,
	    upper);
	for (i = 0; i < o.c->nevents && o.c->events[i].at <= t; i++) {
		e = &o.c->events[i];
		if (e->kind == REPLAY_CLOCK)
			offset = e->offset;
		if (e->kind != REPLAY_MESSAGE || o.letters[i].gone ||
		    !counts(e, e->at + offset, v->w))
			continue;
		view_add(v, e, e->at + offset, !o.letters[i].tried);
	}
}

static int
enough(const struct view *v, uint64_t all, uint64_t fresh, uint64_t want)
{
	if (want == 0)
		want = 1;
	return (fresh >= want || (!v->paused && all >= want));
}

static int
old_enough(const struct view *v, uint64_t want)
{
	if (v->n == 0)
		return (0);
	if (!v->paused)
		return (v->w - v->oldest >= (int64_t)want ||
		    (o.c->clock_set && !v->upper));
	return (v->fresh > 0 && (v->w - v->fresh_oldest >= (int64_t)want ||
	    (o.c->clock_set && !v->upper)));
}

static int
balanced(const struct view *v, uint64_t price)
{
	uint64_t	 all = v->n * (uint64_t)v->w;

	if (v->n == 0 || (v->paused && v->fresh == 0))
		return (0);
	return (all >= v->received && (all - v->received) * price >=
	    o.f.send_cost * 3600);
}

static int
clock_due(const struct view *v, const struct conf_rule *rule)
{
	int	 i, k;

	if (o.c->clock_set)
		return (!v->upper);
	for (i = 0; i < o.nclock; i++) {
		if (o.clock[i].rule != rule)
			continue;
		for (k = 0; k < o.clock[i].n; k++)
			if (o.clock[i].at[k] <= v->t &&
			    v->t - o.clock[i].at[k] <= 3600 - 60 * v->upper &&
			    (o.good_up == 0 ? o.clock[i].at[k] >= o.c->start :
			    o.clock[i].at[k] + o.c->offset > o.good_up))
				return (1);
	}
	return (0);
}

static int
condition_met(const struct view *v, const struct conf_rule *rule)
{
	switch (rule->condition) {
	case DIAL_MESSAGES:
		return (enough(v, v->n, v->fresh, rule->value));
	case DIAL_SIZE:
		return (enough(v, v->bytes, v->fresh_bytes, rule->value));
	case DIAL_AGE:
		return (old_enough(v, rule->value));
	case DIAL_SECONDS:
	case DIAL_COST:
		/* What part of it is fresh is an estimate itself. */
		if (v->n == 0 || (v->paused && (v->upper || v->fresh == 0)))
			return (0);
		return ((rule->condition == DIAL_SECONDS ? o.f.send_seconds :
		    o.f.send_cost) >= rule->value);
	case DIAL_URGENT:
		return (enough(v, v->urgent, v->fresh_urgent, 1));
	case DIAL_DEADLINE:
		return (v->deadline != 0 && v->deadline - v->w <=
		    (int64_t)rule->value && (!v->paused || v->deadline_fresh));
	case DIAL_EVERY:
		return ((uint64_t)(v->t - o.good) >= rule->value);
	case DIAL_AT:
		return (clock_due(v, rule));
	case DIAL_BALANCE:
		return (balanced(v, rule->value));
	}
	return (0);
}

/* --- what forbids a call --- */

static int
in_hold_hours(time_t w)
{
	const struct conf_hold	*hold;

	TAILQ_FOREACH(hold, &o.c->conf->holds, entry)
		if (hold->span.set && span_fits(&hold->span, w))
			return (1);
	return (0);
}

static void
spent(const struct conf_budget *b, time_t w, struct policy_sum *sum)
{
	size_t	 i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < o.ncalls; i++) {
		if (period_of(b->period, o.calls[i].opened) !=
		    period_of(b->period, w))
			continue;
		sum->calls++;
		sum->seconds += o.calls[i].seconds;
		sum->cost += o.calls[i].cost;
	}
}

/* 1 if any budget forbids a call of this worst case; where the clock was set
 * a period may come twice, and nothing is known. */
static int
over_budget(time_t w, int urgent, uint64_t seconds, uint64_t cost,
    int unknown)
{
	const struct conf_budget	*b;
	struct policy_sum		 sum;
	uint64_t			 want;

	TAILQ_FOREACH(b, &o.c->conf->budgets, entry) {
		if (o.c->clock_set)
			return (unknown);
		spent(b, w, &sum);
		want = b->kind == BUDGET_CALLS ? sum.calls + 1 :
		    b->kind == BUDGET_SECONDS ? sum.seconds + seconds :
		    sum.cost + cost;
		if (!urgent)
			want += b->keep;
		if (want > b->amount)
			return (1);
	}
	return (0);
}

static uint64_t
redial_bound(int upper)
{
	const struct conf_global	*g = &o.c->conf->global;
	uint64_t			 pause;

	pause = pause_bound(g->redial_then, o.attempts > g->redial + 1 ?
	    o.attempts - g->redial - 1 : 0, upper);
	return (pause > g->redial_within ? pause : g->redial_within);
}

static int
redial_forbids(int64_t t, int upper)
{
	const struct conf_global	*g = &o.c->conf->global;
	uint64_t			 age = (uint64_t)(t - o.last);

	if (o.attempts == 0)
		return (0);
	if (g->breaker != 0 && o.attempts >= g->breaker &&
	    age < g->breaker_pause)
		return (1);
	if (age >= redial_bound(upper))
		return (0);
	return (o.attempts > g->redial || age < GAP ||
	    (uint64_t)(t - o.first) >= g->redial_within);
}

static int
operator_holds(int64_t t)
{
	size_t	 i;
	int	 held = 0;

	for (i = 0; i < o.c->nevents && o.c->events[i].at <= t; i++) {
		if (o.c->events[i].kind == REPLAY_HOLD)
			held = 1;
		if (o.c->events[i].kind == REPLAY_RELEASE)
			held = 0;
	}
	return (held);
}

/* The condition that is met at t though there is no call; NULL: none. */
static const struct conf_rule *
unserved(int64_t t)
{
	const struct conf_rule	*rule;
	struct view		 v;
	int			 urgent;

	view_take(&v, t, 1);
	if (operator_holds(t) || redial_forbids(t, 1) || in_hold_hours(v.w))
		return (NULL);
	TAILQ_FOREACH(rule, &o.c->conf->rules, entry) {
		if (!condition_met(&v, rule) || (rule->condition != DIAL_AT &&
		    !span_fits(&rule->span, v.w)))
			continue;
		urgent = rule->condition == DIAL_URGENT ||
		    rule->condition == DIAL_DEADLINE;
		if (!over_budget(v.w, urgent, o.f.worst_seconds,
		    o.f.worst_cost, 1))
			return (rule);
	}
	return (NULL);
}

static void
oracle_waits(void *arg, int64_t now, int64_t then,
    const struct policy_facts *f, const struct policy_decision *d)
{
	const struct conf_rule	*rule;
	int64_t			 t;
	int			 i;

	(void)arg;
	o.f = *f;
	for (i = 0; i < SAMPLES; i++) {
		t = i == 0 ? now : i == 1 ? then - 1 :
		    now + check_number(o.c, (uint32_t)(then - now));
		if ((rule = unserved(t)) != NULL) {
			check_violation(o.c, t, "condition %u of value %llu "
			    "is not served: \"%s\", next %lld, left %llu",
			    rule->condition, (unsigned long long)rule->value,
			    d->why, (long long)(d->next - f->now),
			    (unsigned long long)o.left);
			return;
		}
	}
}

/* --- calls --- */

static void
check_cause(const struct replay_call *call, int requested)
{
	const struct conf_rule	*rule;
	struct view		 v;

	view_take(&v, call->began, 0);
	if (operator_holds(call->began))
		check_violation(o.c, call->began, "a call while held");
	if (over_budget(v.w, call->urgent, call->worst_seconds,
	    call->worst_cost, 0))
		check_violation(o.c, call->began, "a call over budget");
	if (call->requested)
		return;
	if (redial_forbids(call->began, 0))
		check_violation(o.c, call->began, "a redial too soon: %u "
		    "attempts, %lld s", o.attempts,
		    (long long)(call->began - o.last));
	if (requested)
		return;
	if (in_hold_hours(v.w))
		check_violation(o.c, call->began, "a call in hold hours");
	/* What it would cost may have changed with the hour. */
	o.f.send_seconds = o.f.send_cost = UINT64_MAX / 7200;
	TAILQ_FOREACH(rule, &o.c->conf->rules, entry) {
		if (call->urgent && rule->condition != DIAL_URGENT &&
		    rule->condition != DIAL_DEADLINE)
			continue;
		if (rule->condition == DIAL_BALANCE && v.n > 0 &&
		    span_fits(&rule->span, v.w))
			return;
		if (condition_met(&v, rule) && (rule->condition == DIAL_AT ||
		    span_fits(&rule->span, v.w)))
			return;
	}
	check_violation(o.c, call->began, "a call without a cause: \"%s\"",
	    call->why);
}

/* L5: in any such time, counted from any first attempt. */
static void
check_redials(int64_t began)
{
	const struct conf_global	*g = &o.c->conf->global;
	size_t				 i, n = 0;

	for (i = o.series; i < o.ncalls; i++)
		if (began - o.calls[i].began < (int64_t)g->redial_within)
			n++;
	if (n > g->redial + 1)
		check_violation(o.c, began, "%zu calls within %llu s", n,
		    (unsigned long long)g->redial_within);
}

static void
check_totals(time_t opened)
{
	const struct conf_budget	*b;
	struct policy_sum		 sum;
	uint64_t			 have;

	if (o.c->clock_set)
		return;
	TAILQ_FOREACH(b, &o.c->conf->budgets, entry) {
		spent(b, opened, &sum);
		have = b->kind == BUDGET_CALLS ? sum.calls :
		    b->kind == BUDGET_SECONDS ? sum.seconds : sum.cost;
		if (have > b->amount)
			check_violation(o.c, opened - o.c->offset,
			    "budget of kind %u: %llu of %llu spent", b->kind,
			    (unsigned long long)have,
			    (unsigned long long)b->amount);
	}
}

static void
oracle_outcome(void *arg, const struct replay_call *call,
    struct replay_outcome *outcome)
{
	int	 requested = strncmp(call->why, "request", 7) == 0;

	(void)arg;
	check_cause(call, requested);
	if (call->requested) {
		o.series = o.ncalls;
		o.attempts = 0;
	}
	if (check_chance(o.c, o.c->failing)) {
		outcome->failed = 1;
		outcome->lasted = 1 + check_number(o.c, 130);
		outcome->billed = check_number(o.c, 60);
	}
}

static int
oracle_refused(void *arg, size_t event)
{
	(void)arg;
	(void)event;
	return (check_chance(o.c, o.c->refusing));
}

static void
oracle_sent(void *arg, size_t event, int64_t now)
{
	(void)arg;
	if (o.letters[event].gone || o.c->events[event].at > now)
		check_violation(o.c, now, "message %zu sent again, or too "
		    "soon", event);
	o.letters[event].gone = 1;
}

static void
leave_behind(const struct replay_call *call)
{
	const struct replay_event	*e;
	int64_t				 offset = o.c->offset, w;
	size_t				 i;

	w = call->ended + offset_at(call->ended);
	o.left = 0;
	for (i = 0; i < o.c->nevents && o.c->events[i].at <= call->ended;
	    i++) {
		e = &o.c->events[i];
		if (e->kind == REPLAY_CLOCK)
			offset = e->offset;
		if (e->kind != REPLAY_MESSAGE || o.letters[i].gone ||
		    !counts(e, e->at + offset, (time_t)w))
			continue;
		o.letters[i].tried = 1;
		o.left++;
	}
	o.left_windows = o.left == 0 ? 0 : o.left_windows + 1;
	if (o.left != call->left)
		check_violation(o.c, call->ended, "%llu left, not %llu",
		    (unsigned long long)call->left,
		    (unsigned long long)o.left);
}

static void
oracle_called(void *arg, const struct replay_call *call)
{
	(void)arg;
	if (o.ncalls == CHECK_CALLS_MAX)
		errx(2, "seed %u: too many calls", o.c->seed);
	o.calls[o.ncalls].began = call->began;
	o.calls[o.ncalls].opened = call->opened;
	o.calls[o.ncalls].seconds = call->seconds;
	o.calls[o.ncalls++].cost = call->cost;
	if (call->seconds > call->worst_seconds)
		check_violation(o.c, call->began, "%llu s, not at most %llu",
		    (unsigned long long)call->seconds,
		    (unsigned long long)call->worst_seconds);
	check_totals(call->opened);
	if (call->failed) {
		check_redials(call->began);
		if (o.attempts++ == 0)
			o.first = call->began;
		o.last = call->ended;
		return;
	}
	o.attempts = 0;
	o.series = o.ncalls;
	o.good = call->ended;
	o.good_up = (time_t)(call->up + offset_at(call->ended));
	leave_behind(call);
}

const struct replay_ops oracle_ops = {
	.outcome = oracle_outcome,
	.refused = oracle_refused,
	.waits = oracle_waits,
	.called = oracle_called,
	.sent = oracle_sent
};
