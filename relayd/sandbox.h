/*
 * One call that gives up what a process does not need: pledge(2) on OpenBSD,
 * no_new_privs, rlimits and a seccomp allow-list on Linux.  There is one
 * file for each system in compat/.
 */
#ifndef RELAYD_SANDBOX_H
#define RELAYD_SANDBOX_H

#include "proto.h"

/*
 * Called last in start-up, after chroot and privilege drop.  What the
 * running kernel cannot give is logged.  0, or -1 with errno when what it
 * can give could not be had: the caller is to exit.
 */
int	 sandbox_enter(enum proc_id);

#endif
