/* See LICENSE for the terms. */
/* How things stand, for the policy: see facts.h. */
#include <string.h>

#include "facts.h"

/* A clock that differs by more was set; by less, it is only kept right. */
#define CLOCK_SET	60		/* seconds */
/* Of mail that was left behind before this process began. */
#define DEADLINE_UNKNOWN	INT64_MAX

static uint64_t
age(struct facts_now now, int64_t then)
{
	return (then >= now.mono ? 0 : (uint64_t)(now.mono - then));
}

void
facts_start(struct facts *f, struct facts_now now)
{
	memset(f, 0, sizeof(*f));
	f->start = f->good = now.mono;
	f->offset = now.wall - now.mono;
	f->set_from = now.wall;
}

void
facts_clock(struct facts *f, struct facts_now now)
{
	int64_t	 by = now.wall - now.mono - f->offset;

	f->offset += by;
	if (by < -CLOCK_SET) {
		/* What is later than now shows that by itself. */
		f->set_by = 0;
		f->set_from = now.wall;
	} else if (by > CLOCK_SET) {
		if (f->set_by != 0)
			f->set_from = f->set_to + f->set_by;
		f->set_to = now.wall - by;
		f->set_by = by;
	}
}

/* --- the queue --- */

int
facts_queue(struct facts *f, const struct proto_queue_state *q,
    struct facts_now now)
{
	if (q->urgent > q->messages || q->oldest < 0 || q->deadline < 0 ||
	    q->urgent_oldest < 0)
		return (-1);
	f->queue = *q;
	/* Of what was left some may have gone otherwise, by bouncing. */
	if (q->messages < f->left)
		f->left = q->messages;
	if (q->bytes < f->left_bytes)
		f->left_bytes = q->bytes;
	if (q->urgent < f->left_urgent)
		f->left_urgent = q->urgent;
	if (f->left_deadline == DEADLINE_UNKNOWN)
		f->left_deadline = q->deadline;
	if (q->messages <= f->left)
		f->fresh = 0;
	else if (f->fresh == 0)
		f->fresh = now.mono;
	return (0);
}

/*
 * When the oldest message came.  Of one that came later than now, by a clock
 * that was put back since, it is only known how long we have seen it.
 */
static time_t
oldest(struct facts *f, struct facts_now now)
{
	int64_t	 t = f->queue.oldest;

	if (t == 0)
		return (0);
	if (t > now.wall && t != f->oldest) {
		f->oldest = t;
		f->oldest_seen = now.mono;
	}
	if (t == f->oldest && (t > now.wall ||
	    (uint64_t)(now.wall - t) < age(now, f->oldest_seen)))
		return (now.wall - (time_t)age(now, f->oldest_seen));
	if (f->set_by != 0 && t >= f->set_from && t <= f->set_to)
		t += f->set_by;
	return ((time_t)t);
}

/* No message has waited longer than the oldest, and that one as long. */
static uint64_t
received_sum(const struct policy_facts *p, uint64_t sum)
{
	uint64_t	 now = (uint64_t)p->now, waited, most;

	if (p->oldest == 0 || p->now <= 0 || p->oldest < 0 ||
	    p->messages == 0 || p->messages > UINT64_MAX / (now + 1))
		return (sum);
	waited = (uint64_t)(p->oldest > p->now ? 0 : p->now - p->oldest);
	most = p->messages * now - waited;
	if (sum > most)
		return (most);
	return (sum < p->messages * (now - waited) ?
	    p->messages * (now - waited) : sum);
}

/* --- what went before --- */

void
facts_past(struct facts *f, const struct ledger_series *s,
    struct facts_now now)
{
	f->good_up = s->good_up;
	if (s->good_closed != 0)
		f->good = now.mono - (now.wall - s->good_closed);
	f->good_unsure = s->good_up > now.wall;
	f->left = s->left;
	/* How much of it, and how urgent, the queue's state will tell. */
	f->left_bytes = f->left_urgent = s->left == 0 ? 0 : UINT64_MAX;
	f->left_deadline = s->left == 0 ? 0 : DEADLINE_UNKNOWN;
	f->left_windows = s->left_windows;
}

void
facts_attempts(struct facts *f, const struct ledger_series *s,
    struct facts_now now)
{
	f->attempts = s->attempts;
	f->first = now.mono - (now.wall - s->first);
	f->last = now.mono - (now.wall - s->last);
}

void
facts_dial(struct facts *f, struct facts_now now)
{
	if (f->request == POLICY_REQUEST_NEW) {
		/* Not an automatic redial, so a series of its own. */
		f->attempts = 0;
		f->request = POLICY_REQUEST_FAILED;
	}
	f->began = now.mono;
}

static void
request_end(struct facts *f)
{
	f->request = POLICY_REQUEST_NONE;
	f->request_text[0] = '\0';
}

void
facts_failed(struct facts *f, const struct conf_global *g,
    struct facts_now now, uint32_t jitter)
{
	if (f->attempts++ == 0)
		f->first = f->began;
	f->last = now.mono;
	f->jitter = jitter;
	if (f->attempts > g->redial)
		request_end(f);
}

void
facts_left(struct facts *f, uint64_t left)
{
	f->left = left;
	/* Bytes are those of now: mail that came since is among them. */
	f->left_bytes = left == 0 ? 0 : f->queue.bytes;
	f->left_urgent = left == 0 ? 0 : f->queue.urgent;
	f->left_deadline = left == 0 ? 0 : f->queue.deadline;
	f->left_windows = left == 0 ? 0 : f->left_windows + 1;
	f->fresh = 0;
}

void
facts_good(struct facts *f, time_t up, struct facts_now now,
    uint32_t jitter)
{
	f->good_up = up;
	f->good = now.mono;
	f->good_unsure = 0;
	f->attempts = 0;
	f->jitter = jitter;
	request_end(f);
}

void
facts_hung_up(struct facts *f, const struct conf_global *g)
{
	request_end(f);
	if (f->attempts <= g->redial)
		f->attempts = g->redial + 1;
}

/* --- what is asked for --- */

int
facts_request(struct facts *f, const char *text)
{
	if (text == NULL) {
		f->request = POLICY_REQUEST_NEW;
		f->request_text[0] = '\0';
		return (0);
	}
	if (f->held || f->request != POLICY_REQUEST_NONE)
		return (-1);
	/* A program asks, not the operator: the redial rule holds (L5). */
	f->request = POLICY_REQUEST_FAILED;
	strlcpy(f->request_text, text, sizeof(f->request_text));
	return (0);
}

void
facts_hold(struct facts *f, int hold)
{
	f->held = hold;
	f->held_said = 1;
	if (hold)
		request_end(f);
}

/* --- for the policy --- */

void
facts_policy(struct facts *f, struct policy_facts *p, struct facts_now now)
{
	facts_clock(f, now);
	/* The ledger could not be understood before the clock was right. */
	if (f->good_unsure && now.wall >= f->good_up) {
		f->good = now.mono - (now.wall - f->good_up);
		f->good_unsure = 0;
	}
	memset(p, 0, sizeof(*p));
	p->now = now.wall;
	p->start = now.wall - (time_t)age(now, f->start);
	p->messages = f->queue.messages;
	p->bytes = f->queue.bytes;
	p->oldest = oldest(f, now);
	p->received_sum = received_sum(p, f->queue.received_sum);
	p->urgent = f->queue.urgent;
	p->deadline = (time_t)f->queue.deadline;
	p->good_up = f->good_up;
	p->good_age = age(now, f->good);
	p->left = f->left;
	p->left_bytes = f->left_bytes;
	p->left_urgent = f->left_urgent;
	p->left_deadline = (time_t)f->left_deadline;
	p->left_windows = f->left_windows;
	if (f->fresh != 0)
		p->fresh = now.wall - (time_t)age(now, f->fresh);
	p->attempts = f->attempts;
	p->first_age = age(now, f->first);
	p->last_age = age(now, f->last);
	p->jitter = f->jitter;
	p->hold = f->held;
	p->request = f->request;
	p->request_text = f->request_text[0] != '\0' ? f->request_text : NULL;
}
