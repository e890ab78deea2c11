/* See LICENSE for the terms. */

/*
 * The flush: in a window, one session with the upstream that relays, and
 * through it everything that waits, in the order that waiting.h has.  What
 * the session says of each recipient is outgoing.c's; when to connect, to
 * try again and to give up is decided here.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "connector.h"
#include "flush.h"
#include "log.h"
#include "outgoing.h"
#include "smtp_client.h"
#include "spoold.h"
#include "waiting.h"

/*
 * How long a session is kept when nothing waits: mail that the LAN sends
 * meanwhile saves the handshakes of a new one, several round trips.
 */
#define IDLE_SECONDS	10
/* Progress goes to dialerd at most this often, in milliseconds: for an
 * operator's eye, and for a policy that thinks in seconds. */
#define PROGRESS_MS	250
/*
 * A session that breaks is begun again once: if that one gets no answer for
 * anyone either, the fault is at the other end, and the line costs money.
 * But many servers end a session after so many messages or errors.
 */
#define RETRIES		1
/*
 * A message that broke so many sessions, with no answer for it in between,
 * waits for the next window: each may take the minutes of a time-out, and
 * there is mail behind it.
 */
#define BREAKS_MAX	2

/* What was sent in this window for a user here, "" for all others. */
struct flush_user {
	TAILQ_ENTRY(flush_user)	 entry;
	struct proto_user_sent	 sent;
};

static struct {
	int			 open;
	uint64_t		 call;
	uint64_t		 bulk;		/* bytes of bulk mail that may
						 * still begin */
	/* The session. */
	struct smtp_client	*client;
	/* Stays until the session has ended; at work while there is none. */
	struct connector	*connector;
	char			*upstream;	/* copies: a reload may come */
	char			*host;
	uint32_t		 without;	/* extensions that failed */
	uint32_t		 breaks;	/* since a recipient's answer */
	int			 gave_up;	/* no more in this window */
	int			 lost;		/* messages of this session
						 * came back unanswered */
	/* Messages that are with the session, and what comes back. */
	struct outgoing_list	 flight;
	struct outgoing_list	 again;		/* before all others */
	struct outgoing_list	 later;		/* behind them */
	struct outgoing		*suspect;	/* of those, the one that was
						 * the session's oldest */
	/* What has been done in this window. */
	uint32_t		 messages;
	uint32_t		 failed;
	uint64_t		 message_bytes;
	uint64_t		 bytes_in;	/* of sessions that ended */
	uint64_t		 bytes_out;
	uint64_t		 session_out;	/* of the last that ended */
	uint64_t		 lost_bytes;	/* of messages it gave back */
	uint64_t		 lost_since;	/* ... begun then, or later */
	uint64_t		 repeated;
	TAILQ_HEAD(, flush_user) users;
	struct proto_progress	 told;
	int			 ever_told;
	struct event		 idle_timer;
	struct event		 progress_timer;
} flush = {
	.flight = TAILQ_HEAD_INITIALIZER(flush.flight),
	.users = TAILQ_HEAD_INITIALIZER(flush.users),
	.again = TAILQ_HEAD_INITIALIZER(flush.again),
	.later = TAILQ_HEAD_INITIALIZER(flush.later)
};

static void	 flush_start(void);
static void	 flush_progress(void);

/* Timers. */

static void
timer_start(struct event *ev, uint64_t ms)
{
	struct timeval	 tv;

	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	evtimer_add(ev, &tv);
}

/* Progress. */

/* The first that may begin: bulk mail only where there is room for it. */
static struct outgoing *
flush_first(const struct outgoing_list *list)
{
	struct outgoing	*o;

	TAILQ_FOREACH(o, list, entry)
		if (!o->bulk || o->smtp.size <= flush.bulk)
			return (o);
	return (NULL);
}

/* There is something to send, and a way to try. */
static int
flush_has_work(void)
{
	return (waiting_any(flush.bulk) || flush_first(&flush.again) != NULL ||
	    flush_first(&flush.later) != NULL);
}

static int
flush_connecting(void)
{
	return (flush.connector != NULL && flush.client == NULL);
}

static void
flush_count_list(const struct outgoing_list *list, struct proto_progress *p)
{
	const struct outgoing	*o;

	TAILQ_FOREACH(o, list, entry) {
		if (o->bulk) {
			p->bulk += o->smtp.size;
			continue;
		}
		p->todo++;
		p->todo_bytes += o->smtp.size;
		if (o->envelope->class == PROTO_URGENT)
			p->urgent += o->smtp.size;
	}
}

static void
flush_measure(struct proto_progress *p)
{
	struct waiting_left	 left;
	uint64_t		 in = 0, out = 0;

	memset(p, 0, sizeof(*p));
	p->call = flush.call;
	p->closed = !flush.open;
	p->messages = flush.messages;
	p->failed = flush.failed;
	waiting_left(&left);
	p->todo = left.messages;
	p->todo_bytes = left.bytes;
	p->urgent = left.urgent_bytes;
	p->bulk = left.bulk_bytes;
	p->bulk_room = flush.bulk;
	p->repeated = flush.repeated;
	flush_count_list(&flush.flight, p);
	flush_count_list(&flush.again, p);
	flush_count_list(&flush.later, p);
	p->message_bytes = flush.message_bytes;
	if (flush.client != NULL)
		smtp_client_bytes(flush.client, &in, &out);
	p->bytes_in = flush.bytes_in + in;
	p->bytes_out = flush.bytes_out + out;
	if (!flush.open || flush.gave_up)
		return;
	p->busy = flush_connecting() || flush_has_work() ||
	    (flush.client != NULL && !smtp_client_is_idle(flush.client));
}

static void
flush_tell(const struct proto_progress *p)
{
	channel_send(child_peer(PROC_DIALERD), SPOOLD_PROGRESS, 0, -1, p,
	    sizeof(*p));
	flush.told = *p;
	flush.ever_told = 1;
}

static void
flush_progress_timer(int fd, short events, void *arg)
{
	struct proto_progress	 p;

	(void)fd;
	(void)events;
	(void)arg;
	flush_measure(&p);
	if (memcmp(&p, &flush.told, sizeof(p)) != 0)
		flush_tell(&p);
	if (p.busy)
		timer_start(&flush.progress_timer, PROGRESS_MS);
}

/*
 * Something happened.  Whether there is anything left to do, and the end,
 * are told at once, since the line may go down for it; numbers when the
 * timer comes.
 */
static void
flush_progress(void)
{
	struct proto_progress	 p;

	flush_measure(&p);
	if (!flush.ever_told || p.busy != flush.told.busy || p.closed)
		flush_tell(&p);
	if (flush.open && !evtimer_pending(&flush.progress_timer, NULL))
		timer_start(&flush.progress_timer, PROGRESS_MS);
}

/* Messages. */

static void
flush_peer(struct outgoing_peer *peer)
{
	peer->upstream = flush.upstream != NULL ? flush.upstream : "";
	peer->host = flush.host;
}

/* For the account of who sent what. */
static void
flush_user_add(const char *user, uint64_t bytes)
{
	struct flush_user	*u;

	TAILQ_FOREACH(u, &flush.users, entry)
		if (strcmp(u->sent.user, user) == 0)
			break;
	if (u == NULL) {
		if ((u = calloc(1, sizeof(*u))) == NULL)
			fatal("flush");
		strlcpy(u->sent.user, user, sizeof(u->sent.user));
		u->sent.call = flush.call;
		TAILQ_INSERT_TAIL(&flush.users, u, entry);
	}
	u->sent.messages++;
	u->sent.bytes += bytes;
}

/* Forgets the account; tells it first, at the end of a window. */
static void
flush_users_end(int tell)
{
	struct flush_user	*u;

	while ((u = TAILQ_FIRST(&flush.users)) != NULL) {
		if (tell)
			channel_send(child_peer(PROC_DIALERD),
			    SPOOLD_USER_SENT, 0, -1, &u->sent,
			    sizeof(u->sent));
		TAILQ_REMOVE(&flush.users, u, entry);
		free(u);
	}
}

/* Every recipient of the message has an answer. */
static void
flush_finish(struct outgoing *o)
{
	struct outgoing_peer	 peer;

	if (o->sent > 0) {
		flush.messages++;
		flush.message_bytes += o->smtp.size;
		flush_user_add(o->envelope->user != NULL ?
		    o->envelope->user : "", o->smtp.size);
	}
	if (o->nfailures > 0 || o->deferred > 0)
		flush.failed++;
	flush_peer(&peer);
	outgoing_close(o, &peer);
}

/*
 * A message without its final answer.  Recipients that have theirs are kept
 * in memory, so that this window does not try them twice.  The oldest in
 * flight may be what broke the session: it goes behind all others, and is
 * kept so that its sessions can be counted.
 */
static void
flush_give_back(struct outgoing *o)
{
	struct outgoing_peer	 peer;
	int			 first = !flush.lost;

	flush.lost = 1;
	if (flush.open && (first || o->breaks > 0)) {
		TAILQ_INSERT_TAIL(&flush.later, o, entry);
		if (first)
			flush.suspect = o;
		return;
	}
	if (flush.open && outgoing_touched(o)) {
		TAILQ_INSERT_TAIL(&flush.again, o, entry);
		return;
	}
	waiting_release(o->envelope->id);
	flush_peer(&peer);
	outgoing_close(o, &peer);
}

/*
 * The session broke with this message as its oldest.  1 when it did so once
 * too often: its recipients have been tried, and the next window tries them
 * again.
 */
static int
flush_blame(struct outgoing *o, const char *why)
{
	struct outgoing_peer	 peer;

	if (++o->breaks < BREAKS_MAX)
		return (0);
	TAILQ_REMOVE(&flush.later, o, entry);
	flush_peer(&peer);
	outgoing_break(o, &peer, why);
	flush_finish(o);
	return (1);
}

/* From memory first, then from the queue in its order. */
static struct outgoing *
flush_next_message(void)
{
	struct outgoing	*o;
	uint64_t	 id;
	int		 bulk;

	if ((o = flush_first(&flush.again)) != NULL) {
		TAILQ_REMOVE(&flush.again, o, entry);
		return (o);
	}
	/* What cannot be read stays taken: it is not tried again today. */
	while (waiting_take(flush.bulk, &id, &bulk))
		if ((o = outgoing_open(id)) != NULL) {
			o->bulk = bulk;
			return (o);
		}
	if ((o = flush_first(&flush.later)) != NULL)
		TAILQ_REMOVE(&flush.later, o, entry);
	if (o == flush.suspect)
		flush.suspect = NULL;
	return (o);
}

static void
flush_take_room(const struct outgoing *o)
{
	if (o->bulk && flush.bulk != UINT64_MAX)
		flush.bulk -= o->smtp.size < flush.bulk ? o->smtp.size :
		    flush.bulk;
}

static struct smtp_message *
flush_next(void *arg)
{
	struct outgoing	*o;
	uint64_t	 in;

	(void)arg;
	if (!flush.open)
		return (NULL);
	while ((o = flush_next_message()) != NULL) {
		if (!outgoing_fill(o)) {
			flush_finish(o);
			continue;
		}
		evtimer_del(&flush.idle_timer);
		flush_take_room(o);
		smtp_client_bytes(flush.client, &in, &o->begun);
		TAILQ_INSERT_TAIL(&flush.flight, o, entry);
		return (&o->smtp);
	}
	return (NULL);
}

static void
flush_result(void *arg, struct smtp_message *m, uint32_t recipient,
    enum smtp_outcome outcome, const struct smtp_reply *reply)
{
	struct outgoing_peer	 peer;
	struct outgoing		*o = m->owner;

	(void)arg;
	if (outcome != SMTP_AGAIN)
		flush.breaks = o->breaks = 0;
	flush_peer(&peer);
	outgoing_result(o, &peer, recipient, outcome, reply);
}

static void
flush_done(void *arg, struct smtp_message *m, int lost)
{
	struct outgoing	*o = m->owner;

	(void)arg;
	TAILQ_REMOVE(&flush.flight, o, entry);
	if (lost) {
		flush.lost_bytes += m->size;
		if (o->begun < flush.lost_since)
			flush.lost_since = o->begun;
		flush_give_back(o);
	} else if (outgoing_fill(o))
		TAILQ_INSERT_TAIL(&flush.again, o, entry);
	else
		flush_finish(o);
	if (flush.open)
		flush_progress();
}

/* The session. */

static void
flush_idle(void *arg)
{
	(void)arg;
	if (!evtimer_pending(&flush.idle_timer, NULL))
		timer_start(&flush.idle_timer, IDLE_SECONDS * 1000);
	flush_progress();
}

static void
flush_unconnect(void)
{
	connector_free(flush.connector);
	flush.connector = NULL;
}

/*
 * What a session had moved of the messages that it gave back has been moved
 * for nothing: of what went out since the oldest began, no more than they
 * are long.
 */
static void
flush_count_lost(void)
{
	uint64_t	 moved;

	if (flush.lost_bytes > 0 && flush.session_out > flush.lost_since) {
		moved = flush.session_out - flush.lost_since;
		flush.repeated += moved < flush.lost_bytes ? moved :
		    flush.lost_bytes;
	}
	flush.lost_bytes = 0;
	flush.lost_since = UINT64_MAX;
}

/* The client is going: its bytes stay. */
static void
flush_detach(void)
{
	uint64_t	 in, out;

	if (flush.client == NULL)
		return;
	smtp_client_bytes(flush.client, &in, &out);
	flush.bytes_in += in;
	flush.bytes_out += out;
	flush.session_out = out;
	flush.client = NULL;
	evtimer_del(&flush.idle_timer);
	flush_count_lost();
}

/* QUIT, or drop it. */
static void
flush_disconnect(void)
{
	struct smtp_client	*c = flush.client;

	flush_unconnect();
	if (c == NULL)
		return;
	flush_detach();
	smtp_client_close(c);
	flush_count_lost();
}

static void
flush_idle_timer(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	if (flush.client == NULL || !smtp_client_is_idle(flush.client))
		return;
	flush_disconnect();
	flush_progress();
}

static void
flush_give_up(const char *why)
{
	log_warnx("upstream %s: %s; not tried again in call %llu",
	    flush.upstream, why, (unsigned long long)flush.call);
	flush_unconnect();
	flush.gave_up = 1;
	flush.failed++;
	flush_progress();
}

/*
 * The session broke: once more, if there is anything left to send.  Where
 * one message is to blame the others have another chance, but only one.
 */
static void
flush_broken(struct outgoing *suspect, const char *why)
{
	int	 lost = flush.lost, blamed;

	flush.lost = 0;
	blamed = suspect != NULL && flush_blame(suspect, why);
	if (blamed) {
		flush.breaks = RETRIES;
		lost = 0;
	}
	if (!flush_has_work() && !lost) {
		log_debug("upstream %s: %s", flush.upstream, why);
		flush_unconnect();
		flush_progress();
		return;
	}
	if (!blamed && flush.breaks++ >= RETRIES) {
		flush_give_up(why);
		return;
	}
	log_warnx("upstream %s: %s; once more", flush.upstream, why);
	connector_again(flush.connector);
	flush_progress();
}

static void
flush_end(void *arg, enum smtp_end end, const char *why)
{
	struct outgoing	*suspect = flush.suspect;

	(void)arg;
	flush.suspect = NULL;
	flush_detach();
	switch (end) {
	case SMTP_END_CONNECT:
		log_info("upstream %s: %s", flush.upstream, why);
		connector_cut(flush.connector, why);
		flush_progress();
		break;
	case SMTP_END_TLS:
		log_info("upstream %s: %s", flush.upstream, why);
		connector_next(flush.connector, why);
		flush_progress();
		break;
	case SMTP_END_SESSION:
		log_info("upstream %s: %s; with the usual TLS", flush.upstream,
		    why);
		connector_again(flush.connector);
		flush_progress();
		break;
	case SMTP_END_LOCAL:
	case SMTP_END_AUTH:
		flush_give_up(why);
		break;
	case SMTP_END_CHUNKING:
		flush.without |= SMTP_EXT_CHUNKING;
		flush_broken(NULL, why);
		break;
	case SMTP_END_PROTOCOL:
	case SMTP_END_LOST:
		flush_broken(suspect, why);
		break;
	}
}

static const struct smtp_client_ops flush_ops = {
	.next = flush_next,
	.result = flush_result,
	.done = flush_done,
	.idle = flush_idle,
	.end = flush_end
};

/* Where mail goes: the first upstream that relays. */
static struct conf_upstream *
flush_upstream(void)
{
	struct conf_upstream	*u;

	if (child_conf == NULL)
		return (NULL);
	TAILQ_FOREACH(u, &child_conf->upstreams, entry)
		if (u->relay_host != NULL)
			return (u);
	return (NULL);
}

static void
flush_attach(const struct conf_upstream *u, int fd)
{
	struct smtp_client_param	 p;

	memset(&p, 0, sizeof(p));
	p.hostname = child_conf->global.hostname;
	p.host = u->relay_host;
	p.tls = u->relay_tls;
	p.ca = u->ca_mem;
	p.ca_len = u->ca_len;
	p.user = u->relay_user;
	p.password = u->relay_password;
	p.without = flush.without;
	flush.lost = 0;
	flush.client = smtp_client_attach(&p, fd, &flush_ops, NULL);
}

static void
flush_connected(void *arg, int fd, const char *why)
{
	struct conf_upstream	*u;

	(void)arg;
	if ((u = flush_upstream()) == NULL ||
	    strcmp(u->relay_host, flush.host) != 0) {
		/* A reload took it away; there may be another. */
		if (fd != -1)
			close(fd);
		flush_unconnect();
		flush_start();
	} else if (fd == -1)
		flush_give_up(why);
	else
		flush_attach(u, fd);
	flush_progress();
}

/* Begin a session, if there is a reason and there is none. */
static void
flush_start(void)
{
	struct conf_upstream	*u;

	if (!flush.open || flush.gave_up || flush.client != NULL ||
	    flush.connector != NULL || !flush_has_work())
		return;
	if ((u = flush_upstream()) == NULL) {
		log_warnx("mail waits and no upstream relays");
		flush.gave_up = 1;
		return;
	}
	free(flush.upstream);
	free(flush.host);
	if ((flush.upstream = strdup(u->name)) == NULL ||
	    (flush.host = strdup(u->relay_host)) == NULL)
		fatal("flush");
	flush.connector = connector_new(u->relay_host,
	    (uint16_t)u->relay_port, flush_connected, NULL);
	if (flush.connector == NULL)
		fatal("flush");
}

/* The window. */

static void
flush_drop_list(struct outgoing_list *list)
{
	struct outgoing_peer	 peer;
	struct outgoing		*o;

	flush_peer(&peer);
	while ((o = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, o, entry);
		waiting_release(o->envelope->id);
		outgoing_close(o, &peer);
	}
}

void
flush_stop(void)
{
	flush.open = 0;
	flush_disconnect();
	flush.suspect = NULL;
	flush_drop_list(&flush.again);
	flush_drop_list(&flush.later);
	if (evtimer_initialized(&flush.progress_timer))
		evtimer_del(&flush.progress_timer);
}

/* Forget what the last window was like. */
static void
flush_reset(uint64_t call)
{
	flush_stop();
	flush_users_end(0);
	evtimer_set(&flush.idle_timer, flush_idle_timer, NULL);
	evtimer_set(&flush.progress_timer, flush_progress_timer, NULL);
	flush.call = call;
	/* Until dialerd has said how much. */
	flush.bulk = UINT64_MAX;
	flush.repeated = 0;
	flush.lost_bytes = 0;
	flush.lost_since = UINT64_MAX;
	flush.without = 0;
	flush.breaks = 0;
	flush.gave_up = 0;
	flush.messages = 0;
	flush.failed = 0;
	flush.message_bytes = 0;
	flush.bytes_in = 0;
	flush.bytes_out = 0;
	flush.ever_told = 0;
}

int
flush_handle_window_open(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_window	 w;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &w, sizeof(w)) == -1)
		return (-1);
	flush_reset(w.call);
	flush.open = 1;
	(void)waiting_retry();
	waiting_reset();
	log_debug("flush: window of call %llu", (unsigned long long)w.call);
	flush_start();
	flush_progress();
	return (0);
}

int
flush_handle_window_close(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_window	 w;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &w, sizeof(w)) == -1)
		return (-1);
	if (!flush.open)
		flush_reset(w.call);
	flush_stop();
	flush_users_end(1);
	flush_progress();
	return (0);
}

int
flush_handle_window_bulk(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_progress	 p;
	struct proto_bulk	 b;
	struct outgoing		*o;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &b, sizeof(b)) == -1)
		return (-1);
	if (!flush.open || b.call != flush.call) {
		log_warnx("flush: bulk mail of call %llu, which is not open",
		    (unsigned long long)b.call);
		return (0);
	}
	flush.bulk = b.bytes;
	TAILQ_FOREACH(o, &flush.flight, entry)
		flush_take_room(o);
	flush_kick();
	/* It may wait for that: nothing was begun, and nothing can be. */
	flush_measure(&p);
	if (memcmp(&p, &flush.told, sizeof(p)) != 0)
		flush_tell(&p);
	return (0);
}

static int
list_has(const struct outgoing_list *list, uint64_t id)
{
	const struct outgoing	*o;

	TAILQ_FOREACH(o, list, entry)
		if (o->envelope->id == id)
			return (1);
	return (0);
}

int
flush_in_flight(uint64_t id)
{
	return (list_has(&flush.flight, id) || list_has(&flush.again, id) ||
	    list_has(&flush.later, id));
}

void
flush_kick(void)
{
	if (!flush.open)
		return;
	if (flush.client != NULL)
		smtp_client_kick(flush.client);
	else
		flush_start();
	flush_progress();
}

void
flush_reload(void)
{
	/* An upstream that failed may be right now; what runs goes on. */
	if (!flush.open)
		return;
	flush.gave_up = 0;
	flush.breaks = 0;
	flush_start();
	flush_progress();
}
