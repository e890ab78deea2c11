/* See LICENSE for the terms. */
/*
 * A modem, its telephone line and the far side, on a pseudo-terminal: the
 * stand-in for the hardware that a test machine lacks.
 *
 * usage: modem [-d] -f script [-l link] [-i fifo -o fifo] [-r record]
 *     [-t timeline]
 *
 * The script, one statement a line, '#' begins a comment:
 *	rate BITS		each direction; 0: unpaced
 *	latency MS		one way
 *	buffer BYTES		of the modem, before it pushes back
 *	answer MS		from the last digit to the result
 *	connect TEXT		the result when it connects
 *	mute			no answer to any command
 *	noise			line noise before each answer, and after it
 *	digits			results as digits, until ATV1
 *	late MS			each answer to a command is late by so much
 *	deaf COUNT		so many command lines are not heard
 *	rings COUNT		RING after so many answers to commands
 *	online			begins with a call that somebody left up
 *	forward HOST:PORT HOST:PORT	a TCP port over the line
 *	exec COMMAND		what speaks at the far side of the data
 *	banner TEXT		swallow the far side's bytes up to TEXT
 *	number N ACTION[, ACTION ...]	one per call; the last stays
 * where ACTION is connect, connect drop-bytes N, connect drop-seconds N,
 * busy, no-carrier, no-answer, no-dialtone, voice, blacklisted, delayed,
 * delayed HH:MM:SS, error, collision, silence or garbage.
 *
 * SIGUSR1 drops the carrier, SIGUSR2 rings.  The record has one line a call,
 * the timeline one for each quarter of a second on the line: milliseconds since
 * the start of the machine, then since CONNECT, and the bytes that have
 * crossed from and to the site.
 */

#include <sys/types.h>
#include <sys/wait.h>
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "far.h"
#include "forward.h"
#include "script.h"
#include "wire.h"

#define COMMAND_MAX	256
#define HANGUP_POLL	20000	/* microseconds: a pty tells no opener */
#define ESCAPE_CHAR	'+'
#define TIMELINE_STEP	250	/* milliseconds */

enum state { COMMAND, DIALLING, ONLINE, ESCAPED };

static struct script	 script;
static enum state	 state;
static int		 tty_in = -1, tty_out = -1, is_pty, debug;
static FILE		*record, *timeline;
static struct event	 ev_tty, ev_poll, ev_answer, ev_guard, ev_drop, ev_step;
static struct event	 ev_late;
static struct event	 ev_usr1, ev_usr2, ev_term, ev_wr;

static char		 command[COMMAND_MAX];
static size_t		 ncommand;
static int		 echo = 1, words = 1, quiet;
static unsigned int	 s_register[64];
static int64_t		 last_data;	/* from the DTE, microseconds */
static int		 pluses;

static uint8_t		 out[65536];	/* to the DTE */
static size_t		 nout;

static struct {
	const struct action	*action;
	char			 number[COMMAND_MAX];
	int64_t			 dialled, connected;
} call;

static void	 hang_up(const char *, int);

static void __attribute__((__format__(printf, 1, 2)))
note(const char *fmt, ...)
{
	va_list	 ap;

	if (!debug)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* To the DTE. */

static void
tty_flush(int fd, short events, void *arg)
{
	ssize_t	 n;

	(void)fd;
	(void)events;
	(void)arg;
	if (nout == 0)
		return;
	n = write(tty_out, out, nout);
	if (n > 0) {
		nout -= (size_t)n;
		memmove(out, out + n, nout);
	} else if (n == -1 && errno != EAGAIN)
		nout = 0;
	if (nout > 0)
		event_add(&ev_wr, NULL);
	else
		far_room();
}

size_t
tty_space(void)
{
	return (nout < script.wire.buffer ? script.wire.buffer - nout : 0);
}

void
tty_write(const void *data, size_t len)
{
	if (len > sizeof(out) - nout)
		len = sizeof(out) - nout;
	memcpy(out + nout, data, len);
	nout += len;
	tty_flush(-1, 0, NULL);
}

static const struct result {
	const char	*word;
	int		 digit;
} results[] = {
	{ "OK", 0 }, { "CONNECT", 1 }, { "RING", 2 }, { "NO CARRIER", 3 },
	{ "ERROR", 4 }, { "NO DIALTONE", 6 }, { "BUSY", 7 },
	{ "NO ANSWER", 8 }, { "DELAYED", 24 }, { "BLACKLISTED", 32 }
};

static void
say_now(const char *text)
{
	char	 buf[COMMAND_MAX];
	size_t	 i, n;

	if (quiet || script.mute)
		return;
	/* What is before a digit must not be taken for one of its line. */
	if (script.noise)
		tty_write(words ? "\xff~x\x7f\r\n{" : "\xff~x\r\x80\x7f\xff", 7);
	note("modem: %s", text);
	snprintf(buf, sizeof(buf), "\r\n%s\r\n", text);
	for (i = 0; !words && i < sizeof(results) / sizeof(results[0]); i++) {
		n = strlen(results[i].word);
		if (strncmp(text, results[i].word, n) == 0)
			snprintf(buf, sizeof(buf), "%d\r", results[i].digit);
	}
	tty_write(buf, strlen(buf));
	if (script.noise && state != ONLINE)
		tty_write("\xfe\x81", 2);
}

/* Answers that are late, in their order. */
static struct {
	char	 text[COMMAND_MAX];
	int64_t	 due;		/* microseconds */
} late[16];
static size_t	 nlate;

static void
late_timer(void)
{
	struct timeval	 tv = { 0, 0 };
	int64_t		 left;

	if (nlate == 0)
		return;
	if ((left = late[0].due - wire_now()) > 0) {
		tv.tv_sec = (time_t)(left / 1000000);
		tv.tv_usec = (suseconds_t)(left % 1000000);
	}
	evtimer_add(&ev_late, &tv);
}

static void
say_late(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	say_now(late[0].text);
	memmove(late, late + 1, --nlate * sizeof(late[0]));
	late_timer();
}

static void
say(const char *text)
{
	if (script.late == 0 || state != COMMAND ||
	    nlate == sizeof(late) / sizeof(late[0])) {
		say_now(text);
		return;
	}
	snprintf(late[nlate].text, sizeof(late[nlate].text), "%s", text);
	/* One command after another, as it takes so long for each. */
	late[nlate].due = nlate > 0 ? late[nlate - 1].due : wire_now();
	late[nlate++].due += (int64_t)script.late * 1000;
	late_timer();
}

/* The call. */

static void
record_call(const char *result, const char *by)
{
	int64_t	 now = wire_now();

	if (record == NULL)
		return;
	fprintf(record, "call number=%s dialled=%lld connected=%lld "
	    "hungup=%lld online_ms=%lld result=%s by=%s out=%llu in=%llu\n",
	    call.number, (long long)(call.dialled / 1000),
	    (long long)(call.connected / 1000), (long long)(now / 1000),
	    (long long)(call.connected ? (now - call.connected) / 1000 : 0),
	    result, by, (unsigned long long)wire_bytes(WIRE_UP),
	    (unsigned long long)wire_bytes(WIRE_DOWN));
	fflush(record);
}

static void
timeline_line(void)
{
	int64_t	 now = wire_now();

	if (timeline == NULL)
		return;
	fprintf(timeline, "%lld %lld %llu %llu\n", (long long)(now / 1000),
	    (long long)((now - call.connected) / 1000),
	    (unsigned long long)wire_crossed(WIRE_UP),
	    (unsigned long long)wire_crossed(WIRE_DOWN));
	fflush(timeline);
}

/* At whole steps since CONNECT, however late this one is. */
static void
timeline_step(int fd, short events, void *arg)
{
	struct timeval	 tv = { 0, 0 };
	int64_t		 ms = (wire_now() - call.connected) / 1000;

	(void)fd;
	(void)events;
	(void)arg;
	timeline_line();
	tv.tv_usec = (suseconds_t)((TIMELINE_STEP - ms % TIMELINE_STEP) *
	    1000);
	evtimer_add(&ev_step, &tv);
}

static void
hang_up(const char *by, int carrier)
{
	evtimer_del(&ev_step);
	evtimer_del(&ev_answer);
	evtimer_del(&ev_drop);
	evtimer_del(&ev_guard);
	if (state == ONLINE || state == ESCAPED) {
		state = COMMAND;
		if (carrier) {
			/* Before its connections end: on a real line they
			 * do not notice. */
			nout = 0;
			say("NO CARRIER");
		}
		timeline_line();
		forward_close();
		far_stop();
		wire_cut();
		record_call("connect", by);
	} else if (state == DIALLING)
		record_call("given-up", by);
	state = COMMAND;
	ncommand = 0;
	pluses = 0;
}

static void
drop(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	if (state == ONLINE || state == ESCAPED)
		hang_up("carrier", 1);
}

/* Called as bytes cross: some numbers lose the carrier after so many. */
void
count_bytes(void)
{
	struct timeval	 now = { 0, 0 };

	if ((state == ONLINE || state == ESCAPED) &&
	    call.action->drop_bytes != 0 &&
	    wire_bytes(WIRE_UP) + wire_bytes(WIRE_DOWN) >=
	    call.action->drop_bytes)
		evtimer_add(&ev_drop, &now);
}

static void
go_online(void)
{
	struct timeval	 tv = { 0, 0 };

	call.connected = wire_now();
	wire_reset();
	/* All of it is there before the DTE hears of it. */
	forward_open();
	far_start(script.exec, script.banner);
	say(script.connect);
	state = ONLINE;
	last_data = call.connected;
	pluses = 0;
	if (timeline != NULL)
		timeline_step(-1, 0, NULL);
	if (call.action->drop_seconds != 0) {
		tv.tv_sec = (time_t)call.action->drop_seconds;
		evtimer_add(&ev_drop, &tv);
	}
}

static void
answered(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	if (call.action->connect) {
		go_online();
		return;
	}
	if (call.action->silence)
		return;		/* until the DTE gives up */
	record_call(call.action->name, "far");
	state = COMMAND;
	say(call.action->text);
}

static void
dial(const char *number)
{
	struct timeval	 tv;
	const char	*p;
	size_t		 n = 0;

	for (p = number; *p != '\0' && n < sizeof(call.number) - 1; p++)
		if (isdigit((unsigned char)*p) || strchr("*#ABCD", *p))
			call.number[n++] = *p;
	call.number[n] = '\0';
	call.dialled = wire_now();
	call.connected = 0;
	wire_reset();
	call.action = script_dial(&script, call.number);
	state = DIALLING;
	tv.tv_sec = (time_t)(script.answer / 1000);
	tv.tv_usec = (suseconds_t)(script.answer % 1000 * 1000);
	evtimer_add(&ev_answer, &tv);
	note("modem: dials %s: %s", call.number, call.action->name);
}

/* Commands. */

static unsigned int
number(const char **p)
{
	unsigned int	 n = 0;

	while (isdigit((unsigned char)**p))
		n = n * 10 + (unsigned int)(*(*p)++ - '0');
	return (n);
}

static void
s_command(const char **p)
{
	char		 buf[16];
	unsigned int	 reg = number(p);

	if (reg >= 64)
		reg = 63;
	if (**p == '=') {
		(*p)++;
		s_register[reg] = number(p);
	} else if (**p == '?') {
		(*p)++;
		snprintf(buf, sizeof(buf), "\r\n%03u\r\n", s_register[reg]);
		tty_write(buf, strlen(buf));
	}
}

/* One line after AT: 0 OK, 1 nothing to say yet, -1 ERROR. */
static int
execute(const char *p)
{
	while (*p != '\0') {
		switch (toupper((unsigned char)*p++)) {
		case 'D':
			if (toupper((unsigned char)*p) == 'T' ||
			    toupper((unsigned char)*p) == 'P')
				p++;
			dial(p);
			return (1);
		case 'Z':
			(void)number(&p);
			echo = 1;
			words = !script.digits;
			quiet = 0;
			s_register[12] = 50;
			break;
		case 'E':
			echo = number(&p) != 0;
			break;
		case 'V':
			words = number(&p) != 0;
			break;
		case 'Q':
			quiet = number(&p) != 0;
			break;
		case 'S':
			s_command(&p);
			break;
		case 'H':
			(void)number(&p);
			if (state == ESCAPED)
				hang_up("ath", 0);
			break;
		case 'O':
			(void)number(&p);
			if (state != ESCAPED)
				return (-1);
			state = ONLINE;
			say(script.connect);
			return (1);
		case '&': case '%': case '\\':
			if (*p != '\0')
				p++;
			/* FALLTHROUGH */
		case 'I': case 'L': case 'M': case 'X': case 'N': case 'W':
		case 'B':
			(void)number(&p);
			break;
		case '+':
			return (0);	/* settings of its own: taken */
		case ' ':
			break;
		default:
			return (-1);
		}
	}
	return (0);
}

static void
command_line(void)
{
	int	 r;

	command[ncommand] = '\0';
	note("dte: %s", command);
	ncommand = 0;
	if (toupper((unsigned char)command[0]) != 'A' ||
	    toupper((unsigned char)command[1]) != 'T')
		return;
	if (script.mute)
		return;
	if (script.deaf > 0) {
		script.deaf--;
		return;
	}
	r = execute(command + 2);
	if (r != 1)
		say(r == 0 ? "OK" : "ERROR");
	if (r != 1 && script.rings > 0) {
		script.rings--;
		say("RING");
	}
}

static void
command_byte(uint8_t c)
{
	if (echo && !script.mute && script.deaf == 0)
		tty_write(&c, 1);
	if (c == '\r') {
		command_line();
		return;
	}
	if (c == '\n' || c == '+')
		return;
	if (c == '\b' || c == 0x7f) {
		if (ncommand > 0)
			ncommand--;
		return;
	}
	/* "AT" begins a line anew: what was before it is noise. */
	if (ncommand == 1 && toupper(c) != 'T' && command[0] != 'A' &&
	    command[0] != 'a')
		ncommand = 0;
	if (ncommand < sizeof(command) - 1)
		command[ncommand++] = (char)c;
}

/* The escape sequence between its guard times. */

static int64_t
guard_time(void)
{
	return ((int64_t)s_register[12] * 20000);
}

static void
guard_over(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	if (state == ONLINE && pluses == 3) {
		state = ESCAPED;
		ncommand = 0;
		say("OK");
	}
}

static void
watch_escape(const uint8_t *data, size_t len)
{
	struct timeval	 tv;
	int64_t		 now = wire_now();
	size_t		 i;

	evtimer_del(&ev_guard);
	if (pluses == 0 && now - last_data < guard_time())
		goto other;
	for (i = 0; i < len; i++)
		if (data[i] != ESCAPE_CHAR || ++pluses > 3)
			goto other;
	last_data = now;
	if (pluses == 3) {
		tv.tv_sec = (time_t)(guard_time() / 1000000);
		tv.tv_usec = (suseconds_t)(guard_time() % 1000000);
		evtimer_add(&ev_guard, &tv);
	}
	return;

other:
	pluses = 0;
	last_data = now;
}

/* From the DTE. */

void
tty_resume(void)
{
	event_add(&ev_tty, NULL);
}

static void
poll_again(void)
{
	struct timeval	 tv = { 0, HANGUP_POLL };

	event_del(&ev_tty);
	evtimer_add(&ev_poll, &tv);
}

static void
tty_read(int fd, short events, void *arg)
{
	static int	 closed = 1;
	uint8_t		 buf[256];
	size_t		 i, space = sizeof(buf);
	ssize_t		 n;

	(void)events;
	(void)arg;
	if (state == ONLINE && far_running() && (space = far_space()) == 0) {
		event_del(&ev_tty);
		return;
	}
	n = read(fd, buf, space < sizeof(buf) ? space : sizeof(buf));
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* Nobody has the terminal open: that is DTR, dropped. */
		if (!closed) {
			note("modem: dtr dropped");
			hang_up("dtr", 0);
			nout = 0;
			echo = 1;
			words = !script.digits;
			quiet = 0;
			s_register[12] = 50;
		}
		closed = 1;
		poll_again();
		return;
	}
	closed = 0;
	/* On a busy machine what follows the silence may be seen before it. */
	if (pluses == 3 && wire_now() - last_data >= guard_time()) {
		evtimer_del(&ev_guard);
		guard_over(-1, 0, NULL);
	}
	if (state == ONLINE) {
		watch_escape(buf, (size_t)n);
		if (far_running())
			far_send(buf, (size_t)n);
		return;
	}
	if (state == DIALLING) {
		/* Any key ends the attempt, as the manuals have it. */
		hang_up("key", 0);
		say("NO CARRIER");
		return;
	}
	for (i = 0; i < (size_t)n; i++)
		command_byte(buf[i]);
}

static void
tty_poll(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	event_add(&ev_tty, NULL);
}

static void
on_signal(int sig, short events, void *arg)
{
	(void)events;
	(void)arg;
	switch (sig) {
	case SIGUSR1:
		drop(-1, 0, NULL);
		break;
	case SIGUSR2:
		if (state == COMMAND || state == DIALLING)
			say("RING");
		break;
	default:
		hang_up("emulator", 0);
		exit(0);
	}
}

static void
open_pty(const char *link)
{
	struct termios	 t;
	const char	*name;
	int		 fd, slave;

	if ((fd = posix_openpt(O_RDWR | O_NOCTTY)) == -1 ||
	    grantpt(fd) == -1 || unlockpt(fd) == -1 ||
	    (name = ptsname(fd)) == NULL)
		err(1, "pty");
	/* Raw before the DTE has it, so that nothing is echoed twice. */
	if ((slave = open(name, O_RDWR | O_NOCTTY)) == -1)
		err(1, "%s", name);
	if (tcgetattr(slave, &t) == 0) {
		cfmakeraw(&t);
		tcsetattr(slave, TCSANOW, &t);
	}
	close(slave);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	tty_in = tty_out = fd;
	is_pty = 1;
	if (link != NULL) {
		unlink(link);
		if (symlink(name, link) == -1)
			err(1, "%s", link);
	} else {
		printf("%s\n", name);
		fflush(stdout);
	}
}

static void
open_fifos(const char *in, const char *to)
{
	/* Read and write: a FIFO without a writer would never be quiet. */
	if ((tty_in = open(in, O_RDWR | O_NONBLOCK | O_CLOEXEC)) == -1)
		err(1, "%s", in);
	if ((tty_out = open(to, O_RDWR | O_NONBLOCK | O_CLOEXEC)) == -1)
		err(1, "%s", to);
#ifdef F_SETPIPE_SZ
	/* Small, or they would swallow what the wire holds back. */
	(void)fcntl(tty_in, F_SETPIPE_SZ, 4096);
	(void)fcntl(tty_out, F_SETPIPE_SZ, 4096);
#endif
}

static void
usage(void)
{
	fprintf(stderr, "usage: modem [-d] -f script [-l link] "
	    "[-i fifo -o fifo] [-r record] [-t timeline]\n");
	exit(1);
}

static void
run(void)
{
	event_set(&ev_tty, tty_in, EV_READ | EV_PERSIST, tty_read, NULL);
	event_set(&ev_wr, tty_out, EV_WRITE, tty_flush, NULL);
	evtimer_set(&ev_poll, tty_poll, NULL);
	evtimer_set(&ev_answer, answered, NULL);
	evtimer_set(&ev_late, say_late, NULL);
	evtimer_set(&ev_guard, guard_over, NULL);
	evtimer_set(&ev_drop, drop, NULL);
	evtimer_set(&ev_step, timeline_step, NULL);
	event_add(&ev_tty, NULL);
	signal_set(&ev_usr1, SIGUSR1, on_signal, NULL);
	signal_set(&ev_usr2, SIGUSR2, on_signal, NULL);
	signal_set(&ev_term, SIGTERM, on_signal, NULL);
	signal_add(&ev_usr1, NULL);
	signal_add(&ev_usr2, NULL);
	signal_add(&ev_term, NULL);
	signal(SIGPIPE, SIG_IGN);
	words = !script.digits;
	if (script.online) {
		snprintf(call.number, sizeof(call.number), "left");
		call.action = script_dial(&script, call.number);
		call.dialled = call.connected = last_data = wire_now();
		state = ONLINE;
	}
	event_dispatch();
}

int
main(int argc, char *argv[])
{
	const char	*file = NULL, *link = NULL, *in = NULL, *to = NULL;
	const char	*rec = NULL, *steps = NULL;
	int		 ch;

	while ((ch = getopt(argc, argv, "df:i:l:o:r:t:")) != -1) {
		switch (ch) {
		case 'd':
			debug = 1;
			break;
		case 'f':
			file = optarg;
			break;
		case 'i':
			in = optarg;
			break;
		case 'l':
			link = optarg;
			break;
		case 'o':
			to = optarg;
			break;
		case 'r':
			rec = optarg;
			break;
		case 't':
			steps = optarg;
			break;
		default:
			usage();
		}
	}
	if (file == NULL || optind != argc || (in == NULL) != (to == NULL))
		usage();
	script_read(&script, file);
	if (rec != NULL && (record = fopen(rec, "ae")) == NULL)
		err(1, "%s", rec);
	if (steps != NULL && (timeline = fopen(steps, "ae")) == NULL)
		err(1, "%s", steps);
	if (event_init() == NULL)
		errx(1, "event_init");
	wire_init(&script.wire);
	s_register[12] = 50;
	if (in != NULL)
		open_fifos(in, to);
	else
		open_pty(link);
	run();
	return (1);
}
