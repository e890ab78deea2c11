# Tests of relayctl: what it prints, and what that is made of.

# A dialerd that is made up, for regress/relayctl/run.sh.
tests: regress/relayctl/server
regress/relayctl/server: regress/relayctl/server.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/relayctl/server.o librelayd.a $(LIBS)

regress/unit/report_test: regress/unit/report_test.o relayctl/report.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/report_test.o relayctl/report.o \
	    $(LIBS) -lcmocka

regress/unit/format_test: regress/unit/format_test.o relayctl/format.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/format_test.o relayctl/format.o \
	    $(LIBS) -lcmocka

# It runs these two, from here.
regress/unit/watch_test: regress/unit/watch_test.o relayctl/relayctl \
    regress/relayctl/server
	$(CC) $(LDFLAGS) -o $@ regress/unit/watch_test.o $(LIBS) -lcmocka \
	    -lutil
