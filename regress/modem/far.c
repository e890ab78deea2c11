/* See LICENSE for the terms. */
/* The far side of the data that pass through the modem's own terminal. */

#include <sys/types.h>
#include <sys/wait.h>
#include <err.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "far.h"
#include "wire.h"

static int		 fd = -1;	/* master side of the program's pty */
static pid_t		 pid;
static struct event	 ev;
static struct wire_end	 up, down;
static const char	*banner;
static size_t		 matched;	/* of the banner */

int
far_running(void)
{
	return (fd != -1);
}

/* From the DTE, having crossed: small against the pty's own buffer. */
static void
up_deliver(struct wire_end *e, const uint8_t *data, size_t len)
{
	(void)e;
	count_bytes();
	while (len > 0 && fd != -1) {
		ssize_t	 n = write(fd, data, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;		/* lost, as on a line */
		data += n;
		len -= (size_t)n;
	}
}

static void
up_room(struct wire_end *e)
{
	(void)e;
	tty_resume();
}

static void
down_deliver(struct wire_end *e, const uint8_t *data, size_t len)
{
	(void)e;
	tty_write(data, len);
	count_bytes();
}

static void
down_room(struct wire_end *e)
{
	(void)e;
	if (fd != -1)
		event_add(&ev, NULL);
}

/* slirp greets before it speaks PPP. */
static int
skip_banner(const uint8_t *buf, size_t n)
{
	size_t	 i;

	for (i = 0; i < n && banner != NULL; i++) {
		if (buf[i] == (uint8_t)banner[matched])
			matched++;
		else
			matched = buf[i] == (uint8_t)banner[0];
		if (banner[matched] == '\0')
			banner = NULL;
	}
	return ((int)i);
}

static void
far_read(int s, short events, void *arg)
{
	uint8_t	 buf[256];
	ssize_t	 n;
	int	 skip = 0;

	(void)events;
	(void)arg;
	/* Downstream of the wire is the terminal, which may not read. */
	if (tty_space() < 1024 || wire_space(&down) == 0) {
		event_del(&ev);
		return;
	}
	n = read(s, buf, sizeof(buf));
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		event_del(&ev);
		return;
	}
	if (banner != NULL)
		skip = skip_banner(buf, (size_t)n);
	if (n > skip)
		wire_send(&down, buf + skip, (size_t)(n - skip));
}

void
far_room(void)
{
	if (fd != -1)
		event_add(&ev, NULL);
}

size_t
far_space(void)
{
	return (wire_space(&up));
}

void
far_send(const uint8_t *data, size_t len)
{
	wire_send(&up, data, len);
}

void
far_start(const char *command, const char *text)
{
	struct termios	 t;
	int		 slave;

	if (command == NULL)
		return;
	if ((fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) == -1 ||
	    grantpt(fd) == -1 || unlockpt(fd) == -1)
		err(1, "pty");
	if ((slave = open(ptsname(fd), O_RDWR | O_NOCTTY)) == -1)
		err(1, "pty");
	if (tcgetattr(slave, &t) == 0) {
		cfmakeraw(&t);
		tcsetattr(slave, TCSANOW, &t);
	}
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		setsid();
		dup2(slave, 0);
		dup2(slave, 1);
		if (slave > 2)
			close(slave);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(slave);
	banner = text;
	matched = 0;
	wire_add(&up, WIRE_UP, up_deliver, up_room, NULL);
	wire_add(&down, WIRE_DOWN, down_deliver, down_room, NULL);
	event_set(&ev, fd, EV_READ | EV_PERSIST, far_read, NULL);
	event_add(&ev, NULL);
}

void
far_stop(void)
{
	if (fd == -1)
		return;
	event_del(&ev);
	wire_remove(&up);
	wire_remove(&down);
	close(fd);
	fd = -1;
	kill(-pid, SIGTERM);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	tty_resume();
}
