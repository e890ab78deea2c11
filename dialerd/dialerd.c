/* See LICENSE for the terms. */
/*
 * The process that owns the line: gathers the facts, lets the policy decide,
 * and has the call made.
 */
#include <sys/types.h>
#include <errno.h>
#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arrivals.h"
#include "chat.h"
#include "child.h"
#include "control.h"
#include "delayed.h"
#include "dialerd.h"
#include "ledger.h"
#include "lines.h"
#include "log.h"
#include "modem.h"
#include "policy.h"
#include "span.h"
#include "tariff.h"
#include "tty.h"
#include "window.h"

/* The longest time between two looks at the policy: clocks are put right,
 * and machines sleep. */
#define PLAN_MAX	60	/* seconds */
/* After a call: the parent takes its device back, the modem settles. */
#define REST_MS		2000
/* Of mail that was left behind before this process began. */
#define DEADLINE_UNKNOWN	INT64_MAX

static struct window	*window;
static struct ledger	*ledger;
static struct arrivals	*arrivals;
static int		 shortening;	/* the ledger: it comes again */
static struct event	 window_ev, plan_ev;
static struct proto_queue_state queue;
static struct ctl_call	 last_call;
static struct ctl_call	 unfinished;	/* by a crash; .call 0: none */
static int		 ledger_fd = -1;	/* one that could not be read */
static int		 held;
static int		 held_said;	/* by the operator, before any ledger */
static int		 stopping;
static enum policy_request request_state;
static time_t		 started;
static int64_t		 started_mono;	/* seconds */
static uint64_t		 rest_until;	/* monotonic, ms */

/*
 * What went before, in seconds of the monotonic clock, which may be before
 * its zero: the ledger is older than this machine's last start.
 */
static struct {
	time_t		 good_up;	/* wall clock; 0: none */
	int64_t		 good;		/* closed, or dialerd's start */
	uint64_t	 left;
	uint64_t	 left_bytes;
	uint64_t	 left_urgent;
	int64_t		 left_deadline;
	uint32_t	 left_windows;
	int64_t		 fresh;		/* when more than those was seen first;
					 * 0: not */
	uint32_t	 attempts;
	int64_t		 first;
	int64_t		 last;
	uint32_t	 jitter;
} past;
static int64_t		 call_began;	/* of the call in progress */
static uint64_t		 call_id;	/* of the last one that was begun */
/* Who asks, where it is not the operator. */
static char		 request_text[PROTO_TEXT_MAX];

static void	 plan(int, short, void *);
static void	 take_ledger(void);

static uint64_t
mono(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	/* Never 0, which means "not yet". */
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 +
	    1);
}

static int64_t
mono_seconds(void)
{
	return ((int64_t)(mono() / 1000));
}

static time_t
wall(void)
{
	return (time(NULL));
}

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

/* From the event loop, once for all that happened in this turn of it. */
static void
plan_soon(void)
{
	plan_in(0);
}

/* --- the plan --- */

static uint64_t
age_of(int64_t then)
{
	int64_t	 now = mono_seconds();

	return (then >= now ? 0 : (uint64_t)(now - then));
}

/*
 * When the oldest message came.  Of one that came later than now, by a clock
 * that was put back since, it is only known how long we have seen it.
 */
static time_t
oldest(time_t now)
{
	static int64_t	 which, since;

	if (queue.oldest <= now)
		return ((time_t)queue.oldest);
	if (queue.oldest != which) {
		which = queue.oldest;
		since = mono_seconds();
	}
	return (now - (time_t)age_of(since));
}

static void
gather(struct policy_facts *f, const struct lines_choice *choice,
    enum policy_request request)
{
	int	 i;

	memset(f, 0, sizeof(*f));
	f->now = wall();
	f->start = f->now - (time_t)age_of(started_mono);
	f->messages = queue.messages;
	f->bytes = queue.bytes;
	f->oldest = oldest(f->now);
	f->received_sum = queue.received_sum;
	f->urgent = queue.urgent;
	f->deadline = (time_t)queue.deadline;
	f->send_seconds = choice->estimate.seconds;
	f->send_cost = choice->estimate.cost;
	f->good_up = past.good_up;
	f->good_age = age_of(past.good);
	f->left = past.left;
	f->left_bytes = past.left_bytes;
	f->left_urgent = past.left_urgent;
	f->left_deadline = (time_t)past.left_deadline;
	f->left_windows = past.left_windows;
	if (past.fresh != 0)
		f->fresh = f->now - (time_t)age_of(past.fresh);
	f->attempts = past.attempts;
	f->first_age = age_of(past.first);
	f->last_age = age_of(past.last);
	f->jitter = past.jitter;
	for (i = 0; i < POLICY_PERIODS; i++)
		ledger_sum(ledger, span_period_start((enum budget_period)i,
		    f->now), f->now, &f->sum[i]);
	f->worst_seconds = window_worst_seconds(&choice->line);
	f->worst_cost = window_worst_cost(&choice->line, f->now,
	    queue.bytes);
	f->hold = held;
	f->request = request;
	f->request_text = request_text[0] != '\0' ? request_text : NULL;
}

/* Why there can be no call at all now; NULL if there can. */
static const char *
obstacle(void)
{
	if (child_conf == NULL || TAILQ_EMPTY(&child_conf->lines))
		return ("no line is configured");
	if (ledger == NULL)
		return ("waiting for the ledger");
	if (unfinished.call != 0)
		return ("waiting for the line that a crash left open");
	if (!child_peer(PROC_SPOOLD)->open)
		return ("waiting for spoold");
	if (!child_peer(PROC_FETCHD)->open)
		return ("waiting for fetchd");
	return (NULL);
}

/* The line, and how things stand for it: NULL, or why there are none. */
static const char *
facts(struct policy_facts *f, struct lines_choice *choice,
    enum policy_request request)
{
	const char	*why;

	if ((why = obstacle()) != NULL)
		return (why);
	if (lines_pick(choice, child_conf, ledger, wall(), queue.bytes) == -1)
		return ("no line can be chosen");
	gather(f, choice, request);
	return (NULL);
}

/* The modem would not dial it, whatever the policy says. */
static void
obey_delay(struct policy_decision *d, const struct lines_choice *choice,
    enum policy_request request)
{
	const char	*number;
	uint64_t	 seconds;

	number = lines_number(choice->conf,
	    request == POLICY_REQUEST_NEW ? 0 : past.attempts);
	if (!d->dial || (seconds = delayed_seconds(number,
	    mono_seconds())) == 0)
		return;
	d->dial = 0;
	d->next = wall() + (time_t)seconds;
	snprintf(d->why, sizeof(d->why), "the modem keeps %s back for "
	    "another %llu s", number, (unsigned long long)seconds);
}

/* What the policy says now; the line it would use. */
static void
decide(struct policy_decision *d, struct lines_choice *choice,
    enum policy_request request)
{
	struct policy_facts	 f;
	const char		*why;
	uint64_t		 seconds;

	memset(d, 0, sizeof(*d));
	if ((why = facts(&f, choice, request)) != NULL) {
		strlcpy(d->why, why, sizeof(d->why));
		return;
	}
	policy_decide(child_conf, &f, d);
	obey_delay(d, choice, request);
	/* L3: what time may cost is certain; what bytes do is seen to. */
	policy_room(child_conf, &f, d->urgent, &seconds, &choice->line.room);
}

static void
request_end(void)
{
	request_state = POLICY_REQUEST_NONE;
	request_text[0] = '\0';
}

/* A call that failed, or that could not even begin. */
static void
attempt_failed(void)
{
	int64_t	 now = mono_seconds();

	if (past.attempts++ == 0)
		past.first = call_began;
	past.last = now;
	past.jitter = arc4random();
	if (past.attempts > child_conf->global.redial)
		request_end();
	if (child_conf->global.breaker != 0 &&
	    past.attempts == child_conf->global.breaker)
		log_warnx("%u calls failed in a row: none for %llu s, unless "
		    "the operator dials", past.attempts, (unsigned long long)
		    child_conf->global.breaker_pause);
}

/* A dearer line than need be is for the operator to know. */
static void
say_line(const struct lines_choice *choice)
{
	if (choice->conf == choice->cheapest)
		return;
	log_warnx("line %s failed %u times: line %s is used, which is dearer",
	    choice->cheapest->name, ledger_failures(ledger,
	    choice->cheapest->name), choice->conf->name);
}

static void
dial(struct lines_choice *choice, const char *why)
{
	struct window_line	*line = &choice->line;

	if (request_state == POLICY_REQUEST_NEW) {
		/* Not an automatic redial, so a series of its own. */
		past.attempts = 0;
		request_state = POLICY_REQUEST_FAILED;
	}
	call_began = mono_seconds();
	say_line(choice);
	if (lines_take_strings(line, choice->conf, past.attempts) == -1 ||
	    window_dial(window, line, why, queue.bytes) == -1) {
		log_warn("call not made");
		lines_drop(line);
		attempt_failed();
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
	if (ledger != NULL && unfinished.call == 0 &&
	    ledger_excess(ledger, &keep.from)) {
		keep.file = PROTO_KEEP_LEDGER;
		ledger_free(ledger);
		ledger = NULL;
		shortening = 1;
		channel_send(child_parent(), DIALERD_KEEP, 0, -1, &keep,
		    sizeof(keep));
	}
	if (arrivals != NULL && arrivals_excess(arrivals, wall(),
	    &keep.from)) {
		keep.file = PROTO_KEEP_ARRIVALS;
		arrivals_free(arrivals);
		arrivals = NULL;
		channel_send(child_parent(), DIALERD_KEEP, 0, -1, &keep,
		    sizeof(keep));
	}
}

static void
plan(int fd, short event, void *arg)
{
	struct policy_decision	 d;
	struct lines_choice	 choice;
	time_t			 now = wall(), wait = PLAN_MAX;
	uint64_t		 ms = mono();

	(void)fd;
	(void)event;
	(void)arg;
	if (stopping || window_active(window))
		return;
	if (ms < rest_until) {
		plan_in(rest_until - ms);
		return;
	}
	if (ledger == NULL && ledger_fd != -1)
		take_ledger();
	if (ledger != NULL && ledger_retry(ledger) == -1)
		log_warn("ledger");
	shorten_files();
	decide(&d, &choice, request_state);
	if (d.dial) {
		dial(&choice, d.why);
		return;
	}
	if (d.next > now && d.next - now < wait)
		wait = d.next - now;
	plan_in((uint64_t)wait * 1000);
}

/* --- the call --- */

static void
window_timer(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	window_tick(window);
}

/* For a log line: what came over the line is not to break its form. */
static const char *
quote(char *buf, size_t size, const char *s)
{
	char	*p;

	strlcpy(buf, s, size);
	for (p = buf; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '"')
			*p = '?';
	}
	return (buf);
}

static void
log_open(const struct ctl_call *call)
{
	char	 why[PROTO_TEXT_MAX];

	log_info("call id=%llu event=open why=\"%s\" line=%s number=%s",
	    (unsigned long long)call->call, quote(why, sizeof(why), call->why),
	    call->line, call->number);
}

static void
log_closed(const struct ctl_call *call)
{
	char	 why[PROTO_TEXT_MAX], reason[PROTO_TEXT_MAX];
	char	 connect[PROTO_NAME_MAX];

	log_info("call id=%llu event=closed why=\"%s\" line=%s number=%s "
	    "result=%s seconds=%llu cost=%llu sent=%llu fetched=%llu "
	    "failed=%llu bytes_out=%llu bytes_in=%llu connect=\"%s\" "
	    "reason=\"%s\"", (unsigned long long)call->call,
	    quote(why, sizeof(why), call->why), call->line, call->number,
	    call->result, (unsigned long long)call->seconds,
	    (unsigned long long)call->cost, (unsigned long long)call->sent,
	    (unsigned long long)call->fetched,
	    (unsigned long long)call->failed,
	    (unsigned long long)call->bytes_out,
	    (unsigned long long)call->bytes_in,
	    quote(connect, sizeof(connect), call->connect),
	    quote(reason, sizeof(reason), call->reason));
}

static int
op_ledger_open(struct ctl_call *call)
{
	if (ledger_open(ledger, call) == -1)
		return (-1);
	call_id = call->call;
	log_open(call);
	return (0);
}

static void
op_ledger_close(const struct ctl_call *call, uint64_t left, int good)
{
	if (ledger_close(ledger, call, left, good) == -1)
		log_warn("ledger: call %llu", (unsigned long long)call->call);
	if (!good)
		return;
	past.left = left;
	/* Bytes are those of now: mail that came since is among them. */
	past.left_bytes = left == 0 ? 0 : queue.bytes;
	past.left_urgent = left == 0 ? 0 : queue.urgent;
	past.left_deadline = left == 0 ? 0 : queue.deadline;
	past.left_windows = left == 0 ? 0 : past.left_windows + 1;
	past.fresh = 0;
}

static void
op_send_line(uint32_t type, const struct proto_line *line)
{
	channel_send(child_parent(), type, 0, -1, line, sizeof(*line));
}

static void
op_send_window(uint32_t type, const struct proto_window *w)
{
	channel_send(child_peer(PROC_SPOOLD), type, 0, -1, w, sizeof(*w));
	channel_send(child_peer(PROC_FETCHD), type, 0, -1, w, sizeof(*w));
}

static void
op_send_bulk(const struct proto_bulk *b)
{
	channel_send(child_peer(PROC_SPOOLD), DIALERD_WINDOW_BULK, 0, -1, b,
	    sizeof(*b));
}

static void
op_timer(int64_t ms)
{
	struct timeval	 tv;

	if (!evtimer_initialized(&window_ev))
		evtimer_set(&window_ev, window_timer, NULL);
	if (ms < 0) {
		evtimer_del(&window_ev);
		return;
	}
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	evtimer_add(&window_ev, &tv);
}

/* A call that ended some seconds ago. */
static void
note_delay(const struct ctl_call *call, int64_t ago)
{
	uint64_t	 seconds = modem_delay(call->reason);

	if (strcmp(call->result, modem_result_name(MODEM_DELAYED)) == 0 &&
	    ago >= 0 && (uint64_t)ago < seconds)
		delayed_note(call->number, mono_seconds(),
		    seconds - (uint64_t)ago);
}

static void
op_done(const struct ctl_call *call, int good)
{
	log_closed(call);
	last_call = *call;
	rest_until = mono() + REST_MS;
	note_delay(call, 0);
	if (good) {
		past.good_up = (time_t)call->up;
		past.good = mono_seconds();
		past.attempts = 0;
		past.jitter = arc4random();
		request_end();
	} else
		attempt_failed();
	if (!good && strcmp(call->result, "hangup") == 0) {
		/* The operator does not want it again at once. */
		request_end();
		if (past.attempts <= child_conf->global.redial)
			past.attempts = child_conf->global.redial + 1;
	}
	if (stopping)
		child_exit();
	plan_soon();
}

static const struct window_ops ops = {
	.mono = mono,
	.wall = wall,
	.ledger_open = op_ledger_open,
	.ledger_close = op_ledger_close,
	.send_line = op_send_line,
	.send_window = op_send_window,
	.send_bulk = op_send_bulk,
	.tty_dial = tty_dial,
	.tty_watch = tty_watch,
	.tty_release = tty_release,
	.tty_hangup = tty_hangup,
	.tty_close = tty_close,
	.timer = op_timer,
	.done = op_done
};

static void
from_tty(enum window_tty event, enum modem_result result, const char *text)
{
	window_modem(window, event, result, text);
}

/* --- the operator --- */

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

	p->now = wall();
	p->messages = queue.messages + queue.bulk;
	p->bytes = queue.bytes + queue.bulk_bytes;
	p->bulk = queue.bulk;
	take_currency(p->currency, sizeof(p->currency));
	memset(&choice, 0, sizeof(choice));
	decide(&d, &choice, request_state);
	p->dial = (uint32_t)d.dial;
	p->next = d.next;
	strlcpy(p->why, d.why, sizeof(p->why));
	if (choice.conf == NULL)
		return;
	p->fetch = e->fetch;
	p->fetch_bytes = e->fetch_bytes;
	p->setup = e->setup;
	p->rate_out = e->rate_out;
	p->rate_in = e->rate_in;
	p->measured = e->measured;
	p->seconds = e->seconds;
	p->units = e->units;
	p->cost = e->cost;
	p->worst_seconds = window_worst_seconds(&choice.line);
	p->worst_cost = window_worst_cost(&choice.line, (time_t)p->now,
	    queue.bytes);
	strlcpy(p->line, choice.conf->name, sizeof(p->line));
	strlcpy(p->number, lines_number(choice.conf, past.attempts),
	    sizeof(p->number));
}

const char *
dialerd_rules(void (*tell)(void *, const struct ctl_rule *), void *arg)
{
	struct policy_facts	 f;
	struct lines_choice	 choice;
	const char		*why;

	if ((why = facts(&f, &choice, request_state)) == NULL)
		policy_rules(child_conf, &f, tell, arg);
	return (why);
}

void
dialerd_summary(struct ctl_summary *s)
{
	struct policy_decision	 d;
	struct policy_sum	 sum;
	struct lines_choice	 choice;
	time_t			 now = wall();

	s->now = now;
	s->started = started;
	s->hold = held;
	take_currency(s->currency, sizeof(s->currency));
	s->spoold = child_peer(PROC_SPOOLD)->open;
	s->fetchd = child_peer(PROC_FETCHD)->open;
	s->queue_messages = queue.messages;
	s->queue_bytes = queue.bytes;
	s->queue_oldest = queue.oldest;
	s->last = last_call;
	s->last_good = past.good_up;
	window_summary(window, s);
	if (window_active(window))
		strlcpy(s->next_why, "a call is in progress",
		    sizeof(s->next_why));
	else {
		decide(&d, &choice, request_state);
		s->next = d.next;
		strlcpy(s->next_why, d.why, sizeof(s->next_why));
	}
	if (ledger == NULL)
		return;
	ledger_sum(ledger, span_period_start(BUDGET_DAY, now), now, &sum);
	s->day_calls = sum.calls;
	s->day_seconds = sum.seconds;
	s->day_cost = sum.cost;
	ledger_sum(ledger, span_period_start(BUDGET_MONTH, now), now, &sum);
	s->month_calls = sum.calls;
	s->month_seconds = sum.seconds;
	s->month_cost = sum.cost;
}

const struct arrivals *
dialerd_arrivals(void)
{
	return (arrivals);
}

const struct ledger *
dialerd_ledger(void)
{
	return (ledger);
}

int
dialerd_dial(char *text, size_t size)
{
	struct policy_decision	 d;
	struct lines_choice	 choice;

	if (stopping || window_active(window)) {
		strlcpy(text, stopping ? "relayd is stopping" :
		    "a call is in progress", size);
		return (EBUSY);
	}
	decide(&d, &choice, POLICY_REQUEST_NEW);
	if (!d.dial) {
		strlcpy(text, d.why, size);
		return (EAGAIN);
	}
	request_state = POLICY_REQUEST_NEW;
	request_text[0] = '\0';
	plan_soon();
	return (0);
}

int
dialerd_hangup(char *text, size_t size)
{
	if (!window_active(window)) {
		strlcpy(text, "no call is in progress", size);
		return (ENOENT);
	}
	window_end(window, "hangup", "by the operator");
	return (0);
}

void
dialerd_hold(int hold)
{
	held = hold;
	held_said = 1;
	if (hold)
		request_end();
	log_info("line: %s by the operator", hold ? "held" : "released");
	if (ledger != NULL && ledger_hold(ledger, hold, wall()) == -1)
		log_warn("ledger: hold");
	plan_soon();
}

/* --- messages --- */

static int
handle_control(struct channel *ch, struct imsg *imsg, void *arg)
{
	uint32_t	 readonly;
	int		 fd;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &readonly, sizeof(readonly)) == -1 ||
	    (fd = imsg_get_fd(imsg)) == -1)
		return (-1);
	control_listen(fd, readonly != 0);
	return (0);
}

/* Where the ledger left off. */
static void
take_past(void)
{
	struct ledger_series	 s;
	int64_t			 now = mono_seconds();
	time_t			 clock = wall();

	ledger_series(ledger, clock, &s);
	past.good_up = s.good_up;
	if (s.good_closed != 0)
		past.good = now - (clock - s.good_closed);
	past.left = s.left;
	/* How much of it, and how urgent, the queue's state will tell. */
	past.left_bytes = past.left_urgent = s.left == 0 ? 0 : UINT64_MAX;
	past.left_deadline = s.left == 0 ? 0 : DEADLINE_UNKNOWN;
	past.left_windows = s.left_windows;
	if (held_said && ledger_hold(ledger, held, clock) == -1)
		log_warn("ledger: hold");
	held = ledger_held(ledger);
}

/* The attempts; those that crashed are among them once they are closed. */
static void
take_attempts(void)
{
	struct ledger_series	 s;
	int64_t			 now = mono_seconds();
	time_t			 clock = wall();

	ledger_series(ledger, clock, &s);
	past.attempts = s.attempts;
	past.first = now - (clock - s.first);
	past.last = now - (clock - s.last);
	if (ledger_count(ledger) > 0 && ledger_read(ledger,
	    ledger_count(ledger) - 1, &last_call) == -1)
		memset(&last_call, 0, sizeof(last_call));
	else
		note_delay(&last_call, (int64_t)clock - last_call.closed);
}

/*
 * The line of a call that has no end may be open.  The parent sees to it;
 * the entry is closed after that, for we may be killed before.
 */
static void
close_left(uint64_t after)
{
	struct proto_line	 line;

	if (!ledger_left(ledger, after, &unfinished)) {
		unfinished.call = 0;
		take_attempts();
		return;
	}
	memset(&line, 0, sizeof(line));
	line.call = unfinished.call;
	strlcpy(line.name, unfinished.line, sizeof(line.name));
	op_send_line(DIALERD_LINE_LEFT, &line);
}

/* Without it nothing may be dialled, but all else goes on. */
static void
take_ledger(void)
{
	if ((ledger = ledger_new(ledger_fd)) == NULL) {
		log_warn("ledger");
		return;
	}
	ledger_fd = -1;
	if (shortening) {
		/* It is the same ledger; but for what was said meanwhile. */
		shortening = 0;
		if (held != ledger_held(ledger) &&
		    ledger_hold(ledger, held, wall()) == -1)
			log_warn("ledger: hold");
		return;
	}
	take_past();
	close_left(0);
}

static int
handle_ledger(struct channel *ch, struct imsg *imsg, void *arg)
{
	int	 fd;

	(void)ch;
	(void)arg;
	if ((fd = imsg_get_fd(imsg)) == -1)
		return (-1);
	if (ledger != NULL || ledger_fd != -1) {
		/* One is enough: it is the same file. */
		close(fd);
		return (0);
	}
	ledger_fd = fd;
	take_ledger();
	plan_soon();
	return (0);
}

static int
handle_arrivals(struct channel *ch, struct imsg *imsg, void *arg)
{
	int	 fd;

	(void)ch;
	(void)arg;
	if ((fd = imsg_get_fd(imsg)) == -1)
		return (-1);
	if (arrivals != NULL || (arrivals = arrivals_new(fd)) == NULL) {
		log_warn("arrivals");
		close(fd);
	}
	return (0);
}

static int
get_line(struct imsg *imsg, struct proto_line *line)
{
	if (imsg_get_data(imsg, line, sizeof(*line)) == -1 ||
	    memchr(line->name, '\0', sizeof(line->name)) == NULL ||
	    memchr(line->text, '\0', sizeof(line->text)) == NULL)
		return (-1);
	return (0);
}

static int
handle_line_tty(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_line	 line;

	(void)ch;
	(void)arg;
	if (get_line(imsg, &line) == -1)
		return (-1);
	window_line_tty(window, &line, imsg_get_fd(imsg));
	return (0);
}

static int
handle_link_up(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_line	 line;

	(void)ch;
	(void)arg;
	if (get_line(imsg, &line) == -1)
		return (-1);
	window_link_up(window, &line);
	return (0);
}

static int
handle_link_down(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_line	 line;

	(void)ch;
	(void)arg;
	if (get_line(imsg, &line) == -1)
		return (-1);
	if (unfinished.call != 0 && line.call == unfinished.call) {
		if (ledger_crashed(ledger, &unfinished, wall()) == -1)
			log_warn("ledger: call %llu",
			    (unsigned long long)unfinished.call);
		close_left(line.call);
		plan_soon();
	} else
		window_link_down(window, &line);
	return (0);
}

/* Of what was left some may have gone otherwise, by bouncing. */
static void
limit_left(void)
{
	if (queue.messages < past.left)
		past.left = queue.messages;
	if (queue.bytes < past.left_bytes)
		past.left_bytes = queue.bytes;
	if (queue.urgent < past.left_urgent)
		past.left_urgent = queue.urgent;
	if (past.left_deadline == DEADLINE_UNKNOWN)
		past.left_deadline = queue.deadline;
	if (queue.messages <= past.left)
		past.fresh = 0;
	else if (past.fresh == 0)
		past.fresh = mono_seconds();
}

static int
handle_queue_state(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &queue, sizeof(queue)) == -1 ||
	    queue.urgent > queue.messages || queue.deadline < 0)
		return (-1);
	limit_left();
	window_queue(window, queue.messages);
	plan_soon();
	return (0);
}

static int
handle_progress(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_progress	 progress;

	(void)arg;
	if (imsg_get_data(imsg, &progress, sizeof(progress)) == -1)
		return (-1);
	window_progress(window, ch->peer, &progress);
	return (0);
}

static int
handle_request(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_result	 r;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &r, sizeof(r)) == -1 ||
	    memchr(r.text, '\0', sizeof(r.text)) == NULL)
		return (-1);
	log_info("a call is asked for by %s", r.text);
	if (held || window_active(window) || stopping ||
	    request_state != POLICY_REQUEST_NONE)
		return (0);
	/* A program asks, not the operator: the redial rule holds (L5). */
	request_state = POLICY_REQUEST_FAILED;
	strlcpy(request_text, r.text, sizeof(request_text));
	plan_soon();
	return (0);
}

static void
note_user(const struct ctl_call_user *u)
{
	/* What comes late is of a call that is over. */
	if (ledger == NULL || !window_active(window) || u->call != call_id ||
	    (u->sent == 0 && u->fetched == 0))
		return;
	if (ledger_user(ledger, u, wall()) == -1)
		log_warn("ledger: user %s", u->user);
}

void
dialerd_account(const struct proto_account_result *r)
{
	struct ctl_call_user	 u;

	memset(&u, 0, sizeof(u));
	u.call = call_id;
	u.fetched = r->messages;
	u.fetched_bytes = r->bytes;
	strlcpy(u.user, r->user, sizeof(u.user));
	note_user(&u);
}

static int
handle_arrival(struct channel *ch, struct imsg *imsg, void *arg)
{
	static int		 missing;
	struct proto_arrival	 a;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &a, sizeof(a)) == -1 ||
	    a.class > PROTO_BULK || a.time < 0 || a.deadline < 0)
		return (-1);
	if (arrivals == NULL || arrivals_add(arrivals, &a) == 0)
		missing = 0;
	else if (!missing++)
		log_warn("arrivals");	/* once for all that is missing */
	return (0);
}

static int
handle_user_sent(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_user_sent	 s;
	struct ctl_call_user	 u;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &s, sizeof(s)) == -1 ||
	    memchr(s.user, '\0', sizeof(s.user)) == NULL)
		return (-1);
	memset(&u, 0, sizeof(u));
	u.call = s.call;
	u.sent = s.messages;
	u.sent_bytes = s.bytes;
	strlcpy(u.user, s.user, sizeof(u.user));
	note_user(&u);
	return (0);
}

static const struct channel_row parent_rows[] = {
	{ PARENT_CONTROL,	handle_control },
	{ PARENT_LEDGER,	handle_ledger },
	{ PARENT_ARRIVALS,	handle_arrivals },
	{ PARENT_LINE_TTY,	handle_line_tty },
	{ PARENT_LINK_UP,	handle_link_up },
	{ PARENT_LINK_DOWN,	handle_link_down },
	{ PARENT_RELOAD_RESULT,	control_handle_result },
	{ PROTO_NONE,		NULL }
};

static const struct channel_row spoold_rows[] = {
	{ SPOOLD_QUEUE_STATE,	handle_queue_state },
	{ SPOOLD_PROGRESS,	handle_progress },
	{ SPOOLD_REQUEST,	handle_request },
	{ SPOOLD_ARRIVAL,	handle_arrival },
	{ SPOOLD_USER_SENT,	handle_user_sent },
	{ SPOOLD_QUEUE_ENTRY,	control_handle_queue_entry },
	{ SPOOLD_USER_ENTRY,	control_handle_user_entry },
	{ SPOOLD_LIST_END,	control_handle_list_end },
	{ SPOOLD_MESSAGE,	control_handle_message },
	{ SPOOLD_MESSAGE_RCPT,	control_handle_message_rcpt },
	{ SPOOLD_MESSAGE_RESULT, control_handle_result },
	{ PROTO_NONE,		NULL }
};

static const struct channel_row fetchd_rows[] = {
	{ FETCHD_PROGRESS,	handle_progress },
	{ FETCHD_ACCOUNT,	control_handle_account },
	{ PROTO_NONE,		NULL }
};

/* --- what all children do --- */

/* The modem's and the chat's own checks, and the tariff's limits. */
static int
check_line(const struct conf *conf, const struct conf_line *cl)
{
	struct window_line	 line;
	struct strnode		*node;
	struct modem		 modem;
	struct chat		 chat;

	if (lines_take(&line, conf, cl) == -1)
		return (-1);
	if (cl->device == NULL)
		return (0);
	TAILQ_FOREACH(node, &cl->phone, entry) {
		if (modem_dial(&modem, &cl->init, node->s, line.pulse,
		    line.answer) == -1)
			return (-1);
	}
	if (chat_start(&chat, &cl->chat, &cl->chat_abort,
	    cl->chat_timeout) == -1)
		return (-1);
	chat_free(&chat);
	return (0);
}

static int
dialerd_prepare(struct conf *conf)
{
	const struct conf_line	*line;

	TAILQ_FOREACH(line, &conf->lines, entry) {
		if (check_line(conf, line) == -1) {
			log_warn("line %s", line->name);
			return (errno);
		}
	}
	return (0);
}

static void
dialerd_swap(struct conf *conf)
{
	(void)conf;
	/* A call in progress has its own copy of its line. */
	plan_soon();
}

static void
dialerd_peer_up(enum proc_id peer)
{
	(void)peer;
	plan_soon();
}

static void
dialerd_peer_down(enum proc_id peer)
{
	window_peer_down(window, peer);
	if (peer == PROC_SPOOLD) {
		control_spoold_down();
		/* It says anew how the queue stands when it is back. */
		memset(&queue, 0, sizeof(queue));
	}
	plan_soon();
}

static void
dialerd_shutdown(void)
{
	stopping = 1;
	if (!window_active(window))
		child_exit();
	window_end(window, "shutdown", "relayd is stopping");
}

static const struct child_ops child = {
	.self = PROC_DIALERD,
	.parent_rows = parent_rows,
	.peer_rows = {
		[PROC_SPOOLD] = spoold_rows,
		[PROC_FETCHD] = fetchd_rows
	},
	.prepare = dialerd_prepare,
	.swap = dialerd_swap,
	.peer_up = dialerd_peer_up,
	.peer_down = dialerd_peer_down,
	.shutdown = dialerd_shutdown
};

int
main(int argc, char *argv[])
{
	/* The zone's file is out of reach once the root is empty. */
	tzset();
	started = wall();
	past.good = started_mono = mono_seconds();
	if ((window = window_new(&ops)) == NULL)
		fatal("window");
	tty_init(from_tty);
	child_run(&child, argc, argv);
}
