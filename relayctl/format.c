/* See LICENSE for the terms. */
/* Text for people. */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <inttypes.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "format.h"

#define TEXT_MAX	1024
#define FIELD_INDENT	10
#define WIDTH_DEFAULT	80
#define WIDTH_LEAST	40
#define WIDTH_MOST	200

static int	 width = WIDTH_DEFAULT;
static int	 utf8;

/* One of some buffers, in turn. */
static char *
buffer(void)
{
	static char	 buf[16][TEXT_MAX];
	static int	 n;

	return (buf[n = (n + 1) % 16]);
}

void
format_set_width(int columns)
{
	width = columns < WIDTH_LEAST ? WIDTH_LEAST :
	    columns > WIDTH_MOST ? WIDTH_MOST : columns;
}

void
format_set_utf8(int yes)
{
	utf8 = yes;
}

void
format_init(void)
{
	struct winsize	 ws;
	const char	*columns;

	setlocale(LC_CTYPE, "");
	format_set_utf8(strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
	memset(&ws, 0, sizeof(ws));
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col != 0)
		format_set_width(ws.ws_col);
	else if ((columns = getenv("COLUMNS")) != NULL && atoi(columns) > 0)
		format_set_width(atoi(columns));
}

int
format_width(void)
{
	return (width);
}

/* --- words --- */

/*
 * The next character of s, how many bytes it has and columns it takes; what
 * cannot be printed is '?'.  A tab is a blank at which no line is broken.
 */
static size_t
character(const char *s, const char **shown, int *columns)
{
	wchar_t		 wc;
	mbstate_t	 state;
	size_t		 n;

	*columns = 1;
	*shown = " ";
	if (*s == '\t')
		return (1);
	memset(&state, 0, sizeof(state));
	n = mbrtowc(&wc, s, MB_LEN_MAX, &state);
	*shown = s;
	if (n == (size_t)-1 || n == (size_t)-2 || n == 0)
		n = 0;
	*columns = n == 0 || !iswprint((wint_t)wc) ? -1 : wcwidth(wc);
	if (*columns >= 0)
		return (n);
	*shown = "?";
	*columns = 1;
	return (n == 0 ? 1 : n);
}

const char *
format_cut(const char *s, int columns)
{
	char		*buf = buffer();
	const char	*shown;
	size_t		 len = 0, n;
	int		 used = 0, w;
	size_t		 mark = 0;

	/* mark: to where it fits with a sign that it was cut. */
	for (; *s != '\0'; s += n) {
		n = character(s, &shown, &w);
		if (used + w > columns || len + MB_LEN_MAX >= TEXT_MAX) {
			buf[mark] = '~';
			len = mark + 1;
			break;
		}
		if (used + w < columns)
			mark = len + (shown != s ? 1 : n);
		if (shown != s)
			buf[len++] = *shown;
		else {
			memcpy(buf + len, s, n);
			len += n;
		}
		used += w;
	}
	buf[len] = '\0';
	return (buf);
}

const char *
format_clean(const char *s)
{
	return (format_cut(s, INT_MAX / 2));
}

static int
columns_of(const char *s)
{
	const char	*shown;
	size_t		 n;
	int		 w, used = 0;

	for (; *s != '\0'; s += n) {
		n = character(s, &shown, &w);
		used += w;
	}
	return (used);
}

static void
blanks(FILE *f, int n)
{
	while (n-- > 0)
		putc(' ', f);
}

void
format_left(FILE *f, const char *s, int columns)
{
	s = format_cut(s, columns);
	fputs(s, f);
	blanks(f, columns - columns_of(s));
}

void
format_right(FILE *f, const char *s, int columns)
{
	blanks(f, columns - columns_of(s));
	fputs(s, f);
}

/* One word of that many bytes, which may be longer than a line. */
static void
put_word(FILE *f, int *at, int indent, int first, const char *word)
{
	const char	*shown;
	size_t		 n;
	int		 w, used = columns_of(word);

	if (*at + !first + used > width && *at > indent) {
		putc('\n', f);
		blanks(f, *at = indent);
	} else if (!first) {
		putc(' ', f);
		(*at)++;
	}
	for (; *word != '\0'; word += n) {
		n = character(word, &shown, &w);
		if (*at + w > width) {
			putc('\n', f);
			blanks(f, *at = indent);
		}
		fwrite(shown, 1, shown == word ? n : 1, f);
		*at += w;
	}
}

void
format_words(FILE *f, int at, int indent, const char *words)
{
	char	 copy[TEXT_MAX], *p, *word;
	int	 first = 1;

	strlcpy(copy, words, sizeof(copy));
	p = copy;
	while ((word = strsep(&p, " ")) != NULL) {
		if (*word == '\0')
			continue;
		put_word(f, &at, indent, first, word);
		first = 0;
	}
	putc('\n', f);
}

void
format_field(FILE *f, const char *label, const char *fmt, ...)
{
	char	 text[TEXT_MAX];
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	format_left(f, label, FIELD_INDENT - 1);
	putc(' ', f);
	format_words(f, FIELD_INDENT, FIELD_INDENT, text);
}

/* --- numbers --- */

static int
local(int64_t t, struct tm *tm)
{
	time_t	 tt = (time_t)t;

	return (t != 0 && localtime_r(&tt, tm) != NULL);
}

const char *
format_time(int64_t t)
{
	char		*buf = buffer();
	struct tm	 tm;

	if (!local(t, &tm) ||
	    strftime(buf, TEXT_MAX, "%Y-%m-%d %H:%M", &tm) == 0)
		strlcpy(buf, "-", TEXT_MAX);
	return (buf);
}

const char *
format_clock(int64_t t)
{
	char		*buf = buffer();
	struct tm	 tm;

	if (!local(t, &tm) || strftime(buf, TEXT_MAX, "%H:%M:%S", &tm) == 0)
		strlcpy(buf, "-", TEXT_MAX);
	return (buf);
}

const char *
format_size(uint64_t n)
{
	char	*buf = buffer();

	if (n < 10 * 1024)
		snprintf(buf, TEXT_MAX, "%" PRIu64, n);
	else if (n < 10 * 1024 * 1024)
		snprintf(buf, TEXT_MAX, "%" PRIu64 "K", n / 1024);
	else
		snprintf(buf, TEXT_MAX, "%" PRIu64 "M", n / 1024 / 1024);
	return (buf);
}

const char *
format_bytes(uint64_t n)
{
	char	*buf = buffer();

	if (n < 10 * 1024)
		snprintf(buf, TEXT_MAX, "%" PRIu64 "\tbyte%s", n,
		    n == 1 ? "" : "s");
	else if (n < 10 * 1024 * 1024)
		snprintf(buf, TEXT_MAX, "%" PRIu64 "\tKB", n / 1024);
	else
		snprintf(buf, TEXT_MAX, "%" PRIu64 "\tMB", n / 1024 / 1024);
	return (buf);
}

const char *
format_duration(uint64_t s)
{
	char	*buf = buffer();

	if (s < 3600)
		snprintf(buf, TEXT_MAX, "%" PRIu64 ":%02" PRIu64, s / 60,
		    s % 60);
	else
		snprintf(buf, TEXT_MAX, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
		    s / 3600, s / 60 % 60, s % 60);
	return (buf);
}

const char *
format_span(uint64_t s)
{
	char		*buf = buffer();
	uint64_t	 m = (s + 30) / 60, h = m / 60;

	if (s < 120)
		snprintf(buf, TEXT_MAX, "%" PRIu64 "\ts", s);
	else if (h < 1)
		snprintf(buf, TEXT_MAX, "%" PRIu64 "\tmin", m);
	else if (h < 48 && m % 60 != 0)
		snprintf(buf, TEXT_MAX, "%" PRIu64 "\th\t%" PRIu64 "\tmin", h,
		    m % 60);
	else if (h < 48)
		snprintf(buf, TEXT_MAX, "%" PRIu64 "\th", h);
	else
		snprintf(buf, TEXT_MAX, "%" PRIu64 "\tdays", (h + 12) / 24);
	return (buf);
}

int
format_digits(uint64_t m)
{
	return (m % 1000 == 0 ? 0 : m % 10 == 0 ? 2 : 3);
}

const char *
format_money_to(uint64_t m, int digits)
{
	char	*buf = buffer();

	if (digits == 0)
		snprintf(buf, TEXT_MAX, "%" PRIu64,
		    m / 1000 + (m % 1000 >= 500));
	else if (digits == 3)
		snprintf(buf, TEXT_MAX, "%" PRIu64 ".%03" PRIu64, m / 1000,
		    m % 1000);
	else {
		m = m / 10 + (m % 10 >= 5);
		snprintf(buf, TEXT_MAX, "%" PRIu64 ".%02" PRIu64, m / 100,
		    m % 100);
	}
	return (buf);
}

const char *
format_money(uint64_t m)
{
	return (format_money_to(m, format_digits(m)));
}

const char *
format_cost(uint64_t m, const char *currency)
{
	char	*buf = buffer();

	snprintf(buf, TEXT_MAX, "%s%s%s", format_money(m),
	    currency[0] != '\0' ? "\t" : "", format_clean(currency));
	return (buf);
}

const char *
format_count(uint64_t n, const char *noun)
{
	char	*buf = buffer();

	snprintf(buf, TEXT_MAX, "%" PRIu64 " %s%s", n, noun,
	    n == 1 ? "" : "s");
	return (buf);
}

/* --- bars --- */

/* In eighths of a column, where the locale has them. */
static const char *const eighths[] = {
	"", "\xe2\x96\x8f", "\xe2\x96\x8e", "\xe2\x96\x8d", "\xe2\x96\x8c",
	"\xe2\x96\x8b", "\xe2\x96\x8a", "\xe2\x96\x89", "\xe2\x96\x88"
};

const char *
format_bar(uint64_t n, uint64_t max, int columns)
{
	char		*buf = buffer();
	uint64_t	 steps, all = (uint64_t)columns * 8;

	*buf = '\0';
	if (columns <= 0 || max == 0)
		return (buf);
	steps = n >= max ? all : n > UINT64_MAX / all ? n / (max / all + 1) :
	    n * all / max;
	/* What is not nothing can be seen. */
	if (n > 0 && steps == 0)
		steps = 1;
	if (!utf8)
		steps = (steps + (n >= max ? 0 : 4)) / 8 * 8;
	if (!utf8 && n > 0 && steps == 0)
		steps = 8;
	for (; steps >= 8; steps -= 8)
		strlcat(buf, utf8 ? eighths[8] : "#", TEXT_MAX);
	strlcat(buf, eighths[steps], TEXT_MAX);
	return (buf);
}
