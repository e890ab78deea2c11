/* See LICENSE for the terms. */

/*
 * The order in which messages go, and what dialerd is told of them, with a
 * real queue and a clock of the test's.
 */

#include <sys/types.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "child.h"
#include "fixture.h"
#include "log.h"
#include "queue_internal.h"
#include "waiting.h"

#define START	1700000000
#define DAY	(24 * 60 * 60)

struct conf		*child_conf;

static struct queue	*queue;
static int		 spoolfd;
static time_t		 now;

time_t			 __wrap_time(time_t *);

time_t
__wrap_time(time_t *t)
{
	if (t != NULL)
		*t = now;
	return (now);
}

static int
setup(void **state)
{
	static const char *const dirs[] = { "queue", NULL };

	(void)state;
	now = START;
	assert_non_null(child_conf = conf_new());
	child_conf->global.bulk_after = 7 * DAY;
	spoolfd = fixture_make("waiting_test", dirs);
	assert_int_not_equal(spoolfd, -1);
	assert_non_null(queue = queue_open(spoolfd, "queue"));
	waiting_watch(queue);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	waiting_clear();
	queue_close(queue);
	conf_free(child_conf);
	child_conf = NULL;
	fixture_remove();
	return (0);
}

static void
done(void *arg, int result)
{
	*(int *)arg = result;
}

static uint64_t
put_deadline(size_t size, enum proto_class class, const char *user,
    int64_t deadline)
{
	struct queue_writer	*w;
	struct envelope		*e;
	uint64_t		 id;
	int			 result = -1;

	assert_non_null(e = envelope_new("alice@us.example"));
	e->class = class;
	e->deadline = deadline;
	assert_int_equal(envelope_add(e, "b@x", NULL), 0);
	if (user != NULL)
		assert_int_equal(envelope_add(e, "c@us.example", user), 0);
	assert_non_null(w = queue_message(queue));
	while (size-- > 0)
		assert_int_equal(queue_write(w, "x", 1), 0);
	id = queue_writer_id(w);
	queue_submit(w, e, done, &result);
	queue_commit(queue);
	assert_int_equal(result, 0);
	envelope_free(e);
	return (id);
}

static uint64_t
put(size_t size, enum proto_class class)
{
	return (put_deadline(size, class, NULL, 0));
}

static void
mark(uint64_t id, uint32_t recipient, enum recipient_state state)
{
	queue_mark(queue, id, recipient, state, 1, "250", NULL, NULL);
	queue_commit(queue);
}

static void
change(uint64_t id, enum queue_change what)
{
	int	 result = -1;

	queue_change(queue, id, what, done, &result);
	queue_commit(queue);
	assert_int_equal(result, 0);
}

static void
takes(uint64_t want)
{
	uint64_t	 id;
	int		 bulk;

	assert_true(waiting_any(UINT64_MAX));
	assert_int_equal(waiting_take(UINT64_MAX, &id, &bulk), 1);
	assert_int_equal(id, want);
}

static void
takes_nothing(void)
{
	uint64_t	 id;
	int		 bulk;

	assert_false(waiting_any(UINT64_MAX));
	assert_int_equal(waiting_take(UINT64_MAX, &id, &bulk), 0);
}

static struct proto_queue_state
facts(void)
{
	struct proto_queue_state	 s;

	waiting_state(&s);
	return (s);
}

/* Urgent, then normal, then bulk; the smallest first; by age when alike. */
static void
classes_and_sizes(void **state)
{
	uint64_t	 bulk, large, small, same, urgent, urgent_small;

	(void)state;
	bulk = put(1, PROTO_BULK);
	large = put(30, PROTO_NORMAL);
	small = put(10, PROTO_NORMAL);
	same = put(10, PROTO_NORMAL);
	urgent = put(90, PROTO_URGENT);
	urgent_small = put(80, PROTO_URGENT);
	waiting_reset();
	takes(urgent_small);
	takes(urgent);
	takes(small);
	takes(same);
	takes(large);
	takes(bulk);
	takes_nothing();
	waiting_release(small);
	takes(small);
	takes_nothing();
	waiting_reset();
	takes(urgent_small);
}

/* Bulk mail begins only where there is room for it. */
static void
bulk_has_its_room(void **state)
{
	struct waiting_left	 left;
	uint64_t		 a, b, id;
	int			 bulk;

	(void)state;
	a = put(20, PROTO_BULK);
	b = put(10, PROTO_BULK);
	put(5, PROTO_NORMAL);
	put(7, PROTO_URGENT);
	waiting_reset();
	waiting_left(&left);
	assert_int_equal(left.messages, 2);
	assert_int_equal(left.bytes, 12);
	assert_int_equal(left.urgent_bytes, 7);
	assert_int_equal(left.bulk_bytes, 30);
	assert_int_equal(waiting_take(0, &id, &bulk), 1);
	assert_int_equal(bulk, 0);
	assert_int_equal(waiting_take(0, &id, &bulk), 1);
	assert_false(waiting_any(0));
	assert_false(waiting_any(9));
	assert_int_equal(waiting_take(9, &id, &bulk), 0);
	assert_int_equal(waiting_take(19, &id, &bulk), 1);
	assert_int_equal(id, b);
	assert_int_equal(bulk, 1);
	assert_false(waiting_any(19));
	assert_true(waiting_any(20));
	takes(a);
}

/* One that was passed over does not stand before those that fit. */
static void
bulk_steps_over(void **state)
{
	uint64_t	 large[20], small, id;
	unsigned int	 i, n;
	int		 bulk;

	(void)state;
	for (i = 0; i < 20; i++)
		large[i] = put(100, PROTO_BULK);
	for (n = 0; n < WAITING_PASSED; n++) {
		id = put(1, PROTO_NORMAL);
		waiting_reset();
		takes(id);
		mark(id, 0, RECIPIENT_SENT);
	}
	waiting_reset();
	small = put(10, PROTO_BULK);
	assert_int_equal(waiting_take(99, &id, &bulk), 1);
	assert_int_equal(id, small);
	takes(large[0]);
}

/* Passed over by three windows: first of its class, and once. */
static void
nothing_starves(void **state)
{
	uint64_t	 large, small[5], urgent;
	unsigned int	 i;

	(void)state;
	large = put(1000, PROTO_NORMAL);
	for (i = 0; i < 3; i++) {
		small[i] = put(1, PROTO_NORMAL);
		waiting_reset();
		takes(small[i]);
		mark(small[i], 0, RECIPIENT_SENT);
	}
	small[3] = put(1, PROTO_NORMAL);
	urgent = put(50, PROTO_URGENT);
	waiting_reset();
	takes(urgent);
	takes(large);
	takes(small[3]);
	/* The line dropped under it: now the others are first. */
	waiting_release(large);
	waiting_reset();
	takes(urgent);
	takes(small[3]);
	takes(large);
}

/* A day old, one window is enough; a window that took nothing is none. */
static void
age_counts(void **state)
{
	uint64_t	 large, small, next;

	(void)state;
	large = put(1000, PROTO_NORMAL);
	small = put(1, PROTO_NORMAL);
	now += 2 * DAY;
	waiting_reset();
	waiting_reset();
	takes(small);
	mark(small, 0, RECIPIENT_SENT);
	next = put(1, PROTO_NORMAL);
	waiting_reset();
	takes(large);
	takes(next);
}

static void
bulk_ages(void **state)
{
	uint64_t	 bulk, normal;

	(void)state;
	bulk = put(10, PROTO_BULK);
	normal = put(20, PROTO_NORMAL);
	waiting_reset();
	assert_int_equal(facts().bulk, 1);
	assert_int_equal(facts().bulk_bytes, 10);
	assert_int_equal(facts().messages, 1);
	now += 7 * DAY - 1;
	assert_int_equal(facts().bulk, 1);
	now++;
	assert_int_equal(facts().bulk, 0);
	assert_int_equal(facts().messages, 2);
	assert_int_equal(facts().bytes, 30);
	assert_int_equal(facts().oldest, START);
	takes(bulk);
	takes(normal);
	/* And other again with another configuration. */
	child_conf->global.bulk_after = 30 * DAY;
	waiting_reload();
	assert_int_equal(facts().bulk, 1);
}

/* What is held waits for nothing, and is not in the way. */
static void
held_stays(void **state)
{
	uint64_t	 a, b;

	(void)state;
	a = put(1, PROTO_URGENT);
	b = put(2, PROTO_NORMAL);
	change(a, QUEUE_HOLD);
	assert_int_equal(facts().held, 1);
	assert_int_equal(facts().messages, 1);
	assert_int_equal(facts().urgent, 0);
	assert_int_equal(waiting_count(), 1);
	waiting_reset();
	takes(b);
	takes_nothing();
	change(a, QUEUE_RELEASE);
	assert_int_equal(facts().held, 0);
	assert_int_equal(facts().urgent, 1);
	takes(a);
	/* Held in the window that has taken it: it stays taken. */
	change(a, QUEUE_HOLD);
	change(a, QUEUE_RELEASE);
	takes_nothing();
	change(b, QUEUE_BULK);
	assert_int_equal(facts().bulk, 1);
	change(b, QUEUE_URGENT);
	assert_int_equal(facts().urgent, 2);
	assert_int_equal(facts().bulk, 0);
}

/* All facts of the queue, and what is left of them. */
static void
facts_follow(void **state)
{
	struct proto_queue_state	 s;
	uint64_t			 a, b, c;

	(void)state;
	a = put(10, PROTO_NORMAL);
	now += 100;
	b = put_deadline(20, PROTO_URGENT, NULL, START + 5000);
	now += 100;
	c = put_deadline(30, PROTO_NORMAL, NULL, START + 4000);
	/* Bulk mail has no say. */
	put_deadline(40, PROTO_BULK, NULL, START + 1000);
	s = facts();
	assert_int_equal(s.messages, 3);
	assert_int_equal(s.bytes, 60);
	assert_int_equal(s.oldest, START);
	assert_int_equal(s.received_sum, (uint64_t)START * 3 + 300);
	assert_int_equal(s.urgent, 1);
	assert_int_equal(s.urgent_bytes, 20);
	assert_int_equal(s.urgent_oldest, START + 100);
	assert_int_equal(s.deadline, START + 4000);
	assert_int_equal(s.bulk, 1);
	assert_int_equal(s.bulk_bytes, 40);
	mark(a, 0, RECIPIENT_SENT);
	s = facts();
	assert_int_equal(s.oldest, START + 100);
	assert_int_equal(s.received_sum, (uint64_t)START * 2 + 300);
	/* Who was told that it is late needs no call for that any more. */
	change(c, QUEUE_LATE);
	assert_int_equal(facts().deadline, START + 5000);
	mark(b, 0, RECIPIENT_BOUNCED);
	s = facts();
	assert_int_equal(s.messages, 1);
	assert_int_equal(s.urgent, 0);
	assert_int_equal(s.urgent_oldest, 0);
	assert_int_equal(s.deadline, 0);
	assert_int_equal(s.oldest, START + 200);
	mark(c, 0, RECIPIENT_SENT);
	s = facts();
	assert_int_equal(s.messages, 0);
	assert_int_equal(s.oldest, 0);
	assert_int_equal(s.received_sum, 0);
}

/* Users here are none of the line's business. */
static void
local_recipients_do_not_count(void **state)
{
	uint64_t	 a;

	(void)state;
	a = put_deadline(10, PROTO_NORMAL, "carol", 0);
	assert_int_equal(facts().messages, 1);
	mark(a, 0, RECIPIENT_SENT);
	assert_int_equal(facts().messages, 0);
	takes_nothing();
	assert_non_null(queue_info(queue, a));
	a = put_deadline(10, PROTO_NORMAL, "carol", 0);
	mark(a, 1, RECIPIENT_SENT);
	assert_int_equal(facts().messages, 1);
	waiting_reset();
	takes(a);
}

/* The facts after a random history are those of a fresh look. */
static void
facts_are_exact(void **state)
{
	struct proto_queue_state	 s, fresh;
	uint64_t			 ids[40], id;
	unsigned int			 i, n, round;
	int				 bulk;

	(void)state;
	srandom(1);
	memset(ids, 0, sizeof(ids));
	for (round = 0; round < 600; round++) {
		i = (unsigned int)random() % 40;
		now += random() % 1000;
		n = (unsigned int)random() % 12;
		if (ids[i] == 0 || queue_info(queue, ids[i]) == NULL)
			ids[i] = put_deadline((size_t)random() % 20,
			    (enum proto_class)(random() % 3),
			    random() % 4 == 0 ? "carol" : NULL,
			    random() % 3 == 0 ? now + random() % 9999 : 0);
		else if (n < 3)
			mark(ids[i], (uint32_t)random() % 2, RECIPIENT_SENT);
		else if (n < 8)
			change(ids[i], QUEUE_HOLD + n - 3);
		else if (n == 8)
			(void)waiting_take((uint64_t)random() % 30, &id,
			    &bulk);
		else if (n == 9)
			waiting_release(ids[i]);
		else if (n == 10)
			waiting_reset();
		if (random() % 5 == 0)
			now += DAY;
		waiting_state(&s);
		if (round % 20 != 0)
			continue;
		waiting_clear();
		waiting_watch(queue);
		waiting_state(&fresh);
		assert_memory_equal(&s, &fresh, sizeof(s));
	}
}

/* The promise of the design, for a message that was deferred once. */
static void
memory_of_a_message(void **state)
{
	(void)state;
	assert_true(sizeof(struct queue_entry) + sizeof(struct mark_ref) +
	    2 * sizeof(size_t) <= 200);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(classes_and_sizes), T(bulk_has_its_room),
		T(bulk_steps_over), T(nothing_starves), T(age_counts),
		T(bulk_ages), T(held_stays), T(facts_follow),
		T(local_recipients_do_not_count), T(facts_are_exact),
		T(memory_of_a_message),
	};

	log_init(1, 0);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
