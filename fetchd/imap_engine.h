/*
 * What the files of the IMAP engine share: imap_client.c (commands and
 * responses), imap_login.c (from the greeting to the mailbox), imap_list.c
 * (listing and deletion) and imap_body.c (messages).  Private to them.
 */
#ifndef FETCHD_IMAP_ENGINE_H
#define FETCHD_IMAP_ENGINE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdint.h>

#include "imap_parse.h"
#include "session.h"

/*
 * Above this a message is fetched in ranges: a line that drops lets go on
 * where it stopped.  Smaller ones are asked for together, up to this.
 */
#define IMAP_WHOLE	8192
/*
 * A range is what the line carries in five seconds: less costs more than it
 * saves.  Of a fast line, where it is no matter, it may be more than what
 * may be fetched twice.
 */
#define IMAP_RANGE_MIN	4096
#define IMAP_RANGE	16384
#define IMAP_RANGE_FAST	65536
#define IMAP_SET_MAX	900	/* RFC 2683 3.2.1.5: lines up to 1000 */
#define IMAP_COMMANDS	32	/* in flight, so that memory is small */

struct imap;
struct imap_command;

/* The state function of a command: its tagged response came. */
typedef void	 imap_done(struct imap *, struct imap_command *,
		    const struct imap_response *);

struct imap_command {
	TAILQ_ENTRY(imap_command) entry;
	uint32_t		 tag;
	imap_done		*done;
	/* Of the fetch of a body. */
	struct message		*message;
	uint64_t		 offset;	/* asked for */
	uint64_t		 length;	/* 0: all of it */
	uint64_t		 skip;		/* of a whole one: we have it */
	uint64_t		 got;
	int			 answered, nil, whole;
	int			 stale;		/* another range is due */
	int			 shared;	/* with others of its tag */
};

enum imap_listing {
	LISTING_NONE,
	LISTING_DIRECT,		/* FETCH 1:* (UID RFC822.SIZE) */
	LISTING_UIDS,		/* FETCH 1:* (UID), or SEARCH */
	LISTING_SIZES,		/* FETCH set (UID RFC822.SIZE) */
	LISTING_DONE,
	LISTING_DELETED		/* SEARCH DELETED */
};

struct imap_set {		/* "4,7:9", being written */
	char			 s[IMAP_SET_MAX + 1];
	size_t			 len;
	uint32_t		 low, high;	/* to be written; 0: none */
};

struct imap {
	struct session		*session;
	TAILQ_HEAD(, imap_command) commands;
	unsigned int		 ncommands, bodies, sizes, stores;
	uint32_t		 tag;
	uint32_t		 caps;
	int			 caps_known;
	size_t			 part;		/* bytes of a line */
	struct imap_response	 r;
	int			 within;	/* r goes on */
	struct imap_command	*body_for;	/* r has this one's body */
	uint64_t		 literal;	/* bytes left of it */
	int			 storing;	/* they are the body */
	char			*chunks[4];	/* of a login: after each "+" */
	unsigned int		 nchunks, chunk;
	uint32_t		 exists, uidvalidity, uidnext;
	uint32_t		 left;		/* messages, as far as told */
	enum imap_listing	 listing;
	struct imap_set		 set;
	const struct message	*last_new;
	int			 greeted, securing, selecting, readonly;
	int			 nosticky, truncated, alerted;
	int			 comparing;	/* the listing has ended */
	int			 expunging, others, logout;
	/* What was sent on the strength of what earlier windows taught. */
	int			 early;		/* login before the greeting */
	int			 assumed;	/* caps, after the login */
	uint32_t		 from;		/* the listing; 0: all */
	uint32_t		 known_validity; /* of the uids below it */
	int			 relist;	/* they are others now */
	int			 quiet;		/* STATUS says nothing is new */
	/*
	 * Between COMPRESS and its answer nothing may be sent: what was to
	 * be done waits.
	 */
	int			 compressing, uncompressed;
	void			(*held)(struct imap *);
	int			 single;	/* no sets: uids come last */
	int			 unclean;	/* something is left to do */
};

/* imap_client.c: NULL when the session has failed.  more: of the same tag as
 * the one before. */
struct imap_command	*imap_command_new(struct imap *, imap_done *);
struct imap_command	*imap_command_more(struct imap *, imap_done *);
struct imap_command	*imap_command_send(struct imap *, imap_done *,
			    const char *, ...)
			    __attribute__((__format__(printf, 3, 4)));

/* imap_login.c */
void	 imap_greeting(struct imap *);		/* i->r is the greeting */
void	 imap_capability(struct imap *);	/* ask, if not known */
/* Begins without the greeting, if enough is known. */
void	 imap_early(struct imap *);
/* Capabilities came. */
void	 imap_capabilities(struct imap *, uint32_t);
void	 imap_status(struct imap *);		/* i->r is a STATUS */
/* The session failed: was it for what was taken for known? */
void	 imap_doubt(struct imap *);
/* Does it now, or when something may be sent again. */
void	 imap_hold(struct imap *, void (*)(struct imap *));
void	 imap_continue(struct imap *);		/* "+" came */
void	 imap_login_free(struct imap *);	/* overwrites secrets */

/* imap_list.c */
void	 imap_list(struct imap *);		/* the mailbox is selected */
/* The same with SELECT still on its way: only what is new, if that is known. */
void	 imap_list_early(struct imap *);
void	 imap_listed(struct imap *);		/* i->r is a FETCH */
void	 imap_search(struct imap *);		/* i->r is a SEARCH */
void	 imap_compared(void *);			/* inbox.compared */
void	 imap_delete(struct imap *);		/* what is doomed */
void	 imap_finish(struct imap *);		/* once all is done */
void	 imap_remember(struct imap *);		/* it is */

/* imap_body.c */
void	 imap_body_request(struct imap *);	/* as many as may be */
/* i->r has a body of len bytes next. */
void	 imap_body_begin(struct imap *, uint64_t len);
void	 imap_body_data(struct imap *, const void *, size_t);
void	 imap_body_end(struct imap *);		/* the FETCH is whole */

#endif
