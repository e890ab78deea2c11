/* See LICENSE for the terms. */

/*
 * A message of the queue on its way to upstream, from the moment that it is
 * taken until every recipient has an answer: its transactions, the marks in
 * the queue, the bounce.
 */
#ifndef SPOOLD_OUTGOING_H
#define SPOOLD_OUTGOING_H

#include <sys/queue.h>
#include <stdint.h>

#include "bounce.h"
#include "smtp_client.h"

/* Where it goes, for the log and for bounces. */
struct outgoing_peer {
	const char	*upstream;	/* name in the config */
	const char	*host;
};

struct outgoing {
	TAILQ_ENTRY(outgoing)	 entry;		/* the flush's */
	struct smtp_message	 smtp;		/* the transaction */
	struct envelope		*envelope;
	uint8_t			*state;		/* of each recipient */
	uint32_t		*indices;	/* of the transaction */
	struct bounce_failure	*failures;
	size_t			 nfailures;
	struct bounce_failure	*delays;	/* to be told of, once */
	size_t			 ndelays;
	struct bounce_failure	*relays;	/* the same */
	size_t			 nrelays;
	uint32_t		 sent;		/* recipients */
	uint32_t		 deferred;
	/* The flush's. */
	uint32_t		 breaks;	/* of sessions */
	int			 bulk;		/* counts as such */
	uint64_t		 begun;		/* at that byte of a session */
};
TAILQ_HEAD(outgoing_list, outgoing);

/*
 * Reads envelope and body of a message; NULL when nothing of it is for the
 * line, or when it cannot be read (logged).
 */
struct outgoing	*outgoing_open(uint64_t id);
/* The next transaction into smtp: 1, or 0 when every recipient for the line
 * has its answer. */
int	 outgoing_fill(struct outgoing *);
/* What the server said of one recipient; see smtp_client_ops. */
void	 outgoing_result(struct outgoing *, const struct outgoing_peer *,
	    uint32_t recipient, enum smtp_outcome, const struct smtp_reply *);
/* No answer, for the second session that broke over it: every recipient
 * that has none waits for another window. */
void	 outgoing_break(struct outgoing *, const struct outgoing_peer *,
	    const char *why);
/* 1 when some recipient has its answer. */
int	 outgoing_touched(const struct outgoing *);
/* Bounces what was refused, and frees it. */
void	 outgoing_close(struct outgoing *, const struct outgoing_peer *);
/*
 * A message whose time has passed, and which is not with upstream: back to
 * the sender, or with a notice to him and on, as he has asked for.
 */
void	 outgoing_late(uint64_t id);
/*
 * Marks that could not be written go into the next commit, before their
 * timer: the process ends, and nothing else knows that the mail is gone.
 */
void	 outgoing_retry(void);

#endif
