/* See LICENSE for the terms. */
/*
 * Every row of the protocol table, wrong in every way: from the wrong
 * sender, to the wrong receiver, too short, too long, without its
 * descriptor and with one that is not wanted.  Each must end the channel as
 * a violation without reaching its handler; the right one must reach it.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
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
#include "log.h"

static struct channel_row	 rows[PROTO_COUNT + 1];
static int			 handled, violated, closed;

static int
handler(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)imsg;
	(void)arg;
	handled++;
	return (0);
}

static void
on_closed(struct channel *ch, int violation, void *arg)
{
	(void)ch;
	(void)arg;
	closed++;
	violated += violation;
	event_loopexit(NULL);
}

static void
late(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	event_loopexit(NULL);
}

/* Sends one message as a raw peer would, and runs the loop over it. */
static void
deliver(uint32_t type, enum proc_id sender, enum proc_id receiver,
    size_t len, int with_fd)
{
	struct timeval	 tv = { 5, 0 };
	struct imsgbuf	 peer;
	struct channel	 ch;
	struct event	 timer;
	char		*payload;
	int		 sp[2], fd = -1;

	handled = violated = closed = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sp), 0);
	assert_int_equal(imsgbuf_init(&peer, sp[0]), 0);
	imsgbuf_allow_fdpass(&peer);
	assert_int_equal(imsgbuf_set_maxsize(&peer, 1 << 20), 0);
	assert_int_equal(channel_open(&ch, sp[1], receiver, sender, rows,
	    NULL, on_closed), 0);
	if (with_fd)
		assert_true((fd = open("/dev/null", O_RDONLY)) != -1);
	assert_non_null(payload = calloc(1, len + 1));
	assert_int_equal(imsg_compose(&peer, type, 1, 0, fd, payload, len),
	    1);
	free(payload);
	assert_int_equal(imsgbuf_flush(&peer), 0);
	/* Then the end of the stream, so that the loop always ends. */
	shutdown(sp[0], SHUT_WR);
	evtimer_set(&timer, late, NULL);
	evtimer_add(&timer, &tv);
	event_dispatch();
	evtimer_del(&timer);
	assert_int_equal(closed, 1);
	imsgbuf_clear(&peer);
	close(sp[0]);
}

static enum proc_id
pick(uint32_t set, int member)
{
	int	 id;

	for (id = 0; id < PROC_COUNT; id++)
		if (((set >> id) & 1) == (uint32_t)member)
			return ((enum proc_id)id);
	return (PROC_COUNT);
}

static void
refused(uint32_t type, enum proc_id sender, enum proc_id receiver,
    size_t len, int with_fd)
{
	deliver(type, sender, receiver, len, with_fd);
	assert_int_equal(handled, 0);
	assert_int_equal(violated, 1);
}

/* CTL_HELLO alone goes both ways; no row does so with one process. */
static enum proc_id
other_end(const struct proto_row *row, enum proc_id sender)
{
	int	 id;

	for (id = 0; id < PROC_COUNT; id++)
		if ((row->receivers >> id & 1) && id != (int)sender)
			return ((enum proc_id)id);
	return (PROC_COUNT);
}

static void
each_row(void (*check)(uint32_t, const struct proto_row *, enum proc_id,
    enum proc_id))
{
	const struct proto_row	*row;
	uint32_t		 type;
	enum proc_id		 sender;
	int			 n = 0;

	for (type = 0; type < PROTO_COUNT; type++) {
		if ((row = proto_row(type)) == NULL)
			continue;
		sender = pick(row->senders, 1);
		check(type, row, sender, other_end(row, sender));
		n++;
	}
	assert_int_equal(n, PROTO_COUNT - 1);
}

static int
takes_fd(enum proc_id sender, enum proc_id receiver)
{
	return (sender != PROC_RELAYCTL && receiver != PROC_RELAYCTL);
}

static void
right(uint32_t type, const struct proto_row *row, enum proc_id s,
    enum proc_id r)
{
	deliver(type, s, r, row->min, row->fd == PROTO_FD_ALWAYS);
	assert_int_equal(handled, 1);
	assert_int_equal(violated, 0);
}

static void
wrong_sender(uint32_t type, const struct proto_row *row, enum proc_id s,
    enum proc_id r)
{
	(void)s;
	refused(type, pick(row->senders, 0), r, row->min,
	    row->fd == PROTO_FD_ALWAYS);
}

static void
wrong_receiver(uint32_t type, const struct proto_row *row, enum proc_id s,
    enum proc_id r)
{
	(void)r;
	refused(type, s, pick(row->receivers, 0), row->min,
	    row->fd == PROTO_FD_ALWAYS);
}

static void
too_short(uint32_t type, const struct proto_row *row, enum proc_id s,
    enum proc_id r)
{
	if (row->min > 0)
		refused(type, s, r, row->min - 1,
		    row->fd == PROTO_FD_ALWAYS);
}

static void
too_long(uint32_t type, const struct proto_row *row, enum proc_id s,
    enum proc_id r)
{
	refused(type, s, r, row->max + 1, row->fd == PROTO_FD_ALWAYS);
}

static void
without_fd(uint32_t type, const struct proto_row *row, enum proc_id s,
    enum proc_id r)
{
	if (row->fd == PROTO_FD_ALWAYS)
		refused(type, s, r, row->min, 0);
}

static void
with_fd(uint32_t type, const struct proto_row *row, enum proc_id s,
    enum proc_id r)
{
	if (row->fd != PROTO_FD_NONE)
		return;
	if (takes_fd(s, r)) {
		refused(type, s, r, row->min, 1);
		return;
	}
	/* The kernel drops what relayctl must not send. */
	deliver(type, s, r, row->min, 1);
	assert_true(violated || handled);
}

#define ROW_TEST(name)							\
static void								\
test_##name(void **state)						\
{									\
	(void)state;							\
	each_row(name);							\
}

ROW_TEST(right)
ROW_TEST(wrong_sender)
ROW_TEST(wrong_receiver)
ROW_TEST(too_short)
ROW_TEST(too_long)
ROW_TEST(without_fd)
ROW_TEST(with_fd)

static void
test_unknown_type(void **state)
{
	(void)state;
	refused(0, PROC_PARENT, PROC_SPOOLD, 0, 0);
	refused(PROTO_COUNT, PROC_PARENT, PROC_SPOOLD, 0, 0);
	refused(0x7fffffff, PROC_PARENT, PROC_SPOOLD, 0, 0);
}

/* A process that has no handler for a legal type was not meant to get it. */
static void
test_no_handler(void **state)
{
	(void)state;
	rows[0].type = PROTO_NONE;
	refused(PARENT_SHUTDOWN, PROC_PARENT, PROC_SPOOLD, 0, 0);
	rows[0].type = 1;
}

static void
test_address_len(void **state)
{
	struct sockaddr_storage	 ss;

	(void)state;
	memset(&ss, 0, sizeof(ss));
	ss.ss_family = AF_INET;
	assert_int_equal(proto_address_len(&ss), sizeof(struct sockaddr_in));
	ss.ss_family = AF_INET6;
	assert_int_equal(proto_address_len(&ss), sizeof(struct sockaddr_in6));
	ss.ss_family = AF_UNIX;
	assert_int_equal(proto_address_len(&ss), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_wrong_sender),
		cmocka_unit_test(test_wrong_receiver),
		cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_without_fd),
		cmocka_unit_test(test_with_fd),
		cmocka_unit_test(test_unknown_type),
		cmocka_unit_test(test_no_handler),
		cmocka_unit_test(test_address_len),
	};
	uint32_t	 i;

	for (i = 0; i + 1 < PROTO_COUNT; i++) {
		rows[i].type = i + 1;
		rows[i].handler = handler;
	}
	signal(SIGPIPE, SIG_IGN);
	log_init(1, 0);
	if (event_init() == NULL)
		return (1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
