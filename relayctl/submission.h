/* See LICENSE for the terms. */
/*
 * A message as a local program hands it over, made into one that can be
 * sent: fields that must be there are added (RFC 6409 8), those that tell of
 * hidden recipients are taken out, lines end in CRLF.  Pure.
 */
#ifndef RELAYCTL_SUBMISSION_H
#define RELAYCTL_SUBMISSION_H

#include <sys/types.h>

#include "addrlist.h"

struct submission_param {
	const char	*from;		/* for a From field: with its name */
	const char	*date;		/* for a Date field */
	const char	*message_id;	/* for a Message-ID field, with < > */
	int		 recipients;	/* find them in the header */
	addrlist_found	*found;		/* each of them */
	void		*arg;
};

/*
 * Makes the message of len bytes into one that is ready for DATA but for
 * its dots.  Allocated, with its length; NULL with errno: EINVAL where
 * a field of recipients is no list of addresses (its name is then in field,
 * which has room for 32 bytes), ENOMEM, and what the callback set.
 */
char	*submission_make(const struct submission_param *, const char *msg,
	    size_t len, size_t *out_len, char *field);
/* 1 when any byte has its eighth bit set. */
int	 submission_is_8bit(const char *, size_t);

#endif
