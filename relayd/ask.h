/*
 * Questions that a child asks the parent and that are answered later:
 * addresses of a host, whether a password is right.  Every question is
 * answered exactly once, also when the parent cannot be asked.
 */
#ifndef RELAYD_ASK_H
#define RELAYD_ASK_H

#include "channel.h"

typedef void	 ask_resolved_cb(void *arg, const struct proto_addresses *);
typedef void	 ask_auth_cb(void *arg, enum proto_auth_result);

/*
 * Asks for the addresses of a host, port filled in; fresh when those that
 * were given before did not work.  Returns the id for ask_cancel, never 0;
 * the callback comes later, from the event loop.
 */
uint32_t	 ask_resolve(const char *host, uint16_t port, int fresh,
		    ask_resolved_cb *, void *arg);
/* Asks whether user (at most PROTO_NAME_MAX) has this password. */
uint32_t	 ask_auth(const char *user, const char *password,
		    ask_auth_cb *, void *arg);
/* The callback will not come. */
void		 ask_cancel(uint32_t id);

/* For the child's table of handlers of the parent's messages. */
channel_handler	 ask_handle_resolved;	/* PARENT_RESOLVED */
channel_handler	 ask_handle_auth;	/* PARENT_AUTH_RESULT */

#endif
