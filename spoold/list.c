/* See LICENSE for the terms. */

/* Lists of the queue, of a message and of the mailboxes, for dialerd. */

#include <sys/types.h>
#include <sys/queue.h>
#include <errno.h>
#include <event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "flush.h"
#include "list.h"
#include "log.h"
#include "maildir.h"
#include "queue.h"
#include "spoold.h"

/* Entries that wait in the channel at most: what a list costs in memory. */
#define LIST_QUEUED	64
/* Look again at a channel that was full after so many milliseconds. */
#define LIST_PAUSE	5
/* Lists at once; dialerd's own limit on relayctl is lower. */
#define LIST_MAX	32

enum list_kind { LIST_QUEUE, LIST_USERS, LIST_MESSAGE };

struct list {
	TAILQ_ENTRY(list)	 entry;
	uint32_t		 id;		/* of the request */
	enum list_kind		 kind;
	uint64_t		 after;		/* message */
	struct envelope		*envelope;	/* the one that is listed */
	uint32_t		 recipient;	/* the next of it */
	char			*user;		/* the last; NULL: none */
};
static TAILQ_HEAD(, list)	 lists = TAILQ_HEAD_INITIALIZER(lists);
static struct event		 list_timer;

static void
list_free(struct list *l)
{
	TAILQ_REMOVE(&lists, l, entry);
	envelope_free(l->envelope);
	free(l->user);
	free(l);
}

static void
list_end(uint32_t id)
{
	channel_send(child_peer(PROC_DIALERD), SPOOLD_LIST_END, id, -1, NULL,
	    0);
}

static void
send_recipient(const struct list *l, const struct recipient *r)
{
	struct proto_queue_entry	 entry;

	memset(&entry, 0, sizeof(entry));
	entry.id = l->envelope->id;
	entry.size = l->envelope->size;
	entry.received = l->envelope->received;
	entry.deadline = l->envelope->deadline;
	entry.windows = r->windows;
	entry.class = l->envelope->class;
	entry.held = (l->envelope->flags & ENVELOPE_HELD) != 0;
	strlcpy(entry.sender, l->envelope->sender, sizeof(entry.sender));
	strlcpy(entry.recipient, r->address, sizeof(entry.recipient));
	if (r->status != NULL)
		strlcpy(entry.status, r->status, sizeof(entry.status));
	channel_send(child_peer(PROC_DIALERD), SPOOLD_QUEUE_ENTRY, l->id, -1,
	    &entry, sizeof(entry));
}

/* One more recipient that waits: 1, or 0 at the end of the queue. */
static int
queue_step(struct list *l)
{
	struct queue_info	 info;
	const struct recipient	*r;

	for (;;) {
		while (l->envelope != NULL &&
		    l->recipient < l->envelope->nrecipients) {
			r = &l->envelope->recipients[l->recipient++];
			if (r->state != RECIPIENT_WAITING)
				continue;
			send_recipient(l, r);
			return (1);
		}
		envelope_free(l->envelope);
		l->envelope = NULL;
		if (!queue_next(spool_queue, l->after, &info))
			return (0);
		l->after = info.id;
		l->recipient = 0;
		/* One that cannot be read is reported by those who send. */
		l->envelope = queue_envelope(spool_queue, info.id);
	}
}

static void
send_message(const struct list *l)
{
	const struct envelope	*e = l->envelope;
	struct proto_message	 m;

	memset(&m, 0, sizeof(m));
	m.id = e->id;
	m.size = e->size;
	m.received = e->received;
	m.deadline = e->deadline;
	m.priority = e->priority;
	m.class = e->class;
	m.held = (e->flags & ENVELOPE_HELD) != 0;
	m.returned = (e->flags & ENVELOPE_BY_RETURN) != 0;
	m.late = (e->flags & ENVELOPE_LATE) != 0;
	m.sending = flush_in_flight(e->id) != 0;
	m.recipients = e->nrecipients;
	strlcpy(m.sender, e->sender, sizeof(m.sender));
	if (e->user != NULL)
		strlcpy(m.user, e->user, sizeof(m.user));
	channel_send(child_peer(PROC_DIALERD), SPOOLD_MESSAGE, l->id, -1, &m,
	    sizeof(m));
}

/* One more recipient of the message, done or not: 1, or 0 at the end. */
static int
message_step(struct list *l)
{
	struct proto_message_rcpt	 m;
	const struct recipient		*r;

	if (l->recipient == l->envelope->nrecipients)
		return (0);
	r = &l->envelope->recipients[l->recipient++];
	memset(&m, 0, sizeof(m));
	m.marked = r->marked;
	m.windows = r->windows;
	switch (r->state) {
	case RECIPIENT_SENT:
		m.state = PROTO_RCPT_SENT;
		break;
	case RECIPIENT_BOUNCED:
		m.state = PROTO_RCPT_BOUNCED;
		break;
	case RECIPIENT_REMOVED:
		m.state = PROTO_RCPT_REMOVED;
		break;
	default:
		m.state = PROTO_RCPT_WAITING;
	}
	strlcpy(m.recipient, r->address, sizeof(m.recipient));
	if (r->user != NULL)
		strlcpy(m.user, r->user, sizeof(m.user));
	if (r->status != NULL)
		strlcpy(m.status, r->status, sizeof(m.status));
	channel_send(child_peer(PROC_DIALERD), SPOOLD_MESSAGE_RCPT, l->id, -1,
	    &m, sizeof(m));
	return (1);
}

/* The user after the last one; a reload may have taken that away. */
static const struct conf_user *
next_user(const char *last)
{
	const struct conf_user	*u;

	if (child_conf == NULL)
		return (NULL);
	if (last == NULL)
		return (TAILQ_FIRST(&child_conf->users));
	if ((u = conf_user_find(child_conf, last)) == NULL)
		return (NULL);
	return (TAILQ_NEXT(u, entry));
}

static int
user_step(struct list *l)
{
	struct proto_user_entry	 entry;
	const struct conf_user	*u;
	char			*name;

	if ((u = next_user(l->user)) == NULL ||
	    (name = strdup(u->name)) == NULL)
		return (0);
	free(l->user);
	l->user = name;
	memset(&entry, 0, sizeof(entry));
	strlcpy(entry.name, u->name, sizeof(entry.name));
	if (maildir_count(spool_fd, u->name, &entry.messages,
	    &entry.bytes) == -1)
		log_warn("mailbox of %s", u->name);
	channel_send(child_peer(PROC_DIALERD), SPOOLD_USER_ENTRY, l->id, -1,
	    &entry, sizeof(entry));
	return (1);
}

static int
list_step(struct list *l)
{
	switch (l->kind) {
	case LIST_USERS:
		return (user_step(l));
	case LIST_MESSAGE:
		return (message_step(l));
	default:
		return (queue_step(l));
	}
}

/* Fill the channel up; the rest when it has drained. */
static void
list_run(int fd, short events, void *arg)
{
	struct timeval	 tv = { 0, LIST_PAUSE * 1000 };
	struct list	*l;
	int		 more;

	(void)fd;
	(void)events;
	(void)arg;
	while ((l = TAILQ_FIRST(&lists)) != NULL) {
		if (channel_queued(child_peer(PROC_DIALERD)) >= LIST_QUEUED)
			break;
		more = list_step(l);
		if (!more) {
			list_end(l->id);
			list_free(l);
		}
	}
	if (l != NULL)
		evtimer_add(&list_timer, &tv);
}

/* The list that was begun; NULL: there are too many. */
static struct list *
list_start(uint32_t id, enum list_kind kind)
{
	struct timeval	 now = { 0, 0 };
	struct list	*l;
	unsigned int	 n = 0;

	TAILQ_FOREACH(l, &lists, entry)
		n++;
	if (n >= LIST_MAX || (l = calloc(1, sizeof(*l))) == NULL) {
		log_warnx("lists: too many at once");
		list_end(id);
		return (NULL);
	}
	l->id = id;
	l->kind = kind;
	TAILQ_INSERT_TAIL(&lists, l, entry);
	if (!evtimer_initialized(&list_timer))
		evtimer_set(&list_timer, list_run, NULL);
	if (!evtimer_pending(&list_timer, NULL))
		evtimer_add(&list_timer, &now);
	return (l);
}

int
list_handle_queue(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)arg;
	(void)list_start(imsg_get_id(imsg), LIST_QUEUE);
	return (0);
}

int
list_handle_users(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)arg;
	(void)list_start(imsg_get_id(imsg), LIST_USERS);
	return (0);
}

int
list_handle_message(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_result	 r;
	struct envelope		*e;
	struct list		*l;
	uint64_t		 id;

	(void)arg;
	if (imsg_get_data(imsg, &id, sizeof(id)) == -1)
		return (-1);
	if ((e = queue_envelope(spool_queue, id)) == NULL) {
		memset(&r, 0, sizeof(r));
		r.error = (uint32_t)errno;
		strlcpy(r.text, errno == ENOENT ?
		    "no such message is in the queue" :
		    "the message cannot be read", sizeof(r.text));
		channel_send(ch, SPOOLD_MESSAGE_RESULT, imsg_get_id(imsg), -1,
		    &r, sizeof(r));
		return (0);
	}
	if ((l = list_start(imsg_get_id(imsg), LIST_MESSAGE)) == NULL) {
		envelope_free(e);
		return (0);
	}
	l->envelope = e;
	send_message(l);
	return (0);
}

void
list_stop(void)
{
	struct list	*l;

	while ((l = TAILQ_FIRST(&lists)) != NULL)
		list_free(l);
	if (evtimer_initialized(&list_timer))
		evtimer_del(&list_timer);
}
