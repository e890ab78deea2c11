/* Numbers in upstream's lines: digits only, with a limit.  Pure. */
#ifndef FETCHD_DECIMAL_H
#define FETCHD_DECIMAL_H

#include <stdint.h>

/*
 * Takes the digits at *p, which end at end or at the first other byte, and
 * moves *p past them.  0, or -1 when there is no digit or the number is
 * above max; *p is then where it was.
 */
int	 decimal_take(const char **p, const char *end, uint64_t max,
	    uint64_t *value);

#endif
