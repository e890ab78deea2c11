/* See LICENSE for the terms. */
/* relayctl's output for people. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "show.h"

static uint32_t	 last_year;	/* of the table's row before */

/* --- summary --- */

static void
text_window(FILE *f, const struct ctl_summary *s)
{
	const struct ctl_call	*c = &s->call;

	format_field(f, "call", "%" PRIu64 " since %s: %s", c->call,
	    format_time(c->opened), c->why);
	format_field(f, "", "line %s%s%s%s%s", format_clean(c->line),
	    c->number[0] != '\0' ? ", number " : "", format_clean(c->number),
	    c->connect[0] != '\0' ? ", " : "", format_clean(c->connect));
	if (c->up == 0)
		return;
	format_field(f, "window", "%s of at most %s",
	    format_duration(s->window_seconds),
	    format_duration(s->window_max));
	format_field(f, "out", "%" PRIu64 " sent, %" PRIu64 " to go (%s); %s "
	    "at %s/s", c->sent, s->todo_out, format_bytes(s->todo_out_bytes),
	    format_bytes(c->bytes_out), format_bytes(s->rate_out));
	format_field(f, "in", "%" PRIu64 " fetched, %" PRIu64 " to go (%s); "
	    "%s at %s/s", c->fetched, s->todo_in,
	    format_bytes(s->todo_in_bytes), format_bytes(c->bytes_in),
	    format_bytes(s->rate_in));
	if (c->foreign)
		format_field(f, "cost", "none: the link was up already");
	else if (s->unit_ends > s->now)
		format_field(f, "cost", "%s so far; the next unit in %s",
		    format_cost(c->cost, s->currency),
		    format_duration((uint64_t)(s->unit_ends - s->now)));
	else
		format_field(f, "cost", "%s so far",
		    format_cost(c->cost, s->currency));
}

void
show_call_text(FILE *f, const char *label, const struct ctl_call *c,
    const char *currency)
{
	format_field(f, label, "call %" PRIu64 ", %s: %s", c->call,
	    format_time(c->opened), c->why);
	if (c->closed == 0) {
		format_field(f, "", "not over yet");
		return;
	}
	format_field(f, "", "%s%s%s", c->result,
	    c->reason[0] != '\0' ? ": " : "", c->reason);
	if (c->up != 0)
		format_field(f, "", "%s, %s sent, %" PRIu64 " fetched; "
		    "%s on %s, %s", c->foreign ? "somebody else's link" :
		    "window", format_count(c->sent, "message"), c->fetched,
		    format_duration(c->seconds), c->line,
		    format_cost(c->cost, currency));
	else
		format_field(f, "", "no window; %s on %s, %s",
		    format_duration(c->seconds), c->line,
		    format_cost(c->cost, currency));
}

void
show_spent_text(FILE *f, const struct ctl_summary *s)
{
	format_field(f, "today", "%s, %s, %s",
	    format_count(s->day_calls, "call"),
	    format_duration(s->day_seconds),
	    format_cost(s->day_cost, s->currency));
	format_field(f, "month", "%s, %s, %s",
	    format_count(s->month_calls, "call"),
	    format_duration(s->month_seconds),
	    format_cost(s->month_cost, s->currency));
}

static void
text_summary(const struct ctl_summary *s)
{
	FILE	*f = stdout;

	format_field(f, "line", "%s%s", ctl_state_name(s->state),
	    s->hold ? ", on hold" : "");
	if (!s->spoold || !s->fetchd)
		format_field(f, "missing", "%s%s", s->spoold ? "" : "spoold ",
		    s->fetchd ? "" : "fetchd");
	if (s->call.call != 0)
		text_window(f, s);
	if (s->queue_messages == 0)
		format_field(f, "queue", "empty");
	else
		format_field(f, "queue", "%s, %s, oldest of %s",
		    format_count(s->queue_messages, "message"),
		    format_bytes(s->queue_bytes), format_time(s->queue_oldest));
	if (s->call.call == 0)
		format_field(f, "next", "%s%s%s%s",
		    s->next != 0 ? "not before " : "",
		    s->next != 0 ? format_time(s->next) : "",
		    s->next != 0 ? ": " : "", s->next_why);
	if (s->last.call != 0)
		show_call_text(f, "last", &s->last, s->currency);
	show_spent_text(f, s);
}

/* --- plan --- */

static void
plan_transfer(FILE *f, const struct ctl_plan *p)
{
	if (p->messages == 0)
		format_field(f, "send", "nothing");
	else if (p->bulk == 0)
		format_field(f, "send", "%s, %s",
		    format_count(p->messages, "message"),
		    format_bytes(p->bytes));
	else
		format_field(f, "send", "%s, %s; %" PRIu64 " of them "
		    "bulk, where paid time is left",
		    format_count(p->messages, "message"),
		    format_bytes(p->bytes), p->bulk);
	if (p->measured == 0)
		format_field(f, "fetch", "not known before the first window");
	else
		format_field(f, "fetch", "some %s, %s, as in past windows",
		    format_count(p->fetch, "message"),
		    format_bytes(p->fetch_bytes));
}

/* What is billed begins with the answer. */
static void
plan_takes(FILE *f, const struct ctl_plan *p)
{
	uint64_t	 up = p->setup > p->answer ? p->setup - p->answer : 0;

	format_field(f, "takes", "%s%s%s%s%s%s%s",
	    format_duration(p->seconds),
	    up != 0 ? ", of which " : "", up != 0 ? format_span(up) : "",
	    up != 0 ? " to link up" : "",
	    p->answer != 0 ? ", after " : "",
	    p->answer != 0 ? format_span(p->answer) : "",
	    p->answer != 0 ? " of dialling" : "");
}

void
show_plan_text(FILE *f, const struct ctl_plan *p)
{
	if (p->line[0] == '\0') {
		format_field(f, "line", "%s", p->why);
		return;
	}
	format_field(f, "line", "%s%s%s", format_clean(p->line),
	    p->number[0] != '\0' ? ", number " : "",
	    format_clean(p->number));
	plan_transfer(f, p);
	plan_takes(f, p);
	if (p->rate_out != 0 || p->rate_in != 0)
		format_field(f, "", "at %s/s out and %s/s in, %s %s",
		    format_bytes(p->rate_out), format_bytes(p->rate_in),
		    p->measured == 0 ? "which is" : "as measured in",
		    p->measured == 0 ? "a guess" :
		    format_count(p->measured, "window"));
	if (p->units != 0)
		format_field(f, "costs", "%s, %s",
		    format_cost(p->cost, p->currency),
		    format_count(p->units, "unit"));
	else
		format_field(f, "costs", "%s",
		    format_cost(p->cost, p->currency));
	format_field(f, "at worst", "%s, %s",
	    format_duration(p->worst_seconds),
	    format_cost(p->worst_cost, p->currency));
}

static void
text_plan(const struct ctl_plan *p)
{
	show_plan_text(stdout, p);
	if (p->dial)
		format_field(stdout, "next", "now: %s", p->why);
	else if (p->next > p->now)
		format_field(stdout, "next", "not before %s, in %s: %s",
		    format_time(p->next),
		    format_span((uint64_t)(p->next - p->now)),
		    p->why);
	else
		format_field(stdout, "next", "%s", p->why);
}

/* --- lists --- */

/* Columns of the calls and of the users, before the last. */
#define CALL_COLUMNS	66
#define USER_COLUMNS	60

static void
text_begin(uint32_t request)
{
	last_year = 0;
	switch (request) {
	case CTL_SHOW_CALLS:
		printf("%5s %-11s %-8s %-9s %7s %4s %5s %8s  %s\n", "CALL",
		    "OPENED", "LINE", "RESULT", "TIME", "SENT", "FETCH",
		    "COST", "WHY");
		break;
	case CTL_SHOW_QUEUE:
		printf("%-16s  %-16s  %6s  %s\n", "ID", "RECEIVED", "SIZE",
		    "REMARKS");
		break;
	case CTL_SHOW_USERS:
		printf("%-14s %8s %6s %7s  %-16s  %s\n", "USER", "MESSAGES",
		    "SIZE", "FETCHED", "LAST FETCH", "STATUS");
		break;
	}
}

static const char *
class_name(uint32_t class)
{
	return (class == PROTO_URGENT ? "urgent" :
	    class == PROTO_BULK ? "bulk" : "normal");
}

static void
text_queue(const struct proto_queue_entry *q)
{
	char	 remarks[128] = "", due[64];
	char	 words[2 * PROTO_ADDRESS_MAX + 16];

	if (q->class != PROTO_NORMAL)
		strlcat(remarks, class_name(q->class), sizeof(remarks));
	if (q->held)
		strlcat(remarks, remarks[0] == '\0' ? "held" : ", held",
		    sizeof(remarks));
	if (q->deadline != 0) {
		snprintf(due, sizeof(due), "%sdue %s",
		    remarks[0] == '\0' ? "" : ", ", format_time(q->deadline));
		strlcat(remarks, due, sizeof(remarks));
	}
	printf("%016" PRIx64 "  %s  %6s%s", q->id, format_time(q->received),
	    format_size(q->size), remarks[0] != '\0' ? "  " : "");
	format_words(stdout, 44, 44, remarks);
	snprintf(words, sizeof(words), "<%s> to <%s>", q->sender,
	    q->recipient);
	printf("    ");
	format_words(stdout, 4, 8, words);
	if (q->windows == 0 && q->status[0] == '\0')
		return;
	snprintf(words, sizeof(words), "tried in %s%s%s",
	    format_count(q->windows, "window"),
	    q->status[0] != '\0' ? ": " : "", q->status);
	printf("    ");
	format_words(stdout, 4, 8, words);
}

/* The day; the year where it is another than that of the row before. */
static const char *
row_time(int64_t t)
{
	const char	*s = format_time(t);
	uint32_t	 year = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		year = year * 10 + (uint32_t)(*s - '0');
	if (year != last_year && last_year != 0)
		printf("%" PRIu32 "\n", year);
	last_year = year;
	return (*s == '-' ? s + 1 : s);
}

static void
text_call(const struct ctl_call *c)
{
	const char	*opened = row_time(c->opened);
	int		 good = strcmp(c->result, "ok") == 0;

	printf("%5" PRIu64 " %-11s ", c->call, opened);
	format_left(stdout, c->line, 8);
	putchar(' ');
	format_left(stdout, c->closed == 0 ? "open" : c->result, 9);
	printf(" %7s %4" PRIu64 " %5" PRIu64 " %8s%s%s\n",
	    format_duration(c->seconds), c->sent, c->fetched,
	    c->foreign ? "foreign" : format_money(c->cost),
	    c->why[0] != '\0' ? "  " : "",
	    format_cut(c->why, format_width() - CALL_COLUMNS));
	if (c->closed != 0 && !good && c->reason[0] != '\0') {
		printf("      ");
		format_words(stdout, 6, 6, format_clean(c->reason));
	}
}

static void
text_user(const struct ctl_user *u)
{
	format_left(stdout, u->name, 14);
	printf(" %8" PRIu64 " %6s %7" PRIu64 "  %-16s  ", u->messages,
	    format_size(u->bytes), u->fetched, format_time(u->finished));
	format_words(stdout, USER_COLUMNS, 4, u->error != 0 ?
	    format_clean(u->text) : u->finished != 0 ? "ok" : "");
}

static void
text_rule(const struct ctl_rule *r)
{
	char	 line[24] = "";

	if (r->line != 0)
		snprintf(line, sizeof(line), "%" PRIu32, r->line);
	format_right(stdout, line, 5);
	printf("  ");
	format_words(stdout, 7, 9, format_clean(r->rule));
	printf("       %s", r->kind == CTL_RULE_CONDITION ?
	    (r->met ? "met: " : "not yet: ") :
	    (r->met ? "forbids: " : "allows: "));
	format_words(stdout, r->kind == CTL_RULE_CONDITION ?
	    (r->met ? 12 : 16) : (r->met ? 16 : 15), 9,
	    format_clean(r->text));
}

static void
text_message(const struct proto_message *m)
{
	FILE	*f = stdout;

	format_field(f, "message", "%016" PRIx64 "%s%s", m->id,
	    m->held ? ", held" : "", m->sending ? ", being sent" : "");
	format_field(f, "from", "<%s>%s%s", m->sender,
	    m->user[0] != '\0' ? ", user " : "", m->user);
	format_field(f, "arrived", "%s, %s", format_time(m->received),
	    format_bytes(m->size));
	if (m->priority != 0)
		format_field(f, "class", "%s, priority %" PRId32,
		    class_name(m->class), m->priority);
	else
		format_field(f, "class", "%s", class_name(m->class));
	if (m->deadline != 0)
		format_field(f, "due", "%s, then %s%s",
		    format_time(m->deadline), m->returned ?
		    "back to the sender" : "the sender is told",
		    m->late ? ": it was" : "");
}

static void
text_rcpt(const struct proto_message_rcpt *r)
{
	static const char *const states[] = {
		[PROTO_RCPT_WAITING] = "waits", [PROTO_RCPT_SENT] = "sent",
		[PROTO_RCPT_BOUNCED] = "bounced",
		[PROTO_RCPT_REMOVED] = "removed"
	};

	format_field(stdout, "to", "<%s>%s%s: %s%s%s", r->recipient,
	    r->user[0] != '\0' ? ", user " : "", r->user,
	    r->state <= PROTO_RCPT_REMOVED ? states[r->state] : "unknown",
	    r->windows > 0 ? ", tried in " : "",
	    r->windows > 0 ? format_count(r->windows, "window") : "");
	if (r->status[0] != '\0')
		format_field(stdout, "", "%s: %s", format_time(r->marked),
		    r->status);
}

static void
text_result(const struct proto_result *r)
{
	if (r->error == 0)
		format_words(stdout, 0, 0, r->text[0] != '\0' ?
		    format_clean(r->text) : "ok");
}

static void
text_end(uint32_t request)
{
	(void)request;
}

const struct show	 show_text = {
	text_begin, text_summary, text_plan, text_queue, text_call, text_user,
	text_rule, text_message, text_rcpt, text_result, text_end
};
