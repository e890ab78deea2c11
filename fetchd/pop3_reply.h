/*
 * What a POP3 server says: status lines, capabilities and the lines of
 * listings.  Pure: bytes in, structures out.  RFC 1939, 2449, 3206.
 */
#ifndef FETCHD_POP3_REPLY_H
#define FETCHD_POP3_REPLY_H

#include <sys/types.h>
#include <stdint.h>

#include "proto.h"

enum pop3_status {
	POP3_OK,		/* +OK */
	POP3_ERR,		/* -ERR */
	POP3_CONTINUE,		/* "+ ": goes on with AUTH, RFC 5034 */
	POP3_INVALID		/* no POP3 server says that */
};

enum pop3_code {		/* RFC 2449 8, RFC 3206 */
	POP3_CODE_NONE,
	POP3_CODE_AUTH,		/* the credentials are wrong */
	POP3_CODE_IN_USE,	/* another session has the mailbox */
	POP3_CODE_LOGIN_DELAY,	/* logged in too often */
	POP3_CODE_SYS_TEMP,	/* not the credentials' fault */
	POP3_CODE_SYS_PERM,
	POP3_CODE_OTHER
};

struct pop3_reply {
	enum pop3_status	 status;
	enum pop3_code		 code;
	const char		*text;	/* what follows; into the line */
	size_t			 len;
};

/* Capabilities, RFC 2449 6. */
#define POP3_CAP_STLS		0x01
#define POP3_CAP_USER		0x02
#define POP3_CAP_UIDL		0x04
#define POP3_CAP_PIPELINING	0x08
#define POP3_CAP_SASL_PLAIN	0x10
#define POP3_CAP_EXPIRE_0	0x20	/* RFC 2449 6.7: nothing is kept */

/* Takes a status line, without its end, apart; never fails. */
void		 pop3_reply_parse(const char *line, size_t len,
		    struct pop3_reply *);
/* The POP3_CAP_* bit of one line of CAPA's answer, or 0. */
uint32_t	 pop3_reply_capability(const char *line, size_t len);
/*
 * One line of UIDL's answer: message number and unique id, which is 1 to 70
 * bytes of 0x21 to 0x7e (RFC 1939 7); up to 255 are taken, since servers that
 * use the name of a file give more.  0, or -1 when it is none.
 */
int		 pop3_reply_uidl(const char *line, size_t len,
		    uint32_t *number, char uid[PROTO_UID_MAX]);
/* One line of LIST's answer: number and octets.  0 or -1. */
int		 pop3_reply_list(const char *line, size_t len,
		    uint32_t *number, uint64_t *size);
/* The line that ends an answer of several lines. */
int		 pop3_reply_end(const char *line, size_t len);

#endif
