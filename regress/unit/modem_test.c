/* See LICENSE for the terms. */
/*
 * The modem dialogue: every result code, cut at every byte, with echo and
 * noise, in words and digits, late, and not at all.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "modem.h"

static struct strlist	 inits;
static struct modem	 m;

/* What the engine wants to send, as a string. */
static const char *
sent(void)
{
	static char	 buf[1024];
	size_t		 n;

	n = modem_output(&m, (uint8_t *)buf, sizeof(buf) - 1);
	buf[n] = '\0';
	return (buf);
}

static size_t
say(const char *s)
{
	return (modem_input(&m, (const uint8_t *)s, strlen(s)));
}

static void
expect_timeout(uint32_t at_least, uint32_t at_most)
{
	assert_in_range(modem_wait(&m), at_least, at_most);
	modem_timeout(&m);
}

/* Up to the number having been sent. */
static void
start(int digits)
{
	const char	*ok = digits ? "0\r" : "\r\nOK\r\n";

	assert_int_equal(modem_dial(&m, &inits, "0570001234", 0, 60), 0);
	assert_string_equal(sent(), "ATZ\r");
	say(ok);
	expect_timeout(50, 500);
	assert_string_equal(sent(), "ATE0V1\r");
	say(ok);
	expect_timeout(50, 500);
	assert_string_equal(sent(), "ATS0=0S12=20\r");
	say(ok);
	assert_false(m.dialled);
	expect_timeout(50, 500);
	assert_string_equal(sent(), "ATDT0570001234\r");
	assert_true(m.dialled);
	assert_int_equal(modem_wait(&m), 60000);
	assert_int_equal(modem_status(&m), MODEM_WORKING);
}

static int
setup(void **state)
{
	(void)state;
	TAILQ_INIT(&inits);
	strlist_add(&inits, "ATZ");
	strlist_add(&inits, "ATE0V1");
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	strlist_free(&inits);
	return (0);
}

static const struct {
	const char		*words;
	const char		*digits;
	enum modem_result	 result;
	const char		*text;
} results[] = {
	{ "CONNECT", "1", MODEM_CONNECT, "CONNECT" },
	{ "CONNECT 33600", "84", MODEM_CONNECT, "CONNECT 33600" },
	{ "CONNECT 33600/ARQ/V34/LAPM", NULL, MODEM_CONNECT,
	    "CONNECT 33600/ARQ/V34/LAPM" },
	{ "CONNECT/V42BIS", NULL, MODEM_CONNECT, "CONNECT/V42BIS" },
	{ "connect 1200", "5", MODEM_CONNECT, NULL },
	{ "CONNECT 2400", "10", MODEM_CONNECT, "CONNECT 2400" },
	{ "NO CARRIER", "3", MODEM_NO_CARRIER, "NO CARRIER" },
	{ "ERROR", "4", MODEM_ERROR, "ERROR" },
	{ "+CME ERROR: 30", NULL, MODEM_ERROR, "+CME ERROR: 30" },
	{ "NO DIALTONE", "6", MODEM_NO_DIALTONE, "NO DIALTONE" },
	{ "NO DIAL TONE", NULL, MODEM_NO_DIALTONE, "NO DIAL TONE" },
	{ "BUSY", "7", MODEM_BUSY, "BUSY" },
	{ "NO ANSWER", "8", MODEM_NO_ANSWER, "NO ANSWER" },
	{ "VOICE", NULL, MODEM_VOICE, "VOICE" },
	{ "BLACKLISTED", "32", MODEM_BLACKLISTED, "BLACKLISTED" },
	{ "DELAYED", "24", MODEM_DELAYED, "DELAYED" },
	{ "DELAYED 00:02:30", NULL, MODEM_DELAYED, "DELAYED 00:02:30" }
};
#define NRESULTS	(sizeof(results) / sizeof(results[0]))

static void
check_result(size_t i)
{
	enum modem_status	 want = results[i].result == MODEM_CONNECT ?
	    MODEM_CONNECTED : MODEM_FAILED;

	assert_int_equal(modem_status(&m), want);
	assert_int_equal(m.result, results[i].result);
	if (results[i].text != NULL)
		assert_string_equal(modem_text(&m), results[i].text);
}

/* In words, cut in two at every byte. */
static void
test_words(void **state)
{
	char	 line[128];
	size_t	 i, cut, len;

	(void)state;
	for (i = 0; i < NRESULTS; i++) {
		snprintf(line, sizeof(line), "\r\n%s\r\n", results[i].words);
		len = strlen(line);
		for (cut = 0; cut <= len; cut++) {
			start(0);
			assert_int_equal(modem_input(&m,
			    (const uint8_t *)line, cut), cut);
			assert_int_equal(modem_input(&m, (const uint8_t *)
			    line + cut, len - cut), len - cut);
			check_result(i);
		}
	}
}

/* One byte at a time; nothing is decided before the line's end. */
static void
test_bytes(void **state)
{
	char	 line[128];
	size_t	 i, j;

	(void)state;
	for (i = 0; i < NRESULTS; i++) {
		snprintf(line, sizeof(line), "\r\n%s\r\n", results[i].words);
		start(0);
		for (j = 0; line[j] != '\0'; j++) {
			if (j < strlen(line) - 2)
				assert_int_equal(modem_status(&m),
				    MODEM_WORKING);
			modem_input(&m, (const uint8_t *)&line[j], 1);
		}
		check_result(i);
	}
}

static void
test_digits(void **state)
{
	char	 line[128];
	size_t	 i;

	(void)state;
	for (i = 0; i < NRESULTS; i++) {
		if (results[i].digits == NULL)
			continue;
		snprintf(line, sizeof(line), "%s\r", results[i].digits);
		start(1);
		assert_int_equal(say(line), strlen(line));
		check_result(i);
	}
}

/* What comes after CONNECT is not the dialogue's. */
static void
test_data_after_connect(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(say("\r\nCONNECT 9600\r\n~PPP"), 16);
	assert_int_equal(modem_status(&m), MODEM_CONNECTED);
	start(0);
	/* No LF: the data follow at once. */
	assert_int_equal(say("CONNECT 9600\r~PPP"), 13);
	assert_int_equal(modem_status(&m), MODEM_CONNECTED);
	start(1);
	assert_int_equal(say("1\r~PPP"), 2);
	assert_int_equal(modem_status(&m), MODEM_CONNECTED);
	/* No LF and no data either: it is not waited for long. */
	start(0);
	say("CONNECT 9600\r");
	assert_int_equal(modem_status(&m), MODEM_WORKING);
	expect_timeout(1, 500);
	assert_int_equal(modem_status(&m), MODEM_CONNECTED);
}

static void
test_echo(void **state)
{
	(void)state;
	assert_int_equal(modem_dial(&m, &inits, "123", 1, 60), 0);
	say("ATZ\r\r\nOK\r\n");
	expect_timeout(50, 500);
	say("ATE0V1\r\r\nOK\r\n");
	expect_timeout(50, 500);
	say("ATS0=0S12=20\r\r\nOK\r\n");
	expect_timeout(50, 500);
	(void)sent();
	say("ATDP123\r");
	assert_int_equal(modem_status(&m), MODEM_WORKING);
	say("\r\nBUSY\r\n");
	assert_int_equal(m.result, MODEM_BUSY);
	/* Digits and echo. */
	assert_int_equal(modem_dial(&m, &inits, "7", 1, 60), 0);
	say("ATZ\r0\r");
	expect_timeout(50, 500);
	say("ATE0V1\r0\r");
	expect_timeout(50, 500);
	say("ATS0=0S12=20\r0\r");
	expect_timeout(50, 500);
	say("ATDP7\r7\r");
	assert_int_equal(m.result, MODEM_BUSY);
}

static void
test_noise(void **state)
{
	static const char	 noise[] = "\377\001~x\r\n\0}#\"@\r"
	    "CARRIER 33600\r\nPROTOCOL: LAPM\r\nRINGING\r\n"
	    "33600\r\nCONNECTED\r\nBUSYBODY\r\nOK\r\n999\r\n      \r\n";
	char			 many[4096];

	(void)state;
	start(0);
	modem_input(&m, (const uint8_t *)noise, sizeof(noise) - 1);
	assert_int_equal(modem_status(&m), MODEM_WORKING);
	/* It does not make us wait longer. */
	assert_int_equal(modem_wait(&m), 60000);
	memset(many, 'A', sizeof(many));
	modem_input(&m, (const uint8_t *)many, sizeof(many));
	assert_int_equal(modem_status(&m), MODEM_WORKING);
	say("\r\n  NO CARRIER  \r\n");
	assert_int_equal(m.result, MODEM_NO_CARRIER);
	assert_string_equal(modem_text(&m), "NO CARRIER");
}

/* An epoch that stays means that the timer runs on. */
static void
test_noise_keeps_timer(void **state)
{
	uint32_t	 epoch;

	(void)state;
	start(0);
	epoch = m.epoch;
	say("\r\nRING\r\nx\r\n");
	assert_int_equal(m.epoch, epoch);
	say("\r\nBUSY\r\n");
	assert_int_not_equal(m.epoch, epoch);
}

static void
test_silence(void **state)
{
	(void)state;
	start(0);
	expect_timeout(60000, 60000);
	assert_string_equal(sent(), "\r");
	assert_int_equal(modem_status(&m), MODEM_WORKING);
	say("\r\nNO CARRIER\r\n");
	assert_int_equal(modem_status(&m), MODEM_FAILED);
	assert_int_equal(m.result, MODEM_SILENT);
	assert_false(m.online);
	/* And if not even that comes. */
	start(0);
	modem_timeout(&m);
	expect_timeout(500, 5000);
	assert_int_equal(m.result, MODEM_SILENT);
}

/* L5: within two minutes, whatever the configuration says. */
static void
test_answer_limit(void **state)
{
	uint32_t	 wait;

	(void)state;
	assert_int_equal(modem_dial(&m, &inits, "1", 0, 3600), 0);
	say("OK\r");
	modem_timeout(&m);
	say("OK\r");
	modem_timeout(&m);
	say("OK\r");
	modem_timeout(&m);
	wait = modem_wait(&m);
	modem_timeout(&m);
	assert_in_range(wait + modem_wait(&m), 60000, 120000);
}

/* CONNECT that crosses the CR: the call failed, and is hung up as one. */
static void
test_late_answer(void **state)
{
	(void)state;
	start(0);
	modem_timeout(&m);
	(void)sent();
	say("\r\nCONNECT 9600\r\n");
	assert_int_equal(modem_status(&m), MODEM_FAILED);
	assert_int_equal(m.result, MODEM_SILENT);
	assert_true(m.online);
	modem_hangup(&m, 0, 0);
	expect_timeout(400, 500);
	assert_string_equal(sent(), "+++");
}

static void
test_no_modem(void **state)
{
	int	 i;

	(void)state;
	assert_int_equal(modem_dial(&m, &inits, "1", 0, 60), 0);
	for (i = 0; i < 20 && modem_status(&m) == MODEM_WORKING; i++) {
		assert_int_not_equal(modem_wait(&m), 0);
		modem_timeout(&m);
	}
	assert_int_equal(modem_status(&m), MODEM_FAILED);
	assert_int_equal(m.result, MODEM_DEAD);
	assert_false(m.dialled);
	/* There is nothing to hang up. */
	modem_hangup(&m, 0, 0);
	assert_int_equal(modem_status(&m), MODEM_DOWN);
}

/* It was online still, or asleep: woken, and all commands sent anew. */
static void
test_wake(void **state)
{
	(void)state;
	assert_int_equal(modem_dial(&m, &inits, "1", 0, 60), 0);
	(void)sent();
	modem_timeout(&m);
	assert_string_equal(sent(), "\rATZ\r");
	modem_timeout(&m);
	assert_string_equal(sent(), "");
	expect_timeout(1000, 2000);
	assert_string_equal(sent(), "+++");
	modem_timeout(&m);
	assert_string_equal(sent(), "\rATH\r");
	say("\r\nOK\r\n");
	modem_timeout(&m);
	assert_string_equal(sent(), "ATZ\r");
}

static void
test_init_refused(void **state)
{
	(void)state;
	assert_int_equal(modem_dial(&m, &inits, "1", 0, 60), 0);
	say("\r\nOK\r\n");
	modem_timeout(&m);
	say("\r\nERROR\r\n");
	assert_int_equal(modem_status(&m), MODEM_FAILED);
	assert_int_equal(m.result, MODEM_ERROR);
	assert_string_equal(modem_text(&m), "init command 2 refused");
	assert_false(m.dialled);
}

/* A modem that does not know S12 is dialled all the same. */
static void
test_no_short_guard(void **state)
{
	(void)state;
	assert_int_equal(modem_dial(&m, &inits, "1", 0, 60), 0);
	say("\r\nOK\r\n");
	modem_timeout(&m);
	say("\r\nOK\r\n");
	modem_timeout(&m);
	(void)sent();
	say("\r\nERROR\r\n");
	assert_int_equal(modem_status(&m), MODEM_WORKING);
	modem_timeout(&m);
	assert_string_equal(sent(), "ATDT1\r");
	say("\r\nCONNECT\r\n");
	modem_hangup(&m, 0, 0);
	expect_timeout(1000, 1200);
	assert_string_equal(sent(), "+++");
}

static void
online(void)
{
	start(0);
	say("\r\nCONNECT 33600\r\n");
	assert_int_equal(modem_status(&m), MODEM_CONNECTED);
}

static void
test_hangup_online(void **state)
{
	(void)state;
	online();
	modem_hangup(&m, 100, 0);
	assert_string_equal(sent(), "");
	expect_timeout(300, 400);
	assert_string_equal(sent(), "+++");
	say("~garbage\r\nOK\r\n");
	assert_string_equal(sent(), "\rATH\r");
	assert_int_equal(modem_status(&m), MODEM_WORKING);
	say("\r\nOK\r\n");
	assert_int_equal(modem_status(&m), MODEM_DOWN);
	/* A line that was quiet needs no first guard. */
	online();
	modem_hangup(&m, 5000, 0);
	assert_string_equal(sent(), "+++");
	say("\r\nNO CARRIER\r\n");
	assert_int_equal(modem_status(&m), MODEM_DOWN);
}

/* A modem that says OK to S12 and keeps its second. */
static void
test_hangup_long_guard(void **state)
{
	(void)state;
	online();
	modem_hangup(&m, 5000, 0);
	assert_string_equal(sent(), "+++");
	modem_timeout(&m);
	assert_string_equal(sent(), "");
	expect_timeout(1000, 1200);
	assert_string_equal(sent(), "+++");
	expect_timeout(1100, 2000);
	assert_string_equal(sent(), "\rATH\r");
	expect_timeout(1000, 4000);
	assert_int_equal(modem_status(&m), MODEM_DOWN);
}

static void
test_hangup_dialling(void **state)
{
	(void)state;
	start(0);
	modem_hangup(&m, 0, 0);
	assert_string_equal(sent(), "\r");
	say("\r\nNO CARRIER\r\n");
	assert_string_equal(sent(), "\rATH\r");
	say("\r\nOK\r\n");
	assert_int_equal(modem_status(&m), MODEM_DOWN);
	/* It connects in that very moment. */
	start(0);
	modem_hangup(&m, 0, 0);
	(void)sent();
	say("\r\nCONNECT 33600\r\n");
	assert_int_equal(modem_status(&m), MODEM_WORKING);
	modem_timeout(&m);
	assert_string_equal(sent(), "+++");
	/* Or later, after all that seemed to abort it. */
	start(0);
	modem_hangup(&m, 0, 0);
	modem_timeout(&m);
	assert_string_equal(sent(), "\r\rATH\r");
	say("\r\nCONNECT 33600\r\n");
	assert_int_equal(modem_status(&m), MODEM_WORKING);
	modem_timeout(&m);
	assert_string_equal(sent(), "+++");
}

/* The parent's keeper hangs up: one escape sequence, not two at once. */
static void
test_hangup_others(void **state)
{
	(void)state;
	online();
	modem_hangup(&m, 5000, 1);
	assert_string_equal(sent(), "");
	assert_in_range(modem_wait(&m), 950, 1200);
	say("\r\nOK\r\n");
	assert_string_equal(sent(), "\rATH\r");
	say("\r\nOK\r\n");
	assert_int_equal(modem_status(&m), MODEM_DOWN);
	/* It does not: within two seconds all the same. */
	online();
	modem_hangup(&m, 5000, 1);
	modem_timeout(&m);
	assert_string_equal(sent(), "+++");
}

/* However a hang-up goes, it ends. */
static void
test_hangup_ends(void **state)
{
	uint32_t	 total;
	int		 others;

	(void)state;
	for (others = 0; others < 2; others++) {
		online();
		modem_hangup(&m, 0, others);
		total = 0;
		while (modem_status(&m) == MODEM_WORKING) {
			assert_int_not_equal(modem_wait(&m), 0);
			total += modem_wait(&m);
			modem_timeout(&m);
		}
		assert_int_equal(modem_status(&m), MODEM_DOWN);
		assert_true(total < 10000);
	}
}

static void
test_lost(void **state)
{
	(void)state;
	online();
	say("some data\r\nNO CARRIES\r\n3\rBUSY\r");
	assert_int_equal(modem_status(&m), MODEM_CONNECTED);
	say("\r\nNO CAR");
	say("RIER\r\n");
	assert_int_equal(modem_status(&m), MODEM_LOST);
	/* In digits, where the modem has spoken so before. */
	start(1);
	say("1\r");
	say("data 3\r");
	assert_int_equal(modem_status(&m), MODEM_CONNECTED);
	say("3\r");
	assert_int_equal(modem_status(&m), MODEM_LOST);
}

static void
test_bad_commands(void **state)
{
	char	 longest[300];

	(void)state;
	memset(longest, '1', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(modem_dial(&m, &inits, "1\rATD2", 0, 60), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(modem_dial(&m, &inits, longest, 0, 60), -1);
	assert_int_equal(errno, E2BIG);
}

static void
test_no_init(void **state)
{
	struct strlist	 none = TAILQ_HEAD_INITIALIZER(none);

	(void)state;
	assert_int_equal(modem_dial(&m, &none, "1", 0, 60), 0);
	assert_string_equal(sent(), "ATZ\r");
}

/*
 * Four seconds for each answer: the first comes when ATZ has been sent again,
 * and the one to that must not be taken for the next command's.
 */
static void
test_late_modem(void **state)
{
	(void)state;
	assert_int_equal(modem_dial(&m, &inits, "1", 0, 60), 0);
	assert_string_equal(sent(), "ATZ\r");
	expect_timeout(3000, 3000);
	assert_string_equal(sent(), "\rATZ\r");
	say("\r\nOK\r\n");
	assert_in_range(modem_wait(&m), 4000, 6000);
	assert_string_equal(sent(), "");
	say("\r\nOK\r\n");
	expect_timeout(50, 500);
	assert_string_equal(sent(), "ATZ\r");
	/* From now on there is patience. */
	assert_in_range(modem_wait(&m), 5000, 15000);
	say("\r\nOK\r\n");
	expect_timeout(50, 500);
	assert_string_equal(sent(), "ATE0V1\r");
	say("\r\nERROR\r\n");
	assert_int_equal(modem_status(&m), MODEM_FAILED);
	assert_string_equal(modem_text(&m), "init command 2 refused");
	/* One that lost the first: nothing more comes. */
	assert_int_equal(modem_dial(&m, &inits, "1", 0, 60), 0);
	(void)sent();
	modem_timeout(&m);
	(void)sent();
	say("\r\nOK\r\n");
	modem_timeout(&m);
	assert_string_equal(sent(), "ATZ\r");
}

/* A modem that hangs is brought to its senses by DTR, too. */
static void
test_wake_dtr(void **state)
{
	(void)state;
	assert_int_equal(modem_dial(&m, &inits, "1", 0, 60), 0);
	modem_timeout(&m);
	assert_false(m.dtr_low);
	modem_timeout(&m);
	assert_true(m.dtr_low);
	expect_timeout(1000, 2000);
	assert_false(m.dtr_low);
	/* Nor does it stay low where the call is given up meanwhile. */
	assert_int_equal(modem_dial(&m, &inits, "1", 0, 60), 0);
	modem_timeout(&m);
	modem_timeout(&m);
	assert_true(m.dtr_low);
	modem_hangup(&m, 0, 0);
	assert_false(m.dtr_low);
}

/* Up to the number, which is not sent while somebody calls. */
static void
start_ringing(void)
{
	assert_int_equal(modem_dial(&m, &inits, "1", 0, 60), 0);
	say("OK\r");
	modem_timeout(&m);
	say("\r\nRING\r\n\r\nOK\r\n");
	modem_timeout(&m);
	say("\r\nOK\r\n");
	(void)sent();
	expect_timeout(50, 500);
	assert_string_equal(sent(), "");
	assert_false(m.dialled);
}

static void
test_ring(void **state)
{
	int	 i;

	(void)state;
	start_ringing();
	assert_in_range(modem_wait(&m), 7000, 10000);
	/* The caller has given up. */
	modem_timeout(&m);
	assert_string_equal(sent(), "ATDT1\r");
	assert_int_equal(modem_status(&m), MODEM_WORKING);
	/* The caller does not. */
	start_ringing();
	for (i = 0; i < 20 && modem_status(&m) == MODEM_WORKING; i++) {
		say("\r\nRING\r\n");
		assert_string_equal(sent(), "");
	}
	assert_int_equal(modem_status(&m), MODEM_FAILED);
	assert_in_range(i, 3, 9);
	assert_int_equal(m.result, MODEM_RING);
	assert_false(m.dialled);
	assert_string_equal(modem_result_name(m.result), "ring");
}

/* It rings just when the number was sent. */
static void
test_collision(void **state)
{
	(void)state;
	start(0);
	say("\r\nRING\r\n");
	assert_int_equal(modem_status(&m), MODEM_WORKING);
	say("\r\nNO CARRIER\r\n");
	assert_int_equal(m.result, MODEM_RING);
	assert_string_equal(modem_text(&m), "RING: two calls have met");
	/* A result that only our own call can have. */
	start(1);
	say("2\r7\r");
	assert_int_equal(m.result, MODEM_BUSY);
	start(0);
	say("\r\nRING\r\n\r\nCONNECT\r\n");
	assert_int_equal(modem_status(&m), MODEM_CONNECTED);
}

/* What a plug or a switch leaves before a digit that nothing else precedes. */
static void
test_noise_before_digit(void **state)
{
	(void)state;
	assert_int_equal(modem_dial(&m, &inits, "1", 0, 60), 0);
	say("\xff\x80\x01" "0\r");
	modem_timeout(&m);
	(void)sent();
	say("\xfe" "0\r\xff");
	modem_timeout(&m);
	assert_string_equal(sent(), "ATS0=0S12=20\r");
}

static void
test_delay(void **state)
{
	(void)state;
	assert_int_equal(modem_delay("DELAYED 00:02:30"), 150);
	assert_int_equal(modem_delay("DELAYED 02:30"), 150);
	assert_int_equal(modem_delay("DELAYED (1:00:01)"), 3601);
	assert_int_equal(modem_delay("delayed: 90 s"), 90);
	assert_int_equal(modem_delay("DELAYED"), 0);
	assert_int_equal(modem_delay("DELAYED:"), 0);
	assert_int_equal(modem_delay("BUSY 00:02:30"), 0);
	assert_int_equal(modem_delay("DELAYED 2:"), 2);
	assert_int_equal(modem_delay("DELAYED 123456789"), 0);
	assert_int_equal(modem_delay("DELAYED 99:99:99:99:99:99:99"),
	    MODEM_DELAY_MAX);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_digits),
		cmocka_unit_test(test_data_after_connect),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_noise_keeps_timer),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_answer_limit),
		cmocka_unit_test(test_late_answer),
		cmocka_unit_test(test_no_modem),
		cmocka_unit_test(test_wake),
		cmocka_unit_test(test_init_refused),
		cmocka_unit_test(test_no_short_guard),
		cmocka_unit_test(test_hangup_online),
		cmocka_unit_test(test_hangup_long_guard),
		cmocka_unit_test(test_hangup_dialling),
		cmocka_unit_test(test_hangup_others),
		cmocka_unit_test(test_hangup_ends),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_bad_commands),
		cmocka_unit_test(test_no_init),
		cmocka_unit_test(test_late_modem),
		cmocka_unit_test(test_wake_dtr),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_collision),
		cmocka_unit_test(test_noise_before_digit),
		cmocka_unit_test(test_delay)
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
