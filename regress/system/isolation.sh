#!/bin/sh
# See LICENSE for the terms.
# What each process may do and knows, read from /proc in the middle of a
# window: users, root directories, filters, descriptors, limits, secrets; and
# what becomes of one that makes a forbidden system call.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

provider_start
${CC:-cc} -O -D_GNU_SOURCE -o "$T/bin/prod" \
    "$TOP/regress/system/prod.c" || die "cannot compile prod"
site_ports
CHILDREN="spoold dialerd fetchd"
# The line carries 8 KB/s: long enough a window for all that is looked at.
MODEM_RATE=64000 MODEM_LATENCY=20 WINDOW=10m
modem_start
SITE_USERS="alice frank"
# Never dialled: its secret is there to be looked for.
GLOBALS="line \"other\" {
	modem \"$T/site/none\" speed 115200
	phone \"1\"
	ppp user \"ship\" password \"ppp-secret\"
	tariff \"telephone\"
}"
site_start

yes "a line of a large message" | head -c 400000 | to_crlf >"$T/large.body"
printf 'Subject: large\r\n\r\n' | cat - "$T/large.body" >"$T/large.eml"
upstream_put alice "$T/large.eml"
upstream_put frank "$T/large.eml"
lan_send alice@ship.test someone@far.test "$T/large.eml" ||
    die "nothing to be sent"
# Passwords of the LAN pass through spoold and must not stay.
curl -sS "pop3://127.0.0.1:$P_POP" -u bob:lan-bob >/dev/null ||
    not_ok "POP3 login"
talk 127.0.0.1 $P_SUBP <<END >/dev/null || not_ok "SMTP login"
E 220
S EHLO client.test
E 250 HELP
S AUTH LOGIN
E 334
S $(printf carol | openssl base64)
E 334
S $(printf lan-carol | openssl base64)
E 235
S QUIT
E 221
END

# field PID NAME: of status, blanks as one space
field() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' ' |
	    sed 's/ *$//'
}
# title PID: what setproctitle(3) was told.  It ends at the first NUL: what
# follows is left of the arguments that stood there, and depends on their length.
title() {
	tr '\0' '\n' <"/proc/$1/cmdline" | sed 's/.*: //; s/ *$//; q'
}
# All processes below this one.
below() {
	for _b in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		echo "$_b"
		below "$_b"
	done
}
# fds PID: number and what it is
fds() {
	for _f in /proc/"$1"/fd/*; do
		_l=$(readlink "$_f") && echo "${_f##*/} $_l"
	done
}
# What fetchd writes mail into.
fetchd_file() {
	fds "$(site_pid fetchd)" | grep -q " $T/site/spool/"
}

ctl dial >/dev/null || die "relayctl dial"
must_wait 20 line_is window
must_wait 60 fetchd_file

# Who is who.
for c in $CHILDREN; do
	eval "$c=\$(site_pid $c)"
	eval "[ -n \"\$$c\" ]" || die "no $c"
done
roots=$(for p in $(below $RELAYD); do
	case " $(field "$p" Uid) $(field "$p" Gid) " in
	*" 0 "*) title "$p" ;;
	esac
done)
is "the keeper of the call runs as root, and no other below the parent" \
    "$roots" "keeper of line v34"
is "... which does so too" "$(field $RELAYD Uid)" "0 0 0 0"
is "the processes are these" "$(below $RELAYD | wc -l)" 4

# child NAME USER ROOT
child() {
	eval "p=\$$1"
	u=$(id -u $2) g=$(id -g $2)
	is "$1 is $2" "$(field $p Uid), $(field $p Gid)" \
	    "$u $u $u $u, $g $g $g $g"
	is "$1 has no other groups" "$(field $p Groups)" "$g"
	is "$1 has the root directory that it should" \
	    "$(readlink /proc/$p/root) $(readlink /proc/$p/cwd)" "$3 $3"
	is "$1 has no capabilities" "$(for f in Prm Eff Inh Amb; do
		field $p Cap$f
	done | sort -u)" 0000000000000000
	is "$1 gets no new privileges" "$(field $p NoNewPrivs)" 1
	if [ $SANDBOX = 1 ]; then
		is "$1 has a system call filter" "$(field $p Seccomp)" 2
		is "$1 leaves no core and forks nothing" "$(awk '
		    /^Max core file size/ { print $5, $6 }
		    /^Max processes/ { print $3, $4 }' \
		    /proc/$p/limits | xargs)" "0 0 0 0"
		is "$1 has a limit of memory" \
		    "$(awk '/^Max data size/ { print $4, $5 }' \
		    /proc/$p/limits)" "1073741824 1073741824"
	fi
	hasnt "$1 runs nothing writable" "/proc/$p/maps" " .wx"
}
SANDBOX=1
if grep -q "sandbox: built without" "$T/site/relayd.log"; then
	SANDBOX=0
	note "built without the filter: not looked at"
fi
child spoold _mailspool "$T/site/spool"
child dialerd _mailrelay "$T/site/empty"
child fetchd _mailrelay "$T/site/empty"
is "the empty directory is empty" "$(ls -A "$T/site/empty")" ""
is "... and only root may change that" \
    "$(stat -c '%u:%g %a' "$T/site/empty")" "0:0 755"
is "the spool's directories are spoold's alone" "$(cd "$T/site/spool" &&
    stat -c '%n %U %a' queue mail tmp state/fetched state/partial |
    grep -v ' _mailspool 700$')" ""
is "... but what the parent keeps there" "$(cd "$T/site/spool" &&
    stat -c '%n %U %a' . state state/ledger | xargs)" \
    ". root 755 state root 755 state/ledger root 600"

# open_is NAME PATTERN: no descriptors but those, and what relayd got from
# us: the first three.
open_is() {
	eval "p=\$$1"
	is "$1 has only the descriptors it should" "$(fds $p | while
	    read -r n what; do
		[ $n -gt 2 ] || [ "$what" != \
		    "$(readlink /proc/$RELAYD/fd/$n)" ] || continue
		echo "$what" | grep -v "$2"
	done | xargs)" ""
}
plain='^socket:\[\|^pipe:\[\|^anon_inode:\[event\|^anon_inode:\[timer'
# Memory without a name: sessions of TLS, to go on with.
memory="^/memfd:[a-z-]*tls-session (deleted)\$"
open_is spoold "$plain\|$memory\|^$T/site/spool\$\|^$T/site/spool/"
files="^$T/site/spool/state/ledger\$\|^$T/site/spool/state/arrivals\$"
open_is dialerd "$plain\|^/dev/pts/[0-9]*\$\|$files"
files="^$T/site/spool/state/partial/\|^$T/site/spool/tmp/f[.]"
open_is fetchd "$plain\|$memory\|$files"
for c in dialerd fetchd; do
	eval "p=\$$c"
	is "$c has no directory open" "$(for f in /proc/$p/fd/*; do
		[ ! -d "$f" ] || readlink "$f"
	done)" ""
done
check "fetchd has a file while it fetches" fetchd_file
# Sockets of the LAN's ports that those processes have.
lan_ports() {
	for p; do
		fds $p | sed -n 's/.*socket:\[\(.*\)\]/\1/p'
	done | while read -r i; do
		awk -v i="$i" '$10 == i && $4 == "0A" { print }' /proc/net/tcp
	done | wc -l
}
is "spoold listens on the LAN" "$(lan_ports $spoold)" 6
is "... and nobody else does" "$(lan_ports $dialerd $fetchd)" 0

# Secrets.
# knows NAME TEXT, and knows_not
knows() {
	eval "p=\$$1"
	n=$(prod find $p "$2")
	[ "${n:-0}" -gt 0 ] || not_ok "$1 knows $2" "cannot be found"
	[ "${n:-0}" -eq 0 ] || ok "$1 knows $2"
}
knows_not() {
	eval "p=\$$1"
	is "$1 does not know $2" "$(prod find $p "$2" 2>&1)" 0
}
parent=$RELAYD
for s in far-alice far-frank; do
	knows parent $s
	knows fetchd $s
	knows_not spoold $s
	knows_not dialerd $s
done
knows spoold far-ship
knows_not fetchd far-ship
knows_not dialerd far-ship
knows parent ppp-secret
for c in $CHILDREN; do
	knows_not $c ppp-secret
	knows_not $c lan-bob
	knows_not $c lan-carol
	knows_not $c "$(printf lan-carol | openssl base64)"
	knows_not $c "$(grep -m 1 '^alice:' "$T/site/users" | cut -c 10-60)"
done
knows_not parent lan-bob
key=$(sed -n 2p "$T/ca/root-leaf.key")
for c in dialerd fetchd; do
	knows_not $c "$key"
done
line_is window || not_ok "all of this was within the window" "$(summary .state)"
is "all processes are those that they were" \
    "$(for c in $CHILDREN; do site_pid $c; done | xargs)" \
    "$spoold $dialerd $fetchd"
hasnt "secrets are in no log" "$T/site/relayd.log" \
    "far-alice\|far-frank\|far-ship\|ppp-secret\|lan-bob\|lan-carol"

# System calls.
prods() { is "$1: $2 is $3" "$(prod call "$(site_pid $1)" $2 2>&1)" "$3"; }
# dies NAME CALL: and is started again
dies() {
	old=$(site_pid $1)
	said=$(grep -c "$1: died, signal 31" "$T/site/relayd.log")
	prods $1 $2 "killed 31"
	reborn() { [ -n "$(site_pid $1)" ] && [ "$(site_pid $1)" != "$old" ]; }
	check "... it is started again" wait_until 15 reborn $1
	is "... which is said" "$(grep -c "$1: died, signal 31" \
	    "$T/site/relayd.log")" $((said + 1))
	check "... and the site goes on" wait_until 15 site_ready
}
if [ $SANDBOX = 1 ] && [ "$(prod call $RELAYD getpid)" = made ]; then
	ctl hangup >/dev/null
	must_wait 30 line_is idle
	for c in $CHILDREN; do
		prods $c getpid made
	done
	for c in dialerd fetchd; do
		prods $c openat "error 13"
	done
	dies spoold execve
	dies dialerd socket
	dies fetchd unlinkat
	dies spoold setuid
else
	note "system calls cannot be tried here"
fi
site_stop
is "all ends in time" $? 0
finish
