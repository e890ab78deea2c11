/* See LICENSE for the terms. */

/*
 * Connectors with real connections on loopback, and a parent played here
 * that answers questions for addresses.  Pauses are waited for in real time.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <errno.h>
#include <event.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "ask.h"
#include "connector.h"
#include "log.h"

#define TIME_LIMIT	60	/* seconds; a test that hangs is ended */
#define OWNERS		2

struct owner {				/* of a connector */
	struct connector	*c;
	unsigned int		 told;
	int			 fd;
	int			 keep;	/* not freed in the callback */
	char			 why[PROTO_TEXT_MAX];
	struct timespec		 when;
};

struct question {
	struct event		 ev;
	ask_resolved_cb		*cb;
	void			*arg;
	int			 fresh, open;
};

static struct owner		 owners[OWNERS];
static struct question		 questions[OWNERS];	/* the newest ones */
static unsigned int		 asked, fresh, cancelled;
static int			 hold;		/* do not answer */
static struct proto_addresses	 remembered, new;
static int			 listener, dead;	/* sockets */
static struct sockaddr_in	 here, nowhere;
static struct timespec		 begun;

/* The parent. */

static void
question_event(int fd, short events, void *arg)
{
	struct question	*q = arg;

	(void)fd;
	(void)events;
	q->open = 0;
	q->cb(q->arg, q->fresh ? &new : &remembered);
}

uint32_t
ask_resolve(const char *host, uint16_t port, int is_fresh,
    ask_resolved_cb *cb, void *arg)
{
	struct timeval	 now = { 0, 0 };
	struct question	*q = questions;

	assert_string_equal(host, "relay.example");
	assert_int_equal(port, 25);
	asked++;
	fresh += is_fresh != 0;
	while (q->open)
		q++;
	assert_true(q < questions + OWNERS);
	q->cb = cb;
	q->arg = arg;
	q->fresh = is_fresh;
	q->open = 1;
	evtimer_set(&q->ev, question_event, q);
	if (!hold)
		evtimer_add(&q->ev, &now);
	return ((uint32_t)(q - questions) + 1);
}

void
ask_cancel(uint32_t id)
{
	assert_true(id > 0 && id <= OWNERS && questions[id - 1].open);
	questions[id - 1].open = 0;
	evtimer_del(&questions[id - 1].ev);
	cancelled++;
}

static void
answer_add(struct proto_addresses *res, const struct sockaddr_in *sin)
{
	memcpy(&res->address[res->count++], sin, sizeof(*sin));
}

static void
answer_none(struct proto_addresses *res)
{
	memset(res, 0, sizeof(*res));
	res->error = (uint32_t)(EAI_AGAIN < 0 ? -EAI_AGAIN : EAI_AGAIN);
}

/* Owners. */

static void
done(void *arg, int fd, const char *why)
{
	struct owner	*o = arg;

	o->told++;
	o->fd = fd;
	clock_gettime(CLOCK_MONOTONIC, &o->when);
	if (fd == -1)
		strlcpy(o->why, why, sizeof(o->why));
	if (o->keep)
		return;
	connector_free(o->c);
	o->c = NULL;
}

static struct owner *
start(unsigned int i)
{
	struct owner	*o = &owners[i];

	clock_gettime(CLOCK_MONOTONIC, &begun);
	o->fd = -1;
	o->c = connector_new("relay.example", 25, done, o);
	assert_non_null(o->c);
	assert_int_equal(o->told, 0);
	return (o);
}

#define UNTIL(condition) do {						\
	while (!(condition))						\
		assert_int_equal(event_loop(EVLOOP_ONCE), 0);		\
} while (0)

/* Milliseconds from the start to what was told. */
static long
took(const struct owner *o)
{
	return ((o->when.tv_sec - begun.tv_sec) * 1000 +
	    (o->when.tv_nsec - begun.tv_nsec) / 1000000);
}

/* The socket is connected to the listener. */
static void
assert_connected(struct owner *o)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	int			 s;

	assert_int_not_equal(o->fd, -1);
	assert_int_equal(getpeername(o->fd, (struct sockaddr *)&sin, &len), 0);
	assert_int_equal(sin.sin_port, here.sin_port);
	close(o->fd);
	assert_int_not_equal(s = accept(listener, NULL, NULL), -1);
	close(s);
}

/* A port that is ours and where nobody listens. */
static int
make_port(struct sockaddr_in *sin)
{
	socklen_t	 len = sizeof(*sin);
	int		 fd;

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)sin, &len), 0);
	return (fd);
}

static int
setup(void **state)
{
	(void)state;
	alarm(TIME_LIMIT);
	memset(owners, 0, sizeof(owners));
	memset(questions, 0, sizeof(questions));
	memset(&remembered, 0, sizeof(remembered));
	memset(&new, 0, sizeof(new));
	asked = fresh = cancelled = 0;
	hold = 0;
	listener = make_port(&here);
	assert_int_equal(listen(listener, 5), 0);
	dead = make_port(&nowhere);
	return (0);
}

/* What was freed says nothing any more, and leaves nothing behind. */
static int
teardown(void **state)
{
	unsigned int	 i, told[OWNERS];

	(void)state;
	for (i = 0; i < OWNERS; i++) {
		connector_free(owners[i].c);
		told[i] = owners[i].told;
	}
	event_loop(EVLOOP_NONBLOCK);
	for (i = 0; i < OWNERS; i++) {
		assert_int_equal(owners[i].told, told[i]);
		assert_false(questions[i].open);
	}
	close(listener);
	close(dead);
	alarm(0);
	return (0);
}

static void
test_at_once(void **state)
{
	struct owner	*o;

	(void)state;
	answer_add(&remembered, &here);
	o = start(0);
	UNTIL(o->told);
	assert_connected(o);
	assert_int_equal(asked, 1);
	assert_int_equal(fresh, 0);
}

static void
test_second_address(void **state)
{
	struct sockaddr_in	 strange;
	struct owner		*o;

	(void)state;
	memset(&strange, 0, sizeof(strange));
	strange.sin_family = AF_UNIX;
	answer_add(&remembered, &strange);
	answer_add(&remembered, &nowhere);
	answer_add(&remembered, &here);
	o = start(0);
	UNTIL(o->told);
	assert_connected(o);
	assert_int_equal(asked, 1);
	assert_true(took(o) < 1000);
}

/* What the peer says first is not lost on the way. */
static void
test_first_words(void **state)
{
	char		 buf[8];
	struct owner	*o;
	int		 s;

	(void)state;
	answer_add(&remembered, &here);
	hold = 1;
	o = start(0);
	hold = 0;
	event_active(&questions[0].ev, EV_TIMEOUT, 1);
	/* The connection is there before the connector hears of it. */
	assert_int_equal(event_loop(EVLOOP_ONCE | EVLOOP_NONBLOCK), 0);
	assert_int_equal(o->told, 0);
	assert_int_not_equal(s = accept(listener, NULL, NULL), -1);
	assert_int_equal(send(s, "220 x\r\n", 7, 0), 7);
	UNTIL(o->told);
	assert_int_not_equal(o->fd, -1);
	assert_int_equal(recv(o->fd, buf, sizeof(buf), 0), 7);
	assert_memory_equal(buf, "220 x\r\n", 7);
	close(s);
	close(o->fd);
}

/* Remembered addresses that do not work are asked for again. */
static void
test_fresh(void **state)
{
	struct owner	*o;

	(void)state;
	answer_add(&remembered, &nowhere);
	answer_add(&new, &here);
	o = start(0);
	UNTIL(o->told);
	assert_connected(o);
	assert_int_equal(asked, 2);
	assert_int_equal(fresh, 1);
	assert_true(took(o) < 1000);
}

/*
 * Nobody is there, nor is a name server, in the first moments; what was
 * remembered was right.
 */
static void
test_there_later(void **state)
{
	struct owner	*o;

	(void)state;
	answer_add(&remembered, &nowhere);
	answer_none(&new);
	o = start(0);
	UNTIL(asked == 2 && !questions[0].open);
	assert_int_equal(o->told, 0);
	assert_int_equal(listen(dead, 5), 0);
	UNTIL(o->told);
	assert_int_not_equal(o->fd, -1);
	close(o->fd);
	assert_int_equal(asked, 2);
	/* The next would be after 3 s. */
	assert_in_range(took(o), 990, 2900);
}

/* The same of a name: the third try, after 1 s and 2 s, brings it. */
static void
test_name_later(void **state)
{
	struct owner	*o;

	(void)state;
	answer_none(&remembered);
	answer_none(&new);
	o = start(0);
	UNTIL(asked == 3 && !questions[0].open);
	memset(&new, 0, sizeof(new));
	answer_add(&new, &here);
	UNTIL(o->told);
	assert_connected(o);
	assert_int_equal(asked, 4);
	assert_int_equal(fresh, 3);
	/* The next would be after 7 s. */
	assert_in_range(took(o), 2990, 6900);
}

/* Its patience ends: attempts at 0, 1, 3, 7, 11 and 15 s. */
static void
test_dead(void **state)
{
	struct owner	*o;

	(void)state;
	answer_add(&remembered, &nowhere);
	answer_add(&new, &nowhere);
	o = start(0);
	UNTIL(o->told);
	assert_int_equal(o->fd, -1);
	assert_string_equal(o->why, "connect: Connection refused");
	/* An answer that came is not asked for again. */
	assert_int_equal(asked, 2);
	assert_int_equal(fresh, 1);
	/* The next would be after 19 s. */
	assert_in_range(took(o), 14900, 18900);
}

static void
test_name_dead(void **state)
{
	struct owner	*o;

	(void)state;
	answer_none(&remembered);
	answer_none(&new);
	o = start(0);
	UNTIL(o->told);
	assert_int_equal(o->fd, -1);
	assert_non_null(strstr(o->why, "relay.example: "));
	assert_int_equal(asked, 7);
	assert_int_equal(fresh, 6);
	/* The next would be after 19 s. */
	assert_in_range(took(o), 14900, 18900);
}

/*
 * A peer that does not do: the other addresses, fresh ones, and the end at
 * once, with the owner's reason.
 */
static void
test_next(void **state)
{
	struct owner	*o;

	(void)state;
	answer_add(&remembered, &here);
	answer_add(&remembered, &here);
	answer_add(&new, &here);
	owners[0].keep = 1;
	o = start(0);
	UNTIL(o->told == 1);
	assert_connected(o);
	connector_next(o->c, "not greeted");
	assert_int_equal(o->told, 1);
	UNTIL(o->told == 2);
	assert_connected(o);
	assert_int_equal(asked, 1);
	connector_next(o->c, "not greeted");
	UNTIL(o->told == 3);
	assert_connected(o);
	assert_int_equal(asked, 2);
	connector_next(o->c, "not even now");
	UNTIL(o->told == 4);
	assert_int_equal(o->fd, -1);
	assert_string_equal(o->why, "not even now");
	assert_true(took(o) < 1000);
}

/* One that is gone before it said anything may do a moment later. */
static void
test_cut(void **state)
{
	struct owner	*o;

	(void)state;
	answer_add(&remembered, &here);
	answer_add(&new, &here);
	owners[0].keep = 1;
	o = start(0);
	UNTIL(o->told == 1);
	connector_cut(o->c, "reset");
	UNTIL(o->told == 2);
	assert_connected(o);
	connector_cut(o->c, "reset again");
	UNTIL(o->told == 3);
	assert_connected(o);
	assert_true(took(o) >= 900);
	/* What is somebody else stays so. */
	connector_next(o->c, "not even now");
	UNTIL(o->told == 4);
	assert_int_equal(o->fd, -1);
	assert_string_equal(o->why, "not even now");
}

/* A peer that went away: its address first, and no question. */
static void
test_again(void **state)
{
	struct owner	*o;

	(void)state;
	answer_add(&remembered, &nowhere);
	answer_add(&remembered, &here);
	answer_add(&remembered, &nowhere);
	owners[0].keep = 1;
	o = start(0);
	UNTIL(o->told == 1);
	assert_connected(o);
	connector_again(o->c);
	assert_int_equal(o->told, 1);
	UNTIL(o->told == 2);
	assert_connected(o);
	assert_int_equal(asked, 1);
	/* And it may be dropped before anything is tried. */
	connector_again(o->c);
}

static void
test_cancel_resolving(void **state)
{
	struct owner	*o;

	(void)state;
	hold = 1;
	o = start(0);
	connector_free(o->c);
	o->c = NULL;
	assert_int_equal(cancelled, 1);
	event_loop(EVLOOP_NONBLOCK);
	assert_int_equal(o->told, 0);
}

static void
test_cancel_connecting(void **state)
{
	struct owner	*o;

	(void)state;
	answer_add(&remembered, &here);
	hold = 1;
	o = start(0);
	event_active(&questions[0].ev, EV_TIMEOUT, 1);
	assert_int_equal(event_loop(EVLOOP_ONCE | EVLOOP_NONBLOCK), 0);
	assert_false(questions[0].open);
	assert_int_equal(o->told, 0);
	connector_free(o->c);
	o->c = NULL;
	/* No event is left. */
	assert_int_equal(event_loop(0), 1);
	assert_int_equal(o->told, 0);
	assert_int_equal(cancelled, 0);
}

static void
test_cancel_pausing(void **state)
{
	struct owner	*o;

	(void)state;
	answer_none(&remembered);
	answer_none(&new);
	o = start(0);
	UNTIL(asked == 2 && !questions[0].open);
	connector_free(o->c);
	o->c = NULL;
	assert_int_equal(event_loop(0), 1);
	assert_int_equal(o->told, 0);
	assert_int_equal(asked, 2);
}

/* Two do not disturb each other. */
static void
test_two(void **state)
{
	struct owner	*a, *b;

	(void)state;
	answer_add(&remembered, &here);
	a = start(0);
	b = start(1);
	connector_free(a->c);
	a->c = NULL;
	UNTIL(b->told);
	assert_int_equal(a->told, 0);
	assert_connected(b);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(test_ ## name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(at_once),
		TEST(second_address),
		TEST(first_words),
		TEST(fresh),
		TEST(there_later),
		TEST(name_later),
		TEST(dead),
		TEST(name_dead),
		TEST(next),
		TEST(cut),
		TEST(again),
		TEST(cancel_resolving),
		TEST(cancel_connecting),
		TEST(cancel_pausing),
		TEST(two),
	};
	struct event_base	*base;
	int			 failed;

	log_init(1, 0);
	assert_non_null(base = event_init());
	signal(SIGPIPE, SIG_IGN);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	event_base_free(base);
	return (failed);
}
