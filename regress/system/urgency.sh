#!/bin/sh
# See LICENSE for the terms.
# Mail that is urgent, bulk, due by a time, or in the operator's hands: the
# order in which it goes, ETRN, and relayctl message.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

provider_start
site_ports
modem_start
SITE_USERS=""
GLOBALS='bulk when larger 100K'
# Time costs nothing, so that all bulk mail goes: behind the rest.
site_write
sed -i '/^	tariff "telephone"$/d' "$T/site/relayd.conf"
site_start

# send RECIPIENT [PARAMETER [FIELD]]: a small message to that name far away
send() {
	talk 127.0.0.1 $P_SMTP <<END >/dev/null || not_ok "send to $1"
E 220
S EHLO pc.ship.test
E 250 HELP
S MAIL FROM:<alice@ship.test>${2:+ $2}
E 250
S RCPT TO:<$1@far.test>
E 250
S DATA
E 354
S ${3:-X-Nothing: here}
S
S to $1
S .
E 250
S QUIT
E 221
END
}
# of NAME FIELD: what show queue says of the message to that name
of() {
	ctl_json show queue | jq -r \
	    ".[] | select(.recipient == \"$1@far.test\") | .$2"
}
# The names in the order in which their mail went in the last window.
went() {
	sed -n 's/.*event=sent rcpt=<\([a-z]*\)@far.test>.*/\1/p' \
	    "$T/site/relayd.log" | tr '\n' ' '
}

send plain
send list "" "Precedence: list"
send pressing "MT-PRIORITY=4"
send marked "" "X-Priority: 1 (Highest)"
send low "MT-PRIORITY=-4" "Importance: high"
big_file "$T/big.eml" 110000
lan_send bob@ship.test large@far.test "$T/big.eml" || not_ok "a large one"
check "bulk mail is no reason to call" wait_until 10 queue_is 3
is "an urgent priority" "$(of pressing class)" urgent
is "an urgent field" "$(of marked class)" urgent
is "a list" "$(of list class)" bulk
is "MAIL wins over the header" "$(of low class)" bulk
is "what is large" "$(of large class)" bulk
is "all others" "$(of plain class)" normal

# In the operator's hands.
id=$(of plain id)
is "hold" "$(ctl message hold "$id")" "1 message held"
is "... is shown" "$(of plain held)" true
check "... and counts no more" wait_until 10 queue_is 2
is "urgent" "$(ctl message urgent to list@far.test)" "1 message made urgent"
send unwanted
is "remove" "$(ctl message remove to unwanted@far.test)" "1 message removed"
has "... is logged" "$T/site/relayd.log" \
    'event=removed rcpt=<unwanted@far.test>'
is "... and it is gone" "$(of unwanted id)" ""
check "nothing is meant by that" sh -c "! timeout 10 \
    '$TOP/relayctl/relayctl' -s '$T/site/ctl' message hold from x@y.test"
check "... nor may he who only looks" sh -c "! timeout 10 \
    '$TOP/relayctl/relayctl' -s '$T/site/ctl-ro' message remove all"
ctl show message "$id" >"$T/message.text"
has "show message has its sender" "$T/message.text" \
    '^from  *<alice@ship.test>, user alice$'
has "... that it is held" "$T/message.text" "^message  *$id, held$"
has "... and its recipient" "$T/message.text" '^to  *<plain@far.test>: waits$'
is "... in JSON, too" "$(ctl_json show message "$id" |
    jq -r '.recipients[0].state')" waiting

# With an end of spoold between: all of that is durable.
kill -9 "$(site_pid spoold)"
must_wait 30 site_ready
is "the hold survives a kill" "$(of plain held)" true
is "... and so does a class" "$(of list class)" urgent

# ETRN, from one of the LAN's computers, and from one who has not said who.
talk 127.0.0.1 $P_SUBP <<END >/dev/null || not_ok "ETRN refused"
E 220
S EHLO pc.ship.test
E 250 HELP
S ETRN ship.test
E 459
S QUIT
E 221
END
talk 127.0.0.1 $P_SMTP <<END >/dev/null || not_ok "ETRN"
E 220
S EHLO pc.ship.test
E 250 HELP
S ETRN ship.test
E 253
S QUIT
E 221
END
must_wait 10 grep -q 'ETRN ship.test' "$T/site/relayd.log"
ok "ETRN reaches dialerd"

wait_until 60 has_closed 1 || die "the call does not end"
must_wait 20 line_is idle
must_wait 20 sink_has 5
is "urgent first, the smallest first, bulk last" "$(went)" \
    "list marked pressing low large "
is "what is held stays" "$(of plain held)" true
is "release" "$(ctl message release all)" "1 message released"

# Due by a time: back without a call, or the sender is told.
ctl message hold all >/dev/null
send back "BY=1;R"
send told "BY=1;N"
bob_has() { [ "$(lan_sums alice | wc -l)" -ge "$1" ]; }
check "what is late comes back, and of what may be late is told" \
    wait_until 60 bob_has 2
is "... without a call" "$(call_count)" 1
is "the one is gone" "$(of back id)" ""
check "... and the other waits" test -n "$(of told id)"
cat "$T"/read/alice/*.eml >"$T/notices"
has "the one has failed" "$T/notices" '^Action: failed'
has "... by RFC 2852's status" "$T/notices" '^Status: 5.4.7'
has "the other is delayed" "$T/notices" '^Action: delayed'

hasnt "no other process died" "$T/site/relayd.log" \
    'dialerd died\|fetchd died\|exited, status'
site_stop
modem_stop
finish
