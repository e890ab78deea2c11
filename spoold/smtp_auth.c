/* See LICENSE for the terms. */

/*
 * AUTH: the mechanisms PLAIN and LOGIN.  RFC 4954, RFC 4616.  Passwords are
 * checked by the parent.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ask.h"
#include "child.h"
#include "log.h"
#include "smtp_internal.h"

static smtp_state	 state_plain, state_login_user, state_login_password;

int
smtp_auth_offered(const struct smtp_session *s)
{
	return (child_conf->global.users != NULL &&
	    (s->pki == NULL || stream_is_tls(s->stream)));
}

static void
login_forget(struct smtp_session *s)
{
	s->login.user[0] = '\0';
	explicit_bzero(s->login.password, sizeof(s->login.password));
}

void
smtp_auth_cancel(struct smtp_session *s)
{
	if (s->ask != 0)
		ask_cancel(s->ask);
	s->ask = 0;
	if (evtimer_initialized(&s->denial))
		evtimer_del(&s->denial);
	login_forget(s);
}

/* The exchange is over without a question to the parent. */
static enum smtp_next
auth_failed(struct smtp_session *s, int code, const char *enhanced,
    const char *text)
{
	login_forget(s);
	s->state = smtp_state_command;
	return (smtp_session_reply(s, code, enhanced, "%s", text));
}

/* What a client calls itself, fit for a line of the log. */
static void
printable(const char *s, char *dst, size_t size)
{
	size_t	 i;

	for (i = 0; i + 1 < size && s[i] != '\0'; i++)
		dst[i] = s[i] > ' ' && s[i] <= '~' ? s[i] : '?';
	dst[i] = '\0';
}

/* The client has waited long enough for the answer. */
static void
auth_denied(int fd, short events, void *arg)
{
	struct smtp_session	*s = arg;
	enum smtp_next		 next;

	(void)fd;
	(void)events;
	if (s->failures >= SASL_FAILURES_MAX)
		next = smtp_session_reply(s, 421, "4.7.0",
		    "Too many wrong passwords");
	else
		next = smtp_session_reply(s, 535, "5.7.8",
		    "Authentication credentials invalid");
	smtp_session_answered(s, next);
}

static void
auth_wrong(struct smtp_session *s, const char *user)
{
	struct timeval	 tv = { SASL_FAILURE_DELAY, 0 };

	s->failures++;
	log_info("smtp: authentication failed user=%s address=[%s] count=%u",
	    user, s->address, s->failures);
	login_forget(s);
	if (!evtimer_initialized(&s->denial))
		evtimer_set(&s->denial, auth_denied, s);
	evtimer_add(&s->denial, &tv);
}

static void
auth_result(void *arg, enum proto_auth_result result)
{
	struct smtp_session	*s = arg;
	enum smtp_next		 next;
	char			 user[PROTO_NAME_MAX];

	s->ask = 0;
	printable(s->login.user, user, sizeof(user));
	switch (result) {
	case PROTO_AUTH_RIGHT:
		strlcpy(s->user, user, sizeof(s->user));
		log_debug("smtp: authenticated user=%s address=[%s]", user,
		    s->address);
		next = smtp_session_reply(s, 235, "2.7.0", "Authenticated");
		break;
	case PROTO_AUTH_WRONG:
		auth_wrong(s, user);
		return;
	default:
		log_warnx("smtp: password not checked user=%s address=[%s]",
		    user, s->address);
		next = smtp_session_reply(s, 454, "4.7.0",
		    "The password cannot be checked, try again later");
		break;
	}
	login_forget(s);
	smtp_session_answered(s, next);
}

static enum smtp_next
auth_ask(struct smtp_session *s)
{
	s->state = smtp_state_wait;
	s->ask = ask_auth(s->login.user, s->login.password, auth_result, s);
	explicit_bzero(s->login.password, sizeof(s->login.password));
	return (SMTP_NEXT_WAIT);
}

/*
 * The client's next response, decoded, into size bytes of dst: its length,
 * or -1, and then *next says what the state function is to return.
 */
static ssize_t
auth_response(struct smtp_session *s, char *dst, size_t size,
    enum smtp_next *next)
{
	char	*line;
	size_t	 len;
	ssize_t	 n;
	int	 r;

	r = stream_line(s->stream, &line, &len, SMTP_AUTH_LINE_MAX, 1);
	if (r == 0) {
		*next = SMTP_NEXT_INPUT;
		return (-1);
	}
	if (r == -1) {
		*next = auth_failed(s, 500, "5.5.6", "Line too long");
		return (-1);
	}
	if (len == 1 && line[0] == '*') {
		*next = auth_failed(s, 501, "5.7.0",
		    "Authentication cancelled");
		return (-1);
	}
	n = sasl_base64_decode(line, len, dst, size);
	explicit_bzero(line, len);
	if (n == -1)
		*next = auth_failed(s, 501, "5.5.2", "Bad base64");
	return (n);
}

/* A decoded message of PLAIN. */
static enum smtp_next
plain_message(struct smtp_session *s, const char *message, size_t len)
{
	if (sasl_plain_parse(message, len, &s->login) == -1)
		return (auth_failed(s, 535, "5.7.8",
		    "Authentication credentials invalid"));
	return (auth_ask(s));
}

static enum smtp_next
state_plain(struct smtp_session *s)
{
	char		 message[SASL_MESSAGE_MAX];
	enum smtp_next	 next;
	ssize_t		 n;

	n = auth_response(s, message, sizeof(message), &next);
	if (n != -1)
		next = plain_message(s, message, (size_t)n);
	explicit_bzero(message, sizeof(message));
	return (next);
}

/* A decoded part of LOGIN must be a string. */
static int
is_string(const char *s, ssize_t len)
{
	return (len > 0 && strlen(s) == (size_t)len);
}

static enum smtp_next
ask_password(struct smtp_session *s)
{
	s->state = state_login_password;
	return (smtp_session_reply(s, 334, "", "UGFzc3dvcmQ6"));
}

static enum smtp_next
state_login_user(struct smtp_session *s)
{
	enum smtp_next	 next;
	ssize_t		 n;

	n = auth_response(s, s->login.user, sizeof(s->login.user), &next);
	if (n == -1)
		return (next);
	if (!is_string(s->login.user, n))
		return (auth_failed(s, 535, "5.7.8",
		    "Authentication credentials invalid"));
	return (ask_password(s));
}

static enum smtp_next
state_login_password(struct smtp_session *s)
{
	enum smtp_next	 next;
	ssize_t		 n;

	n = auth_response(s, s->login.password, sizeof(s->login.password),
	    &next);
	if (n == -1)
		return (next);
	if (!is_string(s->login.password, n))
		return (auth_failed(s, 535, "5.7.8",
		    "Authentication credentials invalid"));
	return (auth_ask(s));
}

/* AUTH PLAIN, with the initial response or NULL. */
static enum smtp_next
begin_plain(struct smtp_session *s, const char *initial, size_t len)
{
	char		 message[SASL_MESSAGE_MAX];
	enum smtp_next	 next;
	ssize_t		 n;

	if (initial == NULL) {
		s->state = state_plain;
		return (smtp_session_reply(s, 334, "", "%s", ""));
	}
	n = sasl_base64_decode(initial, len, message, sizeof(message));
	if (n == -1)
		next = auth_failed(s, 501, "5.5.2", "Bad base64");
	else
		next = plain_message(s, message, (size_t)n);
	explicit_bzero(message, sizeof(message));
	return (next);
}

/* AUTH LOGIN; an initial response is the name. */
static enum smtp_next
begin_login(struct smtp_session *s, const char *initial, size_t len)
{
	ssize_t	 n;

	if (initial == NULL) {
		s->state = state_login_user;
		return (smtp_session_reply(s, 334, "", "VXNlcm5hbWU6"));
	}
	n = sasl_base64_decode(initial, len, s->login.user,
	    sizeof(s->login.user));
	if (n == -1)
		return (auth_failed(s, 501, "5.5.2", "Bad base64"));
	if (!is_string(s->login.user, n))
		return (auth_failed(s, 535, "5.7.8",
		    "Authentication credentials invalid"));
	return (ask_password(s));
}

/* Why not now; SMTP_NEXT_INPUT: no reason. */
static enum smtp_next
auth_refused(struct smtp_session *s)
{
	if (child_conf->global.users == NULL)
		return (smtp_session_reply(s, 502, "5.5.1",
		    "No authentication here"));
	if (!smtp_auth_offered(s))
		return (smtp_session_reply(s, 538, "5.7.11",
		    "Send STARTTLS first"));
	if (s->helo[0] == '\0')
		return (smtp_session_reply(s, 503, "5.5.1",
		    "Send EHLO first"));
	if (s->user[0] != '\0')
		return (smtp_session_reply(s, 503, "5.5.1",
		    "Authenticated already"));
	if (s->envelope != NULL)
		return (smtp_session_reply(s, 503, "5.5.1",
		    "Not within a transaction"));
	return (SMTP_NEXT_INPUT);
}

enum smtp_next
smtp_auth_command(struct smtp_session *s, const struct smtp_command *cmd)
{
	enum smtp_next	 next;
	const char	*initial = NULL;
	size_t		 n, len = 0;

	if ((next = auth_refused(s)) != SMTP_NEXT_INPUT)
		return (next);
	for (n = 0; n < cmd->arglen && cmd->arg[n] != ' '; n++)
		continue;
	if (n < cmd->arglen) {
		initial = cmd->arg + n + 1;
		len = cmd->arglen - n - 1;
		/* RFC 4954 4: an empty initial response. */
		if (len == 1 && initial[0] == '=')
			len = 0;
	}
	if (n == 5 && strncasecmp(cmd->arg, "PLAIN", n) == 0)
		return (begin_plain(s, initial, len));
	if (n == 5 && strncasecmp(cmd->arg, "LOGIN", n) == 0)
		return (begin_login(s, initial, len));
	return (smtp_session_reply(s, 504, "5.5.4",
	    "Mechanism not recognized"));
}
