/* See LICENSE for the terms. */
/*
 * The chat before the link: strings to expect from the far side and strings
 * to send to it, in turn, as terminal servers want it.  A state machine
 * without I/O and without a clock, like modem.h.
 */
#ifndef DIALERD_CHAT_H
#define DIALERD_CHAT_H

#include <sys/types.h>
#include <stdint.h>

#include "conf.h"

enum chat_status {
	CHAT_WORKING,
	CHAT_DONE,
	CHAT_FAILED			/* chat_text says why */
};

#define CHAT_ABORTS	CONF_CHAT_ABORTS
#define CHAT_STRING	CONF_CHAT_STRING
#define CHAT_HISTORY	1024		/* at least twice a string */

struct chat_string {
	size_t		 len;
	uint8_t		 bytes[CHAT_STRING];
};

struct chat {
	int		 state;		/* chat.c */
	enum chat_status status;
	struct strlist	 script;
	struct strnode	*word;		/* the next one */
	const char	*alternate;	/* what is left of this expect */
	const char	*send;		/* what is left to send */
	const char	*send_end;
	int		 no_cr;		/* \c was there */
	struct chat_string want;
	char		 want_text[CHAT_STRING + 1];	/* as written */

	size_t		 naborts;
	struct chat_string aborts[CHAT_ABORTS];
	uint32_t	 timeout_ms;

	uint8_t		 in[CHAT_HISTORY];	/* not matched yet */
	size_t		 inlen;
	uint8_t		 out[CHAT_STRING];
	size_t		 outlen;
	uint32_t	 wait_ms;
	uint32_t	 epoch;		/* of wait_ms: new with each state */
	char		 text[CHAT_STRING + 64];
};

/*
 * Takes copies of the script, expect first, and of the strings that end it;
 * timeout in seconds for each expect.  0, or -1 with errno when a string is
 * too long or there are too many (E2BIG), or with ENOMEM.
 */
int	 chat_start(struct chat *, const struct strlist *script,
	    const struct strlist *aborts, uint64_t timeout);
/* Overwrites and frees what start took; twice is fine. */
void	 chat_free(struct chat *);
/* Bytes from the far side.  Returns how many were taken: less than len when
 * the chat ended within them. */
size_t	 chat_input(struct chat *, const uint8_t *, size_t len);
/* The time of chat_wait has passed and the epoch is still the same. */
void	 chat_timeout(struct chat *);

/* Bytes to send now: call it until it gives none. */
size_t	 chat_output(struct chat *, uint8_t *, size_t size);
/* Milliseconds until chat_timeout is due; 0: no timer. */
uint32_t chat_wait(const struct chat *);

enum chat_status chat_status(const struct chat *);
/* Words for a failure: never what was sent or what came. */
const char	*chat_text(const struct chat *);

#endif
