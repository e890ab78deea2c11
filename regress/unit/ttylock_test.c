/* See LICENSE for the terms. */
/*
 * UUCP's lock files: whose they are, when they are stale, and what of them
 * is left behind.
 */
#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ttylock.h"

static char	 dir[] = "/tmp/ttylock_test.XXXXXX";
static char	 device[64], lock[64], text[256];

static int
group_setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return (-1);
	snprintf(device, sizeof(device), "%s/ttyX1", dir);
	snprintf(lock, sizeof(lock), "%s/LCK..ttyX1", dir);
	close(open(device, O_WRONLY | O_CREAT, 0600));
	return (0);
}

static int
group_teardown(void **state)
{
	(void)state;
	unlink(device);
	return (rmdir(dir));
}

static int
setup(void **state)
{
	(void)state;
	text[0] = '\0';
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	ttylock_release();
	unlink(lock);
	return (0);
}

static int
take(void)
{
	return (ttylock_take(dir, device, text, sizeof(text)));
}

static void
put(const void *content, size_t len)
{
	int	 fd;

	fd = open(lock, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, content, len), len);
	close(fd);
}

static void
put_pid(int pid, const char *after)
{
	char	 buf[64];

	put(buf, (size_t)snprintf(buf, sizeof(buf), "%10d%s", pid, after));
}

/* What another program reads there. */
static int
pid_there(void)
{
	FILE	*f;
	int	 pid = -1;

	if ((f = fopen(lock, "r")) == NULL)
		return (-1);
	if (fscanf(f, "%d", &pid) != 1)
		pid = 0;
	fclose(f);
	return (pid);
}

/* The number of a process that is gone. */
static pid_t
dead(void)
{
	pid_t	 pid;

	if ((pid = fork()) == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return (pid);
}

static void
test_name(void **state)
{
	char	 name[32];

	(void)state;
	assert_int_equal(ttylock_name("/dev/ttyS0", name, sizeof(name)), 0);
	assert_string_equal(name, "LCK..ttyS0");
	ttylock_name("/dev/pts/12", name, sizeof(name));
	assert_string_equal(name, "LCK..pts_12");
	ttylock_name("/tmp/x/modem", name, sizeof(name));
	assert_string_equal(name, "LCK..modem");
	assert_int_equal(ttylock_name("/dev/a-name-that-is-far-too-long-here",
	    name, sizeof(name)), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static void
test_take(void **state)
{
	struct stat	 st;
	struct dirent	*d;
	DIR		*dp;

	(void)state;
	umask(077);
	assert_int_equal(take(), 0);
	umask(022);
	assert_int_equal(pid_there(), getpid());
	assert_int_equal(stat(lock, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	/* As the first eleven bytes old programs want. */
	assert_int_not_equal(st.st_size, 0);
	ttylock_release();
	assert_int_equal(pid_there(), -1);
	ttylock_release();
	/* Nothing else is left. */
	dp = opendir(dir);
	while ((d = readdir(dp)) != NULL)
		assert_true(d->d_name[0] == '.' ||
		    strcmp(d->d_name, "ttyX1") == 0);
	closedir(dp);
}

static void
test_live(void **state)
{
	char	 want[256];
	pid_t	 pid;
	int	 binary;

	(void)state;
	if ((pid = fork()) == 0) {
		pause();
		_exit(0);
	}
	put_pid(pid, "\n");
	assert_int_equal(take(), -1);
	assert_int_equal(errno, EBUSY);
	snprintf(want, sizeof(want), "%s: locked by process %d (ttylock_test)",
	    device, (int)pid);
	assert_string_equal(text, want);
	assert_int_equal(pid_there(), pid);
	binary = pid;
	put(&binary, sizeof(binary));
	assert_int_equal(take(), -1);
	assert_int_equal(errno, EBUSY);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(take(), 0);
	assert_int_equal(pid_there(), getpid());
}

static void
test_stale(void **state)
{
	(void)state;
	put_pid(dead(), "\n");
	assert_int_equal(take(), 0);
	assert_int_equal(pid_there(), getpid());
	ttylock_release();
	put_pid(dead(), " minicom root\n");
	assert_int_equal(take(), 0);
	ttylock_release();
	/* After a restart we may have the number that we had. */
	put_pid(getpid(), "\n");
	assert_int_equal(take(), 0);
}

/* One of ours, whose number somebody else has by now. */
static void
test_reused(void **state)
{
	int	 fd;

	(void)state;
	put_pid(1, " relayd\n");
	assert_int_equal(take(), 0);
	assert_int_equal(pid_there(), getpid());
	ttylock_release();
	/* But the other one lives. */
	put_pid(1, " relayd\n");
	fd = open(lock, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(take(), -1);
	assert_int_equal(errno, EBUSY);
	close(fd);
}

/* A file that has no number yet; and one that will never have one. */
static void
test_empty(void **state)
{
	struct timespec	 old[2] = { { 1000, 0 }, { 1000, 0 } };

	(void)state;
	put("", 0);
	assert_int_equal(take(), -1);
	assert_int_equal(errno, EBUSY);
	put("garbage", 7);
	assert_int_equal(utimensat(AT_FDCWD, lock, old, 0), 0);
	assert_int_equal(take(), 0);
}

static void
test_hostile(void **state)
{
	(void)state;
	/* Not followed, not waited for, and not taken for a lock. */
	assert_int_equal(symlink(device, lock), 0);
	assert_int_equal(take(), 0);	/* without it */
	ttylock_release();
	unlink(lock);
	assert_int_equal(mkfifo(lock, 0600), 0);
	assert_int_equal(take(), -1);
	unlink(lock);
	put_pid(0, "99999999999999999999\n");
	assert_int_equal(take(), -1);
	assert_int_equal(errno, EBUSY);
}

static void
test_no_directory(void **state)
{
	(void)state;
	assert_int_equal(ttylock_take("/nonexistent", device, text,
	    sizeof(text)), 0);
	ttylock_release();
	assert_int_equal(ttylock_take(dir, "/nonexistent", text,
	    sizeof(text)), -1);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(text, "/nonexistent: No such file or directory");
}

/* The keeper of a parent that was killed. */
static void
test_orphaned(void **state)
{
	pid_t	 parent;
	int	 p[2];
	char	 c;

	(void)state;
	assert_int_equal(pipe(p), 0);
	if ((parent = fork()) == 0) {
		if (take() == -1)
			_exit(1);
		if (fork() == 0) {
			closefrom(p[1] + 1);
			while (getppid() == 1 || pid_there() != getppid())
				usleep(1000);
			kill(getppid(), SIGKILL);
			sleep(1);
			ttylock_orphaned();
			(void)!write(p[1], "x", 1);
			_exit(0);
		}
		pause();
	}
	close(p[1]);
	waitpid(parent, NULL, 0);
	assert_int_equal(pid_there(), parent);
	assert_int_equal(read(p[0], &c, 1), 1);
	assert_int_equal(pid_there(), -1);
	close(p[0]);
	/* A successor's stays. */
	assert_int_equal(take(), 0);
	if ((parent = fork()) == 0) {
		ttylock_orphaned();
		_exit(0);
	}
	waitpid(parent, NULL, 0);
	assert_int_equal(pid_there(), getpid());
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		TEST(test_name),
		TEST(test_take),
		TEST(test_live),
		TEST(test_stale),
		TEST(test_reused),
		TEST(test_empty),
		TEST(test_hostile),
		TEST(test_no_directory),
		TEST(test_orphaned)
	};

	return (cmocka_run_group_tests(tests, group_setup, group_teardown));
}
