/* See LICENSE for the terms. */

/* A POP3 session's snapshot of a Maildir. */

#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mailbox.h"
#include "maildir.h"
#include "maildir_list.h"

#define READ_SIZE	16384	/* bytes taken from a file at once */

struct mailbox_message {
	char			*name;		/* as it was last seen */
	int			 sub;		/* MAILDIR_NEW or _CUR */
	int			 convert;	/* LF line ends, perhaps */
	int			 measured;	/* size is right */
	int			 deleted;
	uint64_t		 size;
};

struct mailbox {
	TAILQ_ENTRY(mailbox)	 entry;
	int			 spoolfd;
	char			*user;
	struct mailbox_message	*messages;
	size_t			 count;
	size_t			 room;
	/* Of mailbox_measure: which message, and how far it was read. */
	size_t			 measuring;
	struct mailbox_reader	*reader;
};
TAILQ_HEAD(mailboxes, mailbox);

struct mailbox_reader {
	int			 fd;
	int			 convert;	/* a bare LF becomes CRLF */
	int			 cr;		/* the last byte out was CR */
	int			 lf_owed;	/* CR is out, its LF is not */
	int			 done;
	int64_t			 lines;		/* of the body, still to come;
						 * MAILBOX_ALL */
	int			 in_header;
	size_t			 linelen;	/* of the line so far */
	uint8_t			 buf[READ_SIZE];
	size_t			 pos;
	size_t			 len;
};

/* Those that are open: RFC 1939 4 wants exclusive access. */
static struct mailboxes	 mailboxes = TAILQ_HEAD_INITIALIZER(mailboxes);

/*
 * In order of the seconds that names begin with, then of the part of the
 * name that never changes.
 */
static int
mailbox_compare_names(const char *a, const char *b)
{
	unsigned long long	 ta, tb;
	size_t			 la, lb;
	int			 c;

	ta = strtoull(a, NULL, 10);
	tb = strtoull(b, NULL, 10);
	if (ta != tb)
		return (ta < tb ? -1 : 1);
	la = maildir_unique_len(a);
	lb = maildir_unique_len(b);
	if ((c = memcmp(a, b, la < lb ? la : lb)) != 0)
		return (c);
	return (la < lb ? -1 : la > lb);
}

static int
mailbox_compare(const void *a, const void *b)
{
	const struct mailbox_message	*ma = a, *mb = b;

	return (mailbox_compare_names(ma->name, mb->name));
}

static int
mailbox_add(int dirfd, int sub, const char *name, void *arg)
{
	struct mailbox		*mb = arg;
	struct mailbox_message	*m;
	size_t			 room;
	uint64_t		 file;

	(void)dirfd;
	if (mb->count == UINT32_MAX) {
		errno = EFBIG;
		return (-1);
	}
	if (mb->count == mb->room) {
		room = mb->room == 0 ? 64 : mb->room * 2;
		m = recallocarray(mb->messages, mb->room, room, sizeof(*m));
		if (m == NULL)
			return (-1);
		mb->messages = m;
		mb->room = room;
	}
	m = &mb->messages[mb->count];
	if ((m->name = strdup(name)) == NULL)
		return (-1);
	m->sub = sub;
	/*
	 * The size on the wire is W.  Where it is the file's own size too,
	 * as with all that relayd delivers, the bytes go out as they are;
	 * otherwise there are line ends to be converted.
	 */
	m->measured = maildir_name_size(name, 'W', &m->size);
	m->convert = !m->measured || !maildir_name_size(name, 'S', &file) ||
	    file != m->size;
	mb->count++;
	return (0);
}

/* A message that was moved between two directories was seen twice. */
static void
mailbox_merge(struct mailbox *mb)
{
	struct mailbox_message	*m = mb->messages, old;
	size_t			 i, n = 0;

	for (i = 0; i < mb->count; i++) {
		if (n == 0 || mailbox_compare(&m[n - 1], &m[i]) != 0) {
			if (n != i) {
				m[n] = m[i];
				memset(&m[i], 0, sizeof(m[i]));
			}
			n++;
			continue;
		}
		/* The place where it was seen last is the one in cur/. */
		if (m[i].sub > m[n - 1].sub) {
			old = m[n - 1];
			m[n - 1] = m[i];
			m[i] = old;
		}
		free(m[i].name);
		memset(&m[i], 0, sizeof(m[i]));
	}
	mb->count = n;
}

struct mailbox *
mailbox_open(int spoolfd, const char *user)
{
	struct mailbox	*mb;

	if (!maildir_user_ok(user)) {
		errno = EINVAL;
		return (NULL);
	}
	TAILQ_FOREACH(mb, &mailboxes, entry)
		if (strcmp(mb->user, user) == 0) {
			errno = EBUSY;
			return (NULL);
		}
	if ((mb = calloc(1, sizeof(*mb))) == NULL)
		return (NULL);
	if ((mb->user = strdup(user)) == NULL) {
		free(mb);
		return (NULL);
	}
	mb->spoolfd = spoolfd;
	TAILQ_INSERT_TAIL(&mailboxes, mb, entry);
	if (maildir_each(spoolfd, user, mailbox_add, mb) == -1) {
		mailbox_close(mb);
		return (NULL);
	}
	if (mb->count > 1) {
		qsort(mb->messages, mb->count, sizeof(*mb->messages),
		    mailbox_compare);
		mailbox_merge(mb);
	}
	return (mb);
}

void
mailbox_close(struct mailbox *mb)
{
	size_t	 i;
	int	 saved = errno;

	if (mb == NULL)
		return;
	TAILQ_REMOVE(&mailboxes, mb, entry);
	mailbox_read_close(mb->reader);
	for (i = 0; i < mb->count; i++)
		free(mb->messages[i].name);
	free(mb->messages);
	free(mb->user);
	free(mb);
	errno = saved;
}

int
mailbox_measure(struct mailbox *mb, uint64_t budget)
{
	struct mailbox_message	*m;
	uint8_t			 buf[READ_SIZE];
	uint64_t		 spent = 0;
	ssize_t			 n;

	while (mb->measuring < mb->count) {
		m = &mb->messages[mb->measuring];
		if (m->measured) {
			mb->measuring++;
			continue;
		}
		if (spent >= budget)
			return (0);
		if (mb->reader == NULL)
			mb->reader = mailbox_read_open(mb, mb->measuring + 1,
			    MAILBOX_ALL);
		n = 0;
		if (mb->reader != NULL)
			n = mailbox_read(mb->reader, buf, sizeof(buf));
		if (n > 0) {
			m->size += n;
			spent += n;
			continue;
		}
		/* What cannot be read is found out again by RETR. */
		if (n == -1)
			log_warn("mailbox: %s: %s", mb->user, m->name);
		mailbox_read_close(mb->reader);
		mb->reader = NULL;
		m->measured = 1;
		/* Opening costs as well. */
		spent += READ_SIZE;
	}
	return (1);
}

uint32_t
mailbox_count(const struct mailbox *mb)
{
	return (mb->count);
}

void
mailbox_totals(const struct mailbox *mb, uint32_t *messages, uint64_t *bytes)
{
	size_t	 i;

	*messages = 0;
	*bytes = 0;
	for (i = 0; i < mb->count; i++) {
		if (mb->messages[i].deleted)
			continue;
		(*messages)++;
		*bytes += mb->messages[i].size;
	}
}

int
mailbox_exists(const struct mailbox *mb, uint32_t n)
{
	return (n >= 1 && n <= mb->count && !mb->messages[n - 1].deleted);
}

uint64_t
mailbox_size(const struct mailbox *mb, uint32_t n)
{
	return (mb->messages[n - 1].size);
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t
mailbox_hash(const char *s, size_t len, uint64_t hash)
{
	size_t	 i;

	for (i = 0; i < len; i++) {
		hash ^= (unsigned char)s[i];
		hash *= 0x100000001b3ULL;
	}
	return (hash);
}

void
mailbox_uid(const struct mailbox *mb, uint32_t n, char uid[MAILBOX_UID_MAX])
{
	const char	*name = mb->messages[n - 1].name;
	size_t		 len, i;
	uint64_t	 a, b;

	len = maildir_unique_len(name);
	for (i = 0; i < len && i < MAILBOX_UID_MAX - 1; i++) {
		if (name[i] <= 0x20 || name[i] >= 0x7f)
			break;
		uid[i] = name[i];
	}
	uid[i] = '\0';
	if (i == len && len != 0)
		return;
	/* Too long, or not printable: 128 bits that stand for it. */
	a = mailbox_hash(name, len, 0xcbf29ce484222325ULL);
	b = mailbox_hash(name, len, a ^ len);
	snprintf(uid, MAILBOX_UID_MAX, "h%016" PRIx64 "%016" PRIx64, a, b);
}

void
mailbox_delete(struct mailbox *mb, uint32_t n)
{
	mb->messages[n - 1].deleted = 1;
}

void
mailbox_reset(struct mailbox *mb)
{
	size_t	 i;

	for (i = 0; i < mb->count; i++)
		mb->messages[i].deleted = 0;
}

static int
mailbox_refresh_one(int dirfd, int sub, const char *name, void *arg)
{
	struct mailbox		*mb = arg;
	struct mailbox_message	*m, key;
	char			*copy;

	(void)dirfd;
	/* bsearch wants a key that is not const; it is not written to. */
	if ((copy = strdup(name)) == NULL)
		return (-1);
	memset(&key, 0, sizeof(key));
	key.name = copy;
	m = bsearch(&key, mb->messages, mb->count, sizeof(*mb->messages),
	    mailbox_compare);
	if (m == NULL) {
		free(copy);
		return (0);
	}
	free(m->name);
	m->name = copy;
	m->sub = sub;
	return (0);
}

/* Looks where the messages are now.  0, or -1 with errno. */
static int
mailbox_refresh(struct mailbox *mb)
{
	if (mb->count == 0)
		return (0);
	return (maildir_each(mb->spoolfd, mb->user, mailbox_refresh_one, mb));
}

/*
 * Removes from one directory what is marked: how many could not be removed
 * or synced.  Those that are not where they were expected are counted in
 * missing and keep their mark.
 */
static uint32_t
mailbox_unlink(struct mailbox *mb, int sub, uint32_t *missing)
{
	struct mailbox_message	*m;
	size_t			 i;
	uint32_t		 failed = 0;
	int			 fd, error, removed = 0;

	fd = maildir_open_sub(mb->spoolfd, mb->user, sub);
	error = errno;
	for (i = 0; i < mb->count; i++) {
		m = &mb->messages[i];
		if (!m->deleted || m->sub != sub)
			continue;
		if (fd != -1)
			error = unlinkat(fd, m->name, 0) == -1 ? errno : 0;
		if (error == ENOENT) {
			(*missing)++;
			continue;
		}
		m->deleted = 0;
		if (error == 0) {
			removed = 1;
			continue;
		}
		errno = error;
		log_warn("mailbox: %s: %s: unlink", mb->user, m->name);
		failed++;
	}
	if (removed && fsync(fd) == -1) {
		log_warn("mailbox: %s/%s: fsync", mb->user, maildir_sub[sub]);
		failed++;
	}
	if (fd != -1)
		close(fd);
	return (failed);
}

uint32_t
mailbox_update(struct mailbox *mb)
{
	uint32_t	 failed = 0, missing = 0;
	int		 sub;

	for (sub = 0; sub < MAILDIR_SUBS; sub++)
		failed += mailbox_unlink(mb, sub, &missing);
	if (missing == 0)
		return (failed);
	/*
	 * Others have moved some since: look once more.  Those that are
	 * missing even then are gone.
	 */
	if (mailbox_refresh(mb) == -1) {
		log_warn("mailbox: %s", mb->user);
		return (failed + missing);
	}
	for (sub = 0; sub < MAILDIR_SUBS; sub++)
		failed += mailbox_unlink(mb, sub, &missing);
	return (failed);
}

static int
mailbox_open_file(struct mailbox *mb, const struct mailbox_message *m)
{
	int	 dirfd, fd, saved;

	if ((dirfd = maildir_open_sub(mb->spoolfd, mb->user, m->sub)) == -1)
		return (-1);
	fd = openat(dirfd, m->name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	saved = errno;
	close(dirfd);
	errno = saved;
	return (fd);
}

struct mailbox_reader *
mailbox_read_open(struct mailbox *mb, uint32_t n, int64_t lines)
{
	struct mailbox_message	*m = &mb->messages[n - 1];
	struct mailbox_reader	*r;

	if ((r = malloc(sizeof(*r))) == NULL)
		return (NULL);
	memset(r, 0, offsetof(struct mailbox_reader, buf));
	r->pos = r->len = 0;
	r->convert = m->convert;
	r->lines = lines;
	r->in_header = 1;
	r->fd = mailbox_open_file(mb, m);
	if (r->fd == -1 && errno == ENOENT && mailbox_refresh(mb) == 0)
		r->fd = mailbox_open_file(mb, m);
	if (r->fd == -1) {
		free(r);
		return (NULL);
	}
	return (r);
}

/* An LF went out: is that all that was asked for? */
static void
mailbox_line_end(struct mailbox_reader *r)
{
	if (r->lines != MAILBOX_ALL) {
		if (!r->in_header) {
			if (--r->lines == 0)
				r->done = 1;
		} else if (r->linelen == 0) {
			r->in_header = 0;
			if (r->lines == 0)
				r->done = 1;
		}
	}
	r->linelen = 0;
}

/* 1 when there is a byte in the buffer, 0 at the end, -1 with errno. */
static int
mailbox_fill(struct mailbox_reader *r)
{
	ssize_t	 n;

	if (r->pos < r->len)
		return (1);
	do {
		n = read(r->fd, r->buf, sizeof(r->buf));
	} while (n == -1 && errno == EINTR);
	if (n <= 0)
		return (n);
	r->pos = 0;
	r->len = n;
	return (1);
}

ssize_t
mailbox_read(struct mailbox_reader *r, uint8_t *out, size_t outlen)
{
	size_t	 n = 0;
	int	 more;
	uint8_t	 c;

	while (n < outlen && !r->done) {
		if (r->lf_owed) {
			r->lf_owed = 0;
			out[n++] = '\n';
			mailbox_line_end(r);
			continue;
		}
		if ((more = mailbox_fill(r)) == -1)
			return (-1);
		if (more == 0)
			break;
		c = r->buf[r->pos++];
		if (c == '\n' && r->convert && !r->cr) {
			out[n++] = '\r';
			r->lf_owed = 1;
			continue;
		}
		out[n++] = c;
		r->cr = c == '\r';
		if (c == '\n')
			mailbox_line_end(r);
		else if (c != '\r')
			r->linelen++;
	}
	return (n);
}

void
mailbox_read_close(struct mailbox_reader *r)
{
	int	 saved = errno;

	if (r == NULL)
		return;
	close(r->fd);
	free(r);
	errno = saved;
}
