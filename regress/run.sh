#!/bin/sh
# See LICENSE for the terms.
# Runs the tests and adds up what they counted.
# usage: run.sh unit-test ...
# REGRESS names the kinds to run:
# unit fuzz config policy relayctl man build system sanitize.
set -u
unset CDPATH
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
: "${REGRESS:=unit fuzz config policy relayctl man build system sanitize}"
passed=0 failed=0
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

# add NAME STATUS PASSED FAILED
add() {
	if [ "$2" -ne 0 ] && [ "$4" -eq 0 ]; then
		set -- "$1" "$2" "$3" 1
		echo "FAIL $1: exit status $2"
	fi
	passed=$((passed + $3)) failed=$((failed + $4))
	echo "$1: $3 passed, $4 failed"
	[ "$4" -eq 0 ] || sed "s/^/    /" "$out"
}

# A cmocka program says how many in its own words.
run_unit() {
	for t; do
		timeout 300 "./$t" >"$out" 2>&1
		status=$?
		add "$t" $status \
		    "$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' \
		    "$out" | awk '{ n += $1 } END { print n + 0 }')" \
		    "$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' \
		    "$out" | awk '{ n += $1 } END { print n + 0 }')"
	done
}

# The seeds of each fuzz target, one test a target.
run_fuzz() {
	for f in regress/fuzz/*_fuzz; do
		[ -x "$f" ] || continue
		name=${f##*/}
		if timeout 300 "./$f" regress/fuzz/corpus/"${name%_fuzz}"/* \
		    >"$out" 2>&1; then
			add "$f" 0 1 0
		else
			add "$f" 1 0 1
		fi
	done
}

# Some hundred runs of the property test, which are one test; make
# check-policy plays more of them.
run_policy() {
	if timeout 300 regress/unit/check_policy 300 >"$out" 2>&1; then
		add regress/unit/check_policy 0 1 0
	else
		add regress/unit/check_policy 1 0 1
	fi
}

# A script ends in "N passed, N failed".
run_script() {
	timeout 1200 sh "$@" >"$out" 2>&1
	status=$?
	line=$(tail -n 1 "$out")
	p=${line%% passed*} f=${line##*passed, } f=${f%% failed*}
	case $p$f in
	*[!0-9]*|'') p=0 f=1 ;;
	esac
	grep '^FAIL\|^not ok' "$out" | sed 's/^/    /'
	add "$1" $status "$p" "$f"
}

for kind in $REGRESS; do
	case $kind in
	unit) run_unit "$@" ;;
	fuzz) run_fuzz ;;
	policy) run_policy ;;
	config) run_script regress/config/run.sh parent/relayd ;;
	relayctl) run_script regress/relayctl/run.sh ;;
	man) run_script regress/man.sh ;;
	build) run_script regress/build.sh ;;
	sanitize) run_script regress/sanitize.sh ;;
	system)
		for s in regress/system/[a-z]*.sh; do
			[ "$s" = regress/system/lib.sh ] || run_script "$s"
		done ;;
	esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
