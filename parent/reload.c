/* See LICENSE for the terms. */
/*
 * A new configuration, in two phases: everything that can fail is done
 * first, in the parent and in each child; only when all are ready does it
 * become the configuration, everywhere at once.
 */

#include <sys/types.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf_msg.h"
#include "log.h"
#include "parent.h"
#include "parse.h"

/* Children answer from their event loops: a group commit at the most. */
#define RELOAD_TIMEOUT	15	/* seconds */

static struct conf	*next;		/* between BEGIN and DONE */
static uint32_t		 requester;	/* dialerd's id; 0: SIGHUP */
static uint32_t		 waiting;	/* bits of those that owe an answer */
static struct event	 timer;

static const enum proc_id children[] = {
	PROC_SPOOLD, PROC_DIALERD, PROC_FETCHD
};
#define NCHILDREN	(sizeof(children) / sizeof(children[0]))

/* Opens what goes with an item of the configuration. */
static int
open_item(void *arg, uint32_t type, const void *item)
{
	const struct conf		*conf = arg;
	const struct conf_listener	*l;
	const struct conf_upstream	*u;
	const char			*path = NULL;
	int				 fd;

	switch (type) {
	case PARENT_CONF_LISTENER:
		l = item;
		return (fcntl(l->fd, F_DUPFD_CLOEXEC, 3));
	case PARENT_CONF_PKI_CERT:
		path = ((const struct conf_pki *)item)->cert;
		break;
	case PARENT_CONF_PKI_KEY:
		path = ((const struct conf_pki *)item)->key;
		break;
	case PARENT_CONF_CA:
		u = item;
		if (u->relay_tls == TLS_MODE_NONE &&
		    u->fetch_tls == TLS_MODE_NONE)
			return (CONF_FD_NONE);
		path = u->ca != NULL ? u->ca : conf->global.ca;
		break;
	}
	if (path == NULL) {
		log_warnx("no file of trusted certificates: set \"ca\"");
		errno = ENOENT;
		return (-1);
	}
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		log_warn("%s", path);
	return (fd);
}

int
reload_push(enum proc_id id, const struct conf *conf)
{
	struct channel		*ch = proc_channel(id);
	struct conf_fds		 fds;

	fds.open = open_item;
	fds.arg = (void *)(uintptr_t)conf;
	if (channel_send(ch, PARENT_CONF_BEGIN, 0, -1, NULL, 0) == -1)
		return (-1);
	if (conf_msg_send(ch, id, conf, &fds) == -1)
		return (-1);
	return (channel_send(ch, PARENT_CONF_DRAIN, 0, -1, NULL, 0));
}

static void
to_all(uint32_t type)
{
	size_t	 i;

	for (i = 0; i < NCHILDREN; i++)
		channel_send(proc_channel(children[i]), type, 0, -1, NULL, 0);
}

static void __attribute__((__format__(printf, 2, 3)))
report(int error, const char *fmt, ...)
{
	struct proto_result	 res;
	va_list			 ap;

	memset(&res, 0, sizeof(res));
	res.error = (uint32_t)error;
	va_start(ap, fmt);
	vsnprintf(res.text, sizeof(res.text), fmt, ap);
	va_end(ap);
	if (error)
		log_warnx("reload: %s; the old configuration stays", res.text);
	else
		log_info("reload: %s", res.text);
	if (requester != 0)
		channel_send(proc_channel(PROC_DIALERD),
		    PARENT_RELOAD_RESULT, requester, -1, &res, sizeof(res));
	requester = 0;
}

static void
reload_drop(void)
{
	if (evtimer_initialized(&timer))
		evtimer_del(&timer);
	to_all(PARENT_CONF_ABORT);
	listen_close(next);
	conf_free(next);
	next = NULL;
	waiting = 0;
}

void
reload_abort(const char *why)
{
	if (next == NULL)
		return;
	reload_drop();
	report(EAGAIN, "%s", why);
}

static void
reload_late(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	reload_abort("not every process answered in time");
}

/* What a running relayd cannot change. */
static int
check_fixed(const struct conf *conf)
{
	const struct conf_global	*o = &parent_conf->global;
	const struct conf_global	*n = &conf->global;

	if (strcmp(o->spool, n->spool) != 0 ||
	    strcmp(o->empty, n->empty) != 0 ||
	    strcmp(o->control, n->control) != 0 ||
	    strcmp(o->control_ro, n->control_ro) != 0) {
		report(EINVAL, "spool, empty and control need a restart");
		return (-1);
	}
	return (0);
}

static void
refuse_busy(uint32_t id)
{
	uint32_t	 mine = requester;

	requester = id;
	report(EBUSY, "another reload is under way, or a process is being "
	    "started: try again");
	requester = mine;
}

void
reload_start(uint32_t id)
{
	struct timeval	 tv = { RELOAD_TIMEOUT, 0 };
	struct conf	*conf;
	size_t		 i;

	if (next != NULL || proc_starting()) {
		refuse_busy(id);
		return;
	}
	requester = id;
	if ((conf = parse_config(parent_conf_path, 0)) == NULL) {
		report(EINVAL, "%s has errors: see the log",
		    parent_conf_path);
		return;
	}
	if (check_fixed(conf) == -1) {
		conf_free(conf);
		return;
	}
	if (listen_bind(conf, parent_conf) == -1) {
		report(EADDRNOTAVAIL, "cannot listen: see the log");
		conf_free(conf);
		return;
	}
	next = conf;
	for (i = 0; i < NCHILDREN; i++) {
		if (reload_push(children[i], next) == -1) {
			reload_abort("the configuration could not be sent: "
			    "see the log");
			return;
		}
		waiting |= 1U << children[i];
	}
	evtimer_set(&timer, reload_late, NULL);
	evtimer_add(&timer, &tv);
}

int
reload_ready(enum proc_id id, uint32_t error)
{
	struct conf	*old = parent_conf;
	char		 why[PROTO_TEXT_MAX];

	if ((waiting & (1U << id)) == 0)
		return (0);
	if (error != 0) {
		snprintf(why, sizeof(why), "%s refuses it: %s",
		    proto_proc_name(id), strerror((int)error));
		reload_abort(why);
		return (1);
	}
	waiting &= ~(1U << id);
	if (waiting != 0)
		return (1);
	evtimer_del(&timer);
	parent_conf = next;
	next = NULL;
	to_all(PARENT_CONF_DONE);
	listen_close(old);
	conf_free(old);
	report(0, "%s is in force", parent_conf_path);
	return (1);
}
