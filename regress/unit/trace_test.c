/* See LICENSE for the terms. */
/* The lines of a trace, as relayctl simulate reads them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arrivals.h"
#include "trace.h"

static struct proto_arrival	 a;
static const char		*error;

static int
parse(const char *line)
{
	return (trace_parse(line, strlen(line), &a, &error));
}

static void
test_lines(void **state)
{
	(void)state;
	assert_int_equal(parse("1700000000 12345 normal 0"), 1);
	assert_int_equal(a.time, 1700000000);
	assert_int_equal(a.bytes, 12345);
	assert_int_equal(a.class, PROTO_NORMAL);
	assert_int_equal(a.deadline, 0);
	assert_int_equal(parse("\t1700000000  20K\turgent +2h # now\r"), 1);
	assert_int_equal(a.bytes, 20480);
	assert_int_equal(a.class, PROTO_URGENT);
	assert_int_equal(a.deadline, 1700007200);
	assert_int_equal(parse("1700000000 1M bulk 1700000001"), 1);
	assert_int_equal(a.class, PROTO_BULK);
	assert_int_equal(a.deadline, 1700000001);
	assert_int_equal(parse("1700000000 0"), 1);
	assert_int_equal(a.class, PROTO_NORMAL);
	assert_int_equal(parse(""), 0);
	assert_int_equal(parse(" \t"), 0);
	assert_int_equal(parse("# 1 2 3 4 5 6"), 0);
}

/* In local time; a day that there is not is none. */
static void
test_local(void **state)
{
	(void)state;
	assert_int_equal(parse("2026-11-23T00:00 1"), 1);
	assert_int_equal(a.time, 1795388400);
	assert_int_equal(parse("2026-11-23T00:00:30 1"), 1);
	assert_int_equal(a.time, 1795388430);
	assert_int_equal(parse("2028-02-29T12:00 1"), 1);
	assert_int_equal(parse("2027-02-29T12:00 1"), -1);
	assert_int_equal(parse("2026-11-31T12:00 1"), -1);
	assert_int_equal(parse("2026-13-01T12:00 1"), -1);
	assert_int_equal(parse("2026-11-23T24:00 1"), -1);
	assert_int_equal(parse("2026-11-23T12:60 1"), -1);
	assert_int_equal(parse("2026-11-23 12:00 1"), -1);
	assert_int_equal(parse("1926-11-23T12:00 1"), -1);
}

static void
wrong(const char *line, const char *why)
{
	assert_int_equal(parse(line), -1);
	assert_string_equal(error, why);
}

static void
test_wrong(void **state)
{
	char	 line[TRACE_LINE_MAX + 1];

	(void)state;
	wrong("x 1", "the time is not one");
	wrong("-1 1", "the time is not one");
	wrong("99999999999999999999999 1", "the time is not one");
	wrong("253402300800 1", "the time is not one");
	wrong("1", "the number of bytes is missing");
	wrong("1 x", "the number of bytes is not one");
	wrong("1 2Kx", "the number of bytes is not one");
	wrong("1 99G", "the number of bytes is not one");
	wrong("1 1 normally", "the class is not normal, urgent or bulk");
	wrong("1 1 normal +", "the deadline is not a time");
	wrong("1 1 normal +1y", "the deadline is not a time");
	wrong("1 1 normal 0 0", "more than time, bytes, class and deadline");
	assert_int_equal(trace_parse("1 \0", 3, &a, &error), -1);
	memset(line, ' ', sizeof(line));
	assert_int_equal(trace_parse(line, TRACE_LINE_MAX - 1, &a, &error),
	    0);
	assert_int_equal(trace_parse(line, TRACE_LINE_MAX, &a, &error), -1);
}

/* What dialerd records is read. */
static void
test_recorded(void **state)
{
	struct proto_arrival	 was = { 1700000000, 777, 1700003600,
				    PROTO_URGENT };
	char			 buf[ARRIVALS_LINE_MAX];
	size_t			 n;

	(void)state;
	n = arrivals_format(&was, buf, sizeof(buf));
	assert_int_equal(trace_parse(buf, n - 1, &a, &error), 1);
	assert_int_equal(a.time, was.time);
	assert_int_equal(a.bytes, was.bytes);
	assert_int_equal(a.class, was.class);
	assert_int_equal(a.deadline, was.deadline);
}

static void
test_numbers(void **state)
{
	uint64_t	 n;

	(void)state;
	assert_int_equal(trace_money("5", &n), 0);
	assert_int_equal(n, 5000);
	assert_int_equal(trace_money("0.25", &n), 0);
	assert_int_equal(n, 250);
	assert_int_equal(trace_money("0.0005", &n), -1);
	assert_int_equal(trace_money("1.", &n), -1);
	assert_int_equal(trace_money(".5", &n), -1);
	assert_int_equal(trace_money("18446744073709551615", &n), -1);
	assert_int_equal(trace_duration("90", &n), 0);
	assert_int_equal(n, 90);
	assert_int_equal(trace_duration("2d", &n), 0);
	assert_int_equal(n, 172800);
	assert_int_equal(trace_duration("18446744073709551615d", &n), -1);
}

/* Out of order they are put in order, equals as they were. */
static void
test_order(void **state)
{
	static const int64_t	 times[] = { 5, 9, 5, 1, 9, 5 };
	struct trace		 t = { 0 };
	size_t			 i;

	(void)state;
	for (i = 0; i < 6; i++) {
		memset(&a, 0, sizeof(a));
		a.time = times[i];
		a.bytes = i;
		assert_int_equal(trace_add(&t, &a), 0);
	}
	trace_sort(&t);
	assert_int_equal(t.n, 6);
	assert_int_equal(t.arrivals[0].bytes, 3);
	assert_int_equal(t.arrivals[1].bytes, 0);
	assert_int_equal(t.arrivals[2].bytes, 2);
	assert_int_equal(t.arrivals[3].bytes, 5);
	assert_int_equal(t.arrivals[4].bytes, 1);
	trace_free(&t);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_order)
	};

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
