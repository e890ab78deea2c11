/* See LICENSE for the terms. */
/* The configuration file: read, checked, printed. */
#ifndef PARENT_PARSE_H
#define PARENT_PARSE_H

#include <stddef.h>
#include <stdio.h>

#include "conf.h"

#define PARSE_NOWARN	0x01	/* errors only: warnings were said before */
#define PARSE_NOINCLUDE	0x02	/* "include" is an error, and
				 * "aliases" is not read */
#define PARSE_FILES	0x04	/* look at the files that it names, too */

/* What print_config shows of a password; it parses, but is no secret. */
#define PARSE_MASK	"********"

/*
 * Reads, parses and checks the file at path and those that it includes.
 * Everything that is wrong is logged by log_warnx as "path:line: what".
 * Returns a configuration that is the caller's (conf_free), with every
 * default filled in; NULL when there was any error.  Not re-entrant.
 */
struct conf	*parse_config(const char *path, int flags);

/* The same from memory; path serves for messages and relative includes. */
struct conf	*parse_config_bytes(const char *path, const char *, size_t,
		    int flags);

/*
 * Prints a configuration so that it parses again to the same, but for the
 * passwords, which are PARSE_MASK.  On standard output, or to a stream.
 */
void		 print_config(const struct conf *);
void		 print_config_to(FILE *, const struct conf *);

#endif
