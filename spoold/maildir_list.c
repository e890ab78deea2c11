/* See LICENSE for the terms. */

/* File names in a Maildir, and walking through one. */

#include <sys/types.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "maildir.h"
#include "maildir_list.h"

const char *const maildir_sub[MAILDIR_SUBS] = { "new", "cur" };

size_t
maildir_unique_len(const char *name)
{
	return (strcspn(name, ",:"));
}

int
maildir_name_size(const char *name, char which, uint64_t *size)
{
	const char	*p;
	uint64_t	 n;
	unsigned int	 digit;

	for (p = name + maildir_unique_len(name); *p == ',';
	    p += strcspn(p, ",:")) {
		p++;
		if (p[0] != which || p[1] != '=' ||
		    !isdigit((unsigned char)p[2]))
			continue;
		n = 0;
		for (p += 2; isdigit((unsigned char)*p); p++) {
			digit = *p - '0';
			if (n > (UINT64_MAX - digit) / 10)
				return (0);
			n = n * 10 + digit;
		}
		if (*p != ',' && *p != ':' && *p != '\0')
			return (0);
		*size = n;
		return (1);
	}
	return (0);
}

int
maildir_open_sub(int spoolfd, const char *user, int sub)
{
	char	 path[PATH_MAX];

	if (!maildir_user_ok(user)) {
		errno = EINVAL;
		return (-1);
	}
	snprintf(path, sizeof(path), "mail/%s/%s", user, maildir_sub[sub]);
	return (openat(spoolfd, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

DIR *
maildir_opendir(int fd)
{
	DIR	*dir;
	int	 saved;

	if ((dir = fdopendir(fd)) == NULL) {
		saved = errno;
		close(fd);
		errno = saved;
	}
	return (dir);
}

static int
maildir_each_sub(int spoolfd, const char *user, int sub,
    int (*fn)(int, int, const char *, void *), void *arg)
{
	DIR		*dir;
	struct dirent	*de;
	int		 fd, saved, rv = -1;

	if ((fd = maildir_open_sub(spoolfd, user, sub)) == -1)
		return (errno == ENOENT ? 0 : -1);
	if ((dir = maildir_opendir(fd)) == NULL)
		return (-1);
	for (;;) {
		errno = 0;
		if ((de = readdir(dir)) == NULL)
			break;
		/* "." and "..", and files that are not messages. */
		if (de->d_name[0] == '.')
			continue;
		if (fn(dirfd(dir), sub, de->d_name, arg) == -1)
			goto done;
	}
	if (errno == 0)
		rv = 0;
done:
	saved = errno;
	closedir(dir);
	errno = saved;
	return (rv);
}

int
maildir_each(int spoolfd, const char *user,
    int (*fn)(int, int, const char *, void *), void *arg)
{
	int	 sub;

	for (sub = 0; sub < MAILDIR_SUBS; sub++)
		if (maildir_each_sub(spoolfd, user, sub, fn, arg) == -1)
			return (-1);
	return (0);
}
