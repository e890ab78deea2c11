/* See LICENSE for the terms. */
/*
 * An IMAP session.  Commands are pipelined; each has a state function that
 * its tagged response goes to, and untagged data goes where it belongs
 * whenever it comes.  The flights: login and SELECT, with the listing and
 * COMPRESS behind them where earlier windows taught enough for that; else the
 * listing; bodies; the deletions, with LOGOUT behind them.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <stdarg.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap_client.h"
#include "imap_engine.h"

#define LINE_MAX_IMAP	65536	/* without literals */
/* The uids of a mailbox with gaps: ten digits and a comma for each. */
#define LINE_MAX_LISTING (INBOX_MESSAGES * 11 + LINE_MAX_IMAP)

static void	 imap_pump(struct session *);

static void
command_free(struct imap *i, struct imap_command *c)
{
	if (i->body_for == c)
		i->body_for = NULL;
	TAILQ_REMOVE(&i->commands, c, entry);
	i->ncommands--;
	free(c);
}

struct imap_command *
imap_command_new(struct imap *i, imap_done *done)
{
	struct imap_command	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		session_fail(i->session, ENOMEM, "out of memory");
		return (NULL);
	}
	c->tag = ++i->tag;
	c->done = done;
	TAILQ_INSERT_TAIL(&i->commands, c, entry);
	i->ncommands++;
	return (c);
}

struct imap_command *
imap_command_more(struct imap *i, imap_done *done)
{
	struct imap_command	*c;

	if ((c = imap_command_new(i, done)) != NULL)
		c->tag = --i->tag;
	return (c);
}

struct imap_command *
imap_command_send(struct imap *i, imap_done *done, const char *fmt, ...)
{
	struct imap_command	*c;
	va_list			 ap;
	char			*text = NULL;
	int			 n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1) {
		session_fail(i->session, ENOMEM, "out of memory");
		return (NULL);
	}
	if ((c = imap_command_new(i, done)) != NULL)
		session_send(i->session, "a%u %s", c->tag, text);
	free(text);
	return (c);
}

static void
imap_tagged(struct imap *i)
{
	struct session		*s = i->session;
	struct imap_command	*c, *next;
	int			 found = 0;

	/* Not its words, then: it may have lost a capability. */
	if (i->r.type == IMAP_BAD && s->known != NULL)
		known_forget(s->known);
	for (c = TAILQ_FIRST(&i->commands); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->tag != i->r.tag)
			continue;
		found = 1;
		c->done(i, c, &i->r);
		/* What that has sent stands behind. */
		next = TAILQ_NEXT(c, entry);
		command_free(i, c);
		if (next == NULL || next->tag != i->r.tag)
			break;
	}
	s->moved |= found;
	if (!found)
		session_fail(s, EPROTO, "an answer to no command");
}

/* Codes that may come with any OK or NO. */
static void
imap_code(struct imap *i)
{
	switch (i->r.code) {
	case IMAP_CODE_UIDVALIDITY:
		if (i->selecting)
			i->uidvalidity = i->r.value;
		break;
	case IMAP_CODE_UIDNOTSTICKY:
		i->nosticky = 1;
		break;
	case IMAP_CODE_UIDNEXT:
		if (i->selecting)
			i->uidnext = i->r.value;
		break;
	case IMAP_CODE_CAPABILITY:
		imap_capabilities(i, i->r.capability);
		break;
	case IMAP_CODE_ALERT:
		/* RFC 3501 7.1 wants people to see it; once will do. */
		if (!i->alerted++)
			session_alert(i->session, i->r.text, i->r.len);
		break;
	default:
		break;
	}
}

static void
imap_untagged(struct imap *i)
{
	switch (i->r.type) {
	case IMAP_BYE:
		if (!i->logout)
			session_refused(i->session, ECONNRESET,
			    "upstream hung up", i->r.text, i->r.len);
		break;
	case IMAP_CAPABILITY:
		imap_capabilities(i, i->r.capability);
		break;
	case IMAP_EXISTS:
		if (i->selecting)
			i->exists = i->r.number;
		i->left = i->r.number;
		break;
	case IMAP_EXPUNGE:
		i->left -= i->left > 0;
		break;
	case IMAP_STATUS:
		imap_status(i);
		break;
	case IMAP_FETCH:
		if (i->r.body == IMAP_BODY_NIL)
			imap_body_begin(i, 0);
		if (i->body_for != NULL)
			imap_body_end(i);
		else
			imap_listed(i);
		break;
	case IMAP_SEARCH:
	case IMAP_ESEARCH:
		imap_search(i);
		break;
	case IMAP_CONTINUE:
		imap_continue(i);
		break;
	default:
		break;
	}
}

static void
imap_response(struct imap *i)
{
	i->within = 0;
	imap_code(i);
	if (!i->greeted)
		imap_greeting(i);
	else if (i->r.tagged)
		imap_tagged(i);
	else
		imap_untagged(i);
	i->body_for = NULL;
}

/* A line, which is a response or the part of one up to a literal. */
static void
imap_line(struct imap *i, char *line, size_t len)
{
	enum imap_parse	 res;

	if (!i->within) {
		imap_parse_begin(&i->r);
		i->body_for = NULL;
		i->within = 1;
	}
	res = imap_parse(&i->r, line, len);
	if (res != IMAP_PARSE_ERROR && i->r.string != NULL) {
		imap_body_begin(i, i->r.stringlen);
		imap_body_data(i, i->r.string, i->r.stringlen);
	}
	switch (res) {
	case IMAP_PARSE_ERROR:
		session_fail(i->session, EPROTO,
		    "upstream does not speak IMAP");
		break;
	case IMAP_PARSE_LITERAL:
		i->literal = i->r.literal;
		i->storing = i->r.literal_body;
		if (i->storing)
			imap_body_begin(i, i->literal);
		break;
	case IMAP_PARSE_END:
		imap_response(i);
		break;
	}
}

/* Bytes of a literal: 1 when there may be more to do, else 0. */
static int
imap_literal(struct imap *i)
{
	struct session	*s = i->session;
	const uint8_t	*in;
	size_t		 len;

	if ((len = stream_peek(s->stream, &in)) == 0)
		return (0);
	if (len > i->literal)
		len = (size_t)i->literal;
	i->literal -= len;
	if (i->storing)
		imap_body_data(i, in, len);
	stream_consume(s->stream, len);
	return (1);
}

/* A listing may be one line that takes a slow line minutes. */
static void
imap_line_part(struct imap *i)
{
	const uint8_t	*in;
	size_t		 len = stream_peek(i->session->stream, &in);

	if (i->listing == LISTING_UIDS && !i->comparing && len > i->part)
		i->session->moved = 1;
	i->part = len;
}

static void
imap_input(struct session *s)
{
	struct imap	*i = s->engine;
	char		*line;
	size_t		 len, limit;

	while (!s->over && !i->securing) {
		limit = i->listing == LISTING_UIDS ? LINE_MAX_LISTING :
		    LINE_MAX_IMAP;
		if (i->literal > 0) {
			if (!imap_literal(i))
				break;
		} else if (session_line(s, &line, &len, limit) == 1)
			imap_line(i, line, len);
		else {
			imap_line_part(i);
			break;
		}
		/* The next request is on its way while this is worked off. */
		imap_pump(s);
	}
	imap_pump(s);
}

static void
imap_pump(struct session *s)
{
	struct imap	*i = s->engine;

	if (!s->over && i->listing == LISTING_DONE && !i->logout &&
	    !i->compressing) {
		imap_body_request(i);
		imap_delete(i);
		imap_finish(i);
	}
	/* Nothing but the good-bye is missing: not worth a round trip. */
	if (i->logout && i->ncommands == 1 && !s->over) {
		imap_remember(i);
		session_done(s);
	}
	s->waiting = i->ncommands + (unsigned int)(i->securing || !i->greeted);
}

static int
imap_begin(struct session *s)
{
	struct imap	*i;

	if ((i = calloc(1, sizeof(*i))) == NULL)
		return (-1);
	TAILQ_INIT(&i->commands);
	i->session = s;
	s->engine = i;
	s->inbox->resumable = IMAP_WHOLE;
	s->inbox->compared = imap_compared;
	s->inbox->compared_arg = s;
	return (0);
}

static void
imap_start(struct session *s)
{
	struct imap	*i = s->engine;

	imap_early(i);
	s->waiting = i->ncommands + 1;		/* the greeting */
}

/* RFC 3501 6.2.1: what was known before is forgotten. */
static void
imap_secure(struct session *s)
{
	struct imap	*i = s->engine;

	i->securing = 0;
	i->caps = 0;
	i->caps_known = 0;
	imap_early(i);
	if (!i->early)
		imap_capability(i);
	s->waiting = i->ncommands;
}

static int
imap_close(struct session *s)
{
	struct imap	*i = s->engine;

	return (i->logout);
}

static void
imap_end(struct session *s)
{
	struct imap		*i = s->engine;
	struct imap_command	*c;

	if (s->error != 0)
		imap_doubt(i);
	while ((c = TAILQ_FIRST(&i->commands)) != NULL)
		command_free(i, c);
	imap_login_free(i);
	free(i);
}

const struct session_ops imap_ops = {
	"IMAP", imap_begin, imap_start, imap_secure, imap_input, imap_pump,
	imap_close, imap_end
};
