/* See LICENSE for the terms. */
/* Systems without a sandbox that we know: chroot and user are all there is. */

#include "log.h"
#include "sandbox.h"

int
sandbox_enter(enum proc_id id)
{
	(void)id;
	log_warnx("sandbox: this system has none that relayd knows; "
	    "system calls are not limited");
	return (0);
}
