/* See LICENSE for the terms. */

/*
 * What the SMTP client says before the first message: hello, TLS and
 * authentication.  RFC 5321, 3207, 4954.
 */

#include <sys/types.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tls.h>

#include "base64.h"
#include "conf.h"
#include "log.h"
#include "smtp_client_internal.h"
#include "smtp_tls.h"

int
smtp_login_hello(struct smtp_client *c, enum verb verb)
{
	c->phase = PHASE_HELLO;
	memset(&c->ehlo, 0, sizeof(c->ehlo));
	if (stream_printf(c->stream, "%s %s\r\n",
	    verb == VERB_EHLO ? "EHLO" : "HELO", c->hostname) == -1 ||
	    smtp_client_push(c, verb, NULL, 0) == -1)
		return (smtp_client_end_memory(c));
	return (0);
}

/* Turn to TLS, with the certificate checked against the upstream's trust. */
int
smtp_login_tls(struct smtp_client *c)
{
	struct tls_config	*config;
	int			 error = -1, injected;

	if (c->ca == NULL)
		return (smtp_client_end(c, SMTP_END_LOCAL,
		    "no certificate authorities to trust"));
	if ((config = tls_config_new()) == NULL)
		return (smtp_client_end(c, SMTP_END_LOCAL,
		    "no TLS configuration"));
	c->session = smtp_tls_offer(config, c->host, c->ca, c->ca_len,
	    time(NULL));
	if (c->session != -1 &&
	    tls_config_set_ca_mem(config, c->ca, c->ca_len) == 0)
		error = stream_tls_client(c->stream, config, c->host);
	injected = error == -1 && errno == EPROTO;
	tls_config_free(config);
	if (injected)
		return (smtp_client_end(c, SMTP_END_TLS,
		    "TLS: input before the handshake"));
	if (error == -1)
		return (smtp_client_end(c, SMTP_END_LOCAL, "TLS: %s",
		    stream_error(c->stream)));
	c->phase = PHASE_TLS;
	c->secure = 1;
	smtp_client_timer(c);
	return (0);
}

/* A line with a secret in base 64, after the words: 0, or -1 with errno. */
static int
client_secret(struct smtp_client *c, const char *words, const void *secret,
    size_t len)
{
	char	*b64;
	int	 error;

	if ((b64 = base64_encode(secret, len)) == NULL)
		return (-1);
	error = stream_printf(c->stream, "%s%s\r\n", words, b64);
	freezero(b64, strlen(b64));
	return (error);
}

/* RFC 4616: NUL user NUL password, sent with the command. */
static int
client_auth_plain(struct smtp_client *c)
{
	char	*s;
	size_t	 len, ulen = strlen(c->user), plen = strlen(c->password);
	int	 error = -1;

	len = ulen + plen + 2;
	if ((s = calloc(1, len + 1)) == NULL)
		return (smtp_client_end_memory(c));
	memcpy(s + 1, c->user, ulen);
	memcpy(s + 1 + ulen + 1, c->password, plen);
	if (client_secret(c, "AUTH PLAIN ", s, len) == 0)
		error = smtp_client_push(c, VERB_AUTH_PLAIN, NULL, 0);
	freezero(s, len + 1);
	return (error == -1 ? smtp_client_end_memory(c) : 0);
}

static int
client_ready(struct smtp_client *c)
{
	c->phase = PHASE_READY;
	log_debug("smtp client: %s: ready%s%s%s", c->host,
	    stream_is_tls(c->stream) ? ", TLS" : "",
	    c->ehlo.extensions & SMTP_EXT_PIPELINING ? ", pipelining" : "",
	    c->ehlo.extensions & SMTP_EXT_CHUNKING ? ", chunking" : "");
	return (0);
}

/*
 * Where config has smtp://, its author was warned of what that means; all
 * else is encrypted before a password passes.
 */
static int
client_auth(struct smtp_client *c)
{
	if (c->user == NULL)
		return (client_ready(c));
	if (c->tls != TLS_MODE_NONE && !stream_is_tls(c->stream))
		return (smtp_client_end(c, SMTP_END_TLS, "no TLS"));
	if (c->ehlo.extensions & SMTP_EXT_AUTH_PLAIN)
		return (client_auth_plain(c));
	if ((c->ehlo.extensions & SMTP_EXT_AUTH_LOGIN) == 0)
		return (smtp_client_end(c, SMTP_END_AUTH,
		    "neither AUTH PLAIN nor LOGIN is offered"));
	if (stream_printf(c->stream, "AUTH LOGIN\r\n") == -1 ||
	    smtp_client_push(c, VERB_AUTH_LOGIN, NULL, 0) == -1)
		return (smtp_client_end_memory(c));
	return (0);
}

/* What is answered. */

int
smtp_login_greeting(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code != 220)
		return (smtp_client_end_reply(c, SMTP_END_CONNECT, "greeting"));
	return (smtp_login_hello(c, VERB_EHLO));
}

int
smtp_login_ehlo(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code / 100 == 5)
		return (smtp_login_hello(c, VERB_HELO));
	if (c->reply.code / 100 != 2)
		return (smtp_client_end_reply(c, SMTP_END_LOST, "EHLO"));
	c->ehlo.extensions &= ~c->without;
	if (c->tls != TLS_MODE_STARTTLS || c->secure)
		return (client_auth(c));
	if ((c->ehlo.extensions & SMTP_EXT_STARTTLS) == 0)
		return (smtp_client_end(c, SMTP_END_TLS,
		    "STARTTLS is not offered"));
	if (stream_printf(c->stream, "STARTTLS\r\n") == -1 ||
	    smtp_client_push(c, VERB_STARTTLS, NULL, 0) == -1)
		return (smtp_client_end_memory(c));
	return (0);
}

int
smtp_login_helo(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code / 100 == 5)
		return (smtp_client_end_reply(c, SMTP_END_PROTOCOL, "HELO"));
	if (c->reply.code / 100 != 2)
		return (smtp_client_end_reply(c, SMTP_END_LOST, "HELO"));
	if (c->tls == TLS_MODE_STARTTLS && !c->secure)
		return (smtp_client_end(c, SMTP_END_TLS,
		    "STARTTLS is not offered"));
	return (client_auth(c));
}

int
smtp_login_starttls(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code != 220)
		return (smtp_client_end_reply(c, SMTP_END_TLS, "STARTTLS"));
	return (smtp_login_tls(c));
}

/* RFC 4954 4: 454 is the server's trouble of this moment, not ours. */
static int
client_refused(struct smtp_client *c)
{
	return (smtp_client_end_reply(c, c->reply.code / 100 == 4 ?
	    SMTP_END_LOST : SMTP_END_AUTH, "AUTH"));
}

int
smtp_login_auth_plain(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code / 100 != 2)
		return (client_refused(c));
	return (client_ready(c));
}

int
smtp_login_auth_login(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code != 334)
		return (client_refused(c));
	if (client_secret(c, "", c->user, strlen(c->user)) == -1 ||
	    smtp_client_push(c, VERB_AUTH_USER, NULL, 0) == -1)
		return (smtp_client_end_memory(c));
	return (0);
}

int
smtp_login_auth_user(struct smtp_client *c, struct command *cmd)
{
	(void)cmd;
	if (c->reply.code != 334)
		return (client_refused(c));
	if (client_secret(c, "", c->password, strlen(c->password)) == -1 ||
	    smtp_client_push(c, VERB_AUTH_PASSWORD, NULL, 0) == -1)
		return (smtp_client_end_memory(c));
	return (0);
}

int
smtp_login_auth_password(struct smtp_client *c, struct command *cmd)
{
	return (smtp_login_auth_plain(c, cmd));
}
