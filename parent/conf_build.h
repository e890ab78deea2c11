/* See LICENSE for the terms. */
/*
 * What the grammar does when it has recognised a statement: values are
 * checked and put into the configuration that is being built.  Errors are
 * told and counted, and the next statement is looked at as if the wrong one
 * were not there; no function here returns a failure.
 */
#ifndef PARENT_CONF_BUILD_H
#define PARENT_CONF_BUILD_H

#include <sys/types.h>
#include <sys/tree.h>

#include "conf.h"
#include "conf_lex.h"

struct word {				/* a token as the grammar sees it */
	const char		*text;	/* of a keyword too */
	struct lex_pos		 pos;
	struct lex_file		*origin;
};

struct words {				/* a list of them, in lex_alloc */
	struct words		*next;
	struct word		 word;
};

struct amount {				/* of a budget */
	struct word		 word;
	int			 calls;
};

struct where {				/* where a part of it was written */
	RB_ENTRY(where)		 entry;
	const void		*object;
	struct lex_pos		 pos;
};
RB_HEAD(wheres, where);

struct build {
	struct conf		*conf;
	struct lex		*lex;
	int			 flags;		/* PARSE_* */
	int			 errors;
	int			 syntax_errors;
	int			 stop;		/* no more tokens */
	struct wheres		 wheres;
	/* What the statements in a block, or the words of a line, are for. */
	struct conf_listener	*listener;
	struct conf_upstream	*upstream;
	struct conf_user	*user;
	struct conf_alias	*alias;		/* NULL: a wrong one */
	struct conf_account	*account;
	struct conf_tariff	*tariff;
	struct conf_line	*line;
	/* Stand in for those when memory has run out. */
	struct conf_listener	 no_listener;
	struct conf_upstream	 no_upstream;
	struct conf_user	 no_user;
	struct conf_account	 no_account;
	struct conf_tariff	 no_tariff;
	struct conf_line	 no_line;
};

/* Log, and count; a position without a file is left out. */
void	 build_error(struct build *, struct lex_pos, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));
void	 build_warn(struct build *, struct lex_pos, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));

void	 build_init(struct build *);
/* Where it was written, or NULL. */
const struct lex_pos
	*build_where(struct build *, const void *object);

/*
 * Single values: key is the word that names the statement.  A field can be
 * set once; a value that is wrong leaves it alone.
 */
void	 build_count(struct build *, struct word key, uint32_t *, struct word,
	    uint64_t min, uint64_t max);
void	 build_size(struct build *, struct word key, uint64_t *, struct word);
void	 build_duration(struct build *, struct word key, uint64_t *,
	    struct word);
void	 build_money(struct build *, struct word key, uint64_t *, struct word);
void	 build_string(struct build *, struct word key, char **, struct word);
void	 build_path(struct build *, struct word key, char **, struct word);
void	 build_hostname(struct build *, struct word key, struct word);
void	 build_currency(struct build *, struct word key, struct word);
void	 build_redial(struct build *, struct word key, int unrestricted,
	    struct word n, struct word within, struct word then);
void	 build_macro(struct build *, struct word name, struct words *);
void	 build_include(struct build *, struct word path);
void	 build_domain(struct build *, struct word);
void	 build_pki(struct build *, struct word key, struct word name,
	    struct word cert, struct word privkey);
struct words
	*build_words(struct build *, struct words *list, struct word);

void	 build_listener(struct build *, struct word key, struct word host);
void	 build_listener_port(struct build *, struct word port);
void	 build_listener_from(struct build *, struct words *);
/* The end of the statement: port and TLS as the service has them. */
void	 build_listener_end(struct build *, struct word service);

void	 build_upstream(struct build *, struct word key, struct word name);
/* user and password are NULL where there are none. */
void	 build_relay(struct build *, struct word key, struct word url,
	    const struct word *user, const struct word *password);
void	 build_fetch(struct build *, struct word key, struct word url);

void	 build_user(struct build *, struct word key, struct word name);
void	 build_addresses(struct build *, struct words *);
void	 build_alias(struct build *, struct word key, struct word name,
	    struct words *targets);
/* The file that "aliases" named, if it did. */
void	 build_alias_file(struct build *);
void	 build_no_plus(struct build *, struct word key);
void	 build_account(struct build *, struct word key, struct word upstream,
	    struct word login, struct word password);
/* how_long is NULL for ever. */
void	 build_keep(struct build *, struct word key,
	    const struct word *how_long);
void	 build_large(struct build *, struct word key, struct word);

void	 build_tariff(struct build *, struct word key, struct word name);
void	 build_rate(struct build *, const struct conf_span *,
	    struct word unit, struct word price);

void	 build_line(struct build *, struct word key, struct word name);
/* The end of the block. */
void	 build_line_end(struct build *, struct word key);
void	 build_speed(struct build *, struct word key, struct word);
void	 build_init_strings(struct build *, struct words *);
void	 build_phones(struct build *, struct words *);
void	 build_dial_mode(struct build *, struct word key, int pulse);
void	 build_no_ppp(struct build *, struct word key);
void	 build_ppp(struct build *, struct word key, const struct word *user,
	    const struct word *password, struct words *options);
void	 build_command(struct build *, struct word key, char **, struct word);
void	 build_flow(struct build *, struct word key, struct word);
void	 build_no_lock(struct build *, struct word key);
void	 build_linger(struct build *, struct word key);
/* What to expect and what to send, in turn. */
void	 build_chat(struct build *, struct word key, struct words *);
void	 build_chat_abort(struct build *, struct words *);

/* Fills in what was not said.  0, or -1 with ENOMEM. */
int	 conf_defaults(struct conf *);

/* Hours from a to b, or all but those. */
void	 build_between(struct build *, struct conf_span *, int not,
	    struct word a, struct word b);
/* Days, added to the span. */
void	 build_on(struct build *, struct conf_span *, struct words *days);
void	 build_rule(struct build *, struct word key, enum dial_condition,
	    const struct word *value, const struct conf_span *);
void	 build_hold(struct build *, struct word key, const struct conf_span *);
void	 build_budget(struct build *, struct amount, enum budget_period,
	    const struct amount *keep);
void	 build_breaker(struct build *, struct word key, struct word failures,
	    struct word pause);
/* A day of the holidays. */
void	 build_holiday(struct build *, struct word date);

#endif
