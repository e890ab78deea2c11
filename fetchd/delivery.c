/* See LICENSE for the terms. */
/* The dialogue with spoold about fetched messages. */

#include <sys/types.h>
#include <sys/queue.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "delivery.h"
#include "log.h"

/*
 * With so many messages unread by spoold nothing more is forgotten for now:
 * a later window does it, and a queue without end would break the channel.
 */
#define FORGET_AHEAD	4096

enum delivery_state {
	DELIVERY_OPENING,	/* FETCHD_DELIVER_OPEN was sent */
	DELIVERY_OPEN,
	DELIVERY_COMMITTING,	/* FETCHD_DELIVER_COMMIT was sent */
	DELIVERY_ABANDONED	/* aborted before spoold had opened it */
};

struct delivery {
	TAILQ_ENTRY(delivery)	 entry;
	uint32_t		 id;
	enum delivery_state	 state;
	int			 fd;
	uint64_t		 size;		/* bytes in the file */
	delivery_ready_cb	*ready;
	delivery_done_cb	*done;
	void			*arg;
};

struct delivery_query {
	TAILQ_ENTRY(delivery_query) entry;
	uint32_t		 id;
	delivery_seen_cb	*seen;
	delivery_seen_end_cb	*end;
	void			*arg;
};

static TAILQ_HEAD(, delivery) deliveries = TAILQ_HEAD_INITIALIZER(deliveries);
static TAILQ_HEAD(, delivery_query) queries = TAILQ_HEAD_INITIALIZER(queries);

static struct delivery *
delivery_find(uint32_t id)
{
	struct delivery	*d;

	TAILQ_FOREACH(d, &deliveries, entry)
		if (d->id == id)
			return (d);
	return (NULL);
}

static struct delivery_query *
query_find(uint32_t id)
{
	struct delivery_query	*q;

	TAILQ_FOREACH(q, &queries, entry)
		if (q->id == id)
			return (q);
	return (NULL);
}

/* Never 0, and not in use after it wrapped round. */
static uint32_t
new_id(void)
{
	static uint32_t	 last;

	do {
		if (++last == 0)
			last = 1;
	} while (delivery_find(last) != NULL || query_find(last) != NULL);
	return (last);
}

static void
delivery_free(struct delivery *d)
{
	TAILQ_REMOVE(&deliveries, d, entry);
	if (d->fd != -1)
		close(d->fd);
	free(d);
}

static void
query_free(struct delivery_query *q)
{
	TAILQ_REMOVE(&queries, q, entry);
	free(q);
}

static int
to_spoold(uint32_t type, uint32_t id, const void *data, size_t len)
{
	return (channel_send(child_peer(PROC_SPOOLD), type, id, -1, data,
	    len));
}

struct delivery_query *
delivery_seen(const char *account, uint32_t uidvalidity,
    delivery_seen_cb *seen, delivery_seen_end_cb *end, void *arg)
{
	struct proto_account	 pa;
	struct delivery_query	*q;

	memset(&pa, 0, sizeof(pa));
	strlcpy(pa.account, account, sizeof(pa.account));
	pa.uidvalidity = uidvalidity;
	if ((q = calloc(1, sizeof(*q))) == NULL)
		return (NULL);
	q->id = new_id();
	q->seen = seen;
	q->end = end;
	q->arg = arg;
	if (to_spoold(FETCHD_SEEN, q->id, &pa, sizeof(pa)) == -1) {
		free(q);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&queries, q, entry);
	return (q);
}

void
delivery_seen_cancel(struct delivery_query *q)
{
	query_free(q);
}

void
delivery_forget(const char *account, uint32_t uidvalidity, const char *uid)
{
	struct proto_uid	 pu;

	if (channel_queued(child_peer(PROC_SPOOLD)) >= FORGET_AHEAD)
		return;
	memset(&pu, 0, sizeof(pu));
	strlcpy(pu.account, account, sizeof(pu.account));
	strlcpy(pu.uid, uid, sizeof(pu.uid));
	pu.uidvalidity = uidvalidity;
	to_spoold(FETCHD_FORGET, 0, &pu, sizeof(pu));
}

struct delivery *
delivery_open(const char *account, uint32_t uidvalidity, const char *uid,
    uint64_t size, int resumable, delivery_ready_cb *ready,
    delivery_done_cb *done, void *arg)
{
	struct proto_deliver	 pd;
	struct delivery		*d;

	memset(&pd, 0, sizeof(pd));
	strlcpy(pd.uid.account, account, sizeof(pd.uid.account));
	strlcpy(pd.uid.uid, uid, sizeof(pd.uid.uid));
	pd.uid.uidvalidity = uidvalidity;
	pd.size = size;
	pd.resumable = resumable != 0;
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return (NULL);
	d->id = new_id();
	d->fd = -1;
	d->ready = ready;
	d->done = done;
	d->arg = arg;
	if (to_spoold(FETCHD_DELIVER_OPEN, d->id, &pd, sizeof(pd)) == -1) {
		free(d);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&deliveries, d, entry);
	return (d);
}

int
delivery_write(struct delivery *d, const void *data, size_t len)
{
	const uint8_t	*p = data;
	ssize_t		 n;

	while (len > 0) {
		n = pwrite(d->fd, p, len, (off_t)d->size);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return (-1);
		p += n;
		len -= (size_t)n;
		d->size += (uint64_t)n;
	}
	return (0);
}

uint64_t
delivery_size(const struct delivery *d)
{
	return (d->size);
}

void
delivery_commit(struct delivery *d)
{
	/* A lost pipe is told of by delivery_peer_down. */
	to_spoold(FETCHD_DELIVER_COMMIT, d->id, &d->size, sizeof(d->size));
	d->state = DELIVERY_COMMITTING;
	close(d->fd);
	d->fd = -1;
}

static void
send_abort(uint32_t id, int keep)
{
	uint32_t	 flag = keep != 0;

	to_spoold(FETCHD_DELIVER_ABORT, id, &flag, sizeof(flag));
}

void
delivery_abort(struct delivery *d, int keep)
{
	if (d->state == DELIVERY_OPENING) {
		/* There is nothing to abort before spoold has opened it. */
		d->state = DELIVERY_ABANDONED;
		d->ready = NULL;
		d->done = NULL;
		return;
	}
	send_abort(d->id, keep);
	delivery_free(d);
}

void
delivery_detach(struct delivery *d)
{
	if (d->state == DELIVERY_COMMITTING)
		d->done = NULL;
	else
		delivery_abort(d, 0);
}

int
delivery_handle_seen(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct delivery_query	*q;
	struct ibuf		 buf;
	char			 uid[PROTO_UID_MAX];
	int64_t			 when;
	int			 r;

	(void)ch;
	(void)arg;
	if (imsg_get_ibuf(imsg, &buf) == -1)
		return (-1);
	q = query_find(imsg_get_id(imsg));
	while ((r = proto_seen_get(&buf, uid, sizeof(uid), &when)) == 0)
		if (q != NULL)
			q->seen(q->arg, uid, when);
	return (r == 1 ? 0 : -1);
}

int
delivery_handle_seen_end(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct delivery_query	*q, copy;
	uint32_t		 error;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &error, sizeof(error)) == -1)
		return (-1);
	if ((q = query_find(imsg_get_id(imsg))) == NULL)
		return (0);	/* cancelled meanwhile */
	copy = *q;
	query_free(q);
	copy.end(copy.arg, (int)error);
	return (0);
}

/* Over before it began: the callback is the last to know. */
static void
delivery_refused(struct delivery *d, int error)
{
	struct delivery	 copy = *d;

	delivery_free(d);
	if (copy.ready != NULL)
		copy.ready(copy.arg, error, 0);
}

int
delivery_handle_ready(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_deliver_ready	 ready;
	struct delivery			*d;
	int				 fd;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &ready, sizeof(ready)) == -1)
		return (-1);
	/* Each open has exactly one answer, so this one must be known. */
	if ((d = delivery_find(imsg_get_id(imsg))) == NULL ||
	    (d->state != DELIVERY_OPENING && d->state != DELIVERY_ABANDONED))
		return (-1);
	if (ready.error != 0) {
		delivery_refused(d, (int)ready.error);
		return (0);
	}
	fd = imsg_get_fd(imsg);
	if (fd == -1 || d->state == DELIVERY_ABANDONED) {
		if (fd != -1)
			close(fd);
		/* What was there before stays for its offset. */
		send_abort(d->id, ready.offset > 0);
		delivery_refused(d, EMFILE);
		return (0);
	}
	d->fd = fd;
	d->size = ready.offset;
	d->state = DELIVERY_OPEN;
	d->ready(d->arg, 0, ready.offset);
	return (0);
}

int
delivery_handle_done(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct delivery	*d, copy;
	uint32_t	 error;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &error, sizeof(error)) == -1 ||
	    (d = delivery_find(imsg_get_id(imsg))) == NULL ||
	    d->state != DELIVERY_COMMITTING)
		return (-1);
	copy = *d;
	delivery_free(d);
	if (copy.done != NULL)
		copy.done(copy.arg, (int)error);
	return (0);
}

void
delivery_peer_down(void)
{
	struct delivery		*d, copy;
	struct delivery_query	*q, qcopy;

	/* A callback may end others, so each turn begins anew. */
	while ((q = TAILQ_FIRST(&queries)) != NULL) {
		qcopy = *q;
		query_free(q);
		qcopy.end(qcopy.arg, EPIPE);
	}
	while ((d = TAILQ_FIRST(&deliveries)) != NULL) {
		copy = *d;
		delivery_free(d);
		if (copy.state == DELIVERY_OPENING && copy.ready != NULL)
			copy.ready(copy.arg, EPIPE, 0);
		else if (copy.done != NULL)
			copy.done(copy.arg, EPIPE);
	}
}
