# See LICENSE for the terms.
# POSIX make: the same file works with GNU make and BSD make.
# ./configure writes config.mk.

include config.mk

LIB_OBJS = relayd/ask.o relayd/base64.o relayd/channel.o relayd/child.o \
	relayd/conf.o relayd/conf_msg.o relayd/connector.o relayd/ctl.o relayd/dot.o \
	relayd/log.o relayd/proto.o relayd/stream.o \
	relayd/stream_deflate.o relayd/stream_read.o \
	relayd/stream_tls.o relayd/stream_write.o compat/platform.o \
	compat/tcp_acked.o compat/tcp_queue.o $(SANDBOX_OBJ) $(IMSG_OBJS)

RELAYD_OBJS = parent/ttylock.o \
	parent/auth.o parent/aliases.o parent/conf_build.o \
	parent/conf_build_dial.o \
	parent/conf_build_line.o parent/conf_build_mail.o parent/conf_check.o \
	parent/conf_default.o parent/conf_files.o parent/conf_lex.o \
	parent/conf_value.o parent/keeper.o parent/line.o parent/listen.o \
	parent/main.o parent/passwd.o parent/printconf.o parent/proc.o \
	parent/reload.o parent/resolve.o parent/spooldir.o parent/task.o \
	parent/parse.o

SPOOLD_OBJS = spoold/address.o spoold/bounce.o spoold/deliver.o \
	spoold/deliver_name.o spoold/deliver_partial.o spoold/deliver_seen.o \
	spoold/envelope.o spoold/fetchlog.o spoold/fetchlog_line.o \
	spoold/flush.o spoold/header.o spoold/late.o spoold/list.o \
	spoold/listener.o spoold/local.o spoold/mailbox.o spoold/maildir.o spoold/maildir_list.o \
	spoold/message.o spoold/netmatch.o spoold/outgoing.o spoold/pop3_command.o \
	spoold/pop3_login.o spoold/pop3_mail.o spoold/pop3_server.o \
	spoold/queue.o spoold/queue_batch.o spoold/queue_clean.o \
	spoold/queue_memory.o spoold/queue_read.o spoold/queue_reader.o \
	spoold/queue_record.o spoold/queue_recover.o spoold/queue_replay.o \
	spoold/received.o spoold/route.o spoold/sasl.o spoold/smtp_auth.o \
	spoold/smtp_client.o spoold/smtp_command.o spoold/smtp_data.o \
	spoold/smtp_login.o spoold/smtp_reply.o spoold/smtp_server.o \
	spoold/smtp_session.o spoold/smtp_tls.o spoold/smtp_transaction.o spoold/spoold.o \
	spoold/waiting.o

DIALERD_OBJS = dialerd/arrivals.o dialerd/call.o dialerd/chat.o \
	dialerd/control.o dialerd/delayed.o dialerd/dialerd.o \
	dialerd/estimate.o dialerd/facts.o dialerd/ledger.o \
	dialerd/ledger_line.o dialerd/ledger_query.o dialerd/lines.o \
	dialerd/modem.o dialerd/operator.o dialerd/plan.o dialerd/policy.o \
	dialerd/policy_text.o dialerd/span.o dialerd/stay.o \
	dialerd/tariff.o dialerd/tty.o dialerd/window.o \
	dialerd/window_charge.o dialerd/window_stay.o

FETCHD_OBJS = fetchd/account.o fetchd/decimal.o fetchd/delivery.o \
	fetchd/fetchd.o fetchd/imap_body.o fetchd/imap_client.o \
	fetchd/imap_list.o fetchd/imap_login.o fetchd/imap_parse.o \
	fetchd/inbox.o fetchd/known.o fetchd/lost.o fetchd/pop3_client.o fetchd/pop3_reply.o \
	fetchd/schedule.o fetchd/session.o

RELAYCTL_OBJS = relayctl/addrlist.o relayctl/client.o relayctl/command.o \
	relayctl/dovecot.o relayctl/explain.o relayctl/format.o \
	relayctl/json.o relayctl/relayctl.o \
	relayctl/report.o relayctl/report_show.o \
	relayctl/sendmail.o relayctl/show.o relayctl/simulate.o \
	relayctl/simulate_run.o relayctl/simulate_show.o \
	relayctl/submission.o relayctl/submit.o relayctl/trace.o \
	relayctl/watch.o relayctl/watch_page.o

# What relayctl simulate and dovecot have of dialerd and of the parent.
SIMULATE_OBJS = dialerd/estimate.o dialerd/ledger.o dialerd/ledger_line.o \
	dialerd/ledger_query.o dialerd/lines.o dialerd/modem.o \
	dialerd/optimum.o dialerd/policy.o dialerd/policy_text.o \
	dialerd/replay.o dialerd/span.o dialerd/stay.o dialerd/tariff.o \
	dialerd/window.o dialerd/window_charge.o dialerd/window_stay.o \
	parent/aliases.o parent/conf_build.o parent/conf_build_dial.o \
	parent/conf_build_line.o parent/conf_build_mail.o \
	parent/conf_check.o parent/conf_default.o parent/conf_files.o \
	parent/conf_lex.o parent/conf_value.o parent/parse.o \
	parent/passwd.o

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

relayctl/relayctl: $(RELAYCTL_OBJS) $(SIMULATE_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ $(RELAYCTL_OBJS) $(SIMULATE_OBJS) \
	    librelayd.a $(LIBS) $(CRYPT_LIBS)

parent/parse.c: parent/parse.y
	$(YACC) -o $@ parent/parse.y

# Generated code is not held to our warnings.
parent/parse.o: parent/parse.c
	$(CC) $(CFLAGS) -Wno-error $(CPPFLAGS) -c -o $@ parent/parse.c

$(LIB_OBJS) $(RELAYD_OBJS) $(SPOOLD_OBJS) $(DIALERD_OBJS) $(FETCHD_OBJS) \
    $(RELAYCTL_OBJS) $(SIMULATE_OBJS): $(HEADERS)

# Where things are, as given to make; what depends on it is built again when
# that changes.
paths.h: FORCE
	@{ echo '/* Written by make. */'; \
	echo '#define LIBEXECDIR "$(LIBEXECDIR)"'; \
	echo '#define CONF_FILE "$(SYSCONFDIR)/mail/relayd.conf"'; \
	echo '#define SPOOLDIR "$(LOCALSTATEDIR)/spool/relayd"'; \
	echo '#define EMPTYDIR "$(LOCALSTATEDIR)/empty/relayd"'; \
	echo '#define CONTROL_SOCKET "$(RUNSTATEDIR)/relayd/relayd.sock"'; \
	echo '#define CONTROL_SOCKET_RO "$(RUNSTATEDIR)/relayd/status.sock"'; \
	echo '#define SUBMIT_SOCKET "$(RUNSTATEDIR)/relayd/submit.sock"'; \
	} > paths.h.new
	@cmp -s paths.h.new paths.h || cp paths.h.new paths.h
	@rm -f paths.h.new

FORCE:

# Tests

MODEM_OBJS = regress/modem/far.o regress/modem/forward.o \
	regress/modem/modem.o regress/modem/script.o regress/modem/wire.o

regress/modem/modem: $(MODEM_OBJS)
	$(CC) $(LDFLAGS) -o $@ $(MODEM_OBJS) $(LIBS)

include regress/unit/CONFIG.mk
include regress/unit/CONNECT.mk
include regress/unit/CORE.mk
include regress/unit/FETCH.mk
include regress/unit/FLUSH.mk
include regress/unit/LINE.mk
include regress/unit/MAILBOX.mk
include regress/unit/PLUMBING.mk
include regress/unit/POLICY.mk
include regress/unit/RELAYCTL.mk
include regress/unit/SENDMAIL.mk
include regress/unit/SMTPIN.mk
include regress/unit/STORE.mk

TESTS = regress/unit/delayed_test \
	regress/unit/ttylock_test \
	regress/unit/passwd_test regress/unit/conf_test \
	regress/unit/connector_test \
	regress/ipc/ipc_test regress/unit/channel_test \
	regress/unit/conf_msg_test regress/unit/sandbox_test \
	regress/unit/spooldir_test regress/unit/log_test \
	regress/unit/pop3_reply_test \
	regress/unit/imap_parse_test regress/unit/pop3_client_test \
	regress/unit/imap_client_test regress/unit/imap_flight_test \
	regress/unit/fetch_window_test \
	regress/unit/smtp_reply_test regress/unit/smtp_client_test \
	regress/unit/bounce_test regress/unit/flush_test \
	regress/unit/tcp_queue_test regress/unit/smtp_tls_test \
	regress/unit/chat_test regress/unit/waiting_test \
	regress/unit/message_test regress/unit/relayctl_command_test \
	regress/unit/report_test regress/unit/format_test \
	regress/unit/watch_test \
	regress/unit/modem_test \
	regress/unit/span_test \
	regress/unit/tariff_test regress/unit/policy_test \
	regress/unit/optimum_test regress/unit/trace_test \
	regress/unit/simulate_test regress/unit/years_test \
	regress/unit/ledger_test regress/unit/arrivals_test \
	regress/unit/window_test \
	regress/unit/tty_test regress/unit/control_test \
	regress/unit/maildir_test regress/unit/pop3_command_test \
	regress/unit/mailbox_test regress/unit/local_test \
	regress/unit/deliver_test regress/unit/pop3_server_test \
	regress/unit/imsg_test regress/unit/base64_test regress/unit/dot_test \
	regress/unit/stream_test regress/unit/stream_deflate_test \
	regress/unit/stream_tls_test regress/unit/address_test \
	regress/unit/smtp_command_test regress/unit/header_test \
	regress/unit/received_test regress/unit/sasl_test \
	regress/unit/route_test regress/unit/netmatch_test \
	regress/unit/listener_test regress/unit/smtp_server_test \
	regress/unit/queue_record_test regress/unit/queue_test \
	regress/unit/queue_crash_test regress/unit/fetchlog_test \
	regress/unit/submission_test regress/unit/stay_test \
	regress/unit/lines_test regress/unit/facts_test \
	regress/unit/aliases_test

FUZZ = regress/fuzz/parse_fuzz regress/fuzz/passwd_fuzz \
	regress/fuzz/aliases_fuzz \
	regress/fuzz/pop3_reply_fuzz regress/fuzz/imap_parse_fuzz \
	regress/fuzz/smtp_reply_fuzz regress/fuzz/modem_fuzz \
	regress/fuzz/chat_fuzz \
	regress/fuzz/ledger_line_fuzz regress/fuzz/arrivals_fuzz \
	regress/fuzz/pop3_command_fuzz \
	regress/fuzz/conf_msg_fuzz regress/fuzz/dot_fuzz \
	regress/fuzz/imsg_fuzz regress/fuzz/address_fuzz \
	regress/fuzz/smtp_command_fuzz regress/fuzz/header_fuzz \
	regress/fuzz/queue_record_fuzz regress/fuzz/fetchlog_fuzz \
	regress/fuzz/submission_fuzz regress/fuzz/trace_fuzz

$(REGRESS_OBJS): $(HEADERS) $(REGRESS_HEADERS)

CHECK_POLICY = regress/unit/check_policy

tests: $(PROGRAMS) $(TESTS) $(FUZZ) $(CHECK_POLICY) regress/modem/modem

# Everything that needs no special kernel; ends in "N passed, N failed".
check: tests
	sh regress/run.sh $(TESTS)

list-tests:
	@echo $(TESTS)

check-unit: tests
	REGRESS="unit fuzz config relayctl policy" sh regress/run.sh $(TESTS)

# Random policies and traces by the thousand; a minute.
check-policy: $(CHECK_POLICY)
	$(CHECK_POLICY)

# A whole site in user-mode Linux with a real pppd over the paced modem.
check-line: tests
	sh regress/line/run.sh

# How long a window is, beside what else there is: an hour and a half.
bench-window: tests
	sh regress/bench/window/run.sh

check-man:
	sh regress/man.sh

# Some hundred windows with a fault in each; an hour.
campaign-line: all regress/modem/modem
	sh regress/campaign/line.sh

# Some hundred kills under mixed load; half an hour.
campaign-spool: all regress/modem/modem
	sh regress/campaign/spool.sh

demo: all regress/modem/modem
	sh regress/demo/demo.sh

# Installation

# What is installed names the places where things are.
SITED = sed -e 's,@SBINDIR@,$(SBINDIR),g' \
	-e 's,/usr/local/sbin/relayd,$(SBINDIR)/relayd,g' \
	-e 's,/etc/mail,$(SYSCONFDIR)/mail,g' \
	-e 's,/run/relayd,$(RUNSTATEDIR)/relayd,g' \
	-e 's,/var/empty/relayd,$(LOCALSTATEDIR)/empty/relayd,g' \
	-e 's,/var/spool/relayd,$(LOCALSTATEDIR)/spool/relayd,g'
MAN = $(DESTDIR)$(MANDIR)
EXAMPLES = $(DESTDIR)$(EXAMPLEDIR)

install: all
	mkdir -p "$(DESTDIR)$(SBINDIR)" "$(DESTDIR)$(LIBEXECDIR)" \
	    "$(MAN)/man5" "$(MAN)/man8" "$(EXAMPLES)" \
	    "$(DESTDIR)$(SYSCONFDIR)/mail"
	install -m 0755 parent/relayd relayctl/relayctl "$(DESTDIR)$(SBINDIR)"
	for n in sendmail mailq newaliases; do \
	    ln -sf relayctl "$(DESTDIR)$(SBINDIR)/$$n"; done
	install -m 0755 spoold/spoold dialerd/dialerd fetchd/fetchd \
	    "$(DESTDIR)$(LIBEXECDIR)"
	$(SITED) man/relayd.conf.5 >"$(MAN)/man5/relayd.conf.5"
	$(SITED) man/relayd.8 >"$(MAN)/man8/relayd.8"
	$(SITED) man/relayctl.8 >"$(MAN)/man8/relayctl.8"
	$(SITED) etc/relayd.conf >"$(EXAMPLES)/relayd.conf"
	$(SITED) etc/relayd.rc >"$(EXAMPLES)/relayd.rc"
	$(SITED) etc/relayd.service.in >"$(EXAMPLES)/relayd.service"
	chmod 0644 "$(MAN)/man5/relayd.conf.5" "$(MAN)/man8/relayd.8" \
	    "$(MAN)/man8/relayctl.8" "$(EXAMPLES)"/*
	@test -f "$(DESTDIR)$(SYSCONFDIR)/mail/relayd.conf" || \
	    echo "now copy $(EXAMPLEDIR)/relayd.conf to" \
	    "$(SYSCONFDIR)/mail/relayd.conf (mode 0600) and edit it"

uninstall:
	rm -f "$(DESTDIR)$(SBINDIR)/relayd" "$(DESTDIR)$(SBINDIR)/relayctl"
	for n in sendmail mailq newaliases; do \
	    if [ "`readlink "$(DESTDIR)$(SBINDIR)/$$n"`" = relayctl ]; then \
	    rm -f "$(DESTDIR)$(SBINDIR)/$$n"; fi; done
	rm -f "$(MAN)/man5/relayd.conf.5" "$(MAN)/man8/relayd.8" \
	    "$(MAN)/man8/relayctl.8"
	rm -rf "$(DESTDIR)$(LIBEXECDIR)" "$(EXAMPLES)"

clean:
	rm -f */*.o regress/*/*.o librelayd.a parent/parse.c $(PROGRAMS) \
	    $(TESTS) $(FUZZ) $(CHECK_POLICY) regress/modem/modem \
	    regress/relayctl/server

distclean: clean
	rm -f config.mk config.h config.log paths.h
