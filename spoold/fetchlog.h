/*
 * The durable record of what was fetched from each account upstream, below
 * state/fetched/: the decision that a fetched message is ours (M3, M4).
 * One append-only file per account; a torn last line was never acknowledged
 * and is cut off.
 */
#ifndef SPOOLD_FETCHLOG_H
#define SPOOLD_FETCHLOG_H

#include <sys/types.h>
#include <stdint.h>

struct fetchlog;

/* NULL with errno; ENAMETOOLONG when no file can be named so. */
struct fetchlog	*fetchlog_open(int spoolfd, const char *account);
void	 fetchlog_close(struct fetchlog *);
/* 1 and the time if this uid was fetched, else 0. */
int	 fetchlog_find(const struct fetchlog *, uint32_t uidvalidity,
	    const char *uid, int64_t *when);
/*
 * Append, fdatasync: 0, or -1 with errno.  key is that of the maildir file.
 * uid and key are printable ASCII without spaces, at most 255 characters
 * (EINVAL).  The same again is 0 and changes nothing; EEXIST when that uid
 * was fetched under another key, or that key is another uid's.
 */
int	 fetchlog_add(struct fetchlog *, uint32_t uidvalidity,
	    const char *uid, int64_t when, const char *key);
/*
 * 1 when fetchlog_add refused the record with that key last, but it may be
 * found on the disk all the same.
 */
int	 fetchlog_in_doubt(const struct fetchlog *, const char *key);
/* 1 when a record with that key is durable. */
int	 fetchlog_has_key(const struct fetchlog *, const char *key);
/*
 * The uid is gone upstream: it is not found any more, while the key is known
 * until the next compaction.  0, or -1 with ENOENT or another errno.  Not
 * synced: after a crash it may have to be forgotten again.
 */
int	 fetchlog_forget(struct fetchlog *, uint32_t uidvalidity,
	    const char *uid);
/* Calls fn for each record of that uidvalidity. */
void	 fetchlog_each(const struct fetchlog *, uint32_t uidvalidity,
	    void (*fn)(const char *uid, int64_t when, void *), void *);

#endif
