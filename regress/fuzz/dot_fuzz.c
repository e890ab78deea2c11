/* See LICENSE for the terms. */
/*
 * dot_stuff and dot_unstuff: whatever goes in comes out again, in pieces of
 * any size, and the end is seen where it was put and nowhere before.
 */
#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(int ok)
{
	if (!ok)
		abort();
}

/* Piece sizes come from the input too: 1 to 16. */
static size_t
piece(const uint8_t *data, size_t len, size_t i)
{
	return (1 + (data[i % len] + i) % 16);
}

static size_t
less(size_t a, size_t b)
{
	return (a < b ? a : b);
}

/* The data stuffed, with its end, in malloced memory. */
static uint8_t *
stuffed(const uint8_t *data, size_t len, size_t *outlen)
{
	uint8_t	*out, room[16];
	size_t	 pos = 0, n = 0, got, used, k = 0;
	int	 state = 0;

	check((out = malloc(2 * len + 6)) != NULL);
	while (pos < len) {
		got = dot_stuff(&state, data + pos, less(len - pos,
		    piece(data, len, k)), &used, room, piece(data, len, k + 1));
		check(got <= piece(data, len, k + 1));
		check(got > 0 && used <= got);
		memcpy(out + n, room, got);
		n += got;
		pos += used;
		k += 2;
	}
	n += dot_end(state, out + n);
	check(n <= 2 * len + 6);
	*outlen = n;
	return (out);
}

static void
round_trip(const uint8_t *data, size_t len)
{
	uint8_t	*wire, room[16];
	size_t	 wirelen, pos = 0, n = 0, got, used, k = 0;
	int	 state = 0, end = 0;

	wire = stuffed(data, len, &wirelen);
	while (!end) {
		check(pos < wirelen);
		got = len > 0 ? piece(data, len, k) : 1;
		end = dot_unstuff(&state, wire + pos, less(wirelen - pos, len >
		    0 ? piece(data, len, k + 1) : 1), &used, room, &got);
		/* The line end that closed the data is not the data's. */
		check(n + got <= len + 2);
		check(memcmp(room, data + n, less(got, len - less(n, len))) ==
		    0 || len == 0);
		n += got;
		pos += used;
		k += 2;
	}
	check(pos == wirelen);
	check(n == len || n == len + 2);
	free(wire);
}

/* Arbitrary bytes as a peer sends them: splitting changes nothing. */
static void
split(const uint8_t *data, size_t len)
{
	uint8_t	*whole, *parts;
	size_t	 wholelen, partslen = 0, used, got, usedall, pos = 0, k = 0;
	int	 state = 0, end, end2 = 0;

	check((whole = malloc(len)) != NULL);
	check((parts = malloc(len)) != NULL);
	wholelen = len;
	end = dot_unstuff(&state, data, len, &usedall, whole, &wholelen);
	check(usedall <= len && wholelen <= usedall);
	check(end || usedall == len);
	state = 0;
	while (pos < len && !end2) {
		got = less(len - partslen, piece(data, len, k));
		end2 = dot_unstuff(&state, data + pos, less(len - pos,
		    piece(data, len, k + 1)), &used, parts + partslen, &got);
		check(used > 0 || got > 0);
		partslen += got;
		pos += used;
		k += 2;
	}
	check(end == end2 && pos == usedall && partslen == wholelen);
	check(memcmp(whole, parts, wholelen) == 0);
	free(whole);
	free(parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	round_trip(data, len);
	if (len > 0)
		split(data, len);
	return (0);
}
