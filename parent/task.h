/*
 * Work that the parent must not do itself: a short-lived, unprivileged
 * process that computes one answer and writes it into a pipe.
 */
#ifndef PARENT_TASK_H
#define PARENT_TASK_H

#include <sys/types.h>

#define TASK_RESULT_MAX	4096

/* In the task: fills result (TASK_RESULT_MAX bytes); returns its length. */
typedef size_t	 task_work(const void *input, void *result);
/* In the parent: the answer; len is 0 when the task failed or was late. */
typedef void	 task_done(void *arg, const void *result, size_t len);

/* Each kind has its own queue: a flood of logins, each of which may cost
 * seconds, must not keep a window from its names. */
enum task_kind { TASK_RESOLVE, TASK_AUTH, TASK_KINDS };

/*
 * Queues a task: input is copied and overwritten after use.  At most
 * seconds for the work.  done comes exactly once, from the event loop.
 * 0, or -1 with errno EAGAIN when too many wait.
 */
int	 task_run(enum task_kind, task_work *, const void *input, size_t len,
	    int seconds, task_done *, void *arg);

#endif
