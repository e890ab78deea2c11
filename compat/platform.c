/* See LICENSE for the terms. */
/* What platforms do differently. */

#include <errno.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "platform.h"

int
platform_die_with_parent(int sig)
{
#ifdef __linux__
	return (prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0));
#else
	(void)sig;
	errno = ENOSYS;
	return (-1);
#endif
}
