/* See LICENSE for the terms. */

/*
 * The POP3 server over a socket pair, with a real stream and mailbox; the
 * passwords are checked by the test.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#include <cmocka.h>

#include "ask.h"
#include "fixture.h"
#include "listener.h"
#include "log.h"
#include "pop3_server.h"
#include "spoold.h"

#define NEW	"mail/alice/new/"
#define CUR	"mail/alice/cur/"

/* For localhost, made for this test and of no other use. */
static const char	 test_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgqK4LQl7g/Akk2Kmf\n"
    "/Kv5NHU9rYzmgldITt+sH4C0SWKhRANCAASaxss7QhAozeoHr1fzKkbmB6BwawhK\n"
    "Z67P6CbxwggaykLhzMpJs5ImdfEzXXxp9rEImBk3k3RrtCredEA5leRO\n"
    "-----END PRIVATE KEY-----\n";
static const char	 test_cert[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBlDCCATugAwIBAgIUJcpmU2m/2R8XSEYYOcLCSEqKhakwCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNTAwMTIxOVoYDzIxMjYxMTAx\n"
    "MDAxMjE5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAASaxss7QhAozeoHr1fzKkbmB6BwawhKZ67P6CbxwggaykLhzMpJs5Im\n"
    "dfEzXXxp9rEImBk3k3RrtCredEA5leROo2kwZzAdBgNVHQ4EFgQUi+SQvbvcMhoj\n"
    "L6S0uz8ys1vnQEMwHwYDVR0jBBgwFoAUi+SQvbvcMhojL6S0uz8ys1vnQEMwDwYD\n"
    "VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID\n"
    "RwAwRAIgGl573ypcI/6dC+z3k58bCo+MEYsqoaphJzgZkY6ksEMCIGtNe+eQspHN\n"
    "6Z/epC2fo7choWkw9crcX9Cw5Uhga5CR\n"
    "-----END CERTIFICATE-----\n";


/* What the server needs of spoold. */
int			 spool_fd = -1;
struct queue		*spool_queue;

static struct tls	*server_tls;
static unsigned int	 released;

struct question {
	uint32_t	 id;
	ask_auth_cb	*cb;
	void		*arg;
	enum proto_auth_result result;
	struct event	 ev;
};
static struct question	 question;
static unsigned int	 asked;
static int		 hold_answers;

struct tls *
listener_tls(const char *pki)
{
	return (strcmp(pki, "ship") == 0 ? server_tls : NULL);
}

void
listener_release(const struct sockaddr_storage *peer)
{
	assert_int_equal(peer->ss_family, AF_INET);
	released++;
}

static void
answer_question(int fd, short events, void *arg)
{
	struct question	 q = question;

	(void)fd;
	(void)events;
	(void)arg;
	question.id = 0;
	q.cb(q.arg, q.result);
}

uint32_t
ask_auth(const char *user, const char *password, ask_auth_cb *cb, void *arg)
{
	struct timeval	 tv = { 0, 0 };

	assert_int_equal(question.id, 0);
	question.id = ++asked;
	question.cb = cb;
	question.arg = arg;
	question.result = PROTO_AUTH_WRONG;
	if (strcmp(user, "carol") == 0)
		question.result = PROTO_AUTH_UNKNOWN;
	else if ((strcmp(user, "alice") == 0 || strcmp(user, "bob") == 0) &&
	    strcmp(password, "two words") == 0)
		question.result = PROTO_AUTH_RIGHT;
	evtimer_set(&question.ev, answer_question, NULL);
	if (!hold_answers)
		evtimer_add(&question.ev, &tv);
	return (question.id);
}

void
ask_cancel(uint32_t id)
{
	assert_int_equal(id, question.id);
	evtimer_del(&question.ev);
	question.id = 0;
}

static int
setup(void **state)
{
	static const char *const dirs[] = { "mail", "mail/alice",
	    "mail/alice/new", "mail/alice/cur", "mail/alice/tmp", NULL };

	(void)state;
	released = asked = 0;
	hold_answers = 0;
	memset(&question, 0, sizeof(question));
	spool_fd = fixture_make("pop3_server_test", dirs);
	return (spool_fd == -1 ? -1 : 0);
}

static int
teardown(void **state)
{
	(void)state;
	pop3_server_shutdown();
	/* What stream_finish has left. */
	event_loop(EVLOOP_NONBLOCK);
	return (fixture_remove());
}

/* A client, with what it has received. */
struct client {
	int		 fd;
	struct tls	*tls;
	char		 buf[262144];
	size_t		 len;
	int		 eof;
};

static struct client	 one, two;

/* The listener is gone as soon as the connection is accepted. */
static void
dial(struct client *c, enum tls_mode mode)
{
	struct sockaddr_storage	 peer;
	struct sockaddr_in	*in = (struct sockaddr_in *)&peer;
	struct conf_listener	*l;
	int			 sv[2];

	memset(c, 0, sizeof(*c));
	memset(&peer, 0, sizeof(peer));
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	c->fd = sv[1];
	assert_int_equal(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
	l = calloc(1, sizeof(*l));
	assert_non_null(l);
	l->tls = mode;
	if (mode != TLS_MODE_NONE)
		l->pki = strdup("ship");
	pop3_server_accept(sv[0], l, &peer);
	free(l->pki);
	free(l);
}

static void
hang_up(struct client *c)
{
	tls_free(c->tls);
	c->tls = NULL;
	close(c->fd);
	c->fd = -1;
}

/* One turn of the server's loop, or ten milliseconds of nothing. */
static void
turn(void)
{
	struct timeval	 tv = { 0, 10000 };

	event_loopexit(&tv);
	event_loop(EVLOOP_ONCE);
}

static ssize_t
client_read(struct client *c, void *buf, size_t len)
{
	ssize_t	 n;

	if (c->tls == NULL)
		return (read(c->fd, buf, len));
	n = tls_read(c->tls, buf, len);
	if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT) {
		errno = EAGAIN;
		return (-1);
	}
	return (n);
}

static void
client_send(struct client *c, const char *data, size_t len)
{
	ssize_t	 n;

	while (len > 0) {
		n = c->tls == NULL ? write(c->fd, data, len) :
		    tls_write(c->tls, data, len);
		if (n > 0) {
			data += n;
			len -= n;
		}
		turn();
	}
}

static void
say(struct client *c, const char *text)
{
	client_send(c, text, strlen(text));
}

/* Takes what has come; 1 if there was something. */
static int
take(struct client *c)
{
	ssize_t	 n;

	if (c->eof || c->len == sizeof(c->buf) - 1)
		return (0);
	n = client_read(c, c->buf + c->len, sizeof(c->buf) - 1 - c->len);
	if (n == 0 || (n == -1 && errno != EAGAIN)) {
		c->eof = 1;
		return (1);
	}
	if (n == -1)
		return (0);
	c->len += n;
	c->buf[c->len] = '\0';
	return (1);
}

/* Waits for exactly this, and forgets it. */
static void
expect(struct client *c, const char *want)
{
	size_t	 len = strlen(want);

	while (c->len < len && !c->eof)
		if (!take(c))
			turn();
	c->buf[c->len] = '\0';
	if (c->len < len || memcmp(c->buf, want, len) != 0) {
		print_error("got: %s\n", c->buf);
		assert_string_equal(c->buf, want);
	}
	c->len -= len;
	memmove(c->buf, c->buf + len, c->len + 1);
}

/* Waits for a line that begins so, and forgets it. */
static void
expect_line(struct client *c, const char *begin)
{
	char	*end;

	c->buf[c->len] = '\0';
	while ((end = strstr(c->buf, "\r\n")) == NULL && !c->eof) {
		if (!take(c))
			turn();
		c->buf[c->len] = '\0';
	}
	assert_non_null(end);
	*end = '\0';
	if (strncmp(c->buf, begin, strlen(begin)) != 0)
		assert_string_equal(c->buf, begin);
	c->len -= end + 2 - c->buf;
	memmove(c->buf, end + 2, c->len + 1);
}

static void
expect_closed(struct client *c)
{
	while (!c->eof)
		if (!take(c))
			turn();
	assert_int_equal(c->len, 0);
	hang_up(c);
	/* The stream goes when it has seen us close. */
	turn();
	turn();
}

static void
login(struct client *c)
{
	dial(c, TLS_MODE_NONE);
	expect_line(c, "+OK");
	say(c, "USER alice\r\n");
	expect_line(c, "+OK");
	say(c, "PASS two words\r\n");
	expect_line(c, "+OK");
}

static void
start_tls(struct client *c)
{
	struct tls_config	*config;
	int			 n;

	config = tls_config_new();
	assert_non_null(config);
	tls_config_insecure_noverifycert(config);
	tls_config_insecure_noverifyname(config);
	c->tls = tls_client();
	assert_non_null(c->tls);
	assert_int_equal(tls_configure(c->tls, config), 0);
	tls_config_free(config);
	assert_int_equal(tls_connect_socket(c->tls, c->fd, "localhost"), 0);
	while ((n = tls_handshake(c->tls)) == TLS_WANT_POLLIN ||
	    n == TLS_WANT_POLLOUT)
		turn();
	assert_int_equal(n, 0);
}

static void
three_messages(void)
{
	fixture_put(NEW "1.a.h,S=16,W=16", "s: 1\r\n\r\n.x\r\n..y");
	fixture_put(CUR "2.b.h:2,S", "s: 2\n\n.\n");
	fixture_put(NEW "3.c.h,S=13,W=13", "s: 3\r\n\r\nbody\r");
}

static void
a_session(void **state)
{
	(void)state;
	three_messages();
	login(&one);
	say(&one, "STAT\r\n");
	expect(&one, "+OK 3 40\r\n");
	say(&one, "LIST\r\n");
	expect(&one, "+OK\r\n1 16\r\n2 11\r\n3 13\r\n.\r\n");
	say(&one, "LIST 2\r\n");
	expect(&one, "+OK 2 11\r\n");
	say(&one, "UIDL\r\n");
	expect(&one, "+OK\r\n1 1.a.h\r\n2 2.b.h\r\n3 3.c.h\r\n.\r\n");
	say(&one, "uidl 3\r\n");
	expect(&one, "+OK 3 3.c.h\r\n");
	say(&one, "RETR 1\r\n");
	expect(&one, "+OK 16 octets\r\ns: 1\r\n\r\n..x\r\n...y\r\n.\r\n");
	say(&one, "RETR 2\r\n");
	expect(&one, "+OK 11 octets\r\ns: 2\r\n\r\n..\r\n.\r\n");
	say(&one, "TOP 1 1\r\n");
	expect(&one, "+OK\r\ns: 1\r\n\r\n..x\r\n.\r\n");
	say(&one, "TOP 1 0\r\n");
	expect(&one, "+OK\r\ns: 1\r\n\r\n.\r\n");
	say(&one, "NOOP\r\n");
	expect(&one, "+OK\r\n");
	say(&one, "DELE 1\r\n");
	expect(&one, "+OK\r\n");
	say(&one, "LIST\r\n");
	expect(&one, "+OK\r\n2 11\r\n3 13\r\n.\r\n");
	say(&one, "RETR 1\r\n");
	expect_line(&one, "-ERR");
	say(&one, "RSET\r\n");
	expect(&one, "+OK\r\n");
	say(&one, "STAT\r\n");
	expect(&one, "+OK 3 40\r\n");
	say(&one, "DELE 2\r\n");
	expect(&one, "+OK\r\n");
	assert_true(fixture_exists(CUR "2.b.h:2,S"));
	say(&one, "QUIT\r\n");
	expect(&one, "+OK\r\n");
	expect_closed(&one);
	assert_false(fixture_exists(CUR "2.b.h:2,S"));
	assert_true(fixture_exists(NEW "1.a.h,S=16,W=16"));
	assert_int_equal(released, 1);
}

static void
without_quit_nothing_is_deleted(void **state)
{
	(void)state;
	three_messages();
	login(&one);
	say(&one, "DELE 1\r\nDELE 2\r\nNOOP\r\n");
	expect(&one, "+OK\r\n+OK\r\n+OK\r\n");
	shutdown(one.fd, SHUT_WR);
	expect_closed(&one);
	assert_true(fixture_exists(NEW "1.a.h,S=16,W=16"));
	assert_true(fixture_exists(CUR "2.b.h:2,S"));
	assert_int_equal(released, 1);
}

static void
pipelined_commands_are_answered_in_order(void **state)
{
	(void)state;
	three_messages();
	dial(&one, TLS_MODE_NONE);
	expect_line(&one, "+OK");
	say(&one, "USER alice\r\nPASS two words\r\nSTAT\r\nRETR 2\r\n"
	    "UIDL 1\r\nDELE 3\r\nQUIT\r\n");
	shutdown(one.fd, SHUT_WR);
	expect(&one, "+OK\r\n+OK 3 messages (40 octets)\r\n+OK 3 40\r\n"
	    "+OK 11 octets\r\ns: 2\r\n\r\n..\r\n.\r\n"
	    "+OK 1 1.a.h\r\n+OK\r\n+OK\r\n");
	expect_closed(&one);
	assert_false(fixture_exists(NEW "3.c.h,S=13,W=13"));
}

/* The end of the input comes first, and then nobody takes the output. */
static void
gone_within_a_message_ends_the_session(void **state)
{
	static char	 large[4 * 65536];
	int		 i;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	fixture_put(NEW "1.a.h,S=262143,W=262143", large);
	login(&one);
	say(&one, "RETR 1\r\n");
	shutdown(one.fd, SHUT_WR);
	for (i = 0; i < 20; i++)
		turn();
	assert_int_equal(released, 0);
	hang_up(&one);
	while (released == 0)
		turn();
	login(&two);
	hang_up(&two);
}

static void
auth_plain_logs_in(void **state)
{
	(void)state;
	dial(&one, TLS_MODE_NONE);
	expect_line(&one, "+OK");
	/* \0alice\0two words */
	say(&one, "AUTH PLAIN AGFsaWNlAHR3byB3b3Jkcw==\r\n");
	expect_line(&one, "+OK 0 messages");
	say(&one, "QUIT\r\n");
	expect_line(&one, "+OK");
	expect_closed(&one);
	dial(&one, TLS_MODE_NONE);
	expect_line(&one, "+OK");
	say(&one, "AUTH PLAIN\r\n");
	expect(&one, "+ \r\n");
	say(&one, "*\r\n");
	expect_line(&one, "-ERR");
	say(&one, "AUTH PLAIN\r\n");
	expect(&one, "+ \r\n");
	say(&one, "AGFsaWNlAHR3byB3b3Jkcw==\r\n");
	expect_line(&one, "+OK 0 messages");
	say(&one, "AUTH CRAM-MD5\r\n");
	expect_line(&one, "-ERR");
	hang_up(&one);
}

static void
wrong_passwords_are_slow_and_few(void **state)
{
	struct timespec	 before, after;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &before);
	dial(&one, TLS_MODE_NONE);
	expect_line(&one, "+OK");
	say(&one, "USER alice\r\nPASS wrong\r\nUSER mallory\r\n"
	    "PASS two words\r\nAUTH PLAIN AGFsaWNlAHR3\r\nNOOP\r\n");
	expect_line(&one, "+OK");
	expect_line(&one, "-ERR [AUTH]");
	expect_line(&one, "+OK");
	expect_line(&one, "-ERR [AUTH]");
	expect_line(&one, "-ERR [AUTH]");
	expect_closed(&one);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range(after.tv_sec - before.tv_sec, 5, 30);
	assert_int_equal(asked, 3);
	assert_int_equal(released, 1);
}

static void
an_unchecked_password_is_not_a_wrong_one(void **state)
{
	int	 i;

	(void)state;
	dial(&one, TLS_MODE_NONE);
	expect_line(&one, "+OK");
	for (i = 0; i < 4; i++) {
		say(&one, "USER carol\r\nPASS two words\r\n");
		expect_line(&one, "+OK");
		expect_line(&one, "-ERR [SYS/TEMP]");
	}
	say(&one, "PASS two words\r\n");
	expect_line(&one, "-ERR USER first");
	say(&one, "USER alice\r\nPASS two words\r\n");
	expect_line(&one, "+OK");
	expect_line(&one, "+OK");
	hang_up(&one);
}

static void
unsafe_users_are_not_asked_about(void **state)
{
	(void)state;
	dial(&one, TLS_MODE_NONE);
	expect_line(&one, "+OK");
	say(&one, "USER ../alice\r\nPASS two words\r\n");
	expect_line(&one, "+OK");
	expect_line(&one, "-ERR [AUTH]");
	assert_int_equal(asked, 0);
	hang_up(&one);
}

static void
a_mailbox_has_one_session(void **state)
{
	(void)state;
	login(&one);
	dial(&two, TLS_MODE_NONE);
	expect_line(&two, "+OK");
	say(&two, "USER alice\r\nPASS two words\r\n");
	expect_line(&two, "+OK");
	expect_line(&two, "-ERR [IN-USE]");
	say(&two, "USER bob\r\nPASS two words\r\n");
	expect_line(&two, "+OK");
	expect_line(&two, "+OK 0 messages");
	say(&one, "QUIT\r\n");
	expect_line(&one, "+OK");
	expect_closed(&one);
	/* Free again, with no delay: it was no wrong password. */
	login(&one);
	hang_up(&one);
	hang_up(&two);
}

static void
a_client_that_leaves_while_asking(void **state)
{
	(void)state;
	hold_answers = 1;
	dial(&one, TLS_MODE_NONE);
	expect_line(&one, "+OK");
	say(&one, "USER alice\r\nPASS two words\r\n");
	expect_line(&one, "+OK");
	while (question.id == 0)
		turn();
	pop3_server_shutdown();
	assert_int_equal(question.id, 0);
	assert_int_equal(released, 1);
	hang_up(&one);
}

static void
without_tls_there_is_no_login(void **state)
{
	(void)state;
	dial(&one, TLS_MODE_STARTTLS);
	expect_line(&one, "+OK");
	say(&one, "CAPA\r\n");
	expect(&one, "+OK\r\nSTLS\r\nTOP\r\nUIDL\r\nPIPELINING\r\n"
	    "RESP-CODES\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\n"
	    "IMPLEMENTATION relayd\r\n.\r\n");
	say(&one, "USER alice\r\n");
	expect_line(&one, "-ERR [AUTH]");
	say(&one, "PASS two words\r\n");
	expect_line(&one, "-ERR [AUTH]");
	say(&one, "AUTH PLAIN AGFsaWNlAHR3byB3b3Jkcw==\r\n");
	expect_line(&one, "-ERR [AUTH]");
	assert_int_equal(asked, 0);
	hang_up(&one);
}

static void
stls_protects_the_session(void **state)
{
	(void)state;
	three_messages();
	dial(&one, TLS_MODE_STARTTLS);
	expect_line(&one, "+OK");
	say(&one, "STLS\r\n");
	expect(&one, "+OK\r\n");
	start_tls(&one);
	say(&one, "CAPA\r\n");
	expect(&one, "+OK\r\nUSER\r\nSASL PLAIN\r\nTOP\r\nUIDL\r\n"
	    "PIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\n"
	    "IMPLEMENTATION relayd\r\n.\r\n");
	say(&one, "STLS\r\n");
	expect_line(&one, "-ERR");
	say(&one, "USER alice\r\nPASS two words\r\nRETR 2\r\nQUIT\r\n");
	expect(&one, "+OK\r\n+OK 3 messages (40 octets)\r\n"
	    "+OK 11 octets\r\ns: 2\r\n\r\n..\r\n.\r\n+OK\r\n");
	expect_closed(&one);
}

static void
implicit_tls_greets_after_the_handshake(void **state)
{
	(void)state;
	dial(&one, TLS_MODE_IMPLICIT);
	start_tls(&one);
	expect_line(&one, "+OK");
	say(&one, "USER alice\r\nPASS two words\r\n");
	expect_line(&one, "+OK");
	expect_line(&one, "+OK 0 messages");
	hang_up(&one);
}

/* Commands in clear must not be taken for protected ones. */
static void
nothing_follows_stls(void **state)
{
	(void)state;
	dial(&one, TLS_MODE_STARTTLS);
	expect_line(&one, "+OK");
	say(&one, "STLS\r\nUSER mallory\r\n");
	expect_line(&one, "-ERR");
	expect_closed(&one);
	assert_int_equal(released, 1);
}

static void
commands_belong_to_states(void **state)
{
	static const char *const early[] = { "STAT\r\n", "LIST\r\n",
	    "RETR 1\r\n", "DELE 1\r\n", "NOOP\r\n", "RSET\r\n", "UIDL\r\n" };
	size_t	 i;

	(void)state;
	dial(&one, TLS_MODE_NONE);
	expect_line(&one, "+OK");
	for (i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
		say(&one, early[i]);
		expect_line(&one, "-ERR");
	}
	say(&one, "PASS two words\r\n");
	expect_line(&one, "-ERR");
	say(&one, "STLS\r\n");
	expect_line(&one, "-ERR");
	hang_up(&one);
	turn();
	login(&one);
	say(&one, "USER alice\r\n");
	expect_line(&one, "-ERR");
	say(&one, "AUTH PLAIN\r\n");
	expect_line(&one, "-ERR");
	say(&one, "NOOP\r\n");
	expect_line(&one, "+OK");
	hang_up(&one);
}

static void
nonsense_is_borne_for_a_while(void **state)
{
	int	 i;

	(void)state;
	dial(&one, TLS_MODE_NONE);
	expect_line(&one, "+OK");
	for (i = 0; i < 9; i++) {
		say(&one, "EHLO x\r\n");
		expect_line(&one, "-ERR unknown");
	}
	say(&one, "EHLO x\r\n");
	expect_line(&one, "-ERR too many");
	expect_closed(&one);
}

static void
long_lines_and_nuls_are_refused(void **state)
{
	char	 line[5000];

	(void)state;
	three_messages();
	login(&one);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 2] = '\r';
	line[sizeof(line) - 1] = '\n';
	client_send(&one, line, sizeof(line));
	expect_line(&one, "-ERR");
	client_send(&one, "RETR 1\0\r\n", 9);
	expect_line(&one, "-ERR");
	say(&one, "RETR 0\r\nRETR 4\r\nRETR 99999999999\r\nDELE x\r\n"
	    "TOP 1\r\n");
	expect_line(&one, "-ERR");
	expect_line(&one, "-ERR");
	expect_line(&one, "-ERR");
	expect_line(&one, "-ERR");
	expect_line(&one, "-ERR");
	say(&one, "STAT\r\n");
	expect(&one, "+OK 3 40\r\n");
	hang_up(&one);
}

static void
what_vanished_is_told(void **state)
{
	(void)state;
	three_messages();
	login(&one);
	assert_int_equal(unlinkat(spool_fd, NEW "1.a.h,S=16,W=16", 0), 0);
	assert_int_equal(renameat(spool_fd, NEW "3.c.h,S=13,W=13", spool_fd,
	    CUR "3.c.h,S=13,W=13:2,S"), 0);
	say(&one, "RETR 1\r\n");
	expect_line(&one, "-ERR");
	say(&one, "RETR 3\r\n");
	expect(&one, "+OK 13 octets\r\ns: 3\r\n\r\nbody\r\r\n.\r\n");
	say(&one, "DELE 1\r\nDELE 3\r\nQUIT\r\n");
	expect(&one, "+OK\r\n+OK\r\n+OK\r\n");
	expect_closed(&one);
	assert_false(fixture_exists(CUR "3.c.h,S=13,W=13:2,S"));
}

static long
resident(void)
{
	char	 buf[128];
	long	 total, pages = 0;
	FILE	*f;

	f = fopen("/proc/self/statm", "r");
	if (f == NULL)
		return (0);
	if (fgets(buf, sizeof(buf), f) == NULL ||
	    sscanf(buf, "%ld %ld", &total, &pages) != 2)
		pages = 0;
	fclose(f);
	return (pages * (sysconf(_SC_PAGESIZE) / 1024));
}

/* A client that asks for 1000 MB and reads nothing. */
static void
a_client_that_does_not_read_costs_nothing(void **state)
{
	static char	 text[1024 * 1024 + 1];
	long		 before;
	size_t		 i;
	int		 n;

	(void)state;
	for (i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 64 == 63 ? '\n' : '.';
	fixture_put(NEW "1.big.h,W=1", text);
	login(&one);
	before = resident();
	for (i = 0; i < 1000; i++) {
		n = write(one.fd, "RETR 1\r\n", 8);
		if (n == -1)
			break;
		turn();
	}
	for (i = 0; i < 50; i++)
		turn();
	assert_true(resident() - before < 16 * 1024);
	/* Another is served meanwhile. */
	dial(&two, TLS_MODE_NONE);
	expect_line(&two, "+OK");
	say(&two, "CAPA\r\n");
	expect_line(&two, "+OK");
	hang_up(&one);
	hang_up(&two);
}

/* Many messages: the listing goes out a piece at a time, whole. */
static void
long_listings_are_whole(void **state)
{
	char	 name[128], want[64];
	int	 i;

	(void)state;
	for (i = 1; i <= 3000; i++) {
		snprintf(name, sizeof(name),
		    NEW "%d.a-name-that-is-of-some-length.h,S=1,W=1", i);
		fixture_put(name, "x");
	}
	login(&one);
	say(&one, "UIDL\r\nSTAT\r\n");
	expect(&one, "+OK\r\n");
	for (i = 1; i <= 3000; i++) {
		snprintf(want, sizeof(want),
		    "%d %d.a-name-that-is-of-some-length.h\r\n", i, i);
		expect(&one, want);
	}
	expect(&one, ".\r\n+OK 3000 3000\r\n");
	hang_up(&one);
}

static void
shutdown_ends_all(void **state)
{
	(void)state;
	login(&one);
	dial(&two, TLS_MODE_NONE);
	expect_line(&two, "+OK");
	pop3_server_reload();
	say(&one, "NOOP\r\n");
	expect(&one, "+OK\r\n");
	pop3_server_shutdown();
	assert_int_equal(released, 2);
	expect_closed(&one);
	expect_closed(&two);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(a_session),
		TEST(without_quit_nothing_is_deleted),
		TEST(pipelined_commands_are_answered_in_order),
		TEST(gone_within_a_message_ends_the_session),
		TEST(auth_plain_logs_in),
		TEST(wrong_passwords_are_slow_and_few),
		TEST(an_unchecked_password_is_not_a_wrong_one),
		TEST(unsafe_users_are_not_asked_about),
		TEST(a_mailbox_has_one_session),
		TEST(a_client_that_leaves_while_asking),
		TEST(without_tls_there_is_no_login),
		TEST(stls_protects_the_session),
		TEST(implicit_tls_greets_after_the_handshake),
		TEST(nothing_follows_stls),
		TEST(commands_belong_to_states),
		TEST(nonsense_is_borne_for_a_while),
		TEST(long_lines_and_nuls_are_refused),
		TEST(what_vanished_is_told),
		TEST(a_client_that_does_not_read_costs_nothing),
		TEST(long_listings_are_whole),
		TEST(shutdown_ends_all),
	};
	struct tls_config	*config;

	/* A test that waits for what never comes is to fail. */
	alarm(120);
	event_init();
	log_init(1, 0);
	config = tls_config_new();
	if (config == NULL || (server_tls = tls_server()) == NULL ||
	    tls_config_set_keypair_mem(config, (const uint8_t *)test_cert,
	    strlen(test_cert), (const uint8_t *)test_key,
	    strlen(test_key)) == -1 || tls_configure(server_tls, config) == -1)
		return (1);
	tls_config_free(config);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
