/* See LICENSE for the terms. */

/*
 * Fuzz target: lines of a POP3 server.  The first byte says which; the rest
 * is the line.
 */

#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pop3_reply.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_status(const char *line, size_t len)
{
	struct pop3_reply	 r;

	pop3_reply_parse(line, len, &r);
	if (r.text < line || r.text > line + len ||
	    r.len != (size_t)(line + len - r.text))
		abort();
	if (r.code != POP3_CODE_NONE && r.status != POP3_ERR)
		abort();
}

static void
check_uidl(const char *line, size_t len)
{
	char		 uid[PROTO_UID_MAX];
	uint32_t	 number;
	size_t		 i, n;

	if (pop3_reply_uidl(line, len, &number, uid) == -1)
		return;
	n = strnlen(uid, sizeof(uid));
	if (number == 0 || n == 0 || n > 70)
		abort();
	for (i = 0; i < n; i++)
		if (uid[i] < 0x21 || uid[i] > 0x7e)
			abort();
}

static void
check_list(const char *line, size_t len)
{
	uint64_t	 size;
	uint32_t	 number;

	if (pop3_reply_list(line, len, &number, &size) == 0 &&
	    (number == 0 || size > INT64_MAX))
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
	switch (data[0]) {
	case 'U':
		check_uidl(line, size - 1);
		break;
	case 'L':
		check_list(line, size - 1);
		break;
	case 'C':
		pop3_reply_capability(line, size - 1);
		break;
	default:
		check_status(line, size - 1);
		break;
	}
	free(line);
	return (0);
}
