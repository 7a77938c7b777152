#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""herd.py - bleherd from Python, through its command line: herd.py ADDR [COUNT]

Nothing but the standard library: `bleherd ... --json` prints one object, or one per line for what
goes on. Reads the manufacturer's name and the battery, then COUNT notifications.
"""
import json
import subprocess
import sys


class BleherdError(Exception):
    """What the daemon answered instead: `kind` is the class, as in bleherd(1)."""

    def __init__(self, error):
        super().__init__(f"{error['class']}: {error['text']}")
        self.kind = error["class"]
        self.advice = error["advice"]


def bleherd(*words, timeout_s=30):
    """One command, its one object."""
    run = subprocess.run(
        ["bleherd", *words, "--json", "--timeout", str(timeout_s)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False,
        timeout=timeout_s + 10)
    answer = json.loads(run.stdout)
    if "error" in answer:
        raise BleherdError(answer["error"])
    return answer


def notifications(address, uuid, count):
    """Values as they come. Objects with "event" tell of moves, lost links, a restarted daemon."""
    command = ["bleherd", "notify", address, uuid, "--json", "--reconnect", "--count", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            item = json.loads(line)
            if "error" in item:
                raise BleherdError(item["error"])
            if "event" in item:
                print(f"({item['event']})", file=sys.stderr)
            else:
                yield bytes.fromhex(item["hex"])


def main():
    if len(sys.argv) < 2:
        print("usage: herd.py ADDR [COUNT]", file=sys.stderr)
        return 2
    address = sys.argv[1]
    try:
        maker = bytes.fromhex(bleherd("read", address, "2a29")["hex"]).decode()
        battery = bytes.fromhex(bleherd("read", address, "2a19")["hex"])[0]
        print(f"{address}: made by {maker}, battery at {battery} %")
        for value in notifications(address, "fff4", sys.argv[2] if len(sys.argv) > 2 else 3):
            print(int.from_bytes(value, "little"))
    except BleherdError as error:
        print(f"{address}: {error}; {error.advice}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
