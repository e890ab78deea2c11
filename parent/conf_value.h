/* See LICENSE for the terms. */
/*
 * Words of the configuration turned into values.  Pure: a string in, a
 * value out.  Each function returns 0, or -1 with *why saying what is wrong
 * (a static text to follow the word in an error message, as in "5x" *why).
 */
#ifndef PARENT_CONF_VALUE_H
#define PARENT_CONF_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"

/* Names are parts of file names and of PROTO_NAME_MAX: user@upstream#NN. */
#define VALUE_USER_MAX		63
#define VALUE_NAME_MAX		55
#define VALUE_HOST_MAX		255	/* PROTO_HOST_MAX without the NUL */

enum value_service { VALUE_URL_SMTP, VALUE_URL_POP3, VALUE_URL_IMAP };

struct value_url {
	enum value_service	 service;
	enum tls_mode		 tls;
	uint32_t		 port;
	char			 host[VALUE_HOST_MAX + 1]; /* no brackets */
};

/* A whole number from min to max. */
int	 value_count(const char *, uint64_t min, uint64_t max, uint64_t *,
	    const char **why);
/* Bytes: digits and at most one of K, M, G (1024s); at most 1T. */
int	 value_size(const char *, uint64_t *, const char **why);
/* Seconds: digits and one of s, m, h, d, w; at least 1 s, at most 10
 * years, so that sums and products of two never overflow. */
int	 value_duration(const char *, uint64_t *, const char **why);
/* 1/1000 of the unit of money: digits, and up to three after a point. */
int	 value_money(const char *, uint64_t *, const char **why);
/* HH:MM as minutes from midnight, 24:00 included. */
int	 value_clock(const char *, uint32_t *, const char **why);
/* monday ... sunday, weekdays, weekends, workdays, holidays: DAYS_* bits. */
int	 value_days(const char *, uint32_t *, const char **why);
/* MM-DD, or YYYY-MM-DD, of a day that there is; 29 February each year. */
int	 value_date(const char *, const char **why);
/* Up to 8 letters, points and "$", as in "EUR" or "kr.". */
int	 value_currency(const char *, const char **why);
/* A speed that serial ports have, in bit/s. */
int	 value_speed(const char *, uint32_t *, const char **why);
/* scheme://host[:port], the port filled in where it is not given. */
int	 value_url(const char *, struct value_url *, const char **why);
/* A name of DNS or a numeric address. */
int	 value_host(const char *, const char **why);
/* A numeric address, nothing else. */
int	 value_address(const char *, const char **why);
/*
 * An IPv4 or IPv6 network, "a.b.c.d/n" or one address, written to buf with
 * its length in bits and the bits behind those cleared.
 */
int	 value_network(const char *, char *buf, size_t, const char **why);
/* local@domain, with the domain in lower case in buf. */
int	 value_mailbox(const char *, char *buf, size_t, const char **why);
/* What a mail address has before the "@"; at most 64 bytes, not quoted. */
int	 value_alias_name(const char *, const char **why);
/* A name, "\\" and a name, or an address, as value_mailbox puts it. */
int	 value_alias_target(const char *, char *buf, size_t,
	    const char **why);
/* A domain, in lower case in buf. */
int	 value_domain(const char *, char *buf, size_t, const char **why);
/* Safe as the name of a file: [A-Za-z0-9._-], no leading '.', <= max. */
int	 value_name(const char *, size_t max, const char **why);
/* What a modem is told: printable ASCII that begins with AT. */
int	 value_modem_command(const char *, const char **why);
/* What follows ATD: digits and the marks of V.250, no ';'. */
int	 value_phone(const char *, const char **why);
/* The end of this part of a chat's expect: a "-" without a backslash. */
const char
	*value_chat_piece(const char *);
/* An absolute path. */
int	 value_path(const char *, const char **why);

#endif
