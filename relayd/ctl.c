/* See LICENSE for the terms. */
/*
 * Names of what passes over the control socket.
 */
#include "ctl.h"

static const char * const state_names[CTL_STATE_COUNT] = {
	"idle", "opening", "dialling", "linking", "window", "closing", "hangup"
};

const char *
ctl_state_name(uint32_t state)
{
	if (state >= CTL_STATE_COUNT)
		return ("unknown");
	return (state_names[state]);
}
