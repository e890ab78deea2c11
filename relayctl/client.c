/* See LICENSE for the terms. */
/* Requests to dialerd, and their answers. */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "config.h"

/* dialerd gives others 30 s for their part of an answer. */
#define ANSWER_WAIT	35	/* seconds */

static const char	*socket_path;
static struct imsgbuf	 ibuf;
static int		 connected;
static char		 error_text[PROTO_TEXT_MAX + 128];

/* The strings of a payload, for their ends to be seen to. */
struct string {
	uint32_t	 type;
	size_t		 at;
	size_t		 size;
};
#define STRING(t, s, f)	{ t, offsetof(struct s, f),			\
    sizeof(((struct s *)0)->f) }
static const struct string strings[] = {
	STRING(CTL_RESULT, proto_result, text),
	STRING(CTL_SUMMARY, ctl_summary, next_why),
	STRING(CTL_SUMMARY, ctl_summary, currency),
	STRING(CTL_SUMMARY, ctl_summary, call.line),
	STRING(CTL_SUMMARY, ctl_summary, call.number),
	STRING(CTL_SUMMARY, ctl_summary, call.result),
	STRING(CTL_SUMMARY, ctl_summary, call.why),
	STRING(CTL_SUMMARY, ctl_summary, call.connect),
	STRING(CTL_SUMMARY, ctl_summary, call.reason),
	STRING(CTL_SUMMARY, ctl_summary, last.line),
	STRING(CTL_SUMMARY, ctl_summary, last.number),
	STRING(CTL_SUMMARY, ctl_summary, last.result),
	STRING(CTL_SUMMARY, ctl_summary, last.why),
	STRING(CTL_SUMMARY, ctl_summary, last.connect),
	STRING(CTL_SUMMARY, ctl_summary, last.reason),
	STRING(CTL_QUEUE_ENTRY, proto_queue_entry, sender),
	STRING(CTL_QUEUE_ENTRY, proto_queue_entry, recipient),
	STRING(CTL_QUEUE_ENTRY, proto_queue_entry, status),
	STRING(CTL_CALL_ENTRY, ctl_call, line),
	STRING(CTL_CALL_ENTRY, ctl_call, number),
	STRING(CTL_CALL_ENTRY, ctl_call, result),
	STRING(CTL_CALL_ENTRY, ctl_call, why),
	STRING(CTL_CALL_ENTRY, ctl_call, connect),
	STRING(CTL_CALL_ENTRY, ctl_call, reason),
	STRING(CTL_USER_ENTRY, ctl_user, name),
	STRING(CTL_USER_ENTRY, ctl_user, text),
	STRING(CTL_PLAN, ctl_plan, line),
	STRING(CTL_PLAN, ctl_plan, number),
	STRING(CTL_PLAN, ctl_plan, why),
	STRING(CTL_PLAN, ctl_plan, currency),
	STRING(CTL_RULE_ENTRY, ctl_rule, rule),
	STRING(CTL_RULE_ENTRY, ctl_rule, text),
	STRING(CTL_MESSAGE_ENTRY, proto_message, sender),
	STRING(CTL_MESSAGE_ENTRY, proto_message, user),
	STRING(CTL_MESSAGE_RCPT, proto_message_rcpt, recipient),
	STRING(CTL_MESSAGE_RCPT, proto_message_rcpt, user),
	STRING(CTL_MESSAGE_RCPT, proto_message_rcpt, status),
	STRING(CTL_CALL_USER_ENTRY, ctl_call_user, user)
};

static int __attribute__((__format__ (printf, 1, 2)))
failed(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(error_text, sizeof(error_text), fmt, ap);
	va_end(ap);
	return (-1);
}

const char *
client_error(void)
{
	return (error_text);
}

void
client_socket(const char *path)
{
	socket_path = path;
}

void
client_close(void)
{
	if (!connected)
		return;
	close(ibuf.fd);
	imsgbuf_clear(&ibuf);
	connected = 0;
}

/* The socket, or -1 with errno. */
static int
socket_open(const char *path)
{
	struct timeval		 tv = { ANSWER_WAIT, 0 };
	struct sockaddr_un	 sun;
	int			 fd, error;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		return (-1);
	/* connect, too, waits for a dialerd that does not accept. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
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
	return (type >= CTL_SHOW_SUMMARY && type <= CTL_SHOW_MESSAGE);
}

static int
client_connect(uint32_t type)
{
	const char	*path = socket_path;
	int		 fd;

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
		return (failed("%s: is relayd running?: %s", path,
		    strerror(errno)));
	if (imsgbuf_init(&ibuf, fd) == -1) {
		close(fd);
		return (failed("imsg: %s", strerror(errno)));
	}
	connected = 1;
	return (0);
}

static int
ask(uint32_t type, const void *data, size_t len)
{
	if (imsg_compose(&ibuf, type, 0, 0, -1, data, len) == -1 ||
	    imsgbuf_flush(&ibuf) == -1)
		return (failed("relayd: %s", strerror(errno)));
	return (0);
}

static int
await(void)
{
	struct pollfd	 pfd = { ibuf.fd, POLLIN, 0 };
	int		 n;

	while ((n = poll(&pfd, 1, ANSWER_WAIT * 1000)) == -1)
		if (errno != EINTR)
			return (failed("poll: %s", strerror(errno)));
	if (n == 0)
		return (failed("relayd does not answer"));
	return (0);
}

static int
receive(struct imsg *imsg)
{
	int	 n;

	while ((n = imsgbuf_get(&ibuf, imsg)) != 1) {
		if (n == -1)
			return (failed("relayd: %s", strerror(errno)));
		if (await() == -1)
			return (-1);
		if ((n = imsgbuf_read(&ibuf)) == -1)
			return (failed("relayd: %s", strerror(errno)));
		if (n == 0)
			return (failed("relayd closed the connection"));
	}
	if (proto_check(imsg_get_type(imsg), PROC_DIALERD, PROC_RELAYCTL,
	    imsg_get_len(imsg)) == -1) {
		imsg_free(imsg);
		return (failed("relayd sent what this relayctl does not "
		    "understand"));
	}
	return (0);
}

static void
end_strings(uint32_t type, char *data)
{
	size_t	 i;

	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		if (strings[i].type == type)
			data[strings[i].at + strings[i].size - 1] = '\0';
	}
}

/* A copy of the payload with its strings ended; NULL where there is none. */
static void *
payload(struct imsg *imsg)
{
	size_t	 len = imsg_get_len(imsg);
	char	*data;

	if (len == 0 || (data = malloc(len)) == NULL)
		return (NULL);
	if (imsg_get_data(imsg, data, len) == -1) {
		free(data);
		return (NULL);
	}
	end_strings(imsg_get_type(imsg), data);
	return (data);
}

static int
take_result(const struct proto_result *r, struct proto_result *result)
{
	if (result != NULL)
		*result = *r;
	if (r->error == 0)
		return (0);
	return (failed("%s", r->text[0] != '\0' ? r->text :
	    strerror((int)r->error)));
}

/* One message: 1 when there is more to come, else 0 or -1. */
static int
answer(client_handler *fn, void *arg, struct proto_result *result)
{
	struct imsg	 imsg;
	uint32_t	 type;
	void		*data;
	size_t		 len;
	int		 status = 1;

	if (receive(&imsg) == -1)
		return (-1);
	type = imsg_get_type(&imsg);
	len = imsg_get_len(&imsg);
	data = payload(&imsg);
	imsg_free(&imsg);
	if (data == NULL && len != 0)
		return (failed("out of memory"));
	if (type == CTL_RESULT)
		status = take_result(data, result);
	else if (type == CTL_END)
		status = 0;
	else if (fn == NULL)
		status = failed("relayd answers strangely");
	else {
		fn(type, data, len, arg);
		if (type == CTL_SUMMARY || type == CTL_PLAN)
			status = 0;
	}
	free(data);
	return (status);
}

static int
hello(void)
{
	uint32_t	 version = PROTO_VERSION;

	if (ask(CTL_HELLO, &version, sizeof(version)) == -1)
		return (-1);
	return (answer(NULL, NULL, NULL));
}

int
client_request(uint32_t type, const void *data, size_t len,
    client_handler *fn, void *arg, struct proto_result *result)
{
	struct proto_result	 none;
	int			 status = -1;

	if (result == NULL)
		result = &none;
	memset(result, 0, sizeof(*result));
	if (!connected && (client_connect(type) == -1 || hello() == -1))
		goto out;
	if (ask(type, data, len) == -1)
		goto out;
	while ((status = answer(fn, arg, result)) == 1)
		continue;
out:
	/* After an error that was no answer nothing more can be asked. */
	if (status == -1 && result->error == 0)
		client_close();
	return (status);
}
