/* See LICENSE for the terms. */

/*
 * Files in state/partial/: messages that can be continued.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deliver_internal.h"
#include "log.h"
#include "spoold.h"

/* A message that was not continued for so long will not be. */
#define PARTIAL_AGE_MAX	(30 * 24 * 60 * 60)	/* seconds */

/* A file that can be continued.  0 with what is there, or an errno. */
int
deliver_open_partial(const char *path, uint64_t size, int *fd,
    uint64_t *offset)
{
	struct stat	 st;

	*fd = openat(spool_fd, path, O_RDWR | O_CREAT | O_APPEND |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd == -1)
		return (errno);
	if (fstat(*fd, &st) == -1)
		return (errno);
	if (!S_ISREG(st.st_mode))
		return (EINVAL);
	/* Longer than the message is: it is of something else. */
	if (size != 0 && (uint64_t)st.st_size > size) {
		if (ftruncate(*fd, 0) == -1)
			return (errno);
		st.st_size = 0;
	}
	*offset = st.st_size;
	return (0);
}

void
deliver_unlink(const char *path)
{
	if (unlinkat(spool_fd, path, 0) == -1 && errno != ENOENT)
		log_warn("deliver: %s: unlink", path);
}

int
deliver_sync_partials(void)
{
	int	 fd, rv;

	fd = openat(spool_fd, PARTIAL_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return (-1);
	rv = fsync(fd);
	close(fd);
	return (rv);
}

/* A name below state/partial: is it of no use to this account any more? */
static int
deliver_is_stale(const char *name, const char *prefix, uint32_t uidvalidity,
    const struct stat *st)
{
	size_t		 len = strlen(prefix);
	unsigned long	 v;
	char		*end;

	if (st->st_mtime < time(NULL) - PARTIAL_AGE_MAX)
		return (1);
	if (strncmp(name, prefix, len) != 0 || name[len] != '.')
		return (0);
	v = strtoul(name + len + 1, &end, 10);
	return (*end != '.' || v != uidvalidity);
}

/*
 * Drops partials that will never be continued: uids of the account that mean
 * something else by now, and those that are very old.
 */
void
deliver_drop_stale(const char *account, uint32_t uidvalidity)
{
	char		 prefix[NAME_MAX + 1] = "";
	char		 path[DELIVER_PATH_MAX];
	DIR		*dir = NULL;
	struct dirent	*de;
	struct stat	 st;
	int		 fd;

	if (deliver_escape(prefix, sizeof(prefix), account) == -1)
		return;
	fd = openat(spool_fd, PARTIAL_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
		log_warn("deliver: %s", PARTIAL_DIR);
		if (fd != -1)
			close(fd);
		return;
	}
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.' ||
		    fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		snprintf(path, sizeof(path), PARTIAL_DIR "/%s", de->d_name);
		if (deliver_is_stale(de->d_name, prefix, uidvalidity, &st) &&
		    !deliver_path_is_open(path))
			deliver_unlink(path);
	}
	closedir(dir);
}
