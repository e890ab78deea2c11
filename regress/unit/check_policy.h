/* See LICENSE for the terms. */
/*
 * The property test of the policy: random configurations and traces, played
 * by dialerd's own code, and looked at by an oracle that knows of the rules
 * only what the manual says, and shares nothing with the code.
 */
#ifndef REGRESS_CHECK_POLICY_H
#define REGRESS_CHECK_POLICY_H

#include <sys/types.h>
#include <stdint.h>

#include "replay.h"

#define CHECK_CALLS_MAX	20000

struct check {				/* one run */
	uint32_t		 seed;		/* its number */
	uint32_t		 random;	/* state of the generator */
	const char		*zone;
	struct conf		*conf;
	struct replay_event	*events;
	size_t			 nevents;
	int64_t			 start;		/* monotonic is wall - offset */
	int64_t			 end;
	int64_t			 offset;
	int			 clock_set;	/* in this run */
	uint32_t		 failing;	/* of 100 calls */
	uint32_t		 refusing;	/* of 100 messages */
	int			 violations;
};

/* check_random.c */
uint32_t check_number(struct check *, uint32_t below);
int	 check_chance(struct check *, uint32_t percent);
void	 check_make(struct check *);
void	 check_free(struct check *);

/* check_oracle.c: what the oracle is told while a run is played. */
void	 oracle_begin(struct check *);
extern const struct replay_ops oracle_ops;
void	 oracle_end(struct check *);

/* check_balance.c: plays one in the model of the theorem; its ratio to the
 * best schedule in 1/1000000. */
uint64_t check_balance(struct check *);

void	 check_violation(struct check *, int64_t when, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));

#endif
