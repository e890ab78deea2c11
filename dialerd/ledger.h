/* See LICENSE for the terms. */
/*
 * The ledger of calls: a file of lines that are only ever appended, with an
 * entry on stable storage before the first digit of each call (L4), and
 * what policy needs of it in memory.
 */
#ifndef DIALERD_LEDGER_H
#define DIALERD_LEDGER_H

#include <time.h>

#include "ctl.h"
#include "policy.h"

struct ledger;

/* What went before the next call. */
struct ledger_series {
	time_t		 good_up;	/* last good window; 0: none */
	time_t		 good_closed;
	uint64_t	 left;		/* messages that it left behind */
	uint32_t	 left_windows;	/* such windows in a row */
	uint32_t	 attempts;	/* failed since, or since a request */
	time_t		 first;		/* first of these began */
	time_t		 last;		/* last of these ended */
};

/* What a line does, by its last good windows. */
struct ledger_speed {
	uint64_t	 windows;	/* looked at; 0: nothing is known */
	uint64_t	 setup;		/* seconds, from opening to link up */
	uint64_t	 answer;	/* ... of them until it was answered,
					 * from where on time is billed */
	uint64_t	 rate_out;	/* bytes a second while mail is sent; */
	uint64_t	 rate_in;	/* 0: none was */
	uint64_t	 out_bytes;	/* that rate_out is from */
	uint64_t	 fetch;		/* messages fetched, the mean */
	uint64_t	 fetch_bytes;
};

/*
 * Takes a descriptor open for reading and appending, which it owns on
 * success.  Reads it and cuts off a torn last line.  Calls that a crash left
 * open stay so, which is the sign that their lines may be.  NULL with errno.
 */
struct ledger	*ledger_new(int fd);
void		 ledger_free(struct ledger *);

/* The first such call above that number: 1, or 0 when there is none. */
int		 ledger_left(const struct ledger *, uint64_t,
		    struct ctl_call *);
/*
 * Closes it, its line being down now: result "crashed", charged at its worst
 * case.  0, or -1 with errno as ledger_close.
 */
int		 ledger_crashed(struct ledger *, struct ctl_call *,
		    time_t now);

/*
 * Writes and syncs the entry of a call that is about to be dialled, of
 * which opened, line, number, why and the worst case are set; gives it its
 * number.  0, or -1 with errno: then there must be no call.
 */
int		 ledger_open(struct ledger *, struct ctl_call *);
/*
 * Writes and syncs its end.  What cannot be written is kept and written
 * before anything else (ledger_retry), but counts at once.  0, or -1 with
 * errno.
 */
int		 ledger_close(struct ledger *, const struct ctl_call *,
		    uint64_t left, int good);
/*
 * Appends what the call in progress did for a user: several such lines of
 * one add up.  It is made durable by the call's end.  0, or -1 with errno.
 */
int		 ledger_user(struct ledger *, const struct ctl_call_user *,
		    time_t now);
/*
 * Notes that the operator holds the line, or releases it: it is to stay so
 * whatever happens to this process.  0, or -1 with errno when that could not
 * be written and is left to ledger_retry.
 */
int		 ledger_hold(struct ledger *, int hold, time_t now);
int		 ledger_held(const struct ledger *);
/* Tries again what could not be written; 0 when nothing is left of it. */
int		 ledger_retry(struct ledger *);

/*
 * Whether the file has grown enough for its front to be cut off: 1, with the
 * place from which on it is to be kept, or 0, as it is while a call is open.
 */
int		 ledger_excess(struct ledger *, uint64_t *from);

/*
 * Calls that began at from or later; one that is open counts at its worst
 * case, one over the end of a period to that in which it began.  One that
 * began later than now, by a clock that was put back since, counts as begun
 * when that was first seen, and one that began before the clock was set when
 * the next one did.
 */
void		 ledger_sum(struct ledger *, time_t from, time_t now,
		    struct policy_sum *);
/* Nothing in it but good_up is later than now, whatever the clock said. */
void		 ledger_series(const struct ledger *, time_t now,
		    struct ledger_series *);

/* Zeros where there is nothing to go by. */
void		 ledger_speed(const struct ledger *, const char *line,
		    struct ledger_speed *);
/*
 * Calls on that line that failed since the last good window of any line, but
 * for those that the operator or this program has ended.
 */
uint32_t	 ledger_failures(const struct ledger *, const char *line);

/*
 * The calls of some 400 days, oldest first: how many, and one of them by
 * its place.  0, or -1 with errno.
 */
size_t		 ledger_count(const struct ledger *);
/* The place of the first call with that number or a higher one. */
size_t		 ledger_seek(const struct ledger *, uint64_t call);
int		 ledger_read(const struct ledger *, size_t, struct ctl_call *);
/*
 * What that call did for users, one line of the ledger after the other: *at
 * is 0 at first and is moved on.  1, 0 when there are no more, or -1 with
 * errno.
 */
int		 ledger_read_user(const struct ledger *, size_t,
		    uint64_t *at, struct ctl_call_user *);

#endif
