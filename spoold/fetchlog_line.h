/*
 * Lines of the record of what was fetched, as bytes:
 *
 *	+ uidvalidity uid time key crc		fetched
 *	- uidvalidity uid crc			gone upstream
 *
 * with single spaces, numbers in decimal, and the CRC-32 of what is before
 * its space as eight hexadecimal digits.
 */
#ifndef SPOOLD_FETCHLOG_LINE_H
#define SPOOLD_FETCHLOG_LINE_H

#include <sys/types.h>
#include <stdint.h>

/* RFC 1939 7 has 70; some servers do not count. */
#define FETCHLOG_UID_MAX	255
#define FETCHLOG_KEY_MAX	255
#define FETCHLOG_LINE_MAX	640	/* with the newline and a NUL */

struct fetchlog_line {
	int			 forget;	/* "-": no time, no key */
	uint32_t		 uidvalidity;
	int64_t			 when;
	char			 uid[FETCHLOG_UID_MAX + 1];
	char			 key[FETCHLOG_KEY_MAX + 1];
};

/* 1 when s is 1 to max printable ASCII characters without a space. */
int	 fetchlog_word_ok(const char *s, size_t max);
/*
 * Writes the line with its newline; buf has FETCHLOG_LINE_MAX bytes.  The
 * length without the NUL, or 0 with EINVAL when uid, key or time cannot be.
 */
size_t	 fetchlog_line_format(char *buf, const struct fetchlog_line *);
/* Reads a line, without its newline.  0, or -1 with EINVAL. */
int	 fetchlog_line_parse(struct fetchlog_line *, const char *, size_t);

/*
 * The file name of an account: letters, digits, '-', '_', '@' and '.' as
 * they are (no '.' at the beginning), any other byte as %XX.  0, or -1 with
 * ENAMETOOLONG, or EINVAL when the name is empty.
 */
int	 fetchlog_name(char *, size_t, const char *account);

#endif
