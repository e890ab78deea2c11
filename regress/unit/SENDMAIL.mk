# See LICENSE for the terms.

regress/unit/submission_test: regress/unit/submission_test.o \
    relayctl/submission.o relayctl/addrlist.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/submission_test.o \
	    relayctl/submission.o relayctl/addrlist.o $(LIBS) -lcmocka

regress/fuzz/submission_fuzz: regress/fuzz/submission_fuzz.o \
    regress/fuzz/standalone.o relayctl/submission.o relayctl/addrlist.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/submission_fuzz.o \
	    regress/fuzz/standalone.o relayctl/submission.o \
	    relayctl/addrlist.o $(LIBS)
