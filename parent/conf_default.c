/* See LICENSE for the terms. */
/* What holds where the configuration says nothing: all of it is here. */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "conf_build.h"
#include "conf_check.h"
#include "conf_value.h"
#include "config.h"

#define DEFAULT_MESSAGE_MAX	(50ULL * 1024 * 1024)
#define DEFAULT_SESSIONS	200
#define DEFAULT_PER_ADDRESS	20
#define DEFAULT_PARALLEL	4	/* accounts; enough to fill a modem */
#define DEFAULT_EXPIRE		10	/* windows */
#define DEFAULT_REDIAL		2	/* L5: the strictest rule known, ... */
#define DEFAULT_REDIAL_WITHIN	(3 * 60)	/* ... Japan's */
#define DEFAULT_REDIAL_THEN	(15 * 60)
#define DEFAULT_BREAKER		6	/* failed attempts */
#define DEFAULT_BREAKER_PAUSE	(6 * 3600)
#define DEFAULT_BULK_AFTER	(7 * 86400)
#define DEFAULT_WINDOW		(15 * 60)
#define DEFAULT_ANSWER		60
#define DEFAULT_SPEED		115200
#define DEFAULT_CHAT_TIMEOUT	45
#define DEFAULT_SKIP		2	/* failures */
#define DEFAULT_MARGIN		10	/* to hang up, and for clocks apart */
#define DEFAULT_MARGIN_UNIT	30	/* of units from this on */
#define DEFAULT_STALL		(2 * 60)

static int	 set_default(char **, const char *);
static int	 default_hostname(char **);
static int	 default_ca(char **);

static int
set_default(char **field, const char *value)
{
	if (*field == NULL && (*field = strdup(value)) == NULL)
		return (-1);
	return (0);
}

static int
default_hostname(char **field)
{
	char name[HOST_NAME_MAX + 1];
	const char *why;

	if (gethostname(name, sizeof(name)) == -1)
		name[0] = '\0';
	name[sizeof(name) - 1] = '\0';
	if (value_host(name, &why) == -1)
		return (set_default(field, "localhost"));
	return (set_default(field, name));
}

/* It may stay NULL: not every site uses TLS. */
static int
default_ca(char **field)
{
	static const char *const paths[] = {
		"/etc/ssl/cert.pem",
		"/etc/ssl/certs/ca-certificates.crt"
	};
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (access(paths[i], F_OK) == 0)
			return (set_default(field, paths[i]));
	}
	return (0);
}

/* Where programs that share serial ports put their lock files. */
static int
default_lock(char **field)
{
	static const char *const paths[] = {
		"/run/lock", "/var/lock", "/var/spool/lock"
	};
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode))
			return (set_default(field, paths[i]));
	}
	return (set_default(field, ""));
}

static int
default_line(const struct conf *conf, struct conf_line *l)
{
	if (l->window == 0)
		l->window = DEFAULT_WINDOW;
	if (l->answer == 0)
		l->answer = DEFAULT_ANSWER;
	if (l->speed == 0 && l->device != NULL)
		l->speed = DEFAULT_SPEED;
	if (l->chat_timeout == 0 && !TAILQ_EMPTY(&l->chat))
		l->chat_timeout = DEFAULT_CHAT_TIMEOUT;
	/* Of a single line there is none to skip. */
	if (l->skip == 0 &&
	    TAILQ_NEXT(TAILQ_FIRST(&conf->lines), entry) != NULL)
		l->skip = DEFAULT_SKIP;
	if (l->margin == 0 &&
	    conf_paid_unit(conf, l->tariff) >= DEFAULT_MARGIN_UNIT)
		l->margin = DEFAULT_MARGIN;
	if (l->stall == 0)
		l->stall = DEFAULT_STALL;
	return (l->device == NULL ? 0 : default_lock(&l->lock));
}

static void
default_policy(struct conf_global *g)
{
	/* "redial 0" can be meant; within 0 seconds cannot. */
	if (g->redial_within == 0) {
		g->redial = DEFAULT_REDIAL;
		g->redial_within = DEFAULT_REDIAL_WITHIN;
		g->redial_then = DEFAULT_REDIAL_THEN;
	}
	if (g->breaker == 0) {
		g->breaker = DEFAULT_BREAKER;
		g->breaker_pause = DEFAULT_BREAKER_PAUSE;
		if (g->breaker_pause < g->redial_then)
			g->breaker_pause = g->redial_then;
	}
	if (g->bulk_after == 0)
		g->bulk_after = DEFAULT_BULK_AFTER;
}

int
conf_defaults(struct conf *conf)
{
	struct conf_global *g = &conf->global;
	struct conf_line *l;

	if (g->message_max == 0)
		g->message_max = DEFAULT_MESSAGE_MAX;
	if (g->sessions == 0)
		g->sessions = DEFAULT_SESSIONS;
	if (g->sessions_per_address == 0)
		g->sessions_per_address = DEFAULT_PER_ADDRESS;
	if (g->parallel == 0)
		g->parallel = DEFAULT_PARALLEL;
	if (g->expire == 0)
		g->expire = DEFAULT_EXPIRE;
	default_policy(g);
	TAILQ_FOREACH(l, &conf->lines, entry)
		if (default_line(conf, l) == -1)
			return (-1);
	if (default_hostname(&g->hostname) == -1 ||
	    set_default(&g->spool, SPOOLDIR) == -1 ||
	    set_default(&g->empty, EMPTYDIR) == -1 ||
	    set_default(&g->control, CONTROL_SOCKET) == -1 ||
	    set_default(&g->control_ro, CONTROL_SOCKET_RO) == -1)
		return (-1);
	return (default_ca(&g->ca));
}
