/* The SMTP server: sessions of LAN clients.  RFC 5321, 1870, 2034, 2920,
 * 3030, 3207, 4954, 6152, 6531, and 1985, 2852, 6710. */
#ifndef SPOOLD_SMTP_SERVER_H
#define SPOOLD_SMTP_SERVER_H

#include <sys/socket.h>
#include "conf.h"

/* Serve an accepted connection (owned from here on). */
void	 smtp_server_accept(int fd, const struct conf_listener *,
	    const struct sockaddr_storage *peer);
/* A new configuration is in force: sessions keep no pointer into the old. */
void	 smtp_server_reload(void);
/* Say 421 to those that are idle, let transactions that are being
 * committed end. */
void	 smtp_server_shutdown(void);

#endif
