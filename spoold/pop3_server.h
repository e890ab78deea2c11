/* The POP3 server: sessions of LAN clients.  RFC 1939, 2449, 2595, 5034. */
#ifndef SPOOLD_POP3_SERVER_H
#define SPOOLD_POP3_SERVER_H

#include <sys/socket.h>
#include "conf.h"

/* Serve an accepted connection (owned from here on). */
void	 pop3_server_accept(int fd, const struct conf_listener *,
	    const struct sockaddr_storage *peer);
void	 pop3_server_reload(void);
void	 pop3_server_shutdown(void);

#endif
