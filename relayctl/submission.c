/* See LICENSE for the terms. */
/* Messages of local programs: see submission.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "submission.h"

#define FIELD_NAME_MAX	32

enum known {				/* a field that matters here */
	FIELD_FROM = 1 << 0,
	FIELD_DATE = 1 << 1,
	FIELD_MESSAGE_ID = 1 << 2,
	FIELD_TO = 1 << 3,		/* To, Cc */
	FIELD_BCC = 1 << 4,
	FIELD_RESENT_TO = 1 << 5,	/* Resent-To, Resent-Cc */
	FIELD_RESENT_BCC = 1 << 6
};

static const struct {
	const char	*name;
	enum known	 known;
} fields[] = {
	{ "from", FIELD_FROM },
	{ "date", FIELD_DATE },
	{ "message-id", FIELD_MESSAGE_ID },
	{ "to", FIELD_TO },
	{ "cc", FIELD_TO },
	{ "bcc", FIELD_BCC },
	{ "resent-to", FIELD_RESENT_TO },
	{ "resent-cc", FIELD_RESENT_TO },
	{ "resent-bcc", FIELD_RESENT_BCC }
};
#define NFIELDS		(sizeof(fields) / sizeof(fields[0]))

struct field {
	const char	*name;
	size_t		 name_len;
	const char	*value;
	const char	*end;		/* after its last line */
	int		 known;
};

struct output {
	char	*buf;
	size_t	 len;
	size_t	 size;
	int	 failed;
};

static void
put(struct output *o, const char *s, size_t len)
{
	char	*p;
	size_t	 size;

	if (o->failed)
		return;
	if (len > o->size - o->len) {
		size = o->size + len + o->size / 2 + 1024;
		if (size < len || (p = realloc(o->buf, size)) == NULL) {
			o->failed = 1;
			return;
		}
		o->buf = p;
		o->size = size;
	}
	if (len > 0)
		memcpy(o->buf + o->len, s, len);
	o->len += len;
}

/* Every line end, whatever it was, becomes CRLF; a lone CR is none that may
 * be passed on. */
static void
put_lines(struct output *o, const char *s, const char *end)
{
	const char	*p = s;

	for (; p < end; p++) {
		if (*p != '\n' && *p != '\r')
			continue;
		put(o, s, (size_t)(p - s));
		put(o, "\r\n", 2);
		if (*p == '\r' && p + 1 < end && p[1] == '\n')
			p++;
		s = p + 1;
	}
	put(o, s, (size_t)(end - s));
	if (end > s)
		put(o, "\r\n", 2);
}

static void
put_field(struct output *o, const char *name, const char *value)
{
	put(o, name, strlen(name));
	put(o, ": ", 2);
	put(o, value, strlen(value));
	put(o, "\r\n", 2);
}

/* The line after this one, or the end. */
static const char *
next_line(const char *p, const char *end)
{
	const char	*nl = memchr(p, '\n', (size_t)(end - p));

	return (nl == NULL ? end : nl + 1);
}

static int
field_known(const struct field *f)
{
	size_t	 i;

	for (i = 0; i < NFIELDS; i++)
		if (f->name_len == strlen(fields[i].name) &&
		    strncasecmp(f->name, fields[i].name, f->name_len) == 0)
			return (fields[i].known);
	return (0);
}

/* A field with its folded lines: 1, or 0 when what is there is none. */
static int
field_next(const char *p, const char *end, struct field *f)
{
	const char	*s = p;

	while (s < end && *s > ' ' && *s < 0x7f && *s != ':')
		s++;
	f->name = p;
	f->name_len = (size_t)(s - p);
	/* RFC 5322 4.5: blanks before the colon were once allowed. */
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	if (f->name_len == 0 || s == end || *s != ':')
		return (0);
	f->value = s + 1;
	f->end = next_line(s, end);
	while (f->end < end && (*f->end == ' ' || *f->end == '\t'))
		f->end = next_line(f->end, end);
	f->known = field_known(f);
	return (1);
}

static int
blank_line(const char *p, const char *end)
{
	return (p < end && (*p == '\n' ||
	    (*p == '\r' && p + 1 < end && p[1] == '\n')));
}

/* Which fields there are. */
static int
survey(const char *p, const char *end)
{
	struct field	 f;
	int		 seen = 0;

	for (; field_next(p, end, &f); p = f.end)
		seen |= f.known;
	return (seen);
}

static int
recipients(const struct submission_param *param, const struct field *f,
    int wanted, char *name)
{
	if (!param->recipients || (f->known & wanted) == 0 ||
	    addrlist_parse(f->value, (size_t)(f->end - f->value),
	    param->found, param->arg) == 0)
		return (0);
	strlcpy(name, f->name, f->name_len < FIELD_NAME_MAX ?
	    f->name_len + 1 : FIELD_NAME_MAX);
	return (-1);
}

/* The header: where it ends, or NULL with errno. */
static const char *
header(const struct submission_param *param, struct output *o, const char *p,
    const char *end, char *name)
{
	struct field	 f;
	int		 seen = survey(p, end), wanted, bcc;

	/* What was sent before, to somebody else, is not asked again. */
	bcc = FIELD_BCC | FIELD_RESENT_BCC;
	wanted = (seen & (FIELD_RESENT_TO | FIELD_RESENT_BCC)) != 0 ?
	    FIELD_RESENT_TO | FIELD_RESENT_BCC : FIELD_TO | FIELD_BCC;
	if ((seen & FIELD_FROM) == 0)
		put_field(o, "From", param->from);
	if ((seen & FIELD_DATE) == 0)
		put_field(o, "Date", param->date);
	if ((seen & FIELD_MESSAGE_ID) == 0)
		put_field(o, "Message-ID", param->message_id);
	for (; field_next(p, end, &f); p = f.end) {
		if (recipients(param, &f, wanted, name) == -1)
			return (NULL);
		if (!param->recipients || (f.known & bcc) == 0)
			put_lines(o, f.name, f.end);
	}
	return (p);
}

char *
submission_make(const struct submission_param *param, const char *msg,
    size_t len, size_t *out_len, char *field)
{
	struct output	 o = { NULL, 0, 0, 0 };
	const char	*p = msg, *end = msg + len;

	/* The line that separates messages in a mailbox file. */
	if (len >= 5 && strncmp(p, "From ", 5) == 0)
		p = next_line(p, end);
	if ((p = header(param, &o, p, end, field)) == NULL) {
		free(o.buf);
		return (NULL);
	}
	put(&o, "\r\n", 2);
	if (blank_line(p, end))
		p = next_line(p, end);
	put_lines(&o, p, end);
	if (o.failed) {
		free(o.buf);
		errno = ENOMEM;
		return (NULL);
	}
	*out_len = o.len;
	return (o.buf);
}

int
submission_is_8bit(const char *s, size_t len)
{
	size_t	 i;

	for (i = 0; i < len; i++)
		if ((unsigned char)s[i] & 0x80)
			return (1);
	return (0);
}
