/* See LICENSE for the terms. */
/*
 * Streams, input: the buffer, lines, and what is thrown away of lines that
 * are too long.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"
#include "stream_internal.h"

/* The first size of an input buffer: most sessions need no more. */
#define STREAM_INPUT_FIRST	4096

static size_t
input_len(const struct stream *s)
{
	return (s->in_wpos - s->in_rpos);
}

int
stream_may_read(const struct stream *s)
{
	if (s->eof || s->tls_state == STREAM_TLS_WAITING ||
	    s->tls_state == STREAM_TLS_HANDSHAKE)
		return (0);
	if (s->finishing)
		return (1);
	return (!s->paused && input_len(s) < s->in_max);
}

ssize_t
stream_recv(struct stream *s, void *buf, size_t len)
{
	ssize_t	n;

	do {
		n = recv(s->fd, buf, len, 0);
	} while (n == -1 && errno == EINTR);
	if (n > 0) {
		s->bytes_in += (uint64_t)n;
		s->moved_in = 1;
	} else if (n == 0 || errno != EAGAIN)
		s->cut = 1;
	return (n);
}

/* Makes room at the end of the buffer.  0, or -1 with errno. */
static int
input_room(struct stream *s)
{
	uint8_t	*p;
	size_t	 size;

	if (s->in_wpos < s->in_size)
		return (0);
	if (s->in_rpos > 0) {
		memmove(s->in, s->in + s->in_rpos, input_len(s));
		s->in_wpos -= s->in_rpos;
		s->in_rpos = 0;
		return (0);
	}
	size = s->in_size == 0 ? STREAM_INPUT_FIRST : s->in_size * 2;
	if (size > s->in_max)
		size = s->in_max;
	if ((p = recallocarray(s->in, s->in_size, size, 1)) == NULL)
		return (-1);
	s->in = p;
	s->in_size = size;
	return (0);
}

/* Throws away the line that was too long, as far as it has come. */
static void
input_discard(struct stream *s)
{
	uint8_t	c;

	while (s->discarding && s->in_rpos < s->in_wpos) {
		c = s->in[s->in_rpos++];
		if (c == '\n' && (!s->discard_crlf || s->discard_cr))
			s->discarding = 0;
		s->discard_cr = c == '\r';
	}
	s->scanned = 0;
	if (s->in_rpos == s->in_wpos)
		s->in_rpos = s->in_wpos = 0;
}

void
stream_input(struct stream *s)
{
	ssize_t	n = 0;
	size_t	total = 0, room;
	int	layered = s->tls_state == STREAM_TLS_OPEN || s->deflate != NULL;

	s->more_in = 0;
	while (stream_may_read(s)) {
		if (total >= STREAM_TURN) {
			s->more_in = layered;
			break;
		}
		if (input_room(s) == -1) {
			stream_fail(s, "input: %s", strerror(errno));
			break;
		}
		room = s->in_size - s->in_wpos;
		n = s->deflate != NULL ?
		    stream_inflate(s, s->in + s->in_wpos, room) :
		    stream_get(s, s->in + s->in_wpos, room);
		if (n <= 0)
			break;
		s->in_wpos += (size_t)n;
		total += (size_t)n;
		if (s->discarding)
			input_discard(s);
		/* A plain socket that gave less has no more. */
		if (!layered && (size_t)n < room)
			break;
	}
	/* The buffer is full: a layer may hold more, which no event tells. */
	if (!s->eof && n > 0 && layered)
		s->more_in = 1;
	if (input_len(s) > 0 && total > 0)
		s->pending |= stream_bit(STREAM_DATA);
}

void
stream_drop_input(struct stream *s)
{
	uint8_t	buf[4096];
	size_t	total = 0;
	ssize_t	n;

	s->in_rpos = s->in_wpos = 0;
	s->more_in = 0;
	while (stream_may_read(s) && total < STREAM_TURN) {
		/* Once we have closed TLS its records are of no interest. */
		if (s->lingering) {
			n = stream_recv(s, buf, sizeof(buf));
			if (n == 0 || (n == -1 && errno != EAGAIN))
				s->eof = 1;
		} else
			n = stream_get(s, buf, sizeof(buf));
		if (n <= 0)
			return;
		total += (size_t)n;
	}
	s->more_in = s->tls_state == STREAM_TLS_OPEN && !s->lingering;
}

size_t
stream_peek(struct stream *s, const uint8_t **data)
{
	*data = s->in == NULL ? (const uint8_t *)"" : s->in + s->in_rpos;
	return (input_len(s));
}

void
stream_consume(struct stream *s, size_t len)
{
	if (len >= input_len(s))
		s->in_rpos = s->in_wpos = 0;
	else
		s->in_rpos += len;
	s->scanned = 0;
	stream_update(s);
}

int
stream_line(struct stream *s, char **line, size_t *len, size_t limit,
    int crlf_only)
{
	uint8_t	*p, *lf;
	size_t	 have = input_len(s), max, end;
	int	 cr;

	if (limit > s->in_max)
		s->in_max = limit;
	if (have == 0)
		return (0);
	p = s->in + s->in_rpos;
	if (s->scan_crlf != crlf_only) {
		s->scan_crlf = crlf_only;
		s->scanned = 0;
	}
	max = have < limit ? have : limit;
	while (s->scanned < max && (lf = memchr(p + s->scanned, '\n',
	    max - s->scanned)) != NULL) {
		end = (size_t)(lf - p);
		cr = end > 0 && p[end - 1] == '\r';
		if (cr || !crlf_only) {
			stream_consume(s, end + 1);
			*len = end - (size_t)cr;
			p[*len] = '\0';
			*line = (char *)p;
			return (1);
		}
		s->scanned = end + 1;
	}
	s->scanned = max;
	if (have >= limit) {
		s->discarding = 1;
		s->discard_crlf = crlf_only;
		s->discard_cr = 0;
		input_discard(s);
		stream_update(s);
		errno = EMSGSIZE;
		return (-1);
	}
	stream_update(s);
	return (0);
}

void
stream_pause(struct stream *s)
{
	s->paused = 1;
	stream_update(s);
}

void
stream_resume(struct stream *s)
{
	s->paused = 0;
	if (input_len(s) > 0)
		s->pending |= stream_bit(STREAM_DATA);
	stream_update(s);
}
