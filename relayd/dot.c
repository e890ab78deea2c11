/* See LICENSE for the terms. */
/*
 * Transparency of SMTP's DATA and of POP3's multi-line answers (RFC 5321
 * 4.5.2, RFC 1939 3): a dot that begins a line is doubled, and a line that
 * is nothing but a dot is the end.  Lines end in CR LF and in nothing else:
 * whoever takes a bare CR or LF for a line's end can be made to see the end
 * of a message where the sender meant none.
 */
#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "stream.h"

enum dot_state {
	DOT_LINE = 0,	/* at the beginning of the data or of a line */
	DOT_MIDDLE,
	DOT_CR,		/* after a CR */
	DOT_DOT,	/* after a line's first dot, of two when stuffing */
	DOT_DOT_CR,	/* after it and a CR: is it the end? */
	DOT_END
};

static int
dot_next(int state, uint8_t c)
{
	if (c == '\r')
		return (DOT_CR);
	if (c == '\n' && state == DOT_CR)
		return (DOT_LINE);
	return (DOT_MIDDLE);
}

size_t
dot_stuff(int *state, const uint8_t *in, size_t inlen, size_t *used,
    uint8_t *out, size_t outlen)
{
	size_t	i = 0, n = 0;

	while (i < inlen && n < outlen) {
		if (*state == DOT_LINE && in[i] == '.') {
			/* The dot itself follows, if there is room. */
			out[n++] = '.';
			*state = DOT_DOT;
			continue;
		}
		*state = dot_next(*state, in[i]);
		out[n++] = in[i++];
	}
	*used = i;
	return (n);
}

size_t
dot_end(int state, uint8_t *out)
{
	static const char	end[] = "\r\n.\r\n";
	size_t			skip = state == DOT_LINE ? 2 : 0;

	memcpy(out, end + skip, sizeof(end) - 1 - skip);
	return (sizeof(end) - 1 - skip);
}

int
dot_unstuff(int *state, const uint8_t *in, size_t inlen, size_t *used,
    uint8_t *out, size_t *outlen)
{
	size_t	i = 0, n = 0;

	while (i < inlen && n < *outlen && *state != DOT_END) {
		if (*state == DOT_LINE && in[i] == '.') {
			*state = DOT_DOT;
			i++;
		} else if (*state == DOT_DOT && in[i] == '\r') {
			*state = DOT_DOT_CR;
			i++;
		} else if (*state == DOT_DOT_CR && in[i] == '\n') {
			*state = DOT_END;
			i++;
		} else if (*state == DOT_DOT_CR) {
			/* Not the end: the CR that was held back. */
			*state = DOT_CR;
			out[n++] = '\r';
		} else {
			*state = dot_next(*state, in[i]);
			out[n++] = in[i++];
		}
	}
	*used = i;
	*outlen = n;
	return (*state == DOT_END);
}
