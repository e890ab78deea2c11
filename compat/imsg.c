/* See LICENSE for the terms. */
/*
 * imsg: messages with an optional descriptor over a local stream socket.
 *
 * Which descriptor belongs to which message: the sender starts a sendmsg at
 * the message that has one, so it arrives with the message's first byte or
 * later.  The header has a mark; the first marked header that is completed
 * after a descriptor has come takes it.  On Linux a read may return the end
 * of what was queued before together with the first few bytes of the
 * message and its descriptor, so that the header is completed by the next
 * read only: the descriptor waits for it in a slot.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"

#define IMSG_FD_MARK		0x80000000U	/* in hdr.len: has a fd */
#define IMSG_ALLOW_FDPASS	0x01		/* in imsgbuf.flags */

/* Buffers of one sendmsg: enough for a batch, and little stack. */
#define IMSG_IOV_MAX		64

/* A descriptor on its way to its header.  The header of one that was lost
 * because our table was full must not take the next one's. */
struct msgbuf_slot {
	int			 used;
	int			 fd;	/* -1: it was lost */
};

TAILQ_HEAD(ibuf_list, ibuf);

struct msgbuf {
	struct ibuf_list	 out;
	uint32_t		 nout;
	struct ibuf_list	 in;		/* whole messages */
	struct ibuf		*partial;	/* header known, payload not */
	struct msgbuf_slot	 older;		/* came with an earlier read */
	struct msgbuf_slot	 newer;		/* came with this one */
	size_t			 rlen;		/* of an incomplete header */
	unsigned char		 rbuf[IBUF_READ_SIZE];
};

static void
slot_clear(struct msgbuf_slot *slot)
{
	if (slot->used && slot->fd != -1)
		close(slot->fd);
	slot->used = 0;
	slot->fd = -1;
}

/* Takes the descriptor that has waited longest. */
static int
slot_take(struct msgbuf *w)
{
	struct msgbuf_slot	*slot = w->older.used ? &w->older : &w->newer;
	int			 fd;

	if (!slot->used)
		return (-1);
	fd = slot->fd;
	slot->used = 0;
	slot->fd = -1;
	return (fd);
}

int
imsgbuf_init(struct imsgbuf *imsgbuf, int fd)
{
	struct msgbuf	*w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return (-1);
	TAILQ_INIT(&w->out);
	TAILQ_INIT(&w->in);
	w->older.fd = w->newer.fd = -1;
	imsgbuf->w = w;
	imsgbuf->pid = getpid();
	imsgbuf->maxsize = MAX_IMSGSIZE;
	imsgbuf->fd = fd;
	imsgbuf->flags = 0;
	return (0);
}

void
imsgbuf_allow_fdpass(struct imsgbuf *imsgbuf)
{
	imsgbuf->flags |= IMSG_ALLOW_FDPASS;
}

int
imsgbuf_set_maxsize(struct imsgbuf *imsgbuf, uint32_t max)
{
	if (max > UINT32_MAX - IMSG_HEADER_SIZE) {
		errno = ERANGE;
		return (-1);
	}
	max += IMSG_HEADER_SIZE;
	if (max & IMSG_FD_MARK) {
		errno = EINVAL;
		return (-1);
	}
	imsgbuf->maxsize = max;
	return (0);
}

uint32_t
imsgbuf_queuelen(struct imsgbuf *imsgbuf)
{
	return (imsgbuf->w == NULL ? 0 : imsgbuf->w->nout);
}

static void
list_clear(struct ibuf_list *list)
{
	struct ibuf	*buf;

	while ((buf = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, buf, entry);
		ibuf_free(buf);
	}
}

void
imsgbuf_clear(struct imsgbuf *imsgbuf)
{
	struct msgbuf	*w = imsgbuf->w;

	if (w == NULL)
		return;
	list_clear(&w->out);
	list_clear(&w->in);
	ibuf_free(w->partial);
	slot_clear(&w->older);
	slot_clear(&w->newer);
	freezero(w, sizeof(*w));
	imsgbuf->w = NULL;
}

/* Starts a message from a whole header.  0, or -1 with errno. */
static int
read_header(struct imsgbuf *imsgbuf, const unsigned char *p)
{
	struct msgbuf	*w = imsgbuf->w;
	struct imsg_hdr	 hdr;
	int		 marked;

	memcpy(&hdr, p, sizeof(hdr));
	marked = (hdr.len & IMSG_FD_MARK) != 0;
	hdr.len &= ~IMSG_FD_MARK;
	if (hdr.len < IMSG_HEADER_SIZE || hdr.len > imsgbuf->maxsize) {
		errno = ERANGE;
		return (-1);
	}
	if ((w->partial = ibuf_open(hdr.len)) == NULL)
		return (-1);
	ibuf_add(w->partial, &hdr, sizeof(hdr));
	if (marked)
		ibuf_fd_set(w->partial, slot_take(w));
	return (0);
}

/*
 * Cuts what is in the read buffer into messages; the beginning of a header
 * stays in it.  0, or -1 with errno.
 */
static int
read_parse(struct imsgbuf *imsgbuf)
{
	struct msgbuf	*w = imsgbuf->w;
	size_t		 pos = 0, n;
	int		 ret = 0;

	for (;;) {
		if (w->partial == NULL) {
			if (w->rlen - pos < IMSG_HEADER_SIZE)
				break;
			if ((ret = read_header(imsgbuf, w->rbuf + pos)) == -1)
				break;
			pos += IMSG_HEADER_SIZE;
		}
		n = ibuf_left(w->partial);
		if (n > w->rlen - pos)
			n = w->rlen - pos;
		ibuf_add(w->partial, w->rbuf + pos, n);
		pos += n;
		if (ibuf_left(w->partial) > 0)
			break;
		TAILQ_INSERT_TAIL(&w->in, w->partial, entry);
		w->partial = NULL;
	}
	memmove(w->rbuf, w->rbuf + pos, w->rlen - pos);
	w->rlen -= pos;
	/* No copy of a secret stays behind. */
	explicit_bzero(w->rbuf + w->rlen, pos);
	return (ret);
}

/*
 * What descriptors may wait for the next read: one, and only while the
 * header that it belongs to is incomplete.  0, or -1 with errno.
 */
static int
read_settle(struct msgbuf *w)
{
	if (w->older.used && w->newer.used) {
		errno = EBADMSG;
		return (-1);
	}
	if (w->newer.used) {
		w->older = w->newer;
		w->newer.used = 0;
		w->newer.fd = -1;
	}
	if (w->rlen == 0 || w->partial != NULL)
		slot_clear(&w->older);
	return (0);
}

/* Finds the descriptor that came with a read; closes any surplus. */
static void
read_control(struct msgbuf *w, struct msghdr *msg)
{
	struct cmsghdr	*cmsg;
	size_t		 i, n;
	int		 fd;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	    cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int),
			    sizeof(fd));
			if (w->newer.used)
				close(fd);
			else {
				w->newer.used = 1;
				w->newer.fd = fd;
			}
		}
	}
	/* One was sent, but it could not be put into our table. */
	if ((msg->msg_flags & MSG_CTRUNC) && !w->newer.used)
		w->newer.used = 1;
}

static ssize_t
read_fdpass(struct imsgbuf *imsgbuf, void *buf, size_t len)
{
	union {
		struct cmsghdr	hdr;
		unsigned char	buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec	 iov;
	struct msghdr	 msg;
	ssize_t		 n;

	memset(&msg, 0, sizeof(msg));
	memset(&control, 0, sizeof(control));
	iov.iov_base = buf;
	iov.iov_len = len;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = &control.buf;
	msg.msg_controllen = sizeof(control.buf);
	if ((n = recvmsg(imsgbuf->fd, &msg, MSG_CMSG_CLOEXEC)) != -1)
		read_control(imsgbuf->w, &msg);
	return (n);
}

int
imsgbuf_read(struct imsgbuf *imsgbuf)
{
	struct msgbuf	*w = imsgbuf->w;
	size_t		 left;
	ssize_t		 n;

	if (w == NULL) {
		errno = EINVAL;
		return (-1);
	}
	/* Full only after a header that was refused. */
	if ((left = sizeof(w->rbuf) - w->rlen) == 0) {
		errno = ERANGE;
		return (-1);
	}
	do {
		if (imsgbuf->flags & IMSG_ALLOW_FDPASS)
			n = read_fdpass(imsgbuf, w->rbuf + w->rlen, left);
		else
			n = read(imsgbuf->fd, w->rbuf + w->rlen, left);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return (errno == EAGAIN ? 1 : -1);
	if (n == 0)
		return (0);
	w->rlen += (size_t)n;
	if (read_parse(imsgbuf) == -1 || read_settle(w) == -1)
		return (-1);
	return (1);
}

int
imsgbuf_get(struct imsgbuf *imsgbuf, struct imsg *imsg)
{
	struct msgbuf	*w = imsgbuf->w;
	struct ibuf	*buf;

	if (w == NULL) {
		errno = EINVAL;
		return (-1);
	}
	if ((buf = TAILQ_FIRST(&w->in)) == NULL)
		return (0);
	TAILQ_REMOVE(&w->in, buf, entry);
	memset(imsg, 0, sizeof(*imsg));
	ibuf_get(buf, &imsg->hdr, sizeof(imsg->hdr));
	imsg->data = ibuf_size(buf) > 0 ? ibuf_data(buf) : NULL;
	imsg->buf = buf;
	return (1);
}

ssize_t
imsg_get(struct imsgbuf *imsgbuf, struct imsg *imsg)
{
	int	ret;

	if ((ret = imsgbuf_get(imsgbuf, imsg)) != 1)
		return (ret);
	return ((ssize_t)imsg->hdr.len);
}

/* Takes n written bytes off the queue. */
static void
write_done(struct msgbuf *w, size_t n)
{
	struct ibuf	*buf;
	size_t		 size;

	/* The descriptor has gone with the first byte. */
	if ((buf = TAILQ_FIRST(&w->out)) != NULL)
		ibuf_fd_set(buf, -1);
	while ((buf = TAILQ_FIRST(&w->out)) != NULL) {
		size = ibuf_size(buf);
		if (n < size) {
			ibuf_skip(buf, n);
			return;
		}
		n -= size;
		TAILQ_REMOVE(&w->out, buf, entry);
		w->nout--;
		ibuf_free(buf);
	}
}

/* One sendmsg, or writev where the descriptor is no socket. */
static ssize_t
write_once(struct imsgbuf *imsgbuf, struct iovec *iov, int iovcnt, int fd)
{
	union {
		struct cmsghdr	hdr;
		unsigned char	buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct cmsghdr	*cmsg;
	struct msghdr	 msg;
	ssize_t		 n;

	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = iov;
	msg.msg_iovlen = iovcnt;
	if (fd != -1 && (imsgbuf->flags & IMSG_ALLOW_FDPASS)) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control.buf;
		msg.msg_controllen = sizeof(control.buf);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	n = sendmsg(imsgbuf->fd, &msg, MSG_NOSIGNAL);
	if (n == -1 && errno == ENOTSOCK)
		n = writev(imsgbuf->fd, iov, iovcnt);
	return (n);
}

int
imsgbuf_write(struct imsgbuf *imsgbuf)
{
	struct msgbuf	*w = imsgbuf->w;
	struct iovec	 iov[IMSG_IOV_MAX];
	struct ibuf	*buf;
	ssize_t		 n;
	int		 count = 0, fd = -1;

	if (w == NULL) {
		errno = EINVAL;
		return (-1);
	}
	TAILQ_FOREACH(buf, &w->out, entry) {
		if (count == IMSG_IOV_MAX)
			break;
		/* A message with a descriptor begins its sendmsg. */
		if (count > 0 && ibuf_fd_avail(buf))
			break;
		if (count == 0)
			fd = buf->fd;
		iov[count].iov_base = ibuf_data(buf);
		iov[count].iov_len = ibuf_size(buf);
		count++;
	}
	if (count == 0)
		return (0);
	do {
		n = write_once(imsgbuf, iov, count, fd);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return (errno == EAGAIN || errno == ENOBUFS ? 0 : -1);
	write_done(w, (size_t)n);
	return (0);
}

int
imsgbuf_flush(struct imsgbuf *imsgbuf)
{
	while (imsgbuf_queuelen(imsgbuf) > 0)
		if (imsgbuf_write(imsgbuf) == -1)
			return (-1);
	return (0);
}

static void
queue_add(struct imsgbuf *imsgbuf, struct ibuf *buf)
{
	TAILQ_INSERT_TAIL(&imsgbuf->w->out, buf, entry);
	imsgbuf->w->nout++;
}

struct ibuf *
imsg_create(struct imsgbuf *imsgbuf, uint32_t type, uint32_t id, pid_t pid,
    size_t datalen)
{
	struct imsg_hdr	 hdr;
	struct ibuf	*msg;

	if (datalen > imsgbuf->maxsize - IMSG_HEADER_SIZE) {
		errno = ERANGE;
		return (NULL);
	}
	hdr.type = type;
	hdr.len = 0;		/* imsg_close knows it */
	hdr.peerid = id;
	hdr.pid = (uint32_t)(pid != 0 ? pid : imsgbuf->pid);
	msg = ibuf_dynamic(datalen + IMSG_HEADER_SIZE, imsgbuf->maxsize);
	if (msg == NULL)
		return (NULL);
	if (ibuf_add(msg, &hdr, sizeof(hdr)) == -1) {
		ibuf_free(msg);
		return (NULL);
	}
	return (msg);
}

int
imsg_add(struct ibuf *msg, const void *data, size_t datalen)
{
	if (ibuf_add(msg, data, datalen) == -1) {
		ibuf_free(msg);
		return (-1);
	}
	return ((int)datalen);
}

void
imsg_close(struct imsgbuf *imsgbuf, struct ibuf *msg)
{
	uint32_t	len = (uint32_t)ibuf_size(msg);

	if (ibuf_fd_avail(msg))
		len |= IMSG_FD_MARK;
	ibuf_set_h32(msg, offsetof(struct imsg_hdr, len), len);
	queue_add(imsgbuf, msg);
}

int
imsg_set_maxsize(struct ibuf *msg, size_t max)
{
	if (max > UINT32_MAX - IMSG_HEADER_SIZE) {
		errno = ERANGE;
		return (-1);
	}
	return (ibuf_set_maxsize(msg, max + IMSG_HEADER_SIZE));
}

int
imsg_compose(struct imsgbuf *imsgbuf, uint32_t type, uint32_t id, pid_t pid,
    int fd, const void *data, size_t datalen)
{
	struct ibuf	*msg;

	if ((msg = imsg_create(imsgbuf, type, id, pid, datalen)) == NULL)
		return (-1);
	if (ibuf_add(msg, data, datalen) == -1) {
		ibuf_free(msg);
		return (-1);
	}
	ibuf_fd_set(msg, fd);
	imsg_close(imsgbuf, msg);
	return (1);
}

int
imsg_composev(struct imsgbuf *imsgbuf, uint32_t type, uint32_t id, pid_t pid,
    int fd, const struct iovec *iov, int iovcnt)
{
	struct ibuf	*msg;
	size_t		 datalen = 0;
	int		 i;

	for (i = 0; i < iovcnt; i++) {
		if (iov[i].iov_len > imsgbuf->maxsize - datalen) {
			errno = ERANGE;
			return (-1);
		}
		datalen += iov[i].iov_len;
	}
	if ((msg = imsg_create(imsgbuf, type, id, pid, datalen)) == NULL)
		return (-1);
	for (i = 0; i < iovcnt; i++) {
		if (ibuf_add(msg, iov[i].iov_base, iov[i].iov_len) == -1) {
			ibuf_free(msg);
			return (-1);
		}
	}
	ibuf_fd_set(msg, fd);
	imsg_close(imsgbuf, msg);
	return (1);
}

int
imsg_compose_ibuf(struct imsgbuf *imsgbuf, uint32_t type, uint32_t id,
    pid_t pid, struct ibuf *buf)
{
	struct ibuf	*msg;
	size_t		 datalen = ibuf_size(buf);
	uint32_t	 len;

	/* The mark is in the header, so only that may have a descriptor. */
	if (ibuf_fd_avail(buf)) {
		errno = EINVAL;
		goto fail;
	}
	if (datalen > imsgbuf->maxsize - IMSG_HEADER_SIZE) {
		errno = ERANGE;
		goto fail;
	}
	if ((msg = imsg_create(imsgbuf, type, id, pid, 0)) == NULL)
		goto fail;
	len = (uint32_t)(datalen + IMSG_HEADER_SIZE);
	ibuf_set_h32(msg, offsetof(struct imsg_hdr, len), len);
	queue_add(imsgbuf, msg);
	if (datalen > 0)
		queue_add(imsgbuf, buf);
	else
		ibuf_free(buf);
	return (1);

 fail:
	ibuf_free(buf);
	return (-1);
}

int
imsg_forward(struct imsgbuf *imsgbuf, struct imsg *imsg)
{
	ibuf_rewind(imsg->buf);
	ibuf_skip(imsg->buf, IMSG_HEADER_SIZE);
	return (imsg_compose(imsgbuf, imsg->hdr.type, imsg->hdr.peerid,
	    (pid_t)imsg->hdr.pid, -1, ibuf_data(imsg->buf),
	    ibuf_size(imsg->buf)));
}

uint32_t
imsg_get_type(struct imsg *imsg)
{
	return (imsg->hdr.type);
}

uint32_t
imsg_get_id(struct imsg *imsg)
{
	return (imsg->hdr.peerid);
}

pid_t
imsg_get_pid(struct imsg *imsg)
{
	return ((pid_t)imsg->hdr.pid);
}

size_t
imsg_get_len(struct imsg *imsg)
{
	return (ibuf_size(imsg->buf));
}

int
imsg_get_data(struct imsg *imsg, void *data, size_t len)
{
	if (len == 0) {
		errno = EINVAL;
		return (-1);
	}
	if (ibuf_size(imsg->buf) != len) {
		errno = EBADMSG;
		return (-1);
	}
	return (ibuf_get(imsg->buf, data, len));
}

int
imsg_get_buf(struct imsg *imsg, void *data, size_t len)
{
	return (ibuf_get(imsg->buf, data, len));
}

int
imsg_get_strbuf(struct imsg *imsg, char *str, size_t len)
{
	return (ibuf_get_strbuf(imsg->buf, str, len));
}

int
imsg_get_ibuf(struct imsg *imsg, struct ibuf *view)
{
	if (ibuf_size(imsg->buf) == 0) {
		errno = EBADMSG;
		return (-1);
	}
	return (ibuf_get_ibuf(imsg->buf, ibuf_size(imsg->buf), view));
}

int
imsg_get_fd(struct imsg *imsg)
{
	return (ibuf_fd_get(imsg->buf));
}

void
imsg_free(struct imsg *imsg)
{
	ibuf_free(imsg->buf);
	imsg->buf = NULL;
	imsg->data = NULL;
}
