/* See LICENSE for the terms. */

/* Addresses against networks. */

#include <sys/types.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netmatch.h"

static struct sockaddr_storage
address(const char *s)
{
	struct sockaddr_storage	 ss;
	struct sockaddr_in	 in;
	struct sockaddr_in6	 in6;

	memset(&ss, 0, sizeof(ss));
	if (strchr(s, ':') != NULL) {
		memset(&in6, 0, sizeof(in6));
		in6.sin6_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, s, &in6.sin6_addr), 1);
		memcpy(&ss, &in6, sizeof(in6));
	} else {
		memset(&in, 0, sizeof(in));
		in.sin_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, s, &in.sin_addr), 1);
		memcpy(&ss, &in, sizeof(in));
	}
	return (ss);
}

static int
match(const char *addr, const char *net)
{
	struct sockaddr_storage	 ss = address(addr);

	return (netmatch(&ss, net));
}

static void
test_ipv4(void **state)
{
	(void)state;
	assert_int_equal(match("192.168.1.7", "192.168.1.0/24"), 1);
	assert_int_equal(match("192.168.2.7", "192.168.1.0/24"), 0);
	assert_int_equal(match("192.168.1.7", "192.168.1.7"), 1);
	assert_int_equal(match("192.168.1.6", "192.168.1.7"), 0);
	assert_int_equal(match("192.168.1.6", "192.168.1.7/31"), 1);
	assert_int_equal(match("10.255.0.1", "10.0.0.0/8"), 1);
	assert_int_equal(match("11.0.0.1", "10.0.0.0/7"), 1);
	assert_int_equal(match("12.0.0.1", "10.0.0.0/7"), 0);
	assert_int_equal(match("203.0.113.1", "0.0.0.0/0"), 1);
	assert_int_equal(match("128.0.0.1", "0.0.0.0/1"), 0);
}

static void
test_ipv6(void **state)
{
	(void)state;
	assert_int_equal(match("fd00::1", "fd00::/8"), 1);
	assert_int_equal(match("fe80::1", "fd00::/8"), 0);
	assert_int_equal(match("2001:db8::1", "2001:db8::1"), 1);
	assert_int_equal(match("2001:db8::1", "2001:db8::/127"), 1);
	assert_int_equal(match("2001:db8::2", "2001:db8::/127"), 0);
	assert_int_equal(match("2001:db8::2", "::/0"), 1);
}

/* An IPv4 client on an IPv6 socket is an IPv4 client. */
static void
test_mapped(void **state)
{
	(void)state;
	assert_int_equal(match("::ffff:192.168.1.7", "192.168.1.0/24"), 1);
	assert_int_equal(match("::ffff:192.168.2.7", "192.168.1.0/24"), 0);
	assert_int_equal(match("::ffff:192.168.2.7", "::/0"), 0);
	assert_int_equal(match("192.168.2.7", "::/0"), 0);
	assert_int_equal(match("fd00::1", "0.0.0.0/0"), 0);
}

static void
test_no_networks(void **state)
{
	static const char *const bad[] = { "", "/", "/8", "10.0.0.0/",
	    "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0/8", "any",
	    "fd00::/129", "fd00::/99999999999999999999", "fd00:::/8",
	    "10.0.0.0/8/8" };
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (match("10.0.0.1", bad[i]) != -1)
			fail_msg("%s", bad[i]);
}

static void
test_list(void **state)
{
	struct sockaddr_storage	 ss = address("10.1.2.3");
	struct strlist		 list;

	(void)state;
	TAILQ_INIT(&list);
	assert_int_equal(netmatch_list(&ss, &list), 0);
	assert_int_equal(strlist_add(&list, "nonsense"), 0);
	assert_int_equal(strlist_add(&list, "192.168.0.0/16"), 0);
	assert_int_equal(netmatch_list(&ss, &list), 0);
	assert_int_equal(strlist_add(&list, "10.0.0.0/8"), 0);
	assert_int_equal(netmatch_list(&ss, &list), 1);
	memset(&ss, 0, sizeof(ss));
	ss.ss_family = AF_UNIX;
	assert_int_equal(netmatch_list(&ss, &list), 0);
	strlist_free(&list);
}

static void
test_text(void **state)
{
	struct sockaddr_storage	 ss = address("::ffff:10.0.0.1");
	char			 s[INET6_ADDRSTRLEN];

	(void)state;
	assert_string_equal(netmatch_text(&ss, s), "10.0.0.1");
	ss = address("fd00::1");
	assert_string_equal(netmatch_text(&ss, s), "fd00::1");
	ss.ss_family = AF_UNIX;
	assert_string_equal(netmatch_text(&ss, s), "local");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_no_networks),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_text)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
