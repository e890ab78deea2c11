/* See LICENSE for the terms. */
/*
 * The record of what was fetched: what was added is found after any
 * reopening and any crash, and what failed is not.
 */

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
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

#include "fetchlog.h"
#include "fetchlog_line.h"
#include "log.h"
#include "store_util.h"

#define ACCOUNT	"alice@isp#1"
#define DIR	"state/fetched"
#define STOPPED	77

static int	 spoolfd;

static int
setup(void **state)
{
	(void)state;
	spoolfd = store_make();
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	store_remove(spoolfd);
	return (0);
}

static struct fetchlog *
must_open(void)
{
	struct fetchlog	*l;

	l = fetchlog_open(spoolfd, ACCOUNT);
	assert_non_null(l);
	return (l);
}

static struct fetchlog *
reopen(struct fetchlog *l)
{
	fetchlog_close(l);
	return (must_open());
}

/* Adds, forgets and asks by number. */
static int
add(struct fetchlog *l, int n)
{
	char	 uid[32], key[32];

	snprintf(uid, sizeof(uid), "uid-%d", n);
	snprintf(key, sizeof(key), "f.%d", n);
	return (fetchlog_add(l, 1, uid, 1000 + n, key));
}

static int
forget(struct fetchlog *l, int n)
{
	char	 uid[32];

	snprintf(uid, sizeof(uid), "uid-%d", n);
	return (fetchlog_forget(l, 1, uid));
}

static int
has(struct fetchlog *l, int n)
{
	char	 uid[32], key[32];
	int64_t	 when = 0;
	int	 found;

	snprintf(uid, sizeof(uid), "uid-%d", n);
	snprintf(key, sizeof(key), "f.%d", n);
	found = fetchlog_find(l, 1, uid, &when);
	if (found) {
		assert_int_equal(when, 1000 + n);
		assert_int_equal(fetchlog_has_key(l, key), 1);
	}
	return (found);
}

static void
line_round_trip(void **state)
{
	struct fetchlog_line	 l, back;
	char			 buf[FETCHLOG_LINE_MAX];
	size_t			 len, i;

	(void)state;
	memset(&l, 0, sizeof(l));
	l.uidvalidity = UINT32_MAX;
	l.when = INT64_MAX;
	strlcpy(l.uid, "!~uid", sizeof(l.uid));
	memset(l.key, 'k', FETCHLOG_KEY_MAX);
	len = fetchlog_line_format(buf, &l);
	assert_int_not_equal(len, 0);
	assert_int_equal(buf[len - 1], '\n');
	assert_int_equal(fetchlog_line_parse(&back, buf, len - 1), 0);
	assert_memory_equal(&l, &back, sizeof(l));
	/* Neither a part of it nor a changed one is a line. */
	for (i = 0; i < len - 1; i++) {
		assert_int_equal(fetchlog_line_parse(&back, buf, i), -1);
		buf[i] ^= 1;
		assert_int_equal(fetchlog_line_parse(&back, buf, len - 1),
		    -1);
		buf[i] ^= 1;
	}
	l.forget = 1;
	l.when = 0;
	memset(l.key, 0, sizeof(l.key));
	memset(l.uid, 'u', FETCHLOG_UID_MAX);
	len = fetchlog_line_format(buf, &l);
	assert_int_equal(fetchlog_line_parse(&back, buf, len - 1), 0);
	assert_memory_equal(&l, &back, sizeof(l));
}

static void
odd_words_are_refused(void **state)
{
	struct fetchlog	*l = must_open();
	char		 uid[FETCHLOG_UID_MAX + 2];

	(void)state;
	assert_int_equal(fetchlog_add(l, 1, "", 1, "k"), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(fetchlog_add(l, 1, "a b", 1, "k"), -1);
	assert_int_equal(fetchlog_add(l, 1, "a\n", 1, "k"), -1);
	assert_int_equal(fetchlog_add(l, 1, "a\303\244", 1, "k"), -1);
	assert_int_equal(fetchlog_add(l, 1, "a", 1, ""), -1);
	assert_int_equal(fetchlog_add(l, 1, "a", 1, "k "), -1);
	assert_int_equal(fetchlog_add(l, 1, "a", -1, "k"), -1);
	memset(uid, '~', sizeof(uid));
	uid[FETCHLOG_UID_MAX + 1] = '\0';
	assert_int_equal(fetchlog_add(l, 1, uid, 1, "k"), -1);
	uid[FETCHLOG_UID_MAX] = '\0';
	assert_int_equal(fetchlog_add(l, 1, uid, 1, "k"), 0);
	l = reopen(l);
	assert_int_equal(fetchlog_find(l, 1, uid, NULL), 1);
	fetchlog_close(l);
}

static void
every_printable_uid(void **state)
{
	struct fetchlog	*l = must_open();
	char		 uid[3], key[16];
	int		 c;

	(void)state;
	for (c = 0x21; c <= 0x7e; c++) {
		uid[0] = uid[1] = (char)c;
		uid[2] = '\0';
		snprintf(key, sizeof(key), "k%d", c);
		assert_int_equal(fetchlog_add(l, 7, uid, c, key), 0);
	}
	l = reopen(l);
	for (c = 0x21; c <= 0x7e; c++) {
		uid[0] = uid[1] = (char)c;
		assert_int_equal(fetchlog_find(l, 7, uid, NULL), 1);
		uid[1] = '\0';
		assert_int_equal(fetchlog_find(l, 7, uid, NULL), 0);
	}
	fetchlog_close(l);
}

static void
account_names(void **state)
{
	char	 buf[64];

	(void)state;
	assert_int_equal(fetchlog_name(buf, sizeof(buf), "a@b.c#1"), 0);
	assert_string_equal(buf, "a@b.c%231");
	assert_int_equal(fetchlog_name(buf, sizeof(buf), "../x"), 0);
	assert_string_equal(buf, "%2E.%2Fx");
	assert_int_equal(fetchlog_name(buf, sizeof(buf), "~%\303"), 0);
	assert_string_equal(buf, "%7E%25%C3");
	assert_int_equal(fetchlog_name(buf, sizeof(buf), ""), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(fetchlog_name(buf, 10, "0123456789"), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_null(fetchlog_open(spoolfd, ""));
}

static void
added_is_found(void **state)
{
	struct fetchlog	*l = must_open();
	int		 i, round;

	(void)state;
	for (i = 0; i < 100; i++)
		assert_int_equal(add(l, i), 0);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 100; i++)
			assert_int_equal(has(l, i), 1);
		assert_int_equal(has(l, 100), 0);
		assert_int_equal(fetchlog_find(l, 2, "uid-1", NULL), 0);
		assert_int_equal(fetchlog_has_key(l, "f.100"), 0);
		l = reopen(l);
	}
	fetchlog_close(l);
}

/* The decision falls once. */
static void
added_twice(void **state)
{
	struct fetchlog	*l = must_open();

	(void)state;
	assert_int_equal(fetchlog_add(l, 1, "u", 5, "k"), 0);
	assert_int_equal(fetchlog_add(l, 1, "u", 6, "k"), 0);
	assert_int_equal(fetchlog_add(l, 1, "u", 6, "other"), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(fetchlog_add(l, 1, "v", 6, "k"), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(fetchlog_add(l, 2, "u", 6, "k2"), 0);
	fetchlog_close(l);
}

static void
order_of_syncs(void **state)
{
	struct fetchlog	*l;

	(void)state;
	store_faults_reset();
	l = must_open();
	assert_string_equal(store_faults.trace, "csd");
	store_faults_reset();
	assert_int_equal(add(l, 1), 0);
	assert_string_equal(store_faults.trace, "ws");
	fetchlog_close(l);
}

static void
collect(const char *uid, int64_t when, void *arg)
{
	char	*list = arg;

	(void)when;
	strlcat(list, uid, 100);
	strlcat(list, " ", 100);
}

static void
each_of_one_uidvalidity(void **state)
{
	struct fetchlog	*l = must_open();
	char		 list[100] = "";

	(void)state;
	assert_int_equal(fetchlog_add(l, 2, "c", 1, "k1"), 0);
	assert_int_equal(fetchlog_add(l, 1, "z", 1, "k2"), 0);
	assert_int_equal(fetchlog_add(l, 2, "a", 1, "k3"), 0);
	assert_int_equal(fetchlog_add(l, 2, "b", 1, "k4"), 0);
	assert_int_equal(fetchlog_add(l, 3, "y", 1, "k5"), 0);
	assert_int_equal(fetchlog_forget(l, 2, "b"), 0);
	fetchlog_each(l, 2, collect, list);
	assert_string_equal(list, "a c ");
	fetchlog_each(l, 4, collect, list);
	assert_string_equal(list, "a c ");
	fetchlog_close(l);
}

static void
forgotten_is_not_found(void **state)
{
	struct fetchlog	*l = must_open();
	int		 round;

	(void)state;
	assert_int_equal(add(l, 1), 0);
	assert_int_equal(add(l, 2), 0);
	assert_int_equal(forget(l, 1), 0);
	for (round = 0; round < 2; round++) {
		assert_int_equal(has(l, 1), 0);
		assert_int_equal(has(l, 2), 1);
		/* A file that is on its way to the mailbox needs it. */
		assert_int_equal(fetchlog_has_key(l, "f.1"), 1);
		assert_int_equal(forget(l, 1), -1);
		assert_int_equal(errno, ENOENT);
		l = reopen(l);
	}
	/* A server may use a uid again. */
	assert_int_equal(add(l, 1), 0);
	l = reopen(l);
	assert_int_equal(has(l, 1), 1);
	fetchlog_close(l);
}

static void
compaction(void **state)
{
	struct fetchlog	*l = must_open();
	struct stat	 before, after;
	int		 i;

	(void)state;
	for (i = 0; i < 200; i++)
		assert_int_equal(add(l, i), 0);
	assert_int_equal(fstatat(spoolfd, store_name(spoolfd, DIR, "", 0),
	    &before, 0), 0);
	store_faults_reset();
	for (i = 0; i < 150; i++)
		assert_int_equal(forget(l, i), 0);
	/* Twice: each time more than half of what was there is gone. */
	assert_int_equal(store_traced(STORE_RENAME), 2);
	assert_non_null(strstr(store_faults.trace, "cwsrd"));
	assert_int_equal(store_count(spoolfd, DIR, ""), 1);
	assert_int_equal(fstatat(spoolfd, store_name(spoolfd, DIR, "", 0),
	    &after, 0), 0);
	assert_true(after.st_size < before.st_size);
	for (i = 200; i < 210; i++)
		assert_int_equal(add(l, i), 0);
	l = reopen(l);
	for (i = 0; i < 210; i++)
		assert_int_equal(has(l, i), i >= 150);
	fetchlog_close(l);
}

static void
failed_compaction_loses_nothing(void **state)
{
	struct fetchlog	*l = must_open();
	int		 i;

	(void)state;
	for (i = 0; i < 200; i++)
		assert_int_equal(add(l, i), 0);
	store_faults.rename_error = EIO;
	for (i = 0; i < 150; i++)
		assert_int_equal(forget(l, i), 0);
	store_faults_reset();
	assert_int_equal(store_count(spoolfd, DIR, ""), 1);
	assert_int_equal(add(l, 200), 0);
	l = reopen(l);
	for (i = 0; i < 201; i++)
		assert_int_equal(has(l, i), i >= 150);
	fetchlog_close(l);
}

/*
 * The new file's name is not durable yet: nothing may be acknowledged that
 * would be only in it.
 */
static void
compaction_before_its_directory(void **state)
{
	struct fetchlog	*l = must_open();
	int		 i;

	(void)state;
	for (i = 0; i < 100; i++)
		assert_int_equal(add(l, i), 0);
	store_faults.dir_error = EIO;
	for (i = 0; i < 100 && store_traced(STORE_RENAME) == 0; i++)
		assert_int_equal(forget(l, i), 0);
	assert_int_equal(store_traced(STORE_RENAME), 1);
	assert_int_equal(add(l, 200), -1);
	assert_int_equal(errno, EIO);
	store_faults_reset();
	assert_int_equal(add(l, 200), 0);
	assert_string_equal(store_faults.trace, "dws");
	fetchlog_close(l);
}

static void
torn_line_is_cut_off(void **state)
{
	struct fetchlog	*l = must_open();
	uint8_t		*whole;
	size_t		 len, n;
	char		*name;

	(void)state;
	assert_int_equal(add(l, 1), 0);
	assert_int_equal(add(l, 2), 0);
	fetchlog_close(l);
	name = strdup(store_name(spoolfd, DIR, "", 0));
	whole = store_read(spoolfd, name, &len);
	for (n = len / 2; n < len; n++) {
		store_write(spoolfd, name, whole, n);
		l = must_open();
		assert_int_equal(has(l, 1), 1);
		assert_int_equal(has(l, 2), 0);
		assert_int_equal(add(l, 3), 0);
		l = reopen(l);
		assert_int_equal(has(l, 1), 1);
		assert_int_equal(has(l, 3), 1);
		fetchlog_close(l);
	}
	free(whole);
	free(name);
}

static void
damaged_line_is_left_out(void **state)
{
	struct fetchlog	*l = must_open();
	uint8_t		*whole;
	size_t		 len, n, line;
	char		*name;
	int		 i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(add(l, i), 0);
	fetchlog_close(l);
	name = strdup(store_name(spoolfd, DIR, "", 0));
	whole = store_read(spoolfd, name, &len);
	line = len / 4;
	for (n = line; n < 2 * line; n++) {
		whole[n] ^= 4;
		store_write(spoolfd, name, whole, len);
		whole[n] ^= 4;
		l = must_open();
		assert_int_equal(has(l, 0), 1);
		assert_int_equal(has(l, 1), 0);
		/* Without its newline it takes the next with it. */
		assert_int_equal(has(l, 2), n != 2 * line - 1);
		assert_int_equal(has(l, 3), 1);
		fetchlog_close(l);
	}
	free(whole);
	free(name);
}

static void
short_write_is_taken_back(void **state)
{
	struct fetchlog	*l = must_open();
	size_t		 n;

	(void)state;
	assert_int_equal(add(l, 0), 0);
	for (n = 0; n < 26; n++) {
		store_faults.write_error = ENOSPC;
		store_faults.write_limit = n;
		/* The second time it cannot even be taken back. */
		store_faults.truncate_error = n % 2 == 0 ? 0 : EIO;
		assert_int_equal(add(l, 1), -1);
		assert_int_equal(errno, ENOSPC);
		assert_int_equal(has(l, 1), 0);
		assert_int_equal(fetchlog_has_key(l, "f.1"), 0);
		store_faults_reset();
		assert_int_equal(add(l, 100 + (int)n), 0);
		l = reopen(l);
		assert_int_equal(has(l, 0), 1);
		assert_int_equal(has(l, 1), 0);
		assert_int_equal(has(l, 100 + (int)n), 1);
	}
	assert_int_equal(add(l, 1), 0);
	fetchlog_close(l);
}

static void
failed_sync(void **state)
{
	struct fetchlog	*l = must_open();
	int		 i;

	(void)state;
	assert_int_equal(add(l, 0), 0);
	for (i = 1; i < 5; i++) {
		store_faults.sync_error = EIO;
		assert_int_equal(add(l, i), -1);
		assert_int_equal(errno, EIO);
		assert_int_equal(has(l, i), 0);
		store_faults_reset();
		assert_int_equal(add(l, 10 + i), 0);
		l = reopen(l);
		assert_int_equal(has(l, 0), 1);
		assert_int_equal(has(l, i), 0);
		assert_int_equal(has(l, 10 + i), 1);
	}
	assert_int_equal(store_count(spoolfd, DIR, ""), 1);
	fetchlog_close(l);
}

static void
fail_syncs(enum store_op op, int fd, const char *name)
{
	(void)fd;
	(void)name;
	/* The first of them only: the file that is made then is good. */
	store_faults.sync_error = op == STORE_SYNC &&
	    store_traced(STORE_SYNC) == 1 ? EIO : 0;
}

/* A record that could not be withdrawn may be found by the next start. */
static void
doubt(void **state)
{
	struct fetchlog	*l = must_open();

	(void)state;
	store_faults.write_error = ENOSPC;
	assert_int_equal(add(l, 1), -1);
	assert_int_equal(fetchlog_in_doubt(l, "f.1"), 0);
	store_faults_reset();
	store_faults.hook = fail_syncs;
	assert_int_equal(add(l, 1), -1);
	assert_int_equal(fetchlog_in_doubt(l, "f.1"), 0);
	store_faults_reset();
	store_faults.sync_error = EIO;
	assert_int_equal(add(l, 1), -1);
	assert_int_equal(fetchlog_in_doubt(l, "f.1"), 1);
	assert_int_equal(fetchlog_in_doubt(l, "f.2"), 0);
	/* Not written at all. */
	assert_int_equal(add(l, 2), -1);
	assert_int_equal(fetchlog_in_doubt(l, "f.2"), 0);
	store_faults_reset();
	l = reopen(l);
	assert_int_equal(has(l, 1), 1);
	assert_int_equal(has(l, 2), 0);
	fetchlog_close(l);
}

/* Shared with a child that is stopped before a random system call. */
struct shared {
	int	 countdown;
	int	 acked[500];		/* 1: added */
	int	 tried[500];		/* 1: being added; 2: forgotten */
};

static struct shared	*shared;
static uint64_t		 seed = 1;

static unsigned int
rnd(unsigned int n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((unsigned int)(seed >> 33) % n);
}

static void
stop(enum store_op op, int fd, const char *name)
{
	(void)op;
	(void)fd;
	(void)name;
	if (--shared->countdown == 0)
		_exit(STOPPED);
}

static void
crash_child(void)
{
	struct fetchlog	*l;
	int		 n, i;

	log_init(0, 0);
	store_faults.hook = stop;
	store_faults.no_sync = 1;
	if ((l = fetchlog_open(spoolfd, ACCOUNT)) == NULL)
		abort();
	for (i = 0; i < 300; i++) {
		n = (int)rnd(500);
		if (shared->acked[n]) {
			shared->tried[n] = 2;
			if (forget(l, n) == -1)
				abort();
			shared->acked[n] = shared->tried[n] = 0;
		} else {
			shared->tried[n] = 1;
			if (add(l, n) == -1)
				abort();
			shared->acked[n] = 1;
			shared->tried[n] = 0;
		}
	}
	_exit(0);
}

static void
stopped_before_a_call(void **state)
{
	struct fetchlog	*l;
	pid_t		 pid;
	int		 n, life, status, found;

	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON, -1, 0);
	assert_true(shared != MAP_FAILED);
	store_faults.no_sync = 1;
	for (life = 0; life < 300; life++) {
		shared->countdown = 1 + (int)rnd(400);
		pid = fork();
		assert_int_not_equal(pid, -1);
		if (pid == 0)
			crash_child();
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_true(WEXITSTATUS(status) == STOPPED ||
		    WEXITSTATUS(status) == 0);
		(void)rnd(1);
		l = must_open();
		for (n = 0; n < 500; n++) {
			found = has(l, n);
			if (shared->tried[n] == 0)
				assert_int_equal(found, shared->acked[n]);
			shared->acked[n] = found;
			shared->tried[n] = 0;
		}
		fetchlog_close(l);
	}
	munmap(shared, sizeof(*shared));
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(line_round_trip),
		TEST(odd_words_are_refused),
		TEST(every_printable_uid),
		TEST(account_names),
		TEST(added_is_found),
		TEST(added_twice),
		TEST(order_of_syncs),
		TEST(each_of_one_uidvalidity),
		TEST(forgotten_is_not_found),
		TEST(compaction),
		TEST(failed_compaction_loses_nothing),
		TEST(compaction_before_its_directory),
		TEST(torn_line_is_cut_off),
		TEST(damaged_line_is_left_out),
		TEST(short_write_is_taken_back),
		TEST(failed_sync),
		TEST(doubt),
		TEST(stopped_before_a_call),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
