/* See LICENSE for the terms. */

/*
 * The POP3 server's commands before login: TLS, and who the client is.
 * Passwords are checked by the parent.  RFC 1939 4, 2449, 2595, 5034.
 */

#include <sys/types.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "ask.h"
#include "listener.h"
#include "log.h"
#include "maildir.h"
#include "pop3_internal.h"
#include "sasl.h"
#include "spoold.h"

/* A TLS handshake on the LAN takes a second; this is for slow devices. */
#define POP3_HANDSHAKE_MS	(60 * 1000)
#define POP3_MEASURE_TURN	(4 * 1024 * 1024)	/* bytes read */

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

void
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

int
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

void
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
	pop3_timer_add(s, SASL_FAILURE_DELAY);
}

/* The client has waited long enough for the answer. */
void
pop3_auth_denied(struct pop3_session *s)
{
	s->phase = PHASE_COMMAND;
	pop3_say(s, "-ERR [AUTH] wrong user name or password");
	if (s->failures >= SASL_FAILURES_MAX)
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
void
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

/* RFC 3206 4: not the client's fault. */
static void
pop3_auth_unknown(struct pop3_session *s)
{
	log_warnx("pop3: %s: password of %s not checked", s->address,
	    pop3_log_user(s));
	s->user[0] = '\0';
	s->phase = PHASE_COMMAND;
	pop3_say(s, "-ERR [SYS/TEMP] the password cannot be checked now");
}

static void
pop3_auth_result(void *arg, enum proto_auth_result result)
{
	struct pop3_session	*s = arg;

	s->ask = 0;
	switch (result) {
	case PROTO_AUTH_RIGHT:
		pop3_login(s);
		break;
	case PROTO_AUTH_WRONG:
		pop3_auth_failed(s);
		break;
	default:
		pop3_auth_unknown(s);
		break;
	}
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

void
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

void
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
void
pop3_sasl(struct pop3_session *s, const char *response, size_t len)
{
	struct sasl_login	 login;

	s->phase = PHASE_COMMAND;
	if (len == 1 && response[0] == '*') {
		pop3_error(s, "AUTH was cancelled");
		return;
	}
	if (pop3_plain_parse(response, len, &login) == -1)
		pop3_error(s, "[AUTH] this is not a response of PLAIN");
	else {
		strlcpy(s->user, login.user, sizeof(s->user));
		pop3_ask(s, login.password);
	}
	explicit_bzero(&login, sizeof(login));
}

void
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
