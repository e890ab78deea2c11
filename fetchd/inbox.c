/* See LICENSE for the terms. */
/* One mailbox upstream. */

#include <sys/types.h>
#include <sys/queue.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf.h"
#include "decimal.h"
#include "delivery.h"
#include "inbox.h"
#include "known.h"
#include "log.h"
#include "lost.h"

/* Of what is asked for and has not come, in bytes. */
#define AHEAD_MIN	8192
#define AHEAD_MAX	65536
/* Less than this is fetched again sooner than it is looked after. */
#define KEEP_MIN	4096		/* bytes */
/*
 * Upstreams tell wrong sizes, some by a line end a line; but what has no end
 * must not fill the spool.
 */
#define SIZE_SLACK	1048576		/* bytes above twice the size */

/*
 * Messages that broke a session, the newest of them: a few are known for as
 * long as the process lives, which is enough to get by them.
 */
#define SUSPECTS	64

static struct suspect {
	char		 account[PROTO_NAME_MAX];
	uint32_t	 uidvalidity;
	char		 uid[PROTO_UID_MAX];
} suspects[SUSPECTS];
static unsigned int	 nsuspects;	/* ever */

void
inbox_init(struct inbox *ib, const char *account, uint64_t keep)
{
	memset(ib, 0, sizeof(*ib));
	ib->account = account;
	ib->keep = keep;
	ib->resumable = UINT64_MAX;
	ib->files = INBOX_FILES;
	TAILQ_INIT(&ib->active);
	TAILQ_INIT(&ib->committing);
	TAILQ_INIT(&ib->doomed);
}

static void
list_free(struct inbox *ib)
{
	size_t	 i;

	for (i = 0; i < ib->count; i++)
		free(ib->list[i].uid);
	free(ib->list);
	ib->list = NULL;
	ib->count = ib->allocated = ib->next = 0;
}

void
inbox_free(struct inbox *ib)
{
	struct message	*m;

	inbox_interrupt(ib);
	TAILQ_FOREACH(m, &ib->committing, entry)
		delivery_detach(m->delivery);
	list_free(ib);
	inbox_init(ib, NULL, 0);
}

void
inbox_renew(struct inbox *ib)
{
	inbox_interrupt(ib);
	list_free(ib);
	TAILQ_INIT(&ib->doomed);
	ib->ndoomed = 0;
	ib->incomplete = 0;
	ib->todo = 0;
	ib->todo_bytes = 0;
}

void
inbox_incomplete(struct inbox *ib)
{
	ib->incomplete = 1;
}

int
inbox_add(struct inbox *ib, uint32_t number, const char *uid, uint64_t size)
{
	struct message	*m;
	size_t		 n;

	if (ib->count == INBOX_MESSAGES) {
		inbox_incomplete(ib);
		errno = E2BIG;
		return (-1);
	}
	if (ib->count == ib->allocated) {
		n = ib->allocated == 0 ? 64 : ib->allocated * 2;
		m = recallocarray(ib->list, ib->allocated, n, sizeof(*m));
		if (m == NULL)
			return (-1);
		ib->list = m;
		ib->allocated = n;
	}
	m = &ib->list[ib->count];
	if (uid != NULL && (m->uid = strdup(uid)) == NULL)
		return (-1);
	m->inbox = ib;
	m->number = number;
	m->size = size;
	ib->count++;
	return (0);
}

static int
by_number(const void *a, const void *b)
{
	const struct message	*x = a, *y = b;

	return (x->number < y->number ? -1 : x->number > y->number);
}

static int
by_uid(const void *a, const void *b)
{
	const struct message	*x = a, *y = b;

	if (x->uid == NULL || y->uid == NULL)
		return (by_number(a, b));
	return (strcmp(x->uid, y->uid));
}

static int
by_size(const void *a, const void *b)
{
	const struct message	*x = a, *y = b;

	if (x->suspect != y->suspect)
		return (x->suspect ? 1 : -1);
	if (x->size != y->size)
		return (x->size < y->size ? -1 : 1);
	return (by_number(a, b));
}

void
inbox_by_number(struct inbox *ib)
{
	if (ib->count > 0)
		qsort(ib->list, ib->count, sizeof(*ib->list), by_number);
}

/* A number given twice counts once: the first of them stays. */
void
inbox_listed(struct inbox *ib)
{
	size_t	 i, n = 0;

	inbox_by_number(ib);
	for (i = 0; i < ib->count; i++) {
		if (n > 0 && ib->list[n - 1].number == ib->list[i].number) {
			free(ib->list[i].uid);
			continue;
		}
		ib->list[n++] = ib->list[i];
	}
	ib->count = n;
}

struct message *
inbox_find(struct inbox *ib, uint32_t number)
{
	struct message	 key = { .number = number };

	if (ib->count == 0)
		return (NULL);
	return (bsearch(&key, ib->list, ib->count, sizeof(key), by_number));
}

/*
 * RFC 1939 7 lets a server give copies of a message one unique id.  Which
 * of them is ours cannot be told then, so none of them is deleted.
 */
static void
mark_ambiguous(struct inbox *ib)
{
	size_t	 i, n = 0;

	for (i = 1; i < ib->count; i++) {
		if (by_uid(&ib->list[i - 1], &ib->list[i]) != 0)
			continue;
		n++;
		ib->list[i - 1].ambiguous = 1;
		ib->list[i].ambiguous = 1;
		/* One copy is enough. */
		ib->list[i].state = MESSAGE_SEEN;
	}
	if (n > 0)
		log_warnx("account name=%s: %zu messages have the unique id of "
		    "another, and are not deleted upstream", ib->account, n);
}

static struct message *
find_uid(struct inbox *ib, const char *uid)
{
	struct message	 key = { .uid = NULL };
	const char	*p = uid;
	char		 copy[PROTO_UID_MAX];
	uint64_t	 n;

	if (ib->count == 0)
		return (NULL);
	if (ib->list[0].uid == NULL) {
		if (decimal_take(&p, uid + strlen(uid), UINT32_MAX, &n) == -1 ||
		    *p != '\0')
			return (NULL);
		key.number = (uint32_t)n;
	} else {
		strlcpy(copy, uid, sizeof(copy));
		key.uid = copy;
	}
	return (bsearch(&key, ib->list, ib->count, sizeof(key), by_uid));
}

/* All messages of that uid: with copies upstream there may be several. */
static void
seen_one(void *arg, const char *uid, int64_t when)
{
	struct inbox	*ib = arg;
	struct message	*m, *end = ib->list + ib->count, *found;

	if ((found = find_uid(ib, uid)) == NULL) {
		if (!ib->incomplete)
			delivery_forget(ib->account, ib->uidvalidity, uid);
		return;
	}
	for (m = found; m > ib->list && by_uid(m - 1, found) == 0; m--)
		;
	for (; m < end && by_uid(m, found) == 0; m++) {
		m->state = MESSAGE_SEEN;
		m->when = when;
	}
}

/* What spoold means by an error. */
static const char *
spool_error(int error, char buf[PROTO_TEXT_MAX])
{
	if (error == EPIPE)
		return ("the spool is gone");
	snprintf(buf, PROTO_TEXT_MAX, "spool: %s", strerror(error));
	return (buf);
}

static void
inbox_fail(struct inbox *ib, int error, const char *why)
{
	ib->failed++;
	if (error == EPIPE)
		ib->broken = 1;
	if (error == ENOSPC || error == EDQUOT)
		ib->full = 1;
	if (ib->error != 0)
		return;
	ib->error = error;
	strlcpy(ib->text, why, sizeof(ib->text));
}

static void
seen_end(void *arg, int error)
{
	struct inbox	*ib = arg;
	char		 why[PROTO_TEXT_MAX];

	ib->query = NULL;
	if (error != 0) {
		/* Not to know what is ours is to fetch nothing. */
		inbox_fail(ib, error, spool_error(error, why));
		ib->broken = 1;
		ib->wake(ib->arg);
		return;
	}
	ib->compared(ib->compared_arg);
}

int
inbox_compare(struct inbox *ib, uint32_t uidvalidity)
{
	/* What spoold keeps apart; it need not know why. */
	ib->uidvalidity = uidvalidity ^ ib->mailbox;
	if (ib->count > 0)
		qsort(ib->list, ib->count, sizeof(*ib->list), by_uid);
	mark_ambiguous(ib);
	ib->query = delivery_seen(ib->account, ib->uidvalidity, seen_one,
	    seen_end, ib);
	return (ib->query == NULL ? -1 : 0);
}

void
inbox_each_new(struct inbox *ib, void (*fn)(struct message *, void *),
    void *arg)
{
	size_t	 i;

	inbox_by_number(ib);
	for (i = 0; i < ib->count; i++)
		if (ib->list[i].state == MESSAGE_NEW)
			fn(&ib->list[i], arg);
}

/* May upstream's copy go, that was fetched at m->when? */
static void
consider_deletion(struct message *m)
{
	struct inbox	*ib = m->inbox;
	int64_t		 age = (int64_t)time(NULL) - m->when, due;

	if (m->ambiguous || ib->keep == KEEP_FOREVER)
		return;
	if (ib->keep != KEEP_NONE &&
	    (age < 0 || (uint64_t)age < ib->keep)) {
		due = ib->keep > (uint64_t)(INT64_MAX - m->when) ? INT64_MAX :
		    m->when + (int64_t)ib->keep;
		if (ib->due == 0 || due < ib->due)
			ib->due = due;
		return;
	}
	m->state = MESSAGE_DOOMED;
	TAILQ_INSERT_TAIL(&ib->doomed, m, entry);
	ib->ndoomed++;
}

static void	 message_ready(void *, int, uint64_t);
static void	 message_done(void *, int);

static void
message_open(struct message *m)
{
	struct inbox	*ib = m->inbox;
	char		 buf[16], why[PROTO_TEXT_MAX];
	const char	*uid = m->uid;

	if (uid == NULL) {
		snprintf(buf, sizeof(buf), "%u", m->number);
		uid = buf;
	}
	m->resumable = m->size > ib->resumable;
	m->delivery = delivery_open(ib->account, ib->uidvalidity, uid, m->size,
	    m->resumable, message_ready, message_done, m);
	if (m->delivery == NULL) {
		inbox_fail(ib, errno, spool_error(errno, why));
		m->state = MESSAGE_LEFT;
		return;
	}
	m->state = MESSAGE_OPENING;
	TAILQ_INSERT_TAIL(&ib->active, m, entry);
	ib->nactive++;
}

/* Opens the next deliveries, so that a request never waits for spoold. */
static void
inbox_fill(struct inbox *ib)
{
	struct message	*m;

	while (ib->planned && !ib->full && !ib->broken &&
	    ib->nactive < INBOX_REQUESTS &&
	    ib->nactive + ib->ncommitting < ib->files && ib->next < ib->count) {
		m = &ib->list[ib->next++];
		if (m->state == MESSAGE_NEW)
			message_open(m);
	}
}

static const char *
message_uid(const struct message *m, char *buf, size_t size)
{
	if (m->uid != NULL)
		return (m->uid);
	snprintf(buf, size, "%u", m->number);
	return (buf);
}

static int
is_suspect(const struct suspect *s, const struct message *m)
{
	char	 buf[16];

	return (s->uidvalidity == m->inbox->uidvalidity &&
	    strcmp(s->account, m->inbox->account) == 0 &&
	    strcmp(s->uid, message_uid(m, buf, sizeof(buf))) == 0);
}

static void
suspect_add(const struct message *m)
{
	struct suspect	*s;
	char		 buf[16];

	log_info("account name=%s event=suspect uid=%s size=%llu",
	    m->inbox->account, message_uid(m, buf, sizeof(buf)),
	    (unsigned long long)m->size);
	if (m->suspect)
		return;
	s = &suspects[nsuspects++ % SUSPECTS];
	s->uidvalidity = m->inbox->uidvalidity;
	strlcpy(s->account, m->inbox->account, sizeof(s->account));
	strlcpy(s->uid, message_uid(m, buf, sizeof(buf)), sizeof(s->uid));
}

static void
mark_suspects(struct inbox *ib)
{
	const struct suspect	*s;
	size_t			 i;

	for (s = suspects; s < suspects + SUSPECTS; s++) {
		if (strcmp(s->account, ib->account) != 0)
			continue;
		for (i = 0; i < ib->count; i++)
			if (is_suspect(s, &ib->list[i]))
				ib->list[i].suspect = 1;
	}
}

void
inbox_suspect(struct inbox *ib)
{
	struct message	*m, *first = NULL;

	/* The first that was asked for; of several at once, the lowest. */
	TAILQ_FOREACH(m, &ib->active, entry) {
		if (m->state != MESSAGE_COMING)
			continue;
		if (first == NULL || (first->group != 0 &&
		    m->group == first->group && m->number < first->number))
			first = m;
	}
	if (first != NULL)
		suspect_add(first);
}

void
inbox_plan(struct inbox *ib)
{
	struct message	*m;
	size_t		 i;

	mark_suspects(ib);
	if (ib->count > 0)
		qsort(ib->list, ib->count, sizeof(*ib->list), by_size);
	for (i = 0; i < ib->count; i++) {
		m = &ib->list[i];
		if (m->state == MESSAGE_NEW) {
			ib->todo++;
			ib->todo_bytes += m->size;
		} else if (m->state == MESSAGE_SEEN)
			consider_deletion(m);
	}
	ib->planned = 1;
	inbox_fill(ib);
}

static void
not_todo(struct message *m)
{
	struct inbox	*ib = m->inbox;

	ib->todo -= ib->todo > 0;
	ib->todo_bytes -= m->size < ib->todo_bytes ? m->size : ib->todo_bytes;
}

static void
not_active(struct message *m)
{
	TAILQ_REMOVE(&m->inbox->active, m, entry);
	m->inbox->nactive--;
}

static void
message_lost(const struct message *m, uint64_t bytes)
{
	char	 buf[16];

	lost_add(m->inbox->account, m->inbox->uidvalidity,
	    message_uid(m, buf, sizeof(buf)), m->again + bytes);
}

static void
log_left(const struct message *m, const char *why)
{
	char	 buf[16];

	log_info("account name=%s event=left uid=%s size=%llu error=\"%s\"",
	    m->inbox->account, message_uid(m, buf, sizeof(buf)),
	    (unsigned long long)m->size, why);
}

static void
message_ready(void *arg, int error, uint64_t offset)
{
	struct message	*m = arg;
	struct inbox	*ib = m->inbox;
	char		 why[PROTO_TEXT_MAX], buf[16];

	if (error == 0) {
		m->state = MESSAGE_READY;
		m->offset = m->asked = offset;
		m->again = lost_take(ib->account, ib->uidvalidity,
		    message_uid(m, buf, sizeof(buf)));
	} else {
		m->delivery = NULL;
		not_active(m);
		not_todo(m);
		if (error == EEXIST) {
			m->state = MESSAGE_SEEN;
			m->when = (int64_t)time(NULL);
			consider_deletion(m);
		} else {
			m->state = MESSAGE_LEFT;
			inbox_fail(ib, error, spool_error(error, why));
			log_left(m, spool_error(error, why));
		}
		inbox_fill(ib);
	}
	ib->wake(ib->arg);
}

static void
message_done(void *arg, int error)
{
	struct message	*m = arg;
	struct inbox	*ib = m->inbox;
	char		 why[PROTO_TEXT_MAX], buf[16];

	if (m->state == MESSAGE_COMMITTING) {
		TAILQ_REMOVE(&ib->committing, m, entry);
		ib->ncommitting--;
	} else
		not_active(m);
	m->delivery = NULL;
	not_todo(m);
	if (error == 0) {
		ib->fetched++;
		ib->fetched_bytes += m->offset;
		m->state = MESSAGE_SEEN;
		m->when = (int64_t)time(NULL);
		log_debug("account name=%s event=fetched uid=%s size=%llu",
		    ib->account, message_uid(m, buf, sizeof(buf)),
		    (unsigned long long)m->offset);
		consider_deletion(m);
	} else {
		m->state = MESSAGE_LEFT;
		message_lost(m, m->offset);
		inbox_fail(ib, error, spool_error(error, why));
		log_left(m, spool_error(error, why));
	}
	inbox_fill(ib);
	ib->wake(ib->arg);
}

int
inbox_opening(const struct inbox *ib)
{
	const struct message	*m;

	TAILQ_FOREACH(m, &ib->active, entry)
		if (m->state == MESSAGE_OPENING)
			return (1);
	return (0);
}

uint64_t
inbox_ahead(void)
{
	uint64_t	 n = known_rate() * 10;

	if (n == 0 || n > AHEAD_MAX)
		return (AHEAD_MAX);
	return (n < AHEAD_MIN ? AHEAD_MIN : n);
}

struct message *
inbox_next(struct inbox *ib)
{
	struct message	*m;

	TAILQ_FOREACH(m, &ib->active, entry) {
		if (m->state == MESSAGE_READY)
			return (m);
		/* Ranges: more by its size, or more than its size said. */
		if (m->state == MESSAGE_COMING && m->asked != UINT64_MAX &&
		    (m->asked < m->size || m->asked == m->offset))
			return (m);
	}
	return (NULL);
}

void
inbox_asked(struct message *m, uint64_t bytes)
{
	m->state = MESSAGE_COMING;
	m->asked = bytes > UINT64_MAX - m->asked ? UINT64_MAX :
	    m->asked + bytes;
}

uint64_t
inbox_outstanding(const struct inbox *ib)
{
	const struct message	*m;
	uint64_t		 end, n = 0;

	TAILQ_FOREACH(m, &ib->active, entry) {
		if (m->state != MESSAGE_COMING)
			continue;
		end = m->asked < m->size ? m->asked : m->size;
		if (end > m->offset)
			n += end - m->offset;
	}
	return (n);
}

int
inbox_write(struct message *m, const void *data, size_t len)
{
	uint64_t n;
	char	 why[PROTO_TEXT_MAX];
	int	 error;

	if (m->offset / 2 > m->size + SIZE_SLACK / 2)
		errno = EFBIG;
	else if (delivery_write(m->delivery, data, len) == 0) {
		m->offset += len;
		n = len < m->again ? len : m->again;
		m->again -= n;
		m->inbox->repeated += n;
		return (0);
	}
	error = errno;
	if (error == EFBIG)
		suspect_add(m);
	inbox_leave(m, 0, error, error == EFBIG ?
	    "much larger than upstream said" : spool_error(error, why));
	errno = error;
	return (-1);
}

void
inbox_commit(struct message *m)
{
	struct inbox	*ib = m->inbox;

	not_active(m);
	m->state = MESSAGE_COMMITTING;
	TAILQ_INSERT_TAIL(&ib->committing, m, entry);
	ib->ncommitting++;
	delivery_commit(m->delivery);
	inbox_fill(ib);
}

/* Takes it off the way: what is there stays for later where that pays. */
static void
message_abort(struct message *m, int keep)
{
	keep = keep && m->resumable && !m->unproven && m->offset >= KEEP_MIN;
	delivery_abort(m->delivery, keep);
	message_lost(m, keep ? 0 : m->offset);
	m->delivery = NULL;
	m->state = MESSAGE_LEFT;
	not_active(m);
	not_todo(m);
}

void
inbox_leave(struct message *m, int keep, int error, const char *why)
{
	message_abort(m, keep);
	if (error != 0)
		inbox_fail(m->inbox, error, why);
	else
		m->inbox->gone++;
	log_left(m, why);
	inbox_fill(m->inbox);
}

void
inbox_stuck(struct inbox *ib, uint64_t bytes)
{
	ib->stuck = bytes;
}

void
inbox_interrupt(struct inbox *ib)
{
	struct message	*m;

	/* The engine that waits for the answer may be gone by then. */
	if (ib->query != NULL)
		delivery_seen_cancel(ib->query);
	ib->query = NULL;
	ib->planned = 0;
	while ((m = TAILQ_FIRST(&ib->active)) != NULL) {
		/* Of the first one that is on its way. */
		if (m->state == MESSAGE_COMING) {
			message_lost(m, ib->stuck);
			m->again = ib->stuck = 0;
		}
		message_abort(m, 1);
	}
}

struct message *
inbox_next_doomed(struct inbox *ib)
{
	struct message	*m;

	if ((m = TAILQ_FIRST(&ib->doomed)) == NULL)
		return (NULL);
	TAILQ_REMOVE(&ib->doomed, m, entry);
	ib->ndoomed--;
	m->state = MESSAGE_DELETING;
	return (m);
}

int
inbox_fetched(const struct inbox *ib)
{
	return (ib->planned && ib->nactive == 0 && ib->ncommitting == 0 &&
	    (ib->next == ib->count || ib->full));
}
