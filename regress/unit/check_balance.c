/* See LICENSE for the terms. */
/*
 * `dial when balance` in the model of the theorem: a call costs the same at
 * any time, takes no time, and is never restrained.  The theorem's time has
 * no smallest part; ours has the second.  So messages come at multiples of a
 * number that can be divided by 1 to 12, which is what makes each moment of
 * balance of up to 12 messages a whole second, and nothing is rounded.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "check_policy.h"
#include "optimum.h"

#define STEP		27720	/* seconds: the least that 1..12 divide */
#define TOGETHER_MAX	3	/* messages that come at once */
#define STEPS_MAX	20	/* that a message alone waits: so 12 at most
				 * wait together */
#define MESSAGES_MAX	200

struct balance {
	struct check		*c;
	struct conf		*conf;
	struct policy_facts	 f;
	uint64_t		 price;
	uint64_t		 call_cost;
	int64_t			 when[MESSAGES_MAX + TOGETHER_MAX];
	size_t			 n;		/* have come */
	uint64_t		 calls;
	uint64_t		 waited;
};

static void
come(struct balance *b, int64_t t)
{
	uint32_t	 i, n = 1 + check_number(b->c, TOGETHER_MAX);

	for (i = 0; i < n; i++) {
		b->when[b->n++] = t;
		b->f.messages++;
		b->f.received_sum += (uint64_t)t;
		if (b->f.oldest == 0)
			b->f.oldest = (time_t)t;
	}
}

static void
call(struct balance *b)
{
	b->calls++;
	b->waited += b->f.messages * (uint64_t)b->f.now - b->f.received_sum;
	b->f.good_up = b->f.now;
	b->f.messages = b->f.received_sum = 0;
	b->f.oldest = 0;
}

/* When the next come: as chance has it, or as an adversary would, at once
 * when a call is over. */
static int64_t
next_come(struct balance *b, int adversary)
{
	int64_t	 gap = 1 + check_number(b->c, check_chance(b->c, 20) ? 60 : 4);

	if (adversary && b->f.messages == 0)
		gap = 0;
	return ((b->f.now / STEP + gap) * STEP +
	    (b->f.now % STEP != 0 ? STEP : 0));
}

static void
run(struct balance *b)
{
	struct policy_decision	 d;
	int64_t			 next = b->f.now;
	int			 adversary = check_chance(b->c, 50);

	while (b->n < MESSAGES_MAX || b->f.messages > 0) {
		policy_decide(b->conf, &b->f, &d);
		if (d.dial) {
			call(b);
			if (adversary && b->n < MESSAGES_MAX)
				next = next_come(b, 1);
			continue;
		}
		if (b->n < MESSAGES_MAX && next == b->f.now) {
			come(b, next);
			next = next_come(b, adversary);
			continue;
		}
		if (d.next == 0 && b->n >= MESSAGES_MAX) {
			check_violation(b->c, b->f.now, "balance: no call");
			return;
		}
		b->f.now = d.next == 0 || (b->n < MESSAGES_MAX &&
		    next < d.next) ? (time_t)next : d.next;
	}
}

uint64_t
check_balance(struct check *c)
{
	struct conf_rule	*rule;
	struct balance		 b;
	struct optimum		 best;
	uint64_t		 ours, theirs;

	memset(&b, 0, sizeof(b));
	b.c = c;
	b.price = 10 * (1 + check_number(c, 3000));
	/* As much as a message costs that waits for some steps. */
	b.call_cost = (1 + check_number(c, STEPS_MAX)) * (STEP / 360) *
	    (b.price / 10);
	if ((b.conf = conf_new()) == NULL ||
	    (rule = calloc(1, sizeof(*rule))) == NULL)
		err(2, NULL);
	rule->condition = DIAL_BALANCE;
	rule->value = b.price;
	TAILQ_INSERT_TAIL(&b.conf->rules, rule, entry);
	b.f.now = b.f.start = 64000LL * STEP;
	b.f.send_cost = b.call_cost;
	run(&b);
	conf_free(b.conf);
	if (optimum(b.when, b.n, b.call_cost, b.price, &best) == -1)
		err(2, "optimum");
	ours = optimum_cost(b.calls, b.waited, b.call_cost, b.price);
	theirs = optimum_cost(best.calls, best.waited, b.call_cost, b.price);
	if (ours > 2 * theirs)
		check_violation(c, 0, "balance: %llu, the best schedule %llu",
		    (unsigned long long)ours, (unsigned long long)theirs);
	if (ours < theirs)
		check_violation(c, 0, "balance: better than the best");
	return ((uint64_t)((double)ours / (double)theirs * 1000000));
}
