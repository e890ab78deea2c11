/*
 * Recovery at start: queue_recover.c looks at the directory and at what is
 * left in the end, queue_replay.c reads the records of a segment.
 */
#ifndef SPOOLD_QUEUE_RECOVER_H
#define SPOOLD_QUEUE_RECOVER_H

#include "queue_internal.h"
#include "queue_reader.h"

struct replay {				/* a record, read but not applied */
	uint8_t			 type;
	uint32_t		 offset;
	uint32_t		 head_len;
	union {
		struct record_message	 message;
		struct record_mark	 mark;
		struct record_change	 change;
		uint64_t		 id;
	}			 u;
};

struct hole {				/* bytes that are no good record */
	uint64_t		 from;
	uint64_t		 to;
};

struct recovery {
	struct queue		*queue;
	struct segment		*segment;	/* being read */
	struct reader		 reader;
	uint64_t		 end;		/* of what counts in it */
	int			 sealed;	/* the next vouches for it */
	int			 damaged;	/* this segment */
	uint64_t		 batch;		/* begin of the open one */
	int			 holed;		/* the open one */
	int			 suspect;	/* ... though written whole */
	struct replay		*replays;	/* of the open batch */
	size_t			 nreplays, replays_cap;
	struct hole		*holes;		/* not yet judged */
	size_t			 nholes, holes_cap;
	uint64_t		*bodies;	/* ids that have a file */
	size_t			 nbodies, bodies_cap;
	unsigned int		 ndamaged;	/* in all */
};

/* queue_recover.c */

/*
 * Room for one more in an array of count.  The array, which may have moved,
 * or NULL with ENOMEM: then it is as it was.
 */
void	*replay_grow(void *array, size_t count, size_t *cap, size_t size);

/* queue_replay.c */

/*
 * Reads the segment that recovery stands at, whose reader is open, and sets
 * its size to the end of what is good.  0, or -1 with errno when start-up
 * cannot go on: ENOMEM, EPROTONOSUPPORT.
 */
int	 replay_segment(struct recovery *);
/* A copy of the bytes of a hole, for the operator; once is enough. */
void	 replay_set_aside(struct recovery *, const struct hole *);

#endif
