/* See LICENSE for the terms. */

/*
 * Header blocks.  Counter and class must see the same in one piece as byte by
 * byte, and the walk must stay within the block.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_counter(const char *msg, size_t len)
{
	struct header_counter	 whole, pieces;
	size_t			 i;

	header_counter_init(&whole, "Received");
	header_counter_feed(&whole, msg, len);
	header_counter_init(&pieces, "Received");
	for (i = 0; i < len; i++)
		header_counter_feed(&pieces, msg + i, 1);
	if (whole.count != pieces.count || whole.state != pieces.state)
		abort();
}

static void
check_class(const char *msg, size_t len)
{
	struct header_class	 whole, pieces;
	size_t			 i;

	header_class_init(&whole);
	header_class_feed(&whole, msg, len);
	header_class_init(&pieces);
	for (i = 0; i < len; i++)
		header_class_feed(&pieces, msg + i, 1);
	if (whole.state != pieces.state ||
	    whole.namelen > sizeof(whole.name) ||
	    whole.valuelen > sizeof(whole.value))
		abort();
	header_class_end(&whole);
	header_class_end(&pieces);
	if (whole.found != pieces.found || whole.priority < -9 ||
	    whole.priority > 9 || whole.priority != pieces.priority)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct header_field	 f;
	const char		*msg = (const char *)data;
	char			 text[64];
	size_t			 offset = 0, end;

	end = header_length(msg, len);
	if (end > len)
		abort();
	while (header_next(msg, len, &offset, &f)) {
		if (f.namelen == 0 || f.name < msg || offset > end ||
		    f.body < f.name || f.body + f.bodylen > msg + offset)
			abort();
		if (header_unfold(&f, text, sizeof(text)) > f.bodylen)
			abort();
		if (strlen(text) >= sizeof(text))
			abort();
	}
	(void)header_find(msg, len, "Subject", &f);
	check_counter(msg, len);
	check_class(msg, len);
	return (0);
}
