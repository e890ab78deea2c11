/* See LICENSE for the terms. */

/* Bounces: the report, and its way into the queue. */

#include <sys/types.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "bounce.h"
#include "log.h"
#include "route.h"

#define PIECE		16384		/* of the original, read at once */
#define LINE_MAX_BYTES	2048		/* of our own text */
#define BOUNDARY_MAX	48

/* Where the text goes; the first error stays. */
struct output {
	bounce_writer	*write;
	void		*arg;
	int		 failed;
};

static const struct {
	const char	*subject;
	const char	*action;	/* RFC 3464 2.3.3 */
	const char	*name;		/* for the log */
	const char	*word;		/* of NOTIFY, which asks for it */
} kinds[] = {
	[BOUNCE_FAILED] = { "Undelivered mail", "failed", "bounce",
	    "FAILURE" },
	[BOUNCE_DELAYED] = { "Delayed mail (still being tried)", "delayed",
	    "delay", "DELAY" },
	/* Of those who do not say NEVER: see bounce_wanted. */
	[BOUNCE_RELAYED] = { "Relayed mail", "relayed", "relay", NULL }
};

static int	 is_ascii(const char *);

static void
put_bytes(struct output *o, const void *data, size_t len)
{
	if (!o->failed && o->write(o->arg, data, len) == -1)
		o->failed = 1;
}

/* One or more lines; LF in the format becomes CRLF. */
static void	 put(struct output *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
static void
put(struct output *o, const char *fmt, ...)
{
	char	 text[LINE_MAX_BYTES], *line, *end;
	va_list	 ap;
	int	 n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text)) {
		errno = EMSGSIZE;
		o->failed = 1;
		return;
	}
	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		put_bytes(o, line, (size_t)(end - line));
		put_bytes(o, "\r\n", 2);
	}
	put_bytes(o, line, strlen(line));
}

/* The date of RFC 5322 3.3; no locale is ever set. */
static void
put_date(struct output *o, const char *field, int64_t when, int offset)
{
	char		 text[64];
	struct tm	 tm;
	time_t		 t = (time_t)(when + (int64_t)offset * 60);

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S", &tm) == 0)
		return;
	put(o, "%s: %s %c%02d%02d\n", field, text, offset < 0 ? '-' : '+',
	    abs(offset) / 60, abs(offset) % 60);
}

static int
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return (0);
	return (1);
}

/* Copy a range of the original. */
static void
put_range(struct output *o, const struct bounce *b, uint64_t len)
{
	uint8_t		 buf[PIECE];
	uint64_t	 done = 0;
	size_t		 want;
	ssize_t		 n;

	while (!o->failed && done < len) {
		want = len - done < sizeof(buf) ? (size_t)(len - done) :
		    sizeof(buf);
		n = pread(b->fd, buf, want, b->begin + (off_t)done);
		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			o->failed = 1;
			return;
		}
		put_bytes(o, buf, (size_t)n);
		done += (uint64_t)n;
	}
}

/* What scan_piece remembers of what came before. */
struct scan {
	int		 matched;	/* bytes of CRLF CRLF */
	uint64_t	 length;	/* looked at */
	int		 eight;
};

/* Look at bytes up to the empty line after the header, or all when full:
 * 1 at the end of the header. */
static int
scan_piece(struct scan *s, const uint8_t *p, size_t len, int full)
{
	static const char	 end[] = "\r\n\r\n";
	size_t			 i;

	for (i = 0; i < len; i++) {
		s->length++;
		if (p[i] & 0x80)
			s->eight = 1;
		if (full)
			continue;
		if (p[i] == (uint8_t)end[s->matched])
			s->matched++;
		else
			s->matched = p[i] == '\r';
		if (s->matched == 4) {
			s->length -= 2;
			return (1);
		}
	}
	return (0);
}

int
bounce_prepare(struct bounce *b)
{
	const struct envelope	*e = b->envelope;
	uint8_t			 buf[PIECE];
	/* A header may be empty: as if a line had ended just before. */
	struct scan		 s = { 2, 0, 0 };
	size_t			 i, want;
	ssize_t			 n;

	while (s.length < b->size) {
		want = b->size - s.length < sizeof(buf) ?
		    (size_t)(b->size - s.length) : sizeof(buf);
		n = pread(b->fd, buf, want, b->begin + (off_t)s.length);
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return (-1);
		if (scan_piece(&s, buf, (size_t)n, b->full))
			break;
	}
	b->included = s.length;
	b->eight = s.eight;
	b->utf8 = !is_ascii(e->sender);
	for (i = 0; i < b->nfailures; i++)
		b->utf8 |= !is_ascii(
		    e->recipients[b->failures[i].recipient].address);
	return (0);
}

/* RFC 3461 4: "+3D" is a byte; what could end a line becomes '?'. */
static void
xtext_decode(const char *s, char *dst, size_t size)
{
	char		 hex[3] = "";
	size_t		 n = 0;
	unsigned char	 c;

	while (*s != '\0' && n + 1 < size) {
		c = (unsigned char)*s++;
		if (c == '+' && s[0] != '\0' && s[1] != '\0') {
			memcpy(hex, s, 2);
			c = (unsigned char)strtoul(hex, NULL, 16);
			s += 2;
		}
		dst[n++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	dst[n] = '\0';
}

static void
compose_header(struct output *o, const struct bounce *b)
{
	const char	*to = b->envelope->sender;

	put(o, "From: Mail Delivery System <MAILER-DAEMON@%s>\n",
	    b->hostname);
	if (to[0] == '\0')
		put(o, "To: <postmaster@%s>\n", b->hostname);
	else
		put(o, "To: <%s>\n", to);
	put(o, "Subject: %s\n", kinds[b->kind].subject);
	put_date(o, "Date", b->now, b->offset);
	put(o, "Message-ID: <%016llx.bounce@%s>\n",
	    (unsigned long long)b->id, b->hostname);
	/* RFC 3834 5: no program is to answer this. */
	put(o, "Auto-Submitted: auto-replied\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\n"
	    "\tboundary=\"%s\"\n", b->boundary);
	if (b->eight || b->utf8)
		put(o, "Content-Transfer-Encoding: 8bit\n");
	put(o, "\n");
}

/* For a person. */
static void
compose_text(struct output *o, const struct bounce *b)
{
	const struct bounce_failure	*f;
	size_t				 i;

	put(o, "--%s\n"
	    "Content-Description: Notification\n"
	    "Content-Type: text/plain; charset=%s\n%s\n", b->boundary,
	    b->utf8 ? "utf-8" : "us-ascii",
	    b->utf8 ? "Content-Transfer-Encoding: 8bit\n" : "");
	put(o, "This is the mail relay at %s.\n\n", b->hostname);
	if (b->kind == BOUNCE_DELAYED)
		put(o, "Your message has not yet been delivered to the "
		    "recipients below.\n"
		    "It waits and is tried again; you need not send it "
		    "again.\n\n");
	else if (b->kind == BOUNCE_RELAYED)
		put(o, "Your message to the recipients below has been handed "
		    "on.\n"
		    "You may not hear from there of its delivery.\n\n");
	else
		put(o, "Your message could not be delivered to the "
		    "recipients below.\n"
		    "It will not be tried again; %s.\n\n",
		    b->full ? "it comes back with this notice" :
		    "its header comes back with this notice");
	for (i = 0; i < b->nfailures; i++) {
		f = &b->failures[i];
		put(o, "<%s>\n",
		    b->envelope->recipients[f->recipient].address);
		if (f->windows > 0)
			put(o, "    %s in %u calls.\n",
			    b->kind == BOUNCE_DELAYED ? "Tried so far" :
			    "Given up after trying", f->windows);
		if (f->local || b->remote == NULL)
			put(o, "    %s\n\n", f->reply);
		else
			put(o, "    %s said: %s\n\n", b->remote, f->reply);
	}
}

/* For a program: RFC 3464 2.3, one recipient. */
static void
compose_recipient(struct output *o, const struct bounce *b,
    const struct bounce_failure *f)
{
	const struct recipient	*r = &b->envelope->recipients[f->recipient];
	char			 text[512];

	if (r->orcpt != NULL) {
		xtext_decode(r->orcpt, text, sizeof(text));
		if (b->utf8 || is_ascii(text))
			put(o, "Original-Recipient: %s\n", text);
	}
	put(o, "Final-Recipient: %s; %s\n",
	    is_ascii(r->address) ? "rfc822" : "utf-8", r->address);
	put(o, "Action: %s\nStatus: %s\n", kinds[b->kind].action,
	    f->status);
	if (b->remote != NULL && !f->local)
		put(o, "Remote-MTA: dns; %s\n", b->remote);
	put(o, "Diagnostic-Code: %s; %s\n", f->local ? "x-relayd" : "smtp",
	    f->reply);
	put_date(o, "Last-Attempt-Date", b->now, b->offset);
}

static void
compose_status(struct output *o, const struct bounce *b)
{
	char	 text[512];
	size_t	 i;

	put(o, "--%s\n"
	    "Content-Description: Delivery report\n"
	    "Content-Type: message/%s\n%s\n", b->boundary,
	    b->utf8 ? "global-delivery-status" : "delivery-status",
	    b->utf8 ? "Content-Transfer-Encoding: 8bit\n" : "");
	if (b->envelope->envid != NULL) {
		xtext_decode(b->envelope->envid, text, sizeof(text));
		if (b->utf8 || is_ascii(text))
			put(o, "Original-Envelope-Id: %s\n", text);
	}
	put(o, "Reporting-MTA: dns; %s\n", b->hostname);
	put_date(o, "Arrival-Date", b->envelope->received, b->offset);
	for (i = 0; i < b->nfailures; i++) {
		put(o, "\n");
		compose_recipient(o, b, &b->failures[i]);
	}
	put(o, "\n");
}

static void
compose_original(struct output *o, const struct bounce *b)
{
	const char	*type;

	if (b->full)
		type = b->utf8 ? "message/global" : "message/rfc822";
	else
		type = b->utf8 ? "message/global-headers" :
		    "text/rfc822-headers";
	put(o, "--%s\n"
	    "Content-Description: %s\n"
	    "Content-Type: %s\n%s\n", b->boundary,
	    b->full ? "Undelivered message" : "Header of the message", type,
	    b->eight ? "Content-Transfer-Encoding: 8bit\n" : "");
	put_range(o, b, b->included);
	put(o, "\n--%s--\n", b->boundary);
}

int
bounce_compose(const struct bounce *b, bounce_writer *writer, void *arg)
{
	struct output	 o = { writer, arg, 0 };

	compose_header(&o, b);
	put(&o, "This is a report in parts, for programs that read MIME.\n");
	put(&o, "\n");
	compose_text(&o, b);
	compose_status(&o, b);
	compose_original(&o, b);
	return (o.failed ? -1 : 0);
}

int
bounce_wanted(const struct recipient *r, enum bounce_kind kind)
{
	const char	*word = kinds[kind].word;
	const char	*s;
	size_t		 n;

	if (r->notify == NULL)
		return (1);
	if (kind == BOUNCE_RELAYED)
		return (strcasecmp(r->notify, "NEVER") != 0);
	for (s = r->notify; *s != '\0'; s += n + (s[n] == ',')) {
		n = strcspn(s, ",");
		if (n == strlen(word) && strncasecmp(s, word, n) == 0)
			return (1);
	}
	return (0);
}

/* 0, or -1 with errno: an alias that leads nowhere adds nobody. */
static int
bounce_alias(const struct conf *conf, const struct conf_alias *alias,
    const char *sender, struct envelope *e)
{
	struct route_failure	 why;

	switch (route_expand(conf, alias, sender, ROUTE_ALIASES_MAX, e,
	    &why)) {
	case ROUTE_EXPANDED:
		return (0);
	case ROUTE_EXPAND_MEMORY:
		return (-1);
	default:
		envelope_cut(e, 0);
		return (0);
	}
}

/*
 * Whom to tell: the envelope of the bounce with its one recipient, or with
 * those whom an alias stands for.  0 with *ep NULL when there is nobody, -1
 * with errno.
 */
static int
bounce_envelope(const struct conf *conf, const char *sender,
    struct envelope **ep)
{
	struct address	 a;
	struct route	 route = { ROUTE_NO_USER, NULL, NULL };
	struct envelope	*e;
	char		 address[ADDRESS_MAX + 1];
	int		 n;

	*ep = NULL;
	if (sender[0] != '\0' &&
	    address_parse(sender, strlen(sender), &a) == 0)
		route = route_recipient(conf, &a, 1);
	if ((e = envelope_new("")) == NULL)
		return (-1);
	if (route.kind == ROUTE_ALIAS &&
	    bounce_alias(conf, route.alias, sender, e) == -1)
		goto fail;
	n = snprintf(address, sizeof(address), "%s", sender);
	if (route.kind != ROUTE_LOCAL && route.kind != ROUTE_RELAY) {
		/* It cannot be given back: the last who may care. */
		route.user = conf->global.postmaster;
		n = snprintf(address, sizeof(address), "postmaster@%s",
		    conf->global.hostname);
		if (e->nrecipients == 0 && route.user == NULL)
			n = -1;
	}
	if (e->nrecipients == 0 && (n < 0 || (size_t)n >= sizeof(address))) {
		envelope_free(e);
		return (0);
	}
	if (e->nrecipients == 0 && envelope_add(e, address, route.user) == -1)
		goto fail;
	*ep = e;
	return (0);

fail:
	envelope_free(e);
	return (-1);
}

/* Local time now is how many minutes east of Greenwich? */
static int
local_offset(time_t now)
{
	struct tm	 tm;

	if (localtime_r(&now, &tm) == NULL)
		return (0);
	return ((int)(tm.tm_gmtoff / 60));
}

static int
bounce_write(void *arg, const void *data, size_t len)
{
	return (queue_write(arg, data, len));
}

/*
 * What becomes of one bounce until the queue has it: the envelope has to
 * last until then.
 */
struct submission {
	struct envelope	*envelope;
	queue_callback	*callback;
	void		*arg;
};

static void
bounce_durable(void *arg, int result)
{
	struct submission	*s = arg, copy = *s;

	free(s);
	if (result == 0)
		log_info("msg id=%016llx event=queued from=<> to=<%s> "
		    "size=%llu", (unsigned long long)copy.envelope->id,
		    copy.envelope->recipients[0].address,
		    (unsigned long long)copy.envelope->size);
	envelope_free(copy.envelope);
	copy.callback(copy.arg, result);
}

/* Compose into the queue: 0, or -1 with errno. */
static int
bounce_enqueue(struct queue *q, struct bounce *b, struct submission *s)
{
	struct queue_writer	*w;
	char			 boundary[BOUNDARY_MAX];
	int			 error;

	if ((w = queue_message(q)) == NULL)
		return (-1);
	b->id = queue_writer_id(w);
	(void)snprintf(boundary, sizeof(boundary), "relayd-%08x%08x%08x%08x",
	    arc4random(), arc4random(), arc4random(), arc4random());
	b->boundary = boundary;
	if (bounce_prepare(b) == -1 ||
	    bounce_compose(b, bounce_write, w) == -1) {
		error = errno;
		queue_abort(w);
		errno = error;
		return (-1);
	}
	if (b->eight || b->utf8)
		s->envelope->flags |= ENVELOPE_8BIT;
	if (b->utf8)
		s->envelope->flags |= ENVELOPE_SMTPUTF8;
	log_info("msg id=%016llx event=accepted from=<> to=<%s> "
	    "%s-of=%016llx", (unsigned long long)b->id,
	    s->envelope->recipients[0].address,
	    kinds[b->kind].name,
	    (unsigned long long)b->envelope->id);
	queue_submit(w, s->envelope, bounce_durable, s);
	return (0);
}

/* Only those that the sender wants to hear of; their number, or -1. */
static ssize_t
bounce_select(const struct envelope *e, enum bounce_kind kind,
    const struct bounce_failure *all, size_t n, struct bounce_failure **list)
{
	size_t	 i, count = 0;

	if ((*list = calloc(n > 0 ? n : 1, sizeof(**list))) == NULL)
		return (-1);
	for (i = 0; i < n; i++)
		if (bounce_wanted(&e->recipients[all[i].recipient], kind))
			(*list)[count++] = all[i];
	return ((ssize_t)count);
}

int
bounce_submit(struct queue *q, const struct conf *conf,
    enum bounce_kind kind, const struct envelope *e,
    const struct bounce_failure *failures, size_t n, const char *remote,
    queue_callback *callback, void *arg)
{
	struct bounce_failure	*list = NULL;
	struct submission	*s = NULL;
	struct bounce		 b;
	ssize_t			 count;
	int			 result = -1;

	memset(&b, 0, sizeof(b));
	b.fd = -1;
	if (kind != BOUNCE_FAILED && e->sender[0] == '\0')
		return (0);
	if ((count = bounce_select(e, kind, failures, n, &list)) <= 0) {
		result = (int)count;
		goto done;
	}
	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    bounce_envelope(conf, e->sender, &s->envelope) == -1)
		goto done;
	if (s->envelope == NULL) {
		result = 0;
		goto done;
	}
	if ((b.fd = queue_body(q, e->id, &b.begin, &b.size)) == -1)
		goto done;
	s->callback = callback;
	s->arg = arg;
	b.kind = kind;
	b.envelope = e;
	b.failures = list;
	b.nfailures = (size_t)count;
	b.hostname = conf->global.hostname;
	b.remote = remote;
	b.now = (int64_t)time(NULL);
	b.offset = local_offset((time_t)b.now);
	/* The sender of a delayed message has not lost it (RFC 3461 6.2). */
	b.full = kind == BOUNCE_FAILED && e->ret != NULL &&
	    strcasecmp(e->ret, "FULL") == 0;
	if (bounce_enqueue(q, &b, s) == -1)
		goto done;
	s = NULL;	/* the queue's, until the callback */
	result = 1;
 done:
	if (b.fd != -1)
		close(b.fd);
	if (s != NULL) {
		envelope_free(s->envelope);
		free(s);
	}
	free(list);
	return (result);
}
