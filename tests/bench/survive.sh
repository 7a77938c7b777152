#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# tests/bench/survive.sh [--json FILE] [--only abcd] - what the death of each process costs, and what
# they cost in memory beside bleak. As connect.sh.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need_program connect-client bench-survive
# bleak is the distribution's; another python3 may come first in the path.
if ! /usr/bin/python3 -c 'import bleak' 2>/dev/null; then
	echo "survive.sh: no bleak: contrib/bootstrap bench" >&2
	exit 70
fi
exec /usr/bin/python3 -B "$root/tests/bench/survive.py" "$@"
