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
	/* TLS sessions that a later connection may go on with. */
	int			 session_fd;	/* -1: it has none */
	uint32_t		 session_ca;	/* what they were trusted by */
	int64_t			 session_at;	/* time_t; 0: there is none */
	unsigned int		 hits, misses;	/* resumed or not */
	int			 plain_tls;	/* it wants the usual TLS */
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
	uint64_t		 keep;		/* as it was then */
	unsigned int		 windows, news;	/* of late: all, with mail */
	unsigned int		 unread;	/* windows without a listing */
};

/* Before the sandbox. */
void	 known_begin(void);
/* Found or made; NULL when there is no memory: then nothing is known. */
struct known_upstream	*known_upstream(const char *host, uint16_t port,
			 uint32_t proto);
struct known_mailbox	*known_mailbox(const char *account, uint32_t mailbox,
			 uint64_t keep);

/* A capability turned out not to be there: ask again. */
void	 known_forget(struct known_upstream *);
/*
 * TLS 1.2 for sessions to resume, or 1.3?  A session costs a round trip with
 * the first connection and saves some 2,400 bytes with each of the others;
 * so there must be others, or another window soon, and no proof that the
 * server does not go on with sessions.  ca is a hash of what is trusted:
 * sessions of another trust are thrown away.
 */
int	 known_resume(struct known_upstream *, unsigned int connections,
	    uint32_t ca, int64_t now);
/* Is one there that may well be gone on with? */
int	 known_session(const struct known_upstream *, int64_t now);
/* How it came out, of a connection that known_resume said yes to. */
void	 known_resumed(struct known_upstream *, int offered, int resumed,
	    int64_t now);
/*
 * The line's speed, in bytes a second, and its round trip, in milliseconds;
 * 0: not known.
 */
uint64_t known_rate(void);
void	 known_set_rate(uint64_t);
uint64_t known_rtt(void);
void	 known_set_rtt(uint64_t);
/* Was it worth the while to look into the mailbox? */
void	 known_news(struct known_mailbox *, int news);
/*
 * Is nothing new likely, so that to ask for it first is cheaper than to look?
 * And from which uid on need be looked, 0: from the first on.
 */
int	 known_quiet(const struct known_mailbox *, int64_t now);
uint32_t known_from(const struct known_mailbox *, int64_t now);

#endif
