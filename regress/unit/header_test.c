/* See LICENSE for the terms. */

/* Header blocks: fields, unfolding, and counting in pieces. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "header.h"

static const char	 message[] =
    "Received: from a\r\n\tby b;\r\n date\r\n"
    "Subject:  two  words \r\n"
    "this is no field\r\n"
    "X-Empty:\r\n"
    "received : old form\r\n"
    "X-Last: end\r\n"
    "\r\n"
    "Received: not in the header\r\n";

static int
find(const char *msg, const char *name, char *dst, size_t size)
{
	struct header_field	 f;

	if (!header_find(msg, strlen(msg), name, &f))
		return (0);
	(void)header_unfold(&f, dst, size);
	return (1);
}

static void
test_find(void **state)
{
	char	 s[64];

	(void)state;
	assert_true(find(message, "SUBJECT", s, sizeof(s)));
	assert_string_equal(s, "two  words");
	assert_true(find(message, "received", s, sizeof(s)));
	assert_string_equal(s, "from a\tby b; date");
	assert_true(find(message, "X-Empty", s, sizeof(s)));
	assert_string_equal(s, "");
	assert_true(find(message, "X-Last", s, sizeof(s)));
	assert_string_equal(s, "end");
	assert_false(find(message, "X-Las", s, sizeof(s)));
	assert_false(find(message, "X-Lastt", s, sizeof(s)));
	assert_false(find("", "X", s, sizeof(s)));
	assert_false(find("\r\nX: y\r\n", "X", s, sizeof(s)));
	assert_true(find("X: y", "X", s, sizeof(s)));
	assert_string_equal(s, "y");
}

static void
test_next(void **state)
{
	static const char *const names[] = { "Received", "Subject",
	    "X-Empty", "received", "X-Last" };
	struct header_field	 f;
	size_t			 i, offset = 0;

	(void)state;
	for (i = 0; i < 5; i++) {
		assert_true(header_next(message, strlen(message), &offset,
		    &f));
		assert_int_equal(f.namelen, strlen(names[i]));
		assert_memory_equal(f.name, names[i], f.namelen);
	}
	assert_false(header_next(message, strlen(message), &offset, &f));
}

static void
test_length(void **state)
{
	(void)state;
	assert_int_equal(header_length(message, strlen(message)),
	    (size_t)(strstr(message, "\r\n\r\n") - message) + 4);
	assert_int_equal(header_length("\r\nbody", 6), 2);
	assert_int_equal(header_length("a: b\n\nbody", 10), 6);
	assert_int_equal(header_length("a: b\r\n", 6), 6);
	assert_int_equal(header_length("", 0), 0);
}

static void
test_unfold_cut(void **state)
{
	struct header_field	 f = { "X", 1, " ab\r\n\tc\0d ", 10 };
	char			 s[4];

	(void)state;
	assert_int_equal(header_unfold(&f, s, sizeof(s)), 6);
	assert_string_equal(s, "ab\t");
	assert_int_equal(header_unfold(&f, NULL, 0), 6);
}

static uint32_t
count(const char *msg, size_t piece)
{
	struct header_counter	 c;
	size_t			 i, n, len = strlen(msg);

	header_counter_init(&c, "Received");
	for (i = 0; i < len; i += n) {
		n = len - i < piece ? len - i : piece;
		header_counter_feed(&c, msg + i, n);
	}
	return (c.count);
}

static void
test_count(void **state)
{
	size_t	 piece;

	(void)state;
	for (piece = 1; piece <= strlen(message); piece++)
		assert_int_equal(count(message, piece), 2);
	assert_int_equal(count("RECEIVED:x\r\nReceived-SPF: y\r\n"
	    "X-Received: z\r\nReceive: a\r\nReceived\r\n", 1), 1);
	assert_int_equal(count("\r\nReceived: x\r\n", 3), 0);
	assert_int_equal(count("\nReceived: x\r\n", 3), 0);
	assert_int_equal(count("\rx\r\nReceived: x\r\n", 3), 1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_unfold_cut),
		cmocka_unit_test(test_count)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
