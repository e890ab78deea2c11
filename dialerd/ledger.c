/* See LICENSE for the terms. */
/*
 * The ledger of calls: the file, and its summary in memory, which has the
 * places of the lines in the file.  Both keep the calls that a budget or a
 * person may still ask about; the file a little more, since it is not worth
 * writing it anew for each call that may go.
 */
#include <sys/types.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger_private.h"
#include "log.h"

/* A year and a month, so that last year's same month can be shown. */
#define KEEP_SECONDS	(400LL * 86400)
/* 50 calls a day for as long; beyond it the oldest are forgotten. */
#define KEEP_CALLS	20000
/* These are kept however old they look: the clock may be wrong. */
#define KEEP_LEAST	1000
#define GROW_CALLS	256
/* What the file may have in front that is not kept, unless a third of the
 * file is more. */
#define WASTE_SIZE	(256 * 1024)
#define READ_SIZE	65536

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

	while (n + KEEP_LEAST < ledger->count && ledger->items[n].closed != 0 &&
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

static unsigned int
name_of(struct ledger *ledger, const char *name)
{
	unsigned int	 i;

	for (i = 0; i < ledger->nnames; i++) {
		if (strcmp(ledger->names[i], name) == 0)
			return (i);
	}
	if (ledger->nnames == LEDGER_NAMES_MAX)
		return (LEDGER_NAMES_MAX);
	strlcpy(ledger->names[i], name, sizeof(ledger->names[i]));
	return (ledger->nnames++);
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
	item->name = name_of(ledger, call->line);
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
	item->spared = strcmp(call->result, "hangup") == 0 ||
	    strcmp(call->result, "shutdown") == 0 ||
	    strcmp(call->result, "crashed") == 0;
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
		ledger->held_place = at;
		break;
	case LEDGER_USER:
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

/* All of it, and durable if that is asked for, or none of it. */
static int
append(struct ledger *ledger, const char *buf, size_t len, int durable)
{
	ssize_t	 n;
	int	 saved;

	if (mend(ledger) == -1)
		return (-1);
	n = write(ledger->fd, buf, len);
	if (n == (ssize_t)len && (!durable || fdatasync(ledger->fd) == 0)) {
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
	off_t			 place = ledger->size;

	memset(&l, 0, sizeof(l));
	l.event = ledger->held ? LEDGER_HOLD : LEDGER_RELEASE;
	l.time = ledger->held_at;
	l.call.call = ledger->next - 1;
	if ((len = ledger_line_format(&l, buf, sizeof(buf))) == -1 ||
	    append(ledger, buf, (size_t)len, 1) == -1)
		return (-1);
	ledger->held_place = place;
	ledger->held_written = ledger->held;
	return (0);
}

int
ledger_retry(struct ledger *ledger)
{
	if (ledger->pending_len != 0) {
		if (append(ledger, ledger->pending,
		    ledger->pending_len, 1) == -1)
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
	if (append(ledger, buf, (size_t)len, 1) == -1) {
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
ledger_user(struct ledger *ledger, const struct ctl_call_user *user,
    time_t now)
{
	struct ledger_line	 l;
	char			 buf[LEDGER_LINE_MAX];
	ssize_t			 len;

	if (ledger_retry(ledger) == -1)
		return (-1);
	memset(&l, 0, sizeof(l));
	l.event = LEDGER_USER;
	l.time = now;
	l.call.call = user->call;
	l.call.sent = user->sent;
	l.call.fetched = user->fetched;
	l.sent_bytes = user->sent_bytes;
	l.fetched_bytes = user->fetched_bytes;
	strlcpy(l.user, user->user, sizeof(l.user));
	if ((len = ledger_line_format(&l, buf, sizeof(buf))) == -1)
		return (-1);
	return (append(ledger, buf, (size_t)len, 0));
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

/*
 * No call may be open, since it is by the places of its lines that it is
 * known.  A hold is said again where the line that says so would go.
 */
int
ledger_excess(struct ledger *ledger, uint64_t *from)
{
	off_t	 first;

	if (ledger->count == 0 || ledger_retry(ledger) == -1 ||
	    ledger->items[ledger->count - 1].closed == 0)
		return (0);
	first = ledger->items[0].open_at;
	if (first < WASTE_SIZE || first < ledger->size / 3)
		return (0);
	if (ledger->held && ledger->held_place < first &&
	    write_hold(ledger) == -1)
		return (0);
	*from = (uint64_t)first;
	return (1);
}
