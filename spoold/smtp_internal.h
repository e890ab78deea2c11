/* See LICENSE for the terms. */

/*
 * What the files of the SMTP server share: the session and its states.
 * smtp_server.c owns sessions and drives them, smtp_session.c has the
 * commands, smtp_auth.c AUTH, smtp_data.c the message.
 */
#ifndef SPOOLD_SMTP_INTERNAL_H
#define SPOOLD_SMTP_INTERNAL_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <event.h>
#include <stdint.h>

#include "address.h"
#include "header.h"
#include "proto.h"
#include "queue.h"
#include "sasl.h"
#include "smtp_command.h"
#include "stream.h"

struct smtp_session;
struct smtp_commit;

/* What a state function wants next. */
enum smtp_next {
	SMTP_NEXT_AGAIN,	/* call the (new) state's function */
	SMTP_NEXT_INPUT,	/* nothing to do before more input */
	SMTP_NEXT_WAIT,		/* ... before an answer of somebody else */
	SMTP_NEXT_END		/* say what is queued and close */
};
typedef enum smtp_next	 smtp_state(struct smtp_session *);

/* Why a message is not taken, to be said at its end. */
struct smtp_refusal {
	int			 code;
	const char		*enhanced;
	const char		*text;
};

/* The message that is coming in. */
struct smtp_incoming {
	struct queue_writer	*writer;	/* NULL: none, or refused */
	const struct smtp_refusal *refusal;	/* the first one, or NULL */
	struct header_counter	 received;
	struct header_class	 class;
	uint64_t		 size;		/* bytes that came */
	uint64_t		 chunk;		/* BDAT: bytes still to come */
	int			 active;	/* DATA or BDAT has begun */
	int			 last;		/* this chunk is the last */
	int			 dot;		/* state of dot_unstuff */
	int			 cr;		/* the last byte was a CR */
	int			 bare;		/* a bare CR or LF was seen */
	int			 high;		/* 8-bit bytes were seen */
};

struct smtp_session {
	LIST_ENTRY(smtp_session) entry;
	struct stream		*stream;
	struct event		 resume;	/* go on in the next turn */
	smtp_state		*state;
	struct sockaddr_storage	 peer;
	char			 address[INET6_ADDRSTRLEN];
	/* Of the listener, copied: a reload frees the configuration. */
	char			*host;
	uint32_t		 port;
	uint32_t		 service;	/* enum service */
	char			*pki;		/* or NULL */
	int			 listed;	/* in the listener's networks */
	int			 restricted;	/* only those may talk */

	char			 helo[ADDRESS_DOMAIN_MAX + 1];	/* or "" */
	int			 esmtp;		/* EHLO */
	char			 user[PROTO_NAME_MAX];	/* or "" */
	struct sasl_login	 login;		/* while AUTH goes on */
	uint32_t		 ask;		/* question to the parent */
	struct event		 denial;	/* of a wrong password, later */
	unsigned int		 failures;	/* of passwords */
	int			 errors;
	int			 eof;		/* no more will come */
	int			 closing;	/* end after the next reply */

	struct envelope		*envelope;	/* NULL: no transaction */
	struct smtp_incoming	 incoming;
	struct smtp_commit	*commit;	/* waiting for the sync */
};

/* smtp_server.c */

/*
 * Queues a reply: code, enhanced code ("" for none) and text.  A code of
 * the 500s counts as an error; the last one that is allowed becomes a 421,
 * after which the session ends.
 */
enum smtp_next	 smtp_session_reply(struct smtp_session *, int code,
		    const char *enhanced, const char *, ...)
		    __attribute__((__format__(printf, 4, 5)));
/*
 * What a state waited for has come and its reply, which wants next, is
 * queued: the session goes on in the next turn of the event loop.
 */
void	 smtp_session_answered(struct smtp_session *, enum smtp_next);
/* Somebody else has to answer first: input waits. */
smtp_state	 smtp_state_wait;

/* smtp_session.c */

smtp_state	 smtp_state_command;	/* a command line is awaited */
void	 smtp_session_greet(struct smtp_session *);
/* The TLS handshake is done: all that was said before is forgotten. */
void	 smtp_session_secured(struct smtp_session *);
/* Ends the transaction, whatever became of it. */
void	 smtp_session_reset(struct smtp_session *);

/* smtp_auth.c */

/* 1 when AUTH can be had now: there are users, and passwords do not go
 * over the wire in plain text where TLS could be had. */
int	 smtp_auth_offered(const struct smtp_session *);
enum smtp_next	 smtp_auth_command(struct smtp_session *,
		    const struct smtp_command *);
/* The session ends: nobody waits for the parent's answer any more. */
void	 smtp_auth_cancel(struct smtp_session *);

/* smtp_data.c */

enum smtp_next	 smtp_data_command(struct smtp_session *,
		    const struct smtp_command *);
enum smtp_next	 smtp_bdat_command(struct smtp_session *,
		    const struct smtp_command *);
/* Forgets the message that is coming in. */
void	 smtp_data_reset(struct smtp_session *);
/* The session ends while its message is being made durable. */
void	 smtp_data_detach(struct smtp_session *);

#endif
