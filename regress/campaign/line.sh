#!/bin/sh
# See LICENSE for the terms.
# Windows with a fault at a random moment in each: a process killed or
# stopped, pppd killed, all of them killed at once, the carrier lost, a number
# that does not answer, a modem that says nothing, a spool that is full.
# After each the line must be down in time, by the modem's own record; the
# ledger must have charged the call; and the next window must carry
# what is left.
#
# From the environment: WINDOWS, how many; SEED, which must give the same
# faults again; FAULTS, the kinds of fault to choose from.  The last line is
#	campaign-line: N windows, N faults, N left open, N lost, N doubled,
#	    worst S s
# (on one line).  A message can be doubled where a fault falls between its
# acceptance upstream and the reply to that (RFC 1047).
: "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$TOP/regress/system/lib.sh"

: "${WINDOWS:=300}" "${SEED:=1}"
: "${FAULTS:=kill-parent kill-spoold kill-dialerd kill-fetchd kill-keeper
    kill-pppd kill-all carrier silence mute full
    stop-parent stop-spoold stop-dialerd stop-fetchd stop-keeper stop-pppd}"
# L1: the window's maximum, and what the parent gives beyond it.
WINDOW_MAX=5 GRACE=30
# A stopped process holds up a window to its end, so these are fewer.
: "${STOP_SHARE:=15}"	# of 100

# pppd's part: its words, its hold on the device, its deaths.  There may be
# no kernel here that it could work with; regress/line has the real one.
stand_in() {
	mkdir -p "$T/bin"
	cat >"$T/bin/pppd" <<'END'
#!/bin/sh
exec 9<>"$1"
cat >/dev/null
echo "local  IP address 10.0.2.15"
echo "remote IP address 10.0.2.2"
exec sleep 100000
END
	chmod 755 "$T/bin/pppd"
}
# The parent knows its pppd from when it was built.
build_parent() {
	mkdir "$T/tree"
	(cd "$TOP" && tar cf - --exclude=.git --exclude='*.o' --exclude='*.a' \
	    --exclude=./parent/relayd .) | tar xf - -C "$T/tree" || die "tar"
	(cd "$T/tree" && ./configure PPPD=$T/bin/pppd && make -j2 parent/relayd) \
	    >"$T/build.log" 2>&1 || die "$(tail -n 3 "$T/build.log")"
	PARENT=$T/tree/parent/relayd
}

# dice: one line a window: the fault, its moment in ms, and whether a large
# message goes out.
dice() {
	echo $FAULTS | awk -v seed=$SEED -v n=$WINDOWS -v share=$STOP_SHARE '
	BEGIN { srand(seed) }
	{
		for (i = 1; i <= NF; i++)
			if ($i ~ /^stop-/) stop[ns++] = $i
			else other[no++] = $i
		while (n-- > 0) {
			if (no == 0 || (ns > 0 && rand() * 100 < share))
				f = stop[int(rand() * ns)]
			else
				f = other[int(rand() * no)]
			print f, int(rand() * 3000), int(rand() * 3)
		}
	}'
}

site_conf_campaign() {
	LINE_EXTRA=${STALL:+stall $STALL}
	WINDOW=${WINDOW_MAX}s
	site_conf | sed 's/^	no ppp$/	ppp/'
}
write_conf() {
	(umask 077; site_conf_campaign >"$T/site/relayd.conf"
	[ -f "$T/site/users" ] || lan_passwd >"$T/site/users")
}
start_relayd() {
	"$PARENT" -d -f "$T/site/relayd.conf" -x "$T/libexec" \
	    2>>"$T/site/relayd.log" &
	RELAYD=$!
	PIDS="$PIDS $RELAYD"
	must_wait 60 site_ready
}
pid_of() {
	case $1 in
	parent) echo "$RELAYD" ;;
	pppd)	_k=$(site_pid keeper)
		[ -z "$_k" ] || cat "/proc/$_k/task/$_k/children" 2>/dev/null ;;
	*)	site_pid "$1" ;;
	esac
}
ms_sleep() { sleep "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))"; }

# Whether the modem is online: calls that connected and are not on record.
connects() { grep -c '^modem: CONNECT' "$T/site/modem.log"; }
ended() { grep -c ' result=connect' "$T/site/record"; }
online() { [ "$(connects)" -gt "$(ended)" ]; }
offline() { ! online; }

mail() {	# LARGE
	batch_begin
	if [ "$1" -eq 0 ]; then
		batch_out 3 40000
	else
		batch_out 3
	fi
	batch_in 1 alice dave frank ivan
}

# fault KIND: what happens; sets SECONDS_MAX, in which the line must be down.
fault() {
	LIMIT=2000
	case $1 in
	kill-all)
		_tree="$RELAYD $(cat /proc/$RELAYD/task/$RELAYD/children)"
		kill -STOP $_tree 2>/dev/null
		kill -9 $_tree 2>/dev/null
		wait $RELAYD 2>/dev/null
		# Nobody is left to hang up but the next start.
		start_relayd ;;
	kill-*)
		_pid=$(pid_of "${1#kill-}")
		[ -z "$_pid" ] || kill -9 $_pid 2>/dev/null ;;
	stop-*)
		STOPPED=$(pid_of "${1#stop-}")
		[ -z "$STOPPED" ] || kill -STOP $STOPPED 2>/dev/null
		# To the window's end, its farewell, and the parent's grace.
		LIMIT=$(((WINDOW_MAX + GRACE + 5) * 1000)) ;;
	carrier)
		kill -USR1 $MODEM ;;
	full)
		dd if=/dev/zero of="$SPOOL/full" bs=64k 2>/dev/null
		LIMIT=$(((WINDOW_MAX + 20) * 1000)) ;;
	silence|mute)
		LIMIT=$(((WINDOW_MAX + 20) * 1000)) ;;
	esac
}
unfault() {
	[ -z "${STOPPED:-}" ] || kill -CONT $STOPPED 2>/dev/null
	STOPPED=
	rm -f "$SPOOL/full"
	if ! mine $RELAYD; then
		wait $RELAYD 2>/dev/null
		start_relayd
	fi
	case $1 in
	silence|mute) new_modem ;;
	esac
	must_wait 60 site_ready
}
# new_modem [STATEMENT ...]: another one on the same port
new_modem() {
	must_wait 60 line_is idle
	must_wait 60 no_keeper
	modem_stop
	modem_start "$@"
}

# one KIND MOMENT LARGE
one() {
	mail "$3"
	case $1 in
	silence) new_modem "number $PHONE silence" ;;
	mute)	new_modem mute ;;
	esac
	must_wait 60 line_is idle
	must_wait 60 no_keeper
	ctl dial >/dev/null || die "no dial: $(ctl show | tail -n 5)"
	ms_sleep "$2"
	_was=$(now_ms)
	fault "$1"
	[ "$1" = kill-all ] || _was=$(now_ms)
	if ! wait_until $((LIMIT / 1000 + 10)) offline; then
		LEFT_OPEN=$((LEFT_OPEN + 1))
		note "$n $1: the line is still up after $((LIMIT / 1000 + 10)) s"
	fi
	judge "$1"
	unfault "$1"
}
# How long the line stayed up after the fault.
judge() {
	_hung=$(value hungup "$(grep ' result=connect' "$T/site/record" |
	    tail -n 1)")
	_took=$((${_hung:-0} - _was))
	[ $_took -gt 0 ] || _took=0
	case $1 in
	kill-*|carrier)
		[ $_took -le $WORST ] || WORST=$_took WORST_OF="$n $1" ;;
	*)	[ $_took -le $SLOWEST ] || SLOWEST=$_took SLOWEST_OF="$n $1" ;;
	esac
	if [ $_took -gt $LIMIT ]; then
		LEFT_OPEN=$((LEFT_OPEN + 1))
		note "$n $1: the line was up for $_took ms more"
	fi
}

can_dial() {
	case $(summary .next_why) in *"a crash left open"*) return 1 ;; esac
}
# The window after it, in which all that is left goes; what upstream defers
# or a session that broke may take one more.
good_window() {
	_tries=0
	while :; do
		# One that a crash left open is put down first.
		must_wait 60 can_dial
		window 60
		WINDOWS_MADE=$((WINDOWS_MADE + 1))
		[ "$(call_field $CALL result)" = ok ] &&
		    [ "$(summary .queue_messages)" = 0 ] &&
		    [ "$(upstream_count_all)" = 0 ] && return
		_tries=$((_tries + 1))
		[ $_tries -lt 3 ] || break
	done
	note "$n $1: the window after it: $(call_field $CALL result)," \
	    "$(call_field $CALL reason)"
	BAD_NEXT=$((BAD_NEXT + 1))
}
# Every call that the modem saw is in the ledger, over, and paid for.
charged() {
	_open=$(ctl_json show calls 0 | jq -c '.[] | select(.closed == null or
	    (.dialled != null and .connected != null and .cost == 0))')
	[ -z "$_open" ] && return
	note "$n $1: open or not paid for: $_open"
	UNPAID=$((UNPAID + 1))
}

lost_and_doubled() {
	wait_until 30 sink_has "$(wc -l <"$T/want.out")"
	sort "$T/want.out" >"$T/want.o"
	sink_sums | sort >"$T/got.o"
	sort "$T/want.in" >"$T/want.i"
	mail_sums | sort >"$T/got.i"
	LOST=$(($(comm -23 "$T/want.o" "$T/got.o" | wc -l) +
	    $(comm -23 "$T/want.i" "$T/got.i" | wc -l)))
	OUT_TWICE=$(comm -13 "$T/want.o" "$T/got.o" | wc -l)
	IN_TWICE=$(comm -13 "$T/want.i" "$T/got.i" | wc -l)
	note "doubled: $OUT_TWICE sent, $IN_TWICE fetched"
}

stand_in
provider_start
site_ports
build_parent
SPOOL=$T/spool-disk
mkdir "$SPOOL"
mount -t tmpfs -o size=180m,mode=755 relayd-test "$SPOOL" ||
    die "no tmpfs can be mounted here"
MODEM_RATE=300000
modem_start
write_conf
start_relayd
LEFT_OPEN=0 WORST=0 SLOWEST=0 WORST_OF=- SLOWEST_OF=- BAD_NEXT=0 UNPAID=0
WINDOWS_MADE=0 n=0
dice >"$T/dice"
while read -r kind moment large <&3; do
	n=$((n + 1))
	one "$kind" "$moment" "$large"
	good_window "$kind"
	charged "$kind"
	[ $((n % 10)) -ne 0 ] || note "$n of $WINDOWS; worst $WORST ms" \
	    "($WORST_OF), slowest $SLOWEST ms ($SLOWEST_OF)"
done 3<"$T/dice"
lost_and_doubled
is "no line was left open" $LEFT_OPEN 0
is "every window after a fault went well" $BAD_NEXT 0
is "every call is in the ledger, and paid for" $UNPAID 0
is "nothing was lost" $LOST 0
is "nothing was fetched twice" $IN_TWICE 0
note "stopped, silent or full: the line was down after $SLOWEST ms at the" \
    "latest ($SLOWEST_OF)"
cleanup
echo "campaign-line: $((n + WINDOWS_MADE)) windows, $n faults," \
    "$LEFT_OPEN left open, $LOST lost, $((OUT_TWICE + IN_TWICE)) doubled," \
    "worst $((WORST / 1000)).$(printf %03d $((WORST % 1000))) s"
[ $FAILED -eq 0 ]
