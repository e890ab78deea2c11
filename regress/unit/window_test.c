/* See LICENSE for the terms. */
/*
 * The state machine of a call, with a clock and neighbours of our own: every
 * action is written down as a word, and the words are compared.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "window.h"

#define WALL	1795392000

static struct window	*w;
static uint64_t		 clock_ms;
static int64_t		 timer_ms;	/* due at; -1: not */
static char		 actions[1024];
static struct ctl_call	 closed;
static uint64_t		 closed_left;
static int		 done, done_good, ledger_error, tty_error;

static void
did(const char *word)
{
	strlcat(actions, word, sizeof(actions));
	strlcat(actions, " ", sizeof(actions));
}

/* What was done since the last look. */
static void
expect(const char *words)
{
	assert_string_equal(actions, words);
	actions[0] = '\0';
}

static uint64_t
op_mono(void)
{
	return (clock_ms);
}

static time_t
op_wall(void)
{
	return (WALL + (time_t)(clock_ms / 1000));
}

static int
op_ledger_open(struct ctl_call *call)
{
	if (ledger_error) {
		errno = ENOSPC;
		return (-1);
	}
	call->call = 7;
	did("ledger");
	return (0);
}

static void
op_ledger_close(const struct ctl_call *call, uint64_t left, int good)
{
	(void)good;
	closed = *call;
	closed_left = left;
	did("entry");
}

static void
op_send_line(uint32_t type, const struct proto_line *line)
{
	assert_int_equal(line->call, 7);
	assert_string_equal(line->name, "v34");
	switch (type) {
	case DIALERD_LINE_OPEN:
		did("open");
		break;
	case DIALERD_LINK_START:
		did("start");
		break;
	case DIALERD_LINK_STOP:
		did("stop");
		break;
	case DIALERD_LINE_CLOSE:
		did("close");
		break;
	default:
		fail();
	}
}

static uint64_t	 bulk_told, bulk_tells, bulk_waits, bulk_room, moved;
static uint32_t	 failed;	/* what the next reports say */
static int	 in_vain;
static const char *connect_text;

/* What the next line is like, beside the rest. */
static struct window_line	 like;

static void
op_send_bulk(const struct proto_bulk *b)
{
	bulk_told = b->bytes;
	bulk_tells++;
}

static void
op_send_window(uint32_t type, const struct proto_window *window)
{
	assert_int_equal(window->call, 7);
	assert_int_equal(window->seconds, 900);
	did(type == DIALERD_WINDOW_OPEN ? "window" : "shut");
}

static int
op_tty_dial(int fd, const struct window_line *line)
{
	close(fd);
	assert_string_equal(line->number, "123");
	assert_int_equal(strlist_len(&line->init), 1);
	if (tty_error) {
		errno = EIO;
		return (-1);
	}
	did("dial");
	return (0);
}

static void
op_tty_watch(void)
{
	did("watch");
}

static void
op_tty_release(void)
{
	did("release");
}

static void
op_tty_hangup(int others)
{
	did(others ? "hangup-too" : "hangup");
}

static void
op_tty_close(void)
{
	did("close-tty");
}

static void
op_timer(int64_t ms)
{
	timer_ms = ms == -1 ? -1 : (int64_t)clock_ms + ms;
}

static void
op_done(const struct ctl_call *call, int good)
{
	(void)call;
	done++;
	done_good = good;
}

static const struct window_ops ops = {
	op_mono, op_wall, op_ledger_open, op_ledger_close, op_send_line,
	op_send_window, op_send_bulk, op_tty_dial, op_tty_watch, op_tty_release,
	op_tty_hangup, op_tty_close, op_timer, op_done
};

static int
setup(void **state)
{
	(void)state;
	clock_ms = 5000000;
	timer_ms = -1;
	actions[0] = '\0';
	done = done_good = ledger_error = tty_error = 0;
	memset(&like, 0, sizeof(like));
	memset(&closed, 0, sizeof(closed));
	bulk_told = bulk_tells = bulk_waits = bulk_room = moved = 0;
	failed = 0;
	in_vain = 0;
	connect_text = "CONNECT 33600";
	w = window_new(&ops);
	return (w == NULL ? -1 : 0);
}

static int
teardown(void **state)
{
	(void)state;
	window_free(w);
	return (0);
}

/* There whether or not the test has a standard input. */
static int
device(void)
{
	int	 fd = open("/dev/null", O_RDWR);

	assert_int_not_equal(fd, -1);
	return (fd);
}

/* Time goes by; a timer that comes due in it goes off. */
static void
pass(uint64_t ms)
{
	uint64_t	 end = clock_ms + ms;

	while (timer_ms != -1 && (uint64_t)timer_ms <= end) {
		clock_ms = (uint64_t)timer_ms;
		timer_ms = -1;
		window_tick(w);
	}
	clock_ms = end;
}

enum kind { PPP, BARE, NO_MODEM };

static int
try_dial(enum kind kind)
{
	struct window_line	 line;
	int			 r;

	memset(&line, 0, sizeof(line));
	TAILQ_INIT(&line.init);
	strlcpy(line.name, "v34", sizeof(line.name));
	line.modem = kind != NO_MODEM;
	line.link = kind != BARE;
	line.answer = 60;
	line.window = 900;
	if (line.modem) {
		strlcpy(line.number, "123", sizeof(line.number));
		strlist_add(&line.init, "ATZ");
	}
	line.linger = like.linger;
	line.margin = like.margin;
	line.stall = like.stall;
	line.rate = like.rate;
	line.room = like.room != 0 ? like.room : UINT64_MAX;
	line.tariff.per_megabyte = like.tariff.per_megabyte;
	line.tariff.nrates = 1;
	line.tariff.rates[0].unit = 180;
	line.tariff.rates[0].price = 10;
	if ((r = window_dial(w, &line, "messages 20", 0)) == -1)
		strlist_free(&line.init);
	return (r);
}

static struct proto_line *
from_parent(uint32_t error, const char *text)
{
	static struct proto_line	 line;

	memset(&line, 0, sizeof(line));
	line.call = 7;
	line.error = error;
	strlcpy(line.text, text, sizeof(line.text));
	return (&line);
}


static void
progress(enum proc_id who, uint32_t busy, uint32_t is_closed)
{
	struct proto_progress	 p;

	memset(&p, 0, sizeof(p));
	p.call = 7;
	p.busy = busy;
	p.closed = is_closed;
	p.failed = failed;
	p.messages = in_vain ? 0 : who == PROC_SPOOLD ? 20 : 40;
	p.bytes_out = 100 + moved;
	p.bytes_in = 1000;
	if (who == PROC_SPOOLD) {
		p.bulk = bulk_waits;
		p.bulk_room = bulk_room;
	}
	window_progress(w, who, &p);
}

static void
dial(enum kind kind)
{
	assert_int_equal(try_dial(kind), 0);
	expect("ledger open ");
	window_line_tty(w, from_parent(0, ""), kind == NO_MODEM ? -1 :
	    device());
	if (kind == NO_MODEM) {
		expect("start ");
		return;
	}
	expect("dial ");
	pass(2000);
	window_modem(w, WINDOW_TTY_DIALLED, MODEM_NOTHING, "");
}

static void
connect_modem(enum kind kind)
{
	dial(kind);
	pass(20000);
	window_modem(w, WINDOW_TTY_CONNECTED, MODEM_CONNECT, connect_text);
	expect(kind == PPP ? "release start " : "watch start ");
}

/* Billed from the answer, however long the chat takes. */
static void
test_chat(void **state)
{
	(void)state;
	dial(BARE);
	pass(20000);
	window_modem(w, WINDOW_TTY_CHAT, MODEM_CONNECT, "CONNECT 9600");
	expect("");
	pass(7000);
	window_modem(w, WINDOW_TTY_CONNECTED, MODEM_CONNECT, "CONNECT 9600");
	expect("watch start ");
	pass(3000);
	window_modem(w, WINDOW_TTY_LOST, MODEM_NO_CARRIER, "NO CARRIER");
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	assert_true(done);
	assert_int_equal(closed.connected - closed.dialled, 20);
	assert_in_range(closed.seconds, 10, 11);
	assert_string_equal(closed.connect, "CONNECT 9600");
	actions[0] = '\0';
}

static void
test_chat_failed(void **state)
{
	(void)state;
	dial(BARE);
	pass(20000);
	window_modem(w, WINDOW_TTY_CHAT, MODEM_CONNECT, "CONNECT 9600");
	pass(45000);
	window_modem(w, WINDOW_TTY_FAILED, MODEM_CHAT, "no \"ogin:\"");
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	assert_true(done);
	assert_string_equal(closed.result, "chat");
	assert_in_range(closed.seconds, 45, 46);
	actions[0] = '\0';
}

static void
open_window(enum kind kind)
{
	if (kind == NO_MODEM)
		dial(kind);
	else
		connect_modem(kind);
	pass(kind == BARE ? 1 : 3000);
	window_link_up(w, from_parent(0, ""));
	expect("window ");
}

static void
ended(const char *result, int good)
{
	assert_int_equal(done, 1);
	assert_int_equal(done_good, good);
	assert_string_equal(closed.result, result);
	assert_false(window_active(w));
	assert_int_equal(timer_ms, -1);
}

/* A whole call with pppd. */
static void
test_ppp(void **state)
{
	(void)state;
	open_window(PPP);
	pass(30000);
	progress(PROC_SPOOLD, 0, 0);
	pass(1000);
	/* fetchd has not said a word yet. */
	expect("");
	progress(PROC_FETCHD, 1, 0);
	progress(PROC_SPOOLD, 1, 0);
	progress(PROC_FETCHD, 0, 0);
	expect("");
	progress(PROC_SPOOLD, 0, 0);
	expect("shut ");
	progress(PROC_SPOOLD, 0, 1);
	expect("");
	progress(PROC_FETCHD, 0, 1);
	expect("stop ");
	pass(1000);
	window_link_down(w, from_parent(0, "closed"));
	expect("hangup ");
	pass(1000);
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	expect("close-tty close entry ");
	ended("ok", 1);
	assert_string_equal(closed.why, "messages 20");
	assert_string_equal(closed.connect, "CONNECT 33600");
	assert_int_equal(closed.dialled, closed.opened + 2);
	assert_int_equal(closed.connected, closed.dialled + 20);
	assert_int_equal(closed.up, closed.connected + 3);
	assert_int_equal(closed.closed, closed.up + 33);
	assert_int_equal(closed.seconds, 36);
	assert_int_equal(closed.units, 1);
	assert_int_equal(closed.cost, 10);
	assert_int_equal(closed.sent, 20);
	assert_int_equal(closed.fetched, 40);
	assert_int_equal(closed.bytes_in, 2000);
	assert_int_equal(closed.busy_out, 30000);
	assert_int_equal(closed.busy_in, 31000);
	assert_int_equal(closed.single_cost, 10);
	assert_true(closed.seconds <= closed.worst_seconds);
}

/* Busy again, and until the window closes. */
static void
test_busy(void **state)
{
	(void)state;
	open_window(PPP);
	pass(5000);
	progress(PROC_SPOOLD, 0, 0);
	pass(200000);
	progress(PROC_SPOOLD, 1, 0);
	pass(2000);
	window_end(w, "hangup", "by the operator");
	pass(1000);
	progress(PROC_SPOOLD, 1, 1);
	progress(PROC_FETCHD, 1, 1);
	window_link_down(w, from_parent(0, "closed"));
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	assert_int_equal(closed.busy_out, 7000);
	assert_int_equal(closed.busy_in, 207000);
	/* Two units; one message alone would have been one of them. */
	assert_int_equal(closed.cost, 20);
	assert_int_equal(closed.single_cost, 10);
	actions[0] = '\0';
}

static void
test_bare(void **state)
{
	(void)state;
	open_window(BARE);
	progress(PROC_SPOOLD, 0, 0);
	progress(PROC_FETCHD, 0, 0);
	expect("shut ");
	progress(PROC_FETCHD, 0, 1);
	progress(PROC_SPOOLD, 0, 1);
	expect("stop ");
	window_link_down(w, from_parent(0, "closed"));
	expect("hangup ");
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	expect("close-tty close entry ");
	ended("ok", 1);
}

static void
test_no_modem(void **state)
{
	(void)state;
	open_window(NO_MODEM);
	progress(PROC_SPOOLD, 0, 0);
	progress(PROC_FETCHD, 0, 0);
	progress(PROC_FETCHD, 0, 1);
	progress(PROC_SPOOLD, 0, 1);
	expect("shut stop ");
	window_link_down(w, from_parent(0, "closed"));
	expect("close entry ");
	ended("ok", 1);
	assert_int_equal(closed.seconds, 3);
}

/* L4: without its entry there is no call. */
static void
test_no_ledger(void **state)
{
	(void)state;
	ledger_error = 1;
	assert_int_equal(try_dial(PPP), -1);
	expect("");
	assert_false(window_active(w));
	assert_int_equal(timer_ms, -1);
}

static void
test_one_at_a_time(void **state)
{
	(void)state;
	assert_int_equal(try_dial(PPP), 0);
	expect("ledger open ");
	assert_int_equal(try_dial(PPP), -1);
	assert_int_equal(errno, EBUSY);
	expect("");
}

static void
test_no_line(void **state)
{
	(void)state;
	assert_int_equal(try_dial(PPP), 0);
	window_line_tty(w, from_parent(EBUSY, "/dev/cuaU0"), -1);
	expect("ledger open close entry ");
	ended("no-line", 0);
	assert_string_equal(closed.reason, "/dev/cuaU0");
	assert_int_equal(closed.seconds, 0);
	assert_int_equal(closed.cost, 0);
}

static void
test_no_descriptor(void **state)
{
	(void)state;
	assert_int_equal(try_dial(PPP), 0);
	window_line_tty(w, from_parent(0, ""), -1);
	expect("ledger open close entry ");
	ended("no-line", 0);
}

static void
test_tty_fails(void **state)
{
	(void)state;
	tty_error = 1;
	assert_int_equal(try_dial(PPP), 0);
	window_line_tty(w, from_parent(0, ""), device());
	expect("ledger open close entry ");
	ended("no-line", 0);
}

/* What was answered costs, and so does what may have been. */
static void
test_results(void **state)
{
	static const struct {
		enum modem_result	 result;
		const char		*name;
		int			 costs;
	} rows[] = {
		{ MODEM_BUSY, "busy", 0 },
		{ MODEM_NO_DIALTONE, "no-dialtone", 0 },
		{ MODEM_NO_ANSWER, "no-answer", 0 },
		{ MODEM_ERROR, "error", 0 },
		{ MODEM_BLACKLISTED, "blacklisted", 0 },
		{ MODEM_DELAYED, "delayed", 0 },
		{ MODEM_NO_CARRIER, "no-carrier", 1 },
		{ MODEM_VOICE, "voice", 1 },
		{ MODEM_RING, "ring", 1 },
		{ MODEM_SILENT, "no-answer", 1 },
		{ MODEM_DEAD, "no-modem", 1 }
	};
	size_t	 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dial(PPP);
		pass(30000);
		window_modem(w, WINDOW_TTY_FAILED, rows[i].result, "words");
		expect("hangup ");
		pass(1000);
		window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
		expect("close-tty close entry ");
		ended(rows[i].name, 0);
		assert_string_equal(closed.reason, "words");
		assert_int_equal(closed.cost, rows[i].costs ? 10 : 0);
		assert_int_equal(closed.seconds, rows[i].costs ? 31 : 0);
		teardown(state);
		setup(state);
	}
	/* Before the first digit. */
	assert_int_equal(try_dial(PPP), 0);
	window_line_tty(w, from_parent(0, ""), device());
	window_modem(w, WINDOW_TTY_FAILED, MODEM_DEAD, "no answer");
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	ended("no-modem", 0);
	assert_int_equal(closed.seconds, 0);
}

static void
test_link_fails(void **state)
{
	(void)state;
	connect_modem(PPP);
	pass(5000);
	window_link_down(w, from_parent(ENETDOWN, "pppd ended: login"));
	/* pppd is gone already. */
	expect("hangup ");
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	expect("close-tty close entry ");
	ended("no-link", 0);
	assert_string_equal(closed.reason, "pppd ended: login");
	assert_int_equal(closed.cost, 10);
}

static void
test_link_timeout(void **state)
{
	(void)state;
	connect_modem(PPP);
	pass(59999);
	expect("");
	pass(1);
	expect("stop ");
	window_link_down(w, from_parent(0, "closed"));
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	expect("hangup close-tty close entry ");
	ended("no-link", 0);
}

/* The maximum counts from link up. */
static void
test_maximum(void **state)
{
	(void)state;
	open_window(PPP);
	progress(PROC_SPOOLD, 1, 0);
	progress(PROC_FETCHD, 1, 0);
	pass(899999);
	expect("");
	pass(1);
	expect("shut ");
	progress(PROC_SPOOLD, 0, 1);
	progress(PROC_FETCHD, 0, 1);
	window_link_down(w, from_parent(0, "closed"));
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	expect("stop hangup close-tty close entry ");
	ended("maximum", 1);
}

/* Nobody answers any more: all of it ends by itself. */
static void
farewell(void)
{
	progress(PROC_SPOOLD, 0, 1);
	progress(PROC_FETCHD, 0, 1);
	window_link_down(w, from_parent(0, "closed"));
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	expect("shut stop hangup close-tty close entry ");
}

/* The parent begins to hang up while we do: it goes first. */
static void
test_parent_joins(void **state)
{
	(void)state;
	open_window(PPP);
	progress(PROC_SPOOLD, 0, 0);
	progress(PROC_FETCHD, 0, 0);
	progress(PROC_SPOOLD, 0, 1);
	progress(PROC_FETCHD, 0, 1);
	window_link_down(w, from_parent(0, "closed"));
	expect("shut stop hangup ");
	window_link_down(w, from_parent(ECONNABORTED, "the keeper died"));
	expect("hangup-too ");
	window_link_down(w, from_parent(ECONNABORTED, "the keeper died"));
	expect("");
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	expect("close-tty close entry ");
	ended("ok", 1);
}

/* To the margin before the end of the unit, which costs nothing. */
static void
test_linger(void **state)
{
	(void)state;
	like.linger = 1;
	like.margin = 10;
	open_window(PPP);
	progress(PROC_SPOOLD, 0, 0);
	progress(PROC_FETCHD, 0, 0);
	expect("");
	/* Mail that comes meanwhile goes at once, and is worth a unit. */
	pass(160000);
	progress(PROC_SPOOLD, 1, 0);
	pass(30000);
	expect("");
	progress(PROC_SPOOLD, 0, 0);
	pass(145000);
	expect("");
	pass(12000);
	assert_non_null(strstr(actions, "shut "));
	farewell();
	ended("ok", 1);
	assert_in_range(closed.seconds, 340, 360);
	assert_int_equal(closed.units, 2);
}

/* Bulk fills what is paid for, and starts nothing. */
static void
test_bulk(void **state)
{
	(void)state;
	like.margin = 10;
	like.rate = 1000;
	bulk_waits = 500000;
	open_window(PPP);
	assert_in_range(bulk_told, 150000, 180000);
	progress(PROC_FETCHD, 0, 0);
	progress(PROC_SPOOLD, 1, 0);
	pass(100000);
	progress(PROC_SPOOLD, 1, 0);
	assert_in_range(bulk_told, 50000, 80000);
	expect("");
	pass(75000);
	assert_non_null(strstr(actions, "shut "));
	bulk_waits = 0;
	farewell();
	ended("ok", 1);
	assert_int_equal(closed.units, 1);
	assert_string_equal(closed.reason,
	    "what is left is not worth another unit");
}

/* What could not begin by the rate of the past can by that of now. */
static void
test_bulk_faster(void **state)
{
	(void)state;
	like.margin = 10;
	like.rate = 100;
	bulk_waits = 500000;
	open_window(PPP);
	assert_in_range(bulk_told, 15000, 18000);
	progress(PROC_FETCHD, 0, 0);
	bulk_room = bulk_told;
	progress(PROC_SPOOLD, 1, 0);
	pass(10000);
	moved = 100000;
	bulk_room = 0;
	progress(PROC_SPOOLD, 0, 0);
	expect("");
	assert_in_range(bulk_told, 1000000, 1700000);
	bulk_room = bulk_told;
	progress(PROC_SPOOLD, 1, 0);
	pass(10000);
	expect("");
	/* Too large for what it knows of: that is the end. */
	progress(PROC_SPOOLD, 0, 0);
	assert_non_null(strstr(actions, "shut "));
	bulk_waits = bulk_room = moved = 0;
	farewell();
	ended("ok", 1);
}

/* No faster than the modems say that they are. */
static void
test_bulk_slow_modems(void **state)
{
	(void)state;
	like.margin = 10;
	like.rate = 3360;
	bulk_waits = 500000;
	connect_text = "CONNECT 2400";
	open_window(PPP);
	assert_in_range(bulk_told, 240 * 150, 240 * 170);
}

/* What was under way when it was told has passed, within the same second. */
static void
test_bulk_again(void **state)
{
	uint64_t	 tells;

	(void)state;
	like.margin = 10;
	like.rate = 1000;
	bulk_waits = 500000;
	open_window(PPP);
	progress(PROC_FETCHD, 0, 0);
	bulk_room = bulk_told - 100000;
	progress(PROC_SPOOLD, 1, 0);
	tells = bulk_tells;
	progress(PROC_SPOOLD, 0, 0);
	expect("");
	assert_int_equal(bulk_tells, tells + 1);
	/* Once is enough. */
	progress(PROC_FETCHD, 0, 0);
	assert_int_equal(bulk_tells, tells + 1);
	bulk_room = bulk_told;
	progress(PROC_SPOOLD, 1, 0);
	expect("");
	progress(PROC_SPOOLD, 0, 0);
	assert_non_null(strstr(actions, "shut "));
	bulk_waits = 0;
	farewell();
	ended("ok", 1);
}

/* A spoold that does not say whether it begins anything. */
static void
test_bulk_no_answer(void **state)
{
	(void)state;
	like.margin = 10;
	like.rate = 100;
	bulk_waits = 500000;
	open_window(PPP);
	progress(PROC_FETCHD, 0, 0);
	progress(PROC_SPOOLD, 0, 0);
	expect("");
	pass(900);
	expect("");
	pass(200);
	assert_non_null(strstr(actions, "shut "));
	bulk_waits = 0;
	farewell();
	ended("ok", 1);
}

/* One that moved something did some work; the other was in vain. */
static void
stalls(int good)
{
	like.stall = 90;
	open_window(PPP);
	progress(PROC_SPOOLD, 1, 0);
	progress(PROC_FETCHD, 0, 0);
	pass(80000);
	moved = 1;
	progress(PROC_SPOOLD, 1, 0);
	pass(89000);
	expect("");
	pass(1000);
	moved = 0;
	assert_non_null(strstr(actions, "shut "));
	farewell();
	ended("stalled", good);
}

static void
test_stalled(void **state)
{
	(void)state;
	stalls(1);
}

static void
test_stalled_at_once(void **state)
{
	(void)state;
	in_vain = 1;
	stalls(0);
}

static void
test_budget(void **state)
{
	(void)state;
	like.tariff.per_megabyte = 1000;
	like.room = 1010;
	open_window(PPP);
	moved = 900000;
	progress(PROC_SPOOLD, 1, 0);
	expect("");
	moved = 990000;
	progress(PROC_SPOOLD, 1, 0);
	moved = 0;
	assert_non_null(strstr(actions, "shut "));
	farewell();
	ended("budget", 1);
}

/* Somebody else's link: used, not paid for, and left alone. */
static void
test_foreign(void **state)
{
	(void)state;
	assert_int_equal(try_dial(PPP), 0);
	expect("ledger open ");
	window_link_up(w, from_parent(EALREADY, "the link is up already"));
	expect("window ");
	assert_true(bulk_told == UINT64_MAX);
	pass(400000);
	progress(PROC_SPOOLD, 0, 0);
	progress(PROC_FETCHD, 0, 0);
	progress(PROC_SPOOLD, 0, 1);
	progress(PROC_FETCHD, 0, 1);
	expect("shut close entry ");
	ended("ok", 1);
	assert_int_equal(closed.foreign, 1);
	assert_int_equal(closed.seconds, 0);
	assert_int_equal(closed.cost, 0);
}

static void
test_deaf_neighbours(void **state)
{
	(void)state;
	open_window(PPP);
	pass(900000);
	expect("shut ");
	pass(5000);
	expect("stop ");
	pass(10000);
	expect("hangup ");
	pass(10000);
	expect("close-tty close ");
	pass(2000);
	expect("entry ");
	ended("maximum", 1);
	assert_true(closed.seconds <= closed.worst_seconds);
}

static void
test_carrier_lost(void **state)
{
	(void)state;
	open_window(BARE);
	progress(PROC_SPOOLD, 1, 0);
	window_modem(w, WINDOW_TTY_LOST, MODEM_NO_CARRIER, "NO CARRIER");
	expect("shut stop hangup ");
	progress(PROC_SPOOLD, 0, 1);
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	expect("close-tty close ");
	/* The last report still counts. */
	progress(PROC_FETCHD, 0, 1);
	expect("entry ");
	ended("lost", 0);
	assert_int_equal(closed.fetched, 40);
}

/* Connections broke first: the modem's word is waited for. */
static void
test_carrier_lost_late(void **state)
{
	(void)state;
	open_window(BARE);
	failed = 1;
	progress(PROC_SPOOLD, 0, 0);
	progress(PROC_FETCHD, 0, 0);
	failed = 0;
	pass(400);
	expect("");
	window_modem(w, WINDOW_TTY_LOST, MODEM_NO_CARRIER, "NO CARRIER");
	expect("shut stop hangup ");
}

/* ... and not for long. */
static void
test_failed_without_loss(void **state)
{
	(void)state;
	open_window(BARE);
	failed = 1;
	progress(PROC_SPOOLD, 0, 0);
	progress(PROC_FETCHD, 0, 0);
	failed = 0;
	pass(499);
	expect("");
	pass(1);
	expect("shut ");
}

/* Before the parent has even said that the link is up. */
static void
test_carrier_lost_at_once(void **state)
{
	(void)state;
	connect_modem(BARE);
	window_modem(w, WINDOW_TTY_LOST, MODEM_NO_CARRIER, "NO CARRIER");
	expect("stop hangup ");
	window_link_up(w, from_parent(0, ""));
	expect("");
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	expect("close-tty close entry ");
	ended("lost", 0);
}

static void
test_link_lost(void **state)
{
	(void)state;
	open_window(PPP);
	window_link_down(w, from_parent(ENETDOWN, "pppd ended: hangup"));
	expect("shut hangup ");
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	pass(2000);
	expect("close-tty close entry ");
	ended("lost", 0);
	assert_string_equal(closed.reason, "pppd ended: hangup");
}

/* The parent's own clock (L1), or a death that it saw before us. */
static void
test_parent_takes_down(void **state)
{
	(void)state;
	open_window(PPP);
	window_link_down(w, from_parent(ECONNABORTED, "a process died"));
	expect("shut hangup-too ");
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	pass(2000);
	ended("lost", 0);
}

static void
test_peer_dies(void **state)
{
	(void)state;
	open_window(PPP);
	window_peer_down(w, PROC_SPOOLD);
	/* No waiting: the line is to be down within two seconds. */
	expect("shut stop hangup-too ");
	window_link_down(w, from_parent(ECONNABORTED, "a process died"));
	expect("");
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	expect("close-tty close ");
	progress(PROC_FETCHD, 0, 1);
	expect("entry ");
	ended("fault", 0);
	assert_string_equal(closed.reason, "spoold died");
}

static void
test_peers_die_anywhere(void **state)
{
	int	 step;

	for (step = 0; step < 5; step++) {
		assert_int_equal(try_dial(PPP), 0);
		if (step > 0)
			window_line_tty(w, from_parent(0, ""), device());
		if (step > 1)
			window_modem(w, WINDOW_TTY_CONNECTED, MODEM_CONNECT,
			    "CONNECT");
		if (step > 2)
			window_link_up(w, from_parent(0, ""));
		if (step > 3)
			window_end(w, "hangup", "by the operator");
		window_peer_down(w, PROC_FETCHD);
		window_peer_down(w, PROC_SPOOLD);
		window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
		ended(step == 4 ? "hangup" : "fault", step == 4);
		teardown(state);
		setup(state);
	}
}

static void
test_hangup_while_dialling(void **state)
{
	(void)state;
	dial(PPP);
	pass(10000);
	window_end(w, "hangup", "by the operator");
	expect("hangup ");
	/* Too late. */
	window_modem(w, WINDOW_TTY_CONNECTED, MODEM_CONNECT, "CONNECT");
	expect("");
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	expect("close-tty close entry ");
	ended("hangup", 0);
}

static void
test_shutdown(void **state)
{
	(void)state;
	window_end(w, "shutdown", "no call is fine");
	assert_int_equal(done, 0);
	open_window(PPP);
	window_end(w, "shutdown", "relayd is stopping");
	window_end(w, "hangup", "the first counts");
	expect("shut ");
	progress(PROC_SPOOLD, 0, 1);
	progress(PROC_FETCHD, 0, 1);
	expect("stop ");
	window_link_down(w, from_parent(0, "closed"));
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	expect("hangup close-tty close entry ");
	ended("shutdown", 0);
}

/* Messages of an earlier call change nothing. */
static void
test_stale(void **state)
{
	struct proto_line	 old;
	struct proto_progress	 p;

	(void)state;
	memset(&old, 0, sizeof(old));
	old.call = 6;
	window_line_tty(w, &old, device());
	window_link_up(w, &old);
	window_link_down(w, &old);
	open_window(PPP);
	window_link_down(w, &old);
	window_line_tty(w, &old, device());
	memset(&p, 0, sizeof(p));
	p.call = 6;
	window_progress(w, PROC_SPOOLD, &p);
	window_progress(w, PROC_FETCHD, &p);
	expect("");
	/* Nor do those that the state does not expect. */
	window_link_up(w, from_parent(0, ""));
	window_line_tty(w, from_parent(0, ""), device());
	window_modem(w, WINDOW_TTY_CONNECTED, MODEM_CONNECT, "CONNECT");
	window_modem(w, WINDOW_TTY_FAILED, MODEM_BUSY, "BUSY");
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	expect("");
}

/* Closed before it was asked to close means nothing. */
static void
test_early_closed(void **state)
{
	(void)state;
	open_window(PPP);
	progress(PROC_SPOOLD, 1, 1);
	progress(PROC_FETCHD, 1, 1);
	expect("");
	window_end(w, "hangup", "by the operator");
	expect("shut ");
}

static void
test_left(void **state)
{
	(void)state;
	window_queue(w, 25);
	open_window(PPP);
	window_queue(w, 5);
	progress(PROC_SPOOLD, 0, 0);
	progress(PROC_FETCHD, 0, 0);
	/* The last marks come late; new mail comes later still. */
	window_queue(w, 3);
	window_queue(w, 9);
	progress(PROC_SPOOLD, 0, 1);
	progress(PROC_FETCHD, 0, 1);
	window_link_down(w, from_parent(0, "closed"));
	window_modem(w, WINDOW_TTY_DOWN, MODEM_NOTHING, "");
	ended("ok", 1);
	assert_int_equal(closed_left, 3);
}

/* With no event but time, from any state, a call ends within its ceiling. */
static void
test_ceiling(void **state)
{
	uint64_t	 begin;
	int		 step;

	for (step = 0; step < 5; step++) {
		begin = clock_ms;
		assert_int_equal(try_dial(PPP), 0);
		if (step > 0)
			window_line_tty(w, from_parent(0, ""), device());
		if (step > 1)
			window_modem(w, WINDOW_TTY_CONNECTED, MODEM_CONNECT,
			    "CONNECT");
		if (step > 2)
			window_link_up(w, from_parent(0, ""));
		if (step > 3)
			window_end(w, "hangup", "by the operator");
		while (!done) {
			assert_int_not_equal(timer_ms, -1);
			pass(1000);
			assert_true(clock_ms - begin < 1200000);
		}
		teardown(state);
		setup(state);
	}
}

/* The machine slept with the line open: all is over at once. */
static void
test_ceiling_slept(void **state)
{
	(void)state;
	open_window(PPP);
	clock_ms += 86400000;
	window_tick(w);
	expect("shut stop hangup ");
	pass(20000);
	ended("fault", 0);
}

static void
test_worst(void **state)
{
	struct window_line	 line;
	uint64_t		 seconds;

	(void)state;
	memset(&line, 0, sizeof(line));
	line.modem = line.link = 1;
	line.answer = 60;
	line.window = 900;
	line.chat_timeout = 45;
	seconds = window_worst_seconds(&line);
	line.chat_timeout = 0;
	assert_int_equal(seconds - window_worst_seconds(&line), CONF_CHAT_MAX);
	seconds = window_worst_seconds(&line);
	assert_in_range(seconds, 960 + 60, 960 + 60 + 40);
	/* The dearer rate begins while it rings. */
	line.tariff.nrates = 2;
	line.tariff.rates[0].unit = 10000;
	line.tariff.rates[0].price = 1;
	line.tariff.rates[0].span.from = 0;
	line.tariff.rates[0].span.to = 60;
	line.tariff.rates[0].span.days = DAYS_ALL;
	line.tariff.rates[0].span.set = 1;
	line.tariff.rates[1].unit = 60;
	line.tariff.rates[1].price = 100;
	assert_in_range(window_worst_cost(&line, WALL + 3590, 0), 1500, 2000);
}

static void
test_summary(void **state)
{
	struct ctl_summary	 s;

	(void)state;
	memset(&s, 0, sizeof(s));
	window_summary(w, &s);
	assert_int_equal(s.state, CTL_STATE_IDLE);
	assert_int_equal(s.call.call, 0);
	open_window(PPP);
	progress(PROC_FETCHD, 1, 0);
	pass(10000);
	window_summary(w, &s);
	assert_int_equal(s.state, CTL_STATE_WINDOW);
	assert_int_equal(s.call.call, 7);
	assert_int_equal(s.call.seconds, 13);
	assert_int_equal(s.window_seconds, 10);
	assert_int_equal(s.call.fetched, 40);
	progress(PROC_SPOOLD, 1, 0);
	pass(5000);
	window_summary(w, &s);
	assert_int_equal(s.rate_in, 1000 / 5);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		TEST(test_chat),
		TEST(test_chat_failed),
		TEST(test_ppp),
		TEST(test_busy),
		TEST(test_bare),
		TEST(test_no_modem),
		TEST(test_no_ledger),
		TEST(test_one_at_a_time),
		TEST(test_no_line),
		TEST(test_no_descriptor),
		TEST(test_tty_fails),
		TEST(test_results),
		TEST(test_link_fails),
		TEST(test_link_timeout),
		TEST(test_maximum),
		TEST(test_parent_joins),
		TEST(test_linger),
		TEST(test_bulk),
		TEST(test_bulk_faster),
		TEST(test_bulk_no_answer),
		TEST(test_bulk_again),
		TEST(test_bulk_slow_modems),
		TEST(test_stalled),
		TEST(test_stalled_at_once),
		TEST(test_budget),
		TEST(test_foreign),
		TEST(test_deaf_neighbours),
		TEST(test_carrier_lost),
		TEST(test_carrier_lost_late),
		TEST(test_failed_without_loss),
		TEST(test_carrier_lost_at_once),
		TEST(test_link_lost),
		TEST(test_parent_takes_down),
		TEST(test_peer_dies),
		TEST(test_peers_die_anywhere),
		TEST(test_hangup_while_dialling),
		TEST(test_shutdown),
		TEST(test_stale),
		TEST(test_early_closed),
		TEST(test_left),
		TEST(test_ceiling),
		TEST(test_ceiling_slept),
		TEST(test_worst),
		TEST(test_summary)
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
