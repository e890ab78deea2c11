# See LICENSE for the terms.

CONFIG_OBJS = parent/aliases.o parent/parse.o parent/conf_build.o parent/conf_build_dial.o \
	parent/conf_build_line.o parent/conf_build_mail.o \
	parent/conf_check.o parent/conf_default.o parent/conf_files.o \
	parent/conf_lex.o parent/conf_value.o parent/passwd.o \
	parent/printconf.o

regress/unit/passwd_test: regress/unit/passwd_test.o parent/passwd.o
	$(CC) $(LDFLAGS) -Wl,--wrap=crypt -o $@ regress/unit/passwd_test.o \
	    parent/passwd.o $(LIBS) $(CRYPT_LIBS) -lcmocka

regress/unit/conf_test: regress/unit/conf_test.o relayd/conf.o \
    $(CONFIG_OBJS)
	$(CC) $(LDFLAGS) -o $@ regress/unit/conf_test.o relayd/conf.o \
	    $(CONFIG_OBJS) $(LIBS) $(CRYPT_LIBS) -lcmocka

regress/fuzz/parse_fuzz: regress/fuzz/parse_fuzz.o \
    regress/fuzz/standalone.o relayd/conf.o $(CONFIG_OBJS)
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/parse_fuzz.o \
	    regress/fuzz/standalone.o relayd/conf.o $(CONFIG_OBJS) \
	    $(LIBS) $(CRYPT_LIBS)

regress/fuzz/passwd_fuzz: regress/fuzz/passwd_fuzz.o \
    regress/fuzz/standalone.o parent/passwd.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/passwd_fuzz.o \
	    regress/fuzz/standalone.o parent/passwd.o $(LIBS) $(CRYPT_LIBS)

regress/unit/aliases_test: regress/unit/aliases_test.o parent/aliases.o
	$(CC) $(LDFLAGS) -o $@ regress/unit/aliases_test.o parent/aliases.o \
	    $(LIBS) -lcmocka

regress/fuzz/aliases_fuzz: regress/fuzz/aliases_fuzz.o \
    regress/fuzz/standalone.o parent/aliases.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/aliases_fuzz.o \
	    regress/fuzz/standalone.o parent/aliases.o $(LIBS)
