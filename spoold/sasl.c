/* See LICENSE for the terms. */

/* SASL messages: see sasl.h. */

#include <stdint.h>
#include <string.h>

#include "sasl.h"

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	if (c >= 'a' && c <= 'z')
		return (c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (c - '0' + 52);
	if (c == '+')
		return (62);
	return (c == '/' ? 63 : -1);
}

ssize_t
sasl_base64_decode_lax(const char *s, size_t len, char *dst, size_t size,
    int *rest)
{
	uint32_t	 bits = 0;
	size_t		 i, n = 0, digits = len;
	int		 nbits = 0, value;

	if (len % 4 != 0)
		return (-1);
	if (digits > 0 && s[digits - 1] == '=')
		digits--;
	if (digits > 0 && digits < len && s[digits - 1] == '=')
		digits--;
	for (i = 0; i < digits; i++) {
		if ((value = base64_value(s[i])) == -1)
			return (-1);
		bits = (bits << 6 | (uint32_t)value) & 0xffff;
		if ((nbits += 6) < 8)
			continue;
		nbits -= 8;
		if (n + 1 >= size)
			return (-1);
		dst[n++] = (char)(bits >> nbits & 0xff);
	}
	if (n >= size)
		return (-1);
	dst[n] = '\0';
	*rest = (bits & ((1U << nbits) - 1)) != 0;
	return ((ssize_t)n);
}

ssize_t
sasl_base64_decode(const char *s, size_t len, char *dst, size_t size)
{
	ssize_t	 n;
	int	 rest;

	n = sasl_base64_decode_lax(s, len, dst, size, &rest);
	return (n != -1 && rest ? -1 : n);
}

/* Copies the string that ends at the next NUL, or at the end of all. */
static int
next_string(const char **s, size_t *len, char *dst, size_t size)
{
	const char	*end;
	size_t		 n;

	end = memchr(*s, '\0', *len);
	n = end != NULL ? (size_t)(end - *s) : *len;
	if (n >= size)
		return (-1);
	memcpy(dst, *s, n);
	dst[n] = '\0';
	if (end != NULL)
		n++;
	*s += n;
	*len -= n;
	return (end != NULL);
}

int
sasl_plain_parse(const char *s, size_t len, struct sasl_login *login)
{
	char	 other[PROTO_NAME_MAX];

	if (next_string(&s, &len, other, sizeof(other)) != 1 ||
	    next_string(&s, &len, login->user, sizeof(login->user)) != 1 ||
	    next_string(&s, &len, login->password,
	    sizeof(login->password)) != 0)
		return (-1);
	if (login->user[0] == '\0' ||
	    (other[0] != '\0' && strcmp(other, login->user) != 0))
		return (-1);
	return (0);
}
