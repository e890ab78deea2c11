/* See LICENSE for the terms. */

/*
 * The other end of an SMTP client in tests: plays a script, line by line,
 * on the same event loop.
 */
#ifndef REGRESS_SMTP_PEER_H
#define REGRESS_SMTP_PEER_H

#include <stddef.h>

enum peer_verb {
	PEER_END,		/* of the script: only QUIT may come */
	PEER_EXPECT,		/* this very line */
	PEER_LONE,		/* the same, and nothing behind it yet */
	PEER_BYTES,		/* these very bytes */
	PEER_SKIP,		/* so many bytes, of any kind */
	PEER_QUIET,		/* nothing has come behind that */
	PEER_SEND,		/* lines; LF is sent as CR LF */
	PEER_TLS,		/* the handshake; a failed one ends it */
	PEER_TLS13,		/* the same, and no older than that */
	PEER_DEFLATE,		/* compressed from here on */
	PEER_IDLE,		/* for a while nothing comes */
	PEER_DEAF,		/* whatever comes: the script is over */
	PEER_CLOSE		/* and the script is over */
};

struct peer_step {
	enum peer_verb	 verb;
	const char	*text;
	size_t		 len;	/* PEER_SKIP */
};

#define EXPECT(s)	{ PEER_EXPECT, s, 0 }
#define LONE(s)		{ PEER_LONE, s, 0 }
#define BYTES(s)	{ PEER_BYTES, s, 0 }
#define SKIP(n)		{ PEER_SKIP, NULL, n }
#define QUIET		{ PEER_QUIET, NULL, 0 }
#define SEND(s)		{ PEER_SEND, s, 0 }
#define TLS		{ PEER_TLS, NULL, 0 }
#define TLS13		{ PEER_TLS13, NULL, 0 }
#define DEFLATE		{ PEER_DEFLATE, NULL, 0 }
#define IDLE		{ PEER_IDLE, NULL, 0 }
#define DEAF		{ PEER_DEAF, NULL, 0 }
#define CLOSE		{ PEER_CLOSE, NULL, 0 }
#define END		{ PEER_END, NULL, 0 }

struct peer;

/* Plays the script on a connected socket, which it owns then. */
struct peer	*peer_new(int fd, const struct peer_step *);
/* 1 when the whole script has been played. */
int		 peer_done(const struct peer *);
/* 1 when the connection is gone. */
int		 peer_closed(const struct peer *);
/* One turn of the event loop; ends the program if a failed test was left in
 * the middle of one, since no other can run then. */
void		 peer_turn(void);
/* Fails the test when something is left of the script. */
void		 peer_free(struct peer *);

#endif
