/* See LICENSE for the terms. */
/*
 * Words of a configuration file: strings, macros, included files.  Bytes in,
 * tokens out; the only descriptors are those of included files.  All memory
 * that is handed out lives until lex_free, which overwrites it, since there
 * are passwords in it.
 */
#ifndef PARENT_CONF_LEX_H
#define PARENT_CONF_LEX_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stddef.h>
#include <stdint.h>

/* A file that was read, and who besides its owner can touch it. */
struct lex_file {
	TAILQ_ENTRY(lex_file)	 entry;
	char			*path;
	char			*bytes;
	size_t			 len;
	mode_t			 mode;		/* as fstat says; 0: no file */
	int			 told_secret;	/* complained of once */
	int			 told_command;
};

/* A place to complain about. */
struct lex_pos {
	struct lex_file	*file;
	uint32_t	 line;
};

enum lex_kind {
	LEX_EOF,
	LEX_WORD,		/* not quoted: perhaps a keyword */
	LEX_STRING,		/* quoted */
	LEX_PUNCT,		/* { } = , and the end of a line */
	LEX_ERROR		/* said already; the rest of the line is gone */
};

struct lex_token {
	enum lex_kind	 kind;
	char		*text;		/* LEX_WORD, LEX_STRING */
	int		 punct;		/* LEX_PUNCT */
	struct lex_pos	 pos;		/* where it is used */
	struct lex_file	*origin;	/* where its text is written */
};

struct lex;

/* Told of each error; the format makes a text without file and line. */
typedef void	 lex_error(struct lex_pos, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));

struct lex	*lex_new(lex_error *);
void		 lex_free(struct lex *);

/*
 * Reads a file whole and takes tokens from it until its end, then again from
 * where it was called.  Refused, with an error at the position, are files
 * that are not plain, that belong to neither root nor the user who runs
 * this, that are too large, or nested too deep.  0 or -1.
 */
int		 lex_open(struct lex *, const char *path, struct lex_pos);
/* Reads such a file, and takes no tokens from it; NULL after an error. */
struct lex_file	*lex_read(struct lex *, const char *path, struct lex_pos);
/* The same as lex_open from memory, which is copied. */
int		 lex_bytes(struct lex *, const char *path, const char *,
		    size_t);
/* Path as seen from the file at the position: absolute, or beside it. */
char		*lex_path(struct lex *, const char *path, struct lex_pos);

void		 lex_token(struct lex *, struct lex_token *);
/* Drops tokens until all braces that are open now are closed. */
void		 lex_skip_block(struct lex *);

/* $name is now this text; the text comes from the file.  0 or -1. */
int		 lex_define(struct lex *, const char *name, const char *text,
		    struct lex_file *origin);

/* Memory that lives until lex_free; NULL with ENOMEM. */
void		*lex_alloc(struct lex *, size_t);

#endif
