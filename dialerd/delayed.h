/* See LICENSE for the terms. */
/*
 * Numbers that a modem keeps back: after some failures the law of some
 * countries has it refuse them for a while, and it says for how long.
 */
#ifndef DIALERD_DELAYED_H
#define DIALERD_DELAYED_H

#include <stdint.h>

#include "conf.h"

/* The number is kept back for so long from now on; seconds of a clock that
 * never goes back. */
void	 delayed_note(const char *number, int64_t now, uint64_t seconds);
/* How long yet; 0: it may be dialled. */
uint64_t delayed_seconds(const char *number, int64_t now);
/*
 * Of the numbers that take turns, the first from the so-manieth on that may
 * be dialled, which *turn then is; or how long it is kept back that may be
 * dialled first.
 */
uint64_t delayed_choose(const struct strlist *, uint32_t *turn, int64_t now);

#endif
