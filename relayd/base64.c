/* See LICENSE for the terms. */
/* Base64, for those who log in somewhere. */

#include <stdint.h>
#include <stdlib.h>

#include "base64.h"

char *
base64_encode(const void *data, size_t len)
{
	static const char	 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t		*p = data;
	char			*out;
	size_t			 i, n = 0;
	uint32_t		 v;

	if ((out = calloc(1, (len + 2) / 3 * 4 + 1)) == NULL)
		return (NULL);
	for (i = 0; i < len; i += 3) {
		v = (uint32_t)p[i] << 16;
		if (i + 1 < len)
			v |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < len)
			v |= p[i + 2];
		out[n++] = digits[v >> 18];
		out[n++] = digits[v >> 12 & 63];
		out[n++] = i + 1 < len ? digits[v >> 6 & 63] : '=';
		out[n++] = i + 2 < len ? digits[v & 63] : '=';
	}
	return (out);
}
