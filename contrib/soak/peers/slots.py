# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns by flock on the files of bleak-connection-manager 0.1.0, as that library takes them.

$BLEHERD_LOCK_DIR/bleak-cm-hciN-slot-{0,1}.lock around a connect: the first that is free, asked for
again every 0.15 s; after 15 s the connect goes on WITHOUT one. bleak-cm-hciN-scan.lock around a
scan: tried once, then for 2 s every 0.25 s, then the next adapter; if all are busy the scan goes
on without. The figures are that library's defaults; files are made with 0666 and never removed.
"""
import asyncio
import contextlib
import fcntl
import os
import time

SLOTS = 2
SLOT_WAIT_S, SLOT_PAUSE_S = 15, 0.15
SCAN_WAIT_S, SCAN_PAUSE_S = 2, 0.25


def names(kind, adapter):
    folder = os.environ.get("BLEHERD_LOCK_DIR", "/run")
    last = ["scan"] if kind == "scan" else [f"slot-{i}" for i in range(SLOTS)]
    return [os.path.join(folder, f"bleak-cm-{adapter}-{name}.lock") for name in last]


def try_once(kind, adapter):
    """A descriptor that holds one of the files, or None."""
    for name in names(kind, adapter):
        fd = os.open(name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            os.close(fd)
    return None


async def take(kind, adapter, wait_s, pause_s):
    """The same, asked for again and again; None when the time is over."""
    until = time.monotonic() + wait_s
    while True:
        fd = try_once(kind, adapter)
        if fd is not None or time.monotonic() >= until:
            return fd
        await asyncio.sleep(pause_s)


class NoTurns:
    """Programs that know nothing of each other."""

    has_turns = False

    def __init__(self, _book, _adapters):
        pass

    @contextlib.asynccontextmanager
    async def connecting(self, _adapter):
        yield

    @contextlib.asynccontextmanager
    async def scanning(self, adapter):
        yield adapter


class Turns:
    """Notes in the book what is held, also what goes on without a lock: that is for the judge."""

    has_turns = True

    def __init__(self, book, adapters):
        self.book, self.adapters = book, adapters

    @contextlib.asynccontextmanager
    async def _held(self, kind, adapter, fd):
        self.book.line("hold", f"{kind}:{adapter}", fd is not None)
        try:
            yield adapter
        finally:
            # The note first: what it says is held is held.
            self.book.line("drop", f"{kind}:{adapter}")
            if fd is not None:
                os.close(fd)

    @contextlib.asynccontextmanager
    async def connecting(self, adapter):
        fd = await take("connect", adapter, SLOT_WAIT_S, SLOT_PAUSE_S)
        async with self._held("connect", adapter, fd):
            yield

    @contextlib.asynccontextmanager
    async def scanning(self, adapter):
        """Yields the adapter to scan on."""
        first = self.adapters.index(adapter)
        for other in self.adapters[first:] + self.adapters[:first]:
            fd = await take("scan", other, SCAN_WAIT_S, SCAN_PAUSE_S)
            if fd is not None:
                break
        else:
            other = adapter
        async with self._held("scan", other, fd):
            yield other
