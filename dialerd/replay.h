/* See LICENSE for the terms. */
/*
 * The policy, the tariffs and the stay of a window in virtual time: what
 * calls a configuration would make for what comes.  It is what relayctl
 * simulate shows, and what the policy is tested with.  Nothing is read but
 * what is handed in.
 *
 * The line is a model: a call is answered, the link comes up, connections
 * are made, mail passes at a rate that does not change, urgent mail first,
 * then the smallest first.
 */
#ifndef DIALERD_REPLAY_H
#define DIALERD_REPLAY_H

#include <sys/types.h>
#include <stdint.h>

#include "conf.h"
#include "ledger.h"
#include "policy.h"

/* Of a window: connections, greetings and handshakes; and their end. */
#define REPLAY_GREETING	4	/* seconds */
#define REPLAY_FAREWELL	2
/* Between calls, as dialerd does. */
#define REPLAY_REST	2

enum replay_kind {
	REPLAY_MESSAGE,
	REPLAY_CLOCK,			/* the wall clock is set */
	REPLAY_REQUEST,			/* relayctl dial */
	REPLAY_HOLD,
	REPLAY_RELEASE
};

struct replay_event {
	int64_t			 at;	/* monotonic, in seconds */
	enum replay_kind	 kind;
	uint32_t		 class;		/* MESSAGE: enum proto_class */
	uint64_t		 bytes;
	int64_t			 deadline;	/* wall clock; 0: none */
	int64_t			 offset;	/* CLOCK: wall - monotonic */
};

struct replay_call {
	uint64_t		 number;	/* from 1 */
	int64_t			 began;		/* monotonic */
	int64_t			 up;		/* of a window */
	int64_t			 ended;
	time_t			 opened;	/* wall clock */
	const struct conf_line	*line;
	int			 failed;
	int			 requested;	/* and not dialled for before */
	int			 urgent;	/* policy_decision.urgent */
	uint64_t		 seconds;	/* billed */
	uint64_t		 units;
	uint64_t		 cost;
	uint64_t		 worst_seconds;
	uint64_t		 worst_cost;
	uint64_t		 sent;		/* messages */
	uint64_t		 left;		/* but bulk */
	const char		*end;		/* "done", "maximum", ... */
	char			 why[PROTO_TEXT_MAX];
};

/* How a call goes; all zeros: well. */
struct replay_outcome {
	int			 failed;
	uint64_t		 lasted;	/* seconds, if it failed */
	uint64_t		 billed;	/* of them */
};

/* Each may be NULL. */
struct replay_ops {
	/* What is known of the line of that name: zeros, if nothing. */
	void	 (*speed)(void *, const char *line, struct ledger_speed *);
	/* A call is dialled. */
	void	 (*outcome)(void *, const struct replay_call *,
		    struct replay_outcome *);
	/* 1 if upstream will not have the message (its event) for now. */
	int	 (*refused)(void *, size_t event);
	/* There is no call from now on until then, if nothing comes. */
	void	 (*waits)(void *, int64_t now, int64_t then,
		    const struct policy_facts *,
		    const struct policy_decision *);
	/* It is over. */
	void	 (*called)(void *, const struct replay_call *);
	/* The message has gone. */
	void	 (*sent)(void *, size_t event, int64_t now);
};

struct replay {
	const struct conf		*conf;
	const struct replay_event	*events;	/* in order of time */
	size_t				 nevents;
	int64_t				 start;		/* monotonic */
	int64_t				 end;
	int				 empty;		/* end before that, when
							 * only bulk is left */
	int64_t				 offset;	/* wall - monotonic */
	uint64_t			 in_per_day;	/* bytes to fetch */
	uint32_t			 seed;		/* of jitter */
	const struct replay_ops		*ops;
	void				*arg;
};

/*
 * Plays it.  0, or -1 with errno: ENOMEM, ENOENT (no line, or none of its
 * tariff), E2BIG or EINVAL (of the tariff, or events out of order).
 */
int	 replay_run(const struct replay *);

#endif
