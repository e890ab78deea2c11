#!/bin/sh
# See LICENSE for the terms.
# A spool that is full, of bytes or of inodes: 452 for the LAN, mail stays
# upstream, nothing is half there, and all goes on when there is room again.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

provider_start
site_ports
SPOOL=$T/small
mkdir "$SPOOL"
mount -t tmpfs -o size=5m,nr_inodes=400,mode=755 relayd-test "$SPOOL" || {
	echo "# no tmpfs can be mounted here"
	finish
}
modem_start
site_start

# say_reply FILE RECIPIENT: the last reply to a message, as its code
send_code() {
	timeout 30 swaks --server 127.0.0.1 --port $P_SMTP \
	    -f alice@ship.test -t "$2" --data "@$1" >"$T/swaks.log" 2>&1 &&
	    { echo 250; return; }
	sed -n 's/^<\*\* *\([0-9][0-9][0-9]\) .*/\1/p' "$T/swaks.log" |
	    tail -n 1
}
# Each one sent is expected, with swaks' empty line at its end.
send_until_full() {	# BYTES
	accepted=0 code=250
	while [ $accepted -lt 100 ]; do
		big_file "$MAIL/m.eml" "$1"
		code=$(send_code "$MAIL/m.eml" "f$accepted@far.test")
		[ "$code" = 250 ] || break
		accepted=$((accepted + 1))
		{ to_lf <"$MAIL/m.eml"; echo; } | sha256sum |
		    cut -d ' ' -f 1 >>"$T/want.out"
	done
}
# What is in the site's mailboxes and upstream is all that there was.
all_somewhere() {	# NAME
	is "$1: what is not here is still upstream" \
	    "$(($(mail_sums | wc -l) + $(upstream_count_all)))" \
	    "$(wc -l <"$T/want.in")"
	is "... and what is here is whole" "$(mail_sums | sort >"$T/got"
	    sort "$T/want.in" | comm -13 - "$T/got" | wc -l)" 0
}

out_of_space() {
	batch_begin
	send_until_full 300000
	check "messages are taken while there is room" test $accepted -ge 3
	is "... then refused for now" "$code" 452
	has "... as \"insufficient storage\"" "$T/swaks.log" '452 4.3.1'
	check "... those that were taken wait" wait_until 5 queue_is $accepted
	note "$accepted messages of 300 KB in 5 MB"
	check "... and POP3 still works" curl -sS --max-time 10 \
	    "pop3://127.0.0.1:$P_POP" -u alice:lan-alice
	code=$(send_code "$T/batch.1/m.eml" full@far.test)
	is "... the next is refused, too" "$code" 452

	# Not a byte is left.  L4: no call without its entry in the ledger.
	dd if=/dev/zero of="$SPOOL/ballast" bs=4k >/dev/null 2>&1
	ctl dial >/dev/null
	check "without room for the ledger there is no call" wait_until 5 \
	    grep -q 'call not made: No space' "$T/site/relayd.log"
	is "... not one digit" "$(modem_calls)" 0

	# Room for that, but for no mail, and mail waits upstream.
	dd if=/dev/null of="$SPOOL/ballast" bs=4k \
	    seek=$(($(stat -c %s "$SPOOL/ballast") / 4096 - 16)) 2>/dev/null
	for u in $USERS; do
		big_file "$MAIL/in.eml" 250000
		put_in $u "$MAIL/in.eml"
	done
	# What was asked for may be under way by itself.
	[ "$(call_count)" -gt 0 ] || ctl dial >/dev/null
	CALL=1
	check "with room for it there is one" wait_until 30 has_closed 1
	must_wait 10 line_is idle
	note "$(call_field $CALL '|"\(.result), \(.sent) sent, \(.fetched)
	    fetched, \(.failed) failed"' | tr '\n\t' '  ')"
	all_somewhere "a full spool"
	check "... relayd goes on" site_ready
	rm "$SPOOL/ballast"
	mount -o remount,size=40m "$SPOOL"
	window
	is "with room again the next window does all" \
	    "$(call_field $CALL result) $(summary .queue_messages)" "ok 0"
	verify "a full spool"
	is "nothing stays upstream" "$(upstream_count_all)" 0
	code=$(send_code "$T/batch.1/m.eml" again@far.test)
	is "mail is taken again" "$code" 250
	{ to_lf <"$T/batch.1/m.eml"; echo; } | sha256sum |
	    cut -d ' ' -f 1 >>"$T/want.out"
	window
	verify "after a full spool"
}

out_of_inodes() {
	batch_begin
	n=0
	while true >"$SPOOL/ballast.$n"; do n=$((n + 1)); done \
	    2>/dev/null
	check "the spool has no inode left" test $n -gt 50
	batch_in 2
	window
	all_somewhere "no inode"
	check "... relayd goes on" site_ready
	big_file "$MAIL/m.eml" 300000
	is "a message that needs a file is refused for now" \
	    "$(send_code "$MAIL/m.eml" inode@far.test)" 452
	rm -f "$SPOOL"/ballast.*
	window
	is "with inodes again the next window does all" \
	    "$(call_field $CALL result)" ok
	verify "no inode"
	is "nothing stays upstream" "$(upstream_count_all)" 0
}

out_of_space
out_of_inodes
hasnt "no process died" "$T/site/relayd.log" 'died\|exited, status'
site_stop
# What is there is there for the next one, too.
rm -f "$T/site/relayd.conf"
site_start
is "after a restart the queue is empty" "$(summary .queue_messages)" 0
window
verify "after a restart"
site_stop
finish
