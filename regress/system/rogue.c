/* See LICENSE for the terms. */
/*
 * A dialerd that does not do what it should: the parent must see to it that
 * the line goes down all the same.  The name of the first line says how it
 * errs.
 */

#include <sys/types.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "log.h"

static struct event	 timer;
static int		 opened, tty = -1;

static void
say(uint32_t type, const char *name)
{
	struct proto_line	 msg;

	memset(&msg, 0, sizeof(msg));
	msg.call = 7;
	strlcpy(msg.name, name, sizeof(msg.name));
	channel_send(child_parent(), type, 0, -1, &msg, sizeof(msg));
}

static const struct conf_line *
line(void)
{
	return (TAILQ_FIRST(&child_conf->lines));
}

static int
is(const char *fault)
{
	return (strcmp(line()->name, fault) == 0);
}

static void
later(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	if (is("stop"))
		say(DIALERD_LINK_STOP, line()->name);
	else if (is("hold"))
		/* As if it were hung up; but the device stays open. */
		say(DIALERD_LINE_CLOSE, line()->name);
}

static void
in(int ms)
{
	struct timeval	 tv = { ms / 1000, ms % 1000 * 1000 };

	evtimer_set(&timer, later, NULL);
	evtimer_add(&timer, &tv);
}

static int
handle_tty(struct channel *ch, struct imsg *imsg, void *arg)
{
	static const char	 dial[] = "ATDT0570001234\r";
	struct proto_line	 msg;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &msg, sizeof(msg)) == -1)
		return (-1);
	tty = imsg_get_fd(imsg);
	log_info("tty error=%u text=\"%s\"", msg.error, msg.text);
	if (msg.error != 0)
		return (0);
	if (is("hold")) {
		if (write(tty, dial, sizeof(dial) - 1) == -1)
			log_warn("dial");
		in(2000);
		return (0);
	}
	say(DIALERD_LINK_START, line()->name);
	if (is("twice"))
		say(DIALERD_LINK_START, line()->name);
	else if (is("stop"))
		in(2000);
	return (0);
}

static int
handle_up(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)imsg;
	(void)arg;
	log_info("link up");
	if (is("close"))
		say(DIALERD_LINE_CLOSE, line()->name);
	else if (is("left"))
		say(DIALERD_LINE_LEFT, line()->name);
	return (0);
}

static int
handle_down(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct proto_line	 msg;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &msg, sizeof(msg)) == -1)
		return (-1);
	log_info("link down: %s", msg.text);
	return (0);
}

static int
handle_ignore(struct channel *ch, struct imsg *imsg, void *arg)
{
	(void)ch;
	(void)imsg;
	(void)arg;
	return (0);
}

/* Once in its life, so that what follows its death is seen in peace. */
static void
peer_up(enum proc_id peer)
{
	if (peer != PROC_SPOOLD || opened++ || is("silent"))
		return;
	say(DIALERD_LINE_OPEN, is("unknown") ? "nowhere" : line()->name);
}

static void
do_nothing(void)
{
}

static const struct channel_row parent_rows[] = {
	{ PARENT_CONTROL,	handle_ignore },
	{ PARENT_LEDGER,	handle_ignore },
	{ PARENT_ARRIVALS,	handle_ignore },
	{ PARENT_LINE_TTY,	handle_tty },
	{ PARENT_LINK_UP,	handle_up },
	{ PARENT_LINK_DOWN,	handle_down },
	{ PROTO_NONE,		NULL }
};

static const struct channel_row peer_rows[] = {
	{ SPOOLD_QUEUE_STATE,	handle_ignore },
	{ SPOOLD_REQUEST,	handle_ignore },
	{ SPOOLD_ARRIVAL,	handle_ignore },
	{ PROTO_NONE,		NULL }
};

static const struct child_ops ops = {
	.self = PROC_DIALERD,
	.parent_rows = parent_rows,
	.peer_rows = {
		[PROC_SPOOLD] = peer_rows,
		[PROC_FETCHD] = peer_rows
	},
	.peer_up = peer_up,
	.shutdown = do_nothing
};

int
main(int argc, char *argv[])
{
	child_run(&ops, argc, argv);
}
