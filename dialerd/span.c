/* See LICENSE for the terms. */
/*
 * Hours, days and calendar periods.  Clocks that are put forward or back
 * are met by never computing a local time backwards into a time_t: moments
 * are searched for, and each is looked at in local time.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "span.h"

#define MINUTE		60
#define DAY_MINUTES	1440
/* Time zones change at multiples of a quarter of an hour only. */
#define QUARTER		900
#define DAY		86400
/* A week, and a day for a clock time that was just missed. */
#define HORIZON		(8 * DAY)
/* Early enough that the day cannot end before, also when it has 23 hours. */
#define EVENING		20
/* Where dates come in: 29 February, of which 2100 has none. */
#define HORIZON_DATES	(8 * 366 * DAY)

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

static int
two_digits(const char *s)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return (-1);
	return ((s[0] - '0') * 10 + s[1] - '0');
}

int
calendar_date(const char *s, uint16_t *year, uint8_t *month, uint8_t *mday)
{
	static const int	 last[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30,
				    31, 30, 31 };
	int			 century, y, m, d;

	*year = 0;
	if (strlen(s) == strlen("2026-04-06") && s[4] == '-') {
		if ((century = two_digits(s)) == -1 ||
		    (y = two_digits(s + 2)) == -1)
			return (-1);
		if (century * 100 + y < 1970)
			return (-1);
		*year = (uint16_t)(century * 100 + y);
		s += strlen("2026-");
	} else if (strlen(s) != strlen("12-25"))
		return (-1);
	if ((m = two_digits(s)) < 1 || m > 12 || s[2] != '-' ||
	    (d = two_digits(s + 3)) < 1 || d > last[m - 1])
		return (-1);
	if (m == 2 && d == 29 && *year != 0 &&
	    (*year % 4 != 0 || (*year % 100 == 0 && *year % 400 != 0)))
		return (-1);
	*month = (uint8_t)m;
	*mday = (uint8_t)d;
	return (0);
}

int
calendar_take(struct calendar *c, const struct conf *conf)
{
	const struct conf_dayset	*set;
	const struct strnode		*node;

	memset(c, 0, sizeof(*c));
	TAILQ_FOREACH(set, &conf->daysets, entry)
		TAILQ_FOREACH(node, &set->dates, entry) {
			if (c->n == CALENDAR_MAX) {
				errno = E2BIG;
				return (-1);
			}
			if (calendar_date(node->s, &c->days[c->n].year,
			    &c->days[c->n].month, &c->days[c->n].mday) == -1) {
				errno = EINVAL;
				return (-1);
			}
			c->days[c->n++].dayset = set->id;
		}
	return (0);
}

/* 1 if the day is one of that set; month from 0, as in struct tm. */
static int
calendar_has(const struct calendar *c, uint32_t dayset, const struct tm *tm)
{
	uint32_t	 i;

	if (c == NULL || dayset == 0)
		return (0);
	for (i = 0; i < c->n; i++)
		if (c->days[i].dayset == dayset &&
		    c->days[i].month == tm->tm_mon + 1 &&
		    c->days[i].mday == tm->tm_mday &&
		    (c->days[i].year == 0 ||
		    c->days[i].year == tm->tm_year + 1900))
			return (1);
	return (0);
}

/* Days of the month that tm is in. */
static int
month_days(const struct tm *tm)
{
	static const int	 last[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30,
				    31, 30, 31 };
	int			 y = tm->tm_year + 1900;

	if (tm->tm_mon == 1 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0))
		return (29);
	return (last[tm->tm_mon]);
}

/* The day before, as far as dates and weekdays go. */
static void
day_before(const struct tm *tm, struct tm *before)
{
	*before = *tm;
	before->tm_wday = (tm->tm_wday + 6) % 7;
	if (--before->tm_mday > 0)
		return;
	if (--before->tm_mon < 0) {
		before->tm_mon = 11;
		before->tm_year--;
	}
	before->tm_mday = month_days(before);
}

/* The next day, so. */
static void
day_after(struct tm *tm)
{
	tm->tm_wday = (tm->tm_wday + 1) % 7;
	if (++tm->tm_mday <= month_days(tm))
		return;
	tm->tm_mday = 1;
	if (++tm->tm_mon == 12) {
		tm->tm_mon = 0;
		tm->tm_year++;
	}
}

static int
span_day(const struct calendar *c, const struct conf_span *span,
    const struct tm *tm)
{
	int	 holiday;

	if (calendar_has(c, span->dayset, tm))
		return (1);
	holiday = (span->days & (DAYS_HOLIDAY | DAYS_WORKDAY)) != 0 &&
	    calendar_has(c, DAYSET_HOLIDAYS, tm);
	if (holiday && (span->days & DAYS_HOLIDAY))
		return (1);
	if (holiday && (span->days & DAYS_WORKDAY))
		return (0);
	return ((span->days & 1U << tm->tm_wday) != 0);
}

/* Hours and days, before "not". */
static int
span_inside(const struct calendar *c, const struct conf_span *span,
    const struct tm *tm)
{
	uint32_t	 m = minute_of(tm);
	struct tm	 yesterday;

	if (span->from < span->to)
		return (m >= span->from && m < span->to &&
		    span_day(c, span, tm));
	/* Over midnight: the day is that on which it began. */
	if (m >= span->from)
		return (span_day(c, span, tm));
	if (m >= span->to)
		return (0);
	day_before(tm, &yesterday);
	return (span_day(c, span, &yesterday));
}

/* 1 if weeks may pass before it holds. */
static int
span_has_dates(const struct conf_span *span)
{
	return (span->set && (span->dayset != 0 ||
	    (span->days & (DAYS_HOLIDAY | DAYS_WORKDAY)) != 0));
}

static time_t
span_horizon(const struct conf_span *span)
{
	return (span_has_dates(span) ? HORIZON_DATES : HORIZON);
}

int
span_contains(const struct calendar *c, const struct conf_span *span, time_t t)
{
	struct tm	 tm;

	if (!span->set)
		return (1);
	if (localtime_r(&t, &tm) == NULL)
		return (0);
	return (span_inside(c, span, &tm) != (span->negate != 0));
}

/*
 * The next time that it is a, b or midnight, if the clocks do not change
 * before; else -1.  t is in tm.
 */
static time_t
span_stop(time_t t, const struct tm *tm, uint32_t a, uint32_t b)
{
	struct tm	 then;
	uint32_t	 m = (uint32_t)minute_of(tm), stop[3], left, least;
	time_t		 next;
	int		 i;

	stop[0] = a;
	stop[1] = b;
	stop[2] = 0;
	least = DAY_MINUTES;
	for (i = 0; i < 3; i++) {
		left = (stop[i] + DAY_MINUTES - m) % DAY_MINUTES;
		if (left > 0 && left < least)
			least = left;
	}
	next = floor_to(t, MINUTE) + (time_t)least * MINUTE;
	if (localtime_r(&next, &then) == NULL ||
	    (uint32_t)minute_of(&then) != (m + least) % DAY_MINUTES)
		return (-1);
	return (next);
}

/*
 * The next moment after t at which anything can change: one of two minutes
 * of the day, midnight, or, on days on which clocks change, a quarter of an
 * hour.
 */
static time_t
span_step(time_t t, uint32_t a, uint32_t b)
{
	struct tm	 tm;
	time_t		 next = floor_to(t, QUARTER) + QUARTER;
	time_t		 left, now = floor_to(t, MINUTE), far;
	uint32_t	 m, stop[2];
	int		 i;

	if (localtime_r(&t, &tm) == NULL)
		return (next);
	if ((far = span_stop(t, &tm, a, b)) != -1)
		return (far);
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

/*
 * The next moment worth a look: as span_step, but where no hour of the day
 * can do, as with dates, it is that day's evening, or some days before the
 * next that can: clocks change, and a country may skip a day.
 */
static time_t
span_skip(const struct calendar *c, const struct conf_span *span, time_t t,
    uint32_t a, uint32_t b)
{
	struct tm	 tm, before;
	time_t		 days = 0;

	if (!span_has_dates(span) || span->negate ||
	    localtime_r(&t, &tm) == NULL || tm.tm_hour >= EVENING)
		return (span_step(t, a, b));
	day_before(&tm, &before);
	if (span_day(c, span, &tm) || span_day(c, span, &before))
		return (span_step(t, a, b));
	t = floor_to(t, QUARTER);
	before = tm;
	do {
		day_after(&before);
	} while (++days * DAY < HORIZON_DATES && !span_day(c, span, &before));
	if (days > 3)
		return (t + (days - 3) * DAY);
	return (t + (EVENING - tm.tm_hour) * 3600);
}

time_t
span_next(const struct calendar *c, const struct conf_span *span, time_t t)
{
	time_t	 end = t + span_horizon(span);

	while (t <= end) {
		if (span_contains(c, span, t))
			return (t);
		t = span_skip(c, span, t, span->from, span->to);
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
comes_at(const struct calendar *c, const struct conf_span *span,
    uint32_t minute, time_t t)
{
	struct tm	 tm;

	if (localtime_r(&t, &tm) == NULL)
		return (0);
	if ((uint32_t)minute_of(&tm) < minute || !span_contains(c, span, t))
		return (0);
	/* Clocks are put back by an hour, on Lord Howe by half of one. */
	return (!was_past(t, &tm, minute, MINUTE) &&
	    !was_past(t, &tm, minute, 1800) &&
	    !was_past(t, &tm, minute, 3600));
}

time_t
span_at_last(const struct calendar *c, const struct conf_span *span,
    uint32_t minute, time_t t, time_t back)
{
	struct tm	 tm;
	uint32_t	 left;
	time_t		 quarter, at;

	/* It comes in its minute, or where the clocks skip that, with a
	 * quarter of an hour. */
	for (quarter = floor_to(t, QUARTER); quarter + QUARTER > t - back;
	    quarter -= QUARTER) {
		if (localtime_r(&quarter, &tm) == NULL)
			return (-1);
		left = (minute + DAY_MINUTES - (uint32_t)minute_of(&tm)) %
		    DAY_MINUTES;
		at = quarter + (time_t)left * MINUTE;
		if (left * MINUTE < QUARTER && at <= t && at >= t - back &&
		    comes_at(c, span, minute, at))
			return (at);
		if (quarter >= t - back && comes_at(c, span, minute, quarter))
			return (quarter);
	}
	return (-1);
}

time_t
span_at_next(const struct calendar *c, const struct conf_span *span,
    uint32_t minute, time_t t)
{
	time_t	 end = t + span_horizon(span);

	for (;;) {
		t = span_skip(c, span, t, minute, minute);
		if (t > end)
			return (-1);
		if (comes_at(c, span, minute, t))
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
