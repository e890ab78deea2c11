/* See LICENSE for the terms. */

/* A spoold in memory, and sessions against a scripted peer. */

#include <sys/types.h>
#include <sys/socket.h>
#include <errno.h>
#include <event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>
#include <cmocka.h>

#include "delivery.h"
#include "fetch_spool.h"
#include "test_cert.h"

#define MESSAGES	200
#define TIME_LIMIT	60	/* seconds; a test that hangs is ended */

struct delivery {
	struct spool_message	*message;
	struct event		 ev;
	delivery_ready_cb	*ready;
	delivery_done_cb	*done;
	void			*arg;
};

struct delivery_query {
	struct event		 ev;
	delivery_seen_cb	*seen;
	delivery_seen_end_cb	*end;
	void			*arg;
};

const char	*session_password;
uint32_t	 session_tls;
const char	*session_trust;
uint64_t	 session_keep;
struct known_upstream	*session_known;
struct known_mailbox	*session_memory;
uint64_t	 session_in, session_out, session_repeated;
int		 session_again;
int		 session_error;
char		 session_text[PROTO_TEXT_MAX];

static struct spool_message	 messages[MESSAGES];
static size_t			 nmessages;
static struct delivery		*held;
static int			 vanish, gone;
static int			 over;

void
spool_reset(void)
{
	size_t	 i;

	for (i = 0; i < nmessages; i++)
		free(messages[i].data);
	memset(messages, 0, sizeof(messages));
	nmessages = 0;
	held = NULL;
	vanish = gone = 0;
	session_password = "secret";
	session_tls = TLS_MODE_NONE;
	session_trust = TEST_GOOD_CRT;
	session_keep = KEEP_NONE;
	session_known = NULL;
	session_memory = NULL;
}

struct spool_message *
spool_message(const char *uid)
{
	size_t	 i;

	for (i = 0; i < nmessages; i++)
		if (strcmp(messages[i].uid, uid) == 0)
			return (&messages[i]);
	assert_true(nmessages < MESSAGES);
	strlcpy(messages[nmessages].uid, uid, sizeof(messages[0].uid));
	return (&messages[nmessages++]);
}

void
spool_vanish(void)
{
	vanish = 1;
}

/* In the order of the calls, as a pipe has it; timers have none. */
static void
soon(struct event *ev, void (*fn)(int, short, void *), void *arg)
{
	evtimer_set(ev, fn, arg);
	event_active(ev, EV_TIMEOUT, 1);
}

static void
query_event(int fd, short events, void *arg)
{
	struct delivery_query	*q = arg;
	size_t			 i;

	(void)fd;
	(void)events;
	for (i = 0; i < nmessages; i++)
		if (messages[i].seen)
			q->seen(q->arg, messages[i].uid, messages[i].when);
	q->end(q->arg, 0);
	free(q);
}

struct delivery_query *
delivery_seen(const char *account, uint32_t uidvalidity,
    delivery_seen_cb *seen, delivery_seen_end_cb *end, void *arg)
{
	struct delivery_query	*q;

	(void)account;
	(void)uidvalidity;
	if (gone) {
		errno = EPIPE;
		return (NULL);
	}
	assert_non_null(q = calloc(1, sizeof(*q)));
	q->seen = seen;
	q->end = end;
	q->arg = arg;
	soon(&q->ev, query_event, q);
	return (q);
}

void
delivery_seen_cancel(struct delivery_query *q)
{
	evtimer_del(&q->ev);
	free(q);
}

void
delivery_forget(const char *account, uint32_t uidvalidity, const char *uid)
{
	(void)account;
	(void)uidvalidity;
	spool_message(uid)->forgotten = 1;
}

static void
ready_event(int fd, short events, void *arg)
{
	struct delivery	*d = arg, copy = *d;

	(void)fd;
	(void)events;
	if (d->message->open_error != 0)
		free(d);
	copy.ready(copy.arg, copy.message->open_error,
	    copy.message->open_error != 0 ? 0 : copy.message->len);
}

struct delivery *
delivery_open(const char *account, uint32_t uidvalidity, const char *uid,
    uint64_t size, int resumable, delivery_ready_cb *ready,
    delivery_done_cb *done, void *arg)
{
	struct delivery	*d;

	(void)account;
	(void)uidvalidity;
	if (gone) {
		errno = EPIPE;
		return (NULL);
	}
	assert_non_null(d = calloc(1, sizeof(*d)));
	d->message = spool_message(uid);
	d->message->size = size;
	d->message->resumable = resumable;
	d->ready = ready;
	d->done = done;
	d->arg = arg;
	soon(&d->ev, ready_event, d);
	return (d);
}

int
delivery_write(struct delivery *d, const void *data, size_t len)
{
	struct spool_message	*m = d->message;

	if (m->room != 0 && m->len + len > m->room) {
		errno = ENOSPC;
		return (-1);
	}
	assert_non_null(m->data = realloc(m->data, m->len + len + 1));
	memcpy(m->data + m->len, data, len);
	m->len += len;
	m->data[m->len] = '\0';
	return (0);
}

uint64_t
delivery_size(const struct delivery *d)
{
	return (d->message->len);
}

static void
done_event(int fd, short events, void *arg)
{
	struct delivery	*d = arg, copy = *d;
	int		 error = gone ? EPIPE : d->message->commit_error;

	(void)fd;
	(void)events;
	free(d);
	if (error == 0)
		copy.message->committed++;
	copy.done(copy.arg, error);
}

void
delivery_commit(struct delivery *d)
{
	if (vanish)
		gone = 1;
	if (d->message->hold) {
		assert_null(held);
		held = d;
		return;
	}
	soon(&d->ev, done_event, d);
	if (held != NULL)
		soon(&held->ev, done_event, held);
	held = NULL;
}

void
delivery_abort(struct delivery *d, int keep)
{
	d->message->aborted++;
	d->message->kept = keep;
	evtimer_del(&d->ev);
	free(d);
}

void
delivery_detach(struct delivery *d)
{
	evtimer_del(&d->ev);
	if (d == held)
		held = NULL;
	free(d);
}

static void
finished(struct session *s, void *arg)
{
	(void)s;
	(void)arg;
	over = 1;
}

static void
session_prepare(struct session *s, struct inbox *ib,
    const struct session_ops *ops)
{
	memset(s, 0, sizeof(*s));
	inbox_init(ib, "alice@isp#1", session_keep);
	ib->wake = session_wake;
	ib->arg = s;
	s->ops = ops;
	s->account = "alice@isp#1";
	s->host = "relay.example";
	s->login = "alice";
	s->password = session_password;
	s->tls = session_tls;
	s->inbox = ib;
	s->renewable = 1;
	s->known = session_known;
	s->memory = session_memory;
	s->finished = finished;
	assert_non_null(s->tls_config = tls_config_new());
	assert_int_equal(tls_config_set_ca_mem(s->tls_config,
	    (const uint8_t *)session_trust, strlen(session_trust)), 0);
}

void
session_run(const struct session_ops *ops, const struct peer_step *steps)
{
	struct event_base	*base;
	struct session		 s;
	struct inbox		 ib;
	struct peer		*peer;
	int			 fds[2];

	alarm(TIME_LIMIT);
	assert_non_null(base = event_init());
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	session_prepare(&s, &ib, ops);
	peer = peer_new(fds[1], steps);
	assert_non_null(s.stream = stream_new(fds[0], session_event, &s));
	over = 0;
	assert_int_equal(session_start(&s), 0);
	while (!over)
		assert_int_equal(event_loop(EVLOOP_ONCE), 0);
	session_error = s.error != 0 ? s.error : ib.error;
	strlcpy(session_text, s.error != 0 ? s.text : ib.text,
	    sizeof(session_text));
	session_again = s.again;
	session_free(&s);
	session_repeated = ib.repeated;
	inbox_stuck(&ib, stream_bytes_stuck(s.stream));
	inbox_free(&ib);
	session_in = stream_bytes_in(s.stream);
	session_out = stream_bytes_out(s.stream) + stream_queued(s.stream);
	if (s.error == 0)
		stream_finish(s.stream);
	else
		stream_free(s.stream);
	while (!peer_closed(peer))
		assert_int_equal(event_loop(EVLOOP_ONCE), 0);
	peer_free(peer);
	tls_config_free(s.tls_config);
	/* A farewell may still be on its way. */
	event_dispatch();
	event_base_free(base);
	alarm(0);
}
