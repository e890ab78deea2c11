/* See LICENSE for the terms. */
/* What a process in its sandbox may do, and what becomes of it else. */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox.h"

/* Runs in a sandbox of its own; its exit status, or the negated signal. */
static int
in_sandbox(enum proc_id id, int (*work)(void))
{
	pid_t	 pid;
	int	 status;

	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		if (sandbox_enter(id) == -1)
			_exit(99);
		_exit(work());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (WIFSIGNALED(status) ? -WTERMSIG(status) :
	    WEXITSTATUS(status));
}

static int
local_socket(void)
{
	return (socket(AF_UNIX, SOCK_DGRAM, 0) == -1 ? errno : 0);
}

static int
inet_socket(void)
{
	return (socket(AF_INET, SOCK_STREAM, 0) == -1 ? errno : 0);
}

static int
open_file(void)
{
	return (open("/etc/passwd", O_RDONLY) == -1 ? errno : 0);
}

static int
kill_other(void)
{
	pid_t	 other = getppid();

	return (syscall(SYS_tgkill, other, other, 0) == -1 ? errno : 0);
}

static int
do_abort(void)
{
	abort();
}

static int
do_fork(void)
{
	return (fork() == -1 ? errno : 0);
}

static const enum proc_id ids[] = { PROC_SPOOLD, PROC_DIALERD, PROC_FETCHD };

/* A log daemon that was started anew must not cost us a process. */
static void
test_syslog(void **state)
{
	size_t	 i;

	(void)state;
#ifdef __i386__
	skip();		/* the filter cannot see the family */
#endif
	for (i = 0; i < 3; i++)
		assert_int_equal(in_sandbox(ids[i], local_socket), EACCES);
}

static void
test_network(void **state)
{
	(void)state;
#ifdef __i386__
	assert_int_equal(in_sandbox(PROC_DIALERD, inet_socket), EACCES);
#else
	assert_int_equal(in_sandbox(PROC_DIALERD, inet_socket), -SIGSYS);
#endif
	assert_int_equal(in_sandbox(PROC_SPOOLD, inet_socket), 0);
	assert_int_equal(in_sandbox(PROC_FETCHD, inet_socket), 0);
}

static void
test_files(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(PROC_DIALERD, open_file), EACCES);
	assert_int_equal(in_sandbox(PROC_FETCHD, open_file), EACCES);
}

/* dialerd, fetchd and the tasks have one user. */
static void
test_signals(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(in_sandbox(ids[i], kill_other), -SIGSYS);
		assert_int_equal(in_sandbox(ids[i], do_abort), -SIGABRT);
	}
}

static void
test_fork(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(in_sandbox(ids[i], do_fork), -SIGSYS);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_syslog),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_fork),
	};

#if defined(NO_SANDBOX) || !defined(__linux__)
	/* There is none in this build; other systems have their own. */
	(void)tests;
	return (0);
#else
	return (cmocka_run_group_tests(tests, NULL, NULL));
#endif
}
