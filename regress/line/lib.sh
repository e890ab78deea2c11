# See LICENSE for the terms.
# What is common to whatever runs in user-mode Linux over the paced modem:
# sourced after regress/system/lib.sh.  $G is the directory of one guest, and
# $CASE the name of what it does.

# missing LIST ...: packages in these files that are not installed.
missing() {
	for _p in $(cat "$@" | sed 's/#.*//'); do
		dpkg-query -W -f='${Status}\n' "$_p" 2>/dev/null |
		    grep -q '^install ok installed' || echo "$_p"
	done
}

# packages LIST ...: Nothing that is installed is started: the tests bring
# settings of their own.
packages() {
	command -v apt-get >/dev/null || return 0
	_list=$(missing "$@")
	[ -n "$_list" ] || return 0
	[ "$(id -u)" -eq 0 ] || die "not installed: $(echo $_list)"
	note "installing" $_list
	_policy=/usr/sbin/policy-rc.d
	if [ -e $_policy ]; then
		_policy=
	else
		printf '#!/bin/sh\nexit 101\n' >$_policy
		chmod 755 $_policy
	fi
	{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install \
	    -y --no-install-recommends -o DPkg::Lock::Timeout=600 \
	    $_list; } >"$T/apt.log" 2>&1
	_status=$?
	[ -z "$_policy" ] || rm -f $_policy
	[ $_status -eq 0 ] || die "apt-get: $(tail -n 3 "$T/apt.log")"
}

# line_tools [LIST ...]: packages beyond those of this directory
line_tools() {
	packages "$TOP/regress/packages" "$TOP/regress/line/packages" "$@"
	for _c in linux.uml slirp-fullbolt pppd insmod ip jq; do
		command -v $_c >/dev/null || die "not installed: $_c"
	done
	tools
	programs
	"${CC:-cc}" -O -Wall -o "$T/bin/uml" "$TOP/regress/line/uml.c" \
	    -lseccomp || die "cannot compile uml"
}

# modem_line ACTION: the emulator, on two FIFOs.  RATE and LATENCY may be set;
# what ran before is stopped, and the guest does not notice.
modem_line() {
	cat >"$G/modem.script" <<END
rate ${RATE:-33600}
latency ${LATENCY:-60}
exec slirp-fullbolt -P "asyncmap 0"
number $PHONE $1
END
	[ -z "${MODEM:-}" ] || stop "$MODEM"
	[ -p "$G/from" ] || mkfifo "$G/from" "$G/to"
	(cd "$G" && exec "$TOP/regress/modem/modem" -d -f modem.script \
	    -i to -o from -r record -t timeline) 2>>"$G/modem.log" &
	MODEM=$!
	PIDS="$PIDS $MODEM"
	: >>"$G/record"
}

# Processes whose directory is the guest's: its kernel has one for each of
# its own.
guest_processes() {
	for _p in /proc/[0-9]*; do
		[ "$(readlink "$_p/cwd" 2>/dev/null)" = "$G" ] &&
		    [ "${_p#/proc/}" != "$MODEM" ] && echo "${_p#/proc/}"
	done
}
# The end of it.  guest_asks may be defined anew: what it asks for on the way.
guest_asks() { :; }
guest_ended() {
	guest_asks
	[ -e "$G/end" ] || gone "$GUEST"
}

# No AVX in there, since the guest's kernel does not save its registers (see
# uml.c): what it does not know, it hands to init as the environment.
NO_AVX="GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,\
-AVX512BW,-AVX_Fast_Unaligned_Load OPENSSL_ia32cap=~0x1000000000000000:0"

# guest_run SECONDS: boots it, and waits until it has done its case.
guest_run() {
	(cd "$G" && exec timeout -s KILL "$1" uml linux.uml mem=256M \
	    root=/dev/root rootfstype=hostfs rw init="$G/init" \
	    con0=fd:0,fd:1 con=null ssl0=fd:3,fd:4 random.trust_cpu=1 \
	    umid=guest uml_dir="$G/" quiet $NO_AVX) \
	    </dev/null >"$G/uml.log" 2>&1 3<>"$G/from" 4<>"$G/to" &
	GUEST=$!
	PIDS="$PIDS $GUEST"
	# Not by wait_until, which what the guest asks for may need itself.
	_guest_end=$(($(now_ms) + $1 * 1000))
	until guest_ended || [ "$(now_ms)" -ge $_guest_end ]; do
		sleep 0.05
	done
	wait_until 10 gone $GUEST
	for _p in $(guest_processes); do kill -9 "$_p" 2>/dev/null; done
	wait $GUEST 2>/dev/null
	stop $MODEM
	MODEM=
	if [ ! -e "$G/end" ] || [ -e "$G/failed" ]; then
		not_ok "$CASE: the guest comes to its end" \
		    "$(cat "$G/failed" 2>/dev/null)"
		for _f in uml.log relayd.log modem.log; do
			echo "# --- $CASE/$_f"
			tail -n 40 "$G/$_f" 2>/dev/null | sed 's/^/# /'
		done
		return 1
	fi
}

# record N KEY: of the emulator's Nth call
record() { value "$2" "$(sed -n "${1}p" "$G/record")"; }
records() { grep -c '^call ' "$G/record"; }
