/* See LICENSE for the terms. */
/*
 * Sums of the ledger: by days, weeks or months, by users or by lines.  Pure,
 * but for the time zone.
 *
 * Beside each call there is what its mail would have cost by single calls: a
 * call for each message that was sent, and one for each user for whom mail
 * was fetched, or one at least in each window.  Each takes as long to link
 * up as this one did, and its share of the rest of it.  Calls that moved
 * nothing count as they are.
 */
#ifndef RELAYCTL_REPORT_H
#define RELAYCTL_REPORT_H

#include <sys/types.h>
#include <stdint.h>

#include "ctl.h"

#define REPORT_ROWS_MAX	512

enum report_period { REPORT_DAY, REPORT_WEEK, REPORT_MONTH };
enum report_by { REPORT_BY_PERIOD, REPORT_BY_USER, REPORT_BY_LINE };

struct report_row {
	char		 name[PROTO_NAME_MAX];
	int64_t		 from;		/* of a period */
	uint64_t	 last_call;	/* of a user, counted already */
	uint64_t	 calls;
	uint64_t	 failed;	/* of them */
	uint64_t	 seconds;
	uint64_t	 cost;
	uint64_t	 sent;
	uint64_t	 fetched;
	uint64_t	 mail_out;	/* bytes of messages */
	uint64_t	 mail_in;
	uint64_t	 bytes_out;	/* on the wire */
	uint64_t	 bytes_in;
	uint64_t	 repeated;	/* bytes moved twice */
	uint64_t	 failed_cost;	/* of failed calls */
	uint64_t	 single_calls;
	uint64_t	 single_seconds;
	uint64_t	 single_cost;
};

struct report_call {			/* as much as is kept of one */
	uint64_t	 call;
	uint64_t	 mail;		/* bytes of messages both ways */
	uint64_t	 cost;
	uint64_t	 seconds;
	uint64_t	 sent;
	uint64_t	 fetched;
	uint64_t	 setup;
	uint64_t	 single_cost;	/* of one message */
	uint64_t	 fetches;	/* users for whom mail came */
	uint64_t	 user_bytes;	/* of those that are known */
	size_t		 row;
	int		 foreign;
};

struct report {
	enum report_period	 period;
	enum report_by		 by;
	int64_t			 from;	/* the first period's beginning */
	int64_t			 to;	/* after the last's end */
	struct report_row	 rows[REPORT_ROWS_MAX];
	size_t			 nrows;
	struct report_row	 total;
	struct report_call	*calls;
	size_t			 ncalls;
	size_t			 room;
	/* Users for whom the call that is being told of fetched mail. */
	uint64_t		 fetch_call;
	size_t			 nfetchers;
	char			 fetchers[REPORT_ROWS_MAX][PROTO_NAME_MAX];
};

/* The last `count` periods up to now. */
void	 report_begin(struct report *, enum report_period, enum report_by,
	    uint32_t count, int64_t now);
/* All calls first, oldest first, then what they did for users.  0, or -1
 * when there is no memory. */
int	 report_call(struct report *, const struct ctl_call *);
void	 report_user(struct report *, const struct ctl_call_user *);
/* Sums up. */
void	 report_end(struct report *);
void	 report_free(struct report *);

#endif
