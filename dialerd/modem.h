/* See LICENSE for the terms. */
/*
 * The dialogue with a modem: ITU-T V.250 commands and result codes, in words
 * and in digits, with or without echo.  Pure: bytes and time-outs in, bytes
 * and a decision out; tty.c drives it on a descriptor.
 *
 * After every call the driver writes modem_output, looks at modem_status,
 * and, where the epoch has changed, arms its one timer with modem_wait.
 */
#ifndef DIALERD_MODEM_H
#define DIALERD_MODEM_H

#include <sys/types.h>
#include <stdint.h>

#include "conf.h"

enum modem_result {
	MODEM_NOTHING,			/* noise, echo, reports */
	MODEM_OK,
	MODEM_CONNECT,
	MODEM_RING,
	MODEM_NO_CARRIER,
	MODEM_ERROR,
	MODEM_NO_DIALTONE,
	MODEM_BUSY,
	MODEM_NO_ANSWER,
	MODEM_VOICE,
	MODEM_BLACKLISTED,
	MODEM_DELAYED,
	/* Not from the modem. */
	MODEM_SILENT,			/* no result within the answer time */
	MODEM_DEAD,			/* answers no command; no device */
	MODEM_CHAT			/* connected, but the chat failed */
};

enum modem_status {
	MODEM_WORKING,			/* in a dialogue */
	MODEM_CONNECTED,		/* data from here on */
	MODEM_FAILED,			/* modem_result says why */
	MODEM_LOST,			/* NO CARRIER among the data */
	MODEM_DOWN			/* hung up, as far as can be told */
};

#define MODEM_LINE_MAX	128		/* of a result; more is cut off */
#define MODEM_CMD_MAX	256		/* of a command, its CR included */
#define MODEM_INIT_MAX	16

/* Longest wait for CONNECT: an unanswered call is given up within two
 * minutes (L5), the time to abort it included. */
#define MODEM_ANSWER_MAX	115	/* seconds */

/* No modem keeps a number back for longer: it was noise. */
#define MODEM_DELAY_MAX	86400	/* seconds */

struct modem {
	int		 state;		/* modem.c */
	enum modem_status status;
	enum modem_result result;
	int		 dialled;	/* ATD was sent */
	int		 online;	/* CONNECT came, hung up not yet */
	int		 digits;	/* result codes come as digits */
	int		 dtr_low;	/* DTR, if there is one, is to be low */
	uint32_t	 guard_ms;	/* silence around +++ */

	size_t		 ninit;
	char		 init[MODEM_INIT_MAX][MODEM_CMD_MAX];
	char		 dial[MODEM_CMD_MAX];
	uint32_t	 answer_ms;
	size_t		 next;		/* init command to send */
	int		 tries;		/* of waking a silent modem */
	int		 rang;		/* RING came, of late */
	int		 rings;

	char		 line[MODEM_LINE_MAX];
	size_t		 linelen;
	char		 text[MODEM_LINE_MAX];	/* the decisive line */
	const char	*reason;

	char		 out[MODEM_CMD_MAX];
	size_t		 outlen;
	uint32_t	 wait_ms;
	uint32_t	 epoch;		/* of wait_ms: new with each state */
};

/*
 * Begins to dial: init commands one by one, then the number, by tone or
 * pulse; answer in seconds, at most MODEM_ANSWER_MAX.  0, or -1 with errno
 * when a command or the number is too long (E2BIG) or has a character that
 * a command cannot have (EINVAL).
 */
int	 modem_dial(struct modem *, const struct strlist *init,
	    const char *number, int pulse, uint64_t answer);
/*
 * Hangs up, in any state; quiet_ms is how long nothing has been sent to
 * the modem, which saves the first guard time.  With others the parent's
 * keeper is about to do the same on the same device: two escape sequences
 * at once are none, so it gets the first try.
 */
void	 modem_hangup(struct modem *, uint64_t quiet_ms, int others);
/*
 * Bytes from the modem.  Returns how many were taken: less than len when
 * the last of them ended a CONNECT, what follows being data.
 */
size_t	 modem_input(struct modem *, const uint8_t *, size_t len);
/* The time of modem_wait has passed and the epoch is still the same. */
void	 modem_timeout(struct modem *);

/* Bytes to send now; taking them empties the buffer. */
size_t	 modem_output(struct modem *, uint8_t *, size_t size);
/* Milliseconds until modem_timeout is due; 0: no timer. */
uint32_t modem_wait(const struct modem *);

enum modem_status modem_status(const struct modem *);
/* Words for a failure, or the CONNECT line; never NULL. */
const char	*modem_text(const struct modem *);

/*
 * What a line without its end is; digits is set to 1 where it came as a
 * number, and for these *text is given the words.
 */
enum modem_result modem_parse(const char *line, int *digits,
	    const char **text);
/*
 * Seconds for which a modem that said DELAYED does not dial the number, as
 * far as its text tells; 0: it does not.
 */
uint64_t	 modem_delay(const char *text);
/* "busy", "no-carrier", ... as the ledger has it. */
const char	*modem_result_name(enum modem_result);

#endif
