/* See LICENSE for the terms. */

/* Addresses: paths, mailboxes, literals, UTF-8, comparison. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

/* The bytes stand at the very end of an allocation, for the sanitizer. */
static int
parse(const char *s, struct address *a)
{
	size_t	 len = strlen(s);
	char	*copy;
	int	 r;

	assert_non_null(copy = malloc(len + 1));
	memcpy(copy + 1, s, len);
	r = address_parse(copy + 1, len, a);
	free(copy);
	return (r);
}

static void
test_mailboxes(void **state)
{
	static const char *const good[] = {
		"alice@ship.example", "a@b", "a.b.c@d.e",
		"!#$%&'*+-/=?^_`{|}~@x.example", "a@1.example",
		"\"a b\"@x.example", "\"\\\"\\\\\"@x.example", "\"\"@x.example",
		"\"a@b\"@x.example", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]",
		"a@[ipv6:::1]", "a@under_score.example", "postmaster",
		"p\303\244l@x.example", "a@\346\227\245.example"
	};
	struct address	 a;
	size_t		 i;

	(void)state;
	for (i = 0; i < NELEM(good); i++) {
		if (parse(good[i], &a) == -1)
			fail_msg("refused: %s", good[i]);
		assert_string_equal(a.text, good[i]);
	}
}

static void
test_not_mailboxes(void **state)
{
	static const char *const bad[] = {
		"", "@x", "a@", ".a@x", "a.@x", "a..b@x", "a b@x", "a@-x",
		"a@x-", "a@x.", "a@.x", "a@x..y", "a@x-.y", "a@b@c", "a,b@x",
		"a(b)@x", "a@x y", "\"a@x", "\"a\"b@x", "a\"b\"@x", "\"a\\",
		"\"\r\n\"@x", "\"a\tb\"@x", "\"\\\303\244\"@x",
		"a@[192.0.2]", "a@[192.0.2.1", "a@[]", "a@[IPv6:]",
		"a@[IPv6:192.0.2.1]", "a@[2001:db8::1]", "a@[192.0.2.1]x",
		"a@x\r", "a\n@x", "\200@x", "\300\200@x", "\355\240\200@x",
		"\364\220\200\200@x", "\303@x", "a@\303", "a@x\303\244\303"
	};
	struct address	 a;
	size_t		 i;

	(void)state;
	for (i = 0; i < NELEM(bad); i++)
		if (parse(bad[i], &a) == 0)
			fail_msg("accepted: %s", bad[i]);
}

static void
test_limits(void **state)
{
	char		 s[ADDRESS_MAX + 2];
	struct address	 a;

	(void)state;
	memset(s, 'a', sizeof(s));
	memcpy(s + ADDRESS_MAX - 2, "@x", 3);
	assert_int_equal(parse(s, &a), 0);
	assert_int_equal(strlen(a.text), ADDRESS_MAX);
	memset(s, 'a', sizeof(s));
	memcpy(s + ADDRESS_MAX - 1, "@x", 3);
	assert_int_equal(parse(s, &a), -1);
	/* Labels have 63 bytes at most. */
	memset(s, 'a', sizeof(s));
	s[1] = '@';
	s[2 + 63] = '\0';
	assert_int_equal(parse(s, &a), 0);
	s[2 + 63] = 'a';
	s[2 + 64] = '\0';
	assert_int_equal(parse(s, &a), -1);
}

static void
test_nul(void **state)
{
	struct address	 a;

	(void)state;
	assert_int_equal(address_parse("a\0@x", 4, &a), -1);
	assert_int_equal(address_parse("a@x\0", 4, &a), -1);
	assert_int_equal(address_parse("a@[\0]", 5, &a), -1);
	assert_int_equal(address_parse("a@[1.2.3.4\0]", 12, &a), -1);
}

static void
test_parts(void **state)
{
	struct address	 a;
	char		 local[ADDRESS_MAX + 1];

	(void)state;
	assert_int_equal(parse("\"A@ \\\"b\"@Ship.EXAMPLE", &a), 0);
	assert_string_equal(address_domain(&a), "Ship.EXAMPLE");
	assert_int_equal(address_local(&a, local, sizeof(local)), 0);
	assert_string_equal(local, "A@ \"b");
	assert_int_equal(address_local(&a, local, 5), -1);
	assert_int_equal(address_local(&a, local, 6), 0);
	assert_int_equal(a.literal, 0);
	assert_int_equal(a.utf8, 0);
	address_lower_domain(&a);
	assert_string_equal(a.text, "\"A@ \\\"b\"@ship.example");
	assert_int_equal(parse("Postmaster", &a), 0);
	assert_string_equal(address_domain(&a), "");
	assert_int_equal(parse("a@[192.0.2.1]", &a), 0);
	assert_int_equal(a.literal, 1);
	assert_int_equal(parse("\303\244@x", &a), 0);
	assert_int_equal(a.utf8, 1);
}

static int
path(const char *s, struct address *a, size_t *used)
{
	return (address_parse_path(s, strlen(s), a, used));
}

static void
test_paths(void **state)
{
	static const char *const bad[] = { "", "<", "<a@x", "a@x", "< a@x>",
	    "<a@x >", "<@a:>", "<@a,b:c@d>", "<@a;c@d>", "<@:c@d>",
	    "<<a@x>>" };
	struct address	 a;
	size_t		 i, used;

	(void)state;
	assert_int_equal(path("<a@x> SIZE=1", &a, &used), 0);
	assert_int_equal(used, 5);
	assert_string_equal(a.text, "a@x");
	assert_int_equal(path("<>", &a, &used), 0);
	assert_int_equal(used, 2);
	assert_string_equal(a.text, "");
	assert_string_equal(address_domain(&a), "");
	assert_int_equal(path("<\"a>b\"@x>", &a, &used), 0);
	assert_string_equal(a.text, "\"a>b\"@x");
	/* Source routes are dropped. */
	assert_int_equal(path("<@one.example,@two:a@x>", &a, &used), 0);
	assert_int_equal(used, 23);
	assert_string_equal(a.text, "a@x");
	for (i = 0; i < NELEM(bad); i++)
		if (path(bad[i], &a, &used) == 0)
			fail_msg("accepted: %s", bad[i]);
}

static void
test_equal(void **state)
{
	struct address	 a, b;

	(void)state;
	assert_int_equal(parse("alice@ship.example", &a), 0);
	assert_int_equal(parse("alice@SHIP.example", &b), 0);
	assert_true(address_equal(&a, &b));
	assert_int_equal(parse("\"al\\ice\"@ship.example", &b), 0);
	assert_true(address_equal(&a, &b));
	assert_int_equal(parse("Alice@ship.example", &b), 0);
	assert_false(address_equal(&a, &b));
	assert_true(address_equal_nocase(&a, &b));
	assert_int_equal(parse("alice@ship.exampl", &b), 0);
	assert_false(address_equal_nocase(&a, &b));
	assert_int_equal(parse("alicf@ship.example", &b), 0);
	assert_false(address_equal_nocase(&a, &b));
	assert_int_equal(parse("alice", &b), 0);
	assert_false(address_equal_nocase(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_mailboxes),
		cmocka_unit_test(test_not_mailboxes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_equal)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
