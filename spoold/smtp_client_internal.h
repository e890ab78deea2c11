/* See LICENSE for the terms. */

/*
 * What the files of the SMTP client share: the session and its commands.
 * smtp_client.c owns the connection and reads replies, smtp_login.c has what
 * comes before the first message, smtp_transaction.c the messages.
 */
#ifndef SPOOLD_SMTP_CLIENT_INTERNAL_H
#define SPOOLD_SMTP_CLIENT_INTERNAL_H

#include <sys/types.h>
#include <sys/queue.h>
#include <event.h>
#include <stdint.h>

#include "smtp_client.h"
#include "smtp_reply.h"
#include "stream.h"

enum verb {
	VERB_GREETING,			/* waited for, not sent */
	VERB_EHLO,
	VERB_HELO,
	VERB_STARTTLS,
	VERB_AUTH_PLAIN,
	VERB_AUTH_LOGIN,
	VERB_AUTH_USER,			/* the user's name was sent */
	VERB_AUTH_PASSWORD,
	VERB_RSET,
	VERB_MAIL,
	VERB_RCPT,
	VERB_DATA,
	VERB_BODY,			/* the dot was sent */
	VERB_BDAT,
	VERB_COUNT
};

struct command {			/* out, and not answered */
	TAILQ_ENTRY(command)	 entry;
	enum verb		 verb;
	struct transaction	*t;	/* of MAIL to BDAT */
	uint32_t		 rcpt;	/* position in the message's list */
};
TAILQ_HEAD(commands, command);

enum step {
	STEP_RSET,
	STEP_MAIL,
	STEP_RCPT,
	STEP_CONTENT,
	STEP_CHUNK,			/* the body behind BDAT */
	STEP_WAIT,			/* for 354 */
	STEP_BODY
};

struct transaction {
	TAILQ_ENTRY(transaction) entry;
	struct smtp_message	*m;
	enum step		 step;
	uint32_t		 rcpt;		/* the next to be named */
	uint32_t		 naccepted;
	uint8_t			*accepted;	/* by position */
	int			 refused;	/* MAIL was */
	uint64_t		 sent;		/* of the body */
	int			 dot;		/* of dot_stuff */
};
TAILQ_HEAD(transactions, transaction);

enum phase {
	PHASE_CONNECT,			/* until greeted */
	PHASE_TLS,			/* handshake */
	PHASE_HELLO,			/* EHLO, STARTTLS, AUTH */
	PHASE_READY			/* messages */
};

struct smtp_client {
	const struct smtp_client_ops *ops;
	void			*arg;
	struct stream		*stream;
	struct event		 queue_timer;	/* a body waits for room */
	enum phase		 phase;
	int			 secure;	/* TLS was asked for */
	int			 session;	/* ... with smtp_tls_offer */
	int			 open;		/* the server may have a
						 * transaction open */
	struct smtp_reply	 reply;		/* the one that is read */
	struct smtp_ehlo	 ehlo;
	struct commands		 commands;
	struct transactions	 transactions;
	struct transaction	*current;	/* steps are left to take */
	uint64_t		 timeout;	/* the stream's, ms */
	uint32_t		 nflight;
	uint64_t		 flight_bytes;
	/* Copies of the parameters. */
	char			*hostname;
	char			*host;
	uint32_t		 tls;
	uint8_t			*ca;
	size_t			 ca_len;
	char			*user;
	char			*password;
	uint32_t		 without;
};

/*
 * A state function gets the whole reply to its command.  0, or -1 when the
 * client has ended and is no more.
 */
typedef int	 smtp_client_state(struct smtp_client *, struct command *);

/* smtp_client.c */

/* The connection is over; always -1, for the state functions to return. */
int	 smtp_client_end(struct smtp_client *, enum smtp_end, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));
/* The same with the words of the reply that is read, after what it is to. */
int	 smtp_client_end_reply(struct smtp_client *, enum smtp_end,
	    const char *what);
/* The same with errno. */
int	 smtp_client_end_memory(struct smtp_client *);
/* Remember that a reply is due: 0, or -1 with errno. */
int	 smtp_client_push(struct smtp_client *, enum verb,
	    struct transaction *, uint32_t rcpt);
/* Time-outs follow the oldest command; an idle session has its owner's. */
void	 smtp_client_timer(struct smtp_client *);

/* smtp_login.c; 0, or -1 when the client has ended */

/* Say EHLO or HELO; what the server offered before is forgotten. */
int	 smtp_login_hello(struct smtp_client *, enum verb);
/* Turn to TLS, with the certificate checked against the upstream's trust. */
int	 smtp_login_tls(struct smtp_client *);
smtp_client_state	 smtp_login_greeting, smtp_login_ehlo;
smtp_client_state	 smtp_login_helo, smtp_login_starttls;
smtp_client_state	 smtp_login_auth_plain, smtp_login_auth_login;
smtp_client_state	 smtp_login_auth_user, smtp_login_auth_password;

/* smtp_transaction.c */

/* Send what can be sent now: 0, or -1 when the client has ended. */
int	 smtp_transaction_pump(struct smtp_client *);
/* Give every message back that has no final reply. */
void	 smtp_transaction_drop(struct smtp_client *);
/* A reply to nothing that was asked: ends the client, always -1. */
int	 smtp_transaction_early(struct smtp_client *);
smtp_client_state	 smtp_transaction_rset, smtp_transaction_mail;
smtp_client_state	 smtp_transaction_rcpt, smtp_transaction_data;
smtp_client_state	 smtp_transaction_final;

#endif
