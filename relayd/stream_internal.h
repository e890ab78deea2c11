/* See LICENSE for the terms. */
/*
 * What the files of the stream share: stream.c (life, events, call-backs),
 * stream_read.c (input), stream_write.c (output), stream_tls.c and
 * stream_deflate.c.
 */
#ifndef RELAYD_STREAM_INTERNAL_H
#define RELAYD_STREAM_INTERNAL_H

#include <sys/types.h>
#include <sys/queue.h>
#include <event.h>
#include <stdint.h>

#include "stream.h"

/* Bytes moved in one direction before other streams get their turn. */
#define STREAM_TURN	(256 * 1024)

/* Output is gathered to full TLS records, so that they are few. */
#define STREAM_STAGE	16384

#define STREAM_BLOCKED	(-2)	/* of stream_get and stream_put: not now */

struct stream_deflate;
struct tls;

/* A piece of output: memory, or a range of a file. */
struct stream_chunk {
	TAILQ_ENTRY(stream_chunk)	 entry;
	int				 fd;	/* -1: memory */
	off_t				 offset;
	uint64_t			 left;	/* of the file range */
	size_t				 rpos;	/* of the memory */
	size_t				 wpos;
	size_t				 size;
	uint8_t				 data[];
};

enum stream_tls {
	STREAM_PLAIN,
	STREAM_TLS_WAITING,	/* plain output goes first */
	STREAM_TLS_HANDSHAKE,
	STREAM_TLS_OPEN
};

struct stream {
	int			 fd;
	stream_callback		*callback;
	void			*arg;
	int			*dead;		/* told when freed */
	char			 error[256];

	struct event		 read_ev;
	struct event		 write_ev;
	struct event		 soon_ev;	/* a turn without the socket */
	struct event		 idle_ev;
	short			 added;		/* EV_READ, EV_WRITE */
	int			 soon;

	unsigned int		 pending;	/* events not yet told: bits */
	int			 connecting;
	int			 paused;
	int			 eof;
	int			 broken;
	int			 cut;		/* by peer or network */
	int			 finishing;
	int			 lingering;	/* all written, awaiting EOF */

	uint64_t		 timeout;	/* ms, 0: none */
	uint64_t		 last;		/* progress, monotonic ms */
	uint64_t		 acked;
	uint64_t		 bytes_in;
	uint64_t		 bytes_got;	/* bytes_in, when data came */
	uint64_t		 bytes_out;
	uint64_t		 window;	/* stream_frugal; 0: the
						 * kernel's */
	uint64_t		 window_at;	/* measured, monotonic ms */
	uint64_t		 window_in;	/* bytes_in then */
	int			 moved_in;	/* in this turn */
	int			 moved_out;

	/* Input: rpos to wpos is unread. */
	uint8_t			*in;
	size_t			 in_size;
	size_t			 in_max;
	size_t			 in_rpos;
	size_t			 in_wpos;
	size_t			 scanned;	/* unread, without a line end */
	int			 scan_crlf;
	int			 more_in;	/* TLS may hold some */
	int			 discarding;	/* the rest of a long line */
	int			 discard_crlf;
	int			 discard_cr;	/* the byte before was a CR */

	/* Output: the stage, then the chunks. */
	TAILQ_HEAD(stream_chunks, stream_chunk) chunks;
	uint64_t		 queued;	/* bytes of both */
	int			 above;		/* the low-water mark */
	uint8_t			*stage;
	size_t			 stage_rpos;
	size_t			 stage_wpos;

	/* What the socket must be ready for to go on. */
	short			 want_read;
	short			 want_write;

	enum stream_tls		 tls_state;
	struct tls		*tls;
	char			*servername;	/* of a client */
	uint64_t		 plain_left;	/* to be sent before TLS */
	struct stream_deflate	*deflate;	/* NULL: no compression */
	int			 sys_errno;	/* of the socket, under TLS */
	char			 tls_info[80];
};

#define stream_bit(event)	(1U << (event))

/* stream.c */
uint64_t	 stream_clock(void);
/* Recomputes what is waited for; allowed within any call. */
void		 stream_update(struct stream *);
/* Breaks the stream for the reason given, and has STREAM_ERROR told. */
void		 stream_fail(struct stream *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));

/* stream_read.c */
int		 stream_may_read(const struct stream *);
/* Reads what there is and the buffer has room for. */
void		 stream_input(struct stream *);
/* Reads past everything, to see the end of file. */
void		 stream_drop_input(struct stream *);
ssize_t		 stream_recv(struct stream *, void *, size_t);

/* stream_write.c */
int		 stream_may_write(const struct stream *);
/* Writes what the socket takes.  0, or -1 when it failed. */
int		 stream_output(struct stream *);
ssize_t		 stream_send(struct stream *, const void *, size_t);
void		 stream_drop_output(struct stream *);
/* Takes the queue's next bytes, up to len; 0 when it is empty, or -1. */
ssize_t		 stream_take_output(struct stream *, void *, size_t len);

/*
 * stream_tls.c.  get and put return the number of bytes, 0 at the end of
 * file, STREAM_BLOCKED, or -1 after stream_fail.
 */
ssize_t		 stream_get(struct stream *, void *, size_t);
ssize_t		 stream_put(struct stream *, const void *, size_t);
void		 stream_handshake(struct stream *);
/* Says good-bye.  1 when that is done, 0 to be called again. */
int		 stream_tls_close(struct stream *);
void		 stream_tls_free(struct stream *);

/*
 * stream_deflate.c; inflate is to compressed input what get is to plain.
 * dirty: something waits for its flush.  plain: where the bytes are counted
 * that go before the first compressed one, or NULL.
 */
ssize_t		 stream_inflate(struct stream *, void *, size_t);
int		 stream_deflate_fill(struct stream *);
int		 stream_deflate_dirty(const struct stream *);
uint64_t	*stream_deflate_plain(struct stream *);
void		 stream_deflate_free(struct stream *);

#endif
