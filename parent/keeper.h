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

/* Reports, one line each: "up", "down REASON", "group PID", the process
 * group of what it runs (0: nothing), "late" when its own clock ended the
 * call, and "ending" as soon as it takes all down and exits. */

/* Exits with 0, or with one of these. */
#define KEEPER_UNSURE	2	/* the modem does not say that it hung up */
#define KEEPER_GONE	3	/* nor is there a device to ask it by */
#define KEEPER_FOREIGN	4	/* KEEPER_STATUS: the link is up already */

/*
 * How long a call may be in each of its states; each is entered once.  The
 * keeper has the same clock as the parent, a second behind it: dialerd may
 * hang, and the parent, too (L1).  The end is beyond what dialerd needs for
 * a good one, and leaves time to hang up within 30 s.
 */
#define LINE_SETUP	60	/* seconds, beyond the wait for CONNECT: a modem
				 * that answers slowly */
#define LINE_LINKING	90	/* seconds: PPP over a satellite, or `up` */
#define LINE_GRACE	26	/* seconds on top of the window's maximum, and
				 * of each of these */
#define KEEPER_BEHIND	1	/* second */

/* From LINE_OPEN to LINK_START. */
uint64_t keeper_setup_seconds(const struct conf_line *);

enum keeper_task {
	KEEPER_CALL,
	KEEPER_CLOSE,		/* in the place of one that died after
				 * KEEPER_START, or for a line that was left
				 * open: takes it down and exits; of the line
				 * only name, device and down are looked at */
	KEEPER_STATUS		/* asks the status command and exits */
};

/*
 * Runs in the forked process; fd is its end of the pipe, tty the device or
 * -1.  Does not return.
 */
void	 keeper_run(const struct conf_line *, int fd, int tty,
	    enum keeper_task) __attribute__((__noreturn__));

#endif
