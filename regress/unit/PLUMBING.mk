# See LICENSE for the terms.
# imsg, base64, the stream and the transparency of dots.

STREAM_TEST_OBJS = regress/unit/stream_peer.o

regress/unit/imsg_test: regress/unit/imsg_test.o $(IMSG_OBJS)
	$(CC) $(LDFLAGS) -o $@ regress/unit/imsg_test.o $(IMSG_OBJS) $(LIBS) -lcmocka

regress/unit/base64_test: regress/unit/base64_test.o relayd/base64.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/base64_test.o relayd/base64.o $(LIBS) -lcmocka

regress/unit/dot_test: regress/unit/dot_test.o relayd/dot.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/dot_test.o relayd/dot.o $(LIBS) -lcmocka

regress/unit/stream_test: regress/unit/stream_test.o $(STREAM_TEST_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/stream_test.o $(STREAM_TEST_OBJS) librelayd.a $(LIBS) -lcmocka

regress/unit/stream_deflate_test: regress/unit/stream_deflate_test.o $(STREAM_TEST_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/stream_deflate_test.o $(STREAM_TEST_OBJS) librelayd.a $(LIBS) -lcmocka

regress/unit/stream_tls_test: regress/unit/stream_tls_test.o $(STREAM_TEST_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/stream_tls_test.o $(STREAM_TEST_OBJS) librelayd.a $(LIBS) -lcmocka

regress/fuzz/dot_fuzz: regress/fuzz/dot_fuzz.o regress/fuzz/standalone.o relayd/dot.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/dot_fuzz.o regress/fuzz/standalone.o relayd/dot.o $(LIBS)

regress/fuzz/imsg_fuzz: regress/fuzz/imsg_fuzz.o regress/fuzz/standalone.o $(IMSG_OBJS)
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/imsg_fuzz.o regress/fuzz/standalone.o $(IMSG_OBJS) $(LIBS)
