/* See LICENSE for the terms. */
/*
 * The owner of a stream in the tests of the stream.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "stream_peer.h"

#include <cmocka.h>

/* A test that hangs is one that fails; valgrind is slow. */
#define PEER_ALARM	120	/* seconds, for all tests of a program */

#define PEER_FLOW_PIECE	10000

uint8_t	peer_pattern[PEER_PATTERN];

void
peer_start(void)
{
	size_t	i;

	for (i = 0; i < PEER_PATTERN; i++)
		peer_pattern[i] = (uint8_t)('!' + (i * 7 + i / 89) % 94);
	signal(SIGPIPE, SIG_DFL);
	event_init();
	alarm(PEER_ALARM);
}

void
peer_pair(int fds[2])
{
	int	size = 4096, i;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF,
		    &size, sizeof(size)), 0);
		assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF,
		    &size, sizeof(size)), 0);
	}
}

static void
peer_told(struct stream *s, enum stream_event event, void *arg)
{
	static const char	 letters[] = "CSDRETX";
	struct peer		*p = arg;
	size_t			 n = strlen(p->order);

	assert_false(p->forbidden);
	assert_ptr_equal(s, p->s);
	p->told[event]++;
	if (n + 1 < sizeof(p->order)) {
		p->order[n] = letters[event];
		p->order[n + 1] = '\0';
	}
	p->hook(p, event);
}

void
peer_init(struct peer *p, int fd, peer_hook *hook)
{
	memset(p, 0, sizeof(*p));
	p->hook = hook;
	assert_non_null(p->s = stream_new(fd, peer_told, p));
}

void
peer_init_connect(struct peer *p, const struct sockaddr *sa, socklen_t len,
    peer_hook *hook)
{
	memset(p, 0, sizeof(*p));
	p->hook = hook;
	assert_non_null(p->s = stream_connect(sa, len, peer_told, p));
}

void
peer_free(struct peer *p)
{
	stream_free(p->s);
	free(p->got);
	memset(p, 0, sizeof(*p));
}

int
peer_listen(struct sockaddr_in *sin)
{
	socklen_t	len = sizeof(*sin);
	int		s;

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_not_equal(s = socket(AF_INET, SOCK_STREAM, 0), -1);
	assert_int_equal(bind(s, (struct sockaddr *)sin, len), 0);
	assert_int_equal(listen(s, 1), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)sin, &len), 0);
	return (s);
}

int
peer_fd_closed(int fd)
{
	return (fcntl(fd, F_GETFD) == -1);
}

void
peer_raw(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

void
peer_drain(int fd)
{
	char	buf[4096];

	(void)recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	event_loop(EVLOOP_NONBLOCK);
}

uint64_t
peer_clock(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

/*
 * Only streams' events are in the loop, and a test also waits for what no
 * event of a stream tells: so look at the condition at least this often.
 */
void
peer_turn(void)
{
	const struct timeval	tv = { 0, 5000 };

	event_loopexit(&tv);
	event_loop(EVLOOP_ONCE);
}

void
peer_turns(int n)
{
	while (n-- > 0)
		event_loop(EVLOOP_NONBLOCK);
}

void
peer_wait(int ms)
{
	uint64_t	end = peer_clock() + (uint64_t)ms;

	while (peer_clock() < end)
		peer_turn();
}

void
peer_collect(struct peer *p, enum stream_event event)
{
	const uint8_t	*data;
	size_t		 len;

	if (event != STREAM_DATA)
		return;
	len = stream_peek(p->s, &data);
	assert_non_null(p->got = realloc(p->got, p->gotlen + len));
	memcpy(p->got + p->gotlen, data, len);
	p->gotlen += len;
	stream_consume(p->s, len);
}

/* A linear congruence: bytes that show any loss, doubling or swap. */
static uint8_t
flow_next(uint32_t *x)
{
	*x = *x * 1664525 + 1013904223;
	return ((uint8_t)(*x >> 24));
}

static void
flow_fill(struct peer *p)
{
	uint8_t	buf[PEER_FLOW_PIECE];
	size_t	n, i;

	while (p->flow_send > 0 && stream_queued(p->s) < 2 * STREAM_LOW_WATER) {
		n = sizeof(buf);
		if (n > p->flow_send)
			n = (size_t)p->flow_send;
		for (i = 0; i < n; i++)
			buf[i] = flow_next(&p->flow_out);
		assert_int_equal(stream_write(p->s, buf, n), 0);
		p->flow_send -= n;
	}
}

void
peer_flow(struct peer *p, enum stream_event event)
{
	const uint8_t	*data;
	size_t		 len, i;

	if (event == STREAM_DRAINED)
		flow_fill(p);
	if (event != STREAM_DATA)
		return;
	len = stream_peek(p->s, &data);
	assert_true(len <= p->flow_want);
	for (i = 0; i < len; i++)
		if (data[i] != flow_next(&p->flow_in))
			fail_msg("wrong byte in the flow");
	p->flow_want -= len;
	stream_consume(p->s, len);
}

/* The two ends are given seeds 1 and 2. */
void
peer_flow_start(struct peer *p, uint64_t len, uint32_t seed)
{
	p->flow_send = p->flow_want = len;
	p->flow_out = seed;
	p->flow_in = 3 - seed;
	flow_fill(p);
}

int
peer_flow_done(const struct peer *p)
{
	return (p->flow_send == 0 && p->flow_want == 0 &&
	    stream_queued(p->s) == 0);
}
