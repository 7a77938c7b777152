#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# In a world, in a mount namespace of its own (test_trouble.c): bleherdd with a full run directory.
# Prints what happened, one word per line; the test knows what is right.
dir=$BLEHERD_WORLD/full
mkdir "$dir"
sed "s|^runtime_dir.*|runtime_dir = $dir|" "$BLEHERD_CONFIG" >"$BLEHERD_WORLD/full.conf"
export BLEHERD_SOCKET="$dir/s"

# Full from the start: one line and a status.
mount -t tmpfs -o size=4k,nr_inodes=1 tmpfs "$dir" || exit 1
bleherdd --config "$BLEHERD_WORLD/full.conf" 2>"$BLEHERD_WORLD/full.err"
echo "start=$? lines=$(wc -l <"$BLEHERD_WORLD/full.err")"
umount "$dir"

# Full later: requests and a worker's restart go on.
mount -t tmpfs -o size=64k,nr_inodes=16 tmpfs "$dir" || exit 1
bleherdd --config "$BLEHERD_WORLD/full.conf" 2>/dev/null &
daemon=$!
until bleherd read C0:AA:BB:00:00:01 2a29 >/dev/null 2>&1; do kill -0 $daemon || exit 1; done
dd if=/dev/zero of="$dir/fill" bs=1k 2>/dev/null
echo "filled=$?"
bleherd read C0:AA:BB:00:00:01 2a29 >/dev/null
echo "read=$?"
for pid in $(bleherd adapters --json | grep -o '"worker_pid":[0-9]*' | cut -d: -f2); do
	kill -KILL "$pid"
done
bleherd read C0:AA:BB:00:00:01 2a29 >/dev/null
echo "read=$?"
kill $daemon
wait $daemon
echo "end=$?"
