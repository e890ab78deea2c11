/* See LICENSE for the terms. */
/* Logging, shared by every process. */

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "log.h"

static int		 debug = LOG_TO_STDERR;
static int		 verbose;
static const char	*log_procname = "relayd";

void
log_init(int n_debug, int facility)
{
	debug = n_debug;
	if (debug == LOG_TO_SYSLOG)
		openlog("relayd", LOG_PID | LOG_NDELAY, facility);
	tzset();
}

void
log_procinit(const char *procname)
{
	if (procname != NULL)
		log_procname = procname;
}

void
log_setverbose(int v)
{
	verbose = v;
}

int
log_getverbose(void)
{
	return (verbose);
}

/* The time is for a reader of stderr; syslog has its own. */
static void
log_stderr(const char *text)
{
	char		 stamp[32];
	struct tm	 tm;
	time_t		 now;

	if (debug == LOG_PLAIN) {
		fprintf(stderr, "%s\n", text);
		return;
	}
	now = time(NULL);
	if (localtime_r(&now, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm) == 0)
		stamp[0] = '\0';
	fprintf(stderr, "%s %s: %s\n", stamp, log_procname, text);
	fflush(stderr);
}

/*
 * What others wrote must not pass for lines of ours, nor command the terminal
 * that shows it: control characters, and those beyond ASCII, U+0080 to
 * U+009F, which are two bytes.
 */
static void
log_clean(char *text)
{
	unsigned char	*from, *to;

	for (from = to = (unsigned char *)text; *from != '\0'; from++, to++) {
		*to = *from;
		if (from[0] == 0xc2 && from[1] >= 0x80 && from[1] <= 0x9f) {
			*to = '?';
			from++;
		} else if (*from < ' ' || *from == 0x7f)
			*to = '?';
	}
	*to = '\0';
}

static void __attribute__((__format__(printf, 3, 0)))
log_vwrite(int priority, int error, const char *fmt, va_list ap)
{
	char	 text[2048];
	size_t	 len;
	int	 saved_errno = errno;

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	if (error != 0) {
		len = strlen(text);
		snprintf(text + len, sizeof(text) - len, "%s%s",
		    len > 0 ? ": " : "", strerror(error));
	}
	if (debug != LOG_PLAIN)
		log_clean(text);
	if (debug != LOG_TO_SYSLOG)
		log_stderr(text);
	else
		syslog(priority, "%s: %s", log_procname, text);
	errno = saved_errno;
}

void
log_warn(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	log_vwrite(LOG_ERR, errno, fmt, ap);
	va_end(ap);
}

void
log_warnx(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	log_vwrite(LOG_ERR, 0, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	log_vwrite(LOG_INFO, 0, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list	 ap;

	if (!verbose)
		return;
	va_start(ap, fmt);
	log_vwrite(LOG_DEBUG, 0, fmt, ap);
	va_end(ap);
}

void
fatal(const char *fmt, ...)
{
	char	 text[1024];
	va_list	 ap;
	int	 error = errno;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	errno = error;
	log_warn("fatal: %s", text);
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	char	 text[1024];
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_warnx("fatal: %s", text);
	exit(1);
}
