/* See LICENSE for the terms. */
/* TCP ports that live only while a call is connected. */

#include <sys/types.h>
#include <sys/socket.h>
#include <err.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "far.h"
#include "forward.h"
#include "wire.h"

#define PENDING_MAX	60000	/* bytes that a slow reader may leave lying */

/* One direction of a connection: read here, cross, write there. */
struct half {
	struct wire_end	 end;
	struct conn	*conn;
	int		 from, to;
	struct event	 rd, wr;
	uint8_t		 pending[PENDING_MAX + 4096];
	size_t		 npending;
	int		 eof_sent, eof_done;
};

struct conn {
	TAILQ_ENTRY(conn) entry;
	int		 near, far;
	struct half	 up, down;
};

struct forward {
	TAILQ_ENTRY(forward) entry;
	struct addrinfo	*from, *to;
	int		 fd;
	struct event	 ev;
};

static TAILQ_HEAD(, forward) forwards = TAILQ_HEAD_INITIALIZER(forwards);
static TAILQ_HEAD(, conn) conns = TAILQ_HEAD_INITIALIZER(conns);

static void
conn_free(struct conn *c, int reset)
{
	struct linger	 l = { 1, 0 };

	event_del(&c->up.rd);
	event_del(&c->up.wr);
	event_del(&c->down.rd);
	event_del(&c->down.wr);
	wire_remove(&c->up.end);
	wire_remove(&c->down.end);
	if (reset) {
		setsockopt(c->near, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
		setsockopt(c->far, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	}
	close(c->near);
	close(c->far);
	TAILQ_REMOVE(&conns, c, entry);
	free(c);
}

/* Writes what has arrived; 0, or -1 when the connection is gone. */
static int
half_flush(struct half *h)
{
	ssize_t	 n;

	if (h->npending > 0) {
		n = send(h->to, h->pending, h->npending, MSG_NOSIGNAL);
		if (n == -1 && errno != EAGAIN && errno != EINPROGRESS &&
		    errno != ENOTCONN)
			return (-1);
		if (n > 0) {
			h->npending -= (size_t)n;
			memmove(h->pending, h->pending + n, h->npending);
		}
	}
	if (h->npending > 0)
		event_add(&h->wr, NULL);
	else if (h->eof_sent == 2 && !h->eof_done) {
		h->eof_done = 1;
		shutdown(h->to, SHUT_WR);
	}
	return (0);
}

static void
half_write(int fd, short events, void *arg)
{
	struct half	*h = arg;

	(void)fd;
	(void)events;
	if (half_flush(h) == -1) {
		conn_free(h->conn, 1);
		return;
	}
	if (h->npending <= PENDING_MAX / 2 && !h->eof_sent)
		event_add(&h->rd, NULL);
}

static void
half_deliver(struct wire_end *e, const uint8_t *data, size_t len)
{
	struct half	*h = e->arg;
	struct conn	*c = h->conn;

	count_bytes();
	if (len == 0)
		h->eof_sent = 2;	/* it has crossed */
	else {
		if (h->npending + len > sizeof(h->pending)) {
			conn_free(c, 1);
			return;
		}
		memcpy(h->pending + h->npending, data, len);
		h->npending += len;
	}
	if (half_flush(h) == -1) {
		conn_free(c, 1);
		return;
	}
	if (c->up.eof_done && c->down.eof_done)
		conn_free(c, 0);
}

static void
half_read(int fd, short events, void *arg)
{
	struct half	*h = arg;
	uint8_t		 buf[256];
	size_t		 space;
	ssize_t		 n;

	(void)events;
	if (h->npending + h->end.in_flight * 256 > PENDING_MAX) {
		event_del(&h->rd);	/* the far side does not read */
		event_add(&h->wr, NULL);
		return;
	}
	if ((space = wire_space(&h->end)) == 0) {
		event_del(&h->rd);
		return;
	}
	n = read(fd, buf, space < sizeof(buf) ? space : sizeof(buf));
	if (n == -1 && (errno == EAGAIN || errno == EINPROGRESS))
		return;
	if (n == -1) {
		conn_free(h->conn, 1);
		return;
	}
	if (n == 0) {
		event_del(&h->rd);
		h->eof_sent = 1;
		wire_send(&h->end, NULL, 0);
		return;
	}
	wire_send(&h->end, buf, (size_t)n);
}

static void
half_room(struct wire_end *e)
{
	struct half	*h = e->arg;

	if (!h->eof_sent) {
		event_add(&h->rd, NULL);
		half_read(h->from, EV_READ, h);
	}
}

static void
half_init(struct half *h, struct conn *c, enum wire_way way, int from, int to)
{
	h->conn = c;
	h->from = from;
	h->to = to;
	wire_add(&h->end, way, half_deliver, half_room, h);
	event_set(&h->rd, from, EV_READ | EV_PERSIST, half_read, h);
	event_set(&h->wr, to, EV_WRITE, half_write, h);
	event_add(&h->rd, NULL);
}

static void
forward_accept(int fd, short events, void *arg)
{
	struct forward	*f = arg;
	struct conn	*c;
	int		 near, far, one = 1;

	(void)events;
	if ((near = accept(fd, NULL, NULL)) == -1)
		return;
	far = socket(f->to->ai_family, SOCK_STREAM, 0);
	if (far == -1)
		err(1, "socket");
	fcntl(near, F_SETFL, O_NONBLOCK);
	fcntl(far, F_SETFL, O_NONBLOCK);
	fcntl(near, F_SETFD, FD_CLOEXEC);
	fcntl(far, F_SETFD, FD_CLOEXEC);
	setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(far, f->to->ai_addr, f->to->ai_addrlen) == -1 &&
	    errno != EINPROGRESS) {
		close(near);
		close(far);
		return;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL)
		err(1, NULL);
	c->near = near;
	c->far = far;
	half_init(&c->up, c, WIRE_UP, near, far);
	half_init(&c->down, c, WIRE_DOWN, far, near);
	TAILQ_INSERT_TAIL(&conns, c, entry);
}

static struct addrinfo *
parse(const char *s)
{
	struct addrinfo	 hints, *ai;
	char		*copy, *colon;
	int		 r;

	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	if ((copy = strdup(s)) == NULL)
		err(1, NULL);
	if ((colon = strrchr(copy, ':')) == NULL)
		errx(1, "%s: host:port expected", s);
	*colon = '\0';
	if ((r = getaddrinfo(copy, colon + 1, &hints, &ai)) != 0)
		errx(1, "%s: %s", s, gai_strerror(r));
	free(copy);
	return (ai);
}

void
forward_add(const char *from, const char *to)
{
	struct forward	*f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		err(1, NULL);
	f->from = parse(from);
	f->to = parse(to);
	f->fd = -1;
	TAILQ_INSERT_TAIL(&forwards, f, entry);
}

int
forward_any(void)
{
	return (!TAILQ_EMPTY(&forwards));
}

void
forward_open(void)
{
	struct forward	*f;
	int		 one = 1;

	TAILQ_FOREACH(f, &forwards, entry) {
		if ((f->fd = socket(f->from->ai_family, SOCK_STREAM, 0)) ==
		    -1)
			err(1, "socket");
		fcntl(f->fd, F_SETFD, FD_CLOEXEC);
		fcntl(f->fd, F_SETFL, O_NONBLOCK);
		setsockopt(f->fd, SOL_SOCKET, SO_REUSEADDR, &one,
		    sizeof(one));
		if (bind(f->fd, f->from->ai_addr, f->from->ai_addrlen) == -1 ||
		    listen(f->fd, 64) == -1)
			err(1, "forward");
		event_set(&f->ev, f->fd, EV_READ | EV_PERSIST,
		    forward_accept, f);
		event_add(&f->ev, NULL);
	}
}

void
forward_close(void)
{
	struct forward	*f;
	struct conn	*c;

	TAILQ_FOREACH(f, &forwards, entry) {
		if (f->fd == -1)
			continue;
		event_del(&f->ev);
		close(f->fd);
		f->fd = -1;
	}
	while ((c = TAILQ_FIRST(&conns)) != NULL)
		conn_free(c, 1);
}
