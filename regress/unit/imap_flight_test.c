/* See LICENSE for the terms. */
/*
 * The IMAP engine's flights: what is sent on the strength of earlier windows,
 * what COMPRESS holds up, and what becomes of it where that was wrong.
 */

#include <sys/types.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "fetch_spool.h"
#include "imap_client.h"
#include "imap_parse.h"
#include "known.h"

#define BEFORE	(IMAP_CAP_IMAP4 | IMAP_CAP_SASL_IR | IMAP_CAP_AUTH_PLAIN)
#define AFTER	(IMAP_CAP_IMAP4 | IMAP_CAP_UIDPLUS | IMAP_CAP_COMPRESS)
#define GREETING \
	"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi\n"
#define LOGGED_IN \
	"a1 OK [CAPABILITY IMAP4rev1 UIDPLUS COMPRESS=DEFLATE] in\n"
#define AUTH	EXPECT("a1 AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==")
#define STATUS	LONE("a2 STATUS INBOX (UIDNEXT UIDVALIDITY)")
#define SELECTED(n, next) \
	"* " n " EXISTS\n* OK [UIDVALIDITY 77] valid\n" \
	"* OK [UIDNEXT " next "] next\na2 OK [READ-WRITE] selected\n"

static struct known_upstream	 known;
static struct known_mailbox	 memory;

static int
setup(void **state)
{
	(void)state;
	spool_reset();
	signal(SIGPIPE, SIG_IGN);
	memset(&known, 0, sizeof(known));
	memset(&memory, 0, sizeof(memory));
	session_known = &known;
	session_memory = &memory;
	session_keep = KEEP_FOREVER;
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
learnt(uint32_t uidnext, unsigned int windows, unsigned int news)
{
	known.before = BEFORE;
	known.after = AFTER;
	memory.uidvalidity = 77;
	memory.uidnext = uidnext;
	memory.windows = windows;
	memory.news = news;
}

static void
run(const struct peer_step *steps)
{
	session_run(&imap_ops, steps);
}

/* The first window: as ever, but compressed, and with a good memory. */
static void
test_first(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND(GREETING), AUTH, LONE("a2 SELECT INBOX"),
		SEND(LOGGED_IN SELECTED("1", "6")),
		EXPECT("a3 UID FETCH 1:* (UID RFC822.SIZE)"),
		LONE("a4 COMPRESS DEFLATE"),
		SEND("* 1 FETCH (UID 5 RFC822.SIZE 3)\na3 OK\n"), IDLE,
		SEND("a4 OK\n"), DEFLATE,
		EXPECT("a5 UID FETCH 5 BODY.PEEK[]"),
		SEND("* 1 FETCH (UID 5 BODY[] {3}\nx\n)\na5 OK\n"),
		EXPECT("a6 LOGOUT"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_string_equal(spool_message("5")->data, "x\r\n");
	assert_int_equal(known.before, BEFORE);
	assert_int_equal(known.after, AFTER);
	assert_int_equal(memory.uidvalidity, 77);
	assert_int_equal(memory.uidnext, 6);
	assert_int_equal(memory.exists, 1);
	assert_int_equal(memory.news, 1);
	assert_int_equal(memory.windows, 1);
}

/* COMPRESS refused: then without. */
static void
test_compress_refused(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND(GREETING), AUTH, LONE("a2 SELECT INBOX"),
		SEND(LOGGED_IN SELECTED("1", "6")),
		EXPECT("a3 UID FETCH 1:* (UID RFC822.SIZE)"),
		LONE("a4 COMPRESS DEFLATE"),
		SEND("* 1 FETCH (UID 5 RFC822.SIZE 3)\na3 OK\n"
		    "a4 NO [COMPRESSIONACTIVE] by TLS\n"),
		EXPECT("a5 UID FETCH 5 BODY.PEEK[]"),
		SEND("* 1 FETCH (UID 5 BODY[] {3}\nx\n)\na5 OK\n"),
		EXPECT("a6 LOGOUT"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("5")->committed, 1);
}

/* What says it is compressed and is not. */
static void
test_compress_garbage(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND(GREETING), AUTH, LONE("a2 SELECT INBOX"),
		SEND(LOGGED_IN SELECTED("1", "6")),
		EXPECT("a3 UID FETCH 1:* (UID RFC822.SIZE)"),
		LONE("a4 COMPRESS DEFLATE"),
		SEND("* 1 FETCH (UID 5 RFC822.SIZE 3)\na3 OK\n"
		    "a4 OK\n\xff\xff\xff\xff garbage\n"), DEAF
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, EPROTO);
	assert_non_null(strstr(session_text, "inflate"));
	assert_int_equal(memory.uidnext, 0);
}

/* All up to the bodies in one flight, before the greeting even. */
static void
test_early(void **state)
{
	static const struct peer_step	 steps[] = {
		AUTH, EXPECT("a2 SELECT INBOX"),
		EXPECT("a3 UID FETCH 6:* (UID RFC822.SIZE)"),
		LONE("a4 COMPRESS DEFLATE"),
		SEND(GREETING LOGGED_IN SELECTED("9", "8")
		    "* 9 FETCH (UID 7 RFC822.SIZE 3)\na3 OK\na4 OK\n"),
		DEFLATE, EXPECT("a5 UID FETCH 7 BODY.PEEK[]"),
		SEND("* 9 FETCH (UID 7 BODY[] {3}\nx\n)\na5 OK\n"),
		EXPECT("a6 UID STORE 7 +FLAGS.SILENT (\\Deleted)"),
		EXPECT("a7 UID EXPUNGE 7"), LONE("a8 LOGOUT"),
		SEND("a6 OK\n* 9 EXPUNGE\na7 OK\n"), END
	};

	(void)state;
	learnt(6, 5, 5);
	session_keep = KEEP_NONE;
	/* Below what was looked at nothing is taken for gone. */
	spool_message("3")->seen = 1;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("7")->committed, 1);
	assert_int_equal(spool_message("3")->forgotten, 0);
	assert_int_equal(memory.uidnext, 8);
	assert_int_equal(memory.exists, 8);
}

/* UIDs of another validity: all of it is listed. */
static void
test_validity_changed(void **state)
{
	static const struct peer_step	 steps[] = {
		AUTH, EXPECT("a2 SELECT INBOX"),
		EXPECT("a3 UID FETCH 6:* (UID RFC822.SIZE)"),
		LONE("a4 COMPRESS DEFLATE"),
		SEND(GREETING LOGGED_IN SELECTED("2", "8")
		    "* 2 FETCH (UID 7 RFC822.SIZE 3)\na3 OK\n"), IDLE,
		SEND("a4 OK\n"), DEFLATE,
		EXPECT("a5 UID FETCH 1:* (UID RFC822.SIZE)"),
		SEND("* 1 FETCH (UID 1 RFC822.SIZE 3)\n"
		    "* 2 FETCH (UID 7 RFC822.SIZE 3)\na5 OK\n"),
		EXPECT("a6 UID FETCH 1 BODY.PEEK[]"),
		SEND("* 1 FETCH (UID 1 BODY[] {3}\nx\n)\na6 OK\n"),
		EXPECT("a7 LOGOUT"), END
	};

	(void)state;
	learnt(6, 5, 5);
	memory.uidvalidity = 76;
	spool_message("7")->seen = 1;
	spool_message("3")->seen = 1;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("1")->committed, 1);
	assert_int_equal(spool_message("3")->forgotten, 1);
	assert_int_equal(memory.uidvalidity, 77);
}

/* Nothing new: one round trip, and few bytes. */
static void
test_quiet(void **state)
{
	static const struct peer_step	 steps[] = {
		AUTH, STATUS, SEND(GREETING LOGGED_IN
		    "* STATUS INBOX (UIDNEXT 6 UIDVALIDITY 77)\n"
		    "a2 OK Status completed (0.001 + 0.000 secs).\n"),
		EXPECT("a3 LOGOUT"), END
	};

	(void)state;
	learnt(6, 5, 1);
	spool_message("5")->seen = 1;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("5")->forgotten, 0);
	assert_int_equal(memory.uidnext, 6);
	assert_int_equal(memory.unread, 1);
	assert_int_equal(memory.windows, 6);
	/* Greeting and login take 110 and 44 of them. */
	assert_in_range(session_in + session_out, 100, 154 + 300);
}

/* News, or an answer that is none: then it is opened. */
static void
test_not_quiet(void **state)
{
#define NOT_QUIET(status)						\
		AUTH, STATUS,						\
		SEND(GREETING LOGGED_IN status),			\
		EXPECT("a3 SELECT INBOX"),				\
		EXPECT("a4 UID FETCH 6:* (UID RFC822.SIZE)"),		\
		LONE("a5 COMPRESS DEFLATE"),				\
		SEND("* 0 EXISTS\n* OK [UIDVALIDITY 77] valid\n"	\
		    "* OK [UIDNEXT 9] next\na3 OK selected\n"		\
		    "a4 BAD no messages\na5 OK\n"), DEFLATE,		\
		EXPECT("a6 LOGOUT"), END
	static const struct peer_step	 news[] = {
		NOT_QUIET("* STATUS INBOX (UIDNEXT 9 UIDVALIDITY 77)\na2 OK\n")
	};
	static const struct peer_step	 validity[] = {
		NOT_QUIET("* STATUS INBOX (UIDNEXT 6 UIDVALIDITY 7)\na2 OK\n")
	};
	static const struct peer_step	 literal[] = {
		NOT_QUIET("* STATUS {5}\nINBOX (UIDNEXT 6)\na2 OK\n")
	};
	static const struct peer_step	 refused[] = {
		NOT_QUIET("a2 NO selected already\n")
	};
	static const struct peer_step	*all[] = {
		news, validity, literal, refused
	};
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		learnt(6, 5, 1);
		run(all[i]);
		assert_int_equal(session_error, 0);
		assert_int_equal(memory.uidnext, 9);
		/* BAD: the capabilities are asked for again. */
		assert_int_equal(known.before, 0);
	}
}

/* The login that was known is none any more: it is begun anew. */
static void
test_login_changed(void **state)
{
	static const struct peer_step	 steps[] = {
		AUTH, EXPECT("a2 SELECT INBOX"),
		EXPECT("a3 UID FETCH 6:* (UID RFC822.SIZE)"),
		LONE("a4 COMPRESS DEFLATE"),
		SEND("* OK hi\na1 BAD no such thing\na2 BAD log in first\n"
		    "a3 BAD log in first\na4 BAD log in first\n"),
		LONE("a5 CAPABILITY"), SEND("* CAPABILITY IMAP4rev1\na5 OK\n"),
		EXPECT("a6 LOGIN \"alice\" \"secret\""),
		LONE("a7 SELECT INBOX"),
		SEND("a6 OK [CAPABILITY IMAP4rev1] in\n* 0 EXISTS\n"
		    "* OK [UIDVALIDITY 77] valid\n* OK [UIDNEXT 6] next\n"
		    "a7 OK selected\n"), EXPECT("a8 LOGOUT"), END
	};

	(void)state;
	learnt(6, 5, 5);
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(known.before, IMAP_CAP_IMAP4);
	assert_int_equal(known.after, IMAP_CAP_IMAP4);
}

/* A wrong password is not tried a second time. */
static void
test_login_refused(void **state)
{
	static const struct peer_step	 steps[] = {
		AUTH, STATUS,
		SEND(GREETING "a1 NO [AUTHENTICATIONFAILED] no\na2 BAD\n"), END
	};

	(void)state;
	learnt(6, 5, 1);
	run(steps);
	assert_int_equal(session_error, EACCES);
	assert_int_equal(memory.uidnext, 6);
}

/* STARTTLS and the login behind it need no round trips of their own. */
static void
test_early_starttls(void **state)
{
	static const struct peer_step	 steps[] = {
		LONE("a1 STARTTLS"), SEND("* OK hi\na1 OK\n"), TLS,
		EXPECT("a2 AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA=="),
		LONE("a3 STATUS INBOX (UIDNEXT UIDVALIDITY)"),
		SEND("a2 OK in\n* STATUS INBOX (UIDNEXT 6 UIDVALIDITY 77)\n"
		    "a3 OK\n"), EXPECT("a4 LOGOUT"), END
	};
	static const struct peer_step	 injection[] = {
		LONE("a1 STARTTLS"), SEND("* OK hi\na1 OK\na2 OK in\n"), END
	};
	static const struct peer_step	 refused[] = {
		LONE("a1 STARTTLS"), SEND("* OK hi\na1 NO\n"), END
	};

	(void)state;
	session_tls = TLS_MODE_STARTTLS;
	learnt(6, 5, 1);
	known.plain = IMAP_CAP_IMAP4 | IMAP_CAP_STARTTLS;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(memory.unread, 1);
	run(injection);
	assert_int_equal(session_error, EPROTO);
	learnt(6, 5, 1);
	known.plain = IMAP_CAP_IMAP4 | IMAP_CAP_STARTTLS;
	run(refused);
	assert_int_equal(session_error, EPROTO);
	assert_int_equal(known.plain, 0);
}

/* Greetings that are none, once the login is under way. */
static void
test_early_greetings(void **state)
{
	static const struct peer_step	 bye[] = {
		AUTH, STATUS, SEND("* BYE too many\n"), END
	};
	static const struct peer_step	 preauth[] = {
		AUTH, STATUS, SEND("* PREAUTH hi\n"), END
	};
	static const struct peer_step	 none[] = {
		AUTH, STATUS, SEND("a1 OK in\n"), END
	};
	static const struct peer_step	 cut[] = {
		AUTH, STATUS, SEND(GREETING), CLOSE, END
	};

	(void)state;
	learnt(6, 5, 1);
	run(bye);
	assert_int_equal(session_error, EAGAIN);
	learnt(6, 5, 1);
	run(preauth);
	assert_int_equal(session_error, EPROTO);
	assert_int_equal(known.before, 0);
	learnt(6, 5, 1);
	run(none);
	assert_int_equal(session_error, EPROTO);
	learnt(6, 5, 1);
	run(cut);
	assert_int_equal(session_error, ECONNRESET);
	assert_int_equal(known.before, 0);
	assert_int_equal(known.shy, 0);
}

/* What was not done with is looked at again. */
static void
test_unclean(void **state)
{
	static const struct peer_step	 steps[] = {
		AUTH, EXPECT("a2 SELECT INBOX"),
		EXPECT("a3 UID FETCH 6:* (UID RFC822.SIZE)"),
		LONE("a4 COMPRESS DEFLATE"),
		SEND(GREETING LOGGED_IN SELECTED("1", "8")
		    "* 1 FETCH (UID 7 RFC822.SIZE 3)\na3 OK\na4 OK\n"),
		DEFLATE, EXPECT("a5 UID FETCH 7 BODY.PEEK[]"),
		SEND("a5 NO corrupt\n"), EXPECT("a6 LOGOUT"), END
	};
	static const struct peer_step	 again[] = {
		AUTH, EXPECT("a2 SELECT INBOX"),
		EXPECT("a3 UID FETCH 1:* (UID RFC822.SIZE)"),
		LONE("a4 COMPRESS DEFLATE"),
		SEND(GREETING LOGGED_IN SELECTED("1", "8")
		    "* 1 FETCH (UID 7 RFC822.SIZE 3)\na3 OK\na4 OK\n"),
		DEFLATE, EXPECT("a5 UID FETCH 7 BODY.PEEK[]"),
		SEND("* 1 FETCH (UID 7 BODY[] {3}\nx\n)\na5 OK\n"),
		EXPECT("a6 LOGOUT"), END
	};

	(void)state;
	learnt(6, 5, 5);
	run(steps);
	assert_int_equal(session_error, EIO);
	assert_int_equal(memory.uidnext, 0);
	run(again);
	assert_int_equal(session_error, 0);
	assert_int_equal(memory.uidnext, 8);
}

/* Nor does anything count as done with that was not there to be seen. */
static void
test_not_seen(void **state)
{
	static const struct peer_step	 gone[] = {
		SEND(GREETING), AUTH, LONE("a2 SELECT INBOX"),
		SEND("a1 OK [CAPABILITY IMAP4rev1] in\n" SELECTED("1", "6")),
		LONE("a3 UID FETCH 1:* (UID RFC822.SIZE)"),
		SEND("* 1 FETCH (UID 5 RFC822.SIZE 3)\na3 OK\n"),
		EXPECT("a4 UID FETCH 5 BODY.PEEK[]"), SEND("a4 OK\n"),
		EXPECT("a5 LOGOUT"), END
	};
	static const struct peer_step	 missing[] = {
		SEND(GREETING), AUTH, LONE("a2 SELECT INBOX"),
		SEND("a1 OK [CAPABILITY IMAP4rev1] in\n" SELECTED("2", "6")),
		LONE("a3 UID FETCH 1:* (UID RFC822.SIZE)"),
		SEND("* 1 FETCH (UID 5 RFC822.SIZE 3)\na3 OK\n"),
		EXPECT("a4 LOGOUT"), END
	};

	(void)state;
	run(gone);
	assert_int_equal(session_error, 0);
	assert_int_equal(memory.uidnext, 0);
	setup(state);
	spool_message("5")->seen = 1;
	run(missing);
	assert_int_equal(session_error, 0);
	assert_int_equal(memory.uidnext, 0);
}

/* Messages that are kept a while are known to be due. */
static void
test_due(void **state)
{
	static const struct peer_step	 steps[] = {
		AUTH, EXPECT("a2 SELECT INBOX"),
		EXPECT("a3 UID FETCH 6:* (UID RFC822.SIZE)"),
		LONE("a4 COMPRESS DEFLATE"),
		SEND(GREETING LOGGED_IN SELECTED("1", "8")
		    "* 1 FETCH (UID 7 RFC822.SIZE 3)\na3 OK\na4 OK\n"),
		DEFLATE, EXPECT("a5 LOGOUT"), END
	};
	int64_t				 now = time(NULL);

	(void)state;
	learnt(6, 5, 5);
	session_keep = 1000;
	spool_message("7")->seen = 1;
	spool_message("7")->when = now - 100;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(memory.due, now + 900);
	assert_int_equal(known_from(&memory, now), 8);
	assert_int_equal(known_from(&memory, now + 900), 0);
	memory.news = 0;
	assert_int_equal(known_quiet(&memory, now), 1);
	assert_int_equal(known_quiet(&memory, now + 900), 0);
}

static void
test_known(void **state)
{
	struct known_upstream	*u;
	struct known_mailbox	*m;
	int			 i;

	(void)state;
	assert_non_null(u = known_upstream("mail.example", 993, 1));
	assert_ptr_equal(known_upstream("MAIL.example", 993, 1), u);
	assert_ptr_not_equal(known_upstream("mail.example", 995, 1), u);
	assert_non_null(m = known_mailbox("alice", 5, 0));
	m->uidnext = 7;
	assert_int_equal(known_mailbox("alice", 5, 0)->uidnext, 7);
	/* What was to be kept is not to be kept any more. */
	assert_int_equal(known_mailbox("alice", 5, 9)->uidnext, 0);
	assert_int_equal(known_mailbox("alice", 5, 9)->keep, 9);
	/* Another login: other messages. */
	assert_int_equal(known_mailbox("alice", 6, 0)->uidnext, 0);
	m = known_mailbox("alice", 6, 0);
	assert_int_equal(known_quiet(m, 0), 0);
	m->uidnext = 7;
	/* Mail each time: it is not asked about first. */
	for (i = 0; i < 40; i++)
		known_news(m, 1);
	assert_int_equal(known_quiet(m, 0), 0);
	for (i = 0; i < 40; i++)
		known_news(m, 0);
	assert_int_equal(known_quiet(m, 0), 1);
	m->unread = 1000;
	assert_int_equal(known_quiet(m, 0), 0);
	assert_int_equal(known_from(m, 0), 0);
}

#define TEST(name)	cmocka_unit_test_setup(test_ ## name, setup)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(first),
		TEST(compress_refused),
		TEST(compress_garbage),
		TEST(early),
		TEST(validity_changed),
		TEST(quiet),
		TEST(not_quiet),
		TEST(login_changed),
		TEST(login_refused),
		TEST(early_starttls),
		TEST(early_greetings),
		TEST(unclean),
		TEST(not_seen),
		TEST(due),
		TEST(known),
	};

	return (cmocka_run_group_tests(tests, NULL, teardown));
}
