/* See LICENSE for the terms. */
/*
 * The policy in virtual time: see replay.h.  What dialerd.c does with facts
 * and decisions is done here with those of a model.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "estimate.h"
#include "lines.h"
#include "replay.h"
#include "span.h"
#include "stay.h"

/* However far the next call is: what it would cost changes with the hour. */
#define LOOK_MAX	1800

enum rank { URGENT, NORMAL, BULK };

struct message {
	size_t			 event;
	int64_t			 stamp;		/* wall clock when it came */
	int64_t			 seen;		/* monotonic */
	uint64_t		 bytes;
	int64_t			 deadline;
	enum rank		 rank;
	uint64_t		 refused;	/* in that call */
	int			 tried;		/* left behind by a window */
	int			 gone;
};

struct line {
	const struct conf_line	*conf;
	struct ledger_speed	 speed;
	struct window_line	 line;
	struct estimate		 estimate;
};

struct spent {
	time_t			 opened;
	uint64_t		 seconds;
	uint64_t		 cost;
};

struct period {
	time_t			 start;
	time_t			 end;
	struct policy_sum	 sum;
};

struct play {
	const struct replay	*r;
	const struct replay_ops	*ops;
	struct policy_facts	 f;	/* the queue, and what went before */
	int64_t			 now;
	int64_t			 offset;
	size_t			 next;		/* event */
	uint64_t		 calls;
	int64_t			 good;		/* monotonic: last good one */
	int64_t			 first;		/* failed attempt, */
	int64_t			 last;
	int64_t			 fetched;	/* all that came until then */
	int			 in_call;
	uint32_t		 seed;

	struct message		*queue;
	size_t			 n;
	size_t			 max;
	int64_t			 bulk_until;	/* some is that no more */

	struct line		*lines;
	struct lines_candidate	*candidates;
	size_t			 nlines;

	struct spent		*spent;
	size_t			 nspent;
	size_t			 maxspent;
	struct period		 periods[POLICY_PERIODS];
};

static time_t
wall(const struct play *p)
{
	return ((time_t)(p->now + p->offset));
}

static uint32_t
chance(struct play *p)
{
	p->seed = p->seed * 1664525 + 1013904223;
	return (p->seed >> 8);
}

/* Room for one more.  0, or -1 with ENOMEM. */
static int
grow(void **array, size_t n, size_t *max, size_t size)
{
	size_t	 want = *max == 0 ? 64 : *max * 2;
	void	*new;

	if (n < *max)
		return (0);
	if ((new = reallocarray(*array, want, size)) == NULL)
		return (-1);
	*array = new;
	*max = want;
	return (0);
}

/* --- the queue --- */

static void
count(struct play *p, const struct message *m)
{
	struct policy_facts	*f = &p->f;

	if (m->rank == BULK)
		return;
	f->messages++;
	f->bytes += m->bytes;
	f->received_sum += (uint64_t)m->stamp;
	if (m->rank == URGENT)
		f->urgent++;
	if (f->oldest == 0 || m->stamp < f->oldest)
		f->oldest = (time_t)m->stamp;
	if (!m->tried && (f->fresh == 0 || m->stamp < f->fresh))
		f->fresh = (time_t)m->stamp;
	if (m->deadline != 0 && (f->deadline == 0 || m->deadline < f->deadline))
		f->deadline = (time_t)m->deadline;
}

static int64_t
bulk_end(const struct play *p, const struct message *m)
{
	uint64_t	 after = p->r->conf->global.bulk_after;

	/* 0: it stays bulk, as where spoold has no such limit. */
	return (after == 0 || after > INT32_MAX ? INT64_MAX :
	    m->stamp + (int64_t)after);
}

/* Forgets what has gone, and counts what is there. */
static void
recount(struct play *p)
{
	struct message	*m;
	size_t		 i, kept = 0;

	p->f.messages = p->f.bytes = p->f.received_sum = p->f.urgent = 0;
	p->f.oldest = p->f.deadline = p->f.fresh = 0;
	p->bulk_until = INT64_MAX;
	for (i = 0; i < p->n; i++) {
		m = &p->queue[i];
		if (m->gone)
			continue;
		if (m->rank == BULK && bulk_end(p, m) <= wall(p))
			m->rank = NORMAL;
		if (m->rank == BULK && bulk_end(p, m) < p->bulk_until)
			p->bulk_until = bulk_end(p, m);
		count(p, m);
		p->queue[kept++] = *m;
	}
	p->n = kept;
}

/* The order in which they go. */
static int
compare(const void *va, const void *vb)
{
	const struct message	*a = va, *b = vb;

	if (a->rank != b->rank)
		return (a->rank < b->rank ? -1 : 1);
	if (a->bytes != b->bytes)
		return (a->bytes < b->bytes ? -1 : 1);
	return (a->event < b->event ? -1 : a->event > b->event);
}

/* In a window the queue is kept in order; else they are appended. */
static int
arrive(struct play *p, size_t event)
{
	const struct replay_event	*e = &p->r->events[event];
	uint64_t			 larger = p->r->conf->global.bulk_larger;
	struct message			 m;
	size_t				 i;

	if (grow((void **)&p->queue, p->n, &p->max, sizeof(*p->queue)) == -1)
		return (-1);
	memset(&m, 0, sizeof(m));
	m.event = event;
	m.seen = p->now;
	m.stamp = wall(p);
	m.bytes = e->bytes;
	m.deadline = e->deadline;
	m.rank = e->class == PROTO_URGENT ? URGENT :
	    e->class == PROTO_BULK || (larger != 0 && e->bytes > larger) ?
	    BULK : NORMAL;
	if (m.rank == BULK && bulk_end(p, &m) < p->bulk_until)
		p->bulk_until = bulk_end(p, &m);
	count(p, &m);
	i = p->n++;
	if (p->in_call)
		for (; i > 0 && compare(&p->queue[i - 1], &m) > 0; i--)
			p->queue[i] = p->queue[i - 1];
	p->queue[i] = m;
	return (0);
}

/* --- what was spent --- */

static void
add_spent(struct policy_sum *sum, const struct spent *s)
{
	sum->calls++;
	sum->seconds += s->seconds;
	sum->cost += s->cost;
}

static void
period_update(struct play *p, enum budget_period which)
{
	struct period	*period = &p->periods[which];
	time_t		 now = wall(p);
	size_t		 i;

	if (now >= period->start && now < period->end)
		return;
	period->start = span_period_start(which, now);
	period->end = span_period_end(which, now);
	memset(&period->sum, 0, sizeof(period->sum));
	for (i = 0; i < p->nspent; i++)
		if (p->spent[i].opened >= period->start)
			add_spent(&period->sum, &p->spent[i]);
}

static int
spend(struct play *p, const struct replay_call *call)
{
	struct spent	*s;
	int		 i;

	if (grow((void **)&p->spent, p->nspent, &p->maxspent,
	    sizeof(*p->spent)) == -1)
		return (-1);
	s = &p->spent[p->nspent++];
	s->opened = call->opened;
	s->seconds = call->seconds;
	s->cost = call->cost;
	for (i = 0; i < POLICY_PERIODS; i++)
		if (s->opened >= p->periods[i].start)
			add_spent(&p->periods[i].sum, s);
	return (0);
}

static void
set_clock(struct play *p, int64_t offset)
{
	size_t	 i;

	p->offset = offset;
	/* Calls of a time to come count as of when that was seen. */
	for (i = 0; i < p->nspent; i++)
		if (p->spent[i].opened > wall(p))
			p->spent[i].opened = wall(p);
	memset(p->periods, 0, sizeof(p->periods));
}

/* --- what happens --- */

static int
happen(struct play *p, const struct replay_event *e)
{
	switch (e->kind) {
	case REPLAY_MESSAGE:
		return (arrive(p, (size_t)(e - p->r->events)));
	case REPLAY_CLOCK:
		set_clock(p, e->offset);
		break;
	case REPLAY_REQUEST:
		if (!p->in_call && !p->f.hold)
			p->f.request = POLICY_REQUEST_NEW;
		break;
	case REPLAY_HOLD:
		p->f.hold = 1;
		p->f.request = POLICY_REQUEST_NONE;
		break;
	case REPLAY_RELEASE:
		p->f.hold = 0;
		break;
	}
	return (0);
}

/* All that has happened by now, each at its time.  0, or -1 with errno. */
static int
catch_up(struct play *p)
{
	int64_t	 now = p->now;
	int	 n = 0;

	for (; n == 0 && p->next < p->r->nevents &&
	    p->r->events[p->next].at <= now; p->next++) {
		if (p->r->events[p->next].at > p->r->start)
			p->now = p->r->events[p->next].at;
		n = happen(p, &p->r->events[p->next]);
	}
	p->now = now;
	return (n);
}

static int64_t
next_event(const struct play *p)
{
	return (p->next < p->r->nevents ? p->r->events[p->next].at :
	    INT64_MAX);
}

/* --- the next call --- */

static struct line *
pick_line(struct play *p)
{
	struct line	*l;
	size_t		 i;

	for (i = 0; i < p->nlines; i++) {
		l = &p->lines[i];
		estimate_call(&l->estimate, &l->line, &l->speed, wall(p),
		    p->f.bytes);
		l->line.rate = l->estimate.rate_bulk;
		p->candidates[i].cost = l->estimate.cost;
	}
	return (&p->lines[lines_choose(p->candidates, p->nlines)]);
}

static uint64_t
since(const struct play *p, int64_t then)
{
	return ((uint64_t)(p->now - then));
}

/* As dialerd: of mail from a time to come only our own clock is known. */
static time_t
oldest(struct play *p)
{
	size_t	 i;
	int64_t	 seen = p->now;

	if (p->f.oldest <= wall(p))
		return (p->f.oldest);
	for (i = 0; i < p->n; i++)
		if (p->queue[i].rank != BULK && p->queue[i].seen < seen)
			seen = p->queue[i].seen;
	return (wall(p) - (time_t)since(p, seen));
}

static void
gather(struct play *p, struct policy_facts *f, const struct line *l)
{
	int	 i;

	*f = p->f;
	f->now = wall(p);
	f->start = f->now - (time_t)since(p, p->r->start);
	f->oldest = oldest(p);
	f->send_seconds = l->estimate.seconds;
	f->send_cost = l->estimate.cost;
	f->good_age = since(p, p->good);
	f->first_age = f->attempts > 0 ? since(p, p->first) : 0;
	f->last_age = f->attempts > 0 ? since(p, p->last) : 0;
	for (i = 0; i < POLICY_PERIODS; i++) {
		period_update(p, (enum budget_period)i);
		f->sum[i] = p->periods[i].sum;
	}
	f->worst_seconds = window_worst_seconds(&l->line);
	f->worst_cost = window_worst_cost(&l->line, f->now, f->bytes);
}

/* --- a window --- */

struct passing {			/* of mail */
	struct play		*p;
	struct line		*l;
	struct replay_call	*call;
	time_t			 answered;	/* wall clock */
	int64_t			 began;		/* monotonic ms: answered, */
	int64_t			 up;		/* window, */
	int64_t			 ms;		/* now */
	size_t			 cursor;	/* in the queue */
	struct message		*m;		/* on its way, */
	uint64_t		 left;		/* of it, in 1/1000 bytes */
	uint64_t		 in;		/* to fetch, in 1/1000 bytes */
	uint64_t		 todo;		/* messages but bulk, */
	uint64_t		 todo_bytes;
	uint64_t		 bulk;		/* messages */
	uint64_t		 bytes;		/* moved, in 1/1000 */
	struct stay_decision	 stay;
};

static int
may_go(const struct passing *w, const struct message *m)
{
	return (!m->gone && m->refused != w->call->number);
}

/* Something has come: all may be in another place, m included. */
static void
look_at_queue(struct passing *w, size_t event)
{
	struct message	*m;
	size_t		 i;

	w->todo = w->todo_bytes = w->bulk = 0;
	w->cursor = 0;
	for (i = 0; i < w->p->n; i++) {
		m = &w->p->queue[i];
		if (!may_go(w, m))
			continue;
		if (w->m != NULL && m->event == event)
			w->m = m;
		if (m->rank == BULK) {
			w->bulk++;
			continue;
		}
		w->todo++;
		w->todo_bytes += m->bytes;
	}
}

/* Time has passed: see what came.  0, or -1 with errno. */
static int
pass_on(struct passing *w)
{
	size_t	 event = w->m != NULL ? w->m->event : 0;

	w->p->now = w->ms / 1000;
	if (next_event(w->p) > w->p->now)
		return (0);
	if (catch_up(w->p) == -1)
		return (-1);
	look_at_queue(w, event);
	return (0);
}

/* The next that may go, if any: bulk only as far as there is room. */
static int
begin_next(struct passing *w)
{
	struct message	*m;

	for (; w->cursor < w->p->n; w->cursor++) {
		m = &w->p->queue[w->cursor];
		if (!may_go(w, m))
			continue;
		if (m->rank == BULK && m->bytes > w->stay.bulk)
			return (0);
		w->m = m;
		w->left = m->bytes * 1000;
		return (1);
	}
	return (0);
}

static void
end_message(struct passing *w)
{
	const struct replay	*r = w->p->r;
	struct message		*m = w->m;

	w->m = NULL;
	if (m->rank == BULK)
		w->bulk--;
	else {
		w->todo--;
		w->todo_bytes -= m->bytes;
	}
	if (r->ops->refused != NULL && r->ops->refused(r->arg, m->event)) {
		m->refused = w->call->number;
		return;
	}
	m->gone = 1;
	w->call->sent++;
	if (r->ops->sent != NULL)
		r->ops->sent(r->arg, m->event, w->ms / 1000);
}

static void
stay_look(struct passing *w)
{
	struct stay_facts	 f;

	memset(&f, 0, sizeof(f));
	f.tariff = &w->l->line.tariff;
	f.answered = w->answered;
	f.billed = (uint64_t)(w->ms - w->began + 999) / 1000;
	f.bytes = w->bytes / 1000;
	/* Where bytes cost this is looked at each second. */
	f.ahead = w->l->estimate.rate_out + w->l->estimate.rate_in;
	f.ending = REPLAY_FAREWELL;
	f.room = w->l->line.room;
	f.work = w->todo > 0 || w->in > 0;
	f.todo = w->todo_bytes;
	f.flying = w->m != NULL && w->m->rank == BULK;
	f.bulk = w->bulk;	/* how much does not matter */
	f.rate = w->l->estimate.rate_bulk;
	f.linger = w->l->line.linger;
	f.margin = w->l->line.margin;
	stay_decide(&f, &w->stay);
}

static int64_t
ms_for(uint64_t millibytes, uint64_t rate)
{
	return ((int64_t)(millibytes / rate + (millibytes % rate != 0)));
}

static void
earlier(int64_t *t, int64_t than)
{
	if (than < *t)
		*t = than;
}

static void
move(struct passing *w, uint64_t *left, uint64_t n)
{
	if (n > *left)
		n = *left;
	*left -= n;
	w->bytes += n;
}

/* On to the next moment at which anything changes. */
static void
pass(struct passing *w, int64_t end)
{
	uint64_t	 out = w->l->estimate.rate_out;
	uint64_t	 in = w->l->estimate.rate_in, step;
	int64_t		 next = end;

	earlier(&next, w->ms + (int64_t)w->stay.again * 1000);
	/* Where bytes cost, each may be one too many. */
	if (w->l->line.tariff.per_megabyte != 0)
		earlier(&next, w->ms + 1000);
	if (w->m != NULL)
		earlier(&next, w->ms + ms_for(w->left, out));
	if (w->in > 0)
		earlier(&next, w->ms + ms_for(w->in, in));
	if (next_event(w->p) <= next / 1000)
		earlier(&next, next_event(w->p) * 1000);
	step = next > w->ms ? (uint64_t)(next - w->ms) : 0;
	w->ms += (int64_t)step;
	move(w, &w->left, step * out);
	move(w, &w->in, step * in);
	if (w->m != NULL && w->left == 0)
		end_message(w);
}

/* The mail: until there is none, or the time is over. */
static int
pass_all(struct passing *w)
{
	int64_t	 end = w->up + (int64_t)w->l->line.window * 1000;
	int	 begun;

	w->ms = w->up + REPLAY_GREETING * 1000;
	w->p->now = w->ms / 1000;
	if (catch_up(w->p) == -1)
		return (-1);
	look_at_queue(w, 0);
	while (w->ms < end) {
		stay_look(w);
		begun = w->m == NULL && w->stay.end != STAY_BUDGET &&
		    begin_next(w);
		if (w->stay.end != STAY_ON && !begun) {
			w->call->end = w->stay.end == STAY_PAID ? "paid" :
			    w->stay.end == STAY_DONE ? "done" : "budget";
			return (0);
		}
		pass(w, end);
		if (pass_on(w) == -1)
			return (-1);
	}
	w->call->end = "maximum";
	return (0);
}

static void
charge(const struct line *l, struct replay_call *call, time_t answered,
    uint64_t bytes)
{
	struct tariff_cost	 cost;

	if (call->seconds == 0)
		return;
	cost = tariff_cost(&l->line.tariff, answered, call->seconds, bytes);
	call->units = cost.units;
	call->cost = cost.cost;
}

/* What came for us meanwhile, in 1/1000 bytes. */
static uint64_t
to_fetch(struct play *p)
{
	uint64_t	 n;

	n = since(p, p->fetched) * p->r->in_per_day / 86400 * 1000;
	p->fetched = p->now;
	return (n);
}

static int
window(struct play *p, struct line *l, struct replay_call *call)
{
	struct passing	 w;

	memset(&w, 0, sizeof(w));
	w.p = p;
	w.l = l;
	w.call = call;
	p->in_call = 1;
	qsort(p->queue, p->n, sizeof(*p->queue), compare);
	w.in = to_fetch(p);
	w.began = (p->now + (int64_t)l->estimate.answer) * 1000;
	w.up = (p->now + (int64_t)l->estimate.setup) * 1000;
	w.answered = wall(p) + (time_t)l->estimate.answer;
	if (pass_all(&w) == -1)
		return (-1);
	p->now = (w.ms + 999) / 1000 + REPLAY_FAREWELL;
	if (catch_up(p) == -1)
		return (-1);
	call->seconds = (uint64_t)(p->now - w.began / 1000);
	charge(l, call, w.answered, w.bytes / 1000);
	p->in_call = 0;
	recount(p);
	call->left = p->f.messages;
	call->up = w.up / 1000;
	p->f.good_up = (time_t)(call->up + p->offset);
	return (0);
}

/* --- a call --- */

static void
went_well(struct play *p)
{
	struct policy_facts	*f = &p->f;
	size_t			 i;

	p->good = p->now;
	f->attempts = 0;
	f->request = POLICY_REQUEST_NONE;
	f->left = f->messages;
	f->left_bytes = f->bytes;
	f->left_urgent = f->urgent;
	f->left_deadline = f->deadline;
	f->left_windows = f->left == 0 ? 0 : f->left_windows + 1;
	f->fresh = 0;
	for (i = 0; i < p->n; i++)
		p->queue[i].tried = p->queue[i].rank != BULK;
	for (i = 0; i < p->nlines; i++)
		p->candidates[i].failures = 0;
}

static void
went_wrong(struct play *p, const struct line *l, int64_t began)
{
	p->candidates[l - p->lines].failures++;
	if (p->f.attempts++ == 0)
		p->first = began;
	p->last = p->now;
	if (p->f.attempts > p->r->conf->global.redial)
		p->f.request = POLICY_REQUEST_NONE;
}

static int
make_call(struct play *p, struct line *l, const struct policy_facts *f,
    const struct policy_decision *d)
{
	struct replay_outcome	 o;
	struct replay_call	 call;
	uint64_t		 seconds;

	memset(&o, 0, sizeof(o));
	memset(&call, 0, sizeof(call));
	call.number = ++p->calls;
	call.began = p->now;
	call.opened = f->now;
	call.line = l->conf;
	call.requested = p->f.request == POLICY_REQUEST_NEW;
	call.urgent = d->urgent;
	call.worst_seconds = f->worst_seconds;
	call.worst_cost = f->worst_cost;
	strlcpy(call.why, d->why, sizeof(call.why));
	if (call.requested) {
		p->f.attempts = 0;
		p->f.request = POLICY_REQUEST_FAILED;
	}
	policy_room(p->r->conf, f, d->urgent, &seconds, &l->line.room);
	if (p->ops->outcome != NULL)
		p->ops->outcome(p->r->arg, &call, &o);
	call.failed = o.failed;
	if (o.failed) {
		call.end = "failed";
		p->now += (int64_t)o.lasted;
		p->in_call = 1;
		qsort(p->queue, p->n, sizeof(*p->queue), compare);
		if (catch_up(p) == -1)
			return (-1);
		p->in_call = 0;
		call.seconds = o.billed < o.lasted ? o.billed : o.lasted;
		charge(l, &call, wall(p) - (time_t)call.seconds, 0);
		went_wrong(p, l, call.began);
	} else {
		if (window(p, l, &call) == -1)
			return (-1);
		went_well(p);
	}
	p->f.jitter = chance(p);
	call.ended = p->now;
	if (spend(p, &call) == -1)
		return (-1);
	if (p->ops->called != NULL)
		p->ops->called(p->r->arg, &call);
	p->now += REPLAY_REST;
	return (0);
}

/* How long nothing happens that is not an event. */
static int64_t
look_again(const struct play *p, const struct policy_facts *f,
    const struct policy_decision *d)
{
	int64_t	 then = p->now + LOOK_MAX;

	if (d->next > f->now && d->next - f->now < LOOK_MAX)
		then = p->now + (d->next - f->now);
	/* Mail that is bulk no more makes itself felt. */
	if (p->bulk_until - p->offset < then)
		then = p->bulk_until - p->offset;
	if (next_event(p) < then)
		then = next_event(p);
	if (p->r->end < then)
		then = p->r->end;
	return (then > p->now ? then : p->now + 1);
}

static int
play(struct play *p)
{
	struct policy_decision	 d;
	struct policy_facts	 f;
	struct line		*l;
	int64_t			 then;

	while (p->now < p->r->end) {
		if (catch_up(p) == -1)
			return (-1);
		if (p->r->empty && p->next == p->r->nevents &&
		    p->f.messages == 0)
			break;
		if (p->bulk_until <= wall(p))
			recount(p);
		l = pick_line(p);
		gather(p, &f, l);
		policy_decide(p->r->conf, &f, &d);
		if (d.dial) {
			if (make_call(p, l, &f, &d) == -1)
				return (-1);
			continue;
		}
		if (f.request == POLICY_REQUEST_NEW) {
			/* The operator was told so. */
			p->f.request = POLICY_REQUEST_NONE;
			continue;
		}
		then = look_again(p, &f, &d);
		if (p->ops->waits != NULL)
			p->ops->waits(p->r->arg, p->now, then, &f, &d);
		p->now = then;
	}
	return (0);
}

static int
take_lines(struct play *p)
{
	const struct conf_line	*cl;
	struct line		*l;
	size_t			 n = 0;

	TAILQ_FOREACH(cl, &p->r->conf->lines, entry)
		n++;
	if (n == 0) {
		errno = ENOENT;
		return (-1);
	}
	p->lines = calloc(n, sizeof(*p->lines));
	p->candidates = calloc(n, sizeof(*p->candidates));
	if (p->lines == NULL || p->candidates == NULL)
		return (-1);
	TAILQ_FOREACH(cl, &p->r->conf->lines, entry) {
		l = &p->lines[p->nlines];
		l->conf = cl;
		p->candidates[p->nlines++].skip = cl->skip;
		if (lines_take(&l->line, p->r->conf, cl) == -1)
			return (-1);
		if (p->ops->speed != NULL)
			p->ops->speed(p->r->arg, cl->name, &l->speed);
	}
	return (0);
}

static int
in_order(const struct replay *r)
{
	size_t	 i;

	for (i = 1; i < r->nevents; i++)
		if (r->events[i].at < r->events[i - 1].at)
			return (0);
	return (1);
}

int
replay_run(const struct replay *r)
{
	struct play	 p;
	int		 n;

	if (!in_order(r)) {
		errno = EINVAL;
		return (-1);
	}
	memset(&p, 0, sizeof(p));
	p.r = r;
	p.ops = r->ops;
	p.now = p.good = p.fetched = r->start;
	p.offset = r->offset;
	p.seed = r->seed;
	p.bulk_until = INT64_MAX;
	if ((n = take_lines(&p)) == 0)
		n = play(&p);
	free(p.lines);
	free(p.candidates);
	free(p.queue);
	free(p.spent);
	return (n);
}
