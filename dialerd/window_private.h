/* See LICENSE for the terms. */
/*
 * What the files of a call share: window.c is its state machine, with all
 * that ends it, window_stay.c says whether the window is worth its time, and
 * window_charge.c what it takes and costs.
 */
#ifndef DIALERD_WINDOW_PRIVATE_H
#define DIALERD_WINDOW_PRIVATE_H

#include "window.h"

/* Time-outs, in milliseconds. */
#define OPEN_MS		10000	/* the parent opens and locks a device */
#define MODEM_MS	20000	/* set-up beside the commands and the answer:
				 * waking a modem that does not answer */
#define COMMAND_MS	4000	/* of set-up, for each command */
#define LINK_MS		60000	/* PPP negotiation with retries, or `up` */
#define CLOSE_MS	5000	/* QUIT, and TCP's farewell on a slow line */
#define UNLINK_MS	10000	/* pppd's farewell, or `down` */
#define HANGUP_MS	10000	/* modem.c's and tty.c's own are shorter */
#define SETTLE_MS	2000	/* last report, when the link is gone */
#define CEILING_MS	5000	/* of the whole call, above the sum of these */
#define BROKEN_MS	500	/* connections may hear of a lost line first */
#define ANSWER_MS	1000	/* of spoold, to what it is told */
#define SAMPLE_MS	2000	/* over which a rate is measured, at least */

/* shown[] in window_charge.c has a name for each. */
enum state {
	IDLE,
	OPENING,		/* DIALERD_LINE_OPEN was sent */
	DIALLING,		/* the tty is at work */
	LINKING,		/* DIALERD_LINK_START was sent */
	WINDOW,
	CLOSING,		/* DIALERD_WINDOW_CLOSE was sent */
	UNLINKING,		/* DIALERD_LINK_STOP was sent */
	HANGING,		/* the tty hangs up */
	SETTLING		/* line closed, last reports awaited */
};

struct peer {				/* spoold or fetchd */
	struct proto_progress	 progress;
	int			 reported;
	int			 closed;
	uint64_t		 busy_since;	/* monotonic; 0: it is idle */
	uint64_t		 busy;		/* before that, milliseconds */
};

struct sample {
	uint64_t	 mono;
	uint64_t	 out;
	uint64_t	 in;
};

struct window {
	const struct window_ops	*ops;
	enum state		 state;
	struct window_line	 line;
	struct ctl_call		 call;
	struct peer		 peers[PROC_COUNT];
	uint64_t		 state_end;	/* monotonic time-outs */
	uint64_t		 call_end;
	uint64_t		 began;		/* monotonic: first digit, */
	uint64_t		 billed;	/* answer, */
	uint64_t		 up;		/* window; each 0: not yet */
	int			 tty;		/* the tty is open */
	int			 link;		/* started, not down yet */
	uint64_t		 broken_end;	/* monotonic; 0: not */
	int			 opened;	/* WINDOW_OPEN was sent */
	int			 closing;	/* WINDOW_CLOSE was sent */
	int			 fast;		/* no time for good order */
	int			 others;	/* the parent hangs up too */
	uint64_t		 queue;		/* messages */
	uint64_t		 left;		/* of them after the window */
	uint64_t		 look_end;	/* monotonic: consider again */
	uint64_t		 moved;		/* monotonic: the last byte; */
	uint64_t		 moved_bytes;	/* all there were then */
	struct proto_bulk	 bulk;		/* as it was told */
	uint64_t		 asked;		/* monotonic: what it begins
						 * now; 0: it need not say */
	struct sample		 samples[2];
};

/* window.c */
/* Sets the timer for what comes first. */
void	 window_arm(struct window *);

/* window_stay.c */
/* Goes on, or ends the window. */
void	 window_consider(struct window *);
/* Notes what has moved, for rates. */
void	 window_sample(struct window *);

/* window_charge.c */
/* The longest that parts of a call may take, milliseconds. */
uint64_t window_setup_ms(const struct window_line *);
uint64_t window_chat_ms(const struct window_line *);
uint64_t window_ceiling_ms(const struct window_line *);
/* Seconds, begun ones counted; then is 0: not yet. */
uint64_t window_since(struct window *, uint64_t then);
uint64_t window_rate(uint64_t now, uint64_t then, uint64_t ms);
/* For how long there was mail to move. */
void	 window_set_busy(struct window *, enum proc_id, int busy);
/* All that the neighbours said, as the call's. */
void	 window_sum_up(struct window *);
/* The line is down, and what that call cost. */
void	 window_stop_clock(struct window *);
void	 window_charge(struct window *);

#endif
