/* See LICENSE for the terms. */
/* Numbers in upstream's lines. */

#include "decimal.h"

int
decimal_take(const char **p, const char *end, uint64_t max, uint64_t *value)
{
	const char	*s = *p;
	uint64_t	 n = 0;
	unsigned int	 digit;

	if (s == end || *s < '0' || *s > '9')
		return (-1);
	for (; s < end && *s >= '0' && *s <= '9'; s++) {
		digit = (unsigned int)(*s - '0');
		if (n > (max - digit) / 10)
			return (-1);
		n = n * 10 + digit;
	}
	*p = s;
	*value = n;
	return (0);
}
