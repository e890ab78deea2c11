/* See LICENSE for the terms. */

/*
 * Delivery into Maildirs, exactly once.
 *
 * The file in tmp/ of the spool is named "KEY,USER": a key has no comma, so
 * the first one parts them.  In new/ it becomes
 * "MTIME.KEY.relayd,S=size,W=size": the same for the same file whenever it
 * is placed, so that a placing which is repeated after a crash is seen.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "maildir.h"
#include "maildir_list.h"
#include "proto.h"

#define MAILDIR_HOST	".relayd"	/* ends the unique part of a name */

struct maildir_file {
	TAILQ_ENTRY(maildir_file) entry;	/* while it is in unplaced */
	int			 spoolfd;
	int			 fd;
	char			*user;
	char			*key;
	char			 path[sizeof("tmp/") + NAME_MAX];
};
TAILQ_HEAD(maildir_files, maildir_file);

/* Users whose directories this process knows to be durable. */
struct maildir_user {
	TAILQ_ENTRY(maildir_user) entry;
	char			*name;
};
TAILQ_HEAD(maildir_users, maildir_user);

/* Decided, but new/ could not take them (disk full). */
static struct maildir_files	 unplaced = TAILQ_HEAD_INITIALIZER(unplaced);
static struct maildir_users	 known = TAILQ_HEAD_INITIALIZER(known);

int
maildir_user_ok(const char *user)
{
	const unsigned char	*p;

	if (user[0] == '\0' || user[0] == '.' ||
	    strlen(user) >= PROTO_NAME_MAX)
		return (0);
	for (p = (const unsigned char *)user; *p != '\0'; p++)
		if (*p == '/' || *p < 0x20 || *p == 0x7f)
			return (0);
	return (1);
}

static int
maildir_key_ok(const char *key)
{
	const unsigned char	*p;

	if (key[0] == '\0' || key[0] == '.' || strlen(key) > MAILDIR_KEY_MAX)
		return (0);
	for (p = (const unsigned char *)key; *p != '\0'; p++)
		if (*p >= 0x80 ||
		    (!isalnum(*p) && *p != '-' && *p != '_' && *p != '.'))
			return (0);
	return (1);
}

static int
maildir_sync_dir(int spoolfd, const char *path)
{
	int	 fd, rv, saved;

	fd = openat(spoolfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return (-1);
	rv = fsync(fd);
	saved = errno;
	close(fd);
	errno = saved;
	return (rv);
}

static int
maildir_is_known(const char *user)
{
	struct maildir_user	*u;

	TAILQ_FOREACH(u, &known, entry)
		if (strcmp(u->name, user) == 0)
			return (1);
	return (0);
}

static void
maildir_set_known(const char *user)
{
	struct maildir_user	*u;

	/* Without memory for it the directories are only synced again. */
	if (maildir_is_known(user) || (u = malloc(sizeof(*u))) == NULL)
		return;
	if ((u->name = strdup(user)) == NULL) {
		free(u);
		return;
	}
	TAILQ_INSERT_TAIL(&known, u, entry);
}

/*
 * The Maildir of a user, durable.  What an earlier process made but had no
 * time to sync looks as if it had always been there: so each process syncs
 * the directories of a user once.
 */
static int
maildir_make(int spoolfd, const char *user)
{
	static const char *const	 subs[] = {
					    "", "/tmp", "/new", "/cur"
					 };
	char				 path[PATH_MAX];
	size_t				 i;
	int				 made = 0;

	for (i = 0; i < sizeof(subs) / sizeof(subs[0]); i++) {
		snprintf(path, sizeof(path), "mail/%s%s", user, subs[i]);
		if (mkdirat(spoolfd, path, 0700) == 0)
			made = 1;
		else if (errno != EEXIST)
			return (-1);
	}
	if (!made && maildir_is_known(user))
		return (0);
	snprintf(path, sizeof(path), "mail/%s", user);
	if (maildir_sync_dir(spoolfd, path) == -1 ||
	    maildir_sync_dir(spoolfd, "mail") == -1)
		return (-1);
	maildir_set_known(user);
	return (0);
}

static void
maildir_free(struct maildir_file *f)
{
	int	 saved = errno;

	if (f->fd != -1)
		close(f->fd);
	free(f->user);
	free(f->key);
	free(f);
	errno = saved;
}

/* What create, adopt and recover have in common: the names. */
static struct maildir_file *
maildir_new(int spoolfd, const char *user, const char *key)
{
	struct maildir_file	*f;

	if (!maildir_user_ok(user) || !maildir_key_ok(key)) {
		errno = EINVAL;
		return (NULL);
	}
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return (NULL);
	f->spoolfd = spoolfd;
	f->fd = -1;
	if ((f->user = strdup(user)) == NULL ||
	    (f->key = strdup(key)) == NULL) {
		maildir_free(f);
		return (NULL);
	}
	if ((size_t)snprintf(f->path, sizeof(f->path), "tmp/%s,%s", key,
	    user) >= sizeof(f->path)) {
		maildir_free(f);
		errno = ENAMETOOLONG;
		return (NULL);
	}
	return (f);
}

static int
maildir_in_tmp(const struct maildir_file *f)
{
	struct stat	 st;
	int		 saved = errno, rv;

	rv = fstatat(f->spoolfd, f->path, &st, AT_SYMLINK_NOFOLLOW);
	errno = saved;
	return (rv == 0);
}

struct maildir_file *
maildir_create(int spoolfd, const char *user, const char *key)
{
	struct maildir_file	*f;

	if ((f = maildir_new(spoolfd, user, key)) == NULL)
		return (NULL);
	if (maildir_make(spoolfd, user) == -1)
		goto fail;
	f->fd = openat(spoolfd, f->path,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->fd == -1)
		goto fail;
	return (f);
fail:
	maildir_free(f);
	return (NULL);
}

struct maildir_file *
maildir_adopt(int spoolfd, const char *path, int fd, const char *user,
    const char *key)
{
	struct maildir_file	*f;

	if ((f = maildir_new(spoolfd, user, key)) == NULL)
		return (NULL);
	if (maildir_make(spoolfd, user) == -1)
		goto fail;
	if (maildir_in_tmp(f)) {
		errno = EEXIST;
		goto fail;
	}
	if (renameat(spoolfd, path, spoolfd, f->path) == -1)
		goto fail;
	f->fd = fd;
	return (f);
fail:
	maildir_free(f);
	return (NULL);
}

int
maildir_fd(const struct maildir_file *f)
{
	return (f->fd);
}

int
maildir_sync(struct maildir_file *f)
{
	if (fsync(f->fd) == -1)
		return (-1);
	return (maildir_sync_dir(f->spoolfd, "tmp"));
}

void
maildir_leave(struct maildir_file *f)
{
	log_warnx("maildir: %s: left to the next start", f->path);
	maildir_free(f);
}

void
maildir_discard(struct maildir_file *f)
{
	int	 saved = errno;

	if (unlinkat(f->spoolfd, f->path, 0) == -1)
		log_warn("maildir: %s: unlink", f->path);
	maildir_free(f);
	errno = saved;
}

/* Renames it into new/ and makes that durable; f stays as it is. */
static int
maildir_rename(struct maildir_file *f)
{
	struct stat	 st;
	char		 dir[PATH_MAX], path[PATH_MAX];
	int		 rv;

	if (fstatat(f->spoolfd, f->path, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return (-1);
	snprintf(dir, sizeof(dir), "mail/%s/new", f->user);
	rv = snprintf(path, sizeof(path), "mail/%s/new/%lld.%s" MAILDIR_HOST
	    ",S=%lld,W=%lld", f->user, (long long)st.st_mtime, f->key,
	    (long long)st.st_size, (long long)st.st_size);
	if (rv < 0 || (size_t)rv >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	if (renameat(f->spoolfd, f->path, f->spoolfd, path) == -1) {
		/* Someone may have tidied the user's directory away. */
		if (errno != ENOENT ||
		    maildir_make(f->spoolfd, f->user) == -1 ||
		    renameat(f->spoolfd, f->path, f->spoolfd, path) == -1)
			return (-1);
	}
	return (maildir_sync_dir(f->spoolfd, dir));
}

int
maildir_place(struct maildir_file *f)
{
	if (f->fd != -1) {
		close(f->fd);
		f->fd = -1;
	}
	if (maildir_rename(f) == -1) {
		TAILQ_INSERT_TAIL(&unplaced, f, entry);
		return (-1);
	}
	maildir_free(f);
	return (0);
}

static int
maildir_match_key(int dirfd, int sub, const char *name, void *arg)
{
	const char	*key = arg;
	size_t		 keylen = strlen(key);

	(void)dirfd;
	(void)sub;
	name += strspn(name, "0123456789");
	if (*name++ != '.' || strncmp(name, key, keylen) != 0)
		return (0);
	name += keylen;
	if (maildir_unique_len(name) != sizeof(MAILDIR_HOST) - 1 ||
	    strncmp(name, MAILDIR_HOST, sizeof(MAILDIR_HOST) - 1) != 0)
		return (0);
	errno = EEXIST;
	return (-1);
}

/* 1 if the message is in the mailbox, 0 if not, -1 with errno. */
static int
maildir_is_placed(const struct maildir_file *f)
{
	if (maildir_each(f->spoolfd, f->user, maildir_match_key, f->key) == 0)
		return (0);
	return (errno == EEXIST ? 1 : -1);
}

/* Places it unless it is there: 1 if it was placed, 0 if not needed, -1. */
static int
maildir_place_once(struct maildir_file *f)
{
	char	 dir[PATH_MAX];
	int	 placed;

	if ((placed = maildir_is_placed(f)) == -1)
		return (-1);
	if (placed == 1) {
		/* Perhaps it is not in the directory durably yet. */
		snprintf(dir, sizeof(dir), "mail/%s/new", f->user);
		if (maildir_sync_dir(f->spoolfd, dir) == -1 ||
		    (unlinkat(f->spoolfd, f->path, 0) == -1 &&
		    errno != ENOENT))
			return (-1);
		return (0);
	}
	/* Where the directories cannot be made, the rename fails as well. */
	(void)maildir_make(f->spoolfd, f->user);
	return (maildir_rename(f) == -1 ? -1 : 1);
}

unsigned int
maildir_retry(void)
{
	struct maildir_file	*f, *next;
	unsigned int		 left = 0;

	TAILQ_FOREACH_SAFE(f, &unplaced, entry, next) {
		if (maildir_place_once(f) == -1) {
			left++;
			continue;
		}
		TAILQ_REMOVE(&unplaced, f, entry);
		maildir_free(f);
	}
	return (left);
}

/* The file that a name in tmp/ speaks of; NULL with EINVAL if of none. */
static struct maildir_file *
maildir_parse(int spoolfd, const char *name)
{
	char	 key[NAME_MAX + 1], *user;

	if (strlcpy(key, name, sizeof(key)) >= sizeof(key) ||
	    (user = strchr(key, ',')) == NULL) {
		errno = EINVAL;
		return (NULL);
	}
	*user++ = '\0';
	return (maildir_new(spoolfd, user, key));
}

/* A decided file of tmp/: 1 if it was placed, else 0; takes f over. */
static int
maildir_recover_decided(struct maildir_file *f)
{
	int	 placed;

	if ((placed = maildir_place_once(f)) == -1) {
		log_warn("maildir: %s: cannot be placed", f->path);
		TAILQ_INSERT_TAIL(&unplaced, f, entry);
		return (0);
	}
	log_info("maildir: %s: %s", f->path, placed ? "recovered" :
	    "was placed before");
	maildir_free(f);
	return (placed);
}

/* One file of tmp/: 1 if it was placed, else 0. */
static int
maildir_recover_file(int spoolfd, const char *name,
    int (*decided)(const char *, void *), void *arg)
{
	struct maildir_file	*f;
	char			 path[sizeof(f->path)];
	int			 verdict;

	if ((f = maildir_parse(spoolfd, name)) == NULL) {
		if (errno == ENOMEM) {
			log_warn("maildir: tmp/%s", name);
			return (0);
		}
		snprintf(path, sizeof(path), "tmp/%s", name);
		if (unlinkat(spoolfd, path, 0) == -1)
			log_warn("maildir: %s: unlink", path);
		return (0);
	}
	verdict = decided(f->key, arg);
	if (verdict == 1)
		return (maildir_recover_decided(f));
	if (verdict == 0) {
		log_debug("maildir: %s: not decided, removed", f->path);
		maildir_discard(f);
	} else {
		log_warnx("maildir: %s: cannot be decided now", f->path);
		maildir_free(f);
	}
	return (0);
}

int
maildir_recover(int spoolfd, int (*decided)(const char *key, void *),
    void *arg)
{
	DIR		*dir;
	struct dirent	*de;
	int		 fd, saved, placed = 0;

	fd = openat(spoolfd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return (-1);
	if ((dir = maildir_opendir(fd)) == NULL)
		return (-1);
	for (;;) {
		errno = 0;
		if ((de = readdir(dir)) == NULL)
			break;
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		placed += maildir_recover_file(spoolfd, de->d_name, decided,
		    arg);
	}
	saved = errno;
	if (saved == 0 && fsync(fd) == -1)
		saved = errno;
	closedir(dir);
	errno = saved;
	return (saved == 0 ? placed : -1);
}

struct maildir_totals {
	uint64_t	*messages;
	uint64_t	*bytes;
};

static int
maildir_count_one(int dirfd, int sub, const char *name, void *arg)
{
	struct maildir_totals	*t = arg;
	struct stat		 st;
	uint64_t		 size;

	(void)sub;
	if (!maildir_name_size(name, 'W', &size) &&
	    !maildir_name_size(name, 'S', &size)) {
		/* It may have been moved since: another will count it. */
		if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			return (0);
		size = st.st_size;
	}
	(*t->messages)++;
	*t->bytes += size;
	return (0);
}

int
maildir_count(int spoolfd, const char *user, uint64_t *messages,
    uint64_t *bytes)
{
	struct maildir_totals	 t;

	t.messages = messages;
	t.bytes = bytes;
	*messages = *bytes = 0;
	return (maildir_each(spoolfd, user, maildir_count_one, &t));
}
