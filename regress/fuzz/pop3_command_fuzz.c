/* See LICENSE for the terms. */

/*
 * POP3 command lines, and responses of AUTH PLAIN: the first byte chooses.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pop3_command.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What the parser gives is within the line and of its kind. */
static void
check_command(const char *line, size_t len)
{
	struct pop3_command	 cmd;

	if (pop3_command_parse(line, len, &cmd) != POP3_PARSED)
		return;
	if (cmd.verb >= POP3_VERBS || memchr(line, '\0', len) != NULL ||
	    (cmd.has_number && cmd.number == 0))
		abort();
	if (cmd.text != NULL && (cmd.textlen == 0 || cmd.text < line ||
	    cmd.textlen > (size_t)(line + len - cmd.text)))
		abort();
	if (cmd.initial != NULL && (cmd.initiallen == 0 ||
	    cmd.initial < line ||
	    cmd.initiallen > (size_t)(line + len - cmd.initial)))
		abort();
}

static void
check_plain(const char *line, size_t len)
{
	struct sasl_login	 plain;

	if (pop3_plain_parse(line, len, &plain) == -1)
		return;
	if (plain.user[0] == '\0' || plain.password[0] == '\0' ||
	    memchr(plain.user, '\0', sizeof(plain.user)) == NULL ||
	    memchr(plain.password, '\0', sizeof(plain.password)) == NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	*line;

	if (size == 0)
		return (0);
	/* Of its own, so that a byte too far is seen. */
	if ((line = malloc(size - 1 + (size == 1))) == NULL)
		return (0);
	memcpy(line, data + 1, size - 1);
	if (data[0] == 'P')
		check_plain(line, size - 1);
	else
		check_command(line, size - 1);
	free(line);
	return (0);
}
