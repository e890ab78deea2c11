/* See LICENSE for the terms. */
/* A session with one mailbox upstream. */

#include <sys/types.h>
#include <errno.h>
#include <event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "conf.h"
#include "log.h"
#include "session.h"

/*
 * The longest wait for something useful while an answer is due.  A satellite
 * line has 1.4 s of round trip and shares its bits with the flush and with
 * other accounts; but a line is paid for by the second, so an upstream that
 * keeps silent, or talks and says nothing, is not waited for any longer.
 */
#define REPLY_TIMEOUT	120	/* seconds */

static void
over_event(int fd, short events, void *arg)
{
	struct session	*s = arg;

	(void)fd;
	(void)events;
	s->finished(s, s->arg);
}

/* The owner hears of it from the event loop, so that it may free it all. */
static void
session_over(struct session *s)
{
	struct timeval	 now = { 0, 0 };

	s->over = 1;
	evtimer_del(&s->reply_timer);
	evtimer_del(&s->wake_event);
	evtimer_add(&s->over_event, &now);
}

void
session_done(struct session *s)
{
	if (!s->over)
		session_over(s);
}

void
session_fail(struct session *s, int error, const char *fmt, ...)
{
	va_list	 ap;

	if (s->over)
		return;
	s->error = error;
	va_start(ap, fmt);
	vsnprintf(s->text, sizeof(s->text), fmt, ap);
	va_end(ap);
	session_over(s);
}

/* A server may repeat what it was sent; that must not get into a log. */
static int
has_secret(const struct session *s, const char *text)
{
	char	*plain;
	int	 found;

	if (s->password[0] != '\0' && strstr(text, s->password) != NULL)
		return (1);
	if ((plain = session_sasl_plain(s)) == NULL)
		return (1);
	found = strstr(text, plain) != NULL;
	freezero(plain, strlen(plain));
	return (found);
}

/*
 * Upstream's words, made fit for a log, in buf; 0 when there are none or
 * they are too long or hold a secret, else 1.
 */
static int
session_words(const struct session *s, const char *text, size_t len,
    char buf[PROTO_TEXT_MAX])
{
	size_t	 i;

	/* Never in part, so that no secret at its end is cut in two. */
	if (len == 0 || len >= PROTO_TEXT_MAX)
		return (0);
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (strlen(buf) != len || has_secret(s, buf))
		return (0);
	for (i = 0; i < len; i++) {
		if (buf[i] < 0x20 || buf[i] > 0x7e)
			buf[i] = '?';
		else if (buf[i] == '"')
			buf[i] = '\'';
	}
	return (1);
}

void
session_refused(struct session *s, int error, const char *what,
    const char *text, size_t len)
{
	char	 words[PROTO_TEXT_MAX];

	if (session_words(s, text, len, words))
		session_fail(s, error, "%s: %s", what, words);
	else
		session_fail(s, error, "%s", what);
}

void
session_alert(const struct session *s, const char *text, size_t len)
{
	char	 words[PROTO_TEXT_MAX];

	if (session_words(s, text, len, words))
		log_warnx("account name=%s event=alert text=\"%s\"",
		    s->account, words);
}

static void
reply_timeout(int fd, short events, void *arg)
{
	struct session	*s = arg;

	(void)fd;
	(void)events;
	session_fail(s, ETIMEDOUT, "no answer for %d seconds", REPLY_TIMEOUT);
}

/*
 * After each turn of the engine: the clock runs while an answer is due, and
 * begins anew when something useful came.
 */
static void
session_settle(struct session *s)
{
	struct timeval	 tv = { REPLY_TIMEOUT, 0 };

	if (s->over)
		return;
	if (s->inbox->broken) {
		session_fail(s, s->inbox->error, "%s", s->inbox->text);
		return;
	}
	if (s->waiting == 0)
		evtimer_del(&s->reply_timer);
	else if (s->moved || !evtimer_pending(&s->reply_timer, NULL))
		evtimer_add(&s->reply_timer, &tv);
	s->moved = 0;
}

static void
wake_event(int fd, short events, void *arg)
{
	struct session	*s = arg;

	(void)fd;
	(void)events;
	if (!s->inbox->broken)
		s->ops->pump(s);
	session_settle(s);
}

int
session_start(struct session *s)
{
	evtimer_set(&s->reply_timer, reply_timeout, s);
	evtimer_set(&s->over_event, over_event, s);
	evtimer_set(&s->wake_event, wake_event, s);
	s->over = 0;
	s->error = 0;
	s->again = 0;
	s->waiting = 1;		/* the handshake, or the greeting */
	s->moved = 1;
	s->begun = 1;
	if (s->ops->begin(s) == -1)
		return (-1);
	if (s->tls == TLS_MODE_IMPLICIT)
		session_secure(s);
	else
		s->ops->start(s);
	session_settle(s);
	return (0);
}

void
session_event(struct stream *stream, enum stream_event ev, void *arg)
{
	struct session	*s = arg;

	if (s->over)
		return;
	switch (ev) {
	case STREAM_SECURE:
		log_debug("account name=%s: %s%s", s->account,
		    stream_tls_info(stream) != NULL ?
		    stream_tls_info(stream) : "TLS",
		    stream_tls_resumed(stream) ? " resumed" : "");
		s->moved = 1;
		if (s->tls == TLS_MODE_IMPLICIT)
			s->ops->start(s);
		else
			s->ops->secure(s);
		break;
	case STREAM_DATA:
		s->ops->input(s);
		break;
	case STREAM_EOF:
		s->ops->input(s);
		session_fail(s, ECONNRESET, "upstream closed the connection");
		break;
	case STREAM_TIMEOUT:
		session_fail(s, ETIMEDOUT, "no answer");
		break;
	case STREAM_ERROR:
		session_fail(s, stream_is_cut(stream) ? ECONNRESET : EPROTO,
		    "%s", stream_error(stream));
		break;
	case STREAM_CONNECTED:
	case STREAM_DRAINED:
		break;
	}
	session_settle(s);
}

/* Once for all that moves in a turn: what is asked for goes together. */
void
session_wake(void *arg)
{
	struct session	*s = arg;
	struct timeval	 now = { 0, 0 };

	if (!s->over)
		evtimer_add(&s->wake_event, &now);
}

int
session_close(struct session *s)
{
	if (s->over || !s->ops->close(s))
		return (0);
	session_settle(s);
	return (1);
}

void
session_free(struct session *s)
{
	if (!s->begun)
		return;
	evtimer_del(&s->reply_timer);
	evtimer_del(&s->over_event);
	evtimer_del(&s->wake_event);
	if (s->engine != NULL)
		s->ops->end(s);
	s->engine = NULL;
	s->begun = 0;
	s->over = 1;
}

void
session_send(struct session *s, const char *fmt, ...)
{
	va_list	 ap;
	char	*line = NULL;
	int	 n;

	if (s->over)
		return;
	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n == -1) {
		session_fail(s, ENOMEM, "out of memory");
		return;
	}
	if (stream_write(s->stream, line, (size_t)n) == -1 ||
	    stream_write(s->stream, "\r\n", 2) == -1)
		session_fail(s, errno, "%s", stream_error(s->stream));
	freezero(line, (size_t)n);
}

void
session_secure(struct session *s)
{
	if (s->tls_config == NULL)
		session_fail(s, EINVAL, "there are no certificates to trust");
	else if (stream_tls_client(s->stream, s->tls_config, s->host) == -1)
		session_fail(s, errno == EPROTO ? EPROTO : ECONNRESET,
		    errno == EPROTO ?
		    "upstream sent data before the TLS handshake" :
		    "TLS could not be started");
}

int
session_line(struct session *s, char **line, size_t *len, size_t limit)
{
	int	 n;

	if (s->over)
		return (-1);
	n = stream_line(s->stream, line, len, limit, 0);
	if (n == -1)
		session_fail(s, EMSGSIZE, "a line above %zu bytes", limit);
	return (n);
}

char *
session_sasl_plain(const struct session *s)
{
	size_t	 llen = strlen(s->login), plen = strlen(s->password);
	size_t	 len = llen + plen + 2;
	uint8_t	*in;
	char	*out;

	/* "", NUL, login, NUL, password */
	if ((in = calloc(1, len)) == NULL)
		return (NULL);
	memcpy(in + 1, s->login, llen);
	memcpy(in + 2 + llen, s->password, plen);
	out = base64_encode(in, len);
	freezero(in, len);
	return (out);
}
