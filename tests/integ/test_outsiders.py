#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bleherd beside programs that lock the slot files by themselves (tests/support/outsider.py): run on
a world by tests/integ/python.sh."""
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(ROOT, "contrib/python"))
sys.path.insert(0, os.path.join(ROOT, "tests/support"))
from bleherd_lock import BleherdLock, Client, LockTimeout  # noqa: E402
from bleherdd import Bleherdd  # noqa: E402

LIMIT = 5       # seconds for whatever ought to come at once
SECONDS = 4     # of contention
ROUNDS = 20     # of killing all


def outsider(mode, kind, *options, adapter="hci0"):
    program = os.path.join(ROOT, "tests/support/outsider.py")
    name = ["--adapter", adapter] if adapter else []
    return subprocess.Popen(
        [sys.executable, "-B", program, mode, "--dir", os.environ["BLEHERD_LOCK_DIR"],
         "--kind", kind, *name, *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def end(process):
    process.stdin.close()
    process.stdout.close()
    process.wait(LIMIT)


async def saturate(resource, until, held):
    """One of ours: again and again, for as long as it takes; notes when it had it."""
    client = Client(label="ours")
    await client.open()
    try:
        while time.monotonic() < until:
            async with BleherdLock(resource, client=client, timeout=30):
                got = time.monotonic()
                await asyncio.sleep(0.01)
                held.append((got, time.monotonic(), "ours"))
    finally:
        await client.aclose()


async def contend(resource, kind, adapters):
    """Three of ours against outsiders, each of which takes what it can get. All the holds."""
    until = time.monotonic() + SECONDS
    outsiders = [outsider("poll", kind, "--hold-ms", "20", "--think-ms", "5", "--strict",
                          "--seconds", str(SECONDS), adapter=adapter) for adapter in adapters]
    held = []
    try:
        await asyncio.gather(*(saturate(resource, until, held) for _ in range(3)))
        for number, process in enumerate(outsiders):
            for line in process.communicate(timeout=LIMIT + SECONDS)[0].splitlines():
                turn = json.loads(line)
                if turn["held"] is not None:
                    held.append((turn["got"], turn["released"], f"outsider {number}"))
    finally:
        for process in outsiders:
            process.kill()
            process.wait()
            process.stdout.close()
    return sorted(held)


def overlaps(held):
    """Pairs of holds at one time, ours with anybody's."""
    return [(a, b) for i, a in enumerate(held) for b in held[i + 1:]
            if b[0] < a[1] and "ours" in (a[2], b[2])]


class Outsiders(unittest.IsolatedAsyncioTestCase):
    async def check_contention(self, resource, kind, adapters):
        held = await contend(resource, kind, adapters)
        self.assertEqual(overlaps(held), [])
        turns = [sum(who == name for _, _, name in held)
                 for who in ["ours"] + [f"outsider {i}" for i in range(len(adapters))]]
        # They poll every 150 ms at best, and nobody starves.
        self.assertGreater(turns[0], 20)
        for turn in turns[1:]:
            self.assertGreater(turn, 2)
        return held

    async def test_never_a_connect_beside_theirs(self):
        # The world's only adapter is the default one.
        await self.check_contention("connect:hci0", "slot", ["hci0", None])

    async def test_never_two_scans(self):
        held = await self.check_contention("scan:hci0", "scan", ["hci0", "hci0"])
        self.assertEqual([(a, b) for a, b in zip(held, held[1:]) if b[0] < a[1]], [])

    async def test_one_that_is_killed_makes_way_at_once(self):
        for _ in range(20):
            process = outsider("hold", "slot")
            self.assertEqual(process.stdout.readline(), "held 0\n")
            async with Client(label="next") as client:
                with self.assertRaises(LockTimeout):
                    await BleherdLock("connect:hci0", client=client, timeout=0).acquire()
                lock = BleherdLock("connect:hci0", client=client, timeout=LIMIT)
                task = asyncio.ensure_future(lock.acquire())
                await asyncio.sleep(0)
                process.send_signal(signal.SIGKILL)
                await asyncio.wait_for(task, LIMIT)
                await lock.release()
            process.wait()
            end(process)


class DaemonKilled(unittest.IsolatedAsyncioTestCase):
    """bleherdd and all of its children die and start again while a program outside holds."""

    async def once(self):
        process = outsider("hold", "slot")
        try:
            self.assertEqual(process.stdout.readline(), "held 0\n")
            self.daemon.kill()
            self.daemon.start()
            async with Client(label="after") as client:
                lock = BleherdLock("connect:hci0", client=client, timeout=LIMIT)
                task = asyncio.ensure_future(lock.acquire())
                with self.assertRaises(LockTimeout):
                    await BleherdLock("connect:hci0", client=client, timeout=0.05).acquire()
                self.assertFalse(task.done())
                process.kill()
                await asyncio.wait_for(task, LIMIT)
                await lock.release()
        finally:
            process.kill()
            end(process)

    async def test_all_start_again(self):
        self.daemon = Bleherdd()
        self.addCleanup(self.daemon.close)
        for _ in range(ROUNDS):
            await self.once()


if __name__ == "__main__":
    unittest.main()
