/* See LICENSE for the terms. */

/* What the operator does to messages, with a real queue. */

#include <sys/types.h>
#include <errno.h>
#include <event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "child.h"
#include "fixture.h"
#include "flush.h"
#include "log.h"
#include "message.h"
#include "queue.h"
#include "spoold.h"
#include "waiting.h"

int			 spool_fd = -1;
struct queue		*spool_queue;

static struct event_base *base;
static struct channel	 dialerd;
static struct event	 commit_timer;
static struct proto_message_ask ask;
static struct proto_result result;
static unsigned int	 results;
static uint64_t		 flying;	/* message with upstream */
static uint64_t		 released;

int
flush_in_flight(uint64_t id)
{
	return (id == flying);
}

void
waiting_release(uint64_t id)
{
	released = id;
}

static void
commit(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	queue_commit(spool_queue);
}

void
spool_commit_soon(void)
{
	struct timeval	 now = { 0, 0 };

	if (!evtimer_pending(&commit_timer, NULL))
		evtimer_add(&commit_timer, &now);
}

struct channel *
child_peer(enum proc_id peer)
{
	assert_int_equal(peer, PROC_DIALERD);
	return (&dialerd);
}

int
channel_send(struct channel *ch, uint32_t type, uint32_t id, int fd,
    const void *data, size_t len)
{
	assert_ptr_equal(ch, &dialerd);
	assert_int_equal(type, SPOOLD_MESSAGE_RESULT);
	assert_int_equal(id, 77);
	assert_int_equal(fd, -1);
	assert_int_equal(len, sizeof(result));
	memcpy(&result, data, len);
	results++;
	return (0);
}

int
imsg_get_data(struct imsg *imsg, void *data, size_t len)
{
	(void)imsg;
	assert_int_equal(len, sizeof(ask));
	memcpy(data, &ask, len);
	return (0);
}

uint32_t
imsg_get_id(struct imsg *imsg)
{
	(void)imsg;
	return (77);
}

static int
setup(void **state)
{
	static const char *const dirs[] = { "queue", NULL };

	(void)state;
	spool_fd = fixture_make("message_test", dirs);
	assert_int_not_equal(spool_fd, -1);
	assert_non_null(spool_queue = queue_open(spool_fd, "queue"));
	evtimer_set(&commit_timer, commit, NULL);
	flying = released = 0;
	results = 0;
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	message_stop();
	evtimer_del(&commit_timer);
	queue_close(spool_queue);
	fixture_remove();
	return (0);
}

static uint64_t
put(const char *sender, const char *to, const char *too, const char *user)
{
	struct queue_writer	*w;
	struct envelope		*e;
	uint64_t		 id;

	assert_non_null(e = envelope_new(sender));
	assert_int_equal(envelope_add(e, to, NULL), 0);
	if (too != NULL)
		assert_int_equal(envelope_add(e, too, NULL), 0);
	if (user != NULL)
		assert_int_equal(envelope_add(e, "u@us", user), 0);
	assert_non_null(w = queue_message(spool_queue));
	id = queue_writer_id(w);
	queue_submit(w, e, NULL, NULL);
	queue_commit(spool_queue);
	assert_non_null(queue_info(spool_queue, id));
	envelope_free(e);
	return (id);
}

/* The operator's words; what is answered. */
static const char *
wish(enum proto_message_action action, enum proto_message_select select,
    uint64_t id, const char *address)
{
	unsigned int	 before = results;

	memset(&ask, 0, sizeof(ask));
	ask.action = action;
	ask.select = select;
	ask.id = id;
	strlcpy(ask.address, address, sizeof(ask.address));
	assert_int_equal(message_handle(&dialerd, NULL, NULL), 0);
	while (results == before)
		assert_int_not_equal(event_loop(EVLOOP_ONCE), -1);
	return (result.text);
}

#define ONE(action, id)	wish(PROTO_MESSAGE_ ## action, PROTO_MESSAGE_ID, id, "")

static void
test_hold_and_class(void **state)
{
	struct queue_info	*info;
	uint64_t		 id = put("a@us", "b@x", NULL, NULL);

	(void)state;
	assert_non_null(info = queue_info(spool_queue, id));
	assert_string_equal(ONE(HOLD, id), "1 message held");
	assert_int_equal(result.error, 0);
	assert_true(info->flags & QUEUE_INFO_HELD);
	assert_string_equal(ONE(HOLD, id),
	    "0 messages held, 1 so already");
	assert_int_equal(result.error, 0);
	assert_string_equal(ONE(RELEASE, id), "1 message released");
	assert_false(info->flags & QUEUE_INFO_HELD);
	assert_string_equal(ONE(URGENT, id), "1 message made urgent");
	assert_int_equal(info->class, PROTO_URGENT);
	assert_string_equal(ONE(BULK, id), "1 message made bulk");
	assert_int_equal(info->class, PROTO_BULK);
	assert_string_equal(ONE(NORMAL, id), "1 message made normal");
	assert_int_equal(info->class, PROTO_NORMAL);
	assert_string_equal(ONE(URGENT, id + 1),
	    "no such message waits for the line");
	assert_int_equal(result.error, ENOENT);
}

/* Durable, and only what is for the line. */
static void
test_remove(void **state)
{
	struct envelope	*e;
	uint64_t	 id = put("a@us", "b@x", NULL, NULL);
	uint64_t	 mixed = put("a@us", "b@x", NULL, "carol");

	(void)state;
	assert_string_equal(ONE(REMOVE, id), "1 message removed");
	assert_string_equal(ONE(REMOVE, mixed), "1 message removed");
	queue_close(spool_queue);
	assert_non_null(spool_queue = queue_open(spool_fd, "queue"));
	assert_null(queue_info(spool_queue, id));
	assert_non_null(e = queue_envelope(spool_queue, mixed));
	assert_int_equal(e->recipients[0].state, RECIPIENT_REMOVED);
	assert_int_equal(e->recipients[1].state, RECIPIENT_WAITING);
	envelope_free(e);
	assert_string_equal(ONE(REMOVE, mixed),
	    "no such message waits for the line");
}

/* Never while it is being sent. */
static void
test_in_flight(void **state)
{
	uint64_t	 id = put("a@us", "b@x", NULL, NULL), other;

	(void)state;
	other = put("a@us", "c@x", NULL, NULL);
	flying = id;
	assert_string_equal(ONE(REMOVE, id),
	    "0 messages removed, 1 being sent at the moment");
	assert_int_equal(result.error, EBUSY);
	assert_string_equal(ONE(HOLD, id),
	    "0 messages held, 1 being sent at the moment");
	assert_string_equal(ONE(URGENT, id), "1 message made urgent");
	assert_string_equal(wish(PROTO_MESSAGE_REMOVE, PROTO_MESSAGE_ALL, 0,
	    ""), "1 message removed, 1 being sent at the moment");
	assert_int_equal(result.error, 0);
	assert_non_null(queue_info(spool_queue, id));
	assert_null(queue_info(spool_queue, other));
}

static void
test_selections(void **state)
{
	struct envelope	*e;
	uint64_t	 a = put("a@us", "b@x", "c@x", NULL);
	uint64_t	 b = put("b@us", "c@x", NULL, NULL);
	uint64_t	 none = put("", "d@x", NULL, NULL);

	(void)state;
	assert_string_equal(wish(PROTO_MESSAGE_HOLD, PROTO_MESSAGE_FROM, 0,
	    "A@US"), "1 message held");
	assert_true(queue_info(spool_queue, a)->flags & QUEUE_INFO_HELD);
	assert_string_equal(wish(PROTO_MESSAGE_URGENT, PROTO_MESSAGE_TO, 0,
	    "c@x"), "2 messages made urgent");
	assert_string_equal(wish(PROTO_MESSAGE_BULK, PROTO_MESSAGE_FROM, 0,
	    ""), "1 message made bulk");
	assert_int_equal(queue_info(spool_queue, none)->class, PROTO_BULK);
	/* Of one recipient, no more than that one. */
	assert_string_equal(wish(PROTO_MESSAGE_REMOVE, PROTO_MESSAGE_TO, 0,
	    "c@x"), "2 messages removed");
	assert_null(queue_info(spool_queue, b));
	assert_non_null(e = queue_envelope(spool_queue, a));
	assert_int_equal(e->recipients[0].state, RECIPIENT_WAITING);
	assert_int_equal(e->recipients[1].state, RECIPIENT_REMOVED);
	envelope_free(e);
	assert_string_equal(wish(PROTO_MESSAGE_HOLD, PROTO_MESSAGE_TO, 0,
	    "c@x"), "no message that waits for the line is meant by that");
	assert_int_equal(result.error, ENOENT);
}

static void
test_requeue(void **state)
{
	struct envelope	*e;
	uint64_t	 id = put("a@us", "b@x", NULL, NULL);
	unsigned int	 i;

	(void)state;
	for (i = 0; i < 4; i++) {
		queue_mark(spool_queue, id, 0, RECIPIENT_WAITING, 1, "450 no",
		    NULL, NULL);
		queue_commit(spool_queue);
	}
	assert_string_equal(ONE(REQUEUE, id), "1 message to be tried afresh");
	assert_int_equal(released, id);
	assert_non_null(e = queue_envelope(spool_queue, id));
	assert_int_equal(e->recipients[0].windows, 0);
	envelope_free(e);
}

/* A long queue is worked at in parts, and is all of it meant. */
static void
test_many(void **state)
{
	struct queue_info	 info;
	struct queue_writer	*w;
	struct envelope		*e;
	unsigned int		 i;

	(void)state;
	for (i = 0; i < 1500; i++) {
		assert_non_null(e = envelope_new("a@us"));
		assert_int_equal(envelope_add(e, "b@x", NULL), 0);
		assert_non_null(w = queue_message(spool_queue));
		queue_submit(w, e, NULL, NULL);
		envelope_free(e);
	}
	queue_commit(spool_queue);
	assert_string_equal(wish(PROTO_MESSAGE_HOLD, PROTO_MESSAGE_ALL, 0,
	    ""), "1500 messages held");
	assert_string_equal(wish(PROTO_MESSAGE_REMOVE, PROTO_MESSAGE_FROM, 0,
	    "a@us"), "1500 messages removed");
	assert_false(queue_next(spool_queue, 0, &info));
}

static void
test_nonsense(void **state)
{
	(void)state;
	memset(&ask, 0, sizeof(ask));
	ask.action = PROTO_MESSAGE_ACTIONS;
	assert_int_equal(message_handle(&dialerd, NULL, NULL), -1);
	ask.action = PROTO_MESSAGE_HOLD;
	ask.select = PROTO_MESSAGE_SELECTS;
	assert_int_equal(message_handle(&dialerd, NULL, NULL), -1);
	ask.select = PROTO_MESSAGE_FROM;
	memset(ask.address, 'x', sizeof(ask.address));
	assert_int_equal(message_handle(&dialerd, NULL, NULL), -1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(test_hold_and_class), T(test_remove), T(test_in_flight),
		T(test_selections), T(test_requeue), T(test_many),
		T(test_nonsense),
	};
	int	 failed;

	log_init(1, 0);
	assert_non_null(base = event_init());
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	event_base_free(base);
	return (failed);
}
