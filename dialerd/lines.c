/* See LICENSE for the terms. */
/* Which line the next call uses: see lines.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"

/* 1 when every line that is cheaper than this one has failed enough. */
static int
allowed(const struct lines_candidate *c, size_t n, size_t which)
{
	size_t	 i;

	for (i = 0; i < n; i++) {
		if (i == which || c[i].cost > c[which].cost ||
		    (c[i].cost == c[which].cost && i > which))
			continue;
		if (c[i].failures < c[which].skip)
			return (0);
	}
	return (1);
}

size_t
lines_choose(const struct lines_candidate *c, size_t n)
{
	size_t	 best = n, i;

	/*
	 * Of those that may be used, the one that has failed least: when all
	 * of them fail they take turns.
	 */
	for (i = 0; i < n; i++) {
		if (!allowed(c, n, i))
			continue;
		if (best == n || c[i].failures < c[best].failures ||
		    (c[i].failures == c[best].failures &&
		    c[i].cost < c[best].cost))
			best = i;
	}
	/* The cheapest one is always allowed. */
	return (best == n ? 0 : best);
}

static int
lines_add(struct lines_choice *choice, struct lines_candidate *c,
    const struct conf *conf, const struct conf_line *cl,
    const struct ledger *ledger, time_t t, uint64_t bytes)
{
	struct ledger_speed	 speed;

	if (lines_take(&choice->line, conf, cl) == -1)
		return (-1);
	choice->conf = cl;
	ledger_speed(ledger, cl->name, &speed);
	estimate_call(&choice->estimate, &choice->line, &speed, t, bytes);
	choice->line.rate = choice->estimate.rate_bulk;
	choice->failures = ledger_failures(ledger, cl->name);
	c->cost = choice->estimate.cost;
	c->failures = choice->failures;
	c->skip = cl->skip;
	return (0);
}

int
lines_pick(struct lines_choice *choice, const struct conf *conf,
    const struct ledger *ledger, time_t t, uint64_t bytes)
{
	const struct conf_line	*cl, *cheapest = NULL;
	struct lines_candidate	*c;
	uint64_t		 lowest = 0;
	size_t			 n = 0, i, best;
	int			 r = -1;

	TAILQ_FOREACH(cl, &conf->lines, entry)
		n++;
	if (n == 0) {
		errno = ENOENT;
		return (-1);
	}
	if ((c = calloc(n, sizeof(*c))) == NULL)
		return (-1);
	i = 0;
	TAILQ_FOREACH(cl, &conf->lines, entry) {
		if (lines_add(choice, &c[i], conf, cl, ledger, t, bytes) == -1)
			goto done;
		if (cheapest == NULL || c[i].cost < lowest) {
			cheapest = cl;
			lowest = c[i].cost;
		}
		i++;
	}
	best = lines_choose(c, n);
	i = 0;
	TAILQ_FOREACH(cl, &conf->lines, entry)
		if (i++ == best)
			break;
	r = lines_add(choice, &c[best], conf, cl, ledger, t, bytes);
	choice->cheapest = cheapest;
done:
	free(c);
	return (r);
}

/* Several numbers take turns, each try being an attempt. */
const char *
lines_number(const struct conf_line *conf, uint32_t attempt)
{
	const struct strnode	*node;
	size_t			 n = strlist_len(&conf->phone);

	if (n == 0)
		return ("");
	n = attempt % n;
	TAILQ_FOREACH(node, &conf->phone, entry) {
		if (n-- == 0)
			return (node->s);
	}
	return ("");
}

int
lines_take(struct window_line *line, const struct conf *conf,
    const struct conf_line *cl)
{
	memset(line, 0, sizeof(*line));
	TAILQ_INIT(&line->init);
	TAILQ_INIT(&line->chat);
	TAILQ_INIT(&line->chat_abort);
	strlcpy(line->name, cl->name, sizeof(line->name));
	line->modem = cl->device != NULL;
	line->link = cl->device == NULL || cl->ppp || cl->up != NULL;
	line->speed = cl->speed;
	line->pulse = cl->pulse != 0;
	line->no_flow = cl->no_flow != 0;
	line->chat_timeout = TAILQ_EMPTY(&cl->chat) ? 0 : cl->chat_timeout;
	line->answer = cl->answer;
	line->window = cl->window;
	line->stall = cl->stall;
	line->linger = cl->linger != 0;
	line->margin = cl->margin;
	line->room = UINT64_MAX;
	return (tariff_take(&line->tariff, conf, cl->tariff));
}

static int
copy_list(struct strlist *to, const struct strlist *from)
{
	const struct strnode	*node;

	TAILQ_FOREACH(node, from, entry) {
		if (strlist_add(to, node->s) == -1)
			return (-1);
	}
	return (0);
}

int
lines_take_strings(struct window_line *line, const struct conf_line *cl,
    uint32_t attempt)
{
	strlcpy(line->number, lines_number(cl, attempt),
	    sizeof(line->number));
	if (copy_list(&line->init, &cl->init) == -1 ||
	    copy_list(&line->chat, &cl->chat) == -1 ||
	    copy_list(&line->chat_abort, &cl->chat_abort) == -1)
		return (-1);
	return (0);
}

void
lines_drop(struct window_line *line)
{
	strlist_free(&line->init);
	strlist_free(&line->chat);
	strlist_free(&line->chat_abort);
}
