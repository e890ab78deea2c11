/* See LICENSE for the terms. */
/*
 * The queue at start: which files are there, in which order the segments
 * follow each other, and what is left over when they have been read.
 */

#include <sys/stat.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "queue_recover.h"

void *
replay_grow(void *array, size_t count, size_t *cap, size_t size)
{
	void	*p;
	size_t	 n;

	if (count < *cap)
		return (array);
	n = *cap == 0 ? 16 : *cap * 2;
	if ((p = reallocarray(array, n, size)) != NULL)
		*cap = n;
	return (p);
}

/*
 * What the seal of the next segment says about this one.  1 if it says
 * something, 0 if not, -1 on error.
 */
static int
peek_seal(struct recovery *r, const struct segment *s,
    struct record_seal *seal)
{
	struct reader		 reader;
	struct record_header	 h;
	const uint8_t		*head;
	int			 found = 0;

	if (reader_open(&reader, r->queue->dirfd, s) == -1)
		return (-1);
	if (reader_header(&reader, 0, &h) == 0 && h.type == RECORD_SEAL &&
	    (head = reader_get(&reader, RECORD_HEADER_LEN, h.head_len)) !=
	    NULL && record_crc(head, h.head_len) == h.head_crc &&
	    record_seal_decode(seal, head, h.head_len) == 0)
		found = 1;
	reader_close(&reader);
	return (found);
}

/* A segment that no other knows of: its making failed. */
static void
segment_void(struct recovery *r, struct segment *s)
{
	char	 name[QUEUE_NAME_MAX], aside[QUEUE_NAME_MAX + 8];

	queue_segment_name(name, sizeof(name), s);
	snprintf(aside, sizeof(aside), "damaged.%s", name);
	log_warnx("queue: %s was given up; renamed to %s", name, aside);
	if (renameat(r->queue->dirfd, name, r->queue->dirfd, aside) == -1)
		log_warn("queue: %s", name);
	queue_segment_free(r->queue, s);
}

/*
 * Follows the seals from the newest segment to the oldest; those that are
 * passed over do not count.
 */
static int
check_chain(struct recovery *r)
{
	struct segment		*s, *previous;
	struct record_seal	 seal;
	int			 found;

	for (s = TAILQ_LAST(&r->queue->segments, segments); s != NULL;
	    s = previous) {
		previous = TAILQ_PREV(s, segments, link);
		if ((found = peek_seal(r, s, &seal)) == -1)
			return (-1);
		if (!found)
			continue;
		while (previous != NULL && previous->number > seal.previous) {
			segment_void(r, previous);
			previous = TAILQ_PREV(s, segments, link);
		}
		if (previous == NULL)
			continue;
		if (previous->number != seal.previous) {
			log_warnx("queue: segment=%016llx is missing",
			    (unsigned long long)seal.previous);
			r->ndamaged++;
			continue;
		}
		/* Until it is read, its size is where the seal says. */
		previous->size = seal.end;
		previous->sealed = 1;
	}
	return (0);
}

/* Makes the end of the newest segment durable, and goes on from there. */
static int
continue_segment(struct recovery *r)
{
	struct queue	*q = r->queue;
	struct segment	*s;
	struct stat	 st;
	char		 name[QUEUE_NAME_MAX];

	if ((s = TAILQ_LAST(&q->segments, segments)) == NULL)
		return (0);
	queue_segment_name(name, sizeof(name), s);
	q->active_fd = openat(q->dirfd, name,
	    O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (q->active_fd == -1)
		return (-1);
	q->active = s;
	/* What was set aside, and the segment's own name. */
	if (fsync(q->dirfd) == -1)
		return (-1);
	if (fstat(q->active_fd, &st) == -1)
		return (-1);
	if ((uint64_t)st.st_size > s->size && !s->stuck &&
	    ftruncate(q->active_fd, (off_t)s->size) == -1)
		return (-1);
	/* It may have been read from memory only. */
	if (fsync(q->active_fd) == -1)
		return (-1);
	if (r->damaged || s->stuck)
		queue_retire(q);
	return (0);
}

static int
read_segments(struct recovery *r)
{
	struct segment	*s;
	int		 rc;

	if (check_chain(r) == -1)
		return (-1);
	TAILQ_FOREACH(s, &r->queue->segments, link) {
		if (reader_open(&r->reader, r->queue->dirfd, s) == -1)
			return (-1);
		r->segment = s;
		r->sealed = s->sealed;
		r->end = s->size;
		rc = replay_segment(r);
		reader_close(&r->reader);
		if (rc == -1)
			return (-1);
		if (s->number > r->queue->last_id)
			r->queue->last_id = s->number;
	}
	return (continue_segment(r));
}

/* The record of a message that cannot be served, for the operator. */
static void
message_aside(struct recovery *r, struct queue_entry *e)
{
	struct hole	 hole;

	hole.from = e->offset;
	hole.to = e->offset + queue_entry_length(e);
	r->segment = e->segment;
	if (reader_open(&r->reader, r->queue->dirfd, e->segment) == -1) {
		e->segment->stuck = 1;
		return;
	}
	replay_set_aside(r, &hole);
	reader_close(&r->reader);
}

/* 1 when the body's file is there and whole. */
static int
body_there(const struct queue *q, const struct queue_entry *e)
{
	struct stat	 st;
	char		 name[QUEUE_NAME_MAX];

	queue_body_name(name, sizeof(name), e->info.id);
	return (fstatat(q->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && (uint64_t)st.st_size == e->info.size);
}

/*
 * Messages that are done although no DONE could be read, and those without
 * their body, leave the list.
 */
static int
check_messages(struct recovery *r)
{
	struct queue		*q = r->queue;
	struct queue_entry	*e, *next;
	struct batch		 b;
	uint8_t			*head;
	size_t			 len;
	int			 error = 0;

	memset(&b, 0, sizeof(b));
	RB_FOREACH_SAFE(e, queue_tree, &q->tree, next) {
		if (e->info.waiting > 0 &&
		    ((e->info.flags & QUEUE_INFO_FILE) == 0 ||
		    body_there(q, e)))
			continue;
		if (e->info.waiting > 0) {
			log_warnx("queue: id=%016llx has no body",
			    (unsigned long long)e->info.id);
			message_aside(r, e);
			if (e->segment->stuck) {
				queue_entry_remove(q, e);
				continue;
			}
		}
		head = record_done_encode(e->info.id, &len);
		if (queue_batch_add(&b, RECORD_DONE, head, len, NULL, 0) == -1)
			goto fail;
		queue_entry_remove(q, e);
	}
	if (b.count > 0 && (error = queue_batch_write(q, &b)) != 0) {
		/* They are found again at the next start. */
		errno = error;
		log_warn("queue: cannot write what is done");
	}
	queue_batch_free(&b);
	return (0);
fail:
	queue_batch_free(&b);
	return (-1);
}

/*
 * Bodies that no message names: of messages that are done, or never were
 * submitted.  Where something was damaged they may be of that, and stay.
 */
static void
check_bodies(struct recovery *r)
{
	const struct queue	*q = r->queue;
	const struct queue_entry *e;
	char			 name[QUEUE_NAME_MAX];
	char			 aside[QUEUE_NAME_MAX + 8];
	size_t			 i;
	int			 rc;

	for (i = 0; i < r->nbodies; i++) {
		e = queue_find(q, r->bodies[i]);
		if (e != NULL && (e->info.flags & QUEUE_INFO_FILE))
			continue;
		queue_body_name(name, sizeof(name), r->bodies[i]);
		if (r->ndamaged > 0) {
			snprintf(aside, sizeof(aside), "damaged.%s", name);
			rc = renameat(q->dirfd, name, q->dirfd, aside);
		} else
			rc = unlinkat(q->dirfd, name, 0);
		if (rc == -1)
			log_warn("queue: %s", name);
	}
}

/* 16 hexadecimal digits as snprintf writes them; NULL if they are not. */
static const char *
parse_hex(const char *s, uint64_t *value)
{
	int	 i, digit;

	*value = 0;
	for (i = 0; i < 16; i++, s++) {
		if (*s >= '0' && *s <= '9')
			digit = *s - '0';
		else if (*s >= 'a' && *s <= 'f')
			digit = *s - 'a' + 10;
		else
			return (NULL);
		*value = *value << 4 | (unsigned int)digit;
	}
	return (s);
}

/* A segment at its place in the list. */
static int
add_segment(struct queue *q, uint64_t number, uint64_t salt)
{
	struct segment	*s, *after;

	if (number == 0 || number > INT64_MAX)
		return (0);
	if ((s = queue_segment_new(q, number, salt)) == NULL)
		return (-1);
	while ((after = TAILQ_PREV(s, segments, link)) != NULL &&
	    after->number > number) {
		TAILQ_REMOVE(&q->segments, s, link);
		TAILQ_INSERT_BEFORE(after, s, link);
	}
	return (0);
}

/* One name of the directory. */
static int
read_name(struct recovery *r, const char *name)
{
	const char	*p;
	uint64_t	 number, salt, *bodies;

	if (strncmp(name, "log.", 4) == 0 &&
	    (p = parse_hex(name + 4, &number)) != NULL && *p == '.' &&
	    (p = parse_hex(p + 1, &salt)) != NULL && *p == '\0')
		return (add_segment(r->queue, number, salt));
	if (strncmp(name, "body.", 5) == 0 &&
	    (p = parse_hex(name + 5, &number)) != NULL && *p == '\0') {
		bodies = replay_grow(r->bodies, r->nbodies, &r->bodies_cap,
		    sizeof(*r->bodies));
		if (bodies == NULL)
			return (-1);
		r->bodies = bodies;
		r->bodies[r->nbodies++] = number;
		return (0);
	}
	if (strncmp(name, "tmp.", 4) == 0) {
		if (unlinkat(r->queue->dirfd, name, 0) == -1)
			log_warn("queue: %s", name);
	} else if (strncmp(name, "damaged.", 8) != 0 && name[0] != '.')
		log_warnx("queue: %s does not belong here", name);
	return (0);
}

static int
read_directory(struct recovery *r)
{
	struct dirent	*de;
	DIR		*dir;
	int		 fd;

	fd = openat(r->queue->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return (-1);
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return (-1);
	}
	while (errno = 0, (de = readdir(dir)) != NULL)
		if (read_name(r, de->d_name) == -1)
			break;
	fd = errno;
	closedir(dir);
	errno = fd;
	return (errno == 0 ? 0 : -1);
}

int
queue_recover(struct queue *q)
{
	struct recovery	 r;
	int		 rc = -1, error;

	memset(&r, 0, sizeof(r));
	r.queue = q;
	if (read_directory(&r) == -1 || read_segments(&r) == -1 ||
	    check_messages(&r) == -1)
		goto done;
	check_bodies(&r);
	rc = 0;
done:
	error = errno;
	free(r.replays);
	free(r.holes);
	free(r.bodies);
	errno = error;
	return (rc);
}
