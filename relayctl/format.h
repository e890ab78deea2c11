/* See LICENSE for the terms. */
/*
 * Text for people, in lines of the terminal's width.  What is returned stays
 * for some calls more.
 */
#ifndef RELAYCTL_FORMAT_H
#define RELAYCTL_FORMAT_H

#include <stdint.h>
#include <stdio.h>

/* Looks at the locale and at the terminal, if there is one. */
void		 format_init(void);
/* Columns: 80 where nothing else is known. */
int		 format_width(void);
void		 format_set_width(int);	/* and for tests */
void		 format_set_utf8(int);

/* What came over the line is shown, not obeyed, by the terminal. */
const char	*format_clean(const char *);
/* The same, and cut to so many columns. */
const char	*format_cut(const char *, int columns);
/* "2026-11-28 06:00", "06:00:10"; "-" for 0. */
const char	*format_time(int64_t);
const char	*format_clock(int64_t);
/* "8192", "120K", "34M"; and in words: "8192 bytes", "120 KB", "34 MB". */
const char	*format_size(uint64_t);
const char	*format_bytes(uint64_t);
/* "1:45", "1:02:03"; and in words: "45 s", "12 min", "2 h 10 min", "3 d". */
const char	*format_duration(uint64_t seconds);
const char	*format_span(uint64_t seconds);
/* Money is in 1/1000: "20", "0.35"; with the currency, if there is one. */
const char	*format_money(uint64_t);
/* ... for columns: rounded to so many digits behind the point; and how many
 * (0, 2 or 3) a sum needs. */
const char	*format_money_to(uint64_t, int digits);
int		 format_digits(uint64_t);
const char	*format_cost(uint64_t, const char *currency);
/* "1 message", "2 messages". */
const char	*format_count(uint64_t, const char *noun);
/* n of max in so many columns. */
const char	*format_bar(uint64_t n, uint64_t max, int columns);

/* Two cells of a table: padded on the right, or on the left. */
void		 format_left(FILE *, const char *, int columns);
void		 format_right(FILE *, const char *, int columns);
/* Words, the first at column `at`, further lines indented; ends the line. */
void		 format_words(FILE *, int at, int indent, const char *words);
/* A label, and at column 10 the words. */
void		 format_field(FILE *, const char *label, const char *fmt, ...)
		    __attribute__((__format__ (printf, 3, 4)));

#endif
