/* See LICENSE for the terms. */

/*
 * Deliveries of fetched messages.  fetchd writes into a descriptor: of a
 * file in state/partial/, where the message can be continued after the line
 * dropped, else of one in tmp/.  At COMMIT the file is made durable, the log
 * of what was fetched decides, and the file is placed in the mailbox (M3,
 * M4).
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deliver.h"
#include "deliver_internal.h"
#include "fetchlog.h"
#include "local.h"
#include "log.h"
#include "maildir.h"
#include "spoold.h"

/* Open at once: fetchd's accounts in parallel, and room to spare. */
#define DELIVER_MAX	64
/* Space that is left to the queue's marks and the logs. */
#define DELIVER_RESERVE	(1024 * 1024)

struct delivery {
	TAILQ_ENTRY(delivery)	 entry;
	uint32_t		 id;		/* fetchd's */
	struct proto_uid	 uid;
	char			 user[PROTO_NAME_MAX];
	char			 key[MAILDIR_KEY_MAX + 1];
	int			 fd;		/* of file or partial */
	struct maildir_file	*file;		/* NULL while a partial */
	char			 path[DELIVER_PATH_MAX];
};
TAILQ_HEAD(deliveries, delivery);

static struct deliveries	 deliveries =
				    TAILQ_HEAD_INITIALIZER(deliveries);
static unsigned int		 ndeliveries;
/*
 * Deliveries that deliver_peer_down ended.  At shutdown fetchd is still
 * there, and what it says of them is no violation.
 */
static uint32_t			 ended[DELIVER_MAX];
static unsigned int		 nended;

int
deliver_string_ok(const char *s, size_t size)
{
	return (s[0] != '\0' && memchr(s, '\0', size) != NULL);
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

int
deliver_is_open(const struct proto_uid *uid)
{
	struct delivery	*d;

	TAILQ_FOREACH(d, &deliveries, entry)
		if (deliver_same_uid(&d->uid, uid))
			return (1);
	return (0);
}

int
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
	if (deliver_sync_partial(&d->uid, d->path, d->fd,
	    (uint64_t)st.st_size) == -1) {
		/* Its length may not be that of its data: not to be used. */
		log_warn("deliver: %s: fsync", d->path);
		deliver_discard(d);
		return;
	}
	log_debug("deliver: %s: %lld bytes kept", d->path,
	    (long long)st.st_size);
	deliver_free(d);
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

/* May it be delivered at all?  0, or an errno. */
static int
deliver_may_open(const struct proto_uid *uid)
{
	struct fetchlog	*log;
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
		deliver_drop_partial(uid);
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
		error = deliver_open_partial(d->path, sizeof(d->path),
		    msg->size, &d->fd, offset);
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

/* The log decides: 0, or an errno. */
static int
deliver_decide(struct delivery *d)
{
	struct fetchlog	*log;
	int		 error;

	if ((log = deliver_log(d->uid.account)) == NULL)
		return (errno);
	if (fetchlog_add(log, d->uid.uidvalidity, d->uid.uid, time(NULL),
	    d->key) == 0)
		return (0);
	error = errno;
	if (fetchlog_in_doubt(log, d->key)) {
		/* The next start may find it, and needs the file. */
		maildir_leave(d->file);
		d->file = NULL;
		d->fd = -1;
	}
	return (error);
}

/* 0 when the message is ours, durably; else an errno and it is not. */
static int
deliver_commit(struct delivery *d, uint64_t size)
{
	int	 error;

	if ((error = deliver_stage(d, size)) != 0 ||
	    (error = deliver_decide(d)) != 0)
		return (error);
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
