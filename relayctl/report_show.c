/* See LICENSE for the terms. */
/* relayctl report: what was spent, wasted and saved, in three forms. */
#include <sys/types.h>
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "command.h"
#include "commands.h"
#include "format.h"
#include "json.h"
#include "report.h"

#define COLUMNS		58	/* of the table, but name and bar */
#define BAR_LEAST	4
#define BAR_MOST	40

static struct report		 sums;
static struct ctl_summary	 summary;
static int			 no_memory;

static const char *const	 period_names[] = { "day", "week", "month" };
/* As many as are of use, and fit on a page. */
static const uint32_t		 period_counts[] = { 14, 10, 13 };

static void
take(uint32_t type, const void *data, size_t len, void *arg)
{
	(void)len;
	(void)arg;
	if (type == CTL_SUMMARY)
		memcpy(&summary, data, sizeof(summary));
	else if (type == CTL_CALL_ENTRY && report_call(&sums, data) == -1)
		no_memory = 1;
	else if (type == CTL_CALL_USER_ENTRY)
		report_user(&sums, data);
}

static const char *
row_kind(void)
{
	return (sums.by == REPORT_BY_USER ? "user" :
	    sums.by == REPORT_BY_LINE ? "line" : period_names[sums.period]);
}

/* --- for people --- */

/* Money where there is any, else time. */
static uint64_t
weight(const struct report_row *row)
{
	return (sums.total.cost != 0 ? row->cost : row->seconds);
}

/* Of the costs in the table; shares of a call's are rounded. */
static int
money_digits(void)
{
	size_t	 i;
	int	 digits = 0, d;

	for (i = 0; i < sums.ncalls; i++) {
		d = format_digits(sums.calls[i].cost);
		if (d > digits)
			digits = d;
	}
	for (i = 0; i < sums.nrows && digits == 0; i++)
		digits = format_digits(sums.rows[i].cost) == 0 ? 0 : 2;
	return (digits);
}

static void
text_row(const struct report_row *row, const char *name, int columns,
    uint64_t max, int digits)
{
	int	 users = sums.by == REPORT_BY_USER, bar;
	char	 failed[24] = "";

	if (!users || row == &sums.total)
		snprintf(failed, sizeof(failed), "%" PRIu64, row->failed);
	format_left(stdout, name, columns);
	printf(" %5" PRIu64 " %4s %8s %5" PRIu64 " %5" PRIu64 " %6s %6s %9s",
	    row->calls, failed, format_duration(row->seconds), row->sent,
	    row->fetched,
	    format_size(users ? row->mail_out : row->bytes_out),
	    format_size(users ? row->mail_in : row->bytes_in),
	    format_money_to(row->cost, digits));
	bar = format_width() - columns - COLUMNS;
	if (bar > BAR_MOST)
		bar = BAR_MOST;
	if (bar >= BAR_LEAST && max != 0 && weight(row) != 0)
		printf("  %s", format_bar(weight(row), max, bar));
	putchar('\n');
}

static void
text_table(void)
{
	char		 head[16];
	uint64_t	 max = 0;
	size_t		 i, first = 0;
	int		 columns = sums.by == REPORT_BY_PERIOD ? 10 : 12;
	int		 digits = money_digits();

	for (i = 0; i < sums.nrows; i++) {
		if (weight(&sums.rows[i]) > max)
			max = weight(&sums.rows[i]);
	}
	strlcpy(head, sums.by == REPORT_BY_USER ? "USER" :
	    sums.by == REPORT_BY_LINE ? "LINE" :
	    sums.period == REPORT_DAY ? "DAY" :
	    sums.period == REPORT_WEEK ? "WEEK OF" : "MONTH", sizeof(head));
	format_left(stdout, head, columns);
	printf(" %5s %4s %8s %5s %5s %6s %6s %9s\n", "CALLS", "FAIL", "TIME",
	    "SENT", "FETCH", "OUT", "IN", "COST");
	/* From before the first call there is nothing to be told. */
	while (sums.by == REPORT_BY_PERIOD && first + 1 < sums.nrows &&
	    sums.rows[first].calls == 0)
		first++;
	for (i = first; i < sums.nrows; i++)
		text_row(&sums.rows[i], sums.rows[i].name, columns, max,
		    digits);
	text_row(&sums.total, "all", columns, 0, digits);
	putchar('\n');
}

/* In tenths of a percent: "3.5 %". */
static void
percent(char *buf, size_t size, uint64_t n, uint64_t of)
{
	double	 p = of == 0 ? 0 : (double)n * 100 / (double)of;

	snprintf(buf, size, "%.*f\t%%", p > 0 && p < 10 ? 1 : 0, p);
}

static void
text_saved(void)
{
	const struct report_row	*t = &sums.total;
	char			 part[32];

	if (t->single_calls <= t->calls)
		return;
	format_field(stdout, "instead", "a call for each message and one for "
	    "each fetch: %s, %s, %s", format_count(t->single_calls, "call"),
	    format_duration(t->single_seconds),
	    format_cost(t->single_cost, summary.currency));
	if (t->single_cost > t->cost) {
		percent(part, sizeof(part), t->single_cost - t->cost,
		    t->single_cost);
		format_field(stdout, "saved", "%s, %s",
		    format_cost(t->single_cost - t->cost, summary.currency),
		    part);
	} else if (t->single_seconds > t->seconds) {
		percent(part, sizeof(part), t->single_seconds - t->seconds,
		    t->single_seconds);
		format_field(stdout, "saved", "%s on the line, %s",
		    format_duration(t->single_seconds - t->seconds), part);
	}
}

static void
text(void)
{
	const struct report_row	*t = &sums.total;
	char			 day[2][32], part[32];

	strlcpy(day[0], format_time(sums.from), sizeof(day[0]));
	strlcpy(day[1], format_time(summary.now), sizeof(day[1]));
	day[0][10] = day[1][10] = '\0';
	printf("Calls by %s, %s to %s%s%s%s\n\n", row_kind(), day[0], day[1],
	    summary.currency[0] != '\0' ? ", cost in " : "",
	    format_clean(summary.currency),
	    t->cost != 0 || t->seconds == 0 ? "" : ", bars of time");
	text_table();
	if (t->calls == 0)
		return;
	percent(part, sizeof(part), t->repeated, t->bytes_out + t->bytes_in);
	format_field(stdout, "wasted", "%s of %s were moved twice, %s",
	    format_bytes(t->repeated), format_bytes(t->bytes_out + t->bytes_in),
	    part);
	if (t->failed != 0)
		format_field(stdout, "", "%s failed, at a cost of %s",
		    format_count(t->failed, "call"),
		    format_cost(t->failed_cost, summary.currency));
	text_saved();
}

/* --- for programs --- */

/* RFC 4180. */
static void
csv_name(const char *s)
{
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"')
			putchar('"');
		putchar((unsigned char)*s < ' ' ? '?' : *s);
	}
	putchar('"');
}

static void
csv_row(const struct report_row *row)
{
	csv_name(row->name);
	printf(",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ".%03" PRIu64
	    ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
	    ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ".%03" PRIu64 ",%" PRIu64
	    ",%" PRIu64 ",%" PRIu64 ".%03" PRIu64 "\n", row->calls,
	    row->failed, row->seconds, row->cost / 1000, row->cost % 1000,
	    row->sent, row->fetched, row->mail_out, row->mail_in,
	    row->bytes_out, row->bytes_in, row->repeated,
	    row->failed_cost / 1000, row->failed_cost % 1000,
	    row->single_calls, row->single_seconds, row->single_cost / 1000,
	    row->single_cost % 1000);
}

static void
csv(void)
{
	size_t	 i;

	printf("%s,calls,failed,seconds,cost,sent,fetched,mail_out,mail_in,"
	    "bytes_out,bytes_in,repeated,failed_cost,single_calls,"
	    "single_seconds,single_cost\n", row_kind());
	for (i = 0; i < sums.nrows; i++)
		csv_row(&sums.rows[i]);
}

static void
json_row(const struct report_row *row)
{
	json_text(row_kind(), row->name, 1);
	json_number("calls", row->calls, 0);
	json_number("failed", row->failed, 0);
	json_number("seconds", row->seconds, 0);
	json_money("cost", row->cost);
	json_number("sent", row->sent, 0);
	json_number("fetched", row->fetched, 0);
	json_number("mail_out", row->mail_out, 0);
	json_number("mail_in", row->mail_in, 0);
	json_number("bytes_out", row->bytes_out, 0);
	json_number("bytes_in", row->bytes_in, 0);
	json_number("repeated", row->repeated, 0);
	json_money("failed_cost", row->failed_cost);
	json_number("single_calls", row->single_calls, 0);
	json_number("single_seconds", row->single_seconds, 0);
	json_money("single_cost", row->single_cost);
	putchar('}');
}

static void
json(void)
{
	size_t	 i;

	json_text("by", row_kind(), 1);
	json_instant("from", sums.from);
	json_instant("to", summary.now);
	json_text("currency", summary.currency, 0);
	printf(",\"rows\":[");
	for (i = 0; i < sums.nrows; i++) {
		json_separate();
		json_row(&sums.rows[i]);
	}
	printf("\n],\"total\":");
	json_row(&sums.total);
	printf("}\n");
}

/* --- the command --- */

static int
gather(void)
{
	uint32_t	 all = 0;

	if (client_request(CTL_SHOW_CALLS, &all, sizeof(all), take, NULL,
	    NULL) == -1 ||
	    client_request(CTL_SHOW_CALL_USERS, &all, sizeof(all), take, NULL,
	    NULL) == -1)
		return (-1);
	return (0);
}

int
report(unsigned int flags, uint32_t count, enum form form)
{
	enum report_period	 period = REPORT_MONTH;
	enum report_by		 by = REPORT_BY_PERIOD;

	if (flags & COMMAND_DAY)
		period = REPORT_DAY;
	else if (flags & COMMAND_WEEK)
		period = REPORT_WEEK;
	if (flags & COMMAND_USER)
		by = REPORT_BY_USER;
	else if (flags & COMMAND_LINE)
		by = REPORT_BY_LINE;
	if (count == 0)
		count = by == REPORT_BY_PERIOD ? period_counts[period] : 1;
	if (client_request(CTL_SHOW_SUMMARY, NULL, 0, take, NULL,
	    NULL) == -1) {
		warnx("%s", client_error());
		return (1);
	}
	report_begin(&sums, period, by, count, summary.now);
	if (gather() == -1) {
		warnx("%s", client_error());
		return (1);
	}
	if (no_memory)
		errx(1, "out of memory");
	report_end(&sums);
	if (form == FORM_CSV)
		csv();
	else if (form == FORM_JSON)
		json();
	else
		text();
	report_free(&sums);
	return (0);
}
