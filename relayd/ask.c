/* See LICENSE for the terms. */
/* Questions that a child asks the parent. */

#include <sys/types.h>
#include <sys/queue.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "child.h"
#include "log.h"

/*
 * The parent answers within its own limits; this one is for a parent that
 * lost the question.  Longer than any of those.
 */
#define ASK_TIMEOUT	120	/* seconds */

struct ask {
	TAILQ_ENTRY(ask)	 entry;
	uint32_t		 id;
	ask_resolved_cb		*resolved;
	ask_auth_cb		*auth;
	void			*arg;
	struct event		 timer;
};
static TAILQ_HEAD(, ask) asks = TAILQ_HEAD_INITIALIZER(asks);
static uint32_t		 ask_id;

static struct ask *
ask_find(uint32_t id)
{
	struct ask	*a;

	TAILQ_FOREACH(a, &asks, entry)
		if (a->id == id)
			return (a);
	return (NULL);
}

static void
ask_free(struct ask *a)
{
	TAILQ_REMOVE(&asks, a, entry);
	evtimer_del(&a->timer);
	free(a);
}

/* No answer came: there are no addresses, and the password is not known. */
static void
ask_timeout(int fd, short events, void *arg)
{
	struct proto_addresses	 none;
	struct ask		*a = arg, copy;

	(void)fd;
	(void)events;
	copy = *a;
	ask_free(a);
	if (copy.auth != NULL) {
		copy.auth(copy.arg, PROTO_AUTH_UNKNOWN);
		return;
	}
	memset(&none, 0, sizeof(none));
	none.error = (uint32_t)(EAI_AGAIN < 0 ? -EAI_AGAIN : EAI_AGAIN);
	copy.resolved(copy.arg, &none);
}

static struct ask *
ask_new(ask_resolved_cb *resolved, ask_auth_cb *auth, void *arg)
{
	struct ask	*a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		fatal("ask");
	do {
		if (++ask_id == 0)
			ask_id = 1;
	} while (ask_find(ask_id) != NULL);
	a->id = ask_id;
	a->resolved = resolved;
	a->auth = auth;
	a->arg = arg;
	evtimer_set(&a->timer, ask_timeout, a);
	TAILQ_INSERT_TAIL(&asks, a, entry);
	return (a);
}

/*
 * A question that cannot be put is answered by the timer, so that callbacks
 * always come from the event loop.
 */
static uint32_t
ask_send(struct ask *a, uint32_t type, const void *data, size_t len,
    int valid)
{
	struct timeval	 tv = { ASK_TIMEOUT, 0 };

	if (!valid ||
	    channel_send(child_parent(), type, a->id, -1, data, len) == -1)
		tv.tv_sec = 0;
	evtimer_add(&a->timer, &tv);
	return (a->id);
}

uint32_t
ask_resolve(const char *host, uint16_t port, int fresh,
    ask_resolved_cb *cb, void *arg)
{
	struct proto_host	 q;
	int			 valid;

	memset(&q, 0, sizeof(q));
	valid = strlcpy(q.host, host, sizeof(q.host)) < sizeof(q.host);
	q.port = port;
	q.fresh = fresh != 0;
	return (ask_send(ask_new(cb, NULL, arg),
	    child_self() == PROC_SPOOLD ? SPOOLD_RESOLVE : FETCHD_RESOLVE,
	    &q, sizeof(q), valid));
}

uint32_t
ask_auth(const char *user, const char *password, ask_auth_cb *cb, void *arg)
{
	struct proto_auth	 q;
	uint32_t		 id;
	int			 valid;

	memset(&q, 0, sizeof(q));
	valid = strlcpy(q.user, user, sizeof(q.user)) < sizeof(q.user) &&
	    strlcpy(q.password, password, sizeof(q.password)) <
	    sizeof(q.password);
	id = ask_send(ask_new(NULL, cb, arg), SPOOLD_AUTH, &q, sizeof(q),
	    valid);
	explicit_bzero(&q, sizeof(q));
	return (id);
}

void
ask_cancel(uint32_t id)
{
	struct ask	*a;

	if ((a = ask_find(id)) != NULL)
		ask_free(a);
}

int
ask_handle_resolved(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_addresses	 res;
	struct ask		*a;
	ask_resolved_cb		*cb;
	void			*cbarg;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &res, sizeof(res)) == -1 ||
	    res.count > PROTO_ADDRESSES)
		return (-1);
	if ((a = ask_find(imsg_get_id(imsg))) == NULL)
		return (0);	/* cancelled meanwhile */
	if ((cb = a->resolved) == NULL)
		return (-1);
	cbarg = a->arg;
	ask_free(a);
	cb(cbarg, &res);
	return (0);
}

int
ask_handle_auth(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct ask	*a;
	ask_auth_cb	*cb;
	void		*cbarg;
	uint32_t	 result;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &result, sizeof(result)) == -1 ||
	    result > PROTO_AUTH_UNKNOWN)
		return (-1);
	if ((a = ask_find(imsg_get_id(imsg))) == NULL)
		return (0);	/* cancelled meanwhile */
	if ((cb = a->auth) == NULL)
		return (-1);
	cbarg = a->arg;
	ask_free(a);
	cb(cbarg, (enum proto_auth_result)result);
	return (0);
}
