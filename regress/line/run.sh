#!/bin/sh
# See LICENSE for the terms.
# The whole site with a real line: relayd and a real pppd in user-mode Linux,
# whose serial port is the paced modem emulator; slirp is the far side of its
# PPP; Dovecot and Postfix on the host's loopback are the provider.  As root.
# Installs the packages it lacks where there is apt-get.
# usage: run.sh [main | carrier | killed ...]
TOP=$(unset CDPATH; cd "$(dirname "$0")/../.." && pwd)
. "$TOP/regress/system/lib.sh"
. "$TOP/regress/line/lib.sh"

MAX_ONLINE=120000	# milliseconds that the main call may take at most
BIG=20000		# bytes of the largest message of the main case
# ... of the others, in the middle of which is the fault.  By IMAP, what is
# above 64 KB comes in ranges of that.
BIG_FAULT=100000
RANGE=65536

# The guest.

guest_conf() {
	cat <<END
hostname "mail.ship.test"
spool "/run/relayd/spool"
empty "/run/relayd/empty"
control "/run/relayd/ctl"
control read-only "/run/relayd/ctl-ro"
local domains { "ship.test" }
users "$G/users"
postmaster "alice"
ca "$T/ca/root.pem"
listen on 127.0.0.1 smtp from 127.0.0.1
listen on 127.0.0.1 pop3
upstream "isp" {
	relay "smtp+tls://isp.test:$P_SUBMISSION" \
	    user "ship" password "far-ship"
}
upstream "pops" { fetch "pop3s://isp.test:$P_POP3S" }
upstream "pop" { fetch "pop3+tls://isp.test:$P_POP3" }
upstream "imaps" { fetch "imaps://isp.test:$P_IMAPS" }
upstream "imap" { fetch "imap+tls://isp.test:$P_IMAP" }
tariff "telephone" { setup 0 unit 3m price 10 }
line "v34" {
	modem "/dev/ttyS0" speed 115200
	init "ATZ" "ATE0V1X4&C1&D2"
	phone "$PHONE"
	ppp user "ship" password "far-ppp" options "10.0.2.15:10.0.2.2" \
	    "nocrtscts" "connect-delay" "1" ${PPP_OPTIONS:-}
	answer 30s
	window 5m
	tariff "telephone"
}
dial when messages $DIAL_WHEN
END
	for _u in $USERS; do
		echo "user \"$_u\" { address \"$_u@ship.test\" fetch" \
		    "\"$(user_upstream $_u)\" as \"$_u-isp\"" \
		    "password \"far-$_u\" }"
	done
}

# guest_init: what the kernel starts, and all that it reads.
guest_init() {
	mkdir -p "$G/read"
	(umask 077
	guest_conf >"$G/relayd.conf"
	lan_passwd >"$G/users")
	printf '%s\n' "127.0.0.1 localhost" "10.0.2.2 isp.test" >"$G/hosts"
	cat >"$G/init" <<END
#!/bin/sh
G='$G' TOP='$TOP' LIBEXEC='$T/libexec' CASE=$CASE
SMALL=4 LARGE=${LARGE:-0} MIDDLE=${MIDDLE:-0}
. '$TOP/regress/line/guest.sh'
END
	chmod 755 "$G/init"
}

# Without a carrier it goes on.
guest_asks() {
	if [ -e "$G/drop" ]; then
		rm "$G/drop"
		kill -USR1 $MODEM
	fi
}

# The mail.

# A name of the corpus by its number.
nth() { printf '%02d.eml' "$1"; }

# send_later FILE FROM: it is submitted in the guest.
send_later() {
	SENT=$((SENT + 1))
	[ $SENT -eq 1 ] || echo next
	echo "url = \"smtp://127.0.0.1\""
	echo "max-time = 30"
	echo "mail-from = \"$2@ship.test\""
	echo "mail-rcpt = \"friend$SENT@far.test\""
	echo "upload-file = \"$1\""
	to_lf <"$1" | sha256sum | cut -d ' ' -f 1 >>"$G/expect.sent"
}
# wait_upstream FILE USER: it waits at the provider, and is read in the guest.
wait_upstream() {
	upstream_put "$2" "$1"
	sum "$1" >>"$G/expect.$2"
}
# Lists and messages of all users, for curl.
read_later() {
	echo "max-time = 60"
	for _u in $USERS; do
		_n=$(wc -l <"$G/expect.$_u")
		echo "url = \"pop3://$_u:lan-$_u@127.0.0.1/\""
		echo "output = \"$G/list.$_u\""
		_i=0
		while [ $_i -lt "$_n" ]; do
			_i=$((_i + 1))
			echo "url = \"pop3://$_u:lan-$_u@127.0.0.1/$_i\""
			echo "output = \"$G/read/$_u.$_i\""
		done
	done
}

# case_begin NAME: a directory, and a provider that has nothing yet.
case_begin() {
	CASE=$1 G=$T/$1 SENT=0
	mkdir -p "$G/out" "$G/in"
	rm -f "$T"/sink/*
	find "$T/upstream" -type f -delete
	for _u in $USERS; do : >"$G/expect.$_u"; done
}

# mail_there: all that was sent, and all that waited, once, as it was.
mail_there() {
	_n=$(wc -l <"$G/expect.sent")
	wait_until 10 sink_has "$_n"
	sink_sums | sort >"$G/sunk"
	sort "$G/expect.sent" >"$G/expect"
	is "$CASE: $_n messages in the sink" "$(sink_count)" "$_n"
	is "$CASE: ... the same byte for byte" \
	    "$(comm -12 "$G/sunk" "$G/expect" | wc -l)" "$_n"
	is "$CASE: nothing is left in the queue" \
	    "$(jq length "$G/queue.json")" 0

	_n=$(cat "$G"/expect.[a-z]* | wc -l)
	_n=$((_n - $(wc -l <"$G/expect.sent")))
	is "$CASE: $_n messages in the mailboxes" \
	    "$(cat "$G"/list.* | grep -c '^[0-9]')" $_n
	_same=0
	for _u in $USERS; do
		for _f in "$G/read/$_u".*; do
			[ -f "$_f" ] && sum "$_f"
		done | sort >"$G/got"
		sort "$G/expect.$_u" >"$G/expect"
		_same=$((_same + $(comm -12 "$G/got" "$G/expect" | wc -l)))
	done
	is "$CASE: ... the same byte for byte" $_same $_n
	is "$CASE: none is left upstream" "$(upstream_count_all)" 0
}

# ledger N FIELD: of relayd's Nth call
ledger() { jq -r ".[$1 - 1].$2" "$G/calls.json"; }
ledgers() { jq length "$G/calls.json"; }

# What holds of every call that ends as it should.
good_call() {
	is "$CASE: call $1 ends well" "$(ledger "$1" result)" ok
	is "$CASE: ... hung up by relayd" \
	    "$(record "$1" result) $(record "$1" by)" "connect ath"
	_ms=$(record "$1" online_ms)
	_s=$(ledger "$1" seconds)
	note "$CASE: call $1: $_ms ms on the line, $_s s in the ledger," \
	    "$(record "$1" out) bytes out, $(record "$1" in) in"
	check "$CASE: ... the ledger has the time on the line" \
	    test $((_s * 1000 - _ms)) -gt -2000 -a \
	    $((_s * 1000 - _ms)) -lt 3000
}

# The cases.

case_main() {
	case_begin main
	corpus "$G/in" 40 $BIG
	RELAYD_SEED=2 corpus "$G/out" 21 $BIG
	_i=0
	while [ $_i -lt 40 ]; do
		for _u in $USERS; do
			_i=$((_i + 1))
			wait_upstream "$G/in/$(nth $_i)" $_u
		done
	done
	# Not the 15th: Postfix takes its Bcc away, as it should.
	set -- $USERS $USERS
	for _i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 16 17 18 19 20 21; do
		send_later "$G/out/$(nth $_i)" "$1"
		shift
	done >"$G/submit.curl"
	read_later >"$G/read.curl"
	DIAL_WHEN=20
	guest_init
	modem_line connect
	guest_run 360 || return 1
	is "main: one call in the modem's record" "$(records)" 1
	is "main: one call in the ledger" "$(ledgers)" 1
	is "main: because of the condition" "$(ledger 1 why)" "messages 20"
	good_call 1
	has "main: pppd brought the link up" "$G/relayd.log" \
	    'pppd: local  *IP address 10\.0\.2\.15'
	is "main: it sent 20" "$(ledger 1 sent)" 20
	is "main: it fetched 40" "$(ledger 1 fetched)" 40
	is "main: nothing failed" "$(ledger 1 failed)" 0
	check "main: it took no longer than it may" \
	    test "$(record 1 online_ms)" -lt $MAX_ONLINE
	# 10 bits a byte: what one way after the other would have taken.
	check "main: both directions at the same time" test \
	    "$(record 1 online_ms)" -lt $((($(record 1 out) + \
	    $(record 1 in)) * 10000 / 33600))
	mail_there
	hasnt "main: no process died" "$G/relayd.log" 'died\|exited, status'
	hasnt "main: no password in the log" "$G/relayd.log" \
	    'lan-[a-z]\|far-[a-z]'
}

# fault_mail USER LARGE: little mail, but a large message that waits for that
# user, and so many to be sent, so that a fault in the middle hits these and no
# other: that nothing is doubled is promised of no SMTP client that loses the
# line between the end of a message and its answer.
fault_mail() {
	corpus "$G/in" 20 $BIG_FAULT
	RELAYD_SEED=2 corpus "$G/out" 20 $BIG_FAULT
	_big=$1 LARGE=$2
	set -- 1 3 4 6 7 8 9 10 11 13
	for _u in $USERS; do
		wait_upstream "$G/in/$(nth "$1")" $_u
		shift
	done
	wait_upstream "$G/in/$(nth 20)" "$_big"
	[ $LARGE -eq 0 ] && _list="1 3 6 8" || _list="1 3 6 8 20"
	for _i in $_list; do
		send_later "$G/out/$(nth $_i)" bob
	done >"$G/submit.curl"
	read_later >"$G/read.curl"
	DIAL_WHEN=1000
	guest_init
}

# Without control lines only PPP itself tells that the carrier is gone.
case_carrier() {
	case_begin carrier
	PPP_OPTIONS='"lcp-echo-interval" "3" "lcp-echo-failure" "3"'
	MIDDLE=$((RANGE + 15000))
	# That user's is the first session.
	_users=$USERS
	USERS="frank $(echo $USERS | sed 's/ frank//')"
	fault_mail frank 1
	USERS=$_users
	PPP_OPTIONS=
	modem_line connect
	guest_run 360 || return 1
	is "carrier: two calls in the modem's record" "$(records)" 2
	is "carrier: the first loses the carrier" "$(record 1 by)" carrier
	is "carrier: two calls in the ledger" "$(ledgers)" 2
	check "carrier: the first did not end well" \
	    test "$(ledger 1 result)" != ok
	note "carrier: ... $(ledger 1 result): $(ledger 1 reason)"
	good_call 2
	_in=$(value bytes_in "$(grep 'name=frank@imaps event=done' \
	    "$G/relayd.log" | tail -n 1)")
	check "carrier: the large message by IMAP continues where it stopped" \
	    test "$_in" -lt $((BIG_FAULT - RANGE / 2))
	mail_there
	hasnt "carrier: no process died" "$G/relayd.log" \
	    'died\|exited, status'
}

# killed_ms: from the kill to the end of the call, in milliseconds.  The
# record has the clock since the start of the machine.
killed_ms() {
	read -r _up _rest </proc/uptime
	_boot=$(($(date +%s%3N) - ${_up%.*} * 1000 - \
	    $(echo "${_up#*.}" | sed 's/^0//') * 10))
	_at=$(stat -c %.3Y "$G/killed" | tr -d .)
	echo $(($(record 1 hungup) + _boot - _at))
}

case_killed() {
	case_begin killed
	MIDDLE=30000
	# Nothing large to be sent: what then waits in the guest's serial port
	# and in the FIFO can be taken back by nobody, and would be on the
	# line for longer than the time allowed.
	fault_mail alice 0
	modem_line connect
	guest_run 360 || return 1
	_cs=$(cat "$G/pppd-gone")
	note "killed: pppd is gone after $((_cs * 10)) ms"
	check "killed: pppd is gone within 2 s" test "$_cs" -lt 200
	is "killed: no process of the dead relayd is left" \
	    "$(cat "$G/left")" ""
	is "killed: the modem was hung up by +++ and ATH" \
	    "$(record 1 by)" ath
	_ms=$(killed_ms)
	note "killed: the line is down after $_ms ms"
	check "killed: the line is down within 2 s" test "$_ms" -lt 2000
	is "killed: two calls in the modem's record" "$(records)" 2
	is "killed: two calls in the ledger" "$(ledgers)" 2
	is "killed: the first has crashed" "$(ledger 1 result)" crashed
	is "killed: ... and costs its worst case" \
	    "$(ledger 1 cost)" "$(ledger 1 worst_cost)"
	good_call 2
	mail_there
}

[ $# -gt 0 ] || set -- main carrier killed
for c; do
	case $c in
	main|carrier|killed) ;;
	*) die "no such case: $c" ;;
	esac
done
line_tools
ca_make root "DNS:isp.test"
dovecot_start
postfix_start
for c; do
	case_$c
done
finish
