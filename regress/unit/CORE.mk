# See LICENSE for the terms.

regress/ipc/ipc_test: regress/ipc/ipc_test.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/ipc/ipc_test.o librelayd.a $(LIBS) -lcmocka
