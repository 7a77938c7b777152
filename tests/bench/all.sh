#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# tests/bench/all.sh [--json FILE] [--only PART[:SECTIONS],...] [--lab] - all benches in one table,
# beside the peers and the goals. Status 0; 1 if something did not work; a goal that is not reached
# is no failure.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

exec /usr/bin/python3 -B "$root/tests/bench/all.py" "$@"
