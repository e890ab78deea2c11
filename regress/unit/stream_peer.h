/* See LICENSE for the terms. */
/*
 * What the tests of the stream share: an owner of a stream that notes what
 * it is told, and an event loop that runs until something is so.
 */
#ifndef STREAM_PEER_H
#define STREAM_PEER_H

#include <sys/types.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"

#define PEER_PATTERN	200000
#define PEER_ORDER	64

struct peer;

typedef void	 peer_hook(struct peer *, enum stream_event);

struct peer {
	struct stream		*s;
	peer_hook		*hook;
	int			 told[STREAM_ERROR + 1];
	/* C S D R E T X: connected, secure, data, drained, … error. */
	char			 order[PEER_ORDER];
	int			 forbidden;	/* nothing may be told now */
	enum stream_event	 free_on;
	uint8_t			*got;		/* by peer_collect */
	size_t			 gotlen;
	uint64_t		 flow_send;	/* by peer_flow: still to go */
	uint64_t		 flow_want;
	uint32_t		 flow_out;
	uint32_t		 flow_in;
};

/* Bytes with no line end among them. */
extern uint8_t	 peer_pattern[PEER_PATTERN];

/* Before anything else: the event loop, the pattern, and an alarm. */
void	 peer_start(void);
/* A pair of sockets with the smallest buffers there are. */
void	 peer_pair(int [2]);
void	 peer_init(struct peer *, int fd, peer_hook *);
void	 peer_init_connect(struct peer *, const struct sockaddr *, socklen_t,
	    peer_hook *);
void	 peer_free(struct peer *);
/* A listening socket on loopback, and its address. */
int	 peer_listen(struct sockaddr_in *);
int	 peer_fd_closed(int);

/* Writes all of it to a bare socket, without the loop. */
void	 peer_raw(int, const void *, size_t);
/* Reads what is there from a bare socket, and runs the loop. */
void	 peer_drain(int);
uint64_t peer_clock(void);		/* ms */
/* Run the loop: once, some times without waiting, for some time. */
void	 peer_turn(void);
void	 peer_turns(int);
void	 peer_wait(int ms);

#define peer_until(condition) do {					\
	while (!(condition))						\
		peer_turn();						\
} while (0)

/* Hooks: collect all input; send and check a flow of numbered bytes. */
peer_hook	 peer_collect;
peer_hook	 peer_flow;
void		 peer_flow_start(struct peer *, uint64_t, uint32_t seed);
int		 peer_flow_done(const struct peer *);

#endif
