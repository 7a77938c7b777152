#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench-survive: what the death of each of bleherd's processes costs its programs, and what the
processes cost in memory beside bleak. See README.md.

Called by survive.sh; connect.py has what both need.
"""
import os
import select
import signal
import socket
import statistics
import subprocess
import sys
import time

from connect import RUNS, alternate, run_sections
from connect_world import BIN, BOUND, FAST_RESTARTS, World, addresses, pss_kib, tree

KILLS = RUNS
PROGRAMS = 20
LOCKS = 20


# --- a. a worker dies ---

def failover(report):
    report.section("a", "SIGKILL of the worker to its 20 sessions served again",
                   [("median", "median ms"), ("p95", "p95 ms")])
    for devices, goal_ms in ((20, 20), (1000, 150)):
        with World(devices=devices, settings=FAST_RESTARTS) as world:
            world.find(devices, 1)
            client = world.client(addresses(20))
            client.do("open")
            client.do("read 20")
            runs = []
            for _ in range(KILLS):
                samples = sorted(client.do(f"kill {world.workers()[0]}")["samples_us"])
                runs.append({"median": statistics.median(samples) / 1000,
                             "p95": samples[len(samples) * 95 // 100] / 1000})
                client.do("read 20")
        report.row(f"{devices} devices", runs, [("p95", "<=", goal_ms, None)])


# --- b. memory ---

def memory(report):
    report.section("b", "memory (PSS), 2 adapters, devices found", [("kib", "KiB")])
    few, many = 10, 1010
    if os.geteuid() != 0:
        # The daemons let nobody look into them.
        print("  not measured: only root may")
        return

    def daemon_kib(devices):
        with World(adapters=2, devices=devices) as world:
            world.find(devices, 2)
            found = tree(world.daemon)
            return {"kib": pss_kib(found), "parts": ", ".join(
                f"{name} {pss_kib([pid])}" for pid, name in found.items())}

    def bleak_kib():
        with World(daemon=False, adapters=2, devices=few) as world:
            bleak = world.peer(addresses(few))
            bleak.do("find")
            return {"kib": pss_kib([bleak.pid])}

    runs = alternate(RUNS, bleak_kib, lambda: daemon_kib(few), lambda: daemon_kib(many))
    report.row("one idle bleak", runs[0])
    report.row("supervisor, lockd, 2 workers, 10 devices", runs[1],
               [("kib", "<=", 1 / 6, "one idle bleak")], runs[1][-1]["parts"])
    report.row("the same with 1010 devices", runs[2], note=runs[2][-1]["parts"])
    each = [{"kib": (more["kib"] - less["kib"]) / (many - few)}
            for less, more in zip(runs[1], runs[2])]
    report.row("per further device", each, [("kib", "<=", 4, None)])


# --- c. the supervisor dies ---

class Service:
    """systemd's part: holds the socket, and starts bleherdd with it (sd_listen_fds(3))."""

    def __init__(self, world):
        self.env = world.env
        path = self.env["BLEHERD_WORLD"] + "/door"
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.door.bind(path)
        self.door.listen(128)
        self.env["BLEHERD_SOCKET"] = path
        self._end(os.pidfd_open(world.daemon), signal.SIGTERM)
        self.start()

    @staticmethod
    def _end(pidfd, number):
        signal.pidfd_send_signal(pidfd, number)
        select.select([pidfd], [], [])
        os.close(pidfd)

    def start(self):
        number = self.door.fileno()
        # The shell puts the socket where it belongs, and has the pid that the variable wants.
        script = f'exec 3<&{number}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" --config "$1"'
        self.process = subprocess.Popen(
            BOUND + ["bash", "-c", script, f"{BIN}/bleherdd", self.env["BLEHERD_CONFIG"]],
            env=self.env, pass_fds=[number], stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()


def supervisor(report):
    report.section("c", f"SIGKILL of the supervisor under {PROGRAMS} programs, restarted at once",
                   [("all", "all served again, ms")])
    os.environ["BLEHERD_MAY_DIE"] = "1"
    with World(devices=PROGRAMS, settings=FAST_RESTARTS) as world:
        service = Service(world)
        clients = [world.client([address]) for address in addresses(PROGRAMS)]
        for client in clients:
            client.do("stay")
            client.do("open")
        runs = []
        for _ in range(KILLS):
            began = time.monotonic()
            service.kill()
            service.start()
            for client in clients:
                client.send("read 1")
            for client in clients:
                client.answer()
            runs.append({"all": (time.monotonic() - began) * 1000})
        for client in clients:
            client.end()
        service.kill()
    del os.environ["BLEHERD_MAY_DIE"]
    report.row(f"{PROGRAMS} programs", runs, [("all", "<=", 1000, None)])


# --- d. the arbiter dies ---

def arbiter(report):
    report.section("d", "SIGKILL of lockd to the next grant, the lock being free",
                   [("median", "median ms"), ("p95", "p95 ms")])
    with World(settings=FAST_RESTARTS) as world:
        client = world.client(addresses(1))

        def lock_ms(kill):
            samples = []
            for _ in range(LOCKS):
                lockd = [pid for pid, name in tree(world.daemon).items() if name == "bleherd-lockd"]
                samples += client.do(f"lock {lockd[0]}" if kill else "lock")["samples_us"]
            samples.sort()
            return {"median": statistics.median(samples) / 1000,
                    "p95": samples[len(samples) * 95 // 100] / 1000}

        client.do("lock")
        runs = alternate(RUNS, lambda: lock_ms(False), lambda: lock_ms(True))
    report.row("nobody dies", runs[0])
    report.row("lockd dies", runs[1])


SECTIONS = {"a": failover, "b": memory, "c": supervisor, "d": arbiter}

if __name__ == "__main__":
    sys.exit(run_sections("bench-survive", __doc__, SECTIONS))
