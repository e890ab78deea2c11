/* See LICENSE for the terms. */

/* The Received field that we put before a message: RFC 5321 4.4. */
#ifndef SPOOLD_RECEIVED_H
#define SPOOLD_RECEIVED_H

#include <sys/types.h>
#include <stdint.h>

/* Enough for every part at its longest. */
#define RECEIVED_MAX	1536

struct received {
	const char	*helo;		/* as the client named itself */
	const char	*address;	/* its numeric address, or "local" */
	const char	*hostname;	/* ours */
	int		 esmtp;		/* EHLO rather than HELO */
	int		 tls;
	int		 auth;
	int		 smtputf8;
	uint64_t	 id;
	const char	*recipient;	/* the only one; NULL when there are
					 * more, who need not know */
	const int	*priority;	/* RFC 6710; NULL: none was given */
	int64_t		 when;		/* time_t */
	int		 offset;	/* of local time, minutes east */
};

/* "SMTP", "ESMTPSA", "UTF8SMTPS", ...: RFC 3848, RFC 6531 4.3. */
const char	*received_protocol(const struct received *);
/*
 * The whole field with its CRLF.  Its length, or -1 when it does not fit
 * in size bytes or the date is none.
 */
ssize_t	 received_format(const struct received *, char *, size_t size);

#endif
