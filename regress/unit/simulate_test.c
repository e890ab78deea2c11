/* See LICENSE for the terms. */
/* relayctl simulate, over traces that can be reckoned by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "parse.h"
#include "simulate.h"

/* 2026-11-23 (Monday) 12:00 UTC. */
#define NOON	(1795392000 + 12 * HOUR)
#define HOUR	3600

#define SITE "hostname \"h.example\"\n" \
    "local domains { \"h.example\" }\n" \
    "listen on 127.0.0.1 smtp from 127.0.0.0/8\n" \
    "upstream \"isp\" { relay \"smtp://127.0.0.2\" }\n"
#define LINE "line \"l\" { up \"/bin/true\" down \"/bin/true\" " \
    "tariff \"t\" window 15m }\n"
#define MINUTES SITE "tariff \"t\" { unit 60s price 10 }\n" LINE

static struct simulate_input	 in;
static struct simulate_result	 r;
static struct conf		*conf;

/* 10 s of set-up that are billed, 1000 bytes a second. */
static int
setup(void **state)
{
	(void)state;
	memset(&in, 0, sizeof(in));
	in.model.has_rate = in.model.has_setup = 1;
	in.model.rate = 1000;
	in.model.setup = 10;
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	trace_free(&in.trace);
	conf_free(conf);
	conf = NULL;
	return (0);
}

static void
message(int64_t time, uint64_t bytes, uint32_t class)
{
	struct proto_arrival	 a;

	memset(&a, 0, sizeof(a));
	a.time = time;
	a.bytes = bytes;
	a.class = class;
	assert_int_equal(trace_add(&in.trace, &a), 0);
}

static void
run(const char *text)
{
	conf = parse_config_bytes("t", text, strlen(text), PARSE_NOWARN);
	assert_non_null(conf);
	assert_int_equal(simulate_run(&r, conf, &in), 0);
}

/*
 * The second message brings the call: answered at once, 10 s of set-up, 4 of
 * greeting, 1 for the first and 3 for the second, 2 of farewell: 20 s, which
 * are one unit.
 */
static void
test_a_call(void **state)
{
	(void)state;
	message(NOON, 1000, PROTO_NORMAL);
	message(NOON + 600, 3000, PROTO_NORMAL);
	run(MINUTES "dial when messages 2\n");
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.seconds, 20);
	assert_int_equal(r.cost, 10000);
	assert_int_equal(r.waiting, 0);
	assert_int_equal(r.all.n, 2);
	assert_int_equal(r.all.median, 18);
	assert_int_equal(r.all.p95, 615);
	assert_int_equal(r.urgent.n, 0);
	assert_int_equal(r.waited, 633);
	assert_false(r.has_best);
}

/* 60 per hour for waiting, 10 for a call: each for itself is best, 20. */
static void
test_balance(void **state)
{
	(void)state;
	in.has_price = 1;
	in.price = 60000;
	message(NOON, 1000, PROTO_NORMAL);
	message(NOON + 3600, 1000, PROTO_NORMAL);
	run(MINUTES "dial when balance 60 per hour\n");
	assert_int_equal(r.calls, 2);
	assert_true(r.has_best);
	assert_int_equal(r.call_cost, 10000);
	assert_int_equal(r.best.calls, 2);
	assert_int_equal(r.best.waited, 0);
	assert_int_equal(r.best_objective, 20000);
	/* Each waits 600 s for balance and 15 s in the call. */
	assert_int_equal(r.waited, 2 * 615);
	assert_int_equal(r.objective, 20000 + 2 * 615 * 60000 / 3600);
}

/* Urgent mail goes first, bulk last, and both wait as they should. */
static void
test_classes(void **state)
{
	(void)state;
	message(NOON, 5000, PROTO_BULK);
	message(NOON + 60, 2000, PROTO_NORMAL);
	message(NOON + 60, 1000, PROTO_NORMAL);
	message(NOON + 60, 3000, PROTO_URGENT);
	run(MINUTES "dial when urgent\n");
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.urgent.median, 17);
	assert_int_equal(r.all.n, 4);
	assert_int_equal(r.bulk.median, 60 + 14 + 3 + 1 + 2 + 5);
	assert_int_equal(r.all.median, 18);
	assert_int_equal(r.seconds, 14 + 3 + 1 + 2 + 5 + 2);
}

/* Bulk mail that does not fit into the unit that is paid for waits on. */
static void
test_bulk_stays(void **state)
{
	(void)state;
	message(NOON, 100000, PROTO_BULK);
	message(NOON + 60, 1000, PROTO_NORMAL);
	run(MINUTES "dial when messages 1\n");
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.seconds, 17);
	assert_int_equal(r.waiting, 1);
	assert_true(r.bulk.median == SIMULATE_NEVER);
	assert_true(r.all.p95 == SIMULATE_NEVER);
	assert_int_equal(r.all.median, 15);
}

/* What waits for nothing that comes is left. */
static void
test_never(void **state)
{
	(void)state;
	message(NOON, 1000, PROTO_NORMAL);
	message(NOON + HOUR, 1000, PROTO_NORMAL);
	run(MINUTES "dial when messages 3\n");
	assert_int_equal(r.calls, 0);
	assert_int_equal(r.cost, 0);
	assert_int_equal(r.waiting, 2);
	assert_int_equal(r.waited, HOUR);
	assert_true(r.all.median == SIMULATE_NEVER);
}

/* By day a unit of one line costs more than one of the other. */
static void
test_lines(void **state)
{
	(void)state;
	message(NOON, 1000, PROTO_NORMAL);
	message(NOON + 12 * HOUR, 1000, PROTO_NORMAL);
	run(SITE "tariff \"t\" { from 08:00 to 22:00 unit 60s price 10\n"
	    "from 22:00 to 08:00 unit 60s price 1 }\n"
	    "tariff \"even\" { unit 60s price 5 }\n" LINE
	    "line \"m\" { up \"/bin/true\" down \"/bin/true\" "
	    "tariff \"even\" window 15m }\n"
	    "dial when messages 1\n");
	assert_int_equal(r.calls, 2);
	assert_int_equal(r.cost, 5000 + 1000);
}

/* A budget of one call a day, and what is fetched takes its time too. */
static void
test_restraint(void **state)
{
	(void)state;
	in.model.in_per_day = 86400;	/* a byte a second */
	message(NOON, 1000, PROTO_NORMAL);
	message(NOON + HOUR, 1000, PROTO_NORMAL);
	run(MINUTES "dial when messages 1\nbudget 1 calls per day\n");
	assert_int_equal(r.calls, 2);
	assert_int_equal(r.all.median, 15);
	/* At midnight; 12 hours' mail is fetched meanwhile: 43200 bytes. */
	assert_int_equal(r.all.p95, 11 * HOUR + 15);
	assert_int_equal(r.seconds, 17 + 10 + 4 + 44 + 2);
	assert_int_equal(r.cost, 10000 + 10000);
}

/* A window's maximum: the rest goes in the next one. */
static void
test_maximum(void **state)
{
	int	 i;

	(void)state;
	for (i = 0; i < 20; i++)
		message(NOON, 100000, PROTO_NORMAL);
	run(MINUTES "dial when messages 2\nredial 2 within 3m then 15m\n");
	/* 15 minutes are 8 of them; 896 s after the greeting. */
	assert_int_equal(r.calls, 3);
	assert_int_equal(r.waiting, 0);
}

/* A year of it takes no time worth the word. */
static void
test_year(void **state)
{
	clock_t	 begun = clock();
	int64_t	 i;

	(void)state;
	for (i = 0; i < 20000; i++)
		message(NOON + i * 1577, 500 + (uint64_t)i % 7000,
		    i % 11 == 0 ? PROTO_BULK : PROTO_NORMAL);
	run(MINUTES "dial when messages 10\ndial when age 2h between 08:00 "
	    "and 23:00\ndial every 4h\nbudget 60m per day\n"
	    "hold between 02:00 and 04:00\n");
	assert_in_range(r.calls, 2000, 6000);
	/* The time of the process, also under sanitizers. */
	assert_in_range((clock() - begun) / CLOCKS_PER_SEC, 0, 19);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_a_call),
		TEST(test_balance),
		TEST(test_classes),
		TEST(test_bulk_stays),
		TEST(test_never),
		TEST(test_lines),
		TEST(test_restraint),
		TEST(test_maximum),
		TEST(test_year)
	};

	log_init(LOG_PLAIN, 0);
	setenv("TZ", "UTC0", 1);
	tzset();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
