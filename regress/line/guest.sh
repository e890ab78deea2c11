# See LICENSE for the terms.
# The first process of the guest: sourced by a script that has set, besides
# what guest.inc needs, CASE, and for a fault SMALL and LARGE, the numbers of
# messages to be sent before and after it, and MIDDLE, the bytes fetched before
# it.  See run.sh.
. "$TOP/regress/line/guest.inc"

# middle BYTES: so many have come in, in a window that is still open; all that
# is small has been sent, and not yet what is large.
middle() {
	_s=$(ctl -j show summary)
	case $_s in
	'{"state":"window"'*) ;;
	*) return 1 ;;
	esac
	_sent=${_s#*'"sent":'}
	_in=${_s#*'"bytes_in":'}
	_todo=${_s#*'"todo_out":'}
	[ "${_sent%%,*}" -eq $SMALL ] && [ "${_in%%,*}" -ge "$1" ] &&
	    [ "${_todo%%,*}" -eq $LARGE ]
}

submit() {
	curl -sS --fail-early -K "$G/submit.curl" || finish "curl: smtp: $?"
}
# Whatever is not there is missed by the host.
collect() {
	curl -sS -K "$G/read.curl"
	ctl -j show calls 0 >"$G/calls.json"
	ctl -j show queue >"$G/queue.json"
	ctl show users
	ctl show
}

# The parent is killed, and with it goes all that it began.
kill_parent() {
	await 90 middle "$MIDDLE"
	processes pppd || finish "no pppd in a window"
	# Its inode is made on the host, at once: what the clock says there.
	: >"$G/killed"
	kill -9 $RELAYD
	now_cs
	_t0=$CS
	while processes pppd && [ $((CS - _t0)) -lt 1000 ]; do
		now_cs
	done
	echo $((CS - _t0)) >"$G/pppd-gone"
	while [ $((CS - _t0)) -lt 300 ]; do
		now_cs
	done
	for _c in pppd relayd spoold dialerd fetchd; do
		no_processes $_c || echo "$_c$PIDS"
	done >"$G/left"
}

setup
daemon_start
submit
case $CASE in
main)
	await 300 calls_closed 1
	# Nobody has a reason to dial again.
	sleep 5
	;;
carrier)
	ctl dial
	await 90 middle "$MIDDLE"
	# The host sees this at once, and has the emulator drop the carrier.
	: >"$G/drop"
	await 300 calls_closed 2
	;;
killed)
	ctl dial
	kill_parent
	daemon_start
	# That call's line is put down first.
	await 60 calls_closed 1
	ctl dial
	await 300 calls_closed 2
	;;
esac
collect
kill -TERM $RELAYD
await 30 no_processes spoold
finish done
