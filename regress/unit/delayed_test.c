/* See LICENSE for the terms. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "delayed.h"

static void
test_delayed(void **state)
{
	(void)state;
	/* The clock may begin below zero: the ledger is older than it. */
	assert_int_equal(delayed_seconds("1", -100), 0);
	delayed_note("1", -100, 150);
	delayed_note("2", -100, 20);
	assert_int_equal(delayed_seconds("1", -100), 150);
	assert_int_equal(delayed_seconds("2", -90), 10);
	assert_int_equal(delayed_seconds("3", -90), 0);
	assert_int_equal(delayed_seconds("1", 49), 1);
	assert_int_equal(delayed_seconds("1", 50), 0);
	/* What it says last is what counts. */
	delayed_note("1", 0, 10);
	assert_int_equal(delayed_seconds("1", 0), 10);
	delayed_note("1", 0, 0);
	assert_int_equal(delayed_seconds("1", 0), 0);
}

static void
test_many(void **state)
{
	char	 number[16];
	int	 i;

	(void)state;
	for (i = 0; i < 100; i++) {
		snprintf(number, sizeof(number), "%d", i);
		delayed_note(number, 1000, (uint64_t)i + 1);
	}
	for (i = 90; i < 100; i++) {
		snprintf(number, sizeof(number), "%d", i);
		assert_int_equal(delayed_seconds(number, 1000), i + 1);
	}
}

/* Numbers take turns, and one that is kept back loses its own. */
static void
test_choose(void **state)
{
	struct strlist	 phone = TAILQ_HEAD_INITIALIZER(phone);
	char		 sa[] = "a", sb[] = "b", sc[] = "c";
	struct strnode	 a = { .s = sa }, b = { .s = sb }, c = { .s = sc };
	uint32_t	 turn = 7;

	(void)state;
	/* A line without a modem has none. */
	assert_int_equal(delayed_choose(&phone, &turn, 2000), 0);
	assert_int_equal(turn, 7);
	TAILQ_INSERT_TAIL(&phone, &a, entry);
	TAILQ_INSERT_TAIL(&phone, &b, entry);
	TAILQ_INSERT_TAIL(&phone, &c, entry);
	assert_int_equal(delayed_choose(&phone, &turn, 2000), 0);
	assert_int_equal(turn, 7);
	delayed_note("b", 2000, 30);
	assert_int_equal(delayed_choose(&phone, &turn, 2000), 0);
	assert_int_equal(turn, 8);
	turn = 6;
	assert_int_equal(delayed_choose(&phone, &turn, 2000), 0);
	assert_int_equal(turn, 6);
	delayed_note("c", 2000, 20);
	turn = 7;
	assert_int_equal(delayed_choose(&phone, &turn, 2000), 0);
	assert_int_equal(turn, 9);
	delayed_note("a", 2000, 25);
	turn = 7;
	assert_int_equal(delayed_choose(&phone, &turn, 2000), 20);
	assert_int_equal(turn, 8);
	turn = UINT32_MAX;
	assert_int_equal(delayed_choose(&phone, &turn, 2026), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_delayed),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_choose)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
