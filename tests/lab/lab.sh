# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# tests/lab/lab.sh - what the shell scripts of this folder have in common, inside the lab. Sourced by
# smoke_inside and reset_inside: one line per step; the first that fails ends the script.
set -u
PATH=${BLEHERD_BIN:-build/bin}:$PATH
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$dir"' EXIT
passed=0

fail() {
	echo "FAIL $1: $2"
	cat "$dir"/*.err 2>/dev/null
	bleherd events -n 40
	exit 1
}

ok() {
	passed=$((passed + 1))
	printf 'ok   %-34s %s\n' "$1" "${2-}"
}

# has NAME PATTERN: what the last command printed has the pattern.
has() {
	grep -qE -- "$2" "$dir/out" || fail "$1" "no '$2' in: $(tail -c 900 "$dir/out")"
	ok "$1" "${3-}"
}

# step NAME PATTERN COMMAND...: the command succeeds and its output has the pattern.
step() {
	local name=$1 pattern=$2 start=${EPOCHREALTIME/./}
	shift 2
	"$@" >"$dir/out" 2>"$dir/err" || fail "$name" "status $?: $(tail -c 600 "$dir/err" "$dir/out")"
	has "$name" "$pattern" "$(printf '%6d ms' $(((${EPOCHREALTIME/./} - start) / 1000)))"
}

# eventually NAME COMMAND: succeeds within 20 s.
eventually() {
	local name=$1 end=$((SECONDS + 20))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || fail "$name" "not within 20 s"
		read -rt 0.1 <> <(:)
	done
}

sim() {
	python3 -B tests/lab/lab.py "$@"
}

# How many values a notify has printed into that file, and whether there are that many.
count() { grep -c '"hex"' "$dir/$1"; }
has_values() { [ "$(count "$1")" -ge "$2" ]; }
