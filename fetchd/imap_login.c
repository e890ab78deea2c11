/* See LICENSE for the terms. */
/* An IMAP session from its greeting to the open mailbox. */

#include <sys/types.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf.h"
#include "imap_engine.h"

void
imap_login_free(struct imap *i)
{
	unsigned int	 n;

	for (n = 0; n < i->nchunks; n++)
		freezero(i->chunks[n], strlen(i->chunks[n]));
	i->nchunks = i->chunk = 0;
}

void
imap_capabilities(struct imap *i, uint32_t caps)
{
	struct known_upstream	*k = i->session->known;

	/* The greeting's come too late where the login is on its way. */
	if (i->early && !i->greeted) {
		if (k != NULL && i->session->tls == TLS_MODE_STARTTLS)
			k->plain = caps;
		else if (k != NULL)
			k->before = caps;
		return;
	}
	i->caps = caps;
	i->caps_known = 1;
}

static void
logged_in(struct imap *i)
{
	if (i->session->known == NULL)
		return;
	if (i->caps_known)
		i->session->known->after = i->caps;
	else if (i->assumed)
		i->caps_known = 1;
}

static void
recapability_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	(void)c;
	(void)r;
	logged_in(i);
	imap_list(i);
}

static void
select_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	struct session	*s = i->session;

	(void)c;
	i->selecting = 0;
	if (r->type != IMAP_OK) {
		session_refused(s, ENOENT, "no INBOX", r->text, r->len);
		return;
	}
	if (r->code == IMAP_CODE_READ_ONLY)
		i->readonly = 1;
	if (i->uidvalidity == 0 || i->nosticky) {
		session_fail(s, EOPNOTSUPP, "upstream's uids do not last, "
		    "without which nothing can be fetched exactly once");
		return;
	}
	if (i->listing != LISTING_NONE) {
		i->relist = i->from != 0 && i->uidvalidity != i->known_validity;
		return;
	}
	/* After a login there may be more than before it. */
	if (i->caps_known)
		imap_list(i);
	else
		imap_command_send(i, recapability_done, "CAPABILITY");
}

static void
imap_select(struct imap *i)
{
	i->selecting = 1;
	imap_command_send(i, select_done, "SELECT INBOX");
	imap_list_early(i);
}

void
imap_status(struct imap *i)
{
	const struct known_mailbox	*m = i->session->memory;
	uint32_t			 next, validity;

	i->quiet = m != NULL && m->uidnext != 0 &&
	    imap_parse_status(i->r.text, i->r.len, "UIDNEXT", &next) &&
	    imap_parse_status(i->r.text, i->r.len, "UIDVALIDITY", &validity) &&
	    next == m->uidnext && validity == m->uidvalidity;
}

/* Nothing new: then there is nothing to do, and no mailbox to open. */
static void
status_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	struct session	*s = i->session;

	(void)c;
	if (r->type != IMAP_OK || !i->quiet) {
		i->quiet = 0;
		imap_select(i);
		return;
	}
	i->listing = LISTING_DONE;
	inbox_plan(s->inbox);
}

/* Behind the login, in the same flight. */
static void
imap_open(struct imap *i)
{
	const struct known_mailbox	*m = i->session->memory;

	if (i->assumed && m != NULL && known_quiet(m, time(NULL)))
		imap_command_send(i, status_done,
		    "STATUS INBOX (UIDNEXT UIDVALIDITY)");
	else
		imap_select(i);
}

static void
ignored_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	(void)i;
	(void)c;
	(void)r;
}

/*
 * The login that was taken for known is none here.  All behind it fails as
 * well; COMPRESS alone may not, and is waited for.
 */
static void
login_anew(struct imap *i)
{
	struct imap_command	*c;

	TAILQ_FOREACH(c, &i->commands, entry)
		if (!i->compressing || TAILQ_NEXT(c, entry) != NULL)
			c->done = ignored_done;
	i->early = i->assumed = 0;
	i->caps = 0;
	i->caps_known = 0;
	i->selecting = 0;
	i->listing = LISTING_NONE;
	imap_hold(i, imap_capability);
}

static void
login_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	(void)c;
	imap_login_free(i);
	if (r->type == IMAP_OK) {
		logged_in(i);
		return;
	}
	if (r->type == IMAP_BAD && i->early) {
		login_anew(i);
		return;
	}
	if (r->code == IMAP_CODE_UNAVAILABLE || r->code == IMAP_CODE_INUSE)
		session_refused(i->session, EAGAIN, "no login now", r->text,
		    r->len);
	else
		session_refused(i->session, EACCES, "login refused", r->text,
		    r->len);
}

/* The next part of a login; behind the last one more goes at once. */
static void
send_chunk(struct imap *i)
{
	const char	*s = i->chunks[i->chunk++];

	if (stream_write(i->session->stream, s, strlen(s)) == -1)
		session_fail(i->session, errno, "%s",
		    stream_error(i->session->stream));
	else if (i->chunk == i->nchunks)
		imap_open(i);
}

void
imap_continue(struct imap *i)
{
	if (i->chunk < i->nchunks)
		send_chunk(i);
	else
		session_fail(i->session, EPROTO,
		    "upstream wants more than there is to send");
}

static int
add_chunk(struct imap *i, char *s)
{
	if (s == NULL) {
		session_fail(i->session, ENOMEM, "out of memory");
		return (-1);
	}
	i->chunks[i->nchunks++] = s;
	return (0);
}

/* Appends a string to the chunk being written, a literal where it must. */
static int
add_string(struct imap *i, char **chunk, const char *s, const char *after)
{
	char	 quoted[1024], *new = NULL, *old = *chunk;
	size_t	 len = strlen(s);
	int	 plus, n;

	plus = (i->caps & IMAP_CAP_LITERAL_PLUS) != 0 ||
	    ((i->caps & IMAP_CAP_LITERAL_MINUS) != 0 && len <= 4096);
	if (imap_quote(s, quoted, sizeof(quoted)) != -1)
		n = asprintf(&new, "%s%s%s", old, quoted, after);
	else if (plus)
		n = asprintf(&new, "%s{%zu+}\r\n%s%s", old, len, s, after);
	else {
		n = asprintf(&new, "%s{%zu}\r\n", old, len);
		if (add_chunk(i, n == -1 ? NULL : new) == 0)
			n = asprintf(&new, "%s%s", s, after);
		else
			n = -1;
	}
	explicit_bzero(quoted, sizeof(quoted));
	freezero(old, strlen(old));
	*chunk = n == -1 ? NULL : new;
	return (n == -1 ? -1 : 0);
}

static void
login_command(struct imap *i, uint32_t tag)
{
	struct session	*s = i->session;
	char		*chunk;

	if (asprintf(&chunk, "a%u LOGIN ", tag) == -1)
		chunk = NULL;
	if (chunk != NULL && add_string(i, &chunk, s->login, " ") == 0 &&
	    add_string(i, &chunk, s->password, "\r\n") == 0)
		(void)add_chunk(i, chunk);
	else
		session_fail(s, ENOMEM, "out of memory");
}

static void
authenticate_command(struct imap *i, uint32_t tag)
{
	char	*plain, *chunk = NULL;
	int	 n;

	if ((plain = session_sasl_plain(i->session)) == NULL) {
		session_fail(i->session, ENOMEM, "out of memory");
		return;
	}
	if (i->caps & IMAP_CAP_SASL_IR)
		n = asprintf(&chunk, "a%u AUTHENTICATE PLAIN %s\r\n", tag,
		    plain);
	else {
		n = asprintf(&chunk, "a%u AUTHENTICATE PLAIN\r\n", tag);
		if (add_chunk(i, n == -1 ? NULL : chunk) == 0)
			n = asprintf(&chunk, "%s\r\n", plain);
		else
			n = -1;
	}
	freezero(plain, strlen(plain));
	(void)add_chunk(i, n == -1 ? NULL : chunk);
}

/* AUTHENTICATE where it takes one flight or is the only way, else LOGIN. */
static void
imap_login(struct imap *i)
{
	struct session		*s = i->session;
	struct imap_command	*c;
	int			 plain, disabled;

	plain = (i->caps & IMAP_CAP_AUTH_PLAIN) != 0;
	disabled = (i->caps & IMAP_CAP_LOGINDISABLED) != 0;
	if (disabled && !plain) {
		session_fail(s, EOPNOTSUPP, "upstream offers no way to log "
		    "in with a password");
		return;
	}
	if ((c = imap_command_new(i, login_done)) == NULL)
		return;
	if (plain && (disabled || (i->caps & IMAP_CAP_SASL_IR)))
		authenticate_command(i, c->tag);
	else
		login_command(i, c->tag);
	i->caps_known = 0;
	if (s->known != NULL) {
		if (!i->early)
			s->known->before = i->caps;
		i->assumed = s->known->after != 0;
		if (i->assumed)
			i->caps = s->known->after;
	}
	if (!s->over)
		send_chunk(i);
}

static void
starttls_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	(void)c;
	i->early = 0;
	if (r->type != IMAP_OK) {
		if (i->session->known != NULL)
			known_forget(i->session->known);
		session_refused(i->session, EPROTO, "STARTTLS refused",
		    r->text, r->len);
		return;
	}
	i->securing = 1;
	session_secure(i->session);
}

/* What there is, is known: secure the connection, or log in. */
static void
imap_proceed(struct imap *i)
{
	struct session	*s = i->session;

	if (s->tls != TLS_MODE_STARTTLS || stream_is_tls(s->stream))
		imap_login(i);
	else if (i->caps & IMAP_CAP_STARTTLS) {
		if (s->known != NULL)
			s->known->plain = i->caps;
		imap_command_send(i, starttls_done, "STARTTLS");
	} else
		session_fail(s, EPROTO, "upstream does not offer STARTTLS");
}

static void
capability_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	(void)c;
	if (r->type == IMAP_OK && (i->caps & IMAP_CAP_IMAP4))
		imap_proceed(i);
	else
		session_fail(i->session, EPROTO,
		    "upstream does not speak IMAP4rev1");
}

void
imap_capability(struct imap *i)
{
	if (i->caps_known)
		imap_proceed(i);
	else
		imap_command_send(i, capability_done, "CAPABILITY");
}

void
imap_early(struct imap *i)
{
	struct session			*s = i->session;
	const struct known_upstream	*k = s->known;
	uint32_t			 caps;

	if (k == NULL || k->shy)
		return;
	caps = s->tls == TLS_MODE_STARTTLS && !stream_is_tls(s->stream) ?
	    k->plain : k->before;
	if (caps == 0)
		return;
	i->early = 1;
	i->caps = caps;
	i->caps_known = 1;
	imap_proceed(i);
}

/*
 * Not a word to a login that did not wait for the greeting: some may not
 * like that.
 */
void
imap_doubt(struct imap *i)
{
	struct session	*s = i->session;

	if (!i->early || s->known == NULL || TAILQ_EMPTY(&i->commands) ||
	    TAILQ_FIRST(&i->commands)->tag != 1)
		return;
	if (i->greeted && s->error == ETIMEDOUT)
		s->known->shy = 1;
	known_forget(s->known);
}

void
imap_hold(struct imap *i, void (*fn)(struct imap *))
{
	if (i->compressing)
		i->held = fn;
	else
		fn(i);
}

void
imap_greeting(struct imap *i)
{
	struct session	*s = i->session;

	i->greeted = 1;
	s->moved = 1;
	if (i->r.tagged || (i->r.type != IMAP_OK &&
	    i->r.type != IMAP_PREAUTH && i->r.type != IMAP_BYE))
		session_fail(s, EPROTO, "upstream does not speak IMAP");
	else if (i->r.type == IMAP_BYE)
		session_refused(s, EAGAIN, "upstream refuses", i->r.text,
		    i->r.len);
	else if (i->r.type == IMAP_OK && i->early)
		;		/* what is to be said is said */
	else if (i->r.type == IMAP_OK)
		imap_capability(i);
	else if (i->early)
		session_fail(s, EPROTO, "upstream wants no login any more");
	else if (s->tls == TLS_MODE_STARTTLS && !stream_is_tls(s->stream))
		session_fail(s, EPROTO, "upstream is past STARTTLS already");
	else
		imap_select(i);
}

