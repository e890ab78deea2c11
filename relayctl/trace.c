/* See LICENSE for the terms. */
/* Arrivals from a file: see trace.h. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "trace.h"

#define WORDS_MAX	4
/* The year 9999: what is later is a mistake. */
#define TIME_MAX	253402300799LL

/* Decimal digits from *s on: 0 with *s behind them, or -1. */
static int
digits(const char **s, uint64_t *n)
{
	const char	*p = *s;

	*n = 0;
	if (*p < '0' || *p > '9')
		return (-1);
	for (; *p >= '0' && *p <= '9'; p++) {
		if (*n > (UINT64_MAX - 9) / 10)
			return (-1);
		*n = *n * 10 + (uint64_t)(*p - '0');
	}
	*s = p;
	return (0);
}

static int
scaled(const char *s, uint64_t *n, const char *units, const uint64_t *factors)
{
	const char	*unit;

	if (digits(&s, n) == -1)
		return (-1);
	if (*s == '\0')
		return (0);
	if (s[1] != '\0' || (unit = strchr(units, *s)) == NULL ||
	    *n > UINT64_MAX / factors[unit - units])
		return (-1);
	*n *= factors[unit - units];
	return (0);
}

int
trace_size(const char *s, uint64_t *n)
{
	static const uint64_t	 factors[] = {
		1024, 1024 * 1024, 1024 * 1024 * 1024
	};

	return (scaled(s, n, "KMG", factors));
}

int
trace_duration(const char *s, uint64_t *n)
{
	static const uint64_t	 factors[] = { 1, 60, 3600, 86400 };

	return (scaled(s, n, "smhd", factors));
}

int
trace_money(const char *s, uint64_t *n)
{
	uint64_t	 whole, part = 0, factor = 100;

	if (digits(&s, &whole) == -1 || whole > UINT64_MAX / 1000 - 1)
		return (-1);
	if (*s == '.') {
		if (s[1] == '\0')
			return (-1);
		for (s++; *s >= '0' && *s <= '9' && factor > 0; s++) {
			part += (uint64_t)(*s - '0') * factor;
			factor /= 10;
		}
	}
	*n = whole * 1000 + part;
	return (*s == '\0' ? 0 : -1);
}

/* Two digits and, where it is not NUL, what follows them. */
static int
part(const char **s, int *n, char then)
{
	const char	*p = *s;

	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return (-1);
	*n = (p[0] - '0') * 10 + p[1] - '0';
	p += 2;
	if (then != '\0' && *p++ != then)
		return (-1);
	*s = p;
	return (0);
}

/* "2026-11-28T06:00" or "2026-11-28T06:00:30", local time. */
static int
local_time(const char *s, int64_t *t)
{
	struct tm	 tm, asked;
	time_t		 when;
	int		 century;

	memset(&tm, 0, sizeof(tm));
	if (part(&s, &century, '\0') == -1 || part(&s, &tm.tm_year, '-') ||
	    part(&s, &tm.tm_mon, '-') == -1 ||
	    part(&s, &tm.tm_mday, 'T') == -1 ||
	    part(&s, &tm.tm_hour, ':') == -1 ||
	    part(&s, &tm.tm_min, '\0') == -1)
		return (-1);
	if (*s == ':') {
		s++;
		if (part(&s, &tm.tm_sec, '\0') == -1)
			return (-1);
	}
	if (*s != '\0' || tm.tm_sec > 59 || tm.tm_hour > 23 || tm.tm_min > 59)
		return (-1);
	tm.tm_year += century * 100 - 1900;
	tm.tm_mon--;
	tm.tm_isdst = -1;
	asked = tm;
	if ((when = mktime(&tm)) == -1 || when < 0 ||
	    tm.tm_mday != asked.tm_mday || tm.tm_mon != asked.tm_mon)
		return (-1);
	*t = when;
	return (0);
}

static int
instant(const char *s, int64_t *t)
{
	const char	*p = s;
	uint64_t	 n;

	if (digits(&p, &n) == 0 && *p == '\0') {
		*t = (int64_t)n;
		return (n > TIME_MAX ? -1 : 0);
	}
	return (local_time(s, t));
}

static int
deadline(const char *s, int64_t from, int64_t *t)
{
	uint64_t	 n;

	if (*s != '+')
		return (instant(s, t));
	if (trace_duration(s + 1, &n) == -1 || n > TIME_MAX)
		return (-1);
	*t = from + (int64_t)n;
	return (0);
}

static int
take_words(int n, char *const *words, struct proto_arrival *a,
    const char **error)
{
	static const char *const	 classes[] = {
		[PROTO_NORMAL] = "normal", [PROTO_URGENT] = "urgent",
		[PROTO_BULK] = "bulk"
	};
	uint32_t			 class;

	memset(a, 0, sizeof(*a));
	*error = "the time is not one";
	if (instant(words[0], &a->time) == -1)
		return (-1);
	*error = "the number of bytes is missing";
	if (n < 2)
		return (-1);
	*error = "the number of bytes is not one";
	/* No sum of them is to overflow. */
	if (trace_size(words[1], &a->bytes) == -1 || a->bytes > INT32_MAX)
		return (-1);
	*error = "the class is not normal, urgent or bulk";
	for (class = PROTO_NORMAL; n > 2 && class <= PROTO_BULK; class++)
		if (strcmp(words[2], classes[class]) == 0)
			break;
	if (n > 2 && class > PROTO_BULK)
		return (-1);
	a->class = n > 2 ? class : PROTO_NORMAL;
	*error = "the deadline is not a time";
	if (n > 3 && deadline(words[3], a->time, &a->deadline) == -1)
		return (-1);
	return (1);
}

int
trace_parse(const char *line, size_t len, struct proto_arrival *a,
    const char **error)
{
	char	 buf[TRACE_LINE_MAX], *words[WORDS_MAX], *p = buf, *word;
	int	 n = 0;

	*error = "the line is too long";
	if (len >= sizeof(buf))
		return (-1);
	*error = "there is a NUL in it";
	if (memchr(line, '\0', len) != NULL)
		return (-1);
	memcpy(buf, line, len);
	buf[len] = '\0';
	buf[strcspn(buf, "#")] = '\0';
	*error = "more than time, bytes, class and deadline";
	while ((word = strsep(&p, " \t\r")) != NULL) {
		if (*word == '\0')
			continue;
		if (n == WORDS_MAX)
			return (-1);
		words[n++] = word;
	}
	return (n == 0 ? 0 : take_words(n, words, a, error));
}

int
trace_add(struct trace *t, const struct proto_arrival *a)
{
	size_t	 max = t->max == 0 ? 1024 : t->max * 2;
	void	*new;

	if (t->n == t->max) {
		new = reallocarray(t->arrivals, max, sizeof(*t->arrivals));
		if (new == NULL)
			return (-1);
		t->arrivals = new;
		t->max = max;
	}
	t->arrivals[t->n++] = *a;
	return (0);
}

int
trace_read(struct trace *t, FILE *f, const char *name)
{
	struct proto_arrival	 a;
	const char		*error;
	char			*line = NULL;
	size_t			 size = 0, number = 0;
	ssize_t			 len;
	int			 n = 0;

	while (n != -1 && (len = getline(&line, &size, f)) != -1) {
		number++;
		if (len > 0 && line[len - 1] == '\n')
			len--;
		if ((n = trace_parse(line, (size_t)len, &a, &error)) == -1)
			warnx("%s:%zu: %s", name, number, error);
		else if (n == 1 && (n = trace_add(t, &a)) == -1)
			warn("%s", name);
	}
	if (n != -1 && ferror(f)) {
		warn("%s", name);
		n = -1;
	}
	free(line);
	return (n == -1 ? -1 : 0);
}

static int
compare(const void *va, const void *vb)
{
	const struct proto_arrival	*a = va, *b = vb;

	return (a->time < b->time ? -1 : a->time > b->time);
}

void
trace_sort(struct trace *t)
{
	size_t	 i;

	/* Most are in order, and equals are to stay so. */
	for (i = 1; i < t->n; i++)
		if (t->arrivals[i].time < t->arrivals[i - 1].time)
			break;
	if (i < t->n && mergesort(t->arrivals, t->n, sizeof(*t->arrivals),
	    compare) == -1)
		qsort(t->arrivals, t->n, sizeof(*t->arrivals), compare);
}

void
trace_free(struct trace *t)
{
	free(t->arrivals);
	memset(t, 0, sizeof(*t));
}
