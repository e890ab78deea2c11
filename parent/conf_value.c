/* See LICENSE for the terms. */
/*
 * Words of the configuration turned into values: numbers with their units,
 * times, networks, addresses, URLs, names.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "conf_value.h"

#define SIZE_LIMIT	(1ULL << 40)
#define DURATION_LIMIT	(10ULL * 366 * 86400)
#define MONEY_LIMIT	1000000000000ULL	/* a thousand million */
#define LOCAL_MAX	64			/* RFC 5321 4.5.3.1.1 */
#define COMMAND_MAX	128			/* most modems take 40 to 255 */
#define PHONE_MAX	64
#define CURRENCY_MAX	8

static const struct scheme {
	const char		*prefix;
	enum value_service	 service;
	enum tls_mode		 tls;
	uint32_t		 port;
} schemes[] = {
	{ "smtp://",		VALUE_URL_SMTP,	TLS_MODE_NONE,		25 },
	{ "smtp+tls://",	VALUE_URL_SMTP,	TLS_MODE_STARTTLS,	587 },
	{ "smtps://",		VALUE_URL_SMTP,	TLS_MODE_IMPLICIT,	465 },
	{ "pop3://",		VALUE_URL_POP3,	TLS_MODE_NONE,		110 },
	{ "pop3+tls://",	VALUE_URL_POP3,	TLS_MODE_STARTTLS,	110 },
	{ "pop3s://",		VALUE_URL_POP3,	TLS_MODE_IMPLICIT,	995 },
	{ "imap://",		VALUE_URL_IMAP,	TLS_MODE_NONE,		143 },
	{ "imap+tls://",	VALUE_URL_IMAP,	TLS_MODE_STARTTLS,	143 },
	{ "imaps://",		VALUE_URL_IMAP,	TLS_MODE_IMPLICIT,	993 }
};

static const struct day {
	const char	*name;
	uint32_t	 bits;
} days[] = {
	{ "sunday",	0x01 },
	{ "monday",	0x02 },
	{ "tuesday",	0x04 },
	{ "wednesday",	0x08 },
	{ "thursday",	0x10 },
	{ "friday",	0x20 },
	{ "saturday",	0x40 },
	{ "weekdays",	0x3e },
	{ "weekends",	0x41 },
	{ "workdays",	0x3e | DAYS_WORKDAY },
	{ "holidays",	DAYS_HOLIDAY }
};

static const uint32_t speeds[] = {
	300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200,
	230400, 460800, 921600
};

static int	 digits(const char **, uint64_t limit, uint64_t *);
static int	 parse_authority(const char *, struct value_url *,
		    const char **);
static int	 copy_lower(const char *, char *, size_t);
static int	 domain_chars(const char *);

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * One or more digits at *s, which is moved behind them.  0, or -1 when there
 * are none or the number is above the limit.
 */
static int
digits(const char **s, uint64_t limit, uint64_t *value)
{
	const char *p = *s;
	uint64_t v = 0;

	if (!isdigit((unsigned char)*p))
		return (-1);
	for (; isdigit((unsigned char)*p); p++) {
		if (v > limit / 10)
			return (-1);
		v = v * 10 + (uint64_t)(*p - '0');
		if (v > limit)
			return (-1);
	}
	*s = p;
	*value = v;
	return (0);
}

int
value_count(const char *s, uint64_t min, uint64_t max, uint64_t *value,
    const char **why)
{
	uint64_t v;

	*why = "is not a whole number in the range allowed here";
	if (digits(&s, max, &v) == -1 || *s != '\0' || v < min)
		return (-1);
	*value = v;
	return (0);
}

int
value_size(const char *s, uint64_t *value, const char **why)
{
	uint64_t v, unit = 1;

	*why = "is not a size, such as 800, 200K or 50M";
	if (digits(&s, SIZE_LIMIT, &v) == -1)
		return (-1);
	switch (*s) {
	case 'k':
	case 'K':
		unit = 1ULL << 10;
		break;
	case 'm':
	case 'M':
		unit = 1ULL << 20;
		break;
	case 'g':
	case 'G':
		unit = 1ULL << 30;
		break;
	}
	if (unit != 1)
		s++;
	if (*s != '\0')
		return (-1);
	*why = "is a size of 0";
	if (v == 0)
		return (-1);
	*why = "is a size too large";
	if (v > SIZE_LIMIT / unit)
		return (-1);
	*value = v * unit;
	return (0);
}

int
value_duration(const char *s, uint64_t *value, const char **why)
{
	uint64_t v, unit;

	*why = "is not a duration, such as 15s, 3m, 2h or 7d";
	if (digits(&s, DURATION_LIMIT, &v) == -1)
		return (-1);
	switch (*s) {
	case 's':
		unit = 1;
		break;
	case 'm':
		unit = 60;
		break;
	case 'h':
		unit = 3600;
		break;
	case 'd':
		unit = 86400;
		break;
	case 'w':
		unit = 7 * 86400;
		break;
	default:
		return (-1);
	}
	if (s[1] != '\0')
		return (-1);
	*why = "is a duration of 0";
	if (v == 0)
		return (-1);
	*why = "is a duration too long";
	if (v > DURATION_LIMIT / unit)
		return (-1);
	*value = v * unit;
	return (0);
}

int
value_money(const char *s, uint64_t *value, const char **why)
{
	uint64_t whole, part = 0, weight = 100;

	*why = "is not a sum of money, such as 10, 0.5 or 3.125";
	if (digits(&s, MONEY_LIMIT / 1000, &whole) == -1)
		return (-1);
	if (*s == '.') {
		if (!isdigit((unsigned char)*++s))
			return (-1);
		for (; isdigit((unsigned char)*s); s++) {
			if (weight == 0)
				return (-1);
			part += (uint64_t)(*s - '0') * weight;
			weight /= 10;
		}
	}
	if (*s != '\0')
		return (-1);
	*value = whole * 1000 + part;
	return (0);
}

int
value_clock(const char *s, uint32_t *value, const char **why)
{
	uint64_t h, m;
	const char *colon;

	*why = "is not a time of the day, such as 08:00";
	if ((colon = strchr(s, ':')) == NULL || colon - s > 2 ||
	    strlen(colon) != 3)
		return (-1);
	if (digits(&s, 24, &h) == -1 || s != colon)
		return (-1);
	s++;
	if (digits(&s, 59, &m) == -1 || *s != '\0')
		return (-1);
	if (h == 24 && m != 0)
		return (-1);
	*value = (uint32_t)(h * 60 + m);
	return (0);
}

int
value_days(const char *s, uint32_t *value, const char **why)
{
	size_t i;

	for (i = 0; i < NELEM(days); i++) {
		if (strcmp(s, days[i].name) == 0) {
			*value = days[i].bits;
			return (0);
		}
	}
	*why = "is not a day: monday to sunday, weekdays, weekends, workdays, "
	    "holidays, or a date such as 12-24 or 2026-12-24";
	return (-1);
}

static int
two_digits(const char *s, unsigned int *v)
{
	if (!isdigit((unsigned char)s[0]) || !isdigit((unsigned char)s[1]))
		return (-1);
	*v = (unsigned int)(s[0] - '0') * 10 + (unsigned int)(s[1] - '0');
	return (0);
}

int
value_date(const char *s, const char **why)
{
	static const unsigned int lengths[] = { 31, 29, 31, 30, 31, 30, 31,
	    31, 30, 31, 30, 31 };
	unsigned int century = 20, year = 0, month, day;

	*why = "is not a date, such as 12-24 or 2026-12-24";
	if (strlen(s) == 10) {
		if (two_digits(s, &century) == -1 ||
		    two_digits(s + 2, &year) == -1 || s[4] != '-')
			return (-1);
		s += 5;
	}
	if (strlen(s) != 5 || two_digits(s, &month) == -1 || s[2] != '-' ||
	    two_digits(s + 3, &day) == -1)
		return (-1);
	*why = "is a date that there is not";
	if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1])
		return (-1);
	/* Without a year, 2000 stands for all: it has a 29 February. */
	if (year == 0)
		year = century % 4 == 0 ? 4 : 1;
	return (month == 2 && day == 29 && year % 4 != 0 ? -1 : 0);
}

int
value_currency(const char *s, const char **why)
{
	size_t i;

	*why = "is not the word for a currency, such as EUR";
	for (i = 0; s[i] != '\0'; i++)
		if (((unsigned char)s[i] & 0x80) || (!isalpha((unsigned char)
		    s[i]) && s[i] != '.' && s[i] != '$'))
			return (-1);
	return (i == 0 || i > CURRENCY_MAX ? -1 : 0);
}

int
value_speed(const char *s, uint32_t *value, const char **why)
{
	uint64_t v;
	size_t i;

	*why = "is not a speed of a serial port, such as 115200";
	if (digits(&s, UINT32_MAX, &v) == -1 || *s != '\0')
		return (-1);
	for (i = 0; i < NELEM(speeds); i++) {
		if (speeds[i] == v) {
			*value = speeds[i];
			return (0);
		}
	}
	return (-1);
}

int
value_url(const char *s, struct value_url *url, const char **why)
{
	size_t i, len;

	for (i = 0; i < NELEM(schemes); i++) {
		len = strlen(schemes[i].prefix);
		if (strncmp(s, schemes[i].prefix, len) != 0)
			continue;
		url->service = schemes[i].service;
		url->tls = schemes[i].tls;
		url->port = schemes[i].port;
		return (parse_authority(s + len, url, why));
	}
	*why = "does not begin with smtp://, pop3:// or imap://, with \"s\" "
	    "or \"+tls\" before the colon for TLS";
	return (-1);
}

/* host[:port] or [address][:port] to the end. */
static int
parse_authority(const char *s, struct value_url *url, const char **why)
{
	const char *end, *port;
	uint64_t v;
	size_t len;

	/* Said first, since the rest of the message would show a secret. */
	*why = "has a \"@\": user and password have words of their own";
	if (strchr(s, '@') != NULL)
		return (-1);
	*why = "has no host";
	if (*s == '[') {
		s++;
		if ((end = strchr(s, ']')) == NULL)
			return (-1);
		port = end + 1;
	} else
		port = end = s + strcspn(s, ":/");
	len = (size_t)(end - s);
	if (len == 0 || len >= sizeof(url->host))
		return (-1);
	memcpy(url->host, s, len);
	url->host[len] = '\0';
	*why = "has a numeric address in brackets that is none";
	if (s[-1] == '[' && (value_address(url->host, why) == -1 ||
	    strchr(url->host, ':') == NULL))
		return (-1);
	*why = "has a host that can be none";
	if (s[-1] != '[' && value_host(url->host, why) == -1)
		return (-1);
	if (*port == ':') {
		port++;
		*why = "has no port from 1 to 65535 after its colon";
		if (digits(&port, 65535, &v) == -1 || v == 0)
			return (-1);
		url->port = (uint32_t)v;
	}
	*why = "has something after the host and port";
	return (*port == '\0' ? 0 : -1);
}

static int
domain_chars(const char *s)
{
	size_t label = 0;

	for (; *s != '\0'; s++) {
		if (*s == '.') {
			if (label == 0)
				return (-1);
			label = 0;
			continue;
		}
		/* Bytes of UTF-8 are those of RFC 6531. */
		if (!isalnum((unsigned char)*s) && *s != '-' && *s != '_' &&
		    !((unsigned char)*s & 0x80))
			return (-1);
		if (++label > 63)
			return (-1);
	}
	return (label == 0 ? -1 : 0);
}

int
value_host(const char *s, const char **why)
{
	const char *ignored;

	if (value_address(s, &ignored) == 0)
		return (0);
	*why = "is neither the name of a host nor a numeric address";
	if (strlen(s) > VALUE_HOST_MAX)
		return (-1);
	return (domain_chars(s));
}

int
value_address(const char *s, const char **why)
{
	struct addrinfo hints, *res;

	*why = "is not a numeric address, such as 192.168.1.1 or ::1";
	/* getaddrinfo also takes "1" and "127.1"; those are misspelt here. */
	if (strchr(s, ':') == NULL) {
		struct in_addr in;

		return (inet_pton(AF_INET, s, &in) == 1 ? 0 : -1);
	}
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_INET6;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST;
	if (strlen(s) > VALUE_HOST_MAX ||
	    getaddrinfo(s, NULL, &hints, &res) != 0)
		return (-1);
	freeaddrinfo(res);
	return (0);
}

int
value_network(const char *s, char *buf, size_t size, const char **why)
{
	unsigned char addr[16];
	char text[INET6_ADDRSTRLEN];
	const char *slash;
	uint64_t bits, i, full;
	size_t len;
	int family, n;

	*why = "is not a network, such as 192.168.1.0/24 or 2001:db8::/32";
	len = strcspn(s, "/");
	if (len >= sizeof(text))
		return (-1);
	memcpy(text, s, len);
	text[len] = '\0';
	family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
	full = family == AF_INET ? 32 : 128;
	if (inet_pton(family, text, addr) != 1)
		return (-1);
	bits = full;
	slash = s + len;
	if (*slash == '/') {
		slash++;
		if (digits(&slash, full, &bits) == -1 || *slash != '\0')
			return (-1);
	}
	for (i = bits; i < full; i++)
		addr[i / 8] &= (unsigned char)~(0x80 >> (i % 8));
	if (inet_ntop(family, addr, text, sizeof(text)) == NULL)
		return (-1);
	n = snprintf(buf, size, "%s/%u", text, (unsigned int)bits);
	return (n < 0 || (size_t)n >= size ? -1 : 0);
}

static int
copy_lower(const char *s, char *buf, size_t size)
{
	size_t i, len = strlen(s);

	if (len >= size)
		return (-1);
	for (i = 0; i <= len; i++)
		buf[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
	return (0);
}

int
value_domain(const char *s, char *buf, size_t size, const char **why)
{
	*why = "is not a domain";
	if (strlen(s) > VALUE_HOST_MAX || domain_chars(s) == -1)
		return (-1);
	return (copy_lower(s, buf, size));
}

int
value_mailbox(const char *s, char *buf, size_t size, const char **why)
{
	const char *at;
	size_t i, local;

	*why = "is not a mail address, such as alice@ship.example";
	if ((at = strchr(s, '@')) == NULL || strchr(at + 1, '@') != NULL)
		return (-1);
	local = (size_t)(at - s);
	if (local == 0 || local > LOCAL_MAX || local + 1 >= size)
		return (-1);
	for (i = 0; i < local; i++) {
		if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f ||
		    strchr("<>()[]\\,;:\"", s[i]) != NULL)
			return (-1);
	}
	memcpy(buf, s, local + 1);
	return (value_domain(at + 1, buf + local + 1, size - local - 1, why));
}

int
value_alias_name(const char *s, const char **why)
{
	size_t i;

	*why = "is not a name for an alias: at most 64 characters, no \"@\", "
	    "and no \"\\\" in front";
	if (s[0] == '\0' || s[0] == '\\')
		return (-1);
	for (i = 0; s[i] != '\0'; i++) {
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f || s[i] == '@')
			return (-1);
	}
	return (i > LOCAL_MAX ? -1 : 0);
}

int
value_alias_target(const char *s, char *buf, size_t size, const char **why)
{
	const char *name = s[0] == '\\' ? s + 1 : s;

	if (s[0] == '|') {
		*why = "is a program: mail goes to users and addresses only";
		return (-1);
	}
	if (s[0] == '/') {
		*why = "is a file: mail goes to users and addresses only";
		return (-1);
	}
	if (strncasecmp(s, ":include:", strlen(":include:")) == 0) {
		*why = "is not supported: write the list itself";
		return (-1);
	}
	if (strchr(s, '@') != NULL)
		return (value_mailbox(s, buf, size, why));
	if (value_alias_name(name, why) == -1)
		return (-1);
	*why = "is too long";
	return (strlcpy(buf, s, size) >= size ? -1 : 0);
}

int
value_name(const char *s, size_t max, const char **why)
{
	size_t i;

	*why = "is not a name: letters, digits, \".\", \"_\" and \"-\", "
	    "with no \".\" in front";
	if (s[0] == '\0' || s[0] == '.')
		return (-1);
	for (i = 0; s[i] != '\0'; i++) {
		if ((unsigned char)s[i] & 0x80 || (!isalnum((unsigned char)s[i])
		    && strchr("._-", s[i]) == NULL))
			return (-1);
	}
	*why = "is a name too long";
	return (i > max ? -1 : 0);
}

int
value_modem_command(const char *s, const char **why)
{
	size_t i;

	*why = "is not a command for a modem: it does not begin with AT";
	if (strncasecmp(s, "AT", 2) != 0)
		return (-1);
	*why = "is not a command for a modem: too long, or not all ASCII";
	for (i = 0; s[i] != '\0'; i++)
		if (s[i] < ' ' || s[i] > '~')
			return (-1);
	return (i > COMMAND_MAX ? -1 : 0);
}

int
value_phone(const char *s, const char **why)
{
	size_t i, n = 0;

	/* A ";" would leave the modem in command mode with the line open. */
	*why = "is not a telephone number: digits, and * # + - , W @ ! P T";
	for (i = 0; s[i] != '\0'; i++) {
		if (isdigit((unsigned char)s[i]))
			n++;
		else if (strchr("*#+-.,()/ ABCDabcdWwPpTt@!", s[i]) == NULL)
			return (-1);
	}
	return (n == 0 || i > PHONE_MAX ? -1 : 0);
}

int
value_path(const char *s, const char **why)
{
	*why = "is not an absolute path";
	if (s[0] != '/')
		return (-1);
	*why = "is a path too long";
	return (strlen(s) >= PATH_MAX ? -1 : 0);
}

const char *
value_chat_piece(const char *p)
{
	for (; *p != '\0' && *p != '-'; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return (p);
}
