/* See LICENSE for the terms. */
/*
 * Lines of the record of what was fetched: as they are, and with their CRC
 * made right so that the rest is reached.  What is read is written again
 * and must give the same line.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "fetchlog_line.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
fuzz_line(const char *s, size_t len)
{
	struct fetchlog_line	 l;
	char			 again[FETCHLOG_LINE_MAX];
	size_t			 n;

	if (fetchlog_line_parse(&l, s, len) == -1)
		return;
	n = fetchlog_line_format(again, &l);
	if (n != len + 1 || memcmp(again, s, len) != 0)
		abort();
}

static void
fuzz_name(const char *account)
{
	char	 buf[200];
	size_t	 i;

	if (fetchlog_name(buf, sizeof(buf), account) == -1)
		return;
	if (buf[0] == '.' || buf[0] == '\0')
		abort();
	for (i = 0; buf[i] != '\0'; i++)
		if (buf[i] == '/' || buf[i] == '~' || buf[i] <= 0x20)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	*s;

	fuzz_line((const char *)data, size);
	if ((s = malloc(size + 10)) == NULL)
		return (0);
	if (size > 0)
		memcpy(s, data, size);
	snprintf(s + size, 10, " %08lx", crc32(crc32(0, NULL, 0), data,
	    (uInt)size));
	fuzz_line(s, size + 9);
	s[size] = '\0';
	fuzz_name(s);
	free(s);
	return (0);
}
