/* See LICENSE for the terms. */

/*
 * Command lines of SMTP.  What is accepted must stay within the limits that
 * the rest of the server relies on.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sasl.h"
#include "smtp_command.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct smtp_command *cmd, const char *line, size_t len)
{
	if (cmd->verb == SMTP_NO_VERB || cmd->verb >= SMTP_VERBS)
		abort();
	if (cmd->arg < line || cmd->arg + cmd->arglen > line + len)
		abort();
	if ((cmd->verb == SMTP_EHLO || cmd->verb == SMTP_HELO) &&
	    (cmd->arglen == 0 || cmd->arglen > ADDRESS_DOMAIN_MAX))
		abort();
	if (cmd->verb == SMTP_BDAT && cmd->size > SMTP_CHUNK_MAX)
		abort();
	if (cmd->priority < -9 || cmd->priority > 9)
		abort();
	if (cmd->by_time < -999999999 || cmd->by_time > 999999999 ||
	    (cmd->by_return && cmd->by_time <= 0))
		abort();
	if (cmd->verb == SMTP_RCPT && cmd->address.text[0] == '\0')
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct smtp_command	 cmd;
	struct sasl_login	 login;
	char			 decoded[SASL_MESSAGE_MAX];
	const char		*line = (const char *)data;
	ssize_t			 n;

	if (smtp_command_parse(line, len, &cmd) == SMTP_PARSE_OK)
		check(&cmd, line, len);
	n = sasl_base64_decode(line, len, decoded, sizeof(decoded));
	if (n != -1)
		(void)sasl_plain_parse(decoded, (size_t)n, &login);
	return (0);
}
