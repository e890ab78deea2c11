/* See LICENSE for the terms. */
/*
 * usage: freeports lockdir count pid
 * Prints that many TCP ports that are free on 127.0.0.1, one a line, from a
 * block below the ephemeral range, so that no outgoing connection takes one
 * before it is used.  The block is this run's as long as the file whose
 * path is printed first, in lockdir, is there and that process lives.
 */
#include <sys/types.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
#define LOWEST	2000	/* where the ephemeral range begins early */
#define BLOCK	50
#define ENOUGH	20	/* blocks */

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
	struct stat	 here, there;
	char		 buf[32];
	ssize_t		 n;
	pid_t		 pid;
	int		 fd, r = 0;

	if ((fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600)) == -1)
		return (0);
	/* Of two that find what a dead run left, one gets it. */
	if (flock(fd, LOCK_EX | LOCK_NB) == -1 || fstat(fd, &here) == -1 ||
	    stat(path, &there) == -1 || here.st_ino != there.st_ino)
		goto out;
	n = read(fd, buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = '\0';
	pid = (pid_t)atoi(buf);
	if (pid > 0 && (kill(pid, 0) == 0 || errno == EPERM))
		goto out;
	n = snprintf(buf, sizeof(buf), "%.20s\n", owner);
	r = ftruncate(fd, 0) == 0 && pwrite(fd, buf, (size_t)n, 0) == n;
out:
	close(fd);
	return (r);
}

/* Where the ephemeral ports begin here, as far as can be known. */
static int
ephemeral(void)
{
	FILE	*fp;
	int	 low;

	if ((fp = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r")) ==
	    NULL)
		return (LAST + 1);
	if (fscanf(fp, "%d", &low) != 1)
		low = LAST + 1;
	fclose(fp);
	return (low);
}

int
main(int argc, char *argv[])
{
	char	 path[1024];
	int	 base, blocks, count, first = FIRST, i, last, start, try;

	if (argc != 4 || (count = atoi(argv[2])) < 1 || count > BLOCK)
		errx(1, "usage: freeports lockdir count pid");
	if ((last = ephemeral() - 1) > LAST)
		last = LAST;
	if (last - first < ENOUGH * BLOCK)
		first = LOWEST;
	if (last - first < ENOUGH * BLOCK) {
		/* Nowhere is safe: hope for the best. */
		first = FIRST;
		last = LAST;
	}
	blocks = (last + 1 - first) / BLOCK;
	srand((unsigned int)getpid());
	start = rand() % blocks;
	for (try = 0; try < blocks; try++) {
		base = first + (start + try) % blocks * BLOCK;
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
