/* See LICENSE for the terms. */

/* The SMTP server's commands, all but AUTH and those of the message. */

#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "child.h"
#include "listener.h"
#include "log.h"
#include "route.h"
#include "smtp_internal.h"
#include "spoold.h"

/* RFC 5321 4.5.3.1.8 asks for 100 at least. */
#define SMTP_RECIPIENTS_LIMIT	1000

typedef enum smtp_next	 command(struct smtp_session *,
			    const struct smtp_command *);

static command	 command_hello, command_mail, command_rcpt, command_rset;
static command	 command_noop, command_vrfy, command_expn, command_help;
static command	 command_quit, command_starttls, command_etrn;

static command *const commands[SMTP_VERBS] = {
	[SMTP_EHLO] = command_hello,
	[SMTP_HELO] = command_hello,
	[SMTP_MAIL] = command_mail,
	[SMTP_RCPT] = command_rcpt,
	[SMTP_DATA] = smtp_data_command,
	[SMTP_BDAT] = smtp_bdat_command,
	[SMTP_RSET] = command_rset,
	[SMTP_NOOP] = command_noop,
	[SMTP_VRFY] = command_vrfy,
	[SMTP_EXPN] = command_expn,
	[SMTP_HELP] = command_help,
	[SMTP_QUIT] = command_quit,
	[SMTP_STARTTLS] = command_starttls,
	[SMTP_AUTH] = smtp_auth_command,
	[SMTP_ETRN] = command_etrn
};

void
smtp_session_greet(struct smtp_session *s)
{
	(void)smtp_session_reply(s, 220, "", "%s ESMTP relayd",
	    child_conf->global.hostname);
}

void
smtp_session_reset(struct smtp_session *s)
{
	smtp_data_reset(s);
	envelope_free(s->envelope);
	s->envelope = NULL;
}

/*
 * RFC 3207 4.2: nothing that was learned in plain text counts any more.  A
 * session that began with the handshake is greeted now.
 */
void
smtp_session_secured(struct smtp_session *s)
{
	int	 starttls = s->helo[0] != '\0';

	smtp_session_reset(s);
	s->helo[0] = '\0';
	s->user[0] = '\0';
	s->esmtp = 0;
	s->state = smtp_state_command;
	if (!starttls)
		smtp_session_greet(s);
}

static int
tls_offered(const struct smtp_session *s)
{
	return (s->pki != NULL && !stream_is_tls(s->stream));
}

static enum smtp_next
parse_refused(struct smtp_session *s, const struct smtp_command *cmd,
    enum smtp_parse result)
{
	switch (result) {
	case SMTP_PARSE_BYTES:
		return (smtp_session_reply(s, 500, "5.5.2",
		    "Control character or bare line end in command"));
	case SMTP_PARSE_VERB:
		return (smtp_session_reply(s, 500, "5.5.1",
		    "Command not recognized"));
	case SMTP_PARSE_ADDRESS:
		if (cmd->utf8)
			return (smtp_session_reply(s, 553, "5.6.7",
			    "Address is neither ASCII nor UTF-8"));
		return (smtp_session_reply(s, 501,
		    cmd->verb == SMTP_MAIL ? "5.1.7" : "5.1.3",
		    "Bad address syntax"));
	case SMTP_PARSE_PARAMETER:
		return (smtp_session_reply(s, 555, "5.5.4",
		    "Parameter not recognized"));
	case SMTP_PARSE_SYNTAX:
	case SMTP_PARSE_OK:
		break;
	}
	return (smtp_session_reply(s, 501, "5.5.4", "Bad arguments"));
}

/* What parse_refused says, and then the end for a chunk of unknown size:
 * the bytes that follow must not be taken for commands. */
static enum smtp_next
bdat_refused(struct smtp_session *s, const struct smtp_command *cmd,
    enum smtp_parse result)
{
	(void)parse_refused(s, cmd, result);
	return (SMTP_NEXT_END);
}

/* The line must not be used after a reply: it is the stream's. */
enum smtp_next
smtp_state_command(struct smtp_session *s)
{
	struct smtp_command	 cmd;
	enum smtp_parse		 result;
	char			*line;
	size_t			 len;
	int			 r;

	r = stream_line(s->stream, &line, &len, SMTP_AUTH_LINE_MAX, 1);
	if (r == 0)
		return (SMTP_NEXT_INPUT);
	if (r == -1)
		return (smtp_session_reply(s, 500, "5.5.2", "Line too long"));
	result = smtp_command_parse(line, len, &cmd);
	if (len + 2 > SMTP_LINE_MAX && cmd.verb != SMTP_AUTH)
		return (smtp_session_reply(s, 500, "5.5.2", "Line too long"));
	if (result != SMTP_PARSE_OK && cmd.verb == SMTP_BDAT)
		return (bdat_refused(s, &cmd, result));
	if (result != SMTP_PARSE_OK)
		return (parse_refused(s, &cmd, result));
	return (commands[cmd.verb](s, &cmd));
}

static void
extensions(struct smtp_session *s)
{
	(void)stream_printf(s->stream, "250-%s\r\n250-PIPELINING\r\n"
	    "250-SIZE %llu\r\n250-CHUNKING\r\n250-8BITMIME\r\n"
	    "250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n"
	    "250-MT-PRIORITY\r\n250-DELIVERBY\r\n250-ETRN\r\n",
	    child_conf->global.hostname,
	    (unsigned long long)child_conf->global.message_max);
	if (tls_offered(s))
		(void)stream_printf(s->stream, "250-STARTTLS\r\n");
	if (smtp_auth_offered(s))
		(void)stream_printf(s->stream, "250-AUTH PLAIN LOGIN\r\n");
}

static enum smtp_next
command_hello(struct smtp_session *s, const struct smtp_command *cmd)
{
	memcpy(s->helo, cmd->arg, cmd->arglen);
	s->helo[cmd->arglen] = '\0';
	s->esmtp = cmd->verb == SMTP_EHLO;
	smtp_session_reset(s);
	if (!s->esmtp)
		return (smtp_session_reply(s, 250, "", "%s",
		    child_conf->global.hostname));
	extensions(s);
	return (smtp_session_reply(s, 250, "", "HELP"));
}

static enum smtp_next
no_memory(struct smtp_session *s)
{
	log_warn("smtp: transaction");
	return (smtp_session_reply(s, 451, "4.3.0", "Out of memory"));
}

/* RFC 1870 6.1: refused before it is sent, when it says how large it is. */
static int
too_large(const struct smtp_command *cmd)
{
	uint64_t	 max = child_conf->global.message_max;

	return (max != 0 && cmd->has_size && cmd->size > max);
}

/* M7: networks that are named, and who has proved to be a user. */
static enum smtp_next
sender_refused(struct smtp_session *s)
{
	if (s->service == SERVICE_SUBMISSION)
		return (smtp_session_reply(s, 530, "5.7.0", "%s",
		    tls_offered(s) ? "STARTTLS and authentication required" :
		    "Authentication required"));
	log_info("smtp: network refused address=[%s]", s->address);
	return (smtp_session_reply(s, 550, "5.7.1",
	    "Your network may not send mail here"));
}

static int
sender_trusted(const struct smtp_session *s)
{
	if (s->user[0] != '\0')
		return (1);
	return (s->service == SERVICE_SMTP && (s->listed || !s->restricted));
}

/* Those whose mail goes beyond this host. */
static int
may_relay(const struct smtp_session *s)
{
	return (s->user[0] != '\0' ||
	    (s->service == SERVICE_SMTP && s->listed));
}

/* Whose mail it is: who has proved to be a user, or whose address it has. */
static const char *
sender_user(const struct smtp_session *s, const struct smtp_command *cmd)
{
	struct route	 route;

	if (s->user[0] != '\0')
		return (s->user);
	if (cmd->address.text[0] == '\0')
		return (NULL);
	route = route_owner(child_conf, &cmd->address);
	return (route.kind == ROUTE_LOCAL ? route.user : NULL);
}

/* The envelope that MAIL begins; NULL with ENOMEM. */
static struct envelope *
sender_envelope(const struct smtp_session *s, const struct smtp_command *cmd)
{
	const char	*user = sender_user(s, cmd);
	struct envelope	*e;

	if ((e = envelope_new(cmd->address.text)) == NULL)
		return (NULL);
	if ((cmd->envid[0] != '\0' &&
	    (e->envid = strdup(cmd->envid)) == NULL) ||
	    (cmd->ret[0] != '\0' && (e->ret = strdup(cmd->ret)) == NULL) ||
	    (user != NULL && (e->user = strdup(user)) == NULL)) {
		envelope_free(e);
		return (NULL);
	}
	if (cmd->smtputf8)
		e->flags |= ENVELOPE_SMTPUTF8;
	if (cmd->has_priority) {
		e->flags |= ENVELOPE_PRIORITY;
		e->priority = cmd->priority;
	}
	/* Of a time that has passed the sender has been told before. */
	if (cmd->has_by && cmd->by_time > 0) {
		e->deadline = (int64_t)time(NULL) + cmd->by_time;
		e->flags |= (cmd->by_return ? ENVELOPE_BY_RETURN : 0) |
		    (cmd->by_trace ? ENVELOPE_BY_TRACE : 0);
	}
	return (e);
}

static enum smtp_next
command_mail(struct smtp_session *s, const struct smtp_command *cmd)
{
	if (s->helo[0] == '\0')
		return (smtp_session_reply(s, 503, "5.5.1",
		    "Send EHLO first"));
	if (s->envelope != NULL)
		return (smtp_session_reply(s, 503, "5.5.1",
		    "Sender given already"));
	if (!sender_trusted(s))
		return (sender_refused(s));
	if (cmd->utf8 && !cmd->smtputf8)
		return (smtp_session_reply(s, 553, "5.6.7",
		    "Address beyond ASCII needs SMTPUTF8"));
	if (too_large(cmd))
		return (smtp_session_reply(s, 552, "5.3.4",
		    "Message is larger than %llu bytes",
		    (unsigned long long)child_conf->global.message_max));
	if ((s->envelope = sender_envelope(s, cmd)) == NULL)
		return (no_memory(s));
	return (smtp_session_reply(s, 250, "2.1.0", "Sender ok"));
}

static enum smtp_next
recipient_refused(struct smtp_session *s, const struct smtp_command *cmd,
    enum route_kind kind)
{
	log_info("smtp: recipient refused address=[%s] user=%s from=<%s> "
	    "to=<%s> reason=%s", s->address,
	    s->user[0] != '\0' ? s->user : "-", s->envelope->sender,
	    cmd->address.text, kind == ROUTE_NO_USER ? "no-user" :
	    kind == ROUTE_DENIED ? "relaying" : "no-upstream");
	switch (kind) {
	case ROUTE_NO_USER:
		return (smtp_session_reply(s, 550, "5.1.1",
		    "No such user here"));
	case ROUTE_DENIED:
		return (smtp_session_reply(s, 550, "5.7.1",
		    "Relaying denied"));
	default:
		return (smtp_session_reply(s, 550, "5.4.4",
		    "No upstream to relay to"));
	}
}

/* address_equal without its price: there may be many recipients. */
static int
same_address(const char *known, const struct address *a)
{
	return (strncmp(known, a->text, a->at) == 0 &&
	    strcasecmp(known + a->at, a->text + a->at) == 0);
}

/* The same recipient again, by another address perhaps, gets one copy. */
static int
recipient_known(const struct envelope *e, const struct address *address,
    const char *user)
{
	const struct recipient	*r;
	uint32_t		 i;

	for (i = 0; i < e->nrecipients; i++) {
		r = &e->recipients[i];
		if (user != NULL && r->user != NULL) {
			if (strcmp(r->user, user) == 0)
				return (1);
		} else if (same_address(r->address, address))
			return (1);
	}
	return (0);
}

/* 0, or -1 with ENOMEM; then the recipient may lack what was asked. */
static int
recipient_add(struct envelope *e, const struct smtp_command *cmd,
    const char *address, const char *user)
{
	struct recipient	*r;
	char			*notify = NULL, *orcpt = NULL;

	if ((cmd->notify[0] != '\0' &&
	    (notify = strdup(cmd->notify)) == NULL) ||
	    (cmd->orcpt[0] != '\0' &&
	    (orcpt = strdup(cmd->orcpt)) == NULL) ||
	    envelope_add(e, address, user) == -1) {
		free(notify);
		free(orcpt);
		return (-1);
	}
	r = &e->recipients[e->nrecipients - 1];
	r->notify = notify;
	r->orcpt = orcpt;
	return (0);
}

static enum smtp_next
alias_refused(struct smtp_session *s, const struct smtp_command *cmd,
    enum route_expand result, const struct route_failure *why)
{
	if (result == ROUTE_EXPAND_MEMORY)
		return (no_memory(s));
	log_warnx("alias \"%s\": %s%s%s", why->alias,
	    result == ROUTE_EXPAND_MANY ? "stands for too many" :
	    result == ROUTE_EXPAND_EMPTY ? "leads to nobody but itself" :
	    "there is no way to \"",
	    result == ROUTE_EXPAND_TARGET ? why->target : "",
	    result == ROUTE_EXPAND_TARGET ? "\"" : "");
	log_info("smtp: recipient refused address=[%s] user=%s from=<%s> "
	    "to=<%s> reason=alias", s->address,
	    s->user[0] != '\0' ? s->user : "-", s->envelope->sender,
	    cmd->address.text);
	switch (result) {
	case ROUTE_EXPAND_MANY:
		return (smtp_session_reply(s, 550, "5.5.3",
		    "Alias \"%s\" stands for too many", why->alias));
	case ROUTE_EXPAND_EMPTY:
		return (smtp_session_reply(s, 550, "5.4.6",
		    "Alias \"%s\" leads to nobody", why->alias));
	default:
		return (smtp_session_reply(s, 550, "5.1.1",
		    "Alias \"%s\" leads to \"%s\", which is nobody here",
		    why->alias, why->target));
	}
}

/* Those of x that the envelope lacks, all of them or, with too many, none. */
static enum smtp_next
recipients_add(struct smtp_session *s, const struct smtp_command *cmd,
    const struct envelope *x)
{
	struct envelope	*e = s->envelope;
	struct address	 a;
	uint32_t	 i, before = e->nrecipients;

	for (i = 0; i < x->nrecipients; i++) {
		const struct recipient	*r = &x->recipients[i];

		if (address_parse(r->address, strlen(r->address), &a) == -1 ||
		    recipient_known(e, &a, r->user))
			continue;
		if (e->nrecipients >= SMTP_RECIPIENTS_LIMIT) {
			envelope_cut(e, before);
			return (smtp_session_reply(s, 452, "4.5.3",
			    "Too many recipients"));
		}
		if (recipient_add(e, cmd, r->address, r->user) == -1) {
			envelope_cut(e, before);
			return (no_memory(s));
		}
		if (a.utf8 && !(e->flags & ENVELOPE_SMTPUTF8)) {
			envelope_cut(e, before);
			return (smtp_session_reply(s, 553, "5.6.7",
			    "Address beyond ASCII needs SMTPUTF8"));
		}
	}
	return (smtp_session_reply(s, 250, "2.1.5", "Recipient ok"));
}

/* RFC 5321 3.9.1: the message stays the sender's. */
static enum smtp_next
rcpt_alias(struct smtp_session *s, const struct smtp_command *cmd,
    const struct conf_alias *alias)
{
	struct route_failure	 why;
	struct envelope		*x;
	enum route_expand	 result;
	enum smtp_next		 next;

	if ((x = envelope_new("")) == NULL)
		return (no_memory(s));
	result = route_expand(child_conf, alias, cmd->address.text,
	    SMTP_RECIPIENTS_LIMIT, x, &why);
	if (result == ROUTE_EXPANDED)
		next = recipients_add(s, cmd, x);
	else
		next = alias_refused(s, cmd, result, &why);
	envelope_free(x);
	return (next);
}

static enum smtp_next
command_rcpt(struct smtp_session *s, const struct smtp_command *cmd)
{
	struct envelope	*e = s->envelope;
	struct route	 route;

	if (e == NULL)
		return (smtp_session_reply(s, 503, "5.5.1",
		    "Send MAIL first"));
	if (s->incoming.active)
		return (smtp_session_reply(s, 503, "5.5.1",
		    "The message has begun"));
	if (cmd->utf8 && !(e->flags & ENVELOPE_SMTPUTF8))
		return (smtp_session_reply(s, 553, "5.6.7",
		    "Address beyond ASCII needs SMTPUTF8"));
	route = route_recipient(child_conf, &cmd->address, may_relay(s));
	if (route.kind == ROUTE_ALIAS)
		return (rcpt_alias(s, cmd, route.alias));
	if (route.kind != ROUTE_LOCAL && route.kind != ROUTE_RELAY)
		return (recipient_refused(s, cmd, route.kind));
	if (!recipient_known(e, &cmd->address, route.user)) {
		if (e->nrecipients >= SMTP_RECIPIENTS_LIMIT)
			return (smtp_session_reply(s, 452, "4.5.3",
			    "Too many recipients"));
		if (recipient_add(e, cmd, cmd->address.text, route.user) == -1)
			return (no_memory(s));
	}
	return (smtp_session_reply(s, 250, "2.1.5", "Recipient ok"));
}

static enum smtp_next
command_rset(struct smtp_session *s, const struct smtp_command *cmd)
{
	(void)cmd;
	smtp_session_reset(s);
	return (smtp_session_reply(s, 250, "2.0.0", "Reset"));
}

static enum smtp_next
command_noop(struct smtp_session *s, const struct smtp_command *cmd)
{
	(void)cmd;
	return (smtp_session_reply(s, 250, "2.0.0", "Ok"));
}

/* RFC 5321 3.5.3: who is here is nobody's business. */
static enum smtp_next
command_vrfy(struct smtp_session *s, const struct smtp_command *cmd)
{
	(void)cmd;
	return (smtp_session_reply(s, 252, "2.0.0",
	    "Cannot verify, send mail to find out"));
}

static enum smtp_next
command_expn(struct smtp_session *s, const struct smtp_command *cmd)
{
	(void)cmd;
	return (smtp_session_reply(s, 502, "5.5.1",
	    "There are no lists here"));
}

static enum smtp_next
command_help(struct smtp_session *s, const struct smtp_command *cmd)
{
	(void)cmd;
	return (smtp_session_reply(s, 214, "2.0.0", "EHLO HELO MAIL RCPT DATA "
	    "BDAT RSET NOOP VRFY HELP QUIT STARTTLS AUTH ETRN"));
}

static enum smtp_next
command_quit(struct smtp_session *s, const struct smtp_command *cmd)
{
	(void)cmd;
	(void)smtp_session_reply(s, 221, "2.0.0", "Bye");
	return (SMTP_NEXT_END);
}

/*
 * RFC 1985: that the mail of a domain be sent.  Here it is a call that is
 * asked for, in which everything is sent and fetched, whatever the domain;
 * whether and when there will be one is dialerd's to say.
 */
static enum smtp_next
command_etrn(struct smtp_session *s, const struct smtp_command *cmd)
{
	char		 who[PROTO_TEXT_MAX], node[ADDRESS_DOMAIN_MAX + 2];
	uint64_t	 n;

	if (s->helo[0] == '\0' || s->envelope != NULL)
		return (smtp_session_reply(s, 503, "5.5.1", "%s",
		    s->helo[0] == '\0' ? "Send EHLO first" :
		    "Not within a transaction"));
	(void)snprintf(node, sizeof(node), "%.*s", (int)cmd->arglen,
	    cmd->arg);
	if (!may_relay(s)) {
		log_info("smtp: ETRN refused address=[%s]", s->address);
		return (smtp_session_reply(s, 459, "4.7.1",
		    "Node %s not allowed: you may not send mail through here",
		    node));
	}
	(void)snprintf(who, sizeof(who), "%s%s[%s] (ETRN %.64s)", s->user,
	    s->user[0] != '\0' ? " at " : "", s->address, node);
	if (spool_request(who, &n) == -1)
		return (smtp_session_reply(s, 458, "4.3.0",
		    "Unable to queue messages for node %s", node));
	if (n == 0)
		return (smtp_session_reply(s, 250, "2.0.0",
		    "OK, queuing for node %s started", node));
	return (smtp_session_reply(s, 253, "2.0.0",
	    "OK, %llu pending messages for node %s started",
	    (unsigned long long)n, node));
}

static enum smtp_next
command_starttls(struct smtp_session *s, const struct smtp_command *cmd)
{
	const uint8_t	*more;
	struct tls	*tls;

	(void)cmd;
	if (stream_is_tls(s->stream))
		return (smtp_session_reply(s, 503, "5.5.1",
		    "TLS is on already"));
	if (s->pki == NULL)
		return (smtp_session_reply(s, 502, "5.5.1", "No TLS here"));
	if (s->helo[0] == '\0')
		return (smtp_session_reply(s, 503, "5.5.1",
		    "Send EHLO first"));
	if ((tls = listener_tls(s->pki)) == NULL)
		return (smtp_session_reply(s, 454, "4.7.0",
		    "TLS not available for now"));
	/* Whoever put these bytes in wants them taken for secured ones. */
	if (stream_peek(s->stream, &more) > 0) {
		log_info("smtp: plain text after STARTTLS address=[%s]",
		    s->address);
		(void)smtp_session_reply(s, 554, "5.5.0",
		    "Plain text after STARTTLS");
		return (SMTP_NEXT_END);
	}
	if (smtp_session_reply(s, 220, "2.0.0", "Go ahead") ==
	    SMTP_NEXT_END || stream_tls_server(s->stream, tls) == -1)
		return (SMTP_NEXT_END);
	s->state = smtp_state_wait;
	return (SMTP_NEXT_WAIT);
}
