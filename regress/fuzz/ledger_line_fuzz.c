/* See LICENSE for the terms. */
/*
 * Lines of the ledger; what is read and written again reads the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ledger_line.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ledger_line	 a, b;
	char			 one[LEDGER_LINE_MAX], two[LEDGER_LINE_MAX];
	ssize_t			 n;

	if (ledger_line_parse((const char *)data, size, &a) == -1 ||
	    a.event == LEDGER_OTHER)
		return (0);
	if ((n = ledger_line_format(&a, one, sizeof(one))) == -1)
		abort();
	if (one[n - 1] != '\n' || memchr(one, '\n', (size_t)n - 1) != NULL)
		abort();
	if (ledger_line_parse(one, (size_t)n - 1, &b) == -1)
		abort();
	if (ledger_line_format(&b, two, sizeof(two)) != n ||
	    memcmp(one, two, (size_t)n) != 0)
		abort();
	return (0);
}
