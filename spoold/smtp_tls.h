/* See LICENSE for the terms. */
/*
 * The TLS session with the upstream that relays: the next connection goes on
 * with it, which saves its certificates and a round trip.  libtls does so with
 * TLS 1.2 only; a server that will not gets the usual TLS.
 */
#ifndef SPOOLD_SMTP_TLS_H
#define SPOOLD_SMTP_TLS_H

#include <sys/types.h>
#include <stdint.h>

struct tls_config;

/* Before the sandbox. */
void	 smtp_tls_begin(void);
/*
 * Has the connection to that host, whose certificate is checked by these
 * authorities, go on with the session or leave one: 1.  0: the usual TLS.  -1
 * where the configuration cannot be made so.
 */
int	 smtp_tls_offer(struct tls_config *, const char *host,
	    const uint8_t *ca, size_t ca_len, int64_t now);
/* That connection is secure. */
void	 smtp_tls_done(int resumed, int64_t now);
/* It came to nothing: from now on the usual TLS. */
void	 smtp_tls_failed(void);

#endif
