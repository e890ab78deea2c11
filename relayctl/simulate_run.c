/* See LICENSE for the terms. */
/* A configuration over a record of arrivals, and what came of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "replay.h"
#include "simulate.h"

/* After the last arrival: a week's rule comes in it, whatever the day. */
#define TAIL	(8 * 86400)

struct run {
	const struct conf		*conf;
	const struct simulate_input	*in;
	struct simulate_result		*r;
	struct replay_event		*events;
	uint64_t			*delays;	/* of each message */
	uint64_t			*sorted;
	int64_t				*when;
	int64_t				 end;
};

/* How the line is taken to be: as measured, as asked for, or as usual. */
static void
speed(void *arg, const char *name, struct ledger_speed *s)
{
	struct run			*run = arg;
	const struct simulate_model	*m = &run->in->model;
	struct conf_line		*cl = conf_line_find(run->conf, name);
	struct window_line		 line;
	struct estimate			 usual;

	memset(s, 0, sizeof(*s));
	if (m->speed.windows > 0 && strcmp(name, m->line) == 0)
		*s = m->speed;
	if ((!m->has_rate && !m->has_setup) || cl == NULL ||
	    lines_take(&line, run->conf, cl) == -1)
		return;
	estimate_call(&usual, &line, s, 0, 0);
	s->windows = 1;
	s->answer = usual.answer;
	s->setup = m->has_setup ? usual.answer + m->setup : usual.setup;
	s->rate_out = m->has_rate ? m->rate : usual.rate_out;
	s->rate_in = m->has_rate ? m->rate : usual.rate_in;
	s->out_bytes = UINT64_MAX;
}

static void
called(void *arg, const struct replay_call *call)
{
	struct run	*run = arg;

	run->r->calls++;
	run->r->seconds += call->seconds;
	run->r->cost += call->cost;
	if (call->ended > run->end)
		run->end = call->ended;
}

static void
sent(void *arg, size_t event, int64_t now)
{
	struct run	*run = arg;

	run->delays[event] = (uint64_t)(now - run->events[event].at);
}

static const struct replay_ops ops = {
	.speed = speed,
	.called = called,
	.sent = sent
};

static int
compare(const void *va, const void *vb)
{
	const uint64_t	*a = va, *b = vb;

	return (*a < *b ? -1 : *a > *b);
}

/* Of one class, or of all (-1). */
static void
delay(struct run *run, int class, struct simulate_delay *d)
{
	const struct trace	*t = &run->in->trace;
	size_t			 i, n = 0;

	for (i = 0; i < t->n; i++)
		if (class == -1 || t->arrivals[i].class == (uint32_t)class)
			run->sorted[n++] = run->delays[i];
	d->n = n;
	if (n == 0)
		return;
	qsort(run->sorted, n, sizeof(*run->sorted), compare);
	/* That which half of them, or 95 of 100, do not exceed. */
	d->median = run->sorted[(n - 1) / 2];
	d->p95 = run->sorted[(n * 95 + 99) / 100 - 1];
}

/* 1/3600 of 1/1000, rounded. */
static uint64_t
rounded(uint64_t n)
{
	return (n / 3600 + (n % 3600 >= 1800));
}

/* In the model of the theorem: calls that all cost the same. */
static int
balance(struct run *run)
{
	const struct trace	*t = &run->in->trace;
	struct simulate_result	*r = run->r;
	size_t			 i, n = 0;

	for (i = 0; i < t->n; i++) {
		if (t->arrivals[i].class == PROTO_BULK)
			continue;
		run->when[n++] = t->arrivals[i].time;
		r->waited += run->delays[i] != SIMULATE_NEVER ?
		    run->delays[i] : (uint64_t)(run->end -
		    t->arrivals[i].time);
	}
	if (r->calls == 0 || n == 0 || !run->in->has_price)
		return (0);
	r->call_cost = r->cost / r->calls;
	if (optimum(run->when, n, r->call_cost, run->in->price,
	    &r->best) == -1)
		return (errno == ERANGE ? 0 : -1);
	r->objective = rounded(optimum_cost(r->calls, r->waited,
	    r->call_cost, run->in->price));
	r->best_objective = rounded(optimum_cost(r->best.calls,
	    r->best.waited, r->call_cost, run->in->price));
	r->has_best = r->best_objective != 0;
	return (0);
}

static void
fill_events(struct run *run)
{
	const struct trace	*t = &run->in->trace;
	size_t			 i;

	for (i = 0; i < t->n; i++) {
		run->events[i].at = t->arrivals[i].time;
		run->events[i].kind = REPLAY_MESSAGE;
		run->events[i].class = t->arrivals[i].class;
		run->events[i].bytes = t->arrivals[i].bytes;
		run->events[i].deadline = t->arrivals[i].deadline;
		run->delays[i] = SIMULATE_NEVER;
	}
}

static int
play(struct run *run)
{
	const struct trace	*t = &run->in->trace;
	struct replay		 replay;
	size_t			 i;

	memset(&replay, 0, sizeof(replay));
	fill_events(run);
	replay.conf = run->conf;
	replay.events = run->events;
	replay.nevents = t->n;
	replay.start = t->arrivals[0].time;
	run->end = t->arrivals[t->n - 1].time;
	replay.end = run->end + TAIL;
	replay.empty = 1;
	replay.in_per_day = run->in->model.in_per_day;
	replay.ops = &ops;
	replay.arg = run;
	if (replay_run(&replay) == -1)
		return (-1);
	for (i = 0; i < t->n; i++)
		if (run->delays[i] == SIMULATE_NEVER)
			run->r->waiting++;
	delay(run, -1, &run->r->all);
	delay(run, PROTO_URGENT, &run->r->urgent);
	delay(run, PROTO_BULK, &run->r->bulk);
	return (balance(run));
}

int
simulate_run(struct simulate_result *r, const struct conf *conf,
    const struct simulate_input *in)
{
	struct run	 run;
	size_t		 n = in->trace.n;
	int		 status = -1;

	memset(r, 0, sizeof(*r));
	memset(&run, 0, sizeof(run));
	run.conf = conf;
	run.in = in;
	run.r = r;
	run.events = calloc(n, sizeof(*run.events));
	run.delays = calloc(n, sizeof(*run.delays));
	run.sorted = calloc(n, sizeof(*run.sorted));
	run.when = calloc(n, sizeof(*run.when));
	if (run.events != NULL && run.delays != NULL && run.sorted != NULL &&
	    run.when != NULL)
		status = play(&run);
	free(run.events);
	free(run.delays);
	free(run.sorted);
	free(run.when);
	return (status);
}
