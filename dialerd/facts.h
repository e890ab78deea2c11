/* See LICENSE for the terms. */
/*
 * How things stand, for the policy: the queue, what went before, and who asks
 * for a call.  Pure: time comes in as what two clocks say.  Intervals are
 * those of the one that nobody sets, and hours those of the other, which may
 * begin in 1970 and be set at any time.
 */
#ifndef DIALERD_FACTS_H
#define DIALERD_FACTS_H

#include <stdint.h>
#include <time.h>

#include "conf.h"
#include "ledger.h"
#include "policy.h"
#include "proto.h"

struct facts_now {
	time_t		 wall;
	int64_t		 mono;		/* seconds, those asleep included */
};

struct facts {
	/* The last time that the clock was set forward: what came between
	 * these two, by the clock before that, came so much later. */
	int64_t		 offset;	/* of the clocks, as last seen */
	int64_t		 set_from;
	int64_t		 set_to;
	int64_t		 set_by;	/* 0: it was not */

	int64_t		 start;		/* monotonic, of this process */
	struct proto_queue_state queue;
	int64_t		 oldest;	/* one that came later than now ... */
	int64_t		 oldest_seen;	/* ... was seen then; monotonic */

	/*
	 * What went before, in seconds of the monotonic clock, which may be
	 * before its zero: the ledger is older than the machine's last start.
	 */
	time_t		 good_up;	/* wall clock; 0: none */
	int64_t		 good;		/* closed, or start */
	int		 good_unsure;	/* by a clock that was before good_up */
	uint64_t	 left;
	uint64_t	 left_bytes;
	uint64_t	 left_urgent;
	int64_t		 left_deadline;
	uint32_t	 left_windows;
	int64_t		 fresh;		/* when more than those was seen first;
					 * 0: not */
	uint32_t	 attempts;
	int64_t		 first;
	int64_t		 last;
	uint32_t	 jitter;
	int64_t		 began;		/* the call in progress */

	int		 held;		/* by the operator, */
	int		 held_said;	/* ... of this process */
	enum policy_request request;
	/* Who asks, where it is not the operator. */
	char		 request_text[PROTO_TEXT_MAX];
};

void	 facts_start(struct facts *, struct facts_now);
/* Before the clock is relied on: notes it when it was set. */
void	 facts_clock(struct facts *, struct facts_now);

/* 0, or -1 when a queue cannot be so. */
int	 facts_queue(struct facts *, const struct proto_queue_state *,
	    struct facts_now);
/*
 * Where the ledger left off: the last good window, and the failed attempts
 * since, once those that a crash left open are closed.
 */
void	 facts_past(struct facts *, const struct ledger_series *,
	    struct facts_now);
void	 facts_attempts(struct facts *, const struct ledger_series *,
	    struct facts_now);

/* A call is begun, and how it ended; it left so many messages behind. */
void	 facts_dial(struct facts *, struct facts_now);
void	 facts_failed(struct facts *, const struct conf_global *,
	    struct facts_now, uint32_t jitter);
void	 facts_left(struct facts *, uint64_t left);
void	 facts_good(struct facts *, time_t up, struct facts_now,
	    uint32_t jitter);
/* The operator does not want it again at once. */
void	 facts_hung_up(struct facts *, const struct conf_global *);

/*
 * A call is asked for, by the operator where text is NULL.  0, or -1 where
 * that is in vain, or has been done before.
 */
int	 facts_request(struct facts *, const char *text);
void	 facts_hold(struct facts *, int hold);

/* All but what depends on the line and on what was spent. */
void	 facts_policy(struct facts *, struct policy_facts *,
	    struct facts_now);

#endif
