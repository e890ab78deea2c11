/* See LICENSE for the terms. */
/* Lines of a trace; what is read is within bounds, and reads the same again
 * as dialerd would have written it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arrivals.h"
#include "trace.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proto_arrival	 a, b;
	const char		*error = NULL;
	char			 buf[ARRIVALS_LINE_MAX];
	size_t			 n;
	int			 r;

	r = trace_parse((const char *)data, size, &a, &error);
	if (r == -1 && error == NULL)
		abort();
	if (r != 1)
		return (0);
	if (a.class > PROTO_BULK || a.time < 0 || a.deadline < 0 ||
	    a.bytes > INT32_MAX)
		abort();
	n = arrivals_format(&a, buf, sizeof(buf));
	if (n == 0 || n >= sizeof(buf) ||
	    trace_parse(buf, n - 1, &b, &error) != 1 ||
	    memcmp(&a, &b, sizeof(a)) != 0)
		abort();
	return (0);
}
