/* See LICENSE for the terms. */

/*
 * What the files on deliveries of fetched messages share.  deliver.c has the
 * deliveries, deliver_partial.c the files that can be continued,
 * deliver_seen.c the logs of what was fetched, deliver_name.c the names.
 */
#ifndef SPOOLD_DELIVER_INTERNAL_H
#define SPOOLD_DELIVER_INTERNAL_H

#include <sys/types.h>
#include <limits.h>
#include <stdint.h>

#include "conf.h"
#include "fetchlog.h"
#include "proto.h"

#define PARTIAL_DIR		"state/partial"
#define DELIVER_PATH_MAX	(sizeof(PARTIAL_DIR "/") + NAME_MAX)

/* deliver.c */

/* Is what fetchd said a string, and not an empty one? */
int	 deliver_string_ok(const char *, size_t size);
/* Is a delivery open of that message, or to that path? */
int	 deliver_is_open(const struct proto_uid *);
int	 deliver_path_is_open(const char *path);

/* deliver_name.c; 0, or -1 */

/* Appends to out, as letters, digits, '-' and "_XX"; -1 if it is full. */
int	 deliver_escape(char *out, size_t, const char *in);
/* The reverse, up to a '.' or the end; -1 if it is none. */
int	 deliver_unescape(char *out, size_t, const char *in);
/* Where the partial of a message begins; -1 when no name can be made. */
int	 deliver_partial_path(const struct proto_uid *, char *path, size_t);
/* The key of a new delivery; -1 with errno. */
int	 deliver_key(const char *account, char *key, size_t);

/* deliver_partial.c */

/*
 * A file that can be continued.  path is where deliver_partial_path says,
 * and then where the file is.  0 and *offset, what is there for certain, or
 * an errno; *fd is -1 or to be closed, whatever is returned.
 */
int	 deliver_open_partial(char *path, size_t, uint64_t size, int *fd,
	    uint64_t *offset);
void	 deliver_unlink(const char *path);
/* What is there of that message goes. */
void	 deliver_drop_partial(const struct proto_uid *);
/*
 * The file at path is of that length: makes it durable, and its name say so.
 * 0, or -1 with errno: then nothing of it is to be trusted.
 */
int	 deliver_sync_partial(const struct proto_uid *, const char *path,
	    int fd, uint64_t length);
/*
 * Drops partials that will never be continued: uids of the account that mean
 * something else by now, and those that are very old.
 */
void	 deliver_drop_stale(const char *account, uint32_t uidvalidity);

/* deliver_seen.c */

/* The log of an account, opened once.  NULL with errno. */
struct fetchlog	*deliver_log(const char *account);
/* NULL when it is not configured. */
const struct conf_account	*deliver_account(const char *name);

#endif
