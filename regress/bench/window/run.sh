#!/bin/sh
# See LICENSE for the terms.
# How long a window is: relayd and what else speaks to ordinary providers, in
# user-mode Linux with a real pppd over the paced modem, on the same lines with
# the same mail in the same run.  As root; installs what it lacks where there
# is apt-get.  A benchmark, not part of "make check".
# usage: run.sh [-v]	-v: where the time went, for each call
#
# From the environment:
#	BENCH_LINES	of v34, geo, iridium (default: all)
#	BENCH_PEERS	of relayd, fetchmail (Postfix and fetchmail: the
#			classic), mpop (msmtp and mpop), mbsync (Postfix and
#			mbsync, which compresses) (default: all)
#	BENCH_OUT	a directory that gets logs, records and timelines
#	BENCH_CONF	further lines of relayd.conf
#	BENCH_GUEST	a shell command that the guest runs first, as with
#			sysctl's files
#	BENCH_CAPTURE	1: the packets, as BENCH_OUT's packets.pcap (tcpdump)
#	BENCH_INIT	further modem commands of all of them, a relayd.conf
#			"init" list
#
# For each contestant three calls: one message out and nothing in, at 115,200
# bit/s but for relayd (it learns the line's speed, and everyone his caches);
# the work, 20 messages out and 40 in over 10 users (Iridium: 5 and 10); and
# again one message out and nothing in, the steady state.  A number counts only
# when all of the mail has arrived, once, where it should.  Lines are run one after
# the other: v34 takes some 15 minutes, geo 12, iridium 60; relayd alone 3, 2
# and 10.  Lines may be run side by side by several of these, as long as the
# machine is not busy: who waits for a processor looks like a slow line.
TOP=$(unset CDPATH; cd "$(dirname "$0")/../../.." && pwd)
BENCH=$TOP/regress/bench/window
. "$TOP/regress/system/lib.sh"
. "$TOP/regress/line/lib.sh"

VERBOSE=
while getopts v _o; do
	case $_o in
	v) VERBOSE=1 ;;
	*) die "usage: run.sh [-v]" ;;
	esac
done
: "${BENCH_LINES:=v34 geo iridium}"
: "${BENCH_PEERS:=relayd fetchmail mpop mbsync}"
CELL_MAX=2400		# seconds that one contestant may take

# line_profile NAME
line_profile() {
	LINE=$1 IN=in OUT=out NIN=40 NOUT=20 PPP_MORE='"noccp" "noipv6"'
	case $1 in
	v34) BITS=33600 DELAY=60 ;;
	geo) BITS=64000 DELAY=300 ;;
	iridium)
		BITS=2400 DELAY=700 IN=small-in OUT=small-out NIN=10 NOUT=5
		PPP_MORE="$PPP_MORE"' "mtu" "576" "mru" "576"' ;;
	*) die "no such line: $1" ;;
	esac
}

# The provider.  Chains are as long as those of public authorities: RSA, and
# in the leaf two signed certificate timestamps.
chain_part() {
	openssl req -newkey rsa:2048 -nodes -subj "$2" \
	    -keyout "$T/ca/$1.key" -out "$T/ca/$1.csr" &&
	openssl x509 -req -in "$T/ca/$1.csr" -CA "$T/ca/$3.pem" \
	    -CAkey "$T/ca/$3.key" -CAcreateserial -days 90 \
	    -extfile "$T/ca/$1.ext" -out "$T/ca/$1.pem"
}
chain_names() {
	printf DNS:isp.test
	for _n in imap pop smtp mx1 mx2 webmail autoconfig autodiscover; do
		printf ',DNS:%s.isp.test,DNS:%s.mail.isp.test' $_n $_n
	done
}
chain_exts() {
	printf '%s\n' "basicConstraints=critical,CA:TRUE,pathlen:0" \
	    "keyUsage=critical,digitalSignature,keyCertSign,cRLSign" \
	    "extendedKeyUsage=clientAuth,serverAuth" \
	    "subjectKeyIdentifier=hash" "authorityKeyIdentifier=keyid" \
	    "authorityInfoAccess=caIssuers;URI:http://x1.i.authority.test/" \
	    "certificatePolicies=2.23.140.1.2.1" \
	    "crlDistributionPoints=URI:http://x1.c.authority.test/" \
	    >"$T/ca/middle.ext"
	printf '%s\n' "basicConstraints=critical,CA:FALSE" \
	    "keyUsage=critical,digitalSignature,keyEncipherment" \
	    "extendedKeyUsage=serverAuth,clientAuth" \
	    "subjectKeyIdentifier=hash" "authorityKeyIdentifier=keyid" \
	    "authorityInfoAccess=OCSP;URI:http://r3.o.authority.test,\
caIssuers;URI:http://r3.i.authority.test/" \
	    "certificatePolicies=2.23.140.1.2.1" \
	    "1.3.6.1.4.1.11129.2.4.2=DER:0481f2$(openssl rand -hex 242)" \
	    "subjectAltName=$(chain_names)" >"$T/ca/leaf.ext"
}
chain_make() {
	mkdir -p "$T/ca"
	chain_exts
	{
		openssl req -x509 -newkey rsa:4096 -nodes -days 90 \
		    -subj "/C=XT/O=Test Security Authority/CN=Test Root X1" \
		    -keyout "$T/ca/root.key" -out "$T/ca/root.pem" &&
		chain_part middle "/C=XT/O=Test Authority/CN=R3" root &&
		chain_part leaf "/CN=isp.test" middle
	} >"$T/ca.log" 2>&1 || die "openssl: $(tail -n 1 "$T/ca.log")"
	cat "$T/ca/leaf.pem" "$T/ca/middle.pem" >"$T/ca/root-leaf.pem"
	cp "$T/ca/leaf.key" "$T/ca/root-leaf.key"
	CHAIN=0
	for _c in leaf middle; do
		CHAIN=$((CHAIN + $(openssl x509 -in "$T/ca/$_c.pem" \
		    -outform DER | wc -c)))
	done
}
provider() {
	chain_make
	# One process for all logins: TLS sessions resume there, as they do
	# with providers whose servers share their keys.
	DOVECOT_MORE="protocol imap {
  mail_plugins = imap_zlib
}
service imap-login {
  service_count = 0
  process_limit = 1
}
service pop3-login {
  service_count = 0
  process_limit = 1
}"
	dovecot_start
	postfix_start
}

# The guest's files, for whichever contestant.

relayd_conf() {
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
	relay "smtps://isp.test:$P_SUBMISSIONS" \
	    user "ship" password "far-ship"
	fetch "imaps://isp.test:$P_IMAPS"
}
tariff "telephone" { setup 0 unit 3m price 10 }
line "$LINE" {
	modem "/dev/ttyS0" speed 115200
	init "ATZ" "ATE0V1X4&C1&D2" ${BENCH_INIT:-}
	phone "$PHONE"
	ppp user "ship" password "far-ppp" options "10.0.2.15:10.0.2.2" \
	    "nocrtscts" "connect-delay" "1" $PPP_MORE
	answer 30s
	window 60m
	tariff "telephone"
}
dial when messages 1000
${BENCH_CONF:-}
END
	for _u in $USERS; do
		echo "user \"$_u\" { address \"$_u@ship.test\" fetch" \
		    "\"isp\" as \"$_u-isp\" password \"far-$_u\" }"
	done
}

# Postfix as on Debian, for a line that is dialled: nothing leaves before it
# is told to, and TLS sessions are kept.
peer_postfix() {
	mkdir -p "$G/postfix"
	cat >"$G/postfix/main.cf" <<END
compatibility_level = 3.6
queue_directory = /run/postfix/queue
data_directory = /run/postfix/data
maillog_file = $G/postfix.log
maillog_file_prefixes = $G
command_directory = /run/postfix/bin
daemon_directory = /usr/lib/postfix/sbin
import_environment = MAIL_CONFIG TZ LANG=C GLIBC_TUNABLES OPENSSL_ia32cap
export_environment = MAIL_CONFIG TZ LANG=C GLIBC_TUNABLES OPENSSL_ia32cap
myhostname = mail.ship.test

mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
relayhost = [isp.test]:$P_SUBMISSIONS
defer_transports = smtp
disable_dns_lookups = yes
smtp_host_lookup = native
smtp_tls_wrappermode = yes
smtp_tls_security_level = verify
smtp_tls_CAfile = $T/ca/root.pem
smtp_tls_session_cache_database = btree:/run/postfix/data/smtp_scache
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps =
  inline:{ { [isp.test]:$P_SUBMISSIONS = ship:far-ship } }
smtp_sasl_security_options = noanonymous
virtual_mailbox_domains = ship.test
virtual_mailbox_base = /run/mail
virtual_mailbox_maps = texthash:$G/postfix/mailboxes
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
virtual_minimum_uid = 1
END
	cat >"$G/postfix/master.cf" <<END
smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
scache unix - - n - 1 scache
anvil unix - - n - 1 anvil
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
END
	for _u in $USERS; do
		echo "$_u@ship.test $_u/"
	done >"$G/postfix/mailboxes"
}
peer_fetchmail() {
	cat <<END
set no bouncemail
poll isp.test protocol pop3 service $P_POP3S no dns:
END
	for _u in $USERS; do
		echo "  user \"$_u-isp\" password \"far-$_u\" is" \
		    "\"$_u\" here smtphost 127.0.0.1 smtpaddress ship.test" \
		    "ssl sslcertck sslcertfile \"$T/ca/root.pem\"" \
		    "fetchall no keep"
	done
}
peer_mpop() {
	cat <<END
defaults
host isp.test
port $P_POP3S
tls on
tls_starttls off
tls_trust_file $T/ca/root.pem
keep off
END
	for _u in $USERS; do
		printf '%s\n' "account $_u" "user $_u-isp" \
		    "password far-$_u" "delivery maildir /run/mail/$_u" \
		    "uidls_file /run/mpop.$_u"
	done
}
peer_msmtp() {
	cat <<END
account default
host isp.test
port $P_SUBMISSIONS
tls on
tls_starttls off
tls_trust_file $T/ca/root.pem
auth plain
user ship
password far-ship
END
}
peer_mbsync() {
	for _u in $USERS; do
		cat <<END
IMAPAccount $_u
Host isp.test
Port $P_IMAPS
Timeout 600
User $_u-isp
Pass far-$_u
SSLType IMAPS
SystemCertificates no
CertificateFile $T/ca/root.pem

IMAPStore $_u-far
Account $_u

MaildirStore $_u-near
Inbox /run/mail/$_u

Channel $_u
Far :$_u-far:
Near :$_u-near:
Sync Pull New
SyncState *

END
	done
}
peer_ppp() {
	cat <<END
/dev/ttyS0 115200
nodetach noauth local nocrtscts noipdefault defaultroute
10.0.2.15:10.0.2.2
connect "/usr/sbin/chat -f $G/chat"
disconnect "/usr/sbin/chat '' '\\\\d+++\\\\c' OK 'ATH\\\\r\\\\c' OK"
connect-delay 1
lcp-echo-interval 20
lcp-echo-failure 3
$(echo "$PPP_MORE" | tr -d '"')
END
}
peer_chat() {
	printf "%s\n" "ABORT BUSY" "ABORT 'NO CARRIER'" "TIMEOUT 40" \
	    "'' ATZ" "OK ATE0V1X4&C1&D2"
	eval "set -- ${BENCH_INIT:-}"
	for _i; do echo "OK $_i"; done
	printf "%s\n" "OK ATDT$PHONE" "CONNECT \\c"
}

# guest_init: what the kernel starts, and all that it reads.
guest_init() {
	(umask 077
	relayd_conf >"$G/relayd.conf"
	lan_passwd >"$G/users"
	peer_fetchmail >"$G/fetchmailrc"
	peer_mpop >"$G/mpoprc"
	peer_msmtp >"$G/msmtprc"
	peer_mbsync >"$G/mbsyncrc")
	peer_postfix
	peer_ppp >"$G/ppp"
	peer_chat >"$G/chat"
	printf '%s\n' "127.0.0.1 localhost mail.ship.test mail" \
	    "10.0.2.2 isp.test" >"$G/hosts"
	cat >"$G/init" <<END
#!/bin/sh
G='$G' TOP='$TOP' LIBEXEC='$T/libexec' PEER=$PEER
USERS='$USERS' CAPTURE='${BENCH_CAPTURE:-}'
TUNE='${BENCH_GUEST:-}'
. '$BENCH/guest.sh'
END
	chmod 755 "$G/init"
}

# The mail.

# mail_out DIRECTORY CALL: submitted by the guest before that call; a list of
# sender, recipient and file, and the same for curl.
mail_out() {
	_i=0
	set -- "$1" "$2" $USERS $USERS
	for _f in "$1"/*.eml; do
		_i=$((_i + 1))
		_to=friend$2.$_i@far.test
		eval "_from=\$$((_i % 10 + 3))@ship.test"
		echo "$_from $_to $_f" >>"$G/out.$2"
		[ $_i -eq 1 ] || echo next
		printf '%s\n' "url = \"smtp://127.0.0.1\"" "max-time = 60" \
		    "mail-from = \"$_from\"" "mail-rcpt = \"$_to\"" \
		    "upload-file = \"$_f\""
		essence "$_to" <"$_f" >>"$G/want.out"
	done >"$G/curl.$2"
}
# mail_in DIRECTORY: it waits at the provider.
mail_in() {
	set -- "$1" $USERS
	for _m in "$1"/*.eml; do
		upstream_put "$2" "$_m"
		essence "$2" <"$_m" >>"$G/want.in"
		_u=$2 _d=$1
		shift 2
		set -- "$_d" "$@" "$_u"
	done

}
# essence OWNER <MESSAGE: what no contestant may change
essence() {
	tr -d '\r' >"$T/essence"
	echo "$1 $(sed -n '/^$/q; /^Message-ID:/p' "$T/essence")" \
	    "$(sed '1,/^$/d' "$T/essence" | sha256sum | cut -d ' ' -f 1)"
}
bytes() { cat "$1"/*.eml | wc -c; }
mail_make() {
	for _s in "$IN" "$OUT"; do
		[ -d "$T/mail.$_s" ] && continue
		mkdir "$T/mail.$_s"
		mail "$T/mail.$_s" "$_s"
	done
	for _s in 1 3; do
		mkdir -p "$T/mail.$_s"
		mail "$T/mail.$_s" probe $_s
	done
	BYTES_IN=$(bytes "$T/mail.$IN")
	BYTES_OUT=$(bytes "$T/mail.$OUT")
	_larger=$BYTES_IN
	[ "$BYTES_OUT" -le "$_larger" ] || _larger=$BYTES_OUT
	IDEAL_MS=$((_larger * 10000 / BITS))
}

# The calls.

# The guest asks for the line and the mail of its next call.
guest_asks() {
	for _c in 1 2 3; do
		[ -e "$G/ready.$_c" ] && [ ! -e "$G/go.$_c" ] || continue
		RATE=$BITS LATENCY=$DELAY
		if [ $_c -eq 1 ] && [ "$PEER" != relayd ]; then
			RATE=115200 LATENCY=5
		fi
		modem_line connect
		[ $_c -ne 2 ] || mail_in "$T/mail.$IN"
		: >"$G/go.$_c"
	done
}

# verified: whether all the mail is where it should be, and once.
verified() {
	wait_until 20 sink_has $((NOUT + 2))
	for _e in "$T"/sink/*.env; do
		[ -f "$_e" ] || continue
		read -r _from _to <"$_e"
		essence "$_to" <"${_e%.env}.msg"
	done | sort >"$G/got.out"
	for _u in $USERS; do
		for _f in "$G/got/$_u"/new/* "$G/got/$_u"/cur/*; do
			[ -f "$_f" ] && essence "$_u" <"$_f"
		done
	done | sort >"$G/got.in"
	for _w in out in; do
		sort "$G/want.$_w" | cmp -s - "$G/got.$_w" && continue
		not_ok "$CASE: the mail that went $_w" \
		    "$(wc -l <"$G/got.$_w") of $(wc -l <"$G/want.$_w")"
		return 1
	done
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
seconds() { awk -v a="$1" 'BEGIN { printf "%.1f", a / 1000 }'; }

# result N WHAT: a line for that call
result() {
	printf 'bench-window %s %s %s: %s s, %s bytes out, %s in' \
	    "$LINE" "$2" "$PEER" "$(seconds "$(record "$1" online_ms)")" \
	    "$(record "$1" out)" "$(record "$1" in)"
	if [ "$2" = work ]; then
		printf ', ratio %s\n' \
		    "$(ratio "$(record "$1" online_ms)" $IDEAL_MS)"
	else
		echo
	fi
}

# cell: one contestant on one line; its numbers go to $T/numbers.
cell() {
	CASE=$LINE-$PEER G=$T/$LINE-$PEER
	mkdir -p "$G/got"
	rm -f "$T"/sink/*
	find "$T/upstream" -type f -delete
	: >"$G/want.in"
	mail_out "$T/mail.1" 1
	mail_out "$T/mail.$OUT" 2
	mail_out "$T/mail.3" 3
	guest_init
	RATE=$BITS LATENCY=$DELAY
	modem_line connect
	_good=0
	guest_run $CELL_MAX && verified && _good=1
	if [ $_good -eq 1 ] && [ "$(records)" -ne 3 ]; then
		not_ok "$CASE: three calls" "$(records)"
		_good=0
	fi
	[ -z "${BENCH_OUT:-}" ] || {
		mkdir -p "$BENCH_OUT/$CASE"
		cp -r "$G/record" "$G/timeline" "$G"/*.log "$G"/got.* \
		    "$G"/want.* "$G"/*.pcap "$BENCH_OUT/$CASE" 2>/dev/null
	}
	[ $_good -eq 1 ] || return
	ok "$CASE: all of the mail has arrived"
	result 2 work
	result 3 steady
	for _c in 2 3; do
		[ -z "$VERBOSE" ] || where_time_went $_c
		echo "$LINE $_c $PEER $(record $_c online_ms)" \
		    "$(($(record $_c out) + $(record $_c in)))"
	done >>"$T/numbers.new"
	grep '^#' "$T/numbers.new"
	grep -v '^#' "$T/numbers.new" >>"$T/numbers"
	rm "$T/numbers.new"
}
where_time_went() {
	awk -v call="$1" -v bits=$BITS -v step="${BENCH_STEP:-0}" \
	    -f "$BENCH/timeline.awk" "$G/timeline"
}

# number CALL FIELD PEER ...: the smallest of those contestants
number() {
	_call=$1 _field=$2; shift 2
	for _p; do
		awk -v l=$LINE -v c="$_call" -v p="$_p" -v f="$_field" \
		    '$1 == l && $2 == c && $3 == p { print $f }' "$T/numbers"
	done | sort -n | head -n 1
}
as_ratio() { [ -z "$1" ] && echo - || ratio "$1" $IDEAL_MS; }
as_seconds() { [ -z "$1" ] && echo - || seconds "$1"; }
closing_lines() {
	_peers="fetchmail mpop mbsync"
	echo "bench-window $LINE steady:" \
	    "relayd $(as_seconds "$(number 3 4 relayd)") s" \
	    "$(number 3 5 relayd) bytes," \
	    "best peer $(as_seconds "$(number 3 4 $_peers)") s" \
	    "$(number 3 5 $_peers) bytes"
	printf 'bench-window %s: relayd %s, best peer %s, classic %s\n' \
	    "$LINE" "$(as_ratio "$(number 2 4 relayd)")" \
	    "$(as_ratio "$(number 2 4 $_peers)")" \
	    "$(as_ratio "$(number 2 4 fetchmail)")"
}

for LINE in $BENCH_LINES; do line_profile "$LINE"; done
for PEER in $BENCH_PEERS; do
	case $PEER in
	relayd|fetchmail|mpop|mbsync) ;;
	*) die "no such contestant: $PEER" ;;
	esac
done
line_tools "$BENCH/packages"
"${CC:-cc}" -O -D_GNU_SOURCE -o "$T/bin/mail" "$BENCH/mail.c" ||
    die "cannot compile mail"
provider
: >"$T/numbers"
note "certificate chain: $CHAIN bytes"
for LINE in $BENCH_LINES; do
	line_profile "$LINE"
	mail_make
	note "$LINE: $BITS bit/s, $DELAY ms one way; $NOUT messages out," \
	    "$BYTES_OUT bytes, $NIN in, $BYTES_IN bytes:" \
	    "ideal $(seconds $IDEAL_MS) s"
	for PEER in $BENCH_PEERS; do cell; done
	closing_lines
done
finish
