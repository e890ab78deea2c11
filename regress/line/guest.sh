# See LICENSE for the terms.
# The first process of the guest: sourced by a script that has set G, its
# directory, TOP, the source tree, LIBEXEC, CASE, and for a fault SMALL and
# LARGE, the numbers of messages to be sent before and after it, and MIDDLE, the
# bytes fetched before it.  The root directory is
# the host's own: what is mounted here is seen here only, and nothing but G
# is written to.  The host judges what is left there; see run.sh.
#
# A fork and exec costs some 40 times what it does on the host, so loops
# use what the shell has, and curl makes many transfers in one go.
PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
SOCKET=/run/relayd/ctl

# The host looks for the file, and kills what does not go by itself.
finish() {
	echo "guest: $*"
	[ "$*" = done ] || echo "$*" >"$G/failed"
	cp "$SPOOL/state/ledger" "$G/ledger" 2>/dev/null
	sync
	: >"$G/end"
	sleep 1
	echo o >/proc/sysrq-trigger
	sleep 60
}

now_cs() {
	read -r _up _idle </proc/uptime
	CS=${_up%.*}${_up#*.}
}

# await SECONDS COMMAND ...: until it succeeds.
await() {
	now_cs
	_end=$((CS + $1 * 100)); shift
	until "$@"; do
		sleep 0.5
		now_cs
		[ "$CS" -lt $_end ] || finish "waited in vain for: $*"
	done
}

ctl() { "$TOP/relayctl/relayctl" -s $SOCKET "$@"; }

setup() {
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mount -t tmpfs tmp /run
	case $(cat /proc/mounts) in
	*' /dev devtmpfs '*) ;;
	*) mount -t devtmpfs dev /dev ;;
	esac
	mkdir -p /run/lock /run/relayd /dev/pts /dev/shm
	# Nobody else makes these: pppd is told to read one.
	ln -sf /proc/self/fd /dev/fd
	ln -sf /proc/self/fd/0 /dev/stdin
	mount -t devpts devpts /dev/pts
	mount -t tmpfs tmp /dev/shm
	# Programs that the host has hung there are not for us.
	for _d in /etc/ppp/ip-up.d /etc/ppp/ip-down.d; do
		[ -d $_d ] && mount -t tmpfs tmp $_d
	done
	mount --bind "$G/hosts" /etc/hosts
	ip link set lo up
	for _m in slhc crc-ccitt ppp_generic ppp_async; do
		insmod "$(find /usr/lib/uml/modules/*/kernel -name $_m.ko)"
	done
	[ -e /dev/ppp ] || mknod /dev/ppp c 108 0
	SPOOL=/run/relayd/spool
}

daemon_ready() {
	case $(ctl -j show summary 2>/dev/null) in
	*'"spoold":true,"fetchd":true'*) ;;
	*) return 1 ;;
	esac
	# The mailboxes are served once the configuration is there.
	curl -s -o /dev/null --max-time 5 pop3://alice:lan-alice@127.0.0.1
}

daemon_start() {
	"$TOP/parent/relayd" -d -v -f "$G/relayd.conf" -x "$LIBEXEC" \
	    2>>"$G/relayd.log" &
	RELAYD=$!
	await 60 daemon_ready
}

# calls_closed N: at least so many calls are over, and the line idle.
calls_closed() {
	_n=0
	_c=$(ctl -j show calls 0)
	while :; do
		case $_c in
		*'"closed":'[0-9]*) _n=$((_n + 1)) ;;
		*) break ;;
		esac
		_c=${_c#*'"closed":'[0-9]}
	done
	[ $_n -ge "$1" ] || return 1
	case $(ctl -j show summary) in
	*'"state":"idle"'*) return 0 ;;
	esac
	return 1
}

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

# processes NAME: those of that name that are not dead yet, in PIDS.
processes() {
	PIDS=
	for _p in /proc/[0-9]*; do
		{ read -r _id _comm _st _rest <"$_p/stat"; } 2>/dev/null ||
		    continue
		[ "$_comm" = "($1)" ] && [ "$_st" != Z ] || continue
		PIDS="$PIDS ${_p#/proc/}"
	done
	[ -n "$PIDS" ]
}
no_processes() { ! processes "$1"; }

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
