/* See LICENSE for the terms. */

/* Addresses: one that is accepted parses again, and equals itself. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(struct address *a)
{
	struct address	 again;
	char		 local[ADDRESS_MAX + 1];
	size_t		 i;

	if (a->text[0] == '\0')
		return;
	if (address_parse(a->text, strlen(a->text), &again) == -1 ||
	    !address_equal(a, &again) || !address_equal_nocase(a, &again) ||
	    address_local(a, local, sizeof(local)) == -1)
		abort();
	for (i = 0; a->text[i] != '\0'; i++)
		if ((unsigned char)a->text[i] < 0x20 || a->text[i] == 0x7f)
			abort();
	address_lower_domain(a);
	if (!address_equal(a, &again))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct address	 a;
	size_t		 used;

	if (address_parse((const char *)data, len, &a) == 0)
		check(&a);
	if (address_parse_path((const char *)data, len, &a, &used) == 0) {
		if (used < 2 || used > len)
			abort();
		check(&a);
	}
	return (0);
}
