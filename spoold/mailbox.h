/*
 * What a POP3 session has of a Maildir: the messages that were there when
 * it began, numbered from 1.  Taking the snapshot moves nothing; other
 * programs may deliver, move and delete meanwhile.
 */
#ifndef SPOOLD_MAILBOX_H
#define SPOOLD_MAILBOX_H

#include <sys/types.h>
#include <stdint.h>

struct mailbox;
struct mailbox_reader;

#define MAILBOX_UID_MAX		71	/* RFC 1939 7: 70, and the NUL */
#define MAILBOX_ALL		-1	/* lines: the whole message */

/*
 * The mailbox of a user, locked against other sessions of this process.  A
 * Maildir that is not there is empty.  NULL with errno: EBUSY when it is
 * locked, EINVAL for a name that cannot be a user's.
 */
struct mailbox	*mailbox_open(int spoolfd, const char *user);
/* Unlocks and frees, deleting nothing; NULL is allowed. */
void		 mailbox_close(struct mailbox *);
/*
 * Finds the sizes that names do not tell by reading about budget bytes of
 * the files: 1 when all are known, 0 when it is to be called again.  Nothing
 * else may be called before it has been 1.
 */
int		 mailbox_measure(struct mailbox *, uint64_t budget);

/* The highest number. */
uint32_t	 mailbox_count(const struct mailbox *);
/* Number and bytes of those that are not deleted. */
void		 mailbox_totals(const struct mailbox *, uint32_t *, uint64_t *);
/* 1 for a message that is there and not deleted, else 0. */
int		 mailbox_exists(const struct mailbox *, uint32_t);
/* Its size on the wire, with CRLF line ends and without dot-stuffing. */
uint64_t	 mailbox_size(const struct mailbox *, uint32_t);
/* Its unique identifier: the same in every session. */
void		 mailbox_uid(const struct mailbox *, uint32_t,
		    char[MAILBOX_UID_MAX]);

/* Mark as deleted; unmark all. */
void		 mailbox_delete(struct mailbox *, uint32_t);
void		 mailbox_reset(struct mailbox *);
/*
 * Remove what is marked, durably; what is gone already counts as removed.
 * Returns how many could not be removed.  Then only mailbox_close is left.
 */
uint32_t	 mailbox_update(struct mailbox *);

/*
 * Reading a message as it goes onto the wire, before dot-stuffing: files
 * with bare LF line ends are converted.  lines is MAILBOX_ALL, or how many
 * lines of the body follow the header (TOP).  NULL with errno: ENOENT when
 * it has vanished.
 */
struct mailbox_reader	*mailbox_read_open(struct mailbox *, uint32_t,
			    int64_t lines);
/* How many bytes, 0 at the end, -1 with errno. */
ssize_t		 mailbox_read(struct mailbox_reader *, uint8_t *, size_t);
/* NULL is allowed. */
void		 mailbox_read_close(struct mailbox_reader *);

#endif
