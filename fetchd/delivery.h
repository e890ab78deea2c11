/*
 * The dialogue with spoold about fetched messages: which are ours already,
 * and a delivery of each new one through a descriptor that spoold opens.
 * Answers are matched by the id that is made here.
 */
#ifndef FETCHD_DELIVERY_H
#define FETCHD_DELIVERY_H

#include <sys/types.h>
#include <stdint.h>

#include "channel.h"

struct delivery;
struct delivery_query;

/* One uid that was fetched, and when (time_t). */
typedef void	 delivery_seen_cb(void *arg, const char *uid, int64_t when);
/* All of them were told, or error (an errno) came instead. */
typedef void	 delivery_seen_end_cb(void *arg, int error);
/*
 * The delivery is open and holds offset bytes already; or error is not 0
 * (EEXIST: fetched before; EPIPE: spoold is gone) and it is freed.
 */
typedef void	 delivery_ready_cb(void *arg, int error, uint64_t offset);
/*
 * Durable if error is 0, else upstream's copy is the only one.  The delivery
 * is freed.  After delivery_commit, or early with EPIPE.
 */
typedef void	 delivery_done_cb(void *arg, int error);

/*
 * Asks which messages of that mailbox were fetched.  NULL with errno when
 * spoold is not there.  The query is freed after the end callback.
 */
struct delivery_query	*delivery_seen(const char *account,
			    uint32_t uidvalidity, delivery_seen_cb *,
			    delivery_seen_end_cb *, void *arg);
/* The callbacks will not come. */
void			 delivery_seen_cancel(struct delivery_query *);
/* That uid is no longer upstream; not told when spoold is too busy. */
void			 delivery_forget(const char *account,
			    uint32_t uidvalidity, const char *uid);

/*
 * Begins a delivery; size is what upstream says, resumable whether it can
 * be gone on with at an offset after an abort.  NULL with errno when spoold
 * is not there; the callbacks come from the event loop.
 */
struct delivery		*delivery_open(const char *account,
			    uint32_t uidvalidity, const char *uid,
			    uint64_t size, int resumable, delivery_ready_cb *,
			    delivery_done_cb *, void *arg);
/* Appends to an open delivery: 0, or -1 with errno; it stays open. */
int			 delivery_write(struct delivery *, const void *,
			    size_t);
/* Bytes that are there now. */
uint64_t		 delivery_size(const struct delivery *);
/* The message is whole; the done callback follows. */
void			 delivery_commit(struct delivery *);
/* Ends and frees it; keep: what is there serves a later offset. */
void			 delivery_abort(struct delivery *, int keep);
/*
 * No callback comes any more.  What was committed still becomes durable;
 * anything else is aborted.
 */
void			 delivery_detach(struct delivery *);

/* For the table of handlers of spoold's messages. */
channel_handler		 delivery_handle_seen;
channel_handler		 delivery_handle_seen_end;
channel_handler		 delivery_handle_ready;
channel_handler		 delivery_handle_done;
/* spoold is gone: every query and delivery ends with EPIPE. */
void			 delivery_peer_down(void);

#endif
