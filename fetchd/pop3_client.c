/* See LICENSE for the terms. */
/*
 * A POP3 session, RFC 1939 with 2449 (CAPA, PIPELINING), 2595 (STLS) and
 * 5034 (AUTH).  Each command that was sent stands in a queue of answers to
 * come; an answer goes to the state function of its command.  Messages are
 * deleted by DELE when ours is durable and, since that counts only after
 * QUIT, come again and are deleted then if the line drops before.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"
#include "pop3_client.h"
#include "pop3_reply.h"

#define LINE_MAX_POP3	8192	/* none is as long; RFC 2449 4: 512 */
#define ANSWERS_MAX	64	/* commands in flight: memory is bounded */
#define CAPS_KNOWN	0x80000000U	/* with them: they were asked for */
/*
 * A message that takes longer than this is worth a new connection before it,
 * where deletions wait for QUIT: the line may not last so long.
 */
#define LONG_MESSAGE	60	/* seconds */
#define AUTH_LINE_MAX	253	/* RFC 5034 4: 255 with CRLF, else in two */

struct pop3;
struct answer;

struct command {
	void		(*status)(struct pop3 *, struct answer *,
			    const struct pop3_reply *);
	void		(*line)(struct pop3 *, const char *, size_t);
	void		(*end)(struct pop3 *);
};

struct answer {			/* that will come */
	TAILQ_ENTRY(answer)	 entry;
	const struct command	*command;
	struct message		*message;
};

struct pop3 {
	struct session		*session;
	TAILQ_HEAD(, answer)	 answers;
	unsigned int		 nanswers, retrieving, deleting, deleted;
	unsigned int		 given;		/* messages, or a part */
	uint32_t		 caps;
	int			 caps_known;
	int			 lines;		/* within an answer of many */
	int			 body;		/* within a message */
	int			 dots;		/* dot_unstuff */
	uint64_t		 lost;		/* bytes of it not stored */
	int			 planned, quitting, securing, truncated;
	int			 early;		/* begun before the greeting */
	unsigned int		 heard;		/* status lines */
	int			 renew;		/* QUIT before the next RETR */
};

static void	 pop3_capabilities(struct pop3 *);
static void	 pop3_auth(struct pop3 *);

static void
answer_free(struct pop3 *p, struct answer *a)
{
	TAILQ_REMOVE(&p->answers, a, entry);
	p->nanswers--;
	free(a);
}

/* An answer is due, to what is sent next. */
static void
expect(struct pop3 *p, const struct command *command, struct message *m)
{
	struct answer	*a;

	if ((a = calloc(1, sizeof(*a))) == NULL) {
		session_fail(p->session, ENOMEM, "out of memory");
		return;
	}
	a->command = command;
	a->message = m;
	TAILQ_INSERT_TAIL(&p->answers, a, entry);
	p->nanswers++;
}

/* LIST: sizes.  What is not in the listing any more keeps 0. */
static void
list_status(struct pop3 *p, struct answer *a, const struct pop3_reply *r)
{
	(void)a;
	if (r->status == POP3_OK)
		p->lines = 1;
	else
		session_refused(p->session, EPROTO, "LIST refused", r->text,
		    r->len);
}

static void
list_line(struct pop3 *p, const char *line, size_t len)
{
	struct message	*m;
	uint64_t	 size;
	uint32_t	 number;

	if (pop3_reply_list(line, len, &number, &size) == -1) {
		session_fail(p->session, EPROTO, "LIST: a line that is none");
		return;
	}
	if ((m = inbox_find(p->session->inbox, number)) != NULL)
		m->size = size;
	else
		inbox_incomplete(p->session->inbox);
}

static void
list_end(struct pop3 *p)
{
	if (inbox_compare(p->session->inbox, 0) == -1)
		session_fail(p->session, errno,
		    "the spool is gone");
}

static const struct command list_command = {
	list_status, list_line, list_end
};

/* UIDL: without it, what is fetched could not be told from what is not. */
static void
uidl_status(struct pop3 *p, struct answer *a, const struct pop3_reply *r)
{
	(void)a;
	if (r->status == POP3_OK)
		p->lines = 1;
	else
		session_refused(p->session, EOPNOTSUPP, "upstream has no UIDL, "
		    "without which nothing can be fetched exactly once",
		    r->text, r->len);
}

static void
uidl_line(struct pop3 *p, const char *line, size_t len)
{
	char		 uid[PROTO_UID_MAX];
	uint32_t	 number;

	if (pop3_reply_uidl(line, len, &number, uid) == -1) {
		session_fail(p->session, EPROTO, "UIDL: a line that is none");
		return;
	}
	if (inbox_add(p->session->inbox, number, uid, 0) == 0)
		return;
	if (errno != E2BIG)
		session_fail(p->session, errno, "out of memory");
	else if (!p->truncated++)
		log_warnx("account name=%s: only the first %d messages are "
		    "looked at", p->session->account, INBOX_MESSAGES);
}

static void
uidl_end(struct pop3 *p)
{
	inbox_listed(p->session->inbox);
	if ((p->caps & POP3_CAP_PIPELINING) == 0) {
		expect(p, &list_command, NULL);
		session_send(p->session, "LIST");
	}
}

static const struct command uidl_command = {
	uidl_status, uidl_line, uidl_end
};

static void
pop3_list(struct pop3 *p)
{
	expect(p, &uidl_command, NULL);
	session_send(p->session, "UIDL");
	if (p->caps & POP3_CAP_PIPELINING) {
		expect(p, &list_command, NULL);
		session_send(p->session, "LIST");
	}
}

/* The answer to PASS, or to AUTH. */
static void
login_status(struct pop3 *p, struct answer *a, const struct pop3_reply *r)
{
	(void)a;
	if (r->status == POP3_OK) {
		if ((p->caps & POP3_CAP_PIPELINING) == 0)
			pop3_list(p);
		return;
	}
	/* It may be the way to log in that is not there any more. */
	if (p->early && r->code == POP3_CODE_NONE)
		known_forget(p->session->known);
	switch (r->code) {
	case POP3_CODE_IN_USE:
		session_refused(p->session, EBUSY, "mailbox in use", r->text,
		    r->len);
		break;
	case POP3_CODE_LOGIN_DELAY:
	case POP3_CODE_SYS_TEMP:
	case POP3_CODE_SYS_PERM:
		session_refused(p->session, EAGAIN, "no login now", r->text,
		    r->len);
		break;
	default:
		session_refused(p->session, EACCES, "login refused", r->text,
		    r->len);
		break;
	}
}

static const struct command login_command = { login_status, NULL, NULL };

/* "+ ": the response, which did not fit or was not taken with AUTH. */
static void
auth_status(struct pop3 *p, struct answer *a, const struct pop3_reply *r)
{
	char	*plain;

	if (r->status != POP3_CONTINUE) {
		login_status(p, a, r);
		return;
	}
	if ((plain = session_sasl_plain(p->session)) == NULL) {
		session_fail(p->session, ENOMEM, "out of memory");
		return;
	}
	expect(p, &login_command, NULL);
	session_send(p->session, "%s", plain);
	freezero(plain, strlen(plain));
	if (p->caps & POP3_CAP_PIPELINING)
		pop3_list(p);
}

static const struct command auth_command = { auth_status, NULL, NULL };

static void
user_status(struct pop3 *p, struct answer *a, const struct pop3_reply *r)
{
	(void)a;
	if (r->status != POP3_OK) {
		session_refused(p->session, EACCES, "login refused", r->text,
		    r->len);
		return;
	}
	if ((p->caps & POP3_CAP_PIPELINING) == 0) {
		expect(p, &login_command, NULL);
		session_send(p->session, "PASS %s", p->session->password);
	}
}

static const struct command user_command = { user_status, NULL, NULL };

static void
pop3_auth_plain(struct pop3 *p)
{
	char	*plain;

	if ((plain = session_sasl_plain(p->session)) == NULL) {
		session_fail(p->session, ENOMEM, "out of memory");
		return;
	}
	if (strlen("AUTH PLAIN ") + strlen(plain) > AUTH_LINE_MAX) {
		expect(p, &auth_command, NULL);
		session_send(p->session, "AUTH PLAIN");
	} else if (p->caps & POP3_CAP_PIPELINING) {
		expect(p, &login_command, NULL);
		session_send(p->session, "AUTH PLAIN %s", plain);
		pop3_list(p);
	} else {
		/* It may be asked for the response all the same. */
		expect(p, &auth_command, NULL);
		session_send(p->session, "AUTH PLAIN %s", plain);
	}
	freezero(plain, strlen(plain));
}

/*
 * With PIPELINING the listings go in the same flight.  Where there are both,
 * USER it is: "SASL" may mean AUTH as RFC 1734 has it, and servers like
 * Exchange hang up on a response in its line.
 */
static void
pop3_auth(struct pop3 *p)
{
	struct session	*s = p->session;
	int		 unfit = strpbrk(s->login, "\r\n") != NULL ||
			    strpbrk(s->password, "\r\n") != NULL;

	if ((p->caps & POP3_CAP_SASL_PLAIN) &&
	    ((p->caps & POP3_CAP_USER) == 0 || unfit)) {
		pop3_auth_plain(p);
		return;
	}
	if (unfit) {
		session_fail(s, EINVAL, "POP3 has no way to send a line end "
		    "in a login or password");
		return;
	}
	expect(p, &user_command, NULL);
	session_send(s, "USER %s", s->login);
	if (p->caps & POP3_CAP_PIPELINING) {
		expect(p, &login_command, NULL);
		session_send(s, "PASS %s", s->password);
		pop3_list(p);
	}
}

static void
stls_status(struct pop3 *p, struct answer *a, const struct pop3_reply *r)
{
	(void)a;
	if (r->status != POP3_OK) {
		if (p->early)
			known_forget(p->session->known);
		session_refused(p->session, EPROTO, "STLS refused", r->text,
		    r->len);
		return;
	}
	p->securing = 1;
	session_secure(p->session);
}

static const struct command stls_command = { stls_status, NULL, NULL };

/* What there is, is known: secure the connection, or log in. */
static void
capa_end(struct pop3 *p)
{
	struct session	*s = p->session;

	if (s->tls != TLS_MODE_STARTTLS || stream_is_tls(s->stream)) {
		pop3_auth(p);
		return;
	}
	if (p->caps_known && (p->caps & POP3_CAP_STLS) == 0) {
		session_fail(s, EPROTO, "upstream does not offer STLS");
		return;
	}
	expect(p, &stls_command, NULL);
	session_send(s, "STLS");
}

/* What there is, is known for later windows, too. */
static void
capa_known(struct pop3 *p)
{
	struct session	*s = p->session;

	if (s->known != NULL) {
		if (s->tls == TLS_MODE_STARTTLS && !stream_is_tls(s->stream))
			s->known->plain = p->caps | CAPS_KNOWN;
		else
			s->known->before = p->caps | CAPS_KNOWN;
	}
	capa_end(p);
}

/*
 * Where PIPELINING is known the login waits neither for the greeting nor for
 * the capabilities.
 */
static void
pop3_early(struct pop3 *p)
{
	struct session	*s = p->session;
	uint32_t	 caps;

	p->early = 0;
	if (s->known == NULL || s->known->shy)
		return;
	caps = s->tls == TLS_MODE_STARTTLS && !stream_is_tls(s->stream) ?
	    s->known->plain : s->known->before;
	if ((caps & CAPS_KNOWN) == 0 || (caps & POP3_CAP_PIPELINING) == 0)
		return;
	p->early = 1;
	p->caps = caps;
	p->caps_known = 1;
	capa_end(p);
}

static void
capa_status(struct pop3 *p, struct answer *a, const struct pop3_reply *r)
{
	(void)a;
	if (r->status == POP3_OK) {
		p->caps_known = 1;
		p->lines = 1;
	} else
		capa_known(p);	/* a server from before RFC 2449 */
}

static void
capa_line(struct pop3 *p, const char *line, size_t len)
{
	p->caps |= pop3_reply_capability(line, len);
}

static const struct command capa_command = {
	capa_status, capa_line, capa_known
};

static void
pop3_capabilities(struct pop3 *p)
{
	p->caps = 0;
	p->caps_known = 0;
	expect(p, &capa_command, NULL);
	session_send(p->session, "CAPA");
}

static void
greeting_status(struct pop3 *p, struct answer *a, const struct pop3_reply *r)
{
	(void)a;
	if (r->status == POP3_OK && p->early)
		;		/* what is to be said is said */
	else if (r->status == POP3_OK)
		pop3_capabilities(p);
	else
		session_refused(p->session, EAGAIN, "upstream refuses",
		    r->text, r->len);
}

static const struct command greeting_command = {
	greeting_status, NULL, NULL
};

static void
retr_status(struct pop3 *p, struct answer *a, const struct pop3_reply *r)
{
	if (r->status == POP3_OK) {
		p->given++;
		p->body = 1;
		p->dots = 0;
		p->lost = 0;
		return;
	}
	p->retrieving--;
	if (a->message->state == MESSAGE_COMING)
		inbox_leave(a->message, 0, EIO,
		    "upstream would not give a message");
}

static const struct command retr_command = { retr_status, NULL, NULL };

static void
dele_status(struct pop3 *p, struct answer *a, const struct pop3_reply *r)
{
	p->deleting--;
	if (r->status == POP3_OK)
		p->deleted++;
	else
		log_warnx("account name=%s uid=%s: upstream would not delete "
		    "it", p->session->account, a->message->uid);
}

static const struct command dele_command = { dele_status, NULL, NULL };

static void
quit_status(struct pop3 *p, struct answer *a, const struct pop3_reply *r)
{
	(void)a;
	/* RFC 1939 6: some were not removed; they are met again. */
	if (r->status != POP3_OK)
		log_warnx("account name=%s: upstream did not delete all",
		    p->session->account);
	session_done(p->session);
}

static const struct command quit_command = { quit_status, NULL, NULL };

/*
 * With "EXPIRE 0" QUIT makes the server drop all that it gave, so it must
 * not hear it before that is durable (M3).
 */
static int
may_quit(const struct pop3 *p)
{
	return ((p->caps & POP3_CAP_EXPIRE_0) == 0 ||
	    p->given <= p->session->inbox->fetched);
}

/* No answer to QUIT is worth waiting for where nothing was deleted. */
static void
pop3_quit(struct pop3 *p)
{
	if (!may_quit(p)) {
		session_fail(p->session, p->session->inbox->error, "%s",
		    p->session->inbox->text);
		return;
	}
	p->quitting = 1;
	p->session->again = p->renew && !inbox_fetched(p->session->inbox);
	expect(p, &quit_command, NULL);
	session_send(p->session, "QUIT");
	if (p->deleted == 0 && p->nanswers == 1)
		session_done(p->session);
}

/* May another command be sent now? */
static int
has_room(const struct pop3 *p)
{
	if ((p->caps & POP3_CAP_PIPELINING) == 0)
		return (p->nanswers == 0);
	return (p->nanswers < ANSWERS_MAX);
}

/*
 * DELE counts at QUIT only: a line that drops in a long message would have
 * all of them come to nothing, in each window anew where it is longer than
 * that.
 */
static int
worth_quit(const struct pop3 *p, const struct message *m)
{
	const struct inbox	*ib = p->session->inbox;
	uint64_t		 rate = known_rate();

	return (p->session->renewable && rate != 0 &&
	    m->size / LONG_MESSAGE > rate && (p->deleted > 0 ||
	    p->deleting > 0 || ib->ndoomed > 0 || (ib->keep == KEEP_NONE &&
	    (p->retrieving > 0 || ib->ncommitting > 0))));
}

/* Nothing came of the deletions that QUIT was to be said for. */
static int
renew_no_more(const struct pop3 *p)
{
	const struct inbox	*ib = p->session->inbox;

	return (p->deleted == 0 && p->deleting == 0 && ib->ndoomed == 0 &&
	    p->retrieving == 0 && ib->ncommitting == 0);
}

/* Nothing is on its way that QUIT would be too early for. */
static int
time_to_quit(const struct pop3 *p)
{
	const struct inbox	*ib = p->session->inbox;

	if (p->retrieving > 0 || ib->ndoomed > 0)
		return (0);
	return (inbox_fetched(ib) || (p->renew && ib->ncommitting == 0));
}

static void
pop3_ask(struct pop3 *p)
{
	struct session	*s = p->session;
	struct message	*m;

	if (p->renew && renew_no_more(p))
		p->renew = 0;
	/* Several by one packet, while the line has something to do. */
	while ((p->retrieving == 0 || !inbox_opening(s->inbox)) &&
	    has_room(p) && p->retrieving < INBOX_REQUESTS && !p->renew &&
	    inbox_outstanding(s->inbox) < inbox_ahead() &&
	    (m = inbox_next(s->inbox)) != NULL) {
		if (worth_quit(p, m)) {
			p->renew = 1;
			break;
		}
		inbox_asked(m, UINT64_MAX);
		p->retrieving++;
		expect(p, &retr_command, m);
		session_send(s, "RETR %u", m->number);
	}
	/* One command at a time: first what a line that drops would lose. */
	while (has_room(p) && ((p->caps & POP3_CAP_PIPELINING) ||
	    inbox_fetched(s->inbox) || p->renew) &&
	    (m = inbox_next_doomed(s->inbox)) != NULL) {
		p->deleting++;
		expect(p, &dele_command, m);
		session_send(s, "DELE %u", m->number);
	}
	if (has_room(p) && time_to_quit(p))
		pop3_quit(p);
}

static void
pop3_pump(struct session *s)
{
	struct pop3	*p = s->engine;

	if (p->planned && !p->quitting && !s->over)
		pop3_ask(p);
	s->waiting = p->nanswers + (unsigned int)p->securing;
}

/*
 * Bytes that cannot be stored are taken all the same while they are few, to
 * come to QUIT and so to the deletions; else the line is let go.
 */
static void
body_lost(struct pop3 *p, const struct message *m, size_t len)
{
	p->lost += len;
	if (p->lost > INBOX_AHEAD || (m->size > m->offset &&
	    m->size - m->offset > INBOX_AHEAD))
		session_fail(p->session, p->session->inbox->error, "%s",
		    p->session->inbox->text);
}

/* Bytes of a message: 1 at its end, 0 when more must come. */
static int
pop3_body(struct pop3 *p)
{
	struct session	*s = p->session;
	struct answer	*a = TAILQ_FIRST(&p->answers);
	struct message	*m = a->message;
	const uint8_t	*in;
	uint8_t		 out[16384];
	size_t		 len, outlen = sizeof(out), used;
	int		 end;

	len = stream_peek(s->stream, &in);
	end = dot_unstuff(&p->dots, in, len, &used, out, &outlen);
	stream_consume(s->stream, used);
	if (used > 0)
		s->moved = 1;
	if (outlen > 0 && (m->state != MESSAGE_COMING ||
	    inbox_write(m, out, outlen) == -1))
		body_lost(p, m, outlen);
	if (!end)
		return (used > 0);
	p->body = 0;
	p->retrieving--;
	answer_free(p, a);
	if (m->state == MESSAGE_COMING)
		inbox_commit(m);
	return (1);
}

/* One line that is not of a message. */
static void
pop3_line(struct pop3 *p, const char *line, size_t len)
{
	const struct command	*command;
	struct pop3_reply	 r;
	struct answer		*a = TAILQ_FIRST(&p->answers);

	if (a == NULL) {
		session_fail(p->session, EPROTO, "upstream speaks unasked");
		return;
	}
	p->session->moved = 1;
	command = a->command;
	if (p->lines && !pop3_reply_end(line, len)) {
		command->line(p, line, len);
		return;
	}
	if (p->lines) {
		p->lines = 0;
		answer_free(p, a);
		command->end(p);
		return;
	}
	pop3_reply_parse(line, len, &r);
	if (r.status == POP3_INVALID ||
	    (r.status == POP3_CONTINUE && command != &auth_command)) {
		session_fail(p->session, EPROTO, "upstream does not speak "
		    "POP3");
		return;
	}
	p->heard++;
	command->status(p, a, &r);
	/* Else it goes on, with lines or with a message. */
	if (!p->lines && !p->body)
		answer_free(p, a);
}

static void
pop3_input(struct session *s)
{
	struct pop3	*p = s->engine;
	char		*line;
	size_t		 len;

	while (!s->over && !p->securing) {
		if (p->body) {
			if (!pop3_body(p))
				break;
		} else if (session_line(s, &line, &len, LINE_MAX_POP3) == 1)
			pop3_line(p, line, len);
		else
			break;
		/* Not only at the end: the next request is on its way while
		 * this input is worked off. */
		pop3_pump(s);
	}
	pop3_pump(s);
}

static void
pop3_compared(void *arg)
{
	struct session	*s = arg;
	struct pop3	*p = s->engine;

	p->planned = 1;
	inbox_plan(s->inbox);
	session_wake(s);
}

static int
pop3_begin(struct session *s)
{
	struct pop3	*p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return (-1);
	TAILQ_INIT(&p->answers);
	p->session = s;
	s->engine = p;
	s->inbox->compared = pop3_compared;
	s->inbox->compared_arg = s;
	return (0);
}

static void
pop3_start(struct session *s)
{
	struct pop3	*p = s->engine;

	expect(p, &greeting_command, NULL);
	pop3_early(p);
	s->waiting = p->nanswers;
}

/* RFC 2595 4: what was known before is forgotten. */
static void
pop3_secure(struct session *s)
{
	struct pop3	*p = s->engine;

	p->securing = 0;
	pop3_early(p);
	if (!p->early)
		pop3_capabilities(p);
	s->waiting = p->nanswers;
}

static int
pop3_close(struct session *s)
{
	struct pop3	*p = s->engine;

	if (p->quitting)
		return (1);
	if (!p->planned || p->retrieving > 0 || !has_room(p) || !may_quit(p) ||
	    (p->deleted == 0 && p->nanswers == 0))
		return (0);
	pop3_quit(p);
	s->waiting = p->nanswers;
	return (1);
}

static void
pop3_end(struct session *s)
{
	struct pop3	*p = s->engine;
	struct answer	*a;

	/* A greeting, and then not a word to what had not waited for it. */
	if (p->early && p->heard == 1 && (s->error == ETIMEDOUT ||
	    s->error == ECONNRESET)) {
		s->known->shy |= s->error == ETIMEDOUT;
		known_forget(s->known);
	}
	while ((a = TAILQ_FIRST(&p->answers)) != NULL)
		answer_free(p, a);
	free(p);
}

const struct session_ops pop3_ops = {
	"POP3", pop3_begin, pop3_start, pop3_secure, pop3_input, pop3_pump,
	pop3_close, pop3_end
};
