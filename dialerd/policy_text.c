/* See LICENSE for the terms. */
/* The rules of a policy in words: see policy_text.h. */
#include <stdio.h>
#include <string.h>

#include "policy_text.h"

#define NUMBER_MAX	32		/* of the three below, and its NUL */

static const char *const	 periods[POLICY_PERIODS] = {
	"day", "week", "month"
};

void
policy_duration(uint64_t s, char *buf, size_t size)
{
	unsigned long long	 v = s;

	if (s != 0 && s % 86400 == 0)
		snprintf(buf, size, "%llud", v / 86400);
	else if (s != 0 && s % 3600 == 0)
		snprintf(buf, size, "%lluh", v / 3600);
	else if (s != 0 && s % 60 == 0)
		snprintf(buf, size, "%llum", v / 60);
	else
		snprintf(buf, size, "%llus", v);
}

void
policy_size(uint64_t n, char *buf, size_t size)
{
	unsigned long long	 v = n;

	if (n != 0 && n % (1024 * 1024) == 0)
		snprintf(buf, size, "%lluM", v / 1024 / 1024);
	else if (n != 0 && n % 1024 == 0)
		snprintf(buf, size, "%lluK", v / 1024);
	else
		snprintf(buf, size, "%llu", v);
}

void
policy_money(uint64_t n, char *buf, size_t size)
{
	unsigned long long	 v = n;
	size_t			 len;

	if (n % 1000 == 0) {
		snprintf(buf, size, "%llu", v / 1000);
		return;
	}
	snprintf(buf, size, "%llu.%03llu", v / 1000, v % 1000);
	for (len = strlen(buf); len > 0 && buf[len - 1] == '0'; len--)
		buf[len - 1] = '\0';
}

static void
span_days(const struct conf_span *span, char *buf, size_t size)
{
	static const char *const	 names[] = {
		"sunday", "monday", "tuesday", "wednesday", "thursday",
		"friday", "saturday"
	};
	const char			*sep = " on ";
	size_t				 i;

	if ((span->days & DAYS_ALL) == DAYS_ALL && span->dayset == 0 &&
	    (span->days & DAYS_WORKDAY) == 0)
		return;
	if ((span->days & (DAYS_ALL | DAYS_WORKDAY)) == (0x3e | DAYS_WORKDAY)) {
		strlcat(buf, " on workdays", size);
		sep = ", ";
	} else
		for (i = 0; i < 7; i++)
			if (span->days & 1U << i) {
				strlcat(buf, sep, size);
				strlcat(buf, names[i], size);
				sep = ", ";
			}
	if (span->days & DAYS_HOLIDAY) {
		strlcat(buf, sep, size);
		strlcat(buf, "holidays", size);
		sep = ", ";
	}
	if (span->dayset != 0) {
		strlcat(buf, sep, size);
		strlcat(buf, "certain dates", size);
	}
}

void
policy_span_text(const char *word, const struct conf_span *span, char *buf,
    size_t size)
{
	char	 hours[64];

	strlcpy(buf, word, size);
	if (!span->set)
		return;
	if (span->from != 0 || span->to != 1440) {
		snprintf(hours, sizeof(hours),
		    " %sbetween %02u:%02u and %02u:%02u",
		    span->negate ? "not " : "", span->from / 60,
		    span->from % 60, span->to / 60 % 24, span->to % 60);
		strlcat(buf, hours, size);
	}
	span_days(span, buf, size);
}

static void
rule_words(const struct conf_rule *rule, char *buf, size_t size)
{
	unsigned long long	 v = rule->value;
	char			 n[NUMBER_MAX];

	policy_duration(rule->value, n, sizeof(n));
	switch (rule->condition) {
	case DIAL_MESSAGES:
		snprintf(buf, size, "messages %llu", v);
		return;
	case DIAL_SIZE:
		policy_size(rule->value, n, sizeof(n));
		snprintf(buf, size, "size %s", n);
		return;
	case DIAL_AGE:
		snprintf(buf, size, "age %s", n);
		return;
	case DIAL_SECONDS:
		snprintf(buf, size, "seconds %llu", v);
		return;
	case DIAL_COST:
		policy_money(rule->value, n, sizeof(n));
		snprintf(buf, size, "cost %s", n);
		return;
	case DIAL_URGENT:
		snprintf(buf, size, "urgent");
		return;
	case DIAL_DEADLINE:
		snprintf(buf, size, "deadline %s", n);
		return;
	case DIAL_EVERY:
		snprintf(buf, size, "every %s", n);
		return;
	case DIAL_AT:
		snprintf(buf, size, "at %02llu:%02llu", v / 60, v % 60);
		return;
	case DIAL_BALANCE:
		policy_money(rule->value, n, sizeof(n));
		snprintf(buf, size, "balance %s per hour", n);
		return;
	}
	buf[0] = '\0';
}

void
policy_rule_text(const struct conf_rule *rule, char *buf, size_t size)
{
	char	 words[64];

	rule_words(rule, words, sizeof(words));
	policy_span_text(words, &rule->span, buf, size);
}

/* How long ago, to the second below an hour and to the minute above. */
static void
text_ago(uint64_t s, char *buf, size_t size)
{
	policy_duration(s < 3600 ? s : s / 60 * 60, buf, size);
}

static void
state_balance(const struct conf_rule *rule, const struct policy_facts *f,
    char *buf, size_t size)
{
	char		 cost[NUMBER_MAX], waited[NUMBER_MAX];
	uint64_t	 sum = 0, now = f->now < 0 ? 0 : (uint64_t)f->now;

	if (f->messages <= UINT64_MAX / (now + 1) &&
	    f->messages * now > f->received_sum)
		sum = f->messages * now - f->received_sum;
	policy_money(f->send_cost, cost, sizeof(cost));
	policy_money(sum / 3600 * rule->value, waited, sizeof(waited));
	snprintf(buf, size, "waiting has cost %s, the call would cost %s",
	    waited, cost);
}

static void
state_queue(const struct conf_rule *rule, const struct policy_facts *f,
    char *buf, size_t size)
{
	char	 have[NUMBER_MAX], want[NUMBER_MAX];

	switch (rule->condition) {
	case DIAL_SIZE:
		policy_size(rule->value, want, sizeof(want));
		snprintf(buf, size, "%llu bytes of %s wait",
		    (unsigned long long)f->bytes, want);
		break;
	case DIAL_SECONDS:
		snprintf(buf, size, "sending would take %llus",
		    (unsigned long long)f->send_seconds);
		break;
	case DIAL_COST:
		policy_money(f->send_cost, have, sizeof(have));
		snprintf(buf, size, "sending would cost %s", have);
		break;
	case DIAL_AGE:
		text_ago(f->oldest >= f->now ? 0 :
		    (uint64_t)(f->now - f->oldest), have, sizeof(have));
		snprintf(buf, size, "the oldest message has waited %s", have);
		break;
	case DIAL_URGENT:
		snprintf(buf, size, "%llu urgent message%s wait%s",
		    (unsigned long long)f->urgent, f->urgent == 1 ? "" : "s",
		    f->urgent == 1 ? "s" : "");
		break;
	case DIAL_BALANCE:
		state_balance(rule, f, buf, size);
		break;
	default:
		snprintf(buf, size, "%llu of %llu message%s wait",
		    (unsigned long long)f->messages,
		    (unsigned long long)rule->value,
		    rule->value == 1 ? "" : "s");
		break;
	}
}

void
policy_rule_state(const struct conf_rule *rule, const struct policy_facts *f,
    char *buf, size_t size)
{
	char	 n[NUMBER_MAX];

	switch (rule->condition) {
	case DIAL_EVERY:
		text_ago(f->good_age, n, sizeof(n));
		snprintf(buf, size, "the last good window was %s ago", n);
		break;
	case DIAL_AT:
		snprintf(buf, size, "%s", "a time of the day");
		break;
	case DIAL_DEADLINE:
		if (f->deadline == 0)
			snprintf(buf, size, "no message has one");
		else if (f->deadline <= f->now)
			snprintf(buf, size, "a message is overdue");
		else {
			text_ago((uint64_t)(f->deadline - f->now), n,
			    sizeof(n));
			snprintf(buf, size, "the nearest is in %s", n);
		}
		break;
	default:
		if (f->messages == 0)
			snprintf(buf, size, "no message waits");
		else
			state_queue(rule, f, buf, size);
		break;
	}
}

static void
budget_amount(const struct conf_budget *b, uint64_t v, char *buf, size_t size)
{
	switch (b->kind) {
	case BUDGET_SECONDS:
		policy_duration(v, buf, size);
		break;
	case BUDGET_MONEY:
		policy_money(v, buf, size);
		break;
	default:
		snprintf(buf, size, "%llu call%s", (unsigned long long)v,
		    v == 1 ? "" : "s");
		break;
	}
}

void
policy_budget_text(const struct conf_budget *b, char *buf, size_t size)
{
	char	 amount[NUMBER_MAX], keep[NUMBER_MAX];

	budget_amount(b, b->amount, amount, sizeof(amount));
	budget_amount(b, b->keep, keep, sizeof(keep));
	if (b->keep == 0)
		snprintf(buf, size, "%s per %s", amount, periods[b->period]);
	else
		snprintf(buf, size, "%s per %s keep %s for urgent", amount,
		    periods[b->period], keep);
}

void
policy_budget_state(const struct conf_budget *b, const struct policy_facts *f,
    char *buf, size_t size)
{
	const struct policy_sum	*sum = &f->sum[b->period];
	char			 used[NUMBER_MAX], worst[NUMBER_MAX];

	switch (b->kind) {
	case BUDGET_SECONDS:
		budget_amount(b, sum->seconds, used, sizeof(used));
		budget_amount(b, f->worst_seconds, worst, sizeof(worst));
		break;
	case BUDGET_MONEY:
		budget_amount(b, sum->cost, used, sizeof(used));
		budget_amount(b, f->worst_cost, worst, sizeof(worst));
		break;
	default:
		budget_amount(b, sum->calls, used, sizeof(used));
		snprintf(buf, size, "%s made", used);
		return;
	}
	snprintf(buf, size, "%s spent, a call may need %s", used, worst);
}

void
policy_redial_text(const struct conf_global *g, char *buf, size_t size)
{
	char	 within[NUMBER_MAX], then[NUMBER_MAX];

	policy_duration(g->redial_within, within, sizeof(within));
	policy_duration(g->redial_then, then, sizeof(then));
	snprintf(buf, size, "redial %u within %s then %s", g->redial, within,
	    then);
}
