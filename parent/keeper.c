/* See LICENSE for the terms. */
/* The keeper of an open line. */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "keeper.h"
#include "log.h"
#include "platform.h"
#include "ttylock.h"

/* pppd says goodbye to its peer: two round trips of a slow satellite. */
#define STOP_WAIT	4000	/* milliseconds from SIGTERM to SIGKILL */
/* A `down` command that hangs must not hold the line's place for ever. */
#define DOWN_WAIT	10000	/* milliseconds */
/*
 * Modems take +++ only between silences of S12.  dialerd sets it to 0.4 s;
 * a modem that would not have that has 1 s.
 */
#define GUARD_SHORT	450	/* milliseconds */
#define GUARD_LONG	1100	/* milliseconds */
#define ANSWER_WAIT	300	/* milliseconds for its "OK" */
#define DTR_WAIT	500	/* milliseconds: beyond the S25 of modems */
/*
 * Bytes of a window that stand in a buffer before +++ take its silence away,
 * 8 KB of them for some 3 s; until they are gone no try can do.
 */
#define ESCAPE_TRIES	8
#define OUTPUT_MAX	512	/* bytes of one line of pppd's log */
/* In an emergency, beside the hang-up: within the parent's patience. */
#define KILL_WAIT	4500	/* milliseconds for a `down` command */
#define KILL_LOOK	50	/* milliseconds between looks at it */

/* dialerd waits for 10 s, and the device must be opened after it. */
#define STATUS_WAIT	6000	/* milliseconds for a `status` command */
#define HUP_WAIT	2000	/* ... for pppd to see that it is gone */

enum job { JOB_NONE, JOB_PPP, JOB_UP, JOB_DOWN, JOB_STATUS };

struct keeper {
	const struct conf_line	*line;
	int			 fd;		/* to the parent */
	int			 tty;
	int			 log;		/* what pppd or commands say */
	enum job		 job;
	pid_t			 pid;		/* of it, and its group */
	int			 exited;	/* it, but not yet its group */
	int			 status;	/* with which */
	int			 up;		/* "up" was reported */
	int			 started;	/* the modem has connected */
	pid_t			 parent;
	int			 stopping;
	int64_t			 kill_at;	/* 0: not */
	int64_t			 end;		/* of the call at the latest */
	int			 hup;		/* the device hung up, ... */
	int			 gone;		/* ... and cannot be had */
	char			 out[OUTPUT_MAX];
	size_t			 outlen;
	char			 reason[OUTPUT_MAX]; /* last telling words */
	char			 why[OUTPUT_MAX]; /* of the down command */
};

static int	 child_pipe[2];	/* SIGCHLD wakes the poll */

static int64_t
now_ms(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static void
on_child(int sig)
{
	int	 saved = errno;

	(void)sig;
	(void)!write(child_pipe[1], "", 1);
	errno = saved;
}

static void __attribute__((__format__(printf, 2, 3)))
keeper_report(struct keeper *k, const char *fmt, ...)
{
	char	 line[OUTPUT_MAX + 32];
	va_list	 ap;
	int	 n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(line) - 1)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	(void)!write(k->fd, line, (size_t)n);
}

uint64_t
keeper_setup_seconds(const struct conf_line *line)
{
	return (line->answer + LINE_SETUP +
	    (TAILQ_EMPTY(&line->chat) ? 0 : CONF_CHAT_MAX));
}

static void
keeper_clock(struct keeper *k, uint64_t seconds)
{
	k->end = now_ms() +
	    (int64_t)(seconds + LINE_GRACE + KEEPER_BEHIND) * 1000;
}

static void
keeper_down(struct keeper *k, const char *reason)
{
	k->up = 0;
	keeper_report(k, "down %s", reason);
}

static void
keeper_up(struct keeper *k)
{
	k->up = 1;
	keeper_clock(k, k->line->window);
	keeper_report(k, "up");
}

/* In the new process: what was ignored would stay so for the program. */
static void
keeper_signals(void)
{
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
}

/* In the new process: what brings the line up must not outlive us. */
static void
keeper_tie(enum job job, pid_t keeper)
{
	if (job == JOB_DOWN)
		return;
	(void)platform_die_with_parent(SIGKILL);
	if (getppid() != keeper)
		_exit(1);
}

/*
 * Starts a program whose output we read; input is its standard input, -1
 * for none.
 */
static int
keeper_spawn(struct keeper *k, enum job job, char *const argv[], int input)
{
	pid_t	 self = getpid();
	int	 p[2];

	if (pipe(p) == -1)
		return (-1);
	switch (k->pid = fork()) {
	case -1:
		k->pid = 0;
		close(p[0]);
		close(p[1]);
		return (-1);
	case 0:
		keeper_tie(job, self);
		keeper_signals();
		if (input == -1)
			input = open("/dev/null", O_RDONLY);
		dup2(input, 0);
		dup2(p[1], 1);
		dup2(p[1], 2);
		closefrom(3);
		/* A group of its own, so that what it starts goes with it. */
		setpgid(0, 0);
		execvp(argv[0], argv);
		dprintf(1, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	setpgid(k->pid, k->pid);
	close(p[1]);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	if (k->log != -1)
		close(k->log);
	k->log = p[0];
	k->outlen = 0;
	k->reason[0] = '\0';
	k->job = job;
	keeper_report(k, "group %d", (int)k->pid);
	return (0);
}

/* What a command may want to know: one script can serve several lines. */
static void
keeper_environment(const struct keeper *k, const char *command)
{
	(void)setenv("RELAYD_LINE", k->line->name, 1);
	(void)setenv("RELAYD_COMMAND", command, 1);
	if (k->line->device != NULL)
		(void)setenv("RELAYD_DEVICE", k->line->device, 1);
	else
		(void)unsetenv("RELAYD_DEVICE");
}

static int
keeper_command(struct keeper *k, enum job job, const char *command)
{
	char	*argv[4];

	argv[0] = (char *)(uintptr_t)"/bin/sh";
	argv[1] = (char *)(uintptr_t)"-c";
	argv[2] = (char *)(uintptr_t)command;
	argv[3] = NULL;
	keeper_environment(k, job == JOB_UP ? "up" :
	    job == JOB_DOWN ? "down" : "status");
	return (keeper_spawn(k, job, argv, -1));
}

/* A word of a pppd options file, quoted as pppd(8) wants it. */
static void
write_quoted(int fd, const char *name, const char *s)
{
	char	 buf[1024];
	size_t	 n;

	if (s == NULL)
		return;
	n = (size_t)snprintf(buf, sizeof(buf), "%s \"", name);
	for (; *s != '\0' && n < sizeof(buf) - 4; s++) {
		if (*s == '"' || *s == '\\')
			buf[n++] = '\\';
		buf[n++] = *s;
	}
	buf[n++] = '"';
	buf[n++] = '\n';
	(void)!write(fd, buf, n);
}

/*
 * A command line can be read by all and a file may be left behind, so
 * secrets go through a pipe, which holds far more than these.
 */
static int
keeper_secrets(const struct conf_line *line)
{
	int	 p[2];

	if (pipe(p) == -1)
		return (-1);
	write_quoted(p[1], "user", line->ppp_user);
	write_quoted(p[1], "password", line->ppp_password);
	close(p[1]);
	return (p[0]);
}

static int
keeper_ppp(struct keeper *k)
{
	struct strnode	 *n;
	struct termios	  t;
	char		**argv, speed[16];
	size_t		  argc = 0, max;
	int		  bits, r, secrets;

	max = strlist_len(&k->line->ppp_options) + 32;
	if ((argv = calloc(max, sizeof(*argv))) == NULL)
		return (-1);
	if ((secrets = keeper_secrets(k->line)) == -1) {
		free(argv);
		return (-1);
	}
	snprintf(speed, sizeof(speed), "%u", k->line->speed);
#define WORD(w)	argv[argc++] = (char *)(uintptr_t)(w)
	WORD(PATH_PPPD);
	WORD(k->line->device);
	WORD(speed);
	WORD("nodetach");
	WORD("noauth");			/* the provider need not log in here */
	WORD("noipdefault");
	WORD("defaultroute");
	WORD("logfd");
	WORD("1");
	WORD("lcp-echo-interval");	/* a dead line is noticed and closed */
	WORD("20");
	WORD("lcp-echo-failure");
	WORD("3");
	/* Without DCD, or a cable that has it, carrier cannot be watched
	 * there, nor be waited for. */
	WORD(ioctl(k->tty, TIOCMGET, &bits) == 0 && (bits & TIOCM_CAR) ?
	    "modem" : "local");
	/* As dialerd has it: some adapters cannot. */
	WORD(tcgetattr(k->tty, &t) == 0 && (t.c_cflag & CRTSCTS) ? "crtscts" :
	    "nocrtscts");
	/* Ours would be in its way. */
	if (k->line->lock != NULL && k->line->lock[0] != '\0')
		WORD("nolock");
	WORD("file");
	WORD("/dev/stdin");
	TAILQ_FOREACH(n, &k->line->ppp_options, entry)
		WORD(n->s);
#undef WORD
	argv[argc] = NULL;
	r = keeper_spawn(k, JOB_PPP, argv, secrets);
	close(secrets);
	free(argv);
	return (r);
}

static void
keeper_start(struct keeper *k)
{
	k->started = 1;
	keeper_clock(k, LINE_LINKING);
	if (k->job != JOB_NONE || k->up || k->stopping)
		return;
	if (k->line->ppp) {
		if (keeper_ppp(k) == -1)
			keeper_down(k, "pppd could not be started");
	} else if (k->line->up != NULL) {
		if (keeper_command(k, JOB_UP, k->line->up) == -1)
			keeper_down(k, "the up command could not be started");
	} else {
		keeper_up(k);
	}
}

/* The way down, by the down command if there is one; then it is reported. */
static void
keeper_undo(struct keeper *k, const char *why)
{
	if (k->line->down == NULL) {
		keeper_down(k, why);
		return;
	}
	strlcpy(k->why, why, sizeof(k->why));
	if (keeper_command(k, JOB_DOWN, k->line->down) == -1)
		keeper_down(k, "the down command could not be started");
	else
		k->kill_at = now_ms() + DOWN_WAIT;
}

static void
keeper_stop(struct keeper *k)
{
	if (k->stopping)
		return;
	k->stopping = 1;
	if (k->job == JOB_DOWN)
		return;		/* on its way already */
	if (k->job != JOB_NONE) {
		kill(-k->pid, SIGTERM);
		k->kill_at = now_ms() + STOP_WAIT;
	} else if (k->up)
		keeper_undo(k, "closed");
	else
		keeper_down(k, "closed");
}

/* What pppd says of its end, and what tells that the link is up. */
static void
keeper_line(struct keeper *k, char *line)
{
	static const char *const telling[] = {
		"failed", "Failed", "hangup", "Hangup", "denied", "terminated",
		"rejected", "not ", "No ", "error", "timeout", "Couldn't",
		"unrecognized", "refused"
	};
	size_t	 i;

	log_debug("%s: %s", k->job == JOB_PPP ? "pppd" : "command", line);
	if (k->job != JOB_PPP) {
		strlcpy(k->reason, line, sizeof(k->reason));
		return;
	}
	/* pppd's last word once both ends have their addresses. */
	if (strncmp(line, "remote IP address ", 18) == 0 && !k->up) {
		keeper_up(k);
		return;
	}
	for (i = 0; i < sizeof(telling) / sizeof(telling[0]); i++)
		if (strstr(line, telling[i]) != NULL) {
			strlcpy(k->reason, line, sizeof(k->reason));
			return;
		}
}

static void
keeper_output(struct keeper *k)
{
	char	*nl;
	ssize_t	 n;

	n = read(k->log, k->out + k->outlen, sizeof(k->out) - 1 - k->outlen);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(k->log);
		k->log = -1;
		return;
	}
	k->outlen += (size_t)n;
	k->out[k->outlen] = '\0';
	while ((nl = memchr(k->out, '\n', k->outlen)) != NULL) {
		*nl = '\0';
		if (nl > k->out && nl[-1] == '\r')
			nl[-1] = '\0';
		keeper_line(k, k->out);
		k->outlen -= (size_t)(nl + 1 - k->out);
		memmove(k->out, nl + 1, k->outlen);
	}
	if (k->outlen == sizeof(k->out) - 1)
		k->outlen = 0;
}

/* What an up command that failed or was stopped did is undone as well. */
static void
keeper_ended(struct keeper *k, enum job job, int status)
{
	char	 why[OUTPUT_MAX];

	if (job == JOB_UP && !k->stopping && status == 0) {
		keeper_up(k);
		return;
	}
	if (k->stopping)
		strlcpy(why, "closed", sizeof(why));
	else if (k->gone)
		strlcpy(why, "device lost", sizeof(why));
	else
		snprintf(why, sizeof(why), "%s ended%s%.400s",
		    job == JOB_PPP ? "pppd" : "the up command",
		    k->reason[0] != '\0' ? ": " : "", k->reason);
	if (job == JOB_UP)
		keeper_undo(k, why);
	else
		keeper_down(k, why);
}

/*
 * The end of a job: what its leader left behind goes with it.  On the way
 * down that, too, has had SIGTERM and gets until kill_at: a shell dies of it
 * before its commands have obeyed.
 */
static void
keeper_settle(struct keeper *k)
{
	enum job	 job = k->job;
	size_t		 before;

	if (!k->exited || (k->stopping && now_ms() < k->kill_at &&
	    kill(-k->pid, 0) == 0))
		return;
	k->exited = 0;
	while (k->log != -1) {
		before = k->outlen;
		keeper_output(k);
		if (k->log != -1 && k->outlen == before)
			break;
	}
	kill(-k->pid, SIGKILL);		/* what it may have left behind */
	k->pid = 0;
	k->job = JOB_NONE;
	k->kill_at = 0;
	keeper_report(k, "group 0");
	if (job == JOB_STATUS)
		_exit(k->status == 0 ? KEEPER_FOREIGN : 0);
	if (job == JOB_DOWN)
		keeper_down(k, k->status != 0 ? "the down command failed" :
		    k->why);
	else
		keeper_ended(k, job, k->status);
}

static void
keeper_exited(struct keeper *k, int status)
{
	k->exited = 1;
	k->status = status;
	keeper_settle(k);
}

static void
keeper_reap(struct keeper *k)
{
	char	 drain[64];
	pid_t	 pid;
	int	 status;

	while (read(child_pipe[0], drain, sizeof(drain)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == k->pid)
			keeper_exited(k, status);
}

/* The death of pppd, which may come just then, must not cut it short. */
static void
keeper_silence(int ms)
{
	struct timespec	 ts = { ms / 1000, (ms % 1000) * 1000000L };

	while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
		;
}

/* Reads what the modem says until it says OK, which is "0" in digits. */
static int
keeper_ok(struct keeper *k)
{
	struct pollfd	 pfd = { k->tty, POLLIN, 0 };
	int64_t		 end = now_ms() + ANSWER_WAIT, left;
	char		 buf[256];
	size_t		 len = 0;
	ssize_t		 n;

	while ((left = end - now_ms()) > 0) {
		if (poll(&pfd, 1, (int)left) != 1)
			continue;
		n = read(k->tty, buf + len, sizeof(buf) - len);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			continue;	/* dialerd was quicker */
		if (n <= 0)
			return (0);
		len += (size_t)n;
		if (memmem(buf, len, "OK\r", 3) != NULL ||
		    memmem(buf, len, "0\r", 2) != NULL)
			return (1);
		/* Its end may be the beginning of an answer. */
		if (len > 2) {
			memmove(buf, buf + len - 2, 2);
			len = 2;
		}
	}
	return (0);
}

/* The escape sequence and ATH; 1 when the modem obeyed. */
static int
keeper_escape(struct keeper *k, int guard)
{
	keeper_silence(guard);
	tcflush(k->tty, TCIFLUSH);
	(void)!write(k->tty, "+++", 3);
	keeper_silence(guard);
	tcflush(k->tty, TCIFLUSH);
	(void)!write(k->tty, "\rATH\r", 5);
	return (keeper_ok(k));
}

/* Brings the device to its senses; 1 when it has a DTR to drop. */
static int
keeper_drop_dtr(struct keeper *k)
{
	struct termios	 t;
	int		 bits = TIOCM_DTR, disc = 0;

	/* A killed pppd leaves its own, which takes no plain bytes. */
	(void)ioctl(k->tty, TIOCSETD, &disc);
	if (tcgetattr(k->tty, &t) == 0) {
		cfmakeraw(&t);
		t.c_cflag |= HUPCL | CLOCAL | CREAD;
		(void)tcsetattr(k->tty, TCSANOW, &t);
	}
	tcflush(k->tty, TCIOFLUSH);
	return (ioctl(k->tty, TIOCMBIC, &bits) == 0);
}

/*
 * The last close drops DTR and what the driver has not sent.  -1 when the
 * device is gone, or a new relayd has it, which hangs up before it dials.
 */
static int
keeper_reopen(struct keeper *k)
{
	close(k->tty);
	if ((k->tty = open(k->line->device,
	    O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)) == -1) {
		k->gone = 1;
		return (-1);
	}
	/* While the parent lives the lock is its own. */
	if (getppid() != k->parent && flock(k->tty, LOCK_EX | LOCK_NB) == -1) {
		close(k->tty);
		k->tty = -1;
		return (-1);
	}
	(void)keeper_drop_dtr(k);
	return (0);
}

/*
 * The device hangs up when it is unplugged, and with the carrier where pppd
 * has it so.  Our descriptor is of no use then, and while it is open the
 * same name would not come back.
 */
static void
keeper_hup(struct keeper *k)
{
	k->hup = 1;
	if (keeper_reopen(k) == -1)
		k->gone = 1;
	log_debug("the device hung up%s", k->gone ? " and is gone" : "");
	if (k->job == JOB_PPP && k->kill_at == 0)
		k->kill_at = now_ms() + HUP_WAIT;	/* it sees it, too */
	else if (k->job == JOB_NONE && k->up && !k->stopping)
		keeper_undo(k, k->gone ? "device lost" : "the line hung up");
}

/*
 * Whether the modem takes commands, as one that is online does not; one that
 * was brought back from there, but no further, hangs up for this one.
 */
static int
keeper_answers(struct keeper *k)
{
	int	 bits = TIOCM_DTR;

	(void)ioctl(k->tty, TIOCMBIS, &bits);
	(void)!write(k->tty, "ATH\r", 4);
	return (keeper_ok(k));
}

/* Not every modem looks at DTR, and not every adapter has it wired. */
static int
keeper_obeys_dtr(struct keeper *k)
{
	if (!keeper_drop_dtr(k))
		return (0);
	keeper_silence(DTR_WAIT);
	return (keeper_answers(k));
}

/*
 * Hangs up with nobody's help: DTR where that does it, else the escape
 * sequence.  The close that follows drops DTR once more (HUPCL).  What to
 * exit with.
 */
static int
keeper_hangup(struct keeper *k)
{
	int	 tries = k->started ? ESCAPE_TRIES : 1;

	if (k->tty == -1)
		return (k->gone ? KEEPER_GONE : 0);
	if (keeper_obeys_dtr(k) ||
	    keeper_escape(k, GUARD_SHORT))
		return (0);
	do {
		if (keeper_escape(k, GUARD_LONG))
			return (0);
		if (keeper_reopen(k) == -1)
			return (k->gone ? KEEPER_GONE : KEEPER_UNSURE);
	} while (--tries > 0);
	/* One that never said CONNECT may well be none. */
	return (k->started ? KEEPER_UNSURE : 0);
}

/*
 * dialerd says that it has hung up.  A modem that is still online does not
 * answer, whatever dialerd believes (L1).
 */
static int
keeper_make_sure(struct keeper *k)
{
	if (k->tty == -1)
		return (k->gone ? KEEPER_GONE : 0);
	(void)keeper_drop_dtr(k);
	return (keeper_answers(k) ? 0 : keeper_hangup(k));
}

/* The down command, in nobody's group: it may outlive us if it must. */
static pid_t
keeper_last_words(const struct keeper *k)
{
	pid_t	 pid;

	if ((pid = fork()) == 0) {
		setsid();
		keeper_signals();
		keeper_environment(k, "down");
		closefrom(3);
		execl("/bin/sh", "sh", "-c", k->line->down, (char *)NULL);
		_exit(127);
	}
	return (pid);
}

static void __attribute__((__noreturn__))
keeper_kill(struct keeper *k)
{
	int64_t	 end = now_ms() + KILL_WAIT;
	pid_t	 down = -1;
	int	 status, begun;

	begun = k->up || k->job == JOB_UP || k->job == JOB_DOWN;
	keeper_report(k, "ending");
	if (k->pid != 0) {
		kill(-k->pid, SIGKILL);
		kill(k->pid, SIGKILL);
	}
	if (k->line->down != NULL && begun)
		down = keeper_last_words(k);
	status = keeper_hangup(k);
	if (k->tty != -1)
		close(k->tty);
	k->tty = -1;
	if (getppid() != k->parent)
		ttylock_orphaned();
	/* The next call's up command must not meet this one's down. */
	while (down > 0 && now_ms() < end && waitpid(down, NULL, WNOHANG) == 0)
		keeper_silence(KILL_LOOK);
	_exit(status);
}

static void
keeper_commands(struct keeper *k)
{
	char	 c[16];
	ssize_t	 n, i;

	n = read(k->fd, c, sizeof(c));
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		keeper_kill(k);		/* the parent is gone */
	for (i = 0; i < n; i++) {
		switch (c[i]) {
		case KEEPER_START:
			keeper_start(k);
			break;
		case KEEPER_STOP:
			keeper_stop(k);
			break;
		case KEEPER_QUIT:
			if (k->pid != 0 || k->up)
				keeper_kill(k);
			keeper_report(k, "ending");
			_exit(keeper_make_sure(k));
		default:
			keeper_kill(k);
		}
	}
}

/* Milliseconds until something is due. */
static int
keeper_wait(const struct keeper *k)
{
	int64_t	 now = now_ms(), at = k->end;

	if (k->kill_at != 0 && (at == 0 || k->kill_at < at))
		at = k->kill_at;
	if (at == 0)
		return (-1);
	if (at <= now)
		return (0);
	if (k->kill_at != 0 && k->exited && at - now > KILL_LOOK)
		return (KILL_LOOK);
	return (at - now > INT_MAX ? INT_MAX : (int)(at - now));
}

static void
keeper_times(struct keeper *k)
{
	if (k->end != 0 && now_ms() >= k->end) {
		keeper_report(k, "late");
		keeper_kill(k);
	}
	if (k->kill_at != 0 && now_ms() >= k->kill_at) {
		k->kill_at = 0;
		if (k->pid != 0)
			kill(-k->pid, SIGKILL);
	}
}

static void __attribute__((__noreturn__))
keeper_loop(struct keeper *k)
{
	struct pollfd	 pfd[4];

	memset(pfd, 0, sizeof(pfd));
	for (;;) {
		pfd[0].fd = k->fd;
		pfd[1].fd = child_pipe[0];
		pfd[2].fd = k->log;	/* poll skips -1 */
		pfd[0].events = pfd[1].events = pfd[2].events = POLLIN;
		/* Of that only POLLHUP: what comes is not for us. */
		pfd[3].fd = k->hup ? -1 : k->tty;
		if (poll(pfd, 4, keeper_wait(k)) == -1) {
			if (errno != EINTR)
				keeper_kill(k);
			memset(pfd, 0, sizeof(pfd));
		}
		keeper_times(k);
		keeper_settle(k);
		if (k->log != -1 && pfd[2].revents != 0)
			keeper_output(k);
		if (pfd[1].revents != 0)
			keeper_reap(k);
		if (pfd[0].revents != 0)
			keeper_commands(k);
		if (pfd[3].revents != 0 && !k->hup)
			keeper_hup(k);
	}
}

static void
keeper_begin(struct keeper *k, enum keeper_task task)
{
	switch (task) {
	case KEEPER_CALL:
		keeper_clock(k, keeper_setup_seconds(k->line));
		break;
	case KEEPER_CLOSE:
		/* The modem may be online; the parent's end is closed. */
		k->up = k->started = 1;
		break;
	case KEEPER_STATUS:
		if (keeper_command(k, JOB_STATUS, k->line->status) == -1)
			_exit(0);
		k->kill_at = now_ms() + STATUS_WAIT;
		break;
	}
}

void
keeper_run(const struct conf_line *line, int fd, int tty,
    enum keeper_task task)
{
	struct keeper		 k;
	struct sigaction	 sa;

	memset(&k, 0, sizeof(k));
	k.parent = getppid();
	k.line = line;
	/* Its descriptor goes, too: the next line opens the log anew. */
	closelog();
	/* Known places first, then nothing else of the parent's. */
	if ((k.fd = fcntl(fd, F_DUPFD, 100)) == -1 ||
	    (tty != -1 && (tty = fcntl(tty, F_DUPFD, 100)) == -1))
		_exit(1);
	dup2(k.fd, 3);
	k.fd = 3;
	if (tty != -1)
		dup2(tty, 4);
	k.tty = tty != -1 ? 4 : -1;
	closefrom(tty != -1 ? 5 : 4);
	k.log = -1;
	log_procinit("keeper");
	setproctitle("keeper of line %s", line->name);
	/* A service manager's signals are for the parent, which tells us. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (pipe(child_pipe) == -1)
		_exit(1);
	fcntl(child_pipe[0], F_SETFL, O_NONBLOCK);
	fcntl(child_pipe[1], F_SETFL, O_NONBLOCK);
	fcntl(k.fd, F_SETFL, O_NONBLOCK);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_child;
	sa.sa_flags = SA_RESTART | SA_NOCLDSTOP;
	sigaction(SIGCHLD, &sa, NULL);
	keeper_begin(&k, task);
	keeper_loop(&k);
}
