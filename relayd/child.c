/* See LICENSE for the terms. */
/* What the children have in common. */

#include <sys/types.h>
#include <sys/stat.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "child.h"
#include "conf_msg.h"
#include "log.h"
#include "platform.h"
#include "sandbox.h"

#define CHANNEL_FD	3	/* where the parent puts its pipe */

struct conf		*child_conf;

static const struct child_ops	*ops;
static struct channel	 parent;
static struct channel	 peers[PROC_COUNT];
static struct conf	*next_conf;	/* between BEGIN and DONE */
static int		 prepared;	/* ops->prepare accepted it */
static struct event	 ev_term, ev_int, ev_hup;

enum proc_id
child_self(void)
{
	return (ops->self);
}

struct channel *
child_parent(void)
{
	return (&parent);
}

struct channel *
child_peer(enum proc_id id)
{
	return (&peers[id]);
}

void
child_exit(void)
{
	channel_flush(&parent);
	log_debug("exiting");
	exit(0);
}

static void
child_shutdown(void)
{
	if (ops->shutdown != NULL)
		ops->shutdown();
	else
		child_exit();
}

/* The parent is gone: whatever we hold open must not outlive it. */
static void
parent_closed(struct channel *ch, int violation, void *arg)
{
	(void)ch;
	(void)arg;
	if (violation)
		fatalx("the parent broke the protocol");
	log_debug("the parent is gone");
	exit(0);
}

static void
peer_closed(struct channel *ch, int violation, void *arg)
{
	(void)arg;
	/* The parent starts us anew, and the peer sees our pipe close. */
	if (violation)
		fatalx("%s broke the protocol", proto_proc_name(ch->peer));
	log_debug("%s is gone", proto_proc_name(ch->peer));
	if (ops->peer_down != NULL)
		ops->peer_down(ch->peer);
}

static int
handle_peer(struct channel *ch, struct imsg *imsg, void *arg)
{
	uint32_t	 peer;
	int		 fd;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &peer, sizeof(peer)) == -1 ||
	    peer >= PROC_COUNT || ops->peer_rows[peer] == NULL ||
	    (fd = imsg_get_fd(imsg)) == -1)
		return (-1);
	if (peers[peer].open) {
		/* It was respawned before we saw its old pipe close. */
		channel_close(&peers[peer]);
		if (ops->peer_down != NULL)
			ops->peer_down(peer);
	}
	if (channel_open(&peers[peer], fd, ops->self, peer,
	    ops->peer_rows[peer], NULL, peer_closed) == -1)
		fatal("pipe to %s", proto_proc_name(peer));
	if (ops->peer_up != NULL)
		ops->peer_up(peer);
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
	log_setverbose(verbose != 0);
	return (0);
}

static int
handle_shutdown(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)imsg;
	(void)arg;
	child_shutdown();
	return (0);
}

/*
 * What was prepared is the process's own to undo; before that, descriptors
 * are still where they were received.
 */
static void
conf_drop(void)
{
	struct conf_listener	*l;

	if (next_conf == NULL)
		return;
	if (prepared && ops->abort != NULL)
		ops->abort(next_conf);
	TAILQ_FOREACH(l, &next_conf->listeners, entry)
		if (l->fd != -1)
			close(l->fd);
	prepared = 0;
	conf_free(next_conf);
	next_conf = NULL;
}

static int
handle_conf_begin(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)imsg;
	(void)arg;
	if (next_conf != NULL)
		return (-1);
	if ((next_conf = conf_new()) == NULL)
		fatal("configuration");
	return (0);
}

static int
handle_conf_item(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)arg;
	if (next_conf == NULL || prepared)
		return (-1);
	return (conf_msg_receive(next_conf, imsg));
}

static int
handle_conf_drain(struct channel *ch, struct imsg *imsg, void *arg)
{
	uint32_t	 error = 0;

	(void)arg;
	if (next_conf == NULL || prepared)
		return (-1);
	if (ops->prepare != NULL)
		error = (uint32_t)ops->prepare(next_conf);
	prepared = error == 0;
	/* The id tells the parent which of its questions this answers. */
	channel_send(ch, CHILD_CONF_READY, imsg_get_id(imsg), -1, &error,
	    sizeof(error));
	return (0);
}

static int
handle_conf_done(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct conf	*old = child_conf;

	(void)ch;
	(void)imsg;
	(void)arg;
	if (next_conf == NULL || !prepared)
		return (-1);
	child_conf = next_conf;
	next_conf = NULL;
	prepared = 0;
	if (ops->swap != NULL)
		ops->swap(child_conf);
	conf_free(old);
	return (0);
}

static int
handle_conf_abort(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)imsg;
	(void)arg;
	conf_drop();
	return (0);
}

static const struct channel_row child_rows[] = {
	{ PARENT_PEER,			handle_peer },
	{ PARENT_LOG_VERBOSE,		handle_verbose },
	{ PARENT_SHUTDOWN,		handle_shutdown },
	{ PARENT_CONF_BEGIN,		handle_conf_begin },
	{ PARENT_CONF_GLOBAL,		handle_conf_item },
	{ PARENT_CONF_DOMAIN,		handle_conf_item },
	{ PARENT_CONF_PKI,		handle_conf_item },
	{ PARENT_CONF_PKI_CERT,		handle_conf_item },
	{ PARENT_CONF_PKI_KEY,		handle_conf_item },
	{ PARENT_CONF_LISTENER,		handle_conf_item },
	{ PARENT_CONF_UPSTREAM,		handle_conf_item },
	{ PARENT_CONF_CA,		handle_conf_item },
	{ PARENT_CONF_USER,		handle_conf_item },
	{ PARENT_CONF_ALIAS,		handle_conf_item },
	{ PARENT_CONF_ACCOUNT,		handle_conf_item },
	{ PARENT_CONF_TARIFF,		handle_conf_item },
	{ PARENT_CONF_RATE,		handle_conf_item },
	{ PARENT_CONF_LINE,		handle_conf_item },
	{ PARENT_CONF_RULE,		handle_conf_item },
	{ PARENT_CONF_HOLD,		handle_conf_item },
	{ PARENT_CONF_DAYSET,		handle_conf_item },
	{ PARENT_CONF_BUDGET,		handle_conf_item },
	{ PARENT_CONF_DRAIN,		handle_conf_drain },
	{ PARENT_CONF_DONE,		handle_conf_done },
	{ PARENT_CONF_ABORT,		handle_conf_abort },
};
#define NCHILD_ROWS	(sizeof(child_rows) / sizeof(child_rows[0]))

/* The rows above and the process's own, as one table. */
static const struct channel_row *
parent_rows(void)
{
	const struct channel_row	*own;
	struct channel_row		*all;
	size_t				 n = 0;

	for (own = ops->parent_rows; own != NULL && own->type != PROTO_NONE;
	    own++)
		n++;
	if ((all = calloc(NCHILD_ROWS + n + 1, sizeof(*all))) == NULL)
		fatal("handlers");
	memcpy(all, child_rows, sizeof(child_rows));
	if (n > 0)
		memcpy(all + NCHILD_ROWS, ops->parent_rows, n * sizeof(*all));
	return (all);
}

static void
child_signal(int sig, short events, void *arg)
{
	(void)events;
	(void)arg;
	switch (sig) {
	case SIGTERM:
	case SIGINT:
		/* The parent says when; a service manager signals us all. */
		log_debug("signal %d ignored", sig);
		break;
	case SIGHUP:
		break;
	}
}

static void
usage(void)
{
	fprintf(stderr, "%s is started by relayd\n", getprogname());
	exit(1);
}

/* getpwnam comes before chroot on purpose: after it nothing is reachable. */
static void
child_drop(const char *user, const char *root)
{
	struct passwd	*pw;

	if ((pw = getpwnam(user)) == NULL)
		fatalx("no user %s", user);
	if (chroot(root) == -1)
		fatal("chroot %s", root);
	if (chdir("/") == -1)
		fatal("chdir");
	setproctitle("%s", proto_proc_name(ops->self));
	if (setgroups(1, &pw->pw_gid) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1)
		fatal("cannot drop privileges");
}

void
child_run(const struct child_ops *child, int argc, char *argv[])
{
	const char	*user = NULL, *root = NULL;
	int		 ch, debug = 0, verbose = 0;

	ops = child;
	while ((ch = getopt(argc, argv, "dr:u:v")) != -1) {
		switch (ch) {
		case 'd':
			debug = 1;
			break;
		case 'r':
			root = optarg;
			break;
		case 'u':
			user = optarg;
			break;
		case 'v':
			verbose = 1;
			break;
		default:
			usage();
		}
	}
	if (user == NULL || root == NULL || optind != argc ||
	    fcntl(CHANNEL_FD, F_GETFD) == -1)
		usage();

	log_init(debug, LOG_MAIL);
	log_procinit(proto_proc_name(ops->self));
	log_setverbose(verbose);
	umask(077);
	platform_keep_timezone();
	child_drop(user, root);

	if (event_init() == NULL)
		fatalx("event_init");
	signal(SIGPIPE, SIG_IGN);
	signal_set(&ev_term, SIGTERM, child_signal, NULL);
	signal_set(&ev_int, SIGINT, child_signal, NULL);
	signal_set(&ev_hup, SIGHUP, child_signal, NULL);
	signal_add(&ev_term, NULL);
	signal_add(&ev_int, NULL);
	signal_add(&ev_hup, NULL);
	if (channel_open(&parent, CHANNEL_FD, ops->self, PROC_PARENT,
	    parent_rows(), NULL, parent_closed) == -1)
		fatal("channel to the parent");
	if (ops->begin != NULL)
		ops->begin();
	if (sandbox_enter(ops->self) == -1)
		fatal("sandbox");
	log_debug("ready");
	event_dispatch();
	fatalx("the event loop ended");
}
