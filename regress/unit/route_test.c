/* See LICENSE for the terms. */

/* Routes of recipients. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "queue.h"
#include "route.h"

static struct conf	*conf;

static void
add_user(const char *name, const char *address)
{
	struct conf_user	*u;

	assert_non_null(u = calloc(1, sizeof(*u)));
	TAILQ_INIT(&u->addresses);
	assert_non_null(u->name = strdup(name));
	assert_int_equal(strlist_add(&u->addresses, address), 0);
	TAILQ_INSERT_TAIL(&conf->users, u, entry);
}

static void
add_upstream(const char *relay_host)
{
	struct conf_upstream	*u;

	assert_non_null(u = calloc(1, sizeof(*u)));
	assert_non_null(u->name = strdup("isp"));
	if (relay_host != NULL)
		assert_non_null(u->relay_host = strdup(relay_host));
	TAILQ_INSERT_TAIL(&conf->upstreams, u, entry);
}

/* Targets with commas between them. */
static void
add_alias(const char *name, const char *targets)
{
	struct conf_alias	*a;
	char			*copy, *p, *t;

	assert_non_null(a = calloc(1, sizeof(*a)));
	TAILQ_INIT(&a->targets);
	assert_non_null(a->name = strdup(name));
	assert_non_null(p = copy = strdup(targets));
	while ((t = strsep(&p, ",")) != NULL)
		assert_int_equal(strlist_add(&a->targets, t), 0);
	free(copy);
	TAILQ_INSERT_TAIL(&conf->aliases, a, entry);
}

static int
setup(void **state)
{
	struct conf_domain	*d;

	(void)state;
	assert_non_null(conf = conf_new());
	assert_non_null(d = calloc(1, sizeof(*d)));
	assert_non_null(d->name = strdup("ship.example"));
	TAILQ_INSERT_TAIL(&conf->domains, d, entry);
	add_user("alice", "alice.liddell@isp.example");
	add_user("bob", "robert@ship.example");
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	conf_free(conf);
	return (0);
}

static struct route
route(const char *address, int may_relay)
{
	struct address	 a;

	assert_int_equal(address_parse(address, strlen(address), &a), 0);
	return (route_recipient(conf, &a, may_relay));
}

static void
assert_local(const char *address, const char *user)
{
	struct route	 r = route(address, 0);

	assert_int_equal(r.kind, ROUTE_LOCAL);
	assert_string_equal(r.user, user);
}

static struct envelope		*to;
static struct route_failure	 why;

static enum route_expand
expand(const char *address, uint32_t max)
{
	struct route	 r = route(address, 0);

	assert_int_equal(r.kind, ROUTE_ALIAS);
	envelope_free(to);
	assert_non_null(to = envelope_new(""));
	return (route_expand(conf, r.alias, address, max, to, &why));
}

/* "user" or "=address", with commas between them. */
static void
assert_members(const char *address, const char *members)
{
	char		 text[4096] = "";
	uint32_t	 i;

	assert_int_equal(expand(address, 100), ROUTE_EXPANDED);
	for (i = 0; i < to->nrecipients; i++) {
		if (i > 0)
			strlcat(text, ",", sizeof(text));
		if (to->recipients[i].user == NULL) {
			strlcat(text, "=", sizeof(text));
			strlcat(text, to->recipients[i].address, sizeof(text));
		} else {
			assert_string_equal(to->recipients[i].address,
			    address);
			strlcat(text, to->recipients[i].user, sizeof(text));
		}
	}
	assert_string_equal(text, members);
	envelope_free(to);
	to = NULL;
}

static void
assert_fails(const char *address, enum route_expand result,
    const char *alias, const char *target)
{
	assert_int_equal(expand(address, 100), result);
	assert_string_equal(why.alias, alias);
	if (target != NULL)
		assert_string_equal(why.target, target);
	envelope_free(to);
	to = NULL;
}

static void
test_aliases(void **state)
{
	(void)state;
	add_upstream("smtp.isp.example");
	assert_non_null(conf->global.hostname = strdup("mail.ship.example"));
	add_alias("root", "Alice,x@far.example");
	add_alias("Crew", "root,bob,ALICE,x@FAR.example,y@far.example");
	add_alias("odd name", "alice@ship.example,robert@ship.example");
	assert_members("root@ship.example", "alice,=x@far.example");
	assert_members("ROOT@Mail.ship.example", "alice,=x@far.example");
	assert_members("crew@ship.example",
	    "bob,alice,=x@FAR.example,=y@far.example");
	assert_members("\"odd name\"@ship.example", "alice,bob");
	/* They are no names elsewhere, nor without a domain. */
	assert_int_equal(route("root@far.example", 1).kind, ROUTE_RELAY);
	assert_int_equal(route("root@far.example", 0).kind, ROUTE_DENIED);
	assert_int_equal(route("root", 1).kind, ROUTE_NO_USER);
	add_alias("postmaster", "bob");
	assert_members("postmaster", "bob");
	assert_members("postmaster@ship.example", "bob");
}

/* An alias of a user's name comes first, and can mean the user as well. */
static void
test_alias_of_user(void **state)
{
	struct address	 a;
	struct route	 r;

	(void)state;
	add_upstream("smtp.isp.example");
	add_alias("alice", "alice,backup@far.example");
	add_alias("bob", "\\bob,alice");
	assert_members("alice@ship.example", "alice,=backup@far.example");
	assert_members("bob@ship.example",
	    "bob,alice,=backup@far.example");
	/* An address elsewhere is the user's own. */
	assert_local("alice.liddell@isp.example", "alice");
	/* Who writes from there is the user. */
	assert_int_equal(address_parse("alice@ship.example", 18, &a), 0);
	r = route_owner(conf, &a);
	assert_int_equal(r.kind, ROUTE_LOCAL);
	assert_string_equal(r.user, "alice");
}

static void
test_alias_loops(void **state)
{
	(void)state;
	add_alias("a", "b");
	add_alias("b", "a");
	add_alias("c", "d,bob");
	add_alias("d", "c");
	add_alias("self", "self");
	assert_fails("a@ship.example", ROUTE_EXPAND_EMPTY, "a", NULL);
	assert_members("c@ship.example", "bob");
	assert_members("d@ship.example", "bob");
	assert_fails("self@ship.example", ROUTE_EXPAND_TARGET, "self", "self");
}

/* Gone through before is not the same as within itself. */
static void
test_alias_twice(void **state)
{
	(void)state;
	add_upstream("smtp.isp.example");
	add_alias("all", "root,alice,\\bob");
	add_alias("root", "alice");
	add_alias("alice", "x@far.example");
	assert_members("all@ship.example", "bob,=x@far.example");
}

static void
test_alias_nowhere(void **state)
{
	char	 name[16], next[16];
	int	 i;

	(void)state;
	add_alias("root", "alice,admin");
	add_alias("admin", "carol,alice");
	add_alias("far", "x@far.example");
	add_alias("here", "nobody@ship.example");
	assert_fails("root@ship.example", ROUTE_EXPAND_TARGET, "admin",
	    "carol");
	assert_fails("far@ship.example", ROUTE_EXPAND_TARGET, "far",
	    "x@far.example");
	assert_fails("here@ship.example", ROUTE_EXPAND_TARGET, "here",
	    "nobody@ship.example");
	for (i = 0; i < ROUTE_ALIASES_MAX; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(next, sizeof(next), "n%d", i + 1);
		add_alias(name, next);
	}
	add_alias("n256", "bob");
	assert_fails("n0@ship.example", ROUTE_EXPAND_MANY, "n255", "n256");
	assert_members("n1@ship.example", "bob");
}

static void
test_alias_limit(void **state)
{
	(void)state;
	add_upstream("smtp.isp.example");
	add_alias("three", "alice,bob,x@far.example,bob");
	assert_int_equal(expand("three@ship.example", 2), ROUTE_EXPAND_MANY);
	assert_int_equal(expand("three@ship.example", 3), ROUTE_EXPANDED);
	assert_int_equal(to->nrecipients, 3);
	envelope_free(to);
	to = NULL;
}

static void
test_plus(void **state)
{
	(void)state;
	add_upstream("smtp.isp.example");
	assert_non_null(conf->global.hostname = strdup("mail.ship.example"));
	add_user("alice+list", "list@ship.example");
	add_alias("root", "bob");
	add_alias("bob+x", "alice");
	assert_local("alice+news@ship.example", "alice");
	assert_local("Alice+a+b@mail.ship.example", "alice");
	assert_local("alice+list@ship.example", "alice+list");
	assert_local("robert+x@ship.example", "bob");
	assert_local("bob+@ship.example", "bob");
	assert_members("root+cron@ship.example", "bob");
	assert_members("bob+x@ship.example", "alice");
	assert_int_equal(route("+alice@ship.example", 1).kind, ROUTE_NO_USER);
	assert_int_equal(route("carol+x@ship.example", 1).kind,
	    ROUTE_NO_USER);
	/* The provider's to decide. */
	assert_int_equal(route("alice.liddell+x@isp.example", 1).kind,
	    ROUTE_RELAY);
	conf->global.no_plus = 1;
	assert_int_equal(route("alice+news@ship.example", 1).kind,
	    ROUTE_NO_USER);
	assert_int_equal(route("robert+x@ship.example", 1).kind,
	    ROUTE_NO_USER);
	assert_local("alice+list@ship.example", "alice+list");
}

static void
test_catch_all(void **state)
{
	(void)state;
	add_upstream("smtp.isp.example");
	assert_non_null(conf->global.hostname = strdup("mail.isp.example"));
	assert_non_null(conf->global.catch_all = strdup("bob"));
	add_alias("root", "alice");
	assert_local("carol@ship.example", "bob");
	assert_local("carol+x@ship.example", "bob");
	assert_local("alice@ship.example", "alice");
	assert_members("root@ship.example", "alice");
	/* Not at the host's name, not elsewhere, not without a domain. */
	assert_int_equal(route("carol@mail.isp.example", 1).kind, ROUTE_RELAY);
	assert_int_equal(route("carol@far.example", 0).kind, ROUTE_DENIED);
	assert_int_equal(route("carol", 0).kind, ROUTE_NO_USER);
}

static void
test_users(void **state)
{
	(void)state;
	assert_local("alice@ship.example", "alice");
	assert_local("ALICE@Ship.Example", "alice");
	assert_local("\"alice\"@ship.example", "alice");
	assert_local("robert@ship.example", "bob");
	assert_local("bob@ship.example", "bob");
	/* A user's address with the provider does not touch the line. */
	assert_local("Alice.Liddell@ISP.example", "alice");
}

static void
test_nobody(void **state)
{
	(void)state;
	add_upstream("smtp.isp.example");
	assert_int_equal(route("carol@ship.example", 1).kind, ROUTE_NO_USER);
	assert_int_equal(route("alice.liddell@ship.example", 1).kind,
	    ROUTE_NO_USER);
}

static void
test_relay(void **state)
{
	(void)state;
	assert_int_equal(route("x@far.example", 1).kind, ROUTE_NO_UPSTREAM);
	/* One that has mailboxes only. */
	add_upstream(NULL);
	assert_int_equal(route("x@far.example", 1).kind, ROUTE_NO_UPSTREAM);
	add_upstream("smtp.isp.example");
	assert_int_equal(route("x@far.example", 1).kind, ROUTE_RELAY);
	assert_int_equal(route("x@[192.0.2.1]", 1).kind, ROUTE_RELAY);
	assert_int_equal(route("alice@isp.example", 1).kind, ROUTE_RELAY);
	assert_int_equal(route("x@far.example", 0).kind, ROUTE_DENIED);
	assert_int_equal(route("x@sub.ship.example", 0).kind, ROUTE_DENIED);
	assert_int_equal(route("x@aship.example", 0).kind, ROUTE_DENIED);
}

static void
test_postmaster(void **state)
{
	(void)state;
	assert_int_equal(route("postmaster", 0).kind, ROUTE_NO_USER);
	assert_int_equal(route("postmaster@ship.example", 0).kind,
	    ROUTE_NO_USER);
	assert_non_null(conf->global.postmaster = strdup("bob"));
	assert_local("PostMaster", "bob");
	assert_local("postmaster@ship.example", "bob");
	assert_int_equal(route("postmaster@far.example", 0).kind,
	    ROUTE_DENIED);
	/* Without a domain that is the only one. */
	assert_int_equal(route("alice", 0).kind, ROUTE_NO_USER);
}

/* A machine's own name does for its users, and hides nobody's. */
static void
test_hostname(void **state)
{
	(void)state;
	add_upstream("smtp.isp.example");
	assert_non_null(conf->global.hostname = strdup("mail.isp.example"));
	assert_non_null(conf->global.postmaster = strdup("bob"));
	assert_local("alice@Mail.isp.example", "alice");
	assert_local("postmaster@mail.isp.example", "bob");
	assert_int_equal(route("carol@mail.isp.example", 1).kind, ROUTE_RELAY);
	assert_int_equal(route("alice@isp.example", 1).kind, ROUTE_RELAY);
}

static void
test_postmaster_unknown(void **state)
{
	(void)state;
	assert_non_null(conf->global.postmaster = strdup("nobody"));
	assert_int_equal(route("postmaster", 0).kind, ROUTE_NO_USER);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(test_users, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_postmaster, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_hostname, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_postmaster_unknown,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_aliases, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_alias_of_user, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_alias_loops, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_alias_twice, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_alias_nowhere, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_alias_limit, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_plus, setup, teardown),
		cmocka_unit_test_setup_teardown(test_catch_all, setup,
		    teardown)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
