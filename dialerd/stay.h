/* See LICENSE for the terms. */
/*
 * How long a window stays open.  Pure: how it stands in, what to do out.
 *
 * Mail that is no bulk is worth a new unit of the tariff; bulk mail is worth
 * only time that is paid for already, less a margin for the hang-up.
 */
#ifndef DIALERD_STAY_H
#define DIALERD_STAY_H

#include <stdint.h>
#include <time.h>

#include "tariff.h"

/* Bytes that are on their way when a window ends, and are paid for. */
#define STAY_IN_FLIGHT	(32 * 1024)

struct stay_facts {
	const struct tariff	*tariff;
	int		 foreign;	/* somebody else's link: no cost */
	time_t		 answered;	/* when time began to cost */
	uint64_t	 billed;	/* seconds since */
	uint64_t	 bytes;		/* moved, both ways */
	uint64_t	 ahead;		/* that may move before it is looked
					 * at again */
	uint64_t	 ending;	/* seconds that the end may take */
	uint64_t	 room;		/* 1/1000 that the call may cost;
					 * UINT64_MAX: no matter */
	int		 work;		/* mail but bulk is under way, or waits,
					 * in either direction */
	uint64_t	 todo;		/* bytes of it still to send */
	int		 flying;	/* bulk mail is under way */
	uint64_t	 bulk;		/* bytes of bulk mail, that included */
	uint64_t	 rate;		/* bytes a second out; 0: not known */
	int		 linger;
	uint64_t	 margin;	/* seconds before a unit ends */
};

enum stay_end {
	STAY_ON,
	STAY_DONE,			/* there is nothing left to do */
	STAY_PAID,			/* what is left is not worth a unit */
	STAY_BUDGET			/* the money is spent */
};

struct stay_decision {
	enum stay_end	 end;
	uint64_t	 paid;		/* seconds till the margin before the
					 * next unit; UINT64_MAX: none comes */
	uint64_t	 again;		/* look again in so many seconds */
	uint64_t	 bulk;		/* bytes of bulk that may be begun */
};

void	 stay_decide(const struct stay_facts *, struct stay_decision *);

#endif
