/* See LICENSE for the terms. */
/*
 * Starts user-mode Linux where it may not set a process's extended registers
 * by PTRACE_SETREGSET.  A kernel of that kind has room for those up to AVX; a
 * processor with more (AVX-512, AMX) refuses so short a set, and the kernel
 * panics at its first process.  Told at its start that there is no such
 * request, it uses PTRACE_SETFPREGS, which is the same everywhere.
 * usage: uml PROGRAM ARGUMENT ...
 */

#include <sys/ptrace.h>

#include <err.h>
#include <errno.h>
#include <seccomp.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	static const int	 request[] = { PTRACE_GETREGSET,
	    PTRACE_SETREGSET };
	scmp_filter_ctx		 filter;
	unsigned int		 i;
	int			 error;

	if (argc < 2)
		errx(2, "usage: uml program argument ...");
	if ((filter = seccomp_init(SCMP_ACT_ALLOW)) == NULL)
		errx(1, "seccomp_init");
	for (i = 0; i < sizeof(request) / sizeof(request[0]); i++)
		if ((error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL),
		    SCMP_SYS(ptrace), 1,
		    SCMP_A0(SCMP_CMP_EQ, request[i]))) != 0) {
			errno = -error;
			err(1, "seccomp_rule_add");
		}
	if ((error = seccomp_load(filter)) != 0) {
		errno = -error;
		err(1, "seccomp_load");
	}
	seccomp_release(filter);
	execvp(argv[1], argv + 1);
	err(1, "%s", argv[1]);
}
