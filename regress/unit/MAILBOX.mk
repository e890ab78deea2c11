# See LICENSE for the terms.
# Tests of Maildirs, POP3, and local and fetched deliveries.

DELIVER_OBJS = spoold/deliver.o spoold/deliver_name.o \
	spoold/deliver_partial.o spoold/deliver_seen.o
MAILDIR_OBJS = spoold/maildir.o spoold/maildir_list.o
POP3_OBJS = spoold/pop3_server.o spoold/pop3_login.o spoold/pop3_mail.o \
	spoold/pop3_command.o spoold/mailbox.o spoold/sasl.o

regress/unit/maildir_test: regress/unit/maildir_test.o regress/unit/fixture.o $(MAILDIR_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/maildir_test.o regress/unit/fixture.o $(MAILDIR_OBJS) librelayd.a $(LIBS) -lcmocka

regress/unit/pop3_command_test: regress/unit/pop3_command_test.o spoold/pop3_command.o spoold/sasl.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/pop3_command_test.o spoold/pop3_command.o spoold/sasl.o $(LIBS) -lcmocka

regress/unit/mailbox_test: regress/unit/mailbox_test.o regress/unit/fixture.o spoold/mailbox.o $(MAILDIR_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/mailbox_test.o regress/unit/fixture.o spoold/mailbox.o $(MAILDIR_OBJS) librelayd.a $(LIBS) -lcmocka

regress/unit/local_test: regress/unit/local_test.o regress/unit/fixture.o spoold/local.o $(MAILDIR_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/local_test.o regress/unit/fixture.o spoold/local.o $(MAILDIR_OBJS) librelayd.a $(LIBS) -lcmocka

regress/unit/deliver_test: regress/unit/deliver_test.o regress/unit/fixture.o $(DELIVER_OBJS) $(MAILDIR_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/deliver_test.o regress/unit/fixture.o $(DELIVER_OBJS) $(MAILDIR_OBJS) librelayd.a $(LIBS) -lcmocka

regress/unit/pop3_server_test: regress/unit/pop3_server_test.o regress/unit/fixture.o $(POP3_OBJS) $(MAILDIR_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/pop3_server_test.o regress/unit/fixture.o $(POP3_OBJS) $(MAILDIR_OBJS) librelayd.a $(LIBS) -lcmocka

regress/fuzz/pop3_command_fuzz: regress/fuzz/pop3_command_fuzz.o regress/fuzz/standalone.o spoold/pop3_command.o spoold/sasl.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/pop3_command_fuzz.o regress/fuzz/standalone.o spoold/pop3_command.o spoold/sasl.o $(LIBS)
