/*
 * What earlier windows taught of upstreams and mailboxes, so that it need not
 * be asked for again.  None of it has to be true: what is wrong costs a round
 * trip or two, and is forgotten then.
 */
#ifndef FETCHD_KNOWN_H
#define FETCHD_KNOWN_H

#include <sys/types.h>
#include <sys/tree.h>
#include <stdint.h>

#include "proto.h"

struct known_upstream {
	RB_ENTRY(known_upstream) entry;
	char			 host[PROTO_HOST_MAX];
	uint16_t		 port;
	uint32_t		 proto;		/* enum fetch_proto */
	/* Capabilities by the bits of the engine; 0: not known. */
	uint32_t		 plain;		/* before STARTTLS */
	uint32_t		 before;	/* the login, after TLS */
	uint32_t		 after;		/* the login */
	int			 shy;		/* it wants to speak first */
};

struct known_mailbox {
	RB_ENTRY(known_mailbox)	 entry;
	char			 account[PROTO_NAME_MAX];
	uint32_t		 mailbox;	/* of the account now */
	/*
	 * All below uidnext was done with, but for what is kept upstream
	 * until due (time_t; 0: for ever).  0: not so.
	 */
	uint32_t		 uidvalidity;
	uint32_t		 uidnext;
	uint32_t		 exists;	/* messages, kept ones */
	int64_t			 due;
	unsigned int		 windows, news;	/* of late: all, with mail */
	unsigned int		 unread;	/* windows without a listing */
};

/* Found or made; NULL when there is no memory: then nothing is known. */
struct known_upstream	*known_upstream(const char *host, uint16_t port,
			 uint32_t proto);
struct known_mailbox	*known_mailbox(const char *account, uint32_t mailbox);

/* A capability turned out not to be there: ask again. */
void	 known_forget(struct known_upstream *);
/* Was it worth the while to look into the mailbox? */
void	 known_news(struct known_mailbox *, int news);
/*
 * Is nothing new likely, so that to ask for it first is cheaper than to look?
 * And from which uid on need be looked, 0: from the first on.
 */
int	 known_quiet(const struct known_mailbox *, int64_t now);
uint32_t known_from(const struct known_mailbox *, int64_t now);

#endif
