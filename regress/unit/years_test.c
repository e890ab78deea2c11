/* See LICENSE for the terms. */
/*
 * A leap year of virtual time in odd time zones, played by dialerd's own code:
 * no day is missed, none is served twice, nothing waits for ever.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "parse.h"
#include "replay.h"

#define SITE "hostname \"h.example\"\n" \
    "local domains { \"h.example\" }\n" \
    "listen on 127.0.0.1 smtp from 127.0.0.0/8\n" \
    "upstream \"isp\" { relay \"smtp://127.0.0.2\" }\n" \
    "line \"l\" { up \"/bin/true\" down \"/bin/true\" window 2m }\n"

#define HOUR		3600
#define DAY		86400
#define START_2028	1830297600	/* 2028-01-01 00:00 UTC */
#define YEAR		370		/* days: 2028 is a leap year */
#define CALLS_MAX	120000
#define EVENTS_MAX	1000

static const char *const	 zones[] = {
	"UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "JST-9",
	"XST5XDT,M3.5.0/0,M10.5.0/0",		/* no midnight, once a year */
	"LHST-10:30LHDT-11,M10.1.0,M4.1.0",	/* half an hour */
	"CHST-12:45CHDT-13:45,M9.5.0/2:45,M4.1.0/3:45"
};
#define ZONES	(sizeof(zones) / sizeof(zones[0]))

static time_t			 opened[CALLS_MAX];	/* wall clock */
static int64_t			 began[CALLS_MAX];	/* monotonic */
static size_t			 ncalls;
static struct replay_event	 events[EVENTS_MAX];
static size_t			 nevents;

static void
called(void *arg, const struct replay_call *call)
{
	(void)arg;
	assert_true(ncalls < CALLS_MAX);
	assert_false(call->failed);
	began[ncalls] = call->began;
	opened[ncalls++] = call->opened;
}

static const struct replay_ops	 ops = { .called = called };

static void
zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

/* The wall clock begins at `wall`, the monotonic at a day. */
static void
play(const char *rules, int64_t wall, int64_t seconds)
{
	struct replay	 r;
	struct conf	*conf;
	char		 text[1024];

	snprintf(text, sizeof(text), "%s%s", SITE, rules);
	conf = parse_config_bytes("t", text, strlen(text), PARSE_NOWARN);
	assert_non_null(conf);
	memset(&r, 0, sizeof(r));
	r.conf = conf;
	r.events = events;
	r.nevents = nevents;
	r.start = DAY;
	r.end = DAY + seconds;
	r.offset = wall - DAY;
	r.ops = &ops;
	ncalls = 0;
	assert_int_equal(replay_run(&r), 0);
	conf_free(conf);
}

/* Local days since one long ago, without mktime's doubts. */
static int64_t
day_of(time_t t)
{
	struct tm	 tm;

	localtime_r(&t, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	return (timegm(&tm) / DAY);
}

static int
minute_of(time_t t)
{
	struct tm	 tm;

	localtime_r(&t, &tm);
	return (tm.tm_hour * 60 + tm.tm_min);
}

/* On each local day but perhaps the first and the last there was one. */
static void
one_a_day(time_t from, time_t to)
{
	size_t	 i;

	assert_true(ncalls > 0);
	assert_in_range(day_of(opened[0]), day_of(from), day_of(from) + 1);
	assert_in_range(day_of(opened[ncalls - 1]), day_of(to) - 1,
	    day_of(to));
	for (i = 1; i < ncalls; i++)
		assert_int_equal(day_of(opened[i]),
		    day_of(opened[i - 1]) + 1);
}

/* Once a day, in its first minute, also where that comes twice or not. */
static void
test_at(void **state)
{
	static const int	 minutes[] = { 0, 90, 150, 1439 };
	char			 rule[64];
	size_t			 z, m, i;

	(void)state;
	for (z = 0; z < ZONES; z++) {
		zone(zones[z]);
		for (m = 0; m < 4; m++) {
			snprintf(rule, sizeof(rule), "dial at %02d:%02d\n",
			    minutes[m] / 60, minutes[m] % 60);
			play(rule, START_2028, YEAR * DAY);
			one_a_day(START_2028, START_2028 + YEAR * DAY);
			for (i = 0; i < ncalls; i++) {
				assert_true(minute_of(opened[i]) >=
				    minutes[m]);
				/* A minute before, it had not come. */
				assert_true(minute_of(opened[i] - 60) <
				    minutes[m] || day_of(opened[i] - 60) <
				    day_of(opened[i]));
			}
		}
	}
}

/* A budget is new with each local day, week and month, and not before. */
static void
test_budget(void **state)
{
	struct tm	 a, b;
	size_t		 z, i;

	(void)state;
	for (z = 0; z < ZONES; z++) {
		zone(zones[z]);
		play("dial every 50m\nbudget 1 calls per day\n", START_2028,
		    YEAR * DAY);
		one_a_day(START_2028, START_2028 + YEAR * DAY);
		play("dial every 5h\nbudget 1 calls per week\n", START_2028,
		    YEAR * DAY);
		assert_in_range(ncalls, YEAR / 7, YEAR / 7 + 2);
		for (i = 1; i < ncalls; i++) {
			/* From Monday on; it is no later than one period. */
			assert_int_equal((day_of(opened[i]) + 3) / 7,
			    (day_of(opened[i - 1]) + 3) / 7 + 1);
			localtime_r(&opened[i], &a);
			assert_int_equal(a.tm_wday, 1);
		}
		play("dial every 5h\nbudget 1 calls per month\n", START_2028,
		    YEAR * DAY);
		assert_in_range(ncalls, 12, 14);
		for (i = 1; i < ncalls; i++) {
			localtime_r(&opened[i], &a);
			localtime_r(&opened[i - 1], &b);
			assert_int_equal(a.tm_mon, (b.tm_mon + 1) % 12);
			assert_int_equal(a.tm_mday, 1);
		}
	}
}

/* Not in those hours, and soon after them. */
static void
test_hold(void **state)
{
	size_t	 z, i;

	(void)state;
	for (z = 0; z < ZONES; z++) {
		zone(zones[z]);
		play("dial every 30m\nhold between 02:00 and 03:00\n",
		    START_2028, YEAR * DAY);
		for (i = 0; i < ncalls; i++) {
			assert_false(minute_of(opened[i]) >= 120 &&
			    minute_of(opened[i]) < 180);
			if (i == 0)
				continue;
			/* An hour that comes twice is held twice. */
			assert_in_range(opened[i] - opened[i - 1], 30 * 60,
			    30 * 60 + 2 * HOUR + 120);
		}
	}
}

/* By dates: Monday to Friday that are no holiday, and 29 February. */
static void
test_dates(void **state)
{
	struct tm	 tm;
	size_t		 i, n = 0;
	time_t		 t;

	(void)state;
	zone(zones[1]);
	play("holidays { 01-01, 12-25, 2028-03-27 }\n"
	    "dial at 02:30 on workdays\n", START_2028, YEAR * DAY);
	for (t = START_2028 + 12 * HOUR; t < START_2028 + YEAR * DAY;
	    t += DAY) {
		localtime_r(&t, &tm);
		if (tm.tm_wday == 0 || tm.tm_wday == 6 ||
		    (tm.tm_mon == 0 && tm.tm_mday == 1) ||
		    (tm.tm_mon == 11 && tm.tm_mday == 25) ||
		    (tm.tm_year == 128 && tm.tm_mon == 2 && tm.tm_mday == 27))
			continue;
		assert_true(n < ncalls);
		assert_int_equal(day_of(opened[n++]), day_of(t));
	}
	assert_int_equal(n, ncalls);
	for (i = 0; i < ZONES; i++) {
		zone(zones[i]);
		play("dial at 00:00 on 02-29\n", START_2028, YEAR * DAY);
		assert_int_equal(ncalls, 1);
		localtime_r(&opened[0], &tm);
		assert_int_equal(tm.tm_mon * 100 + tm.tm_mday, 129);
	}
}

static void
set_clock(int64_t after, int64_t offset)
{
	assert_true(nevents < EVENTS_MAX);
	memset(&events[nevents], 0, sizeof(events[nevents]));
	events[nevents].at = DAY + after;
	events[nevents].kind = REPLAY_CLOCK;
	events[nevents++].offset = offset;
}

static void
message(int64_t after)
{
	assert_true(nevents < EVENTS_MAX);
	memset(&events[nevents], 0, sizeof(events[nevents]));
	events[nevents].at = DAY + after;
	events[nevents].kind = REPLAY_MESSAGE;
	events[nevents++].bytes = 1000;
}

/* Without a battery it is 1970, until the clock is set. */
static void
test_1970(void **state)
{
	size_t	 z, i;

	(void)state;
	for (z = 0; z < ZONES; z++) {
		zone(zones[z]);
		nevents = 0;
		message(10 * 60);
		message(6 * HOUR - 60);
		set_clock(6 * HOUR, START_2028 + 12 * HOUR - DAY);
		play("dial at 08:00\ndial when age 2h\n", 60, 30 * DAY);
		/* The first after 2 h, as the clock of 1970 has it; the other
		 * has waited for 57 years, as far as is known. */
		assert_true(ncalls >= 2);
		for (i = 0; began[i] < DAY + 2 * HOUR; i++)
			;
		assert_in_range(began[i] - DAY, 2 * HOUR, 2 * HOUR + 10 * 60);
		for (; began[i] < DAY + 6 * HOUR - 60; i++)
			;
		assert_in_range(began[i] - DAY, 6 * HOUR, 6 * HOUR + 60);
		/* From then on it is served day by day. */
		for (i++; i + 1 < ncalls; i++) {
			assert_int_equal(day_of(opened[i + 1]),
			    day_of(opened[i]) + 1);
			assert_in_range(minute_of(opened[i + 1]), 480, 481);
		}
		assert_true(day_of(opened[ncalls - 1]) -
		    day_of(START_2028) >= 28);
	}
	nevents = 0;
}

/* A clock that is put forward and back each day by up to 50 minutes, at all
 * hours: each day is served, and none twice. */
static void
test_jumps(void **state)
{
	int64_t		 offset = START_2028 - DAY, by;
	uint32_t	 seed = 7;
	int		 i;

	(void)state;
	zone(zones[1]);
	nevents = 0;
	for (i = 0; i < 400; i++) {
		seed = seed * 1664525 + 1013904223;
		by = (int64_t)(seed >> 8) % 3000;
		offset += i % 2 == 0 ? by : -by;
		/* Every third near the time itself. */
		set_clock((int64_t)i * DAY + (i % 3 == 0 ? 7 * HOUR :
		    (int64_t)(seed >> 4) % DAY / 2), offset);
	}
	play("dial at 08:00\n", START_2028, 400LL * DAY);
	one_a_day(START_2028, START_2028 + 400LL * DAY);
	nevents = 0;
}

/* Put back just after it was served, so that it comes again. */
static void
test_put_back(void **state)
{
	int64_t	 offset = START_2028 - DAY, s;

	(void)state;
	zone("UTC0");
	/* From when the window is open on. */
	for (s = 12; s < 1200; s += 27) {
		nevents = 0;
		set_clock(8 * HOUR + s, offset - 50 * 60);
		play("dial at 08:00\n", START_2028, 3 * DAY);
		one_a_day(START_2028, START_2028 + 3 * DAY);
		assert_int_equal(ncalls, 3);
	}
	/* By days: those come again, and are days like others. */
	nevents = 0;
	set_clock(8 * HOUR + 600, offset - 5 * DAY);
	play("dial at 08:00\n", START_2028, 3 * DAY);
	assert_int_equal(ncalls, 3);
	nevents = 0;
}

/* However the clock is set, mail does not wait for ever, and every knows. */
static void
test_endless(void **state)
{
	static const int64_t	 by[] = {
		-40LL * 365 * DAY, 40LL * 365 * DAY, -DAY, DAY, -HOUR, HOUR
	};
	int64_t			 offset = START_2028 - DAY;
	size_t			 i;

	(void)state;
	zone(zones[1]);
	for (i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		nevents = 0;
		message(HOUR);
		set_clock(HOUR + 60, offset + by[i]);
		message(2 * HOUR);
		play("dial when age 2h\n", START_2028, DAY);
		assert_in_range(ncalls, 1, 2);
		assert_in_range(began[0] - DAY, HOUR + 60, 4 * HOUR + 60);
		nevents = 0;
		set_clock(HOUR, offset + by[i]);
		set_clock(25 * HOUR, offset);
		play("dial every 3h\n", START_2028, 2 * DAY);
		assert_int_equal(ncalls, 15);
	}
	nevents = 0;
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_at),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_1970),
		cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_put_back),
		cmocka_unit_test(test_endless)
	};

	log_init(LOG_PLAIN, 0);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
