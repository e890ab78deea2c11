/* See LICENSE for the terms. */

/*
 * Deliveries of fetched messages.  fetchd writes into a descriptor: of a
 * file in state/partial/, where the message can be continued after the line
 * dropped, else of one in tmp/.  At COMMIT the file is made durable, the log
 * of what was fetched decides, and the file is placed in the mailbox (M3,
 * M4).  Names of partials are "ACCOUNT.UIDVALIDITY.UID", keys of deliveries
 * "f.ACCOUNT.RANDOM", with what is not a letter, digit or '-' as "_XX".
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <ctype.h>
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

#include "child.h"
#include "deliver.h"
#include "fetchlog.h"
#include "local.h"
#include "log.h"
#include "maildir.h"
#include "spoold.h"

#define PARTIAL_DIR	"state/partial"
/* Open at once: fetchd's accounts in parallel, and room to spare. */
#define DELIVER_MAX	64
/* Space that is left to the queue's marks and the logs. */
#define DELIVER_RESERVE	(1024 * 1024)
/* A message that was not continued for so long will not be. */
#define PARTIAL_AGE_MAX	(30 * 24 * 60 * 60)	/* seconds */
/* Of a SPOOLD_SEEN message; a payload is below 16 KB. */
#define SEEN_SIZE	12288
#define SEEN_ROOM	256			/* for the entry in hand */

struct delivery {
	TAILQ_ENTRY(delivery)	 entry;
	uint32_t		 id;		/* fetchd's */
	struct proto_uid	 uid;
	char			 user[PROTO_NAME_MAX];
	char			 key[MAILDIR_KEY_MAX + 1];
	int			 fd;		/* of file or partial */
	struct maildir_file	*file;		/* NULL while a partial */
	char			 path[sizeof(PARTIAL_DIR "/") + NAME_MAX];
};
TAILQ_HEAD(deliveries, delivery);

struct account_log {
	TAILQ_ENTRY(account_log) entry;
	char			*account;
	struct fetchlog		*log;
};
TAILQ_HEAD(account_logs, account_log);

static struct deliveries	 deliveries =
				    TAILQ_HEAD_INITIALIZER(deliveries);
static unsigned int		 ndeliveries;
/*
 * Deliveries that deliver_peer_down ended.  At shutdown fetchd is still
 * there, and what it says of them is no violation.
 */
static uint32_t			 ended[DELIVER_MAX];
static unsigned int		 nended;
static struct account_logs	 account_logs =
				    TAILQ_HEAD_INITIALIZER(account_logs);

/* The log of an account, opened once.  NULL with errno. */
static struct fetchlog *
deliver_log(const char *account)
{
	struct account_log	*al;
	int			 saved;

	TAILQ_FOREACH(al, &account_logs, entry)
		if (strcmp(al->account, account) == 0)
			return (al->log);
	if ((al = calloc(1, sizeof(*al))) == NULL ||
	    (al->account = strdup(account)) == NULL ||
	    (al->log = fetchlog_open(spool_fd, account)) == NULL)
		goto fail;
	TAILQ_INSERT_TAIL(&account_logs, al, entry);
	return (al->log);
fail:
	saved = errno;
	if (al != NULL)
		free(al->account);
	free(al);
	errno = saved;
	return (NULL);
}

static const struct conf_account *
deliver_account(const char *name)
{
	const struct conf_account	*account;

	if (child_conf == NULL)
		return (NULL);
	TAILQ_FOREACH(account, &child_conf->accounts, entry)
		if (strcmp(account->name, name) == 0)
			return (account);
	return (NULL);
}

/* Appends to out, as letters, digits, '-' and "_XX".  0, or -1 if full. */
static int
deliver_escape(char *out, size_t outlen, const char *in)
{
	size_t	 n = strlen(out);

	for (; *in != '\0'; in++) {
		if (n + 4 > outlen)
			return (-1);
		if (*in > 0 && (isalnum((unsigned char)*in) || *in == '-'))
			out[n++] = *in;
		else
			n += snprintf(out + n, outlen - n, "_%02x",
			    (unsigned char)*in);
		out[n] = '\0';
	}
	return (0);
}

/* The reverse, up to a '.' or the end.  0, or -1 if it is none. */
static int
deliver_unescape(char *out, size_t outlen, const char *in)
{
	unsigned int	 c;
	size_t		 n = 0;

	for (; *in != '\0' && *in != '.'; in++) {
		if (n + 1 >= outlen)
			return (-1);
		if (*in != '_') {
			out[n++] = *in;
			continue;
		}
		if (!isxdigit((unsigned char)in[1]) ||
		    !isxdigit((unsigned char)in[2]) ||
		    sscanf(in + 1, "%2x", &c) != 1)
			return (-1);
		out[n++] = c;
		in += 2;
	}
	out[n] = '\0';
	return (0);
}

/* Where the partial of a message is.  0, or -1 when no name can be made. */
static int
deliver_partial_path(const struct proto_uid *uid, char *path, size_t len)
{
	char	 name[NAME_MAX + 1] = "", validity[16];

	snprintf(validity, sizeof(validity), ".%u.", uid->uidvalidity);
	if (deliver_escape(name, sizeof(name), uid->account) == -1 ||
	    strlcat(name, validity, sizeof(name)) >= sizeof(name) ||
	    deliver_escape(name, sizeof(name), uid->uid) == -1)
		return (-1);
	snprintf(path, len, PARTIAL_DIR "/%s", name);
	return (0);
}

/*
 * The key of a new delivery.  It begins with the account, so that a file in
 * tmp/ can be decided when the account is not configured any more.  0, or -1
 * with errno.
 */
static int
deliver_key(const char *account, char *key, size_t len)
{
	char		 unique[20];
	uint64_t	 r;

	arc4random_buf(&r, sizeof(r));
	snprintf(unique, sizeof(unique), ".%016" PRIx64, r);
	strlcpy(key, "f.", len);
	if (deliver_escape(key, len, account) == -1 ||
	    strlcat(key, unique, len) >= len) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	return (0);
}

static struct delivery *
deliver_find(uint32_t id)
{
	struct delivery	*d;

	TAILQ_FOREACH(d, &deliveries, entry)
		if (d->id == id)
			return (d);
	return (NULL);
}

/* 1 if that delivery was ended by us, and forgets it; else 0. */
static int
deliver_was_ended(uint32_t id)
{
	unsigned int	 i;

	for (i = 0; i < nended; i++)
		if (ended[i] == id) {
			ended[i] = ended[--nended];
			return (1);
		}
	return (0);
}

static int
deliver_same_uid(const struct proto_uid *a, const struct proto_uid *b)
{
	return (a->uidvalidity == b->uidvalidity &&
	    strcmp(a->account, b->account) == 0 &&
	    strcmp(a->uid, b->uid) == 0);
}

static int
deliver_is_open(const struct proto_uid *uid)
{
	struct delivery	*d;

	TAILQ_FOREACH(d, &deliveries, entry)
		if (deliver_same_uid(&d->uid, uid))
			return (1);
	return (0);
}

static int
deliver_path_is_open(const char *path)
{
	struct delivery	*d;

	TAILQ_FOREACH(d, &deliveries, entry)
		if (strcmp(d->path, path) == 0)
			return (1);
	return (0);
}

/* The struct and the descriptor; the file is settled already. */
static void
deliver_free(struct delivery *d)
{
	if (d->path[0] != '\0' && d->fd != -1)
		close(d->fd);
	TAILQ_REMOVE(&deliveries, d, entry);
	ndeliveries--;
	free(d);
}

static void
deliver_unlink(const char *path)
{
	if (unlinkat(spool_fd, path, 0) == -1 && errno != ENOENT)
		log_warn("deliver: %s: unlink", path);
}

/* Nothing of it is kept. */
static void
deliver_discard(struct delivery *d)
{
	int	 saved = errno;

	if (d->file != NULL) {
		maildir_discard(d->file);
		d->file = NULL;
		d->fd = -1;
	} else if (d->path[0] != '\0')
		deliver_unlink(d->path);
	deliver_free(d);
	errno = saved;
}

static int
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

/* What is there of it is made durable, to be continued. */
static void
deliver_keep(struct delivery *d)
{
	struct stat	 st;

	if (d->file != NULL) {
		deliver_discard(d);
		return;
	}
	if (d->fd == -1) {
		deliver_free(d);
		return;
	}
	if (fstat(d->fd, &st) == -1 || st.st_size == 0) {
		deliver_discard(d);
		return;
	}
	if (fsync(d->fd) == -1 || deliver_sync_partials() == -1) {
		/* Its length may not be that of its data: not to be used. */
		log_warn("deliver: %s: fsync", d->path);
		deliver_discard(d);
		return;
	}
	log_debug("deliver: %s: %lld bytes kept", d->path,
	    (long long)st.st_size);
	deliver_free(d);
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
static void
deliver_drop_stale(const char *account, uint32_t uidvalidity)
{
	char		 prefix[NAME_MAX + 1] = "";
	char		 path[sizeof(PARTIAL_DIR "/") + NAME_MAX];
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

struct seen {
	struct channel	*ch;
	uint32_t	 id;
	struct ibuf	*buf;
	int		 error;
};

static void
deliver_seen_flush(struct seen *seen)
{
	if (seen->buf == NULL || ibuf_size(seen->buf) == 0)
		return;
	if (channel_send_ibuf(seen->ch, SPOOLD_SEEN, seen->id, -1,
	    seen->buf) == -1)
		seen->error = errno;
	seen->buf = NULL;
}

static void
deliver_seen_one(const char *uid, int64_t when, void *arg)
{
	struct seen	*seen = arg;

	if (seen->error != 0)
		return;
	if (seen->buf == NULL)
		seen->buf = ibuf_dynamic(SEEN_SIZE, SEEN_SIZE);
	if (seen->buf == NULL || proto_seen_add(seen->buf, uid, when) == -1) {
		seen->error = errno;
		return;
	}
	if (ibuf_size(seen->buf) > SEEN_SIZE - SEEN_ROOM)
		deliver_seen_flush(seen);
}

static int
deliver_string_ok(const char *s, size_t size)
{
	return (s[0] != '\0' && memchr(s, '\0', size) != NULL);
}

int
deliver_handle_seen(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_account	 a;
	struct fetchlog		*log;
	struct seen		 seen;
	uint32_t		 error = 0;

	(void)arg;
	if (imsg_get_data(imsg, &a, sizeof(a)) == -1 ||
	    !deliver_string_ok(a.account, sizeof(a.account)))
		return (-1);
	memset(&seen, 0, sizeof(seen));
	seen.ch = ch;
	seen.id = imsg_get_id(imsg);
	if (deliver_account(a.account) == NULL)
		error = ENOENT;
	else if ((log = deliver_log(a.account)) == NULL) {
		error = errno;
		log_warn("deliver: log of %s", a.account);
	} else {
		deliver_drop_stale(a.account, a.uidvalidity);
		fetchlog_each(log, a.uidvalidity, deliver_seen_one, &seen);
		if (seen.error == 0)
			deliver_seen_flush(&seen);
		error = seen.error;
	}
	ibuf_free(seen.buf);
	channel_send(ch, SPOOLD_SEEN_END, imsg_get_id(imsg), -1, &error,
	    sizeof(error));
	return (0);
}

int
deliver_handle_forget(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_uid	 uid;
	struct fetchlog		*log;
	char			 path[sizeof(PARTIAL_DIR "/") + NAME_MAX];

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &uid, sizeof(uid)) == -1 ||
	    !deliver_string_ok(uid.account, sizeof(uid.account)) ||
	    !deliver_string_ok(uid.uid, sizeof(uid.uid)))
		return (-1);
	if (deliver_account(uid.account) == NULL)
		return (0);
	/* The record of what is still in tmp/ must not go: it decides. */
	if (maildir_retry() == 0 &&
	    ((log = deliver_log(uid.account)) == NULL ||
	    (fetchlog_forget(log, uid.uidvalidity, uid.uid) == -1 &&
	    errno != ENOENT)))
		log_warn("deliver: log of %s", uid.account);
	if (!deliver_is_open(&uid) &&
	    deliver_partial_path(&uid, path, sizeof(path)) == 0)
		deliver_unlink(path);
	return (0);
}

/* RFC 1939 7: what a uid may be of; the log keeps them a line each. */
static int
deliver_uid_ok(const char *uid)
{
	for (; *uid != '\0'; uid++)
		if (*uid <= 0x20 || *uid >= 0x7f)
			return (0);
	return (1);
}

/* M5: upstream keeps what there is no room for.  0, or an errno. */
static int
deliver_room(uint64_t bytes)
{
	struct statvfs	 fs;

	/* Where the system cannot tell, writing will. */
	if (fstatvfs(spool_fd, &fs) == -1)
		return (0);
	if ((uint64_t)fs.f_bavail * fs.f_frsize < DELIVER_RESERVE ||
	    (uint64_t)fs.f_bavail * fs.f_frsize - DELIVER_RESERVE < bytes)
		return (ENOSPC);
	return (0);
}

/* A file that can be continued.  0 with what is there, or an errno. */
static int
deliver_open_partial(struct delivery *d, uint64_t size, uint64_t *offset)
{
	struct stat	 st;

	d->fd = openat(spool_fd, d->path, O_RDWR | O_CREAT | O_APPEND |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (d->fd == -1)
		return (errno);
	if (fstat(d->fd, &st) == -1)
		return (errno);
	if (!S_ISREG(st.st_mode))
		return (EINVAL);
	/* Longer than the message is: it is of something else. */
	if (size != 0 && (uint64_t)st.st_size > size) {
		if (ftruncate(d->fd, 0) == -1)
			return (errno);
		st.st_size = 0;
	}
	*offset = st.st_size;
	return (0);
}

/* May it be delivered at all?  0, or an errno. */
static int
deliver_may_open(const struct proto_uid *uid)
{
	struct fetchlog	*log;
	char		 path[sizeof(PARTIAL_DIR "/") + NAME_MAX];
	int64_t		 when;

	if (deliver_account(uid->account) == NULL)
		return (ENOENT);
	if (!deliver_uid_ok(uid->uid))
		return (EINVAL);
	if (deliver_is_open(uid))
		return (EBUSY);
	if (ndeliveries >= DELIVER_MAX)
		return (EAGAIN);
	if ((log = deliver_log(uid->account)) == NULL)
		return (errno);
	if (fetchlog_find(log, uid->uidvalidity, uid->uid, &when)) {
		if (deliver_partial_path(uid, path, sizeof(path)) == 0)
			deliver_unlink(path);
		return (EEXIST);
	}
	return (0);
}

/* The file of a new delivery.  0 with what is there, or an errno. */
static int
deliver_open_file(struct delivery *d, const struct proto_deliver *msg,
    uint64_t *offset)
{
	int	 error;

	if (deliver_key(d->uid.account, d->key, sizeof(d->key)) == -1)
		return (errno);
	if (msg->resumable &&
	    deliver_partial_path(&d->uid, d->path, sizeof(d->path)) == 0) {
		deliver_drop_stale(d->uid.account, d->uid.uidvalidity);
		error = deliver_open_partial(d, msg->size, offset);
		if (error != 0)
			return (error);
	} else {
		d->path[0] = '\0';
		d->file = maildir_create(spool_fd, d->user, d->key);
		if (d->file == NULL)
			return (errno);
		d->fd = maildir_fd(d->file);
	}
	return (deliver_room(msg->size > *offset ? msg->size - *offset : 0));
}

/* 0 with the delivery and how much is there, or an errno. */
static int
deliver_open(const struct proto_deliver *msg, uint32_t id,
    struct delivery **dp, uint64_t *offset)
{
	struct delivery	*d;
	int		 error;

	*dp = NULL;
	*offset = 0;
	if ((error = deliver_may_open(&msg->uid)) != 0)
		return (error);
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return (errno);
	d->id = id;
	d->fd = -1;
	d->uid = msg->uid;
	strlcpy(d->user, deliver_account(msg->uid.account)->user,
	    sizeof(d->user));
	TAILQ_INSERT_TAIL(&deliveries, d, entry);
	ndeliveries++;
	if ((error = deliver_open_file(d, msg, offset)) != 0) {
		/* A partial was paid for: it is not thrown away for this. */
		*offset = 0;
		deliver_keep(d);
		return (error);
	}
	*dp = d;
	return (0);
}

int
deliver_handle_open(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_deliver		 msg;
	struct proto_deliver_ready	 ready;
	struct delivery			*d;
	int				 fd = -1;

	(void)arg;
	if (imsg_get_data(imsg, &msg, sizeof(msg)) == -1 ||
	    !deliver_string_ok(msg.uid.account, sizeof(msg.uid.account)) ||
	    !deliver_string_ok(msg.uid.uid, sizeof(msg.uid.uid)) ||
	    deliver_find(imsg_get_id(imsg)) != NULL)
		return (-1);
	(void)deliver_was_ended(imsg_get_id(imsg));
	memset(&ready, 0, sizeof(ready));
	ready.error = deliver_open(&msg, imsg_get_id(imsg), &d,
	    &ready.offset);
	if (d != NULL && (fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0)) == -1) {
		ready.error = errno;
		ready.offset = 0;
		deliver_keep(d);
	}
	if (ready.error != 0 && ready.error != EEXIST) {
		errno = ready.error;
		log_warn("deliver: account=%s", msg.uid.account);
	}
	channel_send(ch, SPOOLD_DELIVER_READY, imsg_get_id(imsg), fd, &ready,
	    sizeof(ready));
	return (0);
}

/* The file of a delivery is in tmp/ and durable.  0, or an errno. */
static int
deliver_stage(struct delivery *d, uint64_t size)
{
	struct stat	 st;

	if (fstat(d->fd, &st) == -1)
		return (errno);
	if ((uint64_t)st.st_size != size) {
		log_warnx("deliver: account=%s uid=%s: %lld bytes instead of "
		    "%" PRIu64, d->uid.account, d->uid.uid,
		    (long long)st.st_size, size);
		return (EIO);
	}
	if (d->file == NULL) {
		d->file = maildir_adopt(spool_fd, d->path, d->fd, d->user,
		    d->key);
		if (d->file == NULL)
			return (errno);
		d->path[0] = '\0';
	}
	return (maildir_sync(d->file) == -1 ? errno : 0);
}

/* 0 when the message is ours, durably; else an errno and it is not. */
static int
deliver_commit(struct delivery *d, uint64_t size)
{
	struct fetchlog	*log;
	int		 error;

	if ((error = deliver_stage(d, size)) != 0)
		return (error);
	if ((log = deliver_log(d->uid.account)) == NULL ||
	    fetchlog_add(log, d->uid.uidvalidity, d->uid.uid, time(NULL),
	    d->key) == -1)
		return (errno);
	log_info("msg event=fetched account=%s user=%s uid=%s size=%" PRIu64,
	    d->uid.account, d->user, d->uid.uid, size);
	if (maildir_place(d->file) == -1) {
		/* Ours all the same: it is decided, and stays in tmp/. */
		log_warn("deliver: account=%s uid=%s stays in tmp",
		    d->uid.account, d->uid.uid);
		local_retry_later();
	} else
		log_info("msg event=delivered account=%s user=%s uid=%s size=%"
		    PRIu64, d->uid.account, d->user, d->uid.uid, size);
	d->file = NULL;
	d->fd = -1;
	deliver_free(d);
	return (0);
}

int
deliver_handle_commit(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct delivery	*d;
	uint64_t	 size;
	uint32_t	 error;

	(void)arg;
	if (imsg_get_data(imsg, &size, sizeof(size)) == -1)
		return (-1);
	if ((d = deliver_find(imsg_get_id(imsg))) == NULL) {
		if (!deliver_was_ended(imsg_get_id(imsg)))
			return (-1);
		error = ECANCELED;
	} else if ((error = deliver_commit(d, size)) != 0) {
		errno = error;
		log_warn("deliver: account=%s uid=%s", d->uid.account,
		    d->uid.uid);
		deliver_discard(d);
	}
	channel_send(ch, SPOOLD_DELIVER_DONE, imsg_get_id(imsg), -1, &error,
	    sizeof(error));
	return (0);
}

int
deliver_handle_abort(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct delivery	*d;
	uint32_t	 keep;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &keep, sizeof(keep)) == -1)
		return (-1);
	if ((d = deliver_find(imsg_get_id(imsg))) == NULL)
		return (deliver_was_ended(imsg_get_id(imsg)) ? 0 : -1);
	if (keep)
		deliver_keep(d);
	else
		deliver_discard(d);
	return (0);
}

void
deliver_peer_down(void)
{
	struct delivery	*d;

	nended = 0;
	while ((d = TAILQ_FIRST(&deliveries)) != NULL) {
		ended[nended++] = d->id;
		deliver_keep(d);
	}
}

int
deliver_decided(const char *key, void *arg)
{
	struct fetchlog	*log;
	char		 account[PROTO_NAME_MAX];

	(void)arg;
	if (strncmp(key, "f.", 2) != 0 ||
	    deliver_unescape(account, sizeof(account), key + 2) == -1 ||
	    account[0] == '\0')
		return (0);
	if ((log = deliver_log(account)) == NULL) {
		log_warn("deliver: log of %s", account);
		return (-1);
	}
	return (fetchlog_has_key(log, key));
}
