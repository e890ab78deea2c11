/* See LICENSE for the terms. */
/* relayd/conf.c, and parent/conf_*.c, parse.y and printconf.c */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf.h"
#include "conf_check.h"
#include "conf_value.h"
#include "config.h"
#include "log.h"
#include "parse.h"

/* What was logged since the last parse, a line each. */
static char	 logged[65536];

void
log_warnx(const char *fmt, ...)
{
	size_t len = strlen(logged);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(logged + len, sizeof(logged) - len, fmt, ap);
	va_end(ap);
	strlcat(logged, "\n", sizeof(logged));
}

static struct conf *
parse(const char *text)
{
	logged[0] = '\0';
	return (parse_config_bytes("t", text, strlen(text), 0));
}

/* What a configuration logs; it must be refused. */
static const char *
refused(const char *text)
{
	assert_null(parse(text));
	return (logged);
}

/* One that must be accepted, whatever the warnings are. */
static struct conf *
accepted(const char *text)
{
	struct conf *c = parse(text);

	if (c == NULL)
		fail_msg("refused: %s", logged);
	return (c);
}

static char *
printed(const struct conf *c)
{
	char *buf = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&buf, &len);

	assert_non_null(f);
	print_config_to(f, c);
	fclose(f);
	return (buf);
}

/* conf.c */

static void
strlist_keeps_the_order(void **state)
{
	struct strlist l = TAILQ_HEAD_INITIALIZER(l);
	char s[] = "one";

	(void)state;
	assert_int_equal(strlist_len(&l), 0);
	assert_int_equal(strlist_add(&l, s), 0);
	s[0] = 'X';
	assert_int_equal(strlist_add(&l, "two"), 0);
	assert_int_equal(strlist_len(&l), 2);
	assert_string_equal(TAILQ_FIRST(&l)->s, "one");
	assert_string_equal(TAILQ_LAST(&l, strlist)->s, "two");
	strlist_free(&l);
	assert_int_equal(strlist_len(&l), 0);
}

static void
new_configuration_is_empty(void **state)
{
	struct conf *c = conf_new();

	(void)state;
	assert_non_null(c);
	assert_true(TAILQ_EMPTY(&c->domains) && TAILQ_EMPTY(&c->pkis) &&
	    TAILQ_EMPTY(&c->listeners) && TAILQ_EMPTY(&c->upstreams) &&
	    TAILQ_EMPTY(&c->users) && TAILQ_EMPTY(&c->accounts) &&
	    TAILQ_EMPTY(&c->rates) && TAILQ_EMPTY(&c->tariffs) &&
	    TAILQ_EMPTY(&c->lines) && TAILQ_EMPTY(&c->rules) &&
	    TAILQ_EMPTY(&c->holds) && TAILQ_EMPTY(&c->budgets));
	assert_null(c->global.hostname);
	conf_free(c);
	conf_free(NULL);
}

static const char everything[] =
    "hostname \"h.example\"\nca \"/c\"\nusers \"/u\"\npostmaster \"alice\"\n"
    "local domains { \"Ship.Example\", \"b.example\" }\n"
    "pki \"p\" cert \"/c\" key \"/k\"\n"
    "listen on ::1 smtp from 10.1.2.3/8, ::1\n"
    "listen on 127.0.0.1 port 2525 submission tls \"p\"\n"
    "listen on 127.0.0.1 pop3s tls \"p\"\n"
    "upstream \"isp\" {\n\trelay \"smtp+tls://[::1]:26\" user \"u\" "
    "password \"pw\"\n\tfetch \"imap://127.0.0.1\"\n\tca \"/ca\"\n}\n"
    "user \"alice\" { address \"Alice@SHIP.example\" \"x@y\"\n"
    "\tfetch \"isp\" as \"a1\" password \"1\" keep\n"
    "\tfetch \"isp\" as \"a2\" password \"2\" keep 7d large 200K\n}\n"
    "tariff \"t\" { setup 0.5 per megabyte 3.125\n"
    "\tfrom 08:00 to 23:00 on weekdays unit 3m price 10\n"
    "\tunit 1m price 0.01 }\n"
    "line \"l\" { modem \"/dev/m\" speed 2400 dial pulse init \"ATZ\" "
    "\"AT\\N3\" phone \"1\", \"2\" ppp user \"u\" password \"p\" options "
    "\"a\" \"b c\" up \"u\" down \"d\" tariff \"t\" answer 2m window 1h }\n"
    "line \"none\" {\n}\n"
    "dial when messages 10 not between 22:00 and 06:00 on friday, saturday\n"
    "dial when size 1M\ndial when age 2h on sunday\ndial when seconds 60\n"
    "dial when cost 2.5\ndial when urgent\ndial when deadline 30m\n"
    "dial when balance 5 per hour\ndial every 4h\n"
    "dial at 08:05 on weekends\nhold between 23:00 and 00:00\n"
    "redial unrestricted 3 within 2m then 30s\n"
    "budget 60m per day, 3000 per month keep 0.5 for urgent\n"
    "budget 5 calls per week keep 1 for urgent\nbulk when larger 1G\n";

static void
things_are_found_by_name(void **state)
{
	struct conf *c = accepted(everything);

	(void)state;
	assert_string_equal(conf_upstream_find(c, "isp")->name, "isp");
	assert_string_equal(conf_user_find(c, "alice")->name, "alice");
	assert_string_equal(conf_pki_find(c, "p")->name, "p");
	assert_string_equal(conf_tariff_find(c, "t")->name, "t");
	assert_string_equal(conf_line_find(c, "none")->name, "none");
	assert_null(conf_upstream_find(c, "is"));
	assert_null(conf_user_find(c, "Alice"));
	assert_null(conf_pki_find(c, ""));
	assert_null(conf_tariff_find(c, "isp"));
	assert_null(conf_line_find(c, "line"));
	conf_free(c);
}

/* conf_value.c */

static void
sizes(void **state)
{
	const char *why;
	uint64_t v;

	(void)state;
	assert_int_equal(value_size("800", &v, &why), 0);
	assert_int_equal(v, 800);
	assert_int_equal(value_size("200K", &v, &why), 0);
	assert_int_equal(v, 204800);
	assert_int_equal(value_size("50M", &v, &why), 0);
	assert_int_equal(v, 52428800);
	assert_int_equal(value_size("1024G", &v, &why), 0);
	assert_int_equal(value_size("1025G", &v, &why), -1);
	assert_int_equal(value_size("18446744073709551617", &v, &why), -1);
	assert_int_equal(value_size("0", &v, &why), -1);
	assert_int_equal(value_size("", &v, &why), -1);
	assert_int_equal(value_size("K", &v, &why), -1);
	assert_int_equal(value_size("1KK", &v, &why), -1);
	assert_int_equal(value_size("1T", &v, &why), -1);
	assert_int_equal(value_size("-1", &v, &why), -1);
}

static void
durations(void **state)
{
	const char *why;
	uint64_t v;

	(void)state;
	assert_int_equal(value_duration("15s", &v, &why), 0);
	assert_int_equal(v, 15);
	assert_int_equal(value_duration("3m", &v, &why), 0);
	assert_int_equal(v, 180);
	assert_int_equal(value_duration("2h", &v, &why), 0);
	assert_int_equal(v, 7200);
	assert_int_equal(value_duration("7d", &v, &why), 0);
	assert_int_equal(v, 604800);
	assert_int_equal(value_duration("1w", &v, &why), 0);
	assert_int_equal(v, 604800);
	assert_int_equal(value_duration("60", &v, &why), -1);
	assert_int_equal(value_duration("0m", &v, &why), -1);
	assert_int_equal(value_duration("m", &v, &why), -1);
	assert_int_equal(value_duration("1mm", &v, &why), -1);
	assert_int_equal(value_duration("99999d", &v, &why), -1);
	assert_int_equal(value_duration("99999999999999999999s", &v, &why),
	    -1);
}

static void
money(void **state)
{
	const char *why;
	uint64_t v;

	(void)state;
	assert_int_equal(value_money("10", &v, &why), 0);
	assert_int_equal(v, 10000);
	assert_int_equal(value_money("0", &v, &why), 0);
	assert_int_equal(v, 0);
	assert_int_equal(value_money("0.5", &v, &why), 0);
	assert_int_equal(v, 500);
	assert_int_equal(value_money("3.125", &v, &why), 0);
	assert_int_equal(v, 3125);
	assert_int_equal(value_money("3.1250", &v, &why), -1);
	assert_int_equal(value_money("3.", &v, &why), -1);
	assert_int_equal(value_money(".5", &v, &why), -1);
	assert_int_equal(value_money("1,5", &v, &why), -1);
	assert_int_equal(value_money("1000000001", &v, &why), -1);
}

static void
clock_times(void **state)
{
	const char *why;
	uint32_t v;

	(void)state;
	assert_int_equal(value_clock("00:00", &v, &why), 0);
	assert_int_equal(v, 0);
	assert_int_equal(value_clock("8:05", &v, &why), 0);
	assert_int_equal(v, 485);
	assert_int_equal(value_clock("24:00", &v, &why), 0);
	assert_int_equal(v, 1440);
	assert_int_equal(value_clock("24:01", &v, &why), -1);
	assert_int_equal(value_clock("25:00", &v, &why), -1);
	assert_int_equal(value_clock("12:60", &v, &why), -1);
	assert_int_equal(value_clock("12:5", &v, &why), -1);
	assert_int_equal(value_clock("012:05", &v, &why), -1);
	assert_int_equal(value_clock(":05", &v, &why), -1);
	assert_int_equal(value_clock("1205", &v, &why), -1);
}

static void
days(void **state)
{
	const char *why;
	uint32_t v;

	(void)state;
	assert_int_equal(value_days("sunday", &v, &why), 0);
	assert_int_equal(v, 1);
	assert_int_equal(value_days("saturday", &v, &why), 0);
	assert_int_equal(v, 64);
	assert_int_equal(value_days("weekdays", &v, &why), 0);
	assert_int_equal(v, 0x3e);
	assert_int_equal(value_days("weekends", &v, &why), 0);
	assert_int_equal(v, 0x41);
	assert_int_equal(value_days("workdays", &v, &why), 0);
	assert_int_equal(v, 0x3e | DAYS_WORKDAY);
	assert_int_equal(value_days("holidays", &v, &why), 0);
	assert_int_equal(v, DAYS_HOLIDAY);
	assert_int_equal(value_days("someday", &v, &why), -1);
}

static void
dates(void **state)
{
	static const char *const good[] = { "01-01", "12-31", "02-29",
	    "2026-04-06", "2028-02-29", "2000-02-29", "0001-01-01" };
	static const char *const bad[] = { "", "-", "1-1", "00-01", "01-00",
	    "13-01", "01-32", "04-31", "02-30", "2026-02-29", "1900-02-29",
	    "2026-4-6", "26-04-06", "2026/04/06", "12.25", "12-25 ",
	    "2026-12-2a", "12-2\xc3", "2026-04-06-", "-1-01", "+1-01" };
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (value_date(good[i], &why) == -1)
			fail_msg("%s %s", good[i], why);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (value_date(bad[i], &why) == 0)
			fail_msg("%s", bad[i]);
}

static void
currencies(void **state)
{
	const char *why;

	(void)state;
	assert_int_equal(value_currency("EUR", &why), 0);
	assert_int_equal(value_currency("kr.", &why), 0);
	assert_int_equal(value_currency("US$", &why), 0);
	assert_int_equal(value_currency("eightlet", &why), 0);
	assert_int_equal(value_currency("nineletts", &why), -1);
	assert_int_equal(value_currency("", &why), -1);
	assert_int_equal(value_currency("a b", &why), -1);
	assert_int_equal(value_currency("\xe2\x82\xac", &why), -1);
	assert_int_equal(value_currency("a\"", &why), -1);
}

static void
urls(void **state)
{
	static const struct {
		const char		*s;
		enum value_service	 service;
		enum tls_mode		 tls;
		const char		*host;
		uint32_t		 port;
	} good[] = {
		{ "smtp://h", VALUE_URL_SMTP, TLS_MODE_NONE, "h", 25 },
		{ "smtp+tls://h", VALUE_URL_SMTP, TLS_MODE_STARTTLS, "h",
		    587 },
		{ "smtps://a.b-c.d", VALUE_URL_SMTP, TLS_MODE_IMPLICIT,
		    "a.b-c.d", 465 },
		{ "pop3://h", VALUE_URL_POP3, TLS_MODE_NONE, "h", 110 },
		{ "pop3+tls://h", VALUE_URL_POP3, TLS_MODE_STARTTLS, "h",
		    110 },
		{ "pop3s://h", VALUE_URL_POP3, TLS_MODE_IMPLICIT, "h", 995 },
		{ "imap://h", VALUE_URL_IMAP, TLS_MODE_NONE, "h", 143 },
		{ "imap+tls://h", VALUE_URL_IMAP, TLS_MODE_STARTTLS, "h",
		    143 },
		{ "imaps://h", VALUE_URL_IMAP, TLS_MODE_IMPLICIT, "h", 993 },
		{ "imaps://127.0.0.1:65535", VALUE_URL_IMAP,
		    TLS_MODE_IMPLICIT, "127.0.0.1", 65535 },
		{ "smtp://[2001:db8::1]", VALUE_URL_SMTP, TLS_MODE_NONE,
		    "2001:db8::1", 25 },
		{ "smtp://[::1]:2525", VALUE_URL_SMTP, TLS_MODE_NONE, "::1",
		    2525 }
	};
	static const char *const bad[] = { "", "h", "http://h", "smtp:h",
	    "smtp://", "smtp://:25", "smtp://h:", "smtp://h:0",
	    "smtp://h:65536", "smtp://h:25x", "smtp://h/", "smtp://h/x",
	    "smtp://u@h", "smtp://u:p@h", "smtp://[::1", "smtp://[]",
	    "smtp://[h]", "smtp://[127.0.0.1]", "smtp://[::1]x", "smtp://::1",
	    "smtp://a b", "smtp://a..b", "smtp://.a", "SMTP://h",
	    "smtps+tls://h" };
	struct value_url u;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(value_url(good[i].s, &u, &why), 0);
		assert_int_equal(u.service, good[i].service);
		assert_int_equal(u.tls, good[i].tls);
		assert_int_equal(u.port, good[i].port);
		assert_string_equal(u.host, good[i].host);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(value_url(bad[i], &u, &why), -1);
}

static void
networks(void **state)
{
	static const char *const good[][2] = {
		{ "192.168.1.0/24", "192.168.1.0/24" },
		{ "192.168.1.77/24", "192.168.1.0/24" },
		{ "10.1.2.3", "10.1.2.3/32" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "255.255.255.255/1", "128.0.0.0/1" },
		{ "::1", "::1/128" },
		{ "2001:DB8:ffff::1/33", "2001:db8:8000::/33" },
		{ "::/0", "::/0" }
	};
	static const char *const bad[] = { "", "/8", "10/8", "10.0.0.0/33",
	    "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.256",
	    "::1/129", "::g", "lan", "fe80::1%lo", "10.0.0.0/8/8",
	    "1:2:3:4:5:6:7:8:9:1:2:3:4:5:6:7:8:9:1:2:3:4:5:6:7:8" };
	char buf[64];
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(value_network(good[i][0], buf, sizeof(buf),
		    &why), 0);
		assert_string_equal(buf, good[i][1]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(value_network(bad[i], buf, sizeof(buf),
		    &why), -1);
}

static void
mail_addresses(void **state)
{
	static const char *const bad[] = { "", "a", "@b", "a@", "a@b@c",
	    "a b@c", "a@b c", "<a@b>", "a@.b", "a@b..c", "a\"@b", "a@[1.2.3]",
	    ("0123456789012345678901234567890123456789012345678901234567890"
	    "1234@b") };
	char buf[512], small[8];
	const char *why;
	size_t i;

	(void)state;
	assert_int_equal(value_mailbox("Al.ice+x@SHIP.Example", buf,
	    sizeof(buf), &why), 0);
	assert_string_equal(buf, "Al.ice+x@ship.example");
	assert_int_equal(value_mailbox("\xc3\xa9@\xc3\xa9.example", buf,
	    sizeof(buf), &why), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(value_mailbox(bad[i], buf, sizeof(buf),
		    &why), -1);
	assert_int_equal(value_mailbox("abc@def", small, 8, &why), 0);
	assert_int_equal(value_mailbox("abc@defg", small, 8, &why), -1);
	assert_int_equal(value_mailbox("abcdefgh@d", small, 8, &why), -1);
}

static void
names_are_safe_for_files(void **state)
{
	static const char *const bad[] = { "", ".", "..", ".a", "a/b", "a b",
	    "a:b", "a@b", "\xc3\xa9", "a\n" };
	char name[VALUE_USER_MAX + 2];
	const char *why;
	size_t i;

	(void)state;
	assert_int_equal(value_name("Al.ice_2-x", VALUE_USER_MAX, &why), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(value_name(bad[i], VALUE_USER_MAX, &why),
		    -1);
	memset(name, 'a', sizeof(name));
	name[VALUE_USER_MAX + 1] = '\0';
	assert_int_equal(value_name(name, VALUE_USER_MAX, &why), -1);
	name[VALUE_USER_MAX] = '\0';
	assert_int_equal(value_name(name, VALUE_USER_MAX, &why), 0);
}

static void
modem_words(void **state)
{
	const char *why;

	(void)state;
	assert_int_equal(value_modem_command("ATE0V1X4&C1&D2", &why), 0);
	assert_int_equal(value_modem_command("at\\N3", &why), 0);
	assert_int_equal(value_modem_command("TAZ", &why), -1);
	assert_int_equal(value_modem_command("AT\r", &why), -1);
	assert_int_equal(value_modem_command("", &why), -1);
	assert_int_equal(value_phone("0570001234", &why), 0);
	assert_int_equal(value_phone("0,,+44 (20) 7946-0018#*", &why), 0);
	assert_int_equal(value_phone("123;", &why), -1);
	assert_int_equal(value_phone("12\r3", &why), -1);
	assert_int_equal(value_phone("+", &why), -1);
	assert_int_equal(value_phone("", &why), -1);
}

/* parse.y, conf_build.c, conf_lex.c, conf_default.c */

static void
defaults(void **state)
{
	struct conf *c = accepted("line \"l\" { modem \"/m\" phone 1 no ppp "
	    "}\n");
	struct conf_line *l = conf_line_find(c, "l");

	(void)state;
	assert_string_equal(logged, "");
	assert_non_null(c->global.hostname);
	assert_string_equal(c->global.spool, SPOOLDIR);
	assert_string_equal(c->global.empty, EMPTYDIR);
	assert_string_equal(c->global.control, CONTROL_SOCKET);
	assert_string_equal(c->global.control_ro, CONTROL_SOCKET_RO);
	assert_null(c->global.users);
	assert_null(c->global.postmaster);
	assert_int_equal(c->global.message_max, 50 << 20);
	assert_int_equal(c->global.sessions, 200);
	assert_int_equal(c->global.sessions_per_address, 20);
	assert_int_equal(c->global.parallel, 4);
	assert_int_equal(c->global.expire, 10);
	assert_int_equal(c->global.redial, 2);
	assert_int_equal(c->global.redial_within, 180);
	assert_int_equal(c->global.redial_then, 900);
	assert_int_equal(c->global.bulk_larger, 0);
	assert_int_equal(l->window, 900);
	assert_int_equal(l->answer, 60);
	assert_int_equal(l->speed, 115200);
	assert_int_equal(l->pulse, 0);
	assert_int_equal(l->ppp, 0);
	assert_int_equal(l->no_flow, 0);
	assert_non_null(l->lock);
	assert_int_equal(l->chat_timeout, 0);
	assert_int_equal(l->skip, 0);
	assert_int_equal(l->linger, 0);
	assert_int_equal(l->margin, 0);
	assert_int_equal(l->stall, 120);
	assert_null(c->global.currency);
	assert_int_equal(c->global.breaker, 6);
	assert_int_equal(c->global.breaker_pause, 6 * 3600);
	assert_int_equal(c->global.bulk_after, 7 * 86400);
	conf_free(c);
}

static void
defaults_that_depend(void **state)
{
	struct conf *c = accepted("tariff \"s\" { unit 29s price 1 }\n"
	    "tariff \"m\" { unit 1s price 1 unit 30s price 1 }\n"
	    "tariff \"f\" { unit 1m price 0 }\n"
	    "line \"s\" { tariff \"s\" }\nline \"m\" { tariff \"m\" "
	    "skip 5 }\nline \"f\" { tariff \"f\" }\n"
	    "line \"d\" { modem \"/m\" phone 1 ppp no lock "
	    "chat \"\" \"x\" }\nredial 2 within 3m then 8h\n");
	struct conf_line *l = conf_line_find(c, "d");

	(void)state;
	assert_int_equal(conf_line_find(c, "s")->margin, 0);
	assert_int_equal(conf_line_find(c, "m")->margin, 10);
	assert_int_equal(conf_line_find(c, "f")->margin, 0);
	assert_int_equal(conf_line_find(c, "s")->skip, 2);
	assert_int_equal(conf_line_find(c, "m")->skip, 5);
	assert_null(conf_line_find(c, "s")->lock);
	assert_string_equal(l->lock, "");
	assert_int_equal(l->chat_timeout, 45);
	/* Not shorter than the pause before a redial. */
	assert_int_equal(c->global.breaker_pause, 8 * 3600);
	conf_free(c);
}

static const struct conf_dayset *
dayset(const struct conf *c, uint32_t id)
{
	const struct conf_dayset *d;

	TAILQ_FOREACH(d, &c->daysets, entry)
		if (d->id == id)
			return (d);
	fail_msg("no days %u", id);
	return (NULL);
}

static void
days_by_date(void **state)
{
	struct conf *c = accepted("holidays { 01-01, 12-25 }\n"
	    "dial when urgent on 12-24, monday, 2026-12-31\n"
	    "dial when urgent on workdays, holidays\n"
	    "dial when urgent on weekdays, weekends, holidays, 12-24\n"
	    "dial when urgent on workdays, weekends\n"
	    "hold between 18:00 and 06:00 on 12-24\n"
	    "holidays { 2026-04-06 }\n");
	const struct conf_rule *r = TAILQ_FIRST(&c->rules);
	const struct conf_dayset *d = dayset(c, r->span.dayset);
	uint32_t id = d->id;

	(void)state;
	assert_string_equal(logged, "");
	assert_int_not_equal(id, DAYSET_HOLIDAYS);
	assert_int_equal(r->span.days, 2);
	assert_int_equal(r->span.to, 1440);
	assert_string_equal(TAILQ_FIRST(&d->dates)->s, "12-24");
	assert_string_equal(TAILQ_LAST(&d->dates, strlist)->s, "2026-12-31");
	r = TAILQ_NEXT(r, entry);
	assert_int_equal(r->span.days, 0x3e | DAYS_WORKDAY | DAYS_HOLIDAY);
	assert_int_equal(r->span.dayset, 0);
	r = TAILQ_NEXT(r, entry);
	assert_int_equal(r->span.days, DAYS_ALL);
	assert_int_equal(r->span.dayset, 0);
	r = TAILQ_NEXT(r, entry);
	assert_int_equal(r->span.days, DAYS_ALL | DAYS_WORKDAY);
	d = dayset(c, TAILQ_FIRST(&c->holds)->span.dayset);
	assert_int_equal(strlist_len(&d->dates), 1);
	assert_int_not_equal(d->id, id);
	assert_int_equal(TAILQ_FIRST(&c->holds)->span.days, 0);
	assert_int_equal(strlist_len(&dayset(c, DAYSET_HOLIDAYS)->dates), 3);
	conf_free(c);
}

static void
what_calls_cost_is_what_was_said(void **state)
{
	struct conf *c = accepted("currency EUR\ntariff \"t\" { free 60s "
	    "minimum 0.5 unit 1m price 1 }\nline \"l\" { tariff \"t\" "
	    "linger margin 5s stall 90s status \"s\" up \"u\" }\n"
	    "line \"m\" { modem \"/m\" phone 1 2 3 ppp flow none "
	    "lock \"/l\" skip 3 chat \"ogin:\" \"user\" \"word:\" \"pw\" "
	    "chat \">\" \"ppp\" chat abort \"BUSY\" \"NO\" "
	    "chat timeout 30s }\nbreaker 4 failures pause 4h\n"
	    "bulk for at most 2d\nbulk when larger 200K\n");
	struct conf_line *l = conf_line_find(c, "l");

	(void)state;
	assert_string_equal(c->global.currency, "EUR");
	assert_int_equal(conf_tariff_find(c, "t")->free, 60);
	assert_int_equal(conf_tariff_find(c, "t")->minimum, 500);
	assert_int_equal(l->linger, 1);
	assert_int_equal(l->margin, 5);
	assert_int_equal(l->stall, 90);
	assert_string_equal(l->status, "s");
	l = conf_line_find(c, "m");
	assert_int_equal(strlist_len(&l->phone), 3);
	assert_int_equal(l->no_flow, 1);
	assert_string_equal(l->lock, "/l");
	assert_int_equal(l->skip, 3);
	assert_int_equal(strlist_len(&l->chat), 6);
	assert_string_equal(TAILQ_LAST(&l->chat, strlist)->s, "ppp");
	assert_int_equal(strlist_len(&l->chat_abort), 2);
	assert_int_equal(l->chat_timeout, 30);
	assert_int_equal(c->global.breaker, 4);
	assert_int_equal(c->global.breaker_pause, 4 * 3600);
	assert_int_equal(c->global.bulk_after, 2 * 86400);
	assert_int_equal(c->global.bulk_larger, 200 * 1024);
	conf_free(c);
}

/* n dates in one set, or spread over the days of rules. */
static const char *
many_dates(unsigned int n, int rules)
{
	static char text[8192];
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%02u-%02u%s", rules ? "hold on " : "holidays { ",
		    1 + i / 28, 1 + i % 28, rules ? "\n" : " }\n");
	return (text);
}

static void
dates_are_not_too_many(void **state)
{
	int rules;

	(void)state;
	for (rules = 0; rules < 2; rules++) {
		conf_free(accepted(many_dates(128, rules)));
		assert_string_equal(logged, "");
		assert_non_null(strstr(refused(many_dates(130, rules)),
		    ": more than 128 dates in all\n"));
		assert_null(strstr(strstr(logged, "more") + 1, "more"));
	}
}

static void
gaps_of_a_tariff_are_found(void **state)
{
	(void)state;
	conf_free(accepted("holidays { 12-25 }\ntariff \"t\" {\n"
	    "on workdays unit 1m price 1\non weekends unit 1m price 1 }\n"));
	assert_string_equal(logged, "t:2: tariff \"t\" has no price on monday "
	    "that is a holiday at 00:00: time is free then\n");
	/* The night before it is one of a workday. */
	conf_free(accepted("holidays { 12-25 }\ntariff \"t\" {\n"
	    "from 22:00 to 06:00 on workdays unit 1m price 1\n"
	    "from 06:00 to 22:00 unit 1m price 1\n"
	    "from 00:00 to 06:00 on saturday, sunday, monday "
	    "unit 1m price 1\n"
	    "from 22:00 to 24:00 on holidays, weekends unit 1m price 1 }\n"));
	assert_string_equal(logged, "t:2: tariff \"t\" has no price on tuesday "
	    "after a holiday at 00:00: time is free then\n");
	conf_free(accepted("holidays { 12-25 }\ntariff \"t\" {\n"
	    "from 22:00 to 06:00 on workdays unit 1m price 1\n"
	    "from 06:00 to 22:00 unit 1m price 1\n"
	    "from 22:00 to 06:00 on holidays, weekends unit 1m price 1 }\n"));
	assert_string_equal(logged, "");
	/* What has a date is not every year. */
	conf_free(accepted("tariff \"t\" {\non 12-24 unit 1m price 1 }\n"));
	assert_non_null(strstr(logged, "has no price on sunday at 00:00"));
	conf_free(accepted("dial when urgent on workdays\n"));
	assert_string_equal(logged, "t:1: on workdays: there are no "
	    "\"holidays\", so these are all weekdays\n");
}

static void
listeners_are_what_was_said(void **state)
{
	struct conf *c = accepted(everything);
	struct conf_listener *l = TAILQ_FIRST(&c->listeners);

	(void)state;
	assert_string_equal(l->host, "::1");
	assert_int_equal(l->port, 25);
	assert_int_equal(l->service, SERVICE_SMTP);
	assert_int_equal(l->tls, TLS_MODE_NONE);
	assert_int_equal(l->fd, -1);
	assert_int_equal(l->line, 7);
	assert_string_equal(TAILQ_FIRST(&l->from)->s, "10.0.0.0/8");
	assert_string_equal(TAILQ_LAST(&l->from, strlist)->s, "::1/128");
	l = TAILQ_NEXT(l, entry);
	assert_int_equal(l->port, 2525);
	assert_int_equal(l->service, SERVICE_SUBMISSION);
	assert_int_equal(l->tls, TLS_MODE_STARTTLS);
	assert_string_equal(l->pki, "p");
	l = TAILQ_NEXT(l, entry);
	assert_int_equal(l->port, 995);
	assert_int_equal(l->service, SERVICE_POP3);
	assert_int_equal(l->tls, TLS_MODE_IMPLICIT);
	conf_free(c);
}

static void
upstream_and_accounts_are_what_was_said(void **state)
{
	struct conf *c = accepted(everything);
	struct conf_upstream *u = conf_upstream_find(c, "isp");
	struct conf_account *a = TAILQ_FIRST(&c->accounts);

	(void)state;
	assert_string_equal(u->relay_host, "::1");
	assert_int_equal(u->relay_port, 26);
	assert_int_equal(u->relay_tls, TLS_MODE_STARTTLS);
	assert_string_equal(u->relay_user, "u");
	assert_string_equal(u->relay_password, "pw");
	assert_int_equal(u->fetch_proto, FETCH_IMAP);
	assert_int_equal(u->fetch_port, 143);
	assert_string_equal(u->ca, "/ca");
	assert_string_equal(TAILQ_FIRST(&c->domains)->name, "ship.example");
	assert_string_equal(TAILQ_FIRST(&conf_user_find(c,
	    "alice")->addresses)->s, "Alice@ship.example");
	assert_string_equal(a->name, "alice@isp");
	assert_string_equal(a->user, "alice");
	assert_string_equal(a->login, "a1");
	assert_true(a->keep == KEEP_FOREVER);
	a = TAILQ_NEXT(a, entry);
	assert_string_equal(a->name, "alice@isp#2");
	assert_string_equal(a->password, "2");
	assert_int_equal(a->keep, 604800);
	assert_int_equal(a->large, 204800);
	conf_free(c);
}

static void
line_and_tariff_are_what_was_said(void **state)
{
	struct conf *c = accepted(everything);
	struct conf_line *l = conf_line_find(c, "l");
	struct conf_tariff *t = conf_tariff_find(c, "t");
	struct conf_rate *r = TAILQ_FIRST(&c->rates);

	(void)state;
	assert_string_equal(l->device, "/dev/m");
	assert_int_equal(l->speed, 2400);
	assert_int_equal(l->pulse, 1);
	assert_string_equal(TAILQ_LAST(&l->init, strlist)->s, "AT\\N3");
	assert_int_equal(strlist_len(&l->phone), 2);
	assert_int_equal(l->ppp, 1);
	assert_string_equal(TAILQ_LAST(&l->ppp_options, strlist)->s, "b c");
	assert_int_equal(l->answer, 120);
	assert_int_equal(l->window, 3600);
	assert_int_equal(t->setup, 500);
	assert_int_equal(t->per_megabyte, 3125);
	assert_int_equal(r->span.from, 480);
	assert_int_equal(r->span.to, 1380);
	assert_int_equal(r->span.days, 0x3e);
	assert_int_equal(r->unit, 180);
	assert_int_equal(r->price, 10000);
	r = TAILQ_NEXT(r, entry);
	assert_int_equal(r->span.set, 0);
	assert_int_equal(r->price, 10);
	conf_free(c);
}

static void
rules_are_what_was_said(void **state)
{
	static const struct {
		enum dial_condition	 condition;
		uint64_t		 value;
	} want[] = {
		{ DIAL_MESSAGES, 10 }, { DIAL_SIZE, 1048576 },
		{ DIAL_AGE, 7200 }, { DIAL_SECONDS, 60 }, { DIAL_COST, 2500 },
		{ DIAL_URGENT, 0 }, { DIAL_DEADLINE, 1800 },
		{ DIAL_BALANCE, 5000 }, { DIAL_EVERY, 14400 },
		{ DIAL_AT, 485 }
	};
	struct conf *c = accepted(everything);
	struct conf_rule *r = TAILQ_FIRST(&c->rules);
	size_t i;

	(void)state;
	assert_int_equal(r->span.set, 1);
	assert_int_equal(r->span.negate, 1);
	assert_int_equal(r->span.from, 1320);
	assert_int_equal(r->span.to, 360);
	assert_int_equal(r->span.days, 0x60);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_non_null(r);
		assert_int_equal(r->condition, want[i].condition);
		assert_int_equal(r->value, want[i].value);
		r = TAILQ_NEXT(r, entry);
	}
	assert_null(r);
	assert_int_equal(TAILQ_FIRST(&c->holds)->span.to, 1440);
	assert_int_equal(c->global.redial, 3);
	assert_int_equal(c->global.redial_within, 120);
	assert_int_equal(c->global.redial_then, 30);
	assert_int_equal(c->global.bulk_larger, 1 << 30);
	conf_free(c);
}

static void
budgets_are_what_was_said(void **state)
{
	struct conf *c = accepted(everything);
	struct conf_budget *b = TAILQ_FIRST(&c->budgets);

	(void)state;
	assert_int_equal(b->kind, BUDGET_SECONDS);
	assert_int_equal(b->period, BUDGET_DAY);
	assert_int_equal(b->amount, 3600);
	assert_int_equal(b->keep, 0);
	b = TAILQ_NEXT(b, entry);
	assert_int_equal(b->kind, BUDGET_MONEY);
	assert_int_equal(b->period, BUDGET_MONTH);
	assert_int_equal(b->amount, 3000000);
	assert_int_equal(b->keep, 500);
	b = TAILQ_NEXT(b, entry);
	assert_int_equal(b->kind, BUDGET_CALLS);
	assert_int_equal(b->period, BUDGET_WEEK);
	assert_int_equal(b->amount, 5);
	assert_int_equal(b->keep, 1);
	conf_free(c);
}

static void
printed_configuration_parses_to_the_same(void **state)
{
	struct conf *c = accepted(everything), *d;
	char *one = printed(c), *two;

	(void)state;
	assert_null(strstr(one, "\"pw\""));
	d = accepted(one);
	two = printed(d);
	assert_string_equal(one, two);
	free(one);
	free(two);
	conf_free(c);
	conf_free(d);
}

static void
strings_with_quotes_come_back(void **state)
{
	struct conf *c = accepted("line \"l\" { up \"a \\\"b\\\" \\\\ \\n\" "
	    "down 'say \"x\" \\'y\\'' }\n"), *d;
	char *text;

	(void)state;
	assert_string_equal(conf_line_find(c, "l")->up, "a \"b\" \\ \\n");
	assert_string_equal(conf_line_find(c, "l")->down,
	    "say \"x\" 'y'");
	text = printed(c);
	d = accepted(text);
	assert_string_equal(conf_line_find(d, "l")->up, "a \"b\" \\ \\n");
	assert_string_equal(conf_line_find(d, "l")->down, "say \"x\" 'y'");
	free(text);
	conf_free(c);
	conf_free(d);
}

static void
macros(void **state)
{
	struct conf *c = accepted("lan = \"10.0.0.0/8, 192.168.0.0/16\"\n"
	    "host = \"127.0.0.1\"\nall = $host ' smtp from'\n"
	    "pw = '\"a b\"'\nraw = 'pa$$#1'\n"
	    "listen on $all $lan\n"
	    "line \"l\" { }\ndial every 1h\n"
	    "upstream \"u\" { relay \"smtps://h\" user \"x\" password $pw }\n"
	    "upstream \"v\" { fetch \"imaps://h\" }\n"
	    "user \"a\" { fetch \"v\" as \"a\" password $raw }\n");

	(void)state;
	assert_int_equal(strlist_len(&TAILQ_FIRST(&c->listeners)->from), 2);
	assert_string_equal(TAILQ_FIRST(&c->upstreams)->relay_password,
	    "a b");
	assert_string_equal(TAILQ_FIRST(&c->accounts)->password, "pa$$#1");
	conf_free(c);
	assert_string_equal(refused("listen on $nope smtp\n"),
	    "t:1: the macro \"nope\" is not defined\n");
	/* A macro cannot name itself, nor another that comes later. */
	assert_non_null(strstr(refused("a = \"$a\"\nhostname $a\n"), "t:2:"));
	assert_non_null(strstr(refused("a-b = \"x\"\n"), "t:1:"));
}

static void
every_error_has_its_line(void **state)
{
	const char *log;

	(void)state;
	log = refused("hostname \"a b\"\n\nfoo\nline \"l\" {\n\twindow 0s\n"
	    "\tbogus\n\tanswer x\n}\nupstream \"u\" {\n}\nsessions \\\n"
	    " 0\n\"x\n}\nlisten on\n");
	assert_non_null(strstr(log, "t:1: \"a b\" is neither"));
	assert_non_null(strstr(log, "t:3: \"foo\" is not a statement"));
	assert_non_null(strstr(log, "t:5: \"0s\" is a duration of 0"));
	assert_non_null(strstr(log, "t:6: \"bogus\" is not a statement"));
	assert_non_null(strstr(log, "t:7: \"x\" is not a duration"));
	assert_non_null(strstr(log, "t:12: sessions: \"0\" is not"));
	assert_non_null(strstr(log, "t:13: a string without a closing"));
	assert_non_null(strstr(log, "t:14: unexpected \"}\""));
	assert_non_null(strstr(log, "t:15: the line ends too early"));
}

static void
an_unknown_block_is_one_error(void **state)
{
	(void)state;
	assert_string_equal(refused("bogus \"x\" {\n\ta b\n\tc {\n\td }\n"
	    "}\nhostname \"h\"\n"),
	    "t:1: \"bogus\" is not a statement here\n");
	assert_string_equal(refused("user { a\nb }\nhostname \"h\"\n"),
	    "t:1: unexpected \"{\" after \"user\"\n");
	assert_string_equal(refused("user \"u\" { bogus }\nsessions 1\n"),
	    "t:1: \"bogus\" is not a statement here\n");
}

#define CHAT	"line \"l\" { modem \"/m\" phone 1 no lock ppp chat "

static void
no_error_shows_a_password(void **state)
{
	static const char *const texts[] = {
		"upstream \"u\" { relay \"smtp://x:hunter2@h\" }\n",
		"upstream \"u\" { relay \"smtps://h\" user \"x\" password "
		    "a hunter2 }\n",
		"upstream \"u\" { relay \"smtps://h\" user \"x\" password "
		    "\"hunter2\" bogus }\n",
		"upstream \"u\" { relay \"smtps://h\" user \"x\" password "
		    "\"hunter2\n}\n",
		"user \"u\" { fetch \"x\" as \"y\" password \"a\" "
		    "\"hunter2\" }\n",
		"user \"u\" { fetch \"x\" as \"y\" passwrd \"hunter2\" }\n",
		"user \"u\" { fetch \"x\" as \"y\" password \"hunter2\" }\n",
		/* What is left of a statement on the next line. */
		"user \"u\" { fetch \"x\" as \"y\" password\nhunter2 }\n",
		"user \"u\" { fetch \"x\" as \"y\" password\n"
		    "hunter2 keep }\n",
		CHAT "\"a\" \"b\" \"c\"\nhunter2 \"x\" }\n",
		CHAT "\"a\" \"b\"\nhunter2 \"x\" }\n",
		CHAT "\"a\" hunter2 = }\n",
		CHAT "\"a\" pause hunter2 }\n",
		CHAT "\"a\" hunter2 \"c\" }\n",
		CHAT "\"a-hunter2-a\" }\n",
		CHAT "\"a\" \"hunter2 }\n",
		CHAT "hunter2 \"\x01\" }\n"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strstr(refused(texts[i]), "hunter2") != NULL)
			fail_msg("%s", logged);
	}
	/* A password may be a word of the language, but not without quotes. */
	assert_string_equal(refused("user \"u\" { fetch \"x\" as \"y\" "
	    "password pause }\n"), "t:1: unexpected word after \"password\": "
	    "if it is one of this language, it needs quotes\n");
	assert_null(strstr(refused(CHAT "\"a\" \"b\" \"c\" pause }\n"),
	    "pause"));
	/* The next statement is none of it. */
	assert_non_null(strstr(refused("user \"u\" { fetch \"x\" as \"y\" "
	    "password \"z\"\nbogus }\n"), "t:2: \"bogus\" is not"));
	assert_non_null(strstr(refused("user \"u\" { fetch \"x\" as \"y\" "
	    "password \"z\"\naddress \"a@b\" keep bogus }\n"),
	    "t:2: unexpected \"keep\""));
	assert_non_null(strstr(refused("upstream \"u\" { relay \"x\" user "
	    "\"y\" password \"z\"\n fetch \"imap://h\" bogus }\n"),
	    "t:2: unexpected \"bogus\""));
	assert_non_null(strstr(refused(CHAT "\"a\" \"b\"\nppp\nbogus }\n"),
	    "t:3: \"bogus\" is not"));
}

static void
what_is_set_twice_is_refused(void **state)
{
	(void)state;
	assert_string_equal(refused("sessions 1\n\nsessions 2\n"),
	    "t:3: \"sessions\" is there already, at t:1\n");
	assert_non_null(strstr(refused("line \"l\" {\n\twindow 1m\n"
	    "\twindow 2m\n}\n"), "t:3: \"window\" is there already"));
	/* Another line has one of its own. */
	conf_free(accepted("line \"l\" { window 1m }\n"
	    "line \"m\" { window 2m }\n"));
}

static void
a_flood_of_errors_ends(void **state)
{
	char text[4096] = "";
	size_t i;
	const char *p;

	(void)state;
	for (i = 0; i < 500; i++)
		strlcat(text, "x y\n", sizeof(text));
	refused(text);
	for (i = 0, p = logged; (p = strchr(p, '\n')) != NULL; p++)
		i++;
	assert_int_equal(i, 51);
	assert_non_null(strstr(logged, "too many errors"));
}

static void
odd_bytes_are_refused(void **state)
{
	(void)state;
	assert_null(parse_config_bytes("t", "hostname \"a\0b\"\n", 15, 0));
	assert_null(parse_config_bytes("t", "\0\n", 2, 0));
	assert_null(parse("hostname \"a\tb\"\n"));
	assert_null(parse("\x01\n"));
	assert_null(parse("hostname h\x7f\n"));
	conf_free(accepted(""));
	conf_free(accepted("\r\n# c\r\nhostname \"h\"\r\n"));
	conf_free(accepted("hostname \"h\" # no newline at the end"));
}

static void
blocks_end_in_their_file(void **state)
{
	(void)state;
	assert_string_equal(refused("line \"l\" {\n\twindow 1m\n"),
	    "t:3: the file ends before the block's \"}\"\n");
}

static void
redialling_is_strict(void **state)
{
	(void)state;
	assert_null(parse("redial 3 within 3m then 15m\n"));
	assert_null(parse("redial 3 within 1h then 1h\n"));
	assert_null(parse("redial 2 within 1m then 1m\n"));
	conf_free(accepted("redial 2 within 3m then 1m\n"));
	conf_free(accepted("redial 1 within 1m then 3m\n"));
	conf_free(accepted("redial 0 within 3m then 15m\n"));
	conf_free(accepted("redial unrestricted 9 within 1m then 1s\n"));
}

/* conf_check.c, through the parser: each names its line. */

static void
references_are_checked(void **state)
{
	(void)state;
	assert_non_null(strstr(refused("\nlisten on ::1 smtp tls \"x\"\n"),
	    "t:2: tls \"x\": there is no such pki"));
	assert_non_null(strstr(refused("users \"/u\"\nlisten on ::1 pop3s\n"),
	    "t:2: a listener with TLS needs a pki"));
	assert_non_null(strstr(refused("listen on ::1 submission\n"),
	    "t:1: this listener asks for passwords"));
	assert_non_null(strstr(refused("user \"a\" {\n\tfetch \"x\" as \"a\" "
	    "password \"p\"\n}\n"), "t:2: fetch \"x\": there is no such"));
	assert_non_null(strstr(refused("line \"l\" {\n}\nupstream \"u\" { "
	    "relay \"smtps://h\" }\nuser \"a\" {\n\tfetch \"u\" as \"a\" "
	    "password \"p\"\n}\n"), "t:5: fetch \"u\": that upstream has"));
	assert_non_null(strstr(refused("line \"l\" {\n tariff \"x\"\n}\n"),
	    "t:1: tariff \"x\": there is no such"));
	assert_non_null(strstr(refused("\npostmaster \"x\"\n"),
	    "t:2: postmaster \"x\": there is no such user"));
	assert_non_null(strstr(refused("\nupstream \"u\" { relay "
	    "\"smtps://h\" }\n"), "t:2: there is an upstream, but no"));
}

static void
duplicates_are_refused(void **state)
{
	(void)state;
	assert_non_null(strstr(refused("user \"a\" { }\nuser \"a\" { }\n"),
	    "t:2: user \"a\" is there already"));
	assert_non_null(strstr(refused("user \"a\" { }\nuser \"A\" { }\n"),
	    "t:2: user \"A\" is there already"));
	assert_non_null(strstr(refused("line \"a\" { }\nline \"a\" { }\n"),
	    "t:2: line \"a\" is there already"));
	assert_non_null(strstr(refused("user \"a\" {\n address \"x@Y\"\n}\n"
	    "user \"b\" {\n address \"z@y\"\n address \"X@y\"\n}\n"),
	    "t:6: address \"X@y\" belongs to user \"a\" already"));
	assert_non_null(strstr(refused("user \"a\" {\n address \"x@y\"\n "
	    "address \"x@y\"\n}\n"), "t:3: address"));
	assert_non_null(strstr(refused("listen on ::1 smtp\n"
	    "listen on 0:0:0:0:0:0:0:1 port 25 smtp\n"), "t:2: listen on"));
	assert_non_null(strstr(refused("budget 60m per day\n"
	    "budget 2h per day\n"), "t:2: a budget of this kind"));
	assert_non_null(strstr(refused("local domains { \"a\"\n\"A\" }\n"),
	    "t:2: local domain \"a\""));
}

static void
lines_are_checked(void **state)
{
	(void)state;
	assert_non_null(strstr(refused("line \"l\" { answer 121s }\n"),
	    "t:1: line \"l\": a call that is not answered"));
	assert_non_null(strstr(refused("line \"l\" { modem \"/m\" phone 1 }"
	    "\n"), "t:1: line \"l\" has a modem: what it carries"));
	assert_non_null(strstr(refused("line \"l\" { modem \"/m\" no ppp }"
	    "\n"), "t:1: line \"l\" has a modem, but no \"phone\""));
	assert_non_null(strstr(refused("line \"l\" { phone 1 }\n"),
	    "t:1: line \"l\" has no \"modem\""));
	assert_non_null(strstr(refused("line \"l\" { ppp }\n"),
	    "t:1: line \"l\" has no \"modem\""));
}

static void
socket_paths_are_short(void **state)
{
	char text[512], path[200];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	snprintf(text, sizeof(text), "control \"/%s\"\n", path);
	assert_non_null(strstr(refused(text), "t:1: control: a socket's"));
	snprintf(text, sizeof(text), "\ncontrol read-only \"/%s\"\n", path);
	assert_non_null(strstr(refused(text), "t:2: control read-only: a"));
	assert_non_null(strstr(refused("control \"/a\"\n"
	    "control read-only \"/a\"\n"), "t:2: both control sockets"));
	assert_non_null(strstr(refused("control \"a\"\n"),
	    "t:1: \"a\" is not an absolute path"));
}

static void
warnings_do_not_refuse(void **state)
{
	(void)state;
	conf_free(accepted("line \"l\" { }\ndial every 1h\nupstream \"u\" { "
	    "relay \"smtp://h.example\" user \"x\" password \"p\" }\n"));
	assert_non_null(strstr(logged, "t:3: upstream \"u\": smtp:// sends"));
	conf_free(accepted("line \"l\" { }\ndial every 1h\nupstream \"u\" { "
	    "relay \"smtp://127.0.0.2\" user \"x\" password \"p\" }\n"));
	assert_string_equal(logged, "");
	conf_free(accepted("line \"l\" { }\n"
	    "upstream \"u\" { relay \"smtp://h.example\" }\n"));
	assert_string_equal(logged, "t:2: nothing opens a window by itself: "
	    "there is no \"dial\"\n");
	conf_free(accepted("tariff \"t\" {\n\tfrom 08:00 to 24:00 unit 1m "
	    "price 1\n\tfrom 00:00 to 08:00 on weekdays unit 1m price 1\n}"
	    "\n"));
	assert_string_equal(logged, "t:1: tariff \"t\" has no price on sunday "
	    "at 00:00: time is free then\n");
	conf_free(accepted("tariff \"t\" {\n\tfrom 23:00 to 08:00 unit 1m "
	    "price 1\n\tfrom 08:00 to 23:00 unit 1m price 1\n}\n"));
	assert_string_equal(logged, "");
	conf_free(accepted("tariff \"t\" { unit 1m price 1 }\n"
	    "line \"l\" { window 30m }\nline \"m\" { tariff \"t\" }\n"
	    "budget 10m per day, 5 per month\n"));
	assert_non_null(strstr(logged, "t:4: the budget is less than one"));
	assert_non_null(strstr(logged, "t:4: the budget is of money, but"));
	conf_free(accepted("line \"l\" { }\ndial every 1h\n"
	    "upstream \"u\" { relay \"smtps://h\" }\n"
	    "upstream \"v\" { relay \"smtps://h\" }\n"));
	assert_string_equal(logged, "t:4: upstream \"v\": its relay is not "
	    "used: all mail leaves through that of \"u\"\n");
	conf_free(accepted("users \"/u\"\n"
	    "listen on ::1 pop3 from 10.0.0.0/8\n"));
	assert_non_null(strstr(logged, "t:2: \"from\" is for smtp"));
	conf_free(accepted("users \"/u\"\nlisten on 10.0.0.1 pop3\n"));
	assert_non_null(strstr(logged, "t:2: without \"tls\" passwords"));
	/* What has no line does nothing, and what is done is not said. */
	conf_free(accepted("dial when seconds 60\ndial when cost 2\n"
	    "dial when urgent\ndial when deadline 30m\n"
	    "dial when balance 5 per hour\nbulk when larger 200K\n"
	    "budget 5 calls per day keep 1 for urgent\n"));
	assert_string_equal(logged, "");
}

/* Files: who can read them, and includes. */

static char	 dir[] = "/tmp/conf_test.XXXXXX";

static void
put(const char *name, mode_t mode, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	assert_non_null(f = fopen(path, "w"));
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static struct conf *
parse_file(const char *name)
{
	char path[128];

	logged[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return (parse_config(path, 0));
}

#define SECRET	"upstream \"u\" { relay \"smtps://h\" user \"x\" password "
#define REST	" }\nline \"l\" { }\ndial every 1h\n"

static void
secrets_that_others_can_read_are_refused(void **state)
{
	static const mode_t bad[] = { 0640, 0620, 0604, 0602, 0644, 0666 };
	size_t i;

	(void)state;
	put("c", 0600, SECRET "\"p\"" REST);
	conf_free(parse_file("c"));
	assert_string_equal(logged, "");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put("c", bad[i], SECRET "\"p\"" REST);
		assert_null(parse_file("c"));
		assert_non_null(strstr(logged, "/c:1: "));
		assert_non_null(strstr(logged, "holds a password"));
	}
	/* Without a password, or with the mask, it can be read by all. */
	put("c", 0644, "hostname \"h\"\n");
	conf_free(parse_file("c"));
	assert_string_equal(logged, "");
	put("c", 0644, SECRET "\"********\"" REST);
	conf_free(parse_file("c"));
	assert_non_null(strstr(logged, "the password is the mask"));
}

/* Of a chat, as of a password, others may not read what is sent. */
static void
chats_are_secret(void **state)
{
	static const struct {
		const char	*chat;
		int		 secret;
	} chats[] = {
		{ "\"ogin:\" \"guest\"", 1 },
		{ "\"\" \"\" \">\" \"x\"", 1 },
		{ "\"a-b-c\" \"\"", 1 },
		{ "\"a--c\" \"\"", 0 },
		{ "\"a\\-b\\-c\" \"\"", 0 },
		{ "\"a-********-c\" \"********\"", 0 }
	};
	char text[256];
	struct conf *c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(chats) / sizeof(chats[0]); i++) {
		snprintf(text, sizeof(text), "line \"l\" { modem \"/m\" "
		    "phone 1 no lock ppp\nchat %s\n}\n", chats[i].chat);
		put("c", 0644, text);
		c = parse_file("c");
		if ((c == NULL) != chats[i].secret)
			fail_msg("%s: %s", chats[i].chat, logged);
		if (c == NULL)
			assert_non_null(strstr(logged, "/c:2: "));
		conf_free(c);
		put("c", 0600, text);
		assert_non_null(c = parse_file("c"));
		conf_free(c);
	}
	/* The strings of a macro are in the file where that is. */
	put("s", 0644, "pw = \"p\"\n");
	put("c", 0600, "include \"s\"\nline \"l\" { modem \"/m\" phone 1 "
	    "no lock ppp\nchat \"a\" $pw }\n");
	assert_null(parse_file("c"));
	assert_non_null(strstr(logged, "/s holds a password"));
}

static void
the_file_that_has_the_secret_is_looked_at(void **state)
{
	(void)state;
	/* In a macro of an included file. */
	put("s", 0600, "pw = \"p\"\n");
	put("c", 0644, "include \"s\"\n" SECRET "$pw" REST);
	conf_free(parse_file("c"));
	assert_string_equal(logged, "");
	put("s", 0644, "pw = \"p\"\n");
	put("c", 0600, "include \"s\"\n" SECRET "$pw" REST);
	assert_null(parse_file("c"));
	assert_non_null(strstr(logged, "/c:2: "));
	assert_non_null(strstr(logged, "/s holds a password"));
}

static void
commands_that_others_can_write_are_refused(void **state)
{
	(void)state;
	put("c", 0644, "line \"l\" {\n\tup \"x\"\n}\n");
	conf_free(parse_file("c"));
	assert_string_equal(logged, "");
	put("c", 0664, "line \"l\" {\n\tup \"x\"\n}\n");
	assert_null(parse_file("c"));
	assert_non_null(strstr(logged, "/c:2: "));
}

static void
includes(void **state)
{
	(void)state;
	put("c", 0600, "include \"a\"\ninclude \"b\"\nline \"l\" { }\n");
	put("a", 0600, "hostname \"a.example\"");
	put("b", 0600, "\nsessions 7\nfoo\n");
	assert_null(parse_file("c"));
	assert_non_null(strstr(logged, "/b:3: \"foo\" is not"));
	put("b", 0600, "\nsessions 7\n");
	conf_free(parse_file("c"));
	assert_string_equal(logged, "");
	put("b", 0600, "user \"u\" {\n");
	assert_null(parse_file("c"));
	assert_non_null(strstr(logged, "/b:2: the file ends before"));
	put("b", 0600, "include \"c\"\n");
	assert_null(parse_file("c"));
	assert_non_null(strstr(logged, ": files include each other too deep"));
	put("c", 0600, "\ninclude \"nope\"\n");
	assert_null(parse_file("c"));
	assert_non_null(strstr(logged, "/c:2: "));
	assert_non_null(strstr(logged, "No such file"));
	/* A check across files has the right one. */
	put("c", 0600, "user \"u\" { address \"a@b\" }\ninclude \"b\"\n");
	put("b", 0600, "\nuser \"v\" { address \"a@b\" }\n");
	assert_null(parse_file("c"));
	assert_non_null(strstr(logged, "/b:2: address"));
}

static void
odd_files_are_refused(void **state)
{
	char path[128];

	(void)state;
	assert_null(parse_config(dir, 0));
	assert_null(parse_config("/nonexistent", 0));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(parse_config(path, 0));
	unlink(path);
	if (getuid() != 0)
		return;
	put("c", 0600, "hostname \"h\"\n");
	snprintf(path, sizeof(path), "%s/c", dir);
	assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
	assert_null(parse_file("c"));
	assert_non_null(strstr(logged, "belongs to neither root nor"));
}

static void
includes_can_be_forbidden(void **state)
{
	const char *text = "include \"/etc/passwd\"\n";

	(void)state;
	assert_null(parse_config_bytes("t", text, strlen(text),
	    PARSE_NOINCLUDE));
}

static void
an_address_is_no_other_users_name(void **state)
{
	(void)state;
	/* Whichever comes first, and a domain that is not ours is free. */
	assert_string_equal(refused("local domains { \"s.example\" }\n"
	    "user \"alice\" { }\n"
	    "user \"bob\" { address \"Alice@S.example\" }\n"),
	    "t:3: address \"Alice@s.example\" belongs to user \"alice\" "
	    "already\n");
	assert_string_equal(refused("user \"bob\" {\n"
	    "address \"alice@s.example\" }\nuser \"alice\" { }\n"
	    "local domains { \"s.example\" }\n"),
	    "t:2: address \"alice@s.example\" belongs to user \"alice\" "
	    "already\n");
	conf_free(accepted("local domains { \"s.example\" }\n"
	    "user \"alice\" { address \"alice@s.example\" }\n"
	    "user \"bob\" { address \"alice@t.example\" }\n"));
}

/* A user whose addresses are n of these. */
static const char *
many_addresses(unsigned int n, const char *domain)
{
	static char text[1024 * 1024];
	size_t len;
	unsigned int i;

	len = (size_t)snprintf(text, sizeof(text), "user \"a\" {\n address");
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    " \"u%u@%s\"", i, domain);
	snprintf(text + len, sizeof(text) - len, " }\n");
	return (text);
}

static void
what_is_too_much_to_hand_on_is_refused(void **state)
{
	static const char *const far = "a-rather-long-name-of-a-domain.example";

	(void)state;
	conf_free(accepted(many_addresses(CONF_LIST_MAX, "x")));
	assert_string_equal(refused(many_addresses(CONF_LIST_MAX + 1, "x")),
	    "t:1: user \"a\": more than 1024 addresses\n");
	conf_free(accepted(many_addresses(300, far)));
	assert_string_equal(refused(many_addresses(400, far)),
	    "t:1: user \"a\": the words of this block are too many\n");
}

static void
a_comment_does_not_cut_a_word(void **state)
{
	struct conf *c;

	(void)state;
	assert_string_equal(refused("line \"l\" { }\ndial every 1h\n"
	    "upstream \"u\" { relay \"smtps://h\" user x password ab#cd\n}\n"),
	    "t:3: a \"#\" in a word: it needs quotes, a comment a blank\n");
	c = accepted("hostname \"h\"# a string\nsessions 3 # a word\n"
	    "line \"l\" {# a brace\n}# another\n");
	assert_int_equal(c->global.sessions, 3);
	conf_free(c);
}

static void
what_would_be_ignored_is_refused(void **state)
{
	(void)state;
	assert_string_equal(refused("line \"l\" { no ppp }\n"),
	    "t:1: line \"l\" has no \"modem\" for \"dial\" or \"no ppp\"\n");
	assert_string_equal(refused("\nline \"l\" {\n dial tone\n}\n"),
	    "t:2: line \"l\" has no \"modem\" for \"dial\" or \"no ppp\"\n");
	conf_free(accepted("line \"l\" { no ppp dial tone modem \"/m\" "
	    "phone 1 }\n"));
	/* For more there are no descriptors. */
	assert_non_null(strstr(refused("sessions 2001\n"), "from 1 to 2000"));
	conf_free(accepted("sessions 2000\nsessions per address 2000\n"));
	assert_string_equal(refused("hostname 10.0.0.1\n"),
	    "t:1: \"10.0.0.1\" is an address: other servers want a name\n");
	assert_string_equal(refused("hostname \"::1\"\n"),
	    "t:1: \"::1\" is an address: other servers want a name\n");
}

static void
a_password_is_no_option(void **state)
{
	const char *log;

	(void)state;
	log = refused("line \"l\" { modem \"/m\" phone 1 \\\n"
	    "ppp options user x password hunter2 }\n");
	assert_non_null(strstr(log, "t:2: "));
	assert_null(strstr(log, "hunter2"));
	log = refused("line \"l\" { modem \"/m\" phone 1\nppp options "
	    "\"user\" \"x\" \"password\" \"hunter2\" }\n");
	assert_non_null(strstr(log, "t:2: options: a password is given by"));
	assert_null(strstr(log, "hunter2"));
}

static void
every_address_is_also_each(void **state)
{
	(void)state;
	assert_string_equal(refused("listen on 127.0.0.1 smtp\n"
	    "listen on 0.0.0.0 smtp\n"), "t:2: listen on 0.0.0.0 port 25: "
	    "there is one on 127.0.0.1 already\n");
	assert_string_equal(refused("listen on 0::0 smtp\n"
	    "listen on fe80::1%lo smtp\n"), "t:2: listen on fe80::1%lo port "
	    "25: there is one on 0::0 already\n");
	/* IPv6 is IPv6 only. */
	conf_free(accepted("listen on 0.0.0.0 smtp\nlisten on :: smtp\n"
	    "listen on 127.0.0.1 port 26 smtp\n"
	    "listen on ::1 port 27 smtp\n"));
}

static int
setup(void **state)
{
	(void)state;
	return (mkdtemp(dir) == NULL ? -1 : 0);
}

static int
teardown(void **state)
{
	static const char *const names[] = { "a", "b", "c", "s" };
	char path[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return (rmdir(dir));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strlist_keeps_the_order),
		cmocka_unit_test(new_configuration_is_empty),
		cmocka_unit_test(things_are_found_by_name),
		cmocka_unit_test(sizes),
		cmocka_unit_test(durations),
		cmocka_unit_test(money),
		cmocka_unit_test(clock_times),
		cmocka_unit_test(days),
		cmocka_unit_test(dates),
		cmocka_unit_test(currencies),
		cmocka_unit_test(urls),
		cmocka_unit_test(networks),
		cmocka_unit_test(mail_addresses),
		cmocka_unit_test(names_are_safe_for_files),
		cmocka_unit_test(modem_words),
		cmocka_unit_test(defaults),
		cmocka_unit_test(defaults_that_depend),
		cmocka_unit_test(days_by_date),
		cmocka_unit_test(what_calls_cost_is_what_was_said),
		cmocka_unit_test(dates_are_not_too_many),
		cmocka_unit_test(gaps_of_a_tariff_are_found),
		cmocka_unit_test(chats_are_secret),
		cmocka_unit_test(listeners_are_what_was_said),
		cmocka_unit_test(upstream_and_accounts_are_what_was_said),
		cmocka_unit_test(line_and_tariff_are_what_was_said),
		cmocka_unit_test(rules_are_what_was_said),
		cmocka_unit_test(budgets_are_what_was_said),
		cmocka_unit_test(printed_configuration_parses_to_the_same),
		cmocka_unit_test(strings_with_quotes_come_back),
		cmocka_unit_test(macros),
		cmocka_unit_test(every_error_has_its_line),
		cmocka_unit_test(an_unknown_block_is_one_error),
		cmocka_unit_test(no_error_shows_a_password),
		cmocka_unit_test(what_is_set_twice_is_refused),
		cmocka_unit_test(a_flood_of_errors_ends),
		cmocka_unit_test(odd_bytes_are_refused),
		cmocka_unit_test(blocks_end_in_their_file),
		cmocka_unit_test(redialling_is_strict),
		cmocka_unit_test(references_are_checked),
		cmocka_unit_test(duplicates_are_refused),
		cmocka_unit_test(lines_are_checked),
		cmocka_unit_test(socket_paths_are_short),
		cmocka_unit_test(warnings_do_not_refuse),
		cmocka_unit_test(secrets_that_others_can_read_are_refused),
		cmocka_unit_test(the_file_that_has_the_secret_is_looked_at),
		cmocka_unit_test(commands_that_others_can_write_are_refused),
		cmocka_unit_test(includes),
		cmocka_unit_test(odd_files_are_refused),
		cmocka_unit_test(includes_can_be_forbidden),
		cmocka_unit_test(an_address_is_no_other_users_name),
		cmocka_unit_test(what_is_too_much_to_hand_on_is_refused),
		cmocka_unit_test(a_comment_does_not_cut_a_word),
		cmocka_unit_test(what_would_be_ignored_is_refused),
		cmocka_unit_test(a_password_is_no_option),
		cmocka_unit_test(every_address_is_also_each)
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
