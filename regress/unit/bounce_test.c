/* See LICENSE for the terms. */

/* Bounces: what they look like, to whom they go, and when they are. */

#include <sys/types.h>
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

#include "bounce.h"
#include "conf.h"
#include "fixture.h"
#include "log.h"
#include "queue.h"

#define ORIGINAL \
	"Received: from x\r\nSubject: hello\r\n\r\nbody of it\r\n.dot\r\n"
#define HEADER	"Received: from x\r\nSubject: hello\r\n"

/* Composing. */

static struct {
	char	 text[65536];
	size_t	 len;
	size_t	 limit;		/* fail beyond it; 0: never */
} out;

static struct envelope		*envelope;
static struct bounce		 bounce;

static char	 refused[] = "5.1.1", too_large[] = "5.3.4", expired[] = "5.4.7";
static char	 nobody[] = "550 5.1.1 nobody", later[] = "451 4.3.0 later";
static char	 large[] = "552 5.3.4 too large";
static const struct bounce_failure failures[] = {
	{ 0, refused, nobody, 0, 0 },
	{ 2, too_large, large, 1, 0 },
	{ 1, expired, later, 0, 10 }
};

static int
take(void *arg, const void *data, size_t len)
{
	(void)arg;
	if (out.limit != 0 && out.len + len > out.limit) {
		errno = ENOSPC;
		return (-1);
	}
	assert_true(out.len + len < sizeof(out.text));
	memcpy(out.text + out.len, data, len);
	out.len += len;
	out.text[out.len] = '\0';
	return (0);
}

static void
original(const char *text)
{
	FILE	*f;

	if (bounce.fd != -1)
		close(bounce.fd);
	assert_non_null(f = tmpfile());
	fputs("other", f);
	fputs(text, f);
	fputs("more", f);
	fflush(f);
	bounce.fd = dup(fileno(f));
	fclose(f);
	bounce.begin = 5;
	bounce.size = strlen(text);
}

static void
compose(void)
{
	memset(&out, 0, sizeof(out));
	assert_int_equal(bounce_prepare(&bounce), 0);
	assert_int_equal(bounce_compose(&bounce, take, NULL), 0);
}

static int
setup_compose(void **state)
{
	(void)state;
	assert_non_null(envelope = envelope_new("alice@ship.example"));
	envelope_add(envelope, "bob@shore.example", NULL);
	envelope_add(envelope, "fine@shore.example", NULL);
	envelope_add(envelope, "carol@shore.example", NULL);
	envelope->received = 1000000000;
	memset(&bounce, 0, sizeof(bounce));
	bounce.fd = -1;
	bounce.envelope = envelope;
	bounce.failures = failures;
	bounce.nfailures = 2;
	bounce.hostname = "mail.ship.example";
	bounce.remote = "smtp.isp.example";
	bounce.now = 1000003600;
	bounce.offset = -90;
	bounce.id = 0x1234;
	bounce.boundary = "BOUNDARY";
	original(ORIGINAL);
	return (0);
}

static int
teardown_compose(void **state)
{
	(void)state;
	envelope_free(envelope);
	close(bounce.fd);
	return (0);
}

#define assert_has(s)	assert_non_null(strstr(out.text, s))
#define assert_lacks(s)	assert_null(strstr(out.text, s))

static void
test_header(void **state)
{
	(void)state;
	compose();
	assert_has("To: <alice@ship.example>\r\n");
	assert_has("\r\nDate: Sun, 09 Sep 2001 01:16:40 -0130\r\n");
	assert_has("\r\nMessage-ID: <0000000000001234.bounce@"
	    "mail.ship.example>\r\n");
	assert_has("\r\nAuto-Submitted: auto-replied\r\n");
	assert_has("\r\nContent-Type: multipart/report; "
	    "report-type=delivery-status;\r\n\tboundary=\"BOUNDARY\"\r\n");
	assert_lacks("8bit");
}

/* RFC 3464: a block for the message, and one for each recipient. */
static void
test_report(void **state)
{
	(void)state;
	envelope->envid = strdup("QQ+2B314+0D+0A");
	envelope->recipients[0].orcpt = strdup("rfc822;b+2Bx@shore.example");
	compose();
	assert_has("Content-Type: message/delivery-status\r\n\r\n"
	    "Original-Envelope-Id: QQ+314??\r\n"
	    "Reporting-MTA: dns; mail.ship.example\r\n"
	    "Arrival-Date: Sun, 09 Sep 2001 00:16:40 -0130\r\n"
	    "\r\n"
	    "Original-Recipient: rfc822;b+x@shore.example\r\n"
	    "Final-Recipient: rfc822; bob@shore.example\r\n"
	    "Action: failed\r\n"
	    "Status: 5.1.1\r\n"
	    "Remote-MTA: dns; smtp.isp.example\r\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 nobody\r\n"
	    "Last-Attempt-Date: Sun, 09 Sep 2001 01:16:40 -0130\r\n"
	    "\r\n"
	    "Final-Recipient: rfc822; carol@shore.example\r\n"
	    "Action: failed\r\n"
	    "Status: 5.3.4\r\n"
	    "Diagnostic-Code: x-relayd; 552 5.3.4 too large\r\n"
	    "Last-Attempt-Date: Sun, 09 Sep 2001 01:16:40 -0130\r\n"
	    "\r\n--BOUNDARY\r\n");
	assert_has("<bob@shore.example>\r\n"
	    "    smtp.isp.example said: 550 5.1.1 nobody\r\n");
	assert_lacks("fine@shore.example");
}

/* One that was tried in many windows, with the last thing that was said. */
static void
test_expired(void **state)
{
	(void)state;
	bounce.failures = failures + 2;
	bounce.nfailures = 1;
	compose();
	assert_has("<fine@shore.example>\r\n"
	    "    Given up after trying in 10 calls.\r\n"
	    "    smtp.isp.example said: 451 4.3.0 later\r\n");
	assert_has("Status: 5.4.7\r\n");
	assert_has("Diagnostic-Code: smtp; 451 4.3.0 later\r\n");
}

static void
test_headers_only(void **state)
{
	(void)state;
	compose();
	assert_has("Content-Type: text/rfc822-headers\r\n\r\n" HEADER
	    "\r\n--BOUNDARY--\r\n");
	assert_lacks("body of it");
}

static void
test_full(void **state)
{
	(void)state;
	bounce.full = 1;
	compose();
	assert_has("Content-Type: message/rfc822\r\n\r\n" ORIGINAL
	    "\r\n--BOUNDARY--\r\n");
}

/* Odd originals: nothing at all, no header, no body, a lone CR. */
static void
test_odd_originals(void **state)
{
	static const struct {
		const char	*original;
		const char	*header;
	} cases[] = {
		{ "", "" },
		{ "\r\nBODY\r\n", "" },
		{ "Subject: x\r\n", "Subject: x\r\n" },
		{ "Subject: x", "Subject: x" },
		{ "A: b\r\r\n\r\nBODY", "A: b\r\r\n" },
		{ "A: b\r\n\r\r\n\r\nBODY", "A: b\r\n\r\r\n" },
	};
	char	 want[256];
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		original(cases[i].original);
		compose();
		snprintf(want, sizeof(want), "headers\r\n\r\n%s"
		    "\r\n--BOUNDARY--\r\n", cases[i].header);
		assert_has(want);
		assert_lacks("BODY");
	}
}

/* The header ends where it ends, also across two reads. */
static void
test_long_header(void **state)
{
	char	*text;
	size_t	 pad;

	(void)state;
	assert_non_null(text = malloc(20000));
	for (pad = 16370; pad < 16390; pad++) {
		memset(text, 'x', pad);
		memcpy(text, "A: ", 3);
		strcpy(text + pad, "\r\n\r\nbody\r\n");
		original(text);
		compose();
		assert_int_equal(bounce.included, pad + 2);
	}
	free(text);
}

static void
test_eight_bits(void **state)
{
	(void)state;
	original("Subject: \xe9\r\n\r\nbody\r\n");
	compose();
	assert_has("\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
	    "Subject: \xe9\r\n");
	/* Once for the whole, once for the part. */
	assert_non_null(strstr(strstr(out.text, "8bit") + 1, "8bit"));
	/* Eight bits that are not given back do not matter. */
	original("Subject: e\r\n\r\n\xe9\r\n");
	compose();
	assert_lacks("8bit");
}

static void
test_utf8(void **state)
{
	(void)state;
	free(envelope->recipients[0].address);
	envelope->recipients[0].address = strdup("b\xc3\xb6@shore.example");
	compose();
	assert_true(bounce.utf8);
	assert_has("Content-Type: message/global-delivery-status\r\n");
	assert_has("Final-Recipient: utf-8; b\xc3\xb6@shore.example\r\n");
	assert_has("Final-Recipient: rfc822; carol@shore.example\r\n");
	assert_has("Content-Type: message/global-headers\r\n");
	assert_has("charset=utf-8");
}

/* Every line of it ends with CR LF, and none is too long. */
static void
test_lines(void **state)
{
	const char	*p, *line;

	(void)state;
	bounce.full = 1;
	compose();
	for (line = out.text; *line != '\0'; line = p + 1) {
		assert_non_null(p = strchr(line, '\n'));
		assert_true(p > line && p[-1] == '\r');
		assert_null(memchr(line, '\r', (size_t)(p - 1 - line)));
		assert_true(p - line < 998);
	}
}

static void
test_writer_fails(void **state)
{
	size_t	 len;

	(void)state;
	compose();
	len = out.len;
	memset(&out, 0, sizeof(out));
	for (out.limit = 1; out.limit < len; out.limit += 97) {
		out.len = 0;
		assert_int_equal(bounce_compose(&bounce, take, NULL), -1);
		assert_int_equal(errno, ENOSPC);
	}
}

static void
test_original_gone(void **state)
{
	(void)state;
	bounce.full = 1;
	bounce.size += 1000;
	assert_int_equal(bounce_prepare(&bounce), -1);
	assert_int_equal(errno, EIO);
}

static void
test_wanted(void **state)
{
	static const struct {
		const char	*notify;
		int		 wanted;
	} cases[] = {
		{ NULL, 1 }, { "NEVER", 0 }, { "FAILURE", 1 },
		{ "SUCCESS", 0 }, { "DELAY", 0 }, { "success,failure", 1 },
		{ "FAILURE,DELAY", 1 }, { "FAILURES", 0 }, { "", 0 },
	};
	struct recipient r;
	char		 notify[32];
	size_t		 i;

	(void)state;
	memset(&r, 0, sizeof(r));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].notify != NULL)
			strlcpy(notify, cases[i].notify, sizeof(notify));
		r.notify = cases[i].notify != NULL ? notify : NULL;
		assert_int_equal(bounce_wanted(&r, BOUNCE_FAILED),
		    cases[i].wanted);
	}
}

/* Submitting, with a queue. */

static int		 dirfd_ = -1;
static struct queue	*queue;
static struct conf	*conf;
static int		 durable;	/* callbacks */
static int		 result;

static void
on_durable(void *arg, int error)
{
	(void)arg;
	durable++;
	result = error;
}

/* Puts a message into the queue; its envelope as the queue has it. */
static struct envelope *
enqueue(const char *sender, const char *notify, const char *ret)
{
	struct queue_writer	*w;
	struct envelope		*e;
	uint64_t		 id;

	assert_non_null(e = envelope_new(sender));
	envelope_add(e, "bob@shore.example", NULL);
	if (notify != NULL)
		e->recipients[0].notify = strdup(notify);
	if (ret != NULL)
		e->ret = strdup(ret);
	assert_non_null(w = queue_message(queue));
	assert_int_equal(queue_write(w, ORIGINAL, strlen(ORIGINAL)), 0);
	id = queue_writer_id(w);
	queue_submit(w, e, on_durable, NULL);
	queue_commit(queue);
	assert_int_equal(result, 0);
	envelope_free(e);
	durable = 0;
	assert_non_null(e = queue_envelope(queue, id));
	return (e);
}

static enum bounce_kind	 kind;

static int
submit(const struct envelope *e)
{
	int	 n;

	n = bounce_submit(queue, conf, kind, e, failures, 1, "smtp.isp.example",
	    on_durable, NULL);
	assert_int_equal(durable, 0);
	queue_commit(queue);
	assert_int_equal(durable, n == 1);
	assert_int_equal(result, 0);
	return (n);
}

/* The newest message of the queue. */
static struct envelope *
newest(uint64_t after)
{
	struct queue_info	 info;

	if (!queue_next(queue, after, &info))
		return (NULL);
	return (queue_envelope(queue, info.id));
}

static int
setup_queue(void **state)
{
	static const char *const dirs[] = { "queue", NULL };
	struct conf_user	*u;
	struct conf_upstream	*up;
	struct conf_domain	*d;

	(void)state;
	dirfd_ = fixture_make("bounce_test", dirs);
	assert_int_not_equal(dirfd_, -1);
	assert_non_null(queue = queue_open(dirfd_, "queue"));
	assert_non_null(conf = conf_new());
	conf->global.hostname = strdup("mail.ship.example");
	assert_non_null(u = calloc(1, sizeof(*u)));
	u->name = strdup("alice");
	TAILQ_INIT(&u->addresses);
	strlist_add(&u->addresses, "alice@ship.example");
	TAILQ_INSERT_TAIL(&conf->users, u, entry);
	assert_non_null(d = calloc(1, sizeof(*d)));
	d->name = strdup("ship.example");
	TAILQ_INSERT_TAIL(&conf->domains, d, entry);
	assert_non_null(up = calloc(1, sizeof(*up)));
	up->name = strdup("isp");
	up->relay_host = strdup("smtp.isp.example");
	TAILQ_INSERT_TAIL(&conf->upstreams, up, entry);
	durable = result = 0;
	kind = BOUNCE_FAILED;
	return (0);
}

static int
teardown_queue(void **state)
{
	(void)state;
	queue_close(queue);
	conf_free(conf);
	fixture_remove();
	return (0);
}

/* Of a delay the sender is told, in its own words; nobody else is. */
static void
test_delay(void **state)
{
	struct envelope	*e, *b;
	uint64_t	 size;
	off_t		 offset;
	char		 text[4096];
	ssize_t		 n;
	int		 fd;

	(void)state;
	kind = BOUNCE_DELAYED;
	e = enqueue("alice@ship.example", NULL, NULL);
	assert_int_equal(submit(e), 1);
	assert_non_null(b = newest(e->id));
	assert_string_equal(b->recipients[0].user, "alice");
	assert_int_not_equal(fd = queue_body(queue, b->id, &offset, &size),
	    -1);
	n = pread(fd, text, sizeof(text) - 1, offset);
	assert_true(n > 0);
	text[n < (ssize_t)size ? n : (ssize_t)size] = '\0';
	close(fd);
	assert_non_null(strstr(text, "Subject: Delayed mail"));
	assert_non_null(strstr(text, "Action: delayed\r\n"));
	assert_null(strstr(text, "failed"));
	envelope_free(b);
	envelope_free(e);
	conf->global.postmaster = strdup("alice");
	e = enqueue("", NULL, NULL);
	assert_int_equal(submit(e), 0);
	envelope_free(e);
	durable = 0;
	e = enqueue("alice@ship.example", "FAILURE", NULL);
	assert_int_equal(submit(e), 0);
	envelope_free(e);
	e = enqueue("alice@ship.example", "FAILURE,DELAY", NULL);
	assert_int_equal(submit(e), 1);
	envelope_free(e);
}

static void
test_relayed(void **state)
{
	struct recipient	 r;

	(void)state;
	memset(&r, 0, sizeof(r));
	assert_int_equal(bounce_wanted(&r, BOUNCE_RELAYED), 1);
	r.notify = (char *)(uintptr_t)"FAILURE";
	assert_int_equal(bounce_wanted(&r, BOUNCE_RELAYED), 1);
	r.notify = (char *)(uintptr_t)"NEVER";
	assert_int_equal(bounce_wanted(&r, BOUNCE_RELAYED), 0);
}

static void
test_local_sender(void **state)
{
	struct envelope	*e, *b;

	(void)state;
	e = enqueue("alice@ship.example", NULL, NULL);
	assert_int_equal(submit(e), 1);
	assert_non_null(b = newest(e->id));
	assert_string_equal(b->sender, "");
	assert_int_equal(b->nrecipients, 1);
	assert_string_equal(b->recipients[0].address, "alice@ship.example");
	assert_string_equal(b->recipients[0].user, "alice");
	assert_int_equal(b->flags, 0);
	envelope_free(b);
	envelope_free(e);
}

static void
test_remote_sender(void **state)
{
	struct envelope	*e, *b;

	(void)state;
	e = enqueue("dave@other.example", NULL, "FULL");
	assert_int_equal(submit(e), 1);
	assert_non_null(b = newest(e->id));
	assert_string_equal(b->recipients[0].address, "dave@other.example");
	assert_null(b->recipients[0].user);
	envelope_free(b);
	envelope_free(e);
}

static void
test_null_sender(void **state)
{
	struct envelope	*e, *b;

	(void)state;
	e = enqueue("", NULL, NULL);
	assert_int_equal(submit(e), 0);
	assert_null(newest(e->id));
	conf->global.postmaster = strdup("alice");
	assert_int_equal(submit(e), 1);
	assert_non_null(b = newest(e->id));
	assert_string_equal(b->sender, "");
	assert_string_equal(b->recipients[0].user, "alice");
	envelope_free(b);
	envelope_free(e);
}

static struct conf_alias *
add_alias(const char *name, const char *target)
{
	struct conf_alias	*a;

	assert_non_null(a = calloc(1, sizeof(*a)));
	TAILQ_INIT(&a->targets);
	a->name = strdup(name);
	strlist_add(&a->targets, target);
	TAILQ_INSERT_TAIL(&conf->aliases, a, entry);
	return (a);
}

/* What cron sends comes back to those who get root's mail. */
static void
test_alias_sender(void **state)
{
	struct envelope	*e, *b;

	(void)state;
	strlist_add(&add_alias("root", "alice")->targets, "x@far.example");
	e = enqueue("root@mail.ship.example", NULL, NULL);
	assert_int_equal(submit(e), 1);
	assert_non_null(b = newest(e->id));
	assert_string_equal(b->sender, "");
	assert_int_equal(b->nrecipients, 2);
	assert_string_equal(b->recipients[0].address,
	    "root@mail.ship.example");
	assert_string_equal(b->recipients[0].user, "alice");
	assert_string_equal(b->recipients[1].address, "x@far.example");
	assert_null(b->recipients[1].user);
	envelope_free(b);
	envelope_free(e);
}

/* One that leads nowhere leaves the last who may care. */
static void
test_broken_alias_sender(void **state)
{
	struct envelope	*e, *b;

	(void)state;
	strlist_add(&add_alias("root", "alice")->targets, "carol");
	e = enqueue("root@ship.example", NULL, NULL);
	assert_int_equal(submit(e), 0);
	conf->global.postmaster = strdup("alice");
	assert_int_equal(submit(e), 1);
	assert_non_null(b = newest(e->id));
	assert_int_equal(b->nrecipients, 1);
	assert_string_equal(b->recipients[0].address,
	    "postmaster@mail.ship.example");
	envelope_free(b);
	envelope_free(e);
}

/* A sender of our own domain whom nobody knows. */
static void
test_unknown_sender(void **state)
{
	struct envelope	*e;

	(void)state;
	e = enqueue("nobody@ship.example", NULL, NULL);
	assert_int_equal(submit(e), 0);
	envelope_free(e);
}

static void
test_notify_never(void **state)
{
	struct envelope	*e;

	(void)state;
	e = enqueue("alice@ship.example", "NEVER", NULL);
	assert_int_equal(submit(e), 0);
	assert_null(newest(e->id));
	envelope_free(e);
}

#define C(name)	cmocka_unit_test_setup_teardown(name, setup_compose, \
		    teardown_compose)
#define Q(name)	cmocka_unit_test_setup_teardown(name, setup_queue, \
		    teardown_queue)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		C(test_header), C(test_report), C(test_expired),
		C(test_headers_only), C(test_full), C(test_odd_originals),
		C(test_long_header), C(test_eight_bits), C(test_utf8),
		C(test_lines), C(test_writer_fails), C(test_original_gone),
		cmocka_unit_test(test_wanted),
		Q(test_delay), Q(test_relayed),
		Q(test_local_sender), Q(test_remote_sender),
		Q(test_null_sender), Q(test_alias_sender),
		Q(test_broken_alias_sender), Q(test_unknown_sender),
		Q(test_notify_never),
	};

	log_init(1, 0);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
