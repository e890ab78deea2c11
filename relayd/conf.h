/*
 * The configuration, as the parent's grammar builds it and as each child
 * receives the part that it may see.  Structures hold only plain values,
 * strings and lists of strings, so that one table of fields per structure
 * serves to send, to receive and to free it (conf_msg.c).
 */
#ifndef RELAYD_CONF_H
#define RELAYD_CONF_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdint.h>

struct strnode {
	TAILQ_ENTRY(strnode)	 entry;
	char			*s;
};
TAILQ_HEAD(strlist, strnode);

/* What a list may have, and the strings of one structure together, so that
 * it can be sent in one message. */
#define CONF_LIST_MAX	1024		/* strings */
#define CONF_ITEM_MAX	(15 * 1024)	/* bytes */

/* Append a copy of s; 0, or -1 with ENOMEM. */
int	 strlist_add(struct strlist *, const char *);
void	 strlist_free(struct strlist *);
size_t	 strlist_len(const struct strlist *);

enum tls_mode {
	TLS_MODE_NONE,			/* smtp:// pop3:// imap:// */
	TLS_MODE_STARTTLS,		/* smtp+tls:// ...: required */
	TLS_MODE_IMPLICIT		/* smtps:// ... */
};

enum service {
	SERVICE_SMTP,			/* port 25: networks may relay */
	SERVICE_SUBMISSION,		/* port 587, or 465: AUTH demanded */
	SERVICE_POP3			/* port 110, or 995 */
};

enum fetch_proto {
	FETCH_NONE,			/* this upstream has no mailboxes */
	FETCH_POP3,
	FETCH_IMAP
};

struct conf_domain {			/* a domain whose users are here */
	TAILQ_ENTRY(conf_domain) entry;
	char			*name;	/* lower case */
};

struct conf_pki {
	TAILQ_ENTRY(conf_pki)	 entry;
	char			*name;
	char			*cert;		/* path */
	char			*key;		/* path */
	uint32_t		 line;		/* of the config */
	/* Filled in the child from the descriptors that the parent sends. */
	uint8_t			*cert_mem;
	size_t			 cert_len;
	uint8_t			*key_mem;
	size_t			 key_len;
};

struct conf_listener {
	TAILQ_ENTRY(conf_listener) entry;
	char			*host;		/* numeric address, or path
						 * of a local socket */
	uint32_t		 port;
	uint32_t		 service;	/* enum service */
	uint32_t		 tls;		/* enum tls_mode */
	char			*pki;		/* name, or NULL */
	struct strlist		 from;		/* "192.168.1.0/24", ... */
	uint32_t		 line;
	int			 fd;		/* bound socket; -1 if none */
};

struct conf_upstream {
	TAILQ_ENTRY(conf_upstream) entry;
	char			*name;
	char			*relay_host;	/* NULL: no submission here */
	uint32_t		 relay_port;
	uint32_t		 relay_tls;	/* enum tls_mode */
	char			*relay_user;	/* NULL: no AUTH */
	char			*relay_password;
	uint32_t		 fetch_proto;	/* enum fetch_proto */
	char			*fetch_host;
	uint32_t		 fetch_port;
	uint32_t		 fetch_tls;
	char			*ca;		/* path; NULL: the system's */
	uint32_t		 line;
	/* Filled in the child from the parent's descriptor. */
	uint8_t			*ca_mem;
	size_t			 ca_len;
};

struct conf_user {
	TAILQ_ENTRY(conf_user)	 entry;
	char			*name;		/* LAN login and mailbox */
	struct strlist		 addresses;	/* lower case domain part */
	uint32_t		 line;
};

/* A name at the local domains, and at our own, that stands for others. */
#define CONF_ALIASES_MAX	10000
struct conf_alias {
	TAILQ_ENTRY(conf_alias)	 entry;
	char			*name;		/* a local part, not quoted */
	struct strlist		 targets;	/* names, addresses; "\\name" is
						 * the user, never an alias */
	uint32_t		 from_file;	/* "aliases", not "alias" */
	uint32_t		 line;
};

#define KEEP_NONE	0		/* delete as soon as ours is durable */
#define KEEP_FOREVER	UINT64_MAX

struct conf_account {			/* one mailbox upstream */
	TAILQ_ENTRY(conf_account) entry;
	char			*name;		/* "user@upstream#n", unique */
	char			*user;		/* conf_user.name */
	char			*upstream;	/* conf_upstream.name */
	char			*login;
	char			*password;
	uint64_t		 keep;		/* seconds, or KEEP_* */
	uint64_t		 large;		/* bytes; 0: no limit */
	uint32_t		 line;
};

/* Hours and days that a rule is bound to.  Minutes count from midnight. */
#define DAYS_ALL	0x7f		/* bit 0 is Sunday, as in tm_wday */
#define DAYS_HOLIDAY	0x80		/* what `holidays` lists */
#define DAYS_WORKDAY	0x100		/* no holiday, whatever the weekday */
struct conf_span {
	uint32_t		 from;		/* 0..1439 */
	uint32_t		 to;		/* 1..1440; to <= from: over
						 * midnight */
	uint32_t		 negate;	/* "not between" */
	uint32_t		 days;		/* bits: where it begins */
	uint32_t		 set;		/* 0: no restriction at all */
	uint32_t		 dayset;	/* conf_dayset.id; 0: none */
};

/* Days by date, "12-25" or "2026-04-06": those that an `on` names, and with
 * id DAYSET_HOLIDAYS those of the `holidays` statement. */
#define DAYSET_HOLIDAYS	1
struct conf_dayset {
	TAILQ_ENTRY(conf_dayset) entry;
	uint32_t		 id;		/* from 1; unique */
	struct strlist		 dates;
};

struct conf_rate {			/* part of a tariff */
	TAILQ_ENTRY(conf_rate)	 entry;
	char			*tariff;
	struct conf_span	 span;
	uint64_t		 unit;		/* seconds */
	uint64_t		 price;		/* per unit, in 1/1000 */
};

struct conf_tariff {
	TAILQ_ENTRY(conf_tariff) entry;
	char			*name;
	uint64_t		 setup;		/* per call, in 1/1000 */
	uint64_t		 per_megabyte;	/* in 1/1000 */
	uint64_t		 free;		/* first seconds of a call */
	uint64_t		 minimum;	/* of a charge, 1/1000 */
	uint32_t		 line;
};

/* The whole of a chat, on top of which its line may be hung up. */
#define CONF_CHAT_MAX	120		/* seconds */
#define CONF_CHAT_STRING 255		/* bytes of one of its strings */
#define CONF_CHAT_ABORTS 16		/* strings that end it */

struct conf_line {
	TAILQ_ENTRY(conf_line)	 entry;
	char			*name;
	char			*device;	/* NULL: no modem */
	uint32_t		 speed;		/* of the serial port, bit/s */
	uint32_t		 pulse;		/* ATDP instead of ATDT */
	struct strlist		 init;		/* AT commands */
	struct strlist		 phone;
	uint32_t		 ppp;		/* run pppd on the device */
	char			*ppp_user;
	char			*ppp_password;
	struct strlist		 ppp_options;	/* further pppd words */
	char			*up;		/* command; NULL: none */
	char			*down;
	char			*tariff;	/* name, or NULL */
	uint64_t		 window;	/* longest window, seconds */
	uint64_t		 answer;	/* wait for CONNECT, seconds */
	uint32_t		 no_flow;	/* no hardware flow control */
	char			*lock;		/* directory of LCK..name files;
						 * "": none */
	/* Before PPP: what to expect and what to send, in turn. */
	struct strlist		 chat;
	struct strlist		 chat_abort;	/* strings that end it */
	uint64_t		 chat_timeout;	/* seconds, for each expect */
	char			*status;	/* command: 0 when the link
						 * is up; NULL: none */
	uint32_t		 skip;		/* failures of each cheaper line
						 * before this one is used */
	uint32_t		 linger;	/* stay to the end of a unit */
	uint64_t		 margin;	/* seconds before a unit */
	uint64_t		 stall;		/* seconds without a byte */
	uint32_t		 conf_line;
};

enum dial_condition {
	DIAL_MESSAGES,			/* value: count */
	DIAL_SIZE,			/* value: bytes */
	DIAL_AGE,			/* value: seconds */
	DIAL_SECONDS,			/* value: seconds to send it all */
	DIAL_COST,			/* value: 1/1000 to send it all */
	DIAL_URGENT,
	DIAL_DEADLINE,			/* value: seconds before it */
	DIAL_EVERY,			/* value: seconds */
	DIAL_AT,			/* value: minute of the day */
	DIAL_BALANCE			/* value: 1/1000 per message hour */
};

struct conf_rule {			/* dial when ..., every, at */
	TAILQ_ENTRY(conf_rule)	 entry;
	uint32_t		 condition;	/* enum dial_condition */
	uint64_t		 value;
	struct conf_span	 span;
	uint32_t		 line;
};

struct conf_hold {			/* hold between ... */
	TAILQ_ENTRY(conf_hold)	 entry;
	struct conf_span	 span;
	uint32_t		 line;
};

enum budget_kind { BUDGET_SECONDS, BUDGET_CALLS, BUDGET_MONEY };
enum budget_period { BUDGET_DAY, BUDGET_WEEK, BUDGET_MONTH };

struct conf_budget {
	TAILQ_ENTRY(conf_budget) entry;
	uint32_t		 kind;		/* enum budget_kind */
	uint32_t		 period;	/* enum budget_period */
	uint64_t		 amount;	/* seconds, calls or 1/1000 */
	uint64_t		 keep;		/* of it for urgent mail */
	uint32_t		 line;
};

/* 1 when it is for this machine's programs. */
#define conf_listener_local(l)	((l)->host[0] == '/')

TAILQ_HEAD(conf_domains, conf_domain);
TAILQ_HEAD(conf_pkis, conf_pki);
TAILQ_HEAD(conf_listeners, conf_listener);
TAILQ_HEAD(conf_upstreams, conf_upstream);
TAILQ_HEAD(conf_users, conf_user);
TAILQ_HEAD(conf_aliases, conf_alias);
TAILQ_HEAD(conf_accounts, conf_account);
TAILQ_HEAD(conf_rates, conf_rate);
TAILQ_HEAD(conf_tariffs, conf_tariff);
TAILQ_HEAD(conf_lines, conf_line);
TAILQ_HEAD(conf_rules, conf_rule);
TAILQ_HEAD(conf_holds, conf_hold);
TAILQ_HEAD(conf_budgets, conf_budget);
TAILQ_HEAD(conf_daysets, conf_dayset);

/* Single values; sent as one item. */
struct conf_global {
	char			*hostname;	/* ours, in HELO and Received */
	char			*spool;		/* directory */
	char			*empty;		/* directory, to chroot into */
	char			*control;	/* socket path */
	char			*control_ro;	/* socket path */
	char			*users;		/* passwd-file path, or NULL */
	char			*ca;		/* default trust, path */
	char			*postmaster;	/* user name, or NULL */
	char			*aliases;	/* path of the file, or NULL */
	char			*catch_all;	/* user name, or NULL */
	uint32_t		 no_plus;	/* "+" in names is ordinary */
	uint64_t		 message_max;	/* bytes of one message */
	uint32_t		 sessions;	/* LAN sessions in all */
	uint32_t		 sessions_per_address;
	uint32_t		 parallel;	/* accounts fetched at once */
	uint32_t		 expire;	/* windows, then bounce */
	uint32_t		 redial;	/* redials ... */
	uint64_t		 redial_within;	/* seconds from first attempt */
	uint64_t		 redial_then;	/* pause, seconds */
	uint64_t		 bulk_larger;	/* bytes; 0: none */
	uint64_t		 bulk_after;	/* seconds; then it is bulk no
						 * more */
	char			*currency;	/* a word, or NULL */
	uint32_t		 breaker;	/* failures in a row ... */
	uint64_t		 breaker_pause;	/* ... and then, seconds */
};

struct conf {
	struct conf_global	 global;
	struct conf_domains	 domains;
	struct conf_pkis	 pkis;
	struct conf_listeners	 listeners;
	struct conf_upstreams	 upstreams;
	struct conf_users	 users;
	struct conf_aliases	 aliases;
	struct conf_accounts	 accounts;
	struct conf_rates	 rates;
	struct conf_tariffs	 tariffs;
	struct conf_lines	 lines;
	struct conf_rules	 rules;
	struct conf_holds	 holds;
	struct conf_budgets	 budgets;
	struct conf_daysets	 daysets;
};

/* A configuration of empty lists and no values, or NULL with ENOMEM. */
struct conf	*conf_new(void);
/* Frees everything, with the secrets overwritten; NULL is allowed. */
void		 conf_free(struct conf *);

/* Look-ups by name; NULL when there is none. */
struct conf_upstream	*conf_upstream_find(const struct conf *, const char *);
struct conf_user	*conf_user_find(const struct conf *, const char *);
struct conf_pki		*conf_pki_find(const struct conf *, const char *);
struct conf_tariff	*conf_tariff_find(const struct conf *, const char *);
struct conf_line	*conf_line_find(const struct conf *, const char *);

#endif
