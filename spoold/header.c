/* See LICENSE for the terms. */

/* The header block of a message: see header.h. */

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "header.h"

enum counter_state {
	COUNTER_BEGIN,		/* of a line, or within the field's name */
	COUNTER_COLON,		/* the name was whole: a colon must follow */
	COUNTER_REST,		/* of a line that does not matter */
	COUNTER_CR,		/* an empty line seems to come */
	COUNTER_BODY		/* the header block is over */
};

static int
is_space(char c)
{
	return (c == ' ' || c == '\t');
}

/* The length of the line at msg, its end included. */
static size_t
line_length(const char *msg, size_t len)
{
	const char	*end;

	if ((end = memchr(msg, '\n', len)) == NULL)
		return (len);
	return ((size_t)(end - msg) + 1);
}

static int
is_empty_line(const char *line, size_t len)
{
	return ((len == 1 && line[0] == '\n') ||
	    (len == 2 && line[0] == '\r' && line[1] == '\n'));
}

size_t
header_length(const char *msg, size_t len)
{
	size_t	 offset = 0, n;

	while (offset < len) {
		n = line_length(msg + offset, len - offset);
		if (is_empty_line(msg + offset, n))
			return (offset + n);
		offset += n;
	}
	return (len);
}

/* The length of a field's name, 0 when the line does not begin with one. */
static size_t
name_length(const char *line, size_t len)
{
	size_t		 i;
	unsigned char	 c;

	for (i = 0; i < len; i++) {
		c = (unsigned char)line[i];
		if (c == ':' || is_space(line[i]))
			break;
		if (c <= ' ' || c == 0x7f)
			return (0);
	}
	return (i);
}

/* A field at line, whose lines are len bytes in all: 1, or 0 for none. */
static int
parse_field(const char *line, size_t len, struct header_field *f)
{
	size_t	 i;

	f->name = line;
	if ((f->namelen = name_length(line, len)) == 0)
		return (0);
	/* RFC 5322 4.5.3: white space before the colon, of old. */
	for (i = f->namelen; i < len && is_space(line[i]); i++)
		continue;
	if (i == len || line[i] != ':')
		return (0);
	f->body = line + i + 1;
	f->bodylen = len - i - 1;
	if (f->bodylen > 0 && f->body[f->bodylen - 1] == '\n')
		f->bodylen--;
	if (f->bodylen > 0 && f->body[f->bodylen - 1] == '\r')
		f->bodylen--;
	return (1);
}

int
header_next(const char *msg, size_t len, size_t *offset,
    struct header_field *f)
{
	const char	*line;
	size_t		 n;

	while (*offset < len) {
		line = msg + *offset;
		n = line_length(line, len - *offset);
		if (is_empty_line(line, n))
			return (0);
		while (*offset + n < len && is_space(line[n]))
			n += line_length(line + n, len - *offset - n);
		*offset += n;
		if (parse_field(line, n, f))
			return (1);
	}
	return (0);
}

int
header_find(const char *msg, size_t len, const char *name,
    struct header_field *f)
{
	size_t	 offset = 0;

	while (header_next(msg, len, &offset, f))
		if (f->namelen == strlen(name) &&
		    strncasecmp(f->name, name, f->namelen) == 0)
			return (1);
	return (0);
}

size_t
header_unfold(const struct header_field *f, char *dst, size_t size)
{
	const char	*s = f->body;
	size_t		 i, len = f->bodylen, n = 0;

	while (len > 0 && isspace((unsigned char)*s)) {
		s++;
		len--;
	}
	while (len > 0 && isspace((unsigned char)s[len - 1]))
		len--;
	for (i = 0; i < len; i++) {
		if (s[i] == '\r' || s[i] == '\n')
			continue;
		if (n + 1 < size)
			dst[n] = s[i] == '\0' ? '?' : s[i];
		n++;
	}
	if (size > 0)
		dst[n < size ? n : size - 1] = '\0';
	return (n);
}

void
header_counter_init(struct header_counter *c, const char *name)
{
	memset(c, 0, sizeof(*c));
	c->name = name;
}

/* One byte at the begin of a line, or in what may be the name. */
static void
counter_begin(struct header_counter *c, char byte)
{
	if (c->matched == 0 && byte == '\r') {
		c->state = COUNTER_CR;
		return;
	}
	if (c->matched == 0 && byte == '\n') {
		c->state = COUNTER_BODY;
		return;
	}
	if (tolower((unsigned char)byte) !=
	    tolower((unsigned char)c->name[c->matched])) {
		c->state = COUNTER_REST;
		return;
	}
	if (c->name[++c->matched] == '\0')
		c->state = COUNTER_COLON;
}

static void
counter_byte(struct header_counter *c, char byte)
{
	switch (c->state) {
	case COUNTER_BEGIN:
		counter_begin(c, byte);
		break;
	case COUNTER_COLON:
		if (byte == ':')
			c->count++;
		if (!is_space(byte))
			c->state = COUNTER_REST;
		break;
	case COUNTER_CR:
		c->state = byte == '\n' ? COUNTER_BODY : COUNTER_REST;
		return;
	default:
		break;
	}
	if (byte == '\n' && c->state != COUNTER_BODY) {
		c->state = COUNTER_BEGIN;
		c->matched = 0;
	}
}

void
header_counter_feed(struct header_counter *c, const void *data, size_t len)
{
	const char	*s = data;
	size_t		 i;

	for (i = 0; i < len && c->state != COUNTER_BODY; i++)
		counter_byte(c, s[i]);
}
