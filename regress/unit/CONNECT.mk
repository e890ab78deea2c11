# See LICENSE for the terms.
# Test of the connector.  It answers questions for addresses itself, so ask.o
# of the library stays out.

regress/unit/connector_test: regress/unit/connector_test.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/connector_test.o librelayd.a \
	    $(LIBS) -lcmocka
