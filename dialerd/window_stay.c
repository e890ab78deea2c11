/* See LICENSE for the terms. */
/* Whether a window is worth its time. */
#include <stdlib.h>
#include <string.h>

#include "stay.h"
#include "window_private.h"

#define CONNECT_LEAST	300	/* bits a second: what is less is none */
#define LOOK_S		1	/* neighbours report more often than that */

static int
is_idle(const struct peer *peer)
{
	return (peer->reported && !peer->progress.busy);
}

/* Bytes a second of late, each way. */
static void
rates(const struct window *w, uint64_t *out, uint64_t *in)
{
	const struct sample	*from = &w->samples[0], *to = &w->samples[1];

	*out = *in = 0;
	if (from->mono == 0)
		return;
	*out = window_rate(to->out, from->out, to->mono - from->mono);
	*in = window_rate(to->in, from->in, to->mono - from->mono);
}

/* What the modems have agreed upon, in bytes a second: "CONNECT 33600/V42".
 * UINT64_MAX where they do not say. */
static uint64_t
connect_rate(const struct window *w)
{
	const char	*p = w->call.connect;
	uint64_t	 bits;

	p += strcspn(p, "0123456789");
	bits = strtoull(p, NULL, 10);
	return (bits < CONNECT_LEAST ? UINT64_MAX : bits / 10);
}

/* As it is now, if more than it was in past windows at this speed. */
static uint64_t
rate_out(const struct window *w, uint64_t now)
{
	uint64_t	 past = w->line.rate, most = connect_rate(w);

	if (past > most)
		past = most;
	return (now > past ? now : past);
}

static void
stay_gather(struct window *w, struct stay_facts *f)
{
	const struct peer	*s = &w->peers[PROC_SPOOLD];
	const struct peer	*in = &w->peers[PROC_FETCHD];
	uint64_t		 out_now, in_now;
	int			 bulk_only;

	memset(f, 0, sizeof(*f));
	f->tariff = &w->line.tariff;
	f->foreign = w->call.foreign != 0;
	f->answered = (time_t)w->call.connected;
	f->billed = window_since(w, w->billed);
	f->bytes = w->call.bytes_out + w->call.bytes_in;
	rates(w, &out_now, &in_now);
	f->ahead = (out_now + in_now) * LOOK_S;
	f->ending = (CLOSE_MS + UNLINK_MS + HANGUP_MS) / 1000;
	f->room = w->line.room;
	bulk_only = s->reported && s->progress.todo == 0 &&
	    s->progress.bulk > 0;
	f->work = !is_idle(in) || (!is_idle(s) && !bulk_only);
	f->flying = !is_idle(s) && bulk_only;
	f->todo = s->progress.todo_bytes;
	f->bulk = s->progress.bulk;
	f->rate = rate_out(w, out_now);
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
		window_end(w, "ok", reason);
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
	if (w->asked == 0) {
		w->asked = w->ops->mono();
		/* Also when it was told so much while some was under way. */
		w->ops->send_bulk(&w->bulk);
	}
	if (w->ops->mono() - w->asked >= ANSWER_MS)
		return (0);
	w->look_end = w->asked + ANSWER_MS;
	return (1);
}

/* Whether the window is worth its time. */
void
window_consider(struct window *w)
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
		window_end(w, "stalled",
		    "no byte moved in time that is paid for");
	else if (d.end == STAY_BUDGET)
		window_end(w, "budget", "the budget does not allow more");
	else if (d.end == STAY_PAID && !more_room(w, &d))
		all_done(w, "what is left is not worth another unit");
	else if (d.end == STAY_DONE)
		all_done(w, "all done");
	window_arm(w);
}

void
window_sample(struct window *w)
{
	uint64_t	 now = w->ops->mono();

	window_sum_up(w);
	if (w->samples[1].mono != 0 &&
	    now - w->samples[1].mono < SAMPLE_MS)
		return;
	w->samples[0] = w->samples[1];
	w->samples[1].mono = now;
	w->samples[1].out = w->call.bytes_out;
	w->samples[1].in = w->call.bytes_in;
}
