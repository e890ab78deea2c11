/* See LICENSE for the terms. */

/*
 * The operator's wishes: see message.h.  A wish may be about all of a long
 * queue, so it is worked at a part at a time; its answer comes when
 * everything is durable, and says how many messages were changed.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <errno.h>
#include <event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "child.h"
#include "flush.h"
#include "log.h"
#include "message.h"
#include "queue.h"
#include "spoold.h"
#include "waiting.h"

#define TURN		512	/* messages looked at in one turn of the loop */
#define WISHES_MAX	32	/* at once; dialerd's own limit is lower */

struct wish {
	TAILQ_ENTRY(wish)	 entry;
	struct proto_message_ask ask;
	uint32_t		 id;		/* of the request */
	uint64_t		 after;		/* message looked at last */
	int			 looked;	/* at all of them */
	int			 gone;		/* nobody waits for it */
	uint64_t		 pending;	/* changes not durable yet */
	uint64_t		 changed;	/* messages */
	uint64_t		 same;		/* that were so already */
	uint64_t		 busy;		/* with upstream right now */
	int			 error;		/* of those that failed */
};
static TAILQ_HEAD(, wish)	 wishes = TAILQ_HEAD_INITIALIZER(wishes);
static struct event		 turn;

/* One change on its way to the disk. */
struct change {
	struct wish	*wish;
	uint64_t	 id;		/* of the message */
	int		 counts;	/* the message's last: it is changed */
	char		*removed;	/* recipient, for the log */
};

static const struct action {
	const char		*done;
	enum queue_change	 change;	/* 0: marks of recipients */
	int			 idle;		/* not while it is sent */
} actions[PROTO_MESSAGE_ACTIONS] = {
	[PROTO_MESSAGE_HOLD] = { "held", QUEUE_HOLD, 1 },
	[PROTO_MESSAGE_RELEASE] = { "released", QUEUE_RELEASE, 0 },
	[PROTO_MESSAGE_REMOVE] = { "removed", 0, 1 },
	[PROTO_MESSAGE_URGENT] = { "made urgent", QUEUE_URGENT, 0 },
	[PROTO_MESSAGE_NORMAL] = { "made normal", QUEUE_NORMAL, 0 },
	[PROTO_MESSAGE_BULK] = { "made bulk", QUEUE_BULK, 0 },
	[PROTO_MESSAGE_REQUEUE] = { "to be tried afresh", 0, 1 }
};

static void
wish_words(const struct wish *w, struct proto_result *r)
{
	const struct action	*a = &actions[w->ask.action];
	char			*p = r->text;
	size_t			 size = sizeof(r->text);
	int			 n;

	if (w->changed + w->same + w->busy == 0 && w->error == 0) {
		r->error = ENOENT;
		(void)snprintf(p, size, "%s", w->ask.select ==
		    PROTO_MESSAGE_ID ? "no such message waits for the line" :
		    "no message that waits for the line is meant by that");
		return;
	}
	n = snprintf(p, size, "%llu message%s %s",
	    (unsigned long long)w->changed, w->changed == 1 ? "" : "s",
	    a->done);
	if (w->same > 0)
		n += snprintf(p + n, size - (size_t)n, ", %llu so already",
		    (unsigned long long)w->same);
	if (w->busy > 0) {
		if (w->changed == 0 && w->same == 0)
			r->error = EBUSY;
		n += snprintf(p + n, size - (size_t)n,
		    ", %llu being sent at the moment",
		    (unsigned long long)w->busy);
	}
	if (w->error != 0) {
		r->error = (uint32_t)w->error;
		(void)snprintf(p + n, size - (size_t)n,
		    ", not all: %s", strerror(w->error));
	}
}

/* When all is looked at and durable, the answer. */
static void
wish_end(struct wish *w)
{
	struct proto_result	 r;

	if (!w->looked || w->pending > 0)
		return;
	memset(&r, 0, sizeof(r));
	wish_words(w, &r);
	log_info("relayctl: %s", r.text);
	if (!w->gone)
		channel_send(child_peer(PROC_DIALERD), SPOOLD_MESSAGE_RESULT,
		    w->id, -1, &r, sizeof(r));
	TAILQ_REMOVE(&wishes, w, entry);
	free(w);
}

static void
change_durable(void *arg, int result)
{
	struct change	*c = arg;
	struct wish	*w = c->wish;

	if (result == 0 && c->removed != NULL)
		log_info("msg id=%016llx event=removed rcpt=<%s>",
		    (unsigned long long)c->id, c->removed);
	if (result == 0 && c->counts)
		w->changed++;
	/* In a window it may go once more, for it counts as not tried. */
	if (result == 0 && w->ask.action == PROTO_MESSAGE_REQUEUE)
		waiting_release(c->id);
	/* A message that went meanwhile needs nothing any more. */
	if (result != 0 && result != ENOENT)
		w->error = result;
	w->pending--;
	free(c->removed);
	free(c);
	wish_end(w);
}

static struct change *
change_new(struct wish *w, uint64_t id)
{
	struct change	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatal("relayctl");
	c->wish = w;
	c->id = id;
	w->pending++;
	spool_commit_soon();
	return (c);
}

static int
same_address(const char *address, const char *wanted)
{
	return (strcasecmp(address, wanted) == 0);
}

/* Is that recipient one of the line's, and meant? */
static int
recipient_meant(const struct wish *w, const struct recipient *r)
{
	return (r->user == NULL && r->state == RECIPIENT_WAITING &&
	    (w->ask.select != PROTO_MESSAGE_TO ||
	    same_address(r->address, w->ask.address)));
}

static int
message_meant(const struct wish *w, const struct envelope *e)
{
	uint32_t	 i;

	if (w->ask.select == PROTO_MESSAGE_FROM &&
	    !same_address(e->sender, w->ask.address))
		return (0);
	for (i = 0; i < e->nrecipients; i++)
		if (recipient_meant(w, &e->recipients[i]))
			return (1);
	return (0);
}

/* Removes or requeues those who are meant, each by a mark. */
static void
message_mark(struct wish *w, const struct envelope *e)
{
	const struct recipient	*r;
	struct change		*c = NULL;
	uint32_t		 i;

	for (i = 0; i < e->nrecipients; i++) {
		r = &e->recipients[i];
		if (!recipient_meant(w, r))
			continue;
		c = change_new(w, e->id);
		if (w->ask.action == PROTO_MESSAGE_REMOVE) {
			if ((c->removed = strdup(r->address)) == NULL)
				fatal("relayctl");
			queue_mark(spool_queue, e->id, i, RECIPIENT_REMOVED,
			    0, "removed by the operator", change_durable, c);
		} else
			queue_mark(spool_queue, e->id, i, RECIPIENT_WAITING,
			    QUEUE_AFRESH, "to be tried afresh",
			    change_durable, c);
	}
	if (c != NULL)
		c->counts = 1;
}

/* 1 when the message is as it is wished already. */
static int
is_so(const struct queue_info *info, enum queue_change change)
{
	switch (change) {
	case QUEUE_HOLD:
		return ((info->flags & QUEUE_INFO_HELD) != 0);
	case QUEUE_RELEASE:
		return ((info->flags & QUEUE_INFO_HELD) == 0);
	case QUEUE_NORMAL:
		return (info->class == PROTO_NORMAL);
	case QUEUE_URGENT:
		return (info->class == PROTO_URGENT);
	case QUEUE_BULK:
		return (info->class == PROTO_BULK);
	default:
		return (0);
	}
}

/* One message, whose envelope is read only where it has a say. */
static void
message_one(struct wish *w, const struct queue_info *info)
{
	const struct action	*a = &actions[w->ask.action];
	struct envelope		*e = NULL;
	struct change		*c;

	if ((info->flags & QUEUE_INFO_REMOTE) == 0)
		return;
	if (a->change == 0 || (info->flags & QUEUE_INFO_LOCAL) != 0 ||
	    w->ask.select == PROTO_MESSAGE_FROM ||
	    w->ask.select == PROTO_MESSAGE_TO) {
		if ((e = queue_envelope(spool_queue, info->id)) == NULL) {
			w->error = errno;
			return;
		}
		if (!message_meant(w, e)) {
			envelope_free(e);
			return;
		}
	}
	if (a->idle && flush_in_flight(info->id))
		w->busy++;
	else if (a->change == 0)
		message_mark(w, e);
	else if (is_so(info, a->change))
		w->same++;
	else {
		c = change_new(w, info->id);
		c->counts = 1;
		queue_change(spool_queue, info->id, a->change,
		    change_durable, c);
	}
	envelope_free(e);
}

/* Some more messages of a wish. */
static void
wish_work(struct wish *w)
{
	struct queue_info	 info;
	const struct queue_info	*one;
	unsigned int		 n;

	if (w->ask.select == PROTO_MESSAGE_ID) {
		if ((one = queue_info(spool_queue, w->ask.id)) != NULL)
			message_one(w, one);
		w->looked = 1;
		return;
	}
	for (n = 0; n < TURN; n++) {
		if (!queue_next(spool_queue, w->after, &info)) {
			w->looked = 1;
			return;
		}
		w->after = info.id;
		message_one(w, &info);
	}
}

static void
message_turn(int fd, short events, void *arg)
{
	struct timeval	 now = { 0, 0 };
	struct wish	*w, *next;
	int		 more = 0;

	(void)fd;
	(void)events;
	(void)arg;
	TAILQ_FOREACH_SAFE(w, &wishes, entry, next) {
		if (w->looked)
			continue;
		wish_work(w);
		more |= !w->looked;
		wish_end(w);
	}
	if (more)
		evtimer_add(&turn, &now);
}

static int
ask_ok(const struct proto_message_ask *a)
{
	return (a->action < PROTO_MESSAGE_ACTIONS &&
	    a->select < PROTO_MESSAGE_SELECTS &&
	    memchr(a->address, '\0', sizeof(a->address)) != NULL);
}

int
message_handle(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct timeval		 now = { 0, 0 };
	struct proto_result	 r;
	struct wish		*w;
	unsigned int		 n = 0;

	(void)arg;
	TAILQ_FOREACH(w, &wishes, entry)
		n++;
	if ((w = calloc(1, sizeof(*w))) == NULL)
		fatal("relayctl");
	if (imsg_get_data(imsg, &w->ask, sizeof(w->ask)) == -1 ||
	    !ask_ok(&w->ask)) {
		free(w);
		return (-1);
	}
	w->id = imsg_get_id(imsg);
	if (n >= WISHES_MAX) {
		memset(&r, 0, sizeof(r));
		r.error = EAGAIN;
		strlcpy(r.text, "too many requests at once", sizeof(r.text));
		channel_send(ch, SPOOLD_MESSAGE_RESULT, w->id, -1, &r,
		    sizeof(r));
		free(w);
		return (0);
	}
	TAILQ_INSERT_TAIL(&wishes, w, entry);
	if (!evtimer_initialized(&turn))
		evtimer_set(&turn, message_turn, NULL);
	if (!evtimer_pending(&turn, NULL))
		evtimer_add(&turn, &now);
	return (0);
}

void
message_stop(void)
{
	struct wish	*w, *next;

	TAILQ_FOREACH_SAFE(w, &wishes, entry, next) {
		w->gone = 1;
		w->looked = 1;
		wish_end(w);
	}
}
