/* See LICENSE for the terms. */
/*
 * usage: corpus directory count [big]
 * Writes that many messages as they are on the wire, with CRLF, to
 * directory/01.eml and so on: plain, MIME, 8-bit, long lines, dots, empty
 * bodies and whatever else servers and clients are known to get wrong.  The
 * same for every run, but for what RELAYD_SEED changes.  One of them has 5
 * MB, or `big` bytes.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KINDS		15
#define BIG_NUMBER	20	/* which one is the big one */
#define BIG_SIZE	(5 * 1024 * 1024)
#define BASE64_LINE	76

static unsigned long	 state;

static unsigned int
rnd(unsigned int n)
{
	state = state * 6364136223846793005UL + 1442695040888963407UL;
	return ((unsigned int)(state >> 33) % n);
}

static void
words(FILE *f, unsigned int lines)
{
	static const char *const list[] = {
		"ship", "harbour", "the", "of", "weather", "noon", "report",
		"engine", "and", "from", "to", "cargo", "course", "speed",
		"knots", "wind", "sea", "crew", "letter", "home"
	};
	unsigned int	 i, n;

	while (lines-- > 0) {
		for (n = 4 + rnd(8), i = 0; i < n; i++)
			fprintf(f, "%s%s", i ? " " : "", list[rnd(20)]);
		fputs(".\r\n", f);
	}
}

static void
base64(FILE *f, unsigned long size)
{
	static const char	 set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned long		 i;
	unsigned int		 n;

	for (i = 0; i < size; i += BASE64_LINE + 2) {
		for (n = 0; n < BASE64_LINE; n++)
			fputc(set[rnd(64)], f);
		fputs("\r\n", f);
	}
}

static void
repeat(FILE *f, const char *s, unsigned int n)
{
	while (n-- > 0)
		fputs(s, f);
	fputs("\r\n", f);
}

static void
multipart(FILE *f, unsigned long size)
{
	fputs("MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n"
	    "This is a message with parts.\r\n"
	    "--=_b\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n", f);
	words(f, 5);
	fputs("\r\n--=_b\r\nContent-Type: application/octet-stream\r\n"
	    "Content-Transfer-Encoding: base64\r\n"
	    "Content-Disposition: attachment; filename=\"data.bin\"\r\n\r\n",
	    f);
	base64(f, size);
	fputs("--=_b--\r\n", f);
}

/* The fields that depend on the kind, the empty line, and the body. */
static void
rest(FILE *f, int kind)
{
	unsigned int	 i;

	switch (kind) {
	case 0:			/* plain */
		fputs("\r\n", f);
		words(f, 10 + rnd(30));
		break;
	case 1:
		multipart(f, 2000 + rnd(30000));
		break;
	case 2:			/* 8-bit, UTF-8 */
		fputs("MIME-Version: 1.0\r\nContent-Type: text/plain; "
		    "charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
		    "\r\n", f);
		fputs("Gr\303\274\303\237e aus \303\204gypten, "
		    "\343\201\223\343\202\223\343\201\253\343\201\241"
		    "\343\201\257, \360\237\232\242\r\n", f);
		words(f, 5);
		break;
	case 3:			/* 8-bit, Latin-1, which is no UTF-8 */
		fputs("MIME-Version: 1.0\r\nContent-Type: text/plain; "
		    "charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit"
		    "\r\n\r\n", f);
		for (i = 0xa0; i < 0x100; i++)
			fputc((int)i, f);
		fputs("\r\n", f);
		break;
	case 4:			/* long lines, at and past all limits */
		fputs("\r\n", f);
		repeat(f, "x", 997);
		repeat(f, "y", 998);
		repeat(f, "z", 999);
		repeat(f, "0123456789", 205);
		repeat(f, "long ", 5000);
		break;
	case 5:			/* leading dots */
		fputs("\r\n.\r\n..\r\n...\r\n.leading\r\n..twice\r\n"
		    "not .\r\n. \r\n.\r\n", f);
		break;
	case 6:			/* lone dots, also first and last */
		fputs("\r\n.\r\n.\r\n\r\n.\r\nbetween\r\n.\r\n", f);
		break;
	case 7:			/* empty body */
		fputs("\r\n", f);
		break;
	case 8:			/* a body of empty lines */
		fputs("\r\n\r\n\r\n\r\n", f);
		break;
	case 9:			/* what mbox and IMAP code trips over */
		fputs("\r\nFrom nobody Thu Jan  1 00:00:00 1970\r\n"
		    ">From me\r\nFrom: in the body\r\n+OK\r\n-ERR\r\n"
		    "* 1 FETCH (FLAGS ())\r\n{10}\r\n)\r\na1 OK done\r\n"
		    "QUIT\r\n250 ok\r\n", f);
		break;
	case 10:		/* white space that must stay */
		fputs("\r\ntrailing spaces   \r\n\ttab\t\r\n \r\n\t\r\n"
		    "  indented\r\n", f);
		break;
	case 11:		/* many and folded fields */
		for (i = 0; i < 200; i++)
			fprintf(f, "X-Field-%u: value %u\r\n\tfolded %u\r\n",
			    i, i, rnd(1000));
		fputs("X-Empty:\r\nX-Long: ", f);
		repeat(f, "v", 900);
		fputs("\r\nbody\r\n", f);
		break;
	case 12:		/* HTML, quoted-printable */
		fputs("MIME-Version: 1.0\r\nContent-Type: text/html; "
		    "charset=utf-8\r\nContent-Transfer-Encoding: "
		    "quoted-printable\r\n\r\n<html><body>=\r\n"
		    "=2E<p style=3D\"color:red\">caf=C3=A9</p>=\r\n"
		    "</body></html>\r\n", f);
		break;
	case 13:		/* control characters but CR, LF and NUL */
		fputs("\r\n", f);
		for (i = 1; i < 32; i++)
			if (i != '\r' && i != '\n')
				fprintf(f, "%c", (int)i);
		fputs("\177\r\n", f);
		break;
	case 14:		/* Received and Return-Path of its own */
		fputs("Received: from a.example by b.example; "
		    "Thu, 1 Jan 1970 00:00:00 +0000\r\n"
		    "X-Loop: 1\r\nBcc: hidden@far.test\r\n\r\n", f);
		words(f, 3);
		break;
	}
}

static void
message(const char *dir, int number, unsigned long big)
{
	char	 path[1024];
	FILE	*f;
	int	 kind = (number - 1) % KINDS;

	snprintf(path, sizeof(path), "%s/%02d.eml", dir, number);
	if ((f = fopen(path, "w")) == NULL)
		err(1, "%s", path);
	fprintf(f, "Date: Thu, 1 Jan 2026 12:%02d:00 +0000\r\n"
	    "From: \"Sender %d\" <sender%d@far.test>\r\n"
	    "To: someone@ship.test\r\n"
	    "Message-ID: <%d.%lx@corpus.test>\r\n"
	    "Subject: message %d of kind %d\r\n",
	    number % 60, number, number, number, state, number, kind);
	if (number == BIG_NUMBER && big != 0)
		multipart(f, big);
	else
		rest(f, kind);
	if (fclose(f) == EOF)
		err(1, "%s", path);
}

int
main(int argc, char *argv[])
{
	const char	*seed = getenv("RELAYD_SEED");
	unsigned long	 big = BIG_SIZE;
	int		 i, count;

	if (argc < 3 || argc > 4 || (count = atoi(argv[2])) < 1)
		errx(1, "usage: corpus directory count [big]");
	if (argc == 4)
		big = strtoul(argv[3], NULL, 10);
	state = seed != NULL ? strtoul(seed, NULL, 10) : 1;
	for (i = 1; i <= count; i++) {
		(void)rnd(1);
		message(argv[1], i, big);
	}
	return (0);
}
