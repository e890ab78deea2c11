/*
 * relayctl's commands as a tree of tables, from which matching by prefix,
 * help and usage are derived.
 */
#ifndef RELAYCTL_COMMAND_H
#define RELAYCTL_COMMAND_H

#include <stdint.h>
#include <stdio.h>

#include "proto.h"

enum command_argument {
	ARG_NONE,
	ARG_COUNT,
	ARG_MESSAGE,		/* the id of one */
	ARG_SELECT		/* messages: id, from A, to A, all */
};

struct command {
	const char		*word;
	const char		*help;
	const struct command	*below;		/* or */
	uint32_t		 type;		/* CTL_* to send; */
	uint32_t		 value;		/* its uint32 payload, if any */
	int			 has_value;
	enum command_argument	 argument;	/* COUNT is optional */
};

struct request {
	const struct command	*command;
	uint32_t		 value;
	int			 has_value;
	struct proto_message_ask message;	/* of MESSAGE and SELECT */
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
/*
 * What the request sends: *data and its length, or NULL and 0.
 */
void	 command_payload(const struct request *, const void **, size_t *);
/* The words that may follow at this level, with their help. */
void	 command_help(FILE *, const struct request *);

#endif
