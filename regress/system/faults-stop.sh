#!/bin/sh
# See LICENSE for the terms.
# L1 with processes that hang: SIGSTOP of each in a window, and of those that
# would see the other's fault together.  The line is down within the window's
# maximum and 30 s by the modem's record, whoever is left to see to it.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

tools
ca_make root "IP:127.0.0.1,DNS:localhost"
port MUTE
socat TCP-LISTEN:$P_MUTE,bind=127.0.0.1,fork,reuseaddr EXEC:'sleep 600' &
PIDS="$PIDS $!"
must_wait 5 listening $P_MUTE
# A window that would stay, for its far side says nothing.
FETCH_IMAPS=imaps://127.0.0.1:$P_MUTE SITE_USERS=frank WINDOW=4s
# Nothing else is asked for, so that all of them may have the same ports.
for f in SUBMISSION SUBMISSIONS OLDSMTP IMAP IMAPS POP3 POP3S; do
	eval "P_L_$f=$P_MUTE"
done
LIMIT=34000

# A pppd that says what a real one says; seen by that relayd alone.
PPPD=$(sed -n 's/^#define PATH_PPPD.*"\(.*\)"/\1/p' "$TOP/config.h")
cat >"$T/fake-pppd" <<'END'
#!/bin/sh
echo "local  IP address 10.64.64.64"
echo "remote IP address 10.112.112.112"
exec sleep 600
END
chmod 755 "$T/fake-pppd"
site_start_pppd() {
	site_write
	sed -i 's/^	no ppp/	ppp user "a" password "b"/' "$T/$SITE/relayd.conf"
	unshare -m sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' \
	    sh "$T/fake-pppd" "$PPPD" "$TOP/parent/relayd" -d \
	    -f "$T/$SITE/relayd.conf" -x "$T/libexec" \
	    2>>"$T/$SITE/relayd.log" &
	RELAYD=$!
	PIDS="$PIDS $RELAYD"
	must_wait 30 site_ready
}
victims() {
	case $1 in
	parent) echo $RELAYD ;;
	both) echo $RELAYD $(site_pid dialerd) ;;
	pppd) cat /proc/$(site_pid keeper)/task/*/children ;;
	pair) echo $(site_pid dialerd) $(site_pid keeper) ;;
	*) site_pid $1 ;;
	esac
}
begin() {	# NAME
	SITE=$1
	programs
	port SMTP SUB SUBP SUBS POP POPS
	modem_start
	case $1 in
	pppd) site_start_pppd ;;
	*) site_start ;;
	esac
	ctl dial >/dev/null
	must_wait 20 line_is window
	_v=$(victims $1)
	[ -n "$_v" ] || die "no process $1"
	kill -STOP $_v
	eval "relayd_$1=$RELAYD modem_$1=$MODEM victims_$1=\"$_v\""
}
hung_up() { [ "$(modem_calls)" -ge 1 ]; }
end() {		# NAME
	SITE=$1
	eval "RELAYD=\$relayd_$1 MODEM=\$modem_$1 _v=\$victims_$1"
	if wait_until 60 hung_up; then
		_ms=$(value online_ms "$(modem_call 1)")
		check "$1 stopped: the line is down within the limit" \
		    test $_ms -le $LIMIT
		note "$1: after $_ms ms, by $(value by "$(modem_call 1)")"
	else
		not_ok "$1 stopped: the line is down" "not at all"
	fi
}
# pppd has the device, and does not see that it is gone.
unplugged() {
	must_wait 20 line_is idle
	ctl dial >/dev/null
	must_wait 20 line_is window
	stop $MODEM
	rm -f "$T/$SITE/modem"
	check "a device that vanishes under pppd ends the call" \
	    wait_until 8 has_closed 3
	is "... as lost" "$(call_field 3 result)" lost
	is "... with its device" "$(call_field 3 reason)" "device lost"
}
# Its listeners are not those that the last site has set.
is_up() { [ "$(summary '[.spoold, .fetchd] | all')" = true ]; }
again() {	# NAME: it goes on by itself, or once it is let go on
	SITE=$1
	eval "RELAYD=\$relayd_$1 MODEM=\$modem_$1 _v=\$victims_$1"
	# Of the parent nobody can take care, and nobody does of those whose
	# work can wait.
	case $1 in parent|both|spoold|fetchd) kill -CONT $_v ;; esac
	must_wait 60 has_closed 1
	note "$1: $(call_field 1 result), $(call_field 1 reason)"
	must_wait 40 is_up
	window
	is "$1 stopped: the next window goes well" \
	    "$(call_field $CALL result)" maximum
	kill -CONT $_v 2>/dev/null
	[ $1 != pppd ] || unplugged
	site_stop
	modem_stop
}

all="dialerd parent keeper both pair spoold fetchd"
if [ -x "$PPPD" ] && unshare -m mount --bind "$T/fake-pppd" "$PPPD" 2>/dev/null
then
	all="$all pppd"
else
	note "no mount name space of its own: without pppd"
fi
for v in $all; do begin $v; done
for v in $all; do end $v; done
for v in $all; do again $v; done
finish
