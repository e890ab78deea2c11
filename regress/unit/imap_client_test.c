/* See LICENSE for the terms. */
/* The IMAP engine against scripted servers. */

#include <sys/types.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <cmocka.h>

#include "fetch_spool.h"
#include "imap_client.h"
#include "known.h"
#include "test_cert.h"

#define GREETING \
	SEND("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi\n")
#define AUTH	EXPECT("a1 AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==")
/* Login and SELECT are one flight; n messages are there. */
#define OPEN(n) \
	GREETING, AUTH, LONE("a2 SELECT INBOX"), \
	SEND("a1 OK [CAPABILITY IMAP4rev1 UIDPLUS] in\n* " n " EXISTS\n" \
	    "* 0 RECENT\n* OK [UIDVALIDITY 77] valid\n" \
	    "a2 OK [READ-WRITE] selected\n")
#define LISTING	LONE("a3 UID FETCH 1:* (UID RFC822.SIZE)")
/* One message, uid 5, of that size, which needs no deletion. */
#define ONE(size) \
	OPEN("1"), LISTING, \
	SEND("* 1 FETCH (UID 5 RFC822.SIZE " size ")\na3 OK listed\n")

#define RANGE	65536
#define LARGE	150000

static char	large[LARGE + 1];

static int
setup(void **state)
{
	size_t	 i;

	(void)state;
	spool_reset();
	signal(SIGPIPE, SIG_IGN);
	known_set_rate(RANGE);	/* a fast line, so ranges are large */
	for (i = 0; i < LARGE; i++)
		large[i] = "abcdefghijklmnopqrstuvwxy"[i * 7 % 251 % 25];
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	spool_reset();
	return (0);
}

static void
run(const struct peer_step *steps)
{
	session_run(&imap_ops, steps);
}

/*
 * The whole way: bodies in one flight, and the deletions with the good-bye
 * in another.
 */
static void
test_fetch(void **state)
{
	static const struct peer_step	 steps[] = {
		OPEN("3"), LISTING,
		SEND("* 1 FETCH (UID 3 RFC822.SIZE 900)\n"
		    "* 2 FETCH (UID 5 RFC822.SIZE 6)\n"
		    "* 3 FETCH (UID 9 RFC822.SIZE 4)\na3 OK listed\n"),
		LONE("a4 UID FETCH 9,5 BODY.PEEK[]"),
		SEND("* 3 FETCH (UID 9 BODY[] {4}\n.x\n)\n"
		    "* 2 FETCH (UID 5 BODY[] {7}\n.\n.)\n)\na4 OK\n"),
		EXPECT("a5 UID STORE 3,9,5 +FLAGS.SILENT (\\Deleted)"),
		EXPECT("a6 UID EXPUNGE 3,9,5"), LONE("a7 LOGOUT"),
		SEND("a5 OK\n* 1 EXPUNGE\na6 OK\n* BYE\na7 OK\n"), END
	};

	(void)state;
	spool_message("3")->seen = 1;
	spool_message("4")->seen = 1;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_string_equal(spool_message("9")->data, ".x\r\n");
	assert_string_equal(spool_message("5")->data, ".\r\n.)\r\n");
	assert_int_equal(spool_message("4")->forgotten, 1);
	assert_int_equal(spool_message("3")->forgotten, 0);
}

/* The answer to a fetch of a range, for SEND. */
static const char *
range(char *buf, unsigned int tag, size_t origin, size_t len)
{
	int	 n;

	n = sprintf(buf, "* 1 FETCH (UID 5 BODY[]<%zu> {%zu}\n", origin, len);
	memcpy(buf + n, large + origin, len);
	sprintf(buf + n + len, ")\na%u OK\n", tag);
	return (buf);
}

/* A large one comes in ranges, each asked for before the last is through. */
static void
test_ranges(void **state)
{
	static char			 r1[70000], r2[70000], r3[70000];
	static const struct peer_step	 steps[] = {
		ONE("150000"), LONE("a4 UID FETCH 5 BODY.PEEK[]<0.65536>"),
		SEND(r1), EXPECT("a5 UID FETCH 5 BODY.PEEK[]<65536.65536>"),
		SEND(r2), EXPECT("a6 UID FETCH 5 BODY.PEEK[]<131072.19952>"),
		SEND(r3), EXPECT("a7 LOGOUT"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	range(r1, 4, 0, RANGE);
	range(r2, 5, RANGE, RANGE);
	range(r3, 6, 2 * RANGE, LARGE - 2 * RANGE);
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("5")->resumable, 1);
	assert_int_equal(spool_message("5")->len, LARGE);
	assert_memory_equal(spool_message("5")->data, large, LARGE);
	assert_int_equal(spool_message("5")->committed, 1);
}

/* What an earlier window brought is not asked for again (M4). */
static void
test_resume(void **state)
{
	static char			 r1[70000], r2[70000];
	static const struct peer_step	 steps[] = {
		ONE("150000"), LONE("a4 UID FETCH 5 BODY.PEEK[]<70000.65536>"),
		SEND(r1), EXPECT("a5 UID FETCH 5 BODY.PEEK[]<135536.15488>"),
		SEND(r2), EXPECT("a6 LOGOUT"), END
	};
	struct spool_message		*m = spool_message("5");

	(void)state;
	session_keep = KEEP_FOREVER;
	assert_non_null(m->data = malloc(70000));
	memcpy(m->data, large, 70000);
	m->len = 70000;
	range(r1, 4, 70000, RANGE);
	range(r2, 5, 70000 + RANGE, LARGE - 70000 - RANGE);
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(m->len, LARGE);
	assert_memory_equal(m->data, large, LARGE);
}

/* The part that is there is all of it already. */
static void
test_resume_at_end(void **state)
{
	static const struct peer_step	 steps[] = {
		ONE("150000"),
		EXPECT("a4 UID FETCH 5 BODY.PEEK[]<150000.1024>"),
		SEND("* 1 FETCH (UID 5 BODY[]<150000> \"\")\na4 OK\n"),
		EXPECT("a5 LOGOUT"), END
	};
	struct spool_message		*m = spool_message("5");

	(void)state;
	session_keep = KEEP_FOREVER;
	assert_non_null(m->data = calloc(1, LARGE));
	m->len = LARGE;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(m->committed, 1);
	assert_int_equal(m->len, LARGE);
}

/* The line drops: what is there of a large one is kept. */
static void
test_line_drops(void **state)
{
	static char			 r1[70000];
	static const struct peer_step	 steps[] = {
		ONE("150000"), LONE("a4 UID FETCH 5 BODY.PEEK[]<0.65536>"),
		SEND(r1), CLOSE, END
	};

	(void)state;
	range(r1, 4, 0, RANGE);
	r1[20000] = '\0';
	run(steps);
	assert_int_equal(session_error, ECONNRESET);
	assert_int_equal(spool_message("5")->aborted, 1);
	assert_int_equal(spool_message("5")->kept, 1);
	assert_in_range(spool_message("5")->len, 19000, 20000);
	assert_memory_equal(spool_message("5")->data, large, 19000);
}

/* Nor is what may be another message's. */
static void
test_line_drops_unproven(void **state)
{
	static char			 r1[70000];
	static const struct peer_step	 steps[] = {
		ONE("150000"), LONE("a4 UID FETCH 5 BODY.PEEK[]<0.65536>"),
		SEND("* 1 FETCH (BODY[]<0> {65536}\n"), SEND(r1), CLOSE, END
	};

	(void)state;
	memset(r1, 'x', 20000);
	run(steps);
	assert_int_equal(spool_message("5")->len, 20000);
	assert_int_equal(spool_message("5")->aborted, 1);
	assert_int_equal(spool_message("5")->kept, 0);
}

/* Of a little there is nothing worth keeping. */
static void
test_line_drops_early(void **state)
{
	static char			 r1[70000];
	static const struct peer_step	 steps[] = {
		ONE("150000"), LONE("a4 UID FETCH 5 BODY.PEEK[]<0.65536>"),
		SEND(r1), CLOSE, END
	};

	(void)state;
	range(r1, 4, 0, RANGE);
	r1[3000] = '\0';
	run(steps);
	assert_int_equal(spool_message("5")->aborted, 1);
	assert_int_equal(spool_message("5")->kept, 0);
}

/* The message is larger than its size said: the bytes count. */
static void
test_size_too_small(void **state)
{
	static char			 r1[70000], r2[90000], r3[90000];
	static const struct peer_step	 steps[] = {
		ONE("66000"), LONE("a4 UID FETCH 5 BODY.PEEK[]<0.65536>"),
		SEND(r1), EXPECT("a5 UID FETCH 5 BODY.PEEK[]<65536.1488>"),
		SEND(r2), EXPECT("a6 UID FETCH 5 BODY.PEEK[]<67024.1024>"),
		SEND(r3), EXPECT("a7 LOGOUT"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	range(r1, 4, 0, RANGE);
	range(r2, 5, RANGE, 1488);
	range(r3, 6, 67024, 500);
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("5")->committed, 1);
	assert_int_equal(spool_message("5")->len, 67524);
	assert_memory_equal(spool_message("5")->data, large, 67524);
}

/* It is smaller: the range that comes short is asked after once. */
static void
test_size_too_large(void **state)
{
	static char			 r1[70000];
	static const struct peer_step	 steps[] = {
		ONE("150000"), LONE("a4 UID FETCH 5 BODY.PEEK[]<0.65536>"),
		SEND(r1), EXPECT("a5 UID FETCH 5 BODY.PEEK[]<65536.65536>"),
		EXPECT("a6 UID FETCH 5 BODY.PEEK[]<60000.65536>"),
		SEND("* 1 FETCH (UID 5 BODY[]<65536> {0}\n)\na5 OK\n"
		    "* 1 FETCH (UID 5 BODY[]<60000> {0}\n)\na6 OK\n"),
		EXPECT("a7 LOGOUT"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	range(r1, 4, 0, 60000);
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("5")->committed, 1);
	assert_int_equal(spool_message("5")->len, 60000);
}

/* A server that gives less than it is asked for loses no bytes. */
static void
test_small_ranges(void **state)
{
	static char			 r1[70000], r2[70000], r3[70000];
	static const struct peer_step	 steps[] = {
		ONE("100000"), LONE("a4 UID FETCH 5 BODY.PEEK[]<0.65536>"),
		SEND(r1), EXPECT("a5 UID FETCH 5 BODY.PEEK[]<65536.35488>"),
		EXPECT("a6 UID FETCH 5 BODY.PEEK[]<40000.61024>"),
		SEND("* 1 FETCH (UID 5 BODY[]<65536> {5}\nwrong)\na5 OK\n"),
		SEND(r2), EXPECT("a7 UID FETCH 5 BODY.PEEK[]<80000.21024>"),
		SEND(r3), EXPECT("a8 LOGOUT"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	range(r1, 4, 0, 40000);
	range(r2, 6, 40000, 40000);
	range(r3, 7, 80000, 20000);
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("5")->committed, 1);
	assert_int_equal(spool_message("5")->len, 100000);
	assert_memory_equal(spool_message("5")->data, large, 100000);
}

/* A server that knows no ranges gives everything, what we have included. */
static void
test_no_ranges(void **state)
{
	static char			 all[160000];
	static const struct peer_step	 steps[] = {
		ONE("100000"), LONE("a4 UID FETCH 5 BODY.PEEK[]<50000.51024>"),
		SEND(all), EXPECT("a5 LOGOUT"), END
	};
	struct spool_message		*m = spool_message("5");
	int				 n;

	(void)state;
	session_keep = KEEP_FOREVER;
	assert_non_null(m->data = malloc(50000));
	memcpy(m->data, large, 50000);
	m->len = 50000;
	n = sprintf(all, "* 1 FETCH (UID 5 BODY[] {100000}\n");
	memcpy(all + n, large, 100000);
	sprintf(all + n + 100000, ")\na4 OK\n");
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(m->committed, 1);
	assert_int_equal(m->len, 100000);
	assert_memory_equal(m->data, large, 100000);
}

/*
 * A server that gives a range and does not say so: it could be everything,
 * and be deleted with the rest of it.  Asked for without a range it is.
 */
static void
test_range_unsaid(void **state)
{
	static char			 part[70000], all[160000];
	static const struct peer_step	 steps[] = {
		ONE("100000"), LONE("a4 UID FETCH 5 BODY.PEEK[]<50000.51024>"),
		SEND(part), LONE("a5 UID FETCH 5 BODY.PEEK[]"),
		SEND(all), EXPECT("a6 LOGOUT"), END
	};
	struct spool_message		*m = spool_message("5");
	int				 n;

	(void)state;
	session_keep = KEEP_FOREVER;
	assert_non_null(m->data = malloc(50000));
	memcpy(m->data, large, 50000);
	m->len = 50000;
	n = sprintf(part, "* 1 FETCH (UID 5 BODY[] {50000}\n");
	memcpy(part + n, large + 50000, 50000);
	sprintf(part + n + 50000, ")\na4 OK\n");
	n = sprintf(all, "* 1 FETCH (UID 5 BODY[] {100000}\n");
	memcpy(all + n, large, 100000);
	sprintf(all + n + 100000, ")\na5 OK\n");
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(m->committed, 1);
	assert_int_equal(m->len, 100000);
	assert_memory_equal(m->data, large, 100000);
}

/* A whole one whose size was wrong. */
static void
test_whole_size_wrong(void **state)
{
	static const struct peer_step	 steps[] = {
		ONE("3"), EXPECT("a4 UID FETCH 5 BODY.PEEK[]"),
		SEND("* 1 FETCH (UID 5 BODY[] {8}\nlonger\n)\na4 OK\n"),
		EXPECT("a5 UID STORE 5 +FLAGS.SILENT (\\Deleted)"),
		EXPECT("a6 UID EXPUNGE 5"), EXPECT("a7 LOGOUT"),
		SEND("a5 OK\na6 OK\n"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_string_equal(spool_message("5")->data, "longer\r\n");
}

/* Gone meanwhile, in each way to say it: the others come. */
static void
test_vanished(void **state)
{
	static const struct peer_step	 steps[] = {
		OPEN("4"), LISTING,
		SEND("* 1 FETCH (UID 1 RFC822.SIZE 10)\n"
		    "* 2 FETCH (UID 2 RFC822.SIZE 11)\n"
		    "* 3 FETCH (UID 3 RFC822.SIZE 12)\n"
		    "* 4 FETCH (UID 4 RFC822.SIZE 13)\na3 OK\n"),
		LONE("a4 UID FETCH 1,2,3,4 BODY.PEEK[]"),
		SEND("* 2 FETCH (UID 2 BODY[] NIL)\n"
		    "* 3 FETCH (UID 3 BODY[] \"\")\n"
		    "* 4 FETCH (UID 4 BODY[] \"quo\\\"te\")\na4 OK\n"),
		EXPECT("a5 UID STORE 4 +FLAGS.SILENT (\\Deleted)"),
		EXPECT("a6 UID EXPUNGE 4"), EXPECT("a7 LOGOUT"),
		SEND("a5 OK\na6 OK\n"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("1")->aborted, 1);
	assert_int_equal(spool_message("2")->aborted, 1);
	assert_int_equal(spool_message("3")->aborted, 1);
	assert_string_equal(spool_message("4")->data, "quo\"te");
}

/* A set in any order; what has come of it is ours whatever becomes of it. */
static void
test_set(void **state)
{
	static const struct peer_step	 steps[] = {
		OPEN("3"), LISTING,
		SEND("* 1 FETCH (UID 1 RFC822.SIZE 10)\n"
		    "* 2 FETCH (UID 2 RFC822.SIZE 5)\n"
		    "* 3 FETCH (UID 3 RFC822.SIZE 7)\na3 OK\n"),
		LONE("a4 UID FETCH 2,3,1 BODY.PEEK[]"),
		SEND("* 1 FETCH (UID 1 BODY[] {10}\neight...\n)\n"
		    "* 2 FETCH (UID 2 BODY[] {5}\nabc\n)\n"
		    "* 3 FETCH (UID 3 BODY[] {7}\nab"), CLOSE, END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, ECONNRESET);
	assert_string_equal(spool_message("1")->data, "eight...\r\n");
	assert_int_equal(spool_message("1")->committed, 1);
	assert_int_equal(spool_message("2")->committed, 1);
	assert_int_equal(spool_message("3")->committed, 0);
	assert_int_equal(spool_message("3")->aborted, 1);
}

/* One that the server cannot give does not keep the others. */
static void
test_set_refused(void **state)
{
	static const struct peer_step	 steps[] = {
		OPEN("3"), LISTING,
		SEND("* 1 FETCH (UID 1 RFC822.SIZE 5)\n"
		    "* 2 FETCH (UID 2 RFC822.SIZE 6)\n"
		    "* 3 FETCH (UID 3 RFC822.SIZE 7)\na3 OK\n"),
		LONE("a4 UID FETCH 1,2,3 BODY.PEEK[]"),
		SEND("* 1 FETCH (UID 1 BODY[] {5}\nabc\n)\na4 NO corrupt\n"),
		EXPECT("a5 UID FETCH 2 BODY.PEEK[]"),
		LONE("a6 UID FETCH 3 BODY.PEEK[]"),
		SEND("a5 NO corrupt\n"
		    "* 3 FETCH (UID 3 BODY[] {7}\nabcde\n)\na6 OK\n"),
		EXPECT("a7 LOGOUT"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	run(steps);
	assert_int_equal(session_error, EIO);
	assert_int_equal(spool_message("1")->committed, 1);
	assert_int_equal(spool_message("2")->committed, 0);
	assert_int_equal(spool_message("3")->committed, 1);
}

/* Two bytes of that one came for nothing, and are counted when they come. */
static void
test_repeated(void **state)
{
	static const struct peer_step	 steps[] = {
		OPEN("1"), LISTING,
		SEND("* 1 FETCH (UID 3 RFC822.SIZE 7)\na3 OK\n"),
		LONE("a4 UID FETCH 3 BODY.PEEK[]"),
		SEND("* 3 FETCH (UID 3 BODY[] {7}\nabcde\n)\na4 OK\n"),
		EXPECT("a5 LOGOUT"), END
	};

	(void)state;
	test_set(state);
	spool_reset();
	session_keep = KEEP_FOREVER;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(session_repeated, 2);
	spool_reset();
	session_keep = KEEP_FOREVER;
	run(steps);
	assert_int_equal(session_repeated, 0);
}

/* Whose body is it, where the uid comes last?  Then one by one. */
static void
test_set_uid_last(void **state)
{
	static const struct peer_step	 steps[] = {
		OPEN("2"), LISTING,
		SEND("* 1 FETCH (UID 1 RFC822.SIZE 5)\n"
		    "* 2 FETCH (UID 2 RFC822.SIZE 5)\na3 OK\n"),
		LONE("a4 UID FETCH 1,2 BODY.PEEK[]"),
		SEND("* 2 FETCH (BODY[] {5}\ntwo\n UID 2)\n"
		    "* 1 FETCH (BODY[] {5}\none\n UID 1)\na4 OK\n"),
		EXPECT("a5 UID FETCH 1 BODY.PEEK[]"),
		LONE("a6 UID FETCH 2 BODY.PEEK[]"),
		SEND("* 1 FETCH (BODY[] {5}\none\n UID 1)\na5 OK\n"
		    "* 2 FETCH (BODY[] {5}\ntwo\n UID 2)\na6 OK\n"),
		EXPECT("a7 LOGOUT"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_string_equal(spool_message("1")->data, "one\r\n");
	assert_string_equal(spool_message("2")->data, "two\r\n");
}

/* On a slow line ranges are small, and not many are asked for ahead. */
static void
test_slow_ranges(void **state)
{
	static char			 r1[9000], r2[9000], r3[9000];
	static const struct peer_step	 steps[] = {
		ONE("12000"),
		EXPECT("a4 UID FETCH 5 BODY.PEEK[]<0.4096>"),
		LONE("a5 UID FETCH 5 BODY.PEEK[]<4096.4096>"), SEND(r1),
		LONE("a6 UID FETCH 5 BODY.PEEK[]<8192.4832>"),
		SEND(r2), SEND(r3), EXPECT("a7 LOGOUT"), END
	};

	(void)state;
	known_set_rate(240);
	session_keep = KEEP_FOREVER;
	range(r1, 4, 0, 4096);
	range(r2, 5, 4096, 4096);
	range(r3, 6, 8192, 12000 - 8192);
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("5")->committed, 1);
	assert_memory_equal(spool_message("5")->data, large, 12000);
}

/* An empty message is one, where its size says so. */
static void
test_empty_message(void **state)
{
	static const struct peer_step	 steps[] = {
		ONE("0"), EXPECT("a4 UID FETCH 5 BODY.PEEK[]"),
		SEND("* 1 FETCH (UID 5 BODY[] {0}\n)\na4 OK\n"),
		EXPECT("a5 LOGOUT"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("5")->committed, 1);
}

/* One fetch is refused: the others come, and the account says so. */
static void
test_fetch_refused(void **state)
{
	static const struct peer_step	 steps[] = {
		ONE("10"), EXPECT("a4 UID FETCH 5 BODY.PEEK[]"),
		SEND("a4 NO corrupt\n"), EXPECT("a5 LOGOUT"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, EIO);
	assert_int_equal(spool_message("5")->committed, 0);
}

/* The uid may come after the body, and must be right. */
static void
test_uid_last(void **state)
{
	static const struct peer_step	 good[] = {
		ONE("3"), EXPECT("a4 UID FETCH 5 BODY.PEEK[]"),
		SEND("* 1 FETCH (BODY[] {3}\nx\n UID 5)\na4 OK\n"),
		EXPECT("a5 LOGOUT"), END
	};
	static const struct peer_step	 wrong[] = {
		ONE("3"), EXPECT("a4 UID FETCH 5 BODY.PEEK[]"),
		SEND("* 1 FETCH (BODY[] {3}\nx\n UID 6)\na4 OK\n"), END
	};
	static const struct peer_step	 none[] = {
		ONE("3"), EXPECT("a4 UID FETCH 5 BODY.PEEK[]"),
		SEND("* 1 FETCH (BODY[] {3}\nx\n)\na4 OK\n"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	run(good);
	assert_int_equal(session_error, 0);
	assert_string_equal(spool_message("5")->data, "x\r\n");
	spool_reset();
	run(wrong);
	assert_int_equal(session_error, EPROTO);
	assert_int_equal(spool_message("5")->committed, 0);
	spool_reset();
	run(none);
	assert_int_equal(session_error, EPROTO);
	assert_int_equal(spool_message("5")->committed, 0);
}

/* What was not asked for may come at any time, literals and all. */
static void
test_unsolicited(void **state)
{
	static const struct peer_step	 steps[] = {
		OPEN("1"), SEND("* 2 EXISTS\n* LIST () \"/\" {5}\nINBOX\n"),
		LISTING, SEND("* 1 FETCH (FLAGS (\\Seen))\n"
		    "* 1 FETCH (UID 5 RFC822.SIZE 3)\n* 3 EXPUNGE\na3 OK\n"),
		EXPECT("a4 UID FETCH 5 BODY.PEEK[]"),
		SEND("* 2 FETCH (UID 8 FLAGS ())\n"
		    "* 2 FETCH (UID 8 BODY[] {4}\nevil)\n"
		    "* 1 FETCH (ENVELOPE (NIL {3}\na b) UID 5 BODY[] {3}\nx\n"
		    " X {2}\nzz)\n* OK [ALERT] noon\n* 3 EXISTS\na4 OK\n"),
		EXPECT("a5 LOGOUT"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_string_equal(spool_message("5")->data, "x\r\n");
	assert_int_equal(spool_message("8")->committed, 0);
}

/* Nor does it get among what spoold is asked about meanwhile. */
static void
test_unsolicited_after_listing(void **state)
{
	static const struct peer_step	 steps[] = {
		OPEN("2"), LISTING,
		SEND("* 1 FETCH (UID 5 RFC822.SIZE 3)\n"
		    "* 2 FETCH (UID 9 RFC822.SIZE 4)\na3 OK\n"
		    "* 1 FETCH (UID 5 RFC822.SIZE 3)\n"
		    "* 1 FETCH (UID 5 RFC822.SIZE 3)\n* SEARCH 5\n"),
		LONE("a4 UID FETCH 5 BODY.PEEK[]"),
		SEND("* 1 FETCH (UID 5 BODY[] {3}\nx\n)\na4 OK\n"),
		EXPECT("a5 LOGOUT"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	spool_message("9")->seen = 1;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("9")->forgotten, 0);
	assert_int_equal(spool_message("5")->committed, 1);
}

/* Fewer messages than there are: the others are not gone. */
static void
test_listing_incomplete(void **state)
{
	static const struct peer_step	 steps[] = {
		OPEN("2"), LISTING,
		SEND("* 1 FETCH (UID 5 RFC822.SIZE 3)\na3 OK\n"),
		EXPECT("a4 LOGOUT"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	spool_message("5")->seen = 1;
	spool_message("9")->seen = 1;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("9")->forgotten, 0);
}

/* A large mailbox: uids first, then sizes of what is new only. */
static void
test_search(void **state)
{
	static char			 others[94 * 4 + 1];
	static const struct peer_step	 steps[] = {
		OPEN("100"), LONE("a3 UID SEARCH ALL"),
		SEND("* SEARCH 1 2 4 5 6 9"), SEND(others), SEND("\na3 OK\n"),
		EXPECT("a4 UID FETCH 1,4:6 (UID RFC822.SIZE)"),
		SEND("* 1 FETCH (UID 1 RFC822.SIZE 9)\n"
		    "* 3 FETCH (UID 4 RFC822.SIZE 8)\n"
		    "* 4 FETCH (UID 5 RFC822.SIZE 7)\n"
		    "* 5 FETCH (UID 6 RFC822.SIZE 6)\na4 OK\n"),
		LONE("a5 UID FETCH 6,5,4,1 BODY.PEEK[]"), SEND("a5 NO\n"),
		EXPECT("a6 UID FETCH 6 BODY.PEEK[]"),
		EXPECT("a7 UID FETCH 5 BODY.PEEK[]"),
		EXPECT("a8 UID FETCH 4 BODY.PEEK[]"),
		LONE("a9 UID FETCH 1 BODY.PEEK[]"),
		SEND("a6 NO\na7 NO\na8 NO\na9 NO\n"),
		EXPECT("a10 LOGOUT"), END
	};
	size_t				 i;

	(void)state;
	session_keep = KEEP_FOREVER;
	spool_message("2")->seen = 1;
	spool_message("9")->seen = 1;
	spool_message("7")->seen = 1;
	for (i = 0; i < 94; i++) {
		sprintf(others + i * 4, " %zu", 200 + i);
		spool_message(others + i * 4 + 1)->seen = 1;
	}
	run(steps);
	assert_int_equal(session_error, EIO);
	assert_int_equal(spool_message("7")->forgotten, 1);
}

static void
test_esearch(void **state)
{
	static const struct peer_step	 steps[] = {
		GREETING, AUTH, LONE("a2 SELECT INBOX"),
		SEND("a1 OK in\n* 9000 EXISTS\n"
		    "* OK [UIDVALIDITY 77] valid\na2 OK selected\n"),
		LONE("a3 CAPABILITY"),
		SEND("* CAPABILITY IMAP4rev1 ESEARCH\na3 OK\n"),
		LONE("a4 UID SEARCH RETURN (ALL) ALL"),
		SEND("* ESEARCH (TAG \"a4\") UID ALL 7:9\na4 OK\n"),
		EXPECT("a5 LOGOUT"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	spool_message("7")->seen = 1;
	spool_message("8")->seen = 1;
	spool_message("9")->seen = 1;
	run(steps);
	assert_int_equal(session_error, 0);
}

/* A mailbox with many gaps: its uids make one line that is long. */
static void
test_esearch_long(void **state)
{
	static char			 uids[200000];
	static const struct peer_step	 steps[] = {
		GREETING, AUTH, LONE("a2 SELECT INBOX"),
		SEND("a1 OK [CAPABILITY IMAP4rev1 ESEARCH] in\n"
		    "* 20000 EXISTS\n* OK [UIDVALIDITY 7] valid\na2 OK\n"),
		LONE("a3 UID SEARCH RETURN (ALL) ALL"), SEND(uids),
		SEND("a3 NO listed\n"), END
	};
	size_t				 n, i;

	(void)state;
	n = (size_t)sprintf(uids, "* ESEARCH (TAG \"a3\") UID ALL 1");
	for (i = 1; i < 20000; i++)
		n += (size_t)sprintf(uids + n, ",%zu", i * 2 + 1);
	sprintf(uids + n, "\n");
	run(steps);
	assert_string_equal(session_text, "no listing: listed");
}

/* Ranges without end do not make memory grow without end. */
static void
test_esearch_huge(void **state)
{
	static const struct peer_step	 steps[] = {
		GREETING, AUTH, LONE("a2 SELECT INBOX"),
		SEND("a1 OK [CAPABILITY IMAP4rev1 ESEARCH] in\n"
		    "* 9000 EXISTS\n* OK [UIDVALIDITY 7] valid\na2 OK\n"),
		LONE("a3 UID SEARCH RETURN (ALL) ALL"),
		SEND("* ESEARCH (TAG \"a3\") UID ALL 1:4294967295\na3 OK\n"),
		EXPECT("a4 UID FETCH 2:100000 (UID RFC822.SIZE)"),
		SEND("a4 NO\n"), END
	};

	(void)state;
	spool_message("1")->seen = 1;
	spool_message("4000000000")->seen = 1;
	run(steps);
	assert_int_equal(session_error, EPROTO);
	/* What was not looked at is not known to be gone. */
	assert_int_equal(spool_message("4000000000")->forgotten, 0);
}

/* Without UIDPLUS: expunged only where all that is marked is ours. */
static void
test_no_uidplus(void **state)
{
	static const struct peer_step	 ours[] = {
		GREETING, AUTH, LONE("a2 SELECT INBOX"),
		SEND("a1 OK [CAPABILITY IMAP4rev1] in\n* 1 EXISTS\n"
		    "* OK [UIDVALIDITY 77] valid\na2 OK\n"), LISTING,
		SEND("* 1 FETCH (UID 5 RFC822.SIZE 3)\na3 OK\n"),
		LONE("a4 UID STORE 5 +FLAGS.SILENT (\\Deleted)"),
		SEND("a4 OK\n"), LONE("a5 UID SEARCH DELETED"),
		SEND("* SEARCH 5\na5 OK\n"), EXPECT("a6 EXPUNGE"),
		EXPECT("a7 LOGOUT"), SEND("a6 OK\n"), END
	};
	static const struct peer_step	 others[] = {
		GREETING, AUTH, LONE("a2 SELECT INBOX"),
		SEND("a1 OK [CAPABILITY IMAP4rev1] in\n* 1 EXISTS\n"
		    "* OK [UIDVALIDITY 77] valid\na2 OK\n"), LISTING,
		SEND("* 1 FETCH (UID 5 RFC822.SIZE 3)\na3 OK\n"),
		LONE("a4 UID STORE 5 +FLAGS.SILENT (\\Deleted)"),
		SEND("a4 OK\n"), LONE("a5 UID SEARCH DELETED"),
		SEND("* SEARCH 4 5\na5 OK\n"), EXPECT("a6 LOGOUT"), END
	};

	(void)state;
	spool_message("5")->seen = 1;
	run(ours);
	assert_int_equal(session_error, 0);
	spool_reset();
	spool_message("5")->seen = 1;
	run(others);
	assert_int_equal(session_error, 0);
}

/* A mailbox that may not be changed is read all the same. */
static void
test_read_only(void **state)
{
	static const struct peer_step	 steps[] = {
		GREETING, AUTH, LONE("a2 SELECT INBOX"),
		SEND("a1 OK [CAPABILITY IMAP4rev1 UIDPLUS] in\n* 1 EXISTS\n"
		    "* OK [UIDVALIDITY 77] valid\na2 OK [READ-ONLY] ok\n"),
		LISTING, SEND("* 1 FETCH (UID 5 RFC822.SIZE 3)\na3 OK\n"),
		EXPECT("a4 LOGOUT"), END
	};

	(void)state;
	spool_message("5")->seen = 1;
	run(steps);
	assert_int_equal(session_error, 0);
}

/* What is not durable stays upstream (M3). */
static void
test_commit_fails(void **state)
{
	static const struct peer_step	 steps[] = {
		ONE("3"), EXPECT("a4 UID FETCH 5 BODY.PEEK[]"),
		SEND("* 1 FETCH (UID 5 BODY[] {3}\nx\n)\na4 OK\n"),
		EXPECT("a5 LOGOUT"), END
	};

	(void)state;
	spool_message("5")->commit_error = ENOSPC;
	run(steps);
	assert_int_equal(session_error, ENOSPC);
}

/* The disk fills within a large one: no more of it is asked for. */
static void
test_disk_fills(void **state)
{
	static char			 r1[70000];
	static const struct peer_step	 steps[] = {
		ONE("150000"), LONE("a4 UID FETCH 5 BODY.PEEK[]<0.65536>"),
		SEND(r1), EXPECT("a5 LOGOUT"), END
	};

	(void)state;
	spool_message("5")->room = 10000;
	range(r1, 4, 0, RANGE);
	run(steps);
	assert_int_equal(session_error, ENOSPC);
	assert_int_equal(spool_message("5")->committed, 0);
	assert_int_equal(spool_message("5")->kept, 0);
}

/* LOGIN, where there is nothing better, quoted as it must be. */
static void
test_login_quoted(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("* OK hi\n"), LONE("a1 CAPABILITY"),
		SEND("* CAPABILITY IMAP4rev1 AUTH=PLAIN\na1 OK\n"),
		EXPECT("a2 LOGIN \"alice\" \"a\\\"b\\\\c d\""),
		LONE("a3 SELECT INBOX"),
		SEND("a2 NO [AUTHENTICATIONFAILED] no\n"), END
	};

	(void)state;
	session_password = "a\"b\\c d";
	run(steps);
	assert_int_equal(session_error, EACCES);
	assert_string_equal(session_text,
	    "login refused: [AUTHENTICATIONFAILED] no");
}

/* A password that cannot be quoted: a literal, and the server's leave. */
static void
test_login_literal(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("* OK [CAPABILITY IMAP4rev1] hi\n"),
		LONE("a1 LOGIN \"alice\" {4}"), SEND("+ go on\n"),
		BYTES("p\xc3\xa4r\r\na2 SELECT INBOX\r\n"),
		SEND("a1 NO no\n"), END
	};
	static const struct peer_step	 plus[] = {
		SEND("* OK [CAPABILITY IMAP4rev1 LITERAL+] hi\n"),
		BYTES("a1 LOGIN \"alice\" {4+}\r\np\xc3\xa4r\r\n"
		    "a2 SELECT INBOX\r\n"), SEND("a1 NO no\n"), END
	};

	(void)state;
	session_password = "p\xc3\xa4r";
	run(steps);
	assert_int_equal(session_error, EACCES);
	run(plus);
	assert_int_equal(session_error, EACCES);
}

/* AUTHENTICATE without SASL-IR, where LOGIN is disabled. */
static void
test_authenticate(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN] "
		    "hi\n"), LONE("a1 AUTHENTICATE PLAIN"), SEND("+\n"),
		EXPECT("AGFsaWNlAHNlY3JldA=="), LONE("a2 SELECT INBOX"),
		SEND("a1 NO [UNAVAILABLE] AGFsaWNlAHNlY3JldA== later\n"), END
	};
	static const struct peer_step	 nothing[] = {
		SEND("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi\n"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, EAGAIN);
	/* Nor in base64. */
	assert_string_equal(session_text, "no login now");
	run(nothing);
	assert_int_equal(session_error, EOPNOTSUPP);
}

static void
test_starttls(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\n"),
		LONE("a1 STARTTLS"), SEND("a1 OK\n"), TLS,
		LONE("a2 CAPABILITY"),
		SEND("* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\na2 OK\n"),
		EXPECT("a3 AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA=="),
		LONE("a4 SELECT INBOX"),
		SEND("a3 OK [CAPABILITY IMAP4rev1] in\n* 0 EXISTS\n"
		    "* OK [UIDVALIDITY 1] ok\na4 OK\n"),
		EXPECT("a5 LOGOUT"), END
	};

	(void)state;
	session_tls = TLS_MODE_STARTTLS;
	run(steps);
	assert_int_equal(session_error, 0);
}

/* Nothing secret over a line that was to be secured and is not. */
static void
test_starttls_fails(void **state)
{
	static const struct peer_step	 missing[] = {
		GREETING, END
	};
	static const struct peer_step	 refused[] = {
		SEND("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\n"),
		EXPECT("a1 STARTTLS"), SEND("a1 NO\n"), END
	};
	static const struct peer_step	 preauth[] = {
		SEND("* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hi\n"), END
	};
	static const struct peer_step	 injection[] = {
		SEND("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\n"),
		EXPECT("a1 STARTTLS"),
		SEND("a1 OK\n* CAPABILITY IMAP4rev1\na2 OK\n"), END
	};
	static const struct peer_step	 certificate[] = {
		SEND("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\n"),
		EXPECT("a1 STARTTLS"), SEND("a1 OK\n"), TLS, END
	};

	(void)state;
	session_tls = TLS_MODE_STARTTLS;
	run(missing);
	assert_int_equal(session_error, EPROTO);
	run(refused);
	assert_int_equal(session_error, EPROTO);
	run(preauth);
	assert_int_equal(session_error, EPROTO);
	run(injection);
	assert_int_equal(session_error, EPROTO);
	session_trust = TEST_BAD_CRT;
	run(certificate);
	assert_int_equal(session_error, EPROTO);
	assert_non_null(strstr(session_text, "certificate"));
}

static void
bad(const struct peer_step *steps, int error)
{
	spool_reset();
	run(steps);
	assert_int_equal(session_error, error);
}

static void
test_nonsense(void **state)
{
	static char			 line[66000];
	static const struct peer_step	 pop3[] = {
		SEND("+OK POP3 ready\n"), END
	};
	static const struct peer_step	 smtp[] = {
		SEND("220 smtp\n"), END
	};
	static const struct peer_step	 bye[] = {
		SEND("* BYE too many\n"), END
	};
	static const struct peer_step	 later_bye[] = {
		ONE("3"), EXPECT("a4 UID FETCH 5 BODY.PEEK[]"),
		SEND("* BYE going down\n"), END
	};
	static const struct peer_step	 no_inbox[] = {
		GREETING, AUTH, EXPECT("a2 SELECT INBOX"),
		SEND("a1 OK\na2 NO\n"), END
	};
	static const struct peer_step	 no_validity[] = {
		GREETING, AUTH, EXPECT("a2 SELECT INBOX"),
		SEND("a1 OK\n* 1 EXISTS\na2 OK\n"), END
	};
	static const struct peer_step	 not_sticky[] = {
		GREETING, AUTH, EXPECT("a2 SELECT INBOX"),
		SEND("a1 OK\n* OK [UIDVALIDITY 1] x\n"
		    "* NO [UIDNOTSTICKY] x\na2 OK\n"), END
	};
	static const struct peer_step	 tag[] = {
		GREETING, AUTH, EXPECT("a2 SELECT INBOX"),
		SEND("a9 OK\n"), END
	};
	static const struct peer_step	 two_bodies[] = {
		ONE("3"), EXPECT("a4 UID FETCH 5 BODY.PEEK[]"),
		SEND("* 1 FETCH (UID 5 BODY[] {1}\nx BODY[] {1}\ny)\n"), END
	};
	static const struct peer_step	 more[] = {
		GREETING, AUTH, EXPECT("a2 SELECT INBOX"), SEND("+ \n"), END
	};
	static const struct peer_step	 overlong[] = {
		SEND(line), END
	};

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	bad(pop3, EPROTO);
	bad(smtp, EPROTO);
	bad(bye, EAGAIN);
	bad(later_bye, ECONNRESET);
	bad(no_inbox, ENOENT);
	bad(no_validity, EOPNOTSUPP);
	bad(not_sticky, EOPNOTSUPP);
	bad(tag, EPROTO);
	bad(two_bodies, EPROTO);
	bad(more, EPROTO);
	bad(overlong, EMSGSIZE);
}

/* A message without end does not fill the disk. */
static void
test_endless(void **state)
{
	static char			 block[600001];
	static const struct peer_step	 steps[] = {
		ONE("3"), EXPECT("a4 UID FETCH 5 BODY.PEEK[]"),
		SEND("* 1 FETCH (UID 5 BODY[] {9000000000}\n"),
		SEND(block), SEND(block), SEND(block), END
	};

	(void)state;
	memset(block, 'x', sizeof(block) - 1);
	run(steps);
	assert_int_equal(session_error, EFBIG);
	assert_int_equal(spool_message("5")->committed, 0);
	assert_int_equal(spool_message("5")->kept, 0);
}

#define TEST(name)	cmocka_unit_test_setup(test_ ## name, setup)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(fetch),
		TEST(ranges),
		TEST(resume),
		TEST(resume_at_end),
		TEST(line_drops),
		TEST(line_drops_early),
		TEST(line_drops_unproven),
		TEST(size_too_small),
		TEST(size_too_large),
		TEST(small_ranges),
		TEST(no_ranges),
		TEST(range_unsaid),
		TEST(whole_size_wrong),
		TEST(vanished),
		TEST(empty_message),
		TEST(set),
		TEST(set_refused),
		TEST(repeated),
		TEST(set_uid_last),
		TEST(slow_ranges),
		TEST(fetch_refused),
		TEST(uid_last),
		TEST(unsolicited),
		TEST(unsolicited_after_listing),
		TEST(listing_incomplete),
		TEST(search),
		TEST(esearch),
		TEST(esearch_long),
		TEST(esearch_huge),
		TEST(no_uidplus),
		TEST(read_only),
		TEST(commit_fails),
		TEST(disk_fills),
		TEST(login_quoted),
		TEST(login_literal),
		TEST(authenticate),
		TEST(starttls),
		TEST(starttls_fails),
		TEST(nonsense),
		TEST(endless),
	};

	return (cmocka_run_group_tests(tests, NULL, teardown));
}
