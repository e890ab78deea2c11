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
 * A new file for the user's mailbox; key names the deciding record, of
 * letters, digits, '-', '_' and '.', at most 100 bytes, unique.  The Maildir
 * is made when it is not there.  NULL with errno.
 */
struct maildir_file	*maildir_create(int spoolfd, const char *user,
			    const char *key);
/* Its descriptor, for reading and writing; it stays the file's. */
int	 maildir_fd(const struct maildir_file *);
/* Make it durable in tmp/.  0, or -1 with errno. */
int	 maildir_sync(struct maildir_file *);
/* The record is durable: put it where the user sees it; frees the struct.
 * 0, or -1 with errno (it stays in tmp/ for the next start). */
int	 maildir_place(struct maildir_file *);
/* Remove it; frees the struct. */
void	 maildir_discard(struct maildir_file *);

/*
 * Looks at everything in tmp/: decided(key, arg) is 1 when its record is
 * durable.  Returns the number of files placed, or -1 with errno.
 */
int	 maildir_recover(int spoolfd, int (*decided)(const char *key, void *),
	    void *arg);

/* Messages and bytes of a mailbox, from names alone; 0 or -1 with errno. */
int	 maildir_count(int spoolfd, const char *user, uint64_t *messages,
	    uint64_t *bytes);

#endif
