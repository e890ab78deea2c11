/* See LICENSE for the terms. */
/* What relayctl watch shows: a page for a terminal, or a line. */
#ifndef RELAYCTL_WATCH_H
#define RELAYCTL_WATCH_H

#include <stdio.h>

#include "ctl.h"

/* As it stands; the plan is NULL in a call. */
void	 watch_page(FILE *, const struct ctl_summary *,
	    const struct ctl_plan *);
void	 watch_line(FILE *, const struct ctl_summary *);

#endif
