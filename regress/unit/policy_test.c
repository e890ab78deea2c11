/* See LICENSE for the terms. */
/*
 * The policy, in virtual time: its conditions and restraints, and at their
 * borders.
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

#include "policy.h"

/* 2026-11-23 (Monday) 12:00 UTC. */
#define NOON	(1795392000 + 12 * HOUR)
#define HOUR	3600
#define MINUTE	60

static struct conf		*conf;
static struct policy_facts	 f;
static struct policy_decision	 d;
static struct conf_rule		 rules[8];
static struct conf_hold		 holds[4];
static struct conf_budget	 budgets[4];
static int			 nrules, nholds, nbudgets;

static int
setup(void **state)
{
	(void)state;
	conf = conf_new();
	conf->global.redial = 2;
	conf->global.redial_within = 180;
	conf->global.redial_then = 900;
	memset(rules, 0, sizeof(rules));
	memset(holds, 0, sizeof(holds));
	memset(budgets, 0, sizeof(budgets));
	nrules = nholds = nbudgets = 0;
	memset(&f, 0, sizeof(f));
	f.now = NOON;
	f.start = NOON - 10 * HOUR;
	f.good_age = 10 * HOUR;
	f.worst_seconds = 900;
	f.worst_cost = 50000;
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	TAILQ_INIT(&conf->rules);
	TAILQ_INIT(&conf->holds);
	TAILQ_INIT(&conf->budgets);
	conf_free(conf);
	return (0);
}

static struct conf_rule *
rule(enum dial_condition condition, uint64_t value)
{
	struct conf_rule	*r = &rules[nrules++];

	r->condition = condition;
	r->value = value;
	TAILQ_INSERT_TAIL(&conf->rules, r, entry);
	return (r);
}

static void
between(struct conf_span *span, uint32_t from, uint32_t to)
{
	span->from = from * 60;
	span->to = to * 60;
	span->days = DAYS_ALL;
	span->set = 1;
}

static void
hold(uint32_t from, uint32_t to)
{
	struct conf_hold	*h = &holds[nholds++];

	between(&h->span, from, to);
	TAILQ_INSERT_TAIL(&conf->holds, h, entry);
}

static struct conf_budget *
budget(enum budget_kind kind, enum budget_period period, uint64_t amount)
{
	struct conf_budget	*b = &budgets[nbudgets++];

	b->kind = kind;
	b->period = period;
	b->amount = amount;
	TAILQ_INSERT_TAIL(&conf->budgets, b, entry);
	return (b);
}

static void
dials(const char *why)
{
	policy_decide(conf, &f, &d);
	assert_string_equal(d.why, why);
	assert_true(d.dial);
}

/* Not before `after` seconds from now; -1: no time is known. */
static void
waits(time_t after, const char *why)
{
	policy_decide(conf, &f, &d);
	assert_string_equal(d.why, why);
	assert_false(d.dial);
	assert_int_equal(d.next, after == -1 ? 0 : f.now + after);
}

static void
test_nothing(void **state)
{
	(void)state;
	waits(-1, "no condition in sight");
	rule(DIAL_MESSAGES, 20);
	waits(-1, "no condition in sight");
	rule(DIAL_URGENT, 0);
	waits(-1, "no condition in sight");
}

static void
test_messages(void **state)
{
	(void)state;
	rule(DIAL_MESSAGES, 20);
	f.messages = 19;
	waits(-1, "no condition in sight");
	f.messages = 20;
	dials("messages 20");
}

static void
test_size(void **state)
{
	(void)state;
	rule(DIAL_SIZE, 500000);
	f.messages = 1;
	f.bytes = 499999;
	waits(-1, "no condition in sight");
	f.bytes = 500000;
	dials("size 500000");
}

static void
test_age(void **state)
{
	(void)state;
	rule(DIAL_AGE, 2 * HOUR);
	waits(-1, "no condition in sight");
	f.messages = 1;
	f.oldest = f.now - 2 * HOUR + 1;
	waits(1, "age 2h");
	f.oldest--;
	dials("age 2h");
	/* The clock was put back since. */
	f.oldest = f.now + 100;
	waits(2 * HOUR, "age 2h");
}

/* From the last good window, or from the start. */
static void
test_every(void **state)
{
	(void)state;
	rule(DIAL_EVERY, 4 * HOUR);
	f.good_age = 4 * HOUR - 1;
	waits(1, "every 4h");
	f.good_age++;
	dials("every 4h");
}

static void
test_at(void **state)
{
	(void)state;
	rule(DIAL_AT, 12 * 60);
	f.good_up = NOON - 4 * HOUR;
	f.now = NOON - 1;
	waits(1, "at 12:00");
	f.now = NOON;
	dials("at 12:00");
	/* Busy or asleep then: within the hour it is made up for. */
	f.now = NOON + HOUR;
	dials("at 12:00");
	f.now++;
	waits(23 * HOUR - 1, "at 12:00");
	/* Once: a window since then has served it. */
	f.now = NOON + 5 * MINUTE;
	f.good_up = NOON;
	waits(24 * HOUR - 5 * MINUTE, "at 12:00");
	/* One that was open before it came has not. */
	f.good_up = NOON - 1;
	dials("at 12:00");
}

/* The clock was put back by a year, or forward from 1970, since the window. */
static void
test_at_clock_set(void **state)
{
	(void)state;
	rule(DIAL_AT, 12 * 60);
	f.good_age = 2 * HOUR;
	f.good_up = NOON + 365 * 24 * HOUR;
	dials("at 12:00");
	f.now = NOON + 5 * MINUTE;
	f.good_age = 4 * MINUTE;
	waits(24 * HOUR - 5 * MINUTE, "at 12:00");
	f.good_up = 300;
	waits(24 * HOUR - 5 * MINUTE, "at 12:00");
	f.good_age = 6 * MINUTE;
	dials("at 12:00");
}

/* A clock that is put back by a little, after the hour: it comes once. */
static void
test_at_put_back(void **state)
{
	int	 back;

	(void)state;
	rule(DIAL_AT, 12 * 60);
	f.worst_seconds = 1000;
	f.good_up = NOON + 5;
	for (back = 1; back <= HOUR - 30; back += 37) {
		/* It had been open for 25 s. */
		f.now = NOON + 30 - back;
		for (f.good_age = 0; f.now <= NOON + HOUR; f.now += 61) {
			policy_decide(conf, &f, &d);
			assert_false(d.dial);
			f.good_age += 61;
		}
	}
	/* By much: then it is not the same one. */
	f.now = NOON;
	f.good_age = 2 * HOUR;
	dials("at 12:00");
}

/* A daemon that never had a window is not late for what it did not see. */
static void
test_at_start(void **state)
{
	(void)state;
	rule(DIAL_AT, 12 * 60);
	f.now = NOON + 10 * MINUTE;
	f.start = NOON + 1;
	waits(24 * HOUR - 10 * MINUTE, "at 12:00");
	f.start = NOON;
	dials("at 12:00");
}

static void
test_at_days(void **state)
{
	struct conf_rule	*r = rule(DIAL_AT, 12 * 60);

	(void)state;
	r->span.set = 1;
	r->span.to = 1440;
	r->span.days = 1 << 2;		/* Tuesdays */
	waits(24 * HOUR, "at 12:00 on tuesday");
}

/* What a call for the queue is estimated to take and to cost. */
static void
test_estimates(void **state)
{
	(void)state;
	rule(DIAL_SECONDS, 60);
	f.messages = 3;
	f.bytes = 3000;
	f.send_seconds = 59;
	waits(-1, "no condition in sight");
	f.send_seconds = 60;
	dials("seconds 60");
	assert_false(d.urgent);
	/* Two thirds of it were left behind: they wait for a pause. */
	f.left = 2;
	f.left_bytes = 2000;
	f.left_windows = 1;
	f.good_age = 60;
	waits(840, "seconds 60");
	f.send_seconds = 200;
	dials("seconds 60");
	f.messages = 0;
	waits(-1, "no condition in sight");
	rule(DIAL_COST, 20000);
	f.messages = 1;
	f.left = 0;
	f.send_seconds = 0;
	f.send_cost = 19999;
	waits(-1, "no condition in sight");
	f.send_cost = 20000;
	dials("cost 20");
}

static void
test_urgent(void **state)
{
	(void)state;
	rule(DIAL_URGENT, 0);
	f.messages = 1;
	waits(-1, "no condition in sight");
	f.urgent = 1;
	dials("urgent");
	/* The last window could not send it. */
	f.left = f.left_urgent = f.left_windows = 1;
	f.good_age = 100;
	waits(800, "urgent");
	f.urgent = f.messages = 2;
	dials("urgent");
}

static void
test_deadline(void **state)
{
	(void)state;
	rule(DIAL_DEADLINE, 30 * MINUTE);
	f.messages = 1;
	waits(-1, "no condition in sight");
	f.deadline = NOON + HOUR;
	waits(30 * MINUTE, "deadline 30m");
	f.deadline = NOON + 30 * MINUTE + 1;
	waits(1, "deadline 30m");
	f.deadline--;
	dials("deadline 30m");
	assert_true(d.urgent);
	f.deadline = NOON - HOUR;
	dials("deadline 30m");
	/* Tried in vain, it waits for the pause; another one does not. */
	f.left = f.left_windows = 1;
	f.left_deadline = f.deadline;
	f.good_age = 100;
	waits(800, "deadline 30m");
	f.deadline--;
	dials("deadline 30m");
}

static void
test_balance(void **state)
{
	struct conf_rule	*r = rule(DIAL_BALANCE, 5000);

	(void)state;
	f.send_cost = 10000;
	waits(-1, "no condition in sight");
	/* 2 messages at 5 an hour come to 10 after an hour. */
	f.messages = 2;
	f.received_sum = 2ULL * NOON;
	waits(HOUR, "balance 5 per hour");
	f.received_sum -= HOUR;
	waits(HOUR / 2, "balance 5 per hour");
	f.received_sum -= HOUR - 1;
	waits(1, "balance 5 per hour");
	f.received_sum--;
	dials("balance 5 per hour");
	/* By a clock that was put back all came later than now. */
	f.received_sum = 4ULL * NOON;
	waits(HOUR, "balance 5 per hour");
	/* Numbers that do not fit do not make it wait for ever. */
	f.send_cost = UINT64_MAX;
	dials("balance 5 per hour");
	f.send_cost = 0;
	dials("balance 5 per hour");
	r->value = 0;
	waits(-1, "no condition in sight");
}

/* Holidays, dates, and what is no workday. */
static void
test_dates(void **state)
{
	static struct conf_dayset	 holidays, own;
	struct conf_rule		*r = rule(DIAL_MESSAGES, 1);

	(void)state;
	f.messages = 1;
	holidays.id = DAYSET_HOLIDAYS;
	own.id = 2;
	TAILQ_INIT(&holidays.dates);
	TAILQ_INIT(&own.dates);
	assert_int_equal(strlist_add(&holidays.dates, "11-24"), 0);
	assert_int_equal(strlist_add(&own.dates, "2027-02-28"), 0);
	TAILQ_INSERT_TAIL(&conf->daysets, &holidays, entry);
	TAILQ_INSERT_TAIL(&conf->daysets, &own, entry);
	between(&r->span, 8, 9);
	r->span.days = DAYS_HOLIDAY;
	waits(20 * HOUR, "messages 1 between 08:00 and 09:00 on holidays");
	r->span.days = 0x3e | DAYS_WORKDAY;
	waits(44 * HOUR, "messages 1 between 08:00 and 09:00 on workdays");
	r->span.days = 0;
	r->span.dayset = 2;
	waits((97 * 24 - 4) * HOUR,
	    "messages 1 between 08:00 and 09:00 on certain dates");
	TAILQ_INIT(&conf->daysets);
	strlist_free(&holidays.dates);
	strlist_free(&own.dates);
}

static void
test_between(void **state)
{
	(void)state;
	between(&rule(DIAL_MESSAGES, 1)->span, 13, 14);
	f.messages = 1;
	waits(HOUR, "messages 1 between 13:00 and 14:00");
	f.now = NOON + HOUR;
	dials("messages 1 between 13:00 and 14:00");
	f.now = NOON + 2 * HOUR;
	waits(23 * HOUR, "messages 1 between 13:00 and 14:00");
	/* The earliest of several is the reason. */
	rule(DIAL_EVERY, 11 * HOUR);
	waits(HOUR, "every 11h");
}

static void
test_over_midnight(void **state)
{
	struct conf_rule	*r = rule(DIAL_MESSAGES, 1);

	(void)state;
	between(&r->span, 23, 8);
	f.messages = 1;
	waits(11 * HOUR, "messages 1 between 23:00 and 08:00");
	f.now = NOON + 11 * HOUR;
	dials("messages 1 between 23:00 and 08:00");
	f.now = NOON + 20 * HOUR - 1;
	dials("messages 1 between 23:00 and 08:00");
	f.now++;
	waits(15 * HOUR, "messages 1 between 23:00 and 08:00");
	r->span.negate = 1;
	dials("messages 1 not between 23:00 and 08:00");
}

static void
test_hold_hours(void **state)
{
	(void)state;
	rule(DIAL_MESSAGES, 1);
	f.messages = 1;
	hold(12, 14);
	waits(2 * HOUR, "hold hours (messages 1)");
	/* One after the other. */
	hold(14, 15);
	waits(3 * HOUR, "hold hours (messages 1)");
	f.now = NOON + 3 * HOUR;
	dials("messages 1");
}

static void
test_held(void **state)
{
	(void)state;
	rule(DIAL_MESSAGES, 1);
	f.messages = 1;
	f.hold = 1;
	waits(-1, "held by the operator (messages 1)");
	f.request = POLICY_REQUEST_NEW;
	waits(-1, "held by the operator (request)");
}

/* Hours do not bind a request; budgets do. */
static void
test_request(void **state)
{
	(void)state;
	hold(12, 14);
	f.request = POLICY_REQUEST_NEW;
	dials("request");
	f.attempts = 7;
	f.last_age = 1;
	dials("request");
	/* What follows its failure is automatic. */
	f.request = POLICY_REQUEST_FAILED;
	f.attempts = 1;
	waits(POLICY_REDIAL_GAP - 1, "pause before a redial (request again)");
	budget(BUDGET_CALLS, BUDGET_DAY, 3);
	f.request = POLICY_REQUEST_NEW;
	f.sum[BUDGET_DAY].calls = 3;
	waits(12 * HOUR, "budget: 3 calls per day is used up (request)");
}

/* A program is not the operator: all restraints bind it. */
static void
test_request_of_program(void **state)
{
	(void)state;
	f.request = POLICY_REQUEST_FAILED;
	f.request_text = "pc (ETRN)";
	dials("pc (ETRN)");
	hold(12, 14);
	waits(2 * HOUR, "hold hours (pc (ETRN))");
	f.attempts = 1;
	f.first_age = f.last_age = 1;
	waits(2 * HOUR, "hold hours (pc (ETRN))");
}

/* What is asked for and must wait does not keep other calls from being made. */
static void
test_request_and_conditions(void **state)
{
	(void)state;
	budget(BUDGET_CALLS, BUDGET_DAY, 4)->keep = 1;
	rule(DIAL_URGENT, 0);
	f.sum[BUDGET_DAY].calls = 3;
	f.request = POLICY_REQUEST_FAILED;
	f.attempts = 1;
	f.first_age = f.last_age = HOUR;
	waits(12 * HOUR, "budget: 4 calls per day keep 1 call for urgent is "
	    "used up (request again)");
	f.messages = f.urgent = 1;
	dials("urgent");
	assert_true(d.urgent);
	f.request = POLICY_REQUEST_NEW;
	dials("urgent");
	/* It is no less an automatic redial for that. */
	f.first_age = f.last_age = 1;
	waits(POLICY_REDIAL_GAP - 1, "pause before a redial (urgent)");
	/* Where both may go, it is what was asked for. */
	f.sum[BUDGET_DAY].calls = 0;
	dials("request");
}

static void
test_budget_seconds(void **state)
{
	(void)state;
	rule(DIAL_MESSAGES, 1);
	f.messages = 1;
	budget(BUDGET_SECONDS, BUDGET_DAY, 3600);
	f.sum[BUDGET_DAY].seconds = 2700;
	dials("messages 1");
	/* With the worst case it would be a second too much. */
	f.sum[BUDGET_DAY].seconds++;
	waits(12 * HOUR, "budget: 1h per day is used up (messages 1)");
	f.sum[BUDGET_DAY].seconds = UINT64_MAX;
	waits(12 * HOUR, "budget: 1h per day is used up (messages 1)");
}

static void
test_budget_money(void **state)
{
	struct conf_budget	*b;

	(void)state;
	rule(DIAL_MESSAGES, 1);
	f.messages = 1;
	b = budget(BUDGET_MONEY, BUDGET_MONTH, 3000000);
	f.sum[BUDGET_MONTH].cost = 2950000;
	dials("messages 1");
	f.sum[BUDGET_MONTH].cost++;
	/* To the first of December. */
	waits(7 * 24 * HOUR + 12 * HOUR,
	    "budget: 3000 per month is used up (messages 1)");
	/* A part is kept for urgent mail, which this is not. */
	f.sum[BUDGET_MONTH].cost = 2450000;
	b->keep = 500000;
	dials("messages 1");
	b->keep++;
	waits(7 * 24 * HOUR + 12 * HOUR,
	    "budget: 3000 per month keep 500.001 for urgent is used up "
	    "(messages 1)");
	/* This is; and it goes first though its rule comes last. */
	rule(DIAL_URGENT, 0);
	f.urgent = 1;
	dials("urgent");
	assert_true(d.urgent);
	f.sum[BUDGET_MONTH].cost = 2950001;
	waits(7 * 24 * HOUR + 12 * HOUR,
	    "budget: 3000 per month keep 500.001 for urgent is used up "
	    "(messages 1)");
}

static void
test_budget_never(void **state)
{
	(void)state;
	rule(DIAL_MESSAGES, 1);
	f.messages = 1;
	budget(BUDGET_SECONDS, BUDGET_DAY, 899);
	waits(-1, "budget: 899s per day never covers the worst case of a "
	    "call (messages 1)");
}

/* The longest wait of several decides. */
static void
test_budgets(void **state)
{
	(void)state;
	rule(DIAL_MESSAGES, 1);
	f.messages = 1;
	budget(BUDGET_CALLS, BUDGET_WEEK, 5);
	budget(BUDGET_SECONDS, BUDGET_DAY, 3600);
	f.sum[BUDGET_DAY].seconds = 3600;
	f.sum[BUDGET_WEEK].calls = 4;
	waits(12 * HOUR, "budget: 1h per day is used up (messages 1)");
	f.sum[BUDGET_WEEK].calls = 5;
	/* To Monday. */
	waits(6 * 24 * HOUR + 12 * HOUR,
	    "budget: 5 calls per week is used up (messages 1)");
}

static void
test_redial_rule(void **state)
{
	(void)state;
	rule(DIAL_MESSAGES, 1);
	f.messages = 1;
	/* Two redials within three minutes, not on each other's heels. */
	f.attempts = 1;
	f.first_age = 60;
	f.last_age = 0;
	waits(POLICY_REDIAL_GAP, "pause before a redial (messages 1)");
	f.last_age = POLICY_REDIAL_GAP;
	dials("messages 1");
	f.attempts = 2;
	f.first_age = 179;
	dials("messages 1");
	/* The third minute is over: a redial of that kind comes too late. */
	f.first_age = 180;
	f.last_age = 60;
	waits(840, "pause before a redial (messages 1)");
	/* The gap would carry it over the border. */
	f.first_age = 175;
	f.last_age = 5;
	waits(895, "pause before a redial (messages 1)");
	/* No third redial. */
	f.attempts = 3;
	f.first_age = 100;
	f.last_age = 20;
	waits(880, "pause before a redial (messages 1)");
	f.last_age = 900;
	dials("messages 1");
}

static void
test_redial_pauses(void **state)
{
	static const time_t	 pauses[] = {
		900, 1800, 3600, 7200, 14400, 14400, 14400
	};
	size_t			 i;

	(void)state;
	rule(DIAL_MESSAGES, 1);
	f.messages = 1;
	for (i = 0; i < 7; i++) {
		f.attempts = 3 + (uint32_t)i;
		f.first_age = 100000;
		f.last_age = 0;
		waits(pauses[i], "pause before a redial (messages 1)");
	}
	f.attempts = UINT32_MAX;
	waits(14400, "pause before a redial (messages 1)");
	/* Jitter makes it longer, by an eighth at most. */
	f.attempts = 3;
	f.jitter = 0xff;
	policy_decide(conf, &f, &d);
	assert_in_range(d.next - f.now, 1000, 1012);
}

/* L5 for any configuration: no three minutes see more than three calls. */
static void
test_redial_never_too_often(void **state)
{
	static const uint64_t	 then[] = { 0, 1, 10, 60, 900 };
	static const uint64_t	 lasts[] = { 1, 15, 40, 59, 118 };
	time_t			 dialled[64], t, end;
	size_t			 i, j;
	int			 n, k;

	(void)state;
	rule(DIAL_MESSAGES, 1);
	f.messages = 1;
	for (i = 0; i < 25; i++) {
		conf->global.redial_then = then[i / 5];
		end = NOON;
		for (t = NOON, n = 0; t < NOON + 4 * HOUR && n < 64; t++) {
			f.now = t;
			f.attempts = (uint32_t)n;
			if (n > 0) {
				f.first_age = (uint64_t)(t - dialled[0]);
				f.last_age = (uint64_t)(t - end);
			}
			policy_decide(conf, &f, &d);
			if (!d.dial)
				continue;
			dialled[n++] = t;
			t += (time_t)lasts[i % 5];
			end = t;
		}
		assert_true(n >= 3);
		for (j = 3; j < (size_t)n; j++)
			assert_true(dialled[j] - dialled[j - 3] >= 180);
		for (k = 0, j = 0; j < (size_t)n; j++)
			k += dialled[j] - dialled[0] < 180;
		assert_true(k <= 3);
	}
}

/*
 * What a window tried and left is no reason for another at once, else a
 * queue that upstream defers would be dialled for without end.
 */
static void
test_left_behind(void **state)
{
	(void)state;
	rule(DIAL_MESSAGES, 20);
	rule(DIAL_AGE, HOUR);
	f.messages = f.left = 25;
	f.left_windows = 1;
	f.good_up = NOON - 100;
	f.good_age = 60;
	f.oldest = NOON - 2 * HOUR;
	waits(840, "messages 20");
	f.left_windows = 2;
	waits(1740, "messages 20");
	/* New mail counts for itself. */
	f.messages = 44;
	waits(1740, "messages 20");
	f.messages = 45;
	dials("messages 20");
	/* The pause is over. */
	f.messages = 25;
	f.good_age = 1800;
	dials("messages 20");
	/* All of it left: nothing to wait for. */
	f.left = f.left_windows = 0;
	f.good_age = 0;
	dials("messages 20");
}

/* What has come since waits for its own time only. */
static void
test_fresh_age(void **state)
{
	(void)state;
	rule(DIAL_AGE, 2 * HOUR);
	f.messages = 2;
	f.left = f.left_windows = 1;
	f.good_up = NOON - 121 * MINUTE;
	f.good_age = 120 * MINUTE;
	f.left_windows = 6;
	f.oldest = NOON - 10 * HOUR;
	waits(2 * HOUR, "age 2h");
	f.fresh = NOON - 90 * MINUTE;
	waits(30 * MINUTE, "age 2h");
	f.fresh = NOON - 2 * HOUR;
	dials("age 2h");
	/* No later than that which was left. */
	f.fresh = NOON;
	f.good_age = 239 * MINUTE;
	waits(MINUTE, "age 2h");
	/* It is none: a bounce may have taken the other. */
	f.fresh = NOON - 2 * HOUR;
	f.messages = 1;
	waits(MINUTE, "age 2h");
}

static void
test_breaker(void **state)
{
	(void)state;
	rule(DIAL_MESSAGES, 1);
	f.messages = 1;
	conf->global.breaker = 4;
	conf->global.breaker_pause = 6 * HOUR;
	f.attempts = 3;
	f.first_age = 4000;
	f.last_age = 900;
	dials("messages 1");
	f.attempts = 4;
	waits(6 * HOUR - 900,
	    "breaker: too many calls failed in a row (messages 1)");
	f.last_age = 6 * HOUR;
	dials("messages 1");
	/* The operator knows better. */
	f.last_age = 1;
	f.request = POLICY_REQUEST_NEW;
	dials("request");
	f.request = POLICY_REQUEST_FAILED;
	waits(6 * HOUR - 1,
	    "breaker: too many calls failed in a row (request again)");
}

static char	 told[2048];

static void
told_rule(void *arg, const struct ctl_rule *r)
{
	char	 line[1024];

	assert_ptr_equal(arg, told);
	snprintf(line, sizeof(line), "%s%s|%s|%lld\n",
	    r->kind == CTL_RULE_CONDITION ? "" : r->met ? "!" : "-", r->rule,
	    r->text, r->when == 0 ? -1 : (long long)r->when - NOON);
	strlcat(told, line, sizeof(told));
}

static void
test_rules(void **state)
{
	(void)state;
	rule(DIAL_MESSAGES, 10);
	rule(DIAL_AGE, 2 * HOUR);
	rule(DIAL_URGENT, 0);
	rule(DIAL_EVERY, 11 * HOUR);
	rule(DIAL_DEADLINE, 600);
	rule(DIAL_SIZE, 1024 * 1024);
	hold(12, 14);
	budget(BUDGET_SECONDS, BUDGET_DAY, 3600);
	budget(BUDGET_CALLS, BUDGET_WEEK, 1);
	f.messages = 7;
	f.bytes = 70000;
	f.oldest = NOON - HOUR;
	f.sum[BUDGET_WEEK].calls = 1;
	f.attempts = 1;
	f.last_age = 5;
	told[0] = '\0';
	policy_rules(conf, &f, told_rule, told);
	assert_string_equal(told,
	    "dial when messages 10|7 of 10 messages wait|-1\n"
	    "dial when age 2h|the oldest message has waited 1h|3600\n"
	    "dial when urgent|0 urgent messages wait|-1\n"
	    "dial every 11h|the last good window was 10h ago|3600\n"
	    "dial when deadline 10m|no message has one|-1\n"
	    "dial when size 1M|70000 bytes of 1M wait|-1\n"
	    "!hold between 12:00 and 14:00|no call in these hours|7200\n"
	    "-budget 1h per day|0s spent, a call may need 15m|-1\n"
	    "!budget 1 call per week|1 call made|561600\n"
	    "!redial 2 within 3m then 15m|1 failed call in a row: pause "
	    "before a redial|5\n");
}

static void
test_room(void **state)
{
	struct conf_budget	*b = budget(BUDGET_MONEY, BUDGET_DAY, 50000);
	uint64_t		 seconds, cost;

	(void)state;
	b->keep = 20000;
	f.sum[BUDGET_DAY].cost = 25000;
	f.sum[BUDGET_MONTH].seconds = 900;
	policy_room(conf, &f, 0, &seconds, &cost);
	assert_int_equal(cost, 5000);
	assert_true(seconds == UINT64_MAX);
	policy_room(conf, &f, 1, &seconds, &cost);
	assert_int_equal(cost, 25000);
	budget(BUDGET_SECONDS, BUDGET_MONTH, 1000);
	budget(BUDGET_CALLS, BUDGET_MONTH, 1);
	policy_room(conf, &f, 1, &seconds, &cost);
	assert_int_equal(seconds, 100);
	f.sum[BUDGET_MONTH].seconds = 2000;
	policy_room(conf, &f, 1, &seconds, &cost);
	assert_int_equal(seconds, 0);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		TEST(test_nothing),
		TEST(test_messages),
		TEST(test_size),
		TEST(test_age),
		TEST(test_every),
		TEST(test_at),
		TEST(test_at_clock_set),
		TEST(test_at_put_back),
		TEST(test_at_start),
		TEST(test_at_days),
		TEST(test_estimates),
		TEST(test_urgent),
		TEST(test_deadline),
		TEST(test_balance),
		TEST(test_dates),
		TEST(test_breaker),
		TEST(test_rules),
		TEST(test_room),
		TEST(test_between),
		TEST(test_over_midnight),
		TEST(test_hold_hours),
		TEST(test_held),
		TEST(test_request),
		TEST(test_request_of_program),
		TEST(test_request_and_conditions),
		TEST(test_budget_seconds),
		TEST(test_budget_money),
		TEST(test_budget_never),
		TEST(test_budgets),
		TEST(test_redial_rule),
		TEST(test_redial_pauses),
		TEST(test_redial_never_too_often),
		TEST(test_fresh_age),
		TEST(test_left_behind)
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
