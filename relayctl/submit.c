/* See LICENSE for the terms. */
/* To relayd's local socket: see submit.h. */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "submission.h"
#include "submit.h"

/* relayd syncs before it answers, and a disk may be busy. */
#define REPLY_WAIT	300	/* seconds */
#define REPLY_MAX	1024	/* bytes of a line */

#define EXT_8BITMIME	0x01
#define EXT_SMTPUTF8	0x02
#define EXT_DSN		0x04

static int
submit_connect(const char *path)
{
	struct timeval		 tv = { REPLY_WAIT, 0 };
	struct sockaddr_un	 sun;
	int			 fd;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		errx(EX_USAGE, "%s: path too long", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		err(EX_OSERR, "socket");
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1)
		err(EX_OSERR, "socket");
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(EX_TEMPFAIL, "%s: is relayd running, and told to \"listen "
		    "on\" it?", path);
	return (fd);
}

static void __attribute__((__noreturn__))
lost(void)
{
	if (errno == 0)
		errx(EX_TEMPFAIL, "relayd closed the connection");
	err(EX_TEMPFAIL, "relayd");
}

/*
 * A reply: its code, and its last line in text.  line is called for each.
 */
static int
reply(struct submit *s, char *text, void (*line)(struct submit *,
    const char *))
{
	do {
		errno = 0;
		if (fgets(text, REPLY_MAX, s->in) == NULL)
			lost();
		text[strcspn(text, "\r\n")] = '\0';
		if (!isdigit((unsigned char)text[0]) ||
		    !isdigit((unsigned char)text[1]) ||
		    !isdigit((unsigned char)text[2]))
			errx(EX_PROTOCOL, "relayd answers strangely: %s", text);
		if (line != NULL && text[3] != '\0')
			line(s, text + 4);
	} while (text[3] == '-');
	return (atoi(text));
}

static int __attribute__((__format__(printf, 3, 4)))
command(struct submit *s, char *text, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vfprintf(s->out, fmt, ap);
	va_end(ap);
	fputs("\r\n", s->out);
	if (fflush(s->out) == EOF)
		lost();
	return (reply(s, text, NULL));
}

/* The status for a reply that refuses. */
static int
refused(int code, int status)
{
	return (code / 100 == 4 ? EX_TEMPFAIL : status);
}

static void
extension(struct submit *s, const char *line)
{
	if (strcasecmp(line, "8BITMIME") == 0)
		s->extensions |= EXT_8BITMIME;
	else if (strcasecmp(line, "SMTPUTF8") == 0)
		s->extensions |= EXT_SMTPUTF8;
	else if (strcasecmp(line, "DSN") == 0)
		s->extensions |= EXT_DSN;
}

void
submit_open(struct submit *s, const char *path)
{
	char	 text[REPLY_MAX];
	int	 fd = submit_connect(path), code;

	if ((s->in = fdopen(fd, "r")) == NULL || (fd = dup(fd)) == -1 ||
	    (s->out = fdopen(fd, "w")) == NULL)
		err(EX_OSERR, "socket");
	if ((code = reply(s, text, NULL)) != 220)
		errx(refused(code, EX_UNAVAILABLE), "%s", text);
	/* "220 host ESMTP relayd" */
	strlcpy(s->hostname, text + 4, sizeof(s->hostname));
	s->hostname[strcspn(s->hostname, " ")] = '\0';
	fprintf(s->out, "EHLO localhost\r\n");
	if (fflush(s->out) == EOF)
		lost();
	if ((code = reply(s, text, extension)) != 250)
		errx(refused(code, EX_UNAVAILABLE), "%s", text);
}

char *
submit_qualify(const struct submit *s, const char *address)
{
	char	*p;

	if (address[0] == '\0' || strrchr(address, '@') != NULL)
		p = strdup(address);
	else if (asprintf(&p, "%s@%s", address, s->hostname) == -1)
		p = NULL;
	if (p == NULL)
		err(EX_OSERR, NULL);
	return (p);
}

/* RFC 3461 4: what is not xtext is written in hexadecimal. */
static void
put_xtext(FILE *f, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text > ' ' && *text < 0x7f && *text != '+' &&
		    *text != '=')
			fputc(*text, f);
		else
			fprintf(f, "+%02X", (unsigned int)(unsigned char)*text);
	}
}

static void
mail(struct submit *s)
{
	char	 text[REPLY_MAX];
	int	 code, utf8 = 0;
	size_t	 i;

	for (i = 0; i < s->nrecipients; i++)
		utf8 |= submission_is_8bit(s->recipients[i],
		    strlen(s->recipients[i]));
	utf8 |= submission_is_8bit(s->sender, strlen(s->sender));
	fprintf(s->out, "MAIL FROM:<%s>", s->sender);
	if ((s->extensions & EXT_8BITMIME) &&
	    submission_is_8bit(s->body, s->len))
		fputs(" BODY=8BITMIME", s->out);
	if ((s->extensions & EXT_SMTPUTF8) && utf8)
		fputs(" SMTPUTF8", s->out);
	if ((s->extensions & EXT_DSN) && s->ret != NULL)
		fprintf(s->out, " RET=%s", s->ret);
	if ((s->extensions & EXT_DSN) && s->envid != NULL) {
		fputs(" ENVID=", s->out);
		put_xtext(s->out, s->envid);
	}
	if ((code = command(s, text, "%s", "")) != 250)
		errx(refused(code, EX_UNAVAILABLE), "%s: %s", s->sender, text);
}

/* The status for the recipients that were refused; EX_OK if none was. */
static int
recipients(struct submit *s, size_t *taken)
{
	char	 text[REPLY_MAX], *address;
	int	 code, status = EX_OK;
	size_t	 i;

	*taken = 0;
	for (i = 0; i < s->nrecipients; i++) {
		address = submit_qualify(s, s->recipients[i]);
		if ((s->extensions & EXT_DSN) && s->notify != NULL)
			code = command(s, text, "RCPT TO:<%s> NOTIFY=%s",
			    address, s->notify);
		else
			code = command(s, text, "RCPT TO:<%s>", address);
		if (code / 100 == 2)
			(*taken)++;
		else {
			warnx("%s: %s", address, text);
			if (status == EX_OK || status == EX_TEMPFAIL)
				status = refused(code, code == 550 ?
				    EX_NOUSER : EX_UNAVAILABLE);
		}
		free(address);
	}
	return (status);
}

static void
body(struct submit *s)
{
	const char	*p = s->body, *end = p + s->len, *nl;

	while (p < end) {
		nl = memchr(p, '\n', (size_t)(end - p));
		nl = nl == NULL ? end : nl + 1;
		if (*p == '.')
			fputc('.', s->out);
		fwrite(p, 1, (size_t)(nl - p), s->out);
		p = nl;
	}
}

int
submit_message(struct submit *s)
{
	char	 text[REPLY_MAX];
	size_t	 taken;
	int	 code, status;

	mail(s);
	status = recipients(s, &taken);
	if (taken == 0)
		return (status);
	if ((code = command(s, text, "DATA")) != 354)
		errx(refused(code, EX_UNAVAILABLE), "%s", text);
	body(s);
	if ((code = command(s, text, ".")) != 250)
		errx(refused(code, EX_UNAVAILABLE), "%s", text);
	(void)command(s, text, "QUIT");
	return (status);
}

/* All of what is there to read from one to the other: 0 at its end. */
static int
carry(int from, int to)
{
	char	 buf[8192];
	ssize_t	 n, w, off;

	if ((n = read(from, buf, sizeof(buf))) == -1)
		return (errno == EINTR);
	for (off = 0; off < n; off += w)
		if ((w = write(to, buf + off, (size_t)(n - off))) == -1)
			return (0);
	return (n > 0);
}

int
submit_bridge(const char *path)
{
	struct pollfd	 pfd[2];
	int		 fd = submit_connect(path);

	pfd[0].fd = STDIN_FILENO;
	pfd[1].fd = fd;
	pfd[0].events = pfd[1].events = POLLIN;
	for (;;) {
		if (poll(pfd, 2, -1) == -1) {
			if (errno == EINTR)
				continue;
			err(EX_OSERR, "poll");
		}
		if (pfd[1].revents != 0 && !carry(fd, STDOUT_FILENO))
			return (EX_OK);
		if (pfd[0].fd != -1 && pfd[0].revents != 0 &&
		    !carry(STDIN_FILENO, fd)) {
			/* The answers are still to come. */
			shutdown(fd, SHUT_WR);
			pfd[0].fd = -1;
		}
	}
}
