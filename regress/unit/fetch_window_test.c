/* See LICENSE for the terms. */

/*
 * Windows of fetchd, with real pipes to a spoold and a dialerd that are
 * played here, and real connections to scripted servers.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
#include <time.h>
#include <tls.h>
#include <unistd.h>
#include <cmocka.h>

#include "ask.h"
#include "child.h"
#include "delivery.h"
#include "known.h"
#include "log.h"
#include "schedule.h"
#include "smtp_peer.h"
#include "test_cert.h"

void	 __wrap_tcp_window_limit(int, uint64_t);

/* What a script says in one go is heard in one go. */
void
__wrap_tcp_window_limit(int fd, uint64_t bytes)
{
	(void)fd;
	(void)bytes;
}

#define TIME_LIMIT	60	/* seconds; a test that hangs is ended */
#define PEERS		4
#define FILES		8

struct file {			/* of a delivery */
	uint32_t	 id;
	char		 uid[PROTO_UID_MAX];
	int		 fd;
	int		 committed, aborted, kept;
	uint64_t	 size;
};

struct question {
	struct event	 ev;
	ask_resolved_cb	*cb;
	void		*arg;
	int		 fresh, cancelled;
};

static struct event_base	*base;
static struct channel		 to_spoold, to_dialerd;	/* fetchd's ends */
static struct channel		 spoold, dialerd;	/* the test's */
static struct file		 files[FILES];
static size_t			 nfiles;
static int			 hold_ready;	/* do not answer opens */
static size_t			 hold_from;	/* nor those from this on */
static int			 hold_seen;	/* answer SEEN later */
static uint32_t			 seen_id;	/* that was asked */
static uint32_t			 seen_validity;
static unsigned int		 many_seen;	/* uids more, not upstream */
static unsigned int		 nforgotten;
static int			 violation;
static struct proto_progress	 progress;
static struct proto_account_result results[PEERS];
static size_t			 nresults;

static int			 listener;
static struct event		 accept_ev;
static const struct peer_step	*scripts[PEERS];
static struct peer		*peers[PEERS];
static int			 fds[PEERS];
static struct known_upstream	*pop3_known;
static size_t			 npeers, naccepted, together;
static struct sockaddr_in	 address, stale_address;
static struct question		 questions[PEERS * 2];
static size_t			 nquestions;
static int			 stale;		/* first answers are wrong */
static struct conf		*conf;

/* What fetchd has of its process. */
struct channel *
child_peer(enum proc_id id)
{
	return (id == PROC_SPOOLD ? &to_spoold : &to_dialerd);
}

static void
question_event(int fd, short events, void *arg)
{
	struct question		*q = arg;
	struct proto_addresses	 res;

	(void)fd;
	(void)events;
	memset(&res, 0, sizeof(res));
	res.count = 1;
	memcpy(&res.address[0], stale && !q->fresh ? &stale_address : &address,
	    sizeof(address));
	if (!q->cancelled)
		q->cb(q->arg, &res);
	q->cancelled = 1;
}

uint32_t
ask_resolve(const char *host, uint16_t port, int fresh, ask_resolved_cb *cb,
    void *arg)
{
	struct question	*q = &questions[nquestions++];

	assert_string_equal(host, "relay.example");
	assert_int_equal(port, 110);
	assert_true(nquestions <= PEERS * 2);
	q->cb = cb;
	q->arg = arg;
	q->fresh = fresh;
	evtimer_set(&q->ev, question_event, q);
	event_active(&q->ev, EV_TIMEOUT, 1);
	return ((uint32_t)nquestions);
}

void
ask_cancel(uint32_t id)
{
	questions[id - 1].cancelled = 1;
	evtimer_del(&questions[id - 1].ev);
}

/* spoold */

static struct file *
file_find(uint32_t id)
{
	size_t	 i;

	for (i = 0; i < nfiles; i++)
		if (files[i].id == id)
			return (&files[i]);
	return (NULL);
}

static void
send_seen(struct channel *ch, uint32_t id)
{
	uint32_t	 error = 0;
	unsigned int	 i;
	struct ibuf	*buf = NULL;
	char		 uid[16];

	for (i = 0; i < many_seen; i++) {
		if (buf == NULL)
			assert_non_null(buf = ibuf_dynamic(64, 12288));
		snprintf(uid, sizeof(uid), "%u", i);
		assert_int_equal(proto_seen_add(buf, uid, time(NULL)), 0);
		if (ibuf_size(buf) < 12000 && i + 1 < many_seen)
			continue;
		channel_send_ibuf(ch, SPOOLD_SEEN, id, -1, buf);
		buf = NULL;
	}
	assert_non_null(buf = ibuf_dynamic(64, 1024));
	assert_int_equal(proto_seen_add(buf, "seen", time(NULL)), 0);
	channel_send_ibuf(ch, SPOOLD_SEEN, id, -1, buf);
	channel_send(ch, SPOOLD_SEEN_END, id, -1, &error, sizeof(error));
}

static int
on_seen(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_account	 msg;

	(void)arg;
	assert_int_equal(imsg_get_data(imsg, &msg, sizeof(msg)), 0);
	seen_validity = msg.uidvalidity;
	seen_id = imsg_get_id(imsg);
	if (!hold_seen)
		send_seen(ch, seen_id);
	return (0);
}

static void
send_ready(struct channel *ch, const struct file *f)
{
	struct proto_deliver_ready	 ready;

	memset(&ready, 0, sizeof(ready));
	channel_send(ch, SPOOLD_DELIVER_READY, f->id, dup(f->fd), &ready,
	    sizeof(ready));
}

static int
on_open(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_deliver	 msg;
	struct file		*f = &files[nfiles++];
	FILE			*fp;

	(void)arg;
	assert_true(nfiles <= FILES);
	assert_int_equal(imsg_get_data(imsg, &msg, sizeof(msg)), 0);
	assert_non_null(fp = tmpfile());
	f->fd = dup(fileno(fp));
	fclose(fp);
	f->id = imsg_get_id(imsg);
	strlcpy(f->uid, msg.uid.uid, sizeof(f->uid));
	if (!hold_ready && (hold_from == 0 || nfiles <= hold_from))
		send_ready(ch, f);
	return (0);
}

static int
on_commit(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct file	*f = file_find(imsg_get_id(imsg));
	uint32_t	 error = 0;

	(void)arg;
	assert_non_null(f);
	assert_int_equal(imsg_get_data(imsg, &f->size, sizeof(f->size)), 0);
	f->committed++;
	channel_send(ch, SPOOLD_DELIVER_DONE, f->id, -1, &error,
	    sizeof(error));
	return (0);
}

static int
on_abort(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct file	*f = file_find(imsg_get_id(imsg));
	uint32_t	 keep;

	(void)ch;
	(void)arg;
	assert_non_null(f);
	assert_int_equal(imsg_get_data(imsg, &keep, sizeof(keep)), 0);
	f->aborted++;
	f->kept = keep != 0;
	return (0);
}

static int
on_forget(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)imsg;
	(void)arg;
	nforgotten++;
	return (0);
}

static const struct channel_row spoold_rows[] = {
	{ FETCHD_SEEN,			on_seen },
	{ FETCHD_FORGET,		on_forget },
	{ FETCHD_DELIVER_OPEN,		on_open },
	{ FETCHD_DELIVER_COMMIT,	on_commit },
	{ FETCHD_DELIVER_ABORT,		on_abort },
	{ PROTO_NONE,			NULL }
};

/* dialerd */

static int
on_progress(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)arg;
	return (imsg_get_data(imsg, &progress, sizeof(progress)));
}

static int
on_account(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)arg;
	assert_true(nresults < PEERS);
	return (imsg_get_data(imsg, &results[nresults++],
	    sizeof(results[0])));
}

static const struct channel_row dialerd_rows[] = {
	{ FETCHD_PROGRESS,	on_progress },
	{ FETCHD_ACCOUNT,	on_account },
	{ PROTO_NONE,		NULL }
};

/* fetchd's side of them */

static const struct channel_row from_spoold[] = {
	{ SPOOLD_SEEN,		delivery_handle_seen },
	{ SPOOLD_SEEN_END,	delivery_handle_seen_end },
	{ SPOOLD_DELIVER_READY,	delivery_handle_ready },
	{ SPOOLD_DELIVER_DONE,	delivery_handle_done },
	{ PROTO_NONE,		NULL }
};

static const struct channel_row from_dialerd[] = {
	{ PROTO_NONE,		NULL }
};

static void
on_closed(struct channel *ch, int broken, void *arg)
{
	(void)arg;
	violation |= broken;
	if (ch == &to_spoold)
		delivery_peer_down();
}

static void
pipe_open(struct channel *ours, enum proc_id id,
    const struct channel_row *rows, struct channel *theirs,
    const struct channel_row *their_rows)
{
	int	 pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(channel_open(ours, pair[0], id, PROC_FETCHD, rows,
	    NULL, on_closed), 0);
	assert_int_equal(channel_open(theirs, pair[1], PROC_FETCHD, id,
	    their_rows, NULL, on_closed), 0);
}

static void
spoold_up(void)
{
	pipe_open(&spoold, PROC_SPOOLD, spoold_rows, &to_spoold, from_spoold);
}

/* upstream: with together the scripts begin when so many are connected. */

static void
on_accept(int fd, short events, void *arg)
{
	(void)events;
	(void)arg;
	assert_true(naccepted < PEERS);
	assert_int_not_equal(fds[naccepted++] = accept(fd, NULL, NULL), -1);
	if (naccepted < together)
		return;
	for (; npeers < naccepted; npeers++) {
		assert_non_null(scripts[npeers]);
		peers[npeers] = peer_new(fds[npeers], scripts[npeers]);
	}
}

static void
listen_on(int *fd, struct sockaddr_in *sin)
{
	socklen_t	 len = sizeof(*sin);

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(*fd, -1);
	assert_int_equal(bind(*fd, (struct sockaddr *)sin, len), 0);
	assert_int_equal(listen(*fd, 8), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)sin, &len), 0);
}

/* On the port of before. */
static void
listen_again(void)
{
	int	 on = 1;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(listener, -1);
	assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof(on)), 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address,
	    sizeof(address)), 0);
	assert_int_equal(listen(listener, 8), 0);
	event_set(&accept_ev, listener, EV_READ | EV_PERSIST, on_accept, NULL);
	event_add(&accept_ev, NULL);
}

static void
add_account(const char *name, uint32_t proto)
{
	struct conf_upstream	*u;
	struct conf_account	*a;

	assert_non_null(u = calloc(1, sizeof(*u)));
	u->name = strdup(name);
	u->fetch_proto = proto;
	u->fetch_host = strdup("relay.example");
	u->fetch_port = 110;
	u->fetch_tls = TLS_MODE_NONE;
	TAILQ_INSERT_TAIL(&conf->upstreams, u, entry);
	assert_non_null(a = calloc(1, sizeof(*a)));
	a->name = strdup(name);
	a->user = strdup("user");
	a->upstream = strdup(name);
	a->login = strdup("alice");
	a->password = strdup("secret");
	a->keep = KEEP_FOREVER;
	TAILQ_INSERT_TAIL(&conf->accounts, a, entry);
}

static int
setup(void **state)
{
	int	 fd;

	(void)state;
	alarm(TIME_LIMIT);
	signal(SIGPIPE, SIG_IGN);
	nfiles = nresults = nquestions = npeers = naccepted = together = 0;
	hold_ready = hold_seen = violation = stale = 0;
	seen_id = many_seen = nforgotten = 0;
	hold_from = 0;
	memset(files, 0, sizeof(files));
	memset(&progress, 0, sizeof(progress));
	memset(results, 0, sizeof(results));
	memset(scripts, 0, sizeof(scripts));
	memset(peers, 0, sizeof(peers));
	memset(questions, 0, sizeof(questions));
	spoold_up();
	pipe_open(&dialerd, PROC_DIALERD, dialerd_rows, &to_dialerd,
	    from_dialerd);
	listen_on(&listener, &address);
	listen_on(&fd, &stale_address);
	close(fd);	/* no one is there */
	event_set(&accept_ev, listener, EV_READ | EV_PERSIST, on_accept, NULL);
	event_add(&accept_ev, NULL);
	/* Each test begins as the first window did. */
	assert_non_null(pop3_known = known_upstream("relay.example", 110,
	    FETCH_POP3));
	known_forget(pop3_known);
	pop3_known->shy = 1;
	assert_non_null(conf = conf_new());
	conf->global.parallel = 4;
	return (0);
}

static int
teardown(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < npeers; i++)
		peer_free(peers[i]);
	for (i = 0; i < nfiles; i++)
		close(files[i].fd);
	event_del(&accept_ev);
	close(listener);
	channel_close(&spoold);
	channel_close(&dialerd);
	channel_close(&to_spoold);
	channel_close(&to_dialerd);
	conf_free(conf);
	/* Streams that take their leave. */
	event_dispatch();
	alarm(0);
	return (0);
}

/* One for all tests: fetchd's timers are made once. */
static int
loop_begin(void **state)
{
	(void)state;
	known_begin();
	return ((base = event_init()) == NULL ? -1 : 0);
}

static int
loop_end(void **state)
{
	(void)state;
	event_base_free(base);
	return (0);
}

#define UNTIL(condition) do {						\
	while (!(condition))						\
		assert_int_equal(event_loop(EVLOOP_ONCE), 0);		\
} while (0)

static void
close_window(void)
{
	schedule_close();
	UNTIL(progress.closed);
	assert_int_equal(progress.busy, 0);
}

static const struct proto_account_result *
result_of(const char *name)
{
	size_t	 i;

	for (i = 0; i < nresults; i++)
		if (strcmp(results[i].account, name) == 0)
			return (&results[i]);
	fail_msg("no result of %s", name);
	return (NULL);
}

static void
assert_file(const char *uid, const char *data)
{
	char	 buf[100];
	size_t	 i;
	ssize_t	 n;

	for (i = 0; i < nfiles; i++) {
		if (strcmp(files[i].uid, uid) != 0)
			continue;
		assert_int_equal(files[i].committed, 1);
		n = pread(files[i].fd, buf, sizeof(buf), 0);
		assert_int_equal(n, files[i].size);
		assert_int_equal(n, strlen(data));
		assert_memory_equal(buf, data, (size_t)n);
		return;
	}
	fail_msg("no file of %s", uid);
}

#define POP3_ONE(uid, body) { \
	SEND("+OK\n"), EXPECT("CAPA"), \
	SEND("+OK\nSASL PLAIN\nPIPELINING\n.\n"), \
	EXPECT("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), EXPECT("UIDL"), \
	EXPECT("LIST"), SEND("+OK\n+OK\n1 " uid "\n.\n+OK\n1 9\n.\n"), \
	EXPECT("RETR 1"), SEND("+OK\n" body ".\n"), EXPECT("QUIT"), END \
}
static const struct peer_step	 pop3_a[] = POP3_ONE("a", "alpha\n");
static const struct peer_step	 pop3_b[] = POP3_ONE("b", "..beta\n");
static const struct peer_step	 refusing[] = {
	SEND("-ERR go away\n"), CLOSE, END
};
/* As far as spoold is asked for a file. */
static const struct peer_step	 pop3_listed[] = {
	SEND("+OK\n"), EXPECT("CAPA"),
	SEND("+OK\nSASL PLAIN\nPIPELINING\n.\n"),
	EXPECT("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), EXPECT("UIDL"),
	EXPECT("LIST"), SEND("+OK\n+OK\n1 a\n.\n+OK\n1 9\n.\n"), END
};
static const struct peer_step	 imap_part[] = {
	SEND("* OK [CAPABILITY IMAP4rev1] hi\n"),
	EXPECT("a1 LOGIN \"alice\" \"secret\""), EXPECT("a2 SELECT INBOX"),
	SEND("a1 OK [CAPABILITY IMAP4rev1] in\n* 1 EXISTS\n"
	    "* OK [UIDVALIDITY 7] ok\na2 OK\n"),
	EXPECT("a3 UID FETCH 1:* (UID RFC822.SIZE)"),
	SEND("* 1 FETCH (UID 5 RFC822.SIZE 200000)\na3 OK\n"),
	EXPECT("a4 UID FETCH 5 BODY.PEEK[]<0.16384>"),
	EXPECT("a5 UID FETCH 5 BODY.PEEK[]<16384.16384>"),
	EXPECT("a6 UID FETCH 5 BODY.PEEK[]<32768.16384>"),
	EXPECT("a7 UID FETCH 5 BODY.PEEK[]<49152.16384>"),
	SEND("* 1 FETCH (UID 5 BODY[]<0> {16384}\n"), END
};

/* Both are mailboxes of "a", by TLS. */
static void
add_secure(const char *name)
{
	struct conf_upstream	*u;
	struct conf_account	*a;

	add_account(name, FETCH_POP3);
	u = TAILQ_FIRST(&conf->upstreams);
	u->fetch_tls = TLS_MODE_IMPLICIT;
	u->ca_len = strlen(TEST_GOOD_CRT);
	if (u->ca_mem == NULL)
		u->ca_mem = (uint8_t *)strdup(TEST_GOOD_CRT);
	a = TAILQ_LAST(&conf->accounts, conf_accounts);
	free(a->upstream);
	a->upstream = strdup(u->name);
}

/*
 * The second one waits for the first one's handshake, and offers to go on
 * with its session; so does the next window, until it is plain that this
 * server does not.
 */
static void
test_session_offered(void **state)
{
	static struct peer_step		 a[32] = { TLS }, b[32] = { TLS };
	struct known_upstream		*k;

	(void)state;
	add_secure("a");
	memcpy(a + 1, pop3_a, sizeof(pop3_a));
	memcpy(b + 1, pop3_b, sizeof(pop3_b));
	add_secure("b");
	scripts[0] = a;
	scripts[1] = b;
	scripts[2] = a;
	scripts[3] = b;
	assert_non_null(k = known_upstream("relay.example", 110, FETCH_POP3));
	assert_int_not_equal(k->session_fd, -1);
	schedule_open(1, conf);
	UNTIL(nresults == 2 && progress.busy == 0);
	assert_string_equal(result_of("a")->text, "");
	assert_string_equal(result_of("b")->text, "");
	assert_int_equal(k->hits, 0);
	assert_int_equal(k->misses, 1);
	close_window();
	schedule_open(2, conf);
	UNTIL(nresults == 4 && progress.busy == 0);
	assert_int_equal(k->misses, 2);
	assert_int_equal(known_resume(k, 2, k->session_ca, time(NULL)), 0);
	close_window();
}

/* A server that has no TLS 1.2 any more is met with what it has. */
static void
test_usual_tls(void **state)
{
	static const struct peer_step	 none[] = { TLS13, END };
	static struct peer_step		 a[32] = { TLS13 }, b[32] = { TLS13 };
	struct known_upstream		*k;

	(void)state;
	add_secure("a");
	add_secure("b");
	memcpy(a + 1, pop3_a, sizeof(pop3_a));
	memcpy(b + 1, pop3_b, sizeof(pop3_b));
	conf->global.parallel = 1;
	scripts[0] = none;
	scripts[1] = a;
	scripts[2] = b;
	assert_non_null(k = known_upstream("relay.example", 110, FETCH_POP3));
	k->hits = k->misses = 0;
	k->session_at = 0;
	schedule_open(1, conf);
	UNTIL(nresults == 2 && progress.busy == 0);
	assert_string_equal(result_of("a")->text, "");
	assert_string_equal(result_of("b")->text, "");
	assert_int_equal(k->plain_tls, 1);
	k->plain_tls = 0;
	close_window();
}

/* A new connection for what is long, and all is fetched. */
static void
test_connects_again(void **state)
{
	static const struct peer_step	 first[] = {
		SEND("+OK\n"), EXPECT("CAPA"),
		SEND("+OK\nSASL PLAIN\nPIPELINING\n.\n"),
		EXPECT("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), EXPECT("UIDL"),
		EXPECT("LIST"), SEND("+OK\n+OK\n1 a\n2 b\n.\n"
		    "+OK\n1 7\n2 70001\n.\n"), EXPECT("RETR 1"),
		SEND("+OK\nalpha\n.\n"), EXPECT("DELE 1"), EXPECT("QUIT"),
		SEND("+OK\n+OK\n"), END
	};
	static const struct peer_step	 second[] = {
		EXPECT("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), EXPECT("UIDL"),
		EXPECT("LIST"), SEND("+OK\n+OK\n+OK\n1 b\n.\n"
		    "+OK\n1 70001\n.\n"), EXPECT("RETR 1"),
		SEND("+OK\nbeta\n.\n"), EXPECT("DELE 1"), EXPECT("QUIT"),
		SEND("+OK\n+OK\n"), END
	};

	(void)state;
	add_account("a", FETCH_POP3);
	TAILQ_FIRST(&conf->accounts)->keep = KEEP_NONE;
	scripts[0] = first;
	scripts[1] = second;
	known_set_rate(1000);
	pop3_known->shy = 0;
	schedule_open(1, conf);
	UNTIL(nresults == 1 && progress.busy == 0);
	assert_string_equal(results[0].text, "");
	assert_int_equal(results[0].messages, 2);
	assert_int_equal(results[0].bytes, 13);
	assert_int_equal(progress.messages, 2);
	assert_int_equal(progress.todo, 0);
	close_window();
	known_set_rate(0);
}

/* One after the other, or at once. */
static void
fetch_two(unsigned int parallel)
{
	add_account("a", FETCH_POP3);
	add_account("b", FETCH_POP3);
	conf->global.parallel = parallel;
	together = parallel;
	scripts[0] = pop3_a;
	scripts[1] = pop3_b;
	schedule_open(42, conf);
	UNTIL(nresults == 2);
	UNTIL(progress.busy == 0);
	assert_int_equal(progress.call, 42);
	assert_int_equal(progress.messages, 2);
	assert_int_equal(progress.message_bytes, 14);
	assert_int_equal(progress.failed, 0);
	assert_int_equal(progress.todo, 0);
	assert_true(progress.bytes_in > 100);
	assert_true(progress.bytes_out > 100);
	assert_int_equal(progress.closed, 0);
	assert_int_equal(result_of("a")->error, 0);
	assert_int_equal(result_of("a")->messages, 1);
	assert_int_equal(result_of("b")->bytes, 7);
	assert_string_equal(result_of("b")->user, "user");
	assert_file("a", "alpha\r\n");
	assert_file("b", ".beta\r\n");
	close_window();
	assert_int_equal(nresults, 2);
	assert_int_equal(progress.messages, 2);
}

static void
test_one_after_the_other(void **state)
{
	(void)state;
	fetch_two(1);
}

static void
test_at_once(void **state)
{
	(void)state;
	fetch_two(2);
}

/* No accounts at all: dialerd must not wait for us. */
static void
test_nothing_to_do(void **state)
{
	(void)state;
	progress.busy = 1;
	schedule_open(43, conf);
	UNTIL(progress.call == 43);
	assert_int_equal(progress.busy, 0);
	close_window();
	schedule_open(44, NULL);
	UNTIL(progress.call == 44);
	close_window();
}

/*
 * Four may be fetched at once: but not before the line is known, and not
 * over a slow one; only over one that would wait for answers most of the
 * time.
 */
static void
fetch_four(uint64_t rate, size_t at_first)
{
	static const char *const	 names[] = { "a", "b", "c", "d" };
	size_t				 i;

	known_set_rate(rate);
	for (i = 0; i < 4; i++) {
		add_account(names[i], FETCH_POP3);
		scripts[i] = refusing;
	}
	/* The scripts begin with the last of those. */
	together = at_first;
	schedule_open(1, conf);
	UNTIL(npeers >= at_first);
	assert_int_equal(naccepted, at_first);
	UNTIL(nresults == 4 && progress.busy == 0);
	close_window();
	known_set_rate(0);
}

static void
test_unknown_line(void **state)
{
	(void)state;
	fetch_four(0, 2);
}

static void
test_slow_line(void **state)
{
	(void)state;
	fetch_four(240, 2);
}

static void
test_fast_line(void **state)
{
	(void)state;
	fetch_four(100000000, 4);
}

/* One that fails does not keep the other from its mail. */
static void
test_one_fails(void **state)
{
	(void)state;
	add_account("a", FETCH_POP3);
	add_account("b", FETCH_POP3);
	add_account("none", FETCH_NONE);
	conf->global.parallel = 1;
	scripts[0] = refusing;
	scripts[1] = pop3_b;
	schedule_open(1, conf);
	UNTIL(nresults == 3 && progress.busy == 0);
	assert_int_equal(result_of("a")->error, EAGAIN);
	assert_string_equal(result_of("a")->text, "upstream refuses: go away");
	assert_int_equal(result_of("b")->error, 0);
	assert_int_equal(result_of("none")->error, ENOENT);
	assert_int_equal(progress.failed, 2);
	assert_int_equal(progress.messages, 1);
	close_window();
}

/* Remembered addresses that do not work are asked for again, once. */
static void
test_stale_address(void **state)
{
	(void)state;
	stale = 1;
	add_account("a", FETCH_POP3);
	scripts[0] = pop3_a;
	schedule_open(1, conf);
	UNTIL(nresults == 1);
	assert_int_equal(results[0].error, 0);
	assert_int_equal(nquestions, 2);
	assert_int_equal(questions[1].fresh, 1);
	close_window();
}

/*
 * Who is not trusted may only be at an address that was another's once: a
 * fresh look-up is tried, and then no more.
 */
static void
test_not_trusted(void **state)
{
	static const struct peer_step	 script[] = {
		SEND("+OK\n"), EXPECT("CAPA"), SEND("+OK\nSTLS\n.\n"),
		EXPECT("STLS"), SEND("-ERR not now\n"), END
	};
	struct conf_upstream		*u;

	(void)state;
	add_account("a", FETCH_POP3);
	u = TAILQ_FIRST(&conf->upstreams);
	u->fetch_tls = TLS_MODE_STARTTLS;
	assert_non_null(u->ca_mem = (void *)strdup(TEST_GOOD_CRT));
	u->ca_len = strlen(TEST_GOOD_CRT);
	scripts[0] = scripts[1] = script;
	schedule_open(1, conf);
	UNTIL(nresults == 1 && progress.busy == 0);
	assert_int_equal(naccepted, 2);
	assert_int_equal(nquestions, 2);
	assert_int_equal(questions[1].fresh, 1);
	assert_int_equal(results[0].error, EHOSTUNREACH);
	assert_non_null(strstr(results[0].text, "not now"));
	close_window();
}

static void
test_dead_server(void **state)
{
	(void)state;
	address = stale_address;
	add_account("a", FETCH_POP3);
	schedule_open(1, conf);
	UNTIL(nresults == 1 && progress.busy == 0);
	assert_int_equal(results[0].error, EHOSTUNREACH);
	assert_non_null(strstr(results[0].text, "connect"));
	assert_int_equal(nquestions, 2);
	close_window();
}

/* An account at the upstream of another. */
static void
add_account_there(const char *name, const char *upstream)
{
	struct conf_upstream	*u;
	struct conf_account	*a;

	add_account(name, FETCH_POP3);
	a = TAILQ_LAST(&conf->accounts, conf_accounts);
	free(a->upstream);
	a->upstream = strdup(upstream);
	u = TAILQ_LAST(&conf->upstreams, conf_upstreams);
	free(u->name);
	u->name = strdup("unused");
}

/* Accounts that share a dead server wait for it once, not one by one. */
static void
test_dead_server_shared(void **state)
{
	size_t	 i;

	(void)state;
	address = stale_address;
	add_account("a", FETCH_POP3);
	add_account_there("b", "a");
	add_account_there("c", "a");
	conf->global.parallel = 1;
	schedule_open(1, conf);
	UNTIL(nresults == 3 && progress.busy == 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(results[i].error, EHOSTUNREACH);
	assert_non_null(strstr(result_of("c")->text, "not tried again: conn"));
	assert_int_equal(nquestions, 2);
	assert_int_equal(progress.failed, 3);
	close_window();
}

/* Where it answers one it may answer the next. */
static void
test_server_closes(void **state)
{
	(void)state;
	add_account("a", FETCH_POP3);
	add_account_there("b", "a");
	conf->global.parallel = 1;
	scripts[0] = refusing;
	scripts[1] = pop3_b;
	schedule_open(1, conf);
	UNTIL(nresults == 2 && progress.busy == 0);
	assert_int_equal(result_of("b")->error, 0);
	close_window();
}

/* The far side is not there when the window opens. */
static void
test_there_later(void **state)
{
	(void)state;
	add_account("a", FETCH_POP3);
	scripts[0] = pop3_a;
	event_del(&accept_ev);
	close(listener);
	schedule_open(1, conf);
	UNTIL(nquestions == 2 && questions[1].cancelled);
	UNTIL(progress.busy);
	assert_int_equal(nresults, 0);
	listen_again();
	UNTIL(nresults == 1 && progress.busy == 0);
	assert_int_equal(results[0].error, 0);
	assert_int_equal(progress.messages, 1);
	assert_int_equal(nquestions, 2);
	close_window();
}

/* And the window closes before it is. */
static void
test_closes_early(void **state)
{
	(void)state;
	address = stale_address;
	add_account("a", FETCH_POP3);
	schedule_open(1, conf);
	UNTIL(nquestions == 2 && questions[1].cancelled);
	close_window();
	assert_int_equal(results[0].error, ECANCELED);
	assert_int_equal(progress.failed, 0);
	assert_int_equal(nquestions, 2);
}

static off_t
file_len(const struct file *f)
{
	struct stat	 st;

	assert_int_equal(fstat(f->fd, &st), 0);
	return (st.st_size);
}

/* The account keeps its name, but it is another mailbox: nothing is ours. */
static void
test_other_login(void **state)
{
	static const struct peer_step	 carol[] = {
		SEND("* OK [CAPABILITY IMAP4rev1] hi\n"),
		EXPECT("a1 LOGIN \"carol\" \"secret\""),
		EXPECT("a2 SELECT INBOX"),
		SEND("a1 OK [CAPABILITY IMAP4rev1] in\n* 0 EXISTS\n"
		    "* OK [UIDVALIDITY 7] ok\na2 OK\n"),
		EXPECT("a3 LOGOUT"), END
	};
	static const struct peer_step	 again[] = {
		EXPECT("a1 LOGIN \"alice\" \"secret\""),
		EXPECT("a2 SELECT INBOX"),
		EXPECT("a3 UID FETCH 1:* (UID RFC822.SIZE)"),
		SEND("* OK [CAPABILITY IMAP4rev1] hi\n"
		    "a1 OK [CAPABILITY IMAP4rev1] in\n* 0 EXISTS\n"
		    "* OK [UIDVALIDITY 7] ok\na2 OK\na3 OK\n"),
		EXPECT("a4 LOGOUT"), END
	};
	static struct peer_step		 alice[6];
	uint32_t			 first;
	struct conf_account		*a;

	(void)state;
	memcpy(alice, carol, sizeof(carol));
	alice[1].text = "a1 LOGIN \"alice\" \"secret\"";
	add_account("a", FETCH_IMAP);
	scripts[0] = alice;
	scripts[1] = again;
	scripts[2] = carol;
	schedule_open(1, conf);
	UNTIL(nresults == 1 && progress.busy == 0);
	assert_int_equal(results[0].error, 0);
	first = seen_validity;
	close_window();
	schedule_open(2, conf);
	UNTIL(nresults == 2 && progress.busy == 0);
	assert_int_equal(seen_validity, first);
	close_window();
	a = TAILQ_FIRST(&conf->accounts);
	memcpy(a->login, "carol", 5);
	schedule_open(3, conf);
	UNTIL(nresults == 3 && progress.busy == 0);
	assert_int_equal(results[2].error, 0);
	assert_int_not_equal(seen_validity, first);
	close_window();
}

/* The window closes in the middle: what is there is kept for the next. */
static void
test_window_closes(void **state)
{
	static char			 part[10001];
	static const struct peer_step	 more[] = { SEND(part), END };
	static struct peer_step		 steps[16];
	size_t				 n = sizeof(imap_part) /
					    sizeof(imap_part[0]);

	(void)state;
	memset(part, 'x', sizeof(part) - 1);
	memcpy(steps, imap_part, sizeof(imap_part));
	memcpy(steps + n - 1, more, sizeof(more));
	add_account("a", FETCH_IMAP);
	add_account("b", FETCH_POP3);
	conf->global.parallel = 1;
	scripts[0] = steps;
	schedule_open(1, conf);
	UNTIL(nfiles == 1 && file_len(&files[0]) == 10000);
	close_window();
	assert_int_equal(files[0].aborted, 1);
	assert_int_equal(files[0].kept, 1);
	assert_int_equal(result_of("a")->error, ECANCELED);
	assert_string_equal(result_of("a")->text, "the window closed");
	assert_int_equal(result_of("b")->error, ECANCELED);
	assert_string_equal(result_of("b")->text,
	    "the window closed before its turn");
	assert_int_equal(progress.failed, 0);
}

/* A POP3 session says good-bye, so that its deletions count. */
static void
test_closes_with_quit(void **state)
{
	static const struct peer_step	 steps[] = {
		SEND("+OK\n"), EXPECT("CAPA"),
		SEND("+OK\nSASL PLAIN\nPIPELINING\n.\n"),
		EXPECT("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), EXPECT("UIDL"),
		EXPECT("LIST"), SEND("+OK\n+OK\n1 a\n2 b\n.\n"),
		SEND("+OK\n1 9\n2 10\n.\n"), EXPECT("RETR 1"),
		SEND("+OK\na\n.\n"), EXPECT("DELE 1"), EXPECT("QUIT"),
		SEND("+OK\n+OK\n"), END
	};

	(void)state;
	hold_from = 1;
	add_account("a", FETCH_POP3);
	TAILQ_FIRST(&conf->accounts)->keep = KEEP_NONE;
	scripts[0] = steps;
	schedule_open(1, conf);
	UNTIL(progress.messages == 1);
	close_window();
	assert_int_equal(results[0].error, ECANCELED);
	assert_int_equal(results[0].messages, 1);
	send_ready(&spoold, &files[1]);
	UNTIL(files[1].aborted);
}

/*
 * It closes while spoold opens a file: there is nothing to abort before
 * that is open, and then it is.
 */
static void
test_closes_while_opening(void **state)
{
	(void)state;
	hold_ready = 1;
	add_account("a", FETCH_POP3);
	scripts[0] = pop3_listed;
	schedule_open(1, conf);
	UNTIL(nfiles == 1);
	close_window();
	assert_int_equal(files[0].aborted, 0);
	send_ready(&spoold, &files[0]);
	UNTIL(files[0].aborted);
	assert_int_equal(files[0].kept, 0);
	assert_int_equal(violation, 0);
}

/*
 * It closes while spoold is asked what is ours: the answer comes before the
 * account has ended, and after its session has.
 */
static void
test_closes_while_comparing(void **state)
{
	(void)state;
	hold_seen = 1;
	add_account("a", FETCH_POP3);
	scripts[0] = pop3_listed;
	schedule_open(1, conf);
	UNTIL(seen_id != 0);
	send_seen(&spoold, seen_id);
	channel_flush(&spoold);
	close_window();
	assert_int_equal(result_of("a")->error, ECANCELED);
	assert_int_equal(nfiles, 0);
	assert_int_equal(violation, 0);
}

/* A mailbox that was emptied: spoold is told no faster than it listens. */
static void
test_much_is_gone(void **state)
{
	(void)state;
	many_seen = 60000;
	add_account("a", FETCH_POP3);
	scripts[0] = pop3_a;
	schedule_open(1, conf);
	UNTIL(nresults == 1 && progress.busy == 0);
	assert_int_equal(results[0].error, 0);
	assert_int_equal(violation, 0);
	assert_true(nforgotten > 1000);
	close_window();
}

/*
 * A message that breaks the session each time does not keep those behind it
 * from coming: the next session asks for it last.
 */
static void
test_breaks_session(void **state)
{
#define POP3_TWO \
	SEND("+OK\n"), EXPECT("CAPA"), SEND("-ERR\n"), EXPECT("USER alice"), \
	SEND("+OK\n"), EXPECT("PASS secret"), SEND("+OK\n"), \
	EXPECT("UIDL"), SEND("+OK\n1 bad\n2 good\n.\n"), \
	EXPECT("LIST"), SEND("+OK\n1 9\n2 10\n.\n")
	static const struct peer_step	 breaks[] = {
		POP3_TWO, EXPECT("RETR 1"), SEND("+OK\na"), CLOSE, END
	};
	static const struct peer_step	 again[] = {
		POP3_TWO, EXPECT("RETR 2"), SEND("+OK\nb\n.\n"),
		EXPECT("RETR 1"), SEND("+OK\na"), CLOSE, END
	};

	(void)state;
	add_account("a", FETCH_POP3);
	scripts[0] = breaks;
	scripts[1] = again;
	schedule_open(1, conf);
	UNTIL(nresults == 1 && progress.busy == 0);
	assert_int_equal(results[0].error, ECONNRESET);
	assert_int_equal(results[0].messages, 0);
	close_window();
	schedule_open(2, conf);
	UNTIL(nresults == 2 && progress.busy == 0);
	assert_int_equal(results[1].error, ECONNRESET);
	assert_int_equal(results[1].messages, 1);
	close_window();
}

/* spoold dies: its deliveries are lost, and the next window is fine. */
static void
test_spoold_dies(void **state)
{
	(void)state;
	hold_ready = 1;
	add_account("a", FETCH_POP3);
	scripts[0] = pop3_listed;
	schedule_open(1, conf);
	UNTIL(nfiles == 1);
	channel_close(&spoold);
	UNTIL(nresults == 1);
	assert_int_equal(results[0].error, EPIPE);
	assert_string_equal(results[0].text, "the spool is gone");
	close_window();

	hold_ready = 0;
	spoold_up();
	memset(&progress, 0, sizeof(progress));
	scripts[1] = pop3_a;
	schedule_open(2, conf);
	UNTIL(nresults == 2);
	assert_int_equal(results[1].error, 0);
	close_window();
}

/* A window that opens while another is thought open takes its place. */
static void
test_opens_again(void **state)
{
	(void)state;
	hold_ready = 1;
	add_account("a", FETCH_POP3);
	scripts[0] = pop3_listed;
	schedule_open(1, conf);
	UNTIL(nfiles == 1);
	hold_ready = 0;
	scripts[1] = pop3_a;
	schedule_open(2, conf);
	UNTIL(nresults == 1);
	assert_int_equal(results[0].error, 0);
	UNTIL(progress.call == 2);
	send_ready(&spoold, &files[0]);
	UNTIL(files[0].aborted);
	close_window();
	assert_int_equal(progress.messages, 1);
}

/* An answer to a question that was not asked breaks the protocol. */
static void
test_wrong_answers(void **state)
{
	struct file	 f = { .id = 77, .fd = 0 };
	uint32_t	 error = 0;

	(void)state;
	send_ready(&spoold, &f);
	UNTIL(violation);
	violation = 0;
	channel_close(&spoold);
	spoold_up();
	channel_send(&spoold, SPOOLD_DELIVER_DONE, 78, -1, &error,
	    sizeof(error));
	UNTIL(violation);
}

static int	 is_down;

static void
down(void)
{
	is_down = 1;
}

/* Last of all, for nothing is fetched any more after it. */
static void
test_shutdown(void **state)
{
	(void)state;
	hold_ready = 1;
	add_account("a", FETCH_POP3);
	scripts[0] = pop3_listed;
	schedule_open(1, conf);
	UNTIL(nfiles == 1);
	schedule_shutdown(down);
	UNTIL(is_down);
	UNTIL(progress.closed);
	assert_int_equal(nresults, 1);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(test_ ## name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(one_after_the_other),
		TEST(session_offered),
		TEST(usual_tls),
		TEST(at_once),
		TEST(connects_again),
		TEST(unknown_line),
		TEST(slow_line),
		TEST(fast_line),
		TEST(nothing_to_do),
		TEST(one_fails),
		TEST(stale_address),
		TEST(not_trusted),
		TEST(dead_server),
		TEST(dead_server_shared),
		TEST(server_closes),
		TEST(there_later),
		TEST(closes_early),
		TEST(other_login),
		TEST(window_closes),
		TEST(closes_with_quit),
		TEST(closes_while_opening),
		TEST(closes_while_comparing),
		TEST(much_is_gone),
		TEST(breaks_session),
		TEST(spoold_dies),
		TEST(opens_again),
		TEST(wrong_answers),
		TEST(shutdown),
	};

	return (cmocka_run_group_tests(tests, loop_begin, loop_end));
}
