/* See LICENSE for the terms. */
/*
 * The chat before the link.  The strings have the escapes of chat(8); what
 * comes is compared without its eighth bit, which is parity where terminal
 * servers still are old enough to have any.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "chat.h"

#define DELAY_MS	1000	/* \d */
#define PAUSE_MS	100	/* \p */
#define FLUSH_MS	10000	/* for what was sent to be taken */

enum {
	EXPECT,
	SEND,			/* the rest of send, as there is room */
	PAUSE,			/* in the middle of it */
	END
};

/* What a character of a string can be beside a byte. */
enum { AT_END = -1, DELAY = -2, SHORT_PAUSE = -3, NO_CR = -4, NOTHING = -5 };

static int
octal(const char **p, const char *end)
{
	int	 i, c = 0;

	for (i = 0; i < 3 && *p < end && **p >= '0' && **p <= '7'; i++)
		c = c * 8 + (*(*p)++ - '0');
	return (c & 0xff);
}

static int
escape(const char **p, const char *end)
{
	if (**p >= '0' && **p <= '7')
		return (octal(p, end));
	switch (*(*p)++) {
	case 'b':
		return ('\b');
	case 'c':
		return (NO_CR);
	case 'd':
		return (DELAY);
	case 'n':
		return ('\n');
	case 'N':
		return (0);
	case 'p':
		return (SHORT_PAUSE);
	case 'q':
		/* chat(8): not into the log; where nothing goes anyway. */
		return (NOTHING);
	case 'r':
		return ('\r');
	case 's':
		return (' ');
	case 't':
		return ('\t');
	default:
		/* \\, \-, \^ and whatever else means itself. */
		return ((uint8_t)(*p)[-1]);
	}
}

static int
next_char(const char **p, const char *end)
{
	int	 c;

	if (*p == end)
		return (AT_END);
	c = (uint8_t)*(*p)++;
	if (c == '\\' && *p < end)
		return (escape(p, end));
	if (c == '^' && *p < end)
		return (*(*p)++ & 0x1f);
	return (c);
}

/* Up to the next "-" that no backslash is before, or to the end. */
static const char *
piece_end(const char *p)
{
	for (; *p != '\0' && *p != '-'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
	}
	return (p);
}

static void
decode(struct chat_string *s, const char *p, const char *end)
{
	int	 c;

	s->len = 0;
	/* No string is longer decoded than it was, and that was checked. */
	while ((c = next_char(&p, end)) != AT_END && s->len < CHAT_STRING) {
		/* A pause is nothing that could come. */
		if (c >= 0)
			s->bytes[s->len++] = (uint8_t)(c & 0x7f);
	}
}

static void
enter(struct chat *c, int state, uint32_t wait_ms)
{
	c->state = state;
	c->wait_ms = wait_ms;
	c->epoch++;
}

static void
end(struct chat *c, enum chat_status status)
{
	c->status = status;
	c->inlen = 0;
	enter(c, END, 0);
}

static int
copy_script(struct chat *c, const struct strlist *script)
{
	const struct strnode	*node;

	TAILQ_FOREACH(node, script, entry) {
		if (strlen(node->s) > CHAT_STRING) {
			errno = E2BIG;
			return (-1);
		}
		if (strlist_add(&c->script, node->s) == -1)
			return (-1);
	}
	return (0);
}

static int
copy_aborts(struct chat *c, const struct strlist *aborts)
{
	const struct strnode	*node;
	size_t			 len;

	TAILQ_FOREACH(node, aborts, entry) {
		len = strlen(node->s);
		if (len > CHAT_STRING || c->naborts == CHAT_ABORTS) {
			errno = E2BIG;
			return (-1);
		}
		decode(&c->aborts[c->naborts++], node->s, node->s + len);
	}
	return (0);
}

/* The next alternative of an expect: its string, and where it goes on. */
static void
take_want(struct chat *c)
{
	const char	*stop = piece_end(c->alternate);
	size_t		 len = (size_t)(stop - c->alternate);

	decode(&c->want, c->alternate, stop);
	memcpy(c->want_text, c->alternate, len);
	c->want_text[len] = '\0';
	c->alternate = *stop == '-' ? stop + 1 : NULL;
	enter(c, EXPECT, c->timeout_ms);
}

static void
take_send(struct chat *c, const char *s, const char *stop)
{
	c->send = s;
	c->send_end = stop;
	c->no_cr = 0;
	enter(c, SEND, FLUSH_MS);
}

static void
next_word(struct chat *c, int sending)
{
	struct strnode	*node = c->word;

	if (node == NULL) {
		end(c, CHAT_DONE);
		return;
	}
	c->word = TAILQ_NEXT(node, entry);
	if (sending)
		take_send(c, node->s, node->s + strlen(node->s));
	else {
		c->alternate = node->s;
		take_want(c);
	}
}

/* What came so far, up to the end of what was expected, is taken. */
static int
found(struct chat *c)
{
	const uint8_t	*p = c->in;
	size_t		 used = 0;

	if (c->want.len > 0) {
		if ((p = memmem(c->in, c->inlen, c->want.bytes,
		    c->want.len)) == NULL)
			return (0);
		used = (size_t)(p - c->in) + c->want.len;
	}
	c->inlen -= used;
	memmove(c->in, c->in + used, c->inlen);
	return (1);
}

/* As much as there is room for: 1 when all of it is on its way. */
static int
send_some(struct chat *c)
{
	int	 ch;

	while (c->outlen < sizeof(c->out)) {
		switch (ch = next_char(&c->send, c->send_end)) {
		case AT_END:
			if (!c->no_cr)
				c->out[c->outlen++] = '\r';
			return (1);
		case DELAY:
		case SHORT_PAUSE:
			enter(c, PAUSE, ch == DELAY ? DELAY_MS : PAUSE_MS);
			return (0);
		case NO_CR:
			c->no_cr = 1;
			break;
		case NOTHING:
			break;
		default:
			c->out[c->outlen++] = (uint8_t)ch;
			break;
		}
	}
	return (0);
}

/* As far as it goes without more bytes and without waiting. */
static void
run(struct chat *c)
{
	for (;;) {
		if (c->state == EXPECT && found(c)) {
			c->alternate = NULL;
			next_word(c, 1);
		} else if (c->state == SEND && send_some(c)) {
			/* After a string that was sent in vain of another,
			 * what is left of that expect; else the next. */
			if (c->alternate != NULL)
				take_want(c);
			else
				next_word(c, 0);
		} else
			return;
	}
}

int
chat_start(struct chat *c, const struct strlist *script,
    const struct strlist *aborts, uint64_t timeout)
{
	int	 error;

	memset(c, 0, sizeof(*c));
	TAILQ_INIT(&c->script);
	if (copy_script(c, script) == -1 || copy_aborts(c, aborts) == -1) {
		error = errno;
		chat_free(c);
		errno = error;
		return (-1);
	}
	if (timeout > CONF_CHAT_MAX)
		timeout = CONF_CHAT_MAX;
	c->timeout_ms = timeout == 0 ? 1000 : (uint32_t)timeout * 1000;
	c->word = TAILQ_FIRST(&c->script);
	next_word(c, 0);
	run(c);
	return (0);
}

void
chat_free(struct chat *c)
{
	struct strnode	*node;

	TAILQ_FOREACH(node, &c->script, entry)
		explicit_bzero(node->s, strlen(node->s));
	strlist_free(&c->script);
	explicit_bzero(c->out, sizeof(c->out));
	explicit_bzero(c->in, sizeof(c->in));	/* it may have been echoed */
	c->inlen = c->outlen = 0;
	c->word = NULL;
	c->alternate = c->send = c->send_end = NULL;
	enter(c, END, 0);
}

/* In words that the ledger can have. */
static void
fail(struct chat *c, const char *before, const char *string, size_t len,
    const char *after)
{
	size_t	 n, i;

	n = strlcpy(c->text, before, sizeof(c->text));
	for (i = 0; i < len && n < sizeof(c->text) - 32; i++)
		c->text[n++] = string[i] >= ' ' && string[i] <= '~' ?
		    string[i] : '?';
	strlcpy(c->text + n, after, sizeof(c->text) - n);
	end(c, CHAT_FAILED);
}

static int
aborted(struct chat *c)
{
	const struct chat_string	*a;
	size_t				 i;

	for (i = 0; i < c->naborts; i++) {
		a = &c->aborts[i];
		if (a->len == 0 || a->len > c->inlen || memcmp(c->in +
		    c->inlen - a->len, a->bytes, a->len) != 0)
			continue;
		fail(c, "the far side said \"", (const char *)a->bytes,
		    a->len, "\"");
		return (1);
	}
	return (0);
}

size_t
chat_input(struct chat *c, const uint8_t *buf, size_t len)
{
	size_t	 i;

	for (i = 0; i < len && c->status == CHAT_WORKING; i++) {
		if (c->inlen == sizeof(c->in)) {
			/* More than any string can still begin in. */
			c->inlen = CHAT_STRING;
			memmove(c->in, c->in + sizeof(c->in) - CHAT_STRING,
			    CHAT_STRING);
		}
		c->in[c->inlen++] = buf[i] & 0x7f;
		if (c->state == EXPECT && c->want.len <= c->inlen &&
		    memcmp(c->in + c->inlen - c->want.len, c->want.bytes,
		    c->want.len) == 0)
			run(c);
		else
			(void)aborted(c);
	}
	return (i);
}

void
chat_timeout(struct chat *c)
{
	const char	*s, *stop;

	c->wait_ms = 0;
	switch (c->state) {
	case EXPECT:
		if (c->alternate == NULL) {
			fail(c, "no \"", c->want_text, strlen(c->want_text),
			    "\" came in time");
			return;
		}
		s = c->alternate;
		stop = piece_end(s);
		c->alternate = *stop == '-' ? stop + 1 : NULL;
		if (c->alternate == NULL)
			/* With nothing to expect after it. */
			fail(c, "no \"", c->want_text, strlen(c->want_text),
			    "\" came in time");
		else
			take_send(c, s, stop);
		break;
	case SEND:
		fail(c, "the line takes no bytes", "", 0, "");
		break;
	case PAUSE:
		enter(c, SEND, FLUSH_MS);
		break;
	}
	run(c);
}

size_t
chat_output(struct chat *c, uint8_t *buf, size_t size)
{
	size_t	 len = c->outlen < size ? c->outlen : size;

	memcpy(buf, c->out, len);
	memmove(c->out, c->out + len, c->outlen - len);
	c->outlen -= len;
	if (len > 0)
		run(c);
	return (len);
}

uint32_t
chat_wait(const struct chat *c)
{
	return (c->wait_ms);
}

enum chat_status
chat_status(const struct chat *c)
{
	return (c->status);
}

const char *
chat_text(const struct chat *c)
{
	return (c->text);
}
