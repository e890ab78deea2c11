/* See LICENSE for the terms. */
/*
 * Items of a configuration: the first byte of each is its type, the next two
 * its length.  They are received into one configuration as a child does, up
 * to the first that is refused.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_msg.h"

#define NTYPES	(PARENT_CONF_DAYSET - PARENT_CONF_GLOBAL + 1)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct imsgbuf	 in, out;

static void
init(void)
{
	int	 sp[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1 ||
	    imsgbuf_init(&out, sp[0]) == -1 || imsgbuf_init(&in, sp[1]) == -1)
		abort();
}

/* 0 while the peer keeps to the protocol. */
static int
take(struct conf *conf, uint32_t type, const uint8_t *data, size_t len)
{
	struct imsg	 imsg;
	int		 r;

	if (imsg_compose(&out, type, 0, 0, -1, data, len) == -1)
		return (-1);
	if (imsgbuf_flush(&out) == -1 || imsgbuf_read(&in) != 1 ||
	    imsgbuf_get(&in, &imsg) != 1)
		abort();
	r = conf_msg_receive(conf, &imsg);
	imsg_free(&imsg);
	return (r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int	 ready;
	struct conf	*conf;
	size_t		 len;
	uint32_t	 type;

	if (!ready) {
		init();
		ready = 1;
	}
	if ((conf = conf_new()) == NULL)
		return (0);
	while (size >= 3) {
		type = PARENT_CONF_GLOBAL + data[0] % NTYPES;
		len = (size_t)(data[1] << 8 | data[2]);
		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		if (take(conf, type, data, len) == -1)
			break;
		data += len;
		size -= len;
	}
	conf_free(conf);
	return (0);
}
