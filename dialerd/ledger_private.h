/* See LICENSE for the terms. */
/*
 * What the ledger's own files share: ledger.c reads and writes the file,
 * ledger_query.c answers from it.
 */
#ifndef DIALERD_LEDGER_PRIVATE_H
#define DIALERD_LEDGER_PRIVATE_H

#include <sys/types.h>

#include "ledger.h"
#include "ledger_line.h"

/* Lines by name; those that come after so many are one. */
#define LEDGER_NAMES_MAX	32

struct item {
	uint64_t	 call;
	int64_t		 opened;
	int64_t		 seen;		/* by a clock before that; 0: not */
	int64_t		 closed;	/* 0: open */
	int64_t		 up;
	uint64_t	 seconds;	/* worst case while open */
	uint64_t	 cost;
	uint64_t	 left;
	off_t		 open_at;	/* place of its line; -1: none */
	off_t		 close_at;
	int		 good;
	int		 request;	/* of the operator: a series begins */
	int		 spared;	/* no fault of its line */
	unsigned int	 name;		/* of its line: an index */
};

struct ledger {
	int		 fd;
	off_t		 size;
	int		 torn;		/* there is more in the file */
	uint64_t	 next;		/* number of the next call */
	int		 held;
	int		 held_written;	/* the same, once that is on disk */
	time_t		 held_at;
	off_t		 held_place;	/* of its line */
	struct item	*items;		/* oldest first */
	size_t		 count;
	size_t		 room;
	char		 pending[LEDGER_LINE_MAX];	/* not written yet */
	size_t		 pending_len;
	unsigned int	 nnames;
	char		 names[LEDGER_NAMES_MAX][PROTO_NAME_MAX];
};

#endif
