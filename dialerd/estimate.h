/* See LICENSE for the terms. */
/* What a call would take and cost, by what the line did before.  Pure. */
#ifndef DIALERD_ESTIMATE_H
#define DIALERD_ESTIMATE_H

#include <stdint.h>
#include <time.h>

#include "ledger.h"
#include "window.h"

struct estimate {
	uint64_t	 measured;	/* windows that this is from; 0: it is
					 * only what such lines usually do */
	uint64_t	 setup;		/* seconds from dialling to link up */
	uint64_t	 answer;	/* of them that are not billed */
	uint64_t	 rate_out;	/* bytes a second */
	uint64_t	 rate_in;
	uint64_t	 rate_bulk;	/* to reckon with for large mail */
	uint64_t	 fetch;		/* messages to be expected */
	uint64_t	 fetch_bytes;
	uint64_t	 seconds;	/* billed */
	uint64_t	 units;
	uint64_t	 cost;		/* 1/1000 */
};

/* A call on this line at t, with so many bytes to send. */
void	 estimate_call(struct estimate *, const struct window_line *,
	    const struct ledger_speed *, time_t t, uint64_t bytes);

#endif
