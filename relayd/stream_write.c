/* See LICENSE for the terms. */
/*
 * Streams, output: a queue of memory and file ranges.  It is gathered into
 * a stage of one TLS record's size, which is then written: small answers go
 * together, and of a file there is never more in memory than the stage.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream.h"
#include "stream_internal.h"

/* Memory chunks are at least so big: several answers share one. */
#define STREAM_CHUNK	4096

/* The largest off_t, which is a signed type of 64 bits here. */
#define OFFSET_MAX	INT64_MAX

static size_t
stage_len(const struct stream *s)
{
	return (s->stage_wpos - s->stage_rpos);
}

int
stream_may_write(const struct stream *s)
{
	switch (s->tls_state) {
	case STREAM_TLS_WAITING:
		return (s->plain_left > 0);
	case STREAM_TLS_HANDSHAKE:
		return (0);
	case STREAM_PLAIN:
	case STREAM_TLS_OPEN:
		break;
	}
	return (s->queued > 0 || stream_deflate_dirty(s));
}

ssize_t
stream_send(struct stream *s, const void *buf, size_t len)
{
	ssize_t	n;

	do {
		n = send(s->fd, buf, len, MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n > 0) {
		s->bytes_out += (uint64_t)n;
		s->moved_out = 1;
	} else if (n == -1 && errno != EAGAIN && errno != ENOBUFS)
		s->cut = 1;
	return (n);
}

static void
chunk_free(struct stream *s, struct stream_chunk *chunk)
{
	TAILQ_REMOVE(&s->chunks, chunk, entry);
	if (chunk->fd != -1)
		close(chunk->fd);
	freezero(chunk, sizeof(*chunk) + chunk->size);
}

void
stream_drop_output(struct stream *s)
{
	struct stream_chunk	*chunk;

	while ((chunk = TAILQ_FIRST(&s->chunks)) != NULL)
		chunk_free(s, chunk);
	freezero(s->stage, STREAM_STAGE);
	s->stage = NULL;
	s->queued = 0;
}

/* The chunk's next len bytes or fewer go to p. */
static ssize_t
chunk_take(struct stream *s, struct stream_chunk *chunk, uint8_t *p,
    size_t len)
{
	ssize_t	 n;

	if (chunk->fd == -1) {
		if (len > chunk->wpos - chunk->rpos)
			len = chunk->wpos - chunk->rpos;
		memcpy(p, chunk->data + chunk->rpos, len);
		chunk->rpos += len;
		return ((ssize_t)len);
	}
	if (len > chunk->left)
		len = (size_t)chunk->left;
	do {
		n = pread(chunk->fd, p, len, chunk->offset);
	} while (n == -1 && errno == EINTR);
	if (n == -1) {
		stream_fail(s, "file: %s", strerror(errno));
		return (-1);
	}
	if (n == 0) {
		stream_fail(s, "file: ends %llu bytes too early",
		    (unsigned long long)chunk->left);
		return (-1);
	}
	chunk->offset += n;
	chunk->left -= (uint64_t)n;
	return (n);
}

ssize_t
stream_take_output(struct stream *s, void *buf, size_t len)
{
	struct stream_chunk	*chunk;
	uint8_t			*p = buf;
	size_t			 total = 0;
	ssize_t			 n;

	while (total < len && (chunk = TAILQ_FIRST(&s->chunks)) != NULL) {
		if ((n = chunk_take(s, chunk, p + total, len - total)) == -1)
			return (-1);
		total += (size_t)n;
		if (chunk->fd == -1 ? chunk->rpos == chunk->wpos :
		    chunk->left == 0)
			chunk_free(s, chunk);
	}
	return ((ssize_t)total);
}

/* Where the bytes are counted that must go before a new layer, or NULL. */
static uint64_t *
plain_left(struct stream *s)
{
	if (s->tls_state == STREAM_TLS_WAITING)
		return (&s->plain_left);
	return (stream_deflate_plain(s));
}

/* Fills the stage from the queue.  0, or -1 after stream_fail. */
static int
stage_fill(struct stream *s)
{
	uint64_t	*plain = plain_left(s);
	size_t		 room;
	ssize_t		 n;

	if (stage_len(s) == 0)
		s->stage_rpos = s->stage_wpos = 0;
	if (s->stage == NULL && (s->stage = malloc(STREAM_STAGE)) == NULL) {
		stream_fail(s, "output: %s", strerror(errno));
		return (-1);
	}
	if (plain == NULL && s->deflate != NULL)
		return (stream_deflate_fill(s));
	room = STREAM_STAGE - s->stage_wpos;
	/* What comes after the switch must wait for it. */
	if (plain != NULL && room > *plain - stage_len(s))
		room = (size_t)(*plain - stage_len(s));
	n = stream_take_output(s, s->stage + s->stage_wpos, room);
	if (n == -1)
		return (-1);
	s->stage_wpos += (size_t)n;
	return (0);
}

int
stream_output(struct stream *s)
{
	uint64_t	*plain;
	size_t		 total = 0;
	ssize_t		 n;

	while (stream_may_write(s) && total < STREAM_TURN) {
		if (stage_fill(s) == -1)
			return (-1);
		if (stage_len(s) == 0)
			continue;	/* its flush was complete already */
		n = stream_put(s, s->stage + s->stage_rpos, stage_len(s));
		if (n == STREAM_BLOCKED)
			break;
		if (n == -1)
			return (-1);
		s->stage_rpos += (size_t)n;
		s->queued -= (uint64_t)n;
		if ((plain = plain_left(s)) != NULL)
			*plain -= (uint64_t)n;
		total += (size_t)n;
	}
	if (s->above && s->queued < STREAM_LOW_WATER) {
		s->above = 0;
		s->pending |= stream_bit(STREAM_DRAINED);
	}
	return (0);
}

static void
queue_grown(struct stream *s, uint64_t len)
{
	s->queued += len;
	if (s->queued >= STREAM_LOW_WATER)
		s->above = 1;
	stream_update(s);
}

/* A memory chunk with room for len bytes and more, at the queue's end. */
static struct stream_chunk *
chunk_add(struct stream *s, size_t len)
{
	struct stream_chunk	*chunk;
	size_t			 size = len > STREAM_CHUNK ? len : STREAM_CHUNK;

	if ((chunk = malloc(sizeof(*chunk) + size)) == NULL)
		return (NULL);
	chunk->fd = -1;
	chunk->rpos = chunk->wpos = 0;
	chunk->size = size;
	TAILQ_INSERT_TAIL(&s->chunks, chunk, entry);
	return (chunk);
}

static void
chunk_append(struct stream_chunk *chunk, const void *data, size_t len)
{
	memcpy(chunk->data + chunk->wpos, data, len);
	chunk->wpos += len;
}

int
stream_write(struct stream *s, const void *data, size_t len)
{
	struct stream_chunk	*last, *next;
	const uint8_t		*p = data;
	size_t			 room = 0;

	if (s->broken) {
		errno = EPIPE;
		return (-1);
	}
	if (len == 0)
		return (0);
	last = TAILQ_LAST(&s->chunks, stream_chunks);
	if (last != NULL && last->fd == -1)
		room = last->size - last->wpos;
	if (room > len)
		room = len;
	/* All or nothing: allocate before anything is appended. */
	if (len > room) {
		if ((next = chunk_add(s, len - room)) == NULL)
			return (-1);
		chunk_append(next, p + room, len - room);
	}
	if (room > 0)
		chunk_append(last, p, room);
	queue_grown(s, len);
	return (0);
}

int
stream_printf(struct stream *s, const char *fmt, ...)
{
	va_list	 ap;
	char	*str;
	int	 len, ret;

	va_start(ap, fmt);
	len = vasprintf(&str, fmt, ap);
	va_end(ap);
	if (len == -1)
		return (-1);
	ret = stream_write(s, str, (size_t)len);
	freezero(str, (size_t)len);
	return (ret);
}

int
stream_send_file(struct stream *s, int fd, off_t offset, uint64_t len)
{
	struct stream_chunk	*chunk;

	if (s->broken) {
		errno = EPIPE;
		return (-1);
	}
	if (offset < 0 || len > (uint64_t)(OFFSET_MAX - offset)) {
		errno = EINVAL;
		return (-1);
	}
	if (len == 0)
		return (0);
	if ((chunk = calloc(1, sizeof(*chunk))) == NULL)
		return (-1);
	if ((chunk->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1) {
		free(chunk);
		return (-1);
	}
	chunk->offset = offset;
	chunk->left = len;
	TAILQ_INSERT_TAIL(&s->chunks, chunk, entry);
	queue_grown(s, len);
	return (0);
}

uint64_t
stream_queued(const struct stream *s)
{
	return (s->queued);
}
