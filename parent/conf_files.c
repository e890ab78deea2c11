/* See LICENSE for the terms. */
/* Files that a configuration names: see conf_files.h. */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "conf_files.h"
#include "config.h"
#include "passwd.h"

/* NULL when it can be read, else why not.  Secret: by few. */
static const char *
unreadable(const char *path, int secret)
{
	const char *why = NULL;
	struct stat st;
	int fd;

	/* O_NONBLOCK: to open a FIFO must not stop us. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return (errno == EACCES && geteuid() != 0 ? NULL :
		    strerror(errno));
	if (fstat(fd, &st) == -1)
		why = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		why = "not a plain file";
	else if (secret && passwd_check_secrecy(fd) == -1)
		why = "others than its owner can have it";
	close(fd);
	return (why);
}

static int
check_pkis(const struct conf *conf, conf_report *report, void *arg)
{
	const struct conf_pki *p;
	const char *why;
	int errors = 0;

	TAILQ_FOREACH(p, &conf->pkis, entry) {
		if ((why = unreadable(p->cert, 0)) != NULL) {
			report(arg, CONF_ERROR, p, "pki \"%s\": %s: %s",
			    p->name, p->cert, why);
			errors++;
		}
		if ((why = unreadable(p->key, 1)) != NULL) {
			report(arg, CONF_ERROR, p, "pki \"%s\": %s: %s",
			    p->name, p->key, why);
			errors++;
		}
	}
	return (errors);
}

static int
check_trust(const struct conf *conf, conf_report *report, void *arg)
{
	const struct conf_upstream *u;
	const char *path, *why;
	int errors = 0;

	TAILQ_FOREACH(u, &conf->upstreams, entry) {
		path = u->ca != NULL ? u->ca : conf->global.ca;
		if ((u->relay_tls == TLS_MODE_NONE &&
		    u->fetch_tls == TLS_MODE_NONE) || path == NULL ||
		    (why = unreadable(path, 0)) == NULL)
			continue;
		report(arg, CONF_ERROR, u, "upstream \"%s\": ca %s: %s",
		    u->name, path, why);
		errors++;
	}
	return (errors);
}

int
conf_files(const struct conf *conf, conf_report *report, void *arg)
{
	const struct conf_global *g = &conf->global;
	const struct conf_line *l;
	const char *why;

	if (g->users != NULL && (why = unreadable(g->users, 1)) != NULL)
		report(arg, CONF_WARNING, &g->users, "users %s: %s: no one "
		    "can log in", g->users, why);
	TAILQ_FOREACH(l, &conf->lines, entry) {
		if (l->ppp && access(PATH_PPPD, X_OK) == -1)
			report(arg, CONF_WARNING, l, "line \"%s\": %s: %s",
			    l->name, PATH_PPPD, strerror(errno));
		if (l->lock != NULL && l->lock[0] != '\0' &&
		    access(l->lock, X_OK) == -1)
			report(arg, CONF_WARNING, l, "line \"%s\": lock %s: "
			    "%s", l->name, l->lock, strerror(errno));
	}
	return (check_pkis(conf, report, arg) +
	    check_trust(conf, report, arg));
}
