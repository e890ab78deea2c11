# See LICENSE for the terms.
# Tests of the policy as a whole, in virtual time.

regress/unit/optimum_test: regress/unit/optimum_test.o dialerd/optimum.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/optimum_test.o dialerd/optimum.o \
	    $(LIBS) -lcmocka
