/* See LICENSE for the terms. */
/*
 * A message to relayd's local socket, by SMTP (RFC 5321).  Failures that
 * leave nothing else to do end the program, with words on standard error and
 * a status of sysexits.h: EX_TEMPFAIL where a later try may do better.
 */
#ifndef RELAYCTL_SUBMIT_H
#define RELAYCTL_SUBMIT_H

#include <sys/types.h>
#include <stdio.h>

struct submit {
	/* The caller's. */
	const char	 *sender;	/* "": the null sender */
	char		**recipients;	/* may lack a domain */
	size_t		  nrecipients;
	const char	 *notify;	/* RFC 3461; or NULL */
	const char	 *ret;
	const char	 *envid;
	char		 *body;		/* CRLF line ends, no dots stuffed */
	size_t		  len;
	/* The session's. */
	FILE		 *in;
	FILE		 *out;
	int		  extensions;
	char		  hostname[256];	/* relayd's */
};

/* Connects, and is greeted. */
void	 submit_open(struct submit *, const char *socket);
/* The address with relayd's host name where it has no domain; allocated. */
char	*submit_qualify(const struct submit *, const char *address);
/*
 * Sends it.  EX_OK when it was taken for every recipient; those that were
 * refused are told of, and the others have it all the same.
 */
int	 submit_message(struct submit *);
/* SMTP between standard input and output and the socket, to its end. */
int	 submit_bridge(const char *socket);

#endif
