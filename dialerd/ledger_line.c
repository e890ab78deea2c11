/* See LICENSE for the terms. */
/*
 * One line of the ledger, by a table of its keys.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ledger_line.h"

enum kind { NUMBER, FLAG, TEXT };

struct field {
	const char	*key;
	enum kind	 kind;
	size_t		 offset;	/* in struct ledger_line */
	size_t		 size;		/* of TEXT */
	unsigned int	 events;	/* 1 << enum ledger_event */
};

#define OPEN	(1U << LEDGER_OPEN)
#define CLOSE	(1U << LEDGER_CLOSE)
#define USER	(1U << LEDGER_USER)
#define ANY	(OPEN | CLOSE | USER | 1U << LEDGER_HOLD | 1U << LEDGER_RELEASE)
#define AT(f)	offsetof(struct ledger_line, f), \
    sizeof(((struct ledger_line *)0)->f)

/* int64_t times are never negative here, and are read as numbers. */
static const struct field fields[] = {
	{ "time",		NUMBER,	AT(time),		ANY },
	{ "line",		TEXT,	AT(call.line),		OPEN | CLOSE },
	{ "number",		TEXT,	AT(call.number),	OPEN | CLOSE },
	{ "why",		TEXT,	AT(call.why),		OPEN },
	{ "worst_seconds",	NUMBER,	AT(call.worst_seconds),	OPEN },
	{ "worst_cost",		NUMBER,	AT(call.worst_cost),	OPEN },
	{ "dialled",		NUMBER,	AT(call.dialled),	CLOSE },
	{ "connected",		NUMBER,	AT(call.connected),	CLOSE },
	{ "up",			NUMBER,	AT(call.up),		CLOSE },
	{ "seconds",		NUMBER,	AT(call.seconds),	CLOSE },
	{ "result",		TEXT,	AT(call.result),	CLOSE },
	{ "good",		FLAG,	AT(good),		CLOSE },
	{ "reason",		TEXT,	AT(call.reason),	CLOSE },
	{ "connect",		TEXT,	AT(call.connect),	CLOSE },
	{ "user",		TEXT,	AT(user),		USER },
	{ "sent",		NUMBER,	AT(call.sent),		CLOSE | USER },
	{ "sent_bytes",		NUMBER,	AT(sent_bytes),		USER },
	{ "fetched",		NUMBER,	AT(call.fetched),	CLOSE | USER },
	{ "fetched_bytes",	NUMBER,	AT(fetched_bytes),	USER },
	{ "failed",		NUMBER,	AT(call.failed),	CLOSE },
	{ "left",		NUMBER,	AT(left),		CLOSE },
	{ "bytes_out",		NUMBER,	AT(call.bytes_out),	CLOSE },
	{ "bytes_in",		NUMBER,	AT(call.bytes_in),	CLOSE },
	{ "mail_out",		NUMBER,	AT(call.mail_out),	CLOSE },
	{ "mail_in",		NUMBER,	AT(call.mail_in),	CLOSE },
	{ "repeated_out",	NUMBER,	AT(call.repeated_out),	CLOSE },
	{ "repeated_in",	NUMBER,	AT(call.repeated_in),	CLOSE },
	{ "busy_out",		NUMBER,	AT(call.busy_out),	CLOSE },
	{ "busy_in",		NUMBER,	AT(call.busy_in),	CLOSE },
	{ "foreign",		FLAG,	AT(call.foreign),	CLOSE },
	{ "units",		NUMBER,	AT(call.units),		CLOSE },
	{ "cost",		NUMBER,	AT(call.cost),		CLOSE },
	{ "single_cost",	NUMBER,	AT(call.single_cost),	CLOSE }
};

/* Sums that were cut off at the end of their range stay readable. */
#define NUMBER_MAX	999999999999999999ULL

#define NFIELDS	(sizeof(fields) / sizeof(fields[0]))

static const char * const events[] = {
	"open", "close", "hold", "release", "user"
};

#define NEVENTS	(sizeof(events) / sizeof(events[0]))

struct out {
	char	*buf;
	size_t	 size;
	size_t	 len;			/* may pass size: then it is full */
};

static void
put(struct out *o, char c)
{
	if (o->len < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void
put_string(struct out *o, const char *s)
{
	while (*s != '\0')
		put(o, *s++);
}

static void
put_number(struct out *o, uint64_t n)
{
	char	 digits[24];

	if (n > NUMBER_MAX)
		n = NUMBER_MAX;
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	put_string(o, digits);
}

/* Quoted unless it is one plain word; what is no text becomes "?". */
static void
put_text(struct out *o, const char *s)
{
	int	 quote = *s == '\0' || strpbrk(s, " \"\\=") != NULL;

	if (quote)
		put(o, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			put(o, '\\');
		put(o, (unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s);
	}
	if (quote)
		put(o, '"');
}

static void
put_field(struct out *o, const struct field *f, const struct ledger_line *l)
{
	const char	*p = (const char *)l + f->offset;
	uint64_t	 n;
	int		 flag;		/* of 32 bits, as foreign is */

	put(o, ' ');
	put_string(o, f->key);
	put(o, '=');
	switch (f->kind) {
	case NUMBER:
		memcpy(&n, p, sizeof(n));
		put_number(o, n);
		break;
	case FLAG:
		memcpy(&flag, p, sizeof(flag));
		put(o, flag ? '1' : '0');
		break;
	case TEXT:
		put_text(o, p);
		break;
	}
}

ssize_t
ledger_line_format(const struct ledger_line *l, char *buf, size_t size)
{
	struct out	 o = { buf, size, 0 };
	size_t		 i;

	put_string(&o, "call=");
	put_number(&o, l->call.call);
	put_string(&o, " event=");
	put_string(&o, events[l->event]);
	for (i = 0; i < NFIELDS; i++) {
		if (fields[i].events & 1U << l->event)
			put_field(&o, &fields[i], l);
	}
	put(&o, '\n');
	if (o.len > size) {
		errno = ENOBUFS;
		return (-1);
	}
	return ((ssize_t)o.len);
}

static int
get_number(const char *s, uint64_t *n)
{
	*n = 0;
	if (*s == '\0')
		return (-1);
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return (-1);
		*n = *n * 10 + (uint64_t)(*s - '0');
		if (*n > NUMBER_MAX)
			return (-1);
	}
	return (0);
}

/* The next key and value; 1, 0 at the end, -1 when it is malformed. */
static int
get_pair(const char **p, const char *end, char *key, size_t keysize,
    char *value, size_t size)
{
	size_t	 n = 0;
	int	 quoted;

	while (*p < end && **p == ' ')
		(*p)++;
	if (*p == end)
		return (0);
	while (*p < end && **p != '=' && n < keysize - 1) {
		if (**p == ' ' || **p == '"' || **p == '\0')
			return (-1);
		key[n++] = *(*p)++;
	}
	key[n] = '\0';
	if (n == 0 || *p == end || *(*p)++ != '=')
		return (-1);
	if ((quoted = *p < end && **p == '"'))
		(*p)++;
	for (n = 0; *p < end && **p != (quoted ? '"' : ' '); (*p)++) {
		if (quoted && **p == '\\' && ++*p == end)
			return (-1);
		if (**p == '\0')
			return (-1);
		if (n < size - 1)
			value[n++] = **p;
	}
	value[n] = '\0';
	if (quoted && (*p == end || *(*p)++ != '"'))
		return (-1);
	return (*p == end || **p == ' ' ? 1 : -1);
}

static int
set_field(struct ledger_line *l, const char *key, const char *value)
{
	char		*p;
	uint64_t	 n;
	size_t		 i;
	int		 flag;

	for (i = 0; i < NFIELDS; i++) {
		if (strcmp(fields[i].key, key) == 0)
			break;
	}
	if (i == NFIELDS)
		return (0);
	p = (char *)l + fields[i].offset;
	switch (fields[i].kind) {
	case NUMBER:
		if (get_number(value, &n) == -1)
			return (-1);
		memcpy(p, &n, sizeof(n));
		break;
	case FLAG:
		flag = strcmp(value, "1") == 0;
		memcpy(p, &flag, sizeof(flag));
		break;
	case TEXT:
		strlcpy(p, value, fields[i].size);
		break;
	}
	return (0);
}

static enum ledger_event
event_of(const char *value)
{
	size_t	 i;

	for (i = 0; i < NEVENTS; i++) {
		if (strcmp(value, events[i]) == 0)
			return ((enum ledger_event)i);
	}
	return (LEDGER_OTHER);
}

int
ledger_line_parse(const char *line, size_t len, struct ledger_line *l)
{
	const char	*p = line, *end = line + len;
	char		 key[32], value[LEDGER_LINE_MAX];
	int		 more, event = 0;

	memset(l, 0, sizeof(*l));
	while ((more = get_pair(&p, end, key, sizeof(key), value,
	    sizeof(value))) == 1) {
		if (strcmp(key, "call") == 0) {
			if (get_number(value, &l->call.call) == -1)
				goto fail;
		} else if (strcmp(key, "event") == 0) {
			l->event = event_of(value);
			event = 1;
		} else if (set_field(l, key, value) == -1)
			goto fail;
	}
	if (more == -1 || !event)
		goto fail;
	if (l->call.call == 0 && (1U << l->event & (OPEN | CLOSE | USER)))
		goto fail;
	if (l->event == LEDGER_OPEN)
		l->call.opened = l->time;
	if (l->event == LEDGER_CLOSE)
		l->call.closed = l->time;
	return (0);
fail:
	errno = EINVAL;
	return (-1);
}
