/* See LICENSE for the terms. */
/*
 * usage: crowd [-b address] [-n count] host port
 *        crowd -p text [-i text] host port
 * Clients that take what a server has and give nothing back.
 *
 * With -n, so many connections at once, from the address of -b; prints how
 * many were greeted by 2xx or +OK ("greeted"), by another reply ("refused"),
 * or not at all within ten seconds ("closed"), and holds them until it is
 * killed.
 *
 * With -p, one connection that says -i once and then -p again and again and
 * never reads; when the server has taken nothing for a second it prints
 * "stuck" ("taken" when it took the limit of 64 MB), and holds it likewise.
 * Text may have \r and \n.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS		10000			/* for all greetings */
#define STUCK_MS	1000
#define SENT_MAX	(64UL * 1024 * 1024)
#define BLOCK		16384

/* -1 when the connection was refused. */
static int
dial(const char *from, const char *host, const char *port)
{
	struct sockaddr_in	 sin;
	int			 s;

	if ((s = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		err(2, "socket");
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	if (from != NULL) {
		if (inet_pton(AF_INET, from, &sin.sin_addr) != 1)
			errx(2, "%s: no address", from);
		if (bind(s, (struct sockaddr *)&sin, sizeof(sin)) == -1)
			err(2, "%s", from);
	}
	sin.sin_port = htons((in_port_t)atoi(port));
	if (inet_pton(AF_INET, host, &sin.sin_addr) != 1)
		errx(2, "%s: no address", host);
	if (connect(s, (struct sockaddr *)&sin, sizeof(sin)) == 0)
		return (s);
	close(s);
	return (-1);
}

static int
now_ms(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((int)(ts.tv_sec * 1000 + ts.tv_nsec / 1000000));
}

/* \r and \n, in place; the length. */
static size_t
decode(char *s)
{
	char	*in, *out = s;

	for (in = s; *in != '\0'; in++) {
		if (in[0] == '\\' && (in[1] == 'r' || in[1] == 'n'))
			*out++ = *++in == 'r' ? '\r' : '\n';
		else
			*out++ = *in;
	}
	return ((size_t)(out - s));
}

static void
crowd(int n, const char *from, const char *host, const char *port)
{
	struct pollfd	 p;
	char		 buf[512];
	int		*s, i, end, left, greeted = 0, refused = 0, none = 0;
	ssize_t		 len;

	if ((s = calloc((size_t)n, sizeof(*s))) == NULL)
		err(2, NULL);
	for (i = 0; i < n; i++)
		s[i] = dial(from, host, port);
	end = now_ms() + WAIT_MS;
	for (i = 0; i < n; i++) {
		p.fd = s[i];
		p.events = POLLIN;
		len = 0;
		if ((left = end - now_ms()) < 0)
			left = 0;
		if (s[i] != -1 && poll(&p, 1, left) == 1)
			len = read(s[i], buf, sizeof(buf));
		if (len <= 0)
			none++;
		else if (buf[0] == '2' || buf[0] == '+')
			greeted++;
		else
			refused++;
	}
	printf("greeted %d refused %d closed %d\n", greeted, refused, none);
}

static void
push(int s, char *first, char *again)
{
	struct pollfd	 p = { s, POLLOUT, 0 };
	static char	 block[BLOCK];
	size_t		 len = decode(first), n = 0, off = 0, sent = 0;
	ssize_t		 w;

	if (send(s, first, len, MSG_NOSIGNAL) != (ssize_t)len)
		err(2, "send");
	len = decode(again);
	while (n + len <= sizeof(block)) {
		memcpy(block + n, again, len);
		n += len;
	}
	while (sent < SENT_MAX && poll(&p, 1, STUCK_MS) == 1) {
		w = send(s, block + off, n - off, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (w == -1)
			err(1, "after %zu bytes", sent);
		sent += (size_t)w;
		off = (off + (size_t)w) % n;
	}
	printf("%s\n", sent < SENT_MAX ? "stuck" : "taken");
}

int
main(int argc, char *argv[])
{
	char	 none[] = "", *first = none, *again = NULL, *from = NULL;
	int	 ch, n = 1, s;

	while ((ch = getopt(argc, argv, "b:i:n:p:")) != -1) {
		switch (ch) {
		case 'b':
			from = optarg;
			break;
		case 'i':
			first = optarg;
			break;
		case 'n':
			n = atoi(optarg);
			break;
		case 'p':
			again = optarg;
			break;
		default:
			errx(2, "usage: crowd [-b address] [-n count] "
			    "host port");
		}
	}
	if (argc - optind != 2 || n < 1 ||
	    (again != NULL && (*again == '\0' || strlen(again) > BLOCK)))
		errx(2, "usage: crowd [-b address] [-n count] host port");
	signal(SIGPIPE, SIG_IGN);
	if (again != NULL) {
		if ((s = dial(from, argv[optind], argv[optind + 1])) == -1)
			err(2, "connect");
		push(s, first, again);
	} else
		crowd(n, from, argv[optind], argv[optind + 1]);
	fflush(stdout);
	for (;;)
		pause();
}
