#!/bin/sh
# See LICENSE for the terms.
# The system test once more, under ASan with UBSan and under valgrind, in a
# copy of the tree.  usage: sanitize.sh [script ...], below regress/system.
set -u
# A make that runs this has flags that another make does not know.
unset CDPATH MAKEFLAGS MFLAGS MAKELEVEL
top=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- main.sh
passed=0 failed=0
tmp=$(mktemp -d /tmp/relayd-sanitize.XXXXXX) || exit 1
chmod 755 "$tmp"
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# verdict NAME STATUS FILE: a quiet sanitizer and a passed test.
verdict() {
	if [ "$2" -eq 0 ] && [ ! -s "$3" ]; then
		echo "ok $1"
		passed=$((passed + 1))
	else
		echo "FAIL $1 (status $2)"
		head -n 40 "$3"
		failed=$((failed + 1))
	fi
}

# build DIR OPTION: a copy of what git has here, with that configuration.
build() {
	mkdir "$tmp/$1"
	(cd "$top" && tar cf - --exclude='*.o' --exclude=.git \
	    --exclude='*.a' --exclude='*_test' --exclude='*_fuzz' .) |
	    (cd "$tmp/$1" && tar xf -)
	(cd "$tmp/$1" && rm -f config.mk config.h \
	    parent/relayd */spoold */dialerd */fetchd &&
	    ./configure "$2" && make -j2 all regress/modem/modem) \
	    >"$tmp/$1.log" 2>&1 || {
		tail -n 20 "$tmp/$1.log"
		echo "FAIL build $1"
		failed=$((failed + 1))
		return 1
	}
}

if build asan --sanitize; then
	for t; do
		# The children have no file system to report to: what they
		# say is in the log, so the test's directory is kept.
		ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 \
		UBSAN_OPTIONS=print_stacktrace=1 \
		TOP=$tmp/asan KEEP=1 \
		    timeout 600 sh "$tmp/asan/regress/system/$t" \
		    >"$tmp/asan.out" 2>&1
		status=$?
		kept=$(sed -n 's/^# kept: //p' "$tmp/asan.out")
		grep -hE 'AddressSanitizer|runtime error|SUMMARY' \
		    "$tmp/asan.out" "$kept"/*/relayd.log \
		    >"$tmp/asan.bad" 2>/dev/null
		rm -rf "$kept"
		[ $status -eq 0 ] || tail -n 30 "$tmp/asan.out"
		verdict "asan $t" $status "$tmp/asan.bad"
	done
fi

if build valgrind --no-sandbox; then
	for p in spoold dialerd fetchd; do
		mv "$tmp/valgrind/$p/$p" "$tmp/valgrind/$p/$p.bin"
		cat >"$tmp/valgrind/$p/$p" <<EOF
#!/bin/sh
exec valgrind -q --vgdb=no --error-exitcode=99 --leak-check=full \\
    --errors-for-leak-kinds=definite --show-leak-kinds=definite \\
    --log-file=$tmp/valgrind.$p.%p "$tmp/valgrind/$p/$p.bin" "\$@"
EOF
		chmod 755 "$tmp/valgrind/$p/$p"
	done
	for t; do
		TOP=$tmp/valgrind SLOW=4 timeout 900 \
		    sh "$tmp/valgrind/regress/system/$t" \
		    >"$tmp/valgrind.out" 2>&1
		status=$?
		cat "$tmp"/valgrind.spoold.* "$tmp"/valgrind.dialerd.* \
		    "$tmp"/valgrind.fetchd.* 2>/dev/null |
		    grep -v -e 'Warning: set address range perms' \
		    -e 'unhandled ioctl 0x5424' -e 'could cause spurious' \
		    -e 'README_MISSING_SYSCALL_OR_IOCTL' \
		    >"$tmp/valgrind.bad"
		[ $status -eq 0 ] || tail -n 30 "$tmp/valgrind.out"
		verdict "valgrind $t" $status "$tmp/valgrind.bad"
		rm -f "$tmp"/valgrind.*.[0-9]*
	done
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
