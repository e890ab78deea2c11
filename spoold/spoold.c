/* See LICENSE for the terms. */

/*
 * spoold: the mail.  Owns the queue and the mailboxes, serves the LAN, and
 * sends the queue upstream in a window.
 */

#include <sys/types.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ask.h"
#include "child.h"
#include "deliver.h"
#include "flush.h"
#include "late.h"
#include "list.h"
#include "listener.h"
#include "local.h"
#include "log.h"
#include "maildir.h"
#include "message.h"
#include "outgoing.h"
#include "pop3_server.h"
#include "queue.h"
#include "smtp_server.h"
#include "smtp_tls.h"
#include "spoold.h"
#include "waiting.h"

/*
 * Finished segments are removed and few messages copied forward so often:
 * it matters only for space, which a window frees at once and the day uses
 * slowly.
 */
#define CLEAN_SECONDS	60
/*
 * A look at the queue costs time in proportion to its length: many commits
 * in a row share one.  In milliseconds; too short for a policy or a window
 * to feel.
 */
#define LOOK_MS		100
/* Requests for a call go to dialerd at most so often. */
#define REQUEST_SECONDS	5
/* Sessions that have been told of the end get so long to read it. */
#define SHUTDOWN_MS	500

static int		 spool_open(void);
static void		 spool_commit(int, short, void *);
static void		 spool_look(int, short, void *);
static void		 spool_arrival(struct queue *, enum queue_event,
			    struct queue_info *);

int			 spool_fd = -1;
struct queue		*spool_queue;

static struct event	 commit_timer;
static struct event	 look_timer;
static struct event	 clean_timer;
static struct event	 shutdown_timer;
static struct timespec	 looked;	/* when, on the monotonic clock */
static struct timespec	 requested;	/* a call, on that clock */
static struct proto_queue_state told;	/* dialerd */
static int		 ever_told;
static struct queue_watcher arrivals = { .tell = spool_arrival };
static int		 arrivals_told;	/* from now on: those at start
					 * were told before */
static int		 stopping;

/* The spool. */

/* Tells dialerd of a message for the line, for its record of arrivals. */
static void
spool_arrival(struct queue *q, enum queue_event event,
    struct queue_info *info)
{
	struct proto_arrival	 a;

	(void)q;
	if (event != QUEUE_NEW || !arrivals_told ||
	    (info->flags & QUEUE_INFO_REMOTE) == 0)
		return;
	memset(&a, 0, sizeof(a));
	a.time = info->received;
	a.bytes = info->size;
	a.deadline = info->deadline;
	a.class = info->class;
	channel_send(child_peer(PROC_DIALERD), SPOOLD_ARRIVAL, 0, -1, &a,
	    sizeof(a));
}

/* A file in tmp/ is decided by the record that its key names. */
static int
is_decided(const char *key, void *arg)
{
	if (strncmp(key, "q.", 2) == 0)
		return (local_decided(key, arg));
	if (strncmp(key, "f.", 2) == 0)
		return (deliver_decided(key, arg));
	log_warnx("spool: unknown key %s", key);
	return (-1);
}

static void
clean_start(void)
{
	struct timeval	 tv = { CLEAN_SECONDS, 0 };

	evtimer_add(&clean_timer, &tv);
}

static void
spool_clean(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	queue_clean(spool_queue);
	/* Time may have made of bulk mail what it was not. */
	waiting_age();
	(void)waiting_retry();
	spool_queue_changed();
	clean_start();
}

/*
 * Opens spool and queue, and puts right what the last run left: 0, or an
 * errno.  Done once, before anything else is.
 */
static int
spool_open(void)
{
	int	 placed;

	if (spool_queue != NULL)
		return (0);
	evtimer_set(&commit_timer, spool_commit, NULL);
	evtimer_set(&look_timer, spool_look, NULL);
	evtimer_set(&clean_timer, spool_clean, NULL);
	if (spool_fd == -1 && (spool_fd = open("/", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) == -1) {
		log_warn("spool");
		return (errno);
	}
	if ((spool_queue = queue_open(spool_fd, "queue")) == NULL) {
		log_warn("queue");
		return (errno);
	}
	if ((placed = maildir_recover(spool_fd, is_decided, NULL)) == -1)
		log_warn("spool: recovery of deliveries");
	else if (placed > 0)
		log_info("spool: %d deliveries completed", placed);
	waiting_watch(spool_queue);
	queue_watch(spool_queue, &arrivals);
	arrivals_told = 1;
	clean_start();
	return (0);
}

static void
spool_commit(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	if (!queue_pending(spool_queue))
		return;
	queue_commit(spool_queue);
	spool_queue_changed();
}

/*
 * A timer of no length runs after all that is ready now and all that becomes
 * ready in the same look at the descriptors: what ends together shares one
 * sync.
 */
void
spool_commit_soon(void)
{
	struct timeval	 now = { 0, 0 };

	if (!evtimer_pending(&commit_timer, NULL))
		evtimer_add(&commit_timer, &now);
}

/* Tell dialerd how the queue stands, if that is news. */
static void
spool_tell(void)
{
	struct proto_queue_state	 state;

	waiting_state(&state);
	if (ever_told && memcmp(&state, &told, sizeof(state)) == 0)
		return;
	if (channel_send(child_peer(PROC_DIALERD), SPOOLD_QUEUE_STATE, 0, -1,
	    &state, sizeof(state)) == -1)
		return;
	told = state;
	ever_told = 1;
}

static void
spool_look(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &looked);
	spool_tell();
	flush_kick();
}

void
spool_queue_changed(void)
{
	struct timespec	 now;
	struct timeval	 tv = { 0, 0 };
	int64_t		 ms;

	if (stopping || child_conf == NULL)
		return;
	local_deliver();
	if (evtimer_pending(&look_timer, NULL))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (int64_t)(now.tv_sec - looked.tv_sec) * 1000 +
	    (now.tv_nsec - looked.tv_nsec) / 1000000;
	if (ms < LOOK_MS)
		tv.tv_usec = (suseconds_t)((LOOK_MS - ms) * 1000);
	evtimer_add(&look_timer, &tv);
}

int
spool_request(const char *who, uint64_t *messages)
{
	struct proto_result	 r;
	struct timespec		 now;

	*messages = waiting_count();
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* Who asks again and again is heard once. */
	if (requested.tv_sec != 0 &&
	    now.tv_sec - requested.tv_sec < REQUEST_SECONDS)
		return (0);
	memset(&r, 0, sizeof(r));
	strlcpy(r.text, who, sizeof(r.text));
	if (channel_send(child_peer(PROC_DIALERD), SPOOLD_REQUEST, 0, -1, &r,
	    sizeof(r)) == -1)
		return (-1);
	requested = now;
	return (0);
}

/* The configuration. */

static int
spoold_prepare(struct conf *conf)
{
	int	 error;

	if ((error = spool_open()) != 0)
		return (error);
	return (listener_prepare(conf));
}

static void
spoold_swap(struct conf *conf)
{
	listener_swap(conf);
	smtp_server_reload();
	pop3_server_reload();
	waiting_reload();
	late_watch();
	flush_reload();
	/* Users may have come; at start, what the last run left. */
	spool_queue_changed();
}

static void
spoold_abort(struct conf *conf)
{
	(void)conf;
	listener_abort();
}

/* The other processes. */

static void
spoold_peer_up(enum proc_id peer)
{
	int	 error;

	/* A peer that runs already may ask before our configuration is
	 * there. */
	if ((error = spool_open()) != 0) {
		errno = error;
		fatal("spool");
	}
	if (peer == PROC_DIALERD) {
		ever_told = 0;
		spool_tell();
	}
}

static void
spoold_peer_down(enum proc_id peer)
{
	switch (peer) {
	case PROC_DIALERD:
		/* Without it there is no window. */
		flush_stop();
		list_stop();
		message_stop();
		break;
	case PROC_FETCHD:
		deliver_peer_down();
		break;
	default:
		break;
	}
}

static void
spoold_exit(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	if (spool_queue != NULL) {
		outgoing_retry();
		queue_commit(spool_queue);
		waiting_clear();
		queue_close(spool_queue);
		spool_queue = NULL;
	}
	child_exit();
}

static void
spoold_shutdown(void)
{
	struct timeval	 tv = { 0, SHUTDOWN_MS * 1000 };

	if (stopping)
		return;
	stopping = 1;
	listener_shutdown();
	flush_stop();
	late_stop();
	list_stop();
	message_stop();
	deliver_peer_down();
	/* What has been taken in whole is made durable and acknowledged. */
	if (spool_queue != NULL)
		queue_commit(spool_queue);
	smtp_server_shutdown();
	pop3_server_shutdown();
	evtimer_set(&shutdown_timer, spoold_exit, NULL);
	evtimer_add(&shutdown_timer, &tv);
}

static const struct channel_row parent_rows[] = {
	{ PARENT_AUTH_RESULT,		ask_handle_auth },
	{ PARENT_RESOLVED,		ask_handle_resolved },
	{ PROTO_NONE,			NULL }
};

static const struct channel_row dialerd_rows[] = {
	{ DIALERD_WINDOW_OPEN,		flush_handle_window_open },
	{ DIALERD_WINDOW_CLOSE,		flush_handle_window_close },
	{ DIALERD_WINDOW_BULK,		flush_handle_window_bulk },
	{ DIALERD_LIST_QUEUE,		list_handle_queue },
	{ DIALERD_LIST_USERS,		list_handle_users },
	{ DIALERD_SHOW_MESSAGE,		list_handle_message },
	{ DIALERD_MESSAGE,		message_handle },
	{ PROTO_NONE,			NULL }
};

static const struct channel_row fetchd_rows[] = {
	{ FETCHD_SEEN,			deliver_handle_seen },
	{ FETCHD_FORGET,		deliver_handle_forget },
	{ FETCHD_DELIVER_OPEN,		deliver_handle_open },
	{ FETCHD_DELIVER_COMMIT,	deliver_handle_commit },
	{ FETCHD_DELIVER_ABORT,		deliver_handle_abort },
	{ PROTO_NONE,			NULL }
};

static const struct child_ops spoold_ops = {
	.self = PROC_SPOOLD,
	.parent_rows = parent_rows,
	.peer_rows = {
		[PROC_DIALERD] = dialerd_rows,
		[PROC_FETCHD] = fetchd_rows
	},
	.begin = smtp_tls_begin,
	.prepare = spoold_prepare,
	.swap = spoold_swap,
	.abort = spoold_abort,
	.peer_up = spoold_peer_up,
	.peer_down = spoold_peer_down,
	.shutdown = spoold_shutdown
};

int
main(int argc, char *argv[])
{
	child_run(&spoold_ops, argc, argv);
}
