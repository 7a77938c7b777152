# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/lab/dirty does inside the lab. One line per step; the first that fails ends it."""
import json
import os
import signal
import subprocess
import time

import lab
from lab import Command, eventually, fault, last_event, need, ok, run

DEAF, OTHER = "C0:AA:BB:00:00:00", "C0:AA:BB:00:00:01"
# DESIGN.md 12, on the machine itself. Under emulation everything takes several times longer.
GOAL_MS = 1000
DAY_S = 86400


def is_creating():
    """The controller has LE Create Connection, and has not ended it."""
    return lab.radio()["pending"]


def worker():
    return lab.adapters()[0]["worker_pid"]


def connect(address):
    """Connects once; returns the milliseconds that it took, and what it said."""
    command = run("connect", address)
    need(command.status == 0, str(command))
    return command.ms, command.objects()[0]


def introduce():
    """bluetoothd knows both, and forgets them only after 30 s."""
    fault(f"deaf {DEAF} off")
    for address in DEAF, OTHER:
        connect(address)
    usual_ms = connect(OTHER)[0]
    # A link stays for a second after its last user; a Connect that finds one does not pend.
    eventually("the links to end", lambda: not lab.radio()["links"])
    fault(f"deaf {DEAF} on")
    return usual_ms


def expect_dirty(after, text):
    found = [e for e in lab.events(after) if e["event"] == "lock-dirty"]
    need(len(found) == 1 and found[0]["text"].endswith(text), f"lock-dirty: {found}")


def when(after, kind, address=None):
    """The wall clock at the first such event."""
    for event in lab.events(after):
        if event["event"] == kind and address in (None, event.get("address")):
            return event["at_ms"]
    return None


def timeline(after, killed_ms):
    """Where the time went, in milliseconds since the kill."""
    marks = (("worker-died", None), ("worker-ready", None), ("lock-dirty", None),
             ("session-opened", OTHER), ("connected", OTHER))
    return ", ".join(f"{kind} {at - killed_ms:.0f}" for kind, address in marks
                     if (at := when(after, kind, address)) is not None)


def measure(name, usual, kill):
    """After kill() somebody else's connect over that adapter works."""
    after = last_event()
    begin, killed_ms = time.monotonic(), time.time() * 1000
    kill()
    said = connect(OTHER)[1]
    total_ms = (time.monotonic() - begin) * 1000
    need(total_ms <= GOAL_MS + usual, f"{name}: {total_ms:.0f} ms, the usual {usual:.0f} included")
    ok(name, f"{total_ms:.0f} ms; without a death {usual:.0f} ms; goal {GOAL_MS} ms on the machine "
       "itself")
    print(f"       since the kill: {timeline(after, killed_ms)}", flush=True)
    print(f"       waited for the lock {said['queue_ms']} ms, Connect {said['connect_ms']} ms, "
          f"attempts {said['attempts']}", flush=True)
    return after


def dead_worker():
    name = "next connect after a worker's SIGKILL"
    usual = introduce()
    holder = Command("connect", DEAF, "--timeout", "60")
    eventually("a pending Connect", is_creating)
    pid = worker()

    def kill():
        os.kill(pid, signal.SIGKILL)
        holder.process.kill()       # else its session moves on, and waits for that device first

    after = measure(name, usual, kill)
    holder.process.wait()
    expect_dirty(after, "its Connect was cancelled")
    ok("lock-dirty of a dead worker")


def only_child(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        return int(children.read())


def dead_program(resources, is_command=False):
    """`bleherd lock` is killed, or the command that it runs."""
    name = f"next connect after SIGKILL, {'CMD of ' if is_command else ''}lock " + resources[:14]
    usual = introduce()
    holder = Command("lock", "hci0", resources, "--",
                     *lab.busctl("call", "org.bluez", lab.device_path(DEAF), "org.bluez.Device1",
                                 "Connect"))
    eventually("a pending Connect", is_creating)
    pid = only_child(holder.process.pid) if is_command else holder.process.pid
    after = measure(name, usual, lambda: os.kill(pid, signal.SIGKILL))
    holder.process.wait()
    expect_dirty(after, "its Connect was cancelled")
    ok("lock-dirty of a dead program")


# --- the wall clock ---

def set_clock(days):
    subprocess.run(["date", "-s", f"@{time.time() + days * DAY_S:.3f}"], check=True,
                   stdout=subprocess.DEVNULL)


def held():
    return [row for row in lab.locks() if "scan" in json.dumps(row)]


def take_turn(number, seconds, log):
    """Says when it has its turn and when that is over: two at once would show."""
    script = f"echo in {number} >> {log}; sleep {seconds}; echo out {number} >> {log}"
    return Command("lock", "hci0", "scan", "--timeout", "60", "--", "sh", "-c", script)


def jumping_clock():
    name = "locks while the clock jumps"
    log = os.environ["BLEHERD_WORLD"] + "/turns"
    turns = [take_turn("first", 8, log)]
    eventually("the first turn", lambda: os.path.exists(log))
    after = last_event()
    begin = time.monotonic()
    for number in "second", "third":
        turns.append(take_turn(number, 1, log))
        eventually("its place in the queue", lambda: len(held()) == len(turns))
    hasty = Command("lock", "hci0", "scan", "--timeout", "5", "--", "false")
    eventually("its place in the queue", lambda: len(held()) == 4)
    hasty_begin = time.monotonic()
    for days in (1, -2, 2, -1):
        set_clock(days)
        run("locks")            # the arbiter and the supervisor have a turn
    need(hasty.end().status == 75, f"the one that waits 5 s: {hasty}")
    hasty_s = time.monotonic() - hasty_begin
    need(4 < hasty_s < 7, f"5 s were {hasty_s:.1f} s")
    for turn in turns:
        need(turn.end().status == 0, str(turn))
    total_s = time.monotonic() - begin
    with open(log, encoding="utf-8") as lines:
        seen = lines.read().split("\n")[:-1]
    need(seen == [f"{what} {who}" for who in ("first", "second", "third")
                  for what in ("in", "out")], f"turns: {seen}")
    bad = [e for e in lab.events(after)
           if e["event"].startswith(("lock-", "arbiter-", "worker-"))]
    need(not bad, f"{name}: {bad}")
    ok(name, f"three turns in {total_s:.1f} s; a wait of 5 s took {hasty_s:.1f} s")
    connect(OTHER)
    ok("a connect after that")


def main():
    eventually("adapters", lambda: run("adapters").status == 0)
    dead_worker()
    dead_program("connect")
    dead_program("connect,device:" + DEAF)
    dead_program("connect", is_command=True)
    jumping_clock()


lab.main("dirty", main)
