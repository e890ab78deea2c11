/* A window that moves over a segment while it is read at start. */
#ifndef SPOOLD_QUEUE_READER_H
#define SPOOLD_QUEUE_READER_H

#include <sys/types.h>
#include <stdint.h>

#include "queue_internal.h"

struct reader {
	int			 fd;
	const struct segment	*segment;
	uint64_t		 size;		/* of the file */
	uint8_t			*buf;
	size_t			 cap;
	uint64_t		 base;		/* offset of buf[0] */
	size_t			 len;
};

/* Opens the segment's file in that directory.  0, or -1 with errno. */
int		 reader_open(struct reader *, int dirfd,
		    const struct segment *);
void		 reader_close(struct reader *);
/*
 * n bytes at an offset, valid until the next call; bytes that the disk
 * cannot give are zero.  NULL with ENOMEM, or EINVAL beyond the end.
 */
const uint8_t	*reader_get(struct reader *, uint64_t offset, size_t n);
/* The header of the record there; errors of record_header_decode. */
int		 reader_header(struct reader *, uint64_t offset,
		    struct record_header *);
/*
 * The offset of the next good header from there on, or the size of the
 * file.
 */
uint64_t	 reader_scan(struct reader *, uint64_t offset);
/*
 * Copies a range into a new durable file of that name, unless there is one
 * already.  0, or -1 with errno.
 */
int		 reader_copy(struct reader *, uint64_t from, uint64_t to,
		    int dirfd, const char *name);

#endif
