# See LICENSE for the terms.

regress/ipc/ipc_test: regress/ipc/ipc_test.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/ipc/ipc_test.o librelayd.a $(LIBS) -lcmocka

regress/unit/conf_msg_test: regress/unit/conf_msg_test.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/conf_msg_test.o librelayd.a $(LIBS) -lcmocka

regress/unit/spooldir_test: regress/unit/spooldir_test.o parent/spooldir.o \
    librelayd.a
	$(CC) $(LDFLAGS) -Wl,--wrap=fsync -o $@ regress/unit/spooldir_test.o \
	    parent/spooldir.o librelayd.a $(LIBS) -lcmocka

regress/unit/channel_test: regress/unit/channel_test.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/channel_test.o librelayd.a $(LIBS) -lcmocka

regress/fuzz/conf_msg_fuzz: regress/fuzz/conf_msg_fuzz.o regress/fuzz/standalone.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/conf_msg_fuzz.o regress/fuzz/standalone.o librelayd.a $(LIBS)

# A dialerd that errs, for regress/system/parent.sh.
tests: regress/system/rogue
regress/system/rogue: regress/system/rogue.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/system/rogue.o librelayd.a $(LIBS)

regress/unit/log_test: regress/unit/log_test.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/log_test.o librelayd.a $(LIBS) -lcmocka

regress/unit/sandbox_test: regress/unit/sandbox_test.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/sandbox_test.o librelayd.a $(LIBS) -lcmocka

regress/unit/relayctl_command_test: regress/unit/relayctl_command_test.o relayctl/command.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/relayctl_command_test.o relayctl/command.o librelayd.a $(LIBS) -lcmocka
