/*
 * Logging, shared by every process: syslog(3), or standard error with -d.
 * All of these keep errno.  Lines are lower case, without a full stop, the
 * subject first, and never hold a secret.
 */
#ifndef RELAYD_LOG_H
#define RELAYD_LOG_H

#include <stdarg.h>

#define LOG_TO_SYSLOG	0
#define LOG_TO_STDERR	1	/* with the time and the process */
#define LOG_PLAIN	2	/* to stderr, just the text: for a command */
/* Where to; facility is for syslog. */
void	 log_init(int where, int facility);
/* Name the process in every further line. */
void	 log_procinit(const char *procname);
/* 0: information and up; 1: debug lines too. */
void	 log_setverbose(int verbose);
int	 log_getverbose(void);

/* log_warn and fatal add the text of errno; the x forms do not. */
void	 log_warn(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	 log_warnx(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	 log_info(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	 log_debug(const char *, ...)
	    __attribute__((__format__(printf, 1, 2)));
/* For start-up and broken invariants only: log and exit(1). */
void	 fatal(const char *, ...)
	    __attribute__((__noreturn__, __format__(printf, 1, 2)));
void	 fatalx(const char *, ...)
	    __attribute__((__noreturn__, __format__(printf, 1, 2)));

#endif
