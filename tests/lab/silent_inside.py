# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/lab/silent does inside the lab. One line per step; the first that fails ends it."""
import signal
import time

import lab
from lab import Command, fault, need, ok, run

SILENT, OTHER = "C0:AA:BB:00:00:00", "C0:AA:BB:00:00:01"
# HEARD_MS and DIRECT_MS of worker/link_connect.c; emulation takes the rest.
HEARD_S, DIRECT_S, SLOW_S = 30, 5, 6


def connect(name, address, limit_s):
    command = run("connect", address, "--timeout", "60")
    need(command.status == 0 and command.ms <= limit_s * 1000, f"{name}: {command}")
    ok(name, f"{command.ms / 1000:5.1f} s  {command.said.strip()}")


def introduce(address):
    """BlueZ forgets a stranger 30 s after its link has ended, a trusted one not."""
    program = Command("notify", address, "fff4")
    program.process.stdout.readline()
    lab.set_property(lab.device_path(address), "Device1", "Trusted", "true")
    program.stop()


def another_meanwhile():
    """The silent one is tried, then sought; and found when it comes back."""
    waiting = Command("connect", SILENT, "--timeout", "60")
    time.sleep(1)
    connect("another one while the silent one is tried", OTHER, DIRECT_S + SLOW_S)
    fault(f"silent {SILENT} off")
    came = time.monotonic()
    need(waiting.end().status == 0, f"found when it comes back: {waiting}")
    ok("found when it comes back", f"{time.monotonic() - came:5.1f} s  {waiting.said.strip()}")
    # What was tried first did not reach it; what is found by discovery is a second attempt.
    need(waiting.objects()[0]["attempts"] == 2, f"tried first, then sought: {waiting}")


def another_after(how, number):
    """Nobody waits for the silent one any more once its program has ended."""
    program = Command("connect", SILENT, "--timeout", "60")
    time.sleep(2)
    program.process.send_signal(number)
    program.end()
    connect(f"another one, its program was {how}", OTHER, SLOW_S)


def main():
    introduce(SILENT)
    introduce(OTHER)
    connect("known", SILENT, SLOW_S)
    connect("the other one, known", OTHER, SLOW_S)
    fault(f"silent {SILENT} on")
    time.sleep(HEARD_S + 2)  # the time itself is what it is about
    another_meanwhile()
    fault(f"silent {SILENT} on")
    another_after("killed", signal.SIGKILL)
    another_after("interrupted", signal.SIGINT)
    fault(f"silent {SILENT} off")
    connect("the silent one is there again", SILENT, 2 * SLOW_S)


lab.main("silent", main)
