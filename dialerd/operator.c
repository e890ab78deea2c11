/* See LICENSE for the terms. */
/* What the operator sees and does, through control.c. */
#include <sys/types.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "child.h"
#include "dialerd.h"
#include "dialerd_private.h"
#include "log.h"
#include "span.h"

static void
take_currency(char *buf, size_t size)
{
	buf[0] = '\0';
	if (child_conf != NULL && child_conf->global.currency != NULL)
		strlcpy(buf, child_conf->global.currency, size);
}

void
dialerd_plan(struct ctl_plan *p)
{
	struct policy_decision	 d;
	struct lines_choice	 choice;
	const struct estimate	*e = &choice.estimate;
	const struct proto_queue_state *q = &dialerd.facts.queue;

	p->now = time(NULL);
	p->messages = q->messages + q->bulk;
	p->bytes = q->bytes + q->bulk_bytes;
	p->bulk = q->bulk;
	take_currency(p->currency, sizeof(p->currency));
	memset(&choice, 0, sizeof(choice));
	plan_decide(&d, &choice, dialerd.facts.request);
	p->dial = (uint32_t)d.dial;
	p->next = d.next;
	strlcpy(p->why, d.why, sizeof(p->why));
	if (choice.conf == NULL)
		return;
	p->fetch = e->fetch;
	p->fetch_bytes = e->fetch_bytes;
	p->setup = e->setup;
	p->answer = e->answer;
	p->rate_out = e->rate_out;
	p->rate_in = e->rate_in;
	p->measured = e->measured;
	p->seconds = e->seconds;
	p->units = e->units;
	p->cost = e->cost;
	p->worst_seconds = window_worst_seconds(&choice.line);
	p->worst_cost = window_worst_cost(&choice.line, (time_t)p->now,
	    q->bytes);
	strlcpy(p->line, choice.conf->name, sizeof(p->line));
	strlcpy(p->number, lines_number(choice.conf, choice.turn),
	    sizeof(p->number));
}

const char *
dialerd_rules(void (*tell)(void *, const struct ctl_rule *), void *arg)
{
	struct policy_facts	 f;
	struct lines_choice	 choice;
	const char		*why;

	if ((why = plan_facts(&f, &choice, dialerd.facts.request)) == NULL)
		policy_rules(child_conf, &f, tell, arg);
	return (why);
}

static void
summary_spent(struct ctl_summary *s, time_t now)
{
	struct policy_sum	 sum;

	ledger_sum(dialerd.ledger, span_period_start(BUDGET_DAY, now), now,
	    &sum);
	s->day_calls = sum.calls;
	s->day_seconds = sum.seconds;
	s->day_cost = sum.cost;
	ledger_sum(dialerd.ledger, span_period_start(BUDGET_MONTH, now), now,
	    &sum);
	s->month_calls = sum.calls;
	s->month_seconds = sum.seconds;
	s->month_cost = sum.cost;
}

void
dialerd_summary(struct ctl_summary *s)
{
	struct policy_decision	 d;
	struct lines_choice	 choice;
	struct facts_now	 n = dialerd_now();
	time_t			 now = n.wall;
	const struct proto_queue_state *q = &dialerd.facts.queue;

	s->now = now;
	s->started = now - (n.mono - dialerd.facts.start);
	s->hold = dialerd.facts.held;
	take_currency(s->currency, sizeof(s->currency));
	s->spoold = child_peer(PROC_SPOOLD)->open;
	s->fetchd = child_peer(PROC_FETCHD)->open;
	s->queue_messages = q->messages;
	s->queue_bytes = q->bytes;
	s->queue_oldest = q->oldest;
	s->last = dialerd.last_call;
	s->last_good = dialerd.facts.good_up;
	window_summary(dialerd.window, s);
	if (window_active(dialerd.window))
		strlcpy(s->next_why, "a call is in progress",
		    sizeof(s->next_why));
	else {
		plan_decide(&d, &choice, dialerd.facts.request);
		s->next = d.next;
		strlcpy(s->next_why, d.why, sizeof(s->next_why));
	}
	if (dialerd.ledger != NULL)
		summary_spent(s, now);
}

const struct arrivals *
dialerd_arrivals(void)
{
	return (dialerd.arrivals);
}

const struct ledger *
dialerd_ledger(void)
{
	return (dialerd.ledger);
}

int
dialerd_dial(char *text, size_t size)
{
	struct policy_decision	 d;
	struct lines_choice	 choice;

	if (dialerd.stopping || window_active(dialerd.window)) {
		strlcpy(text, dialerd.stopping ? "relayd is stopping" :
		    "a call is in progress", size);
		return (EBUSY);
	}
	plan_decide(&d, &choice, POLICY_REQUEST_NEW);
	if (!d.dial) {
		strlcpy(text, d.why, size);
		return (EAGAIN);
	}
	(void)facts_request(&dialerd.facts, NULL);
	plan_soon();
	return (0);
}

int
dialerd_hangup(char *text, size_t size)
{
	if (!window_active(dialerd.window)) {
		strlcpy(text, "no call is in progress", size);
		return (ENOENT);
	}
	window_end(dialerd.window, "hangup", "by the operator");
	return (0);
}

void
dialerd_hold(int hold)
{
	facts_hold(&dialerd.facts, hold);
	log_info("line: %s by the operator", hold ? "held" : "released");
	if (dialerd.ledger != NULL)
		plan_write_hold();
	plan_soon();
}
