# See LICENSE for the terms.
# Tests of fetchd's engines against scripted servers, and of its parsers.

FETCH_TEST_OBJS = regress/unit/fetch_spool.o regress/unit/smtp_peer.o \
	fetchd/session.o fetchd/inbox.o fetchd/known.o fetchd/lost.o \
	fetchd/decimal.o
FETCH_POP3_OBJS = fetchd/pop3_client.o fetchd/pop3_reply.o
FETCH_IMAP_OBJS = fetchd/imap_client.o fetchd/imap_login.o \
	fetchd/imap_list.o fetchd/imap_body.o fetchd/imap_parse.o

regress/unit/pop3_reply_test: regress/unit/pop3_reply_test.o fetchd/pop3_reply.o fetchd/decimal.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/pop3_reply_test.o fetchd/pop3_reply.o fetchd/decimal.o $(LIBS) -lcmocka

regress/unit/imap_parse_test: regress/unit/imap_parse_test.o fetchd/imap_parse.o fetchd/decimal.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/imap_parse_test.o fetchd/imap_parse.o fetchd/decimal.o $(LIBS) -lcmocka

regress/unit/pop3_client_test: regress/unit/pop3_client_test.o $(FETCH_POP3_OBJS) $(FETCH_TEST_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/pop3_client_test.o $(FETCH_POP3_OBJS) $(FETCH_TEST_OBJS) librelayd.a $(LIBS) -lcmocka

regress/unit/imap_client_test: regress/unit/imap_client_test.o $(FETCH_IMAP_OBJS) $(FETCH_TEST_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/imap_client_test.o $(FETCH_IMAP_OBJS) $(FETCH_TEST_OBJS) librelayd.a $(LIBS) -lcmocka

regress/unit/imap_flight_test: regress/unit/imap_flight_test.o $(FETCH_IMAP_OBJS) $(FETCH_TEST_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/imap_flight_test.o $(FETCH_IMAP_OBJS) $(FETCH_TEST_OBJS) librelayd.a $(LIBS) -lcmocka

regress/fuzz/pop3_reply_fuzz: regress/fuzz/pop3_reply_fuzz.o regress/fuzz/standalone.o fetchd/pop3_reply.o fetchd/decimal.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/pop3_reply_fuzz.o regress/fuzz/standalone.o fetchd/pop3_reply.o fetchd/decimal.o $(LIBS)

regress/fuzz/imap_parse_fuzz: regress/fuzz/imap_parse_fuzz.o regress/fuzz/standalone.o fetchd/imap_parse.o fetchd/decimal.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/imap_parse_fuzz.o regress/fuzz/standalone.o fetchd/imap_parse.o fetchd/decimal.o $(LIBS)

FETCH_WINDOW_OBJS = fetchd/account.o fetchd/schedule.o fetchd/delivery.o \
	fetchd/session.o fetchd/inbox.o fetchd/known.o fetchd/lost.o \
	fetchd/decimal.o regress/unit/smtp_peer.o $(FETCH_POP3_OBJS) $(FETCH_IMAP_OBJS)

regress/unit/fetch_window_test: regress/unit/fetch_window_test.o $(FETCH_WINDOW_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -Wl,--wrap=tcp_window_limit -o $@ regress/unit/fetch_window_test.o $(FETCH_WINDOW_OBJS) librelayd.a $(LIBS) -lcmocka
