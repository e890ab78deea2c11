/* See LICENSE for the terms. */

/*
 * The SMTP server's sessions: begin, events, replies and end.  A session is
 * a state function that is called as long as it finds something to do.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "listener.h"
#include "log.h"
#include "netmatch.h"
#include "smtp_internal.h"
#include "smtp_server.h"

/* RFC 5321 4.5.3.2.7: a server waits at least 5 minutes for a command. */
#define SMTP_IDLE_TIMEOUT	(5 * 60 * 1000)	/* ms */
/* For the last reply to leave: the session's place is free already. */
#define SMTP_FINISH_TIMEOUT	(30 * 1000)	/* ms */
/* Errors that a session may make: a program that goes on is no mailer. */
#define SMTP_ERRORS_MAX		20
/* Replies that nobody reads: no further command is taken before. */
#define SMTP_OUTPUT_MAX		65536

static LIST_HEAD(, smtp_session) sessions = LIST_HEAD_INITIALIZER(sessions);

static void
session_free(struct smtp_session *s)
{
	LIST_REMOVE(s, entry);
	evtimer_del(&s->resume);
	smtp_auth_cancel(s);
	smtp_data_detach(s);
	smtp_session_reset(s);
	stream_free(s->stream);
	listener_release(&s->peer);
	log_debug("smtp: end of session address=[%s]", s->address);
	free(s->host);
	free(s->pki);
	freezero(s, sizeof(*s));
}

/* Lets what is queued leave first. */
static void
session_finish(struct smtp_session *s)
{
	stream_timeout(s->stream, SMTP_FINISH_TIMEOUT);
	stream_finish(s->stream);
	s->stream = NULL;
	session_free(s);
}

static enum smtp_next
smtp_state_end(struct smtp_session *s)
{
	(void)s;
	return (SMTP_NEXT_END);
}

enum smtp_next
smtp_state_wait(struct smtp_session *s)
{
	(void)s;
	return (SMTP_NEXT_WAIT);
}

/* May free the session. */
static void
session_run(struct smtp_session *s)
{
	enum smtp_next	 next;

	do {
		if (stream_queued(s->stream) > SMTP_OUTPUT_MAX)
			return;
		next = s->state(s);
	} while (next == SMTP_NEXT_AGAIN);
	if (next == SMTP_NEXT_END || (next == SMTP_NEXT_INPUT && s->eof))
		session_finish(s);
}

static void
session_resume(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	session_run(arg);
}

void
smtp_session_answered(struct smtp_session *s, enum smtp_next next)
{
	struct timeval	 now = { 0, 0 };

	if (next == SMTP_NEXT_END || s->closing)
		s->state = smtp_state_end;
	else
		s->state = smtp_state_command;
	evtimer_add(&s->resume, &now);
}

enum smtp_next
smtp_session_reply(struct smtp_session *s, int code, const char *enhanced,
    const char *format, ...)
{
	char		 text[512];
	va_list		 ap;

	if (code >= 500 && ++s->errors >= SMTP_ERRORS_MAX) {
		log_info("smtp: too many errors address=[%s]", s->address);
		code = 421;
		enhanced = "4.7.0";
		format = "Too many errors";
	}
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (stream_printf(s->stream, "%d %s%s%s\r\n", code, enhanced,
	    enhanced[0] != '\0' ? " " : "", text) == -1 || code == 421)
		return (SMTP_NEXT_END);
	return (SMTP_NEXT_AGAIN);
}

static void
session_timeout(struct smtp_session *s)
{
	log_debug("smtp: time-out address=[%s]", s->address);
	(void)smtp_session_reply(s, 421, "4.4.2", "Nothing came for too long");
	session_finish(s);
}

static void
session_event(struct stream *stream, enum stream_event event, void *arg)
{
	struct smtp_session	*s = arg;

	switch (event) {
	case STREAM_SECURE:
		log_debug("smtp: tls address=[%s] %s", s->address,
		    stream_tls_info(stream));
		smtp_session_secured(s);
		session_run(s);
		break;
	case STREAM_EOF:
		s->eof = 1;
		session_run(s);
		break;
	case STREAM_DATA:
	case STREAM_DRAINED:
		session_run(s);
		break;
	case STREAM_TIMEOUT:
		session_timeout(s);
		break;
	case STREAM_ERROR:
		log_debug("smtp: broken address=[%s]: %s", s->address,
		    stream_error(stream));
		session_free(s);
		break;
	case STREAM_CONNECTED:
		break;
	}
}

/* What the listener says of this client.  0, or -1 with ENOMEM. */
static int
session_policy(struct smtp_session *s, const struct conf_listener *l)
{
	char	*pki = NULL;

	if (l->pki != NULL && (pki = strdup(l->pki)) == NULL)
		return (-1);
	free(s->pki);
	s->pki = pki;
	s->service = l->service;
	s->restricted = !TAILQ_EMPTY(&l->from);
	s->listed = conf_listener_local(l) ||
	    netmatch_list(&s->peer, &l->from);
	return (0);
}

/* NULL with errno; the descriptor is then still the caller's. */
static struct smtp_session *
session_new(int fd, const struct conf_listener *l,
    const struct sockaddr_storage *peer)
{
	struct smtp_session	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->peer = *peer;
	netmatch_text(peer, s->address);
	s->port = l->port;
	if ((s->host = strdup(l->host)) == NULL ||
	    session_policy(s, l) == -1 ||
	    (s->stream = stream_new(fd, session_event, s)) == NULL) {
		free(s->host);
		free(s->pki);
		free(s);
		return (NULL);
	}
	evtimer_set(&s->resume, session_resume, s);
	LIST_INSERT_HEAD(&sessions, s, entry);
	return (s);
}

/* Which of this machine's users it is. */
static void
log_local(int fd)
{
	uid_t	 uid;
	gid_t	 gid;

	if (getpeereid(fd, &uid, &gid) == -1)
		log_warn("smtp: local client");
	else
		log_info("smtp: local client uid=%u", (unsigned int)uid);
}

void
smtp_server_accept(int fd, const struct conf_listener *l,
    const struct sockaddr_storage *peer)
{
	struct smtp_session	*s;
	struct tls		*tls;

	if ((s = session_new(fd, l, peer)) == NULL) {
		log_warn("smtp: new session");
		close(fd);
		listener_release(peer);
		return;
	}
	if (conf_listener_local(l))
		log_local(fd);
	else
		log_debug("smtp: session address=[%s] listener=[%s]:%u",
		    s->address, l->host, l->port);
	stream_timeout(s->stream, SMTP_IDLE_TIMEOUT);
	if (l->tls != TLS_MODE_IMPLICIT) {
		s->state = smtp_state_command;
		smtp_session_greet(s);
		return;
	}
	s->state = smtp_state_wait;
	if ((tls = listener_tls(s->pki)) == NULL ||
	    stream_tls_server(s->stream, tls) == -1) {
		log_warnx("smtp: tls for listener [%s]:%u failed", l->host,
		    l->port);
		session_free(s);
	}
}

/* Sessions go on under the rules that their listener has now. */
void
smtp_server_reload(void)
{
	struct conf_listener	*l;
	struct smtp_session	*s;

	LIST_FOREACH(s, &sessions, entry) {
		TAILQ_FOREACH(l, &child_conf->listeners, entry)
			if (l->port == s->port && strcmp(l->host, s->host) == 0)
				break;
		if (l != NULL && session_policy(s, l) == -1)
			log_warn("smtp: session keeps its old rules");
	}
}

void
smtp_server_shutdown(void)
{
	struct smtp_session	*s, *next;

	for (s = LIST_FIRST(&sessions); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		s->closing = 1;
		if (s->commit != NULL)
			continue;
		(void)smtp_session_reply(s, 421, "4.3.2", "Shutting down");
		session_finish(s);
	}
}
