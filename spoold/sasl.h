/* See LICENSE for the terms. */

/* What clients say to prove who they are, as the SASL mechanisms PLAIN and
 * LOGIN have it.  RFC 4616, RFC 4648.  No I/O. */
#ifndef SPOOLD_SASL_H
#define SPOOLD_SASL_H

#include <sys/types.h>

#include "proto.h"

/* Bytes of a PLAIN message at its longest, NULs included. */
#define SASL_MESSAGE_MAX	(2 * PROTO_NAME_MAX + PROTO_PASSWORD_MAX)

/* Slows down the guessing of passwords, here as in USER and PASS. */
#define SASL_FAILURE_DELAY	2	/* seconds until a wrong one is told */
#define SASL_FAILURES_MAX	3	/* then the connection is closed */

struct sasl_login {
	char	 user[PROTO_NAME_MAX];
	char	 password[PROTO_PASSWORD_MAX];
};

/*
 * Decodes base64 strictly (padding, no white space, no bits left over) and
 * puts a NUL after it.  The number of bytes; -1 when it is not base64 or
 * does not fit size, the NUL included.
 */
ssize_t	 sasl_base64_decode(const char *, size_t, char *dst, size_t size);
/*
 * The same, but bits that are left over are told in *rest and are no error:
 * RFC 4648 3.5 leaves that to the decoder.
 */
ssize_t	 sasl_base64_decode_lax(const char *, size_t, char *dst,
	    size_t size, int *rest);
/*
 * Takes a decoded PLAIN message apart; acting for somebody else is not
 * possible.  0, or -1.
 */
int	 sasl_plain_parse(const char *, size_t, struct sasl_login *);

#endif
