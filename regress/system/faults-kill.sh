#!/bin/sh
# See LICENSE for the terms.
# SIGKILL of each process in the middle of a window: the line is down within
# two seconds, what died is started again, and the next window carries what
# is left, with nothing lost or doubled.  And SIGTERM, which ends a window in
# good order; and a modem that DTR does not reach.  And all of them at once,
# after which nobody is left to hang up: that is done at the next start.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

provider_start

# A modem that is switched off has its time beside the rest.
SITE=mute
site_ports
modem_start mute
mkdir -p "$T/mute/spool/state"
echo "call=1 event=open time=1000 line=v34 worst_seconds=9 worst_cost=9" \
    >"$T/mute/spool/state/ledger"
site_start
mute_relayd=$RELAYD
mute_modem=$MODEM

SITE=site
site_ports
MODEM_RATE=1000000
modem_start
site_start
batch_begin
batch_in 2

# Small messages are sent first: when all of them are, a large one is on its
# way; and mail comes in.
SMALL=4
in_the_middle() {
	set -- $(summary '[.state, .call.sent, .todo_out, .call.bytes_out,
	    .call.bytes_in] | map(tostring) | join(" ")')
	[ "$1" = window ] && [ "$2" -eq $SMALL ] && [ "$3" -eq 1 ] &&
	    [ "$4" -gt 60000 ] && [ "$5" -gt 30000 ]
}
# start_window: a window with both directions in the middle of a message.
start_window() {	# [BYTES]: of the large message
	batch_begin
	batch_out $SMALL ${1:-500000}
	batch_in 1
	big_file "$MAIL/pop.eml" 200000
	put_in bob "$MAIL/pop.eml"
	big_file "$MAIL/imap.eml" 200000
	put_in heidi "$MAIL/imap.eml"
	must_wait 5 queue_is $((SMALL + 1))
	CALL=$(($(call_count) + 1))
	RECORD=$(($(modem_calls) + 1))
	must_wait 10 line_is idle
	ctl dial >/dev/null
	must_wait 20 in_the_middle
}
hung_up() { [ "$(modem_calls)" -ge $RECORD ]; }
# line_down NAME: it is, and it took no longer than L2 says.
line_down() {
	if ! wait_until 5 hung_up; then
		not_ok "$1: the line is down" "not within 5 s"
		return
	fi
	_took=$(($(value hungup "$(modem_call $RECORD)") - KILLED))
	if [ $_took -le 2000 ]; then
		ok "$1: the line is down within 2 s"
		note "it took $_took ms"
	else
		not_ok "$1: the line is down within 2 s" "$_took ms"
	fi
}
new_pid() { _p=$(site_pid "$1"); [ -n "$_p" ] && [ "$_p" != "$2" ]; }

kill_child() {	# NAME
	start_window
	pid=$(site_pid $1)
	[ -n "$pid" ] || die "no process $1"
	KILLED=$(now_ms)
	kill -9 $pid
	line_down "$1 killed"
	[ $1 = keeper ] || check "... and it is started again" \
	    wait_until 10 new_pid $1 $pid
	check "... the call is over in the ledger" \
	    wait_until 15 has_closed $CALL
	note "result: $(call_field $CALL result)," \
	    "$(call_field $CALL reason)"
	check "... and did not go well" \
	    test "$(call_field $CALL result)" != ok
	must_wait 15 site_ready
	[ $1 != dialerd ] || is "... and the line is known to be down" \
	    "$(left_count)" 0
	window
	is "... the next window goes well" "$(call_field $CALL result)" ok
	is "... and ends the queue" "$(summary .queue_messages)" 0
	verify "$1 killed"
}

kill_parent() {
	start_window
	children=$(cat /proc/$RELAYD/task/$RELAYD/children)
	KILLED=$(now_ms)
	kill -9 $RELAYD
	wait $RELAYD 2>/dev/null
	line_down "parent killed"
	all_gone() {
		for _p in $children; do gone $_p || return 1; done
	}
	check "... and all of its children are gone" wait_until 5 all_gone
	is "... the call is open in the ledger" "$(sed -n \
	    's/.* event=\(open\|close\) .*/\1/p' \
	    "$T/site/spool/state/ledger" | tail -n 1)" open
	site_start
	must_wait 30 has_closed $CALL
	is "... crashed, once relayd is started again" \
	    "$(call_field $CALL result)" crashed
	is "... and charged at its worst" "$(ctl_json show calls 0 |
	    jq ".[$CALL - 1] | .cost == .worst_cost and .cost > 0")" true
	window
	is "... the next window goes well" "$(call_field $CALL result)" ok
	is "... and ends the queue" "$(summary .queue_messages)" 0
	verify "parent killed"
}

terminate() {
	start_window
	KILLED=$(now_ms)
	kill $RELAYD
	check "SIGTERM in a window ends relayd" wait_until 15 gone $RELAYD
	wait $RELAYD
	is "... with status 0" $? 0
	check "... after the line" hung_up
	note "it took $(($(value hungup "$(modem_call $RECORD)") - KILLED)) ms"
	ledger=$(tail -n 1 "$T/site/spool/state/ledger")
	is "... the ledger is closed" "$(value event "$ledger")" close
	site_start
	window
	is "... the next window goes well" "$(call_field $CALL result)" ok
	verify "SIGTERM"
}

# A port whose DTR leads nowhere, or a modem that ignores it: only what the
# modem says can tell that it has hung up.  A close would, here.
no_dtr() {
	LD_PRELOAD=$T/bin/dtr.so
	export LD_PRELOAD
	site_start
	unset LD_PRELOAD
	window
	must_wait 20 no_keeper
	is "DTR in vain: a call that ends well ends by command" \
	    "$(value by "$(last_call)")" ath
	start_window
	kill -9 "$(site_pid spoold)"
	must_wait 10 hung_up
	is "... and so does one that does not" \
	    "$(value by "$(modem_call $RECORD)")" ath
	must_wait 15 site_ready
	window
	verify "DTR in vain"
	site_stop
}

left_count() {
	grep -c 'line v34: was left open by a call that has no end: hung up$' \
	    "$T/$SITE/relayd.log"
}
# kill_tree: with no time for any of them to see another die.
kill_tree() {
	hung_up_by_us=$(left_count)
	_tree="$RELAYD $(cat /proc/$RELAYD/task/$RELAYD/children)"
	kill -STOP $_tree
	kill -9 $_tree
	wait $RELAYD 2>/dev/null
	for _p in $_tree; do must_wait 5 gone $_p; done
}
# crashed NAME: the call that kill_tree cut off, looked at after the start
crashed() {
	check "$1: the call is closed after that" wait_until 5 has_closed $CALL
	is "... crashed" "$(call_field $CALL result)" crashed
	is "... at its worst" "$(ctl_json show calls 0 |
	    jq ".[$CALL - 1] | .cost == .worst_cost and .cost > 0")" true
	is "... and there is no other" "$(call_count)" $CALL
	is "... which is logged once" $(($(left_count) - hung_up_by_us)) 1
}
kill_all() {
	# Upstream must not have all of it while nobody is there.
	start_window 1000000
	# The modem does not see a close, as without DTR.
	sleep 600 <"$T/site/modem" &
	holder=$!
	PIDS="$PIDS $holder"
	kill_tree
	check "all killed: the line stays up" not hung_up
	KILLED=$(now_ms)
	site_start
	line_down "started again"
	is "... by command" "$(value by "$(modem_call $RECORD)")" ath
	crashed "all killed"
	stop $holder
	window
	is "... the next window goes well" "$(call_field $CALL result)" ok
	verify "all killed"
}
not() { ! "$@"; }

# A line of commands: its window stays, for the far side says nothing.
commands_conf() {
	LINE_EXTRA="up \"echo up >>$T/cmd/did\"
	    down \"cat /proc/uptime >$T/cmd/down; echo down >>$T/cmd/did\""
	FETCH_IMAPS=imaps://127.0.0.1:$P_MUTE
	site_write
	sed -i '/^	modem /d; /^	init /d; /^	phone /d; /^	no ppp/d;
	    /^	answer /d' "$T/cmd/relayd.conf"
}
did() { tr '\n' ' ' <"$T/cmd/did"; }
kill_commands() {
	SITE=cmd
	site_ports
	port MUTE
	socat TCP-LISTEN:$P_MUTE,bind=127.0.0.1,fork,reuseaddr \
	    EXEC:'sleep 600' & PIDS="$PIDS $!"
	must_wait 5 listening $P_MUTE
	mkdir "$T/cmd"
	commands_conf
	site_start
	CALL=1
	ctl dial >/dev/null
	must_wait 10 line_is window
	kill_tree
	is "all killed: the down command has not run" "$(did)" "up "
	KILLED=$(now_ms)
	site_start
	has_down() { grep -q ^down "$T/cmd/did"; }
	check "started again: the down command runs" wait_until 5 has_down
	at=$(($(sed 's/ .*/0/; s/[.]//' "$T/cmd/down") - KILLED))
	check "... within 2 s" test $at -le 2000
	note "it took $at ms"
	crashed "all killed"
	site_stop
	site_start
	is "... and once only" "$(did)" "up down "
	site_stop
	SITE=site
}

for p in spoold dialerd fetchd keeper; do
	kill_child $p
done
kill_parent
kill_all
terminate
is "nothing stays upstream" "$(upstream_count_all)" 0
has "deaths are logged" "$T/site/relayd.log" 'spoold: died, signal 9'
site_stop
"${CC:-cc}" -shared -fPIC -o "$T/bin/dtr.so" "$TOP/regress/system/dtr.c" ||
    die "cannot compile dtr"
no_dtr
modem_stop
kill_commands
SITE=mute RELAYD=$mute_relayd MODEM=$mute_modem
check "a line left open, and no modem: the call is closed all the same" \
    wait_until 40 has_closed 1
has "... and it is said" "$T/mute/relayd.log" 'its modem does not answer'
has "... instead of what would not be true" "$T/mute/relayd.log" \
    'has no end: hung up in vain$'
site_stop
modem_stop
finish
