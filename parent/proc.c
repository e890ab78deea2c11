/* See LICENSE for the terms. */
/*
 * The three children: started, given their channels and configuration,
 * watched, and started again with a growing pause.  A child that keeps
 * dying does not take the others with it.
 */

#include <sys/types.h>
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
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "parent.h"

#define CHANNEL_FD	3	/* the child's end, as child.c expects */

#define RESTART_FIRST	1	/* seconds: most faults do not come twice */
#define RESTART_LONGEST	60	/* seconds: rarely enough to be cheap */
#define RESTART_FORGET	600	/* seconds of life that clear the record */

/* dialerd closes connections, link and modem in turn, each with its own
 * limit (5, 10, 10 and 2 seconds); the others only finish a commit. */
#define SHUTDOWN_LINE	28	/* seconds */
#define SHUTDOWN_REST	5	/* seconds */

#define LEDGER_RETRY	60	/* seconds: a full disk may have been emptied */

enum proc_state { PROC_DOWN, PROC_CONFIGURING, PROC_RUNNING };

struct proc {
	enum proc_id		 id;
	const char		*user;
	pid_t			 pid;
	enum proc_state		 state;
	struct channel		 ch;
	time_t			 started;	/* monotonic */
	unsigned int		 pause;		/* seconds */
	unsigned int		 generation;
	struct event		 restart;
};

static struct proc_options	 options;
static int			 stopping;	/* 0, 1: line, 2: the rest */
static struct event		 stop_timer, ledger_timer;

static const struct channel_row *proc_rows(enum proc_id);

static struct proc	 procs[PROC_COUNT] = {
	[PROC_SPOOLD] = { .id = PROC_SPOOLD, .user = SPOOLD_USER },
	[PROC_DIALERD] = { .id = PROC_DIALERD, .user = RELAY_USER },
	[PROC_FETCHD] = { .id = PROC_FETCHD, .user = RELAY_USER },
};

#define FOREACH_CHILD(p)						\
	for ((p) = &procs[PROC_SPOOLD]; (p) <= &procs[PROC_FETCHD]; (p)++)

static time_t
monotonic(void)
{
	struct timespec	 ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return (ts.tv_sec);
}

struct channel *
proc_channel(enum proc_id id)
{
	return (&procs[id].ch);
}

int
proc_configuring(void)
{
	struct proc	*p;

	FOREACH_CHILD(p)
		if (p->state == PROC_CONFIGURING)
			return (1);
	return (0);
}

int
proc_stopping(void)
{
	return (stopping);
}

unsigned int
proc_generation(enum proc_id id)
{
	return (procs[id].generation);
}

static const char *
proc_root(const struct proc *p)
{
	return (p->id == PROC_SPOOLD ? parent_conf->global.spool :
	    parent_conf->global.empty);
}

/* In the new process. */
static void __attribute__((__noreturn__))
proc_exec(const struct proc *p, int fd)
{
	char	 path[PATH_MAX];
	char	*argv[8];
	int	 argc = 0;

	if (fd == CHANNEL_FD) {
		/* dup2 would leave close-on-exec set. */
		if (fcntl(fd, F_SETFD, 0) == -1)
			fatal("fcntl");
	} else if (dup2(fd, CHANNEL_FD) == -1)
		fatal("dup2");
	closefrom(CHANNEL_FD + 1);
	if (snprintf(path, sizeof(path), "%s/%s", options.libexec,
	    proto_proc_name(p->id)) >= (int)sizeof(path))
		fatalx("%s: path too long", options.libexec);
	argv[argc++] = path;
	argv[argc++] = (char *)(uintptr_t)"-u";
	argv[argc++] = (char *)(uintptr_t)p->user;
	argv[argc++] = (char *)(uintptr_t)"-r";
	argv[argc++] = (char *)(uintptr_t)proc_root(p);
	if (options.debug)
		argv[argc++] = (char *)(uintptr_t)"-d";
	if (options.verbose)
		argv[argc++] = (char *)(uintptr_t)"-v";
	argv[argc] = NULL;
	execv(path, argv);
	fatal("%s", path);
}

static void	 proc_closed(struct channel *, int, void *);
static void	 proc_restart_later(struct proc *);

static void
proc_start(struct proc *p)
{
	int	 sp[2];

	p->started = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1) {
		log_warn("%s: socketpair", proto_proc_name(p->id));
		proc_restart_later(p);
		return;
	}
	if (fcntl(sp[0], F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(sp[1], F_SETFD, FD_CLOEXEC) == -1)
		fatal("fcntl");
	switch (p->pid = fork()) {
	case -1:
		log_warn("%s: fork", proto_proc_name(p->id));
		close(sp[0]);
		close(sp[1]);
		p->pid = 0;
		proc_restart_later(p);
		return;
	case 0:
		proc_exec(p, sp[1]);
	}
	close(sp[1]);
	if (channel_open(&p->ch, sp[0], PROC_PARENT, p->id, proc_rows(p->id),
	    NULL, proc_closed) == -1)
		fatal("channel");
	p->started = monotonic();
	p->generation++;
	p->state = PROC_CONFIGURING;
	log_debug("%s: started, pid %d", proto_proc_name(p->id), p->pid);
	if (reload_push(p->id, parent_conf) == -1) {
		log_warnx("%s: configuration could not be sent",
		    proto_proc_name(p->id));
		kill(p->pid, SIGKILL);
	}
}

static void
proc_restart(int fd, short events, void *arg)
{
	struct timeval	 tv = { RESTART_FIRST, 0 };
	struct proc	*p = arg;

	(void)fd;
	(void)events;
	if (stopping)
		return;
	/* Which configuration is to be had is known when that is over. */
	if (reload_busy())
		evtimer_add(&p->restart, &tv);
	else
		proc_start(p);
}

void
proc_restart_now(void)
{
	struct proc	*p;

	FOREACH_CHILD(p) {
		if (p->state != PROC_DOWN || p->pid != 0 || stopping)
			continue;
		evtimer_del(&p->restart);
		proc_start(p);
	}
}

static void
proc_restart_later(struct proc *p)
{
	struct timeval	 tv = { 0, 0 };

	if (p->started != 0 && monotonic() - p->started > RESTART_FORGET)
		p->pause = 0;
	if (p->pause == 0)
		p->pause = RESTART_FIRST;
	else if ((p->pause *= 2) > RESTART_LONGEST)
		p->pause = RESTART_LONGEST;
	tv.tv_sec = p->pause;
	log_info("%s: starting again in %u s", proto_proc_name(p->id),
	    p->pause);
	evtimer_set(&p->restart, proc_restart, p);
	evtimer_add(&p->restart, &tv);
}

/* Both ends of a pipe of their own, for two children that are running. */
static void
proc_connect(struct proc *a, struct proc *b)
{
	uint32_t	 id;
	int		 sp[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1) {
		/* Without it neither is of use: the newer tries again. */
		log_warn("%s: socketpair", proto_proc_name(a->id));
		proc_kill(a->id);
		return;
	}
	id = b->id;
	channel_send(&a->ch, PARENT_PEER, 0, sp[0], &id, sizeof(id));
	id = a->id;
	channel_send(&b->ch, PARENT_PEER, 0, sp[1], &id, sizeof(id));
}

/* Without its ledger dialerd makes no call, so this is tried until it works. */
static void
proc_ledger(int unused, short events, void *arg)
{
	struct timeval	 tv = { LEDGER_RETRY, 0 };
	struct proc	*p = arg;
	int		 fd;

	(void)unused;
	(void)events;
	if (p->state == PROC_DOWN)
		return;
	if ((fd = spooldir_open_state("ledger", O_RDWR | O_APPEND)) == -1) {
		log_warn("ledger");
		evtimer_add(&ledger_timer, &tv);
	} else
		channel_send(&p->ch, PARENT_LEDGER, 0, fd, NULL, 0);
}

/* Nothing depends on this one. */
static void
proc_arrivals(struct proc *p)
{
	int	 fd;

	if ((fd = spooldir_open_state("arrivals", O_RDWR | O_APPEND)) == -1)
		log_warn("arrivals");
	else
		channel_send(&p->ch, PARENT_ARRIVALS, 0, fd, NULL, 0);
}

static void
proc_dialerd_sockets(struct proc *p)
{
	uint32_t	 readonly;
	int		 fd;

	if (!evtimer_initialized(&ledger_timer))
		evtimer_set(&ledger_timer, proc_ledger, p);
	proc_ledger(-1, 0, p);
	proc_arrivals(p);
	for (readonly = 0; readonly < 2; readonly++) {
		if ((fd = listen_control_fd((int)readonly)) == -1)
			log_warn("control socket");
		else
			channel_send(&p->ch, PARENT_CONTROL, 0, fd,
			    &readonly, sizeof(readonly));
	}
}

void
proc_ready(enum proc_id id, uint32_t error)
{
	struct proc	*p = &procs[id], *other;

	/* Of a reload that was given up. */
	if (p->state != PROC_CONFIGURING)
		return;
	if (error != 0) {
		log_warnx("%s: refuses the configuration: %s",
		    proto_proc_name(id), strerror((int)error));
		proc_kill(id);
		return;
	}
	if (id == PROC_DIALERD)
		proc_dialerd_sockets(p);
	channel_send(&p->ch, PARENT_CONF_DONE, 0, -1, NULL, 0);
	p->state = PROC_RUNNING;
	FOREACH_CHILD(other)
		if (other != p && other->state == PROC_RUNNING)
			proc_connect(p, other);
	reload_poke();
}

static int
handle_ready(struct channel *ch, struct imsg *imsg, void *arg)
{
	uint32_t	 error;

	(void)arg;
	if (imsg_get_data(imsg, &error, sizeof(error)) == -1)
		return (-1);
	switch (reload_answered(ch->peer, imsg_get_id(imsg))) {
	case -1:
		return (-1);
	case 1:
		if (!reload_ready(ch->peer, error))
			proc_ready(ch->peer, error);
	}
	return (0);
}

static int
handle_reload(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)arg;
	reload_start(imsg_get_id(imsg));
	return (0);
}

static int
handle_verbose(struct channel *ch, struct imsg *imsg, void *arg)
{
	uint32_t	 verbose;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &verbose, sizeof(verbose)) == -1)
		return (-1);
	proc_verbose(verbose != 0);
	return (0);
}

/* It has closed the file and is given it anew, be it shorter or not. */
static int
handle_keep(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_keep	 keep;
	const char		*name;

	(void)arg;
	if (imsg_get_data(imsg, &keep, sizeof(keep)) == -1 ||
	    keep.file > PROTO_KEEP_ARRIVALS)
		return (-1);
	name = keep.file == PROTO_KEEP_LEDGER ? "ledger" : "arrivals";
	/* Copying takes a while: not now that the line is to be timed. */
	if (line_is_open())
		log_warnx("%s: not shortened: the line is open", name);
	else if (spooldir_keep_state(name, keep.from) == -1)
		log_warn("%s: not shortened", name);
	else
		log_info("%s: what is older than 400 days was cut off", name);
	if (keep.file == PROTO_KEEP_LEDGER)
		proc_ledger(-1, 0, &procs[ch->peer]);
	else
		proc_arrivals(&procs[ch->peer]);
	return (0);
}

static const struct channel_row spoold_rows[] = {
	{ CHILD_CONF_READY,	handle_ready },
	{ SPOOLD_AUTH,		auth_handle },
	{ SPOOLD_RESOLVE,	resolve_handle },
	{ PROTO_NONE,		NULL }
};

static const struct channel_row fetchd_rows[] = {
	{ CHILD_CONF_READY,	handle_ready },
	{ FETCHD_RESOLVE,	resolve_handle },
	{ PROTO_NONE,		NULL }
};

static const struct channel_row dialerd_rows[] = {
	{ CHILD_CONF_READY,	handle_ready },
	{ DIALERD_RELOAD,	handle_reload },
	{ DIALERD_LOG_VERBOSE,	handle_verbose },
	{ DIALERD_LINE_OPEN,	line_handle_open },
	{ DIALERD_LINK_START,	line_handle_start },
	{ DIALERD_LINK_STOP,	line_handle_stop },
	{ DIALERD_LINE_CLOSE,	line_handle_close },
	{ DIALERD_LINE_LEFT,	line_handle_left },
	{ DIALERD_KEEP,		handle_keep },
	{ PROTO_NONE,		NULL }
};

static const struct channel_row *
proc_rows(enum proc_id id)
{
	switch (id) {
	case PROC_SPOOLD:
		return (spoold_rows);
	case PROC_DIALERD:
		return (dialerd_rows);
	default:
		return (fetchd_rows);
	}
}

void
proc_verbose(int verbose)
{
	uint32_t	 v = verbose != 0;
	struct proc	*p;

	options.verbose = verbose;
	log_setverbose(verbose);
	FOREACH_CHILD(p)
		channel_send(&p->ch, PARENT_LOG_VERBOSE, 0, -1, &v, sizeof(v));
}

void
proc_kill(enum proc_id id)
{
	if (procs[id].pid > 0)
		kill(procs[id].pid, SIGKILL);
}

/* The channel's end; the rest follows when the process is reaped. */
static void
proc_closed(struct channel *ch, int violation, void *arg)
{
	(void)arg;
	if (violation)
		log_warnx("%s broke the protocol: killed",
		    proto_proc_name(ch->peer));
	if (!stopping || violation)
		proc_kill(ch->peer);
}

static void
log_death(const struct proc *p, int status)
{
	const char	*name = proto_proc_name(p->id);

	if (WIFSIGNALED(status))
		log_warnx("%s: died, signal %d (%s)%s", name,
		    WTERMSIG(status), strsignal(WTERMSIG(status)),
		    WTERMSIG(status) == SIGSYS ?
		    ": a system call that it may not make" : "");
	else
		log_warnx("%s: exited, status %d", name, WEXITSTATUS(status));
}

static void
proc_stop_step(void)
{
	struct timeval	 tv = { SHUTDOWN_REST, 0 };

	if (stopping == 1 && procs[PROC_DIALERD].pid == 0) {
		stopping = 2;
		line_down("shutdown");
		channel_send(&procs[PROC_SPOOLD].ch, PARENT_SHUTDOWN, 0, -1,
		    NULL, 0);
		channel_send(&procs[PROC_FETCHD].ch, PARENT_SHUTDOWN, 0, -1,
		    NULL, 0);
		evtimer_add(&stop_timer, &tv);
	}
	if (stopping == 2 && procs[PROC_SPOOLD].pid == 0 &&
	    procs[PROC_FETCHD].pid == 0 && !line_is_open()) {
		listen_unlink(parent_conf);
		log_info("terminated");
		exit(0);
	}
}

void
proc_line_closed(void)
{
	if (stopping)
		proc_stop_step();
}

static void
proc_stop_late(int fd, short events, void *arg)
{
	struct proc	*p;

	(void)fd;
	(void)events;
	(void)arg;
	log_warnx("shutdown: not every process ended in time");
	if (stopping == 1) {
		proc_kill(PROC_DIALERD);
		return;
	}
	FOREACH_CHILD(p)
		proc_kill(p->id);
}

void
proc_shutdown(void)
{
	struct timeval	 tv = { SHUTDOWN_LINE, 0 };

	if (stopping)
		return;
	stopping = 1;
	reload_abort("shutdown");
	channel_send(&procs[PROC_DIALERD].ch, PARENT_SHUTDOWN, 0, -1, NULL,
	    0);
	evtimer_set(&stop_timer, proc_stop_late, NULL);
	evtimer_add(&stop_timer, &tv);
	proc_stop_step();
}

void
proc_reaped(pid_t pid, int status)
{
	struct proc	*p;

	FOREACH_CHILD(p) {
		if (p->pid != pid)
			continue;
		p->pid = 0;
		p->state = PROC_DOWN;
		channel_close(&p->ch);
		if (stopping)
			break;
		log_death(p, status);
		line_down("a process died");
		reload_abort("a process died");
		proc_restart_later(p);
		reload_poke();
		break;
	}
	if (stopping)
		proc_stop_step();
}

void
proc_start_all(const struct proc_options *o)
{
	struct proc	*p;

	options = *o;
	FOREACH_CHILD(p)
		proc_start(p);
}
