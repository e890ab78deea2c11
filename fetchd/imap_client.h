/*
 * The IMAP engine: brings the new messages of one INBOX, large ones in
 * ranges that a later session can go on with, and deletes those that need
 * not be kept upstream.  RFC 3501, 9051, 4315, 4731, 4959, 7888.
 */
#ifndef FETCHD_IMAP_CLIENT_H
#define FETCHD_IMAP_CLIENT_H

#include "session.h"

extern const struct session_ops imap_ops;

#endif
