/* See LICENSE for the terms. */

/*
 * Lists for dialerd, which passes them to relayctl: the queue, one message,
 * and the mailboxes.  Sent in pieces, each when the one before has been read.
 */
#ifndef SPOOLD_LIST_H
#define SPOOLD_LIST_H

#include "channel.h"

channel_handler	 list_handle_queue;	/* DIALERD_LIST_QUEUE */
channel_handler	 list_handle_users;	/* DIALERD_LIST_USERS */
channel_handler	 list_handle_message;	/* DIALERD_SHOW_MESSAGE */
/* dialerd is gone, and with it those who asked. */
void	 list_stop(void);

#endif
