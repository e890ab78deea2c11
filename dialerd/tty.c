/* See LICENSE for the terms. */
/*
 * The serial device of the call in progress.  Real lines have DTR and DCD;
 * ptys and cheap adapters do not, and there the modem itself must do:
 * +++ and ATH to hang up, NO CARRIER to know.
 */
#include <sys/ioctl.h>
#include <sys/types.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "chat.h"
#include "log.h"
#include "tty.h"

#define DTR_DROP_MS	1000	/* longer than any modem's S25 */
#define CARRIER_MS	1000	/* DCD is looked at so often */

enum phase {
	PHASE_NONE,
	PHASE_DIAL,
	PHASE_CHAT,		/* connected, and talking to the far side */
	PHASE_WATCH,		/* connected, ours */
	PHASE_RELEASED,		/* connected, pppd's */
	PHASE_DTR,		/* DTR is low for a while */
	PHASE_HANGUP,		/* the dialogue that hangs up */
	PHASE_DOWN
};

static struct {
	tty_callback	*tell;
	int		 fd;
	enum phase	 phase;
	struct modem	 modem;
	struct chat	 chat;
	int		 has_chat;
	uint64_t	 chat_end;	/* monotonic */
	uint32_t	 epoch;		/* that the timer was armed for */
	int		 no_flow;
	int		 dtr_low;	/* as modem.dtr_low */
	int		 dialled;	/* told of */
	int		 connected;	/* told of */
	int		 carrier;	/* DCD has been seen on */
	uint64_t	 written;	/* monotonic: last byte to the modem */
	uint8_t		 out[MODEM_CMD_MAX];
	size_t		 outlen;
	struct event	 read_ev;
	struct event	 write_ev;
	struct event	 timer_ev;
	struct event	 carrier_ev;
	int		 events;	/* all of them are set */
} tty = { .fd = -1, .chat = {
	.script = TAILQ_HEAD_INITIALIZER(tty.chat.script)
} };

static void	 tty_read(int, short, void *);
static void	 tty_write(int, short, void *);
static void	 tty_timer(int, short, void *);
static void	 tty_carrier(int, short, void *);
static void	 pump_chat(void);

static uint64_t
mono(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

static void
arm(uint32_t ms)
{
	struct timeval	 tv;

	tv.tv_sec = ms / 1000;
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	event_add(&tty.timer_ev, &tv);
}

void
tty_init(tty_callback *tell)
{
	tty.tell = tell;
}

/* --- the device --- */

/* What termios calls the speed; systems know more, but not by one name. */
static int
set_speed(struct termios *t, uint32_t speed)
{
	static const struct {
		uint32_t	 speed;
		speed_t		 code;
	} speeds[] = {
		{ 300, B300 }, { 1200, B1200 }, { 2400, B2400 },
		{ 4800, B4800 }, { 9600, B9600 }, { 19200, B19200 },
		{ 38400, B38400 }, { 57600, B57600 }, { 115200, B115200 },
		{ 230400, B230400 }
	};
	speed_t		 code = speed;
	size_t		 i;

	for (i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
		if (speeds[i].speed == speed)
			code = speeds[i].code;
	}
	if (cfsetispeed(t, code) == -1 || cfsetospeed(t, code) == -1)
		return (-1);
	return (0);
}

/*
 * Raw 8N1 with hardware flow control where the cable has it, without waiting
 * for a carrier, and DTR to drop with the last close.
 */
static int
set_modes(int fd, uint32_t speed, int no_flow)
{
	struct termios	 t;

	if (tcgetattr(fd, &t) == -1)
		return (-1);
	cfmakeraw(&t);
	t.c_cflag &= ~(tcflag_t)(CSTOPB | PARENB | CSIZE | CRTSCTS);
	t.c_cflag |= CS8 | CREAD | CLOCAL | HUPCL;
	if (!no_flow)
		t.c_cflag |= CRTSCTS;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	if (speed != 0 && set_speed(&t, speed) == -1)
		return (-1);
	if (tcsetattr(fd, TCSANOW, &t) == 0)
		return (0);
	/* Some adapters have no flow control, and say so. */
	t.c_cflag &= ~(tcflag_t)CRTSCTS;
	return (tcsetattr(fd, TCSANOW, &t));
}

/* A killed pppd leaves its own line discipline behind. */
static void
reset_discipline(int fd)
{
	int	 disc = 0;

	if (ioctl(fd, TIOCGETD, &disc) == -1 || disc == 0)
		return;
	disc = 0;
	if (ioctl(fd, TIOCSETD, &disc) == -1)
		log_warn("tty: line discipline");
}

/* 1 or 0 for DCD, -1 where the device has none. */
static int
carrier(void)
{
	int	 bits;

	if (ioctl(tty.fd, TIOCMGET, &bits) == -1)
		return (-1);
	return ((bits & TIOCM_CAR) != 0);
}

/* 0, or -1 where the device has no DTR. */
static int
set_dtr(int on)
{
	int	 bit = TIOCM_DTR;

	return (ioctl(tty.fd, on ? TIOCMBIS : TIOCMBIC, &bit));
}

/* --- events --- */

static void
watch_again(void)
{
	struct timeval	 tv = { CARRIER_MS / 1000, CARRIER_MS % 1000 * 1000 };

	event_add(&tty.carrier_ev, &tv);
}

static void
start_events(void)
{
	event_set(&tty.read_ev, tty.fd, EV_READ | EV_PERSIST, tty_read, NULL);
	event_set(&tty.write_ev, tty.fd, EV_WRITE, tty_write, NULL);
	evtimer_set(&tty.timer_ev, tty_timer, NULL);
	evtimer_set(&tty.carrier_ev, tty_carrier, NULL);
	tty.events = 1;
	event_add(&tty.read_ev, NULL);
}

static void
stop_io(void)
{
	event_del(&tty.read_ev);
	event_del(&tty.write_ev);
	event_del(&tty.timer_ev);
	event_del(&tty.carrier_ev);
	tty.outlen = 0;
}

/* Told from the event loop, so that the window is not called back. */
static void
down_soon(void)
{
	stop_io();
	tty.phase = PHASE_DOWN;
	arm(0);
}

/* Read or write says that there is no device any more: it was unplugged. */
static void
device_gone(void)
{
	static const char	 text[] = "device lost";

	stop_io();
	switch (tty.phase) {
	case PHASE_DIAL:
		tty.tell(WINDOW_TTY_FAILED, MODEM_DEAD, text);
		break;
	case PHASE_CHAT:
		tty.tell(WINDOW_TTY_FAILED, MODEM_NO_CARRIER, text);
		break;
	case PHASE_WATCH:
		tty.tell(WINDOW_TTY_LOST, MODEM_NO_CARRIER, text);
		break;
	case PHASE_DTR:
	case PHASE_HANGUP:
		down_soon();
		break;
	default:
		break;
	}
}

static void
carrier_lost(const char *text)
{
	stop_io();
	tty.tell(tty.phase == PHASE_CHAT ? WINDOW_TTY_FAILED :
	    WINDOW_TTY_LOST, MODEM_NO_CARRIER, text);
}

/* Sends what can be; -1 when the device is gone. */
static int
flush_out(void)
{
	ssize_t	 n;

	while (tty.outlen > 0) {
		n = write(tty.fd, tty.out, tty.outlen);
		if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
			event_add(&tty.write_ev, NULL);
			return (0);
		}
		if (n <= 0)
			return (-1);
		tty.written = mono();
		tty.outlen -= (size_t)n;
		memmove(tty.out, tty.out + n, tty.outlen);
	}
	return (0);
}

/* --- the chat --- */

/* Counted from CONNECT; DCD is looked at from here on. */
static void
start_chat(void)
{
	tty.phase = PHASE_CHAT;
	tty.chat_end = mono() + CONF_CHAT_MAX * 1000;
	tty.epoch = tty.chat.epoch - 1;
	tty.carrier = carrier() == 1;
	watch_again();
	tty.tell(WINDOW_TTY_CHAT, MODEM_CONNECT, modem_text(&tty.modem));
}

static void
end_chat(enum window_tty event, enum modem_result result, const char *text)
{
	char	 copy[sizeof(tty.chat.text)];

	strlcpy(copy, text, sizeof(copy));
	stop_io();
	chat_free(&tty.chat);
	tty.tell(event, result, copy);
}

static void
arm_chat(void)
{
	uint64_t	 now = mono(), left, wait = chat_wait(&tty.chat);

	if (tty.epoch == tty.chat.epoch)
		return;
	tty.epoch = tty.chat.epoch;
	left = tty.chat_end > now ? tty.chat_end - now : 0;
	event_del(&tty.timer_ev);
	arm((uint32_t)(wait != 0 && wait < left ? wait : left));
}

/* Does what the chat wants.  Last, like pump. */
static void
pump_chat(void)
{
	size_t	 n;

	do {
		n = chat_output(&tty.chat, tty.out + tty.outlen,
		    sizeof(tty.out) - tty.outlen);
		tty.outlen += n;
		if (flush_out() == -1) {
			device_gone();
			return;
		}
	} while (n > 0);
	switch (chat_status(&tty.chat)) {
	case CHAT_WORKING:
		arm_chat();
		break;
	case CHAT_FAILED:
		end_chat(WINDOW_TTY_FAILED, MODEM_CHAT, chat_text(&tty.chat));
		break;
	case CHAT_DONE:
		/* Else when the rest has been written. */
		if (tty.outlen == 0)
			end_chat(WINDOW_TTY_CONNECTED, MODEM_CONNECT,
			    modem_text(&tty.modem));
		else
			arm_chat();
		break;
	}
}

static void
chat_time(void)
{
	if (mono() >= tty.chat_end)
		end_chat(WINDOW_TTY_FAILED, MODEM_CHAT,
		    "the chat took too long");
	else {
		chat_timeout(&tty.chat);
		pump_chat();
	}
}

static void
read_chat(const uint8_t *buf, size_t len)
{
	size_t	 used;

	/* A lone digit may be the far side's as well. */
	for (used = 0; !tty.modem.digits && used < len; )
		used += modem_input(&tty.modem, buf + used, len - used);
	(void)chat_input(&tty.chat, buf, len);
	if (modem_status(&tty.modem) == MODEM_LOST)
		carrier_lost("NO CARRIER");
	else
		pump_chat();
}

/* --- the dialogue with the modem --- */

static void
connected(void)
{
	if (tty.connected)
		return;
	tty.connected = 1;
	if (tty.has_chat)
		start_chat();
	else
		tty.tell(WINDOW_TTY_CONNECTED, MODEM_CONNECT, tty.modem.text);
}

static void
tell_status(void)
{
	switch (modem_status(&tty.modem)) {
	case MODEM_WORKING:
		break;
	case MODEM_FAILED:
		if (tty.phase == PHASE_DIAL)
			tty.tell(WINDOW_TTY_FAILED, tty.modem.result,
			    modem_text(&tty.modem));
		break;
	case MODEM_CONNECTED:
		connected();
		break;
	case MODEM_LOST:
		/* Perhaps in the same breath. */
		connected();
		if (tty.phase == PHASE_WATCH || tty.phase == PHASE_CHAT)
			carrier_lost("NO CARRIER");
		break;
	case MODEM_DOWN:
		if (tty.phase == PHASE_HANGUP)
			down_soon();
		break;
	}
}

/* DTR is low while the dialogue wants to bring the modem to its senses. */
static void
follow_dtr(void)
{
	if (tty.dtr_low == tty.modem.dtr_low)
		return;
	tty.dtr_low = tty.modem.dtr_low;
	(void)set_dtr(!tty.dtr_low);
}

/*
 * Does what the dialogue wants.  Last: what it tells may lead to another
 * action on the tty, even to its close.
 */
static void
pump(void)
{
	tty.outlen += modem_output(&tty.modem, tty.out + tty.outlen,
	    sizeof(tty.out) - tty.outlen);
	if (flush_out() == -1) {
		device_gone();
		return;
	}
	follow_dtr();
	if (tty.epoch != tty.modem.epoch) {
		tty.epoch = tty.modem.epoch;
		event_del(&tty.timer_ev);
		if (modem_wait(&tty.modem) != 0)
			arm(modem_wait(&tty.modem));
	}
	if (tty.phase == PHASE_DIAL && tty.modem.dialled && !tty.dialled) {
		tty.dialled = 1;
		tty.tell(WINDOW_TTY_DIALLED, MODEM_NOTHING, "");
	}
	tell_status();
	if (tty.phase == PHASE_CHAT)
		pump_chat();
}

/* What comes after CONNECT is the chat's, or is looked through for NO
 * CARRIER. */
static void
read_modem(const uint8_t *buf, size_t len)
{
	size_t	 used = 0;

	while (used < len) {
		used += modem_input(&tty.modem, buf + used, len - used);
		if (tty.phase == PHASE_DIAL && tty.has_chat &&
		    modem_status(&tty.modem) == MODEM_CONNECTED)
			break;
	}
	pump();
	if (used < len && tty.phase == PHASE_CHAT)
		read_chat(buf + used, len - used);
}

static void
tty_read(int fd, short event, void *arg)
{
	uint8_t	 buf[512];
	ssize_t	 n;

	(void)event;
	(void)arg;
	if ((n = read(fd, buf, sizeof(buf))) == -1) {
		if (errno != EAGAIN && errno != EINTR)
			device_gone();
		return;
	}
	if (n == 0)
		device_gone();
	else if (tty.phase == PHASE_CHAT)
		read_chat(buf, (size_t)n);
	else if (tty.phase == PHASE_DIAL || tty.phase == PHASE_WATCH ||
	    tty.phase == PHASE_HANGUP)
		read_modem(buf, (size_t)n);
}

static void
tty_write(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	if (tty.phase == PHASE_CHAT)
		pump_chat();
	else if (flush_out() == -1)
		device_gone();
}

/* Once DCD has been seen: not every cable and not every modem has it. */
static void
tty_carrier(int fd, short event, void *arg)
{
	int	 on = carrier();

	(void)fd;
	(void)event;
	(void)arg;
	if (on == 1)
		tty.carrier = 1;
	else if (on == 0 && tty.carrier) {
		carrier_lost("carrier lost");
		return;
	}
	watch_again();
}

static void
start_dialogue(uint64_t quiet_ms, int others)
{
	tty.phase = PHASE_HANGUP;
	event_add(&tty.read_ev, NULL);
	modem_hangup(&tty.modem, quiet_ms, others);
	pump();
}

static void
tty_timer(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	switch (tty.phase) {
	case PHASE_DIAL:
	case PHASE_HANGUP:
		modem_timeout(&tty.modem);
		pump();
		break;
	case PHASE_CHAT:
		chat_time();
		break;
	case PHASE_DTR:
		(void)set_dtr(1);
		/* A modem may be set to ignore DTR. */
		if (carrier() == 1)
			start_dialogue(DTR_DROP_MS, 0);
		else
			down_soon();
		break;
	case PHASE_DOWN:
		tty.tell(WINDOW_TTY_DOWN, MODEM_NOTHING, "");
		break;
	case PHASE_NONE:
	case PHASE_WATCH:
	case PHASE_RELEASED:
		break;
	}
}

/* --- actions --- */

int
tty_dial(int fd, const struct window_line *line)
{
	int	 flags;

	if (set_modes(fd, line->speed, line->no_flow) == -1)
		goto fail;
	if ((flags = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		goto fail;
	if (modem_dial(&tty.modem, &line->init, line->number, line->pulse,
	    line->answer) == -1)
		goto fail;
	tty.has_chat = !TAILQ_EMPTY(&line->chat);
	if (tty.has_chat && chat_start(&tty.chat, &line->chat,
	    &line->chat_abort, line->chat_timeout) == -1)
		goto fail;
	tcflush(fd, TCIOFLUSH);
	tty.fd = fd;
	tty.no_flow = line->no_flow;
	tty.dtr_low = 0;
	(void)set_dtr(1);
	tty.phase = PHASE_DIAL;
	tty.epoch = 0;
	tty.dialled = tty.connected = tty.carrier = 0;
	tty.outlen = 0;
	tty.written = mono();
	start_events();
	/* The first command goes from the event loop, like all else. */
	tty.outlen = modem_output(&tty.modem, tty.out, sizeof(tty.out));
	event_add(&tty.write_ev, NULL);
	tty.epoch = tty.modem.epoch;
	arm(modem_wait(&tty.modem));
	return (0);
fail:
	flags = errno;
	close(fd);
	errno = flags;
	return (-1);
}

void
tty_watch(void)
{
	tty.phase = PHASE_WATCH;
	event_add(&tty.read_ev, NULL);
	tty.carrier = carrier() == 1;
	watch_again();
}

void
tty_release(void)
{
	stop_io();
	tty.phase = PHASE_RELEASED;
	/* Its bytes are not ours, but an `up` command may not look at it. */
	tty.carrier = carrier() == 1;
	watch_again();
}

void
tty_hangup(int others)
{
	uint64_t	 quiet = 0;

	if (tty.phase != PHASE_RELEASED)
		quiet = mono() - tty.written;
	stop_io();
	reset_discipline(tty.fd);
	if (set_modes(tty.fd, 0, tty.no_flow) == -1) {
		/* No device any more, and so no line. */
		down_soon();
		return;
	}
	tcflush(tty.fd, TCOFLUSH);
	if (set_dtr(0) == -1)
		start_dialogue(quiet, others);
	else if (others) {
		/* The parent keeps it low, and so does the close. */
		down_soon();
	} else {
		tty.phase = PHASE_DTR;
		arm(DTR_DROP_MS);
	}
}

void
tty_close(void)
{
	if (tty.events) {
		stop_io();
		tty.events = 0;
	}
	if (tty.fd != -1) {
		/* Else a close may wait for a modem that takes nothing. */
		tcflush(tty.fd, TCIOFLUSH);
		close(tty.fd);
		tty.fd = -1;
	}
	chat_free(&tty.chat);
	tty.phase = PHASE_NONE;
}
