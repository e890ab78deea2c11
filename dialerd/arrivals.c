/* See LICENSE for the terms. */
/* The record of arrivals: its lines and its file. */
#include <sys/types.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arrivals.h"
#include "log.h"

#define KEEP_SECONDS	(400LL * 86400)
/* Some thousand are kept however old they look: the clock may be wrong. */
#define KEEP_SIZE	(128 * 1024)
#define WASTE_SIZE	(256 * 1024)	/* in front, unless a third is more */
/* A message a second for all that time would be 1 GB: then the oldest go. */
#define SIZE_LARGEST	(32LL * 1024 * 1024)
#define STEP_SIZE	(64 * 1024)	/* in which the oldest is looked for */
#define READ_SIZE	16384

struct arrivals {
	int	 fd;
	off_t	 size;
	off_t	 looked;	/* its size when last looked at for excess */
	int	 torn;		/* there is more in the file */
};

static const char *const classes[] = { "normal", "urgent", "bulk" };

#define NCLASSES	(sizeof(classes) / sizeof(classes[0]))

size_t
arrivals_format(const struct proto_arrival *a, char *buf, size_t size)
{
	int	 n;

	n = snprintf(buf, size, "%lld %llu %s %lld\n", (long long)a->time,
	    (unsigned long long)a->bytes,
	    classes[a->class < NCLASSES ? a->class : 0],
	    (long long)a->deadline);
	return ((size_t)n);
}

/* A number that fits into an int64_t, and the blank or the end behind it. */
static int
get_number(const char **p, const char *end, uint64_t *n)
{
	const char	*begin = *p;

	for (*n = 0; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
		if (*n > (INT64_MAX - 9) / 10)
			return (-1);
		*n = *n * 10 + (uint64_t)(**p - '0');
	}
	if (*p == begin)
		return (-1);
	if (*p < end && *(*p)++ != ' ')
		return (-1);
	return (0);
}

static int
get_class(const char **p, const char *end, uint32_t *class)
{
	size_t	 i, len;

	for (i = 0; i < NCLASSES; i++) {
		len = strlen(classes[i]);
		if ((size_t)(end - *p) > len && (*p)[len] == ' ' &&
		    strncmp(*p, classes[i], len) == 0) {
			*p += len + 1;
			*class = (uint32_t)i;
			return (0);
		}
	}
	return (-1);
}

int
arrivals_parse(const char *line, size_t len, struct proto_arrival *a)
{
	const char	*p = line, *end = line + len;
	uint64_t	 time, deadline;

	memset(a, 0, sizeof(*a));
	if (get_number(&p, end, &time) == -1 ||
	    get_number(&p, end, &a->bytes) == -1 ||
	    get_class(&p, end, &a->class) == -1 ||
	    get_number(&p, end, &deadline) == -1 || p != end ||
	    end[-1] == ' ') {
		errno = EINVAL;
		return (-1);
	}
	a->time = (int64_t)time;
	a->deadline = (int64_t)deadline;
	return (0);
}

/*
 * What is whole of what is at that place: its length, or -1.  Of a line
 * that is longer than the buffer the beginning is taken for a line.
 */
static ssize_t
read_lines(const struct arrivals *arrivals, off_t at, char *buf, size_t size)
{
	char	*lf;
	ssize_t	 n;

	if ((n = pread(arrivals->fd, buf, size, at)) <= 0)
		return (n);
	if ((lf = memrchr(buf, '\n', (size_t)n)) != NULL)
		return (lf - buf + 1);
	return ((size_t)n == size ? n : 0);
}

/* A line without its end: power failed, or the disk was full. */
static int
cut_torn(struct arrivals *arrivals)
{
	char	 buf[READ_SIZE], *lf = NULL;
	off_t	 end, from;
	ssize_t	 n;

	if ((end = lseek(arrivals->fd, 0, SEEK_END)) == -1)
		return (-1);
	for (from = end; from > 0 && lf == NULL; ) {
		from = from > READ_SIZE ? from - READ_SIZE : 0;
		n = pread(arrivals->fd, buf, sizeof(buf), from);
		if (n == -1)
			return (-1);
		lf = n == 0 ? NULL : memrchr(buf, '\n', (size_t)n);
	}
	arrivals->size = lf == NULL ? 0 : from + (lf - buf) + 1;
	if (arrivals->size == end)
		return (0);
	log_warnx("arrivals: torn last line cut off");
	return (ftruncate(arrivals->fd, arrivals->size));
}

struct arrivals *
arrivals_new(int fd)
{
	struct arrivals	*arrivals;

	if ((arrivals = calloc(1, sizeof(*arrivals))) == NULL)
		return (NULL);
	arrivals->fd = fd;
	if (cut_torn(arrivals) == -1) {
		free(arrivals);
		return (NULL);
	}
	return (arrivals);
}

void
arrivals_free(struct arrivals *arrivals)
{
	if (arrivals == NULL)
		return;
	close(arrivals->fd);
	free(arrivals);
}

int
arrivals_add(struct arrivals *arrivals, const struct proto_arrival *a)
{
	char	 buf[ARRIVALS_LINE_MAX];
	size_t	 len = arrivals_format(a, buf, sizeof(buf));
	ssize_t	 n;
	int	 saved;

	if (arrivals->torn &&
	    ftruncate(arrivals->fd, arrivals->size) == -1)
		return (-1);
	arrivals->torn = 0;
	n = write(arrivals->fd, buf, len);
	if (n == (ssize_t)len) {
		arrivals->size += n;
		return (0);
	}
	saved = n == -1 ? errno : ENOSPC;
	if (n > 0)
		arrivals->torn =
		    ftruncate(arrivals->fd, arrivals->size) == -1;
	errno = saved;
	return (-1);
}

ssize_t
arrivals_read(const struct arrivals *arrivals, uint64_t *at,
    struct proto_arrival *a, size_t max)
{
	char	 buf[READ_SIZE], *lf, *p;
	size_t	 count = 0, left;
	ssize_t	 n;

	while (count < max && (off_t)*at < arrivals->size) {
		if ((n = read_lines(arrivals, (off_t)*at, buf,
		    sizeof(buf))) == -1)
			return (-1);
		if (n == 0)
			break;
		for (p = buf, left = (size_t)n; left > 0 && count < max; ) {
			lf = memchr(p, '\n', left);
			n = lf == NULL ? (ssize_t)left : lf - p + 1;
			/* What is no arrival is passed over. */
			if (lf != NULL && arrivals_parse(p, (size_t)(lf - p),
			    &a[count]) == 0)
				count++;
			p += n;
			left -= (size_t)n;
			*at += (uint64_t)n;
		}
	}
	return ((ssize_t)count);
}

/* The place of the first line that begins there or later; -1: there is none
 * in sight. */
static off_t
line_from(const struct arrivals *arrivals, off_t at)
{
	char	 buf[ARRIVALS_LINE_MAX * 4], *lf;
	ssize_t	 n;

	if (at == 0)
		return (0);
	if ((n = pread(arrivals->fd, buf, sizeof(buf), at - 1)) <= 0 ||
	    (lf = memchr(buf, '\n', (size_t)n)) == NULL)
		return (-1);
	return (at + (lf - buf));
}

/* A place before which all are too old, within a step of the last such. */
static off_t
first_kept(const struct arrivals *arrivals, int64_t oldest)
{
	struct proto_arrival	 a;
	off_t			 at, kept = 0, line;
	uint64_t		 next;

	for (at = 0; at < arrivals->size - KEEP_SIZE; at += STEP_SIZE) {
		if ((line = line_from(arrivals, at)) == -1)
			continue;
		next = (uint64_t)line;
		if (arrivals_read(arrivals, &next, &a, 1) != 1 ||
		    (a.time >= oldest &&
		    line >= arrivals->size - SIZE_LARGEST))
			break;
		kept = line;
	}
	return (kept);
}

int
arrivals_excess(struct arrivals *arrivals, int64_t now, uint64_t *from)
{
	off_t	 first;

	if (arrivals->size < arrivals->looked + WASTE_SIZE)
		return (0);
	arrivals->looked = arrivals->size;
	first = first_kept(arrivals, now - KEEP_SECONDS);
	if (first < WASTE_SIZE || first < arrivals->size / 3)
		return (0);
	*from = (uint64_t)first;
	return (1);
}
