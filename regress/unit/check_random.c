/* See LICENSE for the terms. */
/* Random configurations and traces: see check_policy.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check_policy.h"

#define HOUR	3600
#define DAY	86400

/* Rules as POSIX has them, so that no file of the zone is needed. */
static const char *const	 zones[] = {
	"UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "JST-9",
	"XST5XDT,M3.5.0/0,M10.5.0/0",		/* no midnight, once a year */
	"LHST-10:30LHDT-11,M10.1.0,M4.1.0",	/* half an hour */
	"NST3:30NDT,M3.2.0,M11.1.0", "CHST-12:45CHDT-13:45,M9.5.0/2:45,M4.1.0/3:45",
	"EST5EDT,M3.2.0,M11.1.0"
};

/* Days on which something is odd: 00:00 UTC. */
static const int64_t	 odd_days[] = {
	86400,			/* 1970, as after a dead battery */
	1774656000,		/* 2026-03-28: clocks go forward in Europe */
	1792800000,		/* 2026-10-24: and back */
	1835308800,		/* 2028-02-28: a leap year */
	1772841600,		/* 2026-03-07: America */
	1798675200		/* 2026-12-31 */
};

uint32_t
check_number(struct check *c, uint32_t below)
{
	c->random = c->random * 1664525 + 1013904223;
	return (below == 0 ? 0 : (c->random >> 8) % below);
}

int
check_chance(struct check *c, uint32_t percent)
{
	return (check_number(c, 100) < percent);
}

static void *
new(size_t size)
{
	void	*p;

	if ((p = calloc(1, size)) == NULL)
		err(2, NULL);
	return (p);
}

static char *
copy(const char *s)
{
	char	*p;

	if ((p = strdup(s)) == NULL)
		err(2, NULL);
	return (p);
}

static void
random_span(struct check *c, struct conf_span *s)
{
	s->set = 1;
	s->from = check_number(c, 96) * 15;
	s->to = (check_number(c, 96) + 1) * 15;
	if (s->from == s->to)
		s->to = s->from + 15;
	s->negate = check_chance(c, 20);
	s->days = DAYS_ALL;
	if (check_chance(c, 30))
		s->days = 1 + check_number(c, DAYS_ALL - 1);
	if (check_chance(c, 10))
		s->days = 0x3e | DAYS_WORKDAY;
	else if (check_chance(c, 10))
		s->days |= DAYS_HOLIDAY;
}

static uint64_t
random_value(struct check *c, uint32_t condition)
{
	switch (condition) {
	case DIAL_MESSAGES:
		return (1 + check_number(c, 12));
	case DIAL_SIZE:
		return (1 + check_number(c, 400000));
	case DIAL_AGE:
		return (60 * (1 + check_number(c, 600)));
	case DIAL_SECONDS:
		return (10 + check_number(c, 300));
	case DIAL_COST:
		return (1000 + check_number(c, 60000));
	case DIAL_DEADLINE:
		return (60 * check_number(c, 120));
	case DIAL_EVERY:
		return (60 * (10 + check_number(c, 2000)));
	case DIAL_AT:
		return (check_chance(c, 50) ? check_number(c, 1440) :
		    check_number(c, 5) * 30);
	case DIAL_BALANCE:
		return (100 + check_number(c, 20000));
	}
	return (0);
}

static void
random_rules(struct check *c)
{
	struct conf_rule	*rule;
	uint32_t		 n = 1 + check_number(c, 5);

	while (n-- > 0) {
		rule = new(sizeof(*rule));
		rule->condition = check_number(c, DIAL_BALANCE + 1);
		rule->value = random_value(c, rule->condition);
		rule->line = n + 1;
		if (check_chance(c, 40))
			random_span(c, &rule->span);
		TAILQ_INSERT_TAIL(&c->conf->rules, rule, entry);
	}
}

static void
random_restraints(struct check *c)
{
	struct conf_hold	*hold;
	struct conf_budget	*b;
	uint32_t		 n;

	for (n = check_chance(c, 50) ? 1 + check_number(c, 2) : 0; n > 0; n--) {
		hold = new(sizeof(*hold));
		random_span(c, &hold->span);
		TAILQ_INSERT_TAIL(&c->conf->holds, hold, entry);
	}
	for (n = check_chance(c, 50) ? 1 + check_number(c, 3) : 0; n > 0; n--) {
		b = new(sizeof(*b));
		b->kind = check_number(c, 3);
		b->period = check_number(c, 3);
		b->amount = b->kind == BUDGET_CALLS ? 1 + check_number(c, 20) :
		    b->kind == BUDGET_SECONDS ? 300 + check_number(c, 7200) :
		    5000 + check_number(c, 900000);
		if (check_chance(c, 40))
			b->keep = check_number(c, (uint32_t)b->amount);
		TAILQ_INSERT_TAIL(&c->conf->budgets, b, entry);
	}
}

static void
random_redial(struct check *c)
{
	struct conf_global	*g = &c->conf->global;

	g->redial = check_number(c, 4);
	g->redial_within = 30 + check_number(c, 400);
	g->redial_then = 20 + check_number(c, 2000);
	if (check_chance(c, 50)) {
		g->breaker = 2 + check_number(c, 6);
		g->breaker_pause = 600 + check_number(c, 6 * HOUR);
	}
	if (check_chance(c, 30))
		g->bulk_larger = 20000;
	g->bulk_after = check_chance(c, 50) ? 0 :
	    HOUR + check_number(c, 3 * DAY);
}

static void
random_tariff(struct check *c)
{
	struct conf_tariff	*t = new(sizeof(*t));
	struct conf_rate	*rate;
	uint32_t		 n;

	t->name = copy("t");
	t->setup = check_chance(c, 40) ? check_number(c, 5000) : 0;
	t->per_megabyte = check_chance(c, 20) ? check_number(c, 90000) : 0;
	t->free = check_chance(c, 20) ? check_number(c, 90) : 0;
	t->minimum = check_chance(c, 20) ? check_number(c, 9000) : 0;
	TAILQ_INSERT_TAIL(&c->conf->tariffs, t, entry);
	for (n = check_number(c, 4); n > 0; n--) {
		rate = new(sizeof(*rate));
		rate->tariff = copy("t");
		if (n > 1 || check_chance(c, 20))
			random_span(c, &rate->span);
		rate->unit = check_chance(c, 20) ? 1 :
		    30 * (1 + check_number(c, 10));
		rate->price = check_number(c, rate->unit == 1 ? 100 : 10000);
		TAILQ_INSERT_TAIL(&c->conf->rates, rate, entry);
	}
}

static void
random_line(struct check *c)
{
	struct conf_line	*line = new(sizeof(*line));

	TAILQ_INIT(&line->init);
	TAILQ_INIT(&line->phone);
	TAILQ_INIT(&line->ppp_options);
	TAILQ_INIT(&line->chat);
	TAILQ_INIT(&line->chat_abort);
	line->name = copy("l");
	line->tariff = copy("t");
	if (check_chance(c, 70))
		line->device = copy("/dev/tty");
	line->speed = 300U << check_number(c, 8);
	line->ppp = 1;
	line->window = 30 + check_number(c, 1200);
	line->answer = 20 + check_number(c, 100);
	line->linger = check_chance(c, 30);
	line->margin = check_number(c, 20);
	line->stall = 120;
	TAILQ_INSERT_TAIL(&c->conf->lines, line, entry);
}

static void
random_holidays(struct check *c)
{
	struct conf_dayset	*set = new(sizeof(*set));
	static const char *const days[] = {
		"01-01", "12-25", "2026-04-06", "02-29", "03-30", "10-26"
	};
	size_t			 i;

	set->id = DAYSET_HOLIDAYS;
	TAILQ_INIT(&set->dates);
	for (i = 0; i < sizeof(days) / sizeof(days[0]); i++)
		if (check_chance(c, 70) &&
		    strlist_add(&set->dates, days[i]) == -1)
			err(2, NULL);
	TAILQ_INSERT_TAIL(&c->conf->daysets, set, entry);
}

static void
random_message(struct check *c, struct replay_event *e)
{
	e->kind = REPLAY_MESSAGE;
	e->bytes = check_chance(c, 80) ? 300 + check_number(c, 9000) :
	    check_number(c, 300000);
	e->class = check_chance(c, 8) ? PROTO_URGENT :
	    check_chance(c, 15) ? PROTO_BULK : PROTO_NORMAL;
	if (check_chance(c, 10))
		e->deadline = e->at + c->offset + 60 +
		    check_number(c, 12 * HOUR);
}

static void
random_event(struct check *c, struct replay_event *e, int64_t *offset)
{
	if (c->clock_set && check_chance(c, 3)) {
		e->kind = REPLAY_CLOCK;
		/* Put right, by hours; or dead, and years away. */
		*offset += (int64_t)check_number(c, 8 * HOUR) - 4 * HOUR;
		if (check_chance(c, 20))
			*offset += (int64_t)check_number(c, 400) * DAY;
		e->offset = *offset;
	} else if (check_chance(c, 2))
		e->kind = REPLAY_REQUEST;
	else if (check_chance(c, 1))
		e->kind = check_chance(c, 50) ? REPLAY_HOLD : REPLAY_RELEASE;
	else
		random_message(c, e);
}

static void
random_events(struct check *c)
{
	int64_t		 at = c->start, offset = c->offset;
	uint32_t	 gap = 60 * (1 + check_number(c, 200));
	size_t		 i;

	c->nevents = check_number(c, 300);
	c->events = new((c->nevents + 1) * sizeof(*c->events));
	for (i = 0; i < c->nevents; i++) {
		/* In bursts, and then not for long. */
		at += check_chance(c, 40) ? check_number(c, 30) :
		    check_number(c, 2 * gap);
		c->events[i].at = at;
		random_event(c, &c->events[i], &offset);
	}
	c->end = at + check_number(c, 3 * DAY);
	if (c->end - c->start > 15 * DAY)
		c->end = c->start + 15 * DAY;
}

void
check_make(struct check *c)
{
	int64_t	 wall;

	c->random = c->seed * 2654435761U + 12345;
	c->zone = zones[check_number(c, sizeof(zones) / sizeof(zones[0]))];
	setenv("TZ", c->zone, 1);
	tzset();
	wall = check_chance(c, 50) ? odd_days[check_number(c,
	    sizeof(odd_days) / sizeof(odd_days[0]))] :
	    1767225600 + (int64_t)check_number(c, 1500) * DAY;
	wall += check_number(c, DAY);
	c->start = check_number(c, DAY);
	c->offset = wall - c->start;
	c->clock_set = check_chance(c, 15);
	c->failing = check_chance(c, 50) ? 0 : check_number(c, 90);
	c->refusing = check_chance(c, 60) ? 0 : check_number(c, 60);
	if ((c->conf = conf_new()) == NULL)
		err(2, NULL);
	random_rules(c);
	random_restraints(c);
	random_redial(c);
	if (c->clock_set)
		c->conf->global.bulk_after = 0;
	random_tariff(c);
	random_line(c);
	random_holidays(c);
	random_events(c);
}

void
check_free(struct check *c)
{
	conf_free(c->conf);
	free(c->events);
}
