/* See LICENSE for the terms. */
/* relayd: the privileged parent. */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "parent.h"
#include "parse.h"

#define OPEN_FILES	4096	/* LAN sessions have two descriptors each */

struct conf	*parent_conf;
const char	*parent_conf_path = CONF_FILE;

static struct event	 ev_hup, ev_term, ev_int, ev_chld;

static void
usage(void)
{
	fprintf(stderr, "usage: relayd [-dnv] [-f file] [-x directory]\n");
	exit(1);
}

static void
reap(void)
{
	pid_t	 pid;
	int	 status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		(void)line_reaped(pid, status);
		proc_reaped(pid, status);
	}
}

static void
main_signal(int sig, short events, void *arg)
{
	(void)events;
	(void)arg;
	switch (sig) {
	case SIGHUP:
		reload_start(0);
		break;
	case SIGTERM:
	case SIGINT:
		log_info("signal %d: shutting down", sig);
		proc_shutdown();
		break;
	case SIGCHLD:
		reap();
		break;
	}
}

/*
 * Opening files must not yield what the log takes for standard error, nor
 * may the children inherit signals that are blocked.
 */
static void
sanitize(void)
{
	sigset_t	 none;
	int		 fd;

	while ((fd = open("/dev/null", O_RDWR)) != -1 && fd <= STDERR_FILENO)
		;
	if (fd == -1)
		exit(1);
	close(fd);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A reload that comes too early must not end us. */
	signal(SIGHUP, SIG_IGN);
}

/* daemon(3) changes the directory, and these are needed again later. */
static const char *
absolute(const char *path)
{
	char	*cwd, *all;

	if (path[0] == '/')
		return (path);
	if ((cwd = getcwd(NULL, 0)) == NULL ||
	    asprintf(&all, "%s/%s", cwd, path) == -1)
		fatal("%s", path);
	free(cwd);
	return (all);
}

static void
add_signal(struct event *ev, int sig)
{
	signal_set(ev, sig, main_signal, NULL);
	signal_add(ev, NULL);
}

static void
raise_limits(void)
{
	struct rlimit	 rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return;
	if (rl.rlim_max < OPEN_FILES)
		rl.rlim_max = OPEN_FILES;
	if (rl.rlim_cur < OPEN_FILES)
		rl.rlim_cur = OPEN_FILES;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		log_warn("limit of open files");
}

static int
check_only(int verbose)
{
	/* What is only to be shown may be that of another host. */
	if ((parent_conf = parse_config(parent_conf_path,
	    verbose ? 0 : PARSE_FILES)) == NULL)
		return (1);
	if (verbose)
		print_config(parent_conf);
	else
		fprintf(stderr, "configuration OK\n");
	conf_free(parent_conf);
	return (0);
}

static void
run(const struct proc_options *o)
{
	if (event_init() == NULL)
		fatalx("event_init");
	signal(SIGPIPE, SIG_IGN);
	add_signal(&ev_hup, SIGHUP);
	add_signal(&ev_term, SIGTERM);
	add_signal(&ev_int, SIGINT);
	add_signal(&ev_chld, SIGCHLD);
	resolve_init();
	proc_start_all(o);
	event_dispatch();
	fatalx("the event loop ended");
}

int
main(int argc, char *argv[])
{
	struct proc_options	 o = { LIBEXECDIR, 0, 0 };
	int			 ch, check = 0;

	while ((ch = getopt(argc, argv, "df:nvx:")) != -1) {
		switch (ch) {
		case 'd':
			o.debug = 1;
			break;
		case 'f':
			parent_conf_path = optarg;
			break;
		case 'n':
			check = 1;
			break;
		case 'v':
			o.verbose = 1;
			break;
		case 'x':
			o.libexec = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	sanitize();
	log_init(check ? LOG_PLAIN : LOG_TO_STDERR, LOG_MAIL);
	if (check)
		return (check_only(o.verbose));
	log_setverbose(o.verbose);

	if (geteuid() != 0)
		fatalx("must be started by root");
	parent_conf_path = absolute(parent_conf_path);
	o.libexec = absolute(o.libexec);
	if ((parent_conf = parse_config(parent_conf_path, PARSE_FILES)) ==
	    NULL)
		return (1);
	umask(022);
	raise_limits();
	spooldir_make(parent_conf);
	if (listen_control(parent_conf) == -1 ||
	    listen_bind(parent_conf, NULL) == -1) {
		listen_unlink(parent_conf);
		return (1);
	}
	if (!o.debug && daemon(0, 0) == -1)
		fatal("daemon");
	log_init(o.debug ? LOG_TO_STDERR : LOG_TO_SYSLOG, LOG_MAIL);
	log_procinit("parent");
	setproctitle("parent");
	log_info("relayd %s started, configuration %s", RELAYD_VERSION,
	    parent_conf_path);
	run(&o);
	return (1);
}
