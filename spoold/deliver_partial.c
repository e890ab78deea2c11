/* See LICENSE for the terms. */

/*
 * Files in state/partial/: messages that can be continued.
 *
 * After a power cut a file may be as long as ever with zeros in it, so its
 * length tells nothing.  Its name does: BASE.LENGTH, with as many bytes that
 * were synced before it was named so, or BASE, of which nothing is trusted.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

/* Of a message's base name: the durable bytes, or -1 for another's name. */
static int64_t
partial_length(const char *name, const char *base)
{
	size_t		 len = strlen(base);
	const char	*errstr;
	int64_t		 n;

	if (strncmp(name, base, len) != 0)
		return (-1);
	if (name[len] == '\0')
		return (0);
	if (name[len] != '.')
		return (-1);
	n = strtonum(name + len + 1, 1, INT64_MAX, &errstr);
	return (errstr == NULL ? n : -1);
}

static DIR *
partial_opendir(void)
{
	DIR	*dir = NULL;
	int	 fd;

	fd = openat(spool_fd, PARTIAL_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
		log_warn("deliver: %s", PARTIAL_DIR);
		if (fd != -1)
			close(fd);
	}
	return (dir);
}

/*
 * The file of the message whose base is at path: its name goes there, and
 * its durable bytes are returned, 0 when there is no such file.
 */
static uint64_t
partial_find(char *path, size_t len)
{
	char		 base[NAME_MAX + 1];
	DIR		*dir;
	struct dirent	*de;
	int64_t		 n, best = 0;

	if ((dir = partial_opendir()) == NULL)
		return (0);
	strlcpy(base, path + strlen(PARTIAL_DIR "/"), sizeof(base));
	while ((de = readdir(dir)) != NULL) {
		if ((n = partial_length(de->d_name, base)) <= best)
			continue;
		best = n;
		snprintf(path, len, PARTIAL_DIR "/%s", de->d_name);
	}
	closedir(dir);
	return ((uint64_t)best);
}

int
deliver_open_partial(char *path, size_t len, uint64_t size, int *fd,
    uint64_t *offset)
{
	struct stat	 st;
	char		 base[DELIVER_PATH_MAX];

	strlcpy(base, path, sizeof(base));
	*offset = partial_find(path, len);
	/*
	 * Longer than the message is, or shorter than it was: it is of
	 * something else.  The name tells of a file that is not changed
	 * below that length, so it goes with it.
	 */
	if (*offset != 0 && ((size != 0 && *offset > size) ||
	    fstatat(spool_fd, path, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    (uint64_t)st.st_size < *offset)) {
		deliver_unlink(path);
		strlcpy(path, base, len);
		*offset = 0;
	}
	*fd = openat(spool_fd, path, O_WRONLY | O_CREAT | O_APPEND |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd == -1)
		return (errno);
	if (fstat(*fd, &st) == -1)
		return (errno);
	if (!S_ISREG(st.st_mode))
		return (EINVAL);
	if ((uint64_t)st.st_size > *offset &&
	    ftruncate(*fd, (off_t)*offset) == -1)
		return (errno);
	return (0);
}

void
deliver_unlink(const char *path)
{
	if (unlinkat(spool_fd, path, 0) == -1 && errno != ENOENT)
		log_warn("deliver: %s: unlink", path);
}

void
deliver_drop_partial(const struct proto_uid *uid)
{
	char	 path[DELIVER_PATH_MAX];

	if (deliver_partial_path(uid, path, sizeof(path)) == -1)
		return;
	deliver_unlink(path);
	if (partial_find(path, sizeof(path)) > 0)
		deliver_unlink(path);
}

static int
partial_sync_dir(void)
{
	int	 fd, rv;

	fd = openat(spool_fd, PARTIAL_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return (-1);
	rv = fsync(fd);
	close(fd);
	return (rv);
}

int
deliver_sync_partial(const struct proto_uid *uid, const char *path, int fd,
    uint64_t length)
{
	char	 name[DELIVER_PATH_MAX];
	size_t	 n;

	if (fsync(fd) == -1 ||
	    deliver_partial_path(uid, name, sizeof(name)) == -1)
		return (-1);
	n = strlen(name);
	snprintf(name + n, sizeof(name) - n, ".%" PRIu64, length);
	/* With the name it had, fewer bytes are trusted. */
	if ((strcmp(name, path) != 0 &&
	    renameat(spool_fd, path, spool_fd, name) == -1) ||
	    partial_sync_dir() == -1)
		log_warn("deliver: %s", name);
	return (0);
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
	DIR		*dir;
	struct dirent	*de;
	struct stat	 st;

	if (deliver_escape(prefix, sizeof(prefix), account) == -1 ||
	    (dir = partial_opendir()) == NULL)
		return;
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.' || fstatat(dirfd(dir), de->d_name,
		    &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		snprintf(path, sizeof(path), PARTIAL_DIR "/%s", de->d_name);
		if (deliver_is_stale(de->d_name, prefix, uidvalidity, &st) &&
		    !deliver_path_is_open(path))
			deliver_unlink(path);
	}
	closedir(dir);
}
