/* See LICENSE for the terms. */

/* The header block of a message: see header.h. */

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "header.h"
#include "proto.h"

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

enum class_state {
	CLASS_LINE,		/* the begin of a line */
	CLASS_NAME,		/* in a field's name */
	CLASS_BLANK,		/* behind it, before the colon */
	CLASS_VALUE,
	CLASS_REST,		/* of a line that does not matter */
	CLASS_CR,		/* an empty line seems to come */
	CLASS_BODY		/* the header block is over */
};

#define PRIORITY_URGENT	2	/* from here on; below 0 it is bulk */

void
header_class_init(struct header_class *c)
{
	memset(c, 0, sizeof(*c));
	c->state = CLASS_LINE;
}

int
header_priority(const char *s, size_t len, int *priority)
{
	int	 negative = 0;

	if (len > 1 && *s == '-') {
		negative = 1;
		s++;
		len--;
	}
	if (len != 1 || *s < '0' || *s > '9' || (negative && *s == '0'))
		return (-1);
	*priority = negative ? -(*s - '0') : *s - '0';
	return (0);
}

/* 1 when the field's name is that. */
static int
class_is(const struct header_class *c, const char *name)
{
	return (c->namelen == strlen(name) &&
	    memcmp(c->name, name, c->namelen) == 0);
}

static int
is_word(const char *s, size_t len, const char *word)
{
	return (len == strlen(word) && strncasecmp(s, word, len) == 0);
}

/* The field is whole: what its first word says. */
static void
class_field(struct header_class *c)
{
	const char	*s = c->value;
	size_t		 n;

	for (n = 0; n < c->valuelen; n++)
		if (!isalnum((unsigned char)s[n]) && s[n] != '-')
			break;
	if (class_is(c, "precedence")) {
		if (is_word(s, n, "bulk") || is_word(s, n, "list") ||
		    is_word(s, n, "junk"))
			c->found |= HEADER_LIST;
	} else if (class_is(c, "mt-priority")) {
		if (header_priority(s, n, &c->priority) == 0)
			c->found |= HEADER_PRIORITY;
	} else if (class_is(c, "priority")) {
		if (is_word(s, n, "urgent"))
			c->found |= HEADER_URGENT;
		else if (is_word(s, n, "non-urgent"))
			c->found |= HEADER_LOW;
	} else if (class_is(c, "importance")) {
		if (is_word(s, n, "high"))
			c->found |= HEADER_URGENT;
		else if (is_word(s, n, "low"))
			c->found |= HEADER_LOW;
	} else if (class_is(c, "x-priority") && n == 1) {
		if (*s == '1' || *s == '2')
			c->found |= HEADER_URGENT;
		else if (*s == '5')
			c->found |= HEADER_LOW;
	}
	c->namelen = c->valuelen = 0;
}

void
header_class_end(struct header_class *c)
{
	if (c->state != CLASS_NAME && c->state != CLASS_BLANK)
		class_field(c);
	c->state = CLASS_BODY;
}

static void
class_name(struct header_class *c, char byte)
{
	if (byte == ':') {
		c->state = c->namelen > 0 ? CLASS_VALUE : CLASS_REST;
		return;
	}
	if (is_space(byte) && c->namelen > 0) {
		c->state = CLASS_BLANK;
		return;
	}
	if (c->namelen == sizeof(c->name) || (unsigned char)byte <= ' ') {
		c->namelen = 0;
		c->state = byte == '\n' ? CLASS_LINE : CLASS_REST;
		return;
	}
	c->name[c->namelen++] = (char)tolower((unsigned char)byte);
}

/* The first byte of a line. */
static void
class_line(struct header_class *c, char byte)
{
	if (is_space(byte)) {
		/* Folded: it goes on, if it is one that matters. */
		c->state = c->namelen > 0 ? CLASS_VALUE : CLASS_REST;
		return;
	}
	class_field(c);
	if (byte == '\r')
		c->state = CLASS_CR;
	else if (byte == '\n')
		c->state = CLASS_BODY;
	else {
		c->state = CLASS_NAME;
		class_name(c, byte);
	}
}

static void
class_byte(struct header_class *c, char byte)
{
	switch (c->state) {
	case CLASS_LINE:
		class_line(c, byte);
		break;
	case CLASS_NAME:
		class_name(c, byte);
		break;
	case CLASS_BLANK:
		if (byte == ':')
			c->state = CLASS_VALUE;
		else if (!is_space(byte)) {
			c->namelen = 0;
			c->state = byte == '\n' ? CLASS_LINE : CLASS_REST;
		}
		break;
	case CLASS_VALUE:
		if (byte == '\n')
			c->state = CLASS_LINE;
		else if (c->valuelen < sizeof(c->value) &&
		    (c->valuelen > 0 || !isspace((unsigned char)byte)))
			c->value[c->valuelen++] = byte;
		break;
	case CLASS_REST:
		if (byte == '\n')
			c->state = CLASS_LINE;
		break;
	case CLASS_CR:
		c->state = byte == '\n' ? CLASS_BODY : CLASS_REST;
		break;
	}
}

void
header_class_feed(struct header_class *c, const void *data, size_t len)
{
	const char	*s = data;
	size_t		 i;

	for (i = 0; i < len && c->state != CLASS_BODY; i++)
		class_byte(c, s[i]);
}

uint32_t
header_class_decide(unsigned int found, int priority, uint64_t size,
    uint64_t larger)
{
	int	 large = larger != 0 && size > larger;

	if (found & HEADER_PRIORITY) {
		if (priority >= PRIORITY_URGENT)
			return (PROTO_URGENT);
		return (priority < 0 || large ? PROTO_BULK : PROTO_NORMAL);
	}
	if (found & HEADER_LIST)
		return (PROTO_BULK);
	if (found & HEADER_URGENT)
		return (PROTO_URGENT);
	return ((found & HEADER_LOW) || large ? PROTO_BULK : PROTO_NORMAL);
}
