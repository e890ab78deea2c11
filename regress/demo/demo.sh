#!/bin/sh
# See LICENSE for the terms.
# The main job on an emulated modem: a relayd on shore that plays the
# provider, a modem, and the relayd of a site.  Leaves nothing behind.
set -u
unset CDPATH
top=$(cd "$(dirname "$0")/../.." && pwd)
users="alice bob carol"
tmp=$(mktemp -d /tmp/relayd-demo.XXXXXX) || exit 1
pids= lock=

cleanup() {
	for p in $pids; do kill "$p" 2>/dev/null; done
	for p in $pids; do wait "$p" 2>/dev/null; done
	rm -rf "$tmp" ${lock:+"$lock"}
}
trap cleanup EXIT
trap 'exit 1' INT TERM

say() { printf '\n== %s\n' "$*"; }
die() {
	echo "demo: $*" >&2
	for f in "$tmp"/*.log; do
		[ -f "$f" ] && { echo "--- $f"; tail -n 20 "$f"; } >&2
	done
	exit 1
}
# await SECONDS COMMAND ...: until it succeeds, or die.
await() {
	end=$(($(date +%s) + $1)); shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt $end ] || die "waited in vain for: $*"
		sleep 0.1
	done
}
ctl() { "$top/relayctl/relayctl" -s "$tmp/site.sock" "$@"; }

mkdir "$tmp/bin"
for p in spoold dialerd fetchd; do ln -s "$top/$p/$p" "$tmp/bin/$p"; done
chmod 755 "$tmp" "$tmp/bin"
# Ports that nobody has, and nobody gets as long as the lock is there.
${CC:-cc} -O -D_GNU_SOURCE -o "$tmp/freeports" \
    "$top/regress/system/freeports.c" || die "cannot compile freeports"
ports=$("$tmp/freeports" /tmp 6 $$) || die "no ports"
lock=$(echo "$ports" | sed -n 1p)
base=$(echo "$ports" | sed -n 2p)
shore_smtp=$base shore_pop=$((base + 1))
line_smtp=$((base + 2)) line_pop=$((base + 3))
site_smtp=$((base + 4)) site_pop=$((base + 5))

# settings NAME: what every relayd here needs.
settings() {
	cat <<EOF
spool "$tmp/$1/spool"
empty "$tmp/$1/empty"
control "$tmp/$1.sock"
control read-only "$tmp/$1.status.sock"
users "$tmp/$1.users"
EOF
}
(umask 077
for u in $users world; do echo "$u:{PLAIN}shore-$u"; done >"$tmp/shore.users"
echo "ship:{PLAIN}shore-ship" >>"$tmp/shore.users"
for u in $users; do echo "$u:{PLAIN}site-$u"; done >"$tmp/site.users"
{
	settings shore
	echo 'hostname "smtp.isp.example"'
	echo 'local domains { "isp.example" "ship.example" "world.example" }'
	echo "listen on 127.0.0.1 port $shore_smtp submission"
	echo "listen on 127.0.0.1 port $shore_pop pop3"
	echo 'user "world" { address "friend@world.example" }'
	for u in $users; do
		echo "user \"$u\" { address \"$u@ship.example\" }"
	done
} >"$tmp/shore.conf"
{
	settings site
	echo 'hostname "mail.ship.example"'
	echo 'local domains { "ship.example" }'
	echo "listen on 127.0.0.1 port $site_smtp smtp from 127.0.0.0/8"
	echo "listen on 127.0.0.1 port $site_pop pop3"
	cat <<EOF
upstream "isp" {
	relay "smtp://127.0.0.1:$line_smtp" user "ship" password "shore-ship"
	fetch "pop3://127.0.0.1:$line_pop"
}
tariff "telephone" { setup 0 unit 3m price 10 }
line "v34" {
	modem "$tmp/modem" speed 115200
	init "ATZ" "ATE0V1X4&C1&D2"
	phone "0570001234"
	no ppp
	tariff "telephone"
	window 5m
}
dial when messages 6
EOF
	for u in $users; do
		echo "user \"$u\" { address \"$u@ship.example\""
		echo "fetch \"isp\" as \"$u\" password \"shore-$u\" }"
	done
} >"$tmp/site.conf")
cat >"$tmp/modem.script" <<EOF
rate 33600
latency 60
answer 1500
number 0570001234 connect
forward 127.0.0.1:$line_smtp 127.0.0.1:$shore_smtp
forward 127.0.0.1:$line_pop 127.0.0.1:$shore_pop
EOF

say "a provider on shore, a modem, and the relayd of a ship"
"$top/parent/relayd" -d -f "$tmp/shore.conf" -x "$tmp/bin" \
    2>"$tmp/shore.log" & pids="$pids $!"
"$top/regress/modem/modem" -f "$tmp/modem.script" -l "$tmp/modem" \
    -r "$tmp/record" 2>"$tmp/modem.log" & pids="$pids $!"
await 10 test -L "$tmp/modem"
"$top/parent/relayd" -d -f "$tmp/site.conf" -x "$tmp/bin" \
    2>"$tmp/site.log" & pids="$pids $!"
await 20 ctl show
await 20 curl -s --max-time 5 "pop3://127.0.0.1:$shore_pop" \
    -u world:shore-world
await 20 curl -s --max-time 5 "pop3://127.0.0.1:$site_pop" \
    -u alice:site-alice
echo "both run; the ship's line is $(ctl show | sed -n 's/^line *//p')"

# message FROM TO N: a text of a few KB that can be told from others.
message() {
	printf 'From: <%s>\r\nTo: <%s>\r\nSubject: message %s\r\n' "$@"
	printf 'Message-ID: <demo.%s.%s>\r\nMIME-Version: 1.0\r\n\r\n' \
	    "$3" "$1"
	i=0
	while [ $i -lt 40 ]; do
		printf 'line %s of message %s from %s\r\n' $i "$3" "$1"
		i=$((i + 1))
	done
	printf '.a line that begins with a dot\r\n'
}
# send PORT LOGIN FROM TO N [curl options]
send() {
	port=$1 from=$2 to=$3 label=$4; shift 4
	message "$from" "$to" "$label" >"$tmp/sent.$label"
	curl -s --max-time 20 "smtp://127.0.0.1:$port" --mail-from "$from" \
	    --mail-rcpt "$to" -T "$tmp/sent.$label" "$@" ||
	    die "message $label was not taken"
}

say "on shore, six messages arrive for the people of the ship"
n=0
for u in $users; do
	for i in 1 2; do
		n=$((n + 1))
		send $shore_smtp friend@world.example "$u@ship.example" \
		    "in$n" -u world:shore-world
	done
done
echo "$n messages wait on shore; none is on the ship"

# So many wait, or are on their way already.
queue_has() {
	ctl show >"$tmp/show" || return 1
	grep -q "^queue *$1 message" "$tmp/show" ||
	    ! grep -q '^line *idle' "$tmp/show" || [ -s "$tmp/record" ]
}

say "on the ship, six messages are sent; the sixth makes the call"
n=0
for u in $users; do
	for i in 1 2; do
		n=$((n + 1))
		send $site_smtp "$u@ship.example" friend@world.example "out$n"
		await 5 queue_has $n
		echo "sent $n: $(ctl show | sed -n 's/^queue *//p')"
	done
done

say "one call"
end=$(($(date +%s) + 60)) last=
until ctl -j show calls | grep -q '"result":"ok"'; do
	[ "$(date +%s)" -lt $end ] || die "the call did not end well"
	now=$(ctl show | sed -n \
	    's/^line *\(.*\)/\1/p; s/^out */  out: /p; s/^in */  in: /p' |
	    tr '\n' ' ')
	[ "$now" = "$last" ] || echo "$now"
	last=$now
	sleep 0.2
done

say "the people of the ship, and the friend on shore, read their mail"
# collect PORT LOGIN:PASSWORD DIR: every message of a mailbox, by POP3.
collect() {
	mkdir -p "$3"
	curl -s --max-time 20 "pop3://127.0.0.1:$1" -u "$2" >"$3/list"
	while read -r number rest; do
		curl -s --max-time 20 "pop3://127.0.0.1:$1/$number" -u "$2" \
		    >"$3/$number.eml" || die "cannot read $number of $2"
	done <"$3/list"
}
for u in $users; do
	collect $site_pop "$u:site-$u" "$tmp/read/$u"
	echo "$u has $(wc -l <"$tmp/read/$u/list") messages"
done
collect $shore_pop world:shore-world "$tmp/read/world"
echo "the friend has $(wc -l <"$tmp/read/world/list") messages"

# A message is there when its very bytes are, below the fields added.
arrived=0 lost=0 sent=0 fetched=0
for f in "$tmp"/sent.*; do
	size=$(wc -c <"$f") hits=0
	for r in "$tmp"/read/*/*.eml; do
		tail -c "$size" "$r" | cmp -s - "$f" && hits=$((hits + 1))
	done
	case $f:$hits in
	*/sent.in*:1) fetched=$((fetched + 1)) ;;
	*/sent.out*:1) sent=$((sent + 1)) ;;
	*) lost=$((lost + 1)); echo "$f arrived $hits times" ;;
	esac
done
calls=$(grep -c '^call' "$tmp/record")

say "the ledger"
ctl show calls
word=calls; [ "$calls" -ne 1 ] || word=call
echo "demo: $calls $word, $sent sent, $fetched fetched, $lost lost"
[ "$calls" -eq 1 ] && [ $sent -eq 6 ] && [ $fetched -eq 6 ] && [ $lost -eq 0 ]
