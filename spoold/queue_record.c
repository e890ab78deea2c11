/* See LICENSE for the terms. */
/*
 * Records of the queue's log: bytes in, structures out, and back.  What is
 * read may have been damaged in any way, so every length is checked against
 * what is there and against a limit.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "proto.h"
#include "queue_record.h"

#define ENVELOPE_RECORDED	0xffff	/* of its flags */
#define PRIORITY_MIN		(-9)
#define PRIORITY_MAX		9
#define MORE_FIXED		(1 + 1 + 8)	/* priority, class, deadline */

static const uint8_t	 magic[4] = { 0xf1, 'r', 'q', 0x0a };

/* Bytes being gathered; failed is sticky, so that only the end checks it. */
struct packer {
	uint8_t		*buf;
	size_t		 len;
	size_t		 cap;
	int		 failed;	/* an errno */
};

struct unpacker {
	const uint8_t	*p;
	size_t		 left;
	int		 failed;
};

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

static void
put64(uint8_t *p, uint64_t v)
{
	put32(p, v >> 32);
	put32(p + 4, v);
}

static uint32_t
get32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3]);
}

static uint64_t
get64(const uint8_t *p)
{
	return ((uint64_t)get32(p) << 32 | get32(p + 4));
}

uint32_t
record_crc(const void *data, size_t len)
{
	const uint8_t	*p = data;
	uLong		 crc;
	size_t		 n;

	crc = crc32(0, NULL, 0);
	for (; len > 0; p += n, len -= n) {
		n = len < 0x40000000 ? len : 0x40000000;
		crc = crc32(crc, p, (uInt)n);
	}
	return ((uint32_t)crc);
}

/* The CRC of a header that covers where the record is, too. */
static uint32_t
header_crc(const uint8_t *header, uint64_t offset)
{
	uint8_t	 buf[RECORD_HEADER_LEN - 4 + 8];

	memcpy(buf, header, RECORD_HEADER_LEN - 4);
	put64(buf + RECORD_HEADER_LEN - 4, offset);
	return (record_crc(buf, sizeof(buf)));
}

void
record_magic(uint8_t *p, uint64_t salt)
{
	memcpy(p, magic, sizeof(magic));
	put64(p + 4, salt);
}

void
record_header_encode(uint8_t *p, const struct record_header *h, uint64_t salt,
    uint64_t offset)
{
	record_magic(p, salt);
	p[12] = RECORD_VERSION;
	p[13] = h->type;
	p[14] = h->flags;
	p[15] = 0;
	put32(p + 16, h->batch);
	put32(p + 20, h->head_len);
	put32(p + 24, h->body_len);
	put32(p + 28, h->head_crc);
	put32(p + 32, h->body_crc);
	put32(p + 36, header_crc(p, offset));
}

/* Limits of a record of its type. */
static int
header_ok(const struct record_header *h, uint64_t offset)
{
	if (h->batch > offset)
		return (0);
	switch (h->type) {
	case RECORD_MESSAGE:
		return (h->head_len <= RECORD_HEAD_MAX &&
		    h->body_len <= RECORD_BODY_MAX);
	case RECORD_MARK:
	case RECORD_DONE:
	case RECORD_SEAL:
	case RECORD_CHANGE:
		return (h->head_len <= RECORD_HEAD_SMALL && h->body_len == 0);
	default:
		return (0);
	}
}

int
record_header_decode(struct record_header *h, const uint8_t *p, size_t len,
    uint64_t salt, uint64_t offset)
{
	uint8_t	 expect[RECORD_MAGIC_LEN];

	errno = EINVAL;
	if (len < RECORD_HEADER_LEN)
		return (-1);
	record_magic(expect, salt);
	if (memcmp(p, expect, sizeof(expect)) != 0 ||
	    get32(p + 36) != header_crc(p, offset))
		return (-1);
	if (p[12] != RECORD_VERSION) {
		errno = EPROTONOSUPPORT;
		return (-1);
	}
	h->type = p[13];
	h->flags = p[14];
	h->batch = get32(p + 16);
	h->head_len = get32(p + 20);
	h->body_len = get32(p + 24);
	h->head_crc = get32(p + 28);
	h->body_crc = get32(p + 32);
	return (header_ok(h, offset) ? 0 : -1);
}

static uint8_t *
pack_space(struct packer *k, size_t n)
{
	uint8_t	*buf;
	size_t	 cap;

	if (k->failed)
		return (NULL);
	if (n > RECORD_HEAD_MAX - k->len) {
		k->failed = EINVAL;
		return (NULL);
	}
	if (k->len + n > k->cap) {
		cap = k->cap == 0 ? 256 : k->cap;
		while (cap < k->len + n)
			cap *= 2;
		if ((buf = realloc(k->buf, cap)) == NULL) {
			k->failed = ENOMEM;
			return (NULL);
		}
		k->buf = buf;
		k->cap = cap;
	}
	k->len += n;
	return (k->buf + k->len - n);
}

static void
pack8(struct packer *k, uint8_t v)
{
	uint8_t	*p;

	if ((p = pack_space(k, 1)) != NULL)
		*p = v;
}

static void
pack32(struct packer *k, uint32_t v)
{
	uint8_t	*p;

	if ((p = pack_space(k, 4)) != NULL)
		put32(p, v);
}

static void
pack64(struct packer *k, uint64_t v)
{
	uint8_t	*p;

	if ((p = pack_space(k, 8)) != NULL)
		put64(p, v);
}

/* Length plus one in two bytes, zero for NULL, and the bytes. */
static void
pack_bytes(struct packer *k, const char *s, size_t len)
{
	uint8_t	*p;

	if (s != NULL && len > RECORD_STRING_MAX) {
		if (!k->failed)
			k->failed = EINVAL;
		return;
	}
	if ((p = pack_space(k, s == NULL ? 2 : 2 + len)) == NULL)
		return;
	p[0] = s == NULL ? 0 : (len + 1) >> 8;
	p[1] = s == NULL ? 0 : len + 1;
	if (s != NULL)
		memcpy(p + 2, s, len);
}

static void
pack_string(struct packer *k, const char *s)
{
	pack_bytes(k, s, s == NULL ? 0 : strlen(s));
}

static uint8_t *
pack_end(struct packer *k, size_t *len)
{
	if (k->failed) {
		free(k->buf);
		errno = k->failed;
		return (NULL);
	}
	*len = k->len;
	return (k->buf);
}

static const uint8_t *
unpack_space(struct unpacker *u, size_t n)
{
	const uint8_t	*p = u->p;

	if (u->failed || n > u->left) {
		u->failed = 1;
		return (NULL);
	}
	u->p += n;
	u->left -= n;
	return (p);
}

static uint8_t
unpack8(struct unpacker *u)
{
	const uint8_t	*p = unpack_space(u, 1);

	return (p == NULL ? 0 : *p);
}

static uint32_t
unpack32(struct unpacker *u)
{
	const uint8_t	*p = unpack_space(u, 4);

	return (p == NULL ? 0 : get32(p));
}

static uint64_t
unpack64(struct unpacker *u)
{
	const uint8_t	*p = unpack_space(u, 8);

	return (p == NULL ? 0 : get64(p));
}

/* NULL and 0 for a NULL string, as for one that cannot be read. */
static const char *
unpack_bytes(struct unpacker *u, size_t *len)
{
	const uint8_t	*p;
	size_t		 n;

	*len = 0;
	if ((p = unpack_space(u, 2)) == NULL)
		return (NULL);
	if ((n = (size_t)p[0] << 8 | p[1]) == 0)
		return (NULL);
	n--;
	if (n > RECORD_STRING_MAX || (p = unpack_space(u, n)) == NULL ||
	    memchr(p, '\0', n) != NULL) {
		u->failed = 1;
		return (NULL);
	}
	*len = n;
	return ((const char *)p);
}

/* Only for strings that cannot fail any more but for lack of memory. */
static int
unpack_string(struct unpacker *u, char **s)
{
	const char	*p;
	size_t		 len;

	if ((p = unpack_bytes(u, &len)) == NULL) {
		*s = NULL;
		return (0);
	}
	if ((*s = strndup(p, len)) == NULL)
		return (-1);
	return (0);
}

/* Everything was there and nothing is left. */
static int
unpack_end(const struct unpacker *u)
{
	if (u->failed || u->left != 0) {
		errno = EINVAL;
		return (-1);
	}
	return (0);
}

static int
id_ok(uint64_t id)
{
	return (id > 0 && id <= INT64_MAX);
}

uint8_t *
record_message_encode(const struct envelope *e, int file, size_t *len)
{
	struct packer		 k = { NULL, 0, 0, 0 };
	const struct recipient	*r;
	uint32_t		 i;

	if (!id_ok(e->id) || e->nrecipients == 0 || e->sender == NULL ||
	    (!file && e->size > RECORD_BODY_MAX) || e->class > PROTO_BULK ||
	    e->priority < PRIORITY_MIN || e->priority > PRIORITY_MAX ||
	    e->deadline < 0) {
		errno = EINVAL;
		return (NULL);
	}
	pack64(&k, e->id);
	pack64(&k, (uint64_t)e->received);
	pack64(&k, e->size);
	pack32(&k, e->flags & ENVELOPE_RECORDED);
	pack8(&k, file != 0);
	pack32(&k, e->nrecipients);
	pack_string(&k, e->sender);
	pack_string(&k, e->envid);
	pack_string(&k, e->ret);
	for (i = 0; i < e->nrecipients && !k.failed; i++) {
		r = &e->recipients[i];
		if (r->address == NULL)
			k.failed = EINVAL;
		pack_string(&k, r->address);
		pack_string(&k, r->user);
		pack_string(&k, r->notify);
		pack_string(&k, r->orcpt);
	}
	if (e->priority != 0 || e->class != PROTO_NORMAL ||
	    e->deadline != 0 || e->user != NULL) {
		pack8(&k, (uint8_t)e->priority);
		pack8(&k, (uint8_t)e->class);
		pack64(&k, (uint64_t)e->deadline);
		pack_string(&k, e->user);
	}
	return (pack_end(&k, len));
}

static void
message_fields(struct unpacker *u, struct record_message *m)
{
	uint8_t	 file;

	m->id = unpack64(u);
	m->received = (int64_t)unpack64(u);
	m->size = unpack64(u);
	m->flags = unpack32(u);
	file = unpack8(u);
	m->file = file;
	m->nrecipients = unpack32(u);
	/* A recipient takes at least four lengths. */
	if (!id_ok(m->id) || file > 1 || m->size > INT64_MAX ||
	    (!file && m->size > RECORD_BODY_MAX) || m->nrecipients == 0 ||
	    m->nrecipients > u->left / 8 ||
	    (m->flags & ~(uint32_t)ENVELOPE_RECORDED) != 0)
		u->failed = 1;
}

/* What records of old do not have; without it, as if it said nothing. */
static void
message_more(struct unpacker *u, struct record_message *m)
{
	const char	*user;
	size_t		 n;

	m->priority = 0;
	m->class = PROTO_NORMAL;
	m->deadline = 0;
	if (u->failed || u->left == 0)
		return;
	m->priority = (int8_t)unpack8(u);
	m->class = unpack8(u);
	m->deadline = (int64_t)unpack64(u);
	user = unpack_bytes(u, &n);
	if (m->priority < PRIORITY_MIN || m->priority > PRIORITY_MAX ||
	    m->class > PROTO_BULK || m->deadline < 0 ||
	    (m->priority == 0 && m->class == PROTO_NORMAL &&
	    m->deadline == 0 && user == NULL))
		u->failed = 1;
}

int
record_message_check(struct record_message *m, const uint8_t *p, size_t len)
{
	struct unpacker	 u = { p, len, 0 };
	size_t		 n;
	uint32_t	 i;

	message_fields(&u, m);
	if (unpack_bytes(&u, &n) == NULL)	/* sender */
		u.failed = 1;
	(void)unpack_bytes(&u, &n);		/* envid */
	(void)unpack_bytes(&u, &n);		/* ret */
	m->nlocal = 0;
	for (i = 0; i < m->nrecipients && !u.failed; i++) {
		if (unpack_bytes(&u, &n) == NULL)	/* address */
			u.failed = 1;
		if (unpack_bytes(&u, &n) != NULL)	/* user */
			m->nlocal++;
		(void)unpack_bytes(&u, &n);		/* notify */
		(void)unpack_bytes(&u, &n);		/* orcpt */
	}
	message_more(&u, m);
	return (unpack_end(&u));
}

struct envelope *
record_message_decode(const uint8_t *p, size_t len)
{
	struct unpacker		 u = { p, len, 0 };
	struct record_message	 m, checked;
	struct envelope		*e;
	struct recipient	*r;
	uint32_t		 i;

	if (record_message_check(&checked, p, len) == -1)
		return (NULL);
	message_fields(&u, &m);
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return (NULL);
	e->recipients = calloc(m.nrecipients, sizeof(*e->recipients));
	if (e->recipients == NULL)
		goto fail;
	e->nrecipients = m.nrecipients;
	e->id = m.id;
	e->received = m.received;
	e->size = m.size;
	e->flags = m.flags;
	e->priority = checked.priority;
	e->class = checked.class;
	e->deadline = checked.deadline;
	if (unpack_string(&u, &e->sender) == -1 ||
	    unpack_string(&u, &e->envid) == -1 ||
	    unpack_string(&u, &e->ret) == -1)
		goto fail;
	for (i = 0; i < m.nrecipients; i++) {
		r = &e->recipients[i];
		if (unpack_string(&u, &r->address) == -1 ||
		    unpack_string(&u, &r->user) == -1 ||
		    unpack_string(&u, &r->notify) == -1 ||
		    unpack_string(&u, &r->orcpt) == -1)
			goto fail;
	}
	if (u.left > 0 && (unpack_space(&u, MORE_FIXED) == NULL ||
	    unpack_string(&u, &e->user) == -1))
		goto fail;
	return (e);
fail:
	envelope_free(e);
	errno = ENOMEM;
	return (NULL);
}

uint8_t *
record_mark_encode(const struct record_mark *m, size_t *len)
{
	struct packer	 k = { NULL, 0, 0, 0 };

	if (!id_ok(m->id) || m->state > RECIPIENT_REMOVED ||
	    m->windows > RECORD_WINDOWS_MAX ||
	    m->status_len > RECORD_STATUS_MAX) {
		errno = EINVAL;
		return (NULL);
	}
	pack64(&k, m->id);
	pack32(&k, m->recipient);
	pack32(&k, m->windows);
	pack8(&k, m->state);
	pack_bytes(&k, m->status, m->status_len);
	if (m->when != 0)
		pack64(&k, (uint64_t)m->when);
	return (pack_end(&k, len));
}

int
record_mark_decode(struct record_mark *m, const uint8_t *p, size_t len)
{
	struct unpacker	 u = { p, len, 0 };

	m->id = unpack64(&u);
	m->recipient = unpack32(&u);
	m->windows = unpack32(&u);
	m->state = unpack8(&u);
	m->status = unpack_bytes(&u, &m->status_len);
	m->when = 0;
	if (!u.failed && u.left > 0) {	/* records of old have none */
		m->when = (int64_t)unpack64(&u);
		if (m->when == 0)
			u.failed = 1;
	}
	if (!id_ok(m->id) || m->state > RECIPIENT_REMOVED ||
	    m->windows > RECORD_WINDOWS_MAX ||
	    m->status_len > RECORD_STATUS_MAX)
		u.failed = 1;
	return (unpack_end(&u));
}

uint8_t *
record_change_encode(const struct record_change *c, size_t *len)
{
	struct packer	 k = { NULL, 0, 0, 0 };

	pack64(&k, c->id);
	pack8(&k, c->class);
	pack8(&k, c->flags);
	return (pack_end(&k, len));
}

int
record_change_decode(struct record_change *c, const uint8_t *p, size_t len)
{
	struct unpacker	 u = { p, len, 0 };

	c->id = unpack64(&u);
	c->class = unpack8(&u);
	c->flags = unpack8(&u);
	if (!id_ok(c->id) || c->class > PROTO_BULK ||
	    (c->flags & ~(RECORD_HELD | RECORD_LATE)) != 0)
		u.failed = 1;
	return (unpack_end(&u));
}

uint8_t *
record_done_encode(uint64_t id, size_t *len)
{
	struct packer	 k = { NULL, 0, 0, 0 };

	pack64(&k, id);
	return (pack_end(&k, len));
}

int
record_done_decode(uint64_t *id, const uint8_t *p, size_t len)
{
	struct unpacker	 u = { p, len, 0 };

	*id = unpack64(&u);
	if (!id_ok(*id))
		u.failed = 1;
	return (unpack_end(&u));
}

uint8_t *
record_seal_encode(const struct record_seal *s, size_t *len)
{
	struct packer	 k = { NULL, 0, 0, 0 };

	pack64(&k, s->previous);
	pack64(&k, s->end);
	return (pack_end(&k, len));
}

int
record_seal_decode(struct record_seal *s, const uint8_t *p, size_t len)
{
	struct unpacker	 u = { p, len, 0 };

	s->previous = unpack64(&u);
	s->end = unpack64(&u);
	if (s->previous > INT64_MAX || s->end > UINT32_MAX)
		u.failed = 1;
	return (unpack_end(&u));
}

size_t
record_status_len(const char *s)
{
	size_t	 len;

	len = strlen(s);
	if (len <= RECORD_STATUS_MAX)
		return (len);
	len = RECORD_STATUS_MAX;
	/* Not in the middle of a character: step back to its first byte. */
	while (len > 0 && ((uint8_t)s[len] & 0xc0) == 0x80)
		len--;
	return (len);
}
