/* See LICENSE for the terms. */

/*
 * The SMTP client's messages.  Each is a transaction, a few steps long;
 * smtp_transaction_pump takes as many steps as the server's extensions
 * allow.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smtp_client_internal.h"
#include "tcp_queue.h"

#define BODY_PIECE		16384	/* read and dot-stuffed at once */
#define BODY_QUEUED		65536	/* no further piece above this */
#define BODY_LEAST		1024	/* no smaller piece but the last */

static void
transaction_free(struct transaction *t)
{
	free(t->accepted);
	free(t);
}

/* Give the message of a transaction back. */
static void
transaction_done(struct smtp_client *c, struct transaction *t, int lost)
{
	struct smtp_message	*m = t->m;

	if (c->current == t)
		c->current = NULL;
	TAILQ_REMOVE(&c->transactions, t, entry);
	c->nflight--;
	c->flight_bytes -= m->size;
	transaction_free(t);
	c->ops->done(c->arg, m, lost);
}

/* Give every message back that has no final reply. */
void
smtp_transaction_drop(struct smtp_client *c)
{
	struct transaction	*t;

	while ((t = TAILQ_FIRST(&c->transactions)) != NULL)
		transaction_done(c, t, 1);
}

/* What is sent. */

/* Printable, so that it cannot end the line that it stands in. */
static int
is_clean(const char *s, int spaces)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f ||
		    (*s == ' ' && !spaces))
			return (0);
	}
	return (1);
}

/* RFC 2852 4: nine digits. */
#define BY_MAX			999999999

/*
 * How urgent it is and by when it is to be there, to a server that wants to
 * know; the time is what is left of it.
 */
static void
mail_urgency(const struct smtp_client *c, const struct envelope *e, char *buf,
    size_t size)
{
	int64_t	 left;
	int	 n = 0;

	buf[0] = '\0';
	if ((c->ehlo.extensions & SMTP_EXT_MT_PRIORITY) != 0 &&
	    (e->priority != 0 || (e->flags & ENVELOPE_PRIORITY) != 0))
		n = snprintf(buf, size, " MT-PRIORITY=%d", (int)e->priority);
	if ((c->ehlo.extensions & SMTP_EXT_DELIVERBY) == 0 ||
	    e->deadline == 0 || n < 0 || (size_t)n >= size)
		return;
	left = e->deadline - (int64_t)time(NULL);
	left = left > BY_MAX ? BY_MAX : left < -BY_MAX ? -BY_MAX : left;
	/* What is to come back when it is late still is in time. */
	if ((e->flags & ENVELOPE_BY_RETURN) && left < 1)
		left = 1;
	(void)snprintf(buf + n, size - (size_t)n, " BY=%lld;%s%s",
	    (long long)left, e->flags & ENVELOPE_BY_RETURN ? "R" : "N",
	    e->flags & ENVELOPE_BY_TRACE ? "T" : "");
}

static int
send_mail(struct smtp_client *c, struct transaction *t)
{
	const struct envelope	*e = t->m->envelope;
	uint32_t		 ext = c->ehlo.extensions;
	char			 size[40] = "", urgency[64];
	int			 dsn;

	if (ext & SMTP_EXT_SIZE)
		(void)snprintf(size, sizeof(size), " SIZE=%llu",
		    (unsigned long long)t->m->size);
	dsn = (ext & SMTP_EXT_DSN) != 0;
	mail_urgency(c, e, urgency, sizeof(urgency));
	t->m->dsn = dsn;
	t->m->by = (ext & SMTP_EXT_DELIVERBY) != 0;
	/*
	 * Without 8BITMIME a message of eight bits goes as it is (M6): that
	 * is what every server takes.
	 */
	if (stream_printf(c->stream, "MAIL FROM:<%s>%s%s%s%s%s%s%s%s\r\n",
	    e->sender, size,
	    (e->flags & ENVELOPE_8BIT) && (ext & SMTP_EXT_8BITMIME) ?
	    " BODY=8BITMIME" : "",
	    t->m->utf8 ? " SMTPUTF8" : "",
	    dsn && e->ret != NULL ? " RET=" : "",
	    dsn && e->ret != NULL ? e->ret : "",
	    dsn && e->envid != NULL && is_clean(e->envid, 0) ?
	    " ENVID=" : "",
	    dsn && e->envid != NULL && is_clean(e->envid, 0) ?
	    e->envid : "", urgency) == -1)
		return (-1);
	c->open = 1;
	return (smtp_client_push(c, VERB_MAIL, t, 0));
}

static int
send_rcpt(struct smtp_client *c, struct transaction *t)
{
	const struct recipient	*r;
	int			 notify, orcpt;

	r = &t->m->envelope->recipients[t->m->recipients[t->rcpt]];
	notify = (c->ehlo.extensions & SMTP_EXT_DSN) && r->notify != NULL &&
	    is_clean(r->notify, 0);
	orcpt = (c->ehlo.extensions & SMTP_EXT_DSN) && r->orcpt != NULL &&
	    is_clean(r->orcpt, 0);
	if (stream_printf(c->stream, "RCPT TO:<%s>%s%s%s%s\r\n", r->address,
	    notify ? " NOTIFY=" : "", notify ? r->notify : "",
	    orcpt ? " ORCPT=" : "", orcpt ? r->orcpt : "") == -1)
		return (-1);
	return (smtp_client_push(c, VERB_RCPT, t, t->rcpt++));
}

/*
 * How much of a body may be written now.  The upload shares the line with the
 * fetch: what is under way is kept short, or the acknowledgements and commands
 * of that wait behind it, and with them its own direction.
 */
static uint64_t
body_room(struct smtp_client *c, uint64_t left)
{
	uint64_t	 queued = stream_queued(c->stream), room;

	room = tcp_queue_room(stream_fd(c->stream),
	    stream_bytes_out(c->stream));
	if (room > BODY_QUEUED)
		room = BODY_QUEUED;
	room = room > queued ? room - queued : 0;
	if (room >= left)
		return (left);
	return (room < BODY_LEAST ? 0 : room);
}

/* Nothing else tells when there is room again. */
static void
body_wait(struct smtp_client *c)
{
	struct timeval	 tv = { 0, TCP_QUEUE_MS * 1000 };

	evtimer_add(&c->queue_timer, &tv);
}

/* BDAT, before the whole body, or DATA. */
static int
send_content(struct smtp_client *c, struct transaction *t)
{
	struct smtp_message	*m = t->m;

	if ((c->ehlo.extensions & SMTP_EXT_CHUNKING) == 0) {
		t->step = STEP_WAIT;
		if (stream_write(c->stream, "DATA\r\n", 6) == -1)
			return (-1);
		return (smtp_client_push(c, VERB_DATA, t, 0));
	}
	t->step = STEP_CHUNK;
	if (stream_printf(c->stream, "BDAT %llu LAST\r\n",
	    (unsigned long long)m->size) == -1)
		return (-1);
	return (smtp_client_push(c, VERB_BDAT, t, 0));
}

/* The body after BDAT: 1 when all of it is written, 0 when not yet, or -1. */
static int
send_chunk(struct smtp_client *c, struct transaction *t)
{
	struct smtp_message	*m = t->m;
	uint64_t		 n;

	while (t->sent < m->size) {
		if ((n = body_room(c, m->size - t->sent)) == 0) {
			body_wait(c);
			return (0);
		}
		if (stream_send_file(c->stream, m->fd,
		    m->offset + (off_t)t->sent, n) == -1)
			return (-1);
		t->sent += n;
	}
	c->current = NULL;
	return (1);
}

/*
 * The body after 354, piece by piece as the stream drains.  1 when all of
 * it has been written, 0 when not yet, -1 with errno.
 */
static int
send_body(struct smtp_client *c, struct transaction *t)
{
	uint8_t		 in[BODY_PIECE], out[2 * BODY_PIECE], end[8];
	struct smtp_message *m = t->m;
	size_t		 want, used, n;
	ssize_t		 got;

	/* With no recipient left only the end is sent, and its answer does
	 * not matter (RFC 2920 3.1). */
	while (t->naccepted > 0 && t->sent < m->size) {
		want = (size_t)body_room(c, m->size - t->sent);
		if (want == 0) {
			body_wait(c);
			return (0);
		}
		if (want > sizeof(in))
			want = sizeof(in);
		got = pread(m->fd, in, want, m->offset + (off_t)t->sent);
		if (got <= 0) {
			if (got == 0)
				errno = EIO;
			return (-1);
		}
		n = dot_stuff(&t->dot, in, (size_t)got, &used, out,
		    sizeof(out));
		t->sent += used;
		if (stream_write(c->stream, out, n) == -1)
			return (-1);
	}
	n = dot_end(t->dot, end);
	if (stream_write(c->stream, end, n) == -1 ||
	    smtp_client_push(c, VERB_BODY, t, 0) == -1)
		return (-1);
	/* The server has done with the transaction whatever it answers. */
	c->open = 0;
	c->current = NULL;
	return (1);
}

/* Answer a whole message without sending it. */
static void
message_refuse(struct smtp_client *c, struct smtp_message *m, int code,
    const char *enhanced, const char *text)
{
	struct smtp_reply	 reply;
	uint32_t		 i;

	smtp_reply_local(&reply, code, enhanced, text);
	for (i = 0; i < m->nrecipients; i++)
		c->ops->result(c->arg, m, m->recipients[i], SMTP_REFUSED,
		    &reply);
	c->ops->done(c->arg, m, 0);
}

/* 1 when this server can take the message; else it has its answer. */
static int
message_fits(struct smtp_client *c, struct smtp_message *m)
{
	const struct envelope	*e = m->envelope;
	uint32_t		 i;
	int			 clean;

	clean = is_clean(e->sender, 1);
	for (i = 0; i < m->nrecipients; i++)
		clean &= is_clean(e->recipients[m->recipients[i]].address, 1);
	if (!clean)
		message_refuse(c, m, 553, "5.1.3",
		    "an address has control characters");
	else if (c->ehlo.size > 0 && m->size > c->ehlo.size)
		message_refuse(c, m, 552, "5.3.4",
		    "the message is larger than the next server takes");
	else if (m->utf8 && (c->ehlo.extensions & SMTP_EXT_SMTPUTF8) == 0)
		message_refuse(c, m, 553, "5.6.7",
		    "the next server does not take addresses or headers "
		    "in UTF-8");
	else
		return (1);
	return (0);
}

/* The next message as a transaction; NULL: none, or enough in flight. */
static struct transaction *
transaction_next(struct smtp_client *c)
{
	struct transaction	*t;
	struct smtp_message	*m;

	if (c->nflight >= SMTP_FLIGHT_MESSAGES ||
	    c->flight_bytes >= SMTP_FLIGHT_BYTES)
		return (NULL);
	do {
		if ((m = c->ops->next(c->arg)) == NULL)
			return (NULL);
	} while (!message_fits(c, m));
	if ((t = calloc(1, sizeof(*t))) == NULL ||
	    (t->accepted = calloc(m->nrecipients, 1)) == NULL) {
		free(t);
		c->ops->done(c->arg, m, 1);
		return (NULL);
	}
	t->m = m;
	c->nflight++;
	c->flight_bytes += m->size;
	TAILQ_INSERT_TAIL(&c->transactions, t, entry);
	return (t);
}

/*
 * A large body waits until somebody is there to take it: one round trip,
 * against minutes of the line for nothing, in each window where the answer
 * is 4xx.  DATA waits anyway.
 */
static int
is_large(const struct smtp_client *c, const struct smtp_message *m)
{
	return ((c->ehlo.extensions & SMTP_EXT_CHUNKING) != 0 &&
	    m->size >= SMTP_FLIGHT_BYTES);
}

/* One step of the current transaction: 1 taken, 0 to wait, -1 with errno. */
static int
transaction_step(struct smtp_client *c, struct transaction *t)
{
	int	 pipelining = c->ehlo.extensions & SMTP_EXT_PIPELINING;
	int	 waits = !pipelining || is_large(c, t->m);

	switch (t->step) {
	case STEP_RSET:
		/*
		 * Behind a message whose outcome is not known yet: if it is
		 * refused, some servers would keep its transaction open, and
		 * take our recipients into that.
		 */
		t->step = STEP_MAIL;
		if (!c->open)
			return (1);
		c->open = 0;
		if (stream_write(c->stream, "RSET\r\n", 6) == -1 ||
		    smtp_client_push(c, VERB_RSET, NULL, 0) == -1)
			return (-1);
		return (1);
	case STEP_MAIL:
		t->step = STEP_RCPT;
		return (send_mail(c, t) == -1 ? -1 : 1);
	case STEP_RCPT:
		if (t->rcpt + 1 == t->m->nrecipients)
			t->step = STEP_CONTENT;
		return (send_rcpt(c, t) == -1 ? -1 : 1);
	case STEP_CONTENT:
		if (waits && !TAILQ_EMPTY(&c->commands))
			return (0);
		if (waits && t->naccepted == 0) {
			transaction_done(c, t, 0);
			return (1);
		}
		return (send_content(c, t) == -1 ? -1 : 1);
	case STEP_CHUNK:
		return (send_chunk(c, t));
	case STEP_WAIT:
		return (0);
	case STEP_BODY:
		return (send_body(c, t));
	}
	return (0);
}

/* The server has been told of a body, and waits for the rest of it. */
static int
body_begun(const struct smtp_client *c)
{
	return (c->current != NULL && c->current->step == STEP_CHUNK);
}

/* Send what can be sent now: 0, or -1 when the client has ended. */
int
smtp_transaction_pump(struct smtp_client *c)
{
	int	 taken;

	if (c->phase != PHASE_READY) {
		smtp_client_timer(c);
		return (0);
	}
	for (;;) {
		if ((c->ehlo.extensions & SMTP_EXT_PIPELINING) == 0 &&
		    !TAILQ_EMPTY(&c->commands) && !body_begun(c))
			break;
		if (c->current == NULL &&
		    (c->current = transaction_next(c)) == NULL)
			break;
		if ((taken = transaction_step(c, c->current)) == -1)
			return (smtp_client_end_memory(c));
		if (taken == 0)
			break;
	}
	smtp_client_timer(c);
	if (smtp_client_is_idle(c))
		c->ops->idle(c->arg);
	return (0);
}

/* What is answered. */

/* Codes that mean us or the session, not the message or the recipient. */
static int
reply_is_auth(const struct smtp_reply *r)
{
	return (r->code == 530 || r->code == 534 || r->code == 535 ||
	    r->code == 538);
}

/*
 * Where we are authenticated such a code cannot mean what it says (RFC 4954
 * 6), but something about this one message or recipient.  Nor is it trusted
 * to be final: it counts as a try, and the mail behind it goes.
 */
static int
reply_wants_auth(const struct smtp_client *c)
{
	return (c->user == NULL && reply_is_auth(&c->reply));
}

static int
reply_is_syntax(const struct smtp_reply *r)
{
	return (r->code == 500 || r->code == 502 || r->code == 503);
}

/* What 4xx or 5xx means to a recipient. */
static enum smtp_outcome
reply_outcome(const struct smtp_reply *r)
{
	if (r->code < 500 || reply_is_auth(r) || reply_is_syntax(r))
		return (SMTP_DEFERRED);
	return (SMTP_REFUSED);
}

/* The reply is that of every recipient that was accepted. */
static void
transaction_answer(struct smtp_client *c, struct transaction *t,
    enum smtp_outcome outcome)
{
	uint32_t	 i;

	for (i = 0; i < t->m->nrecipients; i++)
		if (t->accepted[i])
			c->ops->result(c->arg, t->m, t->m->recipients[i],
			    outcome, &c->reply);
}

int
smtp_transaction_rset(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code / 100 != 2)
		return (smtp_client_end_reply(c, SMTP_END_PROTOCOL, "RSET"));
	return (0);
}

int
smtp_transaction_mail(struct smtp_client *c, struct command *cmd)
{
	struct transaction	*t = cmd->t;
	enum smtp_outcome	 outcome;
	uint32_t		 i;

	if (c->reply.code / 100 == 2)
		return (0);
	if (reply_is_auth(&c->reply))
		return (smtp_client_end_reply(c, SMTP_END_AUTH, "MAIL"));
	if (c->reply.code < 400 || reply_is_syntax(&c->reply))
		return (smtp_client_end_reply(c, SMTP_END_PROTOCOL, "MAIL"));
	t->refused = 1;
	outcome = c->reply.code < 500 ? SMTP_DEFERRED : SMTP_REFUSED;
	for (i = 0; i < t->m->nrecipients; i++)
		c->ops->result(c->arg, t->m, t->m->recipients[i], outcome,
		    &c->reply);
	if ((c->ehlo.extensions & SMTP_EXT_PIPELINING) == 0) {
		/* Nothing of it is under way, at either side. */
		c->open = 0;
		transaction_done(c, t, 0);
	}
	return (0);
}

/*
 * RFC 5321 4.5.3.1.10: 452 (552 of old) when a transaction has its fill.
 * The same codes mean other things too; the enhanced one tells them apart.
 */
static int
reply_is_full(const struct smtp_reply *r)
{
	if (r->code != 452 && r->code != 552)
		return (0);
	return (r->enhanced[0] == '\0' ||
	    strcmp(r->enhanced + 1, ".5.3") == 0);
}

int
smtp_transaction_rcpt(struct smtp_client *c, struct command *cmd)
{
	struct transaction	*t = cmd->t;
	enum smtp_outcome	 outcome;

	if (t->refused)
		return (0);
	if (c->reply.code / 100 == 2) {
		t->accepted[cmd->rcpt] = 1;
		t->naccepted++;
		return (0);
	}
	if (reply_wants_auth(c))
		return (smtp_client_end_reply(c, SMTP_END_AUTH, "RCPT"));
	/* 500 and 502 are for the words of this command, 503 for its place. */
	if (c->reply.code < 400 || c->reply.code == 503)
		return (smtp_client_end_reply(c, SMTP_END_PROTOCOL, "RCPT"));
	if (t->naccepted > 0 && reply_is_full(&c->reply))
		outcome = SMTP_AGAIN;
	else
		outcome = reply_outcome(&c->reply);
	c->ops->result(c->arg, t->m, t->m->recipients[cmd->rcpt], outcome,
	    &c->reply);
	return (0);
}

int
smtp_transaction_data(struct smtp_client *c, struct command *cmd)
{
	struct transaction	*t = cmd->t;

	if (c->reply.code == 354) {
		t->step = STEP_BODY;
		return (0);
	}
	if (c->reply.code < 400)
		return (smtp_client_end_reply(c, SMTP_END_PROTOCOL, "DATA"));
	/* With nobody accepted this is what has to come. */
	if (t->naccepted > 0) {
		if (reply_wants_auth(c))
			return (smtp_client_end_reply(c, SMTP_END_AUTH,
			    "DATA"));
		if (reply_is_syntax(&c->reply))
			return (smtp_client_end_reply(c, SMTP_END_PROTOCOL,
			    "DATA"));
		transaction_answer(c, t, reply_outcome(&c->reply));
	}
	transaction_done(c, t, 0);
	return (0);
}

/*
 * A server that has seen enough of a body may say so before its end.  That
 * is the answer; but whether it takes what comes next for commands or for
 * the rest of the body, nobody knows.
 */
int
smtp_transaction_early(struct smtp_client *c)
{
	struct transaction	*t = c->current;

	if (t == NULL || (t->step != STEP_BODY && t->step != STEP_CHUNK) ||
	    (t->naccepted > 0 && (c->reply.code < 400 ||
	    reply_is_syntax(&c->reply))))
		return (smtp_client_end_reply(c, SMTP_END_PROTOCOL,
		    "unexpected reply"));
	if (reply_wants_auth(c))
		return (smtp_client_end_reply(c, SMTP_END_AUTH, "message"));
	transaction_answer(c, t, reply_outcome(&c->reply));
	transaction_done(c, t, 0);
	return (smtp_client_end_reply(c, SMTP_END_LOST,
	    "before the end of the message"));
}

/* After the dot, or after BDAT. */
int
smtp_transaction_final(struct smtp_client *c, struct command *cmd)
{
	struct transaction	*t = cmd->t;
	int			 code = c->reply.code;

	if (c->current == t && (t->naccepted == 0 || (code != 500 &&
	    code != 502)))
		return (smtp_transaction_early(c));
	if (t->naccepted > 0) {
		if (cmd->verb == VERB_BDAT && (code == 500 || code == 502))
			return (smtp_client_end_reply(c, SMTP_END_CHUNKING,
			    "BDAT"));
		if (code / 100 == 3 || reply_is_syntax(&c->reply))
			return (smtp_client_end_reply(c, SMTP_END_PROTOCOL,
			    "end of message"));
		if (reply_wants_auth(c))
			return (smtp_client_end_reply(c, SMTP_END_AUTH,
			    "end of message"));
		transaction_answer(c, t, code < 300 ? SMTP_SENT :
		    reply_outcome(&c->reply));
		/* Accepted, and nothing was begun behind it. */
		if (code < 300 && TAILQ_NEXT(t, entry) == NULL)
			c->open = 0;
	}
	transaction_done(c, t, 0);
	return (0);
}
