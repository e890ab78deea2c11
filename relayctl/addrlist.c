/* See LICENSE for the terms. */
/* Lists of addresses in header fields: see addrlist.h. */

#include <errno.h>
#include <string.h>

#include "addrlist.h"

struct part {				/* text that may be an address */
	char	 text[ADDRLIST_ADDRESS_MAX];
	size_t	 len;
	int	 space;			/* since the last character */
	int	 words;			/* more than one: a name */
	int	 cut;			/* too long for an address */
};

struct list {
	const char	*p;
	const char	*end;
	struct part	 plain;		/* outside of < > */
	struct part	 angle;		/* inside */
	int		 in_angle;
	int		 have_angle;
};

static int
bad(void)
{
	errno = EINVAL;
	return (-1);
}

static void
part_clear(struct part *part)
{
	part->len = 0;
	part->space = part->words = part->cut = 0;
}

static int
joins(char c)
{
	return (c == '.' || c == '@');
}

static void
part_add(struct part *part, char c)
{
	if (part->space && part->len > 0 && !joins(c) &&
	    !joins(part->text[part->len - 1]))
		part->words = 1;
	part->space = 0;
	if (part->len == sizeof(part->text) - 1)
		part->cut = 1;
	else
		part->text[part->len++] = c;
}

/* RFC 5322 3.2.2: comments nest. */
static int
skip_comment(struct list *l)
{
	int	 depth = 0;

	for (; l->p < l->end; l->p++) {
		if (*l->p == '\\') {
			if (++l->p == l->end)
				break;
		} else if (*l->p == '(')
			depth++;
		else if (*l->p == ')' && --depth == 0) {
			l->p++;
			return (0);
		}
	}
	return (bad());
}

static int
quoted_string(struct list *l, struct part *part)
{
	part_add(part, *l->p++);
	for (; l->p < l->end; l->p++) {
		if (*l->p == '\r' || *l->p == '\n')
			continue;
		part_add(part, *l->p);
		if (*l->p == '"') {
			l->p++;
			return (0);
		}
		if (*l->p == '\\' && l->p + 1 < l->end)
			part_add(part, *++l->p);
	}
	return (bad());
}

/* The end of one mailbox. */
static int
mailbox(struct list *l, addrlist_found *found, void *arg)
{
	struct part	*part = l->have_angle ? &l->angle : &l->plain;
	int		 r = 0;

	if (l->in_angle || part->words || part->cut)
		return (bad());
	if (part->len > 0) {
		part->text[part->len] = '\0';
		if (strlen(part->text) != part->len)
			return (bad());
		r = found(arg, part->text);
	}
	part_clear(&l->plain);
	part_clear(&l->angle);
	l->have_angle = 0;
	return (r);
}

/* What is not text of an address.  1 when it was something else. */
static int
special(struct list *l, struct part *part)
{
	switch (*l->p) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		part->space = 1;
		break;
	case '<':
		if (l->have_angle)
			return (bad());
		l->in_angle = l->have_angle = 1;
		break;
	case '>':
		if (!l->in_angle)
			return (bad());
		l->in_angle = 0;
		break;
	case ':':
		/* A group's name, or a route: neither is the address. */
		part_clear(part);
		break;
	default:
		return (0);
	}
	l->p++;
	return (1);
}

static int
step(struct list *l, addrlist_found *found, void *arg)
{
	struct part	*part = l->in_angle ? &l->angle : &l->plain;
	int		 r;

	if (*l->p == '(')
		return (skip_comment(l));
	if (*l->p == '"')
		return (quoted_string(l, part));
	if ((*l->p == ',' || *l->p == ';') && !l->in_angle) {
		l->p++;
		return (mailbox(l, found, arg));
	}
	if ((r = special(l, part)) != 0)
		return (r == -1 ? -1 : 0);
	if ((unsigned char)*l->p < ' ' || *l->p == 0x7f)
		return (bad());
	part_add(part, *l->p++);
	return (0);
}

int
addrlist_parse(const char *s, size_t len, addrlist_found *found, void *arg)
{
	struct list	 l;

	memset(&l, 0, sizeof(l));
	l.p = s;
	l.end = s + len;
	while (l.p < l.end)
		if (step(&l, found, arg) == -1)
			return (-1);
	return (mailbox(&l, found, arg));
}
