#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# tests/bench/lock_python.py FILE COUNT - what a Python program pays for a lock that is free: open,
# flock, close. Prints nanoseconds, one per line.
import fcntl
import os
import sys
import time

path, count = sys.argv[1], int(sys.argv[2])
samples = []
for _ in range(count):
    start = time.monotonic_ns()
    fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(fd)
    samples.append(time.monotonic_ns() - start)
print("\n".join(map(str, samples)))
