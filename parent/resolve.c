/* See LICENSE for the terms. */
/*
 * Addresses of upstreams: looked up in a task of their own, remembered over
 * windows and restarts, so that a window spends no round trip on names.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conf_msg.h"
#include "log.h"
#include "parent.h"
#include "task.h"

/* Slow resolvers over a slow line; a window is paid for meanwhile. */
#define RESOLVE_TIMEOUT	30		/* seconds */
/* An address this old is looked up again even where it still answers. */
#define RESOLVE_AGE	(7 * 86400)	/* seconds */
#define REMEMBERED_MAX	(64 * 1024)	/* bytes of the file */
#define REMEMBERED_NAME	"addresses"

struct remembered {
	TAILQ_ENTRY(remembered)	 entry;
	char			 host[PROTO_HOST_MAX];
	int64_t			 when;
	struct proto_addresses	 res;
};
static TAILQ_HEAD(, remembered)	 known = TAILQ_HEAD_INITIALIZER(known);

struct question {
	enum proc_id		 who;
	unsigned int		 generation;	/* of the one that asked */
	uint32_t		 id;
	struct proto_host	 q;
};

static void
set_port(struct proto_addresses *res, uint32_t port)
{
	uint32_t	 i;

	for (i = 0; i < res->count; i++) {
		if (res->address[i].ss_family == AF_INET)
			((struct sockaddr_in *)&res->address[i])->sin_port =
			    htons((uint16_t)port);
		else
			((struct sockaddr_in6 *)&res->address[i])->sin6_port =
			    htons((uint16_t)port);
	}
}

/* What a task gave: nothing but what it may give. */
static int
addresses_valid(const struct proto_addresses *res)
{
	uint32_t	 i;

	if (res->count > PROTO_ADDRESSES)
		return (0);
	for (i = 0; i < res->count; i++)
		if (res->address[i].ss_family != AF_INET &&
		    res->address[i].ss_family != AF_INET6)
			return (0);
	return (1);
}

static void
take_addresses(struct proto_addresses *res, const struct addrinfo *ai)
{
	for (; ai != NULL && res->count < PROTO_ADDRESSES; ai = ai->ai_next) {
		if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
			continue;
		if (ai->ai_addrlen > sizeof(res->address[0]))
			continue;
		memcpy(&res->address[res->count++], ai->ai_addr,
		    ai->ai_addrlen);
	}
}

static void
look_up(struct proto_addresses *res, const char *host, int flags)
{
	struct addrinfo	 hints, *ai;
	int		 r;

	memset(res, 0, sizeof(*res));
	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = flags;
	if ((r = getaddrinfo(host, NULL, &hints, &ai)) != 0) {
		res->error = (uint32_t)(r < 0 ? -r : r);
		return;
	}
	take_addresses(res, ai);
	freeaddrinfo(ai);
}

/* In the task. */
static size_t
resolve_work(const void *input, void *result)
{
	struct proto_addresses	 res;

	look_up(&res, input, AI_ADDRCONFIG);
	if (res.error != 0)
		/* AI_ADDRCONFIG leaves out a loopback that is all there is. */
		look_up(&res, input, 0);
	memcpy(result, &res, sizeof(res));
	return (sizeof(res));
}

/*
 * Only names that the configuration has are looked up: no other leaves the
 * house, however it came into a child.
 */
static int
is_upstream(const char *host)
{
	struct conf_upstream	*u;

	TAILQ_FOREACH(u, &parent_conf->upstreams, entry)
		if ((u->relay_host != NULL &&
		    strcasecmp(u->relay_host, host) == 0) ||
		    (u->fetch_host != NULL &&
		    strcasecmp(u->fetch_host, host) == 0))
			return (1);
	return (0);
}

static struct remembered *
remembered_find(const char *host)
{
	struct remembered	*r;

	TAILQ_FOREACH(r, &known, entry)
		if (strcasecmp(r->host, host) == 0)
			return (r);
	return (NULL);
}

/* A time to come is of a clock that was wrong. */
static int
is_young(const struct remembered *r)
{
	time_t	 now = time(NULL);

	return (r->when <= now && now - r->when < RESOLVE_AGE);
}

/* One line a host: time, name, addresses. */
static void
remembered_write(void)
{
	struct remembered	*r;
	char			*buf = NULL, text[INET6_ADDRSTRLEN];
	size_t			 len = 0;
	FILE			*f;
	uint32_t		 i;

	if ((f = open_memstream(&buf, &len)) == NULL)
		return;
	TAILQ_FOREACH(r, &known, entry) {
		if (!is_upstream(r->host))
			continue;
		fprintf(f, "%lld %s", (long long)r->when, r->host);
		for (i = 0; i < r->res.count; i++)
			if (getnameinfo((struct sockaddr *)&r->res.address[i],
			    proto_address_len(&r->res.address[i]), text,
			    sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
				fprintf(f, " %s", text);
		fputc('\n', f);
	}
	if (fclose(f) == 0 &&
	    spooldir_write_state(REMEMBERED_NAME, buf, len) == -1)
		log_warn("resolve: remember addresses");
	free(buf);
}

static int
same_addresses(const struct proto_addresses *a,
    const struct proto_addresses *b)
{
	return (a->count == b->count && memcmp(a->address, b->address,
	    a->count * sizeof(a->address[0])) == 0);
}

static void
remember(const char *host, const struct proto_addresses *res)
{
	struct remembered	*r;
	int			 changed;

	if ((r = remembered_find(host)) == NULL) {
		if ((r = calloc(1, sizeof(*r))) == NULL)
			return;
		strlcpy(r->host, host, sizeof(r->host));
		TAILQ_INSERT_TAIL(&known, r, entry);
	}
	changed = !same_addresses(&r->res, res) ||
	    time(NULL) - r->when > RESOLVE_AGE / 7;
	r->res = *res;
	r->when = time(NULL);
	if (changed)
		remembered_write();
}

static void
remembered_line(char *line)
{
	struct remembered	*r;
	struct proto_addresses	 one;
	char			*word;

	if ((word = strsep(&line, " ")) == NULL || line == NULL ||
	    (r = calloc(1, sizeof(*r))) == NULL)
		return;
	r->when = strtoll(word, NULL, 10);
	word = strsep(&line, " ");
	if (strlcpy(r->host, word, sizeof(r->host)) < sizeof(r->host)) {
		while ((word = strsep(&line, " ")) != NULL &&
		    r->res.count < PROTO_ADDRESSES) {
			look_up(&one, word, AI_NUMERICHOST);
			if (one.count == 1)
				r->res.address[r->res.count++] =
				    one.address[0];
		}
	}
	if (r->res.count == 0) {
		free(r);
		return;
	}
	TAILQ_INSERT_TAIL(&known, r, entry);
}

void
resolve_init(void)
{
	uint8_t	*mem;
	char	*text, *line;
	size_t	 len;
	int	 fd;

	if ((fd = spooldir_open_state(REMEMBERED_NAME, O_RDONLY)) == -1)
		return;
	mem = conf_read_fd(fd, REMEMBERED_MAX, &len);
	close(fd);
	if (mem == NULL)
		return;
	text = (char *)mem;
	while ((line = strsep(&text, "\n")) != NULL)
		remembered_line(line);
	free(mem);
}

static void
answer(const struct question *q, const struct proto_addresses *res)
{
	struct proto_addresses	 out = *res;

	if (q->generation != proc_generation(q->who))
		return;
	set_port(&out, q->q.port);
	channel_send(proc_channel(q->who), PARENT_RESOLVED, q->id, -1, &out,
	    sizeof(out));
}

static void
resolve_done(void *arg, const void *result, size_t len)
{
	struct proto_addresses	 res;
	struct remembered	*r;
	struct question		*q = arg;

	memset(&res, 0, sizeof(res));
	if (len == sizeof(res))
		memcpy(&res, result, sizeof(res));
	if (!addresses_valid(&res))
		memset(&res, 0, sizeof(res));
	if (res.count > 0)
		remember(q->q.host, &res);
	else {
		if (res.error == 0)
			res.error = EAI_AGAIN < 0 ? -EAI_AGAIN : EAI_AGAIN;
		log_warnx("resolve: %s: %s", q->q.host,
		    gai_strerror(EAI_AGAIN < 0 ? -(int)res.error :
		    (int)res.error));
		/* A name server that is down need not keep mail waiting. */
		if (!q->q.fresh && (r = remembered_find(q->q.host)) != NULL)
			res = r->res;
	}
	answer(q, &res);
	free(q);
}

int
resolve_handle(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_addresses	 res;
	struct remembered	*r;
	struct question		*q;

	(void)arg;
	if ((q = calloc(1, sizeof(*q))) == NULL)
		fatal("resolve");
	q->who = ch->peer;
	q->generation = proc_generation(ch->peer);
	q->id = imsg_get_id(imsg);
	if (imsg_get_data(imsg, &q->q, sizeof(q->q)) == -1 ||
	    memchr(q->q.host, '\0', sizeof(q->q.host)) == NULL ||
	    q->q.port > 65535) {
		free(q);
		return (-1);
	}
	if (!is_upstream(q->q.host)) {
		/* Or no more, since the configuration changed. */
		log_warnx("resolve: %s asks for the host of no upstream",
		    proto_proc_name(ch->peer));
		memset(&res, 0, sizeof(res));
		res.error = EAI_NONAME < 0 ? -EAI_NONAME : EAI_NONAME;
		answer(q, &res);
		free(q);
		return (0);
	}
	look_up(&res, q->q.host, AI_NUMERICHOST);
	if (res.count == 0 && !q->q.fresh &&
	    (r = remembered_find(q->q.host)) != NULL && is_young(r))
		res = r->res;
	if (res.count > 0) {
		answer(q, &res);
		free(q);
		return (0);
	}
	if (task_run(TASK_RESOLVE, resolve_work, q->q.host,
	    strlen(q->q.host) + 1, RESOLVE_TIMEOUT, resolve_done, q) == -1) {
		log_warn("resolve: %s", q->q.host);
		answer(q, &res);
		free(q);
	}
	return (0);
}
