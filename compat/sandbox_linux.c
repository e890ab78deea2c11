/* See LICENSE for the terms. */
/*
 * The sandbox on Linux: no_new_privs, rlimits and a seccomp allow-list.
 * What is not on the list kills the process, and the parent starts it again
 * and says so; opening a file where that is no one's business fails softly,
 * since libraries try it.
 */

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"

#define MEMORY_MAX	(1024UL * 1024 * 1024)	/* a leak must not take the
						 * machine with it */

/* Computing, talking over descriptors that are there, and telling time. */
static const int promise_stdio[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(close),
	SCMP_SYS(dup), SCMP_SYS(fcntl), SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),	/* what fstat(3) may be; it tells little */
	SCMP_SYS(lseek), SCMP_SYS(_llseek), SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendto),
	SCMP_SYS(recv), SCMP_SYS(send), SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(timerfd_settime),
	SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(munmap),
	SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(madvise),
	SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigreturn),
	SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(rseq), SCMP_SYS(sched_yield), SCMP_SYS(getrusage),
	SCMP_SYS(sysinfo), SCMP_SYS(uname),
	/* The same on machines of 32 bits, with times of 32 or 64. */
	SCMP_SYS(fcntl64), SCMP_SYS(fstat64), SCMP_SYS(_newselect),
	SCMP_SYS(getuid32), SCMP_SYS(geteuid32), SCMP_SYS(getgid32),
	SCMP_SYS(getegid32), SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_getres_time64), SCMP_SYS(clock_nanosleep_time64),
	SCMP_SYS(futex_time64), SCMP_SYS(ppoll_time64),
	SCMP_SYS(pselect6_time64), SCMP_SYS(timerfd_settime64),
	SCMP_SYS(statx),	/* fstat(3) there */ -1
};

/* Making files durable: spoold's spool, dialerd's ledger, fetchd's mail. */
static const int promise_sync[] = {
	SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate),
	SCMP_SYS(ftruncate64), SCMP_SYS(pwritev), -1
};

/* The spool: below the chroot only. */
static const int promise_path[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(link), SCMP_SYS(linkat),
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir),
	SCMP_SYS(getdents), SCMP_SYS(getdents64), SCMP_SYS(stat),
	SCMP_SYS(lstat), SCMP_SYS(fstatat64),
	SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(fchmod), SCMP_SYS(fstatfs),
	SCMP_SYS(fstatfs64), SCMP_SYS(statfs), SCMP_SYS(statfs64),
	SCMP_SYS(flock), SCMP_SYS(utimensat),
	SCMP_SYS(utimensat_time64), SCMP_SYS(stat64), SCMP_SYS(lstat64), -1
};

/* The LAN's connections, or relayctl's. */
static const int promise_accept[] = {
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(getpeername),
	SCMP_SYS(getsockname), -1
};

/* Connections to upstream; socket(2) itself is limited by family. */
static const int promise_connect[] = {
	SCMP_SYS(connect), SCMP_SYS(getpeername), SCMP_SYS(getsockname), -1
};

/* The modem's line: settings and modem control, nothing else. */
static const unsigned long tty_ioctls[] = {
	TCGETS, TCSETS, TCSETSW, TCSETSF, TCSBRK, TCSBRKP, TCXONC, TCFLSH,
	TIOCMGET, TIOCMBIS, TIOCMBIC, TIOCMSET, FIONREAD, TIOCOUTQ,
	TIOCGETD, TIOCSETD
};

/*
 * On i386 the calls on sockets go through socketcall(2), whose arguments are
 * in memory that a filter cannot see: a family is allowed with all others.
 */
#ifdef __i386__
#define MULTIPLEXED	1
#else
#define MULTIPLEXED	0
#endif

static int
allow(scmp_filter_ctx ctx, const int *calls)
{
	int	 r;

	for (; *calls != -1; calls++) {
		/* Negative: this machine has no such call of its own. */
		if (*calls < 0 && !MULTIPLEXED)
			continue;
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, *calls, 0);
		if (r != 0 && r != -EEXIST) {
			errno = -r;
			return (-1);
		}
	}
	return (0);
}

static int
allow_arg(scmp_filter_ctx ctx, int call, unsigned int arg,
    unsigned long value)
{
	const struct scmp_arg_cmp	 equal = {
		.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value
	};
	int				 r;

	r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, 1, &equal);
	if (r != 0) {
		errno = -r;
		return (-1);
	}
	return (0);
}

/* Fails with EACCES instead of killing: libraries probe for such files. */
static int
refuse_softly(scmp_filter_ctx ctx)
{
	static const int calls[] = {
		SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat),
		SCMP_SYS(stat64),
		SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(readlink),
		SCMP_SYS(readlinkat), -1
	};
	const int	*call;
	int		 r;

	for (call = calls; *call != -1; call++) {
		if (*call < 0)
			continue;
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), *call, 0);
		if (r != 0) {
			errno = -r;
			return (-1);
		}
	}
	return (0);
}

static int
allow_inet(scmp_filter_ctx ctx)
{
	static const int any[] = { SCMP_SYS(socket), -1 };

	if (MULTIPLEXED)
		return (allow(ctx, any));
	if (allow_arg(ctx, SCMP_SYS(socket), 0, AF_INET) == -1)
		return (-1);
	return (allow_arg(ctx, SCMP_SYS(socket), 0, AF_INET6));
}

/*
 * syslog(3) tries for a new socket when its own is dead, because the log
 * daemon was started anew: its words are lost then, but not the process.
 */
static int
refuse_local_sockets(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp	 local = {
		.arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_UNIX
	};
	int				 r;

	r = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EACCES),
	    SCMP_SYS(socket), 1, &local);
	if (r != 0) {
		errno = -r;
		return (-1);
	}
	return (0);
}

static int
filter_process(scmp_filter_ctx ctx, enum proc_id id)
{
	size_t	 i;

	/* abort(3) signals oneself; others with our user are not for us. */
	if (allow(ctx, promise_stdio) == -1 ||
	    allow(ctx, promise_sync) == -1 ||
	    allow_arg(ctx, SCMP_SYS(tgkill), 0,
	    (unsigned long)getpid()) == -1)
		return (-1);
	if ((!MULTIPLEXED || id == PROC_DIALERD) &&
	    refuse_local_sockets(ctx) == -1)
		return (-1);
	switch (id) {
	case PROC_SPOOLD:
		if (allow(ctx, promise_path) == -1 ||
		    allow(ctx, promise_accept) == -1)
			return (-1);
		break;
	case PROC_DIALERD:
		if (allow(ctx, promise_accept) == -1 ||
		    refuse_softly(ctx) == -1)
			return (-1);
		for (i = 0; i < sizeof(tty_ioctls) / sizeof(tty_ioctls[0]);
		    i++)
			if (allow_arg(ctx, SCMP_SYS(ioctl), 1,
			    tty_ioctls[i]) == -1)
				return (-1);
		return (0);
	case PROC_FETCHD:
		if (refuse_softly(ctx) == -1)
			return (-1);
		break;
	default:
		errno = EINVAL;
		return (-1);
	}
	if (allow(ctx, promise_connect) == -1)
		return (-1);
	return (allow_inet(ctx));
}

static int
sandbox_limits(void)
{
	const struct rlimit	 none = { 0, 0 };
	const struct rlimit	 memory = { MEMORY_MAX, MEMORY_MAX };

	if (setrlimit(RLIMIT_CORE, &none) == -1 ||
	    setrlimit(RLIMIT_NPROC, &none) == -1 ||
	    setrlimit(RLIMIT_DATA, &memory) == -1)
		return (-1);
	return (0);
}

int
sandbox_enter(enum proc_id id)
{
	scmp_filter_ctx	 ctx;
	int		 r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return (-1);
#ifdef NO_SANDBOX
	/* Sanitizers and valgrind make system calls of their own. */
	log_warnx("sandbox: built without limits and system call filter");
	(void)sandbox_limits;
	(void)filter_process;
	(void)ctx;
	(void)r;
	(void)id;
	return (0);
#else
	if (sandbox_limits() == -1)
		return (-1);
	if ((ctx = seccomp_init(SCMP_ACT_KILL_PROCESS)) == NULL) {
		errno = ENOMEM;
		return (-1);
	}
	if (filter_process(ctx, id) == -1)
		goto fail;
	if ((r = seccomp_load(ctx)) == -EINVAL || r == -ENOSYS) {
		log_warnx("sandbox: this kernel has no seccomp filter; "
		    "system calls are not limited");
		r = 0;
	}
	if (r != 0) {
		errno = -r;
		goto fail;
	}
	seccomp_release(ctx);
	return (0);

fail:
	r = errno;
	seccomp_release(ctx);
	errno = r;
	return (-1);
#endif
}
