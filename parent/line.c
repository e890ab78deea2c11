/* See LICENSE for the terms. */
/*
 * The line, as the parent sees it: the device opened and locked, the keeper
 * that holds it, and the parent's own clock, which does not trust dialerd
 * to hang up (L1).
 */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "keeper.h"
#include "log.h"
#include "parent.h"
#include "platform.h"
#include "ttylock.h"

/* The keeper's emergency: pppd and DTR go at once; a modem without DTR may
 * need the escape sequence some times, each with its guard times. */
#define LINE_KILL_WAIT	25	/* seconds */

/* A keeper says at once that it is at that; one that does not hangs. */
#define LINE_ANSWER	2	/* seconds */
/* Between tries to take down a line that could not be: soon where the device
 * is missing, rarely where its modem does not answer. */
#define OWED_SOON	2	/* seconds, doubled each time up to ... */
#define OWED_SOON_MAX	30
#define OWED_LATER	60
#define OWED_LATER_MAX	3600

/* Between tries to start a keeper that takes a line down. */
#define LINE_RETRY	1	/* second */
/* After the end of a call that went over its time: dialerd has to see it. */
#define LINE_HEED	20	/* seconds: it may hang up for itself */

/* Each is entered once in a call, so that its clock is set once only. */
enum stage { ASKING, SETUP, LINKING, UP, STOPPING, FOREIGN };

static struct line {
	int			 open;
	enum stage		 stage;
	uint64_t		 call;
	char			 name[PROTO_NAME_MAX];
	char			*device;	/* NULL: none */
	char			*down;		/* command, or NULL */
	char			*lock;		/* directory, or NULL */
	uint64_t		 window;	/* seconds */
	int			 tty;
	pid_t			 keeper;
	pid_t			 group;		/* of what it runs; 0: none */
	int			 replaced;	/* the keeper, once */
	int			 left;		/* open, and in no call */
	int			 owed;		/* the same, told to nobody */
	int			 preempted;	/* that, by a call */
	unsigned int		 tries;		/* in vain, to close it */
	int			 fd;		/* to the keeper */
	struct event		 ev;
	struct event		 timer;
	char			 in[1024];
	size_t			 inlen;
	int			 killed;
	int			 ending;	/* the keeper says so */
} line = { .tty = -1, .fd = -1 };

/* The line that was closed last: nobody but us can have opened it since. */
static char	 known_down[PROTO_NAME_MAX];

/* What came while the line of the call before was closing. */
static struct {
	int			 there;
	int			 left;		/* LINE_LEFT, or LINE_OPEN */
	unsigned int		 generation;	/* of dialerd */
	struct proto_line	 msg;
} next_open;

/* The call that went over its time, until dialerd says that it is over. */
static struct event	 heed_timer;
static uint64_t		 heed_call;	/* 0: none */
static unsigned int	 heed_generation;

/*
 * Lines that could not be taken down: tried again until they are, beside the
 * calls of others.
 */
struct owed {
	TAILQ_ENTRY(owed)	 entry;
	char			 name[PROTO_NAME_MAX];
	uint64_t		 wait;		/* seconds */
	struct event		 timer;
};
static TAILQ_HEAD(, owed) owed_lines = TAILQ_HEAD_INITIALIZER(owed_lines);

static void	 line_open(const struct proto_line *);
static void	 line_left(const struct proto_line *);
static void	 line_take_down(void);
static void	 line_closed(void);
static void	 line_begin(enum stage);
static void	 line_go(const struct conf_line *);

int
line_is_open(void)
{
	return (line.open);
}

static void
line_tell(uint32_t type, uint32_t error, const char *text, int fd)
{
	struct proto_line	 msg;

	memset(&msg, 0, sizeof(msg));
	msg.call = line.call;
	strlcpy(msg.name, line.name, sizeof(msg.name));
	msg.error = error;
	strlcpy(msg.text, text, sizeof(msg.text));
	channel_send(proc_channel(PROC_DIALERD), type, 0, fd, &msg,
	    sizeof(msg));
}

static void
line_timer(uint64_t seconds)
{
	struct timeval	 tv;

	tv.tv_sec = (time_t)seconds;
	tv.tv_usec = 0;
	evtimer_add(&line.timer, &tv);
}

/* Our end closes: the keeper takes all down and exits.  It can still tell. */
static void
line_hang_up(void)
{
	line.ending = 0;
	if (line.fd != -1)
		shutdown(line.fd, SHUT_WR);
	line_timer(LINE_ANSWER);
}

static void
line_let_go(void)
{
	if (line.fd != -1) {
		event_del(&line.ev);
		close(line.fd);
		line.fd = -1;
	}
}

static void
line_close_device(void)
{
	if (line.tty == -1)
		return;
	(void)ioctl(line.tty, TIOCNXCL);
	/* A close waits for what a dead modem does not take. */
	tcflush(line.tty, TCIOFLUSH);
	/* Nor does the call go on because dialerd did not close its own. */
	(void)platform_revoke_tty(line.tty, line.device);
	close(line.tty);
	line.tty = -1;
	ttylock_release();
}

/* What is remembered of the configuration, which may change meanwhile. */
static int
line_remember(const struct conf_line *conf)
{
	free(line.device);
	free(line.down);
	free(line.lock);
	line.device = line.down = line.lock = NULL;
	if (conf->device != NULL &&
	    (line.device = strdup(conf->device)) == NULL)
		return (-1);
	if (conf->down != NULL && (line.down = strdup(conf->down)) == NULL)
		return (-1);
	if (conf->lock != NULL && conf->lock[0] != '\0' &&
	    (line.lock = strdup(conf->lock)) == NULL)
		return (-1);
	line.window = conf->window;
	return (0);
}

/* The line is down and the device free. */
static void
line_closed(void)
{
	if (!line.open)
		return;
	evtimer_del(&line.timer);
	line_let_go();
	line_close_device();
	log_debug("line %s: closed", line.name);
	/* Not by us is as good as down: it is not for us to close it. */
	if (line.stage == FOREIGN)
		strlcpy(known_down, line.name, sizeof(known_down));
	line.open = 0;
	line.keeper = 0;
	if (line.left)
		line_tell(PARENT_LINK_DOWN, 0, "closed", -1);
	line.left = line.owed = 0;
	proc_line_closed();
	if (!next_open.there)
		return;
	next_open.there = 0;
	if (next_open.generation != proc_generation(PROC_DIALERD) ||
	    !proc_channel(PROC_DIALERD)->open)
		return;
	if (next_open.left)
		line_left(&next_open.msg);
	else
		line_open(&next_open.msg);
}

void
line_down(const char *why)
{
	if (!line.open || line.killed)
		return;
	line.killed = 1;
	line_tell(PARENT_LINK_DOWN, ECONNABORTED, why, -1);
	if (line.stage == FOREIGN) {
		/* Not ours to take down. */
		line_closed();
		return;
	}
	log_warnx("line %s: taken down: %s", line.name, why);
	line_hang_up();
}

/* dialerd timed the call, too; where it does not even say now that it is
 * over, it hangs, and would make no other. */
static void
line_unheeded(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	if (heed_call == 0 || heed_generation != proc_generation(PROC_DIALERD))
		return;
	heed_call = 0;
	log_warnx("dialerd does not end its call: killed");
	proc_kill(PROC_DIALERD);
}

static void
line_overdue(void)
{
	struct timeval	 tv = { LINE_HEED, 0 };

	if (line.call != 0) {
		heed_call = line.call;
		heed_generation = proc_generation(PROC_DIALERD);
		if (!evtimer_initialized(&heed_timer))
			evtimer_set(&heed_timer, line_unheeded, NULL);
		evtimer_add(&heed_timer, &tv);
	}
	line_down("open longer than it may be");
}

static void
line_late(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	if (line.killed && line.keeper == 0) {
		line_take_down();
		return;
	}
	if (line.killed) {
		/* pppd dies with it. */
		log_warnx("line %s: the keeper hangs: killed", line.name);
		kill(line.keeper, SIGKILL);
		return;
	}
	line_overdue();
}

static void
line_report(char *text)
{
	if (strncmp(text, "group ", 6) == 0) {
		line.group = (pid_t)strtonum(text + 6, 0, INT_MAX, NULL);
		return;
	}
	if (strcmp(text, "ending") == 0) {
		if (!line.ending)
			line_timer(LINE_KILL_WAIT);
		line.ending = 1;
	} else if (strcmp(text, "late") == 0) {
		if (!line.killed)
			line_overdue();
	} else if (strcmp(text, "up") == 0) {
		/* Too late where it is to go down already. */
		if (line.stage != LINKING || line.killed)
			return;
		line.stage = UP;
		line_timer(line.window + LINE_GRACE);
		line_tell(PARENT_LINK_UP, 0, "", -1);
	} else if (strncmp(text, "down ", 5) == 0)
		line_tell(PARENT_LINK_DOWN,
		    strcmp(text + 5, "closed") == 0 ? 0 : ENETDOWN, text + 5,
		    -1);
	log_debug("line %s: %s", line.name, text);
}

static void
line_read(int fd, short events, void *arg)
{
	char	*nl;
	ssize_t	 n;

	(void)events;
	(void)arg;
	n = read(fd, line.in + line.inlen, sizeof(line.in) - 1 - line.inlen);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* It exits; the rest follows when it is reaped. */
		event_del(&line.ev);
		return;
	}
	line.inlen += (size_t)n;
	line.in[line.inlen] = '\0';
	while ((nl = memchr(line.in, '\n', line.inlen)) != NULL) {
		*nl = '\0';
		line_report(line.in);
		if (!line.open)
			return;
		line.inlen -= (size_t)(nl + 1 - line.in);
		memmove(line.in, nl + 1, line.inlen);
	}
}

static int
line_open_locked(const char *device)
{
	int	 fd, error;

	if ((fd = open(device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)) ==
	    -1)
		return (-1);
	if (!isatty(fd))
		errno = ENOTTY;
	else if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		(void)ioctl(fd, TIOCEXCL);
		return (fd);
	} else
		errno = EBUSY;
	error = errno;
	close(fd);
	errno = error;
	return (-1);
}

/*
 * Opened, ours alone, and locked against programs that ask politely, which
 * comes first: to open a port is to raise its DTR.  -1 with words, too.
 */
static int
line_open_device(char *text, size_t size)
{
	int	 error;

	if (line.lock != NULL && ttylock_take(line.lock, line.device, text,
	    size) == -1)
		return (-1);
	if ((line.tty = line_open_locked(line.device)) != -1)
		return (0);
	error = errno;
	ttylock_release();
	snprintf(text, size, "%s: %s", line.device, strerror(error));
	errno = error;
	return (-1);
}

static int
line_start_keeper(const struct conf_line *conf, enum keeper_task task)
{
	int	 sp[2];

	line.inlen = 0;
	line.group = 0;
	line.ending = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1)
		return (-1);
	switch (line.keeper = fork()) {
	case -1:
		line.keeper = 0;
		close(sp[0]);
		close(sp[1]);
		return (-1);
	case 0:
		keeper_run(conf, sp[1], line.tty, task);
	}
	close(sp[1]);
	fcntl(sp[0], F_SETFD, FD_CLOEXEC);
	fcntl(sp[0], F_SETFL, O_NONBLOCK);
	line.fd = sp[0];
	event_set(&line.ev, line.fd, EV_READ | EV_PERSIST, line_read, NULL);
	event_add(&line.ev, NULL);
	return (0);
}

/* --- lines that are still to be taken down --- */

static struct owed *
owed_find(const char *name)
{
	struct owed	*o;

	TAILQ_FOREACH(o, &owed_lines, entry) {
		if (strcmp(o->name, name) == 0)
			return (o);
	}
	return (NULL);
}

static void
owed_drop(const char *name, const char *why)
{
	struct owed	*o = owed_find(name);

	if (o == NULL)
		return;
	log_info("line %s: %s", name, why);
	evtimer_del(&o->timer);
	TAILQ_REMOVE(&owed_lines, o, entry);
	free(o);
}

static void
owed_wait(struct owed *o, uint64_t seconds)
{
	struct timeval	 tv = { (time_t)seconds, 0 };

	evtimer_add(&o->timer, &tv);
}

static void
owed_try(int fd, short events, void *arg)
{
	const struct conf_line	*conf;
	struct owed		*o = arg;

	(void)fd;
	(void)events;
	if (line.open || proc_stopping()) {
		owed_wait(o, OWED_SOON);
		return;
	}
	if ((conf = conf_line_find(parent_conf, o->name)) == NULL ||
	    (conf->device == NULL && conf->down == NULL)) {
		owed_drop(o->name, "not configured any more: not taken down");
		return;
	}
	if (line_remember(conf) == -1) {
		owed_wait(o, OWED_SOON_MAX);
		return;
	}
	line.call = 0;
	strlcpy(line.name, o->name, sizeof(line.name));
	line_begin(UP);
	line.open = line.killed = line.owed = 1;
	line_take_down();
}

/* Tried again, and less often each time. */
static void
owe(const char *name, uint64_t first, uint64_t max)
{
	struct owed	*o = owed_find(name);

	if (o == NULL) {
		if ((o = calloc(1, sizeof(*o))) == NULL) {
			log_warn("line %s: not taken down", name);
			return;
		}
		strlcpy(o->name, name, sizeof(o->name));
		evtimer_set(&o->timer, owed_try, o);
		TAILQ_INSERT_TAIL(&owed_lines, o, entry);
		log_warnx("line %s: tried again until it is taken down", name);
		o->wait = first;
	} else if ((o->wait *= 2) < first)
		o->wait = first;
	if (o->wait > max)
		o->wait = max;
	owed_wait(o, o->wait);
}

/* --- the end --- */

/* A keeper whose only task is to take the line down. */
static int
line_start_closer(char *text, size_t size)
{
	struct conf_line	 conf;

	if (line.device != NULL && line.tty == -1 &&
	    line_open_device(text, size) == -1)
		return (-1);
	memset(&conf, 0, sizeof(conf));
	conf.name = line.name;
	conf.device = line.device;
	/* What has not been done by `up' is not undone. */
	conf.down = line.stage == SETUP ? NULL : line.down;
	if (line_start_keeper(&conf, KEEPER_CLOSE) == -1) {
		strlcpy(text, strerror(errno), size);
		return (-1);
	}
	line_hang_up();
	return (0);
}

/*
 * Nobody else does it: what is short, or has the device, may go.  A line that
 * cannot be had at all must not hold up the calls of another for ever.
 */
static void
line_take_down(void)
{
	char	 text[PROTO_TEXT_MAX] = "";

	if (line_start_closer(text, sizeof(text)) == 0)
		return;
	if (!line.owed && line.tries++ == 0)
		log_warnx("line %s: cannot be taken down yet: %s", line.name,
		    text);
	if (!line.owed && line.tries <= LINE_KILL_WAIT / LINE_RETRY) {
		line_timer(LINE_RETRY);
		return;
	}
	owe(line.name, OWED_SOON, OWED_SOON_MAX);
	line_closed();
}

/*
 * A keeper that was killed has taken nothing down: a successor, once.  What
 * it ran goes first; where the system can do that, it has gone with its
 * keeper.
 */
static int
line_replace_keeper(void)
{
	if (line.replaced) {
		owe(line.name, OWED_LATER, OWED_LATER_MAX);
		return (-1);
	}
	line.replaced = 1;
	if (line.group > 0)
		kill(-line.group, SIGKILL);
	line_let_go();
	line_take_down();
	return (0);
}

/* The keeper did what it could: with what it exited. */
static void
line_done(int code)
{
	int	 sure = code == 0;

	if (sure) {
		strlcpy(known_down, line.name, sizeof(known_down));
		/* In a call that came to nothing the modem was not asked. */
		if (line.stage != SETUP)
			owed_drop(line.name, "taken down at last");
	} else if (code == KEEPER_GONE) {
		if (!line.owed)
			log_warnx("line %s: its device is gone: it may still "
			    "be online", line.name);
		owe(line.name, OWED_SOON, OWED_SOON_MAX);
	} else {
		if (!line.owed)
			log_warnx("line %s: its modem does not answer: it may "
			    "still be online", line.name);
		owe(line.name, OWED_LATER, OWED_LATER_MAX);
	}
	if (line.left)
		log_warnx("line %s: was left open by a call that has no end: "
		    "%s", line.name, sure ? "hung up" : "hung up in vain");
	if (!line.killed)
		line_tell(PARENT_LINK_DOWN, ECONNABORTED, "closed", -1);
}

/* The status command has ended. */
static void
line_asked(int foreign)
{
	line_let_go();
	evtimer_del(&line.timer);
	if (line.killed)
		line_closed();
	else if (foreign) {
		line.stage = FOREIGN;
		log_debug("line %s: up already", line.name);
		line_tell(PARENT_LINK_UP, EALREADY, "up already", -1);
	} else {
		line.open = 0;
		line_go(conf_line_find(parent_conf, line.name));
	}
}

int
line_reaped(pid_t pid, int status)
{
	int	 code;

	if (!line.open || pid != line.keeper)
		return (0);
	line.keeper = 0;
	code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	if (line.stage == ASKING) {
		line_asked(code == KEEPER_FOREIGN);
		return (1);
	}
	if (line.preempted) {
		owe(line.name, OWED_SOON, OWED_SOON_MAX);
		line_closed();
		return (1);
	}
	/* It exits by itself only when it was told to. */
	if (code != 0 && code != KEEPER_UNSURE && code != KEEPER_GONE) {
		log_warnx("line %s: the keeper died", line.name);
		if (!line.killed)
			line_tell(PARENT_LINK_DOWN, ECONNABORTED,
			    "the keeper died", -1);
		line.killed = 1;
		if (line_replace_keeper() == 0)
			return (1);
	} else
		line_done(code);
	line_closed();
	return (1);
}

static int
line_message(struct imsg *imsg, struct proto_line *msg)
{
	if (imsg_get_data(imsg, msg, sizeof(*msg)) == -1 ||
	    memchr(msg->name, '\0', sizeof(msg->name)) == NULL ||
	    memchr(msg->text, '\0', sizeof(msg->text)) == NULL)
		return (-1);
	return (0);
}

static void
line_begin(enum stage stage)
{
	known_down[0] = '\0';
	line.killed = line.replaced = line.left = line.owed = 0;
	line.preempted = 0;
	line.tries = 0;
	line.stage = stage;
	evtimer_set(&line.timer, line_late, NULL);
}

/* Device and keeper: 0, or an errno with what it is about. */
static int
line_start(const struct conf_line *conf, char *text, size_t size)
{
	int	 error;

	if (line_remember(conf) == -1) {
		strlcpy(text, strerror(errno), size);
		return (errno);
	}
	if (conf->device != NULL && line_open_device(text, size) == -1)
		return (errno);
	line_begin(SETUP);
	if (line_start_keeper(conf, KEEPER_CALL) == -1) {
		error = errno;
		snprintf(text, size, "keeper: %s", strerror(error));
		line_close_device();
		return (error);
	}
	line.open = 1;
	line_timer(keeper_setup_seconds(conf) + LINE_GRACE);
	return (0);
}

/* Opens the line itself; conf is NULL where there is none of its name. */
static void
line_go(const struct conf_line *conf)
{
	char	 text[PROTO_TEXT_MAX] = "";
	int	 error, fd = -1;

	if (conf == NULL) {
		/* dialerd's configuration is the one before, for a moment. */
		error = ENOENT;
		strlcpy(text, "the line is not configured any more",
		    sizeof(text));
	} else if ((error = line_start(conf, text, sizeof(text))) == 0 &&
	    line.tty != -1 &&
	    (fd = fcntl(line.tty, F_DUPFD_CLOEXEC, 3)) == -1) {
		error = errno;
		strlcpy(text, strerror(error), sizeof(text));
	}
	if (error != 0)
		log_warnx("line %s: %s", line.name, text);
	line_tell(PARENT_LINE_TTY, (uint32_t)error, text, fd);
}

/* First, whether somebody else's link is there already. */
static int
line_ask(const struct conf_line *conf)
{
	if (line_remember(conf) == -1)
		return (-1);
	line_begin(ASKING);
	if (line_start_keeper(conf, KEEPER_STATUS) == -1)
		return (-1);
	line.open = 1;
	line_timer(LINE_KILL_WAIT);	/* the keeper's own limit is shorter */
	return (0);
}

static void
line_open(const struct proto_line *msg)
{
	const struct conf_line	*conf;

	line.call = msg->call;
	strlcpy(line.name, msg->name, sizeof(line.name));
	conf = conf_line_find(parent_conf, msg->name);
	if (conf != NULL && conf->status != NULL) {
		if (line_ask(conf) == 0)
			return;
		log_warn("line %s: status", line.name);
	}
	line_go(conf);
}

/*
 * A call of before, whose end nobody has seen: when all of us were killed at
 * once nothing has hung up.
 */
static void
line_left(const struct proto_line *msg)
{
	const struct conf_line	*conf;

	line.call = msg->call;
	strlcpy(line.name, msg->name, sizeof(line.name));
	conf = conf_line_find(parent_conf, msg->name);
	if (conf == NULL)
		log_warnx("line %s: was left open by a call that has no end, "
		    "and is not configured any more", line.name);
	else if (strcmp(known_down, line.name) != 0 &&
	    (conf->device != NULL || conf->down != NULL)) {
		if (line_remember(conf) == 0) {
			line_begin(UP);
			line.open = line.killed = line.left = 1;
			line_take_down();
			return;
		}
		log_warn("line %s: not taken down", line.name);
	}
	line_tell(PARENT_LINK_DOWN, 0, "closed", -1);
}

static void
line_queue(const struct proto_line *msg, int left)
{
	next_open.there = 1;
	next_open.left = left;
	next_open.generation = proc_generation(PROC_DIALERD);
	next_open.msg = *msg;
}

int
line_handle_left(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_line	 msg;

	(void)ch;
	(void)arg;
	if (line_message(imsg, &msg) == -1)
		return (-1);
	if (!line.open)
		line_left(&msg);
	else if (line.killed)
		line_queue(&msg, 1);
	else
		return (-1);	/* that is a call, and has its end */
	return (0);
}

int
line_handle_open(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_line	 msg;

	(void)ch;
	(void)arg;
	if (line_message(imsg, &msg) == -1)
		return (-1);
	if (!line.open) {
		line_open(&msg);
		return (0);
	}
	/* One call at a time; but the last one may still be going down. */
	if (!line.killed)
		return (-1);
	line_queue(&msg, 0);
	/* What was done in vain before is not waited for. */
	if (line.owed && line.keeper != 0) {
		line.preempted = 1;
		kill(line.keeper, SIGKILL);
	}
	return (0);
}

static void
line_command(char command)
{
	if (line.fd != -1 && write(line.fd, &command, 1) != 1)
		log_warn("line %s: keeper", line.name);
}

/* A message about a call that the parent has ended is late, not wrong. */
static int
line_current(const struct proto_line *msg)
{
	return (line.open && !line.killed && msg->call == line.call);
}

int
line_handle_start(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_line	 msg;

	(void)ch;
	(void)arg;
	if (line_message(imsg, &msg) == -1)
		return (-1);
	if (!line_current(&msg))
		return (0);
	/* A second one would set the clock again (L1). */
	if (line.stage != SETUP)
		return (-1);
	line.stage = LINKING;
	line_timer(LINE_LINKING + LINE_GRACE);
	line_command(KEEPER_START);
	return (0);
}

int
line_handle_stop(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_line	 msg;

	if (line_message(imsg, &msg) == -1)
		return (-1);
	(void)arg;
	if (!line_current(&msg) || line.stage == FOREIGN) {
		msg.error = 0;
		strlcpy(msg.text, "closed", sizeof(msg.text));
		channel_send(ch, PARENT_LINK_DOWN, 0, -1, &msg, sizeof(msg));
		return (0);
	}
	line.stage = STOPPING;
	line_command(KEEPER_STOP);
	return (0);
}

int
line_handle_close(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_line	 msg;

	(void)ch;
	(void)arg;
	if (line_message(imsg, &msg) == -1)
		return (-1);
	if (heed_call == msg.call)
		heed_call = 0;
	/* It may not have waited for the line to be opened. */
	if (next_open.there && next_open.msg.call == msg.call)
		next_open.there = 0;
	if (!line_current(&msg))
		return (0);
	line.killed = 1;	/* it ends as it should: no more reports */
	if (line.stage == FOREIGN) {
		line_closed();
		return (0);
	}
	line.ending = 0;
	line_command(KEEPER_QUIT);
	line_timer(LINE_ANSWER);
	return (0);
}
