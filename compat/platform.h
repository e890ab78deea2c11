/* What platforms do differently, behind one name each. */
#ifndef COMPAT_PLATFORM_H
#define COMPAT_PLATFORM_H

/*
 * Has the kernel send sig to this process when its parent dies: 0, or -1
 * with ENOSYS where there is no such thing.
 */
int	 platform_die_with_parent(int sig);

#endif
