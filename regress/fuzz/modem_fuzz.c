/* See LICENSE for the terms. */
/*
 * A modem that says anything: bytes to the dialogue, with time-outs and a
 * hang-up between them.  0xff is a time-out, 0xfe hangs up, 0xfd hangs up
 * beside the keeper.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "modem.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct modem *m)
{
	if (m->outlen > sizeof(m->out) || m->linelen >= sizeof(m->line) ||
	    memchr(m->text, '\0', sizeof(m->text)) == NULL ||
	    modem_text(m) == NULL || m->status > MODEM_DOWN)
		abort();
	(void)modem_result_name(m->result);
	/* In a dialogue there is always an end in sight. */
	if (m->status == MODEM_WORKING && modem_wait(m) == 0)
		abort();
}

static void
step(struct modem *m, const uint8_t *data, size_t len)
{
	uint8_t	 out[MODEM_CMD_MAX];
	size_t	 used = 0, n;

	while (used < len) {
		n = modem_input(m, data + used, len - used);
		if (n > len - used)
			abort();
		used += n;
		/* CONNECT without its LF gives the byte after it back. */
		if (n == 0 && m->status == MODEM_WORKING)
			abort();
		check(m);
	}
	(void)modem_output(m, out, sizeof(out));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strlist	 init = TAILQ_HEAD_INITIALIZER(init);
	struct strnode	 node = { .s = (char *)(uintptr_t)"ATE0" };
	struct modem	 m;
	size_t		 i, from = 0;

	TAILQ_INSERT_TAIL(&init, &node, entry);
	if (modem_dial(&m, &init, "0570001234", 0, 60) == -1)
		abort();
	for (i = 0; i < size; i++) {
		if (data[i] < 0xfd)
			continue;
		step(&m, data + from, i - from);
		from = i + 1;
		if (data[i] == 0xff) {
			if (modem_wait(&m) != 0)
				modem_timeout(&m);
		} else
			modem_hangup(&m, data[i] == 0xfe ? 5000 : 0,
			    data[i] == 0xfd);
		check(&m);
	}
	step(&m, data + from, size - from);
	check(&m);
	return (0);
}
