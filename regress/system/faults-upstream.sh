#!/bin/sh
# See LICENSE for the terms.
# What the provider does wrong, and what the operator got wrong about it:
# passwords, certificates, recipients that are refused, servers that are dead
# or silent or old.  Nothing is ever lost by any of it.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

provider_start
port W_SMTPS W_POP3S W_SILENT
site_ports
port L_W_SMTPS L_W_POP3S L_W_SILENT L_DEAD DEAD
leaf_make root wrong "DNS:mail.elsewhere.test"
ca_make other "IP:127.0.0.1,DNS:localhost"
cat "$T/ca/wrong.pem" "$T/ca/wrong.key" >"$T/ca/wrong.both"
# Right CA, wrong name; a tap tells whether relayd said anything to them.
impostor() {	# PORT TARGET TAP
	socat -r "$T/$3" "OPENSSL-LISTEN:$1,bind=127.0.0.1,reuseaddr,fork,\
cert=$T/ca/wrong.both,verify=0" "TCP:127.0.0.1:$2" 2>>"$T/socat.log" &
	PIDS="$PIDS $!"
	must_wait 5 listening "$1"
}
impostor $P_W_SMTPS $P_OLDSMTP tap.smtps
impostor $P_W_POP3S $P_POP3 tap.pop3s
socat -u TCP-LISTEN:$P_W_SILENT,bind=127.0.0.1,reuseaddr,fork \
    OPEN:/dev/null 2>>"$T/socat.log" &
PIDS="$PIDS $!"
must_wait 5 listening $P_W_SILENT

modem_start "number $PHONE connect" \
    "forward 127.0.0.1:$P_L_W_SMTPS 127.0.0.1:$P_W_SMTPS" \
    "forward 127.0.0.1:$P_L_W_POP3S 127.0.0.1:$P_W_POP3S" \
    "forward 127.0.0.1:$P_L_W_SILENT 127.0.0.1:$P_W_SILENT" \
    "forward 127.0.0.1:$P_L_DEAD 127.0.0.1:$P_DEAD"
site_start

in_file() { echo "$MAIL/in/$(printf %02d "$1").eml"; }
queue_status() { ctl_json show queue | jq -r "$1"; }
user_error() { ctl_json show users | jq -r ".[] | select(.user == \"$1\") |
    .error"; }
# Bounces are taken out of the sender's mailbox, for their own test.
take_bounces() {
	mkdir -p "$T/bounces"
	grep -l -r -a 'Content-Type: multipart/report' \
	    "$T/site/spool/mail/$1/new" "$T/site/spool/mail/$1/cur" \
	    2>/dev/null | while read -r _b; do mv "$_b" "$T/bounces/"; done
}
bounces() { find "$T/bounces" -type f | wc -l; }
next_window_ok() {	# NAME SENT FETCHED
	window
	is "$1: then a good window" "$(call_field $CALL '|
	    "\(.result) \(.sent) \(.fetched) \(.failed)"')" "ok $2 $3 0"
	[ "$(call_field $CALL failed)" = 0 ] ||
	    note "$1: $(grep 'upstream isp\|event=failed' \
	    "$T/site/relayd.log" | tail -n 3 | tr '\n' '|')"
	verify "$1"
}

wrong_passwords() {
	batch_begin
	batch_out 2
	batch_in 1
	SHIP_PASSWORD=nonsense PASSWORD_USER="bob heidi"
	reconf
	window
	is "wrong passwords: nothing is sent" "$(call_field $CALL sent)" 0
	is "... the mail stays in the queue" "$(ctl_json show queue |
	    jq length)" 2
	is "... those with the right one are fetched for" \
	    "$(call_field $CALL fetched)" 8
	is "... the others are shown with an error" \
	    "$(user_error bob) $(user_error heidi) $(user_error alice)" \
	    "true true false"
	has "... and with the server's words" "$(COLUMNS=200 ctl show users >"$T/x"
	    echo "$T/x")" '^bob .*[Aa]uthentication failed'
	has "... the log says that the relay refused the login" \
	    "$T/site/relayd.log" 'upstream isp: .*535'
	hasnt "... without the password" "$T/site/relayd.log" nonsense
	take_bounces alice
	is "... and nobody gets a bounce" "$(bounces)" 0
	SHIP_PASSWORD=far-ship PASSWORD_USER=
	reconf
	next_window_ok "wrong passwords" 2 2
}

certificates() {
	batch_begin
	batch_out 2
	batch_in 1 alice frank dave judy
	CA=$T/ca/other.pem
	reconf
	window
	is "a CA that is not trusted: nothing passes" "$(call_field $CALL '|
	    "\(.sent) \(.fetched)"')" "0 0"
	check "... and it is a failure" test "$(call_field $CALL failed)" -ge 5
	is "... the mail stays" "$(summary .queue_messages)" 2
	has "... the log says why" "$T/site/relayd.log" \
	    'upstream isp: .*certificate'
	hasnt "Postfix saw no login" "$T/postfix.log" \
	    "b$BATCH.*sasl_username"
	CA= FETCH_POPS="pop3s://127.0.0.1:$P_L_W_POP3S"
	RELAY="smtps://127.0.0.1:$P_L_W_SMTPS"
	reconf
	window
	is "a certificate with another name: nothing sent" \
	    "$(call_field $CALL sent)" 0
	is "... nothing fetched from there" "$(call_field $CALL '|
	    "\(.fetched) \(.failed >= 4)"') $(user_error alice)" \
	    "3 true true"
	is "... and not a word was said to it" \
	    "$(cat "$T/tap.smtps" "$T/tap.pop3s" | wc -c)" 0
	has "... the log says why" "$T/site/relayd.log" \
	    "name .*127.0.0.1.* not present in server certificate"
	FETCH_POPS= RELAY=
	reconf
	next_window_ok "certificates" 2 1
}

# RFC 3464, into the sender's mailbox.
refused_recipient() {
	batch_begin
	mkdir "$MAIL/m"
	RELAYD_SEED=500 corpus "$MAIL/m" 2 0
	refuse bad@far.test "550 5.1.1 nobody here by that name"
	put_out alice good@far.test "$MAIL/m/01.eml"
	lan_send alice@ship.test bad@far.test "$MAIL/m/02.eml" \
	    --mail-rcpt second@far.test
	to_lf <"$MAIL/m/02.eml" | sha256sum | cut -d ' ' -f 1 >>"$T/want.out"
	must_wait 5 queue_is 2
	window
	is "a recipient refused: the window is good" \
	    "$(call_field $CALL result)" ok
	is "... and the queue empty" "$(ctl_json show queue | jq length)" 0
	take_bounces alice
	is "... the sender has one bounce" "$(bounces)" 1
	lf=$T/bounce.lf
	to_lf <"$(find "$T/bounces" -type f)" >"$lf"
	has "... from the null sender" "$lf" '^Return-Path: <>$'
	has "... a report" "$lf" \
	    '^Content-Type: multipart/report; report-type=delivery-status;$'
	has "... of us" "$lf" '^Reporting-MTA: dns; mail.ship.test$'
	has "... for the recipient" "$lf" \
	    '^Final-Recipient: rfc822; bad@far.test$'
	is "... and for no other" "$(grep -c '^Final-Recipient' "$lf")" 1
	has "... that failed" "$lf" '^Action: failed$'
	has "... with its status" "$lf" '^Status: 5.1.1$'
	has "... and upstream's words" "$lf" \
	    '^Diagnostic-Code: smtp; 550 5.1.1 .*nobody here by that name$'
	has "... and the header of the message" "$lf" \
	    '^Subject: message 2 of kind 1$'
	has "... that programs do not answer" "$lf" '^Auto-Submitted: auto'
	mv "$T/bounces"/* "$T/"
	verify "a recipient refused"
	window
	take_bounces alice
	is "... and no second bounce" "$(bounces)" 0
}

deferred_recipient() {
	batch_begin
	batch_out 2
	refuse "b$BATCH.02@far.test" "450 4.2.1 come back later"
	window
	is "a recipient deferred: the other is sent" \
	    "$(call_field $CALL sent)" 1
	is "... and it waits" "$(queue_status '.[] |
	    "\(.recipient) \(.windows)"')" "b$BATCH.02@far.test 1"
	check "... with upstream's words" test "$(queue_status '.[0].status |
	    contains("come back later")')" = true
	is "... without a bounce" "$(take_bounces alice; bounces)" 0
	refuse "b$BATCH.02@far.test"
	next_window_ok "a recipient deferred" 1 0
	# M8: only so many windows.
	GLOBALS="expire after 2 windows"
	reconf
	refuse never@far.test "450 4.7.1 not today"
	mkdir "$MAIL/m"
	RELAYD_SEED=700 corpus "$MAIL/m" 1 0
	lan_send alice@ship.test never@far.test "$MAIL/m/01.eml"
	must_wait 5 queue_is 1
	window
	is "deferred once, it stays" "$(summary .queue_messages)" 1
	window
	check "deferred in as many windows as it may be, it goes" \
	    wait_until 5 queue_is 0
	take_bounces alice
	is "... back to the sender" "$(bounces)" 1
	to_lf <"$(find "$T/bounces" -type f)" >"$T/bounce.lf"
	has "... as expired" "$T/bounce.lf" '^Status: [45].4.7$'
	has "... with what was said last" "$T/bounce.lf" 'not today'
	rm -f "$T/bounces"/*
	GLOBALS=
	reconf
}

dead_servers() {
	batch_begin
	batch_out 2
	batch_in 1 alice frank
	RELAY="smtp+tls://127.0.0.1:$P_L_DEAD"
	FETCH_POPS="pop3s://127.0.0.1:$P_L_DEAD"
	reconf
	window
	is "dead servers: the others are not held up" "$(call_field $CALL '|
	    "\(.result) \(.sent) \(.fetched)"')" "ok 0 1"
	is "... the mail stays" "$(summary .queue_messages)" 2
	# One that takes the connection and says nothing.
	RELAY="smtp+tls://127.0.0.1:$P_L_W_SILENT"
	FETCH_POPS="pop3s://127.0.0.1:$P_L_W_SILENT" WINDOW=5s
	reconf
	window
	is "silent servers: the window ends at its maximum" \
	    "$(call_field $CALL '|"\(.result) \(.sent) \(.fetched)"')" \
	    "maximum 0 0"
	online=$(value online_ms "$(last_call)")
	check "... and not much later" test "$online" -lt 9000
	RELAY= FETCH_POPS= WINDOW=
	reconf
	next_window_ok "dead servers" 2 1
}

# Without PIPELINING, CHUNKING, 8BITMIME, SIZE, or anything else.
old_server() {
	batch_begin
	RELAY="smtp://127.0.0.1:$P_L_OLDSMTP" RELAY_LOGIN=
	reconf
	batch_out 15
	refuse bad@far.test "550 no"
	lan_send alice@ship.test bad@far.test "$MAIL/out/01.eml" \
	    --mail-rcpt third@far.test
	to_lf <"$MAIL/out/01.eml" | sha256sum | cut -d ' ' -f 1 \
	    >>"$T/want.out"
	must_wait 5 queue_is 16
	window
	is "an old server takes all" "$(call_field $CALL '|
	    "\(.result)"') $(summary .queue_messages)" "ok 0"
	take_bounces alice
	is "... and refuses one" "$(bounces)" 1
	to_lf <"$(find "$T/bounces" -type f)" >"$T/bounce.lf"
	has "... of which the status is made up" "$T/bounce.lf" \
	    '^Status: 5\.[0-9]\.[0-9]'
	rm -f "$T/bounces"/*
	verify "an old server"
	# It is logged when the session has ended.
	check "... by DATA" wait_until 10 grep -q ' data=1[0-9]' \
	    "$T/postfix.log"
	RELAY="smtps://localhost:$P_L_SUBMISSIONS"
	unset RELAY_LOGIN
	reconf
	batch_begin
	batch_out 15
	window
	is "a new one, too, with TLS from the first byte" \
	    "$(call_field $CALL '|"\(.result) \(.sent)"')" "ok 15"
	verify "a new server"
}

wrong_passwords
certificates
refused_recipient
deferred_recipient
dead_servers
old_server
hasnt "no process died" "$T/site/relayd.log" 'died\|exited, status'
site_stop
finish
