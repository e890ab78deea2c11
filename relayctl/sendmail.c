/* See LICENSE for the terms. */
/* sendmail(8)'s interface: see sendmail.h. */

#include <sys/types.h>
#include <err.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "sendmail.h"
#include "submission.h"
#include "submit.h"

/* What is read at most: more than any site lets through. */
#define MESSAGE_MAX	(256UL * 1024 * 1024)
#define RECIPIENTS_MAX	1000	/* what relayd takes in one message */

struct options {
	const char	*sender;	/* -f, -r */
	const char	*name;		/* -F */
	const char	*socket;	/* -X, or where it is by default */
	int		 header;	/* -t */
	int		 dots;		/* -i: a lone dot is text */
	int		 smtp;		/* -bs */
	struct submit	 submit;
};

static const char	 usage[] =
    "usage: sendmail [-it] [-F name] [-f sender] [-N notify] [-R return]\n"
    "                [-V envid] [-X socket] [recipient ...]\n"
    "       sendmail -bs | -bp | -bi\n";

/* --- who sends --- */

static const char *
login_name(const char **full)
{
	static char	 uid[32];
	struct passwd	*pw = getpwuid(getuid());

	*full = "";
	if (pw == NULL) {
		snprintf(uid, sizeof(uid), "uid%lu", (unsigned long)getuid());
		return (uid);
	}
	if (pw->pw_gecos != NULL)
		*full = pw->pw_gecos;
	return (pw->pw_name);
}

/* The name in a From field: what could end it is left out. */
static void
from_field(char *buf, size_t size, const char *full, const char *address)
{
	char	 name[128];
	size_t	 n = 0;

	/* In a password file, "&" and what comes after a comma are not it. */
	for (; *full != '\0' && *full != ',' && n < sizeof(name) - 1; full++)
		if ((unsigned char)*full >= ' ' && *full != 0x7f &&
		    *full != '"' && *full != '\\' && *full != '&')
			name[n++] = *full;
	name[n] = '\0';
	if (n == 0)
		snprintf(buf, size, "%s", address);
	else
		snprintf(buf, size, "\"%s\" <%s>", name, address);
}

static void
date_field(char *buf, size_t size, time_t now)
{
	struct tm	 tm;

	localtime_r(&now, &tm);
	if (strftime(buf, size, "%a, %d %b %Y %H:%M:%S %z", &tm) == 0)
		buf[0] = '\0';
}

/* --- the message --- */

static char *
read_message(int dots, size_t *len)
{
	size_t	 size = 0, linesize = 0;
	char	*buf = NULL, *p, *line = NULL;
	ssize_t	 n;

	*len = 0;
	while ((n = getline(&line, &linesize, stdin)) != -1) {
		if (!dots && (strcmp(line, ".\n") == 0 ||
		    strcmp(line, ".\r\n") == 0))
			break;
		if ((size_t)n > MESSAGE_MAX - *len)
			errx(EX_DATAERR, "the message is too large");
		if (*len + (size_t)n > size) {
			size = (*len + (size_t)n) * 2;
			if ((p = realloc(buf, size)) == NULL)
				err(EX_OSERR, "message");
			buf = p;
		}
		memcpy(buf + *len, line, (size_t)n);
		*len += (size_t)n;
	}
	if (ferror(stdin))
		err(EX_IOERR, "standard input");
	free(line);
	return (buf != NULL ? buf : calloc(1, 1));
}

static int
add_recipient(void *arg, const char *address)
{
	struct submit	*s = arg;
	char		**list;

	if (s->nrecipients == RECIPIENTS_MAX) {
		errno = E2BIG;
		return (-1);
	}
	list = reallocarray(s->recipients, s->nrecipients + 1,
	    sizeof(*list));
	if (list == NULL)
		return (-1);
	s->recipients = list;
	if ((list[s->nrecipients] = strdup(address)) == NULL)
		return (-1);
	s->nrecipients++;
	return (0);
}

/* An argument may be a list, as it is in a field. */
static void
add_argument(struct submit *s, const char *arg)
{
	if (addrlist_parse(arg, strlen(arg), add_recipient, s) == 0)
		return;
	if (errno == EINVAL)
		errx(EX_DATAERR, "%s: not an address", arg);
	err(EX_OSERR, "%s", arg);
}

static int
sender_found(void *arg, const char *address)
{
	char	**sender = arg;

	if (*sender != NULL) {
		errno = EINVAL;
		return (-1);
	}
	return ((*sender = strdup(address)) == NULL ? -1 : 0);
}

/* "<>" and "" are the null sender. */
static char *
sender_address(const char *s)
{
	char	*sender = NULL;

	if (addrlist_parse(s, strlen(s), sender_found, &sender) == -1)
		errx(errno == EINVAL ? EX_DATAERR : EX_OSERR,
		    "-f %s: not an address", s);
	return (sender != NULL ? sender : strdup(""));
}

static int
send_message(struct options *o)
{
	struct submission_param	 param;
	const char		*full, *login = login_name(&full);
	char			 from[512], date[64], id[320], field[32];
	char			*msg, *sender;
	size_t			 len;
	time_t			 now = time(NULL);

	if ((sender = sender_address(o->sender != NULL ? o->sender :
	    login)) == NULL)
		err(EX_OSERR, NULL);
	msg = read_message(o->dots, &len);
	submit_open(&o->submit, o->socket);
	o->submit.sender = submit_qualify(&o->submit, sender);
	from_field(from, sizeof(from), o->name != NULL ? o->name : full,
	    o->submit.sender[0] != '\0' ? o->submit.sender :
	    submit_qualify(&o->submit, login));
	date_field(date, sizeof(date), now);
	snprintf(id, sizeof(id), "<%lld.%ld.%08x@%s>", (long long)now,
	    (long)getpid(), arc4random(), o->submit.hostname);
	memset(&param, 0, sizeof(param));
	param.from = from;
	param.date = date;
	param.message_id = id;
	param.recipients = o->header;
	param.found = add_recipient;
	param.arg = &o->submit;
	o->submit.body = submission_make(&param, msg, len, &o->submit.len,
	    field);
	if (o->submit.body == NULL && errno == EINVAL)
		errx(EX_DATAERR, "%s: not a list of addresses", field);
	if (o->submit.body == NULL)
		err(EX_OSERR, "message");
	if (o->submit.nrecipients == 0)
		errx(EX_USAGE, "nobody to send it to");
	return (submit_message(&o->submit));
}

/* --- arguments --- */

static void
bad_usage(const char *why, const char *what)
{
	fprintf(stderr, "sendmail: %s%s\n%s", why, what, usage);
	exit(EX_USAGE);
}

/* -b and its letter: 1 when that is all there is to do. */
static int
mode(struct options *o, const char *arg, enum sendmail_job *job)
{
	switch (arg[0]) {
	case 'm':
		return (0);
	case 's':
		o->smtp = 1;
		return (0);
	case 'p':
		*job = SENDMAIL_MAILQ;
		return (1);
	case 'i':
		*job = SENDMAIL_NEWALIASES;
		return (1);
	}
	bad_usage("there is no mode -b", arg);
	return (1);
}

/* One option: 1 when it says what else to do. */
static int
option(struct options *o, int ch, enum sendmail_job *job)
{
	switch (ch) {
	case 'b':
		return (mode(o, optarg, job));
	case 'F':
		o->name = optarg;
		break;
	case 'f':
	case 'r':
		o->sender = optarg;
		break;
	case 'i':
		o->dots = 1;
		break;
	case 'N':
		o->submit.notify = optarg;
		break;
	case 'o':
		/* Of sendmail's own options only this one changes a message. */
		if (optarg[0] == 'i')
			o->dots = 1;
		break;
	case 'R':
		o->submit.ret = optarg;
		break;
	case 't':
		o->header = 1;
		break;
	case 'V':
		o->submit.envid = optarg;
		break;
	case 'X':
		o->socket = optarg;
		break;
	case 'A': case 'B': case 'C': case 'd': case 'e': case 'G':
	case 'h': case 'L': case 'm': case 'n': case 'O': case 'U':
	case 'v':
		/* Known to programs that expect sendmail, and no matter. */
		break;
	default:
		bad_usage("what is meant by these options?", "");
	}
	return (0);
}

int
sendmail_is(const char *progname)
{
	return (strcmp(progname, "sendmail") == 0 ||
	    strcmp(progname, "mailq") == 0 ||
	    strcmp(progname, "newaliases") == 0);
}

enum sendmail_job
sendmail_main(int argc, char *argv[], int *status)
{
	struct options		 o;
	enum sendmail_job	 job = SENDMAIL_DONE;
	const char		*name = getprogname();
	int			 ch;

	if (strcmp(name, "mailq") == 0)
		return (SENDMAIL_MAILQ);
	if (strcmp(name, "newaliases") == 0)
		return (SENDMAIL_NEWALIASES);
	memset(&o, 0, sizeof(o));
	o.socket = SUBMIT_SOCKET;
	opterr = 0;
	while ((ch = getopt(argc, argv, "A:B:b:C:d:e:F:f:Gh:iL:mN:nO:o:R:r:tU"
	    "V:vX:")) != -1)
		if (option(&o, ch, &job))
			return (job);
	if (o.smtp) {
		*status = submit_bridge(o.socket);
		return (SENDMAIL_DONE);
	}
	for (argc -= optind, argv += optind; argc > 0; argc--, argv++)
		add_argument(&o.submit, *argv);
	if (o.submit.nrecipients == 0 && !o.header)
		bad_usage("nobody to send it to", "");
	*status = send_message(&o);
	return (SENDMAIL_DONE);
}
