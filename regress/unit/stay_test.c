/* See LICENSE for the terms. */
/* How long a window stays open. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stay.h"

#define NOON	(1795392000 + 12 * 3600)

static struct tariff		 tariff;
static struct stay_facts	 f;
static struct stay_decision	 d;

/* Units of three minutes; the call has had 100 s of its first. */
static int
setup(void **state)
{
	(void)state;
	memset(&tariff, 0, sizeof(tariff));
	tariff.nrates = 1;
	tariff.rates[0].unit = 180;
	tariff.rates[0].price = 10000;
	memset(&f, 0, sizeof(f));
	f.tariff = &tariff;
	f.answered = NOON;
	f.billed = 100;
	f.room = UINT64_MAX;
	f.rate = 3000;
	f.margin = 10;
	return (0);
}

static enum stay_end
stay(void)
{
	memset(&d, 0xff, sizeof(d));
	stay_decide(&f, &d);
	return (d.end);
}

static void
test_done(void **state)
{
	(void)state;
	assert_int_equal(stay(), STAY_DONE);
	f.work = 1;
	assert_int_equal(stay(), STAY_ON);
	assert_int_equal(d.paid, 70);
	assert_int_equal(d.again, 60);
}

/* Mail is worth a unit, in its margin as well. */
static void
test_work(void **state)
{
	(void)state;
	f.work = 1;
	f.billed = 175;
	assert_int_equal(stay(), STAY_ON);
	assert_int_equal(d.paid, 0);
	assert_int_equal(d.bulk, 0);
	f.billed = 181;
	assert_int_equal(stay(), STAY_ON);
	assert_int_equal(d.paid, 169);
}

static void
test_linger(void **state)
{
	(void)state;
	f.linger = 1;
	assert_int_equal(stay(), STAY_ON);
	f.billed = 130;
	assert_int_equal(stay(), STAY_ON);
	assert_int_equal(d.again, 40);
	f.billed = 170;
	assert_int_equal(stay(), STAY_DONE);
	/* Where time costs nothing there is no end to wait for. */
	tariff.nrates = 0;
	assert_int_equal(stay(), STAY_DONE);
	setup(NULL);
	f.linger = f.foreign = 1;
	assert_int_equal(stay(), STAY_DONE);
}

static void
test_bulk(void **state)
{
	(void)state;
	f.bulk = 300000;
	f.work = 1;
	assert_int_equal(stay(), STAY_ON);
	assert_int_equal(d.bulk, 70 * 3000);
	f.todo = 60000;
	assert_int_equal(stay(), STAY_ON);
	assert_int_equal(d.bulk, 70 * 3000 - 60000);
	f.todo = 1000000;
	assert_int_equal(stay(), STAY_ON);
	assert_int_equal(d.bulk, 0);
	/* Under way: as long as it is paid for, and not longer. */
	f.todo = f.work = 0;
	f.flying = 1;
	assert_int_equal(stay(), STAY_ON);
	f.billed = 169;
	assert_int_equal(stay(), STAY_ON);
	f.billed = 170;
	assert_int_equal(stay(), STAY_PAID);
	/* None of it fits. */
	f.flying = 0;
	f.billed = 100;
	assert_int_equal(stay(), STAY_PAID);
	f.linger = 1;
	assert_int_equal(stay(), STAY_ON);
	/* Nobody has measured anything yet. */
	f.rate = 0;
	assert_int_equal(stay(), STAY_ON);
	assert_int_equal(d.bulk, 0);
	f.foreign = 1;
	f.flying = 1;
	assert_int_equal(stay(), STAY_ON);
	assert_true(d.bulk == UINT64_MAX);
}

static void
test_budget(void **state)
{
	(void)state;
	f.work = 1;
	f.room = 12000;
	f.bytes = 1000000000;
	assert_int_equal(stay(), STAY_ON);
	tariff.per_megabyte = 1000;
	assert_int_equal(stay(), STAY_BUDGET);
	/* 10 for the unit, 2 for two megabytes, with what is in flight. */
	f.bytes = 2000000 - STAY_IN_FLIGHT;
	assert_int_equal(stay(), STAY_ON);
	f.bytes++;
	assert_int_equal(stay(), STAY_BUDGET);
	/* What comes before the next look, and the next unit while it ends. */
	f.bytes = 1500000 - STAY_IN_FLIGHT;
	f.ahead = 500000;
	assert_int_equal(stay(), STAY_ON);
	f.ahead++;
	assert_int_equal(stay(), STAY_BUDGET);
	f.ahead = UINT64_MAX;
	assert_int_equal(stay(), STAY_BUDGET);
	f.ahead = 0;
	f.ending = 80;
	assert_int_equal(stay(), STAY_ON);
	f.ending++;
	assert_int_equal(stay(), STAY_BUDGET);
	f.room = 22000;
	assert_int_equal(stay(), STAY_ON);
	f.room = 12000;
	f.ending = 0;
	f.foreign = 1;
	assert_int_equal(stay(), STAY_ON);
	f.foreign = 0;
	f.bytes = UINT64_MAX;
	assert_int_equal(stay(), STAY_BUDGET);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup(t, setup)
	const struct CMUnitTest	 tests[] = {
		TEST(test_done), TEST(test_work), TEST(test_linger),
		TEST(test_bulk), TEST(test_budget)
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
