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
#define PAID_MAX	86400		/* no window is as long */

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
	tariff->free = ct->free;
	tariff->minimum = ct->minimum;
	if (calendar_take(&tariff->calendar, conf) == -1)
		return (-1);
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
		if (span_contains(&tariff->calendar, &tariff->rates[i].span,
		    t))
			return (&tariff->rates[i]);
	}
	return (NULL);
}

/* A walk along a call, unit by unit. */
struct walk {
	const struct tariff		*tariff;
	time_t				 start;
	uint64_t			 gone;		/* seconds */
	time_t				 minute;	/* that rate is for */
	const struct tariff_rate	*rate;
	int				 known;
};

static void
walk_begin(struct walk *w, const struct tariff *tariff, time_t t)
{
	memset(w, 0, sizeof(*w));
	w->tariff = tariff;
	w->start = t;
	w->gone = tariff->free;
}

/*
 * The unit that begins where the walk is: its rate, NULL where time is free,
 * and its end in end.
 */
static const struct tariff_rate *
walk_unit(struct walk *w, uint64_t *end)
{
	time_t	 t = w->start + (time_t)w->gone;

	/* Rates change with the minute, units may be of seconds. */
	if (!w->known || t / 60 != w->minute) {
		w->minute = t / 60;
		w->rate = rate_at(w->tariff, t);
		w->known = 1;
	}
	if (w->rate == NULL)
		*end = add(w->gone, 60 - (uint64_t)(t % 60));
	else if (w->rate->unit == 0)
		*end = UINT64_MAX;
	else
		*end = add(w->gone, w->rate->unit);
	return (w->rate);
}

struct tariff_cost
tariff_cost(const struct tariff *tariff, time_t t, uint64_t n, uint64_t bytes)
{
	const struct tariff_rate	*rate;
	struct tariff_cost		 sum;
	struct walk			 w;
	uint64_t			 end;

	sum.units = 0;
	sum.cost = add(tariff->setup, bytes_cost(tariff->per_megabyte, bytes));
	if (tariff->nrates > 0) {
		for (walk_begin(&w, tariff, t); w.gone < n; w.gone = end) {
			if ((rate = walk_unit(&w, &end)) == NULL)
				continue;
			sum.units++;
			sum.cost = add(sum.cost, rate->price);
		}
	}
	if (sum.cost < tariff->minimum)
		sum.cost = tariff->minimum;
	return (sum);
}

uint64_t
tariff_paid(const struct tariff *tariff, time_t t, uint64_t n)
{
	const struct tariff_rate	*rate;
	struct walk			 w;
	uint64_t			 end, limit = add(n, PAID_MAX);

	if (tariff->nrates == 0)
		return (UINT64_MAX);
	for (walk_begin(&w, tariff, t); w.gone < limit; w.gone = end) {
		rate = walk_unit(&w, &end);
		/* The first that costs more, and has not begun. */
		if (rate != NULL && rate->price > 0 && w.gone >= n)
			return (w.gone);
	}
	return (UINT64_MAX);
}
