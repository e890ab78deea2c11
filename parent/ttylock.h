/* See LICENSE for the terms. */
/*
 * UUCP's lock files, LCK..ttyS0 in a directory, by which programs that share
 * a serial port keep out of each other's way: ten columns of process number
 * and, as other programs do, a word that says whose it is.  There is one port
 * at a time, which may have two names: its own and that of a link to it.
 */
#ifndef PARENT_TTYLOCK_H
#define PARENT_TTYLOCK_H

#include <sys/types.h>

/*
 * Takes the locks of a device.  0, or -1 with errno and words for the
 * operator: EBUSY when a live process has one.  A directory that cannot be
 * written to is logged, and no reason to make no calls.
 */
int	 ttylock_take(const char *dir, const char *device, char *text,
	    size_t size);
/* Removes them; none is fine. */
void	 ttylock_release(void);
/* The same in a child, when the process that took them is dead: those that
 * a successor has taken over meanwhile stay. */
void	 ttylock_orphaned(void);

/* The name of a device's lock file, without its directory.  0, or -1 with
 * ENAMETOOLONG. */
int	 ttylock_name(const char *device, char *name, size_t size);

#endif
