/*
 * The records of the queue's log, as bytes: nothing but encoding and
 * decoding, no files.
 *
 * A record is a header, a head (fields) and a body (bytes of a message):
 *
 *	 0	4	magic
 *	 4	8	salt of the segment, from its file name
 *	12	1	version
 *	13	1	type
 *	14	1	flags
 *	15	1	zero
 *	16	4	offset in the segment of the first record of its batch
 *	20	4	length of the head
 *	24	4	length of the body
 *	28	4	CRC-32 of the head
 *	32	4	CRC-32 of the body
 *	36	4	CRC-32 of bytes 0 to 35 and of the record's own offset
 *
 * All numbers are big-endian.  The salt is there so that nobody can write
 * a message whose body is taken for records when a damaged place is stepped
 * over; the offset, so that a block written to a wrong place is noticed.
 * A batch is what was appended and synced at once; its last record says so.
 */
#ifndef SPOOLD_QUEUE_RECORD_H
#define SPOOLD_QUEUE_RECORD_H

#include <sys/types.h>
#include <stdint.h>

#include "queue.h"

#define RECORD_VERSION		1
#define RECORD_HEADER_LEN	40
#define RECORD_MAGIC_LEN	12	/* magic and salt: what to scan for */

/* Limits, in bytes; what is beyond them is neither written nor believed. */
#define RECORD_STRING_MAX	4096	/* of an envelope */
#define RECORD_STATUS_MAX	2048	/* longer replies are cut */
#define RECORD_HEAD_MAX		(4 * 1024 * 1024)
#define RECORD_HEAD_SMALL	4096	/* of all but a message */
#define RECORD_BODY_MAX		QUEUE_BODY_INLINE
#define RECORD_WINDOWS_MAX	0xffffff

enum record_type {
	RECORD_MESSAGE = 1,
	RECORD_MARK,
	RECORD_DONE,
	RECORD_SEAL,		/* first in a segment: of the one before */
	RECORD_CHANGE		/* of a message, but not of its recipients */
};

#define RECORD_LAST		0x01	/* flag: ends its batch */

struct record_header {
	uint8_t			 type;		/* enum record_type */
	uint8_t			 flags;
	uint32_t		 batch;
	uint32_t		 head_len;
	uint32_t		 body_len;
	uint32_t		 head_crc;
	uint32_t		 body_crc;
};

struct record_message {
	uint64_t		 id;
	int64_t			 received;
	uint64_t		 size;
	uint32_t		 flags;
	uint32_t		 nrecipients;
	uint32_t		 nlocal;	/* of them, with a user */
	int			 file;		/* the body is in its own */
	int32_t			 priority;
	uint8_t			 class;		/* enum proto_class */
	int64_t			 deadline;
};

struct record_mark {
	uint64_t		 id;
	uint32_t		 recipient;
	uint32_t		 windows;	/* after this mark */
	uint8_t			 state;		/* enum recipient_state */
	int64_t			 when;		/* time_t; 0: not known */
	const char		*status;	/* not terminated; or NULL */
	size_t			 status_len;
};

struct record_change {			/* all of it as it is from now on */
	uint64_t		 id;
	uint8_t			 class;		/* enum proto_class */
	uint8_t			 flags;
};
#define RECORD_HELD		0x01
#define RECORD_LATE		0x02

struct record_seal {
	uint64_t		 previous;	/* number; 0: there was none */
	uint64_t		 end;		/* nothing beyond it counts */
};

/* CRC-32 as in ISO 3309, of len bytes at data (NULL when len is 0). */
uint32_t	 record_crc(const void *data, size_t len);

/* Writes RECORD_HEADER_LEN bytes for a record that begins at offset. */
void	 record_header_encode(uint8_t *, const struct record_header *,
	    uint64_t salt, uint64_t offset);
/*
 * 0, or -1: EINVAL when it is no header of a record at that offset in that
 * segment, EPROTONOSUPPORT when it is one of a later version.
 */
int	 record_header_decode(struct record_header *, const uint8_t *, size_t,
	    uint64_t salt, uint64_t offset);
/* The RECORD_MAGIC_LEN bytes that every record of a segment begins with. */
void	 record_magic(uint8_t *, uint64_t salt);

/*
 * The head of a MESSAGE from an envelope: id, received, size, flags, the
 * strings and the recipients, but not their states, which are marks; and
 * at its end priority, class, deadline and user, where there is any of them:
 * records of old have none, and are read.  Allocated, with its length; NULL
 * with EINVAL when a limit is passed or there is no recipient, or ENOMEM.
 */
uint8_t	*record_message_encode(const struct envelope *, int file, size_t *);
/* Checks the whole head, allocates nothing.  0, or -1 with EINVAL. */
int	 record_message_check(struct record_message *, const uint8_t *,
	    size_t);
/* The envelope, every recipient waiting; NULL with EINVAL or ENOMEM. */
struct envelope	*record_message_decode(const uint8_t *, size_t);

/* The heads of the others.  Allocated, as above; or 0 and -1. */
uint8_t	*record_mark_encode(const struct record_mark *, size_t *);
int	 record_mark_decode(struct record_mark *, const uint8_t *, size_t);
uint8_t	*record_change_encode(const struct record_change *, size_t *);
int	 record_change_decode(struct record_change *, const uint8_t *, size_t);
uint8_t	*record_done_encode(uint64_t id, size_t *);
int	 record_done_decode(uint64_t *id, const uint8_t *, size_t);
uint8_t	*record_seal_encode(const struct record_seal *, size_t *);
int	 record_seal_decode(struct record_seal *, const uint8_t *, size_t);

/* How much of a reply is kept: at most RECORD_STATUS_MAX, whole UTF-8. */
size_t	 record_status_len(const char *);

#endif
