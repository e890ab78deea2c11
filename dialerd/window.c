/* See LICENSE for the terms. */
/*
 * The state machine of a call.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "window_private.h"

static void	 hang_up(struct window *);

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

/* --- time --- */

void
window_arm(struct window *w)
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
	window_arm(w);
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
	/* Dialled again, a stalled one would only cost as much again. */
	if (w->up != 0 && strcmp(w->call.result, "stalled") == 0)
		return (w->call.sent + w->call.fetched > 0);
	return (w->up != 0 && (strcmp(w->call.result, "ok") == 0 ||
	    strcmp(w->call.result, "maximum") == 0 ||
	    strcmp(w->call.result, "budget") == 0 ||
	    strcmp(w->call.result, "hangup") == 0));
}

static void
finish(struct window *w)
{
	struct ctl_call	 call;
	int		 good;

	window_sum_up(w);
	good = was_good(w);
	window_charge(w);
	call = w->call;
	w->ops->ledger_close(&call, w->left, good);
	free_lists(w);
	w->state = IDLE;
	memset(&w->call, 0, sizeof(w->call));
	window_arm(w);
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
	window_stop_clock(w);
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
	window_set_busy(w, PROC_SPOOLD, 0);
	window_set_busy(w, PROC_FETCHD, 0);
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
	w->call_end = w->ops->mono() + window_ceiling_ms(&w->line);
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
	window_set_busy(w, PROC_SPOOLD, 1);
	window_set_busy(w, PROC_FETCHD, 1);
	send_window(w, DIALERD_WINDOW_OPEN);
	memset(&w->bulk, 0, sizeof(w->bulk));
	w->asked = 0;
	window_consider(w);
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
	enter(w, DIALLING, window_setup_ms(&w->line) - OPEN_MS);
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
	if (line->error == ECONNABORTED && !w->others) {
		w->others = 1;
		/* Two that escape at once take each other's silence away. */
		if (w->state == HANGING && w->tty)
			w->ops->tty_hangup(w->others);
	}
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
	window_set_busy(w, from, progress->busy && !w->closing);
	if (progress->closed && w->closing)
		peer->closed = 1;
	window_sample(w);
	switch (w->state) {
	case WINDOW:
		window_consider(w);
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
		window_consider(w);
	else
		window_arm(w);
}

/* --- what is shown --- */

int
window_active(const struct window *w)
{
	return (w->state != IDLE);
}

