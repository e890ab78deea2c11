/* See LICENSE for the terms. */
/* The page of relayctl watch, and the line that stands for it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "show.h"
#include "watch.h"

#define LABEL_COLUMNS	10
#define RIGHT_COLUMNS	27	/* what follows a bar */
#define BAR_MOST	60

/* One direction of a window. */
struct way {
	const char	*label;
	uint64_t	 done;		/* messages */
	uint64_t	 todo;
	uint64_t	 bytes;		/* of messages, that have passed */
	uint64_t	 todo_bytes;
	uint64_t	 rate;
};

static uint64_t
sum(uint64_t a, uint64_t b)
{
	return (a > UINT64_MAX - b ? UINT64_MAX : a + b);
}

/*
 * Of a message that is under way some has passed, too: as much as has gone
 * over the line beyond those that are done, as far as one can say.
 */
static void
add_partial(struct way *w, uint64_t wire)
{
	uint64_t	 partial;

	if (wire <= w->bytes)
		return;
	partial = wire - w->bytes;
	if (partial > w->todo_bytes - w->todo_bytes / 100)
		partial = w->todo_bytes - w->todo_bytes / 100;
	w->bytes = sum(w->bytes, partial);
	w->todo_bytes -= partial;
}

static void
ways(const struct ctl_summary *s, struct way *out, struct way *in)
{
	const struct ctl_call	*c = &s->call;

	out->label = "out";
	out->done = c->sent;
	out->todo = s->todo_out;
	out->bytes = c->mail_out;
	out->todo_bytes = s->todo_out_bytes;
	out->rate = s->rate_out;
	add_partial(out, c->bytes_out);
	in->label = "in";
	in->done = c->fetched;
	in->todo = s->todo_in;
	in->bytes = c->mail_in;
	in->todo_bytes = s->todo_in_bytes;
	in->rate = s->rate_in;
	add_partial(in, c->bytes_in);
}

/* How much of it is done, in 1/1000: by bytes, else by messages. */
static uint64_t
part(const struct way *w)
{
	uint64_t	 n = w->bytes, all = sum(w->bytes, w->todo_bytes);

	if (all == 0) {
		n = w->done;
		all = sum(w->done, w->todo);
	}
	if (all == 0)
		return (1000);
	return ((uint64_t)((double)n * 1000 / (double)all));
}

static int
is_nothing(const struct way *w)
{
	return (w->done == 0 && w->todo == 0 && w->todo_bytes == 0);
}

static void
put_bar(FILE *f, const char *label, uint64_t n, uint64_t of,
    const char *right)
{
	int	 columns = format_width() - LABEL_COLUMNS - RIGHT_COLUMNS - 2;

	if (columns > BAR_MOST)
		columns = BAR_MOST;
	format_left(f, label, LABEL_COLUMNS);
	putc('[', f);
	format_left(f, format_bar(n, of, columns), columns);
	fprintf(f, "]%s\n", format_cut(right, RIGHT_COLUMNS));
}

static void
put_way(FILE *f, const struct way *w)
{
	char	 right[RIGHT_COLUMNS * 4], count[32], rate[16];

	if (is_nothing(w)) {
		put_bar(f, w->label, 0, 1, "  nothing");
		return;
	}
	snprintf(count, sizeof(count), "%" PRIu64 " of %" PRIu64, w->done,
	    sum(w->done, w->todo));
	snprintf(rate, sizeof(rate), "%s/s", format_size(w->rate));
	snprintf(right, sizeof(right), "%4" PRIu64 " %% %12s %7s",
	    part(w) / 10, count, rate);
	put_bar(f, w->label, part(w), 1000, right);
}

/* Seconds that what is left will take; 0: not known. */
static uint64_t
seconds_left(const struct way *out, const struct way *in)
{
	uint64_t	 a, b;

	if ((out->todo_bytes != 0 && out->rate == 0) ||
	    (in->todo_bytes != 0 && in->rate == 0))
		return (0);
	a = out->rate == 0 ? 0 : out->todo_bytes / out->rate;
	b = in->rate == 0 ? 0 : in->todo_bytes / in->rate;
	return (a > b ? a : b);
}

static void
page_cost(FILE *f, const struct ctl_summary *s)
{
	if (s->call.foreign)
		format_field(f, "cost", "none: the link was up already");
	else if (s->unit_ends > s->now)
		format_field(f, "cost", "%s so far, the next unit in %s",
		    format_cost(s->call.cost, s->currency),
		    format_duration((uint64_t)(s->unit_ends - s->now)));
	else
		format_field(f, "cost", "%s so far",
		    format_cost(s->call.cost, s->currency));
}

static void
page_window(FILE *f, const struct ctl_summary *s)
{
	struct way	 out, in;
	uint64_t	 left;
	char		 right[RIGHT_COLUMNS * 4];

	ways(s, &out, &in);
	putc('\n', f);
	put_way(f, &out);
	put_way(f, &in);
	snprintf(right, sizeof(right), "  %s of %s",
	    format_duration(s->window_seconds),
	    format_duration(s->window_max));
	put_bar(f, "time", s->window_seconds, s->window_max, right);
	putc('\n', f);
	page_cost(f, s);
	if ((left = seconds_left(&out, &in)) != 0)
		format_field(f, "left", "some %s at this rate",
		    format_span(left));
	else if (!is_nothing(&out) || !is_nothing(&in))
		format_field(f, "left", "%s", out.todo_bytes == 0 &&
		    in.todo_bytes == 0 ? "nothing" : "not known yet");
	if (s->call.failed != 0)
		format_field(f, "failed", "%s",
		    format_count(s->call.failed, "message"));
}

static void
page_call(FILE *f, const struct ctl_summary *s)
{
	const struct ctl_call	*c = &s->call;

	format_field(f, "call", "%" PRIu64 " since %s: %s",
	    c->call, format_clock(c->opened), c->why);
	format_field(f, "", "%s%s%s%s%s", c->line,
	    c->number[0] != '\0' ? ", number " : "", c->number,
	    c->connect[0] != '\0' ? ", " : "", c->connect);
	if (c->up != 0)
		page_window(f, s);
	else if (c->connected != 0)
		page_cost(f, s);
}

static void
page_idle(FILE *f, const struct ctl_summary *s, const struct ctl_plan *p)
{
	if (s->next > s->now)
		format_field(f, "next", "in %s, at %s: %s",
		    format_duration((uint64_t)(s->next - s->now)),
		    format_clock(s->next), s->next_why);
	else
		format_field(f, "next", "%s", s->next_why);
	if (s->queue_messages != 0)
		format_field(f, "queue", "%s, %s, oldest of %s",
		    format_count(s->queue_messages, "message"),
		    format_bytes(s->queue_bytes), format_time(s->queue_oldest));
	else
		format_field(f, "queue", "empty");
	if (p != NULL) {
		fprintf(f, "\nIf it were dialled now:\n");
		show_plan_text(f, p);
	}
}

void
watch_page(FILE *f, const struct ctl_summary *s, const struct ctl_plan *p)
{
	format_left(f, "relayd", format_width() - 19);
	fprintf(f, "%.10s %s\n\n", format_time(s->now),
	    format_clock(s->now));
	format_field(f, "line", "%s%s", ctl_state_name(s->state),
	    s->hold ? ", on hold" : "");
	if (!s->spoold || !s->fetchd)
		format_field(f, "missing", "%s%s", s->spoold ? "" : "spoold ",
		    s->fetchd ? "" : "fetchd");
	if (s->call.call != 0)
		page_call(f, s);
	else
		page_idle(f, s, p);
	putc('\n', f);
	if (s->last.call != 0)
		show_call_text(f, "last", &s->last, s->currency);
	show_spent_text(f, s);
}

void
watch_line(FILE *f, const struct ctl_summary *s)
{
	struct way	 out, in;
	char		 words[1024];

	fprintf(f, "%s ", format_clock(s->now));
	if (s->call.call == 0)
		snprintf(words, sizeof(words), "%s, %s, %s%s%s",
		    ctl_state_name(s->state),
		    format_count(s->queue_messages, "message"),
		    s->next > s->now ? format_time(s->next) : "",
		    s->next > s->now ? ": " : "", s->next_why);
	else if (s->call.up == 0)
		snprintf(words, sizeof(words),
		    "call %" PRIu64 ", %s, %s %s: %s",
		    s->call.call, ctl_state_name(s->state),
		    s->call.line, s->call.number, s->call.why);
	else {
		ways(s, &out, &in);
		snprintf(words, sizeof(words), "call %" PRIu64 ", %s %s, out %"
		    PRIu64 " of %" PRIu64 " (%s/s), in %" PRIu64 " of %" PRIu64
		    " (%s/s), cost %s", s->call.call, ctl_state_name(s->state),
		    format_duration(s->window_seconds), out.done,
		    sum(out.done, out.todo), format_size(out.rate), in.done,
		    sum(in.done, in.todo), format_size(in.rate),
		    format_cost(s->call.cost, s->currency));
	}
	format_words(f, 9, 9, words);
}
