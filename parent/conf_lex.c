/* See LICENSE for the terms. */
/*
 * The words of a configuration file.  Input comes from a stack: files that
 * include each other, and on top the macro that is being expanded, whose
 * text is read as if it stood in the file, though a "$" in it is an ordinary
 * character, so that macros cannot grow without end, and so is a "#", so
 * that no password is cut off there in silence.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_lex.h"

#define FILE_MAX	(4 * 1024 * 1024) /* ten thousand users fit in */
#define DEPTH_MAX	16		/* files in files */

struct chunk {				/* of memory that was handed out */
	TAILQ_ENTRY(chunk)	 entry;
	size_t			 len;
	uint64_t		 data[];
};

struct macro {
	TAILQ_ENTRY(macro)	 entry;
	char			*name;
	char			*text;
	struct lex_file		*origin;
};

struct source {
	TAILQ_ENTRY(source)	 entry;
	struct lex_file		*origin;
	const char		*p;
	const char		*end;
	uint32_t		 line;
	int			 macro;		/* not a file of its own */
	int			 depth;		/* open braces at its start */
	int			 ended;		/* last newline was given */
};

struct lex {
	TAILQ_HEAD(, lex_file)	 files;
	TAILQ_HEAD(, source)	 sources;	/* the current one first */
	TAILQ_HEAD(, macro)	 macros;
	TAILQ_HEAD(, chunk)	 chunks;
	lex_error		*error;
	struct lex_pos		 last;		/* where input ended */
	int			 depth;		/* open braces */
	int			 nfiles;	/* on the stack */
};

static void	 free_file(struct lex_file *);
static int	 read_bytes(int, struct lex_file *);
static int	 push(struct lex *, struct lex_file *, const char *, size_t,
		    int);
static void	 pop(struct lex *);
static struct lex_pos
		 position(struct lex *);
static int	 end_of_source(struct lex *, struct lex_token *);
static void	 skip_blanks(struct source *);
static void	 give_punct(struct lex *, struct lex_token *, int);
static void	 give_error(struct lex *, struct lex_token *, const char *);
static int	 expand(struct lex *, struct lex_token *);
static void	 give_string(struct lex *, struct lex_token *);
static void	 give_word(struct lex *, struct lex_token *);
static int	 is_word(const struct source *);

struct lex *
lex_new(lex_error *error)
{
	struct lex *lex;

	if ((lex = calloc(1, sizeof(*lex))) == NULL)
		return (NULL);
	TAILQ_INIT(&lex->files);
	TAILQ_INIT(&lex->sources);
	TAILQ_INIT(&lex->macros);
	TAILQ_INIT(&lex->chunks);
	lex->error = error;
	return (lex);
}

void
lex_free(struct lex *lex)
{
	struct lex_file *f;
	struct chunk *c;

	if (lex == NULL)
		return;
	while (!TAILQ_EMPTY(&lex->sources))
		pop(lex);
	while ((f = TAILQ_FIRST(&lex->files)) != NULL) {
		TAILQ_REMOVE(&lex->files, f, entry);
		free_file(f);
	}
	/* Macros and the text of tokens are all in here. */
	while ((c = TAILQ_FIRST(&lex->chunks)) != NULL) {
		TAILQ_REMOVE(&lex->chunks, c, entry);
		freezero(c, sizeof(*c) + c->len);
	}
	free(lex);
}

static void
free_file(struct lex_file *f)
{
	free(f->path);
	freezero(f->bytes, f->len);
	free(f);
}

void *
lex_alloc(struct lex *lex, size_t len)
{
	struct chunk *c;

	if ((c = calloc(1, sizeof(*c) + len)) == NULL)
		return (NULL);
	c->len = len;
	TAILQ_INSERT_HEAD(&lex->chunks, c, entry);
	return (c->data);
}

char *
lex_path(struct lex *lex, const char *path, struct lex_pos pos)
{
	const char *slash;
	char *s;
	size_t len;

	len = 0;
	if (path[0] != '/' && pos.file != NULL &&
	    (slash = strrchr(pos.file->path, '/')) != NULL)
		len = (size_t)(slash - pos.file->path) + 1;
	if ((s = lex_alloc(lex, len + strlen(path) + 1)) == NULL)
		return (NULL);
	if (len > 0)
		memcpy(s, pos.file->path, len);
	memcpy(s + len, path, strlen(path) + 1);
	return (s);
}

int
lex_open(struct lex *lex, const char *path, struct lex_pos pos)
{
	struct lex_file *f;

	if (lex->nfiles >= DEPTH_MAX) {
		lex->error(pos, "files include each other too deep");
		return (-1);
	}
	if ((f = lex_read(lex, path, pos)) == NULL)
		return (-1);
	return (push(lex, f, f->bytes, f->len, 0));
}

int
lex_bytes(struct lex *lex, const char *path, const char *bytes, size_t len)
{
	struct lex_file *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return (-1);
	TAILQ_INSERT_TAIL(&lex->files, f, entry);
	if ((f->path = strdup(path)) == NULL ||
	    (f->bytes = malloc(len + 1)) == NULL)
		return (-1);
	f->len = len;
	if (len > 0)
		memcpy(f->bytes, bytes, len);
	return (push(lex, f, f->bytes, len, 0));
}

/* Reads and keeps a file; NULL after an error was told. */
struct lex_file *
lex_read(struct lex *lex, const char *path, struct lex_pos pos)
{
	struct stat st;
	struct lex_file *f = NULL;
	int fd;

	/* O_NONBLOCK: to open a FIFO must not stop the daemon. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 || fstat(fd, &st) == -1) {
		lex->error(pos, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		lex->error(pos, "%s: not a plain file", path);
		goto fail;
	}
	if (st.st_uid != 0 && st.st_uid != getuid()) {
		lex->error(pos, "%s: belongs to neither root nor the user who "
		    "runs this", path);
		goto fail;
	}
	if (st.st_size > FILE_MAX) {
		lex->error(pos, "%s: larger than %d bytes", path, FILE_MAX);
		goto fail;
	}
	if ((f = calloc(1, sizeof(*f))) == NULL ||
	    (f->path = strdup(path)) == NULL ||
	    (f->bytes = malloc((size_t)st.st_size + 1)) == NULL) {
		lex->error(pos, "%s: %s", path, strerror(errno));
		goto fail;
	}
	f->mode = st.st_mode;
	f->len = (size_t)st.st_size;
	if (read_bytes(fd, f) == -1) {
		lex->error(pos, "%s: %s", path, strerror(errno));
		goto fail;
	}
	close(fd);
	TAILQ_INSERT_TAIL(&lex->files, f, entry);
	return (f);
fail:
	if (fd != -1)
		close(fd);
	if (f != NULL)
		free_file(f);
	return (NULL);
}

/* Fills the file's memory; a file that became shorter is short. */
static int
read_bytes(int fd, struct lex_file *f)
{
	size_t have = 0;
	ssize_t n;

	while (have < f->len) {
		n = read(fd, f->bytes + have, f->len - have);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (-1);
		if (n == 0)
			break;
		have += (size_t)n;
	}
	f->len = have;
	return (0);
}

static int
push(struct lex *lex, struct lex_file *origin, const char *bytes, size_t len,
    int macro)
{
	struct source *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (-1);
	s->origin = origin;
	s->p = bytes;
	s->end = bytes + len;
	s->line = 1;
	s->macro = macro;
	s->depth = lex->depth;
	TAILQ_INSERT_HEAD(&lex->sources, s, entry);
	if (!macro)
		lex->nfiles++;
	return (0);
}

static void
pop(struct lex *lex)
{
	struct source *s = TAILQ_FIRST(&lex->sources);

	if (!s->macro)
		lex->nfiles--;
	TAILQ_REMOVE(&lex->sources, s, entry);
	free(s);
}

/* A macro is used in the file below it: that is where the reader looks. */
static struct lex_pos
position(struct lex *lex)
{
	struct source *s = TAILQ_FIRST(&lex->sources);

	if (s != NULL && s->macro)
		s = TAILQ_NEXT(s, entry);
	if (s != NULL) {
		lex->last.file = s->origin;
		lex->last.line = s->line;
	}
	return (lex->last);
}

int
lex_define(struct lex *lex, const char *name, const char *text,
    struct lex_file *origin)
{
	struct macro *m;

	if ((m = lex_alloc(lex, sizeof(*m))) == NULL ||
	    (m->name = lex_alloc(lex, strlen(name) + 1)) == NULL ||
	    (m->text = lex_alloc(lex, strlen(text) + 1)) == NULL)
		return (-1);
	memcpy(m->name, name, strlen(name));
	memcpy(m->text, text, strlen(text));
	m->origin = origin;
	/* In front, so that the newest of a name is found. */
	TAILQ_INSERT_HEAD(&lex->macros, m, entry);
	return (0);
}

void
lex_token(struct lex *lex, struct lex_token *t)
{
	struct source *s;

	memset(t, 0, sizeof(*t));
	for (;;) {
		if ((s = TAILQ_FIRST(&lex->sources)) == NULL) {
			t->kind = LEX_EOF;
			t->pos = lex->last;
			return;
		}
		skip_blanks(s);
		t->pos = position(lex);
		t->origin = s->origin;
		if (s->p == s->end) {
			if (end_of_source(lex, t))
				return;
		} else if (*s->p == '$' && !s->macro) {
			if (expand(lex, t))
				return;
		} else
			break;
	}
	if (strchr("{}=,\n", *s->p) != NULL && *s->p != '\0')
		give_punct(lex, t, *s->p++);
	else if (*s->p == '"' || *s->p == '\'')
		give_string(lex, t);
	else
		give_word(lex, t);
}

void
lex_skip_block(struct lex *lex)
{
	struct lex_token t;

	while (lex->depth > 0) {
		lex_token(lex, &t);
		if (t.kind == LEX_EOF)
			break;
	}
}

/*
 * The end of a macro or file.  1 when there is a token to give: a last line
 * without a newline is given one, and braces that are open are closed, after
 * an error, so that an included file cannot close those of another.
 */
static int
end_of_source(struct lex *lex, struct lex_token *t)
{
	struct source *s = TAILQ_FIRST(&lex->sources);

	if (!s->macro && lex->depth > s->depth) {
		lex->error(t->pos, "the file ends before the block's \"}\"");
		give_punct(lex, t, '}');
		return (1);
	}
	if (!s->macro && !s->ended) {
		s->ended = 1;
		give_punct(lex, t, '\n');
		return (1);
	}
	pop(lex);
	return (0);
}

static void
skip_blanks(struct source *s)
{
	while (s->p < s->end) {
		if (*s->p == ' ' || *s->p == '\t')
			s->p++;
		else if (*s->p == '\r' && s->end - s->p > 1 &&
		    s->p[1] == '\n')
			s->p++;
		else if (*s->p == '\\' && s->end - s->p > 1 &&
		    s->p[1] == '\n') {
			s->p += 2;
			s->line++;
		} else if (*s->p == '#' && !s->macro) {
			while (s->p < s->end && *s->p != '\n')
				s->p++;
		} else
			break;
	}
}

static void
give_punct(struct lex *lex, struct lex_token *t, int c)
{
	t->kind = LEX_PUNCT;
	t->punct = c;
	if (c == '{')
		lex->depth++;
	else if (c == '}' && lex->depth > 0)
		lex->depth--;
	else if (c == '\n')
		TAILQ_FIRST(&lex->sources)->line++;
}

/* Says what is wrong and drops the rest of the line. */
static void
give_error(struct lex *lex, struct lex_token *t, const char *what)
{
	struct source *s;

	lex->error(t->pos, "%s", what);
	if ((s = TAILQ_FIRST(&lex->sources))->macro) {
		pop(lex);
		s = TAILQ_FIRST(&lex->sources);
	}
	while (s->p < s->end && *s->p != '\n')
		s->p++;
	t->kind = LEX_ERROR;
}

/* $name: goes on in its text.  1 if that is an error, then in the token. */
static int
expand(struct lex *lex, struct lex_token *t)
{
	struct source *s = TAILQ_FIRST(&lex->sources);
	struct macro *m;
	const char *name;
	size_t len;

	name = ++s->p;
	while (is_word(s) && (*s->p == '_' ||
	    (*s->p >= '0' && *s->p <= '9') ||
	    (*s->p >= 'A' && *s->p <= 'Z') ||
	    (*s->p >= 'a' && *s->p <= 'z')))
		s->p++;
	len = (size_t)(s->p - name);
	TAILQ_FOREACH(m, &lex->macros, entry) {
		if (strlen(m->name) == len && memcmp(m->name, name, len) == 0)
			break;
	}
	if (m == NULL) {
		lex->error(t->pos, "the macro \"%.*s\" is not defined",
		    len > 64 ? 64 : (int)len, name);
		while (s->p < s->end && *s->p != '\n')
			s->p++;
		t->kind = LEX_ERROR;
		return (1);
	}
	if (push(lex, m->origin, m->text, strlen(m->text), 1) == -1) {
		give_error(lex, t, strerror(ENOMEM));
		return (1);
	}
	return (0);
}

/*
 * A string in quotes of either kind.  \" (or \') and \\ stand for the
 * character, any other backslash for itself, since modems have commands
 * with backslashes.
 */
static void
give_string(struct lex *lex, struct lex_token *t)
{
	struct source *s = TAILQ_FIRST(&lex->sources);
	const char *p;
	char *out, quote = *s->p;

	for (p = s->p + 1; p < s->end && *p != quote && *p != '\n'; p++) {
		if (*p == '\\' && s->end - p > 1 &&
		    (p[1] == quote || p[1] == '\\'))
			p++;
		else if ((unsigned char)*p < ' ' || *p == 0x7f) {
			give_error(lex, t, "a control character in a string");
			return;
		}
	}
	if (p >= s->end || *p != quote) {
		give_error(lex, t, "a string without a closing quote");
		return;
	}
	if ((out = lex_alloc(lex, (size_t)(p - s->p))) == NULL) {
		give_error(lex, t, strerror(ENOMEM));
		return;
	}
	t->kind = LEX_STRING;
	t->text = out;
	for (s->p++; s->p < p; s->p++) {
		if (*s->p == '\\' && (s->p[1] == quote || s->p[1] == '\\'))
			s->p++;
		*out++ = *s->p;
	}
	s->p++;
}

static int
is_word(const struct source *s)
{
	unsigned char c;

	if (s->p == s->end)
		return (0);
	c = (unsigned char)*s->p;
	if (c <= ' ' || c == 0x7f || strchr("{}=,\"'", c) != NULL)
		return (0);
	return (s->macro || (c != '$' && c != '#'));
}

static void
give_word(struct lex *lex, struct lex_token *t)
{
	struct source *s = TAILQ_FIRST(&lex->sources);
	const char *start = s->p;
	size_t len;

	while (is_word(s))
		s->p++;
	if ((len = (size_t)(s->p - start)) == 0) {
		give_error(lex, t, "a control character");
		return;
	}
	/* Half a password would be found out in a call that is paid for. */
	if (s->p < s->end && *s->p == '#') {
		give_error(lex, t, "a \"#\" in a word: it needs quotes, a "
		    "comment a blank");
		return;
	}
	if ((t->text = lex_alloc(lex, len + 1)) == NULL) {
		give_error(lex, t, strerror(ENOMEM));
		return;
	}
	memcpy(t->text, start, len);
	t->kind = LEX_WORD;
}
