/* See LICENSE for the terms. */
/* A file in the format of /etc/aliases. */
#ifndef PARENT_ALIASES_H
#define PARENT_ALIASES_H

#include <stddef.h>
#include <stdint.h>

#define ALIAS_TEXT_MAX	320		/* bytes of a name or of a target */

/* A name begins, when target is NULL; else one more whom it stands for. */
typedef void	 aliases_found(void *arg, uint32_t line, const char *name,
		    const char *target);
/* What is wrong in this line. */
typedef void	 aliases_wrong(void *arg, uint32_t line, const char *why);

/*
 * "name: one, two" in lines that end in a newline; a line that begins with a
 * blank goes on the one before; "#" at the begin of a word begins a comment;
 * names and targets may be quoted, with a backslash before a quote or another.
 * A backslash in front of a word that is not quoted is kept.  What the words
 * are is not looked at.  Goes on after what is wrong.  Pure.
 */
void	 aliases_parse(const char *, size_t, aliases_found *, aliases_wrong *,
	    void *arg);

#endif
