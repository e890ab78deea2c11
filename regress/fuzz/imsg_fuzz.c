/* See LICENSE for the terms. */
/*
 * The reading side of imsg: whatever a peer writes, in pieces of any size,
 * with descriptors anywhere among them.  Nothing is leaked or overrun, a
 * message is never longer than the limit, and no accessor goes beyond it.
 *
 * Input: pieces, each after a byte that says its length (low six bits) and
 * whether a descriptor goes with it (highest bit).
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"

#define PAYLOAD_MAX	200

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(int ok)
{
	if (!ok)
		abort();
}

static void
send_piece(int s, const uint8_t *data, size_t len, int fd)
{
	union {
		struct cmsghdr	hdr;
		unsigned char	buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct cmsghdr	*cmsg;
	struct iovec	 iov;
	struct msghdr	 msg;

	memset(&msg, 0, sizeof(msg));
	memset(&control, 0, sizeof(control));
	iov.iov_base = (void *)(uintptr_t)data;
	iov.iov_len = len;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	if (fd != -1) {
		msg.msg_control = &control.buf;
		msg.msg_controllen = sizeof(control.buf);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	check(sendmsg(s, &msg, 0) == (ssize_t)len);
}

/* Takes a message apart as a handler would; its type says how. */
static void
take(struct imsg *imsg)
{
	struct ibuf	 view;
	uint64_t	 v64;
	uint32_t	 v32;
	uint16_t	 v16;
	uint8_t		 v8;
	char		 buf[16], *str;
	int		 fd;

	check(imsg_get_len(imsg) <= PAYLOAD_MAX);
	if ((imsg_get_type(imsg) & 1) && (fd = imsg_get_fd(imsg)) != -1) {
		check(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
	}
	if (imsg_get_strbuf(imsg, buf, sizeof(buf)) == 0)
		check(strlen(buf) < sizeof(buf));
	(void)imsg_get_buf(imsg, buf, imsg_get_type(imsg) % sizeof(buf));
	(void)imsg_get_data(imsg, &v64, sizeof(v64));
	if (imsg_get_ibuf(imsg, &view) == -1)
		return;
	check(ibuf_get_n8(&view, &v8) == 0);
	(void)ibuf_get_n16(&view, &v16);
	(void)ibuf_get_h32(&view, &v32);
	(void)ibuf_get_n64(&view, &v64);
	if ((str = ibuf_get_string(&view, v8)) != NULL)
		check(strlen(str) <= v8);
	free(str);
}

/* Reads until nothing comes.  -1 when the channel is of no further use. */
static int
drain(struct imsgbuf *imsgbuf)
{
	struct imsg	imsg;
	int		ret;

	if ((ret = imsgbuf_read(imsgbuf)) == -1)
		check(errno == ERANGE || errno == EBADMSG);
	while (imsgbuf_get(imsgbuf, &imsg) == 1) {
		take(&imsg);
		imsg_free(&imsg);
	}
	return (ret);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct imsgbuf	 imsgbuf;
	size_t		 n;
	int		 fds[2], first, last;

	check((first = dup(0)) != -1);
	close(first);
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	check(imsgbuf_init(&imsgbuf, fds[1]) == 0);
	check(imsgbuf_set_maxsize(&imsgbuf, PAYLOAD_MAX) == 0);
	imsgbuf_allow_fdpass(&imsgbuf);
	while (len > 1) {
		n = data[0] & 0x3f;
		if (n > len - 1)
			n = len - 1;
		if (n > 0)
			send_piece(fds[0], data + 1, n,
			    data[0] & 0x80 ? fds[0] : -1);
		if (drain(&imsgbuf) == -1)
			break;
		data += n + 1;
		len -= n + 1;
	}
	imsgbuf_clear(&imsgbuf);
	close(fds[0]);
	close(fds[1]);
	/* Every descriptor that came is closed again. */
	check((last = dup(0)) == first);
	close(last);
	return (0);
}
