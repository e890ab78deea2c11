/* See LICENSE for the terms. */

/*
 * Mail addresses as they stand in SMTP commands: paths, mailboxes, quoted
 * local parts, address literals and UTF-8.  RFC 5321 4.1.2, RFC 6531 3.3.
 * No I/O and no allocation.
 */
#ifndef SPOOLD_ADDRESS_H
#define SPOOLD_ADDRESS_H

#include <sys/types.h>

/*
 * RFC 5321 4.5.3.1 allows 64 bytes for the local part, and asks not to
 * impose the limit where that can be avoided: long local parts are in real
 * use (VERP), so only the whole is limited.
 */
#define ADDRESS_MAX		320
#define ADDRESS_DOMAIN_MAX	255

struct address {
	char	 text[ADDRESS_MAX + 1];	/* as given; no "<>", no route */
	size_t	 at;		/* index of the last "@"; without a domain
				 * the length of text */
	int	 utf8;		/* has bytes beyond ASCII, valid UTF-8 */
	int	 literal;	/* the domain is an address literal */
};

/*
 * Parses a Mailbox, or a local part alone (then address_domain is ""):
 * 0, or -1 when the bytes are not that from first to last.
 */
int	 address_parse(const char *, size_t, struct address *);
/*
 * Parses a path, "<" to ">", at the begin of the bytes.  A source route is
 * read and dropped (RFC 5321 4.1.1.3); "<>" gives an empty text.  *used is
 * the length of the path.  0, or -1.
 */
int	 address_parse_path(const char *, size_t, struct address *,
	    size_t *used);

/* The part after the "@", or "". */
const char	*address_domain(const struct address *);
/* Lower-cases the ASCII letters of the domain. */
void	 address_lower_domain(struct address *);
/*
 * The local part without quotes and quoted pairs: what it means.  0, or -1
 * when it does not fit.
 */
int	 address_local(const struct address *, char *, size_t);
/*
 * 1 when both mean the same mailbox: domains without regard to case, local
 * parts unquoted and with regard to it, since only the domain's own host
 * knows better (RFC 5321 2.4).
 */
int	 address_equal(const struct address *, const struct address *);
/* The same, local parts too without regard to the case of ASCII letters:
 * for our own users. */
int	 address_equal_nocase(const struct address *, const struct address *);

/* 1 when the bytes are well-formed UTF-8 (RFC 3629), ASCII included. */
int	 address_utf8_valid(const char *, size_t);

#endif
