/* See LICENSE for the terms. */
/* What relayctl simulate prints. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "json.h"
#include "simulate.h"

#define LABEL		26		/* columns */
#define CELL_MOST	18
#define CELL_LEAST	12

typedef const char	*cell(const struct simulate_result *);

static const char *
number(uint64_t n)
{
	static char	 buf[4][24];
	static int	 i;
	char		*p = buf[i = (i + 1) % 4];

	snprintf(p, sizeof(buf[0]), "%" PRIu64, n);
	return (p);
}

static const char *
cell_calls(const struct simulate_result *r)
{
	return (number(r->calls));
}

static const char *
cell_minutes(const struct simulate_result *r)
{
	return (number((r->seconds + 30) / 60));
}

static const char *
cell_cost(const struct simulate_result *r)
{
	return (format_cost(r->cost, r->currency == NULL ? "" : r->currency));
}

static const char *
cell_call_cost(const struct simulate_result *r)
{
	return (r->calls == 0 ? "-" : format_money_to(r->cost / r->calls,
	    format_digits(r->cost / r->calls)));
}

static const char *
delay(const struct simulate_delay *d, uint64_t seconds)
{
	if (d->n == 0)
		return ("-");
	return (seconds == SIMULATE_NEVER ? "never" : format_span(seconds));
}

static const char *
cell_median(const struct simulate_result *r)
{
	return (delay(&r->all, r->all.median));
}

static const char *
cell_p95(const struct simulate_result *r)
{
	return (delay(&r->all, r->all.p95));
}

static const char *
cell_urgent_median(const struct simulate_result *r)
{
	return (delay(&r->urgent, r->urgent.median));
}

static const char *
cell_urgent_p95(const struct simulate_result *r)
{
	return (delay(&r->urgent, r->urgent.p95));
}

static const char *
cell_bulk_median(const struct simulate_result *r)
{
	return (delay(&r->bulk, r->bulk.median));
}

static const char *
cell_bulk_p95(const struct simulate_result *r)
{
	return (delay(&r->bulk, r->bulk.p95));
}

static const char *
cell_waiting(const struct simulate_result *r)
{
	return (number(r->waiting));
}

static const char *
cell_objective(const struct simulate_result *r)
{
	return (r->has_best ? format_money_to(r->objective,
	    format_digits(r->cost)) : "-");
}

static const char *
cell_best(const struct simulate_result *r)
{
	return (r->has_best ? format_money_to(r->best_objective,
	    format_digits(r->cost)) : "-");
}

static const char *
cell_best_calls(const struct simulate_result *r)
{
	return (r->has_best ? number(r->best.calls) : "-");
}

static uint64_t
ratio(const struct simulate_result *r)
{
	double	 n = (double)r->objective / (double)r->best_objective;

	return (n > 1e6 ? 1000000000 : (uint64_t)(n * 1000 + 0.5));
}

static const char *
cell_ratio(const struct simulate_result *r)
{
	static char	 buf[32];
	uint64_t	 n;

	if (!r->has_best)
		return ("-");
	n = (ratio(r) + 5) / 10;
	snprintf(buf, sizeof(buf), "%" PRIu64 ".%02" PRIu64, n / 100,
	    n % 100);
	return (buf);
}

/* What must not be broken into lines is not, in a table. */
static const char *
spaces(const char *s)
{
	static char	 buf[64];
	char		*p;

	strlcpy(buf, s, sizeof(buf));
	while ((p = strchr(buf, '\t')) != NULL)
		*p = ' ';
	return (buf);
}

static void
row(const char *label, cell *c, const struct simulate_result *r, size_t n,
    int columns)
{
	size_t	 i;

	format_left(stdout, label, LABEL);
	for (i = 0; i < n; i++)
		format_right(stdout, spaces(c(&r[i])), columns);
	putchar('\n');
}

static int
any(const struct simulate_result *r, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (r[i].waiting > 0)
			return (1);
	return (0);
}

static void
text_balance(const struct simulate_input *in, const struct simulate_result *r,
    size_t n, int columns)
{
	char	 label[64];

	putchar('\n');
	snprintf(label, sizeof(label), "balance %s per hour",
	    format_money(in->price));
	row(label, cell_objective, r, n, columns);
	row("  of the best schedule", cell_best, r, n, columns);
	row("  ratio", cell_ratio, r, n, columns);
	row("  calls of the best", cell_best_calls, r, n, columns);
}

static void
text_table(const struct simulate_input *in, const struct simulate_result *r,
    size_t n, size_t first, int columns)
{
	size_t	 i;

	putchar('\n');
	format_left(stdout, "", LABEL);
	for (i = 0; i < n; i++)
		format_right(stdout, number(first + i + 1), columns);
	putchar('\n');
	row("calls", cell_calls, r, n, columns);
	row("minutes", cell_minutes, r, n, columns);
	row("cost", cell_cost, r, n, columns);
	row("  of a call", cell_call_cost, r, n, columns);
	row("delay of all, median", cell_median, r, n, columns);
	row("  95 of 100 within", cell_p95, r, n, columns);
	if (r->urgent.n > 0) {
		row("of urgent mail, median", cell_urgent_median, r, n,
		    columns);
		row("  95 of 100 within", cell_urgent_p95, r, n, columns);
	}
	if (r->bulk.n > 0) {
		row("of bulk mail, median", cell_bulk_median, r, n, columns);
		row("  95 of 100 within", cell_bulk_p95, r, n, columns);
	}
	if (any(r, n))
		row("left at the end", cell_waiting, r, n, columns);
	if (in->has_price)
		text_balance(in, r, n, columns);
}

static void
text_line(const struct simulate_model *m)
{
	char	 words[512], rate[64], setup[64];

	snprintf(rate, sizeof(rate), "%s a second",
	    format_bytes(m->has_rate ? m->rate : m->speed.rate_out));
	snprintf(setup, sizeof(setup), "set-up %s", format_span(m->has_setup ?
	    m->setup : m->speed.setup - m->speed.answer));
	if (m->has_rate && m->has_setup)
		snprintf(words, sizeof(words), "%s, %s, as asked for", rate,
		    setup);
	else if (m->speed.windows > 0)
		snprintf(words, sizeof(words), "%s: %s, %s, as measured in "
		    "its last windows%s; others as such lines are",
		    format_clean(m->line), rate, setup,
		    m->has_rate || m->has_setup ? ", or asked for" : "");
	else if (m->has_rate || m->has_setup)
		snprintf(words, sizeof(words), "%s, as asked for; the rest "
		    "as such lines have it", m->has_rate ? rate : setup);
	else
		snprintf(words, sizeof(words), "as such lines are: nothing "
		    "was measured, and -r and -s say nothing");
	format_field(stdout, "line", "%s", words);
}

static void
text_head(const struct simulate_input *in, const struct simulate_result *r,
    size_t n)
{
	const struct trace	*t = &in->trace;
	size_t			 i;

	format_field(stdout, "mail", "%s from %s to %s, %s%s",
	    format_count(t->n, "message"), format_time(t->arrivals[0].time),
	    format_time(t->arrivals[t->n - 1].time),
	    in->name == NULL ? "as relayd recorded" : "from ",
	    in->name == NULL ? "" : format_clean(in->name));
	text_line(&in->model);
	if (in->model.in_per_day > 0)
		format_field(stdout, "fetched", "%s a day, taken to come "
		    "evenly; how long it waits upstream is not known",
		    format_bytes(in->model.in_per_day));
	else
		format_field(stdout, "fetched", "nothing: when it comes is "
		    "not known; -i says how much");
	putchar('\n');
	for (i = 0; i < n; i++)
		printf("%5zu  %s\n", i + 1, format_cut(r[i].path,
		    format_width() - 7));
}

void
simulate_text(const struct simulate_input *in,
    const struct simulate_result *r, size_t n)
{
	int	 room = format_width() - LABEL, columns;
	size_t	 i, some, most;

	if (room < CELL_LEAST)
		room = CELL_LEAST;
	most = (size_t)(room / CELL_LEAST);
	text_head(in, r, n);
	for (i = 0; i < n; i += some) {
		some = n - i < most ? n - i : most;
		columns = room / (int)some;
		if (columns > CELL_MOST)
			columns = CELL_MOST;
		text_table(in, r + i, some, i, columns);
	}
	if (in->has_price)
		return;
	putchar('\n');
	format_words(stdout, 0, 0, "No configuration has `dial when "
	    "balance': with -b and the price of an hour's waiting this is "
	    "compared with the best schedule, too.");
}

static void
json_delay(const char *name, const struct simulate_delay *d)
{
	char	 key[64];

	if (d->n == 0)
		return;
	snprintf(key, sizeof(key), "%s_median", name);
	if (d->median == SIMULATE_NEVER)
		json_instant(key, 0);
	else
		json_number(key, d->median, 0);
	snprintf(key, sizeof(key), "%s_p95", name);
	if (d->p95 == SIMULATE_NEVER)
		json_instant(key, 0);
	else
		json_number(key, d->p95, 0);
}

void
simulate_json(const struct simulate_input *in,
    const struct simulate_result *r, size_t n)
{
	size_t	 i;

	putchar('[');
	for (i = 0; i < n; i++, r++) {
		json_separate();
		json_text("config", r->path, 1);
		json_text("currency", r->currency == NULL ? "" : r->currency,
		    0);
		json_number("messages", in->trace.n, 0);
		json_instant("from", in->trace.arrivals[0].time);
		json_instant("to",
		    in->trace.arrivals[in->trace.n - 1].time);
		json_number("calls", r->calls, 0);
		json_number("seconds", r->seconds, 0);
		json_money("cost", r->cost);
		json_delay("delay", &r->all);
		json_delay("urgent", &r->urgent);
		json_delay("bulk", &r->bulk);
		json_number("waiting", r->waiting, 0);
		if (r->has_best) {
			json_money("balance", r->objective);
			json_money("best", r->best_objective);
			json_number("best_calls", r->best.calls, 0);
			json_money("ratio", ratio(r));
		}
		putchar('}');
	}
	printf("]\n");
}
