/* See LICENSE for the terms. */

/*
 * The logs of what was fetched, an account each, and what fetchd asks and
 * says of them.
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "deliver.h"
#include "deliver_internal.h"
#include "fetchlog.h"
#include "log.h"
#include "maildir.h"
#include "spoold.h"

/* Of a SPOOLD_SEEN message; a payload is below 16 KB. */
#define SEEN_SIZE	12288
#define SEEN_ROOM	256			/* for the entry in hand */

struct account_log {
	TAILQ_ENTRY(account_log) entry;
	char			*account;
	struct fetchlog		*log;
};
TAILQ_HEAD(account_logs, account_log);

struct seen {
	struct channel	*ch;
	uint32_t	 id;
	struct ibuf	*buf;
	int		 error;
};

static struct account_logs	 account_logs =
				    TAILQ_HEAD_INITIALIZER(account_logs);

/* The log of an account, opened once.  NULL with errno. */
struct fetchlog *
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

const struct conf_account *
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
	if (!deliver_is_open(&uid))
		deliver_drop_partial(&uid);
	return (0);
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
