/* See LICENSE for the terms. */
/* A window that moves over a segment while it is read at start. */

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "queue_reader.h"

#define READER_WINDOW	(1024 * 1024)
#define READER_SECTOR	4096	/* what is given up when it is unreadable */

int
reader_open(struct reader *r, int dirfd, const struct segment *s)
{
	struct stat	 st;
	char		 name[QUEUE_NAME_MAX];
	int		 error;

	memset(r, 0, sizeof(*r));
	r->segment = s;
	queue_segment_name(name, sizeof(name), s);
	r->fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (r->fd == -1) {
		log_warn("queue: %s", name);
		return (-1);
	}
	if (fstat(r->fd, &st) == -1)
		goto fail;
	if (!S_ISREG(st.st_mode) || st.st_size > QUEUE_SEGMENT_LIMIT) {
		errno = EFBIG;
		goto fail;
	}
	r->size = (uint64_t)st.st_size;
	return (0);
fail:
	error = errno;
	log_warn("queue: %s", name);
	close(r->fd);
	errno = error;
	return (-1);
}

void
reader_close(struct reader *r)
{
	close(r->fd);
	free(r->buf);
	r->buf = NULL;
}

/* Reads what can be read; the rest is zero. */
static void
read_range(int fd, uint8_t *buf, size_t len, uint64_t offset)
{
	size_t	 want;
	ssize_t	 n;

	memset(buf, 0, len);
	while (len > 0) {
		n = pread(fd, buf, len, (off_t)offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			return;
		if (n == -1) {
			/* A bad sector: try up to it, then leave it out. */
			want = READER_SECTOR - offset % READER_SECTOR;
			want = want < len ? want : len;
			n = pread(fd, buf, want, (off_t)offset);
			if (n <= 0) {
				log_warn("queue: read at %llu",
				    (unsigned long long)offset);
				n = (ssize_t)want;
			}
		}
		buf += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
}

const uint8_t *
reader_get(struct reader *r, uint64_t offset, size_t n)
{
	uint8_t	*buf;
	size_t	 want;

	if (offset > r->size || n > r->size - offset) {
		errno = EINVAL;
		return (NULL);
	}
	if (offset >= r->base && offset - r->base <= r->len &&
	    n <= r->len - (size_t)(offset - r->base))
		return (r->buf + (offset - r->base));
	want = n > READER_WINDOW ? n : READER_WINDOW;
	if (want > r->cap) {
		if ((buf = realloc(r->buf, want)) == NULL)
			return (NULL);
		r->buf = buf;
		r->cap = want;
	}
	if (want > r->size - offset)
		want = (size_t)(r->size - offset);
	read_range(r->fd, r->buf, want, offset);
	r->base = offset;
	r->len = want;
	return (r->buf);
}

int
reader_header(struct reader *r, uint64_t offset, struct record_header *h)
{
	const uint8_t	*p;

	if ((p = reader_get(r, offset, RECORD_HEADER_LEN)) == NULL)
		return (-1);
	return (record_header_decode(h, p, RECORD_HEADER_LEN,
	    r->segment->salt, offset));
}

uint64_t
reader_scan(struct reader *r, uint64_t offset)
{
	struct record_header	 h;
	uint8_t			 magic[RECORD_MAGIC_LEN];
	const uint8_t		*p, *found;
	size_t			 n;

	record_magic(magic, r->segment->salt);
	while (offset < r->size && r->size - offset >= RECORD_HEADER_LEN) {
		n = r->size - offset < READER_WINDOW ?
		    (size_t)(r->size - offset) : READER_WINDOW;
		if ((p = reader_get(r, offset, n)) == NULL)
			break;
		if ((found = memmem(p, n, magic, sizeof(magic))) == NULL) {
			/* It may begin at the end of this window. */
			offset += n - (sizeof(magic) - 1);
			continue;
		}
		offset += (uint64_t)(found - p);
		if (reader_header(r, offset, &h) == 0)
			return (offset);
		offset++;
	}
	return (r->size);
}

static int
copy_range(struct reader *r, uint64_t from, uint64_t to, int fd)
{
	const uint8_t	*p;
	size_t		 n;
	ssize_t		 done;

	while (from < to) {
		n = to - from < READER_WINDOW ? (size_t)(to - from) :
		    READER_WINDOW;
		if ((p = reader_get(r, from, n)) == NULL)
			return (-1);
		done = write(fd, p, n);
		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return (-1);
		from += (uint64_t)done;
	}
	return (fsync(fd));
}

int
reader_copy(struct reader *r, uint64_t from, uint64_t to, int dirfd,
    const char *name)
{
	static const char	*tmp = "tmp.damaged";
	struct stat		 st;
	int			 fd, error;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return (0);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (fd == -1)
		return (-1);
	if (copy_range(r, from, to, fd) == -1 ||
	    renameat(dirfd, tmp, dirfd, name) == -1 || fsync(dirfd) == -1) {
		error = errno;
		close(fd);
		(void)unlinkat(dirfd, tmp, 0);
		errno = error;
		return (-1);
	}
	close(fd);
	return (0);
}
