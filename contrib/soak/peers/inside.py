#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of the soak with the peers, inside its world: contrib/soak/differential starts it.

    inside.py SETTINGS      JSON: differential's settings_of()

Starts the clients, lets the plan begin, lets the faults rest a while before the end, and writes
report.json of what was seen. Status 0 also with promises broken: that is what it finds out.
"""
import json
import os
import pathlib
import platform
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

import judge
import logs
import recovery
import report
import slots

HERE = pathlib.Path(__file__).resolve().parent
# What the soak's numbers are (contrib/soak/book.c): the same number does the same here. Lockers
# through the library and with `bleherd lock` lock files here.
DEALT = ("poller subscriber poller scanner locker locker locker subscriber poller subscriber "
         "poller locker poller subscriber poller scanner poller subscriber locker poller").split()
# Loading bleak takes half a second, under emulation some ten: of all of them at once.
READY_S = 300
# A request's deadline, its lateness, a disconnect after it: who is not over by then is stuck.
END_S = 25
# Links that nobody wants are ended by then, if somebody ends them.
SETTLE_S = 3


class Broken(Exception):
    """The run could not be made."""


def now_us():
    return time.monotonic_ns() // 1000


def tell_sim(line):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sim:
        sim.connect(os.environ["BLEHERD_SIM_CONTROL"])
        sim.send(line.encode())
        answer = sim.recv(1 << 20).decode()
    if answer.startswith("error"):
        raise Broken(f"the sim answered '{line}' with {answer}")
    return answer


class Process:
    """A client; it ends with us, however we do."""

    def __init__(self, role, number, rank, settings, folder):
        self.who = f"{role} {rank}"
        self.log = folder / f"{number:03d}-{role}.jsonl"
        argv = ["setpriv", "--pdeathsig", "KILL", "--", "/usr/bin/python3", "-B",
                str(HERE / "peer.py"), role, str(number), str(rank), "--log", str(self.log)]
        for name in ("adapters", "devices", "seed"):
            argv += [f"--{name}", str(settings[name])]
        argv += ["--locks"] if settings["locks"] else []
        with open(folder / f"{number:03d}-{role}.err", "wb") as errors:
            self.popen = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                          stderr=errors)

    def await_ready(self, until):
        left_s = max(0, until - time.monotonic())
        if not select.select([self.popen.stdout], [], [], left_s)[0] or \
                self.popen.stdout.readline() != b"ready\n":
            raise Broken(f"{self.who} did not start; see {self.log.with_suffix('.err')}")

    def go(self):
        self.popen.stdin.write(b"go\n")
        self.popen.stdin.flush()

    def ask_to_end(self):
        self.popen.stdin.close()

    def await_end(self, until):
        try:
            self.popen.wait(max(0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.popen.send_signal(signal.SIGKILL)
            self.popen.wait()

    def read(self):
        return logs.read_client(self.who, logs.json_lines(self.log))


def deal(settings, folder):
    ranks, processes = {}, []
    for number in range(settings["clients"]):
        role = DEALT[number % len(DEALT)]
        rank = ranks.setdefault(role, 0)
        ranks[role] += 1
        # Who only takes turns has nothing to do where there are none.
        if role != "locker" or settings["locks"]:
            processes.append(Process(role, number, rank, settings, folder))
    return processes


def wait_until(us, says):
    """Sleeps: a run is as long as it was asked to be."""
    while now_us() < us:
        time.sleep(min(10, max(0, (us - now_us()) / 1e6)))
        says((us - now_us()) / 1e6)


def run(settings, folder):
    processes = deal(settings, folder)
    ready = time.monotonic() + READY_S
    for process in processes:
        process.await_ready(ready)
    began_us = now_us()
    if settings["has_faults"]:
        tell_sim("plan begin")
    for process in processes:
        process.go()
    end_us = began_us + settings["duration_s"] * 1_000_000
    rest_us = end_us - min(15, settings["duration_s"] / 10) * 1_000_000
    name = settings["contestant"]
    wait_until(rest_us, lambda left: print(f"{name}: {left:.0f} s to go", file=sys.stderr)
               if left > 1 else None)
    if settings["has_faults"]:
        tell_sim("plan rest")
    rest_us = now_us()
    # The bound of the soak's own health: it may take that long, and is over when everybody is well.
    well_us = rest_us + settings["healthy_s"] * 1_000_000
    while now_us() < well_us and (now_us() < end_us or not all_well(processes, rest_us)):
        time.sleep(0.5)
    return processes, began_us, rest_us, finish(processes)


def all_well(processes, rest_us):
    return all(any(r.is_done and r.answered_us > rest_us for r in process.read().requests)
               for process in processes)


def finish(processes):
    end_us = now_us()
    for process in processes:
        process.ask_to_end()
    until = time.monotonic() + END_S
    for process in processes:
        process.await_end(until)
    return end_us


def verdicts_of(settings, clients, began_us, rest_us, end_us):
    verdicts = judge.Verdicts(began_us)
    judge.answers(verdicts, clients, now_us())
    judge.values(verdicts, clients, logs.read_writes(logs.json_lines(
        os.environ["BLEHERD_WRITE_LOG"])))
    judge.notifications(verdicts, clients)
    two = judge.holders(verdicts, clients, {"connect": slots.SLOTS, "scan": 1})
    judge.health(verdicts, clients, rest_us, end_us)
    time.sleep(SETTLE_S)
    judge.links(verdicts, json.loads(tell_sim("stats"))["devices"], now_us())
    return verdicts, two


def describe(settings):
    return {key: settings[key] for key in (
        "face", "plan", "title", "seed", "clients", "duration_s", "began", "version", "bluetoothd",
        "adapters", "devices", "contestant", "repeat")} | {
            "kernel": f"{platform.system()} {platform.release()}"}


def main():
    settings = json.loads(sys.argv[1])
    fault_log = os.environ.get("BLEHERD_FAULT_LOG")
    if settings["has_faults"] and not fault_log:
        raise Broken("this world keeps no log of its faults")
    # Where whoever started us finds it: the lab keeps what is in its logs.
    target = pathlib.Path(os.environ.get("BLEHERD_LAB_LOGS", settings["dir"]))
    with tempfile.TemporaryDirectory() as scratch:
        folder = target / "clients"
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["BLEHERD_LOCK_DIR"] = scratch
        processes, began_us, rest_us, end_us = run(settings, folder)
        clients = [process.read() for process in processes]
        faults = logs.read_faults(logs.json_lines(fault_log) if settings["has_faults"] else [])
        verdicts, two = verdicts_of(settings, clients, began_us, rest_us, end_us)
    result = report.whole(describe(settings), clients, verdicts,
                          recovery.report(faults, clients, began_us), two, settings["skipped"],
                          began_us, end_us)
    (target / "report.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as e:
        sys.exit(f"differential: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
