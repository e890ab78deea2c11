/* See LICENSE for the terms. */
/*
 * The lines: which of them the next call uses, and what a window needs to
 * know of it.  Cheapest first; a dearer one only when each cheaper one has
 * failed as often as the dearer one says (skip).
 */
#ifndef DIALERD_LINES_H
#define DIALERD_LINES_H

#include "estimate.h"

struct lines_candidate {
	uint64_t	 cost;		/* of the next call */
	uint32_t	 failures;	/* since the last good window */
	uint32_t	 skip;
};

/* Which of n, at least one, in the order of the configuration.  Pure. */
size_t	 lines_choose(const struct lines_candidate *, size_t n);

/* The choice. */
struct lines_choice {
	const struct conf_line	*conf;		/* of the configuration */
	const struct conf_line	*cheapest;
	uint32_t		 failures;	/* of the chosen one */
	uint32_t		 turn;		/* of its numbers; the caller's */
	struct window_line	 line;		/* without its strings */
	struct estimate		 estimate;
};

/*
 * For a call at t with so many bytes to send.  0, or -1 when there is no
 * line (ENOENT), or its tariff cannot be had.
 */
int	 lines_pick(struct lines_choice *, const struct conf *,
	    const struct ledger *, time_t t, uint64_t bytes);

/* What is fixed of a line; without init strings, chat and number. */
int	 lines_take(struct window_line *, const struct conf *,
	    const struct conf_line *);
/*
 * The rest, for the so-manieth attempt: numbers take turns.  0, or -1 with
 * ENOMEM; what the line has then is for lines_drop.
 */
int	 lines_take_strings(struct window_line *, const struct conf_line *,
	    uint32_t attempt);
const char *lines_number(const struct conf_line *, uint32_t attempt);
void	 lines_drop(struct window_line *);

#endif
