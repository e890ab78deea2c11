/* What the emulated modem, its line and its numbers do. */
#ifndef REGRESS_SCRIPT_H
#define REGRESS_SCRIPT_H

#include <sys/queue.h>
#include "wire.h"

struct action {
	TAILQ_ENTRY(action)	 entry;
	const char		*name;
	const char		*text;		/* the result code */
	int			 connect;
	int			 silence;
	uint64_t		 drop_bytes;
	uint64_t		 drop_seconds;
};

struct number {
	TAILQ_ENTRY(number)	 entry;
	char			*digits;
	TAILQ_HEAD(, action)	 actions;	/* the next one first */
};

struct script {
	struct wire_conf	 wire;
	uint64_t		 answer;	/* milliseconds */
	char			*connect;
	char			*exec;
	char			*banner;
	int			 mute;
	int			 noise;
	int			 digits;
	int			 online;
	uint64_t		 late;		/* milliseconds */
	uint64_t		 deaf;		/* command lines */
	uint64_t		 rings;
	TAILQ_HEAD(, number)	 numbers;
};

/* Reads a script; exits with a message where it is wrong. */
void			 script_read(struct script *, const char *path);
/* What a call to this number does; unknown numbers do not answer. */
const struct action	*script_dial(struct script *, const char *digits);

#endif
