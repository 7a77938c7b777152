#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# tests/bench/lock.sh [--json FILE] [--only abcde] - the arbiter's figures, in a world of its own.
# BLEHERD_BIN says which build (build/bin); bench-lock is expected in ../tests of that. Status 0, 1 if
# something did not work; a goal that is not reached is no failure.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need_program bench-lock bench-lock
# Two connects at once, for 8 clients on 2 slots; 257 clients of one user are past the quota.
exec "$root/contrib/sim/world" --adapters 1 --devices 0 \
	--set locks.connect=2 --set locks.per_user=1024 -- \
	"$bin/../tests/bench-lock" "$@" "$root/tests/bench/lock_python.py"
