#!/bin/sh
# See LICENSE for the terms.
#
# usage: run.sh /path/to/relayd
#
# NAME.in is given to relayd -nv.  Where there is a NAME.ok it must print
# that, and print the same when it is given that; else it must refuse it.
# NAME.err is what it must say on standard error, without a NAME.err nothing.

set -u
unset CDPATH
[ $# -eq 1 ] || { echo "usage: $0 relayd" >&2; exit 2; }
case $1 in
/*) relayd=$1 ;;
*) relayd=$PWD/$1 ;;
esac
here=$(cd "$(dirname "$0")" && pwd) || exit 2
example=$here/../../etc/relayd.conf
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
umask 077
cp "$here"/*.in "$here"/*.inc "$tmp" && cd "$tmp" || exit 2
passed=0 failed=0

ok() {
	echo "ok $1"
	passed=$((passed + 1))
}

bad() {
	echo "FAIL $1: $2"
	[ ! -s diff ] || cat diff
	failed=$((failed + 1))
}

# config FILE: run; the exit status is relayd's, output is in out and err.
config() {
	"$relayd" -nv -f "$1" >out 2>raw
	status=$?
	# The time of the day and the program's name are not looked at.
	sed -e 's/^[0-9:]* relayd: //' -e '/^configuration OK$/d' raw >err
	return $status
}

# same WANTED GOT
same() {
	diff -u "$1" "$2" >diff 2>&1
}

check_good() {
	config "$1.in" || { bad "$1" "refused"; cat err; return; }
	same "$here/$1.ok" out || { bad "$1" "prints otherwise"; return; }
	same "$wanted" err || { bad "$1" "says otherwise"; return; }
	cp out again.in
	config again.in || { bad "$1" "refuses what it printed"; return; }
	same "$here/$1.ok" out || { bad "$1" "differs in print"; return; }
	ok "$1"
}

check_bad() {
	! config "$1.in" || { bad "$1" "accepted"; return; }
	[ $status -eq 1 ] || { bad "$1" "exit status $status"; return; }
	[ ! -s out ] || { bad "$1" "prints something"; return; }
	same "$wanted" err || { bad "$1" "says otherwise"; return; }
	ok "$1"
}

for f in "$here"/*.in; do
	name=$(basename "$f" .in)
	: >diff
	wanted=/dev/null
	[ ! -f "$here/$name.err" ] || wanted=$here/$name.err
	if [ -f "$here/$name.ok" ]; then
		check_good "$name"
	else
		check_bad "$name"
	fi
done
: >diff

# accept NAME FILE, refuse NAME FILE WORDS
accept() {
	if config "$2"; then ok "$1"; else bad "$1" "refused"; cat err; fi
}
refuse() {
	if config "$2"; then bad "$1" "accepted"
	elif grep -q "$3" err; then ok "$1"
	else bad "$1" "says otherwise"; cat err; fi
}

cp "$example" example.conf && chmod 600 example.conf
accept example example.conf
same /dev/null err && ok example-without-warnings ||
    bad example-without-warnings "warnings"
: >diff

# manual N: the Nth of the examples in the manual.
manual() {
	awk -v n="$1" '
	    /^\.Sh EXAMPLES/ { examples = 1 }
	    examples && /^\.Ed/ { on = 0 }
	    on { print }
	    examples && /^\.Bd/ { on = ++count == n }
	' "$here/../../man/relayd.conf.5" >manual.conf
}
for n in 1 2 3; do
	manual $n
	[ -s manual.conf ] || echo "there is no example $n" >manual.conf
	accept "manual-$n" manual.conf
	same /dev/null err && ok "manual-$n-without-warnings" ||
	    bad "manual-$n-without-warnings" "warnings"
	: >diff
done

# C2: who can read a file with a secret, or write one with a command.
cat >secret.conf <<'END'
upstream "u" { relay "smtps://h" user "x" password "p" }
line "l" { }
dial every 1h
END
for mode in 600 400; do
	chmod $mode secret.conf
	accept "secret-$mode" secret.conf
done
for mode in 640 620 604 602 644; do
	chmod $mode secret.conf
	refuse "secret-$mode" secret.conf 'secret.conf:1: .*holds a password'
done
sed 's/"p"/"********"/' secret.conf >mask.conf && chmod 644 mask.conf
accept mask-644 mask.conf
echo 'line "l" { up "true" }' >command.conf
chmod 644 command.conf
accept command-644 command.conf
chmod 664 command.conf
refuse command-664 command.conf 'command.conf:1: .*a command'
cat >outer.conf <<'END'
include "secret.conf"
hostname "h"
END
chmod 644 outer.conf secret.conf
refuse include-644 outer.conf 'secret.conf:1: .*holds a password'
chmod 600 secret.conf
accept include-600 outer.conf

cat >chat.conf <<'END'
line "l" { modem "/m" phone 1 no ppp no lock
chat "ogin:" "me"
}
END
chmod 644 chat.conf
refuse chat-644 chat.conf 'chat.conf:2: .*holds a password'
chmod 600 chat.conf
accept chat-600 chat.conf
echo 'line "l" { up "true"  status "true" }' >status.conf
chmod 664 status.conf
refuse status-664 status.conf 'status.conf:1: .*a command'

# As someone else's file, and as someone else.
if [ "$(id -u)" -eq 0 ]; then
	chown 65534 command.conf
	refuse foreign command.conf 'belongs to neither'
fi

# The files that it names: by -n, and not by -nv.
names() {	# NAME STATUS WORDS
	"$relayd" -n -f files.conf >out 2>err
	status=$?
	if [ $status -ne "$2" ]; then bad "$1" "exit status $status"; cat err
	elif grep -q "$3" err; then ok "$1"
	else bad "$1" "says otherwise"; cat err; fi
}
cat >files.conf <<END
users "$tmp/users"

pki "p" cert "$tmp/cert" key "$tmp/key"
upstream "u" {
	fetch "imaps://h"
	ca "$tmp/ca"
}
line "l" { }
dial every 1h
END
accept files-not-read files.conf
names files-cert 1 "files.conf:3: pki \"p\": $tmp/cert: No such file"
names files-key 1 "files.conf:3: pki \"p\": $tmp/key: No such file"
names files-ca 1 "files.conf:4: upstream \"u\": ca $tmp/ca: No such file"
mkdir cert && touch key ca
names files-directory 1 "$tmp/cert: not a plain file"
rmdir cert && touch cert && chmod 644 key
names files-secret 1 "$tmp/key: others than its owner"
chmod 600 key
names files-users 0 "files.conf:1: users $tmp/users: No such file"
touch users
names files-good 0 '^configuration OK$'

cat >files.conf <<END
line "l" { modem "/m" phone 1 no ppp lock "$tmp/lock" }
END
names files-lock 0 "files.conf:1: line \"l\": lock $tmp/lock: No such file"

line5() { head -n 4 aliases >four; echo "$1" | cat four - >aliases; }
# The file of aliases: what it says is told of by its own lines.
cat >aliases <<'END'
# For programs
postmaster: root
root: alice,
	x@far.example
END
chmod 644 aliases
cat >with-aliases.conf <<END
local domains { "h.example" }
aliases "$tmp/aliases"
user "alice" { }
END
accept aliases-file with-aliases.conf
same /dev/null err && ok aliases-file-without-warnings ||
    bad aliases-file-without-warnings "warnings"
: >diff
chmod 664 aliases
refuse aliases-664 with-aliases.conf \
    'with-aliases.conf:2: .*aliases: others than its owner can write'
chmod 644 aliases
line5 'news: |/bin/prog'
refuse aliases-program with-aliases.conf 'aliases:5: "|/bin/prog" is a program'
line5 'news: :include:/x'
refuse aliases-include with-aliases.conf 'aliases:5: ":include:/x" is not'
line5 'ROOT: alice'
refuse aliases-twice with-aliases.conf 'aliases:5: alias "ROOT" is there'
line5 'news: carol'
accept aliases-unknown with-aliases.conf
grep -q 'aliases:5: alias "news": there is neither a user nor' err &&
    ok aliases-unknown-is-said || bad aliases-unknown-is-said "not said"
sed 's/^aliases.*/include "aliases"/' with-aliases.conf >not-aliases.conf
refuse aliases-included not-aliases.conf 'aliases:2: '

refuse missing missing.conf 'missing.conf: No such file'
refuse directory . 'not a plain file'
mkfifo fifo && refuse fifo fifo 'not a plain file'

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
