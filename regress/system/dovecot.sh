#!/bin/sh
# See LICENSE for the terms.
# IMAP on the LAN: a real Dovecot with what relayctl dovecot prints reads the
# Maildirs into which relayd delivers, and from which it serves POP3.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

tools
ca_make root "IP:127.0.0.1,DNS:localhost"
site_ports
port IMAP IMAPS
USERS="alice bob"
SITE_USERS=""
modem_start
site_start

printed() { timeout 10 "$TOP/relayctl/relayctl" dovecot "$@"; }
check "relayctl dovecot" sh -c "timeout 10 '$TOP/relayctl/relayctl' \
    dovecot -f '$T/site/relayd.conf' >'$T/dovecot.conf'"
check "Dovecot takes it as it is" doveconf -n -c "$T/dovecot.conf"
sed '/^users /d; /^listen .*\(submission\|pop3\)/d' "$T/site/relayd.conf" \
    >"$T/no-users.conf"
chmod 600 "$T/no-users.conf"
printed -f "$T/no-users.conf" >"$T/out" 2>"$T/err"
is "without users there is none" $? 1
has "... and that is said" "$T/err" 'there is no users file'
is "... and nothing printed" "$(wc -c <"$T/out")" 0
sed "s|$T/ca/root-leaf.key|/a b \$c|" "$T/site/relayd.conf" >"$T/odd.conf"
chmod 600 "$T/odd.conf"
printed -f "$T/odd.conf" >"$T/out" 2>"$T/err"
is "a path that Dovecot reads otherwise is refused" $? 1
is "... and nothing printed" "$(wc -c <"$T/out")" 0

# Only where things are is moved.
mkdir -p "$T/dovecot/run" "$T/dovecot/state"
cat >>"$T/dovecot.conf" <<END
base_dir = $T/dovecot/run
state_dir = $T/dovecot/state
instance_name = relayd-test-$$
log_path = $T/dovecot.log
service anvil {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $P_IMAP
  }
  inet_listener imaps {
    port = $P_IMAPS
  }
}
END
# As it says itself.
sh -c "$(sed -n 's/^#  *\(chgrp dovecot .*\)/\1/p' "$T/dovecot.conf")" ||
    die "chgrp"
dovecot -F -c "$T/dovecot.conf" >"$T/dovecot.out" 2>&1 &
PIDS="$PIDS $!"
must_wait 30 listening $P_IMAP
must_wait 30 listening $P_IMAPS

# imap USER REQUEST: in the INBOX, or with "" a list of the mailboxes
imap_url() { # USER PATH [CURL OPTION ...]
	_who=$1 _path=$2; shift 2
	curl -sS --max-time 60 --cacert "$T/ca/root.pem" \
	    -u "$_who:lan-$_who" "imaps://127.0.0.1:$P_IMAPS/$_path" "$@" \
	    </dev/null
}
imap() { imap_url "$1" INBOX -X "$2" | to_lf; }
imap_count() { imap "$1" "SEARCH ALL" | sed 's/^\* SEARCH//' | wc -w; }
imap_has() { [ "$(imap_count "$1")" -eq "$2" ]; }
# pop USER REQUEST
pop() {
	curl -sS --max-time 60 -u "$1:lan-$1" "pop3://127.0.0.1:$P_POP/" \
	    -X "$2" </dev/null | to_lf
}
uids() { pop "$1" UIDL | awk 'NF == 2 { print $2 }'; }
in_dir() { find "$T/site/spool/mail/$1/$2" -type f | wc -l; }

# It reads while mail arrives.
N=40
mkdir "$T/mail"
RELAYD_SEED=7 corpus "$T/mail" $N 0
(
	for m in "$T/mail"/*.eml; do
		lan_send alice@ship.test bob@ship.test "$m" || exit 1
	done
	: >"$T/all-sent"
) &
SENDER=$!
PIDS="$PIDS $SENDER"
reads=0 shrunk=0 last=0
until [ -e "$T/all-sent" ] || ! mine $SENDER; do
	n=$(imap_count bob)
	[ "$n" -ge "$last" ] || shrunk=$((shrunk + 1))
	last=$n reads=$((reads + 1))
	# This moves what is there from new/ to cur/, with a flag.
	[ "$n" -eq 0 ] || imap bob "STORE 1:$n +FLAGS (\\Seen)" >/dev/null
done
check "all is sent" test -e "$T/all-sent"
note "read $reads times in the meantime"
is "no message goes while mail arrives" $shrunk 0
check "IMAP has them all" wait_until 20 imap_has bob $N
i=0
while [ $i -lt $N ]; do
	i=$((i + 1))
	imap_url bob "INBOX;MAILINDEX=$i" | sha256sum
done | sort >"$T/by-imap"
lan_read bob "$T/read" || not_ok "POP3"
for f in "$T/read"/*.eml; do sha256sum <"$f"; done | sort >"$T/by-pop"
is "... the same bytes as POP3" "$(diff "$T/by-imap" "$T/by-pop" | wc -l)" 0
is "... once each" "$(sort -u "$T/by-imap" | wc -l)" $N
is "Dovecot's own files are no messages" "$(uids bob | wc -l)" $N
check "... though they are there" \
    test -e "$T/site/spool/mail/bob/dovecot-uidlist"

# Names change, what POP3 calls them does not.
lan_send bob@ship.test alice@ship.test "$T/mail/01.eml" || not_ok "send"
lan_send bob@ship.test alice@ship.test "$T/mail/02.eml" || not_ok "send"
lan_send bob@ship.test alice@ship.test "$T/mail/03.eml" || not_ok "send"
uids alice >"$T/uids"
is "three arrive" "$(wc -l <"$T/uids")" 3
is "... in new/" "$(in_dir alice new)" 3
imap alice "STORE 1:3 +FLAGS (\\Seen \\Flagged)" >/dev/null
is "IMAP moves them to cur/" "$(in_dir alice cur)" 3
check "... with flags" test -n \
    "$(find "$T/site/spool/mail/alice/cur" -name '*:2,FS')"
is "UIDL is as before" "$(uids alice)" "$(cat "$T/uids")"
site_stop
site_start
is "... after a restart, too" "$(uids alice)" "$(cat "$T/uids")"
imap alice "STORE 2 -FLAGS (\\Seen)" >/dev/null
is "... and after other flags" "$(uids alice)" "$(cat "$T/uids")"

# What one removes the other has no more.
gone=$(sed -n 2p "$T/uids")
imap alice "STORE 2 +FLAGS (\\Deleted)" >/dev/null
imap alice EXPUNGE >/dev/null
is "removed by IMAP, gone in POP3" "$(uids alice)" \
    "$(grep -vxF "$gone" "$T/uids")"
# -I: its reply is one line.
curl -sS -I --max-time 60 -u alice:lan-alice "pop3://127.0.0.1:$P_POP/" \
    -X "DELE 1" >/dev/null </dev/null || not_ok "DELE"
check "removed by POP3, gone in IMAP" wait_until 20 imap_has alice 1
is "... the other is there" "$(uids alice)" "$(sed -n 3p "$T/uids")"

# A POP3 session that has begun when IMAP moves what it is about to read.
lan_send alice@ship.test bob@ship.test "$T/mail/01.eml" || not_ok "send"
mkfifo "$T/to-pop"
socat -t 20 - "TCP:127.0.0.1:$P_POP" <"$T/to-pop" >"$T/from-pop" &
PIDS="$PIDS $!"
exec 3>"$T/to-pop"
printf 'USER bob\r\nPASS lan-bob\r\n' >&3
must_wait 30 grep -q "^+OK $((N + 1)) messages" "$T/from-pop"
imap bob "STORE $((N + 1)) +FLAGS (\\Seen \\Answered)" >/dev/null
is "moved in a session" "$(in_dir bob new)" 0
printf 'RETR %d\r\nDELE %d\r\nQUIT\r\n' $((N + 1)) $((N + 1)) >&3
exec 3>&-
check "... it is read" wait_until 30 sh -c \
    "to_lf() { tr -d '\\r'; }; to_lf <'$T/from-pop' | grep -qx '[.]'"
check "... and removed all the same" wait_until 20 imap_has bob $N

# What IMAP adds is mail as well, but for other folders.
printf 'Subject: added\n\nbare line ends\n.dot\n' >"$T/added"
to_crlf <"$T/added" >"$T/added.crlf"
curl -sS --max-time 30 --cacert "$T/ca/root.pem" -u alice:lan-alice \
    "imaps://127.0.0.1:$P_IMAPS/INBOX" -T "$T/added.crlf" ||
    not_ok "APPEND"
is "POP3 has what IMAP added" "$(uids alice | wc -l)" 2
lan_read alice "$T/read" || not_ok "POP3"
check "... to the byte" cmp "$T/added.crlf" "$T/read/2.eml"
imap_url alice "" -X "CREATE Sent" >/dev/null
imap alice "COPY 1 Sent" >/dev/null
check "a copy in a folder" test -n \
    "$(find "$T/site/spool/mail/alice/.Sent" -path '*/cur/*' -type f)"
is "... is not in POP3" "$(uids alice | wc -l)" 2

# Who may not, may not here either.
login() { # URL USER PASSWORD [CURL OPTION ...]
	_url=$1 _login=$2:$3; shift 3
	curl -sS --max-time 30 --cacert "$T/ca/root.pem" -u "$_login" \
	    "$@" "$_url" >/dev/null 2>&1 </dev/null
}
refused() { ! login "$@"; }
check "a hash lets in" login "imaps://127.0.0.1:$P_IMAPS/" alice lan-alice
check "... by STARTTLS" login "imap://127.0.0.1:$P_IMAP/" \
    alice lan-alice --ssl-reqd
check "a wrong password does not" refused "imaps://127.0.0.1:$P_IMAPS/" \
    alice lan-bob
# To Dovecot a client at its own address is this machine, and safe.
check "nor one in clear" refused "imap://127.0.0.1:$P_IMAP/" alice lan-alice \
    --interface 127.0.0.2
check "... where TLS would" login "imap://127.0.0.1:$P_IMAP/" alice lan-alice \
    --interface 127.0.0.2 --ssl-reqd
check "Alice is not alice to POP3" refused "pop3://127.0.0.1:$P_POP/" \
    Alice lan-alice
check "... nor to IMAP" refused "imaps://127.0.0.1:$P_IMAPS/" Alice lan-alice

hasnt "Dovecot found nothing wrong" "$T/dovecot.log" \
    'Error:\|Warning:\|Panic:\|Fatal:'
hasnt "nor did relayd" "$T/site/relayd.log" 'mailbox: .*:\|maildir: .*cannot'
site_stop
finish
