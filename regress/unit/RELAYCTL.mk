# Tests of relayctl: what it prints, and what that is made of.

# A dialerd that is made up, for regress/relayctl/run.sh.
tests: regress/relayctl/server
regress/relayctl/server: regress/relayctl/server.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/relayctl/server.o librelayd.a $(LIBS)
