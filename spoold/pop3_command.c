/* See LICENSE for the terms. */

/* Parser of what a POP3 client says. */

#include <sys/types.h>

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "pop3_command.h"

/* What may follow a verb. */
enum pop3_shape {
	SHAPE_NONE,
	SHAPE_NUMBER,			/* msg */
	SHAPE_MAYBE_NUMBER,		/* [msg] */
	SHAPE_TWO_NUMBERS,		/* msg n */
	SHAPE_WORD,			/* name */
	SHAPE_REST,			/* all of it, spaces too */
	SHAPE_AUTH			/* mechanism [initial response] */
};

static const struct {
	const char	*name;
	enum pop3_shape	 shape;
} verbs[POP3_VERBS] = {
	[POP3_AUTH] = { "AUTH", SHAPE_AUTH },
	[POP3_CAPA] = { "CAPA", SHAPE_NONE },
	[POP3_DELE] = { "DELE", SHAPE_NUMBER },
	[POP3_LIST] = { "LIST", SHAPE_MAYBE_NUMBER },
	[POP3_NOOP] = { "NOOP", SHAPE_NONE },
	[POP3_PASS] = { "PASS", SHAPE_REST },
	[POP3_QUIT] = { "QUIT", SHAPE_NONE },
	[POP3_RETR] = { "RETR", SHAPE_NUMBER },
	[POP3_RSET] = { "RSET", SHAPE_NONE },
	[POP3_STAT] = { "STAT", SHAPE_NONE },
	[POP3_STLS] = { "STLS", SHAPE_NONE },
	[POP3_TOP] = { "TOP", SHAPE_TWO_NUMBERS },
	[POP3_UIDL] = { "UIDL", SHAPE_MAYBE_NUMBER },
	[POP3_USER] = { "USER", SHAPE_WORD },
};

struct cursor {
	const char	*p;
	const char	*end;
};

/* The next word, which ends at a space; its length, 0 at the end. */
static size_t
cursor_word(struct cursor *c, const char **word)
{
	while (c->p < c->end && *c->p == ' ')
		c->p++;
	*word = c->p;
	while (c->p < c->end && *c->p != ' ')
		c->p++;
	return (c->p - *word);
}

/* A number of decimal digits only that fits.  0 or -1. */
static int
cursor_number(struct cursor *c, uint32_t *n)
{
	const char	*word;
	size_t		 len, i;
	uint64_t	 v = 0;

	if ((len = cursor_word(c, &word)) == 0 || len > 10)
		return (-1);
	for (i = 0; i < len; i++) {
		if (!isdigit((unsigned char)word[i]))
			return (-1);
		v = v * 10 + (word[i] - '0');
	}
	if (v > UINT32_MAX)
		return (-1);
	*n = v;
	return (0);
}

/* A message number: they count from 1. */
static int
cursor_message(struct cursor *c, struct pop3_command *cmd)
{
	if (cursor_number(c, &cmd->number) == -1 || cmd->number == 0)
		return (-1);
	cmd->has_number = 1;
	return (0);
}

static int
cursor_at_end(struct cursor *c)
{
	const char	*word;

	return (cursor_word(c, &word) == 0);
}

static int
pop3_arguments(struct cursor *c, enum pop3_shape shape,
    struct pop3_command *cmd)
{
	struct cursor	 look = *c;

	switch (shape) {
	case SHAPE_NONE:
		break;
	case SHAPE_MAYBE_NUMBER:
		if (cursor_at_end(&look))
			return (0);
		/* FALLTHROUGH */
	case SHAPE_NUMBER:
		if (cursor_message(c, cmd) == -1)
			return (-1);
		break;
	case SHAPE_TWO_NUMBERS:
		if (cursor_message(c, cmd) == -1 ||
		    cursor_number(c, &cmd->lines) == -1)
			return (-1);
		break;
	case SHAPE_WORD:
		if ((cmd->textlen = cursor_word(c, &cmd->text)) == 0)
			return (-1);
		break;
	case SHAPE_REST:
		/* RFC 1939 7, PASS: spaces are part of the password. */
		if (c->p == c->end || ++c->p == c->end)
			return (-1);
		cmd->text = c->p;
		cmd->textlen = c->end - c->p;
		return (0);
	case SHAPE_AUTH:
		if ((cmd->textlen = cursor_word(c, &cmd->text)) == 0)
			return (-1);
		cmd->initiallen = cursor_word(c, &cmd->initial);
		if (cmd->initiallen == 0)
			cmd->initial = NULL;
		break;
	}
	return (cursor_at_end(c) ? 0 : -1);
}

enum pop3_parsed
pop3_command_parse(const char *line, size_t len, struct pop3_command *cmd)
{
	struct cursor	 c;
	const char	*word;
	size_t		 n;
	unsigned int	 i;

	memset(cmd, 0, sizeof(*cmd));
	c.p = line;
	c.end = line + len;
	n = 0;
	while (n < len && line[n] != ' ')
		n++;
	word = line;
	c.p += n;
	for (i = 0; i < POP3_VERBS; i++)
		if (strlen(verbs[i].name) == n &&
		    strncasecmp(verbs[i].name, word, n) == 0)
			break;
	if (i == POP3_VERBS)
		return (POP3_UNKNOWN);
	cmd->verb = i;
	if (memchr(line, '\0', len) != NULL ||
	    pop3_arguments(&c, verbs[i].shape, cmd) == -1)
		return (POP3_BAD_ARGUMENT);
	return (POP3_PARSED);
}

int
pop3_plain_parse(const char *base64, size_t len, struct sasl_login *login)
{
	char	 message[SASL_MESSAGE_MAX];
	ssize_t	 n;
	int	 rest, rv = -1;

	memset(login, 0, sizeof(*login));
	n = sasl_base64_decode_lax(base64, len, message, sizeof(message),
	    &rest);
	if (n != -1 && sasl_plain_parse(message, (size_t)n, login) == 0 &&
	    login->password[0] != '\0')
		rv = 0;
	explicit_bzero(message, sizeof(message));
	return (rv);
}
