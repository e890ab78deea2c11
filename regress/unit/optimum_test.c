/* See LICENSE for the terms. */
/* The best schedule of calls, beside one that is sought by trying all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "optimum.h"

static uint32_t	 seed;

/* The same everywhere. */
static uint32_t
number(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return ((seed >> 8) % below);
}

static void
test_by_hand(void **state)
{
	static const int64_t	 when[] = { 1000, 1600, 9000 };
	struct optimum		 o;

	(void)state;
	/* A call is worth an hour of waiting: the second takes the first
	 * along, which waits for 10 minutes; the third is alone. */
	assert_int_equal(optimum(when, 3, 1000, 1000, &o), 0);
	assert_int_equal(o.calls, 2);
	assert_int_equal(o.waited, 600);
	/* Worth 5 hours: one call, 8000 and 7400 s. */
	assert_int_equal(optimum(when, 3, 5000, 1000, &o), 0);
	assert_int_equal(o.calls, 1);
	assert_int_equal(o.waited, 15400);
	assert_true(optimum_cost(1, 15400, 5000, 1000) ==
	    5000 * 3600 + 15400 * 1000);
	/* Worth 5 minutes: each for itself. */
	assert_int_equal(optimum(when, 3, 1000, 12000, &o), 0);
	assert_int_equal(o.calls, 3);
	assert_int_equal(o.waited, 0);
}

static void
test_borders(void **state)
{
	static const int64_t	 same[] = { 5, 5, 5 }, back[] = { 5, 4 };
	static const int64_t	 far[] = { 0, INT64_MAX };
	struct optimum		 o;

	(void)state;
	assert_int_equal(optimum(NULL, 0, 1, 1, &o), 0);
	assert_int_equal(o.calls, 0);
	assert_int_equal(optimum(same, 3, 1000, 1, &o), 0);
	assert_int_equal(o.calls, 1);
	assert_int_equal(o.waited, 0);
	/* Calls for nothing, waiting for nothing. */
	assert_int_equal(optimum(same, 3, 0, 5, &o), 0);
	assert_int_equal(o.waited, 0);
	assert_int_equal(optimum(same, 3, 5, 0, &o), 0);
	assert_int_equal(o.calls, 1);
	assert_int_equal(optimum(back, 2, 1, 1, &o), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(optimum(far, 2, 7, 1000001, &o), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(optimum(same, 3, UINT64_MAX / 3, 1, &o), -1);
	assert_int_equal(errno, ERANGE);
	assert_true(optimum_cost(UINT64_MAX, 1, 2, 2) == UINT64_MAX);
	assert_true(optimum_cost(1, UINT64_MAX, 2, 2) == UINT64_MAX);
}

/* Of all 2^(n-1) ways to part n messages into calls. */
static uint64_t
by_trying(const int64_t *when, size_t n, uint64_t call, uint64_t price)
{
	uint64_t	 best = UINT64_MAX, cost, wait, calls;
	uint32_t	 ends;
	size_t		 i, first;

	for (ends = 0; ends < 1U << (n - 1); ends++) {
		wait = calls = 0;
		for (first = i = 0; i < n; i++) {
			if (i + 1 < n && (ends & 1U << i) == 0)
				continue;
			calls++;
			for (; first <= i; first++)
				wait += (uint64_t)(when[i] - when[first]);
		}
		cost = optimum_cost(calls, wait, call, price);
		if (cost < best)
			best = cost;
	}
	return (best);
}

static void
test_all_ways(void **state)
{
	struct optimum	 o;
	int64_t		 when[10];
	uint64_t	 call, price;
	size_t		 n, i;
	int		 run;

	(void)state;
	seed = 1;
	for (run = 0; run < 3000; run++) {
		n = 1 + number(10);
		for (i = 0; i < n; i++)
			when[i] = (i == 0 ? 1700000000 : when[i - 1]) +
			    (number(3) == 0 ? 0 : number(4000));
		call = number(20) * 500;
		price = number(10) * 700;
		assert_int_equal(optimum(when, n, call, price, &o), 0);
		assert_true(optimum_cost(o.calls, o.waited, call, price) ==
		    by_trying(when, n, call, price));
	}
}

/* A hundred thousand messages of a year, in no time. */
static void
test_year(void **state)
{
	struct optimum	 o;
	int64_t		*when;
	clock_t		 begun = clock();
	size_t		 i, n = 100000;

	(void)state;
	when = calloc(n, sizeof(*when));
	assert_non_null(when);
	for (i = 1; i < n; i++)
		when[i] = when[i - 1] + number(630);
	assert_int_equal(optimum(when, n, 10000, 5000, &o), 0);
	assert_in_range(o.calls, n / 100, n / 2);
	free(when);
	/* The time of the process: others do not count. */
	assert_in_range((clock() - begun) / CLOCKS_PER_SEC, 0, 9);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_borders),
		cmocka_unit_test(test_all_ways),
		cmocka_unit_test(test_year)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
