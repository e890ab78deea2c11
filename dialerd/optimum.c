/* See LICENSE for the terms. */
/*
 * The best schedule of calls: dynamic programming over the arrivals.
 *
 * A call that is not made when a message comes is better made earlier, so
 * that best[j], of the first j messages, is the least over i of
 *
 *	best[i] + call + price * (time that i+1 .. j wait for message j)
 *
 * An i that a later one has once beaten never is the better again, as j
 * grows: those that will be best for some j are kept in a queue, each with
 * the first j for which it is.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "optimum.h"

struct point {
	uint64_t	 time;		/* since the first came */
	uint64_t	 sum;		/* of all times up to here */
	uint64_t	 best;
	size_t		 from;		/* the i that it is best with */
};

struct candidate {
	size_t		 i;
	size_t		 since;		/* best from this j on */
};

struct table {
	size_t			 n;
	uint64_t		 call;
	uint64_t		 price;
	struct point		*points;	/* 0 .. n; [0] is before all */
	struct candidate	*queue;
	size_t			 head;
	size_t			 tail;		/* behind the last */
};

static int
multiply(uint64_t a, uint64_t b, uint64_t *r)
{
	if (b != 0 && a > UINT64_MAX / b)
		return (-1);
	*r = a * b;
	return (0);
}

uint64_t
optimum_cost(uint64_t calls, uint64_t waited, uint64_t call_cost,
    uint64_t per_hour)
{
	uint64_t	 a, b;

	if (multiply(call_cost, 3600, &a) == -1 ||
	    multiply(a, calls, &a) == -1 ||
	    multiply(waited, per_hour, &b) == -1 || a > UINT64_MAX - b)
		return (UINT64_MAX);
	return (a + b);
}

static uint64_t
gcd(uint64_t a, uint64_t b)
{
	uint64_t	 rest;

	while (b != 0) {
		rest = a % b;
		a = b;
		b = rest;
	}
	return (a);
}

/* Waiting of the messages after i up to j, all sent when j comes. */
static uint64_t
waited(const struct table *t, size_t i, size_t j)
{
	return ((uint64_t)(j - i) * t->points[j].time -
	    (t->points[j].sum - t->points[i].sum));
}

static uint64_t
value(const struct table *t, size_t i, size_t j)
{
	return (t->points[i].best + t->call + t->price * waited(t, i, j));
}

/* The first j from low to n for which b is better than a; n + 1: none. */
static size_t
takeover(const struct table *t, size_t a, size_t b, size_t low)
{
	size_t	 high = t->n + 1, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (value(t, b, middle) < value(t, a, middle))
			high = middle;
		else
			low = middle + 1;
	}
	return (low);
}

/* From now on, j > i, all that came up to i may have had its call. */
static void
add_candidate(struct table *t, size_t i)
{
	struct candidate	*last;
	size_t			 since = i + 1;

	while (t->tail > t->head) {
		last = &t->queue[t->tail - 1];
		since = takeover(t, last->i, i, i + 1);
		if (since > last->since || t->tail - t->head == 1)
			break;
		t->tail--;
	}
	if (t->tail > t->head && since > t->n)
		return;
	t->queue[t->tail].i = i;
	t->queue[t->tail++].since = since;
}

static void
solve(struct table *t)
{
	size_t	 j;

	t->head = t->tail = 0;
	add_candidate(t, 0);
	for (j = 1; j <= t->n; j++) {
		while (t->tail - t->head > 1 &&
		    t->queue[t->head + 1].since <= j)
			t->head++;
		t->points[j].from = t->queue[t->head].i;
		t->points[j].best = value(t, t->points[j].from, j);
		add_candidate(t, j);
	}
}

/* Times and their sums.  0, or -1 with errno. */
static int
fill(struct table *t, const int64_t *when)
{
	uint64_t	 worst, each;
	size_t		 i;

	for (i = 0; i < t->n; i++) {
		if (i > 0 && when[i] < when[i - 1]) {
			errno = EINVAL;
			return (-1);
		}
		t->points[i + 1].time = (uint64_t)when[i] - (uint64_t)when[0];
	}
	/* More than any sum: each message its own call, and all of them
	 * waiting for the last. */
	if (multiply(t->points[t->n].time, t->price, &each) == -1 ||
	    each > UINT64_MAX - t->call ||
	    multiply(each + t->call, t->n + 1, &worst) == -1 ||
	    worst > UINT64_MAX / 4) {
		errno = ERANGE;
		return (-1);
	}
	for (i = 0; i < t->n; i++)
		t->points[i + 1].sum = t->points[i].sum +
		    t->points[i + 1].time;
	return (0);
}

static void
read_off(const struct table *t, struct optimum *o)
{
	size_t	 j, i;

	for (j = t->n; j > 0; j = i) {
		i = t->points[j].from;
		o->calls++;
		o->waited += waited(t, i, j);
	}
}

int
optimum(const int64_t *when, size_t n, uint64_t call_cost, uint64_t per_hour,
    struct optimum *o)
{
	struct table	 t = { .n = n, .price = per_hour };
	uint64_t	 divisor;
	int		 error = -1;

	o->calls = o->waited = 0;
	if (n == 0)
		return (0);
	if (multiply(call_cost, 3600, &t.call) == -1) {
		errno = ERANGE;
		return (-1);
	}
	if ((divisor = gcd(t.call, t.price)) > 1) {
		t.call /= divisor;
		t.price /= divisor;
	}
	t.points = calloc(n + 1, sizeof(*t.points));
	t.queue = calloc(n + 1, sizeof(*t.queue));
	if (t.points != NULL && t.queue != NULL &&
	    (error = fill(&t, when)) == 0) {
		solve(&t);
		read_off(&t, o);
	}
	free(t.points);
	free(t.queue);
	return (error);
}
