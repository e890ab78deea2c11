# See LICENSE for the terms.
# The first process of the guest: sourced by a script that has set, besides
# what line/guest.inc needs, PEER, USERS, CAPTURE where the packets are to be
# kept, and TUNE, a command to begin with.  Three calls, each when the host has
# said that line and mail are there; see run.sh.
. "$TOP/regress/line/guest.inc"

CALL_MAX=1500		# seconds
Q=/run/postfix/queue

# What relayd does: one program for both directions, and the line is its own.

relayd_begin() { daemon_start; }
relayd_submit() {
	curl -sS --fail-early -K "$G/curl.$1" || finish "curl: smtp: $?"
}
relayd_call() {
	ctl dial
	await $CALL_MAX calls_closed "$1"
}
relayd_end() {
	ctl -j show calls 0 >"$G/calls.json"
	ctl -j show queue >"$G/queue.json"
	kill -TERM $RELAYD
	await 30 no_processes spoold
	for _u in $USERS; do
		cp -r "$SPOOL/mail/$_u" "$G/got/$_u"
	done
	SPOOL=/run/relayd/spool
}

# The others: pppd dials, two programs work side by side, and when both are
# done pppd hangs up.

link_is_up() {
	while read -r _if _to _rest; do
		[ "$_if $_to" = "ppp0 00000000" ] && return 0
	done </proc/net/route
	return 1
}
soon() {
	now_cs
	_end=$((CS + $1 * 100)); shift
	until "$@"; do
		sleep 0.1
		now_cs
		[ "$CS" -lt $_end ] || finish "waited in vain for: $*"
	done
}
peer_call() {
	pppd file "$G/ppp" logfile "$G/pppd.log" >>"$G/pppd.out" 2>&1 &
	_pppd=$!
	soon 120 link_is_up
	"${1}_send" "$2" &
	_send=$!
	"${1}_fetch" "$2"
	wait $_send || finish "$1: sending failed"
	kill -TERM $_pppd
	wait $_pppd
}
copy_mail() {
	for _u in $USERS; do
		[ ! -d "/run/mail/$_u" ] || cp -r "/run/mail/$_u" "$G/got/$_u"
	done
}

postfix_up() { [ -S $Q/public/showq ] && [ -S $Q/private/smtp ]; }
postfix_begin() {
	hostname mail.ship.test
	mkdir -p $Q /run/postfix/data /run/postfix/bin /run/mail
	# As a program that changes its group it would not be told to leave
	# AVX alone (see line/lib.sh).
	cp /usr/sbin/postqueue /run/postfix/bin
	chmod 755 /run/postfix/bin/postqueue

	for _s in active bounce corrupt defer deferred flush hold incoming \
	    private saved trace; do
		mkdir $Q/$_s
	done
	mkdir $Q/public $Q/maildrop $Q/pid
	chown postfix $Q/active $Q/bounce $Q/corrupt $Q/defer $Q/deferred \
	    $Q/flush $Q/hold $Q/incoming $Q/private $Q/saved $Q/trace \
	    /run/postfix/data
	chown postfix:postdrop $Q/public $Q/maildrop
	chmod 710 $Q/public
	chmod 1730 $Q/maildrop
	chown nobody /run/mail
	/usr/lib/postfix/sbin/master -c "$G/postfix" -d \
	    >"$G/postfix.out" 2>&1 &
	MASTER=$!
	await 60 postfix_up
}
postfix_submit() {
	curl -sS --fail-early -K "$G/curl.$1" || finish "curl: smtp: $?"
	# All of it waits for the line.
	await 60 postfix_waits
}
postfix_waits() {
	for _f in $Q/maildrop/* $Q/incoming/* $Q/active/*; do
		[ ! -e "$_f" ] || return 1
	done
}
postfix_empty() {
	for _f in $Q/maildrop/* $Q/incoming/* $Q/active/* $Q/deferred/*/*; do
		[ ! -f "$_f" ] || return 1
	done
}
postfix_flush() { /run/postfix/bin/postqueue -c "$G/postfix" -f; }
# What did not go is tried again as soon as nothing is under way.
postfix_sent() {
	postfix_empty && return 0
	postfix_waits && postfix_flush
	return 1
}
postfix_send() {
	postfix_flush
	sleep 1
	soon $CALL_MAX postfix_sent
}
postfix_end() {

	kill -TERM $MASTER
	copy_mail
}

fetchmail_begin() { postfix_begin; }
fetchmail_submit() { postfix_submit "$1"; }
fetchmail_send() { postfix_send; }
fetchmail_fetch() {
	FETCHMAILHOME=/run/fetchmail fetchmail -f "$G/fetchmailrc" \
	    --nosyslog >>"$G/fetchmail.log" 2>&1
	case $? in
	0|1) ;;			# 1: no mail
	*) finish "fetchmail failed" ;;
	esac
}
fetchmail_call() { peer_call fetchmail "$1"; }
fetchmail_end() { postfix_end; }

mbsync_begin() {
	postfix_begin
	for _u in $USERS; do
		mkdir -p "/run/mail/$_u/cur" "/run/mail/$_u/new" \
		    "/run/mail/$_u/tmp"
	done
}
mbsync_submit() { postfix_submit "$1"; }
mbsync_send() { postfix_send; }
mbsync_fetch() {
	HOME=/run mbsync -c "$G/mbsyncrc" -a -q >>"$G/mbsync.log" 2>&1 ||
	    finish "mbsync failed"
}
mbsync_call() { peer_call mbsync "$1"; }
mbsync_end() { postfix_end; }

mpop_begin() {
	for _u in $USERS; do
		mkdir -p "/run/mail/$_u/cur" "/run/mail/$_u/new" \
		    "/run/mail/$_u/tmp"
	done
}
mpop_submit() { :; }
# As its queue scripts do, one message after the other.
mpop_send() {
	while read -r _from _to _file; do
		msmtp -C "$G/msmtprc" -f "$_from" "$_to" <"$_file" \
		    >>"$G/msmtp.log" 2>&1 || return 1
	done <"$G/out.$1"
}
mpop_fetch() {
	mpop -C "$G/mpoprc" -Q --all-accounts >>"$G/mpop.log" 2>&1 ||
	    finish "mpop failed"
}
mpop_call() { peer_call mpop "$1"; }
mpop_end() { copy_mail; }

go() { [ -e "$G/go.$1" ]; }
capture() {
	[ -n "$CAPTURE" ] || return 0
	tcpdump -i any -p -U -w "$G/packets.pcap" net 10.0.2.0/24 \
	    >/dev/null 2>&1 &
}

setup
mkdir -p /run/fetchmail
eval "$TUNE"
capture
${PEER}_begin
for N in 1 2 3; do
	${PEER}_submit $N
	: >"$G/ready.$N"
	await 60 go $N
	${PEER}_call $N
done
${PEER}_end
finish done
