#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench-notify: notifications to one and to ten programs with bleherd beside bleak, what a
connect costs with more adapters and devices, and writes without response. See README.md.

Called by notify.sh; connect.py has what both need.
"""
import contextlib
import functools
import sys

from connect import COST, RUNS, alternate, both, held_by_another, of_sizes, per, run_sections
from connect_world import World, addresses

MANY = 10
BURSTS, BURST = 20, 100  # ten sockets at once: what does not fit in one is announced as lost
RATE_VALUES = 200  # at 1000/s ten bleaks do not keep up: a million signals in ten seconds
CYCLES = 300
WRITES, WRITES_OPEN = 1000, 16
SIZES = [(adapters, devices) for devices in (10, 100, 1000) for adapters in (1, 4, 16)]


def received(world, programs, settle, commands, values, before):
    """One run: cost of each value that a program was given, and how many came in a second."""
    with before():
        for program in programs:
            program.do("sub")
    for program, command in zip(programs, settle):
        program.do(command)
    run = world.measure(programs, commands)
    for program in programs:
        program.do("unsub")
    return dict(per(run, values * len(programs)),
                rate=values * len(programs) / (run["wall"] / 1e6))


def deliveries(report, letter, title, notify_ms, commands, values):
    """@commands: what so many programs do to settle, and measured; @values: that each gets."""
    report.section(letter, title, COST[:1] + COST[2:] + [("rate", "values/s"), ("lost", "lost")])
    with contextlib.ExitStack() as stack:
        ways = []
        for n in (1, MANY):
            # Worlds of their own: a signal for bleak wakes each bleak that is connected.
            ours, peers = stack.enter_context(both(notify_ms=notify_ms))
            where = addresses(1)
            clients, bleaks = ([start(where) for _ in range(n)]
                               for start in (ours.client, peers.peer))
            clients[0].do("find")
            bleaks[0].do("find")
            for program in clients + bleaks:
                program.do("open")
            many = f"{n} program{'s' if n > 1 else ''}"
            ways += [(f"bleak (StartNotify), {many}", peers, bleaks, None),
                     (f"libbleherd, AcquireNotify, {many}", ours, clients, None),
                     (f"libbleherd, StartNotify, {many}", ours, clients, where[0])]
        runs = alternate(RUNS, *(functools.partial(
            received, world, programs, *commands(len(programs)), values,
            contextlib.nullcontext if held is None else
            functools.partial(held_by_another, world, held))
            for _, world, programs, held in ways))
    for at, ((name, world, *_), kept) in enumerate(zip(ways, runs)):
        bleak = ways[at // 3 * 3][0]
        report.row(name, kept, [("cpu", ">=", 2 if "Acquire" in name else 1, bleak),
                                ("lost", "<=", 0, None)] if world.daemon else [])


# --- a. as fast as they come ---

def bursts(report):
    def commands(n):
        return ([f"burst 1 {BURST}"] + [f"reach {BURST}"] * (n - 1),
                [f"burst {BURSTS} {BURST}"] + [f"reach {BURST + BURSTS * BURST}"] * (n - 1))

    deliveries(report, "a", f"notifications in bursts of {BURST}, per value that a program gets",
               3600000, commands, BURSTS * BURST)


# --- b. at a pace ---

def paced(report):
    deliveries(report, "b", "notifications at 100/s, per value that a program gets", 10,
               lambda n: (["settle 20"] * n, [f"receive {RATE_VALUES}"] * n), RATE_VALUES)


# --- c. growth ---

def growth(report):
    report.section("c", "connect + read + disconnect with more adapters and devices, per cycle",
                   COST)
    runs = of_sizes(SIZES, CYCLES)
    names = [f"{adapters} adapter{'s' if adapters > 1 else ''}, {devices} devices"
             for adapters, devices in SIZES]
    for name, kept in zip(names, runs):
        report.row(name, kept, [] if name == names[0] else [("cpu", "<=", 1.5, names[0])])


# --- d. writes without response ---

def writes(report):
    with contextlib.ExitStack() as stack:
        ours, peers = stack.enter_context(both())
        where = addresses(1)
        socket = stack.enter_context(World(settings=[f"device {where[0]}.write=acquire"]))
        programs = [(peers, peers.peer(where)), (ours, ours.client(where)),
                    (socket, socket.client(where))]
        for _, program in programs:
            program.do("find")
            program.do("open")
        for title, command in (
                ("writes without response, one after the other, per write", f"write {WRITES}"),
                (f"writes without response, {WRITES_OPEN} open, per write",
                 f"write {WRITES} {WRITES_OPEN}")):
            report.section("d", title, COST)
            for _, program in programs:
                program.do(command)
            runs = alternate(RUNS, *(functools.partial(
                lambda world, program: per(world.measure([program], command), WRITES),
                world, program) for world, program in programs))
            report.row("bleak (WriteValue)", runs[0])
            report.row("libbleherd, WriteValue", runs[1])
            report.row("libbleherd, AcquireWrite", runs[2],
                       [("cpu", ">=", 1, "bleak (WriteValue)"),
                        ("system", ">=", 2, "bleak (WriteValue)")])


if __name__ == "__main__":
    sys.exit(run_sections("bench-notify", __doc__,
                          {"a": bursts, "b": paced, "c": growth, "d": writes}))
