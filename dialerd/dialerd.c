/* See LICENSE for the terms. */
/*
 * The process that owns the line: what it is told by the others, and its
 * start.
 */
#include <sys/types.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chat.h"
#include "child.h"
#include "control.h"
#include "dialerd.h"
#include "dialerd_private.h"
#include "log.h"
#include "modem.h"
#include "platform.h"

struct dialerd	 dialerd;

uint64_t
dialerd_mono(void)
{
	struct timespec	 ts;

	/* Asleep it is still paid for, and waited for. */
	platform_clock(&ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 +
	    1);
}

struct facts_now
dialerd_now(void)
{
	struct facts_now	 now;

	now.wall = time(NULL);
	now.mono = (int64_t)(dialerd_mono() / 1000);
	return (now);
}

/* --- messages --- */

static int
handle_control(struct channel *ch, struct imsg *imsg, void *arg)
{
	uint32_t	 readonly;
	int		 fd;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &readonly, sizeof(readonly)) == -1 ||
	    (fd = imsg_get_fd(imsg)) == -1)
		return (-1);
	control_listen(fd, readonly != 0);
	return (0);
}

static int
handle_ledger(struct channel *ch, struct imsg *imsg, void *arg)
{
	int	 fd;

	(void)ch;
	(void)arg;
	if ((fd = imsg_get_fd(imsg)) == -1)
		return (-1);
	plan_ledger(fd);
	return (0);
}

static int
handle_arrivals(struct channel *ch, struct imsg *imsg, void *arg)
{
	int	 fd;

	(void)ch;
	(void)arg;
	if ((fd = imsg_get_fd(imsg)) == -1)
		return (-1);
	if (dialerd.arrivals != NULL ||
	    (dialerd.arrivals = arrivals_new(fd)) == NULL) {
		log_warn("arrivals");
		close(fd);
	}
	return (0);
}

static int
get_line(struct imsg *imsg, struct proto_line *line)
{
	if (imsg_get_data(imsg, line, sizeof(*line)) == -1 ||
	    memchr(line->name, '\0', sizeof(line->name)) == NULL ||
	    memchr(line->text, '\0', sizeof(line->text)) == NULL)
		return (-1);
	return (0);
}

static int
handle_line_tty(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_line	 line;

	(void)ch;
	(void)arg;
	if (get_line(imsg, &line) == -1)
		return (-1);
	window_line_tty(dialerd.window, &line, imsg_get_fd(imsg));
	return (0);
}

static int
handle_link_up(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_line	 line;

	(void)ch;
	(void)arg;
	if (get_line(imsg, &line) == -1)
		return (-1);
	window_link_up(dialerd.window, &line);
	return (0);
}

static int
handle_link_down(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_line	 line;

	(void)ch;
	(void)arg;
	if (get_line(imsg, &line) == -1)
		return (-1);
	if (dialerd.unfinished.call != 0 &&
	    line.call == dialerd.unfinished.call)
		plan_line_down(line.call);
	else
		window_link_down(dialerd.window, &line);
	return (0);
}

static int
handle_queue_state(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_queue_state	 queue;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &queue, sizeof(queue)) == -1 ||
	    facts_queue(&dialerd.facts, &queue, dialerd_now()) == -1)
		return (-1);
	window_queue(dialerd.window, queue.messages);
	plan_soon();
	return (0);
}

static int
handle_progress(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_progress	 progress;

	(void)arg;
	if (imsg_get_data(imsg, &progress, sizeof(progress)) == -1)
		return (-1);
	window_progress(dialerd.window, ch->peer, &progress);
	return (0);
}

static int
handle_request(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_result	 r;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &r, sizeof(r)) == -1 ||
	    memchr(r.text, '\0', sizeof(r.text)) == NULL)
		return (-1);
	log_info("a call is asked for by %s", r.text);
	if (!window_active(dialerd.window) && !dialerd.stopping &&
	    facts_request(&dialerd.facts, r.text) == 0)
		plan_soon();
	return (0);
}

static void
note_user(const struct ctl_call_user *u)
{
	/* What comes late is of a call that is over. */
	if (dialerd.ledger == NULL || !window_active(dialerd.window) ||
	    u->call != dialerd.call_id || (u->sent == 0 && u->fetched == 0))
		return;
	if (ledger_user(dialerd.ledger, u, time(NULL)) == -1)
		log_warn("ledger: user %s", u->user);
}

void
dialerd_account(const struct proto_account_result *r)
{
	struct ctl_call_user	 u;

	memset(&u, 0, sizeof(u));
	u.call = dialerd.call_id;
	u.fetched = r->messages;
	u.fetched_bytes = r->bytes;
	strlcpy(u.user, r->user, sizeof(u.user));
	note_user(&u);
}

static int
handle_arrival(struct channel *ch, struct imsg *imsg, void *arg)
{
	static int		 missing;
	struct proto_arrival	 a;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &a, sizeof(a)) == -1 ||
	    a.class > PROTO_BULK || a.time < 0 || a.deadline < 0)
		return (-1);
	if (dialerd.arrivals == NULL || arrivals_add(dialerd.arrivals, &a) == 0)
		missing = 0;
	else if (!missing++)
		log_warn("arrivals");	/* once for all that is missing */
	return (0);
}

static int
handle_user_sent(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_user_sent	 s;
	struct ctl_call_user	 u;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &s, sizeof(s)) == -1 ||
	    memchr(s.user, '\0', sizeof(s.user)) == NULL)
		return (-1);
	memset(&u, 0, sizeof(u));
	u.call = s.call;
	u.sent = s.messages;
	u.sent_bytes = s.bytes;
	strlcpy(u.user, s.user, sizeof(u.user));
	note_user(&u);
	return (0);
}

static const struct channel_row parent_rows[] = {
	{ PARENT_CONTROL,	handle_control },
	{ PARENT_LEDGER,	handle_ledger },
	{ PARENT_ARRIVALS,	handle_arrivals },
	{ PARENT_LINE_TTY,	handle_line_tty },
	{ PARENT_LINK_UP,	handle_link_up },
	{ PARENT_LINK_DOWN,	handle_link_down },
	{ PARENT_RELOAD_RESULT,	control_handle_result },
	{ PROTO_NONE,		NULL }
};

static const struct channel_row spoold_rows[] = {
	{ SPOOLD_QUEUE_STATE,	handle_queue_state },
	{ SPOOLD_PROGRESS,	handle_progress },
	{ SPOOLD_REQUEST,	handle_request },
	{ SPOOLD_ARRIVAL,	handle_arrival },
	{ SPOOLD_USER_SENT,	handle_user_sent },
	{ SPOOLD_QUEUE_ENTRY,	control_handle_queue_entry },
	{ SPOOLD_USER_ENTRY,	control_handle_user_entry },
	{ SPOOLD_LIST_END,	control_handle_list_end },
	{ SPOOLD_MESSAGE,	control_handle_message },
	{ SPOOLD_MESSAGE_RCPT,	control_handle_message_rcpt },
	{ SPOOLD_MESSAGE_RESULT, control_handle_result },
	{ PROTO_NONE,		NULL }
};

static const struct channel_row fetchd_rows[] = {
	{ FETCHD_PROGRESS,	handle_progress },
	{ FETCHD_ACCOUNT,	control_handle_account },
	{ PROTO_NONE,		NULL }
};

/* --- what all children do --- */

/* The modem's and the chat's own checks, and the tariff's limits. */
static int
check_line(const struct conf *conf, const struct conf_line *cl)
{
	struct window_line	 line;
	struct strnode		*node;
	struct modem		 modem;
	struct chat		 chat;

	if (lines_take(&line, conf, cl) == -1)
		return (-1);
	if (cl->device == NULL)
		return (0);
	TAILQ_FOREACH(node, &cl->phone, entry) {
		if (modem_dial(&modem, &cl->init, node->s, line.pulse,
		    line.answer) == -1)
			return (-1);
	}
	if (chat_start(&chat, &cl->chat, &cl->chat_abort,
	    cl->chat_timeout) == -1)
		return (-1);
	chat_free(&chat);
	return (0);
}

static int
dialerd_prepare(struct conf *conf)
{
	const struct conf_line	*line;

	TAILQ_FOREACH(line, &conf->lines, entry) {
		if (check_line(conf, line) == -1) {
			log_warn("line %s", line->name);
			return (errno);
		}
	}
	return (0);
}

static void
dialerd_swap(struct conf *conf)
{
	(void)conf;
	/* A call in progress has its own copy of its line. */
	plan_soon();
}

static void
dialerd_peer_up(enum proc_id peer)
{
	(void)peer;
	plan_soon();
}

static void
dialerd_peer_down(enum proc_id peer)
{
	window_peer_down(dialerd.window, peer);
	if (peer == PROC_SPOOLD) {
		control_spoold_down();
		/* It says anew how the queue stands when it is back. */
		memset(&dialerd.facts.queue, 0,
		    sizeof(dialerd.facts.queue));
	}
	plan_soon();
}

static void
dialerd_shutdown(void)
{
	dialerd.stopping = 1;
	if (!window_active(dialerd.window))
		child_exit();
	window_end(dialerd.window, "shutdown", "relayd is stopping");
}

static const struct child_ops child = {
	.self = PROC_DIALERD,
	.parent_rows = parent_rows,
	.peer_rows = {
		[PROC_SPOOLD] = spoold_rows,
		[PROC_FETCHD] = fetchd_rows
	},
	.prepare = dialerd_prepare,
	.swap = dialerd_swap,
	.peer_up = dialerd_peer_up,
	.peer_down = dialerd_peer_down,
	.shutdown = dialerd_shutdown
};

int
main(int argc, char *argv[])
{
	facts_start(&dialerd.facts, dialerd_now());
	if (call_init() == -1)
		fatal("window");
	child_run(&child, argc, argv);
}
