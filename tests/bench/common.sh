# SPDX-License-Identifier: GPL-3.0-or-later
# tests/bench/common.sh - the head of connect.sh and lock.sh, which source it.
set -eu

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$(realpath -m "${BLEHERD_BIN:-$root/build/bin}")
export BLEHERD_BIN=$bin

# need_program NAME TARGET: beside the build's own programs, or what makes it.
need_program() {
	[ ! -x "$bin/../tests/$1" ] || return 0
	echo "${0##*/}: $1 is not built: make $2" >&2
	exit 70
}
