/* See LICENSE for the terms. */
/*
 * A dialerd that plays its part of the control socket: what it says is made
 * up, and always the same.
 *
 * usage: server socket scenario
 *
 * Scenarios: idle, window, dialling, empty, hostile, refuse.  It says "ready"
 * and serves until it is killed.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "imsg.h"
#include "proto.h"

/* Saturday, 2026-11-28 10:01:15 UTC. */
#define NOW	1795860075LL
#define DAY	86400LL
#define NCALLS	130

enum scenario { IDLE, WINDOW, DIALLING, EMPTY, HOSTILE, REFUSE, SCENARIOS };
static const char *const names[SCENARIOS] = {
	"idle", "window", "dialling", "empty", "hostile", "refuse"
};

static enum scenario	 scenario;
static struct imsgbuf	 ibuf;

static void
put(uint32_t type, const void *data, size_t len)
{
	if (imsg_compose(&ibuf, type, 0, 0, -1, data, len) == -1 ||
	    imsgbuf_flush(&ibuf) == -1)
		exit(0);
}

static void
result(uint32_t error, const char *text)
{
	struct proto_result	 r;

	memset(&r, 0, sizeof(r));
	r.error = error;
	strlcpy(r.text, text, sizeof(r.text));
	put(CTL_RESULT, &r, sizeof(r));
}

/* Nothing that a terminal would obey, or that ends, may come of this. */
static void
fill(char *s, size_t size)
{
	static const char	 bad[] = "\033[2J\007\x9b" "1m\r\n\xc3\xa9\xff";
	size_t			 i;

	for (i = 0; i < size; i++)
		s[i] = bad[i % (sizeof(bad) - 1)];
}

static void
text(char *s, size_t size, const char *words)
{
	if (scenario == HOSTILE)
		fill(s, size);
	else
		strlcpy(s, words, size);
}

/* A call twice a day, with one that fails now and then, over two lines. */
static void
make_call(struct ctl_call *c, uint64_t n)
{
	int	 bad = n % 9 == 4, dear = n % 13 == 6;

	memset(c, 0, sizeof(*c));
	c->call = n;
	c->opened = NOW - (int64_t)(NCALLS - n) * DAY / 2 - 14475;
	text(c->line, sizeof(c->line), dear ? "iridium" : "v34");
	text(c->number, sizeof(c->number), dear ? "008816000001" :
	    "0570001234");
	text(c->why, sizeof(c->why), n % 4 == 0 ? "10 messages wait" :
	    n % 7 == 0 ? "request" : "4 hours since the last window");
	c->dialled = c->opened + 4;
	c->worst_seconds = 1005;
	c->worst_cost = 60000;
	if (bad) {
		c->closed = c->opened + 40;
		text(c->result, sizeof(c->result), "busy");
		text(c->reason, sizeof(c->reason), "BUSY");
		return;
	}
	c->connected = c->opened + 22;
	c->up = c->connected + 9;
	c->seconds = 75 + n * 13 % 200;
	c->closed = c->connected + (int64_t)c->seconds;
	c->sent = n % 6;
	c->fetched = n * 7 % 11;
	c->mail_out = c->sent * 14000;
	c->mail_in = c->fetched * 21000;
	c->bytes_out = c->mail_out + 1800;
	c->bytes_in = c->mail_in + 5200;
	c->repeated_out = n % 10 == 3 ? 9000 : 0;
	c->units = (c->seconds + 179) / 180;
	c->cost = (dear ? 1250 * ((c->seconds + 59) / 60) : c->units * 100);
	c->single_cost = c->sent + c->fetched == 0 ? 0 : dear ? 1250 : 100;
	text(c->result, sizeof(c->result), "ok");
	text(c->reason, sizeof(c->reason), "all done");
	text(c->connect, sizeof(c->connect), "CONNECT 33600/V42BIS");
}

static void
make_open(struct ctl_summary *s)
{
	struct ctl_call	*c = &s->call;

	make_call(c, NCALLS + 1);
	c->opened = NOW - 95;
	c->dialled = NOW - 92;
	c->connected = c->up = c->closed = 0;
	c->result[0] = c->reason[0] = c->connect[0] = '\0';
	c->seconds = c->units = c->cost = c->sent = c->fetched = 0;
	c->bytes_out = c->bytes_in = c->mail_out = c->mail_in = 0;
	s->state = CTL_STATE_DIALLING;
	s->window_max = 900;
	if (scenario == DIALLING)
		return;
	s->state = CTL_STATE_WINDOW;
	c->connected = NOW - 81;
	c->up = NOW - 72;
	text(c->connect, sizeof(c->connect), "CONNECT 33600/V42BIS");
	c->seconds = 81;
	c->units = 1;
	c->cost = 100;
	c->sent = 3;
	c->mail_out = 60400;
	c->bytes_out = 70100;
	c->fetched = 1;
	c->mail_in = 12000;
	c->bytes_in = 19500;
	s->window_seconds = 72;
	s->todo_out = 4;
	s->todo_out_bytes = 122880;
	s->todo_in = 8;
	s->todo_in_bytes = 190000;
	s->rate_out = 2400;
	s->rate_in = 1730;
	s->unit_ends = NOW + 99;
}

static void
show_summary(void)
{
	struct ctl_summary	 s;

	memset(&s, 0, sizeof(s));
	s.now = NOW;
	s.started = NOW - 3 * DAY;
	s.spoold = s.fetchd = 1;
	if (scenario != EMPTY) {
		s.queue_messages = 7;
		s.queue_bytes = 183280;
		s.queue_oldest = NOW - 7800;
		make_call(&s.last, NCALLS);
		s.last_good = s.last.up;
		s.day_calls = 1;
		s.day_seconds = s.last.seconds;
		s.day_cost = s.last.cost;
		s.month_calls = 56;
		s.month_seconds = 7931;
		s.month_cost = 23350;
		text(s.currency, sizeof(s.currency), "EUR");
	}
	text(s.next_why, sizeof(s.next_why), scenario == EMPTY ?
	    "nothing waits" : "4 hours since the last window");
	s.next = scenario == EMPTY ? 0 : NOW + 2325;
	if (scenario == WINDOW || scenario == DIALLING ||
	    scenario == HOSTILE) {
		make_open(&s);
		text(s.next_why, sizeof(s.next_why),
		    "a call is in progress");
		s.next = 0;
	}
	put(CTL_SUMMARY, &s, sizeof(s));
}

static void
show_plan(void)
{
	struct ctl_plan	 p;

	memset(&p, 0, sizeof(p));
	p.now = NOW;
	text(p.why, sizeof(p.why), scenario == EMPTY ?
	    "no line is configured" : "4 hours since the last window");
	if (scenario != EMPTY) {
		text(p.line, sizeof(p.line), "v34");
		text(p.number, sizeof(p.number), "0570001235");
		text(p.currency, sizeof(p.currency), "EUR");
		p.messages = 7;
		p.bytes = 183280;
		p.bulk = 2;
		p.fetch = 5;
		p.fetch_bytes = 104000;
		p.setup = 31;
		p.answer = 20;
		p.rate_out = 2400;
		p.rate_in = 2900;
		p.measured = 10;
		p.seconds = 117;
		p.units = 1;
		p.cost = 100;
		p.worst_seconds = 1005;
		p.worst_cost = 600;
		p.next = NOW + 2325;
	}
	put(CTL_PLAN, &p, sizeof(p));
}

static void
put_rule(uint32_t kind, uint32_t line, uint32_t met, int64_t when,
    const char *rule, const char *words)
{
	struct ctl_rule	 r;

	memset(&r, 0, sizeof(r));
	r.kind = kind;
	r.line = line;
	r.met = met;
	r.when = when;
	text(r.rule, sizeof(r.rule), rule);
	text(r.text, sizeof(r.text), words);
	put(CTL_RULE_ENTRY, &r, sizeof(r));
}

static void
show_rules(void)
{
	if (scenario == EMPTY)
		return;
	put_rule(CTL_RULE_CONDITION, 41, 0, 0, "dial when messages 10",
	    "7 of 10 messages wait");
	put_rule(CTL_RULE_CONDITION, 42, 0, NOW + 6600,
	    "dial when age 4h between 08:00 and 23:00",
	    "the oldest is 2h10m old");
	put_rule(CTL_RULE_CONDITION, 43, 0, 0, "dial when urgent",
	    "no urgent message waits");
	put_rule(CTL_RULE_CONDITION, 44, 0, NOW + 2325, "dial every 4h",
	    "the last window was 3h21m ago");
	put_rule(CTL_RULE_RESTRAINT, 45, 0, NOW + 57525,
	    "hold between 02:00 and 04:00", "it is outside of these hours");
	put_rule(CTL_RULE_RESTRAINT, 46, 1, NOW + 2500,
	    "budget 30 per month keep 5 for urgent", "23.35 of 25 are spent, "
	    "and the next call may cost up to 0.60, which is more than the "
	    "part that is not kept leaves");
}

static void
show_calls(uint32_t count)
{
	struct ctl_call	 c;
	uint64_t	 n = count == 0 || count > NCALLS ? 1 :
	    NCALLS - count + 1;

	for (; scenario != EMPTY && n <= NCALLS; n++) {
		make_call(&c, n);
		put(CTL_CALL_ENTRY, &c, sizeof(c));
	}
}

static void
show_call_users(void)
{
	static const char *const	 users[] = { "alice", "bob", "" };
	struct ctl_call_user		 u;
	struct ctl_call			 c;
	uint64_t			 n;
	size_t				 i;

	for (n = 1; scenario != EMPTY && n <= NCALLS; n++) {
		make_call(&c, n);
		for (i = 0; i < 3 && c.up != 0; i++) {
			memset(&u, 0, sizeof(u));
			u.call = n;
			u.opened = c.opened;
			text(u.user, sizeof(u.user), users[i]);
			u.sent = i == 0 ? c.sent - c.sent / 3 : i == 1 ?
			    c.sent / 3 : 0;
			u.fetched = i == 0 ? c.fetched / 2 : i == 1 ?
			    c.fetched - c.fetched / 2 : 0;
			u.sent_bytes = u.sent * 14000;
			u.fetched_bytes = u.fetched * 21000;
			if (u.sent + u.fetched != 0)
				put(CTL_CALL_USER_ENTRY, &u, sizeof(u));
		}
	}
}

static void
show_queue(void)
{
	struct proto_queue_entry	 q;
	int				 i;

	for (i = 0; scenario != EMPTY && i < 3; i++) {
		memset(&q, 0, sizeof(q));
		q.id = 0x1f40 + (uint64_t)i;
		q.size = 1200 * (1 + (uint64_t)i * 40);
		q.received = NOW - 7800 + i * 600;
		q.class = (uint32_t)i;
		q.windows = i == 1 ? 1 : 0;
		q.held = i == 2;
		q.deadline = i == 1 ? NOW + 3600 : 0;
		text(q.sender, sizeof(q.sender), i == 2 ? "" :
		    "the.second.engineer@motor-vessel.shipping.example");
		text(q.recipient, sizeof(q.recipient),
		    "agent@port-of-antwerp.example");
		text(q.status, sizeof(q.status), i != 1 ? "" : "451 4.7.1 "
		    "Greylisting in action, please come back in 00:05:00, "
		    "as your mother told you");
		put(CTL_QUEUE_ENTRY, &q, sizeof(q));
	}
}

static void
show_users(void)
{
	struct ctl_user	 u;
	int		 i;

	for (i = 0; scenario != EMPTY && i < 2; i++) {
		memset(&u, 0, sizeof(u));
		text(u.name, sizeof(u.name), i == 0 ? "alice" : "bob");
		u.messages = 12 + (uint64_t)i * 300;
		u.bytes = 140000;
		u.fetched = 4;
		u.finished = NOW - 9000;
		u.error = (uint32_t)i;
		text(u.text, sizeof(u.text), i == 0 ? "" : "imap.isp.example: "
		    "login refused: [AUTHENTICATIONFAILED] no such user");
		put(CTL_USER_ENTRY, &u, sizeof(u));
	}
}

static void
show_message(uint64_t id)
{
	struct proto_message		 m;
	struct proto_message_rcpt	 r;

	memset(&m, 0, sizeof(m));
	m.id = id;
	m.size = 48200;
	m.received = NOW - 7200;
	m.deadline = NOW + 3600;
	m.returned = 1;
	m.priority = 4;
	m.class = PROTO_URGENT;
	text(m.sender, sizeof(m.sender), "captain@ship.example");
	text(m.user, sizeof(m.user), "captain");
	put(CTL_MESSAGE_ENTRY, &m, sizeof(m));
	memset(&r, 0, sizeof(r));
	r.marked = NOW - 3600;
	r.windows = 2;
	text(r.recipient, sizeof(r.recipient), "owner@company.example");
	text(r.status, sizeof(r.status), "450 4.2.1 mailbox busy, the "
	    "message will be tried again in the next window");
	put(CTL_MESSAGE_RCPT, &r, sizeof(r));
}

static void
serve(struct imsg *imsg)
{
	uint32_t	 count = 0;
	uint64_t	 id = 0;

	switch (imsg_get_type(imsg)) {
	case CTL_HELLO:
		result(0, "");
		return;
	case CTL_SHOW_SUMMARY:
		show_summary();
		return;
	case CTL_SHOW_PLAN:
		show_plan();
		return;
	case CTL_SHOW_RULES:
		show_rules();
		break;
	case CTL_SHOW_CALLS:
		(void)imsg_get_data(imsg, &count, sizeof(count));
		show_calls(count);
		break;
	case CTL_SHOW_CALL_USERS:
		show_call_users();
		break;
	case CTL_SHOW_QUEUE:
		show_queue();
		break;
	case CTL_SHOW_USERS:
		show_users();
		break;
	case CTL_SHOW_MESSAGE:
		(void)imsg_get_data(imsg, &id, sizeof(id));
		show_message(id);
		break;
	default:
		result(0, "");
		return;
	}
	put(CTL_END, NULL, 0);
}

static void
client(int fd)
{
	struct imsg	 imsg;
	int		 n;

	if (imsgbuf_init(&ibuf, fd) == -1)
		err(1, "imsgbuf_init");
	for (;;) {
		if ((n = imsgbuf_get(&ibuf, &imsg)) == -1)
			break;
		if (n == 0) {
			if (imsgbuf_read(&ibuf) != 1)
				break;
			continue;
		}
		if (scenario == REFUSE && imsg_get_type(&imsg) != CTL_HELLO)
			result(EAGAIN, "there is no ledger yet");
		else
			serve(&imsg);
		imsg_free(&imsg);
	}
	exit(0);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_un	 sun;
	int			 s, fd;

	if (argc != 3)
		errx(1, "usage: server socket scenario");
	for (scenario = IDLE; scenario < SCENARIOS; scenario++)
		if (strcmp(names[scenario], argv[2]) == 0)
			break;
	if (scenario == SCENARIOS)
		errx(1, "no scenario %s", argv[2]);
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	strlcpy(sun.sun_path, argv[1], sizeof(sun.sun_path));
	unlink(argv[1]);
	if ((s = socket(AF_UNIX, SOCK_STREAM, 0)) == -1 ||
	    bind(s, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(s, 8) == -1)
		err(1, "%s", argv[1]);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	printf("ready\n");
	fflush(stdout);
	while ((fd = accept(s, NULL, NULL)) != -1) {
		if (fork() == 0)
			client(fd);
		close(fd);
	}
	err(1, "accept");
}
