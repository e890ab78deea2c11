/* See LICENSE for the terms. */

/*
 * Connectors.  A round is each address once, and what a fresh look-up brings
 * as long as none has been answered; between rounds there are pauses.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "connector.h"
#include "log.h"
#include "stream.h"

/*
 * For one address, in milliseconds.  A SYN that is lost is sent again after
 * 1, 3, 7, 15 and 31 s, and a line that has just come up loses some.
 */
#define CONNECT_TIMEOUT		60000
/* For everything, in milliseconds: the line is paid for meanwhile. */
#define CONNECT_TOTAL		120000
/*
 * There is another round as long as less than this has passed since the first
 * attempt, in milliseconds: longer than a route or a name server takes to
 * appear behind a link that has come up, and short against the whole call
 * that would leave its work undone; a dead upstream costs it, too.
 */
#define CONNECT_PATIENCE	15000
/* Between rounds, in milliseconds: twice the last, up to the longest. */
#define PAUSE_FIRST		1000
#define PAUSE_LONGEST		4000

enum connector_state {
	CONNECTOR_RESTING,	/* done was told, or step is due */
	CONNECTOR_RESOLVING,
	CONNECTOR_CONNECTING,
	CONNECTOR_PAUSING
};

struct connector {
	char			*host;
	uint16_t		 port;
	connector_done		*done;
	void			*arg;
	enum connector_state	 state;
	uint32_t		 question;	/* ask_resolve; 0: none */
	struct proto_addresses	 addresses;
	uint32_t		 next;		/* address to try */
	int			 fresh;		/* look-up was answered */
	int			 asked;		/* for one, in this round */
	int			 tried;		/* an address */
	int			 reached;	/* a peer that did not do */
	struct stream		*stream;
	struct event		 timer;
	uint64_t		 begun;		/* clock_ms */
	uint64_t		 first;		/* attempt, clock_ms */
	uint64_t		 pause;		/* the next */
	uint64_t		 until;		/* of this one, clock_ms */
	char			 why[PROTO_TEXT_MAX];
};

static void	 connector_step(struct connector *);

static uint64_t
clock_ms(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

/* Milliseconds of CONNECT_TOTAL. */
static uint64_t
time_left(const struct connector *c)
{
	uint64_t	 gone = clock_ms() - c->begun;

	return (gone < CONNECT_TOTAL ? CONNECT_TOTAL - gone : 0);
}

static void
set_timer(struct connector *c, uint64_t ms)
{
	struct timeval	 tv;

	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	evtimer_add(&c->timer, &tv);
}

/* The newest reason is the one that is told. */
static void __attribute__((__format__(printf, 2, 3)))
connector_note(struct connector *c, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	log_debug("connector: %s: %s", c->host, c->why);
}

/* Nothing is under way any more. */
static void
connector_rest(struct connector *c)
{
	c->state = CONNECTOR_RESTING;
	evtimer_del(&c->timer);
	if (c->question != 0)
		ask_cancel(c->question);
	c->question = 0;
	stream_free(c->stream);
	c->stream = NULL;
}

/* The connector may be no more after this, and its words neither. */
static void
connector_tell(struct connector *c, int fd)
{
	char	 why[PROTO_TEXT_MAX];

	connector_rest(c);
	strlcpy(why, c->why, sizeof(why));
	c->done(c->arg, fd, why);
}

/*
 * The owner makes a stream of its own of the socket; this one has read
 * nothing of it.
 */
static void
connector_give(struct connector *c)
{
	int	 fd;

	fd = fcntl(stream_fd(c->stream), F_DUPFD_CLOEXEC, 0);
	if (fd == -1)
		connector_note(c, "socket: %s", strerror(errno));
	connector_tell(c, fd);
}

static void
connector_stream(struct stream *s, enum stream_event event, void *arg)
{
	struct connector	*c = arg;

	if (event == STREAM_CONNECTED) {
		connector_give(c);
		return;
	}
	connector_note(c, "%s", stream_error(s));
	connector_step(c);
}

/* One address: 0 when the connection is on its way, else -1. */
static int
connector_try(struct connector *c, const struct sockaddr_storage *ss)
{
	socklen_t	 len = proto_address_len(ss);
	uint64_t	 left = time_left(c);

	if (!c->tried)
		c->first = clock_ms();
	c->tried = 1;
	if (len == 0)
		errno = EAFNOSUPPORT;
	else
		c->stream = stream_connect((const struct sockaddr *)ss, len,
		    connector_stream, c);
	if (c->stream == NULL) {
		connector_note(c, "connect: %s", strerror(errno));
		return (-1);
	}
	/* What the peer says first is for the owner's stream. */
	stream_pause(c->stream);
	c->state = CONNECTOR_CONNECTING;
	set_timer(c, left < CONNECT_TIMEOUT ? left : CONNECT_TIMEOUT);
	return (0);
}

/* A look-up that brings nothing leaves what is known. */
static void
connector_resolved(void *arg, const struct proto_addresses *res)
{
	struct connector	*c = arg;

	c->question = 0;
	if (res->error != 0)
		connector_note(c, "%s: %s", c->host,
		    gai_strerror(EAI_AGAIN < 0 ? -(int)res->error :
		    (int)res->error));
	else if (res->count == 0 || res->count > PROTO_ADDRESSES)
		connector_note(c, "%s has no address", c->host);
	else {
		c->addresses = *res;
		c->next = 0;
		c->fresh = c->asked;
	}
	connector_step(c);
}

static void
connector_resolve(struct connector *c)
{
	c->state = CONNECTOR_RESOLVING;
	set_timer(c, time_left(c));
	c->question = ask_resolve(c->host, c->port, c->asked,
	    connector_resolved, c);
}

static void
connector_pause(struct connector *c)
{
	c->state = CONNECTOR_PAUSING;
	c->until = clock_ms() + c->pause;
	set_timer(c, c->pause);
	if ((c->pause *= 2) > PAUSE_LONGEST)
		c->pause = PAUSE_LONGEST;
}

/* On from what has failed. */
static void
connector_step(struct connector *c)
{
	connector_rest(c);
	if (time_left(c) == 0) {
		connector_tell(c, -1);
		return;
	}
	while (c->next < c->addresses.count)
		if (connector_try(c, &c->addresses.address[c->next++]) == 0)
			return;
	if (!c->fresh && !c->asked) {
		c->asked = 1;
		connector_resolve(c);
	} else if (!c->reached && clock_ms() - c->first < CONNECT_PATIENCE)
		connector_pause(c);
	else
		connector_tell(c, -1);
}

static void
connector_timer(int fd, short events, void *arg)
{
	struct connector	*c = arg;
	uint64_t		 now = clock_ms();

	(void)fd;
	(void)events;
	switch (c->state) {
	case CONNECTOR_RESOLVING:
		connector_note(c, "%s: no address in time", c->host);
		break;
	case CONNECTOR_CONNECTING:
		connector_note(c, "connect: %s", strerror(ETIMEDOUT));
		break;
	case CONNECTOR_PAUSING:
		/* libevent's clock is coarse: it may be early by a tick. */
		if (now < c->until) {
			set_timer(c, c->until - now);
			return;
		}
		c->next = 0;
		c->asked = 0;
		break;
	case CONNECTOR_RESTING:
		break;
	}
	connector_step(c);
}

/* Patience is new. */
static void
connector_begin(struct connector *c)
{
	c->begun = c->first = clock_ms();
	c->tried = c->asked = c->reached = 0;
	c->pause = PAUSE_FIRST;
}

struct connector *
connector_new(const char *host, uint16_t port, connector_done *done, void *arg)
{
	struct connector	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->host = strdup(host)) == NULL) {
		free(c);
		return (NULL);
	}
	c->port = port;
	c->done = done;
	c->arg = arg;
	evtimer_set(&c->timer, connector_timer, c);
	connector_begin(c);
	connector_resolve(c);
	return (c);
}

void
connector_next(struct connector *c, const char *why)
{
	c->reached = 1;
	connector_cut(c, why);
}

void
connector_cut(struct connector *c, const char *why)
{
	connector_note(c, "%s", why);
	set_timer(c, 0);
}

void
connector_again(struct connector *c)
{
	if (c->next > 0)
		c->next--;
	connector_begin(c);
	set_timer(c, 0);
}

void
connector_free(struct connector *c)
{
	if (c == NULL)
		return;
	connector_rest(c);
	free(c->host);
	free(c);
}
