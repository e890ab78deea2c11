/* See LICENSE for the terms. */
/*
 * For the tests of what is on disk.  The calls below stand before the C
 * library's (the linker's --wrap), so that the code under test is the code
 * that is shipped.
 */

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store_util.h"

int	 __real_fsync(int);
int	 __real_fdatasync(int);
ssize_t	 __real_write(int, const void *, size_t);
ssize_t	 __real_writev(int, const struct iovec *, int);
ssize_t	 __real_pread(int, void *, size_t, off_t);
int	 __real_ftruncate(int, off_t);
int	 __real_unlinkat(int, const char *, int);
int	 __real_renameat(int, const char *, int, const char *);
int	 __real_openat(int, const char *, int, ...);
int	 __real_clock_gettime(clockid_t, struct timespec *);
int	 __wrap_fsync(int);
int	 __wrap_fdatasync(int);
ssize_t	 __wrap_write(int, const void *, size_t);
ssize_t	 __wrap_writev(int, const struct iovec *, int);
ssize_t	 __wrap_pread(int, void *, size_t, off_t);
int	 __wrap_ftruncate(int, off_t);
int	 __wrap_unlinkat(int, const char *, int);
int	 __wrap_renameat(int, const char *, int, const char *);
int	 __wrap_openat(int, const char *, int, ...);
int	 __wrap_clock_gettime(clockid_t, struct timespec *);
int	 __wrap_fstatvfs(int, struct statvfs *);

struct store_faults	 store_faults;

static char		 spool[256];

void
store_faults_reset(void)
{
	memset(&store_faults, 0, sizeof(store_faults));
}

static void
before(enum store_op op, int fd, const char *name)
{
	if (store_faults.trace_len < sizeof(store_faults.trace) - 1)
		store_faults.trace[store_faults.trace_len++] = (char)op;
	if (store_faults.hook != NULL)
		store_faults.hook(op, fd, name);
}

static int
after(enum store_op op, int fd, const char *name, int result)
{
	if (result != -1 && store_faults.done != NULL)
		store_faults.done(op, fd, name);
	return (result);
}

unsigned int
store_traced(enum store_op op)
{
	unsigned int	 n = 0;
	size_t		 i;

	for (i = 0; i < store_faults.trace_len; i++)
		n += store_faults.trace[i] == (char)op;
	return (n);
}

static int
is_dir(int fd)
{
	struct stat	 st;

	return (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode));
}

/* A regular file; the test's own output is none of our business. */
static int
is_file(int fd)
{
	struct stat	 st;

	return (fstat(fd, &st) == 0 && S_ISREG(st.st_mode));
}

static int
sync_fd(int fd, int (*call)(int))
{
	enum store_op	 op = is_dir(fd) ? STORE_SYNC_DIR : STORE_SYNC;
	int		 error;

	before(op, fd, NULL);
	error = op == STORE_SYNC ? store_faults.sync_error :
	    store_faults.dir_error;
	if (error != 0) {
		errno = error;
		return (-1);
	}
	return (after(op, fd, NULL,
	    store_faults.no_sync ? 0 : call(fd)));
}

int
__wrap_fsync(int fd)
{
	return (sync_fd(fd, __real_fsync));
}

int
__wrap_fdatasync(int fd)
{
	return (sync_fd(fd, __real_fdatasync));
}

/* Up to the limit, then the error. */
static ssize_t
write_some(int fd, const void *buf, size_t len)
{
	if (store_faults.write_error != 0) {
		if (store_faults.write_limit == 0) {
			errno = store_faults.write_error;
			return (-1);
		}
		if (len > store_faults.write_limit)
			len = store_faults.write_limit;
		store_faults.write_limit -= len;
	}
	return (__real_write(fd, buf, len));
}

ssize_t
__wrap_write(int fd, const void *buf, size_t len)
{
	ssize_t	 n;

	if (!is_file(fd))
		return (__real_write(fd, buf, len));
	before(STORE_WRITE, fd, NULL);
	n = write_some(fd, buf, len);
	(void)after(STORE_WRITE, fd, NULL, n == -1 ? -1 : 0);
	return (n);
}

ssize_t
__wrap_writev(int fd, const struct iovec *iov, int count)
{
	ssize_t	 n = 0, all = 0;
	int	 i;

	if (!is_file(fd))
		return (__real_writev(fd, iov, count));
	before(STORE_WRITE, fd, NULL);
	if (store_faults.write_error == 0)
		all = __real_writev(fd, iov, count);
	for (i = 0; store_faults.write_error != 0 && i < count; i++) {
		n = write_some(fd, iov[i].iov_base, iov[i].iov_len);
		if (n == -1)
			break;
		all += n;
		if ((size_t)n < iov[i].iov_len)
			break;
	}
	if (all == 0 && n == -1)
		all = -1;
	(void)after(STORE_WRITE, fd, NULL, all == -1 ? -1 : 0);
	return (all);
}

ssize_t
__wrap_pread(int fd, void *buf, size_t len, off_t offset)
{
	if (offset < store_faults.bad_to &&
	    offset + (off_t)len > store_faults.bad_from) {
		errno = EIO;
		return (-1);
	}
	return (__real_pread(fd, buf, len, offset));
}

int
__wrap_ftruncate(int fd, off_t len)
{
	before(STORE_TRUNCATE, fd, NULL);
	if (store_faults.truncate_error != 0) {
		errno = store_faults.truncate_error;
		return (-1);
	}
	return (after(STORE_TRUNCATE, fd, NULL,
	    __real_ftruncate(fd, len)));
}

int
__wrap_unlinkat(int fd, const char *name, int flags)
{
	before(STORE_UNLINK, fd, name);
	return (after(STORE_UNLINK, fd, name,
	    __real_unlinkat(fd, name, flags)));
}

int
__wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	before(STORE_RENAME, from_fd, from);
	if (store_faults.rename_error != 0) {
		errno = store_faults.rename_error;
		return (-1);
	}
	return (after(STORE_RENAME, to_fd, to, __real_renameat(
	    from_fd, from, to_fd, to)));
}

int
__wrap_openat(int fd, const char *name, int flags, ...)
{
	va_list	 ap;
	mode_t	 mode = 0;

	if (!(flags & O_CREAT))
		return (__real_openat(fd, name, flags, mode));
	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	before(STORE_CREATE, fd, name);
	if (store_faults.create_error != 0) {
		errno = store_faults.create_error;
		return (-1);
	}
	return (after(STORE_CREATE, fd, name,
	    __real_openat(fd, name, flags, mode)));
}

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int	 r;

	r = __real_clock_gettime(id, ts);
	if (r == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += store_faults.clock_offset;
	return (r);
}

int
__wrap_fstatvfs(int fd, struct statvfs *vfs)
{
	uint64_t	 available = store_faults.available;

	(void)fd;
	memset(vfs, 0, sizeof(*vfs));
	vfs->f_bsize = vfs->f_frsize = 1;
	vfs->f_blocks = UINT32_MAX;
	vfs->f_bavail = available == 0 ? UINT32_MAX : available;
	return (0);
}

int
store_make(void)
{
	const char	*tmp;
	int		 fd;

	store_faults_reset();
	if ((tmp = getenv("TMPDIR")) == NULL)
		tmp = "/tmp";
	snprintf(spool, sizeof(spool), "%s/store.XXXXXXXX", tmp);
	if (mkdtemp(spool) == NULL)
		err(1, "%s", spool);
	if ((fd = open(spool, O_RDONLY | O_DIRECTORY)) == -1 ||
	    mkdirat(fd, "queue", 0700) == -1 ||
	    mkdirat(fd, "state", 0700) == -1 ||
	    mkdirat(fd, "state/fetched", 0700) == -1)
		err(1, "%s", spool);
	return (fd);
}

static void
empty(int spoolfd, const char *dir)
{
	const char	*name;

	while ((name = store_name(spoolfd, dir, "", 0)) != NULL)
		if (unlinkat(spoolfd, name, 0) == -1)
			err(1, "%s", name);
}

void
store_remove(int spoolfd)
{
	store_faults_reset();
	empty(spoolfd, "queue");
	empty(spoolfd, "state/fetched");
	if (unlinkat(spoolfd, "queue", AT_REMOVEDIR) == -1 ||
	    unlinkat(spoolfd, "state/fetched", AT_REMOVEDIR) == -1 ||
	    unlinkat(spoolfd, "state", AT_REMOVEDIR) == -1 ||
	    rmdir(spool) == -1)
		err(1, "%s", spool);
	close(spoolfd);
}

uint8_t *
store_read(int dirfd, const char *name, size_t *len)
{
	struct stat	 st;
	uint8_t		*buf;
	int		 fd;

	if ((fd = openat(dirfd, name, O_RDONLY)) == -1 ||
	    fstat(fd, &st) == -1)
		err(1, "%s", name);
	*len = (size_t)st.st_size;
	if ((buf = malloc(*len + 1)) == NULL ||
	    pread(fd, buf, *len, 0) != st.st_size)
		err(1, "%s", name);
	close(fd);
	return (buf);
}

void
store_write(int dirfd, const char *name, const void *buf, size_t len)
{
	int	 fd;

	if ((fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC,
	    0600)) == -1 || write(fd, buf, len) != (ssize_t)len)
		err(1, "%s", name);
	close(fd);
}

/* Names that begin so, sorted; the count. */
static int
list(int spoolfd, const char *dir, const char *prefix, struct dirent ***names)
{
	char	 path[512];
	int	 i, n, m = 0;

	(void)spoolfd;
	snprintf(path, sizeof(path), "%s/%s", spool, dir);
	if ((n = scandir(path, names, NULL, alphasort)) == -1)
		err(1, "%s", path);
	for (i = 0; i < n; i++) {
		if ((*names)[i]->d_name[0] != '.' &&
		    strncmp((*names)[i]->d_name, prefix,
		    strlen(prefix)) == 0)
			(*names)[m++] = (*names)[i];
		else
			free((*names)[i]);
	}
	return (m);
}

int
store_count(int spoolfd, const char *dir, const char *prefix)
{
	struct dirent	**names;
	int		  i, n;

	n = list(spoolfd, dir, prefix, &names);
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return (n);
}

const char *
store_name(int spoolfd, const char *dir, const char *prefix, int nth)
{
	static char	  name[512];
	struct dirent	**names;
	int		  i, n;

	n = list(spoolfd, dir, prefix, &names);
	if (nth < n)
		snprintf(name, sizeof(name), "%s/%s", dir,
		    names[nth]->d_name);
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return (nth < n ? name : NULL);
}
