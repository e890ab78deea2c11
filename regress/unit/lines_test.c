/* See LICENSE for the terms. */
/* Which line a call uses, and what it is estimated to take and cost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lines.h"

#define NOON	(1795392000 + 12 * 3600)

static size_t
choose(uint32_t a, uint32_t b, uint32_t c)
{
	/* Not in the order of what they cost. */
	struct lines_candidate	 l[] = {
		{ 500, a, 2 }, { 100, b, 2 }, { 900, c, 3 }
	};

	return (lines_choose(l, 3));
}

static void
test_choice(void **state)
{
	struct lines_candidate	 equal[] = { { 5, 0, 2 }, { 5, 0, 2 } };

	(void)state;
	assert_int_equal(choose(0, 0, 0), 1);
	assert_int_equal(choose(0, 1, 0), 1);
	assert_int_equal(choose(0, 2, 0), 0);
	/* The dearest wants three failures of both. */
	assert_int_equal(choose(2, 2, 0), 1);
	assert_int_equal(choose(2, 3, 0), 0);
	assert_int_equal(choose(3, 3, 0), 2);
	assert_int_equal(choose(3, 3, 3), 1);
	assert_int_equal(choose(4, 4, 5), 1);
	assert_int_equal(lines_choose(equal, 2), 0);
	equal[0].failures = 2;
	assert_int_equal(lines_choose(equal, 2), 1);
	/* A line that wants no failure of others is free to be chosen when the
	 * cheaper one has failed more. */
	equal[1].cost = 6;
	equal[1].skip = 0;
	equal[0].failures = 1;
	assert_int_equal(lines_choose(equal, 2), 1);
	assert_int_equal(lines_choose(equal, 1), 0);
}

static struct window_line	 line;
static struct ledger_speed	 speed;

static void
modem_line(void)
{
	memset(&line, 0, sizeof(line));
	memset(&speed, 0, sizeof(speed));
	line.modem = 1;
	line.speed = 115200;
	line.window = 900;
	line.tariff.nrates = 1;
	line.tariff.rates[0].unit = 60;
	line.tariff.rates[0].price = 1000;
}

static void
test_usual(void **state)
{
	struct estimate	 e;

	(void)state;
	modem_line();
	estimate_call(&e, &line, &speed, NOON, 0);
	assert_int_equal(e.measured, 0);
	assert_int_equal(e.setup, 30);
	assert_int_equal(e.rate_out, 3360);
	/* PPP and the talk are paid for, the ringing is not. */
	assert_int_equal(e.seconds, 11);
	assert_int_equal(e.cost, 1000);
	estimate_call(&e, &line, &speed, NOON, 336000);
	assert_int_equal(e.seconds, 111);
	assert_int_equal(e.units, 2);
	/* Not longer than the window. */
	estimate_call(&e, &line, &speed, NOON, UINT64_MAX);
	assert_int_equal(e.seconds, 905);
	line.speed = 2400;
	estimate_call(&e, &line, &speed, NOON, 2400);
	assert_int_equal(e.rate_out, 240);
	assert_int_equal(e.seconds, 21);
	line.modem = 0;
	estimate_call(&e, &line, &speed, NOON, 8000);
	assert_int_equal(e.setup, 5);
	assert_int_equal(e.seconds, 12);
}

static void
test_measured(void **state)
{
	struct estimate	 e;

	(void)state;
	modem_line();
	speed.windows = 3;
	speed.setup = 40;
	speed.answer = 28;
	speed.rate_out = 1000;
	speed.rate_in = 2000;
	speed.fetch = 7;
	speed.fetch_bytes = 100000;
	estimate_call(&e, &line, &speed, NOON, 30000);
	assert_int_equal(e.measured, 3);
	/* Too little was sent to know how fast more would be. */
	assert_int_equal(e.rate_out, 1000);
	assert_int_equal(e.rate_bulk, 3360);
	speed.out_bytes = 100000;
	estimate_call(&e, &line, &speed, NOON, 30000);
	assert_int_equal(e.rate_bulk, 1000);
	/* 12 s of set-up are billed, then fetching is the longer way. */
	assert_int_equal(e.seconds, 12 + 50 + 6);
	assert_int_equal(e.fetch, 7);
	estimate_call(&e, &line, &speed, NOON, 90000);
	assert_int_equal(e.seconds, 12 + 90 + 6);
	line.tariff.per_megabyte = 1000000;
	line.tariff.nrates = 0;
	estimate_call(&e, &line, &speed, NOON, 100000);
	assert_int_equal(e.cost, 200000);
	speed.rate_out = 0;
	estimate_call(&e, &line, &speed, NOON, 0);
	assert_int_equal(e.rate_out, 2000);
}

static struct conf_line *
add_line(struct conf *conf, const char *name, const char *tariff)
{
	struct conf_line	*l = calloc(1, sizeof(*l));

	assert_non_null(l);
	TAILQ_INIT(&l->init);
	TAILQ_INIT(&l->phone);
	TAILQ_INIT(&l->chat);
	TAILQ_INIT(&l->chat_abort);
	TAILQ_INIT(&l->ppp_options);
	l->name = strdup(name);
	l->device = strdup("/dev/null");
	l->tariff = tariff == NULL ? NULL : strdup(tariff);
	l->window = 900;
	l->skip = 2;
	strlist_add(&l->phone, "1");
	strlist_add(&l->phone, "2");
	TAILQ_INSERT_TAIL(&conf->lines, l, entry);
	return (l);
}

static void
add_tariff(struct conf *conf, const char *name, uint64_t setup)
{
	struct conf_tariff	*t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->name = strdup(name);
	t->setup = setup;
	TAILQ_INSERT_TAIL(&conf->tariffs, t, entry);
}

/* With the ledger: it has the failures, over a restart as well. */
static void
test_pick(void **state)
{
	char			 path[] = "/tmp/lines_test.XXXXXXXXXX";
	struct conf		*conf = conf_new();
	struct lines_choice	 c;
	struct ledger		*ledger;
	FILE			*fp = fdopen(mkstemp(path), "w");
	int			 i;

	(void)state;
	for (i = 1; i <= 2; i++)
		fprintf(fp, "call=%d event=open time=%d line=phone\n"
		    "call=%d event=close time=%d result=busy\n", i, i, i, i);
	fclose(fp);
	ledger = ledger_new(open(path, O_RDWR | O_APPEND));
	assert_non_null(ledger);
	assert_int_equal(lines_pick(&c, conf, ledger, NOON, 0), -1);
	add_tariff(conf, "dear", 9000);
	add_tariff(conf, "cheap", 10);
	add_line(conf, "satellite", "dear");
	add_line(conf, "phone", "cheap");
	assert_int_equal(lines_pick(&c, conf, ledger, NOON, 0), 0);
	assert_string_equal(c.conf->name, "satellite");
	assert_string_equal(c.cheapest->name, "phone");
	assert_string_equal(c.line.name, "satellite");
	assert_int_equal(c.failures, 0);
	assert_string_equal(lines_number(c.conf, 0), "1");
	assert_string_equal(lines_number(c.conf, 3), "2");
	TAILQ_FIRST(&conf->lines)->skip = 3;
	assert_int_equal(lines_pick(&c, conf, ledger, NOON, 0), 0);
	assert_string_equal(c.conf->name, "phone");
	assert_int_equal(c.failures, 2);
	assert_int_equal(lines_take_strings(&c.line, c.conf, 1), 0);
	assert_string_equal(c.line.number, "2");
	lines_drop(&c.line);
	ledger_free(ledger);
	conf_free(conf);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_measured),
		cmocka_unit_test(test_pick)
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
