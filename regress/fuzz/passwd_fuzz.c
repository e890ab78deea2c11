/* See LICENSE for the terms. */
/*
 * The parser of the users' passwd-file: the first line of the input is a
 * user and a password, the rest is the file.  Hashes are only parsed here,
 * since crypt(3) is slow by intent; plain passwords are compared too.
 */
#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "passwd.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* 1 when a line of the file would make crypt(3) run. */
static int
has_crypt(const char *p, size_t len)
{
	struct passwd_entry e;
	const char *nl;
	size_t n;
	int found = 0;

	while (len > 0) {
		nl = memchr(p, '\n', len);
		n = nl == NULL ? len : (size_t)(nl - p);
		if (passwd_parse_line(p, n, &e) == 0) {
			if (e.user < p || e.user + e.user_len > p + n ||
			    e.hash < p || e.hash + e.hash_len > p + n)
				abort();
			found |= e.scheme == PASSWD_CRYPT;
		}
		n += nl != NULL;
		p += n;
		len -= n;
	}
	return (found);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *nl, *file;
	char *line, *password;
	size_t len;

	if ((nl = memchr(data, '\n', size)) == NULL)
		return (0);
	len = (size_t)(nl - (const char *)data);
	file = nl + 1;
	if ((line = malloc(len + 1)) == NULL)
		return (0);
	memcpy(line, data, len);
	line[len] = '\0';
	if ((password = strchr(line, ' ')) != NULL) {
		*password++ = '\0';
		if (!has_crypt(file, size - len - 1))
			(void)passwd_check(file, size - len - 1, line,
			    password);
	}
	free(line);
	return (0);
}
