#!/bin/sh
# See LICENSE for the terms.
# Programs of the same machine: sendmail, mailq and newaliases, with the mail
# programs that use them.
. "${TOP:-$(dirname "$0")/../..}/regress/system/lib.sh"

tools
ca_make root "IP:127.0.0.1,DNS:localhost"
site_ports
SOCKET=$T/site/submit.sock
ALIASES=$T/aliases
printf 'root: alice, mia\n' >"$ALIASES"
chmod 644 "$ALIASES"
GLOBALS="listen on \"$SOCKET\" smtp
aliases \"$ALIASES\"
alias \"crew\" to root, \"nina+log@ship.test\", \"lost\"
user \"mia\" { }
user \"nina\" { }
user \"oscar\" { }
user \"peggy\" { }"
modem_start
site_start

for n in sendmail mailq newaliases; do
	ln -s "$TOP/relayctl/relayctl" "$T/bin/$n"
done
SENDMAIL="$T/bin/sendmail -X $SOCKET"
# as_nobody COMMAND ...: who has no rights here
as_nobody() { setpriv --reuid=65534 --clear-groups "$@"; }
newest() { ls -t "$T/site/spool/mail/$1/new"/* 2>/dev/null | head -n 1; }
count() { ls "$T/site/spool/mail/$1/new" 2>/dev/null | wc -l; }
has_mail() { [ "$(count "$1")" -ge "$2" ]; }
field() { sed -n "1,/^\r*$/s/^$1: //p" "$2" | tr -d '\r'; }

printf 'Subject: from cron\n\nLine\n.dot\n' |
    as_nobody $SENDMAIL -i alice@ship.test
is "anybody may send" $? 0
check "... and it is delivered" wait_until 5 has_mail alice 1
m=$(newest alice)
is "... from who sent it" "$(field From "$m")" "\"nobody\" <nobody@mail.ship.test>"
is "... to whom it goes back" "$(field Return-Path "$m")" "<nobody@mail.ship.test>"
check "... with a date" date -d "$(field Date "$m")"
is "... and an id" "$(field Message-ID "$m" | sed 's/^<.*@/@/')" \
    "@mail.ship.test>"
is "... dots and all" "$(sed '1,/^\r*$/d' "$m" | to_lf)" "Line
.dot"
has "... and the log names the user" "$T/site/relayd.log" \
    'local client uid=65534'

cat >"$T/m" <<'END'
From: Ship <ship@ship.test>
To: "Bob (the builder)" <bob@ship.test>, Carol <carol@ship.test>
Cc: crew: dave@ship.test;
Bcc: erin@ship.test
Subject: to all

Text
.
not this
END
$SENDMAIL -t -f bounces@ship.test <"$T/m"
is "-t finds those it is for" $? 0
for u in bob carol dave erin; do
	check "... $u" wait_until 5 has_mail $u 1
done
is "... and tells nobody of the hidden one" \
    "$(grep -ci '^bcc' "$(newest bob)")" 0
is "... the sender is as it was said" \
    "$(field Return-Path "$(newest erin)")" "<bounces@ship.test>"
is "... a lone dot is the end" "$(grep -c 'not this' "$(newest bob)")" 0

echo hi | $SENDMAIL frank
check "a name alone is one of this machine's users" \
    wait_until 5 has_mail frank 1
# Aliases, of the file and of the configuration.
has_alice=$(count alice)
echo hi | $SENDMAIL root
check "mail for root is for whom the file says" wait_until 5 has_mail mia 1
check "... and each of them" wait_until 5 has_mail alice $((has_alice + 1))
echo hi | $SENDMAIL crew@ship.test 2>"$T/err"
is "an alias that leads nowhere is refused" $? 67
has "... and named" "$T/err" '"crew" leads to "lost", which is nobody here'
echo hi | $SENDMAIL nina+lists@ship.test
check "what follows a + does not count" wait_until 5 has_mail nina 1
printf 'root: peggy\nlost: alice\n' >"$ALIASES"
check "the file is read again with the configuration" \
    ctl reload >/dev/null
echo hi | $SENDMAIL root
check "... and its new alias has mail" wait_until 5 has_mail peggy 1
echo 'news: |/bin/prog' >>"$ALIASES"
ctl reload >/dev/null 2>&1
is "a bad one is refused" $? 1
has "... its line is named" "$T/site/relayd.log" \
    'aliases:3: "|/bin/prog" is a program'
echo hi | $SENDMAIL crew@ship.test
check "... and changes nothing" wait_until 5 has_mail nina 2
printf 'root: peggy\nlost: alice\n' >"$ALIASES"

echo hi | $SENDMAIL grace nobody.here@ship.test 2>"$T/err"
is "one of two is unknown: EX_NOUSER" $? 67
has "... and named" "$T/err" 'nobody.here@ship.test: 550'
check "... the other has it" wait_until 5 has_mail grace 1
echo hi | $SENDMAIL -X "$T/none" alice 2>"$T/err"
is "no relayd: EX_TEMPFAIL" $? 75
has "... and it is said" "$T/err" "is relayd running"
$SENDMAIL </dev/null 2>"$T/err"
is "nobody to send it to: EX_USAGE" $? 64
echo hi | $SENDMAIL 'a b' 2>"$T/err"
is "no address: EX_DATAERR" $? 65
printf 'To: a b\n\nhi\n' | $SENDMAIL -t 2>"$T/err"
is "no address in a field: EX_DATAERR" $? 65
has "... which is named" "$T/err" '^sendmail: To: not a list of addresses'

printf 'EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<heidi@ship.test>\r\nBDAT 15 LAST\r\nSubject: bs\r\n\r\nQUIT\r\n' |
    timeout 20 $SENDMAIL -bs >"$T/bs"
is "-bs speaks SMTP" "$(sed -n 's/^\([0-9]*\) .*/\1/p' "$T/bs" |
    tr '\n' ' ')" "220 250 250 250 250 221 "
check "... to its end" wait_until 5 has_mail heidi 1

echo "set sendmail=$T/sm" >"$T/mailrc"
printf '#!/bin/sh\nexec %s "$@"\n' "$SENDMAIL" >"$T/sm"
chmod 755 "$T/sm"
echo hi | MAILRC="$T/mailrc" s-nail -: u -S mta="$T/sm" -r alice@ship.test \
    -s s-nail ivan@ship.test >"$T/nail.log" 2>&1
check "s-nail sends with it" wait_until 5 has_mail ivan 1

# What is for far away waits, and mailq shows it.
echo hi | $SENDMAIL far@far.test
must_wait 5 queue_is 1
newaliases 2>"$T/err"
is "newaliases without the control socket fails" $? 1

reconf
echo hi | $SENDMAIL judy
check "the socket stays over a reload" wait_until 5 has_mail judy 1

GLOBALS="$GLOBALS
catch-all \"oscar\""
reconf
echo hi | $SENDMAIL whoever@ship.test
check "what is for nobody is for the catch-all" wait_until 5 has_mail oscar 1
site_stop
check "... and goes at the end" test ! -e "$SOCKET"
modem_stop
finish
