/*
 * Bytes that the line carried for nothing: of messages that were cut off
 * before they were worth keeping, and so come again.
 */
#ifndef FETCHD_LOST_H
#define FETCHD_LOST_H

#include <stdint.h>

/* So many bytes of it were lost, more than were before. */
void	 lost_add(const char *account, uint32_t uidvalidity, const char *uid,
	    uint64_t bytes);
/* How many of it come again; they are not asked for twice. */
uint64_t lost_take(const char *account, uint32_t uidvalidity,
	    const char *uid);

#endif
