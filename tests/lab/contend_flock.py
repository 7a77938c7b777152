#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Baseline: the services of contend_bleak.py with one flock per adapter around each round."""
import asyncio
import contextlib
import fcntl
import os
import tempfile

import contend_bleak


@contextlib.asynccontextmanager
async def one_at_a_time(adapter):
    path = os.path.join(tempfile.gettempdir(), f"contend-{adapter}.lock")
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        # In a thread: flock blocks, and the loop has a bus connection to serve.
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, fcntl.flock, fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


if __name__ == "__main__":
    contend_bleak.main(one_at_a_time)
