#!/bin/sh
# See LICENSE for the terms.
#
# What relayctl prints: NAME.ok is the output of the command that the line
# "NAME SCENARIO COMMAND" below names, of a dialerd that is made up (server.c),
# in a terminal of 80 columns.  No line may be longer, whatever is said.
#
# usage: run.sh [-w]		-w writes the .ok files anew; look at them

set -u
unset CDPATH
here=$(cd "$(dirname "$0")" && pwd) || exit 2
cd "$here/../.." || exit 2
relayctl=relayctl/relayctl
server=regress/relayctl/server
sim=regress/relayctl/simulate
write=0
[ "${1:-}" != -w ] || write=1
tmp=$(mktemp -d) || exit 2
pids=
trap 'kill $pids 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
passed=0 failed=0
TZ=UTC COLUMNS=80 LC_ALL=C
export TZ COLUMNS LC_ALL

ok() {
	echo "ok $1"
	passed=$((passed + 1))
}

bad() {
	echo "FAIL $1: $2"
	[ ! -s "$tmp/diff" ] || cat "$tmp/diff"
	failed=$((failed + 1))
}

# start SCENARIO: has it served at $tmp/SCENARIO.
start() {
	mkfifo "$tmp/ready"
	"$server" "$tmp/$1" "$1" >"$tmp/ready" &
	pids="$pids $!"
	read -r _ <"$tmp/ready" || { echo "no server" >&2; exit 2; }
	rm "$tmp/ready"
}

# ctl SCENARIO WORD ...: into out, with what is on standard error behind it.
ctl() {
	scenario=$1; shift
	timeout 20 "$relayctl" -s "$tmp/$scenario" "$@" >"$tmp/out" \
	    2>"$tmp/err"
	status=$?
	cat "$tmp/err" >>"$tmp/out"
	return $status
}

# In characters: of each, one byte begins it.
width() {
	LC_ALL=C tr -d '\200-\277' <"$tmp/out" | LC_ALL=C awk \
	    '{ if (length($0) > n) n = length($0) } END { print n + 0 }'
}

for s in idle window dialling empty hostile refuse; do
	start $s
done

while read -r name scenario words; do
	# shellcheck disable=SC2086
	ctl $scenario $words
	[ $write -eq 0 ] || cp "$tmp/out" "$here/$name.ok"
	if ! diff -u "$here/$name.ok" "$tmp/out" >"$tmp/diff"; then
		bad "$name" "it prints something else"
	elif [ "$(width)" -gt 80 ]; then
		bad "$name" "a line of $(width) columns"
	else
		ok "$name"
	fi
done <<EOF
summary idle show
summary-window window show
summary-empty empty show
plan idle show plan
plan-empty empty show plan
rules idle show rules
calls idle show calls 12
queue idle show queue
users idle show users
message idle show message 1f41
explain idle explain
explain-empty empty explain
report-day idle report day
report-week idle report week 3
report-month idle report
report-user idle report week by user
report-line idle report month 3 by line
report-empty empty report
report-refused refuse report
simulate idle simulate -n -r 3000 -s 8 -f $sim/now.conf -f $sim/balance.conf $sim/trace
simulate-5 idle simulate -n -r 3000 -s 8 -b 0.5 -i 2M -f $sim/now.conf -f $sim/now.conf -f $sim/now.conf -f $sim/now.conf -f $sim/now.conf $sim/trace
simulate-usual refuse simulate -n -f $sim/now.conf $sim/trace
simulate-refused refuse simulate -n -f $sim/now.conf
simulate-wrong refuse simulate -n -f $sim/now.conf $sim/now.conf
simulate-help idle simulate help
help idle help
help-report idle report help
EOF

# For programs.  There is no widest line.
while read -r name scenario words; do
	# shellcheck disable=SC2086
	ctl $scenario $words
	[ $write -eq 0 ] || cp "$tmp/out" "$here/$name.ok"
	if diff -u "$here/$name.ok" "$tmp/out" >"$tmp/diff"; then
		ok "$name"
	else
		bad "$name" "it prints something else"
	fi
done <<EOF
plan-json idle -j show plan
explain-json idle -j explain
report-csv idle -c report week 3
report-user-csv idle -c report day 3 by user
report-json idle -j report week 2
calls-json idle -j show calls 2
simulate-json idle -j simulate -n -r 3000 -s 8 -f $sim/now.conf $sim/trace
EOF

# Nothing that is said by the line can steer a terminal, or widen a line.
: >"$tmp/diff"
for locale in C C.UTF-8; do
	LC_ALL=$locale
	for words in show "show plan" "show rules" "show calls" "show queue" \
	    "show users" "show message 1" explain report "report by user" \
	    "report by line"; do
		# shellcheck disable=SC2086
		ctl hostile $words
		# But for e acute and for bars.
		if [ "$(LC_ALL=C tr -d '\n -~\303\251\342\226\200-\217' \
		    <"$tmp/out" | wc -c)" -gt 0 ]; then
			bad "hostile, $locale: $words" "bytes that steer"
		elif [ "$(width)" -gt 80 ]; then
			bad "hostile, $locale: $words" \
			    "a line of $(width) columns"
		else
			ok "hostile, $locale: $words"
		fi
	done
done
LC_ALL=C

# Where it is no terminal, watch prints lines: one, and then what changes.
timeout 3 "$relayctl" -s "$tmp/window" watch >"$tmp/out" 2>&1
if [ "$(wc -l <"$tmp/out")" -le 2 ] &&
    grep -q '^10:01:15 call 131, window 1:12, out 3 of 7' "$tmp/out"; then
	ok "watch prints lines"
else
	bad "watch prints lines" "$(cat "$tmp/out")"
fi
timeout 3 "$relayctl" -j -s "$tmp/window" watch >"$tmp/out" 2>&1
if [ "$(grep -c '^{"state":"window",.*}$' "$tmp/out")" -ge 2 ]; then
	ok "watch -j prints an object a second"
else
	bad "watch -j prints an object a second" "$(cat "$tmp/out")"
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
