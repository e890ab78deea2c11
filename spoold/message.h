/* See LICENSE for the terms. */

/*
 * What the operator does to messages that wait for the line: hold, release,
 * remove, another class, try afresh.
 */
#ifndef SPOOLD_MESSAGE_H
#define SPOOLD_MESSAGE_H

#include "channel.h"

channel_handler	 message_handle;	/* DIALERD_MESSAGE */
/* dialerd is gone, and with it those who wait for an answer. */
void	 message_stop(void);

#endif
