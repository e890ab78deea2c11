/* See LICENSE for the terms. */
/* Envelopes: who sent a message, to whom, with which options. */

#include <stdlib.h>
#include <string.h>

#include "queue.h"

struct envelope *
envelope_new(const char *sender)
{
	struct envelope	*e;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		return (NULL);
	if ((e->sender = strdup(sender)) == NULL) {
		free(e);
		return (NULL);
	}
	return (e);
}

int
envelope_add(struct envelope *e, const char *address, const char *user)
{
	struct recipient	*r;

	r = reallocarray(e->recipients, (size_t)e->nrecipients + 1,
	    sizeof(*r));
	if (r == NULL)
		return (-1);
	e->recipients = r;
	r = &e->recipients[e->nrecipients];
	memset(r, 0, sizeof(*r));
	if ((r->address = strdup(address)) == NULL)
		return (-1);
	if (user != NULL && (r->user = strdup(user)) == NULL) {
		free(r->address);
		return (-1);
	}
	e->nrecipients++;
	return (0);
}

void
envelope_cut(struct envelope *e, uint32_t n)
{
	struct recipient	*r;

	while (e->nrecipients > n) {
		r = &e->recipients[--e->nrecipients];
		free(r->address);
		free(r->user);
		free(r->notify);
		free(r->orcpt);
		free(r->status);
	}
}

void
envelope_free(struct envelope *e)
{
	if (e == NULL)
		return;
	envelope_cut(e, 0);
	free(e->recipients);
	free(e->sender);
	free(e->envid);
	free(e->ret);
	free(e->user);
	free(e);
}
