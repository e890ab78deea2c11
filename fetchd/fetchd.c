/* See LICENSE for the terms. */
/*
 * fetchd: while a window is open, fetches the users' mail from upstream by
 * POP3 and IMAP.  It opens no file: it writes messages into descriptors that
 * spoold hands it, and only what spoold says is durable is deleted upstream.
 */

#include <tls.h>

#include "ask.h"
#include "child.h"
#include "delivery.h"
#include "known.h"
#include "log.h"
#include "schedule.h"

static int
handle_window_open(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_window	 window;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &window, sizeof(window)) == -1)
		return (-1);
	schedule_open(window.call, child_conf);
	return (0);
}

static int
handle_window_close(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_window	 window;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &window, sizeof(window)) == -1)
		return (-1);
	schedule_close();
	return (0);
}

static const struct channel_row parent_rows[] = {
	{ PARENT_RESOLVED,	ask_handle_resolved },
	{ PROTO_NONE,		NULL }
};

static const struct channel_row spoold_rows[] = {
	{ SPOOLD_SEEN,		delivery_handle_seen },
	{ SPOOLD_SEEN_END,	delivery_handle_seen_end },
	{ SPOOLD_DELIVER_READY,	delivery_handle_ready },
	{ SPOOLD_DELIVER_DONE,	delivery_handle_done },
	{ PROTO_NONE,		NULL }
};

static const struct channel_row dialerd_rows[] = {
	{ DIALERD_WINDOW_OPEN,	handle_window_open },
	{ DIALERD_WINDOW_CLOSE,	handle_window_close },
	{ PROTO_NONE,		NULL }
};

static void
fetchd_peer_down(enum proc_id peer)
{
	switch (peer) {
	case PROC_SPOOLD:
		/* What is open is lost; the accounts fail by it. */
		delivery_peer_down();
		break;
	case PROC_DIALERD:
		/* No one times the line any more. */
		schedule_close();
		break;
	default:
		break;
	}
}

static void
fetchd_shutdown(void)
{
	schedule_shutdown(child_exit);
}

static const struct child_ops fetchd_ops = {
	.self = PROC_FETCHD,
	.begin = known_begin,
	.parent_rows = parent_rows,
	.peer_rows = {
		[PROC_SPOOLD] = spoold_rows,
		[PROC_DIALERD] = dialerd_rows
	},
	.peer_down = fetchd_peer_down,
	.shutdown = fetchd_shutdown
};

int
main(int argc, char *argv[])
{
	/* The tables of libtls, while files can still be opened. */
	if (tls_init() == -1)
		fatalx("tls_init");
	child_run(&fetchd_ops, argc, argv);
}
