/* See LICENSE for the terms. */
/*
 * Streams, TLS: libtls over the stream's own reads and writes, so that the
 * bytes on the wire are counted; without TLS the same reads and writes are
 * used directly.
 */
#include <sys/types.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>

#include "stream.h"
#include "stream_internal.h"

static ssize_t
tls_get(struct tls *tls, void *buf, size_t len, void *arg)
{
	struct stream	*s = arg;
	ssize_t		 n;

	(void)tls;
	if ((n = stream_recv(s, buf, len)) != -1)
		return (n);
	if (errno == EAGAIN)
		return (TLS_WANT_POLLIN);
	s->sys_errno = errno;
	return (-1);
}

static ssize_t
tls_put(struct tls *tls, const void *buf, size_t len, void *arg)
{
	struct stream	*s = arg;
	ssize_t		 n;

	(void)tls;
	if ((n = stream_send(s, buf, len)) != -1)
		return (n);
	if (errno == EAGAIN || errno == ENOBUFS)
		return (TLS_WANT_POLLOUT);
	s->sys_errno = errno;
	return (-1);
}

/*
 * What a call of libtls returned: sets *want to what it waits for.  The
 * socket's own error says more than the library's.
 */
static ssize_t
tls_result(struct stream *s, ssize_t n, short *want, const char *doing)
{
	switch (n) {
	case TLS_WANT_POLLIN:
		*want = EV_READ;
		return (STREAM_BLOCKED);
	case TLS_WANT_POLLOUT:
		*want = EV_WRITE;
		return (STREAM_BLOCKED);
	case -1:
		if (s->sys_errno != 0)
			stream_fail(s, "%s: %s", doing,
			    strerror(s->sys_errno));
		else
			stream_fail(s, "%s: %s", doing, tls_error(s->tls));
		return (-1);
	}
	return (n);
}

ssize_t
stream_get(struct stream *s, void *buf, size_t len)
{
	ssize_t	n;

	if (s->tls_state == STREAM_TLS_OPEN) {
		s->want_read = EV_READ;
		n = tls_result(s, tls_read(s->tls, buf, len), &s->want_read,
		    "tls read");
	} else if ((n = stream_recv(s, buf, len)) == -1) {
		if (errno == EAGAIN)
			return (STREAM_BLOCKED);
		stream_fail(s, "read: %s", strerror(errno));
	}
	if (n > 0)
		s->bytes_got = s->bytes_in;
	if (n == 0) {
		s->eof = 1;
		if (!s->broken)
			s->pending |= stream_bit(STREAM_EOF);
	}
	return (n);
}

ssize_t
stream_put(struct stream *s, const void *buf, size_t len)
{
	ssize_t	n;

	if (s->tls_state == STREAM_TLS_OPEN) {
		s->want_write = EV_WRITE;
		n = tls_result(s, tls_write(s->tls, buf, len),
		    &s->want_write, "tls write");
		if (n == 0) {
			stream_fail(s, "tls write: connection closed");
			return (-1);
		}
		return (n);
	}
	if ((n = stream_send(s, buf, len)) == -1) {
		if (errno == EAGAIN || errno == ENOBUFS)
			return (STREAM_BLOCKED);
		stream_fail(s, "write: %s", strerror(errno));
	}
	return (n);
}

/*
 * libretls 3.7.0 takes an alert that says good-bye for the success of a
 * handshake, wherever in it the alert comes: before the peer has shown any
 * certificate, too.  So see for ourselves that we know the peer.
 */
static int
tls_verified(struct stream *s)
{
	const char	*version, *cipher;

	version = tls_conn_version(s->tls);
	cipher = tls_conn_cipher(s->tls);
	if (version == NULL || cipher == NULL || strcmp(cipher, "(NONE)") == 0)
		return (0);
	if (s->servername != NULL && (!tls_peer_cert_provided(s->tls) ||
	    tls_peer_cert_contains_name(s->tls, s->servername) != 1))
		return (0);
	snprintf(s->tls_info, sizeof(s->tls_info), "%s %s", version, cipher);
	return (1);
}

void
stream_handshake(struct stream *s)
{
	if (tls_result(s, tls_handshake(s->tls), &s->want_read,
	    "tls handshake") != 0)
		return;
	if (!tls_verified(s)) {
		stream_fail(s, "tls handshake: broken off by the peer");
		return;
	}
	s->tls_state = STREAM_TLS_OPEN;
	s->want_read = EV_READ;
	s->want_write = EV_WRITE;
	/* The last flight may have brought application data along. */
	s->more_in = 1;
	s->pending |= stream_bit(STREAM_SECURE);
}

int
stream_tls_close(struct stream *s)
{
	return (tls_result(s, tls_close(s->tls), &s->want_write,
	    "tls close") != STREAM_BLOCKED);
}

void
stream_tls_free(struct stream *s)
{
	tls_free(s->tls);
	free(s->servername);
	s->tls = NULL;
	s->servername = NULL;
}

/* May the stream go over to TLS now?  0, or -1 with errno. */
static int
tls_allowed(struct stream *s)
{
	if (s->broken) {
		errno = EPIPE;
		return (-1);
	}
	if (s->tls_state != STREAM_PLAIN || s->deflate != NULL) {
		errno = EALREADY;
		return (-1);
	}
	/*
	 * What is there already was sent without TLS, by whomever: to take
	 * it for part of the secured session is CVE-2011-0411.
	 */
	if (s->in_rpos != s->in_wpos || s->discarding) {
		errno = EPROTO;
		return (-1);
	}
	return (0);
}

/* Keeps the reason for stream_error.  Always -1, with errno. */
static int
tls_refuse(struct stream *s, const char *reason)
{
	snprintf(s->error, sizeof(s->error), "tls: %s",
	    reason != NULL ? reason : "out of memory");
	stream_tls_free(s);
	errno = EINVAL;
	return (-1);
}

static int
tls_begin(struct stream *s)
{
	s->plain_left = s->queued;
	s->tls_state = STREAM_TLS_WAITING;
	stream_update(s);
	return (0);
}

int
stream_tls_server(struct stream *s, struct tls *server)
{
	if (tls_allowed(s) == -1)
		return (-1);
	if (tls_accept_cbs(server, &s->tls, tls_get, tls_put, s) == -1) {
		s->tls = NULL;
		return (tls_refuse(s, tls_error(server)));
	}
	return (tls_begin(s));
}

int
stream_tls_client(struct stream *s, struct tls_config *config,
    const char *servername)
{
	if (tls_allowed(s) == -1)
		return (-1);
	if ((s->servername = strdup(servername)) == NULL)
		return (-1);
	if ((s->tls = tls_client()) == NULL) {
		stream_tls_free(s);
		return (-1);
	}
	if (tls_configure(s->tls, config) == -1 ||
	    tls_connect_cbs(s->tls, tls_get, tls_put, s, servername) == -1)
		return (tls_refuse(s, tls_error(s->tls)));
	return (tls_begin(s));
}

int
stream_is_tls(const struct stream *s)
{
	return (s->tls_state == STREAM_TLS_OPEN);
}

int
stream_tls_resumed(const struct stream *s)
{
	return (stream_is_tls(s) && tls_conn_session_resumed(s->tls));
}

const char *
stream_tls_info(const struct stream *s)
{
	return (stream_is_tls(s) ? s->tls_info : NULL);
}
