# See LICENSE for the terms.
# POSIX make: the same file works with GNU make and BSD make.
# ./configure writes config.mk; "make help" lists the targets.

include config.mk

LIB_OBJS = relayd/log.o relayd/proto.o relayd/channel.o relayd/child.o \
	relayd/ask.o relayd/conf.o relayd/conf_msg.o relayd/stream.o \
	relayd/dot.o $(SANDBOX_OBJ) $(IMSG_OBJS)

all: parent/relayd spoold/spoold dialerd/dialerd fetchd/fetchd \
	relayctl/relayctl

.SUFFIXES:
.SUFFIXES: .c .o

.c.o:
	$(CC) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

librelayd.a: $(LIB_OBJS)
	rm -f $@
	ar rcs $@ $(LIB_OBJS)
