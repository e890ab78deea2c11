/*
 * One account in one window: finds a way to its upstream, runs the session,
 * and waits for what was fetched to be durable.  An account holds copies of
 * all that it needs of the configuration, so a reload does not touch it.
 */
#ifndef FETCHD_ACCOUNT_H
#define FETCHD_ACCOUNT_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdint.h>

#include "conf.h"
#include "known.h"
#include "proto.h"

/* An upstream's mailboxes, for all accounts that are there. */
struct remote {
	TAILQ_ENTRY(remote)	 entry;
	char			*name;
	char			*host;
	uint16_t		 port;
	uint32_t		 tls;		/* enum tls_mode */
	uint32_t		 proto;		/* enum fetch_proto */
	uint8_t			*ca;		/* PEM, or NULL */
	size_t			 ca_len;
	uint32_t		 ca_hash;
	struct known_upstream	*known;		/* or NULL */
	/* In this window. */
	unsigned int		 accounts;	/* that are there */
	/*
	 * The first connection, whose TLS session the others are to go on
	 * with: they wait for it, and ready tells when they need not.
	 */
	const struct account	*first;
	int			 first_done;
	void			(*ready)(void);
	int			 answered;	/* something came from it */
	char			 dead[PROTO_TEXT_MAX];	/* why it did not */
};

struct account;

/* It is over and durable; the account may be freed within the call. */
typedef void	 account_ended_cb(struct account *, void *);

/* A copy; NULL with errno ENOMEM. */
struct remote	*remote_new(const struct conf_upstream *);
void		 remote_free(struct remote *);

/*
 * The remote stays the caller's and must outlive the account, which leaves
 * word in it when no one answers there: others need not try.  files is how
 * many deliveries it may have at once.  NULL with errno ENOMEM.
 */
struct account	*account_new(const struct conf_account *,
		    struct remote *, unsigned int files,
		    account_ended_cb *, void *arg);
/* Closes and aborts whatever goes on.  NULL is allowed. */
void		 account_free(struct account *);
/* 1 while it had better not be started: another one will save it bytes. */
int		 account_waits(const struct account *);
/* The end is told from the event loop. */
void		 account_start(struct account *);
/*
 * The window closes: a good-bye where that is cheap, parts are kept, and
 * the end comes within ACCOUNT_GRACE.
 */
void		 account_stop(struct account *);
#define ACCOUNT_GRACE	3	/* seconds: two round trips of the slowest
				 * line, and less than dialerd waits */

/* What became of it, for dialerd. */
void		 account_result(const struct account *,
		    struct proto_account_result *);
/* Adds its numbers to those of the window. */
void		 account_progress(const struct account *,
		    struct proto_progress *);

#endif
