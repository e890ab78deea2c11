/* See LICENSE for the terms. */
/*
 * What a call costs.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "span.h"
#include "tariff.h"

#define MEGABYTE	1000000		/* as providers count it */

int
tariff_take(struct tariff *tariff, const struct conf *conf, const char *name)
{
	const struct conf_tariff	*ct;
	const struct conf_rate		*rate;

	memset(tariff, 0, sizeof(*tariff));
	if (name == NULL)
		return (0);
	if ((ct = conf_tariff_find(conf, name)) == NULL) {
		errno = ENOENT;
		return (-1);
	}
	tariff->setup = ct->setup;
	tariff->per_megabyte = ct->per_megabyte;
	TAILQ_FOREACH(rate, &conf->rates, entry) {
		if (strcmp(rate->tariff, name) != 0)
			continue;
		if (tariff->nrates == TARIFF_RATES_MAX) {
			errno = E2BIG;
			return (-1);
		}
		tariff->rates[tariff->nrates].span = rate->span;
		tariff->rates[tariff->nrates].unit = rate->unit;
		tariff->rates[tariff->nrates].price = rate->price;
		tariff->nrates++;
	}
	return (0);
}

static uint64_t
add(uint64_t a, uint64_t b)
{
	return (a > UINT64_MAX - b ? UINT64_MAX : a + b);
}

static uint64_t
bytes_cost(uint64_t price, uint64_t bytes)
{
	uint64_t	 whole = bytes / MEGABYTE, rest = bytes % MEGABYTE;

	if (price == 0)
		return (0);
	if (whole > UINT64_MAX / price || rest > UINT64_MAX / price)
		return (UINT64_MAX);
	/* The provider rounds up, and so do we. */
	rest *= price;
	return (add(whole * price,
	    rest / MEGABYTE + (rest % MEGABYTE != 0)));
}

static const struct tariff_rate *
rate_at(const struct tariff *tariff, time_t t)
{
	size_t	 i;

	for (i = 0; i < tariff->nrates; i++) {
		if (span_contains(&tariff->rates[i].span, t))
			return (&tariff->rates[i]);
	}
	return (NULL);
}

struct tariff_cost
tariff_cost(const struct tariff *tariff, time_t t, uint64_t n, uint64_t bytes)
{
	const struct tariff_rate	*rate = NULL;
	struct tariff_cost		 sum;
	time_t				 minute = 0;
	uint64_t			 gone = 0, step;
	int				 known = 0;

	sum.units = 0;
	sum.cost = add(tariff->setup, bytes_cost(tariff->per_megabyte, bytes));
	while (tariff->nrates > 0 && gone < n) {
		/* Rates change with the minute, units may be of seconds. */
		if (!known || (t + (time_t)gone) / 60 != minute) {
			minute = (t + (time_t)gone) / 60;
			rate = rate_at(tariff, t + (time_t)gone);
			known = 1;
		}
		if (rate == NULL) {
			step = 60 - (uint64_t)((t + (time_t)gone) % 60);
		} else {
			sum.units++;
			sum.cost = add(sum.cost, rate->price);
			step = rate->unit == 0 ? n : rate->unit;
		}
		gone = add(gone, step);
	}
	return (sum);
}
