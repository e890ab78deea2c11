/* See LICENSE for the terms. */
/* Records of the queue's log: what is written is read, and nothing else. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto.h"
#include "queue_record.h"

#define SALT	0x0123456789abcdefULL

static struct envelope *
sample(void)
{
	struct envelope	*e;

	e = envelope_new("alice@ship.example");
	assert_non_null(e);
	e->id = 0x123456789abcdef;
	e->received = 1700000000;
	e->size = 1234;
	e->flags = ENVELOPE_8BIT | ENVELOPE_SMTPUTF8;
	e->ret = strdup("HDRS");
	assert_int_equal(envelope_add(e, "b@shore.example", NULL), 0);
	assert_int_equal(envelope_add(e, "", "bob"), 0);
	e->recipients[0].notify = strdup("SUCCESS,DELAY");
	e->recipients[1].orcpt = strdup("rfc822;b@x");
	return (e);
}

static void
assert_same(const struct envelope *a, const struct envelope *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->received, b->received);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->flags, b->flags);
	assert_string_equal(a->sender, b->sender);
	assert_null(a->envid);
	assert_null(b->envid);
	assert_string_equal(a->ret, b->ret);
	assert_int_equal(a->nrecipients, b->nrecipients);
}

static void
message_round_trip(void **state)
{
	struct envelope		*e = sample(), *back;
	struct record_message	 m;
	uint8_t			*head;
	size_t			 len;

	(void)state;
	head = record_message_encode(e, 0, &len);
	assert_non_null(head);
	assert_int_equal(record_message_check(&m, head, len), 0);
	assert_int_equal(m.id, e->id);
	assert_int_equal(m.received, e->received);
	assert_int_equal(m.size, e->size);
	assert_int_equal(m.nrecipients, 2);
	assert_int_equal(m.file, 0);
	back = record_message_decode(head, len);
	assert_non_null(back);
	assert_same(e, back);
	assert_string_equal(back->recipients[0].address, "b@shore.example");
	assert_null(back->recipients[0].user);
	assert_string_equal(back->recipients[0].notify, "SUCCESS,DELAY");
	assert_null(back->recipients[0].orcpt);
	assert_string_equal(back->recipients[1].address, "");
	assert_string_equal(back->recipients[1].user, "bob");
	assert_null(back->recipients[1].notify);
	assert_string_equal(back->recipients[1].orcpt, "rfc822;b@x");
	envelope_free(back);
	envelope_free(e);
	free(head);
}

static struct envelope *
sample_more(void)
{
	struct envelope	*e = sample();

	e->flags |= ENVELOPE_PRIORITY | ENVELOPE_BY_RETURN;
	e->priority = -9;
	e->class = PROTO_BULK;
	e->deadline = 1700003600;
	assert_non_null(e->user = strdup("alice"));
	return (e);
}

/* Priority, class, deadline and user; what memory says of it is not kept. */
static void
message_with_more(void **state)
{
	struct envelope		*e = sample_more(), *back;
	struct record_message	 m;
	uint8_t			*head;
	size_t			 len;

	(void)state;
	e->flags |= ENVELOPE_HELD | ENVELOPE_LATE;
	assert_non_null(head = record_message_encode(e, 0, &len));
	assert_int_equal(record_message_check(&m, head, len), 0);
	assert_int_equal(m.priority, -9);
	assert_int_equal(m.class, PROTO_BULK);
	assert_int_equal(m.deadline, 1700003600);
	assert_int_equal(m.nlocal, 1);
	assert_non_null(back = record_message_decode(head, len));
	assert_int_equal(back->flags, ENVELOPE_8BIT | ENVELOPE_SMTPUTF8 |
	    ENVELOPE_PRIORITY | ENVELOPE_BY_RETURN);
	assert_int_equal(back->priority, -9);
	assert_int_equal(back->class, PROTO_BULK);
	assert_int_equal(back->deadline, 1700003600);
	assert_string_equal(back->user, "alice");
	envelope_free(back);
	free(head);
	e->priority = -10;
	assert_null(record_message_encode(e, 0, &len));
	e->priority = 10;
	assert_null(record_message_encode(e, 0, &len));
	e->priority = 9;
	e->class = PROTO_BULK + 1;
	assert_null(record_message_encode(e, 0, &len));
	e->class = PROTO_URGENT;
	e->deadline = -1;
	assert_null(record_message_encode(e, 0, &len));
	envelope_free(e);
}

/* A record as they were before there was any of that is read, and a new one
 * that has none of it is the same. */
static void
message_of_old(void **state)
{
	static const uint8_t	 old[] = {
		0, 0, 0, 0, 0, 0, 0, 7,			/* id */
		0, 0, 0, 0, 0x65, 0x53, 0xf1, 0,	/* received */
		0, 0, 0, 0, 0, 0, 0, 3,			/* size */
		0, 0, 0, ENVELOPE_8BIT, 0,		/* flags, file */
		0, 0, 0, 1,				/* recipients */
		0, 4, 'a', '@', 'b', 0, 0, 0, 0,	/* sender ... */
		0, 4, 'c', '@', 'd', 0, 0, 0, 0, 0, 0
	};
	struct record_message	 m;
	struct envelope		*e;
	uint8_t			*head;
	size_t			 len;

	(void)state;
	assert_int_equal(record_message_check(&m, old, sizeof(old)), 0);
	assert_int_equal(m.class, PROTO_NORMAL);
	assert_int_equal(m.nlocal, 0);
	assert_non_null(e = record_message_decode(old, sizeof(old)));
	assert_int_equal(e->priority, 0);
	assert_int_equal(e->class, PROTO_NORMAL);
	assert_int_equal(e->deadline, 0);
	assert_null(e->user);
	assert_string_equal(e->recipients[0].address, "c@d");
	assert_non_null(head = record_message_encode(e, 0, &len));
	assert_int_equal(len, sizeof(old));
	assert_memory_equal(head, old, len);
	free(head);
	envelope_free(e);
}

static void
change_round_trip(void **state)
{
	struct record_change	 c = { 7, PROTO_URGENT, RECORD_HELD }, back;
	uint8_t			*head;
	size_t			 len, n;

	(void)state;
	assert_non_null(head = record_change_encode(&c, &len));
	assert_int_equal(record_change_decode(&back, head, len), 0);
	assert_int_equal(back.id, 7);
	assert_int_equal(back.class, PROTO_URGENT);
	assert_int_equal(back.flags, RECORD_HELD);
	for (n = 0; n < len; n++)
		assert_int_equal(record_change_decode(&back, head, n), -1);
	head[8] = PROTO_BULK + 1;
	assert_int_equal(record_change_decode(&back, head, len), -1);
	head[8] = PROTO_BULK;
	head[9] = 0x80;
	assert_int_equal(record_change_decode(&back, head, len), -1);
	free(head);
}

/* A decoded envelope can be added to like any other. */
static void
decoded_grows(void **state)
{
	struct envelope	*e = sample(), *back;
	uint8_t		*head;
	size_t		 len;
	int		 i;

	(void)state;
	assert_int_equal(envelope_add(e, "third@x", NULL), 0);
	head = record_message_encode(e, 0, &len);
	back = record_message_decode(head, len);
	assert_non_null(back);
	for (i = 0; i < 10; i++)
		assert_int_equal(envelope_add(back, "more@x", NULL), 0);
	assert_int_equal(back->nrecipients, 13);
	envelope_free(back);
	envelope_free(e);
	free(head);
}

static void
message_cut_or_longer_is_refused(void **state)
{
	struct envelope		*e = sample();
	struct record_message	 m;
	uint8_t			*head, *copy, *without;
	size_t			 len, n, without_len;

	(void)state;
	without = record_message_encode(e, 0, &n);
	free(without);
	without_len = n;
	envelope_free(e);
	e = sample_more();
	head = record_message_encode(e, 0, &len);
	for (n = 0; n < len; n++) {
		if (n == without_len)
			continue;
		/* Exactly n bytes, so that a checker sees one beyond. */
		copy = malloc(n > 0 ? n : 1);
		memcpy(copy, head, n);
		assert_int_equal(record_message_check(&m, copy, n), -1);
		assert_null(record_message_decode(copy, n));
		free(copy);
	}
	copy = calloc(1, len + 1);
	memcpy(copy, head, len);
	assert_int_equal(record_message_check(&m, copy, len + 1), -1);
	free(copy);
	free(head);
	envelope_free(e);
}

static void
envelope_limits(void **state)
{
	struct envelope	*e = sample();
	char		*old, *s;
	size_t		 len;
	uint8_t		*head;

	(void)state;
	s = calloc(1, RECORD_STRING_MAX + 2);
	memset(s, 'x', RECORD_STRING_MAX);
	old = e->sender;
	e->sender = s;
	head = record_message_encode(e, 0, &len);
	assert_non_null(head);
	free(head);
	s[RECORD_STRING_MAX] = 'x';
	assert_null(record_message_encode(e, 0, &len));
	assert_int_equal(errno, EINVAL);
	e->sender = old;
	e->size = RECORD_BODY_MAX + 1;
	assert_null(record_message_encode(e, 0, &len));
	head = record_message_encode(e, 1, &len);
	assert_non_null(head);
	free(head);
	e->id = 0;
	assert_null(record_message_encode(e, 1, &len));
	free(s);
	envelope_free(e);
	e = envelope_new("");
	e->id = 1;
	assert_null(record_message_encode(e, 0, &len));
	envelope_free(e);
}

static void
mark_round_trip(void **state)
{
	struct record_mark	 m, back;
	uint8_t			*head;
	size_t			 len, n;

	(void)state;
	memset(&m, 0, sizeof(m));
	m.id = 7;
	m.recipient = 3;
	m.windows = 9;
	m.when = 1700000000;
	m.state = RECIPIENT_BOUNCED;
	m.status = "550 no";
	m.status_len = 6;
	head = record_mark_encode(&m, &len);
	assert_non_null(head);
	assert_int_equal(record_mark_decode(&back, head, len), 0);
	assert_int_equal(back.id, 7);
	assert_int_equal(back.recipient, 3);
	assert_int_equal(back.windows, 9);
	assert_int_equal(back.state, RECIPIENT_BOUNCED);
	assert_int_equal(back.when, 1700000000);
	assert_int_equal(back.status_len, 6);
	assert_memory_equal(back.status, "550 no", 6);
	/* Without its time it is one of old. */
	for (n = 0; n < len; n++)
		assert_int_equal(record_mark_decode(&back, head, n),
		    n == len - 8 ? 0 : -1);
	assert_int_equal(record_mark_decode(&back, head, len - 8), 0);
	assert_int_equal(back.when, 0);
	assert_int_equal(back.windows, 9);
	free(head);
	m.when = 0;
	m.status = NULL;
	m.status_len = 0;
	head = record_mark_encode(&m, &len);
	assert_int_equal(record_mark_decode(&back, head, len), 0);
	assert_null(back.status);
	head[16] = RECIPIENT_REMOVED + 1;
	assert_int_equal(record_mark_decode(&back, head, len), -1);
	free(head);
}

static void
header_round_trip(void **state)
{
	struct record_header	 h, back;
	uint8_t			 buf[RECORD_HEADER_LEN];

	(void)state;
	memset(&h, 0, sizeof(h));
	h.type = RECORD_MESSAGE;
	h.flags = RECORD_LAST;
	h.batch = 100;
	h.head_len = 1000;
	h.body_len = 2000;
	h.head_crc = 0xdeadbeef;
	h.body_crc = 0xfeedface;
	record_header_encode(buf, &h, SALT, 200);
	assert_int_equal(record_header_decode(&back, buf, sizeof(buf), SALT,
	    200), 0);
	assert_int_equal(back.type, h.type);
	assert_int_equal(back.flags, h.flags);
	assert_int_equal(back.batch, h.batch);
	assert_int_equal(back.head_len, h.head_len);
	assert_int_equal(back.body_len, h.body_len);
	assert_int_equal(back.head_crc, h.head_crc);
	assert_int_equal(back.body_crc, h.body_crc);
}

static void
header_elsewhere_is_refused(void **state)
{
	struct record_header	 h, back;
	uint8_t			 buf[RECORD_HEADER_LEN];
	size_t			 i;
	int			 bit;

	(void)state;
	memset(&h, 0, sizeof(h));
	h.type = RECORD_DONE;
	h.head_len = 8;
	record_header_encode(buf, &h, SALT, 4096);
	assert_int_equal(record_header_decode(&back, buf, sizeof(buf),
	    SALT + 1, 4096), -1);
	assert_int_equal(record_header_decode(&back, buf, sizeof(buf), SALT,
	    4097), -1);
	assert_int_equal(record_header_decode(&back, buf, sizeof(buf) - 1,
	    SALT, 4096), -1);
	for (i = 0; i < sizeof(buf); i++)
		for (bit = 0; bit < 8; bit++) {
			buf[i] ^= 1 << bit;
			assert_int_equal(record_header_decode(&back, buf,
			    sizeof(buf), SALT, 4096), -1);
			buf[i] ^= 1 << bit;
		}
	assert_int_equal(record_header_decode(&back, buf, sizeof(buf), SALT,
	    4096), 0);
}

static void
header_limits(void **state)
{
	struct record_header	 h, back;
	uint8_t			 buf[RECORD_HEADER_LEN];

	(void)state;
	memset(&h, 0, sizeof(h));
	h.type = RECORD_MESSAGE;
	h.head_len = RECORD_HEAD_MAX + 1;
	record_header_encode(buf, &h, SALT, 0);
	assert_int_equal(record_header_decode(&back, buf, sizeof(buf), SALT,
	    0), -1);
	h.head_len = 10;
	h.body_len = RECORD_BODY_MAX + 1;
	record_header_encode(buf, &h, SALT, 0);
	assert_int_equal(record_header_decode(&back, buf, sizeof(buf), SALT,
	    0), -1);
	h.type = RECORD_MARK;
	h.body_len = 1;
	record_header_encode(buf, &h, SALT, 0);
	assert_int_equal(record_header_decode(&back, buf, sizeof(buf), SALT,
	    0), -1);
	h.body_len = 0;
	h.batch = 1;
	record_header_encode(buf, &h, SALT, 0);
	assert_int_equal(record_header_decode(&back, buf, sizeof(buf), SALT,
	    0), -1);
}

/* Another version with a right CRC is not damage. */
static void
header_of_later_version(void **state)
{
	struct record_header	 h, back;
	uint8_t			 buf[RECORD_HEADER_LEN], crc[44];
	uint32_t		 c;

	(void)state;
	memset(&h, 0, sizeof(h));
	h.type = RECORD_DONE;
	record_header_encode(buf, &h, SALT, 0);
	buf[12] = RECORD_VERSION + 1;
	memset(crc, 0, sizeof(crc));
	memcpy(crc, buf, 36);
	c = record_crc(crc, sizeof(crc));
	buf[36] = c >> 24;
	buf[37] = c >> 16;
	buf[38] = c >> 8;
	buf[39] = c;
	assert_int_equal(record_header_decode(&back, buf, sizeof(buf), SALT,
	    0), -1);
	assert_int_equal(errno, EPROTONOSUPPORT);
}

static void
small_records(void **state)
{
	struct record_seal	 s = { 77, 1234 }, back;
	uint64_t		 id;
	uint8_t			*head;
	size_t			 len;

	(void)state;
	head = record_done_encode(99, &len);
	assert_int_equal(record_done_decode(&id, head, len), 0);
	assert_int_equal(id, 99);
	assert_int_equal(record_done_decode(&id, head, len - 1), -1);
	free(head);
	head = record_seal_encode(&s, &len);
	assert_int_equal(record_seal_decode(&back, head, len), 0);
	assert_int_equal(back.previous, 77);
	assert_int_equal(back.end, 1234);
	assert_int_equal(record_seal_decode(&back, head, len - 1), -1);
	free(head);
}

static void
status_is_cut_between_characters(void **state)
{
	char	 s[RECORD_STATUS_MAX + 10];

	(void)state;
	assert_int_equal(record_status_len("250 ok"), 6);
	memset(s, 'a', sizeof(s));
	s[sizeof(s) - 1] = '\0';
	assert_int_equal(record_status_len(s), RECORD_STATUS_MAX);
	memcpy(s + RECORD_STATUS_MAX - 1, "\303\244", 2);
	assert_int_equal(record_status_len(s), RECORD_STATUS_MAX - 1);
	memcpy(s + RECORD_STATUS_MAX - 2, "\303\244", 2);
	s[RECORD_STATUS_MAX] = 'a';
	assert_int_equal(record_status_len(s), RECORD_STATUS_MAX);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(message_round_trip),
		cmocka_unit_test(message_with_more),
		cmocka_unit_test(message_of_old),
		cmocka_unit_test(change_round_trip),
		cmocka_unit_test(decoded_grows),
		cmocka_unit_test(message_cut_or_longer_is_refused),
		cmocka_unit_test(envelope_limits),
		cmocka_unit_test(mark_round_trip),
		cmocka_unit_test(header_round_trip),
		cmocka_unit_test(header_elsewhere_is_refused),
		cmocka_unit_test(header_limits),
		cmocka_unit_test(header_of_later_version),
		cmocka_unit_test(small_records),
		cmocka_unit_test(status_is_cut_between_characters),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
