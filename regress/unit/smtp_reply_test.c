/* See LICENSE for the terms. */

/* The parser of SMTP replies. */

#include <sys/types.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "smtp_reply.h"

static struct smtp_reply	 reply;

static int
line(const char *s)
{
	return (smtp_reply_line(&reply, s, strlen(s)));
}

static int
setup(void **state)
{
	(void)state;
	smtp_reply_init(&reply);
	return (0);
}

static void
test_one_line(void **state)
{
	(void)state;
	assert_int_equal(line("250 2.1.5 Ok, recipient"), 1);
	assert_int_equal(reply.code, 250);
	assert_string_equal(reply.enhanced, "2.1.5");
	assert_string_equal(reply.text, "Ok, recipient");
}

static void
test_bare_code(void **state)
{
	(void)state;
	assert_int_equal(line("354"), 1);
	assert_int_equal(reply.code, 354);
	assert_string_equal(reply.text, "");
}

static void
test_many_lines(void **state)
{
	(void)state;
	assert_int_equal(line("550-5.7.1 Your message"), 0);
	assert_int_equal(line("550-5.7.1 looks like"), 0);
	assert_int_equal(line("550 5.7.1 spam"), 1);
	assert_string_equal(reply.enhanced, "5.7.1");
	assert_string_equal(reply.text, "Your message looks like spam");
}

static void
test_codes_differ(void **state)
{
	(void)state;
	assert_int_equal(line("250-one"), 0);
	assert_int_equal(line("251 two"), -1);
}

static void
test_not_a_reply(void **state)
{
	static const char *const bad[] = { "", "2", "25", "abc", "199 x",
	    "600 x", "2500", "25x ok", "250+x", " 250 x" };
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		smtp_reply_init(&reply);
		assert_int_equal(line(bad[i]), -1);
	}
}

static void
test_flood(void **state)
{
	int	 i;

	(void)state;
	for (i = 0; i < SMTP_REPLY_LINES_MAX; i++)
		assert_int_equal(line("250-x"), 0);
	assert_int_equal(line("250 x"), -1);
}

static void
test_enhanced(void **state)
{
	static const struct {
		const char	*line;
		const char	*enhanced;
	} cases[] = {
		{ "550 5.1.1 x", "5.1.1" },
		{ "550 5.111.222 x", "5.111.222" },
		{ "550 5.1.1", "5.1.1" },
		{ "550 5.1111.1 x", "" },
		{ "550 3.1.1 x", "" },
		{ "550 5.1 x", "" },
		{ "550 5.1.1x y", "" },
		{ "550 5..1 x", "" },
		{ "550 5.1. x", "" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		smtp_reply_init(&reply);
		assert_int_equal(line(cases[i].line), 1);
		assert_string_equal(reply.enhanced, cases[i].enhanced);
	}
}

/* The status of a bounce has the class of the code, whatever is said. */
static void
test_status(void **state)
{
	char	 status[SMTP_ENHANCED_MAX];

	(void)state;
	line("550 4.1.1 confused");
	smtp_reply_status(&reply, status);
	assert_string_equal(status, "5.0.0");
	smtp_reply_init(&reply);
	line("451 4.7.1 later");
	smtp_reply_status(&reply, status);
	assert_string_equal(status, "4.7.1");
	smtp_reply_init(&reply);
	line("554 no");
	smtp_reply_status(&reply, status);
	assert_string_equal(status, "5.0.0");
}

/* Nothing in the text may end a log line, or the quotes around it. */
static void
test_text_is_printable(void **state)
{
	(void)state;
	assert_int_equal(smtp_reply_line(&reply,
	    "550 a\x01\"b\"\x1b[31m\xc3\xa9\tc\0d", 20), 1);
	assert_string_equal(reply.text, "a?'b'?[31m?? c?d");
}

static void
test_text_is_bounded(void **state)
{
	char	 long_line[2000], out[64];

	(void)state;
	memset(long_line, 'x', sizeof(long_line));
	memcpy(long_line, "550-", 4);
	assert_int_equal(smtp_reply_line(&reply, long_line,
	    sizeof(long_line)), 0);
	assert_int_equal(line("550 end"), 1);
	assert_int_equal(strlen(reply.text), SMTP_REPLY_TEXT_MAX - 1);
	smtp_reply_format(&reply, out, sizeof(out));
	assert_int_equal(strlen(out), sizeof(out) - 1);
}

static void
test_format(void **state)
{
	char	 out[64];

	(void)state;
	line("450 4.2.0 grey");
	assert_string_equal(smtp_reply_format(&reply, out, sizeof(out)),
	    "450 4.2.0 grey");
	smtp_reply_init(&reply);
	line("450");
	assert_string_equal(smtp_reply_format(&reply, out, sizeof(out)),
	    "450");
	smtp_reply_local(&reply, 552, "5.3.4", "too large");
	assert_true(reply.local);
	assert_string_equal(smtp_reply_format(&reply, out, sizeof(out)),
	    "552 5.3.4 too large");
}

static void
ehlo(struct smtp_ehlo *e, const char *s)
{
	smtp_ehlo_line(e, s, strlen(s));
}

static void
test_ehlo(void **state)
{
	struct smtp_ehlo	 e;

	(void)state;
	memset(&e, 0, sizeof(e));
	ehlo(&e, "250-PIPELINING");
	ehlo(&e, "250-size 35882577");
	ehlo(&e, "250-AUTH CRAM-MD5 plain LOGIN");
	ehlo(&e, "250-X-UNKNOWN with words");
	ehlo(&e, "250 8BITMIME");
	assert_int_equal(e.extensions, SMTP_EXT_PIPELINING | SMTP_EXT_SIZE |
	    SMTP_EXT_AUTH_PLAIN | SMTP_EXT_AUTH_LOGIN | SMTP_EXT_8BITMIME);
	assert_int_equal(e.size, 35882577);
	memset(&e, 0, sizeof(e));
	ehlo(&e, "250-STARTTLS");
	ehlo(&e, "250-CHUNKING");
	ehlo(&e, "250-SMTPUTF8");
	ehlo(&e, "250-AUTH=LOGIN");
	ehlo(&e, "250-MT-PRIORITY MIXER");
	ehlo(&e, "250-DELIVERBY 240");
	ehlo(&e, "250 DSN");
	assert_int_equal(e.extensions, SMTP_EXT_STARTTLS | SMTP_EXT_CHUNKING |
	    SMTP_EXT_SMTPUTF8 | SMTP_EXT_DSN | SMTP_EXT_AUTH_LOGIN |
	    SMTP_EXT_MT_PRIORITY | SMTP_EXT_DELIVERBY);
}

/* A keyword is a whole word, and a limit that is none does not limit. */
static void
test_ehlo_odd(void **state)
{
	struct smtp_ehlo	 e;

	(void)state;
	memset(&e, 0, sizeof(e));
	ehlo(&e, "250-PIPELININGX");
	ehlo(&e, "250-AUTH PLAINER");
	ehlo(&e, "250-");
	ehlo(&e, "250");
	ehlo(&e, "");
	assert_int_equal(e.extensions, 0);
	ehlo(&e, "250-SIZE");
	assert_int_equal(e.size, 0);
	ehlo(&e, "250-SIZE 99999999999999999999999");
	assert_int_equal(e.size, 0);
	ehlo(&e, "250-SIZE 12x");
	assert_int_equal(e.size, 0);
	ehlo(&e, "250-SIZE 0");
	assert_int_equal(e.size, 0);
	assert_int_equal(e.extensions, SMTP_EXT_SIZE);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup(test_one_line, setup),
		cmocka_unit_test_setup(test_bare_code, setup),
		cmocka_unit_test_setup(test_many_lines, setup),
		cmocka_unit_test_setup(test_codes_differ, setup),
		cmocka_unit_test_setup(test_not_a_reply, setup),
		cmocka_unit_test_setup(test_flood, setup),
		cmocka_unit_test_setup(test_enhanced, setup),
		cmocka_unit_test_setup(test_status, setup),
		cmocka_unit_test_setup(test_text_is_printable, setup),
		cmocka_unit_test_setup(test_text_is_bounded, setup),
		cmocka_unit_test_setup(test_format, setup),
		cmocka_unit_test_setup(test_ehlo, setup),
		cmocka_unit_test_setup(test_ehlo_odd, setup),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
