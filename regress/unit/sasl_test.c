/* See LICENSE for the terms. */

/* Base64 and SASL PLAIN. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sasl.h"

static void
test_base64(void **state)
{
	static const struct {
		const char	*text;
		const char	*bytes;
	} good[] = {
		{ "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" },
		{ "Zm9v", "foo" }, { "Zm9vYg==", "foob" },
		{ "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" },
		{ "+/+/", "\373\377\277" }
	};
	char	 dst[16];
	size_t	 i, n;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		n = strlen(good[i].bytes);
		assert_int_equal(sasl_base64_decode(good[i].text,
		    strlen(good[i].text), dst, n + 1), n);
		assert_string_equal(dst, good[i].bytes);
		assert_int_equal(sasl_base64_decode(good[i].text,
		    strlen(good[i].text), dst, n), -1);
	}
}

static void
test_not_base64(void **state)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Z===", "====",
	    "=", "Zg==Zg==", "Zm9v Zg==", " Zg==", "Zg==\r", "Zh==", "Zm9=",
	    "Z-8=", "Zm8\303", "*" };
	char	 dst[16];
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sasl_base64_decode(bad[i], strlen(bad[i]), dst,
		    sizeof(dst)) != -1)
			fail_msg("%s", bad[i]);
}

static void
test_plain(void **state)
{
	struct sasl_login	 login;

	(void)state;
	assert_int_equal(sasl_plain_parse("\0alice\0pass", 11, &login), 0);
	assert_string_equal(login.user, "alice");
	assert_string_equal(login.password, "pass");
	assert_int_equal(sasl_plain_parse("alice\0alice\0p", 13, &login), 0);
	assert_int_equal(sasl_plain_parse("\0alice\0", 7, &login), 0);
	assert_string_equal(login.password, "");
}

static void
test_not_plain(void **state)
{
	struct sasl_login	 login;
	char			 s[SASL_MESSAGE_MAX + 1];

	(void)state;
	assert_int_equal(sasl_plain_parse("", 0, &login), -1);
	assert_int_equal(sasl_plain_parse("alice", 5, &login), -1);
	assert_int_equal(sasl_plain_parse("\0alice", 6, &login), -1);
	assert_int_equal(sasl_plain_parse("\0\0pass", 6, &login), -1);
	assert_int_equal(sasl_plain_parse("bob\0alice\0p", 11, &login), -1);
	assert_int_equal(sasl_plain_parse("\0alice\0p\0", 9, &login), -1);
	memset(s, 'x', sizeof(s));
	s[0] = s[6] = '\0';
	assert_int_equal(sasl_plain_parse(s, 7 + PROTO_PASSWORD_MAX - 1,
	    &login), 0);
	assert_int_equal(sasl_plain_parse(s, 7 + PROTO_PASSWORD_MAX,
	    &login), -1);
	memset(s, 'x', sizeof(s));
	s[0] = s[PROTO_NAME_MAX + 1] = '\0';
	assert_int_equal(sasl_plain_parse(s, PROTO_NAME_MAX + 3, &login),
	    -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_not_base64),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_not_plain)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
