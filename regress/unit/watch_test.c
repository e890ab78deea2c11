/* See LICENSE for the terms. */
/*
 * relayctl watch on a terminal: it draws, ends with q and with an interrupt,
 * and leaves the terminal as it was.  It is run as it is, with the dialerd
 * that is made up (regress/relayctl/server).
 */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PATIENCE	30000	/* milliseconds */

static char	 path[] = "/tmp/watch_test.XXXXXX";
static char	 sock[64];
static pid_t	 server, watch;
static int	 pty;
static char	 screen[65536];
static size_t	 shown;

static int
start_server(void **state)
{
	char	 ready[16];
	int	 fds[2];

	(void)state;
	if (mkdtemp(path) == NULL || pipe(fds) == -1)
		return (-1);
	snprintf(sock, sizeof(sock), "%s/ctl", path);
	if ((server = fork()) == 0) {
		dup2(fds[1], STDOUT_FILENO);
		execl("regress/relayctl/server", "server", sock, "window",
		    (char *)NULL);
		err(1, "regress/relayctl/server");
	}
	close(fds[1]);
	return (read(fds[0], ready, sizeof(ready)) > 0 ? 0 : -1);
}

static int
stop_server(void **state)
{
	(void)state;
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	unlink(sock);
	return (rmdir(path));
}

static int
start_watch(void **state)
{
	struct winsize	 ws;

	(void)state;
	memset(&ws, 0, sizeof(ws));
	ws.ws_row = 24;
	ws.ws_col = 80;
	shown = 0;
	memset(screen, 0, sizeof(screen));
	if ((watch = forkpty(&pty, NULL, NULL, &ws)) == 0) {
		setenv("TERM", "vt100", 1);
		setenv("LC_ALL", "C", 1);
		setenv("TZ", "UTC", 1);
		execl("relayctl/relayctl", "relayctl", "-s", sock, "watch",
		    (char *)NULL);
		err(1, "relayctl/relayctl");
	}
	return (watch == -1 ? -1 : 0);
}

static int
stop_watch(void **state)
{
	(void)state;
	if (watch != 0) {
		kill(watch, SIGKILL);
		waitpid(watch, NULL, 0);
	}
	return (close(pty));
}

/* Reads what is drawn until that is among it. */
static void
await(const char *what)
{
	struct pollfd	 pfd = { pty, POLLIN, 0 };
	ssize_t		 n;

	while (strstr(screen, what) == NULL) {
		assert_int_equal(poll(&pfd, 1, PATIENCE), 1);
		n = read(pty, screen + shown, sizeof(screen) - shown - 1);
		assert_true(n > 0);
		shown += (size_t)n;
	}
}

static tcflag_t
modes(void)
{
	struct termios	 t;

	assert_int_equal(tcgetattr(pty, &t), 0);
	return (t.c_lflag & (ICANON | ECHO | ISIG));
}

static void
ended(void)
{
	char	 buf[4096];
	int	 status;

	/* What it still wrote, till its end closes the terminal. */
	while (read(pty, buf, sizeof(buf)) > 0)
		continue;
	assert_int_equal(waitpid(watch, &status, 0), watch);
	watch = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The terminal as it is afterwards: a descriptor of ours keeps it. */
static int
keep(void)
{
	int	 fd = open(ptsname(pty), O_RDWR | O_NOCTTY);

	assert_int_not_equal(fd, -1);
	return (fd);
}

static void
end_by(const char *key)
{
	struct termios	 t;
	int		 fd = keep(), status;

	await("q: quit");
	assert_int_equal(modes(), ISIG);
	assert_int_equal(write(pty, key, strlen(key)), strlen(key));
	assert_int_equal(waitpid(watch, &status, 0), watch);
	watch = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(tcgetattr(fd, &t), 0);
	assert_int_equal(t.c_lflag & (ICANON | ECHO | ISIG),
	    ICANON | ECHO | ISIG);
	close(fd);
}

static void
test_page(void **state)
{
	(void)state;
	await("q: quit");
	assert_non_null(strstr(screen, "\033[H\033[J"));
	assert_non_null(strstr(screen, "line      window\033[K\r\n"));
	assert_non_null(strstr(screen, "[################  "));
	assert_non_null(strstr(screen, " 38 %       3 of 7  2400/s"));
	assert_non_null(strstr(screen, "0.10 EUR so far, the next unit in "
	    "1:39"));
	/* Drawn again in place, without a clearing of the screen. */
	screen[0] = '\0';
	shown = 0;
	await("q: quit");
	assert_null(strstr(screen, "\033[H\033[J"));
	assert_int_equal(write(pty, "q", 1), 1);
	ended();
}

static void
test_quit(void **state)
{
	(void)state;
	end_by("q");
}

static void
test_interrupt(void **state)
{
	(void)state;
	end_by("\003");
}

/* A larger terminal is drawn in anew. */
static void
test_resized(void **state)
{
	struct winsize	 ws;

	(void)state;
	await("q: quit");
	memset(&ws, 0, sizeof(ws));
	ws.ws_row = 24;
	ws.ws_col = 100;
	screen[0] = '\0';
	shown = 0;
	assert_int_equal(ioctl(pty, TIOCSWINSZ, &ws), 0);
	await("[####################### ");
	assert_int_equal(write(pty, "q", 1), 1);
	ended();
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, start_watch, stop_watch)
	const struct CMUnitTest	 tests[] = {
		TEST(test_page),
		TEST(test_quit),
		TEST(test_interrupt),
		TEST(test_resized)
	};

	return (cmocka_run_group_tests(tests, start_server, stop_server));
}
