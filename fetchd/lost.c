/* See LICENSE for the terms. */
/* Bytes that the line carried for nothing. */

#include <sys/types.h>
#include <string.h>

#include "lost.h"
#include "proto.h"

/* The newest; a line that drops cuts off a few. */
#define LOST_MAX	256

static struct lost {
	char		 account[PROTO_NAME_MAX];
	char		 uid[PROTO_UID_MAX];
	uint32_t	 uidvalidity;
	uint64_t	 bytes;		/* 0: free */
} lost[LOST_MAX];
static unsigned int	 next;

static struct lost *
find(const char *account, uint32_t uidvalidity, const char *uid)
{
	struct lost	*l;

	for (l = lost; l < lost + LOST_MAX; l++)
		if (l->bytes != 0 && l->uidvalidity == uidvalidity &&
		    strcmp(l->account, account) == 0 &&
		    strcmp(l->uid, uid) == 0)
			return (l);
	return (NULL);
}

void
lost_add(const char *account, uint32_t uidvalidity, const char *uid,
    uint64_t bytes)
{
	struct lost	*l;

	if (bytes == 0)
		return;
	if ((l = find(account, uidvalidity, uid)) == NULL) {
		l = &lost[next++ % LOST_MAX];
		strlcpy(l->account, account, sizeof(l->account));
		strlcpy(l->uid, uid, sizeof(l->uid));
		l->uidvalidity = uidvalidity;
		l->bytes = 0;
	}
	l->bytes += bytes;
}

uint64_t
lost_take(const char *account, uint32_t uidvalidity, const char *uid)
{
	struct lost	*l;
	uint64_t	 bytes;

	if ((l = find(account, uidvalidity, uid)) == NULL)
		return (0);
	bytes = l->bytes;
	l->bytes = 0;
	return (bytes);
}
