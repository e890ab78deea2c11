/* See LICENSE for the terms. */
/*
 * The control socket's server: relayctl asks, and is answered from here or
 * from what spoold and the parent say.  Every request is answered once.
 */
#ifndef DIALERD_CONTROL_H
#define DIALERD_CONTROL_H

#include "channel.h"

/*
 * Serves a bound and listening socket, which it owns from then on, in place
 * of an earlier one of the same kind.
 */
void	 control_listen(int fd, int readonly);

/* What other processes say to requests that were passed on, by id. */
channel_handler	 control_handle_queue_entry;	/* SPOOLD_QUEUE_ENTRY */
channel_handler	 control_handle_user_entry;	/* SPOOLD_USER_ENTRY */
channel_handler	 control_handle_list_end;	/* SPOOLD_LIST_END */
channel_handler	 control_handle_message;	/* SPOOLD_MESSAGE */
channel_handler	 control_handle_message_rcpt;	/* SPOOLD_MESSAGE_RCPT */
channel_handler	 control_handle_result;		/* PARENT_RELOAD_RESULT,
						 * SPOOLD_MESSAGE_RESULT */
channel_handler	 control_handle_account;	/* FETCHD_ACCOUNT */
/* spoold is gone: what was asked of it will not come. */
void		 control_spoold_down(void);

#endif
