/* See LICENSE for the terms. */
/*
 * imsg(3) and ibuf(3) as OpenBSD 7.8 has them, for systems that have none:
 * the messages between the processes.  OpenBSD's own is used there.  Members
 * of the structures are private; imsgbuf.fd alone is read by programs.
 */
#ifndef RELAYD_COMPAT_IMSG_H
#define RELAYD_COMPAT_IMSG_H

#ifdef __OpenBSD__
#include_next <imsg.h>
#else

#include <sys/types.h>
#include <sys/queue.h>
#include <stddef.h>
#include <stdint.h>

#define IBUF_READ_SIZE		65535	/* read buffer of one imsgbuf */
#define IMSG_HEADER_SIZE	sizeof(struct imsg_hdr)
#define MAX_IMSGSIZE		16384	/* default cap, header included */

struct iovec;
struct msgbuf;

struct ibuf {
	TAILQ_ENTRY(ibuf)	 entry;
	unsigned char		*buf;
	size_t			 size;	/* allocated */
	size_t			 max;	/* may grow so far; 0 for a view */
	size_t			 wpos;
	size_t			 rpos;
	int			 fd;	/* -1: none, -2: a view */
};

struct imsgbuf {
	struct msgbuf		*w;
	pid_t			 pid;
	uint32_t		 maxsize;
	int			 fd;
	int			 flags;
};

struct imsg_hdr {
	uint32_t		 type;
	uint32_t		 len;
	uint32_t		 peerid;
	uint32_t		 pid;
};

struct imsg {
	struct imsg_hdr		 hdr;
	void			*data;
	struct ibuf		*buf;
};

/*
 * imsg-buffer.c: buffers.  Unless it says otherwise a function returns 0, or
 * -1 with errno: ERANGE when the buffer may not grow so far, EBADMSG when
 * fewer bytes are left than asked for.
 */

/* A buffer of exactly len bytes (0 is allowed).  NULL with errno. */
struct ibuf	*ibuf_open(size_t);
/* A buffer of len bytes that grows to max.  NULL with errno. */
struct ibuf	*ibuf_dynamic(size_t, size_t);
/* Zeroes and frees, closes the descriptor, keeps errno; NULL is allowed.
 * A view must not be freed: that aborts. */
void		 ibuf_free(struct ibuf *);

/* Append.  nX is network order, hX host order; EINVAL if it does not fit. */
int		 ibuf_add(struct ibuf *, const void *, size_t);
int		 ibuf_add_ibuf(struct ibuf *, const struct ibuf *);
int		 ibuf_add_zero(struct ibuf *, size_t);
int		 ibuf_add_n8(struct ibuf *, uint64_t);
int		 ibuf_add_n16(struct ibuf *, uint64_t);
int		 ibuf_add_n32(struct ibuf *, uint64_t);
int		 ibuf_add_n64(struct ibuf *, uint64_t);
int		 ibuf_add_h16(struct ibuf *, uint64_t);
int		 ibuf_add_h32(struct ibuf *, uint64_t);
int		 ibuf_add_h64(struct ibuf *, uint64_t);
/* A fixed field of len bytes, padded with NUL; EOVERFLOW if it is short. */
int		 ibuf_add_strbuf(struct ibuf *, const char *, size_t);
/* The place of len new bytes, or NULL with errno. */
void		*ibuf_reserve(struct ibuf *, size_t);

/* Overwrite what is there, at an offset from the read position. */
void		*ibuf_seek(struct ibuf *, size_t, size_t);
int		 ibuf_set(struct ibuf *, size_t, const void *, size_t);
int		 ibuf_set_n8(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_n16(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_n32(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_n64(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_h16(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_h32(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_h64(struct ibuf *, size_t, uint64_t);
/* Lowers the size to which the buffer may grow. */
int		 ibuf_set_maxsize(struct ibuf *, size_t);

/* The unread bytes, their number, and the room that is left. */
void		*ibuf_data(const struct ibuf *);
size_t		 ibuf_size(const struct ibuf *);
size_t		 ibuf_left(const struct ibuf *);
/* Cuts (or fills up with zeroes) the unread bytes to len. */
int		 ibuf_truncate(struct ibuf *, size_t);
void		 ibuf_rewind(struct ibuf *);
/* Views: they own nothing and end with what they look at. */
void		 ibuf_from_buffer(struct ibuf *, void *, size_t);
void		 ibuf_from_ibuf(struct ibuf *, const struct ibuf *);

/* Take from the read position, and move it. */
int		 ibuf_get(struct ibuf *, void *, size_t);
int		 ibuf_get_ibuf(struct ibuf *, size_t, struct ibuf *);
int		 ibuf_get_n8(struct ibuf *, uint8_t *);
int		 ibuf_get_n16(struct ibuf *, uint16_t *);
int		 ibuf_get_n32(struct ibuf *, uint32_t *);
int		 ibuf_get_n64(struct ibuf *, uint64_t *);
int		 ibuf_get_h16(struct ibuf *, uint16_t *);
int		 ibuf_get_h32(struct ibuf *, uint32_t *);
int		 ibuf_get_h64(struct ibuf *, uint64_t *);
/* A malloced string of len bytes, shorter if they hold a NUL; or NULL. */
char		*ibuf_get_string(struct ibuf *, size_t);
/* A fixed field; EOVERFLOW (and cut) when there is no NUL in it. */
int		 ibuf_get_strbuf(struct ibuf *, char *, size_t);
int		 ibuf_skip(struct ibuf *, size_t);

/* The descriptor that goes with the buffer: the buffer's own until taken. */
int		 ibuf_fd_avail(const struct ibuf *);
int		 ibuf_fd_get(struct ibuf *);
void		 ibuf_fd_set(struct ibuf *, int);

/*
 * imsg.c: the channel.
 */

/* fd stays the caller's.  0, or -1 with errno. */
int		 imsgbuf_init(struct imsgbuf *, int);
void		 imsgbuf_allow_fdpass(struct imsgbuf *);
/* The longest payload, both ways.  0, or -1 with ERANGE or EINVAL. */
int		 imsgbuf_set_maxsize(struct imsgbuf *, uint32_t);
/* Reads once.  1 (also when nothing came), 0 at the end of file, or -1: the
 * channel is then of no further use. */
int		 imsgbuf_read(struct imsgbuf *);
/* The next whole message: 1, 0 if there is none, -1 with errno. */
int		 imsgbuf_get(struct imsgbuf *, struct imsg *);
/* The same, but returns the message's length. */
ssize_t		 imsg_get(struct imsgbuf *, struct imsg *);
/* Writes once.  0 (also when it would block), or -1 with errno. */
int		 imsgbuf_write(struct imsgbuf *);
/* Writes all; spins when the descriptor does not block. */
int		 imsgbuf_flush(struct imsgbuf *);
/* Buffers that wait to be written. */
uint32_t	 imsgbuf_queuelen(struct imsgbuf *);
/* Frees everything, closes the descriptors still queued, not the channel. */
void		 imsgbuf_clear(struct imsgbuf *);

/* Queue a message.  1, or -1 with errno; the fd is taken on 1 only. */
int		 imsg_compose(struct imsgbuf *, uint32_t, uint32_t, pid_t,
		    int, const void *, size_t);
int		 imsg_composev(struct imsgbuf *, uint32_t, uint32_t, pid_t,
		    int, const struct iovec *, int);
/* The payload is the ibuf, which is consumed in any case. */
int		 imsg_compose_ibuf(struct imsgbuf *, uint32_t, uint32_t,
		    pid_t, struct ibuf *);
/* Build a message: imsg_create, ibuf_add, imsg_close. */
struct ibuf	*imsg_create(struct imsgbuf *, uint32_t, uint32_t, pid_t,
		    size_t);
/* Returns the number of bytes, or -1: the ibuf is then freed. */
int		 imsg_add(struct ibuf *, const void *, size_t);
void		 imsg_close(struct imsgbuf *, struct ibuf *);
/* Lowers the longest payload of this one message. */
int		 imsg_set_maxsize(struct ibuf *, size_t);
/* Queues a copy of a received message without its descriptor: 1 or -1. */
int		 imsg_forward(struct imsgbuf *, struct imsg *);

/* A received message.  What the peer wrote: never an identity. */
uint32_t	 imsg_get_type(struct imsg *);
uint32_t	 imsg_get_id(struct imsg *);
pid_t		 imsg_get_pid(struct imsg *);
/* Bytes of the payload not yet taken. */
size_t		 imsg_get_len(struct imsg *);
/* The rest of the payload, if it is exactly len bytes; else EBADMSG. */
int		 imsg_get_data(struct imsg *, void *, size_t);
int		 imsg_get_buf(struct imsg *, void *, size_t);
int		 imsg_get_strbuf(struct imsg *, char *, size_t);
/* A view of the rest of the payload; EBADMSG when there is none. */
int		 imsg_get_ibuf(struct imsg *, struct ibuf *);
/* The descriptor, the caller's from then on; or -1. */
int		 imsg_get_fd(struct imsg *);
void		 imsg_free(struct imsg *);

#endif /* !__OpenBSD__ */
#endif
