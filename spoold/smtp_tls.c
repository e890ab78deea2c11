/* See LICENSE for the terms. */
/* The TLS session with the upstream that relays. */

#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#include "platform.h"
#include "smtp_tls.h"

/* Servers forget theirs after an hour or two. */
#define SESSION_AGE	7200	/* seconds */
/* A full handshake of TLS 1.2 is a round trip longer than the usual one: so
 * often it may be in vain before the first success. */
#define MISSES_MAX	3

static int	 session_fd = -1;

/* Of one upstream: a spool relays to one. */
static struct {
	char		*host;
	uint32_t	 ca;		/* a checksum of the authorities */
	int64_t		 left;		/* when; 0: there is none */
	unsigned int	 hits, misses;
	int		 usual;
} session;

void
smtp_tls_begin(void)
{
	session_fd = platform_memory_file("smtp-tls-session");
}

static uint32_t
checksum(const uint8_t *p, size_t len)
{
	uint32_t	 h = 2166136261U;

	while (len-- > 0)
		h = (h ^ *p++) * 16777619U;
	return (h);
}

/* A session of somebody else, or trusted by other authorities, is none. */
static void
session_of(const char *host, uint32_t ca)
{
	if (session.host != NULL && strcmp(session.host, host) == 0 &&
	    session.ca == ca)
		return;
	free(session.host);
	memset(&session, 0, sizeof(session));
	session.host = strdup(host);
	session.ca = ca;
	session.usual = session.host == NULL ||
	    ftruncate(session_fd, 0) == -1;
}

int
smtp_tls_offer(struct tls_config *config, const char *host, const uint8_t *ca,
    size_t ca_len, int64_t now)
{
	if (session_fd == -1)
		return (0);
	session_of(host, checksum(ca, ca_len));
	if (session.usual || (session.hits == 0 &&
	    session.misses >= MISSES_MAX))
		return (0);
	if (session.left != 0 && (now < session.left ||
	    now - session.left >= SESSION_AGE)) {
		session.left = 0;
		session.misses++;
		if (ftruncate(session_fd, 0) == -1)
			return (0);
	}
	if (tls_config_set_protocols(config, TLS_PROTOCOL_TLSv1_2) == -1 ||
	    tls_config_set_session_fd(config, session_fd) == -1)
		return (-1);
	return (1);
}

void
smtp_tls_done(int resumed, int64_t now)
{
	if (resumed)
		session.hits++;
	else if (session.left != 0)
		session.misses++;
	session.left = now;
}

void
smtp_tls_failed(void)
{
	session.usual = 1;
}
