/* See LICENSE for the terms. */
/*
 * imsg and ibuf: every pair of put and get, their limits, what a hostile
 * peer may write, and where descriptors end up.  It uses nothing but the
 * public interface, so that it also tests the system's own.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"

#include <cmocka.h>

#define MAX_PAYLOAD	(MAX_IMSGSIZE - IMSG_HEADER_SIZE)
#define FD_MARK		0x80000000U

struct pair {
	struct imsgbuf	 a;
	struct imsgbuf	 b;
	int		 fds[2];
};

static unsigned char	pattern[MAX_IMSGSIZE * 2];

static int
pair_setup(void **state)
{
	struct pair	*p;
	size_t		 i;

	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)(i * 7 + i / 251);
	p = calloc(1, sizeof(*p));
	assert_non_null(p);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, p->fds), 0);
	assert_int_equal(imsgbuf_init(&p->a, p->fds[0]), 0);
	assert_int_equal(imsgbuf_init(&p->b, p->fds[1]), 0);
	imsgbuf_allow_fdpass(&p->a);
	imsgbuf_allow_fdpass(&p->b);
	*state = p;
	return (0);
}

static int
pair_teardown(void **state)
{
	struct pair	*p = *state;

	imsgbuf_clear(&p->a);
	imsgbuf_clear(&p->b);
	if (p->fds[0] != -1)
		close(p->fds[0]);
	close(p->fds[1]);
	free(p);
	return (0);
}

/* A descriptor that can be told from others by its inode. */
static int
new_fd(ino_t *ino)
{
	struct stat	 st;
	int		 fds[2];

	assert_int_equal(pipe(fds), 0);
	close(fds[1]);
	assert_int_equal(fstat(fds[0], &st), 0);
	*ino = st.st_ino;
	return (fds[0]);
}

static ino_t
fd_ino(int fd)
{
	struct stat	st;

	assert_int_equal(fstat(fd, &st), 0);
	return (st.st_ino);
}

static int
count_fds(void)
{
	int	fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			n++;
	return (n);
}

static void
expect_message(struct imsgbuf *b, uint32_t type, size_t len)
{
	struct imsg	imsg;

	assert_int_equal(imsgbuf_get(b, &imsg), 1);
	assert_int_equal(imsg_get_type(&imsg), type);
	assert_int_equal(imsg_get_len(&imsg), len);
	assert_int_equal(imsg_get_fd(&imsg), -1);
	if (len > 0)
		assert_memory_equal(imsg.data, pattern, len);
	else
		assert_null(imsg.data);
	imsg_free(&imsg);
}

static void
expect_fd(struct imsgbuf *b, uint32_t type, ino_t ino)
{
	struct imsg	imsg;
	int		fd;

	assert_int_equal(imsgbuf_get(b, &imsg), 1);
	assert_int_equal(imsg_get_type(&imsg), type);
	fd = imsg_get_fd(&imsg);
	assert_int_not_equal(fd, -1);
	assert_int_equal(fd_ino(fd), ino);
	assert_int_equal(imsg_get_fd(&imsg), -1);
	close(fd);
	imsg_free(&imsg);
}

static void
expect_none(struct imsgbuf *b)
{
	struct imsg	imsg;

	assert_int_equal(imsgbuf_get(b, &imsg), 0);
}

/* Writes bytes that no imsgbuf would, with up to two descriptors. */
static void
send_raw(int s, const void *data, size_t len, int fd1, int fd2)
{
	union {
		struct cmsghdr	hdr;
		unsigned char	buf[CMSG_SPACE(2 * sizeof(int))];
	} control;
	int		 fds[2] = { fd1, fd2 };
	size_t		 nfds = (fd1 != -1) + (fd2 != -1);
	struct cmsghdr	*cmsg;
	struct iovec	 iov;
	struct msghdr	 msg;

	memset(&msg, 0, sizeof(msg));
	memset(&control, 0, sizeof(control));
	iov.iov_base = (void *)(uintptr_t)data;
	iov.iov_len = len;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	if (nfds > 0) {
		msg.msg_control = &control.buf;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(cmsg), fds, nfds * sizeof(int));
	}
	assert_int_equal(sendmsg(s, &msg, 0), (ssize_t)len);
}

static struct imsg_hdr
header(uint32_t type, uint32_t len)
{
	struct imsg_hdr	hdr = { type, len, 0, 0 };

	return (hdr);
}

/* Each number comes back as it was; one that is too big does not go in. */
static void
test_numbers(void **state)
{
	static const uint64_t	v[] = { 0, 1, 0x7f, 0xff, 0x100, 0x1234,
	    0xffff, 0x10000, 0x12345678, 0xffffffff, 0x100000000ULL,
	    0x123456789abcdef0ULL, UINT64_MAX };
	struct ibuf		*b;
	uint8_t			 v8;
	uint16_t		 v16;
	uint32_t		 v32;
	uint64_t		 v64;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_non_null(b = ibuf_dynamic(0, 64));
		assert_int_equal(ibuf_add_n8(b, v[i]),
		    v[i] > UINT8_MAX ? -1 : 0);
		assert_int_equal(ibuf_add_n16(b, v[i]),
		    v[i] > UINT16_MAX ? -1 : 0);
		assert_int_equal(ibuf_add_h16(b, v[i]),
		    v[i] > UINT16_MAX ? -1 : 0);
		assert_int_equal(ibuf_add_n32(b, v[i]),
		    v[i] > UINT32_MAX ? -1 : 0);
		errno = 0;
		assert_int_equal(ibuf_add_h32(b, v[i]),
		    v[i] > UINT32_MAX ? -1 : 0);
		assert_int_equal(errno, v[i] > UINT32_MAX ? EINVAL : 0);
		assert_int_equal(ibuf_add_n64(b, v[i]), 0);
		assert_int_equal(ibuf_add_h64(b, v[i]), 0);
		if (v[i] <= UINT8_MAX) {
			assert_int_equal(ibuf_get_n8(b, &v8), 0);
			assert_int_equal(v8, v[i]);
		}
		if (v[i] <= UINT16_MAX) {
			assert_int_equal(ibuf_get_n16(b, &v16), 0);
			assert_int_equal(v16, v[i]);
			assert_int_equal(ibuf_get_h16(b, &v16), 0);
			assert_int_equal(v16, v[i]);
		}
		if (v[i] <= UINT32_MAX) {
			assert_int_equal(ibuf_get_n32(b, &v32), 0);
			assert_int_equal(v32, v[i]);
			assert_int_equal(ibuf_get_h32(b, &v32), 0);
			assert_int_equal(v32, v[i]);
		}
		assert_int_equal(ibuf_get_n64(b, &v64), 0);
		assert_true(v64 == v[i]);
		assert_int_equal(ibuf_get_h64(b, &v64), 0);
		assert_true(v64 == v[i]);
		assert_int_equal(ibuf_size(b), 0);
		ibuf_free(b);
	}
}

static void
test_network_order(void **state)
{
	static const uint8_t	want[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
	    12, 13, 14, 15 };
	struct ibuf		*b;

	(void)state;
	assert_non_null(b = ibuf_open(15));
	assert_int_equal(ibuf_add_n8(b, 1), 0);
	assert_int_equal(ibuf_add_n16(b, 0x0203), 0);
	assert_int_equal(ibuf_add_n32(b, 0x04050607), 0);
	assert_int_equal(ibuf_add_n64(b, 0x08090a0b0c0d0e0fULL), 0);
	assert_int_equal(ibuf_size(b), sizeof(want));
	assert_memory_equal(ibuf_data(b), want, sizeof(want));
	ibuf_free(b);
}

/* A get of more than is there takes nothing. */
static void
test_short_get(void **state)
{
	struct ibuf	*b, view;
	uint16_t	 v16;
	uint32_t	 v32;
	uint64_t	 v64;
	char		 buf[8];

	(void)state;
	assert_non_null(b = ibuf_open(1));
	assert_int_equal(ibuf_add_n8(b, 42), 0);
	errno = 0;
	assert_int_equal(ibuf_get_n16(b, &v16), -1);
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(ibuf_get_h16(b, &v16), -1);
	assert_int_equal(ibuf_get_n32(b, &v32), -1);
	assert_int_equal(ibuf_get_h32(b, &v32), -1);
	assert_int_equal(ibuf_get_n64(b, &v64), -1);
	assert_int_equal(ibuf_get_h64(b, &v64), -1);
	assert_int_equal(ibuf_get(b, buf, 2), -1);
	assert_int_equal(ibuf_skip(b, 2), -1);
	assert_int_equal(ibuf_get_ibuf(b, 2, &view), -1);
	assert_int_equal(ibuf_get_strbuf(b, buf, 2), -1);
	errno = 0;
	assert_null(ibuf_get_string(b, 2));
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(ibuf_size(b), 1);
	assert_int_equal(ibuf_skip(b, 1), 0);
	ibuf_free(b);
}

static void
test_growth(void **state)
{
	struct ibuf	*b;
	size_t		 i;

	(void)state;
	assert_null(ibuf_dynamic(1, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(ibuf_dynamic(2, 1));
	assert_non_null(b = ibuf_dynamic(0, 1000));
	for (i = 0; i < 1000; i++) {
		assert_int_equal(ibuf_left(b), 1000 - i);
		assert_int_equal(ibuf_add(b, pattern + i, 1), 0);
	}
	errno = 0;
	assert_int_equal(ibuf_add(b, pattern, 1), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(ibuf_add(b, pattern, SIZE_MAX), -1);
	assert_null(ibuf_reserve(b, 1));
	assert_int_equal(ibuf_add_zero(b, 1), -1);
	assert_int_equal(ibuf_add(b, NULL, 0), 0);
	assert_memory_equal(ibuf_data(b), pattern, 1000);
	ibuf_free(b);
	ibuf_free(NULL);

	assert_non_null(b = ibuf_open(0));
	assert_int_equal(ibuf_left(b), 0);
	assert_int_equal(ibuf_add(b, pattern, 1), -1);
	ibuf_free(b);
}

static void
test_set_maxsize(void **state)
{
	struct ibuf	*b;

	(void)state;
	assert_non_null(b = ibuf_dynamic(0, 100));
	assert_int_equal(ibuf_add(b, pattern, 10), 0);
	assert_int_equal(ibuf_set_maxsize(b, 101), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(ibuf_set_maxsize(b, 9), -1);
	assert_int_equal(ibuf_set_maxsize(b, 12), 0);
	assert_int_equal(ibuf_left(b), 2);
	assert_int_equal(ibuf_add(b, pattern, 3), -1);
	assert_int_equal(ibuf_add(b, pattern, 2), 0);
	ibuf_free(b);
}

static void
test_strbuf(void **state)
{
	struct ibuf	*b;
	char		 buf[8];

	(void)state;
	assert_non_null(b = ibuf_dynamic(0, 100));
	assert_int_equal(ibuf_add_strbuf(b, "1234567", 8), 0);
	assert_int_equal(ibuf_add_strbuf(b, "12345678", 8), -1);
	assert_int_equal(errno, EOVERFLOW);
	assert_int_equal(ibuf_add_strbuf(b, "", 8), 0);
	assert_int_equal(ibuf_add(b, "ab\0defgh", 8), 0);
	assert_int_equal(ibuf_add(b, "abcdefgh", 8), 0);
	assert_int_equal(ibuf_size(b), 32);

	assert_int_equal(ibuf_get_strbuf(b, buf, 8), 0);
	assert_string_equal(buf, "1234567");
	assert_int_equal(ibuf_get_strbuf(b, buf, 8), 0);
	assert_string_equal(buf, "");
	assert_int_equal(ibuf_get_strbuf(b, buf, 8), 0);
	assert_memory_equal(buf, "ab\0\0\0\0\0\0", 8);
	assert_int_equal(ibuf_get_strbuf(b, buf, 8), -1);
	assert_int_equal(errno, EOVERFLOW);
	assert_string_equal(buf, "abcdefg");
	ibuf_free(b);
}

static void
test_string(void **state)
{
	struct ibuf	*b;
	char		*s;

	(void)state;
	assert_non_null(b = ibuf_dynamic(0, 100));
	assert_int_equal(ibuf_add(b, "hello\0world", 11), 0);
	assert_non_null(s = ibuf_get_string(b, 3));
	assert_string_equal(s, "hel");
	free(s);
	assert_non_null(s = ibuf_get_string(b, 8));
	assert_string_equal(s, "lo");
	free(s);
	assert_int_equal(ibuf_size(b), 0);
	assert_non_null(s = ibuf_get_string(b, 0));
	assert_string_equal(s, "");
	free(s);
	ibuf_free(b);
}

static void
test_set(void **state)
{
	static const uint8_t	want[] = { 9, 8, 7, 6, 5, 4, 3, 2, 1, 0xff };
	struct ibuf		*b;
	uint64_t		 v64 = 0;

	(void)state;
	assert_non_null(b = ibuf_dynamic(0, 100));
	assert_int_equal(ibuf_add_zero(b, 12), 0);
	assert_int_equal(ibuf_skip(b, 2), 0);
	assert_int_equal(ibuf_set_n64(b, 0, 0x0908070605040302ULL), 0);
	assert_int_equal(ibuf_set_n8(b, 8, 1), 0);
	assert_int_equal(ibuf_set(b, 9, "\xff", 1), 0);
	assert_memory_equal(ibuf_data(b), want, sizeof(want));
	assert_int_equal(ibuf_set(b, 9, "xx", 2), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(ibuf_set_n16(b, 9, 1), -1);
	assert_int_equal(ibuf_set_n16(b, 0, 0x10000), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(ibuf_set_n32(b, 0, 0x01020304), 0);
	assert_int_equal(ibuf_set_h32(b, 0, 77), 0);
	assert_int_equal(ibuf_set_h16(b, 0, 77), 0);
	assert_int_equal(ibuf_set_h64(b, 2, 77), 0);
	assert_null(ibuf_seek(b, 11, 0));
	assert_null(ibuf_seek(b, 1, SIZE_MAX));
	assert_non_null(ibuf_seek(b, 10, 0));
	assert_int_equal(ibuf_skip(b, 2), 0);
	assert_int_equal(ibuf_get_h64(b, &v64), 0);
	assert_int_equal(v64, 77);
	ibuf_free(b);
}

static void
test_truncate_rewind(void **state)
{
	struct ibuf	*b;

	(void)state;
	assert_non_null(b = ibuf_dynamic(0, 20));
	assert_int_equal(ibuf_add(b, "0123456789", 10), 0);
	assert_int_equal(ibuf_skip(b, 2), 0);
	assert_int_equal(ibuf_truncate(b, 3), 0);
	assert_int_equal(ibuf_size(b), 3);
	assert_memory_equal(ibuf_data(b), "234", 3);
	assert_int_equal(ibuf_truncate(b, 5), 0);
	assert_memory_equal(ibuf_data(b), "234\0\0", 5);
	assert_int_equal(ibuf_truncate(b, 19), -1);
	ibuf_rewind(b);
	assert_int_equal(ibuf_size(b), 7);
	ibuf_free(b);
}

static void
test_views(void **state)
{
	struct ibuf	*b, view, inner;
	char		 text[] = "hello";
	pid_t		 pid;
	int		 status;

	(void)state;
	ibuf_from_buffer(&view, text, 5);
	assert_int_equal(ibuf_size(&view), 5);
	assert_int_equal(ibuf_left(&view), 0);
	assert_int_equal(ibuf_add(&view, "x", 1), -1);
	assert_int_equal(ibuf_truncate(&view, 6), -1);
	assert_int_equal(ibuf_fd_get(&view), -1);
	assert_int_equal(ibuf_get_ibuf(&view, 2, &inner), 0);
	assert_memory_equal(ibuf_data(&inner), "he", 2);
	assert_int_equal(ibuf_size(&inner), 2);
	ibuf_from_ibuf(&inner, &view);
	assert_int_equal(ibuf_size(&inner), 3);

	assert_non_null(b = ibuf_dynamic(0, 10));
	assert_int_equal(ibuf_add_ibuf(b, &inner), 0);
	assert_memory_equal(ibuf_data(b), "llo", 3);
	ibuf_free(b);

	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		struct rlimit	none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		ibuf_free(&view);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void
test_ibuf_fd(void **state)
{
	struct ibuf	*b;
	ino_t		 ino;
	int		 before = count_fds(), fd;

	(void)state;
	assert_non_null(b = ibuf_open(1));
	assert_false(ibuf_fd_avail(b));
	ibuf_fd_set(b, new_fd(&ino));
	ibuf_fd_set(b, new_fd(&ino));
	assert_int_equal(count_fds(), before + 1);
	assert_true(ibuf_fd_avail(b));
	fd = ibuf_fd_get(b);
	assert_int_equal(fd_ino(fd), ino);
	assert_int_equal(ibuf_fd_get(b), -1);
	ibuf_fd_set(b, fd);
	ibuf_free(b);
	assert_int_equal(count_fds(), before);
}

/* Payloads up to the limit pass; one byte more is refused. */
static void
test_payload_sizes(void **state)
{
	struct pair	*p = *state;
	int		 before = count_fds(), fd;
	ino_t		 ino;

	assert_int_equal(imsg_compose(&p->a, 1, 0, 0, -1, NULL, 0), 1);
	assert_int_equal(imsg_compose(&p->a, 2, 0, 0, -1, pattern,
	    MAX_PAYLOAD), 1);
	fd = new_fd(&ino);
	errno = 0;
	assert_int_equal(imsg_compose(&p->a, 3, 0, 0, fd, pattern,
	    MAX_PAYLOAD + 1), -1);
	assert_int_equal(errno, ERANGE);
	close(fd);		/* still ours */
	assert_int_equal(imsgbuf_queuelen(&p->a), 2);
	assert_int_equal(imsgbuf_flush(&p->a), 0);
	assert_int_equal(imsgbuf_queuelen(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect_message(&p->b, 1, 0);
	expect_message(&p->b, 2, MAX_PAYLOAD);
	expect_none(&p->b);
	assert_int_equal(count_fds(), before);
}

static void
test_header_fields(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	ssize_t		 n;

	assert_int_equal(imsg_compose(&p->a, 0xfffffffe, 0xabcdef01, 4711,
	    -1, "abc", 3), 1);
	assert_int_equal(imsg_compose(&p->a, 7, 8, 0, -1, "abcd", 4), 1);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
	assert_int_equal(imsg_get_type(&imsg), 0xfffffffe);
	assert_int_equal(imsg_get_id(&imsg), 0xabcdef01);
	assert_int_equal(imsg_get_pid(&imsg), 4711);
	imsg_free(&imsg);
	n = imsg_get(&p->b, &imsg);
	assert_int_equal(n, IMSG_HEADER_SIZE + 4);
	assert_int_equal(imsg_get_pid(&imsg), getpid());
	imsg_free(&imsg);
	assert_int_equal(imsg_get(&p->b, &imsg), 0);
}

static void
test_accessors(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	struct ibuf	 view;
	char		 buf[16];

	assert_int_equal(imsg_compose(&p->a, 1, 0, 0, -1, "0123456789ab",
	    12), 1);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
	assert_int_equal(imsg_get_data(&imsg, buf, 11), -1);
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(imsg_get_data(&imsg, buf, 13), -1);
	assert_int_equal(imsg_get_data(&imsg, buf, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(imsg_get_buf(&imsg, buf, 2), 0);
	assert_memory_equal(buf, "01", 2);
	assert_int_equal(imsg_get_len(&imsg), 10);
	assert_int_equal(imsg_get_strbuf(&imsg, buf, 4), -1);
	assert_int_equal(errno, EOVERFLOW);
	assert_string_equal(buf, "234");
	assert_int_equal(imsg_get_ibuf(&imsg, &view), 0);
	assert_int_equal(ibuf_size(&view), 6);
	assert_memory_equal(ibuf_data(&view), "6789ab", 6);
	assert_int_equal(imsg_get_len(&imsg), 0);
	assert_int_equal(imsg_get_ibuf(&imsg, &view), -1);
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(imsg_get_buf(&imsg, buf, 1), -1);
	imsg_free(&imsg);
}

static void
test_exact_data(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	uint64_t	 v = 0x1122334455667788ULL, got = 0;

	assert_int_equal(imsg_compose(&p->a, 1, 0, 0, -1, &v, sizeof(v)), 1);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
	assert_int_equal(imsg_get_data(&imsg, &got, sizeof(got)), 0);
	assert_true(got == v);
	assert_int_equal(imsg_get_data(&imsg, &got, sizeof(got)), -1);
	imsg_free(&imsg);
}

/* Lengths that no message can have end the channel. */
static void
test_bad_lengths(void **state)
{
	static const uint32_t	lens[] = { 0, 15, MAX_IMSGSIZE + 1,
	    0x7fffffff, 0xffffffff, FD_MARK, FD_MARK | 15 };
	struct pair		*p;
	struct imsg_hdr		 hdr;
	void			*local;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		pair_setup(&local);
		p = local;
		hdr = header(1, lens[i]);
		send_raw(p->fds[0], &hdr, sizeof(hdr), -1, -1);
		errno = 0;
		assert_int_equal(imsgbuf_read(&p->b), -1);
		assert_int_equal(errno, ERANGE);
		pair_teardown(&local);
	}
}

/* What stands before a bad header in the same read is still there. */
static void
test_good_before_bad(void **state)
{
	struct pair	*p = *state;
	struct imsg_hdr	 hdr[2];

	hdr[0] = header(1, sizeof(hdr[0]));
	hdr[1] = header(2, 3);
	send_raw(p->fds[0], hdr, sizeof(hdr), -1, -1);
	assert_int_equal(imsgbuf_read(&p->b), -1);
}

static void
test_byte_by_byte(void **state)
{
	struct pair	*p = *state;
	unsigned char	 buf[IMSG_HEADER_SIZE + 20];
	struct imsg_hdr	 hdr;
	size_t		 i;
	int		 round;

	hdr = header(9, sizeof(buf));
	memcpy(buf, &hdr, sizeof(hdr));
	memcpy(buf + sizeof(hdr), pattern, 20);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < sizeof(buf); i++) {
			expect_none(&p->b);
			send_raw(p->fds[0], buf + i, 1, -1, -1);
			assert_int_equal(imsgbuf_read(&p->b), 1);
		}
		expect_message(&p->b, 9, 20);
	}
	assert_int_equal(imsgbuf_read(&p->b), 1);	/* EAGAIN */
	expect_none(&p->b);
}

static void
test_three_in_one_read(void **state)
{
	struct pair	*p = *state;
	uint32_t	 i;

	for (i = 1; i <= 3; i++)
		assert_int_equal(imsg_compose(&p->a, i, 0, 0, -1, pattern,
		    i * 10), 1);
	assert_int_equal(imsgbuf_queuelen(&p->a), 3);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_queuelen(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	for (i = 1; i <= 3; i++)
		expect_message(&p->b, i, i * 10);
	expect_none(&p->b);
}

/* More than the socket takes is kept, and arrives in order. */
static void
test_full_socket(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	uint32_t	 i, got = 0, queued;

	for (i = 0; i < 200; i++)
		assert_int_equal(imsg_compose(&p->a, i, 0, 0, -1, pattern,
		    MAX_PAYLOAD - i), 1);
	do {
		queued = imsgbuf_queuelen(&p->a);
		assert_int_equal(imsgbuf_write(&p->a), 0);
	} while (imsgbuf_queuelen(&p->a) < queued);
	assert_true(imsgbuf_queuelen(&p->a) > 0);
	while (got < 200) {
		assert_int_equal(imsgbuf_write(&p->a), 0);
		assert_int_equal(imsgbuf_read(&p->b), 1);
		while (imsgbuf_get(&p->b, &imsg) == 1) {
			assert_int_equal(imsg_get_type(&imsg), got);
			assert_int_equal(imsg_get_len(&imsg),
			    MAX_PAYLOAD - got);
			assert_memory_equal(imsg.data, pattern,
			    MAX_PAYLOAD - got);
			imsg_free(&imsg);
			got++;
		}
	}
	assert_int_equal(imsgbuf_queuelen(&p->a), 0);
}

static void
test_eof(void **state)
{
	struct pair	*p = *state;
	struct imsg_hdr	 hdr = header(1, 100);

	send_raw(p->fds[0], &hdr, sizeof(hdr), -1, -1);
	send_raw(p->fds[0], pattern, 10, -1, -1);
	close(p->fds[0]);
	p->fds[0] = -1;
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsgbuf_read(&p->b), 0);
	expect_none(&p->b);
	/* And no signal when written to. */
	assert_int_equal(imsg_compose(&p->b, 1, 0, 0, -1, NULL, 0), 1);
	assert_int_equal(imsgbuf_write(&p->b), -1);
	assert_int_equal(errno, EPIPE);
}

static void
test_maxsize(void **state)
{
	struct pair	*p = *state;
	unsigned char	*big;
	struct imsg	 imsg;
	uint32_t	 size = 300000;
	int		 ret;

	assert_int_equal(imsgbuf_set_maxsize(&p->a, UINT32_MAX), -1);
	assert_int_equal(imsgbuf_set_maxsize(&p->a, 0x7ffffff0), -1);
	assert_int_equal(imsgbuf_set_maxsize(&p->a, 10), 0);
	assert_int_equal(imsg_compose(&p->a, 1, 0, 0, -1, pattern, 10), 1);
	assert_int_equal(imsg_compose(&p->a, 1, 0, 0, -1, pattern, 11), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_set_maxsize(&p->b, 10), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect_message(&p->b, 1, 10);

	/* Longer than the read buffer. */
	assert_int_equal(imsgbuf_set_maxsize(&p->a, size), 0);
	assert_int_equal(imsgbuf_set_maxsize(&p->b, size), 0);
	assert_non_null(big = malloc(size));
	memset(big, 'x', size);
	assert_int_equal(imsg_compose(&p->a, 2, 0, 0, -1, big, size), 1);
	for (ret = 0; ret == 0;) {
		assert_int_equal(imsgbuf_write(&p->a), 0);
		assert_int_equal(imsgbuf_read(&p->b), 1);
		ret = imsgbuf_get(&p->b, &imsg);
	}
	assert_int_equal(ret, 1);
	assert_int_equal(imsg_get_len(&imsg), size);
	assert_memory_equal(imsg.data, big, size);
	imsg_free(&imsg);
	free(big);
}

static void
test_compose_forms(void **state)
{
	struct pair	*p = *state;
	struct iovec	 iov[2];
	struct ibuf	*b;

	iov[0].iov_base = pattern;
	iov[0].iov_len = 5;
	iov[1].iov_base = pattern + 5;
	iov[1].iov_len = 6;
	assert_int_equal(imsg_composev(&p->a, 1, 0, 0, -1, iov, 2), 1);
	iov[1].iov_len = MAX_PAYLOAD;
	assert_int_equal(imsg_composev(&p->a, 1, 0, 0, -1, iov, 2), -1);
	assert_int_equal(errno, ERANGE);
	iov[1].iov_len = SIZE_MAX;
	assert_int_equal(imsg_composev(&p->a, 1, 0, 0, -1, iov, 2), -1);

	assert_non_null(b = ibuf_dynamic(0, MAX_IMSGSIZE));
	assert_int_equal(ibuf_add(b, pattern, 12), 0);
	assert_int_equal(imsg_compose_ibuf(&p->a, 2, 0, 0, b), 1);
	assert_int_equal(imsgbuf_queuelen(&p->a), 3);
	assert_non_null(b = ibuf_open(0));
	assert_int_equal(imsg_compose_ibuf(&p->a, 3, 0, 0, b), 1);
	assert_non_null(b = ibuf_open(MAX_IMSGSIZE));
	assert_int_equal(ibuf_add(b, pattern, MAX_PAYLOAD + 1), 0);
	assert_int_equal(imsg_compose_ibuf(&p->a, 4, 0, 0, b), -1);
	assert_int_equal(errno, ERANGE);

	assert_non_null(b = imsg_create(&p->a, 5, 0, 0, 0));
	assert_int_equal(imsg_add(b, pattern, 6), 6);
	assert_int_equal(ibuf_add(b, pattern + 6, 7), 0);
	imsg_close(&p->a, b);
	assert_non_null(b = imsg_create(&p->a, 6, 0, 0, 0));
	assert_int_equal(imsg_set_maxsize(b, MAX_IMSGSIZE), -1);
	assert_int_equal(imsg_set_maxsize(b, 3), 0);
	assert_int_equal(imsg_add(b, pattern, 3), 3);
	assert_int_equal(imsg_add(b, pattern, 1), -1);	/* and frees */
	assert_null(imsg_create(&p->a, 7, 0, 0, MAX_PAYLOAD + 1));

	assert_int_equal(imsgbuf_flush(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect_message(&p->b, 1, 11);
	expect_message(&p->b, 2, 12);
	expect_message(&p->b, 3, 0);
	expect_message(&p->b, 5, 13);
	expect_none(&p->b);
}

/* A forwarded message is whole, however much of it has been taken. */
static void
test_forward(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	char		 buf[5];
	ino_t		 ino;
	int		 i;

	assert_int_equal(imsg_compose(&p->a, 1, 2, 3, new_fd(&ino), pattern,
	    20), 1);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
	assert_int_equal(imsg_get_buf(&imsg, buf, sizeof(buf)), 0);
	assert_int_equal(imsg_forward(&p->b, &imsg), 1);
	assert_int_equal(imsg_forward(&p->b, &imsg), 1);
	imsg_free(&imsg);
	assert_int_equal(imsgbuf_write(&p->b), 0);
	assert_int_equal(imsgbuf_read(&p->a), 1);
	for (i = 0; i < 2; i++) {
		assert_int_equal(imsgbuf_get(&p->a, &imsg), 1);
		assert_int_equal(imsg_get_id(&imsg), 2);
		assert_int_equal(imsg_get_pid(&imsg), 3);
		assert_int_equal(imsg_get_fd(&imsg), -1);
		assert_int_equal(imsg_get_len(&imsg), 20);
		assert_memory_equal(imsg.data, pattern, 20);
		imsg_free(&imsg);
	}
}

/* Each message gets the descriptor that was sent with it. */
static void
test_fd_each(void **state)
{
	struct pair	*p = *state;
	int		 before = count_fds(), i;
	ino_t		 ino[3];

	for (i = 0; i < 3; i++) {
		assert_int_equal(imsg_compose(&p->a, 10, 0, 0, -1, pattern,
		    i), 1);
		assert_int_equal(imsg_compose(&p->a, i, 0, 0,
		    new_fd(&ino[i]), pattern, i * 100), 1);
	}
	assert_int_equal(count_fds(), before + 3);
	while (imsgbuf_queuelen(&p->a) > 0)
		assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(count_fds(), before);
	for (i = 0; i < 6; i++)
		assert_int_equal(imsgbuf_read(&p->b), 1);
	for (i = 0; i < 3; i++) {
		expect_message(&p->b, 10, i);
		expect_fd(&p->b, i, ino[i]);
	}
	expect_none(&p->b);
	assert_int_equal(count_fds(), before);
}

static void
test_fd_cloexec_and_unclaimed(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	int		 before = count_fds(), fd, i;
	ino_t		 ino;

	for (i = 0; i < 2; i++)
		assert_int_equal(imsg_compose(&p->a, 1, 0, 0, new_fd(&ino),
		    NULL, 0), 1);
	assert_int_equal(imsgbuf_flush(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
	assert_int_not_equal(fd = imsg_get_fd(&imsg), -1);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
	imsg_free(&imsg);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
	imsg_free(&imsg);		/* closes it */
	assert_int_equal(count_fds(), before);
}

/* Without allow_fdpass the message comes, and the descriptor does not. */
static void
test_fd_not_allowed(void **state)
{
	struct pair	*p = *state;
	struct imsgbuf	 strict;
	int		 before = count_fds();
	ino_t		 ino;

	assert_int_equal(imsgbuf_init(&strict, p->fds[1]), 0);
	assert_int_equal(imsg_compose(&p->a, 1, 0, 0, new_fd(&ino), pattern,
	    9), 1);
	assert_int_equal(imsgbuf_flush(&p->a), 0);
	assert_int_equal(imsgbuf_read(&strict), 1);
	expect_message(&strict, 1, 9);

	assert_int_equal(imsg_compose(&strict, 2, 0, 0, new_fd(&ino),
	    pattern, 9), 1);
	assert_int_equal(imsgbuf_flush(&strict), 0);
	assert_int_equal(imsgbuf_read(&p->a), 1);
	expect_message(&p->a, 2, 9);
	imsgbuf_clear(&strict);
	assert_int_equal(count_fds(), before);
}

/* Puts 65530 bytes in four messages into a's queue. */
static void
fill_before_gap(struct pair *p)
{
	uint32_t	i;

	for (i = 0; i < 3; i++)
		assert_int_equal(imsg_compose(&p->a, i, 0, 0, -1, pattern,
		    MAX_PAYLOAD), 1);
	assert_int_equal(imsg_compose(&p->a, 3, 0, 0, -1, pattern,
	    65530 - 3 * MAX_IMSGSIZE - IMSG_HEADER_SIZE), 1);
}

/*
 * A read that ends within the header of a message with a descriptor may
 * already bring that descriptor.
 */
static void
test_fd_gap(void **state)
{
	struct pair	*p = *state;
	ino_t		 ino;
	uint32_t	 i;

	fill_before_gap(p);
	assert_int_equal(imsg_compose(&p->a, 4, 0, 0, new_fd(&ino), pattern,
	    64 - IMSG_HEADER_SIZE), 1);
	assert_int_equal(imsgbuf_flush(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	for (i = 0; i < 3; i++)
		expect_message(&p->b, i, MAX_PAYLOAD);
	expect_message(&p->b, 3, 65530 - 3 * MAX_IMSGSIZE -
	    IMSG_HEADER_SIZE);
	expect_none(&p->b);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect_fd(&p->b, 4, ino);
}

/* The read after it may bring the next message's descriptor as well. */
static void
test_fd_gap_and_next(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	ino_t		 ino[2];
	int		 i;

	fill_before_gap(p);
	for (i = 0; i < 2; i++)
		assert_int_equal(imsg_compose(&p->a, 4 + i, 0, 0,
		    new_fd(&ino[i]), pattern, 64 - IMSG_HEADER_SIZE), 1);
	assert_int_equal(imsgbuf_flush(&p->a), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(imsgbuf_read(&p->b), 1);
	for (i = 0; i < 4; i++) {
		assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
		imsg_free(&imsg);
	}
	expect_fd(&p->b, 4, ino[0]);
	expect_fd(&p->b, 5, ino[1]);
}

/* A descriptor waits for its header through any number of reads. */
static void
test_fd_waits(void **state)
{
	struct pair	*p = *state;
	struct imsg_hdr	 hdr = header(5, sizeof(hdr) | FD_MARK);
	int		 before = count_fds(), fd;
	size_t		 i;
	ino_t		 ino;

	fd = new_fd(&ino);
	for (i = 0; i < sizeof(hdr); i++) {
		send_raw(p->fds[0], (unsigned char *)&hdr + i, 1,
		    i == 0 ? fd : -1, -1);
		assert_int_equal(imsgbuf_read(&p->b), 1);
	}
	close(fd);
	expect_fd(&p->b, 5, ino);
	assert_int_equal(count_fds(), before);
}

static void
test_fd_two_pending(void **state)
{
	struct pair	*p = *state;
	struct imsg_hdr	 hdr = header(5, sizeof(hdr) | FD_MARK);
	int		 before = count_fds(), fd;
	ino_t		 ino;

	fd = new_fd(&ino);
	send_raw(p->fds[0], &hdr, 4, fd, -1);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	send_raw(p->fds[0], (unsigned char *)&hdr + 4, 4, fd, -1);
	assert_int_equal(imsgbuf_read(&p->b), -1);
	assert_int_equal(errno, EBADMSG);
	close(fd);
	imsgbuf_clear(&p->b);
	assert_int_equal(count_fds(), before);
}

/* Descriptors that no header asked for are closed at once. */
static void
test_fd_stray(void **state)
{
	struct pair	*p = *state;
	struct imsg_hdr	 hdr = header(5, sizeof(hdr));
	struct imsg_hdr	 marked = header(6, sizeof(hdr) | FD_MARK);
	struct imsg	 imsg;
	int		 before, fd, i;
	ino_t		 ino;

	fd = new_fd(&ino);
	before = count_fds();
	for (i = 0; i < 3; i++) {
		send_raw(p->fds[0], &hdr, sizeof(hdr), fd, fd);
		assert_int_equal(imsgbuf_read(&p->b), 1);
		expect_message(&p->b, 5, 0);
		assert_int_equal(count_fds(), before);
	}
	send_raw(p->fds[0], &marked, sizeof(marked), fd, fd);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect_fd(&p->b, 6, ino);
	assert_int_equal(count_fds(), before);
	/* A mark without a descriptor. */
	send_raw(p->fds[0], &marked, sizeof(marked), -1, -1);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
	assert_int_equal(imsg_get_fd(&imsg), -1);
	imsg_free(&imsg);
	close(fd);
}

/*
 * A full table loses the descriptor, not the message, and the next message
 * does not lend its own to the one that lost it.
 */
static void
test_fd_table_full(void **state)
{
	struct pair	*p = *state;
	struct rlimit	 old, small;
	struct imsg	 imsg;
	ino_t		 ino[2];
	int		 i, fd, top;

	fill_before_gap(p);
	for (i = 0; i < 2; i++)
		assert_int_equal(imsg_compose(&p->a, 4 + i, 0, 0,
		    new_fd(&ino[i]), pattern, 64 - IMSG_HEADER_SIZE), 1);
	assert_int_equal(imsgbuf_flush(&p->a), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	top = dup(0);
	close(top);
	small = old;
	small.rlim_cur = (rlim_t)top;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	for (i = 0; i < 5; i++) {
		assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
		assert_int_equal(imsg_get_type(&imsg), i);
		fd = imsg_get_fd(&imsg);
		imsg_free(&imsg);
		if (fd != -1) {
			/* Valgrind only simulates the limit. */
			assert_true(fd >= top);
			close(fd);
		}
	}
	expect_fd(&p->b, 5, ino[1]);
}

static void
test_clear_closes(void **state)
{
	struct pair	*p = *state;
	struct imsg_hdr	 hdr = header(5, sizeof(hdr) | FD_MARK);
	int		 before = count_fds(), fd;
	ino_t		 ino;

	/* Queued to be sent, received but not taken, and waiting. */
	assert_int_equal(imsg_compose(&p->b, 1, 0, 0, new_fd(&ino), NULL,
	    0), 1);
	assert_int_equal(imsg_compose(&p->a, 1, 0, 0, new_fd(&ino), NULL,
	    0), 1);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	fd = new_fd(&ino);
	send_raw(p->fds[0], &hdr, 3, fd, -1);
	close(fd);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(count_fds(), before + 3);
	imsgbuf_clear(&p->b);
	imsgbuf_clear(&p->b);
	assert_int_equal(count_fds(), before);
}

#define pair_test(f)	cmocka_unit_test_setup_teardown(f, pair_setup, \
			    pair_teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_network_order),
		cmocka_unit_test(test_short_get),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_set_maxsize),
		cmocka_unit_test(test_strbuf),
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_truncate_rewind),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_ibuf_fd),
		pair_test(test_payload_sizes),
		pair_test(test_header_fields),
		pair_test(test_accessors),
		pair_test(test_exact_data),
		cmocka_unit_test(test_bad_lengths),
		pair_test(test_good_before_bad),
		pair_test(test_byte_by_byte),
		pair_test(test_three_in_one_read),
		pair_test(test_full_socket),
		pair_test(test_eof),
		pair_test(test_maxsize),
		pair_test(test_compose_forms),
		pair_test(test_forward),
		pair_test(test_fd_each),
		pair_test(test_fd_cloexec_and_unclaimed),
		pair_test(test_fd_not_allowed),
		pair_test(test_fd_gap),
		pair_test(test_fd_gap_and_next),
		pair_test(test_fd_waits),
		pair_test(test_fd_two_pending),
		pair_test(test_fd_stray),
		pair_test(test_fd_table_full),
		pair_test(test_clear_closes),
	};

	signal(SIGPIPE, SIG_DFL);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
