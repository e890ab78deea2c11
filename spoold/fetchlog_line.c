/* See LICENSE for the terms. */
/* Lines of the record of what was fetched: text in, structures out. */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "fetchlog_line.h"

#define CRC_LEN		8	/* hexadecimal digits */

int
fetchlog_word_ok(const char *s, size_t max)
{
	size_t	 n;

	for (n = 0; s[n] != '\0'; n++)
		if (n == max || s[n] < 0x21 || s[n] > 0x7e)
			return (0);
	return (n > 0);
}

static uint32_t
line_crc(const char *s, size_t len)
{
	return ((uint32_t)crc32(crc32(0, NULL, 0), (const Bytef *)s,
	    (uInt)len));
}

size_t
fetchlog_line_format(char *buf, const struct fetchlog_line *l)
{
	int	 n;

	if (!fetchlog_word_ok(l->uid, FETCHLOG_UID_MAX) || (!l->forget &&
	    (!fetchlog_word_ok(l->key, FETCHLOG_KEY_MAX) || l->when < 0))) {
		errno = EINVAL;
		return (0);
	}
	if (l->forget)
		n = snprintf(buf, FETCHLOG_LINE_MAX, "- %" PRIu32 " %s",
		    l->uidvalidity, l->uid);
	else
		n = snprintf(buf, FETCHLOG_LINE_MAX,
		    "+ %" PRIu32 " %s %" PRId64 " %s",
		    l->uidvalidity, l->uid, l->when, l->key);
	n += snprintf(buf + n, FETCHLOG_LINE_MAX - (size_t)n,
	    " %08" PRIx32 "\n", line_crc(buf, (size_t)n));
	return ((size_t)n);
}

/*
 * The next word of at most max characters, moved behind its space; word is
 * terminated.  0 or -1.
 */
static int
next_word(const char **s, size_t *len, char *word, size_t max)
{
	size_t	 n;

	for (n = 0; n < *len && (*s)[n] != ' '; n++)
		if (n == max || (*s)[n] < 0x21 || (*s)[n] > 0x7e)
			return (-1);
	if (n == 0)
		return (-1);
	memcpy(word, *s, n);
	word[n] = '\0';
	*s += n;
	*len -= n;
	if (*len > 0) {
		(*s)++;
		(*len)--;
		/* A space at the end would be one word more. */
		if (*len == 0)
			return (-1);
	}
	return (0);
}

/* A decimal number up to max, written as we write it. */
static int
next_number(const char **s, size_t *len, uint64_t max, uint64_t *value)
{
	char	 word[20 + 1], *p;

	if (next_word(s, len, word, sizeof(word) - 1) == -1 ||
	    (word[0] == '0' && word[1] != '\0'))
		return (-1);
	*value = 0;
	for (p = word; *p != '\0'; p++) {
		if (!isdigit((unsigned char)*p) ||
		    *value > (max - (uint64_t)(*p - '0')) / 10)
			return (-1);
		*value = *value * 10 + (uint64_t)(*p - '0');
	}
	return (0);
}

int
fetchlog_line_parse(struct fetchlog_line *l, const char *s, size_t len)
{
	char		 crc[CRC_LEN + 2], type[2];
	uint64_t	 n;

	memset(l, 0, sizeof(*l));
	errno = EINVAL;
	if (len < CRC_LEN + 1 || len >= FETCHLOG_LINE_MAX)
		return (-1);
	len -= CRC_LEN + 1;
	snprintf(crc, sizeof(crc), " %08" PRIx32, line_crc(s, len));
	if (memcmp(s + len, crc, CRC_LEN + 1) != 0 ||
	    next_word(&s, &len, type, 1) == -1 ||
	    (type[0] != '+' && type[0] != '-') ||
	    next_number(&s, &len, UINT32_MAX, &n) == -1)
		return (-1);
	l->forget = type[0] == '-';
	l->uidvalidity = (uint32_t)n;
	if (next_word(&s, &len, l->uid, FETCHLOG_UID_MAX) == -1)
		return (-1);
	if (!l->forget) {
		if (next_number(&s, &len, INT64_MAX, &n) == -1 ||
		    next_word(&s, &len, l->key, FETCHLOG_KEY_MAX) == -1)
			return (-1);
		l->when = (int64_t)n;
	}
	return (len == 0 ? 0 : -1);
}

int
fetchlog_name(char *buf, size_t size, const char *account)
{
	static const char	 hex[] = "0123456789ABCDEF";
	const unsigned char	*s = (const unsigned char *)account;
	size_t			 n = 0;

	if (*s == '\0') {
		errno = EINVAL;
		return (-1);
	}
	for (; *s != '\0'; s++) {
		if (n + 4 > size) {
			errno = ENAMETOOLONG;
			return (-1);
		}
		if ((*s < 0x80 && isalnum(*s)) || *s == '-' || *s == '_' ||
		    *s == '@' || (*s == '.' && n > 0))
			buf[n++] = (char)*s;
		else {
			buf[n++] = '%';
			buf[n++] = hex[*s >> 4];
			buf[n++] = hex[*s & 15];
		}
	}
	buf[n] = '\0';
	return (0);
}
