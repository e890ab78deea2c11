/* See LICENSE for the terms. */
/*
 * Streams without TLS: lines, limits, back-pressure, file ranges, timeouts
 * and the end of a stream, each on a real event loop.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream.h"
#include "stream_peer.h"
#include "tcp_acked.h"
#include "tcp_queue.h"

#include <cmocka.h>

static void
expect_line(struct peer *p, const char *want, size_t limit, int crlf_only)
{
	char	*line;
	size_t	 len;

	assert_int_equal(stream_line(p->s, &line, &len, limit, crlf_only), 1);
	assert_int_equal(len, strlen(want));
	assert_string_equal(line, want);
}

static void
expect_no_line(struct peer *p, int crlf_only)
{
	char	*line;
	size_t	 len;

	assert_int_equal(stream_line(p->s, &line, &len, 1000, crlf_only), 0);
}

/* Keeps the input for the test to take. */
static void
on_keep(struct peer *p, enum stream_event event)
{
	(void)p;
	(void)event;
}

/* A stream and the bare other end of its socket. */
static void
setup(struct peer *p, int *fd, peer_hook *hook)
{
	int	fds[2];

	peer_pair(fds);
	peer_init(p, fds[0], hook);
	*fd = fds[1];
}

static void
test_lines(void **state)
{
	struct peer	 p;
	char		*line;
	size_t		 len;
	int		 fd;

	(void)state;
	setup(&p, &fd, on_keep);
	expect_no_line(&p, 0);
	peer_raw(fd, "one\r\ntwo\n\r\n\nfi\0ve\r\nsi", 21);
	peer_until(p.told[STREAM_DATA] > 0);
	expect_line(&p, "one", 100, 0);
	expect_line(&p, "two", 100, 0);
	expect_line(&p, "", 100, 0);
	expect_line(&p, "", 100, 0);
	assert_int_equal(stream_line(p.s, &line, &len, 100, 0), 1);
	assert_int_equal(len, 5);
	assert_memory_equal(line, "fi\0ve", 6);
	expect_no_line(&p, 0);
	peer_raw(fd, "x\r", 2);
	peer_until(p.told[STREAM_DATA] > 1);
	expect_no_line(&p, 0);
	peer_raw(fd, "\n", 1);
	peer_until(p.told[STREAM_DATA] > 2);
	expect_line(&p, "six", 100, 0);
	peer_free(&p);
	close(fd);
}

static void
test_lines_crlf_only(void **state)
{
	struct peer	 p;
	int		 fd;

	(void)state;
	setup(&p, &fd, on_keep);
	peer_raw(fd, "a\nb\rc\r\nd\n", 10);
	peer_until(p.told[STREAM_DATA] > 0);
	expect_line(&p, "a\nb\rc", 100, 1);
	expect_no_line(&p, 1);
	/* A change of mind looks at what was passed over. */
	expect_line(&p, "d", 100, 0);
	peer_free(&p);
	close(fd);
}

static void
test_lines_byte_by_byte(void **state)
{
	static const char	text[] = "ab\r\n\ncd\r\n";
	struct peer		p;
	char			*line, got[64] = "";
	size_t			len, i;
	int			fd;

	(void)state;
	setup(&p, &fd, on_keep);
	for (i = 0; i < sizeof(text) - 1; i++) {
		peer_raw(fd, text + i, 1);
		peer_until(p.told[STREAM_DATA] > (int)i);
		while (stream_line(p.s, &line, &len, 100, 1) == 1) {
			strlcat(got, "[", sizeof(got));
			strlcat(got, line, sizeof(got));
			strlcat(got, "]", sizeof(got));
		}
	}
	assert_string_equal(got, "[ab][\ncd]");
	peer_free(&p);
	close(fd);
}

/* The limit counts the line's end. */
static void
test_line_limit(void **state)
{
	struct peer	 p;
	char		*line;
	size_t		 len;
	int		 fd;

	(void)state;
	setup(&p, &fd, on_keep);
	peer_raw(fd, "12345678\r\n123456789\r\nok\r\n", 25);
	peer_until(p.told[STREAM_DATA] > 0);
	expect_line(&p, "12345678", 10, 1);
	errno = 0;
	assert_int_equal(stream_line(p.s, &line, &len, 10, 1), -1);
	assert_int_equal(errno, EMSGSIZE);
	expect_line(&p, "ok", 10, 1);
	peer_free(&p);
	close(fd);
}

/* A line longer than any buffer is told of once and passes by. */
static void
test_overlong_line(void **state)
{
	struct peer	 p;
	char		*line;
	size_t		 len, i;
	int		 fd, crlf, long_lines = 0, told;

	(void)state;
	for (crlf = 0; crlf <= 1; crlf++) {
		setup(&p, &fd, on_keep);
		long_lines = 0;
		for (i = 0; i < 100; i++) {
			told = p.told[STREAM_DATA];
			peer_raw(fd, peer_pattern, 4000);
			peer_until(stream_bytes_in(p.s) == (i + 1) * 4000);
			/* Once it is being discarded there is no news. */
			if (long_lines > 0)
				assert_int_equal(p.told[STREAM_DATA], told);
			switch (stream_line(p.s, &line, &len, 1000, crlf)) {
			case -1:
				assert_int_equal(errno, EMSGSIZE);
				long_lines++;
				break;
			case 1:
				fail();
			}
		}
		assert_int_equal(long_lines, 1);
		told = p.told[STREAM_DATA];
		if (crlf)
			peer_raw(fd, "\n \r \n\r", 6);
		else
			peer_raw(fd, "\r", 1);
		peer_until(stream_bytes_in(p.s) == 400000U + (crlf ? 6 : 1));
		assert_int_equal(p.told[STREAM_DATA], told);
		peer_raw(fd, "\nnext\r\n", 7);
		peer_until(p.told[STREAM_DATA] > told);
		expect_line(&p, "next", 1000, crlf);
		peer_free(&p);
		close(fd);
	}
}

/* A limit above the size of the buffer is honoured. */
static void
test_huge_limit(void **state)
{
	struct peer	 p;
	char		*line;
	size_t		 len = 0, i;
	int		 fd, ret = 0;

	(void)state;
	setup(&p, &fd, on_keep);
	assert_int_equal(stream_line(p.s, &line, &len, 200000, 1), 0);
	for (i = 0; i < 40; i++) {
		peer_raw(fd, peer_pattern, 4000);
		peer_until(stream_bytes_in(p.s) == (i + 1) * 4000);
	}
	peer_raw(fd, "\r\n", 2);
	peer_until((ret = stream_line(p.s, &line, &len, 200000, 1)) != 0);
	assert_int_equal(ret, 1);
	assert_int_equal(len, 160000);
	peer_free(&p);
	close(fd);
}

static void
test_peek_consume(void **state)
{
	struct peer	 p;
	const uint8_t	*data;
	int		 fd;

	(void)state;
	setup(&p, &fd, on_keep);
	assert_int_equal(stream_peek(p.s, &data), 0);
	assert_non_null(data);
	peer_raw(fd, "{5}\r\nabcdeXYZ", 13);
	peer_until(p.told[STREAM_DATA] > 0);
	expect_line(&p, "{5}", 100, 1);
	assert_int_equal(stream_peek(p.s, &data), 8);
	assert_memory_equal(data, "abcdeXYZ", 8);
	stream_consume(p.s, 5);
	assert_int_equal(stream_peek(p.s, &data), 3);
	assert_memory_equal(data, "XYZ", 3);
	stream_consume(p.s, 100);
	assert_int_equal(stream_peek(p.s, &data), 0);
	peer_free(&p);
	close(fd);
}

/* What came before the end is still there after it, and it ends once. */
static void
test_eof_with_rest(void **state)
{
	struct peer	 p;
	const uint8_t	*data;
	int		 fd;

	(void)state;
	setup(&p, &fd, on_keep);
	peer_raw(fd, "last\r\nunfinished", 16);
	close(fd);
	peer_until(p.told[STREAM_EOF] > 0);
	assert_string_equal(p.order, "DE");
	expect_line(&p, "last", 100, 1);
	expect_no_line(&p, 1);
	assert_int_equal(stream_peek(p.s, &data), 10);
	assert_memory_equal(data, "unfinished", 10);
	/* One could still write, but for a peer that is gone: told once. */
	assert_int_equal(stream_write(p.s, "x", 1), 0);
	peer_turns(20);
	assert_string_equal(p.order, "DEX");
	peer_free(&p);
}

/* After its end of file a peer can still be answered. */
static void
test_half_close(void **state)
{
	struct peer	p;
	char		buf[16];
	int		fd;

	(void)state;
	setup(&p, &fd, on_keep);
	peer_raw(fd, "QUIT\r\n", 6);
	shutdown(fd, SHUT_WR);
	peer_until(p.told[STREAM_EOF] > 0);
	assert_int_equal(stream_printf(p.s, "%d bye\r\n", 221), 0);
	peer_until(stream_queued(p.s) == 0);
	assert_int_equal(read(fd, buf, sizeof(buf)), 9);
	assert_memory_equal(buf, "221 bye\r\n", 9);
	peer_free(&p);
	close(fd);
}

static void
test_pause(void **state)
{
	struct peer	p;
	uint64_t	before;
	int		fd, told;

	(void)state;
	setup(&p, &fd, on_keep);
	peer_raw(fd, "abc", 3);
	peer_until(p.told[STREAM_DATA] == 1);
	stream_pause(p.s);
	before = stream_bytes_in(p.s);
	peer_raw(fd, "def", 3);
	shutdown(fd, SHUT_WR);
	peer_turns(20);
	assert_true(stream_bytes_in(p.s) == before);
	assert_int_equal(p.told[STREAM_DATA], 1);
	/* Resuming tells of what was there already, from the loop. */
	told = p.told[STREAM_DATA];
	stream_resume(p.s);
	assert_int_equal(p.told[STREAM_DATA], told);
	peer_until(p.told[STREAM_EOF] == 1);
	assert_true(p.told[STREAM_DATA] > told);
	assert_true(stream_bytes_in(p.s) == 6);
	peer_free(&p);
	close(fd);
}

static void
on_pause(struct peer *p, enum stream_event event)
{
	if (event == STREAM_DATA)
		stream_pause(p->s);
}

/* An end of file waits while the owner does not want to hear of input. */
static void
test_pause_holds_eof(void **state)
{
	struct peer	p;
	int		fd;

	(void)state;
	setup(&p, &fd, on_pause);
	peer_raw(fd, "abc", 3);
	close(fd);
	peer_until(p.told[STREAM_DATA] == 1);
	peer_turns(20);
	assert_string_equal(p.order, "D");
	stream_resume(p.s);
	peer_until(p.told[STREAM_DATA] == 2);
	p.hook = on_keep;
	stream_resume(p.s);
	peer_until(p.told[STREAM_EOF] == 1);
	assert_string_equal(p.order, "DDDE");
	peer_free(&p);
}

/* A full buffer stops reading; taking from it starts it again. */
static void
test_full_buffer(void **state)
{
	struct peer	 p;
	struct peer	 q;
	const uint8_t	*data;
	size_t		 total = 300000, got = 0, n;
	int		 fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	peer_init(&q, fds[1], on_keep);
	assert_int_equal(stream_write(q.s, peer_pattern, 100000), 0);
	assert_int_equal(stream_write(q.s, peer_pattern, 100000), 0);
	assert_int_equal(stream_write(q.s, peer_pattern, 100000), 0);
	peer_until(stream_bytes_in(p.s) == STREAM_INPUT_DEFAULT);
	peer_turns(20);
	assert_true(stream_bytes_in(p.s) == STREAM_INPUT_DEFAULT);
	while (got < total) {
		peer_until((n = stream_peek(p.s, &data)) > 0);
		if (n > 777)
			n = 777;
		if (n > 100000 - got % 100000)
			n = 100000 - got % 100000;
		assert_memory_equal(data, peer_pattern + got % 100000, n);
		stream_consume(p.s, n);
		got += n;
	}
	assert_true(stream_bytes_in(p.s) == total);
	assert_true(stream_bytes_out(q.s) == total);
	assert_true(stream_queued(q.s) == 0);
	peer_free(&p);
	peer_free(&q);
}

/* Nothing is told from within a call. */
static void
test_no_callback_within(void **state)
{
	struct peer	 p;
	char		*line;
	size_t		 len;
	int		 fd;

	(void)state;
	setup(&p, &fd, on_keep);
	peer_raw(fd, "abc\r\ndef", 8);
	peer_until(p.told[STREAM_DATA] > 0);
	p.forbidden = 1;
	stream_pause(p.s);
	stream_resume(p.s);
	assert_int_equal(stream_line(p.s, &line, &len, 100, 1), 1);
	assert_int_equal(stream_line(p.s, &line, &len, 2, 1), -1);
	assert_int_equal(stream_write(p.s, peer_pattern, 100000), 0);
	assert_int_equal(stream_send_file(p.s, 0, 0, 10), 0);
	stream_timeout(p.s, 1);
	close(fd);
	assert_int_equal(stream_write(p.s, "x", 1), 0);
	p.forbidden = 0;
	peer_free(&p);
}

static int
temp_file(size_t len)
{
	char	path[] = "/tmp/stream_test.XXXXXX";
	int	fd;

	assert_int_not_equal(fd = mkstemp(path), -1);
	unlink(path);
	assert_int_equal(write(fd, peer_pattern, len), (ssize_t)len);
	return (fd);
}

static void
test_file_range(void **state)
{
	struct peer	 p, q;
	const uint8_t	*data;
	size_t		 len = 4 + 90000 + 3 + 1 + 6;
	int		 fds[2], file = temp_file(100000);

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	/* All of it must fit at once. */
	q.s = NULL;
	peer_init(&q, fds[1], peer_collect);
	assert_int_equal(stream_write(p.s, "head", 4), 0);
	assert_int_equal(stream_send_file(p.s, file, 5000, 90000), 0);
	assert_int_equal(stream_write(p.s, "mid", 3), 0);
	assert_int_equal(stream_send_file(p.s, file, 99999, 1), 0);
	assert_int_equal(stream_send_file(p.s, file, 99999, 0), 0);
	assert_int_equal(stream_write(p.s, "tail\r\n", 6), 0);
	assert_true(stream_queued(p.s) == len);
	close(file);		/* the stream has its own */
	peer_until(q.gotlen == len);
	data = q.got;
	assert_memory_equal(data, "head", 4);
	assert_memory_equal(data + 4, peer_pattern + 5000, 90000);
	assert_memory_equal(data + 90004, "mid", 3);
	assert_memory_equal(data + 90007, peer_pattern + 99999, 1);
	assert_memory_equal(data + 90008, "tail\r\n", 6);
	assert_true(stream_queued(p.s) == 0);
	assert_string_equal(p.order, "R");
	peer_free(&p);
	peer_free(&q);
}

static void
test_file_too_short(void **state)
{
	struct peer	p;
	int		fd, file = temp_file(100);

	(void)state;
	setup(&p, &fd, on_keep);
	assert_int_equal(stream_send_file(p.s, file, -1, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(stream_send_file(p.s, file, 1, UINT64_MAX), -1);
	assert_int_equal(stream_send_file(p.s, -1, 0, 1), -1);
	assert_int_equal(errno, EBADF);
	assert_string_equal(stream_error(p.s), "no error");
	assert_int_equal(stream_send_file(p.s, file, 50, 51), 0);
	peer_until(p.told[STREAM_ERROR] == 1);
	assert_string_equal(p.order, "X");
	assert_string_equal(stream_error(p.s),
	    "file: ends 1 bytes too early");
	errno = 0;
	assert_int_equal(stream_write(p.s, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	peer_turns(10);
	assert_string_equal(p.order, "X");
	peer_free(&p);
	close(fd);
	close(file);
}

/* Told once for each time that the queue was above the mark. */
static void
test_drained(void **state)
{
	struct peer	p, q;
	int		fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	peer_init(&q, fds[1], peer_collect);
	stream_pause(q.s);
	assert_int_equal(stream_write(p.s, "small", 5), 0);
	peer_until(stream_queued(p.s) == 0);
	peer_turns(10);
	assert_string_equal(p.order, "");
	assert_int_equal(stream_write(p.s, peer_pattern, 100000), 0);
	peer_turns(10);
	assert_true(stream_queued(p.s) >= STREAM_LOW_WATER);
	assert_string_equal(p.order, "");
	stream_resume(q.s);
	peer_until(stream_queued(p.s) == 0);
	peer_turns(10);
	assert_string_equal(p.order, "R");
	assert_int_equal(stream_write(p.s, peer_pattern, STREAM_LOW_WATER),
	    0);
	peer_until(stream_queued(p.s) == 0);
	peer_turns(10);
	assert_string_equal(p.order, "RR");
	peer_until(q.gotlen == 5 + 100000 + STREAM_LOW_WATER);
	peer_free(&p);
	peer_free(&q);
}

/* 10 MB in both directions at once through tiny socket buffers. */
static void
test_both_directions(void **state)
{
	struct peer	p, q;
	int		fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], peer_flow);
	peer_init(&q, fds[1], peer_flow);
	peer_flow_start(&p, 10 * 1024 * 1024, 1);
	peer_flow_start(&q, 10 * 1024 * 1024, 2);
	peer_until(peer_flow_done(&p) && peer_flow_done(&q));
	assert_true(stream_bytes_in(p.s) == 10 * 1024 * 1024);
	assert_true(stream_bytes_out(p.s) == 10 * 1024 * 1024);
	assert_true(stream_bytes_in(q.s) == 10 * 1024 * 1024);
	peer_free(&p);
	peer_free(&q);
}

static void
test_timeout(void **state)
{
	struct peer	p;
	uint64_t	start;
	int		fd, i;

	(void)state;
	setup(&p, &fd, peer_collect);
	start = peer_clock();
	stream_timeout(p.s, 500);
	/* Bytes put it off. */
	for (i = 0; i < 6; i++) {
		peer_wait(100);
		peer_raw(fd, "x", 1);
	}
	peer_until(p.gotlen == 6);
	assert_int_equal(p.told[STREAM_TIMEOUT], 0);
	peer_until(p.told[STREAM_TIMEOUT] == 1);
	assert_true(peer_clock() - start >= 1090);
	/* And again, until it is turned off. */
	peer_until(p.told[STREAM_TIMEOUT] == 2);
	stream_timeout(p.s, 0);
	peer_wait(600);
	assert_int_equal(p.told[STREAM_TIMEOUT], 2);
	peer_free(&p);
	close(fd);
}

/* Two ends of a TCP connection over loopback. */
static void
tcp_pair(int fds[2], int rcvbuf)
{
	struct sockaddr_in	sin;
	socklen_t		len = sizeof(sin);
	int			s, flags;

	s = peer_listen(&sin);
	if (rcvbuf > 0)
		assert_int_equal(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &rcvbuf,
		    sizeof(rcvbuf)), 0);
	assert_int_not_equal(fds[0] = socket(AF_INET, SOCK_STREAM, 0), -1);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&sin, len), 0);
	assert_int_not_equal(fds[1] = accept(s, NULL, NULL), -1);
	flags = fcntl(fds[1], F_GETFL);
	assert_int_equal(fcntl(fds[1], F_SETFL, flags | O_NONBLOCK), 0);
	close(s);
}

/*
 * The kernel has taken everything, and the line carries it slowly: that is
 * progress, though the stream sees no byte move.
 */
static void
test_timeout_slow_line(void **state)
{
	struct peer	p;
	char		buf[8192];
	size_t		total = 200000, got = 0;
	ssize_t		n;
	int		fds[2], size = 1000000, told;

	(void)state;
	tcp_pair(fds, 4096);
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size,
	    sizeof(size)), 0);
	peer_init(&p, fds[0], on_keep);
	assert_int_equal(stream_write(p.s, peer_pattern, total), 0);
	peer_until(stream_queued(p.s) == 0);
	stream_timeout(p.s, 600);
	peer_turns(5);
	if (tcp_acked(fds[0]) == 0) {
		peer_free(&p);
		close(fds[1]);
		skip();
	}
	while (got < total) {
		n = read(fds[1], buf, sizeof(buf));
		if (n > 0)
			got += (size_t)n;
		else
			assert_true(n == -1 && errno == EAGAIN);
		told = p.told[STREAM_TIMEOUT];
		peer_wait(15);
		if (got < total)
			assert_int_equal(told, 0);
	}
	peer_until(p.told[STREAM_TIMEOUT] > 0);
	peer_free(&p);
	close(fds[1]);
}

static void
test_connect(void **state)
{
	struct sockaddr_in	 sin;
	struct peer		 p;
	char			 buf[8];
	int			 s, fd;

	(void)state;
	s = peer_listen(&sin);
	peer_init_connect(&p, (struct sockaddr *)&sin, sizeof(sin), on_keep);
	assert_int_equal(stream_write(p.s, "early", 5), 0);
	peer_until(p.told[STREAM_CONNECTED] == 1);
	assert_int_not_equal(fd = accept(s, NULL, NULL), -1);
	peer_until(stream_queued(p.s) == 0);
	assert_int_equal(read(fd, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "early", 5);
	assert_string_equal(p.order, "C");
	assert_true(stream_fd(p.s) >= 0);
	peer_free(&p);
	close(fd);
	close(s);
}

#ifdef TCP_WINDOW_CLAMP
/* What comes without our reading: at most what the peer was told it may. */
static size_t
comes_unread(int fd)
{
	static const char	 buf[65536];
	size_t			 sent = 0;
	ssize_t			 n;
	int			 i;

	/* Its own buffer is far larger than that. */
	while (sent < 4 * sizeof(buf)) {
		n = send(fd, buf, sizeof(buf), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1) {
			assert_int_equal(errno, EAGAIN);
			break;
		}
		sent += (size_t)n;
	}
	for (i = 0; i < 20; i++)
		peer_wait(5);
	return ((size_t)tcp_acked(fd));
}

/* A server is offered little, and more once it has shown what comes. */
static void
test_frugal(void **state)
{
	struct sockaddr_in	 sin;
	struct peer		 p;
	static const char	 buf[65536];
	const uint8_t		*data;
	size_t			 n, first;
	socklen_t		 len;
	int			 s, fd, size;

	(void)state;
	s = peer_listen(&sin);
	peer_init_connect(&p, (struct sockaddr *)&sin, sizeof(sin), on_keep);
	peer_until(p.told[STREAM_CONNECTED] == 1);
	assert_int_not_equal(fd = accept(s, NULL, NULL), -1);
	stream_pause(p.s);
	first = comes_unread(fd);
	/* The least that a kernel takes is about as much. */
	assert_true(first <= 4 * TCP_WINDOW_FIRST);
	stream_resume(p.s);
	/* It is looked at some times a second. */
	do {
		(void)send(fd, buf, sizeof(buf), MSG_NOSIGNAL | MSG_DONTWAIT);
		n = stream_peek(p.s, &data);
		stream_consume(p.s, n);
		peer_wait(1);
		len = sizeof(size);
		assert_int_equal(getsockopt(stream_fd(p.s), SOL_SOCKET,
		    SO_RCVBUF, &size, &len), 0);
	} while (size < 16 * TCP_WINDOW_FIRST);
	stream_pause(p.s);
	n = (size_t)tcp_acked(fd);
	assert_true(comes_unread(fd) > n + 2 * first);
	peer_free(&p);
	close(fd);
	close(s);
}
#endif

static void
test_connect_refused(void **state)
{
	struct sockaddr_in	sin;
	struct peer		p;

	(void)state;
	close(peer_listen(&sin));
	peer_init_connect(&p, (struct sockaddr *)&sin, sizeof(sin), on_keep);
	assert_string_equal(p.order, "");
	peer_until(p.told[STREAM_ERROR] == 1);
	assert_string_equal(p.order, "X");
	assert_string_equal(stream_error(p.s), "connect: Connection refused");
	peer_free(&p);
}

/* A peer that refuses our output has said why: that is told first. */
static void
test_last_words(void **state)
{
	struct peer	 p;
	struct linger	 reset = { 1, 0 };
	int		 fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	stream_pause(p.s);
	peer_raw(fds[1], "421 no\r\n", 8);
	peer_turns(3);
	(void)setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &reset,
	    sizeof(reset));
	close(fds[1]);
	stream_resume(p.s);
	assert_int_equal(stream_write(p.s, "MAIL\r\n", 6), 0);
	peer_until(p.told[STREAM_ERROR] + p.told[STREAM_EOF] > 0);
	peer_turns(10);
	assert_string_equal(p.order, "DX");
	expect_line(&p, "421 no", 100, 1);
	peer_free(&p);
}

static void
on_event_free(struct peer *p, enum stream_event event)
{
	if (event == p->free_on) {
		stream_free(p->s);
		p->s = NULL;
	}
}

static void
test_free_in_callback(void **state)
{
	struct sockaddr_in	 sin;
	struct peer		 p;
	int			 fd, s;

	(void)state;
	stream_free(NULL);
	setup(&p, &fd, on_event_free);
	p.free_on = STREAM_DATA;
	peer_raw(fd, "abc", 3);
	close(fd);
	peer_until(p.s == NULL);
	peer_turns(10);
	assert_string_equal(p.order, "D");

	setup(&p, &fd, on_event_free);
	p.free_on = STREAM_EOF;
	stream_timeout(p.s, 1000);
	peer_raw(fd, "abc", 3);
	close(fd);
	peer_until(p.s == NULL);
	assert_string_equal(p.order, "DE");

	setup(&p, &fd, on_event_free);
	p.free_on = STREAM_TIMEOUT;
	stream_timeout(p.s, 10);
	peer_until(p.s == NULL);
	close(fd);

	setup(&p, &fd, on_event_free);
	p.free_on = STREAM_DRAINED;
	assert_int_equal(stream_write(p.s, peer_pattern, STREAM_LOW_WATER),
	    0);
	while (p.s != NULL)
		peer_drain(fd);
	close(fd);

	setup(&p, &fd, on_event_free);
	p.free_on = STREAM_ERROR;
	close(fd);
	assert_int_equal(stream_write(p.s, "x", 1), 0);
	peer_until(p.s == NULL);

	s = peer_listen(&sin);
	peer_init_connect(&p, (struct sockaddr *)&sin, sizeof(sin),
	    on_event_free);
	p.free_on = STREAM_CONNECTED;
	peer_until(p.s == NULL);
	close(s);
}

/* All that was queued arrives, then the end; and nobody is told. */
static void
test_finish(void **state)
{
	struct peer	p, q;
	char		order[PEER_ORDER];
	int		fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	peer_init(&q, fds[1], peer_collect);
	assert_int_equal(stream_write(p.s, peer_pattern, 150000), 0);
	assert_int_equal(stream_write(q.s, peer_pattern, 150000), 0);
	peer_turns(1);
	strlcpy(order, p.order, sizeof(order));
	stream_finish(p.s);
	p.forbidden = 1;
	peer_until(q.told[STREAM_EOF] == 1);
	assert_int_equal(q.gotlen, 150000);
	assert_memory_equal(q.got, peer_pattern, 150000);
	assert_string_equal(p.order, order);
	peer_free(&q);
	peer_turns(10);
	assert_true(peer_fd_closed(fds[0]));
}

static void
on_data_finish(struct peer *p, enum stream_event event)
{
	if (event == STREAM_DATA) {
		assert_int_equal(stream_write(p->s, "bye\r\n", 5), 0);
		stream_finish(p->s);
		p->forbidden = 1;
	}
}

/* What the peer sends meanwhile does not cost it our last words. */
static void
test_finish_unread(void **state)
{
	struct peer	p;
	char		buf[16];
	ssize_t		n = -1;
	int		fds[2];

	(void)state;
	tcp_pair(fds, 0);
	peer_init(&p, fds[0], on_data_finish);
	peer_raw(fds[1], "hello", 5);
	peer_until(p.told[STREAM_DATA] == 1);
	peer_raw(fds[1], peer_pattern, 30000);
	peer_turns(3);
	peer_raw(fds[1], peer_pattern, 30000);
	peer_turns(3);
	peer_until((n = read(fds[1], buf, sizeof(buf))) != -1);
	assert_int_equal(n, 5);
	assert_memory_equal(buf, "bye\r\n", 5);
	peer_until((n = read(fds[1], buf, sizeof(buf))) != -1);
	assert_int_equal(n, 0);
	assert_false(peer_fd_closed(fds[0]));
	close(fds[1]);
	peer_until(peer_fd_closed(fds[0]));
}

/* A peer that takes nothing does not keep a finished stream for ever. */
static void
test_finish_stuck(void **state)
{
	struct peer	p;
	int		fd, own;

	(void)state;
	setup(&p, &fd, on_keep);
	own = stream_fd(p.s);
	assert_int_equal(stream_write(p.s, peer_pattern, 150000), 0);
	stream_timeout(p.s, 50);
	stream_finish(p.s);
	p.forbidden = 1;
	/* That it talks itself changes nothing. */
	peer_raw(fd, "x", 1);
	peer_until(peer_fd_closed(own));
	close(fd);
}

static void
test_finish_idle_connect(void **state)
{
	struct sockaddr_in	sin;
	struct peer		p;
	int			s, own;

	(void)state;
	s = peer_listen(&sin);
	peer_init_connect(&p, (struct sockaddr *)&sin, sizeof(sin), on_keep);
	own = stream_fd(p.s);
	stream_finish(p.s);
	p.forbidden = 1;
	peer_until(peer_fd_closed(own));
	close(s);
}

static void
test_new_keeps_socket(void **state)
{
	(void)state;
	assert_null(stream_new(-1, NULL, NULL));
	assert_int_equal(errno, EBADF);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_crlf_only),
		cmocka_unit_test(test_lines_byte_by_byte),
		cmocka_unit_test(test_line_limit),
		cmocka_unit_test(test_overlong_line),
		cmocka_unit_test(test_huge_limit),
		cmocka_unit_test(test_peek_consume),
		cmocka_unit_test(test_eof_with_rest),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_pause_holds_eof),
		cmocka_unit_test(test_full_buffer),
		cmocka_unit_test(test_no_callback_within),
		cmocka_unit_test(test_file_range),
		cmocka_unit_test(test_file_too_short),
		cmocka_unit_test(test_drained),
		cmocka_unit_test(test_both_directions),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_timeout_slow_line),
		cmocka_unit_test(test_connect),
#ifdef TCP_WINDOW_CLAMP
		cmocka_unit_test(test_frugal),
#endif
		cmocka_unit_test(test_connect_refused),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_free_in_callback),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_finish_unread),
		cmocka_unit_test(test_finish_stuck),
		cmocka_unit_test(test_finish_idle_connect),
		cmocka_unit_test(test_new_keeps_socket),
	};

	peer_start();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
