/* See LICENSE for the terms. */
/*
 * Records of the queue's log.  The first byte chooses the decoder; what is
 * decoded is encoded again and must give the same bytes.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "queue_record.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_same(uint8_t *again, size_t again_len, const uint8_t *p, size_t len)
{
	if (again == NULL || again_len != len || memcmp(again, p, len) != 0)
		abort();
	free(again);
}

static void
fuzz_message(const uint8_t *p, size_t len)
{
	struct record_message	 m;
	struct envelope		*e;
	uint8_t			*again;
	size_t			 again_len = 0;

	e = record_message_decode(p, len);
	if ((e != NULL) != (record_message_check(&m, p, len) == 0))
		abort();
	if (e == NULL)
		return;
	/* Not as an argument: its length would be read too soon. */
	again = record_message_encode(e, m.file, &again_len);
	check_same(again, again_len, p, len);
	envelope_free(e);
}

static void
fuzz_small(uint8_t type, const uint8_t *p, size_t len)
{
	struct record_mark	 mark;
	struct record_change	 change;
	struct record_seal	 seal;
	uint64_t		 id;
	uint8_t			*again;
	size_t			 n = 0;

	if (type == RECORD_MARK && record_mark_decode(&mark, p, len) == 0)
		again = record_mark_encode(&mark, &n);
	else if (type == RECORD_DONE && record_done_decode(&id, p, len) == 0)
		again = record_done_encode(id, &n);
	else if (type == RECORD_CHANGE &&
	    record_change_decode(&change, p, len) == 0)
		again = record_change_encode(&change, &n);
	else if (type == RECORD_SEAL &&
	    record_seal_decode(&seal, p, len) == 0)
		again = record_seal_encode(&seal, &n);
	else
		return;
	check_same(again, n, p, len);
}

/* With its magic and CRC made right, so that the rest is reached. */
static void
fuzz_header(const uint8_t *p, size_t len)
{
	struct record_header	 h, back;
	uint8_t			 buf[RECORD_HEADER_LEN];
	const uint64_t		 salt = 0x0102030405060708ULL;

	(void)record_header_decode(&h, p, len, salt, 64);
	if (len < sizeof(h))
		return;
	memcpy(&h, p, sizeof(h));
	record_header_encode(buf, &h, salt, 64);
	if (record_header_decode(&back, buf, sizeof(buf), salt, 64) == -1)
		return;
	if (back.type != h.type || back.flags != h.flags ||
	    back.batch != h.batch || back.head_len != h.head_len ||
	    back.body_len != h.body_len || back.head_crc != h.head_crc ||
	    back.body_crc != h.body_crc)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return (0);
	switch (data[0]) {
	case 0:
		fuzz_header(data + 1, size - 1);
		break;
	case RECORD_MESSAGE:
		fuzz_message(data + 1, size - 1);
		break;
	default:
		fuzz_small(data[0], data + 1, size - 1);
	}
	return (0);
}
