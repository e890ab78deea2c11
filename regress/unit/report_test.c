/* See LICENSE for the terms. */
/* What a report is made of: periods, users' shares, and single calls. */
#include <sys/types.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"

static struct report	 r;

static int64_t
at(const char *zone, int year, int month, int day, int hour)
{
	struct tm	 tm;

	setenv("TZ", zone, 1);
	tzset();
	memset(&tm, 0, sizeof(tm));
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	tm.tm_hour = hour;
	tm.tm_isdst = -1;
	return ((int64_t)mktime(&tm));
}

static void
call(uint64_t n, int64_t t, uint64_t cost)
{
	struct ctl_call	 c;

	memset(&c, 0, sizeof(c));
	c.call = n;
	c.opened = t;
	c.connected = t + 20;
	c.up = t + 30;
	c.closed = t + 120;
	c.seconds = 100;
	c.cost = cost;
	c.units = 2;
	c.single_cost = cost / 2;
	c.sent = 3;
	c.fetched = 4;
	c.mail_out = 3000;
	c.mail_in = 7000;
	c.bytes_out = 4000;
	c.bytes_in = 8000;
	c.repeated_in = 500;
	strlcpy(c.line, n % 2 ? "v34" : "iridium", sizeof(c.line));
	strlcpy(c.result, "ok", sizeof(c.result));
	assert_int_equal(report_call(&r, &c), 0);
}

static void
failure(uint64_t n, int64_t t, uint64_t cost)
{
	struct ctl_call	 c;

	memset(&c, 0, sizeof(c));
	c.call = n;
	c.opened = t;
	c.closed = t + 40;
	c.seconds = 40;
	c.cost = cost;
	strlcpy(c.line, "v34", sizeof(c.line));
	strlcpy(c.result, "no-carrier", sizeof(c.result));
	assert_int_equal(report_call(&r, &c), 0);
}

static void
user(uint64_t n, const char *name, uint64_t sent, uint64_t fetched)
{
	struct ctl_call_user	 u;

	memset(&u, 0, sizeof(u));
	u.call = n;
	u.sent = sent;
	u.sent_bytes = sent * 1000;
	u.fetched = fetched;
	u.fetched_bytes = fetched * 1750;
	strlcpy(u.user, name, sizeof(u.user));
	report_user(&r, &u);
}

static int
teardown(void **state)
{
	(void)state;
	report_free(&r);
	return (0);
}

/* Months of their lengths, and a leap day. */
static void
test_months(void **state)
{
	int64_t	 now = at("UTC", 2028, 3, 31, 12);

	(void)state;
	report_begin(&r, REPORT_MONTH, REPORT_BY_PERIOD, 4, now);
	assert_int_equal(r.nrows, 4);
	assert_string_equal(r.rows[0].name, "2027-12");
	assert_string_equal(r.rows[2].name, "2028-02");
	assert_string_equal(r.rows[3].name, "2028-03");
	call(1, at("UTC", 2027, 11, 30, 23), 100);	/* before all */
	call(2, at("UTC", 2027, 12, 1, 0), 100);
	call(3, at("UTC", 2028, 2, 29, 23), 100);
	call(4, at("UTC", 2028, 3, 1, 0), 100);
	call(5, at("UTC", 2028, 4, 9, 0), 100);		/* its clock was fast */
	report_end(&r);
	assert_int_equal(r.rows[0].calls, 1);
	assert_int_equal(r.rows[1].calls, 0);
	assert_int_equal(r.rows[2].calls, 1);
	assert_int_equal(r.rows[3].calls, 2);
	assert_int_equal(r.total.calls, 4);
	assert_int_equal(r.total.cost, 400);
	assert_int_equal(r.total.repeated, 2000);
}

/* Weeks from Monday on. */
static void
test_weeks(void **state)
{
	(void)state;
	/* A Sunday. */
	report_begin(&r, REPORT_WEEK, REPORT_BY_PERIOD, 2,
	    at("UTC", 2026, 11, 29, 12));
	assert_string_equal(r.rows[0].name, "2026-11-16");
	assert_string_equal(r.rows[1].name, "2026-11-23");
	report_free(&r);
	report_begin(&r, REPORT_WEEK, REPORT_BY_PERIOD, 1,
	    at("UTC", 2026, 11, 30, 0));
	assert_string_equal(r.rows[0].name, "2026-11-30");
}

/* Days of 23 and of 25 hours begin at midnight, too. */
static void
test_daylight(void **state)
{
	static const char	 zone[] = "CET-1CEST,M3.5.0,M10.5.0/3";
	int64_t			 now = at(zone, 2026, 10, 26, 12);

	(void)state;
	report_begin(&r, REPORT_DAY, REPORT_BY_PERIOD, 3, now);
	assert_string_equal(r.rows[1].name, "2026-10-25");
	assert_int_equal(r.rows[2].from - r.rows[1].from, 25 * 3600);
	call(1, at(zone, 2026, 10, 25, 0), 1);
	call(2, r.rows[2].from - 1, 1);
	call(3, r.rows[2].from, 1);
	report_end(&r);
	assert_int_equal(r.rows[1].calls, 2);
	assert_int_equal(r.rows[2].calls, 1);
	report_free(&r);
	report_begin(&r, REPORT_DAY, REPORT_BY_PERIOD, 2,
	    at(zone, 2026, 3, 30, 0));
	assert_int_equal(r.rows[1].from - r.rows[0].from, 23 * 3600);
}

static void
test_lines(void **state)
{
	int64_t	 now = at("UTC", 2026, 11, 28, 12);

	(void)state;
	report_begin(&r, REPORT_MONTH, REPORT_BY_LINE, 1, now);
	call(1, now - 3000, 100);
	call(2, now - 2000, 900);
	call(3, now - 1000, 100);
	failure(4, now, 50);
	report_end(&r);
	/* The dearest first. */
	assert_int_equal(r.nrows, 2);
	assert_string_equal(r.rows[0].name, "iridium");
	assert_int_equal(r.rows[0].cost, 900);
	assert_string_equal(r.rows[1].name, "v34");
	assert_int_equal(r.rows[1].calls, 3);
	assert_int_equal(r.rows[1].failed, 1);
	assert_int_equal(r.rows[1].failed_cost, 50);
	assert_int_equal(r.total.cost, 1150);
}

/* By bytes; what no mail accounts for is a row of its own. */
static void
test_users(void **state)
{
	int64_t	 now = at("UTC", 2026, 11, 28, 12);

	(void)state;
	report_begin(&r, REPORT_DAY, REPORT_BY_USER, 1, now);
	call(1, now - 2000, 1000);
	call(2, now - 1000, 1000);
	failure(3, now, 200);
	user(1, "alice", 3, 0);			/* 3000 of 10000 */
	user(1, "bob", 0, 4);			/* 7000 */
	user(2, "bob", 3, 0);
	user(2, "bob", 0, 4);			/* two lines, one call */
	user(2, "bob", 0, 0);			/* a line that says nothing */
	user(9, "carol", 1, 1);			/* of no call that there is */
	report_end(&r);
	assert_int_equal(r.nrows, 3);
	assert_string_equal(r.rows[0].name, "bob");
	assert_int_equal(r.rows[0].cost, 1700);
	assert_int_equal(r.rows[0].seconds, 170);
	assert_int_equal(r.rows[0].calls, 2);
	assert_int_equal(r.rows[0].fetched, 8);
	assert_string_equal(r.rows[1].name, "alice");
	assert_int_equal(r.rows[1].cost, 300);
	assert_string_equal(r.rows[2].name, "(no mail)");
	assert_int_equal(r.rows[2].cost, 200);
	assert_int_equal(r.total.cost, 2200);
	assert_int_equal(r.total.sent, 6);
}

/* The same mail by single calls. */
static void
test_single(void **state)
{
	int64_t	 now = at("UTC", 2026, 11, 28, 12);

	(void)state;
	report_begin(&r, REPORT_DAY, REPORT_BY_PERIOD, 1, now);
	call(1, now - 3000, 1000);
	user(1, "alice", 3, 2);
	user(1, "bob", 0, 1);
	user(1, "bob", 0, 1);			/* another account */
	report_end(&r);
	/* 3 messages, 2 fetches: 10 s each to link up, and the 90 s. */
	assert_int_equal(r.total.single_calls, 5);
	assert_int_equal(r.total.single_seconds, 5 * 10 + 90);
	assert_int_equal(r.total.single_cost, 5 * 500);
	report_free(&r);

	/* Nobody knows for whom; and a call that failed is as it was. */
	report_begin(&r, REPORT_DAY, REPORT_BY_PERIOD, 1, now);
	call(1, now - 3000, 1000);
	failure(2, now, 40);
	report_end(&r);
	assert_int_equal(r.total.single_calls, 4 + 1);
	assert_int_equal(r.total.single_cost, 4 * 500 + 40);
}

/* Ledgers that do not say what one would have cost: a unit, or a share. */
static void
test_single_old(void **state)
{
	int64_t		 now = at("UTC", 2026, 11, 28, 12);
	struct ctl_call	 c;

	(void)state;
	report_begin(&r, REPORT_DAY, REPORT_BY_PERIOD, 1, now);
	memset(&c, 0, sizeof(c));
	c.call = 1;
	c.opened = now - 500;
	c.up = c.connected = now - 400;
	c.closed = now;
	c.seconds = 400;
	c.cost = 900;
	c.units = 3;
	c.sent = 3;
	strlcpy(c.result, "ok", sizeof(c.result));
	assert_int_equal(report_call(&r, &c), 0);
	c.call = 2;
	c.units = 0;
	assert_int_equal(report_call(&r, &c), 0);
	/* That of somebody else's link is nothing. */
	c.call = 3;
	c.foreign = 1;
	c.cost = 0;
	assert_int_equal(report_call(&r, &c), 0);
	report_end(&r);
	assert_int_equal(r.total.single_calls, 12);
	assert_int_equal(r.total.single_cost, 4 * 300 + 4 * 300);
}

/* More users than there are rows for. */
static void
test_many(void **state)
{
	int64_t	 now = at("UTC", 2026, 11, 28, 12);
	char	 name[16];
	int	 i;

	(void)state;
	report_begin(&r, REPORT_DAY, REPORT_BY_USER, 1, now);
	call(1, now - 2000, 1000000);
	for (i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		user(1, name, 1, 0);
	}
	report_end(&r);
	assert_int_equal(r.nrows, REPORT_ROWS_MAX);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_teardown(test_months, teardown),
		cmocka_unit_test_teardown(test_weeks, teardown),
		cmocka_unit_test_teardown(test_daylight, teardown),
		cmocka_unit_test_teardown(test_lines, teardown),
		cmocka_unit_test_teardown(test_users, teardown),
		cmocka_unit_test_teardown(test_single, teardown),
		cmocka_unit_test_teardown(test_single_old, teardown),
		cmocka_unit_test_teardown(test_many, teardown)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
