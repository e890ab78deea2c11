#!/bin/sh
# See LICENSE for the terms.
# The main job: ten users, one modem.  20 messages sent by ordinary mail
# programs make one call; it carries them to Postfix and 40 from Dovecot, by
# POP3 and IMAP, and each is the same byte for byte where it arrives.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

provider_start
site_ports
mkdir -p "$T/in" "$T/out" "$T/read"
corpus "$T/in" 40
RELAYD_SEED=2 corpus "$T/out" 20 400000

# 40 messages wait upstream, four for each user.
i=0
while [ $i -lt 40 ]; do
	for u in $USERS; do
		i=$((i + 1))
		upstream_put $u "$T/in/$(printf %02d $i).eml"
	done
done
is "40 messages wait upstream" "$(upstream_count_all)" 40

MODEM_RATE=20000000 MODEM_LATENCY=5
modem_start
POLICY="dial when messages 20" KEEP_USERS="carol heidi"
site_start

# Mail between users of the site.
lan_send alice@ship.test bob@ship.test "$T/out/01.eml"
local_there() { [ "$(lan_sums bob | wc -l)" -eq 1 ]; }
check "a local message is delivered" wait_until 5 local_there
is "... unchanged, below Return-Path and Received" "$(
    cat "$T"/read/bob/*.eml | strip_fields Return-Path 1 |
    strip_fields Received 1 | sha256sum)" "$(sha256sum <"$T/out/01.eml")"
talk 127.0.0.1 $P_POP <<END || not_ok "DELE"
E +OK
S USER bob
E +OK
S PASS lan-bob
E +OK
S DELE 1
E +OK
S QUIT
E +OK
END
is "... and deleted by its reader" "$(lan_sums bob | wc -l)" 0
is "... without a call" "$(modem_calls)$(call_count)" 00

# 20 messages, as people send them.
n=0
next() { n=$((n + 1)); f=$(printf '%s/out/%02d.eml' "$T" $n); }
# As it is without CRs: that is how the sink stores it.
expect() { to_lf <"$1" | sha256sum | cut -d ' ' -f 1 >>"$T/expected"; }
sent() {
	[ "$1" -eq 0 ] || not_ok "message $n is sent" "$2: status $1"
}
ca="--cacert $T/ca/root.pem"
for u in alice bob carol; do
	next
	curl -sS --max-time 30 --ssl-reqd $ca "smtp://localhost:$P_SUB" \
	    -u $u:lan-$u --mail-from $u@ship.test \
	    --mail-rcpt "f$n@far.test" -T "$f"
	sent $? "curl, STARTTLS, AUTH"
	expect "$f"
done
for u in dave erin; do
	next
	curl -sS --max-time 30 $ca "smtps://localhost:$P_SUBS" \
	    -u $u:lan-$u --mail-from $u@ship.test \
	    --mail-rcpt "f$n@far.test" -T "$f"
	sent $? "curl, smtps, AUTH"
	expect "$f"
done
for u in frank grace heidi; do
	next
	lan_send $u@ship.test "f$n@far.test" "$f" \
	    --mail-rcpt "second$n@far.test"
	sent $? "curl, no AUTH"
	expect "$f"
done
is "three messages have two recipients each" "$(ctl_json show queue |
    jq '[.[] | select(.recipient | startswith("second"))] | length')" 3

# swaks ends what it sends with an empty line of its own.
swaks_file() { { cat "$f"; printf '\r\n'; } >"$T/swaks.eml"; }
for u in ivan judy alice; do
	next
	swaks --server 127.0.0.1 --port "$P_SUB" -tls -a LOGIN -au $u \
	    -ap lan-$u -f $u@ship.test -t "f$n@far.test" --data "@$f" \
	    >"$T/swaks.log" 2>&1
	sent $? "swaks, STARTTLS, AUTH LOGIN: $(grep '\*\*' "$T/swaks.log")"
	swaks_file
	expect "$T/swaks.eml"
done
for u in bob carol; do
	next
	swaks --server 127.0.0.1 --port "$P_SMTP" -f $u@ship.test \
	    -t "f$n@far.test" --data "@$f" >"$T/swaks.log" 2>&1
	sent $? "swaks, no AUTH: $(grep '\*\*' "$T/swaks.log")"
	swaks_file
	expect "$T/swaks.eml"
done

# s-nail makes its own header; a tap on the wire tells what it sent.
port TAP1 TAP2
socat -r "$T/tap1" TCP-LISTEN:$P_TAP1,bind=127.0.0.1,reuseaddr,fork \
    TCP:127.0.0.1:$P_SMTP & PIDS="$PIDS $!"
socat -r "$T/tap2" TCP-LISTEN:$P_TAP2,bind=127.0.0.1,reuseaddr,fork \
    TCP:127.0.0.1:$P_SUBP & PIDS="$PIDS $!"
must_wait 5 listening $P_TAP1
must_wait 5 listening $P_TAP2
nail() {
	timeout 30 s-nail -:/ -S v15-compat=yes -S ttycharset=utf-8 \
	    -S mime-encoding=8bit -S sendwait -S DEAD=/dev/null \
	    -S from="$1@ship.test" -S mta="$2" -S smtp-auth="$3" \
	    -S hostname=pc.ship.test -s "letter $n" "f$n@far.test" 2>"$T/nail.log"
	sent $? "s-nail: $(tail -n 1 "$T/nail.log")"
}
for u in dave erin frank; do
	n=$((n + 1))
	printf 'Dear reader,\n.\nthis is %s\n' "$n" |
	    nail $u "smtp://127.0.0.1:$P_TAP1" none
done
for u in grace heidi ivan; do
	n=$((n + 1))
	printf 'Gr\303\274\303\237e %s\n..\n' "$n" |
	    nail $u "smtp://$u:lan-$u@127.0.0.1:$P_TAP2" plain
done
# What is between DATA and the lone dot of each session.
awk -v dir="$T" '
{ sub(/\r$/, "") }
!inside && toupper($0) == "DATA" {
	inside = 1
	file = dir "/tapped." ++count
	printf "" >file
	next
}
inside && $0 == "." { inside = 0; close(file); next }
inside { sub(/^\./, ""); print >file }
' "$T/tap1" "$T/tap2"
for f in "$T"/tapped.*; do [ -f "$f" ] && expect "$f"; done
is "19 messages are sent" "$(wc -l <"$T/expected")" 19
check "... and wait" wait_until 5 queue_is 19
is "no call yet" "$(modem_calls)" 0
ctl_json show summary >"$T/summary.before"
ctl show queue >"$T/queue.text"
ctl_json show queue >"$T/queue.json"
is "show queue has a line for each recipient" \
    "$(grep -c '@far.test' "$T/queue.text")" 22
is "... and so has its JSON" "$(jq length "$T/queue.json")" 22
is "each with its sender" "$(jq '[.[] | select(.sender |
    test("^[a-z]+@ship.test$"))] | length' "$T/queue.json")" 22

# The 20th.
next
lan_send judy@ship.test f20@far.test "$f"
sent $? "the 20th"
expect "$f"
start=$(now_ms)
check "the 20th message makes a call" wait_until 10 test -s "$T/site/record" \
    -o "$(call_count)" -ge 1
wait_until 5 line_is window && ctl show summary >"$T/summary.window"
wait_until 90 has_closed 1 || die "the call does not end: $(ctl show)"
note "the call took $(($(now_ms) - start)) ms"
must_wait 10 line_is idle
is "one call in the modem's record" "$(modem_calls)" 1
is "one call in the ledger" "$(call_count)" 1
is "... opened once and closed once" "$(sed -n \
    's/.* event=\([a-z]*\) .*/\1/p' "$T/site/spool/state/ledger" |
    grep -v user | tr '\n' ' ')" "open close "
is "... with what it did for each user" "$(sed -n \
    's/.* event=user .* user=\([a-z]*\) .*fetched=4 .*/\1/p' \
    "$T/site/spool/state/ledger" | sort | tr '\n' ' ')" "$USERS "
is "it ended well" "$(call_field 1 result)" ok
is "because of the condition" "$(call_field 1 why)" "messages 20"
is "it sent 20" "$(call_field 1 sent)" 20
is "it fetched 40" "$(call_field 1 fetched)" 40
is "nothing failed" "$(call_field 1 failed)" 0
is "it cost one unit" "$(call_field 1 cost)" 10
is "the modem dialled the number" "$(value number "$(modem_call 1)")" $PHONE
is "relayd hung up" "$(value result "$(modem_call 1)")" connect
bytes=$(call_field 1 bytes_in)
# More than 5.3 MB of mail: IMAP is compressed.
check "bytes are counted" test "$bytes" -gt 4000000 -a "$bytes" -lt 5300000 -a \
    "$(call_field 1 bytes_out)" -gt 400000
is "the queue is empty" "$(ctl_json show queue | jq length)" 0

# In the sink.
wait_until 15 sink_has 23
is "23 deliveries in the sink" "$(sink_count)" 23
sink_sums | sort -u >"$T/sunk"
sort -u "$T/expected" >"$T/expected.sorted"
is "20 of 20 messages in the sink, byte for byte" \
    "$(comm -12 "$T/sunk" "$T/expected.sorted" | wc -l)" 20
is "and nothing else" "$(comm -3 "$T/sunk" "$T/expected.sorted" | wc -l)" 0
is "no recipient has anything twice" \
    "$(cut -d ' ' -f 2 "$T"/sink/*.env | sort | uniq -d | wc -l)" 0
is "senders are as given" "$(cut -d ' ' -f 1 "$T"/sink/*.env |
    grep -vc '^[a-z]*@ship.test$')" 0
is "relayd says with what it received" \
    "$(cat "$T"/sink/*.msg | grep -c 'by mail.ship.test')" 23

# In the site's mailboxes: half by curl, half by fetchmail.
sum_in() { for _i; do sum "$T/in/$(printf %02d $_i).eml"; done | sort; }
k=0
good=0
for u in $USERS; do
	k=$((k + 1))
	sum_in $k $((k + 10)) $((k + 20)) $((k + 30)) >"$T/want"
	case $k in
	[13579])
		lan_sums $u >"$T/got" ;;
	*)
		mkdir -p "$T/fm/$u"
		(umask 077
		cat >"$T/fetchmailrc" <<END
poll localhost service $P_POPS protocol pop3
  user "$u" password "lan-$u" ssl sslcertck sslcertfile "$T/ca/root.pem"
  fetchall keep no rewrite
  mda "sh -c 'cat >\$(mktemp $T/fm/$u/XXXXXX)'"
END
)
		timeout 60 fetchmail -f "$T/fetchmailrc" --invisible \
		    -i "$T/fm/$u.ids" --pidfile "$T/fm/$u.pid" \
		    >"$T/fetchmail.log" 2>&1 ||
		    not_ok "fetchmail for $u" "$(tail -n 1 "$T/fetchmail.log")"
		for f in "$T/fm/$u"/*; do
			[ -f "$f" ] && to_crlf <"$f" | sha256sum |
			    cut -d ' ' -f 1
		done | sort >"$T/got" ;;
	esac
	same=$(comm -12 "$T/want" "$T/got" | wc -l)
	good=$((good + same))
	[ "$same" -eq 4 ] || not_ok "$u's mail" "$same of 4, $(wc -l \
	    <"$T/got") there"
done
is "40 of 40 messages read, byte for byte" $good 40
is "upstream keeps what is to be kept" "$(upstream_count_all)" 8

# relayctl.
for what in summary queue calls users; do
	check "show $what as JSON" sh -c "timeout 10 \
	    '$TOP/relayctl/relayctl' -j -s '$T/site/ctl' show $what | jq -e ."
done
ctl show users >"$T/users.text"
is "show users has each with four messages" \
    "$(grep -c '^[a-z]*  *4 .* ok$' "$T/users.text")" 10
is "... and in JSON" "$(ctl_json show users |
    jq '[.[] | select(.messages == 4 and .fetched == 4 and .error == false)]
    | length')" 10
ctl show calls >"$T/calls.text"
has "show calls has the call" "$T/calls.text" \
    'v34 .* ok .* messages 20$'
ctl show >"$T/summary.text"
has "show says that the line is idle" "$T/summary.text" '^line *idle$'
has "... that the queue is empty" "$T/summary.text" '^queue *empty$'
has "... and what was spent" "$T/summary.text" '^today *1 call, .* 10$'
# Unless it had ended meanwhile.
! grep -s -q '^line *window' "$T/summary.window" ||
    has "in the window it showed the connection" "$T/summary.window" \
    'CONNECT 33600/ARQ'
ctl hold >/dev/null
has "a hold is shown" "$(ctl show >"$T/x"; echo "$T/x")" 'on hold'
check "... and obeyed" sh -c "! timeout 10 '$TOP/relayctl/relayctl' -s \
    '$T/site/ctl' dial >/dev/null 2>&1 || sleep 0.5"
is "no call while on hold" "$(modem_calls)" 1
ctl release >/dev/null
check "dial is no request for those who may only look" sh -c "! timeout 10 \
    '$TOP/relayctl/relayctl' -s '$T/site/ctl-ro' dial"
check "help in every level" sh -c "'$TOP/relayctl/relayctl' show help &&
    '$TOP/relayctl/relayctl' log help && '$TOP/relayctl/relayctl' help"

# A second window fetches nothing twice.
if [ "$(closed_count)" -ge 2 ] || ! line_is idle; then
	# What was asked for on hold is done now.
	wait_until 60 has_closed 2
	CALL=2
	must_wait 10 line_is idle
else
	window
fi
is "the second call ends well" "$(call_field $CALL result)" ok
is "... has sent nothing" "$(call_field $CALL sent)" 0
is "... and fetched nothing" "$(call_field $CALL fetched)" 0
all_lan_sums >"$T/all"
is "still 40 messages" "$(wc -l <"$T/all")" 40
is "none twice" "$(uniq -d "$T/all" | wc -l)" 0
is "nothing twice in the sink" "$(sink_count)" 23

hasnt "no process died" "$T/site/relayd.log" 'died\|exited, status'
hasnt "no password in the log" "$T/site/relayd.log" 'lan-[a-z]\|far-[a-z]'
site_stop
is "relayd ends when told to" $? 0
modem_stop
finish
