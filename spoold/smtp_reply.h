/* See LICENSE for the terms. */

/*
 * Replies of an SMTP server: a pure parser of lines, of multi-line replies
 * (RFC 5321 4.2.1), enhanced status codes (RFC 2034, 3463) and the keywords
 * of EHLO (RFC 5321 4.1.1.1).
 */
#ifndef SPOOLD_SMTP_REPLY_H
#define SPOOLD_SMTP_REPLY_H

#include <sys/types.h>
#include <stdint.h>

/*
 * RFC 5321 4.5.3.1.5 allows 512; servers that pack help and addresses into
 * a line are longer, and cost nothing to bear with.
 */
#define SMTP_REPLY_LINE_MAX	4096
/* A reply of more lines than this is a flood, not an answer. */
#define SMTP_REPLY_LINES_MAX	256
/* What is kept of the text: enough for an operator and for a bounce. */
#define SMTP_REPLY_TEXT_MAX	512
#define SMTP_ENHANCED_MAX	12	/* "5.999.999" */

struct smtp_reply {
	int		 code;		/* 200 to 599; 0: none yet */
	int		 local;		/* ours: no server said it */
	unsigned int	 lines;		/* read so far */
	char		 enhanced[SMTP_ENHANCED_MAX];	/* or "" */
	char		 text[SMTP_REPLY_TEXT_MAX];	/* printable ASCII */
};

/* Begin a new reply. */
void	 smtp_reply_init(struct smtp_reply *);
/*
 * One more line, without its end.  1: the reply is whole; 0: more lines
 * follow; -1: that was no reply (bad code, codes that differ, too many
 * lines), and the reply is not to be used.
 */
int	 smtp_reply_line(struct smtp_reply *, const char *, size_t);
/* A reply of our own making, as if a server had said it. */
void	 smtp_reply_local(struct smtp_reply *, int code, const char *enhanced,
	    const char *text);
/*
 * "550 5.1.1 no such user": printable ASCII without quotation marks, so that
 * it can stand between them in a log line; cut to fit.  Returns buf.
 */
const char	*smtp_reply_format(const struct smtp_reply *, char *buf,
		    size_t len);
/*
 * The RFC 3463 status of a reply into buf of SMTP_ENHANCED_MAX bytes: its
 * enhanced code if that agrees with the first digit, else X.0.0.
 */
void	 smtp_reply_status(const struct smtp_reply *, char *buf);

/* What a server offers. */
#define SMTP_EXT_PIPELINING	0x001	/* RFC 2920 */
#define SMTP_EXT_CHUNKING	0x002	/* RFC 3030 */
#define SMTP_EXT_8BITMIME	0x004	/* RFC 6152 */
#define SMTP_EXT_SMTPUTF8	0x008	/* RFC 6531 */
#define SMTP_EXT_SIZE		0x010	/* RFC 1870 */
#define SMTP_EXT_STARTTLS	0x020	/* RFC 3207 */
#define SMTP_EXT_DSN		0x040	/* RFC 3461 */
#define SMTP_EXT_AUTH_PLAIN	0x080	/* RFC 4954, 4616 */
#define SMTP_EXT_AUTH_LOGIN	0x100
#define SMTP_EXT_MT_PRIORITY	0x200	/* RFC 6710 */
#define SMTP_EXT_DELIVERBY	0x400	/* RFC 2852 */

struct smtp_ehlo {
	uint32_t	 extensions;	/* SMTP_EXT_* */
	uint64_t	 size;		/* largest message; 0: no limit told */
};

/*
 * One line of the reply to EHLO, "250-" and all, from the second on (the
 * first is the server's name).  Unknown keywords are passed over.
 */
void	 smtp_ehlo_line(struct smtp_ehlo *, const char *, size_t);

#endif
