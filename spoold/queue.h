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
#include <stdint.h>
#include <time.h>

struct queue;
struct queue_writer;

#define QUEUE_BODY_INLINE	(256 * 1024)	/* larger: a file of its own */
#define QUEUE_SEGMENT_MAX	(16 * 1024 * 1024)

enum recipient_state {
	RECIPIENT_WAITING,		/* not tried, or deferred */
	RECIPIENT_SENT,			/* upstream said 2xx, or delivered */
	RECIPIENT_BOUNCED		/* its bounce is durable */
};

struct recipient {
	char			*address;	/* as the client gave it */
	char			*user;		/* local mailbox, or NULL */
	char			*notify;	/* RFC 3461 NOTIFY, or NULL */
	char			*orcpt;		/* RFC 3461 ORCPT, or NULL */
	uint32_t		 state;		/* enum recipient_state */
	uint32_t		 windows;	/* in which it was tried */
	char			*status;	/* the last reply, or NULL */
};

struct envelope {
	uint64_t		 id;		/* unique for ever; given by
						 * queue_message */
	int64_t			 received;	/* time_t */
	char			*sender;	/* "" is the null sender */
	char			*envid;		/* RFC 3461, or NULL */
	char			*ret;		/* "FULL", "HDRS", or NULL */
	uint32_t		 flags;
	uint64_t		 size;		/* of the body, bytes */
	uint32_t		 nrecipients;
	struct recipient	*recipients;
};
#define ENVELOPE_8BIT		0x01		/* BODY=8BITMIME */
#define ENVELOPE_SMTPUTF8	0x02

/* Frees what the envelope points to and the envelope; NULL is allowed. */
void	 envelope_free(struct envelope *);
/* An empty envelope, or NULL. */
struct envelope	*envelope_new(const char *sender);
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
 * recipient.  When no recipient of a message waits any more the message is
 * done, and goes away after the callbacks of its marks.
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
	uint64_t		 size;
	uint32_t		 waiting;	/* recipients */
};

/* Those with somebody waiting, in order of id; 0 begins.  1, or 0 at the
 * end. */
int	 queue_next(const struct queue *, uint64_t after,
	    struct queue_info *);
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
