# See LICENSE for the terms.
# POSIX make: the same file works with GNU make and BSD make.
# ./configure writes config.mk.

include config.mk

LIB_OBJS = relayd/ask.o relayd/channel.o relayd/child.o relayd/conf.o \
	relayd/conf_msg.o relayd/ctl.o relayd/dot.o relayd/log.o \
	relayd/proto.o relayd/stream.o relayd/stream_read.o \
	relayd/stream_tls.o relayd/stream_write.o compat/platform.o \
	$(SANDBOX_OBJ) $(IMSG_OBJS)

RELAYD_OBJS = parent/auth.o parent/conf_build.o parent/conf_check.o \
	parent/conf_default.o parent/conf_lex.o parent/conf_value.o \
	parent/keeper.o parent/line.o parent/listen.o parent/main.o \
	parent/passwd.o parent/printconf.o parent/proc.o parent/reload.o \
	parent/resolve.o parent/spooldir.o parent/task.o parent/parse.o

SPOOLD_OBJS = spoold/address.o spoold/bounce.o spoold/deliver.o \
	spoold/envelope.o spoold/fetchlog.o spoold/fetchlog_line.o \
	spoold/flush.o spoold/header.o spoold/list.o spoold/listener.o \
	spoold/local.o spoold/mailbox.o spoold/maildir.o spoold/maildir_list.o \
	spoold/netmatch.o spoold/outgoing.o spoold/pop3_command.o \
	spoold/pop3_server.o spoold/queue.o spoold/queue_batch.o \
	spoold/queue_clean.o spoold/queue_memory.o spoold/queue_read.o \
	spoold/queue_reader.o spoold/queue_record.o spoold/queue_recover.o \
	spoold/queue_replay.o spoold/received.o spoold/route.o spoold/sasl.o \
	spoold/smtp_auth.o spoold/smtp_client.o spoold/smtp_command.o \
	spoold/smtp_data.o spoold/smtp_reply.o spoold/smtp_server.o \
	spoold/smtp_session.o spoold/spoold.o spoold/waiting.o

DIALERD_OBJS = dialerd/ledger.o dialerd/ledger_line.o dialerd/modem.o \
	dialerd/policy.o dialerd/span.o dialerd/tariff.o dialerd/tty.o \
	dialerd/window.o

FETCHD_OBJS = fetchd/account.o fetchd/decimal.o fetchd/delivery.o \
	fetchd/fetchd.o fetchd/imap_body.o fetchd/imap_client.o \
	fetchd/imap_list.o fetchd/imap_login.o fetchd/imap_parse.o \
	fetchd/inbox.o fetchd/pop3_client.o fetchd/pop3_reply.o \
	fetchd/schedule.o fetchd/session.o

RELAYCTL_OBJS = relayctl/command.o relayctl/json.o relayctl/relayctl.o \
	relayctl/show.o

PROGRAMS = parent/relayd spoold/spoold dialerd/dialerd fetchd/fetchd \
	relayctl/relayctl

all: $(PROGRAMS)

.SUFFIXES:
.SUFFIXES: .c .o

.c.o:
	$(CC) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

librelayd.a: $(LIB_OBJS)
	rm -f $@
	ar rcs $@ $(LIB_OBJS)

parent/relayd: $(RELAYD_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ $(RELAYD_OBJS) librelayd.a $(LIBS) \
	    $(CRYPT_LIBS)

spoold/spoold: $(SPOOLD_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ $(SPOOLD_OBJS) librelayd.a $(LIBS)

dialerd/dialerd: $(DIALERD_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ $(DIALERD_OBJS) librelayd.a $(LIBS)

fetchd/fetchd: $(FETCHD_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ $(FETCHD_OBJS) librelayd.a $(LIBS)

relayctl/relayctl: $(RELAYCTL_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ $(RELAYCTL_OBJS) librelayd.a $(LIBS)

parent/parse.c: parent/parse.y
	$(YACC) -o $@ parent/parse.y

# Generated code is not held to our warnings.
parent/parse.o: parent/parse.c
	$(CC) $(CFLAGS) -Wno-error $(CPPFLAGS) -c -o $@ parent/parse.c

$(LIB_OBJS) $(RELAYD_OBJS) $(SPOOLD_OBJS) $(DIALERD_OBJS) $(FETCHD_OBJS) \
    $(RELAYCTL_OBJS): $(HEADERS)
