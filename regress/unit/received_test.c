/* See LICENSE for the terms. */

/* The Received field. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "received.h"

static struct received
sample(void)
{
	struct received	 r;

	memset(&r, 0, sizeof(r));
	r.helo = "pc.ship.example";
	r.address = "192.0.2.7";
	r.hostname = "mail.ship.example";
	r.esmtp = 1;
	r.id = 0x1234abcd;
	r.when = 1700000000;	/* Tue, 14 Nov 2023 22:13:20 UTC */
	return (r);
}

static void
test_whole(void **state)
{
	struct received	 r = sample();
	char		 s[RECEIVED_MAX];
	ssize_t		 n;

	(void)state;
	r.tls = r.auth = 1;
	r.recipient = "bob@x.example";
	r.offset = 9 * 60;
	n = received_format(&r, s, sizeof(s));
	assert_string_equal(s,
	    "Received: from pc.ship.example ([192.0.2.7])\r\n"
	    "\tby mail.ship.example with ESMTPSA id 000000001234abcd\r\n"
	    "\tfor <bob@x.example>;\r\n"
	    "\tWed, 15 Nov 2023 07:13:20 +0900\r\n");
	assert_int_equal(n, strlen(s));
}

static void
test_priority(void **state)
{
	struct received	 r = sample();
	char		 s[RECEIVED_MAX];
	int		 priority = -9;

	(void)state;
	r.priority = &priority;
	r.recipient = "bob@x.example";
	assert_true(received_format(&r, s, sizeof(s)) > 0);
	assert_non_null(strstr(s, "\r\n\tfor <bob@x.example> PRIORITY -9;\r\n"));
}

static void
test_without_recipient(void **state)
{
	struct received	 r = sample();
	char		 s[RECEIVED_MAX];

	(void)state;
	r.address = "2001:db8::7";
	r.offset = -(3 * 60 + 30);
	assert_true(received_format(&r, s, sizeof(s)) > 0);
	assert_string_equal(s,
	    "Received: from pc.ship.example ([IPv6:2001:db8::7])\r\n"
	    "\tby mail.ship.example with ESMTP id 000000001234abcd;\r\n"
	    "\tTue, 14 Nov 2023 18:43:20 -0330\r\n");
}

static void
test_protocols(void **state)
{
	static const char *const names[] = { "SMTP", "SMTP", "SMTP", "SMTP",
	    "SMTP", "SMTP", "SMTP", "SMTP", "ESMTP", "ESMTPA", "ESMTPS",
	    "ESMTPSA", "UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA" };
	struct received	 r = sample();
	int		 i;

	(void)state;
	for (i = 0; i < 16; i++) {
		r.esmtp = (i & 8) != 0;
		r.smtputf8 = (i & 4) != 0;
		r.tls = (i & 2) != 0;
		r.auth = i & 1;
		assert_string_equal(received_protocol(&r), names[i]);
	}
}

/* Nothing that a client calls itself gets a meaning in the header. */
static void
test_helo_cleaned(void **state)
{
	struct received	 r = sample();
	char		 s[RECEIVED_MAX];

	(void)state;
	r.helo = "a;b(c)\"d\\<e>,\303\244\r\n:[::1]_x";
	assert_true(received_format(&r, s, sizeof(s)) > 0);
	assert_memory_equal(s, "Received: from a?b?c??d??e??????:[::1]_x (",
	    42);
}

static void
test_longest(void **state)
{
	struct received	 r = sample();
	char		 helo[512], host[256], to[321], s[RECEIVED_MAX];
	ssize_t		 n;

	(void)state;
	memset(helo, 'h', sizeof(helo));
	helo[sizeof(helo) - 1] = '\0';
	memset(host, 'o', sizeof(host));
	host[sizeof(host) - 1] = '\0';
	memset(to, 't', sizeof(to));
	to[sizeof(to) - 1] = '\0';
	r.helo = helo;
	r.hostname = host;
	r.recipient = to;
	r.address = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
	assert_true((n = received_format(&r, s, sizeof(s))) > 0);
	assert_int_equal(n, strlen(s));
	assert_int_equal(received_format(&r, s, (size_t)n), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_without_recipient),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_helo_cleaned),
		cmocka_unit_test(test_longest)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
