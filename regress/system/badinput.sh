#!/bin/sh
# See LICENSE for the terms.
# What no decent client would say: the SMTP and POP3 servers answer it with
# the right codes, no message comes of it that was not meant as one, and the
# servers serve the next client as if nothing had been.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

SESSIONS=30 PER_ADDRESS=20		# limits of connections
MESSAGE_MAX=6291456

tools
${CC:-cc} -O -D_GNU_SOURCE -o "$T/bin/crowd" \
    "$TOP/regress/system/crowd.c" || die "cannot compile crowd"
ca_make root "IP:127.0.0.1,DNS:localhost"
site_ports
port POPT T_SUBS T_SMTP T_SUB T_POPT T_FAR
GLOBALS="sessions $SESSIONS
sessions per address $PER_ADDRESS
message max $MESSAGE_MAX
listen on 127.0.0.1 port $P_POPT pop3 tls \"ship\""
site_start -v
SPOOLD=$(site_pid spoold)

# tunnel PORT COMMAND: a port of ours behind which the command speaks TLS
tunnel() {
	socat "TCP-LISTEN:$1,bind=127.0.0.1,fork,reuseaddr" "$2" \
	    2>>"$T/socat.log" &
	PIDS="$PIDS $!"
}
starttls="openssl s_client -quiet -starttls"
tunnel $P_T_SUBS "OPENSSL:127.0.0.1:$P_SUBS,verify=0"
tunnel $P_T_SMTP "EXEC:$starttls smtp -connect 127.0.0.1\\:$P_SMTP"
tunnel $P_T_SUB "EXEC:$starttls smtp -connect 127.0.0.1\\:$P_SUB"
tunnel $P_T_POPT "EXEC:$starttls pop3 -connect 127.0.0.1\\:$P_POPT"
tunnel $P_T_FAR "TCP:127.0.0.1:$P_SMTP,bind=127.0.0.9"
for p in $P_T_SUBS $P_T_SMTP $P_T_SUB $P_T_POPT $P_T_FAR; do
	must_wait 5 listening $p
done

# says NAME PORT <SCRIPT: of talk
says() { check "$1" timeout 30 talk -t 8 127.0.0.1 "$2"; }
# A session up to EHLO, and one with an envelope to a user of ours.
hello="E 220
S EHLO client.test
E 250 HELP"
mail="$hello
S MAIL FROM:<alice@ship.test>
E 250 2.1.0
S RCPT TO:<alice@ship.test>
E 250 2.1.5"
bye="S QUIT
E 221
X"
b64() { printf "$@" | openssl base64 -A; }
# repeat COUNT TEXT
repeat() { awk -v n="$1" -v s="$2" 'BEGIN { while (n-- > 0) printf s }'; }

# Files of users' mailboxes and messages of the queue.
mailbox_files() {
	find "$T/site/spool/mail" -type f \( -path '*/new/*' -o \
	    -path '*/cur/*' \) | wc -l
}
queue_count() { ctl_json show queue | jq length; }
stored() { echo "$(mailbox_files) $(queue_count)"; }
stored_is() { [ "$(stored)" = "$1" ]; }
rss() { awk '/^VmRSS:/ { print $2 }' "/proc/$SPOOLD/status"; }
# How many sockets spoold holds that do not listen: those of sessions.
sessions() {
	ls -l "/proc/$SPOOLD/fd" | sed -n 's/.*socket:\[\(.*\)\]/\1/p' |
	    awk 'NR == FNR { have[$1]; next } $10 in have && $4 != "0A"' - \
	    /proc/net/tcp | wc -l
}
sessions_gone() { [ "$(sessions)" -eq 0 ]; }

# SMTP: commands

smtp_commands() {
	says "unknown commands" $P_SMTP <<END
E 220
S FROB
E 500 5.5.1
S
E 500 5.5.1
S  NOOP
E 500 5.5.1
S EHLO2 client.test
E 500 5.5.1
S GET / HTTP/1.1
E 500 5.5.1
S NOOP still here
E 250
$bye
END
	says "arguments that are none" $P_SMTP <<END
$hello
S EHLO
E 501 5.5.4
S EHLO two words
E 501 5.5.4
S MAIL
E 501 5.5.4
S MAIL FROM
E 501 5.5.4
S MAIL FROM:alice@ship.test
E 501 5.1.7
S MAIL FROM:<alice@ship.test
E 501 5.1.7
S MAIL FROM:<alice>
E 501 5.1.7
S MAIL FROM:<alice@ship.test> FROB=1
E 555 5.5.4
S MAIL FROM:<alice@ship.test> BODY=BINARYMIME
E 555 5.5.4
S MAIL FROM:<alice@ship.test> SIZE=ten
E 501 5.5.4
S MAIL FROM:<alice@ship.test>SIZE=10
E 501 5.5.4
S RSET now
E 501 5.5.4
S QUIT now
E 501 5.5.4
S EXPN staff
E 502 5.5.1
S VRFY alice
E 252
S VRFY
E 501 5.5.4
$bye
END
	says "the wrong order" $P_SMTP <<END
E 220
S MAIL FROM:<alice@ship.test>
E 503 5.5.1
S RCPT TO:<alice@ship.test>
E 503 5.5.1
S EHLO client.test
E 250 HELP
S RCPT TO:<alice@ship.test>
E 503 5.5.1
S DATA
E 503 5.5.1
S MAIL FROM:<alice@ship.test>
E 250
S MAIL FROM:<alice@ship.test>
E 503 5.5.1
S DATA
E 554 5.5.1
S RCPT TO:<nobody@ship.test>
E 550 5.1.1
S DATA
E 554 5.5.1
S RSET
E 250
S RCPT TO:<alice@ship.test>
E 503 5.5.1
S MAIL FROM:<alice@ship.test>
E 250
S EHLO client.test
E 250 HELP
S RCPT TO:<alice@ship.test>
E 503 5.5.1
$bye
END
	says "DATA within a group that goes on" $P_SMTP <<END
$mail
s DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n
E 503 5.5.0
X
END
	says "bare line ends and NULs in commands" $P_SMTP <<END
$hello
s NOOP\nNOOP\r\n
E 500 5.5.2
s NOOP\rNOOP\r\n
E 500 5.5.2
s NOOP\r\r\n
E 500 5.5.2
s NOOP\n
N 300
s \r\n
E 500 5.5.2
s NOOP \0\r\n
E 500 5.5.2
s MAIL FROM:<alice\0@ship.test>\r\n
E 500 5.5.2
s RCPT TO:<alice@ship.test>\nDATA\r\n
E 500 5.5.2
N 200
S NOOP
E 250
$bye
END
	says "a network that is not named" $P_T_FAR <<END
$hello
S MAIL FROM:<alice@ship.test>
E 550 5.7.1
$bye
END
}

smtp_long_lines() {
	says "a command of 2048 bytes, CRLF included" $P_SMTP <<END
$hello
s NOOP 
R 2041 x
S
E 250 2.0.0
$bye
END
	says "one of 2049" $P_SMTP <<END
$hello
s NOOP 
R 2042 x
S
E 500 5.5.2
S NOOP
E 250
$bye
END
	says "one that never fits the buffer" $P_SMTP <<END
$hello
s NOOP 
R 200000 x
s \r\nNOOP\r\n
E 500 5.5.2
E 250
N 200
$bye
END
	says "a long line with commands behind bare LFs" $P_SMTP <<END
$hello
R 20000 x
s \nMAIL FROM:<alice@ship.test>\nRCPT TO:<alice@ship.test>\n\r\n
E 500 5.5.2
N 200
S NOOP
E 250
$bye
END
	says "names at and above the limits" $P_SMTP <<END
$hello
s EHLO 
R 255 h
S
E 250 HELP
s EHLO 
R 256 h
S
E 501 5.5.4
s MAIL FROM:<
R 310 a
S @ship.test>
E 250
S RSET
E 250
s MAIL FROM:<
R 311 a
S @ship.test>
E 501 5.1.7
$bye
END
	{
		echo "$hello"
		echo "S MAIL FROM:<alice@ship.test>"
		echo "E 250"
		awk 'BEGIN {
			for (i = 0; i < 1001; i++)
				print "S RCPT TO:<f" i "@far.test>"
			for (i = 0; i < 1000; i++)
				print "E 250 2.1.5"
		}'
		echo "E 452 4.5.3"
		echo "S RSET"
		echo "E 250"
		echo "$bye"
	} | says "1001 recipients" $P_SMTP
	before=$(mailbox_files)
	says "lines of any length in the message" $P_SMTP <<END
$mail
S DATA
E 354
S Subject: long
S
R 998 a
S
R 999 b
S
R 100000 c
S
S .
E 250 2.0.0
$bye
END
	check "... which is delivered" wait_until 5 stored_is \
	    "$((before + 1)) 0"
}

smtp_errors() {
	{
		echo "E 220"
		awk 'BEGIN {
			for (i = 1; i < 20; i++)
				print "S FROB\nE 500 5.5.1"
		}'
		printf '%s\n' "S FROB" "E 421 4.7.0" X
	} | says "20 errors end the session" $P_SMTP
	{
		echo "E 220"
		printf '%s\n' 'R 5000 FROB\r\n' X
	} | says "... also when they come in one flight" $P_SMTP
}

# SMTP: bytes of the message

smtp_bytes() {
	says "addresses with 8-bit bytes" $P_SMTP <<END
$hello
S MAIL FROM:<gr\xc3\xbcn@ship.test>
E 553 5.6.7
S MAIL FROM:<gr\xfcn@ship.test>
E 553 5.6.7
S MAIL FROM:<gr\xfcn@ship.test> SMTPUTF8
E 553 5.6.7
S MAIL FROM:<alice@ship.test>
E 250
S RCPT TO:<gr\xc3\xbcn@far.test>
E 553 5.6.7
S RSET
E 250
S MAIL FROM:<gr\xc3\xbcn@ship.test> SMTPUTF8
E 250
S RCPT TO:<gr\xc3\xbcn@far.test>
E 250
S RSET
E 250
$bye
END
	rm -f "$T/site/spool/mail/erin/new/"*
	says "8-bit bytes and NULs that were not declared" $P_SMTP <<END
$hello
S MAIL FROM:<alice@ship.test> BODY=7BIT
E 250
S RCPT TO:<erin@ship.test>
E 250
S DATA
E 354
s Subject: 8-bit\r\n\r\n\xfc\xff\x80 NUL \0 end\r\n.\r\n
E 250
$bye
END
	erin_has() { [ -n "$(find "$T/site/spool/mail/erin/new" -type f)" ]; }
	wait_until 5 erin_has
	is "... come out as they went in" "$(cat \
	    "$T/site/spool/mail/erin/new/"* | sed '1,/^.$/d' |
	    od -An -tx1 | tr -d ' \n')" \
	    fcff80204e554c200020656e640d0a
	says "messages that are too large" $P_SMTP <<END
$hello
S MAIL FROM:<alice@ship.test> SIZE=$((MESSAGE_MAX + 1))
E 552 5.3.4
S MAIL FROM:<alice@ship.test> SIZE=99999999999999999999
E 552 5.3.4
S MAIL FROM:<alice@ship.test> SIZE=10
E 250
S RCPT TO:<alice@ship.test>
E 250
S DATA
E 354
R 65000 $(repeat 10 0123456789)\r\n
S .
E 552 5.3.4
S NOOP
E 250
$bye
END
}

# bdat_bad ARGUMENTS: must be refused, and the session with it, since nobody
# knows how many bytes are no commands.
bdat_bad() {
	says "BDAT $1" $P_SMTP <<END
$mail
S BDAT $1
E 501 5.5.4
X
END
}

smtp_bdat() {
	before=$(stored)
	for a in "" ten -1 +1 0x10 1.5 "10 FIRST" "10 LAST LAST" LAST \
	    2147483649 18446744073709551616 99999999999999999999999; do
		bdat_bad "$a"
	done
	says "BDAT before MAIL takes its chunk along" $P_SMTP <<END
$hello
s BDAT 22 LAST\r\nMAIL FROM:<a@b.test>\r\n
E 503 5.5.1
S RCPT TO:<alice@ship.test>
E 503 5.5.1
S MAIL FROM:<alice@ship.test>
E 250
s BDAT 6 LAST\r\nNOOP\r\n
E 554 5.5.1
N 200
$bye
END
	says "BDAT does not mix with DATA and RCPT" $P_SMTP <<END
$mail
s BDAT 3\r\nabc
E 250
S DATA
E 503 5.5.1
S RCPT TO:<bob@ship.test>
E 503 5.5.1
S MAIL FROM:<alice@ship.test>
E 503 5.5.1
S RSET
E 250
s BDAT 0 LAST\r\n
E 503 5.5.1
$bye
END
	says "bare line ends in BDAT" $P_SMTP <<END
$mail
s BDAT 12 LAST\r\nSubject: x\n\n
E 550 5.6.0
$(echo "$mail" | tail -n +4)
s BDAT 3 LAST\r\nab\r
E 550 5.6.0
$(echo "$mail" | tail -n +4)
s BDAT 5\r\na\n.\r\nBDAT 3 LAST\r\n\nab
E 550 5.6.0
E 503 5.5.1
$bye
END
	says "chunks that grow too large" $P_SMTP <<END
$mail
s BDAT $MESSAGE_MAX\r\n
R $((MESSAGE_MAX / 1024)) $(repeat 511 x)\r\n$(repeat 509 x)\r\n
E 250
s BDAT 2 LAST\r\n\r\n
E 552 5.3.4
S NOOP
E 250
$bye
END
	is "... and nothing of it all is stored" "$(stored)" "$before"
	says "CRLF in two chunks is one" $P_SMTP <<END
$mail
s BDAT 13\r\nSubject: x\r\n\r
E 250
s BDAT 1 LAST\r\n\n
E 250 2.0.0
$bye
END
	check "... and delivered" wait_until 5 stored_is \
	    "$((${before% *} + 1)) 0"
}

# smuggle NAME SEQUENCE: must not end a message.  What follows it would be
# one more for a server that takes it for the end.
smuggled="MAIL FROM:<evil@ship.test>\\r\\nRCPT TO:<bob@ship.test>\\r\\nBDAT \
27 LAST\\r\\nSubject: smuggled\\r\\n\\r\\nevil\\r\\n.\\r\\n"
smuggle() {
	says "$1 ends no message" $P_SMTP <<END
$mail
S DATA
E 354
s Subject: outer\r\n\r\nbody$2$smuggled
E 550 5.6.0
N 50
S NOOP
E 250
$bye
END
	[ "$(stored)" = "$before" ] ||
	    not_ok "$1 stores nothing" "$(stored) now, $before before"
}

# Each byte in a segment of its own: it may be the last one of a buffer.
pieces() {
	printf '%s\n' "$1" | awk '{
		n = split($0, c, "\\")
		for (i = 2; i <= n; i++) {
			if (length(c[i]) == 2) {
				print "s \\" substr(c[i], 1, 1)
				print "N 30"
				print "s " substr(c[i], 2)
			} else
				print "s \\" c[i]
			print "N 30"
		}
	}'
}

smtp_smuggling() {
	before=$(stored)
	smuggle "LF . LF" '\n.\n'
	smuggle "LF . CRLF" '\n.\r\n'
	smuggle "CRLF . LF" '\r\n.\n'
	smuggle "CRLF . CR" '\r\n.\r'
	smuggle "CR . CRLF" '\r.\r\n'
	smuggle "CR . CR" '\r.\r'
	smuggle "CR . LF" '\r.\n'
	smuggle "LF . CR" '\n.\r'
	smuggle "CR CRLF . CRLF" '\r\r\n.\n\r\n'
	smuggle "LF CRLF . LF" '\n\r\n.\n'
	smuggle "LF LF . LF LF" '\n\n.\n\n'
	smuggle "CRLF . CR CRLF" '\r\n.\r\r\n'
	smuggle "CR LF CR . CRLF" '\r\n\r.\r\n'
	smuggle "CRLF NUL . CRLF behind LF" '\n\r\n\0.\r\n'
	smuggle "CRLF . NUL CRLF behind LF" '\n\r\n.\0\r\n'
	smuggle "CRLF .. CRLF behind LF" '\n\r\n..\r\n'
	smuggle "CRLF . space CRLF behind LF" '\n\r\n. \r\n'
	smuggle "LF CR . LF CR" '\n\r.\n\r'
	for s in "LF . CRLF" "CRLF . LF" "CRLF . CR CRLF" "CR . CRLF"; do
		says "$s in single bytes ends no message" $P_SMTP <<END
$mail
S DATA
E 354
s Subject: outer\r\n\r\nbody
N 30
$(pieces "$(echo "$s" | sed 's/ //g; s/CR/\\r/g; s/LF/\\n/g')")
s $smuggled
E 550 5.6.0
N 50
$bye
END
	done
	says "a lone dot of the wrong kind in one message" $P_SMTP <<END
$mail
S DATA
E 354
s Subject: outer\r\n\r\nbody\r\n..\r\n.\0\r\n. \r\n\0.\r\nx.\r\n.x\r\n
N 200
S .
E 250 2.0.0
$bye
END
	check "... which is one message" wait_until 5 stored_is \
	    "$((${before% *} + 1)) 0"
	hasnt "... and nothing smuggled was ever accepted" \
	    "$T/site/relayd.log" "from=<evil"
	# It must be possible to see it.
	says "CRLF . CRLF, in single bytes, does end it" $P_SMTP <<END
$mail
S DATA
E 354
s Subject: outer\r\n\r\nbody
N 30
$(pieces '\r\n.\r')
s \n$smuggled
E 250 2.0.0
E 250 2.1.0
E 250 2.1.5
E 250 2.0.0
E 500 5.5.1
$bye
END
	check "... and then two are stored" wait_until 5 stored_is \
	    "$((${before% *} + 3)) 0"
	has "... the second one's sender in the log" "$T/site/relayd.log" \
	    "event=accepted from=<evil"
}

# SMTP: AUTH and STARTTLS

smtp_auth() {
	good=$(b64 '\0bob\0lan-bob')
	says "AUTH that is not one" $P_SUBP <<END
E 220
S AUTH PLAIN $good
E 503 5.5.1
S EHLO client.test
E 250 HELP
S AUTH
E 501 5.5.4
S AUTH FROB
E 504 5.5.4
S AUTH CRAM-MD5
E 504 5.5.4
S AUTH PLAIN ***
E 501 5.5.2
S AUTH PLAIN QUJ
E 501 5.5.2
S AUTH PLAIN QUJD=QUJD
E 501 5.5.2
S AUTH PLAIN =
E 535 5.7.8
S AUTH PLAIN $(b64 'bob lan-bob')
E 535 5.7.8
S AUTH PLAIN $(b64 '\0bob')
E 535 5.7.8
S AUTH PLAIN $(b64 '\0\0lan-bob')
E 535 5.7.8
S AUTH PLAIN $(b64 'alice\0bob\0lan-bob')
E 535 5.7.8
S AUTH PLAIN $(b64 '\0bob\0lan-bob\0more')
E 535 5.7.8
S AUTH PLAIN $(b64 '\0bob\0wrong')
E 535 5.7.8
S AUTH PLAIN $(b64 '\0../bob\0lan-bob')
E 535 5.7.8
S MAIL FROM:<bob@ship.test>
E 530 5.7.0
$bye
END
	says "three wrong passwords" $P_SUBP <<END
$hello
S AUTH PLAIN $(b64 '\0bob:{PLAIN}\0lan-bob')
E 535 5.7.8
S AUTH PLAIN $(b64 '\0nobody\0lan-bob')
E 535 5.7.8
S AUTH LOGIN $(b64 bob)
E 334
S $(b64 wrong)
E 421 4.7.0
X
END
	says "responses that are none" $P_SUBP <<END
$hello
S AUTH PLAIN
E 334
S *
E 501 5.7.0
S AUTH PLAIN
E 334
S NOOP NOOP
E 501 5.5.2
S AUTH PLAIN
E 334
S
E 535 5.7.8
S AUTH LOGIN
E 334
S *
E 501 5.7.0
S AUTH LOGIN
E 334
S $(b64 bob)
E 334
S *
E 501 5.7.0
S AUTH LOGIN
E 334
S 
E 535 5.7.8
S AUTH LOGIN $(b64 bob)
E 334
S $(b64 'lan-bob\0more')
E 535 5.7.8
S AUTH LOGIN $(b64 'bob\0')
E 535 5.7.8
S MAIL FROM:<bob@ship.test>
E 530 5.7.0
$bye
END
	says "responses that are too long" $P_SUBP <<END
$hello
S AUTH PLAIN
E 334
R 12287 A
S
E 500 5.5.6
s AUTH PLAIN 
R 12288 A
S
E 500 5.5.2
S AUTH PLAIN
E 334
R 12284 A
S
E 501 5.5.2
s AUTH LOGIN 
R 4000 A
S
E 501 5.5.2
S AUTH LOGIN $(b64 bob)
E 334
S $(b64 "$(repeat 600 p)")
E 501 5.5.2
S NOOP
E 250
$bye
END
	says "AUTH without a response" $P_SUBP <<END
$hello
S AUTH LOGIN
E 334
W
X
END
	says "AUTH twice, and within a transaction" $P_SUBP <<END
$hello
S AUTH PLAIN $good
E 235 2.7.0
S AUTH PLAIN $good
E 503 5.5.1
S MAIL FROM:<bob@ship.test>
E 250
S AUTH PLAIN $good
E 503 5.5.1
$bye
END
	says "... where it was not needed" $P_SMTP <<END
$hello
S AUTH PLAIN $good
E 538 5.7.11
S MAIL FROM:<alice@ship.test>
E 250
$bye
END
	says "AUTH in clear where there is TLS" $P_SUB <<END
$hello
S AUTH PLAIN $good
E 538 5.7.11
S AUTH LOGIN
E 538 5.7.11
S MAIL FROM:<bob@ship.test>
E 530 5.7.0
$bye
END
}

# A password that cannot be checked is not a wrong one: mail programs forget
# what they are told is wrong.
no_users() {
	good=$(b64 '\0bob\0lan-bob')
	chmod 644 "$T/site/users"
	says "AUTH while nobody may read the passwords" $P_SUBP <<END
$hello
S AUTH PLAIN $good
E 454 4.7.0
$bye
END
	says "POP3: ... and there" $P_POP <<END
E +OK
S USER bob
E +OK
S PASS lan-bob
E -ERR [SYS/TEMP]
S QUIT
E +OK
X
END
	chmod 600 "$T/site/users"
	says "... and when they may be read again" $P_SUBP <<END
$hello
S AUTH PLAIN $good
E 235 2.7.0
$bye
END
}

# What came in answer to plain text that was sent after STARTTLS.
plain_after() {
	{
		sleep 0.2
		printf "$2"
		sleep 0.3
		printf "$3"
		sleep 0.3
	} | timeout 5 socat -t 2 - "TCP:127.0.0.1:$1" | tr -d '\r' |
	    grep -a -c "^$4"
}

smtp_starttls() {
	says "STARTTLS at the wrong time" $P_SUB <<END
E 220
S STARTTLS
E 503 5.5.1
S EHLO client.test
E 250 HELP
S STARTTLS now
E 501 5.5.4
$bye
END
	says "STARTTLS where there is none" $P_SUBP <<END
$hello
S STARTTLS
E 502 5.5.1
$bye
END
	says "STARTTLS twice" $P_T_SMTP <<END
S EHLO client.test
E 250 HELP
S STARTTLS
E 503 5.5.1
S NOOP
E 250
$bye
END
	says "STARTTLS within TLS" $P_T_SUBS <<END
$hello
S STARTTLS
E 503 5.5.1
S NOOP
E 250
$bye
END
	says "EHLO does not survive STARTTLS" $P_T_SMTP <<END
S MAIL FROM:<alice@ship.test>
E 503 5.5.1
$bye
END
	says "plain text behind STARTTLS" $P_SUB <<END
$hello
s STARTTLS\r\nEHLO evil.test\r\nAUTH PLAIN $(b64 '\0bob\0lan-bob')\r\n
E 554 5.5.0
X
END
	says "... a part of a command only" $P_SUB <<END
$hello
s STARTTLS\r\nR
E 554 5.5.0
X
END
	is "... in a packet of its own" "$(plain_after $P_SMTP \
	    'EHLO client.test\r\nSTARTTLS\r\n' \
	    'MAIL FROM:<alice@ship.test>\r\nNOOP\r\n' \
	    '2[0-9]* 2[.][1-9]\|250 2[.]0')" 0
	is "... while STARTTLS was taken" "$(plain_after $P_SMTP \
	    'EHLO client.test\r\nSTARTTLS\r\n' '' '220 2.0.0 ')" 1
	says "half a handshake and no more" $P_SUBS <<END
s \x16\x03\x01\x02\x00\x01
W
X
END
	says "plain text where TLS begins at once" $P_SUBS <<END
S EHLO client.test
X
END
}

# Clients that go away or do not read

vanish() {
	before=$(stored)
	talk 127.0.0.1 $P_SMTP <<END >/dev/null || not_ok "vanish in DATA"
$mail
S DATA
E 354
s Subject: half\r\n\r\nhalf a mess
END
	# With something unread, the connection is reset.
	talk 127.0.0.1 $P_SMTP <<END >/dev/null || not_ok "vanish, reset"
$mail
S DATA
E 354
R 6000 half a message, much of it, with a line end\r\n
s half a mess
W
END
	talk 127.0.0.1 $P_SMTP <<END >/dev/null || not_ok "vanish in BDAT"
$mail
s BDAT 100 LAST\r\nSubject: half\r\n\r\n
END
	talk 127.0.0.1 $P_SMTP <<END >/dev/null || not_ok "vanish, dot"
$mail
S DATA
E 354
s Subject: half\r\n\r\nhalf\r\n.\r
END
	check "sessions end when their clients vanish" wait_until 5 \
	    sessions_gone
	is "... half a message is none" "$(stored)" "$before"
	is "... and nothing is left in tmp" \
	    "$(find "$T/site/spool/tmp" -type f | wc -l)" 0
	# Large messages have files of their own.
	is "... nor in the queue" \
	    "$(find "$T/site/spool/queue" -name 'body[.]*' | wc -l)" 0
	# What is whole when the client goes is a message.
	says "a client that does not wait for the last reply" $P_SMTP <<END
$mail
S DATA
E 354
s Subject: whole\r\n\r\nwhole\r\n.\r\n
END
	check "... has sent a message" wait_until 5 stored_is \
	    "$((${before% *} + 1)) 0"
}

# crowd_start NAME ARGUMENTS: there until crowd_end NAME
crowd_start() {
	_c=$1; shift
	rm -f "$T/$_c.out"
	crowd "$@" >"$T/$_c.out" 2>&1 &
	eval "CROWD_$_c=$!"
	PIDS="$PIDS $!"
}
crowd_done() { wait_until 20 test -s "$T/$1.out"; }
crowd_end() {
	for _c; do
		eval "_p=\$CROWD_$_c"
		kill "$_p"
		wait "$_p" 2>/dev/null
	done
}
crowd_is() {
	crowd_done "$2"
	is "$1" "$(cat "$T/$2.out")" "$3"
}

never_reads() {
	yes "a line of a large message" | head -c 4000000 | to_crlf \
	    >"$T/large.eml"
	lan_send alice@ship.test dave@ship.test "$T/large.eml" ||
	    not_ok "a large message"
	large_there() {
		find "$T/site/spool/mail/dave/new" -type f | grep -q .
	}
	must_wait 5 large_there
	before=$(rss)
	all="r1 r2 r3 r4 r5 r6 r7 p1 p2 p3"
	# Far more comes out than goes in.
	for i in r1 r2 r3 r4 r5 r6; do
		crowd_start $i -i 'EHLO client.test\r\n' -p 'HELP\r\n' \
		    127.0.0.1 $P_SMTP
	done
	crowd_start r7 -p 'EHLO client.test\r\n' 127.0.0.1 $P_SMTP
	crowd_start p1 -p 'CAPA\r\n' 127.0.0.1 $P_POP
	crowd_start p2 -i 'USER dave\r\nPASS lan-dave\r\n' \
	    -p 'RETR 1\r\n' 127.0.0.1 $P_POP
	crowd_start p3 -i 'USER carol\r\nPASS lan-carol\r\n' \
	    -p 'LIST\r\nUIDL\r\nSTAT\r\n' 127.0.0.1 $P_POP
	for i in $all; do
		crowd_done $i
	done
	is "clients that never read are not read from" \
	    "$(cat "$T"/[rp][0-9].out | sort | uniq -c | xargs)" "10 stuck"
	grown=$(($(rss) - before))
	check "... and cost little memory: $grown KB" [ $grown -lt 4096 ]
	says "... nor does anybody else wait" $P_SMTP <<END
$mail
$bye
END
	crowd_end $all
	check "... and are forgotten when they go" wait_until 5 sessions_gone
}

# Floods of connections

recovered() {
	talk -t 2 127.0.0.1 $P_SMTP <<END
$hello
$bye
END
}

floods() {
	wait_until 10 sessions_gone
	over=$((SESSIONS - PER_ADDRESS))
	crowd_start a1 -n $((PER_ADDRESS + 10)) 127.0.0.1 $P_SMTP
	crowd_is "connections of one address are limited" a1 \
	    "greeted $PER_ADDRESS refused 10 closed 0"
	says "... the next is told so" $P_SMTP <<END
E 421 4.7.0
X
END
	says "... by POP3 too" $P_POP <<END
E -ERR [SYS/TEMP]
X
END
	says "... and where TLS begins at once, closed" $P_SUBS <<END
X
END
	crowd_start a2 -b 127.0.0.2 -n $((over + 5)) 127.0.0.1 $P_SMTP
	crowd_is "... another address has what is left of all" a2 \
	    "greeted $over refused 5 closed 0"
	crowd_start a3 -b 127.0.0.3 -n 3 127.0.0.1 $P_POP
	crowd_is "... and a third nothing" a3 \
	    "greeted 0 refused 3 closed 0"
	crowd_end a2
	crowd_start a4 -b 127.0.0.3 -n 3 127.0.0.1 $P_POP
	crowd_is "... until the second leaves" a4 \
	    "greeted 3 refused 0 closed 0"
	crowd_end a1
	check "after the flood all is well again" wait_until 5 recovered
	crowd_start a5 -n $((PER_ADDRESS + 5)) 127.0.0.1 $P_POP
	crowd_is "... and the same number may come again" a5 \
	    "greeted $PER_ADDRESS refused 5 closed 0"
	crowd_end a3 a4 a5
	wait_until 10 sessions_gone
	crowd_start a6 -n $PER_ADDRESS 127.0.0.1 $P_SUBS
	crowd_done a6
	says "... those before a handshake count too" $P_SMTP <<END
E 421 4.7.0
X
END
	crowd_end a6
	check "... and leave nobody outside" wait_until 5 recovered
}

# POP3

login="E +OK
S USER alice
E +OK
S PASS lan-alice
E +OK"
out="S QUIT
E +OK
X"

pop_commands() {
	says "POP3: unknown commands and wrong arguments" $P_POP <<END
E +OK
S FROB
E -ERR unknown command
S
E -ERR unknown command
S  CAPA
E -ERR unknown command
S CAPA now
E -ERR wrong argument
S USER
E -ERR wrong argument
S USER alice bob
E -ERR wrong argument
S PASS
E -ERR wrong argument
s USER al\0ice\r\n
E -ERR wrong argument
s CAPA\n
D UIDL
$out
END
	says "POP3: ten errors end the session" $P_POP <<END
E +OK
$(for i in 1 2 3 4 5 6 7 8 9; do
	printf '%s\n' "S FROB" "E -ERR unknown"
done)
S FROB
E -ERR too many errors
X
END
	says "POP3: commands before login" $P_POP <<END
E +OK
S STAT
E -ERR login first
S LIST
E -ERR login first
S RETR 1
E -ERR login first
S DELE 1
E -ERR login first
S UIDL
E -ERR login first
S TOP 1 0
E -ERR login first
S PASS lan-alice
E -ERR USER first
S STLS
E -ERR TLS is not
$out
END
	says "POP3: commands after login" $P_POP <<END
$login
S USER alice
E -ERR you are logged in
S PASS lan-alice
E -ERR you are logged in
S AUTH PLAIN
E -ERR you are logged in
S STLS
E -ERR you are logged in
S NOOP
E +OK
$out
END
}

pop_numbers() {
	for n in 0 -1 +1 1x 0x1 "1 2" 4294967296 99999999999999999999 ""; do
		{
			echo "$login"
			for c in "RETR $n" "DELE $n" "TOP $n 0"; do
				[ "$c" != "TOP 1 2 0" ] || c="TOP 1 2 3"
				printf '%s\n' "S $c" "E -ERR wrong argument"
			done
			case $n in
			'') ;;
			*)	printf '%s\n' "S LIST $n" \
				    "E -ERR wrong argument" "S UIDL $n" \
				    "E -ERR wrong argument" ;;
			esac
			echo "$out"
		} | says "POP3: the number \"$n\"" $P_POP
	done
	says "POP3: numbers of no message" $P_POP <<END
E +OK
S USER bob
E +OK
S PASS lan-bob
E +OK
S RETR 999
E -ERR there is no
S RETR 4294967295
E -ERR there is no
S DELE 4294967295
E -ERR there is no
S LIST 4294967295
E -ERR there is no
S UIDL 4294967295
E -ERR there is no
S TOP 4294967295 4294967295
E -ERR there is no
S DELE 1
E +OK
S DELE 1
E -ERR there is no
S RETR 1
E -ERR there is no
S TOP 1 0
E -ERR there is no
S LIST 1
E -ERR there is no
S RSET
E +OK
S TOP 1 -1
E -ERR wrong argument
S TOP 1 4294967296
E -ERR wrong argument
S TOP 1
E -ERR wrong argument
S TOP 1 4294967295
E +OK
D
$out
END
}

pop_long_lines() {
	says "POP3: a line of 1024 bytes, CRLF included" $P_POP <<END
E +OK
s USER 
R 1017 u
S
E -ERR the user name is too long
$out
END
	says "POP3: one of 1025" $P_POP <<END
E +OK
s USER 
R 1018 u
S
E -ERR the line is too long
S CAPA
D UIDL
$out
END
	says "POP3: a line that never ends, then commands" $P_POP <<END
E +OK
R 500000 x
S
E -ERR the line is too long
S USER alice
E +OK
s PASS 
R 300000 x
S
E -ERR the line is too long
s PASS lan-alice\r\n
E +OK
N 100
$out
END
}

pop_login() {
	says "POP3: three failures of login" $P_POP <<END
E +OK
S USER alice
E +OK
S PASS wrong
E -ERR [AUTH]
S USER ../alice
E +OK
S PASS lan-alice
E -ERR [AUTH]
S USER nobody
E +OK
S PASS lan-alice
E -ERR [AUTH]
X
END
	good=$(b64 '\0bob\0lan-bob')
	says "POP3: AUTH that is not one" $P_POP <<END
E +OK
S AUTH CRAM-MD5
E -ERR there is PLAIN only
S AUTH PLAIN ***
E -ERR [AUTH]
S AUTH PLAIN QUJD
E -ERR [AUTH]
S AUTH PLAIN =
E -ERR [AUTH]
S AUTH PLAIN $(b64 'alice\0bob\0lan-bob')
E -ERR [AUTH]
S AUTH PLAIN
E + 
S *
E -ERR AUTH was cancelled
S AUTH PLAIN
E + 
R 5000 A
S
E -ERR the line is too long
S STAT
E -ERR login first
$out
END
	says "POP3: AUTH without a response" $P_POP <<END
E +OK
S AUTH PLAIN
E + 
W
X
END
	says "POP3: a response that logs in, and none that follows" $P_POP <<END
E +OK
S AUTH PLAIN $good
E +OK
S AUTH PLAIN $good
E -ERR you are
$out
END
	says "POP3: login in clear where there is TLS" $P_POPT <<END
E +OK
S USER bob
E -ERR [AUTH]
S PASS lan-bob
E -ERR [AUTH]
S AUTH PLAIN $good
E -ERR [AUTH]
S CAPA
D STLS
$out
END
	says "POP3: ... is not offered" $P_POPT <<END
E +OK
S CAPA
E +OK
E STLS
E TOP
D UIDL
$out
END
	says "POP3: ... and is there after STLS, once" $P_T_POPT <<END
S STLS
E -ERR TLS
S USER bob
E +OK
S PASS lan-bob
E +OK
S STLS
E -ERR you are
$out
END
	says "POP3: plain text behind STLS" $P_POPT <<END
E +OK
s STLS\r\nUSER bob\r\nPASS lan-bob\r\n
E -ERR nothing may follow
X
END
	says "POP3: ... a part of a command only" $P_POPT <<END
E +OK
s STLS\r\nU
E -ERR nothing may follow
X
END
	is "POP3: ... in a packet of its own" "$(plain_after $P_POPT \
	    'STLS\r\n' 'CAPA\r\nUSER bob\r\n' '+OK\|-ERR')" 2
	says "POP3: plain text where TLS begins at once" $P_POPS <<END
S CAPA
X
END
}

pop_sessions() {
	logins() { grep -c "user=alice event=login" "$T/site/relayd.log"; }
	before=$(logins)
	first_there() { [ "$(logins)" -gt "$before" ]; }
	mkfifo "$T/first"
	timeout 30 talk 127.0.0.1 $P_POP <"$T/first" >"$T/first.out" &
	first=$!
	PIDS="$PIDS $first"
	exec 4>"$T/first"
	echo "$login" >&4
	echo "S DELE 1
E +OK" >&4
	wait_until 5 first_there
	says "POP3: a mailbox that another session has" $P_POP <<END
E +OK
S USER alice
E +OK
S PASS lan-alice
E -ERR [IN-USE]
S STAT
E -ERR login first
S USER bob
E +OK
S PASS lan-bob
E +OK
$out
END
	have=$(mailbox_files)
	exec 4>&-
	wait $first
	is "POP3: the session that had it was well" \
	    "$? $(cat "$T/first.out")" "0 "
	sessions_gone || wait_until 5 sessions_gone
	says "POP3: ... and it is free when that vanishes" $P_POP <<END
$login
$out
END
	is "POP3: ... which deleted nothing" "$(mailbox_files)" "$have"
	talk 127.0.0.1 $P_POP <<END >/dev/null || not_ok "vanish in RETR"
E +OK
S USER dave
E +OK
S PASS lan-dave
E +OK
S RETR 1
E +OK
END
	wait_until 5 sessions_gone
	says "POP3: ... also when it vanishes in a RETR" $P_POP <<END
E +OK
S USER dave
E +OK
S PASS lan-dave
E +OK 1 messages
$out
END
}

smtp_commands
smtp_long_lines
smtp_errors
smtp_bytes
smtp_bdat
smtp_smuggling
smtp_auth
no_users
smtp_starttls
pop_commands
pop_numbers
pop_long_lines
pop_login
vanish
never_reads
pop_sessions
floods

is "spoold is the one that it was" "$(site_pid spoold)" "$SPOOLD"
small() { _kb=$(rss); [ "${_kb:-99999}" -lt 40960 ]; }
check "... and not larger than 40 MB" small
hasnt "... nobody died" "$T/site/relayd.log" "died\|fatal\|signal"
is "nothing waits in the queue" "$(queue_count)" 0
site_stop
is "all ends in time" $? 0
finish
