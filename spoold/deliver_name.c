/* See LICENSE for the terms. */

/*
 * Names of partials, "ACCOUNT.UIDVALIDITY.UID", maybe with ".LENGTH", and
 * keys of deliveries, "f.ACCOUNT.RANDOM", with what is not a letter, digit
 * or '-' as "_XX".
 */

#include <sys/types.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deliver_internal.h"

#define LENGTH_DIGITS	20	/* that a length has at most */

/* Appends to out, as letters, digits, '-' and "_XX".  0, or -1 if full. */
int
deliver_escape(char *out, size_t outlen, const char *in)
{
	size_t	 n = strlen(out);

	for (; *in != '\0'; in++) {
		if (n + 4 > outlen)
			return (-1);
		if (*in > 0 && (isalnum((unsigned char)*in) || *in == '-'))
			out[n++] = *in;
		else
			n += snprintf(out + n, outlen - n, "_%02x",
			    (unsigned char)*in);
		out[n] = '\0';
	}
	return (0);
}

/* The reverse, up to a '.' or the end.  0, or -1 if it is none. */
int
deliver_unescape(char *out, size_t outlen, const char *in)
{
	unsigned int	 c;
	size_t		 n = 0;

	for (; *in != '\0' && *in != '.'; in++) {
		if (n + 1 >= outlen)
			return (-1);
		if (*in != '_') {
			out[n++] = *in;
			continue;
		}
		if (!isxdigit((unsigned char)in[1]) ||
		    !isxdigit((unsigned char)in[2]) ||
		    sscanf(in + 1, "%2x", &c) != 1)
			return (-1);
		out[n++] = c;
		in += 2;
	}
	out[n] = '\0';
	return (0);
}

/* Where the partial of a message begins; -1 when no name can be made. */
int
deliver_partial_path(const struct proto_uid *uid, char *path, size_t len)
{
	/* Room is left for the length. */
	char	 name[NAME_MAX + 1 - LENGTH_DIGITS - 1] = "", validity[16];

	snprintf(validity, sizeof(validity), ".%u.", uid->uidvalidity);
	if (deliver_escape(name, sizeof(name), uid->account) == -1 ||
	    strlcat(name, validity, sizeof(name)) >= sizeof(name) ||
	    deliver_escape(name, sizeof(name), uid->uid) == -1)
		return (-1);
	snprintf(path, len, PARTIAL_DIR "/%s", name);
	return (0);
}

/*
 * The key of a new delivery.  It begins with the account, so that a file in
 * tmp/ can be decided when the account is not configured any more.  0, or -1
 * with errno.
 */
int
deliver_key(const char *account, char *key, size_t len)
{
	char		 unique[20];
	uint64_t	 r;

	arc4random_buf(&r, sizeof(r));
	snprintf(unique, sizeof(unique), ".%016" PRIx64, r);
	strlcpy(key, "f.", len);
	if (deliver_escape(key, len, account) == -1 ||
	    strlcat(key, unique, len) >= len) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	return (0);
}
