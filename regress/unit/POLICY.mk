# See LICENSE for the terms.
# Tests of the policy as a whole, in virtual time.

regress/unit/optimum_test: regress/unit/optimum_test.o dialerd/optimum.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/optimum_test.o dialerd/optimum.o \
	    $(LIBS) -lcmocka

# What plays a configuration in virtual time.
REPLAY_OBJS = dialerd/estimate.o dialerd/ledger.o dialerd/ledger_line.o \
	dialerd/ledger_query.o dialerd/lines.o dialerd/modem.o \
	dialerd/policy.o dialerd/policy_text.o dialerd/replay.o \
	dialerd/span.o dialerd/stay.o dialerd/tariff.o dialerd/window.o \
	dialerd/window_charge.o dialerd/window_stay.o

CHECK_POLICY_OBJS = regress/unit/check_balance.o \
	regress/unit/check_oracle.o regress/unit/check_policy.o \
	regress/unit/check_random.o dialerd/optimum.o $(REPLAY_OBJS)

regress/unit/check_policy: $(CHECK_POLICY_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ $(CHECK_POLICY_OBJS) librelayd.a $(LIBS)

$(REPLAY_OBJS) dialerd/optimum.o: $(HEADERS)

TRACE_OBJS = relayctl/trace.o dialerd/arrivals.o

regress/unit/trace_test: regress/unit/trace_test.o $(TRACE_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/trace_test.o $(TRACE_OBJS) \
	    librelayd.a $(LIBS) -lcmocka

regress/fuzz/trace_fuzz: regress/fuzz/trace_fuzz.o \
    regress/fuzz/standalone.o $(TRACE_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/trace_fuzz.o \
	    regress/fuzz/standalone.o $(TRACE_OBJS) librelayd.a $(LIBS)

SIMULATE_TEST_OBJS = regress/unit/simulate_test.o relayctl/simulate_run.o \
	relayctl/trace.o $(SIMULATE_OBJS)

regress/unit/simulate_test: $(SIMULATE_TEST_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ $(SIMULATE_TEST_OBJS) librelayd.a $(LIBS) \
	    $(CRYPT_LIBS) -lcmocka

YEARS_TEST_OBJS = regress/unit/years_test.o $(SIMULATE_OBJS)

regress/unit/years_test: $(YEARS_TEST_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ $(YEARS_TEST_OBJS) librelayd.a $(LIBS) \
	    $(CRYPT_LIBS) -lcmocka
