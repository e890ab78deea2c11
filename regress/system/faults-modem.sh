#!/bin/sh
# See LICENSE for the terms.
# Modems as they are: late, in digits, deaf, online from before, ringing; a
# chat with the far side; ports that other programs have, and that vanish in
# a call; links that somebody else has opened.  No mail is moved.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

tools
ca_make root "IP:127.0.0.1,DNS:localhost"
SITE_USERS=

# A line that a crash left open, and its device comes later than the parent
# waits for it: begun now, looked at in the end.
SITE=left
site_ports
mkdir -p "$T/left/spool/state"
echo "call=1 event=open time=1000 line=v34 worst_seconds=9 worst_cost=9" \
    >"$T/left/spool/state/ledger"
site_start
left_relayd=$RELAYD

not() { ! "$@"; }
# good NAME: a window on the modem as it is now
good() {
	window
	is "$1" "$(call_field $CALL result)" ok ||
	    note "$(call_field $CALL reason)"
}
fails() {	# NAME RESULT REASON
	window
	is "$1 is \"$2\"" "$(call_field $CALL result)" "$2"
	is "... and says why" "$(call_field $CALL reason)" "$3"
}
with() {	# STATEMENT ...: another modem
	[ -z "${MODEM:-}" ] || modem_stop
	modem_start "$@"
}

dialogues() {
	SITE=site
	site_ports
	MODEM=
	with "number $PHONE connect"
	site_start
	good "a plain modem"
	with digits "number $PHONE busy, connect"
	INIT='"ATZ" "ATE0X4&C1&D2"'
	reconf
	fails "busy, in digits," busy BUSY
	good "a modem that speaks in digits, with echo"
	with digits noise "number $PHONE connect"
	good "... and with noise around each"
	INIT=
	reconf
	with "late 2000" "number $PHONE connect"
	good "a modem that takes two seconds for each answer"
	with "late 3500" "number $PHONE connect"
	good "... and one that takes longer than it is waited for"
	with "deaf 1" "number $PHONE connect"
	good "a modem that does not hear the first command"
	with "deaf 2" "number $PHONE connect"
	good "... nor the second"
	with online "number $PHONE connect"
	good "a modem that is online from before"
	is "... is hung up first" \
	    "$(tail -n 2 "$T/site/record" | grep -c 'number=left.*by=ath')" 1
}

# Somebody calls while we want to.
rings() {
	with "rings 2" "number $PHONE connect"
	_from=$(now_ms)
	good "a modem that rings"
	_took=$(($(value dialled "$(last_call)") - _from))
	check "... is not dialled before the caller has given up" \
	    test $_took -gt 8000
	with "number $PHONE collision, connect"
	fails "a call that meets ours" ring "RING: two calls have met"
	good "... and the next"
}

# A number that the modem keeps back for a while.
delayed() {
	with "number $PHONE delayed 00:00:08, connect"
	fails "a number that is kept back" delayed "DELAYED 00:00:08"
	_from=$(now_ms)
	must_wait 10 line_is idle
	ctl dial >"$T/dial.out" 2>&1
	has "... is not dialled now" "$T/dial.out" "keeps $PHONE back"
	dialled() { ctl dial; }
	check "... but later" wait_until 20 dialled
	check "... when the time is over" test $(($(now_ms) - _from)) -ge 6000
	must_wait 20 has_closed $((CALL + 1))
	is "... and then it connects" "$(call_field $((CALL + 1)) result)" ok
}

chat() {
	cat >"$T/server" <<'END'
stty sane -echo
printf '\r\nWelcome\r\n\nlogin: '
read -r user
printf 'Password: '
read -r word
if [ "$user$word" != "shiphush-hush" ]; then
	printf 'Login incorrect\r\n'
	sleep 60
fi
printf '\r\n~$ '
read -r command
echo "$command" >"$0.did"
sleep 60
END
	LINE_EXTRA='chat "ogin:--ogin:" "ship" "word:" "hush-\dhush" "~$" "ppp"
	    chat abort "incorrect" chat timeout 5s'
	reconf
	with "exec sh $T/server" "number $PHONE connect"
	good "a chat before the link"
	is "... sends what it is to send" "$(tr -d '\r' <"$T/server.did")" ppp
	LINE_EXTRA='chat "ogin:" "ship" "word:" "secret-word" "~$" "ppp"
	    chat abort "incorrect" chat timeout 5s'
	reconf
	fails "a chat that is refused" chat 'the far side said "incorrect"'
	LINE_EXTRA='chat "ogin:" "ship" "nonsense" "secret-word"
	    chat timeout 2s'
	reconf
	fails "a chat in vain" chat 'no "nonsense" came in time'
	check "... and the call is paid for" \
	    test "$(call_field $CALL cost)" -gt 0
	hasnt "no password is logged" "$T/site/relayd.log" 'hush\|secret-word'
	hasnt "... nor in the ledger" "$T/site/spool/state/ledger" \
	    'hush\|secret-word'
	LINE_EXTRA=
	reconf
}

# UUCP's lock files.
lock_name() {
	echo "$T/lock/LCK..$(readlink "$T/site/modem" |
	    sed 's|/dev/||; s|/|_|')"
}
locks() {
	mkdir "$T/lock"
	LINE_EXTRA="lock \"$T/lock\""
	reconf
	with "number $PHONE connect"
	sleep 300 &
	holder=$!
	PIDS="$PIDS $holder"
	printf '%10d\n' $holder >"$(lock_name)"
	fails "a port that another program has" no-line \
	    "$T/site/modem: locked by process $holder (sleep)"
	is "... keeps its lock" "$(cat "$(lock_name)")" \
	    "$(printf '%10d' $holder)"
	stop $holder
	window
	is "... but not that of a dead one" "$(call_field $CALL result)" ok
	must_wait 20 no_keeper
	is "... and ours goes with the call" "$(ls "$T/lock")" ""
}

# hold: a window that stays open, for its far side says nothing.
hold() {
	port MUTE
	socat TCP-LISTEN:$P_MUTE,bind=127.0.0.1,fork,reuseaddr \
	    EXEC:'sleep 600' & PIDS="$PIDS $!"
	must_wait 5 listening $P_MUTE
	FETCH_IMAPS=imaps://127.0.0.1:$P_MUTE SITE_USERS=frank
	reconf
}
held_window() {
	CALL=$(($(call_count) + 1))
	must_wait 10 line_is idle
	ctl dial >/dev/null
	must_wait 30 line_is window
}
unlocked() { [ -z "$(ls "$T/lock")" ]; }
locks_killed() {
	hold
	held_window
	is "in a call the lock has the parent's number" \
	    "$(awk '{ print $1 }' "$(lock_name)")" $RELAYD
	kill -9 $RELAYD
	wait $RELAYD 2>/dev/null
	check "the parent killed: its lock goes, too" wait_until 5 unlocked
	# What no process was left to remove.
	printf '%10d relayd\n' 1 >"$(lock_name)"
	SITE_USERS=
	site_write
	site_start
	must_wait 30 has_closed $CALL
	good "a lock of ours whose number somebody else has"
}

# Whoever of us still has the device open that is no more.
deleted() {
	for _p in $RELAYD $(cat /proc/$RELAYD/task/$RELAYD/children); do
		ls -l /proc/$_p/fd 2>/dev/null
	done | grep 'pts/.*(deleted)'
}
unplugged() {
	LINE_EXTRA=
	SITE_USERS=frank
	reconf
	with "number $PHONE connect"
	held_window
	_from=$(now_ms)
	modem_stop
	check "a device that vanishes in a call ends it" \
	    wait_until 5 has_closed $CALL
	_took=$(($(now_ms) - _from))
	is "... as lost" "$(call_field $CALL result)" lost
	is "... with its device" "$(call_field $CALL reason)" "device lost"
	note "it took $_took ms"
	must_wait 20 no_keeper
	is "... and nobody holds it" "$(deleted)" ""
	SITE_USERS=
	reconf
	fails "while it is away there" no-line \
	    "$T/site/modem: No such file or directory"
	modem_start online "number $PHONE connect"
	hung_up() {
		tail -n 1 "$T/site/record" | grep -q 'number=left.*by=ath'
	}
	check "when it is back, its modem is hung up" wait_until 40 hung_up
	has "... and that is said" "$T/site/relayd.log" 'taken down at last'
	good "... and called with again"
	site_stop
	modem_stop
}

# Somebody else's link.
foreign() {
	SITE=foreign
	site_ports
	mkdir "$T/foreign"
	LINE_EXTRA="status \"sh $T/foreign/status\"
	    up \"echo up >>$T/foreign/did\" down \"echo down >>$T/foreign/did\""
	SITE_USERS=frank
	site_write
	sed -i '/^	modem /d; /^	init /d; /^	phone /d; /^	no ppp/d;
	    /^	answer /d' "$T/foreign/relayd.conf"
	echo "echo \$RELAYD_LINE \$RELAYD_COMMAND >>$T/foreign/asked
	    [ -e $T/foreign/up ]" >"$T/foreign/status"
	touch "$T/foreign/up"
	site_start
	# It is left alone also when its user dies.
	held_window
	_pid=$(site_pid dialerd)
	kill -9 $_pid
	must_wait 20 has_closed $CALL
	new_pid() { [ "$(site_pid dialerd)" != "$_pid" ]; }
	must_wait 20 new_pid
	must_wait 20 site_ready
	check "dialerd killed: a link that is somebody else's stays" \
	    test ! -e "$T/foreign/did"
	SITE_USERS=
	sed -i '/^fetch "/d' "$T/foreign/relayd.conf"
	ctl reload >/dev/null
	rm "$T/foreign/asked"
	good "a link that is up already"
	ours() { ! tail -n 1 "$T/foreign/spool/state/ledger" |
	    grep -q 'foreign=1'; }
	check "... is somebody else's" not ours
	is "... costs nothing" "$(call_field $CALL cost)" 0
	check "... and is neither opened nor closed" \
	    test ! -e "$T/foreign/did"
	is "... its command knows what it is asked" \
	    "$(cat "$T/foreign/asked")" "v34 status"
	rm "$T/foreign/up"
	good "a link that is not"
	is "... is opened and closed" "$(tr '\n' ' ' <"$T/foreign/did")" \
	    "up down "
	check "... and is ours" ours
	echo "HANGS=hangs.$T sleep 100" >"$T/foreign/status"
	good "a command that hangs is not waited for"
	check "... and leaves nothing behind" not grep -l "hangs.$T" \
	    /proc/[0-9]*/environ
	site_stop
	LINE_EXTRA=
}

left_open() {
	SITE=left RELAYD=$left_relayd
	check "a line left open whose device is missing: no call waits for it" \
	    wait_until 40 has_closed 1
	# A modem that says nothing takes long each time; calls come first.
	modem_start mute
	keeper_there() { [ -n "$(site_pid keeper)" ]; }
	must_wait 40 keeper_there
	ctl dial >/dev/null
	check "... a call does not wait for that either" \
	    wait_until 5 line_is dialling
	ctl hangup >/dev/null
	must_wait 30 line_is idle
	modem_stop
	modem_start online "number $PHONE connect"
	_gone() { grep -q 'number=left.*by=ath' "$T/left/record"; }
	check "... it is hung up when its device is there" wait_until 40 _gone
	has "... which is said" "$T/left/relayd.log" 'taken down at last'
	good "... and then it is a line like others"
	modem_stop
	site_stop
}

dialogues
rings
delayed
chat
locks
locks_killed
unplugged
foreign
left_open
finish
