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
/* The ledger and the arrivals; NULL while the parent has not given them. */
const struct ledger *dialerd_ledger(void);
const struct arrivals *dialerd_arrivals(void);
/* Each 0, or an errno with words for it in text. */
int	 dialerd_dial(char *text, size_t);
int	 dialerd_hangup(char *text, size_t);
void	 dialerd_hold(int hold);

#endif
