/* See LICENSE for the terms. */
/* What platforms do differently. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
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

int
platform_revoke_tty(int fd, const char *path)
{
#ifdef __linux__
	(void)path;
	return (ioctl(fd, TIOCVHANGUP));
#else
	(void)fd;
	return (revoke(path));
#endif
}

int
platform_memory_file(const char *name)
{
#ifdef __linux__
	int	 fd;

	if ((fd = memfd_create(name, MFD_CLOEXEC)) == -1)
		return (-1);
	if (fchmod(fd, 0600) == -1) {
		close(fd);
		return (-1);
	}
	return (fd);
#else
	(void)name;
	errno = ENOSYS;
	return (-1);
#endif
}

int
platform_process_name(pid_t pid, char *name, size_t size)
{
#ifdef __linux__
	char	 path[64], *p;
	ssize_t	 n;
	int	 fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (-1);
	n = read(fd, name, size - 1);
	close(fd);
	if (n <= 0)
		return (-1);
	name[n] = '\0';
	name[strcspn(name, "\n")] = '\0';
	/* Whoever made it chose it. */
	for (p = name; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~' || *p == '"')
			*p = '?';
	}
	return (0);
#else
	(void)pid;
	(void)name;
	(void)size;
	errno = ENOSYS;
	return (-1);
#endif
}

void
platform_clock(struct timespec *ts)
{
#ifdef CLOCK_BOOTTIME
	if (clock_gettime(CLOCK_BOOTTIME, ts) == 0)
		return;
#endif
	clock_gettime(CLOCK_MONOTONIC, ts);
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
