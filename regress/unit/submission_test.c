/* See LICENSE for the terms. */
/* Lists of addresses, and messages of local programs. */
#include <sys/types.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "submission.h"

static char	 addresses[4096];

static int
found(void *arg, const char *address)
{
	assert_ptr_equal(arg, addresses);
	strlcat(addresses, address, sizeof(addresses));
	strlcat(addresses, "|", sizeof(addresses));
	return (0);
}

static const char *
list(const char *s)
{
	addresses[0] = '\0';
	if (addrlist_parse(s, strlen(s), found, addresses) == 0)
		return (addresses);
	assert_int_equal(errno, EINVAL);
	return (NULL);
}

static void
test_lists(void **state)
{
	(void)state;
	assert_string_equal(list("a@b"), "a@b|");
	assert_string_equal(list(" a@b ,, c "), "a@b|c|");
	assert_string_equal(list(""), "");
	assert_string_equal(list("Ann B. <a@b>, \"C, D\" <c@d>"), "a@b|c@d|");
	assert_string_equal(list("a@b (Ann (the) \\) one), c"), "a@b|c|");
	assert_string_equal(list("crew: a@b, Bob <c@d>;, e"), "a@b|c@d|e|");
	assert_string_equal(list("nobody: ;"), "");
	assert_string_equal(list("<@x,@y:a@b>"), "a@b|");
	assert_string_equal(list("a . b @ c . d"), "a.b@c.d|");
	assert_string_equal(list("a@b,\r\n c@d"), "a@b|c@d|");
	assert_string_equal(list("\"a \\\" b\"@c"), "\"a \\\" b\"@c|");
	assert_string_equal(list("<>"), "");
}

static void
test_no_lists(void **state)
{
	static const char *const	 wrong[] = {
		"a b", "a@b c@d", "<a@b", "a@b>", "<a@b> <c@d>", "a (b",
		"\"a", "a\001b", "a (b \\"
	};
	char		 longest[ADDRLIST_ADDRESS_MAX + 1];
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (list(wrong[i]) != NULL)
			fail_msg("\"%s\" is \"%s\"", wrong[i], addresses);
	memset(longest, 'a', sizeof(longest));
	longest[ADDRLIST_ADDRESS_MAX - 1] = '\0';
	assert_non_null(list(longest));
	longest[ADDRLIST_ADDRESS_MAX - 1] = 'a';
	longest[ADDRLIST_ADDRESS_MAX] = '\0';
	assert_null(list(longest));
}

static char	 field[32];

static void
made(const char *msg, int recipients, const char *want)
{
	struct submission_param	 p;
	char			*got;
	size_t			 len;

	memset(&p, 0, sizeof(p));
	p.from = "F";
	p.date = "D";
	p.message_id = "M";
	p.recipients = recipients;
	p.found = found;
	p.arg = addresses;
	addresses[0] = '\0';
	got = submission_make(&p, msg, strlen(msg), &len, field);
	if (want == NULL) {
		assert_null(got);
		assert_int_equal(errno, EINVAL);
		return;
	}
	assert_non_null(got);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(got, want, len);
	free(got);
}

#define ADDED	"From: F\r\nDate: D\r\nMessage-ID: M\r\n"
#define HAS	"From: f\nDate: d\nMessage-ID: m\n"
#define KEPT	"From: f\r\nDate: d\r\nMessage-ID: m\r\n"

static void
test_messages(void **state)
{
	(void)state;
	made("Subject: x\n\nhi\n", 0, ADDED "Subject: x\r\n\r\nhi\r\n");
	made(HAS "\nhi", 0, KEPT "\r\nhi\r\n");
	made("hi\nthere\n", 0, ADDED "\r\nhi\r\nthere\r\n");
	made("", 0, ADDED "\r\n");
	made("\nhi\n", 0, ADDED "\r\nhi\r\n");
	made("From x\nSubject: x\r\n\r\nhi\r\n", 0,
	    ADDED "Subject: x\r\n\r\nhi\r\n");
	made("a: b\n c\n\n\n.\n", 0, ADDED "a: b\r\n c\r\n\r\n\r\n.\r\n");
	/* What is no field ends the header. */
	made("Subject: x\nhi\n", 0, ADDED "Subject: x\r\n\r\nhi\r\n");
	made("x: y\n\na\rb\n", 0, ADDED "x: y\r\n\r\na\r\nb\r\n");
}

static void
test_recipients(void **state)
{
	(void)state;
	made("To: a@b\nCC: c\nBcc: d,\n e\nbcc: f\n\n", 1,
	    ADDED "To: a@b\r\nCC: c\r\n\r\n");
	assert_string_equal(addresses, "a@b|c|d|e|f|");
	/* A copy for somebody else goes to nobody else. */
	made("Resent-To: r\nResent-Bcc: s\nTo: a\n\n", 1,
	    ADDED "Resent-To: r\r\nTo: a\r\n\r\n");
	assert_string_equal(addresses, "r|s|");
	made("To: a@b c@d\n\n", 1, NULL);
	assert_string_equal(field, "To");
	/* Where they are not wanted they are not read, and stay. */
	made("To: a@b c@d\nBcc: e\n\n", 0,
	    ADDED "To: a@b c@d\r\nBcc: e\r\n\r\n");
	assert_string_equal(addresses, "");
}

static void
test_8bit(void **state)
{
	(void)state;
	assert_false(submission_is_8bit("abc", 3));
	assert_true(submission_is_8bit("ab\xff", 3));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_no_lists),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_8bit)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
