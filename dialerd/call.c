/* See LICENSE for the terms. */
/* What a window needs of the world: clocks, messages, the modem, the ledger
 * and a timer. */
#include <sys/types.h>
#include <event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "child.h"
#include "delayed.h"
#include "dialerd_private.h"
#include "log.h"
#include "modem.h"
#include "tty.h"

static struct event	 window_ev;

static time_t
wall(void)
{
	return (time(NULL));
}

static void
window_timer(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	window_tick(dialerd.window);
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
	if (ledger_open(dialerd.ledger, call) == -1)
		return (-1);
	dialerd.call_id = call->call;
	log_open(call);
	return (0);
}

static void
op_ledger_close(const struct ctl_call *call, uint64_t left, int good)
{
	if (ledger_close(dialerd.ledger, call, left, good) == -1)
		log_warn("ledger: call %llu", (unsigned long long)call->call);
	if (good)
		facts_left(&dialerd.facts, left);
}

void
call_send_line(uint32_t type, const struct proto_line *line)
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

/* How long the modem keeps a number back, of a call that ended some seconds
 * ago. */
void
call_note_delay(const struct ctl_call *call, int64_t ago)
{
	uint64_t	 seconds = modem_delay(call->reason);

	if (strcmp(call->result, modem_result_name(MODEM_DELAYED)) == 0 &&
	    ago >= 0 && (uint64_t)ago < seconds)
		delayed_note(call->number, dialerd_now().mono,
		    seconds - (uint64_t)ago);
}

static void
op_done(const struct ctl_call *call, int good)
{
	log_closed(call);
	dialerd.last_call = *call;
	call_note_delay(call, 0);
	if (good)
		facts_good(&dialerd.facts, (time_t)call->up, dialerd_now(),
		    arc4random());
	else
		plan_failed();
	if (!good && strcmp(call->result, "hangup") == 0)
		facts_hung_up(&dialerd.facts, &child_conf->global);
	if (dialerd.stopping)
		child_exit();
	plan_rest();
}

static const struct window_ops ops = {
	.mono = dialerd_mono,
	.wall = wall,
	.ledger_open = op_ledger_open,
	.ledger_close = op_ledger_close,
	.send_line = call_send_line,
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
	window_modem(dialerd.window, event, result, text);
}

int
call_init(void)
{
	if ((dialerd.window = window_new(&ops)) == NULL)
		return (-1);
	tty_init(from_tty);
	return (0);
}
