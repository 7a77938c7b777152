#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# tests/bench/connect.sh [--json FILE] [--only abcde] - bleherd beside bleak, in worlds of their own.
# BLEHERD_BIN says which build (build/bin); connect-client is expected in ../tests of that. Status 0, 1
# if something did not work; a goal that is not reached is no failure.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need_program connect-client bench-connect
# bleak is the distribution's; another python3 may come first in the path.
if ! /usr/bin/python3 -c 'import bleak' 2>/dev/null; then
	echo "connect.sh: no bleak: contrib/bootstrap bench" >&2
	exit 70
fi
exec /usr/bin/python3 -B "$root/tests/bench/connect.py" "$@"
