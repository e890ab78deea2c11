/* See LICENSE for the terms. */
/* relayctl explain: why the last call was, and when the next will be. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "format.h"
#include "json.h"
#include "show.h"

#define RULES_MAX	256

static struct ctl_summary	 summary;
static struct ctl_rule		 rules[RULES_MAX];
static size_t			 nrules;

static void
take(uint32_t type, const void *data, size_t len, void *arg)
{
	(void)len;
	(void)arg;
	if (type == CTL_SUMMARY)
		memcpy(&summary, data, sizeof(summary));
	else if (type == CTL_RULE_ENTRY && nrules < RULES_MAX)
		memcpy(&rules[nrules++], data, sizeof(rules[0]));
}

/* Conditions first; of each what holds, then what comes soonest; else as in
 * the configuration. */
static int
compare(const void *va, const void *vb)
{
	const struct ctl_rule	*a = va, *b = vb;

	if (a->kind != b->kind)
		return (a->kind < b->kind ? -1 : 1);
	if (a->met != b->met)
		return (a->met ? -1 : 1);
	if (a->when != b->when) {
		if (a->when == 0 || b->when == 0)
			return (a->when != 0 ? -1 : 1);
		return (a->when < b->when ? -1 : 1);
	}
	return (a->line < b->line ? -1 : a->line > b->line);
}

/* "now", "in 54 min", "not yet"; "forbids 3 h", "in 9 h", "allows". */
static const char *
state_of(const struct ctl_rule *r)
{
	static char	 buf[64];
	int		 condition = r->kind == CTL_RULE_CONDITION;
	const char	*words, *span;

	if (condition)
		words = r->met ? "now" : "not yet";
	else
		words = r->met ? "forbids" : "allows";
	if (r->when <= summary.now || (condition && r->met))
		return (words);
	span = format_span((uint64_t)(r->when - summary.now));
	snprintf(buf, sizeof(buf), "%s %s", r->met ? "for" : "in", span);
	return (buf);
}

#define STATE_COLUMNS	16

static void
text_rule(const struct ctl_rule *r)
{
	char	 words[2 * PROTO_TEXT_MAX], line[32] = "", until[64] = "";

	if (r->line != 0)
		snprintf(line, sizeof(line), " (line %u)",
		    (unsigned int)r->line);
	format_left(stdout, "", 2);
	format_left(stdout, state_of(r), STATE_COLUMNS);
	snprintf(words, sizeof(words), "%s%s", r->rule, line);
	format_words(stdout, STATE_COLUMNS + 2, STATE_COLUMNS + 4, words);
	if (r->met && r->kind == CTL_RULE_RESTRAINT && r->when > summary.now)
		snprintf(until, sizeof(until), "; until %s",
		    format_time(r->when));
	if (r->text[0] == '\0' && until[0] == '\0')
		return;
	snprintf(words, sizeof(words), "%s%s", r->text, until);
	format_left(stdout, "", STATE_COLUMNS + 4);
	format_words(stdout, STATE_COLUMNS + 4, STATE_COLUMNS + 4, words);
}

static void
text_rules(uint32_t kind, const char *head, const char *none)
{
	size_t	 i, n = 0;

	printf("\n%s\n", head);
	for (i = 0; i < nrules; i++) {
		if (rules[i].kind != kind)
			continue;
		text_rule(&rules[i]);
		n++;
	}
	if (n == 0)
		printf("  %s\n", none);
}

static void
text(void)
{
	const struct ctl_summary	*s = &summary;

	if (s->call.call != 0)
		show_call_text(stdout, "this", &s->call, s->currency);
	if (s->last.call != 0)
		show_call_text(stdout, "last", &s->last, s->currency);
	else
		format_field(stdout, "last", "there has been no call yet");
	if (s->last_good != 0 && s->last_good != s->last.up)
		format_field(stdout, "", "the last window that did its work "
		    "was at %s", format_time(s->last_good));
	if (s->next > s->now)
		format_field(stdout, "next", "not before %s, in %s: %s",
		    format_time(s->next),
		    format_span((uint64_t)(s->next - s->now)), s->next_why);
	else
		format_field(stdout, "next", "%s", s->next_why);
	text_rules(CTL_RULE_CONDITION, "What leads to a call, nearest first:",
	    "nothing but relayctl dial");
	text_rules(CTL_RULE_RESTRAINT, "What forbids one:", "nothing");
}

static void
json(void)
{
	size_t	 i;

	printf("{\"last\":");
	if (summary.last.call == 0)
		printf("null");
	else
		show_call_json(&summary.last);
	json_instant("now", summary.now);
	json_instant("next", summary.next);
	json_text("next_why", summary.next_why, 0);
	printf(",\"rules\":[");
	for (i = 0; i < nrules; i++)
		show_json.rule(&rules[i]);
	printf("\n]}\n");
}

int
explain(enum form form)
{
	if (client_request(CTL_SHOW_SUMMARY, NULL, 0, take, NULL, NULL) == -1 ||
	    client_request(CTL_SHOW_RULES, NULL, 0, take, NULL, NULL) == -1) {
		warnx("%s", client_error());
		return (1);
	}
	qsort(rules, nrules, sizeof(rules[0]), compare);
	if (form == FORM_JSON)
		json();
	else
		text();
	return (0);
}
