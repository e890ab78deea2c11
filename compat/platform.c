/* See LICENSE for the terms. */
/* What platforms do differently. */

#include <errno.h>
#include <stdlib.h>
#include <time.h>
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

void
platform_keep_timezone(void)
{
#ifdef __GLIBC__
	/* Without TZ, mktime(3) looks at the file anew each time. */
	(void)setenv("TZ", ":/etc/localtime", 0);
#endif
	tzset();
}
