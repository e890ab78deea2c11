/* See LICENSE for the terms. */
/*
 * usage: prod find pid text
 *        prod call pid name
 * Looks into a process from outside, or makes it do what its own program
 * would not.
 *
 * find: prints how often the text is in the memory that the process can
 * write to.
 *
 * call: the next system call that the process makes, or waits in, becomes
 * the one of that name, with -1 for its arguments.  Prints "killed SIGNAL"
 * when it died of that, else "error ERRNO" or "made", and then the process
 * goes on as if it had been interrupted; "unknown machine" where we cannot do
 * that.
 */
#include <sys/types.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE	(1UL << 20)

static unsigned long
count(const char *buf, size_t len, const char *text, size_t textlen)
{
	const char	*p = buf, *end = buf + len;
	unsigned long	 n = 0;

	while ((p = memmem(p, (size_t)(end - p), text, textlen)) != NULL) {
		n++;
		p++;
	}
	return (n);
}

static unsigned long
find_range(int mem, unsigned long from, unsigned long to, const char *text)
{
	static char	 buf[PIECE];
	size_t		 len = strlen(text);
	unsigned long	 n = 0;
	ssize_t		 got;

	/* Pieces overlap, lest the text be across two of them. */
	while (from < to) {
		got = pread(mem, buf, to - from < PIECE ? to - from : PIECE,
		    (off_t)from);
		if (got <= 0)
			break;
		n += count(buf, (size_t)got, text, len);
		if ((unsigned long)got == to - from)
			break;
		from += (unsigned long)got - (len - 1);
	}
	return (n);
}

static int
find(const char *pid, const char *text)
{
	char		 path[64], line[512], perms[8];
	unsigned long	 from, to, n = 0, bytes = 0;
	FILE		*maps;
	int		 mem;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	if ((maps = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	if ((mem = open(path, O_RDONLY)) == -1)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) != 3 ||
		    perms[0] != 'r' || perms[1] != 'w')
			continue;
		n += find_range(mem, from, to, text);
		bytes += to - from;
	}
	if (bytes == 0)
		errx(1, "nothing to be read");
	printf("%lu\n", n);
	return (0);
}

static const struct {
	const char	*name;
	long		 number;
} calls[] = {
	{ "bind", SYS_bind },
	{ "clone", SYS_clone },
	{ "connect", SYS_connect },
	{ "execve", SYS_execve },
	{ "getpid", SYS_getpid },
	{ "kill", SYS_kill },
	{ "mount", SYS_mount },
	{ "openat", SYS_openat },
	{ "process_vm_readv", SYS_process_vm_readv },
	{ "ptrace", SYS_ptrace },
	{ "setuid", SYS_setuid },
	{ "socket", SYS_socket },
	{ "unlinkat", SYS_unlinkat }
};

#if defined(__x86_64__)

static void
get_registers(pid_t pid, struct user_regs_struct *r)
{
	if (ptrace(PTRACE_GETREGS, pid, NULL, r) == -1)
		err(1, "registers");
}

static void
set_registers(pid_t pid, struct user_regs_struct *r)
{
	if (ptrace(PTRACE_SETREGS, pid, NULL, r) == -1)
		err(1, "registers");
}

/* At the entry of a system call: which one it is to be. */
static void
set_call(pid_t pid, struct user_regs_struct r, long number)
{
	r.orig_rax = (unsigned long)number;
	r.rdi = r.rsi = r.rdx = r.r10 = r.r8 = r.r9 = (unsigned long)-1;
	set_registers(pid, &r);
}

static long
get_result(const struct user_regs_struct *r)
{
	return ((long)r->rax);
}

static void
set_result(pid_t pid, struct user_regs_struct r, long result)
{
	r.rax = (unsigned long)result;
	r.orig_rax = (unsigned long)-1;		/* nothing to be restarted */
	set_registers(pid, &r);
}

#elif defined(__aarch64__)

static void
get_registers(pid_t pid, struct user_regs_struct *r)
{
	struct iovec	 all = { r, sizeof(*r) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all) == -1)
		err(1, "registers");
}

static void
set_registers(pid_t pid, struct user_regs_struct *r)
{
	struct iovec	 all = { r, sizeof(*r) };

	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all) == -1)
		err(1, "registers");
}

static void
set_call(pid_t pid, struct user_regs_struct r, long number)
{
	int		 i, which = (int)number;
	struct iovec	 one = { &which, sizeof(which) };

	for (i = 0; i < 6; i++)
		r.regs[i] = (unsigned long)-1;
	set_registers(pid, &r);
	if (ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &one) == -1)
		err(1, "system call");
}

static long
get_result(const struct user_regs_struct *r)
{
	return ((long)r->regs[0]);
}

static void
set_result(pid_t pid, struct user_regs_struct r, long result)
{
	r.regs[0] = (unsigned long)result;
	set_registers(pid, &r);
}

#else
#define UNKNOWN_MACHINE
#endif

#ifndef UNKNOWN_MACHINE
/* On to the next entry or exit of a system call; 1 when there was an end. */
static int
next_stop(pid_t pid, int *status)
{
	int	 sig = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, (long)sig) == -1)
			err(1, "continue");
		if (waitpid(pid, status, __WALL) == -1)
			err(1, "wait");
		if (!WIFSTOPPED(*status))
			return (1);
		if (WSTOPSIG(*status) == (SIGTRAP | 0x80))
			return (0);
		sig = WSTOPSIG(*status);
	}
}
#endif

#ifdef UNKNOWN_MACHINE
static void
make_call(pid_t pid, long number)
{
	(void)pid;
	(void)number;
	printf("unknown machine\n");
}
#else
static void
make_call(pid_t pid, long number)
{
	struct user_regs_struct	 before, after;
	int			 status, ended;
	long			 r;

	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) == -1 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == -1 ||
	    waitpid(pid, &status, __WALL) == -1)
		err(1, "%ld", (long)pid);
	if (next_stop(pid, &status))
		errx(1, "%ld died", (long)pid);
	/* The filter decides after us, about what we have made of it. */
	get_registers(pid, &before);
	set_call(pid, before, number);
	if (!(ended = next_stop(pid, &status))) {
		get_registers(pid, &after);
		set_result(pid, before, -EINTR);
		/* A call that was not allowed ends too, and then all does. */
		ended = next_stop(pid, &status);
	}
	if (ended) {
		if (WIFSIGNALED(status))
			printf("killed %d\n", WTERMSIG(status));
		else
			printf("exited\n");
		return;
	}
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	r = get_result(&after);
	if (r < 0 && r > -4096)
		printf("error %ld\n", -r);
	else
		printf("made\n");
}
#endif

static int
call(const char *pid, const char *name)
{
	size_t	 i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0) {
			make_call((pid_t)atol(pid), calls[i].number);
			return (0);
		}
	errx(2, "%s: unknown", name);
}

int
main(int argc, char *argv[])
{
	if (argc == 4 && strcmp(argv[1], "find") == 0 && argv[3][0] != '\0')
		return (find(argv[2], argv[3]));
	if (argc == 4 && strcmp(argv[1], "call") == 0)
		return (call(argv[2], argv[3]));
	errx(2, "usage: prod find pid text | prod call pid name");
}
