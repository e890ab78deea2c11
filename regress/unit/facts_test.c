/* See LICENSE for the terms. */
/*
 * How things stand for the policy, in virtual time: clocks that begin in 1970
 * and are set, put back, or wrong when the ledger is read.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "facts.h"

#define MINUTE	60
#define HOUR	3600
#define DAY	86400
#define YEAR	(365 * DAY)
#define NOON	(1795392000 + 12 * HOUR)	/* of a day in 2026 */
#define BOOT	100				/* seconds after the start */

static struct conf		*conf;
static struct conf_rule		 rule;
static struct facts		 f;
static struct facts_now		 now;
static struct proto_queue_state	 queue;
static struct policy_facts	 p;

static void
begin(enum dial_condition condition, uint64_t value, time_t wall)
{
	rule.condition = condition;
	rule.value = value;
	now.wall = wall;
	now.mono = BOOT;
	facts_start(&f, now);
}

static int
setup(void **state)
{
	(void)state;
	conf = conf_new();
	conf->global.redial = 2;
	conf->global.redial_within = 3 * MINUTE;
	conf->global.redial_then = 15 * MINUTE;
	memset(&rule, 0, sizeof(rule));
	TAILQ_INSERT_TAIL(&conf->rules, &rule, entry);
	memset(&queue, 0, sizeof(queue));
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	TAILQ_REMOVE(&conf->rules, &rule, entry);
	conf_free(conf);
	return (0);
}

static void
pass(int64_t seconds)
{
	now.wall += (time_t)seconds;
	now.mono += seconds;
}

/* A message comes at the time that the clock shows. */
static void
arrive(void)
{
	if (queue.messages++ == 0)
		queue.oldest = now.wall;
	queue.received_sum += (uint64_t)now.wall;
	queue.bytes += 1000;
	assert_int_equal(facts_queue(&f, &queue, now), 0);
}

static int
dials(void)
{
	struct policy_decision	 d;

	facts_policy(&f, &p, now);
	p.send_cost = 20000;
	p.worst_seconds = 15 * MINUTE;
	policy_decide(conf, &p, &d);
	return (d.dial);
}

/* Seconds until it dials, looked at each minute as dialerd does. */
static int64_t
wait_dial(void)
{
	int64_t	 from = now.mono;

	while (!dials() && now.mono - from < 2 * YEAR)
		pass(MINUTE);
	return (now.mono - from);
}

static void
window(void)
{
	time_t	 up = now.wall;

	facts_dial(&f, now);
	pass(MINUTE);
	facts_left(&f, 0);
	facts_good(&f, up, now, 0);
	memset(&queue, 0, sizeof(queue));
	assert_int_equal(facts_queue(&f, &queue, now), 0);
}

/* --- the age of mail --- */

static void
test_set_from_1970(void **state)
{
	(void)state;
	begin(DIAL_AGE, 2 * HOUR, 50);
	pass(MINUTE);
	arrive();
	assert_false(dials());
	pass(10 * MINUTE);
	assert_false(dials());
	now.wall += NOON;
	assert_int_equal(wait_dial(), 110 * MINUTE);
	assert_int_equal(p.oldest, now.wall - 2 * HOUR);
	window();
	/* What comes by the right clock is not moved. */
	arrive();
	assert_int_equal(wait_dial(), 2 * HOUR);
}

/* Twice: first to a wrong time. */
static void
test_set_twice(void **state)
{
	(void)state;
	begin(DIAL_AGE, 2 * HOUR, 50);
	assert_false(dials());
	now.wall += YEAR;
	assert_false(dials());
	pass(MINUTE);
	arrive();
	pass(HOUR);
	assert_false(dials());
	now.wall += NOON;
	assert_int_equal(wait_dial(), HOUR);
}

/* Small corrections are no setting. */
static void
test_kept_right(void **state)
{
	int	 i;

	(void)state;
	begin(DIAL_AGE, 2 * HOUR, NOON);
	for (i = 0; i < 1000; i++) {
		pass(MINUTE);
		now.wall++;
		(void)dials();
	}
	assert_int_equal(f.set_by, 0);
	assert_int_equal(p.start, now.wall - 1000 * MINUTE);
}

static void
test_put_back(void **state)
{
	(void)state;
	begin(DIAL_AGE, 2 * HOUR, NOON);
	arrive();
	pass(MINUTE);
	assert_false(dials());
	now.wall -= YEAR;
	assert_int_equal(wait_dial(), 2 * HOUR);
	window();
	/* By less than it has waited already. */
	arrive();
	pass(HOUR);
	now.wall -= 30 * MINUTE;
	assert_false(dials());
	assert_in_range(wait_dial(), HOUR, 90 * MINUTE);
	window();
	/* It was in the future, then is not, and is no younger for that. */
	arrive();
	assert_false(dials());
	now.wall -= 100 * MINUTE;
	assert_int_equal(wait_dial(), 2 * HOUR);
}

/* 20 a call and 5 for each message and hour. */
static void
test_balance(void **state)
{
	(void)state;
	begin(DIAL_BALANCE, 5000, NOON);
	arrive();
	assert_int_equal(wait_dial(), 4 * HOUR);
	window();
	/* Put back by a year: not put off by one. */
	arrive();
	pass(MINUTE);
	now.wall -= YEAR;
	assert_in_range(wait_dial(), 4 * HOUR - MINUTE, 4 * HOUR);
	window();
	/* Some before, some after that. */
	arrive();
	arrive();
	pass(MINUTE);
	assert_false(dials());
	now.wall -= YEAR;
	arrive();
	assert_in_range(wait_dial(), HOUR, 4 * HOUR);
	window();
	/* Set forward: nothing has waited for a year. */
	begin(DIAL_BALANCE, 5000, 50);
	arrive();
	assert_false(dials());
	now.wall += NOON;
	assert_false(dials());
	arrive();
	assert_in_range(wait_dial(), HOUR, 2 * HOUR);
}

/* --- windows --- */

/* However the clock is set, the time between two of them is what it is. */
static void
test_every(void **state)
{
	int64_t	 waited;
	int	 i;

	(void)state;
	begin(DIAL_EVERY, 4 * HOUR, 50);
	srandom(1);
	for (i = 0; i < 2000; i++) {
		pass(random() % (3 * HOUR));
		waited = now.mono - f.good;
		now.wall = random() % 2 == 0 ? random() % NOON :
		    NOON + random() % YEAR;
		waited += wait_dial();
		assert_in_range(waited, 4 * HOUR, 4 * HOUR + MINUTE);
		window();
	}
}

/* A day has one, wherever the clock is put back to within the hour. */
static void
test_at_once_a_day(void **state)
{
	int	 day, calls, back;

	(void)state;
	begin(DIAL_AT, 12 * 60, NOON - HOUR);
	srandom(2);
	for (day = 0; day < 300; day++) {
		back = (int)(random() % (50 * MINUTE));
		for (calls = 0; now.wall < NOON + day * DAY + 2 * HOUR;
		    pass(MINUTE)) {
			if (!dials())
				continue;
			calls++;
			window();
			now.wall -= back;
			back = 0;
		}
		assert_int_equal(calls, 1);
		pass(20 * HOUR);
	}
}

/* The machine slept over it, a quarter of an hour after a window. */
static void
test_at_asleep(void **state)
{
	(void)state;
	begin(DIAL_AT, 12 * 60, NOON - HOUR);
	window();
	pass(15 * MINUTE);
	assert_false(dials());
	pass(80 * MINUTE);
	assert_true(dials());
}

/* The ledger is read while the clock is still in 1970. */
static void
test_ledger_before_clock(void **state)
{
	struct ledger_series	 s;

	(void)state;
	memset(&s, 0, sizeof(s));
	s.good_up = NOON - DAY;
	s.good_closed = 50;		/* as far as that clock can tell */
	begin(DIAL_AT, 12 * 60, 50);
	facts_past(&f, &s, now);
	assert_false(dials());
	pass(MINUTE);
	/* Five minutes late: this day was not served yet. */
	now.wall = NOON + 5 * MINUTE;
	assert_true(dials());
	assert_int_equal(p.good_age, DAY + 5 * MINUTE);
	window();
	assert_false(dials());
	/* One that it had before the reboot has served it. */
	s.good_up = NOON + MINUTE;
	begin(DIAL_AT, 12 * 60, 50);
	facts_past(&f, &s, now);
	assert_false(dials());
	now.wall = NOON + 5 * MINUTE;
	assert_false(dials());
}

static void
test_ledger(void **state)
{
	struct ledger_series	 s;

	(void)state;
	memset(&s, 0, sizeof(s));
	begin(DIAL_MESSAGES, 1, NOON);
	s.good_up = NOON - 3 * HOUR;
	s.good_closed = NOON - 2 * HOUR;
	s.left = 3;
	s.left_windows = 1;
	s.attempts = 2;
	s.first = NOON - 400;
	s.last = NOON - 300;
	facts_past(&f, &s, now);
	facts_attempts(&f, &s, now);
	pass(10);
	queue.urgent = queue.messages = 2;
	queue.bytes = 500;
	queue.deadline = NOON + DAY;
	queue.oldest = NOON - DAY;
	assert_int_equal(facts_queue(&f, &queue, now), 0);
	facts_policy(&f, &p, now);
	assert_int_equal(p.good_age, 2 * HOUR + 10);
	assert_int_equal(p.first_age, 410);
	assert_int_equal(p.last_age, 310);
	assert_int_equal(p.attempts, 2);
	/* No more was left than there is. */
	assert_int_equal(p.left, 2);
	assert_int_equal(p.left_urgent, 2);
	assert_int_equal(p.left_bytes, 500);
	assert_int_equal(p.left_deadline, NOON + DAY);
	/* A window that leaves one, and one that leaves none. */
	facts_left(&f, 1);
	assert_int_equal(f.left_windows, 2);
	facts_policy(&f, &p, now);
	assert_int_equal(p.fresh, 0);
	/* Of the two one is fresh, since it was seen. */
	assert_int_equal(facts_queue(&f, &queue, now), 0);
	pass(MINUTE);
	assert_int_equal(facts_queue(&f, &queue, now), 0);
	facts_policy(&f, &p, now);
	assert_int_equal(p.fresh, now.wall - MINUTE);
	facts_left(&f, 0);
	assert_int_equal(f.left_windows, 0);
	assert_int_equal(f.left_bytes, 0);
}

static void
test_queue(void **state)
{
	(void)state;
	begin(DIAL_MESSAGES, 1, NOON);
	queue.urgent = 1;
	assert_int_equal(facts_queue(&f, &queue, now), -1);
	queue.messages = 1;
	queue.deadline = -1;
	assert_int_equal(facts_queue(&f, &queue, now), -1);
	queue.deadline = 0;
	queue.oldest = -1;
	assert_int_equal(facts_queue(&f, &queue, now), -1);
	queue.oldest = 0;
	assert_int_equal(facts_queue(&f, &queue, now), 0);
	/* Numbers that are not true do not overflow. */
	queue.messages = queue.received_sum = UINT64_MAX;
	queue.oldest = INT64_MAX;
	assert_int_equal(facts_queue(&f, &queue, now), 0);
	(void)dials();
}

/* --- attempts and requests --- */

static void
call_fails(void)
{
	facts_dial(&f, now);
	pass(20);
	facts_failed(&f, &conf->global, now, 7);
}

static void
test_attempts(void **state)
{
	(void)state;
	begin(DIAL_MESSAGES, 1, NOON);
	call_fails();
	pass(10);
	call_fails();
	facts_policy(&f, &p, now);
	assert_int_equal(p.attempts, 2);
	assert_int_equal(p.first_age, 50);
	assert_int_equal(p.last_age, 0);
	assert_int_equal(p.jitter, 7);
	/* The clock of hours has no say in it. */
	now.wall -= YEAR;
	facts_policy(&f, &p, now);
	assert_int_equal(p.first_age, 50);
	facts_hung_up(&f, &conf->global);
	assert_int_equal(f.attempts, 3);
	window();
	assert_int_equal(f.attempts, 0);
}

static void
test_request(void **state)
{
	(void)state;
	begin(DIAL_MESSAGES, 1, NOON);
	call_fails();
	call_fails();
	/* The operator's is a series of its own, and ends with its redials. */
	assert_int_equal(facts_request(&f, NULL), 0);
	assert_true(dials());
	call_fails();
	assert_int_equal(f.attempts, 1);
	assert_int_equal(f.request, POLICY_REQUEST_FAILED);
	call_fails();
	call_fails();
	assert_int_equal(f.request, POLICY_REQUEST_NONE);
	/* A program's is none. */
	assert_int_equal(facts_request(&f, "a"), 0);
	assert_int_equal(facts_request(&f, "b"), -1);
	facts_policy(&f, &p, now);
	assert_string_equal(p.request_text, "a");
	assert_false(dials());
	assert_int_equal(facts_request(&f, NULL), 0);
	facts_policy(&f, &p, now);
	assert_null(p.request_text);
	assert_true(dials());
	window();
	assert_int_equal(f.request, POLICY_REQUEST_NONE);
}

static void
test_hold(void **state)
{
	(void)state;
	begin(DIAL_MESSAGES, 1, NOON);
	assert_int_equal(facts_request(&f, "a"), 0);
	facts_hold(&f, 1);
	assert_int_equal(f.request, POLICY_REQUEST_NONE);
	assert_int_equal(facts_request(&f, "a"), -1);
	arrive();
	assert_false(dials());
	facts_hold(&f, 0);
	assert_true(dials());
}

#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_set_from_1970),
		TEST(test_set_twice),
		TEST(test_kept_right),
		TEST(test_put_back),
		TEST(test_balance),
		TEST(test_every),
		TEST(test_at_once_a_day),
		TEST(test_at_asleep),
		TEST(test_ledger_before_clock),
		TEST(test_ledger),
		TEST(test_queue),
		TEST(test_attempts),
		TEST(test_request),
		TEST(test_hold)
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
