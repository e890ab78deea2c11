/* See LICENSE for the terms. */
/*
 * Plays random configurations and traces and looks for what must not be.
 * usage: check_policy [runs [first]]
 */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check_policy.h"

#define RUNS	2000
#define TOLD	20		/* violations that are told of */

static unsigned int	 violations, told;

void
check_violation(struct check *c, int64_t when, const char *fmt, ...)
{
	char	 text[512];
	va_list	 ap;

	violations++;
	/* The first of a run is what matters. */
	if (c->violations++ > 0 || told++ >= TOLD)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "run %u (%s) at %lld: %s\n", c->seed, c->zone,
	    (long long)(when + c->offset), text);
}

static void
check_run(struct check *c)
{
	struct replay	 r;

	check_make(c);
	memset(&r, 0, sizeof(r));
	r.conf = c->conf;
	r.events = c->events;
	r.nevents = c->nevents;
	r.start = c->start;
	r.end = c->end;
	r.offset = c->offset;
	r.seed = c->random;
	r.ops = &oracle_ops;
	oracle_begin(c);
	if (replay_run(&r) == -1)
		err(2, "run %u", c->seed);
	oracle_end(c);
	check_free(c);
}

static uint32_t
number(const char *s)
{
	const char	*error;
	long long	 n;

	n = strtonum(s, 0, UINT32_MAX / 2, &error);
	if (error != NULL)
		errx(2, "%s: %s", s, error);
	return ((uint32_t)n);
}

int
main(int argc, char *argv[])
{
	struct check	 c;
	uint64_t	 ratio, worst = 0, sum = 0;
	uint32_t	 runs = RUNS, first = 1, i;

	if (argc > 1)
		runs = number(argv[1]);
	if (argc > 2)
		first = number(argv[2]);
	for (i = 0; i < runs; i++) {
		memset(&c, 0, sizeof(c));
		c.seed = first + i;
		check_run(&c);
		ratio = check_balance(&c);
		if (ratio > worst)
			worst = ratio;
		sum += ratio;
	}
	if (runs > 0)
		sum /= runs;
	printf("check-policy: %u runs, %u violations, balance worst "
	    "%llu.%03llu mean %llu.%03llu\n", runs, violations,
	    (unsigned long long)worst / 1000000,
	    (unsigned long long)worst / 1000 % 1000,
	    (unsigned long long)sum / 1000000,
	    (unsigned long long)sum / 1000 % 1000);
	return (violations == 0 ? 0 : 1);
}
