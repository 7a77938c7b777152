#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program outside: takes the slot files as bleak-connection-manager's locking does.

Files DIR/bleak-cm-{hciN|default}-slot-{0,1}.lock and ...-scan.lock, made with mode 0666 and opened
for writing, never removed; flock LOCK_EX|LOCK_NB on each slot in turn, tried again every 0.15 s
(scan: 0.25 s) for 15 s (30 s); then it goes on WITHOUT the lock, unless --strict. Release is close.

  outsider.py hold --dir D --adapter hci0 --kind slot --seconds 2    "held 0", then holds
  outsider.py once --dir D --adapter hci0 --kind scan                one try: "held scan" or "busy"
  outsider.py poll --dir D --adapter hci0 --kind slot --hold-ms 20 --think-ms 5 --seconds 3
      a JSON line per turn: start, got, released (CLOCK_MONOTONIC seconds) and held (null: without)

Without --seconds, `hold` and `poll` end when their standard input does. Status: 0; 1
for `once` or --strict without a lock; 2 usage. Dies with its parent.
"""
import argparse
import ctypes
import fcntl
import json
import os
import select
import signal
import sys
import time

MAX_SLOTS = 2
POLL_S = {"slot": 0.15, "scan": 0.25}
TIMEOUT_S = {"slot": 15.0, "scan": 30.0}


def die_with_parent():
    parent = os.getppid()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)     # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        sys.exit(1)


def names(args):
    prefix = f"bleak-cm-{args.adapter or 'default'}"
    if args.kind == "scan":
        return [("scan", f"{prefix}-scan.lock")]
    return [(str(k), f"{prefix}-slot-{k}.lock") for k in range(MAX_SLOTS)]


def try_once(args):
    """(what is held, descriptor), or None. A file that cannot be opened is passed over."""
    for what, name in names(args):
        try:
            fd = os.open(os.path.join(args.dir, name), os.O_CREAT | os.O_WRONLY, 0o666)
        except OSError as error:
            print(f"outsider: {name}: {error.strerror}", file=sys.stderr)
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return what, fd
        except BlockingIOError:
            os.close(fd)
    return None


def acquire(args, timeout_s):
    """Polls as the original does. None: the time is over."""
    until = time.monotonic() + timeout_s
    while True:
        got = try_once(args)
        if got or time.monotonic() >= until:
            return got
        time.sleep(POLL_S[args.kind])


def pause(seconds, watches_stdin):
    """Sleeps; True: the standard input ended meanwhile. seconds None: until then."""
    if not watches_stdin:
        time.sleep(seconds)
        return False
    until = None if seconds is None else time.monotonic() + seconds
    while until is None or time.monotonic() < until:
        left = None if until is None else max(0, until - time.monotonic())
        if select.select([sys.stdin], [], [], left)[0] and not os.read(0, 4096):
            return True
    return False


def hold(args):
    got = acquire(args, args.timeout)
    if not got and args.strict:
        print("busy", flush=True)
        return 1
    print(f"held {got[0]}" if got else "held nothing", flush=True)
    pause(args.seconds or None, watches_stdin=not args.seconds)
    if got:
        os.close(got[1])
    return 0


def once(args):
    got = try_once(args)
    print(f"held {got[0]}" if got else "busy", flush=True)
    return 0 if got else 1


def poll(args):
    until = time.monotonic() + args.seconds if args.seconds else None
    watches_stdin = not args.seconds
    missed = 0
    while until is None or time.monotonic() < until:
        turn = {"start": time.monotonic()}
        got = acquire(args, args.timeout)
        missed += got is None
        turn["got"] = time.monotonic() if got or not args.strict else None
        ended = bool(got or not args.strict) and pause(args.hold_ms / 1000, watches_stdin)
        # Taken before the close: whoever comes next gets it later than this.
        turn["released"] = time.monotonic() if turn["got"] else None
        if got:
            os.close(got[1])
        turn["held"] = got[0] if got else None
        print(json.dumps(turn), flush=True)
        if ended or pause(args.think_ms / 1000, watches_stdin):
            break
    return 1 if args.strict and missed else 0


def main():
    die_with_parent()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=("hold", "poll", "once"))
    parser.add_argument("--dir", default="/run")
    parser.add_argument("--adapter", default="", help="hciN; none: the file of `default`")
    parser.add_argument("--kind", choices=("slot", "scan"), default="slot")
    parser.add_argument("--seconds", type=float, default=0, help="0: until stdin ends")
    parser.add_argument("--timeout", type=float, help="of one acquisition (15; scan: 30)")
    parser.add_argument("--hold-ms", type=float, default=20)
    parser.add_argument("--think-ms", type=float, default=0)
    parser.add_argument("--strict", action="store_true", help="never go on without the lock")
    args = parser.parse_args()
    if args.timeout is None:
        args.timeout = TIMEOUT_S[args.kind]
    return {"hold": hold, "poll": poll, "once": once}[args.mode](args)


if __name__ == "__main__":
    sys.exit(main())
