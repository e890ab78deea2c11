/* See LICENSE for the terms. */
/*
 * What relayctl does under the names that other programs know: sendmail,
 * mailq, newaliases.  A message goes to the local socket of the
 * configuration (listen on "/..."), by SMTP.
 */
#ifndef RELAYCTL_SENDMAIL_H
#define RELAYCTL_SENDMAIL_H

enum sendmail_job {
	SENDMAIL_DONE,			/* exit with its status */
	SENDMAIL_MAILQ,			/* show the queue instead */
	SENDMAIL_NEWALIASES		/* have the configuration read again */
};

/* 1 when a program of this name (its path's last part) is one of these. */
int	 sendmail_is(const char *progname);
/*
 * Does what the arguments say and prints what is wrong to standard error;
 * status is of sysexits.h.
 */
enum sendmail_job	 sendmail_main(int argc, char *argv[], int *status);

#endif
