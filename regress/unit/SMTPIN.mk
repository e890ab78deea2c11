# See LICENSE for the terms.
# Tests of the SMTP server, its parsers, and the listeners.

SMTPIN_OBJS = spoold/smtp_server.o spoold/smtp_session.o spoold/smtp_auth.o \
	spoold/smtp_data.o spoold/smtp_command.o spoold/address.o \
	spoold/header.o spoold/received.o spoold/route.o spoold/netmatch.o \
	spoold/sasl.o spoold/envelope.o

regress/unit/address_test: regress/unit/address_test.o spoold/address.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/address_test.o spoold/address.o $(LIBS) -lcmocka

regress/unit/smtp_command_test: regress/unit/smtp_command_test.o spoold/smtp_command.o spoold/address.o spoold/header.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/smtp_command_test.o spoold/smtp_command.o spoold/address.o spoold/header.o $(LIBS) -lcmocka

regress/unit/header_test: regress/unit/header_test.o spoold/header.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/header_test.o spoold/header.o $(LIBS) -lcmocka

regress/unit/received_test: regress/unit/received_test.o spoold/received.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/received_test.o spoold/received.o $(LIBS) -lcmocka

regress/unit/sasl_test: regress/unit/sasl_test.o spoold/sasl.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/sasl_test.o spoold/sasl.o $(LIBS) -lcmocka

regress/unit/route_test: regress/unit/route_test.o spoold/route.o spoold/envelope.o spoold/address.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/route_test.o spoold/route.o spoold/envelope.o spoold/address.o librelayd.a $(LIBS) -lcmocka

regress/unit/netmatch_test: regress/unit/netmatch_test.o spoold/netmatch.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/netmatch_test.o spoold/netmatch.o librelayd.a $(LIBS) -lcmocka

regress/unit/listener_test: regress/unit/listener_test.o spoold/listener.o spoold/netmatch.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/listener_test.o spoold/listener.o spoold/netmatch.o librelayd.a $(LIBS) -lcmocka

regress/unit/smtp_server_test: regress/unit/smtp_server_test.o $(SMTPIN_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/smtp_server_test.o $(SMTPIN_OBJS) librelayd.a $(LIBS) -lcmocka

regress/fuzz/address_fuzz: regress/fuzz/address_fuzz.o regress/fuzz/standalone.o spoold/address.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/address_fuzz.o regress/fuzz/standalone.o spoold/address.o $(LIBS)

regress/fuzz/smtp_command_fuzz: regress/fuzz/smtp_command_fuzz.o regress/fuzz/standalone.o spoold/smtp_command.o spoold/address.o spoold/header.o spoold/sasl.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/smtp_command_fuzz.o regress/fuzz/standalone.o spoold/smtp_command.o spoold/address.o spoold/header.o spoold/sasl.o $(LIBS)

regress/fuzz/header_fuzz: regress/fuzz/header_fuzz.o regress/fuzz/standalone.o spoold/header.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/header_fuzz.o regress/fuzz/standalone.o spoold/header.o $(LIBS)
