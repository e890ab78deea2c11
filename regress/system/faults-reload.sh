#!/bin/sh
# See LICENSE for the terms.
# SIGHUP in the middle of a window: a bad configuration changes nothing and
# is logged, a good one is in force at once, and neither drops a session, the
# call, or a message.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

provider_start
site_ports
port NEW TAKEN
# Slow enough for a window in which all of this is refused.
MODEM_RATE=400000
modem_start
site_start
conf=$T/site/relayd.conf
log=$T/site/relayd.log

greeting() {
	timeout 5 socat -T 2 - "TCP:127.0.0.1:$1" </dev/null 2>/dev/null |
	    tr -d '\r' | head -n 1
}
refusals() { grep -c 'the old configuration stays' "$log"; }
more_refusals() { [ "$(refusals)" -gt "$before" ]; }
# refused NAME WHY: the configuration that is there now is
refused() {
	before=$(refusals)
	kill -HUP $RELAYD
	check "$1 is refused" wait_until 10 more_refusals
	has "... and the log says why" "$log" "$2"
	is "... the old one is in force" "$(greeting $P_SMTP)" \
	    "220 mail.ship.test ESMTP relayd"
	is "... and the window goes on" "$(summary .state)" window
}
# Every one of these has another host name, which must not be seen.
edit() { sed "s/mail.ship.test/$1.ship.test/" "$T/good.conf"; }
install_conf() { (umask 077; cat >"$conf.new"); mv "$conf.new" "$conf"; }

batch_begin
batch_out 3 700000
batch_in 1
big_file "$MAIL/pop.eml" 600000
put_in alice "$MAIL/pop.eml"
big_file "$MAIL/imap.eml" 600000
put_in frank "$MAIL/imap.eml"
must_wait 5 queue_is 4
cp "$conf" "$T/good.conf"

# A session of the LAN that is there all the time.
mkfifo "$T/session"
talk -t 120 127.0.0.1 $P_SMTP <"$T/session" >"$T/session.out" &
session=$!
exec 9>"$T/session"
printf '%s\n' 'E 220' 'S EHLO pc' 'E 250' 'S MAIL FROM:<bob@ship.test>' \
    'E 250' 'S RCPT TO:<session@far.test>' 'E 250' >&9

ctl dial >/dev/null
must_wait 15 line_is window

{ edit bad; echo 'nonsense "here"'; } | install_conf
refused "a configuration with an error" \
    "relayd.conf:$(wc -l <"$conf"): .*nonsense"
check "relayctl reload tells, too" sh -c "! timeout 20 \
    '$TOP/relayctl/relayctl' -s '$T/site/ctl' reload 2>'$T/reload.out'"
has "... in words" "$T/reload.out" 'has errors'
edit insecure | install_conf
chmod 644 "$conf"
refused "one that others can read" 'can read or write it (mode 0644)'
chmod 644 "$T/ca/root-leaf.key"
edit key | install_conf
refused "one with a private key that others can read" \
    'root-leaf.key: others than its owner'
chmod 600 "$T/ca/root-leaf.key"
mv "$conf" "$conf.away"
refused "one that is not there" 'relayd.conf.*No such file'
edit spool | sed "s|^spool.*|spool \"$T/elsewhere\"|" | install_conf
refused "another spool" 'need a restart'
socat TCP-LISTEN:$P_TAKEN,bind=127.0.0.1,fork OPEN:/dev/null 9>&- &
PIDS="$PIDS $!"
must_wait 5 listening $P_TAKEN
{ edit port; echo "listen on 127.0.0.1 port $P_TAKEN pop3"; } | install_conf
refused "a port that is taken" "listen on 127.0.0.1 port $P_TAKEN"
edit cert | sed "s|root-leaf.pem|missing.pem|" | install_conf
refused "a certificate that is not there" 'missing.pem'
edit key | sed "s|root-leaf.key|root.key|" | install_conf
refused "a key of another certificate" 'pki ship'

{
	edit new
	echo "listen on 127.0.0.1 port $P_NEW pop3"
	echo "message max 2M"
	echo "dial when messages 2"
} | install_conf
kill -HUP $RELAYD
new_greeting() {
	[ "$(greeting $P_SMTP)" = "220 new.ship.test ESMTP relayd" ]
}
check "a good configuration is in force" wait_until 10 new_greeting
check "... with a new port" wait_until 5 listening $P_NEW
check "... and a new limit" sh -c "printf 'EHLO x\r\nQUIT\r\n' |
    timeout 5 socat -t 3 - TCP:127.0.0.1:$P_SMTP | grep -q 'SIZE 2097152'"
is "... the window goes on" "$(summary .state)" window
is "... and it is the same call" "$(call_count) $(modem_calls)" "1 0"

printf '%s\n' 'S DATA' 'E 354' 'S Subject: over a reload' 'S ' 'S .' \
    'E 250' 'S QUIT' 'E 221' >&9
exec 9>&-
wait $session
is "a session of the LAN went through all of this" $? 0
[ ! -s "$T/session.out" ] || note "$(cat "$T/session.out")"
printf 'Subject: over a reload\n\n' | sha256sum | cut -d ' ' -f 1 \
    >>"$T/want.out"

wait_until 90 has_closed 1 || die "the call does not end: $(ctl show)"
is "the call ends well" "$(call_field 1 '|
    "\(.result) \(.failed)"')" "ok 0"
is "... the only one" "$(modem_calls)" 1
must_wait 10 line_is idle
[ "$(summary .queue_messages)" -eq 0 ] || window
verify "reloads"

# The new condition.
batch_begin
batch_out 2
n=$(($(closed_count) + 1))
check "the new condition makes a call" wait_until 30 has_closed $n
is "... for its reason" "$(call_field $n why)" "messages 2"
verify "the new condition"

hasnt "no process died" "$log" 'died\|exited, status'
site_stop
finish
