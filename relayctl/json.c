/* See LICENSE for the terms. */
/* relayctl's output for programs: one JSON value (RFC 8259). */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

static void
text(const char *name, const char *value, int first)
{
	key(name, first);
	string(value);
}

static void
number(const char *name, uint64_t value, int first)
{
	key(name, first);
	printf("%" PRIu64, value);
}

/* Times are seconds since the epoch; what has not been is null. */
static void
instant(const char *name, int64_t value)
{
	key(name, 0);
	if (value == 0)
		printf("null");
	else
		printf("%" PRId64, value);
}

static void
boolean(const char *name, uint32_t value)
{
	key(name, 0);
	printf("%s", value ? "true" : "false");
}

/* Money is in 1/1000. */
static void
money(const char *name, uint64_t value)
{
	key(name, 0);
	printf("%" PRIu64 ".%03" PRIu64, value / 1000, value % 1000);
}

static void
separate(void)
{
	if (entries++ > 0)
		putchar(',');
	putchar('\n');
}

static void
call_object(const struct ctl_call *c)
{
	number("call", c->call, 1);
	text("line", c->line, 0);
	text("number", c->number, 0);
	text("why", c->why, 0);
	instant("opened", c->opened);
	instant("dialled", c->dialled);
	instant("connected", c->connected);
	instant("up", c->up);
	instant("closed", c->closed);
	text("connect", c->connect, 0);
	text("result", c->result, 0);
	text("reason", c->reason, 0);
	number("seconds", c->seconds, 0);
	number("sent", c->sent, 0);
	number("fetched", c->fetched, 0);
	number("failed", c->failed, 0);
	number("bytes_out", c->bytes_out, 0);
	number("bytes_in", c->bytes_in, 0);
	number("units", c->units, 0);
	money("cost", c->cost);
	number("worst_seconds", c->worst_seconds, 0);
	money("worst_cost", c->worst_cost);
	putchar('}');
}

static void
json_begin(uint32_t request)
{
	switch (request) {
	case CTL_SHOW_QUEUE:
	case CTL_SHOW_CALLS:
	case CTL_SHOW_USERS:
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
		call_object(c);
}

static void
json_summary(const struct ctl_summary *s)
{
	text("state", ctl_state_name(s->state), 1);
	instant("now", s->now);
	instant("started", s->started);
	boolean("hold", s->hold);
	boolean("spoold", s->spoold);
	boolean("fetchd", s->fetchd);
	number("queue_messages", s->queue_messages, 0);
	number("queue_bytes", s->queue_bytes, 0);
	instant("queue_oldest", s->queue_oldest);
	maybe_call("call", &s->call);
	number("window_seconds", s->window_seconds, 0);
	number("window_max", s->window_max, 0);
	number("todo_out", s->todo_out, 0);
	number("todo_out_bytes", s->todo_out_bytes, 0);
	number("todo_in", s->todo_in, 0);
	number("todo_in_bytes", s->todo_in_bytes, 0);
	number("rate_out", s->rate_out, 0);
	number("rate_in", s->rate_in, 0);
	maybe_call("last", &s->last);
	instant("last_good", s->last_good);
	instant("next", s->next);
	text("next_why", s->next_why, 0);
	number("day_calls", s->day_calls, 0);
	number("day_seconds", s->day_seconds, 0);
	money("day_cost", s->day_cost);
	number("month_calls", s->month_calls, 0);
	number("month_seconds", s->month_seconds, 0);
	money("month_cost", s->month_cost);
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

	separate();
	snprintf(id, sizeof(id), "%016" PRIx64, q->id);
	text("id", id, 1);
	instant("received", q->received);
	number("size", q->size, 0);
	text("sender", q->sender, 0);
	text("recipient", q->recipient, 0);
	number("windows", q->windows, 0);
	text("status", q->status, 0);
	text("class", class_name(q->class), 0);
	boolean("held", q->held);
	instant("deadline", q->deadline);
	putchar('}');
}

/* One object, with its recipients in an array. */
static void
json_message(const struct proto_message *m)
{
	char	 id[24];

	snprintf(id, sizeof(id), "%016" PRIx64, m->id);
	text("id", id, 1);
	text("sender", m->sender, 0);
	text("user", m->user, 0);
	instant("received", m->received);
	number("size", m->size, 0);
	text("class", class_name(m->class), 0);
	key("priority", 0);
	printf("%" PRId32, m->priority);
	boolean("held", m->held);
	boolean("sending", m->sending);
	instant("deadline", m->deadline);
	boolean("returned", m->returned);
	boolean("late", m->late);
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

	separate();
	text("recipient", r->recipient, 1);
	text("user", r->user, 0);
	text("state", r->state <= PROTO_RCPT_REMOVED ? states[r->state] :
	    "unknown", 0);
	number("windows", r->windows, 0);
	instant("marked", r->marked);
	text("status", r->status, 0);
	putchar('}');
}

static void
json_call(const struct ctl_call *c)
{
	separate();
	call_object(c);
}

static void
json_user(const struct ctl_user *u)
{
	separate();
	text("user", u->name, 1);
	number("messages", u->messages, 0);
	number("bytes", u->bytes, 0);
	number("accounts", u->accounts, 0);
	number("fetched", u->fetched, 0);
	number("fetched_bytes", u->fetched_bytes, 0);
	instant("finished", u->finished);
	boolean("error", u->error != 0);
	text("text", u->text, 0);
	putchar('}');
}

static void
json_result(const struct proto_result *r)
{
	number("error", r->error, 1);
	text("text", r->text, 0);
	printf("}\n");
}

static void
json_end(uint32_t request)
{
	printf("\n]%s\n", request == CTL_SHOW_MESSAGE ? "}" : "");
}

const struct show	 show_json = {
	json_begin, json_summary, json_queue, json_call, json_user,
	json_message, json_rcpt, json_result, json_end
};
