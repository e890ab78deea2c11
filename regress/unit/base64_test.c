/* See LICENSE for the terms. */
/* Base64. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base64.h"

static void
assert_encoded(const char *bytes, size_t len, const char *expect)
{
	char	*s;

	assert_non_null(s = base64_encode(bytes, len));
	assert_string_equal(s, expect);
	free(s);
}

/* RFC 4648 10, and every digit that is not a letter. */
static void
test_encode(void **state)
{
	(void)state;
	assert_encoded("", 0, "");
	assert_encoded("f", 1, "Zg==");
	assert_encoded("fo", 2, "Zm8=");
	assert_encoded("foo", 3, "Zm9v");
	assert_encoded("foob", 4, "Zm9vYg==");
	assert_encoded("fooba", 5, "Zm9vYmE=");
	assert_encoded("foobar", 6, "Zm9vYmFy");
	assert_encoded("\373\377\277", 3, "+/+/");
	assert_encoded("\323\135\267\343\236\273\363\337\277", 9,
	    "0123456789+/");
}

/* What SASL PLAIN is made of. */
static void
test_nul(void **state)
{
	(void)state;
	assert_encoded("\0alice\0secret", 13, "AGFsaWNlAHNlY3JldA==");
	assert_encoded("\0", 1, "AA==");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_nul)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
