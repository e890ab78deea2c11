/* See LICENSE for the terms. */
/* An imsg channel on the event loop, and the one dispatcher. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "log.h"

/*
 * A peer that asks and asks but reads no answer would have us keep them all.
 * A burst of honest ones is far smaller, and long lists are paced.
 */
#define CHANNEL_UNREAD_MAX	16384	/* messages */

static void	 channel_event(int, short, void *);

/* Ask for writability only while something waits to be written. */
static void
channel_rearm(struct channel *ch)
{
	short	 events = EV_READ | EV_PERSIST;

	if (imsgbuf_queuelen(&ch->ibuf) > 0)
		events |= EV_WRITE;
	event_del(&ch->ev);
	event_set(&ch->ev, ch->ibuf.fd, events, channel_event, ch);
	if (event_add(&ch->ev, NULL) == -1)
		fatal("channel: event_add");
}

int
channel_open(struct channel *ch, int fd, enum proc_id self, enum proc_id peer,
    const struct channel_row *rows, void *arg,
    void (*closed)(struct channel *, int, void *))
{
	int	 flags;

	memset(ch, 0, sizeof(*ch));
	ch->self = self;
	ch->peer = peer;
	ch->rows = rows;
	ch->arg = arg;
	ch->closed = closed;
	if ((flags = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return (-1);
	if (imsgbuf_init(&ch->ibuf, fd) == -1)
		return (-1);
	/* relayctl is never given a descriptor, nor may it send one. */
	if (self != PROC_RELAYCTL && peer != PROC_RELAYCTL)
		imsgbuf_allow_fdpass(&ch->ibuf);
	ch->open = 1;
	event_set(&ch->ev, fd, EV_READ | EV_PERSIST, channel_event, ch);
	if (event_add(&ch->ev, NULL) == -1)
		fatal("channel: event_add");
	return (0);
}

void
channel_close(struct channel *ch)
{
	if (!ch->open)
		return;
	ch->open = 0;
	if (ch->destroyed != NULL) {
		*ch->destroyed = 1;
		ch->destroyed = NULL;
	}
	event_del(&ch->ev);
	close(ch->ibuf.fd);
	imsgbuf_clear(&ch->ibuf);
}

/* The end, from the peer's side or by its fault. */
static void
channel_fail(struct channel *ch, int violation)
{
	void	(*closed)(struct channel *, int, void *) = ch->closed;

	channel_close(ch);
	if (closed != NULL)
		closed(ch, violation, ch->arg);
}

static channel_handler *
channel_find(const struct channel *ch, uint32_t type)
{
	const struct channel_row	*row;

	for (row = ch->rows; row != NULL && row->type != PROTO_NONE; row++)
		if (row->type == type)
			return (row->handler);
	return (NULL);
}

/* Table first, then the descriptor, then the handler of the type. */
static int
channel_dispatch(struct channel *ch, struct imsg *imsg)
{
	const struct proto_row	*row;
	channel_handler		*handler;
	uint32_t		 type = imsg_get_type(imsg);
	size_t			 len = imsg_get_len(imsg);
	int			 has_fd;

	if (proto_check(type, ch->peer, ch->self, len) == -1) {
		log_warn("channel: message type=%u len=%zu from %s", type, len,
		    proto_proc_name(ch->peer));
		return (-1);
	}
	row = proto_row(type);
	/* There is no accessor that looks and does not take. */
	has_fd = ibuf_fd_avail(imsg->buf);
	if ((row->fd == PROTO_FD_ALWAYS && !has_fd) ||
	    (row->fd == PROTO_FD_NONE && has_fd)) {
		log_warnx("channel: %s from %s %s a descriptor", row->name,
		    proto_proc_name(ch->peer), has_fd ? "with" : "without");
		return (-1);
	}
	if (imsgbuf_queuelen(&ch->ibuf) > CHANNEL_UNREAD_MAX) {
		log_warnx("channel: %s does not read",
		    proto_proc_name(ch->peer));
		return (-1);
	}
	if ((handler = channel_find(ch, type)) == NULL) {
		log_warnx("channel: %s from %s is not expected here",
		    row->name, proto_proc_name(ch->peer));
		return (-1);
	}
	if (handler(ch, imsg, ch->arg) == -1) {
		log_warnx("channel: %s from %s is wrong", row->name,
		    proto_proc_name(ch->peer));
		return (-1);
	}
	return (0);
}

static void
channel_read(struct channel *ch)
{
	struct imsg	 imsg;
	int		 destroyed = 0, broken = 0, end, n, r;

	end = (n = imsgbuf_read(&ch->ibuf)) != 1;
	if (n == -1 && errno != ECONNRESET) {
		/* Most of all a length that no message may have. */
		log_warn("channel: read from %s", proto_proc_name(ch->peer));
		broken = 1;
	}
	ch->destroyed = &destroyed;
	for (;;) {
		if ((n = imsgbuf_get(&ch->ibuf, &imsg)) == -1) {
			log_warn("channel: message from %s",
			    proto_proc_name(ch->peer));
			ch->destroyed = NULL;
			channel_fail(ch, 1);
			return;
		}
		if (n == 0)
			break;
		r = channel_dispatch(ch, &imsg);
		imsg_free(&imsg);
		if (destroyed)
			return;
		if (r == -1) {
			ch->destroyed = NULL;
			channel_fail(ch, 1);
			return;
		}
	}
	ch->destroyed = NULL;
	if (end)
		channel_fail(ch, broken);
}

static void
channel_event(int fd, short events, void *arg)
{
	struct channel	*ch = arg;

	(void)fd;
	if (events & EV_WRITE) {
		if (imsgbuf_write(&ch->ibuf) == -1) {
			if (errno != EPIPE && errno != ECONNRESET)
				log_warn("channel: write to %s",
				    proto_proc_name(ch->peer));
			channel_fail(ch, 0);
			return;
		}
		channel_rearm(ch);
	}
	if (events & EV_READ)
		channel_read(ch);
}

int
channel_send(struct channel *ch, uint32_t type, uint32_t id, int fd,
    const void *data, size_t len)
{
	if (!ch->open) {
		if (fd != -1)
			close(fd);
		errno = EPIPE;
		return (-1);
	}
	if (imsg_compose(&ch->ibuf, type, id, 0, fd, data, len) == -1) {
		log_warn("channel: send type=%u to %s", type,
		    proto_proc_name(ch->peer));
		if (fd != -1)
			close(fd);
		return (-1);
	}
	channel_rearm(ch);
	return (0);
}

int
channel_send_ibuf(struct channel *ch, uint32_t type, uint32_t id, int fd,
    struct ibuf *buf)
{
	int	 r;

	r = channel_send(ch, type, id, fd, ibuf_data(buf), ibuf_size(buf));
	ibuf_free(buf);
	return (r);
}

uint32_t
channel_queued(struct channel *ch)
{
	return (ch->open ? imsgbuf_queuelen(&ch->ibuf) : 0);
}

void
channel_flush(struct channel *ch)
{
	int	 flags;

	if (!ch->open || (flags = fcntl(ch->ibuf.fd, F_GETFL)) == -1)
		return;
	/* imsgbuf_flush would spin on a descriptor that does not block. */
	if (fcntl(ch->ibuf.fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
		return;
	(void)imsgbuf_flush(&ch->ibuf);
}
