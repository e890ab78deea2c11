/* See LICENSE for the terms. */
/*
 * What came for the line, from a file of lines for relayctl simulate:
 *
 *	# time bytes [class [deadline]]
 *	1700000000 12345 normal 0
 *	2026-11-28T06:00 20K urgent +2h
 *
 * A time is in seconds since the Epoch, or in local time, with seconds or
 * without.  A class is normal, urgent or bulk.  A deadline is a time, or
 * "+" and a duration after the arrival, or 0 for none.  The lines that
 * dialerd writes (arrivals.h) are of this form.
 */
#ifndef RELAYCTL_TRACE_H
#define RELAYCTL_TRACE_H

#include <sys/types.h>
#include <stdio.h>

#include "proto.h"

#define TRACE_LINE_MAX	1024

/*
 * One line without its LF: 1, 0 where there is only a comment or nothing,
 * or -1 with words for what is wrong.
 */
int	 trace_parse(const char *line, size_t len, struct proto_arrival *,
	    const char **error);

/* "20K", "2h", into bytes and seconds: 0, or -1. */
int	 trace_size(const char *, uint64_t *);
int	 trace_duration(const char *, uint64_t *);
/* "5", "0.25", into 1/1000: 0, or -1. */
int	 trace_money(const char *, uint64_t *);

struct trace {
	struct proto_arrival	*arrivals;
	size_t			 n;
	size_t			 max;
};

/* 0, or -1 with ENOMEM. */
int	 trace_add(struct trace *, const struct proto_arrival *);
/* Reads them all.  0, or -1 when there was a complaint, by warn(3). */
int	 trace_read(struct trace *, FILE *, const char *name);
/* Puts them in order of time. */
void	 trace_sort(struct trace *);
void	 trace_free(struct trace *);

#endif
