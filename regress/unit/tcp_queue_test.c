/* See LICENSE for the terms. */
/* What the kernel is given of a body at a time. */

#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tcp_queue.h"

static void
test_bytes(void **state)
{
	(void)state;
	/* A line of 3,360 bytes a second and 150 ms. */
	assert_int_equal(tcp_queue_bytes(3360, 150000, 500), 504 + 126 + 1000);
	/* Nothing known yet. */
	assert_int_equal(tcp_queue_bytes(0, 0, 1460), 2920);
	/* Not asked again before TCP_QUEUE_MS. */
	assert_int_equal(tcp_queue_bytes(100000, 10, 1460),
	    10000 + 2500 + 2920);
}

static void
test_bytes_limits(void **state)
{
	uint64_t	 most = tcp_queue_bytes(UINT64_MAX, UINT64_MAX, 1);

	(void)state;
	assert_int_equal(most, 1024 * 1024);
	assert_int_equal(tcp_queue_bytes(UINT64_MAX, 0, 1), most);
	assert_int_equal(tcp_queue_bytes(1, UINT64_MAX, 1), most);
	assert_int_equal(tcp_queue_bytes(0, 0, UINT64_MAX), most);
	assert_int_equal(tcp_queue_bytes(2000000, 1000000, 1460), most);
}

static void
test_room_not_tcp(void **state)
{
	int	 fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_true(tcp_queue_room(fd[0], 1000000) == UINT64_MAX);
	assert_true(tcp_queue_room(-1, 0) == UINT64_MAX);
	close(fd[0]);
	close(fd[1]);
}

/* Writes what there is room for, without anyone reading; how much it was. */
static uint64_t
fill(int fd, uint64_t written)
{
	static char	 buf[65536];
	uint64_t	 room;
	ssize_t		 n;

	while ((room = tcp_queue_room(fd, written)) > 0 &&
	    room != UINT64_MAX && written < 64 * 1024 * 1024) {
		n = write(fd, buf, room < sizeof(buf) ? (size_t)room :
		    sizeof(buf));
		if (n == -1) {
			assert_int_equal(errno, EAGAIN);
			break;
		}
		written += (uint64_t)n;
	}
	return (written);
}

/* What nobody takes is not heaped up; what is acknowledged makes room. */
static void
test_room(void **state)
{
	struct sockaddr_in	 sin;
	struct pollfd		 pfd;
	socklen_t		 len = sizeof(sin);
	static char		 buf[65536];
	uint64_t		 written;
	int			 s, fd[2], size = 8192;

	(void)state;
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_not_equal(s = socket(AF_INET, SOCK_STREAM, 0), -1);
	assert_int_equal(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size,
	    sizeof(size)), 0);
	assert_int_equal(bind(s, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(s, 1), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&sin, &len), 0);
	assert_int_not_equal(fd[0] = socket(AF_INET, SOCK_STREAM, 0), -1);
	assert_int_equal(connect(fd[0], (struct sockaddr *)&sin, len), 0);
	assert_int_not_equal(fd[1] = accept(s, NULL, NULL), -1);
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	if (tcp_queue_room(fd[0], 0) == UINT64_MAX)
		skip();
	written = fill(fd[0], 0);
	assert_true(written > 0 && written < 2 * 1024 * 1024);
	/* All of it is read: then all of it is acknowledged, in the end. */
	pfd.fd = fd[1];
	pfd.events = POLLIN;
	while (tcp_queue_room(fd[0], written) == 0 &&
	    poll(&pfd, 1, 10000) == 1)
		assert_true(read(fd[1], buf, sizeof(buf)) > 0);
	assert_true(tcp_queue_room(fd[0], written) > 0);
	close(s);
	close(fd[0]);
	close(fd[1]);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_bytes_limits),
		cmocka_unit_test(test_room_not_tcp),
		cmocka_unit_test(test_room),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
