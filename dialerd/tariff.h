/* See LICENSE for the terms. */
/*
 * What a call costs: set-up charge, units of so many seconds by hour and
 * weekday, and a price per megabyte.  Pure; money is in 1/1000, in whole
 * numbers.
 */
#ifndef DIALERD_TARIFF_H
#define DIALERD_TARIFF_H

#include <time.h>

#include "conf.h"
#include "span.h"

#define TARIFF_RATES_MAX	64

struct tariff_rate {
	struct conf_span	 span;
	uint64_t		 unit;		/* seconds; 0: all at once */
	uint64_t		 price;		/* per unit */
};

/* A tariff's own copy of its rates: it outlives the configuration. */
struct tariff {
	uint64_t		 setup;
	uint64_t		 per_megabyte;
	uint64_t		 free;		/* seconds */
	uint64_t		 minimum;
	struct calendar		 calendar;
	size_t			 nrates;
	struct tariff_rate	 rates[TARIFF_RATES_MAX];
};

struct tariff_cost {
	uint64_t		 units;
	uint64_t		 cost;
};

/*
 * Takes the tariff of that name, NULL being a line that costs nothing, from
 * the configuration.  0, or -1 with ENOENT (no such tariff) or E2BIG.
 */
int	 tariff_take(struct tariff *, const struct conf *, const char *name);

/*
 * A call that was answered at t and lasted n seconds, with so many bytes
 * moved.  A unit is as long, and costs as much, as the rate says that is in
 * force when it begins; the first begins when the free seconds are over.
 * Where no rate is in force time is free.  What comes to less than the minimum
 * costs that.  A sum that does not fit stays at UINT64_MAX.
 */
struct tariff_cost	 tariff_cost(const struct tariff *, time_t t,
			    uint64_t n, uint64_t bytes);
/*
 * How many seconds such a call can last for what n seconds of it cost: the
 * end of the unit that is paid for then, n at least; UINT64_MAX where time
 * costs nothing any more (within a day).
 */
uint64_t		 tariff_paid(const struct tariff *, time_t t,
			    uint64_t n);

#endif
