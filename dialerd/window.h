/* See LICENSE for the terms. */
/*
 * A call, from the ledger's entry to the next: open the line, dial, bring
 * the link up, keep the window open while there is work, and take all of it
 * down again.  A state machine without I/O: events come in by the functions
 * below, actions go out by struct window_ops.  There is one call at a time.
 *
 * Every state has a time-out of its own, the window its maximum from link
 * up, and the whole call a ceiling.
 */
#ifndef DIALERD_WINDOW_H
#define DIALERD_WINDOW_H

#include <stdint.h>
#include <time.h>

#include "ctl.h"
#include "modem.h"
#include "tariff.h"

/* What a call needs of its line; a copy, so that a reload does not matter. */
struct window_line {
	char		 name[PROTO_NAME_MAX];
	char		 number[PROTO_NAME_MAX];	/* "": no modem */
	/* The lists are owned by the window once dialled. */
	struct strlist	 init;
	struct strlist	 chat;		/* after CONNECT */
	struct strlist	 chat_abort;
	uint64_t	 chat_timeout;	/* seconds for each expect; 0: there is
					 * no chat */
	int		 modem;		/* has a device */
	int		 link;		/* pppd or `up` has the line from
					 * CONNECT on; else we watch it */
	uint32_t	 speed;
	int		 pulse;
	int		 no_flow;	/* no hardware flow control */
	uint64_t	 answer;	/* seconds */
	uint64_t	 window;	/* seconds */
	uint64_t	 stall;		/* seconds without a byte; 0: no end */
	int		 linger;	/* stay to the end of a unit */
	uint64_t	 margin;	/* seconds before the next unit */
	uint64_t	 room;		/* 1/1000 that budgets leave the call */
	uint64_t	 rate;		/* bytes a second out, in the past */
	struct tariff	 tariff;
};

struct window_ops {
	uint64_t (*mono)(void);		/* milliseconds, never back */
	time_t	 (*wall)(void);
	/* Durable entries; open sets the call's number.  0, or -1. */
	int	 (*ledger_open)(struct ctl_call *);
	void	 (*ledger_close)(const struct ctl_call *, uint64_t left,
		    int good);
	/* To the parent, and to spoold and fetchd. */
	void	 (*send_line)(uint32_t, const struct proto_line *);
	void	 (*send_window)(uint32_t, const struct proto_window *);
	void	 (*send_bulk)(const struct proto_bulk *);
	/*
	 * The device.  dial takes fd in any case, and window_modem tells what
	 * comes of it; 0, or -1 with errno.  watch: look for a lost carrier
	 * from now on; release: the parent's program has it now; hangup:
	 * window_modem tells when done, others says that the parent hangs up
	 * by itself; close: and the descriptor is gone.
	 */
	int	 (*tty_dial)(int fd, const struct window_line *);
	void	 (*tty_watch)(void);
	void	 (*tty_release)(void);
	void	 (*tty_hangup)(int others);
	void	 (*tty_close)(void);
	/* Call window_tick in so many milliseconds, once; -1: not at all. */
	void	 (*timer)(int64_t ms);
	/* It is over; another may begin from the event loop. */
	void	 (*done)(const struct ctl_call *, int good);
};

enum window_tty {			/* what the tty tells */
	WINDOW_TTY_DIALLED,		/* the number was sent */
	WINDOW_TTY_CHAT,		/* answered, and billed from now on: the
					 * chat begins; text: the CONNECT line;
					 * CONNECTED or FAILED follows */
	WINDOW_TTY_CONNECTED,		/* text: the CONNECT line */
	WINDOW_TTY_FAILED,		/* result and text */
	WINDOW_TTY_LOST,		/* text */
	WINDOW_TTY_DOWN			/* hung up */
};

struct window;

struct window	*window_new(const struct window_ops *);
void		 window_free(struct window *);

/*
 * Seconds that a call on this line can last, from the first digit to the
 * last time-out of its end, and what it can cost when it begins at t with
 * so many bytes waiting.
 */
uint64_t	 window_worst_seconds(const struct window_line *);
uint64_t	 window_worst_cost(const struct window_line *, time_t t,
		    uint64_t bytes);

/*
 * Starts a call for that reason.  Takes the strings of line->init.  0, or
 * -1 when a call is in progress (EBUSY) or the ledger cannot be written.
 */
int	 window_dial(struct window *, struct window_line *, const char *why,
	    uint64_t bytes);

/*
 * From the parent; fd is -1 or passes to the window.  Those that are not of
 * the call in progress are of one that is over, and are ignored.  Link up
 * with EALREADY in answer to the line's opening is a link that somebody else
 * has opened: it costs nothing, and is left up.
 */
void	 window_line_tty(struct window *, const struct proto_line *, int fd);
void	 window_link_up(struct window *, const struct proto_line *);
void	 window_link_down(struct window *, const struct proto_line *);
/* From the tty. */
void	 window_modem(struct window *, enum window_tty, enum modem_result,
	    const char *text);
/* From spoold or fetchd. */
void	 window_progress(struct window *, enum proc_id,
	    const struct proto_progress *);
void	 window_peer_down(struct window *, enum proc_id);
/* The queue as it is now: what is left of it after the window. */
void	 window_queue(struct window *, uint64_t messages);
/* End the call in good order; no call is fine.  result: "hangup", ... */
void	 window_end(struct window *, const char *result, const char *reason);
/* The timer. */
void	 window_tick(struct window *);

/* 1 while there is a call. */
int	 window_active(const struct window *);
/* Fills in what a summary says of the call in progress. */
void	 window_summary(struct window *, struct ctl_summary *);

#endif
