/* See LICENSE for the terms. */
/*
 * What the files behind the grammar share.  conf_build.c has errors and
 * single values, conf_build_mail.c what is said of mail, conf_build_line.c of
 * lines, conf_build_dial.c of when to dial.
 */
#ifndef PARENT_CONF_BUILD_INTERNAL_H
#define PARENT_CONF_BUILD_INTERNAL_H

#include <sys/types.h>

#include "conf.h"
#include "conf_build.h"
#include "conf_lex.h"

#define LOGIN_MAX	255		/* of each half: RFC 4616, pppd(8) */
#define ARGUMENT_MAX	1024		/* of commands and options */

/* An error that is the end of all. */
void	 build_no_memory(struct build *, struct lex_pos);
/* The word, quoted, and what is wrong with it. */
void	 build_wrong(struct build *, struct word, const char *);
/* Keeps where a part was written; 1 if it was kept before, else 0. */
int	 build_remember(struct build *, const void *, struct lex_pos);
/* 1 for a field that was not set yet; else 0, after an error. */
int	 build_first_time(struct build *, struct word key, const void *field);
/* To be freed; NULL after an error. */
char	*build_copy(struct build *, struct word at, const char *);
void	 build_add_string(struct build *, struct strlist *, struct word at,
	    const char *);

/* These give 1, or 0 after an error. */

/* Neither empty nor long; the text itself may be a secret. */
int	 build_short_enough(struct build *, struct word, const char *what,
	    size_t max);
/* A password, in a file that is secret enough for it (C2). */
int	 build_check_secret(struct build *, struct word);
/* The same of what may be empty, and is as long as a chat's string. */
int	 build_check_said(struct build *, struct word);
int	 build_check_name(struct build *, struct word, size_t max);

#endif
