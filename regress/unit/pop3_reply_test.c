/* See LICENSE for the terms. */
/* What a POP3 server says. */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pop3_reply.h"

static enum pop3_status
status(const char *line, struct pop3_reply *r)
{
	pop3_reply_parse(line, strlen(line), r);
	return (r->status);
}

static void
test_status(void **state)
{
	struct pop3_reply	 r;

	(void)state;
	assert_int_equal(status("+OK", &r), POP3_OK);
	assert_int_equal(r.len, 0);
	assert_int_equal(status("+ok hello there", &r), POP3_OK);
	assert_memory_equal(r.text, "hello there", r.len);
	assert_int_equal(status("-ERR no", &r), POP3_ERR);
	assert_int_equal(status("+ ", &r), POP3_CONTINUE);
	assert_int_equal(status("+", &r), POP3_CONTINUE);
	assert_int_equal(status("", &r), POP3_INVALID);
	assert_int_equal(status("+OKAY", &r), POP3_INVALID);
	assert_int_equal(status("-ERROR", &r), POP3_INVALID);
	assert_int_equal(status("* OK IMAP4rev1", &r), POP3_INVALID);
	assert_int_equal(status("220 smtp", &r), POP3_INVALID);
}

static void
test_code(void **state)
{
	struct pop3_reply	 r;

	(void)state;
	status("-ERR [AUTH] wrong", &r);
	assert_int_equal(r.code, POP3_CODE_AUTH);
	status("-ERR [in-use] locked", &r);
	assert_int_equal(r.code, POP3_CODE_IN_USE);
	status("-ERR [SYS/TEMP] later", &r);
	assert_int_equal(r.code, POP3_CODE_SYS_TEMP);
	status("-ERR [SYS/PERM] never", &r);
	assert_int_equal(r.code, POP3_CODE_SYS_PERM);
	status("-ERR [LOGIN-DELAY] slower", &r);
	assert_int_equal(r.code, POP3_CODE_LOGIN_DELAY);
	status("-ERR [X-NEW] what", &r);
	assert_int_equal(r.code, POP3_CODE_OTHER);
	status("-ERR [AUTH wrong", &r);
	assert_int_equal(r.code, POP3_CODE_NONE);
}

static uint32_t
capability(const char *line)
{
	return (pop3_reply_capability(line, strlen(line)));
}

static void
test_capability(void **state)
{
	(void)state;
	assert_int_equal(capability("STLS"), POP3_CAP_STLS);
	assert_int_equal(capability("uidl"), POP3_CAP_UIDL);
	assert_int_equal(capability("USER"), POP3_CAP_USER);
	assert_int_equal(capability("PIPELINING"), POP3_CAP_PIPELINING);
	assert_int_equal(capability("SASL LOGIN PLAIN"), POP3_CAP_SASL_PLAIN);
	assert_int_equal(capability("SASL CRAM-MD5"), 0);
	assert_int_equal(capability("SASL"), 0);
	assert_int_equal(capability("STLSX"), 0);
	assert_int_equal(capability("EXPIRE 0"), POP3_CAP_EXPIRE_0);
	assert_int_equal(capability("EXPIRE 0 USER"), POP3_CAP_EXPIRE_0);
	assert_int_equal(capability("EXPIRE 07"), 0);
	assert_int_equal(capability("EXPIRE NEVER"), 0);
	assert_int_equal(capability("EXPIRE"), 0);
	assert_int_equal(capability(""), 0);
}

static int
uidl(const char *line, uint32_t *n, char uid[PROTO_UID_MAX])
{
	return (pop3_reply_uidl(line, strlen(line), n, uid));
}

static void
test_uidl(void **state)
{
	char		 uid[PROTO_UID_MAX], line[512];
	uint32_t	 n;

	(void)state;
	assert_int_equal(uidl("12 whqtswO00WBw418f9t5JxYwZ", &n, uid), 0);
	assert_int_equal(n, 12);
	assert_string_equal(uid, "whqtswO00WBw418f9t5JxYwZ");
	assert_int_equal(uidl("1 a ", &n, uid), 0);
	assert_int_equal(uidl("0 a", &n, uid), -1);
	assert_int_equal(uidl("x a", &n, uid), -1);
	assert_int_equal(uidl("1", &n, uid), -1);
	assert_int_equal(uidl("1 ", &n, uid), -1);
	assert_int_equal(uidl("1 a b", &n, uid), -1);
	assert_int_equal(uidl("1 a\xe4", &n, uid), -1);
	assert_int_equal(uidl("4294967296 a", &n, uid), -1);
	/* As long as a name of a file, and no longer. */
	memset(line, 'u', sizeof(line));
	memcpy(line, "1 ", 2);
	assert_int_equal(pop3_reply_uidl(line, 257, &n, uid), 0);
	assert_int_equal(strlen(uid), 255);
	assert_int_equal(pop3_reply_uidl(line, 258, &n, uid), -1);
}

static void
test_list(void **state)
{
	uint64_t	 size;
	uint32_t	 n;

	(void)state;
	assert_int_equal(pop3_reply_list("3 120", 5, &n, &size), 0);
	assert_int_equal(n, 3);
	assert_int_equal(size, 120);
	assert_int_equal(pop3_reply_list("3 120 extra", 11, &n, &size), 0);
	assert_int_equal(pop3_reply_list("3", 1, &n, &size), -1);
	assert_int_equal(pop3_reply_list("3 x", 3, &n, &size), -1);
	assert_int_equal(pop3_reply_list("3 99999999999999999999", 22, &n,
	    &size), -1);
	assert_true(pop3_reply_end(".", 1));
	assert_false(pop3_reply_end("..", 2));
	assert_false(pop3_reply_end("", 0));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_capability),
		cmocka_unit_test(test_uidl),
		cmocka_unit_test(test_list),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
