/* See LICENSE for the terms. */
/* The parser of files in the format of /etc/aliases. */
#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aliases.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct seen {
	size_t		 lines;		/* that there can be */
	int		 named;
};

static void
check_line(const struct seen *s, uint32_t line)
{
	if (line == 0 || line > s->lines)
		abort();
}

static void
found(void *arg, uint32_t line, const char *name, const char *target)
{
	struct seen *s = arg;

	check_line(s, line);
	if (name[0] == '\0' || strlen(name) > ALIAS_TEXT_MAX)
		abort();
	if (target == NULL)
		s->named = 1;
	else if (!s->named || target[0] == '\0' ||
	    strlen(target) > ALIAS_TEXT_MAX)
		abort();
}

static void
wrong(void *arg, uint32_t line, const char *why)
{
	check_line(arg, line);
	if (why == NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen s = { 1, 0 };
	size_t i;

	for (i = 0; i < size; i++)
		s.lines += data[i] == '\n';
	aliases_parse((const char *)data, size, found, wrong, &s);
	return (0);
}
