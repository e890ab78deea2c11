/* See LICENSE for the terms. */

/* The words of relayctl, and what they send. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "command.h"

static struct request	 r;
static char		 error[256];

/* Up to four words. */
static int
parse(const char *a, const char *b, const char *c, const char *d)
{
	const char	*words[] = { a, b, c, d };
	char		*argv[4];
	int		 argc;

	for (argc = 0; argc < 4 && words[argc] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	error[0] = '\0';
	return (command_parse(&r, argc, argv, error, sizeof(error)));
}

static void
test_prefixes(void **state)
{
	const void	*data;
	size_t		 len;

	(void)state;
	assert_int_equal(parse(NULL, NULL, NULL, NULL), 0);
	assert_int_equal(r.command->type, CTL_SHOW_SUMMARY);
	assert_int_equal(parse("sh", "q", NULL, NULL), 0);
	assert_int_equal(r.command->type, CTL_SHOW_QUEUE);
	command_payload(&r, &data, &len);
	assert_int_equal(len, 0);
	assert_int_equal(parse("show", "calls", "7", NULL), 0);
	command_payload(&r, &data, &len);
	assert_int_equal(len, sizeof(uint32_t));
	assert_int_equal(*(const uint32_t *)data, 7);
	assert_int_equal(parse("h", NULL, NULL, NULL), -1);
	assert_int_equal(parse("nonsense", NULL, NULL, NULL), -1);
	assert_int_equal(parse("dial", "now", NULL, NULL), -1);
	assert_int_equal(parse("show", "calls", "x", NULL), -1);
}

static void
test_show_message(void **state)
{
	const void	*data;
	size_t		 len;

	(void)state;
	assert_int_equal(parse("show", "message", "00066152e0621e3e", NULL),
	    0);
	assert_int_equal(r.command->type, CTL_SHOW_MESSAGE);
	command_payload(&r, &data, &len);
	assert_int_equal(len, sizeof(uint64_t));
	assert_true(*(const uint64_t *)data == 0x00066152e0621e3eULL);
	assert_int_equal(parse("show", "message", NULL, NULL), -1);
	assert_int_equal(parse("show", "message", "", NULL), -1);
	assert_int_equal(parse("show", "message", "0x12", NULL), -1);
	assert_int_equal(parse("show", "message", "00066152e0621e3e0", NULL),
	    -1);
	assert_int_equal(parse("show", "message", "1", "2"), -1);
}

static void
test_message(void **state)
{
	const struct proto_message_ask	*m;
	const void			*data;
	char				 long_address[400];
	size_t				 len;

	(void)state;
	assert_int_equal(parse("message", "hold", "12ab", NULL), 0);
	assert_int_equal(r.command->type, CTL_MESSAGE);
	command_payload(&r, &data, &len);
	assert_int_equal(len, sizeof(*m));
	m = data;
	assert_int_equal(m->action, PROTO_MESSAGE_HOLD);
	assert_int_equal(m->select, PROTO_MESSAGE_ID);
	assert_true(m->id == 0x12ab);
	assert_int_equal(parse("mes", "rem", "from", "a@x"), 0);
	m = &r.message;
	assert_int_equal(m->action, PROTO_MESSAGE_REMOVE);
	assert_int_equal(m->select, PROTO_MESSAGE_FROM);
	assert_string_equal(m->address, "a@x");
	assert_int_equal(parse("message", "urgent", "to", "<b@x>"), 0);
	assert_int_equal(m->action, PROTO_MESSAGE_URGENT);
	assert_int_equal(m->select, PROTO_MESSAGE_TO);
	assert_string_equal(m->address, "b@x");
	assert_int_equal(parse("message", "bulk", "from", "<>"), 0);
	assert_string_equal(m->address, "");
	assert_int_equal(parse("message", "requeue", "all", NULL), 0);
	assert_int_equal(m->select, PROTO_MESSAGE_ALL);
	/* A removal is for good: nothing is guessed. */
	assert_int_equal(parse("message", "remove", NULL, NULL), -1);
	assert_int_equal(parse("message", "remove", "al", NULL), -1);
	assert_int_equal(parse("message", "remove", "from", NULL), -1);
	assert_int_equal(parse("message", "re", "all", NULL), -1);
	assert_int_equal(parse("message", "remove", "all", "x"), -1);
	memset(long_address, 'x', sizeof(long_address) - 1);
	long_address[sizeof(long_address) - 1] = '\0';
	assert_int_equal(parse("message", "hold", "to", long_address), -1);
}

static void
test_help(void **state)
{
	(void)state;
	assert_int_equal(parse("help", NULL, NULL, NULL), 0);
	assert_true(r.help);
	assert_int_equal(parse("message", "help", NULL, NULL), 0);
	assert_true(r.help);
	assert_string_equal(r.words, "message ");
	assert_int_equal(parse("message", "hold", "help", NULL), 0);
	assert_true(r.help);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_show_message),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_help),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
