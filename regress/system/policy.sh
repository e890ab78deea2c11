#!/bin/sh
# See LICENSE for the terms.
# When it dials, on which line, and how long it stays: urgent mail at once,
# bulk mail in time that is paid for, the end of a unit, a dearer line when the
# cheaper one fails, budgets, and who else may ask for a call.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

provider_start
site_ports
SITE=sat
mkdir -p "$T/sat"
modem_start "number 777 connect"
SAT=$MODEM
SITE=site
MODEM_RATE=400000
modem_start

UNIT=3m LINGER=
# What the site's configuration has besides: a tariff of short units, and a
# satellite that is dearer.
conf() {
	GLOBALS="tariff \"satellite\" { setup 50 unit 1m price 100 }
line \"sat\" {
	modem \"$T/sat/modem\" speed 115200
	init \"ATZ\" \"ATE0V1X4&C1&D2\"
	phone \"777\"
	no ppp
	answer 5s
	window 2m
	tariff \"satellite\"
	skip 2
}
bulk when larger 100K
${MORE:-}"
	LINE_EXTRA=${LINGER:+linger
	margin 1s}
	site_write
	sed -i "s/unit 3m price 10/unit $UNIT price 10/" "$T/site/relayd.conf"
}
again() {
	conf
	ctl reload >"$T/reload.out" 2>&1 ||
	    not_ok "relayctl reload" "$(cat "$T/reload.out")"
}
POLICY="dial when messages 3
dial when urgent"
conf
site_start

# message SUBJECT [FIELD ...] >FILE: a small one
message() {
	printf 'From: <alice@ship.test>\nTo: <x@far.test>\nSubject: %s\n' "$1"
	shift
	for _f; do printf '%s\n' "$_f"; done
	printf '\nText.\n'
}
# put RECIPIENT SUBJECT [FIELD ...]
put() {
	_to=$1; shift
	message "$@" | to_crlf >"$T/m.eml"
	lan_send alice@ship.test "$_to" "$T/m.eml" || not_ok "send $_to"
}
calls_are() { [ "$(closed_count)" -eq "$1" ]; }
waiting() { [ "$(ctl_json show queue | jq length)" -eq "$1" ]; }
arrived() { grep -q "[< ]$1[>]*\$" "$T"/sink/*.env; }

# Conditions.
put a1@far.test one
put a2@far.test two "Precedence: bulk"
put a3@far.test three "Precedence: list"
put a4@far.test four "Precedence: bulk"
must_wait 5 waiting 4
check "bulk mail does not count" wait_until 10 queue_is 1
is "... and makes no call" "$(call_count)" 0
put u1@far.test urgent "X-Priority: 1 (Highest)"
check "urgent mail dials at once" wait_until 20 has_closed 1
is "... and is the reason" "$(call_field 1 why)" urgent
is "... the call is good" "$(call_field 1 result)" ok
for a in u1 a1 a2 a3 a4; do
	check "... and carried $a" wait_until 10 arrived "$a@far.test"
done
must_wait 20 line_is idle

# MT-PRIORITY and DELIVERBY, as a program says them.
printf '%s\r\n' "From: <alice@ship.test>" "" "Text." >"$T/m"
say() { # MAIL-PARAMETERS RECIPIENT
	talk 127.0.0.1 $P_SMTP <<END
E 220
S EHLO x
E 250
S MAIL FROM:<alice@ship.test> $1
E 250
S RCPT TO:<$2>
E 250
S DATA
E 354
S Subject: said
S 
S .
E 250
S QUIT
END
}
talk 127.0.0.1 $P_SMTP >"$T/ehlo" 2>&1 <<END || true
E 220
S EHLO x
E 250
S QUIT
END
check "a low priority is bulk" say "MT-PRIORITY=-4" low@far.test
must_wait 5 waiting 1
check "... which waits" wait_until 10 queue_is 0
check "a high one is urgent" say "MT-PRIORITY=6" high@far.test
check "... and dials" wait_until 20 has_closed 2
check "... with the low one" wait_until 10 arrived low@far.test
must_wait 20 line_is idle

# ETRN.
put e1@far.test etrn
must_wait 5 queue_is 1
cat >"$T/etrn" <<END
E 220
S EHLO x
E 250
S ETRN far.test
E 25
S QUIT
END
check "ETRN is taken" talk 127.0.0.1 $P_SMTP <"$T/etrn"
check "... and dials" wait_until 20 has_closed 3
case $(call_field 3 why) in
*ETRN*|*etrn*) ok "... which is the reason" ;;
*) not_ok "... which is the reason" "$(call_field 3 why)" ;;
esac
must_wait 20 line_is idle

# A budget.
MORE="budget 3 calls per day keep 1 calls for urgent"
again
put b1@far.test one
put b2@far.test two
put b3@far.test three
must_wait 5 queue_is 3
budget_said() { case $(summary .next_why) in budget:*) return 0 ;; esac; return 1; }
check "a budget that is used up is said" wait_until 10 budget_said
is "... and makes no call" "$(call_count)" 3
is "... nor does the operator" "$(ctl dial >/dev/null 2>&1; echo $?)" 1
MORE="budget 4 calls per day keep 1 calls for urgent"
again
is "what is kept for urgent mail is kept" "$(budget_said && call_count)" 3
put b4@far.test urgent "Importance: high"
check "... and spent by it" wait_until 20 has_closed 4
must_wait 20 line_is idle
MORE=

# The end of a unit.
UNIT=6s LINGER=1
again
put l1@far.test one "Priority: urgent"
must_wait 20 line_is window
must_wait 10 arrived l1@far.test
put l2@far.test late
check "mail that comes while it lingers goes at once" \
    wait_until 10 arrived l2@far.test
check "... the window ends with its unit" wait_until 20 has_closed 5
s=$(call_field 5 seconds)
check "... near its end: $s s" test "$s" -ge 4
is "... and costs no other" "$((s <= 6 * $(call_field 5 units)))" 1
note "$s s, $(call_field 5 units) units"
must_wait 20 line_is idle
UNIT=3m LINGER=
again

# Plan and policy, as the operator asks.
put p1@far.test plan
must_wait 5 queue_is 1
ctl_json show plan >"$T/plan.json"
is "the plan has the line" "$(jq -r .line "$T/plan.json")" v34
check "... and what it is from" \
    test "$(jq -r .measured "$T/plan.json")" -ge 5
ctl explain >"$T/explain" 2>&1
has "explain knows the condition" "$T/explain" "messages 3"
has "... and how far it is" "$T/explain" "1 of 3 messages wait"

# The dearer line, when the cheaper one has failed twice.
modem_stop
modem_start "number $PHONE busy"
put s1@far.test one "Priority: urgent"
put s2@far.test two
check "both of the first line's attempts fail" wait_until 40 has_closed 7
is "... on that line" "$(call_field 6 line) $(call_field 7 line)" "v34 v34"
check "then the dearer line has the call" wait_until 40 has_closed 8
is "... by its name" "$(call_field 8 line) $(call_field 8 result)" "sat ok"
has "... which the operator is told" "$T/site/relayd.log" \
    'line v34 failed 2 times: line sat is used'
must_wait 20 line_is idle
modem_stop
MODEM_RATE=400000
modem_start
put s3@far.test three "Priority: urgent"
check "after that it is the cheaper one's turn" wait_until 20 has_closed 9
is "... which has it" "$(call_field 9 line) $(call_field 9 result)" "v34 ok"
must_wait 20 line_is idle

# Held by the operator; what a program asks for is held as well.
next() { N=$(($(closed_count) + 1)); }
why_not() { case $(summary .next_why) in "$1"*) return 0 ;; esac; return 1; }
next
ctl hold >/dev/null
put h1@far.test held "Priority: urgent"
must_wait 5 queue_is 1
check "on hold urgent mail makes no call" wait_until 5 why_not \
    "held by the operator (urgent)"
check "... nor does ETRN" talk 127.0.0.1 $P_SMTP <"$T/etrn"
site_stop
site_start
must_wait 10 queue_is 1
check "... also over a restart" wait_until 10 why_not \
    "held by the operator (urgent)"
is "... and none was made" "$(closed_count)" $((N - 1))
ctl release >/dev/null
check "released it is dialled at once" wait_until 20 has_closed $N
is "... for that reason" "$(call_field $N why)" urgent
must_wait 20 line_is idle

# Hold hours bind what a program asks for, but not the operator.
next
MORE="hold between 11:00 and 23:00"
again
check "in hold hours ETRN is taken" talk 127.0.0.1 $P_SMTP <"$T/etrn"
check "... and put off" wait_until 10 why_not "hold hours"
is "... without a call" "$(closed_count)" $((N - 1))
ctl dial >/dev/null
check "the operator dials all the same" wait_until 20 has_closed $N
is "... as he asked" "$(call_field $N why)" request
must_wait 20 line_is idle
MORE=
again

# Bulk mail alone: as much of it as fits before the margin, and no new unit.
# At first it is reckoned with what CONNECT says, a message each 12 s, and when
# some have gone with what the line does, a message each second.
next
UNIT=30s LINGER=
conf
sed -i "s/^	tariff \"telephone\"/&\n	margin 6s/" "$T/site/relayd.conf"
ctl reload >"$T/reload.out" 2>&1 || not_ok "reload" "$(cat "$T/reload.out")"
i=0
while [ $i -lt 40 ]; do
	i=$((i + 1))
	[ -f "$T/bulk.eml" ] || {
		message bulk "Precedence: bulk"
		openssl rand -base64 30000
	} | to_crlf >"$T/bulk.eml"
	lan_send alice@ship.test bulk$i@far.test "$T/bulk.eml" ||
	    not_ok "send bulk $i"
done
must_wait 10 waiting 40
ctl dial >/dev/null
check "bulk mail fills a unit" wait_until 60 has_closed $N
n=$(call_field $N sent)
note "$n of 40 sent in $(call_field $N seconds) s"
check "... with more than what it could begin at first" test "$n" -ge 5
check "... though not all of it" test "$n" -le 39
is "... and begins no other" "$(call_field $N units)" 1
is "... the call is good" "$(call_field $N result) $(call_field $N reason)" \
    "ok what is left is not worth another unit"
check "... of which one at most is cut off" \
    test "$(call_field $N repeated_out)" -le 43000
must_wait 20 line_is idle
check "the rest of it makes no call" waiting $((40 - n))
UNIT=3m
again
next
put rest@far.test rest "Priority: urgent"
check "it rides along with the next" wait_until 60 has_closed $N
check "... all of it" wait_until 10 waiting 0
must_wait 20 line_is idle

# The breaker: after two failures nothing but the operator dials.
modem_stop
modem_start "number $PHONE busy, busy, connect"
next
MORE="redial 1 within 3m then 15m
breaker 2 failures pause 4h"
again
put k1@far.test breaker "Priority: urgent"
check "the first call fails" wait_until 20 has_closed $N
check "... and its redial" wait_until 40 has_closed $((N + 1))
check "then the breaker is open" wait_until 10 why_not "breaker: "
check "... for its pause" test $(($(summary .next) - $(summary .now))) \
    -ge 14300
has "... which the log has, too" "$T/site/relayd.log" \
    '2 calls failed in a row: none for 14400 s'
site_stop
site_start
must_wait 10 queue_is 1
check "... over a restart" wait_until 10 why_not "breaker: "
is "... and nothing is dialled" "$(closed_count)" $((N + 1))
ctl dial >/dev/null
check "the operator dials" wait_until 20 has_closed $((N + 2))
is "... on the dearer line" "$(call_field $((N + 2)) line) $(call_field \
    $((N + 2)) result)" "sat ok"
must_wait 20 line_is idle
MORE=
modem_stop
modem_start

# An upstream that says nothing.
port MUTE
socat TCP-LISTEN:$P_MUTE,bind=127.0.0.1,reuseaddr,fork EXEC:"sleep 60" &
PIDS="$PIDS $!"
must_wait 5 listening $P_MUTE
next
relay=${RELAY:-}
RELAY=smtp://127.0.0.1:$P_MUTE RELAY_LOGIN=
conf
sed -i "s/^	tariff \"telephone\"/&\n	stall 5s/" "$T/site/relayd.conf"
ctl reload >"$T/reload.out" 2>&1 || not_ok "reload" "$(cat "$T/reload.out")"
put m1@far.test mute
must_wait 5 queue_is 1
ctl dial >/dev/null
check "an upstream that says nothing ends the window" \
    wait_until 30 has_closed $N
is "... as \"stalled\"" "$(call_field $N result)" stalled
s=$(call_field $N seconds)
check "... soon: $s s" test "$s" -ge 5 -a "$s" -le 15
must_wait 20 line_is idle
RELAY=$relay
unset RELAY_LOGIN
again
next
ctl dial >/dev/null
check "its mail leaves when it is well again" wait_until 30 has_closed $N
check "... and is there" wait_until 10 arrived m1@far.test
must_wait 20 line_is idle

# A link that somebody else has opened: another way to the same far side.
modem_stop
for f in SUBMISSION SUBMISSIONS OLDSMTP IMAP IMAPS POP3 POP3S; do
	eval "near=\$P_L_$f far=\$P_$f"
	socat TCP-LISTEN:$near,bind=127.0.0.1,reuseaddr,fork \
	    TCP:127.0.0.1:$far &
	PIDS="$PIDS $!"
	must_wait 5 listening $near
done
next
conf
sed -i "s|^	tariff \"telephone\"|&\n	status \"[ -e $T/foreign ]\"|" \
    "$T/site/relayd.conf"
touch "$T/foreign"
ctl reload >"$T/reload.out" 2>&1 || not_ok "reload" "$(cat "$T/reload.out")"
calls=$(modem_calls)
put f1@far.test foreign "Priority: urgent"
check "a link that is up already is used" wait_until 20 has_closed $N
is "... with a good window" "$(call_field $N result)" ok
is "... at no cost" "$(call_field $N foreign) $(call_field $N cost)" "true 0"
check "... the mail is there" wait_until 10 arrived f1@far.test
is "... and nothing was dialled" "$(modem_calls)" $calls
must_wait 20 line_is idle

# What came was recorded, and can be played with another configuration.
conf
sed '/^dial /d' "$T/site/relayd.conf" >"$T/other.conf"
echo 'dial when age 1h' >>"$T/other.conf"
chmod 600 "$T/other.conf"
check "relayctl simulate plays what was recorded" \
    ctl simulate -n -b 5 -f "$T/site/relayd.conf" -f "$T/other.conf"
ctl simulate -n -b 5 -f "$T/site/relayd.conf" -f "$T/other.conf" \
    >"$T/simulate.out" 2>&1
check "... of this site" grep -q '^mail .* messages from ' "$T/simulate.out"
check "... with the line as measured" grep -q ' as measured' "$T/simulate.out"
check "... and calls of each" grep -Eq '^calls +[0-9]+ +[0-9]+$' \
    "$T/simulate.out"

finish
