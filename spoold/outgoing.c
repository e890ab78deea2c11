/* See LICENSE for the terms. */

/* Messages on their way to upstream. */

#include <sys/types.h>
#include <sys/queue.h>
#include <errno.h>
#include <event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "child.h"
#include "header.h"
#include "log.h"
#include "outgoing.h"
#include "spoold.h"

/*
 * A mark that could not be written (full disk) is tried again after so many
 * seconds: the mail is gone, and only memory knows it until then.
 */
#define MARK_RETRY	10
/* Of a message that came with SMTPUTF8: where its header is looked for. */
#define HEADER_MAX	65536
#define REPLY_MAX	(SMTP_REPLY_TEXT_MAX + 32)

/* After so many windows with no success the sender is told, once. */
#define DELAY_WINDOWS	3

enum state {				/* of a recipient in this window */
	STATE_OTHER,			/* local, or done before */
	STATE_WAITING,
	STATE_ANSWERED
};

/*
 * A mark on its way to the disk.  Until it is there the recipient is not
 * tried again, whatever the queue says.
 */
struct mark {
	TAILQ_ENTRY(mark)	 entry;
	uint64_t		 id;
	uint32_t		 recipient;
	enum recipient_state	 state;
	char			*status;
	const struct notice	*notice;	/* not durable; of BOUNCED */
	int			 failed;	/* wait for the timer */
	int			 refused;	/* its notice was */
};
static TAILQ_HEAD(, mark)	 marks = TAILQ_HEAD_INITIALIZER(marks);
static struct event		 mark_timer;

/* A bounce that is on its way to the disk. */
struct notice {
	uint64_t		 id;		/* of the message */
	char			*upstream;
	size_t			 n;
	struct bounce_failure	*failures;
	char			**addresses;
};

static void	 mark_durable(void *, int);

/* Marks. */

static void
mark_write(struct mark *m)
{
	m->failed = 0;
	/* Only what the server said counts as a try in this window. */
	queue_mark(spool_queue, m->id, m->recipient, m->state, 1, m->status,
	    mark_durable, m);
	spool_commit_soon();
}

void
outgoing_retry(void)
{
	struct mark	*m;

	TAILQ_FOREACH(m, &marks, entry)
		if (m->failed)
			mark_write(m);
}

static void
mark_retry_timer(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	outgoing_retry();
}

static void
mark_durable(void *arg, int result)
{
	struct timeval	 tv = { MARK_RETRY, 0 };
	struct mark	*m = arg;

	if (result == 0 || result == ENOENT || m->refused) {
		TAILQ_REMOVE(&marks, m, entry);
		free(m->status);
		free(m);
		return;
	}
	errno = result;
	log_warn("msg id=%016llx mark of recipient %u",
	    (unsigned long long)m->id, m->recipient);
	m->failed = 1;
	if (!evtimer_initialized(&mark_timer))
		evtimer_set(&mark_timer, mark_retry_timer, NULL);
	if (!evtimer_pending(&mark_timer, NULL))
		evtimer_add(&mark_timer, &tv);
}

static void
mark_add(uint64_t id, uint32_t recipient, enum recipient_state state,
    const char *status, const struct notice *notice)
{
	struct mark	*m;

	if ((m = calloc(1, sizeof(*m))) == NULL ||
	    (m->status = strdup(status)) == NULL)
		fatal("mark");
	m->id = id;
	m->recipient = recipient;
	m->state = state;
	m->notice = notice;
	TAILQ_INSERT_TAIL(&marks, m, entry);
	mark_write(m);
}

static int
mark_pending(uint64_t id, uint32_t recipient)
{
	struct mark	*m;

	TAILQ_FOREACH(m, &marks, entry)
		if (m->id == id && m->recipient == recipient)
			return (1);
	return (0);
}

/* Messages. */

static void
failure_free(struct bounce_failure *f)
{
	free(f->status);
	free(f->reply);
}

static void
notices_free(struct outgoing *o)
{
	size_t	 i;

	for (i = 0; i < o->ndelays; i++)
		failure_free(&o->delays[i]);
	for (i = 0; i < o->nrelays; i++)
		failure_free(&o->relays[i]);
	free(o->delays);
	free(o->relays);
	o->delays = o->relays = NULL;
	o->ndelays = o->nrelays = 0;
}

static void
outgoing_free(struct outgoing *o)
{
	size_t	 i;

	for (i = 0; i < o->nfailures; i++)
		failure_free(&o->failures[i]);
	notices_free(o);
	free(o->failures);
	free(o->indices);
	free(o->state);
	envelope_free(o->envelope);
	if (o->smtp.fd != -1)
		close(o->smtp.fd);
	free(o);
}

static int
is_ascii(const char *s, size_t len)
{
	size_t	 i;

	for (i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80)
			return (0);
	return (1);
}

/*
 * Many clients ask for SMTPUTF8 whatever they send; the next server needs
 * it only when an address or the header goes beyond ASCII (RFC 6531 3.1).
 */
static int
needs_utf8(const struct outgoing *o)
{
	const struct envelope	*e = o->envelope;
	char			*buf;
	size_t			 len;
	ssize_t			 n;
	uint32_t		 i;
	int			 needs = 1;

	if ((e->flags & ENVELOPE_SMTPUTF8) == 0)
		return (0);
	if (!is_ascii(e->sender, strlen(e->sender)))
		return (1);
	for (i = 0; i < e->nrecipients; i++)
		if (o->state[i] == STATE_WAITING &&
		    !is_ascii(e->recipients[i].address,
		    strlen(e->recipients[i].address)))
			return (1);
	if ((buf = malloc(HEADER_MAX)) == NULL)
		return (1);
	len = o->smtp.size < HEADER_MAX ? (size_t)o->smtp.size : HEADER_MAX;
	n = pread(o->smtp.fd, buf, len, o->smtp.offset);
	if (n == (ssize_t)len)
		needs = !is_ascii(buf, header_length(buf, len));
	free(buf);
	return (needs);
}

struct outgoing *
outgoing_open(uint64_t id)
{
	struct outgoing	*o;
	struct recipient *r;
	uint32_t	 i, n = 0;

	if ((o = calloc(1, sizeof(*o))) == NULL)
		return (NULL);
	o->smtp.fd = -1;
	o->smtp.owner = o;
	if ((o->envelope = queue_envelope(spool_queue, id)) == NULL)
		goto fail;
	o->smtp.envelope = o->envelope;
	o->state = calloc(o->envelope->nrecipients, sizeof(*o->state));
	o->indices = calloc(SMTP_RECIPIENTS_MAX, sizeof(*o->indices));
	if (o->state == NULL || o->indices == NULL)
		goto fail;
	for (i = 0; i < o->envelope->nrecipients; i++) {
		r = &o->envelope->recipients[i];
		if (r->user != NULL || r->state != RECIPIENT_WAITING ||
		    mark_pending(id, i))
			continue;
		o->state[i] = STATE_WAITING;
		n++;
	}
	if (n == 0) {
		outgoing_free(o);
		return (NULL);
	}
	if ((o->smtp.fd = queue_body(spool_queue, id, &o->smtp.offset,
	    &o->smtp.size)) == -1)
		goto fail;
	o->smtp.utf8 = needs_utf8(o);
	return (o);
 fail:
	if (errno != ENOENT)
		log_warn("msg id=%016llx cannot be read",
		    (unsigned long long)id);
	outgoing_free(o);
	return (NULL);
}

int
outgoing_fill(struct outgoing *o)
{
	uint32_t	 i, n = 0;

	for (i = 0; i < o->envelope->nrecipients &&
	    n < SMTP_RECIPIENTS_MAX; i++)
		if (o->state[i] == STATE_WAITING)
			o->indices[n++] = i;
	o->smtp.recipients = o->indices;
	o->smtp.nrecipients = n;
	return (n > 0);
}

int
outgoing_touched(const struct outgoing *o)
{
	return (o->sent > 0 || o->deferred > 0 || o->nfailures > 0);
}

static void
outgoing_log(uint64_t id, const char *event, const char *address,
    const char *upstream, const char *reply)
{
	log_info("msg id=%016llx event=%s rcpt=<%s> upstream=%s "
	    "reply=\"%s\"", (unsigned long long)id, event, address, upstream,
	    reply);
}

static void
failure_add(struct bounce_failure **list, size_t *n, uint32_t recipient,
    const char *status, const char *reply, int local, uint32_t windows)
{
	struct bounce_failure	*f;

	f = reallocarray(*list, *n + 1, sizeof(*f));
	if (f == NULL)
		fatal("bounce");
	*list = f;
	f = &(*list)[(*n)++];
	memset(f, 0, sizeof(*f));
	f->recipient = recipient;
	f->local = local;
	f->windows = windows;
	if ((f->status = strdup(status)) == NULL ||
	    (f->reply = strdup(reply)) == NULL)
		fatal("bounce");
}

/* Remember a failure for the bounce. */
static void
outgoing_fail(struct outgoing *o, uint32_t recipient, const char *status,
    const char *reply, int local, uint32_t windows)
{
	failure_add(&o->failures, &o->nfailures, recipient, status, reply,
	    local, windows);
}

/* Not now: another window, unless it has had its share of them. */
static void
outgoing_defer(struct outgoing *o, const struct outgoing_peer *peer,
    uint32_t i, const char *reply, int local)
{
	const struct recipient	*r = &o->envelope->recipients[i];
	uint32_t		 expire = child_conf->global.expire;

	/* RFC 3463 3.5: X.4.7, delivery time expired. */
	if (expire > 0 && r->windows + 1 >= expire) {
		outgoing_fail(o, i, "5.4.7", reply, local, r->windows + 1);
		return;
	}
	o->deferred++;
	/* RFC 3463 3.5: 4.4.7 again, of what persists. */
	if (r->windows + 1 == DELAY_WINDOWS)
		failure_add(&o->delays, &o->ndelays, i, "4.4.7", reply, local,
		    r->windows + 1);
	mark_add(o->envelope->id, i, RECIPIENT_WAITING, reply, NULL);
	outgoing_log(o->envelope->id, "deferred", r->address, peer->upstream,
	    reply);
}

/* 1 when s is one of the words of NOTIFY. */
static int
notify_has(const char *notify, const char *s)
{
	size_t	 n = strlen(s);

	for (; *notify != '\0'; notify += strspn(notify, ",")) {
		if (strcspn(notify, ",") == n &&
		    strncasecmp(notify, s, n) == 0)
			return (1);
		notify += strcspn(notify, ",");
	}
	return (0);
}

/*
 * Whether the sender is to hear that it was handed on: his wish to be told of
 * its delivery, or of its time, ends here, or he wants to trace it (RFC 3461
 * 5.2.2, RFC 2852).
 */
static int
must_tell(const struct outgoing *o, uint32_t i)
{
	const struct envelope	*e = o->envelope;
	const struct recipient	*r = &e->recipients[i];

	if (r->notify != NULL && notify_has(r->notify, "SUCCESS") &&
	    !o->smtp.dsn)
		return (1);
	return (e->deadline != 0 &&
	    ((e->flags & ENVELOPE_BY_TRACE) != 0 || !o->smtp.by));
}

void
outgoing_result(struct outgoing *o, const struct outgoing_peer *peer,
    uint32_t i, enum smtp_outcome outcome, const struct smtp_reply *r)
{
	char	 reply[REPLY_MAX], status[SMTP_ENHANCED_MAX];

	if (outcome == SMTP_AGAIN)
		return;
	o->state[i] = STATE_ANSWERED;
	(void)smtp_reply_format(r, reply, sizeof(reply));
	switch (outcome) {
	case SMTP_SENT:
		o->sent++;
		mark_add(o->envelope->id, i, RECIPIENT_SENT, reply, NULL);
		if (must_tell(o, i))
			failure_add(&o->relays, &o->nrelays, i, "2.0.0",
			    reply, r->local, 0);
		outgoing_log(o->envelope->id, "sent",
		    o->envelope->recipients[i].address, peer->upstream,
		    reply);
		break;
	case SMTP_DEFERRED:
		outgoing_defer(o, peer, i, reply, r->local);
		break;
	case SMTP_REFUSED:
		smtp_reply_status(r, status);
		outgoing_fail(o, i, status, reply, r->local, 0);
		break;
	case SMTP_AGAIN:
		break;
	}
}

void
outgoing_break(struct outgoing *o, const struct outgoing_peer *peer,
    const char *why)
{
	struct smtp_reply	 r;
	char			 text[SMTP_REPLY_TEXT_MAX];
	uint32_t		 i;

	(void)snprintf(text, sizeof(text), "the session broke again: %s",
	    why);
	/* RFC 3463 3.5: X.4.2, bad connection. */
	smtp_reply_local(&r, 451, "4.4.2", text);
	for (i = 0; i < o->envelope->nrecipients; i++)
		if (o->state[i] == STATE_WAITING)
			outgoing_result(o, peer, i, SMTP_DEFERRED, &r);
}

/* Bounces. */

static void
notice_free(struct notice *n)
{
	size_t	 i;

	for (i = 0; i < n->n; i++) {
		failure_free(&n->failures[i]);
		free(n->addresses[i]);
	}
	free(n->failures);
	free(n->addresses);
	free(n->upstream);
	free(n);
}

/*
 * Its recipients leave the queue, in the same commit as the notice is made
 * durable in (M2): a crash finds both or none.
 */
static void
notice_mark(const struct notice *n)
{
	size_t	 i;

	for (i = 0; i < n->n; i++)
		mark_add(n->id, n->failures[i].recipient, RECIPIENT_BOUNCED,
		    n->failures[i].reply, n);
}

/*
 * The marks hear of it behind their notice.  Without it they are void: the
 * recipients stay, and are refused again in another window.  With it they
 * may have been refused for another message of the commit, and are tried
 * again.
 */
static void
notice_durable(void *arg, int result)
{
	struct notice	*n = arg;
	struct mark	*m;
	size_t		 i;

	TAILQ_FOREACH(m, &marks, entry)
		if (m->notice == n) {
			m->notice = NULL;
			m->refused = result != 0;
		}
	if (result != 0) {
		errno = result;
		log_warn("msg id=%016llx bounce", (unsigned long long)n->id);
		notice_free(n);
		return;
	}
	for (i = 0; i < n->n; i++)
		outgoing_log(n->id, "bounced", n->addresses[i], n->upstream,
		    n->failures[i].reply);
	notice_free(n);
}

/* Takes the failures over from the message. */
static struct notice *
notice_new(struct outgoing *o, const char *upstream)
{
	struct notice	*n;
	size_t		 i;

	if ((n = calloc(1, sizeof(*n))) == NULL ||
	    (n->addresses = calloc(o->nfailures, sizeof(char *))) == NULL ||
	    (n->upstream = strdup(upstream)) == NULL)
		fatal("bounce");
	n->id = o->envelope->id;
	for (i = 0; i < o->nfailures; i++)
		if ((n->addresses[i] = strdup(o->envelope->recipients[
		    o->failures[i].recipient].address)) == NULL)
			fatal("bounce");
	n->failures = o->failures;
	n->n = o->nfailures;
	o->failures = NULL;
	o->nfailures = 0;
	return (n);
}

static void
tell_durable(void *arg, int result)
{
	(void)arg;
	if (result != 0) {
		errno = result;
		log_warn("notice to a sender");
	}
}

/*
 * Tells the sender of what is delayed or relayed.  It is no more than a
 * courtesy: a crash, or a disk that is full, may cost it.  0, or -1 with
 * errno.
 */
static int
outgoing_tell(const struct outgoing *o, enum bounce_kind kind,
    const char *host)
{
	const struct bounce_failure	*list = o->delays;
	size_t				 n = o->ndelays;
	int				 told;

	if (kind == BOUNCE_RELAYED) {
		list = o->relays;
		n = o->nrelays;
	}
	if (n == 0)
		return (0);
	told = bounce_submit(spool_queue, child_conf, kind, o->envelope, list,
	    n, host, tell_durable, NULL);
	if (told == -1)
		log_warn("msg id=%016llx notice to the sender",
		    (unsigned long long)o->envelope->id);
	else if (told == 1 && kind == BOUNCE_DELAYED)
		log_info("msg id=%016llx event=delayed from=<%s>",
		    (unsigned long long)o->envelope->id, o->envelope->sender);
	spool_commit_soon();
	return (told == -1 ? -1 : 0);
}

void
outgoing_late(uint64_t id)
{
	static const struct outgoing_peer	 nobody = { "-", NULL };
	static const char	 text[] = "the time by which it was to be "
	    "delivered has passed";
	struct outgoing		*o;
	uint32_t		 i;
	int			 back;

	if ((o = outgoing_open(id)) == NULL)
		return;
	back = (o->envelope->flags & ENVELOPE_BY_RETURN) != 0;
	for (i = 0; i < o->envelope->nrecipients; i++) {
		if (o->state[i] != STATE_WAITING)
			continue;
		if (back)
			outgoing_fail(o, i, "5.4.7", text, 1,
			    o->envelope->recipients[i].windows);
		else
			failure_add(&o->delays, &o->ndelays, i, "4.4.7", text,
			    1, o->envelope->recipients[i].windows);
	}
	if (!back && outgoing_tell(o, BOUNCE_DELAYED, NULL) == 0) {
		/* In the same commit as the notice. */
		queue_change(spool_queue, id, QUEUE_LATE, NULL, NULL);
		spool_commit_soon();
	}
	notices_free(o);
	outgoing_close(o, &nobody);
}

void
outgoing_close(struct outgoing *o, const struct outgoing_peer *peer)
{
	struct notice	*n;
	int		 told;

	if (o->nfailures > 0) {
		n = notice_new(o, peer->upstream);
		told = bounce_submit(spool_queue, child_conf, BOUNCE_FAILED,
		    o->envelope,
		    n->failures, n->n, peer->host, notice_durable, n);
		if (told == 0)
			log_info("msg id=%016llx from=<%s>: nobody is told "
			    "of the failure",
			    (unsigned long long)o->envelope->id,
			    o->envelope->sender);
		if (told != -1)
			notice_mark(n);
		if (told != 1)
			notice_durable(n, told == 0 ? 0 : errno);
		spool_commit_soon();
	}
	(void)outgoing_tell(o, BOUNCE_DELAYED, peer->host);
	(void)outgoing_tell(o, BOUNCE_RELAYED, peer->host);
	outgoing_free(o);
}
