/* See LICENSE for the terms. */
/* parent/spooldir.c: what it makes is there after a power cut. */
#include <sys/types.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf.h"
#include "parent.h"

int	 __wrap_fsync(int);
int	 __real_fsync(int);

static char	 top[] = "/tmp/spooldir_test.XXXXXX";
static ino_t	 synced[64];
static size_t	 nsynced;

int
__wrap_fsync(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	if (nsynced < sizeof(synced) / sizeof(synced[0]))
		synced[nsynced++] = st.st_ino;
	return (__real_fsync(fd));
}

static int
was_synced(const char *below)
{
	char path[128];
	struct stat st;
	size_t i;

	snprintf(path, sizeof(path), "%s%s", top, below);
	assert_int_equal(stat(path, &st), 0);
	for (i = 0; i < nsynced; i++)
		if (synced[i] == st.st_ino)
			return (1);
	return (0);
}

static void
names_are_durable(void **state)
{
	struct conf conf;
	char spool[128], empty[128];
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	memset(&conf, 0, sizeof(conf));
	snprintf(spool, sizeof(spool), "%s/a/b/spool", top);
	snprintf(empty, sizeof(empty), "%s/empty", top);
	conf.global.spool = spool;
	conf.global.empty = empty;
	spooldir_make(&conf);
	/* Each in which a name was made. */
	assert_true(was_synced(""));
	assert_true(was_synced("/a"));
	assert_true(was_synced("/a/b"));
	assert_true(was_synced("/a/b/spool"));
	assert_true(was_synced("/a/b/spool/state"));
	nsynced = 0;
	fd = spooldir_open_state("ledger", O_RDWR | O_APPEND);
	assert_int_not_equal(fd, -1);
	close(fd);
	assert_true(was_synced("/a/b/spool/state"));
}

static void
write_ledger(const char *text)
{
	int fd = spooldir_open_state("ledger", O_RDWR | O_TRUNC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
ledger_is(const char *text)
{
	char buf[64];
	int fd = spooldir_open_state("ledger", O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf));

	close(fd);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, (size_t)n);
}

/* The front of a file goes, durably, and only where a line ends. */
static void
keeps_the_rest(void **state)
{
	char path[128];
	int old;

	(void)state;
	if (geteuid() != 0)
		skip();
	write_ledger("one\ntwo\nthree\n");
	old = spooldir_open_state("ledger", O_RDWR | O_APPEND);
	assert_int_equal(spooldir_keep_state("ledger", 5), -1);
	assert_int_equal(spooldir_keep_state("ledger", 99), -1);
	assert_int_equal(spooldir_keep_state("ledger", UINT64_MAX), -1);
	assert_int_equal(spooldir_keep_state("other", 0), -1);
	ledger_is("one\ntwo\nthree\n");
	nsynced = 0;
	assert_int_equal(spooldir_keep_state("ledger", 4), 0);
	assert_true(was_synced("/a/b/spool/state/ledger"));
	assert_true(was_synced("/a/b/spool/state"));
	ledger_is("two\nthree\n");
	/* It is another file. */
	assert_int_equal(write(old, "x", 1), 1);
	close(old);
	ledger_is("two\nthree\n");
	assert_int_equal(spooldir_keep_state("ledger", 10), 0);
	ledger_is("");
	snprintf(path, sizeof(path), "%s/a/b/spool/state/.ledger.tmp", top);
	assert_int_equal(access(path, F_OK), -1);
}

static int
setup(void **state)
{
	(void)state;
	return (mkdtemp(top) == NULL ? -1 : 0);
}

static int
teardown(void **state)
{
	static const char *const names[] = { "/a/b/spool/state/fetched",
	    "/a/b/spool/state/partial", "/a/b/spool/state/lock",
	    "/a/b/spool/state/ledger", "/a/b/spool/state",
	    "/a/b/spool/queue", "/a/b/spool/mail", "/a/b/spool/tmp",
	    "/a/b/spool", "/a/b", "/a", "/empty", "" };
	char path[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", top, names[i]);
		(void)remove(path);
	}
	return (0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_durable),
		cmocka_unit_test(keeps_the_rest)
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
