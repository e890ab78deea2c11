/* See LICENSE for the terms. */
/*
 * relayctl's commands as a tree of tables, from which matching by prefix,
 * help and usage are derived.
 */
#ifndef RELAYCTL_COMMAND_H
#define RELAYCTL_COMMAND_H

#include <stdint.h>
#include <stdio.h>

#include "proto.h"

/* What a command does; RUN_NONE: it wants another word. */
enum command_run {
	RUN_NONE,
	RUN_REQUEST,			/* sends `type`, shows the answer */
	RUN_EXPLAIN,
	RUN_DOVECOT,
	RUN_REPORT,
	RUN_SIMULATE,
	RUN_WATCH
};

enum command_argument {
	ARG_NONE,
	ARG_COUNT,			/* perhaps a number */
	ARG_MESSAGE,			/* the id of one */
	ARG_SELECT,			/* messages: id, from A, to A, all */
	ARG_REST			/* the command's own words */
};

/* Of a report; these of the words on the way to a command are joined. */
#define COMMAND_DAY	0x01
#define COMMAND_WEEK	0x02
#define COMMAND_MONTH	0x04
#define COMMAND_USER	0x10
#define COMMAND_LINE	0x20

struct command {
	const char		*word;		/* NULL: end of the table */
	const char		*help;
	const struct command	*below;		/* words that may follow */
	enum command_run	 run;
	uint32_t		 type;		/* CTL_* of RUN_REQUEST; */
	uint32_t		 value;		/* its uint32 payload, if any */
	int			 has_value;
	unsigned int		 flags;		/* COMMAND_* */
	enum command_argument	 argument;	/* before what is below */
};

struct request {
	const struct command	*command;
	uint32_t		 value;		/* payload, or the number */
	int			 has_value;
	struct proto_message_ask message;	/* of MESSAGE and SELECT */
	unsigned int		 flags;
	int			 argc;		/* of ARG_REST */
	char *const		*argv;
	int			 help;		/* asked for: level is shown */
	const struct command	*level;
	char			 words[128];	/* of the level, for usage */
};

/*
 * Matches the words against the tree.  0, or -1 with what is wrong in
 * error; level then is the table in which it was, for command_help.
 */
int	 command_parse(struct request *, int argc, char *const argv[],
	    char *error, size_t size);
/* What the request sends: *data and its length, or NULL and 0. */
void	 command_payload(const struct request *, const void **, size_t *);
/* The words that may follow at this level, with their help. */
void	 command_help(FILE *, const struct request *);

#endif
