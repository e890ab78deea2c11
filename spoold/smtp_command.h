/* See LICENSE for the terms. */

/*
 * Command lines of SMTP and their ESMTP parameters: bytes in, a structure
 * out.  RFC 5321 4.1, 1870, 1985, 2852, 3030, 3461, 4954, 6152, 6531, 6710.
 */
#ifndef SPOOLD_SMTP_COMMAND_H
#define SPOOLD_SMTP_COMMAND_H

#include <sys/types.h>
#include <stdint.h>

#include "address.h"

/* Longest lines, CRLF included.  RFC 5321 4.5.3.1.4 asks for 512 and for
 * what each extension adds to that (DSN alone some 600). */
#define SMTP_LINE_MAX		2048
#define SMTP_AUTH_LINE_MAX	12288	/* RFC 4954 4 */
#define SMTP_CHUNK_MAX		((uint64_t)1 << 31)	/* of one BDAT */

enum smtp_verb {
	SMTP_NO_VERB,
	SMTP_EHLO,
	SMTP_HELO,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_BDAT,
	SMTP_RSET,
	SMTP_NOOP,
	SMTP_VRFY,
	SMTP_EXPN,
	SMTP_HELP,
	SMTP_QUIT,
	SMTP_STARTTLS,
	SMTP_AUTH,
	SMTP_ETRN,
	SMTP_VERBS
};

enum smtp_parse {
	SMTP_PARSE_OK,
	SMTP_PARSE_BYTES,	/* control characters, bare CR or LF */
	SMTP_PARSE_VERB,	/* no such command */
	SMTP_PARSE_SYNTAX,	/* wrong arguments */
	SMTP_PARSE_ADDRESS,	/* the path is none */
	SMTP_PARSE_PARAMETER	/* a parameter or value we do not offer */
};

struct smtp_command {
	enum smtp_verb	 verb;
	const char	*arg;		/* after the verb, within the line */
	size_t		 arglen;
	struct address	 address;	/* MAIL, RCPT */
	int		 utf8;		/* path or ORCPT go beyond ASCII, also
					 * when they are broken */
	int		 has_size;
	uint64_t	 size;		/* SIZE=, or of the chunk; a value
					 * too large to hold: UINT64_MAX */
	int		 last;		/* BDAT ... LAST */
	int		 smtputf8;	/* SMTPUTF8 */
	int		 has_priority;
	int		 priority;	/* MT-PRIORITY=, -9 to 9 */
	int		 has_by;	/* BY= */
	int32_t		 by_time;	/* seconds */
	int		 by_return;	/* mode R, else N */
	int		 by_trace;
	char		 ret[5];	/* "FULL", "HDRS", or "" */
	char		 envid[101];	/* xtext as given, or "" */
	char		 notify[32];	/* in upper case, or "" */
	char		 orcpt[501];	/* as given, or "" */
};

/*
 * Parses a line without its CRLF.  The verb is filled in whenever it is
 * known, whatever the result is.
 */
enum smtp_parse	 smtp_command_parse(const char *, size_t,
		    struct smtp_command *);

#endif
