/* See LICENSE for the terms. */
/*
 * The chat: what is expected, cut at every byte and in noise; what is sent,
 * with its escapes and pauses; alternatives, aborts and limits.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "chat.h"

static struct chat	 c;
static struct strlist	 script, aborts;

static void
list(struct strlist *l, const char *const *words)
{
	strlist_free(l);
	TAILQ_INIT(l);
	for (; *words != NULL; words++)
		assert_int_equal(strlist_add(l, *words), 0);
}
#define LIST(l, ...)	list(l, (const char *const []){ __VA_ARGS__, NULL })

static void
start(void)
{
	chat_free(&c);
	assert_int_equal(chat_start(&c, &script, &aborts, 45), 0);
}

/* All that it wants to send now. */
static const char *
sent(void)
{
	static char	 buf[4096];
	size_t		 n, len = 0;

	/* In small bites, as a slow port takes them. */
	while ((n = chat_output(&c, (uint8_t *)buf + len, 7)) > 0)
		len += n;
	buf[len] = '\0';
	return (buf);
}

static size_t
say(const char *s)
{
	return (chat_input(&c, (const uint8_t *)s, strlen(s)));
}

static int
setup(void **state)
{
	(void)state;
	memset(&c, 0, sizeof(c));
	TAILQ_INIT(&c.script);
	TAILQ_INIT(&script);
	TAILQ_INIT(&aborts);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	chat_free(&c);
	strlist_free(&script);
	strlist_free(&aborts);
	return (0);
}

static void
test_login(void **state)
{
	(void)state;
	LIST(&script, "ogin:", "ship", "word:", "secret", "~$");
	start();
	assert_string_equal(sent(), "");
	assert_int_equal(chat_wait(&c), 45000);
	say("\r\nWelcome.\r\nLogin: ");
	assert_string_equal(sent(), "ship\r");
	say("ship\r\nPassword:");
	assert_string_equal(sent(), "secret\r");
	assert_int_equal(chat_status(&c), CHAT_WORKING);
	/* What follows the end is the link's. */
	assert_int_equal(say("\r\n~$~PPP"), 4);
	assert_int_equal(chat_status(&c), CHAT_DONE);
	assert_int_equal(chat_wait(&c), 0);
	assert_int_equal(say("more"), 0);
}

/* In one read or in any two; and however many bytes at once. */
static void
test_cuts(void **state)
{
	static const char	 all[] = "noise\r\nlogin: x\r\nlogilogin:";
	size_t			 cut, len = sizeof(all) - 1;

	(void)state;
	LIST(&script, "login: x", "a", "ilogin:", "b");
	for (cut = 0; cut <= len; cut++) {
		start();
		assert_int_equal(chat_input(&c, (const uint8_t *)all, cut),
		    cut);
		assert_int_equal(chat_input(&c, (const uint8_t *)all + cut,
		    len - cut), len - cut);
		assert_string_equal(sent(), "a\rb\r");
		assert_int_equal(chat_status(&c), CHAT_DONE);
	}
}

/* A false start must not hide the true one. */
static void
test_partial(void **state)
{
	(void)state;
	LIST(&script, "aab", "x");
	start();
	say("aaab");
	assert_string_equal(sent(), "x\r");
	/* What was matched once does not match again. */
	LIST(&script, "ab", "x", "ab", "y");
	start();
	say("ab");
	assert_string_equal(sent(), "x\r");
	say("ab");
	assert_string_equal(sent(), "y\r");
}

static void
test_noise(void **state)
{
	char	 noise[3000];
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 7);
	LIST(&script, "ogin:", "ship");
	start();
	assert_int_equal(chat_input(&c, (uint8_t *)noise, sizeof(noise)),
	    sizeof(noise));
	/* Parity in the eighth bit; and the case counts. */
	say("LOGIN: \xef" "g\xe9" "n");
	assert_string_equal(sent(), "");
	say("\xba");
	assert_string_equal(sent(), "ship\r");
}

static void
test_escapes(void **state)
{
	(void)state;
	LIST(&script, "", "a\\rb\\nc\\sd\\te\\\\f\\101\\7^C\\^\\-g-h\\q\\zi");
	start();
	assert_string_equal(sent(), "a\rb\nc d\te\\fA\a\003^-g-hzi\r");
	assert_int_equal(chat_status(&c), CHAT_DONE);
	LIST(&script, "a\\sb\\-c^G", "x\\c", "\\\\", "^", "^^", "\\");
	start();
	say("a b-c\a");
	assert_string_equal(sent(), "x");
	say("\\");
	assert_string_equal(sent(), "^\r");
	say("\036");
	assert_string_equal(sent(), "\\\r");
	LIST(&script, "", "\\0\\377\\c");
	start();
	(void)sent();
	assert_int_equal(chat_status(&c), CHAT_DONE);
}

static void
test_pauses(void **state)
{
	(void)state;
	LIST(&script, "", "at\\d\\pz\\d", "ok", "\\d\\c");
	start();
	assert_string_equal(sent(), "at");
	assert_int_equal(chat_wait(&c), 1000);
	/* What comes meanwhile is kept for the next string. */
	say("xo");
	chat_timeout(&c);
	assert_string_equal(sent(), "");
	assert_int_equal(chat_wait(&c), 100);
	chat_timeout(&c);
	assert_string_equal(sent(), "z");
	say("k");
	assert_int_equal(chat_wait(&c), 1000);
	chat_timeout(&c);
	assert_string_equal(sent(), "\r");
	/* And "ok" is had already. */
	assert_int_equal(chat_wait(&c), 1000);
	assert_int_equal(chat_status(&c), CHAT_WORKING);
	chat_timeout(&c);
	assert_string_equal(sent(), "");
	assert_int_equal(chat_status(&c), CHAT_DONE);
}

static void
test_timeout(void **state)
{
	(void)state;
	LIST(&script, "ogin:", "user", "word:", "secret");
	start();
	say("ogin:");
	assert_string_equal(sent(), "user\r");
	chat_timeout(&c);
	assert_int_equal(chat_status(&c), CHAT_FAILED);
	assert_string_equal(chat_text(&c), "no \"word:\" came in time");
	assert_int_equal(chat_wait(&c), 0);
}

static void
test_alternatives(void **state)
{
	(void)state;
	LIST(&script, "ogin:--ogin:-\\003\\c-ogin:", "ship");
	start();
	chat_timeout(&c);
	assert_string_equal(sent(), "\r");
	assert_int_equal(chat_wait(&c), 45000);
	chat_timeout(&c);
	assert_string_equal(sent(), "\003");
	say("login:");
	assert_string_equal(sent(), "ship\r");
	assert_int_equal(chat_status(&c), CHAT_DONE);
	/* All in vain. */
	start();
	chat_timeout(&c);
	chat_timeout(&c);
	assert_int_equal(chat_status(&c), CHAT_WORKING);
	(void)sent();
	chat_timeout(&c);
	assert_int_equal(chat_status(&c), CHAT_FAILED);
	assert_string_equal(chat_text(&c), "no \"ogin:\" came in time");
	/* The first is enough, and what is left of the word is over. */
	LIST(&script, "ogin:--ogin:", "ship", "word:-x-", "secret");
	start();
	say("login:");
	assert_string_equal(sent(), "ship\r");
	say("word:");
	assert_string_equal(sent(), "secret\r");
	assert_int_equal(chat_status(&c), CHAT_DONE);
	/* Nothing to expect after it. */
	LIST(&script, "x-y", "z");
	start();
	chat_timeout(&c);
	assert_string_equal(sent(), "");
	assert_int_equal(chat_status(&c), CHAT_FAILED);
}

static void
test_aborts(void **state)
{
	(void)state;
	LIST(&script, "ogin:", "ship\\dx", "word:", "secret");
	LIST(&aborts, "NO CARRIER", "incorrect", "");
	start();
	say("NO CAR");
	say("RIER");
	assert_int_equal(chat_status(&c), CHAT_FAILED);
	assert_string_equal(chat_text(&c),
	    "the far side said \"NO CARRIER\"");
	/* What is expected comes first. */
	LIST(&script, "incorrect", "ship");
	start();
	say("incorrect");
	assert_string_equal(sent(), "ship\r");
}

/* What is sent is a secret, and may be echoed. */
static void
test_secret(void **state)
{
	(void)state;
	LIST(&script, "word:", "hush", "ok", "");
	LIST(&aborts, "bad");
	start();
	say("word:");
	assert_string_equal(sent(), "hush\r");
	say("hush\r\nbad");
	assert_int_equal(chat_status(&c), CHAT_FAILED);
	assert_null(strstr(chat_text(&c), "hush"));
	chat_free(&c);
	assert_null(memmem(&c, sizeof(c), "hush", 4));
}

static void
test_limits(void **state)
{
	char	 word[CHAT_STRING + 2];
	int	 i;

	(void)state;
	memset(word, 'x', sizeof(word));
	word[CHAT_STRING] = '\0';
	LIST(&script, "", word, word, word);
	LIST(&aborts, "abort");
	start();
	word[CHAT_STRING] = '\r';
	word[CHAT_STRING + 1] = '\0';
	assert_string_equal(sent(), word);
	word[CHAT_STRING] = '\0';
	say("abor");
	say(word);
	word[CHAT_STRING] = '\r';
	assert_string_equal(sent(), word);
	word[CHAT_STRING] = 'x';
	LIST(&script, word);
	assert_int_equal(chat_start(&c, &script, &aborts, 45), -1);
	assert_int_equal(errno, E2BIG);
	LIST(&script, "x");
	for (i = 1; i < CHAT_ABORTS; i++)
		strlist_add(&aborts, "abort");
	assert_int_equal(chat_start(&c, &script, &aborts, 0), 0);
	assert_int_equal(chat_wait(&c), 1000);
	chat_free(&c);
	strlist_add(&aborts, "abort");
	assert_int_equal(chat_start(&c, &script, &aborts, 45), -1);
	assert_int_equal(errno, E2BIG);
}

/* Many strings that wait for nothing: more than there is room for. */
static void
test_many(void **state)
{
	int	 i;

	(void)state;
	for (i = 0; i < 200; i++) {
		strlist_add(&script, "");
		strlist_add(&script, "0123456789abcdef");
	}
	start();
	assert_int_equal(strlen(sent()), 200 * 17);
	assert_int_equal(chat_status(&c), CHAT_DONE);
	/* A port that takes nothing. */
	start();
	assert_int_equal(chat_status(&c), CHAT_WORKING);
	assert_int_not_equal(chat_wait(&c), 0);
	chat_timeout(&c);
	assert_int_equal(chat_status(&c), CHAT_FAILED);
	/* Nothing at all. */
	strlist_free(&script);
	start();
	assert_int_equal(chat_status(&c), CHAT_DONE);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		TEST(test_login),
		TEST(test_cuts),
		TEST(test_partial),
		TEST(test_noise),
		TEST(test_escapes),
		TEST(test_pauses),
		TEST(test_timeout),
		TEST(test_alternatives),
		TEST(test_aborts),
		TEST(test_secret),
		TEST(test_limits),
		TEST(test_many)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
