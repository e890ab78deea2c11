/* See LICENSE for the terms. */

/*
 * The SMTP client's engine.  Commands that are out and not answered are a
 * list; each reply goes to the state function of the oldest.  Messages are
 * transactions, each a few steps long; client_pump takes as many steps as
 * the server's extensions allow.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <tls.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "smtp_client.h"
#include "stream.h"

/*
 * Time-outs, in milliseconds without a byte moving.  RFC 5321 4.5.3.2 asks
 * for five minutes and more, at a time when a line cost nothing while it
 * was idle; here every minute of waiting is paid for.
 *
 * To connect and be greeted: several round trips of the slowest line (1.4 s)
 * and all the repetitions of SYN that come within a minute.
 */
#define TIMEOUT_CONNECT		60000
/* A command: servers look up names and addresses before they answer. */
#define TIMEOUT_COMMAND		120000
/*
 * The final reply: servers filter content before they answer, and giving up
 * too early makes the message a double in the next window.
 */
#define TIMEOUT_FINAL		240000
/* (What the kernel holds counts as moving while the peer acknowledges it;
 * stream.c sees to that.) */

#define BODY_PIECE		16384	/* read and dot-stuffed at once */
#define BODY_QUEUED		65536	/* no further piece above this */
#define WHY_MAX			(SMTP_REPLY_TEXT_MAX + 128)

enum verb {
	VERB_GREETING,			/* waited for, not sent */
	VERB_EHLO,
	VERB_HELO,
	VERB_STARTTLS,
	VERB_AUTH_PLAIN,
	VERB_AUTH_LOGIN,
	VERB_AUTH_USER,			/* the user's name was sent */
	VERB_AUTH_PASSWORD,
	VERB_RSET,
	VERB_MAIL,
	VERB_RCPT,
	VERB_DATA,
	VERB_BODY,			/* the dot was sent */
	VERB_BDAT,
	VERB_COUNT
};

struct command {			/* out, and not answered */
	TAILQ_ENTRY(command)	 entry;
	enum verb		 verb;
	struct transaction	*t;	/* of MAIL to BDAT */
	uint32_t		 rcpt;	/* position in the message's list */
};
TAILQ_HEAD(commands, command);

enum step {
	STEP_RSET,
	STEP_MAIL,
	STEP_RCPT,
	STEP_CONTENT,
	STEP_WAIT,			/* for 354 */
	STEP_BODY
};

struct transaction {
	TAILQ_ENTRY(transaction) entry;
	struct smtp_message	*m;
	enum step		 step;
	uint32_t		 rcpt;		/* the next to be named */
	uint32_t		 naccepted;
	uint8_t			*accepted;	/* by position */
	int			 refused;	/* MAIL was */
	uint64_t		 sent;		/* of the body, after 354 */
	int			 dot;		/* of dot_stuff */
};
TAILQ_HEAD(transactions, transaction);

enum phase {
	PHASE_CONNECT,			/* until greeted */
	PHASE_TLS,			/* handshake */
	PHASE_HELLO,			/* EHLO, STARTTLS, AUTH */
	PHASE_READY			/* messages */
};

struct smtp_client {
	const struct smtp_client_ops *ops;
	void			*arg;
	struct stream		*stream;
	enum phase		 phase;
	int			 secure;	/* TLS was asked for */
	int			 open;		/* the server may have a
						 * transaction open */
	struct smtp_reply	 reply;		/* the one that is read */
	struct smtp_ehlo	 ehlo;
	struct commands		 commands;
	struct transactions	 transactions;
	struct transaction	*current;	/* steps are left to take */
	uint32_t		 nflight;
	uint64_t		 flight_bytes;
	/* Copies of the parameters. */
	char			*hostname;
	char			*host;
	uint32_t		 tls;
	uint8_t			*ca;
	size_t			 ca_len;
	char			*user;
	char			*password;
	uint32_t		 without;
};

/*
 * A state function gets the whole reply to its command.  0, or -1 when the
 * client has ended and is no more.
 */
typedef int	 state_function(struct smtp_client *, struct command *);

static state_function	 reply_greeting, reply_ehlo, reply_helo;
static state_function	 reply_starttls, reply_auth_plain, reply_auth_login;
static state_function	 reply_auth_user, reply_auth_password, reply_rset;
static state_function	 reply_mail, reply_rcpt, reply_data, reply_final;

static const struct {
	state_function	*reply;
	uint64_t	 timeout;
} verbs[VERB_COUNT] = {
	[VERB_GREETING] =	{ reply_greeting,	TIMEOUT_CONNECT },
	[VERB_EHLO] =		{ reply_ehlo,		TIMEOUT_COMMAND },
	[VERB_HELO] =		{ reply_helo,		TIMEOUT_COMMAND },
	[VERB_STARTTLS] =	{ reply_starttls,	TIMEOUT_COMMAND },
	[VERB_AUTH_PLAIN] =	{ reply_auth_plain,	TIMEOUT_COMMAND },
	[VERB_AUTH_LOGIN] =	{ reply_auth_login,	TIMEOUT_COMMAND },
	[VERB_AUTH_USER] =	{ reply_auth_user,	TIMEOUT_COMMAND },
	[VERB_AUTH_PASSWORD] =	{ reply_auth_password,	TIMEOUT_COMMAND },
	[VERB_RSET] =		{ reply_rset,		TIMEOUT_COMMAND },
	[VERB_MAIL] =		{ reply_mail,		TIMEOUT_COMMAND },
	[VERB_RCPT] =		{ reply_rcpt,		TIMEOUT_COMMAND },
	[VERB_DATA] =		{ reply_data,		TIMEOUT_COMMAND },
	[VERB_BODY] =		{ reply_final,		TIMEOUT_FINAL },
	[VERB_BDAT] =		{ reply_final,		TIMEOUT_FINAL },
};

static int	 client_end(struct smtp_client *, enum smtp_end,
		    const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));
static int	 client_pump(struct smtp_client *);
static int	 client_ready(struct smtp_client *);

/* Ends and beginnings. */

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
static void
client_drop(struct smtp_client *c)
{
	struct transaction	*t;

	while ((t = TAILQ_FIRST(&c->transactions)) != NULL)
		transaction_done(c, t, 1);
}

static void
client_free(struct smtp_client *c)
{
	struct command	*cmd;

	stream_free(c->stream);
	while ((cmd = TAILQ_FIRST(&c->commands)) != NULL) {
		TAILQ_REMOVE(&c->commands, cmd, entry);
		free(cmd);
	}
	free(c->hostname);
	free(c->host);
	free(c->ca);
	free(c->user);
	if (c->password != NULL)
		freezero(c->password, strlen(c->password));
	free(c);
}

/* The connection is over; always -1, for the state functions to return. */
static int
client_end(struct smtp_client *c, enum smtp_end end, const char *fmt, ...)
{
	char	 why[WHY_MAX];
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	client_drop(c);
	c->ops->end(c->arg, end, why);
	client_free(c);
	return (-1);
}

/* The same with the words of the reply that is read. */
static int
client_end_reply(struct smtp_client *c, enum smtp_end end, const char *what)
{
	char	 text[SMTP_REPLY_TEXT_MAX + 32];

	return (client_end(c, end, "%s: %s", what,
	    smtp_reply_format(&c->reply, text, sizeof(text))));
}

static int
client_end_memory(struct smtp_client *c)
{
	return (client_end(c, SMTP_END_LOST, "%s", strerror(errno)));
}

/* A broken connection means something else in each phase. */
static int
client_broken(struct smtp_client *c, const char *why)
{
	if (c->phase == PHASE_CONNECT || c->phase == PHASE_TLS)
		return (client_end(c, SMTP_END_CONNECT, "%s", why));
	return (client_end(c, SMTP_END_LOST, "%s", why));
}

/* Commands. */

/* Remember that a reply is due: 0, or -1 with errno. */
static int
command_push(struct smtp_client *c, enum verb verb, struct transaction *t,
    uint32_t rcpt)
{
	struct command	*cmd;

	if ((cmd = calloc(1, sizeof(*cmd))) == NULL)
		return (-1);
	cmd->verb = verb;
	cmd->t = t;
	cmd->rcpt = rcpt;
	TAILQ_INSERT_TAIL(&c->commands, cmd, entry);
	return (0);
}

/* Time-outs follow the oldest command; an idle session has its owner's. */
static void
client_timer(struct smtp_client *c)
{
	struct command	*cmd;
	uint64_t	 ms = TIMEOUT_CONNECT;

	if ((cmd = TAILQ_FIRST(&c->commands)) != NULL)
		ms = verbs[cmd->verb].timeout;
	else if (c->phase == PHASE_READY)
		ms = c->current != NULL ? TIMEOUT_COMMAND : 0;
	stream_timeout(c->stream, ms);
}

static int
client_hello(struct smtp_client *c, enum verb verb)
{
	c->phase = PHASE_HELLO;
	memset(&c->ehlo, 0, sizeof(c->ehlo));
	if (stream_printf(c->stream, "%s %s\r\n",
	    verb == VERB_EHLO ? "EHLO" : "HELO", c->hostname) == -1 ||
	    command_push(c, verb, NULL, 0) == -1)
		return (client_end_memory(c));
	return (0);
}

/* Turn to TLS, with the certificate checked against the upstream's trust. */
static int
client_tls(struct smtp_client *c)
{
	struct tls_config	*config;
	int			 error = -1;

	if (c->ca == NULL)
		return (client_end(c, SMTP_END_TLS,
		    "no certificate authorities to trust"));
	if ((config = tls_config_new()) == NULL)
		return (client_end(c, SMTP_END_TLS, "no TLS configuration"));
	if (tls_config_set_ca_mem(config, c->ca, c->ca_len) == 0)
		error = stream_tls_client(c->stream, config, c->host);
	tls_config_free(config);
	if (error == -1)
		return (client_end(c, SMTP_END_TLS, "TLS: %s",
		    errno == EPROTO ? "input before the handshake" :
		    stream_error(c->stream)));
	c->phase = PHASE_TLS;
	c->secure = 1;
	client_timer(c);
	return (0);
}

/* RFC 4648 4; NULL with errno, else to be freed, secrets overwritten. */
static char *
base64(const void *data, size_t len)
{
	static const char	 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t		*p = data;
	char			*out;
	size_t			 i, n = 0;
	uint32_t		 v;

	if ((out = calloc(1, (len + 2) / 3 * 4 + 1)) == NULL)
		return (NULL);
	for (i = 0; i < len; i += 3) {
		v = (uint32_t)p[i] << 16;
		if (i + 1 < len)
			v |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < len)
			v |= p[i + 2];
		out[n++] = digits[v >> 18];
		out[n++] = digits[v >> 12 & 63];
		out[n++] = i + 1 < len ? digits[v >> 6 & 63] : '=';
		out[n++] = i + 2 < len ? digits[v & 63] : '=';
	}
	return (out);
}

/* A line with a secret in base 64, after the words: 0, or -1 with errno. */
static int
client_secret(struct smtp_client *c, const char *words, const void *secret,
    size_t len)
{
	char	*b64;
	int	 error;

	if ((b64 = base64(secret, len)) == NULL)
		return (-1);
	error = stream_printf(c->stream, "%s%s\r\n", words, b64);
	freezero(b64, strlen(b64));
	return (error);
}

/* RFC 4616: NUL user NUL password, sent with the command. */
static int
client_auth_plain(struct smtp_client *c)
{
	char	*s;
	size_t	 len, ulen = strlen(c->user), plen = strlen(c->password);
	int	 error = -1;

	len = ulen + plen + 2;
	if ((s = calloc(1, len + 1)) == NULL)
		return (client_end_memory(c));
	memcpy(s + 1, c->user, ulen);
	memcpy(s + 1 + ulen + 1, c->password, plen);
	if (client_secret(c, "AUTH PLAIN ", s, len) == 0)
		error = command_push(c, VERB_AUTH_PLAIN, NULL, 0);
	freezero(s, len + 1);
	return (error == -1 ? client_end_memory(c) : 0);
}

/*
 * Where config has smtp://, its author was warned of what that means; all
 * else is encrypted before a password passes.
 */
static int
client_auth(struct smtp_client *c)
{
	if (c->user == NULL)
		return (client_ready(c));
	if (c->tls != TLS_MODE_NONE && !stream_is_tls(c->stream))
		return (client_end(c, SMTP_END_TLS, "no TLS"));
	if (c->ehlo.extensions & SMTP_EXT_AUTH_PLAIN)
		return (client_auth_plain(c));
	if ((c->ehlo.extensions & SMTP_EXT_AUTH_LOGIN) == 0)
		return (client_end(c, SMTP_END_AUTH,
		    "neither AUTH PLAIN nor LOGIN is offered"));
	if (stream_printf(c->stream, "AUTH LOGIN\r\n") == -1 ||
	    command_push(c, VERB_AUTH_LOGIN, NULL, 0) == -1)
		return (client_end_memory(c));
	return (0);
}

static int
client_ready(struct smtp_client *c)
{
	c->phase = PHASE_READY;
	log_debug("smtp client: %s: ready%s%s%s", c->host,
	    stream_is_tls(c->stream) ? ", TLS" : "",
	    c->ehlo.extensions & SMTP_EXT_PIPELINING ? ", pipelining" : "",
	    c->ehlo.extensions & SMTP_EXT_CHUNKING ? ", chunking" : "");
	return (0);
}

/* Transactions: what is sent. */

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

static int
send_mail(struct smtp_client *c, struct transaction *t)
{
	const struct envelope	*e = t->m->envelope;
	uint32_t		 ext = c->ehlo.extensions;
	char			 size[40] = "";
	int			 dsn;

	if (ext & SMTP_EXT_SIZE)
		(void)snprintf(size, sizeof(size), " SIZE=%llu",
		    (unsigned long long)t->m->size);
	dsn = (ext & SMTP_EXT_DSN) != 0;
	/*
	 * Without 8BITMIME a message of eight bits goes as it is (M6): that
	 * is what every server takes.
	 */
	if (stream_printf(c->stream, "MAIL FROM:<%s>%s%s%s%s%s%s%s\r\n",
	    e->sender, size,
	    (e->flags & ENVELOPE_8BIT) && (ext & SMTP_EXT_8BITMIME) ?
	    " BODY=8BITMIME" : "",
	    t->m->utf8 ? " SMTPUTF8" : "",
	    dsn && e->ret != NULL ? " RET=" : "",
	    dsn && e->ret != NULL ? e->ret : "",
	    dsn && e->envid != NULL && is_clean(e->envid, 0) ?
	    " ENVID=" : "",
	    dsn && e->envid != NULL && is_clean(e->envid, 0) ?
	    e->envid : "") == -1)
		return (-1);
	c->open = 1;
	return (command_push(c, VERB_MAIL, t, 0));
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
	return (command_push(c, VERB_RCPT, t, t->rcpt++));
}

/* BDAT with the whole body behind it, or DATA. */
static int
send_content(struct smtp_client *c, struct transaction *t)
{
	struct smtp_message	*m = t->m;

	if ((c->ehlo.extensions & SMTP_EXT_CHUNKING) == 0) {
		t->step = STEP_WAIT;
		if (stream_write(c->stream, "DATA\r\n", 6) == -1)
			return (-1);
		return (command_push(c, VERB_DATA, t, 0));
	}
	c->current = NULL;
	if (stream_printf(c->stream, "BDAT %llu LAST\r\n",
	    (unsigned long long)m->size) == -1)
		return (-1);
	if (m->size > 0 &&
	    stream_send_file(c->stream, m->fd, m->offset, m->size) == -1)
		return (-1);
	return (command_push(c, VERB_BDAT, t, 0));
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
		if (stream_queued(c->stream) >= BODY_QUEUED)
			return (0);
		want = sizeof(in);
		if (m->size - t->sent < want)
			want = (size_t)(m->size - t->sent);
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
	    command_push(c, VERB_BODY, t, 0) == -1)
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

/* One step of the current transaction: 1 taken, 0 to wait, -1 with errno. */
static int
transaction_step(struct smtp_client *c, struct transaction *t)
{
	int	 pipelining = c->ehlo.extensions & SMTP_EXT_PIPELINING;

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
		    command_push(c, VERB_RSET, NULL, 0) == -1)
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
		if (!pipelining && t->naccepted == 0) {
			transaction_done(c, t, 0);
			return (1);
		}
		return (send_content(c, t) == -1 ? -1 : 1);
	case STEP_WAIT:
		return (0);
	case STEP_BODY:
		return (send_body(c, t));
	}
	return (0);
}

/* Send what can be sent now: 0, or -1 when the client has ended. */
static int
client_pump(struct smtp_client *c)
{
	int	 taken;

	if (c->phase != PHASE_READY) {
		client_timer(c);
		return (0);
	}
	for (;;) {
		if ((c->ehlo.extensions & SMTP_EXT_PIPELINING) == 0 &&
		    !TAILQ_EMPTY(&c->commands))
			break;
		if (c->current == NULL &&
		    (c->current = transaction_next(c)) == NULL)
			break;
		if ((taken = transaction_step(c, c->current)) == -1)
			return (client_end_memory(c));
		if (taken == 0)
			break;
	}
	client_timer(c);
	if (smtp_client_is_idle(c))
		c->ops->idle(c->arg);
	return (0);
}

/* Transactions: what is answered. */

/* Codes that mean us or the session, not the message or the recipient. */
static int
reply_is_auth(const struct smtp_reply *r)
{
	return (r->code == 530 || r->code == 534 || r->code == 535 ||
	    r->code == 538);
}

static int
reply_is_syntax(const struct smtp_reply *r)
{
	return (r->code == 500 || r->code == 502 || r->code == 503);
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

static int
reply_rset(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code / 100 != 2)
		return (client_end_reply(c, SMTP_END_PROTOCOL, "RSET"));
	return (0);
}

static int
reply_mail(struct smtp_client *c, struct command *cmd)
{
	struct transaction	*t = cmd->t;
	enum smtp_outcome	 outcome;
	uint32_t		 i;

	if (c->reply.code / 100 == 2)
		return (0);
	if (reply_is_auth(&c->reply))
		return (client_end_reply(c, SMTP_END_AUTH, "MAIL"));
	if (c->reply.code < 400 || reply_is_syntax(&c->reply))
		return (client_end_reply(c, SMTP_END_PROTOCOL, "MAIL"));
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

static int
reply_rcpt(struct smtp_client *c, struct command *cmd)
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
	if (reply_is_auth(&c->reply))
		return (client_end_reply(c, SMTP_END_AUTH, "RCPT"));
	if (c->reply.code < 400 || reply_is_syntax(&c->reply))
		return (client_end_reply(c, SMTP_END_PROTOCOL, "RCPT"));
	if (t->naccepted > 0 && reply_is_full(&c->reply))
		outcome = SMTP_AGAIN;
	else
		outcome = c->reply.code < 500 ? SMTP_DEFERRED : SMTP_REFUSED;
	c->ops->result(c->arg, t->m, t->m->recipients[cmd->rcpt], outcome,
	    &c->reply);
	return (0);
}

static int
reply_data(struct smtp_client *c, struct command *cmd)
{
	struct transaction	*t = cmd->t;

	if (c->reply.code == 354) {
		t->step = STEP_BODY;
		return (0);
	}
	if (c->reply.code < 400)
		return (client_end_reply(c, SMTP_END_PROTOCOL, "DATA"));
	/* With nobody accepted this is what has to come. */
	if (t->naccepted > 0) {
		if (reply_is_auth(&c->reply))
			return (client_end_reply(c, SMTP_END_AUTH, "DATA"));
		if (reply_is_syntax(&c->reply))
			return (client_end_reply(c, SMTP_END_PROTOCOL,
			    "DATA"));
		transaction_answer(c, t, c->reply.code < 500 ?
		    SMTP_DEFERRED : SMTP_REFUSED);
	}
	transaction_done(c, t, 0);
	return (0);
}

/* After the dot, or after BDAT. */
static int
reply_final(struct smtp_client *c, struct command *cmd)
{
	struct transaction	*t = cmd->t;
	int			 code = c->reply.code;

	if (t->naccepted > 0) {
		if (cmd->verb == VERB_BDAT && (code == 500 || code == 502))
			return (client_end_reply(c, SMTP_END_CHUNKING,
			    "BDAT"));
		if (code / 100 == 3 || reply_is_syntax(&c->reply))
			return (client_end_reply(c, SMTP_END_PROTOCOL,
			    "end of message"));
		if (reply_is_auth(&c->reply))
			return (client_end_reply(c, SMTP_END_AUTH,
			    "end of message"));
		transaction_answer(c, t, code < 300 ? SMTP_SENT :
		    code < 500 ? SMTP_DEFERRED : SMTP_REFUSED);
		/* Accepted, and nothing was begun behind it. */
		if (code < 300 && TAILQ_NEXT(t, entry) == NULL)
			c->open = 0;
	}
	transaction_done(c, t, 0);
	return (0);
}

/* The session: greeting, hello, TLS, authentication. */

static int
reply_greeting(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code != 220)
		return (client_end_reply(c, SMTP_END_CONNECT, "greeting"));
	return (client_hello(c, VERB_EHLO));
}

static int
reply_ehlo(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code / 100 == 5)
		return (client_hello(c, VERB_HELO));
	if (c->reply.code / 100 != 2)
		return (client_end_reply(c, SMTP_END_LOST, "EHLO"));
	c->ehlo.extensions &= ~c->without;
	if (c->tls != TLS_MODE_STARTTLS || c->secure)
		return (client_auth(c));
	if ((c->ehlo.extensions & SMTP_EXT_STARTTLS) == 0)
		return (client_end(c, SMTP_END_TLS,
		    "STARTTLS is not offered"));
	if (stream_printf(c->stream, "STARTTLS\r\n") == -1 ||
	    command_push(c, VERB_STARTTLS, NULL, 0) == -1)
		return (client_end_memory(c));
	return (0);
}

static int
reply_helo(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code / 100 == 5)
		return (client_end_reply(c, SMTP_END_PROTOCOL, "HELO"));
	if (c->reply.code / 100 != 2)
		return (client_end_reply(c, SMTP_END_LOST, "HELO"));
	if (c->tls == TLS_MODE_STARTTLS && !c->secure)
		return (client_end(c, SMTP_END_TLS,
		    "STARTTLS is not offered"));
	return (client_auth(c));
}

static int
reply_starttls(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code != 220)
		return (client_end_reply(c, SMTP_END_TLS, "STARTTLS"));
	return (client_tls(c));
}

static int
reply_auth_plain(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code / 100 != 2)
		return (client_end_reply(c, SMTP_END_AUTH, "AUTH"));
	return (client_ready(c));
}

static int
reply_auth_login(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code != 334)
		return (client_end_reply(c, SMTP_END_AUTH, "AUTH"));
	if (client_secret(c, "", c->user, strlen(c->user)) == -1 ||
	    command_push(c, VERB_AUTH_USER, NULL, 0) == -1)
		return (client_end_memory(c));
	return (0);
}

static int
reply_auth_user(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code != 334)
		return (client_end_reply(c, SMTP_END_AUTH, "AUTH"));
	if (client_secret(c, "", c->password, strlen(c->password)) == -1 ||
	    command_push(c, VERB_AUTH_PASSWORD, NULL, 0) == -1)
		return (client_end_memory(c));
	return (0);
}

static int
reply_auth_password(struct smtp_client *c, struct command *cmd)
{
	return (reply_auth_plain(c, cmd));
}

/* Input. */

/* A whole reply: to the oldest command's state function. */
static int
client_reply(struct smtp_client *c)
{
	struct command	 copy, *cmd;

	cmd = TAILQ_FIRST(&c->commands);
	if (c->reply.code == 421 && c->phase != PHASE_CONNECT)
		return (client_end_reply(c, SMTP_END_LOST, "server"));
	if (cmd == NULL)
		return (client_end_reply(c, SMTP_END_PROTOCOL,
		    "unexpected reply"));
	TAILQ_REMOVE(&c->commands, cmd, entry);
	copy = *cmd;
	free(cmd);
	return (verbs[copy.verb].reply(c, &copy));
}

static int
client_line(struct smtp_client *c, const char *line, size_t len)
{
	struct command	*cmd;
	int		 whole;

	if ((whole = smtp_reply_line(&c->reply, line, len)) == -1) {
		if (c->phase == PHASE_CONNECT)
			return (client_end(c, SMTP_END_CONNECT,
			    "no SMTP server"));
		return (client_end(c, SMTP_END_PROTOCOL,
		    "not a reply of SMTP"));
	}
	cmd = TAILQ_FIRST(&c->commands);
	if (cmd != NULL && cmd->verb == VERB_EHLO && c->reply.lines > 1)
		smtp_ehlo_line(&c->ehlo, line, len);
	if (!whole)
		return (0);
	if (client_reply(c) == -1)
		return (-1);
	smtp_reply_init(&c->reply);
	return (0);
}

/* 0, or -1 when the client has ended. */
static int
client_input(struct smtp_client *c)
{
	char	*line;
	size_t	 len;
	int	 got;

	while (c->phase != PHASE_TLS) {
		got = stream_line(c->stream, &line, &len,
		    SMTP_REPLY_LINE_MAX, 0);
		if (got == 0)
			break;
		if (got == -1)
			return (client_end(c, SMTP_END_PROTOCOL,
			    "a line without end"));
		if (client_line(c, line, len) == -1)
			return (-1);
	}
	return (client_pump(c));
}

/* TLS stands: with STARTTLS what was offered before does not count. */
static int
client_secure(struct smtp_client *c)
{
	log_debug("smtp client: %s: %s", c->host,
	    stream_tls_info(c->stream) != NULL ? stream_tls_info(c->stream) :
	    "TLS");
	if (c->tls == TLS_MODE_STARTTLS) {
		if (client_hello(c, VERB_EHLO) == -1)
			return (-1);
	} else {
		c->phase = PHASE_CONNECT;
		if (command_push(c, VERB_GREETING, NULL, 0) == -1)
			return (client_end_memory(c));
	}
	return (client_input(c));
}

/* The socket is connected. */
static int
client_connected(struct smtp_client *c)
{
	if (c->tls == TLS_MODE_IMPLICIT)
		return (client_tls(c));
	if (command_push(c, VERB_GREETING, NULL, 0) == -1)
		return (client_end_memory(c));
	client_timer(c);
	return (0);
}

static void
client_event(struct stream *s, enum stream_event event, void *arg)
{
	struct smtp_client	*c = arg;

	switch (event) {
	case STREAM_CONNECTED:
		(void)client_connected(c);
		break;
	case STREAM_SECURE:
		(void)client_secure(c);
		break;
	case STREAM_DATA:
		(void)client_input(c);
		break;
	case STREAM_DRAINED:
		(void)client_pump(c);
		break;
	case STREAM_EOF:
		/* What it said before may still be there. */
		if (client_input(c) == 0)
			(void)client_broken(c, "connection closed");
		break;
	case STREAM_TIMEOUT:
		(void)client_broken(c, "time-out");
		break;
	case STREAM_ERROR:
		if (c->phase == PHASE_TLS)
			(void)client_end(c, SMTP_END_TLS, "TLS: %s",
			    stream_error(s));
		else
			(void)client_broken(c, stream_error(s));
		break;
	}
}

/* A client without a stream; NULL with errno. */
static struct smtp_client *
client_new(const struct smtp_client_param *p,
    const struct smtp_client_ops *ops, void *arg)
{
	struct smtp_client	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	TAILQ_INIT(&c->commands);
	TAILQ_INIT(&c->transactions);
	c->ops = ops;
	c->arg = arg;
	c->tls = p->tls;
	c->without = p->without;
	if ((c->hostname = strdup(p->hostname)) == NULL ||
	    (c->host = strdup(p->host)) == NULL)
		goto fail;
	if (p->user != NULL && ((c->user = strdup(p->user)) == NULL ||
	    (c->password = strdup(p->password != NULL ? p->password : "")) ==
	    NULL))
		goto fail;
	if (p->ca != NULL && p->ca_len > 0) {
		if ((c->ca = malloc(p->ca_len)) == NULL)
			goto fail;
		memcpy(c->ca, p->ca, p->ca_len);
		c->ca_len = p->ca_len;
	}
	return (c);
 fail:
	client_free(c);
	return (NULL);
}

struct smtp_client *
smtp_client_connect(const struct smtp_client_param *p,
    const struct sockaddr *sa, socklen_t len,
    const struct smtp_client_ops *ops, void *arg)
{
	struct smtp_client	*c;

	if ((c = client_new(p, ops, arg)) == NULL)
		return (NULL);
	if ((c->stream = stream_connect(sa, len, client_event, c)) == NULL) {
		client_free(c);
		return (NULL);
	}
	stream_timeout(c->stream, TIMEOUT_CONNECT);
	return (c);
}

struct smtp_client *
smtp_client_attach(const struct smtp_client_param *p, int fd,
    const struct smtp_client_ops *ops, void *arg)
{
	struct smtp_client	*c;

	if ((c = client_new(p, ops, arg)) == NULL ||
	    (c->stream = stream_new(fd, client_event, c)) == NULL) {
		if (c != NULL)
			client_free(c);
		close(fd);
		return (NULL);
	}
	if (client_connected(c) == -1)
		return (NULL);
	return (c);
}

void
smtp_client_kick(struct smtp_client *c)
{
	if (c->phase == PHASE_READY)
		(void)client_pump(c);
}

int
smtp_client_is_idle(const struct smtp_client *c)
{
	return (c->phase == PHASE_READY && TAILQ_EMPTY(&c->commands) &&
	    TAILQ_EMPTY(&c->transactions));
}

void
smtp_client_close(struct smtp_client *c)
{
	if (smtp_client_is_idle(c) &&
	    stream_write(c->stream, "QUIT\r\n", 6) == 0) {
		/* Nobody waits for 221: the line costs money. */
		stream_timeout(c->stream, TIMEOUT_CONNECT);
		stream_finish(c->stream);
		c->stream = NULL;
	}
	client_drop(c);
	client_free(c);
}

void
smtp_client_bytes(const struct smtp_client *c, uint64_t *in, uint64_t *out)
{
	*in = stream_bytes_in(c->stream);
	*out = stream_bytes_out(c->stream);
}
