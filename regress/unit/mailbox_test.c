/* See LICENSE for the terms. */

/* A POP3 session's snapshot of a Maildir that others use as well. */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "mailbox.h"

#define NEW	"mail/alice/new/"
#define CUR	"mail/alice/cur/"

static int	 spool;

static int
setup(void **state)
{
	static const char *const dirs[] = { "mail", "mail/alice",
	    "mail/alice/new", "mail/alice/cur", NULL };

	(void)state;
	spool = fixture_make("mailbox_test", dirs);
	return (spool == -1 ? -1 : 0);
}

static int
teardown(void **state)
{
	(void)state;
	return (fixture_remove());
}

static void
move(const char *from, const char *to)
{
	assert_int_equal(renameat(spool, from, spool, to), 0);
}

static struct mailbox *
open_mailbox(void)
{
	struct mailbox	*mb;

	mb = mailbox_open(spool, "alice");
	assert_non_null(mb);
	while (!mailbox_measure(mb, 1000))
		;
	return (mb);
}

/* The message as it goes onto the wire, read in pieces of that size. */
static char *
fetch(struct mailbox *mb, uint32_t n, int64_t lines, size_t piece)
{
	struct mailbox_reader	*r;
	static char		 buf[65536];
	size_t			 len = 0;
	ssize_t			 got;

	r = mailbox_read_open(mb, n, lines);
	assert_non_null(r);
	while ((got = mailbox_read(r, (uint8_t *)buf + len, piece)) > 0) {
		len += got;
		assert_true(len + piece < sizeof(buf));
	}
	assert_int_equal(got, 0);
	mailbox_read_close(r);
	buf[len] = '\0';
	return (buf);
}

static void
a_mailbox_that_is_not_there_is_empty(void **state)
{
	struct mailbox	*mb;
	uint32_t	 messages;
	uint64_t	 bytes;

	(void)state;
	mb = mailbox_open(spool, "nobody");
	assert_non_null(mb);
	assert_true(mailbox_measure(mb, 1));
	assert_int_equal(mailbox_count(mb), 0);
	mailbox_totals(mb, &messages, &bytes);
	assert_int_equal(messages, 0);
	assert_false(mailbox_exists(mb, 0));
	assert_false(mailbox_exists(mb, 1));
	assert_int_equal(mailbox_update(mb), 0);
	mailbox_close(mb);
	assert_null(mailbox_open(spool, "../alice"));
	assert_int_equal(errno, EINVAL);
}

static void
one_session_has_it(void **state)
{
	struct mailbox	*mb, *other;

	(void)state;
	mb = open_mailbox();
	errno = 0;
	assert_null(mailbox_open(spool, "alice"));
	assert_int_equal(errno, EBUSY);
	other = mailbox_open(spool, "bob");
	assert_non_null(other);
	mailbox_close(other);
	mailbox_close(mb);
	mb = open_mailbox();
	mailbox_close(mb);
}

static void
messages_are_in_order_of_time(void **state)
{
	struct mailbox	*mb;
	char		 uid[MAILBOX_UID_MAX];

	(void)state;
	fixture_put(NEW "1000.q.1.0.relayd,S=3,W=3", "x\r\n");
	fixture_put(CUR "900.q.2.0.relayd,S=3,W=3:2,S", "x\r\n");
	fixture_put(NEW "1000.a.1.0.relayd,S=3,W=3", "x\r\n");
	fixture_put(CUR ".uidvalidity", "not a message");
	mb = open_mailbox();
	assert_int_equal(mailbox_count(mb), 3);
	mailbox_uid(mb, 1, uid);
	assert_string_equal(uid, "900.q.2.0.relayd");
	mailbox_uid(mb, 2, uid);
	assert_string_equal(uid, "1000.a.1.0.relayd");
	mailbox_uid(mb, 3, uid);
	assert_string_equal(uid, "1000.q.1.0.relayd");
	assert_false(mailbox_exists(mb, 4));
	mailbox_close(mb);
}

static void
the_snapshot_moves_nothing(void **state)
{
	(void)state;
	fixture_put(NEW "1.a.h,S=3,W=3", "x\r\n");
	fixture_put(NEW "2.b.h", "x\r\n");
	mailbox_close(open_mailbox());
	assert_true(fixture_exists(NEW "1.a.h,S=3,W=3"));
	assert_true(fixture_exists(NEW "2.b.h"));
}

static void
uids_survive_renames(void **state)
{
	struct mailbox	*mb;
	char		 before[MAILBOX_UID_MAX], after[MAILBOX_UID_MAX];
	char		 from[512], to[512], name[200];

	(void)state;
	memset(name, 'n', 150);
	name[150] = '\0';
	snprintf(from, sizeof(from), NEW "5.%s,S=3", name);
	snprintf(to, sizeof(to), CUR "5.%s,S=3,W=3:2,FS", name);
	fixture_put(NEW "1.a.h,S=3,W=3", "x\r\n");
	fixture_put(from, "x\r\n");
	mb = open_mailbox();
	mailbox_uid(mb, 1, before);
	assert_string_equal(before, "1.a.h");
	mailbox_uid(mb, 2, before);
	mailbox_close(mb);
	assert_in_range(strlen(before), 1, 70);
	move(NEW "1.a.h,S=3,W=3", CUR "1.a.h,S=3,W=3:2,S");
	move(from, to);
	mb = open_mailbox();
	mailbox_uid(mb, 1, after);
	assert_string_equal(after, "1.a.h");
	mailbox_uid(mb, 2, after);
	assert_string_equal(before, after);
	mailbox_close(mb);
}

static void
uids_are_printable_and_differ(void **state)
{
	struct mailbox	*mb;
	char		 a[MAILBOX_UID_MAX], b[MAILBOX_UID_MAX], *p;
	char		 path[512], name[200];

	(void)state;
	memset(name, 'n', 150);
	name[150] = '\0';
	snprintf(path, sizeof(path), NEW "1.%s", name);
	fixture_put(path, "x\r\n");
	name[149] = 'm';
	snprintf(path, sizeof(path), NEW "1.%s", name);
	fixture_put(path, "x\r\n");
	fixture_put(NEW "2.\xc3\xbc b", "x\r\n");
	mb = open_mailbox();
	assert_int_equal(mailbox_count(mb), 3);
	mailbox_uid(mb, 1, a);
	mailbox_uid(mb, 2, b);
	assert_string_not_equal(a, b);
	mailbox_uid(mb, 3, a);
	assert_in_range(strlen(a), 1, 70);
	for (p = a; *p != '\0'; p++)
		assert_in_range(*p, 0x21, 0x7e);
	mailbox_close(mb);
}

static void
sizes_are_those_on_the_wire(void **state)
{
	struct mailbox	*mb;
	uint32_t	 messages;
	uint64_t	 bytes;

	(void)state;
	/* Of relayd: the name is believed. */
	fixture_put(NEW "1.a.h,S=300,W=300", "x\r\n");
	/* Of Dovecot: LF line ends, W is with CRLF. */
	fixture_put(NEW "2.b.h,S=8,W=11", "a\n\nbody\n");
	/* Of others: to be counted. */
	fixture_put(NEW "3.c.h,S=8", "a\n\nbody\n");
	fixture_put(NEW "4.d.h", "a\n\nbody\r\n");
	fixture_put(NEW "5.e.h", "");
	fixture_put(NEW "6.f.h", "no end");
	mb = open_mailbox();
	assert_int_equal(mailbox_size(mb, 1), 300);
	assert_int_equal(mailbox_size(mb, 2), 11);
	assert_int_equal(mailbox_size(mb, 3), 11);
	assert_int_equal(mailbox_size(mb, 4), 11);
	assert_int_equal(mailbox_size(mb, 5), 0);
	assert_int_equal(mailbox_size(mb, 6), 6);
	mailbox_totals(mb, &messages, &bytes);
	assert_int_equal(messages, 6);
	assert_int_equal(bytes, 339);
	mailbox_close(mb);
}

static void
measuring_stops_at_its_budget(void **state)
{
	struct mailbox	*mb;
	char		 path[64];
	int		 i, calls = 1;

	(void)state;
	for (i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), NEW "%d.x", i);
		fixture_put(path, "a\n\nbody\n");
	}
	mb = mailbox_open(spool, "alice");
	assert_non_null(mb);
	while (!mailbox_measure(mb, 32768))
		calls++;
	assert_in_range(calls, 5, 20);
	for (i = 1; i <= 20; i++)
		assert_int_equal(mailbox_size(mb, i), 11);
	mailbox_close(mb);
}

static void
line_ends_are_converted_where_needed(void **state)
{
	struct mailbox	*mb;
	size_t		 piece;

	(void)state;
	fixture_put(NEW "1.a.h", "a: b\n\n.x\r\ny\rz\n\n");
	/* Exactly as delivered, bare LF and all (M6). */
	fixture_put(NEW "2.b.h,S=14,W=14", "a: b\n\n.x\r\ny\rz");
	fixture_put(NEW "3.c.h,S=2,W=4", "\n\n");
	mb = open_mailbox();
	for (piece = 1; piece < 20; piece++) {
		assert_string_equal(fetch(mb, 1, MAILBOX_ALL, piece),
		    "a: b\r\n\r\n.x\r\ny\rz\r\n\r\n");
		assert_string_equal(fetch(mb, 2, MAILBOX_ALL, piece),
		    "a: b\n\n.x\r\ny\rz");
		assert_string_equal(fetch(mb, 3, MAILBOX_ALL, piece),
		    "\r\n\r\n");
	}
	mailbox_close(mb);
}

static void
top_gives_header_and_lines(void **state)
{
	struct mailbox	*mb;
	size_t		 piece;

	(void)state;
	fixture_put(NEW "1.a.h", "a: b\nc: d\n\none\n\nthree\nfour");
	fixture_put(NEW "2.b.h,S=26,W=26", "a: b\r\n\r\none\r\ntwo\r\nthree");
	fixture_put(NEW "3.c.h,S=9,W=9", "a: b\r\nc:");
	fixture_put(NEW "4.d.h,S=7,W=7", "\r\nbody\r\n");
	mb = open_mailbox();
	for (piece = 1; piece < 20; piece++) {
		assert_string_equal(fetch(mb, 1, 0, piece),
		    "a: b\r\nc: d\r\n\r\n");
		assert_string_equal(fetch(mb, 1, 2, piece),
		    "a: b\r\nc: d\r\n\r\none\r\n\r\n");
		assert_string_equal(fetch(mb, 1, 1000, piece),
		    "a: b\r\nc: d\r\n\r\none\r\n\r\nthree\r\nfour");
		assert_string_equal(fetch(mb, 2, 1, piece),
		    "a: b\r\n\r\none\r\n");
		assert_string_equal(fetch(mb, 3, 0, piece), "a: b\r\nc:");
		assert_string_equal(fetch(mb, 4, 0, piece), "\r\n");
		assert_string_equal(fetch(mb, 4, UINT32_MAX, piece),
		    "\r\nbody\r\n");
	}
	mailbox_close(mb);
}

static void
long_messages_come_whole(void **state)
{
	struct mailbox	*mb;
	static char	 text[50001], want[60000];
	size_t		 i, n = 0;

	(void)state;
	for (i = 0; i < 50000; i++) {
		text[i] = i % 7 == 6 ? '\n' : 'a' + i % 26;
		if (text[i] == '\n')
			want[n++] = '\r';
		want[n++] = text[i];
	}
	want[n] = '\0';
	fixture_put(NEW "1.a.h", text);
	mb = open_mailbox();
	assert_int_equal(mailbox_size(mb, 1), n);
	assert_string_equal(fetch(mb, 1, MAILBOX_ALL, 4096), want);
	mailbox_close(mb);
}

static void
what_was_moved_is_found_again(void **state)
{
	struct mailbox	*mb;

	(void)state;
	fixture_put(NEW "1.a.h,S=3,W=3", "1\r\n");
	fixture_put(NEW "2.b.h,S=3,W=3", "2\r\n");
	fixture_put(CUR "3.c.h,S=3,W=3:2,", "3\r\n");
	mb = open_mailbox();
	move(NEW "1.a.h,S=3,W=3", CUR "1.a.h,S=3,W=3:2,S");
	move(CUR "3.c.h,S=3,W=3:2,", CUR "3.c.h,S=3,W=3:2,RS");
	/* One that came later has no number. */
	fixture_put(NEW "0.new.h,S=3,W=3", "0\r\n");
	assert_string_equal(fetch(mb, 1, MAILBOX_ALL, 99), "1\r\n");
	assert_string_equal(fetch(mb, 2, MAILBOX_ALL, 99), "2\r\n");
	assert_string_equal(fetch(mb, 3, MAILBOX_ALL, 99), "3\r\n");
	assert_int_equal(mailbox_count(mb), 3);
	mailbox_close(mb);
}

static void
what_vanished_is_not_found(void **state)
{
	struct mailbox	*mb;

	(void)state;
	fixture_put(NEW "1.a.h,S=3,W=3", "1\r\n");
	fixture_put(NEW "2.b.h,S=3,W=3", "2\r\n");
	mb = open_mailbox();
	assert_int_equal(unlinkat(spool, NEW "1.a.h,S=3,W=3", 0), 0);
	errno = 0;
	assert_null(mailbox_read_open(mb, 1, MAILBOX_ALL));
	assert_int_equal(errno, ENOENT);
	assert_string_equal(fetch(mb, 2, MAILBOX_ALL, 99), "2\r\n");
	mailbox_close(mb);
}

/* Both directories have it while another program renames it. */
static void
what_is_seen_twice_is_one(void **state)
{
	struct mailbox	*mb;

	(void)state;
	fixture_put(NEW "1.a.h,S=3,W=3", "1\r\n");
	fixture_put(CUR "1.a.h,S=3,W=3:2,S", "1\r\n");
	fixture_put(CUR "2.b.h,S=3,W=3:2,S", "2\r\n");
	mb = open_mailbox();
	assert_int_equal(mailbox_count(mb), 2);
	assert_int_equal(unlinkat(spool, NEW "1.a.h,S=3,W=3", 0), 0);
	assert_string_equal(fetch(mb, 1, MAILBOX_ALL, 99), "1\r\n");
	mailbox_close(mb);
}

static void
deleting_waits_for_update(void **state)
{
	struct mailbox	*mb;
	uint32_t	 messages;
	uint64_t	 bytes;

	(void)state;
	fixture_put(NEW "1.a.h,S=3,W=3", "1\r\n");
	fixture_put(CUR "2.b.h,S=4,W=4:2,S", "22\r\n");
	fixture_put(NEW "3.c.h,S=3,W=3", "3\r\n");
	mb = open_mailbox();
	mailbox_delete(mb, 1);
	assert_false(mailbox_exists(mb, 1));
	mailbox_totals(mb, &messages, &bytes);
	assert_int_equal(messages, 2);
	assert_int_equal(bytes, 7);
	mailbox_reset(mb);
	assert_true(mailbox_exists(mb, 1));
	mailbox_delete(mb, 1);
	mailbox_close(mb);
	assert_true(fixture_exists(NEW "1.a.h,S=3,W=3"));

	mb = open_mailbox();
	mailbox_delete(mb, 1);
	mailbox_delete(mb, 2);
	assert_int_equal(mailbox_update(mb), 0);
	mailbox_close(mb);
	assert_false(fixture_exists(NEW "1.a.h,S=3,W=3"));
	assert_false(fixture_exists(CUR "2.b.h,S=4,W=4:2,S"));
	assert_true(fixture_exists(NEW "3.c.h,S=3,W=3"));
}

static void
update_finds_what_was_moved(void **state)
{
	struct mailbox	*mb;

	(void)state;
	fixture_put(NEW "1.a.h,S=3,W=3", "1\r\n");
	fixture_put(NEW "2.b.h,S=3,W=3", "2\r\n");
	fixture_put(NEW "3.c.h,S=3,W=3", "3\r\n");
	mb = open_mailbox();
	mailbox_delete(mb, 1);
	mailbox_delete(mb, 2);
	move(NEW "1.a.h,S=3,W=3", CUR "1.a.h,S=3,W=3:2,S");
	move(NEW "3.c.h,S=3,W=3", CUR "3.c.h,S=3,W=3:2,S");
	/* This one is gone: that is what was wanted. */
	assert_int_equal(unlinkat(spool, NEW "2.b.h,S=3,W=3", 0), 0);
	assert_int_equal(mailbox_update(mb), 0);
	mailbox_close(mb);
	assert_false(fixture_exists(CUR "1.a.h,S=3,W=3:2,S"));
	assert_true(fixture_exists(CUR "3.c.h,S=3,W=3:2,S"));
}

/* A directory cannot be unlinked, even by root. */
static void
update_tells_what_failed(void **state)
{
	struct mailbox	*mb;

	(void)state;
	fixture_put(NEW "1.a.h,S=3,W=3", "1\r\n");
	assert_int_equal(mkdirat(spool, NEW "2.b.h,S=3,W=3", 0700), 0);
	mb = open_mailbox();
	mailbox_delete(mb, 1);
	mailbox_delete(mb, 2);
	assert_int_equal(mailbox_update(mb), 1);
	mailbox_close(mb);
	assert_false(fixture_exists(NEW "1.a.h,S=3,W=3"));
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(a_mailbox_that_is_not_there_is_empty),
		TEST(one_session_has_it),
		TEST(messages_are_in_order_of_time),
		TEST(the_snapshot_moves_nothing),
		TEST(uids_survive_renames),
		TEST(uids_are_printable_and_differ),
		TEST(sizes_are_those_on_the_wire),
		TEST(measuring_stops_at_its_budget),
		TEST(line_ends_are_converted_where_needed),
		TEST(top_gives_header_and_lines),
		TEST(long_messages_come_whole),
		TEST(what_was_moved_is_found_again),
		TEST(what_vanished_is_not_found),
		TEST(what_is_seen_twice_is_one),
		TEST(deleting_waits_for_update),
		TEST(update_finds_what_was_moved),
		TEST(update_tells_what_failed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
