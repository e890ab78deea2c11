/* See LICENSE for the terms. */

/*
 * Fuzz target: whatever a server sends, line by line, and what is kept of
 * it.
 */

#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "smtp_reply.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What a reply leaves must be a string, printable, and formatted to fit. */
static void
check(const struct smtp_reply *r)
{
	char	 out[100], status[SMTP_ENHANCED_MAX];
	size_t	 i;

	if (r->code < 200 || r->code > 599 ||
	    memchr(r->text, '\0', sizeof(r->text)) == NULL ||
	    memchr(r->enhanced, '\0', sizeof(r->enhanced)) == NULL)
		abort();
	for (i = 0; r->text[i] != '\0'; i++)
		if (r->text[i] < 0x20 || r->text[i] > 0x7e ||
		    r->text[i] == '"')
			abort();
	smtp_reply_format(r, out, sizeof(out));
	smtp_reply_status(r, status);
	if (status[0] - '0' != r->code / 100)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_reply	 r;
	struct smtp_ehlo	 e;
	const char		*s = (const char *)data, *lf;
	char			*line;
	size_t			 n;
	int			 whole;

	smtp_reply_init(&r);
	memset(&e, 0, sizeof(e));
	while (size > 0) {
		lf = memchr(s, '\n', size);
		n = lf != NULL ? (size_t)(lf - s) : size;
		/* A copy of its own, so that reading past it is seen. */
		if ((line = malloc(n > 0 ? n : 1)) == NULL)
			return (0);
		memcpy(line, s, n);
		smtp_ehlo_line(&e, line, n);
		if ((whole = smtp_reply_line(&r, line, n)) == 1)
			check(&r);
		if (whole != 0)
			smtp_reply_init(&r);
		free(line);
		if (lf == NULL)
			break;
		s += n + 1;
		size -= n + 1;
	}
	return (0);
}
