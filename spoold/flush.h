/* The flush: what waits in the queue goes to upstream in the window. */
#ifndef SPOOLD_FLUSH_H
#define SPOOLD_FLUSH_H

#include <stdint.h>

#include "channel.h"

channel_handler	 flush_handle_window_open;	/* DIALERD_WINDOW_OPEN */
channel_handler	 flush_handle_window_close;	/* DIALERD_WINDOW_CLOSE */
channel_handler	 flush_handle_window_bulk;	/* DIALERD_WINDOW_BULK */
/* 1 when the message is with the session, or has answers in memory only. */
int	 flush_in_flight(uint64_t id);
/* New messages may have come: in a window they go out at once. */
void	 flush_kick(void);
/* dialerd is gone, or we shut down: drop the connections. */
void	 flush_stop(void);
/* After a reload: nothing may point into the old configuration. */
void	 flush_reload(void);

#endif
