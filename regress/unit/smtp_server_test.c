/* See LICENSE for the terms. */

/*
 * The SMTP server over a socket pair, with the real stream; the queue, the
 * passwords and the moment of the sync are the test's.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <poll.h>
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
#include <unistd.h>

#include <cmocka.h>

#include "ask.h"
#include "child.h"
#include "listener.h"
#include "log.h"
#include "smtp_server.h"
#include "spoold.h"
#include "test_cert.h"

#define PATIENCE	5000	/* ms, before a test gives up waiting */
#define MESSAGE_MAX	1000000

/* What the server needs of spoold. */

struct conf		*child_conf;
struct queue		*spool_queue;

struct queue_writer {
	uint64_t	 id;
	char		*body;
	size_t		 len;
};

static uint64_t		 last_id;
static unsigned int	 writers;	/* that were not given back */
static int		 begin_error, write_error;
static struct {
	int			 pending, announced;
	struct envelope		*envelope;
	queue_callback		*callback;
	void			*arg;
	char			*body;
	size_t			 len;
	unsigned int		 count;
} submitted;

struct queue_writer *
queue_message(struct queue *q)
{
	struct queue_writer	*w;

	(void)q;
	if (begin_error != 0) {
		errno = begin_error;
		return (NULL);
	}
	assert_non_null(w = calloc(1, sizeof(*w)));
	w->id = ++last_id;
	writers++;
	return (w);
}

uint64_t
queue_writer_id(const struct queue_writer *w)
{
	return (w->id);
}

/* The Received field still fits when the disk is full. */
int
queue_write(struct queue_writer *w, const void *data, size_t len)
{
	if (write_error != 0 && w->len > 0) {
		errno = write_error;
		return (-1);
	}
	assert_non_null(w->body = realloc(w->body, w->len + len + 1));
	memcpy(w->body + w->len, data, len);
	w->len += len;
	w->body[w->len] = '\0';
	return (0);
}

void
queue_abort(struct queue_writer *w)
{
	writers--;
	free(w->body);
	free(w);
}

void
queue_submit(struct queue_writer *w, struct envelope *e, queue_callback *cb,
    void *arg)
{
	assert_false(submitted.pending);
	free(submitted.body);
	e->id = w->id;
	e->size = w->len;
	submitted.pending = 1;
	submitted.envelope = e;
	submitted.callback = cb;
	submitted.arg = arg;
	submitted.body = w->body;
	submitted.len = w->len;
	submitted.count++;
	w->body = NULL;
	queue_abort(w);
}

void
spool_commit_soon(void)
{
	submitted.announced = 1;
}

static struct {
	char		 who[PROTO_TEXT_MAX];
	unsigned int	 count;
	uint64_t	 messages;
	int		 result;
} requested;

int
spool_request(const char *who, uint64_t *messages)
{
	strlcpy(requested.who, who, sizeof(requested.who));
	requested.count++;
	*messages = requested.messages;
	return (requested.result);
}

static void
commit(int result)
{
	assert_true(submitted.pending);
	assert_true(submitted.announced);
	submitted.pending = submitted.announced = 0;
	submitted.callback(submitted.arg, result);
}

static struct {
	char		 user[PROTO_NAME_MAX];
	char		 password[PROTO_PASSWORD_MAX];
	ask_auth_cb	*callback;
	void		*arg;
	uint32_t	 id;
	unsigned int	 cancelled;
} asked;

uint32_t
ask_auth(const char *user, const char *password, ask_auth_cb *cb, void *arg)
{
	assert_int_equal(asked.id, 0);
	strlcpy(asked.user, user, sizeof(asked.user));
	strlcpy(asked.password, password, sizeof(asked.password));
	asked.callback = cb;
	asked.arg = arg;
	return (asked.id = 7);
}

void
ask_cancel(uint32_t id)
{
	assert_int_equal(id, asked.id);
	asked.id = 0;
	asked.cancelled++;
}

static void
answer(enum proto_auth_result result)
{
	assert_int_not_equal(asked.id, 0);
	asked.id = 0;
	asked.callback(asked.arg, result);
}

static struct tls	*server_tls;
static unsigned int	 released;

struct tls *
listener_tls(const char *pki)
{
	assert_string_equal(pki, "ship");
	return (server_tls);
}

void
listener_release(const struct sockaddr_storage *peer)
{
	(void)peer;
	released++;
}

/* The configuration. */

static struct conf_listener	*listener;
static struct sockaddr_storage	 peer;

static void
set(char **p, const char *s)
{
	free(*p);
	*p = NULL;
	if (s != NULL)
		assert_non_null(*p = strdup(s));
}

static int
setup(void **state)
{
	struct conf_domain	*d;
	struct conf_upstream	*up;
	struct conf_user	*u;

	(void)state;
	assert_non_null(child_conf = conf_new());
	set(&child_conf->global.hostname, "mail.ship.example");
	child_conf->global.message_max = MESSAGE_MAX;
	assert_non_null(d = calloc(1, sizeof(*d)));
	set(&d->name, "ship.example");
	TAILQ_INSERT_TAIL(&child_conf->domains, d, entry);
	assert_non_null(u = calloc(1, sizeof(*u)));
	TAILQ_INIT(&u->addresses);
	set(&u->name, "alice");
	assert_int_equal(strlist_add(&u->addresses, "al@isp.example"), 0);
	TAILQ_INSERT_TAIL(&child_conf->users, u, entry);
	assert_non_null(up = calloc(1, sizeof(*up)));
	set(&up->name, "isp");
	set(&up->relay_host, "smtp.isp.example");
	TAILQ_INSERT_TAIL(&child_conf->upstreams, up, entry);
	assert_non_null(listener = calloc(1, sizeof(*listener)));
	TAILQ_INIT(&listener->from);
	set(&listener->host, "192.0.2.1");
	listener->port = 25;
	listener->service = SERVICE_SMTP;
	listener->fd = -1;
	assert_int_equal(strlist_add(&listener->from, "192.0.2.0/24"), 0);
	TAILQ_INSERT_TAIL(&child_conf->listeners, listener, entry);
	memset(&submitted, 0, sizeof(submitted));
	memset(&asked, 0, sizeof(asked));
	memset(&requested, 0, sizeof(requested));
	begin_error = write_error = 0;
	released = 0;
	return (0);
}

/* The client. */

static int		 client = -1;
static struct tls	*client_tls;
static char		 in[262144];
static size_t		 inpos, inlen;	/* what was not taken yet */
static int		 ineof;

static ssize_t
client_read(char *dst, size_t size)
{
	ssize_t	 n;

	if (client_tls == NULL) {
		n = read(client, dst, size);
		return (n == -1 && errno == ECONNRESET ? 0 : n);
	}
	n = tls_read(client_tls, dst, size);
	return (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT ? -1 : n);
}

/* A round of the loop, and what the client hears then. */
static void
turn(void)
{
	size_t	 i;
	ssize_t	 n;

	event_loop(EVLOOP_NONBLOCK);
	if (inpos == inlen || inlen == sizeof(in) - 1) {
		inlen -= inpos;
		for (i = 0; i < inlen; i++)
			in[i] = in[inpos + i];
		inpos = 0;
	}
	if (client == -1 || ineof || inlen == sizeof(in) - 1)
		return;
	n = client_read(in + inlen, sizeof(in) - 1 - inlen);
	if (n > 0)
		inlen += (size_t)n;
	ineof = n == 0;
	in[inlen] = '\0';
}

/* Waits for something to do, rather than to spin. */
static void
rest(int *patience)
{
	struct pollfd	 pfd = { client, POLLIN, 0 };

	if ((*patience -= 10) <= 0)
		fail_msg("waited in vain, heard: %s", in + inpos);
	(void)poll(&pfd, 1, 10);
}

static void
say_bytes(const char *s, size_t len)
{
	int	 patience = PATIENCE;
	ssize_t	 n;

	while (len > 0) {
		n = client_tls != NULL ? tls_write(client_tls, s, len) :
		    write(client, s, len);
		turn();
		if (n <= 0) {
			rest(&patience);
			continue;
		}
		s += n;
		len -= (size_t)n;
	}
}

static void
say(const char *s)
{
	say_bytes(s, strlen(s));
}

/* The length of the next whole reply that was heard, 0 if there is none. */
static size_t
reply_length(void)
{
	char	*line = in + inpos, *end;

	while ((end = strstr(line, "\r\n")) != NULL) {
		if (end - line >= 4 && line[3] == ' ')
			return ((size_t)(end - in) + 2 - inpos);
		line = end + 2;
	}
	return (0);
}

/* The next reply must begin so; the whole of it is returned. */
static const char *
expect(const char *start)
{
	static char	 reply[4096];
	int		 patience = PATIENCE;
	size_t		 n;

	while ((n = reply_length()) == 0) {
		if (ineof)
			fail_msg("end instead of %s: %s", start, in + inpos);
		turn();
		if (reply_length() == 0)
			rest(&patience);
	}
	assert_true(n < sizeof(reply));
	memcpy(reply, in + inpos, n);
	reply[n] = '\0';
	inpos += n;
	if (strncmp(reply, start, strlen(start)) != 0)
		fail_msg("%s expected, got: %s", start, reply);
	return (reply);
}

static void
expect_end(void)
{
	int	 patience = PATIENCE;

	while (!ineof) {
		turn();
		if (!ineof)
			rest(&patience);
	}
	if (inpos < inlen)
		fail_msg("end expected, got: %s", in + inpos);
}

/* Everything that can happen has happened, and nothing was said. */
static void
expect_silence(void)
{
	int	 i;

	for (i = 0; i < 20; i++)
		turn();
	assert_false(ineof);
	if (inpos < inlen)
		fail_msg("silence expected, got: %s", in + inpos);
}

static void
say_fill(size_t n)
{
	while (n-- > 0)
		say("x");
}

static void
ask(const char *line, const char *reply)
{
	say(line);
	(void)expect(reply);
}

static void
dial_from(const char *address)
{
	struct sockaddr_in	 sin;
	int			 fds[2];

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	assert_int_equal(inet_pton(AF_INET, address, &sin.sin_addr), 1);
	memset(&peer, 0, sizeof(peer));
	memcpy(&peer, &sin, sizeof(sin));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	client = fds[1];
	assert_int_not_equal(fcntl(client, F_SETFL, O_NONBLOCK), -1);
	inpos = inlen = 0;
	in[0] = '\0';
	ineof = 0;
	smtp_server_accept(fds[0], listener, &peer);
}

static void
dial(void)
{
	dial_from("192.0.2.7");
	(void)expect("220 mail.ship.example ");
	ask("EHLO pc.ship.example\r\n", "250-mail.ship.example\r\n");
}

static void
hang_up(void)
{
	tls_free(client_tls);
	client_tls = NULL;
	if (client != -1)
		close(client);
	client = -1;
}

static int
teardown(void **state)
{
	int	 i;

	(void)state;
	hang_up();
	for (i = 0; i < 20; i++)
		turn();
	assert_int_equal(released, 1);
	assert_int_equal(writers, 0);
	assert_int_equal(asked.id, 0);
	free(submitted.body);
	conf_free(child_conf);
	return (0);
}

static void
begin(void)
{
	dial();
	ask("MAIL FROM:<alice@ship.example>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<bob@far.example>\r\n", "250 2.1.5 ");
}

static void
data(void)
{
	ask("DATA\r\n", "354 ");
}

/* What the client sent must follow the Received field. */
static void
assert_body_bytes(const char *body, size_t len)
{
	const char	*p;

	assert_non_null(p = strstr(submitted.body, "\r\n\t"));
	while ((p = strstr(p, "\r\n")) != NULL && p[2] == '\t')
		p += 2;
	assert_non_null(p);
	p += 2;
	assert_int_equal(submitted.len - (size_t)(p - submitted.body), len);
	assert_memory_equal(p, body, len);
}

static void
assert_body(const char *body)
{
	assert_body_bytes(body, strlen(body));
}

static void
test_ehlo(void **state)
{
	static const char *const words[] = { "PIPELINING", "SIZE 1000000",
	    "CHUNKING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN",
	    "MT-PRIORITY", "DELIVERBY", "ETRN" };
	const char	*reply;
	char		 line[64];
	size_t		 i;

	(void)state;
	dial();
	say("ehlo [192.0.2.7]\r\n");
	reply = expect("250-mail.ship.example\r\n");
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(line, sizeof(line), "\r\n250-%s\r\n", words[i]);
		assert_non_null(strstr(reply, line));
	}
	assert_null(strstr(reply, "STARTTLS"));
	assert_null(strstr(reply, "AUTH"));
	ask("HELO pc\r\n", "250 mail.ship.example\r\n");
	ask("NOOP\r\n", "250 2.0.0 ");
	ask("VRFY alice\r\n", "252 2.0.0 ");
	ask("HELP\r\n", "214 2.0.0 ");
	ask("EXPN list\r\n", "502 5.5.1 ");
	ask("RSET\r\n", "250 2.0.0 ");
	ask("QUIT\r\n", "221 2.0.0 ");
	expect_end();
}

/* M1: no 250 before the sync; M6: the bytes are passed on unchanged. */
static void
test_data(void **state)
{
	static const char	 body[] = "Subject: x\r\n\r\n..dot\r\n"
	    "\r\n.\t.\r\n";

	(void)state;
	begin();
	data();
	say("Subject: x\r\n\r\n...dot\r\n\r\n..\t.\r\n.\r\nNOOP\r\n");
	expect_silence();
	assert_body(body);
	assert_memory_equal(submitted.body, "Received: from pc.ship.example "
	    "([192.0.2.7])\r\n\tby mail.ship.example with ESMTP id ", 81);
	assert_non_null(strstr(submitted.body,
	    "\r\n\tfor <bob@far.example>;\r\n"));
	assert_string_equal(submitted.envelope->sender,
	    "alice@ship.example");
	assert_int_equal(submitted.envelope->flags, 0);
	commit(0);
	(void)expect("250 2.0.0 queued as 00000000000000");
	(void)expect("250 2.0.0 Ok");
}

static void
test_commit_fails(void **state)
{
	(void)state;
	begin();
	data();
	say("x\r\n.\r\n");
	expect_silence();
	commit(ENOSPC);
	(void)expect("452 4.3.1 ");
	ask("MAIL FROM:<>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<alice@ship.example>\r\n", "250 2.1.5 ");
	data();
	say("x\r\n.\r\n");
	expect_silence();
	commit(EIO);
	(void)expect("451 4.3.0 ");
}

/* A whole session in one piece, as PIPELINING allows it. */
static void
test_pipelining(void **state)
{
	(void)state;
	dial();
	say("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nRCPT TO:<no@ship.example>"
	    "\r\nRCPT TO:<alice@ship.example>\r\nDATA\r\n");
	(void)expect("250 2.1.0 ");
	(void)expect("250 2.1.5 ");
	(void)expect("550 5.1.1 ");
	(void)expect("250 2.1.5 ");
	(void)expect("354 ");
	say("x\r\n.\r\nMAIL FROM:<c@x>\r\nRSET\r\nQUIT\r\n");
	expect_silence();
	assert_int_equal(submitted.envelope->nrecipients, 2);
	assert_null(submitted.envelope->recipients[0].user);
	assert_string_equal(submitted.envelope->recipients[1].user, "alice");
	/* Who else gets it is nobody's business. */
	assert_null(strstr(submitted.body, "for <"));
	commit(0);
	(void)expect("250 2.0.0 queued");
	(void)expect("250 2.1.0 ");
	(void)expect("250 2.0.0 ");
	(void)expect("221 2.0.0 ");
	expect_end();
}

static void
test_input_after_data(void **state)
{
	(void)state;
	begin();
	say("DATA\r\nx\r\n.\r\n");
	(void)expect("503 5.5.0 ");
	expect_end();
	assert_int_equal(submitted.count, 0);
}

/* Nothing but CRLF "." CRLF ends a message, and what has a bare CR or LF
 * in it is refused as a whole (M7). */
static void
test_smuggling(void **state)
{
	static const char *const ends[] = { "\n.\n", "\n.\r\n", "\r\n.\n",
	    "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n.\r\r\n", "\r\n\n.\r\n",
	    "\n\r\n.\n", "\r\n.\n\r\n" };
	char	 text[256];
	size_t	 i;

	(void)state;
	dial();
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
		ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
		data();
		snprintf(text, sizeof(text), "x%sMAIL FROM:<evil@x>\r\n"
		    "RCPT TO:<b@y>\r\nDATA\r\n", ends[i]);
		say(text);
		expect_silence();
		say(".\r\n");
		(void)expect("550 5.6.0 ");
		expect_silence();
	}
	assert_int_equal(submitted.count, 0);
}

static void
test_bare_line_ends(void **state)
{
	static const char *const bad[] = { "x\ny\r\n", "x\ry\r\n",
	    "x\r\r\n", "\nx\r\n", "\rx\r\n" };
	size_t	 i, j;

	(void)state;
	dial();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
		ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
		data();
		/* Byte by byte: the borders of reads must not matter. */
		for (j = 0; bad[i][j] != '\0'; j++)
			say_bytes(bad[i] + j, 1);
		say(".\r\n");
		(void)expect("550 5.6.0 ");
	}
	assert_int_equal(submitted.count, 0);
}

static void
test_bdat(void **state)
{
	(void)state;
	begin();
	/* CR and LF in chunks of their own, dots as they are. */
	say("BDAT 2\r\n.\rBDAT 4\r\n\n..\rBDAT 1\r\n\nBDAT 0 LAST\r\nNOOP\r\n");
	(void)expect("250 2.0.0 2 ");
	(void)expect("250 2.0.0 6 ");
	(void)expect("250 2.0.0 7 ");
	expect_silence();
	assert_body(".\r\n..\r\n");
	commit(0);
	(void)expect("250 2.0.0 queued");
	(void)expect("250 2.0.0 Ok");
}

static void
test_bdat_bare(void **state)
{
	(void)state;
	begin();
	say("BDAT 2\r\nx\rBDAT 2\r\nyzBDAT 3 LAST\r\nz\r\n");
	(void)expect("250 2.0.0 ");
	(void)expect("550 5.6.0 ");
	(void)expect("503 5.5.1 ");
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
	ask("BDAT 2 LAST\r\nx\r", "550 5.6.0 ");
	ask("NOOP\r\n", "250 2.0.0 ");
	assert_int_equal(submitted.count, 0);
}

static void
test_bdat_order(void **state)
{
	(void)state;
	dial();
	/* The chunk is swallowed all the same. */
	ask("BDAT 6 LAST\r\nQUIT\r\n", "503 5.5.1 ");
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("BDAT 6 LAST\r\nQUIT\r\n", "554 5.5.1 ");
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
	ask("BDAT 3\r\nx\r\n", "250 2.0.0 ");
	ask("RCPT TO:<c@y>\r\n", "503 5.5.1 ");
	ask("MAIL FROM:<c@y>\r\n", "503 5.5.1 ");
	ask("DATA\r\n", "503 5.5.1 ");
	ask("RSET\r\n", "250 2.0.0 ");
	ask("BDAT 0 LAST\r\n", "503 5.5.1 ");
}

static void
test_bdat_bad_size(void **state)
{
	(void)state;
	begin();
	say("BDAT 2147483649 LAST\r\nQUIT\r\n");
	(void)expect("501 5.5.4 ");
	expect_end();
}

static void
test_large(void **state)
{
	char	*body, head[64];
	size_t	 i, len = MESSAGE_MAX;

	(void)state;
	assert_non_null(body = malloc(len));
	for (i = 0; i < len; i++)
		body[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' :
		    (char)('a' + i % 26);
	memcpy(body + len - 3, "z\r\n", 3);
	begin();
	data();
	say_bytes(body, len);
	say(".\r\n");
	expect_silence();
	assert_body_bytes(body, len);
	commit(0);
	(void)expect("250 2.0.0 ");
	ask("MAIL FROM:<a@x> SIZE=1000000\r\n", "250 2.1.0 ");
	ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
	snprintf(head, sizeof(head), "BDAT %zu LAST\r\n", len);
	say(head);
	say_bytes(body, len);
	expect_silence();
	assert_body_bytes(body, len);
	commit(0);
	(void)expect("250 2.0.0 ");
	/* One byte more. */
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
	data();
	say("x");
	say_bytes(body, len);
	assert_int_equal(writers, 0);
	say(".\r\n");
	(void)expect("552 5.3.4 ");
	ask("MAIL FROM:<a@x> SIZE=1000001\r\n", "552 5.3.4 ");
	assert_int_equal(submitted.count, 2);
	free(body);
}

static void
test_disk_full(void **state)
{
	(void)state;
	begin();
	data();
	write_error = ENOSPC;
	say("x\r\n");
	expect_silence();
	say("QUIT\r\n.\r\n");
	(void)expect("452 4.3.1 ");
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
	write_error = EIO;
	data();
	ask("x\r\n.\r\n", "451 4.3.0 ");
	begin_error = EDQUOT;
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
	ask("DATA\r\n", "452 4.3.1 ");
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
	ask("BDAT 6\r\nQUIT\r\n", "452 4.3.1 ");
	ask("NOOP\r\n", "250 2.0.0 ");
	assert_int_equal(submitted.count, 0);
}

static void
test_loop(void **state)
{
	int	 i, n;

	(void)state;
	dial();
	for (n = 100; n <= 101; n++) {
		ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
		ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
		data();
		for (i = 0; i < n; i++)
			say("received: by x\r\n");
		say("\r\nReceived: not in the header\r\n.\r\n");
		if (n == 101) {
			(void)expect("554 5.4.6 ");
			continue;
		}
		expect_silence();
		commit(0);
		(void)expect("250 2.0.0 ");
	}
}

static void
test_8bit(void **state)
{
	(void)state;
	begin();
	data();
	say("\303\244\r\n.\r\n");
	expect_silence();
	assert_int_equal(submitted.envelope->flags, ENVELOPE_8BIT);
	assert_body("\303\244\r\n");
	commit(0);
	(void)expect("250 2.0.0 ");
	ask("MAIL FROM:<\303\244@x>\r\n", "553 5.6.7 ");
	ask("MAIL FROM:<\344@x>\r\n", "553 5.6.7 ");
	ask("MAIL FROM:<a@x> BODY=8BITMIME\r\n", "250 2.1.0 ");
	ask("RCPT TO:<\303\244@y>\r\n", "553 5.6.7 ");
	ask("RSET\r\n", "250 2.0.0 ");
	ask("MAIL FROM:<\303\244@x> SMTPUTF8\r\n", "250 2.1.0 ");
	ask("RCPT TO:<\303\244@y>\r\n", "250 2.1.5 ");
	data();
	say("x\r\n.\r\n");
	expect_silence();
	assert_int_equal(submitted.envelope->flags, ENVELOPE_SMTPUTF8);
	assert_non_null(strstr(submitted.body, " with UTF8SMTP id "));
	commit(0);
	(void)expect("250 2.0.0 ");
}

static void
test_dsn(void **state)
{
	const struct recipient	*r;

	(void)state;
	dial();
	ask("MAIL FROM:<a@x> RET=HDRS ENVID=q+2B1\r\n", "250 2.1.0 ");
	ask("RCPT TO:<b@y> NOTIFY=success,delay ORCPT=rfc822;b@y\r\n",
	    "250 2.1.5 ");
	ask("RCPT TO:<c@y>\r\n", "250 2.1.5 ");
	data();
	say("x\r\n.\r\n");
	expect_silence();
	assert_string_equal(submitted.envelope->ret, "HDRS");
	assert_string_equal(submitted.envelope->envid, "q+2B1");
	r = submitted.envelope->recipients;
	assert_string_equal(r[0].notify, "SUCCESS,DELAY");
	assert_string_equal(r[0].orcpt, "rfc822;b@y");
	assert_null(r[1].notify);
	assert_null(r[1].orcpt);
	commit(0);
	(void)expect("250 2.0.0 ");
}

/* A message of that header with those parameters of MAIL, submitted. */
static const struct envelope *
submit_as(const char *parameters, const char *header)
{
	char	 line[256];

	snprintf(line, sizeof(line), "MAIL FROM:<a@x>%s\r\n", parameters);
	ask(line, "250 2.1.0 ");
	ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
	data();
	say(header);
	say("\r\nx\r\n.\r\n");
	expect_silence();
	return (submitted.envelope);
}

static void
taken(void)
{
	commit(0);
	(void)expect("250 2.0.0 ");
}

/* The class by the header, and by MAIL, which wins. */
static void
test_class(void **state)
{
	const struct envelope	*e;

	(void)state;
	child_conf->global.bulk_larger = 1000;
	dial();
	e = submit_as("", "Subject: x\r\n");
	assert_int_equal(e->class, PROTO_NORMAL);
	assert_int_equal(e->priority, 0);
	assert_int_equal(e->deadline, 0);
	assert_int_equal(e->flags, 0);
	assert_null(e->user);
	taken();
	e = submit_as("", "Subject: x\r\nPrecedence: list\r\n");
	assert_int_equal(e->class, PROTO_BULK);
	taken();
	e = submit_as(" MT-PRIORITY=3", "Precedence: bulk\r\n");
	assert_int_equal(e->class, PROTO_URGENT);
	assert_int_equal(e->priority, 3);
	assert_int_equal(e->flags, ENVELOPE_PRIORITY);
	assert_non_null(strstr(submitted.body, " PRIORITY 3;\r\n"));
	taken();
	e = submit_as(" MT-PRIORITY=0", "X-Priority: 1\r\n");
	assert_int_equal(e->class, PROTO_NORMAL);
	assert_int_equal(e->flags, ENVELOPE_PRIORITY);
	taken();
	e = submit_as("", "MT-Priority: -2\r\n");
	assert_int_equal(e->class, PROTO_BULK);
	assert_int_equal(e->priority, -2);
	assert_int_equal(e->flags, 0);
	taken();
	e = submit_as("", "Importance: high\r\n");
	assert_int_equal(e->class, PROTO_URGENT);
	taken();
	ask("MAIL FROM:<al@isp.example> MT-PRIORITY=10\r\n", "501 5.5.4 ");
	ask("MAIL FROM:<al@isp.example>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
	say("BDAT 1002 LAST\r\n");
	say_fill(1000);
	say("\r\n");
	expect_silence();
	assert_int_equal(submitted.envelope->class, PROTO_BULK);
	/* An address of hers, though nobody has said that it is she. */
	assert_string_equal(submitted.envelope->user, "alice");
	taken();
}

static void
test_deliver_by(void **state)
{
	const struct envelope	*e;
	int64_t			 before = (int64_t)time(NULL);

	(void)state;
	dial();
	e = submit_as(" BY=3600;RT", "");
	assert_true(e->deadline >= before + 3600);
	assert_true(e->deadline <= (int64_t)time(NULL) + 3600);
	assert_int_equal(e->flags, ENVELOPE_BY_RETURN | ENVELOPE_BY_TRACE);
	taken();
	e = submit_as(" BY=999999999;N", "");
	assert_true(e->deadline >= before + 999999999);
	assert_int_equal(e->flags, 0);
	taken();
	e = submit_as(" BY=-5;N", "");
	assert_int_equal(e->deadline, 0);
	taken();
	ask("MAIL FROM:<a@x> BY=0;R\r\n", "501 5.5.4 ");
}

/* RFC 1985: a call is asked for, by those whose mail would go. */
static void
test_etrn(void **state)
{
	(void)state;
	dial();
	ask("ETRN ship.example\r\n", "250 2.0.0 OK, queuing for node "
	    "ship.example started\r\n");
	assert_string_equal(requested.who,
	    "[192.0.2.7] (ETRN ship.example)");
	requested.messages = 7;
	ask("etrn @ship.example\r\n", "253 2.0.0 OK, 7 pending messages ");
	requested.result = -1;
	ask("ETRN #x\r\n", "458 4.3.0 ");
	assert_int_equal(requested.count, 3);
	ask("ETRN\r\n", "501 5.5.4 ");
	ask("ETRN a b\r\n", "501 5.5.4 ");
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("ETRN ship.example\r\n", "503 5.5.1 ");
	assert_int_equal(requested.count, 3);
}

static void
test_etrn_refused(void **state)
{
	(void)state;
	set(&child_conf->global.users, "/etc/mail/users");
	listener->service = SERVICE_SUBMISSION;
	dial_from("198.51.100.1");
	(void)expect("220 ");
	ask("ETRN ship.example\r\n", "503 5.5.1 ");
	ask("EHLO x\r\n", "250-");
	ask("ETRN ship.example\r\n", "459 4.7.1 ");
	assert_int_equal(requested.count, 0);
	say("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
	expect_silence();
	answer(PROTO_AUTH_RIGHT);
	(void)expect("235 2.7.0 ");
	ask("ETRN ship.example\r\n", "250 2.0.0 ");
	assert_string_equal(requested.who,
	    "alice at [198.51.100.1] (ETRN ship.example)");
}

static void
test_order(void **state)
{
	(void)state;
	dial_from("192.0.2.7");
	(void)expect("220 ");
	ask("MAIL FROM:<a@x>\r\n", "503 5.5.1 ");
	ask("HELO pc\r\n", "250 ");
	ask("RCPT TO:<b@y>\r\n", "503 5.5.1 ");
	ask("DATA\r\n", "503 5.5.1 ");
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("MAIL FROM:<a@x>\r\n", "503 5.5.1 ");
	ask("DATA\r\n", "554 5.5.1 ");
	ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
	/* A new greeting ends the transaction. */
	ask("EHLO pc\r\n", "250-");
	ask("RCPT TO:<b@y>\r\n", "503 5.5.1 ");
}

static void
test_syntax(void **state)
{
	(void)state;
	dial();
	ask("XYZZY\r\n", "500 5.5.1 ");
	ask("RSET x\r\n", "501 5.5.4 ");
	ask("MAIL FROM:<a..b@x>\r\n", "501 5.1.7 ");
	ask("MAIL FROM:<a@x> XYZZY=1\r\n", "555 5.5.4 ");
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<b@@y>\r\n", "501 5.1.3 ");
	/* One bare LF does not make two commands. */
	ask("NOOP\nRSET\r\n", "500 5.5.2 ");
	ask("NOOP\rRSET\r\n", "500 5.5.2 ");
	say_bytes("NOOP\0\r\n", 7);
	(void)expect("500 5.5.2 ");
	ask("NOOP\r\n", "250 2.0.0 ");
	ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
}

static void
test_long_lines(void **state)
{
	static char	 line[40000];

	(void)state;
	dial();
	memset(line, 'x', sizeof(line));
	memcpy(line, "NOOP ", 5);
	memcpy(line + 2046, "\r\n", 3);
	ask(line, "250 2.0.0 ");
	memset(line + 2046, 'x', 4);
	memcpy(line + 2047, "\r\n", 3);
	ask(line, "500 5.5.2 ");
	memset(line + 2047, 'x', 4);
	memcpy(line + sizeof(line) - 3, "\r\n", 3);
	ask(line, "500 5.5.2 ");
	ask("NOOP\r\n", "250 2.0.0 ");
	expect_silence();
}

static void
test_errors_limit(void **state)
{
	int	 i;

	(void)state;
	dial();
	for (i = 0; i < 19; i++)
		ask("XYZZY\r\n", "500 ");
	ask("XYZZY\r\n", "421 4.7.0 ");
	expect_end();
}

static void
test_recipients_limit(void **state)
{
	char	 line[64];
	int	 i;

	(void)state;
	dial();
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	for (i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "RCPT TO:<b%d@y>\r\n", i);
		ask(line, "250 2.1.5 ");
	}
	ask("RCPT TO:<onemore@y>\r\n", "452 4.5.3 ");
	/* One that is there already costs nothing. */
	ask("RCPT TO:<b7@y>\r\n", "250 2.1.5 ");
	data();
	say("x\r\n.\r\n");
	expect_silence();
	assert_int_equal(submitted.envelope->nrecipients, 1000);
	commit(0);
	(void)expect("250 2.0.0 ");
}

/* One user, two addresses: one copy. */
static void
test_same_recipient(void **state)
{
	(void)state;
	dial();
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<alice@ship.example>\r\n", "250 2.1.5 ");
	ask("RCPT TO:<al@isp.example>\r\n", "250 2.1.5 ");
	/* Domains know no case, what is before the "@" may. */
	ask("RCPT TO:<b@far.example>\r\n", "250 2.1.5 ");
	ask("RCPT TO:<b@FAR.Example>\r\n", "250 2.1.5 ");
	ask("RCPT TO:<B@far.example>\r\n", "250 2.1.5 ");
	data();
	say("x\r\n.\r\n");
	expect_silence();
	assert_int_equal(submitted.envelope->nrecipients, 3);
	assert_string_equal(submitted.envelope->recipients[1].address,
	    "b@far.example");
	assert_string_equal(submitted.envelope->recipients[2].address,
	    "B@far.example");
	commit(0);
	(void)expect("250 2.0.0 ");
}

static struct conf_alias *
add_alias(const char *name, const char *one, const char *two)
{
	struct conf_alias	*a;

	assert_non_null(a = calloc(1, sizeof(*a)));
	TAILQ_INIT(&a->targets);
	set(&a->name, name);
	assert_int_equal(strlist_add(&a->targets, one), 0);
	if (two != NULL)
		assert_int_equal(strlist_add(&a->targets, two), 0);
	TAILQ_INSERT_TAIL(&child_conf->aliases, a, entry);
	return (a);
}

/* Everyone once, with what was asked of the alias; the sender stays. */
static void
test_alias(void **state)
{
	const struct recipient	*r;

	(void)state;
	add_alias("root", "alice", "x@far.example");
	dial();
	ask("MAIL FROM:<root@ship.example>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<x@FAR.example>\r\n", "250 2.1.5 ");
	ask("RCPT TO:<Root@ship.example> NOTIFY=NEVER "
	    "ORCPT=rfc822;r@ship.example\r\n", "250 2.1.5 ");
	ask("RCPT TO:<alice+x@ship.example>\r\n", "250 2.1.5 ");
	ask("RCPT TO:<root@ship.example>\r\n", "250 2.1.5 ");
	data();
	say("x\r\n.\r\n");
	expect_silence();
	assert_string_equal(submitted.envelope->sender, "root@ship.example");
	assert_null(submitted.envelope->user);
	assert_int_equal(submitted.envelope->nrecipients, 2);
	r = submitted.envelope->recipients;
	assert_string_equal(r[0].address, "x@FAR.example");
	assert_null(r[0].user);
	assert_null(r[0].notify);
	assert_string_equal(r[1].address, "Root@ship.example");
	assert_string_equal(r[1].user, "alice");
	assert_string_equal(r[1].notify, "NEVER");
	assert_string_equal(r[1].orcpt, "rfc822;r@ship.example");
	commit(0);
	(void)expect("250 2.0.0 ");
}

/* All of an alias or nothing of it; what is wrong is named. */
static void
test_alias_refused(void **state)
{
	(void)state;
	add_alias("root", "alice", "carol");
	add_alias("a", "b", NULL);
	add_alias("b", "a", NULL);
	add_alias("wide", "alice", "j\xc3\xb6rg@far.example");
	dial();
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	assert_non_null(strstr((say("RCPT TO:<root@ship.example>\r\n"),
	    expect("550 5.1.1 ")), "\"root\" leads to \"carol\""));
	ask("RCPT TO:<a@ship.example>\r\n", "550 5.4.6 ");
	ask("RCPT TO:<wide@ship.example>\r\n", "553 5.6.7 ");
	ask("DATA\r\n", "554 5.5.1 ");
}

static void
test_alias_limit(void **state)
{
	struct conf_alias	*a;
	char			 line[64];
	int			 i;

	(void)state;
	add_alias("two", "alice", "x@far.example");
	a = add_alias("many", "alice", NULL);
	for (i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "b%d@far.example", i);
		assert_int_equal(strlist_add(&a->targets, line), 0);
	}
	dial();
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<many@ship.example>\r\n", "550 5.5.3 ");
	for (i = 0; i < 999; i++) {
		snprintf(line, sizeof(line), "RCPT TO:<b%d@y>\r\n", i);
		ask(line, "250 2.1.5 ");
	}
	ask("RCPT TO:<two@ship.example>\r\n", "452 4.5.3 ");
	ask("RCPT TO:<alice@ship.example>\r\n", "250 2.1.5 ");
	data();
	say("x\r\n.\r\n");
	expect_silence();
	assert_int_equal(submitted.envelope->nrecipients, 1000);
	commit(0);
	(void)expect("250 2.0.0 ");
}

static void
test_network_refused(void **state)
{
	(void)state;
	dial_from("198.51.100.1");
	(void)expect("220 ");
	ask("EHLO x\r\n", "250-");
	ask("MAIL FROM:<a@x>\r\n", "550 5.7.1 ");
	ask("RCPT TO:<alice@ship.example>\r\n", "503 5.5.1 ");
}

/* Without a list everyone may write to those who are here. */
static void
test_no_networks(void **state)
{
	(void)state;
	strlist_free(&listener->from);
	dial();
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<alice@ship.example>\r\n", "250 2.1.5 ");
	ask("RCPT TO:<b@far.example>\r\n", "550 5.7.1 ");
	ask("RCPT TO:<postmaster>\r\n", "550 5.1.1 ");
	set(&child_conf->global.postmaster, "alice");
	ask("RCPT TO:<Postmaster>\r\n", "250 2.1.5 ");
}

static void
test_no_upstream(void **state)
{
	(void)state;
	set(&TAILQ_FIRST(&child_conf->upstreams)->relay_host, NULL);
	dial();
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<b@far.example>\r\n", "550 5.4.4 ");
}

static void
test_auth_plain(void **state)
{
	(void)state;
	set(&child_conf->global.users, "/etc/mail/users");
	listener->service = SERVICE_SUBMISSION;
	dial_from("198.51.100.1");
	(void)expect("220 ");
	ask("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n", "503 5.5.1 ");
	say("EHLO x\r\n");
	assert_non_null(strstr(expect("250-"), "\r\n250-AUTH PLAIN LOGIN\r\n"));
	ask("MAIL FROM:<a@x>\r\n", "530 5.7.0 ");
	/* Input that comes meanwhile waits. */
	say("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\nMAIL FROM:<a@x>\r\n");
	expect_silence();
	assert_string_equal(asked.user, "alice");
	assert_string_equal(asked.password, "secret");
	answer(PROTO_AUTH_WRONG);
	(void)expect("535 5.7.8 ");
	(void)expect("530 5.7.0 ");
	ask("AUTH plain\r\n", "334 \r\n");
	say("AGFsaWNlAHNlY3JldA==\r\n");
	expect_silence();
	answer(PROTO_AUTH_RIGHT);
	(void)expect("235 2.7.0 ");
	ask("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n", "503 5.5.1 ");
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("AUTH PLAIN\r\n", "503 5.5.1 ");
	ask("RCPT TO:<b@far.example>\r\n", "250 2.1.5 ");
	data();
	say("x\r\n.\r\n");
	expect_silence();
	assert_non_null(strstr(submitted.body, " with ESMTPA id "));
	commit(0);
	(void)expect("250 2.0.0 ");
}

/* RFC 4954 4: that must not make the client ask for another password. */
static void
test_auth_unknown(void **state)
{
	(void)state;
	set(&child_conf->global.users, "/etc/mail/users");
	dial();
	say("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
	expect_silence();
	answer(PROTO_AUTH_UNKNOWN);
	(void)expect("454 4.7.0 ");
	say("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
	expect_silence();
	answer(PROTO_AUTH_RIGHT);
	(void)expect("235 2.7.0 ");
}

static void
test_auth_login(void **state)
{
	(void)state;
	set(&child_conf->global.users, "/etc/mail/users");
	dial();
	ask("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n");
	ask("YWxpY2U=\r\n", "334 UGFzc3dvcmQ6\r\n");
	say("c2VjcmV0\r\n");
	expect_silence();
	assert_string_equal(asked.user, "alice");
	assert_string_equal(asked.password, "secret");
	answer(PROTO_AUTH_WRONG);
	(void)expect("535 5.7.8 ");
	ask("AUTH LOGIN YWxpY2U=\r\n", "334 UGFzc3dvcmQ6\r\n");
	say("c2VjcmV0\r\n");
	expect_silence();
	answer(PROTO_AUTH_RIGHT);
	(void)expect("235 2.7.0 ");
}

/* As with POP3: guessing takes time, and there is an end to it. */
static void
test_auth_guessing(void **state)
{
	struct timespec	 before, after;
	int		 i;

	(void)state;
	set(&child_conf->global.users, "/etc/mail/users");
	dial();
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
	for (i = 0; i < 3; i++) {
		say("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
		expect_silence();
		answer(PROTO_AUTH_WRONG);
		(void)expect(i < 2 ? "535 5.7.8 " : "421 4.7.0 ");
	}
	expect_end();
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
	assert_in_range(after.tv_sec - before.tv_sec, 5, 30);
}

/* It hangs up before it is told. */
static void
test_auth_guess_and_go(void **state)
{
	(void)state;
	set(&child_conf->global.users, "/etc/mail/users");
	dial();
	say("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
	expect_silence();
	answer(PROTO_AUTH_WRONG);
	say("NOOP\r\n");
	smtp_server_shutdown();
	(void)expect("421 4.3.2 ");
	expect_end();
}

static void
test_auth_bad(void **state)
{
	static char	 line[20000];

	(void)state;
	set(&child_conf->global.users, "/etc/mail/users");
	dial();
	ask("AUTH CRAM-MD5\r\n", "504 5.5.4 ");
	ask("AUTH PLAIN\r\n", "334 ");
	ask("*\r\n", "501 5.7.0 ");
	ask("AUTH PLAIN *\r\n", "501 5.5.2 ");
	ask("AUTH PLAIN\r\n", "334 ");
	ask("AGFsaWNl AHNlY3JldA==\r\n", "501 5.5.2 ");
	ask("AUTH PLAIN =\r\n", "535 5.7.8 ");
	ask("AUTH PLAIN AGFsaWNl\r\n", "535 5.7.8 ");
	ask("AUTH LOGIN\r\n", "334 ");
	ask("\r\n", "535 5.7.8 ");
	ask("AUTH LOGIN\r\n", "334 ");
	ask("YWxpY2UA\r\n", "535 5.7.8 ");
	ask("AUTH LOGIN YWxpY2U=\r\n", "334 ");
	ask("*\r\n", "501 5.7.0 ");
	memset(line, 'A', sizeof(line));
	memcpy(line + sizeof(line) - 3, "\r\n", 3);
	ask("AUTH PLAIN\r\n", "334 ");
	ask(line, "500 5.5.6 ");
	memcpy(line, "AUTH PLAIN ", 11);
	memcpy(line + 3011, "\r\n", 3);
	ask(line, "501 5.5.2 ");
	ask("NOOP\r\n", "250 2.0.0 ");
}

static void
test_auth_not_offered(void **state)
{
	(void)state;
	dial();
	ask("AUTH PLAIN\r\n", "502 5.5.1 ");
	set(&child_conf->global.users, "/etc/mail/users");
	set(&listener->pki, "ship");
	hang_up();
	while (released == 0)
		turn();
	released = 0;
	dial_from("192.0.2.7");
	(void)expect("220 ");
	say("EHLO x\r\n");
	assert_null(strstr(expect("250-"), "AUTH"));
	ask("AUTH PLAIN\r\n", "538 5.7.11 ");
}

static void
test_gone_while_asking(void **state)
{
	(void)state;
	set(&child_conf->global.users, "/etc/mail/users");
	dial();
	say("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
	expect_silence();
	smtp_server_shutdown();
	(void)expect("421 4.3.2 ");
	expect_end();
	assert_int_equal(asked.cancelled, 1);
}

/*
 * Accepted is accepted, whether the client hears of it or not.  A close with
 * unread replies resets the connection.
 */
static void
test_gone_before_reply(void **state)
{
	static const char	 rest_of_it[] = "NOOP\r\nBDAT 3 LAST\r\nx\r\n";
	int			 i;

	(void)state;
	begin();
	assert_int_equal(write(client, rest_of_it, strlen(rest_of_it)),
	    strlen(rest_of_it));
	for (i = 0; i < 20; i++)
		event_loop(EVLOOP_NONBLOCK);
	assert_true(submitted.pending);
	hang_up();
	while (released == 0)
		turn();
	assert_body("x\r\n");
	commit(0);
}

/* Half-closed: what was sent is answered. */
static void
test_half_close(void **state)
{
	(void)state;
	begin();
	data();
	say("x\r\n.\r\nNOOP\r\n");
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	expect_silence();
	commit(0);
	(void)expect("250 2.0.0 queued");
	(void)expect("250 2.0.0 Ok");
	expect_end();
}

static void
test_gone_within_message(void **state)
{
	(void)state;
	begin();
	data();
	say("x\r\n");
	assert_int_equal(writers, 1);
	hang_up();
	while (released == 0)
		turn();
	assert_int_equal(writers, 0);
	assert_int_equal(submitted.count, 0);
}

static void
test_shutdown(void **state)
{
	(void)state;
	begin();
	data();
	say("x\r\n.\r\nNOOP\r\n");
	expect_silence();
	smtp_server_shutdown();
	expect_silence();
	commit(0);
	(void)expect("250 2.0.0 queued");
	expect_end();
}

/* The rules of the listener as they are now. */
static void
test_reload(void **state)
{
	(void)state;
	dial();
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("RSET\r\n", "250 2.0.0 ");
	strlist_free(&listener->from);
	assert_int_equal(strlist_add(&listener->from, "203.0.113.0/24"), 0);
	smtp_server_reload();
	ask("MAIL FROM:<a@x>\r\n", "550 5.7.1 ");
	/* A listener that is gone leaves its sessions alone. */
	listener->port = 26;
	strlist_free(&listener->from);
	smtp_server_reload();
	ask("MAIL FROM:<a@x>\r\n", "550 5.7.1 ");
}

/* Replies that are not read stop the session from taking commands. */
static void
test_unread_replies(void **state)
{
	static char	 flood[5 * 6 * 8192 + 1];
	size_t		 i, done = 0, len;
	ssize_t		 n;
	int		 stuck = 0, replies = 0;

	(void)state;
	dial();
	for (i = 0; i + 6 < sizeof(flood); i += 6)
		memcpy(flood + i, "NOOP\r\n", 6);
	len = i;
	/* Far more than all buffers hold, and nobody reads. */
	while (stuck < 50) {
		n = write(client, flood + done % len, len - done % len);
		event_loop(EVLOOP_NONBLOCK);
		if (n > 0)
			done += (size_t)n;
		stuck = n > 0 ? 0 : stuck + 1;
		assert_true(done < 64 * 1024 * 1024);
	}
	while (replies < (int)(done / 6)) {
		(void)expect("250 2.0.0 ");
		replies++;
	}
	expect_silence();
}

/* TLS */

static void
client_secure(void)
{
	struct tls_config	*config;
	int			 patience = PATIENCE, n;

	assert_non_null(config = tls_config_new());
	assert_int_equal(tls_config_set_ca_mem(config,
	    (const uint8_t *)TEST_GOOD_CRT, strlen(TEST_GOOD_CRT)), 0);
	assert_non_null(client_tls = tls_client());
	assert_int_equal(tls_configure(client_tls, config), 0);
	tls_config_free(config);
	assert_int_equal(tls_connect_socket(client_tls, client, "localhost"),
	    0);
	while ((n = tls_handshake(client_tls)) != 0) {
		if (n == -1)
			fail_msg("handshake: %s", tls_error(client_tls));
		event_loop(EVLOOP_NONBLOCK);
		rest(&patience);
	}
}

static int
setup_tls(void **state)
{
	struct tls_config	*config;

	assert_int_equal(setup(state), 0);
	set(&child_conf->global.users, "/etc/mail/users");
	set(&listener->pki, "ship");
	listener->tls = TLS_MODE_STARTTLS;
	listener->service = SERVICE_SUBMISSION;
	assert_non_null(config = tls_config_new());
	assert_int_equal(tls_config_set_keypair_mem(config,
	    (const uint8_t *)TEST_GOOD_CRT, strlen(TEST_GOOD_CRT),
	    (const uint8_t *)TEST_GOOD_KEY, strlen(TEST_GOOD_KEY)), 0);
	assert_non_null(server_tls = tls_server());
	assert_int_equal(tls_configure(server_tls, config), 0);
	tls_config_free(config);
	return (0);
}

static int
teardown_tls(void **state)
{
	int	 r = teardown(state);

	tls_free(server_tls);
	server_tls = NULL;
	return (r);
}

static void
submit_secured(void)
{
	say("EHLO pc.ship.example\r\n");
	assert_non_null(strstr(expect("250-"), "\r\n250-AUTH PLAIN LOGIN\r\n"));
	ask("STARTTLS\r\n", "503 5.5.1 ");
	ask("MAIL FROM:<a@x>\r\n", "530 5.7.0 Authentication");
	say("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
	expect_silence();
	answer(PROTO_AUTH_RIGHT);
	(void)expect("235 2.7.0 ");
	ask("MAIL FROM:<a@x>\r\n", "250 2.1.0 ");
	ask("RCPT TO:<b@y>\r\n", "250 2.1.5 ");
	data();
	say("x\r\n.\r\n");
	expect_silence();
	assert_non_null(strstr(submitted.body, " with ESMTPSA id "));
	commit(0);
	(void)expect("250 2.0.0 queued");
	ask("QUIT\r\n", "221 2.0.0 ");
	expect_end();
}

static void
test_starttls(void **state)
{
	(void)state;
	dial_from("192.0.2.7");
	(void)expect("220 ");
	ask("STARTTLS\r\n", "503 5.5.1 ");
	say("EHLO pc.ship.example\r\n");
	assert_non_null(strstr(expect("250-"), "\r\n250-STARTTLS\r\n"));
	ask("MAIL FROM:<a@x>\r\n", "530 5.7.0 STARTTLS");
	ask("STARTTLS\r\n", "220 2.0.0 ");
	client_secure();
	/* All that was said before is forgotten. */
	ask("MAIL FROM:<a@x>\r\n", "503 5.5.1 ");
	submit_secured();
}

static void
test_implicit_tls(void **state)
{
	(void)state;
	listener->tls = TLS_MODE_IMPLICIT;
	dial_from("192.0.2.7");
	expect_silence();
	client_secure();
	(void)expect("220 mail.ship.example ");
	submit_secured();
}

static void
test_starttls_injection(void **state)
{
	(void)state;
	dial();
	say("STARTTLS\r\nMAIL FROM:<evil@x>\r\n");
	(void)expect("554 5.5.0 ");
	expect_end();
}

static void
test_starttls_broken(void **state)
{
	(void)state;
	dial();
	ask("STARTTLS\r\n", "220 2.0.0 ");
	say("this is no handshake\r\n");
	while (released == 0)
		turn();
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TLS(f)	cmocka_unit_test_setup_teardown(f, setup_tls, teardown_tls)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(test_ehlo), T(test_data), T(test_commit_fails),
		T(test_pipelining), T(test_input_after_data),
		T(test_smuggling), T(test_bare_line_ends), T(test_bdat),
		T(test_bdat_bare), T(test_bdat_order),
		T(test_bdat_bad_size), T(test_large), T(test_disk_full),
		T(test_loop), T(test_8bit), T(test_dsn), T(test_order),
		T(test_class), T(test_deliver_by), T(test_etrn),
		T(test_etrn_refused),
		T(test_syntax), T(test_long_lines), T(test_errors_limit),
		T(test_recipients_limit), T(test_same_recipient),
		T(test_alias), T(test_alias_refused), T(test_alias_limit),
		T(test_network_refused), T(test_no_networks),
		T(test_no_upstream), T(test_auth_plain), T(test_auth_unknown),
		T(test_auth_login),
		T(test_auth_guessing), T(test_auth_guess_and_go),
		T(test_auth_bad), T(test_auth_not_offered),
		T(test_gone_while_asking), T(test_gone_before_reply),
		T(test_half_close), T(test_gone_within_message),
		T(test_shutdown), T(test_reload), T(test_unread_replies),
		TLS(test_starttls), TLS(test_implicit_tls),
		TLS(test_starttls_injection), TLS(test_starttls_broken)
	};

	signal(SIGPIPE, SIG_IGN);
	log_init(1, 0);
	if (event_init() == NULL)
		return (1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
