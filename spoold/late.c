/* See LICENSE for the terms. */

/* Deadlines of messages: see late.h. */

#include <sys/types.h>
#include <event.h>
#include <stdint.h>
#include <time.h>

#include "flush.h"
#include "late.h"
#include "outgoing.h"
#include "queue.h"
#include "spoold.h"

/*
 * The wall clock may be set, and so it is looked at so often; and as often
 * again at what is late but with upstream at the moment, or could not be
 * told of.
 */
#define LOOK_SECONDS	30

static void	 late_tell(struct queue *, enum queue_event,
		    struct queue_info *);

static struct queue_watcher	 watcher = { .tell = late_tell };
static struct event		 timer;
static int64_t			 next = INT64_MAX;	/* deadline */

static int
is_open(const struct queue_info *info)
{
	return (info->deadline != 0 && info->waiting > 0 &&
	    (info->flags & QUEUE_INFO_REMOTE) != 0 &&
	    (info->flags & QUEUE_INFO_LATE) == 0);
}

/* Look again at the next deadline, or after a while. */
static void
late_arm(void)
{
	struct timeval	 tv = { LOOK_SECONDS, 0 };
	int64_t		 left;

	if (next == INT64_MAX)
		return;
	left = next - (int64_t)time(NULL);
	if (left < LOOK_SECONDS)
		tv.tv_sec = left < 0 ? 0 : (time_t)left;
	evtimer_add(&timer, &tv);
}

static int
late_one(struct queue_info *info, void *arg)
{
	int64_t	 now = *(int64_t *)arg, again = info->deadline;

	if (!is_open(info))
		return (0);
	if (again <= now) {
		if (!flush_in_flight(info->id))
			outgoing_late(info->id);
		/* If that does not make it durable, once more. */
		again = now + LOOK_SECONDS;
	}
	if (again < next)
		next = again;
	return (0);
}

static void
late_look(int fd, short events, void *arg)
{
	int64_t	 now = (int64_t)time(NULL);

	(void)fd;
	(void)events;
	(void)arg;
	if (now >= next) {
		next = INT64_MAX;
		queue_walk(spool_queue, late_one, &now);
	}
	late_arm();
}

static void
late_tell(struct queue *q, enum queue_event event, struct queue_info *info)
{
	(void)q;
	if (event != QUEUE_NEW || !is_open(info) || info->deadline >= next)
		return;
	next = info->deadline;
	late_arm();
}

void
late_watch(void)
{
	if (watcher.queue == spool_queue)
		return;
	/* Where the queue was closed it may still be pending. */
	if (!evtimer_initialized(&timer))
		evtimer_set(&timer, late_look, NULL);
	evtimer_del(&timer);
	next = INT64_MAX;
	queue_watch(spool_queue, &watcher);
}

void
late_stop(void)
{
	queue_unwatch(&watcher);
	if (evtimer_initialized(&timer))
		evtimer_del(&timer);
}
