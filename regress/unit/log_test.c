/* See LICENSE for the terms. */
/* The log: what others wrote is shown, and does nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>
#include <cmocka.h>

#include "log.h"

/* What is behind the time and the process in a line of the log. */
static void
assert_logged(int where, const char *text, const char *expect)
{
	static char	 line[4096];
	char		*s = line;
	ssize_t		 n;
	int		 fds[2], saved;

	assert_int_equal(pipe(fds), 0);
	assert_int_not_equal(saved = dup(STDERR_FILENO), -1);
	assert_int_not_equal(dup2(fds[1], STDERR_FILENO), -1);
	log_init(where, LOG_MAIL);
	log_info("%s", text);
	assert_int_not_equal(dup2(saved, STDERR_FILENO), -1);
	close(saved);
	close(fds[1]);
	n = read(fds[0], line, sizeof(line) - 1);
	close(fds[0]);
	assert_true(n > 0);
	line[n] = '\0';
	if (where == LOG_TO_STDERR) {
		assert_non_null(s = strstr(line, " relayd: "));
		s += strlen(" relayd: ");
	}
	assert_int_equal(s[strlen(s) - 1], '\n');
	s[strlen(s) - 1] = '\0';
	assert_string_equal(s, expect);
}

static void
test_text(void **state)
{
	(void)state;
	assert_logged(LOG_TO_STDERR, "from=<a@x> ~", "from=<a@x> ~");
	/* Letters of other tongues, the least and the greatest of each. */
	assert_logged(LOG_TO_STDERR, "\302\240 \303\251 \337\277 \342\202\254 "
	    "\360\237\223\247", "\302\240 \303\251 \337\277 \342\202\254 "
	    "\360\237\223\247");
	assert_logged(LOG_TO_STDERR, "cut \302", "cut \302");
}

static void
test_controls(void **state)
{
	(void)state;
	assert_logged(LOG_TO_STDERR, "a\r\nb\t\033[2J\177", "a??b??[2J?");
	/* U+0080, U+009B (the same as ESC [) and U+009F. */
	assert_logged(LOG_TO_STDERR, "\302\200\302\2332J\302\237",
	    "??2J?");
	assert_logged(LOG_TO_STDERR, "\302\302\233", "\302?");
}

/* A command says its own words in lines of its own. */
static void
test_plain(void **state)
{
	(void)state;
	assert_logged(LOG_PLAIN, "usage:\n\trelayctl", "usage:\n\trelayctl");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_plain),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
