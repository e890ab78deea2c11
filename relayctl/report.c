/* See LICENSE for the terms. */
/* Sums of the ledger. */
#include <sys/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"

#define GROW_CALLS	1024

/* Midnight of the first day of the period that is n before that of t. */
static int64_t
period_start(enum report_period period, int64_t t, uint32_t n)
{
	struct tm	 tm;
	time_t		 tt = (time_t)t;

	if (localtime_r(&tt, &tm) == NULL)
		return (0);
	switch (period) {
	case REPORT_DAY:
		tm.tm_mday -= (int)n;
		break;
	case REPORT_WEEK:
		tm.tm_mday -= (tm.tm_wday + 6) % 7 + 7 * (int)n;
		break;
	case REPORT_MONTH:
		tm.tm_mday = 1;
		tm.tm_mon -= (int)n;
		break;
	}
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	return ((int64_t)mktime(&tm));
}

static void
period_name(enum report_period period, int64_t from, char *name, size_t size)
{
	struct tm	 tm;
	time_t		 t = (time_t)from;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(name, size, "%Y-%m-%d", &tm) == 0)
		strlcpy(name, "?", size);
	else if (period == REPORT_MONTH)
		name[7] = '\0';
}

void
report_begin(struct report *r, enum report_period period, enum report_by by,
    uint32_t count, int64_t now)
{
	struct report_row	*row;
	uint32_t		 i;

	memset(r, 0, sizeof(*r));
	r->period = period;
	r->by = by;
	if (count < 1)
		count = 1;
	if (count > REPORT_ROWS_MAX)
		count = REPORT_ROWS_MAX;
	r->from = period_start(period, now, count - 1);
	/* A clock that was put back must not hide what is newest. */
	r->to = INT64_MAX;
	if (by != REPORT_BY_PERIOD)
		return;
	for (i = 0; i < count; i++) {
		row = &r->rows[r->nrows++];
		row->from = period_start(period, now, count - 1 - i);
		period_name(period, row->from, row->name, sizeof(row->name));
	}
}

void
report_free(struct report *r)
{
	free(r->calls);
	r->calls = NULL;
}

/* The row of that name, made when it is not there; the last one is for all
 * that are too many. */
static size_t
row_named(struct report *r, const char *name)
{
	size_t	 i;

	for (i = 0; i < r->nrows; i++) {
		if (strcmp(r->rows[i].name, name) == 0)
			return (i);
	}
	if (r->nrows == REPORT_ROWS_MAX)
		return (REPORT_ROWS_MAX - 1);
	strlcpy(r->rows[r->nrows].name, r->nrows == REPORT_ROWS_MAX - 1 ?
	    "others" : name, sizeof(r->rows[0].name));
	return (r->nrows++);
}

static size_t
row_of(struct report *r, const struct ctl_call *call)
{
	size_t	 i;

	switch (r->by) {
	case REPORT_BY_PERIOD:
		for (i = r->nrows; i > 1; i--) {
			if (r->rows[i - 1].from <= call->opened)
				break;
		}
		return (i - 1);
	case REPORT_BY_LINE:
		return (row_named(r, call->line));
	default:
		return (0);
	}
}

/* How long it took until mail could pass, of what was billed. */
static uint64_t
setup_of(const struct ctl_call *c)
{
	int64_t	 s = c->up - c->connected;

	if (c->up == 0 || c->connected == 0 || s < 0)
		return (0);
	return ((uint64_t)s > c->seconds ? c->seconds : (uint64_t)s);
}

/* Old ledgers have no price for it: no less than a unit, at most its share
 * of what there were of them. */
static uint64_t
single_of(const struct ctl_call *c)
{
	uint64_t	 n = c->sent + c->fetched;

	if (c->single_cost != 0 || n == 0 || c->foreign)
		return (c->single_cost);
	return (c->units > 1 ? c->cost / c->units : c->units == 1 ? c->cost :
	    c->cost / n);
}

int
report_call(struct report *r, const struct ctl_call *c)
{
	struct report_call	*kept;
	struct report_row	*row;
	int			 bad;

	if (c->opened < r->from || c->opened >= r->to || c->closed == 0)
		return (0);
	if (r->ncalls == r->room) {
		kept = reallocarray(r->calls, r->room + GROW_CALLS,
		    sizeof(*kept));
		if (kept == NULL)
			return (-1);
		r->calls = kept;
		r->room += GROW_CALLS;
	}
	kept = &r->calls[r->ncalls++];
	memset(kept, 0, sizeof(*kept));
	kept->call = c->call;
	/* Ledgers of older versions do not have it. */
	kept->mail = c->mail_out + c->mail_in;
	kept->cost = c->cost;
	kept->seconds = c->seconds;
	kept->sent = c->sent;
	kept->fetched = c->fetched;
	kept->setup = setup_of(c);
	kept->single_cost = single_of(c);
	kept->foreign = c->foreign != 0;
	kept->row = row_of(r, c);
	row = r->by == REPORT_BY_USER ? &r->total : &r->rows[kept->row];
	bad = c->up == 0 || strcmp(c->result, "crashed") == 0;
	row->calls++;
	row->failed += bad;
	row->failed_cost += bad ? c->cost : 0;
	row->seconds += c->seconds;
	row->cost += c->cost;
	row->sent += c->sent;
	row->fetched += c->fetched;
	row->mail_out += c->mail_out;
	row->mail_in += c->mail_in;
	row->bytes_out += c->bytes_out;
	row->bytes_in += c->bytes_in;
	row->repeated += c->repeated_out + c->repeated_in;
	return (0);
}

static struct report_call *
call_find(struct report *r, uint64_t call)
{
	size_t	 low = 0, high = r->ncalls, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (r->calls[mid].call < call)
			low = mid + 1;
		else
			high = mid;
	}
	return (low < r->ncalls && r->calls[low].call == call ?
	    &r->calls[low] : NULL);
}

/* a * b / c, where c is not less than b. */
static uint64_t
share(uint64_t a, uint64_t b, uint64_t c)
{
	if (c == 0)
		return (0);
	return ((uint64_t)((double)a * (double)b / (double)c + 0.5));
}

/* A user may have several accounts, and lines, in a call; they follow each
 * other. */
static void
count_fetcher(struct report *r, struct report_call *call, const char *user)
{
	size_t	 i;

	if (r->fetch_call != call->call) {
		r->fetch_call = call->call;
		r->nfetchers = 0;
	}
	for (i = 0; i < r->nfetchers; i++) {
		if (strcmp(r->fetchers[i], user) == 0)
			return;
	}
	call->fetches++;
	if (r->nfetchers < REPORT_ROWS_MAX)
		strlcpy(r->fetchers[r->nfetchers++], user,
		    sizeof(r->fetchers[0]));
}

void
report_user(struct report *r, const struct ctl_call_user *u)
{
	struct report_call	*call = call_find(r, u->call);
	struct report_row	*row;
	uint64_t		 bytes = u->sent_bytes + u->fetched_bytes;

	if (call == NULL)
		return;
	if (u->fetched != 0)
		count_fetcher(r, call, u->user);
	if (r->by != REPORT_BY_USER)
		return;
	row = &r->rows[row_named(r, u->user[0] == '\0' ? "-" : u->user)];
	if ((u->sent != 0 || u->fetched != 0) && row->last_call != u->call) {
		row->last_call = u->call;
		row->calls++;
	}
	row->sent += u->sent;
	row->fetched += u->fetched;
	row->mail_out += u->sent_bytes;
	row->mail_in += u->fetched_bytes;
	/* A call's cost is borne by those whose mail it moved. */
	if (call->mail < call->user_bytes + bytes)
		call->mail = call->user_bytes + bytes;
	call->user_bytes += bytes;
	row->cost += share(call->cost, bytes, call->mail);
	row->seconds += share(call->seconds, bytes, call->mail);
}

/* Its mail, by single calls. */
static void
add_single(struct report_row *row, const struct report_call *c)
{
	uint64_t	 calls, fetches;

	if (c->sent + c->fetched == 0) {
		/* It failed, or there was nothing: so it would have been. */
		row->single_calls++;
		row->single_seconds += c->seconds;
		row->single_cost += c->cost;
		return;
	}
	/* Somebody looked, if only to find nothing. */
	fetches = c->fetches == 0 ? 1 : c->fetches;
	calls = c->sent + fetches;
	row->single_calls += calls;
	row->single_seconds += calls * c->setup + (c->seconds - c->setup);
	row->single_cost += calls * c->single_cost;
}

static void
add_row(struct report_row *to, const struct report_row *row)
{
	to->calls += row->calls;
	to->failed += row->failed;
	to->seconds += row->seconds;
	to->cost += row->cost;
	to->sent += row->sent;
	to->fetched += row->fetched;
	to->mail_out += row->mail_out;
	to->mail_in += row->mail_in;
	to->bytes_out += row->bytes_out;
	to->bytes_in += row->bytes_in;
	to->repeated += row->repeated;
	to->failed_cost += row->failed_cost;
	to->single_calls += row->single_calls;
	to->single_seconds += row->single_seconds;
	to->single_cost += row->single_cost;
}

static int
compare(const void *va, const void *vb)
{
	const struct report_row	*a = va, *b = vb;

	if (a->cost != b->cost)
		return (a->cost > b->cost ? -1 : 1);
	if (a->seconds != b->seconds)
		return (a->seconds > b->seconds ? -1 : 1);
	return (strcmp(a->name, b->name));
}

/* What no user's mail accounts for: calls that failed, or moved none. */
static void
add_nobody(struct report *r)
{
	struct report_row	*row, sum;
	size_t			 i;

	memset(&sum, 0, sizeof(sum));
	for (i = 0; i < r->nrows; i++)
		add_row(&sum, &r->rows[i]);
	if (sum.cost + r->nrows >= r->total.cost &&
	    sum.seconds + r->nrows >= r->total.seconds)
		return;
	row = &r->rows[row_named(r, "(no mail)")];
	if (r->total.cost > sum.cost)
		row->cost += r->total.cost - sum.cost;
	if (r->total.seconds > sum.seconds)
		row->seconds += r->total.seconds - sum.seconds;
}

void
report_end(struct report *r)
{
	size_t	 i;

	for (i = 0; i < r->ncalls; i++)
		add_single(r->by == REPORT_BY_USER ? &r->total :
		    &r->rows[r->calls[i].row], &r->calls[i]);
	if (r->by == REPORT_BY_USER)
		add_nobody(r);
	else
		for (i = 0; i < r->nrows; i++)
			add_row(&r->total, &r->rows[i]);
	if (r->by != REPORT_BY_PERIOD)
		qsort(r->rows, r->nrows, sizeof(r->rows[0]), compare);
}
