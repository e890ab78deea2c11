/* See LICENSE for the terms. */
/*
 * usage: freeports lockdir count pid
 * Prints that many TCP ports that are free on 127.0.0.1, one a line, from a
 * block below the ephemeral range, so that no outgoing connection takes one
 * before it is used.  The block is this run's as long as the file whose
 * path is printed first, in lockdir, is there and that process lives.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST	12000
#define LAST	31999
#define BLOCK	50

static int
is_free(int port)
{
	struct sockaddr_in	 sin;
	int			 fd, one = 1, r;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((uint16_t)port);
	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	r = bind(fd, (struct sockaddr *)&sin, sizeof(sin));
	close(fd);
	return (r == 0);
}

/* 1 when the block is ours now. */
static int
claim(const char *path, const char *owner)
{
	char	 buf[32];
	ssize_t	 n;
	pid_t	 pid;
	int	 fd;

	if ((fd = open(path, O_RDONLY)) != -1) {
		n = read(fd, buf, sizeof(buf) - 1);
		close(fd);
		buf[n > 0 ? n : 0] = '\0';
		pid = (pid_t)atoi(buf);
		if (pid <= 0 || kill(pid, 0) == 0 || errno == EPERM)
			return (0);
		unlink(path);
	}
	snprintf(buf, sizeof(buf), "%.20s\n", owner);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600)) == -1)
		return (0);
	n = write(fd, buf, strlen(buf));
	close(fd);
	return (n > 0);
}

int
main(int argc, char *argv[])
{
	char	 path[1024];
	int	 base, count, i, try;

	if (argc != 4 || (count = atoi(argv[2])) < 1 || count > BLOCK)
		errx(1, "usage: freeports lockdir count pid");
	srand((unsigned int)getpid());
	for (try = 0; try < 1000; try++) {
		base = FIRST + rand() % ((LAST - FIRST) / BLOCK) * BLOCK;
		for (i = 0; i < count && is_free(base + i); i++)
			;
		snprintf(path, sizeof(path), "%s/relayd-ports.%d", argv[1],
		    base);
		if (i < count || !claim(path, argv[3]))
			continue;
		puts(path);
		for (i = 0; i < count; i++)
			printf("%d\n", base + i);
		return (0);
	}
	errx(1, "no free ports");
}
