/*
 * The POP3 engine: brings the new messages of one mailbox and deletes those
 * that need not be kept upstream.  RFC 1939, 2449, 2595, 5034.
 */
#ifndef FETCHD_POP3_CLIENT_H
#define FETCHD_POP3_CLIENT_H

#include "session.h"

extern const struct session_ops pop3_ops;

#endif
