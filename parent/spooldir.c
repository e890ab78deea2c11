/* See LICENSE for the terms. */
/* The directories of the spool, with the owners that the design gives. */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "parent.h"

static int	 state_fd = -1;
static int	 lock_fd = -1;

/* The name of what was made must outlive a power cut, too. */
static void
make_one(char *path, mode_t mode)
{
	char	*slash;
	int	 fd;

	if (mkdir(path, mode) == -1) {
		if (errno != EEXIST)
			fatal("mkdir %s", path);
		return;
	}
	slash = strrchr(path, '/');
	*slash = '\0';
	fd = open(slash == path ? "/" : path,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fsync(fd) == -1)
		log_warn("sync %s", path);
	if (fd != -1)
		close(fd);
	*slash = '/';
}

/* mkdir -p for the path's parents and the path itself. */
static void
make_path(const char *path, mode_t mode)
{
	char	 buf[PATH_MAX], *p;

	if (strlcpy(buf, path, sizeof(buf)) >= sizeof(buf))
		fatalx("%s: path too long", path);
	for (p = buf + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		make_one(buf, 0755);
	}
	make_one(buf, mode);
}

/*
 * A directory below dirfd with this owner and mode; opened without
 * following links, since a directory that a child owns may hold any.
 */
static int
make_dir(int dirfd, const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	int	 fd;

	if (mkdirat(dirfd, name, mode) == -1 && errno != EEXIST)
		fatal("mkdir %s", name);
	if (fsync(dirfd) == -1)
		log_warn("sync directory of %s", name);
	if ((fd = openat(dirfd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		fatal("open %s", name);
	if (fchown(fd, uid, gid) == -1 || fchmod(fd, mode) == -1)
		fatal("owner of %s", name);
	return (fd);
}

static void
check_empty(const char *path)
{
	struct stat	 st;

	if (stat(path, &st) == -1)
		fatal("%s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != 0 ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		fatalx("%s: must be a directory that only root can write to",
		    path);
}

void
spooldir_make(const struct conf *conf)
{
	struct passwd	*pw;
	uid_t		 uid;
	gid_t		 gid;
	int		 spool;

	if (getpwnam(RELAY_USER) == NULL)
		fatalx("no user %s: see \"relayd\" in relayd(8)", RELAY_USER);
	if ((pw = getpwnam(SPOOLD_USER)) == NULL)
		fatalx("no user %s: see \"relayd\" in relayd(8)", SPOOLD_USER);
	uid = pw->pw_uid;
	gid = pw->pw_gid;
	make_path(conf->global.empty, 0755);
	check_empty(conf->global.empty);
	make_path(conf->global.spool, 0755);
	if ((spool = open(conf->global.spool,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		fatal("%s", conf->global.spool);
	if (fchown(spool, 0, 0) == -1 || fchmod(spool, 0755) == -1)
		fatal("owner of %s", conf->global.spool);
	close(make_dir(spool, "queue", uid, gid, 0700));
	close(make_dir(spool, "mail", uid, gid, 0700));
	close(make_dir(spool, "tmp", uid, gid, 0700));
	state_fd = make_dir(spool, "state", 0, 0, 0755);
	close(make_dir(state_fd, "fetched", uid, gid, 0700));
	close(make_dir(state_fd, "partial", uid, gid, 0700));
	if ((lock_fd = spooldir_open_state("lock", O_RDWR)) == -1)
		fatal("%s/state/lock", conf->global.spool);
	if (flock(lock_fd, LOCK_EX | LOCK_NB) == -1)
		fatalx("%s: another relayd uses this spool",
		    conf->global.spool);
	close(spool);
}

int
spooldir_open_state(const char *name, int flags)
{
	int	 fd, error;

	if ((flags & O_ACCMODE) != O_RDONLY)
		flags |= O_CREAT;
	fd = openat(state_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* What is made durable in the file must be found again. */
	if (fd != -1 && (flags & O_CREAT) && fsync(state_fd) == -1) {
		error = errno;
		close(fd);
		errno = error;
		return (-1);
	}
	return (fd);
}

/* Makes the file that is to take the place of that one; or -1. */
static int
replace_begin(const char *name, char *tmp, size_t size)
{
	snprintf(tmp, size, ".%s.tmp", name);
	return (openat(state_fd, tmp, O_WRONLY | O_CREAT | O_TRUNC |
	    O_NOFOLLOW | O_CLOEXEC, 0600));
}

/* Takes the descriptor.  Unless all was well, nothing has changed. */
static int
replace_end(int fd, const char *tmp, const char *name, int well)
{
	int	 error;

	if (well && fsync(fd) == 0 &&
	    renameat(state_fd, tmp, state_fd, name) == 0) {
		close(fd);
		return (fsync(state_fd));
	}
	error = errno;
	close(fd);
	unlinkat(state_fd, tmp, 0);
	errno = error;
	return (-1);
}

int
spooldir_write_state(const char *name, const void *data, size_t len)
{
	char	 tmp[NAME_MAX];
	int	 fd;

	if ((fd = replace_begin(name, tmp, sizeof(tmp))) == -1)
		return (-1);
	/* A short write is what a disk that fills up gives. */
	errno = ENOSPC;
	return (replace_end(fd, tmp, name,
	    write(fd, data, len) == (ssize_t)len));
}

/* What is in the one from that place on, where a line begins. */
static int
copy_from(int from, off_t at, int to)
{
	char	 buf[65536];
	ssize_t	 n;

	if (at > 0 && (pread(from, buf, 1, at - 1) != 1 || *buf != '\n')) {
		errno = EINVAL;
		return (-1);
	}
	while ((n = pread(from, buf, sizeof(buf), at)) > 0) {
		errno = ENOSPC;
		if (write(to, buf, (size_t)n) != n)
			return (-1);
		at += n;
	}
	return ((int)n);
}

int
spooldir_keep_state(const char *name, uint64_t from)
{
	char	 tmp[NAME_MAX];
	int	 old, fd, result, error;

	if (from > INT64_MAX) {
		errno = EINVAL;
		return (-1);
	}
	if ((old = spooldir_open_state(name, O_RDONLY)) == -1)
		return (-1);
	if ((fd = replace_begin(name, tmp, sizeof(tmp))) == -1)
		result = -1;
	else
		result = replace_end(fd, tmp, name,
		    copy_from(old, (off_t)from, fd) == 0);
	error = errno;
	close(old);
	errno = error;
	return (result);
}
