/* See LICENSE for the terms. */
/* What a call would take and cost: see estimate.h. */
#include <string.h>

#include "estimate.h"

/* Before anything is measured. */
#define USUAL_ANSWER	25	/* seconds: ringing, and modems that agree */
#define USUAL_LINK	5	/* seconds: PPP */
#define USUAL_MODEM	3360	/* bytes a second: V.34, ten bits a byte */
#define USUAL_OTHER	8000	/* bytes a second: a slow mobile network */
/* Connections, greetings and handshakes, and the end of them. */
#define USUAL_TALK	6	/* seconds */
/* What a few short messages take is the time of the talk, not of the line. */
#define SURE_BYTES	(64 * 1024)

static uint64_t
usual_rate(const struct window_line *line)
{
	uint64_t	 port = line->speed / 10;

	if (!line->modem)
		return (USUAL_OTHER);
	return (port != 0 && port < USUAL_MODEM ? port : USUAL_MODEM);
}

static uint64_t
seconds_for(uint64_t bytes, uint64_t rate)
{
	return (bytes / rate + (bytes % rate != 0));
}

/* Rounded up where it does not fit the window: it would be cut off. */
static uint64_t
transfer(const struct estimate *e, const struct window_line *line,
    uint64_t bytes)
{
	uint64_t	 out = seconds_for(bytes, e->rate_out);
	uint64_t	 in = seconds_for(e->fetch_bytes, e->rate_in);
	uint64_t	 s = (out > in ? out : in);

	/* Both ways at once: the longer one is what counts. */
	if (s > UINT64_MAX - USUAL_TALK)
		s = UINT64_MAX - USUAL_TALK;
	s += USUAL_TALK;
	return (line->window != 0 && s > line->window ? line->window : s);
}

void
estimate_call(struct estimate *e, const struct window_line *line,
    const struct ledger_speed *speed, time_t t, uint64_t bytes)
{
	struct tariff_cost	 cost;
	uint64_t		 answer = line->modem ? USUAL_ANSWER : 0;

	memset(e, 0, sizeof(*e));
	e->measured = speed->windows;
	e->setup = answer + USUAL_LINK;
	e->rate_out = e->rate_in = usual_rate(line);
	if (speed->windows > 0) {
		e->setup = speed->setup;
		answer = speed->answer < speed->setup ? speed->answer :
		    speed->setup;
		/* Where one way is not known it is as the other. */
		if (speed->rate_out > 0 || speed->rate_in > 0) {
			e->rate_out = speed->rate_out > 0 ? speed->rate_out :
			    speed->rate_in;
			e->rate_in = speed->rate_in > 0 ? speed->rate_in :
			    speed->rate_out;
		}
		e->fetch = speed->fetch;
		e->fetch_bytes = speed->fetch_bytes;
	}
	e->rate_bulk = e->rate_out;
	if (speed->out_bytes < SURE_BYTES && e->rate_bulk < usual_rate(line))
		e->rate_bulk = usual_rate(line);
	e->seconds = e->setup - answer + transfer(e, line, bytes);
	cost = tariff_cost(&line->tariff, t + (time_t)answer, e->seconds,
	    bytes > UINT64_MAX - e->fetch_bytes ? UINT64_MAX :
	    bytes + e->fetch_bytes);
	e->answer = answer;
	e->units = cost.units;
	e->cost = cost.cost;
}
