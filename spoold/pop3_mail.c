/* See LICENSE for the terms. */

/*
 * The POP3 server's commands on the mailbox, and QUIT.  RFC 1939 5, 6.
 */

#include <sys/types.h>

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>

#include "log.h"
#include "pop3_internal.h"

#define POP3_PIECE		8192	/* of a message at once */
#define POP3_LIST_PIECE		128	/* lines of a listing at once */

void
pop3_stat(struct pop3_session *s, const struct pop3_command *cmd)
{
	uint32_t	 messages;
	uint64_t	 bytes;

	(void)cmd;
	mailbox_totals(s->mailbox, &messages, &bytes);
	pop3_say(s, "+OK %u %" PRIu64, messages, bytes);
}

/* 1 if the message that a command speaks of is there. */
static int
pop3_exists(struct pop3_session *s, const struct pop3_command *cmd)
{
	if (mailbox_exists(s->mailbox, cmd->number))
		return (1);
	pop3_say(s, "-ERR there is no such message");
	return (0);
}

/* The line of one message in LIST or UIDL. */
static void
pop3_list_line(struct pop3_session *s, const char *prefix, int uidl,
    uint32_t n)
{
	char	 uid[MAILBOX_UID_MAX];

	if (uidl) {
		mailbox_uid(s->mailbox, n, uid);
		pop3_say(s, "%s%u %s", prefix, n, uid);
	} else
		pop3_say(s, "%s%u %" PRIu64, prefix, n,
		    mailbox_size(s->mailbox, n));
}

/* LIST and UIDL, of one message or of all. */
void
pop3_list(struct pop3_session *s, const struct pop3_command *cmd)
{
	int	 uidl = cmd->verb == POP3_UIDL;

	if (cmd->has_number) {
		if (pop3_exists(s, cmd))
			pop3_list_line(s, "+OK ", uidl, cmd->number);
		return;
	}
	pop3_say(s, "+OK");
	s->uidl = uidl;
	s->next = 1;
	s->phase = PHASE_LISTING;
}

void
pop3_send_listing(struct pop3_session *s)
{
	uint32_t	 count = mailbox_count(s->mailbox);
	unsigned int	 i;

	for (i = 0; i < POP3_LIST_PIECE && s->next <= count; i++, s->next++)
		if (mailbox_exists(s->mailbox, s->next))
			pop3_list_line(s, "", s->uidl, s->next);
	if (s->next > count) {
		pop3_say(s, ".");
		s->phase = PHASE_COMMAND;
	}
}

/* RETR and TOP. */
void
pop3_retr(struct pop3_session *s, const struct pop3_command *cmd)
{
	int64_t	 lines = MAILBOX_ALL;

	if (cmd->verb == POP3_TOP)
		lines = cmd->lines;
	if (!pop3_exists(s, cmd))
		return;
	s->reader = mailbox_read_open(s->mailbox, cmd->number, lines);
	if (s->reader == NULL) {
		if (errno == ENOENT) {
			pop3_say(s, "-ERR the message has vanished");
			return;
		}
		log_warn("pop3: %s: message %u", pop3_log_user(s),
		    cmd->number);
		pop3_say(s, "-ERR [SYS/TEMP] the message cannot be read");
		return;
	}
	if (cmd->verb == POP3_RETR) {
		s->retrieved++;
		pop3_say(s, "+OK %" PRIu64 " octets",
		    mailbox_size(s->mailbox, cmd->number));
	} else
		pop3_say(s, "+OK");
	s->dots = 0;
	s->phase = PHASE_MESSAGE;
}

/* A piece of the message, or its end. */
void
pop3_send_message(struct pop3_session *s)
{
	uint8_t	 in[POP3_PIECE], out[POP3_PIECE];
	size_t	 n, off, used;
	ssize_t	 len;

	if ((len = mailbox_read(s->reader, in, sizeof(in))) == -1) {
		/* Half a message must not look like a whole one. */
		log_warn("pop3: %s", pop3_log_user(s));
		s->broken = 1;
		return;
	}
	if (len == 0) {
		n = dot_end(s->dots, out);
		if (stream_write(s->stream, out, n) == -1)
			s->broken = 1;
		mailbox_read_close(s->reader);
		s->reader = NULL;
		s->phase = PHASE_COMMAND;
		return;
	}
	for (off = 0; off < (size_t)len; off += used) {
		n = dot_stuff(&s->dots, in + off, len - off, &used, out,
		    sizeof(out));
		if (stream_write(s->stream, out, n) == -1) {
			s->broken = 1;
			return;
		}
	}
}

void
pop3_dele(struct pop3_session *s, const struct pop3_command *cmd)
{
	if (!pop3_exists(s, cmd))
		return;
	mailbox_delete(s->mailbox, cmd->number);
	pop3_say(s, "+OK");
}

void
pop3_noop(struct pop3_session *s, const struct pop3_command *cmd)
{
	(void)cmd;
	pop3_say(s, "+OK");
}

void
pop3_rset(struct pop3_session *s, const struct pop3_command *cmd)
{
	(void)cmd;
	mailbox_reset(s->mailbox);
	pop3_say(s, "+OK");
}

void
pop3_quit(struct pop3_session *s, const struct pop3_command *cmd)
{
	uint32_t	 failed = 0, before, after;
	uint64_t	 bytes;

	(void)cmd;
	if (s->mailbox != NULL) {
		before = mailbox_count(s->mailbox);
		mailbox_totals(s->mailbox, &after, &bytes);
		failed = mailbox_update(s->mailbox);
		s->deleted = before - after - failed;
	}
	if (failed != 0)
		pop3_say(s, "-ERR [SYS/TEMP] some deleted messages were not "
		    "removed");
	else
		pop3_say(s, "+OK");
	s->ending = "quit";
}
