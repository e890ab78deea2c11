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

#include <errno.h>
#include <event.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ask.h"
#include "listener.h"
#include "log.h"
#include "mailbox.h"
#include "maildir.h"
#include "pop3_command.h"
#include "pop3_server.h"
#include "spoold.h"
#include "stream.h"

/* RFC 1939 3: the autologout timer is at least 10 minutes. */
#define POP3_IDLE_MS		(10 * 60 * 1000)
/* A TLS handshake on the LAN takes a second; this is for slow devices. */
#define POP3_HANDSHAKE_MS	(60 * 1000)
/* Slows down the guessing of passwords. */
#define POP3_FAILURE_DELAY	2	/* seconds */
#define POP3_FAILURES_MAX	3	/* then the connection is closed */
/* A program that talks nonsense is not a mail program. */
#define POP3_ERRORS_MAX		10
/* RFC 2449 4 has 255; long user names and passwords need more. */
#define POP3_LINE_MAX		1024
/* The response of AUTH PLAIN in base64, longest names and password. */
#define POP3_SASL_MAX		2048
/* Bytes that wait for the client before no more are made. */
#define POP3_HIGH_WATER		(4 * STREAM_LOW_WATER)
#define POP3_PIECE		8192	/* of a message at once */
#define POP3_LIST_PIECE		128	/* lines of a listing at once */
/* What one session does before the others have their turn. */
#define POP3_TURN		64	/* commands or pieces */
#define POP3_MEASURE_TURN	(4 * 1024 * 1024)	/* bytes read */

enum pop3_phase {
	PHASE_HANDSHAKE,		/* TLS is being set up */
	PHASE_COMMAND,			/* the next line is a command */
	PHASE_SASL,			/* ... the response of AUTH PLAIN */
	PHASE_ASKING,			/* the parent checks a password */
	PHASE_DELAY,			/* it was wrong: the client waits */
	PHASE_MEASURING,		/* finding sizes of messages */
	PHASE_MESSAGE,			/* RETR or TOP is being sent */
	PHASE_LISTING			/* LIST or UIDL is */
};

struct pop3_session {
	TAILQ_ENTRY(pop3_session) entry;
	struct stream		*stream;
	struct sockaddr_storage	 peer;
	char			 address[INET6_ADDRSTRLEN];
	uint32_t		 tls_mode;	/* enum tls_mode */
	char			*pki;		/* name, or NULL */
	enum pop3_phase		 phase;
	int			 greeted;
	int			 eof;		/* the client sends no more */
	int			 broken;	/* no memory for output */
	const char		*ending;	/* the reason, when it ends */
	char			 user[PROTO_NAME_MAX];
	uint32_t		 ask;		/* of ask_auth, or 0 */
	struct event		 timer;
	struct mailbox		*mailbox;	/* NULL before login */
	struct mailbox_reader	*reader;	/* PHASE_MESSAGE */
	int			 dots;		/* of dot_stuff */
	int			 uidl;		/* PHASE_LISTING: or LIST */
	uint32_t		 next;		/* of the listing */
	unsigned int		 failures;	/* of login */
	unsigned int		 errors;
	uint32_t		 retrieved;
	uint32_t		 deleted;	/* by QUIT */
};
TAILQ_HEAD(pop3_sessions, pop3_session);

static struct pop3_sessions	 sessions = TAILQ_HEAD_INITIALIZER(sessions);

typedef void	 pop3_handler(struct pop3_session *,
		    const struct pop3_command *);

static void	 pop3_run(struct pop3_session *);
static void	 pop3_measure(struct pop3_session *);

static void	 pop3_say(struct pop3_session *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));

static void
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
static void
pop3_error(struct pop3_session *s, const char *text)
{
	if (++s->errors >= POP3_ERRORS_MAX) {
		pop3_say(s, "-ERR too many errors");
		s->ending = "errors";
	} else
		pop3_say(s, "-ERR %s", text);
}

static void
pop3_timer_add(struct pop3_session *s, int seconds)
{
	struct timeval	 tv = { seconds, 0 };

	evtimer_add(&s->timer, &tv);
}

/* The user's name as a word of a log line. */
static const char *
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

/* RFC 1939 13: passwords in clear only where the configuration has it so. */
static int
pop3_may_login(const struct pop3_session *s)
{
	return (s->tls_mode == TLS_MODE_NONE || stream_is_tls(s->stream));
}

static int
pop3_may_stls(const struct pop3_session *s)
{
	return (s->tls_mode == TLS_MODE_STARTTLS &&
	    !stream_is_tls(s->stream) && s->mailbox == NULL);
}

static void
pop3_capa(struct pop3_session *s, const struct pop3_command *cmd)
{
	(void)cmd;
	pop3_say(s, "+OK");
	if (pop3_may_stls(s))
		pop3_say(s, "STLS");
	if (pop3_may_login(s))
		pop3_say(s, "USER\r\nSASL PLAIN");
	pop3_say(s, "TOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\n"
	    "AUTH-RESP-CODE\r\nEXPIRE NEVER\r\nIMPLEMENTATION relayd\r\n.");
}

static int
pop3_start_tls(struct pop3_session *s)
{
	struct tls	*tls;

	if (s->pki == NULL || (tls = listener_tls(s->pki)) == NULL) {
		log_warnx("pop3: %s: no pki", s->address);
		return (-1);
	}
	if (stream_tls_server(s->stream, tls) == -1) {
		log_warn("pop3: %s: tls", s->address);
		return (-1);
	}
	stream_timeout(s->stream, POP3_HANDSHAKE_MS);
	s->phase = PHASE_HANDSHAKE;
	return (0);
}

static void
pop3_stls(struct pop3_session *s, const struct pop3_command *cmd)
{
	const uint8_t	*rest;

	(void)cmd;
	if (!pop3_may_stls(s) || s->pki == NULL ||
	    listener_tls(s->pki) == NULL) {
		pop3_error(s, "TLS is not to be had");
		return;
	}
	/* What was sent in clear must not be taken for something secure. */
	if (stream_peek(s->stream, &rest) != 0) {
		pop3_say(s, "-ERR nothing may follow STLS");
		s->ending = "injection";
		return;
	}
	pop3_say(s, "+OK");
	/* RFC 2595 4: what was said before is forgotten. */
	s->user[0] = '\0';
	if (pop3_start_tls(s) == -1)
		s->ending = "tls";
}

/* A login that cannot be right is treated like one that is wrong. */
static void
pop3_auth_failed(struct pop3_session *s)
{
	s->failures++;
	log_info("pop3 address=%s user=%s event=auth-failed count=%u",
	    s->address, pop3_log_user(s), s->failures);
	s->user[0] = '\0';
	s->phase = PHASE_DELAY;
	pop3_timer_add(s, POP3_FAILURE_DELAY);
}

/* The client has waited long enough for the answer. */
static void
pop3_auth_denied(struct pop3_session *s)
{
	s->phase = PHASE_COMMAND;
	pop3_say(s, "-ERR [AUTH] wrong user name or password");
	if (s->failures >= POP3_FAILURES_MAX)
		s->ending = "auth-failed";
}

static void
pop3_login(struct pop3_session *s)
{
	if ((s->mailbox = mailbox_open(spool_fd, s->user)) != NULL) {
		s->phase = PHASE_MEASURING;
		pop3_measure(s);
		return;
	}
	s->phase = PHASE_COMMAND;
	if (errno == EBUSY) {
		pop3_say(s, "-ERR [IN-USE] another session has the mailbox");
	} else {
		log_warn("pop3: %s", pop3_log_user(s));
		pop3_say(s, "-ERR [SYS/TEMP] the mailbox cannot be read");
	}
	s->user[0] = '\0';
}

/* Sizes are found a piece a turn; at the end the login is complete. */
static void
pop3_measure(struct pop3_session *s)
{
	uint32_t	 messages;
	uint64_t	 bytes;

	if (!mailbox_measure(s->mailbox, POP3_MEASURE_TURN)) {
		pop3_timer_add(s, 0);
		return;
	}
	s->phase = PHASE_COMMAND;
	mailbox_totals(s->mailbox, &messages, &bytes);
	log_info("pop3 address=%s user=%s event=login tls=%d messages=%u "
	    "bytes=%" PRIu64, s->address, pop3_log_user(s),
	    stream_is_tls(s->stream), messages, bytes);
	pop3_say(s, "+OK %u messages (%" PRIu64 " octets)", messages, bytes);
}

static void
pop3_auth_result(void *arg, int ok)
{
	struct pop3_session	*s = arg;

	s->ask = 0;
	if (ok)
		pop3_login(s);
	else
		pop3_auth_failed(s);
	pop3_run(s);
}

/* s->user is set; the password stays the caller's. */
static void
pop3_ask(struct pop3_session *s, const char *password)
{
	if (!maildir_user_ok(s->user)) {
		pop3_auth_failed(s);
		return;
	}
	s->phase = PHASE_ASKING;
	s->ask = ask_auth(s->user, password, pop3_auth_result, s);
}

static int
pop3_login_refused(struct pop3_session *s)
{
	if (pop3_may_login(s))
		return (0);
	pop3_error(s, "[AUTH] TLS is needed before login");
	return (1);
}

static void
pop3_user(struct pop3_session *s, const struct pop3_command *cmd)
{
	if (pop3_login_refused(s))
		return;
	if (cmd->textlen >= sizeof(s->user)) {
		pop3_error(s, "the user name is too long");
		return;
	}
	memcpy(s->user, cmd->text, cmd->textlen);
	s->user[cmd->textlen] = '\0';
	/* RFC 1939 7: which names there are is nobody's business. */
	pop3_say(s, "+OK");
}

static void
pop3_pass(struct pop3_session *s, const struct pop3_command *cmd)
{
	char	 password[PROTO_PASSWORD_MAX];

	if (pop3_login_refused(s))
		return;
	if (s->user[0] == '\0') {
		pop3_error(s, "USER first");
		return;
	}
	if (cmd->textlen >= sizeof(password)) {
		pop3_auth_failed(s);
		return;
	}
	memcpy(password, cmd->text, cmd->textlen);
	password[cmd->textlen] = '\0';
	pop3_ask(s, password);
	explicit_bzero(password, sizeof(password));
}

/* The response to AUTH PLAIN: RFC 5034 4. */
static void
pop3_sasl(struct pop3_session *s, const char *response, size_t len)
{
	struct pop3_plain	 plain;

	s->phase = PHASE_COMMAND;
	if (len == 1 && response[0] == '*') {
		pop3_error(s, "AUTH was cancelled");
		return;
	}
	if (pop3_plain_parse(response, len, &plain) == -1)
		pop3_error(s, "[AUTH] this is not a response of PLAIN");
	else {
		strlcpy(s->user, plain.user, sizeof(s->user));
		pop3_ask(s, plain.password);
	}
	explicit_bzero(&plain, sizeof(plain));
}

static void
pop3_auth(struct pop3_session *s, const struct pop3_command *cmd)
{
	if (pop3_login_refused(s))
		return;
	s->user[0] = '\0';
	if (cmd->textlen != 5 || strncasecmp(cmd->text, "PLAIN", 5) != 0) {
		pop3_error(s, "there is PLAIN only");
		return;
	}
	if (cmd->initial != NULL) {
		pop3_sasl(s, cmd->initial, cmd->initiallen);
		return;
	}
	pop3_say(s, "+ ");
	s->phase = PHASE_SASL;
}

static void
pop3_stat(struct pop3_session *s, const struct pop3_command *cmd)
{
	uint32_t	 messages;
	uint64_t	 bytes;

	(void)cmd;
	mailbox_totals(s->mailbox, &messages, &bytes);
	pop3_say(s, "+OK %u %" PRIu64, messages, bytes);
}

/* 1 if the message that a command speaks of is there. */
static int
pop3_exists(struct pop3_session *s, const struct pop3_command *cmd)
{
	if (mailbox_exists(s->mailbox, cmd->number))
		return (1);
	pop3_say(s, "-ERR there is no such message");
	return (0);
}

/* The line of one message in LIST or UIDL. */
static void
pop3_list_line(struct pop3_session *s, const char *prefix, int uidl,
    uint32_t n)
{
	char	 uid[MAILBOX_UID_MAX];

	if (uidl) {
		mailbox_uid(s->mailbox, n, uid);
		pop3_say(s, "%s%u %s", prefix, n, uid);
	} else
		pop3_say(s, "%s%u %" PRIu64, prefix, n,
		    mailbox_size(s->mailbox, n));
}

/* LIST and UIDL, of one message or of all. */
static void
pop3_list(struct pop3_session *s, const struct pop3_command *cmd)
{
	int	 uidl = cmd->verb == POP3_UIDL;

	if (cmd->has_number) {
		if (pop3_exists(s, cmd))
			pop3_list_line(s, "+OK ", uidl, cmd->number);
		return;
	}
	pop3_say(s, "+OK");
	s->uidl = uidl;
	s->next = 1;
	s->phase = PHASE_LISTING;
}

static void
pop3_send_listing(struct pop3_session *s)
{
	uint32_t	 count = mailbox_count(s->mailbox);
	unsigned int	 i;

	for (i = 0; i < POP3_LIST_PIECE && s->next <= count; i++, s->next++)
		if (mailbox_exists(s->mailbox, s->next))
			pop3_list_line(s, "", s->uidl, s->next);
	if (s->next > count) {
		pop3_say(s, ".");
		s->phase = PHASE_COMMAND;
	}
}

/* RETR and TOP. */
static void
pop3_retr(struct pop3_session *s, const struct pop3_command *cmd)
{
	int64_t	 lines = MAILBOX_ALL;

	if (cmd->verb == POP3_TOP)
		lines = cmd->lines;
	if (!pop3_exists(s, cmd))
		return;
	s->reader = mailbox_read_open(s->mailbox, cmd->number, lines);
	if (s->reader == NULL) {
		if (errno == ENOENT) {
			pop3_say(s, "-ERR the message has vanished");
			return;
		}
		log_warn("pop3: %s: message %u", pop3_log_user(s),
		    cmd->number);
		pop3_say(s, "-ERR [SYS/TEMP] the message cannot be read");
		return;
	}
	if (cmd->verb == POP3_RETR) {
		s->retrieved++;
		pop3_say(s, "+OK %" PRIu64 " octets",
		    mailbox_size(s->mailbox, cmd->number));
	} else
		pop3_say(s, "+OK");
	s->dots = 0;
	s->phase = PHASE_MESSAGE;
}

/* A piece of the message, or its end. */
static void
pop3_send_message(struct pop3_session *s)
{
	uint8_t	 in[POP3_PIECE], out[POP3_PIECE];
	size_t	 n, off, used;
	ssize_t	 len;

	if ((len = mailbox_read(s->reader, in, sizeof(in))) == -1) {
		/* Half a message must not look like a whole one. */
		log_warn("pop3: %s", pop3_log_user(s));
		s->broken = 1;
		return;
	}
	if (len == 0) {
		n = dot_end(s->dots, out);
		if (stream_write(s->stream, out, n) == -1)
			s->broken = 1;
		mailbox_read_close(s->reader);
		s->reader = NULL;
		s->phase = PHASE_COMMAND;
		return;
	}
	for (off = 0; off < (size_t)len; off += used) {
		n = dot_stuff(&s->dots, in + off, len - off, &used, out,
		    sizeof(out));
		if (stream_write(s->stream, out, n) == -1) {
			s->broken = 1;
			return;
		}
	}
}

static void
pop3_dele(struct pop3_session *s, const struct pop3_command *cmd)
{
	if (!pop3_exists(s, cmd))
		return;
	mailbox_delete(s->mailbox, cmd->number);
	pop3_say(s, "+OK");
}

static void
pop3_noop(struct pop3_session *s, const struct pop3_command *cmd)
{
	(void)cmd;
	pop3_say(s, "+OK");
}

static void
pop3_rset(struct pop3_session *s, const struct pop3_command *cmd)
{
	(void)cmd;
	mailbox_reset(s->mailbox);
	pop3_say(s, "+OK");
}

static void
pop3_quit(struct pop3_session *s, const struct pop3_command *cmd)
{
	uint32_t	 failed = 0, before, after;
	uint64_t	 bytes;

	(void)cmd;
	if (s->mailbox != NULL) {
		before = mailbox_count(s->mailbox);
		mailbox_totals(s->mailbox, &after, &bytes);
		failed = mailbox_update(s->mailbox);
		s->deleted = before - after - failed;
	}
	if (failed != 0)
		pop3_say(s, "-ERR [SYS/TEMP] some deleted messages were not "
		    "removed");
	else
		pop3_say(s, "+OK");
	s->ending = "quit";
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
static void
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
