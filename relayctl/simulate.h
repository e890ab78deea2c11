/* See LICENSE for the terms. */
/* relayctl simulate: what other configurations would have cost. */
#ifndef RELAYCTL_SIMULATE_H
#define RELAYCTL_SIMULATE_H

#include "commands.h"
#include "conf.h"
#include "ledger.h"
#include "optimum.h"
#include "trace.h"

#define SIMULATE_MAX	16		/* configurations at once */
#define SIMULATE_NEVER	UINT64_MAX	/* of a delay: it was not sent */

struct simulate_delay {
	uint64_t	 n;		/* messages; 0: there are none */
	uint64_t	 median;	/* seconds */
	uint64_t	 p95;
};

struct simulate_result {
	const char	*path;		/* of the configuration */
	const char	*currency;	/* or NULL */
	uint64_t	 calls;
	uint64_t	 seconds;	/* billed */
	uint64_t	 cost;
	uint64_t	 waiting;	/* messages that had not gone */
	struct simulate_delay all;
	struct simulate_delay urgent;
	struct simulate_delay bulk;
	/* Balance: what a call costs on average, and the waiting of all but
	 * bulk mail; against the best there is. */
	uint64_t	 call_cost;
	uint64_t	 waited;	/* seconds */
	int		 has_best;
	struct optimum	 best;
	uint64_t	 objective;	/* 1/1000 */
	uint64_t	 best_objective;
};

struct simulate_model {
	int		 has_rate;
	uint64_t	 rate;		/* bytes a second, both ways */
	int		 has_setup;
	uint64_t	 setup;		/* billed, before mail passes */
	char		 line[PROTO_NAME_MAX];	/* that was measured, */
	struct ledger_speed speed;	/* if there are windows of it */
	uint64_t	 in_per_day;	/* bytes to fetch */
};

struct simulate_input {
	const char		*name;	/* of the trace; NULL: recorded */
	struct trace		 trace;
	struct simulate_model	 model;
	int			 has_price;
	uint64_t		 price;	/* of balance, 1/1000 */
};

/* 0, or -1 with errno.  Nothing is printed. */
int	 simulate_run(struct simulate_result *, const struct conf *,
	    const struct simulate_input *);

void	 simulate_text(const struct simulate_input *,
	    const struct simulate_result *, size_t n);
void	 simulate_json(const struct simulate_input *,
	    const struct simulate_result *, size_t n);

#endif
