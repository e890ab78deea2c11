/* See LICENSE for the terms. */
/*
 * Which messages an INBOX has, in the fewest bytes and round trips, and the
 * deletion of those that need not be kept.
 */

#include <sys/types.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "imap_engine.h"
#include "log.h"

/* Up to so many messages one listing of uids and sizes is cheapest. */
#define LIST_DIRECT	64
/* Up to so many the numbers of a SEARCH fit into a line. */
#define LIST_SEARCH	5000
#define DELETE_BATCH	16	/* a deletion is worth its two commands */

static void
set_write(struct imap_set *set)
{
	int	 n;

	if (set->low == 0)
		return;
	n = snprintf(set->s + set->len, sizeof(set->s) - set->len,
	    set->low == set->high ? "%s%u" : "%s%u:%u",
	    set->len == 0 ? "" : ",", set->low, set->high);
	set->len += (size_t)n;
	set->low = 0;
}

/* Adds n, as the end of the newest range where it joins. */
static void
set_add(struct imap_set *set, uint32_t n, int joins)
{
	if (set->low != 0 && joins) {
		set->high = n;
		return;
	}
	set_write(set);
	set->low = set->high = n;
}

/* Room for two ranges more, or the set is to be sent. */
static int
set_full(const struct imap_set *set)
{
	return (set->len + 2 * sizeof("4294967295:4294967295,") > IMAP_SET_MAX);
}

static void
set_clear(struct imap_set *set)
{
	set->len = 0;
	set->s[0] = '\0';
	set->low = 0;
}

static void
compress_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	void	(*held)(struct imap *) = i->held;

	(void)c;
	i->compressing = 0;
	i->held = NULL;
	if (r->type != IMAP_OK)
		i->uncompressed = 1;
	else if (stream_compress(i->session->stream) == -1)
		session_fail(i->session, errno, "out of memory");
	if (held != NULL && !i->session->over)
		held(i);
}

/*
 * Behind a listing: its answer must come first anyway, and where it says
 * that nothing is new not much was lost.
 */
static void
imap_compress(struct imap *i)
{
	if ((i->caps & IMAP_CAP_COMPRESS) == 0 || i->compressing ||
	    i->uncompressed || stream_is_compressed(i->session->stream))
		return;
	if (imap_command_send(i, compress_done, "COMPRESS DEFLATE") != NULL)
		i->compressing = 1;
}

/* What is there is known: it is ordered, and that is news or not. */
static void
imap_plan(struct imap *i)
{
	struct inbox	*ib = i->session->inbox;

	i->listing = LISTING_DONE;
	inbox_plan(ib);
	if (i->session->memory != NULL)
		known_news(i->session->memory, ib->todo > 0);
}

static void
sizes_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	(void)c;
	if (r->type != IMAP_OK) {
		session_refused(i->session, EPROTO, "no sizes", r->text,
		    r->len);
		return;
	}
	if (--i->sizes == 0)
		imap_plan(i);
}

static void
send_sizes(struct imap *i)
{
	set_write(&i->set);
	if (imap_command_send(i, sizes_done, "UID FETCH %s (UID RFC822.SIZE)",
	    i->set.s) != NULL)
		i->sizes++;
	set_clear(&i->set);
}

/* Neighbours in the listing make a range, whatever lies between. */
static void
add_new(struct message *m, void *arg)
{
	struct imap	*i = arg;

	set_add(&i->set, m->number, i->last_new != NULL &&
	    i->last_new + 1 == m);
	i->last_new = m;
	if (set_full(&i->set))
		send_sizes(i);
}

static void
compared(struct imap *i)
{
	struct session	*s = i->session;

	i->comparing = 0;
	if (i->listing == LISTING_UIDS) {
		i->listing = LISTING_SIZES;
		set_clear(&i->set);
		i->last_new = NULL;
		inbox_each_new(s->inbox, add_new, i);
		if (i->set.low != 0 || i->set.len > 0)
			send_sizes(i);
	}
	if (i->sizes == 0)
		imap_plan(i);
	session_wake(s);
}

/* spoold has told what is ours. */
void
imap_compared(void *arg)
{
	struct session	*s = arg;

	imap_hold(s->engine, compared);
}

static void
imap_compare(struct imap *i)
{
	/* What comes unasked now must not change what is compared. */
	i->comparing = 1;
	inbox_listed(i->session->inbox);
	if (i->session->inbox->count < i->exists && i->from == 0)
		i->unclean = 1;
	if (i->session->inbox->count < i->exists || i->from != 0)
		inbox_incomplete(i->session->inbox);
	if (inbox_compare(i->session->inbox, i->uidvalidity) == -1)
		session_fail(i->session, errno,
		    "the spool is gone");
}

static void
list_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	(void)c;
	if (i->relist) {
		/* The uids are others: all of them are to be looked at. */
		i->relist = 0;
		i->from = 0;
		i->listing = LISTING_NONE;
		imap_hold(i, imap_list);
	} else if (r->type == IMAP_OK || i->exists == 0)
		imap_compare(i);
	else
		session_refused(i->session, EPROTO, "no listing", r->text,
		    r->len);
}

/* The cheapest way to learn which messages there are. */
void
imap_list(struct imap *i)
{
	i->listing = LISTING_UIDS;
	if (i->exists == 0) {
		i->listing = LISTING_DIRECT;
		imap_compare(i);
	} else if (i->exists <= LIST_DIRECT) {
		i->listing = LISTING_DIRECT;
		imap_command_send(i, list_done,
		    "UID FETCH 1:* (UID RFC822.SIZE)");
	} else if (i->caps & IMAP_CAP_ESEARCH)
		imap_command_send(i, list_done, "UID SEARCH RETURN (ALL) ALL");
	else if (i->exists <= LIST_SEARCH)
		imap_command_send(i, list_done, "UID SEARCH ALL");
	else
		imap_command_send(i, list_done, "UID FETCH 1:* (UID)");
	if (i->exists > 0)
		imap_compress(i);
}

void
imap_list_early(struct imap *i)
{
	struct known_mailbox	*m = i->session->memory;
	uint32_t		 from;

	if (m == NULL)
		return;
	i->from = known_from(m, time(NULL));
	i->known_validity = m->uidvalidity;
	/* Until the end it is not known how far we have come. */
	m->uidnext = 0;
	from = i->from;
	/* All of a mailbox that was small costs little. */
	if (from == 0 && m->windows > 0 && m->exists <= LIST_DIRECT / 2)
		from = 1;
	if (!i->assumed || from == 0) {
		i->from = 0;
		return;
	}
	i->listing = LISTING_DIRECT;
	imap_command_send(i, list_done, "UID FETCH %u:* (UID RFC822.SIZE)",
	    from);
	imap_compress(i);
}

/* The session has done all: the next need not look so far. */
void
imap_remember(struct imap *i)
{
	struct known_mailbox	*m = i->session->memory;
	const struct inbox	*ib = i->session->inbox;

	if (m == NULL)
		return;
	if (i->quiet) {
		known_news(m, 0);
		m->unread++;
		return;
	}
	m->exists = i->left;
	/* What is said to be gone may be there again. */
	if (i->unclean || i->truncated || i->readonly || ib->failed > 0 ||
	    ib->gone > 0)
		return;
	m->uidvalidity = i->uidvalidity;
	m->uidnext = i->uidnext;
	if (i->from == 0)
		m->due = 0;
	if (ib->due != 0 && (m->due == 0 || ib->due < m->due))
		m->due = ib->due;
	m->unread = 0;
}

static void
list_add(struct imap *i)
{
	struct session	*s = i->session;

	s->moved = 1;
	if (inbox_add(s->inbox, i->r.uid, NULL, i->r.size) == 0)
		return;
	if (errno != E2BIG)
		session_fail(s, errno, "out of memory");
	else if (!i->truncated++)
		log_warnx("account name=%s: only the first %d messages are "
		    "looked at", s->account, INBOX_MESSAGES);
}

void
imap_listed(struct imap *i)
{
	struct message	*m;

	if (!i->r.has_uid || i->comparing || i->relist)
		return;		/* someone changed flags */
	if (i->listing == LISTING_UIDS ||
	    (i->listing == LISTING_DIRECT && i->r.has_size))
		list_add(i);
	else if (i->listing == LISTING_SIZES && i->r.has_size &&
	    (m = inbox_find(i->session->inbox, i->r.uid)) != NULL) {
		i->session->moved = 1;
		m->size = i->r.size;
	}
}

/* One uid, or a range of them, of a SEARCH: which one was it? */
static void
imap_found(struct imap *i, uint32_t low, uint32_t high)
{
	struct inbox	*ib = i->session->inbox;
	struct message	*m;
	uint32_t	 n;

	for (n = low;; n++) {
		if (i->listing == LISTING_UIDS) {
			i->r.uid = n;
			list_add(i);
			if (i->truncated || i->session->over)
				return;
		} else if (i->listing == LISTING_DELETED) {
			m = inbox_find(ib, n);
			if (m == NULL || m->state != MESSAGE_DELETING) {
				i->others = 1;
				return;
			}
		} else
			return;
		if (n == high)
			return;
	}
}

void
imap_search(struct imap *i)
{
	const char	*p = i->r.text, *end = p + i->r.len;
	uint32_t	 low, high;
	int		 n;

	if (i->comparing)
		return;
	if (i->listing == LISTING_UIDS || i->listing == LISTING_DELETED)
		i->session->moved = 1;
	for (;;) {
		if (i->r.type == IMAP_SEARCH) {
			n = imap_parse_number(&p, end, &low);
			high = low;
		} else
			n = imap_parse_range(&p, end, &low, &high);
		if (n == -1)
			session_fail(i->session, EPROTO, "SEARCH: not a uid");
		if (n != 1)
			return;
		imap_found(i, low, high);
	}
}

static void
logout_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	(void)c;
	(void)r;
	session_done(i->session);
}

static void
imap_logout(struct imap *i)
{
	i->logout = 1;
	imap_command_send(i, logout_done, "LOGOUT");
}

static void
expunge_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	(void)c;
	if (r->type == IMAP_OK)
		return;
	i->unclean = 1;
	log_warnx("account name=%s: upstream would not expunge",
	    i->session->account);
}

static void
store_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	(void)c;
	i->stores--;
	if (r->type == IMAP_OK)
		return;
	i->unclean = 1;
	log_warnx("account name=%s: upstream would not mark messages "
	    "deleted", i->session->account);
}

/* Without UIDPLUS: only if it takes no one else's messages with it. */
static void
deleted_done(struct imap *i, struct imap_command *c,
    const struct imap_response *r)
{
	(void)c;
	i->listing = LISTING_DONE;
	if (r->type == IMAP_OK && !i->others)
		imap_command_send(i, expunge_done, "EXPUNGE");
	else {
		i->unclean = 1;
		log_warnx("account name=%s: upstream has no UIDPLUS and other "
		    "messages are marked deleted, so none is expunged",
		    i->session->account);
	}
	imap_logout(i);
}

static void
imap_delete_set(struct imap *i)
{
	set_write(&i->set);
	i->stores++;
	imap_command_send(i, store_done,
	    "UID STORE %s +FLAGS.SILENT (\\Deleted)", i->set.s);
	if (i->caps & IMAP_CAP_UIDPLUS)
		imap_command_send(i, expunge_done, "UID EXPUNGE %s", i->set.s);
	else
		i->expunging = 1;
	set_clear(&i->set);
}

void
imap_delete(struct imap *i)
{
	struct inbox	*ib = i->session->inbox;
	struct message	*m;

	if (ib->ndoomed == 0 ||
	    (ib->ndoomed < DELETE_BATCH && !inbox_fetched(ib)))
		return;
	set_clear(&i->set);
	while (i->ncommands < IMAP_COMMANDS &&
	    (m = inbox_next_doomed(ib)) != NULL) {
		if (i->readonly)
			continue;	/* it would only be refused */
		set_add(&i->set, m->number, m->number == i->set.high + 1);
		if (set_full(&i->set))
			imap_delete_set(i);
	}
	if (i->set.low != 0 || i->set.len > 0)
		imap_delete_set(i);
}

/* Everything is fetched; is everything deleted? */
void
imap_finish(struct imap *i)
{
	struct inbox	*ib = i->session->inbox;

	if (i->logout || i->bodies > 0 || !inbox_fetched(ib) ||
	    ib->ndoomed > 0 || i->listing != LISTING_DONE)
		return;
	if (!i->expunging) {
		imap_logout(i);
		return;
	}
	if (i->stores > 0)
		return;
	i->expunging = 0;
	i->listing = LISTING_DELETED;
	/* No list holds a message now, so they may change places. */
	inbox_by_number(ib);
	imap_command_send(i, deleted_done, "UID SEARCH DELETED");
}

