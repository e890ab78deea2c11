/*
 * One mailbox upstream: the messages it has, which of them are to be
 * fetched and in what order, the deliveries of those on their way, and
 * which are to be deleted.  The same for both protocols; the engine asks
 * for the next one to request and gives what comes.
 */
#ifndef FETCHD_INBOX_H
#define FETCHD_INBOX_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdint.h>

#include "proto.h"

/* A listing beyond this is cut off: memory is bounded against upstream. */
#define INBOX_MESSAGES	100000
/* Messages that may be asked of upstream before its answers have come. */
#define INBOX_REQUESTS	8
/* What of a body that cannot be stored is still read to its end. */
#define INBOX_AHEAD	65536		/* bytes */
/* Deliveries at once, those that await their sync included. */
#define INBOX_FILES	16

struct delivery;
struct delivery_query;
struct inbox;

enum message_state {
	MESSAGE_NEW,		/* not known to be ours */
	MESSAGE_OPENING,	/* spoold opens a file for it */
	MESSAGE_READY,		/* it may be asked of upstream */
	MESSAGE_COMING,		/* it was asked of upstream */
	MESSAGE_COMMITTING,	/* whole, but not known to be durable */
	MESSAGE_SEEN,		/* ours is durable */
	MESSAGE_DOOMED,		/* ... and upstream's is to be deleted */
	MESSAGE_DELETING,	/* ... which was asked of upstream */
	MESSAGE_LEFT		/* failed: stays upstream for later */
};

struct message {
	TAILQ_ENTRY(message)	 entry;
	struct inbox		*inbox;
	struct delivery		*delivery;
	char			*uid;		/* POP3; NULL: it is number */
	uint64_t		 size;		/* as upstream says */
	uint64_t		 offset;	/* bytes that we have */
	uint64_t		 asked;		/* bytes asked of upstream */
	uint64_t		 again;		/* bytes that come again */
	int64_t			 when;		/* fetched, time_t */
	uint32_t		 number;	/* POP3 number, or IMAP UID */
	uint32_t		 group;		/* asked for at once; 0 */
	uint8_t			 state;		/* enum message_state */
	uint8_t			 resumable;
	uint8_t			 ambiguous;	/* its uid is not its own */
	uint8_t			 shortened;	/* a range came short */
	uint8_t			 unproven;	/* are the bytes its own? */
	uint8_t			 suspect;	/* it broke a session */
};
TAILQ_HEAD(messages, message);

struct inbox {
	/* Set by the owner; the strings stay its. */
	const char		*account;
	uint32_t		 mailbox;	/* tells it from others that
						 * the account had */
	uint64_t		 keep;		/* seconds, or KEEP_* */
	uint64_t		 resumable;	/* sizes above this are */
	unsigned int		 files;		/* deliveries at once */
	/* spoold answered inbox_compare; something else moved. */
	void			(*compared)(void *);
	void			*compared_arg;
	void			(*wake)(void *);
	void			*arg;		/* of wake */

	/* Results. */
	uint32_t		 fetched;
	uint64_t		 fetched_bytes;
	uint64_t		 repeated;	/* bytes, lost before */
	uint32_t		 failed;
	uint32_t		 gone;		/* as upstream says */
	uint32_t		 todo;		/* to be fetched still */
	uint64_t		 todo_bytes;
	int			 error;		/* errno of the first failure */
	char			 text[PROTO_TEXT_MAX];
	int			 broken;	/* spoold is gone */
	int			 full;		/* nothing more is opened */
	int64_t			 due;		/* the next deletion, time_t */

	/* Private. */
	uint32_t		 uidvalidity;
	struct message		*list;
	size_t			 count, allocated, next;
	struct messages		 active;	/* OPENING, READY, COMING */
	struct messages		 committing;
	struct messages		 doomed;
	unsigned int		 nactive, ncommitting, ndoomed;
	struct delivery_query	*query;
	int			 incomplete, planned;
	uint64_t		 stuck;		/* bytes of a line that broke */
};

void		 inbox_init(struct inbox *, const char *account,
		    uint64_t keep);
/* Aborts what is on its way and frees; committed ones become durable. */
void		 inbox_free(struct inbox *);

/*
 * The listing.  uid is NULL when it is the number.  0, or -1 with errno
 * ENOMEM, or E2BIG when there are INBOX_MESSAGES already: the rest waits
 * for a later window.
 */
int		 inbox_add(struct inbox *, uint32_t number, const char *uid,
		    uint64_t size);
/*
 * There are messages that are not listed: what is not in the listing may be
 * upstream all the same, and is not forgotten.
 */
void		 inbox_incomplete(struct inbox *);
/* Ends the listing by numbers: from here inbox_find works. */
void		 inbox_listed(struct inbox *);
struct message	*inbox_find(struct inbox *, uint32_t number);
/*
 * Asks spoold which are ours, of this mailbox and uidvalidity; compared
 * follows.  What spoold has on record and is not upstream is forgotten.  0,
 * or -1 when spoold is not there.
 */
int		 inbox_compare(struct inbox *, uint32_t uidvalidity);
/* The new ones, once compared: calls fn with each, by number. */
void		 inbox_each_new(struct inbox *,
		    void (*fn)(struct message *, void *), void *);
/*
 * Sizes are known: puts them in order, smallest first, dooms what is ours
 * and need not be kept upstream, and opens the first deliveries.
 */
void		 inbox_plan(struct inbox *);

/*
 * A message to request, or of which more is to be requested, or NULL.
 * inbox_asked records that bytes more of it were (UINT64_MAX: all).
 */
struct message	*inbox_next(struct inbox *);
void		 inbox_asked(struct message *, uint64_t bytes);
/* spoold is about to open one more. */
int		 inbox_opening(const struct inbox *);
/*
 * How many bytes to ask for before they have come: what the line carries in
 * ten seconds, so that it never waits and what is urgent never waits long.
 */
uint64_t	 inbox_ahead(void);
/* Bytes asked of upstream that have not come. */
uint64_t	 inbox_outstanding(const struct inbox *);

/* Body bytes came.  0, or -1: then the delivery is over (see left). */
int		 inbox_write(struct message *, const void *, size_t);
/* It is whole. */
void		 inbox_commit(struct message *);
/*
 * It is not to be had now: its delivery is aborted and it stays upstream.
 * keep: what is there may serve later.  error 0: it is just gone; else the
 * account's result says why.
 */
void		 inbox_leave(struct message *, int keep, int error,
		    const char *why);
/*
 * The session broke by upstream's doing: the message that it was about goes
 * behind all others in the next one, for it may break each that asks for it.
 */
void		 inbox_suspect(struct inbox *);
/*
 * The line is gone: leaves all that is on its way, keeping parts; compared
 * does not follow any more.  inbox_stuck: with so many bytes that no one
 * could read.
 */
void		 inbox_stuck(struct inbox *, uint64_t);
void		 inbox_interrupt(struct inbox *);

/*
 * The same mailbox by a new session: the listing is forgotten, the results
 * stay.  Nothing may be committing.
 */
void		 inbox_renew(struct inbox *);

/* The next one to delete upstream, which is then DELETING, or NULL. */
struct message	*inbox_next_doomed(struct inbox *);
/* Nothing is to be fetched any more and nothing is on its way to be ours. */
int		 inbox_fetched(const struct inbox *);
/* inbox_find works again; only when no delivery or deletion is due. */
void		 inbox_by_number(struct inbox *);

#endif
