/* See LICENSE for the terms. */

/* The spool of a test: see fixture.h. */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"

static char	 root[64];
static int	 root_fd = -1;

int
fixture_make(const char *name, const char *const *dirs)
{
	snprintf(root, sizeof(root), "/tmp/%s.XXXXXX", name);
	if (mkdtemp(root) == NULL ||
	    (root_fd = open(root, O_RDONLY | O_DIRECTORY)) == -1)
		return (-1);
	for (; *dirs != NULL; dirs++)
		if (mkdirat(root_fd, *dirs, 0700) == -1)
			return (-1);
	return (root_fd);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return (remove(path));
}

int
fixture_remove(void)
{
	close(root_fd);
	root_fd = -1;
	return (nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS));
}

void
fixture_put(const char *path, const char *text)
{
	int	 fd;

	fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

int
fixture_exists(const char *path)
{
	return (faccessat(root_fd, path, F_OK, 0) == 0);
}

unsigned int
fixture_files(const char *path, char *text, size_t len)
{
	DIR		*dir;
	struct dirent	*de;
	unsigned int	 n = 0;
	ssize_t		 got;
	int		 fd;

	fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return (0);
	dir = fdopendir(fd);
	assert_non_null(dir);
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		n++;
		if (text == NULL)
			continue;
		fd = openat(dirfd(dir), de->d_name, O_RDONLY);
		assert_int_not_equal(fd, -1);
		got = read(fd, text, len - 1);
		assert_true(got >= 0);
		text[got] = '\0';
		close(fd);
	}
	closedir(dir);
	return (n);
}
