/* See LICENSE for the terms. */
/*
 * Streams, compression: raw deflate (RFC 1951) both ways between the lines
 * and TLS, as COMPRESS=DEFLATE (RFC 4978) has it.  What is inflated goes into
 * the input buffer and no further, so that a few bytes that become many wait
 * until the owner has taken what was there.
 */
#include <sys/types.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "stream.h"
#include "stream_internal.h"

/* Our own commands are short: a quarter of zlib's usual memory will do. */
#define OUT_WINDOW	13
#define OUT_MEMORY	7
/* A sync flush needs so much room, else its marker is repeated (zlib.h). */
#define FLUSH_ROOM	16

struct stream_deflate {
	z_stream	 in, out;
	int		 held;		/* inflate may have more for us */
	int		 dirty;		/* not flushed since */
	uint64_t	 plain_left;	/* to be sent as it is, first */
	uint8_t		 out_buf[4096];
	size_t		 in_size;
	uint8_t		 in_buf[];
};

#define IN_SIZE		8192

int
stream_compress(struct stream *s)
{
	struct stream_deflate	*z;
	size_t			 have = s->in_wpos - s->in_rpos, size;

	if (s->broken || s->deflate != NULL) {
		errno = s->broken ? EPIPE : EALREADY;
		return (-1);
	}
	size = have > IN_SIZE ? have : IN_SIZE;
	if ((z = calloc(1, sizeof(*z) + size)) == NULL)
		return (-1);
	if (inflateInit2(&z->in, -15) != Z_OK)
		goto fail;
	if (deflateInit2(&z->out, Z_BEST_COMPRESSION, Z_DEFLATED, -OUT_WINDOW,
	    OUT_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
		inflateEnd(&z->in);
		goto fail;
	}
	/* What has come behind the line that began it is compressed. */
	if (have > 0)
		memcpy(z->in_buf, s->in + s->in_rpos, have);
	s->in_rpos = s->in_wpos = 0;
	s->scanned = 0;
	z->in_size = size;
	z->in.next_in = z->in_buf;
	z->in.avail_in = (uInt)have;
	z->plain_left = s->queued;
	s->deflate = z;
	s->more_in |= have > 0;
	stream_update(s);
	return (0);

fail:
	free(z);
	errno = ENOMEM;
	return (-1);
}

int
stream_is_compressed(const struct stream *s)
{
	return (s->deflate != NULL);
}

void
stream_deflate_free(struct stream *s)
{
	struct stream_deflate	*z = s->deflate;

	if (z == NULL)
		return;
	inflateEnd(&z->in);
	deflateEnd(&z->out);
	freezero(z, sizeof(*z) + z->in_size);
	s->deflate = NULL;
}

/* Inflates what there is: bytes in buf, 0 for want of input, or -1. */
static ssize_t
inflate_some(struct stream *s, void *buf, size_t len)
{
	struct stream_deflate	*z = s->deflate;
	size_t			 n;
	int			 res;

	z->in.next_out = buf;
	z->in.avail_out = (uInt)len;
	res = inflate(&z->in, Z_SYNC_FLUSH);
	n = len - z->in.avail_out;
	z->held = z->in.avail_out == 0;
	if (n > 0)
		return ((ssize_t)n);
	if (res == Z_STREAM_END)
		stream_fail(s, "inflate: the peer ended the compression");
	else if ((res != Z_OK && res != Z_BUF_ERROR) || z->in.avail_in > 0)
		stream_fail(s, "inflate: %s",
		    z->in.msg != NULL ? z->in.msg : "failed");
	return (s->broken ? -1 : 0);
}

ssize_t
stream_inflate(struct stream *s, void *buf, size_t len)
{
	struct stream_deflate	*z = s->deflate;
	ssize_t			 n;

	for (;;) {
		if ((z->in.avail_in > 0 || z->held) &&
		    (n = inflate_some(s, buf, len)) != 0)
			return (n);
		if ((n = stream_get(s, z->in_buf, z->in_size)) <= 0)
			return (n);
		z->in.next_in = z->in_buf;
		z->in.avail_in = (uInt)n;
	}
}

int
stream_deflate_dirty(const struct stream *s)
{
	return (s->deflate != NULL && s->deflate->dirty);
}

uint64_t *
stream_deflate_plain(struct stream *s)
{
	return (s->deflate != NULL && s->deflate->plain_left > 0 ?
	    &s->deflate->plain_left : NULL);
}

/* The queue's next bytes become input of deflate.  0, or -1 when it failed. */
static int
deflate_feed(struct stream *s)
{
	struct stream_deflate	*z = s->deflate;
	ssize_t			 n;

	n = stream_take_output(s, z->out_buf, sizeof(z->out_buf));
	if (n == -1)
		return (-1);
	z->out.next_in = z->out_buf;
	z->out.avail_in = (uInt)n;
	s->queued -= (uint64_t)n;
	if (n > 0)
		z->dirty = 1;
	return (0);
}

/*
 * Fills the stage.  The flush comes when the queue is empty: once for all
 * that one turn of the owner wrote.
 */
int
stream_deflate_fill(struct stream *s)
{
	struct stream_deflate	*z = s->deflate;
	size_t			 room, n;
	int			 flush;

	for (;;) {
		if (z->out.avail_in == 0 && deflate_feed(s) == -1)
			return (-1);
		room = STREAM_STAGE - s->stage_wpos;
		if (!z->dirty || room < FLUSH_ROOM)
			return (0);
		flush = TAILQ_EMPTY(&s->chunks) ? Z_SYNC_FLUSH : Z_NO_FLUSH;
		z->out.next_out = s->stage + s->stage_wpos;
		z->out.avail_out = (uInt)room;
		if (deflate(&z->out, flush) == Z_STREAM_ERROR) {
			stream_fail(s, "deflate: failed");
			return (-1);
		}
		n = room - z->out.avail_out;
		s->stage_wpos += n;
		s->queued += n;
		if (flush == Z_SYNC_FLUSH && z->out.avail_in == 0 &&
		    z->out.avail_out > 0)
			z->dirty = 0;
	}
}
