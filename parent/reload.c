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
#include "passwd.h"

/* Children answer from their event loops: a group commit at the most. */
#define RELOAD_TIMEOUT	15	/* seconds */

static struct conf	*next;		/* between BEGIN and DONE */
static uint32_t		 requester;	/* dialerd's id; 0: SIGHUP */
static uint32_t		 offered;	/* bits of those that have it */
static uint32_t		 waiting;	/* ... and of those yet to answer */
static int		 again;		/* a SIGHUP came meanwhile */
static struct event	 timer, again_timer;

/*
 * Which DRAIN a child was sent last, and whether it owes the answer: that to
 * a configuration given up meanwhile must not pass for that to the next.
 */
static struct {
	uint32_t	 id;
	int		 owed;
} asked[PROC_COUNT];
static uint32_t		 asked_id;

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
	else if (type == PARENT_CONF_PKI_KEY &&
	    passwd_check_secrecy(fd) == -1) {
		log_warn("%s: others than its owner can have this key", path);
		close(fd);
		fd = -1;
	}
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
	asked[id].id = ++asked_id;
	asked[id].owed = 1;
	return (channel_send(ch, PARENT_CONF_DRAIN, asked_id, -1, NULL, 0));
}

int
reload_answered(enum proc_id id, uint32_t answer)
{
	if (answer != asked[id].id)
		/* Older ones were given up; newer ones never put. */
		return (answer < asked[id].id ? 0 : -1);
	if (!asked[id].owed)
		return (-1);
	asked[id].owed = 0;
	return (1);
}

static void
to_offered(uint32_t type)
{
	size_t	 i;

	for (i = 0; i < NCHILDREN; i++)
		if (offered & (1U << children[i]))
			channel_send(proc_channel(children[i]), type, 0, -1,
			    NULL, 0);
	offered = waiting = 0;
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
	to_offered(PARENT_CONF_ABORT);
	listen_close(next);
	conf_free(next);
	next = NULL;
}

void
reload_abort(const char *why)
{
	if (next == NULL)
		return;
	reload_drop();
	report(EAGAIN, "%s", why);
	reload_poke();
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

/* Everything in the parent that can fail; NULL when it did. */
static struct conf *
reload_read(void)
{
	struct conf	*conf;

	if ((conf = parse_config(parent_conf_path, 0)) == NULL) {
		report(EINVAL, "%s has errors: \"relayd -n\" names them",
		    parent_conf_path);
		return (NULL);
	}
	if (check_fixed(conf) == -1)
		goto fail;
	if (listen_bind(conf, parent_conf) == -1) {
		report(EADDRNOTAVAIL, "cannot listen: see the log");
		goto fail;
	}
	return (conf);

fail:
	conf_free(conf);
	return (NULL);
}

/* All have said yes. */
static void
reload_take(void)
{
	struct conf	*old = parent_conf;

	if (evtimer_initialized(&timer))
		evtimer_del(&timer);
	parent_conf = next;
	next = NULL;
	to_offered(PARENT_CONF_DONE);
	listen_close(old);
	conf_free(old);
	report(0, "%s is in force", parent_conf_path);
	/* It may be what those that keep dying were waiting for. */
	proc_restart_now();
	reload_poke();
}

void
reload_start(uint32_t id)
{
	struct timeval	 tv = { RELOAD_TIMEOUT, 0 };
	size_t		 i;

	if (reload_busy() || proc_configuring() || proc_stopping()) {
		if (id != 0)
			refuse_busy(id);
		else
			/* The file may have changed since it was read. */
			again = 1;
		return;
	}
	requester = id;
	if ((next = reload_read()) == NULL)
		return;
	/* One that is down gets it when it is started again. */
	for (i = 0; i < NCHILDREN; i++) {
		if (!proc_channel(children[i])->open)
			continue;
		offered |= 1U << children[i];
		if (reload_push(children[i], next) == -1) {
			reload_abort("the configuration could not be sent: "
			    "see the log");
			return;
		}
	}
	if ((waiting = offered) == 0) {
		reload_take();
		return;
	}
	evtimer_set(&timer, reload_late, NULL);
	evtimer_add(&timer, &tv);
}

void
reload_forget(void)
{
	conf_free(parent_conf);
	conf_free(next);
	parent_conf = next = NULL;
}

int
reload_busy(void)
{
	return (next != NULL);
}

static void
reload_again(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	if (!again)
		return;
	again = 0;
	reload_start(0);
}

void
reload_poke(void)
{
	struct timeval	 now = { 0, 0 };

	if (!again)
		return;
	if (!evtimer_initialized(&again_timer))
		evtimer_set(&again_timer, reload_again, NULL);
	evtimer_add(&again_timer, &now);
}

int
reload_ready(enum proc_id id, uint32_t error)
{
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
	if (waiting == 0)
		reload_take();
	return (1);
}
