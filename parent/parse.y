/* See LICENSE for the terms. */
/*
 * The grammar of relayd.conf(5).  Words come from conf_lex.c, and what a
 * statement does is in conf_build.c.  Numbers, times, URLs and names are
 * words here; what they must look like depends on where they stand.
 */
%{
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "conf_build.h"
#include "conf_check.h"
#include "conf_files.h"
#include "conf_lex.h"
#include "log.h"
#include "parse.h"

int		 yyparse(void);
int		 yylex(void);
int		 yyerror(const char *);

static int	 keyword(const char *);
static void	 syntax_error(void);
static void	 lexical_error(struct lex_pos, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
static void	 check_report(void *, enum conf_level, const void *,
		    const char *, ...)
		    __attribute__((__format__(printf, 4, 5)));

/* What was read last, for messages. */
struct seen {
	struct lex_token	 token;
	int			 keyword;	/* token number, or 0 */
};

static struct build	*b;		/* what is being built */
static struct seen	 now, before;
static struct seen	 first;		/* of this statement */
static int		 first_is_now;
/* 2: the line has a password on it; 1: the one before had. */
static int		 secret;
static int		 chat;		/* that line is one with a chat */
static int		 wrong;		/* syntax errors before that line */
static int		 told;		/* the lexer has said what is wrong */
%}

%union {
	struct word		 word;
	struct words		*words;
	struct amount		 amount;
	struct conf_span	 span;
	struct {
		struct word		 key;
		enum dial_condition	 condition;
	} cond;
	uint32_t		 number;
}

%token <word> ABORT ADDRESS ADDRESSING AFTER AGE ALIAS ALIASES AND
%token <word> ANSWER AS AT BALANCE BETWEEN BREAKER
%token <word> BUDGET BULK CA CALLS CATCHALL CERT CHAT CONTROL COST CURRENCY DAY DEADLINE
%token <word> DIAL DOMAINS DOWN EMPTY EVERY EXPIRE FAILURES FETCH FLOW FOR FREE
%token <word> FROM HOLD HOLIDAYS HOSTNAME HOUR INCLUDE INIT KEEP KEY LARGE
%token <word> LARGER LINE LINGER LISTEN LOCAL LOCK MARGIN MAX MEGABYTE MESSAGE
%token <word> MESSAGES MINIMUM MODEM MONTH MOST NO NOT ON OPTIONS PARALLEL
%token <word> PASSWORD PAUSE PER PHONE PKI PLUS POP3 POP3S PORT POSTMASTER PPP PRICE
%token <word> PULSE READONLY REDIAL RELAY SECONDS SESSIONS SETUP SIZE SKIP SMTP
%token <word> SPEED SPOOL STALL STATUS SUBMISSION SUBMISSIONS TARIFF THEN
%token <word> TIMEOUT TLS TO TONE UNIT UNRESTRICTED UP UPSTREAM URGENT USER
%token <word> USERS WEEK WHEN WINDOW WINDOWS WITHIN
%token <word> WORD STRING
%token BAD

%type <word>	string service day
%type <words>	strings days on opton options
%type <span>	hours some span
%type <cond>	amountcond
%type <amount>	amount
%type <number>	period unrestricted

%%

grammar		: /* empty */
		| grammar '\n'
		| grammar macro '\n'
		| grammar INCLUDE string '\n'	{ build_include(b, $3); }
		| grammar global '\n'
		| grammar listen '\n'
		| grammar domains '\n'
		| grammar upstream '\n'
		| grammar user '\n'
		| grammar tariff '\n'
		| grammar line '\n'
		| grammar policy '\n'
		| grammar error '\n'		{
			yyerrok;
			/* What is in a block that is not known is skipped. */
			lex_skip_block(b->lex);
		}
		;

string		: STRING
		| WORD
		;

/* The commas of a list may be left out. */
strings		: string		{ $$ = build_words(b, NULL, $1); }
		| strings string	{ $$ = build_words(b, $1, $2); }
		| strings ',' string	{ $$ = build_words(b, $1, $3); }
		;

macro		: WORD '=' strings	{ build_macro(b, $1, $3); }
		;

global		: HOSTNAME string	{ build_hostname(b, $1, $2); }
		| SPOOL string	{
			build_path(b, $1, &b->conf->global.spool, $2);
		}
		| EMPTY string	{
			build_path(b, $1, &b->conf->global.empty, $2);
		}
		| CONTROL string	{
			build_path(b, $1, &b->conf->global.control, $2);
		}
		| CONTROL READONLY string	{
			build_path(b, $2, &b->conf->global.control_ro, $3);
		}
		| USERS string	{
			build_path(b, $1, &b->conf->global.users, $2);
		}
		| CA string	{
			build_path(b, $1, &b->conf->global.ca, $2);
		}
		| POSTMASTER string	{
			build_string(b, $1, &b->conf->global.postmaster, $2);
		}
		| MESSAGE MAX string	{
			build_size(b, $1, &b->conf->global.message_max, $3);
		}
		| SESSIONS string	{
			build_count(b, $1, &b->conf->global.sessions, $2, 1,
			    2000);	/* half of OPEN_FILES in main.c */
		}
		| SESSIONS PER ADDRESS string	{
			build_count(b, $1,
			    &b->conf->global.sessions_per_address, $4, 1,
			    2000);
		}
		| FETCH PARALLEL string	{
			build_count(b, $2, &b->conf->global.parallel, $3, 1,
			    30);	/* PARALLEL_MAX of fetchd */
		}
		| EXPIRE AFTER string WINDOWS	{
			build_count(b, $1, &b->conf->global.expire, $3, 1,
			    100000);
		}
		| PKI string CERT string KEY string	{
			build_pki(b, $1, $2, $4, $6);
		}
		| BULK WHEN LARGER string	{
			build_size(b, $3, &b->conf->global.bulk_larger, $4);
		}
		| BULK FOR AT MOST string	{
			build_duration(b, $4, &b->conf->global.bulk_after,
			    $5);
		}
		| ALIAS string TO strings	{
			build_alias(b, $1, $2, $4);
		}
		| ALIASES string	{
			build_path(b, $1, &b->conf->global.aliases, $2);
		}
		| CATCHALL string	{
			build_string(b, $1, &b->conf->global.catch_all, $2);
		}
		| NO PLUS ADDRESSING	{ build_no_plus(b, $2); }
		| CURRENCY string	{ build_currency(b, $1, $2); }
		| HOLIDAYS '{' datelist blockend
		;

datelist	: /* empty */
		| datelist '\n'
		| datelist ','
		| datelist string	{ build_holiday(b, $2); }
		| datelist error '\n'	{ yyerrok; }
		;

domains		: LOCAL DOMAINS '{' domainlist blockend
		;

domainlist	: /* empty */
		| domainlist '\n'
		| domainlist ','
		| domainlist string	{ build_domain(b, $2); }
		| domainlist error '\n'	{ yyerrok; }
		;

blockend	: '}'
		| error '}'		{ yyerrok; }
		;

listen		: LISTEN ON string	{ build_listener(b, $1, $3); }
		  listenport service listenopts	{
			build_listener_end(b, $6);
		}
		;

listenport	: /* empty */
		| PORT string		{ build_listener_port(b, $2); }
		;

service		: SMTP
		| SUBMISSION
		| SUBMISSIONS
		| POP3
		| POP3S
		;

listenopts	: /* empty */
		| listenopts TLS string	{
			build_string(b, $2, &b->listener->pki, $3);
		}
		| listenopts FROM strings	{ build_listener_from(b, $3); }
		;

upstream	: UPSTREAM string	{ build_upstream(b, $1, $2); }
		  '{' upstreamopts blockend
		;

upstreamopts	: /* empty */
		| upstreamopts '\n'
		| upstreamopts upstreamopt
		| upstreamopts error '\n'	{ yyerrok; }
		;

upstreamopt	: RELAY string	{
			build_relay(b, $1, $2, NULL, NULL);
		}
		| RELAY string USER string PASSWORD string	{
			build_relay(b, $1, $2, &$4, &$6);
		}
		| FETCH string		{ build_fetch(b, $1, $2); }
		| CA string		{
			build_path(b, $1, &b->upstream->ca, $2);
		}
		;

user		: USER string		{ build_user(b, $1, $2); }
		  '{' useropts blockend
		;

useropts	: /* empty */
		| useropts '\n'
		| useropts useropt
		| useropts error '\n'	{ yyerrok; }
		;

useropt		: ADDRESS strings	{ build_addresses(b, $2); }
		| FETCH string AS string PASSWORD string	{
			build_account(b, $1, $2, $4, $6);
		}
		  accountopts
		;

accountopts	: /* empty */
		| accountopts KEEP	{ build_keep(b, $2, NULL); }
		| accountopts KEEP string	{ build_keep(b, $2, &$3); }
		| accountopts LARGE string	{ build_large(b, $2, $3); }
		;

tariff		: TARIFF string		{ build_tariff(b, $1, $2); }
		  '{' tariffopts blockend
		;

tariffopts	: /* empty */
		| tariffopts '\n'
		| tariffopts tariffopt
		| tariffopts error '\n'	{ yyerrok; }
		;

tariffopt	: SETUP string		{
			build_money(b, $1, &b->tariff->setup, $2);
		}
		| PER MEGABYTE string	{
			build_money(b, $2, &b->tariff->per_megabyte, $3);
		}
		| FREE string		{
			build_duration(b, $1, &b->tariff->free, $2);
		}
		| MINIMUM string	{
			build_money(b, $1, &b->tariff->minimum, $2);
		}
		| FROM string TO string opton UNIT string PRICE string	{
			struct conf_span span;

			memset(&span, 0, sizeof(span));
			build_between(b, &span, 0, $2, $4);
			if ($5 != NULL)
				build_on(b, &span, $5);
			build_rate(b, &span, $7, $9);
		}
		| opton UNIT string PRICE string	{
			struct conf_span span;

			memset(&span, 0, sizeof(span));
			if ($1 != NULL)
				build_on(b, &span, $1);
			build_rate(b, &span, $3, $5);
		}
		;

line		: LINE string		{ build_line(b, $1, $2); }
		  '{' lineopts blockend	{ build_line_end(b, $1); }
		;

lineopts	: /* empty */
		| lineopts '\n'
		| lineopts lineopt
		| lineopts error '\n'	{ yyerrok; }
		;

lineopt		: MODEM string		{
			build_path(b, $1, &b->line->device, $2);
		}
		| MODEM string SPEED string	{
			build_path(b, $1, &b->line->device, $2);
			build_speed(b, $3, $4);
		}
		| DIAL TONE		{ build_dial_mode(b, $2, 0); }
		| DIAL PULSE		{ build_dial_mode(b, $2, 1); }
		| INIT strings		{ build_init_strings(b, $2); }
		| PHONE strings		{ build_phones(b, $2); }
		| NO PPP		{ build_no_ppp(b, $2); }
		| PPP options		{
			build_ppp(b, $1, NULL, NULL, $2);
		}
		| PPP USER string PASSWORD string options	{
			build_ppp(b, $1, &$3, &$5, $6);
		}
		| UP string		{
			build_command(b, $1, &b->line->up, $2);
		}
		| DOWN string		{
			build_command(b, $1, &b->line->down, $2);
		}
		| ANSWER string		{
			build_duration(b, $1, &b->line->answer, $2);
		}
		| WINDOW string		{
			build_duration(b, $1, &b->line->window, $2);
		}
		| TARIFF string		{
			build_string(b, $1, &b->line->tariff, $2);
		}
		| FLOW string		{ build_flow(b, $1, $2); }
		| LOCK string		{
			build_path(b, $1, &b->line->lock, $2);
		}
		| NO LOCK		{ build_no_lock(b, $2); }
		| CHAT strings		{ build_chat(b, $1, $2); }
		| CHAT ABORT strings	{ build_chat_abort(b, $3); }
		| CHAT TIMEOUT string	{
			build_duration(b, $2, &b->line->chat_timeout, $3);
		}
		| STATUS string		{
			build_command(b, $1, &b->line->status, $2);
		}
		| SKIP string		{
			build_count(b, $1, &b->line->skip, $2, 1, 100);
		}
		| LINGER		{ build_linger(b, $1); }
		| MARGIN string		{
			build_duration(b, $1, &b->line->margin, $2);
		}
		| STALL string		{
			build_duration(b, $1, &b->line->stall, $2);
		}
		;

options		: /* empty */		{ $$ = NULL; }
		| OPTIONS strings	{ $$ = $2; }
		;

policy		: DIAL WHEN amountcond string span	{
			build_rule(b, $3.key, $3.condition, &$4, &$5);
		}
		| DIAL WHEN URGENT span	{
			build_rule(b, $3, DIAL_URGENT, NULL, &$4);
		}
		| DIAL WHEN BALANCE string PER HOUR span	{
			build_rule(b, $3, DIAL_BALANCE, &$4, &$7);
		}
		| DIAL EVERY string span	{
			build_rule(b, $2, DIAL_EVERY, &$3, &$4);
		}
		| DIAL AT string opton	{
			struct conf_span span;

			memset(&span, 0, sizeof(span));
			if ($4 != NULL)
				build_on(b, &span, $4);
			build_rule(b, $2, DIAL_AT, &$3, &span);
		}
		| HOLD some		{ build_hold(b, $1, &$2); }
		| REDIAL unrestricted string WITHIN string THEN string	{
			build_redial(b, $1, (int)$2, $3, $5, $7);
		}
		| BREAKER string FAILURES PAUSE string	{
			build_breaker(b, $1, $2, $5);
		}
		| BUDGET budgets
		;

amountcond	: MESSAGES	{ $$.key = $1; $$.condition = DIAL_MESSAGES; }
		| SIZE		{ $$.key = $1; $$.condition = DIAL_SIZE; }
		| AGE		{ $$.key = $1; $$.condition = DIAL_AGE; }
		| SECONDS	{ $$.key = $1; $$.condition = DIAL_SECONDS; }
		| COST		{ $$.key = $1; $$.condition = DIAL_COST; }
		| DEADLINE	{ $$.key = $1; $$.condition = DIAL_DEADLINE; }
		;

unrestricted	: /* empty */		{ $$ = 0; }
		| UNRESTRICTED		{ $$ = 1; }
		;

budgets		: budget
		| budgets ',' budget
		;

budget		: amount PER period	{
			build_budget(b, $1, (enum budget_period)$3, NULL);
		}
		| amount PER period KEEP amount FOR URGENT	{
			build_budget(b, $1, (enum budget_period)$3, &$5);
		}
		;

amount		: string		{ $$.word = $1; $$.calls = 0; }
		| string CALLS		{ $$.word = $1; $$.calls = 1; }
		;

period		: DAY			{ $$ = BUDGET_DAY; }
		| WEEK			{ $$ = BUDGET_WEEK; }
		| MONTH			{ $$ = BUDGET_MONTH; }
		;

span		: /* empty */		{ memset(&$$, 0, sizeof($$)); }
		| some			{ $$ = $1; }
		;

some		: hours
		| hours on		{ $$ = $1; build_on(b, &$$, $2); }
		| on		{
			memset(&$$, 0, sizeof($$));
			build_on(b, &$$, $1);
		}
		| on hours		{ $$ = $2; build_on(b, &$$, $1); }
		;

hours		: BETWEEN string AND string	{
			memset(&$$, 0, sizeof($$));
			build_between(b, &$$, 0, $2, $4);
		}
		| NOT BETWEEN string AND string	{
			memset(&$$, 0, sizeof($$));
			build_between(b, &$$, 1, $3, $5);
		}
		;

opton		: /* empty */		{ $$ = NULL; }
		| on
		;

on		: ON days		{ $$ = $2; }
		;

days		: day		{ $$ = build_words(b, NULL, $1); }
		| days day	{ $$ = build_words(b, $1, $2); }
		| days ',' day	{ $$ = build_words(b, $1, $3); }
		;

day		: string
		| HOLIDAYS
		;

%%

static const struct keyword {
	const char	*name;
	int		 token;
} keywords[] = {		/* sorted */
	{ "abort",		ABORT },
	{ "address",		ADDRESS },
	{ "addressing",		ADDRESSING },
	{ "after",		AFTER },
	{ "age",		AGE },
	{ "alias",		ALIAS },
	{ "aliases",		ALIASES },
	{ "and",		AND },
	{ "answer",		ANSWER },
	{ "as",			AS },
	{ "at",			AT },
	{ "balance",		BALANCE },
	{ "between",		BETWEEN },
	{ "breaker",		BREAKER },
	{ "budget",		BUDGET },
	{ "bulk",		BULK },
	{ "ca",			CA },
	{ "calls",		CALLS },
	{ "catch-all",		CATCHALL },
	{ "cert",		CERT },
	{ "chat",		CHAT },
	{ "control",		CONTROL },
	{ "cost",		COST },
	{ "currency",		CURRENCY },
	{ "day",		DAY },
	{ "deadline",		DEADLINE },
	{ "dial",		DIAL },
	{ "domains",		DOMAINS },
	{ "down",		DOWN },
	{ "empty",		EMPTY },
	{ "every",		EVERY },
	{ "expire",		EXPIRE },
	{ "failures",		FAILURES },
	{ "fetch",		FETCH },
	{ "flow",		FLOW },
	{ "for",		FOR },
	{ "free",		FREE },
	{ "from",		FROM },
	{ "hold",		HOLD },
	{ "holidays",		HOLIDAYS },
	{ "hostname",		HOSTNAME },
	{ "hour",		HOUR },
	{ "include",		INCLUDE },
	{ "init",		INIT },
	{ "keep",		KEEP },
	{ "key",		KEY },
	{ "large",		LARGE },
	{ "larger",		LARGER },
	{ "line",		LINE },
	{ "linger",		LINGER },
	{ "listen",		LISTEN },
	{ "local",		LOCAL },
	{ "lock",		LOCK },
	{ "margin",		MARGIN },
	{ "max",		MAX },
	{ "megabyte",		MEGABYTE },
	{ "message",		MESSAGE },
	{ "messages",		MESSAGES },
	{ "minimum",		MINIMUM },
	{ "modem",		MODEM },
	{ "month",		MONTH },
	{ "most",		MOST },
	{ "no",			NO },
	{ "not",		NOT },
	{ "on",			ON },
	{ "options",		OPTIONS },
	{ "parallel",		PARALLEL },
	{ "password",		PASSWORD },
	{ "pause",		PAUSE },
	{ "per",		PER },
	{ "phone",		PHONE },
	{ "pki",		PKI },
	{ "plus",		PLUS },
	{ "pop3",		POP3 },
	{ "pop3s",		POP3S },
	{ "port",		PORT },
	{ "postmaster",		POSTMASTER },
	{ "ppp",		PPP },
	{ "price",		PRICE },
	{ "pulse",		PULSE },
	{ "read-only",		READONLY },
	{ "redial",		REDIAL },
	{ "relay",		RELAY },
	{ "seconds",		SECONDS },
	{ "sessions",		SESSIONS },
	{ "setup",		SETUP },
	{ "size",		SIZE },
	{ "skip",		SKIP },
	{ "smtp",		SMTP },
	{ "speed",		SPEED },
	{ "spool",		SPOOL },
	{ "stall",		STALL },
	{ "status",		STATUS },
	{ "submission",		SUBMISSION },
	{ "submissions",	SUBMISSIONS },
	{ "tariff",		TARIFF },
	{ "then",		THEN },
	{ "timeout",		TIMEOUT },
	{ "tls",		TLS },
	{ "to",			TO },
	{ "tone",		TONE },
	{ "unit",		UNIT },
	{ "unrestricted",	UNRESTRICTED },
	{ "up",			UP },
	{ "upstream",		UPSTREAM },
	{ "urgent",		URGENT },
	{ "user",		USER },
	{ "users",		USERS },
	{ "week",		WEEK },
	{ "when",		WHEN },
	{ "window",		WINDOW },
	{ "windows",		WINDOWS },
	{ "within",		WITHIN }
};

static int
keyword_cmp(const void *name, const void *k)
{
	return (strcmp(name, ((const struct keyword *)k)->name));
}

static int
keyword(const char *name)
{
	const struct keyword *k;

	k = bsearch(name, keywords, sizeof(keywords) / sizeof(keywords[0]),
	    sizeof(keywords[0]), keyword_cmp);
	return (k == NULL ? 0 : k->token);
}

int
yylex(void)
{
	int starts;

	told = 0;
	starts = now.token.kind == LEX_EOF ||
	    (now.token.kind == LEX_PUNCT && strchr("\n{}",
	    now.token.punct) != NULL);
	before = now;
	memset(&now, 0, sizeof(now));
	if (b->stop)
		return (0);
	lex_token(b->lex, &now.token);
	if (now.token.kind == LEX_WORD)
		now.keyword = keyword(now.token.text);
	if (starts)
		first = now;
	first_is_now = starts;
	if (now.keyword == PASSWORD || now.keyword == CHAT) {
		secret = 2;
		chat = now.keyword == CHAT;
		wrong = b->syntax_errors;
	}
	yylval.word.text = now.token.text;
	yylval.word.pos = now.token.pos;
	yylval.word.origin = now.token.origin;
	switch (now.token.kind) {
	case LEX_WORD:
		return (now.keyword != 0 ? now.keyword : WORD);
	case LEX_STRING:
		return (STRING);
	case LEX_PUNCT:
		if (now.token.punct == '\n' && secret > 0 && --secret == 0)
			chat = 0;
		return (now.token.punct);
	case LEX_ERROR:
		told = 1;
		return (BAD);
	case LEX_EOF:
		break;
	}
	return (0);
}

int
yyerror(const char *msg)
{
	b->syntax_errors++;
	if (told || b->stop)
		return (0);
	if (strncmp(msg, "syntax error", strlen("syntax error")) == 0)
		syntax_error();
	else
		build_error(b, now.token.pos, "%s", msg);
	return (0);
}

/*
 * The word that cannot stand where it stands; never one that may be part of
 * a password.
 */
static void
syntax_error(void)
{
	const struct lex_token *t = &now.token;
	char after[64] = "";
	int rest;

	if (before.keyword != 0)
		snprintf(after, sizeof(after), " after \"%s\"",
		    before.token.text);
	/*
	 * What is left of a chat, or of a statement that broke off, may be on
	 * a line of its own.
	 */
	rest = secret == 1 && (chat || b->syntax_errors > wrong + 1);
	if (rest && first.token.kind == LEX_WORD && first.keyword == 0)
		build_error(b, t->pos, "the first word is not a statement "
		    "here");
	/* A word alone could still have become a macro. */
	else if (first_is_now && t->kind == LEX_WORD)
		build_error(b, t->pos, "\"%s\" is not a statement here",
		    t->text);
	else if (first.token.kind == LEX_WORD && first.keyword == 0)
		build_error(b, first.token.pos, "\"%s\" is not a statement "
		    "here", first.token.text);
	else if (t->kind == LEX_EOF)
		build_error(b, t->pos, "the file ends too early%s", after);
	else if (t->kind == LEX_PUNCT && t->punct == '\n')
		build_error(b, t->pos, "the line ends too early%s", after);
	else if (t->kind == LEX_PUNCT)
		build_error(b, t->pos, "unexpected \"%c\"%s", t->punct,
		    after);
	else if (t->kind == LEX_STRING)
		build_error(b, t->pos, "unexpected string%s", after);
	else if ((secret == 2 || rest) && now.keyword == 0)
		build_error(b, t->pos, "unexpected word%s", after);
	else if (chat || before.keyword == PASSWORD)
		build_error(b, t->pos, "unexpected word%s: if it is one of "
		    "this language, it needs quotes", after);
	else
		build_error(b, t->pos, "unexpected \"%s\"%s", t->text, after);
}

static void
lexical_error(struct lex_pos pos, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	build_error(b, pos, "%s", text);
}

static void
check_report(void *arg, enum conf_level level, const void *where,
    const char *fmt, ...)
{
	const struct lex_pos *known = build_where(b, where);
	const struct lex_pos *top = arg;
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (level == CONF_ERROR)
		build_error(b, known != NULL ? *known : *top, "%s", text);
	else
		build_warn(b, known != NULL ? *known : *top, "%s", text);
}

/* From memory when there are bytes, else from the file. */
static struct conf *
parse(const char *path, const char *bytes, size_t len, int flags)
{
	static struct build build;
	struct lex_pos none;
	struct conf *conf = NULL;
	int ret;

	memset(&build, 0, sizeof(build));
	memset(&now, 0, sizeof(now));
	memset(&none, 0, sizeof(none));
	secret = chat = 0;
	b = &build;
	b->flags = flags;
	build_init(b);
	if ((b->conf = conf_new()) == NULL ||
	    (b->lex = lex_new(lexical_error)) == NULL) {
		log_warnx("%s: %s", path, strerror(ENOMEM));
		goto done;
	}
	if (bytes != NULL)
		ret = lex_bytes(b->lex, path, bytes, len);
	else
		ret = lex_open(b->lex, path, none);
	if (ret == -1)
		goto done;
	if (yyparse() != 0 && b->errors == 0)
		build_error(b, now.token.pos, "the parser gave up");
	build_alias_file(b);
	if (b->errors > 0 || b->syntax_errors > 0)
		goto done;
	if (conf_defaults(b->conf) == -1) {
		log_warnx("%s: %s", path, strerror(ENOMEM));
		goto done;
	}
	/* What belongs to no statement is told of at the end. */
	if (conf_check(b->conf, check_report, &now.token.pos) > 0 ||
	    b->errors > 0)
		goto done;
	if ((flags & PARSE_FILES) &&
	    conf_files(b->conf, check_report, &now.token.pos) > 0)
		goto done;
	conf = b->conf;
	b->conf = NULL;
done:
	conf_free(b->conf);
	lex_free(b->lex);
	explicit_bzero(&build, sizeof(build));
	b = NULL;
	return (conf);
}

struct conf *
parse_config(const char *path, int flags)
{
	return (parse(path, NULL, 0, flags));
}

struct conf *
parse_config_bytes(const char *path, const char *bytes, size_t len, int flags)
{
	return (parse(path, bytes, len, flags));
}
