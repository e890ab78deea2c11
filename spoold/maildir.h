/*
 * Delivery into Maildirs below mail/, exactly once.
 *
 * A delivery is a file in tmp/ of the spool whose name says where it
 * belongs and by which durable record it is decided (the queue's mark, or
 * the log of what was fetched).  The order is: write, fsync, fsync of tmp/;
 * then the record becomes durable elsewhere; then maildir_place renames the
 * file into new/ and syncs that directory.  At start maildir_recover asks
 * about each file that is left in tmp/: decided ones are placed, others
 * removed.
 */
#ifndef SPOOLD_MAILDIR_H
#define SPOOLD_MAILDIR_H

#include <sys/types.h>
#include <stdint.h>

struct maildir_file;

/*
 * Bytes of a key: with a comma and a user of PROTO_NAME_MAX it is still a
 * file name.
 */
#define MAILDIR_KEY_MAX		120

/*
 * 1 if the name can be a user's directory: not empty, shorter than
 * PROTO_NAME_MAX, no leading '.', no '/' and no control characters.
 */
int	 maildir_user_ok(const char *user);

/*
 * A new file for the user's mailbox; key names the deciding record, of
 * letters, digits, '-', '_' and '.', at most MAILDIR_KEY_MAX bytes, unique.
 * The Maildir is made when it is not there.  NULL with errno: EINVAL for a
 * user or key that cannot be one, EEXIST for a key that is in use.
 */
struct maildir_file	*maildir_create(int spoolfd, const char *user,
			    const char *key);
/*
 * The same with a file that exists: path (relative to spoolfd) is renamed
 * into tmp/, and its descriptor fd is the maildir_file's from then on.
 * NULL with errno; path and fd are then as they were.
 */
struct maildir_file	*maildir_adopt(int spoolfd, const char *path, int fd,
			    const char *user, const char *key);
/* Its descriptor, for writing only; it stays the file's. */
int	 maildir_fd(const struct maildir_file *);
/* Make it durable in tmp/.  0, or -1 with errno. */
int	 maildir_sync(struct maildir_file *);
/*
 * The record is durable: put it where the user sees it; frees the struct.
 * 0, or -1 with errno: it stays in tmp/, and is placed by maildir_retry or
 * at the next start.
 */
int	 maildir_place(struct maildir_file *);
/* Leave it in tmp/, for the next start to decide; frees the struct. */
void	 maildir_leave(struct maildir_file *);
/* Remove it; frees the struct. */
void	 maildir_discard(struct maildir_file *);
/*
 * Tries again to place those that maildir_place could not.  Returns how
 * many are still not where they belong.
 */
unsigned int	 maildir_retry(void);

/*
 * Looks at everything in tmp/: decided(key, arg) is 1 when its record is
 * durable, 0 when there is none, -1 when that cannot be told now (the file
 * is left).  A file that is in the mailbox already is not placed twice.
 * Returns the number of files placed, or -1 with errno.
 */
int	 maildir_recover(int spoolfd, int (*decided)(const char *key, void *),
	    void *arg);

/*
 * Messages and bytes of a mailbox, from names alone where they have the
 * size; 0 or -1 with errno.  A mailbox that is not there is empty.
 */
int	 maildir_count(int spoolfd, const char *user, uint64_t *messages,
	    uint64_t *bytes);

#endif
