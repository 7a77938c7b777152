# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/lab/bus does inside the lab. One line per step: ok or FAIL."""
import os
import signal
import subprocess
import threading
import time

import lab
from lab import Command, eventually, kinds, last_event, need, need_in_order, step, works

LISTENED, READ = "C0:AA:BB:00:00:00", "C0:AA:BB:00:00:01"
VALUES = 3              # what was on its way may be the first one
SLOW_MS = 20000


class Listener(threading.Thread):
    """bleherd notify --reconnect: how many values it has printed."""

    def __init__(self):
        super().__init__(daemon=True)
        self.command = Command("notify", LISTENED, "fff4", "--reconnect")
        self.values = 0
        self.start()

    def run(self):
        for line in self.command.process.stdout:
            self.values += '"hex"' in line

    def hears(self):
        before = self.values
        eventually("values", lambda: self.values >= before + VALUES)


def bus_pid():
    said = subprocess.run(
        ["busctl", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus",
         "GetConnectionUnixProcessID", "s", "org.freedesktop.DBus"],
        check=True, capture_output=True, text=True).stdout
    return int(said.split()[1])


def start_bus():
    """As contrib/lab/world has it; it ends with this world."""
    os.unlink("/run/dbus/system_bus_socket")
    subprocess.Popen(["dbus-daemon", "--system", "--nofork", "--nopidfile"])
    eventually("a bus", lambda: subprocess.run(["busctl", "list"], check=False,
                                               capture_output=True).returncode == 0)


def workers():
    return sorted(adapter["worker_pid"] for adapter in lab.adapters())


def bus(listener):
    seq, before = last_event(), workers()
    os.kill(bus_pid(), signal.SIGKILL)
    eventually("the events", lambda: {"bus-absent", "bluez-gone"} <= set(kinds(seq)))
    waiting = Command("read", READ, "fff3", "--timeout", "60")
    eventually("it waits", lambda: "waiting" in kinds(seq))
    start_bus()
    subprocess.run(["contrib/lab/fresh"], check=True)
    begin = time.monotonic()
    need(waiting.end().status == 0, str(waiting))
    took = time.monotonic() - begin
    listener.hears()
    need_in_order(["bluez-gone", "bluez-back"], kinds(seq))
    need(workers() == before, f"workers {before}, then {workers()}")
    return f"read {took:.2f} s after bluetoothd was back, no worker died"


def main():
    works("read", READ, "fff3", within_ms=SLOW_MS)
    listener = Listener()
    listener.hears()
    step("the bus is killed and comes back", lambda: bus(listener))
    listener.command.process.terminate()


lab.main("bus", main)
