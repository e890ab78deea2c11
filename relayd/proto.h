/*
 * The protocol between the processes.  Types are named after their sender;
 * proto.c has a row for each: who may send it to whom, how large it may be
 * and whether a descriptor comes with it.  Payloads are structures without
 * pointers, or byte strings built and read by paired functions.
 */
#ifndef RELAYD_PROTO_H
#define RELAYD_PROTO_H

#include <sys/types.h>
#include <sys/socket.h>
#include <stdint.h>

#define PROTO_VERSION		2	/* relayctl and dialerd must agree */

enum proc_id {
	PROC_PARENT,
	PROC_SPOOLD,
	PROC_DIALERD,
	PROC_FETCHD,
	PROC_RELAYCTL,
	PROC_COUNT
};

enum proto_type {
	PROTO_NONE,

	/* The parent, to every child. */
	PARENT_PEER,		/* + fd: pipe to another child; uint32 peer */
	PARENT_LOG_VERBOSE,	/* uint32: 0 or 1 */
	PARENT_SHUTDOWN,	/* finish and exit */
	PARENT_CONF_BEGIN,	/* a new configuration follows */
	PARENT_CONF_GLOBAL,	/* struct conf_global, as conf_msg.c packs it */
	PARENT_CONF_DOMAIN,	/* ... and so each of the next */
	PARENT_CONF_PKI,
	PARENT_CONF_PKI_CERT,	/* + fd: of the newest PKI */
	PARENT_CONF_PKI_KEY,	/* + fd */
	PARENT_CONF_LISTENER,	/* + fd: the bound socket */
	PARENT_CONF_UPSTREAM,
	PARENT_CONF_CA,		/* + fd: trust of the newest upstream */
	PARENT_CONF_USER,
	PARENT_CONF_ALIAS,
	PARENT_CONF_ACCOUNT,
	PARENT_CONF_TARIFF,
	PARENT_CONF_RATE,
	PARENT_CONF_LINE,
	PARENT_CONF_RULE,
	PARENT_CONF_HOLD,
	PARENT_CONF_BUDGET,
	PARENT_CONF_DAYSET,
	PARENT_CONF_DRAIN,	/* that was all: answer READY; id */
	PARENT_CONF_DONE,	/* every child is ready: swap */
	PARENT_CONF_ABORT,	/* some child is not: forget it */

	/* Any child, to the parent. */
	CHILD_CONF_READY,	/* uint32: 0, or an errno; id of DRAIN */

	/* The parent, to one. */
	PARENT_AUTH_RESULT,	/* spoold: uint32, enum proto_auth_result; id
				 * of the request */
	PARENT_RESOLVED,	/* spoold, fetchd: struct proto_addresses */
	PARENT_CONTROL,		/* dialerd: + fd, bound; uint32 read-only */
	PARENT_LEDGER,		/* dialerd: + fd, read, write and append */
	PARENT_ARRIVALS,	/* dialerd: + fd, read, write and append */
	PARENT_LINE_TTY,	/* dialerd: + fd if any; struct proto_line */
	PARENT_LINK_UP,		/* dialerd: struct proto_line */
	PARENT_LINK_DOWN,	/* dialerd: struct proto_line, with reason */
	PARENT_RELOAD_RESULT,	/* dialerd: struct proto_result; same id */

	/* spoold */
	SPOOLD_AUTH,		/* parent: struct proto_auth */
	SPOOLD_RESOLVE,		/* parent: struct proto_host */
	SPOOLD_QUEUE_STATE,	/* dialerd: struct proto_queue_state */
	SPOOLD_PROGRESS,	/* dialerd: struct proto_progress */
	SPOOLD_REQUEST,		/* dialerd: struct proto_result: somebody on
				 * the LAN (ETRN) wants a call; text: who */
	SPOOLD_ARRIVAL,		/* dialerd: struct proto_arrival: a message
				 * for the line was queued */
	SPOOLD_USER_SENT,	/* dialerd: struct proto_user_sent: in this
				 * window, at its end; before the progress
				 * that says closed */
	SPOOLD_QUEUE_ENTRY,	/* dialerd: struct proto_queue_entry; id */
	SPOOLD_USER_ENTRY,	/* dialerd: struct proto_user_entry; id */
	SPOOLD_LIST_END,	/* dialerd: end of the list of that id */
	SPOOLD_MESSAGE,		/* dialerd: struct proto_message; id */
	SPOOLD_MESSAGE_RCPT,	/* dialerd: struct proto_message_rcpt; id */
	SPOOLD_MESSAGE_RESULT,	/* dialerd: struct proto_result; id of a
				 * DIALERD_MESSAGE or SHOW_MESSAGE */
	SPOOLD_SEEN,		/* fetchd: proto_seen_add entries; id */
	SPOOLD_SEEN_END,	/* fetchd: uint32 0 or errno; id */
	SPOOLD_DELIVER_READY,	/* fetchd: + fd; struct proto_deliver_ready */
	SPOOLD_DELIVER_DONE,	/* fetchd: uint32 0 or errno; durable if 0 */

	/* dialerd */
	DIALERD_RELOAD,		/* parent: id */
	DIALERD_LOG_VERBOSE,	/* parent: uint32 */
	DIALERD_LINE_OPEN,	/* parent: struct proto_line */
	DIALERD_LINK_START,	/* parent: struct proto_line */
	DIALERD_LINK_STOP,	/* parent: struct proto_line */
	DIALERD_LINE_CLOSE,	/* parent: struct proto_line */
	DIALERD_LINE_LEFT,	/* parent: struct proto_line: a crash left its
				 * call open; LINK_DOWN answers it */
	DIALERD_WINDOW_OPEN,	/* spoold, fetchd: struct proto_window */
	DIALERD_WINDOW_CLOSE,	/* spoold, fetchd: struct proto_window */
	DIALERD_WINDOW_BULK,	/* spoold: struct proto_bulk, at the opening
				 * and whenever it changes */
	DIALERD_KEEP,		/* parent: struct proto_keep; dialerd has
				 * closed the file, and is given it anew */
	DIALERD_LIST_QUEUE,	/* spoold: id */
	DIALERD_LIST_USERS,	/* spoold: id */
	DIALERD_MESSAGE,	/* spoold: struct proto_message_ask; id */
	DIALERD_SHOW_MESSAGE,	/* spoold: uint64 message; id: MESSAGE, its
				 * RCPTs and LIST_END, or a RESULT */

	/* fetchd */
	FETCHD_RESOLVE,		/* parent: struct proto_host */
	FETCHD_PROGRESS,	/* dialerd: struct proto_progress */
	FETCHD_ACCOUNT,		/* dialerd: struct proto_account_result */
	FETCHD_SEEN,		/* spoold: struct proto_account; id */
	FETCHD_FORGET,		/* spoold: struct proto_uid: gone upstream */
	FETCHD_DELIVER_OPEN,	/* spoold: struct proto_deliver; id */
	FETCHD_DELIVER_COMMIT,	/* spoold: uint64 size of the whole; id */
	FETCHD_DELIVER_ABORT,	/* spoold: uint32 1: keep what is there; id */

	/* relayctl, to dialerd; dialerd, to relayctl */
	CTL_HELLO,		/* uint32 PROTO_VERSION */
	CTL_SHOW_SUMMARY,
	CTL_SHOW_QUEUE,
	CTL_SHOW_CALLS,		/* uint32: how many of the newest; 0: all */
	CTL_SHOW_USERS,
	CTL_SHOW_PLAN,
	CTL_SHOW_RULES,
	CTL_SHOW_CALL_USERS,	/* uint32: of how many of the newest calls */
	CTL_SHOW_ARRIVALS,
	CTL_SHOW_MESSAGE,	/* uint64 */
	CTL_MESSAGE,		/* struct proto_message_ask */
	CTL_DIAL,
	CTL_HANGUP,
	CTL_HOLD,
	CTL_RELEASE,
	CTL_RELOAD,
	CTL_LOG_VERBOSE,	/* uint32 */
	CTL_RESULT,		/* struct proto_result */
	CTL_SUMMARY,		/* struct ctl_summary (ctl.h) */
	CTL_QUEUE_ENTRY,	/* struct proto_queue_entry */
	CTL_CALL_ENTRY,		/* struct ctl_call (ctl.h) */
	CTL_USER_ENTRY,		/* struct ctl_user (ctl.h) */
	CTL_PLAN,		/* struct ctl_plan (ctl.h) */
	CTL_RULE_ENTRY,		/* struct ctl_rule (ctl.h) */
	CTL_CALL_USER_ENTRY,	/* struct ctl_call_user (ctl.h) */
	CTL_ARRIVALS,		/* struct proto_arrival, one or more */
	CTL_MESSAGE_ENTRY,	/* struct proto_message */
	CTL_MESSAGE_RCPT,	/* struct proto_message_rcpt */
	CTL_END,

	PROTO_COUNT
};

/* Sizes of fixed string fields, the NUL included. */
#define PROTO_NAME_MAX		128	/* users, accounts, lines */
#define PROTO_ADDRESS_MAX	321	/* RFC 5321 4.5.3.1: 64 + 1 + 255 */
#define PROTO_HOST_MAX		256
/* RFC 1939 7 has a UIDL of 1 to 70, but some servers give a file's name. */
#define PROTO_UID_MAX		256
#define PROTO_TEXT_MAX		256
#define PROTO_PASSWORD_MAX	512
#define PROTO_ADDRESSES		8

struct proto_result {
	uint32_t		 error;		/* 0, or an errno */
	char			 text[PROTO_TEXT_MAX];	/* for the operator */
};

struct proto_auth {
	char			 user[PROTO_NAME_MAX];
	char			 password[PROTO_PASSWORD_MAX];
};

/* A client that hears of a wrong password forgets the one it has: what could
 * not be checked is something else. */
enum proto_auth_result {
	PROTO_AUTH_WRONG,
	PROTO_AUTH_RIGHT,
	PROTO_AUTH_UNKNOWN	/* it could not be checked */
};

struct proto_host {
	char			 host[PROTO_HOST_MAX];
	uint32_t		 port;
	uint32_t		 fresh;	/* 1: the remembered ones failed */
};

struct proto_addresses {
	uint32_t		 error;	/* 0, or EAI_* made positive */
	uint32_t		 count;
	struct sockaddr_storage	 address[PROTO_ADDRESSES]; /* port set */
};

/* The call that a message about the line belongs to. */
struct proto_line {
	uint64_t		 call;		/* number in the ledger */
	char			 name[PROTO_NAME_MAX];
	uint32_t		 error;		/* 0, or an errno */
	char			 text[PROTO_TEXT_MAX];	/* the reason */
};

struct proto_window {
	uint64_t		 call;
	uint64_t		 seconds;	/* open: longest it may last */
};

/*
 * What waits for the line.  Bulk mail and mail held by the operator are not
 * in the first counts: they cause no call.  Urgent mail is in them too.
 */
struct proto_queue_state {
	uint64_t		 messages;
	uint64_t		 bytes;
	int64_t			 oldest;	/* time_t; 0: none */
	uint64_t		 received_sum;	/* of their time_t */
	uint64_t		 urgent;	/* messages */
	uint64_t		 urgent_bytes;
	int64_t			 urgent_oldest;	/* time_t; 0: none */
	int64_t			 deadline;	/* nearest time_t; 0: none */
	uint64_t		 bulk;		/* messages */
	uint64_t		 bulk_bytes;
	uint64_t		 held;		/* messages, by the operator */
};

enum proto_class { PROTO_NORMAL, PROTO_URGENT, PROTO_BULK };

struct proto_arrival {			/* for relayctl simulate */
	int64_t			 time;		/* time_t */
	uint64_t		 bytes;
	int64_t			 deadline;	/* time_t; 0: none */
	uint32_t		 class;		/* enum proto_class */
};

struct proto_user_sent {
	uint64_t		 call;
	uint64_t		 bytes;		/* of messages */
	uint32_t		 messages;
	char			 user[PROTO_NAME_MAX];	/* "" is nobody here */
};

/* How much bulk mail may still pass in this window, that included which is
 * under way: what fits into time that is paid for. */
struct proto_bulk {
	uint64_t		 call;
	uint64_t		 bytes;		/* UINT64_MAX: all of it */
};

struct proto_progress {
	uint64_t		 call;
	uint32_t		 busy;		/* 0: nothing left to do */
	uint32_t		 closed;	/* 1: connections are down */
	uint32_t		 messages;	/* done in this window */
	uint32_t		 failed;	/* refused, bounced, errors */
	uint32_t		 todo;		/* messages left, if known */
	uint64_t		 todo_bytes;
	uint64_t		 message_bytes;	/* of messages done */
	uint64_t		 repeated;	/* bytes moved that were moved
					 * before, and lost */
	uint64_t		 urgent;	/* bytes of urgent mail to do */
	uint64_t		 bulk;		/* bytes of bulk mail to do, not
					 * in todo */
	uint64_t		 bulk_room;	/* may still be begun, by what
					 * dialerd has said last */
	uint64_t		 bytes_in;	/* on the wire, TLS included */
	uint64_t		 bytes_out;
};

/* Of one of dialerd's files only what is from there on is still wanted. */
enum proto_keep_file { PROTO_KEEP_LEDGER, PROTO_KEEP_ARRIVALS };

struct proto_keep {
	uint64_t		 from;		/* a line begins there */
	uint32_t		 file;		/* enum proto_keep_file */
};

struct proto_queue_entry {	/* one recipient of one message */
	uint64_t		 id;
	uint64_t		 size;
	int64_t			 received;	/* time_t */
	int64_t			 deadline;	/* time_t; 0: none */
	uint32_t		 windows;	/* in which it was tried */
	uint32_t		 class;		/* enum proto_class */
	uint32_t		 held;		/* by the operator */
	char			 sender[PROTO_ADDRESS_MAX];
	char			 recipient[PROTO_ADDRESS_MAX];
	char			 status[PROTO_TEXT_MAX]; /* upstream's words */
};

/* What the operator wants of messages that wait for the line, and of which. */
enum proto_message_action {
	PROTO_MESSAGE_HOLD,
	PROTO_MESSAGE_RELEASE,
	PROTO_MESSAGE_REMOVE,
	PROTO_MESSAGE_URGENT,
	PROTO_MESSAGE_NORMAL,
	PROTO_MESSAGE_BULK,
	PROTO_MESSAGE_REQUEUE,	/* tried anew, as if it never had been */
	PROTO_MESSAGE_ACTIONS
};
enum proto_message_select {
	PROTO_MESSAGE_ID,
	PROTO_MESSAGE_FROM,	/* address */
	PROTO_MESSAGE_TO,	/* address; of its recipients, only that */
	PROTO_MESSAGE_ALL,
	PROTO_MESSAGE_SELECTS
};
struct proto_message_ask {
	uint64_t		 id;
	uint32_t		 action;	/* enum proto_message_action */
	uint32_t		 select;	/* enum proto_message_select */
	char			 address[PROTO_ADDRESS_MAX];
};

struct proto_message {		/* all of one message but its recipients */
	uint64_t		 id;
	uint64_t		 size;
	int64_t			 received;	/* time_t */
	int64_t			 deadline;	/* time_t; 0: none */
	int32_t			 priority;
	uint32_t		 class;		/* enum proto_class */
	uint32_t		 held;
	uint32_t		 returned;	/* after the deadline */
	uint32_t		 late;		/* ... was told to be so */
	uint32_t		 sending;	/* right now */
	uint32_t		 recipients;
	char			 sender[PROTO_ADDRESS_MAX];
	char			 user[PROTO_NAME_MAX];	/* "" is nobody here */
};

enum proto_rcpt_state {
	PROTO_RCPT_WAITING,
	PROTO_RCPT_SENT,
	PROTO_RCPT_BOUNCED,
	PROTO_RCPT_REMOVED
};
struct proto_message_rcpt {
	int64_t			 marked;	/* time_t of status; 0: none */
	uint32_t		 state;		/* enum proto_rcpt_state */
	uint32_t		 windows;	/* in which it was tried */
	char			 recipient[PROTO_ADDRESS_MAX];
	char			 user[PROTO_NAME_MAX];	/* "" is the line */
	char			 status[PROTO_TEXT_MAX]; /* upstream's words */
};

struct proto_user_entry {
	char			 name[PROTO_NAME_MAX];
	uint64_t		 messages;	/* in the mailbox */
	uint64_t		 bytes;
};

struct proto_account_result {
	char			 account[PROTO_NAME_MAX];
	char			 user[PROTO_NAME_MAX];
	uint32_t		 messages;	/* fetched in this window */
	uint32_t		 error;		/* 0: all of it went well */
	uint64_t		 bytes;
	int64_t			 finished;	/* time_t */
	char			 text[PROTO_TEXT_MAX];	/* what went wrong */
};

struct proto_account {
	char			 account[PROTO_NAME_MAX];
	uint32_t		 uidvalidity;	/* uids mean the same while
						 * this is the same */
};

struct proto_uid {
	char			 account[PROTO_NAME_MAX];
	uint32_t		 uidvalidity;
	char			 uid[PROTO_UID_MAX]; /* UIDL, or IMAP UID */
};

struct proto_deliver {
	struct proto_uid	 uid;
	uint64_t		 size;		/* as upstream says; 0: not */
	uint32_t		 resumable;	/* can go on at an offset */
};

struct proto_deliver_ready {
	uint32_t		 error;		/* 0; EEXIST: fetched before */
	uint64_t		 offset;	/* bytes that are there */
};

/* Bytes of an address of IPv4 or IPv6; 0: it is of another family. */
socklen_t	 proto_address_len(const struct sockaddr_storage *);

struct ibuf;
/*
 * One entry of a SPOOLD_SEEN payload: a uid and when it was fetched (time_t).
 * Both return 0, or -1 with errno; get returns 1 at the end of the payload.
 */
int	 proto_seen_add(struct ibuf *, const char *, int64_t);
int	 proto_seen_get(struct ibuf *, char *, size_t, int64_t *);

struct proto_row {
	const char		*name;
	uint32_t		 senders;	/* 1 << enum proc_id */
	uint32_t		 receivers;
	size_t			 min;		/* payload bytes */
	size_t			 max;
	int			 fd;		/* PROTO_FD_* */
};
#define PROTO_FD_NONE		0
#define PROTO_FD_ALWAYS		1
#define PROTO_FD_MAYBE		2

/* The row of a type, or NULL when there is no such type. */
const struct proto_row	*proto_row(uint32_t type);
/* "parent", "spoold", ... */
const char		*proto_proc_name(enum proc_id);
/*
 * Checks a message that came from sender against its row: 0, or -1 with
 * errno EPERM (wrong sender or receiver), EMSGSIZE, or EINVAL (no such
 * type).  Whether the descriptor is there the dispatcher sees itself.
 */
int	 proto_check(uint32_t type, enum proc_id sender,
	    enum proc_id receiver, size_t len);

#endif
