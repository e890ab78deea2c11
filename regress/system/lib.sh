# See LICENSE for the terms.
# What every system test needs: sourced, not run.
#
# A test has a directory of its own ($T), ports of its own, and processes of
# its own, all of which are gone when it ends, however it ends.  It says "ok
# NAME" or "not ok NAME: why" for each thing it looked at, and its last line
# is "N passed, N failed".
#
# From the environment: TOP, the source tree; KEEP=1 leaves the directory;
# SLOW, how many times longer things may take than they should.
set -u
umask 022
unset CDPATH
: "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}"
LC_ALL=C
export LC_ALL
unset MAILRC POSIXLY_CORRECT http_proxy https_proxy all_proxy ALL_PROXY
unset CURL_HOME XDG_CONFIG_HOME FETCHMAILHOME
# It is noon: no day ends in a test.
TZ=TEST$(($(date -u +%H | sed 's/^0//') - 12))
export TZ

PASSED=0 FAILED=0 PIDS= PORTS=50
T=$(mktemp -d /tmp/relayd-test.XXXXXX) || exit 1
chmod 755 "$T"
HOME=$T
export HOME

ok() { PASSED=$((PASSED + 1)); echo "ok $1"; }
not_ok() {
	FAILED=$((FAILED + 1))
	echo "not ok $1${2:+: $2}"
	NOT_OK=1
}
note() { echo "# $*"; }

# check NAME COMMAND ...: whether it succeeds; what it prints is the reason.
check() {
	_name=$1; shift
	if _out=$("$@" 2>&1); then
		ok "$_name"
	else
		not_ok "$_name" "$(echo "$_out" | tail -n 3 | tr '\n' ' ')"
		return 1
	fi
}
# is NAME WHAT-CAME WHAT-IS-RIGHT
is() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "came \"$2\", not \"$3\""
		return 1
	fi
}
# has NAME FILE REGEX
has() {
	if grep -q -e "$3" "$2"; then
		ok "$1"
	else
		not_ok "$1" "no \"$3\" in ${2##*/}"
		return 1
	fi
}
hasnt() {
	if grep -q -e "$3" "$2"; then
		not_ok "$1" "$(grep -m 1 -e "$3" "$2") in ${2##*/}"
		return 1
	else
		ok "$1"
	fi
}

# Of the clock that nobody sets; the modem's record has it, too.
now_ms() {
	read -r _up _idle </proc/uptime
	echo "${_up%.*}${_up#*.}0"
}

# wait_until SECONDS COMMAND ...: polls; 0 once it succeeds, 1 when it never
# did.
wait_until() {
	_end=$(($(now_ms) + $1 * 1000 * ${SLOW:-1})); shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt $_end ] || return 1
		sleep 0.05
	done
}
# must_wait SECONDS COMMAND ...: the same, and without it there is no test.
must_wait() {
	wait_until "$@" || die "waited in vain for: $*"
}

die() {
	not_ok "${0##*/}" "$*"
	for _f in "$T"/*/relayd.log "$T"/modem*.log "$T"/dovecot.log \
	    "$T"/postfix.log; do
		[ -s "$_f" ] || continue
		echo "# --- $_f"
		tail -n 25 "$_f" | sed 's/^/# /'
	done
	finish
}

# Processes.

# A zombie is gone, too: only its parent could tell, and a subshell is not.
gone() {
	case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
	''|Z*) return 0 ;;
	esac
	return 1
}
# Whether that is a child of ours, and not what has its number now: numbers
# come round within minutes where so many processes are made.
mine() {
	case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
	''|Z*) return 1 ;;
	[A-Y]" $$ "*) return 0 ;;
	esac
	return 1
}
not_mine() { ! mine "$1"; }

# stop PID [SECONDS]: by SIGTERM, then by SIGKILL; 1 when that was needed.
stop() {
	_r=0
	mine "$1" && kill "$1" 2>/dev/null
	if ! wait_until "${2:-10}" not_mine "$1"; then
		kill -9 "$1" 2>/dev/null
		_r=1
	fi
	wait "$1" 2>/dev/null
	return $_r
}

# Those that are still there and live in our directory: servers lose their
# environment and their parent, but neither where they are nor their root.
ours() {
	for _p in /proc/[0-9]*; do
		for _l in cwd root; do
			case $(readlink "$_p/$_l" 2>/dev/null) in
			"$T"|"$T"/*)
				echo "${_p#/proc/}"
				break ;;
			esac
		done
	done
}
nobody_left() { [ -z "$(ours)" ]; }

cleanup() {
	trap - EXIT INT TERM HUP
	cd /
	for _p in $PIDS; do mine "$_p" && kill "$_p" 2>/dev/null; done
	for _p in $PIDS; do
		wait_until 5 not_mine "$_p" || kill -9 "$_p" 2>/dev/null
		wait "$_p" 2>/dev/null
	done
	wait_until 3 nobody_left ||
	    for _p in $(ours); do kill -9 "$_p" 2>/dev/null; done
	for _m in $(sed -n "s|^[^ ]* \($T/[^ ]*\) .*|\1|p" /proc/mounts); do
		umount "$_m" 2>/dev/null || umount -l "$_m"
	done
	rm -f "${PORT_LOCK:-}"
	if [ "${KEEP:-0}" = 1 ]; then
		echo "# kept: $T" >&2
	else
		rm -rf "$T"
	fi
}

# The last line, and the exit status.
finish() {
	cleanup
	echo "$PASSED passed, $FAILED failed"
	[ $FAILED -eq 0 ]
	exit $?
}
trap 'cleanup' EXIT
trap 'cleanup; exit 130' INT TERM HUP

# Programs.

add_user() {
	getent passwd "$1" >/dev/null || useradd -r -M -d /nonexistent \
	    -s /usr/sbin/nologin "$1"
}

tools() {
	_missing=
	for _c in dovecot swaks s-nail curl fetchmail openssl socat jq \
	    timeout; do
		command -v $_c >/dev/null || _missing="$_missing $_c"
	done
	[ -x /usr/lib/postfix/sbin/master ] || _missing="$_missing postfix"
	[ -z "$_missing" ] || die "not installed:$_missing"
	[ "$(id -u)" -eq 0 ] || die "must be run by root"
	add_user _mailspool
	add_user _mailrelay
	mkdir -p "$T/bin"
	for _c in freeports corpus talk; do
		${CC:-cc} -O -D_GNU_SOURCE -o "$T/bin/$_c" \
		    "$TOP/regress/system/$_c.c" || die "cannot compile $_c"
	done
	PATH=$T/bin:$PATH
	_ports=$(freeports /tmp $PORTS $$) || die "no ports"
	PORT_LOCK=$(echo "$_ports" | head -n 1)
	NEXT_PORT=$(echo "$_ports" | sed -n 2p)
	END_PORT=$((NEXT_PORT + PORTS))
}

# port NAME: the next free port is $P_NAME from now on.
port() {
	for _n; do
		[ $NEXT_PORT -lt $END_PORT ] || die "out of ports"
		eval "P_$_n=$NEXT_PORT"
		NEXT_PORT=$((NEXT_PORT + 1))
	done
}
listening() { timeout 2 socat -u /dev/null "TCP:127.0.0.1:$1" 2>/dev/null; }

# Bytes.

# to_crlf: LF to CRLF, whatever came.
to_crlf() { awk '{ sub(/\r$/, ""); printf "%s\r\n", $0 }'; }
to_lf() { tr -d '\r'; }
# strip_fields NAME COUNT <message: without so many fields of that name,
# which must be the first ones.
strip_fields() {
	awk -v field="$1:" -v left="$2" '
	!done && skipping && /^[ \t]/ { next }
	!done {
		skipping = tolower(substr($0, 1, length(field))) == \
		    tolower(field) && left > 0
		if (skipping) {
			left--
			next
		}
		done = 1
	}
	{ print }
	END { if (left > 0) print "MISSING " left " " field }'
}
sum() { sha256sum <"$1" | cut -d ' ' -f 1; }

. "$TOP/regress/system/provider.inc"
. "$TOP/regress/system/site.inc"
