/* See LICENSE for the terms. */
/*
 * Streams with compression: both ways, the change to it in the middle of
 * input and output, and peers that mean ill.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <errno.h>
#include <event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "stream.h"
#include "stream_peer.h"

#include <cmocka.h>

static void
on_keep(struct peer *p, enum stream_event event)
{
	(void)p;
	(void)event;
}

static void
setup(struct peer *p, int *fd, peer_hook *hook)
{
	int	fds[2];

	peer_pair(fds);
	peer_init(p, fds[0], hook);
	*fd = fds[1];
}

/* Raw deflate of the text with a flush of that kind; its length. */
static size_t
squeeze(const void *text, size_t len, int flush, uint8_t *out, size_t size)
{
	z_stream	z = { .next_in = NULL };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9,
	    Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)text;
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = (uInt)size;
	assert_int_not_equal(deflate(&z, flush), Z_STREAM_ERROR);
	assert_int_not_equal(z.avail_out, 0);
	size -= z.avail_out;
	deflateEnd(&z);
	return (size);
}

static void
test_both_directions(void **state)
{
	struct peer	p, q;
	int		fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], peer_flow);
	peer_init(&q, fds[1], peer_flow);
	assert_int_equal(stream_compress(p.s), 0);
	assert_int_equal(stream_compress(q.s), 0);
	assert_int_equal(stream_is_compressed(p.s), 1);
	peer_flow_start(&p, 3 * 1024 * 1024, 1);
	peer_flow_start(&q, 3 * 1024 * 1024, 2);
	peer_until(peer_flow_done(&p) && peer_flow_done(&q));
	assert_true(stream_bytes_in(p.s) == stream_bytes_out(q.s));
	assert_true(stream_bytes_in(q.s) == stream_bytes_out(p.s));
	peer_free(&p);
	peer_free(&q);
}

/* What is written in a turn is one flush; and text becomes less. */
static void
test_saves(void **state)
{
	struct peer	p, q;
	int		fds[2], i;
	const char	line[] = "a1 UID FETCH 1234 BODY.PEEK[]<0.16384>\r\n";

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	peer_init(&q, fds[1], peer_collect);
	assert_int_equal(stream_compress(p.s), 0);
	assert_int_equal(stream_compress(q.s), 0);
	for (i = 0; i < 50; i++)
		assert_int_equal(stream_write(p.s, line, sizeof(line) - 1), 0);
	peer_until(q.gotlen == 50 * (sizeof(line) - 1));
	assert_memory_equal(q.got + 49 * (sizeof(line) - 1), line,
	    sizeof(line) - 1);
	assert_in_range(stream_bytes_out(p.s), 20, 120);
	assert_int_equal(stream_queued(p.s), 0);
	peer_free(&p);
	peer_free(&q);
}

/* A file range goes through it like memory does. */
static void
test_file(void **state)
{
	struct peer	 p, q;
	FILE		*f;
	int		 fds[2];

	(void)state;
	assert_non_null(f = tmpfile());
	assert_int_equal(fwrite(peer_pattern, 1, PEER_PATTERN, f),
	    PEER_PATTERN);
	assert_int_equal(fflush(f), 0);
	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	peer_init(&q, fds[1], peer_collect);
	assert_int_equal(stream_compress(p.s), 0);
	assert_int_equal(stream_compress(q.s), 0);
	assert_int_equal(stream_send_file(p.s, fileno(f), 100,
	    PEER_PATTERN - 100), 0);
	/* Nothing of it is lost by the good-bye. */
	stream_finish(p.s);
	p.s = NULL;
	peer_until(q.told[STREAM_EOF] > 0);
	assert_int_equal(q.gotlen, PEER_PATTERN - 100);
	assert_memory_equal(q.got, peer_pattern + 100, PEER_PATTERN - 100);
	fclose(f);
	peer_free(&p);
	peer_free(&q);
}

/* Output of before goes as it is; input behind the line is compressed. */
static void
test_switch(void **state)
{
	struct peer	 p;
	uint8_t		 buf[256];
	char		*line;
	size_t		 len, n;
	int		 fd;

	(void)state;
	setup(&p, &fd, on_keep);
	n = (size_t)snprintf((char *)buf, sizeof(buf), "a1 OK\r\n");
	n += squeeze("* hello\r\nmore\r\n", 15, Z_SYNC_FLUSH, buf + n,
	    sizeof(buf) - n);
	peer_raw(fd, buf, n);
	peer_until(p.told[STREAM_DATA] > 0);
	assert_int_equal(stream_line(p.s, &line, &len, 100, 1), 1);
	assert_string_equal(line, "a1 OK");
	assert_int_equal(stream_write(p.s, "plain\r\n", 7), 0);
	assert_int_equal(stream_compress(p.s), 0);
	assert_int_equal(stream_compress(p.s), -1);
	assert_int_equal(errno, EALREADY);
	assert_int_equal(stream_write(p.s, "squeezed\r\n", 10), 0);
	peer_until(p.told[STREAM_DATA] > 1);
	assert_int_equal(stream_line(p.s, &line, &len, 100, 1), 1);
	assert_string_equal(line, "* hello");
	assert_int_equal(stream_line(p.s, &line, &len, 100, 1), 1);
	assert_string_equal(line, "more");
	peer_until(stream_queued(p.s) == 0);
	assert_true((n = (size_t)recv(fd, buf, sizeof(buf), 0)) > 7);
	assert_memory_equal(buf, "plain\r\n", 7);
	/* ... and the rest is another thing. */
	assert_memory_not_equal(buf + 7, "squeezed", 8);
	peer_free(&p);
	close(fd);
}

/* No way back to TLS. */
static void
test_no_tls(void **state)
{
	struct peer	p;
	int		fd;

	(void)state;
	setup(&p, &fd, on_keep);
	assert_int_equal(stream_compress(p.s), 0);
	assert_int_equal(stream_tls_client(p.s, NULL, "host"), -1);
	assert_int_equal(errno, EALREADY);
	peer_free(&p);
	close(fd);
}

/* A thousand times as much waits until it is taken, and all of it comes. */
static void
test_bomb(void **state)
{
	static uint8_t	 zeros[3000000], buf[8192];
	struct peer	 p;
	const uint8_t	*data;
	size_t		 n, len, total = 0;
	int		 fd;

	(void)state;
	setup(&p, &fd, on_keep);
	n = squeeze(zeros, sizeof(zeros), Z_SYNC_FLUSH, buf, sizeof(buf));
	assert_in_range(n, 1, 4000);
	assert_int_equal(stream_compress(p.s), 0);
	peer_raw(fd, buf, n);
	peer_until(p.told[STREAM_DATA] > 0);
	peer_turns(20);
	assert_int_equal(stream_peek(p.s, &data), STREAM_INPUT_DEFAULT);
	while (total < sizeof(zeros)) {
		len = stream_peek(p.s, &data);
		total += len;
		stream_consume(p.s, len);
		if (total < sizeof(zeros))
			peer_until(stream_peek(p.s, &data) > 0);
	}
	assert_int_equal(total, sizeof(zeros));
	peer_turns(5);
	assert_int_equal(stream_peek(p.s, &data), 0);
	assert_int_equal(p.told[STREAM_ERROR], 0);
	peer_free(&p);
	close(fd);
}

/* What is no deflate ends it, after what was; so does the end of deflate. */
static void
test_garbage(void **state)
{
	struct peer	p;
	uint8_t		buf[256];
	size_t		n;
	int		fd;

	(void)state;
	setup(&p, &fd, peer_collect);
	assert_int_equal(stream_compress(p.s), 0);
	n = squeeze("good", 4, Z_SYNC_FLUSH, buf, sizeof(buf));
	memset(buf + n, 0xff, 10);
	peer_raw(fd, buf, n + 10);
	peer_until(p.told[STREAM_ERROR] > 0);
	assert_int_equal(p.gotlen, 4);
	assert_memory_equal(p.got, "good", 4);
	assert_non_null(strstr(stream_error(p.s), "inflate"));
	assert_int_equal(stream_is_cut(p.s), 0);
	peer_free(&p);
	close(fd);

	setup(&p, &fd, peer_collect);
	assert_int_equal(stream_compress(p.s), 0);
	n = squeeze("last", 4, Z_FINISH, buf, sizeof(buf));
	peer_raw(fd, buf, n);
	peer_raw(fd, "behind", 6);
	peer_until(p.told[STREAM_ERROR] > 0);
	assert_int_equal(p.gotlen, 4);
	peer_free(&p);
	close(fd);
}

/* A server that ends the compression as it hangs up just hangs up. */
static void
test_end(void **state)
{
	struct peer	p;
	uint8_t		buf[256];
	size_t		n;
	int		fd;

	(void)state;
	setup(&p, &fd, peer_collect);
	assert_int_equal(stream_compress(p.s), 0);
	n = squeeze("* BYE\r\n", 7, Z_FINISH, buf, sizeof(buf));
	peer_raw(fd, buf, n);
	close(fd);
	peer_until(p.told[STREAM_EOF] > 0);
	assert_int_equal(p.gotlen, 7);
	assert_int_equal(p.told[STREAM_ERROR], 0);
	peer_free(&p);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_both_directions),
		cmocka_unit_test(test_saves),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_switch),
		cmocka_unit_test(test_no_tls),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_end),
	};

	peer_start();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
