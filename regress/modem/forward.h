/*
 * TCP ports that live only while a call is connected, and whose bytes cross
 * the paced wire: the far side of a line for hosts without PPP.
 */
#ifndef REGRESS_FORWARD_H
#define REGRESS_FORWARD_H

/* "host:port host:port": from, to; numeric.  Exits on a bad one. */
void	 forward_add(const char *from, const char *to);
void	 forward_open(void);
/* Carrier is gone: every connection is reset. */
void	 forward_close(void);
int	 forward_any(void);

#endif
