# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of `make bench`: which row of which bench is which row of the design's section 12,
what stands beside it, what it should be. Less is better in all of them.

Floors (bare C on the machine that the design was made on) and goals are the design's. A goal is a
figure of ours in the figure's unit, or (Share) at most that share of what is beside it.
"""
from typing import NamedTuple, Optional, Union


class At(NamedTuple):
    """Where a figure is in the parts' JSON."""
    part: str
    section: str
    how: str
    key: str
    nth: int = 0  # of the rows of that name, where a section runs its rows under several titles


class Share(NamedTuple):
    limit: float
    words: str  # as the design has it


class Figure(NamedTuple):
    name: str
    unit: str
    ours: At
    beside: Optional[At] = None
    goal: Union[float, Share, None] = None
    floor: str = ""
    is_own: bool = False  # what is beside it is ours too, in a smaller world
    is_again: bool = False  # a figure of the same row, beside another peer


class Row(NamedTuple):
    title: str
    beside: str
    figures: list


def lock(section, how, key="median"):
    return At("lock", section, how, key)


def connect(section, how, key="cpu", nth=0):
    return At("connect", section, how, key, nth)


def notify(section, how, key="cpu", nth=0):
    return At("notify", section, how, key, nth)


def survive(section, how, key):
    return At("survive", section, how, key)


HALF, QUARTER, TENTH = Share(1 / 2, "1/2"), Share(1 / 4, "1/4"), Share(1 / 10, "1/10")
THIRD, SIXTH, TWENTIETH = Share(1 / 3, "1/3"), Share(1 / 6, "1/6"), Share(1 / 20, "1/20")
SAME, FLAT = Share(1, "1/1"), Share(1.5, "1.5 x")

C_FLOCK, PYTHON = "C: open, flock, close", "Python: open, flock, close"
LIB_SCAN, LIB = "lockd, libbleherd, scan", "lockd, libbleherd"
LIB_CONNECT = "lockd, libbleherd, connect (2 at once)"
POLLER, BLOCKING = "LOCK_NB each 150 ms", "flock(2), blocking"
OUTSIDER = "an outsider, to our grant: libbleherd"
BLEAK_KEPT, OURS_KEPT = "bleak, one client", "libbleherd, one session"
BLEAK_NEW, OURS_NEW = "bleak, a client for each", "libbleherd, a session for each"
BLEAK_NOTIFY = "bleak (StartNotify)"
ACQUIRE, START = "libbleherd, AcquireNotify", "libbleherd, StartNotify"
SMALL, LARGE = "1 adapters, 10 devices", "16 adapters, 1000 devices"
WRITE_PEER, WRITE_VALUE = "bleak (WriteValue)", "libbleherd, WriteValue"
DEAD_HOLDER = "worst of four ways to die"

DESIGN = [
    Row("lock: acquire + release through lockd", "flock(2) in C", [
        Figure("scan, median", "us", lock("a", LIB_SCAN), lock("a", C_FLOCK), 40, "12-26"),
        Figure("scan, p99", "us", lock("a", LIB_SCAN, "p99"), lock("a", C_FLOCK, "p99"), 120),
        Figure("scan, beside Python", "us", lock("a", LIB_SCAN), lock("a", PYTHON),
               is_again=True),
        Figure("connect, median", "us", lock("a", LIB_CONNECT), lock("a", C_FLOCK), 40),
        Figure("connect, p99", "us", lock("a", LIB_CONNECT, "p99"), lock("a", C_FLOCK, "p99"),
               120),
    ]),
    Row("hand-off between two processes", "flock(2), blocking (unfair)", [
        Figure("median", "us", lock("b", LIB), lock("b", BLOCKING), 45, "23"),
        Figure("beside a poller, 150 ms", "us", lock("b", LIB), lock("b", POLLER),
               is_again=True),
        Figure("overtaken, 256 wait", "times", lock("e", f"256 wait: {LIB}", "overtaken"),
               lock("e", f"256 wait: {BLOCKING}", "overtaken"), 0),
    ]),
    Row("fairness, 8 clients saturating 2 slots", "a poller, LOCK_NB each 15 ms", [
        Figure("grants, most / fewest", "x", lock("c", LIB, "spread"),
               lock("c", "LOCK_NB each 15 ms", "spread"), 1.03, "1.02"),
    ]),
    Row("SIGKILL of a holder to the next grant", "a poller, LOCK_NB each 150 ms", [
        Figure("clean, median", "ms", lock("d", LIB), lock("d", POLLER), 0.5, "0.18"),
        Figure("clean, p99", "ms", lock("d", LIB, "p99"), lock("d", POLLER, "p99"), 15, "4-10"),
    ]),
    Row("SIGKILL of an outsider to our grant", "", [
        Figure("median", "ms", lock("d", OUTSIDER), None, 1, "0.23"),
    ]),
    Row("SIGKILL during Connect, real bluetoothd", "", [
        Figure("next connect there", "ms", At("dirty", "", DEAD_HOLDER, "ms"), None, 1000),
    ]),
    Row("connect + read + disconnect, zero latency", "bleak", [
        Figure("CPU", "us", connect("a", OURS_KEPT), connect("a", BLEAK_KEPT), QUARTER,
               "331-399"),
        Figure("wall", "us", connect("a", OURS_KEPT, "wall"), connect("a", BLEAK_KEPT, "wall"),
               HALF, "774-897"),
        Figure("system CPU", "us", connect("a", OURS_KEPT, "system"),
               connect("a", BLEAK_KEPT, "system")),
        Figure("new each time: CPU", "us", connect("a", OURS_NEW), connect("a", BLEAK_NEW),
               QUARTER),
        Figure("new each time: wall", "us", connect("a", OURS_NEW, "wall"),
               connect("a", BLEAK_NEW, "wall"), HALF),
    ]),
    Row("start of a program to the first value", "bleak", [
        Figure("libbleherd", "ms", connect("b", "libbleherd", "wall"),
               connect("b", "bleak", "wall"), TWENTIETH, "3.1"),
        Figure("bleherd read", "ms", connect("b", "bleherd read ADDR fff3", "wall"),
               connect("b", "bleak", "wall"), TWENTIETH),
    ]),
    Row("notifications, AcquireNotify, one client", "bleak (StartNotify)", [
        Figure("CPU, in bursts", "us", connect("c", ACQUIRE), connect("c", BLEAK_NOTIFY), TENTH,
               "1.4"),
        Figure("CPU, 1000/s", "us", connect("c", ACQUIRE, nth=1),
               connect("c", BLEAK_NOTIFY, nth=1), THIRD, "37"),
        Figure("lost, in bursts", "times", connect("c", ACQUIRE, "lost"), None, 0),
        Figure("lost, 1000/s", "times", connect("c", ACQUIRE, "lost", 1), None, 0),
    ]),
    Row("notifications, StartNotify, one client", "bleak (StartNotify)", [
        Figure("CPU, in bursts", "us", connect("c", START), connect("c", BLEAK_NOTIFY), SAME,
               "21"),
        Figure("CPU, 1000/s", "us", connect("c", START, nth=1),
               connect("c", BLEAK_NOTIFY, nth=1), HALF, "57"),
    ]),
    Row("five programs, a device each, 200/s", "five bleaks", [
        Figure("CPU, 5 programs", "us", connect("d", "libbleherd, 5 programs"),
               connect("d", "bleak, 5 programs"), QUARTER, "57-99"),
        Figure("CPU, 20 beside 1 of ours", "us", connect("d", "libbleherd, 20 programs"),
               connect("d", "libbleherd, 1 program"), FLAT, is_own=True),
    ]),
    Row("memory (PSS), 2 adapters", "one idle bleak", [
        Figure("all, 10 devices", "KiB",
               survive("b", "supervisor, lockd, 2 workers, 10 devices", "kib"),
               survive("b", "one idle bleak", "kib"), SIXTH, "1900-3100"),
        Figure("per further device", "KiB", survive("b", "per further device", "kib"), None, 4),
    ]),
    # Nothing of bleak's comes back by itself: systemd or s6 would start it, after 100 ms or more.
    Row("worker SIGKILL to its 20 sessions served", "", [
        Figure("p95, 20 devices", "ms", survive("a", "20 devices", "p95"), None, 20, "5.6"),
        Figure("p95, 1000 devices", "ms", survive("a", "1000 devices", "p95"), None, 150, "60"),
    ]),
    Row("five services, two adapters, real bluetoothd", "bleak, a flock per adapter", [
        Figure("of 30 rounds failed", "times", At("contend", "", "bleherd", "failed"),
               At("contend", "", "bleak, one flock per adapter", "failed"), 0),
        Figure("wall", "s", At("contend", "", "bleherd", "seconds"),
               At("contend", "", "bleak, one flock per adapter", "seconds"), HALF),
    ]),
    Row("growth: 16 adapters, 1000 devices", "ours with 1 and 10", [
        Figure("CPU per connect", "us", connect("e", LARGE), connect("e", SMALL), FLAT,
               is_own=True),
        Figure("wall per connect", "us", connect("e", LARGE, "wall"),
               connect("e", SMALL, "wall"), FLAT, is_own=True),
    ]),
]


def programs(section):
    return [figure for word, count in (("one", "1 program"), ("ten", "10 programs"))
            for figure in (
                Figure(f"{word}, AcquireNotify", "us", notify(section, f"{ACQUIRE}, {count}"),
                       notify(section, f"{BLEAK_NOTIFY}, {count}"), HALF),
                Figure(f"{word}, StartNotify", "us", notify(section, f"{START}, {count}"),
                       notify(section, f"{BLEAK_NOTIFY}, {count}"), SAME))]


# What the benches measure besides.
FURTHER = [
    Row("programs on one characteristic, bursts, CPU", "bleak (StartNotify)", programs("a")),
    Row("programs on one characteristic, 100/s, CPU", "bleak (StartNotify)", programs("b")),
    Row("writes without response, CPU per write", "bleak (WriteValue)", [
        Figure("WriteValue", "us", notify("d", WRITE_VALUE), notify("d", WRITE_PEER)),
        Figure("AcquireWrite", "us", notify("d", "libbleherd, AcquireWrite"),
               notify("d", WRITE_PEER), SAME),
        Figure("AcquireWrite, 16 open", "us", notify("d", "libbleherd, AcquireWrite", nth=1),
               notify("d", WRITE_PEER, nth=1), SAME),
    ]),
    Row("supervisor SIGKILL to 20 programs served", "", [
        Figure("all of them", "ms", survive("c", "20 programs", "all"), None, 1000),
    ]),
    Row("lockd SIGKILL to the next grant", "", [
        Figure("p95", "ms", survive("d", "lockd dies", "p95"))]),
    Row("what the filter costs a system call", "without it", [
        Figure(name, "ns", At("guard", "", how, "filtered"), At("guard", "", how, "free"),
               is_own=True)
        for name, how in (("getppid", "getppid"), ("epoll_wait", "epoll_wait, nothing there"),
                          ("send and recv", "send and recv of a byte"),
                          ("fcntl, checked", "fcntl(F_GETFL), checked"))]),
]
