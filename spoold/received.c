/* See LICENSE for the terms. */

/* The Received field: see received.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "received.h"

const char *
received_protocol(const struct received *r)
{
	static const char *const names[2][4] = {
		{ "ESMTP", "ESMTPA", "ESMTPS", "ESMTPSA" },
		{ "UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA" }
	};

	/* RFC 3848 has no name for HELO over TLS. */
	if (!r->esmtp)
		return ("SMTP");
	return (names[r->smtputf8 != 0][(r->tls ? 2 : 0) +
	    (r->auth ? 1 : 0)]);
}

/* What the client said, with nothing in it that has a meaning here. */
static void
clean_helo(const char *helo, char *dst, size_t size)
{
	size_t	 i;
	char	 c;

	for (i = 0; i + 1 < size && (c = helo[i]) != '\0'; i++) {
		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || strchr(".-_:[]", c) != NULL)
			dst[i] = c;
		else
			dst[i] = '?';
	}
	dst[i] = '\0';
}

/* RFC 5322 3.3, without the help of the locale. */
static int
format_date(int64_t when, int offset, char *dst, size_t size)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed",
	    "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr",
	    "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm	 tm;
	time_t		 t;
	int		 n, minutes;

	t = (time_t)(when + (int64_t)offset * 60);
	if (gmtime_r(&t, &tm) == NULL)
		return (-1);
	minutes = abs(offset);
	n = snprintf(dst, size, "%s, %d %s %d %02d:%02d:%02d %c%02d%02d",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
	return (n < 0 || (size_t)n >= size ? -1 : 0);
}

ssize_t
received_format(const struct received *r, char *dst, size_t size)
{
	char		 helo[ADDRESS_DOMAIN_MAX + 1], date[64];
	char		 priority[24] = "";
	const char	*tag, *open = "", *close = "", *recipient = "";
	int		 n;

	clean_helo(r->helo, helo, sizeof(helo));
	if (format_date(r->when, r->offset, date, sizeof(date)) == -1)
		return (-1);
	tag = strchr(r->address, ':') != NULL ? "IPv6:" : "";
	if (r->recipient != NULL) {
		open = "\r\n\tfor <";
		recipient = r->recipient;
		close = ">";
	}
	if (r->priority != NULL)
		(void)snprintf(priority, sizeof(priority), " PRIORITY %d",
		    *r->priority);
	/* No more than the standard asks for: the line is paid for. */
	n = snprintf(dst, size, "Received: from %s ([%s%s])\r\n"
	    "\tby %s with %s id %016llx%s%s%s%s;\r\n\t%s\r\n", helo, tag,
	    r->address, r->hostname, received_protocol(r),
	    (unsigned long long)r->id, open, recipient, close,
	    priority, date);
	if (n < 0 || (size_t)n >= size)
		return (-1);
	return (n);
}
