/* See LICENSE for the terms. */
/*
 * What the operator can see and do, for the control socket.
 */
#ifndef DIALERD_DIALERD_H
#define DIALERD_DIALERD_H

#include "arrivals.h"
#include "ctl.h"
#include "ledger.h"

void	 dialerd_summary(struct ctl_summary *);
/* What fetchd says of an account, for the ledger. */
void	 dialerd_account(const struct proto_account_result *);
/* If it were dialled now; all zero but for what is known. */
void	 dialerd_plan(struct ctl_plan *);
/* Tells of each condition and restraint: NULL, or why none can be told. */
const char *dialerd_rules(void (*)(void *, const struct ctl_rule *), void *);
/* The ledger and the arrivals; NULL while the parent has not given them. */
const struct ledger *dialerd_ledger(void);
const struct arrivals *dialerd_arrivals(void);
/* Each 0, or an errno with words for it in text. */
int	 dialerd_dial(char *text, size_t);
int	 dialerd_hangup(char *text, size_t);
void	 dialerd_hold(int hold);

#endif
