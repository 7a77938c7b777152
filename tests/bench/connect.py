#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench-connect: connects, reads and notifications with bleherd beside bleak. See README.md.

Called by connect.sh. Each section builds the worlds that it needs: one with bleherdd for ours, one
without for the peer, of the same options; runs alternate.
"""
import argparse
import contextlib
import statistics
import subprocess
import sys

from connect_report import Report
from connect_world import BIN, CLIENT, PEER, Failed, World, addresses

RUNS = 5
CYCLES = 200
STARTS = 5
BURSTS, BURST = 20, 200  # what a socket holds is 278: more at once would be lost in bluetoothd
RATE_VALUES = 1000
FIVE_VALUES = 200
COST = [("cpu", "CPU us"), ("wall", "wall us"), ("system", "system CPU us")]


def per(run, count):
    return {key: value / count if key in ("cpu", "wall", "system") else value
            for key, value in run.items()}


def alternate(count, *bodies):
    """[runs of the first], [of the second] ..., in turns: what changes meanwhile meets all."""
    runs = [[] for _ in bodies]
    for _ in range(count):
        for body, kept in zip(bodies, runs):
            kept.append(body())
    return runs


@contextlib.contextmanager
def both(**options):
    with World(**options) as ours, World(daemon=False, **options) as peers:
        yield ours, peers


# --- a. connect + read + disconnect ---

def cycles(report):
    report.section("a", "connect + read + disconnect, zero latency, per cycle", COST)
    with both() as (ours, peers):
        kept, new, bleak = ours.client(addresses(1)), ours.client(addresses(1, 1)), \
            peers.peer(addresses(1))
        for program in (kept, new, bleak):
            program.do("find")
        kept.do("open")
        kept.do("cycle 20")
        bleak.do("cycle 20")
        new.do("fresh 20")

        runs = alternate(RUNS, lambda: per(peers.measure([bleak], f"cycle {CYCLES}"), CYCLES),
                         lambda: per(peers.measure([bleak], f"fresh {CYCLES}"), CYCLES),
                         lambda: per(ours.measure([kept], f"cycle {CYCLES}"), CYCLES),
                         lambda: per(ours.measure([new], f"fresh {CYCLES}"), CYCLES))
    for name, kept_by, new_by in (("bleak, one client", 0, 2), ("bleak, a client for each", 1, 3)):
        report.row(name, runs[kept_by])
        report.row("libbleherd, " + ("a session for each" if kept_by else "one session"),
                   runs[new_by], [("cpu", "<=", 1 / 4, name), ("wall", "<=", 1 / 2, name)])


# --- b. start of a program ---

def starts(report):
    report.section("b", "start of a program to the first value read, daemon running",
                   [("wall", "wall ms"), ("cpu", "CPU ms, program")])
    where = addresses(10)
    with both() as (ours, peers):
        for program in (ours.client(where), peers.peer(where)):
            program.do("find")
            program.end()

        def median_of(world, argv_of):
            runs = [world.start_and_time(argv_of(where[i])) for i in range(STARTS)]
            return {key: statistics.median(run[f"{key}_us"] for run in runs) / 1000
                    for key in ("wall", "cpu")}

        runs = alternate(RUNS, lambda: median_of(peers, lambda to: PEER + ["first", to]),
                         lambda: median_of(ours, lambda to: [CLIENT, "first", to]),
                         lambda: median_of(ours, lambda to: [f"{BIN}/bleherd", "read", to,
                                                             "fff3"]))
    report.row("bleak", runs[0])
    report.row("libbleherd", runs[1], [("wall", "<=", 1 / 20, "bleak")])
    report.row("bleherd read ADDR fff3", runs[2], [("wall", "<=", 1 / 20, "bleak")])


# --- c. notifications ---

def notified(world, program, command, count, before=lambda: contextlib.nullcontext()):
    with before():
        program.do("sub")
    program.do(f"burst 1 {BURST}" if "burst" in command else "settle 100")
    run = per(world.measure([program], command), count)
    program.do("unsub")
    return run


@contextlib.contextmanager
def held_by_another(world, address):
    """AcquireNotify is refused meanwhile: what is subscribed then is so by StartNotify."""
    holder = world.peer(["hold", address])
    holder.answer()
    yield
    holder.end()


def notifications(report):
    columns = COST[:1] + COST[2:] + [("lost", "lost")]
    for title, notify_ms, command, count, goals in (
            (f"notifications in bursts of {BURST}, per notification", 3600000,
             f"burst {BURSTS} {BURST}", BURSTS * BURST, (10, 1)),
            ("notifications at 1000/s, per notification", 1, f"receive {RATE_VALUES}",
             RATE_VALUES, (3, 2))):
        report.section("c", title, columns)
        with both(notify_ms=notify_ms) as (ours, peers):
            where = addresses(1)
            client, bleak = ours.client(where), peers.peer(where)
            for program in (client, bleak):
                program.do("find")
                program.do("open")
            runs = alternate(
                RUNS, lambda: notified(peers, bleak, command, count),
                lambda: notified(ours, client, command, count),
                lambda: notified(ours, client, command, count,
                                 lambda: held_by_another(ours, where[0])))
        report.row("bleak (StartNotify)", runs[0])
        report.row("libbleherd, AcquireNotify", runs[1],
                   [("cpu", ">=", goals[0], "bleak (StartNotify)"), ("lost", "<=", 0, None)])
        report.row("libbleherd, StartNotify", runs[2],
                   [("cpu", ">=", goals[1], "bleak (StartNotify)"), ("lost", "<=", 0, None)])


# --- d. several programs ---

def five_programs(report):
    report.section("d", "programs with a device each, 200 notifications/s each, per notification",
                   COST[:1] + COST[2:] + [("lost", "lost")])

    def run_of(world, programs):
        for program in programs:
            program.do("sub")
        for program in programs:
            program.do("receive 1")
        run = per(world.measure(programs, f"receive {FIVE_VALUES}"),
                  FIVE_VALUES * len(programs))
        for program in programs:
            program.do("unsub")
        return run

    with both(devices=20, notify_ms=5) as (ours, peers):
        clients = [ours.client([to]) for to in addresses(20)]
        bleaks = [peers.peer([to]) for to in addresses(5)]
        for program in clients[:1] + bleaks[:1]:
            program.do("find")
        for program in clients + bleaks:
            program.do("open")
        runs = alternate(RUNS, lambda: run_of(peers, bleaks[:1]), lambda: run_of(peers, bleaks),
                         lambda: run_of(ours, clients[:1]), lambda: run_of(ours, clients[:5]),
                         lambda: run_of(ours, clients))
    report.row("bleak, 1 program", runs[0])
    report.row("bleak, 5 programs", runs[1])
    report.row("libbleherd, 1 program", runs[2])
    report.row("libbleherd, 5 programs", runs[3],
               [("cpu", "<=", 1 / 4, "bleak, 5 programs"), ("lost", "<=", 0, None)])
    # Flat: as e has it.
    report.row("libbleherd, 20 programs", runs[4],
               [("cpu", "<=", 1.5, "libbleherd, 1 program"), ("lost", "<=", 0, None)])


# --- e. growth ---

def of_sizes(sizes, cycles):
    """Runs of so many cycles for each (adapters, devices), per cycle."""
    with contextlib.ExitStack() as stack:
        bodies = []
        for adapters, devices in sizes:
            world = stack.enter_context(World(adapters=adapters, devices=devices))
            world.find(devices, adapters)
            client = world.client(addresses(10))
            client.do(f"open {adapters}")
            client.do("cycle 20")
            bodies.append(lambda world=world, client=client:
                          per(world.measure([client], f"cycle {cycles}"), cycles))
        return alternate(RUNS, *bodies)


def growth(report):
    report.section("e", "connect + read + disconnect with more adapters and devices, per cycle",
                   COST)
    sizes = ((1, 10), (16, 10), (1, 1000), (16, 1000))

    runs = of_sizes(sizes, CYCLES)
    names = [f"{adapters} adapters, {devices} devices" for adapters, devices in sizes]
    for name, kept in zip(names, runs):
        goals = [] if name == names[0] else [("cpu", "<=", 1.5, names[0]),
                                             ("wall", "<=", 1.5, names[0])]
        report.row(name, kept, goals)


SECTIONS = {"a": cycles, "b": starts, "c": notifications, "d": five_programs, "e": growth}


def run_sections(name, about, sections):
    """What the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(description=about.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--only", default="".join(sections), metavar="".join(sections))
    arguments = parser.parse_args()
    version = subprocess.run([f"{BIN}/bleherd", "--version"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout.split()[-1]
    report = Report(name, arguments.json, version)
    for letter, section in sections.items():
        if letter not in arguments.only:
            continue
        try:
            section(report)
        except (Failed, KeyError, ValueError, OSError, subprocess.SubprocessError) as error:
            report.failure(letter, f"{type(error).__name__}: {error}")
    return report.end()


if __name__ == "__main__":
    sys.exit(run_sections("bench-connect", __doc__, SECTIONS))
