/* See LICENSE for the terms. */
/* What is asked of the ledger: sums, series, speeds, and single calls. */
#include <sys/types.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ledger_private.h"

/* Windows that a line's speed is measured by, and calls that are looked
 * through for them. */
#define SPEED_WINDOWS	10
#define SPEED_CALLS	2000
/* 2020: a clock that says less has not been set. */
#define CLOCK_SANE	1577836800

static uint64_t
add(uint64_t a, uint64_t b)
{
	return (a > UINT64_MAX - b ? UINT64_MAX : a + b);
}

/* When it began, as far as a clock that reads now can tell. */
static int64_t
item_began(struct item *item, int64_t now)
{
	if (item->opened <= now)
		return (item->opened);
	if (item->seen == 0 || item->seen > now)
		item->seen = now;
	return (item->seen);
}

void
ledger_sum(struct ledger *ledger, time_t from, time_t now,
    struct policy_sum *sum)
{
	struct item	*item;
	int64_t		 began, next = now;
	size_t		 i;

	memset(sum, 0, sizeof(*sum));
	for (i = ledger->count; i > 0; i--) {
		item = &ledger->items[i - 1];
		began = item_began(item, now);
		/* By a clock that was not set yet: as late as can be. */
		if (began < CLOCK_SANE && now >= CLOCK_SANE)
			began = next;
		else
			next = began;
		if (began < from)
			continue;
		sum->calls++;
		sum->seconds = add(sum->seconds, item->seconds);
		sum->cost = add(sum->cost, item->cost);
	}
}

static time_t
not_after(int64_t t, time_t now)
{
	return (t > now ? now : (time_t)t);
}

void
ledger_series(const struct ledger *ledger, time_t now,
    struct ledger_series *s)
{
	const struct item	*item;
	size_t			 i;
	int			 counting = 1;

	memset(s, 0, sizeof(*s));
	for (i = ledger->count; i > 0; i--) {
		item = &ledger->items[i - 1];
		if (item->closed == 0)
			continue;
		if (item->good)
			break;
		if (!counting)
			continue;
		if (s->attempts++ == 0)
			s->last = not_after(item->closed, now);
		s->first = not_after(item->opened, now);
		counting = !item->request;
	}
	if (i == 0)
		return;
	s->good_up = item->up;
	s->good_closed = not_after(item->closed, now);
	s->left = item->left;
	for (; i > 0; i--) {
		item = &ledger->items[i - 1];
		if (item->good && item->left == 0)
			break;
		if (item->good)
			s->left_windows++;
	}
}

/* LEDGER_NAMES_MAX where it is one of the many, or not known. */
static unsigned int
name_find(const struct ledger *ledger, const char *name)
{
	unsigned int	 i;

	for (i = 0; i < ledger->nnames; i++) {
		if (strcmp(ledger->names[i], name) == 0)
			break;
	}
	return (i == ledger->nnames ? LEDGER_NAMES_MAX : i);
}

uint32_t
ledger_failures(const struct ledger *ledger, const char *line)
{
	const struct item	*item;
	unsigned int		 name = name_find(ledger, line);
	uint32_t		 failures = 0;
	size_t			 i;

	for (i = ledger->count; i > 0; i--) {
		item = &ledger->items[i - 1];
		if (item->closed == 0)
			continue;
		if (item->good)
			break;
		if (item->name == name && !item->spared)
			failures++;
	}
	return (failures);
}

struct speed_sums {
	uint64_t	 setup, answer;		/* seconds */
	uint64_t	 out, out_ms, in, in_ms;
	uint64_t	 fetched, fetched_bytes;
};

/* A clock that was put right in between gives nonsense. */
static uint64_t
between(int64_t from, int64_t to)
{
	return (from <= 0 || to < from || to - from > 3600 ? 0 :
	    (uint64_t)(to - from));
}

/* ledgers of older versions do not say for how long mail was on its way. */
static uint64_t
busy(const struct ctl_call *c, uint64_t ms)
{
	return (ms != 0 ? ms : between(c->up, c->closed) * 1000);
}

static void
speed_add(struct speed_sums *sums, const struct ctl_call *c)
{
	sums->setup += between(c->opened, c->up);
	sums->answer += between(c->opened, c->connected);
	sums->fetched = add(sums->fetched, c->fetched);
	sums->fetched_bytes = add(sums->fetched_bytes, c->mail_in != 0 ?
	    c->mail_in : c->fetched == 0 ? 0 : c->bytes_in);
	if (c->sent != 0) {
		sums->out = add(sums->out, c->bytes_out);
		sums->out_ms = add(sums->out_ms, busy(c, c->busy_out));
	}
	if (c->fetched != 0) {
		sums->in = add(sums->in, c->bytes_in);
		sums->in_ms = add(sums->in_ms, busy(c, c->busy_in));
	}
}

static uint64_t
per_second(uint64_t bytes, uint64_t ms)
{
	if (ms == 0)
		return (0);
	/* Of more than that the remainder is not missed. */
	return (bytes > UINT64_MAX / 1000 ? bytes / (ms / 1000 + 1) :
	    bytes * 1000 / ms);
}

void
ledger_speed(const struct ledger *ledger, const char *line,
    struct ledger_speed *speed)
{
	struct speed_sums	 sums;
	struct ctl_call		 call;
	unsigned int		 name = name_find(ledger, line);
	size_t			 i, n = 0;

	memset(&sums, 0, sizeof(sums));
	memset(speed, 0, sizeof(*speed));
	for (i = ledger->count; i > 0 && n < SPEED_WINDOWS &&
	    ledger->count - i < SPEED_CALLS; i--) {
		if (!ledger->items[i - 1].good ||
		    ledger->items[i - 1].name != name ||
		    ledger_read(ledger, i - 1, &call) == -1 ||
		    call.foreign || strcmp(call.line, line) != 0)
			continue;
		speed_add(&sums, &call);
		n++;
	}
	if (n == 0)
		return;
	speed->windows = n;
	speed->setup = sums.setup / n;
	speed->answer = sums.answer / n;
	speed->rate_out = per_second(sums.out, sums.out_ms);
	speed->out_bytes = sums.out;
	speed->rate_in = per_second(sums.in, sums.in_ms);
	speed->fetch = sums.fetched / n;
	speed->fetch_bytes = sums.fetched_bytes / n;
}

size_t
ledger_count(const struct ledger *ledger)
{
	return (ledger->count);
}

size_t
ledger_seek(const struct ledger *ledger, uint64_t call)
{
	size_t	 i = ledger->count;

	while (i > 0 && ledger->items[i - 1].call >= call)
		i--;
	return (i);
}

/* The line at that place, which is not a string; its length, or -1. */
static ssize_t
line_at(const struct ledger *ledger, off_t at, char *buf, size_t size)
{
	char	*lf;
	ssize_t	 n;

	if ((n = pread(ledger->fd, buf, size, at)) == -1)
		return (-1);
	if ((lf = memchr(buf, '\n', (size_t)n)) == NULL) {
		errno = EINVAL;
		return (-1);
	}
	return (lf - buf);
}

static int
read_line(const struct ledger *ledger, off_t at, struct ledger_line *l)
{
	char	 buf[LEDGER_LINE_MAX];
	ssize_t	 len;

	if ((len = line_at(ledger, at, buf, sizeof(buf))) == -1)
		return (-1);
	return (ledger_line_parse(buf, (size_t)len, l));
}

int
ledger_read(const struct ledger *ledger, size_t i, struct ctl_call *call)
{
	const struct item	*item = &ledger->items[i];
	struct ledger_line	 opened, closed;

	if (read_line(ledger, item->open_at, &opened) == -1)
		return (-1);
	*call = opened.call;
	if (item->closed == 0 || read_line(ledger, item->close_at,
	    &closed) == -1)
		return (0);
	*call = closed.call;
	call->opened = opened.call.opened;
	call->worst_seconds = opened.call.worst_seconds;
	call->worst_cost = opened.call.worst_cost;
	strlcpy(call->why, opened.call.why, sizeof(call->why));
	return (0);
}

int
ledger_read_user(const struct ledger *ledger, size_t i, uint64_t *at,
    struct ctl_call_user *user)
{
	const struct item	*item = &ledger->items[i];
	struct ledger_line	 l;
	off_t			 end, next;
	char			 buf[LEDGER_LINE_MAX];
	ssize_t			 len;

	/* They are between the opening of the call and its end. */
	end = item->closed == 0 ? ledger->size : item->close_at;
	next = *at == 0 ? item->open_at : (off_t)*at;
	while (next < end) {
		if ((len = line_at(ledger, next, buf, sizeof(buf))) == -1)
			return (-1);
		next += len + 1;
		*at = (uint64_t)next;
		if (ledger_line_parse(buf, (size_t)len, &l) == -1 ||
		    l.event != LEDGER_USER || l.call.call != item->call)
			continue;
		memset(user, 0, sizeof(*user));
		user->call = l.call.call;
		user->opened = item->opened;
		user->sent = l.call.sent;
		user->sent_bytes = l.sent_bytes;
		user->fetched = l.call.fetched;
		user->fetched_bytes = l.fetched_bytes;
		strlcpy(user->user, l.user, sizeof(user->user));
		return (1);
	}
	return (0);
}
