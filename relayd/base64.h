/* See LICENSE for the terms. */
/* Base64, RFC 4648 section 4. */
#ifndef RELAYD_BASE64_H
#define RELAYD_BASE64_H

#include <stddef.h>

/*
 * Encodes: a string to be freed, overwritten before when it is a secret;
 * NULL with errno.
 */
char	*base64_encode(const void *, size_t);

#endif
