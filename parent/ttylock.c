/* See LICENSE for the terms. */
/*
 * UUCP's lock files.  Ours are also locked with flock(2) as long as we live:
 * a process number comes round again, and what has ours then must not keep
 * us from our line for ever.
 */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "platform.h"
#include "ttylock.h"

#define OURS		" relayd\n"
#define CONTENT_MAX	64
/* A file without a number: who made it may be about to write it. */
#define YOUNG		10	/* seconds */
#define TRIES		5	/* others come and go meanwhile */

static struct held {
	char	 path[PATH_MAX];
	int	 fd;
} held[2] = { { .fd = -1 }, { .fd = -1 } };

int
ttylock_name(const char *device, char *name, size_t size)
{
	const char	*base;
	char		*p;

	if (strncmp(device, "/dev/", 5) == 0)
		base = device + 5;
	else if ((base = strrchr(device, '/')) != NULL)
		base++;
	else
		base = device;
	if ((size_t)snprintf(name, size, "LCK..%s", base) >= size) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	for (p = name; *p != '\0'; p++) {
		if (*p == '/')
			*p = '_';
	}
	return (0);
}

/* The process number in a lock file: ten columns or fewer, or an int as the
 * oldest programs have it; 0 where there is none. */
static pid_t
parse_pid(const char *buf, size_t len)
{
	long	 n = 0;
	size_t	 i = 0;
	int	 binary;

	while (i < len && buf[i] == ' ')
		i++;
	if (i < len && isdigit((unsigned char)buf[i])) {
		for (; i < len && isdigit((unsigned char)buf[i]); i++) {
			if ((n = n * 10 + (buf[i] - '0')) > INT_MAX)
				return (0);
		}
		return ((pid_t)n);
	}
	if (len == sizeof(binary)) {
		memcpy(&binary, buf, sizeof(binary));
		return (binary > 0 ? (pid_t)binary : 0);
	}
	return (0);
}

static int
is_alive(pid_t pid)
{
	return (kill(pid, 0) == 0 || errno == EPERM);
}

static int
same_file(const char *path, int fd)
{
	struct stat	 a, b;

	return (lstat(path, &a) == 0 && fstat(fd, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

static void
tell_holder(const char *device, pid_t pid, char *text, size_t size)
{
	char	 name[64];

	if (platform_process_name(pid, name, sizeof(name)) == 0)
		snprintf(text, size, "%s: locked by process %d (%s)", device,
		    (int)pid, name);
	else
		snprintf(text, size, "%s: locked by process %d", device,
		    (int)pid);
}

/*
 * Looks at a lock file that is there: 1 when it is stale, and then it is
 * locked as long as fd is open; 0 when it holds.
 */
static int
is_stale(int fd, pid_t *pid)
{
	char		 buf[CONTENT_MAX];
	struct stat	 st;
	ssize_t		 n;

	*pid = 0;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (n = pread(fd, buf, sizeof(buf), 0)) == -1)
		return (0);
	*pid = parse_pid(buf, (size_t)n);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1)
		return (0);
	if (memmem(buf, (size_t)n, OURS, strlen(OURS)) != NULL)
		return (1);	/* whatever has its number now */
	if (*pid == 0)
		return (time(NULL) - st.st_mtime > YOUNG ||
		    st.st_mtime > time(NULL));
	return (*pid == getpid() || !is_alive(*pid));
}

/* Removes a stale lock: 0, or -1 with EBUSY and its owner where it holds. */
static int
take_over(const char *path, pid_t *pid)
{
	int	 fd, error = 0;

	if ((fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC)) == -1)
		return (errno == ENOENT ? 0 : -1);
	if (!is_stale(fd, pid))
		error = EBUSY;
	else if (same_file(path, fd)) {
		log_info("%s: stale, of process %d: taken over", path,
		    (int)*pid);
		if (unlink(path) == -1 && errno != ENOENT)
			error = errno;
	}
	close(fd);
	errno = error;
	return (error == 0 ? 0 : -1);
}

/* Written whole before it has its name, as others do it. */
static int
make_file(const char *dir)
{
	char	 path[PATH_MAX], content[CONTENT_MAX];
	int	 fd, n, error;

	if (snprintf(path, sizeof(path), "%s/LTMP.%d", dir, (int)getpid()) >=
	    (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	(void)unlink(path);	/* of one that died in between */
	/* For reading, too: flock(2) over some file systems wants that. */
	if ((fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0644)) == -1)
		return (-1);
	n = snprintf(content, sizeof(content), "%10d%s", (int)getpid(), OURS);
	if (fchmod(fd, 0644) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	    write(fd, content, (size_t)n) == n)
		return (fd);
	error = errno;
	close(fd);
	(void)unlink(path);
	errno = error;
	return (-1);
}

/* 0; or -1 with errno, and with the owner for EBUSY. */
static int
take_one(struct held *h, const char *dir, const char *name, pid_t *pid)
{
	char	 temp[PATH_MAX];
	int	 i, error = EBUSY;

	if (snprintf(h->path, sizeof(h->path), "%s/%s", dir, name) >=
	    (int)sizeof(h->path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	if ((h->fd = make_file(dir)) == -1)
		return (-1);
	snprintf(temp, sizeof(temp), "%s/LTMP.%d", dir, (int)getpid());
	for (i = 0; i < TRIES; i++) {
		error = 0;
		if (link(temp, h->path) == 0)
			break;
		error = errno;
		if (error != EEXIST)
			break;
		if (take_over(h->path, pid) == -1) {
			error = errno;
			break;
		}
		error = EBUSY;
	}
	(void)unlink(temp);
	if (error == 0)
		return (0);
	close(h->fd);
	h->fd = -1;
	errno = error;
	return (-1);
}

int
ttylock_take(const char *dir, const char *device, char *text, size_t size)
{
	const char	*paths[2];
	char		 real[PATH_MAX], name[NAME_MAX];
	pid_t		 pid = 0;
	int		 i;

	if (realpath(device, real) == NULL) {
		i = errno;
		snprintf(text, size, "%s: %s", device, strerror(i));
		errno = i;
		return (-1);
	}
	paths[0] = real;
	/* Others may know it by the link that is among the devices. */
	paths[1] = strncmp(device, "/dev/", 5) == 0 &&
	    strcmp(device, real) != 0 ? device : NULL;
	for (i = 0; i < 2 && paths[i] != NULL; i++) {
		if (ttylock_name(paths[i], name, sizeof(name)) == 0 &&
		    take_one(&held[i], dir, name, &pid) == 0)
			continue;
		if (errno != EBUSY) {
			log_warn("%s: no lock for %s", dir, paths[i]);
			continue;
		}
		ttylock_release();
		tell_holder(device, pid, text, size);
		errno = EBUSY;
		return (-1);
	}
	return (0);
}

void
ttylock_release(void)
{
	int	 i;

	for (i = 0; i < 2; i++) {
		if (held[i].fd == -1)
			continue;
		if (same_file(held[i].path, held[i].fd))
			(void)unlink(held[i].path);
		close(held[i].fd);
		held[i].fd = -1;
	}
}

void
ttylock_orphaned(void)
{
	char	 buf[CONTENT_MAX];
	ssize_t	 n;
	int	 i, fd;

	/* Our copies of the descriptors are closed; a successor's file says
	 * so by its lock. */
	for (i = 0; i < 2; i++) {
		if (held[i].fd == -1 || (fd = open(held[i].path, O_RDONLY |
		    O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) == -1)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 &&
		    (n = pread(fd, buf, sizeof(buf), 0)) > 0 &&
		    memmem(buf, (size_t)n, OURS, strlen(OURS)) != NULL &&
		    same_file(held[i].path, fd))
			(void)unlink(held[i].path);
		close(fd);
	}
}
