/* See LICENSE for the terms. */
/*
 * The queue under crashes.  A child works on it at random and is stopped
 * before a random system call; its parent then looks at what is there:
 * acknowledged is present exactly once with the right bytes and marks, done
 * is gone for good.  The next child goes on with what the last one left.
 *
 * Killed: what was written is there.  Power cut, maybe after kills: of what
 * was not synced any part may be missing or zero, names that were made may
 * be missing and names that were removed may be back, as long as the
 * directory was not synced.
 */

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "log.h"
#include "proto.h"
#include "queue_internal.h"
#include "store_util.h"

#define MESSAGES	400	/* that a run has at most */
#define RECIPIENTS	3
#define FILES		512
#define NAMES		128
#define STOPPED		77	/* exit status */

struct message {
	uint64_t	 id;
	size_t		 len;
	unsigned int	 nrcpt;
	int		 durable;	/* acknowledged, or seen */
	int		 gone;
	uint8_t		 issued[RECIPIENTS];
	uint8_t		 acked[RECIPIENTS];
	uint8_t		 class_issued;	/* the newest */
	uint8_t		 class_acked;
};

struct shared {
	unsigned int	 nmessages;
	struct message	 messages[MESSAGES];
	/* What the disk would have after a power cut. */
	unsigned int	 nfiles;
	struct { ino_t ino; off_t synced; } files[FILES];
	unsigned int	 ncreated, nunlinked;
	char		 created[NAMES][QUEUE_NAME_MAX];
	char		 unlinked[NAMES][QUEUE_NAME_MAX];
	/* The child's last words. */
	int		 countdown;
};

static struct shared	*shared;
static int		 spoolfd;
static uint64_t		 seed;

static unsigned int
rnd(unsigned int n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((unsigned int)(seed >> 33) % n);
}

static off_t *
synced(ino_t ino)
{
	unsigned int	 i;

	for (i = 0; i < shared->nfiles; i++)
		if (shared->files[i].ino == ino)
			return (&shared->files[i].synced);
	if (shared->nfiles == FILES)
		abort();
	shared->files[shared->nfiles].ino = ino;
	shared->files[shared->nfiles].synced = 0;
	return (&shared->files[shared->nfiles++].synced);
}

static void
remember(char names[NAMES][QUEUE_NAME_MAX], unsigned int *n,
    const char *name)
{
	if (*n == NAMES)
		abort();
	strlcpy(names[(*n)++], name, QUEUE_NAME_MAX);
}

static void
saved_name(char *buf, size_t len, const char *name)
{
	snprintf(buf, len, "state/fetched/%s", name);
}

/* Before each operation of the child. */
static void
hook(enum store_op op, int fd, const char *name)
{
	char	 path[128];

	if (--shared->countdown == 0)
		_exit(STOPPED);
	if (op != STORE_UNLINK)
		return;
	saved_name(path, sizeof(path), name);
	/* A life that ended between the link and the unlink left it there. */
	if (linkat(fd, name, spoolfd, path, 0) == -1 && errno != ENOENT &&
	    errno != EEXIST)
		abort();
	remember(shared->unlinked, &shared->nunlinked, name);
}

static void
dir_synced(void)
{
	char		 path[128];
	unsigned int	 i;

	for (i = 0; i < shared->nunlinked; i++) {
		saved_name(path, sizeof(path), shared->unlinked[i]);
		(void)unlink(path);
	}
	shared->nunlinked = shared->ncreated = 0;
}

/* After each. */
static void
done(enum store_op op, int fd, const char *name)
{
	struct stat	 st;
	off_t		*s;

	if (op == STORE_SYNC_DIR)
		dir_synced();
	if (op == STORE_CREATE)
		remember(shared->created, &shared->ncreated, name);
	if ((op == STORE_CREATE &&
	    fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1) ||
	    (op != STORE_CREATE && fstat(fd, &st) == -1) ||
	    !S_ISREG(st.st_mode))
		return;
	s = synced(st.st_ino);
	if (op == STORE_CREATE)
		*s = 0;		/* an inode may be used again */
	if (op == STORE_SYNC)
		*s = st.st_size;
	if (op == STORE_TRUNCATE && *s > st.st_size)
		*s = st.st_size;
}

static uint8_t *
pattern(uint64_t id, size_t len)
{
	uint8_t	*p;
	size_t	 i;

	p = malloc(len + 1);
	for (i = 0; i < len; i++)
		p[i] = (uint8_t)(id * 13 + i * 7 + (i >> 8));
	return (p);
}

static void
message_acked(void *arg, int result)
{
	struct message	*m = arg;

	if (result == 0)
		m->durable = 1;
}

static void
mark_acked(void *arg, int result)
{
	uint8_t		*acked = arg;

	if (result == 0)
		*acked = RECIPIENT_SENT;
}

static void
change_acked(void *arg, int result)
{
	struct message	*m = arg;

	if (result == 0)
		m->class_acked = m->class_issued;
}

static void
do_submit(struct queue *q)
{
	struct queue_writer	*w;
	struct envelope		*e;
	struct message		*m;
	uint8_t			*body;
	unsigned int		 i;

	if (shared->nmessages == MESSAGES)
		return;
	w = queue_message(q);
	m = &shared->messages[shared->nmessages];
	memset(m, 0, sizeof(*m));
	m->id = queue_writer_id(w);
	m->len = rnd(12) == 0 ? 262100 + rnd(100000) : rnd(3000);
	m->nrcpt = 1 + rnd(RECIPIENTS);
	shared->nmessages++;
	e = envelope_new("sender");
	m->class_issued = m->class_acked = (uint8_t)rnd(3);
	e->class = m->class_acked;
	for (i = 0; i < m->nrcpt; i++)
		envelope_add(e, "recipient", NULL);
	body = pattern(m->id, m->len);
	if (queue_write(w, body, m->len) == -1)
		abort();
	free(body);
	if (rnd(10) == 0) {
		queue_abort(w);
		m->gone = 1;
	} else
		queue_submit(w, e, message_acked, m);
	envelope_free(e);
}

static void
do_mark(struct queue *q)
{
	struct message	*m;
	unsigned int	 i;

	if (shared->nmessages == 0)
		return;
	m = &shared->messages[rnd(shared->nmessages)];
	i = rnd(m->nrcpt);
	if (!m->durable || m->gone || m->acked[i] != RECIPIENT_WAITING)
		return;
	if (rnd(4) == 0) {
		queue_mark(q, m->id, i, RECIPIENT_WAITING, 1, "451 later",
		    NULL, NULL);
		return;
	}
	m->issued[i] = RECIPIENT_SENT;
	queue_mark(q, m->id, i, RECIPIENT_SENT, 1, "250 ok", mark_acked,
	    &m->acked[i]);
}

/* Of one message one at a time. */
static void
do_change(struct queue *q)
{
	struct message	*m;

	if (shared->nmessages == 0)
		return;
	m = &shared->messages[rnd(shared->nmessages)];
	if (!m->durable || m->gone || m->class_issued != m->class_acked)
		return;
	m->class_issued = (uint8_t)rnd(3);
	queue_change(q, m->id, m->class_issued == PROTO_URGENT ?
	    QUEUE_URGENT : m->class_issued == PROTO_BULK ? QUEUE_BULK :
	    QUEUE_NORMAL, change_acked, m);
}

static void
child(unsigned int ops)
{
	struct queue	*q;

	log_init(0, 0);
	store_faults.hook = hook;
	store_faults.done = done;
	store_faults.no_sync = 1;
	if ((q = queue_open(spoolfd, "queue")) == NULL)
		abort();
	for (; ops > 0; ops--) {
		q->segment_max = 6000 + rnd(6000);
		switch (rnd(9)) {
		case 0: case 1:
			do_submit(q);
			break;
		case 2: case 3: case 4:
			do_mark(q);
			break;
		case 5: case 6:
			queue_commit(q);
			break;
		case 7:
			do_change(q);
			break;
		default:
			queue_clean(q);
		}
	}
	_exit(0);
}

/* Of a file's end that was not synced, something is lost. */
static void
lose_bytes(const char *path)
{
	struct stat	 st;
	uint8_t		 zeros[512];
	off_t		 from, at, n;
	int		 fd;

	memset(zeros, 0, sizeof(zeros));
	if ((fd = open(path, O_RDWR)) == -1 || fstat(fd, &st) == -1)
		abort();
	from = *synced(st.st_ino);
	if (st.st_size > from) {
		if (rnd(2) == 0) {
			st.st_size = from + rnd((unsigned int)(st.st_size -
			    from) + 1);
			assert_int_equal(ftruncate(fd, st.st_size), 0);
		}
		for (at = from; at < st.st_size; at += n) {
			n = 512 - at % 512;
			n = n < st.st_size - at ? n : st.st_size - at;
			if (rnd(3) == 0)
				assert_int_equal(pwrite(fd, zeros,
				    (size_t)n, at), n);
		}
	}
	*synced(st.st_ino) = st.st_size;
	close(fd);
}

static void
power_cut(void)
{
	char		 path[128], saved[128];
	const char	*name;
	unsigned int	 i;
	int		 n;

	store_faults.hook = NULL;
	store_faults.done = NULL;
	for (i = 0; i < shared->ncreated; i++) {
		snprintf(path, sizeof(path), "queue/%s", shared->created[i]);
		if (rnd(2) == 0)
			(void)unlink(path);
	}
	for (i = 0; i < shared->nunlinked; i++) {
		saved_name(saved, sizeof(saved), shared->unlinked[i]);
		snprintf(path, sizeof(path), "queue/%s",
		    shared->unlinked[i]);
		if (rnd(2) == 0 && link(saved, path) == -1 &&
		    errno != ENOENT)
			abort();
	}
	for (n = 0; (name = store_name(spoolfd, "queue", "", n)) != NULL; n++)
		lose_bytes(name);
	dir_synced();
}

static void
check_body(struct queue *q, const struct message *m)
{
	uint8_t		*want, *have;
	uint64_t	 size;
	off_t		 offset;
	int		 fd;

	fd = queue_body(q, m->id, &offset, &size);
	assert_int_not_equal(fd, -1);
	assert_int_equal(size, m->len);
	want = pattern(m->id, m->len);
	have = malloc(m->len + 1);
	assert_int_equal(pread(fd, have, m->len, offset), m->len);
	assert_memory_equal(want, have, m->len);
	free(want);
	free(have);
	close(fd);
}

static void
check_present(struct queue *q, struct message *m)
{
	struct envelope	*e;
	unsigned int	 i;

	m->durable = 1;
	e = queue_envelope(q, m->id);
	assert_non_null(e);
	assert_int_equal(e->nrecipients, m->nrcpt);
	for (i = 0; i < m->nrcpt; i++) {
		if (m->acked[i] != RECIPIENT_WAITING)
			assert_int_equal(e->recipients[i].state,
			    m->acked[i]);
		else if (e->recipients[i].state != RECIPIENT_WAITING)
			assert_int_equal(e->recipients[i].state,
			    m->issued[i]);
		m->acked[i] = m->issued[i] =
		    (uint8_t)e->recipients[i].state;
	}
	if (e->class != m->class_acked)
		assert_int_equal(e->class, m->class_issued);
	m->class_acked = m->class_issued = (uint8_t)e->class;
	envelope_free(e);
	check_body(q, m);
}

static void
check_absent(struct message *m)
{
	unsigned int	 i;

	if (m->durable)
		for (i = 0; i < m->nrcpt; i++)
			assert_int_not_equal(m->issued[i],
			    RECIPIENT_WAITING);
	m->gone = 1;
}

/* What is there against what must be and may be. */
static void
check(void)
{
	struct queue		*q;
	struct queue_info	 info;
	struct message		*m;
	unsigned int		 i, r, here, waiting, present = 0, listed = 0;

	/* What this makes durable counts for the next power cut, too. */
	shared->countdown = -1;
	store_faults.hook = hook;
	store_faults.done = done;
	q = queue_open(spoolfd, "queue");
	assert_non_null(q);
	store_faults.hook = NULL;
	store_faults.done = NULL;
	for (i = 0; i < shared->nmessages; i++) {
		m = &shared->messages[i];
		here = queue_next(q, m->id - 1, &info) && info.id == m->id;
		for (r = waiting = 0; r < m->nrcpt; r++)
			waiting += m->acked[r] == RECIPIENT_WAITING;
		if (m->gone || waiting == 0)
			assert_int_equal(here, 0);
		if (here) {
			check_present(q, m);
			present++;
		} else if (!m->gone)
			check_absent(m);
	}
	for (info.id = 0; queue_next(q, info.id, &info); )
		listed++;
	assert_int_equal(listed, present);
	queue_close(q);
}

static void
remove_damaged(void)
{
	const char	*name;

	while ((name = store_name(spoolfd, "queue", "damaged", 0)) != NULL)
		(void)unlink(name);
}

/* One life: work, stop, look. */
static int
life(int power)
{
	pid_t	 pid;
	int	 status;

	shared->countdown = rnd(3) == 0 ? 1 + (int)rnd(20) :
	    1 + (int)rnd(150);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		child(10 + rnd(200));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 ||
	    WEXITSTATUS(status) == STOPPED);
	/* The next child is to do something else. */
	(void)rnd(1);
	if (power && rnd(3) > 0)
		power_cut();
	check();
	remove_damaged();
	return (WEXITSTATUS(status) == STOPPED);
}

/* A queue's history of several lives, from one seed. */
static void
history(unsigned int start, int power)
{
	unsigned int	 n;

	spoolfd = store_make();
	assert_int_equal(fchdir(spoolfd), 0);
	store_faults.no_sync = 1;
	memset(shared, 0, sizeof(*shared));
	seed = start;
	for (n = 0; n < 12; n++)
		(void)life(power);
	store_remove(spoolfd);
}

static void
histories(int power)
{
	unsigned int	 first = 1, last = 40, i;
	const char	*s;

	/* One seed again, or more of them. */
	if ((s = getenv("QUEUE_CRASH_SEED")) != NULL)
		first = last = (unsigned int)atoi(s);
	if ((s = getenv("QUEUE_CRASH_SEEDS")) != NULL)
		last = (unsigned int)atoi(s);
	for (i = first; i <= last; i++) {
		/* Shown when it fails. */
		fprintf(stderr, "\rseed %u ", i);
		history(i, power);
	}
	fprintf(stderr, "\n");
}

static void
killed_before_a_call(void **state)
{
	(void)state;
	histories(0);
}

static void
power_cut_before_a_call(void **state)
{
	(void)state;
	histories(1);
}

/* A real SIGKILL at a moment that nobody chose, with real syncs. */
static void
killed_at_any_moment(void **state)
{
	struct timespec	 ts = { 0, 0 };
	pid_t		 pid;
	int		 n, status;

	(void)state;
	spoolfd = store_make();
	assert_int_equal(fchdir(spoolfd), 0);
	memset(shared, 0, sizeof(*shared));
	seed = 4711;
	for (n = 0; n < 30; n++) {
		shared->countdown = -1;
		pid = fork();
		assert_int_not_equal(pid, -1);
		if (pid == 0)
			child(1000000);
		/* The moment is the point; nothing could be waited for. */
		ts.tv_nsec = 1000000 + (long)rnd(15000000);
		nanosleep(&ts, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
		check();
		remove_damaged();
		if (shared->nmessages > MESSAGES / 2) {
			store_remove(spoolfd);
			spoolfd = store_make();
			assert_int_equal(fchdir(spoolfd), 0);
			memset(shared, 0, sizeof(*shared));
		}
	}
	store_remove(spoolfd);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(killed_before_a_call),
		cmocka_unit_test(power_cut_before_a_call),
		cmocka_unit_test(killed_at_any_moment),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON, -1, 0);
	if (shared == MAP_FAILED)
		return (1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
