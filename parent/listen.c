/* See LICENSE for the terms. */
/* The sockets that only root can bind, and the control sockets. */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conf_check.h"
#include "log.h"
#include "parent.h"

#define LISTEN_BACKLOG	128
#define CONTROL_BACKLOG	5
/*
 * The children of a relayd that was killed have its sockets until they have
 * noticed that, and done what they were at.
 */
#define LISTEN_WAIT	3000	/* milliseconds, at start, for all of them */
#define LISTEN_LOOK	50	/* milliseconds between two tries */

#define SOCKET_PATH_MAX	sizeof(((struct sockaddr_un *)0)->sun_path)

static struct control_socket {
	char	 path[SOCKET_PATH_MAX];
	int	 fd;
} control[2] = { { "", -1 }, { "", -1 } };	/* by read-only or not */

static int	 local_bind(const char *, mode_t, int);

/* 1 after a while, as long as it makes sense to wait for an address. */
static int
listen_again(void)
{
	static int	 waited;
	struct timespec	 ts = { 0, LISTEN_LOOK * 1000000L };

	if (errno != EADDRINUSE || waited >= LISTEN_WAIT)
		return (0);
	waited += LISTEN_LOOK;
	(void)nanosleep(&ts, NULL);
	return (1);
}

static int
bind_one(struct conf_listener *l, int wait)
{
	struct addrinfo	 hints, *ai;
	char		 port[8];
	int		 one = 1, r;

	if (conf_listener_local(l)) {
		l->fd = local_bind(l->host, 0666, LISTEN_BACKLOG);
		return (l->fd == -1 ? -1 : 0);
	}
	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
	snprintf(port, sizeof(port), "%u", l->port);
	if ((r = getaddrinfo(l->host, port, &hints, &ai)) != 0) {
		log_warnx("listen on %s port %s: %s", l->host, port,
		    gai_strerror(r));
		return (-1);
	}
	if ((l->fd = socket(ai->ai_family, SOCK_STREAM, 0)) == -1)
		goto fail;
	if (fcntl(l->fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(l->fd, F_SETFL, O_NONBLOCK) == -1 ||
	    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ==
	    -1)
		goto fail;
#ifdef IPV6_V6ONLY
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
		    sizeof(one));
#endif
	while (bind(l->fd, ai->ai_addr, ai->ai_addrlen) == -1)
		if (!wait || !listen_again())
			goto fail;
	if (listen(l->fd, LISTEN_BACKLOG) == -1)
		goto fail;
	freeaddrinfo(ai);
	return (0);

fail:
	log_warn("listen on %s port %s", l->host, port);
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
	freeaddrinfo(ai);
	return (-1);
}

void
listen_close(struct conf *conf)
{
	struct conf_listener	*l;

	TAILQ_FOREACH(l, &conf->listeners, entry) {
		if (l->fd != -1)
			close(l->fd);
		l->fd = -1;
	}
}

int
listen_bind(struct conf *conf, const struct conf *old)
{
	struct conf_listener	*l, *o;

	TAILQ_FOREACH(l, &conf->listeners, entry)
		l->fd = -1;
	TAILQ_FOREACH(l, &conf->listeners, entry) {
		if (old != NULL)
			TAILQ_FOREACH(o, &old->listeners, entry)
				if (o->fd != -1 && conf_same_socket(l, o)) {
					l->fd = fcntl(o->fd,
					    F_DUPFD_CLOEXEC, 3);
					break;
				}
		if (l->fd == -1 && bind_one(l, old == NULL) == -1) {
			listen_close(conf);
			return (-1);
		}
	}
	return (0);
}

/* The directory is made; nobody else may be able to replace the socket. */
static int
local_dir(const char *path)
{
	struct stat	 st;
	char		*slash, dir[SOCKET_PATH_MAX];

	if (strlcpy(dir, path, sizeof(dir)) >= sizeof(dir)) {
		log_warnx("socket %s: path too long", path);
		return (-1);
	}
	if ((slash = strrchr(dir, '/')) == NULL || slash == dir)
		return (0);
	*slash = '\0';
	if (mkdir(dir, 0755) == -1 && errno != EEXIST) {
		log_warn("mkdir %s", dir);
		return (-1);
	}
	if (stat(dir, &st) == -1) {
		log_warn("%s", dir);
		return (-1);
	}
	if (st.st_uid != 0 || ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    (st.st_mode & S_ISVTX) == 0)) {
		log_warnx("socket %s: others than root can replace it", path);
		return (-1);
	}
	return (0);
}

/* 0 when nobody listens there, or -1 with errno. */
static int
local_dead(const struct sockaddr_un *sun)
{
	int	 fd, r;

	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		return (-1);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
		close(fd);
		return (-1);
	}
	/* One with a full backlog, which does not block us, lives too. */
	r = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
	    errno == EAGAIN;
	close(fd);
	if (r)
		errno = EADDRINUSE;
	return (r ? -1 : 0);
}

/* What a relayd that died left there is removed, but nothing else is. */
static int
local_clear(const struct sockaddr_un *sun)
{
	struct stat	 st;

	if (lstat(sun->sun_path, &st) == -1)
		return (errno == ENOENT ? 0 : -1);
	if (!S_ISSOCK(st.st_mode)) {
		errno = ENOTSOCK;
		return (-1);
	}
	while (local_dead(sun) == -1)
		if (!listen_again())
			return (-1);
	return (unlink(sun->sun_path));
}

/* The listening socket, or -1 (logged). */
static int
local_bind(const char *path, mode_t mode, int backlog)
{
	struct sockaddr_un	 sun;
	mode_t			 old;
	int			 fd, r;

	if (local_dir(path) == -1)
		return (-1);
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    local_clear(&sun) == -1)
		goto fail;
	old = umask(~mode & 0777);
	r = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	umask(old);
	if (r == -1 || chmod(path, mode) == -1 ||
	    listen(fd, backlog) == -1)
		goto fail;
	return (fd);

fail:
	log_warn("socket %s", path);
	if (fd != -1)
		close(fd);
	return (-1);
}

static int
control_bind(struct control_socket *c, const char *path, mode_t mode)
{
	if (c->fd != -1)
		return (0);
	if ((c->fd = local_bind(path, mode, CONTROL_BACKLOG)) == -1)
		return (-1);
	strlcpy(c->path, path, sizeof(c->path));
	return (0);
}

int
listen_control(const struct conf *conf)
{
	if (control_bind(&control[0], conf->global.control, 0660) == -1 ||
	    control_bind(&control[1], conf->global.control_ro, 0666) == -1)
		return (-1);
	return (0);
}

int
listen_control_fd(int readonly)
{
	return (fcntl(control[readonly != 0].fd, F_DUPFD_CLOEXEC, 3));
}

void
listen_unlink(const struct conf *conf)
{
	struct conf_listener	*l;
	int			 i;

	if (conf != NULL)
		TAILQ_FOREACH(l, &conf->listeners, entry)
			if (l->fd != -1 && conf_listener_local(l))
				unlink(l->host);
	for (i = 0; i < 2; i++)
		if (control[i].fd != -1)
			unlink(control[i].path);
}
