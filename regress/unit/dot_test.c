/* See LICENSE for the terms. */
/*
 * Transparency of dots: known pairs, both ways, cut at every point and with
 * room for one byte at a time; and that nothing but CRLF "." CRLF ends data.
 */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "stream.h"

#include <cmocka.h>

#define OUT_MAX	256

struct dot_case {
	const char	*plain;
	const char	*wire;
};

/* Message, and what goes over the wire. */
static const struct dot_case cases[] = {
	{ "", ".\r\n" },
	{ "a", "a\r\n.\r\n" },
	{ "a\r\n", "a\r\n.\r\n" },
	{ "\r\n", "\r\n.\r\n" },
	{ ".\r\n", "..\r\n.\r\n" },
	{ "..\r\n", "...\r\n.\r\n" },
	{ ".a\r\n.b\r\n", "..a\r\n..b\r\n.\r\n" },
	{ "a.\r\n.\r\nb.c\r\n", "a.\r\n..\r\nb.c\r\n.\r\n" },
	{ "a\r\n\r\n.\r\n", "a\r\n\r\n..\r\n.\r\n" },
	{ "a\r\n.", "a\r\n..\r\n.\r\n" },
	/* Only CRLF ends a line. */
	{ "a\n.b\r\n", "a\n.b\r\n.\r\n" },
	{ "a\r.b\r\n", "a\r.b\r\n.\r\n" },
	{ "a\n\r.b\r\n", "a\n\r.b\r\n.\r\n" },
	{ ".\n.\r\n", "..\n.\r\n.\r\n" },
	{ ".\r.\r\n", "..\r.\r\n.\r\n" },
	{ "a\r\r\n.b\r\n", "a\r\r\n..b\r\n.\r\n" },
	{ "a\r", "a\r\r\n.\r\n" },
};

#define NCASES	(sizeof(cases) / sizeof(cases[0]))

/* Stuffs in two pieces cut at cut, with room for room bytes at a time. */
static size_t
stuff(const char *plain, size_t cut, size_t room, uint8_t *out)
{
	size_t	 len = strlen(plain), pos = 0, n = 0, used, end, got;
	int	 state = 0;

	while (pos < len) {
		end = pos < cut ? cut : len;
		got = dot_stuff(&state, (const uint8_t *)plain + pos,
		    end - pos, &used, out + n, room);
		assert_true(got <= room);
		assert_true(got > 0);
		n += got;
		pos += used;
	}
	return (n + dot_end(state, out + n));
}

/* The reverse; *end tells whether the end was seen, *pos where. */
static size_t
unstuff(const char *wire, size_t len, size_t cut, size_t room, uint8_t *out,
    int *end, size_t *pos)
{
	size_t	 n = 0, used, stop, got;
	int	 state = 0;

	*pos = 0;
	*end = 0;
	while (*pos < len && !*end) {
		stop = *pos < cut ? cut : len;
		got = room;
		*end = dot_unstuff(&state, (const uint8_t *)wire + *pos,
		    stop - *pos, &used, out + n, &got);
		assert_true(got <= room);
		assert_true(got > 0 || used > 0);
		n += got;
		*pos += used;
	}
	return (n);
}

static void
test_stuff(void **state)
{
	uint8_t	 out[OUT_MAX];
	size_t	 i, cut, room, n;

	(void)state;
	for (i = 0; i < NCASES; i++) {
		for (cut = 0; cut <= strlen(cases[i].plain); cut++) {
			for (room = 1; room < 10; room++) {
				n = stuff(cases[i].plain, cut, room, out);
				assert_int_equal(n, strlen(cases[i].wire));
				assert_memory_equal(out, cases[i].wire, n);
			}
		}
	}
}

static void
test_unstuff(void **state)
{
	uint8_t	 out[OUT_MAX];
	char	 wire[OUT_MAX];
	size_t	 i, cut, room, n, len, pos, wirelen;
	int	 end;

	(void)state;
	for (i = 0; i < NCASES; i++) {
		/* What follows the end is left alone. */
		wirelen = strlen(cases[i].wire);
		memcpy(wire, cases[i].wire, wirelen);
		memcpy(wire + wirelen, "QUIT\r\n", 6);
		len = strlen(cases[i].plain);
		for (cut = 0; cut <= wirelen; cut++) {
			for (room = 1; room < 10; room++) {
				n = unstuff(wire, wirelen + 6, cut, room, out,
				    &end, &pos);
				assert_int_equal(end, 1);
				assert_int_equal(pos, wirelen);
				assert_memory_equal(out, cases[i].plain, len);
				/* Sending closed an unfinished line. */
				if (n != len) {
					assert_int_equal(n, len + 2);
					assert_memory_equal(out + len, "\r\n",
					    2);
				}
			}
		}
	}
}

/* The sequences that have been used to smuggle mail end nothing. */
static void
test_no_smuggling(void **state)
{
	static const char *const	wires[] = { "a\n.\n", "a\n.\r\n",
	    "a\r\n.\n", "a\r.\r", "a\r\n.\r", "a\r\n.\rb", "a\r.\r\n",
	    "a\r\n.\r\r\n", "a\n\n.\r\n", "a\r\n.\n.\r\nb", "a\r\n..\r\n",
	    "a\r\n.\0\r\n", "a\r\n. \r\n", "a\r\n\r.\r\n" };
	uint8_t				out[OUT_MAX];
	size_t				i, pos, len, cut;
	int				end;

	(void)state;
	for (i = 0; i < sizeof(wires) / sizeof(wires[0]); i++) {
		len = i == 11 ? 7 : strlen(wires[i]);
		for (cut = 0; cut <= len; cut++) {
			(void)unstuff(wires[i], len, cut, OUT_MAX, out, &end,
			    &pos);
			assert_int_equal(end, 0);
			assert_int_equal(pos, len);
		}
	}
}

/* A dot that should have been doubled and was not is lost, nothing else. */
static void
test_undoubled(void **state)
{
	uint8_t	out[OUT_MAX];
	size_t	pos, n;
	int	end;

	(void)state;
	n = unstuff(".a\r\n.\rb\r\n.\n\r\n.\r\n", 17, 0, OUT_MAX, out, &end,
	    &pos);
	assert_int_equal(end, 1);
	assert_int_equal(n, 10);
	assert_memory_equal(out, "a\r\n\rb\r\n\n\r\n", 10);
}

static void
test_after_end(void **state)
{
	uint8_t	out[OUT_MAX];
	size_t	used, outlen = OUT_MAX;
	int	s = 0;

	(void)state;
	assert_int_equal(dot_unstuff(&s, (const uint8_t *)".\r\nX", 4, &used,
	    out, &outlen), 1);
	assert_int_equal(used, 3);
	assert_int_equal(outlen, 0);
	outlen = OUT_MAX;
	assert_int_equal(dot_unstuff(&s, (const uint8_t *)"X", 1, &used, out,
	    &outlen), 1);
	assert_int_equal(used, 0);
	assert_int_equal(outlen, 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_stuff),
		cmocka_unit_test(test_unstuff),
		cmocka_unit_test(test_no_smuggling),
		cmocka_unit_test(test_undoubled),
		cmocka_unit_test(test_after_end),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
