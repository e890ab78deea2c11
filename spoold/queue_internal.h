/*
 * What the files of the queue share.  queue.c has the group commit,
 * queue_batch.c appends to the log, queue_read.c reads from it on demand,
 * queue_recover.c at start, queue_clean.c makes it shorter again, and
 * queue_memory.c keeps what is known in memory.
 *
 * Below the queue's directory:
 *	log.<number>.<salt>	a segment; numbers come from the same counter
 *				as ids, and grow
 *	body.<id>		a body of more than QUEUE_BODY_INLINE
 *	damaged.*		what was set aside; nothing reads it
 *	tmp.*			of no worth after a crash
 *
 * A MARK or DONE is always in the segment of its MESSAGE or in a later one,
 * and segments are unlinked oldest first, each unlink durable before the
 * next; so what takes a message away outlives the message's record.
 */
#ifndef SPOOLD_QUEUE_INTERNAL_H
#define SPOOLD_QUEUE_INTERNAL_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>
#include <stdint.h>

#include "queue.h"
#include "queue_record.h"

/*
 * No segment is read or made beyond this, so that offsets fit 32 bits.  A
 * batch is not divided: one that is larger than QUEUE_SEGMENT_MAX gets a
 * segment of its own.
 */
#define QUEUE_SEGMENT_LIMIT	(1024 * 1024 * 1024)
/*
 * Free space that messages leave to marks: without it a full disk would
 * have everything sent again in each window.
 */
#define QUEUE_RESERVE		(256 * 1024)

#define QUEUE_NAME_MAX		64	/* of a file in the directory */

struct segment;

struct mark_ref {			/* the newest of a recipient */
	struct segment		*segment;
	uint32_t		 offset;
	uint32_t		 recipient;
	uint32_t		 windows;
	uint8_t			 state;
};

struct queue_entry {
	RB_ENTRY(queue_entry)	 node;
	TAILQ_ENTRY(queue_entry) link;		/* of its segment */
	struct queue_info	 info;
	struct segment		*segment;
	struct mark_ref		*marks;		/* by recipient */
	uint32_t		 offset;	/* of the MESSAGE record */
	uint32_t		 head_len;
	uint32_t		 nrecipients;
	uint32_t		 nmarks;
};
RB_HEAD(queue_tree, queue_entry);
RB_PROTOTYPE(queue_tree, queue_entry, node, queue_entry_cmp)
TAILQ_HEAD(queue_entries, queue_entry);

struct segment {
	TAILQ_ENTRY(segment)	 link;
	uint64_t		 number;
	uint64_t		 salt;
	uint64_t		 size;		/* good and durable */
	uint64_t		 live;		/* bytes of entries below */
	struct queue_entries	 entries;	/* whose MESSAGE is here */
	int			 sealed;	/* at start: size is known */
	int			 stuck;		/* must not be unlinked */
	int			 rest;		/* calls of queue_clean before
						 * it is read again */
};
TAILQ_HEAD(segments, segment);

/* Something submitted, marked or changed, until its callback. */
struct queue_item {
	TAILQ_ENTRY(queue_item)	 link;
	queue_callback		*callback;
	void			*arg;
	int			 result;
	int			 record;	/* in the batch; -1: none */
	struct queue_entry	*entry;
	/* A message; NULL for a mark or change. */
	struct queue_writer	*writer;
	uint8_t			*head;
	size_t			 head_len;
	/* A mark. */
	uint64_t		 id;
	uint32_t		 recipient;
	uint8_t			 state;
	int8_t			 tried;
	char			*status;
	struct mark_ref		 before;	/* to take the mark back */
	int			 had_before;
	/* A change; 0 for a mark. */
	uint8_t			 change;	/* enum queue_change */
	uint8_t			 class_before;
	uint8_t			 flags_before;
};
TAILQ_HEAD(queue_items, queue_item);

struct queue_writer {
	struct queue		*queue;
	struct queue_item	*item;		/* for the submission */
	uint64_t		 id;
	uint64_t		 size;
	uint8_t			*buf;
	size_t			 len;
	size_t			 cap;
	int			 fd;		/* -1 while in memory only */
};

struct queue {
	int			 dirfd;
	struct segments		 segments;	/* oldest first */
	struct segment		*active;	/* appended to; or NULL */
	int			 active_fd;
	const struct segment	*reading;	/* the one read last */
	int			 reading_fd;
	struct queue_tree	 tree;
	struct queue_items	 pending;
	TAILQ_HEAD(, queue_watcher) watchers;
	int			 committing;
	int			 dir_dirty;	/* an unlink is not durable */
	int			 in_doubt;	/* see queue_in_doubt */
	uint64_t		 segment_max;	/* QUEUE_SEGMENT_MAX */
	uint64_t		 last_id;
};

/* Records that are appended and synced at once. */
struct batch_record {
	uint8_t			 header[RECORD_HEADER_LEN];
	uint8_t			 type;
	uint8_t			*head;
	size_t			 head_len;
	const uint8_t		*body;
	size_t			 body_len;
	uint32_t		 offset;	/* once written */
};

struct batch {
	struct batch_record	*records;
	size_t			 count;
	uint64_t		 bytes;
	struct segment		*segment;	/* once written */
};

/* queue.c */

/* 0 when so many bytes leave the reserve alone, else ENOSPC. */
int		 queue_space(const struct queue *, uint64_t bytes);

/* queue_memory.c */

/* A new id: the time in microseconds, but always more than the last. */
uint64_t	 queue_new_id(struct queue *);
struct queue_entry	*queue_find(const struct queue *, uint64_t id);
/* Tells those who watch. */
void		 queue_tell(struct queue *, enum queue_event,
		    struct queue_info *);
/* What memory keeps of a MESSAGE record. */
void		 queue_entry_fill(struct queue_entry *,
		    const struct record_message *, uint32_t head_len);
/* The head of a CHANGE that says what memory has; NULL with errno. */
uint8_t		*queue_entry_change(const struct queue_entry *, size_t *len);
/* Into the tree. */
void		 queue_entry_insert(struct queue *, struct queue_entry *);
/* The MESSAGE record is there now (also when it was elsewhere before). */
void		 queue_entry_place(struct queue_entry *, struct segment *,
		    uint32_t offset);
/* Out of the lists, and freed. */
void		 queue_entry_remove(struct queue *, struct queue_entry *);
/* Bytes of its MESSAGE record. */
uint64_t	 queue_entry_length(const struct queue_entry *);
struct mark_ref	*queue_entry_ref(const struct queue_entry *,
		    uint32_t recipient);
/*
 * Puts a mark in, counts who waits; what was there before goes to the last
 * argument unless that is NULL.  1 if there was something, 0 if not, -1
 * with ENOMEM.
 */
int		 queue_entry_mark(struct queue_entry *, const struct mark_ref *,
		    struct mark_ref *);
/* Takes the mark of a recipient back; before is NULL if there was none. */
void		 queue_entry_unmark(struct queue_entry *, uint32_t recipient,
		    const struct mark_ref *before);
/* At the end of the list.  NULL with ENOMEM. */
struct segment	*queue_segment_new(struct queue *, uint64_t number,
		    uint64_t salt);
/* Out of the list, and freed; it must not have entries. */
void		 queue_segment_free(struct queue *, struct segment *);
void		 queue_segment_name(char *, size_t, const struct segment *);
void		 queue_body_name(char *, size_t, uint64_t id);

/* queue_batch.c */

/*
 * Adds a record; head was allocated and is the batch's from then on, also
 * on failure, body stays the caller's and must stay.  The index, or -1.
 */
int		 queue_batch_add(struct batch *, enum record_type, uint8_t *,
		    size_t, const uint8_t *, size_t);
/*
 * Appends the batch to the log, in a new segment where one is due, and
 * makes it durable.  0, or an errno: then the log is as it was before.
 */
int		 queue_batch_write(struct queue *, struct batch *);
void		 queue_batch_free(struct batch *);
/* No more is appended to the active segment. */
void		 queue_retire(struct queue *);
/* A new segment, durable, that nothing but its seal is in.  0 or errno. */
int		 queue_rotate(struct queue *);

/* queue_read.c */

/*
 * Reads a record and checks it; head and, where body is not NULL, body are
 * allocated (NULL when empty).  0, or -1 with EIO, ENOMEM or what read(2)
 * says.
 */
int		 queue_record_read(struct queue *, const struct segment *,
		    uint32_t offset, struct record_header *, uint8_t **head,
		    uint8_t **body);
/* Forget the cached descriptor, when its segment goes away. */
void		 queue_read_forget(struct queue *);

/* queue_recover.c */

/* Reads the directory and the log into an empty queue.  0, or -1. */
int		 queue_recover(struct queue *);

#endif
