/*
 * Parser of what a POP3 client says: bytes in, structures out.
 * RFC 1939, 2449, 2595, 5034, 4616.
 */
#ifndef SPOOLD_POP3_COMMAND_H
#define SPOOLD_POP3_COMMAND_H

#include <sys/types.h>
#include <stdint.h>

#include "sasl.h"

enum pop3_verb {
	POP3_AUTH,
	POP3_CAPA,
	POP3_DELE,
	POP3_LIST,
	POP3_NOOP,
	POP3_PASS,
	POP3_QUIT,
	POP3_RETR,
	POP3_RSET,
	POP3_STAT,
	POP3_STLS,
	POP3_TOP,
	POP3_UIDL,
	POP3_USER,
	POP3_VERBS
};

enum pop3_parsed {
	POP3_PARSED,
	POP3_UNKNOWN,			/* no such command */
	POP3_BAD_ARGUMENT		/* verb is set */
};

struct pop3_command {
	enum pop3_verb		 verb;
	int			 has_number;
	uint32_t		 number;	/* of the message, from 1 */
	uint32_t		 lines;		/* of TOP */
	/* USER: the name; PASS: the password; AUTH: the mechanism.  Points
	 * into the line and is not ended by a NUL. */
	const char		*text;
	size_t			 textlen;
	/* AUTH: the initial response, or NULL when there is none. */
	const char		*initial;
	size_t			 initiallen;
};

/*
 * One line without its end.  NULs are bytes like others and make the command
 * wrong.
 */
enum pop3_parsed	 pop3_command_parse(const char *line, size_t len,
			    struct pop3_command *);
/*
 * The response to AUTH PLAIN, in base64 (lax): as sasl.h has it, and the
 * password is not empty.  0, or -1; the result is then of no use but may hold
 * secrets all the same.
 */
int	 pop3_plain_parse(const char *base64, size_t len,
	    struct sasl_login *);

#endif
