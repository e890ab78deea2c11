/*
 * A session with one mailbox upstream, from the connection to its end: what
 * the POP3 and the IMAP engine have in common.  The engine is a set of state
 * functions, driven by session_event and session_wake.
 */
#ifndef FETCHD_SESSION_H
#define FETCHD_SESSION_H

#include <sys/types.h>
#include <event.h>
#include <stdint.h>

#include "inbox.h"
#include "known.h"
#include "stream.h"

struct session;

struct session_ops {
	const char	*name;
	/* 0, or -1 with errno; session.engine is the engine's own. */
	int		(*begin)(struct session *);
	/* Connected (and secure, with implicit TLS): the greeting comes. */
	void		(*start)(struct session *);
	/* The handshake after STLS or STARTTLS is done. */
	void		(*secure)(struct session *);
	/* Input is there; takes all it can. */
	void		(*input)(struct session *);
	/* The inbox moved: ask for what may be asked for now. */
	void		(*pump)(struct session *);
	/*
	 * The window closes.  1 if it sent what makes an answer worth
	 * waiting for, else 0.
	 */
	int		(*close)(struct session *);
	void		(*end)(struct session *);
};

struct session {
	/* Set by the owner, whose the strings, config and inbox stay. */
	const struct session_ops *ops;
	const char		*account;	/* name, for the log */
	const char		*host;
	const char		*login;
	const char		*password;
	uint32_t		 tls;		/* enum tls_mode */
	struct tls_config	*tls_config;	/* NULL: no TLS */
	struct inbox		*inbox;
	struct known_upstream	*known;		/* NULL: nothing */
	struct known_mailbox	*memory;	/* NULL: nothing */
	struct stream		*stream;
	int			 renewable;	/* there may be another */
	/* The session is over: error and text say how.  Comes from the
	 * event loop; the stream is not touched any more. */
	void			(*finished)(struct session *, void *);
	void			*arg;

	/* How it ended. */
	int			 error;		/* 0, or an errno */
	char			 text[PROTO_TEXT_MAX];

	/* For the engines. */
	void			*engine;
	unsigned int		 waiting;	/* answers that must come */
	int			 moved;		/* something useful came */
	int			 again;		/* more, for a new one */

	/* Private. */
	int			 begun, over;
	struct event		 reply_timer, over_event, wake_event;
};

/*
 * Takes over once session.stream is connected.  0, or -1 with errno; end it
 * with session_free in both cases.
 */
int	 session_start(struct session *);
/* The stream's callback, with the session as its argument. */
void	 session_event(struct stream *, enum stream_event, void *);
/* The inbox's wake. */
void	 session_wake(void *);
/* As session_ops.close. */
int	 session_close(struct session *);
/* Ends the engine and the timers; the stream stays the owner's. */
void	 session_free(struct session *);

/* For the engines: all done; the rest of the output may still go out. */
void	 session_done(struct session *);
/* It failed: error is an errno, the words are for the operator. */
void	 session_fail(struct session *, int error, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));
/* The same with upstream's own words after ours, made fit for a log. */
void	 session_refused(struct session *, int error, const char *what,
	    const char *text, size_t len);
/* Words of upstream's that the operator is to see. */
void	 session_alert(const struct session *, const char *text, size_t len);
/* Sends a line; CRLF is added.  A failure ends the session. */
void	 session_send(struct session *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
/* Begins TLS after STLS or STARTTLS. */
void	 session_secure(struct session *);
/*
 * The next line of at most limit bytes: 1, 0 when there is none yet, -1
 * when the session failed.
 */
int	 session_line(struct session *, char **line, size_t *len,
	    size_t limit);
/* The initial response of SASL PLAIN (RFC 4616) in base64; to be freed with
 * freezero(p, strlen(p)); NULL with ENOMEM. */
char	*session_sasl_plain(const struct session *);

#endif
