/* See LICENSE for the terms. */
/* How a configuration travels to the children. */

#include <sys/types.h>
#include <sys/stat.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_msg.h"
#include "log.h"

#define CONF_FILE_MAX	(4 * 1024 * 1024)	/* trust of a whole system */
#define CONF_STRING_MAX	8192

enum field_kind { FIELD_END, FIELD_STR, FIELD_U32, FIELD_U64, FIELD_LIST };

struct field {
	enum field_kind	 kind;
	size_t		 offset;
	uint32_t	 hide;		/* receivers that must not see it */
};

#define SPOOLD		(1 << PROC_SPOOLD)
#define DIALERD		(1 << PROC_DIALERD)
#define FETCHD		(1 << PROC_FETCHD)

#define F(kind, type, member)	{ kind, offsetof(struct type, member), 0 }
#define STR(type, member)	F(FIELD_STR, type, member)
#define U32(type, member)	F(FIELD_U32, type, member)
#define U64(type, member)	F(FIELD_U64, type, member)
#define LIST(type, member)	F(FIELD_LIST, type, member)
#define SPAN(type)							\
	U32(type, span.from), U32(type, span.to), U32(type, span.negate), \
	U32(type, span.days), U32(type, span.set), U32(type, span.dayset)
#define SECRET(type, member, from)					\
	{ FIELD_STR, offsetof(struct type, member), from }
#define END			{ FIELD_END, 0, 0 }

static const struct field fields_global[] = {
	STR(conf_global, hostname), STR(conf_global, spool),
	STR(conf_global, empty), STR(conf_global, control),
	STR(conf_global, control_ro), STR(conf_global, users),
	STR(conf_global, ca), STR(conf_global, postmaster),
	STR(conf_global, aliases), STR(conf_global, catch_all),
	U32(conf_global, no_plus),
	U64(conf_global, message_max), U32(conf_global, sessions),
	U32(conf_global, sessions_per_address), U32(conf_global, parallel),
	U32(conf_global, expire), U32(conf_global, redial),
	U64(conf_global, redial_within), U64(conf_global, redial_then),
	U64(conf_global, bulk_larger), U64(conf_global, bulk_after),
	STR(conf_global, currency), U32(conf_global, breaker),
	U64(conf_global, breaker_pause), END
};
static const struct field fields_domain[] = {
	STR(conf_domain, name), END
};
static const struct field fields_pki[] = {
	STR(conf_pki, name), STR(conf_pki, cert), STR(conf_pki, key),
	U32(conf_pki, line), END
};
static const struct field fields_listener[] = {
	STR(conf_listener, host), U32(conf_listener, port),
	U32(conf_listener, service), U32(conf_listener, tls),
	STR(conf_listener, pki), LIST(conf_listener, from),
	U32(conf_listener, line), END
};
static const struct field fields_upstream[] = {
	STR(conf_upstream, name), STR(conf_upstream, relay_host),
	U32(conf_upstream, relay_port), U32(conf_upstream, relay_tls),
	SECRET(conf_upstream, relay_user, FETCHD | DIALERD),
	SECRET(conf_upstream, relay_password, FETCHD | DIALERD),
	U32(conf_upstream, fetch_proto), STR(conf_upstream, fetch_host),
	U32(conf_upstream, fetch_port), U32(conf_upstream, fetch_tls),
	STR(conf_upstream, ca), U32(conf_upstream, line), END
};
static const struct field fields_user[] = {
	STR(conf_user, name), LIST(conf_user, addresses),
	U32(conf_user, line), END
};
static const struct field fields_alias[] = {
	STR(conf_alias, name), LIST(conf_alias, targets),
	U32(conf_alias, from_file), U32(conf_alias, line), END
};
static const struct field fields_account[] = {
	STR(conf_account, name), STR(conf_account, user),
	STR(conf_account, upstream), STR(conf_account, login),
	SECRET(conf_account, password, SPOOLD | DIALERD),
	U64(conf_account, keep), U64(conf_account, large),
	U32(conf_account, line), END
};
static const struct field fields_tariff[] = {
	STR(conf_tariff, name), U64(conf_tariff, setup),
	U64(conf_tariff, per_megabyte), U64(conf_tariff, free),
	U64(conf_tariff, minimum), U32(conf_tariff, line), END
};
static const struct field fields_rate[] = {
	STR(conf_rate, tariff), SPAN(conf_rate), U64(conf_rate, unit),
	U64(conf_rate, price), END
};
/* The PPP password stays with the parent, which runs pppd. */
static const struct field fields_line[] = {
	STR(conf_line, name), STR(conf_line, device), U32(conf_line, speed),
	U32(conf_line, pulse), LIST(conf_line, init), LIST(conf_line, phone),
	U32(conf_line, ppp), STR(conf_line, ppp_user),
	SECRET(conf_line, ppp_password, DIALERD | SPOOLD | FETCHD),
	LIST(conf_line, ppp_options), STR(conf_line, up),
	STR(conf_line, down), STR(conf_line, tariff), U64(conf_line, window),
	U64(conf_line, answer), U32(conf_line, no_flow),
	STR(conf_line, lock), LIST(conf_line, chat),
	LIST(conf_line, chat_abort), U64(conf_line, chat_timeout),
	STR(conf_line, status), U32(conf_line, skip),
	U32(conf_line, linger), U64(conf_line, margin),
	U64(conf_line, stall), U32(conf_line, conf_line), END
};
static const struct field fields_rule[] = {
	U32(conf_rule, condition), U64(conf_rule, value), SPAN(conf_rule),
	U32(conf_rule, line), END
};
static const struct field fields_hold[] = {
	SPAN(conf_hold), U32(conf_hold, line), END
};
static const struct field fields_dayset[] = {
	U32(conf_dayset, id), LIST(conf_dayset, dates), END
};
static const struct field fields_budget[] = {
	U32(conf_budget, kind), U32(conf_budget, period),
	U64(conf_budget, amount), U64(conf_budget, keep),
	U32(conf_budget, line), END
};

static int
pack_string(struct ibuf *buf, const char *s)
{
	size_t	 len;

	/* 0 is no string at all, so lengths count from 1. */
	if (s == NULL)
		return (ibuf_add_n16(buf, 0));
	if ((len = strlen(s)) > CONF_STRING_MAX) {
		errno = EMSGSIZE;
		return (-1);
	}
	if (ibuf_add_n16(buf, len + 1) == -1)
		return (-1);
	return (ibuf_add(buf, s, len));
}

static int
unpack_string(struct ibuf *buf, char **s)
{
	uint16_t	 len;

	*s = NULL;
	if (ibuf_get_n16(buf, &len) == -1)
		return (-1);
	if (len == 0)
		return (0);
	if (--len > CONF_STRING_MAX) {
		errno = EBADMSG;
		return (-1);
	}
	if ((*s = malloc((size_t)len + 1)) == NULL)
		return (-1);
	if (ibuf_get(buf, *s, len) == -1) {
		free(*s);
		*s = NULL;
		return (-1);
	}
	(*s)[len] = '\0';
	if (strlen(*s) != len) {
		free(*s);
		*s = NULL;
		errno = EBADMSG;
		return (-1);
	}
	return (0);
}

static int
pack_list(struct ibuf *buf, const struct strlist *list)
{
	struct strnode	*n;

	if (ibuf_add_n16(buf, strlist_len(list)) == -1)
		return (-1);
	TAILQ_FOREACH(n, list, entry)
		if (pack_string(buf, n->s) == -1)
			return (-1);
	return (0);
}

static int
unpack_list(struct ibuf *buf, struct strlist *list)
{
	char		*s;
	uint16_t	 n;
	int		 r;

	TAILQ_INIT(list);
	if (ibuf_get_n16(buf, &n) == -1)
		return (-1);
	if (n > CONF_LIST_MAX) {
		errno = EBADMSG;
		return (-1);
	}
	while (n-- > 0) {
		if (unpack_string(buf, &s) == -1)
			return (-1);
		if (s == NULL) {
			errno = EBADMSG;
			return (-1);
		}
		r = strlist_add(list, s);
		free(s);
		if (r == -1)
			return (-1);
	}
	return (0);
}

static int
pack(struct ibuf *buf, const struct field *f, const void *item,
    enum proc_id receiver)
{
	const char	*p;
	int		 r = 0;

	for (; f->kind != FIELD_END && r == 0; f++) {
		p = (const char *)item + f->offset;
		switch (f->kind) {
		case FIELD_STR:
			r = pack_string(buf, f->hide & (1U << receiver) ?
			    NULL : *(char *const *)(const void *)p);
			break;
		case FIELD_U32:
			r = ibuf_add_n32(buf,
			    *(const uint32_t *)(const void *)p);
			break;
		case FIELD_U64:
			r = ibuf_add_n64(buf,
			    *(const uint64_t *)(const void *)p);
			break;
		case FIELD_LIST:
			r = pack_list(buf,
			    (const struct strlist *)(const void *)p);
			break;
		case FIELD_END:
			break;
		}
	}
	return (r);
}

static int
unpack(struct ibuf *buf, const struct field *f, void *item)
{
	char	*p;
	int	 r = 0;

	for (; f->kind != FIELD_END && r == 0; f++) {
		p = (char *)item + f->offset;
		switch (f->kind) {
		case FIELD_STR:
			r = unpack_string(buf, (char **)(void *)p);
			break;
		case FIELD_U32:
			r = ibuf_get_n32(buf, (uint32_t *)(void *)p);
			break;
		case FIELD_U64:
			r = ibuf_get_n64(buf, (uint64_t *)(void *)p);
			break;
		case FIELD_LIST:
			r = unpack_list(buf, (struct strlist *)(void *)p);
			break;
		case FIELD_END:
			break;
		}
	}
	if (r == 0 && ibuf_size(buf) != 0) {
		errno = EBADMSG;
		r = -1;
	}
	return (r);
}

struct sending {
	struct channel		*ch;
	enum proc_id		 receiver;
	const struct conf_fds	*fds;
};

static int
send_item(const struct sending *to, uint32_t type, const struct field *f,
    const void *item, int with_fd)
{
	struct ibuf	*buf;
	int		 fd = -1;

	if ((proto_row(type)->receivers & (1U << to->receiver)) == 0)
		return (0);
	if ((buf = ibuf_dynamic(256, MAX_IMSGSIZE - IMSG_HEADER_SIZE)) == NULL)
		return (-1);
	if (f != NULL && pack(buf, f, item, to->receiver) == -1)
		goto fail;
	if (with_fd) {
		fd = to->fds->open(to->fds->arg, type, item);
		if (fd == CONF_FD_NONE) {
			ibuf_free(buf);
			return (0);
		}
		if (fd == -1)
			goto fail;
	}
	return (channel_send_ibuf(to->ch, type, 0, fd, buf));

fail:
	ibuf_free(buf);
	return (-1);
}

#define SEND_ALL(list, type, fields)					\
	TAILQ_FOREACH(list, &conf->list##s, entry)			\
		if (send_item(&to, type, fields, list, 0) == -1)	\
			return (-1)

int
conf_msg_send(struct channel *ch, enum proc_id receiver,
    const struct conf *conf, const struct conf_fds *fds)
{
	const struct sending	 to = { ch, receiver, fds };
	struct conf_domain	*domain;
	struct conf_pki		*pki;
	struct conf_listener	*listener;
	struct conf_upstream	*upstream;
	struct conf_user	*user;
	struct conf_alias	*alias;
	struct conf_account	*account;
	struct conf_tariff	*tariff;
	struct conf_rate	*rate;
	struct conf_line	*line;
	struct conf_rule	*rule;
	struct conf_hold	*hold;
	struct conf_budget	*budget;
	struct conf_dayset	*dayset;

	if (send_item(&to, PARENT_CONF_GLOBAL, fields_global, &conf->global,
	    0) == -1)
		return (-1);
	SEND_ALL(domain, PARENT_CONF_DOMAIN, fields_domain);
	TAILQ_FOREACH(pki, &conf->pkis, entry)
		if (send_item(&to, PARENT_CONF_PKI, fields_pki, pki, 0) ==
		    -1 ||
		    send_item(&to, PARENT_CONF_PKI_CERT, NULL, pki, 1) ==
		    -1 ||
		    send_item(&to, PARENT_CONF_PKI_KEY, NULL, pki, 1) == -1)
			return (-1);
	TAILQ_FOREACH(listener, &conf->listeners, entry)
		if (send_item(&to, PARENT_CONF_LISTENER, fields_listener,
		    listener, 1) == -1)
			return (-1);
	TAILQ_FOREACH(upstream, &conf->upstreams, entry)
		if (send_item(&to, PARENT_CONF_UPSTREAM, fields_upstream,
		    upstream, 0) == -1 ||
		    send_item(&to, PARENT_CONF_CA, NULL, upstream, 1) == -1)
			return (-1);
	SEND_ALL(user, PARENT_CONF_USER, fields_user);
	TAILQ_FOREACH(alias, &conf->aliases, entry)
		if (send_item(&to, PARENT_CONF_ALIAS, fields_alias, alias,
		    0) == -1)
			return (-1);
	SEND_ALL(account, PARENT_CONF_ACCOUNT, fields_account);
	SEND_ALL(tariff, PARENT_CONF_TARIFF, fields_tariff);
	SEND_ALL(rate, PARENT_CONF_RATE, fields_rate);
	SEND_ALL(line, PARENT_CONF_LINE, fields_line);
	SEND_ALL(rule, PARENT_CONF_RULE, fields_rule);
	SEND_ALL(hold, PARENT_CONF_HOLD, fields_hold);
	SEND_ALL(budget, PARENT_CONF_BUDGET, fields_budget);
	SEND_ALL(dayset, PARENT_CONF_DAYSET, fields_dayset);
	return (0);
}

uint8_t *
conf_read_fd(int fd, size_t max, size_t *len)
{
	struct stat	 st;
	uint8_t		*mem;
	ssize_t		 n;
	size_t		 off = 0, size;

	if (fstat(fd, &st) == -1)
		return (NULL);
	if (!S_ISREG(st.st_mode) || st.st_size < 0 ||
	    (uintmax_t)st.st_size > max) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		return (NULL);
	}
	size = (size_t)st.st_size;
	if ((mem = malloc(size + 1)) == NULL)
		return (NULL);
	while (off < size) {
		n = pread(fd, mem + off, size - off, (off_t)off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			freezero(mem, size + 1);
			return (NULL);
		}
		if (n == 0)
			break;
		off += (size_t)n;
	}
	mem[off] = '\0';
	*len = off;
	return (mem);
}

static int
receive_file(struct imsg *imsg, uint8_t **mem, size_t *len)
{
	int	 fd, error;

	if ((fd = imsg_get_fd(imsg)) == -1 || *mem != NULL) {
		if (fd != -1)
			close(fd);
		errno = EBADMSG;
		return (-1);
	}
	*mem = conf_read_fd(fd, CONF_FILE_MAX, len);
	error = errno;
	close(fd);
	errno = error;
	return (*mem == NULL ? -1 : 0);
}

/* Allocates an item, unpacks it and appends it to its list.  A malformed
 * one goes into the list as well, so that conf_free finds its strings. */
#define RECEIVE(list, type, fields) do {				\
	struct type	*item_;						\
									\
	if ((item_ = calloc(1, sizeof(*item_))) == NULL)		\
		return (-1);						\
	init_lists(item_, fields);					\
	TAILQ_INSERT_TAIL(&conf->list, item_, entry);			\
	return (unpack(&buf, fields, item_));				\
} while (0)

static void
init_lists(void *item, const struct field *f)
{
	for (; f->kind != FIELD_END; f++)
		if (f->kind == FIELD_LIST)
			TAILQ_INIT((struct strlist *)(void *)
			    ((char *)item + f->offset));
}

static int
receive_listener(struct conf *conf, struct imsg *imsg, struct ibuf *buf)
{
	struct conf_listener	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return (-1);
	init_lists(l, fields_listener);
	l->fd = imsg_get_fd(imsg);
	TAILQ_INSERT_TAIL(&conf->listeners, l, entry);
	if (l->fd == -1) {
		errno = EBADMSG;
		return (-1);
	}
	return (unpack(buf, fields_listener, l));
}

static int
receive_with_file(struct conf *conf, struct imsg *imsg)
{
	struct conf_pki		*pki;
	struct conf_upstream	*up;

	switch (imsg_get_type(imsg)) {
	case PARENT_CONF_PKI_CERT:
		if ((pki = TAILQ_LAST(&conf->pkis, conf_pkis)) == NULL)
			break;
		return (receive_file(imsg, &pki->cert_mem, &pki->cert_len));
	case PARENT_CONF_PKI_KEY:
		if ((pki = TAILQ_LAST(&conf->pkis, conf_pkis)) == NULL)
			break;
		return (receive_file(imsg, &pki->key_mem, &pki->key_len));
	case PARENT_CONF_CA:
		if ((up = TAILQ_LAST(&conf->upstreams, conf_upstreams)) ==
		    NULL)
			break;
		return (receive_file(imsg, &up->ca_mem, &up->ca_len));
	}
	errno = EBADMSG;
	return (-1);
}

int
conf_msg_receive(struct conf *conf, struct imsg *imsg)
{
	struct ibuf	 buf;

	switch (imsg_get_type(imsg)) {
	case PARENT_CONF_PKI_CERT:
	case PARENT_CONF_PKI_KEY:
	case PARENT_CONF_CA:
		return (receive_with_file(conf, imsg));
	}
	if (imsg_get_ibuf(imsg, &buf) == -1)
		return (-1);
	switch (imsg_get_type(imsg)) {
	case PARENT_CONF_GLOBAL:
		/* Once, and its hostname tells that it was there. */
		if (conf->global.hostname != NULL ||
		    unpack(&buf, fields_global, &conf->global) == -1)
			break;
		if (conf->global.hostname == NULL)
			break;
		return (0);
	case PARENT_CONF_DOMAIN:
		RECEIVE(domains, conf_domain, fields_domain);
	case PARENT_CONF_PKI:
		RECEIVE(pkis, conf_pki, fields_pki);
	case PARENT_CONF_LISTENER:
		return (receive_listener(conf, imsg, &buf));
	case PARENT_CONF_UPSTREAM:
		RECEIVE(upstreams, conf_upstream, fields_upstream);
	case PARENT_CONF_USER:
		RECEIVE(users, conf_user, fields_user);
	case PARENT_CONF_ALIAS:
		RECEIVE(aliases, conf_alias, fields_alias);
	case PARENT_CONF_ACCOUNT:
		RECEIVE(accounts, conf_account, fields_account);
	case PARENT_CONF_TARIFF:
		RECEIVE(tariffs, conf_tariff, fields_tariff);
	case PARENT_CONF_RATE:
		RECEIVE(rates, conf_rate, fields_rate);
	case PARENT_CONF_LINE:
		RECEIVE(lines, conf_line, fields_line);
	case PARENT_CONF_RULE:
		RECEIVE(rules, conf_rule, fields_rule);
	case PARENT_CONF_HOLD:
		RECEIVE(holds, conf_hold, fields_hold);
	case PARENT_CONF_BUDGET:
		RECEIVE(budgets, conf_budget, fields_budget);
	case PARENT_CONF_DAYSET:
		RECEIVE(daysets, conf_dayset, fields_dayset);
	}
	errno = EBADMSG;
	return (-1);
}
