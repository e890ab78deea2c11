/* See LICENSE for the terms. */
/* Short-lived, unprivileged processes. */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "parent.h"
#include "task.h"

/* Of one kind. */
#define TASKS_RUNNING	4	/* at once: passwords cost processor time */
#define TASKS_WAITING	128	/* beyond that the answer is no */

struct task {
	TAILQ_ENTRY(task)	 entry;
	struct task_queue	*queue;
	task_work		*work;
	task_done		*done;
	void			*arg;
	void			*input;
	size_t			 inputlen;
	int			 seconds;
	pid_t			 pid;
	int			 fd;
	struct event		 ev;
	struct event		 timer;
	uint8_t			 result[TASK_RESULT_MAX];
	size_t			 len;
};
TAILQ_HEAD(tasks, task);

static struct task_queue {
	struct tasks		 running;
	struct tasks		 waiting;
	unsigned int		 nrunning;
	unsigned int		 nwaiting;
} queues[TASK_KINDS] = {
	{ TAILQ_HEAD_INITIALIZER(queues[0].running),
	    TAILQ_HEAD_INITIALIZER(queues[0].waiting), 0, 0 },
	{ TAILQ_HEAD_INITIALIZER(queues[1].running),
	    TAILQ_HEAD_INITIALIZER(queues[1].waiting), 0, 0 }
};

static void	 task_start(struct task *);

static void
task_finish(struct task *t, size_t len)
{
	struct task_queue	*q = t->queue;
	struct task		*next;

	if (t->fd != -1) {
		event_del(&t->ev);
		evtimer_del(&t->timer);
		close(t->fd);
		TAILQ_REMOVE(&q->running, t, entry);
		q->nrunning--;
	}
	t->done(t->arg, t->result, len);
	freezero(t->input, t->inputlen);
	freezero(t, sizeof(*t));
	if (q->nrunning < TASKS_RUNNING &&
	    (next = TAILQ_FIRST(&q->waiting)) != NULL) {
		TAILQ_REMOVE(&q->waiting, next, entry);
		q->nwaiting--;
		task_start(next);
	}
}

static void
task_read(int fd, short events, void *arg)
{
	struct task	*t = arg;
	ssize_t		 n;

	(void)events;
	n = read(fd, t->result + t->len, sizeof(t->result) - t->len);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		t->len += (size_t)n;
		if (t->len < sizeof(t->result))
			return;
	}
	task_finish(t, n == -1 ? 0 : t->len);
}

static void
task_late(int fd, short events, void *arg)
{
	struct task	*t = arg;

	(void)fd;
	(void)events;
	kill(t->pid, SIGKILL);
	task_finish(t, 0);
}

static void
task_failed(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	task_finish(arg, 0);
}

/* In the new process: what it does not need, of the other tasks. */
static void
task_forget(const struct task *self)
{
	struct task	*t;
	int		 i;

	for (i = 0; i < TASK_KINDS; i++) {
		TAILQ_FOREACH(t, &queues[i].running, entry)
			explicit_bzero(t->input, t->inputlen);
		TAILQ_FOREACH(t, &queues[i].waiting, entry)
			if (t != self)
				explicit_bzero(t->input, t->inputlen);
	}
}

/* In the new process: nothing of the parent's may stay reachable. */
static void __attribute__((__noreturn__))
task_child(struct task *t, int fd)
{
	const struct rlimit	 none = { 0, 0 };
	struct passwd		*pw;
	uint8_t			 result[TASK_RESULT_MAX];
	size_t			 len;

	if (dup2(fd, 3) == -1)
		_exit(1);
	closefrom(4);
	reload_forget();
	task_forget(t);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	setproctitle("task");
	if ((pw = getpwnam(RELAY_USER)) == NULL ||
	    setgroups(1, &pw->pw_gid) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1)
		_exit(1);
	(void)setrlimit(RLIMIT_CORE, &none);
	alarm((unsigned int)t->seconds + 1);
	len = t->work(t->input, result);
	if (len > 0 && write(3, result, len) != (ssize_t)len)
		_exit(1);
	_exit(0);
}

static void
task_start(struct task *t)
{
	struct timeval	 tv = { 0, 0 };
	int		 p[2];

	if (pipe(p) == -1) {
		log_warn("task: pipe");
		goto fail;
	}
	if ((t->pid = fork()) == -1) {
		log_warn("task: fork");
		close(p[0]);
		close(p[1]);
		goto fail;
	}
	if (t->pid == 0)
		task_child(t, p[1]);
	close(p[1]);
	t->fd = p[0];
	fcntl(t->fd, F_SETFD, FD_CLOEXEC);
	fcntl(t->fd, F_SETFL, O_NONBLOCK);
	TAILQ_INSERT_TAIL(&t->queue->running, t, entry);
	t->queue->nrunning++;
	event_set(&t->ev, t->fd, EV_READ | EV_PERSIST, task_read, t);
	event_add(&t->ev, NULL);
	evtimer_set(&t->timer, task_late, t);
	tv.tv_sec = t->seconds;
	evtimer_add(&t->timer, &tv);
	return;

fail:
	/* The answer comes from the event loop all the same. */
	t->fd = -1;
	event_once(-1, EV_TIMEOUT, task_failed, t, &tv);
}

int
task_run(enum task_kind kind, task_work *work, const void *input, size_t len,
    int seconds, task_done *done, void *arg)
{
	struct task_queue	*q = &queues[kind];
	struct task		*t;

	if (q->nwaiting >= TASKS_WAITING) {
		errno = EAGAIN;
		return (-1);
	}
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (-1);
	if ((t->input = malloc(len + 1)) == NULL) {
		free(t);
		return (-1);
	}
	memcpy(t->input, input, len);
	t->inputlen = len;
	t->queue = q;
	t->work = work;
	t->done = done;
	t->arg = arg;
	t->seconds = seconds;
	t->fd = -1;
	if (q->nrunning < TASKS_RUNNING)
		task_start(t);
	else {
		TAILQ_INSERT_TAIL(&q->waiting, t, entry);
		q->nwaiting++;
	}
	return (0);
}
