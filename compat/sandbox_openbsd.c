/* See LICENSE for the terms. */
/* The sandbox on OpenBSD: pledge(2), inside the chroot. */

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "sandbox.h"

int
sandbox_enter(enum proc_id id)
{
	switch (id) {
	case PROC_SPOOLD:
		/* The spool; the LAN and upstream; descriptors both ways. */
		return (pledge("stdio rpath wpath cpath fattr flock inet "
		    "recvfd sendfd", NULL));
	case PROC_DIALERD:
		/* The modem; relayctl; the tty and ledger are handed over. */
		return (pledge("stdio tty unix recvfd", NULL));
	case PROC_FETCHD:
		/* Upstream; files to deliver into are handed over. */
		return (pledge("stdio inet recvfd", NULL));
	default:
		errno = EINVAL;
		return (-1);
	}
}
