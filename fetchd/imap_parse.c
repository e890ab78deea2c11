/* See LICENSE for the terms. */
/* Responses of an IMAP server. */

#include <string.h>
#include <strings.h>

#include "decimal.h"
#include "imap_parse.h"

#define DEPTH_MAX	200	/* nested lists; a BODYSTRUCTURE has few */

enum item {			/* of a FETCH */
	ITEM_OTHER,
	ITEM_UID,
	ITEM_SIZE,
	ITEM_BODYSTRUCTURE,	/* BODY without a section */
	ITEM_BODY		/* BODY[] */
};

struct cursor {
	char		*p;
	char		*end;
};

struct word {
	const char	*name;
	uint32_t	 value;
};

static const struct word status_words[] = {
	{ "OK",			IMAP_OK },
	{ "NO",			IMAP_NO },
	{ "BAD",		IMAP_BAD },
	{ "PREAUTH",		IMAP_PREAUTH },
	{ "BYE",		IMAP_BYE },
	{ NULL,			0 }
};

static const struct word data_words[] = {
	{ "CAPABILITY",		IMAP_CAPABILITY },
	{ "SEARCH",		IMAP_SEARCH },
	{ "ESEARCH",		IMAP_ESEARCH },
	{ "STATUS",		IMAP_STATUS },
	{ NULL,			0 }
};

static const struct word number_words[] = {
	{ "EXISTS",		IMAP_EXISTS },
	{ "EXPUNGE",		IMAP_EXPUNGE },
	{ "FETCH",		IMAP_FETCH },
	{ NULL,			0 }
};

static const struct word code_words[] = {
	{ "ALERT",		IMAP_CODE_ALERT },
	{ "CAPABILITY",		IMAP_CODE_CAPABILITY },
	{ "UIDVALIDITY",	IMAP_CODE_UIDVALIDITY },
	{ "UIDNEXT",		IMAP_CODE_UIDNEXT },
	{ "READ-ONLY",		IMAP_CODE_READ_ONLY },
	{ "UIDNOTSTICKY",	IMAP_CODE_UIDNOTSTICKY },
	{ "UNAVAILABLE",	IMAP_CODE_UNAVAILABLE },
	{ "INUSE",		IMAP_CODE_INUSE },
	{ NULL,			0 }
};

static const struct word item_words[] = {
	{ "UID",		ITEM_UID },
	{ "RFC822.SIZE",	ITEM_SIZE },
	{ "BODY",		ITEM_BODYSTRUCTURE },
	{ NULL,			0 }
};

/* RFC 9051 appendix E: revision 2 has these without naming them. */
#define REV2	(IMAP_CAP_IMAP4 | IMAP_CAP_SASL_IR | IMAP_CAP_UIDPLUS | \
		    IMAP_CAP_ESEARCH | IMAP_CAP_LITERAL_MINUS)

static const struct word capability_words[] = {
	{ "IMAP4rev1",		IMAP_CAP_IMAP4 },
	{ "IMAP4rev2",		REV2 },
	{ "STARTTLS",		IMAP_CAP_STARTTLS },
	{ "LOGINDISABLED",	IMAP_CAP_LOGINDISABLED },
	{ "AUTH=PLAIN",		IMAP_CAP_AUTH_PLAIN },
	{ "SASL-IR",		IMAP_CAP_SASL_IR },
	{ "LITERAL+",		IMAP_CAP_LITERAL_PLUS },
	{ "LITERAL-",		IMAP_CAP_LITERAL_MINUS },
	{ "UIDPLUS",		IMAP_CAP_UIDPLUS },
	{ "ESEARCH",		IMAP_CAP_ESEARCH },
	{ "COMPRESS=DEFLATE",	IMAP_CAP_COMPRESS },
	{ NULL,			0 }
};

/* The row of the word of len bytes, or NULL. */
static const struct word *
word_find(const struct word *w, const char *p, size_t len)
{
	for (; w->name != NULL; w++)
		if (strlen(w->name) == len && strncasecmp(w->name, p, len) == 0)
			return (w);
	return (NULL);
}

/* The length of the atom at the cursor. */
static size_t
atom_len(const struct cursor *c)
{
	const char	*s;

	for (s = c->p; s < c->end && *s != ' ' && *s != '(' && *s != ')' &&
	    *s != '"' && *s != '{'; s++)
		;
	return ((size_t)(s - c->p));
}

static void
skip_blanks(struct cursor *c)
{
	while (c->p < c->end && *c->p == ' ')
		c->p++;
}

static int
take_decimal(struct cursor *c, uint64_t max, uint64_t *n)
{
	const char	*p = c->p;

	if (decimal_take(&p, c->end, max, n) == -1)
		return (-1);
	c->p += p - c->p;
	return (0);
}

/* A literal announced at the very end of the segment: 1, or 0, or -1. */
static int
take_literal(struct cursor *c, uint64_t *n)
{
	struct cursor	 t = *c;

	if (t.p == t.end || *t.p != '{')
		return (0);
	t.p++;
	if (take_decimal(&t, INT64_MAX, n) == -1 || t.end - t.p != 1 ||
	    *t.p != '}')
		return (-1);
	c->p = c->end;
	return (1);
}

/* A quoted string, unescaped in place. */
static int
take_quoted(struct cursor *c, const char **string, size_t *len)
{
	char	*from = c->p + 1, *to = c->p + 1;

	for (; from < c->end && *from != '"'; from++) {
		if (*from == '\\' && ++from == c->end)
			return (-1);
		*to++ = *from;
	}
	if (from == c->end)
		return (-1);
	*string = c->p + 1;
	*len = (size_t)(to - *string);
	c->p = from + 1;
	return (0);
}

static uint32_t
parse_capabilities(const char *p, const char *end)
{
	const struct word	*w;
	const char		*s;
	uint32_t		 bits = 0;

	for (; p < end; p = s + 1) {
		for (s = p; s < end && *s != ' '; s++)
			;
		w = word_find(capability_words, p, (size_t)(s - p));
		if (w != NULL)
			bits |= w->value;
	}
	return (bits);
}

/* resp-text: "[CODE args] text", RFC 3501 7.1. */
static void
parse_text(struct imap_response *r, struct cursor *c)
{
	const struct word	*w;
	char			*close, *s;
	uint64_t		 n;

	skip_blanks(c);
	r->text = c->p;
	r->len = (size_t)(c->end - c->p);
	if (c->p == c->end || *c->p != '[' ||
	    (close = memchr(c->p, ']', r->len)) == NULL)
		return;
	for (s = ++c->p; s < close && *s != ' '; s++)
		;
	w = word_find(code_words, c->p, (size_t)(s - c->p));
	r->code = w == NULL ? IMAP_CODE_OTHER : (enum imap_code)w->value;
	while (s < close && *s == ' ')
		s++;
	if (r->code == IMAP_CODE_CAPABILITY)
		r->capability = parse_capabilities(s, close);
	else if (r->code == IMAP_CODE_UIDVALIDITY ||
	    r->code == IMAP_CODE_UIDNEXT) {
		c->p = s;
		if (take_decimal(c, UINT32_MAX, &n) == -1 || n == 0)
			r->code = IMAP_CODE_OTHER;
		else
			r->value = (uint32_t)n;
	}
}

/* What is skipped as a whole may still have literals in it. */
static enum imap_parse
parse_other(struct imap_response *r, struct cursor *c)
{
	char	*open;

	r->at = IMAP_AT_OTHER;
	r->literal_body = 0;
	if (c->p < c->end && c->end[-1] == '}' &&
	    (open = memrchr(c->p, '{', (size_t)(c->end - c->p))) != NULL) {
		c->p = open;
		if (take_literal(c, &r->literal) == 1)
			return (IMAP_PARSE_LITERAL);
	}
	return (IMAP_PARSE_END);
}

/* "[section]<origin>" after a name; only the section that is empty counts. */
static int
parse_section(struct imap_response *r, struct cursor *c)
{
	char		*close;
	uint64_t	 n;

	if (c->p == c->end || *c->p != '[')
		return (0);
	close = memchr(c->p, ']', (size_t)(c->end - c->p));
	if (close == NULL)
		return (-1);
	if (r->item == ITEM_BODYSTRUCTURE && close == c->p + 1) {
		if (r->body != IMAP_BODY_NONE)
			return (-1);	/* two bodies of one message */
		r->item = ITEM_BODY;
		r->origin = -1;
	}
	c->p = close + 1;
	if (c->p == c->end || *c->p != '<')
		return (0);
	c->p++;
	if (take_decimal(c, INT64_MAX, &n) == -1 || c->p == c->end ||
	    *c->p++ != '>')
		return (-1);
	if (r->item == ITEM_BODY)
		r->origin = (int64_t)n;
	return (0);
}

/* "BODY[]<0>", "UID", "FLAGS": the name of an item, and the blank. */
static enum imap_parse
parse_item(struct imap_response *r, struct cursor *c)
{
	const struct word	*w;
	const char		*name = c->p;

	while (c->p < c->end && strchr(" ()[\"{", *c->p) == NULL)
		c->p++;
	w = word_find(item_words, name, (size_t)(c->p - name));
	r->item = w == NULL ? ITEM_OTHER : (int)w->value;
	if (parse_section(r, c) == -1 || c->p == name || c->p == c->end ||
	    *c->p != ' ')
		return (IMAP_PARSE_ERROR);
	skip_blanks(c);
	r->at = IMAP_AT_VALUE;
	return (IMAP_PARSE_END);
}

/* The value of an item that we asked for: 1 taken, 0 it is not simple, -1. */
static int
parse_known(struct imap_response *r, struct cursor *c)
{
	uint64_t	 n;

	switch (r->item) {
	case ITEM_UID:
		if (take_decimal(c, UINT32_MAX, &n) == -1 || n == 0)
			return (-1);
		r->uid = (uint32_t)n;
		r->has_uid = 1;
		return (1);
	case ITEM_SIZE:
		if (take_decimal(c, INT64_MAX, &n) == -1)
			return (-1);
		r->size = n;
		r->has_size = 1;
		return (1);
	case ITEM_BODY:
		if (*c->p == '"') {
			r->body = IMAP_BODY_STRING;
			return (take_quoted(c, &r->string,
			    &r->stringlen) == -1 ? -1 : 1);
		}
		if (atom_len(c) == 3 && strncasecmp(c->p, "NIL", 3) == 0) {
			r->body = IMAP_BODY_NIL;
			c->p += 3;
			return (1);
		}
		if (*c->p != '{' && *c->p != '~')
			return (-1);
		return (0);
	default:
		return (0);
	}
}

/* One token of any value, lists counted by depth, nothing recursive. */
static enum imap_parse
parse_token(struct imap_response *r, struct cursor *c)
{
	const char	*string;
	size_t		 len;

	switch (*c->p) {
	case '(':
		if (r->depth++ == DEPTH_MAX)
			return (IMAP_PARSE_ERROR);
		c->p++;
		return (IMAP_PARSE_END);
	case ')':
		if (r->depth-- == 0)
			return (IMAP_PARSE_ERROR);
		c->p++;
		return (IMAP_PARSE_END);
	case '"':
		return (take_quoted(c, &string, &len) == -1 ?
		    IMAP_PARSE_ERROR : IMAP_PARSE_END);
	case '~':		/* literal8, RFC 3516 */
		if (c->end - c->p > 1 && c->p[1] == '{')
			c->p++;
		break;
	}
	switch (take_literal(c, &r->literal)) {
	case 1:
		r->literal_body = r->item == ITEM_BODY;
		if (r->literal_body)
			r->body = IMAP_BODY_LITERAL;
		return (IMAP_PARSE_LITERAL);
	case -1:
		return (IMAP_PARSE_ERROR);
	}
	if ((len = atom_len(c)) == 0)
		return (IMAP_PARSE_ERROR);
	c->p += len;
	return (IMAP_PARSE_END);
}

/* A value, which goes on in the next segment after a literal. */
static enum imap_parse
parse_value(struct imap_response *r, struct cursor *c)
{
	enum imap_parse	 res;

	if (c->p == c->end)
		return (IMAP_PARSE_ERROR);
	if (r->depth == 0) {
		switch (parse_known(r, c)) {
		case 1:
			r->at = IMAP_AT_ITEM;
			return (IMAP_PARSE_END);
		case -1:
			return (IMAP_PARSE_ERROR);
		}
	}
	do {
		res = parse_token(r, c);
		if (res != IMAP_PARSE_END)
			break;
		if (r->depth > 0)
			skip_blanks(c);
	} while (r->depth > 0 && c->p < c->end);
	if (res == IMAP_PARSE_ERROR || (res == IMAP_PARSE_END && r->depth > 0))
		return (IMAP_PARSE_ERROR);
	if (r->depth == 0)
		r->at = IMAP_AT_ITEM;
	return (res);
}

/* "(name value name value)", from where the last segment stopped. */
static enum imap_parse
parse_items(struct imap_response *r, struct cursor *c)
{
	enum imap_parse	 res;

	for (;;) {
		skip_blanks(c);
		if (c->p == c->end)
			return (IMAP_PARSE_ERROR);
		if (r->at == IMAP_AT_VALUE)
			res = parse_value(r, c);
		else if (*c->p == ')') {
			c->p++;
			skip_blanks(c);
			return (c->p == c->end ? IMAP_PARSE_END :
			    IMAP_PARSE_ERROR);
		} else
			res = parse_item(r, c);
		if (res != IMAP_PARSE_END)
			return (res);
	}
}

/* "* 12 FETCH (...": the number is taken already. */
static enum imap_parse
parse_numbered(struct imap_response *r, struct cursor *c)
{
	const struct word	*w;
	size_t			 len;

	skip_blanks(c);
	len = atom_len(c);
	w = word_find(number_words, c->p, len);
	c->p += len;
	if (w == NULL)
		return (parse_other(r, c));
	r->type = (enum imap_type)w->value;
	if (r->type != IMAP_FETCH)
		return (IMAP_PARSE_END);
	skip_blanks(c);
	if (c->p == c->end || *c->p++ != '(')
		return (IMAP_PARSE_ERROR);
	r->at = IMAP_AT_ITEM;
	return (parse_items(r, c));
}

static enum imap_parse
parse_untagged(struct imap_response *r, struct cursor *c)
{
	const struct word	*w;
	uint64_t		 n;
	size_t			 len;

	if (take_decimal(c, UINT32_MAX, &n) == 0) {
		r->number = (uint32_t)n;
		return (parse_numbered(r, c));
	}
	len = atom_len(c);
	if ((w = word_find(status_words, c->p, len)) != NULL) {
		r->type = (enum imap_type)w->value;
		c->p += len;
		parse_text(r, c);
		return (IMAP_PARSE_END);
	}
	if ((w = word_find(data_words, c->p, len)) == NULL)
		return (parse_other(r, c));
	/* The name of the mailbox may be a literal: of no use then. */
	if (w->value == IMAP_STATUS && c->end[-1] == '}')
		return (parse_other(r, c));
	r->type = (enum imap_type)w->value;
	c->p += len;
	skip_blanks(c);
	r->text = c->p;
	r->len = (size_t)(c->end - c->p);
	if (r->type == IMAP_CAPABILITY)
		r->capability = parse_capabilities(c->p, c->end);
	return (IMAP_PARSE_END);
}

/* "a17 OK text" */
static enum imap_parse
parse_tagged(struct imap_response *r, struct cursor *c)
{
	const struct word	*w;
	uint64_t		 n;
	size_t			 len;

	if (c->p == c->end || *c->p++ != 'a' ||
	    take_decimal(c, UINT32_MAX, &n) == -1 ||
	    c->p == c->end || *c->p != ' ')
		return (IMAP_PARSE_ERROR);
	skip_blanks(c);
	len = atom_len(c);
	if ((w = word_find(status_words, c->p, len)) == NULL ||
	    w->value > IMAP_BAD)
		return (IMAP_PARSE_ERROR);
	c->p += len;
	r->tagged = 1;
	r->tag = (uint32_t)n;
	r->type = (enum imap_type)w->value;
	parse_text(r, c);
	return (IMAP_PARSE_END);
}

void
imap_parse_begin(struct imap_response *r)
{
	memset(r, 0, sizeof(*r));
	r->type = IMAP_OTHER;
	r->at = IMAP_AT_START;
	r->origin = -1;
}

enum imap_parse
imap_parse(struct imap_response *r, char *seg, size_t len)
{
	struct cursor	 c = { seg, seg + len };

	r->text = seg;
	r->len = 0;
	r->string = NULL;
	r->stringlen = 0;
	switch (r->at) {
	case IMAP_AT_OTHER:
		return (parse_other(r, &c));
	case IMAP_AT_ITEM:
	case IMAP_AT_VALUE:
		return (parse_items(r, &c));
	case IMAP_AT_START:
		break;
	}
	if (len >= 1 && seg[0] == '+') {
		r->type = IMAP_CONTINUE;
		c.p++;
		skip_blanks(&c);
		r->text = c.p;
		r->len = (size_t)(c.end - c.p);
		return (IMAP_PARSE_END);
	}
	if (len >= 2 && seg[0] == '*' && seg[1] == ' ') {
		c.p += 2;
		skip_blanks(&c);
		return (parse_untagged(r, &c));
	}
	return (parse_tagged(r, &c));
}

int
imap_parse_number(const char **p, const char *end, uint32_t *n)
{
	uint64_t	 v;

	while (*p < end && **p == ' ')
		(*p)++;
	/* "(MODSEQ 917)" may follow, RFC 7162. */
	if (*p == end || **p == '(')
		return (0);
	if (decimal_take(p, end, UINT32_MAX, &v) == -1 || v == 0 ||
	    (*p < end && **p != ' '))
		return (-1);
	*n = (uint32_t)v;
	return (1);
}

/* "(TAG "a5") UID ALL 1:4,7": moves to what follows ALL; 0 if it is not. */
static int
find_all(const char **p, const char *end)
{
	const char	*s = *p;

	if (s < end && *s == '(') {
		if ((s = memchr(s, ')', (size_t)(end - s))) == NULL)
			return (0);
		s++;
	}
	for (; end - s > 4; s++) {
		if ((s == *p || s[-1] == ' ') &&
		    strncasecmp(s, "ALL ", 4) == 0) {
			*p = s + 4;
			return (1);
		}
	}
	return (0);
}

int
imap_parse_range(const char **p, const char *end, uint32_t *low,
    uint32_t *high)
{
	uint64_t	 a, b;

	if (*p < end && (**p == '(' || **p == 'U' || **p == 'u' ||
	    **p == 'A' || **p == 'a')) {
		if (!find_all(p, end)) {
			*p = end;
			return (0);
		}
	} else if (*p < end && **p == ',')
		(*p)++;
	if (*p == end || **p == ' ')
		return (0);
	if (decimal_take(p, end, UINT32_MAX, &a) == -1 || a == 0)
		return (-1);
	b = a;
	if (*p < end && **p == ':') {
		(*p)++;
		if (decimal_take(p, end, UINT32_MAX, &b) == -1 || b == 0)
			return (-1);
	}
	if (*p < end && **p != ',' && **p != ' ')
		return (-1);
	*low = (uint32_t)(a < b ? a : b);
	*high = (uint32_t)(a < b ? b : a);
	return (1);
}

/* 'INBOX (UIDNEXT 5 UIDVALIDITY 77)'; a name may have brackets, too. */
int
imap_parse_status(const char *text, size_t len, const char *item, uint32_t *n)
{
	const char	*p, *s, *end = text + len;
	uint64_t	 v;

	if (len == 0 || (p = memrchr(text, '(', len)) == NULL)
		return (0);
	for (p++; p < end; p = s) {
		for (s = p; s < end && *s != ' ' && *s != ')'; s++)
			;
		if ((size_t)(s - p) == strlen(item) &&
		    strncasecmp(p, item, (size_t)(s - p)) == 0)
			break;
		if (s < end)
			s++;
	}
	if (p >= end || s == end || *s != ' ')
		return (0);
	s++;
	if (decimal_take(&s, end, UINT32_MAX, &v) == -1 || s == end ||
	    (*s != ' ' && *s != ')'))
		return (0);
	*n = (uint32_t)v;
	return (1);
}

int
imap_quote(const char *s, char *buf, size_t size)
{
	size_t	 n = 0;

	if (size < 3)
		return (-1);
	buf[n++] = '"';
	for (; *s != '\0'; s++) {
		if (*s < 0x20 || *s > 0x7e || n + 4 > size)
			return (-1);
		if (*s == '"' || *s == '\\')
			buf[n++] = '\\';
		buf[n++] = *s;
	}
	buf[n++] = '"';
	buf[n] = '\0';
	return ((int)n);
}
