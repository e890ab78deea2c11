/*
 * The far side of the data that pass through the modem's own terminal: a
 * program such as slirp on a pseudo-terminal, over the paced wire.
 */
#ifndef REGRESS_FAR_H
#define REGRESS_FAR_H

#include <sys/types.h>
#include <stdint.h>

/* NULL: nothing is there, and what the DTE sends is lost. */
void	 far_start(const char *command, const char *banner);
void	 far_stop(void);
int	 far_running(void);
/* For bytes from the DTE; 0 promises a call of tty_resume. */
size_t	 far_space(void);
void	 far_send(const uint8_t *, size_t);
/* The terminal has taken what was written to it. */
void	 far_room(void);

/* modem.c, towards the DTE. */
size_t	 tty_space(void);
void	 tty_write(const void *, size_t);
void	 tty_resume(void);
void	 count_bytes(void);

#endif
