/* See LICENSE for the terms. */

/* Command lines of SMTP and their parameters. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smtp_command.h"

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

static struct smtp_command	 cmd;

/* cmd.arg is not to be used after this: the line is gone. */
static enum smtp_parse
parse(const char *s)
{
	size_t		 len = strlen(s);
	char		*copy;
	enum smtp_parse	 result;

	assert_non_null(copy = malloc(len + 1));
	memcpy(copy + 1, s, len);
	result = smtp_command_parse(copy + 1, len, &cmd);
	free(copy);
	return (result);
}

static void
test_verbs(void **state)
{
	static const struct {
		const char	*line;
		enum smtp_verb	 verb;
	} good[] = {
		{ "EHLO a", SMTP_EHLO }, { "helo a", SMTP_HELO },
		{ "mAiL FROM:<a@x>", SMTP_MAIL }, { "RCPT TO:<a@x>",
		SMTP_RCPT }, { "DATA", SMTP_DATA }, { "BDAT 1", SMTP_BDAT },
		{ "RSET", SMTP_RSET }, { "NOOP", SMTP_NOOP },
		{ "NOOP what ever", SMTP_NOOP }, { "VRFY a", SMTP_VRFY },
		{ "EXPN a", SMTP_EXPN }, { "HELP", SMTP_HELP },
		{ "HELP MAIL", SMTP_HELP }, { "QUIT", SMTP_QUIT },
		{ "QUIT  ", SMTP_QUIT }, { "STARTTLS", SMTP_STARTTLS },
		{ "AUTH PLAIN", SMTP_AUTH }
	};
	static const char *const none[] = { "", " ", " QUIT", "QUI", "QUITX",
	    "MAILFROM:<a@x>", "XCLIENT a", "GET / HTTP/1.1" };
	size_t	 i;

	(void)state;
	for (i = 0; i < NELEM(good); i++) {
		assert_int_equal(parse(good[i].line), SMTP_PARSE_OK);
		assert_int_equal(cmd.verb, good[i].verb);
	}
	for (i = 0; i < NELEM(none); i++)
		assert_int_equal(parse(none[i]), SMTP_PARSE_VERB);
}

static void
test_arguments(void **state)
{
	static const char *const bad[] = { "EHLO", "HELO a b", "DATA x",
	    "RSET x", "QUIT x", "STARTTLS x", "VRFY", "AUTH", "MAIL",
	    "MAIL <a@x>", "MAIL TO:<a@x>", "RCPT FROM:<a@x>",
	    "MAIL FROM:<a@x>SIZE=1", "BDAT", "BDAT x", "BDAT -1", "BDAT +1",
	    "BDAT 1x", "BDAT 1 LAS", "BDAT 1 LAST x", "BDAT 0x10",
	    "BDAT LAST" };
	size_t	 i;

	(void)state;
	for (i = 0; i < NELEM(bad); i++)
		if (parse(bad[i]) != SMTP_PARSE_SYNTAX)
			fail_msg("not a syntax error: %s", bad[i]);
}

static void
test_argument_bytes(void **state)
{
	static const char	 line[] = "EHLO  mail.example  ";

	(void)state;
	assert_int_equal(smtp_command_parse(line, strlen(line), &cmd),
	    SMTP_PARSE_OK);
	assert_int_equal(cmd.arglen, 12);
	assert_memory_equal(cmd.arg, "mail.example", 12);
}

static void
test_control_characters(void **state)
{
	(void)state;
	assert_int_equal(parse("NOOP\nRSET"), SMTP_PARSE_BYTES);
	assert_int_equal(parse("NOOP\rRSET"), SMTP_PARSE_BYTES);
	assert_int_equal(parse("NOOP\t"), SMTP_PARSE_BYTES);
	assert_int_equal(parse("NOOP \177"), SMTP_PARSE_BYTES);
	assert_int_equal(smtp_command_parse("NOOP\0", 5, &cmd),
	    SMTP_PARSE_BYTES);
	/* The server must know that a chunk follows. */
	assert_int_equal(parse("BDAT 5\n"), SMTP_PARSE_BYTES);
	assert_int_equal(parse("BDAT 5 \n"), SMTP_PARSE_BYTES);
	assert_int_equal(cmd.verb, SMTP_BDAT);
}

static void
test_mail(void **state)
{
	(void)state;
	assert_int_equal(parse("MAIL FROM:<> size=0012 BODY=8bitmime "
	    "SMTPUTF8 RET=hdrs ENVID=a+3Db AUTH=<>"), SMTP_PARSE_OK);
	assert_string_equal(cmd.address.text, "");
	assert_int_equal(cmd.has_size, 1);
	assert_int_equal(cmd.size, 12);
	assert_int_equal(cmd.smtputf8, 1);
	assert_string_equal(cmd.ret, "HDRS");
	assert_string_equal(cmd.envid, "a+3Db");
	assert_int_equal(parse("MAIL FROM: <a@x>  BODY=7BIT RET=FULL"),
	    SMTP_PARSE_OK);
	assert_string_equal(cmd.address.text, "a@x");
	assert_string_equal(cmd.ret, "FULL");
	assert_int_equal(cmd.has_size, 0);
	assert_int_equal(cmd.smtputf8, 0);
	assert_int_equal(parse("MAIL FROM:<a@x> AUTH=e+3Dmc2@x"),
	    SMTP_PARSE_OK);
}

static void
test_mail_bad(void **state)
{
	static const struct {
		const char	*line;
		enum smtp_parse	 result;
	} bad[] = {
		{ "MAIL FROM:a@x", SMTP_PARSE_ADDRESS },
		{ "MAIL FROM:", SMTP_PARSE_ADDRESS },
		{ "MAIL FROM:<a>", SMTP_PARSE_ADDRESS },
		{ "MAIL FROM:<postmaster>", SMTP_PARSE_ADDRESS },
		{ "MAIL FROM:<a@x> SIZE", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> SIZE=", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> SIZE=-1", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> SIZE=1 SIZE=1", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> SIZE=123456789012345678901",
		    SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> SMTPUTF8=1", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> =1", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> RET=ALL", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> ENVID=a+3b", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> ENVID=a+3", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> ENVID=a=b", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> ENVID=\303\244", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> BODY=BINARYMIME", SMTP_PARSE_PARAMETER },
		{ "MAIL FROM:<a@x> NOTIFY=NEVER", SMTP_PARSE_PARAMETER },
		{ "MAIL FROM:<a@x> MT-PRIORITY=10", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> MT-PRIORITY=-0", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> MT-PRIORITY=", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> MT-PRIORITY", SMTP_PARSE_SYNTAX },
		{ "RCPT TO:<a@x> MT-PRIORITY=1", SMTP_PARSE_PARAMETER },
		{ "MAIL FROM:<a@x> BY=120", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> BY=;R", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> BY=120;", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> BY=120;X", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> BY=120;RX", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> BY=120;RTT", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> BY=0;R", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> BY=-1;R", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> BY=1234567890;N", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> BY=1 2;N", SMTP_PARSE_SYNTAX },
		{ "MAIL FROM:<a@x> x", SMTP_PARSE_PARAMETER }
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < NELEM(bad); i++)
		if (parse(bad[i].line) != bad[i].result)
			fail_msg("%s", bad[i].line);
}

static void
test_mail_priority(void **state)
{
	(void)state;
	assert_int_equal(parse("MAIL FROM:<a@x>"), SMTP_PARSE_OK);
	assert_int_equal(cmd.has_priority, 0);
	assert_int_equal(cmd.has_by, 0);
	assert_int_equal(parse("MAIL FROM:<a@x> mt-priority=-9 By=+300;nt"),
	    SMTP_PARSE_OK);
	assert_int_equal(cmd.has_priority, 1);
	assert_int_equal(cmd.priority, -9);
	assert_int_equal(cmd.has_by, 1);
	assert_int_equal(cmd.by_time, 300);
	assert_int_equal(cmd.by_return, 0);
	assert_int_equal(cmd.by_trace, 1);
	assert_int_equal(parse("MAIL FROM:<a@x> BY=-999999999;N"),
	    SMTP_PARSE_OK);
	assert_int_equal(cmd.by_time, -999999999);
	assert_int_equal(parse("MAIL FROM:<a@x> BY=1;R MT-PRIORITY=0"),
	    SMTP_PARSE_OK);
	assert_int_equal(cmd.by_return, 1);
	assert_int_equal(cmd.by_trace, 0);
	assert_int_equal(cmd.has_priority, 1);
	assert_int_equal(cmd.priority, 0);
}

static void
test_etrn(void **state)
{
	static const char *const bad[] = { "ETRN", "ETRN @", "ETRN #",
	    "ETRN a b", "ETRN \"x\"", "ETRN x%y", "ETRN <x>",
	    "ETRN \303\244.example" };
	size_t	 i;

	(void)state;
	assert_int_equal(parse("etrn ship.example"), SMTP_PARSE_OK);
	assert_int_equal(cmd.verb, SMTP_ETRN);
	assert_int_equal(parse("ETRN @ship.example"), SMTP_PARSE_OK);
	assert_int_equal(parse("ETRN #queue_1"), SMTP_PARSE_OK);
	for (i = 0; i < NELEM(bad); i++)
		assert_int_equal(parse(bad[i]), SMTP_PARSE_SYNTAX);
}

static void
test_size_overflow(void **state)
{
	(void)state;
	assert_int_equal(parse("MAIL FROM:<> SIZE=18446744073709551615"),
	    SMTP_PARSE_OK);
	assert_true(cmd.size == UINT64_MAX);
	assert_int_equal(parse("MAIL FROM:<> SIZE=18446744073709551616"),
	    SMTP_PARSE_OK);
	assert_true(cmd.size == UINT64_MAX);
	assert_int_equal(parse("MAIL FROM:<> SIZE=99999999999999999999"),
	    SMTP_PARSE_OK);
	assert_true(cmd.size == UINT64_MAX);
}

static void
test_rcpt(void **state)
{
	(void)state;
	assert_int_equal(parse("RCPT TO:<b@y> NOTIFY=success,Failure,DELAY "
	    "ORCPT=rfc822;b+40y"), SMTP_PARSE_OK);
	assert_string_equal(cmd.address.text, "b@y");
	assert_string_equal(cmd.notify, "SUCCESS,FAILURE,DELAY");
	assert_string_equal(cmd.orcpt, "rfc822;b+40y");
	assert_int_equal(parse("RCPT TO:<b@y> NOTIFY=NEVER"), SMTP_PARSE_OK);
	assert_string_equal(cmd.notify, "NEVER");
	assert_int_equal(parse("RCPT TO:<PostMaster>"), SMTP_PARSE_OK);
	assert_string_equal(cmd.address.text, "PostMaster");
	assert_int_equal(parse("RCPT TO:<b>"), SMTP_PARSE_ADDRESS);
	assert_int_equal(parse("RCPT TO:<>"), SMTP_PARSE_ADDRESS);
	assert_int_equal(parse("RCPT TO:<b@y> SIZE=1"), SMTP_PARSE_PARAMETER);
}

static void
test_rcpt_bad(void **state)
{
	static const char *const bad[] = { "NOTIFY=", "NOTIFY=,",
	    "NOTIFY=SUCCESS,", "NOTIFY=NEVER,DELAY", "NOTIFY=DELAY,NEVER",
	    "NOTIFY=DELAY,DELAY", "NOTIFY=SOON", "ORCPT=b", "ORCPT=;b",
	    "ORCPT=rfc822;", "ORCPT=rf+c;b", "ORCPT=rfc822;\303\244",
	    "ORCPT=utf-8;\303" };
	char	 line[256];
	size_t	 i;

	(void)state;
	for (i = 0; i < NELEM(bad); i++) {
		snprintf(line, sizeof(line), "RCPT TO:<b@y> %s", bad[i]);
		if (parse(line) != SMTP_PARSE_SYNTAX)
			fail_msg("%s", line);
	}
}

static void
test_long_parameters(void **state)
{
	char	 line[700];
	size_t	 n;

	(void)state;
	n = (size_t)snprintf(line, sizeof(line), "MAIL FROM:<> ENVID=");
	memset(line + n, 'e', 100);
	line[n + 100] = '\0';
	assert_int_equal(parse(line), SMTP_PARSE_OK);
	assert_int_equal(strlen(cmd.envid), 100);
	memcpy(line + n + 100, "e", 2);
	assert_int_equal(parse(line), SMTP_PARSE_SYNTAX);
	n = (size_t)snprintf(line, sizeof(line), "RCPT TO:<a@x> ORCPT=x;");
	memset(line + n, 'o', 498);
	line[n + 498] = '\0';
	assert_int_equal(parse(line), SMTP_PARSE_OK);
	assert_int_equal(strlen(cmd.orcpt), 500);
	memcpy(line + n + 498, "o", 2);
	assert_int_equal(parse(line), SMTP_PARSE_SYNTAX);
}

static void
test_utf8(void **state)
{
	(void)state;
	assert_int_equal(parse("MAIL FROM:<\303\244@x>"), SMTP_PARSE_OK);
	assert_int_equal(cmd.utf8, 1);
	assert_int_equal(parse("RCPT TO:<a@x> ORCPT=utf-8;\303\244@x"),
	    SMTP_PARSE_OK);
	assert_int_equal(cmd.utf8, 1);
	assert_int_equal(parse("RCPT TO:<a@x>"), SMTP_PARSE_OK);
	assert_int_equal(cmd.utf8, 0);
	/* Latin 1 */
	assert_int_equal(parse("RCPT TO:<\344@x>"), SMTP_PARSE_ADDRESS);
	assert_int_equal(cmd.utf8, 1);
}

static void
test_bdat(void **state)
{
	(void)state;
	assert_int_equal(parse("BDAT 0 last"), SMTP_PARSE_OK);
	assert_int_equal(cmd.size, 0);
	assert_int_equal(cmd.last, 1);
	assert_int_equal(parse("BDAT 2147483648"), SMTP_PARSE_OK);
	assert_true(cmd.size == SMTP_CHUNK_MAX);
	assert_int_equal(cmd.last, 0);
	assert_int_equal(parse("BDAT 2147483649"), SMTP_PARSE_SYNTAX);
	assert_int_equal(parse("BDAT 18446744073709551617"),
	    SMTP_PARSE_SYNTAX);
	assert_int_equal(cmd.verb, SMTP_BDAT);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_verbs),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_argument_bytes),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_mail_bad),
		cmocka_unit_test(test_mail_priority),
		cmocka_unit_test(test_etrn),
		cmocka_unit_test(test_size_overflow),
		cmocka_unit_test(test_rcpt),
		cmocka_unit_test(test_rcpt_bad),
		cmocka_unit_test(test_long_parameters),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_bdat)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
