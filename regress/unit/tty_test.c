/* See LICENSE for the terms. */
/*
 * The serial device, on a pseudo-terminal whose other end we are: a tty
 * without modem control lines, or with those that we make up for it.
 */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tty.h"

static int		 modem;		/* the modem's end */
static enum window_tty	 told;
static enum modem_result result;
static char		 text[256];
static int		 ntold, awaited, dialled, failed_timeout;
static int		 lines = -1;	/* TIOCM_* of the modem; -1: none */
static int		 dtr_was_low;
static int		 obeys_dtr;	/* its DCD goes with DTR */
static int		 no_flow;
static const char	*const *script, *const *aborts;	/* of the chat */

int	 __real_ioctl(int, unsigned long, ...);
int	 __wrap_ioctl(int, unsigned long, void *);

int
__wrap_ioctl(int fd, unsigned long request, void *arg)
{
	int	 *bits = arg;

	if (lines == -1)
		return (__real_ioctl(fd, request, arg));
	switch (request) {
	case TIOCMGET:
		*bits = lines;
		return (0);
	case TIOCMBIS:
		lines |= *bits;
		return (0);
	case TIOCMBIC:
		lines &= ~*bits;
		if (*bits & TIOCM_DTR)
			dtr_was_low = 1;
		if (obeys_dtr)
			lines &= ~TIOCM_CAR;
		return (0);
	default:
		return (__real_ioctl(fd, request, arg));
	}
}

static void
callback(enum window_tty event, enum modem_result r, const char *s)
{
	if (event == WINDOW_TTY_DIALLED) {
		dialled = 1;
		return;
	}
	told = event;
	result = r;
	strlcpy(text, s, sizeof(text));
	ntold++;
}

static void
give_up(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	failed_timeout = 1;
}

/* Runs the loop until the tty tells something, or has told it already. */
static void
await(enum window_tty event)
{
	struct timeval	 tv = { 10, 0 };
	struct event	 late;

	evtimer_set(&late, give_up, NULL);
	evtimer_add(&late, &tv);
	while (ntold == awaited && !failed_timeout)
		event_loop(EVLOOP_ONCE);
	evtimer_del(&late);
	awaited = ntold;
	assert_false(failed_timeout);
	assert_int_equal(told, event);
}

/* Runs the loop until the modem has got these words. */
static void
hears(const char *words)
{
	struct timeval	 tv = { 10, 0 };
	struct event	 late;
	char		 buf[256];
	size_t		 have = 0, want = strlen(words);
	ssize_t		 n;

	evtimer_set(&late, give_up, NULL);
	evtimer_add(&late, &tv);
	while (have < want && !failed_timeout) {
		n = read(modem, buf + have, want - have);
		if (n > 0)
			have += (size_t)n;
		else
			event_loop(EVLOOP_NONBLOCK);
	}
	evtimer_del(&late);
	assert_false(failed_timeout);
	assert_memory_equal(buf, words, want);
}

static void
says(const char *words)
{
	assert_int_equal(write(modem, words, strlen(words)), strlen(words));
}

static int
setup(void **state)
{
	(void)state;
	if ((modem = posix_openpt(O_RDWR | O_NOCTTY)) == -1 ||
	    grantpt(modem) == -1 || unlockpt(modem) == -1)
		return (-1);
	fcntl(modem, F_SETFL, O_NONBLOCK);
	ntold = awaited = dialled = failed_timeout = 0;
	lines = -1;
	dtr_was_low = 0;
	obeys_dtr = 1;
	script = aborts = NULL;
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	tty_close();
	if (modem != -1)
		close(modem);
	return (0);
}

static void
dial(void)
{
	struct window_line	 line;
	int			 fd;

	fd = open(ptsname(modem), O_RDWR | O_NOCTTY);
	assert_int_not_equal(fd, -1);
	memset(&line, 0, sizeof(line));
	TAILQ_INIT(&line.init);
	strlist_add(&line.init, "ATE0");
	strlcpy(line.number, "123", sizeof(line.number));
	line.modem = 1;
	line.speed = 115200;
	line.answer = 60;
	line.no_flow = no_flow;
	TAILQ_INIT(&line.chat);
	TAILQ_INIT(&line.chat_abort);
	line.chat_timeout = 1;
	for (; script != NULL && *script != NULL; script++)
		strlist_add(&line.chat, *script);
	for (; aborts != NULL && *aborts != NULL; aborts++)
		strlist_add(&line.chat_abort, *aborts);
	assert_int_equal(tty_dial(fd, &line), 0);
	strlist_free(&line.init);
	strlist_free(&line.chat);
	strlist_free(&line.chat_abort);
}

/* As far as the number. */
static void
dial_number(void)
{
	dial();
	hears("ATE0\r");
	says("ATE0\r\r\nOK\r\n");
	hears("ATS0=0S12=20\r");
	says("\r\nOK\r\n");
	assert_false(dialled);
	hears("ATDT123\r");
}

static void
connect_modem(void)
{
	dial_number();
	says("\r\nCONNECT 33600/V34\r\n");
	await(WINDOW_TTY_CONNECTED);
	assert_true(dialled);
	assert_string_equal(text, "CONNECT 33600/V34");
}

static void
hang_up(void)
{
	tty_hangup(0);
	hears("+++");
	says("\r\nOK\r\n");
	hears("\rATH\r");
	says("\r\nOK\r\n");
	await(WINDOW_TTY_DOWN);
}

static void
test_call(void **state)
{
	(void)state;
	connect_modem();
	tty_watch();
	says("some data");
	hang_up();
}

static void
test_modes(void **state)
{
	struct termios	 t;

	(void)state;
	dial();
	assert_int_equal(tcgetattr(modem, &t), 0);
	assert_int_equal(t.c_lflag & (ECHO | ICANON | ISIG), 0);
	assert_int_equal(t.c_oflag & OPOST, 0);
	assert_int_equal(t.c_iflag & (IXON | ICRNL | ISTRIP), 0);
	assert_int_equal(t.c_cflag & CSIZE, CS8);
	assert_int_equal(cfgetospeed(&t), B115200);
}

static void
test_busy(void **state)
{
	(void)state;
	dial();
	hears("ATE0\r");
	says("0\r");
	hears("ATS0=0S12=20\r");
	says("4\r");
	hears("ATDT123\r");
	says("7\r");
	await(WINDOW_TTY_FAILED);
	assert_int_equal(result, MODEM_BUSY);
}

static void
test_no_carrier(void **state)
{
	(void)state;
	connect_modem();
	tty_watch();
	says("data\r\nNO CAR");
	says("RIER\r\n");
	await(WINDOW_TTY_LOST);
	assert_string_equal(text, "NO CARRIER");
}

/* CONNECT and NO CARRIER in one read: both are told, in this order. */
static void
test_short_connection(void **state)
{
	(void)state;
	dial();
	hears("ATE0\r");
	says("\r\nOK\r\n");
	hears("ATS0=0S12=20\r");
	says("\r\nOK\r\n");
	hears("ATDT123\r");
	says("\r\nCONNECT\r\n\r\nNO CARRIER\r\n");
	await(WINDOW_TTY_CONNECTED);
	/* As the window would have from within. */
	assert_int_equal(ntold, 1);
}

/* The device goes away in each of its states. */
static void
test_device_gone(void **state)
{
	dial();
	hears("ATE0\r");
	close(modem);
	await(WINDOW_TTY_FAILED);
	assert_int_equal(result, MODEM_DEAD);
	tty_hangup(0);
	await(WINDOW_TTY_DOWN);
	tty_close();

	assert_int_equal(setup(state), 0);
	connect_modem();
	tty_watch();
	close(modem);
	await(WINDOW_TTY_LOST);
	tty_hangup(1);
	await(WINDOW_TTY_DOWN);
	tty_close();

	assert_int_equal(setup(state), 0);
	connect_modem();
	tty_watch();
	tty_hangup(0);
	hears("+++");
	close(modem);
	modem = -1;
	await(WINDOW_TTY_DOWN);
}

/* While pppd has the device, what comes is not ours to read. */
static void
test_released(void **state)
{
	struct timeval	 tv = { 0, 50000 };
	struct event	 late;

	(void)state;
	connect_modem();
	tty_release();
	says("\r\nNO CARRIER\r\n");
	evtimer_set(&late, give_up, NULL);
	evtimer_add(&late, &tv);
	while (!failed_timeout)
		event_loop(EVLOOP_ONCE);
	failed_timeout = 0;
	assert_int_equal(ntold, 1);
	/* And when it is ours again, that is what is found. */
	tty_hangup(0);
	await(WINDOW_TTY_DOWN);
}

static const char *const login[] = { "ogin:--ogin:", "ship", "word:",
    "hush\\p", NULL };
static const char *const bad[] = { "incorrect", NULL };

static void
connect_chat(void)
{
	script = login;
	aborts = bad;
	dial_number();
	says("\r\nCONNECT 33600/V34\r\n\r\nWelc");
	await(WINDOW_TTY_CHAT);
	assert_int_equal(result, MODEM_CONNECT);
	assert_string_equal(text, "CONNECT 33600/V34");
}

static void
test_chat(void **state)
{
	(void)state;
	connect_chat();
	/* It wants to be asked. */
	hears("\r");
	says("ome\r\nlogin: ");
	hears("ship\r");
	says("ship\r\nPassword: ");
	hears("hush\r");
	await(WINDOW_TTY_CONNECTED);
	assert_string_equal(text, "CONNECT 33600/V34");
	assert_int_equal(ntold, 2);
	tty_watch();
	says("some data");
	hang_up();
}

/* What comes in the same read as CONNECT is the far side's. */
static void
test_chat_at_once(void **state)
{
	(void)state;
	script = login;
	dial_number();
	says("\r\nCONNECT 9600\r\nlogin:");
	await(WINDOW_TTY_CHAT);
	hears("ship\r");
	says("word:");
	await(WINDOW_TTY_CONNECTED);
}

static void
test_chat_fails(void **state)
{
	(void)state;
	connect_chat();
	hears("\r");
	says("login:");
	hears("ship\r");
	says("login incorrect");
	await(WINDOW_TTY_FAILED);
	assert_int_equal(result, MODEM_CHAT);
	assert_string_equal(text, "the far side said \"incorrect\"");
	/* It is online, and is hung up so. */
	hang_up();
	tty_close();
	close(modem);

	assert_int_equal(setup(state), 0);
	connect_chat();
	hears("\r");
	await(WINDOW_TTY_FAILED);
	assert_int_equal(result, MODEM_CHAT);
	assert_string_equal(text, "no \"ogin:\" came in time");
	hang_up();
}

static void
test_chat_no_carrier(void **state)
{
	connect_chat();
	says("\r\nNO CARRIER\r\n");
	await(WINDOW_TTY_FAILED);
	assert_int_equal(result, MODEM_NO_CARRIER);
	tty_close();
	close(modem);

	/* By DCD; and "3", in digits, may be the far side's. */
	assert_int_equal(setup(state), 0);
	script = login;
	lines = TIOCM_CAR;
	dial();
	hears("ATE0\r");
	says("0\r");
	hears("ATS0=0S12=20\r");
	says("0\r");
	hears("ATDT123\r");
	says("1\r");
	await(WINDOW_TTY_CHAT);
	says("3\r\nlogin:");
	hears("ship\r");
	lines = 0;
	await(WINDOW_TTY_FAILED);
	assert_int_equal(result, MODEM_NO_CARRIER);
	assert_string_equal(text, "carrier lost");
	tty_close();
	close(modem);

	assert_int_equal(setup(state), 0);
	connect_chat();
	close(modem);
	modem = -1;
	await(WINDOW_TTY_FAILED);
	assert_string_equal(text, "device lost");
	tty_hangup(0);
	await(WINDOW_TTY_DOWN);
}

/* DCD drops while we have the line, and while a program has it. */
static void
test_carrier(void **state)
{
	lines = TIOCM_DTR;
	dial_number();
	lines |= TIOCM_CAR;
	says("\r\nCONNECT\r\n");
	await(WINDOW_TTY_CONNECTED);
	tty_watch();
	lines &= ~TIOCM_CAR;
	await(WINDOW_TTY_LOST);
	assert_string_equal(text, "carrier lost");
	tty_hangup(0);
	await(WINDOW_TTY_DOWN);
	tty_close();
	close(modem);

	assert_int_equal(setup(state), 0);
	lines = TIOCM_CAR;
	connect_modem();
	tty_release();
	lines &= ~TIOCM_CAR;
	await(WINDOW_TTY_LOST);
	assert_string_equal(text, "carrier lost");
}

/* A cable without DCD: that there is none is no reason to hang up. */
static void
test_no_carrier_line(void **state)
{
	struct timeval	 tv = { 1, 500000 };
	struct event	 late;

	(void)state;
	lines = TIOCM_DTR;
	connect_modem();
	tty_watch();
	evtimer_set(&late, give_up, NULL);
	evtimer_add(&late, &tv);
	while (!failed_timeout)
		event_loop(EVLOOP_ONCE);
	failed_timeout = 0;
	assert_int_equal(ntold, 1);
	tty_hangup(0);
	await(WINDOW_TTY_DOWN);
	assert_true(dtr_was_low);
	assert_int_equal(lines, TIOCM_DTR);
}

/* DCD that stays on: whether DTR was heeded must be found out. */
static void
test_carrier_stays(void **state)
{
	(void)state;
	lines = TIOCM_DTR | TIOCM_CAR;
	obeys_dtr = 0;
	connect_modem();
	tty_watch();
	hang_up();
	assert_true(dtr_was_low);
	assert_int_equal(lines, TIOCM_DTR | TIOCM_CAR);
}

/* DTR drops in the dialogue, too, with a modem that hangs. */
static void
test_hangs(void **state)
{
	(void)state;
	lines = TIOCM_DTR;
	dial();
	hears("ATE0\r");
	hears("\rATZ\r");
	hears("+++");
	assert_true(dtr_was_low);
	assert_int_equal(lines, TIOCM_DTR);
	hears("\rATH\r");
	says("\r\nOK\r\n");
	hears("ATE0\r");
}

static void
test_flow(void **state)
{
	struct termios	 t;

	(void)state;
	dial();
	assert_int_equal(tcgetattr(modem, &t), 0);
	assert_int_not_equal(t.c_cflag & CRTSCTS, 0);
	tty_close();
	no_flow = 1;
	dial();
	no_flow = 0;
	assert_int_equal(tcgetattr(modem, &t), 0);
	assert_int_equal(t.c_cflag & CRTSCTS, 0);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		TEST(test_call),
		TEST(test_modes),
		TEST(test_busy),
		TEST(test_no_carrier),
		TEST(test_short_connection),
		TEST(test_device_gone),
		TEST(test_released),
		TEST(test_chat),
		TEST(test_chat_at_once),
		TEST(test_chat_fails),
		TEST(test_chat_no_carrier),
		TEST(test_carrier),
		TEST(test_no_carrier_line),
		TEST(test_carrier_stays),
		TEST(test_hangs),
		TEST(test_flow)
	};

	event_init();
	tty_init(callback);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
