/* See LICENSE for the terms. */
/* relayctl's output for people. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "show.h"

/* What came over the line is shown, not obeyed, by the terminal. */
static const char *
clean(const char *s)
{
	static char	 buf[4][PROTO_ADDRESS_MAX];
	static int	 n;
	char		*p = buf[n = (n + 1) % 4];
	size_t		 i;

	for (i = 0; s[i] != '\0' && i < sizeof(buf[0]) - 1; i++)
		p[i] = (unsigned char)s[i] < ' ' || s[i] == 0x7f ? '?' : s[i];
	p[i] = '\0';
	return (p);
}

static const char *
when(int64_t t)
{
	static char	 buf[4][32];
	static int	 n;
	struct tm	 tm;
	time_t		 tt = (time_t)t;
	char		*p = buf[n = (n + 1) % 4];

	if (t == 0 || localtime_r(&tt, &tm) == NULL ||
	    strftime(p, sizeof(buf[0]), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		strlcpy(p, "-", sizeof(buf[0]));
	return (p);
}

static const char *
size(uint64_t n)
{
	static char	 buf[4][24];
	static int	 i;
	char		*p = buf[i = (i + 1) % 4];

	if (n < 10 * 1024)
		snprintf(p, sizeof(buf[0]), "%" PRIu64, n);
	else if (n < 10 * 1024 * 1024)
		snprintf(p, sizeof(buf[0]), "%" PRIu64 "K", n / 1024);
	else
		snprintf(p, sizeof(buf[0]), "%" PRIu64 "M",
		    n / 1024 / 1024);
	return (p);
}

static const char *
duration(uint64_t s)
{
	static char	 buf[4][24];
	static int	 i;
	char		*p = buf[i = (i + 1) % 4];

	if (s < 3600)
		snprintf(p, sizeof(buf[0]), "%" PRIu64 ":%02" PRIu64, s / 60,
		    s % 60);
	else
		snprintf(p, sizeof(buf[0]), "%" PRIu64 ":%02" PRIu64
		    ":%02" PRIu64, s / 3600, s / 60 % 60, s % 60);
	return (p);
}

/* Money is in 1/1000. */
static const char *
money(uint64_t m)
{
	static char	 buf[4][32];
	static int	 i;
	char		*p = buf[i = (i + 1) % 4];

	if (m % 1000 == 0)
		snprintf(p, sizeof(buf[0]), "%" PRIu64, m / 1000);
	else
		snprintf(p, sizeof(buf[0]), "%" PRIu64 ".%03" PRIu64,
		    m / 1000, m % 1000);
	return (p);
}

static void
text_window(const struct ctl_summary *s)
{
	const struct ctl_call	*c = &s->call;

	printf("call %" PRIu64 "\tsince %s, because %s\n", c->call,
	    when(c->opened), clean(c->why));
	if (c->number[0] != '\0')
		printf("\tline %s, number %s\n", clean(c->line),
		    clean(c->number));
	else
		printf("\tline %s\n", clean(c->line));
	if (c->connect[0] != '\0')
		printf("\t%s\n", clean(c->connect));
	if (c->up == 0)
		return;
	printf("window\t%s of at most %s\n", duration(s->window_seconds),
	    duration(s->window_max));
	printf("out\t%" PRIu64 " sent, %" PRIu64 " to go (%s); %s bytes, "
	    "%s/s\n", c->sent, s->todo_out, size(s->todo_out_bytes),
	    size(c->bytes_out), size(s->rate_out));
	printf("in\t%" PRIu64 " fetched, %" PRIu64 " to go (%s); %s bytes, "
	    "%s/s\n", c->fetched, s->todo_in, size(s->todo_in_bytes),
	    size(c->bytes_in), size(s->rate_in));
}

static void
text_last(const struct ctl_call *c)
{
	printf("last\tcall %" PRIu64 " at %s: %s%s%s, %s, %" PRIu64
	    " sent, %" PRIu64 " fetched\n", c->call, when(c->opened),
	    clean(c->result), c->reason[0] != '\0' ? ": " : "",
	    clean(c->reason), duration(c->seconds), c->sent, c->fetched);
}

static void
text_summary(const struct ctl_summary *s)
{
	printf("line\t%s%s\n", ctl_state_name(s->state),
	    s->hold ? ", on hold" : "");
	if (!s->spoold || !s->fetchd)
		printf("missing\t%s%s\n", s->spoold ? "" : "spoold ",
		    s->fetchd ? "" : "fetchd");
	if (s->call.call != 0)
		text_window(s);
	if (s->queue_messages == 0)
		printf("queue\tempty\n");
	else
		printf("queue\t%" PRIu64 " messages, %s bytes, oldest of "
		    "%s\n", s->queue_messages, size(s->queue_bytes),
		    when(s->queue_oldest));
	if (s->call.call == 0)
		printf("next\t%s%s%s\n", s->next != 0 ? when(s->next) : "",
		    s->next != 0 ? ": " : "", clean(s->next_why));
	if (s->last.call != 0)
		text_last(&s->last);
	printf("today\t%" PRIu64 " calls, %s, cost %s\n", s->day_calls,
	    duration(s->day_seconds), money(s->day_cost));
	printf("month\t%" PRIu64 " calls, %s, cost %s\n", s->month_calls,
	    duration(s->month_seconds), money(s->month_cost));
}

static void
text_begin(uint32_t request)
{
	switch (request) {
	case CTL_SHOW_QUEUE:
		printf("%-16s  %-19s  %8s  %s\n", "ID", "RECEIVED", "SIZE",
		    "FROM, TO, STATUS");
		break;
	case CTL_SHOW_CALLS:
		printf("%5s  %-19s  %-10s  %-10s  %8s  %5s  %5s  %8s  %8s  "
		    "%8s  %s\n", "CALL", "OPENED", "LINE", "RESULT", "TIME",
		    "SENT", "FETCH", "OUT", "IN", "COST", "WHY");
		break;
	case CTL_SHOW_USERS:
		printf("%-16s  %8s  %8s  %8s  %-19s  %s\n", "USER",
		    "MESSAGES", "SIZE", "FETCHED", "LAST FETCH", "STATUS");
		break;
	}
}

static const char *
class_name(uint32_t class)
{
	switch (class) {
	case PROTO_URGENT:
		return ("urgent");
	case PROTO_BULK:
		return ("bulk");
	default:
		return ("normal");
	}
}

static void
text_queue(const struct proto_queue_entry *q)
{
	printf("%016" PRIx64 "  %s  %8s  <%s> to <%s>", q->id,
	    when(q->received), size(q->size), clean(q->sender),
	    clean(q->recipient));
	if (q->held)
		printf(", held");
	if (q->class != PROTO_NORMAL)
		printf(", %s", class_name(q->class));
	if (q->deadline != 0)
		printf(", due %s", when(q->deadline));
	if (q->windows > 0)
		printf(", tried in %u windows", q->windows);
	if (q->status[0] != '\0')
		printf(": %s", clean(q->status));
	putchar('\n');
}

static void
text_call(const struct ctl_call *c)
{
	printf("%5" PRIu64 "  %s  %-10s  %-10s  %8s  %5" PRIu64 "  %5" PRIu64
	    "  %8s  %8s  %8s  %s%s%s%s\n", c->call, when(c->opened),
	    clean(c->line), c->closed == 0 ? "open" : clean(c->result),
	    duration(c->seconds), c->sent, c->fetched, size(c->bytes_out),
	    size(c->bytes_in), money(c->cost), clean(c->why),
	    c->reason[0] != '\0' ? " (" : "", clean(c->reason),
	    c->reason[0] != '\0' ? ")" : "");
}

static void
text_user(const struct ctl_user *u)
{
	printf("%-16s  %8" PRIu64 "  %8s  %8" PRIu64 "  %-19s  %s\n",
	    clean(u->name), u->messages, size(u->bytes), u->fetched,
	    when(u->finished), u->error != 0 ? clean(u->text) :
	    u->finished != 0 ? "ok" : "");
}

static void
text_message(const struct proto_message *m)
{
	printf("message\t%016" PRIx64 "%s%s\n", m->id,
	    m->held ? ", held" : "", m->sending ? ", being sent" : "");
	printf("from\t<%s>%s%s\n", clean(m->sender),
	    m->user[0] != '\0' ? ", user " : "", clean(m->user));
	printf("arrived\t%s, %s bytes\n", when(m->received), size(m->size));
	printf("class\t%s", class_name(m->class));
	if (m->priority != 0)
		printf(", priority %" PRId32, m->priority);
	putchar('\n');
	if (m->deadline != 0)
		printf("due\t%s, then %s%s\n", when(m->deadline),
		    m->returned ? "back to the sender" : "the sender is told",
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

	printf("to\t<%s>", clean(r->recipient));
	if (r->user[0] != '\0')
		printf(", user %s", clean(r->user));
	printf(": %s", r->state <= PROTO_RCPT_REMOVED ? states[r->state] :
	    "unknown");
	if (r->windows > 0)
		printf(", tried in %" PRIu32 " window%s", r->windows,
		    r->windows == 1 ? "" : "s");
	putchar('\n');
	if (r->status[0] != '\0')
		printf("\t%s  %s\n", when(r->marked), clean(r->status));
}

static void
text_result(const struct proto_result *r)
{
	if (r->error == 0)
		printf("%s\n", r->text[0] != '\0' ? clean(r->text) : "ok");
}

static void
text_end(uint32_t request)
{
	(void)request;
}

const struct show	 show_text = {
	text_begin, text_summary, text_queue, text_call, text_user,
	text_message, text_rcpt, text_result, text_end
};
