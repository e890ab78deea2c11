/* See LICENSE for the terms. */
/*
 * Streams: their life, what they wait for, and the call-backs.  All input,
 * output and telling is done in a turn, which the event loop alone starts;
 * calls from outside only change what is waited for.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "stream.h"
#include "stream_internal.h"
#include "tcp_acked.h"
#include "tcp_queue.h"

/*
 * A stream that nobody owns any more goes away, even if it has no timeout,
 * when its output has been stuck for so long.
 */
#define STREAM_FINISH_IDLE	60000	/* ms */
/*
 * After the last byte we wait so long for the peer to close: a close with
 * unread input would reset the connection and destroy what we have just
 * written.  A few round trips of the slowest line (1.4 s).
 */
#define STREAM_LINGER		5000	/* ms */
/* How often a window is looked at. */
#define WINDOW_MS		250

static void	 stream_turn(struct stream *, short);

uint64_t
stream_clock(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

void
stream_fail(struct stream *s, const char *fmt, ...)
{
	va_list	ap;

	if (s->broken)
		return;
	va_start(ap, fmt);
	vsnprintf(s->error, sizeof(s->error), fmt, ap);
	va_end(ap);
	s->broken = 1;
	s->pending &= ~stream_bit(STREAM_EOF);
	s->pending |= stream_bit(STREAM_ERROR);
}

const char *
stream_error(const struct stream *s)
{
	return (s->error[0] != '\0' ? s->error : "no error");
}

static void
event_ready(int fd, short what, void *arg)
{
	(void)fd;
	stream_turn(arg, what);
}

static void
event_soon(int fd, short what, void *arg)
{
	struct stream	*s = arg;

	(void)fd;
	(void)what;
	s->soon = 0;
	stream_turn(s, 0);
}

/* How long nothing may move, or 0 for ever. */
static uint64_t
idle_limit(const struct stream *s)
{
	if (s->lingering)
		return (STREAM_LINGER);
	if (s->finishing && s->timeout == 0)
		return (STREAM_FINISH_IDLE);
	return (s->timeout);
}

static void
idle_arm(struct stream *s)
{
	struct timeval	 tv;
	uint64_t	 limit = idle_limit(s), idle, ms;

	if (limit == 0) {
		evtimer_del(&s->idle_ev);
		return;
	}
	idle = stream_clock() - s->last;
	ms = idle < limit ? limit - idle : 0;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	evtimer_add(&s->idle_ev, &tv);
}

static void
event_idle(int fd, short what, void *arg)
{
	struct stream	*s = arg;
	uint64_t	 limit = idle_limit(s), now = stream_clock(), acked;

	(void)fd;
	(void)what;
	if (limit == 0 || (s->broken && !s->finishing))
		return;
	if (now - s->last >= limit) {
		acked = s->lingering ? s->bytes_out : tcp_acked(s->fd);
		/* Nothing under way, or it is stuck. */
		if (acked >= s->bytes_out || acked == s->acked) {
			if (s->finishing) {
				stream_free(s);
				return;
			}
			s->pending |= stream_bit(STREAM_TIMEOUT);
		}
		s->acked = acked;
		s->last = now;
	}
	idle_arm(s);
	if (s->pending & stream_bit(STREAM_TIMEOUT))
		stream_turn(s, 0);
}

/* A window follows what comes; one that is offered is not taken back. */
static void
window_grow(struct stream *s)
{
	uint64_t	 now = stream_clock(), ms = now - s->window_at, bytes;

	if (s->window == 0 || ms < WINDOW_MS)
		return;
	bytes = tcp_window_bytes(s->fd, (s->bytes_in - s->window_in) * 1000 /
	    ms);
	if (bytes > s->window) {
		s->window = bytes;
		tcp_window_limit(s->fd, bytes);
	}
	s->window_at = now;
	s->window_in = s->bytes_in;
}

void
stream_frugal(struct stream *s)
{
	s->window = TCP_WINDOW_FIRST;
	s->window_at = stream_clock();
	s->window_in = s->bytes_in;
}

static struct stream *
stream_make(int fd, stream_callback *callback, void *arg)
{
	struct stream	*s;
	int		 on = 1;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->fd = fd;
	s->callback = callback;
	s->arg = arg;
	s->in_max = STREAM_INPUT_DEFAULT;
	s->want_read = EV_READ;
	s->want_write = EV_WRITE;
	s->last = stream_clock();
	TAILQ_INIT(&s->chunks);
	event_set(&s->read_ev, fd, EV_READ | EV_PERSIST, event_ready, s);
	event_set(&s->write_ev, fd, EV_WRITE | EV_PERSIST, event_ready, s);
	evtimer_set(&s->soon_ev, event_soon, s);
	evtimer_set(&s->idle_ev, event_idle, s);
	/*
	 * Output is gathered here already; waiting for the acknowledgement
	 * of what went before would cost a round trip.  Not all are TCP.
	 */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return (s);
}

struct stream *
stream_new(int fd, stream_callback *callback, void *arg)
{
	struct stream	*s;
	int		 flags;

	if ((flags = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return (NULL);
	if ((s = stream_make(fd, callback, arg)) == NULL)
		return (NULL);
	stream_update(s);
	return (s);
}

struct stream *
stream_connect(const struct sockaddr *sa, socklen_t salen,
    stream_callback *callback, void *arg)
{
	struct stream	*s;
	int		 fd;

	fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return (NULL);
	if ((s = stream_make(fd, callback, arg)) == NULL) {
		close(fd);
		return (NULL);
	}
	tcp_window_limit(fd, TCP_WINDOW_FIRST);
	stream_frugal(s);
	if (connect(fd, sa, salen) == 0)
		s->pending |= stream_bit(STREAM_CONNECTED);
	else if (errno == EINPROGRESS || errno == EINTR)
		s->connecting = 1;
	else
		stream_fail(s, "connect: %s", strerror(errno));
	stream_update(s);
	return (s);
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	if (s->dead != NULL)
		*s->dead = 1;
	event_del(&s->read_ev);
	event_del(&s->write_ev);
	evtimer_del(&s->soon_ev);
	evtimer_del(&s->idle_ev);
	stream_tls_free(s);
	stream_deflate_free(s);
	stream_drop_output(s);
	freezero(s->in, s->in_size);
	close(s->fd);
	freezero(s, sizeof(*s));
}

void
stream_finish(struct stream *s)
{
	s->finishing = 1;
	s->last = stream_clock();
	idle_arm(s);
	stream_update(s);
}

/* Is there something to be told that the owner is ready to hear? */
static int
event_deliverable(const struct stream *s)
{
	unsigned int	held = 0;

	if (s->paused)
		held = stream_bit(STREAM_DATA) | stream_bit(STREAM_EOF);
	return ((s->pending & ~held) != 0);
}

/*
 * What the socket must be ready for; *soon is set when there is something
 * to be done whatever the socket says.
 */
static short
stream_wanted(const struct stream *s, int *soon)
{
	short	want = 0;

	*soon = s->finishing ? 0 : event_deliverable(s);
	if (s->broken) {
		*soon |= s->finishing;
		return (0);
	}
	/* Nothing was said yet, so nothing is to be finished. */
	if (s->finishing && !s->lingering &&
	    (s->tls_state == STREAM_TLS_HANDSHAKE ||
	    (s->connecting && s->queued == 0)))
		*soon = 1;
	if (s->connecting)
		return (EV_WRITE);
	if (s->tls_state == STREAM_TLS_HANDSHAKE)
		return (s->want_read);
	if (s->tls_state == STREAM_TLS_WAITING && s->plain_left == 0) {
		*soon = 1;
		return (0);
	}
	if (stream_may_read(s)) {
		want |= s->want_read;
		*soon |= s->more_in;
	}
	if (stream_may_write(s))
		want |= s->want_write;
	else if (s->finishing && !s->lingering)
		want |= s->want_write;		/* TLS close, shutdown */
	return (want);
}

void
stream_update(struct stream *s)
{
	const struct timeval	 now = { 0, 0 };
	short			 want, change;
	int			 soon;

	/* The turn does it at its end, once. */
	if (s->dead != NULL)
		return;
	want = stream_wanted(s, &soon);
	change = want ^ s->added;
	if (change & EV_READ) {
		if (want & EV_READ)
			event_add(&s->read_ev, NULL);
		else
			event_del(&s->read_ev);
	}
	if (change & EV_WRITE) {
		if (want & EV_WRITE)
			event_add(&s->write_ev, NULL);
		else
			event_del(&s->write_ev);
	}
	s->added = want;
	if (soon && !s->soon) {
		s->soon = 1;
		evtimer_add(&s->soon_ev, &now);
	}
}

static void
stream_check_connect(struct stream *s)
{
	socklen_t	len;
	int		error = 0;

	len = sizeof(error);
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0) {
		stream_fail(s, "connect: %s", strerror(error));
		return;
	}
	s->connecting = 0;
	s->pending |= stream_bit(STREAM_CONNECTED);
}

/* Moves what can be moved. */
static void
stream_move(struct stream *s, short what)
{
	int	failed;

	if (s->broken)
		return;
	if (s->connecting) {
		if (what & EV_WRITE)
			stream_check_connect(s);
		if (s->broken || s->connecting)
			return;
	}
	failed = stream_output(s) == -1;
	if (!failed && s->tls_state == STREAM_TLS_WAITING &&
	    s->plain_left == 0)
		s->tls_state = STREAM_TLS_HANDSHAKE;
	/* The context of a server may be gone with the owner. */
	if (s->tls_state == STREAM_TLS_HANDSHAKE && s->finishing)
		return;
	if (!failed && s->tls_state == STREAM_TLS_HANDSHAKE) {
		stream_handshake(s);
		if (s->tls_state == STREAM_TLS_OPEN)
			failed = stream_output(s) == -1;
	}
	/*
	 * A peer that refuses our output may have said why: what it sent
	 * before is read even then.
	 */
	if (s->finishing)
		stream_drop_input(s);
	else if (stream_may_read(s) && (failed || !s->broken))
		stream_input(s);
}

/*
 * Tells the owner.  -1 when the owner has freed the stream or given it
 * away: nothing may then be told any more.
 */
static int
stream_tell(struct stream *s, const int *dead)
{
	static const enum stream_event order[] = { STREAM_CONNECTED,
	    STREAM_SECURE, STREAM_DATA, STREAM_DRAINED, STREAM_EOF,
	    STREAM_ERROR, STREAM_TIMEOUT };
	enum stream_event	 event;
	size_t			 i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		event = order[i];
		if (!(s->pending & stream_bit(event)))
			continue;
		if (s->paused && (event == STREAM_DATA || event == STREAM_EOF))
			continue;
		s->pending &= ~stream_bit(event);
		if (event == STREAM_DATA && s->in_rpos == s->in_wpos)
			continue;
		s->callback(s, event, s->arg);
		if (*dead || s->finishing)
			return (-1);
	}
	return (0);
}

/* The end of a stream that has no owner.  1 when it is time to free it. */
static int
stream_ended(struct stream *s)
{
	if (s->broken)
		return (1);
	if (s->lingering)
		return (s->eof);
	if (s->tls_state == STREAM_TLS_HANDSHAKE)
		return (1);
	if (s->queued > 0 || stream_deflate_dirty(s))
		return (0);
	if (s->connecting || s->tls_state == STREAM_TLS_WAITING)
		return (1);
	if (s->tls_state == STREAM_TLS_OPEN && !stream_tls_close(s))
		return (0);
	/* Nothing was written that a reset could destroy. */
	if (s->bytes_out == 0 || shutdown(s->fd, SHUT_WR) == -1)
		return (1);
	s->lingering = 1;
	s->last = stream_clock();
	idle_arm(s);
	return (s->eof);
}

/* A turn: what the event loop starts.  what is EV_READ, EV_WRITE, or 0. */
static void
stream_turn(struct stream *s, short what)
{
	int	dead = 0;

	s->dead = &dead;
	s->moved_in = s->moved_out = 0;
	stream_move(s, what);
	if (s->moved_in)
		window_grow(s);
	if ((s->moved_in && !s->finishing) || (s->moved_out && !s->lingering)) {
		s->last = stream_clock();
		s->pending &= ~stream_bit(STREAM_TIMEOUT);
	}
	if (!s->finishing)
		(void)stream_tell(s, &dead);
	else if (stream_ended(s))
		stream_free(s);
	if (dead)
		return;
	s->dead = NULL;
	stream_update(s);
}

void
stream_timeout(struct stream *s, uint64_t ms)
{
	s->timeout = ms;
	s->last = stream_clock();
	s->pending &= ~stream_bit(STREAM_TIMEOUT);
	idle_arm(s);
}

int
stream_is_cut(const struct stream *s)
{
	return (s->cut);
}

int
stream_fd(const struct stream *s)
{
	return (s->fd);
}

uint64_t
stream_bytes_in(const struct stream *s)
{
	return (s->bytes_in);
}

uint64_t
stream_bytes_stuck(const struct stream *s)
{
	return (s->bytes_in - s->bytes_got);
}

uint64_t
stream_bytes_out(const struct stream *s)
{
	return (s->bytes_out);
}
