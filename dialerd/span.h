/* See LICENSE for the terms. */
/*
 * Hours, days and calendar periods in local time.  Pure but for the time
 * zone, which is read with localtime_r(3) only: mktime(3) and localtime(3)
 * may read the zone's file again, and in an empty root there is none.
 */
#ifndef DIALERD_SPAN_H
#define DIALERD_SPAN_H

#include <time.h>

#include "conf.h"

#define CALENDAR_MAX	128	/* dates in one configuration */

/* The days that a configuration names by date, ready for use; a copy, so
 * that it outlives the configuration. */
struct calendar {
	uint32_t	 n;
	struct {
		uint32_t	 dayset;	/* conf_dayset.id */
		uint16_t	 year;		/* 0: every year */
		uint8_t		 month;		/* 1..12 */
		uint8_t		 mday;
	}		 days[CALENDAR_MAX];
};

/* Takes them.  0, or -1 with errno E2BIG, or EINVAL for what is no date. */
int	 calendar_take(struct calendar *, const struct conf *);
/*
 * Reads "12-25" or "2026-04-06": 0 with year (0 where there is none), month
 * and day, or -1.
 */
int	 calendar_date(const char *, uint16_t *year, uint8_t *month,
	    uint8_t *mday);

/*
 * 1 if a rule bound to this span holds at t, else 0.  The calendar may be
 * NULL: then no day is a holiday or has a date.
 */
int	 span_contains(const struct calendar *, const struct conf_span *,
	    time_t t);
/*
 * The first moment, t or later, at which the span holds; -1 when there is
 * none within the next eight days, or, of a span with dates, within the next
 * four years and some (29 February).
 */
time_t	 span_next(const struct calendar *, const struct conf_span *,
	    time_t t);

/*
 * A clock time, minute of the day 0..1439, on the span's days (and within
 * its hours, where it has any).  It comes once a day: where clocks are put
 * back its first coming counts, where they skip it the first moment after.
 * The last that came at most `back` seconds before t, or at t; -1 if none.
 */
time_t	 span_at_last(const struct calendar *, const struct conf_span *,
	    uint32_t minute, time_t t, time_t back);
/* The next one after t; -1 when there is none within that time. */
time_t	 span_at_next(const struct calendar *, const struct conf_span *,
	    uint32_t minute, time_t t);

/*
 * Begin of the day, week (from Monday) or month that t is in, and of the
 * one after it.
 */
time_t	 span_period_start(enum budget_period, time_t t);
time_t	 span_period_end(enum budget_period, time_t t);

#endif
