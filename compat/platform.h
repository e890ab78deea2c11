/* What platforms do differently, behind one name each. */
#ifndef COMPAT_PLATFORM_H
#define COMPAT_PLATFORM_H

#include <sys/types.h>

/*
 * Has the kernel send sig to this process when its parent dies: 0, or -1
 * with ENOSYS where there is no such thing.
 */
int	 platform_die_with_parent(int sig);

/*
 * Cuts every other descriptor off from a terminal, whoever has it; path is
 * its device.  0, or -1 with errno.
 */
int	 platform_revoke_tty(int fd, const char *path);

/*
 * A file without a name, in memory, that its owner alone may read and write.
 * Its descriptor, or -1 with errno: ENOSYS where there is no such thing.
 */
int	 platform_memory_file(const char *name);

/*
 * The name of a running process, in printable characters: 0, or -1 with
 * errno.
 */
int	 platform_process_name(pid_t pid, char *name, size_t size);

/*
 * Time that nobody sets, with that in which the machine slept where the
 * system can tell.
 */
struct timespec;
void	 platform_clock(struct timespec *);

/*
 * Loads the time zone and keeps it: call before chroot(2), after which its
 * file is out of reach.
 */
void	 platform_keep_timezone(void);

#endif
