/* See LICENSE for the terms. */

/*
 * A spoold that lives in memory, in the place of fetchd/delivery.c, and a
 * session against a scripted peer: for the tests of fetchd's engines.
 */
#ifndef REGRESS_FETCH_SPOOL_H
#define REGRESS_FETCH_SPOOL_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "session.h"
#include "smtp_peer.h"

struct spool_message {
	char		 uid[PROTO_UID_MAX];
	uint64_t	 size;		/* as it was announced */
	int		 resumable;
	char		*data;
	size_t		 len;
	int		 seen, committed, aborted, kept, forgotten;
	int64_t		 when;
	/* What is to happen. */
	int		 open_error, commit_error;
	size_t		 room;		/* bytes before ENOSPC; 0: enough */
	int		 hold;		/* done comes after another commit */
};

/* Forgets everything. */
void	 spool_reset(void);
/* The message of that uid, made if need be. */
struct spool_message	*spool_message(const char *uid);
/* spoold goes away at the next commit. */
void	 spool_vanish(void);

/*
 * Runs a session of those operations to its end against the script, which
 * must have been played to its end.  password, tls, keep, known and memory may be changed
 * before.  The results are in session_error and session_text.
 */
extern const char	*session_password;
extern uint32_t		 session_tls;
extern const char	*session_trust;		/* PEM */
extern uint64_t		 session_keep;
extern struct known_upstream	*session_known;
extern struct known_mailbox	*session_memory;
/* Bytes on the line. */
extern uint64_t		 session_in, session_out, session_repeated;
extern int		 session_again;	/* and there is more */
extern int		 session_error;
extern char		 session_text[PROTO_TEXT_MAX];
void	 session_run(const struct session_ops *, const struct peer_step *);

#endif
