/*
 * File names in a Maildir, and walking through one.
 *
 * A name is "UNIQUE[,S=size][,W=size][:2,flags]": what is before the first
 * comma or colon never changes, the rest may (new/ to cur/, flags, a size
 * that Dovecot corrects).  S is the size of the file, W the size with CRLF
 * line ends.
 */
#ifndef SPOOLD_MAILDIR_LIST_H
#define SPOOLD_MAILDIR_LIST_H

#include <sys/types.h>
#include <dirent.h>
#include <stdint.h>

#define MAILDIR_NEW	0
#define MAILDIR_CUR	1
#define MAILDIR_SUBS	2

/* "new" or "cur". */
extern const char *const maildir_sub[MAILDIR_SUBS];

/* The length of the part that never changes. */
size_t	 maildir_unique_len(const char *name);
/* The size that a name has under 'S' or 'W': 1, or 0 when it has none. */
int	 maildir_name_size(const char *name, char which, uint64_t *size);

/*
 * Calls fn(dirfd, sub, name, arg) for each message of new/, then of cur/;
 * in this order a message that is moved meanwhile may come twice but is
 * not missed.  fn returns 0, or -1 to stop.  0, or -1 with errno (that of
 * fn if it stopped); directories that are not there hold nothing.
 */
int	 maildir_each(int spoolfd, const char *user,
	    int (*fn)(int, int, const char *, void *), void *arg);
/* Opens mail/USER/new or cur: a descriptor, or -1 with errno. */
int	 maildir_open_sub(int spoolfd, const char *user, int sub);
/* Takes the descriptor; NULL with errno, and then it is closed. */
DIR	*maildir_opendir(int fd);

#endif
