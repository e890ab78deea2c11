/* See LICENSE for the terms. */
/*
 * The control socket, asked as relayctl would and as it would not; spoold
 * and the parent are socketpairs of ours.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arrivals.h"
#include "child.h"
#include "control.h"
#include "dialerd.h"
#include "log.h"

/* Ends that belong to dialerd: to spoold and the parent. */
static struct channel	 to_spoold, to_parent;
static struct imsgbuf	 spoold, parent;	/* their own ends */
static char		 dir[] = "/tmp/control_test.XXXXXXXXXX";
static struct sockaddr_un addr[2];
static struct ledger	*ledger;
static int		 held, dialled, hung_up;

struct channel *
child_parent(void)
{
	return (&to_parent);
}

struct channel *
child_peer(enum proc_id id)
{
	assert_int_equal(id, PROC_SPOOLD);
	return (&to_spoold);
}

void
dialerd_summary(struct ctl_summary *s)
{
	s->now = 4711;
}

void
dialerd_account(const struct proto_account_result *r)
{
	(void)r;
}

void
dialerd_plan(struct ctl_plan *p)
{
	p->cost = 4712;
}

const char *
dialerd_rules(void (*tell)(void *, const struct ctl_rule *), void *arg)
{
	struct ctl_rule	 r;

	if (ledger == NULL)
		return ("no line");
	memset(&r, 0, sizeof(r));
	for (r.line = 1; r.line <= 3; r.line++)
		tell(arg, &r);
	return (NULL);
}

static struct arrivals	*arrivals;

const struct arrivals *
dialerd_arrivals(void)
{
	return (arrivals);
}

const struct ledger *
dialerd_ledger(void)
{
	return (ledger);
}

int
dialerd_dial(char *text, size_t size)
{
	strlcpy(text, "no budget", size);
	dialled++;
	return (EAGAIN);
}

int
dialerd_hangup(char *text, size_t size)
{
	(void)text;
	(void)size;
	hung_up++;
	return (0);
}

void
dialerd_hold(int hold)
{
	held = hold;
}

static const struct channel_row spoold_rows[] = {
	{ SPOOLD_QUEUE_ENTRY,	control_handle_queue_entry },
	{ SPOOLD_USER_ENTRY,	control_handle_user_entry },
	{ SPOOLD_LIST_END,	control_handle_list_end },
	{ SPOOLD_MESSAGE,	control_handle_message },
	{ SPOOLD_MESSAGE_RCPT,	control_handle_message_rcpt },
	{ SPOOLD_MESSAGE_RESULT, control_handle_result },
	{ PROTO_NONE,		NULL }
};
static const struct channel_row parent_rows[] = {
	{ PARENT_RELOAD_RESULT,	control_handle_result },
	{ PROTO_NONE,		NULL }
};

static void
neighbour(struct channel *ch, struct imsgbuf *other, enum proc_id id,
    const struct channel_row *rows)
{
	int	 sp[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sp), 0);
	assert_int_equal(channel_open(ch, sp[0], PROC_DIALERD, id, rows,
	    NULL, NULL), 0);
	fcntl(sp[1], F_SETFL, O_NONBLOCK);
	assert_int_equal(imsgbuf_init(other, sp[1]), 0);
}

static void
listen_on(int readonly)
{
	struct sockaddr_un	*sun = &addr[readonly];
	int			 fd;

	sun->sun_family = AF_UNIX;
	snprintf(sun->sun_path, sizeof(sun->sun_path), "%s/%d", dir, readonly);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)sun, sizeof(*sun)), 0);
	assert_int_equal(listen(fd, 64), 0);
	control_listen(fd, readonly);
}

static void
client(struct imsgbuf *c, int readonly)
{
	int	 fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&addr[readonly],
	    sizeof(addr[0])), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	assert_int_equal(imsgbuf_init(c, fd), 0);
}

static void
leave(struct imsgbuf *c)
{
	close(c->fd);
	imsgbuf_clear(c);
	event_loop(EVLOOP_NONBLOCK);
}

static void
send_to(struct imsgbuf *c, uint32_t type, uint32_t id, const void *data,
    size_t len)
{
	assert_int_equal(imsg_compose(c, type, id, 0, -1, data, len), 1);
	while (imsgbuf_queuelen(c) > 0) {
		assert_int_equal(imsgbuf_write(c), 0);
		event_loop(EVLOOP_NONBLOCK);
	}
}

/* The next message for us: 1, or 0 when the connection was closed. */
static int
next(struct imsgbuf *c, struct imsg *imsg)
{
	time_t	 end = time(NULL) + 10;
	int	 n;

	while (time(NULL) < end) {
		event_loop(EVLOOP_NONBLOCK);
		if (imsgbuf_get(c, imsg) == 1)
			return (1);
		if ((n = imsgbuf_read(c)) != 1)
			return (0);
	}
	fail_msg("no answer");
	return (0);
}

static void
expect(struct imsgbuf *c, uint32_t type, uint32_t id, void *data, size_t len)
{
	struct imsg	 imsg;

	assert_int_equal(next(c, &imsg), 1);
	assert_int_equal(imsg_get_type(&imsg), type);
	assert_int_equal(imsg_get_id(&imsg), id);
	if (len > 0)
		assert_int_equal(imsg_get_data(&imsg, data, len), 0);
	imsg_free(&imsg);
}

static void
result(struct imsgbuf *c, uint32_t id, uint32_t error)
{
	struct proto_result	 r;

	expect(c, CTL_RESULT, id, &r, sizeof(r));
	assert_int_equal(r.error, error);
}

static void
hello(struct imsgbuf *c, int readonly)
{
	uint32_t	 version = PROTO_VERSION;

	client(c, readonly);
	send_to(c, CTL_HELLO, 1, &version, sizeof(version));
	result(c, 1, 0);
}

/* The question that dialerd passed on: its id. */
static uint32_t
asked(struct imsgbuf *whom, uint32_t type)
{
	struct imsg	 imsg;
	uint32_t	 id;

	assert_int_equal(next(whom, &imsg), 1);
	assert_int_equal(imsg_get_type(&imsg), type);
	id = imsg_get_id(&imsg);
	imsg_free(&imsg);
	return (id);
}

static void
test_version(void **state)
{
	struct imsgbuf	 c;
	struct imsg	 imsg;
	uint32_t	 version = PROTO_VERSION + 1;

	(void)state;
	client(&c, 0);
	send_to(&c, CTL_HELLO, 5, &version, sizeof(version));
	result(&c, 5, EPROTONOSUPPORT);
	/* And then closed. */
	assert_int_equal(next(&c, &imsg), 0);
	leave(&c);
}

static void
test_hello_first(void **state)
{
	struct imsgbuf	 c;
	struct imsg	 imsg;

	(void)state;
	client(&c, 0);
	send_to(&c, CTL_SHOW_SUMMARY, 1, NULL, 0);
	assert_int_equal(next(&c, &imsg), 0);
	leave(&c);
}

static void
test_not_of_relayctl(void **state)
{
	static const uint32_t	 types[] = {
		PARENT_SHUTDOWN, CTL_END, 0, PROTO_COUNT, 12345
	};
	struct imsgbuf		 c;
	struct imsg		 imsg;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		hello(&c, 0);
		send_to(&c, types[i], 1, NULL, 0);
		assert_int_equal(next(&c, &imsg), 0);
		leave(&c);
	}
	/* Of the wrong size. */
	hello(&c, 0);
	send_to(&c, CTL_HOLD, 1, "x", 1);
	assert_int_equal(next(&c, &imsg), 0);
	leave(&c);
}

static void
test_commands(void **state)
{
	struct imsgbuf		 c;
	struct ctl_summary	 s;
	uint32_t		 verbose = 7;

	(void)state;
	hello(&c, 0);
	send_to(&c, CTL_SHOW_SUMMARY, 2, NULL, 0);
	expect(&c, CTL_SUMMARY, 2, &s, sizeof(s));
	assert_int_equal(s.now, 4711);
	send_to(&c, CTL_HOLD, 3, NULL, 0);
	result(&c, 3, 0);
	assert_int_equal(held, 1);
	send_to(&c, CTL_RELEASE, 4, NULL, 0);
	result(&c, 4, 0);
	assert_int_equal(held, 0);
	send_to(&c, CTL_DIAL, 5, NULL, 0);
	result(&c, 5, EAGAIN);
	send_to(&c, CTL_HANGUP, 6, NULL, 0);
	result(&c, 6, 0);
	assert_int_equal(dialled, 1);
	assert_int_equal(hung_up, 1);
	send_to(&c, CTL_LOG_VERBOSE, 7, &verbose, sizeof(verbose));
	result(&c, 7, 0);
	(void)asked(&parent, DIALERD_LOG_VERBOSE);
	leave(&c);
}

static void
test_readonly(void **state)
{
	static const uint32_t	 types[] = {
		CTL_DIAL, CTL_HANGUP, CTL_HOLD, CTL_RELEASE, CTL_RELOAD
	};
	struct imsgbuf		 c;
	struct ctl_summary	 s;
	uint32_t		 one = 1;
	size_t			 i;

	(void)state;
	dialled = hung_up = held = 0;
	hello(&c, 1);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		send_to(&c, types[i], 10 + (uint32_t)i, NULL, 0);
		result(&c, 10 + (uint32_t)i, EPERM);
	}
	send_to(&c, CTL_LOG_VERBOSE, 20, &one, sizeof(one));
	result(&c, 20, EPERM);
	assert_int_equal(dialled + hung_up + held, 0);
	send_to(&c, CTL_SHOW_SUMMARY, 21, NULL, 0);
	expect(&c, CTL_SUMMARY, 21, &s, sizeof(s));
	leave(&c);
}

/* Two lists at once, each to whom it belongs. */
static void
test_queue(void **state)
{
	struct proto_queue_entry	 entry, got;
	struct imsgbuf			 a, b;
	uint32_t			 ida, idb;

	(void)state;
	memset(&entry, 0, sizeof(entry));
	hello(&a, 0);
	hello(&b, 1);
	send_to(&a, CTL_SHOW_QUEUE, 2, NULL, 0);
	ida = asked(&spoold, DIALERD_LIST_QUEUE);
	send_to(&b, CTL_SHOW_QUEUE, 3, NULL, 0);
	idb = asked(&spoold, DIALERD_LIST_QUEUE);
	assert_int_not_equal(ida, idb);
	/* One request at a time. */
	send_to(&a, CTL_SHOW_SUMMARY, 9, NULL, 0);
	result(&a, 9, EBUSY);
	entry.id = 100;
	send_to(&spoold, SPOOLD_QUEUE_ENTRY, idb, &entry, sizeof(entry));
	entry.id = 200;
	send_to(&spoold, SPOOLD_QUEUE_ENTRY, ida, &entry, sizeof(entry));
	send_to(&spoold, SPOOLD_LIST_END, ida, NULL, 0);
	send_to(&spoold, SPOOLD_LIST_END, idb, NULL, 0);
	expect(&a, CTL_QUEUE_ENTRY, 2, &got, sizeof(got));
	assert_int_equal(got.id, 200);
	expect(&a, CTL_END, 2, NULL, 0);
	expect(&b, CTL_QUEUE_ENTRY, 3, &got, sizeof(got));
	assert_int_equal(got.id, 100);
	expect(&b, CTL_END, 3, NULL, 0);
	/* After the end nothing more comes of it. */
	send_to(&spoold, SPOOLD_QUEUE_ENTRY, ida, &entry, sizeof(entry));
	send_to(&a, CTL_RELEASE, 4, NULL, 0);
	result(&a, 4, 0);
	leave(&a);
	leave(&b);
}

/* What is asked of a message is passed on as it is, and its answer too. */
static void
test_message(void **state)
{
	struct proto_message_ask	 m, got;
	struct proto_result		 r;
	struct imsgbuf			 c;
	struct imsg			 imsg;
	uint32_t			 id;

	(void)state;
	memset(&m, 0, sizeof(m));
	m.action = PROTO_MESSAGE_REMOVE;
	m.select = PROTO_MESSAGE_FROM;
	strlcpy(m.address, "a@x", sizeof(m.address));
	hello(&c, 0);
	send_to(&c, CTL_MESSAGE, 2, &m, sizeof(m));
	assert_int_equal(next(&spoold, &imsg), 1);
	assert_int_equal(imsg_get_type(&imsg), DIALERD_MESSAGE);
	assert_int_equal(imsg_get_data(&imsg, &got, sizeof(got)), 0);
	assert_memory_equal(&got, &m, sizeof(m));
	id = imsg_get_id(&imsg);
	imsg_free(&imsg);
	memset(&r, 0, sizeof(r));
	r.error = EBUSY;
	send_to(&spoold, SPOOLD_MESSAGE_RESULT, id, &r, sizeof(r));
	result(&c, 2, EBUSY);
	leave(&c);
	hello(&c, 1);
	send_to(&c, CTL_MESSAGE, 2, &m, sizeof(m));
	result(&c, 2, EPERM);
	leave(&c);
	/* Nonsense is not passed on. */
	m.action = PROTO_MESSAGE_ACTIONS;
	hello(&c, 0);
	send_to(&c, CTL_MESSAGE, 2, &m, sizeof(m));
	assert_int_equal(next(&c, &imsg), 0);
	leave(&c);
}

static void
test_show_message(void **state)
{
	struct proto_message		 m;
	struct proto_message_rcpt	 rcpt;
	struct imsgbuf			 c;
	uint64_t			 message = 7;
	uint32_t			 id;

	(void)state;
	memset(&m, 0, sizeof(m));
	memset(&rcpt, 0, sizeof(rcpt));
	hello(&c, 1);
	send_to(&c, CTL_SHOW_MESSAGE, 2, &message, sizeof(message));
	id = asked(&spoold, DIALERD_SHOW_MESSAGE);
	m.id = 7;
	rcpt.windows = 3;
	send_to(&spoold, SPOOLD_MESSAGE, id, &m, sizeof(m));
	send_to(&spoold, SPOOLD_MESSAGE_RCPT, id, &rcpt, sizeof(rcpt));
	send_to(&spoold, SPOOLD_LIST_END, id, NULL, 0);
	memset(&m, 0, sizeof(m));
	memset(&rcpt, 0, sizeof(rcpt));
	expect(&c, CTL_MESSAGE_ENTRY, 2, &m, sizeof(m));
	assert_int_equal(m.id, 7);
	expect(&c, CTL_MESSAGE_RCPT, 2, &rcpt, sizeof(rcpt));
	assert_int_equal(rcpt.windows, 3);
	expect(&c, CTL_END, 2, NULL, 0);
	leave(&c);
}

static void
test_leaves_in_the_middle(void **state)
{
	struct proto_queue_entry	 entry;
	struct imsgbuf			 c;
	uint32_t			 id;

	(void)state;
	memset(&entry, 0, sizeof(entry));
	hello(&c, 0);
	send_to(&c, CTL_SHOW_QUEUE, 2, NULL, 0);
	id = asked(&spoold, DIALERD_LIST_QUEUE);
	send_to(&spoold, SPOOLD_QUEUE_ENTRY, id, &entry, sizeof(entry));
	leave(&c);
	send_to(&spoold, SPOOLD_QUEUE_ENTRY, id, &entry, sizeof(entry));
	send_to(&spoold, SPOOLD_LIST_END, id, NULL, 0);
	event_loop(EVLOOP_NONBLOCK);
	assert_true(to_spoold.open);
}

static void
account(const char *name, const char *user, uint32_t messages,
    uint32_t error)
{
	struct proto_account_result	 r;
	static const struct channel_row	 rows[] = {
		{ FETCHD_ACCOUNT,	control_handle_account },
		{ PROTO_NONE,		NULL }
	};
	struct channel			 ch;
	struct imsgbuf			 fetchd;

	memset(&r, 0, sizeof(r));
	strlcpy(r.account, name, sizeof(r.account));
	strlcpy(r.user, user, sizeof(r.user));
	r.messages = messages;
	r.error = error;
	strlcpy(r.text, error ? "wrong password" : "", sizeof(r.text));
	neighbour(&ch, &fetchd, PROC_FETCHD, rows);
	send_to(&fetchd, FETCHD_ACCOUNT, 0, &r, sizeof(r));
	event_loop(EVLOOP_NONBLOCK);
	assert_true(ch.open);
	channel_close(&ch);
	close(fetchd.fd);
	imsgbuf_clear(&fetchd);
}

/* A user's accounts are added up; what an account did last counts. */
static void
test_users(void **state)
{
	struct proto_user_entry	 entry;
	struct ctl_user		 user;
	struct imsgbuf		 c;
	uint32_t		 id;

	(void)state;
	account("alice@isp", "alice", 99, 0);
	account("alice@isp", "alice", 3, 0);
	account("alice@other", "alice", 4, EACCES);
	account("bob@isp", "bob", 5, 0);
	hello(&c, 1);
	send_to(&c, CTL_SHOW_USERS, 2, NULL, 0);
	id = asked(&spoold, DIALERD_LIST_USERS);
	memset(&entry, 0, sizeof(entry));
	strlcpy(entry.name, "alice", sizeof(entry.name));
	entry.messages = 17;
	send_to(&spoold, SPOOLD_USER_ENTRY, id, &entry, sizeof(entry));
	send_to(&spoold, SPOOLD_LIST_END, id, NULL, 0);
	expect(&c, CTL_USER_ENTRY, 2, &user, sizeof(user));
	assert_string_equal(user.name, "alice");
	assert_int_equal(user.messages, 17);
	assert_int_equal(user.accounts, 2);
	assert_int_equal(user.fetched, 7);
	assert_int_equal(user.error, EACCES);
	assert_string_equal(user.text, "wrong password");
	expect(&c, CTL_END, 2, NULL, 0);
	leave(&c);
}

static void
test_reload(void **state)
{
	struct proto_result	 r;
	struct imsgbuf		 c;
	uint32_t		 id;

	(void)state;
	hello(&c, 0);
	send_to(&c, CTL_RELOAD, 2, NULL, 0);
	id = asked(&parent, DIALERD_RELOAD);
	/* spoold's death has nothing to do with it. */
	control_spoold_down();
	memset(&r, 0, sizeof(r));
	r.error = EINVAL;
	send_to(&parent, PARENT_RELOAD_RESULT, id, &r, sizeof(r));
	result(&c, 2, EINVAL);
	leave(&c);
}

static void
test_spoold_down(void **state)
{
	struct imsgbuf	 c;

	(void)state;
	hello(&c, 0);
	send_to(&c, CTL_SHOW_QUEUE, 2, NULL, 0);
	(void)asked(&spoold, DIALERD_LIST_QUEUE);
	control_spoold_down();
	result(&c, 2, EAGAIN);
	channel_close(&to_spoold);
	send_to(&c, CTL_SHOW_USERS, 3, NULL, 0);
	result(&c, 3, EAGAIN);
	close(spoold.fd);
	imsgbuf_clear(&spoold);
	neighbour(&to_spoold, &spoold, PROC_SPOOLD, spoold_rows);
	leave(&c);
}

static void
test_calls(void **state)
{
	char		 path[] = "/tmp/control_test.XXXXXXXXXX";
	struct imsgbuf	 c;
	struct ctl_call	 call;
	uint32_t	 want = 0;
	FILE		*fp = fdopen(mkstemp(path), "w");
	int		 i;

	(void)state;
	hello(&c, 1);
	send_to(&c, CTL_SHOW_CALLS, 2, &want, sizeof(want));
	result(&c, 2, EAGAIN);
	for (i = 1; i <= 1000; i++)
		fprintf(fp, "call=%d event=open time=%d\n"
		    "call=%d event=close time=%d result=ok\n", i, i, i, i);
	fclose(fp);
	ledger = ledger_new(open(path, O_RDWR | O_APPEND));
	assert_non_null(ledger);
	send_to(&c, CTL_SHOW_CALLS, 3, &want, sizeof(want));
	for (i = 1; i <= 1000; i++) {
		expect(&c, CTL_CALL_ENTRY, 3, &call, sizeof(call));
		assert_int_equal(call.call, i);
	}
	expect(&c, CTL_END, 3, NULL, 0);
	want = 2;
	send_to(&c, CTL_SHOW_CALLS, 4, &want, sizeof(want));
	expect(&c, CTL_CALL_ENTRY, 4, &call, sizeof(call));
	assert_int_equal(call.call, 999);
	expect(&c, CTL_CALL_ENTRY, 4, &call, sizeof(call));
	assert_string_equal(call.result, "ok");
	expect(&c, CTL_END, 4, NULL, 0);
	leave(&c);
	ledger_free(ledger);
	ledger = NULL;
	unlink(path);
}

static void
test_plan_and_rules(void **state)
{
	struct imsgbuf	 c;
	struct ctl_plan	 plan;
	struct ctl_rule	 rule;
	uint32_t	 i;

	(void)state;
	hello(&c, 1);
	send_to(&c, CTL_SHOW_PLAN, 2, NULL, 0);
	expect(&c, CTL_PLAN, 2, &plan, sizeof(plan));
	assert_int_equal(plan.cost, 4712);
	send_to(&c, CTL_SHOW_RULES, 3, NULL, 0);
	result(&c, 3, EAGAIN);
	/* Any will do. */
	ledger = (struct ledger *)&rule;
	send_to(&c, CTL_SHOW_RULES, 4, NULL, 0);
	for (i = 1; i <= 3; i++) {
		expect(&c, CTL_RULE_ENTRY, 4, &rule, sizeof(rule));
		assert_int_equal(rule.line, i);
	}
	expect(&c, CTL_END, 4, NULL, 0);
	ledger = NULL;
	leave(&c);
}

static void
test_call_users(void **state)
{
	char			 path[] = "/tmp/control_test.XXXXXXXXXX";
	struct imsgbuf		 c;
	struct ctl_call_user	 u;
	uint32_t		 want = 1;
	FILE			*fp = fdopen(mkstemp(path), "w");
	int			 i;

	(void)state;
	for (i = 1; i <= 2; i++)
		fprintf(fp, "call=%d event=open time=%d\n"
		    "call=%d event=user time=%d user=alice sent=1 "
		    "sent_bytes=100\n"
		    "call=%d event=user time=%d user=bob fetched=2 "
		    "fetched_bytes=200\n"
		    "call=%d event=close time=%d result=ok\n", i, i, i, i,
		    i, i, i, i);
	fclose(fp);
	ledger = ledger_new(open(path, O_RDWR | O_APPEND));
	assert_non_null(ledger);
	hello(&c, 1);
	send_to(&c, CTL_SHOW_CALL_USERS, 2, &want, sizeof(want));
	expect(&c, CTL_CALL_USER_ENTRY, 2, &u, sizeof(u));
	assert_int_equal(u.call, 2);
	assert_int_equal(u.opened, 2);
	assert_string_equal(u.user, "alice");
	assert_int_equal(u.sent_bytes, 100);
	expect(&c, CTL_CALL_USER_ENTRY, 2, &u, sizeof(u));
	assert_string_equal(u.user, "bob");
	assert_int_equal(u.fetched, 2);
	expect(&c, CTL_END, 2, NULL, 0);
	leave(&c);
	ledger_free(ledger);
	ledger = NULL;
	unlink(path);
}

static void
test_arrivals(void **state)
{
	char			 path[] = "/tmp/control_test.XXXXXXXXXX";
	struct imsgbuf		 c;
	static struct proto_arrival batch[128];
	FILE			*fp = fdopen(mkstemp(path), "w");
	int			 i;

	(void)state;
	hello(&c, 1);
	send_to(&c, CTL_SHOW_ARRIVALS, 2, NULL, 0);
	expect(&c, CTL_END, 2, NULL, 0);
	for (i = 1; i <= 128 * 200; i++)
		fprintf(fp, "%d 100 normal 0\n", i);
	fclose(fp);
	arrivals = arrivals_new(open(path, O_RDWR | O_APPEND));
	assert_non_null(arrivals);
	send_to(&c, CTL_SHOW_ARRIVALS, 3, NULL, 0);
	for (i = 0; i < 200; i++) {
		expect(&c, CTL_ARRIVALS, 3, batch, sizeof(batch));
		assert_int_equal(batch[0].time, i * 128 + 1);
	}
	expect(&c, CTL_END, 3, NULL, 0);
	leave(&c);
	arrivals_free(arrivals);
	arrivals = NULL;
	unlink(path);
}

/* Sixteen at once; the next is turned away, and there is room again. */
static void
test_many(void **state)
{
	struct imsgbuf	 c[16], one;
	struct imsg	 imsg;
	int		 i;

	(void)state;
	for (i = 0; i < 16; i++)
		hello(&c[i], i & 1);
	client(&one, 0);
	assert_int_equal(next(&one, &imsg), 0);
	leave(&one);
	for (i = 0; i < 16; i++)
		leave(&c[i]);
	hello(&one, 0);
	leave(&one);
}

/* Those who may only look cannot keep the operator out. */
static void
test_many_readonly(void **state)
{
	struct imsgbuf	 c[16], one;
	int		 i;

	(void)state;
	for (i = 0; i < 8; i++)
		hello(&c[i], 1);
	for (; i < 16; i++) {
		client(&c[i], 1);
		event_loop(EVLOOP_NONBLOCK);
	}
	hello(&one, 0);
	leave(&one);
	for (i = 0; i < 16; i++)
		leave(&c[i]);
	hello(&one, 1);
	leave(&one);
}

/* Nor can those who say nothing, or nothing more. */
static void
test_idle(void **state)
{
	struct ctl_summary	 s;
	struct imsgbuf		 mute, idle;
	struct imsg		 imsg;

	(void)state;
	client(&mute, 0);
	hello(&idle, 0);
	send_to(&idle, CTL_SHOW_SUMMARY, 2, NULL, 0);
	expect(&idle, CTL_SUMMARY, 2, &s, sizeof(s));
	assert_int_equal(next(&mute, &imsg), 0);
	assert_int_equal(next(&idle, &imsg), 0);
	leave(&mute);
	leave(&idle);
}

/* One that asks and never reads is closed, and costs no more memory. */
static void
test_never_reads(void **state)
{
	struct proto_queue_entry	 entry;
	struct imsgbuf			 c, other;
	uint32_t			 id;
	int				 i;

	(void)state;
	memset(&entry, 0, sizeof(entry));
	hello(&c, 0);
	send_to(&c, CTL_SHOW_QUEUE, 2, NULL, 0);
	id = asked(&spoold, DIALERD_LIST_QUEUE);
	for (i = 0; i < 17500; i++)
		send_to(&spoold, SPOOLD_QUEUE_ENTRY, id, &entry,
		    sizeof(entry));
	/* What it had been given before is still there; then the end. */
	for (i = 0; ; i++) {
		struct imsg	 imsg;

		if (next(&c, &imsg) == 0)
			break;
		imsg_free(&imsg);
	}
	assert_true(i < 17500);
	leave(&c);
	hello(&other, 0);
	leave(&other);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_hello_first),
		cmocka_unit_test(test_not_of_relayctl),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_readonly),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_show_message),
		cmocka_unit_test(test_leaves_in_the_middle),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_spoold_down),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_plan_and_rules),
		cmocka_unit_test(test_call_users),
		cmocka_unit_test(test_arrivals),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_many_readonly),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_never_reads)
	};
	int			 r;

	log_init(1, 0);
	signal(SIGPIPE, SIG_IGN);
	event_init();
	if (mkdtemp(dir) == NULL)
		return (1);
	neighbour(&to_spoold, &spoold, PROC_SPOOLD, spoold_rows);
	neighbour(&to_parent, &parent, PROC_PARENT, parent_rows);
	listen_on(0);
	listen_on(1);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(addr[0].sun_path);
	unlink(addr[1].sun_path);
	rmdir(dir);
	return (r);
}
