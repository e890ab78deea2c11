/* See LICENSE for the terms. */
/*
 * The dialogue with a modem, as a state machine.  Results are lines ended by
 * CR or LF (V.250 5.7.1: CR LF text CR LF in words, text CR in digits);
 * whatever is no result is noise: echo, reports of the carrier, garbage.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "modem.h"

/* Time-outs, in milliseconds. */
#define COMMAND_MS	3000	/* slow modems take two for ATZ */
#define LATE_MS		10000	/* ... and one that was late once, this */
#define OWED_MS		5000	/* for the answer to the command before */
#define RING_MS		8000	/* rings come every six seconds at most */
#define PAUSE_MS	100	/* V.250 5.2.1: between result and command */
#define WAKE_MS		3000	/* a modem that does not answer: ATZ again */
#define ABORT_MS	3000	/* from the CR that aborts to NO CARRIER */
#define GUARD_MS	1050	/* escape guard: S12 is 50 units of 20 ms */
#define SHORT_GUARD_MS	450	/* ... and with what SHORT_GUARD sets */
#define ESCAPE_MS	400	/* from the guard after +++ to OK */
#define OTHERS_MS	4000	/* the keeper tries short guards, then long */
#define SHORT_OTHERS_MS	1100	/* its first try will do */
#define REGISTER_MS	1500	/* answer to SHORT_GUARD; it need not know it */
/* The CR first ends what the line may have left in the modem's buffer. */
#define HANG_UP		"\rATH\r"
#define ATH_MS		3000	/* from ATH to OK or NO CARRIER */
#define CONNECT_LF_MS	100	/* the LF after the CR of CONNECT */

/*
 * A line must be down within two seconds of a fault, and two guards of a
 * second each are more than that.  parent/keeper.c relies on it too.
 */
/* Before that: nobody but us answers the telephone (S0=0), or not we. */
#define SHORT_GUARD	"ATS0=0S12=20\r"

#define WAKE_TRIES	3	/* ATZ alone; DTR, escape and ATZ; ATZ alone */
#define RINGS_MAX	6	/* of a caller who does not give up */

enum {
	IDLE,
	INIT,			/* a command was sent, OK is awaited */
	INIT_PAUSE,
	REGISTER,		/* SHORT_GUARD was sent, like INIT but free */
	DIAL_PAUSE,
	RINGING,		/* somebody calls: dialling would answer */
	WAKE_GUARD,		/* it may be online: silence, then +++ */
	WAKE_ESCAPE,
	WAKE,			/* ATZ was sent */
	OWED,			/* OK came, perhaps to what was before it */
	DIAL,			/* ATD was sent */
	ABORT,			/* CR was sent in the middle of that */
	CONNECT_LF,
	ONLINE,
	HANG_ABORT,		/* as ABORT, and then ATH */
	HANG_OTHERS,		/* the keeper tries */
	HANG_GUARD,
	HANG_ESCAPE,
	HANG_ATH,
	END
};

static const struct word {
	const char		*word;
	enum modem_result	 result;
} words[] = {
	{ "OK",			MODEM_OK },
	{ "CONNECT",		MODEM_CONNECT },
	{ "RING",		MODEM_RING },
	{ "NO CARRIER",		MODEM_NO_CARRIER },
	{ "ERROR",		MODEM_ERROR },
	{ "COMMAND ERROR",	MODEM_ERROR },
	{ "+CME ERROR",		MODEM_ERROR },
	{ "NO DIALTONE",	MODEM_NO_DIALTONE },
	{ "NO DIAL TONE",	MODEM_NO_DIALTONE },
	{ "BUSY",		MODEM_BUSY },
	{ "NO ANSWER",		MODEM_NO_ANSWER },
	{ "VOICE",		MODEM_VOICE },
	{ "BLACKLISTED",	MODEM_BLACKLISTED },
	{ "BLACK LISTED",	MODEM_BLACKLISTED },
	{ "DELAYED",		MODEM_DELAYED }
};

/* V.250 table 1 to 8; above that what most makers have agreed on. */
static const struct number {
	int			 code;
	enum modem_result	 result;
	const char		*text;
} numbers[] = {
	{ 0,	MODEM_OK,		"OK" },
	{ 1,	MODEM_CONNECT,		"CONNECT" },
	{ 2,	MODEM_RING,		"RING" },
	{ 3,	MODEM_NO_CARRIER,	"NO CARRIER" },
	{ 4,	MODEM_ERROR,		"ERROR" },
	{ 5,	MODEM_CONNECT,		"CONNECT 1200" },
	{ 6,	MODEM_NO_DIALTONE,	"NO DIALTONE" },
	{ 7,	MODEM_BUSY,		"BUSY" },
	{ 8,	MODEM_NO_ANSWER,	"NO ANSWER" },
	{ 9,	MODEM_CONNECT,		"CONNECT 600" },
	{ 10,	MODEM_CONNECT,		"CONNECT 2400" },
	{ 11,	MODEM_CONNECT,		"CONNECT 4800" },
	{ 12,	MODEM_CONNECT,		"CONNECT 9600" },
	{ 13,	MODEM_CONNECT,		"CONNECT 7200" },
	{ 14,	MODEM_CONNECT,		"CONNECT 12000" },
	{ 15,	MODEM_CONNECT,		"CONNECT 14400" },
	{ 16,	MODEM_CONNECT,		"CONNECT 19200" },
	{ 17,	MODEM_CONNECT,		"CONNECT 38400" },
	{ 18,	MODEM_CONNECT,		"CONNECT 57600" },
	{ 19,	MODEM_CONNECT,		"CONNECT 115200" },
	{ 24,	MODEM_DELAYED,		"DELAYED" },
	{ 32,	MODEM_BLACKLISTED,	"BLACKLISTED" },
	{ 59,	MODEM_CONNECT,		"CONNECT 16800" },
	{ 61,	MODEM_CONNECT,		"CONNECT 21600" },
	{ 62,	MODEM_CONNECT,		"CONNECT 24000" },
	{ 63,	MODEM_CONNECT,		"CONNECT 26400" },
	{ 64,	MODEM_CONNECT,		"CONNECT 28800" },
	{ 84,	MODEM_CONNECT,		"CONNECT 33600" },
	{ 91,	MODEM_CONNECT,		"CONNECT 31200" }
};

static const char * const names[] = {
	"none", "ok", "connect", "ring", "no-carrier", "error", "no-dialtone",
	"busy", "no-answer", "voice", "blacklisted", "delayed", "silent",
	"no-modem", "chat"
};

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

const char *
modem_result_name(enum modem_result result)
{
	return (names[result]);
}

/* Of "DELAYED 00:02:30", "DELAYED (02:30)", "DELAYED 150": the last up to
 * three numbers, of which the last are seconds. */
uint64_t
modem_delay(const char *text)
{
	uint64_t	 sum = 0, n;
	size_t		 digits;

	if (strncasecmp(text, "DELAYED", 7) != 0)
		return (0);
	text += strcspn(text, "0123456789");
	for (;;) {
		for (n = digits = 0; *text >= '0' && *text <= '9'; text++) {
			n = n * 10 + (uint64_t)(*text - '0');
			if (++digits > 6)
				return (0);
		}
		sum = sum * 60 + n;
		if (*text++ != ':' || *text < '0' || *text > '9')
			break;
		if (sum > MODEM_DELAY_MAX)
			break;
	}
	return (sum > MODEM_DELAY_MAX ? MODEM_DELAY_MAX : sum);
}

/* At most three digits: a rate alone is more, and is noise. */
static enum modem_result
parse_number(const char *line, const char **text)
{
	size_t	 i, len = strlen(line);
	int	 code = 0;

	if (len == 0 || len > 3)
		return (MODEM_NOTHING);
	for (i = 0; i < len; i++) {
		if (line[i] < '0' || line[i] > '9')
			return (MODEM_NOTHING);
		code = code * 10 + (line[i] - '0');
	}
	for (i = 0; i < NITEMS(numbers); i++) {
		if (numbers[i].code != code)
			continue;
		*text = numbers[i].text;
		return (numbers[i].result);
	}
	return (MODEM_NOTHING);
}

enum modem_result
modem_parse(const char *line, int *digits, const char **text)
{
	enum modem_result	 result;
	size_t			 i, len;
	char			 end;

	*digits = 0;
	*text = line;
	for (i = 0; i < NITEMS(words); i++) {
		len = strlen(words[i].word);
		if (strncasecmp(line, words[i].word, len) != 0)
			continue;
		/* "CONNECT 33600/V42", "DELAYED 00:30", but not "RINGING" */
		end = line[len];
		if (end == '\0' || end == ' ' || end == '/' || end == ':')
			return (words[i].result);
	}
	if ((result = parse_number(line, text)) != MODEM_NOTHING)
		*digits = 1;
	return (result);
}

/* Append to what is to be sent; there is always room for one command. */
static void
send_text(struct modem *m, const char *text)
{
	size_t	 len = strlen(text);

	if (len > sizeof(m->out) - m->outlen)
		len = sizeof(m->out) - m->outlen;
	memcpy(m->out + m->outlen, text, len);
	m->outlen += len;
}

static void
enter(struct modem *m, int state, uint32_t wait_ms)
{
	m->state = state;
	m->wait_ms = wait_ms;
	m->epoch++;
}

static void
fail(struct modem *m, enum modem_result result, const char *reason)
{
	m->status = MODEM_FAILED;
	m->result = result;
	m->reason = reason;
	enter(m, END, 0);
}

static int
valid_command(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s < ' ' || *s > '~')
			return (0);
	}
	return (1);
}

static int
set_command(char *dst, const char *prefix, const char *s)
{
	int	 n;

	if (!valid_command(s)) {
		errno = EINVAL;
		return (-1);
	}
	n = snprintf(dst, MODEM_CMD_MAX, "%s%s\r", prefix, s);
	if (n < 0 || n >= MODEM_CMD_MAX) {
		errno = E2BIG;
		return (-1);
	}
	return (0);
}

static void
next_command(struct modem *m)
{
	if (m->next < m->ninit) {
		send_text(m, m->init[m->next]);
		enter(m, INIT, m->tries > 0 ? LATE_MS : COMMAND_MS);
		return;
	}
	send_text(m, SHORT_GUARD);
	enter(m, REGISTER, REGISTER_MS);
}

static void
dial_now(struct modem *m)
{
	m->linelen = 0;
	send_text(m, m->dial);
	m->dialled = 1;
	m->rang = 0;
	enter(m, DIAL, m->answer_ms);
}

/* While somebody calls us, to dial would be to answer. */
static void
dial_when_quiet(struct modem *m)
{
	if (m->rang) {
		m->rang = 0;
		enter(m, RINGING, RING_MS);
	} else
		dial_now(m);
}

/* Before the number was sent, and after. */
static void
ring(struct modem *m)
{
	m->rang = 1;
	if (m->dialled || ++m->rings < RINGS_MAX) {
		if (m->state == RINGING)
			dial_when_quiet(m);
		return;
	}
	fail(m, MODEM_RING, "RING: somebody calls");
}

int
modem_dial(struct modem *m, const struct strlist *init, const char *number,
    int pulse, uint64_t answer)
{
	struct strnode	*node;

	memset(m, 0, sizeof(*m));
	m->reason = "";
	m->guard_ms = GUARD_MS;
	TAILQ_FOREACH(node, init, entry) {
		if (m->ninit == MODEM_INIT_MAX) {
			errno = E2BIG;
			return (-1);
		}
		if (set_command(m->init[m->ninit++], "", node->s) == -1)
			return (-1);
	}
	/* Without any, at least find out whether there is a modem. */
	if (m->ninit == 0)
		(void)set_command(m->init[m->ninit++], "", "ATZ");
	if (set_command(m->dial, pulse ? "ATDP" : "ATDT", number) == -1)
		return (-1);
	if (answer > MODEM_ANSWER_MAX)
		answer = MODEM_ANSWER_MAX;
	m->answer_ms = answer == 0 ? 1000 : (uint32_t)answer * 1000;
	next_command(m);
	return (0);
}

static void
hung_up(struct modem *m)
{
	m->online = 0;
	m->status = MODEM_DOWN;
	enter(m, END, 0);
}

static void
hang_command(struct modem *m)
{
	send_text(m, HANG_UP);
	enter(m, HANG_ATH, ATH_MS);
}

static void
hang_escape(struct modem *m)
{
	send_text(m, "+++");
	enter(m, HANG_ESCAPE, m->guard_ms + ESCAPE_MS);
}

static void
hang_online(struct modem *m, uint64_t quiet_ms)
{
	if (quiet_ms >= m->guard_ms)
		hang_escape(m);
	else
		enter(m, HANG_GUARD, m->guard_ms - (uint32_t)quiet_ms);
}

void
modem_hangup(struct modem *m, uint64_t quiet_ms, int others)
{
	m->status = MODEM_WORKING;
	m->linelen = 0;
	m->outlen = 0;
	m->dtr_low = 0;
	if (m->online && others)
		enter(m, HANG_OTHERS, m->guard_ms == SHORT_GUARD_MS ?
		    SHORT_OTHERS_MS : OTHERS_MS);
	else if (m->online)
		hang_online(m, quiet_ms);
	else if (m->state == DIAL || m->state == ABORT) {
		send_text(m, "\r");
		enter(m, HANG_ABORT, ABORT_MS);
	} else if (m->state == IDLE || m->result == MODEM_DEAD)
		hung_up(m);
	else
		hang_command(m);
}

static void
connected(struct modem *m, int digits)
{
	m->result = MODEM_CONNECT;
	m->online = 1;
	m->reason = m->text;
	if (digits) {
		m->status = MODEM_CONNECTED;
		enter(m, ONLINE, 0);
	} else
		enter(m, CONNECT_LF, CONNECT_LF_MS);
}

static void
dial_result(struct modem *m, enum modem_result result, int digits)
{
	switch (result) {
	case MODEM_CONNECT:
		connected(m, digits);
		break;
	case MODEM_NOTHING:
	case MODEM_RING:
		break;
	case MODEM_OK:
		/* Of an earlier command, or of a dial string that ended in
		 * ";": neither is a call. */
		break;
	case MODEM_NO_CARRIER:
	case MODEM_ERROR:
		if (m->rang) {
			fail(m, MODEM_RING, "RING: two calls have met");
			break;
		}
		/* FALLTHROUGH */
	default:
		fail(m, result, m->text);
		break;
	}
}

static void
init_result(struct modem *m, enum modem_result result)
{
	if (result == MODEM_OK) {
		m->next++;
		enter(m, INIT_PAUSE, PAUSE_MS);
	} else if (result == MODEM_ERROR) {
		/* Not which: there may be a PIN in it. */
		snprintf(m->text, sizeof(m->text),
		    "init command %zu refused", m->next + 1);
		fail(m, MODEM_ERROR, m->text);
	}
}

/* CR was sent to give up; a CONNECT that crossed it must be hung up. */
static void
abort_result(struct modem *m, enum modem_result result)
{
	if (result == MODEM_CONNECT)
		m->online = 1;
	if (result != MODEM_NOTHING && result != MODEM_RING)
		fail(m, MODEM_SILENT, "no result within the answer time");
}

static void
escape_result(struct modem *m, enum modem_result result)
{
	if (result == MODEM_OK)
		hang_command(m);
	else if (result == MODEM_NO_CARRIER)
		hung_up(m);
}

static void
hang_abort_result(struct modem *m, enum modem_result result)
{
	if (result == MODEM_CONNECT) {
		m->online = 1;
		hang_online(m, 0);
	} else if (result != MODEM_NOTHING && result != MODEM_RING)
		hang_command(m);
}

static void
register_result(struct modem *m, enum modem_result result)
{
	if (result != MODEM_OK && result != MODEM_ERROR)
		return;
	if (result == MODEM_OK)
		m->guard_ms = SHORT_GUARD_MS;
	enter(m, DIAL_PAUSE, PAUSE_MS);
}

static void
wake_result(struct modem *m, enum modem_result result)
{
	if (result != MODEM_OK)
		return;
	m->next = 0;
	/* The answer to the first command may only be late, and that to ATZ
	 * must not be taken for another's. */
	if (m->state == WAKE && m->tries == 1)
		enter(m, OWED, OWED_MS);
	else
		enter(m, INIT_PAUSE, PAUSE_MS);
}

static void
online_result(struct modem *m, enum modem_result result)
{
	if (result != MODEM_NO_CARRIER)
		return;
	m->online = 0;
	m->status = MODEM_LOST;
	m->reason = "NO CARRIER";
	enter(m, END, 0);
}

static void
hang_result(struct modem *m, enum modem_result result)
{
	switch (m->state) {
	case HANG_ABORT:
		hang_abort_result(m, result);
		break;
	case HANG_GUARD:
		if (result == MODEM_NO_CARRIER)
			hung_up(m);
		break;
	case HANG_OTHERS:
	case HANG_ESCAPE:
		escape_result(m, result);
		break;
	case HANG_ATH:
		if (result == MODEM_CONNECT) {
			/* Answered after all, before it could be aborted. */
			m->online = 1;
			hang_online(m, 0);
		} else if (result == MODEM_OK || result == MODEM_NO_CARRIER ||
		    result == MODEM_ERROR)
			hung_up(m);
		break;
	}
}

static void
handle_line(struct modem *m)
{
	enum modem_result	 result;
	const char		*text;
	int			 digits;

	result = modem_parse(m->line, &digits, &text);
	if (result == MODEM_NOTHING)
		return;
	if (result == MODEM_RING && m->state != IDLE && m->state <= DIAL) {
		ring(m);
		return;
	}
	/* Digits among the data are data, unless the modem speaks so. */
	if (digits && m->state == ONLINE && !m->digits)
		return;
	m->digits = digits;
	if (m->state == INIT || m->state == DIAL)
		strlcpy(m->text, text, sizeof(m->text));
	switch (m->state) {
	case INIT:
		init_result(m, result);
		break;
	case REGISTER:
		register_result(m, result);
		break;
	case WAKE:
	case OWED:
		wake_result(m, result);
		break;
	case DIAL:
		dial_result(m, result, digits);
		break;
	case ABORT:
		abort_result(m, result);
		break;
	case ONLINE:
		online_result(m, result);
		break;
	default:
		hang_result(m, result);
		break;
	}
}

static void
handle_byte(struct modem *m, uint8_t c)
{
	if (c == '\r' || c == '\n') {
		while (m->linelen > 0 && m->line[m->linelen - 1] == ' ')
			m->linelen--;
		if (m->linelen > 0) {
			m->line[m->linelen] = '\0';
			m->linelen = 0;
			handle_line(m);
		}
		return;
	}
	/* Plugs and switches make such bytes: nothing begins with them. */
	if (c == '\0' || (m->linelen == 0 && (c <= ' ' || c > '~')))
		return;
	if (m->linelen < sizeof(m->line) - 1)
		m->line[m->linelen++] = c >= ' ' && c <= '~' ? (char)c : '?';
}

size_t
modem_input(struct modem *m, const uint8_t *buf, size_t len)
{
	enum modem_status	 before;
	size_t			 i;

	for (i = 0; i < len; i++) {
		if (m->state == CONNECT_LF) {
			m->status = MODEM_CONNECTED;
			enter(m, ONLINE, 0);
			return (buf[i] == '\n' ? i + 1 : i);
		}
		before = m->status;
		handle_byte(m, buf[i]);
		if (before != MODEM_CONNECTED && m->status == MODEM_CONNECTED)
			return (i + 1);
	}
	return (len);
}

/* Nothing answers: try harder, then say so. */
static void
wake(struct modem *m)
{
	m->linelen = 0;
	if (m->tries++ == WAKE_TRIES) {
		fail(m, MODEM_DEAD, "no answer from the modem");
		return;
	}
	if (m->tries == 2) {
		/* It hangs, or it is online still and takes commands for
		 * data: what DTR does not mend, +++ may. */
		m->dtr_low = 1;
		enter(m, WAKE_GUARD, GUARD_MS);
		return;
	}
	send_text(m, "\rATZ\r");
	enter(m, WAKE, WAKE_MS);
}

/* No OK to +++: with long guards then, and last on the off-chance that it
 * has heard all the same. */
static void
escape_timeout(struct modem *m)
{
	if (m->guard_ms == GUARD_MS) {
		hang_command(m);
		return;
	}
	m->guard_ms = GUARD_MS;
	enter(m, HANG_GUARD, GUARD_MS);
}

static void
hang_timeout(struct modem *m)
{
	switch (m->state) {
	case HANG_ABORT:
		hang_command(m);
		break;
	case HANG_OTHERS:
	case HANG_GUARD:
		hang_escape(m);
		break;
	case HANG_ESCAPE:
		escape_timeout(m);
		break;
	case HANG_ATH:
		hung_up(m);
		break;
	}
}

void
modem_timeout(struct modem *m)
{
	m->wait_ms = 0;
	switch (m->state) {
	case INIT:
	case WAKE:
		wake(m);
		break;
	case OWED:
	case INIT_PAUSE:
		next_command(m);
		break;
	case REGISTER:
	case DIAL_PAUSE:
	case RINGING:
		dial_when_quiet(m);
		break;
	case WAKE_GUARD:
		m->dtr_low = 0;
		send_text(m, "+++");
		enter(m, WAKE_ESCAPE, GUARD_MS + ESCAPE_MS);
		break;
	case WAKE_ESCAPE:
		send_text(m, HANG_UP);
		enter(m, WAKE, WAKE_MS);
		break;
	case DIAL:
		/* V.250 6.3.1: any character aborts. */
		send_text(m, "\r");
		enter(m, ABORT, ABORT_MS);
		break;
	case ABORT:
		fail(m, MODEM_SILENT, "no result within the answer time");
		break;
	case CONNECT_LF:
		m->status = MODEM_CONNECTED;
		enter(m, ONLINE, 0);
		break;
	default:
		hang_timeout(m);
		break;
	}
}

size_t
modem_output(struct modem *m, uint8_t *buf, size_t size)
{
	size_t	 len = m->outlen < size ? m->outlen : size;

	memcpy(buf, m->out, len);
	memmove(m->out, m->out + len, m->outlen - len);
	m->outlen -= len;
	return (len);
}

uint32_t
modem_wait(const struct modem *m)
{
	return (m->wait_ms);
}

enum modem_status
modem_status(const struct modem *m)
{
	return (m->status);
}

const char *
modem_text(const struct modem *m)
{
	return (m->reason);
}
