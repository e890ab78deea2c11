/* See LICENSE for the terms. */
/*
 * The state machine of a call.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stay.h"
#include "window.h"

/* Time-outs, in milliseconds. */
#define OPEN_MS		10000	/* the parent opens and locks a device */
#define MODEM_MS	20000	/* set-up beside the commands and the answer:
				 * waking a modem that does not answer */
#define COMMAND_MS	4000	/* of set-up, for each command */
#define LINK_MS		60000	/* PPP negotiation with retries, or `up` */
#define CLOSE_MS	5000	/* QUIT, and TCP's farewell on a slow line */
#define UNLINK_MS	10000	/* pppd's farewell, or `down` */
#define HANGUP_MS	10000	/* modem.c's and tty.c's own are shorter */
#define SETTLE_MS	2000	/* last report, when the link is gone */
#define CEILING_MS	5000	/* of the whole call, above the sum of these */
#define BROKEN_MS	500	/* connections may hear of a lost line first */
#define ANSWER_MS	1000	/* of spoold, to what it is told */
#define SAMPLE_MS	2000	/* over which a rate is measured, at least */

enum state {
	IDLE,
	OPENING,		/* DIALERD_LINE_OPEN was sent */
	DIALLING,		/* the tty is at work */
	LINKING,		/* DIALERD_LINK_START was sent */
	WINDOW,
	CLOSING,		/* DIALERD_WINDOW_CLOSE was sent */
	UNLINKING,		/* DIALERD_LINK_STOP was sent */
	HANGING,		/* the tty hangs up */
	SETTLING		/* line closed, last reports awaited */
};

static const enum ctl_state shown[] = {
	CTL_STATE_IDLE, CTL_STATE_OPENING, CTL_STATE_DIALLING,
	CTL_STATE_LINKING, CTL_STATE_WINDOW, CTL_STATE_CLOSING,
	CTL_STATE_CLOSING, CTL_STATE_HANGUP, CTL_STATE_HANGUP
};

struct peer {				/* spoold or fetchd */
	struct proto_progress	 progress;
	int			 reported;
	int			 closed;
	uint64_t		 busy_since;	/* monotonic; 0: it is idle */
	uint64_t		 busy;		/* before that, milliseconds */
};

struct sample {
	uint64_t	 mono;
	uint64_t	 out;
	uint64_t	 in;
};

struct window {
	const struct window_ops	*ops;
	enum state		 state;
	struct window_line	 line;
	struct ctl_call		 call;
	struct peer		 peers[PROC_COUNT];
	uint64_t		 state_end;	/* monotonic time-outs */
	uint64_t		 window_end;
	uint64_t		 call_end;
	uint64_t		 began;		/* monotonic: first digit, */
	uint64_t		 billed;	/* answer, */
	uint64_t		 up;		/* window; each 0: not yet */
	int			 tty;		/* the tty is open */
	int			 link;		/* started, not down yet */
	uint64_t		 broken_end;	/* monotonic; 0: not */
	int			 opened;	/* WINDOW_OPEN was sent */
	int			 closing;	/* WINDOW_CLOSE was sent */
	int			 fast;		/* no time for good order */
	int			 others;	/* the parent hangs up too */
	uint64_t		 queue;		/* messages */
	uint64_t		 left;		/* of them after the window */
	uint64_t		 look_end;	/* monotonic: consider again */
	uint64_t		 moved;		/* monotonic: the last byte; */
	uint64_t		 moved_bytes;	/* all there were then */
	struct proto_bulk	 bulk;		/* as it was told */
	uint64_t		 asked;		/* monotonic: what it begins
						 * now; 0: it need not say */
	struct sample		 samples[2];
};

static void	 hang_up(struct window *);
static void	 consider(struct window *);

struct window *
window_new(const struct window_ops *ops)
{
	struct window	*w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return (NULL);
	w->ops = ops;
	TAILQ_INIT(&w->line.init);
	TAILQ_INIT(&w->line.chat);
	TAILQ_INIT(&w->line.chat_abort);
	return (w);
}

/* There may be passwords in the chat. */
static void
free_lists(struct window *w)
{
	struct strnode	*node;

	TAILQ_FOREACH(node, &w->line.chat, entry)
		explicit_bzero(node->s, strlen(node->s));
	strlist_free(&w->line.init);
	strlist_free(&w->line.chat);
	strlist_free(&w->line.chat_abort);
}

void
window_free(struct window *w)
{
	if (w == NULL)
		return;
	free_lists(w);
	free(w);
}

static uint64_t
setup_ms(const struct window_line *line)
{
	uint64_t	 answer = line->answer;

	if (!line->modem)
		return (OPEN_MS);
	if (answer > MODEM_ANSWER_MAX)
		answer = MODEM_ANSWER_MAX;
	return (OPEN_MS + MODEM_MS +
	    COMMAND_MS * (MODEM_INIT_MAX + 1) + answer * 1000);
}

static uint64_t
chat_ms(const struct window_line *line)
{
	return (line->chat_timeout == 0 ? 0 : CONF_CHAT_MAX * 1000);
}

static uint64_t
ceiling_ms(const struct window_line *line)
{
	return (setup_ms(line) + chat_ms(line) + LINK_MS + line->window * 1000 + CLOSE_MS +
	    UNLINK_MS + HANGUP_MS + SETTLE_MS + CEILING_MS);
}

uint64_t
window_worst_seconds(const struct window_line *line)
{
	uint64_t	 ms;

	ms = chat_ms(line) + LINK_MS + line->window * 1000 + CLOSE_MS +
	    UNLINK_MS + HANGUP_MS;
	return (ms / 1000 + (line->modem ? line->answer : 0));
}

uint64_t
window_worst_cost(const struct window_line *line, time_t t, uint64_t bytes)
{
	uint64_t	 seconds = window_worst_seconds(line), now, then;
	uint64_t	 answer = line->modem ? line->answer : 0;

	/* Answered at once, or as late as can be: rates may change between,
	 * and either can be the dearer. */
	now = tariff_cost(&line->tariff, t, seconds, bytes).cost;
	then = tariff_cost(&line->tariff, t + (time_t)answer,
	    seconds - answer, bytes).cost;
	return (now > then ? now : then);
}

/* --- time --- */

static void
arm(struct window *w)
{
	uint64_t	 now = w->ops->mono(), end;

	if (w->state == IDLE) {
		w->ops->timer(-1);
		return;
	}
	end = w->state_end;
	if (w->state == WINDOW && w->broken_end != 0 && w->broken_end < end)
		end = w->broken_end;
	if (w->state == WINDOW && w->look_end < end)
		end = w->look_end;
	if (w->state < HANGING && w->call_end < end)
		end = w->call_end;
	w->ops->timer(end > now ? (int64_t)(end - now) : 0);
}

static void
enter(struct window *w, enum state state, uint64_t ms)
{
	w->state = state;
	w->state_end = w->ops->mono() + ms;
	arm(w);
}

static uint64_t
seconds_since(struct window *w, uint64_t then)
{
	/* Begun seconds count: providers round up. */
	return (then == 0 ? 0 : (w->ops->mono() - then + 999) / 1000);
}

/* --- messages --- */

static void
send_line(struct window *w, uint32_t type)
{
	struct proto_line	 line;

	memset(&line, 0, sizeof(line));
	line.call = w->call.call;
	strlcpy(line.name, w->line.name, sizeof(line.name));
	strlcpy(line.text, w->call.reason, sizeof(line.text));
	w->ops->send_line(type, &line);
}

static void
send_window(struct window *w, uint32_t type)
{
	struct proto_window	 window;

	memset(&window, 0, sizeof(window));
	window.call = w->call.call;
	window.seconds = w->line.window;
	w->ops->send_window(type, &window);
}

/* The first result is the one that counts. */
static void
set_result(struct window *w, const char *result, const char *reason)
{
	if (w->call.result[0] != '\0')
		return;
	strlcpy(w->call.result, result, sizeof(w->call.result));
	strlcpy(w->call.reason, reason, sizeof(w->call.reason));
}

/* --- the end, in the order of a good one --- */

static int
all_closed(const struct window *w)
{
	return (!w->opened || (w->peers[PROC_SPOOLD].closed &&
	    w->peers[PROC_FETCHD].closed));
}

/* A window that did its work, even where the operator found it enough. */
static int
was_good(const struct window *w)
{
	return (w->up != 0 && (strcmp(w->call.result, "ok") == 0 ||
	    strcmp(w->call.result, "maximum") == 0 ||
	    strcmp(w->call.result, "budget") == 0 ||
	    strcmp(w->call.result, "hangup") == 0));
}

/* What a call for only one of these messages would have cost: as long to
 * link up, and its share of the rest. */
static uint64_t
single_cost(const struct window *w, time_t from)
{
	const struct ctl_call	*call = &w->call;
	uint64_t		 n = call->sent + call->fetched, setup;

	if (n == 0 || w->up < w->billed)
		return (0);
	setup = (w->up - w->billed + 999) / 1000;
	if (setup > call->seconds)
		setup = call->seconds;
	return (tariff_cost(&w->line.tariff, from,
	    setup + (call->seconds - setup + n - 1) / n,
	    (call->bytes_out + call->bytes_in) / n).cost);
}

/* For how long it had mail to move; what is reported now is not yet in it. */
static uint64_t
busy_ms(const struct window *w, enum proc_id id)
{
	const struct peer	*peer = &w->peers[id];

	if (peer->busy_since == 0)
		return (peer->busy);
	return (peer->busy + w->ops->mono() - peer->busy_since);
}

static void
set_busy(struct window *w, enum proc_id id, int busy)
{
	struct peer	*peer = &w->peers[id];

	peer->busy = busy_ms(w, id);
	peer->busy_since = busy ? w->ops->mono() : 0;
}

static void
sum_up(struct window *w)
{
	const struct proto_progress	*out, *in;

	out = &w->peers[PROC_SPOOLD].progress;
	in = &w->peers[PROC_FETCHD].progress;
	w->call.sent = out->messages;
	w->call.fetched = in->messages;
	w->call.failed = (uint64_t)out->failed + in->failed;
	w->call.bytes_out = out->bytes_out + in->bytes_out;
	w->call.bytes_in = out->bytes_in + in->bytes_in;
	w->call.mail_out = out->message_bytes;
	w->call.mail_in = in->message_bytes;
	w->call.repeated_out = out->repeated;
	w->call.repeated_in = in->repeated;
	w->call.busy_out = busy_ms(w, PROC_SPOOLD);
	w->call.busy_in = busy_ms(w, PROC_FETCHD);
}

/* The line costs from the answer on, and where that is not known from the
 * first digit; what surely was not answered costs nothing. */
static void
stop_clock(struct window *w)
{
	w->call.closed = w->ops->wall();
	if (w->billed == 0)
		w->billed = w->began;
	w->call.seconds = seconds_since(w, w->billed);
	if (w->billed != 0 && w->call.seconds == 0)
		w->call.seconds = 1;
}

static void
charge(struct window *w)
{
	struct tariff_cost	 cost;
	time_t			 from;

	if (w->call.seconds == 0)
		return;
	from = (time_t)(w->call.connected != 0 ? w->call.connected :
	    w->call.dialled);
	cost = tariff_cost(&w->line.tariff, from, w->call.seconds,
	    w->call.bytes_out + w->call.bytes_in);
	w->call.units = cost.units;
	w->call.cost = cost.cost;
	w->call.single_cost = single_cost(w, from);
}

static void
finish(struct window *w)
{
	struct ctl_call	 call;
	int		 good = was_good(w);

	sum_up(w);
	charge(w);
	call = w->call;
	w->ops->ledger_close(&call, w->left, good);
	free_lists(w);
	w->state = IDLE;
	memset(&w->call, 0, sizeof(w->call));
	arm(w);
	w->ops->done(&call, good);
}

/* The line is down: nothing costs any more. */
static void
line_down(struct window *w)
{
	if (w->tty) {
		w->ops->tty_close();
		w->tty = 0;
	}
	send_line(w, DIALERD_LINE_CLOSE);
	stop_clock(w);
	if (all_closed(w))
		finish(w);
	else
		enter(w, SETTLING, SETTLE_MS);
}

static void
hang_up(struct window *w)
{
	if (!w->tty) {
		line_down(w);
		return;
	}
	enter(w, HANGING, HANGUP_MS);
	w->ops->tty_hangup(w->others);
}

static void
unlink_line(struct window *w)
{
	if (!w->link) {
		hang_up(w);
		return;
	}
	w->link = 0;
	send_line(w, DIALERD_LINK_STOP);
	if (w->fast) {
		/* The parent kills what does not go by itself. */
		hang_up(w);
		return;
	}
	enter(w, UNLINKING, UNLINK_MS);
}

static void
close_window(struct window *w)
{
	if (!w->opened || w->closing) {
		unlink_line(w);
		return;
	}
	w->closing = 1;
	set_busy(w, PROC_SPOOLD, 0);
	set_busy(w, PROC_FETCHD, 0);
	w->left = w->queue;
	send_window(w, DIALERD_WINDOW_CLOSE);
	if (w->fast || all_closed(w))
		unlink_line(w);
	else
		enter(w, CLOSING, CLOSE_MS);
}

/* In good order, from wherever it is; once only. */
static void
end(struct window *w, const char *result, const char *reason)
{
	set_result(w, result, reason);
	if (w->state != IDLE && w->state < CLOSING)
		close_window(w);
}

/* Something broke: what is still to come is done without waiting. */
static void
end_fast(struct window *w, const char *result, const char *reason)
{
	set_result(w, result, reason);
	w->fast = 1;
	switch (w->state) {
	case IDLE:
	case HANGING:
	case SETTLING:
		break;
	case CLOSING:
		unlink_line(w);
		break;
	case UNLINKING:
		hang_up(w);
		break;
	default:
		close_window(w);
		break;
	}
}

/* --- the way up --- */

int
window_dial(struct window *w, struct window_line *line, const char *why,
    uint64_t bytes)
{
	if (w->state != IDLE) {
		errno = EBUSY;
		return (-1);
	}
	memset(&w->call, 0, sizeof(w->call));
	w->call.opened = w->ops->wall();
	strlcpy(w->call.line, line->name, sizeof(w->call.line));
	strlcpy(w->call.number, line->number, sizeof(w->call.number));
	strlcpy(w->call.why, why, sizeof(w->call.why));
	w->call.worst_seconds = window_worst_seconds(line);
	w->call.worst_cost = window_worst_cost(line, w->call.opened, bytes);
	/* L4: durable before the first digit. */
	if (w->ops->ledger_open(&w->call) == -1)
		return (-1);
	free_lists(w);
	w->line = *line;
	TAILQ_INIT(&w->line.init);
	TAILQ_INIT(&w->line.chat);
	TAILQ_INIT(&w->line.chat_abort);
	TAILQ_CONCAT(&w->line.init, &line->init, entry);
	TAILQ_CONCAT(&w->line.chat, &line->chat, entry);
	TAILQ_CONCAT(&w->line.chat_abort, &line->chat_abort, entry);
	memset(w->peers, 0, sizeof(w->peers));
	memset(w->samples, 0, sizeof(w->samples));
	w->tty = w->link = w->opened = w->closing = 0;
	w->fast = w->others = 0;
	w->left = 0;
	w->began = w->billed = w->up = 0;
	w->call_end = w->ops->mono() + ceiling_ms(&w->line);
	enter(w, OPENING, OPEN_MS);
	send_line(w, DIALERD_LINE_OPEN);
	return (0);
}

static void
open_window(struct window *w)
{
	w->call.up = w->ops->wall();
	w->up = w->ops->mono();
	w->opened = 1;
	w->moved = w->look_end = w->up;
	w->moved_bytes = 0;
	enter(w, WINDOW, w->line.window * 1000);
	w->broken_end = 0;
	set_busy(w, PROC_SPOOLD, 1);
	set_busy(w, PROC_FETCHD, 1);
	send_window(w, DIALERD_WINDOW_OPEN);
	memset(&w->bulk, 0, sizeof(w->bulk));
	w->asked = 0;
	consider(w);
}

/*
 * Also where there is nothing to be brought up: the parent then says so at
 * once, and its own clock (L1) counts the window from there.
 */
static void
start_link(struct window *w)
{
	w->link = 1;
	if (w->tty && w->line.link)
		w->ops->tty_release();
	else if (w->tty)
		w->ops->tty_watch();
	enter(w, LINKING, LINK_MS);
	send_line(w, DIALERD_LINK_START);
}

static int
is_current(const struct window *w, const struct proto_line *line)
{
	return (w->state != IDLE && line->call == w->call.call);
}

void
window_line_tty(struct window *w, const struct proto_line *line, int fd)
{
	if (!is_current(w, line) || w->state != OPENING) {
		if (fd != -1)
			close(fd);
		return;
	}
	if (line->error != 0 || (w->line.modem && fd == -1)) {
		if (fd != -1)
			close(fd);
		end(w, "no-line", line->text[0] != '\0' ? line->text :
		    "the parent gave no device");
		return;
	}
	if (!w->line.modem) {
		if (fd != -1)
			close(fd);
		/* The line itself is what costs. */
		w->began = w->billed = w->ops->mono();
		w->call.dialled = w->call.connected = w->ops->wall();
		start_link(w);
		return;
	}
	w->tty = 1;
	enter(w, DIALLING, setup_ms(&w->line) - OPEN_MS);
	if (w->ops->tty_dial(fd, &w->line) == -1) {
		w->tty = 0;
		end(w, "no-line", strerror(errno));
	}
}

/*
 * Results with which the far side, or somebody there, may have taken the
 * call: a modem that vanishes does not say.
 */
static int
was_answered(enum modem_result result)
{
	return (result == MODEM_NO_CARRIER || result == MODEM_VOICE ||
	    result == MODEM_RING || result == MODEM_SILENT ||
	    result == MODEM_DEAD);
}

static void
tty_failed(struct window *w, enum modem_result result, const char *text)
{
	if (!was_answered(result))
		w->began = 0;
	end(w, result == MODEM_SILENT ? "no-answer" :
	    modem_result_name(result), text);
}

/* Answered: with a chat to come, or at once ready for the link. */
static void
tty_answered(struct window *w, const char *text)
{
	if (w->billed != 0)
		return;
	w->call.connected = w->ops->wall();
	w->billed = w->ops->mono();
	strlcpy(w->call.connect, text, sizeof(w->call.connect));
}

void
window_modem(struct window *w, enum window_tty event,
    enum modem_result result, const char *text)
{
	switch (event) {
	case WINDOW_TTY_DIALLED:
		if (w->state == DIALLING) {
			w->began = w->ops->mono();
			w->call.dialled = w->ops->wall();
		}
		break;
	case WINDOW_TTY_CHAT:
		if (w->state == DIALLING) {
			tty_answered(w, text);
			enter(w, DIALLING, CONF_CHAT_MAX * 1000 + HANGUP_MS);
		}
		break;
	case WINDOW_TTY_CONNECTED:
		if (w->state == DIALLING) {
			tty_answered(w, text);
			start_link(w);
		}
		break;
	case WINDOW_TTY_FAILED:
		if (w->state == DIALLING)
			tty_failed(w, result, text);
		break;
	case WINDOW_TTY_LOST:
		if (w->state > DIALLING && w->state < HANGING)
			end_fast(w, "lost", text);
		break;
	case WINDOW_TTY_DOWN:
		if (w->state == HANGING)
			line_down(w);
		break;
	}
}

void
window_link_up(struct window *w, const struct proto_line *line)
{
	if (!is_current(w, line))
		return;
	if (w->state == OPENING && line->error == EALREADY) {
		w->call.foreign = 1;
		open_window(w);
	} else if (w->state == LINKING)
		open_window(w);
}

void
window_link_down(struct window *w, const struct proto_line *line)
{
	const char	*text = line->text[0] != '\0' ? line->text :
	    "the link went down";

	if (!is_current(w, line))
		return;
	/* The parent takes the line down by itself: its own clock, a death. */
	if (line->error == ECONNABORTED)
		w->others = 1;
	switch (w->state) {
	case OPENING:
	case DIALLING:
		end_fast(w, "fault", text);
		break;
	case LINKING:
		w->link = 0;
		end(w, "no-link", text);
		break;
	case WINDOW:
	case CLOSING:
		w->link = 0;
		end_fast(w, "lost", text);
		break;
	case UNLINKING:
		hang_up(w);
		break;
	default:
		break;
	}
}

/* --- the window --- */

static int
is_idle(const struct peer *peer)
{
	return (peer->reported && !peer->progress.busy);
}

static uint64_t
rate(uint64_t now, uint64_t then, uint64_t ms)
{
	return (ms == 0 || now < then ? 0 : (now - then) * 1000 / ms);
}

/* Bytes a second out of late, or as it was in past windows. */
static uint64_t
rate_out(const struct window *w)
{
	const struct sample	*from = &w->samples[0], *to = &w->samples[1];
	uint64_t		 now = 0;

	if (from->mono != 0)
		now = rate(to->out, from->out, to->mono - from->mono);
	return (now > w->line.rate ? now : w->line.rate);
}

static void
stay_gather(struct window *w, struct stay_facts *f)
{
	const struct peer	*s = &w->peers[PROC_SPOOLD];
	const struct peer	*in = &w->peers[PROC_FETCHD];
	int			 bulk_only;

	memset(f, 0, sizeof(*f));
	f->tariff = &w->line.tariff;
	f->foreign = w->call.foreign != 0;
	f->answered = (time_t)w->call.connected;
	f->billed = seconds_since(w, w->billed);
	f->bytes = w->call.bytes_out + w->call.bytes_in;
	f->room = w->line.room;
	bulk_only = s->reported && s->progress.todo == 0 &&
	    s->progress.bulk > 0;
	f->work = !is_idle(in) || (!is_idle(s) && !bulk_only);
	f->flying = !is_idle(s) && bulk_only;
	f->todo = s->progress.todo_bytes;
	f->bulk = s->progress.bulk;
	f->rate = rate_out(w);
	f->linger = w->line.linger;
	f->margin = w->line.margin;
}

static void
tell_bulk(struct window *w, uint64_t bytes)
{
	if (w->bulk.call == w->call.call && w->bulk.bytes == bytes)
		return;
	w->bulk.call = w->call.call;
	w->bulk.bytes = bytes;
	w->ops->send_bulk(&w->bulk);
}

/*
 * Nothing is left to do.  Where something failed it may be that the line is
 * lost, and that its modem has not said so yet.
 */
static void
all_done(struct window *w, const char *reason)
{
	if (w->peers[PROC_SPOOLD].progress.failed == 0 &&
	    w->peers[PROC_FETCHD].progress.failed == 0)
		end(w, "ok", reason);
	else if (w->broken_end == 0)
		w->broken_end = w->ops->mono() + BROKEN_MS;
}

/* Work is left and nothing moves: 1 when that has cost enough. */
static int
stalled(struct window *w, const struct stay_facts *f)
{
	uint64_t	 now = w->ops->mono(), till;

	if (f->bytes != w->moved_bytes || (!f->work && !f->flying)) {
		w->moved_bytes = f->bytes;
		w->moved = now;
	}
	if (w->line.stall == 0)
		return (0);
	till = w->moved + w->line.stall * 1000;
	if (till < w->look_end)
		w->look_end = till;
	return (now >= till);
}

/*
 * There is bulk mail that spoold does not begin for want of room, and there is
 * more of that than it knows: 1 while its answer is to come.
 */
static int
more_room(struct window *w, const struct stay_decision *d)
{
	const struct peer	*s = &w->peers[PROC_SPOOLD];

	if (!is_idle(s) || s->progress.bulk == 0 ||
	    d->bulk <= s->progress.bulk_room)
		return (0);
	if (w->asked == 0)
		w->asked = w->ops->mono();
	if (w->ops->mono() - w->asked >= ANSWER_MS)
		return (0);
	w->look_end = w->asked + ANSWER_MS;
	return (1);
}

/* Whether the window is worth its time. */
static void
consider(struct window *w)
{
	struct stay_facts	 f;
	struct stay_decision	 d;

	if (w->state != WINDOW)
		return;
	stay_gather(w, &f);
	stay_decide(&f, &d);
	tell_bulk(w, d.bulk);
	w->look_end = w->ops->mono() + d.again * 1000;
	if (d.end == STAY_ON)
		w->broken_end = 0;
	if (stalled(w, &f))
		end(w, "stalled", "no byte moved in time that is paid for");
	else if (d.end == STAY_BUDGET)
		end(w, "budget", "the budget does not allow more");
	else if (d.end == STAY_PAID && !more_room(w, &d))
		all_done(w, "what is left is not worth another unit");
	else if (d.end == STAY_DONE)
		all_done(w, "all done");
	arm(w);
}

static void
sample(struct window *w)
{
	uint64_t	 now = w->ops->mono();

	sum_up(w);
	if (w->samples[1].mono != 0 &&
	    now - w->samples[1].mono < SAMPLE_MS)
		return;
	w->samples[0] = w->samples[1];
	w->samples[1].mono = now;
	w->samples[1].out = w->call.bytes_out;
	w->samples[1].in = w->call.bytes_in;
}

void
window_progress(struct window *w, enum proc_id from,
    const struct proto_progress *progress)
{
	struct peer	*peer = &w->peers[from];

	if (w->state == IDLE || !w->opened || progress->call != w->call.call)
		return;
	peer->progress = *progress;
	peer->reported = 1;
	if (from == PROC_SPOOLD)
		w->asked = 0;
	set_busy(w, from, progress->busy && !w->closing);
	if (progress->closed && w->closing)
		peer->closed = 1;
	sample(w);
	switch (w->state) {
	case WINDOW:
		consider(w);
		break;
	case CLOSING:
		if (all_closed(w))
			unlink_line(w);
		break;
	case SETTLING:
		if (all_closed(w))
			finish(w);
		break;
	default:
		break;
	}
}

void
window_peer_down(struct window *w, enum proc_id who)
{
	if (w->state == IDLE || (who != PROC_SPOOLD && who != PROC_FETCHD))
		return;
	/* Nothing more is to be expected of it; and the parent has seen it
	 * die as well, and takes the line down (L2). */
	w->peers[who].closed = 1;
	w->others = 1;
	if (w->state == SETTLING && all_closed(w))
		finish(w);
	else
		end_fast(w, "fault", who == PROC_SPOOLD ? "spoold died" :
		    "fetchd died");
}

void
window_queue(struct window *w, uint64_t messages)
{
	w->queue = messages;
	/* Marks come late and count; new mail comes late and does not. */
	if (w->closing && messages < w->left)
		w->left = messages;
}

void
window_end(struct window *w, const char *result, const char *reason)
{
	if (w->state != IDLE)
		end(w, result, reason);
}

/* --- time-outs --- */

static void
state_timeout(struct window *w)
{
	switch (w->state) {
	case IDLE:
		break;
	case OPENING:
		end(w, "no-line", "no answer from the parent");
		break;
	case DIALLING:
		/* The dialogue has time-outs of its own: this is a bug. */
		end(w, "fault", "the modem dialogue did not end");
		break;
	case LINKING:
		end(w, "no-link", "the link did not come up in time");
		break;
	case WINDOW:
		end(w, "maximum", "longest window reached");
		break;
	case CLOSING:
		unlink_line(w);
		break;
	case UNLINKING:
		hang_up(w);
		break;
	case HANGING:
		line_down(w);
		break;
	case SETTLING:
		finish(w);
		break;
	}
}

void
window_tick(struct window *w)
{
	uint64_t	 now = w->ops->mono();

	if (w->state == IDLE)
		return;
	if (now >= w->call_end && w->state < HANGING) {
		end_fast(w, "fault", "the call went over its ceiling");
		return;
	}
	if (w->state == WINDOW && w->broken_end != 0 && now >= w->broken_end)
		end(w, "ok", "all done");
	else if (now >= w->state_end)
		state_timeout(w);
	else if (w->state == WINDOW)
		consider(w);
	else
		arm(w);
}

/* --- what is shown --- */

int
window_active(const struct window *w)
{
	return (w->state != IDLE);
}

/* What it has cost, and when it will cost more. */
static void
so_far(struct window *w, struct ctl_summary *s)
{
	time_t			 from = (time_t)w->call.connected;
	struct tariff_cost	 cost;
	uint64_t		 paid;

	if (w->call.foreign || w->billed == 0)
		return;
	cost = tariff_cost(&w->line.tariff, from, s->call.seconds,
	    w->call.bytes_out + w->call.bytes_in);
	s->call.units = cost.units;
	s->call.cost = cost.cost;
	paid = tariff_paid(&w->line.tariff, from, s->call.seconds);
	if (paid != UINT64_MAX)
		s->unit_ends = w->ops->wall() +
		    (int64_t)(paid - s->call.seconds);
}

void
window_summary(struct window *w, struct ctl_summary *s)
{
	const struct sample	*from = &w->samples[0];
	uint64_t		 now = w->ops->mono();

	s->state = shown[w->state];
	if (w->state == IDLE)
		return;
	sample(w);
	s->call = w->call;
	if (w->call.closed == 0) {
		s->call.seconds = seconds_since(w, w->billed);
		so_far(w, s);
	}
	s->window_max = w->line.window;
	s->window_seconds = seconds_since(w, w->up);
	s->todo_out = w->peers[PROC_SPOOLD].progress.todo;
	s->todo_out_bytes = w->peers[PROC_SPOOLD].progress.todo_bytes;
	s->todo_in = w->peers[PROC_FETCHD].progress.todo;
	s->todo_in_bytes = w->peers[PROC_FETCHD].progress.todo_bytes;
	if (from->mono == 0)
		return;
	s->rate_out = rate(w->call.bytes_out, from->out, now - from->mono);
	s->rate_in = rate(w->call.bytes_in, from->in, now - from->mono);
}
