/* See LICENSE for the terms. */
/*
 * When to dial, and on which line: the policy is asked whenever something
 * has changed.  With the ledger, without which there is no call.
 */
#include <sys/types.h>
#include <errno.h>
#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "delayed.h"
#include "dialerd_private.h"
#include "log.h"
#include "span.h"

/* The longest time between two looks at the policy: clocks are put right,
 * and machines sleep. */
#define PLAN_MAX	60	/* seconds */
#define REST_MS		2000

static struct event	 plan_ev;
static uint64_t		 rest_until;	/* monotonic, ms */
static int		 ledger_fd = -1;	/* one that could not be read */
static int		 shortening;	/* the ledger: it comes again */

static void	 plan(int, short, void *);
static void	 take_ledger(void);

static void
plan_in(uint64_t ms)
{
	struct timeval	 tv;

	/* Not in main: the event loop is not there yet. */
	if (!evtimer_initialized(&plan_ev))
		evtimer_set(&plan_ev, plan, NULL);
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	evtimer_add(&plan_ev, &tv);
}

void
plan_soon(void)
{
	plan_in(0);
}

void
plan_rest(void)
{
	rest_until = dialerd_mono() + REST_MS;
	plan_soon();
}

/* --- the decision --- */

/* Why there can be no call at all now; NULL if there can. */
static const char *
obstacle(void)
{
	if (child_conf == NULL || TAILQ_EMPTY(&child_conf->lines))
		return ("no line is configured");
	if (dialerd.ledger == NULL)
		return ("waiting for the ledger");
	if (dialerd.unfinished.call != 0)
		return ("waiting for the line that a crash left open");
	if (!child_peer(PROC_SPOOLD)->open)
		return ("waiting for spoold");
	if (!child_peer(PROC_FETCHD)->open)
		return ("waiting for fetchd");
	return (NULL);
}

const char *
plan_facts(struct policy_facts *f, struct lines_choice *choice,
    enum policy_request request)
{
	const char	*why;
	uint64_t	 bytes = dialerd.facts.queue.bytes;
	time_t		 now;
	int		 i;

	choice->conf = NULL;
	if ((why = obstacle()) != NULL)
		return (why);
	facts_policy(&dialerd.facts, f, dialerd_now());
	if ((f->request = request) == POLICY_REQUEST_NEW)
		f->request_text = NULL;
	now = f->now;
	if (lines_pick(choice, child_conf, dialerd.ledger, now, bytes) == -1) {
		choice->conf = NULL;
		return ("no line can be chosen");
	}
	f->send_seconds = choice->estimate.seconds;
	f->send_cost = choice->estimate.cost;
	for (i = 0; i < POLICY_PERIODS; i++)
		ledger_sum(dialerd.ledger, span_period_start(
		    (enum budget_period)i, now), now, &f->sum[i]);
	f->worst_seconds = window_worst_seconds(&choice->line);
	f->worst_cost = window_worst_cost(&choice->line, now, bytes);
	return (NULL);
}

/* What the modem would not dial, whatever the policy says, and whose turn. */
static void
obey_delay(struct policy_decision *d, struct lines_choice *choice)
{
	struct facts_now	 now = dialerd_now();
	uint64_t		 seconds;

	seconds = delayed_choose(&choice->conf->phone, &choice->turn,
	    now.mono);
	if (!d->dial || seconds == 0)
		return;
	d->dial = 0;
	d->next = now.wall + (time_t)seconds;
	snprintf(d->why, sizeof(d->why), "the modem keeps %s back for "
	    "another %llu s", lines_number(choice->conf, choice->turn),
	    (unsigned long long)seconds);
}

void
plan_decide(struct policy_decision *d, struct lines_choice *choice,
    enum policy_request request)
{
	struct policy_facts	 f;
	const char		*why;
	uint64_t		 seconds;

	memset(d, 0, sizeof(*d));
	if ((why = plan_facts(&f, choice, request)) != NULL) {
		strlcpy(d->why, why, sizeof(d->why));
		return;
	}
	policy_decide(child_conf, &f, d);
	choice->turn = request == POLICY_REQUEST_NEW ? 0 :
	    dialerd.facts.attempts;
	obey_delay(d, choice);
	/* L3: what time may cost is certain; what bytes do is seen to. */
	policy_room(child_conf, &f, d->urgent, &seconds, &choice->line.room);
}

/* --- dialling --- */

void
plan_failed(void)
{
	const struct conf_global	*g = &child_conf->global;

	facts_failed(&dialerd.facts, g, dialerd_now(), arc4random());
	if (g->breaker != 0 && dialerd.facts.attempts == g->breaker)
		log_warnx("%u calls failed in a row: none for %llu s, unless "
		    "the operator dials", dialerd.facts.attempts,
		    (unsigned long long)g->breaker_pause);
}

/* A dearer line than need be is for the operator to know. */
static void
say_line(const struct lines_choice *choice)
{
	const char	*cheapest = choice->cheapest->name;

	if (choice->conf == choice->cheapest)
		return;
	log_warnx("line %s failed %u times: line %s is used, which is dearer",
	    cheapest, ledger_failures(dialerd.ledger, cheapest),
	    choice->conf->name);
}

static void
dial(struct lines_choice *choice, const char *why)
{
	struct window_line	*line = &choice->line;

	facts_dial(&dialerd.facts, dialerd_now());
	say_line(choice);
	if (lines_take_strings(line, choice->conf, choice->turn) == -1 ||
	    window_dial(dialerd.window, line, why,
	    dialerd.facts.queue.bytes) == -1) {
		log_warn("call not made");
		lines_drop(line);
		plan_failed();
		plan_soon();
	}
}

/*
 * Files that have grown are shortened by the parent, between calls.  What is
 * known of the past stays in memory meanwhile.
 */
static void
shorten_files(void)
{
	struct proto_keep	 keep;

	memset(&keep, 0, sizeof(keep));
	if (dialerd.ledger != NULL && dialerd.unfinished.call == 0 &&
	    ledger_excess(dialerd.ledger, &keep.from)) {
		keep.file = PROTO_KEEP_LEDGER;
		ledger_free(dialerd.ledger);
		dialerd.ledger = NULL;
		shortening = 1;
		channel_send(child_parent(), DIALERD_KEEP, 0, -1, &keep,
		    sizeof(keep));
	}
	if (dialerd.arrivals != NULL && arrivals_excess(
	    dialerd.arrivals, time(NULL), &keep.from)) {
		keep.file = PROTO_KEEP_ARRIVALS;
		arrivals_free(dialerd.arrivals);
		dialerd.arrivals = NULL;
		channel_send(child_parent(), DIALERD_KEEP, 0, -1, &keep,
		    sizeof(keep));
	}
}

static void
plan(int fd, short event, void *arg)
{
	struct policy_decision	 d;
	struct lines_choice	 choice;
	time_t			 now, wait = PLAN_MAX;
	uint64_t		 ms = dialerd_mono();

	(void)fd;
	(void)event;
	(void)arg;
	if (dialerd.stopping || window_active(dialerd.window))
		return;
	if (ms < rest_until) {
		plan_in(rest_until - ms);
		return;
	}
	if (dialerd.ledger == NULL && ledger_fd != -1)
		take_ledger();
	if (dialerd.ledger != NULL && ledger_retry(dialerd.ledger) == -1)
		log_warn("ledger");
	shorten_files();
	plan_decide(&d, &choice, dialerd.facts.request);
	if (d.dial) {
		dial(&choice, d.why);
		return;
	}
	now = time(NULL);
	if (d.next > now && d.next - now < wait)
		wait = d.next - now;
	plan_in((uint64_t)wait * 1000);
}

/* --- the ledger --- */

/*
 * The line of a call that has no end may be open.  The parent sees to it;
 * the entry is closed after that, for we may be killed before.
 */
static void
close_left(uint64_t after)
{
	struct ledger_series	 s;
	struct proto_line	 line;
	struct facts_now	 now = dialerd_now();
	size_t			 n = ledger_count(dialerd.ledger);

	if (ledger_left(dialerd.ledger, after, &dialerd.unfinished)) {
		memset(&line, 0, sizeof(line));
		line.call = dialerd.unfinished.call;
		strlcpy(line.name, dialerd.unfinished.line,
		    sizeof(line.name));
		call_send_line(DIALERD_LINE_LEFT, &line);
		return;
	}
	/* Those that crashed are among the attempts now. */
	dialerd.unfinished.call = 0;
	ledger_series(dialerd.ledger, now.wall, &s);
	facts_attempts(&dialerd.facts, &s, now);
	if (n > 0 && ledger_read(dialerd.ledger, n - 1,
	    &dialerd.last_call) == -1)
		memset(&dialerd.last_call, 0, sizeof(dialerd.last_call));
	else
		call_note_delay(&dialerd.last_call,
		    (int64_t)now.wall - dialerd.last_call.closed);
}

void
plan_write_hold(void)
{
	if (ledger_hold(dialerd.ledger, dialerd.facts.held,
	    time(NULL)) == -1)
		log_warn("ledger: hold");
}

/* Where the ledger left off. */
static void
take_past(void)
{
	struct ledger_series	 s;
	struct facts_now	 now = dialerd_now();

	ledger_series(dialerd.ledger, now.wall, &s);
	facts_past(&dialerd.facts, &s, now);
	if (dialerd.facts.held_said)
		plan_write_hold();
	dialerd.facts.held = ledger_held(dialerd.ledger);
}

/* Without it nothing may be dialled, but all else goes on. */
static void
take_ledger(void)
{
	if ((dialerd.ledger = ledger_new(ledger_fd)) == NULL) {
		log_warn("ledger");
		return;
	}
	ledger_fd = -1;
	if (shortening) {
		/* It is the same ledger; but for what was said meanwhile. */
		shortening = 0;
		if (dialerd.facts.held != ledger_held(dialerd.ledger))
			plan_write_hold();
		return;
	}
	take_past();
	close_left(0);
}

void
plan_ledger(int fd)
{
	if (dialerd.ledger != NULL || ledger_fd != -1) {
		/* One is enough: it is the same file. */
		close(fd);
		return;
	}
	ledger_fd = fd;
	take_ledger();
	plan_soon();
}

void
plan_line_down(uint64_t call)
{
	if (ledger_crashed(dialerd.ledger, &dialerd.unfinished,
	    time(NULL)) == -1)
		log_warn("ledger: call %llu", (unsigned long long)call);
	close_left(call);
	plan_soon();
}
