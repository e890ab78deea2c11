/*
 * The queue: a log of append-only segments below queue/ (the design's
 * section 4).  A message is durable when its commit callback says so; marks
 * likewise.  What ends in one turn of the event loop is appended together
 * and synced once (queue_commit).
 *
 * In memory a message is only a small entry; envelope and body are read
 * from the log when they are wanted.
 */
#ifndef SPOOLD_QUEUE_H
#define SPOOLD_QUEUE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>
#include <stdint.h>
#include <time.h>

struct queue;
struct queue_writer;

#define QUEUE_BODY_INLINE	(256 * 1024)	/* larger: a file of its own */
#define QUEUE_SEGMENT_MAX	(16 * 1024 * 1024)

enum recipient_state {
	RECIPIENT_WAITING,		/* not tried, or deferred */
	RECIPIENT_SENT,			/* upstream said 2xx, or delivered */
	RECIPIENT_BOUNCED,		/* its bounce is durable */
	RECIPIENT_REMOVED		/* by the operator */
};

struct recipient {
	char			*address;	/* as the client gave it */
	char			*user;		/* local mailbox, or NULL */
	char			*notify;	/* RFC 3461 NOTIFY, or NULL */
	char			*orcpt;		/* RFC 3461 ORCPT, or NULL */
	uint32_t		 state;		/* enum recipient_state */
	uint32_t		 windows;	/* in which it was tried */
	int64_t			 marked;	/* time_t of status; 0: none */
	char			*status;	/* the last reply, or NULL */
};

struct envelope {
	uint64_t		 id;		/* unique for ever; given by
						 * queue_message */
	int64_t			 received;	/* time_t */
	char			*sender;	/* "" is the null sender */
	char			*envid;		/* RFC 3461, or NULL */
	char			*ret;		/* "FULL", "HDRS", or NULL */
	char			*user;		/* whose mail it is, or NULL */
	uint32_t		 flags;
	int32_t			 priority;	/* RFC 6710, -9 to 9 */
	uint32_t		 class;		/* enum proto_class */
	int64_t			 deadline;	/* RFC 2852: time_t; 0: none */
	uint64_t		 size;		/* of the body, bytes */
	uint32_t		 nrecipients;
	struct recipient	*recipients;
};
#define ENVELOPE_8BIT		0x01		/* BODY=8BITMIME */
#define ENVELOPE_SMTPUTF8	0x02
#define ENVELOPE_PRIORITY	0x04		/* MT-PRIORITY= was given */
#define ENVELOPE_BY_RETURN	0x08		/* BY=...;R, else N */
#define ENVELOPE_BY_TRACE	0x10		/* BY=...T */
/* Of the queue, not of the record. */
#define ENVELOPE_HELD		0x10000		/* by the operator */
#define ENVELOPE_LATE		0x20000		/* its sender was told so */

/* Frees what the envelope points to and the envelope; NULL is allowed. */
void	 envelope_free(struct envelope *);
/* An empty envelope, or NULL. */
struct envelope	*envelope_new(const char *sender);
/* Only the first n recipients stay. */
void	 envelope_cut(struct envelope *, uint32_t n);
/* Appends a recipient (strings copied); user may be NULL.  0 or -1. */
int	 envelope_add(struct envelope *, const char *address,
	    const char *user);

/* result is 0 when what was asked for is durable, else an errno. */
typedef void	 queue_callback(void *arg, int result);

/*
 * Opens the queue in a directory (fd of the spool, name "queue"), reads the
 * segments in order, cuts off a torn end, sets damaged records aside and
 * logs them.  NULL with errno.
 */
struct queue	*queue_open(int spoolfd, const char *name);
void		 queue_close(struct queue *);

/*
 * A message that is being received: at most QUEUE_BODY_INLINE in memory,
 * beyond that in a file.  queue_write is 0, or -1 with errno (ENOSPC: tell
 * the client 452) after which only queue_abort is left.
 */
struct queue_writer	*queue_message(struct queue *);
uint64_t	 queue_writer_id(const struct queue_writer *);
uint64_t	 queue_writer_size(const struct queue_writer *);
int	 queue_write(struct queue_writer *, const void *, size_t);
void	 queue_abort(struct queue_writer *);
/*
 * Hands the message over for the next group commit; the writer is gone.
 * The envelope stays the caller's; id, received and size are filled in.
 * The callback comes from queue_commit; never from here.  A message is in
 * the list below only once it is durable.  Its result can be EINVAL: no
 * recipient, or a string beyond any sense; ENOSPC also when so little space
 * is left that it is kept for marks.
 */
void	 queue_submit(struct queue_writer *, struct envelope *,
	    queue_callback *, void *);

/*
 * A new state for one recipient, with upstream's words; durable when the
 * callback says so (it may be NULL).  tried counts this window against the
 * recipient; QUEUE_AFRESH begins to count anew.  When no recipient of a
 * message waits any more the message is done, and goes away after the
 * callbacks of its marks.
 *
 * A result other than 0 is a mark that was not made: ENOENT when there is
 * no such message or recipient, else mark again.  A recipient who is sent
 * to or bounced stays so; a further mark changes nothing and succeeds.
 * BOUNCED fails when a message of the same commit is refused, since that
 * may be its notice.
 */
void	 queue_mark(struct queue *, uint64_t id, uint32_t recipient,
	    enum recipient_state, int tried, const char *status,
	    queue_callback *, void *);
#define QUEUE_AFRESH		(-1)

/*
 * Something about a message as a whole; the callback as above.  LATE says
 * that its sender has been told of the delay: it fails when a message of the
 * same commit is refused, since that may be the notice.
 */
enum queue_change {
	QUEUE_HOLD = 1,			/* not for the line */
	QUEUE_RELEASE,
	QUEUE_LATE,
	QUEUE_NORMAL,			/* its class, whatever it was */
	QUEUE_URGENT,
	QUEUE_BULK
};
void	 queue_change(struct queue *, uint64_t id, enum queue_change,
	    queue_callback *, void *);

/*
 * The group commit: append, one fdatasync, callbacks.  Call it once at the
 * end of each turn of the event loop; cheap when there is nothing.  All
 * that is appended together is there after a crash, or nothing of it.  From
 * a callback it does nothing: what callbacks submit or mark is for the next.
 */
void	 queue_commit(struct queue *);
/*
 * 1 when the disk neither took the last commit nor let it be taken back: what
 * was refused may be found at the next start.  So until a commit succeeds.
 */
int	 queue_in_doubt(const struct queue *);
/* 1 when queue_commit has something to do. */
int	 queue_pending(const struct queue *);

/*
 * Unlinks finished segments, copies the few that stay forward.  Idle work, a
 * little in each call, with several syncs.
 */
void	 queue_clean(struct queue *);

struct queue_info {			/* what memory has of a message */
	uint64_t		 id;
	int64_t			 received;
	int64_t			 deadline;	/* time_t; 0: none */
	uint64_t		 size;
	uint32_t		 waiting;	/* recipients */
	uint8_t			 flags;		/* QUEUE_INFO_* */
	uint8_t			 class;		/* enum proto_class */
	/* waiting.c's: its place in the order in which messages go. */
	uint8_t			 place;
	uint8_t			 passed;	/* over, by so many windows */
	RB_ENTRY(queue_info)	 order;
};
#define QUEUE_INFO_LOCAL	0x01	/* has recipients here (done or not) */
#define QUEUE_INFO_REMOTE	0x02	/* ... and for the line */
#define QUEUE_INFO_FILE		0x04	/* its body is in a file of its own */
#define QUEUE_INFO_HELD		0x08
#define QUEUE_INFO_LATE		0x10
#define QUEUE_INFO_CHANGED	0x20	/* held, late or class: by a change */

/*
 * Who wants to know of every change: told of each message that is there when
 * it begins to watch, of each that comes, of each whose marks or class have
 * changed, and of each that goes; not of what could not be made durable.
 * The information is the queue's and stays until QUEUE_GONE.  From within no
 * function that changes the queue may be called but queue_mark and the like,
 * which do so later.
 */
enum queue_event { QUEUE_NEW, QUEUE_CHANGED, QUEUE_GONE };
struct queue_watcher {
	TAILQ_ENTRY(queue_watcher) link;
	struct queue		*queue;		/* NULL: it does not watch */
	void			 (*tell)(struct queue *, enum queue_event,
				    struct queue_info *);
};
void	 queue_watch(struct queue *, struct queue_watcher *);
void	 queue_unwatch(struct queue_watcher *);

/* Those with somebody waiting, in order of id; 0 begins.  1, or 0 at the
 * end. */
int	 queue_next(const struct queue *, uint64_t after,
	    struct queue_info *);
/* What memory has of one, the queue's own; NULL when it is not there. */
struct queue_info	*queue_info(const struct queue *, uint64_t id);
/* All of them in order of id, until the function returns other than 0. */
void	 queue_walk(const struct queue *,
	    int (*)(struct queue_info *, void *), void *);
/* The whole envelope with all marks applied; NULL with ENOENT, EIO. */
struct envelope	*queue_envelope(struct queue *, uint64_t id);
/*
 * The body as a range of a file: a descriptor (the caller's, to close;
 * shared with nobody, and good also after the message is gone), with its
 * offset; -1 with errno.
 */
int	 queue_body(struct queue *, uint64_t id, off_t *offset,
	    uint64_t *size);
/* 1 if that recipient is durably marked other than waiting, or the message
 * is not in the queue any more; else 0. */
int	 queue_is_marked(struct queue *, uint64_t id, uint32_t recipient);

#endif
