/* See LICENSE for the terms. */

/*
 * Local delivery against a queue of the test's own, whose marks become
 * durable, or fail, when the test says so.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "local.h"
#include "maildir.h"
#include "queue.h"
#include "spoold.h"

#define MESSAGES_MAX	300
#define RECIPIENTS_MAX	3
#define BODY		"Subject: x\r\n\r\n.dot\r\nbare\nlf\r\n"
#define RETURN_PATH	"Return-Path: <s@x.example>\r\n"

struct fake_message {
	uint64_t	 id;
	const char	*users[RECIPIENTS_MAX];	/* NULL: for the line */
	uint32_t	 nrecipients;
	int		 marked[RECIPIENTS_MAX];
	unsigned int	 read;		/* times the envelope was read */
};

struct fake_mark {
	uint64_t	 id;
	uint32_t	 recipient;
	queue_callback	*callback;
	void		*arg;
};

int			 spool_fd;
struct queue		*spool_queue = (struct queue *)&spool_fd;

static int		 body_fd;
static int		 body_error;
static struct fake_message messages[MESSAGES_MAX];
static size_t		 nmessages;
static struct fake_mark	 marks[MESSAGES_MAX * RECIPIENTS_MAX];
static size_t		 nmarks;
static unsigned int	 commits;
static int		 in_doubt;
static struct queue_watcher *watcher;

static struct fake_message *
find(uint64_t id)
{
	size_t	 i;

	for (i = 0; i < nmessages; i++)
		if (messages[i].id == id)
			return (&messages[i]);
	return (NULL);
}

static void
tell(const struct fake_message *m)
{
	struct queue_info	 info;

	memset(&info, 0, sizeof(info));
	info.id = m->id;
	info.flags = m->users[0] != NULL || m->users[1] != NULL ?
	    QUEUE_INFO_LOCAL : QUEUE_INFO_REMOTE;
	watcher->tell(spool_queue, QUEUE_NEW, &info);
}

void
queue_watch(struct queue *q, struct queue_watcher *w)
{
	size_t	 i;

	assert_ptr_equal(q, spool_queue);
	watcher = w;
	w->queue = q;
	for (i = 0; i < nmessages; i++)
		tell(&messages[i]);
}

struct envelope *
queue_envelope(struct queue *q, uint64_t id)
{
	struct fake_message	*m = find(id);
	struct envelope		*env;
	uint32_t		 i;

	(void)q;
	if (m == NULL) {
		errno = ENOENT;
		return (NULL);
	}
	m->read++;
	env = calloc(1, sizeof(*env));
	assert_non_null(env);
	env->id = id;
	env->sender = strdup("s@x.example");
	env->size = strlen(BODY);
	env->nrecipients = m->nrecipients;
	env->recipients = calloc(m->nrecipients, sizeof(*env->recipients));
	assert_non_null(env->recipients);
	for (i = 0; i < m->nrecipients; i++) {
		if (m->users[i] != NULL)
			env->recipients[i].user = strdup(m->users[i]);
		env->recipients[i].state = m->marked[i] ? RECIPIENT_SENT :
		    RECIPIENT_WAITING;
	}
	return (env);
}

void
envelope_free(struct envelope *env)
{
	uint32_t	 i;

	if (env == NULL)
		return;
	for (i = 0; i < env->nrecipients; i++)
		free(env->recipients[i].user);
	free(env->recipients);
	free(env->sender);
	free(env);
}

int
queue_body(struct queue *q, uint64_t id, off_t *offset, uint64_t *size)
{
	(void)q;
	(void)id;
	if (body_error != 0) {
		errno = body_error;
		return (-1);
	}
	*offset = 5;
	*size = strlen(BODY);
	return (dup(body_fd));
}

void
queue_mark(struct queue *q, uint64_t id, uint32_t recipient,
    enum recipient_state state, int tried, const char *status,
    queue_callback *callback, void *arg)
{
	(void)q;
	(void)status;
	assert_int_equal(state, RECIPIENT_SENT);
	/* No window was used for it. */
	assert_false(tried);
	marks[nmarks].id = id;
	marks[nmarks].recipient = recipient;
	marks[nmarks].callback = callback;
	marks[nmarks].arg = arg;
	nmarks++;
}

int
queue_is_marked(struct queue *q, uint64_t id, uint32_t recipient)
{
	struct fake_message	*m = find(id);

	(void)q;
	return (m == NULL || m->marked[recipient]);
}

int
queue_in_doubt(const struct queue *q)
{
	(void)q;
	return (in_doubt);
}

void
spool_commit_soon(void)
{
	commits++;
}

/* What queue_commit does, with that result; as spoold does after it. */
static void
commit(int result)
{
	struct fake_message	*m;
	size_t			 i, n = nmarks;

	nmarks = 0;
	for (i = 0; i < n; i++) {
		if (result == 0) {
			m = find(marks[i].id);
			assert_non_null(m);
			/* Never twice. */
			assert_false(m->marked[marks[i].recipient]);
			m->marked[marks[i].recipient] = 1;
		}
		marks[i].callback(marks[i].arg, result);
	}
	local_deliver();
}

static struct fake_message *
add(uint64_t id, const char *first, const char *second)
{
	struct fake_message	*m = &messages[nmessages++];

	memset(m, 0, sizeof(*m));
	m->id = id;
	m->users[0] = first;
	m->users[1] = second;
	m->nrecipients = 2;
	if (watcher != NULL)
		tell(m);
	return (m);
}

static int
setup(void **state)
{
	static const char *const dirs[] = { "mail", "tmp", NULL };

	(void)state;
	nmessages = nmarks = 0;
	commits = 0;
	body_error = in_doubt = 0;
	if ((spool_fd = fixture_make("local_test", dirs)) == -1 ||
	    (body_fd = openat(spool_fd, "log", O_RDWR | O_CREAT, 0600)) == -1 ||
	    write(body_fd, "XXXXX" BODY "YYYYY", strlen(BODY) + 10) == -1)
		return (-1);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	/* The next is another queue. */
	watcher->queue = NULL;
	watcher = NULL;
	close(body_fd);
	return (fixture_remove());
}

static void
the_mark_comes_before_the_mailbox(void **state)
{
	char	 text[256];

	(void)state;
	add(1, "alice", NULL);
	local_deliver();
	assert_int_equal(nmarks, 1);
	assert_int_equal(commits, 1);
	assert_int_equal(fixture_files("mail/alice/new", NULL, 0), 0);
	assert_int_equal(fixture_files("tmp", NULL, 0), 1);
	commit(0);
	assert_int_equal(fixture_files("tmp", NULL, 0), 0);
	assert_int_equal(fixture_files("mail/alice/new", text,
	    sizeof(text)), 1);
	assert_string_equal(text, RETURN_PATH BODY);
	assert_int_equal(nmarks, 0);
}

static void
each_recipient_gets_it(void **state)
{
	struct fake_message	*m;

	(void)state;
	m = add(1, "alice", "bob");
	m->users[2] = "alice";
	m->nrecipients = 3;
	local_deliver();
	commit(0);
	assert_int_equal(fixture_files("mail/alice/new", NULL, 0), 2);
	assert_int_equal(fixture_files("mail/bob/new", NULL, 0), 1);
}

static void
mail_for_the_line_is_not_read(void **state)
{
	struct fake_message	*m, *late;

	(void)state;
	m = add(5, NULL, NULL);
	local_deliver();
	local_deliver();
	local_deliver();
	assert_int_equal(m->read, 0);
	assert_int_equal(nmarks, 0);
	/* A lower id that became durable later is seen all the same. */
	late = add(3, "alice", NULL);
	local_deliver();
	assert_int_equal(late->read, 1);
	local_deliver();
	assert_int_equal(late->read, 1);
	assert_int_equal(m->read, 0);
	commit(0);
	assert_int_equal(fixture_files("mail/alice/new", NULL, 0), 1);
}

static void
what_is_on_its_way_is_not_begun_again(void **state)
{
	(void)state;
	add(1, "alice", NULL);
	local_deliver();
	local_deliver();
	assert_int_equal(nmarks, 1);
	commit(0);
	assert_int_equal(fixture_files("mail/alice/new", NULL, 0), 1);
}

static void
a_mark_that_fails_takes_the_file_back(void **state)
{
	(void)state;
	add(1, "alice", NULL);
	local_deliver();
	commit(ENOSPC);
	assert_int_equal(fixture_files("tmp", NULL, 0), 0);
	assert_int_equal(fixture_files("mail/alice/new", NULL, 0), 0);
	/* Not at once, but when the timer says so. */
	local_deliver();
	assert_int_equal(nmarks, 0);
}

/* The next start may find the mark all the same: the file must be there. */
static void
a_mark_in_doubt_leaves_the_file(void **state)
{
	(void)state;
	add(1, "alice", NULL);
	local_deliver();
	in_doubt = 1;
	commit(EIO);
	assert_int_equal(fixture_files("tmp", NULL, 0), 1);
	assert_int_equal(nmarks, 0);
	/* Once the queue is sure again, so is this. */
	in_doubt = 0;
	local_deliver();
	assert_int_equal(nmarks, 1);
	assert_int_equal(fixture_files("tmp", NULL, 0), 1);
	commit(0);
	assert_int_equal(fixture_files("tmp", NULL, 0), 0);
	assert_int_equal(fixture_files("mail/alice/new", NULL, 0), 1);
	assert_int_equal(nmarks, 0);
}

static void
a_body_that_cannot_be_read_leaves_nothing(void **state)
{
	(void)state;
	add(1, "alice", "bob");
	body_error = EIO;
	local_deliver();
	assert_int_equal(nmarks, 0);
	assert_int_equal(fixture_files("tmp", NULL, 0), 0);
}

/* One mailbox that cannot be had does not hold up the other. */
static void
the_other_recipient_is_delivered(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(spool_fd, "mail/bob", 0700), 0);
	close(openat(spool_fd, "mail/bad", O_CREAT | O_WRONLY, 0600));
	add(1, "bad", "bob");
	local_deliver();
	assert_int_equal(nmarks, 1);
	commit(0);
	assert_int_equal(fixture_files("mail/bob/new", NULL, 0), 1);
	assert_int_equal(fixture_files("tmp", NULL, 0), 0);
}

static void
a_turn_is_bounded(void **state)
{
	unsigned int	 i;

	(void)state;
	for (i = 0; i < 200; i++)
		add(i + 1, "alice", NULL)->marked[0] = 1;
	local_deliver();
	assert_int_equal(messages[63].read, 1);
	assert_int_equal(messages[64].read, 0);
	/* The rest comes from the event loop, and a call changes nothing. */
	local_deliver();
	assert_int_equal(messages[64].read, 0);
	event_loop(EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(messages[64].read, 1);
	for (i = 0; i < 10; i++)
		event_loop(EVLOOP_ONCE | EVLOOP_NONBLOCK);
	for (i = 0; i < 200; i++)
		assert_int_equal(messages[i].read, 1);
}

static void
keys_are_decided_by_the_queue(void **state)
{
	struct fake_message	*m;

	(void)state;
	local_deliver();
	m = add(0x1234, "alice", "bob");
	m->marked[1] = 1;
	assert_int_equal(local_decided("q.0000000000001234.0", NULL), 0);
	assert_int_equal(local_decided("q.0000000000001234.1", NULL), 1);
	/* Done, and out of the queue. */
	assert_int_equal(local_decided("q.0000000000009999.0", NULL), 1);
	assert_int_equal(local_decided("q.1234", NULL), 0);
	assert_int_equal(local_decided("q.1234.x", NULL), 0);
	assert_int_equal(local_decided("q.1234.1x", NULL), 0);
	assert_int_equal(local_decided("f.1234.1", NULL), 0);
}

static int
is_decided(const char *key, void *arg)
{
	return (local_decided(key, arg));
}

/* Killed between the mark and the mailbox, or before the mark. */
static void
recovery_places_what_was_marked(void **state)
{
	struct fake_message	*m;

	(void)state;
	m = add(1, "alice", "bob");
	local_deliver();
	assert_int_equal(fixture_files("tmp", NULL, 0), 2);
	m->marked[0] = 1;
	assert_int_equal(maildir_recover(spool_fd, is_decided, NULL), 1);
	assert_int_equal(fixture_files("mail/alice/new", NULL, 0), 1);
	assert_int_equal(fixture_files("mail/bob/new", NULL, 0), 0);
	assert_int_equal(fixture_files("tmp", NULL, 0), 0);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(the_mark_comes_before_the_mailbox),
		TEST(each_recipient_gets_it),
		TEST(mail_for_the_line_is_not_read),
		TEST(what_is_on_its_way_is_not_begun_again),
		TEST(a_mark_that_fails_takes_the_file_back),
		TEST(a_mark_in_doubt_leaves_the_file),
		TEST(a_body_that_cannot_be_read_leaves_nothing),
		TEST(the_other_recipient_is_delivered),
		TEST(a_turn_is_bounded),
		TEST(keys_are_decided_by_the_queue),
		TEST(recovery_places_what_was_marked),
	};

	event_init();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
