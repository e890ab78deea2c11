/* See LICENSE for the terms. */

/* Header blocks: fields, unfolding, and counting in pieces. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "header.h"
#include "proto.h"

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

/* What is found in a message, fed in pieces of that length. */
static unsigned int
found(const char *msg, size_t piece, int *priority)
{
	struct header_class	 c;
	size_t			 i, n, len = strlen(msg);

	header_class_init(&c);
	for (i = 0; i < len; i += n) {
		n = len - i < piece ? len - i : piece;
		header_class_feed(&c, msg + i, n);
	}
	header_class_end(&c);
	if (priority != NULL)
		*priority = c.priority;
	return (c.found);
}

static void
test_class(void **state)
{
	static const struct {
		const char	*msg;
		unsigned int	 found;
	} t[] = {
		{ "Precedence: bulk\r\n\r\n", HEADER_LIST },
		{ "precedence:list\r\n\r\n", HEADER_LIST },
		{ "PRECEDENCE : \r\n\tJunk (of old)\r\n\r\n", HEADER_LIST },
		{ "Precedence: first-class\r\n\r\n", 0 },
		{ "Precedence: bulky\r\n\r\n", 0 },
		{ "Priority: urgent\n\n", HEADER_URGENT },
		{ "Priority: non-urgent\r\n\r\n", HEADER_LOW },
		{ "Priority: normal\r\n\r\n", 0 },
		{ "Importance: High\r\n\r\n", HEADER_URGENT },
		{ "Importance: low\r\n\r\n", HEADER_LOW },
		{ "X-Priority: 1 (Highest)\r\n\r\n", HEADER_URGENT },
		{ "X-Priority: 2\r\n\r\n", HEADER_URGENT },
		{ "X-Priority: 3\r\n\r\n", 0 },
		{ "X-Priority: 5\r\n\r\n", HEADER_LOW },
		{ "X-Priority: 11\r\n\r\n", 0 },
		{ "Auto-Submitted: auto-generated\r\n\r\n", 0 },
		{ "X-Precedence: bulk\r\nPrecedenc: bulk\r\n"
		    "Precedences: bulk\r\n\r\n", 0 },
		/* Not in the header; no field; not at its begin. */
		{ "\r\nPrecedence: bulk\r\n", 0 },
		{ "a\r\n\r\nPrecedence: bulk\r\n", 0 },
		{ "Precedence\r\n: bulk\r\n\r\n", 0 },
		{ "Precedence bulk: bulk\r\n\r\n", 0 },
		{ " Precedence: bulk\r\n\r\n", 0 },
		{ "Subject: x\r\n Precedence: bulk\r\n\r\n", 0 },
		{ "Precedence: x bulk\r\n\r\n", 0 },
		{ ": bulk\r\nprecedence: bulk\r\n\r\n", HEADER_LIST },
		/* A message that is all header, cut where it may. */
		{ "Subject: x\r\nPrecedence: bulk", HEADER_LIST },
		{ "Subject: x\r\nPrecedence", 0 },
		{ "Subject: x\r\nImportance: high\r\nPrecedence: list\r\n"
		    "A-very-long-name-of-a-field-that-does-not-matter: x\r\n"
		    "Priority: non-urgent\r\n\r\n",
		    HEADER_URGENT | HEADER_LIST | HEADER_LOW }
	};
	size_t	 i, piece;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (piece = 1; piece <= 40; piece++)
			if (found(t[i].msg, piece, NULL) != t[i].found)
				fail_msg("%s", t[i].msg);
}

static void
test_priority(void **state)
{
	static const char *const bad[] = { "", "-", "10", "-0", "+1", "a",
	    "--1", "1x", "-10" };
	size_t	 i;
	int	 n = 77;

	(void)state;
	assert_int_equal(header_priority("-9", 2, &n), 0);
	assert_int_equal(n, -9);
	assert_int_equal(header_priority("0", 1, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(header_priority("9", 1, &n), 0);
	assert_int_equal(n, 9);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(header_priority(bad[i], strlen(bad[i]), &n),
		    -1);
	assert_int_equal(found("MT-Priority: -4 (low)\r\n\r\n", 3, &n),
	    HEADER_PRIORITY);
	assert_int_equal(n, -4);
	assert_int_equal(found("MT-Priority: 12\r\n\r\n", 3, &n), 0);
}

static void
test_decide(void **state)
{
	static const struct {
		unsigned int	 found;
		int		 priority;
		uint64_t	 size, larger;
		uint32_t	 class;
	} t[] = {
		{ 0, 0, 100, 0, PROTO_NORMAL },
		{ 0, 0, 100, 100, PROTO_NORMAL },
		{ 0, 0, 101, 100, PROTO_BULK },
		{ HEADER_URGENT, 0, 101, 100, PROTO_URGENT },
		{ HEADER_LOW, 0, 1, 0, PROTO_BULK },
		{ HEADER_URGENT | HEADER_LOW, 0, 1, 0, PROTO_URGENT },
		{ HEADER_URGENT | HEADER_LIST, 0, 1, 0, PROTO_BULK },
		/* A priority has the last word. */
		{ HEADER_PRIORITY | HEADER_LIST, 2, 101, 100, PROTO_URGENT },
		{ HEADER_PRIORITY | HEADER_LIST, 1, 1, 100, PROTO_NORMAL },
		{ HEADER_PRIORITY | HEADER_URGENT, 0, 1, 100, PROTO_NORMAL },
		{ HEADER_PRIORITY | HEADER_URGENT, 0, 101, 100, PROTO_BULK },
		{ HEADER_PRIORITY | HEADER_URGENT, -1, 1, 0, PROTO_BULK }
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(header_class_decide(t[i].found,
		    t[i].priority, t[i].size, t[i].larger), t[i].class);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_unfold_cut),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_decide)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
