# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/lab/survive does inside the lab: each fault so many times, and a table of how long it
took until all was as before. One line per step: ok or FAIL."""
import os
import signal
import statistics
import subprocess
import sys
import threading
import time

import lab
from lab import Command, Failure, adapters, eventually, fault, need, run

LISTENED, READ = "C0:AA:BB:00:00:00", "C0:AA:BB:00:00:01"
TIMES = int(sys.argv[1])
STOPPED_S = 3
VALUES = 3              # what was on its way may be the first one
RECOVERED_S = 60
rows = []


class Subscription(threading.Thread):
    """Listens all the time, and reconnects by itself."""

    def __init__(self):
        super().__init__(daemon=True)
        self.command = Command("notify", LISTENED, "fff4", "--reconnect")
        self.times = []
        self.start()

    def run(self):
        for line in self.command.process.stdout:
            if '"hex"' in line:
                self.times.append(time.monotonic())

    def after(self, at):
        return sum(t > at for t in self.times[-500:])


def served_again(subscription, since):
    """Until a read that is asked for now is answered and there are values, in seconds."""
    command = run("read", READ, "fff3", "--timeout", str(RECOVERED_S))
    need(command.status == 0, str(command))
    answered = time.monotonic()
    eventually("values", lambda: subscription.after(since) >= VALUES, RECOVERED_S)
    return max(answered, subscription.times[-1]) - since


def worker_killed(subscription):
    os.kill(adapters()[0]["worker_pid"], signal.SIGKILL)
    begin = time.monotonic()
    return served_again(subscription, begin)


def bluetoothd():
    with open(os.environ["BLEHERD_WORLD"] + "/bluetoothd.pid", encoding="ascii") as pid:
        return int(pid.read())


def bluetoothd_killed(subscription):
    os.kill(bluetoothd(), signal.SIGKILL)
    # The part of systemd.
    subprocess.run(["contrib/lab/fresh"], check=True)
    return served_again(subscription, time.monotonic())


def bluetoothd_stopped(subscription):
    pid = bluetoothd()
    os.kill(pid, signal.SIGSTOP)
    cont = threading.Timer(STOPPED_S, os.kill, (pid, signal.SIGCONT))
    cont.start()
    waiting = Command("read", READ, "fff3", "--timeout", "30")
    cont.join()
    begin = time.monotonic()
    need(waiting.end().status == 0, str(waiting))
    return served_again(subscription, begin)


def controller_hung(subscription):
    """Programs have links on it, so that nobody resets it without being told to."""
    fault("hang-adapter 0 on")
    begin = time.monotonic()
    name = adapters()[0]["adapter"]
    reset = run("reset", name, "--yes")
    need(reset.status == 0, str(reset))
    return served_again(subscription, begin)


def series(name, function, subscription):
    times = []
    for i in range(TIMES):
        try:
            times.append(function(subscription))
        except (Failure, OSError, IndexError) as e:
            lab.failed += 1
            print(f"FAIL {name}, number {i + 1}: {e}", flush=True)
            lab.tell(max(lab.last_event() - 40, 0))
            break
    if times:
        rows.append((name, len(times), statistics.median(times), max(times)))
    if len(times) == TIMES:
        lab.ok(f"{name}, {TIMES} times", f"median {statistics.median(times):.2f} s, "
                                         f"worst {max(times):.2f} s")


def main():
    eventually("adapters", lambda: run("adapters").status == 0)
    subscription = Subscription()
    eventually("values", lambda: len(subscription.times) >= 5)
    for name, function in (("worker killed", worker_killed),
                           (f"bluetoothd stopped for {STOPPED_S} s", bluetoothd_stopped),
                           ("bluetoothd killed", bluetoothd_killed),
                           ("controller hung", controller_hung)):
        series(name, function, subscription)
    subscription.command.process.terminate()
    subscription.join()
    print("\n| what | times | median | worst |\n| --- | --- | --- | --- |")
    for name, n, median, worst in rows:
        print(f"| {name} | {n} of {TIMES} | {median:.2f} s | {worst:.2f} s |", flush=True)


lab.main("survive", main)
