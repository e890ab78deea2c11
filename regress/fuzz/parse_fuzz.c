/* See LICENSE for the terms. */
/*
 * The configuration's parser.  Whatever it accepts must print to something
 * that it accepts again and that prints the same.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"
#include "parse.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Formatted, so that what is read for it is checked too, but not shown. */
void
log_warnx(const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
}

static char *
print(const struct conf *conf, size_t *len)
{
	char *text = NULL;
	FILE *f;

	if ((f = open_memstream(&text, len)) == NULL)
		abort();
	print_config_to(f, conf);
	fclose(f);
	return (text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *one, *two;
	char *a, *b;
	size_t alen, blen;

	one = parse_config_bytes("fuzz", (const char *)data, size,
	    PARSE_NOINCLUDE);
	if (one == NULL)
		return (0);
	a = print(one, &alen);
	two = parse_config_bytes("printed", a, alen,
	    PARSE_NOINCLUDE | PARSE_NOWARN);
	if (two == NULL)
		abort();
	b = print(two, &blen);
	if (alen != blen || memcmp(a, b, alen) != 0)
		abort();
	free(a);
	free(b);
	conf_free(one);
	conf_free(two);
	return (0);
}
