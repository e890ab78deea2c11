/* See LICENSE for the terms. */
/* How long a window stays open: see stay.h. */
#include "stay.h"

#define LOOK_MAX	60	/* seconds: clocks are set, rates change */

/* Seconds of what is paid for that can still be used. */
static uint64_t
paid_left(const struct stay_facts *f)
{
	uint64_t	 end;

	if (f->foreign)
		return (UINT64_MAX);
	end = tariff_paid(f->tariff, f->answered, f->billed);
	if (end == UINT64_MAX)
		return (UINT64_MAX);
	end = end > f->margin ? end - f->margin : 0;
	return (end > f->billed ? end - f->billed : 0);
}

static int
over_budget(const struct stay_facts *f)
{
	uint64_t	 bytes;

	/* Time was reckoned with before the call, that of its end as well;
	 * bytes could not be. */
	if (f->foreign || f->room == UINT64_MAX ||
	    f->tariff->per_megabyte == 0)
		return (0);
	bytes = f->ahead > UINT64_MAX - STAY_IN_FLIGHT ||
	    f->bytes > UINT64_MAX - STAY_IN_FLIGHT - f->ahead ? UINT64_MAX :
	    f->bytes + f->ahead + STAY_IN_FLIGHT;
	return (tariff_cost(f->tariff, f->answered, f->billed + f->ending,
	    bytes).cost > f->room);
}

/* What fits behind the mail that goes first. */
static uint64_t
bulk_room(const struct stay_facts *f, uint64_t left)
{
	uint64_t	 bytes;

	if (left == UINT64_MAX)
		return (UINT64_MAX);
	bytes = f->rate != 0 && left > UINT64_MAX / f->rate ? UINT64_MAX :
	    left * f->rate;
	return (bytes > f->todo ? bytes - f->todo : 0);
}

void
stay_decide(const struct stay_facts *f, struct stay_decision *d)
{
	uint64_t	 left = paid_left(f);

	d->end = STAY_ON;
	d->paid = left;
	d->again = left < LOOK_MAX && left > 0 ? left : LOOK_MAX;
	d->bulk = bulk_room(f, left);
	if (over_budget(f))
		d->end = STAY_BUDGET;
	else if (f->work)
		return;
	else if (f->flying && left > 0)
		return;
	else if (f->flying)
		d->end = STAY_PAID;
	else if (f->linger && left > 0 && left != UINT64_MAX)
		return;
	else
		d->end = f->bulk > 0 ? STAY_PAID : STAY_DONE;
}
