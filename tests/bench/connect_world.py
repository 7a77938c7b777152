# SPDX-License-Identifier: GPL-3.0-or-later
"""Worlds, programs in them, and what these cost. Everything ends with this process."""
import json
import os
import pathlib
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BIN = pathlib.Path(os.environ.get("BLEHERD_BIN", ROOT / "build/bin")).resolve()
CLIENT = str(BIN.parent / "tests/connect-client")
PEER = ["/usr/bin/python3", str(HERE / "connect_bleak.py")]
BOUND = ["setpriv", "--pdeathsig", "KILL", "--"]
# Nothing that the peripheral or bluetoothd would add, and found is found.
FAST = ["--disconnect-ms", "0", "--mgmt-lag-ms", "0", "--temporary-ms", "3600000"]
# The first death after a healthy minute is followed by a start at once: so is each one here.
FAST_RESTARTS = ["workers.restart_base_ms=1", "workers.restart_max_ms=1",
                 "workers.crash_loop_deaths=0"]
# The world that a program of CMD sees, to the last line that it prints.
AGENT = 'env -0 | tr "\\0" "\\n" | grep -E "^(BLEHERD|DBUS)_"; echo; read -r _ || true'


class Failed(Exception):
    """Something did not work: costs its row."""


def addresses(count, first=0):
    return [f"C0:AA:BB:00:{i >> 8:02X}:{i & 255:02X}" for i in range(first, first + count)]


# --- what processes cost ---

def parents():
    """pid -> (parent, name) of all processes."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                text = stat.read()
        except OSError:
            continue
        name, rest = text.split("(", 1)[1].rsplit(")", 1)
        found[int(entry)] = (int(rest.split()[1]), name)
    return found


def tree(root):
    """Descendants of a process, itself included: pid -> name."""
    everybody = parents()
    found, todo = {root: everybody[root][1]}, [root]
    while todo:
        parent = todo.pop()
        for pid, (of, name) in everybody.items():
            if of == parent:
                found[pid] = name
                todo.append(pid)
    return found


def cpu_us(pids):
    """CPU time so far, all threads; the kernel keeps it in nanoseconds, where stat has ticks."""
    ns = 0
    for pid, name in pids.items():
        if not os.path.exists(f"/proc/{pid}/task"):
            raise Failed(f"{name}, process {pid}, has ended")
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as schedstat:
                ns += int(schedstat.read().split()[0])
    return ns / 1000


def pss_kib(pids):
    kib = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            kib += next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    return kib


# --- programs ---

class Program:
    """A client that obeys commands; see connect_client.h."""

    def __init__(self, world, argv):
        self.process = subprocess.Popen(BOUND + argv, env=world.env, text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid

    def send(self, command):
        try:
            self.process.stdin.write(command + "\n")
        except OSError as error:
            raise Failed(f"a client has ended: {error}") from error

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failed("a client has ended")
        return json.loads(line)

    def do(self, command):
        self.send(command)
        return self.answer()

    def end(self):
        self.process.stdin.close()
        if self.process.wait(20) != 0:
            raise Failed(f"a client ended with status {self.process.returncode}")


class World:
    """contrib/sim/world, with bleherdd or, for the peer, without."""

    def __init__(self, daemon=True, adapters=1, devices=10, notify_ms=200, settings=()):
        argv = [str(ROOT / "contrib/sim/world"), "--adapters", str(adapters), "--devices",
                str(devices), "--notify-ms", str(notify_ms)]
        argv += [] if daemon else ["--no-daemon"]
        for option in FAST:
            argv += ["--sim", option]
        for setting in settings:
            argv += ["--set", setting]
        self.programs = []
        self.process = subprocess.Popen(
            BOUND + argv + ["--", "bash", "-c", AGENT], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=dict(os.environ, BLEHERD_BIN=str(BIN)))
        self.env = dict(os.environ)
        for line in iter(self.process.stdout.readline, "\n"):
            if not line:
                raise Failed("the world did not come up")
            key, value = line.rstrip("\n").split("=", 1)
            self.env[key] = value
        self.daemon = int(self.env["BLEHERD_DAEMON_PID"]) if daemon else None
        everybody = tree(self.process.pid)
        # Without the shells and the like that only wait.
        self.system = {pid: name for pid, name in everybody.items()
                       if name == "dbus-daemon" or name.startswith("bleherd")}

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for program in self.programs:
            if kind is None and program.process.poll() is None:
                program.end()
        self.process.stdin.close()
        if self.process.wait(20) != 0 and kind is None:
            raise Failed(f"the world ended with status {self.process.returncode}")

    def ours(self):
        return list(tree(self.daemon)) if self.daemon else []

    def workers(self):
        return [pid for pid, name in tree(self.daemon).items() if name == "bleherd-worker"]

    def start(self, argv):
        self.programs.append(Program(self, argv))
        return self.programs[-1]

    def client(self, where):
        return self.start([CLIENT] + where)

    def peer(self, where):
        return self.start(PEER + where)

    def find(self, devices, adapters):
        """Every adapter hears every device, and the daemon knows."""
        finder = self.client(addresses(devices))
        finder.do(f"find {adapters}")
        finder.end()
        # Sightings travel in batches.
        until = time.monotonic() + 10
        while self.known() < devices:
            if time.monotonic() > until:
                raise Failed(f"the daemon knows {self.known()} of {devices} devices")
            time.sleep(0.05)

    def known(self):
        done = subprocess.run([f"{BIN}/bleherd", "status", "--json"], env=self.env, check=True,
                              stdout=subprocess.PIPE, timeout=10)
        return json.loads(done.stdout)["devices"]

    def start_and_time(self, argv):
        """A program from its start to its first line: the stop-watch is a small one in C."""
        done = subprocess.run(BOUND + [CLIENT, "start"] + argv, env=self.env, check=False,
                              stdout=subprocess.PIPE, timeout=30)
        if done.returncode != 0:
            raise Failed(f"{argv[0]}: status {done.returncode}")
        return json.loads(done.stdout)

    def measure(self, programs, commands):
        """
        All of them do it, at the same time; CPU of ours or the peer's, and of the system.
        @commands: one for all of them, or one for each
        """
        if isinstance(commands, str):
            commands = [commands] * len(programs)
        clients = {program.pid: "a client" for program in programs}
        own = {**clients, **(tree(self.daemon) if self.daemon else {})}
        system = {**clients, **self.system}
        before_us, before_system_us, at = cpu_us(own), cpu_us(system), time.monotonic()
        # The last first: it is the first that makes things happen.
        for program, command in reversed(list(zip(programs, commands))):
            program.send(command)
        answers = [program.answer() for program in programs]
        wall_us = (time.monotonic() - at) * 1e6
        return {"cpu": cpu_us(own) - before_us, "system": cpu_us(system) - before_system_us,
                "wall": wall_us, "lost": sum(answer["lost"] for answer in answers),
                "samples": [us for answer in answers for us in answer["samples_us"]]}
