/* See LICENSE for the terms. */
/* relayctl: the operator's command. */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "config.h"
#include "imsg.h"
#include "proto.h"
#include "sendmail.h"
#include "show.h"

/* dialerd gives others 30 s for their part of an answer. */
#define ANSWER_WAIT	35	/* seconds */

static struct imsgbuf		 ibuf;
static const struct show	*out = &show_text;

static int
socket_open(const char *path)
{
	struct timeval		 tv = { ANSWER_WAIT, 0 };
	struct sockaddr_un	 sun;
	int			 fd, error;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		errx(1, "%s: path too long", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	/* connect, too, waits for a dialerd that does not accept. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == -1)
		err(1, "setsockopt");
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		error = errno;
		close(fd);
		errno = error;
		return (-1);
	}
	return (fd);
}

/* Those who may only look have a socket of their own. */
static int
is_show(uint32_t type)
{
	return (type == CTL_SHOW_SUMMARY || type == CTL_SHOW_QUEUE ||
	    type == CTL_SHOW_CALLS || type == CTL_SHOW_USERS ||
	    type == CTL_SHOW_MESSAGE);
}

static void
connect_daemon(const char *path, uint32_t type)
{
	int	 fd;

	if (path == NULL) {
		path = CONTROL_SOCKET;
		fd = socket_open(path);
		if (fd == -1 && errno == EACCES && is_show(type)) {
			path = CONTROL_SOCKET_RO;
			fd = socket_open(path);
		}
	} else
		fd = socket_open(path);
	if (fd == -1)
		err(1, "%s: is relayd running?", path);
	if (imsgbuf_init(&ibuf, fd) == -1)
		err(1, "imsg");
}

static void
ask(uint32_t type, const void *data, size_t len)
{
	if (imsg_compose(&ibuf, type, 0, 0, -1, data, len) == -1 ||
	    imsgbuf_flush(&ibuf) == -1)
		err(1, "relayd");
}

static void
await(void)
{
	struct pollfd	 pfd = { ibuf.fd, POLLIN, 0 };
	int		 n;

	while ((n = poll(&pfd, 1, ANSWER_WAIT * 1000)) == -1)
		if (errno != EINTR)
			err(1, "poll");
	if (n == 0)
		errx(1, "relayd does not answer");
}

static void
receive(struct imsg *imsg)
{
	int	 n;

	for (;;) {
		if ((n = imsgbuf_get(&ibuf, imsg)) == -1)
			err(1, "relayd");
		if (n == 1)
			break;
		await();
		if ((n = imsgbuf_read(&ibuf)) == -1)
			err(1, "relayd");
		if (n == 0)
			errx(1, "relayd closed the connection");
	}
	if (proto_check(imsg_get_type(imsg), PROC_DIALERD, PROC_RELAYCTL,
	    imsg_get_len(imsg)) == -1)
		errx(1, "relayd sent what this relayctl does not understand");
}

/* Copies the payload, whose size proto_check has seen. */
static void
take(struct imsg *imsg, void *data, size_t len)
{
	if (imsg_get_data(imsg, data, len) == -1)
		err(1, "relayd");
}

static int
result(struct imsg *imsg, int quiet)
{
	struct proto_result	 r;

	take(imsg, &r, sizeof(r));
	r.text[sizeof(r.text) - 1] = '\0';
	if (!quiet || r.error != 0)
		out->result(&r);
	if (r.error == 0)
		return (0);
	if (out == &show_text)
		warnx("%s", r.text[0] != '\0' ? r.text :
		    strerror((int)r.error));
	return (1);
}

static void
hello(void)
{
	struct imsg	 imsg;
	uint32_t	 version = PROTO_VERSION;

	ask(CTL_HELLO, &version, sizeof(version));
	receive(&imsg);
	if (imsg_get_type(&imsg) != CTL_RESULT)
		errx(1, "relayd answers strangely");
	if (result(&imsg, 1) != 0)
		exit(1);
	imsg_free(&imsg);
}

static int	 begun;

static void
begin(uint32_t type)
{
	if (begun++ == 0)
		out->begin(type);
}

/* One message of the answer: -1 when more follow, else the exit status. */
static int
answer(uint32_t type, struct imsg *imsg)
{
	struct ctl_summary		 summary;
	struct proto_queue_entry	 queue;
	struct ctl_call			 call;
	struct ctl_user			 user;
	struct proto_message		 message;
	struct proto_message_rcpt	 rcpt;

	switch (imsg_get_type(imsg)) {
	case CTL_RESULT:
		return (result(imsg, 0));
	case CTL_SUMMARY:
		take(imsg, &summary, sizeof(summary));
		out->summary(&summary);
		return (0);
	case CTL_QUEUE_ENTRY:
		begin(type);
		take(imsg, &queue, sizeof(queue));
		out->queue(&queue);
		return (-1);
	case CTL_CALL_ENTRY:
		begin(type);
		take(imsg, &call, sizeof(call));
		out->call(&call);
		return (-1);
	case CTL_USER_ENTRY:
		begin(type);
		take(imsg, &user, sizeof(user));
		out->user(&user);
		return (-1);
	case CTL_MESSAGE_ENTRY:
		take(imsg, &message, sizeof(message));
		out->message(&message);
		return (-1);
	case CTL_MESSAGE_RCPT:
		take(imsg, &rcpt, sizeof(rcpt));
		out->rcpt(&rcpt);
		return (-1);
	case CTL_END:
		begin(type);
		out->end(type);
		return (0);
	default:
		errx(1, "relayd answers strangely");
	}
}

static int
run(const struct request *r, const char *path)
{
	struct imsg	 imsg;
	const void	*data;
	size_t		 len;
	uint32_t	 type = r->command->type;
	int		 status;

	connect_daemon(path, type);
	hello();
	command_payload(r, &data, &len);
	ask(type, data, len);
	do {
		receive(&imsg);
		status = answer(type, &imsg);
		imsg_free(&imsg);
	} while (status == -1);
	if (fflush(stdout) == EOF)
		err(1, "stdout");
	return (status);
}

/* Under another name: the exit status. */
static int
as_sendmail(int argc, char *argv[])
{
	char *const	 queue[] = { (char []){ "show" }, (char []){ "queue" } };
	char *const	 reload[] = { (char []){ "reload" } };
	struct request	 r;
	char		 error[256];
	int		 status = 0;

	switch (sendmail_main(argc, argv, &status)) {
	case SENDMAIL_DONE:
		return (status);
	case SENDMAIL_MAILQ:
		if (command_parse(&r, 2, queue, error, sizeof(error)) == -1)
			errx(1, "%s", error);
		break;
	case SENDMAIL_NEWALIASES:
		if (command_parse(&r, 1, reload, error, sizeof(error)) == -1)
			errx(1, "%s", error);
		break;
	}
	return (run(&r, NULL));
}

int
main(int argc, char *argv[])
{
	struct request	 r;
	const char	*path = NULL;
	char		 error[256];
	int		 ch;

	if (sendmail_is(getprogname()))
		return (as_sendmail(argc, argv));
	while ((ch = getopt(argc, argv, "js:")) != -1) {
		switch (ch) {
		case 'j':
			out = &show_json;
			break;
		case 's':
			path = optarg;
			break;
		default:
			command_parse(&r, 0, NULL, error, sizeof(error));
			command_help(stderr, &r);
			return (1);
		}
	}
	if (command_parse(&r, argc - optind, argv + optind, error,
	    sizeof(error)) == -1) {
		warnx("%s", error);
		command_help(stderr, &r);
		return (1);
	}
	if (r.help) {
		command_help(stdout, &r);
		return (0);
	}
	return (run(&r, path));
}
