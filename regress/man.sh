#!/bin/sh
# See LICENSE for the terms.
# The manuals are clean, as they are found once installed.
set -u
unset CDPATH
top=$(cd "$(dirname "$0")/.." && pwd)
passed=0 failed=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/man5" "$tmp/man8"
cp "$top"/man/*.5 "$tmp/man5"
cp "$top"/man/*.8 "$tmp/man8"
# Those of the system, which a small machine may have left out.
for page in hostname.1 sh.1 crypt.3 chat.8 pppd.8 sendmail.8; do
	name=${page%.*} section=${page#*.}
	mkdir -p "$tmp/man$section"
	printf '.Dd January 1, 2026\n.Dt %s %s\n.Os\n.Sh NAME\n.Nm %s\n.Nd x\n' \
	    "$(echo "$name" | tr a-z A-Z)" "$section" "$name" \
	    >"$tmp/man$section/$page"
done
makewhatis "$tmp" 2>/dev/null || true
for page in "$top"/man/*.[58]; do
	if lint=$(MANPATH=$tmp mandoc -Tlint -Wstyle "$page" 2>&1) &&
	    [ -z "$lint" ]; then
		echo "ok ${page##*/}"
		passed=$((passed + 1))
	else
		echo "FAIL ${page##*/}: $lint"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
