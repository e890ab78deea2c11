/* See LICENSE for the terms. */
/* What a POP3 server says. */

#include <string.h>
#include <strings.h>

#include "decimal.h"
#include "pop3_reply.h"

static const struct {
	const char	*name;
	enum pop3_code	 code;
} codes[] = {
	{ "AUTH",		POP3_CODE_AUTH },
	{ "IN-USE",		POP3_CODE_IN_USE },
	{ "LOGIN-DELAY",	POP3_CODE_LOGIN_DELAY },
	{ "SYS/TEMP",		POP3_CODE_SYS_TEMP },
	{ "SYS/PERM",		POP3_CODE_SYS_PERM },
};

static const struct {
	const char	*name;
	uint32_t	 bit;
} capabilities[] = {
	{ "STLS",		POP3_CAP_STLS },
	{ "USER",		POP3_CAP_USER },
	{ "UIDL",		POP3_CAP_UIDL },
	{ "PIPELINING",		POP3_CAP_PIPELINING },
};

/* The next word, blanks skipped; its length, 0 at the end. */
static size_t
next_word(const char **p, const char *end)
{
	const char	*s;

	while (*p < end && (**p == ' ' || **p == '\t'))
		(*p)++;
	for (s = *p; s < end && *s != ' ' && *s != '\t'; s++)
		;
	return ((size_t)(s - *p));
}

static int
word_is(const char *p, size_t len, const char *name)
{
	return (len == strlen(name) && strncasecmp(p, name, len) == 0);
}

/* "[CODE] text": the code, and the text after it. */
static void
parse_code(struct pop3_reply *r)
{
	const char	*end;
	size_t		 i, len;

	if (r->len == 0 || r->text[0] != '[' ||
	    (end = memchr(r->text, ']', r->len)) == NULL)
		return;
	len = (size_t)(end - r->text) - 1;
	r->code = POP3_CODE_OTHER;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (word_is(r->text + 1, len, codes[i].name))
			r->code = codes[i].code;
}

void
pop3_reply_parse(const char *line, size_t len, struct pop3_reply *r)
{
	size_t	 n;

	memset(r, 0, sizeof(*r));
	r->status = POP3_INVALID;
	r->text = line;
	r->len = len;
	if (len >= 3 && strncasecmp(line, "+OK", 3) == 0) {
		r->status = POP3_OK;
		n = 3;
	} else if (len >= 4 && strncasecmp(line, "-ERR", 4) == 0) {
		r->status = POP3_ERR;
		n = 4;
	} else if (len >= 1 && line[0] == '+' &&
	    (len == 1 || line[1] == ' ')) {
		r->status = POP3_CONTINUE;
		n = 1;
	} else
		return;
	if (n < len && line[n] != ' ') {
		r->status = POP3_INVALID;
		return;
	}
	while (n < len && line[n] == ' ')
		n++;
	r->text = line + n;
	r->len = len - n;
	if (r->status == POP3_ERR)
		parse_code(r);
}

/* Is the word of len bytes at *p that name?  Then *p is past it. */
static int
take_word(const char **p, const char *end, const char *name)
{
	size_t	 n = next_word(p, end);

	if (!word_is(*p, n, name))
		return (0);
	*p += n;
	return (1);
}

uint32_t
pop3_reply_capability(const char *line, size_t len)
{
	const char	*p = line, *end = line + len;
	size_t		 i, n;

	n = next_word(&p, end);
	for (i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		if (word_is(p, n, capabilities[i].name))
			return (capabilities[i].bit);
	if (take_word(&p, end, "EXPIRE"))
		return (take_word(&p, end, "0") ? POP3_CAP_EXPIRE_0 : 0);
	if (!take_word(&p, end, "SASL"))
		return (0);
	for (; (n = next_word(&p, end)) > 0; p += n)
		if (word_is(p, n, "PLAIN"))
			return (POP3_CAP_SASL_PLAIN);
	return (0);
}

/* A message number, which is never 0, and what follows it. */
static int
take_number(const char **p, const char *end, uint32_t *number)
{
	uint64_t	 n;

	if (decimal_take(p, end, UINT32_MAX, &n) == -1 || n == 0 ||
	    *p == end || (**p != ' ' && **p != '\t'))
		return (-1);
	*number = (uint32_t)n;
	return (0);
}

int
pop3_reply_uidl(const char *line, size_t len, uint32_t *number,
    char uid[PROTO_UID_MAX])
{
	const char	*p = line, *end = line + len;
	size_t		 i, n;

	if (take_number(&p, end, number) == -1)
		return (-1);
	n = next_word(&p, end);
	if (n == 0 || n >= PROTO_UID_MAX)
		return (-1);
	for (i = 0; i < n; i++)
		if (p[i] < 0x21 || p[i] > 0x7e)
			return (-1);
	memcpy(uid, p, n);
	uid[n] = '\0';
	p += n;
	return (next_word(&p, end) == 0 ? 0 : -1);
}

int
pop3_reply_list(const char *line, size_t len, uint32_t *number,
    uint64_t *size)
{
	const char	*p = line, *end = line + len;

	if (take_number(&p, end, number) == -1)
		return (-1);
	(void)next_word(&p, end);
	/* More may follow the size; RFC 1939 5 leaves it undefined. */
	return (decimal_take(&p, end, INT64_MAX, size));
}

int
pop3_reply_end(const char *line, size_t len)
{
	return (len == 1 && line[0] == '.');
}
