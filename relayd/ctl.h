/* See LICENSE for the terms. */
/*
 * What dialerd tells relayctl over the control socket.  The messages are
 * CTL_* in proto.h.  A client sends CTL_HELLO first, alone, and waits for
 * its CTL_RESULT (error 0; EPROTONOSUPPORT and a closed connection when the
 * versions differ).  Then one request at a time, each answered once:
 *
 *	CTL_SHOW_SUMMARY	CTL_SUMMARY
 *	CTL_SHOW_QUEUE		CTL_QUEUE_ENTRY ... CTL_END
 *	CTL_SHOW_CALLS		CTL_CALL_ENTRY ... CTL_END, oldest first
 *	CTL_SHOW_USERS		CTL_USER_ENTRY ... CTL_END
 *	CTL_SHOW_PLAN		CTL_PLAN
 *	CTL_SHOW_RULES		CTL_RULE_ENTRY ... CTL_END
 *	CTL_SHOW_CALL_USERS	CTL_CALL_USER_ENTRY ... CTL_END, oldest first
 *	CTL_SHOW_ARRIVALS	CTL_ARRIVALS ... CTL_END, oldest first
 *	CTL_SHOW_MESSAGE	CTL_MESSAGE_ENTRY, CTL_MESSAGE_RCPT ... CTL_END
 *	all others		CTL_RESULT
 *
 * A request that fails is answered by a CTL_RESULT with an errno and words
 * for the operator, also where entries were sent before.  Answers carry the
 * id of their request.  Times are time_t, money is in 1/1000.
 */
#ifndef RELAYD_CTL_H
#define RELAYD_CTL_H

#include <stdint.h>

#include "proto.h"

enum ctl_state {			/* of the line */
	CTL_STATE_IDLE,			/* no call */
	CTL_STATE_OPENING,		/* the parent opens the device */
	CTL_STATE_DIALLING,		/* modem set up, number dialled */
	CTL_STATE_LINKING,		/* connected; PPP or `up` at work */
	CTL_STATE_WINDOW,		/* mail passes */
	CTL_STATE_CLOSING,		/* connections and link go down */
	CTL_STATE_HANGUP,		/* modem hangs up */
	CTL_STATE_COUNT
};

#define CTL_RESULT_MAX	24		/* "ok", "busy", ... and the NUL */
#define CTL_CURRENCY_MAX	16	/* "EUR"; "": none is configured */

/* One call, as the ledger has it.  A call in progress has closed == 0. */
struct ctl_call {
	uint64_t	 call;		/* its number; 0: there is no call */
	int64_t		 opened;	/* ledger entry made */
	int64_t		 dialled;	/* 0: it never came to that ... */
	int64_t		 connected;
	int64_t		 up;
	int64_t		 closed;
	uint64_t	 seconds;	/* that the line was (or is) in use */
	uint64_t	 sent;		/* messages to upstream */
	uint64_t	 fetched;	/* messages from upstream */
	uint64_t	 failed;
	uint64_t	 bytes_out;	/* on the wire */
	uint64_t	 bytes_in;
	uint64_t	 mail_out;	/* bytes of messages */
	uint64_t	 mail_in;
	uint64_t	 repeated_out;	/* bytes wasted: moved twice */
	uint64_t	 repeated_in;
	uint64_t	 busy_out;	/* milliseconds in which there was mail
					 * to be sent */
	uint64_t	 busy_in;	/* ... or to be fetched */
	uint32_t	 foreign;	/* somebody else's link was used: no
					 * cost */
	uint64_t	 units;		/* of the tariff */
	uint64_t	 cost;
	uint64_t	 single_cost;	/* what a call for one of its messages
					 * would have cost; 0: not known */
	uint64_t	 worst_seconds;	/* reckoned with before the call */
	uint64_t	 worst_cost;
	char		 line[PROTO_NAME_MAX];
	char		 number[PROTO_NAME_MAX];
	char		 result[CTL_RESULT_MAX];
	char		 why[PROTO_TEXT_MAX];	/* it was dialled */
	char		 connect[PROTO_NAME_MAX]; /* "CONNECT 33600/V42" */
	char		 reason[PROTO_TEXT_MAX]; /* of the result, in words */
};

struct ctl_summary {
	int64_t		 now;		/* dialerd's wall clock */
	int64_t		 started;	/* dialerd */
	uint32_t	 state;		/* enum ctl_state */
	uint32_t	 hold;		/* 1: relayctl hold */
	uint32_t	 spoold;	/* 1: its pipe is there */
	uint32_t	 fetchd;
	uint64_t	 queue_messages;	/* waiting for the line */
	uint64_t	 queue_bytes;
	int64_t		 queue_oldest;	/* 0: none */

	/* The call in progress; call.call is 0 when there is none. */
	struct ctl_call	 call;
	uint64_t	 window_seconds; /* since link up; 0 before */
	uint64_t	 window_max;
	uint64_t	 todo_out;	/* messages still to send */
	uint64_t	 todo_out_bytes;
	uint64_t	 todo_in;	/* messages still to fetch, if known */
	uint64_t	 todo_in_bytes;
	uint64_t	 rate_out;	/* bytes a second of late */
	uint64_t	 rate_in;
	int64_t		 unit_ends;	/* wall clock: the next unit would
					 * begin; 0: none will, or no call */

	struct ctl_call	 last;		/* last finished call */
	int64_t		 last_good;	/* last window that did its work */

	/* The plan. */
	int64_t		 next;		/* not before; 0: no time is set */
	char		 next_why[PROTO_TEXT_MAX];

	/* What was spent: calendar day and month. */
	uint64_t	 day_calls;
	uint64_t	 day_seconds;
	uint64_t	 day_cost;
	uint64_t	 month_calls;
	uint64_t	 month_seconds;
	uint64_t	 month_cost;
	char		 currency[CTL_CURRENCY_MAX];
};

struct ctl_user {			/* one registered user */
	char		 name[PROTO_NAME_MAX];
	uint64_t	 messages;	/* in the mailbox */
	uint64_t	 bytes;
	uint32_t	 accounts;	/* fetched from, since dialerd began */
	uint32_t	 error;		/* 0: the last fetch of all went well */
	uint64_t	 fetched;	/* messages in the last window */
	uint64_t	 fetched_bytes;
	int64_t		 finished;	/* last fetch; 0: none yet */
	char		 text[PROTO_TEXT_MAX];	/* what went wrong */
};

/* If it were dialled now. */
struct ctl_plan {
	int64_t		 now;
	uint64_t	 messages;	/* to send, bulk too if it fits */
	uint64_t	 bytes;
	uint64_t	 bulk;		/* of them */
	uint64_t	 fetch;		/* messages expected, from the past */
	uint64_t	 fetch_bytes;
	uint64_t	 setup;		/* seconds to link up; */
	uint64_t	 answer;	/* of them that are not billed */
	uint64_t	 rate_out;	/* bytes a second reckoned with */
	uint64_t	 rate_in;
	uint64_t	 measured;	/* windows that the rates are from */
	uint64_t	 seconds;	/* billed, expected */
	uint64_t	 units;
	uint64_t	 cost;
	uint64_t	 worst_seconds;
	uint64_t	 worst_cost;
	uint32_t	 dial;		/* 1: it will be dialled now */
	int64_t		 next;		/* else not before; 0: unknown */
	char		 line[PROTO_NAME_MAX];
	char		 number[PROTO_NAME_MAX];
	char		 why[PROTO_TEXT_MAX];	/* of dial or next */
	char		 currency[CTL_CURRENCY_MAX];
};

enum ctl_rule_kind {
	CTL_RULE_CONDITION,
	CTL_RULE_RESTRAINT
};

/* One condition or restraint of the policy, and how it stands. */
struct ctl_rule {
	uint32_t	 kind;		/* enum ctl_rule_kind */
	uint32_t	 line;		/* of the config; 0: none */
	uint32_t	 met;		/* it holds; a restraint forbids */
	int64_t		 when;		/* it changes; 0: not known, never */
	char		 rule[PROTO_TEXT_MAX];	/* as in the config */
	char		 text[PROTO_TEXT_MAX];	/* "7 of 10 messages wait" */
};

struct ctl_call_user {			/* what a call did for a user */
	uint64_t	 call;
	int64_t		 opened;	/* of the call */
	uint64_t	 sent;		/* messages */
	uint64_t	 sent_bytes;
	uint64_t	 fetched;
	uint64_t	 fetched_bytes;
	char		 user[PROTO_NAME_MAX];	/* "" is nobody here */
};

/* "idle", "dialling", ...; "unknown" for what is none. */
const char	*ctl_state_name(uint32_t);

#endif
