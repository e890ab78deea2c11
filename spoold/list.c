/* See LICENSE for the terms. */

/* Lists of the queue and of the mailboxes, for dialerd. */

#include <sys/types.h>
#include <sys/queue.h>
#include <event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
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

struct list {
	TAILQ_ENTRY(list)	 entry;
	uint32_t		 id;		/* of the request */
	int			 users;		/* else the queue */
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
	entry.windows = r->windows;
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
		more = l->users ? user_step(l) : queue_step(l);
		if (!more) {
			list_end(l->id);
			list_free(l);
		}
	}
	if (l != NULL)
		evtimer_add(&list_timer, &tv);
}

static void
list_start(uint32_t id, int users)
{
	struct timeval	 now = { 0, 0 };
	struct list	*l;
	unsigned int	 n = 0;

	TAILQ_FOREACH(l, &lists, entry)
		n++;
	if (n >= LIST_MAX || (l = calloc(1, sizeof(*l))) == NULL) {
		log_warnx("lists: too many at once");
		list_end(id);
		return;
	}
	l->id = id;
	l->users = users;
	TAILQ_INSERT_TAIL(&lists, l, entry);
	if (!evtimer_initialized(&list_timer))
		evtimer_set(&list_timer, list_run, NULL);
	if (!evtimer_pending(&list_timer, NULL))
		evtimer_add(&list_timer, &now);
}

int
list_handle_queue(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)arg;
	list_start(imsg_get_id(imsg), 0);
	return (0);
}

int
list_handle_users(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)arg;
	list_start(imsg_get_id(imsg), 1);
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
