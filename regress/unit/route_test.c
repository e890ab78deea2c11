/* See LICENSE for the terms. */

/* Routes of recipients. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
		    setup, teardown)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
