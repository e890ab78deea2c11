/* See LICENSE for the terms. */
/* The format of /etc/aliases: see aliases.h. */
#include <sys/types.h>

#include <stdint.h>
#include <string.h>

#include "aliases.h"

struct reader {
	const char	*p;
	const char	*end;
	uint32_t	 line;
	aliases_found	*found;
	aliases_wrong	*wrong;
	void		*arg;
};

enum aliases_word { WORD_OK, WORD_NONE, WORD_WRONG };

static int
is_blank(char c)
{
	return (c == ' ' || c == '\t' || c == '\r');
}

static void
skip_line(struct reader *r)
{
	while (r->p < r->end && *r->p != '\n')
		r->p++;
}

/* A line of blanks, or with a comment alone, is none. */
static int
is_empty_line(const struct reader *r, const char *p)
{
	while (p < r->end && is_blank(*p))
		p++;
	return (p == r->end || *p == '\n' || *p == '#');
}

/*
 * To the next word of this statement, over lines that go on and those that
 * are empty: 1, or 0 at the statement's end, which stays to be read.
 */
static int
skip_blanks(struct reader *r)
{
	for (;;) {
		while (r->p < r->end && is_blank(*r->p))
			r->p++;
		if (r->p < r->end && *r->p == '#')
			skip_line(r);
		if (r->p == r->end)
			return (0);
		if (*r->p != '\n')
			return (1);
		if (r->p + 1 == r->end || (!is_blank(r->p[1]) &&
		    !is_empty_line(r, r->p + 1)))
			return (0);
		r->p++;
		r->line++;
	}
}

/* To the begin of the next statement. */
static void
skip_statement(struct reader *r)
{
	while (skip_blanks(r)) {
		while (r->p < r->end && *r->p != '\n' && !is_blank(*r->p))
			r->p++;
	}
	if (r->p < r->end) {
		r->p++;
		r->line++;
	}
}

static enum aliases_word
wrong(struct reader *r, const char *why)
{
	r->wrong(r->arg, r->line, why);
	return (WORD_WRONG);
}

static enum aliases_word
read_quoted(struct reader *r, char *dst)
{
	size_t	 n = 0;

	for (r->p++; r->p < r->end && *r->p != '"'; r->p++) {
		if (*r->p == '\\' && r->end - r->p > 1 && r->p[1] != '\n')
			r->p++;
		if ((unsigned char)*r->p < ' ' || *r->p == 0x7f)
			return (wrong(r, *r->p == '\n' ?
			    "a quote that is not closed" :
			    "a control character"));
		if (n == ALIAS_TEXT_MAX)
			return (wrong(r, "a word too long"));
		dst[n++] = *r->p;
	}
	if (r->p == r->end)
		return (wrong(r, "a quote that is not closed"));
	r->p++;
	dst[n] = '\0';
	return (n == 0 ? wrong(r, "an empty word") : WORD_OK);
}

/* A name ends at the ":"; a target has one perhaps, as in ":include:". */
static enum aliases_word
read_word(struct reader *r, char *dst, int name)
{
	size_t	 n = 0;

	if (*r->p == '"')
		return (read_quoted(r, dst));
	for (; r->p < r->end && *r->p != ',' && *r->p != '\n' &&
	    !is_blank(*r->p) && (!name || *r->p != ':'); r->p++) {
		if ((unsigned char)*r->p < ' ' || *r->p == 0x7f)
			return (wrong(r, "a control character"));
		if (n == ALIAS_TEXT_MAX)
			return (wrong(r, "a word too long"));
		dst[n++] = *r->p;
	}
	dst[n] = '\0';
	return (n == 0 ? WORD_NONE : WORD_OK);
}

/* The list behind the ":", to the end of the statement or what is wrong. */
static void
read_targets(struct reader *r, const char *name)
{
	char			 target[ALIAS_TEXT_MAX + 1];
	unsigned int		 count = 0;
	int			 comma = 1;
	uint32_t		 line = r->line;
	enum aliases_word	 result;

	while (skip_blanks(r)) {
		if (*r->p == ',') {
			r->p++;
			comma = 1;
			continue;
		}
		if (!comma) {
			(void)wrong(r, "no \",\" between two words");
			return;
		}
		result = read_word(r, target, 0);
		if (result != WORD_OK)
			return;
		r->found(r->arg, r->line, name, target);
		count++;
		comma = 0;
	}
	if (count == 0)
		r->wrong(r->arg, line, "a name that stands for nobody");
}

static void
read_statement(struct reader *r)
{
	char	 name[ALIAS_TEXT_MAX + 1];

	switch (read_word(r, name, 1)) {
	case WORD_NONE:
		(void)wrong(r, "no name in front of the \":\"");
		return;
	case WORD_WRONG:
		return;
	case WORD_OK:
		break;
	}
	while (r->p < r->end && is_blank(*r->p))
		r->p++;
	if (r->p == r->end || *r->p != ':') {
		(void)wrong(r, "no \":\" behind the name");
		return;
	}
	r->p++;
	r->found(r->arg, r->line, name, NULL);
	read_targets(r, name);
}

void
aliases_parse(const char *bytes, size_t len, aliases_found *found,
    aliases_wrong *not, void *arg)
{
	struct reader	 r = { bytes, bytes + len, 1, found, not, arg };

	while (r.p < r.end) {
		if (is_empty_line(&r, r.p)) {
			skip_line(&r);
			if (r.p < r.end)
				r.p++;
			r.line++;
			continue;
		}
		if (is_blank(*r.p))
			(void)wrong(&r, "a line that goes on none");
		else
			read_statement(&r);
		skip_statement(&r);
	}
}
