#!/bin/sh
# See LICENSE for the terms.
# SIGKILL of spoold, or of relayd and all of its children at once, at a random
# moment while mail comes in by many sessions and is read and deleted by
# others.  What got its 250 must be there exactly once for each recipient, its
# bytes and its envelope; what was cut off before may be there once and whole,
# for all of its recipients, or not at all.
#
# From the environment: KILLS, how many; SEED, which gives the same load and
# the same moments again; WRITERS, how many SMTP sessions at once; EVERY, after
# how many kills all is looked at; LOSE, after which kill the newest segment of
# the queue is taken away, to see that that does not go unseen.
# The last line is
#	campaign-spool: N kills, N acknowledged, N lost, N doubled
: "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$TOP/regress/system/lib.sh"

: "${KILLS:=500}" "${SEED:=1}" "${WRITERS:=8}" "${EVERY:=50}" "${LOSE:=0}"
# Of these the first half read their mail.
READERS="bob carol dave erin grace heidi ivan judy"

# dice: one line a kill: whom, and the moment in ms
dice() {
	awk -v seed=$SEED -v n=$KILLS 'BEGIN {
		srand(seed)
		while (n-- > 0)
			print rand() < 0.5 ? "spoold" : "all",
			    int(rand() * 800)
	}'
}
ms_sleep() { sleep "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))"; }

load_start() {
	ROUND=$((ROUND + 1))
	load -l "$T/log" -s $((SEED * 1000 + ROUND)) -w $WRITERS \
	    $P_SMTP $P_POP $READERS 2>>"$T/load.err" &
	LOAD=$!
	PIDS="$PIDS $LOAD"
}
load_stop() { stop $LOAD 60 || die "the load does not end"; }

kill_one() {	# spoold|all
	if [ $1 = spoold ]; then
		_pid=$(site_pid spoold)
		[ -z "$_pid" ] || kill -9 $_pid
		wait_until 5 gone "${_pid:-0}"
	else
		_tree="$RELAYD $(cat /proc/$RELAYD/task/$RELAYD/children)"
		kill -STOP $_tree 2>/dev/null
		kill -9 $_tree 2>/dev/null
		wait $RELAYD 2>/dev/null
		for _p in $_tree; do must_wait 5 gone $_p; done
		[ $n -ne $LOSE ] || lose_segment
		site_start
	fi
	must_wait 60 site_ready
}
lose_segment() {
	_f=$(find "$T/site/spool/queue" -type f -size +0 -printf '%T@ %p\n' |
	    sort -n | tail -n 1 | cut -d ' ' -f 2)
	note "taken away: $_f"
	rm "$_f"
}

# What is for users goes by itself, what is for others by the line.
local_done() { ! ctl show queue | grep -q '@ship\.test'; }
drain() {
	must_wait 60 site_ready
	wait_until 60 local_done || note "mail for users is still queued"
	_tries=0
	until queue_is 0; do
		_tries=$((_tries + 1))
		[ $_tries -le 3 ] || break
		window 900
	done
	is "after $n kills: the queue is empty" "$(summary .queue_messages)" 0
	postfix_done() {
		[ -z "$(find "$T/postfix/queue/active" \
		    "$T/postfix/queue/incoming" -type f)" ]
	}
	must_wait 300 postfix_done
}

# here: "id state sender recipient" for each message that is there.
here() {
	find "$T/site/spool/mail" -type f \( -path '*/new/*' -o \
	    -path '*/cur/*' \) -print0 | xargs -0r load -c |
	    awk -v mail="$T/site/spool/mail/" '{
		split(substr($4, length(mail) + 1), p, "/")
		print $1, $2, $3, p[1] "@ship.test"
	    }'
	find "$T/sink" -name '*.msg' -print0 | xargs -0r load -c |
	    while read -r _id _state _x _file; do
		read -r _from _to <"${_file%.msg}.env"
		echo "$_id $_state $_from $_to"
	    done
}
# tally: "acknowledged lost doubled part" and a line for each that is wrong
tally() {
	awk -v wrong="$T/wrong" '
	FILENAME ~ /log$/ && $1 == "S" {
		for (i = 3; i <= NF; i++) rcpts[$2] = rcpts[$2] " " $i
		next
	}
	FILENAME ~ /log$/ && $1 == "A" { acked[$2] = 1; next }
	FILENAME ~ /log$/ && $1 == "G" {
		maybe[$2, $3 "@ship.test"] = 1
		if ($4 != "ok") say("in part", $2 " read by " $3)
		next
	}
	FILENAME ~ /log$/ { there($2, $3 "@ship.test"); next }
	{
		if ($2 != "ok" || $3 != "s." $1 "@from.test")
			say("in part", $0)
		there($1, $4)
	}
	function there(id, rcpt) { n[id, rcpt]++ }
	function say(what, who) { count[what]++; print what ": " who >wrong }
	END {
		for (id in rcpts) {
			k = split(rcpts[id], r, " ")
			some = 0
			for (i = 1; i <= k; i++) {
				# Its deletion may have been the cut.
				c = n[id, r[i]] + 0
				if (c == 0 && ((id, r[i]) in maybe)) c = 1
				if (c > 1) say("doubled", id " " r[i])
				if (c > 0) some++
				delete n[id, r[i]]
				miss[i] = c == 0
			}
			if (id in acked) {
				acknowledged++
				for (i = 1; i <= k; i++)
					if (miss[i]) say("lost", id " " r[i])
			} else if (some > 0 && some < k)
				say("in part", id rcpts[id])
		}
		for (x in n) say("doubled", "not sent: " x)
		print acknowledged + 0, count["lost"] + 0, \
		    count["doubled"] + 0, count["in part"] + 0
	}' "$T/log" "$T/here"
}
# look: all of it; what was looked at is put away, and must not come back.
look() {
	load_stop
	drain
	here >"$T/here"
	: >"$T/wrong"
	set -- $(tally)
	ACKED=$((ACKED + $1)) LOST=$((LOST + $2)) DOUBLED=$((DOUBLED + $3))
	PART=$((PART + $4))
	sed 's/^/# /' "$T/wrong" | head -n 20
	note "$n of $KILLS kills: $ACKED acknowledged, $LOST lost," \
	    "$DOUBLED doubled, $PART in part"
	find "$T/site/spool/mail" -type f \( -path '*/new/*' -o \
	    -path '*/cur/*' \) -delete
	find "$T/sink" -type f -delete
	: >"$T/log"
}

provider_start
${CC:-cc} -O -D_GNU_SOURCE -o "$T/bin/load" "$TOP/regress/campaign/load.c" ||
    die "cannot compile load"
site_ports
SITE_USERS= WINDOW=30m
modem_start
site_start
ACKED=0 LOST=0 DOUBLED=0 PART=0 ROUND=0 n=0
dice >"$T/dice"
load_start
while read -r whom moment <&3; do
	ms_sleep $moment
	n=$((n + 1))
	kill_one $whom
	[ $((n % EVERY)) -eq 0 ] && [ $n -lt $KILLS ] || continue
	look
	load_start
done 3<"$T/dice"
look
is "something was acknowledged" $((ACKED > 0)) 1
is "nothing was lost" $LOST 0
is "nothing was doubled" $DOUBLED 0
is "nothing is there in part" $PART 0
cleanup
echo "campaign-spool: $n kills, $ACKED acknowledged, $LOST lost," \
    "$DOUBLED doubled"
[ $FAILED -eq 0 ]
