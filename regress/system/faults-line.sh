#!/bin/sh
# See LICENSE for the terms.
# What modems and telephone lines do wrong: every result code, no answer at
# all, noise, a carrier that is lost in the middle; and no more redials than
# the rule allows.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

tools
ca_make root "IP:127.0.0.1,DNS:localhost"

# A number that is always busy, left to itself meanwhile.
SITE=busy
site_ports
modem_start "number $PHONE busy"
POLICY="dial when messages 1"
site_start
busy_relayd=$RELAYD
mkdir "$T/corpus"
corpus "$T/corpus" 1
lan_send alice@ship.test a@far.test "$T/corpus/01.eml"

# One that is not there, and then one that says nothing.
SITE=mute
site_ports
site_start
ctl dial >/dev/null
must_wait 10 has_closed 1
modem_start mute "number $PHONE connect"
ctl dial >/dev/null
mute_modem=$MODEM
mute_relayd=$RELAYD

SITE=site
dovecot_start
postfix_start
site_ports
POLICY="dial when messages 1000" ANSWER=3s

# Result codes.

call_fails() {	# NAME RESULT [RECORD]
	window
	is "$1 is \"$2\"" "$(call_field $CALL result)" "$2"
	is "... without a window" "$(call_field $CALL up)" null
	[ -z "${3:-}" ] || is "... and one call" "$(value result \
	    "$(last_call)")" "$3"
}
dial_results() {
	codes="busy no-carrier no-answer no-dialtone voice blacklisted
	    delayed error"
	modem_start "number $PHONE $(echo $codes garbage silence connect |
	    sed 's/ /, /g')"
	site_start
	n=0
	for c in $codes; do
		n=$((n + 1))
		call_fails "result $c" $c $c
		is "... made of one call" "$(modem_calls)" $n
	done
	call_fails "a result that is garbage" no-answer
	ctl dial >/dev/null
	wait_until 5 line_is dialling
	# L4: the entry is there before the call has ended in any way.
	is "the call that nobody answers is in the ledger" \
	    "$(tail -n 1 "$T/site/spool/state/ledger" |
	    sed 's/.*\(event=[a-z]*\).*/\1/')" event=open
	check "... and is given up" wait_until 15 has_closed 10
	is "... as not answered" "$(call_field 10 result)" no-answer
	must_wait 10 line_is idle
	window
	is "after all of them one connects" "$(call_field $CALL result)" ok
}

# Begun at the start, and looked at later: a mute modem takes its time.
no_modem() {
	SITE=mute RELAYD=$mute_relayd MODEM=$mute_modem
	is "a device that is not there is \"no-line\"" \
	    "$(call_field 1 result)" no-line
	is "... and says why" "$(call_field 1 reason)" \
	    "$T/mute/modem: No such file or directory"
	is "... without a window" "$(call_field 1 up)" null
	check "a modem that does not answer is given up" \
	    wait_until 30 has_closed 2
	is "... as \"no-modem\"" "$(call_field 2 result)" no-modem
	is "... without a window" "$(call_field 2 up)" null
	site_stop
	SITE=site
}
noise() {
	modem_stop
	modem_start noise "number $PHONE connect"
	window
	is "noise before each result does not matter" \
	    "$(call_field $CALL result)" ok
	modem_stop
}

# Carrier.

carrier_flush() {
	# The six small ones are answered long before so many bytes passed.
	MODEM_RATE=1600000
	modem_start "number $PHONE connect drop-bytes 250000, connect"
	batch_begin
	batch_out 6 600000
	check "seven messages wait" wait_until 5 queue_is 7
	window
	is "carrier lost in a flush: the call is \"lost\"" \
	    "$(call_field $CALL result)" lost
	is "... by the line" "$(value by "$(last_call)")" carrier
	is "... with six sent" "$(call_field $CALL sent)" 6
	check "... and the seventh kept" wait_until 5 queue_is 1
	window
	is "the next window does the rest" \
	    "$(call_field $CALL result)$(call_field $CALL sent)" ok1
	verify "carrier lost in a flush"
	modem_stop
}

carrier_fetch() {
	MODEM_RATE=8000000
	# However the two large ones share the line, more is left before each
	# of these than it lets pass.
	modem_start "number $PHONE connect drop-bytes 30000, \
connect drop-bytes 150000, connect drop-bytes 350000, \
connect drop-bytes 250000, connect"
	batch_begin
	batch_in 3
	big_file "$MAIL/big-pop.eml" 300000
	put_in alice "$MAIL/big-pop.eml"
	big_file "$MAIL/big-imap.eml" 500000
	put_in frank "$MAIL/big-imap.eml"
	k=0
	while [ $k -lt 4 ]; do
		k=$((k + 1))
		window
		is "carrier lost in fetch $k" "$(call_field $CALL result)" \
		    lost
	done
	window
	is "the window after that" "$(call_field $CALL result)" ok
	verify "carrier lost in a fetch"
	is "nothing stays upstream" "$(upstream_count_all)" 0
	modem_stop
}

# A large message goes on where it stopped: the last byte is not paid twice.
carrier_resume() {
	modem_start "number $PHONE connect drop-bytes 1000000, connect"
	batch_begin
	big_file "$MAIL/big.eml" 1500000
	put_in grace "$MAIL/big.eml"
	window
	first=$(call_field $CALL bytes_in)
	window
	second=$(call_field $CALL bytes_in)
	is "the large message comes in two windows" \
	    "$(call_field $CALL result)$(call_field $CALL fetched)" ok1
	check "... of which the second does not begin again" \
	    test "$second" -lt 1000000
	note "bytes in: $first, then $second of 1500000"
	verify "a large message in two parts"
	modem_stop
}

# The operator's end, and the clock's.
hangup_and_maximum() {
	MODEM_RATE=800000
	modem_start
	batch_begin
	# More than can pass in both of the windows that are ended.
	big_file "$MAIL/big.eml" 1000000
	put_in ivan "$MAIL/big.eml"
	CALL=$(($(closed_count) + 1))
	ctl dial >/dev/null
	must_wait 10 line_is window
	fetching() { [ "$(summary .call.bytes_in)" -gt 60000 ]; }
	must_wait 20 fetching
	ctl hangup >/dev/null
	check "relayctl hangup ends the window" wait_until 10 has_closed $CALL
	is "... and is its result" "$(call_field $CALL result)" hangup
	must_wait 10 line_is idle
	WINDOW=3s
	reconf
	window
	is "a window ends at its maximum" "$(call_field $CALL result)" maximum
	online=$(value online_ms "$(last_call)")
	check "... and the line with it" test "$online" -lt 8000
	WINDOW=60s
	reconf
	window
	is "the next goes on" "$(call_field $CALL result)" ok
	verify "windows that were ended"
	modem_stop
}

redial_rule() {
	SITE=busy
	three() { [ "$(modem_calls)" -ge 3 ]; }
	check "a busy number is dialled again" wait_until 60 three
	first=$(value dialled "$(modem_call 1)")
	third=$(value dialled "$(modem_call 3)")
	check "... twice within three minutes" \
	    test $((third - first)) -lt 180000
	idle_again() { [ "$(closed_count)" -eq 3 ] && line_is idle; }
	must_wait 10 idle_again
	next=$(summary .next) busy_since=$(call_field 1 dialled)
	check "... and not again before they are over (L5)" \
	    test "$next" -gt $((busy_since + 180))
	check "... nor in vain for ever" test "$next" -lt \
	    $((busy_since + 3600))
	is "three calls, all busy" "$(ctl_json show calls 0 |
	    jq -r '[.[] | .result] | join(" ")')" "busy busy busy"
	is "the message still waits" "$(summary .queue_messages)" 1
	RELAYD=$busy_relayd
	site_stop
	SITE=site
}

dial_results
noise
main_relayd=$RELAYD
no_modem
RELAYD=$main_relayd
carrier_flush
carrier_fetch
carrier_resume
hangup_and_maximum
redial_rule
RELAYD=$main_relayd
hasnt "no process died" "$T/site/relayd.log" 'died\|exited, status'
site_stop
is "relayd ends when told to" $? 0
finish
