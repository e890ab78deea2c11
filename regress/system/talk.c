/* See LICENSE for the terms. */
/*
 * usage: talk [-t seconds] host port <script
 *        talk -f connections host port
 * Says to a server what no decent client would, byte for byte, and looks at
 * what it answers.  A script has one step a line:
 *	S text		send the text and CRLF
 *	s text		send the text alone
 *	R count text	send the text so many times
 *	E text		a reply must come that begins so; of one with several
 *			lines (250-...), the last
 *	H text		... of which any line has this in it
 *	D text		lines up to a lone dot must come, one of them this
 *	N ms		nothing may come for so long
 *	X		the server must close; what it says before is skipped
 *	W		we close our sending side
 *	# ...		a comment
 * Text may have \r \n \t \\ \0 and \xHH.  Exits 0 when all was so; else says
 * which step failed and what came instead.
 *
 * -f opens so many connections at once and prints how many were greeted by
 * 2xx or +OK ("greeted"), by another reply ("refused"), or not at all
 * ("closed").
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int	 fd = -1, wait_ms = 10000;
static char	 in[1 << 17];
static size_t	 nin;
static int	 step, closed;
static char	 source[65536];

static int
dial(const char *host, const char *port)
{
	struct addrinfo	 hints, *ai;
	int		 s, r;

	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	if ((r = getaddrinfo(host, port, &hints, &ai)) != 0)
		errx(2, "%s: %s", host, gai_strerror(r));
	if ((s = socket(ai->ai_family, SOCK_STREAM, 0)) == -1)
		err(2, "socket");
	r = connect(s, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
	if (r == 0)
		return (s);
	close(s);
	return (-1);
}

static void __attribute__((__noreturn__))
fail(const char *what)
{
	printf("step %d (%s): %s\n", step, source, what);
	exit(1);
}

/* Decodes in place; the length. */
static size_t
decode(char *s)
{
	char	*in_ = s, *out = s, hex[3] = "";

	for (; *in_ != '\0'; in_++) {
		if (*in_ != '\\' || in_[1] == '\0') {
			*out++ = *in_;
			continue;
		}
		switch (*++in_) {
		case 'r':
			*out++ = '\r';
			break;
		case 'n':
			*out++ = '\n';
			break;
		case 't':
			*out++ = '\t';
			break;
		case '0':
			*out++ = '\0';
			break;
		case 'x':
			if (isxdigit((unsigned char)in_[1]) &&
			    isxdigit((unsigned char)in_[2])) {
				memcpy(hex, in_ + 1, 2);
				*out++ = (char)strtol(hex, NULL, 16);
				in_ += 2;
			}
			break;
		default:
			*out++ = *in_;
			break;
		}
	}
	*out = '\0';
	return ((size_t)(out - s));
}

/* 1 when bytes came, 0 at the end, -1 when none came in time. */
static int
more(int ms)
{
	struct pollfd	 p = { fd, POLLIN, 0 };
	ssize_t		 n;

	if (closed)
		return (0);
	if (nin == sizeof(in))
		fail("too much came");
	if (poll(&p, 1, ms) != 1)
		return (-1);
	n = read(fd, in + nin, sizeof(in) - nin);
	if (n <= 0) {
		closed = 1;
		return (0);
	}
	nin += (size_t)n;
	return (1);
}

/* What comes while we send must not stop the server from reading. */
static void
send_all(const char *data, size_t len)
{
	struct pollfd	 p = { fd, POLLIN | POLLOUT, 0 };
	ssize_t		 n;

	while (len > 0 && !closed) {
		p.events = (short)(POLLOUT |
		    (nin < sizeof(in) ? POLLIN : 0));
		if (poll(&p, 1, wait_ms) != 1)
			fail("the server does not read");
		if ((p.revents & (POLLIN | POLLHUP)) != 0 && more(0) == 0)
			return;
		if ((p.revents & POLLOUT) == 0)
			continue;
		n = send(fd, data, len > 16384 ? 16384 : len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1 && errno == EAGAIN)
			continue;
		if (n == -1)
			return;		/* the next step finds it closed */
		data += n;
		len -= (size_t)n;
	}
}

static char *
line(void)
{
	static char	 buf[65536];
	char		*nl;
	size_t		 n;
	int		 r;

	while ((nl = memchr(in, '\n', nin)) == NULL) {
		if ((r = more(wait_ms)) == 0)
			fail("the server closed");
		if (r == -1)
			fail("no answer in time");
	}
	n = (size_t)(nl - in);
	if (n >= sizeof(buf))
		fail("a line too long");
	memcpy(buf, in, n);
	buf[n] = '\0';
	buf[strcspn(buf, "\r")] = '\0';
	nin -= n + 1;
	memmove(in, nl + 1, nin);
	return (buf);
}

static void
reply(const char *want, const char *has)
{
	char	 what[1100];
	char	*l;
	int	 found = 0;

	for (;;) {
		l = line();
		if (has != NULL && strstr(l, has) != NULL)
			found = 1;
		if (strlen(l) > 3 && isdigit((unsigned char)l[0]) &&
		    isdigit((unsigned char)l[1]) &&
		    isdigit((unsigned char)l[2]) && l[3] == '-')
			continue;
		break;
	}
	if ((has != NULL && found) ||
	    (has == NULL && strncmp(l, want, strlen(want)) == 0))
		return;
	snprintf(what, sizeof(what), "came: %.1000s", l);
	fail(what);
}

static void
until_dot(const char *want)
{
	char	*l;
	int	 found = *want == '\0';

	while (strcmp(l = line(), ".") != 0)
		if (strcmp(l, want) == 0)
			found = 1;
	if (!found)
		fail("not among the lines");
}

static void
run(char *s)
{
	char	*p;
	size_t	 n;
	long	 count;

	p = s[0] != '\0' && s[1] == ' ' ? s + 2 : s + 1;
	switch (s[0]) {
	case 'S':
		n = decode(p);
		memcpy(p + n, "\r\n", 2);
		send_all(p, n + 2);
		break;
	case 's':
		send_all(p, decode(p));
		break;
	case 'R':
		count = strtol(p, &p, 10);
		n = decode(++p);
		while (count-- > 0)
			send_all(p, n);
		break;
	case 'E':
		reply(p, NULL);
		break;
	case 'H':
		reply(NULL, p);
		break;
	case 'D':
		until_dot(p);
		break;
	case 'N':
		if (nin > 0 || more(atoi(p)) == 1)
			fail("something came");
		if (closed)
			fail("the server closed");
		break;
	case 'X':
		while ((nin = 0, more(wait_ms)) == 1)
			;
		if (!closed)
			fail("the server did not close");
		break;
	case 'W':
		shutdown(fd, SHUT_WR);
		break;
	case '#': case '\0':
		break;
	default:
		fail("unknown step");
	}
}

static void
flood(int n, const char *host, const char *port)
{
	char	 buf[512];
	int	*s, i, greeted = 0, refused = 0, none = 0;
	ssize_t	 len;
	struct pollfd	 p;

	if ((s = calloc((size_t)n, sizeof(*s))) == NULL)
		err(2, NULL);
	for (i = 0; i < n; i++)
		s[i] = dial(host, port);
	for (i = 0; i < n; i++) {
		p.fd = s[i];
		p.events = POLLIN;
		len = 0;
		if (s[i] != -1 && poll(&p, 1, wait_ms) == 1)
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

int
main(int argc, char *argv[])
{
	static char	 buf[65536];
	int		 ch, n = 0;

	while ((ch = getopt(argc, argv, "f:t:")) != -1) {
		switch (ch) {
		case 'f':
			n = atoi(optarg);
			break;
		case 't':
			wait_ms = atoi(optarg) * 1000;
			break;
		default:
			errx(2, "usage: talk [-f n] [-t seconds] host port");
		}
	}
	if (argc - optind != 2)
		errx(2, "usage: talk [-f n] [-t seconds] host port");
	signal(SIGPIPE, SIG_IGN);
	if (n > 0) {
		flood(n, argv[optind], argv[optind + 1]);
		return (0);
	}
	if ((fd = dial(argv[optind], argv[optind + 1])) == -1)
		err(2, "connect");
	while (fgets(buf, sizeof(buf) - 8, stdin) != NULL) {
		step++;
		buf[strcspn(buf, "\n")] = '\0';
		snprintf(source, sizeof(source), "%.200s", buf);
		run(buf);
	}
	return (0);
}
