/* See LICENSE for the terms. */

/*
 * Fuzz target: whatever an IMAP server sends, taken apart into lines and
 * literals as the client does it; and quoting.
 */

#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imap_parse.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_within(const char *p, size_t n, const char *seg, size_t len)
{
	if (p < seg || p > seg + len || n > (size_t)(seg + len - p))
		abort();
}

/* Lists end, and numbers are of their kind. */
static void
check_list(const struct imap_response *r)
{
	const char	*p = r->text, *end = p + r->len, *before;
	uint32_t	 low, high;
	int		 n;

	do {
		before = p;
		if (r->type == IMAP_SEARCH) {
			n = imap_parse_number(&p, end, &low);
			high = low;
		} else
			n = imap_parse_range(&p, end, &low, &high);
		if (p > end || (n == 1 && (low == 0 || high < low ||
		    p == before)))
			abort();
	} while (n == 1);
}

static enum imap_parse
one_segment(struct imap_response *r, const uint8_t *data, size_t len)
{
	enum imap_parse	 res;
	uint32_t	 n;
	char		*seg;

	/* Of its own, so that a byte too far is seen. */
	if ((seg = malloc(len + (len == 0))) == NULL)
		return (IMAP_PARSE_ERROR);
	memcpy(seg, data, len);
	res = imap_parse(r, seg, len);
	check_within(r->text, r->len, seg, len);
	if (r->string != NULL)
		check_within(r->string, r->stringlen, seg, len);
	if (res == IMAP_PARSE_END && (r->type == IMAP_SEARCH ||
	    r->type == IMAP_ESEARCH))
		check_list(r);
	if (res == IMAP_PARSE_END && r->type == IMAP_STATUS) {
		(void)imap_parse_status(r->text, r->len, "UIDNEXT", &n);
		(void)imap_parse_status(r->text, r->len, "UIDVALIDITY", &n);
	}
	if (r->has_uid && r->uid == 0)
		abort();
	if (res == IMAP_PARSE_LITERAL && r->literal_body &&
	    r->type != IMAP_FETCH)
		abort();
	free(seg);
	return (res);
}

static void
check_quote(const uint8_t *data, size_t size)
{
	char	 s[64], buf[70];
	int	 n;

	if (size >= sizeof(s))
		return;
	memcpy(s, data, size);
	s[size] = '\0';
	n = imap_quote(s, buf, sizeof(buf));
	if (n != -1 && ((size_t)n != strlen(buf) || n < 2 ||
	    buf[0] != '"' || buf[n - 1] != '"'))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imap_response	 r;
	const uint8_t		*lf;
	enum imap_parse		 res = IMAP_PARSE_END;
	size_t			 len;

	check_quote(data, size);
	while (size > 0 && res != IMAP_PARSE_ERROR) {
		if (res == IMAP_PARSE_END)
			imap_parse_begin(&r);
		lf = memchr(data, '\n', size);
		len = lf == NULL ? size : (size_t)(lf - data);
		res = one_segment(&r, data, len);
		len += lf != NULL;
		if (res == IMAP_PARSE_LITERAL)
			len = r.literal < size - len ?
			    len + (size_t)r.literal : size;
		data += len;
		size -= len;
	}
	return (0);
}
