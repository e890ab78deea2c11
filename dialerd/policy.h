/* See LICENSE for the terms. */
/*
 * When to dial.  Pure: facts and rules in, a decision out.  Intervals come
 * as ages in seconds, which the caller takes from the monotonic clock where
 * it can; hours come from the wall clock.
 *
 * A request (relayctl dial) ignores the hours of conditions and of `hold
 * between`.  It obeys budgets and `relayctl hold`.  What the operator asks
 * for is no automatic redial, so neither the redial rule nor the breaker
 * delays it; what follows when that call fails is, and obeys them.  What a
 * program asks for (ETRN) obeys all restraints.  Conditions count meanwhile.
 *
 * Each condition is held against the restraints on its own, for urgent mail
 * and mail that comes due may spend what budgets keep for it.  The first
 * that may have its call has it.
 */
#ifndef DIALERD_POLICY_H
#define DIALERD_POLICY_H

#include <stdint.h>
#include <time.h>

#include "conf.h"
#include "ctl.h"
#include "proto.h"

#define POLICY_PERIODS	3		/* enum budget_period */
#define POLICY_NEVER	UINT64_MAX	/* of an age: it has not happened */

/* The longest pause between attempts, unless redial_then is longer. */
#define POLICY_PAUSE_MAX	(4 * 3600)
/* Between redials: the exchange and the modem must see the line free. */
#define POLICY_REDIAL_GAP	10
/* How late a clock time (`at`) may still be served. */
#define POLICY_AT_LATE		3600

enum policy_request {
	POLICY_REQUEST_NONE,
	POLICY_REQUEST_NEW,		/* not dialled for yet */
	POLICY_REQUEST_FAILED		/* dialled for, and failed */
};

struct policy_sum {			/* spent in a period */
	uint64_t	 calls;
	uint64_t	 seconds;
	uint64_t	 cost;
};

struct policy_facts {
	time_t		 now;

	/* Mail that waits for the line. */
	uint64_t	 messages;
	uint64_t	 bytes;
	time_t		 oldest;	/* 0: none */
	uint64_t	 received_sum;	/* of their times, for balance */
	uint64_t	 urgent;	/* of the messages */
	time_t		 deadline;	/* nearest; 0: none */
	/* What a call for them would take and cost, estimated. */
	uint64_t	 send_seconds;
	uint64_t	 send_cost;

	/* The last window that did its work. */
	time_t		 good_up;	/* when it opened; 0: none, see start */
	uint64_t	 good_age;	/* since it closed, or since start */
	uint64_t	 left;		/* messages it left behind */
	uint64_t	 left_bytes;
	uint64_t	 left_urgent;
	time_t		 left_deadline;	/* the nearest of them */
	time_t		 fresh;		/* the first that came since; 0: none,
					 * or not known */
	uint32_t	 left_windows;	/* such windows in a row */
	time_t		 start;		/* of dialerd */

	/* Failed attempts since then. */
	uint32_t	 attempts;
	uint64_t	 first_age;	/* since the first of them began */
	uint64_t	 last_age;	/* since the last of them ended */
	uint32_t	 jitter;	/* random, once per attempt */

	struct policy_sum sum[POLICY_PERIODS];
	uint64_t	 worst_seconds;	/* of the next call */
	uint64_t	 worst_cost;

	int		 hold;		/* relayctl hold */
	enum policy_request request;
	const char	*request_text;	/* who asks; NULL: the operator */
};

struct policy_decision {
	int		 dial;		/* 1: now */
	int		 urgent;	/* it may spend what is kept for that */
	time_t		 next;		/* else not before; 0: unknown */
	char		 why[PROTO_TEXT_MAX];	/* of either, for people */
};

/* Rules, holds, budgets and the redial rule are the configuration's. */
void	 policy_decide(const struct conf *, const struct policy_facts *,
	    struct policy_decision *);
/*
 * Tells of each condition and each restraint how it stands, in the order of
 * the configuration, for relayctl explain.
 */
void	 policy_rules(const struct conf *, const struct policy_facts *,
	    void (*)(void *, const struct ctl_rule *), void *);
/*
 * What budgets leave for the next call: the least of them, in seconds and in
 * 1/1000; UINT64_MAX where there is none.
 */
void	 policy_room(const struct conf *, const struct policy_facts *,
	    int urgent, uint64_t *seconds, uint64_t *cost);
/*
 * A pause that begins at `first` seconds, doubles with each step up to
 * POLICY_PAUSE_MAX, and gets up to an eighth longer by jitter (any number).
 */
uint64_t policy_pause(uint64_t first, uint32_t step, uint32_t jitter);

#endif
