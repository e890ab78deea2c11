/* See LICENSE for the terms. */
/*
 * Channels: closed from within a handler, sent on when they are closed, full
 * queues, descriptors.  What the protocol's table refuses is in ipc_test.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "channel.h"

#define MANY		5000	/* messages: far more than a socket takes */

static struct channel	 a, b;	/* parent and spoold */
static int		 seen, closed_a, closed_b, violated;
static int		 close_at;	/* the message in whose handler */
static int		 last_fd;
static uint32_t		 next;
static int		 in_order;

static int
on_result(struct channel *ch, struct imsg *imsg, void *arg)
{
	uint32_t	 ok;

	(void)arg;
	if (imsg_get_data(imsg, &ok, sizeof(ok)) == -1)
		return (-1);
	if (imsg_get_id(imsg) != next++)
		in_order = 0;
	if (++seen == close_at)
		channel_close(ch);
	return (0);
}

static int
on_peer(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)arg;
	seen++;
	last_fd = imsg_get_fd(imsg);
	return (last_fd == -1 ? -1 : 0);
}

/* Leaves the descriptor where it is. */
static int
on_verbose(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)imsg;
	(void)arg;
	seen++;
	return (0);
}

static int
on_ready(struct channel *ch, struct imsg *imsg, void *arg)
{
	uint32_t	 error;

	(void)arg;
	if (imsg_get_data(imsg, &error, sizeof(error)) == -1)
		return (-1);
	/* An answer from within a handler. */
	return (channel_send(ch, PARENT_AUTH_RESULT, imsg_get_id(imsg), -1,
	    &error, sizeof(error)));
}

static const struct channel_row rows_a[] = {
	{ CHILD_CONF_READY,	on_ready },
	{ PROTO_NONE,		NULL }
};
static const struct channel_row rows_b[] = {
	{ PARENT_AUTH_RESULT,	on_result },
	{ PARENT_PEER,		on_peer },
	{ PARENT_CONF_CA,	on_verbose },
	{ PROTO_NONE,		NULL }
};

static void
on_closed(struct channel *ch, int violation, void *arg)
{
	(void)arg;
	if (ch == &a)
		closed_a++;
	else
		closed_b++;
	violated += violation;
	assert_false(ch->open);
}

static int
setup(void **state)
{
	int	 sp[2];

	(void)state;
	seen = closed_a = closed_b = violated = close_at = 0;
	next = 0;
	in_order = 1;
	last_fd = -1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sp), 0);
	assert_int_equal(channel_open(&a, sp[0], PROC_PARENT, PROC_SPOOLD,
	    rows_a, NULL, on_closed), 0);
	assert_int_equal(channel_open(&b, sp[1], PROC_SPOOLD, PROC_PARENT,
	    rows_b, NULL, on_closed), 0);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	channel_close(&a);
	channel_close(&b);
	return (0);
}

static void
run(void)
{
	int	 i;

	for (i = 0; i < 200; i++)
		event_loop(EVLOOP_NONBLOCK);
}

static int
result(uint32_t id)
{
	uint32_t	 ok = 1;

	return (channel_send(&a, PARENT_AUTH_RESULT, id, -1, &ok,
	    sizeof(ok)));
}

static int
is_open(int fd)
{
	return (fcntl(fd, F_GETFD) != -1);
}

/* What was read with it is not handed out any more, nor is closed called. */
static void
test_close_in_handler(void **state)
{
	uint32_t	 i;

	(void)state;
	close_at = 3;
	for (i = 0; i < 10; i++)
		assert_int_equal(result(i), 0);
	run();
	assert_int_equal(seen, 3);
	assert_int_equal(closed_b, 0);
	assert_int_equal(closed_a, 1);
	assert_int_equal(violated, 0);
}

static void
test_close_twice(void **state)
{
	(void)state;
	channel_close(&a);
	channel_close(&a);
	run();
	assert_int_equal(closed_a, 0);
	assert_int_equal(closed_b, 1);
	assert_int_equal(violated, 0);
}

/* A message is dropped; a descriptor is not leaked. */
static void
test_send_closed(void **state)
{
	uint32_t	 peer = PROC_FETCHD;
	int		 fd;

	(void)state;
	channel_close(&a);
	assert_int_equal(result(0), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_not_equal(fd = open("/dev/null", O_RDONLY), -1);
	assert_int_equal(channel_send(&a, PARENT_PEER, 0, fd, &peer,
	    sizeof(peer)), -1);
	assert_false(is_open(fd));
	assert_int_equal(channel_queued(&a), 0);
	channel_flush(&a);
}

/* The other end is gone, which is found out by writing. */
static void
test_send_to_dead(void **state)
{
	uint32_t	 i;

	(void)state;
	event_del(&a.ev);	/* not by reading */
	channel_close(&b);
	for (i = 0; i < 3; i++)
		(void)result(i);
	run();
	assert_int_equal(closed_a, 1);
	assert_int_equal(violated, 0);
	assert_int_equal(result(3), -1);
	assert_int_equal(errno, EPIPE);
}

/* Closing frees what waits, descriptors too. */
static void
test_close_with_queue(void **state)
{
	uint32_t	 i, peer = PROC_FETCHD;
	int		 fds[8];

	(void)state;
	for (i = 0; i < 8; i++) {
		fds[i] = open("/dev/null", O_RDONLY);
		assert_int_equal(channel_send(&a, PARENT_PEER, i, fds[i],
		    &peer, sizeof(peer)), 0);
	}
	assert_int_equal(channel_queued(&a), 8);
	channel_close(&a);
	for (i = 0; i < 8; i++)
		assert_false(is_open(fds[i]));
}

static void
test_big_queue(void **state)
{
	uint32_t	 i;

	(void)state;
	for (i = 0; i < MANY; i++)
		assert_int_equal(result(i), 0);
	assert_int_equal(channel_queued(&a), MANY);
	run();
	assert_int_equal(seen, MANY);
	assert_true(in_order);
	assert_int_equal(channel_queued(&a), 0);
	/* It waits for nothing now, so a poll would not spin. */
	assert_int_equal(event_pending(&a.ev, EV_WRITE, NULL), 0);
}

/* Each question is answered from within its handler. */
static void
test_answers(void **state)
{
	uint32_t	 i, error = 0;

	(void)state;
	for (i = 0; i < 1000; i++)
		assert_int_equal(channel_send(&b, CHILD_CONF_READY, i, -1,
		    &error, sizeof(error)), 0);
	run();
	assert_int_equal(seen, 1000);
	assert_true(in_order);
}

/* It asks, and does not read the answers. */
static void
test_deaf(void **state)
{
	uint32_t	 i, error = 0;
	int		 n;

	(void)state;
	for (i = 0; i < 30000; i++)
		assert_int_equal(channel_send(&b, CHILD_CONF_READY, i, -1,
		    &error, sizeof(error)), 0);
	event_del(&b.ev);
	for (n = 0; n < 5000 && closed_a == 0; n++) {
		(void)imsgbuf_write(&b.ibuf);
		event_loop(EVLOOP_NONBLOCK);
	}
	assert_int_equal(closed_a, 1);
	assert_int_equal(violated, 1);
	assert_int_equal(seen, 0);
}

static void
test_descriptor(void **state)
{
	uint32_t	 peer = PROC_FETCHD;
	char		 c = 0;
	int		 p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(channel_send(&a, PARENT_PEER, 0, p[1], &peer,
	    sizeof(peer)), 0);
	run();
	assert_int_equal(seen, 1);
	assert_int_not_equal(last_fd, -1);
	assert_int_equal(fcntl(last_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(last_fd, "x", 1), 1);
	assert_int_equal(read(p[0], &c, 1), 1);
	close(last_fd);
	/* Ours was closed with the sending. */
	assert_int_equal(read(p[0], &c, 1), 0);
	close(p[0]);
}

/* One that its handler does not take is closed. */
static void
test_descriptor_left(void **state)
{
	char	 c;
	int	 p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(channel_send(&a, PARENT_CONF_CA, 0, p[1], NULL, 0),
	    0);
	run();
	assert_int_equal(seen, 1);
	assert_int_equal(read(p[0], &c, 1), 0);
	close(p[0]);
}

/* Too large to send: an error here, and the channel goes on. */
static void
test_too_large(void **state)
{
	static char	 big[MAX_IMSGSIZE];
	int		 fd;

	(void)state;
	assert_int_not_equal(fd = open("/dev/null", O_RDONLY), -1);
	assert_int_equal(channel_send(&a, PARENT_CONF_GLOBAL, 0, fd, big,
	    sizeof(big)), -1);
	assert_int_equal(errno, ERANGE);
	assert_false(is_open(fd));
	assert_int_equal(result(0), 0);
	run();
	assert_int_equal(seen, 1);
}

/* What came before the end is still handed out. */
static void
test_last_words(void **state)
{
	(void)state;
	assert_int_equal(result(0), 0);
	assert_int_equal(result(1), 0);
	channel_flush(&a);
	channel_close(&a);
	run();
	assert_int_equal(seen, 2);
	assert_int_equal(closed_b, 1);
	assert_int_equal(violated, 0);
}

/* Bytes that are no message. */
static void
test_garbage(void **state)
{
	char	 junk[64];

	(void)state;
	memset(junk, 0xff, sizeof(junk));
	assert_int_equal(write(a.ibuf.fd, junk, sizeof(junk)), sizeof(junk));
	run();
	assert_int_equal(seen, 0);
	assert_int_equal(closed_b, 1);
	assert_int_equal(violated, 1);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_close_in_handler),
		TEST(test_close_twice),
		TEST(test_send_closed),
		TEST(test_send_to_dead),
		TEST(test_close_with_queue),
		TEST(test_big_queue),
		TEST(test_answers),
		TEST(test_deaf),
		TEST(test_descriptor),
		TEST(test_descriptor_left),
		TEST(test_too_large),
		TEST(test_last_words),
		TEST(test_garbage),
	};

	signal(SIGPIPE, SIG_IGN);
	event_init();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
