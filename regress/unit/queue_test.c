/* See LICENSE for the terms. */
/*
 * The queue: what was acknowledged is there after any reopening, once, with
 * the right bytes and marks; what was not, is not in the way.
 */

#include <sys/resource.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "log.h"
#include "proto.h"
#include "queue_internal.h"
#include "store_util.h"

#define NOT_CALLED	-1

static int	 spoolfd;

static int
setup(void **state)
{
	(void)state;
	spoolfd = store_make();
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	store_remove(spoolfd);
	return (0);
}

static struct queue *
must_open(void)
{
	struct queue	*q;

	q = queue_open(spoolfd, "queue");
	assert_non_null(q);
	return (q);
}

static struct queue *
reopen(struct queue *q)
{
	queue_close(q);
	return (must_open());
}

static uint8_t *
pattern(unsigned int seed, size_t len)
{
	uint8_t	*p;
	size_t	 i;

	p = malloc(len + 1);
	assert_non_null(p);
	for (i = 0; i < len; i++)
		p[i] = (uint8_t)(seed * 31 + i * 7 + (i >> 8));
	return (p);
}

static void
set_result(void *arg, int result)
{
	*(int *)arg = result;
}

/* Submits a message with that many recipients; the id. */
static uint64_t
submit(struct queue *q, unsigned int seed, size_t len, unsigned int nrcpt,
    int *result)
{
	struct queue_writer	*w;
	struct envelope		*e;
	uint8_t			*body;
	uint64_t		 id;
	char			 address[64];
	unsigned int		 i;

	e = envelope_new("sender@ship.example");
	for (i = 0; i < nrcpt; i++) {
		snprintf(address, sizeof(address), "r%u.%u@shore.example",
		    seed, i);
		assert_int_equal(envelope_add(e, address, NULL), 0);
	}
	body = pattern(seed, len);
	w = queue_message(q);
	assert_non_null(w);
	assert_int_equal(queue_write(w, body, len), 0);
	assert_int_equal(queue_writer_size(w), len);
	id = queue_writer_id(w);
	*result = NOT_CALLED;
	queue_submit(w, e, set_result, result);
	assert_int_equal(*result, NOT_CALLED);
	assert_int_equal(e->id, id);
	assert_int_equal(e->size, len);
	envelope_free(e);
	free(body);
	return (id);
}

/* The same, committed. */
static uint64_t
put(struct queue *q, unsigned int seed, size_t len, unsigned int nrcpt)
{
	uint64_t	 id;
	int		 result;

	id = submit(q, seed, len, nrcpt, &result);
	queue_commit(q);
	assert_int_equal(result, 0);
	return (id);
}

static int
mark(struct queue *q, uint64_t id, uint32_t recipient,
    enum recipient_state state, const char *status)
{
	int	 result = NOT_CALLED;

	queue_mark(q, id, recipient, state, 1, status, set_result, &result);
	assert_int_equal(result, NOT_CALLED);
	queue_commit(q);
	assert_int_not_equal(result, NOT_CALLED);
	return (result);
}

static int
listed(struct queue *q, uint64_t id)
{
	struct queue_info	 info;

	return (queue_next(q, id - 1, &info) && info.id == id);
}

static unsigned int
count(struct queue *q)
{
	struct queue_info	 info;
	unsigned int		 n = 0;

	info.id = 0;
	while (queue_next(q, info.id, &info))
		n++;
	return (n);
}

static void
assert_message(struct queue *q, uint64_t id, unsigned int seed, size_t len,
    unsigned int nrcpt)
{
	struct envelope	*e;
	uint8_t		*want, *have;
	uint64_t	 size;
	off_t		 offset;
	char		 address[64];
	int		 fd;

	assert_true(listed(q, id));
	e = queue_envelope(q, id);
	assert_non_null(e);
	assert_int_equal(e->id, id);
	assert_int_equal(e->size, len);
	assert_int_equal(e->nrecipients, nrcpt);
	assert_string_equal(e->sender, "sender@ship.example");
	snprintf(address, sizeof(address), "r%u.%u@shore.example", seed,
	    nrcpt - 1);
	assert_string_equal(e->recipients[nrcpt - 1].address, address);
	envelope_free(e);
	fd = queue_body(q, id, &offset, &size);
	assert_int_not_equal(fd, -1);
	assert_int_equal(size, len);
	want = pattern(seed, len);
	have = malloc(len + 1);
	assert_int_equal(pread(fd, have, len, offset), len);
	assert_memory_equal(want, have, len);
	close(fd);
	free(want);
	free(have);
}

static void
bodies_of_all_sizes(void **state)
{
	static const size_t	 sizes[] = { 0, 1, 1000, 4096, 4097,
	    QUEUE_BODY_INLINE - 1, QUEUE_BODY_INLINE, QUEUE_BODY_INLINE + 1,
	    2 * QUEUE_BODY_INLINE, 5 * 1024 * 1024 };
	uint64_t		 ids[10];
	struct queue		*q = must_open();
	unsigned int		 i, round;

	(void)state;
	for (i = 0; i < 10; i++)
		ids[i] = put(q, i, sizes[i], 1 + i);
	for (round = 0; round < 3; round++) {
		assert_int_equal(count(q), 10);
		for (i = 0; i < 10; i++)
			assert_message(q, ids[i], i, sizes[i], 1 + i);
		assert_int_equal(store_count(spoolfd, "queue", "body."), 3);
		q = reopen(q);
	}
	queue_close(q);
}

static void
body_in_small_writes(void **state)
{
	struct queue		*q = must_open();
	struct queue_writer	*w = queue_message(q);
	struct envelope		*e = envelope_new("sender@ship.example");
	uint8_t			*body = pattern(5, 600000);
	uint64_t		 id = queue_writer_id(w);
	size_t			 done, n;
	int			 result = NOT_CALLED;

	(void)state;
	envelope_add(e, "r5.0@shore.example", NULL);
	for (done = 0; done < 600000; done += n) {
		n = 1 + done % 977;
		n = n < 600000 - done ? n : 600000 - done;
		assert_int_equal(queue_write(w, body + done, n), 0);
	}
	queue_submit(w, e, set_result, &result);
	queue_commit(q);
	assert_int_equal(result, 0);
	assert_message(q, id, 5, 600000, 1);
	free(body);
	envelope_free(e);
	queue_close(q);
}

static void
envelope_keeps_everything(void **state)
{
	struct queue		*q = must_open();
	struct queue_writer	*w = queue_message(q);
	struct envelope		*e = envelope_new("");
	uint64_t		 id = queue_writer_id(w);
	int			 result = NOT_CALLED;

	(void)state;
	envelope_add(e, "a@b", "alice");
	envelope_add(e, "c@d", NULL);
	e->envid = strdup("envid");
	e->ret = strdup("FULL");
	e->flags = ENVELOPE_SMTPUTF8;
	e->recipients[1].notify = strdup("NEVER");
	e->recipients[1].orcpt = strdup("rfc822;c@d");
	queue_submit(w, e, set_result, &result);
	envelope_free(e);
	queue_commit(q);
	assert_int_equal(result, 0);
	q = reopen(q);
	e = queue_envelope(q, id);
	assert_non_null(e);
	assert_string_equal(e->sender, "");
	assert_string_equal(e->envid, "envid");
	assert_string_equal(e->ret, "FULL");
	assert_int_equal(e->flags, ENVELOPE_SMTPUTF8);
	assert_string_equal(e->recipients[0].user, "alice");
	assert_null(e->recipients[1].user);
	assert_string_equal(e->recipients[1].notify, "NEVER");
	assert_string_equal(e->recipients[1].orcpt, "rfc822;c@d");
	assert_int_equal(e->recipients[0].state, RECIPIENT_WAITING);
	assert_null(e->recipients[0].status);
	envelope_free(e);
	assert_null(queue_envelope(q, id + 1));
	assert_int_equal(errno, ENOENT);
	queue_close(q);
}

static int
change(struct queue *q, uint64_t id, enum queue_change what)
{
	int	 result = NOT_CALLED;

	queue_change(q, id, what, set_result, &result);
	assert_int_equal(result, NOT_CALLED);
	queue_commit(q);
	assert_int_not_equal(result, NOT_CALLED);
	return (result);
}

/* What the operator says of a message stays said. */
static void
changes_are_kept(void **state)
{
	struct queue		*q = must_open();
	struct queue_info	*info;
	struct envelope		*e;
	uint64_t		 id = put(q, 1, 100, 2), other;
	unsigned int		 i;

	(void)state;
	other = put(q, 2, 100, 1);
	assert_int_equal(change(q, id, QUEUE_HOLD), 0);
	assert_int_equal(change(q, id, QUEUE_URGENT), 0);
	assert_int_equal(change(q, id, QUEUE_LATE), 0);
	assert_int_equal(change(q, id + 1000000000, QUEUE_HOLD), ENOENT);
	for (i = 0; i < 2; i++) {
		assert_non_null(info = queue_info(q, id));
		assert_int_equal(info->class, PROTO_URGENT);
		assert_true(info->flags & QUEUE_INFO_HELD);
		assert_true(info->flags & QUEUE_INFO_LATE);
		assert_non_null(e = queue_envelope(q, id));
		assert_int_equal(e->class, PROTO_URGENT);
		assert_true(e->flags & ENVELOPE_HELD);
		assert_true(e->flags & ENVELOPE_LATE);
		envelope_free(e);
		assert_non_null(info = queue_info(q, other));
		assert_int_equal(info->class, PROTO_NORMAL);
		assert_int_equal(info->flags, QUEUE_INFO_REMOTE);
		q = reopen(q);
	}
	assert_int_equal(change(q, id, QUEUE_RELEASE), 0);
	assert_int_equal(change(q, id, QUEUE_BULK), 0);
	q = reopen(q);
	assert_non_null(info = queue_info(q, id));
	assert_int_equal(info->class, PROTO_BULK);
	assert_false(info->flags & QUEUE_INFO_HELD);
	assert_true(info->flags & QUEUE_INFO_LATE);
	queue_close(q);
}

/* A change that the disk did not take was not made. */
static void
failed_change_is_undone(void **state)
{
	struct queue		*q = must_open();
	struct queue_info	*info;
	uint64_t		 id = put(q, 1, 100, 1);

	(void)state;
	assert_int_equal(change(q, id, QUEUE_HOLD), 0);
	store_faults.sync_error = EIO;
	assert_int_equal(change(q, id, QUEUE_RELEASE), EIO);
	store_faults_reset();
	assert_non_null(info = queue_info(q, id));
	assert_true(info->flags & QUEUE_INFO_HELD);
	q = reopen(q);
	assert_non_null(info = queue_info(q, id));
	assert_true(info->flags & QUEUE_INFO_HELD);
	queue_close(q);
}

/* Tries are counted anew; who was removed is done with. */
static void
afresh_and_removed(void **state)
{
	struct queue	*q = must_open();
	struct envelope	*e;
	uint64_t	 id = put(q, 1, 100, 2);
	unsigned int	 i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(mark(q, id, 0, RECIPIENT_WAITING, "later"),
		    0);
	assert_non_null(e = queue_envelope(q, id));
	assert_int_equal(e->recipients[0].windows, 3);
	assert_true(e->recipients[0].marked > 0);
	assert_int_equal(e->recipients[1].marked, 0);
	envelope_free(e);
	queue_mark(q, id, 0, RECIPIENT_WAITING, QUEUE_AFRESH, "again", NULL,
	    NULL);
	queue_commit(q);
	q = reopen(q);
	assert_non_null(e = queue_envelope(q, id));
	assert_int_equal(e->recipients[0].windows, 0);
	envelope_free(e);
	assert_int_equal(mark(q, id, 0, RECIPIENT_REMOVED, "removed"), 0);
	q = reopen(q);
	assert_non_null(e = queue_envelope(q, id));
	assert_int_equal(e->recipients[0].state, RECIPIENT_REMOVED);
	envelope_free(e);
	assert_int_equal(mark(q, id, 1, RECIPIENT_REMOVED, "removed"), 0);
	assert_false(listed(q, id));
	q = reopen(q);
	assert_false(listed(q, id));
	queue_close(q);
}

static struct {
	unsigned int	 news, changes, gone;
	uint64_t	 last;
	uint32_t	 waiting;
} seen;

static void
on_event(struct queue *q, enum queue_event event, struct queue_info *info)
{
	(void)q;
	seen.news += event == QUEUE_NEW;
	seen.changes += event == QUEUE_CHANGED;
	seen.gone += event == QUEUE_GONE;
	seen.last = info->id;
	seen.waiting = info->waiting;
}

/* Who watches hears of what is durable, and of nothing else. */
static void
watchers_are_told(void **state)
{
	struct queue		*q = must_open();
	struct queue_watcher	 w = { .tell = on_event };
	uint64_t		 id = put(q, 1, 100, 2), id2;
	int			 result;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	queue_watch(q, &w);
	assert_int_equal(seen.news, 1);
	id2 = submit(q, 2, 100, 1, &result);
	assert_int_equal(seen.news, 1);
	store_faults.sync_error = EIO;
	queue_commit(q);
	store_faults_reset();
	assert_int_equal(result, EIO);
	assert_int_equal(seen.news, 1);
	id2 = put(q, 2, 100, 1);
	assert_int_equal(seen.news, 2);
	assert_int_equal(seen.last, id2);
	assert_int_equal(mark(q, id, 0, RECIPIENT_SENT, "ok"), 0);
	assert_int_equal(seen.changes, 1);
	assert_int_equal(seen.waiting, 1);
	assert_int_equal(change(q, id, QUEUE_HOLD), 0);
	assert_int_equal(seen.changes, 2);
	assert_int_equal(mark(q, id, 1, RECIPIENT_SENT, "ok"), 0);
	assert_int_equal(seen.gone, 1);
	assert_int_equal(seen.last, id);
	queue_unwatch(&w);
	put(q, 3, 10, 1);
	assert_int_equal(seen.news, 2);
	queue_watch(q, &w);
	assert_int_equal(seen.news, 4);
	queue_close(q);
	assert_null(w.queue);
}

static struct queue	*told_queue;
static unsigned int	 told_marked;	/* of the envelope, when told last */

static void
read_when_told(struct queue *q, enum queue_event event,
    struct queue_info *info)
{
	struct envelope	*e;
	uint32_t	 i;

	if (event != QUEUE_CHANGED)
		return;
	assert_ptr_equal(q, told_queue);
	e = queue_envelope(q, info->id);
	assert_non_null(e);
	told_marked = 0;
	for (i = 0; i < e->nrecipients; i++)
		told_marked += e->recipients[i].status != NULL;
	envelope_free(e);
}

/* Who is told of one mark may read the others of the same commit. */
static void
watcher_reads_all_marks(void **state)
{
	struct queue_watcher	 w = { .tell = read_when_told };
	uint64_t		 id;

	(void)state;
	told_queue = must_open();
	id = put(told_queue, 1, 100, 3);
	queue_watch(told_queue, &w);
	queue_mark(told_queue, id, 0, RECIPIENT_SENT, 1, "250", NULL, NULL);
	queue_mark(told_queue, id, 1, RECIPIENT_SENT, 1, "250", NULL, NULL);
	queue_commit(told_queue);
	assert_int_equal(told_marked, 2);
	queue_close(told_queue);
}

static void
bad_envelope_is_refused(void **state)
{
	struct queue		*q = must_open();
	struct queue_writer	*w = queue_message(q);
	struct envelope		*e = envelope_new("x@y");
	int			 result = NOT_CALLED, good;
	uint64_t		 id;

	(void)state;
	queue_submit(w, e, set_result, &result);
	envelope_free(e);
	id = submit(q, 1, 10, 1, &good);
	queue_commit(q);
	assert_int_equal(result, EINVAL);
	assert_int_equal(good, 0);
	assert_int_equal(count(q), 1);
	assert_true(listed(q, id));
	queue_close(q);
}

static void
listed_only_when_durable(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 id;
	int		 result;

	(void)state;
	assert_int_equal(queue_pending(q), 0);
	queue_commit(q);
	assert_int_equal(store_count(spoolfd, "queue", "log."), 0);
	id = submit(q, 1, 100, 1, &result);
	assert_int_equal(queue_pending(q), 1);
	assert_false(listed(q, id));
	assert_null(queue_envelope(q, id));
	queue_commit(q);
	assert_int_equal(queue_pending(q), 0);
	assert_true(listed(q, id));
	queue_close(q);
}

static void
aborted_leaves_nothing(void **state)
{
	struct queue		*q = must_open();
	struct queue_writer	*w = queue_message(q);
	uint8_t			*body = pattern(1, 700000);

	(void)state;
	assert_int_equal(queue_write(w, body, 700000), 0);
	assert_int_equal(store_count(spoolfd, "queue", "body."), 1);
	queue_abort(w);
	queue_abort(NULL);
	assert_int_equal(store_count(spoolfd, "queue", ""), 0);
	assert_int_equal(queue_pending(q), 0);
	free(body);
	queue_close(q);
}

struct again {
	struct queue	*q;
	uint64_t	 id;
	int		 first;
	int		 second;
	int		 mark;
};

static void
submit_again(void *arg, int result)
{
	struct again	*a = arg;

	a->first = result;
	assert_true(listed(a->q, a->id));
	(void)submit(a->q, 2, 10, 1, &a->second);
	queue_mark(a->q, a->id, 0, RECIPIENT_SENT, 1, "250 ok", set_result,
	    &a->mark);
	queue_commit(a->q);		/* does nothing in here */
	queue_clean(a->q);
	assert_int_equal(a->second, NOT_CALLED);
	assert_int_equal(a->mark, NOT_CALLED);
}

static void
callback_may_submit_and_mark(void **state)
{
	struct again		 a;
	struct queue_writer	*w;
	struct envelope		*e = envelope_new("x@y");

	(void)state;
	envelope_add(e, "z@y", NULL);
	a.q = must_open();
	a.mark = NOT_CALLED;
	w = queue_message(a.q);
	a.id = queue_writer_id(w);
	queue_submit(w, e, submit_again, &a);
	envelope_free(e);
	queue_commit(a.q);
	assert_int_equal(a.first, 0);
	assert_int_equal(a.second, NOT_CALLED);
	assert_int_equal(queue_pending(a.q), 1);
	queue_commit(a.q);
	assert_int_equal(a.second, 0);
	assert_int_equal(a.mark, 0);
	assert_false(listed(a.q, a.id));
	assert_int_equal(count(a.q), 1);
	queue_close(a.q);
}

static void
one_sync_for_a_group(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 ids[64];
	int		 results[64], marks[64];
	unsigned int	 i;

	(void)state;
	(void)put(q, 1, 10, 1);
	store_faults_reset();
	for (i = 0; i < 64; i++)
		ids[i] = submit(q, i, 3000, 2, &results[i]);
	queue_commit(q);
	assert_int_equal(store_traced(STORE_SYNC), 1);
	assert_int_equal(store_traced(STORE_SYNC_DIR), 0);
	for (i = 0; i < 64; i++) {
		assert_int_equal(results[i], 0);
		queue_mark(q, ids[i], 1, RECIPIENT_SENT, 1, "250",
		    set_result, &marks[i]);
	}
	queue_commit(q);
	assert_int_equal(store_traced(STORE_SYNC), 2);
	q = reopen(q);
	for (i = 0; i < 64; i++)
		assert_message(q, ids[i], i, 3000, 2);
	queue_close(q);
}

static int	 callback_seen;

static void
callback_trace(void *arg, int result)
{
	(void)arg;
	assert_int_equal(result, 0);
	callback_seen = (int)store_faults.trace_len;
}

/* Body, directory, then the record; log and its directory; callback. */
static void
order_of_syncs(void **state)
{
	struct queue		*q = must_open();
	struct queue_writer	*w;
	struct envelope		*e = envelope_new("x@y");
	uint8_t			*body = pattern(1, 300000);

	(void)state;
	envelope_add(e, "z@y", NULL);
	w = queue_message(q);
	store_faults_reset();
	assert_int_equal(queue_write(w, body, 300000), 0);
	queue_submit(w, e, callback_trace, NULL);
	queue_commit(q);
	/* create body, write twice; sync it and its name; the segment. */
	assert_string_equal(store_faults.trace, "cwwsdcwsd");
	assert_int_equal(callback_seen, 9);
	envelope_free(e);
	free(body);
	queue_close(q);
}

static void
marks_survive(void **state)
{
	struct queue	*q = must_open();
	struct envelope	*e;
	uint64_t	 id = put(q, 1, 100, 4);
	int		 round;

	(void)state;
	assert_int_equal(mark(q, id, 1, RECIPIENT_WAITING, "451 later"), 0);
	assert_int_equal(mark(q, id, 1, RECIPIENT_WAITING, "452 again"), 0);
	assert_int_equal(mark(q, id, 3, RECIPIENT_SENT, "250 ok"), 0);
	assert_int_equal(mark(q, id, 0, RECIPIENT_BOUNCED, NULL), 0);
	/* What is final stays so. */
	assert_int_equal(mark(q, id, 3, RECIPIENT_WAITING, "no"), 0);
	assert_int_equal(mark(q, id, 3, RECIPIENT_BOUNCED, "no"), 0);
	for (round = 0; round < 3; round++) {
		e = queue_envelope(q, id);
		assert_int_equal(e->recipients[0].state, RECIPIENT_BOUNCED);
		assert_null(e->recipients[0].status);
		assert_int_equal(e->recipients[1].state, RECIPIENT_WAITING);
		assert_int_equal(e->recipients[1].windows, 2);
		assert_string_equal(e->recipients[1].status, "452 again");
		assert_int_equal(e->recipients[2].state, RECIPIENT_WAITING);
		assert_int_equal(e->recipients[2].windows, 0);
		assert_int_equal(e->recipients[3].state, RECIPIENT_SENT);
		assert_string_equal(e->recipients[3].status, "250 ok");
		envelope_free(e);
		assert_int_equal(queue_is_marked(q, id, 0), 1);
		assert_int_equal(queue_is_marked(q, id, 1), 0);
		assert_int_equal(queue_is_marked(q, id, 2), 0);
		assert_int_equal(queue_is_marked(q, id, 3), 1);
		assert_int_equal(queue_is_marked(q, id + 1, 0), 1);
		q = reopen(q);
	}
	queue_close(q);
}

static void
mark_of_unknown_message(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 id = put(q, 1, 100, 1);

	(void)state;
	assert_int_equal(mark(q, id + 100, 0, RECIPIENT_SENT, NULL), ENOENT);
	assert_int_equal(mark(q, id, 1, RECIPIENT_SENT, NULL), ENOENT);
	assert_true(listed(q, id));
	queue_close(q);
}

static void
untried_mark_counts_no_window(void **state)
{
	struct queue	*q = must_open();
	struct envelope	*e;
	uint64_t	 id = put(q, 1, 100, 1);

	(void)state;
	queue_mark(q, id, 0, RECIPIENT_WAITING, 0, "x", NULL, NULL);
	queue_commit(q);
	e = queue_envelope(q, id);
	assert_int_equal(e->recipients[0].windows, 0);
	assert_string_equal(e->recipients[0].status, "x");
	envelope_free(e);
	queue_close(q);
}

static void
long_status_is_cut(void **state)
{
	struct queue	*q = must_open();
	struct envelope	*e;
	uint64_t	 id = put(q, 1, 100, 1);
	char		*status = calloc(1, 100000);

	(void)state;
	memset(status, 'x', 99999);
	assert_int_equal(mark(q, id, 0, RECIPIENT_WAITING, status), 0);
	q = reopen(q);
	e = queue_envelope(q, id);
	assert_int_equal(strlen(e->recipients[0].status), RECORD_STATUS_MAX);
	envelope_free(e);
	free(status);
	queue_close(q);
}

struct watch {
	struct queue	*q;
	uint64_t	 id;
	int		 envelope;
	int		 marked;
	int		 in_list;
};

static void
watch_mark(void *arg, int result)
{
	struct watch	*w = arg;
	struct envelope	*e;

	assert_int_equal(result, 0);
	e = queue_envelope(w->q, w->id);
	w->envelope = e != NULL;
	envelope_free(e);
	w->marked = queue_is_marked(w->q, w->id, 0);
	w->in_list = listed(w->q, w->id);
}

static void
done_goes_after_the_callbacks(void **state)
{
	struct watch	 w;

	(void)state;
	w.q = must_open();
	w.id = put(w.q, 1, 400000, 2);
	assert_int_equal(store_count(spoolfd, "queue", "body."), 1);
	queue_mark(w.q, w.id, 0, RECIPIENT_SENT, 1, "250", watch_mark, &w);
	queue_mark(w.q, w.id, 1, RECIPIENT_SENT, 1, "250", watch_mark, &w);
	queue_commit(w.q);
	assert_int_equal(w.envelope, 1);
	assert_int_equal(w.marked, 1);
	/* Nobody is to be sent to any more. */
	assert_int_equal(w.in_list, 0);
	assert_null(queue_envelope(w.q, w.id));
	assert_int_equal(store_count(spoolfd, "queue", "body."), 0);
	w.q = reopen(w.q);
	assert_int_equal(count(w.q), 0);
	queue_close(w.q);
}

/* Every length of the last segment that ends within its last record. */
static void
torn_end_is_cut_off(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a, b, c;
	uint8_t		*whole;
	size_t		 len, before, n;
	char		*name;

	(void)state;
	a = put(q, 1, 50, 1);
	b = put(q, 2, 60, 2);
	assert_int_equal(mark(q, b, 0, RECIPIENT_SENT, "250"), 0);
	before = (size_t)q->active->size;
	c = put(q, 3, 70, 1);
	queue_close(q);
	name = strdup(store_name(spoolfd, "queue", "log.", 0));
	whole = store_read(spoolfd, name, &len);
	for (n = before; n < len; n++) {
		store_write(spoolfd, name, whole, n);
		q = must_open();
		assert_int_equal(count(q), 2);
		assert_message(q, a, 1, 50, 1);
		assert_message(q, b, 2, 60, 2);
		assert_int_equal(queue_is_marked(q, b, 0), 1);
		assert_false(listed(q, c));
		/* It goes on where it was cut. */
		c = put(q, 4, 80, 1);
		q = reopen(q);
		assert_message(q, c, 4, 80, 1);
		queue_close(q);
		assert_int_equal(store_count(spoolfd, "queue", "damaged."),
		    0);
		assert_int_equal(store_count(spoolfd, "queue", "log."), 1);
	}
	free(whole);
	free(name);
}

/* Zeros instead of what was not written before the power went. */
static void
torn_end_of_zeros(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a;
	uint8_t		*whole;
	size_t		 len, before;
	char		*name;

	(void)state;
	a = put(q, 1, 50, 1);
	before = (size_t)q->active->size;
	(void)put(q, 3, 5000, 1);
	queue_close(q);
	name = strdup(store_name(spoolfd, "queue", "log.", 0));
	whole = store_read(spoolfd, name, &len);
	memset(whole + before, 0, len - before);
	store_write(spoolfd, name, whole, len);
	q = must_open();
	assert_int_equal(count(q), 1);
	assert_message(q, a, 1, 50, 1);
	assert_int_equal(store_count(spoolfd, "queue", "damaged."), 0);
	queue_close(q);
	free(whole);
	free(name);
}

/*
 * A notice and the mark that rests on it: if the page with the notice was
 * not written but that with the mark was, the mark must not count.
 */
static void
batch_with_a_hole_does_not_count(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a, notice;
	uint8_t		*whole;
	size_t		 len, before;
	int		 r1, r2;
	char		*name;

	(void)state;
	a = put(q, 1, 50, 2);
	before = (size_t)q->active->size;
	notice = submit(q, 2, 8000, 1, &r1);
	queue_mark(q, a, 0, RECIPIENT_BOUNCED, 1, "550", set_result, &r2);
	queue_commit(q);
	assert_int_equal(r1, 0);
	assert_int_equal(r2, 0);
	queue_close(q);
	name = strdup(store_name(spoolfd, "queue", "log.", 0));
	whole = store_read(spoolfd, name, &len);
	memset(whole + before + 1000, 0, 4096);
	store_write(spoolfd, name, whole, len);
	q = must_open();
	assert_false(listed(q, notice));
	assert_message(q, a, 1, 50, 2);
	assert_int_equal(queue_is_marked(q, a, 0), 0);
	/* It could have been the disk's fault, though. */
	assert_int_equal(store_count(spoolfd, "queue", "damaged."), 1);
	q = reopen(q);
	assert_int_equal(count(q), 1);
	queue_close(q);
	free(whole);
	free(name);
}

/* One byte is wrong, at every place: only what it belongs to is lost. */
static void
damage_in_the_middle(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 ids[5];
	uint8_t		*whole;
	size_t		 ends[6], len, n;
	unsigned int	 i;
	char		*name;

	(void)state;
	for (i = 0; i < 5; i++) {
		ends[i] = q->active == NULL ? 0 : (size_t)q->active->size;
		ids[i] = put(q, i, 90 + i, 1);
	}
	queue_close(q);
	name = strdup(store_name(spoolfd, "queue", "log.", 0));
	whole = store_read(spoolfd, name, &len);
	ends[5] = len;
	for (n = 0; n < ends[4]; n++) {
		whole[n] ^= 0x10;
		store_write(spoolfd, name, whole, len);
		whole[n] ^= 0x10;
		q = must_open();
		for (i = 0; i < 5; i++)
			if (n < ends[i] || n >= ends[i + 1])
				assert_message(q, ids[i], i, 90 + i, 1);
		/* The seal of the first segment is no loss. */
		assert_in_range(count(q), 4, 5);
		assert_int_equal(store_count(spoolfd, "queue", "damaged."),
		    1);
		q = reopen(q);
		assert_in_range(count(q), 4, 5);
		assert_int_equal(store_count(spoolfd, "queue", "damaged."),
		    1);
		queue_close(q);
		assert_int_equal(unlinkat(spoolfd, store_name(spoolfd,
		    "queue", "damaged.", 0), 0), 0);
	}
	free(whole);
	free(name);
}

/* Damage is copied as it is, and a body in a file with it. */
static void
damage_is_kept(void **state)
{
	struct queue	*q = must_open();
	uint8_t		*whole, *aside;
	size_t		 len, from, to, aside_len;
	char		*name;

	(void)state;
	(void)put(q, 1, 100, 1);
	from = (size_t)q->active->size;
	(void)put(q, 2, 300000, 1);
	to = (size_t)q->active->size;
	(void)put(q, 3, 100, 1);
	queue_close(q);
	name = strdup(store_name(spoolfd, "queue", "log.", 0));
	whole = store_read(spoolfd, name, &len);
	whole[from + RECORD_HEADER_LEN + 3] ^= 1;
	store_write(spoolfd, name, whole, len);
	q = must_open();
	assert_int_equal(count(q), 2);
	aside = store_read(spoolfd, store_name(spoolfd, "queue",
	    "damaged.0", 0), &aside_len);
	assert_int_equal(aside_len, to - from);
	assert_memory_equal(aside, whole + from, aside_len);
	assert_int_equal(store_count(spoolfd, "queue", "damaged.body."), 1);
	assert_int_equal(store_count(spoolfd, "queue", "body."), 0);
	queue_close(q);
	free(aside);
	free(whole);
	free(name);
}

/* The end of a segment that another follows was acknowledged. */
static void
damage_at_the_end_of_an_older_segment(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a, b, c, d;
	uint8_t		*whole;
	size_t		 len, n, from;
	int		 r;
	char		*name;

	(void)state;
	a = put(q, 1, 100, 1);
	from = (size_t)q->active->size;
	b = submit(q, 2, 100, 1, &r);
	c = put(q, 3, 100, 1);
	queue_retire(q);
	d = put(q, 4, 100, 1);
	queue_close(q);
	name = strdup(store_name(spoolfd, "queue", "log.", 0));
	whole = store_read(spoolfd, name, &len);
	for (n = from; n <= len; n += 11) {
		/* One of the two at its end is damaged, or cut off. */
		store_write(spoolfd, name, whole, n);
		q = must_open();
		assert_message(q, a, 1, 100, 1);
		assert_message(q, d, 4, 100, 1);
		queue_close(q);
		whole[n] ^= 1;
		store_write(spoolfd, name, whole, len);
		whole[n] ^= 1;
		q = must_open();
		assert_int_equal(count(q), n == len ? 4 : 3);
		assert_message(q, a, 1, 100, 1);
		assert_int_equal(listed(q, b) + listed(q, c),
		    n == len ? 2 : 1);
		assert_message(q, d, 4, 100, 1);
		queue_close(q);
	}
	free(whole);
	free(name);
}

/* That a message is done is said twice. */
static void
damaged_mark_of_a_done_message(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a = put(q, 1, 100, 1), b;
	uint64_t	 at = q->active->size;
	uint8_t		*whole;
	size_t		 len, n;
	char		*name;

	(void)state;
	assert_int_equal(mark(q, a, 0, RECIPIENT_SENT, "250"), 0);
	b = put(q, 2, 100, 1);
	queue_close(q);
	name = strdup(store_name(spoolfd, "queue", "log.", 0));
	whole = store_read(spoolfd, name, &len);
	for (n = 0; n < 100; n++) {
		whole[at + n] ^= 1;
		store_write(spoolfd, name, whole, len);
		whole[at + n] ^= 1;
		q = must_open();
		assert_int_equal(count(q), 1);
		assert_message(q, b, 2, 100, 1);
		queue_close(q);
	}
	free(whole);
	free(name);
}

/* The disk gives everything but a few sectors. */
static void
unreadable_sectors(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 ids[10];
	unsigned int	 i, there = 0;

	(void)state;
	for (i = 0; i < 10; i++)
		ids[i] = put(q, i, 4000, 1);
	queue_close(q);
	store_faults.bad_from = 12288;
	store_faults.bad_to = 16384;
	q = must_open();
	for (i = 0; i < 10; i++)
		there += (unsigned int)listed(q, ids[i]);
	assert_in_range(there, 8, 9);
	store_faults_reset();
	for (i = 0; i < 10; i++)
		if (listed(q, ids[i]))
			assert_message(q, ids[i], i, 4000, 1);
	queue_close(q);
}

/* What went bad after the start is an error, not a wrong message. */
static void
damage_while_running(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a = put(q, 1, 100, 1), size;
	uint8_t		*whole;
	size_t		 len;
	off_t		 offset;
	char		*name;

	(void)state;
	(void)put(q, 2, 100, 1);
	name = strdup(store_name(spoolfd, "queue", "log.", 0));
	whole = store_read(spoolfd, name, &len);
	whole[RECORD_HEADER_LEN + 16 + RECORD_HEADER_LEN + 5] ^= 1;
	store_write(spoolfd, name, whole, len);
	assert_null(queue_envelope(q, a));
	assert_int_equal(errno, EIO);
	store_write(spoolfd, name, whole, 60);
	assert_int_equal(queue_body(q, a, &offset, &size), -1);
	assert_int_equal(errno, EIO);
	queue_close(q);
	free(whole);
	free(name);
}

/* Nobody can write a message that is taken for records. */
static void
body_like_a_record_is_not_one(void **state)
{
	struct queue	*q = must_open();
	struct queue_writer *w;
	struct envelope	*e = envelope_new("x@y");
	uint64_t	 id, other;
	uint8_t		*whole;
	size_t		 len, at;
	int		 result = NOT_CALLED;
	char		*name;

	(void)state;
	envelope_add(e, "z@y", NULL);
	other = put(q, 1, 100, 1);
	/* The log itself as a body: it knows even the salt. */
	name = strdup(store_name(spoolfd, "queue", "log.", 0));
	whole = store_read(spoolfd, name, &len);
	assert_int_equal(mark(q, other, 0, RECIPIENT_SENT, "250"), 0);
	w = queue_message(q);
	id = queue_writer_id(w);
	assert_int_equal(queue_write(w, whole, len), 0);
	free(whole);
	at = (size_t)q->active->size;
	queue_submit(w, e, set_result, &result);
	queue_commit(q);
	assert_int_equal(result, 0);
	(void)put(q, 3, 100, 1);
	queue_close(q);
	whole = store_read(spoolfd, name, &len);
	whole[at] ^= 1;
	store_write(spoolfd, name, whole, len);
	q = must_open();
	assert_int_equal(count(q), 1);
	assert_false(listed(q, other));
	assert_false(listed(q, id));
	queue_close(q);
	envelope_free(e);
	free(whole);
	free(name);
}

static void
missing_body_is_set_aside(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a = put(q, 1, 300000, 1), b = put(q, 2, 400000, 1);
	uint64_t	 c = put(q, 3, 500000, 1);
	char		 name[QUEUE_NAME_MAX];
	uint8_t		*body;
	size_t		 len;

	(void)state;
	queue_close(q);
	snprintf(name, sizeof(name), "queue/body.%016llx",
	    (unsigned long long)a);
	assert_int_equal(unlinkat(spoolfd, name, 0), 0);
	snprintf(name, sizeof(name), "queue/body.%016llx",
	    (unsigned long long)b);
	body = store_read(spoolfd, name, &len);
	store_write(spoolfd, name, body, len - 1);
	free(body);
	q = must_open();
	assert_int_equal(count(q), 1);
	assert_message(q, c, 3, 500000, 1);
	assert_int_equal(store_count(spoolfd, "queue", "damaged.0"), 2);
	assert_int_equal(store_count(spoolfd, "queue", "damaged.body"), 1);
	q = reopen(q);
	assert_int_equal(count(q), 1);
	queue_close(q);
}

static void
orphans_are_removed(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 id = put(q, 1, 300000, 1);

	(void)state;
	queue_close(q);
	store_write(spoolfd, "queue/body.0000000000000001", "x", 1);
	store_write(spoolfd, "queue/tmp.damaged", "x", 1);
	store_write(spoolfd, "queue/damaged.old", "x", 1);
	q = must_open();
	assert_message(q, id, 1, 300000, 1);
	assert_int_equal(store_count(spoolfd, "queue", "body."), 1);
	assert_int_equal(store_count(spoolfd, "queue", "tmp."), 0);
	assert_int_equal(store_count(spoolfd, "queue", "damaged."), 1);
	queue_close(q);
}

static void
ids_grow_when_the_clock_goes_back(void **state)
{
	struct queue	*q;
	uint64_t	 last, id;
	int		 i;

	(void)state;
	store_faults.clock_offset = 86400;
	q = must_open();
	last = put(q, 1, 10, 1);
	store_faults.clock_offset = 0;
	for (i = 0; i < 5; i++) {
		id = put(q, 1, 10, 1);
		assert_true(id > last);
		last = id;
		q = reopen(q);
	}
	/* All are done and their segments gone, but for an empty one. */
	for (id = 0; count(q) > 0; ) {
		struct queue_info	 info;

		assert_int_equal(queue_next(q, 0, &info), 1);
		assert_int_equal(mark(q, info.id, 0, RECIPIENT_SENT, NULL),
		    0);
	}
	q->segment_max = 16;
	queue_clean(q);
	assert_int_equal(store_count(spoolfd, "queue", "log."), 1);
	q = reopen(q);
	assert_true(put(q, 1, 10, 1) > last);
	queue_close(q);
}

static void
short_write_is_taken_back(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a = put(q, 1, 100, 1), b, c;
	uint64_t	 size = q->active->size;
	size_t		 limit;
	int		 r1, r2, r3;

	(void)state;
	for (limit = 0; limit < 700; limit += 13) {
		store_faults.write_error = ENOSPC;
		store_faults.write_limit = limit;
		b = submit(q, 2, 200, 1, &r1);
		c = submit(q, 3, 300, 1, &r2);
		queue_mark(q, a, 0, RECIPIENT_SENT, 1, "250", set_result,
		    &r3);
		queue_commit(q);
		assert_int_equal(r1, ENOSPC);
		assert_int_equal(r2, ENOSPC);
		assert_int_equal(r3, ENOSPC);
		assert_false(listed(q, b));
		assert_false(listed(q, c));
		assert_int_equal(queue_is_marked(q, a, 0), 0);
		assert_int_equal(q->active->size, size);
		store_faults_reset();
		b = put(q, 4, 50, 1);
		q = reopen(q);
		assert_message(q, a, 1, 100, 1);
		assert_message(q, b, 4, 50, 1);
		size = q->active->size;
	}
	queue_close(q);
}

/* The same with the kernel's own limit, and for a body in a file. */
static void
file_size_limit(void **state)
{
	struct queue		*q = must_open();
	struct queue_writer	*w;
	struct rlimit		 old, limit;
	uint64_t		 a = put(q, 1, 100, 1), b;
	uint8_t			*body = pattern(1, 600000);
	int			 r;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 2000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	b = submit(q, 2, 5000, 1, &r);
	queue_commit(q);
	w = queue_message(q);
	assert_int_equal(queue_write(w, body, 600000), -1);
	assert_int_equal(errno, EFBIG);
	queue_abort(w);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(r, EFBIG);
	assert_false(listed(q, b));
	assert_int_equal(store_count(spoolfd, "queue", ""), 1);
	b = put(q, 3, 5000, 1);
	q = reopen(q);
	assert_message(q, a, 1, 100, 1);
	assert_message(q, b, 3, 5000, 1);
	free(body);
	queue_close(q);
}

/* Messages are refused while marks still have room. */
static void
reserve_is_for_marks(void **state)
{
	struct queue		*q = must_open();
	struct queue_writer	*w;
	uint64_t		 a = put(q, 1, 100, 3), b;
	uint8_t			*body = pattern(1, 600000);
	int			 r1, r2, r3;

	(void)state;
	store_faults.available = QUEUE_RESERVE;
	b = submit(q, 2, 100, 1, &r1);
	queue_mark(q, a, 0, RECIPIENT_SENT, 1, "250", set_result, &r2);
	/* Its notice may be the message that is refused. */
	queue_mark(q, a, 1, RECIPIENT_BOUNCED, 1, "550", set_result, &r3);
	queue_commit(q);
	assert_int_equal(r1, ENOSPC);
	assert_int_equal(r2, 0);
	assert_int_equal(r3, ENOSPC);
	assert_false(listed(q, b));
	assert_int_equal(mark(q, a, 1, RECIPIENT_BOUNCED, "550"), 0);
	w = queue_message(q);
	assert_int_equal(queue_write(w, body, 600000), -1);
	assert_int_equal(errno, ENOSPC);
	queue_abort(w);
	assert_int_equal(store_count(spoolfd, "queue", "body."), 0);
	free(body);
	queue_close(q);
}

/* Nothing of a commit whose sync failed is there, now or later. */
static void
failed_sync(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a = put(q, 1, 100, 2), b, c;
	int		 round, r1, r2;

	(void)state;
	for (round = 0; round < 2; round++) {
		/* The second time it cannot even be taken back. */
		store_faults.sync_error = EIO;
		store_faults.truncate_error = round == 0 ? 0 : EIO;
		b = submit(q, 2, 200, 1, &r1);
		queue_mark(q, a, 0, RECIPIENT_SENT, 1, "250", set_result,
		    &r2);
		queue_commit(q);
		assert_int_equal(r1, EIO);
		assert_int_equal(r2, EIO);
		assert_false(listed(q, b));
		assert_int_equal(queue_is_marked(q, a, 0), 0);
		assert_null(q->active);
		store_faults_reset();
		assert_message(q, a, 1, 100, 2);
		c = put(q, 3, 300, 1);
		q = reopen(q);
		assert_int_equal(count(q), 2 + round);
		assert_message(q, a, 1, 100, 2);
		assert_message(q, c, 3, 300, 1);
		assert_int_equal(queue_is_marked(q, a, 0), 0);
	}
	assert_int_equal(store_count(spoolfd, "queue", "log."), 3);
	queue_close(q);
}

/* Without inodes there is no new segment, but the old one takes more. */
static void
no_file_can_be_made(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a, b;
	int		 i;

	(void)state;
	a = put(q, 1, 600, 1);
	b = put(q, 2, 600, 1);
	q->segment_max = 1000;
	store_faults.create_error = ENOSPC;
	assert_int_equal(mark(q, a, 0, RECIPIENT_SENT, "250"), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(queue_rotate(q), ENOSPC);
		assert_non_null(q->active);
	}
	store_faults_reset();
	(void)put(q, 3, 10, 1);
	assert_int_equal(store_count(spoolfd, "queue", "log."), 2);
	q = reopen(q);
	assert_int_equal(count(q), 2);
	assert_message(q, b, 2, 600, 1);
	assert_int_equal(queue_is_marked(q, a, 0), 1);
	queue_close(q);
}

/* What the disk would not give back may be found by the next start. */
static void
doubt_lasts_until_a_commit(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a = put(q, 1, 100, 2);

	(void)state;
	store_faults.write_error = ENOSPC;
	assert_int_equal(mark(q, a, 0, RECIPIENT_SENT, "250"), ENOSPC);
	assert_false(queue_in_doubt(q));
	store_faults_reset();
	store_faults.sync_error = EIO;
	store_faults.truncate_error = EIO;
	assert_int_equal(mark(q, a, 0, RECIPIENT_SENT, "250"), EIO);
	assert_true(queue_in_doubt(q));
	store_faults_reset();
	q = reopen(q);
	assert_false(queue_in_doubt(q));
	assert_int_equal(queue_is_marked(q, a, 0), 1);
	store_faults.sync_error = EIO;
	assert_int_equal(mark(q, a, 1, RECIPIENT_SENT, "250"), EIO);
	assert_true(queue_in_doubt(q));
	store_faults_reset();
	(void)put(q, 2, 10, 1);
	assert_false(queue_in_doubt(q));
	q = reopen(q);
	assert_int_equal(queue_is_marked(q, a, 1), 0);
	queue_close(q);
}

/* A segment that failed and was removed must not come back. */
static void
a_removed_segment_is_gone_for_good(void **state)
{
	struct queue	*q = must_open();
	char		 trace[8] = "";
	int		 r;

	(void)state;
	store_faults.sync_error = EIO;
	(void)submit(q, 1, 100, 1, &r);
	queue_commit(q);
	assert_int_equal(r, EIO);
	strlcpy(trace, store_faults.trace, sizeof(trace));
	store_faults_reset();
	assert_string_equal(trace, "cwsud");
	assert_false(queue_in_doubt(q));
	queue_close(q);
}

/* The same in a segment that is new, and for its directory. */
static void
failed_sync_of_new_segment(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a, b;
	int		 round, r;

	(void)state;
	a = put(q, 1, 100, 1);
	for (round = 0; round < 2; round++) {
		queue_retire(q);
		if (round == 0)
			store_faults.sync_error = EIO;
		else
			store_faults.dir_error = EIO;
		(void)submit(q, 2, 200, 1, &r);
		queue_commit(q);
		assert_int_equal(r, EIO);
		store_faults_reset();
		assert_int_equal(store_count(spoolfd, "queue", "log."),
		    1 + round);
		b = put(q, 3, 10, 1);
		q = reopen(q);
		assert_int_equal(count(q), 2 + round);
		assert_message(q, a, 1, 100, 1);
		assert_message(q, b, 3, 10, 1);
	}
	queue_close(q);
}

static void
failed_sync_of_body(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a = put(q, 1, 100, 1), b;
	int		 r;

	(void)state;
	b = submit(q, 2, 300000, 1, &r);
	store_faults.sync_error = EIO;
	queue_commit(q);
	store_faults_reset();
	assert_int_equal(r, EIO);
	assert_false(listed(q, b));
	assert_int_equal(store_count(spoolfd, "queue", "body."), 0);
	q = reopen(q);
	assert_int_equal(count(q), 1);
	assert_message(q, a, 1, 100, 1);
	queue_close(q);
}

/* A segment that a later one does not know of does not count. */
static void
given_up_segment_is_void(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 a = put(q, 1, 100, 1), b;
	uint8_t		*whole;
	size_t		 len;
	char		*name;

	(void)state;
	queue_retire(q);
	(void)put(q, 2, 200, 1);
	name = strdup(store_name(spoolfd, "queue", "log.", 1));
	whole = store_read(spoolfd, name, &len);
	queue_close(q);
	/* As if making the second had failed and the third come after. */
	assert_int_equal(unlinkat(spoolfd, name, 0), 0);
	q = must_open();
	queue_retire(q);
	b = put(q, 3, 300, 1);
	queue_close(q);
	store_write(spoolfd, name, whole, len);
	q = must_open();
	assert_int_equal(count(q), 2);
	assert_message(q, a, 1, 100, 1);
	assert_message(q, b, 3, 300, 1);
	assert_int_equal(store_count(spoolfd, "queue", "log."), 2);
	assert_int_equal(store_count(spoolfd, "queue", "damaged.log"), 1);
	queue_close(q);
	free(whole);
	free(name);
}

/* A DONE in a newer segment outlives its message's older one. */
static void
done_messages_stay_done(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 keep, gone, b;
	unsigned int	 i;

	(void)state;
	keep = put(q, 1, 5000, 2);
	gone = put(q, 2, 100, 1);
	queue_retire(q);
	b = put(q, 3, 100, 1);
	assert_int_equal(mark(q, gone, 0, RECIPIENT_SENT, "250"), 0);
	assert_int_equal(mark(q, keep, 1, RECIPIENT_SENT, "250"), 0);
	assert_int_equal(mark(q, b, 0, RECIPIENT_SENT, "250"), 0);
	queue_retire(q);
	b = put(q, 4, 100, 1);
	for (i = 0; i < 3; i++) {
		/* The middle one is empty, but the oldest is not. */
		queue_clean(q);
		assert_int_equal(store_count(spoolfd, "queue", "log."), 3);
		q = reopen(q);
		assert_int_equal(count(q), 2);
		assert_false(listed(q, gone));
		assert_message(q, keep, 1, 5000, 2);
		assert_int_equal(queue_is_marked(q, keep, 1), 1);
	}
	queue_close(q);
}

/* The few that stay go forward, with their marks. */
static void
few_are_copied_forward(void **state)
{
	struct queue	*q = must_open();
	struct envelope	*e;
	struct segment	*active;
	uint64_t	 ids[40], big, size;
	unsigned int	 i;

	(void)state;
	q->segment_max = 20000;
	big = put(q, 99, 300000, 1);
	for (i = 0; i < 40; i++)
		ids[i] = put(q, i, 2000, 2);
	assert_int_equal(mark(q, ids[3], 0, RECIPIENT_SENT, "250 a"), 0);
	assert_int_equal(mark(q, ids[3], 1, RECIPIENT_WAITING, "4"), 0);
	assert_int_equal(change(q, ids[3], QUEUE_BULK), 0);
	assert_int_equal(change(q, big, QUEUE_HOLD), 0);
	for (i = 0; i < 40; i++) {
		if (i == 3)
			continue;
		assert_int_equal(mark(q, ids[i], 0, RECIPIENT_SENT, ""), 0);
		assert_int_equal(mark(q, ids[i], 1, RECIPIENT_SENT, ""), 0);
	}
	assert_true(store_count(spoolfd, "queue", "log.") > 4);
	/* Not into what is kept for marks. */
	store_faults.available = QUEUE_RESERVE;
	active = q->active;
	size = active->size;
	queue_clean(q);
	assert_ptr_equal(q->active, active);
	assert_int_equal(active->size, size);
	store_faults.available = 0;
	for (i = 0; i < 5; i++) {
		q->segment_max = 20000;
		queue_clean(q);
		q = reopen(q);
		assert_int_equal(count(q), 2);
		assert_message(q, big, 99, 300000, 1);
		assert_message(q, ids[3], 3, 2000, 2);
		e = queue_envelope(q, ids[3]);
		assert_int_equal(e->recipients[0].state, RECIPIENT_SENT);
		assert_string_equal(e->recipients[0].status, "250 a");
		assert_int_equal(e->recipients[1].windows, 1);
		assert_int_equal(e->class, PROTO_BULK);
		assert_false(e->flags & ENVELOPE_HELD);
		envelope_free(e);
		assert_non_null(e = queue_envelope(q, big));
		assert_true(e->flags & ENVELOPE_HELD);
		envelope_free(e);
	}
	assert_int_equal(store_count(spoolfd, "queue", "log."), 1);
	assert_int_equal(mark(q, ids[3], 1, RECIPIENT_SENT, ""), 0);
	assert_int_equal(mark(q, big, 0, RECIPIENT_SENT, ""), 0);
	q = reopen(q);
	assert_int_equal(count(q), 0);
	assert_int_equal(store_count(spoolfd, "queue", "body."), 0);
	queue_close(q);
}

/* One message that cannot be read for a while, and what is behind it. */
static void
setup_unreadable(struct queue *q, uint64_t ids[10])
{
	unsigned int	 i;

	q->segment_max = 20000;
	for (i = 0; i < 10; i++)
		ids[i] = put(q, i, 6000, 1);
	for (i = 0; i < 9; i++)
		if (i != 1)
			assert_int_equal(mark(q, ids[i], 0, RECIPIENT_SENT,
			    ""), 0);
	assert_true(store_count(spoolfd, "queue", "log.") > 3);
	store_faults.bad_from = 6000;
	store_faults.bad_to = 12000;
	for (i = 0; i < 3; i++)
		queue_clean(q);
	assert_true(store_count(spoolfd, "queue", "log.") > 3);
	store_faults_reset();
}

static void
unreadable_is_read_again(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 ids[10];
	unsigned int	 i;

	(void)state;
	setup_unreadable(q, ids);
	for (i = 0; i < 100; i++)
		queue_clean(q);
	assert_in_range(store_count(spoolfd, "queue", "log."), 1, 2);
	q = reopen(q);
	assert_int_equal(count(q), 2);
	assert_message(q, ids[1], 1, 6000, 1);
	assert_message(q, ids[9], 9, 6000, 1);
	queue_close(q);
}

/* It went meanwhile: nothing of its segment is wanted any more. */
static void
unreadable_is_done(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 ids[10];

	(void)state;
	setup_unreadable(q, ids);
	assert_int_equal(mark(q, ids[1], 0, RECIPIENT_SENT, ""), 0);
	queue_clean(q);
	assert_in_range(store_count(spoolfd, "queue", "log."), 1, 2);
	q = reopen(q);
	assert_int_equal(count(q), 1);
	assert_message(q, ids[9], 9, 6000, 1);
	queue_close(q);
}

/* Oldest first, and never the next before the last is durable. */
static void
unlinks_are_in_order(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 ids[4];
	unsigned int	 i;

	(void)state;
	for (i = 0; i < 4; i++) {
		ids[i] = put(q, i, 100, 1);
		queue_retire(q);
	}
	(void)put(q, 4, 100, 1);
	for (i = 0; i < 4; i++)
		assert_int_equal(mark(q, ids[i], 0, RECIPIENT_SENT, ""), 0);
	store_faults_reset();
	queue_clean(q);
	assert_string_equal(store_faults.trace, "udududud");
	assert_int_equal(store_count(spoolfd, "queue", "log."), 1);
	queue_close(q);
}

static void
unlink_waits_for_its_directory(void **state)
{
	struct queue	*q = must_open();
	uint64_t	 ids[3];
	unsigned int	 i;

	(void)state;
	for (i = 0; i < 3; i++) {
		ids[i] = put(q, i, 100, 1);
		queue_retire(q);
	}
	(void)put(q, 3, 100, 1);
	for (i = 0; i < 3; i++)
		assert_int_equal(mark(q, ids[i], 0, RECIPIENT_SENT, ""), 0);
	store_faults.dir_error = EIO;
	for (i = 0; i < 3; i++)
		queue_clean(q);
	assert_int_equal(store_count(spoolfd, "queue", "log."), 3);
	store_faults_reset();
	queue_clean(q);
	assert_int_equal(store_count(spoolfd, "queue", "log."), 1);
	queue_close(q);
}

/* A log from a later version is not for us to take apart. */
static void
later_version_is_refused(void **state)
{
	struct queue	*q = must_open();
	uint8_t		*whole, crc[44];
	size_t		 len;
	uint32_t	 c;
	char		*name;

	(void)state;
	(void)put(q, 1, 100, 1);
	queue_close(q);
	name = strdup(store_name(spoolfd, "queue", "log.", 0));
	whole = store_read(spoolfd, name, &len);
	whole[12]++;
	memset(crc, 0, sizeof(crc));
	memcpy(crc, whole, 36);
	c = record_crc(crc, sizeof(crc));
	whole[36] = c >> 24;
	whole[37] = c >> 16;
	whole[38] = c >> 8;
	whole[39] = c;
	store_write(spoolfd, name, whole, len);
	assert_null(queue_open(spoolfd, "queue"));
	assert_int_equal(errno, EPROTONOSUPPORT);
	free(whole);
	free(name);
}

static void
no_directory(void **state)
{
	(void)state;
	assert_null(queue_open(spoolfd, "nowhere"));
	assert_int_equal(errno, ENOENT);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(bodies_of_all_sizes),
		TEST(body_in_small_writes),
		TEST(envelope_keeps_everything),
		TEST(changes_are_kept),
		TEST(failed_change_is_undone),
		TEST(afresh_and_removed),
		TEST(watchers_are_told),
		TEST(watcher_reads_all_marks),
		TEST(bad_envelope_is_refused),
		TEST(listed_only_when_durable),
		TEST(aborted_leaves_nothing),
		TEST(callback_may_submit_and_mark),
		TEST(one_sync_for_a_group),
		TEST(order_of_syncs),
		TEST(marks_survive),
		TEST(mark_of_unknown_message),
		TEST(untried_mark_counts_no_window),
		TEST(long_status_is_cut),
		TEST(done_goes_after_the_callbacks),
		TEST(torn_end_is_cut_off),
		TEST(torn_end_of_zeros),
		TEST(batch_with_a_hole_does_not_count),
		TEST(damage_in_the_middle),
		TEST(damage_is_kept),
		TEST(damage_at_the_end_of_an_older_segment),
		TEST(damaged_mark_of_a_done_message),
		TEST(unreadable_sectors),
		TEST(damage_while_running),
		TEST(body_like_a_record_is_not_one),
		TEST(missing_body_is_set_aside),
		TEST(orphans_are_removed),
		TEST(ids_grow_when_the_clock_goes_back),
		TEST(short_write_is_taken_back),
		TEST(file_size_limit),
		TEST(reserve_is_for_marks),
		TEST(failed_sync),
		TEST(no_file_can_be_made),
		TEST(doubt_lasts_until_a_commit),
		TEST(a_removed_segment_is_gone_for_good),
		TEST(failed_sync_of_new_segment),
		TEST(failed_sync_of_body),
		TEST(given_up_segment_is_void),
		TEST(done_messages_stay_done),
		TEST(few_are_copied_forward),
		TEST(unreadable_is_read_again),
		TEST(unreadable_is_done),
		TEST(unlinks_are_in_order),
		TEST(unlink_waits_for_its_directory),
		TEST(later_version_is_refused),
		TEST(no_directory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
