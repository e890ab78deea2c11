# Tests of the flush: SMTP replies, the SMTP client, bounces, the policy.

FLUSH_CLIENT_OBJS = regress/unit/smtp_peer.o spoold/smtp_client.o \
	spoold/smtp_login.o spoold/smtp_tls.o \
	spoold/smtp_transaction.o spoold/smtp_reply.o \
	spoold/envelope.o

FLUSH_QUEUE_OBJS = spoold/queue.o spoold/queue_batch.o spoold/queue_clean.o \
	spoold/queue_memory.o spoold/queue_read.o spoold/queue_reader.o \
	spoold/queue_record.o spoold/queue_recover.o spoold/queue_replay.o

FLUSH_BOUNCE_OBJS = spoold/bounce.o spoold/route.o spoold/address.o

regress/unit/smtp_reply_test: regress/unit/smtp_reply_test.o \
    spoold/smtp_reply.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/smtp_reply_test.o \
	    spoold/smtp_reply.o $(LIBS) -lcmocka

regress/unit/smtp_client_test: regress/unit/smtp_client_test.o \
    $(FLUSH_CLIENT_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -Wl,--wrap=stream_timeout \
	    -Wl,--wrap=tcp_queue_room \
	    -o $@ regress/unit/smtp_client_test.o \
	    $(FLUSH_CLIENT_OBJS) librelayd.a $(LIBS) -lcmocka

regress/unit/bounce_test: regress/unit/bounce_test.o \
    regress/unit/fixture.o $(FLUSH_BOUNCE_OBJS) \
    $(FLUSH_QUEUE_OBJS) spoold/envelope.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/bounce_test.o \
	    regress/unit/fixture.o $(FLUSH_BOUNCE_OBJS) \
	    $(FLUSH_QUEUE_OBJS) spoold/envelope.o librelayd.a $(LIBS) -lcmocka

regress/unit/waiting_test: regress/unit/waiting_test.o \
    regress/unit/fixture.o spoold/waiting.o $(FLUSH_QUEUE_OBJS) \
    spoold/envelope.o librelayd.a
	$(CC) $(LDFLAGS) -Wl,--wrap=time -o $@ regress/unit/waiting_test.o \
	    regress/unit/fixture.o spoold/waiting.o $(FLUSH_QUEUE_OBJS) \
	    spoold/envelope.o librelayd.a $(LIBS) -lcmocka

regress/unit/message_test: regress/unit/message_test.o \
    regress/unit/fixture.o spoold/message.o $(FLUSH_QUEUE_OBJS) \
    spoold/envelope.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/message_test.o \
	    regress/unit/fixture.o spoold/message.o $(FLUSH_QUEUE_OBJS) \
	    spoold/envelope.o librelayd.a $(LIBS) -lcmocka

regress/unit/flush_test: regress/unit/flush_test.o \
    regress/unit/fixture.o spoold/flush.o spoold/late.o \
    spoold/outgoing.o spoold/waiting.o spoold/header.o \
    $(FLUSH_CLIENT_OBJS) $(FLUSH_BOUNCE_OBJS) $(FLUSH_QUEUE_OBJS) \
    librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/flush_test.o \
	    regress/unit/fixture.o spoold/flush.o spoold/late.o \
	    spoold/outgoing.o spoold/waiting.o spoold/header.o \
	    $(FLUSH_CLIENT_OBJS) $(FLUSH_BOUNCE_OBJS) $(FLUSH_QUEUE_OBJS) \
	    librelayd.a $(LIBS) -lcmocka

regress/fuzz/smtp_reply_fuzz: regress/fuzz/smtp_reply_fuzz.o \
    regress/fuzz/standalone.o spoold/smtp_reply.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/smtp_reply_fuzz.o \
	    regress/fuzz/standalone.o spoold/smtp_reply.o $(LIBS)

regress/unit/smtp_tls_test: regress/unit/smtp_tls_test.o spoold/smtp_tls.o \
    librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/smtp_tls_test.o spoold/smtp_tls.o \
	    librelayd.a $(LIBS) -lcmocka

regress/unit/tcp_queue_test: regress/unit/tcp_queue_test.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/tcp_queue_test.o librelayd.a \
	    $(LIBS) -lcmocka
