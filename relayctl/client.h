/* See LICENSE for the terms. */
/*
 * The other end of dialerd's control socket (ctl.h).  There is one
 * connection; it is made when something is asked for.  Functions that fail
 * return -1, with the words for it in client_error().
 */
#ifndef RELAYCTL_CLIENT_H
#define RELAYCTL_CLIENT_H

#include <sys/types.h>
#include <stdint.h>

#include "ctl.h"
#include "imsg.h"
#include "proto.h"

/* The socket to use; NULL: that of this installation. */
void		 client_socket(const char *path);
/* After this a request makes a new connection. */
void		 client_close(void);
const char	*client_error(void);

/*
 * One message of an answer: its type and payload, of which proto_check has
 * seen the size.  Strings in it end, whatever was sent.
 */
typedef void	 client_handler(uint32_t type, const void *data, size_t len,
		    void *arg);

/*
 * Asks, and hands every message of the answer over but the end of a list
 * and the result of a command, which comes back in result.  0, or -1 when
 * there was no answer, or when the result is an error, which then is what
 * client_error() says.
 */
int	 client_request(uint32_t type, const void *data, size_t len,
	    client_handler *, void *arg, struct proto_result *result);

#endif
