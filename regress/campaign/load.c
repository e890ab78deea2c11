/* See LICENSE for the terms. */
/*
 * usage: load -l log -s seed -w writers port pop3-port user ...
 *        load -c file ...
 * Mixed load for a spool that is killed: so many SMTP sessions, and one POP3
 * session for each user, who reads and deletes all he has.  All of them come
 * back when they are cut off, until SIGTERM.  The log has a line for each
 * event:
 *	S id recipient ...	the message's last dot is about to be sent
 *	A id			its 250 has come
 *	G id user state		it was read, and is deleted with this session
 *	Q id user		QUIT had its +OK
 * With -c, prints "id state sender file" for each file: a message's bytes
 * follow from its id, so "bad" is one that is not whole, "ok" one that is.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_MAX_BODY	600000
#define PASSES		64	/* messages read in one POP3 session */
#define MARK		"X-Campaign: "

static volatile sig_atomic_t	 stop;
static int			 log_fd = -1;
static FILE			*out;	/* the way to the server */

static void
on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static unsigned int
next(unsigned int *state)
{
	*state = *state * 1103515245U + 12345U;
	return (*state >> 8 & 0xffff);
}

/*
 * From the mark on, as on the wire but for the stuffed dots; the caller frees
 * it.
 */
static char *
make(const char *id, size_t size, size_t *len)
{
	unsigned int	 state = 5381;
	const char	*p;
	char		*buf;
	size_t		 n, width;

	if ((buf = malloc(size + 512)) == NULL)
		err(2, NULL);
	for (p = id; *p != '\0'; p++)
		state = state * 33 + (unsigned char)*p;
	n = (size_t)snprintf(buf, 400, MARK "%s %zu\r\n\r\n", id, size);
	size += n;
	while (n < size) {
		width = next(&state) % 77;
		/* Dots at the front of lines are what gets lost. */
		if (next(&state) % 8 == 0)
			buf[n++] = '.';
		while (width-- > 0)
			buf[n++] = (char)('!' + next(&state) % 94);
		buf[n++] = '\r';
		buf[n++] = '\n';
	}
	*len = n;
	return (buf);
}

/* Whether text, with or without CRs, is what the id says. */
static int
whole(const char *text, size_t len, const char *id, size_t size)
{
	size_t	 i, k = 0, n;
	char	*want;
	int	 good = 1;

	if (size > SIZE_MAX_BODY)
		return (0);
	want = make(id, size, &n);
	for (i = 0; i < n && good; i++) {
		if (want[i] == '\r' && (k == len || text[k] != '\r'))
			continue;
		good = k < len && text[k++] == want[i];
	}
	free(want);
	return (good && k == len);
}

/* What text is: its id ("-" when it has none), and whether it is whole. */
static int
judge(const char *text, size_t len, char *id, size_t idlen)
{
	const char	*p;
	char		 format[32];
	size_t		 size;

	snprintf(id, idlen, "-");
	if ((p = strstr(text, "\n" MARK)) == NULL)
		return (0);
	p++;
	snprintf(format, sizeof(format), MARK "%%%zus %%zu", idlen - 1);
	if (sscanf(p, format, id, &size) != 2)
		return (0);
	return (whole(p, len - (size_t)(p - text), id, size));
}

static void
record(const char *line)
{
	size_t	 len = strlen(line);

	if (write(log_fd, line, len) != (ssize_t)len)
		err(2, "log");
}

static FILE *
dial(const char *port)
{
	struct sockaddr_in	 sin;
	struct timeval		 tv = { 30, 0 };
	FILE			*f;
	int			 s;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons((in_port_t)atoi(port));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((s = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		err(2, "socket");
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(s, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    (f = fdopen(s, "r")) == NULL) {
		close(s);
		return (NULL);
	}
	if ((out = fdopen(dup(s), "w")) == NULL)
		err(2, "fdopen");
	return (f);
}

static void
hang_up(FILE *f)
{
	fclose(f);
	fclose(out);
}

/* Sends text, which may be NULL, and reads a reply; 0 when it is the one. */
static int
ask(FILE *f, const char *text, const char *reply)
{
	char	 line[1024];

	if (text != NULL && (fputs(text, out) == EOF || fflush(out) == EOF))
		return (-1);
	do {
		if (fgets(line, sizeof(line), f) == NULL)
			return (-1);
	} while (*reply != '+' && strlen(line) > 3 && line[3] == '-');
	return (strncmp(line, reply, strlen(reply)) == 0 ? 0 : -1);
}

static size_t
some_size(unsigned int *state)
{
	switch (next(state) % 16) {
	case 0:
		return (next(state) * 9U + next(state) % 9);
	case 1: case 2: case 3:
		return (next(state));
	default:
		return (next(state) % 4096);
	}
}

/* Adds recipients to the line, and tells the server of them. */
static int
envelope(FILE *f, const char *id, char *line, size_t size, char **user,
    int users, unsigned int *state)
{
	char	 text[512], rcpt[256];
	int	 i, n = 1 + (int)(next(state) % 4), u;

	snprintf(text, sizeof(text), "MAIL FROM:<s.%s@from.test>\r\n", id);
	if (ask(f, text, "250") == -1)
		return (-1);
	u = (int)(next(state) % (unsigned int)users);
	for (i = 0; i < n; i++) {
		/* One in eight has the line to go. */
		if (next(state) % 8 == 0)
			snprintf(rcpt, sizeof(rcpt), "r%d.%s@far.test", i, id);
		else
			snprintf(rcpt, sizeof(rcpt), "%s@ship.test",
			    user[(u + i) % users]);
		snprintf(text, sizeof(text), "RCPT TO:<%s>\r\n", rcpt);
		if (ask(f, text, "250") == -1)
			return (-1);
		snprintf(line + strlen(line), size - strlen(line), " %s",
		    rcpt);
	}
	return (0);
}

static int
send_one(FILE *f, const char *id, char **user, int users,
    unsigned int *state)
{
	char	 line[2048], *text;
	size_t	 i, len;

	snprintf(line, sizeof(line), "S %s", id);
	if (envelope(f, id, line, sizeof(line), user, users, state) == -1 ||
	    ask(f, "DATA\r\n", "354") == -1)
		return (-1);
	text = make(id, some_size(state), &len);
	fprintf(out, "From: <s.%s@from.test>\r\nDate: Mon, 2 Mar 2026 12:00:00 "
	    "+0000\r\nMessage-ID: <%s@from.test>\r\nSubject: %s\r\n",
	    id, id, id);
	for (i = 0; i < len; i++) {
		if (text[i] == '.' && text[i - 1] == '\n')
			putc('.', out);
		putc(text[i], out);
	}
	free(text);
	if (fflush(out) == EOF)
		return (-1);
	snprintf(line + strlen(line), sizeof(line) - strlen(line), "\n");
	record(line);
	if (ask(f, ".\r\n", "250") == -1)
		return (-1);
	snprintf(line, sizeof(line), "A %s\n", id);
	record(line);
	return (0);
}

static void
writer(const char *port, unsigned int seed, int no, char **user, int users)
{
	unsigned int	 state = seed * 1000U + (unsigned int)no;
	char		 id[64];
	FILE		*f;
	int		 i, n = 0;

	for (; !stop; usleep(next(&state) % 50000)) {
		if ((f = dial(port)) == NULL)
			continue;
		if (ask(f, NULL, "220") == 0 &&
		    ask(f, "EHLO load.test\r\n", "250") == 0) {
			for (i = (int)(next(&state) % 20); i >= 0 && !stop;
			    i--) {
				snprintf(id, sizeof(id), "%u.%d.%d", seed, no,
				    n++);
				if (send_one(f, id, user, users,
				    &state) == -1)
					break;
				usleep(next(&state) % 60000);
			}
		}
		hang_up(f);
	}
}

/* One message by RETR into buf; its length, or -1. */
static ssize_t
retrieve(FILE *f, int n, char *buf, size_t size)
{
	char	 text[64], line[1024], *p;
	size_t	 len = 0, w;
	int	 front = 1;

	snprintf(text, sizeof(text), "RETR %d\r\n", n);
	if (ask(f, text, "+OK") == -1)
		return (-1);
	for (;;) {
		if (fgets(line, sizeof(line), f) == NULL)
			return (-1);
		if (front && strcmp(line, ".\r\n") == 0)
			break;
		p = front && *line == '.' ? line + 1 : line;
		w = strlen(p);
		if (len + w >= size)
			return (-1);
		memcpy(buf + len, p, w);
		len += w;
		front = strchr(line, '\n') != NULL;
	}
	buf[len] = '\0';
	return ((ssize_t)len);
}

static void
pop_session(FILE *f, const char *user, char *buf, size_t size)
{
	static char	 id[PASSES][64];
	char		 line[1024];
	ssize_t		 len;
	int		 good, i, n = 0;

	snprintf(line, sizeof(line), "USER %s\r\n", user);
	if (ask(f, NULL, "+OK") == -1 || ask(f, line, "+OK") == -1)
		return;
	snprintf(line, sizeof(line), "PASS lan-%s\r\n", user);
	if (ask(f, line, "+OK") == -1)
		return;
	for (; n < PASSES; n++) {
		if ((len = retrieve(f, n + 1, buf, size)) == -1)
			break;
		good = judge(buf, (size_t)len, id[n], sizeof(id[n]));
		snprintf(line, sizeof(line), "DELE %d\r\n", n + 1);
		if (ask(f, line, "+OK") == -1)
			return;
		snprintf(line, sizeof(line), "G %.63s %.100s %s\n", id[n], user,
		    good ? "ok" : "bad");
		record(line);
	}
	if (ask(f, "QUIT\r\n", "+OK") == -1)
		return;
	for (i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "Q %.63s %.100s\n", id[i], user);
		record(line);
	}
}

static void
reader(const char *port, const char *user)
{
	size_t	 size = 2 * SIZE_MAX_BODY;
	FILE	*f;
	char	*buf;

	if ((buf = malloc(size)) == NULL)
		err(2, NULL);
	for (; !stop; usleep(100000)) {
		if ((f = dial(port)) == NULL)
			continue;
		pop_session(f, user, buf, size);
		hang_up(f);
	}
}

static void
check_file(const char *path)
{
	size_t		 len, size = 2 * SIZE_MAX_BODY;
	static char	*buf;
	char		 id[64], sender[128] = "-", *p;
	int		 good;
	FILE		*f;

	if (buf == NULL && (buf = malloc(size)) == NULL)
		err(2, NULL);
	if ((f = fopen(path, "r")) == NULL)
		err(2, "%s", path);
	len = fread(buf, 1, size - 1, f);
	fclose(f);
	buf[len] = '\0';
	if (strncmp(buf, "Return-Path: <", 14) == 0) {
		if ((p = strchr(buf, '>')) != NULL)
			snprintf(sender, sizeof(sender), "%.*s",
			    (int)(p - buf - 14), buf + 14);
	}
	good = judge(buf, len, id, sizeof(id));
	printf("%s %s %s %s\n", id, good ? "ok" : "bad", sender, path);
}

static void
usage(void)
{
	errx(2, "usage: load -l log -s seed -w writers port pop3-port "
	    "user ...\n       load -c file ...");
}

/* The first half of the users reads; all of them get mail. */
static void
run(unsigned int seed, int writers, int argc, char **argv)
{
	int	 i, users = argc - 2, all = writers + users / 2;

	for (i = 0; i < all; i++) {
		switch (fork()) {
		case -1:
			err(2, "fork");
		case 0:
			if (i < writers)
				writer(argv[0], seed, i, argv + 2, users);
			else
				reader(argv[1], argv[2 + i - writers]);
			_exit(0);
		}
	}
	while (!stop)
		pause();
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
}

int
main(int argc, char *argv[])
{
	struct sigaction	 sa;
	const char		*path = NULL;
	unsigned int		 seed = 1;
	int			 ch, check = 0, i, writers = 8;

	while ((ch = getopt(argc, argv, "cl:s:w:")) != -1) {
		switch (ch) {
		case 'c':
			check = 1;
			break;
		case 'l':
			path = optarg;
			break;
		case 's':
			seed = (unsigned int)atoi(optarg);
			break;
		case 'w':
			writers = atoi(optarg);
			break;
		default:
			usage();
		}
	}
	argc -= optind;
	argv += optind;
	if (check) {
		for (i = 0; i < argc; i++)
			check_file(argv[i]);
		return (0);
	}
	if (path == NULL || argc < 3)
		usage();
	log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (log_fd == -1)
		err(2, "%s", path);
	/* A group of its own, so that it can tell all of its children. */
	setpgid(0, 0);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_term;
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	run(seed, writers, argc, argv);
	return (0);
}
