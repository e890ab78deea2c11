/* See LICENSE for the terms. */

/* The LAN's listening sockets: see listener.h. */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/tree.h>

#include <errno.h>
#include <event.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#include "child.h"
#include "listener.h"
#include "log.h"
#include "netmatch.h"
#include "pop3_server.h"
#include "smtp_server.h"

/*
 * Out of descriptors or memory: accept(2) would fail again at once and the
 * loop would spin.  A second is long enough for some session to end and
 * short enough for nobody to notice.
 */
#define LISTENER_PAUSE		1	/* seconds */
/* Connections taken in one turn of the loop: the others wait their turn. */
#define LISTENER_BURST		16

struct listener {
	TAILQ_ENTRY(listener)	 entry;
	const struct conf_listener *conf;	/* of child_conf */
	int			 fd;
	struct event		 ev;
};
TAILQ_HEAD(listeners, listener);

struct context {
	TAILQ_ENTRY(context)	 entry;
	char			*name;		/* of the PKI */
	struct tls		*tls;
};
TAILQ_HEAD(contexts, context);

/* The sessions of one address. */
struct client {
	RB_ENTRY(client)	 entry;
	struct netmatch_address	 address;
	uint32_t		 sessions;
};
RB_HEAD(listener_clients, client);

static struct listeners	 active = TAILQ_HEAD_INITIALIZER(active);
static struct listeners	 pending = TAILQ_HEAD_INITIALIZER(pending);
static struct contexts	 contexts = TAILQ_HEAD_INITIALIZER(contexts);
static struct contexts	 new_contexts = TAILQ_HEAD_INITIALIZER(new_contexts);
static struct contexts	 retired = TAILQ_HEAD_INITIALIZER(retired);
static struct listener_clients clients = RB_INITIALIZER(&clients);
static uint32_t		 sessions;
static struct event	 ev_pause;
static int		 paused;

static int
client_compare(const struct client *a, const struct client *b)
{
	if (a->address.family != b->address.family)
		return (a->address.family < b->address.family ? -1 : 1);
	return (memcmp(a->address.bytes, b->address.bytes,
	    sizeof(a->address.bytes)));
}

RB_PROTOTYPE(listener_clients, client, entry, client_compare)
RB_GENERATE(listener_clients, client, entry, client_compare)

static struct client *
client_find(const struct sockaddr_storage *peer)
{
	struct client	 key;

	netmatch_address(peer, &key.address);
	return (RB_FIND(listener_clients, &clients, &key));
}

/*
 * All of this machine's users have one address, which is none: more than one
 * computer's share, and yet something for the LAN.
 */
static uint32_t
client_limit(const struct client *c)
{
	const struct conf_global	*g = &child_conf->global;

	if (c->address.family == AF_UNSPEC &&
	    g->sessions / 2 > g->sessions_per_address)
		return (g->sessions / 2);
	return (g->sessions_per_address);
}

/* Counts a new session: 0, or -1 when there are too many. */
static int
client_add(const struct sockaddr_storage *peer)
{
	struct client	*c;

	if (sessions >= child_conf->global.sessions)
		return (-1);
	if ((c = client_find(peer)) == NULL) {
		if ((c = calloc(1, sizeof(*c))) == NULL)
			return (-1);
		netmatch_address(peer, &c->address);
		RB_INSERT(listener_clients, &clients, c);
	}
	if (c->sessions >= client_limit(c)) {
		if (c->sessions == 0) {
			RB_REMOVE(listener_clients, &clients, c);
			free(c);
		}
		return (-1);
	}
	c->sessions++;
	sessions++;
	return (0);
}

static struct context *
context_find(const struct contexts *list, const char *name)
{
	struct context	*c;

	TAILQ_FOREACH(c, list, entry)
		if (strcmp(c->name, name) == 0)
			return (c);
	return (NULL);
}

static int
context_has(const struct contexts *list, const struct tls *tls)
{
	struct context	*c;

	TAILQ_FOREACH(c, list, entry)
		if (c->tls == tls)
			return (1);
	return (0);
}

/* Empties a list; contexts that are in keep too stay alive. */
static void
contexts_free(struct contexts *list, const struct contexts *keep)
{
	struct context	*c;

	while ((c = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, c, entry);
		if (keep == NULL || !context_has(keep, c->tls))
			tls_free(c->tls);
		free(c->name);
		free(c);
	}
}

/*
 * libtls looks into the server's context during a handshake (for the name
 * that the client asks for), so a context that was replaced stays until no
 * session is left that may have begun with it.
 */
static void
contexts_expire(void)
{
	if (sessions == 0)
		contexts_free(&retired, NULL);
}

static int
same_bytes(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	return (alen == blen && (alen == 0 || memcmp(a, b, alen) == 0));
}

/* The running context of this PKI, if certificate and key are the same. */
static struct tls *
context_unchanged(const struct conf_pki *p)
{
	const struct conf_pki	*old;
	struct context		*c;

	if (child_conf == NULL ||
	    (old = conf_pki_find(child_conf, p->name)) == NULL ||
	    (c = context_find(&contexts, p->name)) == NULL ||
	    !same_bytes(old->cert_mem, old->cert_len, p->cert_mem,
	    p->cert_len) ||
	    !same_bytes(old->key_mem, old->key_len, p->key_mem, p->key_len))
		return (NULL);
	return (c->tls);
}

static struct tls *
context_tls(const struct conf_pki *p)
{
	struct tls_config	*config;
	struct tls		*tls = NULL;

	if ((config = tls_config_new()) == NULL) {
		log_warnx("pki %s: no memory", p->name);
		return (NULL);
	}
	if (tls_config_set_keypair_mem(config, p->cert_mem, p->cert_len,
	    p->key_mem, p->key_len) == -1) {
		log_warnx("pki %s: %s", p->name, tls_config_error(config));
		goto done;
	}
	if ((tls = tls_server()) == NULL) {
		log_warnx("pki %s: no memory", p->name);
		goto done;
	}
	if (tls_configure(tls, config) == -1) {
		log_warnx("pki %s: %s", p->name, tls_error(tls));
		tls_free(tls);
		tls = NULL;
	}
done:
	tls_config_free(config);
	return (tls);
}

/* 0, or an errno. */
static int
context_prepare(const struct conf_pki *p)
{
	struct context	*c;

	if (p->cert_mem == NULL || p->key_mem == NULL)
		return (EINVAL);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (ENOMEM);
	if ((c->name = strdup(p->name)) == NULL) {
		free(c);
		return (ENOMEM);
	}
	if ((c->tls = context_unchanged(p)) == NULL &&
	    (c->tls = context_tls(p)) == NULL) {
		free(c->name);
		free(c);
		return (EINVAL);
	}
	TAILQ_INSERT_TAIL(&new_contexts, c, entry);
	return (0);
}

static void
listeners_free(struct listeners *list)
{
	struct listener	*l;

	while ((l = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, l, entry);
		if (event_initialized(&l->ev))
			event_del(&l->ev);
		close(l->fd);
		free(l);
	}
}

int
listener_prepare(struct conf *conf)
{
	struct conf_listener	*cl;
	struct conf_pki		*p;
	struct listener		*l;
	int			 error = 0;

	TAILQ_FOREACH(cl, &conf->listeners, entry) {
		if (cl->fd == -1)
			continue;
		if ((l = calloc(1, sizeof(*l))) == NULL) {
			error = ENOMEM;
			close(cl->fd);
		} else {
			l->conf = cl;
			l->fd = cl->fd;
			TAILQ_INSERT_TAIL(&pending, l, entry);
		}
		cl->fd = -1;
	}
	TAILQ_FOREACH(p, &conf->pkis, entry) {
		if (error != 0)
			break;
		error = context_prepare(p);
	}
	if (error != 0)
		listener_abort();
	return (error);
}

void
listener_abort(void)
{
	listeners_free(&pending);
	contexts_free(&new_contexts, &contexts);
}

/* One line, sent if the socket takes it: nobody waits for those we refuse. */
static void
refuse(int fd, const struct conf_listener *cl)
{
	static const char	 smtp[] =
	    "421 4.7.0 Too many connections, try again later\r\n";
	static const char	 pop3[] =
	    "-ERR [SYS/TEMP] too many connections, try again later\r\n";

	/* Before a TLS handshake there is nothing that could be said. */
	if (cl->tls != TLS_MODE_IMPLICIT) {
		if (cl->service == SERVICE_POP3)
			(void)send(fd, pop3, sizeof(pop3) - 1, MSG_NOSIGNAL);
		else
			(void)send(fd, smtp, sizeof(smtp) - 1, MSG_NOSIGNAL);
	}
	close(fd);
}

static void
serve(int fd, const struct conf_listener *cl,
    const struct sockaddr_storage *peer)
{
	char	 text[INET6_ADDRSTRLEN];

	if (client_add(peer) == -1) {
		log_info("listener: too many connections address=[%s] "
		    "sessions=%u", netmatch_text(peer, text), sessions);
		refuse(fd, cl);
		return;
	}
	if (cl->service == SERVICE_POP3)
		pop3_server_accept(fd, cl, peer);
	else
		smtp_server_accept(fd, cl, peer);
}

static void
listeners_pause(void)
{
	struct timeval	 tv = { LISTENER_PAUSE, 0 };
	struct listener	*l;

	TAILQ_FOREACH(l, &active, entry)
		event_del(&l->ev);
	evtimer_add(&ev_pause, &tv);
	paused = 1;
}

static void
listeners_resume(int fd, short events, void *arg)
{
	struct listener	*l;

	(void)fd;
	(void)events;
	(void)arg;
	paused = 0;
	TAILQ_FOREACH(l, &active, entry)
		event_add(&l->ev, NULL);
}

/* accept(2) failed: 1 when the next connection may still be taken. */
static int
accept_failed(const struct conf_listener *cl)
{
	switch (errno) {
	case EINTR:
	case ECONNABORTED:
		return (1);
	case EAGAIN:
		return (0);
	default:
		log_warn("listener %s port %u: accept", cl->host, cl->port);
		listeners_pause();
		return (0);
	}
}

static void
listener_event(int fd, short events, void *arg)
{
	struct listener		*l = arg;
	struct sockaddr_storage	 peer;
	socklen_t		 len;
	int			 i, s;

	(void)events;
	for (i = 0; i < LISTENER_BURST; i++) {
		memset(&peer, 0, sizeof(peer));
		len = sizeof(peer);
		s = accept4(fd, (struct sockaddr *)&peer, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (s != -1)
			serve(s, l->conf, &peer);
		else if (!accept_failed(l->conf))
			break;
	}
}

void
listener_swap(struct conf *conf)
{
	struct context	*c;
	struct listener	*l;

	(void)conf;
	if (paused) {
		evtimer_del(&ev_pause);
		paused = 0;
	}
	evtimer_set(&ev_pause, listeners_resume, NULL);
	listeners_free(&active);
	TAILQ_CONCAT(&active, &pending, entry);
	TAILQ_FOREACH(l, &active, entry) {
		event_set(&l->ev, l->fd, EV_READ | EV_PERSIST, listener_event,
		    l);
		event_add(&l->ev, NULL);
	}
	while ((c = TAILQ_FIRST(&contexts)) != NULL) {
		TAILQ_REMOVE(&contexts, c, entry);
		if (context_has(&new_contexts, c->tls)) {
			free(c->name);
			free(c);
		} else
			TAILQ_INSERT_TAIL(&retired, c, entry);
	}
	TAILQ_CONCAT(&contexts, &new_contexts, entry);
	contexts_expire();
}

void
listener_shutdown(void)
{
	if (paused) {
		evtimer_del(&ev_pause);
		paused = 0;
	}
	listener_abort();
	listeners_free(&active);
}

struct tls *
listener_tls(const char *pki)
{
	struct context	*c;

	if (pki == NULL || (c = context_find(&contexts, pki)) == NULL)
		return (NULL);
	return (c->tls);
}

void
listener_release(const struct sockaddr_storage *peer)
{
	struct client	*c;

	if ((c = client_find(peer)) == NULL)
		fatalx("listener: a session of nobody ended");
	sessions--;
	if (--c->sessions == 0) {
		RB_REMOVE(listener_clients, &clients, c);
		free(c);
	}
	contexts_expire();
}
