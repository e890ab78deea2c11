/* See LICENSE for the terms. */

/*
 * The SMTP client: one connection to a submission server, over which the
 * owner's messages go one after another, with as many in flight as the
 * server's extensions allow.  RFC 5321, 1870, 2920, 3030, 3207, 3461, 4954,
 * 6152, 6531; and 2852, 6710.
 *
 * The engine knows nothing of the queue: it asks for the next message and
 * tells what the server said of each recipient.
 */
#ifndef SPOOLD_SMTP_CLIENT_H
#define SPOOLD_SMTP_CLIENT_H

#include <sys/types.h>
#include <stdint.h>

#include "queue.h"
#include "smtp_reply.h"

struct smtp_client;

/*
 * In flight at once, with PIPELINING and CHUNKING.  Few: when the line drops
 * a message that upstream has taken, but whose reply was on its way, will be
 * sent again (RFC 1047).  One crosses while the one before is answered, so
 * the line is busy all the same unless messages are shorter than its round
 * trip.
 */
#define SMTP_FLIGHT_MESSAGES	3
/* No further message is begun when so many bytes are unanswered; and a body
 * of so many is sent only when a recipient has been accepted. */
#define SMTP_FLIGHT_BYTES	(64 * 1024)
/* RFC 5321 4.5.3.1.8: every server takes 100 recipients in a transaction. */
#define SMTP_RECIPIENTS_MAX	100

/* All of it is copied. */
struct smtp_client_param {
	const char		*hostname;	/* ours, for EHLO */
	const char		*host;		/* theirs, in certificate */
	uint32_t		 tls;		/* enum tls_mode */
	const uint8_t		*ca;		/* trust, PEM */
	size_t			 ca_len;
	const char		*user;		/* NULL: no AUTH */
	const char		*password;
	uint32_t		 without;	/* SMTP_EXT_* not to be used */
};

/* One transaction: a message for some of its recipients. */
struct smtp_message {
	const struct envelope	*envelope;
	const uint32_t		*recipients;	/* indices into it */
	uint32_t		 nrecipients;	/* 1..SMTP_RECIPIENTS_MAX */
	int			 utf8;		/* needs SMTPUTF8 */
	int			 fd;		/* the body, CRLF line ends */
	off_t			 offset;
	uint64_t		 size;
	void			*owner;		/* not the engine's */
	/* Set by the engine with MAIL. */
	int			 dsn;		/* the server does RFC 3461 */
	int			 by;		/* ... and RFC 2852 */
};

enum smtp_outcome {
	SMTP_SENT,		/* the final reply was 2xx */
	SMTP_DEFERRED,		/* 4xx: another window */
	SMTP_REFUSED,		/* 5xx: for good */
	SMTP_AGAIN		/* too many recipients: another transaction */
};

enum smtp_end {
	SMTP_END_CONNECT,	/* not reached, cut off in the handshake, or
				 * not greeted: another address may do */
	SMTP_END_TLS,		/* no TLS that we trust: not the server that
				 * was meant; another address may be */
	SMTP_END_SESSION,	/* TLS with a session did not do: now the
				 * usual one */
	SMTP_END_LOCAL,		/* we cannot begin TLS */
	SMTP_END_AUTH,		/* it does not let us in */
	SMTP_END_PROTOCOL,	/* it does not speak SMTP that we follow */
	SMTP_END_CHUNKING,	/* it offers BDAT and does not take it */
	SMTP_END_LOST		/* broken, silent, or 421 */
};

/*
 * What the owner does.  None of these may call a smtp_client_ function but
 * smtp_client_bytes, except end, which may start a new client.
 */
struct smtp_client_ops {
	/* A message to send, which must last until done; NULL: none now. */
	struct smtp_message	*(*next)(void *);
	/*
	 * The answer for one recipient, an index into the envelope: at most
	 * one for each; those without were not decided (lost, or AGAIN).
	 */
	void	 (*result)(void *, struct smtp_message *, uint32_t,
		    enum smtp_outcome, const struct smtp_reply *);
	/* The message is the owner's again; lost: the connection ended
	 * before its final reply.  In the order in which they were sent. */
	void	 (*done)(void *, struct smtp_message *, int);
	/* Nothing is in flight and next had nothing; may be told again. */
	void	 (*idle)(void *);
	/* The connection is over, after done for every message; the client
	 * is freed after the call.  Not after quit and abort. */
	void	 (*end)(void *, enum smtp_end, const char *);
};

/*
 * Takes over a connected socket.  NULL when the client ended within the call:
 * end has been told, and the socket is closed.  Everything else is told by
 * callbacks from the event loop.  The ops stay the caller's.
 */
struct smtp_client	*smtp_client_attach(const struct smtp_client_param *,
			    int, const struct smtp_client_ops *, void *);
/* There are messages: ask for them.  The client may end in the call. */
void	 smtp_client_kick(struct smtp_client *);
/* 1 when nothing is in flight and the session stands. */
int	 smtp_client_is_idle(const struct smtp_client *);
/* Say QUIT if idle, drop the connection otherwise; done is called for what
 * was in flight; the client is gone. */
void	 smtp_client_close(struct smtp_client *);
/* Bytes on the wire so far, TLS included. */
void	 smtp_client_bytes(const struct smtp_client *, uint64_t *in,
	    uint64_t *out);

#endif
