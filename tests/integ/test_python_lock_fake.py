#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""contrib/python/bleherd_lock.py against a daemon and an arbiter played here: codec, channel, and
what a real arbiter does rarely. Run by tests/integ/python.sh; needs nothing that runs."""
import asyncio
import os
import socket
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../contrib/python"))
import bleherd_lock as bl  # noqa: E402

LIMIT = 5       # seconds for whatever ought to come at once
HCI0 = "connect:hci0"


class Codec(unittest.TestCase):
    # Packed by protobuf-c from ipc/lock.proto and ipc/session.proto.
    GOLDEN = [
        (bl._ACQUIRE, {"resources": [HCI0, "device:C0:AA:BB:00:00:01"], "lock_class": 2,
                       "timeout_ms": 15000, "max_hold_ms": 300, "label": "x",
                       "under": 9007199254740993},
         "0a0c636f6e6e6563743a686369300a186465766963653a43303a41413a42423a30303a30303a30311002"
         "18987520ac022a0178308180808080808010"),
        (bl._HELD, {"grant": 300, "resources": ["scan:hci0"], "lock_class": 4, "max_hold_ms": 1000,
                    "under": 7, "label": "y"},
         "08ac0212097363616e3a68636930180420e8072807320179"),
        (bl._GRANTED, {"grant": 2**64 - 1, "waited_ms": 5, "lease_ms": 30000},
         "08ffffffffffffffffff01100518b0ea01"),
        (bl._REVOKED, {"grant": 1, "text": "t", "reason": 7, "grace_ms": 500},
         "0801120174180720f403"),
        (bl._REFUSED, {"text": "no", "reason": 6}, "0a026e6f1006"),
        (bl._RENEWED, {"lease_ms": 30000, "wanted": 1}, "08b0ea011001"),
        (bl._HELLO, {"version": 1, "label": "z"}, "080112017a"),
        (bl._GRANT, {"grant": 128}, "088001"),
        (bl._ERROR, {"class": 28, "text": "a", "advice": "b"}, "081c1201611a0162"),
    ]

    def test_both_ways(self):
        for fields, values, packed in self.GOLDEN:
            with self.subTest(values=values):
                self.assertEqual(bl.encode(fields, **values).hex(), packed)
                self.assertEqual(bl.decode(fields, bytes.fromhex(packed)), values)

    def test_fields_of_a_newer_arbiter(self):
        newer = "5801" + "620161" + "690102030405060708" + "7501020304"     # 11 to 14, all types
        self.assertEqual(bl.decode(bl._GRANT, bytes.fromhex(newer + "088001")), {"grant": 128})

    def test_malformed(self):
        for packed in ("08", "0880", "08" + "80" * 10 + "01", "1203", "120561", "0b", "0a0161",
                       "1001", "6901"):
            with self.subTest(packed=packed), self.assertRaises(ValueError):
                bl.decode(bl._REVOKED, bytes.fromhex(packed))


class Channel(unittest.IsolatedAsyncioTestCase):
    """One side is a bare socket."""

    def setUp(self):
        self.bare, self.ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(self.bare.close)
        self.bare.setblocking(False)
        self.frames, self.ends = [], []

    async def asyncSetUp(self):
        self.channel = bl._Channel(self.ours, lambda *frame: self.frames.append(frame[:3]),
                                   self.ends.append)
        self.addCleanup(self.channel.close)

    async def settle(self):
        """The channel has read all that was sent to it before."""
        for _ in range(3):
            await asyncio.sleep(0)

    def read(self):
        data, fds, _, _ = socket.recv_fds(self.bare, 65536, 4)
        for fd in fds:
            os.close(fd)
        return data.hex(), len(fds)

    async def test_header(self):
        self.channel.send(0x0102, 0x03040506, b"\x07")
        self.assertEqual(self.read(), ("42480100" "02010000" "06050403" "00000000" "07", 0))

    async def test_one_frame_with_descriptors_unread(self):
        fd = os.open("/dev/null", os.O_RDONLY)
        for number in range(1, 4):
            self.channel.send(number, fds=[fd])
        os.close(fd)            # those that wait have a duplicate
        self.channel.send(4)
        for number, seen in ((1, 1), (2, 2)):
            self.assertEqual(self.read(), (f"4248010{0}{number:02x}00{'00' * 10}", 1))
            self.assertEqual(self.read(), (f"42480100{'0000'}0100{'00' * 8}", 0), "no PING")
            self.assertRaises(BlockingIOError, self.read)
            self.bare.send(bytes.fromhex(f"424801{seen:02x}{'00' * 12}"))
            await self.settle()
        self.assertEqual(self.read()[1], 1)
        self.assertEqual(self.read(), (f"42480100{'0400'}{'00' * 10}", 0))

    async def test_says_what_it_has_seen(self):
        with open("/dev/null", "rb") as null:
            socket.send_fds(self.bare, [bytes.fromhex(f"424801000900{'00' * 10}")],
                            [null.fileno()])
        self.bare.send(bytes.fromhex(f"42480100{'0000'}0100{'00' * 8}"))
        await self.settle()
        self.assertEqual([frame[0] for frame in self.frames], [9])
        self.assertEqual(self.read(), (f"42480101{'00' * 12}", 0))

    async def test_bad_frames(self):
        for bad in (b"x", b"\0" * 16, bytes.fromhex(f"42480105{'00' * 12}"),
                    bytes.fromhex(f"424801000900{'00' * 10}") + b"x" * 5000):
            self.setUp()
            await self.asyncSetUp()
            self.bare.send(bad)
            await self.settle()
            self.assertEqual((len(self.ends), self.frames), (1, []))

    async def test_reads_on_after_a_reset(self):
        self.channel.send(1)    # unread by the other side: its close is a reset
        self.bare.send(bytes.fromhex(f"424801000900{'00' * 10}"))
        self.bare.close()
        await self.settle()
        self.assertEqual([frame[0] for frame in self.frames], [9])
        self.assertEqual(len(self.ends), 1)


class Fake:
    """bleherdd and its arbiter: answers HELLO and LOCK_OPEN, the rest is up to the test."""

    def __init__(self, path):
        self.loop = asyncio.get_running_loop()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.listener.listen()
        self.listener.setblocking(False)
        self.loop.add_reader(self.listener, self.accept)
        self.controls, self.lock, self.is_up = [], None, True
        self.opened = asyncio.Queue()
        self.frames = asyncio.Queue()
        self.fds = []

    def close(self):
        self.loop.remove_reader(self.listener)
        self.listener.close()
        for channel in self.controls + [self.lock]:
            if channel:
                channel.close()
        bl._close_all(self.fds)

    def accept(self):
        sock, _ = self.listener.accept()
        control = bl._Channel(sock, lambda *frame: self.on_control(control, *frame),
                              lambda _: None)
        self.controls.append(control)

    def on_control(self, control, kind, ident, body, _):
        if kind == bl._C_HELLO:
            control.send(32, ident)
            return
        self.opened.put_nowait((control, ident))
        if self.is_up:
            self.answer()

    def answer(self):
        control, ident = self.opened.get_nowait()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            control.send(bl._C_LOCK_OPENED, ident, fds=[theirs.fileno()])
        self.lock = bl._Channel(ours, self.on_lock, lambda _: self.frames.put_nowait((None,) * 3))

    def on_lock(self, kind, ident, body, fds):
        self.fds += fds
        self.frames.put_nowait((kind, ident, (body, len(fds))))
        del fds[:]

    async def expect(self, kind, fields=None):
        """The next frame, which has to be that: (id, message, number of descriptors)."""
        got, ident, rest = await asyncio.wait_for(self.frames.get(), LIMIT)
        assert got == kind, f"frame {got} came, not {kind}"
        if kind is None:
            return None
        return ident, bl.decode(fields or {}, rest[0]), rest[1]

    async def acquire(self, *resources, first=True, grant=None, lease_ms=60000, fds=(), **options):
        """A lock that is granted, or if grant is None the task that waits for it and the id."""
        lock = bl.BleherdLock(*resources, **options)
        task = asyncio.ensure_future(lock.acquire())
        if first:
            await self.expect(bl._L_HELLO)
        ident, said, _ = await self.expect(bl._L_ACQUIRE, bl._ACQUIRE)
        assert said["resources"] == list(resources), said
        if grant is None:
            return lock, task, ident
        self.lock.send(bl._L_GRANTED, ident, bl.encode(bl._GRANTED, grant=grant, waited_ms=1,
                                                       lease_ms=lease_ms), fds)
        await asyncio.wait_for(task, LIMIT)
        return lock


class Arbiter(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "s")
        os.environ["BLEHERD_SOCKET"] = self.path
        self.fake = Fake(self.path)
        self.addCleanup(self.fake.close)
        self.events = []

    def on_event(self, lock, what, text):
        self.events.append(what)

    async def test_grant_and_release(self):
        read, write = os.pipe()
        lock = await self.fake.acquire(HCI0, grant=300, fds=[read], timeout=7)
        os.close(read)
        self.assertEqual(lock.grant, 300)
        os.write(write, b"x")           # the lock keeps the descriptor it got
        await lock.release()
        _, said, _ = await self.fake.expect(bl._L_RELEASE, bl._GRANT)
        self.assertEqual(said, {"grant": 300})
        await self.fake.expect(None)
        self.assertRaises(BrokenPipeError, os.write, write, b"x")
        os.close(write)

    async def test_timed_out_and_refused(self):
        lock, task, ident = await self.fake.acquire(HCI0)
        self.fake.lock.send(bl._L_TIMED_OUT, ident)
        with self.assertRaises(bl.LockTimeout):
            await asyncio.wait_for(task, LIMIT)
        await self.fake.expect(None)
        lock, task, ident = await self.fake.acquire(HCI0)
        self.fake.lock.send(bl._L_REFUSED, ident, bl.encode(bl._REFUSED, text="no", reason=2))
        with self.assertRaises(bl.LockRefused) as refused:
            await asyncio.wait_for(task, LIMIT)
        self.assertEqual((refused.exception.reason, refused.exception.text), ("limit", "no"))

    async def test_arbiter_that_does_not_answer(self):
        lock, task, ident = await self.fake.acquire(HCI0, timeout=0)
        self.assertEqual((await self.fake.expect(bl._L_CANCEL))[0], ident)
        self.fake.lock.send(bl._L_CANCELLED, ident)
        with self.assertRaises(bl.LockTimeout):
            await asyncio.wait_for(task, LIMIT)

    async def test_cancelled_too_late(self):
        lock, task, ident = await self.fake.acquire(HCI0)
        task.cancel()
        self.assertEqual((await self.fake.expect(bl._L_CANCEL))[0], ident)
        self.fake.lock.send(bl._L_GRANTED, ident, bl.encode(bl._GRANTED, grant=8))
        self.assertEqual((await self.fake.expect(bl._L_RELEASE, bl._GRANT))[1], {"grant": 8})
        with self.assertRaises(asyncio.CancelledError):
            await task
        await self.fake.expect(None)

    async def test_cancelled_when_just_granted(self):
        lock, task, ident = await self.fake.acquire(HCI0)
        lock._on_granted({"grant": 9}, [])
        task.cancel()
        self.assertEqual((await self.fake.expect(bl._L_RELEASE, bl._GRANT))[1], {"grant": 9})
        with self.assertRaises(asyncio.CancelledError):
            await task

    async def renewal(self, grant):
        ident, said, _ = await self.fake.expect(bl._L_RENEW, bl._GRANT)
        self.assertEqual(said, {"grant": grant})
        return ident

    async def test_renewal(self):
        lock = await self.fake.acquire(HCI0, grant=5, lease_ms=300, on_event=self.on_event)
        ident = await self.renewal(5)
        self.fake.lock.send(bl._L_RENEWED, ident, bl.encode(bl._RENEWED, lease_ms=300, wanted=1))
        await asyncio.wait_for(lock.wanted.wait(), LIMIT)
        ident = await self.renewal(5)
        self.fake.lock.send(bl._L_REFUSED, ident, bl.encode(bl._REFUSED, text="over", reason=6))
        await asyncio.wait_for(lock.lost.wait(), LIMIT)
        await asyncio.sleep(0)
        self.assertEqual((lock.grant, lock.why, self.events), (0, "over", ["wanted", "lost"]))
        await lock.release()
        await self.fake.expect(None)

    async def test_no_renewal_with_max_hold(self):
        lock = await self.fake.acquire(HCI0, grant=5, lease_ms=200, max_hold=0.2)
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(self.fake.frames.get(), 0.3)
        self.fake.lock.send(bl._L_REVOKED, 0, bl.encode(bl._REVOKED, grant=5, reason=7, text="x",
                                                        grace_ms=400))
        await asyncio.wait_for(lock.revoked.wait(), LIMIT)
        self.assertEqual((lock.grant, lock.grace, lock.lost.is_set()), (5, 0.4, False))
        self.fake.lock.send(bl._L_REVOKED, 0, bl.encode(bl._REVOKED, grant=5, reason=7))
        await asyncio.wait_for(lock.lost.wait(), LIMIT)
        await lock.release()
        await self.fake.expect(None)

    async def test_restart_of_the_arbiter(self):
        async with bl.Client() as client:
            with open("/dev/null", "rb") as null:
                fds = [null.fileno()]
                young = await self.fake.acquire(HCI0, grant=12, fds=fds, client=client)
                old = await self.fake.acquire("scan:hci0", grant=11, fds=fds, client=client,
                                              first=False, max_hold=9, label="s")
            waiter, task, _ = await self.fake.acquire(HCI0, client=client, first=False, timeout=60)
            self.fake.is_up = False
            self.fake.lock.close()
            await asyncio.sleep(0.05)   # of its time to wait
            self.fake.answer()
            await self.fake.expect(bl._L_HELLO)
            _, said, n_fds = await self.fake.expect(bl._L_HELD, bl._HELD)
            self.assertEqual((said, n_fds), ({"grant": 11, "resources": ["scan:hci0"],
                                              "max_hold_ms": 9000, "label": "s"}, 1))
            _, said, n_fds = await self.fake.expect(bl._L_HELD, bl._HELD)
            self.assertEqual((said["grant"], n_fds), (12, 1))
            await self.renewal(12)
            ident, said, _ = await self.fake.expect(bl._L_ACQUIRE, bl._ACQUIRE)
            self.assertLess(said["timeout_ms"], 59960)
            self.fake.lock.send(bl._L_REVOKED, 0, bl.encode(bl._REVOKED, grant=12, reason=8))
            await asyncio.wait_for(young.lost.wait(), LIMIT)
            self.fake.lock.send(bl._L_GRANTED, ident, bl.encode(bl._GRANTED, grant=99))
            await asyncio.wait_for(task, LIMIT)
            self.assertEqual((old.grant, waiter.grant), (11, 99))

    async def test_garbage_from_the_arbiter(self):
        lock = await self.fake.acquire(HCI0, grant=4)
        self.fake.lock.send(77, 5, b"of a newer version")
        self.fake.lock.send(bl._L_REVOKED, 0, b"\xff")
        await self.fake.expect(None)
        await self.fake.expect(bl._L_HELLO)
        self.assertEqual((await self.fake.expect(bl._L_HELD, bl._HELD))[1]["grant"], 4)
        self.assertFalse(lock.lost.is_set())
        await lock.release()

    async def test_arbiter_that_drops_us(self):
        task = asyncio.ensure_future(bl.BleherdLock(HCI0, timeout=0.5).acquire())
        asked = 0
        while True:
            hello = asyncio.ensure_future(self.fake.expect(bl._L_HELLO))
            await asyncio.wait([hello, task], timeout=LIMIT, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                break
            asked += 1
            await hello
            await self.fake.expect(bl._L_ACQUIRE, bl._ACQUIRE)
            self.fake.lock.send(38, 1)
            self.fake.lock.close()
        hello.cancel()
        self.assertIsInstance(task.exception(), bl.LockTimeout)
        self.assertTrue(2 < asked < 9, asked)

    async def test_end_of_the_daemon(self):
        async with bl.Client() as client:
            held = await self.fake.acquire(HCI0, grant=4, client=client)
            _, task, _ = await self.fake.acquire(HCI0, client=client, first=False)
            self.fake.controls[0].close()
            await asyncio.wait_for(held.lost.wait(), LIMIT)
            with self.assertRaises(bl.NoDaemon):
                await asyncio.wait_for(task, LIMIT)
            with self.assertRaises(bl.NoDaemon):
                await bl.BleherdLock(HCI0, client=client).acquire()

    async def test_parked_arbiter(self):
        self.fake.is_up = False
        task = asyncio.ensure_future(bl.BleherdLock(HCI0).acquire())
        control, ident = await asyncio.wait_for(self.fake.opened.get(), LIMIT)
        control.send(bl._C_ERROR, ident, bl.encode(bl._ERROR, text="it is parked", advice="mend"))
        with self.assertRaisesRegex(bl.NoDaemon, "it is parked; mend"):
            await asyncio.wait_for(task, LIMIT)

    async def test_other_version(self):
        task = asyncio.ensure_future(bl.BleherdLock(HCI0).acquire())
        ident, _, _ = await self.fake.expect(bl._L_HELLO)
        self.fake.lock.send(bl._L_REFUSED, ident, bl.encode(bl._REFUSED, text="2", reason=9))
        with self.assertRaises(bl.LockRefused) as refused:
            await asyncio.wait_for(task, LIMIT)
        self.assertEqual(refused.exception.reason, "version")

    async def test_bad_arguments(self):
        for resources, options in (((), {}), ((7,), {}), ((HCI0,) * 5, {}), (("x" * 64,), {}),
                                   ((HCI0,), {"under": "x"}), ((HCI0,), {"timeout": -1}),
                                   ((HCI0,), {"timeout": float("nan")}),
                                   ((HCI0,), {"max_hold": 0}), ((HCI0,), {"lock_class": "first"})):
            with self.subTest(options=options), self.assertRaises(ValueError):
                bl.BleherdLock(*resources, **options)

    async def test_sync_lock(self):
        def work():
            with bl.SyncLock(HCI0) as lock:
                return lock.grant

        worker = self.fake.loop.run_in_executor(None, work)
        await self.fake.expect(bl._L_HELLO)
        ident, _, _ = await self.fake.expect(bl._L_ACQUIRE, bl._ACQUIRE)
        self.fake.lock.send(bl._L_GRANTED, ident, bl.encode(bl._GRANTED, grant=6))
        self.assertEqual(await asyncio.wait_for(worker, LIMIT), 6)
        self.assertEqual((await self.fake.expect(bl._L_RELEASE, bl._GRANT))[1], {"grant": 6})


if __name__ == "__main__":
    unittest.main()
