/* See LICENSE for the terms. */
/* What a call may take at worst, and what it took and cost. */
#include <string.h>

#include "window_private.h"

uint64_t
window_setup_ms(const struct window_line *line)
{
	uint64_t	 answer = line->answer;

	if (!line->modem)
		return (OPEN_MS);
	if (answer > MODEM_ANSWER_MAX)
		answer = MODEM_ANSWER_MAX;
	return (OPEN_MS + MODEM_MS +
	    COMMAND_MS * (MODEM_INIT_MAX + 1) + answer * 1000);
}

uint64_t
window_chat_ms(const struct window_line *line)
{
	return (line->chat_timeout == 0 ? 0 : CONF_CHAT_MAX * 1000);
}

uint64_t
window_ceiling_ms(const struct window_line *line)
{
	return (window_setup_ms(line) + window_chat_ms(line) + LINK_MS +
	    line->window * 1000 + CLOSE_MS + UNLINK_MS + HANGUP_MS +
	    SETTLE_MS + CEILING_MS);
}

uint64_t
window_worst_seconds(const struct window_line *line)
{
	uint64_t	 ms;

	ms = window_chat_ms(line) + LINK_MS + line->window * 1000 + CLOSE_MS +
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

uint64_t
window_since(struct window *w, uint64_t then)
{
	/* Begun seconds count: providers round up. */
	return (then == 0 ? 0 : (w->ops->mono() - then + 999) / 1000);
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

void
window_set_busy(struct window *w, enum proc_id id, int busy)
{
	struct peer	*peer = &w->peers[id];

	peer->busy = busy_ms(w, id);
	peer->busy_since = busy ? w->ops->mono() : 0;
}

void
window_sum_up(struct window *w)
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
void
window_stop_clock(struct window *w)
{
	w->call.closed = w->ops->wall();
	if (w->billed == 0)
		w->billed = w->began;
	w->call.seconds = window_since(w, w->billed);
	if (w->billed != 0 && w->call.seconds == 0)
		w->call.seconds = 1;
}

void
window_charge(struct window *w)
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

uint64_t
window_rate(uint64_t now, uint64_t then, uint64_t ms)
{
	return (ms == 0 || now < then ? 0 : (now - then) * 1000 / ms);
}

/* --- what is shown --- */

static const enum ctl_state shown[] = {
	CTL_STATE_IDLE, CTL_STATE_OPENING, CTL_STATE_DIALLING,
	CTL_STATE_LINKING, CTL_STATE_WINDOW, CTL_STATE_CLOSING,
	CTL_STATE_CLOSING, CTL_STATE_HANGUP, CTL_STATE_HANGUP
};

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
	window_sample(w);
	s->call = w->call;
	if (w->call.closed == 0) {
		s->call.seconds = window_since(w, w->billed);
		so_far(w, s);
	}
	s->window_max = w->line.window;
	s->window_seconds = window_since(w, w->up);
	s->todo_out = w->peers[PROC_SPOOLD].progress.todo;
	s->todo_out_bytes = w->peers[PROC_SPOOLD].progress.todo_bytes;
	s->todo_in = w->peers[PROC_FETCHD].progress.todo;
	s->todo_in_bytes = w->peers[PROC_FETCHD].progress.todo_bytes;
	if (from->mono == 0)
		return;
	s->rate_out = window_rate(w->call.bytes_out, from->out,
	    now - from->mono);
	s->rate_in = window_rate(w->call.bytes_in, from->in,
	    now - from->mono);
}
