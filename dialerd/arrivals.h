/* See LICENSE for the terms. */
/*
 * The record of what came for the line, and when: a line of text for each
 * message, for relayctl simulate to replay.  Nothing depends on it, so it is
 * not synced, and what cannot be written is missing.
 *
 *	1700000000 12345 normal 0
 *
 * is a time, bytes, a class, and a deadline (0: none).
 */
#ifndef DIALERD_ARRIVALS_H
#define DIALERD_ARRIVALS_H

#include <sys/types.h>

#include "proto.h"

#define ARRIVALS_LINE_MAX	96	/* its LF included */

struct arrivals;

/*
 * Takes a descriptor open for reading and appending, which it owns on
 * success, and cuts off a torn last line.  NULL with errno.
 */
struct arrivals	*arrivals_new(int fd);
void		 arrivals_free(struct arrivals *);
/* 0, or -1 with errno. */
int		 arrivals_add(struct arrivals *, const struct proto_arrival *);
/*
 * Some of them, oldest first, up to max: *at is 0 at first and is moved on.
 * How many; 0 when there are no more, or -1 with errno.
 */
ssize_t		 arrivals_read(const struct arrivals *, uint64_t *at,
		    struct proto_arrival *, size_t max);
/*
 * Whether the file has grown enough for its front to be cut off: 1, with the
 * place from which on it is to be kept.  This reads what may go, so it looks
 * only when the file has grown since.
 */
int		 arrivals_excess(struct arrivals *, int64_t now,
		    uint64_t *from);

/* Pure: the length of a line with its LF; 0, or -1 with EINVAL. */
size_t		 arrivals_format(const struct proto_arrival *, char *buf,
		    size_t size);
int		 arrivals_parse(const char *line, size_t len,
		    struct proto_arrival *);

#endif
