/* See LICENSE for the terms. */
/*
 * Messages of an INBOX: small ones whole, large ones in ranges, so that a
 * line that drops loses little and a later session goes on.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <errno.h>
#include <stdio.h>

#include "imap_engine.h"

/*
 * The last range asks for more than the size says, so that it comes short
 * and proves the end even where the size was a little wrong.
 */
#define RANGE_SLACK	1024

static int
in_flight(const struct imap *i, const struct message *m,
    const struct imap_command *but)
{
	const struct imap_command	*c;

	TAILQ_FOREACH(c, &i->commands, entry)
		if (c != but && c->message == m)
			return (1);
	return (0);
}

/*
 * A range came.  The end is where one comes short; where that is before
 * what the size said, another one has to come short as well, for there are
 * servers that lie about sizes and servers that give less than a range.
 */
static void
range_done(struct message *m, const struct imap_command *c)
{
	if (c->got == c->length)
		return;
	if (m->offset >= m->size || (m->shortened && c->got == 0))
		inbox_commit(m);
	else {
		m->shortened = 1;
		m->asked = m->offset;
	}
}

/* NIL, or nothing, in the place of what was promised: it is gone. */
static void
body_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	struct message	*m = c->message;
	int		 nothing = !c->answered || c->nil;

	i->bodies--;
	if (m->state != MESSAGE_COMING)
		return;
	/* One of a set may have spoilt it for all: one by one, then. */
	if (c->shared && r->type != IMAP_OK)
		i->single = 1;
	if (c->shared && i->single && !c->answered)
		;		/* or it came, and no one knew what it was */
	else if (c->stale || (nothing && c->offset != m->offset))
		;		/* asked for before a range came short */
	else if (r->type != IMAP_OK)
		inbox_leave(m, 1, EIO, "upstream would not give a message");
	else if (c->skip > 0)
		inbox_leave(m, 0, EPROTO, "upstream's message is shorter "
		    "than the part that is here");
	else if (m->offset == 0 && (nothing || m->size > 0))
		inbox_leave(m, 0, 0, "gone upstream");
	else if (nothing && m->offset < m->size && !m->shortened)
		inbox_leave(m, 0, 0, "gone upstream");
	else if (nothing || c->whole)
		inbox_commit(m);
	else
		range_done(m, c);
	/* Whatever was answered out of turn is asked for again. */
	if (m->state == MESSAGE_COMING && !in_flight(i, m, c))
		m->asked = m->offset;
}

static uint64_t
range_size(void)
{
	uint64_t	 rate = known_rate();

	if (rate >= IMAP_RANGE_FAST)
		return (IMAP_RANGE_FAST);
	if (rate == 0 || rate * 5 > IMAP_RANGE)
		return (IMAP_RANGE);
	return (rate * 5 < IMAP_RANGE_MIN ? IMAP_RANGE_MIN :
	    rate * 5 / 1024 * 1024);
}

/* May it be asked for with others? */
static int
is_small(const struct message *m)
{
	return (!m->resumable && m->state == MESSAGE_READY && m->offset == 0 &&
	    !m->suspect);
}

static void
request_more(struct imap *i, struct message *m, struct imap_command *c)
{
	c->message = m;
	c->whole = 1;
	i->bodies++;
	inbox_asked(m, UINT64_MAX);
}

/* Several small ones, by one command.  The first of them is m. */
static void
request_set(struct imap *i, struct message *m)
{
	struct message		*set[INBOX_REQUESTS];
	struct imap_command	*c;
	char			 uids[INBOX_REQUESTS * 11 + 1];
	uint64_t		 total = 0;
	size_t			 len = 0;
	unsigned int		 n = 0, j;

	do {
		len += (size_t)snprintf(uids + len, sizeof(uids) - len,
		    n == 0 ? "%u" : ",%u", m->number);
		total += m->size;
		set[n++] = m;
		/* Not one that was to be had already. */
		inbox_asked(m, UINT64_MAX);
		m = inbox_next(i->session->inbox);
	} while (m != NULL && is_small(m) && total + m->size <= IMAP_WHOLE &&
	    !i->single && i->bodies + n < INBOX_REQUESTS);
	c = imap_command_send(i, body_done, "UID FETCH %s BODY.PEEK[]", uids);
	for (j = 0; j < n && c != NULL; j++) {
		request_more(i, set[j], c);
		c->shared = n > 1;
		set[j]->group = n > 1 ? c->tag : 0;
		if (j + 1 < n)
			c = imap_command_more(i, body_done);
	}
}

static void
request_one(struct imap *i, struct message *m)
{
	struct imap_command	*c;
	uint64_t		 length = 0, rest, range = range_size();

	if (is_small(m)) {
		request_set(i, m);
		return;
	}
	if (!m->resumable)
		c = imap_command_send(i, body_done,
		    "UID FETCH %u BODY.PEEK[]", m->number);
	else {
		rest = m->size > m->asked ? m->size - m->asked : 0;
		length = rest <= range ? rest + RANGE_SLACK : range;
		c = imap_command_send(i, body_done,
		    "UID FETCH %u BODY.PEEK[]<%llu.%llu>", m->number,
		    (unsigned long long)m->asked, (unsigned long long)length);
	}
	if (c == NULL)
		return;
	m->group = 0;
	c->message = m;
	c->offset = m->asked;
	c->length = length;
	c->whole = length == 0;
	i->bodies++;
	inbox_asked(m, length == 0 ? UINT64_MAX : length);
}

void
imap_body_request(struct imap *i)
{
	struct inbox	*ib = i->session->inbox;
	struct message	*m;

	/* Better with the others, while the line has something to do. */
	if (i->bodies > 0 && inbox_opening(ib))
		return;
	while (i->bodies < INBOX_REQUESTS &&
	    inbox_outstanding(ib) < inbox_ahead() && !i->session->over &&
	    (m = inbox_next(ib)) != NULL)
		request_one(i, m);
}

/*
 * The command that the body in this response answers.  A server that gives
 * the uid after the body is taken to answer in order; the uid must then
 * prove it.
 */
static struct imap_command *
body_command(struct imap *i)
{
	struct imap_command	*c;

	TAILQ_FOREACH(c, &i->commands, entry) {
		if (c->message == NULL || c->answered)
			continue;
		if (i->r.has_uid && i->r.uid != c->message->number)
			continue;
		/* The answers to a set have any order: it is asked for in
		 * single ones then. */
		if (!i->r.has_uid && c->shared) {
			i->single = 1;
			return (NULL);
		}
		if (c->whole || i->r.origin == -1 ||
		    (uint64_t)i->r.origin == c->offset)
			return (c);
	}
	return (NULL);
}

/*
 * In the place of a range came a body that does not say where it begins.
 * More than was asked for is everything, from a server that knows no ranges.
 * Else it may be the range, and what is taken for a whole message is deleted
 * upstream: it is asked for again, as a whole.
 */
static void
range_unsaid(struct imap_command *c, uint64_t len)
{
	if (len > c->length) {
		c->whole = 1;
		return;
	}
	c->stale = 1;
	c->message->resumable = 0;
}

void
imap_body_begin(struct imap *i, uint64_t len)
{
	struct imap_command	*c;
	struct message		*m;

	if ((c = i->body_for = body_command(i)) == NULL)
		return;
	c->answered = 1;
	m = c->message;
	if (m->state != MESSAGE_COMING)
		return;
	if (!c->whole && i->r.origin == -1 && i->r.body != IMAP_BODY_NIL)
		range_unsaid(c, len);
	else if (!c->whole && c->offset != m->offset)
		c->stale = 1;
	else if (!c->whole && len > c->length)
		inbox_leave(m, 1, EPROTO, "upstream gave another range");
	if (c->whole)
		c->skip = m->offset;
	if (!i->r.has_uid)
		m->unproven = 1;
}

/*
 * What cannot be stored is read all the same while it is little; else the
 * line is let go.
 */
static void
body_lost(struct imap *i, int error)
{
	struct inbox	*ib = i->session->inbox;

	if (error == EFBIG || i->literal > INBOX_AHEAD)
		session_fail(i->session, ib->error, "%s", ib->text);
}

void
imap_body_data(struct imap *i, const void *data, size_t len)
{
	struct imap_command	*c = i->body_for;
	const uint8_t		*p = data;
	size_t			 n;

	if (c == NULL || len == 0)
		return;
	i->session->moved = 1;
	if (c->stale || c->message->state != MESSAGE_COMING)
		return;
	c->got += len;
	n = c->skip < len ? (size_t)c->skip : len;
	c->skip -= n;
	if (len > n && inbox_write(c->message, p + n, len - n) == -1)
		body_lost(i, errno);
}

void
imap_body_end(struct imap *i)
{
	struct imap_command	*c = i->body_for;
	struct message		*m;

	if (c == NULL)
		return;
	m = c->message;
	c->nil = i->r.body == IMAP_BODY_NIL;
	if (i->r.has_uid && i->r.uid == m->number) {
		m->unproven = 0;
		/* The set's answer may be long in coming. */
		if (c->shared && c->got > 0 && !c->stale &&
		    m->state == MESSAGE_COMING)
			inbox_commit(m);
		return;
	}
	/* Whose bytes are they?  They must not be taken for this one's. */
	m->unproven = 1;
	if (m->state == MESSAGE_COMING)
		inbox_leave(m, 0, EPROTO, "upstream mixes messages up");
	session_fail(i->session, EPROTO, "a message body without its uid");
}
