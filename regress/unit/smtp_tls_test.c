/* See LICENSE for the terms. */
/* When the TLS session with the upstream is gone on with. */

#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <tls.h>
#include <cmocka.h>

#include "smtp_tls.h"

#define HOUR	3600

static int64_t	 now = 1700000000;

static int
offer(const char *host, const char *ca)
{
	struct tls_config	*config;
	int			 r;

	assert_non_null(config = tls_config_new());
	r = smtp_tls_offer(config, host, (const uint8_t *)ca, strlen(ca),
	    now);
	tls_config_free(config);
	return (r);
}

static void
test_not_begun(void **state)
{
	(void)state;
	assert_int_equal(offer("a", "ca"), 0);
	smtp_tls_begin();
	if (offer("a", "ca") == 0)
		skip();
}

/* A server that never goes on with one gets the usual TLS, some time. */
static void
test_never(void **state)
{
	int	 i;

	(void)state;
	for (i = 0; i < 4; i++) {
		assert_int_equal(offer("never", "ca"), 1);
		smtp_tls_done(0, now);
	}
	assert_int_equal(offer("never", "ca"), 0);
	/* Nor one that is asked too seldom. */
	for (i = 0; i < 4; i++) {
		assert_int_equal(offer("seldom", "ca"), 1);
		smtp_tls_done(0, now);
		now += 3 * HOUR;
	}
	assert_int_equal(offer("seldom", "ca"), 0);
}

static void
test_resumes(void **state)
{
	int	 i;

	(void)state;
	assert_int_equal(offer("good", "ca"), 1);
	smtp_tls_done(0, now);
	assert_int_equal(offer("good", "ca"), 1);
	smtp_tls_done(1, now);
	/* It may forget as often as it likes. */
	for (i = 0; i < 10; i++) {
		now += HOUR;
		assert_int_equal(offer("good", "ca"), 1);
		smtp_tls_done(0, now);
	}
	smtp_tls_failed();
	assert_int_equal(offer("good", "ca"), 0);
	/* Other authorities: another upstream. */
	assert_int_equal(offer("good", "other"), 1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_not_begun),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_resumes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
