/* Deliveries of fetched messages, on fetchd's behalf. */
#ifndef SPOOLD_DELIVER_H
#define SPOOLD_DELIVER_H

#include "channel.h"

channel_handler	 deliver_handle_seen;		/* FETCHD_SEEN */
channel_handler	 deliver_handle_forget;		/* FETCHD_FORGET */
channel_handler	 deliver_handle_open;		/* FETCHD_DELIVER_OPEN */
channel_handler	 deliver_handle_commit;		/* FETCHD_DELIVER_COMMIT */
channel_handler	 deliver_handle_abort;		/* FETCHD_DELIVER_ABORT */
/* fetchd is gone: what it left open is synced and kept as partial. */
void	 deliver_peer_down(void);
/* For maildir_recover: decides keys of the form "f...." */
int	 deliver_decided(const char *key, void *arg);

#endif
