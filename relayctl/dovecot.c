/* See LICENSE for the terms. */
/*
 * relayctl dovecot: a configuration for Dovecot 2.3, whose users read by IMAP
 * what a configuration of ours has them read by POP3.
 */
#include <sys/types.h>
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "config.h"
#include "log.h"
#include "parse.h"
#include "paths.h"

static void
usage(FILE *f)
{
	fprintf(f, "usage: relayctl dovecot [-f config]\n");
	exit(f == stdout ? 0 : 1);
}

/*
 * Dovecot has variables, comments, lists and options in its values, and no
 * way to quote in some of them.
 */
static void
plain(const char *path)
{
	const unsigned char	*p;

	for (p = (const unsigned char *)path; *p != '\0'; p++)
		if (*p >= 0x80 ||
		    (!isalnum(*p) && strchr("/._-+@", *p) == NULL))
			errx(1, "%s: a path for Dovecot is of letters, digits "
			    "and /._-+@ only", path);
}

static struct conf *
read_conf(const char *path)
{
	struct conf	*conf;
	int		 fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1) {
		warn("%s", path);
		if (errno == EACCES || errno == EPERM)
			warnx("it may hold passwords: run this as root, or "
			    "give -f a copy without them");
		exit(1);
	}
	close(fd);
	/* What is wrong has been said, with its line. */
	if ((conf = parse_config(path, PARSE_NOWARN)) == NULL)
		exit(1);
	if (conf->global.users == NULL)
		errx(1, "%s: there is no users file", path);
	plain(conf->global.users);
	plain(conf->global.spool);
	return (conf);
}

/* The certificate that mail programs know: of submission, else of POP3. */
static const struct conf_pki *
find_pki(const struct conf *conf)
{
	static const uint32_t		 order[] = {
					    SERVICE_SUBMISSION, SERVICE_POP3
					 };
	const struct conf_listener	*l;
	const struct conf_pki		*pki;
	size_t				 i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		TAILQ_FOREACH(l, &conf->listeners, entry)
			if (l->service == order[i] && l->pki != NULL &&
			    l->tls != TLS_MODE_NONE)
				goto found;
	return (NULL);

found:
	if ((pki = conf_pki_find(conf, l->pki)) != NULL) {
		plain(pki->cert);
		plain(pki->key);
	}
	return (pki);
}

/* Whether an earlier listener of that service has this address. */
static int
is_repeated(const struct conf *conf, const struct conf_listener *l)
{
	const struct conf_listener	*e;

	TAILQ_FOREACH(e, &conf->listeners, entry) {
		if (e == l)
			break;
		if (e->service == l->service && strcmp(e->host, l->host) == 0)
			return (1);
	}
	return (0);
}

/*
 * What has addresses of the network: where mail is read, else where it is
 * sent.  Not all addresses, of which one is the line's.
 */
static enum service
find_service(const struct conf *conf)
{
	static const enum service	 order[] = {
					    SERVICE_POP3, SERVICE_SUBMISSION,
					    SERVICE_SMTP
					 };
	const struct conf_listener	*l;
	size_t				 i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		TAILQ_FOREACH(l, &conf->listeners, entry)
			if (l->service == order[i] && !conf_listener_local(l))
				return (order[i]);
	errx(1, "relayd listens on no address of the network");
}

static void
print_listen(const struct conf *conf, enum service service)
{
	const struct conf_listener	*l;
	const char			*before = "listen = ";

	TAILQ_FOREACH(l, &conf->listeners, entry) {
		if (l->service != service || conf_listener_local(l) ||
		    is_repeated(conf, l))
			continue;
		printf("%s%s", before, l->host);
		before = ", ";
	}
	printf("\n");
}

static void
print_tls(const struct conf_pki *pki)
{
	if (pki == NULL) {
		printf("\n# As with relayd, there is no certificate here: "
		    "passwords pass in clear.\n"
		    "ssl = no\n"
		    "disable_plaintext_auth = no\n"
		    "service imap-login {\n"
		    "  inet_listener imaps {\n"
		    "    port = 0\n"
		    "  }\n"
		    "}\n");
		return;
	}
	printf("\n# No login without TLS: by STARTTLS on port 143, or at once "
	    "on port 993.\n"
	    "ssl = required\n"
	    "ssl_cert = <%s\n"
	    "ssl_key = <%s\n"
	    "disable_plaintext_auth = yes\n", pki->cert, pki->key);
}

/* Names as they are written: to relayd Alice is not alice, either. */
static void
print_auth(const char *users)
{
	printf("\n# Dovecot must be able to read this file, and nobody else:\n"
	    "#   chgrp dovecot %s && chmod 640 %s\n", users, users);
	printf("auth_mechanisms = plain login\n"
	    "auth_username_format = %%u\n"
	    "passdb {\n"
	    "  driver = passwd-file\n"
	    "  args = scheme=CRYPT username_format=%%u %s\n"
	    "}\n", users);
	printf("userdb {\n"
	    "  driver = static\n"
	    "  args = uid=%s gid=%s\n"
	    "}\n", SPOOLD_USER, SPOOLD_USER);
}

static void
print_mail(const char *spool, const struct passwd *pw)
{
	static const char *const	 uses[] = {
					    "Drafts", "Junk", "Sent", "Trash"
					 };
	size_t				 i;

	printf("\n# The Maildirs into which relayd delivers, as their owner.\n"
	    "mail_location = maildir:%s/mail/%%u\n", spool);
	printf("first_valid_uid = %lu\n"
	    "last_valid_uid = %lu\n"
	    "first_valid_gid = %lu\n"
	    "last_valid_gid = %lu\n", (unsigned long)pw->pw_uid,
	    (unsigned long)pw->pw_uid, (unsigned long)pw->pw_gid,
	    (unsigned long)pw->pw_gid);
	printf("namespace inbox {\n"
	    "  inbox = yes\n");
	for (i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		printf("  mailbox %s {\n"
		    "    special_use = \\%s\n"
		    "  }\n", uses[i], uses[i]);
	printf("}\n");
}

int
dovecot(int argc, char *const argv[])
{
	const char		*path = CONF_FILE;
	const struct conf_pki	*pki;
	struct passwd		*pw;
	struct conf		*conf;
	enum service		 service;
	int			 ch;

	if (argc == 2 && (strcmp(argv[1], "help") == 0 ||
	    strcmp(argv[1], "?") == 0))
		usage(stdout);
	log_init(LOG_PLAIN, 0);
	optreset = optind = 1;
	while ((ch = getopt(argc, argv, "f:")) != -1) {
		if (ch != 'f')
			usage(stderr);
		path = optarg;
	}
	if (argc != optind)
		usage(stderr);
	/* Nothing is printed unless all of it can be. */
	conf = read_conf(path);
	service = find_service(conf);
	pki = find_pki(conf);
	if ((pw = getpwnam(SPOOLD_USER)) == NULL)
		errx(1, "no user %s: see \"relayd\" in relayd(8)", SPOOLD_USER);
	printf("# IMAP by Dovecot 2.3 beside relayd; from relayctl dovecot.\n"
	    "protocols = imap\n");
	print_listen(conf, service);
	print_tls(pki);
	print_auth(conf->global.users);
	print_mail(conf->global.spool, pw);
	conf_free(conf);
	return (0);
}
