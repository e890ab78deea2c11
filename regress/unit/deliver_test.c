/* See LICENSE for the terms. */

/*
 * Deliveries for fetchd, over a real channel, with a log of what was fetched
 * that fails when the test says so.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "child.h"
#include "deliver.h"
#include "fetchlog.h"
#include "fixture.h"
#include "local.h"
#include "log.h"
#include "maildir.h"
#include "spoold.h"

#define ACCOUNT		"alice@isp#1"
#define PARTIAL		"state/partial/alice_40isp_231.7.42"
#define RECORDS_MAX	2000

/* What deliver.c needs of spoold. */
struct conf		*child_conf;
int			 spool_fd = -1;
struct queue		*spool_queue;

static struct conf	 conf;
static struct conf_account account;
static unsigned int	 retries;

struct record {
	char		 account[PROTO_NAME_MAX];
	uint32_t	 uidvalidity;
	char		 uid[PROTO_UID_MAX];
	char		 key[MAILDIR_KEY_MAX + 1];
};
static struct record	 records[RECORDS_MAX];
static size_t		 nrecords;
static int		 log_error;	/* of fetchlog_add and _open */
static int		 log_doubt;

struct fetchlog {
	char		 account[PROTO_NAME_MAX];
};

struct fetchlog *
fetchlog_open(int fd, const char *name)
{
	struct fetchlog	*log;

	assert_int_equal(fd, spool_fd);
	if ((log = calloc(1, sizeof(*log))) != NULL)
		strlcpy(log->account, name, sizeof(log->account));
	return (log);
}

static struct record *
record_find(const struct fetchlog *log, uint32_t validity, const char *uid)
{
	size_t	 i;

	for (i = 0; i < nrecords; i++)
		if (records[i].uidvalidity == validity &&
		    strcmp(records[i].account, log->account) == 0 &&
		    strcmp(records[i].uid, uid) == 0)
			return (&records[i]);
	return (NULL);
}

int
fetchlog_find(const struct fetchlog *log, uint32_t validity, const char *uid,
    int64_t *when)
{
	if (record_find(log, validity, uid) == NULL)
		return (0);
	*when = 1;
	return (1);
}

int
fetchlog_add(struct fetchlog *log, uint32_t validity, const char *uid,
    int64_t when, const char *key)
{
	struct record	*r = &records[nrecords];

	assert_true(when > 0);
	if (log_error != 0) {
		errno = log_error;
		return (-1);
	}
	strlcpy(r->account, log->account, sizeof(r->account));
	r->uidvalidity = validity;
	strlcpy(r->uid, uid, sizeof(r->uid));
	strlcpy(r->key, key, sizeof(r->key));
	nrecords++;
	return (0);
}

int
fetchlog_in_doubt(const struct fetchlog *log, const char *key)
{
	(void)log;
	(void)key;
	return (log_doubt);
}

int
fetchlog_has_key(const struct fetchlog *log, const char *key)
{
	size_t	 i;

	for (i = 0; i < nrecords; i++)
		if (strcmp(records[i].account, log->account) == 0 &&
		    strcmp(records[i].key, key) == 0)
			return (1);
	return (0);
}

int
fetchlog_forget(struct fetchlog *log, uint32_t validity, const char *uid)
{
	struct record	*r = record_find(log, validity, uid);

	if (r == NULL) {
		errno = ENOENT;
		return (-1);
	}
	*r = records[--nrecords];
	return (0);
}

void
fetchlog_each(const struct fetchlog *log, uint32_t validity,
    void (*fn)(const char *, int64_t, void *), void *arg)
{
	size_t	 i;

	for (i = 0; i < nrecords; i++)
		if (records[i].uidvalidity == validity &&
		    strcmp(records[i].account, log->account) == 0)
			fn(records[i].uid, (int64_t)i, arg);
}

void
local_retry_later(void)
{
	retries++;
}

/* fetchd's end. */
static struct channel	 spoold, fetchd;
static int		 violated;

struct answer {
	uint32_t	 type;
	uint32_t	 id;
	uint32_t	 error;
	uint64_t	 offset;
	int		 fd;
};
static struct answer	 answer;
static int		 answered;
static unsigned int	 seen_messages;
static unsigned int	 seen_uids;
static size_t		 seen_largest;

static int
handle_ready(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_deliver_ready	 ready;

	(void)ch;
	(void)arg;
	assert_int_equal(imsg_get_data(imsg, &ready, sizeof(ready)), 0);
	answer.type = SPOOLD_DELIVER_READY;
	answer.id = imsg_get_id(imsg);
	answer.error = ready.error;
	answer.offset = ready.offset;
	answer.fd = imsg_get_fd(imsg);
	answered = 1;
	return (0);
}

static int
handle_done(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)arg;
	assert_int_equal(imsg_get_data(imsg, &answer.error,
	    sizeof(answer.error)), 0);
	answer.type = imsg_get_type(imsg);
	answer.id = imsg_get_id(imsg);
	answer.fd = -1;
	answered = 1;
	return (0);
}

static int
handle_seen(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct ibuf	 buf;
	char		 uid[PROTO_UID_MAX];
	int64_t		 when;
	int		 r;

	(void)ch;
	(void)arg;
	seen_messages++;
	if (imsg_get_len(imsg) > seen_largest)
		seen_largest = imsg_get_len(imsg);
	assert_int_equal(imsg_get_ibuf(imsg, &buf), 0);
	while ((r = proto_seen_get(&buf, uid, sizeof(uid), &when)) == 0)
		seen_uids++;
	assert_int_equal(r, 1);
	return (0);
}

static const struct channel_row spoold_rows[] = {
	{ FETCHD_SEEN,			deliver_handle_seen },
	{ FETCHD_FORGET,		deliver_handle_forget },
	{ FETCHD_DELIVER_OPEN,		deliver_handle_open },
	{ FETCHD_DELIVER_COMMIT,	deliver_handle_commit },
	{ FETCHD_DELIVER_ABORT,		deliver_handle_abort },
	{ PROTO_NONE,			NULL }
};

static const struct channel_row fetchd_rows[] = {
	{ SPOOLD_DELIVER_READY,		handle_ready },
	{ SPOOLD_DELIVER_DONE,		handle_done },
	{ SPOOLD_SEEN,			handle_seen },
	{ SPOOLD_SEEN_END,		handle_done },
	{ PROTO_NONE,			NULL }
};

static void
spoold_closed(struct channel *ch, int violation, void *arg)
{
	(void)ch;
	(void)arg;
	violated = violation;
	deliver_peer_down();
}

static int
setup(void **state)
{
	static const char *const dirs[] = { "mail", "tmp", "state",
	    "state/partial", NULL };
	int	 sv[2];

	(void)state;
	if ((spool_fd = fixture_make("deliver_test", dirs)) == -1)
		return (-1);
	nrecords = 0;
	log_error = log_doubt = violated = answered = 0;
	seen_messages = seen_uids = retries = 0;
	seen_largest = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1 ||
	    channel_open(&spoold, sv[0], PROC_SPOOLD, PROC_FETCHD,
	    spoold_rows, NULL, spoold_closed) == -1 ||
	    channel_open(&fetchd, sv[1], PROC_FETCHD, PROC_SPOOLD,
	    fetchd_rows, NULL, NULL) == -1)
		return (-1);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	channel_close(&fetchd);
	channel_close(&spoold);
	deliver_peer_down();
	return (fixture_remove());
}

/* Runs the loop until there is an answer. */
static void
wait_answer(void)
{
	answered = 0;
	while (!answered && fetchd.open)
		assert_int_equal(event_loop(EVLOOP_ONCE), 0);
	assert_true(answered);
}

/* Runs the loop until what was sent has been taken. */
static void
wait_taken(void)
{
	struct proto_account	 a;

	/* Answers come in the order of the questions. */
	memset(&a, 0, sizeof(a));
	strlcpy(a.account, "nobody", sizeof(a.account));
	channel_send(&fetchd, FETCHD_SEEN, 999, -1, &a, sizeof(a));
	wait_answer();
	assert_int_equal(answer.type, SPOOLD_SEEN_END);
	assert_int_equal(answer.error, ENOENT);
}

static void
wait_violation(void)
{
	while (fetchd.open)
		assert_int_equal(event_loop(EVLOOP_ONCE), 0);
	assert_true(violated);
}

static void
send_open(uint32_t id, const char *name, uint32_t validity, const char *uid,
    uint64_t size, int resumable)
{
	struct proto_deliver	 d;

	memset(&d, 0, sizeof(d));
	strlcpy(d.uid.account, name, sizeof(d.uid.account));
	strlcpy(d.uid.uid, uid, sizeof(d.uid.uid));
	d.uid.uidvalidity = validity;
	d.size = size;
	d.resumable = resumable;
	channel_send(&fetchd, FETCHD_DELIVER_OPEN, id, -1, &d, sizeof(d));
}

/* Opens: the descriptor, or -1 with the error in answer. */
static int
open_uid(uint32_t id, uint32_t validity, const char *uid, uint64_t size,
    int resumable)
{
	send_open(id, ACCOUNT, validity, uid, size, resumable);
	wait_answer();
	assert_int_equal(answer.type, SPOOLD_DELIVER_READY);
	assert_int_equal(answer.id, id);
	assert_int_equal(answer.error == 0, answer.fd != -1);
	return (answer.fd);
}

static uint32_t
commit(uint32_t id, uint64_t size)
{
	channel_send(&fetchd, FETCHD_DELIVER_COMMIT, id, -1, &size,
	    sizeof(size));
	wait_answer();
	assert_int_equal(answer.type, SPOOLD_DELIVER_DONE);
	assert_int_equal(answer.id, id);
	return (answer.error);
}

static void
send_abort(uint32_t id, uint32_t keep)
{
	channel_send(&fetchd, FETCHD_DELIVER_ABORT, id, -1, &keep,
	    sizeof(keep));
	wait_taken();
}

static void
say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void
assert_nothing_there(void)
{
	assert_int_equal(fixture_files("tmp", NULL, 0), 0);
	assert_int_equal(fixture_files("state/partial", NULL, 0), 0);
	assert_int_equal(fixture_files("mail/alice/new", NULL, 0), 0);
}

static void
a_message_is_delivered_once_decided(void **state)
{
	char	 text[64];
	int	 fd;

	(void)state;
	fd = open_uid(1, 0, "uidl-1", 10, 0);
	assert_int_equal(answer.offset, 0);
	/* fetchd has no need to read. */
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	say(fd, "a\r\n\r\nb\nc\r\n");
	assert_int_equal(fixture_files("mail/alice/new", NULL, 0), 0);
	assert_int_equal(nrecords, 0);
	assert_int_equal(commit(1, 10), 0);
	assert_int_equal(nrecords, 1);
	assert_string_equal(records[0].uid, "uidl-1");
	assert_int_equal(fixture_files("mail/alice/new", text,
	    sizeof(text)), 1);
	assert_string_equal(text, "a\r\n\r\nb\nc\r\n");
	assert_int_equal(fixture_files("tmp", NULL, 0), 0);
	close(fd);
	/* Not a second time. */
	assert_int_equal(open_uid(2, 0, "uidl-1", 10, 0), -1);
	assert_int_equal(answer.error, EEXIST);
}

static void
a_partial_is_continued(void **state)
{
	char	 text[64];
	int	 fd;

	(void)state;
	fd = open_uid(1, 7, "42", 10, 1);
	assert_int_equal(answer.offset, 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	say(fd, "12345");
	close(fd);
	send_abort(1, 1);
	assert_int_equal(fixture_files("state/partial", text, sizeof(text)), 1);
	assert_string_equal(text, "12345");
	fd = open_uid(2, 7, "42", 10, 1);
	assert_int_equal(answer.offset, 5);
	say(fd, "67890");
	close(fd);
	assert_int_equal(commit(2, 10), 0);
	assert_int_equal(fixture_files("state/partial", NULL, 0), 0);
	assert_int_equal(fixture_files("tmp", NULL, 0), 0);
	assert_int_equal(fixture_files("mail/alice/new", text,
	    sizeof(text)), 1);
	assert_string_equal(text, "1234567890");
}

static void
an_abort_leaves_nothing(void **state)
{
	int	 fd;

	(void)state;
	fd = open_uid(1, 7, "42", 10, 1);
	say(fd, "12345");
	close(fd);
	send_abort(1, 0);
	assert_nothing_there();
	fd = open_uid(2, 7, "43", 10, 0);
	say(fd, "12345");
	close(fd);
	/* What cannot be continued is not kept. */
	send_abort(2, 1);
	assert_nothing_there();
	fd = open_uid(3, 7, "44", 10, 1);
	close(fd);
	/* Nor what is empty. */
	send_abort(3, 1);
	assert_nothing_there();
}

/* fetchd was killed: what it had is continued by the next one. */
static void
a_lost_peer_leaves_partials(void **state)
{
	int	 fd;

	(void)state;
	fd = open_uid(1, 7, "42", 10, 1);
	say(fd, "12345");
	close(fd);
	fd = open_uid(2, 7, "43", 10, 0);
	say(fd, "12345");
	close(fd);
	channel_close(&fetchd);
	while (spoold.open)
		assert_int_equal(event_loop(EVLOOP_ONCE), 0);
	assert_false(violated);
	assert_int_equal(fixture_files("state/partial", NULL, 0), 1);
	assert_int_equal(fixture_files("tmp", NULL, 0), 0);
	assert_int_equal(faccessat(spool_fd, PARTIAL ".5", F_OK, 0), 0);
}

/* At shutdown fetchd may not know yet that it was cut short. */
static void
what_we_ended_is_no_violation(void **state)
{
	int	 fd;

	(void)state;
	fd = open_uid(1, 7, "42", 5, 1);
	say(fd, "12345");
	close(fd);
	close(open_uid(2, 7, "43", 5, 1));
	deliver_peer_down();
	assert_int_equal(commit(1, 5), ECANCELED);
	send_abort(2, 1);
	assert_false(violated);
	assert_int_equal(nrecords, 0);
}

static void
other_uidvalidity_drops_partials(void **state)
{
	struct proto_account	 a;
	int			 fd;

	(void)state;
	fd = open_uid(1, 7, "42", 10, 1);
	say(fd, "12345");
	close(fd);
	send_abort(1, 1);
	close(openat(spool_fd, "state/partial/bob_40isp_231.7.42",
	    O_WRONLY | O_CREAT, 0600));
	/* The same as before: it stays. */
	memset(&a, 0, sizeof(a));
	strlcpy(a.account, ACCOUNT, sizeof(a.account));
	a.uidvalidity = 7;
	channel_send(&fetchd, FETCHD_SEEN, 2, -1, &a, sizeof(a));
	wait_answer();
	assert_int_equal(fixture_files("state/partial", NULL, 0), 2);
	fd = open_uid(3, 8, "42", 10, 1);
	assert_int_equal(answer.offset, 0);
	close(fd);
	assert_int_equal(faccessat(spool_fd, PARTIAL ".5", F_OK, 0), -1);
	/* Others' are not touched. */
	assert_int_equal(faccessat(spool_fd,
	    "state/partial/bob_40isp_231.7.42", F_OK, 0), 0);
}

static void
old_partials_are_dropped(void **state)
{
	struct timespec	 old[2] = { { 1000, 0 }, { 1000, 0 } };
	int		 fd;

	(void)state;
	fd = open_uid(1, 7, "42", 10, 1);
	say(fd, "12345");
	close(fd);
	send_abort(1, 1);
	assert_int_equal(utimensat(spool_fd, PARTIAL ".5", old, 0), 0);
	close(open_uid(2, 7, "43", 10, 1));
	assert_int_equal(faccessat(spool_fd, PARTIAL ".5", F_OK, 0), -1);
}

/*
 * After a power cut a file may be longer than its data: only as much as was
 * synced is continued.
 */
static void
what_was_not_synced_is_fetched_again(void **state)
{
	char	 text[64];
	int	 fd;

	(void)state;
	fd = openat(spool_fd, PARTIAL, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "12345\0\0\0", 8), 8);
	close(fd);
	fd = open_uid(1, 7, "42", 10, 1);
	assert_int_equal(answer.offset, 0);
	say(fd, "12345");
	send_abort(1, 1);
	/* It is continued, and the power fails in the middle. */
	assert_int_equal(write(fd, "\0\0\0", 3), 3);
	close(fd);
	fd = open_uid(2, 7, "42", 10, 1);
	assert_int_equal(answer.offset, 5);
	say(fd, "67890");
	close(fd);
	assert_int_equal(commit(2, 10), 0);
	assert_int_equal(fixture_files("mail/alice/new", text,
	    sizeof(text)), 1);
	assert_string_equal(text, "1234567890");
	assert_int_equal(fixture_files("state/partial", NULL, 0), 0);
}

/* A damaged file system: shorter than what was synced. */
static void
a_partial_that_is_too_short_begins_anew(void **state)
{
	int	 fd;

	(void)state;
	fd = open_uid(1, 7, "42", 10, 1);
	say(fd, "12345");
	send_abort(1, 1);
	assert_int_equal(ftruncate(fd, 4), 0);
	close(fd);
	fd = open_uid(2, 7, "42", 10, 1);
	assert_int_equal(answer.offset, 0);
	close(fd);
	send_abort(2, 1);
	assert_nothing_there();
}

static void
a_partial_that_is_too_long_begins_anew(void **state)
{
	int	 fd;

	(void)state;
	fd = open_uid(1, 7, "42", 10, 1);
	say(fd, "1234567890");
	close(fd);
	send_abort(1, 1);
	fd = open_uid(2, 7, "42", 5, 1);
	assert_int_equal(answer.offset, 0);
	say(fd, "54321");
	close(fd);
	assert_int_equal(commit(2, 5), 0);
}

static void
a_wrong_size_is_refused(void **state)
{
	int	 fd;

	(void)state;
	fd = open_uid(1, 7, "42", 10, 1);
	say(fd, "12345");
	close(fd);
	assert_int_equal(commit(1, 10), EIO);
	assert_nothing_there();
	fd = open_uid(2, 7, "43", 10, 0);
	say(fd, "12345");
	close(fd);
	assert_int_equal(commit(2, 4), EIO);
	assert_nothing_there();
	assert_int_equal(nrecords, 0);
}

/* M5: upstream keeps it, and nothing is half there. */
static void
a_full_disk_is_told(void **state)
{
	int	 fd;

	(void)state;
	log_error = ENOSPC;
	fd = open_uid(1, 7, "42", 5, 1);
	say(fd, "12345");
	close(fd);
	assert_int_equal(commit(1, 5), ENOSPC);
	assert_nothing_there();
	fd = open_uid(2, 7, "43", 5, 0);
	say(fd, "12345");
	close(fd);
	assert_int_equal(commit(2, 5), ENOSPC);
	assert_nothing_there();
	log_error = 0;
	/* No disk has room for this one. */
	assert_int_equal(open_uid(3, 7, "44", UINT64_MAX / 4, 0), -1);
	assert_int_equal(answer.error, ENOSPC);
	assert_int_equal(open_uid(4, 7, "45", UINT64_MAX / 4, 1), -1);
	assert_int_equal(answer.error, ENOSPC);
	assert_nothing_there();
	/* And then it goes on. */
	fd = open_uid(5, 7, "42", 5, 1);
	say(fd, "12345");
	close(fd);
	assert_int_equal(commit(5, 5), 0);
}

/* The next start may find the record: the file must be there. */
static void
a_record_in_doubt_leaves_the_file(void **state)
{
	int	 fd;

	(void)state;
	log_error = EIO;
	log_doubt = 1;
	fd = open_uid(1, 7, "42", 5, 1);
	say(fd, "12345");
	close(fd);
	assert_int_equal(commit(1, 5), EIO);
	assert_int_equal(fixture_files("tmp", NULL, 0), 1);
	assert_int_equal(fixture_files("mail/alice/new", NULL, 0), 0);
	/* It may not be there either, and then it is fetched again. */
	log_error = log_doubt = 0;
	fd = open_uid(2, 7, "42", 5, 1);
	assert_int_equal(answer.offset, 0);
	say(fd, "12345");
	close(fd);
	assert_int_equal(commit(2, 5), 0);
	assert_int_equal(fixture_files("mail/alice/new", NULL, 0), 1);
	assert_int_equal(maildir_recover(spool_fd, deliver_decided, NULL), 0);
	assert_int_equal(fixture_files("tmp", NULL, 0), 0);
}

static void
unknown_accounts_are_refused(void **state)
{
	(void)state;
	send_open(1, "mallory@isp#1", 0, "1", 1, 0);
	wait_answer();
	assert_int_equal(answer.error, ENOENT);
	assert_int_equal(answer.fd, -1);
	assert_nothing_there();
}

static void
odd_uids_are_refused(void **state)
{
	(void)state;
	assert_int_equal(open_uid(1, 0, "a b", 1, 0), -1);
	assert_int_equal(answer.error, EINVAL);
	assert_int_equal(open_uid(2, 0, "a\nb", 1, 0), -1);
	assert_int_equal(answer.error, EINVAL);
	close(open_uid(3, 0, "../../etc/passwd", 1, 1));
	assert_int_equal(answer.error, 0);
	assert_int_equal(faccessat(spool_fd, "state/partial/alice_40isp_231.0."
	    "_2e_2e_2f_2e_2e_2fetc_2fpasswd", F_OK, 0), 0);
}

static void
one_at_a_time_has_a_uid(void **state)
{
	(void)state;
	close(open_uid(1, 7, "42", 1, 1));
	assert_int_equal(open_uid(2, 7, "42", 1, 1), -1);
	assert_int_equal(answer.error, EBUSY);
	close(open_uid(3, 8, "42", 1, 0));
	assert_int_equal(answer.error, 0);
	send_abort(1, 0);
	close(open_uid(4, 7, "42", 1, 1));
	assert_int_equal(answer.error, 0);
}

static void
there_are_not_too_many(void **state)
{
	char	 uid[16];
	uint32_t i;

	(void)state;
	for (i = 1; i <= 64; i++) {
		snprintf(uid, sizeof(uid), "%u", i);
		close(open_uid(i, 7, uid, 1, i % 2));
		assert_int_equal(answer.error, 0);
	}
	assert_int_equal(open_uid(65, 7, "65", 1, 0), -1);
	assert_int_equal(answer.error, EAGAIN);
	send_abort(1, 0);
	close(open_uid(66, 7, "66", 1, 0));
	assert_int_equal(answer.error, 0);
}

static void
an_id_in_use_is_a_violation(void **state)
{
	(void)state;
	close(open_uid(1, 7, "42", 1, 0));
	send_open(1, ACCOUNT, 7, "43", 1, 0);
	wait_violation();
}

static void
an_unknown_id_is_a_violation(void **state)
{
	uint64_t	 size = 1;

	(void)state;
	channel_send(&fetchd, FETCHD_DELIVER_COMMIT, 1, -1, &size,
	    sizeof(size));
	wait_violation();
}

static void
strings_without_end_are_a_violation(void **state)
{
	struct proto_deliver	 d;

	(void)state;
	memset(&d, 'x', sizeof(d));
	channel_send(&fetchd, FETCHD_DELIVER_OPEN, 1, -1, &d, sizeof(d));
	wait_violation();
}

static void
seen_lists_come_in_pieces(void **state)
{
	struct proto_account	 a;
	size_t			 i;

	(void)state;
	for (i = 0; i < RECORDS_MAX; i++) {
		strlcpy(records[i].account, i % 10 == 0 ? "bob@isp#1" :
		    ACCOUNT, sizeof(records[i].account));
		records[i].uidvalidity = i % 10 == 1 ? 6 : 7;
		snprintf(records[i].uid, sizeof(records[i].uid), "%050zu%s",
		    i, i % 2 ? "012345678901234567890" : "");
	}
	nrecords = RECORDS_MAX;
	memset(&a, 0, sizeof(a));
	strlcpy(a.account, ACCOUNT, sizeof(a.account));
	a.uidvalidity = 7;
	channel_send(&fetchd, FETCHD_SEEN, 5, -1, &a, sizeof(a));
	wait_answer();
	assert_int_equal(answer.type, SPOOLD_SEEN_END);
	assert_int_equal(answer.id, 5);
	assert_int_equal(answer.error, 0);
	assert_int_equal(seen_uids, RECORDS_MAX * 8 / 10);
	assert_true(seen_messages > 1);
	assert_in_range(seen_largest, 1, 16368);
}

static void
what_upstream_forgot_is_forgotten(void **state)
{
	struct proto_uid	 uid;
	int			 fd;

	(void)state;
	fd = open_uid(1, 7, "41", 1, 0);
	say(fd, "x");
	close(fd);
	assert_int_equal(commit(1, 1), 0);
	fd = open_uid(2, 7, "42", 10, 1);
	say(fd, "12345");
	close(fd);
	send_abort(2, 1);
	memset(&uid, 0, sizeof(uid));
	strlcpy(uid.account, ACCOUNT, sizeof(uid.account));
	uid.uidvalidity = 7;
	strlcpy(uid.uid, "41", sizeof(uid.uid));
	channel_send(&fetchd, FETCHD_FORGET, 0, -1, &uid, sizeof(uid));
	strlcpy(uid.uid, "42", sizeof(uid.uid));
	channel_send(&fetchd, FETCHD_FORGET, 0, -1, &uid, sizeof(uid));
	wait_taken();
	assert_int_equal(nrecords, 0);
	assert_int_equal(fixture_files("state/partial", NULL, 0), 0);
}

static void
left_by_a_crash(const char *path)
{
	int	 fd;

	fd = openat(spool_fd, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_not_equal(fd, -1);
	say(fd, "x");
	close(fd);
}

/* Killed after the decision: the next start places it. */
static void
recovery_places_what_was_decided(void **state)
{
	int	 fd;

	(void)state;
	fd = open_uid(1, 7, "42", 1, 0);
	say(fd, "x");
	close(fd);
	assert_int_equal(commit(1, 1), 0);
	/* The same with another key that is as good. */
	strlcpy(records[0].key, "f.alice_40isp_231.0123456789abcdef",
	    sizeof(records[0].key));
	left_by_a_crash("tmp/f.alice_40isp_231.0123456789abcdef,alice");
	left_by_a_crash("tmp/f.alice_40isp_231.0000000000000000,alice");
	left_by_a_crash("tmp/f.bob_40isp_231.0123456789abcdef,alice");
	assert_int_equal(maildir_recover(spool_fd, deliver_decided, NULL), 1);
	assert_int_equal(fixture_files("mail/alice/new", NULL, 0), 2);
	assert_int_equal(fixture_files("tmp", NULL, 0), 0);
	assert_int_equal(deliver_decided("f.", NULL), 0);
	assert_int_equal(deliver_decided("f._zz.1", NULL), 0);
	assert_int_equal(deliver_decided("q.1.1", NULL), 0);
}

/* The mailbox cannot take it: it is ours all the same. */
static void
what_cannot_be_placed_is_tried_again(void **state)
{
	int	 fd;

	(void)state;
	fd = open_uid(1, 7, "42", 1, 0);
	say(fd, "x");
	close(fd);
	assert_int_equal(unlinkat(spool_fd, "mail/alice/new", AT_REMOVEDIR),
	    0);
	close(openat(spool_fd, "mail/alice/new", O_WRONLY | O_CREAT, 0600));
	assert_int_equal(commit(1, 1), 0);
	assert_int_equal(retries, 1);
	assert_int_equal(fixture_files("tmp", NULL, 0), 1);
	assert_int_equal(unlinkat(spool_fd, "mail/alice/new", 0), 0);
	assert_int_equal(maildir_retry(), 0);
	assert_int_equal(fixture_files("mail/alice/new", NULL, 0), 1);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(a_message_is_delivered_once_decided),
		TEST(a_partial_is_continued),
		TEST(an_abort_leaves_nothing),
		TEST(a_lost_peer_leaves_partials),
		TEST(what_we_ended_is_no_violation),
		TEST(other_uidvalidity_drops_partials),
		TEST(old_partials_are_dropped),
		TEST(what_was_not_synced_is_fetched_again),
		TEST(a_partial_that_is_too_short_begins_anew),
		TEST(a_partial_that_is_too_long_begins_anew),
		TEST(a_wrong_size_is_refused),
		TEST(a_full_disk_is_told),
		TEST(a_record_in_doubt_leaves_the_file),
		TEST(unknown_accounts_are_refused),
		TEST(odd_uids_are_refused),
		TEST(one_at_a_time_has_a_uid),
		TEST(there_are_not_too_many),
		TEST(an_id_in_use_is_a_violation),
		TEST(an_unknown_id_is_a_violation),
		TEST(strings_without_end_are_a_violation),
		TEST(seen_lists_come_in_pieces),
		TEST(what_upstream_forgot_is_forgotten),
		TEST(recovery_places_what_was_decided),
		TEST(what_cannot_be_placed_is_tried_again),
	};
	char	 name[] = ACCOUNT, user[] = "alice";

	event_init();
	log_init(1, 0);
	TAILQ_INIT(&conf.accounts);
	account.name = name;
	account.user = user;
	TAILQ_INSERT_TAIL(&conf.accounts, &account, entry);
	child_conf = &conf;
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
