#!/bin/sh
# See LICENSE for the terms.
# The parent: start, reload, children that die, lines that must go down
# whatever the others do, and the end.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"
tools
programs
[ -x "$TOP/regress/system/rogue" ] || die "rogue is not built"

# conf NAME [EXTRA]: a configuration of its own on standard output; LINE is
# its line, PKI its certificate.
conf() {
	cat <<END
hostname "mail.ship.test"
spool "$T/$1/spool"
empty "$T/$1/empty"
control "$T/$1/ctl"
control read-only "$T/$1/ctl-ro"
local domains { "ship.test" }
users "$T/users"
ca "$T/cert.pem"
user "alice" { address "alice@ship.test" }
upstream "isp" { relay "smtps://localhost:1" fetch "pop3s://localhost:1" }
listen on 127.0.0.1 port $(cat "$T/$1/port") smtp from 127.0.0.1
${PKI:-}
${LINE:-$IDLE}
dial when messages 1000
${2:-}
END
}
IDLE='line "idle" { window 5m }'
new() {
	mkdir -p "$T/$1"
	port ONE
	echo "$P_ONE" >"$T/$1/port"
	(umask 077; conf "$@" >"$T/$1/conf")
}
rewrite() { (umask 077; conf "$@" >"$T/$1/conf"); }
# start NAME [LIBEXEC]: $RELAYD from then on
start() {
	SITE=$1
	"$TOP/parent/relayd" -dv -f "$T/$1/conf" -x "${2:-$T/libexec}" \
	    2>>"$T/$1/log" &
	RELAYD=$!
	PIDS="$PIDS $RELAYD"
	echo $RELAYD >"$T/$1/pid"
}
said() { grep -q -e "$2" "$T/$1/log"; }
# count NAME REGEX
count() { grep -c -e "$2" "$T/$1/log"; }
said_times() { [ "$(count "$1" "$2")" -ge "$3" ]; }
up() { [ "$(summary '[.spoold, .fetchd] | all')" = true ]; }
pids() { for _n in spoold dialerd fetchd; do site_pid $_n; done; }
descriptors() {
	for _p in $RELAYD $(pids); do
		ls "/proc/$_p/fd" | wc -l
	done | tr '\n' ' '
}
# What is closed after a reload is closed a moment after the word of it.
same() {
	_was=${_d:-} _d=$(descriptors)
	[ "$_d" = "$_was" ]
}
as_before() { [ "$(descriptors)" = "$fds" ]; }
descriptors_are() {	# NAME: those of $fds
	wait_until 10 as_before
	is "$1" "$(descriptors)" "$fds"
}
hup() {
	_forces=$(count $SITE 'reload: ')
	kill -HUP $RELAYD
	wait_until 15 said_times $SITE 'reload: ' $((_forces + 1)) ||
	    not_ok "SIGHUP" "no word of it"
}
ends() {	# NAME SECONDS: by SIGTERM
	kill -TERM $RELAYD
	check "$1" wait_until "$2" gone $RELAYD
	wait $RELAYD
	is "... with status 0" $? 0
}

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/key.pem" -days 2 \
    -out "$T/cert.pem" -subj /CN=localhost 2>/dev/null
(umask 077; echo 'alice:{PLAIN}secret' >"$T/users")
port SMTP
mkdir "$T/rogue"
for _c in spoold fetchd; do ln -s "$TOP/$_c/$_c" "$T/rogue/$_c"; done
ln -s "$TOP/regress/system/rogue" "$T/rogue/dialerd"
commands() { echo "up \"echo up >>$T/$1/did\" down \"echo down >>$T/$1/did\""; }
did() { tr '\n' ' ' <"$T/$1/did" | grep "^$2 \$"; }

# --- what takes longest runs beside the rest ---
late() {	# L1: its own clock
	LINE="line \"never\" {
up \"cat /proc/uptime >>$T/late/up; echo up >>$T/late/did\"
down \"cat /proc/uptime >>$T/late/down; echo down >>$T/late/did\"
window 1s }" new late
	start late "$T/rogue"
	LATE=$RELAYD
	must_wait 10 said late 'link up'
}
late
hang() {	# a dialerd that does not end, and a command that does not
	LINE="line \"never\" { up \"true\" window 5m
down \"echo \$\$ >>$T/hang/down; exec sleep 77\" }" new hang
	start hang "$T/rogue"
	HANG=$RELAYD
	must_wait 10 said hang 'link up'
	kill -TERM $HANG
	# Looked at when all the rest is done, which may take its time.
	(
		began=$(now_ms)
		wait_until 60 gone $HANG
		echo $(($(now_ms) - began)) >"$T/hang/took"
	) & PIDS="$PIDS $!"
}
hang

# A dialerd that does not answer: relayctl does not wait for ever.
timeout 60 "$TOP/relayctl/relayctl" -s "$T/late/ctl" show 2>"$T/mute.out" &
MUTE=$!
PIDS="$PIDS $MUTE"

# Its children, who have its ports, are gone, too.
kill_all() {
	_children=$(cat /proc/$RELAYD/task/$RELAYD/children)
	kill -9 $RELAYD
	wait $RELAYD 2>/dev/null
	children_gone
}
children_gone() { for _p in $_children; do wait_until 10 gone "$_p"; done; }

# --- start ---
P_NOBODY=$(id -u nobody)
new plain
chmod 644 "$T/plain/conf"
# The tree may be where nobody else gets to.
cp "$TOP/parent/relayd" "$T/bin/relayd"
check "-n runs as anybody" setpriv --reuid "$P_NOBODY" --clear-groups \
    "$T/bin/relayd" -n -f "$T/plain/conf"
setpriv --reuid "$P_NOBODY" --clear-groups "$T/bin/relayd" -d \
    -f "$T/plain/conf" 2>"$T/out"
is "a start as anybody is refused" $? 1
has "... and it says so" "$T/out" 'must be started by root'
fails() {	# NAME REGEX: of a start
	timeout 10 "$TOP/parent/relayd" -d -f "$T/plain/conf" \
	    -x "$T/libexec" 2>"$T/out"
	_r=$?
	is "$1: refused" $_r 1
	has "... and it says so" "$T/out" "$2"
}
echo precious >"$T/plain/ctl"
fails "a file where the control socket goes" 'Socket operation on non-sock'
is "... the file stays" "$(cat "$T/plain/ctl")" precious
rm "$T/plain/ctl"
chmod 777 "$T/plain"
fails "a directory that all can write to" 'others than root'
chmod 755 "$T/plain"
_port=$(cat "$T/plain/port")
timeout 60 socat "TCP-LISTEN:$_port,bind=127.0.0.1,fork,reuseaddr" - \
    >/dev/null </dev/null &
LISTENER=$!
must_wait 5 listening "$_port"
fails "a port in use" 'Address already in use'
stop $LISTENER
check "... no socket is left behind" test ! -e "$T/plain/ctl"
start plain
must_wait 10 up
kill_all
check "a dead relayd leaves its socket" test -S "$T/plain/ctl"
start plain
must_wait 10 up
ok "... and the next takes its place"
_children=$(cat /proc/$RELAYD/task/$RELAYD/children)
kill -STOP $_children
kill -9 $RELAYD
wait $RELAYD 2>/dev/null
start plain
has_lock() { ls -l /proc/$RELAYD/fd | grep -q 'plain/spool/state/lock'; }
must_wait 10 has_lock
kill -CONT $_children
check "... also while the dead one's children have its sockets" \
    wait_until 10 up
fails "a second one" 'another relayd uses this spool'
sed "s|spool \".*|spool \"$T/other\"|" "$T/plain/conf" >"$T/plain/other"
chmod 600 "$T/plain/other"
timeout 10 "$TOP/parent/relayd" -d -f "$T/plain/other" -x "$T/libexec" \
    2>"$T/out"
is "a control socket in use: refused" $? 1
has "... and it says so" "$T/out" 'Address already in use'

# --- reload ---
before=$(pids)
PKI="pki \"ship\" cert \"$T/cert.pem\" key \"$T/key.pem\""
rewrite plain "listen on 127.0.0.1 port $P_SMTP submission tls \"ship\""
hup
hup
must_wait 10 same
fds=$_d
n=$(count plain 'is in force')
i=0
while [ $i -lt 400 ]; do
	kill -HUP $RELAYD
	i=$((i + 1))
	# What comes meanwhile is one more, not one each.
	[ $((i % 4)) -ne 0 ] || ctl reload >/dev/null 2>&1
done
must_wait 10 up
hup
descriptors_are "400 reloads: descriptors"
note "$(($(count plain 'is in force') - n)) of them were made"
is "... the processes are the same" "$(pids)" "$before"
bad() {	# NAME REGEX: what is in the file is refused
	i=0
	while [ $i -lt 30 ]; do
		hup
		i=$((i + 1))
	done
	has "$1: refused" "$T/plain/log" "$2"
	descriptors_are "... descriptors"
	is "... processes" "$(pids)" "$before"
	check "... the old one serves" listening $P_SMTP
}
echo nonsense >>"$T/plain/conf"
bad "a syntax error" 'conf has errors'
rewrite plain
chmod 644 "$T/plain/conf"
LINE='upstream "x" { relay "smtp://localhost:1" user "a" password "b" }' \
    rewrite plain
chmod 644 "$T/plain/conf"
bad "a password that others can read" 'conf has errors'
chmod 600 "$T/plain/conf"
echo garbage >"$T/garbage"
PKI="pki \"ship\" cert \"$T/garbage\" key \"$T/key.pem\""
rewrite plain "listen on 127.0.0.1 port $P_SMTP submission tls \"ship\""
bad "a certificate that is none" 'spoold refuses it'
PKI="pki \"ship\" cert \"$T/cert.pem\" key \"$T/key.pem\""
rewrite plain "upstream \"y\" { relay \"smtps://localhost:1\"
ca \"$T/none.pem\" }
listen on 127.0.0.1 port $P_SMTP submission tls \"ship\""
bad "trust that cannot be read" 'could not be sent'
rewrite plain "listen on 127.0.0.1 port $P_SMTP submission tls \"ship\""
good=$T/plain/good
cp -p "$T/plain/conf" "$good"
i=0
while [ $i -lt 20 ]; do
	# The answers to one that was given up must not count for the next.
	sed "s|$T/cert.pem\" key|$T/garbage\" key|" "$good" >"$T/plain/conf"
	ctl reload >/dev/null 2>&1
	cat "$good" >"$T/plain/conf"
	ctl reload >/dev/null || { not_ok "a good one after a bad one"; break; }
	i=$((i + 1))
done
is "good and bad in turn: processes" "$(pids)" "$before"
descriptors_are "... descriptors"
hup
check "a good one still works" grep -q 'is in force' "$T/plain/log"
port SIX
rewrite plain "listen on ::1 port $P_SIX smtp"
ctl reload >/dev/null || not_ok "a listener on ::1"
rewrite plain "listen on 0:0:0:0:0:0:0:1 port $P_SIX smtp"
check "the same address, written otherwise, is the same listener" \
    ctl reload
cat "$good" >"$T/plain/conf"
hup

# --- children that die ---
mkdir "$T/later"
for _c in spoold dialerd fetchd; do ln -s "$TOP/$_c/$_c" "$T/later/$_c"; done
ends "SIGTERM" 10
start plain "$T/later"
must_wait 10 up
ln -sf "$(command -v false)" "$T/later/fetchd"
kill -9 "$(site_pid fetchd)"
check "a child that keeps dying is started less and less often" \
    wait_until 15 said plain 'fetchd: starting again in 8 s'
ln -sf "$TOP/fetchd/fetchd" "$T/later/fetchd"
hup
check "... and at once with a new configuration" wait_until 6 up
sed "s|$T/cert.pem\" key|$T/garbage\" key|" "$good" >"$T/plain/conf"
kill -9 "$(site_pid spoold)"
mv "$T/cert.pem" "$T/cert.away"
check "a child that cannot have its configuration" \
    wait_until 15 said plain 'spoold: configuration could not be sent'
mv "$T/cert.away" "$T/cert.pem"
cat "$good" >"$T/plain/conf"
hup
check "... is mended by a reload" wait_until 15 up
ln -sf "$(command -v false)" "$T/later/spoold"
kill -9 "$(site_pid spoold)"
must_wait 10 said_times plain 'spoold: starting again in 4 s' 1
zombies() { grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null |
    while read -r _s; do
	grep -q "^PPid:.$RELAYD\$" "$_s" && echo "$_s"
    done; }
is "no zombies" "$(zombies)" ''
ends "SIGTERM while a child waits to be started" 10
check "... no socket is left behind" test ! -e "$T/plain/ctl"

# --- as a daemon, with relative paths ---
(cd "$T" && "$TOP/parent/relayd" -f plain/conf -x libexec) ||
    not_ok "as a daemon" "it does not start"
SITE=plain
must_wait 10 up
RELAYD=$(for _p in /proc/[0-9]*; do
	_c=$({ tr '\0' ' ' <"$_p/cmdline"; } 2>/dev/null)
	case $_c in
	*relayd:*parent*) ls -l $_p/fd 2>/dev/null | grep -q "$T/plain" &&
	    echo "${_p#/proc/}" ;;
	esac
done)
PIDS="$PIDS $RELAYD"
check "as a daemon, it reloads" ctl reload
old=$(site_pid fetchd)
kill -9 "$old"
fresh() { _f=$(site_pid fetchd); [ -n "$_f" ] && [ "$_f" != "$old" ]; }
check "... and starts a child again" wait_until 15 fresh
kill "$RELAYD"
check "... and ends" wait_until 10 gone "$RELAYD"

# --- a dialerd that errs ---
# rogue FAULT [NAME]: of the site, where that is another
rogue() {
	LINE="line \"$1\" { ${LINE:-$(commands $1)} window 5m }" new ${2:-$1}
	start ${2:-$1} "$T/rogue"
}
# Commands may be in the middle of it.
rogue twice
check "LINK_START twice is not taken" \
    wait_until 10 said twice 'dialerd broke the protocol'
wait_until 5 did twice 'up down' || wait_until 1 did twice down
check "... and the line is down" grep -q down "$T/twice/did"
stop $RELAYD 10
rogue left
check "LINE_LEFT in a call is not taken" \
    wait_until 10 said left 'dialerd broke the protocol'
check "... and the line is down" wait_until 5 did left 'up down'
stop $RELAYD 10
rogue unknown
check "a line that is not there: an error" \
    wait_until 10 said unknown 'tty error=2 '
hasnt "... and not a violation" "$T/unknown/log" 'broke the protocol'
kill -9 $RELAYD
rogue close
must_wait 10 said close 'link up'
check "LINE_CLOSE without LINK_STOP: the down command runs" \
    wait_until 10 did close 'up down'
kill -9 $RELAYD
cat >"$T/slow" <<END
trap 'echo termed >>$T/stop/did; exit 1' TERM
echo began >>$T/stop/did
while :; do sleep 0.2; done
END
LINE="up \"sh $T/slow\" down \"echo down >>$T/stop/did\"" rogue stop
check "an up command that is stopped is undone" \
    wait_until 15 did stop 'began termed down'
check "... and then the link is down" wait_until 10 said stop 'link down'
kill -9 $RELAYD
mkdir "$T/hold"
SITE=hold
unset P_L_SUBMISSION
modem_start
LINE="modem \"$T/hold/modem\" phone \"1\" no ppp" rogue hold
check "a device that dialerd keeps: the line is down" \
    wait_until 10 grep -q '^call ' "$T/hold/record"
kill -9 $RELAYD
modem_stop

# --- L2: deaths with a line up ---
LINE="$(commands never)" rogue never
must_wait 10 said never 'link up'
_children=$(cat /proc/$RELAYD/task/$RELAYD/children)
kill -9 $RELAYD
check "the parent killed: the down command runs" \
    wait_until 2 did never 'up down'
children_gone
rm "$T/never/did"
start never "$T/rogue"
must_wait 10 said_times never 'link up' 2
kill -9 "$(site_pid keeper)"
check "the keeper killed: the down command runs" \
    wait_until 2 did never 'up down'
check "... and dialerd hears of it" wait_until 2 said never 'keeper died'
kill -9 $RELAYD
LINE="$(commands short)" rogue never short
must_wait 10 said short 'link up'
files=$(prlimit --pid $RELAYD --nofile --noheadings --output SOFT)
prlimit --pid $RELAYD --nofile=3:
kill -9 "$(site_pid keeper)"
check "the keeper killed, and no descriptors for another: it is said" \
    wait_until 5 said short 'cannot be taken down yet'
prlimit --pid $RELAYD --nofile="$files:"
check "... and the down command runs once there are" \
    wait_until 5 did short 'up down'
kill -9 $RELAYD

# --- what began long ago ---
check "relayctl gives up a relayd that does not answer" \
    wait_until 45 gone $MUTE
wait $MUTE
is "... with status 1" $? 1
has "... and says so" "$T/mute.out" 'does not answer'
must_wait 70 test -s "$T/hang/took"
_took=$(cat "$T/hang/took")
check "a dialerd and a command that hang: it ends within 45 s" \
    test $_took -le 45000
note "it took $_took ms"
is "... and every process with it" "$(cd /; for _p in /proc/[0-9]*; do
	[ "$(readlink $_p/root)" = "$T/hang/empty" ] && echo $_p; done)" ''
for _p in $(cat "$T/hang/down"); do
	# Unless the number is another's by now.
	case $(tr '\0' ' ' <"/proc/$_p/cmdline" 2>/dev/null) in
	"sleep 77 ") kill -9 "$_p" ;;
	esac
done
late_down() { grep -q down "$T/late/did"; }
wait_until 40 late_down
# at FILE: that uptime in milliseconds, of the first time
at() { sed 's/ .*/0/; s/[.]//; q' "$T/late/$1"; }
check "L1: the parent takes down what dialerd does not" late_down
_took=$(($(at down) - $(at up)))
check "... after the window and the time for a good end" \
    test $_took -ge 25000
check "... and within 30 s" test $_took -le 31500
check "... and a dialerd that does not heed even that is killed" \
    wait_until 20 said late 'dialerd does not end its call: killed'
has "... and says why" "$T/late/log" 'open longer than it may be'
note "it took $_took ms"
kill -9 $LATE
finish
