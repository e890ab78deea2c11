/* See LICENSE for the terms. */
/*
 * The ledger: its lines, and the file through crashes and full disks.
 */
#include <sys/resource.h>
#include <sys/types.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"
#include "ledger_line.h"
#include "log.h"

static char	 path[] = "/tmp/ledger_test.XXXXXXXXXX";

static int
setup(void **state)
{
	int	 fd;

	(void)state;
	strlcpy(path, "/tmp/ledger_test.XXXXXXXXXX", sizeof(path));
	if ((fd = mkstemp(path)) == -1)
		return (-1);
	close(fd);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return (0);
}

static struct ledger *
load_only(void)
{
	struct ledger	*ledger;
	int		 fd;

	fd = open(path, O_RDWR | O_APPEND);
	assert_int_not_equal(fd, -1);
	ledger = ledger_new(fd);
	assert_non_null(ledger);
	return (ledger);
}

/* And what a crash left open is closed. */
static struct ledger *
load(time_t now)
{
	struct ledger	*ledger = load_only();
	struct ctl_call	 call;
	uint64_t	 after = 0;

	while (ledger_left(ledger, after, &call)) {
		after = call.call;
		assert_int_equal(ledger_crashed(ledger, &call, now), 0);
	}
	return (ledger);
}

static size_t
contents(char *buf, size_t size)
{
	ssize_t	 n;
	int	 fd = open(path, O_RDONLY);

	n = read(fd, buf, size - 1);
	close(fd);
	assert_int_not_equal(n, -1);
	buf[n] = '\0';
	return ((size_t)n);
}

static void
put(const char *text)
{
	int	 fd = open(path, O_WRONLY | O_APPEND);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
call_open(struct ledger *ledger, struct ctl_call *call, time_t now)
{
	memset(call, 0, sizeof(*call));
	call->opened = now;
	call->worst_seconds = 900;
	call->worst_cost = 5000;
	strlcpy(call->line, "v34", sizeof(call->line));
	strlcpy(call->number, "0570001234", sizeof(call->number));
	strlcpy(call->why, "messages 20", sizeof(call->why));
	assert_int_equal(ledger_open(ledger, call), 0);
}

static void
call_close(struct ledger *ledger, struct ctl_call *call, time_t now,
    uint64_t left, int good)
{
	call->closed = now;
	call->up = good ? now - 30 : 0;
	call->seconds = 60;
	call->cost = 1000;
	call->sent = 20;
	strlcpy(call->result, good ? "ok" : "busy", sizeof(call->result));
	strlcpy(call->connect, "CONNECT 33600/V34", sizeof(call->connect));
	strlcpy(call->reason, "all \"done\" \\ and well",
	    sizeof(call->reason));
	assert_int_equal(ledger_close(ledger, call, left, good), 0);
}

static void
fill(struct ctl_call *c)
{
	memset(c, 0, sizeof(*c));
	c->call = 12;
	c->worst_seconds = 1;
	c->worst_cost = 2;
	c->dialled = 3;
	c->connected = 4;
	c->up = 5;
	c->seconds = 6;
	c->sent = 7;
	c->fetched = 8;
	c->failed = 9;
	c->bytes_out = 10;
	c->bytes_in = 11;
	c->mail_out = 14;
	c->mail_in = 15;
	c->repeated_out = 16;
	c->repeated_in = 17;
	c->busy_out = 18;
	c->busy_in = 19;
	c->foreign = 1;
	c->units = 12;
	c->cost = 13;
	c->single_cost = 20;
	memset(c->line, 'l', sizeof(c->line) - 1);
	memset(c->number, '"', sizeof(c->number) - 1);
	memset(c->why, '\\', sizeof(c->why) - 1);
	memset(c->result, ' ', sizeof(c->result) - 1);
	memset(c->connect, '=', sizeof(c->connect) - 1);
	memset(c->reason, '"', sizeof(c->reason) - 1);
}

/* Every field at its longest, and back. */
static void
test_line_round_trip(void **state)
{
	struct ledger_line	 a, b;
	char			 buf[LEDGER_LINE_MAX];
	ssize_t			 len;

	(void)state;
	memset(&a, 0, sizeof(a));
	a.event = LEDGER_OPEN;
	a.time = 1700000000;
	fill(&a.call);
	assert_true((len = ledger_line_format(&a, buf, sizeof(buf))) > 0);
	assert_int_equal(buf[len - 1], '\n');
	assert_int_equal(ledger_line_parse(buf, (size_t)len - 1, &b), 0);
	assert_int_equal(b.event, LEDGER_OPEN);
	assert_int_equal(b.call.opened, 1700000000);
	assert_string_equal(b.call.why, a.call.why);
	assert_string_equal(b.call.number, a.call.number);
	assert_int_equal(b.call.worst_cost, 2);

	a.event = LEDGER_CLOSE;
	a.left = 14;
	a.good = 1;
	assert_true((len = ledger_line_format(&a, buf, sizeof(buf))) > 0);
	assert_int_equal(ledger_line_parse(buf, (size_t)len - 1, &b), 0);
	assert_int_equal(b.call.closed, 1700000000);
	assert_string_equal(b.call.reason, a.call.reason);
	assert_string_equal(b.call.connect, a.call.connect);
	assert_string_equal(b.call.result, a.call.result);
	assert_int_equal(b.call.up, 5);
	assert_int_equal(b.call.cost, 13);
	assert_int_equal(b.call.mail_out, 14);
	assert_int_equal(b.call.mail_in, 15);
	assert_int_equal(b.call.repeated_out, 16);
	assert_int_equal(b.call.repeated_in, 17);
	assert_int_equal(b.call.busy_out, 18);
	assert_int_equal(b.call.busy_in, 19);
	assert_int_equal(b.call.foreign, 1);
	assert_int_equal(b.call.single_cost, 20);
	assert_int_equal(b.left, 14);
	assert_int_equal(b.good, 1);
	assert_int_equal(ledger_line_format(&a, buf, 100), -1);
	assert_int_equal(errno, ENOBUFS);
}

static void
test_line_user(void **state)
{
	struct ledger_line	 a, b;
	char			 buf[LEDGER_LINE_MAX];
	ssize_t			 len;

	(void)state;
	memset(&a, 0, sizeof(a));
	a.event = LEDGER_USER;
	a.time = 1700000000;
	a.call.call = 12;
	a.call.sent = 1;
	a.call.fetched = 2;
	a.sent_bytes = 3;
	a.fetched_bytes = 4;
	memset(a.user, '"', sizeof(a.user) - 1);
	assert_true((len = ledger_line_format(&a, buf, sizeof(buf))) > 0);
	assert_int_equal(ledger_line_parse(buf, (size_t)len - 1, &b), 0);
	assert_int_equal(b.event, LEDGER_USER);
	assert_memory_equal(&a, &b, sizeof(a));
}

/* A modem's words cannot make a line of their own. */
static void
test_line_control(void **state)
{
	struct ledger_line	 a, b;
	char			 buf[LEDGER_LINE_MAX];
	ssize_t			 len;

	(void)state;
	memset(&a, 0, sizeof(a));
	a.event = LEDGER_CLOSE;
	a.call.call = 1;
	strlcpy(a.call.reason, "x\ncall=2 event=close\r",
	    sizeof(a.call.reason));
	len = ledger_line_format(&a, buf, sizeof(buf));
	assert_ptr_equal(memchr(buf, '\n', (size_t)len), buf + len - 1);
	assert_int_equal(ledger_line_parse(buf, (size_t)len - 1, &b), 0);
	assert_string_equal(b.call.reason, "x?call=2 event=close?");
}

static void
test_line_bad(void **state)
{
	static const char * const bad[] = {
		"", "call=1", "event=open", "call=0 event=open",
		"call=x event=open", "call= event=open", "call=1 event",
		"call=1 event=open =x", "call=1 event=open why=\"a",
		"call=1 event=open why=\"a\"b", "call=1 event=open why=\"a\\",
		"call=99999999999999999999 event=open",
		"call=1 event=open time=-1", "call 1 event=open",
		"call=0 event=user", "event=user user=a"
	};
	struct ledger_line	 l;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ledger_line_parse(bad[i], strlen(bad[i]),
		    &l), -1);
}

/* Of a later version. */
static void
test_line_unknown(void **state)
{
	static const char	 a[] = "call=1 event=open moon=full time=5 "
	    "words=\"two words\" why=x";
	static const char	 b[] = "call=1 event=swapped time=5";
	struct ledger_line	 l;

	(void)state;
	assert_int_equal(ledger_line_parse(a, strlen(a), &l), 0);
	assert_int_equal(l.call.opened, 5);
	assert_string_equal(l.call.why, "x");
	assert_int_equal(ledger_line_parse(b, strlen(b), &l), 0);
	assert_int_equal(l.event, LEDGER_OTHER);
}

/* As versions wrote them that knew of less. */
static void
test_line_old(void **state)
{
	static const char	 a[] = "call=1 event=close time=9 line=v34 "
	    "number=1 dialled=2 connected=3 up=4 seconds=5 result=ok good=1 "
	    "reason=\"all done\" connect=CONNECT sent=6 fetched=7 failed=0 "
	    "left=0 bytes_out=8 bytes_in=9 units=1 cost=10";
	struct ledger_line	 l;

	(void)state;
	assert_int_equal(ledger_line_parse(a, strlen(a), &l), 0);
	assert_int_equal(l.call.bytes_in, 9);
	assert_int_equal(l.call.cost, 10);
	assert_int_equal(l.call.mail_in, 0);
	assert_int_equal(l.call.foreign, 0);
}

static void
test_calls(void **state)
{
	struct ledger	*ledger = load(1000);
	struct ctl_call	 call, got;

	(void)state;
	assert_int_equal(ledger_count(ledger), 0);
	call_open(ledger, &call, 1000);
	assert_int_equal(call.call, 1);
	call_close(ledger, &call, 1060, 0, 1);
	call_open(ledger, &call, 2000);
	assert_int_equal(call.call, 2);
	call_close(ledger, &call, 2060, 0, 0);
	assert_int_equal(ledger_count(ledger), 2);
	assert_int_equal(ledger_seek(ledger, 2), 1);
	assert_int_equal(ledger_seek(ledger, 3), 2);
	ledger_free(ledger);
	/* And again from the file. */
	ledger = load(3000);
	assert_int_equal(ledger_count(ledger), 2);
	assert_int_equal(ledger_read(ledger, 1, &got), 0);
	assert_memory_equal(&got, &call, sizeof(got));
	call_open(ledger, &call, 3000);
	assert_int_equal(call.call, 3);
	ledger_free(ledger);
}

/* L4: the entry is in the file when open returns. */
static void
test_open_is_written(void **state)
{
	struct ledger	*ledger = load(1000);
	struct ctl_call	 call;
	char		 buf[4096];

	(void)state;
	call_open(ledger, &call, 1000);
	contents(buf, sizeof(buf));
	assert_string_equal(buf, "call=1 event=open time=1000 line=v34 "
	    "number=0570001234 why=\"messages 20\" worst_seconds=900 "
	    "worst_cost=5000\n");
	ledger_free(ledger);
}

/* What a crash left open is charged at its worst case, once. */
static void
test_crash(void **state)
{
	struct ledger		*ledger = load(1000);
	struct policy_sum	 sum;
	struct ctl_call		 call;
	int			 i;

	(void)state;
	call_open(ledger, &call, 1000);
	ledger_sum(ledger, 0, 2000, &sum);
	assert_int_equal(sum.seconds, 900);
	ledger_free(ledger);
	for (i = 0; i < 2; i++) {
		ledger = load(5000 + i);
		ledger_sum(ledger, 0, 2000, &sum);
		assert_int_equal(sum.calls, 1);
		assert_int_equal(sum.seconds, 900);
		assert_int_equal(sum.cost, 5000);
		assert_int_equal(ledger_read(ledger, 0, &call), 0);
		assert_string_equal(call.result, "crashed");
		assert_int_equal(call.closed, 5000);
		ledger_free(ledger);
	}
}

/* Until that is done it is the sign that its line may be open. */
static void
test_left(void **state)
{
	struct ledger	*ledger = load(1000);
	struct ctl_call	 call, left;
	int		 i;

	(void)state;
	call_open(ledger, &call, 1000);
	call_close(ledger, &call, 1060, 0, 1);
	call_open(ledger, &call, 2000);
	ledger_free(ledger);
	for (i = 0; i < 2; i++) {
		ledger = load_only();
		assert_int_equal(ledger_left(ledger, 0, &left), 1);
		assert_int_equal(left.call, call.call);
		assert_string_equal(left.line, "v34");
		assert_int_equal(ledger_left(ledger, left.call, &left), 0);
		ledger_free(ledger);
	}
	ledger = load(3000);
	assert_int_equal(ledger_left(ledger, 0, &left), 0);
	ledger_free(ledger);
}

/* Power may fail at any byte of the last line. */
static void
test_torn(void **state)
{
	struct ledger	*ledger = load(1000);
	struct ctl_call	 call;
	char		 buf[8192];
	size_t		 first, size, cut;

	(void)state;
	call_open(ledger, &call, 1000);
	call_close(ledger, &call, 1060, 0, 1);
	first = contents(buf, sizeof(buf));
	call_open(ledger, &call, 2000);
	ledger_free(ledger);
	size = contents(buf, sizeof(buf));
	for (cut = first; cut < size; cut++) {
		assert_int_equal(truncate(path, 0), 0);
		put(buf);
		assert_int_equal(truncate(path, (off_t)cut), 0);
		ledger = load(3000);
		assert_int_equal(ledger_count(ledger), 1);
		call_open(ledger, &call, 3000);
		assert_int_equal(call.call, 2);
		ledger_free(ledger);
		ledger = load(4000);
		assert_int_equal(ledger_count(ledger), 2);
		ledger_free(ledger);
	}
}

/* Strange lines, and longer ones than any of ours, are passed over. */
static void
test_garbage(void **state)
{
	struct ledger	*ledger;
	struct ctl_call	 call;
	char		*big = malloc(200000);

	(void)state;
	put("nonsense\n\n");
	memset(big, 'x', 199999);
	big[199998] = '\n';
	big[199999] = '\0';
	put(big);
	put("call=7 event=open time=5 line=a worst_seconds=3\n"
	    "call=7 event=close time=6 seconds=2 result=ok good=1\n"
	    "call=9 event=close time=6\n");
	free(big);
	ledger = load(1000);
	assert_int_equal(ledger_count(ledger), 1);
	assert_int_equal(ledger_read(ledger, 0, &call), 0);
	assert_int_equal(call.seconds, 2);
	call_open(ledger, &call, 1000);
	assert_int_equal(call.call, 10);
	ledger_free(ledger);
}

static void
test_sums(void **state)
{
	struct ledger		*ledger = load(1000);
	struct policy_sum	 sum;
	struct ctl_call		 call;
	time_t			 t;

	(void)state;
	for (t = 1000; t <= 5000; t += 1000) {
		call_open(ledger, &call, t);
		if (t < 5000)
			call_close(ledger, &call, t + 60, 0, 1);
	}
	ledger_sum(ledger, 3000, 6000, &sum);
	assert_int_equal(sum.calls, 3);
	assert_int_equal(sum.seconds, 60 + 60 + 900);
	assert_int_equal(sum.cost, 1000 + 1000 + 5000);
	ledger_sum(ledger, 5001, 6000, &sum);
	assert_int_equal(sum.calls, 0);
	ledger_free(ledger);
}

static void
test_series(void **state)
{
	struct ledger		*ledger = load(1000);
	struct ledger_series	 s;
	struct ctl_call		 call;

	(void)state;
	ledger_series(ledger, 9000, &s);
	assert_int_equal(s.attempts, 0);
	assert_int_equal(s.good_closed, 0);
	call_open(ledger, &call, 1000);
	call_close(ledger, &call, 1060, 3, 1);
	call_open(ledger, &call, 2000);
	call_close(ledger, &call, 2060, 4, 1);
	call_open(ledger, &call, 3000);
	call_close(ledger, &call, 3060, 9, 0);
	call_open(ledger, &call, 4000);
	call_close(ledger, &call, 4060, 9, 0);
	ledger_free(ledger);
	ledger = load(5000);
	ledger_series(ledger, 9000, &s);
	assert_int_equal(s.attempts, 2);
	assert_int_equal(s.first, 3000);
	assert_int_equal(s.last, 4060);
	assert_int_equal(s.good_closed, 2060);
	assert_int_equal(s.good_up, 2030);
	assert_int_equal(s.left, 4);
	assert_int_equal(s.left_windows, 2);
	/* A request of the operator begins a new series. */
	memset(&call, 0, sizeof(call));
	call.opened = 6000;
	strlcpy(call.why, "request", sizeof(call.why));
	assert_int_equal(ledger_open(ledger, &call), 0);
	call_close(ledger, &call, 6060, 0, 0);
	ledger_series(ledger, 9000, &s);
	assert_int_equal(s.attempts, 1);
	assert_int_equal(s.first, 6000);
	assert_int_equal(s.good_closed, 2060);
	ledger_free(ledger);
}

/* The clock was put back by far: calls from its future are of the past. */
/* Calls by a clock that was not set yet: they do not get around a budget. */
static void
test_clock_unset(void **state)
{
	struct ledger		*ledger = load(100);
	struct policy_sum	 sum;
	struct ctl_call		 call;
	time_t			 day = 1795392000;

	(void)state;
	call_open(ledger, &call, day - 80000);
	call_close(ledger, &call, day - 79000, 0, 1);
	call_open(ledger, &call, 200);
	call_close(ledger, &call, 300, 0, 1);
	call_open(ledger, &call, 400);
	call_close(ledger, &call, 500, 0, 1);
	/* Just now, while none is known that came after it. */
	ledger_sum(ledger, day, day + 100, &sum);
	assert_int_equal(sum.calls, 2);
	call_open(ledger, &call, day + 1000);
	call_close(ledger, &call, day + 1100, 0, 1);
	ledger_sum(ledger, day + 999, day + 90000, &sum);
	assert_int_equal(sum.calls, 3);
	ledger_sum(ledger, day + 1001, day + 90000, &sum);
	assert_int_equal(sum.calls, 0);
	ledger_free(ledger);
}

static void
test_clock_back(void **state)
{
	struct ledger		*ledger = load(100000);
	struct ledger_series	 s;
	struct policy_sum	 sum;
	struct ctl_call		 call;

	(void)state;
	call_open(ledger, &call, 100000);
	call_close(ledger, &call, 100060, 3, 1);
	call_open(ledger, &call, 100100);
	call_close(ledger, &call, 100160, 3, 0);
	ledger_free(ledger);
	ledger = load(2000);
	ledger_series(ledger, 2000, &s);
	assert_int_equal(s.good_closed, 2000);
	assert_int_equal(s.attempts, 1);
	assert_int_equal(s.first, 2000);
	assert_int_equal(s.last, 2000);
	/* For all that is known they were made just now, but not ever so. */
	ledger_sum(ledger, 1500, 2000, &sum);
	assert_int_equal(sum.calls, 2);
	ledger_sum(ledger, 1500, 2500, &sum);
	assert_int_equal(sum.calls, 2);
	ledger_sum(ledger, 2001, 2500, &sum);
	assert_int_equal(sum.calls, 0);
	/* It is put right: they are where they were. */
	ledger_sum(ledger, 99000, 101000, &sum);
	assert_int_equal(sum.calls, 2);
	ledger_free(ledger);
}

static void
test_hold(void **state)
{
	struct ledger	*ledger = load(1000);

	(void)state;
	assert_false(ledger_held(ledger));
	assert_int_equal(ledger_hold(ledger, 1, 1000), 0);
	ledger_free(ledger);
	ledger = load(2000);
	assert_true(ledger_held(ledger));
	assert_int_equal(ledger_hold(ledger, 0, 2000), 0);
	ledger_free(ledger);
	ledger = load(3000);
	assert_false(ledger_held(ledger));
	ledger_free(ledger);
}

static void
limit(rlim_t bytes)
{
	struct rlimit	 rl;

	getrlimit(RLIMIT_FSIZE, &rl);
	rl.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rl), 0);
}

/* No room: no call; and an end that waits is not lost. */
static void
test_full(void **state)
{
	struct ledger		*ledger = load(1000);
	struct policy_sum	 sum;
	struct ctl_call		 call;
	char			 buf[4096];
	size_t			 size;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	call_open(ledger, &call, 1000);
	size = contents(buf, sizeof(buf));
	limit(size + 20);
	call.closed = 1060;
	call.seconds = 60;
	assert_int_equal(ledger_close(ledger, &call, 0, 1), -1);
	assert_int_equal(contents(buf, sizeof(buf)), size);
	/* It counts as it was, though. */
	ledger_sum(ledger, 0, 2000, &sum);
	assert_int_equal(sum.seconds, 60);
	call.opened = 2000;
	assert_int_equal(ledger_open(ledger, &call), -1);
	assert_int_equal(ledger_count(ledger), 1);
	limit(RLIM_INFINITY);
	assert_int_equal(ledger_retry(ledger), 0);
	ledger_free(ledger);
	ledger = load(3000);
	assert_int_equal(ledger_read(ledger, 0, &call), 0);
	assert_int_equal(call.closed, 1060);
	ledger_free(ledger);
}

/* Truncation fails as long as this is set. */
static int	 no_truncate;

int	 __real_ftruncate(int, off_t);
int	 __wrap_ftruncate(int, off_t);

int
__wrap_ftruncate(int fd, off_t size)
{
	if (no_truncate) {
		errno = EIO;
		return (-1);
	}
	return (__real_ftruncate(fd, size));
}

/* The rest of a line cannot be cut off: no call, and nothing is glued to it. */
static void
test_full_torn(void **state)
{
	struct ledger	*ledger = load(1000);
	struct ctl_call	 call, got;
	char		 buf[4096];
	size_t		 size;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	call_open(ledger, &call, 1000);
	call_close(ledger, &call, 1060, 0, 1);
	size = contents(buf, sizeof(buf));
	no_truncate = 1;
	limit(size + 20);
	call.opened = 2000;
	assert_int_equal(ledger_open(ledger, &call), -1);
	limit(RLIM_INFINITY);
	assert_int_equal(contents(buf, sizeof(buf)), size + 20);
	assert_int_equal(ledger_open(ledger, &call), -1);
	assert_int_equal(contents(buf, sizeof(buf)), size + 20);
	no_truncate = 0;
	assert_int_equal(ledger_open(ledger, &call), 0);
	ledger_free(ledger);
	ledger = load_only();
	assert_int_equal(ledger_left(ledger, 0, &got), 1);
	assert_int_equal(got.call, call.call);
	assert_int_equal(got.opened, 2000);
	ledger_free(ledger);
}

/* A hold, too, waits for room; and one that was ended meanwhile does not. */
static void
test_hold_full(void **state)
{
	struct ledger	*ledger = load(1000);
	char		 buf[4096];
	size_t		 size;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	limit(10);
	assert_int_equal(ledger_hold(ledger, 1, 1000), -1);
	assert_true(ledger_held(ledger));
	assert_int_equal(ledger_retry(ledger), -1);
	limit(RLIM_INFINITY);
	assert_int_equal(ledger_retry(ledger), 0);
	ledger_free(ledger);
	ledger = load(2000);
	assert_true(ledger_held(ledger));
	size = contents(buf, sizeof(buf));
	limit(size);
	assert_int_equal(ledger_hold(ledger, 0, 2000), -1);
	assert_int_equal(ledger_hold(ledger, 1, 2001), 0);
	limit(RLIM_INFINITY);
	assert_int_equal(contents(buf, sizeof(buf)), size);
	ledger_free(ledger);
}

/* Years of calls: memory keeps some 400 days of them. */
static void
test_many(void **state)
{
	struct ledger	*ledger;
	struct ctl_call	 call;
	FILE		*fp = fopen(path, "w");
	int		 i;

	(void)state;
	for (i = 1; i <= 30000; i++)
		fprintf(fp, "call=%d event=open time=%d worst_seconds=9\n"
		    "call=%d event=close time=%d seconds=1\n", i, i * 3600,
		    i, i * 3600 + 1);
	fclose(fp);
	ledger = load(30000 * 3600);
	assert_in_range(ledger_count(ledger), 9600, 10200);
	assert_int_equal(ledger_read(ledger, ledger_count(ledger) - 1,
	    &call), 0);
	assert_int_equal(call.call, 30000);
	assert_int_equal(ledger_read(ledger, 0, &call), 0);
	assert_int_equal(call.call, 30001 - ledger_count(ledger));
	ledger_free(ledger);
}

static void
user(struct ledger *ledger, uint64_t call, const char *name, uint64_t sent,
    uint64_t fetched)
{
	struct ctl_call_user	 u;

	memset(&u, 0, sizeof(u));
	u.call = call;
	u.sent = sent;
	u.sent_bytes = sent * 1000;
	u.fetched = fetched;
	u.fetched_bytes = fetched * 1000;
	strlcpy(u.user, name, sizeof(u.user));
	assert_int_equal(ledger_user(ledger, &u, 1500), 0);
}

static void
test_users(void **state)
{
	struct ledger		*ledger = load(1000);
	struct ctl_call_user	 u;
	struct ctl_call		 call;
	uint64_t		 at = 0;

	(void)state;
	call_open(ledger, &call, 1000);
	user(ledger, 1, "alice", 3, 0);
	assert_int_equal(ledger_hold(ledger, 1, 1040), 0);
	user(ledger, 1, "", 0, 2);
	call_close(ledger, &call, 1060, 0, 1);
	call_open(ledger, &call, 2000);
	user(ledger, 2, "bob", 1, 1);
	user(ledger, 1, "late", 1, 1);
	ledger_free(ledger);
	ledger = load_only();
	assert_int_equal(ledger_count(ledger), 2);
	assert_int_equal(ledger_read_user(ledger, 0, &at, &u), 1);
	assert_string_equal(u.user, "alice");
	assert_int_equal(u.call, 1);
	assert_int_equal(u.opened, 1000);
	assert_int_equal(u.sent, 3);
	assert_int_equal(u.sent_bytes, 3000);
	assert_int_equal(ledger_read_user(ledger, 0, &at, &u), 1);
	assert_string_equal(u.user, "");
	assert_int_equal(u.fetched, 2);
	assert_int_equal(u.fetched_bytes, 2000);
	assert_int_equal(ledger_read_user(ledger, 0, &at, &u), 0);
	at = 0;
	/* A call that is still open; and what is not of it. */
	assert_int_equal(ledger_read_user(ledger, 1, &at, &u), 1);
	assert_string_equal(u.user, "bob");
	assert_int_equal(ledger_read_user(ledger, 1, &at, &u), 0);
	ledger_free(ledger);
}

/* There is no room for what a call did for a user; its end is not lost. */
static void
test_users_full(void **state)
{
	struct ledger		*ledger = load(1000);
	struct ctl_call_user	 u;
	struct ctl_call		 call;
	char			 buf[4096];
	size_t			 size;
	uint64_t		 at = 0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	call_open(ledger, &call, 1000);
	size = contents(buf, sizeof(buf));
	limit(size + 20);
	memset(&u, 0, sizeof(u));
	u.call = 1;
	assert_int_equal(ledger_user(ledger, &u, 1050), -1);
	limit(RLIM_INFINITY);
	assert_int_equal(contents(buf, sizeof(buf)), size);
	call_close(ledger, &call, 1060, 0, 1);
	assert_int_equal(ledger_read_user(ledger, 0, &at, &u), 0);
	ledger_free(ledger);
	ledger = load_only();
	assert_int_equal(ledger_left(ledger, 0, &call), 0);
	ledger_free(ledger);
}

/* A window of that line: 20 s to the answer, 30 to the link. */
static void
window(struct ledger *ledger, const char *line, time_t t, int good,
    uint64_t bytes, uint64_t busy)
{
	struct ctl_call	 call;

	memset(&call, 0, sizeof(call));
	call.opened = t;
	strlcpy(call.line, line, sizeof(call.line));
	assert_int_equal(ledger_open(ledger, &call), 0);
	if (good) {
		call.connected = t + 20;
		call.up = t + 30;
		call.sent = call.fetched = 2;
		call.bytes_out = bytes;
		call.bytes_in = bytes * 2;
		call.mail_in = bytes;
		call.busy_out = call.busy_in = busy;
	}
	call.closed = t + 130;
	strlcpy(call.result, good ? "ok" : "busy", sizeof(call.result));
	assert_int_equal(ledger_close(ledger, &call, 0, good), 0);
}

static void
test_speed(void **state)
{
	struct ledger		*ledger = load(1000);
	struct ledger_speed	 s;
	int			 i;

	(void)state;
	ledger_speed(ledger, "v34", &s);
	assert_int_equal(s.windows, 0);
	assert_int_equal(s.rate_out, 0);
	/* Ten are looked at, of one line, and only good ones. */
	for (i = 0; i < 4; i++)
		window(ledger, "v34", 1000 + i * 1000, 1, 99999999, 1000);
	for (i = 0; i < 10; i++) {
		window(ledger, "v34", 10000 + i * 1000, 1, 100000, 50000);
		window(ledger, "iridium", 10300 + i * 1000, 1, 3000, 0);
		window(ledger, "v34", 10600 + i * 1000, 0, 0, 0);
	}
	for (i = 0; i < 2; i++) {
		ledger_speed(ledger, "v34", &s);
		assert_int_equal(s.windows, 10);
		assert_int_equal(s.setup, 30);
		assert_int_equal(s.answer, 20);
		assert_int_equal(s.rate_out, 2000);
		assert_int_equal(s.rate_in, 4000);
		assert_int_equal(s.fetch, 2);
		assert_int_equal(s.fetch_bytes, 100000);
		/* It was not written for how long mail passed. */
		ledger_speed(ledger, "iridium", &s);
		assert_int_equal(s.windows, 10);
		assert_int_equal(s.rate_out, 30);
		ledger_speed(ledger, "other", &s);
		assert_int_equal(s.windows, 0);
		ledger_free(ledger);
		ledger = load_only();
	}
	ledger_free(ledger);
}

static void
test_failures(void **state)
{
	static const char *const results[] = { "hangup", "shutdown",
	    "crashed", "no-carrier" };
	struct ledger	*ledger = load(1000);
	struct ctl_call	 call;
	size_t		 i;

	(void)state;
	assert_int_equal(ledger_failures(ledger, "v34"), 0);
	window(ledger, "v34", 1000, 0, 0, 0);
	window(ledger, "v34", 2000, 1, 0, 0);
	window(ledger, "v34", 3000, 0, 0, 0);
	window(ledger, "iridium", 4000, 0, 0, 0);
	window(ledger, "v34", 5000, 0, 0, 0);
	assert_int_equal(ledger_failures(ledger, "v34"), 2);
	assert_int_equal(ledger_failures(ledger, "iridium"), 1);
	assert_int_equal(ledger_failures(ledger, "other"), 0);
	window(ledger, "iridium", 6000, 1, 0, 0);
	assert_int_equal(ledger_failures(ledger, "v34"), 0);
	/* What the operator or we ended is no fault of the line. */
	for (i = 0; i < 4; i++) {
		memset(&call, 0, sizeof(call));
		call.opened = call.closed = 7000 + (int)i;
		strlcpy(call.line, "v34", sizeof(call.line));
		strlcpy(call.result, results[i], sizeof(call.result));
		assert_int_equal(ledger_open(ledger, &call), 0);
		assert_int_equal(ledger_close(ledger, &call, 0, 0), 0);
		assert_int_equal(ledger_failures(ledger, "v34"), i / 3);
	}
	ledger_free(ledger);
	ledger = load_only();
	assert_int_equal(ledger_failures(ledger, "v34"), 1);
	ledger_free(ledger);
}

/* The front of the file is cut off: what is kept reads as before. */
static void
test_excess(void **state)
{
	struct ledger		*ledger;
	struct ctl_call		 call;
	struct policy_sum	 sum[2];
	FILE			*fp = fopen(path, "w");
	char			*rest;
	uint64_t		 from = 0;
	size_t			 count;
	long			 size;
	int			 i;

	(void)state;
	fprintf(fp, "call=1 event=hold time=1\n");
	for (i = 1; i <= 30000; i++)
		fprintf(fp, "call=%d event=open time=%d worst_seconds=9\n"
		    "call=%d event=close time=%d seconds=1\n", i, i * 3600,
		    i, i * 3600 + 1);
	fclose(fp);
	ledger = load_only();
	assert_true(ledger_held(ledger));
	call_open(ledger, &call, 30001 * 3600);
	assert_int_equal(ledger_excess(ledger, &from), 0);
	call_close(ledger, &call, 30001 * 3600 + 9, 0, 1);
	assert_int_equal(ledger_excess(ledger, &from), 1);
	count = ledger_count(ledger);
	ledger_sum(ledger, 0, 30002 * 3600, &sum[0]);
	ledger_free(ledger);

	fp = fopen(path, "r");
	fseek(fp, 0, SEEK_END);
	size = ftell(fp);
	assert_true(from > 0 && from < (uint64_t)size);
	rest = calloc(1, (size_t)size);
	fseek(fp, (long)from, SEEK_SET);
	assert_int_equal(fread(rest, 1, (size_t)size, fp), size - (long)from);
	fclose(fp);
	assert_int_equal(truncate(path, 0), 0);
	put(rest);
	free(rest);
	ledger = load_only();
	assert_true(ledger_held(ledger));
	assert_int_equal(ledger_count(ledger), count);
	ledger_sum(ledger, 0, 30002 * 3600, &sum[1]);
	assert_memory_equal(&sum[0], &sum[1], sizeof(sum[0]));
	assert_int_equal(ledger_excess(ledger, &from), 0);
	call_open(ledger, &call, 30003 * 3600);
	assert_int_equal(call.call, 30002);
	ledger_free(ledger);
}

/* The clock was wrong by years once: what it made look old stays. */
static void
test_wrong_year(void **state)
{
	struct ledger	*ledger = load(1000);
	struct ctl_call	 call;
	int		 i;

	(void)state;
	for (i = 0; i < 300; i++) {
		call_open(ledger, &call, 1000 + i * 100);
		call_close(ledger, &call, 1060 + i * 100, 0, 1);
	}
	call_open(ledger, &call, 2000000000);
	call_close(ledger, &call, 2000000060, 0, 1);
	assert_int_equal(ledger_count(ledger), 301);
	ledger_free(ledger);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_line_round_trip),
		cmocka_unit_test(test_line_user),
		cmocka_unit_test(test_line_old),
		cmocka_unit_test(test_line_control),
		cmocka_unit_test(test_line_bad),
		cmocka_unit_test(test_line_unknown),
		TEST(test_calls),
		TEST(test_open_is_written),
		TEST(test_crash),
		TEST(test_left),
		TEST(test_torn),
		TEST(test_garbage),
		TEST(test_sums),
		TEST(test_clock_unset),
		TEST(test_series),
		TEST(test_clock_back),
		TEST(test_hold),
		TEST(test_full),
		TEST(test_full_torn),
		TEST(test_hold_full),
		TEST(test_many),
		TEST(test_users),
		TEST(test_users_full),
		TEST(test_speed),
		TEST(test_failures),
		TEST(test_excess),
		TEST(test_wrong_year)
	};

	log_init(1, 0);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
