/* See LICENSE for the terms. */

/*
 * Bounces: the notice to a sender that a message could not be delivered, or
 * not yet, as a multipart/report.  RFC 3461, 3464, 6522; with addresses in
 * UTF-8, 6533.
 */
#ifndef SPOOLD_BOUNCE_H
#define SPOOLD_BOUNCE_H

#include <sys/types.h>
#include <stdint.h>

#include "conf.h"
#include "queue.h"

enum bounce_kind {
	BOUNCE_FAILED,			/* for good */
	BOUNCE_DELAYED,			/* it is still tried */
	BOUNCE_RELAYED			/* to who does not report on it */
};

struct bounce_failure {			/* one recipient's */
	uint32_t	 recipient;	/* index into the envelope */
	char		*status;	/* RFC 3463: "5.1.1" */
	char		*reply;		/* printable ASCII; what was said */
	int		 local;		/* we said it, not the server */
	uint32_t	 windows;	/* tried in so many; 0: refused, or
					 * none of them mattered */
};

struct bounce {
	enum bounce_kind	 kind;
	const struct envelope	*envelope;	/* of the message */
	const struct bounce_failure *failures;
	size_t			 nfailures;
	const char		*hostname;	/* ours */
	const char		*remote;	/* host that refused, or NULL */
	int64_t			 now;		/* time_t */
	int			 offset;	/* of local time, minutes */
	uint64_t		 id;		/* of the bounce */
	const char		*boundary;	/* not within the message */
	/* The message. */
	int			 fd;
	off_t			 begin;
	uint64_t		 size;
	int			 full;		/* give back more than its
						 * header */
	/* Filled in by bounce_prepare. */
	uint64_t		 included;	/* bytes of it */
	int			 eight;		/* with eight bits in them */
	int			 utf8;		/* addresses beyond ASCII */
};

/* Takes the next bytes: 0, or -1 with errno. */
typedef int	 bounce_writer(void *, const void *, size_t);

/* 1 when the sender wants to know of that (RFC 3461 4.1). */
int	 bounce_wanted(const struct recipient *, enum bounce_kind);
/* Looks at the original: 0, or -1 with errno. */
int	 bounce_prepare(struct bounce *);
/*
 * Writes the message, CRLF line ends, through the writer.  0, or -1 with
 * errno: of the writer, or of reading the original.
 */
int	 bounce_compose(const struct bounce *, bounce_writer *, void *);

/*
 * Makes the bounce of a message for these recipients and hands it to the
 * queue, for the sender, or for the postmaster where the message had none:
 * but of all that is not a failure he is not told.
 * The callback tells when it is durable.  1 when it is on its way, 0 when
 * nobody is to be told (nothing will call back), -1 with errno.
 */
int	 bounce_submit(struct queue *, const struct conf *, enum bounce_kind,
	    const struct envelope *, const struct bounce_failure *, size_t,
	    const char *remote, queue_callback *, void *);

#endif
