/* See LICENSE for the terms. */
/*
 * Any chat with any far side.  The first bytes are the script, a NUL after
 * each string; after an empty one the strings that end it; after another
 * empty one what the far side says, where 0xff is a time-out.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "chat.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static size_t
take_list(struct strlist *l, const uint8_t *data, size_t size)
{
	const uint8_t	*nul;
	size_t		 used = 0;

	while (used < size && (nul = memchr(data + used, '\0', size - used)) !=
	    NULL) {
		if (nul == data + used)
			return (used + 1);
		/* "." stands for an empty one. */
		if (strlist_add(l, strcmp((const char *)data + used, ".") ==
		    0 ? "" : (const char *)data + used) == -1)
			abort();
		used = (size_t)(nul - data) + 1;
	}
	return (used);
}

static void
check(const struct chat *c)
{
	if (c->outlen > sizeof(c->out) || c->inlen > sizeof(c->in) ||
	    c->want.len > CHAT_STRING || c->status > CHAT_FAILED ||
	    memchr(c->text, '\0', sizeof(c->text)) == NULL)
		abort();
	/* There is always an end in sight. */
	if ((c->status == CHAT_WORKING) != (chat_wait(c) != 0))
		abort();
	if (c->status == CHAT_FAILED && chat_text(c)[0] == '\0')
		abort();
}

static void
drain(struct chat *c)
{
	uint8_t	 out[64];

	while (chat_output(c, out, sizeof(out)) > 0)
		check(c);
}

static void
talk(struct chat *c, const uint8_t *data, size_t size)
{
	size_t	 i, n, from = 0;

	for (i = 0; i <= size; i++) {
		if (i < size && data[i] != 0xff)
			continue;
		n = chat_input(c, data + from, i - from);
		if (n > i - from || (n < i - from && c->status ==
		    CHAT_WORKING))
			abort();
		check(c);
		/* A port that takes nothing for a while, too. */
		if (i % 3 != 0)
			drain(c);
		if (i < size && chat_wait(c) != 0)
			chat_timeout(c);
		check(c);
		from = i + 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strlist	 script = TAILQ_HEAD_INITIALIZER(script);
	struct strlist	 aborts = TAILQ_HEAD_INITIALIZER(aborts);
	struct chat	 c;
	size_t		 used;

	used = take_list(&script, data, size);
	used += take_list(&aborts, data + used, size - used);
	if (chat_start(&c, &script, &aborts, 45) == 0) {
		check(&c);
		talk(&c, data + used, size - used);
		chat_free(&c);
	}
	strlist_free(&script);
	strlist_free(&aborts);
	return (0);
}
