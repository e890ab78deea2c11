/* See LICENSE for the terms. */
/* Text for people: widths, and what is not to reach a terminal. */
#include <sys/types.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

static char	*page;
static size_t	 page_size;
static FILE	*f;

static int
setup(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C");
	format_set_width(40);
	format_set_utf8(0);
	f = open_memstream(&page, &page_size);
	return (f == NULL ? -1 : 0);
}

static int
teardown(void **state)
{
	(void)state;
	if (f != NULL)
		fclose(f);
	free(page);
	f = NULL;
	return (0);
}

static void
printed(const char *s)
{
	fclose(f);
	f = NULL;
	assert_string_equal(page, s);
}

static void
test_numbers(void **state)
{
	(void)state;
	assert_string_equal(format_count(0, "message"), "0 messages");
	assert_string_equal(format_count(1, "message"), "1 message");
	assert_string_equal(format_size(10239), "10239");
	assert_string_equal(format_size(10240), "10K");
	assert_string_equal(format_size(UINT64_MAX), "17592186044415M");
	assert_string_equal(format_duration(59), "0:59");
	assert_string_equal(format_duration(3661), "1:01:01");
	assert_string_equal(format_money(20000), "20");
	assert_string_equal(format_money(350), "0.35");
	assert_string_equal(format_money(1), "0.001");
	assert_string_equal(format_money_to(1995, 2), "2.00");
	assert_string_equal(format_money_to(1500, 0), "2");
	assert_string_equal(format_money_to(20000, 2), "20.00");
	assert_string_equal(format_cost(350, ""), "0.35");
	assert_string_equal(format_time(0), "-");
}

static void
test_span(void **state)
{
	(void)state;
	format_left(f, format_span(119), 12);
	format_left(f, format_span(120), 12);
	format_left(f, format_span(3600), 12);
	format_left(f, format_span(3661 + 60), 12);
	format_left(f, format_span(86400 * 3), 12);
	printed("119 s       2 min       1 h         1 h 2 min   3 days      ");
}

static void
test_cut(void **state)
{
	(void)state;
	assert_string_equal(format_cut("abc", 3), "abc");
	assert_string_equal(format_cut("abcd", 3), "ab~");
	assert_string_equal(format_cut("", 3), "");
	assert_string_equal(format_clean("a\033[2J\007\x7f\x9b"), "a?[2J???");
	assert_string_equal(format_clean("\xc3\xa9"), "??");
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		skip();
	assert_string_equal(format_clean("\xc3\xa9\xc2\x9b\xff"),
	    "\xc3\xa9??");
	/* A wide character, of two columns, and what is cut before it. */
	assert_string_equal(format_cut("\xe6\x97\xa5\xe6\x9c\xac", 4),
	    "\xe6\x97\xa5\xe6\x9c\xac");
	assert_string_equal(format_cut("\xe6\x97\xa5\xe6\x9c\xac", 3),
	    "\xe6\x97\xa5~");
	format_left(f, "\xe6\x97\xa5", 4);
	format_right(f, "\xc3\xa9", 3);
	printed("\xe6\x97\xa5    \xc3\xa9");
}

static void
test_words(void **state)
{
	(void)state;
	format_field(f, "label", "%s", "one two three four five six seven");
	format_words(f, 0, 2, "a234567890123456789012345678901234567890bc d");
	format_words(f, 0, 2, "");
	/* A tab does not break: the currency stays with its sum. */
	format_field(f, "cost", "some of these words and %s",
	    format_cost(5000, "EUR"));
	printed("label     one two three four five six\n"
	    "          seven\n"
	    "a234567890123456789012345678901234567890\n  bc d\n"
	    "\n"
	    "cost      some of these words and 5 EUR\n");
}

static void
test_words_break(void **state)
{
	(void)state;
	format_field(f, "cost", "some of these words are and %s",
	    format_cost(5000, "EUR"));
	printed("cost      some of these words are and\n"
	    "          5 EUR\n");
}

static void
test_bar(void **state)
{
	(void)state;
	assert_string_equal(format_bar(0, 10, 10), "");
	assert_string_equal(format_bar(1, 1000, 10), "#");
	assert_string_equal(format_bar(5, 10, 10), "#####");
	assert_string_equal(format_bar(10, 10, 10), "##########");
	assert_string_equal(format_bar(99, 10, 10), "##########");
	assert_string_equal(format_bar(UINT64_MAX / 2 + 1, UINT64_MAX, 4),
	    "##");
	assert_string_equal(format_bar(1, 0, 10), "");
	format_set_utf8(1);
	assert_string_equal(format_bar(1, 1000, 10), "\xe2\x96\x8f");
	assert_string_equal(format_bar(3, 4, 2),
	    "\xe2\x96\x88\xe2\x96\x8c");
}

static void
test_width(void **state)
{
	(void)state;
	format_set_width(5);
	assert_int_equal(format_width(), 40);
	format_set_width(100000);
	assert_int_equal(format_width(), 200);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		TEST(test_numbers),
		TEST(test_span),
		TEST(test_cut),
		TEST(test_words),
		TEST(test_words_break),
		TEST(test_bar),
		TEST(test_width)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
