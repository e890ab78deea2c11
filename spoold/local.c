/* See LICENSE for the terms. */

/*
 * Local delivery.  For each local recipient that waits there is a file in
 * tmp/ with the message, synced; then the mark SENT goes into the queue; and
 * when that is durable the file is placed in the mailbox.  A crash in
 * between is settled by local_decided.
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <event.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local.h"
#include "log.h"
#include "maildir.h"
#include "queue.h"
#include "spoold.h"

/* A disk does not become less full for being tried more often. */
#define LOCAL_RETRY		60		/* seconds */
/* What one turn of the event loop does before others have theirs. */
#define LOCAL_TURN		64		/* envelopes looked at */
#define LOCAL_TURN_BYTES	(16 * 1024 * 1024)	/* copied */

/* Waits for its mark to become durable. */
struct local_delivery {
	TAILQ_ENTRY(local_delivery) entry;
	uint64_t		 id;
	uint32_t		 recipient;
	uint64_t		 size;
	char			*user;
	struct maildir_file	*file;
	int			 unmarked;	/* in doubt: mark again */
};
TAILQ_HEAD(local_deliveries, local_delivery);

/* Ids of messages. */
struct local_ids {
	uint64_t		*ids;
	size_t			 n;
	size_t			 cap;
};

static struct local_deliveries	 deliveries =
				    TAILQ_HEAD_INITIALIZER(deliveries);
static struct local_ids		 todo;	/* to be looked at */
static size_t			 done;	/* ... of these have been */
static struct local_ids		 retry;	/* when the timer comes */
static int			 missed;	/* all are to be looked at */
static struct event		 turn_event;
static struct event		 retry_event;

static void	 local_turn(void);
static void	 local_marked(void *, int);
static void	 local_tell(struct queue *, enum queue_event,
		    struct queue_info *);

static struct queue_watcher	 watcher = { .tell = local_tell };

static int
local_write(int fd, const void *data, size_t len)
{
	const uint8_t	*p = data;
	ssize_t		 n;

	while (len > 0) {
		if ((n = write(fd, p, len)) == -1) {
			if (errno == EINTR)
				continue;
			return (-1);
		}
		p += n;
		len -= n;
	}
	return (0);
}

static int
local_copy(int out, int in, off_t offset, uint64_t size)
{
	static uint8_t	 buf[65536];
	size_t		 want;
	ssize_t		 n;

	while (size > 0) {
		want = size < sizeof(buf) ? size : sizeof(buf);
		if ((n = pread(in, buf, want, offset)) == -1) {
			if (errno == EINTR)
				continue;
			return (-1);
		}
		if (n == 0) {
			errno = EIO;
			return (-1);
		}
		if (local_write(out, buf, n) == -1)
			return (-1);
		offset += n;
		size -= n;
	}
	return (0);
}

static void
local_free(struct local_delivery *d)
{
	if (d == NULL)
		return;
	if (d->file != NULL)
		maildir_discard(d->file);
	free(d->user);
	free(d);
}

static void
local_ids_add(struct local_ids *l, uint64_t id)
{
	uint64_t	*ids;
	size_t		 cap;

	if (l->n == l->cap) {
		cap = l->cap == 0 ? LOCAL_TURN : l->cap * 2;
		ids = reallocarray(l->ids, cap, sizeof(*ids));
		if (ids == NULL) {
			log_warn("local");
			missed = 1;
			local_retry_later();
			return;
		}
		l->ids = ids;
		l->cap = cap;
	}
	l->ids[l->n++] = id;
}

static void
local_tell(struct queue *q, enum queue_event event, struct queue_info *info)
{
	(void)q;
	if (event == QUEUE_NEW && (info->flags & QUEUE_INFO_LOCAL))
		local_ids_add(&todo, info->id);
}

/* All that is in the queue is to be looked at, and what comes. */
static void
local_watch(void)
{
	todo.n = retry.n = done = 0;
	missed = 0;
	queue_watch(spool_queue, &watcher);
}

/* The message is to be looked at again when the timer says so. */
static void
local_set_retry(uint64_t id)
{
	local_ids_add(&retry, id);
	local_retry_later();
}

static void
local_mark(struct local_delivery *d)
{
	d->unmarked = 0;
	queue_mark(spool_queue, d->id, d->recipient, RECIPIENT_SENT, 0,
	    "delivered to the mailbox", local_marked, d);
	spool_commit_soon();
}

static void
local_mark_again(void)
{
	struct local_delivery	*d;

	TAILQ_FOREACH(d, &deliveries, entry)
		if (d->unmarked)
			local_mark(d);
}

/* The mark is durable, or could not be made so. */
static void
local_marked(void *arg, int result)
{
	struct local_delivery	*d = arg;

	if (result != 0) {
		errno = result;
		log_warn("local: message %016llx: mark",
		    (unsigned long long)d->id);
	}
	if (result != 0 && queue_in_doubt(spool_queue)) {
		/* The next start may find the mark, and needs the file. */
		d->unmarked = 1;
		local_retry_later();
		return;
	}
	TAILQ_REMOVE(&deliveries, d, entry);
	if (result != 0) {
		local_set_retry(d->id);
		local_free(d);
		return;
	}
	log_info("msg id=%016llx event=delivered user=%s size=%" PRIu64,
	    (unsigned long long)d->id, d->user, d->size);
	if (maildir_place(d->file) == -1) {
		log_warn("local: message %016llx for %s stays in tmp",
		    (unsigned long long)d->id, d->user);
		local_retry_later();
	}
	d->file = NULL;
	local_free(d);
}

static int
local_in_flight(uint64_t id, uint32_t recipient)
{
	struct local_delivery	*d;

	TAILQ_FOREACH(d, &deliveries, entry)
		if (d->id == id && d->recipient == recipient)
			return (1);
	return (0);
}

/* RFC 5321 4.4: the final delivery says who the sender was. */
static int
local_return_path(int fd, const char *sender)
{
	if (local_write(fd, "Return-Path: <", 14) == -1 ||
	    local_write(fd, sender, strlen(sender)) == -1)
		return (-1);
	return (local_write(fd, ">\r\n", 3));
}

/* One recipient: 0 when it is on its way, or -1 with errno. */
static int
local_recipient(const struct envelope *env, uint32_t n, int body,
    off_t offset)
{
	struct local_delivery	*d;
	char			 key[MAILDIR_KEY_MAX + 1];
	int			 saved;

	if ((d = calloc(1, sizeof(*d))) == NULL ||
	    (d->user = strdup(env->recipients[n].user)) == NULL)
		goto fail;
	d->id = env->id;
	d->recipient = n;
	d->size = env->size;
	snprintf(key, sizeof(key), "q.%016llx.%u",
	    (unsigned long long)env->id, n);
	if ((d->file = maildir_create(spool_fd, d->user, key)) == NULL)
		goto fail;
	if (local_return_path(maildir_fd(d->file), env->sender) == -1 ||
	    local_copy(maildir_fd(d->file), body, offset, env->size) == -1 ||
	    maildir_sync(d->file) == -1)
		goto fail;
	TAILQ_INSERT_TAIL(&deliveries, d, entry);
	local_mark(d);
	return (0);
fail:
	saved = errno;
	local_free(d);
	errno = saved;
	return (-1);
}

static int
local_waits(const struct envelope *env, uint32_t n)
{
	return (env->recipients[n].user != NULL &&
	    env->recipients[n].state == RECIPIENT_WAITING &&
	    !local_in_flight(env->id, n));
}

/*
 * All local recipients of a message.  0, or -1 when it has to be looked at
 * again; adds the bytes written to *bytes.
 */
static int
local_message(uint64_t id, uint64_t *bytes)
{
	struct envelope	*env;
	off_t		 offset = 0;
	uint64_t	 size;
	uint32_t	 n;
	int		 body = -1, rv = 0;

	if ((env = queue_envelope(spool_queue, id)) == NULL) {
		if (errno == ENOENT)
			return (0);
		goto fail;
	}
	for (n = 0; n < env->nrecipients; n++) {
		if (!local_waits(env, n))
			continue;
		if (body == -1 && (body = queue_body(spool_queue, id, &offset,
		    &size)) == -1)
			goto fail;
		*bytes += env->size;
		if (local_recipient(env, n, body, offset) == 0)
			continue;
		log_warn("local: message %016llx for %s",
		    (unsigned long long)id, env->recipients[n].user);
		rv = -1;
	}
	if (body != -1)
		close(body);
	envelope_free(env);
	return (rv);
fail:
	log_warn("local: message %016llx", (unsigned long long)id);
	envelope_free(env);
	return (-1);
}

static void
local_turn_event(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	local_turn();
}

static void
local_turn_later(void)
{
	struct timeval	 tv = { 0, 0 };

	if (!evtimer_initialized(&turn_event))
		evtimer_set(&turn_event, local_turn_event, NULL);
	evtimer_add(&turn_event, &tv);
}

/* Looks at messages that were not looked at yet, a bounded number of them. */
static void
local_turn(void)
{
	uint64_t	 id, bytes = 0;
	unsigned int	 looked;

	for (looked = 0; looked < LOCAL_TURN && bytes <= LOCAL_TURN_BYTES &&
	    done < todo.n; looked++) {
		id = todo.ids[done++];
		if (local_message(id, &bytes) == -1)
			local_set_retry(id);
	}
	if (done < todo.n)
		local_turn_later();
	else
		todo.n = done = 0;
}

static void
local_retry_event(int fd, short events, void *arg)
{
	size_t	 i, n = retry.n;

	(void)fd;
	(void)events;
	(void)arg;
	if (maildir_retry() != 0)
		local_retry_later();
	local_mark_again();
	retry.n = 0;
	if (missed)
		local_watch();
	else
		for (i = 0; i < n; i++)
			local_ids_add(&todo, retry.ids[i]);
	local_deliver();
}

void
local_retry_later(void)
{
	struct timeval	 tv = { LOCAL_RETRY, 0 };

	if (!evtimer_initialized(&retry_event))
		evtimer_set(&retry_event, local_retry_event, NULL);
	if (!evtimer_pending(&retry_event, NULL))
		evtimer_add(&retry_event, &tv);
}

void
local_deliver(void)
{
	if (!queue_in_doubt(spool_queue))
		local_mark_again();
	if (watcher.queue != spool_queue)
		local_watch();
	/* The rest of an earlier turn takes the new ones with it. */
	if (evtimer_initialized(&turn_event) &&
	    evtimer_pending(&turn_event, NULL))
		return;
	local_turn();
}

int
local_decided(const char *key, void *arg)
{
	unsigned long long	 id;
	unsigned long		 n;
	char			*end;

	(void)arg;
	if (strncmp(key, "q.", 2) != 0)
		return (0);
	id = strtoull(key + 2, &end, 16);
	if (*end != '.')
		return (0);
	n = strtoul(end + 1, &end, 10);
	if (*end != '\0' || n > UINT32_MAX)
		return (0);
	return (queue_is_marked(spool_queue, id, n));
}
