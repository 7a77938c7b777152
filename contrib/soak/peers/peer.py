#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One client of the soak that uses bleak instead of bleherd: what contrib/soak/client_use.c does.

    peer.py ROLE NUMBER RANK --adapters N --devices N --seed S --log FILE [--locks]

Notes in FILE, a line of JSON each, what it asks and what becomes of it; judge.py reads that. Prints
"ready" when bleak is loaded, begins with the first line on its standard input and comes to its end
when that ends.
"""
import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import sys
import time

from bleak import BleakClient, BleakScanner
from bleak.exc import BleakDBusError, BleakDeviceNotFoundError, BleakError

import known
import logs
import slots

ECHO = "0000fff3-0000-1000-8000-00805f9b34fb"
COUNTER = "0000fff4-0000-1000-8000-00805f9b34fb"
# As contrib/soak's own clients: client.h, client_use.c, client_lock.c.
WAIT_S = 10
THINK_S, SUBSCRIBER_S, SCAN_S, PAUSE_S = 0.1, 1, 1.5, 1
HOLD_S, TURN_PAUSE_S = 0.15, 0.4
STAY_ROUNDS = 30
STAGGER_S = 2
# A search that finds nobody says so while its program still waits for it.
FIND_S = WAIT_S - 0.5


class NotFound(Exception):
    """Not seen in time."""


class Failed(Exception):
    """A request failed; what became of it is in the book."""


def class_of(error):
    """What failed, in a word or two: many errors of one kind are one line of the report."""
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return "deadline"
    if isinstance(error, (NotFound, BleakDeviceNotFoundError)):
        return "not-found"
    if isinstance(error, BleakDBusError):
        name = error.dbus_error.rsplit(".", 1)[-1]
        return f"{name}: {error.dbus_error_details}"[:60] if name == "Failed" else name
    if isinstance(error, BleakError):
        return re.sub(r"(?i)([0-9a-f]{2}:){5}[0-9a-f]{2}", "ADDR", str(error))[:60]
    return type(error).__name__


class Book:
    """Appended line by line: what is in it stays, however the client ends."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self.number = 0

    def line(self, what, *more):
        entry = [what, time.monotonic_ns() // 1000, *more]
        os.write(self.fd, json.dumps(entry).encode() + b"\n")

    async def ask(self, kind, device, doing, value=None):
        """Awaits doing for as long as a request may take. Raises Failed."""
        self.number += 1
        number = self.number
        self.line("ask", number, kind, device, value)
        error = None
        try:
            answer = await asyncio.wait_for(doing, WAIT_S)
        except (TypeError, NameError):
            raise  # a mistake of ours, and no answer
        except Exception as e:  # pylint: disable=broad-except
            error = e
        if error is not None:
            self.line("end", number, class_of(error), None)
            raise Failed() from error
        self.line("end", number, None, answer if kind == "read" else None)
        return answer


class Peer:
    def __init__(self, options):
        self.number, self.rank, self.devices = options.number, options.rank, options.devices
        self.adapters = [f"hci{i}" for i in range(options.adapters)]
        self.book = Book(options.log)
        self.turns = (slots.Turns if options.locks else slots.NoTurns)(self.book, self.adapters)
        self.known = known.Known()
        self.dice = random.Random(f"{options.seed} {options.number}")
        self.over = asyncio.Event()
        self.written, self.episodes = 0, 0

    async def think(self, seconds):
        """So long, or until the end."""
        try:
            await asyncio.wait_for(self.over.wait(), self.dice.uniform(0.001, seconds))
        except asyncio.TimeoutError:
            pass

    # --- requests ---

    async def _find(self, device, adapter):
        if self.turns.has_turns:
            found = await self.known.find(logs.address_of(device))
            if found is not None:
                return found
        async with self.turns.scanning(adapter) as where:
            found = await BleakScanner.find_device_by_address(
                logs.address_of(device), timeout=FIND_S, adapter=where)
        if found is None:
            raise NotFound()
        return found

    async def _connect(self, client, adapter):
        async with self.turns.connecting(adapter):
            await client.connect(timeout=WAIT_S)

    async def _read(self, client):
        value = bytes(await client.read_gatt_char(ECHO))
        return "hello" if value == b"hello" else value.hex()

    async def read(self, client, device):
        return await self.book.ask("read", device, self._read(client))

    async def write(self, client, device):
        self.written += 1
        value = (self.number << 24 | self.written).to_bytes(4, "big")
        await self.book.ask("write", device, client.write_gatt_char(ECHO, value, response=True),
                            value.hex())

    async def disconnect(self, client, device):
        try:
            await self.book.ask("disconnect", device, client.disconnect())
        except Failed:
            pass

    async def visit(self, device, use, adapter, on_drop=None):
        """Finds, connects, uses, disconnects."""
        self.book.line("use", device, adapter)
        try:
            found = await self.book.ask("open", device, self._find(device, adapter))
            where = found.details["path"].split("/")[3]
            if where != adapter:
                self.book.line("leave", device)
                self.book.line("use", device, where)
            client = BleakClient(found, adapter=where, disconnected_callback=on_drop)
            await self.book.ask("connect", device, self._connect(client, where))
            try:
                await use(client)
            finally:
                await self.disconnect(client, device)
        except Failed:
            pass
        finally:
            self.book.line("leave", device)

    def next_adapter(self):
        """In turn, as tests/lab/contend_bleak.py: bleak itself would take hci0 always."""
        self.episodes += 1
        return self.adapters[(self.number + self.episodes) % len(self.adapters)]

    # --- roles ---

    async def poller(self):
        device = self.dice.randrange(self.devices)

        async def use(client):
            for _ in range(self.dice.randint(1, 4)):
                for _ in range(self.dice.randrange(3)):
                    await self.write(client, device)
                await self.read(client, device)
                await self.think(THINK_S)

        await self.visit(device, use, self.next_adapter())
        await self.think(THINK_S)

    async def subscriber(self):
        device, dropped = self.rank % self.devices, asyncio.Event()

        def on_value(_sender, value):
            self.book.line("note", device, int.from_bytes(value[:4], "little"))

        async def use(client):
            await self.book.ask("subscribe", device, client.start_notify(COUNTER, on_value))
            rounds = STAY_ROUNDS + self.dice.randrange(STAY_ROUNDS)
            while rounds > 0 and not dropped.is_set() and not self.over.is_set():
                rounds -= 1
                if self.dice.randrange(4) == 0:
                    await self.write(client, device)
                await self.read(client, device)
                await self.think(SUBSCRIBER_S)

        await self.visit(device, use, self.next_adapter(), lambda _client: dropped.set())
        await self.think(THINK_S)

    async def scanner(self):
        adapter = self.adapters[self.rank % len(self.adapters)]
        heard, looks = asyncio.Event(), []

        async def first(stack):
            where = await stack.enter_async_context(self.turns.scanning(adapter))
            looks.append(BleakScanner(lambda _device, _advert: heard.set(), adapter=where))
            await looks[0].start()
            await heard.wait()

        async with contextlib.AsyncExitStack() as stack:
            try:
                await self.book.ask("scan", None, first(stack))
                await self.think(SCAN_S)
            except Failed:
                pass
            for look in looks:
                try:
                    await asyncio.wait_for(look.stop(), WAIT_S)
                except Exception:  # pylint: disable=broad-except
                    # What did not start cannot be stopped; the next look tells.
                    pass
        await self.think(PAUSE_S)

    async def locker(self):
        """A program that only takes turns: connect and scan, by its number."""
        kind = ("connect", "scan")[self.rank % 2]
        adapter = self.adapters[self.rank // 2 % len(self.adapters)]
        pause_s = slots.SLOT_PAUSE_S if kind == "connect" else slots.SCAN_PAUSE_S
        try:
            fd = await self.book.ask("lock", None, slots.take(kind, adapter, WAIT_S + 1, pause_s))
        except Failed:
            return
        self.book.line("hold", f"{kind}:{adapter}", True)
        await self.think(HOLD_S)
        self.book.line("drop", f"{kind}:{adapter}")
        os.close(fd)
        await self.think(TURN_PAUSE_S)

    async def live(self, role):
        loop = asyncio.get_running_loop()
        lines = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        print("ready", flush=True)
        await lines.readline()

        async def until_end():
            await lines.read()
            self.over.set()

        ending = asyncio.create_task(until_end())
        # Two StartDiscovery in one instant can leave both without an answer: programs that are
        # started by hand do not begin like that, and it would be all of the first round.
        await self.think(STAGGER_S)
        while not self.over.is_set():
            await getattr(self, role)()
        await ending
        self.book.line("over")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("role", choices=["poller", "subscriber", "scanner", "locker"])
    parser.add_argument("number", type=int)
    parser.add_argument("rank", type=int)
    parser.add_argument("--adapters", type=int, required=True)
    parser.add_argument("--devices", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--locks", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    # A task of bleak's may still hang when the role has ended: this process is done all the same.
    OPTIONS = parse()

    async def main():
        await Peer(OPTIONS).live(OPTIONS.role)
        sys.stdout.flush()
        os._exit(0)

    asyncio.run(main())
