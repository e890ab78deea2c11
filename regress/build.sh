#!/bin/sh
# See LICENSE for the terms.
# The other compiler, the other make and the other yacc, in a copy of the
# tree; and what "make install" puts where, run as it is installed.
set -u
# A make that runs this has flags that another make does not know.
unset CDPATH MAKEFLAGS MFLAGS MAKELEVEL
top=$(cd "$(dirname "$0")/.." && pwd)
passed=0 failed=0
tmp=$(mktemp -d /tmp/relayd-build.XXXXXX) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# try NAME COMMAND ...
try() {
	name=$1; shift
	if "$@" >"$tmp/out" 2>&1; then
		echo "ok $name"
		passed=$((passed + 1))
	else
		echo "FAIL $name"
		grep -E 'error|warning|\*\*\*|stopped' "$tmp/out" | head -n 20
		tail -n 5 "$tmp/out"
		failed=$((failed + 1))
	fi
}

mkdir "$tmp/src"
(cd "$top" && tar cf - --exclude='*.o' --exclude=.git --exclude='*.a' .) |
    (cd "$tmp/src" && tar xf -)
cd "$tmp/src" || exit 1
make -s distclean >/dev/null 2>&1

try "configure for clang and bison" ./configure CC=clang YACC="bison -y" \
    --prefix=/usr/x
try "bmake with clang" bmake -j2 tests
try "bmake install" bmake install DESTDIR="$tmp/de st" \
    PREFIX=/opt/relayd SYSCONFDIR=/opt/etc
for f in sbin/relayd sbin/relayctl libexec/relayd/spoold \
    libexec/relayd/dialerd libexec/relayd/fetchd \
    share/man/man5/relayd.conf.5 share/man/man8/relayd.8 \
    share/man/man8/relayctl.8 share/examples/relayd/relayd.conf \
    share/examples/relayd/relayd.service; do
	try "installed: $f" test -f "$tmp/de st/opt/relayd/$f"
done
try "paths given to install are compiled in" grep -q \
    /opt/relayd/libexec/relayd "$tmp/de st/opt/relayd/sbin/relayd"
try "... and told in the manuals and examples" sh -c '
    cd "$1" && grep -q "^.It Pa /opt/etc/mail/relayd.conf" \
    man/man5/relayd.conf.5 && grep -q /opt/relayd/sbin/relayd \
    examples/relayd/relayd.rc examples/relayd/relayd.service &&
    ! grep -r /etc/mail . | grep -v /opt/etc/mail' \
    sh "$tmp/de st/opt/relayd/share"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x \
    -keyout "$tmp/key" -out "$tmp/cert" 2>/dev/null
(umask 077; sed "s,cert .*,cert \"$tmp/cert\" key \"$tmp/key\"," \
    "$tmp/de st/opt/relayd/share/examples/relayd/relayd.conf" >"$tmp/conf")
try "the installed relayd takes the installed example" \
    "$tmp/de st/opt/relayd/sbin/relayd" -n -f "$tmp/conf"
try "clean leaves nothing that was built" sh -c \
    "bmake distclean && ! find . -name '*.o' -o -name '*_test' -type f |
    grep ."
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
