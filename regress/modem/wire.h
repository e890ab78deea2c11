/*
 * The paced wire of the emulated line: two directions, each with a rate, a
 * latency and a small buffer.  A source is read only while the buffer has
 * room, so that the wire pushes back instead of hoarding.
 */
#ifndef REGRESS_WIRE_H
#define REGRESS_WIRE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <event.h>
#include <stdint.h>

enum wire_way { WIRE_UP, WIRE_DOWN };		/* from and to the site */

struct wire_end;

/* Bytes have crossed: take them.  len 0 is the end of that flow. */
typedef void	 wire_deliver(struct wire_end *, const uint8_t *, size_t);
/* The buffer has room again for this source. */
typedef void	 wire_room(struct wire_end *);

/* One flow over the wire in one direction. */
struct wire_end {
	TAILQ_ENTRY(wire_end)	 entry;
	enum wire_way		 way;
	wire_deliver		*deliver;
	wire_room		*room;
	void			*arg;
	int			 waiting;	/* for room */
	unsigned int		 in_flight;	/* chunks */
};

struct wire_conf {
	uint64_t	 rate;		/* bit/s; 0: as fast as it comes */
	uint64_t	 latency;	/* one way, milliseconds */
	size_t		 buffer;	/* bytes not yet on the wire */
};

void	 wire_init(const struct wire_conf *);
void	 wire_add(struct wire_end *, enum wire_way, wire_deliver *,
	    wire_room *, void *);
void	 wire_remove(struct wire_end *);
/* How much may be sent now; 0 promises a call of room. */
size_t	 wire_space(struct wire_end *);
void	 wire_send(struct wire_end *, const uint8_t *, size_t);
/* Everything on the way is lost. */
void	 wire_cut(void);
/* Bytes put on the wire since wire_init or wire_reset. */
uint64_t wire_bytes(enum wire_way);
/* Those of them that have left the buffer by now. */
uint64_t wire_crossed(enum wire_way);
void	 wire_reset(void);
int64_t	 wire_now(void);	/* microseconds, monotonic */

#endif
