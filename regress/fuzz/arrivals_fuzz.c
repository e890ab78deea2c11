/* See LICENSE for the terms. */
/*
 * Lines of the record of arrivals; what is read and written again reads the
 * same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arrivals.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proto_arrival	 a, b;
	char			 buf[ARRIVALS_LINE_MAX];
	size_t			 n;

	if (arrivals_parse((const char *)data, size, &a) == -1)
		return (0);
	n = arrivals_format(&a, buf, sizeof(buf));
	if (n == 0 || n >= sizeof(buf) || buf[n - 1] != '\n')
		abort();
	if (arrivals_parse(buf, n - 1, &b) == -1 ||
	    memcmp(&a, &b, sizeof(a)) != 0)
		abort();
	return (0);
}
