/* See LICENSE for the terms. */
/* The POP3 engine against scripted servers. */

#include <sys/types.h>
#include <errno.h>
#include <event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tls.h>
#include <cmocka.h>

#include "fetch_spool.h"
#include "known.h"
#include "pop3_client.h"
#include "test_cert.h"

/* Up to the listing, without PIPELINING. */
#define LOGIN \
	SEND("+OK hello\n"), LONE("CAPA"), SEND("+OK\nUIDL\nUSER\n.\n"), \
	LONE("USER alice"), SEND("+OK\n"), LONE("PASS secret"), \
	SEND("+OK\n"), LONE("UIDL")
/* The same with it: everything up to LIST is one flight. */
#define LOGIN_FAST \
	SEND("+OK hello\n"), LONE("CAPA"), \
	SEND("+OK\nUIDL\nSASL PLAIN\nPIPELINING\n.\n"), \
	EXPECT("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), EXPECT("UIDL"), \
	LONE("LIST"), SEND("+OK\n")

static int
setup(void **state)
{
	(void)state;
	spool_reset();
	signal(SIGPIPE, SIG_IGN);
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
	session_run(&pop3_ops, steps);
}

/* New ones come smallest first, dots undone; what is ours is deleted. */
static void
test_fetch(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 big\n2 old\n3 small\n.\n"),
		LONE("LIST"), SEND("+OK\n1 900\n2 50\n3 20\n.\n"),
		EXPECT("RETR 3"), SEND("+OK 20\nSubject: x\n\n..dot\n.\n"),
		EXPECT("RETR 1"), SEND("+OK\n\n.\n"),
		EXPECT("DELE 2"), SEND("+OK\n"),
		EXPECT("DELE 3"), SEND("+OK\n"),
		EXPECT("DELE 1"), SEND("+OK\n"),
		EXPECT("QUIT"), SEND("+OK\n"), END
	};

	(void)state;
	spool_message("old")->seen = 1;
	spool_message("gone")->seen = 1;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("small")->committed, 1);
	assert_string_equal(spool_message("small")->data,
	    "Subject: x\r\n\r\n.dot\r\n");
	assert_string_equal(spool_message("big")->data, "\r\n");
	assert_int_equal(spool_message("old")->committed, 0);
	assert_int_equal(spool_message("gone")->forgotten, 1);
	assert_int_equal(spool_message("old")->forgotten, 0);
}

/* With PIPELINING nothing waits: listings, then all that is small. */
static void
test_pipelining(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN_FAST, SEND("+OK\n1 a\n2 b\n3 c\n.\n"),
		SEND("+OK\n1 5\n2 6\n3 7\n.\n"),
		EXPECT("RETR 1"), EXPECT("RETR 2"), EXPECT("RETR 3"),
		SEND("+OK\na\n.\n+OK\nbb\n.\n+OK\nccc\n.\n"),
		EXPECT("DELE 1"), EXPECT("DELE 2"), EXPECT("DELE 3"),
		EXPECT("QUIT"), SEND("+OK\n+OK\n+OK\n+OK\n"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_string_equal(spool_message("a")->data, "a\r\n");
	assert_string_equal(spool_message("b")->data, "bb\r\n");
	assert_string_equal(spool_message("c")->data, "ccc\r\n");
}

/* An empty mailbox, and no reason to wait for the answer to QUIT. */
static void
test_empty(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN_FAST, SEND("+OK\n.\n+OK\n.\n"), EXPECT("QUIT"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, 0);
}

/* The next download goes on while a commit is awaited, and nothing is
 * deleted before it (M3). */
static void
test_commit_overlaps(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 a\n2 b\n.\n"),
		LONE("LIST"), SEND("+OK\n1 5\n2 6\n.\n"),
		LONE("RETR 1"), SEND("+OK\na\n.\n"),
		LONE("RETR 2"), SEND("+OK\nb\n.\n"),
		EXPECT("DELE 2"), SEND("+OK\n"),
		EXPECT("DELE 1"), SEND("+OK\n"),
		EXPECT("QUIT"), SEND("+OK\n"), END
	};

	(void)state;
	spool_message("a")->hold = 1;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("a")->committed, 1);
}

/* What is not durable is not deleted. */
static void
test_commit_fails(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 a\n2 b\n.\n"),
		LONE("LIST"), SEND("+OK\n1 5\n2 6\n.\n"),
		EXPECT("RETR 1"), SEND("+OK\na\n.\n"),
		EXPECT("RETR 2"), SEND("+OK\nb\n.\n"),
		EXPECT("DELE 2"), SEND("+OK\n"),
		EXPECT("QUIT"), SEND("+OK\n"), END
	};

	(void)state;
	spool_message("a")->commit_error = EIO;
	run(steps);
	assert_int_equal(session_error, EIO);
}

/* What UIDL leaves out and LIST has is not gone. */
static void
test_listing_incomplete(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 a\n.\n"),
		LONE("LIST"), SEND("+OK\n1 5\n2 6\n.\n"),
		EXPECT("QUIT"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	spool_message("a")->seen = 1;
	spool_message("b")->seen = 1;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("b")->forgotten, 0);
}

/* keep: only what was fetched long enough ago is deleted. */
static void
test_keep(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 old\n2 young\n3 new\n.\n"),
		LONE("LIST"), SEND("+OK\n1 5\n2 6\n3 7\n.\n"),
		EXPECT("RETR 3"), SEND("+OK\nn\n.\n"),
		EXPECT("DELE 1"), SEND("+OK\n"),
		EXPECT("QUIT"), SEND("+OK\n"), END
	};

	(void)state;
	session_keep = 3600;
	spool_message("old")->seen = 1;
	spool_message("old")->when = time(NULL) - 3700;
	spool_message("young")->seen = 1;
	spool_message("young")->when = time(NULL) - 3500;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("new")->committed, 1);
}

static void
test_keep_forever(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 old\n.\n"),
		LONE("LIST"), SEND("+OK\n1 5\n.\n"), EXPECT("QUIT"), END
	};

	(void)state;
	session_keep = KEEP_FOREVER;
	spool_message("old")->seen = 1;
	run(steps);
	assert_int_equal(session_error, 0);
}

/* A uid that several messages have: one copy comes, none is deleted. */
static void
test_same_uid(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 a\n2 a\n3 b\n.\n"),
		LONE("LIST"), SEND("+OK\n1 5\n2 5\n3 9\n.\n"),
		SKIP(8), SEND("+OK\na\n.\n"),
		EXPECT("RETR 3"), SEND("+OK\nb\n.\n"),
		EXPECT("DELE 3"), SEND("+OK\n"),
		EXPECT("QUIT"), SEND("+OK\n"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(spool_message("a")->committed, 1);
}

static void
test_no_uidl(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("-ERR what?\n"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, EOPNOTSUPP);
	assert_non_null(strstr(session_text, "UIDL"));
}

/* A server from before CAPA. */
static void
test_no_capa(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("+OK\n"), EXPECT("CAPA"), SEND("-ERR\n"),
		EXPECT("USER alice"), SEND("+OK\n"), EXPECT("PASS secret"),
		SEND("-ERR [IN-USE] locked\n"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, EBUSY);
	assert_string_equal(session_text, "mailbox in use: [IN-USE] locked");
}

/* Even a server that repeats it does not get a password into the text. */
static void
test_wrong_password(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("+OK\n"), EXPECT("CAPA"), SEND("-ERR\n"),
		EXPECT("USER alice"), SEND("+OK\n"), EXPECT("PASS secret"),
		SEND("-ERR PASS secret is wrong\n"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, EACCES);
	assert_string_equal(session_text, "login refused");
}

/*
 * Servers that offer both may know AUTH only as RFC 1734 has it, and hang up
 * on an AUTH with its response in the same line.
 */
static void
test_user_before_auth(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("+OK The Microsoft Exchange POP3 service is ready.\n"),
		LONE("CAPA"),
		SEND("+OK\nTOP\nUIDL\nSASL PLAIN XOAUTH2\nUSER\n.\n"),
		LONE("USER alice"), SEND("+OK\n"), LONE("PASS secret"),
		SEND("+OK User successfully logged on.\n"), LONE("UIDL"),
		SEND("+OK\n.\n"), LONE("LIST"), SEND("+OK\n.\n"),
		EXPECT("QUIT"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, 0);
}

/* Or ask for the response that came with the command. */
static void
test_auth_asks(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("+OK\n"), LONE("CAPA"), SEND("+OK\nSASL PLAIN\n.\n"),
		LONE("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), SEND("+ \n"),
		LONE("AGFsaWNlAHNlY3JldA=="), SEND("+OK\n"), LONE("UIDL"),
		SEND("+OK\n.\n"), LONE("LIST"), SEND("+OK\n.\n"),
		EXPECT("QUIT"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, 0);
}

/* An AUTH line above 255 bytes takes two. */
static void
test_long_password(void **state)
{
	static char			 password[221], expect[400];
	static const struct peer_step	 steps[] = {
		SEND("+OK\n"), EXPECT("CAPA"), SEND("+OK\nSASL PLAIN\n.\n"),
		LONE("AUTH PLAIN"), SEND("+ \n"), EXPECT(expect),
		SEND("-ERR no\n"), END
	};
	size_t				 n;

	(void)state;
	memset(password, 'p', sizeof(password) - 1);
	/* NUL alice NUL ppp..., six and then three bytes a group. */
	strlcpy(expect, "AGFsaWNlAHBw", sizeof(expect));
	for (n = 2; n + 3 <= 220; n += 3)
		strlcat(expect, "cHBw", sizeof(expect));
	strlcat(expect, "cHA=", sizeof(expect));
	session_password = password;
	run(steps);
	assert_int_equal(session_error, EACCES);
}

static void
test_line_end_in_password(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("+OK\n"), EXPECT("CAPA"), SEND("+OK\nUSER\n.\n"), END
	};

	(void)state;
	session_password = "a\r\nDELE 1";
	run(steps);
	assert_int_equal(session_error, EINVAL);
}

/* What was known before the handshake is asked for again after it. */
static void
test_stls(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("+OK\n"), EXPECT("CAPA"),
		SEND("+OK\nSTLS\nSASL PLAIN\nPIPELINING\n.\n"),
		LONE("STLS"), SEND("+OK\n"), TLS, LONE("CAPA"),
		SEND("+OK\nUSER\n.\n"), LONE("USER alice"), SEND("+OK\n"),
		LONE("PASS secret"), SEND("+OK\n"), LONE("UIDL"),
		SEND("+OK\n.\n"), LONE("LIST"), SEND("+OK\n.\n"),
		EXPECT("QUIT"), END
	};

	(void)state;
	session_tls = TLS_MODE_STARTTLS;
	run(steps);
	assert_int_equal(session_error, 0);
}

/* No password goes over a line that was to be secured and is not. */
static void
test_stls_missing(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("+OK\n"), EXPECT("CAPA"), SEND("+OK\nUSER\n.\n"), END
	};

	(void)state;
	session_tls = TLS_MODE_STARTTLS;
	run(steps);
	assert_int_equal(session_error, EPROTO);
}

static void
test_stls_refused(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("+OK\n"), EXPECT("CAPA"), SEND("+OK\nSTLS\n.\n"),
		EXPECT("STLS"), SEND("-ERR not now\n"), END
	};

	(void)state;
	session_tls = TLS_MODE_STARTTLS;
	run(steps);
	assert_int_equal(session_error, EPROTO);
}

/* What was put in behind the answer to STLS is not taken for an answer. */
static void
test_stls_injection(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("+OK\n"), EXPECT("CAPA"), SEND("+OK\nSTLS\n.\n"),
		EXPECT("STLS"), SEND("+OK\n+OK\nUSER\n.\n"), END
	};

	(void)state;
	session_tls = TLS_MODE_STARTTLS;
	run(steps);
	assert_int_equal(session_error, EPROTO);
	assert_non_null(strstr(session_text, "before the TLS handshake"));
}

static void
test_certificate(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("+OK\n"), EXPECT("CAPA"), SEND("+OK\nSTLS\n.\n"),
		EXPECT("STLS"), SEND("+OK\n"), TLS, END
	};

	(void)state;
	session_tls = TLS_MODE_STARTTLS;
	session_trust = TEST_BAD_CRT;
	run(steps);
	assert_int_equal(session_error, EPROTO);
	assert_non_null(strstr(session_text, "certificate"));
}

static void
test_implicit_tls(void **state)
{
	static const struct peer_step	 steps[] = {
		TLS, LOGIN_FAST, SEND("+OK\n.\n+OK\n.\n"), EXPECT("QUIT"), END
	};

	(void)state;
	session_tls = TLS_MODE_IMPLICIT;
	run(steps);
	assert_int_equal(session_error, 0);
}

/* The line drops within a message: nothing of it is ours. */
static void
test_line_drops(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 a\n.\n"),
		LONE("LIST"), SEND("+OK\n1 500\n.\n"),
		EXPECT("RETR 1"), SEND("+OK\nhalf of"), CLOSE, END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, ECONNRESET);
	assert_int_equal(spool_message("a")->committed, 0);
	assert_int_equal(spool_message("a")->aborted, 1);
	assert_int_equal(spool_message("a")->kept, 0);
}

/* A full disk: larger ones are not even asked for, smaller ones are ours. */
static void
test_disk_full(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 a\n2 b\n3 c\n.\n"),
		LONE("LIST"), SEND("+OK\n1 5\n2 6000\n3 7000\n.\n"),
		EXPECT("RETR 1"), SEND("+OK\na\n.\n"),
		EXPECT("DELE 1"), SEND("+OK\n"),
		EXPECT("QUIT"), SEND("+OK\n"), END
	};

	(void)state;
	spool_message("b")->open_error = ENOSPC;
	spool_message("c")->open_error = ENOSPC;
	run(steps);
	assert_int_equal(session_error, ENOSPC);
	assert_int_equal(spool_message("a")->committed, 1);
}

/* The disk fills within a message: it is read to its end, and left there. */
static void
test_disk_fills(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 a\n2 b\n.\n"),
		LONE("LIST"), SEND("+OK\n1 5\n2 6\n.\n"),
		EXPECT("RETR 1"), SEND("+OK\na\n.\n"),
		EXPECT("RETR 2"), SEND("+OK\n0123456789\n.\n"),
		EXPECT("DELE 1"), SEND("+OK\n"),
		EXPECT("QUIT"), SEND("+OK\n"), END
	};

	(void)state;
	spool_message("b")->room = 4;
	run(steps);
	assert_int_equal(session_error, ENOSPC);
	assert_int_equal(spool_message("b")->committed, 0);
	assert_int_equal(spool_message("b")->aborted, 1);
}

/* And what says it is small and has no end is not read for ever. */
static void
test_disk_fills_endless(void **state)
{
	static char			 more[200001];
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 a\n.\n"),
		LONE("LIST"), SEND("+OK\n1 5\n.\n"),
		EXPECT("RETR 1"), SEND("+OK\n"), SEND(more), END
	};

	(void)state;
	memset(more, 'x', sizeof(more) - 1);
	spool_message("a")->room = 4;
	run(steps);
	assert_int_equal(session_error, ENOSPC);
	assert_int_equal(spool_message("a")->committed, 0);
}

/*
 * A server that drops all it gave when QUIT comes hears none while that is
 * not durable (M3); but what it did not give does no harm.
 */
static void
test_expire(void **state)
{
	static const struct peer_step	 lost[] = {
		SEND("+OK\n"), EXPECT("CAPA"),
		SEND("+OK\nUIDL\nUSER\nEXPIRE 0\n.\n"),
		EXPECT("USER alice"), SEND("+OK\n"), EXPECT("PASS secret"),
		SEND("+OK\n"), EXPECT("UIDL"), SEND("+OK\n1 a\n2 b\n.\n"),
		EXPECT("LIST"), SEND("+OK\n1 5\n2 6\n.\n"),
		EXPECT("RETR 1"), SEND("+OK\na\n.\n"),
		EXPECT("RETR 2"), SEND("+OK\nb\n.\n"),
		EXPECT("DELE 1"), SEND("+OK\n"), END
	};
	static const struct peer_step	 full[] = {
		SEND("+OK\n"), EXPECT("CAPA"),
		SEND("+OK\nUIDL\nUSER\nEXPIRE 0\n.\n"),
		EXPECT("USER alice"), SEND("+OK\n"), EXPECT("PASS secret"),
		SEND("+OK\n"), EXPECT("UIDL"), SEND("+OK\n1 a\n2 b\n.\n"),
		EXPECT("LIST"), SEND("+OK\n1 5\n2 6\n.\n"),
		EXPECT("RETR 1"), SEND("+OK\na\n.\n"),
		EXPECT("DELE 1"), SEND("+OK\n"),
		EXPECT("QUIT"), SEND("+OK\n"), END
	};

	(void)state;
	spool_message("b")->commit_error = EIO;
	run(lost);
	assert_int_equal(session_error, EIO);
	assert_int_equal(spool_message("a")->committed, 1);
	spool_reset();
	spool_message("b")->open_error = ENOSPC;
	run(full);
	assert_int_equal(session_error, ENOSPC);
}

/* What spoold has already needs no download. */
static void
test_exists(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 a\n.\n"),
		LONE("LIST"), SEND("+OK\n1 5\n.\n"),
		EXPECT("DELE 1"), SEND("+OK\n"),
		EXPECT("QUIT"), SEND("+OK\n"), END
	};

	(void)state;
	spool_message("a")->open_error = EEXIST;
	run(steps);
	assert_int_equal(session_error, 0);
}

/* spoold goes away: the account fails and deletes nothing. */
static void
test_spool_gone(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 a\n.\n"),
		LONE("LIST"), SEND("+OK\n1 5\n.\n"),
		EXPECT("RETR 1"), SEND("+OK\na\n.\n"), END
	};

	(void)state;
	spool_vanish();
	run(steps);
	assert_int_equal(session_error, EPIPE);
}

/* One message is refused: the others come. */
static void
test_retr_refused(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n1 a\n2 b\n.\n"),
		LONE("LIST"), SEND("+OK\n1 5\n2 6\n.\n"),
		EXPECT("RETR 1"), SEND("-ERR corrupt\n"),
		EXPECT("RETR 2"), SEND("+OK\nb\n.\n"),
		EXPECT("DELE 2"), SEND("+OK\n"),
		EXPECT("QUIT"), SEND("+OK\n"), END
	};

	(void)state;
	run(steps);
	assert_int_equal(session_error, EIO);
	assert_int_equal(spool_message("b")->committed, 1);
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
	static char			 line[8300];
	static const struct peer_step	 greeting[] = {
		SEND("* OK IMAP4rev1\n"), END
	};
	static const struct peer_step	 busy[] = {
		SEND("-ERR too many\n"), END
	};
	static const struct peer_step	 unasked[] = {
		LOGIN_FAST, SEND("+OK\n.\n+OK\n.\n+OK\n"), END
	};
	static const struct peer_step	 uidl[] = {
		LOGIN, SEND("+OK\n1\n.\n"), END
	};
	static const struct peer_step	 list[] = {
		LOGIN, SEND("+OK\n1 a\n.\n"), EXPECT("LIST"),
		SEND("+OK\nx y\n.\n"), END
	};
	static const struct peer_step	 overlong[] = {
		SEND(line), END
	};
	static const struct peer_step	 closed[] = {
		SEND("+OK\n"), EXPECT("CAPA"), CLOSE, END
	};

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	bad(greeting, EPROTO);
	bad(busy, EAGAIN);
	bad(unasked, EPROTO);
	bad(uidl, EPROTO);
	bad(list, EPROTO);
	bad(overlong, EMSGSIZE);
	bad(closed, ECONNRESET);
}

/*
 * What an earlier window taught: nothing is waited for before the listings.
 */
static void
test_early(void **state)
{
	static const struct peer_step	 first[] = {
		LOGIN_FAST, SEND("+OK\n.\n+OK\n.\n"), EXPECT("QUIT"), END
	};
	static const struct peer_step	 second[] = {
		EXPECT("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), EXPECT("UIDL"),
		LONE("LIST"),
		SEND("+OK hello\n+OK in\n+OK\n.\n+OK\n.\n"), EXPECT("QUIT"),
		END
	};
	static const struct peer_step	 changed[] = {
		EXPECT("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), EXPECT("UIDL"),
		LONE("LIST"), SEND("+OK hello\n-ERR what?\n"), END
	};
	static const struct peer_step	 wrong[] = {
		EXPECT("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), EXPECT("UIDL"),
		LONE("LIST"), SEND("+OK hello\n-ERR [AUTH] no\n"), END
	};
	static const struct peer_step	 refusing[] = {
		EXPECT("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), EXPECT("UIDL"),
		LONE("LIST"), SEND("-ERR too many\n"), END
	};
	struct known_upstream		 known = { .shy = 0 };

	(void)state;
	session_known = &known;
	run(first);
	assert_int_equal(session_error, 0);
	run(second);
	assert_int_equal(session_error, 0);
	run(refusing);
	assert_int_equal(session_error, EAGAIN);
	run(wrong);
	assert_int_equal(session_error, EACCES);
	assert_int_not_equal(known.before, 0);
	run(changed);
	assert_int_equal(session_error, EACCES);
	assert_int_equal(known.before, 0);
	run(first);
	assert_int_equal(session_error, 0);
	/* It says it would rather be heard first. */
	known.shy = 1;
	run(first);
	assert_int_equal(session_error, 0);
}

/* Without PIPELINING each command waits for the one before, as ever. */
static void
test_not_early(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN, SEND("+OK\n.\n"), LONE("LIST"), SEND("+OK\n.\n"),
		EXPECT("QUIT"), END
	};
	struct known_upstream		 known = { .shy = 0 };

	(void)state;
	session_known = &known;
	run(steps);
	assert_int_equal(session_error, 0);
	run(steps);
	assert_int_equal(session_error, 0);
}

static void
test_early_stls(void **state)
{
	static const struct peer_step	 first[] = {
		SEND("+OK\n"), LONE("CAPA"),
		SEND("+OK\nSTLS\nPIPELINING\n.\n"), LONE("STLS"),
		SEND("+OK\n"), TLS, LONE("CAPA"),
		SEND("+OK\nPIPELINING\nSASL PLAIN\n.\n"),
		EXPECT("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), EXPECT("UIDL"),
		LONE("LIST"), SEND("+OK\n+OK\n.\n+OK\n.\n"),
		EXPECT("QUIT"), END
	};
	static const struct peer_step	 second[] = {
		LONE("STLS"), SEND("+OK hello\n+OK\n"), TLS,
		EXPECT("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), EXPECT("UIDL"),
		LONE("LIST"), SEND("+OK\n+OK\n.\n+OK\n.\n"),
		EXPECT("QUIT"), END
	};
	static const struct peer_step	 injection[] = {
		LONE("STLS"), SEND("+OK hello\n+OK\n+OK in\n"), END
	};
	struct known_upstream		 known = { .shy = 0 };

	(void)state;
	session_known = &known;
	session_tls = TLS_MODE_STARTTLS;
	run(first);
	assert_int_equal(session_error, 0);
	run(second);
	assert_int_equal(session_error, 0);
	run(injection);
	assert_int_equal(session_error, EPROTO);
}

/*
 * Before a message that takes long the deletions are made to count; without
 * any it is asked for at once.
 */
static void
test_quit_before_long(void **state)
{
	static const struct peer_step	 steps[] = {
		LOGIN_FAST, SEND("+OK\n1 a\n2 b\n.\n+OK\n1 5\n2 7001\n.\n"),
		LONE("RETR 1"), SEND("+OK\na\n.\n"),
		EXPECT("DELE 1"), LONE("QUIT"), SEND("+OK\n+OK\n"), END
	};
	static const struct peer_step	 rest[] = {
		LOGIN_FAST, SEND("+OK\n1 b\n.\n+OK\n1 7001\n.\n"),
		LONE("RETR 1"), SEND("+OK\nb\n.\n"),
		EXPECT("DELE 1"), LONE("QUIT"), SEND("+OK\n+OK\n"), END
	};

	(void)state;
	known_set_rate(100);
	run(steps);
	assert_int_equal(session_error, 0);
	assert_int_equal(session_again, 1);
	assert_int_equal(spool_message("a")->committed, 1);
	assert_int_equal(spool_message("b")->committed, 0);
	run(rest);
	assert_int_equal(session_error, 0);
	assert_int_equal(session_again, 0);
	assert_int_equal(spool_message("b")->committed, 1);
	known_set_rate(0);
}

#define TEST(name)	cmocka_unit_test_setup(test_ ## name, setup)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(fetch),
		TEST(pipelining),
		TEST(empty),
		TEST(commit_overlaps),
		TEST(commit_fails),
		TEST(listing_incomplete),
		TEST(keep),
		TEST(keep_forever),
		TEST(same_uid),
		TEST(no_uidl),
		TEST(no_capa),
		TEST(wrong_password),
		TEST(user_before_auth),
		TEST(auth_asks),
		TEST(long_password),
		TEST(line_end_in_password),
		TEST(stls),
		TEST(stls_missing),
		TEST(stls_refused),
		TEST(stls_injection),
		TEST(certificate),
		TEST(implicit_tls),
		TEST(line_drops),
		TEST(disk_full),
		TEST(disk_fills),
		TEST(disk_fills_endless),
		TEST(expire),
		TEST(exists),
		TEST(spool_gone),
		TEST(retr_refused),
		TEST(early),
		TEST(not_early),
		TEST(early_stls),
		TEST(quit_before_long),
		TEST(nonsense),
	};

	return (cmocka_run_group_tests(tests, NULL, teardown));
}
