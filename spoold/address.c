/* See LICENSE for the terms. */

/* Mail addresses: see address.h. */

#include <sys/types.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <string.h>
#include <strings.h>

#include "address.h"

#define LABEL_MAX	63	/* RFC 1035 2.3.4 */

static int
is_alnum(unsigned char c)
{
	return ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'));
}

/* RFC 5322 3.2.3, and RFC 6531 3.3 for the bytes beyond ASCII. */
static int
is_atext(unsigned char c)
{
	if (c >= 0x80 || is_alnum(c))
		return (1);
	return (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* The length of a UTF-8 sequence that begins with c; 0: none does. */
static size_t
utf8_length(unsigned char c)
{
	if (c < 0x80)
		return (1);
	if (c >= 0xc2 && c <= 0xdf)
		return (2);
	if ((c & 0xf0) == 0xe0)
		return (3);
	if (c >= 0xf0 && c <= 0xf4)
		return (4);
	return (0);
}

int
address_utf8_valid(const char *text, size_t len)
{
	const unsigned char	*s = (const unsigned char *)text;
	size_t			 i, j, n;

	for (i = 0; i < len; i += n) {
		if ((n = utf8_length(s[i])) == 0 || n > len - i)
			return (0);
		for (j = 1; j < n; j++)
			if ((s[i + j] & 0xc0) != 0x80)
				return (0);
		/* Overlong forms, surrogates, and beyond U+10FFFF. */
		if ((s[i] == 0xe0 && s[i + 1] < 0xa0) ||
		    (s[i] == 0xed && s[i + 1] > 0x9f) ||
		    (s[i] == 0xf0 && s[i + 1] < 0x90) ||
		    (s[i] == 0xf4 && s[i + 1] > 0x8f))
			return (0);
	}
	return (1);
}

/* The length of a Dot-string at s, 0 if there is none. */
static size_t
scan_dot_string(const char *s, size_t len)
{
	size_t	 i, atom = 0;

	for (i = 0; i < len; i++) {
		if (is_atext((unsigned char)s[i]))
			atom++;
		else if (s[i] == '.' && atom > 0)
			atom = 0;
		else
			break;
	}
	return (atom > 0 ? i : 0);
}

/* The length of a Quoted-string at s, 0 if there is none. */
static size_t
scan_quoted(const char *s, size_t len)
{
	size_t		 i;
	unsigned char	 c;

	for (i = 1; i < len; i++) {
		c = (unsigned char)s[i];
		if (c == '"')
			return (i + 1);
		if (c == '\\') {
			if (++i == len)
				return (0);
			c = (unsigned char)s[i];
			if (c >= 0x80)
				return (0);
		}
		if (c < 0x20 || c == 0x7f)
			return (0);
	}
	return (0);
}

static size_t
scan_local(const char *s, size_t len)
{
	if (len > 0 && s[0] == '"')
		return (scan_quoted(s, len));
	return (scan_dot_string(s, len));
}

/* The length of a domain name at s, 0 if there is none. */
static size_t
scan_name(const char *s, size_t len)
{
	size_t		 i, label = 0;
	unsigned char	 c;

	for (i = 0; i < len; i++) {
		c = (unsigned char)s[i];
		if (c == '.') {
			if (label == 0 || s[i - 1] == '-')
				return (0);
			label = 0;
		} else if (is_alnum(c) || c >= 0x80 || c == '_' ||
		    (c == '-' && label > 0)) {
			if (++label > LABEL_MAX)
				return (0);
		} else
			break;
	}
	if (label == 0 || s[i - 1] == '-' || i > ADDRESS_DOMAIN_MAX)
		return (0);
	return (i);
}

/* The length of "[192.0.2.1]" or "[IPv6:...]" at s, 0 if there is none. */
static size_t
scan_literal(const char *s, size_t len)
{
	const char	*end;
	char		 text[INET6_ADDRSTRLEN];
	struct in6_addr	 buf;
	size_t		 n;
	int		 family = AF_INET;

	if (len == 0 || (end = memchr(s, ']', len)) == NULL)
		return (0);
	len = (size_t)(end - s) + 1;
	s++;
	n = len - 2;
	if (n > 5 && strncasecmp(s, "IPv6:", 5) == 0) {
		family = AF_INET6;
		s += 5;
		n -= 5;
	}
	if (n == 0 || n >= sizeof(text) || memchr(s, '\0', n) != NULL)
		return (0);
	memcpy(text, s, n);
	text[n] = '\0';
	return (inet_pton(family, text, &buf) == 1 ? len : 0);
}

static size_t
scan_domain(const char *s, size_t len)
{
	if (len > 0 && s[0] == '[')
		return (scan_literal(s, len));
	return (scan_name(s, len));
}

/* A mailbox at s: its length, 0 if there is none. */
static size_t
scan_mailbox(const char *s, size_t len, struct address *a)
{
	size_t	 i, local, domain = 0;

	if ((local = scan_local(s, len)) == 0)
		return (0);
	if (local < len && s[local] == '@') {
		domain = scan_domain(s + local + 1, len - local - 1);
		if (domain == 0)
			return (0);
		domain++;
	}
	if (local + domain > ADDRESS_MAX)
		return (0);
	memcpy(a->text, s, local + domain);
	a->text[local + domain] = '\0';
	a->at = local;
	a->literal = domain > 0 && s[local + 1] == '[';
	a->utf8 = 0;
	for (i = 0; i < local + domain; i++)
		if ((unsigned char)s[i] >= 0x80)
			a->utf8 = 1;
	if (a->utf8 && !address_utf8_valid(s, local + domain))
		return (0);
	return (local + domain);
}

int
address_parse(const char *s, size_t len, struct address *a)
{
	if (len == 0 || scan_mailbox(s, len, a) != len)
		return (-1);
	return (0);
}

/* The length of "@one,@two:" at s; 0 if that is not there or broken. */
static size_t
scan_route(const char *s, size_t len)
{
	size_t	 i = 0, n;

	while (i < len && s[i] == '@') {
		i++;
		if ((n = scan_domain(s + i, len - i)) == 0)
			return (0);
		i += n;
		if (i < len && s[i] == ':')
			return (i + 1);
		if (i < len && s[i] == ',')
			i++;
	}
	return (0);
}

int
address_parse_path(const char *s, size_t len, struct address *a,
    size_t *used)
{
	size_t	 i = 1, n;

	if (len < 2 || s[0] != '<')
		return (-1);
	memset(a, 0, sizeof(*a));
	if (s[1] == '>') {
		*used = 2;
		return (0);
	}
	i += scan_route(s + i, len - i);
	if ((n = scan_mailbox(s + i, len - i, a)) == 0)
		return (-1);
	i += n;
	if (i == len || s[i] != '>')
		return (-1);
	*used = i + 1;
	return (0);
}

const char *
address_domain(const struct address *a)
{
	return (a->text[a->at] == '@' ? a->text + a->at + 1 : "");
}

void
address_lower_domain(struct address *a)
{
	char	*p;

	for (p = a->text + a->at; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
}

int
address_local(const struct address *a, char *dst, size_t size)
{
	size_t	 i, n = 0, end = a->at;

	if (size == 0)
		return (-1);
	i = 0;
	if (end >= 2 && a->text[0] == '"') {
		i++;
		end--;
	}
	for (; i < end; i++) {
		if (a->text[0] == '"' && a->text[i] == '\\')
			i++;
		if (n + 1 >= size)
			return (-1);
		dst[n++] = a->text[i];
	}
	dst[n] = '\0';
	return (0);
}

static int
equal(const struct address *a, const struct address *b,
    int (*compare)(const char *, const char *))
{
	char	 one[ADDRESS_MAX + 1], two[ADDRESS_MAX + 1];

	if (strcasecmp(address_domain(a), address_domain(b)) != 0)
		return (0);
	if (address_local(a, one, sizeof(one)) == -1 ||
	    address_local(b, two, sizeof(two)) == -1)
		return (0);
	return (compare(one, two) == 0);
}

int
address_equal(const struct address *a, const struct address *b)
{
	return (equal(a, b, strcmp));
}

int
address_equal_nocase(const struct address *a, const struct address *b)
{
	return (equal(a, b, strcasecmp));
}
