# Tests of the line: dialogue, policy, tariff, hours, ledger, call.

LINE_PURE_OBJS = dialerd/span.o dialerd/tariff.o
LEDGER_OBJS = dialerd/ledger.o dialerd/ledger_line.o dialerd/ledger_query.o

regress/unit/modem_test: regress/unit/modem_test.o dialerd/modem.o \
    librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/modem_test.o dialerd/modem.o \
	    librelayd.a $(LIBS) -lcmocka

regress/unit/chat_test: regress/unit/chat_test.o dialerd/chat.o \
    librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/chat_test.o dialerd/chat.o \
	    librelayd.a $(LIBS) -lcmocka

regress/unit/span_test: regress/unit/span_test.o dialerd/span.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/span_test.o dialerd/span.o \
	    $(LIBS) -lcmocka

regress/unit/tariff_test: regress/unit/tariff_test.o $(LINE_PURE_OBJS) \
    librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/tariff_test.o $(LINE_PURE_OBJS) \
	    librelayd.a $(LIBS) -lcmocka

POLICY_OBJS = dialerd/policy.o dialerd/policy_text.o $(LINE_PURE_OBJS)

regress/unit/policy_test: regress/unit/policy_test.o $(POLICY_OBJS) \
    librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/policy_test.o $(POLICY_OBJS) \
	    librelayd.a $(LIBS) -lcmocka

regress/unit/ledger_test: regress/unit/ledger_test.o $(LEDGER_OBJS) \
    librelayd.a
	$(CC) $(LDFLAGS) -Wl,--wrap=ftruncate -o $@ \
	    regress/unit/ledger_test.o $(LEDGER_OBJS) librelayd.a $(LIBS) \
	    -lcmocka

regress/unit/arrivals_test: regress/unit/arrivals_test.o dialerd/arrivals.o \
    librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/arrivals_test.o \
	    dialerd/arrivals.o librelayd.a $(LIBS) -lcmocka

regress/fuzz/arrivals_fuzz: regress/fuzz/arrivals_fuzz.o \
    regress/fuzz/standalone.o dialerd/arrivals.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/arrivals_fuzz.o \
	    regress/fuzz/standalone.o dialerd/arrivals.o librelayd.a $(LIBS)

WINDOW_OBJS = dialerd/window.o dialerd/window_charge.o \
	dialerd/window_stay.o dialerd/modem.o dialerd/stay.o

regress/unit/window_test: regress/unit/window_test.o $(WINDOW_OBJS) \
    $(LINE_PURE_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/window_test.o $(WINDOW_OBJS) \
	    $(LINE_PURE_OBJS) librelayd.a $(LIBS) -lcmocka

regress/unit/tty_test: regress/unit/tty_test.o dialerd/tty.o \
    dialerd/chat.o dialerd/modem.o librelayd.a
	$(CC) $(LDFLAGS) -Wl,--wrap=ioctl -o $@ regress/unit/tty_test.o \
	    dialerd/tty.o dialerd/chat.o dialerd/modem.o librelayd.a \
	    $(LIBS) -lcmocka

regress/unit/control_test: regress/unit/control_test.o dialerd/control.o \
    dialerd/arrivals.o $(LEDGER_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/control_test.o \
	    dialerd/control.o dialerd/arrivals.o $(LEDGER_OBJS) librelayd.a $(LIBS) -lcmocka

regress/fuzz/modem_fuzz: regress/fuzz/modem_fuzz.o \
    regress/fuzz/standalone.o dialerd/modem.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/modem_fuzz.o \
	    regress/fuzz/standalone.o dialerd/modem.o librelayd.a $(LIBS)

regress/fuzz/chat_fuzz: regress/fuzz/chat_fuzz.o \
    regress/fuzz/standalone.o dialerd/chat.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/chat_fuzz.o \
	    regress/fuzz/standalone.o dialerd/chat.o librelayd.a $(LIBS)

regress/fuzz/ledger_line_fuzz: regress/fuzz/ledger_line_fuzz.o \
    regress/fuzz/standalone.o dialerd/ledger_line.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/ledger_line_fuzz.o \
	    regress/fuzz/standalone.o dialerd/ledger_line.o $(LIBS)

regress/unit/stay_test: regress/unit/stay_test.o dialerd/stay.o \
    $(LINE_PURE_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/stay_test.o dialerd/stay.o \
	    $(LINE_PURE_OBJS) librelayd.a $(LIBS) -lcmocka

LINES_OBJS = dialerd/lines.o dialerd/estimate.o $(WINDOW_OBJS) \
	$(LEDGER_OBJS) $(LINE_PURE_OBJS)

regress/unit/lines_test: regress/unit/lines_test.o $(LINES_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/lines_test.o $(LINES_OBJS) \
	    librelayd.a $(LIBS) -lcmocka

regress/unit/ttylock_test: regress/unit/ttylock_test.o parent/ttylock.o \
    librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/ttylock_test.o \
	    parent/ttylock.o librelayd.a $(LIBS) -lcmocka

regress/unit/delayed_test: regress/unit/delayed_test.o dialerd/delayed.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/delayed_test.o \
	    dialerd/delayed.o $(LIBS) -lcmocka

regress/unit/facts_test: regress/unit/facts_test.o dialerd/facts.o \
    $(POLICY_OBJS) librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/facts_test.o dialerd/facts.o \
	    $(POLICY_OBJS) librelayd.a $(LIBS) -lcmocka
