#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# tests/integ/python.sh [BUILD_DIR] - contrib/python's client of locks: against a daemon played in
# the test, on a whole world, and on one whose bleherdd is killed; and programs outside beside it.
# Status 0: all passed.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build}
BLEHERD_BIN=$(realpath -m "$build/bin")
export BLEHERD_BIN
# -B: nothing is written into the sources. -W: a descriptor that is lost is an error.
run="${PYTHON:-python3} -B -W error"
status=0

# shellcheck disable=SC2086 # words
world() {
	timeout --foreground -k 5 60 "$root/contrib/sim/world" --adapters 1 --devices 1 \
		--set locks.hold_interactive_ms=1000 --set locks.grace_ms=200 -- \
		$run "$root/tests/integ/$1" "$2" || status=1
}

# shellcheck disable=SC2086 # words
timeout --foreground -k 5 60 $run "$root/tests/integ/test_python_lock_fake.py" || status=1
world test_python_lock.py World
world test_outsiders.py Outsiders
BLEHERD_MAY_DIE=1 world test_python_lock.py DaemonKilled
BLEHERD_MAY_DIE=1 world test_outsiders.py DaemonKilled
exit $status
