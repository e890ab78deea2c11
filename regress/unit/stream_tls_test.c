/* See LICENSE for the terms. */
/*
 * Streams with TLS: the hand-over from plain text, what is refused, the
 * flow in both directions, and bytes that libtls holds back.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <netinet/in.h>
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
#include <tls.h>
#include <unistd.h>

#include "stream.h"
#include "stream_peer.h"

#include <cmocka.h>

#define FLOW	(10 * 1024 * 1024)

static struct tls		*server;	/* certificate: test.example */
static struct tls_config	*trusting;	/* client, knows its CA */
static struct tls_config	*stranger;	/* client, knows another */
static char			 server_dir[64], server_crt[128];
static char			 server_key[128];
static FILE			*server_says;

/* A key and a certificate that signs itself, in the test's directory. */
static void
make_cert(const char *dir, const char *name)
{
	char	command[1024];

	snprintf(command, sizeof(command), "openssl req -x509 -newkey ec "
	    "-pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
	    "-subj /CN=%s -addext subjectAltName=DNS:%s "
	    "-keyout %s/%s.key -out %s/%s.crt 2>/dev/null", name, name, dir,
	    name, dir, name);
	assert_int_equal(system(command), 0);
}

static struct tls_config *
make_client(const char *ca, uint32_t protocols)
{
	struct tls_config	*config;

	assert_non_null(config = tls_config_new());
	assert_int_equal(tls_config_set_ca_file(config, ca), 0);
	assert_int_equal(tls_config_set_protocols(config, protocols), 0);
	return (config);
}

static int
group_setup(void **state)
{
	struct tls_config	*config;
	char			 dir[] = "/tmp/stream_tls_test.XXXXXX";
	char			 other[96];

	(void)state;
	assert_non_null(mkdtemp(dir));
	strlcpy(server_dir, dir, sizeof(server_dir));
	make_cert(dir, "test.example");
	make_cert(dir, "other.example");
	snprintf(server_crt, sizeof(server_crt), "%s/test.example.crt", dir);
	snprintf(server_key, sizeof(server_key), "%s/test.example.key", dir);
	snprintf(other, sizeof(other), "%s/other.example.crt", dir);
	assert_non_null(config = tls_config_new());
	assert_int_equal(tls_config_set_keypair_file(config, server_crt,
	    server_key), 0);
	assert_non_null(server = tls_server());
	assert_int_equal(tls_configure(server, config), 0);
	tls_config_free(config);
	trusting = make_client(server_crt, TLS_PROTOCOLS_DEFAULT);
	stranger = make_client(other, TLS_PROTOCOLS_DEFAULT);
	return (0);
}

static int
group_teardown(void **state)
{
	char	command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", server_dir);
	assert_int_equal(system(command), 0);
	tls_free(server);
	tls_config_free(trusting);
	tls_config_free(stranger);
	return (0);
}

static void
on_keep(struct peer *p, enum stream_event event)
{
	(void)p;
	(void)event;
}

/* p: the client, q: the server; the handshake is still to come. */
static void
tls_pair(struct peer *p, peer_hook *p_hook, struct peer *q, peer_hook *q_hook)
{
	int	fds[2];

	peer_pair(fds);
	peer_init(p, fds[0], p_hook);
	peer_init(q, fds[1], q_hook);
	assert_int_equal(stream_tls_client(p->s, trusting, "test.example"),
	    0);
	assert_int_equal(stream_tls_server(q->s, server), 0);
}

static void
until_secure(struct peer *p, struct peer *q)
{
	peer_until(p->told[STREAM_SECURE] == 1 &&
	    q->told[STREAM_SECURE] == 1);
}

static void
test_handshake(void **state)
{
	struct peer	p, q;

	(void)state;
	tls_pair(&p, on_keep, &q, peer_collect);
	assert_int_equal(stream_is_tls(p.s), 0);
	assert_null(stream_tls_info(p.s));
	assert_string_equal(p.order, "");
	/* Written before the handshake, sent after it. */
	assert_int_equal(stream_write(p.s, "secret", 6), 0);
	until_secure(&p, &q);
	peer_until(q.gotlen == 6);
	assert_memory_equal(q.got, "secret", 6);
	assert_string_equal(p.order, "S");
	assert_int_equal(stream_is_tls(p.s), 1);
	assert_non_null(strstr(stream_tls_info(p.s), "TLSv1."));
	assert_string_equal(stream_tls_info(p.s), stream_tls_info(q.s));
	assert_int_equal(stream_tls_server(q.s, server), -1);
	assert_int_equal(errno, EALREADY);
	peer_free(&p);
	peer_free(&q);
}

/* 10 MB in both directions at once, and what that took on the wire. */
static void
flow(struct tls_config *config)
{
	struct peer	p, q;
	uint64_t	out;
	int		fds[2];

	peer_pair(fds);
	peer_init(&p, fds[0], peer_flow);
	peer_init(&q, fds[1], peer_flow);
	assert_int_equal(stream_tls_client(p.s, config, "test.example"), 0);
	assert_int_equal(stream_tls_server(q.s, server), 0);
	peer_flow_start(&p, FLOW, 1);
	peer_flow_start(&q, FLOW, 2);
	peer_until(peer_flow_done(&p) && peer_flow_done(&q));
	assert_true(stream_bytes_out(p.s) == stream_bytes_in(q.s));
	assert_true(stream_bytes_out(q.s) == stream_bytes_in(p.s));
	/* Full records: the overhead is well below one per cent. */
	out = stream_bytes_out(p.s);
	assert_true(out > FLOW && out < FLOW + FLOW / 100);
	assert_int_equal(p.told[STREAM_ERROR], 0);
	assert_int_equal(q.told[STREAM_ERROR], 0);
	peer_free(&p);
	peer_free(&q);
}

static void
test_both_directions(void **state)
{
	(void)state;
	flow(trusting);
}

static void
test_both_directions_tls12(void **state)
{
	(void)state;
	assert_int_equal(tls_config_set_protocols(trusting,
	    TLS_PROTOCOL_TLSv1_2), 0);
	flow(trusting);
	assert_int_equal(tls_config_set_protocols(trusting,
	    TLS_PROTOCOLS_DEFAULT), 0);
}

/* Server: STARTTLS.  The answer goes out in the clear, then TLS. */
static void
on_starttls_server(struct peer *q, enum stream_event event)
{
	char	*line;
	size_t	 len;

	if (event != STREAM_DATA)
		return;
	if (stream_is_tls(q->s)) {
		peer_collect(q, event);
		return;
	}
	if (stream_line(q->s, &line, &len, 100, 1) != 1)
		return;
	assert_string_equal(line, "STARTTLS");
	assert_int_equal(stream_printf(q->s, "220 go\r\n"), 0);
	q->free_on = stream_tls_server(q->s, server) == 0;
	if (q->free_on)
		assert_int_equal(stream_printf(q->s, "250 secure\r\n"), 0);
	else
		assert_int_equal(errno, EPROTO);
}

static void
on_starttls_client(struct peer *p, enum stream_event event)
{
	char	*line;
	size_t	 len;

	if (event != STREAM_DATA)
		return;
	if (stream_is_tls(p->s)) {
		peer_collect(p, event);
		return;
	}
	if (stream_line(p->s, &line, &len, 100, 1) != 1)
		return;
	assert_string_equal(line, "220 go");
	p->free_on = stream_tls_client(p->s, trusting, "test.example") == 0;
	if (!p->free_on)
		assert_int_equal(errno, EPROTO);
}

static void
test_starttls(void **state)
{
	struct peer	p, q;
	int		fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_starttls_client);
	peer_init(&q, fds[1], on_starttls_server);
	assert_int_equal(stream_printf(p.s, "STARTTLS\r\n"), 0);
	until_secure(&p, &q);
	assert_int_equal(stream_printf(p.s, "NOOP\r\n"), 0);
	peer_until(p.gotlen == 12 && q.gotlen == 6);
	assert_memory_equal(p.got, "250 secure\r\n", 12);
	assert_memory_equal(q.got, "NOOP\r\n", 6);
	peer_free(&p);
	peer_free(&q);
}

/* Plain output that does not fit at once still goes before the handshake. */
static void
test_starttls_after_much(void **state)
{
	struct peer	p, q;
	int		fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], peer_collect);
	peer_init(&q, fds[1], peer_collect);
	assert_int_equal(stream_write(q.s, peer_pattern, 150000), 0);
	assert_int_equal(stream_tls_server(q.s, server), 0);
	assert_int_equal(stream_write(q.s, peer_pattern, 70000), 0);
	peer_until(p.gotlen == 150000);
	peer_turns(20);
	assert_int_equal(p.gotlen, 150000);
	assert_int_equal(stream_tls_client(p.s, trusting, "test.example"),
	    0);
	peer_until(p.gotlen == 220000);
	assert_memory_equal(p.got, peer_pattern, 150000);
	assert_memory_equal(p.got + 150000, peer_pattern, 70000);
	assert_int_equal(q.told[STREAM_DRAINED], 1);
	peer_free(&p);
	peer_free(&q);
}

/* What stands behind STARTTLS in the clear is refused, on both sides. */
static void
test_injection(void **state)
{
	struct peer	p;
	int		fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_starttls_server);
	p.free_on = STREAM_DATA;
	peer_raw(fds[1], "STARTTLS\r\nMAIL FROM:<evil@example>\r\n", 36);
	peer_until(p.told[STREAM_DATA] > 0);
	assert_int_equal(p.free_on, 0);
	peer_free(&p);
	close(fds[1]);

	peer_pair(fds);
	peer_init(&p, fds[0], on_starttls_client);
	p.free_on = STREAM_DATA;
	peer_raw(fds[1], "220 go\r\n250-evil\r\n", 18);
	peer_until(p.told[STREAM_DATA] > 0);
	assert_int_equal(p.free_on, 0);
	peer_free(&p);
	close(fds[1]);
}

/* The middle of a line that is too long is plain input, too. */
static void
test_injection_overlong(void **state)
{
	struct peer	 p;
	char		*line;
	size_t		 len;
	int		 fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	peer_raw(fds[1], "0123456789", 10);
	peer_until(p.told[STREAM_DATA] > 0);
	assert_int_equal(stream_line(p.s, &line, &len, 5, 1), -1);
	assert_int_equal(stream_tls_server(p.s, server), -1);
	assert_int_equal(errno, EPROTO);
	peer_free(&p);
	close(fds[1]);
}

/* What comes in the clear afterwards is no handshake. */
static void
test_late_injection(void **state)
{
	struct peer	p;
	int		fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_starttls_server);
	peer_raw(fds[1], "STARTTLS\r\n", 10);
	peer_until(p.free_on);
	peer_raw(fds[1], "MAIL FROM:<evil@example>\r\n", 26);
	peer_until(p.told[STREAM_ERROR] == 1);
	assert_string_equal(p.order, "DX");
	assert_non_null(strstr(stream_error(p.s), "tls handshake: "));
	assert_int_equal(stream_is_tls(p.s), 0);
	peer_free(&p);
	close(fds[1]);
}

static void
refused(struct tls_config *config, const char *name, const char *reason)
{
	struct peer	p, q;
	int		fds[2];

	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	peer_init(&q, fds[1], peer_collect);
	assert_int_equal(stream_tls_server(q.s, server), 0);
	assert_int_equal(stream_tls_client(p.s, config, name), 0);
	assert_int_equal(stream_write(p.s, "password", 8), 0);
	peer_until(p.told[STREAM_ERROR] == 1);
	peer_turns(20);
	assert_string_equal(p.order, "X");
	assert_non_null(strstr(stream_error(p.s), reason));
	assert_int_equal(q.gotlen, 0);
	assert_int_equal(stream_write(p.s, "x", 1), -1);
	peer_free(&p);
	peer_free(&q);
}

static void
test_wrong_name(void **state)
{
	(void)state;
	refused(trusting, "mail.example", "name");
}

static void
test_wrong_ca(void **state)
{
	(void)state;
	refused(stranger, "test.example", "verif");
}

/*
 * An alert that says good-bye in the midst of the handshake must not pass
 * for its success.
 */
static void
test_alert_in_handshake(void **state)
{
	static const uint8_t	alert[] = { 21, 3, 3, 0, 2, 1, 0 };
	struct peer		p;
	int			fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	assert_int_equal(stream_tls_client(p.s, trusting, "test.example"),
	    0);
	assert_int_equal(stream_write(p.s, "password", 8), 0);
	peer_until(stream_bytes_out(p.s) > 100);
	peer_raw(fds[1], alert, sizeof(alert));
	peer_until(p.told[STREAM_ERROR] + p.told[STREAM_SECURE] > 0);
	assert_string_equal(p.order, "X");
	peer_free(&p);
	close(fds[1]);
}

/* Nor may it let a peer with another's certificate through afterwards. */
static void
test_alert_then_wrong_name(void **state)
{
	static const uint8_t	alert[] = { 21, 3, 3, 0, 2, 1, 0 };
	struct peer		p, q;
	int			fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	assert_int_equal(stream_tls_client(p.s, trusting, "mail.example"),
	    0);
	assert_int_equal(stream_write(p.s, "password", 8), 0);
	peer_raw(fds[1], alert, sizeof(alert));
	peer_init(&q, fds[1], peer_collect);
	assert_int_equal(stream_tls_server(q.s, server), 0);
	peer_until(p.told[STREAM_ERROR] == 1 || q.gotlen > 0);
	peer_turns(20);
	assert_string_equal(p.order, "X");
	assert_int_equal(q.gotlen, 0);
	peer_free(&p);
	peer_free(&q);
}

/* The peer goes away in the midst of the handshake. */
static void
test_eof_in_handshake(void **state)
{
	struct peer	p;
	int		fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	assert_int_equal(stream_tls_client(p.s, trusting, "test.example"),
	    0);
	peer_until(stream_bytes_out(p.s) > 0);
	close(fds[1]);
	peer_until(p.told[STREAM_ERROR] == 1);
	assert_string_equal(p.order, "X");
	peer_free(&p);
}

static void
on_pause(struct peer *p, enum stream_event event)
{
	if (event == STREAM_DATA)
		stream_pause(p->s);
}

/*
 * A record is decrypted as a whole; when reading stops in the midst of it,
 * the socket has nothing more to tell, and the rest must come all the same.
 */
static void
test_held_by_tls(void **state)
{
	struct peer	 p, q;
	const uint8_t	*data;
	size_t		 n, got = 0, len = 72000;

	(void)state;
	tls_pair(&p, on_pause, &q, on_keep);
	until_secure(&p, &q);
	assert_int_equal(stream_write(q.s, peer_pattern, len), 0);
	peer_until(p.told[STREAM_DATA] == 1);
	p.hook = on_keep;
	stream_resume(p.s);
	/* The buffer fills, in the midst of the last record. */
	peer_until(stream_queued(q.s) == 0);
	peer_turns(20);
	assert_int_equal(stream_peek(p.s, &data), STREAM_INPUT_DEFAULT);
	/* All bytes have come out of the socket, but for the last record. */
	while (got < len) {
		peer_until((n = stream_peek(p.s, &data)) > 0);
		if (n > 1000)
			n = 1000;
		assert_memory_equal(data, peer_pattern + got, n);
		stream_consume(p.s, n);
		got += n;
		peer_turns(3);
	}
	assert_true(stream_bytes_in(p.s) == stream_bytes_out(q.s));
	peer_free(&p);
	peer_free(&q);
}

/* stream_finish says good-bye in TLS: the end is known to be the end. */
static void
test_finish(void **state)
{
	struct peer	p, q;
	int		own;

	(void)state;
	tls_pair(&p, on_keep, &q, peer_collect);
	own = stream_fd(p.s);
	until_secure(&p, &q);
	assert_int_equal(stream_write(p.s, peer_pattern, 150000), 0);
	stream_finish(p.s);
	p.forbidden = 1;
	peer_until(q.told[STREAM_EOF] == 1);
	assert_int_equal(q.gotlen, 150000);
	assert_memory_equal(q.got, peer_pattern, 150000);
	assert_int_equal(q.told[STREAM_ERROR], 0);
	stream_finish(q.s);
	free(q.got);
	peer_until(peer_fd_closed(own));
}

/*
 * Without an owner there is no handshake: the server's context may go.  What
 * waits for it is lost, what goes before it in plain text is not.
 */
static void
test_finish_in_handshake(void **state)
{
	struct peer	p;
	char		buf[16];
	ssize_t		n = -1;
	int		fds[2], i;

	(void)state;
	for (i = 0; i < 2; i++) {
		peer_pair(fds);
		peer_init(&p, fds[0], on_keep);
		if (i == 1)
			assert_int_equal(stream_write(p.s, "220\r\n", 5), 0);
		assert_int_equal(stream_tls_server(p.s, server), 0);
		if (i == 0)
			peer_turns(10);
		assert_int_equal(stream_write(p.s, "421\r\n", 5), 0);
		stream_finish(p.s);
		p.forbidden = 1;
		peer_until(peer_fd_closed(fds[0]));
		peer_until((n = read(fds[1], buf, sizeof(buf))) != -1);
		assert_int_equal(n, i == 0 ? 0 : 5);
		close(fds[1]);
	}
}

/* The peer is gone without good-bye: one terminal event, data kept. */
static void
test_cut_off(void **state)
{
	struct peer	p, q;

	(void)state;
	tls_pair(&p, on_keep, &q, peer_collect);
	until_secure(&p, &q);
	assert_int_equal(stream_write(p.s, "half", 4), 0);
	peer_until(stream_queued(p.s) == 0);
	peer_free(&p);
	peer_until(q.told[STREAM_EOF] + q.told[STREAM_ERROR] > 0);
	peer_turns(20);
	assert_int_equal(q.told[STREAM_EOF] + q.told[STREAM_ERROR], 1);
	assert_int_equal(q.gotlen, 4);
	assert_memory_equal(q.got, "half", 4);
	peer_free(&q);
}

static void
on_secure_free(struct peer *p, enum stream_event event)
{
	if (event == p->free_on) {
		stream_free(p->s);
		p->s = NULL;
	}
}

static void
test_free_in_callback(void **state)
{
	struct peer	p, q;

	(void)state;
	tls_pair(&p, on_secure_free, &q, on_secure_free);
	p.free_on = STREAM_SECURE;
	q.free_on = STREAM_EOF;
	peer_until(p.s == NULL);
	peer_until(q.s == NULL || q.told[STREAM_ERROR]);
	peer_free(&q);

	tls_pair(&p, on_keep, &q, on_secure_free);
	q.free_on = STREAM_DATA;
	assert_int_equal(stream_write(p.s, "x", 1), 0);
	peer_until(q.s == NULL);
	peer_free(&p);
}

/* TLS may be asked for before the connection is there. */
static void
test_connect(void **state)
{
	struct sockaddr_in	sin;
	struct peer		p, q;
	int			s, fd;

	(void)state;
	s = peer_listen(&sin);
	peer_init_connect(&p, (struct sockaddr *)&sin, sizeof(sin), on_keep);
	assert_int_equal(stream_tls_client(p.s, trusting, "test.example"),
	    0);
	assert_int_not_equal(fd = accept(s, NULL, NULL), -1);
	peer_init(&q, fd, on_keep);
	assert_int_equal(stream_tls_server(q.s, server), 0);
	until_secure(&p, &q);
	assert_string_equal(p.order, "CS");
	peer_free(&p);
	peer_free(&q);
	close(s);
}

static void
test_bad_config(void **state)
{
	struct tls_config	*config;
	struct peer		 p;
	int			 fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	assert_non_null(config = tls_config_new());
	assert_int_equal(tls_config_set_ca_mem(config,
	    (const uint8_t *)"rubbish", 7), 0);
	assert_int_equal(stream_tls_client(p.s, config, "test.example"), -1);
	assert_int_equal(errno, EINVAL);
	assert_non_null(strstr(stream_error(p.s), "tls: "));
	tls_config_free(config);
	/* It can still be used. */
	assert_int_equal(stream_tls_client(p.s, trusting, "test.example"),
	    0);
	peer_free(&p);
	close(fds[1]);
}

/* Nothing comes: the timeout holds in the handshake as well. */
static void
test_timeout_in_handshake(void **state)
{
	struct peer	p;
	int		fds[2];

	(void)state;
	peer_pair(fds);
	peer_init(&p, fds[0], on_keep);
	assert_int_equal(stream_tls_server(p.s, server), 0);
	stream_timeout(p.s, 20);
	peer_until(p.told[STREAM_TIMEOUT] == 1);
	assert_string_equal(p.order, "T");
	peer_free(&p);
	close(fds[1]);
}

/* A server by itself, and the port that it says it is at. */
static pid_t
spawn_server(uint16_t *port)
{
	char		 line[256];
	FILE		*f;
	unsigned int	 n = 0;
	pid_t		 pid;
	int		 io[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, io), 0);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		dup2(io[1], 0);
		dup2(io[1], 1);
		dup2(io[1], 2);
		close(io[0]);
		execlp("openssl", "openssl", "s_server", "-accept",
		    "127.0.0.1:0", "-cert", server_crt, "-key", server_key,
		    "-tls1_2", NULL);
		_exit(1);
	}
	close(io[1]);
	assert_non_null(f = fdopen(io[0], "r"));
	while (n == 0 && fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "ACCEPT 127.0.0.1:%u", &n);
	assert_int_not_equal(n, 0);
	*port = (uint16_t)n;
	/* It stays open: at the end of its input the server would stop. */
	server_says = f;
	return (pid);
}

/* A connection of that configuration; was its session another one's? */
static int
connect_resumes(struct tls_config *config, uint16_t port)
{
	struct sockaddr_in	 sin;
	struct peer		 p;
	int			 resumed;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	peer_init_connect(&p, (struct sockaddr *)&sin, sizeof(sin), on_keep);
	assert_int_equal(stream_tls_client(p.s, config, "test.example"), 0);
	peer_until(p.told[STREAM_SECURE] || p.told[STREAM_ERROR]);
	assert_string_equal(stream_error(p.s), "no error");
	resumed = stream_tls_resumed(p.s);
	peer_free(&p);
	return (resumed);
}

/* With TLS 1.2 a connection goes on with the session of another. */
static void
test_resumes(void **state)
{
	struct tls_config	*config;
	FILE			*session;
	pid_t			 pid;
	uint16_t		 port;

	(void)state;
	pid = spawn_server(&port);
	assert_non_null(session = tmpfile());
	config = make_client(server_crt, TLS_PROTOCOL_TLSv1_2);
	assert_int_equal(tls_config_set_session_fd(config, fileno(session)),
	    0);
	assert_int_equal(connect_resumes(config, port), 0);
	assert_int_equal(connect_resumes(config, port), 1);
	assert_int_equal(connect_resumes(config, port), 1);
	/* Without it there is nothing to go on with. */
	assert_int_equal(ftruncate(fileno(session), 0), 0);
	assert_int_equal(connect_resumes(config, port), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	tls_config_free(config);
	fclose(session);
	fclose(server_says);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_both_directions),
		cmocka_unit_test(test_both_directions_tls12),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_starttls_after_much),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_injection_overlong),
		cmocka_unit_test(test_late_injection),
		cmocka_unit_test(test_wrong_name),
		cmocka_unit_test(test_wrong_ca),
		cmocka_unit_test(test_alert_in_handshake),
		cmocka_unit_test(test_alert_then_wrong_name),
		cmocka_unit_test(test_eof_in_handshake),
		cmocka_unit_test(test_held_by_tls),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_finish_in_handshake),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_free_in_callback),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_timeout_in_handshake),
		cmocka_unit_test(test_resumes),
	};

	peer_start();
	return (cmocka_run_group_tests(tests, group_setup, group_teardown));
}
