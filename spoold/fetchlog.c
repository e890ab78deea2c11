/* See LICENSE for the terms. */
/*
 * The record of what was fetched from an account upstream.  The file is
 * appended to and synced; in memory it is two trees, by uid and by key.
 * What went away upstream is no longer found by its uid at once, and leaves
 * the file when the file is written anew.
 */

#include <sys/stat.h>
#include <sys/tree.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetchlog.h"
#include "fetchlog_line.h"
#include "log.h"

#define FETCHLOG_DIR		"state/fetched"
#define FETCHLOG_FILE_MAX	(256 * 1024 * 1024)	/* a million lines */
#define FETCHLOG_COMPACT_MIN	64	/* lines: below, nothing is won */

struct record {
	RB_ENTRY(record)	 by_uid;
	RB_ENTRY(record)	 by_key;
	int64_t			 when;
	const char		*key;		/* behind uid */
	uint32_t		 uidvalidity;
	int			 forgotten;	/* not in the tree by uid */
	char			 uid[];
};
RB_HEAD(fetchlog_uids, record);
RB_HEAD(fetchlog_keys, record);

struct fetchlog {
	int			 dirfd;
	int			 fd;
	char			 name[NAME_MAX];
	off_t			 size;		/* of what is good */
	int			 unsynced;	/* the directory is */
	int			 broken;	/* the file must be made anew */
	char			 doubt[FETCHLOG_KEY_MAX + 1];
	size_t			 live;
	size_t			 dead;		/* lines that count no more */
	struct fetchlog_uids		 uids;
	struct fetchlog_keys		 keys;
};

static int
uid_cmp(const struct record *a, const struct record *b)
{
	if (a->uidvalidity != b->uidvalidity)
		return (a->uidvalidity < b->uidvalidity ? -1 : 1);
	return (strcmp(a->uid, b->uid));
}

static int
key_cmp(const struct record *a, const struct record *b)
{
	return (strcmp(a->key, b->key));
}

RB_PROTOTYPE(fetchlog_uids, record, by_uid, uid_cmp)
RB_PROTOTYPE(fetchlog_keys, record, by_key, key_cmp)
RB_GENERATE(fetchlog_uids, record, by_uid, uid_cmp)
RB_GENERATE(fetchlog_keys, record, by_key, key_cmp)

static struct record *
find_uid(const struct fetchlog *l, uint32_t uidvalidity, const char *uid)
{
	struct record	*r = RB_ROOT(&l->uids);
	int		 cmp;

	while (r != NULL) {
		if (uidvalidity != r->uidvalidity)
			cmp = uidvalidity < r->uidvalidity ? -1 : 1;
		else if ((cmp = strcmp(uid, r->uid)) == 0)
			break;
		r = cmp < 0 ? RB_LEFT(r, by_uid) : RB_RIGHT(r, by_uid);
	}
	return (r);
}

static struct record *
find_key(const struct fetchlog *l, const char *key)
{
	struct record	*r = RB_ROOT(&l->keys);
	int		 cmp;

	while (r != NULL && (cmp = strcmp(key, r->key)) != 0)
		r = cmp < 0 ? RB_LEFT(r, by_key) : RB_RIGHT(r, by_key);
	return (r);
}

static struct record *
record_new(const struct fetchlog_line *line)
{
	struct record	*r;
	size_t		 uid_len, key_len;

	uid_len = strlen(line->uid) + 1;
	key_len = strlen(line->key) + 1;
	if ((r = calloc(1, sizeof(*r) + uid_len + key_len)) == NULL)
		return (NULL);
	memcpy(r->uid, line->uid, uid_len);
	memcpy(r->uid + uid_len, line->key, key_len);
	r->key = r->uid + uid_len;
	r->uidvalidity = line->uidvalidity;
	r->when = line->when;
	return (r);
}

/*
 * 1 when a record of that key is in the way; one that was forgotten is not,
 * since a server may use a uid again, and a key may come from a uid.
 */
static int
key_taken(const struct fetchlog *l, const char *key)
{
	const struct record	*r;

	return ((r = find_key(l, key)) != NULL && !r->forgotten);
}

static void
record_insert(struct fetchlog *l, struct record *r)
{
	struct record	*old;

	if ((old = find_key(l, r->key)) != NULL) {
		RB_REMOVE(fetchlog_keys, &l->keys, old);
		free(old);
	}
	RB_INSERT(fetchlog_uids, &l->uids, r);
	RB_INSERT(fetchlog_keys, &l->keys, r);
	l->live++;
}

/*
 * The key stays known until the file is written anew: the place of the
 * message in the mailbox may still depend on it.
 */
static void
record_forget(struct fetchlog *l, struct record *r)
{
	RB_REMOVE(fetchlog_uids, &l->uids, r);
	r->forgotten = 1;
	l->live--;
	l->dead += 2;
}

/* Puts a line from the file into memory.  0, or -1 with ENOMEM. */
static int
load_line(struct fetchlog *l, const struct fetchlog_line *line)
{
	struct record	*r;

	r = find_uid(l, line->uidvalidity, line->uid);
	if (line->forget) {
		if (r != NULL)
			record_forget(l, r);
		else
			l->dead++;
		return (0);
	}
	if (r != NULL || key_taken(l, line->key)) {
		l->dead++;
		return (0);
	}
	if ((r = record_new(line)) == NULL)
		return (-1);
	record_insert(l, r);
	return (0);
}

/*
 * Reads the lines; what is behind the last newline is torn.  0, or -1 with
 * ENOMEM.
 */
static int
load_text(struct fetchlog *l, const char *text, size_t len)
{
	struct fetchlog_line	 line;
	const char		*p = text, *end;

	while ((end = memchr(p, '\n', len - (size_t)(p - text))) != NULL) {
		if (fetchlog_line_parse(&line, p, (size_t)(end - p)) == 0) {
			if (load_line(l, &line) == -1)
				return (-1);
		} else {
			log_warnx("fetchlog: damaged: file=%s offset=%zu "
			    "length=%zu", l->name, (size_t)(p - text),
			    (size_t)(end - p));
			l->dead++;
		}
		p = end + 1;
	}
	l->size = p - text;
	return (0);
}

/* Reads the whole file.  0, or -1 with errno. */
static int
load_file(struct fetchlog *l, size_t len)
{
	char	*text;
	size_t	 have = 0;
	ssize_t	 n;
	int	 rc = -1;

	if ((text = malloc(len + 1)) == NULL)
		return (-1);
	while (have < len) {
		n = pread(l->fd, text + have, len - have, (off_t)have);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			goto done;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	rc = load_text(l, text, have);
done:
	free(text);
	return (rc);
}

/* Cuts off what is torn, and makes sure of what was read. */
static int
load(struct fetchlog *l)
{
	struct stat	 st;

	if (fstat(l->fd, &st) == -1)
		return (-1);
	if (st.st_size > FETCHLOG_FILE_MAX) {
		errno = EFBIG;
		return (-1);
	}
	if (load_file(l, (size_t)st.st_size) == -1)
		return (-1);
	if (l->size < st.st_size) {
		log_warnx("fetchlog: torn end: file=%s offset=%lld", l->name,
		    (long long)l->size);
		if (ftruncate(l->fd, l->size) == -1)
			return (-1);
	}
	return (fsync(l->fd));
}

static int
log_file_open(const struct fetchlog *l, const char *name, int flags)
{
	return (openat(l->dirfd, name, O_RDWR | O_APPEND | O_CREAT |
	    O_CLOEXEC | O_NOFOLLOW | flags, 0600));
}

struct fetchlog *
fetchlog_open(int spoolfd, const char *account)
{
	struct fetchlog	*l;
	int		 error;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return (NULL);
	RB_INIT(&l->uids);
	RB_INIT(&l->keys);
	l->fd = l->dirfd = -1;
	/* Two bytes are left for the name of the temporary file. */
	if (fetchlog_name(l->name, sizeof(l->name) - 2, account) == -1)
		goto fail;
	l->dirfd = openat(spoolfd, FETCHLOG_DIR,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->dirfd == -1)
		goto fail;
	if ((l->fd = log_file_open(l, l->name, 0)) == -1 || load(l) == -1 ||
	    fsync(l->dirfd) == -1)
		goto fail;
	return (l);
fail:
	error = errno;
	log_warn("fetchlog: account %s", account);
	fetchlog_close(l);
	errno = error;
	return (NULL);
}

void
fetchlog_close(struct fetchlog *l)
{
	struct record	*r;

	if (l == NULL)
		return;
	while ((r = RB_ROOT(&l->keys)) != NULL) {
		RB_REMOVE(fetchlog_keys, &l->keys, r);
		free(r);
	}
	if (l->fd != -1)
		close(l->fd);
	if (l->dirfd != -1)
		close(l->dirfd);
	free(l);
}

int
fetchlog_find(const struct fetchlog *l, uint32_t uidvalidity,
    const char *uid, int64_t *when)
{
	const struct record	*r;

	if ((r = find_uid(l, uidvalidity, uid)) == NULL)
		return (0);
	if (when != NULL)
		*when = r->when;
	return (1);
}

int
fetchlog_in_doubt(const struct fetchlog *l, const char *key)
{
	return (strcmp(l->doubt, key) == 0);
}

int
fetchlog_has_key(const struct fetchlog *l, const char *key)
{
	return (find_key(l, key) != NULL);
}

void
fetchlog_each(const struct fetchlog *l, uint32_t uidvalidity,
    void (*fn)(const char *, int64_t, void *), void *arg)
{
	struct record	*r, *next = NULL;

	for (r = RB_ROOT(&l->uids); r != NULL; ) {
		if (r->uidvalidity >= uidvalidity) {
			next = r;
			r = RB_LEFT(r, by_uid);
		} else
			r = RB_RIGHT(r, by_uid);
	}
	for (; next != NULL && next->uidvalidity == uidvalidity;
	    next = RB_NEXT(fetchlog_uids, &l->uids, next))
		fn(next->uid, next->when, arg);
}

/* 0, or -1 with errno. */
static int
write_all(int fd, const char *buf, size_t len)
{
	ssize_t	 n;

	for (; len > 0; buf += n, len -= (size_t)n) {
		n = write(fd, buf, len);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return (-1);
	}
	return (0);
}

/* Appends without a sync; the file is as before when that fails. */
static int
append(struct fetchlog *l, const struct fetchlog_line *line)
{
	char	 buf[FETCHLOG_LINE_MAX];
	size_t	 len;
	int	 error;

	if ((len = fetchlog_line_format(buf, line)) == 0)
		return (-1);
	if (write_all(l->fd, buf, len) == -1) {
		error = errno;
		if (ftruncate(l->fd, l->size) == -1)
			l->broken = 1;
		errno = error;
		return (-1);
	}
	l->size += (off_t)len;
	return (0);
}

/* Writes what is live to a file.  0, or -1 with errno. */
static int
write_live(struct fetchlog *l, int fd, off_t *size)
{
	struct fetchlog_line	 line;
	struct record		*r;
	char			 buf[32 * FETCHLOG_LINE_MAX];
	size_t			 len = 0;

	memset(&line, 0, sizeof(line));
	*size = 0;
	RB_FOREACH(r, fetchlog_uids, &l->uids) {
		line.uidvalidity = r->uidvalidity;
		line.when = r->when;
		strlcpy(line.uid, r->uid, sizeof(line.uid));
		strlcpy(line.key, r->key, sizeof(line.key));
		len += fetchlog_line_format(buf + len, &line);
		if (sizeof(buf) - len >= FETCHLOG_LINE_MAX)
			continue;
		if (write_all(fd, buf, len) == -1)
			return (-1);
		*size += (off_t)len;
		len = 0;
	}
	*size += (off_t)len;
	return (write_all(fd, buf, len));
}

/* The forgotten are not in the file any more. */
static void
drop_forgotten(struct fetchlog *l)
{
	struct record	*r, *next;

	RB_FOREACH_SAFE(r, fetchlog_keys, &l->keys, next) {
		if (!r->forgotten)
			continue;
		RB_REMOVE(fetchlog_keys, &l->keys, r);
		free(r);
	}
	l->dead = 0;
}

/* Writes the file anew.  0, or -1 with errno: the old one stays. */
static int
compact(struct fetchlog *l)
{
	char	 tmp[NAME_MAX + 1];
	off_t	 size;
	int	 fd, error;

	/* No account's file can have this name. */
	snprintf(tmp, sizeof(tmp), "%s~", l->name);
	if ((fd = log_file_open(l, tmp, O_TRUNC)) == -1)
		return (-1);
	if (write_live(l, fd, &size) == -1 || fsync(fd) == -1 ||
	    renameat(l->dirfd, tmp, l->dirfd, l->name) == -1) {
		error = errno;
		close(fd);
		(void)unlinkat(l->dirfd, tmp, 0);
		errno = error;
		return (-1);
	}
	close(l->fd);
	l->fd = fd;
	l->size = size;
	l->broken = 0;
	drop_forgotten(l);
	/* Until this is done the old file may come back. */
	l->unsynced = 1;
	if (fsync(l->dirfd) == -1)
		return (-1);
	l->unsynced = 0;
	return (0);
}

/* The file can be appended to and will be found.  0, or -1. */
static int
make_ready(struct fetchlog *l)
{
	if (l->broken && compact(l) == -1)
		return (-1);
	if (l->unsynced) {
		if (fsync(l->dirfd) == -1)
			return (-1);
		l->unsynced = 0;
	}
	return (0);
}

int
fetchlog_add(struct fetchlog *l, uint32_t uidvalidity, const char *uid,
    int64_t when, const char *key)
{
	struct fetchlog_line	 line;
	struct record		*r;
	int			 error;

	memset(&line, 0, sizeof(line));
	line.uidvalidity = uidvalidity;
	line.when = when;
	if (strlcpy(line.uid, uid, sizeof(line.uid)) >= sizeof(line.uid) ||
	    strlcpy(line.key, key, sizeof(line.key)) >= sizeof(line.key)) {
		errno = EINVAL;
		return (-1);
	}
	if ((r = find_uid(l, uidvalidity, uid)) != NULL &&
	    strcmp(r->key, key) == 0)
		return (0);
	if (r != NULL || key_taken(l, key)) {
		errno = EEXIST;
		return (-1);
	}
	if ((r = record_new(&line)) == NULL)
		return (-1);
	if (make_ready(l) == -1 || append(l, &line) == -1)
		goto fail;
	if (fdatasync(l->fd) == -1) {
		/*
		 * Nobody knows what is on the disk now, and this record
		 * must not be found there: a new file, at once or before
		 * the next record.
		 */
		error = errno;
		log_warn("fetchlog: %s: sync", l->name);
		l->broken = 1;
		if (compact(l) == -1) {
			log_warn("fetchlog: %s", l->name);
			strlcpy(l->doubt, key, sizeof(l->doubt));
		}
		errno = error;
		goto fail;
	}
	record_insert(l, r);
	return (0);
fail:
	error = errno;
	free(r);
	errno = error;
	return (-1);
}

int
fetchlog_forget(struct fetchlog *l, uint32_t uidvalidity, const char *uid)
{
	struct fetchlog_line	 line;
	struct record		*r;

	if ((r = find_uid(l, uidvalidity, uid)) == NULL) {
		errno = ENOENT;
		return (-1);
	}
	memset(&line, 0, sizeof(line));
	line.forget = 1;
	line.uidvalidity = uidvalidity;
	strlcpy(line.uid, uid, sizeof(line.uid));
	/* Not synced: the next record is, and a repetition does no harm. */
	if (make_ready(l) == -1 || append(l, &line) == -1)
		return (-1);
	record_forget(l, r);
	if (l->dead > l->live + FETCHLOG_COMPACT_MIN && compact(l) == -1)
		log_warn("fetchlog: %s", l->name);
	return (0);
}
