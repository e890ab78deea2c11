/* See LICENSE for the terms. */
/* relayctl's output for programs: one JSON value (RFC 8259). */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "show.h"

static int	 entries;

/* Length of a valid UTF-8 sequence at s, or 0. */
static size_t
utf8_length(const unsigned char *s)
{
	size_t	 i, n;

	if (s[0] < 0x80)
		return (1);
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return (0);
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return (0);
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return (0);
	return (n);
}

static void
string(const char *text)
{
	const unsigned char	*s = (const unsigned char *)text;
	size_t			 n;

	putchar('"');
	for (; *s != '\0'; s += n) {
		n = 1;
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if (*s < ' ' || *s == 0x7f)
			printf("\\u%04x", *s);
		else if ((n = utf8_length(s)) == 0) {
			/* Latin-1 from somewhere: JSON must be UTF-8. */
			n = 1;
			printf("\\ufffd");
		} else
			fwrite(s, 1, n, stdout);
	}
	putchar('"');
}

static void
key(const char *name, int first)
{
	printf("%s\"%s\":", first ? "{" : ",", name);
}

void
json_text(const char *name, const char *value, int first)
{
	key(name, first);
	string(value);
}

void
json_number(const char *name, uint64_t value, int first)
{
	key(name, first);
	printf("%" PRIu64, value);
}

/* Times are seconds since the epoch; what has not been is null. */
void
json_instant(const char *name, int64_t value)
{
	key(name, 0);
	if (value == 0)
		printf("null");
	else
		printf("%" PRId64, value);
}

void
json_boolean(const char *name, uint32_t value)
{
	key(name, 0);
	printf("%s", value ? "true" : "false");
}

/* Money is in 1/1000. */
void
json_money(const char *name, uint64_t value)
{
	key(name, 0);
	printf("%" PRIu64 ".%03" PRIu64, value / 1000, value % 1000);
}

void
json_separate(void)
{
	if (entries++ > 0)
		putchar(',');
	putchar('\n');
}

void
show_call_json(const struct ctl_call *c)
{
	json_number("call", c->call, 1);
	json_text("line", c->line, 0);
	json_text("number", c->number, 0);
	json_text("why", c->why, 0);
	json_instant("opened", c->opened);
	json_instant("dialled", c->dialled);
	json_instant("connected", c->connected);
	json_instant("up", c->up);
	json_instant("closed", c->closed);
	json_text("connect", c->connect, 0);
	json_text("result", c->result, 0);
	json_text("reason", c->reason, 0);
	json_number("seconds", c->seconds, 0);
	json_number("sent", c->sent, 0);
	json_number("fetched", c->fetched, 0);
	json_number("failed", c->failed, 0);
	json_number("bytes_out", c->bytes_out, 0);
	json_number("bytes_in", c->bytes_in, 0);
	json_number("mail_out", c->mail_out, 0);
	json_number("mail_in", c->mail_in, 0);
	json_number("repeated_out", c->repeated_out, 0);
	json_number("repeated_in", c->repeated_in, 0);
	json_boolean("foreign", c->foreign);
	json_number("units", c->units, 0);
	json_money("cost", c->cost);
	json_number("worst_seconds", c->worst_seconds, 0);
	json_money("worst_cost", c->worst_cost);
	putchar('}');
}

static void
json_begin(uint32_t request)
{
	switch (request) {
	case CTL_SHOW_QUEUE:
	case CTL_SHOW_CALLS:
	case CTL_SHOW_USERS:
	case CTL_SHOW_RULES:
		putchar('[');
		break;
	}
}

static void
maybe_call(const char *name, const struct ctl_call *c)
{
	key(name, 0);
	if (c->call == 0)
		printf("null");
	else
		show_call_json(c);
}

static void
json_summary(const struct ctl_summary *s)
{
	json_text("state", ctl_state_name(s->state), 1);
	json_instant("now", s->now);
	json_instant("started", s->started);
	json_boolean("hold", s->hold);
	json_boolean("spoold", s->spoold);
	json_boolean("fetchd", s->fetchd);
	json_number("queue_messages", s->queue_messages, 0);
	json_number("queue_bytes", s->queue_bytes, 0);
	json_instant("queue_oldest", s->queue_oldest);
	maybe_call("call", &s->call);
	json_number("window_seconds", s->window_seconds, 0);
	json_number("window_max", s->window_max, 0);
	json_number("todo_out", s->todo_out, 0);
	json_number("todo_out_bytes", s->todo_out_bytes, 0);
	json_number("todo_in", s->todo_in, 0);
	json_number("todo_in_bytes", s->todo_in_bytes, 0);
	json_number("rate_out", s->rate_out, 0);
	json_number("rate_in", s->rate_in, 0);
	json_instant("unit_ends", s->unit_ends);
	maybe_call("last", &s->last);
	json_instant("last_good", s->last_good);
	json_instant("next", s->next);
	json_text("next_why", s->next_why, 0);
	json_number("day_calls", s->day_calls, 0);
	json_number("day_seconds", s->day_seconds, 0);
	json_money("day_cost", s->day_cost);
	json_number("month_calls", s->month_calls, 0);
	json_number("month_seconds", s->month_seconds, 0);
	json_money("month_cost", s->month_cost);
	json_text("currency", s->currency, 0);
	printf("}\n");
}

static const char *
class_name(uint32_t class)
{
	return (class == PROTO_URGENT ? "urgent" :
	    class == PROTO_BULK ? "bulk" : "normal");
}

static void
json_queue(const struct proto_queue_entry *q)
{
	char	 id[24];

	json_separate();
	snprintf(id, sizeof(id), "%016" PRIx64, q->id);
	json_text("id", id, 1);
	json_instant("received", q->received);
	json_number("size", q->size, 0);
	json_text("class", class_name(q->class), 0);
	json_instant("deadline", q->deadline);
	json_boolean("held", q->held);
	json_text("sender", q->sender, 0);
	json_text("recipient", q->recipient, 0);
	json_number("windows", q->windows, 0);
	json_text("status", q->status, 0);
	putchar('}');
}

static void
json_call(const struct ctl_call *c)
{
	json_separate();
	show_call_json(c);
}

/* One object, with its recipients in an array. */
static void
json_message(const struct proto_message *m)
{
	char	 id[24];

	snprintf(id, sizeof(id), "%016" PRIx64, m->id);
	json_text("id", id, 1);
	json_text("sender", m->sender, 0);
	json_text("user", m->user, 0);
	json_instant("received", m->received);
	json_number("size", m->size, 0);
	json_text("class", class_name(m->class), 0);
	key("priority", 0);
	printf("%" PRId32, m->priority);
	json_boolean("held", m->held);
	json_boolean("sending", m->sending);
	json_instant("deadline", m->deadline);
	json_boolean("returned", m->returned);
	json_boolean("late", m->late);
	key("recipients", 0);
	putchar('[');
}

static void
json_rcpt(const struct proto_message_rcpt *r)
{
	static const char *const states[] = {
		[PROTO_RCPT_WAITING] = "waiting", [PROTO_RCPT_SENT] = "sent",
		[PROTO_RCPT_BOUNCED] = "bounced",
		[PROTO_RCPT_REMOVED] = "removed"
	};

	json_separate();
	json_text("recipient", r->recipient, 1);
	json_text("user", r->user, 0);
	json_text("state", r->state <= PROTO_RCPT_REMOVED ? states[r->state] :
	    "unknown", 0);
	json_number("windows", r->windows, 0);
	json_instant("marked", r->marked);
	json_text("status", r->status, 0);
	putchar('}');
}

static void
json_user(const struct ctl_user *u)
{
	json_separate();
	json_text("user", u->name, 1);
	json_number("messages", u->messages, 0);
	json_number("bytes", u->bytes, 0);
	json_number("accounts", u->accounts, 0);
	json_number("fetched", u->fetched, 0);
	json_number("fetched_bytes", u->fetched_bytes, 0);
	json_instant("finished", u->finished);
	json_boolean("error", u->error != 0);
	json_text("text", u->text, 0);
	putchar('}');
}

static void
json_plan(const struct ctl_plan *p)
{
	json_text("line", p->line, 1);
	json_text("number", p->number, 0);
	json_instant("now", p->now);
	json_number("messages", p->messages, 0);
	json_number("bytes", p->bytes, 0);
	json_number("bulk", p->bulk, 0);
	json_number("fetch", p->fetch, 0);
	json_number("fetch_bytes", p->fetch_bytes, 0);
	json_number("setup", p->setup, 0);
	json_number("answer", p->answer, 0);
	json_number("rate_out", p->rate_out, 0);
	json_number("rate_in", p->rate_in, 0);
	json_number("measured", p->measured, 0);
	json_number("seconds", p->seconds, 0);
	json_number("units", p->units, 0);
	json_money("cost", p->cost);
	json_number("worst_seconds", p->worst_seconds, 0);
	json_money("worst_cost", p->worst_cost);
	json_text("currency", p->currency, 0);
	json_boolean("dial", p->dial);
	json_instant("next", p->next);
	json_text("why", p->why, 0);
	printf("}\n");
}

static void
json_rule(const struct ctl_rule *r)
{
	json_separate();
	json_text("kind", r->kind == CTL_RULE_CONDITION ? "condition" :
	    "restraint", 1);
	json_number("line", r->line, 0);
	json_text("rule", r->rule, 0);
	json_boolean("met", r->met);
	json_instant("when", r->when);
	json_text("text", r->text, 0);
	putchar('}');
}

static void
json_result(const struct proto_result *r)
{
	json_number("error", r->error, 1);
	json_text("text", r->text, 0);
	printf("}\n");
}

static void
json_end(uint32_t request)
{
	printf("\n]%s\n", request == CTL_SHOW_MESSAGE ? "}" : "");
}

const struct show	 show_json = {
	json_begin, json_summary, json_plan, json_queue, json_call, json_user,
	json_rule, json_message, json_rcpt, json_result, json_end
};
