/*
 * A buffered, non-blocking byte stream on a socket, with optional TLS, on
 * the event loop: what every server and client engine talks through.
 *
 * Reading stops when the input buffer is full or the owner asks
 * (stream_pause); writing queues memory and file ranges and tells when the
 * queue has drained below the low-water mark.  Callbacks run from the event
 * loop, never from within a call on the stream; after stream_free none runs.
 * STREAM_EOF and STREAM_ERROR are told once each; what came before can still
 * be read then.  After STREAM_EOF one can still write, and STREAM_ERROR tells
 * when that fails.
 */
#ifndef RELAYD_STREAM_H
#define RELAYD_STREAM_H

#include <sys/types.h>
#include <sys/socket.h>
#include <stdint.h>

struct stream;
struct tls;
struct tls_config;

enum stream_event {
	STREAM_CONNECTED,	/* of stream_connect */
	STREAM_SECURE,		/* TLS handshake done, peer verified */
	STREAM_DATA,		/* more input is in the buffer */
	STREAM_DRAINED,		/* output was at the low-water mark or above,
				 * and fell below it */
	STREAM_EOF,		/* the peer will send no more */
	STREAM_TIMEOUT,		/* stream_timeout passed without progress */
	STREAM_ERROR		/* broken; stream_error has the reason */
};

typedef void	 stream_callback(struct stream *, enum stream_event, void *);

#define STREAM_INPUT_DEFAULT	65536	/* input buffer, bytes */
#define STREAM_LOW_WATER	16384	/* STREAM_DRAINED, bytes queued */

/*
 * Takes over a connected socket (made non-blocking).  NULL with errno; the
 * socket is then still the caller's.
 */
struct stream	*stream_new(int fd, stream_callback *, void *arg);
/* Starts a connection; STREAM_CONNECTED or STREAM_ERROR follows. */
struct stream	*stream_connect(const struct sockaddr *, socklen_t,
		    stream_callback *, void *arg);
/* Closes at once; unsent output is lost.  NULL is allowed. */
void		 stream_free(struct stream *);
/*
 * Closes when the output has been written (bounded by the timeout, or by a
 * minute without progress where there is none); no callback runs any more,
 * and the stream is not the caller's any more.  A TLS handshake does not go
 * on: what waits for its end is lost.
 */
void		 stream_finish(struct stream *);

/*
 * TLS from here on; queued plain output goes first, and plain input that
 * has not been read yet is an error (injection before STARTTLS): -1 with
 * EPROTO.  server is a tls_server() context that stays the caller's;
 * a client's config stays the caller's and may be freed after the call.
 * Allowed before STREAM_CONNECTED.  0, or -1 with errno (EINVAL: libtls
 * refused the config, stream_error has the reason).
 */
int		 stream_tls_server(struct stream *, struct tls *server);
int		 stream_tls_client(struct stream *, struct tls_config *,
		    const char *servername);
int		 stream_is_tls(const struct stream *);
/* Was the session that of an earlier connection? */
int		 stream_tls_resumed(const struct stream *);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", or NULL; valid until free. */
const char	*stream_tls_info(const struct stream *);

/*
 * Deflate both ways from here on (RFC 4978); queued output goes first, as it
 * is, and input that has not been read yet is taken for compressed.  After
 * this there is no going over to TLS.  0, or -1 with errno.
 */
int		 stream_compress(struct stream *);
int		 stream_is_compressed(const struct stream *);

/*
 * Reading.  stream_line gives the next line without its end in *line (valid
 * until the next call on the stream; a NUL is put after it, *len counts
 * embedded NULs): 1, 0 when there is no whole line yet, -1 with EMSGSIZE
 * when limit bytes, the line's end included, hold no line end: the line is
 * then discarded as its bytes come, once told of (the stream goes on after
 * its end).  With crlf_only a bare LF does not end a line; otherwise it
 * does.
 */
int		 stream_line(struct stream *, char **line, size_t *len,
		    size_t limit, int crlf_only);
/* Bytes in the input buffer, and the pointer to them. */
size_t		 stream_peek(struct stream *, const uint8_t **);
void		 stream_consume(struct stream *, size_t);
/*
 * Stop and resume reading from the socket: back-pressure.  Meanwhile neither
 * STREAM_DATA nor STREAM_EOF is told; stream_resume has STREAM_DATA told
 * again, if there is unread input.
 */
void		 stream_pause(struct stream *);
void		 stream_resume(struct stream *);

/* Writing.  0, or -1 with errno; the data are copied. */
int		 stream_write(struct stream *, const void *, size_t);
int		 stream_printf(struct stream *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
/* Sends len bytes of the file from offset; a dup of fd is kept. */
int		 stream_send_file(struct stream *, int fd, off_t offset,
		    uint64_t len);
/* Bytes queued and not yet accepted by the kernel. */
uint64_t	 stream_queued(const struct stream *);

/*
 * The longest time, in milliseconds, without a byte moving in either
 * direction before STREAM_TIMEOUT; 0: for ever.  It begins with the call,
 * also when paused, and is told again each time it passes.  Where the system
 * can tell, what the peer acknowledges of our output counts as well: a slow
 * line carries the kernel's buffer for minutes.
 */
void		 stream_timeout(struct stream *, uint64_t ms);

/*
 * The peer may send little before it hears from us, at first; more as the line
 * proves to carry it.  For a socket of stream_connect, whose first window is
 * small, and after stream_new of it.
 */
void		 stream_frugal(struct stream *);

int		 stream_fd(const struct stream *);
/* Bytes on the wire: what TLS adds is counted, what deflate saves is not. */
uint64_t	 stream_bytes_in(const struct stream *);
uint64_t	 stream_bytes_out(const struct stream *);
/* Bytes that came and are still in pieces that TLS cannot open. */
uint64_t	 stream_bytes_stuck(const struct stream *);
/*
 * 1 when the connection itself has ended or failed: an error is then not
 * that of TLS, or of a file.
 */
int		 stream_is_cut(const struct stream *);
/* Why it broke, in words; never NULL. */
const char	*stream_error(const struct stream *);

/*
 * RFC 5321 4.5.2: makes a lone "." or a line that begins with "." safe for
 * DATA and for POP3.  Streaming: *state is 0 before the first byte.  Writes
 * at most outlen bytes and returns how many; *used says how much of in was
 * taken.  in and out must not overlap.  dot_end gives the end of the data
 * (".\r\n", with "\r\n" before where the data did not end in it) into out
 * of at least 6 bytes.
 */
size_t		 dot_stuff(int *state, const uint8_t *in, size_t inlen,
		    size_t *used, uint8_t *out, size_t outlen);
size_t		 dot_end(int state, uint8_t *out);
/*
 * The reverse, for the receiver: takes bytes after DATA or RETR, gives
 * message bytes, and stops at CRLF "." CRLF only.  Returns 1 at the end of
 * the data, 0 if there may be more; *outlen is the room in out and becomes
 * the bytes written, *used is what was taken of in.  Nothing is taken after
 * the end.
 */
int		 dot_unstuff(int *state, const uint8_t *in, size_t inlen,
		    size_t *used, uint8_t *out, size_t *outlen);

#endif
