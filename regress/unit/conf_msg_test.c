/* See LICENSE for the terms. */
/*
 * The way of a configuration to the children: all of it arrives as it was,
 * secrets only where they are used, and what is malformed is refused
 * without a leak.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf_msg.h"

#define FILE_TEXT	"what is in the file"

/* A structure's strings and lists, to be compared with what came. */
struct member {
	const char	*name;
	size_t		 offset;
	uint32_t	 hidden;	/* from these */
};
#define M(type, member)		{ #member, offsetof(struct type, member), 0 }
#define S(type, member, from)	{ #member, offsetof(struct type, member), from }
#define ONLY(id)		(~(1U << (id)))
#define NOBODY			UINT32_MAX

static struct conf	*got;
static struct channel	 in, out;
static int		 bad, items, opened;

static char *
text(const char *s)
{
	char	*copy;

	assert_non_null(copy = strdup(s));
	return (copy);
}

static int
handler(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)arg;
	items++;
	return (conf_msg_receive(got, imsg));
}

static void
on_closed(struct channel *ch, int violation, void *arg)
{
	(void)ch;
	(void)arg;
	bad += violation;
}

static const struct channel_row *
rows(void)
{
	static struct channel_row	 all[PROTO_COUNT];
	uint32_t			 type, n = 0;

	for (type = PARENT_CONF_GLOBAL; type <= PARENT_CONF_DAYSET; type++) {
		all[n].type = type;
		all[n++].handler = handler;
	}
	return (all);
}

static void
begin(enum proc_id receiver)
{
	int	 sp[2];

	bad = items = opened = 0;
	assert_non_null(got = conf_new());
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sp), 0);
	assert_int_equal(channel_open(&out, sp[0], PROC_PARENT, receiver,
	    NULL, NULL, on_closed), 0);
	assert_int_equal(channel_open(&in, sp[1], receiver, PROC_PARENT,
	    rows(), NULL, on_closed), 0);
}

static void
run(void)
{
	int	 i;

	for (i = 0; i < 100; i++)
		event_loop(EVLOOP_NONBLOCK);
}

static void
end(void)
{
	struct conf_listener	*l;

	channel_close(&in);
	channel_close(&out);
	TAILQ_FOREACH(l, &got->listeners, entry)
		if (l->fd != -1)
			close(l->fd);
	conf_free(got);
	got = NULL;
}

/* The file that goes with an item. */
static int
open_item(void *arg, uint32_t type, const void *item)
{
	char	 path[] = "/tmp/conf_msg_test.XXXXXX";
	int	 fd;

	(void)arg;
	(void)item;
	(void)type;
	opened++;
	assert_int_not_equal(fd = mkstemp(path), -1);
	unlink(path);
	assert_int_equal(write(fd, FILE_TEXT, strlen(FILE_TEXT)),
	    strlen(FILE_TEXT));
	return (fd);
}

static const struct conf_fds	 fds = { open_item, NULL };

/* Every field has a value of its own. */
#define ITEM(conf, list, type, item)					\
	struct type	*item;						\
									\
	assert_non_null(item = calloc(1, sizeof(*item)));		\
	TAILQ_INSERT_TAIL(&(conf)->list, item, entry)

static void
fill_servers(struct conf *c)
{
	ITEM(c, pkis, conf_pki, pki);
	ITEM(c, listeners, conf_listener, l);
	ITEM(c, upstreams, conf_upstream, u);
	pki->name = text("ship");
	pki->cert = text("/cert");
	pki->key = text("/key");
	pki->line = 10;
	l->host = text("::1");
	l->port = 587;
	l->service = SERVICE_SUBMISSION;
	l->tls = TLS_MODE_STARTTLS;
	l->pki = text("ship");
	TAILQ_INIT(&l->from);
	strlist_add(&l->from, "10.0.0.0/8");
	strlist_add(&l->from, "");
	l->line = 11;
	l->fd = -1;
	u->name = text("isp");
	u->relay_host = text("smtp.example");
	u->relay_port = 465;
	u->relay_tls = TLS_MODE_IMPLICIT;
	u->relay_user = text("relay-user");
	u->relay_password = text("relay-password");
	u->fetch_proto = FETCH_IMAP;
	u->fetch_host = text("imap.example");
	u->fetch_port = 993;
	u->fetch_tls = TLS_MODE_IMPLICIT;
	u->line = 12;
}

static void
fill_people(struct conf *c)
{
	ITEM(c, domains, conf_domain, d);
	ITEM(c, users, conf_user, user);
	ITEM(c, accounts, conf_account, a);
	ITEM(c, aliases, conf_alias, alias);
	d->name = text("ship.example");
	user->name = text("alice");
	TAILQ_INIT(&user->addresses);
	strlist_add(&user->addresses, "alice@ship.example");
	user->line = 20;
	alias->name = text("root");
	TAILQ_INIT(&alias->targets);
	strlist_add(&alias->targets, "alice");
	strlist_add(&alias->targets, "x@far.example");
	alias->from_file = 1;
	alias->line = 22;
	a->name = text("alice@isp#1");
	a->user = text("alice");
	a->upstream = text("isp");
	a->login = text("alice7");
	a->password = text("fetch-password");
	a->keep = KEEP_FOREVER;
	a->large = 1ULL << 40;
	a->line = 21;
}

static void
fill_line(struct conf *c)
{
	ITEM(c, tariffs, conf_tariff, t);
	ITEM(c, rates, conf_rate, r);
	ITEM(c, lines, conf_line, l);
	t->name = text("telephone");
	t->setup = 1;
	t->per_megabyte = 2;
	t->free = 3;
	t->minimum = 4;
	t->line = 30;
	r->tariff = text("telephone");
	r->span = (struct conf_span){ 480, 1380, 1, 0x3e, 1, 2 };
	r->unit = 180;
	r->price = 10000;
	l->name = text("v34");
	l->device = text("/dev/cuaU0");
	l->speed = 115200;
	l->pulse = 1;
	TAILQ_INIT(&l->init);
	strlist_add(&l->init, "ATZ");
	TAILQ_INIT(&l->phone);
	TAILQ_INIT(&l->ppp_options);
	strlist_add(&l->ppp_options, "novj");
	l->ppp = 1;
	l->ppp_user = text("ppp-user");
	l->ppp_password = text("ppp-password");
	l->up = text("up");
	l->down = text("down");
	l->tariff = text("telephone");
	l->window = 900;
	l->answer = 60;
	l->conf_line = 31;
	l->no_flow = 1;
	l->lock = text("/run/lock");
	TAILQ_INIT(&l->chat);
	strlist_add(&l->chat, "ogin:");
	strlist_add(&l->chat, "chat-user");
	TAILQ_INIT(&l->chat_abort);
	strlist_add(&l->chat_abort, "incorrect");
	l->chat_timeout = 61;
	l->status = text("status");
	l->skip = 62;
	l->linger = 1;
	l->margin = 63;
	l->stall = 64;
}

static void
fill_policy(struct conf *c)
{
	ITEM(c, rules, conf_rule, r);
	ITEM(c, holds, conf_hold, h);
	ITEM(c, budgets, conf_budget, b);
	ITEM(c, daysets, conf_dayset, d);
	d->id = 2;
	TAILQ_INIT(&d->dates);
	strlist_add(&d->dates, "12-25");
	strlist_add(&d->dates, "2026-04-06");
	r->condition = DIAL_AGE;
	r->value = 7200;
	r->span = (struct conf_span){ 1, 2, 0, DAYS_ALL, 1, 0 };
	r->line = 40;
	h->span = (struct conf_span){ 1200, 60, 1, 1, 1, 0 };
	h->line = 41;
	b->kind = BUDGET_MONEY;
	b->period = BUDGET_MONTH;
	b->amount = UINT64_MAX;
	b->keep = 5;
	b->line = 42;
}

static struct conf *
full(void)
{
	struct conf		*c;
	struct conf_global	*g;

	assert_non_null(c = conf_new());
	g = &c->global;
	g->hostname = text("mail.ship.example");
	g->spool = text("/spool");
	g->empty = text("/empty");
	g->control = text("/ctl");
	g->control_ro = text("/ctl-ro");
	g->users = text("/users");
	g->message_max = 1ULL << 33;
	g->sessions = 1;
	g->sessions_per_address = 2;
	g->parallel = 3;
	g->expire = 4;
	g->redial = 5;
	g->redial_within = 6;
	g->redial_then = 7;
	g->bulk_larger = 8;
	g->bulk_after = 9;
	g->currency = text("EUR");
	g->breaker = 10;
	g->breaker_pause = 11;
	g->postmaster = text("alice");
	g->aliases = text("/aliases");
	g->catch_all = text("bob");
	g->no_plus = 12;
	fill_servers(c);
	fill_people(c);
	fill_line(c);
	fill_policy(c);
	return (c);
}

static void
same_string(const void *a, const void *b, const struct member *m,
    enum proc_id to)
{
	const char	*x, *y;

	memcpy(&x, (const char *)a + m->offset, sizeof(x));
	memcpy(&y, (const char *)b + m->offset, sizeof(y));
	if (x == NULL || (m->hidden & (1U << to)) != 0)
		assert_null(y);
	else {
		assert_non_null(y);
		assert_string_equal(x, y);
	}
}

static void
same_strings(const void *a, const void *b, const struct member *m,
    enum proc_id to)
{
	for (; m->name != NULL; m++)
		same_string(a, b, m, to);
}

static void
same_list(const struct strlist *a, const struct strlist *b)
{
	const struct strnode	*x, *y = TAILQ_FIRST(b);

	TAILQ_FOREACH(x, a, entry) {
		assert_non_null(y);
		assert_string_equal(x->s, y->s);
		y = TAILQ_NEXT(y, entry);
	}
	assert_null(y);
}

#define SAME(member)	assert_true(a->member == b->member)
/* The only item of a list at both ends, or none where it may not go. */
#define PAIR(list, type, receivers)					\
	const struct type	*a = TAILQ_FIRST(&sent->list);		\
	const struct type	*b = TAILQ_FIRST(&got->list);		\
									\
	if (((receivers) & (1U << to)) == 0) {				\
		assert_null(b);						\
		return;							\
	}								\
	assert_non_null(b);						\
	assert_null(TAILQ_NEXT(b, entry))
#define TO(id)		(1U << (id))
#define ALL		(TO(PROC_SPOOLD) | TO(PROC_DIALERD) | TO(PROC_FETCHD))
#define MAILERS		(TO(PROC_SPOOLD) | TO(PROC_FETCHD))

static void
check_pki(const struct conf *sent, enum proc_id to)
{
	static const struct member	 m[] = {
		M(conf_pki, name), M(conf_pki, cert), M(conf_pki, key),
		{ NULL, 0, 0 }
	};
	PAIR(pkis, conf_pki, TO(PROC_SPOOLD));

	same_strings(a, b, m, to);
	SAME(line);
	assert_int_equal(b->cert_len, strlen(FILE_TEXT));
	assert_memory_equal(b->cert_mem, FILE_TEXT, b->cert_len);
	assert_int_equal(b->key_len, strlen(FILE_TEXT));
	assert_memory_equal(b->key_mem, FILE_TEXT, b->key_len);
}

static void
check_listener(const struct conf *sent, enum proc_id to)
{
	static const struct member	 m[] = {
		M(conf_listener, host), M(conf_listener, pki), { NULL, 0, 0 }
	};
	PAIR(listeners, conf_listener, TO(PROC_SPOOLD));

	same_strings(a, b, m, to);
	same_list(&a->from, &b->from);
	SAME(port);
	SAME(service);
	SAME(tls);
	SAME(line);
	assert_int_not_equal(fcntl(b->fd, F_GETFD), -1);
}

static void
check_upstream(const struct conf *sent, enum proc_id to)
{
	static const struct member	 m[] = {
		M(conf_upstream, name), M(conf_upstream, relay_host),
		S(conf_upstream, relay_user, ONLY(PROC_SPOOLD)),
		S(conf_upstream, relay_password, ONLY(PROC_SPOOLD)),
		M(conf_upstream, fetch_host), M(conf_upstream, ca),
		{ NULL, 0, 0 }
	};
	PAIR(upstreams, conf_upstream, MAILERS);

	same_strings(a, b, m, to);
	SAME(relay_port);
	SAME(relay_tls);
	SAME(fetch_proto);
	SAME(fetch_port);
	SAME(fetch_tls);
	SAME(line);
	assert_int_equal(b->ca_len, strlen(FILE_TEXT));
	assert_memory_equal(b->ca_mem, FILE_TEXT, b->ca_len);
}

static void
check_account(const struct conf *sent, enum proc_id to)
{
	static const struct member	 m[] = {
		M(conf_account, name), M(conf_account, user),
		M(conf_account, upstream), M(conf_account, login),
		S(conf_account, password, ONLY(PROC_FETCHD)), { NULL, 0, 0 }
	};
	PAIR(accounts, conf_account, MAILERS);

	same_strings(a, b, m, to);
	SAME(keep);
	SAME(large);
	SAME(line);
}

static void
check_alias(const struct conf *sent, enum proc_id to)
{
	PAIR(aliases, conf_alias, TO(PROC_SPOOLD));

	assert_string_equal(a->name, b->name);
	same_list(&a->targets, &b->targets);
	SAME(from_file);
	SAME(line);
}

static void
check_user(const struct conf *sent, enum proc_id to)
{
	PAIR(users, conf_user, ALL);

	assert_string_equal(a->name, b->name);
	same_list(&a->addresses, &b->addresses);
	SAME(line);
}

static void
check_line(const struct conf *sent, enum proc_id to)
{
	static const struct member	 m[] = {
		M(conf_line, name), M(conf_line, device),
		M(conf_line, ppp_user), S(conf_line, ppp_password, NOBODY),
		M(conf_line, up), M(conf_line, down), M(conf_line, tariff),
		M(conf_line, lock), M(conf_line, status), { NULL, 0, 0 }
	};
	PAIR(lines, conf_line, TO(PROC_DIALERD));

	same_strings(a, b, m, to);
	same_list(&a->init, &b->init);
	same_list(&a->phone, &b->phone);
	same_list(&a->ppp_options, &b->ppp_options);
	same_list(&a->chat, &b->chat);
	same_list(&a->chat_abort, &b->chat_abort);
	SAME(no_flow);
	SAME(chat_timeout);
	SAME(skip);
	SAME(linger);
	SAME(margin);
	SAME(stall);
	SAME(speed);
	SAME(pulse);
	SAME(ppp);
	SAME(window);
	SAME(answer);
	SAME(conf_line);
}

static void
same_span(const struct conf_span *a, const struct conf_span *b)
{
	SAME(from);
	SAME(to);
	SAME(negate);
	SAME(days);
	SAME(set);
	SAME(dayset);
}

static void
check_rate(const struct conf *sent, enum proc_id to)
{
	PAIR(rates, conf_rate, TO(PROC_DIALERD));

	assert_string_equal(a->tariff, b->tariff);
	same_span(&a->span, &b->span);
	SAME(unit);
	SAME(price);
}

static void
check_tariff(const struct conf *sent, enum proc_id to)
{
	PAIR(tariffs, conf_tariff, TO(PROC_DIALERD));

	assert_string_equal(a->name, b->name);
	SAME(setup);
	SAME(per_megabyte);
	SAME(free);
	SAME(minimum);
	SAME(line);
}

static void
check_rule(const struct conf *sent, enum proc_id to)
{
	PAIR(rules, conf_rule, TO(PROC_DIALERD));

	same_span(&a->span, &b->span);
	SAME(condition);
	SAME(value);
	SAME(line);
}

static void
check_hold(const struct conf *sent, enum proc_id to)
{
	PAIR(holds, conf_hold, TO(PROC_DIALERD));

	same_span(&a->span, &b->span);
	SAME(line);
}

static void
check_budget(const struct conf *sent, enum proc_id to)
{
	PAIR(budgets, conf_budget, TO(PROC_DIALERD));

	SAME(kind);
	SAME(period);
	SAME(amount);
	SAME(keep);
	SAME(line);
}

static void
check_dayset(const struct conf *sent, enum proc_id to)
{
	PAIR(daysets, conf_dayset, TO(PROC_DIALERD));

	SAME(id);
	same_list(&a->dates, &b->dates);
}

static void
check_domain(const struct conf *sent, enum proc_id to)
{
	PAIR(domains, conf_domain, TO(PROC_SPOOLD));

	assert_string_equal(a->name, b->name);
}

static void
check_global(const struct conf *sent, enum proc_id to)
{
	static const struct member	 m[] = {
		M(conf_global, hostname), M(conf_global, spool),
		M(conf_global, empty), M(conf_global, control),
		M(conf_global, control_ro), M(conf_global, users),
		M(conf_global, ca), M(conf_global, postmaster),
		M(conf_global, aliases), M(conf_global, catch_all),
		M(conf_global, currency), { NULL, 0, 0 }
	};
	const struct conf_global	*a = &sent->global, *b = &got->global;

	same_strings(a, b, m, to);
	SAME(message_max);
	SAME(sessions);
	SAME(sessions_per_address);
	SAME(parallel);
	SAME(expire);
	SAME(redial);
	SAME(redial_within);
	SAME(redial_then);
	SAME(bulk_larger);
	SAME(bulk_after);
	SAME(no_plus);
	SAME(breaker);
	SAME(breaker_pause);
}

static void
round_trip(enum proc_id to)
{
	struct conf	*sent = full();

	begin(to);
	assert_int_equal(conf_msg_send(&out, to, sent, &fds), 0);
	run();
	assert_int_equal(bad, 0);
	check_global(sent, to);
	check_pki(sent, to);
	check_listener(sent, to);
	check_upstream(sent, to);
	check_account(sent, to);
	check_user(sent, to);
	check_alias(sent, to);
	check_domain(sent, to);
	check_line(sent, to);
	check_rate(sent, to);
	check_tariff(sent, to);
	check_rule(sent, to);
	check_hold(sent, to);
	check_budget(sent, to);
	check_dayset(sent, to);
	end();
	conf_free(sent);
}

static void
test_spoold(void **state)
{
	(void)state;
	round_trip(PROC_SPOOLD);
}

static void
test_dialerd(void **state)
{
	(void)state;
	round_trip(PROC_DIALERD);
	assert_int_equal(opened, 0);
}

static void
test_fetchd(void **state)
{
	(void)state;
	round_trip(PROC_FETCHD);
}

/* Whatever is sent, a secret is in no byte of what does not need it. */
static void
no_byte_of(const char *secret, enum proc_id to)
{
	static char	 wire[256 * 1024];
	struct conf	*sent = full();
	struct channel	 ch;
	ssize_t		 n;
	size_t		 len = 0;
	int		 i, sp[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sp), 0);
	assert_int_equal(channel_open(&ch, sp[0], PROC_PARENT, to, NULL, NULL,
	    on_closed), 0);
	assert_int_equal(conf_msg_send(&ch, to, sent, &fds), 0);
	for (i = 0; i < 100; i++)
		event_loop(EVLOOP_NONBLOCK);
	assert_int_equal(channel_queued(&ch), 0);
	while ((n = recv(sp[1], wire + len, sizeof(wire) - len,
	    MSG_DONTWAIT)) > 0)
		len += (size_t)n;
	assert_true(len > 100);
	assert_null(memmem(wire, len, secret, strlen(secret)));
	channel_close(&ch);
	close(sp[1]);
	conf_free(sent);
}

static void
test_secrets(void **state)
{
	(void)state;
	no_byte_of("relay-password", PROC_DIALERD);
	no_byte_of("relay-password", PROC_FETCHD);
	no_byte_of("fetch-password", PROC_SPOOLD);
	no_byte_of("fetch-password", PROC_DIALERD);
	no_byte_of("ppp-password", PROC_SPOOLD);
	no_byte_of("ppp-password", PROC_DIALERD);
	no_byte_of("ppp-password", PROC_FETCHD);
}

static int
fail_key(void *arg, uint32_t type, const void *item)
{
	if (type == PARENT_CONF_PKI_KEY) {
		errno = EACCES;
		return (-1);
	}
	return (open_item(arg, type, item));
}

/* A file that cannot be opened ends the sending, with its errno. */
static void
test_open_fails(void **state)
{
	const struct conf_fds	 failing = { fail_key, NULL };
	struct conf		*sent = full();

	(void)state;
	begin(PROC_SPOOLD);
	assert_int_equal(conf_msg_send(&out, PROC_SPOOLD, sent, &failing),
	    -1);
	assert_int_equal(errno, EACCES);
	run();
	assert_int_equal(bad, 0);
	end();
	conf_free(sent);
}

/* More than a message holds is an error and not cut off. */
static void
test_too_long(void **state)
{
	struct conf	*sent = full();
	char		*s;
	int		 i;

	(void)state;
	assert_non_null(s = malloc(6000));
	memset(s, 'a', 5999);
	s[5999] = '\0';
	for (i = 0; i < 4; i++)
		strlist_add(&TAILQ_FIRST(&sent->lines)->init, s);
	begin(PROC_DIALERD);
	assert_int_equal(conf_msg_send(&out, PROC_DIALERD, sent, &fds), -1);
	assert_int_equal(errno, ERANGE);
	end();
	free(s);
	conf_free(sent);
}

/* One item as bytes, with or without a descriptor: refused, or else. */
static void
raw(uint32_t type, const void *data, size_t len, int fd, int refused)
{
	begin(proto_row(type)->receivers & TO(PROC_SPOOLD) ? PROC_SPOOLD :
	    PROC_DIALERD);
	assert_int_equal(channel_send(&out, type, 0, fd, data, len), 0);
	run();
	assert_int_equal(items, 1);
	assert_int_equal(bad, refused);
	end();
}

static void
test_malformed(void **state)
{
	/* A name of 4, a list of 1 of 1, a line. */
	static const uint8_t	 user[] = {
		0, 5, 'c', 'a', 'r', 'l', 0, 1, 0, 2, 'x', 0, 0, 0, 9
	};
	uint8_t			 copy[sizeof(user) + 1];
	size_t			 n;

	(void)state;
	raw(PARENT_CONF_USER, user, sizeof(user), -1, 0);
	for (n = 1; n < sizeof(user); n++)
		raw(PARENT_CONF_USER, user, n, -1, 1);
	memcpy(copy, user, sizeof(user));
	copy[sizeof(user)] = 0;
	raw(PARENT_CONF_USER, copy, sizeof(copy), -1, 1);
	copy[3] = 0;			/* a NUL within */
	raw(PARENT_CONF_USER, copy, sizeof(user), -1, 1);
	memcpy(copy, user, sizeof(user));
	copy[0] = 0xff;			/* longer than there is, or may be */
	raw(PARENT_CONF_USER, copy, sizeof(user), -1, 1);
	memcpy(copy, user, sizeof(user));
	copy[6] = 0xff;			/* more than a list may have */
	raw(PARENT_CONF_USER, copy, sizeof(user), -1, 1);
	memcpy(copy, user, sizeof(user));
	copy[9] = 0;			/* no string in a list */
	raw(PARENT_CONF_USER, copy, sizeof(user), -1, 1);
}

/* A file without what it belongs to, a second one, none, a directory. */
static void
test_files(void **state)
{
	static const uint8_t	 pki[] = {
		0, 2, 'x', 0, 0, 0, 0, 0, 0, 0, 1
	};
	int			 i;

	(void)state;
	raw(PARENT_CONF_PKI_CERT, NULL, 0, open_item(NULL, 0, NULL), 1);
	raw(PARENT_CONF_PKI_KEY, NULL, 0, open_item(NULL, 0, NULL), 1);
	raw(PARENT_CONF_CA, NULL, 0, open_item(NULL, 0, NULL), 1);
	for (i = 1; i <= 2; i++) {
		begin(PROC_SPOOLD);
		channel_send(&out, PARENT_CONF_PKI, 0, -1, pki, sizeof(pki));
		channel_send(&out, PARENT_CONF_PKI_CERT, 0,
		    open_item(NULL, 0, NULL), NULL, 0);
		if (i == 2)
			channel_send(&out, PARENT_CONF_PKI_CERT, 0,
			    open_item(NULL, 0, NULL), NULL, 0);
		run();
		assert_int_equal(bad, i - 1);
		end();
	}
	begin(PROC_SPOOLD);
	channel_send(&out, PARENT_CONF_PKI, 0, -1, pki, sizeof(pki));
	channel_send(&out, PARENT_CONF_PKI_CERT, 0, open("/", O_RDONLY), NULL,
	    0);
	run();
	assert_int_equal(bad, 1);
	end();
}

/* The global settings come once. */
static void
test_global_twice(void **state)
{
	struct conf	*sent = full();

	(void)state;
	begin(PROC_DIALERD);
	assert_int_equal(conf_msg_send(&out, PROC_DIALERD, sent, &fds), 0);
	assert_int_equal(conf_msg_send(&out, PROC_DIALERD, sent, &fds), 0);
	run();
	assert_int_equal(bad, 1);
	end();
	conf_free(sent);
}

static void
test_read_fd(void **state)
{
	uint8_t	*mem;
	size_t	 len;
	int	 fd;

	(void)state;
	fd = open_item(NULL, 0, NULL);
	assert_non_null(mem = conf_read_fd(fd, 100, &len));
	assert_int_equal(len, strlen(FILE_TEXT));
	assert_string_equal((char *)mem, FILE_TEXT);
	free(mem);
	assert_null(conf_read_fd(fd, len - 1, &len));
	assert_int_equal(errno, EFBIG);
	close(fd);
	assert_null(conf_read_fd(fd, 100, &len));
	assert_int_equal(errno, EBADF);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_spoold),
		cmocka_unit_test(test_dialerd),
		cmocka_unit_test(test_fetchd),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_open_fails),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_global_twice),
		cmocka_unit_test(test_read_fd),
	};

	event_init();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
