# See LICENSE for the terms.

regress/unit/queue_record_test: regress/unit/queue_record_test.o \
    spoold/queue_record.o spoold/envelope.o librelayd.a
	$(CC) $(LDFLAGS) -o $@ regress/unit/queue_record_test.o \
	    spoold/queue_record.o spoold/envelope.o librelayd.a $(LIBS) \
	    -lcmocka

regress/unit/queue_test: regress/unit/queue_test.o regress/unit/store_util.o \
    spoold/queue.o spoold/queue_batch.o spoold/queue_clean.o \
    spoold/queue_memory.o spoold/queue_read.o spoold/queue_reader.o \
    spoold/queue_record.o spoold/queue_recover.o spoold/queue_replay.o \
    spoold/envelope.o librelayd.a
	$(CC) $(LDFLAGS) -Wl,--wrap=fsync,--wrap=fdatasync \
	    -Wl,--wrap=write,--wrap=writev \
	    -Wl,--wrap=pread,--wrap=ftruncate,--wrap=unlinkat \
	    -Wl,--wrap=renameat,--wrap=openat,--wrap=clock_gettime \
	    -Wl,--wrap=fstatvfs \
	    -o $@ regress/unit/queue_test.o \
	    regress/unit/store_util.o spoold/queue.o spoold/queue_batch.o \
	    spoold/queue_clean.o spoold/queue_memory.o spoold/queue_read.o \
	    spoold/queue_reader.o spoold/queue_record.o \
	    spoold/queue_recover.o spoold/queue_replay.o spoold/envelope.o \
	    librelayd.a $(LIBS) -lcmocka

regress/unit/queue_crash_test: regress/unit/queue_crash_test.o \
    regress/unit/store_util.o spoold/queue.o spoold/queue_batch.o \
    spoold/queue_clean.o spoold/queue_memory.o spoold/queue_read.o \
    spoold/queue_reader.o spoold/queue_record.o spoold/queue_recover.o \
    spoold/queue_replay.o spoold/envelope.o librelayd.a
	$(CC) $(LDFLAGS) -Wl,--wrap=fsync,--wrap=fdatasync \
	    -Wl,--wrap=write,--wrap=writev \
	    -Wl,--wrap=pread,--wrap=ftruncate,--wrap=unlinkat \
	    -Wl,--wrap=renameat,--wrap=openat,--wrap=clock_gettime \
	    -Wl,--wrap=fstatvfs \
	    -o $@ regress/unit/queue_crash_test.o \
	    regress/unit/store_util.o spoold/queue.o spoold/queue_batch.o \
	    spoold/queue_clean.o spoold/queue_memory.o spoold/queue_read.o \
	    spoold/queue_reader.o spoold/queue_record.o \
	    spoold/queue_recover.o spoold/queue_replay.o spoold/envelope.o \
	    librelayd.a $(LIBS) -lcmocka

regress/unit/fetchlog_test: regress/unit/fetchlog_test.o \
    regress/unit/store_util.o spoold/fetchlog.o spoold/fetchlog_line.o \
    librelayd.a
	$(CC) $(LDFLAGS) -Wl,--wrap=fsync,--wrap=fdatasync \
	    -Wl,--wrap=write,--wrap=writev \
	    -Wl,--wrap=pread,--wrap=ftruncate,--wrap=unlinkat \
	    -Wl,--wrap=renameat,--wrap=openat,--wrap=clock_gettime \
	    -Wl,--wrap=fstatvfs \
	    -o $@ regress/unit/fetchlog_test.o \
	    regress/unit/store_util.o spoold/fetchlog.o \
	    spoold/fetchlog_line.o librelayd.a $(LIBS) -lcmocka

regress/fuzz/queue_record_fuzz: regress/fuzz/queue_record_fuzz.o \
    regress/fuzz/standalone.o spoold/queue_record.o spoold/envelope.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/queue_record_fuzz.o \
	    regress/fuzz/standalone.o spoold/queue_record.o \
	    spoold/envelope.o $(LIBS)

regress/fuzz/fetchlog_fuzz: regress/fuzz/fetchlog_fuzz.o \
    regress/fuzz/standalone.o spoold/fetchlog_line.o
	$(CC) $(LDFLAGS) -o $@ regress/fuzz/fetchlog_fuzz.o \
	    regress/fuzz/standalone.o spoold/fetchlog_line.o $(LIBS)
