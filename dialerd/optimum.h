/* See LICENSE for the terms. */
/*
 * The best that any schedule of calls could have done, had it known what
 * was to come: the measure of `dial when balance`.  Pure.
 *
 * The model is that of Dooly, Goldman and Scott: a call costs the same at
 * any time, takes no time, and takes all that waits; a message that waits
 * costs so much an hour.
 */
#ifndef DIALERD_OPTIMUM_H
#define DIALERD_OPTIMUM_H

#include <sys/types.h>
#include <stdint.h>

struct optimum {
	uint64_t	 calls;
	uint64_t	 waited;	/* seconds, of all messages together */
};

/*
 * When messages came, in order of time; what a call costs, and what waiting
 * costs for each message and hour, both in 1/1000.  The cheapest schedule,
 * of which there may be several.  0, or -1 with errno: ENOMEM, EINVAL (not
 * in order), ERANGE (sums that do not fit).
 */
int	 optimum(const int64_t *when, size_t n, uint64_t call_cost,
	    uint64_t per_hour, struct optimum *);
/*
 * What a schedule costs, in 1/3600 of 1/1000, so that nothing is rounded;
 * UINT64_MAX for what does not fit.
 */
uint64_t optimum_cost(uint64_t calls, uint64_t waited, uint64_t call_cost,
	    uint64_t per_hour);

#endif
