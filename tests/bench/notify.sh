#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# tests/bench/notify.sh [--json FILE] [--only abc] - notifications to one and to ten programs, beside
# bleak, and what a connect costs as adapters and devices grow. As connect.sh.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need_program connect-client bench-notify
# bleak is the distribution's; another python3 may come first in the path.
if ! /usr/bin/python3 -c 'import bleak' 2>/dev/null; then
	echo "notify.sh: no bleak: contrib/bootstrap bench" >&2
	exit 70
fi
exec /usr/bin/python3 -B "$root/tests/bench/notify.py" "$@"
