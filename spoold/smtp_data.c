/* See LICENSE for the terms. */

/*
 * The message itself: DATA and BDAT, and its way into the queue.  RFC 5321
 * 4.1.1.4, RFC 3030.
 *
 * The bytes go into the queue as they come (M6).  A message that is refused
 * is still taken in to its end, so that none of it is read as a command.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "child.h"
#include "log.h"
#include "received.h"
#include "smtp_internal.h"
#include "spoold.h"

#define SMTP_RECEIVED_MAX	100	/* RFC 5321 6.3: beyond is a loop */

/* A message between its end and the sync, whether the session stays or
 * not. */
struct smtp_commit {
	struct smtp_session	*session;	/* NULL: gone */
	struct envelope		*envelope;
	char			 address[INET6_ADDRSTRLEN];
	char			 user[PROTO_NAME_MAX];
};

static const struct smtp_refusal refusal_space = {
	452, "4.3.1", "No space left, try again later"
};
static const struct smtp_refusal refusal_storage = {
	451, "4.3.0", "The message cannot be stored, try again later"
};
static const struct smtp_refusal refusal_size = {
	552, "5.3.4", "Message is too large"
};
static const struct smtp_refusal refusal_bare = {
	550, "5.6.0", "Message has a bare CR or LF"
};
static const struct smtp_refusal refusal_loop = {
	554, "5.4.6", "Mail loop: too many Received fields"
};
static const struct smtp_refusal refusal_order = {
	503, "5.5.1", "Send MAIL and RCPT first"
};
static const struct smtp_refusal refusal_nobody = {
	554, "5.5.1", "No valid recipients"
};

static smtp_state	 state_data, state_chunk;

void
smtp_data_reset(struct smtp_session *s)
{
	if (s->incoming.writer != NULL)
		queue_abort(s->incoming.writer);
	memset(&s->incoming, 0, sizeof(s->incoming));
}

void
smtp_data_detach(struct smtp_session *s)
{
	if (s->commit != NULL)
		s->commit->session = NULL;
	s->commit = NULL;
}

/* The first reason stands; what was stored so far makes room again. */
static void
refuse(struct smtp_session *s, const struct smtp_refusal *why)
{
	if (s->incoming.refusal == NULL)
		s->incoming.refusal = why;
	if (s->incoming.writer != NULL)
		queue_abort(s->incoming.writer);
	s->incoming.writer = NULL;
}

/* M5: a full disk is the client's to wait for. */
static const struct smtp_refusal *
refusal_errno(int error)
{
	if (error == ENOSPC || error == EDQUOT)
		return (&refusal_space);
	return (&refusal_storage);
}

static void
queue_failed(struct smtp_session *s, const char *what)
{
	int	 error = errno;

	log_warn("smtp: %s address=[%s]", what, s->address);
	refuse(s, refusal_errno(error));
}

/* Ends the transaction with what was wrong. */
static enum smtp_next
message_refused(struct smtp_session *s, const struct smtp_refusal *why)
{
	log_info("smtp: message refused address=[%s] user=%s from=<%s> "
	    "size=%llu reply=%d %s", s->address,
	    s->user[0] != '\0' ? s->user : "-",
	    s->envelope != NULL ? s->envelope->sender : "",
	    (unsigned long long)s->incoming.size, why->code, why->enhanced);
	smtp_session_reset(s);
	s->state = smtp_state_command;
	return (smtp_session_reply(s, why->code, why->enhanced, "%s",
	    why->text));
}

static ssize_t
trace_line(const struct smtp_session *s, char *dst, size_t size)
{
	const struct envelope	*e = s->envelope;
	struct received		 r;
	struct tm		 tm;
	time_t			 now;
	int			 priority;

	memset(&r, 0, sizeof(r));
	now = time(NULL);
	if (localtime_r(&now, &tm) != NULL)
		r.offset = (int)(tm.tm_gmtoff / 60);
	r.when = (int64_t)now;
	r.helo = s->helo;
	r.address = s->address;
	r.hostname = child_conf->global.hostname;
	r.esmtp = s->esmtp;
	r.tls = stream_is_tls(s->stream);
	r.auth = s->user[0] != '\0';
	r.smtputf8 = (e->flags & ENVELOPE_SMTPUTF8) != 0;
	r.id = queue_writer_id(s->incoming.writer);
	if (e->flags & ENVELOPE_PRIORITY) {
		priority = e->priority;
		r.priority = &priority;
	}
	if (e->nrecipients == 1)
		r.recipient = e->recipients[0].address;
	return (received_format(&r, dst, size));
}

static void
message_begin(struct smtp_session *s)
{
	char	 line[RECEIVED_MAX];
	ssize_t	 n;

	s->incoming.active = 1;
	header_counter_init(&s->incoming.received, "Received");
	header_class_init(&s->incoming.class);
	if ((s->incoming.writer = queue_message(spool_queue)) == NULL) {
		queue_failed(s, "queue_message");
		return;
	}
	if ((n = trace_line(s, line, sizeof(line))) == -1) {
		log_warnx("smtp: no room for the Received field");
		refuse(s, &refusal_storage);
	} else if (queue_write(s->incoming.writer, line, (size_t)n) == -1)
		queue_failed(s, "queue_write");
}

/*
 * M7: only CRLF ends a line.  Others may take a bare CR or LF for a line
 * end and see the end of the message where we do not.
 */
static void
message_inspect(struct smtp_incoming *in, const uint8_t *data, size_t len)
{
	size_t	 i;

	for (i = 0; i < len; i++) {
		if (in->cr != (data[i] == '\n'))
			in->bare = 1;
		in->cr = data[i] == '\r';
		in->high |= data[i] & 0x80;
	}
}

/* Bytes of the message. */
static void
message_write(struct smtp_session *s, const uint8_t *data, size_t len)
{
	struct smtp_incoming	*in = &s->incoming;
	uint64_t		 max = child_conf->global.message_max;

	if (len == 0)
		return;
	in->size += len;
	if (max != 0 && in->size > max)
		refuse(s, &refusal_size);
	message_inspect(in, data, len);
	if (in->writer == NULL)
		return;
	header_counter_feed(&in->received, data, len);
	header_class_feed(&in->class, data, len);
	if (queue_write(in->writer, data, len) == -1)
		queue_failed(s, "queue_write");
}

/* What is wrong with the message so far; NULL: nothing. */
static const struct smtp_refusal *
message_check(const struct smtp_incoming *in)
{
	if (in->refusal != NULL)
		return (in->refusal);
	if (in->bare || (in->last && in->cr))
		return (&refusal_bare);
	if (in->received.count > SMTP_RECEIVED_MAX)
		return (&refusal_loop);
	return (NULL);
}

/* Of mail that is not normal, for the log. */
static const char *
class_words(uint32_t class)
{
	switch (class) {
	case PROTO_URGENT:
		return (" class=urgent");
	case PROTO_BULK:
		return (" class=bulk");
	default:
		return ("");
	}
}

/* The message is durable (M1), or could not be made so. */
static void
commit_done(void *arg, int result)
{
	struct smtp_commit		*c = arg;
	struct smtp_session		*s = c->session;
	const struct envelope		*e = c->envelope;
	const struct smtp_refusal	*why;
	enum smtp_next			 next;

	if (result == 0)
		log_info("msg id=%016llx event=accepted from=<%s> rcpts=%u "
		    "size=%llu client=[%s] user=%s%s%s",
		    (unsigned long long)e->id, e->sender, e->nrecipients,
		    (unsigned long long)e->size, c->address,
		    c->user[0] != '\0' ? c->user : "-",
		    class_words(e->class),
		    s == NULL ? " reply=lost" : "");
	else
		log_warnx("smtp: message not stored address=[%s]: %s",
		    c->address, strerror(result));
	if (s != NULL) {
		s->commit = NULL;
		if (result == 0) {
			s->errors = 0;
			next = smtp_session_reply(s, 250, "2.0.0",
			    "queued as %016llx", (unsigned long long)e->id);
		} else {
			why = refusal_errno(result);
			next = smtp_session_reply(s, why->code,
			    why->enhanced, "%s", why->text);
		}
		smtp_session_answered(s, next);
	}
	envelope_free(c->envelope);
	free(c);
}

/* What kind of mail it is: as MAIL said, or else the header. */
static void
message_class(struct smtp_session *s)
{
	struct header_class	*c = &s->incoming.class;
	struct envelope		*e = s->envelope;

	header_class_end(c);
	if (e->flags & ENVELOPE_PRIORITY) {
		c->found = HEADER_PRIORITY;
		c->priority = e->priority;
	} else if (c->found & HEADER_PRIORITY)
		e->priority = c->priority;
	e->class = header_class_decide(c->found, c->priority,
	    s->incoming.size, child_conf->global.bulk_larger);
}

/* Hands the message over; the reply waits for the sync (M1). */
static enum smtp_next
message_submit(struct smtp_session *s)
{
	struct smtp_commit	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		log_warn("smtp: commit");
		return (message_refused(s, &refusal_storage));
	}
	/*
	 * Said from the bytes and not from BODY=: a message with 8-bit
	 * bytes that was not declared so is passed on unchanged all the
	 * same, since refusing it would lose mail that most servers take;
	 * and one that was declared so without need can go to upstreams
	 * that lack 8BITMIME.
	 */
	if (s->incoming.high)
		s->envelope->flags |= ENVELOPE_8BIT;
	message_class(s);
	c->session = s;
	c->envelope = s->envelope;
	strlcpy(c->address, s->address, sizeof(c->address));
	strlcpy(c->user, s->user, sizeof(c->user));
	s->commit = c;
	s->envelope = NULL;
	s->state = smtp_state_wait;
	queue_submit(s->incoming.writer, c->envelope, commit_done, c);
	s->incoming.writer = NULL;
	smtp_data_reset(s);
	spool_commit_soon();
	return (SMTP_NEXT_WAIT);
}

/* All of the message is here. */
static enum smtp_next
message_end(struct smtp_session *s)
{
	const struct smtp_refusal	*why;

	s->incoming.last = 1;
	if ((why = message_check(&s->incoming)) != NULL)
		return (message_refused(s, why));
	return (message_submit(s));
}

static enum smtp_next
state_data(struct smtp_session *s)
{
	static uint8_t	 out[STREAM_INPUT_DEFAULT];
	const uint8_t	*in;
	size_t		 len, used, outlen = sizeof(out);
	int		 end;

	if ((len = stream_peek(s->stream, &in)) == 0)
		return (SMTP_NEXT_INPUT);
	end = dot_unstuff(&s->incoming.dot, in, len, &used, out, &outlen);
	message_write(s, out, outlen);
	stream_consume(s->stream, used);
	return (end ? message_end(s) : SMTP_NEXT_AGAIN);
}

/* Why no message may come now; NULL: it may. */
static const struct smtp_refusal *
message_order(const struct smtp_session *s)
{
	if (s->envelope == NULL)
		return (&refusal_order);
	return (s->envelope->nrecipients == 0 ? &refusal_nobody : NULL);
}

enum smtp_next
smtp_data_command(struct smtp_session *s, const struct smtp_command *cmd)
{
	const struct smtp_refusal	*why;
	const uint8_t			*more;

	(void)cmd;
	if (s->incoming.active)
		return (smtp_session_reply(s, 503, "5.5.1",
		    "DATA does not mix with BDAT"));
	if ((why = message_order(s)) != NULL)
		return (smtp_session_reply(s, why->code, why->enhanced, "%s",
		    why->text));
	/*
	 * RFC 2920 3.1: DATA is the last of a group.  Who goes on before
	 * our answer is no mail program: perhaps a web browser that was
	 * made to speak to us.
	 */
	if (stream_peek(s->stream, &more) > 0) {
		log_info("smtp: input before the reply to DATA address=[%s]",
		    s->address);
		(void)smtp_session_reply(s, 503, "5.5.0",
		    "Input before the reply to DATA");
		return (SMTP_NEXT_END);
	}
	message_begin(s);
	if (s->incoming.refusal != NULL)
		return (message_refused(s, s->incoming.refusal));
	s->state = state_data;
	return (smtp_session_reply(s, 354, "",
	    "End the message with <CRLF>.<CRLF>"));
}

/* A chunk is there, all of it. */
static enum smtp_next
chunk_end(struct smtp_session *s)
{
	const struct smtp_refusal	*why;

	if (s->incoming.last)
		return (message_end(s));
	if ((why = message_check(&s->incoming)) != NULL)
		return (message_refused(s, why));
	s->state = smtp_state_command;
	return (smtp_session_reply(s, 250, "2.0.0", "%llu bytes received",
	    (unsigned long long)s->incoming.size));
}

static enum smtp_next
state_chunk(struct smtp_session *s)
{
	const uint8_t	*in;
	size_t		 len;

	if (s->incoming.chunk == 0)
		return (chunk_end(s));
	if ((len = stream_peek(s->stream, &in)) == 0)
		return (SMTP_NEXT_INPUT);
	if (len > s->incoming.chunk)
		len = (size_t)s->incoming.chunk;
	message_write(s, in, len);
	s->incoming.chunk -= len;
	stream_consume(s->stream, len);
	return (SMTP_NEXT_AGAIN);
}

/* RFC 3030 2: the chunk follows at once, also when it is not wanted. */
enum smtp_next
smtp_bdat_command(struct smtp_session *s, const struct smtp_command *cmd)
{
	const struct smtp_refusal	*why;

	if (!s->incoming.active) {
		if ((why = message_order(s)) != NULL)
			refuse(s, why);
		else
			message_begin(s);
	}
	s->incoming.chunk = cmd->size;
	s->incoming.last = cmd->last;
	s->state = state_chunk;
	return (SMTP_NEXT_AGAIN);
}
