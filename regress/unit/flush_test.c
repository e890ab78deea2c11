/* See LICENSE for the terms. */

/*
 * The flush with a real queue and a scripted upstream on loopback: what is
 * tried when, what becomes of each recipient, and what dialerd is told.
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "ask.h"
#include "child.h"
#include "fixture.h"
#include "flush.h"
#include "late.h"
#include "log.h"
#include "outgoing.h"
#include "queue_internal.h"
#include "smtp_peer.h"
#include "spoold.h"
#include "waiting.h"

#define TEST_SECONDS	40	/* more than any test needs */
#define SCRIPTS		4

/* What spoold.c, ask.c and child.c are to the flush. */

int			 spool_fd = -1;
struct queue		*spool_queue;
struct conf		*child_conf;

static struct event	 commit_timer;
static struct event	 answer_timer;
static struct channel	 dialerd;
static struct proto_progress	 last;		/* as dialerd was told */
static unsigned int	 told;
static struct proto_window	 window;
static struct proto_bulk	 bulk;
static int		 give_bulk;
static struct proto_user_sent	 sent[4];
static unsigned int	 nsent;

static struct {
	ask_resolved_cb		*cb;
	void			*arg;
	struct proto_addresses	 answer;
	unsigned int		 asked;
	unsigned int		 fresh;
} names;

/* Upstream. */
static int		 listener = -1;
static uint16_t		 port;
static struct event	 accept_event;
static const struct peer_step	*scripts[SCRIPTS];
static struct peer	*peers[SCRIPTS];
static unsigned int	 accepted;

static int		 queued;	/* result of the last submit */
static unsigned int	 commits;	/* since a test set it to 0 */

static void
commit(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	commits++;
	queue_commit(spool_queue);
	flush_kick();
}

void
spool_commit_soon(void)
{
	struct timeval	 now = { 0, 0 };

	if (!evtimer_pending(&commit_timer, NULL))
		evtimer_add(&commit_timer, &now);
}

static void
answer(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	names.cb(names.arg, &names.answer);
}

uint32_t
ask_resolve(const char *host, uint16_t p, int fresh, ask_resolved_cb *cb,
    void *arg)
{
	struct timeval	 now = { 0, 0 };

	assert_string_equal(host, "127.0.0.1");
	assert_int_equal(p, 25);
	names.asked++;
	names.fresh += fresh != 0;
	names.cb = cb;
	names.arg = arg;
	evtimer_add(&answer_timer, &now);
	return (1);
}

void
ask_cancel(uint32_t id)
{
	(void)id;
	evtimer_del(&answer_timer);
}

struct channel *
child_peer(enum proc_id peer)
{
	assert_int_equal(peer, PROC_DIALERD);
	return (&dialerd);
}

int
channel_send(struct channel *ch, uint32_t type, uint32_t id, int fd,
    const void *data, size_t len)
{
	(void)id;
	(void)fd;
	assert_ptr_equal(ch, &dialerd);
	if (type == SPOOLD_USER_SENT) {
		/* Before dialerd hears that it is over. */
		assert_false(last.closed);
		assert_int_equal(len, sizeof(sent[0]));
		assert_true(nsent < 4);
		memcpy(&sent[nsent++], data, len);
		return (0);
	}
	assert_int_equal(type, SPOOLD_PROGRESS);
	assert_int_equal(len, sizeof(last));
	memcpy(&last, data, len);
	told++;
	return (0);
}

int
imsg_get_data(struct imsg *imsg, void *data, size_t len)
{
	(void)imsg;
	if (len == sizeof(bulk) && give_bulk) {
		memcpy(data, &bulk, len);
		return (0);
	}
	assert_int_equal(len, sizeof(window));
	memcpy(data, &window, len);
	return (0);
}

static void
on_accept(int fd, short events, void *arg)
{
	int	 s;

	(void)events;
	(void)arg;
	assert_int_not_equal(s = accept(fd, NULL, NULL), -1);
	assert_true(accepted < SCRIPTS && scripts[accepted] != NULL);
	peers[accepted] = peer_new(s, scripts[accepted]);
	accepted++;
}

/* Setting up. */

static void
add_address(uint16_t p)
{
	struct sockaddr_in	*sin;

	sin = (struct sockaddr_in *)
	    &names.answer.address[names.answer.count++];
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin->sin_port = htons(p);
}

static void
listen_up(void)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_not_equal(listener, -1);
	assert_int_equal(bind(listener, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sin,
	    &len), 0);
	port = ntohs(sin.sin_port);
	event_set(&accept_event, listener, EV_READ | EV_PERSIST, on_accept,
	    NULL);
	event_add(&accept_event, NULL);
}

static void
make_conf(void)
{
	struct conf_upstream	*up;
	struct conf_user	*u;

	assert_non_null(child_conf = conf_new());
	child_conf->global.hostname = strdup("us.example");
	child_conf->global.expire = 10;
	assert_non_null(up = calloc(1, sizeof(*up)));
	up->name = strdup("isp");
	up->relay_host = strdup("127.0.0.1");
	up->relay_port = 25;
	TAILQ_INSERT_TAIL(&child_conf->upstreams, up, entry);
	assert_non_null(u = calloc(1, sizeof(*u)));
	u->name = strdup("alice");
	TAILQ_INIT(&u->addresses);
	strlist_add(&u->addresses, "alice@us.example");
	TAILQ_INSERT_TAIL(&child_conf->users, u, entry);
}

/* What spoold does when it ends. */
static void
last_commit(void)
{
	outgoing_retry();
	queue_commit(spool_queue);
}

static int
setup(void **state)
{
	static const char *const dirs[] = { "queue", NULL };

	(void)state;
	alarm(TEST_SECONDS);
	spool_fd = fixture_make("flush_test", dirs);
	assert_int_not_equal(spool_fd, -1);
	assert_non_null(spool_queue = queue_open(spool_fd, "queue"));
	waiting_watch(spool_queue);
	evtimer_set(&commit_timer, commit, NULL);
	evtimer_set(&answer_timer, answer, NULL);
	memset(&names, 0, sizeof(names));
	memset(scripts, 0, sizeof(scripts));
	memset(peers, 0, sizeof(peers));
	memset(&last, 0, sizeof(last));
	accepted = told = nsent = 0;
	make_conf();
	listen_up();
	return (0);
}

static int
teardown(void **state)
{
	unsigned int	 i;

	(void)state;
	alarm(0);
	flush_stop();
	late_stop();
	waiting_clear();
	/* Marks that are still under way belong to this queue. */
	last_commit();
	queue_close(spool_queue);
	evtimer_del(&commit_timer);
	conf_free(child_conf);
	child_conf = NULL;
	event_del(&accept_event);
	close(listener);
	fixture_remove();
	for (i = 0; i < accepted; i++)
		peer_free(peers[i]);
	return (0);
}

static void
on_queued(void *arg, int result)
{
	(void)arg;
	queued = result;
}

/* What the next message is, beside what enqueue is told. */
static struct {
	enum proto_class	 class;
	const char		*from;		/* the user */
	int64_t			 deadline;
	uint32_t		 flags;
} next_message;

/* A message from alice, of so many bytes; recipients. */
static uint64_t
enqueue_list(size_t size, const char *local, va_list ap)
{
	static const char	 text[] = "12345678";
	struct queue_writer	*w;
	struct envelope		*e;
	const char		*address;
	uint64_t		 id;

	assert_non_null(e = envelope_new("alice@us.example"));
	e->class = next_message.class;
	e->deadline = next_message.deadline;
	e->flags = next_message.flags;
	if (next_message.from != NULL)
		assert_non_null(e->user = strdup(next_message.from));
	memset(&next_message, 0, sizeof(next_message));
	while ((address = va_arg(ap, const char *)) != NULL)
		assert_int_equal(envelope_add(e, address, NULL), 0);
	if (local != NULL)
		assert_int_equal(envelope_add(e, "l@us.example", local), 0);
	assert_non_null(w = queue_message(spool_queue));
	while (size > 8) {
		assert_int_equal(queue_write(w, text, 8), 0);
		size -= 8;
	}
	assert_int_equal(queue_write(w, text, size), 0);
	id = queue_writer_id(w);
	queued = -1;
	queue_submit(w, e, on_queued, NULL);
	queue_commit(spool_queue);
	assert_int_equal(queued, 0);
	envelope_free(e);
	return (id);
}

/* Recipients until NULL. */
static uint64_t
enqueue(size_t size, ...)
{
	uint64_t	 id;
	va_list		 ap;

	va_start(ap, size);
	id = enqueue_list(size, NULL, ap);
	va_end(ap);
	return (id);
}

/* The same, and behind them a user here. */
static uint64_t
enqueue_for(size_t size, const char *local, ...)
{
	uint64_t	 id;
	va_list		 ap;

	va_start(ap, local);
	id = enqueue_list(size, local, ap);
	va_end(ap);
	return (id);
}

static void
open_window(void)
{
	window.call++;
	assert_int_equal(flush_handle_window_open(&dialerd, NULL, NULL), 0);
	assert_int_equal(last.call, window.call);
}

static void
close_window(void)
{
	assert_int_equal(flush_handle_window_close(&dialerd, NULL, NULL), 0);
	assert_true(last.closed);
	assert_false(last.busy);
	assert_int_equal(last.call, window.call);
}

/* Until there is nothing to do, and what was done is durable. */
static void
run(void)
{
	while (last.busy || queue_pending(spool_queue) ||
	    evtimer_pending(&commit_timer, NULL))
		peer_turn();
}

static void
window_whole(void)
{
	open_window();
	run();
	close_window();
}

/* A message's one recipient: how often it was tried, -1 when it is gone. */
static int
tries(uint64_t id)
{
	struct envelope	*e;
	int		 n;

	if ((e = queue_envelope(spool_queue, id)) == NULL)
		return (-1);
	assert_int_equal(e->recipients[0].state, RECIPIENT_WAITING);
	n = (int)e->recipients[0].windows;
	envelope_free(e);
	return (n);
}

/* Whether the disk has room for anything. */
static void
disk_takes(int takes)
{
	struct rlimit	 rl;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &rl), 0);
	rl.rlim_cur = takes ? rl.rlim_max : 1;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rl), 0);
}

#define HELLO \
	SEND("220 x\n"), EXPECT("EHLO us.example"), \
	SEND("250-x\n250-PIPELINING\n250 CHUNKING\n")
#define MAIL(rcpt, size, text) \
	EXPECT("MAIL FROM:<alice@us.example>"), EXPECT("RCPT TO:<" rcpt ">"), \
	EXPECT("BDAT " size " LAST"), BYTES(text)
#define TAKEN	"250 m\n250 r\n250 taken\n"

static void
test_smallest_first(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("b@x", "1", "1"), EXPECT("RSET"),
		MAIL("c@x", "2", "12"), EXPECT("RSET"),
		MAIL("a@x", "3", "123"),
		SEND(TAKEN "250 s\n" TAKEN "250 s\n" TAKEN), EXPECT("QUIT"),
		END
	};
	struct queue_info	 info;

	(void)state;
	enqueue(3, "a@x", NULL);
	enqueue(1, "b@x", NULL);
	enqueue(2, "c@x", NULL);
	scripts[0] = script;
	open_window();
	assert_true(last.busy);
	assert_int_equal(last.todo, 3);
	assert_int_equal(last.todo_bytes, 6);
	run();
	assert_int_equal(last.messages, 3);
	assert_int_equal(last.message_bytes, 6);
	assert_int_equal(last.failed, 0);
	assert_int_equal(last.todo, 0);
	assert_true(last.bytes_out > 100 && last.bytes_in > 50);
	assert_false(queue_next(spool_queue, 0, &info));
	close_window();
	while (!peer_closed(peers[0]))
		peer_turn();
}

/* Nothing waits: nobody is called, and dialerd hears that at once. */
static void
test_nothing_to_do(void **state)
{
	(void)state;
	open_window();
	assert_int_equal(told, 1);
	assert_false(last.busy);
	assert_int_equal(names.asked, 0);
	close_window();
}

/* A 4xx is one try in this window, and a bounce after so many of them. */
static void
test_deferred_then_expired(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("b@x", "1", "1"),
		SEND("250 m\n451 4.3.0 later\n503 b\n"), END
	};
	struct envelope	*e;
	uint64_t	 id;

	(void)state;
	child_conf->global.expire = 2;
	id = enqueue(1, "b@x", NULL);
	scripts[0] = scripts[1] = script;
	open_window();
	run();
	flush_kick();
	run();
	assert_int_equal(last.failed, 1);
	assert_int_equal(last.messages, 0);
	close_window();
	assert_int_equal(accepted, 1);
	assert_non_null(e = queue_envelope(spool_queue, id));
	assert_int_equal(e->recipients[0].state, RECIPIENT_WAITING);
	assert_int_equal(e->recipients[0].windows, 1);
	assert_string_equal(e->recipients[0].status, "451 4.3.0 later");
	envelope_free(e);
	window_whole();
	assert_int_equal(accepted, 2);
	assert_int_equal(tries(id), -1);
}

/* A 5xx is a message to the sender, and only then is the recipient done. */
static void
test_bounced(void **state)
{
	static const struct peer_step script[] = {
		HELLO, EXPECT("MAIL FROM:<alice@us.example>"),
		EXPECT("RCPT TO:<no@x>"), EXPECT("RCPT TO:<b@x>"),
		EXPECT("BDAT 1 LAST"), BYTES("1"),
		SEND("250 m\n550 5.1.1 no\n250 r\n250 taken\n"), END
	};
	struct queue_info	 info;
	struct envelope		*e;
	uint64_t		 id;

	(void)state;
	id = enqueue(1, "no@x", "b@x", NULL);
	scripts[0] = script;
	window_whole();
	assert_int_equal(last.messages, 1);
	assert_int_equal(last.failed, 1);
	assert_int_equal(tries(id), -1);
	assert_true(queue_next(spool_queue, 0, &info));
	assert_non_null(e = queue_envelope(spool_queue, info.id));
	assert_string_equal(e->sender, "");
	assert_string_equal(e->recipients[0].user, "alice");
	envelope_free(e);
	assert_false(queue_next(spool_queue, info.id, &info));
}

#define REFUSED { \
	HELLO, MAIL("no@x", "1", "1"), \
	SEND("250 m\n550 5.1.1 no\n503 b\n"), END \
}

/* Until the commit is due that has what the server said. */
static void
until_answered(void)
{
	open_window();
	while (!queue_pending(spool_queue))
		peer_turn();
	commits = 0;
}

/* The notice and what it says: a crash finds both, or neither. */
static void
test_bounced_at_once(void **state)
{
	static const struct peer_step script[] = REFUSED;
	struct queue_info	 info;
	uint64_t		 id;

	(void)state;
	id = enqueue(1, "no@x", NULL);
	scripts[0] = script;
	until_answered();
	while (commits == 0)
		peer_turn();
	assert_int_equal(commits, 1);
	assert_int_equal(tries(id), -1);
	assert_true(queue_next(spool_queue, 0, &info));
	assert_false(queue_next(spool_queue, info.id, &info));
	run();
	close_window();
}

/* Without its notice a mark must not be made, now or later (M2). */
static void
test_bounce_not_taken(void **state)
{
	static const struct peer_step script[] = REFUSED;
	struct queue_info	 info;
	uint64_t		 id;

	(void)state;
	id = enqueue(1, "no@x", NULL);
	scripts[0] = scripts[1] = script;
	until_answered();
	disk_takes(0);
	run();
	disk_takes(1);
	close_window();
	last_commit();
	assert_int_equal(tries(id), 0);
	assert_true(queue_next(spool_queue, 0, &info));
	assert_int_equal(info.id, id);
	assert_false(queue_next(spool_queue, id, &info));
	window_whole();
	assert_int_equal(tries(id), -1);
}

/* Another message of the commit is refused, and the marks with it. */
static void
test_bounce_mark_not_taken(void **state)
{
	static const struct peer_step script[] = REFUSED;
	struct queue_writer	*w;
	struct queue_info	 info;
	struct envelope		*e;
	uint64_t		 id;

	(void)state;
	id = enqueue(1, "no@x", NULL);
	scripts[0] = script;
	until_answered();
	assert_non_null(e = envelope_new("alice@us.example"));
	assert_non_null(w = queue_message(spool_queue));
	queue_submit(w, e, on_queued, NULL);
	envelope_free(e);
	run();
	assert_int_equal(queued, EINVAL);
	close_window();
	last_commit();
	assert_int_equal(tries(id), -1);
	assert_true(queue_next(spool_queue, 0, &info));
	assert_false(queue_next(spool_queue, info.id, &info));
}

/* A full disk: what was sent is known to memory only until the end. */
static void
test_mark_at_the_end(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("b@x", "1", "1"), SEND(TAKEN), END
	};
	uint64_t	 id;

	(void)state;
	id = enqueue(1, "b@x", NULL);
	scripts[0] = script;
	until_answered();
	disk_takes(0);
	run();
	disk_takes(1);
	close_window();
	assert_int_equal(last.messages, 1);
	assert_int_equal(tries(id), 0);
	last_commit();
	assert_int_equal(tries(id), -1);
}

/* Not let in: no recipient is to blame, and it is not tried twice. */
static void
test_not_let_in(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("b@x", "1", "1"),
		SEND("530 5.7.0 who are you\n503 r\n503 b\n"), END
	};
	uint64_t	 id;

	(void)state;
	id = enqueue(1, "b@x", NULL);
	scripts[0] = script;
	open_window();
	run();
	assert_int_equal(last.failed, 1);
	assert_int_equal(last.todo, 1);
	flush_kick();
	assert_false(last.busy);
	close_window();
	assert_int_equal(accepted, 1);
	assert_int_equal(tries(id), 0);
}

/*
 * The message that may have broken the session goes behind the others, and
 * when it breaks another waits for the next window: it has been tried.
 */
static void
test_session_breaks(void **state)
{
	static const struct peer_step first[] = {
		HELLO, MAIL("a@x", "1", "1"), EXPECT("RSET"),
		MAIL("b@x", "2", "12"), CLOSE, END
	};
	static const struct peer_step second[] = {
		HELLO, MAIL("b@x", "2", "12"), EXPECT("RSET"),
		MAIL("a@x", "1", "1"), SEND(TAKEN "250 s\n250 m\n250 r\n"),
		CLOSE, END
	};
	uint64_t	 a, b;

	(void)state;
	a = enqueue(1, "a@x", NULL);
	b = enqueue(2, "b@x", NULL);
	scripts[0] = first;
	scripts[1] = second;
	window_whole();
	assert_int_equal(accepted, 2);
	assert_int_equal(last.messages, 1);
	assert_int_equal(last.failed, 1);
	assert_int_equal(last.todo, 0);
	assert_int_equal(tries(a), 1);
	assert_int_equal(tries(b), -1);
}

#define BREAKS(rcpt, size, text) { \
	HELLO, MAIL(rcpt, size, text), SEND("250 m\n250 r\n"), CLOSE, END \
}

/* It was the message, not the server: what comes behind it goes. */
static void
test_message_breaks(void **state)
{
	static const struct peer_step script[] = BREAKS("a@x", "1", "1");
	static const struct peer_step third[] = {
		HELLO, MAIL("b@x", "2", "12"), SEND(TAKEN), END
	};
	struct envelope	*e;
	uint64_t	 a, b;

	(void)state;
	a = enqueue(1, "a@x", NULL);
	scripts[0] = scripts[1] = script;
	scripts[2] = third;
	open_window();
	run();
	assert_int_equal(accepted, 2);
	assert_non_null(e = queue_envelope(spool_queue, a));
	assert_string_equal(e->recipients[0].status,
	    "451 4.4.2 the session broke again: connection closed");
	envelope_free(e);
	b = enqueue(2, "b@x", NULL);
	flush_kick();
	run();
	assert_int_equal(last.messages, 1);
	close_window();
	assert_int_equal(tries(a), 1);
	assert_int_equal(tries(b), -1);
}

/* And when that was its last window, its sender hears of it (M8). */
static void
test_breaks_then_expires(void **state)
{
	static const struct peer_step script[] = BREAKS("a@x", "1", "1");
	struct queue_info	 info;
	uint64_t		 a;

	(void)state;
	child_conf->global.expire = 2;
	a = enqueue(1, "a@x", NULL);
	scripts[0] = scripts[1] = scripts[2] = scripts[3] = script;
	window_whole();
	assert_int_equal(tries(a), 1);
	window_whole();
	assert_int_equal(tries(a), -1);
	assert_true(queue_next(spool_queue, 0, &info));
	assert_false(queue_next(spool_queue, info.id, &info));
}

/* A server that breaks over every message: none of them is to blame. */
static void
test_server_breaks(void **state)
{
	static const struct peer_step first[] = {
		HELLO, MAIL("a@x", "1", "1"), EXPECT("RSET"),
		MAIL("b@x", "2", "12"), CLOSE, END
	};
	static const struct peer_step second[] = {
		HELLO, MAIL("b@x", "2", "12"), EXPECT("RSET"),
		MAIL("a@x", "1", "1"), CLOSE, END
	};
	uint64_t	 a, b;

	(void)state;
	a = enqueue(1, "a@x", NULL);
	b = enqueue(2, "b@x", NULL);
	scripts[0] = first;
	scripts[1] = second;
	window_whole();
	assert_int_equal(accepted, 2);
	assert_int_equal(last.failed, 1);
	assert_int_equal(last.todo, 2);
	assert_int_equal(tries(a), 0);
	assert_int_equal(tries(b), 0);
}

/* Nor is a message over which a server only forgets that it knows BDAT. */
static void
test_no_chunking(void **state)
{
	static const struct peer_step first[] = {
		HELLO, MAIL("a@x", "1", "1"),
		SEND("250 m\n250 r\n502 what\n"), END
	};
	static const struct peer_step second[] = {
		HELLO, EXPECT("MAIL FROM:<alice@us.example>"),
		EXPECT("RCPT TO:<a@x>"), EXPECT("DATA"), CLOSE, END
	};
	uint64_t	 a;

	(void)state;
	a = enqueue(1, "a@x", NULL);
	scripts[0] = first;
	scripts[1] = second;
	window_whole();
	assert_int_equal(accepted, 2);
	assert_int_equal(tries(a), 0);
}

/* Recipients with an answer are not named again after a break. */
static void
test_break_in_between(void **state)
{
	static const struct peer_step first[] = {
		HELLO, EXPECT("MAIL FROM:<alice@us.example>"),
		EXPECT("RCPT TO:<later@x>"), EXPECT("RCPT TO:<b@x>"),
		EXPECT("BDAT 1 LAST"), BYTES("1"),
		SEND("250 m\n450 later\n250 r\n"), CLOSE, END
	};
	static const struct peer_step second[] = {
		HELLO, MAIL("b@x", "1", "1"), SEND(TAKEN), END
	};
	uint64_t	 id;

	(void)state;
	id = enqueue(1, "later@x", "b@x", NULL);
	scripts[0] = first;
	scripts[1] = second;
	window_whole();
	assert_int_equal(last.messages, 1);
	assert_int_equal(tries(id), 1);
	assert_true(queue_is_marked(spool_queue, id, 1));
}

/*
 * Servers end a session after so many refusals.  Those were answers: it is
 * not given up while there are any.
 */
static void
test_break_after_errors(void **state)
{
#define FROM	EXPECT("MAIL FROM:<alice@us.example>")
#define BODY	EXPECT("BDAT 1 LAST"), BYTES("1")
#define NO	SEND("250 m\n550 no\n421 enough of that\n")
	static const struct peer_step first[] = {
		HELLO, FROM, EXPECT("RCPT TO:<a@x>"), EXPECT("RCPT TO:<b@x>"),
		EXPECT("RCPT TO:<c@x>"), BODY, NO, CLOSE, END
	};
	static const struct peer_step second[] = {
		HELLO, FROM, EXPECT("RCPT TO:<b@x>"), EXPECT("RCPT TO:<c@x>"),
		BODY, NO, CLOSE, END
	};
	static const struct peer_step third[] = {
		HELLO, MAIL("c@x", "1", "1"), SEND(TAKEN), END
	};
	uint64_t	 id;

	(void)state;
	id = enqueue(1, "a@x", "b@x", "c@x", NULL);
	scripts[0] = first;
	scripts[1] = second;
	scripts[2] = third;
	window_whole();
	assert_int_equal(accepted, 3);
	assert_int_equal(last.messages, 1);
	assert_int_equal(last.todo, 0);
	assert_int_equal(tries(id), -1);
}

/*
 * No address, not even a fresh one, as long as the connector is patient:
 * nothing was tried (M8).
 */
static void
test_no_address(void **state)
{
	uint64_t	 id;

	(void)state;
	names.answer.error = 2;
	id = enqueue(1, "b@x", NULL);
	child_conf->global.expire = 1;
	window_whole();
	assert_int_equal(names.asked, 7);
	assert_int_equal(names.fresh, 6);
	assert_int_equal(last.failed, 1);
	assert_int_equal(tries(id), 0);
}

/*
 * The route is not there when the window opens: dialerd hears that we are
 * busy, and the mail goes when it is.
 */
static void
test_there_later(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("b@x", "1", "1"), SEND(TAKEN), END
	};
	uint64_t	 id;

	(void)state;
	names.answer.error = 2;
	id = enqueue(1, "b@x", NULL);
	scripts[0] = script;
	open_window();
	while (names.asked < 3) {
		assert_true(last.busy);
		peer_turn();
	}
	names.answer.error = 0;
	run();
	assert_int_equal(last.messages, 1);
	assert_int_equal(last.failed, 0);
	close_window();
	assert_int_equal(tries(id), -1);
}

/* It closes while the connector pauses: nothing comes of it any more. */
static void
test_closes_early(void **state)
{
	uint64_t	 id;

	(void)state;
	names.answer.error = 2;
	id = enqueue(1, "b@x", NULL);
	open_window();
	while (names.asked < 2 || evtimer_pending(&answer_timer, NULL))
		peer_turn();
	assert_true(last.busy);
	close_window();
	assert_int_equal(last.failed, 0);
	assert_int_equal(last.todo, 1);
	assert_int_equal(tries(id), 0);
	assert_int_equal(names.asked, 2);
}

/* TLS that cannot even begin: told from within the take-over. */
static void
test_no_trust(void **state)
{
	static const struct peer_step script[] = { END };
	uint64_t	 id;

	(void)state;
	TAILQ_FIRST(&child_conf->upstreams)->relay_tls = TLS_MODE_IMPLICIT;
	id = enqueue(1, "b@x", NULL);
	scripts[0] = script;
	window_whole();
	assert_int_equal(names.asked, 1);
	assert_int_equal(last.failed, 1);
	assert_int_equal(last.todo, 1);
	assert_int_equal(tries(id), 0);
}

/*
 * A server that we do not trust may only be at an address that was another's
 * once: a fresh look-up is tried, and then no more.
 */
static void
test_not_trusted(void **state)
{
	static const struct peer_step script[] = {
		SEND("220 x\n"), EXPECT("EHLO us.example"),
		SEND("250-x\n250 PIPELINING\n"), END
	};
	uint64_t	 id;

	(void)state;
	TAILQ_FIRST(&child_conf->upstreams)->relay_tls = TLS_MODE_STARTTLS;
	id = enqueue(1, "b@x", NULL);
	scripts[0] = scripts[1] = script;
	window_whole();
	assert_int_equal(accepted, 2);
	assert_int_equal(names.asked, 2);
	assert_int_equal(names.fresh, 1);
	assert_int_equal(last.failed, 1);
	assert_int_equal(last.todo, 1);
	assert_int_equal(tries(id), 0);
}

/* The first address is dead: the second does. */
static void
test_next_address(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("b@x", "1", "1"), SEND(TAKEN), END
	};
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	int			 s;

	(void)state;
	/* A port that is ours, and where nobody listens. */
	s = socket(AF_INET, SOCK_STREAM, 0);
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(s, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&sin, &len), 0);
	names.answer.count = 0;
	add_address(ntohs(sin.sin_port));
	add_address(port);
	enqueue(1, "b@x", NULL);
	scripts[0] = script;
	window_whole();
	close(s);
	assert_int_equal(names.asked, 1);
	assert_int_equal(last.messages, 1);
}

/* Mail that comes in the window goes in it, through the same session. */
static void
test_new_mail(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("a@x", "1", "1"), SEND(TAKEN),
		MAIL("b@x", "2", "12"), SEND(TAKEN), EXPECT("QUIT"), END
	};

	(void)state;
	enqueue(1, "a@x", NULL);
	scripts[0] = script;
	open_window();
	run();
	assert_int_equal(last.messages, 1);
	enqueue(2, "b@x", NULL);
	flush_kick();
	assert_true(last.busy);
	run();
	assert_int_equal(last.messages, 2);
	close_window();
	assert_int_equal(accepted, 1);
	while (!peer_closed(peers[0]))
		peer_turn();
}

/* The window ends in the middle: nothing is marked, nothing is lost. */
static void
test_window_closes(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("a@x", "1", "1"), SEND("250 m\n250 r\n"), END
	};
	static const struct peer_step next[] = {
		HELLO, MAIL("a@x", "1", "1"), SEND(TAKEN), END
	};
	uint64_t	 id;

	(void)state;
	id = enqueue(1, "a@x", NULL);
	scripts[0] = script;
	open_window();
	while (accepted == 0 || !peer_done(peers[0]))
		peer_turn();
	assert_true(last.busy);
	close_window();
	assert_int_equal(last.todo, 1);
	assert_int_equal(last.messages, 0);
	assert_int_equal(tries(id), 0);
	flush_kick();
	assert_int_equal(names.asked, 1);
	scripts[1] = next;
	window_whole();
	assert_int_equal(tries(id), -1);
}

/* 452: the rest goes in a transaction of its own, in the same window. */
static void
test_too_many_recipients(void **state)
{
	static const struct peer_step script[] = {
		HELLO, EXPECT("MAIL FROM:<alice@us.example>"),
		EXPECT("RCPT TO:<a@x>"), EXPECT("RCPT TO:<b@x>"),
		EXPECT("BDAT 1 LAST"), BYTES("1"),
		SEND("250 m\n250 r\n452 4.5.3 enough\n250 taken\n"),
		MAIL("b@x", "1", "1"), SEND(TAKEN), END
	};
	uint64_t	 id;

	(void)state;
	id = enqueue(1, "a@x", "b@x", NULL);
	scripts[0] = script;
	window_whole();
	assert_int_equal(tries(id), -1);
	assert_int_equal(last.messages, 1);
	assert_int_equal(last.failed, 0);
}

/* What dialerd's policy is told counts mail for the line only. */
static void
test_state(void **state)
{
	struct proto_queue_state	 s;
	struct queue_writer		*w;
	struct envelope			*e;

	(void)state;
	enqueue(3, "a@x", NULL);
	enqueue(5, "b@x", "c@x", NULL);
	assert_non_null(e = envelope_new("bob@x"));
	assert_int_equal(envelope_add(e, "alice@us.example", "alice"), 0);
	assert_non_null(w = queue_message(spool_queue));
	queue_submit(w, e, on_queued, NULL);
	queue_commit(spool_queue);
	envelope_free(e);
	waiting_state(&s);
	assert_int_equal(s.messages, 2);
	assert_int_equal(s.bytes, 8);
	assert_true(s.oldest > 0);
}

/* What could not be read for lack of descriptors (only mail for users here
 * and for the line is read) goes in the next window. */
static void
test_unreadable(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("a@x", "1", "1"), SEND(TAKEN), END
	};
	struct proto_queue_state	 s;
	struct rlimit			 rl, none;
	uint64_t			 id;

	(void)state;
	id = enqueue_for(1, "alice", "a@x", NULL);
	queue_mark(spool_queue, id, 1, RECIPIENT_SENT, 0, NULL, NULL, NULL);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	/* Not by a descriptor that is open already. */
	queue_read_forget(spool_queue);
	none = rl;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	queue_commit(spool_queue);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	waiting_state(&s);
	assert_int_equal(s.messages, 0);
	waiting_state(&s);
	assert_int_equal(s.messages, 0);
	scripts[0] = script;
	window_whole();
	assert_int_equal(last.messages, 1);
	assert_int_equal(tries(id), -1);
	assert_false(waiting_retry());
}

static void
say_bulk(uint64_t call, uint64_t bytes)
{
	bulk.call = call;
	bulk.bytes = bytes;
	give_bulk = 1;
	assert_int_equal(flush_handle_window_bulk(&dialerd, NULL, NULL), 0);
	give_bulk = 0;
}

/* Bulk mail goes as far as dialerd says, and is no reason to stay. */
static void
test_bulk(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("a@x", "2", "12"), EXPECT("RSET"),
		MAIL("b@x", "1", "1"), SEND(TAKEN "250 s\n" TAKEN),
		MAIL("c@x", "3", "123"), SEND(TAKEN), EXPECT("QUIT"), END
	};

	(void)state;
	enqueue(2, "a@x", NULL);
	next_message.class = PROTO_BULK;
	enqueue(1, "b@x", NULL);
	next_message.class = PROTO_BULK;
	enqueue(3, "c@x", NULL);
	scripts[0] = script;
	open_window();
	say_bulk(window.call, 2);
	assert_true(last.busy);
	/* Of another call: of no account. */
	say_bulk(window.call + 1, 100);
	run();
	assert_int_equal(last.messages, 2);
	assert_int_equal(last.todo, 0);
	assert_int_equal(last.bulk, 3);
	say_bulk(window.call, 2);
	assert_false(last.busy);
	say_bulk(window.call, 3);
	assert_true(last.busy);
	run();
	assert_int_equal(last.messages, 3);
	assert_int_equal(last.bulk, 0);
	close_window();
	while (!peer_closed(peers[0]))
		peer_turn();
	say_bulk(window.call, 3);
	assert_int_equal(accepted, 1);
}

/* What is under way when dialerd says how much is part of that. */
static void
test_bulk_under_way(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("b@x", "2", "12"), QUIET, SEND(TAKEN),
		MAIL("c@x", "3", "123"), SEND(TAKEN), EXPECT("QUIT"), END
	};
	uint64_t	 id;

	(void)state;
	next_message.class = PROTO_BULK;
	id = enqueue(2, "b@x", NULL);
	next_message.class = PROTO_BULK;
	enqueue(3, "c@x", NULL);
	scripts[0] = script;
	open_window();
	say_bulk(window.call, 2);
	assert_int_equal(last.bulk_room, 2);
	while (accepted == 0 || !flush_in_flight(id))
		peer_turn();
	say_bulk(window.call, 4);
	assert_int_equal(last.bulk_room, 2);
	run();
	assert_int_equal(last.messages, 1);
	assert_int_equal(last.bulk, 3);
	/* Too little is answered, too. */
	say_bulk(window.call, 1);
	assert_int_equal(last.bulk_room, 1);
	assert_false(last.busy);
	say_bulk(window.call, 4);
	run();
	assert_int_equal(last.bulk_room, 1);
	assert_int_equal(last.messages, 2);
	close_window();
	while (!peer_closed(peers[0]))
		peer_turn();
}

/* Urgent mail is told apart; each user's is counted for him. */
static void
test_account(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("b@x", "5", "12345"), EXPECT("RSET"),
		MAIL("c@x", "1", "1"), EXPECT("RSET"),
		MAIL("a@x", "2", "12"),
		SEND(TAKEN "250 s\n" TAKEN "250 s\n" TAKEN), END
	};
	uint64_t	 id;

	(void)state;
	next_message.from = "alice";
	id = enqueue(2, "a@x", NULL);
	next_message.class = PROTO_URGENT;
	enqueue(5, "b@x", NULL);
	next_message.from = "alice";
	enqueue(1, "c@x", NULL);
	scripts[0] = script;
	open_window();
	assert_int_equal(last.todo, 3);
	assert_int_equal(last.urgent, 5);
	while (accepted == 0 || !flush_in_flight(id))
		peer_turn();
	run();
	assert_false(flush_in_flight(id));
	assert_int_equal(last.urgent, 0);
	assert_int_equal(last.repeated, 0);
	assert_int_equal(nsent, 0);
	close_window();
	assert_int_equal(nsent, 2);
	assert_string_equal(sent[0].user, "");
	assert_int_equal(sent[0].messages, 1);
	assert_int_equal(sent[0].bytes, 5);
	assert_string_equal(sent[1].user, "alice");
	assert_int_equal(sent[1].messages, 2);
	assert_int_equal(sent[1].bytes, 3);
	assert_int_equal(sent[1].call, window.call);
	window.call++;
	assert_int_equal(flush_handle_window_close(&dialerd, NULL, NULL), 0);
	assert_int_equal(nsent, 2);
}

/* Bytes that a broken session had taken count as moved for nothing. */
static void
test_repeated(void **state)
{
	static const struct peer_step script[] = {
		HELLO, EXPECT("MAIL FROM:<alice@us.example>"),
		EXPECT("RCPT TO:<a@x>"), EXPECT("BDAT 5000 LAST"),
		SKIP(5000), CLOSE, END
	};
	static const struct peer_step second[] = {
		HELLO, EXPECT("MAIL FROM:<alice@us.example>"),
		EXPECT("RCPT TO:<a@x>"), EXPECT("BDAT 5000 LAST"),
		SKIP(5000), SEND(TAKEN), END
	};

	(void)state;
	enqueue(5000, "a@x", NULL);
	scripts[0] = script;
	scripts[1] = second;
	open_window();
	run();
	assert_int_equal(last.messages, 1);
	assert_int_equal(last.repeated, 5000);
	close_window();
}

/* The text of the one message that is there beside a given one. */
static const char *
notice_text(uint64_t other, uint64_t *id)
{
	static char		 text[8192];
	struct queue_info	 info;
	uint64_t		 after = 0, size;
	off_t			 offset;
	ssize_t			 n;
	int			 fd;

	*id = 0;
	while (queue_next(spool_queue, after, &info)) {
		after = info.id;
		if (info.id == other)
			continue;
		assert_int_equal(*id, 0);
		*id = info.id;
	}
	if (*id == 0)
		return (NULL);
	assert_int_not_equal(fd = queue_body(spool_queue, *id, &offset,
	    &size), -1);
	n = pread(fd, text, sizeof(text) - 1, offset);
	close(fd);
	assert_true(n > 0);
	text[n < (ssize_t)size ? n : (ssize_t)size] = '\0';
	return (text);
}

static void
settle(void)
{
	while (queue_pending(spool_queue) ||
	    evtimer_pending(&commit_timer, NULL))
		peer_turn();
}

/* The third window in vain: the sender is told, once, and it goes on (M8). */
static void
test_delay_notice(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("a@x", "1", "1"),
		SEND("250 m\n450 4.2.1 busy\n503 no\n"), END
	};
	const char	*text;
	uint64_t	 id, notice = 0;
	unsigned int	 i;

	(void)state;
	id = enqueue(1, "a@x", NULL);
	for (i = 1; i <= 4; i++) {
		accepted = 0;
		scripts[0] = script;
		window_whole();
		peer_free(peers[0]);
		accepted = 0;
		assert_int_equal(tries(id), i);
		text = notice_text(id, &notice);
		if (i < 3) {
			assert_null(text);
			continue;
		}
		assert_non_null(text);
		assert_non_null(strstr(text, "Action: delayed\r\n"));
		assert_non_null(strstr(text, "Status: 4.4.7\r\n"));
		assert_non_null(strstr(text, "450 4.2.1 busy"));
		assert_non_null(strstr(text, "Tried so far in 3 calls."));
	}
}

/* Where the sender's wish to be told ends, he is told that. */
static void
test_relayed_notice(void **state)
{
	static const struct peer_step script[] = {
		HELLO, MAIL("a@x", "1", "1"), SEND(TAKEN), END
	};
	static const struct peer_step knows[] = {
		SEND("220 x\n"), EXPECT("EHLO us.example"),
		SEND("250-x\n250-PIPELINING\n250-DELIVERBY\n250 CHUNKING\n"),
		EXPECT("MAIL FROM:<alice@us.example> BY=999999999;N"),
		EXPECT("RCPT TO:<a@x>"), EXPECT("BDAT 1 LAST"), BYTES("1"),
		SEND(TAKEN), END
	};
	const char	*text;
	uint64_t	 id, notice;

	(void)state;
	next_message.deadline = (int64_t)time(NULL) + 2000000000;
	id = enqueue(1, "a@x", NULL);
	scripts[0] = knows;
	window_whole();
	assert_int_equal(tries(id), -1);
	assert_null(notice_text(0, &notice));
	next_message.deadline = (int64_t)time(NULL) + 2000000000;
	id = enqueue(1, "a@x", NULL);
	scripts[1] = script;
	window_whole();
	assert_int_equal(tries(id), -1);
	assert_non_null(text = notice_text(0, &notice));
	assert_non_null(strstr(text, "Action: relayed\r\n"));
	assert_non_null(strstr(text, "Status: 2.0.0\r\n"));
	assert_null(strstr(text, "failed"));
}

/* R: what is late comes back, whether there was a line or not. */
static void
test_late_returns(void **state)
{
	const char	*text;
	uint64_t	 id, other, notice;

	(void)state;
	next_message.deadline = (int64_t)time(NULL) - 1;
	next_message.flags = ENVELOPE_BY_RETURN;
	id = enqueue(1, "a@x", NULL);
	/* This one has time. */
	next_message.deadline = (int64_t)time(NULL) + 1000;
	next_message.flags = ENVELOPE_BY_RETURN;
	other = enqueue(1, "b@x", NULL);
	late_watch();
	while (queue_info(spool_queue, id) != NULL)
		peer_turn();
	settle();
	assert_non_null(text = notice_text(other, &notice));
	assert_non_null(strstr(text, "Action: failed\r\n"));
	assert_non_null(strstr(text, "Status: 5.4.7\r\n"));
	assert_int_equal(tries(other), 0);
	late_stop();
}

/* N: the sender is told, once, and it goes on; and so after a restart. */
static void
test_late_notice(void **state)
{
	struct queue_info	*info;
	const char		*text;
	uint64_t		 id, notice, again;
	unsigned int		 i;

	(void)state;
	next_message.deadline = (int64_t)time(NULL) - 1;
	id = enqueue(1, "a@x", NULL);
	for (i = 0; i < 2; i++) {
		late_watch();
		while ((info = queue_info(spool_queue, id)) != NULL &&
		    (info->flags & QUEUE_INFO_LATE) == 0)
			peer_turn();
		settle();
		assert_non_null(info);
		assert_non_null(text = notice_text(id, &again));
		if (i == 0)
			notice = again;
		assert_int_equal(again, notice);
		assert_non_null(strstr(text, "Action: delayed\r\n"));
		assert_non_null(strstr(text, "has passed"));
		waiting_clear();
		queue_close(spool_queue);
		assert_non_null(spool_queue = queue_open(spool_fd, "queue"));
		waiting_watch(spool_queue);
	}
	late_stop();
	assert_int_equal(tries(id), 0);
}

static int
setup_address(void **state)
{
	setup(state);
	add_address(port);
	return (0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_address, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(test_smallest_first), T(test_nothing_to_do),
		T(test_deferred_then_expired), T(test_bounced),
		T(test_bounced_at_once), T(test_bounce_not_taken),
		T(test_bounce_mark_not_taken), T(test_mark_at_the_end),
		T(test_not_let_in), T(test_session_breaks),
		T(test_message_breaks), T(test_breaks_then_expires),
		T(test_server_breaks), T(test_no_chunking),
		T(test_break_in_between), T(test_break_after_errors),
		T(test_no_address),
		T(test_there_later), T(test_closes_early), T(test_no_trust),
		T(test_not_trusted),
		T(test_next_address), T(test_new_mail),
		T(test_window_closes), T(test_too_many_recipients),
		T(test_state), T(test_unreadable), T(test_bulk),
		T(test_bulk_under_way),
		T(test_account), T(test_repeated), T(test_delay_notice),
		T(test_relayed_notice),
		T(test_late_returns), T(test_late_notice),
	};
	struct event_base	*base;
	int			 failed;

	log_init(1, 0);
	assert_non_null(base = event_init());
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	/* Connections that are being closed have no owner any more. */
	if (failed == 0)
		event_dispatch();
	event_base_free(base);
	return (failed);
}
