#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# In a world (test_bluez.c): a second bleherdd that is first in a pid namespace of its own, so that
# everybody else is in another one and has no pid there. Prints what happened; the test judges.
dir=$BLEHERD_WORLD/foreign
mkdir "$dir" "$dir/locks"
sed -e "s|^runtime_dir.*|runtime_dir = $dir|" -e "s|^socket.*|socket = $dir/s|" \
	-e "s|^dir = .*|dir = $dir/locks|" "$BLEHERD_CONFIG" >"$dir/conf"
export BLEHERD_SOCKET="$dir/s"

setpriv --pdeathsig KILL unshare "$@" --fork --pid --kill-child bleherdd --config "$dir/conf" 2>"$dir/log" &
daemon=$!
# unshare takes no SIGTERM; its child goes with it.
trap 'kill -KILL $daemon' EXIT
until bleherd read C0:AA:BB:00:00:01 2a29 >/dev/null 2>&1; do kill -0 $daemon || exit 1; done
bleherd read C0:AA:BB:00:00:01 2a29 >/dev/null
echo "read=$?"
bleherd events --json | grep session-opened | grep -q '(pid 0)'
echo shown=$?
bleherd lock hci0 connect -- bleherd read C0:AA:BB:00:00:02 2a29 >/dev/null
echo "under=$?"
bleherd events --json | grep -c '"event":"client-foreign'
