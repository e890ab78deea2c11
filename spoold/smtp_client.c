/* See LICENSE for the terms. */

/*
 * The SMTP client's engine.  Commands that are out and not answered are a
 * list; each reply goes to the state function of the oldest.
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
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "smtp_client_internal.h"
#include "smtp_tls.h"

/*
 * Time-outs, in milliseconds without a byte moving.  RFC 5321 4.5.3.2 asks
 * for five minutes and more, at a time when a line cost nothing while it
 * was idle; here every minute of waiting is paid for.
 *
 * To be greeted, TLS included: many round trips of the slowest line (1.4 s),
 * and servers that make a client wait on purpose.
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

#define WHY_MAX			(SMTP_REPLY_TEXT_MAX + 128)

static const struct {
	smtp_client_state	*reply;
	uint64_t		 timeout;
} verbs[VERB_COUNT] = {
	[VERB_GREETING] = { smtp_login_greeting, TIMEOUT_CONNECT },
	[VERB_EHLO] = { smtp_login_ehlo, TIMEOUT_COMMAND },
	[VERB_HELO] = { smtp_login_helo, TIMEOUT_COMMAND },
	[VERB_STARTTLS] = { smtp_login_starttls, TIMEOUT_COMMAND },
	[VERB_AUTH_PLAIN] = { smtp_login_auth_plain, TIMEOUT_COMMAND },
	[VERB_AUTH_LOGIN] = { smtp_login_auth_login, TIMEOUT_COMMAND },
	[VERB_AUTH_USER] = { smtp_login_auth_user, TIMEOUT_COMMAND },
	[VERB_AUTH_PASSWORD] = { smtp_login_auth_password, TIMEOUT_COMMAND },
	[VERB_RSET] = { smtp_transaction_rset, TIMEOUT_COMMAND },
	[VERB_MAIL] = { smtp_transaction_mail, TIMEOUT_COMMAND },
	[VERB_RCPT] = { smtp_transaction_rcpt, TIMEOUT_COMMAND },
	[VERB_DATA] = { smtp_transaction_data, TIMEOUT_COMMAND },
	[VERB_BODY] = { smtp_transaction_final, TIMEOUT_FINAL },
	[VERB_BDAT] = { smtp_transaction_final, TIMEOUT_FINAL },
};

/* Ends and beginnings. */

static void
client_free(struct smtp_client *c)
{
	struct command	*cmd;

	if (evtimer_initialized(&c->queue_timer))
		evtimer_del(&c->queue_timer);
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
int
smtp_client_end(struct smtp_client *c, enum smtp_end end, const char *fmt, ...)
{
	char	 why[WHY_MAX];
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	smtp_transaction_drop(c);
	c->ops->end(c->arg, end, why);
	client_free(c);
	return (-1);
}

/* The same with the words of the reply that is read. */
int
smtp_client_end_reply(struct smtp_client *c, enum smtp_end end,
    const char *what)
{
	char	 text[SMTP_REPLY_TEXT_MAX + 32];

	return (smtp_client_end(c, end, "%s: %s", what,
	    smtp_reply_format(&c->reply, text, sizeof(text))));
}

int
smtp_client_end_memory(struct smtp_client *c)
{
	return (smtp_client_end(c, SMTP_END_LOST, "%s", strerror(errno)));
}

/* A broken connection means something else in each phase. */
static int
client_broken(struct smtp_client *c, const char *why)
{
	if (c->phase == PHASE_CONNECT || c->phase == PHASE_TLS)
		return (smtp_client_end(c, SMTP_END_CONNECT, "%s", why));
	return (smtp_client_end(c, SMTP_END_LOST, "%s", why));
}

/* Commands. */

/* Remember that a reply is due: 0, or -1 with errno. */
int
smtp_client_push(struct smtp_client *c, enum verb verb, struct transaction *t,
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
void
smtp_client_timer(struct smtp_client *c)
{
	struct command	*cmd;
	uint64_t	 ms = TIMEOUT_CONNECT;

	if ((cmd = TAILQ_FIRST(&c->commands)) != NULL)
		ms = verbs[cmd->verb].timeout;
	else if (c->phase == PHASE_READY)
		ms = c->current != NULL ? TIMEOUT_COMMAND : 0;
	/* To set it again would begin it again: no kick ends a silence. */
	if (ms == c->timeout)
		return;
	c->timeout = ms;
	stream_timeout(c->stream, ms);
}

/* Input. */

/* A whole reply: to the oldest command's state function. */
static int
client_reply(struct smtp_client *c)
{
	struct command	 copy, *cmd;

	cmd = TAILQ_FIRST(&c->commands);
	if (c->reply.code == 421 && c->phase != PHASE_CONNECT)
		return (smtp_client_end_reply(c, SMTP_END_LOST, "server"));
	if (cmd == NULL)
		return (smtp_transaction_early(c));
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
			return (smtp_client_end(c, SMTP_END_CONNECT,
			    "no SMTP server"));
		return (smtp_client_end(c, SMTP_END_PROTOCOL,
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
			return (smtp_client_end(c, SMTP_END_PROTOCOL,
			    "a line without end"));
		if (client_line(c, line, len) == -1)
			return (-1);
	}
	return (smtp_transaction_pump(c));
}

/* TLS stands: with STARTTLS what was offered before does not count. */
static int
client_secure(struct smtp_client *c)
{
	log_debug("smtp client: %s: %s", c->host,
	    stream_tls_info(c->stream) != NULL ? stream_tls_info(c->stream) :
	    "TLS");
	if (c->session)
		smtp_tls_done(stream_tls_resumed(c->stream), time(NULL));
	if (c->tls == TLS_MODE_STARTTLS) {
		if (smtp_login_hello(c, VERB_EHLO) == -1)
			return (-1);
	} else {
		c->phase = PHASE_CONNECT;
		if (smtp_client_push(c, VERB_GREETING, NULL, 0) == -1)
			return (smtp_client_end_memory(c));
	}
	return (client_input(c));
}

/* The socket is connected. */
static int
client_connected(struct smtp_client *c)
{
	if (c->tls == TLS_MODE_IMPLICIT)
		return (smtp_login_tls(c));
	if (smtp_client_push(c, VERB_GREETING, NULL, 0) == -1)
		return (smtp_client_end_memory(c));
	smtp_client_timer(c);
	return (0);
}

/*
 * No TLS.  A server that did not like what was offered says so by an alert, and
 * is asked with the usual TLS.
 */
static void
client_not_secure(struct smtp_client *c, const char *why)
{
	enum smtp_end	 end = SMTP_END_TLS;

	if (c->session && strstr(why, "alert") != NULL) {
		smtp_tls_failed();
		end = SMTP_END_SESSION;
	}
	(void)smtp_client_end(c, end, "TLS: %s", why);
}

/* There may be room for more of a body. */
static void
client_queue(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)smtp_transaction_pump(arg);
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
		(void)smtp_transaction_pump(c);
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
		if (c->phase == PHASE_TLS && !stream_is_cut(s))
			client_not_secure(c, stream_error(s));
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
smtp_client_attach(const struct smtp_client_param *p, int fd,
    const struct smtp_client_ops *ops, void *arg)
{
	struct smtp_client	*c;

	if ((c = client_new(p, ops, arg)) == NULL ||
	    (c->stream = stream_new(fd, client_event, c)) == NULL) {
		ops->end(arg, SMTP_END_LOST, strerror(errno));
		if (c != NULL)
			client_free(c);
		close(fd);
		return (NULL);
	}
	evtimer_set(&c->queue_timer, client_queue, c);
	stream_frugal(c->stream);
	if (client_connected(c) == -1)
		return (NULL);
	return (c);
}

void
smtp_client_kick(struct smtp_client *c)
{
	if (c->phase == PHASE_READY)
		(void)smtp_transaction_pump(c);
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
	smtp_transaction_drop(c);
	client_free(c);
}

void
smtp_client_bytes(const struct smtp_client *c, uint64_t *in, uint64_t *out)
{
	*in = stream_bytes_in(c->stream);
	*out = stream_bytes_out(c->stream);
}
