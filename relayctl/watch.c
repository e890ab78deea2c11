/* See LICENSE for the terms. */
/* relayctl watch: asks once a second, and draws what it hears. */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "format.h"
#include "show.h"
#include "watch.h"

#define SECOND_MS	1000
#define LINE_SECONDS	5	/* in a window, where lines are printed */

static struct ctl_summary	 summary;
static struct ctl_plan		 plan;
static int			 has_plan;

/* --- the terminal --- */

static struct termios		 saved;
static int			 is_raw;	/* saved is to be put back */
static int			 drawing;	/* pages, on a terminal */
static volatile sig_atomic_t	 resized, stopped;

/* Only what may be called in a signal handler. */
static void
terminal_restore(void)
{
	if (is_raw)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	is_raw = 0;
}

/* Keys come at once and are not shown; ^C and ^Z stay signals. */
static void
terminal_raw(void)
{
	struct termios	 raw;

	if (!drawing || tcgetattr(STDIN_FILENO, &saved) == -1)
		return;
	raw = saved;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	is_raw = 1;
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

/* At once: an answer may be waited for. */
static void
on_end(int sig)
{
	(void)sig;
	terminal_restore();
	if (drawing)
		(void)!write(STDOUT_FILENO, "\n", 1);
	_exit(0);
}

static void
on_other(int sig)
{
	if (sig == SIGWINCH)
		resized = 1;
	else
		stopped = 1;
}

static void
catch(int sig, void (*handler)(int))
{
	struct sigaction	 sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sigemptyset(&sa.sa_mask);
	if (sigaction(sig, &sa, NULL) == -1)
		err(1, "sigaction");
}

static void
terminal_begin(void)
{
	const char	*term = getenv("TERM");

	drawing = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) &&
	    term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
	if (!drawing)
		return;
	catch(SIGINT, on_end);
	catch(SIGTERM, on_end);
	catch(SIGHUP, on_end);
	catch(SIGWINCH, on_other);
	catch(SIGTSTP, on_other);
	terminal_raw();
	/* Home, and clear to the end of the screen. */
	fputs("\033[H\033[J", stdout);
}

static int
rows(void)
{
	struct winsize	 ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == -1 || ws.ws_row < 2)
		return (24);
	return (ws.ws_row);
}

/* Over what is there, so that nothing flickers; what does not fit is not
 * shown. */
static void
draw(char *page)
{
	char	*line, *p = page;
	int	 room = rows() - 2;

	fputs("\033[H", stdout);
	while (room-- > 0 && (line = strsep(&p, "\n")) != NULL &&
	    (*line != '\0' || p != NULL))
		printf("%s\033[K\n", line);
	fputs("\033[J\nq: quit ", stdout);
	fflush(stdout);
}

static void
suspend(void)
{
	terminal_restore();
	fputs("\n", stdout);
	fflush(stdout);
	(void)kill(getpid(), SIGSTOP);
	/* And now it goes on. */
	terminal_raw();
	fputs("\033[H\033[J", stdout);
}

/* A second, or until a key ends it: 1. */
static int
wait_second(void)
{
	struct pollfd	 pfd = { STDIN_FILENO, POLLIN, 0 };
	char		 key;

	/* Where there are no keys, there is nothing to look at. */
	if (!drawing)
		pfd.fd = -1;
	if (poll(&pfd, 1, SECOND_MS) == 1) {
		if (read(STDIN_FILENO, &key, 1) != 1)
			return (1);
		return (key == 'q' || key == 'Q' || key == '\003');
	}
	return (0);
}

/* --- what is drawn --- */

static void
take(uint32_t type, const void *data, size_t len, void *arg)
{
	(void)len;
	(void)arg;
	if (type == CTL_SUMMARY)
		memcpy(&summary, data, sizeof(summary));
	else if (type == CTL_PLAN) {
		memcpy(&plan, data, sizeof(plan));
		has_plan = 1;
	}
}

/* 0, or -1 when relayd is not to be asked. */
static int
ask(void)
{
	has_plan = 0;
	if (client_request(CTL_SHOW_SUMMARY, NULL, 0, take, NULL, NULL) == -1)
		return (-1);
	/* It may be that there is no plan; the rest is shown all the same. */
	if (drawing && summary.call.call == 0)
		(void)client_request(CTL_SHOW_PLAN, NULL, 0, take, NULL,
		    NULL);
	return (0);
}

static void
show_page(int there)
{
	char	*page = NULL;
	size_t	 size;
	FILE	*f;

	if ((f = open_memstream(&page, &size)) == NULL)
		err(1, "out of memory");
	if (there)
		watch_page(f, &summary, has_plan ? &plan : NULL);
	else {
		fprintf(f, "relayd\n\n");
		format_words(f, 0, 0, client_error());
	}
	if (fclose(f) == EOF)
		err(1, "out of memory");
	draw(page);
	free(page);
}

/* What makes a new line worth its place. */
static int
has_changed(const struct ctl_summary *old)
{
	return (old->state != summary.state ||
	    old->call.call != summary.call.call ||
	    old->hold != summary.hold || old->next != summary.next ||
	    strcmp(old->next_why, summary.next_why) != 0 ||
	    old->queue_messages != summary.queue_messages);
}

static void
show_line(int there)
{
	static struct ctl_summary	 old;
	static int			 was_there = -1;
	int				 open = summary.call.up != 0;

	if (!there) {
		if (was_there != 0)
			printf("%s\n", client_error());
	} else if (was_there != 1 || has_changed(&old) ||
	    (open && summary.now >= old.now + LINE_SECONDS)) {
		watch_line(stdout, &summary);
		old = summary;
	}
	was_there = there;
	if (fflush(stdout) == EOF)
		exit(1);
}

int
watch(enum form form)
{
	int	 there;

	if (form == FORM_TEXT)
		terminal_begin();
	do {
		there = ask() == 0;
		if (form == FORM_JSON) {
			if (!there)
				errx(1, "%s", client_error());
			show_json.summary(&summary);
			if (fflush(stdout) == EOF)
				return (1);
		} else if (drawing)
			show_page(there);
		else
			show_line(there);
		if (resized) {
			resized = 0;
			format_init();
			fputs("\033[H\033[J", stdout);
		}
		if (stopped) {
			stopped = 0;
			suspend();
		}
	} while (!wait_second());
	terminal_restore();
	if (drawing)
		printf("\n");
	return (0);
}
