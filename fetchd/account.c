/* See LICENSE for the terms. */
/* One account in one window. */

#include <sys/types.h>
#include <errno.h>
#include <event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tls.h>
#include <unistd.h>

#include "account.h"
#include "connector.h"
#include "imap_client.h"
#include "log.h"
#include "pop3_client.h"
#include "tcp_acked.h"

/* The last words, LOGOUT or QUIT, are not waited for longer. */
#define FAREWELL	10000	/* milliseconds */

enum account_state {
	ACCOUNT_IDLE,
	ACCOUNT_CONNECTING,
	ACCOUNT_SESSION,
	ACCOUNT_SYNCING,	/* off the line; spoold has the last word */
	ACCOUNT_ENDED
};

struct account {
	char			*name, *user, *login, *password;
	struct remote		*remote;
	account_ended_cb	*ended;
	void			*arg;

	enum account_state	 state;
	struct connector	*connector;
	struct event		 timer, end_event;
	struct stream		*stream;
	struct tls_config	*tls_config;
	struct session		 session;
	struct inbox		 inbox;
	int			 trusted;	/* it is who it should be */
	int			 resuming;	/* with a TLS session to keep */
	int			 offered;	/* ... there was one */
	int			 retried;	/* with the usual TLS */
	uint32_t		 renewed_at;	/* messages fetched by then */
	int			 stopping;
	uint64_t		 bytes_in, bytes_out;	/* of closed streams */
	int			 error;
	char			 text[PROTO_TEXT_MAX];
	time_t			 finished;
};

#define HASH_BEGIN	2166136261U	/* FNV-1a */
#define HASH_PRIME	16777619U

static uint32_t
hash_bytes(const uint8_t *p, size_t len)
{
	uint32_t	 hash = HASH_BEGIN;

	while (len-- > 0)
		hash = (hash ^ *p++) * HASH_PRIME;
	return (hash);
}

void
remote_free(struct remote *r)
{
	if (r == NULL)
		return;
	free(r->name);
	free(r->host);
	free(r->ca);
	free(r);
}

struct remote *
remote_new(const struct conf_upstream *u)
{
	struct remote	*r;

	if ((r = calloc(1, sizeof(*r))) == NULL ||
	    (r->name = strdup(u->name)) == NULL ||
	    (r->host = strdup(u->fetch_host)) == NULL)
		goto fail;
	r->port = (uint16_t)u->fetch_port;
	r->tls = u->fetch_tls;
	r->proto = u->fetch_proto;
	if (u->ca_mem != NULL && u->ca_len > 0) {
		if ((r->ca = malloc(u->ca_len)) == NULL)
			goto fail;
		memcpy(r->ca, u->ca_mem, u->ca_len);
		r->ca_len = u->ca_len;
		r->ca_hash = hash_bytes(r->ca, r->ca_len);
	}
	r->known = known_upstream(r->host, r->port, r->proto);
	return (r);
fail:
	remote_free(r);
	return (NULL);
}

static void __attribute__((__format__(printf, 3, 4)))
account_fail(struct account *a, int error, const char *fmt, ...)
{
	va_list	 ap;

	if (a->error != 0)
		return;
	a->error = error;
	va_start(ap, fmt);
	vsnprintf(a->text, sizeof(a->text), fmt, ap);
	va_end(ap);
}

static void
drop_connector(struct account *a)
{
	connector_free(a->connector);
	a->connector = NULL;
}

/* The line is let go; with a farewell what is written still goes out. */
static void
close_stream(struct account *a, int farewell)
{
	if (a->stream == NULL)
		return;
	inbox_stuck(&a->inbox, stream_bytes_stuck(a->stream));
	a->bytes_in += stream_bytes_in(a->stream);
	a->bytes_out += stream_bytes_out(a->stream);
	if (farewell) {
		/* Counted now, since no one will see it go. */
		a->bytes_out += stream_queued(a->stream);
		stream_timeout(a->stream, FAREWELL);
		stream_finish(a->stream);
	} else
		stream_free(a->stream);
	a->stream = NULL;
}

static void
log_end(const struct account *a)
{
	if (a->error == 0)
		log_info("account name=%s event=done messages=%u bytes=%llu "
		    "bytes_in=%llu bytes_out=%llu", a->name, a->inbox.fetched,
		    (unsigned long long)a->inbox.fetched_bytes,
		    (unsigned long long)a->bytes_in,
		    (unsigned long long)a->bytes_out);
	else
		log_warnx("account name=%s event=failed error=\"%s\" "
		    "messages=%u bytes=%llu bytes_in=%llu bytes_out=%llu",
		    a->name, a->text, a->inbox.fetched,
		    (unsigned long long)a->inbox.fetched_bytes,
		    (unsigned long long)a->bytes_in,
		    (unsigned long long)a->bytes_out);
}

static void
end_event(int fd, short events, void *arg)
{
	struct account	*a = arg;

	(void)fd;
	(void)events;
	log_end(a);
	a->ended(a, a->arg);
}

static void
account_end(struct account *a)
{
	struct timeval	 now = { 0, 0 };

	if (a->state == ACCOUNT_ENDED)
		return;
	a->state = ACCOUNT_ENDED;
	a->finished = time(NULL);
	evtimer_del(&a->timer);
	if (a->inbox.error != 0)
		account_fail(a, a->inbox.error, "%s", a->inbox.text);
	evtimer_add(&a->end_event, &now);
}

/* The first connection has its session, or will never have one. */
static void
first_over(struct account *a)
{
	struct remote	*r = a->remote;

	if (r->first != a || r->first_done)
		return;
	r->first_done = 1;
	if (r->ready != NULL)
		r->ready();
}

/* Off the line: the end comes when spoold has said what is durable. */
static void
account_sync(struct account *a)
{
	if (a->state == ACCOUNT_ENDED)
		return;
	a->state = ACCOUNT_SYNCING;
	first_over(a);
	if (!a->stopping)
		evtimer_del(&a->timer);
	drop_connector(a);
	inbox_interrupt(&a->inbox);
	if (a->inbox.ncommitting == 0)
		account_end(a);
}

static void
account_wake(void *arg)
{
	struct account	*a = arg;

	if (a->state == ACCOUNT_SESSION)
		session_wake(&a->session);
	else if (a->state == ACCOUNT_SYNCING && a->inbox.ncommitting == 0)
		account_end(a);
}

/*
 * The line was paid for while no one answered.  Accounts whose turn is still
 * to come are spared that, unless the host has answered another one.
 */
static void
remote_dead(struct remote *r, const char *why)
{
	if (!r->answered)
		strlcpy(r->dead, why, sizeof(r->dead));
}

static void
remote_answered(struct remote *r)
{
	r->answered = 1;
	r->dead[0] = '\0';
}

/*
 * Addresses are remembered from earlier windows: what answers there may be
 * somebody else by now.
 */
static int
try_next_address(struct account *a, struct session *s)
{
	char	 why[PROTO_TEXT_MAX];
	int	 error = s->error;

	if (a->trusted || a->stopping || s->error == 0 || s->error == ENOMEM)
		return (0);
	strlcpy(why, s->text, sizeof(why));
	log_info("account name=%s event=next-address error=\"%s\"", a->name,
	    why);
	session_free(s);
	close_stream(a, 0);
	a->state = ACCOUNT_CONNECTING;
	if (error == ECONNRESET)
		connector_cut(a->connector, why);
	else
		connector_next(a->connector, why);
	return (1);
}

/* An account that does not come to a session. */
static void
give_up(struct account *a)
{
	close_stream(a, 0);
	account_sync(a);
}

/*
 * What the hello offers of TLS 1.2: these are what any server of that age
 * has, and each name more is paid for by the bit.  Where they do not do, the
 * usual ones are tried.
 */
#define CIPHERS		"ECDHE+AESGCM:ECDHE+CHACHA20"

/* Is there a connection that this one had better wait for? */
static int
wants_session(const struct account *a)
{
	const struct remote	*r = a->remote;

	return (r->tls != TLS_MODE_NONE && r->known != NULL &&
	    known_resume(r->known, r->accounts, r->ca_hash, time(NULL)));
}

int
account_waits(const struct account *a)
{
	const struct remote	*r = a->remote;

	return (r->first != NULL && !r->first_done && wants_session(a));
}

static int
tune_tls(struct account *a)
{
	struct known_upstream	*k = a->remote->known;

	if (k == NULL || k->plain_tls)
		return (0);
	if (tls_config_set_ciphers(a->tls_config, CIPHERS) == -1)
		return (-1);
	a->resuming = wants_session(a);
	if (!a->resuming)
		return (0);
	a->offered = k->session_at != 0;
	if (a->remote->first == NULL) {
		a->remote->first = a;
		/* What it would bring is there already. */
		a->remote->first_done = a->offered && k->hits > 0;
	}
	if (tls_config_set_protocols(a->tls_config,
	    TLS_PROTOCOL_TLSv1_2) == -1 ||
	    tls_config_set_session_fd(a->tls_config, k->session_fd) == -1)
		return (-1);
	return (0);
}

static int
make_tls(struct account *a)
{
	if (a->remote->tls == TLS_MODE_NONE)
		return (0);
	tls_config_free(a->tls_config);
	a->resuming = 0;
	if (a->remote->ca == NULL) {
		account_fail(a, EINVAL, "there are no certificates to trust");
		return (-1);
	}
	/* libtls verifies certificate and name unless told not to. */
	if ((a->tls_config = tls_config_new()) == NULL ||
	    tls_config_set_ca_mem(a->tls_config, a->remote->ca,
	    a->remote->ca_len) == -1 || tune_tls(a) == -1) {
		account_fail(a, EINVAL, "TLS cannot be set up");
		return (-1);
	}
	return (0);
}

/* A server that wants more of TLS than the little that was offered. */
static int
try_usual_tls(struct account *a, struct session *s)
{
	if (a->trusted || a->stopping || a->retried || s->error == 0 ||
	    a->tls_config == NULL || a->remote->known == NULL ||
	    strstr(s->text, "tls handshake") == NULL ||
	    strstr(s->text, "alert") == NULL)
		return (0);
	log_info("account name=%s event=usual-tls error=\"%s\"", a->name,
	    s->text);
	a->remote->known->plain_tls = 1;
	a->retried = 1;
	session_free(s);
	close_stream(a, 0);
	first_over(a);
	if (make_tls(a) == -1) {
		give_up(a);
		return (1);
	}
	a->state = ACCOUNT_CONNECTING;
	connector_again(a->connector);
	return (1);
}

/* All went well, and the rest is for a new connection. */
static int
go_on(struct account *a, struct session *s)
{
	if (s->error != 0 || !s->again || a->stopping || a->inbox.broken ||
	    a->inbox.ncommitting > 0)
		return (0);
	log_debug("account name=%s: connects again for what is long", a->name);
	session_free(s);
	close_stream(a, 1);
	/* A server that deletes nothing is not asked for ever. */
	s->renewable = a->inbox.fetched > a->renewed_at;
	a->renewed_at = a->inbox.fetched;
	inbox_renew(&a->inbox);
	if (make_tls(a) == -1) {
		give_up(a);
		return (1);
	}
	a->trusted = 0;
	a->state = ACCOUNT_CONNECTING;
	connector_again(a->connector);
	return (1);
}

static void
session_over(struct session *s, void *arg)
{
	struct account	*a = arg;
	int		 farewell = s->error == 0;

	if (go_on(a, s) || try_usual_tls(a, s) || try_next_address(a, s))
		return;
	if (s->error == ETIMEDOUT)
		remote_dead(a->remote, s->text);
	if (s->error == ETIMEDOUT || s->error == ECONNRESET ||
	    s->error == EPROTO)
		inbox_suspect(&a->inbox);
	if (s->error != 0)
		account_fail(a, s->error, "%s", s->text);
	session_free(s);
	close_stream(a, farewell);
	account_sync(a);
}

static void
begin_session(struct account *a)
{
	struct session	*s = &a->session;

	a->state = ACCOUNT_SESSION;
	s->ops = a->remote->proto == FETCH_IMAP ? &imap_ops : &pop3_ops;
	s->account = a->name;
	s->host = a->remote->host;
	s->login = a->login;
	s->password = a->password;
	s->tls = a->remote->tls;
	s->tls_config = a->tls_config;
	s->inbox = &a->inbox;
	s->known = a->remote->known;
	s->memory = known_mailbox(a->name, a->inbox.mailbox, a->inbox.keep);
	s->stream = a->stream;
	s->finished = session_over;
	s->arg = a;
	if (session_start(s) == -1) {
		account_fail(a, errno, "out of memory");
		session_free(s);
		give_up(a);
	}
}

static void
account_stream(struct stream *stream, enum stream_event ev, void *arg)
{
	struct account	*a = arg;

	if (ev == STREAM_SECURE || ev == STREAM_DATA)
		remote_answered(a->remote);
	if (ev == STREAM_SECURE && a->resuming) {
		known_resumed(a->remote->known, a->offered,
		    stream_tls_resumed(stream), time(NULL));
		first_over(a);
	}
	if (ev == STREAM_SECURE || (ev == STREAM_DATA &&
	    a->remote->tls == TLS_MODE_NONE))
		a->trusted = 1;
	if (a->state == ACCOUNT_SESSION)
		session_event(stream, ev, &a->session);
}

/* Where the system cannot tell: between a modem's and a satellite's. */
#define RTT_GUESS	300	/* ms */

/* The shortest of this window is the line's own. */
static void
note_rtt(int fd)
{
	uint64_t	 rtt = tcp_rtt(fd);

	if (rtt == 0)
		rtt = RTT_GUESS;
	if (known_rtt() == 0 || rtt < known_rtt())
		known_set_rtt(rtt);
}

static void
account_connected(void *arg, int fd, const char *why)
{
	struct account	*a = arg;

	if (fd == -1) {
		remote_dead(a->remote, why);
		account_fail(a, EHOSTUNREACH, "%s", why);
		give_up(a);
		return;
	}
	note_rtt(fd);
	if ((a->stream = stream_new(fd, account_stream, a)) == NULL) {
		account_fail(a, errno, "out of memory");
		close(fd);
		give_up(a);
		return;
	}
	stream_frugal(a->stream);
	begin_session(a);
}

/* The grace of account_stop is over. */
static void
account_timer(int fd, short events, void *arg)
{
	struct account	*a = arg;

	(void)fd;
	(void)events;
	switch (a->state) {
	case ACCOUNT_SESSION:
	case ACCOUNT_SYNCING:
		account_fail(a, ECANCELED, "the window closed");
		session_free(&a->session);
		give_up(a);
		account_end(a);
		break;
	case ACCOUNT_IDLE:
	case ACCOUNT_CONNECTING:
	case ACCOUNT_ENDED:
		break;
	}
}

/* The string, its end included. */
static uint32_t
hash_add(uint32_t hash, const char *s, int fold)
{
	uint8_t	 c;

	do {
		c = (uint8_t)*s;
		if (fold && c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		hash = (hash ^ c) * HASH_PRIME;
	} while (*s++ != '\0');
	return (hash);
}

/*
 * Of which mailbox: an account keeps its name when the configuration is
 * changed to another login or host, where the same uids are other messages.
 * To take those for fetched would be to delete them unread.
 */
static uint32_t
mailbox_id(const struct account *a)
{
	uint32_t	 hash = HASH_BEGIN;

	hash = hash_add(hash, a->remote->host, 1);
	return (hash_add(hash, a->login, 0));
}

struct account *
account_new(const struct conf_account *conf, struct remote *remote,
    unsigned int files, account_ended_cb *ended, void *arg)
{
	struct account	*a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return (NULL);
	evtimer_set(&a->timer, account_timer, a);
	evtimer_set(&a->end_event, end_event, a);
	a->remote = remote;
	a->ended = ended;
	a->arg = arg;
	inbox_init(&a->inbox, NULL, conf->keep);
	if ((a->name = strdup(conf->name)) == NULL ||
	    (a->user = strdup(conf->user)) == NULL ||
	    (a->login = strdup(conf->login)) == NULL ||
	    (a->password = strdup(conf->password)) == NULL) {
		account_free(a);
		return (NULL);
	}
	a->inbox.account = a->name;
	a->inbox.mailbox = mailbox_id(a);
	a->inbox.files = files;
	a->inbox.wake = account_wake;
	a->session.renewable = 1;
	return (a);
}

static void
free_secret(char *s)
{
	if (s != NULL)
		freezero(s, strlen(s));
}

void
account_free(struct account *a)
{
	if (a == NULL)
		return;
	drop_connector(a);
	session_free(&a->session);
	close_stream(a, 0);
	evtimer_del(&a->timer);
	evtimer_del(&a->end_event);
	inbox_free(&a->inbox);
	tls_config_free(a->tls_config);
	free(a->name);
	free(a->user);
	free_secret(a->login);
	free_secret(a->password);
	free(a);
}

void
account_start(struct account *a)
{
	a->inbox.arg = a;
	if (a->remote->dead[0] != '\0')
		account_fail(a, EHOSTUNREACH, "not tried again: %s",
		    a->remote->dead);
	if (a->error != 0 || make_tls(a) == -1) {
		give_up(a);
		return;
	}
	a->state = ACCOUNT_CONNECTING;
	a->connector = connector_new(a->remote->host, a->remote->port,
	    account_connected, a);
	if (a->connector == NULL) {
		account_fail(a, errno, "out of memory");
		give_up(a);
	}
}

void
account_stop(struct account *a)
{
	struct timeval	 grace = { ACCOUNT_GRACE, 0 };

	if (a->stopping || a->state == ACCOUNT_ENDED)
		return;
	a->stopping = 1;
	/* Where only the good-bye or spoold's word is missing, all is well. */
	if (a->state == ACCOUNT_IDLE)
		account_fail(a, ECANCELED, "the window closed before its turn");
	else if (a->state != ACCOUNT_SYNCING && !inbox_fetched(&a->inbox))
		account_fail(a, ECANCELED, "the window closed");
	/* Nothing new is asked for, and parts are safe, whatever comes. */
	if (a->stream != NULL)
		inbox_stuck(&a->inbox, stream_bytes_stuck(a->stream));
	inbox_interrupt(&a->inbox);
	evtimer_add(&a->timer, &grace);
	if (a->state == ACCOUNT_SESSION && session_close(&a->session))
		return;
	if (a->state == ACCOUNT_SESSION)
		session_free(&a->session);
	close_stream(a, 0);
	account_sync(a);
}

void
account_result(const struct account *a, struct proto_account_result *r)
{
	memset(r, 0, sizeof(*r));
	strlcpy(r->account, a->name, sizeof(r->account));
	strlcpy(r->user, a->user, sizeof(r->user));
	r->messages = a->inbox.fetched;
	r->bytes = a->inbox.fetched_bytes;
	r->error = (uint32_t)a->error;
	r->finished = (int64_t)a->finished;
	if (a->error != 0)
		strlcpy(r->text, a->text, sizeof(r->text));
}

void
account_progress(const struct account *a, struct proto_progress *p)
{
	p->messages += a->inbox.fetched;
	p->message_bytes += a->inbox.fetched_bytes;
	p->repeated += a->inbox.repeated;
	p->failed += a->inbox.failed + (a->error != 0 &&
	    a->error != ECANCELED && a->inbox.failed == 0);
	p->todo += a->inbox.todo;
	p->todo_bytes += a->inbox.todo_bytes;
	p->bytes_in += a->bytes_in;
	p->bytes_out += a->bytes_out;
	if (a->stream != NULL) {
		p->bytes_in += stream_bytes_in(a->stream);
		p->bytes_out += stream_bytes_out(a->stream);
	}
}
