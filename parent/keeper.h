/*
 * The keeper of an open line: a process of the parent's own, for the length
 * of one call, that runs pppd or the up and down commands and holds the
 * modem's device.  When the parent vanishes, by whatever death, the keeper
 * sees its pipe close and takes the line down (L2).
 */
#ifndef PARENT_KEEPER_H
#define PARENT_KEEPER_H

#include "conf.h"

/* Commands, one byte each, from the parent. */
#define KEEPER_START	'S'	/* bring the link up */
#define KEEPER_STOP	'T'	/* take it down in order */
#define KEEPER_QUIT	'Q'	/* the modem is hung up: exit */
#define KEEPER_KILL	'K'	/* everything down now; hang up; exit */

/* Reports, one line each: "up", "down REASON", or "group PID", the process
 * group of what it runs (0: nothing). */

/* Exits with 0, or with this when the modem does not say that it hung up. */
#define KEEPER_UNSURE	2

/*
 * Runs in the forked process; fd is its end of the pipe, tty the device or
 * -1; up when it takes the place of one that died after KEEPER_START: of the
 * line only name, device and down are looked at then.  Does not return.
 */
void	 keeper_run(const struct conf_line *, int fd, int tty, int up)
	    __attribute__((__noreturn__));

#endif
