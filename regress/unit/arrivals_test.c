/* See LICENSE for the terms. */
/* The record of arrivals: its lines, and its file through torn ends. */
#include <sys/types.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arrivals.h"
#include "log.h"

static char	 path[64];

static int
setup(void **state)
{
	int	 fd;

	(void)state;
	strlcpy(path, "/tmp/arrivals_test.XXXXXXXXXX", sizeof(path));
	if ((fd = mkstemp(path)) == -1)
		return (-1);
	close(fd);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return (0);
}

static struct arrivals *
load(void)
{
	struct arrivals	*arrivals;
	int		 fd = open(path, O_RDWR | O_APPEND);

	assert_int_not_equal(fd, -1);
	arrivals = arrivals_new(fd);
	assert_non_null(arrivals);
	return (arrivals);
}

static void
put(const char *text)
{
	int	 fd = open(path, O_WRONLY | O_APPEND);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
arrive(struct arrivals *arrivals, int64_t time, uint64_t bytes)
{
	struct proto_arrival	 a;

	memset(&a, 0, sizeof(a));
	a.time = time;
	a.bytes = bytes;
	a.class = PROTO_URGENT;
	a.deadline = time + 5;
	assert_int_equal(arrivals_add(arrivals, &a), 0);
}

static size_t
count(const struct arrivals *arrivals, uint64_t at, int64_t *first,
    int64_t *last)
{
	struct proto_arrival	 a[100];
	size_t			 n = 0;
	ssize_t			 got;

	while ((got = arrivals_read(arrivals, &at, a, 100)) > 0) {
		if (n == 0)
			*first = a[0].time;
		*last = a[got - 1].time;
		n += (size_t)got;
	}
	assert_int_equal(got, 0);
	return (n);
}

static void
test_lines(void **state)
{
	static const char *const bad[] = {
		"", "1 2 normal", "1 2 normal 3 ", "1 2 other 3", "1 2  3",
		"-1 2 bulk 3", "1 2 bulk 99999999999999999999", " 1 2 bulk 3",
		"1 2 bulk", "1 2 bulk ", "1 2 bulk 3 4", "1 2 bulk x"
	};
	struct proto_arrival	 a, b;
	char			 buf[ARRIVALS_LINE_MAX];
	size_t			 i, len;

	(void)state;
	memset(&a, 0, sizeof(a));
	a.time = INT64_MAX / 10 - 1;
	a.bytes = INT64_MAX / 10 - 1;
	a.deadline = 7;
	for (a.class = 0; a.class <= PROTO_BULK; a.class++) {
		len = arrivals_format(&a, buf, sizeof(buf));
		assert_true(len < sizeof(buf) && buf[len - 1] == '\n');
		assert_int_equal(arrivals_parse(buf, len - 1, &b), 0);
		assert_memory_equal(&a, &b, sizeof(a));
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(arrivals_parse(bad[i], strlen(bad[i]), &b),
		    -1);
}

static void
test_file(void **state)
{
	struct arrivals		*arrivals = load();
	struct proto_arrival	 a[2];
	uint64_t		 at = 0;
	int			 i;

	(void)state;
	for (i = 0; i < 3; i++)
		arrive(arrivals, 1000 + i, 5);
	arrivals_free(arrivals);
	arrivals = load();
	assert_int_equal(arrivals_read(arrivals, &at, a, 2), 2);
	assert_int_equal(a[1].time, 1001);
	assert_int_equal(a[1].class, PROTO_URGENT);
	assert_int_equal(a[1].deadline, 1006);
	assert_int_equal(arrivals_read(arrivals, &at, a, 2), 1);
	assert_int_equal(a[0].time, 1002);
	assert_int_equal(arrivals_read(arrivals, &at, a, 2), 0);
	arrivals_free(arrivals);
}

/* The end of the file is wherever power left it. */
static void
test_torn(void **state)
{
	struct arrivals	*arrivals = load();
	int64_t		 first = 0, last = 0;
	off_t		 cut;

	(void)state;
	arrive(arrivals, 1000, 5);
	arrive(arrivals, 1001, 5);
	arrivals_free(arrivals);
	/* Each line has 19 bytes. */
	for (cut = 2 * 19 - 1; cut >= 19; cut--) {
		assert_int_equal(truncate(path, cut), 0);
		arrivals = load();
		arrive(arrivals, 2000, 5);
		assert_int_equal(count(arrivals, 0, &first, &last), 2);
		assert_int_equal(last, 2000);
		arrivals_free(arrivals);
	}
}

static void
test_garbage(void **state)
{
	struct arrivals	*arrivals;
	char		*big = calloc(1, 50001);
	int64_t		 first = 0, last = 0;

	(void)state;
	memset(big, 'x', 50000);
	put("nonsense\n\n1000 5 normal 0\n");
	put(big);
	put("\n1001 5 bulk 0\n");
	put(big);
	free(big);
	arrivals = load();
	assert_int_equal(count(arrivals, 0, &first, &last), 2);
	arrive(arrivals, 1002, 5);
	assert_int_equal(count(arrivals, 0, &first, &last), 3);
	assert_int_equal(first, 1000);
	assert_int_equal(last, 1002);
	arrivals_free(arrivals);
}

/* Two years of a message every minute: somewhat more than 400 days stay. */
static void
test_excess(void **state)
{
	FILE		*fp = fopen(path, "w");
	struct arrivals	*arrivals;
	int64_t		 t, first = 0, last = 0, end = 1000 + 730LL * 86400;
	uint64_t	 from;

	(void)state;
	for (t = 1000; t < end; t += 60)
		fprintf(fp, "%lld 2000 normal 0\n", (long long)t);
	fclose(fp);
	arrivals = load();
	/* The clock does not yet read so late: nothing is old. */
	assert_int_equal(arrivals_excess(arrivals, 1000, &from), 0);
	arrivals_free(arrivals);
	arrivals = load();
	assert_int_equal(arrivals_excess(arrivals, end, &from), 1);
	count(arrivals, from, &first, &last);
	assert_in_range(end - first, 400LL * 86400, 405LL * 86400);
	assert_int_equal(last, end - 60);
	/* It is not looked at again before it has grown. */
	assert_int_equal(arrivals_excess(arrivals, end, &from), 0);
	arrivals_free(arrivals);
	/* By a clock that is years ahead all is old; some stays. */
	arrivals = load();
	assert_int_equal(arrivals_excess(arrivals, end * 10, &from), 1);
	assert_true(count(arrivals, from, &first, &last) > 4000);
	arrivals_free(arrivals);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_lines),
		TEST(test_file),
		TEST(test_torn),
		TEST(test_garbage),
		TEST(test_excess)
	};

	log_init(1, 0);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
