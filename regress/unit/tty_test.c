/* See LICENSE for the terms. */
/*
 * The serial device, on a pseudo-terminal whose other end we are: a tty
 * without modem control lines.
 */
#include <sys/types.h>
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
static int		 ntold, dialled, failed_timeout;

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

/* Runs the loop until the tty tells something. */
static void
await(enum window_tty event)
{
	struct timeval	 tv = { 10, 0 };
	struct event	 late;
	int		 n = ntold;

	evtimer_set(&late, give_up, NULL);
	evtimer_add(&late, &tv);
	while (ntold == n && !failed_timeout)
		event_loop(EVLOOP_ONCE);
	evtimer_del(&late);
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
	ntold = dialled = failed_timeout = 0;
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
	assert_int_equal(tty_dial(fd, &line), 0);
	strlist_free(&line.init);
}

static void
connect_modem(void)
{
	dial();
	hears("ATE0\r");
	says("ATE0\r\r\nOK\r\n");
	hears("ATS12=20\r");
	says("\r\nOK\r\n");
	assert_false(dialled);
	hears("ATDT123\r");
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
	hears("ATS12=20\r");
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
	hears("ATS12=20\r");
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
		TEST(test_released)
	};

	event_init();
	tty_init(callback);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
