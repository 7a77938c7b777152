#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that shares the radios by flock(2) on the slot files, and knows nothing of bleherd.

Takes them as bleak-connection-manager does: files DIR/bleak-cm-hciN-slot-{0,1}.lock (connect) and
...-scan.lock, made with mode 0666, opened for writing, never removed; LOCK_EX|LOCK_NB on each slot
in turn, again every 0.15 s (scan: 0.25 s). DIR is $BLEHERD_LOCK_DIR.

Obeys lines on its standard input, one answer each: `take SECONDS connect:hci0` (or scan:hci0) -
"held", or "busy" when that time is over; `drop` - "free". Ends when its standard input does.
"""
import fcntl
import os
import sys
import time

POLL_S = {"connect": 0.15, "scan": 0.25}


def files(resource):
    kind, _, adapter = resource.partition(":")
    folder = os.environ.get("BLEHERD_LOCK_DIR", "/run")
    last = ["scan"] if kind == "scan" else ["slot-0", "slot-1"]
    return [os.path.join(folder, f"bleak-cm-{adapter}-{name}.lock") for name in last]


def try_once(names):
    for name in names:
        fd = os.open(name, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            os.close(fd)
    return None


def take(timeout_s, resource):
    names, pause_s = files(resource), POLL_S[resource.partition(":")[0]]
    until = time.monotonic() + timeout_s
    while True:
        fd = try_once(names)
        if fd is not None or time.monotonic() >= until:
            return fd
        time.sleep(pause_s)


def say(word):
    """One write, whatever Python makes of its buffers: whoever hears it acts at once."""
    os.write(1, f"{word}\n".encode())


def main():
    fd = None
    for line in sys.stdin:
        words = line.split()
        if len(words) == 3 and words[0] == "take" and fd is None:
            fd = take(float(words[1]), words[2])
            say("busy" if fd is None else "held")
        elif words == ["drop"] and fd is not None:
            os.close(fd)
            fd = None
            say("free")
        else:
            print(f"outsider: cannot '{line.strip()}' now", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
