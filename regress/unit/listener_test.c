/* See LICENSE for the terms. */

/*
 * Accepting: limits, out of descriptors, a new configuration.  The servers
 * are the test's; they only keep what they are given.
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
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

#include "child.h"
#include "listener.h"
#include "log.h"
#include "pop3_server.h"
#include "smtp_server.h"
#include "test_cert.h"

#define SERVED_MAX	32
#define PATIENCE	5000	/* ms, before a test gives up waiting */

struct conf	*child_conf;

static struct {
	int			 fd;
	uint32_t		 service;
	uint32_t		 port;
	struct sockaddr_storage	 peer;
} served[SERVED_MAX];
static unsigned int	 nserved;

static void
serve(int fd, const struct conf_listener *l,
    const struct sockaddr_storage *peer, uint32_t service)
{
	assert_true(nserved < SERVED_MAX);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	served[nserved].fd = fd;
	served[nserved].service = service;
	served[nserved].port = l->port;
	served[nserved++].peer = *peer;
}

void
smtp_server_accept(int fd, const struct conf_listener *l,
    const struct sockaddr_storage *peer)
{
	serve(fd, l, peer, SERVICE_SMTP);
}

void
pop3_server_accept(int fd, const struct conf_listener *l,
    const struct sockaddr_storage *peer)
{
	serve(fd, l, peer, SERVICE_POP3);
}

/* The last session ends. */
static void
release(void)
{
	assert_true(nserved > 0);
	close(served[--nserved].fd);
	listener_release(&served[nserved].peer);
}

static int
bound_socket(uint32_t *port)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	int			 fd;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_not_equal(fd = socket(AF_INET, SOCK_STREAM, 0), -1);
	assert_int_not_equal(fcntl(fd, F_SETFL, O_NONBLOCK), -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port = ntohs(sin.sin_port);
	return (fd);
}

static struct conf_listener *
add_listener(struct conf *conf, enum service service)
{
	struct conf_listener	*l;

	assert_non_null(l = calloc(1, sizeof(*l)));
	TAILQ_INIT(&l->from);
	assert_non_null(l->host = strdup("127.0.0.1"));
	l->service = service;
	l->fd = bound_socket(&l->port);
	TAILQ_INSERT_TAIL(&conf->listeners, l, entry);
	return (l);
}

static void
add_pki(struct conf *conf, const char *cert, const char *key)
{
	struct conf_pki	*p;

	assert_non_null(p = calloc(1, sizeof(*p)));
	assert_non_null(p->name = strdup("ship"));
	assert_non_null(p->cert_mem = (uint8_t *)strdup(cert));
	p->cert_len = strlen(cert);
	assert_non_null(p->key_mem = (uint8_t *)strdup(key));
	p->key_len = strlen(key);
	TAILQ_INSERT_TAIL(&conf->pkis, p, entry);
}

static struct conf *
new_conf(void)
{
	struct conf	*conf;

	assert_non_null(conf = conf_new());
	conf->global.sessions = 4;
	conf->global.sessions_per_address = 2;
	return (conf);
}

/* As child.c does it. */
static void
use(struct conf *conf)
{
	struct conf	*old = child_conf;

	assert_int_equal(listener_prepare(conf), 0);
	child_conf = conf;
	listener_swap(conf);
	conf_free(old);
}

static int
teardown(void **state)
{
	(void)state;
	while (nserved > 0)
		release();
	listener_shutdown();
	/* An empty configuration lets go of the contexts too. */
	use(new_conf());
	conf_free(child_conf);
	child_conf = NULL;
	return (0);
}

static int
dial_from(const struct conf_listener *l, uint32_t from)
{
	struct sockaddr_in	 sin;
	int			 fd;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(from);
	assert_int_not_equal(fd = socket(AF_INET, SOCK_STREAM, 0), -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((uint16_t)l->port);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)),
	    0);
	return (fd);
}

static int
dial(const struct conf_listener *l)
{
	return (dial_from(l, INADDR_LOOPBACK));
}

static void
await_some(unsigned int n)
{
	struct timespec	 nap = { 0, 1000000 };
	int		 i;

	for (i = 0; i < PATIENCE && nserved < n; i++) {
		event_loop(EVLOOP_NONBLOCK);
		if (nserved < n)
			nanosleep(&nap, NULL);
	}
	assert_true(nserved >= n);
}

static void
await_served(unsigned int n)
{
	await_some(n);
	assert_int_equal(nserved, n);
}

/* The connection is closed by the other side, after these words. */
static void
await_refusal(int fd, const char *words)
{
	struct pollfd	 pfd = { fd, POLLIN, 0 };
	char		 buf[128];
	size_t		 len = 0;
	ssize_t		 n = -1;
	int		 patience;

	for (patience = PATIENCE; patience > 0 && n != 0; patience -= 10) {
		event_loop(EVLOOP_NONBLOCK);
		if (poll(&pfd, 1, 10) <= 0)
			continue;
		n = read(fd, buf + len, sizeof(buf) - 1 - len);
		assert_int_not_equal(n, -1);
		len += (size_t)n;
	}
	assert_int_equal(n, 0);
	buf[len] = '\0';
	assert_string_equal(buf, words);
	close(fd);
}

/* This machine's programs have half of all, and leave the LAN the rest. */
static void
test_local_share(void **state)
{
	struct conf		*conf = new_conf();
	struct conf_listener	*lan, *local;
	struct sockaddr_un	 sun;
	int			 fd[4], i;

	(void)state;
	conf->global.sessions = 6;
	lan = add_listener(conf, SERVICE_SMTP);
	local = add_listener(conf, SERVICE_SMTP);
	close(local->fd);
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "/tmp/listener.%ld",
	    (long)getpid());
	free(local->host);
	assert_non_null(local->host = strdup(sun.sun_path));
	local->port = 0;
	assert_int_not_equal(local->fd = socket(AF_UNIX, SOCK_STREAM, 0), -1);
	assert_int_not_equal(fcntl(local->fd, F_SETFL, O_NONBLOCK), -1);
	assert_int_equal(bind(local->fd, (struct sockaddr *)&sun,
	    sizeof(sun)), 0);
	assert_int_equal(listen(local->fd, 16), 0);
	use(conf);
	for (i = 0; i < 4; i++) {
		assert_int_not_equal(fd[i] = socket(AF_UNIX, SOCK_STREAM, 0),
		    -1);
		assert_int_equal(connect(fd[i], (struct sockaddr *)&sun,
		    sizeof(sun)), 0);
	}
	await_served(3);
	await_refusal(fd[3],
	    "421 4.7.0 Too many connections, try again later\r\n");
	i = dial(lan);
	await_served(4);
	close(i);
	for (i = 0; i < 3; i++)
		close(fd[i]);
	unlink(sun.sun_path);
}

static void
test_services(void **state)
{
	struct conf		*conf = new_conf();
	struct conf_listener	*smtp, *pop3;
	int			 a, b;

	(void)state;
	smtp = add_listener(conf, SERVICE_SUBMISSION);
	pop3 = add_listener(conf, SERVICE_POP3);
	use(conf);
	assert_int_equal(smtp->fd, -1);
	a = dial(smtp);
	await_served(1);
	assert_int_equal(served[0].service, SERVICE_SMTP);
	assert_int_equal(served[0].port, smtp->port);
	assert_int_equal(served[0].peer.ss_family, AF_INET);
	b = dial(pop3);
	await_served(2);
	assert_int_equal(served[1].service, SERVICE_POP3);
	close(a);
	close(b);
}

#define SMTP_REFUSAL	"421 4.7.0 Too many connections, try again later\r\n"

static void
test_address_limit(void **state)
{
	struct conf		*conf = new_conf();
	struct conf_listener	*l;
	int			 fds[4];

	(void)state;
	l = add_listener(conf, SERVICE_SMTP);
	use(conf);
	fds[0] = dial(l);
	fds[1] = dial(l);
	await_served(2);
	await_refusal(dial(l), SMTP_REFUSAL);
	/* Another address is another matter. */
	fds[2] = dial_from(l, INADDR_LOOPBACK + 1);
	await_served(3);
	release();
	release();
	fds[3] = dial(l);
	await_served(2);
	await_refusal(dial(l), SMTP_REFUSAL);
	close(fds[0]);
	close(fds[1]);
	close(fds[2]);
	close(fds[3]);
}

static void
test_total_limit(void **state)
{
	struct conf		*conf = new_conf();
	struct conf_listener	*pop3, *secure;
	int			 fds[4], i;

	(void)state;
	pop3 = add_listener(conf, SERVICE_POP3);
	secure = add_listener(conf, SERVICE_SMTP);
	secure->tls = TLS_MODE_IMPLICIT;
	use(conf);
	for (i = 0; i < 4; i++)
		fds[i] = dial_from(pop3, INADDR_LOOPBACK + (uint32_t)i);
	await_served(4);
	await_refusal(dial_from(pop3, INADDR_LOOPBACK + 9), "-ERR [SYS/TEMP] "
	    "too many connections, try again later\r\n");
	/* Nothing in plain text where TLS is expected. */
	await_refusal(dial_from(secure, INADDR_LOOPBACK + 9), "");
	for (i = 0; i < 4; i++)
		close(fds[i]);
}

/* Out of descriptors the loop does not spin, and recovers by itself. */
static void
test_no_descriptors(void **state)
{
	struct conf		*conf = new_conf();
	struct conf_listener	*l;
	struct rlimit		 old, low;
	struct timespec		 begin, end;
	int			 a, b, top;

	(void)state;
	l = add_listener(conf, SERVICE_SMTP);
	use(conf);
	a = dial(l);
	assert_int_not_equal(top = dup(a), -1);
	close(top);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = (rlim_t)top;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	/* Returns at once when accepting goes on, or pauses. */
	event_loop(EVLOOP_ONCE);
	assert_int_equal(nserved, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	/* The first one may be lost by then (valgrind's kernel does so). */
	b = dial(l);
	await_some(1);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true((end.tv_sec - begin.tv_sec) * 1000 +
	    (end.tv_nsec - begin.tv_nsec) / 1000000 >= 900);
	close(a);
	close(b);
}

static void
test_reload(void **state)
{
	struct conf		*conf = new_conf();
	struct conf_listener	*old, *new;
	struct sockaddr_in	 sin;
	int			 a, b, fd;

	(void)state;
	old = add_listener(conf, SERVICE_SMTP);
	use(conf);
	a = dial(old);
	await_served(1);
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((uint16_t)old->port);
	conf = new_conf();
	new = add_listener(conf, SERVICE_SMTP);
	use(conf);
	/* Nobody listens on the old one, the session is still there. */
	assert_int_not_equal(fd = socket(AF_INET, SOCK_STREAM, 0), -1);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)),
	    -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
	b = dial(new);
	await_served(2);
	/* It counts against the limit too. */
	await_refusal(dial(new), SMTP_REFUSAL);
	close(a);
	close(b);
}

static void
test_refused_conf(void **state)
{
	struct conf		*conf = new_conf(), *bad = new_conf();
	struct conf_listener	*l, *unused;
	struct tls		*tls;
	int			 a, fd;

	(void)state;
	l = add_listener(conf, SERVICE_SMTP);
	add_pki(conf, TEST_GOOD_CRT, TEST_GOOD_KEY);
	use(conf);
	assert_non_null(tls = listener_tls("ship"));
	assert_null(listener_tls("other"));
	assert_null(listener_tls(NULL));
	unused = add_listener(bad, SERVICE_SMTP);
	fd = unused->fd;
	add_pki(bad, TEST_GOOD_CRT, "no key\n");
	assert_int_equal(listener_prepare(bad), EINVAL);
	assert_int_equal(unused->fd, -1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	conf_free(bad);
	/* Another process refused. */
	bad = new_conf();
	unused = add_listener(bad, SERVICE_SMTP);
	fd = unused->fd;
	add_pki(bad, TEST_GOOD_CRT, TEST_GOOD_KEY);
	assert_int_equal(listener_prepare(bad), 0);
	listener_abort();
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	conf_free(bad);
	/* All is as it was. */
	assert_ptr_equal(listener_tls("ship"), tls);
	a = dial(l);
	await_served(1);
	close(a);
}

/* 1 when the context still makes servers. */
static int
is_usable(struct tls *server)
{
	struct tls	*conn = NULL;
	int		 fds[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	r = tls_accept_socket(server, &conn, fds[0]);
	tls_free(conn);
	close(fds[0]);
	close(fds[1]);
	return (r == 0);
}

/* A context that was replaced outlives the sessions that may use it. */
static void
test_contexts(void **state)
{
	struct conf		*conf = new_conf();
	struct conf_listener	*l;
	struct tls		*first, *second;
	int			 a;

	(void)state;
	l = add_listener(conf, SERVICE_SMTP);
	add_pki(conf, TEST_GOOD_CRT, TEST_GOOD_KEY);
	use(conf);
	first = listener_tls("ship");
	a = dial(l);
	await_served(1);
	/* The same certificate: the same context. */
	conf = new_conf();
	add_pki(conf, TEST_GOOD_CRT, TEST_GOOD_KEY);
	use(conf);
	assert_ptr_equal(listener_tls("ship"), first);
	conf = new_conf();
	add_pki(conf, TEST_GOOD_CRT TEST_BAD_CRT, TEST_GOOD_KEY);
	use(conf);
	assert_non_null(second = listener_tls("ship"));
	assert_ptr_not_equal(second, first);
	assert_true(is_usable(first));
	assert_true(is_usable(second));
	release();
	assert_true(is_usable(second));
	close(a);
}

#define T(f)	cmocka_unit_test_teardown(f, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(test_local_share),
		T(test_services), T(test_address_limit),
		T(test_total_limit), T(test_no_descriptors), T(test_reload),
		T(test_refused_conf), T(test_contexts)
	};

	signal(SIGPIPE, SIG_IGN);
	log_init(1, 0);
	if (event_init() == NULL)
		return (1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
