/* See LICENSE for the terms. */
/*
 * The ledger of calls: the file, and its summary in memory.  The file keeps
 * every call for ever; memory keeps those that a budget or a person may
 * still ask about, with the places of their lines in the file.
 */
#include <sys/types.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"
#include "ledger_line.h"
#include "log.h"

/* A year and a month, so that last year's same month can be shown. */
#define KEEP_SECONDS	(400LL * 86400)
/* 50 calls a day for as long; beyond it the oldest are forgotten. */
#define KEEP_CALLS	20000
#define GROW_CALLS	256
#define READ_SIZE	65536

struct item {
	uint64_t	 call;
	int64_t		 opened;
	int64_t		 seen;		/* by a clock before that; 0: not */
	int64_t		 closed;	/* 0: open */
	int64_t		 up;
	uint64_t	 seconds;	/* worst case while open */
	uint64_t	 cost;
	uint64_t	 left;
	off_t		 open_at;	/* place of its line; -1: none */
	off_t		 close_at;
	int		 good;
	int		 request;	/* of the operator: a series begins */
};

struct ledger {
	int		 fd;
	off_t		 size;
	int		 torn;		/* there is more in the file */
	uint64_t	 next;		/* number of the next call */
	int		 held;
	int		 held_written;	/* the same, once that is on disk */
	time_t		 held_at;
	struct item	*items;		/* oldest first */
	size_t		 count;
	size_t		 room;
	char		 pending[LEDGER_LINE_MAX];	/* not written yet */
	size_t		 pending_len;
};

static struct item *
item_find(const struct ledger *ledger, uint64_t call)
{
	size_t	 i;

	/* It is nearly always the newest. */
	for (i = ledger->count; i > 0; i--) {
		if (ledger->items[i - 1].call == call)
			return (&ledger->items[i - 1]);
	}
	return (NULL);
}

static void
items_trim(struct ledger *ledger, int64_t now)
{
	size_t	 n = 0;

	while (n < ledger->count && ledger->items[n].closed != 0 &&
	    (ledger->items[n].opened < now - KEEP_SECONDS ||
	    ledger->count - n >= KEEP_CALLS))
		n++;
	/* Moving them all for one is not worth it. */
	if (n < GROW_CALLS)
		return;
	ledger->count -= n;
	memmove(ledger->items, ledger->items + n,
	    ledger->count * sizeof(*ledger->items));
}

static struct item *
item_add(struct ledger *ledger, const struct ctl_call *call, off_t at)
{
	struct item	*items, *item;

	items_trim(ledger, call->opened);
	if (ledger->count == ledger->room) {
		items = reallocarray(ledger->items, ledger->room + GROW_CALLS,
		    sizeof(*items));
		if (items == NULL)
			return (NULL);
		ledger->items = items;
		ledger->room += GROW_CALLS;
	}
	item = &ledger->items[ledger->count++];
	memset(item, 0, sizeof(*item));
	item->call = call->call;
	item->opened = call->opened;
	item->seconds = call->worst_seconds;
	item->cost = call->worst_cost;
	item->open_at = at;
	item->close_at = -1;
	item->request = strcmp(call->why, "request") == 0;
	return (item);
}

static void
item_close(struct item *item, const struct ctl_call *call, uint64_t left,
    int good, off_t at)
{
	item->closed = call->closed;
	item->up = call->up;
	item->seconds = call->seconds;
	item->cost = call->cost;
	item->left = left;
	item->good = good;
	item->close_at = at;
}

/* One line of the file, at that place. */
static int
take_line(struct ledger *ledger, const char *line, size_t len, off_t at)
{
	struct ledger_line	 l;
	struct item		*item;

	if (ledger_line_parse(line, len, &l) == -1) {
		log_warnx("ledger: no entry at offset %lld",
		    (long long)at);
		return (0);
	}
	if (l.call.call >= ledger->next)
		ledger->next = l.call.call + 1;
	switch (l.event) {
	case LEDGER_OPEN:
		if (item_add(ledger, &l.call, at) == NULL)
			return (-1);
		break;
	case LEDGER_CLOSE:
		if ((item = item_find(ledger, l.call.call)) != NULL)
			item_close(item, &l.call, l.left, l.good, at);
		break;
	case LEDGER_HOLD:
	case LEDGER_RELEASE:
		ledger->held = l.event == LEDGER_HOLD;
		ledger->held_written = ledger->held;
		break;
	case LEDGER_OTHER:
		break;
	}
	return (0);
}

/*
 * Reads all whole lines.  Of a line that is too long for one the beginning
 * is skipped, and its rest then is no entry.
 */
static int
load(struct ledger *ledger)
{
	char	*buf, *lf;
	size_t	 have = 0, used;
	ssize_t	 n;
	off_t	 at = 0;		/* of buf[0] */

	if ((buf = malloc(READ_SIZE)) == NULL)
		return (-1);
	while ((n = pread(ledger->fd, buf + have, READ_SIZE - have,
	    at + (off_t)have)) > 0) {
		have += (size_t)n;
		used = 0;
		while ((lf = memchr(buf + used, '\n', have - used)) != NULL) {
			if (take_line(ledger, buf + used,
			    (size_t)(lf - buf) - used, at + (off_t)used) == -1)
				goto fail;
			used = (size_t)(lf - buf) + 1;
		}
		if (used == 0 && have == READ_SIZE)
			used = have;
		memmove(buf, buf + used, have - used);
		have -= used;
		at += (off_t)used;
		ledger->size = at;
	}
	if (n == -1)
		goto fail;
	free(buf);
	return (0);
fail:
	free(buf);
	return (-1);
}

/* A line without its end was never synced: nothing was done after it. */
static int
cut_torn(struct ledger *ledger)
{
	off_t	 end;

	if ((end = lseek(ledger->fd, 0, SEEK_END)) == -1)
		return (-1);
	if (end == ledger->size)
		return (0);
	log_warnx("ledger: torn last line cut off");
	if (ftruncate(ledger->fd, ledger->size) == -1)
		return (-1);
	return (fdatasync(ledger->fd));
}

/* What follows the rest of a line would be read as a part of it. */
static int
mend(struct ledger *ledger)
{
	if (ledger->torn && ftruncate(ledger->fd, ledger->size) == -1) {
		log_warn("ledger: ftruncate");
		return (-1);
	}
	ledger->torn = 0;
	return (0);
}

/* All of it and durable, or none of it. */
static int
append(struct ledger *ledger, const char *buf, size_t len)
{
	ssize_t	 n;
	int	 saved;

	if (mend(ledger) == -1)
		return (-1);
	n = write(ledger->fd, buf, len);
	if (n == (ssize_t)len && fdatasync(ledger->fd) == 0) {
		ledger->size += (off_t)len;
		return (0);
	}
	saved = n >= 0 && n < (ssize_t)len ? ENOSPC : errno;
	if (n > 0) {
		ledger->torn = 1;
		(void)mend(ledger);
	}
	errno = saved;
	return (-1);
}

static int
write_hold(struct ledger *ledger)
{
	struct ledger_line	 l;
	char			 buf[128];
	ssize_t			 len;

	memset(&l, 0, sizeof(l));
	l.event = ledger->held ? LEDGER_HOLD : LEDGER_RELEASE;
	l.time = ledger->held_at;
	l.call.call = ledger->next - 1;
	if ((len = ledger_line_format(&l, buf, sizeof(buf))) == -1 ||
	    append(ledger, buf, (size_t)len) == -1)
		return (-1);
	ledger->held_written = ledger->held;
	return (0);
}

int
ledger_retry(struct ledger *ledger)
{
	if (ledger->pending_len != 0) {
		if (append(ledger, ledger->pending,
		    ledger->pending_len) == -1)
			return (-1);
		ledger->pending_len = 0;
	}
	if (ledger->held != ledger->held_written)
		return (write_hold(ledger));
	return (0);
}

struct ledger *
ledger_new(int fd)
{
	struct ledger	*ledger;

	if ((ledger = calloc(1, sizeof(*ledger))) == NULL)
		return (NULL);
	ledger->fd = fd;
	ledger->next = 1;
	if (load(ledger) == -1 || cut_torn(ledger) == -1) {
		free(ledger->items);
		free(ledger);
		return (NULL);
	}
	return (ledger);
}

void
ledger_free(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	close(ledger->fd);
	free(ledger->items);
	free(ledger);
}

int
ledger_open(struct ledger *ledger, struct ctl_call *call)
{
	struct ledger_line	 l;
	char			 buf[LEDGER_LINE_MAX];
	ssize_t			 len;

	if (ledger_retry(ledger) == -1)
		return (-1);
	call->call = ledger->next;
	memset(&l, 0, sizeof(l));
	l.event = LEDGER_OPEN;
	l.time = call->opened;
	l.call = *call;
	if ((len = ledger_line_format(&l, buf, sizeof(buf))) == -1)
		return (-1);
	/* The room first: what is on disk must be in memory too. */
	if (item_add(ledger, call, ledger->size) == NULL)
		return (-1);
	if (append(ledger, buf, (size_t)len) == -1) {
		ledger->count--;
		return (-1);
	}
	ledger->next++;
	return (0);
}

int
ledger_close(struct ledger *ledger, const struct ctl_call *call,
    uint64_t left, int good)
{
	struct ledger_line	 l;
	struct item		*item;
	ssize_t			 len;

	/* Only one call is open at a time, so one line can be pending: an
	 * older one was written before this call was opened. */
	if (ledger_retry(ledger) == -1)
		return (-1);
	memset(&l, 0, sizeof(l));
	l.event = LEDGER_CLOSE;
	l.time = call->closed;
	l.left = left;
	l.good = good;
	l.call = *call;
	len = ledger_line_format(&l, ledger->pending, sizeof(ledger->pending));
	if (len == -1)
		return (-1);
	if ((item = item_find(ledger, call->call)) != NULL)
		item_close(item, call, left, good, ledger->size);
	ledger->pending_len = (size_t)len;
	return (ledger_retry(ledger));
}

int
ledger_left(const struct ledger *ledger, uint64_t after,
    struct ctl_call *call)
{
	const struct item	*item;
	size_t			 i = ledger_seek(ledger, after + 1);

	for (; i < ledger->count; i++) {
		item = &ledger->items[i];
		if (item->closed != 0)
			continue;
		if (ledger_read(ledger, i, call) == -1) {
			memset(call, 0, sizeof(*call));
			call->call = item->call;
			call->worst_seconds = item->seconds;
			call->worst_cost = item->cost;
		}
		return (1);
	}
	return (0);
}

int
ledger_crashed(struct ledger *ledger, struct ctl_call *call, time_t now)
{
	call->closed = now;
	call->seconds = call->worst_seconds;
	call->cost = call->worst_cost;
	strlcpy(call->result, "crashed", sizeof(call->result));
	strlcpy(call->reason, "charged at its worst case",
	    sizeof(call->reason));
	log_warnx("call id=%llu event=crashed seconds=%llu cost=%llu",
	    (unsigned long long)call->call, (unsigned long long)call->seconds,
	    (unsigned long long)call->cost);
	return (ledger_close(ledger, call, 0, 0));
}

int
ledger_hold(struct ledger *ledger, int hold, time_t now)
{
	ledger->held = hold;
	ledger->held_at = now;
	return (ledger_retry(ledger));
}

int
ledger_held(const struct ledger *ledger)
{
	return (ledger->held);
}

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
	size_t		 i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < ledger->count; i++) {
		item = &ledger->items[i];
		if (item_began(item, now) < from)
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

static int
read_line(const struct ledger *ledger, off_t at, struct ledger_line *l)
{
	char	 buf[LEDGER_LINE_MAX], *lf;
	ssize_t	 n;

	if ((n = pread(ledger->fd, buf, sizeof(buf), at)) == -1)
		return (-1);
	if ((lf = memchr(buf, '\n', (size_t)n)) == NULL) {
		errno = EINVAL;
		return (-1);
	}
	return (ledger_line_parse(buf, (size_t)(lf - buf), l));
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
