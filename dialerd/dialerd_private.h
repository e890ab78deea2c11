/* See LICENSE for the terms. */
/*
 * What the files of this process share: dialerd.c has the messages and the
 * start, plan.c when to dial, call.c what a window needs of the world, and
 * operator.c what relayctl sees.
 */
#ifndef DIALERD_DIALERD_PRIVATE_H
#define DIALERD_DIALERD_PRIVATE_H

#include "arrivals.h"
#include "ctl.h"
#include "facts.h"
#include "ledger.h"
#include "lines.h"
#include "policy.h"
#include "window.h"

struct dialerd {
	struct facts		 facts;
	struct window		*window;
	struct ledger		*ledger;
	struct arrivals		*arrivals;
	struct ctl_call		 last_call;
	uint64_t		 call_id;	/* of the last one begun */
	struct ctl_call		 unfinished;	/* by a crash; .call 0: none */
	int			 stopping;
};
extern struct dialerd	 dialerd;

/* Milliseconds, never put back and never 0; those asleep are among them. */
uint64_t		 dialerd_mono(void);
struct facts_now	 dialerd_now(void);

/* plan.c */
/* Looks whether to dial, from the event loop, once for all that happened in
 * this turn of it. */
void	 plan_soon(void);
/* After a call: the parent takes its device back, the modem settles. */
void	 plan_rest(void);
/* The line, and how things stand for it: NULL, or why there are none. */
const char	*plan_facts(struct policy_facts *, struct lines_choice *,
		    enum policy_request);
/* What the policy says now; choice->conf is NULL where there is no line. */
void	 plan_decide(struct policy_decision *, struct lines_choice *,
	    enum policy_request);
/* A call that failed, or that could not even begin. */
void	 plan_failed(void);
/* The ledger, which this owns from now on; the line of a crash is down. */
void	 plan_ledger(int fd);
void	 plan_line_down(uint64_t call);
/* What the operator said last of holding the line. */
void	 plan_write_hold(void);

/* call.c */
int	 call_init(void);
void	 call_note_delay(const struct ctl_call *, int64_t ago);
void	 call_send_line(uint32_t type, const struct proto_line *);

#endif
