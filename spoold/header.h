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

/*
 * What the header says of a message's urgency, while it passes by in pieces:
 * Precedence, MT-Priority (RFC 6758), Priority and Importance (RFC 2156), and
 * X-Priority.  Only what stands at the begin of a field's body counts.
 */
#define HEADER_CLASS_NAME	16
#define HEADER_CLASS_VALUE	32

struct header_class {
	int		 state;
	char		 name[HEADER_CLASS_NAME];	/* lower case */
	size_t		 namelen;	/* 0: no field that matters */
	char		 value[HEADER_CLASS_VALUE];	/* its begin */
	size_t		 valuelen;
	unsigned int	 found;		/* HEADER_* */
	int		 priority;	/* of MT-Priority */
};
#define HEADER_LIST		0x01	/* Precedence: bulk, list or junk */
#define HEADER_URGENT		0x02
#define HEADER_LOW		0x04
#define HEADER_PRIORITY		0x08

void	 header_class_init(struct header_class *);
void	 header_class_feed(struct header_class *, const void *, size_t);
/* The message ends, with or without a body. */
void	 header_class_end(struct header_class *);

/* RFC 6710: all of the bytes are a priority, -9 to 9.  0, or -1. */
int	 header_priority(const char *, size_t, int *);
/*
 * The class (enum proto_class) of a message: what was found decides in this
 * order.  A priority is urgent from 2 on and bulk below 0; Precedence makes
 * bulk; who calls it urgent, or low (bulk), in another way; and bulk is what
 * is larger than larger (0: nothing is), unless it is urgent.
 */
uint32_t header_class_decide(unsigned int found, int priority, uint64_t size,
	    uint64_t larger);

#endif
