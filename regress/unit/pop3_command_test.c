/* See LICENSE for the terms. */

/* What a POP3 client may say, and what it may not. */

#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pop3_command.h"

static struct pop3_command	 cmd;

static enum pop3_parsed
parse(const char *line)
{
	return (pop3_command_parse(line, strlen(line), &cmd));
}

static void
verbs_are_known_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(parse("QUIT"), POP3_PARSED);
	assert_int_equal(cmd.verb, POP3_QUIT);
	assert_int_equal(parse("quit"), POP3_PARSED);
	assert_int_equal(cmd.verb, POP3_QUIT);
	assert_int_equal(parse("cApA"), POP3_PARSED);
	assert_int_equal(cmd.verb, POP3_CAPA);
	assert_int_equal(parse("STLS"), POP3_PARSED);
	assert_int_equal(cmd.verb, POP3_STLS);
	assert_int_equal(parse("stat "), POP3_PARSED);
	assert_int_equal(cmd.verb, POP3_STAT);
}

static void
other_words_are_not(void **state)
{
	(void)state;
	assert_int_equal(parse(""), POP3_UNKNOWN);
	assert_int_equal(parse(" "), POP3_UNKNOWN);
	assert_int_equal(parse(" QUIT"), POP3_UNKNOWN);
	assert_int_equal(parse("QUITE"), POP3_UNKNOWN);
	assert_int_equal(parse("QUI"), POP3_UNKNOWN);
	assert_int_equal(parse("APOP a b"), POP3_UNKNOWN);
	assert_int_equal(parse("GET / HTTP/1.1"), POP3_UNKNOWN);
}

static void
numbers_count_from_one(void **state)
{
	(void)state;
	assert_int_equal(parse("RETR 1"), POP3_PARSED);
	assert_int_equal(cmd.verb, POP3_RETR);
	assert_int_equal(cmd.number, 1);
	assert_int_equal(parse("DELE 4294967295"), POP3_PARSED);
	assert_int_equal(cmd.number, UINT32_MAX);
	assert_int_equal(parse("RETR 0"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("RETR 4294967296"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("RETR 18446744073709551617"),
	    POP3_BAD_ARGUMENT);
	assert_int_equal(parse("RETR -1"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("RETR +1"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("RETR 1x"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("RETR 0x1"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("RETR"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("RETR "), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("RETR 1 2"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("DELE\t1"), POP3_UNKNOWN);
}

static void
lists_take_a_number_or_none(void **state)
{
	(void)state;
	assert_int_equal(parse("LIST"), POP3_PARSED);
	assert_false(cmd.has_number);
	assert_int_equal(parse("LIST "), POP3_PARSED);
	assert_false(cmd.has_number);
	assert_int_equal(parse("UIDL 7"), POP3_PARSED);
	assert_true(cmd.has_number);
	assert_int_equal(cmd.number, 7);
	assert_int_equal(parse("UIDL 7 8"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("LIST x"), POP3_BAD_ARGUMENT);
}

static void
top_takes_two_numbers(void **state)
{
	(void)state;
	assert_int_equal(parse("TOP 3 0"), POP3_PARSED);
	assert_int_equal(cmd.verb, POP3_TOP);
	assert_int_equal(cmd.number, 3);
	assert_int_equal(cmd.lines, 0);
	assert_int_equal(parse("TOP 3 10"), POP3_PARSED);
	assert_int_equal(cmd.lines, 10);
	assert_int_equal(parse("TOP 3"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("TOP 0 1"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("TOP 3 -1"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("TOP 3 1 1"), POP3_BAD_ARGUMENT);
}

static void
commands_without_argument_have_none(void **state)
{
	(void)state;
	assert_int_equal(parse("STAT 1"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("QUIT now"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("NOOP x"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("RSET 1"), POP3_BAD_ARGUMENT);
}

static void
assert_text(const char *want)
{
	assert_int_equal(cmd.textlen, strlen(want));
	assert_memory_equal(cmd.text, want, strlen(want));
}

static void
passwords_may_have_spaces(void **state)
{
	(void)state;
	assert_int_equal(parse("PASS secret"), POP3_PARSED);
	assert_text("secret");
	assert_int_equal(parse("PASS two words "), POP3_PARSED);
	assert_text("two words ");
	assert_int_equal(parse("PASS  leading"), POP3_PARSED);
	assert_text(" leading");
	assert_int_equal(parse("PASS"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("PASS "), POP3_BAD_ARGUMENT);
}

static void
user_is_one_word(void **state)
{
	(void)state;
	assert_int_equal(parse("USER alice"), POP3_PARSED);
	assert_text("alice");
	assert_int_equal(parse("USER alice "), POP3_PARSED);
	assert_text("alice");
	assert_int_equal(parse("USER alice bob"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("USER"), POP3_BAD_ARGUMENT);
}

static void
auth_has_a_mechanism_and_perhaps_a_response(void **state)
{
	(void)state;
	assert_int_equal(parse("AUTH PLAIN"), POP3_PARSED);
	assert_text("PLAIN");
	assert_null(cmd.initial);
	assert_int_equal(parse("AUTH plain AGEAYg=="), POP3_PARSED);
	assert_text("plain");
	assert_int_equal(cmd.initiallen, 8);
	assert_memory_equal(cmd.initial, "AGEAYg==", 8);
	assert_int_equal(parse("AUTH"), POP3_BAD_ARGUMENT);
	assert_int_equal(parse("AUTH PLAIN a b"), POP3_BAD_ARGUMENT);
}

static void
nul_bytes_are_refused(void **state)
{
	(void)state;
	assert_int_equal(pop3_command_parse("USER a\0b", 8, &cmd),
	    POP3_BAD_ARGUMENT);
	assert_int_equal(pop3_command_parse("PASS a\0b", 8, &cmd),
	    POP3_BAD_ARGUMENT);
	assert_int_equal(pop3_command_parse("QUIT\0", 5, &cmd), POP3_UNKNOWN);
	assert_int_equal(pop3_command_parse("RETR 1\0", 7, &cmd),
	    POP3_BAD_ARGUMENT);
}

static int
plain(const char *base64, struct sasl_login *p)
{
	return (pop3_plain_parse(base64, strlen(base64), p));
}

static void
plain_gives_user_and_password(void **state)
{
	struct sasl_login	 p;

	(void)state;
	/* \0tim\0tanstaaftanstaaf, of RFC 4616 4 */
	assert_int_equal(plain("AHRpbQB0YW5zdGFhZnRhbnN0YWFm", &p), 0);
	assert_string_equal(p.user, "tim");
	assert_string_equal(p.password, "tanstaaftanstaaf");
	/* a\0a\0b */
	assert_int_equal(plain("YQBhAGI=", &p), 0);
	assert_string_equal(p.user, "a");
	assert_string_equal(p.password, "b");
	/* The same with bits left over. */
	assert_int_equal(plain("YQBhAGJ=", &p), 0);
	assert_string_equal(p.password, "b");
}

static void
plain_for_another_is_refused(void **state)
{
	struct sasl_login	 p;

	(void)state;
	/* Ursel\0Kurt\0xipj3plmq */
	assert_int_equal(plain("VXJzZWwAS3VydAB4aXBqM3BsbXE=", &p), -1);
}

static void
plain_that_is_not_whole_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "=", "====", "A", "AH", "AHR", "AHRp bQ==",
		"AHRpbQB0YW5z*GFh", "AHRp=Q==", "A===",
		"AHRpbQ==",		/* \0tim */
		"AHRpbQA=",		/* \0tim\0 */
		"AABhYmM=",		/* \0\0abc */
		"YWJjZGVm",		/* abcdef */
		"AGEAYgBj",		/* \0a\0b\0c */
	};
	struct sasl_login	 p;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(plain(bad[i], &p), -1);
}

static void
plain_that_is_too_long_is_refused(void **state)
{
	struct sasl_login	 p;
	char			 big[4096];

	(void)state;
	memset(big, 'A', sizeof(big));
	assert_int_equal(pop3_plain_parse(big, sizeof(big), &p), -1);
	memset(big, 'Y', sizeof(big));
	assert_int_equal(pop3_plain_parse(big, 1000, &p), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(verbs_are_known_in_any_case),
		cmocka_unit_test(other_words_are_not),
		cmocka_unit_test(numbers_count_from_one),
		cmocka_unit_test(lists_take_a_number_or_none),
		cmocka_unit_test(top_takes_two_numbers),
		cmocka_unit_test(commands_without_argument_have_none),
		cmocka_unit_test(passwords_may_have_spaces),
		cmocka_unit_test(user_is_one_word),
		cmocka_unit_test(auth_has_a_mechanism_and_perhaps_a_response),
		cmocka_unit_test(nul_bytes_are_refused),
		cmocka_unit_test(plain_gives_user_and_password),
		cmocka_unit_test(plain_for_another_is_refused),
		cmocka_unit_test(plain_that_is_not_whole_is_refused),
		cmocka_unit_test(plain_that_is_too_long_is_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
