/* See LICENSE for the terms. */

/*
 * The header block of a message (RFC 5322 2.2): walking over its fields,
 * finding and unfolding one, and counting fields of a message that passes
 * by in pieces.  Line ends are CRLF; a bare LF is taken for one too, since
 * this reads what others wrote.  No I/O and no allocation.
 */
#ifndef SPOOLD_HEADER_H
#define SPOOLD_HEADER_H

#include <sys/types.h>
#include <stdint.h>

struct header_field {
	const char	*name;		/* within the message */
	size_t		 namelen;
	const char	*body;		/* after the colon, folded as it is,
					 * without the last line end */
	size_t		 bodylen;
};

/*
 * The bytes of the header block, the empty line after it included; len when
 * there is no empty line.
 */
size_t	 header_length(const char *, size_t len);
/*
 * The next field; *offset is 0 before the first.  Lines that are no field
 * are passed over.  1, or 0 at the end of the block.
 */
int	 header_next(const char *, size_t len, size_t *offset,
	    struct header_field *);
/* The first field of that name, case aside: 1, or 0 when there is none. */
int	 header_find(const char *, size_t len, const char *name,
	    struct header_field *);
/*
 * The body of a field in one line without leading and trailing white space;
 * NUL bytes become '?'.  Cut off where dst ends; the result is the length
 * of the whole, as strlcpy's is.
 */
size_t	 header_unfold(const struct header_field *, char *dst, size_t);

/* Counts the fields of one name while a message passes by in pieces. */
struct header_counter {
	const char	*name;		/* the caller's */
	size_t		 matched;	/* bytes of it seen in this line */
	uint32_t	 count;
	int		 state;
};
void	 header_counter_init(struct header_counter *, const char *name);
void	 header_counter_feed(struct header_counter *, const void *, size_t);

#endif
