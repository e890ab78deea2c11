/* See LICENSE for the terms. */
/*
 * The serial device of the call in progress: drives the modem dialogue on
 * it, watches for a lost carrier, and hangs up.  There is one at a time.
 * What happens is told from the event loop only, never from within a call.
 */
#ifndef DIALERD_TTY_H
#define DIALERD_TTY_H

#include "window.h"

typedef void	 tty_callback(enum window_tty, enum modem_result,
		    const char *);

void	 tty_init(tty_callback *);

/* The actions of struct window_ops; see there. */
int	 tty_dial(int fd, const struct window_line *);
void	 tty_watch(void);
void	 tty_release(void);
void	 tty_hangup(int others);
void	 tty_close(void);

#endif
