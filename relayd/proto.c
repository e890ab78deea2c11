/* See LICENSE for the terms. */
/* The protocol table: a row per message type. */

#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <errno.h>
#include <string.h>

#include "ctl.h"
#include "imsg.h"
#include "proto.h"

#define PARENT		(1 << PROC_PARENT)
#define SPOOLD		(1 << PROC_SPOOLD)
#define DIALERD		(1 << PROC_DIALERD)
#define FETCHD		(1 << PROC_FETCHD)
#define RELAYCTL	(1 << PROC_RELAYCTL)
#define CHILDREN	(SPOOLD | DIALERD | FETCHD)

#define PAYLOAD_MAX	(MAX_IMSGSIZE - IMSG_HEADER_SIZE)

/* A row whose payload is empty, is one structure, or may vary. */
#define EMPTY(t, s, r)		[t] = { #t, s, r, 0, 0, PROTO_FD_NONE }
#define FIXED(t, s, r, type)						\
	[t] = { #t, s, r, sizeof(type), sizeof(type), PROTO_FD_NONE }
#define FIXED_FD(t, s, r, type, fd)					\
	[t] = { #t, s, r, sizeof(type), sizeof(type), fd }
#define EMPTY_FD(t, s, r)	[t] = { #t, s, r, 0, 0, PROTO_FD_ALWAYS }
#define PACKED(t, s, r)		[t] = { #t, s, r, 1, PAYLOAD_MAX, PROTO_FD_NONE }
#define PACKED_FD(t, s, r)						\
	[t] = { #t, s, r, 1, PAYLOAD_MAX, PROTO_FD_ALWAYS }

static const struct proto_row rows[PROTO_COUNT] = {
	FIXED_FD(PARENT_PEER, PARENT, CHILDREN, uint32_t, PROTO_FD_ALWAYS),
	FIXED(PARENT_LOG_VERBOSE, PARENT, CHILDREN, uint32_t),
	EMPTY(PARENT_SHUTDOWN, PARENT, CHILDREN),
	EMPTY(PARENT_CONF_BEGIN, PARENT, CHILDREN),
	PACKED(PARENT_CONF_GLOBAL, PARENT, CHILDREN),
	PACKED(PARENT_CONF_DOMAIN, PARENT, SPOOLD),
	PACKED(PARENT_CONF_PKI, PARENT, SPOOLD),
	EMPTY_FD(PARENT_CONF_PKI_CERT, PARENT, SPOOLD),
	EMPTY_FD(PARENT_CONF_PKI_KEY, PARENT, SPOOLD),
	PACKED_FD(PARENT_CONF_LISTENER, PARENT, SPOOLD),
	PACKED(PARENT_CONF_UPSTREAM, PARENT, SPOOLD | FETCHD),
	EMPTY_FD(PARENT_CONF_CA, PARENT, SPOOLD | FETCHD),
	PACKED(PARENT_CONF_USER, PARENT, CHILDREN),
	PACKED(PARENT_CONF_ALIAS, PARENT, SPOOLD),
	PACKED(PARENT_CONF_ACCOUNT, PARENT, SPOOLD | FETCHD),
	PACKED(PARENT_CONF_TARIFF, PARENT, DIALERD),
	PACKED(PARENT_CONF_RATE, PARENT, DIALERD),
	PACKED(PARENT_CONF_LINE, PARENT, DIALERD),
	PACKED(PARENT_CONF_RULE, PARENT, DIALERD),
	PACKED(PARENT_CONF_HOLD, PARENT, DIALERD),
	PACKED(PARENT_CONF_BUDGET, PARENT, DIALERD),
	PACKED(PARENT_CONF_DAYSET, PARENT, DIALERD),
	EMPTY(PARENT_CONF_DRAIN, PARENT, CHILDREN),
	EMPTY(PARENT_CONF_DONE, PARENT, CHILDREN),
	EMPTY(PARENT_CONF_ABORT, PARENT, CHILDREN),

	FIXED(CHILD_CONF_READY, CHILDREN, PARENT, uint32_t),

	FIXED(PARENT_AUTH_RESULT, PARENT, SPOOLD, uint32_t),
	FIXED(PARENT_RESOLVED, PARENT, SPOOLD | FETCHD,
	    struct proto_addresses),
	FIXED_FD(PARENT_CONTROL, PARENT, DIALERD, uint32_t, PROTO_FD_ALWAYS),
	EMPTY_FD(PARENT_LEDGER, PARENT, DIALERD),
	EMPTY_FD(PARENT_ARRIVALS, PARENT, DIALERD),
	FIXED_FD(PARENT_LINE_TTY, PARENT, DIALERD, struct proto_line,
	    PROTO_FD_MAYBE),
	FIXED(PARENT_LINK_UP, PARENT, DIALERD, struct proto_line),
	FIXED(PARENT_LINK_DOWN, PARENT, DIALERD, struct proto_line),
	FIXED(PARENT_RELOAD_RESULT, PARENT, DIALERD, struct proto_result),

	FIXED(SPOOLD_AUTH, SPOOLD, PARENT, struct proto_auth),
	FIXED(SPOOLD_RESOLVE, SPOOLD, PARENT, struct proto_host),
	FIXED(SPOOLD_QUEUE_STATE, SPOOLD, DIALERD, struct proto_queue_state),
	FIXED(SPOOLD_PROGRESS, SPOOLD, DIALERD, struct proto_progress),
	FIXED(SPOOLD_REQUEST, SPOOLD, DIALERD, struct proto_result),
	FIXED(SPOOLD_ARRIVAL, SPOOLD, DIALERD, struct proto_arrival),
	FIXED(SPOOLD_USER_SENT, SPOOLD, DIALERD, struct proto_user_sent),
	FIXED(SPOOLD_QUEUE_ENTRY, SPOOLD, DIALERD, struct proto_queue_entry),
	FIXED(SPOOLD_USER_ENTRY, SPOOLD, DIALERD, struct proto_user_entry),
	EMPTY(SPOOLD_LIST_END, SPOOLD, DIALERD),
	FIXED(SPOOLD_MESSAGE, SPOOLD, DIALERD, struct proto_message),
	FIXED(SPOOLD_MESSAGE_RCPT, SPOOLD, DIALERD,
	    struct proto_message_rcpt),
	FIXED(SPOOLD_MESSAGE_RESULT, SPOOLD, DIALERD, struct proto_result),
	PACKED(SPOOLD_SEEN, SPOOLD, FETCHD),
	FIXED(SPOOLD_SEEN_END, SPOOLD, FETCHD, uint32_t),
	FIXED_FD(SPOOLD_DELIVER_READY, SPOOLD, FETCHD,
	    struct proto_deliver_ready, PROTO_FD_MAYBE),
	FIXED(SPOOLD_DELIVER_DONE, SPOOLD, FETCHD, uint32_t),

	EMPTY(DIALERD_RELOAD, DIALERD, PARENT),
	FIXED(DIALERD_LOG_VERBOSE, DIALERD, PARENT, uint32_t),
	FIXED(DIALERD_LINE_OPEN, DIALERD, PARENT, struct proto_line),
	FIXED(DIALERD_LINK_START, DIALERD, PARENT, struct proto_line),
	FIXED(DIALERD_LINK_STOP, DIALERD, PARENT, struct proto_line),
	FIXED(DIALERD_LINE_CLOSE, DIALERD, PARENT, struct proto_line),
	FIXED(DIALERD_LINE_LEFT, DIALERD, PARENT, struct proto_line),
	FIXED(DIALERD_WINDOW_OPEN, DIALERD, SPOOLD | FETCHD,
	    struct proto_window),
	FIXED(DIALERD_WINDOW_CLOSE, DIALERD, SPOOLD | FETCHD,
	    struct proto_window),
	FIXED(DIALERD_WINDOW_BULK, DIALERD, SPOOLD, struct proto_bulk),
	FIXED(DIALERD_KEEP, DIALERD, PARENT, struct proto_keep),
	EMPTY(DIALERD_LIST_QUEUE, DIALERD, SPOOLD),
	EMPTY(DIALERD_LIST_USERS, DIALERD, SPOOLD),
	FIXED(DIALERD_MESSAGE, DIALERD, SPOOLD, struct proto_message_ask),
	FIXED(DIALERD_SHOW_MESSAGE, DIALERD, SPOOLD, uint64_t),

	FIXED(FETCHD_RESOLVE, FETCHD, PARENT, struct proto_host),
	FIXED(FETCHD_PROGRESS, FETCHD, DIALERD, struct proto_progress),
	FIXED(FETCHD_ACCOUNT, FETCHD, DIALERD, struct proto_account_result),
	FIXED(FETCHD_SEEN, FETCHD, SPOOLD, struct proto_account),
	FIXED(FETCHD_FORGET, FETCHD, SPOOLD, struct proto_uid),
	FIXED(FETCHD_DELIVER_OPEN, FETCHD, SPOOLD, struct proto_deliver),
	FIXED(FETCHD_DELIVER_COMMIT, FETCHD, SPOOLD, uint64_t),
	FIXED(FETCHD_DELIVER_ABORT, FETCHD, SPOOLD, uint32_t),

	FIXED(CTL_HELLO, RELAYCTL | DIALERD, DIALERD | RELAYCTL, uint32_t),
	EMPTY(CTL_SHOW_SUMMARY, RELAYCTL, DIALERD),
	EMPTY(CTL_SHOW_QUEUE, RELAYCTL, DIALERD),
	FIXED(CTL_SHOW_CALLS, RELAYCTL, DIALERD, uint32_t),
	EMPTY(CTL_SHOW_USERS, RELAYCTL, DIALERD),
	EMPTY(CTL_SHOW_PLAN, RELAYCTL, DIALERD),
	EMPTY(CTL_SHOW_RULES, RELAYCTL, DIALERD),
	FIXED(CTL_SHOW_CALL_USERS, RELAYCTL, DIALERD, uint32_t),
	EMPTY(CTL_SHOW_ARRIVALS, RELAYCTL, DIALERD),
	FIXED(CTL_SHOW_MESSAGE, RELAYCTL, DIALERD, uint64_t),
	FIXED(CTL_MESSAGE, RELAYCTL, DIALERD, struct proto_message_ask),
	EMPTY(CTL_DIAL, RELAYCTL, DIALERD),
	EMPTY(CTL_HANGUP, RELAYCTL, DIALERD),
	EMPTY(CTL_HOLD, RELAYCTL, DIALERD),
	EMPTY(CTL_RELEASE, RELAYCTL, DIALERD),
	EMPTY(CTL_RELOAD, RELAYCTL, DIALERD),
	FIXED(CTL_LOG_VERBOSE, RELAYCTL, DIALERD, uint32_t),
	FIXED(CTL_RESULT, DIALERD, RELAYCTL, struct proto_result),
	FIXED(CTL_SUMMARY, DIALERD, RELAYCTL, struct ctl_summary),
	FIXED(CTL_QUEUE_ENTRY, DIALERD, RELAYCTL, struct proto_queue_entry),
	FIXED(CTL_CALL_ENTRY, DIALERD, RELAYCTL, struct ctl_call),
	FIXED(CTL_USER_ENTRY, DIALERD, RELAYCTL, struct ctl_user),
	FIXED(CTL_PLAN, DIALERD, RELAYCTL, struct ctl_plan),
	FIXED(CTL_RULE_ENTRY, DIALERD, RELAYCTL, struct ctl_rule),
	FIXED(CTL_CALL_USER_ENTRY, DIALERD, RELAYCTL, struct ctl_call_user),
	[CTL_ARRIVALS] = { "CTL_ARRIVALS", DIALERD, RELAYCTL,
	    sizeof(struct proto_arrival), PAYLOAD_MAX, PROTO_FD_NONE },
	FIXED(CTL_MESSAGE_ENTRY, DIALERD, RELAYCTL, struct proto_message),
	FIXED(CTL_MESSAGE_RCPT, DIALERD, RELAYCTL,
	    struct proto_message_rcpt),
	EMPTY(CTL_END, DIALERD, RELAYCTL),
};

const struct proto_row *
proto_row(uint32_t type)
{
	if (type >= PROTO_COUNT || rows[type].name == NULL)
		return (NULL);
	return (&rows[type]);
}

const char *
proto_proc_name(enum proc_id id)
{
	static const char *const names[PROC_COUNT] = {
		"parent", "spoold", "dialerd", "fetchd", "relayctl"
	};

	return ((unsigned int)id < PROC_COUNT ? names[id] : "?");
}

int
proto_check(uint32_t type, enum proc_id sender, enum proc_id receiver,
    size_t len)
{
	const struct proto_row	*row;

	if ((row = proto_row(type)) == NULL) {
		errno = EINVAL;
		return (-1);
	}
	if ((row->senders & (1U << sender)) == 0 ||
	    (row->receivers & (1U << receiver)) == 0) {
		errno = EPERM;
		return (-1);
	}
	if (len < row->min || len > row->max) {
		errno = EMSGSIZE;
		return (-1);
	}
	return (0);
}

int
proto_seen_add(struct ibuf *buf, const char *uid, int64_t when)
{
	size_t	 len = strlen(uid);

	if (len == 0 || len >= PROTO_UID_MAX) {
		errno = EINVAL;
		return (-1);
	}
	if (ibuf_add_n8(buf, len) == -1 || ibuf_add(buf, uid, len) == -1 ||
	    ibuf_add_n64(buf, (uint64_t)when) == -1)
		return (-1);
	return (0);
}

int
proto_seen_get(struct ibuf *buf, char *uid, size_t size, int64_t *when)
{
	uint64_t	 t;
	uint8_t		 len;

	if (ibuf_size(buf) == 0)
		return (1);
	if (ibuf_get_n8(buf, &len) == -1)
		return (-1);
	if (len == 0 || len >= size) {
		errno = EBADMSG;
		return (-1);
	}
	if (ibuf_get(buf, uid, len) == -1 || ibuf_get_n64(buf, &t) == -1)
		return (-1);
	uid[len] = '\0';
	if (strlen(uid) != len) {
		errno = EBADMSG;
		return (-1);
	}
	*when = (int64_t)t;
	return (0);
}

socklen_t
proto_address_len(const struct sockaddr_storage *ss)
{
	switch (ss->ss_family) {
	case AF_INET:
		return (sizeof(struct sockaddr_in));
	case AF_INET6:
		return (sizeof(struct sockaddr_in6));
	default:
		return (0);
	}
}
