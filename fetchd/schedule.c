/* See LICENSE for the terms. */
/* The accounts of a window. */

#include <sys/types.h>
#include <sys/queue.h>
#include <errno.h>
#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "account.h"
#include "child.h"
#include "inbox.h"
#include "known.h"
#include "log.h"
#include "schedule.h"

#define PROGRESS_EVERY	250	/* milliseconds, as dialerd wants it */
/* spoold opens 64 deliveries at once; the rest is room for aborts. */
#define DELIVERIES_MAX	60
/* Two deliveries keep an account's line busy; fewer would not. */
#define PARALLEL_MAX	(DELIVERIES_MAX / 2)

#define RATE_BYTES	8192	/* tell something of a line's speed */
#define MARK_BYTES	1024
#define MARKS		16	/* those are more than RATE_BYTES */
#define RATE_AFTER	10000	/* milliseconds */
#define ROUND_TRIPS	6	/* of an account */
#define QUEUED_MS	600	/* in each, behind what is sent meanwhile */
#define ACCOUNT_BYTES	8192	/* a handshake and little mail */

struct slot {			/* an account of this window */
	TAILQ_ENTRY(slot)	 entry;
	struct account		*account;
};
TAILQ_HEAD(slots, slot);

static struct slots		 waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct slots		 running = TAILQ_HEAD_INITIALIZER(running);
static TAILQ_HEAD(, remote)	 remotes = TAILQ_HEAD_INITIALIZER(remotes);
static unsigned int		 nrunning, parallel;
static int			 opened;	/* a window, till closed=1 */
static int			 closing;
static void			(*shutdown_done)(void);
static struct proto_progress	 ended;		/* of accounts that are over */
static struct proto_progress	 last;		/* what dialerd was told */
static struct event		 progress_timer, close_event;

/* Bytes that had come by then, the newest MARKS of them. */
static struct {
	uint64_t	 ms, bytes;
}				 marks[MARKS];
static unsigned int		 nmarks;
static uint64_t			 best_rate, opened_at;

static void	 start_some(void);

static uint64_t
clock_ms(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

/*
 * How fast the line is: the quickest that some KB came.  Of less, most may
 * be waiting for answers.  A line that is slower than the last window's is
 * believed to be after a while.
 */
static void
measure(uint64_t bytes)
{
	uint64_t	 now = clock_ms(), rate, ms;
	unsigned int	 i;

	for (i = nmarks; i > 0 && i + MARKS > nmarks; i--) {
		if (bytes - marks[(i - 1) % MARKS].bytes < RATE_BYTES)
			continue;
		ms = now - marks[(i - 1) % MARKS].ms;
		rate = (bytes - marks[(i - 1) % MARKS].bytes) * 1000 /
		    (ms < 1 ? 1 : ms);
		if (rate > best_rate)
			best_rate = rate;
		break;
	}
	if (nmarks == 0 ||
	    bytes - marks[(nmarks - 1) % MARKS].bytes >= MARK_BYTES) {
		marks[nmarks % MARKS].ms = now;
		marks[nmarks++ % MARKS].bytes = bytes;
	}
	if (best_rate > known_rate() ||
	    (best_rate > 0 && now - opened_at >= RATE_AFTER))
		known_set_rate(best_rate);
}

/*
 * Accounts at once, so that the line is busy while one waits for an answer:
 * for each of some six round trips that it has, beside the handshake and the
 * mail that come in between.  More would only starve one another.
 */
static unsigned int
limit(void)
{
	uint64_t	 n = 2;

	n += ROUND_TRIPS * (known_rtt() + QUEUED_MS) * known_rate() / 1000 /
	    ACCOUNT_BYTES;
	return (n < parallel ? (unsigned int)n : parallel);
}

static void
send_progress(void)
{
	struct proto_progress	 now;
	struct slot		*slot;

	/* Padding and all, for it is compared as a whole. */
	memcpy(&now, &ended, sizeof(now));
	TAILQ_FOREACH(slot, &running, entry)
		account_progress(slot->account, &now);
	measure(now.bytes_in);
	now.busy = !TAILQ_EMPTY(&running) || !TAILQ_EMPTY(&waiting);
	if (memcmp(&now, &last, sizeof(now)) == 0)
		return;
	memcpy(&last, &now, sizeof(last));
	channel_send(child_peer(PROC_DIALERD), FETCHD_PROGRESS, 0, -1, &now,
	    sizeof(now));
}

static void
progress_event(int fd, short events, void *arg)
{
	struct timeval	 tv = { 0, PROGRESS_EVERY * 1000 };

	(void)fd;
	(void)events;
	(void)arg;
	send_progress();
	start_some();
	if (!TAILQ_EMPTY(&running))
		evtimer_add(&progress_timer, &tv);
}

static void
progress_soon(void)
{
	struct timeval	 tv = { 0, 0 };

	evtimer_add(&progress_timer, &tv);
}

/* The last word of a window. */
static void
close_event_cb(int fd, short events, void *arg)
{
	struct remote	*r;

	(void)fd;
	(void)events;
	(void)arg;
	evtimer_del(&progress_timer);
	if (opened) {
		ended.closed = 1;
		send_progress();
	}
	while ((r = TAILQ_FIRST(&remotes)) != NULL) {
		TAILQ_REMOVE(&remotes, r, entry);
		remote_free(r);
	}
	opened = closing = 0;
	if (shutdown_done != NULL)
		shutdown_done();
}

static void
check_closed(void)
{
	struct timeval	 now = { 0, 0 };

	if (closing && TAILQ_EMPTY(&running) && TAILQ_EMPTY(&waiting))
		evtimer_add(&close_event, &now);
}

static void
report(const struct proto_account_result *result)
{
	channel_send(child_peer(PROC_DIALERD), FETCHD_ACCOUNT, 0, -1, result,
	    sizeof(*result));
}

/* The next one that need not wait for what another one is about to bring. */
static struct slot *
next_slot(void)
{
	struct slot	*slot;

	TAILQ_FOREACH(slot, &waiting, entry)
		if (!account_waits(slot->account))
			break;
	return (slot);
}

static void
start_some(void)
{
	struct slot	*slot;

	if (closing)
		return;
	while (nrunning < limit() && (slot = next_slot()) != NULL) {
		TAILQ_REMOVE(&waiting, slot, entry);
		TAILQ_INSERT_TAIL(&running, slot, entry);
		nrunning++;
		account_start(slot->account);
	}
}

static void
start_next(void)
{
	start_some();
	progress_soon();
}

/* One is over: its numbers stay, and the next one has its turn. */
static void
account_ended(struct account *a, void *arg)
{
	struct proto_account_result	 result;
	struct slot			*slot = arg;

	account_result(a, &result);
	report(&result);
	account_progress(a, &ended);
	ended.todo = 0;
	ended.todo_bytes = 0;
	account_free(a);
	TAILQ_REMOVE(&running, slot, entry);
	nrunning--;
	free(slot);
	start_next();
	check_closed();
}

/* An account that cannot even be tried. */
static void
refuse(const struct conf_account *conf, int error, const char *why)
{
	struct proto_account_result	 result;

	memset(&result, 0, sizeof(result));
	strlcpy(result.account, conf->name, sizeof(result.account));
	strlcpy(result.user, conf->user, sizeof(result.user));
	strlcpy(result.text, why, sizeof(result.text));
	result.error = (uint32_t)error;
	result.finished = (int64_t)time(NULL);
	log_warnx("account name=%s event=failed error=\"%s\"", conf->name,
	    why);
	report(&result);
	ended.failed++;
}

/* The copy of that upstream in this window. */
static struct remote *
find_remote(const struct conf *conf, const char *name)
{
	const struct conf_upstream	*u;
	struct remote			*r;

	TAILQ_FOREACH(r, &remotes, entry)
		if (strcmp(r->name, name) == 0)
			return (r);
	if ((u = conf_upstream_find(conf, name)) == NULL ||
	    u->fetch_proto == FETCH_NONE || u->fetch_host == NULL) {
		errno = ENOENT;
		return (NULL);
	}
	if ((r = remote_new(u)) == NULL)
		return (NULL);
	r->ready = start_next;
	TAILQ_INSERT_TAIL(&remotes, r, entry);
	return (r);
}

static void
add_account(const struct conf *conf, const struct conf_account *ca)
{
	struct remote	*r;
	struct slot		*slot;
	unsigned int		 files = DELIVERIES_MAX / parallel;

	if ((r = find_remote(conf, ca->upstream)) == NULL) {
		refuse(ca, errno, errno == ENOENT ?
		    "its upstream has no mailboxes" : "out of memory");
		return;
	}
	if ((slot = calloc(1, sizeof(*slot))) == NULL ||
	    (slot->account = account_new(ca, r, files < INBOX_FILES ? files :
	    INBOX_FILES, account_ended, slot)) == NULL) {
		free(slot);
		refuse(ca, ENOMEM, "out of memory");
		return;
	}
	r->accounts++;
	TAILQ_INSERT_TAIL(&waiting, slot, entry);
}

/* All at once, without good-byes. */
static void
drop_all(void)
{
	struct slots	*lists[2] = { &running, &waiting };
	struct slot	*slot;
	size_t		 i;

	for (i = 0; i < 2; i++) {
		while ((slot = TAILQ_FIRST(lists[i])) != NULL) {
			TAILQ_REMOVE(lists[i], slot, entry);
			account_free(slot->account);
			free(slot);
		}
	}
	nrunning = 0;
	evtimer_del(&close_event);
	close_event_cb(-1, 0, NULL);
}

/* The timers need an event loop, which there is not from the start. */
static void
schedule_init(void)
{
	static int	 done;

	if (done)
		return;
	done = 1;
	evtimer_set(&progress_timer, progress_event, NULL);
	evtimer_set(&close_event, close_event_cb, NULL);
}

void
schedule_open(uint64_t call, const struct conf *conf)
{
	const struct conf_account	*ca;

	schedule_init();
	if (shutdown_done != NULL)
		return;
	if (opened)
		drop_all();
	opened = 1;
	memset(&ended, 0, sizeof(ended));
	ended.call = call;
	/* Unlike anything that may be told, so that the first one is. */
	memset(&last, 0xff, sizeof(last));
	nmarks = 0;
	best_rate = 0;
	opened_at = clock_ms();
	known_set_rtt(0);
	if (conf != NULL) {
		parallel = conf->global.parallel;
		if (parallel == 0 || parallel > PARALLEL_MAX)
			parallel = parallel == 0 ? 1 : PARALLEL_MAX;
		TAILQ_FOREACH(ca, &conf->accounts, entry)
			add_account(conf, ca);
	}
	start_next();
	send_progress();
}

void
schedule_close(void)
{
	struct slot	*slot, *next;

	if (!opened || closing)
		return;
	closing = 1;
	/* Their turn does not come any more; they end like the others. */
	TAILQ_CONCAT(&running, &waiting, entry);
	nrunning = 0;
	TAILQ_FOREACH(slot, &running, entry)
		nrunning++;
	for (slot = TAILQ_FIRST(&running); slot != NULL; slot = next) {
		next = TAILQ_NEXT(slot, entry);
		account_stop(slot->account);
	}
	progress_soon();
	check_closed();
}

void
schedule_shutdown(void (*done)(void))
{
	struct timeval	 now = { 0, 0 };

	schedule_init();
	shutdown_done = done;
	if (opened)
		schedule_close();
	else
		evtimer_add(&close_event, &now);
}
