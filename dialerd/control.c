/* See LICENSE for the terms. */
/*
 * The control socket's server.  A connection says hello, then makes one
 * request at a time.  On the read-only socket only SHOW_* is served.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arrivals.h"
#include "child.h"
#include "control.h"
#include "dialerd.h"
#include "log.h"

#define CONNECTIONS_MAX	16
#define READONLY_MAX	8	/* of them: anybody may, the operator must */
/* Messages that a peer may leave unread; a list of that many is 18 MB. */
#define UNREAD_MAX	16384
#define ACCOUNTS_MAX	1024	/* whose last fetch is remembered */

/* Time-outs. */
#define HELLO_S		5	/* relayctl says hello, and asks, at once */
#define ASK_S		30	/* a reload starts things; a list is quick */
#define REST_S		1	/* no descriptors left: accept again then */
#define PUMP_MS		5	/* a list of calls goes on */
#define PUMP_CALLS	64	/* ... up to so many unread */

#define ARRIVALS_BATCH	128	/* in one message */

enum pump_kind { PUMP_NONE, PUMP_LEDGER, PUMP_USERS, PUMP_ARRIVALS };

struct connection {
	TAILQ_ENTRY(connection)	 entry;
	struct channel		 ch;
	struct event		 timer;
	int			 readonly;
	int			 hello;
	int			 dying;	/* told so: it is not served */
	uint32_t		 id;	/* of its request in progress */
	uint32_t		 ask;	/* ours to another process; 0: none */
	enum proc_id		 whom;	/* ... to which */
	enum pump_kind		 pump;	/* the long list under way */
	uint64_t		 next_call;	/* of the ledger's numbers */
	uint64_t		 next_arrival;	/* place in their file */
};
static TAILQ_HEAD(, connection) connections =
    TAILQ_HEAD_INITIALIZER(connections);
static int	 nconnections, nreadonly;
static uint32_t	 last_ask;

/* [1] is the read-only one. */
static struct listener {
	int		 fd;
	struct event	 ev;
	struct event	 rest;
} listeners[2] = { { .fd = -1 }, { .fd = -1 } };

struct account {
	TAILQ_ENTRY(account)		 entry;
	struct proto_account_result	 result;
};
static TAILQ_HEAD(, account) accounts = TAILQ_HEAD_INITIALIZER(accounts);
static int	 naccounts;

static void	 control_timer(int, short, void *);

/* --- answers --- */

static void
connection_free(struct connection *c)
{
	evtimer_del(&c->timer);
	channel_close(&c->ch);
	TAILQ_REMOVE(&connections, c, entry);
	nconnections--;
	nreadonly -= c->readonly;
	free(c);
}

static void
connection_timer(struct connection *c, time_t s, suseconds_t us)
{
	struct timeval	 tv;

	tv.tv_sec = s;
	tv.tv_usec = us;
	evtimer_add(&c->timer, &tv);
}

/* The request in progress has had its answer; the next is to come soon. */
static void
answered(struct connection *c)
{
	connection_timer(c, HELLO_S, 0);
	c->ask = 0;
	c->pump = PUMP_NONE;
	c->id = 0;
}

static void
answer(struct connection *c, uint32_t error, const char *text)
{
	struct proto_result	 result;

	memset(&result, 0, sizeof(result));
	result.error = error;
	strlcpy(result.text, text, sizeof(result.text));
	channel_send(&c->ch, CTL_RESULT, c->id, -1, &result, sizeof(result));
	answered(c);
}

static void
answer_end(struct connection *c)
{
	channel_send(&c->ch, CTL_END, c->id, -1, NULL, 0);
	answered(c);
}

/* 0, or -1 when the peer did not read and is gone now. */
static int
answer_entry(struct connection *c, uint32_t type, const void *data, size_t len)
{
	if (channel_queued(&c->ch) >= UNREAD_MAX) {
		log_warnx("control: a client that does not read is closed");
		connection_free(c);
		return (-1);
	}
	channel_send(&c->ch, type, c->id, -1, data, len);
	return (0);
}

/*
 * Before each request: 0 when it may go on, 1 when it was answered here,
 * -1 when the peer has broken the protocol.
 */
static int
request(struct connection *c, struct imsg *imsg, int command)
{
	struct proto_result	 result;

	if (c->dying)
		return (1);
	if (!c->hello)
		return (-1);
	if (c->ask != 0 || c->pump != PUMP_NONE) {
		/* The one in progress is still to be answered by its id. */
		memset(&result, 0, sizeof(result));
		result.error = EBUSY;
		strlcpy(result.text, "one request at a time",
		    sizeof(result.text));
		channel_send(&c->ch, CTL_RESULT, imsg_get_id(imsg), -1,
		    &result, sizeof(result));
		return (1);
	}
	c->id = imsg_get_id(imsg);
	if (command && c->readonly) {
		answer(c, EPERM, "this socket is for status only");
		return (1);
	}
	return (0);
}

/* --- asking others --- */

static void
ask_with(struct connection *c, enum proc_id whom, uint32_t type,
    const void *data, size_t len, const char *unavailable)
{
	struct channel	*ch = whom == PROC_PARENT ? child_parent() :
	    child_peer(whom);

	if (++last_ask == 0)
		last_ask = 1;
	if (channel_send(ch, type, last_ask, -1, data, len) == -1) {
		answer(c, EAGAIN, unavailable);
		return;
	}
	c->ask = last_ask;
	c->whom = whom;
	connection_timer(c, ASK_S, 0);
}

static void
ask(struct connection *c, enum proc_id whom, uint32_t type,
    const char *unavailable)
{
	ask_with(c, whom, type, NULL, 0, unavailable);
}

/* The connection that waits for it; NULL when it is gone. */
static struct connection *
asked(struct imsg *imsg)
{
	struct connection	*c;
	uint32_t		 id = imsg_get_id(imsg);

	if (id == 0)
		return (NULL);
	TAILQ_FOREACH(c, &connections, entry) {
		if (c->ask == id)
			return (c);
	}
	return (NULL);
}

int
control_handle_queue_entry(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_queue_entry	 entry;
	struct connection		*c;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &entry, sizeof(entry)) == -1 ||
	    memchr(entry.sender, '\0', sizeof(entry.sender)) == NULL ||
	    memchr(entry.recipient, '\0', sizeof(entry.recipient)) == NULL ||
	    memchr(entry.status, '\0', sizeof(entry.status)) == NULL)
		return (-1);
	if ((c = asked(imsg)) != NULL)
		(void)answer_entry(c, CTL_QUEUE_ENTRY, &entry, sizeof(entry));
	return (0);
}

int
control_handle_message(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_message	 m;
	struct connection	*c;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &m, sizeof(m)) == -1 ||
	    memchr(m.sender, '\0', sizeof(m.sender)) == NULL ||
	    memchr(m.user, '\0', sizeof(m.user)) == NULL)
		return (-1);
	if ((c = asked(imsg)) != NULL)
		(void)answer_entry(c, CTL_MESSAGE_ENTRY, &m, sizeof(m));
	return (0);
}

int
control_handle_message_rcpt(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_message_rcpt	 r;
	struct connection		*c;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &r, sizeof(r)) == -1 ||
	    memchr(r.recipient, '\0', sizeof(r.recipient)) == NULL ||
	    memchr(r.user, '\0', sizeof(r.user)) == NULL ||
	    memchr(r.status, '\0', sizeof(r.status)) == NULL)
		return (-1);
	if ((c = asked(imsg)) != NULL)
		(void)answer_entry(c, CTL_MESSAGE_RCPT, &r, sizeof(r));
	return (0);
}

/* All of a user's accounts as one: sums, the latest time, what failed. */
static void
merge_accounts(struct ctl_user *user)
{
	const struct proto_account_result	*r;
	const struct account			*account;

	TAILQ_FOREACH(account, &accounts, entry) {
		r = &account->result;
		if (strcmp(r->user, user->name) != 0)
			continue;
		user->accounts++;
		user->fetched += r->messages;
		user->fetched_bytes += r->bytes;
		if (r->finished > user->finished)
			user->finished = r->finished;
		if (r->error != 0 && user->error == 0) {
			user->error = r->error;
			strlcpy(user->text, r->text, sizeof(user->text));
		}
	}
}

int
control_handle_user_entry(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_user_entry	 entry;
	struct ctl_user		 user;
	struct connection	*c;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &entry, sizeof(entry)) == -1 ||
	    memchr(entry.name, '\0', sizeof(entry.name)) == NULL)
		return (-1);
	if ((c = asked(imsg)) == NULL)
		return (0);
	memset(&user, 0, sizeof(user));
	strlcpy(user.name, entry.name, sizeof(user.name));
	user.messages = entry.messages;
	user.bytes = entry.bytes;
	merge_accounts(&user);
	(void)answer_entry(c, CTL_USER_ENTRY, &user, sizeof(user));
	return (0);
}

int
control_handle_list_end(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct connection	*c;

	(void)ch;
	(void)arg;
	if ((c = asked(imsg)) != NULL)
		answer_end(c);
	return (0);
}

int
control_handle_result(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_result	 result;
	struct connection	*c;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &result, sizeof(result)) == -1 ||
	    memchr(result.text, '\0', sizeof(result.text)) == NULL)
		return (-1);
	if ((c = asked(imsg)) != NULL)
		answer(c, result.error, result.text);
	return (0);
}

/* Where there are too many, the one that was heard of least lately goes. */
static void
forget_account(void)
{
	struct account	*account = TAILQ_FIRST(&accounts);

	TAILQ_REMOVE(&accounts, account, entry);
	free(account);
	naccounts--;
}

int
control_handle_account(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_account_result	 r;
	struct account			*account;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &r, sizeof(r)) == -1 ||
	    memchr(r.account, '\0', sizeof(r.account)) == NULL ||
	    memchr(r.user, '\0', sizeof(r.user)) == NULL ||
	    memchr(r.text, '\0', sizeof(r.text)) == NULL)
		return (-1);
	dialerd_account(&r);
	TAILQ_FOREACH(account, &accounts, entry) {
		if (strcmp(account->result.account, r.account) == 0)
			break;
	}
	if (account != NULL)
		TAILQ_REMOVE(&accounts, account, entry);
	else {
		if (naccounts == ACCOUNTS_MAX)
			forget_account();
		if ((account = malloc(sizeof(*account))) == NULL) {
			log_warn("control: account");
			return (0);
		}
		naccounts++;
	}
	account->result = r;
	TAILQ_INSERT_TAIL(&accounts, account, entry);
	return (0);
}

void
control_spoold_down(void)
{
	struct connection	*c;

	/* Answers free no connection. */
	TAILQ_FOREACH(c, &connections, entry) {
		if (c->ask != 0 && c->whom == PROC_SPOOLD)
			answer(c, EAGAIN, "spoold has gone");
	}
}

/* --- requests --- */

static int
handle_hello(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct connection	*c = arg;
	uint32_t		 version;

	(void)ch;
	if (imsg_get_data(imsg, &version, sizeof(version)) == -1 ||
	    c->hello || c->dying)
		return (-1);
	c->id = imsg_get_id(imsg);
	if (version != PROTO_VERSION) {
		answer(c, EPROTONOSUPPORT,
		    "relayctl and dialerd are of different versions");
		/* It is to read that first. */
		c->dying = 1;
		connection_timer(c, REST_S, 0);
		return (0);
	}
	c->hello = 1;
	answer(c, 0, "");
	return (0);
}

static int
handle_show_summary(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct connection	*c = arg;
	struct ctl_summary	 summary;
	int			 r;

	if ((r = request(c, imsg, 0)) != 0)
		return (r == -1 ? -1 : 0);
	memset(&summary, 0, sizeof(summary));
	dialerd_summary(&summary);
	channel_send(ch, CTL_SUMMARY, c->id, -1, &summary, sizeof(summary));
	answered(c);
	return (0);
}

static int
handle_show_plan(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct connection	*c = arg;
	struct ctl_plan		 plan;
	int			 r;

	if ((r = request(c, imsg, 0)) != 0)
		return (r == -1 ? -1 : 0);
	memset(&plan, 0, sizeof(plan));
	dialerd_plan(&plan);
	channel_send(ch, CTL_PLAN, c->id, -1, &plan, sizeof(plan));
	answered(c);
	return (0);
}

static void
tell_rule(void *arg, const struct ctl_rule *rule)
{
	struct connection	*c = arg;

	channel_send(&c->ch, CTL_RULE_ENTRY, c->id, -1, rule, sizeof(*rule));
}

static int
handle_show_rules(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct connection	*c = arg;
	const char		*why;
	int			 r;

	(void)ch;
	if ((r = request(c, imsg, 0)) != 0)
		return (r == -1 ? -1 : 0);
	/* There are no more of them than lines in the configuration. */
	if ((why = dialerd_rules(tell_rule, c)) != NULL)
		answer(c, EAGAIN, why);
	else
		answer_end(c);
	return (0);
}

static int
handle_show_queue(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct connection	*c = arg;
	int			 r;

	(void)ch;
	if ((r = request(c, imsg, 0)) != 0)
		return (r == -1 ? -1 : 0);
	ask(c, PROC_SPOOLD, DIALERD_LIST_QUEUE,
	    "spoold is not running");
	return (0);
}

static int
handle_show_users(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct connection	*c = arg;
	int			 r;

	(void)ch;
	if ((r = request(c, imsg, 0)) != 0)
		return (r == -1 ? -1 : 0);
	ask(c, PROC_SPOOLD, DIALERD_LIST_USERS,
	    "spoold is not running");
	return (0);
}

/* 1 when the peer has enough to read; the timer then goes on. */
static int
pump_rests(struct connection *c)
{
	if (channel_queued(&c->ch) < PUMP_CALLS)
		return (0);
	connection_timer(c, 0, PUMP_MS * 1000);
	return (1);
}

static void
pump_failed(struct connection *c, const char *what)
{
	int	 error = errno;

	log_warn("%s", what);
	answer(c, (uint32_t)error, "it cannot be read");
}

/* What a call did for users, line by line of the ledger: 0, or -1. */
static int
send_users(struct connection *c, const struct ledger *ledger, size_t which,
    const struct ctl_call *call)
{
	struct ctl_call_user	 u;
	uint64_t		 at = 0;
	int			 r;

	memset(&u, 0, sizeof(u));
	while ((r = ledger_read_user(ledger, which, &at, &u)) == 1) {
		u.call = call->call;
		u.opened = call->opened;
		channel_send(&c->ch, CTL_CALL_USER_ENTRY, c->id, -1, &u,
		    sizeof(u));
	}
	return (r);
}

/* Some more calls, or what they did for users. */
static void
pump_calls(struct connection *c)
{
	const struct ledger	*ledger = dialerd_ledger();
	struct ctl_call		 call;
	size_t			 i, n;

	if (ledger == NULL) {
		answer(c, EAGAIN, "the ledger is being shortened");
		return;
	}
	n = ledger_count(ledger);
	/* By number: the ledger may have forgotten some meanwhile. */
	for (i = ledger_seek(ledger, c->next_call); i < n; i++) {
		if (pump_rests(c))
			return;
		if (ledger_read(ledger, i, &call) == -1 ||
		    (c->pump == PUMP_USERS &&
		    send_users(c, ledger, i, &call) == -1)) {
			pump_failed(c, "ledger: read");
			return;
		}
		c->next_call = call.call + 1;
		if (c->pump == PUMP_LEDGER)
			channel_send(&c->ch, CTL_CALL_ENTRY, c->id, -1, &call,
			    sizeof(call));
	}
	answer_end(c);
}

static void
pump_arrivals(struct connection *c)
{
	const struct arrivals	*arrivals = dialerd_arrivals();
	struct proto_arrival	 batch[ARRIVALS_BATCH];
	ssize_t			 n = 0;

	memset(batch, 0, sizeof(batch));
	while (arrivals != NULL && !pump_rests(c)) {
		n = arrivals_read(arrivals, &c->next_arrival, batch,
		    ARRIVALS_BATCH);
		if (n == -1) {
			pump_failed(c, "arrivals: read");
			return;
		}
		if (n == 0)
			break;
		channel_send(&c->ch, CTL_ARRIVALS, c->id, -1, batch,
		    (size_t)n * sizeof(batch[0]));
	}
	if (arrivals == NULL || n == 0)
		answer_end(c);
}

static void
pump(struct connection *c)
{
	if (c->pump == PUMP_ARRIVALS)
		pump_arrivals(c);
	else
		pump_calls(c);
}

/* From the so-manieth of the newest calls on. */
static int
show_ledger(struct connection *c, struct imsg *imsg, enum pump_kind kind)
{
	const struct ledger	*ledger = dialerd_ledger();
	struct ctl_call		 call;
	uint32_t		 want;
	size_t			 n;
	int			 r;

	if (imsg_get_data(imsg, &want, sizeof(want)) == -1)
		return (-1);
	if ((r = request(c, imsg, 0)) != 0)
		return (r == -1 ? -1 : 0);
	if (ledger == NULL) {
		answer(c, EAGAIN, "there is no ledger yet");
		return (0);
	}
	n = ledger_count(ledger);
	c->next_call = 0;
	if (want != 0 && n > want &&
	    ledger_read(ledger, n - want, &call) == 0)
		c->next_call = call.call;
	c->pump = kind;
	pump(c);
	return (0);
}

static int
handle_show_calls(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	return (show_ledger(arg, imsg, PUMP_LEDGER));
}

static int
handle_show_call_users(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	return (show_ledger(arg, imsg, PUMP_USERS));
}

static int
handle_show_arrivals(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct connection	*c = arg;
	int			 r;

	(void)ch;
	if ((r = request(c, imsg, 0)) != 0)
		return (r == -1 ? -1 : 0);
	c->next_arrival = 0;
	c->pump = PUMP_ARRIVALS;
	pump(c);
	return (0);
}

static int
handle_command(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct connection	*c = arg;
	char			 text[PROTO_TEXT_MAX] = "";
	int			 error = 0, r;

	(void)ch;
	if ((r = request(c, imsg, 1)) != 0)
		return (r == -1 ? -1 : 0);
	switch (imsg_get_type(imsg)) {
	case CTL_DIAL:
		error = dialerd_dial(text, sizeof(text));
		break;
	case CTL_HANGUP:
		error = dialerd_hangup(text, sizeof(text));
		break;
	case CTL_HOLD:
		dialerd_hold(1);
		break;
	case CTL_RELEASE:
		dialerd_hold(0);
		break;
	}
	answer(c, (uint32_t)error, text);
	return (0);
}

static int
handle_reload(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct connection	*c = arg;
	int			 r;

	(void)ch;
	if ((r = request(c, imsg, 1)) != 0)
		return (r == -1 ? -1 : 0);
	ask(c, PROC_PARENT, DIALERD_RELOAD, "the parent is not there");
	return (0);
}

static int
handle_show_message(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct connection	*c = arg;
	uint64_t		 id;
	int			 r;

	(void)ch;
	if (imsg_get_data(imsg, &id, sizeof(id)) == -1)
		return (-1);
	if ((r = request(c, imsg, 0)) != 0)
		return (r == -1 ? -1 : 0);
	ask_with(c, PROC_SPOOLD, DIALERD_SHOW_MESSAGE, &id, sizeof(id),
	    "spoold is not running");
	return (0);
}

static int
handle_message(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct connection		*c = arg;
	struct proto_message_ask	 m;
	int				 r;

	(void)ch;
	if (imsg_get_data(imsg, &m, sizeof(m)) == -1 ||
	    m.action >= PROTO_MESSAGE_ACTIONS ||
	    m.select >= PROTO_MESSAGE_SELECTS ||
	    memchr(m.address, '\0', sizeof(m.address)) == NULL)
		return (-1);
	if ((r = request(c, imsg, 1)) != 0)
		return (r == -1 ? -1 : 0);
	ask_with(c, PROC_SPOOLD, DIALERD_MESSAGE, &m, sizeof(m),
	    "spoold is not running");
	return (0);
}

static int
handle_verbose(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct connection	*c = arg;
	uint32_t		 verbose;
	int			 r;

	(void)ch;
	if (imsg_get_data(imsg, &verbose, sizeof(verbose)) == -1)
		return (-1);
	if ((r = request(c, imsg, 1)) != 0)
		return (r == -1 ? -1 : 0);
	verbose = verbose != 0;
	channel_send(child_parent(), DIALERD_LOG_VERBOSE, 0, -1, &verbose,
	    sizeof(verbose));
	answer(c, 0, "");
	return (0);
}

static const struct channel_row control_rows[] = {
	{ CTL_HELLO,		handle_hello },
	{ CTL_SHOW_SUMMARY,	handle_show_summary },
	{ CTL_SHOW_QUEUE,	handle_show_queue },
	{ CTL_SHOW_CALLS,	handle_show_calls },
	{ CTL_SHOW_USERS,	handle_show_users },
	{ CTL_SHOW_MESSAGE,	handle_show_message },
	{ CTL_MESSAGE,		handle_message },
	{ CTL_SHOW_PLAN,	handle_show_plan },
	{ CTL_SHOW_RULES,	handle_show_rules },
	{ CTL_SHOW_CALL_USERS,	handle_show_call_users },
	{ CTL_SHOW_ARRIVALS,	handle_show_arrivals },
	{ CTL_DIAL,		handle_command },
	{ CTL_HANGUP,		handle_command },
	{ CTL_HOLD,		handle_command },
	{ CTL_RELEASE,		handle_command },
	{ CTL_RELOAD,		handle_reload },
	{ CTL_LOG_VERBOSE,	handle_verbose },
	{ PROTO_NONE,		NULL }
};

/* --- connections --- */

static void
control_closed(struct channel *ch, int violation, void *arg)
{
	(void)ch;
	if (violation)
		log_warnx("control: a client broke the protocol");
	connection_free(arg);
}

static void
control_timer(int fd, short event, void *arg)
{
	struct connection	*c = arg;

	(void)fd;
	(void)event;
	if (c->pump != PUMP_NONE)
		pump(c);
	else if (c->ask != 0)
		answer(c, ETIMEDOUT, "no answer in time");
	else if (c->hello && channel_queued(&c->ch) > 0)
		connection_timer(c, HELLO_S, 0);	/* it still reads */
	else
		connection_free(c);
}

static void
control_add(int fd, int readonly)
{
	struct connection	*c;

	if (nconnections == CONNECTIONS_MAX ||
	    (readonly && nreadonly == READONLY_MAX) ||
	    (c = calloc(1, sizeof(*c))) == NULL) {
		log_warnx("control: too many clients");
		close(fd);
		return;
	}
	c->readonly = readonly;
	evtimer_set(&c->timer, control_timer, c);
	if (channel_open(&c->ch, fd, PROC_DIALERD, PROC_RELAYCTL,
	    control_rows, c, control_closed) == -1) {
		log_warn("control: client");
		close(fd);
		free(c);
		return;
	}
	TAILQ_INSERT_TAIL(&connections, c, entry);
	nconnections++;
	nreadonly += readonly;
	connection_timer(c, HELLO_S, 0);
}

static void
control_rest(int fd, short event, void *arg)
{
	struct listener	*l = arg;

	(void)fd;
	(void)event;
	event_add(&l->ev, NULL);
}

static void
control_accept(int fd, short event, void *arg)
{
	struct listener	*l = arg;
	struct timeval	 tv = { REST_S, 0 };
	int		 s;

	(void)event;
	if ((s = accept(fd, NULL, NULL)) != -1) {
		control_add(s, l == &listeners[1]);
		return;
	}
	if (errno == EMFILE || errno == ENFILE) {
		log_warn("control: accept");
		event_del(&l->ev);
		evtimer_add(&l->rest, &tv);
	} else if (errno != EAGAIN && errno != EWOULDBLOCK &&
	    errno != EINTR && errno != ECONNABORTED)
		log_warn("control: accept");
}

void
control_listen(int fd, int readonly)
{
	struct listener	*l = &listeners[readonly != 0];
	int		 flags;

	if (l->fd != -1) {
		event_del(&l->ev);
		evtimer_del(&l->rest);
		close(l->fd);
	}
	l->fd = fd;
	if ((flags = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		log_warn("control: fcntl");
	event_set(&l->ev, fd, EV_READ | EV_PERSIST, control_accept, l);
	evtimer_set(&l->rest, control_rest, l);
	event_add(&l->ev, NULL);
}
