/*
 * Responses of an IMAP server, RFC 3501 section 9 and RFC 9051: a parser
 * that is given one segment of a response at a time.  Pure: it neither
 * reads nor allocates.
 *
 * A segment is a line without its end.  Where it ends in a literal, {n},
 * the parser says so; the caller takes the n bytes and gives the next line.
 * Pointers in the response lead into the segment given last.
 */
#ifndef FETCHD_IMAP_PARSE_H
#define FETCHD_IMAP_PARSE_H

#include <sys/types.h>
#include <stdint.h>

enum imap_type {
	IMAP_OK,		/* these three: tagged or not */
	IMAP_NO,
	IMAP_BAD,
	IMAP_PREAUTH,
	IMAP_BYE,
	IMAP_CONTINUE,		/* "+": send what was announced */
	IMAP_CAPABILITY,
	IMAP_EXISTS,		/* number */
	IMAP_EXPUNGE,		/* number */
	IMAP_FETCH,		/* number; the items below */
	IMAP_SEARCH,		/* imap_parse_number(text) */
	IMAP_ESEARCH,		/* imap_parse_range(text) */
	IMAP_STATUS,		/* imap_parse_status(text) */
	IMAP_OTHER		/* of no use to a relay */
};

enum imap_code {		/* in brackets, after OK, NO, ... */
	IMAP_CODE_NONE,
	IMAP_CODE_ALERT,
	IMAP_CODE_CAPABILITY,	/* capability is set */
	IMAP_CODE_UIDVALIDITY,	/* value */
	IMAP_CODE_UIDNEXT,	/* value */
	IMAP_CODE_READ_ONLY,
	IMAP_CODE_UIDNOTSTICKY,	/* RFC 4315: uids do not last */
	IMAP_CODE_UNAVAILABLE,	/* RFC 5530: not the credentials' fault */
	IMAP_CODE_INUSE,
	IMAP_CODE_OTHER
};

/* Capabilities that change what the client does. */
#define IMAP_CAP_STARTTLS	0x001
#define IMAP_CAP_LOGINDISABLED	0x002
#define IMAP_CAP_AUTH_PLAIN	0x004
#define IMAP_CAP_SASL_IR	0x008	/* RFC 4959 */
#define IMAP_CAP_LITERAL_PLUS	0x010	/* RFC 7888 */
#define IMAP_CAP_LITERAL_MINUS	0x020
#define IMAP_CAP_UIDPLUS	0x040	/* RFC 4315 */
#define IMAP_CAP_ESEARCH	0x080	/* RFC 4731 */
#define IMAP_CAP_IMAP4		0x100	/* rev1 or rev2 */
#define IMAP_CAP_COMPRESS	0x200	/* RFC 4978: DEFLATE */

enum imap_body {		/* of BODY[] in a FETCH */
	IMAP_BODY_NONE,
	IMAP_BODY_NIL,		/* there is no such message any more */
	IMAP_BODY_STRING,	/* string: a quoted one */
	IMAP_BODY_LITERAL
};

enum imap_at {			/* private: where the parser stands */
	IMAP_AT_START,
	IMAP_AT_OTHER,
	IMAP_AT_ITEM,
	IMAP_AT_VALUE
};

struct imap_response {
	enum imap_type		 type;
	int			 tagged;
	uint32_t		 tag;		/* of "a17" */
	uint32_t		 number;
	enum imap_code		 code;
	uint32_t		 value;		/* of the code */
	uint32_t		 capability;	/* IMAP_CAP_* */
	const char		*text;		/* for people, or the list */
	size_t			 len;
	/* Of a FETCH. */
	int			 has_uid, has_size;
	uint32_t		 uid;
	uint64_t		 size;		/* RFC822.SIZE */
	enum imap_body		 body;
	int64_t			 origin;	/* of BODY[]<n>; -1: none */
	const char		*string;
	size_t			 stringlen;
	/* With IMAP_PARSE_LITERAL. */
	uint64_t		 literal;	/* bytes that follow */
	int			 literal_body;	/* they are BODY[] */
	/* Private. */
	enum imap_at		 at;
	int			 item, depth;
};

enum imap_parse {
	IMAP_PARSE_END,		/* the response is whole */
	IMAP_PARSE_LITERAL,	/* take the literal, then the next segment */
	IMAP_PARSE_ERROR	/* not IMAP */
};

/* Before the first segment of each response. */
void		 imap_parse_begin(struct imap_response *);
/* Quoted strings are unescaped in place, so the segment is changed. */
enum imap_parse	 imap_parse(struct imap_response *, char *seg, size_t len);

/*
 * The next number of a SEARCH, or range of an ESEARCH's ALL: 1 and what it
 * is, 0 at the end, -1 when the text is wrong.  *p starts as response.text.
 */
int		 imap_parse_number(const char **p, const char *end,
		    uint32_t *n);
int		 imap_parse_range(const char **p, const char *end,
		    uint32_t *low, uint32_t *high);
/*
 * The value of an item of a STATUS ("UIDNEXT"): 1 and what it is, else 0.
 */
int		 imap_parse_status(const char *text, size_t len,
		    const char *item, uint32_t *n);
/*
 * Writes s as a quoted string (RFC 3501 9, "quoted") into buf.  Its length,
 * or -1 when it cannot be one: 8-bit or control bytes need a literal; or
 * when it does not fit.
 */
int		 imap_quote(const char *s, char *buf, size_t size);

#endif
