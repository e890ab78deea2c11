/* See LICENSE for the terms. */

/*
 * What the files of the POP3 server share: the session.  pop3_server.c owns
 * sessions and drives them, pop3_login.c has the commands before login,
 * pop3_mail.c those on the mailbox.
 */
#ifndef SPOOLD_POP3_INTERNAL_H
#define SPOOLD_POP3_INTERNAL_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <event.h>
#include <stdint.h>

#include "mailbox.h"
#include "pop3_command.h"
#include "proto.h"
#include "stream.h"

enum pop3_phase {
	PHASE_HANDSHAKE,		/* TLS is being set up */
	PHASE_COMMAND,			/* the next line is a command */
	PHASE_SASL,			/* ... the response of AUTH PLAIN */
	PHASE_ASKING,			/* the parent checks a password */
	PHASE_DELAY,			/* it was wrong: the client waits */
	PHASE_MEASURING,		/* finding sizes of messages */
	PHASE_MESSAGE,			/* RETR or TOP is being sent */
	PHASE_LISTING			/* LIST or UIDL is */
};

struct pop3_session {
	TAILQ_ENTRY(pop3_session) entry;
	struct stream		*stream;
	struct sockaddr_storage	 peer;
	char			 address[INET6_ADDRSTRLEN];
	uint32_t		 tls_mode;	/* enum tls_mode */
	char			*pki;		/* name, or NULL */
	enum pop3_phase		 phase;
	int			 greeted;
	int			 eof;		/* the client sends no more */
	int			 broken;	/* no memory for output */
	const char		*ending;	/* the reason, when it ends */
	char			 user[PROTO_NAME_MAX];
	uint32_t		 ask;		/* of ask_auth, or 0 */
	struct event		 timer;
	struct mailbox		*mailbox;	/* NULL before login */
	struct mailbox_reader	*reader;	/* PHASE_MESSAGE */
	int			 dots;		/* of dot_stuff */
	int			 uidl;		/* PHASE_LISTING: or LIST */
	uint32_t		 next;		/* of the listing */
	unsigned int		 failures;	/* of login */
	unsigned int		 errors;
	uint32_t		 retrieved;
	uint32_t		 deleted;	/* by QUIT */
};

/* What a command does; the answer is queued or s->phase says what to do. */
typedef void	 pop3_handler(struct pop3_session *,
		    const struct pop3_command *);

/* pop3_server.c */

/* Queues a line. */
void	 pop3_say(struct pop3_session *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
/* Something was wrong with a command; too often is enough. */
void	 pop3_error(struct pop3_session *, const char *);
void	 pop3_timer_add(struct pop3_session *, int seconds);
/* The user's name as a word of a log line, until the next call. */
const char	*pop3_log_user(const struct pop3_session *);
/* Goes on until it has to wait; the session may be gone after it. */
void	 pop3_run(struct pop3_session *);

/* pop3_login.c */

pop3_handler	 pop3_capa, pop3_stls, pop3_user, pop3_pass, pop3_auth;
/* 0, or -1 and the session cannot go on. */
int	 pop3_start_tls(struct pop3_session *);
/* The response to AUTH PLAIN: RFC 5034 4. */
void	 pop3_sasl(struct pop3_session *, const char *, size_t);
/* The client has waited long enough for the answer. */
void	 pop3_auth_denied(struct pop3_session *);
/* Sizes are found a piece a turn; at the end the login is complete. */
void	 pop3_measure(struct pop3_session *);

/* pop3_mail.c */

pop3_handler	 pop3_stat, pop3_list, pop3_retr, pop3_dele, pop3_noop;
pop3_handler	 pop3_rset, pop3_quit;
/* A piece of the answer that is long, or its end. */
void	 pop3_send_listing(struct pop3_session *);
void	 pop3_send_message(struct pop3_session *);

#endif
