/* See LICENSE for the terms. */
/*
 * Whether a LAN user's password is right: the parent reads the passwd-file
 * and an unprivileged task does the hashing, which takes its time.
 */

#include <sys/types.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_msg.h"
#include "log.h"
#include "parent.h"
#include "passwd.h"
#include "task.h"

#define AUTH_TIMEOUT	20	/* seconds: the dearest hashes take a few */
#define USERS_FILE_MAX	(1024 * 1024)

struct auth_question {		/* what the task gets, then the file */
	struct proto_auth	 auth;
	size_t			 len;
};

/* In the task. */
static size_t
auth_work(const void *input, void *result)
{
	struct auth_question	 q;
	uint32_t		 answer = PROTO_AUTH_WRONG;

	memcpy(&q, input, sizeof(q));
	if (passwd_check((const char *)input + sizeof(q), q.len, q.auth.user,
	    q.auth.password) == 1)
		answer = PROTO_AUTH_RIGHT;
	memcpy(result, &answer, sizeof(answer));
	return (sizeof(answer));
}

struct asker {
	uint32_t	 id;
	unsigned int	 generation;	/* of spoold */
};

/*
 * One spoold's yes must not reach the next, which counts its questions from
 * the beginning again.
 */
static void
auth_answer(const struct asker *to, uint32_t result)
{
	if (to->generation == proc_generation(PROC_SPOOLD))
		channel_send(proc_channel(PROC_SPOOLD), PARENT_AUTH_RESULT,
		    to->id, -1, &result, sizeof(result));
}

static void
auth_done(void *arg, const void *result, size_t len)
{
	struct asker	*to = arg;
	uint32_t	 answer = PROTO_AUTH_UNKNOWN;

	if (len == sizeof(answer))
		memcpy(&answer, result, sizeof(answer));
	else
		log_warnx("auth: no answer within %d seconds", AUTH_TIMEOUT);
	/* The task is less trusted than we are. */
	if (answer > PROTO_AUTH_UNKNOWN)
		answer = PROTO_AUTH_UNKNOWN;
	auth_answer(to, answer);
	free(to);
}

static uint8_t *
users_read(size_t *len)
{
	uint8_t	*mem = NULL;
	int	 fd;

	if (parent_conf->global.users == NULL) {
		log_warnx("auth: no users file is configured");
		return (NULL);
	}
	if ((fd = open(parent_conf->global.users,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1) {
		log_warn("auth: %s", parent_conf->global.users);
		return (NULL);
	}
	if (passwd_check_secrecy(fd) == -1)
		log_warnx("auth: %s: others can read or write it: refused",
		    parent_conf->global.users);
	else if ((mem = conf_read_fd(fd, USERS_FILE_MAX, len)) == NULL)
		log_warn("auth: %s", parent_conf->global.users);
	close(fd);
	return (mem);
}

int
auth_handle(struct channel *ch, struct imsg *imsg, void *arg)
{
	struct auth_question	*q = NULL;
	struct proto_auth	 auth;
	struct asker		*to;
	uint8_t			*file = NULL;
	size_t			 len = 0;

	(void)ch;
	(void)arg;
	if (imsg_get_data(imsg, &auth, sizeof(auth)) == -1 ||
	    memchr(auth.user, '\0', sizeof(auth.user)) == NULL ||
	    memchr(auth.password, '\0', sizeof(auth.password)) == NULL)
		return (-1);
	if ((to = malloc(sizeof(*to))) == NULL)
		fatal("auth");
	to->id = imsg_get_id(imsg);
	to->generation = proc_generation(PROC_SPOOLD);
	if ((file = users_read(&len)) == NULL)
		goto fail;
	if ((q = calloc(1, sizeof(*q) + len + 1)) == NULL)
		goto fail;
	q->auth = auth;
	q->len = len;
	memcpy(q + 1, file, len);
	if (task_run(TASK_AUTH, auth_work, q, sizeof(*q) + len + 1,
	    AUTH_TIMEOUT, auth_done, to) == -1) {
		log_warn("auth");
		goto fail;
	}
	goto done;

fail:
	auth_answer(to, PROTO_AUTH_UNKNOWN);
	free(to);
done:
	freezero(file, len + 1);
	freezero(q, sizeof(*q) + len + 1);
	explicit_bzero(&auth, sizeof(auth));
	return (0);
}
