/* See LICENSE for the terms. */

/* A scripted SMTP server. */

#include <sys/types.h>
#include <event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <cmocka.h>

#include "smtp_peer.h"
#include "stream.h"
#include "test_cert.h"

struct peer {
	struct stream		*stream;
	struct tls		*tls;
	const struct peer_step	*step;
	size_t			 skipped;
	int			 waiting;	/* for the handshake, or time */
	struct event		 idle;
	int			 closed;
};

static void	 peer_run(struct peer *);

static void
peer_start_tls(struct peer *p, uint32_t protocols)
{
	struct tls_config	*config;

	assert_non_null(config = tls_config_new());
	assert_int_equal(tls_config_set_keypair_mem(config,
	    (const uint8_t *)TEST_GOOD_CRT, strlen(TEST_GOOD_CRT),
	    (const uint8_t *)TEST_GOOD_KEY, strlen(TEST_GOOD_KEY)), 0);
	assert_int_equal(tls_config_set_protocols(config, protocols), 0);
	assert_non_null(p->tls = tls_server());
	assert_int_equal(tls_configure(p->tls, config), 0);
	tls_config_free(config);
	assert_int_equal(stream_tls_server(p->stream, p->tls), 0);
	p->waiting = 1;
}

static void
peer_send(struct peer *p, const char *s)
{
	size_t	 n;

	for (; *s != '\0'; s += n) {
		n = strcspn(s, "\n");
		if (n > 0)
			assert_int_equal(stream_write(p->stream, s, n), 0);
		if (s[n] == '\n') {
			assert_int_equal(stream_write(p->stream, "\r\n", 2),
			    0);
			n++;
		}
	}
}

/* The next line must be this: 1, or 0 when it is not there yet. */
static int
peer_expect(struct peer *p, const char *text, int lone)
{
	const uint8_t	*rest;
	char		*line;
	size_t		 len;
	int		 got;

	got = stream_line(p->stream, &line, &len, 8192, 1);
	assert_int_not_equal(got, -1);
	if (!got)
		return (0);
	assert_string_equal(line, text);
	if (lone)
		assert_int_equal(stream_peek(p->stream, &rest), 0);
	return (1);
}

static int
peer_bytes(struct peer *p, const char *text)
{
	const uint8_t	*data;
	size_t		 len = strlen(text);

	if (stream_peek(p->stream, &data) < len)
		return (0);
	assert_memory_equal(data, text, len);
	stream_consume(p->stream, len);
	return (1);
}

static int
peer_skip(struct peer *p, size_t len)
{
	const uint8_t	*data;
	size_t		 n;

	n = stream_peek(p->stream, &data);
	if (n > len - p->skipped)
		n = len - p->skipped;
	stream_consume(p->stream, n);
	p->skipped += n;
	if (p->skipped < len)
		return (0);
	p->skipped = 0;
	return (1);
}

static void
peer_drop(struct peer *p)
{
	/* What was sent still arrives. */
	if (p->stream != NULL)
		stream_finish(p->stream);
	p->stream = NULL;
	p->closed = 1;
}

static void
idle_over(int fd, short events, void *arg)
{
	struct peer	*p = arg;
	const uint8_t	*rest;

	(void)fd;
	(void)events;
	assert_int_equal(stream_peek(p->stream, &rest), 0);
	p->waiting = 0;
	peer_run(p);
}

static void
peer_idle(struct peer *p)
{
	struct timeval	 tv = { 0, 50000 };

	p->waiting = 1;
	evtimer_set(&p->idle, idle_over, p);
	evtimer_add(&p->idle, &tv);
}

/* One step: 1 when it was taken. */
static int
peer_step(struct peer *p)
{
	const struct peer_step	*s = p->step;
	const uint8_t		*rest;

	switch (s->verb) {
	case PEER_END:
		if (stream_peek(p->stream, &rest) > 0)
			peer_expect(p, "QUIT", 1);
		return (0);
	case PEER_EXPECT:
	case PEER_LONE:
		return (peer_expect(p, s->text, s->verb == PEER_LONE));
	case PEER_BYTES:
		return (peer_bytes(p, s->text));
	case PEER_SKIP:
		return (peer_skip(p, s->len));
	case PEER_QUIET:
		assert_int_equal(stream_peek(p->stream, &rest), 0);
		return (1);
	case PEER_SEND:
		peer_send(p, s->text);
		return (1);
	case PEER_TLS:
		peer_start_tls(p, TLS_PROTOCOLS_DEFAULT);
		return (1);
	case PEER_TLS13:
		peer_start_tls(p, TLS_PROTOCOL_TLSv1_3);
		return (1);
	case PEER_DEFLATE:
		assert_int_equal(stream_compress(p->stream), 0);
		return (1);
	case PEER_IDLE:
		peer_idle(p);
		return (1);
	case PEER_DEAF:
		stream_consume(p->stream, stream_peek(p->stream, &rest));
		return (0);
	case PEER_CLOSE:
		peer_drop(p);
		return (1);
	}
	return (0);
}

static void
peer_run(struct peer *p)
{
	while (!p->closed && !p->waiting && peer_step(p))
		p->step++;
}

static void
peer_event(struct stream *s, enum stream_event event, void *arg)
{
	struct peer	*p = arg;

	switch (event) {
	case STREAM_SECURE:
		p->waiting = 0;
		peer_run(p);
		break;
	case STREAM_EOF:
	case STREAM_TIMEOUT:
	case STREAM_ERROR:
		peer_run(p);
		if (!p->closed) {
			stream_free(s);
			p->stream = NULL;
			p->closed = 1;
		}
		break;
	default:
		peer_run(p);
		break;
	}
}

struct peer *
peer_new(int fd, const struct peer_step *steps)
{
	struct peer	*p;

	assert_non_null(p = calloc(1, sizeof(*p)));
	p->step = steps;
	assert_non_null(p->stream = stream_new(fd, peer_event, p));
	peer_run(p);
	return (p);
}

int
peer_done(const struct peer *p)
{
	return (p->step->verb == PEER_END || p->step->verb == PEER_DEAF);
}

int
peer_closed(const struct peer *p)
{
	return (p->closed);
}

void
peer_turn(void)
{
	if (event_loop(EVLOOP_ONCE) == -1) {
		fprintf(stderr, "a test failed within the event loop\n");
		exit(1);
	}
}

void
peer_free(struct peer *p)
{
	const struct peer_step	*left = p->step;

	stream_free(p->stream);
	tls_free(p->tls);
	free(p);
	if (left->text != NULL)
		assert_string_equal(left->text, "(nothing left)");
	assert_true(left->verb == PEER_END || left->verb == PEER_DEAF);
}
