/* See LICENSE for the terms. */
/*
 * One line of the ledger of calls.  Pure.
 *
 *	call=12 event=open time=1700000000 line=v34 number=0570001234
 *	    worst_seconds=1095 worst_cost=60000 why="messages 20"
 *	call=12 event=close time=1700000300 dialled=... result=ok ...
 *	call=12 event=user time=1700000290 user=alice sent=3 sent_bytes=9000
 *	    fetched=0 fetched_bytes=0
 *	call=12 event=hold time=1700000400
 *	call=12 event=release time=1700000500
 *
 * each on one line.  Keys that are not known are skipped, so that a later
 * version may add some.
 */
#ifndef DIALERD_LEDGER_LINE_H
#define DIALERD_LEDGER_LINE_H

#include <sys/types.h>

#include "ctl.h"

/* Longest line, its LF included: every field at its longest, quoted. */
#define LEDGER_LINE_MAX	4096

enum ledger_event {
	LEDGER_OPEN,
	LEDGER_CLOSE,
	LEDGER_HOLD,			/* relayctl hold, after that call */
	LEDGER_RELEASE,
	LEDGER_USER,			/* what the call did for a user */
	LEDGER_OTHER			/* of a later version */
};

struct ledger_line {
	enum ledger_event event;
	int64_t		 time;
	uint64_t	 left;		/* messages left, of a close */
	int		 good;		/* close: the window did its work */
	/* Of a user, beside call.sent and call.fetched. */
	uint64_t	 sent_bytes;
	uint64_t	 fetched_bytes;
	char		 user[PROTO_NAME_MAX];
	struct ctl_call	 call;		/* those fields that the event has */
};

/*
 * Writes the line and its LF, without a NUL, to buf.  The length, or -1
 * with ENOBUFS.
 */
ssize_t	 ledger_line_format(const struct ledger_line *, char *buf,
	    size_t size);
/*
 * Reads a line, without its LF.  0, or -1 with EINVAL when it is none; text
 * that is too long for its field is cut.
 */
int	 ledger_line_parse(const char *line, size_t len,
	    struct ledger_line *);

#endif
