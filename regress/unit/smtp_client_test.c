/* See LICENSE for the terms. */

/* The SMTP client's engine, against a scripted server on a socketpair. */

#include <sys/types.h>
#include <sys/socket.h>
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
#include <unistd.h>
#include <cmocka.h>

#include "conf.h"
#include "log.h"
#include "smtp_client_internal.h"
#include "smtp_peer.h"
#include "stream.h"
#include "test_cert.h"

#define MESSAGES	64
/* A test that hangs has failed; many times what the slowest needs. */
#define TEST_SECONDS	60	/* a test that hangs is ended */

static const struct smtp_client_param plain = {
	.hostname = "us.example", .host = "relay.example",
	.tls = TLS_MODE_NONE
};

/* The owner of the client, and what it was told. */
static struct {
	struct smtp_message	 messages[MESSAGES];
	uint32_t		 indices[MESSAGES][SMTP_RECIPIENTS_MAX];
	size_t			 n;
	size_t			 next;
	char			 told[8192];
	int			 idle;
	int			 ended;
	enum smtp_end		 end;
	char			 why[512];
	struct smtp_client	*client;
	struct peer		*peer;
} own;

/* How many times faster time-outs pass. */
static uint64_t	 hurry;

void	 __real_stream_timeout(struct stream *, uint64_t);
void	 __wrap_stream_timeout(struct stream *, uint64_t);

void
__wrap_stream_timeout(struct stream *s, uint64_t ms)
{
	__real_stream_timeout(s, ms / hurry);
}

/* What the kernel takes now, and how often that was asked. */
static uint64_t		 room = UINT64_MAX;
static unsigned int	 asked;

uint64_t	 __wrap_tcp_queue_room(int, uint64_t);

uint64_t
__wrap_tcp_queue_room(int fd, uint64_t written)
{
	(void)fd;
	(void)written;
	asked++;
	return (room);
}

static void	 tell(const char *, ...)
		    __attribute__((__format__(printf, 1, 2)));
static void
tell(const char *fmt, ...)
{
	size_t	 len = strlen(own.told);
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(own.told + len, sizeof(own.told) - len, fmt, ap);
	va_end(ap);
}

static struct smtp_message *
own_next(void *arg)
{
	(void)arg;
	if (own.next == own.n)
		return (NULL);
	own.idle = 0;
	return (&own.messages[own.next++]);
}

static void
own_result(void *arg, struct smtp_message *m, uint32_t recipient,
    enum smtp_outcome outcome, const struct smtp_reply *r)
{
	static const char *const names[] = { "sent", "deferred", "refused",
	    "again" };

	(void)arg;
	tell("%s %s %d\n", m->envelope->recipients[recipient].address,
	    names[outcome], r->code);
}

static void
own_done(void *arg, struct smtp_message *m, int lost)
{
	(void)arg;
	tell("%s %td\n", lost ? "lost" : "done", m - own.messages);
}

static void
own_idle(void *arg)
{
	(void)arg;
	own.idle = 1;
}

static void
own_end(void *arg, enum smtp_end end, const char *why)
{
	(void)arg;
	own.ended = 1;
	own.end = end;
	snprintf(own.why, sizeof(own.why), "%s", why);
	own.client = NULL;
}

static const struct smtp_client_ops ops = {
	.next = own_next, .result = own_result, .done = own_done,
	.idle = own_idle, .end = own_end
};

/* A message with its body in a file; recipients until NULL. */
static struct envelope *
message(const char *sender, const void *body, size_t len, ...)
{
	struct smtp_message	*m = &own.messages[own.n];
	struct envelope		*e;
	const char		*address;
	va_list			 ap;
	FILE			*f;

	assert_non_null(e = envelope_new(sender));
	va_start(ap, len);
	while ((address = va_arg(ap, const char *)) != NULL) {
		assert_int_equal(envelope_add(e, address, NULL), 0);
		own.indices[own.n][m->nrecipients] = m->nrecipients;
		m->nrecipients++;
	}
	va_end(ap);
	m->envelope = e;
	m->recipients = own.indices[own.n];
	/* Not at the beginning: a body is a range of a segment. */
	assert_non_null(f = tmpfile());
	assert_int_equal(fputs("before\r\n", f) >= 0, 1);
	assert_int_equal(fwrite(body, 1, len, f), len);
	assert_int_equal(fputs("behind\r\n", f) >= 0, 1);
	assert_int_equal(fflush(f), 0);
	m->fd = dup(fileno(f));
	fclose(f);
	assert_int_not_equal(m->fd, -1);
	m->offset = 8;
	m->size = len;
	own.n++;
	return (e);
}
#define MESSAGE(sender, body, ...) \
	message(sender, body, strlen(body), __VA_ARGS__, NULL)

static void
start(const struct smtp_client_param *p, const struct peer_step *script)
{
	int	 fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	own.peer = peer_new(fd[1], script);
	own.client = smtp_client_attach(p, fd[0], &ops, NULL);
}

/* Until the client is idle or at its end, and the server has had it all. */
static void
run(const struct smtp_client_param *p, const struct peer_step *script)
{
	start(p, script);
	while (!own.ended && !(own.idle && peer_done(own.peer)))
		peer_turn();
}

/* Idle, closed with QUIT, and nothing else was said. */
static void
finish(void)
{
	assert_false(own.ended);
	assert_true(smtp_client_is_idle(own.client));
	smtp_client_close(own.client);
	own.client = NULL;
	while (!peer_closed(own.peer))
		peer_turn();
}

static int
setup(void **state)
{
	(void)state;
	memset(&own, 0, sizeof(own));
	hurry = 1;
	alarm(TEST_SECONDS);
	return (0);
}

static int
teardown(void **state)
{
	size_t	 i;

	(void)state;
	alarm(0);
	if (own.client != NULL)
		smtp_client_close(own.client);
	for (i = 0; i < own.n; i++) {
		envelope_free((struct envelope *)(uintptr_t)
		    own.messages[i].envelope);
		close(own.messages[i].fd);
	}
	peer_free(own.peer);
	return (0);
}

#define HELLO(keywords) \
	SEND("220 relay.example ESMTP\n"), EXPECT("EHLO us.example"), \
	SEND("250-relay.example\n" keywords)
#define FAST	"250-PIPELINING\n250 CHUNKING\n"
#define ALONE	"250 8BITMIME\n"

/* Two messages, all of it before the first answer. */
static void
test_one_flight(void **state)
{
	static const struct peer_step script[] = {
		HELLO(FAST),
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<b@them>"),
		EXPECT("BDAT 7 LAST"), BYTES(".one\r\n."),
		EXPECT("RSET"),
		EXPECT("MAIL FROM:<>"), EXPECT("RCPT TO:<c@them>"),
		EXPECT("RCPT TO:<d@them>"), EXPECT("BDAT 0 LAST"),
		SEND("250 ok\n250 ok\n250 2.0.0 first\n"),
		SEND("250 reset\n250 ok\n250 ok\n250 ok\n251 second\n"),
		EXPECT("QUIT"), END
	};

	(void)state;
	MESSAGE("a@us", ".one\r\n.", "b@them");
	MESSAGE("", "", "c@them", "d@them");
	start(&plain, script);
	while (!own.idle)
		peer_turn();
	assert_string_equal(own.told, "b@them sent 250\ndone 0\n"
	    "c@them sent 251\nd@them sent 251\ndone 1\n");
	finish();
}

/* So many are in flight; the next waits for answers. */
static void
test_flight_messages(void **state)
{
	static struct peer_step	 script[4 * SMTP_FLIGHT_MESSAGES + 16] = {
		HELLO(FAST)
	};
	static const struct peer_step last[] = {
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<b@them>"),
		EXPECT("BDAT 0 LAST"), SEND("250 m\n250 r\n250 b\n"), END
	};
	static const struct peer_step one[] = {
		EXPECT("RSET"), EXPECT("MAIL FROM:<a@us>"),
		EXPECT("RCPT TO:<b@them>"), EXPECT("BDAT 0 LAST")
	};
	static const struct peer_step quiet = QUIET;
	char			 answers[4096] = "250 m\n250 r\n250 b\n";
	char			 told[32];
	struct peer_step	 send = SEND(answers);
	size_t			 n = 3, i;

	(void)state;
	for (i = 0; i < SMTP_FLIGHT_MESSAGES; i++) {
		/* RSET stands behind others only. */
		memcpy(script + n, one + (i == 0), sizeof(one) -
		    (i == 0) * sizeof(*one));
		n += 4 - (i == 0);
		if (i > 0)
			strlcat(answers, "250 s\n250 m\n250 r\n250 b\n",
			    sizeof(answers));
		MESSAGE("a@us", "", "b@them");
	}
	script[n++] = quiet;
	script[n++] = send;
	memcpy(script + n, last, sizeof(last));
	MESSAGE("a@us", "", "b@them");
	run(&plain, script);
	snprintf(told, sizeof(told), "done %d\n", SMTP_FLIGHT_MESSAGES);
	assert_non_null(strstr(own.told, told));
}

/* A message as large as all that may be in flight goes alone. */
static void
test_flight_bytes(void **state)
{
	static const struct peer_step script[] = {
		HELLO(FAST),
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<b@them>"),
		QUIET, SEND("250 m\n250 r\n"),
		EXPECT("BDAT 65536 LAST"), SKIP(SMTP_FLIGHT_BYTES), QUIET,
		SEND("250 b\n"),
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<c@them>"),
		EXPECT("BDAT 0 LAST"), SEND("250 m\n250 r\n250 b\n"), END
	};
	char	*body;

	(void)state;
	assert_non_null(body = calloc(1, SMTP_FLIGHT_BYTES));
	message("a@us", body, SMTP_FLIGHT_BYTES, "b@them", NULL);
	free(body);
	MESSAGE("a@us", "", "c@them");
	run(&plain, script);
	assert_string_equal(own.told, "b@them sent 250\ndone 0\n"
	    "c@them sent 250\ndone 1\n");
}

/* A large body does not go where nobody takes it. */
static void
test_large_refused(void **state)
{
	static const struct peer_step script[] = {
		HELLO(FAST),
		EXPECT("MAIL FROM:<a@us>"), LONE("RCPT TO:<no@them>"),
		SEND("250 m\n450 r\n"), EXPECT("RSET"),
		EXPECT("MAIL FROM:<a@us>"), LONE("RCPT TO:<b@them>"),
		SEND("250 s\n552 m\n503 r\n"), EXPECT("RSET"),
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<c@them>"),
		EXPECT("BDAT 0 LAST"), SEND("250 s\n250 m\n250 r\n250 b\n"),
		END
	};
	char	*body;

	(void)state;
	assert_non_null(body = calloc(1, SMTP_FLIGHT_BYTES));
	message("a@us", body, SMTP_FLIGHT_BYTES, "no@them", NULL);
	message("a@us", body, SMTP_FLIGHT_BYTES, "b@them", NULL);
	free(body);
	MESSAGE("a@us", "", "c@them");
	run(&plain, script);
	assert_string_equal(own.told, "no@them deferred 450\ndone 0\n"
	    "b@them refused 552\ndone 1\nc@them sent 250\ndone 2\n");
}

/* A server of 1982: one command at a time, and dots doubled. */
static void
test_helo_and_data(void **state)
{
	static const struct peer_step script[] = {
		SEND("220 old\n"), LONE("EHLO us.example"),
		SEND("500 what\n"), LONE("HELO us.example"),
		SEND("250 old\n"), LONE("MAIL FROM:<a@us>"),
		SEND("250 ok\n"), LONE("RCPT TO:<b@them>"),
		SEND("250 ok\n"), LONE("RCPT TO:<c@them>"),
		SEND("550 no\n"), LONE("DATA"), SEND("354 go\n"),
		BYTES("..\r\na\r\n...b\r\nend\r\n.\r\n"), QUIET,
		SEND("250 taken\n"), LONE("QUIT"), END
	};

	(void)state;
	MESSAGE("a@us", ".\r\na\r\n..b\r\nend", "b@them", "c@them");
	start(&plain, script);
	while (!own.idle)
		peer_turn();
	assert_string_equal(own.told,
	    "c@them refused 550\nb@them sent 250\ndone 0\n");
	finish();
}

/* PIPELINING alone: the end of one message and the head of the next. */
static void
test_pipelined_data(void **state)
{
	static const struct peer_step script[] = {
		HELLO("250 PIPELINING\n"),
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<b@them>"),
		LONE("DATA"), SEND("250 m\n250 r\n354 go\n"),
		EXPECT("one"), EXPECT("."), EXPECT("MAIL FROM:<a@us>"),
		EXPECT("RCPT TO:<c@them>"), LONE("DATA"),
		SEND("250 one\n250 m\n250 r\n354 go\n"),
		EXPECT("two"), LONE("."), SEND("250 two\n"), END
	};

	(void)state;
	MESSAGE("a@us", "one\r\n", "b@them");
	MESSAGE("a@us", "two\r\n", "c@them");
	run(&plain, script);
	assert_string_equal(own.told, "b@them sent 250\ndone 0\n"
	    "c@them sent 250\ndone 1\n");
}

/* Without a recipient BDAT is refused too: it touches that message alone. */
static void
test_bdat_without_recipient(void **state)
{
	static const struct peer_step script[] = {
		HELLO(FAST),
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<no@them>"),
		EXPECT("BDAT 5 LAST"), BYTES("one\r\n"), EXPECT("RSET"),
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<b@them>"),
		EXPECT("BDAT 5 LAST"), BYTES("two\r\n"),
		SEND("250 m\n550 5.1.1 nobody\n503 no recipients\n"),
		SEND("250 s\n250 m\n250 r\n250 two\n"), END
	};

	(void)state;
	MESSAGE("a@us", "one\r\n", "no@them");
	MESSAGE("a@us", "two\r\n", "b@them");
	run(&plain, script);
	assert_string_equal(own.told, "no@them refused 550\ndone 0\n"
	    "b@them sent 250\ndone 1\n");
}

/* 354 though nobody was accepted: an empty message, whatever comes of it;
 * and after a refused DATA the transaction is reset. */
static void
test_data_without_recipient(void **state)
{
	static const struct peer_step script[] = {
		HELLO("250 PIPELINING\n"),
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<no@them>"),
		LONE("DATA"), SEND("250 m\n550 nobody\n354 go\n"),
		EXPECT("."), EXPECT("MAIL FROM:<a@us>"),
		EXPECT("RCPT TO:<no@them>"), LONE("DATA"),
		SEND("250 what is that\n250 m\n450 later\n554 nobody\n"),
		EXPECT("RSET"), EXPECT("MAIL FROM:<a@us>"),
		EXPECT("RCPT TO:<b@them>"), LONE("DATA"),
		SEND("250 s\n250 m\n250 r\n452 4.3.1 full\n"), END
	};

	(void)state;
	MESSAGE("a@us", "one\r\n", "no@them");
	MESSAGE("a@us", "one\r\n", "no@them");
	MESSAGE("a@us", "one\r\n", "b@them");
	run(&plain, script);
	assert_string_equal(own.told, "no@them refused 550\ndone 0\n"
	    "no@them deferred 450\ndone 1\nb@them deferred 452\ndone 2\n");
}

static void
test_mail_refused(void **state)
{
	static const struct peer_step script[] = {
		HELLO(FAST),
		EXPECT("MAIL FROM:<bad@us>"), EXPECT("RCPT TO:<b@them>"),
		EXPECT("RCPT TO:<c@them>"), EXPECT("BDAT 0 LAST"),
		EXPECT("RSET"), EXPECT("MAIL FROM:<a@us>"),
		EXPECT("RCPT TO:<d@them>"), EXPECT("BDAT 0 LAST"),
		SEND("550 5.7.1 not you\n503 m\n503 m\n503 m\n"),
		SEND("250 s\n451 4.3.0 later\n503 m\n503 m\n"), END
	};

	(void)state;
	MESSAGE("bad@us", "", "b@them", "c@them");
	MESSAGE("a@us", "", "d@them");
	run(&plain, script);
	assert_string_equal(own.told, "b@them refused 550\n"
	    "c@them refused 550\ndone 0\nd@them deferred 451\ndone 1\n");
}

static void
test_mail_refused_alone(void **state)
{
	static const struct peer_step script[] = {
		HELLO(ALONE), LONE("MAIL FROM:<bad@us>"), SEND("553 no\n"),
		LONE("MAIL FROM:<a@us>"), SEND("250 m\n"),
		LONE("RCPT TO:<no@them>"), SEND("553 no\n"), LONE("RSET"),
		SEND("250 ok\n"), LONE("MAIL FROM:<a@us>"),
		SEND("451 later\n"), END
	};

	(void)state;
	MESSAGE("bad@us", "", "b@them");
	MESSAGE("a@us", "", "no@them");
	MESSAGE("a@us", "", "c@them");
	run(&plain, script);
	assert_string_equal(own.told, "b@them refused 553\ndone 0\n"
	    "no@them refused 553\ndone 1\nc@them deferred 451\ndone 2\n");
}

/* The final answer is that of each who was accepted, and of nobody else. */
static void
test_final_refusal(void **state)
{
	static const struct peer_step script[] = {
		HELLO(FAST),
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<b@them>"),
		EXPECT("RCPT TO:<later@them>"), EXPECT("RCPT TO:<c@them>"),
		EXPECT("BDAT 0 LAST"),
		SEND("250 m\n250 r\n450 r\n250 r\n554 5.7.1 spam\n"), END
	};

	(void)state;
	MESSAGE("a@us", "", "b@them", "later@them", "c@them");
	run(&plain, script);
	assert_string_equal(own.told, "later@them deferred 450\n"
	    "b@them refused 554\nc@them refused 554\ndone 0\n");
}

/* RFC 5321 4.5.3.1.10; the same code can mean a full mailbox. */
static void
test_too_many_recipients(void **state)
{
	static const struct peer_step script[] = {
		HELLO(FAST),
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<full@them>"),
		EXPECT("RCPT TO:<b@them>"), EXPECT("RCPT TO:<full2@them>"),
		EXPECT("RCPT TO:<c@them>"), EXPECT("RCPT TO:<d@them>"),
		EXPECT("BDAT 0 LAST"),
		SEND("250 m\n452 r\n250 r\n452 4.2.2 quota\n"
		    "452 4.5.3 many\n552 many\n250 b\n"), END
	};

	(void)state;
	MESSAGE("a@us", "", "full@them", "b@them", "full2@them", "c@them",
	    "d@them");
	run(&plain, script);
	assert_string_equal(own.told, "full@them deferred 452\n"
	    "full2@them deferred 452\nc@them again 452\nd@them again 552\n"
	    "b@them sent 250\ndone 0\n");
}

static void
test_over_size(void **state)
{
	static const struct peer_step script[] = {
		HELLO("250-CHUNKING\n250 SIZE 5\n"),
		LONE("MAIL FROM:<a@us> SIZE=5"), SEND("250 m\n"),
		LONE("RCPT TO:<c@them>"), SEND("250 r\n"),
		EXPECT("BDAT 5 LAST"), BYTES("12345"), SEND("250 b\n"), END
	};

	(void)state;
	MESSAGE("a@us", "123456", "b@them");
	MESSAGE("a@us", "12345", "c@them");
	run(&plain, script);
	assert_string_equal(own.told, "b@them refused 552\ndone 0\n"
	    "c@them sent 250\ndone 1\n");
}

static void
test_utf8_and_eight_bits(void **state)
{
	static const struct peer_step without[] = {
		HELLO("250 CHUNKING\n"), QUIET, END
	};
	static const struct peer_step with[] = {
		HELLO("250-8BITMIME\n250-SMTPUTF8\n250 CHUNKING\n"),
		LONE("MAIL FROM:<a@us> BODY=8BITMIME SMTPUTF8"),
		SEND("250 m\n"), LONE("RCPT TO:<\xc3\xa9@them>"),
		SEND("450 r\n"), END
	};
	struct envelope	*e;

	(void)state;
	e = MESSAGE("a@us", "", "\xc3\xa9@them");
	e->flags = ENVELOPE_8BIT | ENVELOPE_SMTPUTF8;
	own.messages[0].utf8 = 1;
	run(&plain, without);
	assert_string_equal(own.told, "\xc3\xa9@them refused 553\ndone 0\n");
	smtp_client_close(own.client);
	peer_free(own.peer);
	own.idle = 0;
	own.next = 0;
	own.told[0] = '\0';
	run(&plain, with);
	assert_string_equal(own.told, "\xc3\xa9@them deferred 450\ndone 0\n");
}

static void
test_dsn(void **state)
{
	static const struct peer_step with[] = {
		HELLO("250 DSN\n"),
		LONE("MAIL FROM:<a@us> RET=HDRS ENVID=id+3D1"),
		SEND("250 m\n"),
		LONE("RCPT TO:<b@them> NOTIFY=FAILURE ORCPT=rfc822;b@x"),
		SEND("450 r\n"), END
	};
	struct envelope	*e;

	(void)state;
	e = MESSAGE("a@us", "", "b@them");
	assert_non_null(e->ret = strdup("HDRS"));
	assert_non_null(e->envid = strdup("id+3D1"));
	assert_non_null(e->recipients[0].notify = strdup("FAILURE"));
	assert_non_null(e->recipients[0].orcpt = strdup("rfc822;b@x"));
	run(&plain, with);
}

/* Only to a server that offers to heed it; the time is what is left. */
static void
test_urgency(void **state)
{
	static const struct peer_step with[] = {
		HELLO("250-MT-PRIORITY MIXER\n250 DELIVERBY 60\n"),
		LONE("MAIL FROM:<a@us> MT-PRIORITY=-4 BY=999999999;RT"),
		SEND("250 m\n"), LONE("RCPT TO:<b@them>"), SEND("450 r\n"),
		END
	};
	struct envelope	*e;

	(void)state;
	e = MESSAGE("a@us", "", "b@them");
	e->priority = -4;
	e->deadline = (int64_t)time(NULL) + 2000000000;
	e->flags = ENVELOPE_PRIORITY | ENVELOPE_BY_RETURN | ENVELOPE_BY_TRACE;
	run(&plain, with);
}

static void
test_urgency_late(void **state)
{
	static const struct peer_step with[] = {
		HELLO("250-MT-PRIORITY\n250 DELIVERBY\n"),
		LONE("MAIL FROM:<a@us> MT-PRIORITY=0 BY=-999999999;N"),
		SEND("250 m\n"), LONE("RCPT TO:<b@them>"), SEND("450 r\n"),
		END
	};
	struct envelope	*e;

	(void)state;
	e = MESSAGE("a@us", "", "b@them");
	e->deadline = 1;
	e->flags = ENVELOPE_PRIORITY;
	run(&plain, with);
}

static void
test_urgency_not_offered(void **state)
{
	static const struct peer_step without[] = {
		HELLO("250 DSN\n"), LONE("MAIL FROM:<a@us>"),
		SEND("250 m\n"), LONE("RCPT TO:<b@them>"), SEND("450 r\n"),
		END
	};
	struct envelope	*e;

	(void)state;
	e = MESSAGE("a@us", "", "b@them");
	e->priority = 9;
	e->deadline = (int64_t)time(NULL) + 60;
	e->flags = ENVELOPE_PRIORITY;
	run(&plain, without);
}

static void
test_auth_plain(void **state)
{
	static const struct peer_step script[] = {
		HELLO("250 AUTH LOGIN PLAIN\n"),
		LONE("AUTH PLAIN AHVzZXIAcMOkc3M="), SEND("235 in\n"),
		LONE("QUIT"), END
	};
	struct smtp_client_param p = plain;

	(void)state;
	p.user = "user";
	p.password = "p\xc3\xa4ss";
	start(&p, script);
	while (!own.idle)
		peer_turn();
	finish();
}

static void
test_auth_login(void **state)
{
	static const struct peer_step script[] = {
		HELLO("250 AUTH LOGIN\n"), LONE("AUTH LOGIN"),
		SEND("334 VXNlcm5hbWU6\n"), LONE("dXNlcg=="),
		SEND("334 UGFzc3dvcmQ6\n"), LONE("cGFzcw=="),
		SEND("535 5.7.8 no\n"), END
	};
	struct smtp_client_param p = plain;

	(void)state;
	MESSAGE("a@us", "", "b@them");
	p.user = "user";
	p.password = "pass";
	run(&p, script);
	assert_true(own.ended);
	assert_int_equal(own.end, SMTP_END_AUTH);
	assert_string_equal(own.why, "AUTH: 535 5.7.8 no");
	/* The message was not even asked for. */
	assert_string_equal(own.told, "");
}

/* The server's trouble of the moment: another session may have better luck. */
static void
test_auth_later(void **state)
{
	static const struct peer_step script[] = {
		HELLO("250 AUTH PLAIN\n"),
		LONE("AUTH PLAIN AHVzZXIAcGFzcw=="),
		SEND("454 4.7.0 not now\n"), END
	};
	struct smtp_client_param p = plain;

	(void)state;
	MESSAGE("a@us", "", "b@them");
	p.user = "user";
	p.password = "pass";
	run(&p, script);
	assert_int_equal(own.end, SMTP_END_LOST);
	assert_string_equal(own.why, "AUTH: 454 4.7.0 not now");
	assert_string_equal(own.told, "");
}

static void
test_auth_not_offered(void **state)
{
	static const struct peer_step script[] = {
		HELLO("250 AUTH CRAM-MD5\n"), QUIET, END
	};
	struct smtp_client_param p = plain;

	(void)state;
	p.user = "user";
	p.password = "pass";
	run(&p, script);
	assert_int_equal(own.end, SMTP_END_AUTH);
}

/* Refused for want of a password: no recipient's fault. */
static void
test_auth_demanded(void **state)
{
	static const struct peer_step script[] = {
		HELLO(FAST), EXPECT("MAIL FROM:<a@us>"),
		EXPECT("RCPT TO:<b@them>"), EXPECT("BDAT 0 LAST"),
		SEND("530 5.7.0 authenticate\n503 m\n503 m\n"), END
	};

	(void)state;
	MESSAGE("a@us", "", "b@them");
	run(&plain, script);
	assert_int_equal(own.end, SMTP_END_AUTH);
	assert_string_equal(own.told, "lost 0\n");
}

/*
 * Of one recipient, in a session that is authenticated, or in words that the
 * server does not know: the others and what is behind them go.
 */
static void
test_odd_refusals(void **state)
{
	static const struct peer_step script[] = {
		HELLO("250-PIPELINING\n250-AUTH PLAIN\n250 CHUNKING\n"),
		LONE("AUTH PLAIN AHVzZXIAcGFzcw=="), SEND("235 in\n"),
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<b@them>"),
		EXPECT("RCPT TO:<c@them>"), EXPECT("RCPT TO:<d@them>"),
		EXPECT("RCPT TO:<e@them>"), EXPECT("BDAT 0 LAST"),
		EXPECT("RSET"), EXPECT("MAIL FROM:<a@us>"),
		EXPECT("RCPT TO:<f@them>"), EXPECT("BDAT 0 LAST"),
		SEND("250 m\n530 5.7.1 not there\n500 what\n502 what\n"
		    "250 r\n250 m\n"),
		SEND("250 s\n250 m\n250 r\n530 5.7.0 not that\n"), END
	};
	struct smtp_client_param p = plain;

	(void)state;
	p.user = "user";
	p.password = "pass";
	MESSAGE("a@us", "", "b@them", "c@them", "d@them", "e@them");
	MESSAGE("a@us", "", "f@them");
	run(&p, script);
	assert_string_equal(own.told, "b@them deferred 530\n"
	    "c@them deferred 500\nd@them deferred 502\n"
	    "e@them sent 250\ndone 0\nf@them deferred 530\ndone 1\n");
}

static void
use_tls(struct smtp_client_param *p, uint32_t mode, const char *ca)
{
	*p = plain;
	p->tls = mode;
	p->ca = (const uint8_t *)ca;
	p->ca_len = strlen(ca);
	p->user = "user";
	p->password = "pass";
}

static void
test_starttls(void **state)
{
	static const struct peer_step script[] = {
		HELLO("250-AUTH PLAIN\n250 STARTTLS\n"), LONE("STARTTLS"),
		SEND("220 go\n"), TLS, LONE("EHLO us.example"),
		SEND("250-x\n250 AUTH PLAIN\n"),
		LONE("AUTH PLAIN AHVzZXIAcGFzcw=="), SEND("235 in\n"),
		LONE("QUIT"), END
	};
	struct smtp_client_param p;

	(void)state;
	use_tls(&p, TLS_MODE_STARTTLS, TEST_GOOD_CRT);
	start(&p, script);
	while (!own.idle)
		peer_turn();
	finish();
}

/* No password passes in the clear where TLS was asked for. */
static void
test_starttls_not_offered(void **state)
{
	static const struct peer_step ehlo[] = {
		HELLO("250 AUTH PLAIN\n"), QUIET, END
	};
	static const struct peer_step helo[] = {
		SEND("220 x\n"), LONE("EHLO us.example"), SEND("502 x\n"),
		LONE("HELO us.example"), SEND("250 x\n"), QUIET, END
	};
	struct smtp_client_param p;

	(void)state;
	use_tls(&p, TLS_MODE_STARTTLS, TEST_GOOD_CRT);
	run(&p, ehlo);
	assert_int_equal(own.end, SMTP_END_TLS);
	peer_free(own.peer);
	own.ended = 0;
	run(&p, helo);
	assert_true(own.ended);
	assert_int_equal(own.end, SMTP_END_TLS);
}

/* What stands behind the answer to STARTTLS was not said under TLS. */
static void
test_starttls_injection(void **state)
{
	static const struct peer_step script[] = {
		HELLO("250 STARTTLS\n"), LONE("STARTTLS"),
		SEND("220 go\n250 AUTH PLAIN\n"), QUIET, END
	};
	struct smtp_client_param p;

	(void)state;
	use_tls(&p, TLS_MODE_STARTTLS, TEST_GOOD_CRT);
	run(&p, script);
	assert_true(own.ended);
	assert_int_equal(own.end, SMTP_END_TLS);
}

static void
test_certificate(void **state)
{
	static const struct peer_step script[] = { TLS, END };
	static const struct peer_step good[] = {
		TLS, HELLO("250 AUTH PLAIN\n"),
		LONE("AUTH PLAIN AHVzZXIAcGFzcw=="), SEND("235 in\n"), END
	};
	struct smtp_client_param p;

	(void)state;
	use_tls(&p, TLS_MODE_IMPLICIT, TEST_BAD_CRT);
	run(&p, script);
	assert_true(own.ended);
	assert_int_equal(own.end, SMTP_END_TLS);
	peer_free(own.peer);
	own.ended = 0;
	use_tls(&p, TLS_MODE_IMPLICIT, TEST_GOOD_CRT);
	p.host = "other.example";
	run(&p, script);
	assert_true(own.ended);
	assert_int_equal(own.end, SMTP_END_TLS);
	peer_free(own.peer);
	own.ended = 0;
	p.host = "relay.example";
	run(&p, good);
	assert_false(own.ended);
}

/*
 * A connection that ends within the handshake says nothing of whom we trust:
 * the next address may do.
 */
static void
test_handshake_cut(void **state)
{
	static const struct peer_step hello[] = { SKIP(20), CLOSE, END };
	static const struct peer_step closed[] = { CLOSE, END };
	static const struct peer_step starttls[] = {
		HELLO("250 STARTTLS\n"), LONE("STARTTLS"), SEND("220 go\n"),
		SKIP(20), CLOSE, END
	};
	static const struct peer_step plaintext[] = {
		SEND("220 relay.example ESMTP\n"), END
	};
	static const struct {
		const struct peer_step	*script;
		uint32_t		 mode;
		enum smtp_end		 end;
	} t[] = {
		{ hello, TLS_MODE_IMPLICIT, SMTP_END_CONNECT },
		{ closed, TLS_MODE_IMPLICIT, SMTP_END_CONNECT },
		{ starttls, TLS_MODE_STARTTLS, SMTP_END_CONNECT },
		{ plaintext, TLS_MODE_IMPLICIT, SMTP_END_TLS },
	};
	struct smtp_client_param p;
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		own.ended = 0;
		if (own.peer != NULL)
			peer_free(own.peer);
		use_tls(&p, t[i].mode, TEST_GOOD_CRT);
		start(&p, t[i].script);
		while (!own.ended)
			peer_turn();
		assert_int_equal(own.end, t[i].end);
	}
}

/* What was answered counts; all else is given back, oldest first. */
static void
test_lost(void **state)
{
	static const struct peer_step script[] = {
		HELLO(FAST),
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<b@them>"),
		EXPECT("BDAT 0 LAST"), EXPECT("RSET"),
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<no@them>"),
		EXPECT("RCPT TO:<c@them>"), EXPECT("BDAT 0 LAST"),
		EXPECT("RSET"), EXPECT("MAIL FROM:<a@us>"),
		EXPECT("RCPT TO:<d@them>"), EXPECT("BDAT 0 LAST"),
		SEND("250 m\n250 r\n250 b\n250 s\n250 m\n550 r\n250 r\n"),
		CLOSE, END
	};

	(void)state;
	MESSAGE("a@us", "", "b@them");
	MESSAGE("a@us", "", "no@them", "c@them");
	MESSAGE("a@us", "", "d@them");
	run(&plain, script);
	assert_int_equal(own.end, SMTP_END_LOST);
	assert_string_equal(own.told, "b@them sent 250\ndone 0\n"
	    "no@them refused 550\nlost 1\nlost 2\n");
}

static void
test_421(void **state)
{
	static const struct peer_step script[] = {
		HELLO(ALONE), LONE("MAIL FROM:<a@us>"), SEND("250 m\n"),
		LONE("RCPT TO:<b@them>"), SEND("421 4.3.2 closing\n"), END
	};

	(void)state;
	MESSAGE("a@us", "", "b@them");
	run(&plain, script);
	assert_int_equal(own.end, SMTP_END_LOST);
	assert_string_equal(own.why, "server: 421 4.3.2 closing");
	assert_string_equal(own.told, "lost 0\n");
}

/* The owner closes in the middle: what is in flight comes back. */
static void
test_abort(void **state)
{
	static const struct peer_step script[] = {
		HELLO(ALONE), LONE("MAIL FROM:<a@us>"), END
	};

	(void)state;
	MESSAGE("a@us", "", "b@them");
	start(&plain, script);
	while (!peer_done(own.peer))
		peer_turn();
	assert_false(smtp_client_is_idle(own.client));
	smtp_client_close(own.client);
	own.client = NULL;
	assert_string_equal(own.told, "lost 0\n");
	while (!peer_closed(own.peer))
		peer_turn();
}

static void
test_not_greeted(void **state)
{
	static const struct peer_step refused[] = {
		SEND("554 no service\n"), END
	};
	static const struct peer_step closed[] = { CLOSE, END };
	static const struct peer_step other[] = {
		SEND("SSH-2.0-OpenSSH_9.2\n"), END
	};
	static const struct peer_step *const all[] = { refused, closed,
	    other };
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		own.ended = 0;
		run(&plain, all[i]);
		while (!own.ended)
			peer_turn();
		assert_int_equal(own.end, SMTP_END_CONNECT);
		if (i < 2)
			peer_free(own.peer);
	}
}

static void
test_nonsense(void **state)
{
	static const struct peer_step garbage[] = {
		HELLO(ALONE), LONE("MAIL FROM:<a@us>"), SEND("hello\n"), END
	};
	static const struct peer_step unasked[] = {
		HELLO(ALONE), LONE("MAIL FROM:<a@us>"),
		SEND("450 m\n250 again\n"), END
	};
	static const struct peer_step order[] = {
		HELLO(ALONE), LONE("MAIL FROM:<a@us>"),
		SEND("503 EHLO first\n"), END
	};
	static const struct peer_step *const all[] = { garbage, unasked,
	    order };
	size_t	 i;

	(void)state;
	MESSAGE("a@us", "", "b@them");
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		own.ended = 0;
		own.next = 0;
		run(&plain, all[i]);
		while (!own.ended)
			peer_turn();
		assert_int_equal(own.end, SMTP_END_PROTOCOL);
		if (i < 2)
			peer_free(own.peer);
	}
	assert_null(strstr(own.told, "refused"));
}

static void
test_bdat_unknown(void **state)
{
	static const struct peer_step script[] = {
		HELLO(FAST), EXPECT("MAIL FROM:<a@us>"),
		EXPECT("RCPT TO:<b@them>"), EXPECT("BDAT 0 LAST"),
		SEND("250 m\n250 r\n502 what\n"), END
	};
	static const struct peer_step without[] = {
		HELLO(FAST), EXPECT("MAIL FROM:<a@us>"),
		EXPECT("RCPT TO:<b@them>"), LONE("DATA"),
		SEND("250 m\n250 r\n354 go\n"), LONE("."),
		SEND("250 b\n"), END
	};
	struct smtp_client_param p = plain;

	(void)state;
	MESSAGE("a@us", "", "b@them");
	run(&plain, script);
	assert_int_equal(own.end, SMTP_END_CHUNKING);
	assert_string_equal(own.told, "lost 0\n");
	peer_free(own.peer);
	own.ended = 0;
	own.next = 0;
	p.without = SMTP_EXT_CHUNKING;
	run(&p, without);
	assert_string_equal(own.told, "lost 0\nb@them sent 250\ndone 0\n");
}

/* A line end in an address would be a command of the sender's choice. */
static void
test_no_injection(void **state)
{
	static const struct peer_step script[] = {
		HELLO(FAST), QUIET, END
	};

	(void)state;
	MESSAGE("a@us>\r\nRSET", "", "b@them");
	MESSAGE("a@us", "", "b@them>\r\nRSET");
	run(&plain, script);
	assert_string_equal(own.told, "b@them refused 553\ndone 0\n"
	    "b@them>\r\nRSET refused 553\ndone 1\n");
}

/* A body that is not there whole is never ended as if it were. */
static void
test_body_too_short(void **state)
{
	static const struct peer_step script[] = {
		HELLO(ALONE), LONE("MAIL FROM:<a@us>"), SEND("250 m\n"),
		LONE("RCPT TO:<b@them>"), SEND("250 r\n"), LONE("DATA"),
		SEND("354 go\n"), END
	};

	(void)state;
	MESSAGE("a@us", "short\r\n", "b@them");
	own.messages[0].size += 100;
	start(&plain, script);
	while (!own.ended)
		peer_turn();
	assert_int_equal(own.end, SMTP_END_LOST);
	assert_string_equal(own.told, "lost 0\n");
}

/* More than any buffer holds, by DATA. */
static void
test_large_data(void **state)
{
	static const struct peer_step script[] = {
		HELLO("250 PIPELINING\n"), EXPECT("MAIL FROM:<a@us>"),
		EXPECT("RCPT TO:<b@them>"), LONE("DATA"),
		SEND("250 m\n250 r\n354 go\n"),
		/* Each ".\r\n" is one byte longer on the way. */
		SKIP(4 * 1000000), BYTES(".\r\n"), QUIET, SEND("250 b\n"),
		END
	};
	char	*body;
	size_t	 i;

	(void)state;
	assert_non_null(body = malloc(3 * 1000000));
	for (i = 0; i < 1000000; i++)
		memcpy(body + 3 * i, ".\r\n", 3);
	message("a@us", body, 3 * 1000000, "b@them", NULL);
	free(body);
	run(&plain, script);
	assert_string_equal(own.told, "b@them sent 250\ndone 0\n");
}

/* Of a body no more is under way than there is room for. */
static void
test_room(void **state)
{
#define ROOM(keywords, command, go, last) { \
		HELLO("250-PIPELINING\n" keywords), \
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<b@them>"), \
		EXPECT(command), SEND("250 m\n250 r\n" go), SKIP(9000), \
		BYTES(last), END \
	}
	static const struct peer_step scripts[][12] = {
		ROOM("250 CHUNKING\n", "BDAT 9002 LAST", "", "\r\n"),
		ROOM("250 8BITMIME\n", "DATA", "354 go\n",
		    "\r\n.\r\n")
	};
	char	 body[9003];
	size_t	 i;

	(void)state;
	memset(body, 'x', 9000);
	memcpy(body + 9000, "\r\n", 3);
	MESSAGE("a@us", body, "b@them");
	for (i = 0; i < 2; i++) {
		if (own.peer != NULL) {
			smtp_client_close(own.client);
			peer_free(own.peer);
		}
		own.next = 0;
		room = asked = 0;
		start(&plain, scripts[i]);
		while (asked < 3)
			peer_turn();
		assert_int_equal(stream_queued(own.client->stream), 0);
		room = 2000;
		while (!peer_done(own.peer)) {
			peer_turn();
			assert_true(stream_queued(own.client->stream) <= 2000);
		}
		/* The last piece may be smaller than what is worth sending. */
		assert_true(asked >= 3 + 9002 / 2000);
	}
	room = UINT64_MAX;
}

/*
 * A server that has seen enough of a body says so before its end: that is
 * the answer, and the session ends, since the rest is not to be sent.
 */
static void
test_early_reply(void **state)
{
#define EARLY(reply) { \
		HELLO("250 PIPELINING\n"), EXPECT("MAIL FROM:<a@us>"), \
		EXPECT("RCPT TO:<b@them>"), EXPECT("RCPT TO:<no@them>"), \
		LONE("DATA"), SEND("250 m\n250 r\n550 r\n354 go\n"), \
		SKIP(100000), SEND(reply), CLOSE, END \
	}
#define EARLY_CHUNK(reply) { \
		HELLO("250-PIPELINING\n250 CHUNKING\n"), \
		EXPECT("MAIL FROM:<a@us>"), EXPECT("RCPT TO:<b@them>"), \
		LONE("RCPT TO:<no@them>"), SEND("250 m\n250 r\n550 r\n"), \
		EXPECT("BDAT 8000000 LAST"), SKIP(100000), SEND(reply), \
		CLOSE, END \
	}
	static const struct {
		struct peer_step	 script[12];
		enum smtp_end		 end;
		const char		*told;
	} t[] = {
		{ EARLY("552 5.3.4 too much\n"), SMTP_END_LOST,
		    "no@them refused 550\nb@them refused 552\ndone 0\n" },
		{ EARLY("451 no space\n"), SMTP_END_LOST,
		    "no@them refused 550\nb@them deferred 451\ndone 0\n" },
		{ EARLY("530 log in\n"), SMTP_END_AUTH,
		    "no@them refused 550\nlost 0\n" },
		{ EARLY("500 what\n"), SMTP_END_PROTOCOL,
		    "no@them refused 550\nlost 0\n" },
		/* What is not there whole was not taken. */
		{ EARLY("250 thanks\n"), SMTP_END_PROTOCOL,
		    "no@them refused 550\nlost 0\n" },
		{ EARLY_CHUNK("552 5.3.4 too much\n"), SMTP_END_LOST,
		    "no@them refused 550\nb@them refused 552\ndone 0\n" },
		{ EARLY_CHUNK("500 what\n"), SMTP_END_CHUNKING,
		    "no@them refused 550\nlost 0\n" },
		{ EARLY_CHUNK("250 thanks\n"), SMTP_END_PROTOCOL,
		    "no@them refused 550\nlost 0\n" },
	};
	char	*body;
	size_t	 i;

	(void)state;
	assert_non_null(body = calloc(1, 8000000));
	message("a@us", body, 8000000, "b@them", "no@them", NULL);
	free(body);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		own.ended = 0;
		own.next = 0;
		own.told[0] = '\0';
		if (own.peer != NULL)
			peer_free(own.peer);
		run(&plain, t[i].script);
		assert_true(own.ended);
		assert_int_equal(own.end, t[i].end);
		assert_string_equal(own.told, t[i].told);
	}
}

/* New mail on a session that stands idle. */
static void
test_kick(void **state)
{
	static const struct peer_step script[] = {
		HELLO(FAST), EXPECT("MAIL FROM:<a@us>"),
		EXPECT("RCPT TO:<b@them>"), EXPECT("BDAT 0 LAST"),
		SEND("250 m\n250 r\n250 b\n"), END
	};

	(void)state;
	start(&plain, script);
	while (!own.idle)
		peer_turn();
	MESSAGE("a@us", "", "b@them");
	smtp_client_kick(own.client);
	while (!own.idle)
		peer_turn();
	assert_string_equal(own.told, "b@them sent 250\ndone 0\n");
}

static void
on_tick(int fd, short events, void *arg)
{
	struct timeval	 tv = { 0, 20000 };

	(void)fd;
	(void)events;
	evtimer_add(arg, &tv);
	if (own.client != NULL)
		smtp_client_kick(own.client);
}

/* Mail that comes all the while does not make a silent server any better. */
static void
test_silent(void **state)
{
	static const struct peer_step script[] = {
		HELLO(FAST), EXPECT("MAIL FROM:<a@us>"),
		EXPECT("RCPT TO:<b@them>"), EXPECT("BDAT 0 LAST"), END
	};
	struct event	 tick;

	(void)state;
	hurry = 100;
	MESSAGE("a@us", "", "b@them");
	start(&plain, script);
	evtimer_set(&tick, on_tick, &tick);
	on_tick(-1, EV_TIMEOUT, &tick);
	while (!own.ended)
		peer_turn();
	evtimer_del(&tick);
	assert_int_equal(own.end, SMTP_END_LOST);
	assert_string_equal(own.why, "time-out");
	assert_string_equal(own.told, "lost 0\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(test_one_flight), T(test_flight_messages),
		T(test_flight_bytes), T(test_large_refused),
		T(test_helo_and_data),
		T(test_pipelined_data), T(test_bdat_without_recipient),
		T(test_data_without_recipient), T(test_mail_refused),
		T(test_mail_refused_alone), T(test_final_refusal),
		T(test_too_many_recipients), T(test_over_size),
		T(test_utf8_and_eight_bits), T(test_dsn),
		T(test_urgency),
		T(test_urgency_late), T(test_urgency_not_offered),
		T(test_auth_plain),
		T(test_auth_login), T(test_auth_later),
		T(test_auth_not_offered),
		T(test_auth_demanded), T(test_odd_refusals), T(test_starttls),
		T(test_starttls_not_offered), T(test_starttls_injection),
		T(test_certificate), T(test_handshake_cut),
		T(test_lost), T(test_421),
		T(test_abort), T(test_not_greeted), T(test_nonsense),
		T(test_bdat_unknown), T(test_no_injection),
		T(test_body_too_short), T(test_large_data), T(test_room),
		T(test_early_reply),
		T(test_kick), T(test_silent),
	};
	struct event_base	*base;
	int			 failed;

	log_init(1, 0);
	assert_non_null(base = event_init());
	signal(SIGPIPE, SIG_IGN);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	/* Connections that are being closed have no owner any more. */
	if (failed == 0)
		event_dispatch();
	event_base_free(base);
	return (failed);
}
