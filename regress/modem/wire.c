/* See LICENSE for the terms. */
/* The paced wire of the emulated line. */

#include <sys/types.h>
#include <sys/queue.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wire.h"

#define CHUNK_MAX	256	/* small, so that flows share the wire */
#define BITS_PER_BYTE	10	/* start, eight, stop */

struct chunk {
	TAILQ_ENTRY(chunk)	 entry;
	struct wire_end		*end;		/* NULL: its flow is gone */
	int64_t			 leaves;	/* the buffer, microseconds */
	int64_t			 arrives;
	int			 left;
	size_t			 len;
	uint8_t			 data[CHUNK_MAX];
};

static struct way {
	TAILQ_HEAD(, chunk)	 chunks;
	TAILQ_HEAD(, wire_end)	 ends;
	int64_t			 free_at;	/* wire idle from then on */
	size_t			 buffered;
	uint64_t		 bytes;
	struct event		 ev;
} ways[2];
static struct wire_conf	 conf;

int64_t
wire_now(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

static void
wire_arm(struct way *w)
{
	struct chunk	*c;
	struct timeval	 tv;
	int64_t		 next = INT64_MAX, wait;

	TAILQ_FOREACH(c, &w->chunks, entry) {
		if (!c->left) {
			if (c->leaves < next)
				next = c->leaves;
			break;
		}
	}
	if ((c = TAILQ_FIRST(&w->chunks)) != NULL && c->arrives < next)
		next = c->arrives;
	if (next == INT64_MAX)
		return;
	if ((wait = next - wire_now()) < 0)
		wait = 0;
	tv.tv_sec = (time_t)(wait / 1000000);
	tv.tv_usec = (suseconds_t)(wait % 1000000);
	evtimer_add(&w->ev, &tv);
}

/* Sources that wait are served in turn. */
static void
wire_offer(struct way *w)
{
	struct wire_end	*e;
	size_t		 n = 0;

	TAILQ_FOREACH(e, &w->ends, entry)
		n++;
	while (n-- > 0 && w->buffered < conf.buffer) {
		if ((e = TAILQ_FIRST(&w->ends)) == NULL)
			break;
		TAILQ_REMOVE(&w->ends, e, entry);
		TAILQ_INSERT_TAIL(&w->ends, e, entry);
		if (e->waiting) {
			e->waiting = 0;
			e->room(e);
		}
	}
}

static void
wire_tick(int fd, short events, void *arg)
{
	struct way	*w = arg;
	struct chunk	*c;
	struct wire_end	*e;
	int64_t		 now = wire_now();

	(void)fd;
	(void)events;
	TAILQ_FOREACH(c, &w->chunks, entry) {
		if (c->left)
			continue;
		if (c->leaves > now)
			break;
		c->left = 1;
		w->buffered -= c->len;
	}
	while ((c = TAILQ_FIRST(&w->chunks)) != NULL && c->arrives <= now) {
		TAILQ_REMOVE(&w->chunks, c, entry);
		if (!c->left)
			w->buffered -= c->len;
		if ((e = c->end) != NULL) {
			e->in_flight--;
			e->deliver(e, c->data, c->len);
		}
		free(c);
	}
	wire_offer(w);
	wire_arm(w);
}

void
wire_init(const struct wire_conf *c)
{
	int	 i;

	conf = *c;
	for (i = 0; i < 2; i++) {
		TAILQ_INIT(&ways[i].chunks);
		TAILQ_INIT(&ways[i].ends);
		evtimer_set(&ways[i].ev, wire_tick, &ways[i]);
	}
}

void
wire_add(struct wire_end *e, enum wire_way way, wire_deliver *deliver,
    wire_room *room, void *arg)
{
	memset(e, 0, sizeof(*e));
	e->way = way;
	e->deliver = deliver;
	e->room = room;
	e->arg = arg;
	TAILQ_INSERT_TAIL(&ways[way].ends, e, entry);
}

void
wire_remove(struct wire_end *e)
{
	struct chunk	*c;

	TAILQ_FOREACH(c, &ways[e->way].chunks, entry)
		if (c->end == e)
			c->end = NULL;
	TAILQ_REMOVE(&ways[e->way].ends, e, entry);
}

size_t
wire_space(struct wire_end *e)
{
	struct way	*w = &ways[e->way];

	if (w->buffered < conf.buffer)
		return (CHUNK_MAX);
	e->waiting = 1;
	return (0);
}

void
wire_send(struct wire_end *e, const uint8_t *data, size_t len)
{
	struct way	*w = &ways[e->way];
	struct chunk	*c;
	int64_t		 now = wire_now();

	if (len > CHUNK_MAX)
		errx(1, "wire_send: %zu bytes", len);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		err(1, NULL);
	c->end = e;
	c->len = len;
	if (len > 0)
		memcpy(c->data, data, len);
	if (w->free_at < now)
		w->free_at = now;
	if (conf.rate != 0)
		w->free_at += (int64_t)(len * BITS_PER_BYTE * 1000000 /
		    conf.rate);
	c->leaves = w->free_at;
	c->arrives = w->free_at + (int64_t)conf.latency * 1000;
	w->buffered += len;
	w->bytes += len;
	e->in_flight++;
	TAILQ_INSERT_TAIL(&w->chunks, c, entry);
	wire_arm(w);
}

void
wire_cut(void)
{
	struct chunk	*c;
	int		 i;

	for (i = 0; i < 2; i++) {
		while ((c = TAILQ_FIRST(&ways[i].chunks)) != NULL) {
			TAILQ_REMOVE(&ways[i].chunks, c, entry);
			if (c->end != NULL)
				c->end->in_flight--;
			free(c);
		}
		ways[i].buffered = 0;
		ways[i].free_at = 0;
	}
}

uint64_t
wire_bytes(enum wire_way way)
{
	return (ways[way].bytes);
}

uint64_t
wire_crossed(enum wire_way way)
{
	struct way	*w = &ways[way];
	int64_t		 left = w->free_at - wire_now();
	uint64_t	 waiting;

	if (left <= 0 || conf.rate == 0)
		return (w->bytes);
	waiting = (uint64_t)left * conf.rate / (BITS_PER_BYTE * 1000000);
	return (w->bytes > waiting ? w->bytes - waiting : 0);
}

void
wire_reset(void)
{
	ways[0].bytes = ways[1].bytes = 0;
}
