/* See LICENSE for the terms. */
/*
 * Hours, days and calendar periods.  Clocks that are put forward or back
 * are met by never computing a local time backwards into a time_t: moments
 * are searched for, and each is looked at in local time.
 */
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "span.h"

#define MINUTE		60
#define DAY_MINUTES	1440
/* Time zones change at multiples of a quarter of an hour only. */
#define QUARTER		900
/* A week, and a day for a clock time that was just missed. */
#define HORIZON		(8 * 86400)

static int
minute_of(const struct tm *tm)
{
	return (tm->tm_hour * 60 + tm->tm_min);
}

static time_t
floor_to(time_t t, time_t step)
{
	time_t	 rest = t % step;

	return (t - (rest < 0 ? rest + step : rest));
}

/* Hours and days, before "not". */
static int
span_inside(const struct conf_span *span, const struct tm *tm)
{
	uint32_t	 m = minute_of(tm);
	int		 yesterday = (tm->tm_wday + 6) % 7;

	if (span->from < span->to)
		return (m >= span->from && m < span->to &&
		    (span->days & 1U << tm->tm_wday) != 0);
	/* Over midnight: the day is that on which it began. */
	if (m >= span->from)
		return ((span->days & 1U << tm->tm_wday) != 0);
	return (m < span->to && (span->days & 1U << yesterday) != 0);
}

int
span_contains(const struct conf_span *span, time_t t)
{
	struct tm	 tm;

	if (!span->set)
		return (1);
	if (localtime_r(&t, &tm) == NULL)
		return (0);
	return (span_inside(span, &tm) != (span->negate != 0));
}

/*
 * The next moment after t at which anything can change: a quarter of an
 * hour, or one of two minutes of the day before it.
 */
static time_t
span_step(time_t t, uint32_t a, uint32_t b)
{
	struct tm	 tm;
	time_t		 next = floor_to(t, QUARTER) + QUARTER;
	time_t		 left, now = floor_to(t, MINUTE);
	uint32_t	 m, stop[2];
	int		 i;

	if (localtime_r(&t, &tm) == NULL)
		return (next);
	m = minute_of(&tm);
	stop[0] = a;
	stop[1] = b;
	for (i = 0; i < 2; i++) {
		left = ((stop[i] + DAY_MINUTES - m) % DAY_MINUTES) * MINUTE;
		if (left > 0 && now + left < next)
			next = now + left;
	}
	return (next);
}

time_t
span_next(const struct conf_span *span, time_t t)
{
	time_t	 end = t + HORIZON;

	while (t <= end) {
		if (span_contains(span, t))
			return (t);
		t = span_step(t, span->from, span->to);
	}
	return (-1);
}

static int
same_day(const struct tm *a, const struct tm *b)
{
	return (a->tm_yday == b->tm_yday && a->tm_year == b->tm_year);
}

/* 1 if `ago` seconds before, on the same day, it was already that late. */
static int
was_past(time_t t, const struct tm *tm, uint32_t minute, time_t ago)
{
	struct tm	 before;

	t -= ago;
	if (localtime_r(&t, &before) == NULL || !same_day(&before, tm))
		return (0);
	return ((uint32_t)minute_of(&before) >= minute);
}

/* 1 if the clock time comes in this very minute; t is a whole minute. */
static int
comes_at(const struct conf_span *span, uint32_t minute, time_t t)
{
	struct tm	 tm;

	if (localtime_r(&t, &tm) == NULL)
		return (0);
	if ((uint32_t)minute_of(&tm) < minute)
		return (0);
	/* Clocks are put back by an hour, on Lord Howe by half of one. */
	if (was_past(t, &tm, minute, MINUTE) ||
	    was_past(t, &tm, minute, 1800) || was_past(t, &tm, minute, 3600))
		return (0);
	return (span_contains(span, t));
}

time_t
span_at_last(const struct conf_span *span, uint32_t minute, time_t t,
    time_t back)
{
	time_t	 at;

	for (at = floor_to(t, MINUTE); at >= t - back; at -= MINUTE) {
		if (comes_at(span, minute, at))
			return (at);
	}
	return (-1);
}

time_t
span_at_next(const struct conf_span *span, uint32_t minute, time_t t)
{
	time_t	 end = t + HORIZON;

	for (;;) {
		t = span_step(t, minute, minute);
		if (t > end)
			return (-1);
		if (comes_at(span, minute, t))
			return (t);
	}
}

/* Days since 1 January 1970 in the Gregorian calendar. */
static int64_t
day_number(const struct tm *tm)
{
	int64_t	 y = (int64_t)tm->tm_year + 1900;
	int64_t	 m = tm->tm_mon + 1, days;

	/* Years that begin in March put the leap day at their end. */
	if (m <= 2)
		y--;
	m = (m + 9) % 12;
	days = y * 365 + y / 4 - y / 100 + y / 400;
	return (days + (m * 306 + 5) / 10 + tm->tm_mday - 1 - 719468);
}

/* A number that grows by one from period to period. */
static int64_t
period_key(enum budget_period period, time_t t)
{
	struct tm	 tm;

	if (localtime_r(&t, &tm) == NULL)
		return (0);
	switch (period) {
	case BUDGET_MONTH:
		return ((int64_t)tm.tm_year * 12 + tm.tm_mon);
	case BUDGET_WEEK:
		/* 1 January 1970 was a Thursday, three after Monday. */
		return ((day_number(&tm) + 3) / 7);
	case BUDGET_DAY:
		break;
	}
	return (day_number(&tm));
}

/* Longer than any such period, with the clocks put back in it. */
static time_t
period_longest(enum budget_period period)
{
	switch (period) {
	case BUDGET_MONTH:
		return (32 * 86400);
	case BUDGET_WEEK:
		return (8 * 86400);
	case BUDGET_DAY:
		break;
	}
	return (2 * 86400);
}

/* The first moment after low, up to high, with at least this key. */
static time_t
period_search(enum budget_period period, int64_t key, time_t low, time_t high)
{
	time_t	 middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (period_key(period, middle) >= key)
			high = middle;
		else
			low = middle;
	}
	return (high);
}

time_t
span_period_start(enum budget_period period, time_t t)
{
	return (period_search(period, period_key(period, t),
	    t - period_longest(period), t));
}

time_t
span_period_end(enum budget_period period, time_t t)
{
	return (period_search(period, period_key(period, t) + 1, t,
	    t + period_longest(period)));
}
