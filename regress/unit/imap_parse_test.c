/* See LICENSE for the terms. */
/* Responses of an IMAP server. */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "imap_parse.h"

static struct imap_response	 r;
static char			 seg[4096];

static enum imap_parse
more(const char *s)
{
	strlcpy(seg, s, sizeof(seg));
	return (imap_parse(&r, seg, strlen(seg)));
}

static enum imap_parse
parse(const char *s)
{
	imap_parse_begin(&r);
	return (more(s));
}

static void
test_status(void **state)
{
	(void)state;
	assert_int_equal(parse("a17 OK done"), IMAP_PARSE_END);
	assert_true(r.tagged);
	assert_int_equal(r.tag, 17);
	assert_int_equal(r.type, IMAP_OK);
	assert_memory_equal(r.text, "done", r.len);
	assert_int_equal(parse("* BYE bye {5}"), IMAP_PARSE_END);
	assert_int_equal(r.type, IMAP_BYE);
	assert_false(r.tagged);
	assert_int_equal(parse("* PREAUTH"), IMAP_PARSE_END);
	assert_int_equal(r.type, IMAP_PREAUTH);
	assert_int_equal(parse("+ go on"), IMAP_PARSE_END);
	assert_int_equal(r.type, IMAP_CONTINUE);
	assert_int_equal(parse("a1 FETCH"), IMAP_PARSE_ERROR);
	assert_int_equal(parse("a1 BYE"), IMAP_PARSE_ERROR);
	assert_int_equal(parse("b1 OK"), IMAP_PARSE_ERROR);
	assert_int_equal(parse("+OK POP3"), IMAP_PARSE_END);
	assert_int_equal(parse("220 smtp"), IMAP_PARSE_ERROR);
	assert_int_equal(parse(""), IMAP_PARSE_ERROR);
}

/* An item of a STATUS, or 0. */
static uint32_t
status_item(const char *s, const char *item)
{
	uint32_t	 n = 0;

	assert_int_equal(parse(s), IMAP_PARSE_END);
	assert_int_equal(r.type, IMAP_STATUS);
	return (imap_parse_status(r.text, r.len, item, &n) ? n : 0);
}

static void
test_mailbox_status(void **state)
{
	(void)state;
	assert_int_equal(status_item("* STATUS INBOX (UIDNEXT 6 UIDVALIDITY "
	    "77)", "UIDNEXT"), 6);
	assert_int_equal(status_item("* status \"in (box)\" (uidnext 6 "
	    "UIDVALIDITY 77)", "UIDVALIDITY"), 77);
	assert_int_equal(status_item("* STATUS INBOX (UIDVALIDITY 77)",
	    "UIDNEXT"), 0);
	assert_int_equal(status_item("* STATUS INBOX ()", "UIDNEXT"), 0);
	assert_int_equal(status_item("* STATUS INBOX", "UIDNEXT"), 0);
	assert_int_equal(status_item("* STATUS INBOX (UIDNEXT", "UIDNEXT"), 0);
	assert_int_equal(status_item("* STATUS INBOX (UIDNEXT ", "UIDNEXT"),
	    0);
	assert_int_equal(status_item("* STATUS INBOX (UIDNEXT 6", "UIDNEXT"),
	    0);
	assert_int_equal(status_item("* STATUS INBOX (UIDNEXT x)", "UIDNEXT"),
	    0);
	assert_int_equal(status_item("* STATUS INBOX (UIDNEXT 4294967296)",
	    "UIDNEXT"), 0);
	/* A name that is a literal is of no use, but is passed over. */
	assert_int_equal(parse("* STATUS {5}"), IMAP_PARSE_LITERAL);
	assert_true(r.literal == 5);
	assert_int_equal(more(" (UIDNEXT 6)"), IMAP_PARSE_END);
	assert_int_equal(r.type, IMAP_OTHER);
}

static void
test_codes(void **state)
{
	(void)state;
	assert_int_equal(parse("* OK [UIDVALIDITY 3857529045] valid"),
	    IMAP_PARSE_END);
	assert_int_equal(r.code, IMAP_CODE_UIDVALIDITY);
	assert_true(r.value == 3857529045U);
	assert_int_equal(parse("* OK [UIDVALIDITY 0] valid"), IMAP_PARSE_END);
	assert_int_equal(r.code, IMAP_CODE_OTHER);
	assert_int_equal(parse("a1 OK [READ-ONLY] done"), IMAP_PARSE_END);
	assert_int_equal(r.code, IMAP_CODE_READ_ONLY);
	assert_int_equal(parse("* NO [UIDNOTSTICKY] no"), IMAP_PARSE_END);
	assert_int_equal(r.code, IMAP_CODE_UIDNOTSTICKY);
	assert_int_equal(parse("* OK [ALERT] down at noon"), IMAP_PARSE_END);
	assert_int_equal(r.code, IMAP_CODE_ALERT);
	assert_int_equal(parse("* OK [PERMANENTFLAGS (\\Deleted \\*)] x"),
	    IMAP_PARSE_END);
	assert_int_equal(r.code, IMAP_CODE_OTHER);
	assert_int_equal(parse("* CAPABILITY COMPRESS=DEFLATE"),
	    IMAP_PARSE_END);
	assert_int_equal(r.capability, IMAP_CAP_COMPRESS);
	assert_int_equal(parse("* OK [CAPABILITY IMAP4rev1 SASL-IR "
	    "AUTH=PLAIN] hi"), IMAP_PARSE_END);
	assert_int_equal(r.code, IMAP_CODE_CAPABILITY);
	assert_int_equal(r.capability, IMAP_CAP_IMAP4 | IMAP_CAP_SASL_IR |
	    IMAP_CAP_AUTH_PLAIN);
}

static void
test_capability(void **state)
{
	(void)state;
	parse("* CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS STARTTLS "
	    "LOGINDISABLED XUIDPLUS ESEARCHX");
	assert_int_equal(r.type, IMAP_CAPABILITY);
	assert_int_equal(r.capability, IMAP_CAP_IMAP4 |
	    IMAP_CAP_LITERAL_PLUS | IMAP_CAP_UIDPLUS | IMAP_CAP_STARTTLS |
	    IMAP_CAP_LOGINDISABLED);
	parse("* CAPABILITY IMAP4rev2");
	assert_int_equal(r.capability & (IMAP_CAP_UIDPLUS |
	    IMAP_CAP_ESEARCH | IMAP_CAP_SASL_IR | IMAP_CAP_LITERAL_MINUS),
	    IMAP_CAP_UIDPLUS | IMAP_CAP_ESEARCH | IMAP_CAP_SASL_IR |
	    IMAP_CAP_LITERAL_MINUS);
}

static void
test_numbers(void **state)
{
	(void)state;
	parse("* 172 EXISTS");
	assert_int_equal(r.type, IMAP_EXISTS);
	assert_int_equal(r.number, 172);
	parse("* 3 expunge");
	assert_int_equal(r.type, IMAP_EXPUNGE);
	assert_int_equal(parse("* 3 RECENT"), IMAP_PARSE_END);
	assert_int_equal(r.type, IMAP_OTHER);
	assert_int_equal(parse("* 99999999999 EXISTS"), IMAP_PARSE_END);
	assert_int_equal(r.type, IMAP_OTHER);
}

static void
test_fetch_items(void **state)
{
	(void)state;
	assert_int_equal(parse("* 12 FETCH (FLAGS (\\Seen $Junk) UID 34 "
	    "INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 4286 "
	    "ENVELOPE (\"a \\\" ( b\" NIL ((NIL NIL \"t\" \"h\"))) "
	    "BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL))"),
	    IMAP_PARSE_END);
	assert_int_equal(r.type, IMAP_FETCH);
	assert_int_equal(r.number, 12);
	assert_true(r.has_uid);
	assert_int_equal(r.uid, 34);
	assert_true(r.has_size);
	assert_int_equal(r.size, 4286);
	assert_int_equal(r.body, IMAP_BODY_NONE);
	assert_int_equal(parse("* 1 FETCH ()"), IMAP_PARSE_END);
	assert_int_equal(parse("* 1 FETCH (UID 0)"), IMAP_PARSE_ERROR);
	assert_int_equal(parse("* 1 FETCH (UID 1"), IMAP_PARSE_ERROR);
	assert_int_equal(parse("* 1 FETCH UID 1"), IMAP_PARSE_ERROR);
	assert_int_equal(parse("* 1 FETCH (UID 1) x"), IMAP_PARSE_ERROR);
	assert_int_equal(parse("* 1 FETCH (FLAGS (\\Seen)"), IMAP_PARSE_ERROR);
	assert_int_equal(parse("* 1 FETCH (FLAGS (\\Seen)))"),
	    IMAP_PARSE_ERROR);
	assert_int_equal(parse("* 1 FETCH (X \"a)"), IMAP_PARSE_ERROR);
}

static void
test_fetch_body(void **state)
{
	(void)state;
	assert_int_equal(parse("* 1 FETCH (UID 7 BODY[] {310}"),
	    IMAP_PARSE_LITERAL);
	assert_int_equal(r.literal, 310);
	assert_true(r.literal_body);
	assert_int_equal(r.origin, -1);
	assert_int_equal(more(")"), IMAP_PARSE_END);
	assert_int_equal(r.body, IMAP_BODY_LITERAL);
	assert_int_equal(r.uid, 7);

	/* The uid after the body, and a range. */
	assert_int_equal(parse("* 1 FETCH (BODY[]<65536> {10}"),
	    IMAP_PARSE_LITERAL);
	assert_int_equal(r.origin, 65536);
	assert_false(r.has_uid);
	assert_int_equal(more(" UID 7 FLAGS ())"), IMAP_PARSE_END);
	assert_int_equal(r.uid, 7);

	/* Literals that are not the body. */
	assert_int_equal(parse("* 1 FETCH (ENVELOPE (NIL {3}"),
	    IMAP_PARSE_LITERAL);
	assert_false(r.literal_body);
	assert_int_equal(more(" {4}"), IMAP_PARSE_LITERAL);
	assert_int_equal(r.literal, 4);
	assert_int_equal(more(") BODY[] {2}"), IMAP_PARSE_LITERAL);
	assert_true(r.literal_body);
	assert_int_equal(more(" BODY[HEADER.FIELDS (TO FROM)] {5}"),
	    IMAP_PARSE_LITERAL);
	assert_false(r.literal_body);
	assert_int_equal(more(" UID 1)"), IMAP_PARSE_END);

	assert_int_equal(parse("* 1 FETCH (UID 7 BODY[] NIL)"),
	    IMAP_PARSE_END);
	assert_int_equal(r.body, IMAP_BODY_NIL);
	assert_int_equal(parse("* 1 FETCH (BODY[] \"a\\\\b\\\"c\" UID 7)"),
	    IMAP_PARSE_END);
	assert_int_equal(r.body, IMAP_BODY_STRING);
	assert_int_equal(r.stringlen, 5);
	assert_memory_equal(r.string, "a\\b\"c", 5);
	assert_int_equal(parse("* 1 FETCH (BODY[] {5} UID 7)"),
	    IMAP_PARSE_ERROR);
	assert_int_equal(parse("* 1 FETCH (BODY[] {5}x"), IMAP_PARSE_ERROR);
	assert_int_equal(parse("* 1 FETCH (BODY[] {}"), IMAP_PARSE_ERROR);
	assert_int_equal(parse("* 1 FETCH (BODY[] {99999999999999999999}"),
	    IMAP_PARSE_ERROR);
	assert_int_equal(parse("* 1 FETCH (BODY[] x)"), IMAP_PARSE_ERROR);
	assert_int_equal(parse("* 1 FETCH (BODY[] \"a\" BODY[] \"b\")"),
	    IMAP_PARSE_ERROR);
	assert_int_equal(parse("* 1 FETCH (BODY[] \"abc)"), IMAP_PARSE_ERROR);
	assert_null(r.string);
}

static void
test_other_literal(void **state)
{
	(void)state;
	assert_int_equal(parse("* LIST () \"/\" {3}"), IMAP_PARSE_LITERAL);
	assert_false(r.literal_body);
	assert_int_equal(more(""), IMAP_PARSE_END);
	assert_int_equal(r.type, IMAP_OTHER);
}

static void
test_deep(void **state)
{
	char	 deep[600] = "* 1 FETCH (X ";

	(void)state;
	memset(deep + strlen(deep), '(', 500);
	assert_int_equal(parse(deep), IMAP_PARSE_ERROR);
}

static void
test_search(void **state)
{
	const char	*p, *end;
	uint32_t	 n;

	(void)state;
	parse("* SEARCH 2 84 882 (MODSEQ 917)");
	assert_int_equal(r.type, IMAP_SEARCH);
	p = r.text;
	end = p + r.len;
	assert_int_equal(imap_parse_number(&p, end, &n), 1);
	assert_int_equal(n, 2);
	assert_int_equal(imap_parse_number(&p, end, &n), 1);
	assert_int_equal(imap_parse_number(&p, end, &n), 1);
	assert_int_equal(n, 882);
	assert_int_equal(imap_parse_number(&p, end, &n), 0);
	parse("* SEARCH");
	p = r.text;
	assert_int_equal(imap_parse_number(&p, p + r.len, &n), 0);
	parse("* SEARCH 1x");
	p = r.text;
	assert_int_equal(imap_parse_number(&p, p + r.len, &n), -1);
}

static void
test_esearch(void **state)
{
	const char	*p, *end;
	uint32_t	 low, high;

	(void)state;
	parse("* ESEARCH (TAG \"a5\") UID ALL 2,10:15,20:18");
	assert_int_equal(r.type, IMAP_ESEARCH);
	p = r.text;
	end = p + r.len;
	assert_int_equal(imap_parse_range(&p, end, &low, &high), 1);
	assert_int_equal(low, 2);
	assert_int_equal(high, 2);
	assert_int_equal(imap_parse_range(&p, end, &low, &high), 1);
	assert_int_equal(low, 10);
	assert_int_equal(high, 15);
	assert_int_equal(imap_parse_range(&p, end, &low, &high), 1);
	assert_int_equal(low, 18);
	assert_int_equal(high, 20);
	assert_int_equal(imap_parse_range(&p, end, &low, &high), 0);
	/* Nothing was found. */
	parse("* ESEARCH (TAG \"a5\") UID");
	p = r.text;
	assert_int_equal(imap_parse_range(&p, p + r.len, &low, &high), 0);
	parse("* ESEARCH ALL 1:x");
	p = r.text;
	assert_int_equal(imap_parse_range(&p, p + r.len, &low, &high), -1);
}

static void
test_quote(void **state)
{
	char	 buf[16];

	(void)state;
	assert_int_equal(imap_quote("abc", buf, sizeof(buf)), 5);
	assert_string_equal(buf, "\"abc\"");
	assert_int_equal(imap_quote("a\"\\", buf, sizeof(buf)), 7);
	assert_string_equal(buf, "\"a\\\"\\\\\"");
	assert_int_equal(imap_quote("", buf, sizeof(buf)), 2);
	assert_int_equal(imap_quote("\xc3\xa4", buf, sizeof(buf)), -1);
	assert_int_equal(imap_quote("a\r\nb", buf, sizeof(buf)), -1);
	assert_int_equal(imap_quote("0123456789abcdef", buf, sizeof(buf)), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_mailbox_status),
		cmocka_unit_test(test_capability),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_fetch_items),
		cmocka_unit_test(test_fetch_body),
		cmocka_unit_test(test_other_literal),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_esearch),
		cmocka_unit_test(test_quote),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
