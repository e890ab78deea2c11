/* See LICENSE for the terms. */

/*
 * The POP3 server.  A session takes a line at a time from its stream and
 * does what the command says; while an answer is long (RETR, LIST) or has to
 * be waited for (a password check), or while the client does not read, no
 * further line is taken: pipelined commands wait in the stream's buffer,
 * which is bounded, and then in the client.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#include <event.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "listener.h"
#include "log.h"
#include "pop3_internal.h"
#include "pop3_server.h"

/* RFC 1939 3: the autologout timer is at least 10 minutes. */
#define POP3_IDLE_MS		(10 * 60 * 1000)
/* A program that talks nonsense is not a mail program. */
#define POP3_ERRORS_MAX		10
/* RFC 2449 4 has 255; long user names and passwords need more. */
#define POP3_LINE_MAX		1024
/* The response of AUTH PLAIN in base64, longest names and password. */
#define POP3_SASL_MAX		2048
/* Bytes that wait for the client before no more are made. */
#define POP3_HIGH_WATER		(4 * STREAM_LOW_WATER)
/* What one session does before the others have their turn. */
#define POP3_TURN		64	/* commands or pieces */

static TAILQ_HEAD(, pop3_session)	 sessions =
					    TAILQ_HEAD_INITIALIZER(sessions);

void
pop3_say(struct pop3_session *s, const char *fmt, ...)
{
	char	 buf[512];
	va_list	 ap;
	int	 n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf) - 2, fmt, ap);
	va_end(ap);
	if (n < 0) {
		s->broken = 1;
		return;
	}
	if ((size_t)n > sizeof(buf) - 3)
		n = sizeof(buf) - 3;
	buf[n++] = '\r';
	buf[n++] = '\n';
	if (stream_write(s->stream, buf, n) == -1)
		s->broken = 1;
}

/* Something was wrong with a command; too often is enough. */
void
pop3_error(struct pop3_session *s, const char *text)
{
	if (++s->errors >= POP3_ERRORS_MAX) {
		pop3_say(s, "-ERR too many errors");
		s->ending = "errors";
	} else
		pop3_say(s, "-ERR %s", text);
}

void
pop3_timer_add(struct pop3_session *s, int seconds)
{
	struct timeval	 tv = { seconds, 0 };

	evtimer_add(&s->timer, &tv);
}

/* The user's name as a word of a log line. */
const char *
pop3_log_user(const struct pop3_session *s)
{
	static char	 buf[PROTO_NAME_MAX];
	size_t		 i;

	for (i = 0; s->user[i] != '\0'; i++) {
		buf[i] = s->user[i];
		if (buf[i] <= 0x20 || buf[i] >= 0x7f)
			buf[i] = '?';
	}
	buf[i] = '\0';
	return (i == 0 ? "-" : buf);
}

/*
 * Ends the session and frees it; with finish what is queued still goes out.
 */
static void
pop3_end(struct pop3_session *s, const char *reason, int finish)
{
	if (s->mailbox != NULL && s->phase != PHASE_MEASURING)
		log_info("pop3 address=%s user=%s event=logout reason=%s "
		    "retrieved=%u deleted=%u", s->address, pop3_log_user(s),
		    reason, s->retrieved, s->deleted);
	else
		log_debug("pop3: %s: %s before login", s->address, reason);
	TAILQ_REMOVE(&sessions, s, entry);
	evtimer_del(&s->timer);
	if (s->ask != 0)
		ask_cancel(s->ask);
	mailbox_read_close(s->reader);
	mailbox_close(s->mailbox);
	if (finish)
		stream_finish(s->stream);
	else
		stream_free(s->stream);
	listener_release(&s->peer);
	free(s->pki);
	free(s);
}

#define AUTHORIZATION	0x01		/* RFC 1939 4 */
#define TRANSACTION	0x02		/* RFC 1939 5 */

static const struct {
	pop3_handler	*handler;
	int		 states;
} handlers[POP3_VERBS] = {
	[POP3_AUTH] = { pop3_auth, AUTHORIZATION },
	[POP3_CAPA] = { pop3_capa, AUTHORIZATION | TRANSACTION },
	[POP3_DELE] = { pop3_dele, TRANSACTION },
	[POP3_LIST] = { pop3_list, TRANSACTION },
	[POP3_NOOP] = { pop3_noop, TRANSACTION },
	[POP3_PASS] = { pop3_pass, AUTHORIZATION },
	[POP3_QUIT] = { pop3_quit, AUTHORIZATION | TRANSACTION },
	[POP3_RETR] = { pop3_retr, TRANSACTION },
	[POP3_RSET] = { pop3_rset, TRANSACTION },
	[POP3_STAT] = { pop3_stat, TRANSACTION },
	[POP3_STLS] = { pop3_stls, AUTHORIZATION },
	[POP3_TOP] = { pop3_retr, TRANSACTION },
	[POP3_UIDL] = { pop3_list, TRANSACTION },
	[POP3_USER] = { pop3_user, AUTHORIZATION },
};

static void
pop3_command(struct pop3_session *s, const char *line, size_t len)
{
	struct pop3_command	 cmd;
	int			 state;

	switch (pop3_command_parse(line, len, &cmd)) {
	case POP3_UNKNOWN:
		pop3_error(s, "unknown command");
		return;
	case POP3_BAD_ARGUMENT:
		pop3_error(s, "wrong argument");
		return;
	case POP3_PARSED:
		break;
	}
	state = s->mailbox == NULL ? AUTHORIZATION : TRANSACTION;
	if (!(handlers[cmd.verb].states & state))
		pop3_error(s, s->mailbox == NULL ? "login first" :
		    "you are logged in");
	else
		handlers[cmd.verb].handler(s, &cmd);
}

/* Takes a line: 1 if there was one, else 0. */
static int
pop3_line(struct pop3_session *s)
{
	char	*line;
	size_t	 len, limit;

	limit = s->phase == PHASE_SASL ? POP3_SASL_MAX : POP3_LINE_MAX;
	switch (stream_line(s->stream, &line, &len, limit, 0)) {
	case 0:
		return (0);
	case -1:
		s->phase = PHASE_COMMAND;
		pop3_error(s, "the line is too long");
		return (1);
	}
	if (s->phase == PHASE_SASL)
		pop3_sasl(s, line, len);
	else
		pop3_command(s, line, len);
	return (1);
}

/* One step of the session: 1 if there may be more, 0 if it has to wait. */
static int
pop3_step(struct pop3_session *s)
{
	if (stream_queued(s->stream) >= POP3_HIGH_WATER)
		return (0);
	switch (s->phase) {
	case PHASE_COMMAND:
	case PHASE_SASL:
		return (pop3_line(s));
	case PHASE_MESSAGE:
		pop3_send_message(s);
		return (1);
	case PHASE_LISTING:
		pop3_send_listing(s);
		return (1);
	case PHASE_HANDSHAKE:
	case PHASE_ASKING:
	case PHASE_DELAY:
	case PHASE_MEASURING:
		break;
	}
	return (0);
}

/* Goes on until it has to wait; s may be gone after it. */
void
pop3_run(struct pop3_session *s)
{
	unsigned int	 i;
	int		 more = 1;

	for (i = 0; more && i < POP3_TURN; i++) {
		if (s->broken) {
			pop3_end(s, "error", 0);
			return;
		}
		if (s->ending != NULL) {
			pop3_end(s, s->ending, 1);
			return;
		}
		more = pop3_step(s);
	}
	if (more)
		pop3_timer_add(s, 0);
	else if (s->eof && (s->phase == PHASE_COMMAND ||
	    s->phase == PHASE_SASL || s->phase == PHASE_HANDSHAKE) &&
	    stream_queued(s->stream) < POP3_HIGH_WATER)
		pop3_end(s, "closed", 1);
}

static void
pop3_timer(int fd, short events, void *arg)
{
	struct pop3_session	*s = arg;

	(void)fd;
	(void)events;
	if (s->phase == PHASE_DELAY)
		pop3_auth_denied(s);
	else if (s->phase == PHASE_MEASURING)
		pop3_measure(s);
	pop3_run(s);
}

static void
pop3_greet(struct pop3_session *s)
{
	s->phase = PHASE_COMMAND;
	s->greeted = 1;
	pop3_say(s, "+OK relayd POP3");
}

static void
pop3_secure(struct pop3_session *s)
{
	log_debug("pop3: %s: %s", s->address,
	    stream_tls_info(s->stream) != NULL ? stream_tls_info(s->stream) :
	    "tls");
	stream_timeout(s->stream, POP3_IDLE_MS);
	s->phase = PHASE_COMMAND;
	if (!s->greeted)
		pop3_greet(s);
}

static void
pop3_event(struct stream *stream, enum stream_event ev, void *arg)
{
	struct pop3_session	*s = arg;

	switch (ev) {
	case STREAM_SECURE:
		pop3_secure(s);
		break;
	case STREAM_EOF:
		s->eof = 1;
		break;
	case STREAM_TIMEOUT:
		pop3_end(s, "timeout", 0);
		return;
	case STREAM_ERROR:
		log_debug("pop3: %s: %s", s->address, stream_error(stream));
		pop3_end(s, "error", 0);
		return;
	case STREAM_CONNECTED:
	case STREAM_DATA:
	case STREAM_DRAINED:
		break;
	}
	pop3_run(s);
}

static void
pop3_set_address(struct pop3_session *s)
{
	const struct sockaddr_in	*in;
	const struct sockaddr_in6	*in6;

	in = (const struct sockaddr_in *)(const void *)&s->peer;
	in6 = (const struct sockaddr_in6 *)(const void *)&s->peer;
	/* Not getnameinfo: it would ask the system for names of scopes. */
	if ((s->peer.ss_family == AF_INET && inet_ntop(AF_INET,
	    &in->sin_addr, s->address, sizeof(s->address)) != NULL) ||
	    (s->peer.ss_family == AF_INET6 && inet_ntop(AF_INET6,
	    &in6->sin6_addr, s->address, sizeof(s->address)) != NULL))
		return;
	strlcpy(s->address, "-", sizeof(s->address));
}

void
pop3_server_accept(int fd, const struct conf_listener *l,
    const struct sockaddr_storage *peer)
{
	struct pop3_session	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		goto fail;
	s->peer = *peer;
	pop3_set_address(s);
	s->tls_mode = l->tls;
	/* The listener goes with the next reload: only copies are kept. */
	if (l->pki != NULL && (s->pki = strdup(l->pki)) == NULL)
		goto fail;
	if ((s->stream = stream_new(fd, pop3_event, s)) == NULL)
		goto fail;
	evtimer_set(&s->timer, pop3_timer, s);
	TAILQ_INSERT_TAIL(&sessions, s, entry);
	stream_timeout(s->stream, POP3_IDLE_MS);
	if (l->tls == TLS_MODE_IMPLICIT) {
		if (pop3_start_tls(s) == -1)
			pop3_end(s, "tls", 0);
		return;
	}
	pop3_greet(s);
	if (s->broken)
		pop3_end(s, "error", 0);
	return;
fail:
	log_warn("pop3: accept");
	if (s != NULL)
		free(s->pki);
	free(s);
	close(fd);
	listener_release(peer);
}

/*
 * Sessions have copies of what they need of the configuration, and ask for
 * the TLS context by its name: nothing is to be done.
 */
void
pop3_server_reload(void)
{
}

/* RFC 1939 6: a session that ends without QUIT deletes nothing. */
void
pop3_server_shutdown(void)
{
	struct pop3_session	*s, *next;

	TAILQ_FOREACH_SAFE(s, &sessions, entry, next)
		pop3_end(s, "shutdown", 1);
}
