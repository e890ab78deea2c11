/* See LICENSE for the terms. */
/*
 * The rules of a policy in words, as they are in the configuration, and how
 * far they are: for the log, the ledger and relayctl.  Pure.
 */
#ifndef DIALERD_POLICY_TEXT_H
#define DIALERD_POLICY_TEXT_H

#include "policy.h"

/* "90s", "2h", "7d": the largest unit that has no rest. */
void	 policy_duration(uint64_t seconds, char *, size_t);
/* "500", "20K", "3M". */
void	 policy_size(uint64_t bytes, char *, size_t);
/* 1/1000, as money is written: "20", "0.125". */
void	 policy_money(uint64_t, char *, size_t);

/* "messages 10", "age 2h between 08:00 and 23:00 on weekdays" */
void	 policy_rule_text(const struct conf_rule *, char *, size_t);
/* "7 of 10 messages wait" */
void	 policy_rule_state(const struct conf_rule *,
	    const struct policy_facts *, char *, size_t);
/* The word, and the hours and days that it is bound to. */
void	 policy_span_text(const char *word, const struct conf_span *, char *,
	    size_t);
/* "60m per day", "20 calls per month keep 5 calls for urgent" */
void	 policy_budget_text(const struct conf_budget *, char *, size_t);
/* "12m of it spent, the next call may need 16m" */
void	 policy_budget_state(const struct conf_budget *,
	    const struct policy_facts *, char *, size_t);
/* "redial 2 within 3m then 15m" */
void	 policy_redial_text(const struct conf_global *, char *, size_t);

#endif
