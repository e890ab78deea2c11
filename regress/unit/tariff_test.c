/* See LICENSE for the terms. */
/*
 * What a call costs.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tariff.h"

/* 2026-11-23 (Monday) 00:00 UTC. */
#define MONDAY	1795392000
#define HOUR	3600

static void
rate(struct tariff *t, uint32_t from, uint32_t to, uint64_t unit,
    uint64_t price)
{
	struct tariff_rate	*r = &t->rates[t->nrates++];

	r->span.from = from * 60;
	r->span.to = to * 60;
	r->span.days = DAYS_ALL;
	r->span.set = from != to;
	r->unit = unit;
	r->price = price;
}

/* The telephone of the design: 3 minutes by day, 4 by night, 10 each. */
static void
telephone(struct tariff *t)
{
	memset(t, 0, sizeof(*t));
	rate(t, 8, 23, 180, 10000);
	rate(t, 23, 8, 240, 10000);
}

static uint64_t
cost(const struct tariff *t, time_t when, uint64_t n)
{
	return (tariff_cost(t, when, n, 0).cost);
}

static void
test_units(void **state)
{
	struct tariff	 t;

	(void)state;
	telephone(&t);
	assert_int_equal(cost(&t, MONDAY + 12 * HOUR, 0), 0);
	assert_int_equal(cost(&t, MONDAY + 12 * HOUR, 1), 10000);
	assert_int_equal(cost(&t, MONDAY + 12 * HOUR, 180), 10000);
	assert_int_equal(cost(&t, MONDAY + 12 * HOUR, 181), 20000);
	assert_int_equal(tariff_cost(&t, MONDAY + 12 * HOUR, 181, 0).units,
	    2);
	assert_int_equal(cost(&t, MONDAY + 3 * HOUR, 181), 10000);
	assert_int_equal(cost(&t, MONDAY + 3 * HOUR, 241), 20000);
}

/* The unit that is in force when it begins counts to its end. */
static void
test_border(void **state)
{
	struct tariff	 t;
	time_t		 border = MONDAY + 23 * HOUR;

	(void)state;
	telephone(&t);
	/* Day unit 22:59:00 to 23:02:00, then night units. */
	assert_int_equal(cost(&t, border - 60, 180), 10000);
	assert_int_equal(cost(&t, border - 60, 181), 20000);
	assert_int_equal(cost(&t, border - 60, 180 + 240), 20000);
	assert_int_equal(cost(&t, border - 60, 180 + 241), 30000);
	/* To the second: begun before it is day, at it is night. */
	assert_int_equal(cost(&t, border - 1, 181), 20000);
	assert_int_equal(cost(&t, border, 181), 10000);
}

static void
test_setup_and_bytes(void **state)
{
	struct tariff	 t;

	(void)state;
	memset(&t, 0, sizeof(t));
	t.setup = 500;
	t.per_megabyte = 2000;
	assert_int_equal(tariff_cost(&t, MONDAY, 100, 0).cost, 500);
	assert_int_equal(tariff_cost(&t, MONDAY, 100, 1).cost, 501);
	assert_int_equal(tariff_cost(&t, MONDAY, 100, 1500000).cost, 3500);
	assert_int_equal(tariff_cost(&t, MONDAY, 0, UINT64_MAX).units, 0);
	t.per_megabyte = UINT64_MAX;
	assert_true(tariff_cost(&t, MONDAY, 0, UINT64_MAX).cost ==
	    UINT64_MAX);
}

/* Hours without a rate are free, to the minute. */
static void
test_free_hours(void **state)
{
	struct tariff	 t;

	(void)state;
	memset(&t, 0, sizeof(t));
	rate(&t, 8, 9, 60, 1);
	assert_int_equal(cost(&t, MONDAY + 7 * HOUR, HOUR), 0);
	assert_int_equal(cost(&t, MONDAY + 8 * HOUR - 30, 31), 1);
	assert_int_equal(cost(&t, MONDAY + 8 * HOUR - 30, 30), 0);
	assert_int_equal(cost(&t, MONDAY + 8 * HOUR, 3 * HOUR), 60);
}

static void
test_first_rate_wins(void **state)
{
	struct tariff	 t;

	(void)state;
	memset(&t, 0, sizeof(t));
	rate(&t, 8, 9, 60, 7);
	rate(&t, 0, 0, 60, 1);
	assert_int_equal(cost(&t, MONDAY + 8 * HOUR + 3540, 61), 8);
}

/* By the second, at a day's length; a unit of none is the whole call. */
static void
test_extremes(void **state)
{
	struct tariff	 t;

	(void)state;
	memset(&t, 0, sizeof(t));
	rate(&t, 0, 0, 1, 3);
	assert_int_equal(cost(&t, MONDAY, 86400), 3 * 86400);
	t.rates[0].unit = 0;
	assert_int_equal(cost(&t, MONDAY, 86400), 3);
	t.rates[0].unit = 1;
	t.rates[0].price = UINT64_MAX / 2;
	assert_true(cost(&t, MONDAY, 100) == UINT64_MAX);
}

static void
test_take(void **state)
{
	struct conf_tariff	 ct = { .name = (char *)(uintptr_t)"a",
				    .setup = 5 };
	struct conf_rate	 r[2];
	struct conf		*conf = conf_new();
	struct tariff		 t;
	int			 i;

	(void)state;
	assert_non_null(conf);
	memset(r, 0, sizeof(r));
	r[0].tariff = (char *)(uintptr_t)"b";
	r[1].tariff = (char *)(uintptr_t)"a";
	r[1].unit = 60;
	TAILQ_INSERT_TAIL(&conf->tariffs, &ct, entry);
	for (i = 0; i < 2; i++)
		TAILQ_INSERT_TAIL(&conf->rates, &r[i], entry);
	assert_int_equal(tariff_take(&t, conf, "a"), 0);
	assert_int_equal(t.setup, 5);
	assert_int_equal(t.nrates, 1);
	assert_int_equal(t.rates[0].unit, 60);
	assert_int_equal(tariff_take(&t, conf, "c"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(tariff_take(&t, conf, NULL), 0);
	assert_int_equal(cost(&t, MONDAY, 1000), 0);
	TAILQ_INIT(&conf->tariffs);
	TAILQ_INIT(&conf->rates);
	conf_free(conf);
}

/*
 * A satellite: 1.50 to be connected, then 0.99 for each minute begun, at
 * least 3; and by the hand: 61 s are two minutes, 1.50 + 1.98 = 3.48.
 */
static void
test_minimum(void **state)
{
	struct tariff	 t;

	(void)state;
	memset(&t, 0, sizeof(t));
	t.setup = 1500;
	t.minimum = 3000;
	rate(&t, 0, 0, 60, 990);
	assert_int_equal(cost(&t, MONDAY, 1), 3000);
	assert_int_equal(cost(&t, MONDAY, 60), 3000);
	assert_int_equal(cost(&t, MONDAY, 61), 3480);
	assert_int_equal(cost(&t, MONDAY, 600), 11400);
	assert_int_equal(tariff_cost(&t, MONDAY, 600, 0).units, 10);
}

/* A cellular link: 30 s free, then by the second, and 2 for a megabyte. */
static void
test_free_seconds(void **state)
{
	struct tariff	 t;

	(void)state;
	memset(&t, 0, sizeof(t));
	t.free = 30;
	t.per_megabyte = 2000;
	rate(&t, 0, 0, 1, 5);
	assert_int_equal(cost(&t, MONDAY, 30), 0);
	assert_int_equal(cost(&t, MONDAY, 31), 5);
	assert_int_equal(cost(&t, MONDAY, 130), 500);
	assert_int_equal(tariff_cost(&t, MONDAY, 10, 1500000).cost, 3000);
	assert_int_equal(tariff_cost(&t, MONDAY, 10, 1).cost, 1);
	/* The hour that counts is that in which the free seconds end. */
	memset(&t, 0, sizeof(t));
	t.free = 120;
	rate(&t, 23, 8, 240, 7000);
	rate(&t, 8, 23, 180, 10000);
	assert_int_equal(cost(&t, MONDAY + 23 * HOUR - 60, 130), 7000);
}

static void
test_paid(void **state)
{
	struct tariff	 t;
	time_t		 noon = MONDAY + 12 * HOUR;

	(void)state;
	telephone(&t);
	assert_int_equal(tariff_paid(&t, noon, 0), 0);
	assert_int_equal(tariff_paid(&t, noon, 1), 180);
	assert_int_equal(tariff_paid(&t, noon, 180), 180);
	assert_int_equal(tariff_paid(&t, noon, 181), 360);
	/* The second unit is the night's. */
	assert_int_equal(tariff_paid(&t, MONDAY + 23 * HOUR - 60, 200), 420);
	t.free = 20;
	assert_int_equal(tariff_paid(&t, noon, 1), 20);
	assert_int_equal(tariff_paid(&t, noon, 21), 200);
	/* Time that costs nothing, now or ever. */
	memset(&t, 0, sizeof(t));
	assert_true(tariff_paid(&t, noon, 5) == UINT64_MAX);
	rate(&t, 8, 10, 60, 1000);
	assert_int_equal(tariff_paid(&t, MONDAY + 11 * HOUR, 5), 21 * HOUR);
	rate(&t, 0, 0, 0, 500);
	assert_true(tariff_paid(&t, MONDAY + 11 * HOUR, 5) == UINT64_MAX);
}

/* On a holiday Sunday's rate, whatever the weekday. */
static void
test_holiday(void **state)
{
	struct tariff	 t;

	(void)state;
	memset(&t, 0, sizeof(t));
	rate(&t, 0, 24, 240, 5000);
	t.rates[0].span.days = 1 | DAYS_HOLIDAY;
	rate(&t, 0, 0, 180, 10000);
	assert_int_equal(cost(&t, MONDAY, 1), 10000);
	assert_int_equal(cost(&t, MONDAY - 1, 1), 5000);
	t.calendar.n = 1;
	t.calendar.days[0].dayset = DAYSET_HOLIDAYS;
	t.calendar.days[0].month = 11;
	t.calendar.days[0].mday = 23;
	assert_int_equal(cost(&t, MONDAY, 1), 5000);
	assert_int_equal(cost(&t, MONDAY + 24 * HOUR, 1), 10000);
}

static void
zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

/*
 * Japan, as on a bill: 10 yen for 180 s from 08:00 to 23:00 and for 240 s by
 * night, at local time.  22:50 to 23:15 is 1500 s: units begin at 22:50,
 * 22:53, 22:56, 22:59 (by day, to 23:02), then each 240 s by night from
 * 23:02:  23:02, 06, 10, 14.  Eight units, 80 yen.
 */
static void
test_japan(void **state)
{
	struct tariff	 t;
	time_t		 eight = MONDAY - HOUR;	/* 08:00 on Monday, there */

	(void)state;
	telephone(&t);
	zone("JST-9");
	assert_int_equal(cost(&t, eight + 14 * HOUR + 50 * 60, 1500), 80000);
	assert_int_equal(tariff_cost(&t, eight + 14 * HOUR + 50 * 60, 1500,
	    0).units, 8);
	/* 07:58 to 08:10, 720 s: one by night to 08:02, then 180 s each from
	 * 08:02, 05, 08: four units. */
	assert_int_equal(cost(&t, eight - 120, 720), 40000);
	/* To the second: 08:00:00 is day, 07:59:59 night. */
	assert_int_equal(tariff_paid(&t, eight, 1), 180);
	assert_int_equal(tariff_paid(&t, eight - 1, 1), 240);
	/* An hour by day and by night. */
	assert_int_equal(cost(&t, eight, HOUR), 200000);
	assert_int_equal(cost(&t, eight - 8 * HOUR, HOUR), 150000);
	zone("UTC");
}

/* A unit over midnight is of the day on which it begins: Sunday's is cheap.
 * 23:58 to 00:04 is 360 s: 180 s of Sunday, to 00:01, and one of Monday. */
static void
test_midnight(void **state)
{
	struct tariff	 t;

	(void)state;
	memset(&t, 0, sizeof(t));
	rate(&t, 0, 24, 180, 3000);
	t.rates[0].span.days = 1;
	rate(&t, 0, 0, 180, 10000);
	assert_int_equal(cost(&t, MONDAY - 120, 180), 3000);
	assert_int_equal(cost(&t, MONDAY - 120, 181), 13000);
	assert_int_equal(cost(&t, MONDAY - 120, 360), 13000);
	assert_int_equal(cost(&t, MONDAY, 180), 10000);
	/* Hours over midnight are of the day before. */
	memset(&t, 0, sizeof(t));
	rate(&t, 22, 6, 60, 1000);
	t.rates[0].span.days = 1;
	rate(&t, 0, 0, 60, 2000);
	assert_int_equal(cost(&t, MONDAY + 6 * HOUR - 60, 120), 3000);
	assert_int_equal(cost(&t, MONDAY + 22 * HOUR, 60), 2000);
}

/*
 * Clocks go forward at 02:00 in Europe, on 2026-03-29: the minute after 01:59
 * is 03:00.  By night, to 03:00, 1 a minute, then 5: two minutes from 01:59
 * are 6.  Back on 2026-10-25: from 02:00 to 03:00 comes twice, and two hours
 * from the first 02:00 are by night, 120; one minute more is 125.
 */
static void
test_clocks(void **state)
{
	struct tariff	 t;
	time_t		 forward = 1774746000;	/* 01:00 UTC */
	time_t		 first = 1792886400;	/* 00:00 UTC, 02:00 there */

	(void)state;
	memset(&t, 0, sizeof(t));
	rate(&t, 0, 3, 60, 1000);
	rate(&t, 3, 24, 60, 5000);
	zone("CET-1CEST,M3.5.0,M10.5.0/3");
	assert_int_equal(cost(&t, forward - 60, 60), 1000);
	assert_int_equal(cost(&t, forward - 60, 120), 6000);
	assert_int_equal(cost(&t, first, 2 * HOUR), 120000);
	assert_int_equal(cost(&t, first, 2 * HOUR + 60), 125000);
	/* A unit that began before lasts as long as it does. */
	t.rates[0].unit = 600;
	assert_int_equal(tariff_paid(&t, forward - 60, 61), 600);
	assert_int_equal(cost(&t, forward - 60, 601), 6000);
	zone("UTC");
}

/*
 * A satellite link by the megabyte: 6.50 for each, begun parts in proportion
 * and rounded up to 1/1000, at least 0.10 a call; time is free.
 */
static void
test_megabytes(void **state)
{
	struct tariff	 t;

	(void)state;
	memset(&t, 0, sizeof(t));
	t.per_megabyte = 6500;
	t.minimum = 100;
	assert_int_equal(tariff_cost(&t, MONDAY, 600, 0).cost, 100);
	assert_int_equal(tariff_cost(&t, MONDAY, 600, 15384).cost, 100);
	assert_int_equal(tariff_cost(&t, MONDAY, 600, 15385).cost, 101);
	assert_int_equal(tariff_cost(&t, MONDAY, 600, 1000000).cost, 6500);
	assert_int_equal(tariff_cost(&t, MONDAY, 600, 1000001).cost, 6501);
	assert_int_equal(tariff_cost(&t, MONDAY, 600, 2500000).cost, 16250);
	assert_int_equal(tariff_cost(&t, MONDAY, 600, 2500000).units, 0);
	assert_true(tariff_paid(&t, MONDAY, 600) == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_border),
		cmocka_unit_test(test_setup_and_bytes),
		cmocka_unit_test(test_free_hours),
		cmocka_unit_test(test_first_rate_wins),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_japan),
		cmocka_unit_test(test_midnight),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_megabytes),
		cmocka_unit_test(test_minimum),
		cmocka_unit_test(test_free_seconds),
		cmocka_unit_test(test_paid),
		cmocka_unit_test(test_holiday),
		cmocka_unit_test(test_take)
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
