/*
 * The accounts of a window: which are fetched now, which next, and what
 * dialerd is told of it.
 */
#ifndef FETCHD_SCHEDULE_H
#define FETCHD_SCHEDULE_H

#include <stdint.h>

struct conf;

/*
 * A window is open: fetches every account of the configuration (NULL: there
 * is none yet).  One that is still open is ended at once.
 */
void	 schedule_open(uint64_t call, const struct conf *);
/* It closes, or no one times it any more: connections are down soon. */
void	 schedule_close(void);
/* As schedule_close, then calls done once they are, from the event loop. */
void	 schedule_shutdown(void (*done)(void));

#endif
