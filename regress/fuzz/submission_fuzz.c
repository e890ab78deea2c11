/* See LICENSE for the terms. */
/* A local program's message; what comes of it must be fit for SMTP. */
#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "submission.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
found(void *arg, const char *address)
{
	(void)arg;
	if (address[0] == '\0' || strlen(address) >= ADDRLIST_ADDRESS_MAX ||
	    strpbrk(address, "\r\n") != NULL)
		abort();
	return (0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct submission_param	 p;
	char			*msg, field[32];
	size_t			 len, i;

	memset(&p, 0, sizeof(p));
	p.from = "a@b";
	p.date = "now";
	p.message_id = "<1@b>";
	p.found = found;
	for (p.recipients = 0; p.recipients < 2; p.recipients++) {
		msg = submission_make(&p, (const char *)data, size, &len,
		    field);
		if (msg == NULL) {
			if (!p.recipients)
				abort();
			continue;
		}
		/* No line end but CRLF, and one at the end. */
		for (i = 0; i < len; i++)
			if ((msg[i] == '\n' &&
			    (i == 0 || msg[i - 1] != '\r')) ||
			    (msg[i] == '\r' && (i + 1 == len ||
			    msg[i + 1] != '\n')))
				abort();
		if (len < 2 || msg[len - 1] != '\n')
			abort();
		free(msg);
	}
	return (0);
}
