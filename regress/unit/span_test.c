/* See LICENSE for the terms. */
/*
 * Hours, days and calendar periods, with the clocks put forward and back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "span.h"

/* Central Europe, without need of the zone's file. */
#define CENTRAL	"CET-1CEST,M3.5.0,M10.5.0/3"
/* Midnight does not exist on the day the clocks go forward. */
#define MIDNIGHT "XST5XDT,M3.5.0/0,M10.5.0/0"

static void
zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

/* Local time; dst says which of two where there are two. */
static time_t
at(int year, int mon, int day, int hour, int min, int dst)
{
	struct tm	 tm;

	memset(&tm, 0, sizeof(tm));
	tm.tm_year = year - 1900;
	tm.tm_mon = mon - 1;
	tm.tm_mday = day;
	tm.tm_hour = hour;
	tm.tm_min = min;
	tm.tm_isdst = dst;
	return (mktime(&tm));
}

static struct conf_span
span(uint32_t from, uint32_t to, uint32_t days, uint32_t negate)
{
	struct conf_span	 s = { from, to, negate, days, 1, 0 };

	return (s);
}

#define H(h, m)	((h) * 60 + (m))
#define WEEKDAYS 0x3e

/* 2026-11-23 is a Monday. */
static void
test_contains(void **state)
{
	struct conf_span	 s = { 0 };

	(void)state;
	zone("UTC");
	assert_true(span_contains(NULL, &s, at(2026, 11, 23, 3, 0, 0)));
	s = span(H(8, 0), H(23, 0), DAYS_ALL, 0);
	assert_false(span_contains(NULL, &s, at(2026, 11, 23, 7, 59, 0)));
	assert_true(span_contains(NULL, &s, at(2026, 11, 23, 8, 0, 0)));
	assert_true(span_contains(NULL, &s, at(2026, 11, 23, 22, 59, 0) + 59));
	assert_false(span_contains(NULL, &s, at(2026, 11, 23, 23, 0, 0)));
	s.negate = 1;
	assert_true(span_contains(NULL, &s, at(2026, 11, 23, 7, 59, 0)));
	assert_false(span_contains(NULL, &s, at(2026, 11, 23, 8, 0, 0)));
	s = span(0, 1440, WEEKDAYS, 0);
	assert_false(span_contains(NULL, &s, at(2026, 11, 22, 23, 59, 0)));
	assert_true(span_contains(NULL, &s, at(2026, 11, 23, 0, 0, 0)));
	assert_true(span_contains(NULL, &s, at(2026, 11, 27, 23, 59, 0)));
	assert_false(span_contains(NULL, &s, at(2026, 11, 28, 0, 0, 0)));
}

/* Over midnight it belongs to the day it begins on. */
static void
test_midnight(void **state)
{
	struct conf_span	 s = span(H(22, 0), H(6, 0), WEEKDAYS, 0);

	(void)state;
	zone("UTC");
	assert_false(span_contains(NULL, &s, at(2026, 11, 22, 23, 0, 0)));
	/* Monday early: Sunday's. */
	assert_false(span_contains(NULL, &s, at(2026, 11, 23, 5, 0, 0)));
	assert_true(span_contains(NULL, &s, at(2026, 11, 23, 22, 0, 0)));
	assert_true(span_contains(NULL, &s, at(2026, 11, 24, 0, 0, 0)));
	assert_true(span_contains(NULL, &s, at(2026, 11, 24, 5, 59, 0)));
	assert_false(span_contains(NULL, &s, at(2026, 11, 24, 6, 0, 0)));
	/* Saturday early: Friday's. */
	assert_true(span_contains(NULL, &s, at(2026, 11, 28, 5, 0, 0)));
	assert_false(span_contains(NULL, &s, at(2026, 11, 28, 22, 0, 0)));
}

static void
test_next(void **state)
{
	struct conf_span	 s = span(H(8, 7), H(9, 0), DAYS_ALL, 0);

	(void)state;
	zone("UTC");
	assert_int_equal(span_next(NULL, &s, at(2026, 11, 23, 8, 30, 0)),
	    at(2026, 11, 23, 8, 30, 0));
	assert_int_equal(span_next(NULL, &s, at(2026, 11, 23, 6, 1, 0) + 17),
	    at(2026, 11, 23, 8, 7, 0));
	assert_int_equal(span_next(NULL, &s, at(2026, 11, 23, 9, 0, 0)),
	    at(2026, 11, 24, 8, 7, 0));
	s.days = 1 << 1;
	assert_int_equal(span_next(NULL, &s, at(2026, 11, 23, 9, 0, 0)),
	    at(2026, 11, 30, 8, 7, 0));
	s.days = 0;
	assert_int_equal(span_next(NULL, &s, at(2026, 11, 23, 9, 0, 0)), -1);
	s = span(H(8, 7), H(9, 0), DAYS_ALL, 1);
	assert_int_equal(span_next(NULL, &s, at(2026, 11, 23, 8, 10, 0)),
	    at(2026, 11, 23, 9, 0, 0));
}

/* 2026-03-29: 02:00 is followed by 03:00. */
static void
test_next_forward(void **state)
{
	struct conf_span	 s = span(H(2, 30), H(4, 0), DAYS_ALL, 0);

	(void)state;
	zone(CENTRAL);
	assert_int_equal(span_next(NULL, &s, at(2026, 3, 29, 1, 0, 0)),
	    at(2026, 3, 29, 3, 0, 1));
	assert_int_equal(span_next(NULL, &s, at(2026, 3, 28, 1, 0, 0)),
	    at(2026, 3, 28, 2, 30, 0));
}

static void
test_at(void **state)
{
	struct conf_span	 s = { 0 };
	time_t			 t = at(2026, 11, 23, 8, 5, 0);

	(void)state;
	zone("UTC");
	t = at(2026, 11, 23, 8, 5, 0);
	assert_int_equal(span_at_last(NULL, &s, H(8, 5), t, 3600), t);
	assert_int_equal(span_at_last(NULL, &s, H(8, 5), t + 59, 3600), t);
	assert_int_equal(span_at_last(NULL, &s, H(8, 5), t - 1, 3600), -1);
	assert_int_equal(span_at_last(NULL, &s, H(8, 5), t + 3600, 3600), t);
	assert_int_equal(span_at_last(NULL, &s, H(8, 5), t + 3601, 3600), -1);
	assert_int_equal(span_at_next(NULL, &s, H(8, 5), t), t + 86400);
	assert_int_equal(span_at_next(NULL, &s, H(8, 5), t - 1), t);
	assert_int_equal(span_at_next(NULL, &s, 0, t), at(2026, 11, 24, 0, 0, 0));
	assert_int_equal(span_at_last(NULL, &s, 0, at(2026, 11, 24, 0, 10, 0),
	    3600), at(2026, 11, 24, 0, 0, 0));
	s = span(0, 1440, WEEKDAYS, 0);
	assert_int_equal(span_at_next(NULL, &s, H(8, 5),
	    at(2026, 11, 27, 9, 0, 0)), at(2026, 11, 30, 8, 5, 0));
	assert_int_equal(span_at_last(NULL, &s, H(8, 5),
	    at(2026, 11, 28, 8, 10, 0), 3600), -1);
}

/* Skipped: the first moment after; doubled: the first of the two. */
static void
test_at_clock_change(void **state)
{
	struct conf_span	 s = { 0 };

	(void)state;
	zone(CENTRAL);
	assert_int_equal(span_at_next(NULL, &s, H(2, 30),
	    at(2026, 3, 28, 12, 0, 0)), at(2026, 3, 29, 3, 0, 1));
	assert_int_equal(span_at_next(NULL, &s, H(2, 30),
	    at(2026, 3, 29, 3, 0, 1)), at(2026, 3, 30, 2, 30, 1));
	assert_int_equal(span_at_last(NULL, &s, H(2, 30),
	    at(2026, 3, 29, 3, 20, 1), 3600), at(2026, 3, 29, 3, 0, 1));
	/* 2026-10-25: 03:00 is followed by 02:00. */
	assert_int_equal(span_at_next(NULL, &s, H(2, 30),
	    at(2026, 10, 24, 12, 0, 1)), at(2026, 10, 25, 2, 30, 1));
	assert_int_equal(span_at_next(NULL, &s, H(2, 30),
	    at(2026, 10, 25, 2, 30, 1)), at(2026, 10, 26, 2, 30, 0));
	assert_int_equal(span_at_last(NULL, &s, H(2, 30),
	    at(2026, 10, 25, 2, 45, 0), 1800), -1);
}

/* Every minute of a year: it comes once a day, whatever the clocks do. */
static void
test_at_once_a_day(void **state)
{
	static const char * const zones[] = {
		"UTC", CENTRAL, MIDNIGHT, "LHST-10:30LHDT-11,M10.1.0,M4.1.0"
	};
	static const uint32_t	 minutes[] = {
		0, 15, H(1, 45), H(2, 0), H(2, 30), H(23, 59)
	};
	struct conf_span	 s = { 0 };
	struct tm		 a, b;
	time_t			 t, next;
	size_t			 z, i;
	int			 days;

	(void)state;
	for (z = 0; z < 4; z++) {
		zone(zones[z]);
		for (i = 0; i < 6; i++) {
			t = at(2026, 1, 1, 12, 0, -1);
			for (days = 0; days < 365; days++, t = next) {
				next = span_at_next(NULL, &s, minutes[i], t);
				localtime_r(&t, &a);
				localtime_r(&next, &b);
				assert_int_equal((b.tm_yday - a.tm_yday +
				    365) % 365, days == 0 &&
				    minutes[i] > H(12, 0) ? 0 : 1);
				assert_int_equal(span_at_last(NULL, &s, minutes[i],
				    next + 30, 3600), next);
			}
		}
	}
}

static void
test_periods(void **state)
{
	time_t	 t;

	(void)state;
	zone(CENTRAL);
	t = at(2026, 11, 25, 0, 37, 0);
	assert_int_equal(span_period_start(BUDGET_DAY, t),
	    at(2026, 11, 25, 0, 0, 0));
	assert_int_equal(span_period_end(BUDGET_DAY, t),
	    at(2026, 11, 26, 0, 0, 0));
	assert_int_equal(span_period_start(BUDGET_WEEK, t),
	    at(2026, 11, 23, 0, 0, 0));
	assert_int_equal(span_period_end(BUDGET_WEEK, t),
	    at(2026, 11, 30, 0, 0, 0));
	assert_int_equal(span_period_start(BUDGET_MONTH, t),
	    at(2026, 11, 1, 0, 0, 0));
	assert_int_equal(span_period_end(BUDGET_MONTH, t),
	    at(2026, 12, 1, 0, 0, 0));
	/* The borders themselves; a leap year; the turn of the year. */
	t = at(2026, 11, 23, 0, 0, 0);
	assert_int_equal(span_period_start(BUDGET_WEEK, t), t);
	assert_int_equal(span_period_end(BUDGET_WEEK, t - 1), t);
	assert_int_equal(span_period_end(BUDGET_MONTH,
	    at(2028, 2, 29, 23, 59, 0)), at(2028, 3, 1, 0, 0, 0));
	assert_int_equal(span_period_start(BUDGET_WEEK,
	    at(2027, 1, 1, 12, 0, 0)), at(2026, 12, 28, 0, 0, 0));
}

/* Days of 23 and 25 hours, and one that begins at 01:00. */
static void
test_periods_clock_change(void **state)
{
	time_t	 t;

	(void)state;
	zone(CENTRAL);
	t = at(2026, 3, 29, 12, 0, 1);
	assert_int_equal(span_period_end(BUDGET_DAY, t) -
	    span_period_start(BUDGET_DAY, t), 23 * 3600);
	t = at(2026, 10, 25, 12, 0, 0);
	assert_int_equal(span_period_end(BUDGET_DAY, t) -
	    span_period_start(BUDGET_DAY, t), 25 * 3600);
	zone(MIDNIGHT);
	t = at(2026, 3, 29, 12, 0, 1);
	assert_int_equal(span_period_start(BUDGET_DAY, t),
	    at(2026, 3, 29, 1, 0, 1));
}

static void
holiday(struct calendar *c, uint32_t set, uint16_t year, uint8_t month,
    uint8_t mday)
{
	c->days[c->n].dayset = set;
	c->days[c->n].year = year;
	c->days[c->n].month = month;
	c->days[c->n++].mday = mday;
}

static void
test_dates(void **state)
{
	struct calendar	 c = { 0 };
	struct conf_span s = span(H(8, 0), H(9, 0), DAYS_HOLIDAY, 0);

	(void)state;
	zone(CENTRAL);
	holiday(&c, DAYSET_HOLIDAYS, 0, 12, 25);
	holiday(&c, DAYSET_HOLIDAYS, 2027, 3, 29);
	holiday(&c, 2, 0, 2, 29);
	assert_int_equal(span_next(&c, &s, at(2026, 11, 23, 12, 0, 0)),
	    at(2026, 12, 25, 8, 0, 0));
	assert_int_equal(span_next(&c, &s, at(2026, 12, 25, 9, 0, 0)),
	    at(2027, 3, 29, 8, 0, 1));
	assert_int_equal(span_next(&c, &s, at(2027, 3, 29, 9, 0, 1)),
	    at(2027, 12, 25, 8, 0, 0));
	assert_int_equal(span_at_next(&c, &s, H(8, 30),
	    at(2026, 12, 25, 8, 29, 0)), at(2026, 12, 25, 8, 30, 0));
	assert_int_equal(span_at_next(&c, &s, H(8, 30),
	    at(2026, 12, 25, 8, 30, 0)), at(2027, 3, 29, 8, 30, 1));
	/* A leap day, and over midnight into the first of March. */
	s = span(H(23, 0), H(1, 0), 0, 0);
	s.dayset = 2;
	assert_int_equal(span_next(&c, &s, at(2026, 11, 23, 12, 0, 0)),
	    at(2028, 2, 29, 23, 0, 0));
	assert_true(span_contains(&c, &s, at(2028, 3, 1, 0, 59, 0)));
	assert_false(span_contains(&c, &s, at(2028, 3, 1, 1, 0, 0)));
	assert_false(span_contains(&c, &s, at(2027, 3, 1, 0, 30, 0)));
	/* Into the new year. */
	holiday(&c, 3, 2026, 12, 31);
	s.dayset = 3;
	assert_true(span_contains(&c, &s, at(2027, 1, 1, 0, 30, 0)));
	assert_int_equal(span_next(&c, &s, at(2027, 1, 1, 1, 0, 0)), -1);
	/* Without a calendar there are no such days. */
	assert_false(span_contains(NULL, &s, at(2027, 1, 1, 0, 30, 0)));
}

static void
test_workdays(void **state)
{
	struct calendar	 c = { 0 };
	struct conf_span s = span(0, 1440, WEEKDAYS | DAYS_WORKDAY, 0);

	(void)state;
	zone("UTC");
	holiday(&c, DAYSET_HOLIDAYS, 0, 12, 25);	/* a Friday in 2026 */
	assert_true(span_contains(&c, &s, at(2026, 12, 24, 12, 0, 0)));
	assert_false(span_contains(&c, &s, at(2026, 12, 25, 12, 0, 0)));
	assert_int_equal(span_next(&c, &s, at(2026, 12, 25, 0, 0, 0)),
	    at(2026, 12, 28, 0, 0, 0));
	s.negate = 1;
	assert_int_equal(span_next(&c, &s, at(2026, 12, 24, 0, 0, 0)),
	    at(2026, 12, 25, 0, 0, 0));
}

static void
test_date_words(void **state)
{
	static const char *const	 wrong[] = {
		"", "13-01", "00-10", "01-00", "02-30", "04-31", "1-1",
		"2026-2-03", "2025-02-29", "2100-02-29", "1969-12-31",
		"12-25x", "12/25", "2026_02-03", "20a6-02-03"
	};
	uint16_t			 year;
	uint8_t				 month, mday;
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (calendar_date(wrong[i], &year, &month, &mday) == 0)
			fail_msg("\"%s\"", wrong[i]);
	assert_int_equal(calendar_date("02-29", &year, &month, &mday), 0);
	assert_int_equal(year, 0);
	assert_int_equal(month, 2);
	assert_int_equal(mday, 29);
	assert_int_equal(calendar_date("2028-02-29", &year, &month, &mday),
	    0);
	assert_int_equal(year, 2028);
	assert_int_equal(calendar_date("2000-02-29", &year, &month, &mday),
	    0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_midnight),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_next_forward),
		cmocka_unit_test(test_at),
		cmocka_unit_test(test_at_clock_change),
		cmocka_unit_test(test_at_once_a_day),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_workdays),
		cmocka_unit_test(test_date_words),
		cmocka_unit_test(test_periods),
		cmocka_unit_test(test_periods_clock_change)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
