/* See LICENSE for the terms. */

/* Replies of an SMTP server: bytes in, structures out. */

#include <sys/types.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "smtp_reply.h"

#define CODE_LEN	3		/* "250" */

static int	 digit(const char *, size_t, size_t);
static size_t	 enhanced_len(const char *, size_t);
static void	 text_append(struct smtp_reply *, const char *, size_t);
static void	 ehlo_auth(struct smtp_ehlo *, const char *, size_t);
static void	 ehlo_size(struct smtp_ehlo *, const char *, size_t);

/* The digit at position i, or -1. */
static int
digit(const char *s, size_t len, size_t i)
{
	if (i >= len || s[i] < '0' || s[i] > '9')
		return (-1);
	return (s[i] - '0');
}

/*
 * The length of an enhanced status code at the start of s (RFC 2034:
 * class "." subject "." detail, with at most three digits each, and then
 * a space or the end), or 0.
 */
static size_t
enhanced_len(const char *s, size_t len)
{
	size_t	 i, n;
	int	 part;

	if (len == 0 || (s[0] != '2' && s[0] != '4' && s[0] != '5'))
		return (0);
	i = 1;
	for (part = 0; part < 2; part++) {
		if (i >= len || s[i] != '.')
			return (0);
		i++;
		for (n = 0; n < 3 && digit(s, len, i) != -1; n++)
			i++;
		if (n == 0)
			return (0);
	}
	if (i < len && s[i] != ' ')
		return (0);
	return (i);
}

/*
 * Add the text of a line to what is kept, after a space; what is not
 * printable ASCII becomes a question mark, and a quotation mark a single
 * one, since these words go into log lines and header fields.
 */
static void
text_append(struct smtp_reply *r, const char *s, size_t len)
{
	size_t		 i, n;
	unsigned char	 c;

	n = strlen(r->text);
	if (n > 0 && len > 0 && n + 1 < sizeof(r->text))
		r->text[n++] = ' ';
	for (i = 0; i < len && n + 1 < sizeof(r->text); i++) {
		c = (unsigned char)s[i];
		if (c == '\t')
			c = ' ';
		else if (c == '"')
			c = '\'';
		else if (c < 0x20 || c > 0x7e)
			c = '?';
		r->text[n++] = (char)c;
	}
	r->text[n] = '\0';
}

void
smtp_reply_init(struct smtp_reply *r)
{
	memset(r, 0, sizeof(*r));
}

int
smtp_reply_line(struct smtp_reply *r, const char *s, size_t len)
{
	size_t	 n;
	int	 code, more;

	if (digit(s, len, 0) < 2 || digit(s, len, 0) > 5 ||
	    digit(s, len, 1) == -1 || digit(s, len, 2) == -1)
		return (-1);
	code = (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
	if (len > CODE_LEN && s[CODE_LEN] != ' ' && s[CODE_LEN] != '-')
		return (-1);
	if (r->lines > 0 && code != r->code)
		return (-1);
	if (++r->lines > SMTP_REPLY_LINES_MAX)
		return (-1);
	r->code = code;
	more = len > CODE_LEN && s[CODE_LEN] == '-';

	n = len > CODE_LEN ? CODE_LEN + 1 : CODE_LEN;
	s += n;
	len -= n;
	/* Each line repeats the code; the first one counts. */
	if ((n = enhanced_len(s, len)) > 0) {
		if (r->enhanced[0] == '\0') {
			memcpy(r->enhanced, s, n);
			r->enhanced[n] = '\0';
		}
		s += n;
		len -= n;
	}
	while (len > 0 && *s == ' ') {
		s++;
		len--;
	}
	text_append(r, s, len);
	return (!more);
}

void
smtp_reply_local(struct smtp_reply *r, int code, const char *enhanced,
    const char *text)
{
	smtp_reply_init(r);
	r->code = code;
	r->local = 1;
	r->lines = 1;
	(void)snprintf(r->enhanced, sizeof(r->enhanced), "%s", enhanced);
	text_append(r, text, strlen(text));
}

const char *
smtp_reply_format(const struct smtp_reply *r, char *buf, size_t len)
{
	(void)snprintf(buf, len, "%d%s%s%s%s", r->code,
	    r->enhanced[0] != '\0' ? " " : "", r->enhanced,
	    r->text[0] != '\0' ? " " : "", r->text);
	return (buf);
}

void
smtp_reply_status(const struct smtp_reply *r, char *buf)
{
	if (r->enhanced[0] != '\0' && r->enhanced[0] - '0' == r->code / 100)
		(void)snprintf(buf, SMTP_ENHANCED_MAX, "%s", r->enhanced);
	else
		(void)snprintf(buf, SMTP_ENHANCED_MAX, "%d.0.0",
		    r->code / 100 % 10);
}

/* The mechanisms of AUTH: words. */
static void
ehlo_auth(struct smtp_ehlo *e, const char *s, size_t len)
{
	size_t	 n;

	while (len > 0) {
		/* "AUTH=LOGIN" is the old way, before RFC 2554. */
		if (*s == ' ' || *s == '=') {
			s++;
			len--;
			continue;
		}
		for (n = 0; n < len && s[n] != ' '; n++)
			;
		if (n == 5 && strncasecmp(s, "PLAIN", n) == 0)
			e->extensions |= SMTP_EXT_AUTH_PLAIN;
		else if (n == 5 && strncasecmp(s, "LOGIN", n) == 0)
			e->extensions |= SMTP_EXT_AUTH_LOGIN;
		s += n;
		len -= n;
	}
}

/* The number after SIZE, if there is one that makes sense. */
static void
ehlo_size(struct smtp_ehlo *e, const char *s, size_t len)
{
	uint64_t	 v = 0;
	size_t		 i;
	int		 d;

	e->extensions |= SMTP_EXT_SIZE;
	while (len > 0 && *s == ' ') {
		s++;
		len--;
	}
	for (i = 0; i < len && s[i] != ' '; i++) {
		if ((d = digit(s, len, i)) == -1)
			return;
		if (v > (UINT64_MAX - (uint64_t)d) / 10)
			return;
		v = v * 10 + (uint64_t)d;
	}
	e->size = v;
}

void
smtp_ehlo_line(struct smtp_ehlo *e, const char *s, size_t len)
{
	static const struct {
		const char	*name;
		uint32_t	 extension;
	} words[] = {
		{ "PIPELINING",	SMTP_EXT_PIPELINING },
		{ "CHUNKING",	SMTP_EXT_CHUNKING },
		{ "8BITMIME",	SMTP_EXT_8BITMIME },
		{ "SMTPUTF8",	SMTP_EXT_SMTPUTF8 },
		{ "STARTTLS",	SMTP_EXT_STARTTLS },
		{ "DSN",	SMTP_EXT_DSN },
		{ "MT-PRIORITY", SMTP_EXT_MT_PRIORITY },
		{ "DELIVERBY",	SMTP_EXT_DELIVERBY },
	};
	size_t	 i, n;

	if (len <= CODE_LEN)
		return;
	s += CODE_LEN + 1;
	len -= CODE_LEN + 1;
	for (n = 0; n < len && s[n] != ' ' && s[n] != '='; n++)
		;
	if (n == 4 && strncasecmp(s, "AUTH", n) == 0)
		ehlo_auth(e, s + n, len - n);
	else if (n == 4 && strncasecmp(s, "SIZE", n) == 0)
		ehlo_size(e, s + n, len - n);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (n == strlen(words[i].name) &&
		    strncasecmp(s, words[i].name, n) == 0)
			e->extensions |= words[i].extension;
	}
}
