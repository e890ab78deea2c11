/* See LICENSE for the terms. */
/* What earlier windows taught. */

#include <sys/types.h>
#include <sys/tree.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "known.h"
#include "platform.h"

/* Of accounts that are configured no more there is an end. */
#define KNOWN_MAX	20000
/* Old windows count half, so that habits may change. */
#define WINDOWS_MAX	16
/*
 * A uidnext that stands still where mail comes in would be the end of it:
 * the mailbox is read that often whatever it says.
 */
#define UNREAD_MAX	16

/* So many upstreams have sessions: there are seldom more than one or two. */
#define SESSIONS	32
/* OpenSSL's servers keep theirs two hours, others for longer. */
#define SESSION_AGE	7200	/* seconds */

static uint64_t	 line_rate, line_rtt;
static int	 session_fds[SESSIONS];
static unsigned int	 nsessions, nsessions_used;

static int
upstream_cmp(const struct known_upstream *a, const struct known_upstream *b)
{
	if (a->port != b->port)
		return (a->port < b->port ? -1 : 1);
	if (a->proto != b->proto)
		return (a->proto < b->proto ? -1 : 1);
	return (strcasecmp(a->host, b->host));
}

static int
mailbox_cmp(const struct known_mailbox *a, const struct known_mailbox *b)
{
	return (strcmp(a->account, b->account));
}

static RB_HEAD(known_upstreams, known_upstream)	 upstreams =
    RB_INITIALIZER(&upstreams);
static RB_HEAD(known_mailboxes, known_mailbox)	 mailboxes =
    RB_INITIALIZER(&mailboxes);
static unsigned int	 nupstreams, nmailboxes;

RB_PROTOTYPE(known_upstreams, known_upstream, entry, upstream_cmp)
RB_PROTOTYPE(known_mailboxes, known_mailbox, entry, mailbox_cmp)
RB_GENERATE(known_upstreams, known_upstream, entry, upstream_cmp)
RB_GENERATE(known_mailboxes, known_mailbox, entry, mailbox_cmp)

void
known_begin(void)
{
	int	 fd;

	while (nsessions < SESSIONS &&
	    (fd = platform_memory_file("tls-session")) != -1)
		session_fds[nsessions++] = fd;
}

struct known_upstream *
known_upstream(const char *host, uint16_t port, uint32_t proto)
{
	struct known_upstream	*u, *new;

	if ((new = calloc(1, sizeof(*new))) == NULL)
		return (NULL);
	strlcpy(new->host, host, sizeof(new->host));
	new->port = port;
	new->proto = proto;
	new->session_fd = -1;
	if (nupstreams >= KNOWN_MAX)
		u = RB_FIND(known_upstreams, &upstreams, new);
	else if ((u = RB_INSERT(known_upstreams, &upstreams, new)) == NULL) {
		nupstreams++;
		if (nsessions_used < nsessions)
			new->session_fd = session_fds[nsessions_used++];
		return (new);
	}
	free(new);
	return (u);
}

struct known_mailbox *
known_mailbox(const char *account, uint32_t mailbox, uint64_t keep)
{
	struct known_mailbox	*m, *new;

	if ((new = calloc(1, sizeof(*new))) == NULL)
		return (NULL);
	strlcpy(new->account, account, sizeof(new->account));
	new->mailbox = mailbox;
	new->keep = keep;
	if (nmailboxes >= KNOWN_MAX)
		m = RB_FIND(known_mailboxes, &mailboxes, new);
	else if ((m = RB_INSERT(known_mailboxes, &mailboxes, new)) == NULL) {
		nmailboxes++;
		return (new);
	}
	if (m != NULL && m->mailbox != mailbox) {
		/* Another login, or another host. */
		RB_REMOVE(known_mailboxes, &mailboxes, m);
		free(m);
		RB_INSERT(known_mailboxes, &mailboxes, new);
		return (new);
	}
	free(new);
	/* What was kept may have to go now. */
	if (m != NULL && m->keep != keep) {
		m->keep = keep;
		m->uidnext = 0;
	}
	return (m);
}

uint64_t
known_rate(void)
{
	return (line_rate);
}

void
known_set_rate(uint64_t rate)
{
	line_rate = rate;
}

uint64_t
known_rtt(void)
{
	return (line_rtt);
}

void
known_set_rtt(uint64_t rtt)
{
	line_rtt = rtt;
}

void
known_forget(struct known_upstream *u)
{
	u->plain = u->before = u->after = 0;
}

void
known_news(struct known_mailbox *m, int news)
{
	if (m->windows >= WINDOWS_MAX) {
		m->windows /= 2;
		m->news /= 2;
	}
	m->windows++;
	m->news += news != 0;
}

int
known_session(const struct known_upstream *u, int64_t now)
{
	return (u->session_at != 0 && now >= u->session_at &&
	    now - u->session_at < SESSION_AGE);
}

int
known_resume(struct known_upstream *u, unsigned int connections, uint32_t ca,
    int64_t now)
{
	if (u->session_fd == -1 || u->plain_tls ||
	    (u->misses >= 2 && u->misses > 4 * u->hits))
		return (0);
	if (u->session_ca != ca || !known_session(u, now)) {
		u->session_at = 0;
		u->session_ca = ca;
		/* libtls takes an empty file for none. */
		if (ftruncate(u->session_fd, 0) == -1)
			return (0);
	}
	return (connections > 1 || u->session_at != 0);
}

void
known_resumed(struct known_upstream *u, int offered, int resumed, int64_t now)
{
	u->session_at = now;
	if (resumed)
		u->hits++;
	else if (offered)
		u->misses++;
}

static int
is_due(const struct known_mailbox *m, int64_t now)
{
	return (m->unread >= UNREAD_MAX || (m->due != 0 && now >= m->due));
}

/*
 * The question costs some 160 bytes where there is news, and saves some 350
 * where there is none, by the rule of succession.
 */
int
known_quiet(const struct known_mailbox *m, int64_t now)
{
	return (m->uidnext != 0 && !is_due(m, now) &&
	    10 * (m->news + 1) < 7 * (m->windows + 2));
}

uint32_t
known_from(const struct known_mailbox *m, int64_t now)
{
	return (is_due(m, now) ? 0 : m->uidnext);
}
