#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""contrib/python/bleherd_lock.py on a whole world: run by tests/integ/python.sh, which sets the
lease of class interactive to 1 s and the grace to 0.2 s."""
import asyncio
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(ROOT, "contrib/python"))
sys.path.insert(0, os.path.join(ROOT, "tests/support"))
from bleherd_lock import (  # noqa: E402
    BleherdLock, Client, LockRefused, LockTimeout, NoDaemon, SyncLock)
from bleherdd import Bleherdd  # noqa: E402

LIMIT = 5       # seconds for whatever ought to come at once
CONNECT, SCAN, DEVICE = "connect:hci0", "scan:hci0", "device:C0:AA:BB:00:00:00"
LEASE = 1.0
ROUNDS = 20     # of killing bleherdd


def daemon_pid():
    return int(os.environ["BLEHERD_DAEMON_PID"])


def lockd_pid():
    """The child of bleherdd that is the arbiter."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                name, rest = file.read().rsplit(")", 1)
            if name.endswith("(bleherd-lockd") and int(rest.split()[1]) == daemon_pid():
                return int(pid)
    raise AssertionError("bleherdd has no lockd")


def dirty_ends():
    """How often a holder of connect has ended without a word, as far as bleherdd knows."""
    bleherd = os.path.join(os.environ["BLEHERD_BIN"], "bleherd")
    events = subprocess.run([bleherd, "events", "--json"], stdout=subprocess.PIPE, timeout=LIMIT,
                            check=True)
    return events.stdout.count(b"lock-dirty")


def is_locked(name):
    """Whether a program outside would find that slot file locked."""
    path = os.path.join(os.environ["BLEHERD_LOCK_DIR"], f"bleak-cm-hci0-{name}.lock")
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


async def until_free(name):
    """The arbiter has descriptors of it until it has followed its daemon."""
    while is_locked(name):
        await asyncio.sleep(0.01)


def soon(awaitable):
    return asyncio.wait_for(awaitable, LIMIT)


async def waiting(lock):
    """A task that waits for the lock, once the arbiter knows of it: by asking for something that
    comes behind it on the same connection."""
    task = asyncio.ensure_future(lock.acquire())
    await asyncio.sleep(0)
    async with BleherdLock("device:C0:AA:BB:00:00:99", client=lock._client):
        return task


class World(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.client = Client(label="first")
        await self.client.open()
        self.addAsyncCleanup(self.client.aclose)

    def lock(self, *resources, **options):
        return BleherdLock(*resources, client=self.client, **options)

    async def test_acquire_and_release(self):
        async with BleherdLock(CONNECT, DEVICE, timeout=LIMIT) as lock:
            first = lock.grant
            self.assertTrue(is_locked("slot-0"))
        self.assertEqual(lock.grant, 0)
        # At once: a holder that ends without a word would block `connect` for up to 2 s.
        async with BleherdLock(CONNECT, timeout=0) as lock:
            self.assertGreater(lock.grant, first)
        async with self.lock(SCAN) as lock:
            self.assertTrue(is_locked("scan"))
        async with self.lock(SCAN):     # behind the release on that connection
            pass
        self.assertIs(lock.lost.is_set(), False)

    async def test_release_is_no_abrupt_end(self):
        before = dirty_ends()
        lock = BleherdLock(CONNECT, timeout=LIMIT)
        await lock.acquire()
        pid = lockd_pid()
        os.kill(pid, signal.SIGSTOP)    # far below the second after which it counts as hung
        try:
            task = asyncio.ensure_future(lock.release())
            await asyncio.wait([task], timeout=0.2)
        finally:
            os.kill(pid, signal.SIGCONT)
        await soon(task)
        async with self.lock(CONNECT, timeout=LIMIT):
            self.assertEqual(dirty_ends(), before)

    async def test_two_programs_exclude_each_other(self):
        async with BleherdLock(CONNECT, DEVICE, label="second") as other:
            with self.assertRaises(LockTimeout):
                await self.lock(DEVICE, timeout=0).acquire()
            began = time.monotonic()
            with self.assertRaises(LockTimeout):
                await self.lock(CONNECT, timeout=0.2).acquire()
            self.assertGreaterEqual(time.monotonic() - began, 0.2)
            mine = self.lock(CONNECT, timeout=LIMIT)
            task = await waiting(mine)
            self.assertFalse(task.done())
            number = other.grant
        await soon(task)
        self.assertGreater(mine.grant, number)
        await mine.release()

    async def test_refusals(self):
        for names, reason in ((["radio:hci0"], "invalid"), ([CONNECT, CONNECT], "invalid"),
                              (["device:nobody"], "invalid")):
            with self.subTest(names=names), self.assertRaises(LockRefused) as refused:
                await self.lock(*names).acquire()
            self.assertEqual(refused.exception.reason, reason)
            self.assertTrue(refused.exception.text)
        with self.assertRaises(LockRefused) as refused:
            await self.lock(CONNECT, under=1, timeout=LIMIT).acquire()
        self.assertEqual(refused.exception.reason, "fenced")

    async def test_limit_of_a_program(self):
        locks = [self.lock(SCAN, timeout=LIMIT) for _ in range(100)]
        tasks = [asyncio.ensure_future(lock.acquire()) for lock in locks]
        done, _ = await asyncio.wait(tasks, timeout=LIMIT, return_when=asyncio.FIRST_EXCEPTION)
        refused = [task.exception() for task in done if task.exception()]
        self.assertEqual({error.reason for error in refused}, {"limit"})
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lock in locks:
            await lock.release()
        async with self.lock(SCAN, timeout=0):
            pass                # nothing of them is left

    async def test_turns_and_cancel(self):
        order = []
        async with self.lock(SCAN):
            locks = [BleherdLock(SCAN, timeout=LIMIT, client=self.client) for _ in range(3)]
            tasks = [await waiting(lock) for lock in locks]
            tasks[1].cancel()
            await asyncio.wait([tasks[1]], timeout=LIMIT)
            self.assertTrue(tasks[1].cancelled())
        for i in (0, 2):
            await soon(tasks[i])
            order.append(locks[i].grant)
            await locks[i].release()
        self.assertEqual(order, sorted(order))

    async def test_under_another_grant(self):
        async with BleherdLock(CONNECT, DEVICE, timeout=LIMIT) as outer:
            inner = self.lock(CONNECT, under=outer.grant, timeout=LIMIT)
            await inner.acquire()
            self.assertGreater(inner.grant, outer.grant)
        await soon(inner.lost.wait())

    async def test_renewed_while_held(self):
        async with self.lock(CONNECT, lock_class="interactive") as lock:
            waiter = BleherdLock(CONNECT, timeout=LIMIT, label="second")
            task = asyncio.ensure_future(waiter.acquire())
            await soon(lock.wanted.wait())
            await asyncio.sleep(2.2 * LEASE)
            self.assertFalse(task.done() or lock.revoked.is_set())
        await soon(task)
        await waiter.release()

    async def test_max_hold(self):
        async with self.lock(SCAN, max_hold=0.3) as lock:
            began = time.monotonic()
            task = await waiting(self.lock(SCAN, timeout=LIMIT))
            await soon(lock.revoked.wait())
            self.assertGreater(time.monotonic() - began, 0.25)
            self.assertFalse(lock.lost.is_set() or task.done())
            self.assertGreater(lock.grace, 0)
            await soon(lock.lost.wait())
            self.assertEqual(lock.grant, 0)
            await soon(task)

    async def test_blocked_program_loses_it(self):
        lock = self.lock(SCAN, lock_class="interactive")
        await lock.acquire()
        # Not the loop: its renewals, as if it were stopped for that long.
        lock._stop_timer()
        async with BleherdLock(SCAN, timeout=LIMIT) as other:
            self.assertTrue(lock.lost.is_set() or await soon(lock.lost.wait()))
            self.assertGreater(other.grant, 0)

    async def test_arbiter_killed(self):
        held = self.lock(CONNECT, DEVICE, timeout=LIMIT)
        await held.acquire()
        number = held.grant
        second = BleherdLock(CONNECT, timeout=LIMIT, label="second")
        task = asyncio.ensure_future(second.acquire())
        with self.assertRaises(LockTimeout):
            await self.lock(CONNECT, timeout=0.1).acquire()
        before = lockd_pid()
        os.kill(before, signal.SIGKILL)
        self.assertTrue(is_locked("slot-0"))
        async with self.lock(SCAN, timeout=LIMIT) as lock:      # the next arbiter's
            self.assertNotEqual(lockd_pid(), before)
            self.assertGreater(lock.grant, number)
        self.assertFalse(held.lost.is_set() or task.done())
        self.assertTrue(is_locked("slot-0"))
        with self.assertRaises(LockTimeout):
            await self.lock(DEVICE, timeout=0).acquire()
        self.assertEqual(held.grant, number)
        await held.release()
        await soon(task)
        self.assertGreater(second.grant, number)
        await second.release()

    async def test_program_outside(self):
        outsider = await asyncio.create_subprocess_exec(
            sys.executable, "-B", os.path.join(ROOT, "tests/support/outsider.py"), "hold",
            "--dir", os.environ["BLEHERD_LOCK_DIR"], "--adapter", "hci0", "--kind", "scan",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(await soon(outsider.stdout.readline()), b"held scan\n")
        with self.assertRaises(LockTimeout):
            await self.lock(SCAN, timeout=0.1).acquire()
        task = await waiting(self.lock(SCAN, timeout=LIMIT))
        outsider.stdin.close()
        await soon(task)
        self.assertEqual(await soon(outsider.wait()), 0)

    async def test_sync_lock(self):
        def work():
            with SyncLock(SCAN, timeout=LIMIT, lock_class="interactive") as lock:
                first = lock.grant
                with self.assertRaises(LockTimeout):
                    SyncLock(SCAN, timeout=0).acquire()
                time.sleep(1.5 * LEASE)         # renewed by its thread
                self.assertEqual(lock.grant, first)
            with SyncLock(SCAN, timeout=0) as lock:
                self.assertGreater(lock.grant, first)

        await asyncio.get_running_loop().run_in_executor(None, work)


class DaemonKilled(unittest.IsolatedAsyncioTestCase):
    async def once(self):
        async with Client() as client:
            held = BleherdLock(CONNECT, client=client)
            await held.acquire()
            task = await waiting(BleherdLock(CONNECT, client=client))
            self.daemon.kill()
            await soon(held.lost.wait())
            self.assertTrue(is_locked("slot-0"))
            await held.release()
            await soon(until_free("slot-0"))
            with self.assertRaises(NoDaemon):
                await soon(task)
        with self.assertRaises(NoDaemon) as refused:
            await BleherdLock(CONNECT).acquire()
        self.assertIn(os.environ["BLEHERD_SOCKET"], str(refused.exception))

    async def test_daemon_killed(self):
        self.daemon = Bleherdd()
        self.addCleanup(self.daemon.close)
        for _ in range(ROUNDS):
            await self.once()
            self.daemon.start()


if __name__ == "__main__":
    unittest.main()
