/* See LICENSE for the terms. */
/* Numbers that a modem keeps back. */
#include <string.h>

#include "delayed.h"
#include "proto.h"

#define NUMBERS	16	/* of all lines; else those that wait longest */

static struct {
	char	 number[PROTO_NAME_MAX];
	int64_t	 until;
} numbers[NUMBERS];

void
delayed_note(const char *number, int64_t now, uint64_t seconds)
{
	size_t	 i, use = 0;

	for (i = 0; i < NUMBERS; i++) {
		if (strcmp(numbers[i].number, number) == 0) {
			use = i;
			break;
		}
		if (numbers[i].until < numbers[use].until)
			use = i;
	}
	strlcpy(numbers[use].number, number, sizeof(numbers[use].number));
	numbers[use].until = now + (int64_t)seconds;
}

uint64_t
delayed_seconds(const char *number, int64_t now)
{
	size_t	 i;

	for (i = 0; i < NUMBERS; i++) {
		if (strcmp(numbers[i].number, number) == 0 &&
		    numbers[i].until > now)
			return ((uint64_t)(numbers[i].until - now));
	}
	return (0);
}

uint64_t
delayed_choose(const struct strlist *phone, uint32_t *turn, int64_t now)
{
	const struct strnode	*node;
	uint64_t		 seconds, least = 0;
	uint32_t		 n = 0, i, away, best = 0;

	TAILQ_FOREACH(node, phone, entry)
		n++;
	i = 0;
	TAILQ_FOREACH(node, phone, entry) {
		seconds = delayed_seconds(node->s, now);
		away = (i++ + n - *turn % n) % n;
		if (i > 1 && (seconds > least ||
		    (seconds == least && away > best)))
			continue;
		least = seconds;
		best = away;
	}
	*turn += best;
	return (least);
}
