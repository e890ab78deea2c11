/* See LICENSE for the terms. */
/* parent/aliases.c */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aliases.h"

static char	 got[65536];

static void
found(void *arg, uint32_t line, const char *name, const char *target)
{
	size_t	 n = strlen(got);

	(void)arg;
	if (target == NULL)
		snprintf(got + n, sizeof(got) - n, "%u:%s=", line, name);
	else
		snprintf(got + n, sizeof(got) - n, "[%s]", target);
}

static void
wrong(void *arg, uint32_t line, const char *why)
{
	size_t	 n = strlen(got);

	(void)arg;
	snprintf(got + n, sizeof(got) - n, "!%u %s!", line, why);
}

static void
parses_to(const char *text, const char *want)
{
	got[0] = '\0';
	aliases_parse(text, strlen(text), found, wrong, NULL);
	assert_string_equal(got, want);
}

static void
test_good(void **state)
{
	(void)state;
	parses_to("", "");
	parses_to("\n\n \n\t\n# a: b\n   # c\n", "");
	parses_to("root: alice\n", "1:root=[alice]");
	parses_to("root:alice", "1:root=[alice]");
	parses_to("root : alice,bob , x@far.example\r\n",
	    "1:root=[alice][bob][x@far.example]");
	parses_to("a: b # c\nd: e#f\n", "1:a=[b]2:d=[e#f]");
	parses_to("a: b,,c,\n", "1:a=[b][c]");
	parses_to("a: \\b\n", "1:a=[\\b]");
	parses_to("a: :include:/x, |y, /z\n",
	    "1:a=[:include:/x][|y][/z]");
}

static void
test_lines(void **state)
{
	(void)state;
	parses_to("a:\n b,\n# no\n\n\tc\nd: e\n", "1:a=[b][c]6:d=[e]");
	parses_to("a: b\n  ,c\n", "1:a=[b][c]");
	parses_to("a: b\n\n\nc: d\n", "1:a=[b]4:c=[d]");
	parses_to("a: b\n   ", "1:a=[b]");
}

static void
test_quotes(void **state)
{
	(void)state;
	parses_to("\"two words\": \"a, b: # c\", d\n",
	    "1:two words=[a, b: # c][d]");
	parses_to("a: \"b\\\"c\\\\\"\n", "1:a=[b\"c\\]");
	parses_to("a: \"|prog x\"\n", "1:a=[|prog x]");
	parses_to("a: \"b\nc: d\n", "1:a=!1 a quote that is not closed!"
	    "2:c=[d]");
	parses_to("a: \"b", "1:a=!1 a quote that is not closed!");
	parses_to("a: \"b\\", "1:a=!1 a quote that is not closed!");
	parses_to("a: \"\"\n", "1:a=!1 an empty word!");
	parses_to("\"\": b\n", "!1 an empty word!");
}

static void
test_wrong(void **state)
{
	char	 text[1000];

	(void)state;
	parses_to("  a: b\nc: d\n", "!1 a line that goes on none!2:c=[d]");
	parses_to("\n b\n", "!2 a line that goes on none!");
	parses_to("a b: c\nd: e\n", "!1 no \":\" behind the name!2:d=[e]");
	parses_to("a\n: b\n", "!1 no \":\" behind the name!"
	    "!2 no name in front of the \":\"!");
	parses_to("a:\nb: c\n", "1:a=!1 a name that stands for nobody!"
	    "2:b=[c]");
	parses_to("a: ,\n\n\n", "1:a=!1 a name that stands for nobody!");
	parses_to("a: b c\n  d\ne: f\n",
	    "1:a=[b]!1 no \",\" between two words!3:e=[f]");
	parses_to("a: b\n c\n", "1:a=[b]!2 no \",\" between two words!");
	parses_to("a: b\001\n", "1:a=!1 a control character!");
	memset(text, 'x', sizeof(text));
	memcpy(text, "a: ", 3);
	memcpy(text + sizeof(text) - 8, "\nb: c\n", 7);
	parses_to(text, "1:a=!1 a word too long!2:b=[c]");
}

/* A NUL is a character that is wrong, not an end. */
static void
test_nul(void **state)
{
	(void)state;
	got[0] = '\0';
	aliases_parse("a: b\0c\nd: e\n", 12, found, wrong, NULL);
	assert_string_equal(got, "1:a=!1 a control character!2:d=[e]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_lines),
		cmocka_unit_test(test_quotes), cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_nul)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
