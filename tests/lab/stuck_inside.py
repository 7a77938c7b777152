# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/lab/stuck does inside the lab. One line per step: ok or FAIL, its name, milliseconds,
what was seen. A step that fails does not keep the others from running."""
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time

import lab
from lab import (Command, adapters, events, eventually, fault, kinds, last_event, locks, need,
                 need_in_order, run, tell)

BASIS = "C0:AA:BB:00:00:{:02X}"
# One peripheral a step: none pays for what an earlier one did to bluetoothd's memory of it.
(BYSTANDER, DEAF, FINE, UNHEARD, MUTE, DEAD, GHOST, PHANTOM, STORY, WAITER,
 *HELD) = map(
    BASIS.format, range(12))
LIMIT = 3
# "At once". A connect that nothing hinders takes 0.2 to 0.5 s here, on a machine with five times as
# much to do as it can up to 4.5 s; beside a discovery it would be 8.7 s.
AT_ONCE_MS = 8000
# What the end of a deadline may be late: the command starts and ends; 0.2 s, and 2.6 s there.
LATE_MS = 5000
# The other adapter: reads every READ_PAUSE_S, 0.1 to 0.3 s each; the longest gap there was 8.2 s.
READ_PAUSE_S, READ_GAP_S = 0.3, 10
STOPPED_S = 5
# _IOW('H', 203, int), _IOR('H', 212, int)
HCIDEVRESET, HCIGETCONNLIST = 0x400448CB, 0x800448D4


def works(*words, within_ms=AT_ONCE_MS):
    return lab.works(*words, within_ms=within_ms)


def fails(command, classes, limit_s):
    """Fails with one of these classes, and not later than it was told to."""
    need(command.status == 1, str(command))
    need(command.failure() in classes, f"not {' or '.join(classes)}: {command}")
    need(command.ms < limit_s * 1000 + LATE_MS, f"late: {command}")
    return f"{command.failure()} after {command.ms:.0f} ms"


def kernel_links(index):
    """(address, state) as HCIGETCONNLIST has them: struct hci_conn_list_req, hci_conn_info."""
    request = bytearray(struct.pack("=HH", index, 10) + bytes(16 * 10))
    with socket.socket(socket.AF_BLUETOOTH, socket.SOCK_RAW, socket.BTPROTO_HCI) as hci:
        fcntl.ioctl(hci, HCIGETCONNLIST, request)
    count = struct.unpack_from("=H", request, 2)[0]
    rows = [struct.unpack_from("=H6sBBHI", request, 4 + 16 * i) for i in range(count)]
    return [(row[1][::-1].hex(":").upper(), row[4]) for row in rows]


def need_nothing_left(address):
    """Neither in the controller nor in the kernel nor with the arbiter."""
    eventually("the controller to give up",
               lambda: not lab.radio()["pending"], 2)
    eventually("the kernel to forget it",
               lambda: not any(row[0] == address for row in kernel_links(0)), 2)
    eventually("the locks to be free",
               lambda: not any("connect" in json.dumps(row) or address in json.dumps(row)
                               for row in locks()), 2)


class Bystander(threading.Thread):
    """Reads over hci1 all the time. What is wrong with the other adapter must not reach it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.done = []      # when a read succeeded
        self.bad = []       # when one did not, and what was said
        self.is_over = threading.Event()

    def run(self):
        with_link = Command("connect", BYSTANDER, "--adapter", "hci1", "--hold")
        while not self.is_over.wait(READ_PAUSE_S):
            command = run("read", BYSTANDER, "fff3", "--adapter", "hci1", "--timeout", "10")
            if command.status == 0:
                self.done.append(time.monotonic())
            else:
                self.bad.append((command.begin, str(command)))
        with_link.stop()

    def since(self, begin):
        """What it did since then, in words; it must have gone on."""
        times = [begin, *(t for t in list(self.done) if t > begin), time.monotonic()]
        gap = max(b - a for a, b in zip(times, times[1:]))
        bad = [text for at, text in list(self.bad) if at > begin]
        need(not bad, f"the other adapter: {bad[:1]}")
        need(gap < READ_GAP_S, f"the other adapter: no read for {gap:.1f} s")
        return f"; hci1: {len(times) - 2} reads, longest gap {gap:.1f} s"


# --- a peripheral that misbehaves ---

def silent_peripheral():
    fault(f"deaf {DEAF} on")
    said = fails(run("connect", DEAF, "--adapter", "hci0", "--timeout", "6"),
                 ("deadline", "not-found"), 6)
    need_nothing_left(DEAF)
    other = works("connect", FINE, "--adapter", "hci0")
    fault(f"deaf {DEAF} off")
    works("connect", DEAF, "--adapter", "hci0")
    return f"{said}; nothing left; another one then in {other['total_ms']} ms"


def is_scanning():
    return lab.radio()["scanning"]


def unheard_peripheral():
    """bluetoothd has never heard it: it is sought, and comes while somebody seeks it."""
    said = fails(run("connect", UNHEARD, "--adapter", "hci0", "--timeout", "4"),
                 ("deadline", "not-found"), 4)
    need_nothing_left(UNHEARD)
    seeker = Command("connect", UNHEARD, "--adapter", "hci0", "--timeout", "20")
    eventually("a discovery", is_scanning)
    fault(f"silent {UNHEARD} off")
    came = time.monotonic()
    need(seeker.end().status == 0, str(seeker))
    return f"{said}; connected {(time.monotonic() - came) * 1000:.0f} ms after it came"


def vanishing_peripheral():
    """It goes while its services are read, with the link up."""
    fault(f"mute {MUTE} on")
    seeker = Command("connect", MUTE, "--adapter", "hci0", "--timeout", "9")
    eventually("a link", lambda: kernel_links(0))
    fault(f"vanish {MUTE} on")
    said = fails(seeker.end(), ("deadline", "not-found", "link-lost"), 9)
    need_nothing_left(MUTE)
    seeker = Command("connect", MUTE, "--adapter", "hci0", "--timeout", "20")
    eventually("an attempt", lambda: is_scanning() or kernel_links(0))
    fault(f"mute {MUTE} off")
    fault(f"vanish {MUTE} off")
    came = time.monotonic()
    need(seeker.end().status == 0, str(seeker))
    return f"{said}; connected {(time.monotonic() - came) * 1000:.0f} ms after it came back"


# --- links ---

def hear_on(name):
    """An adapter that has not heard it lately is no choice, and bluetoothd forgets after 30 s."""
    run("scan", "--adapter", name, "--duration", "2")


def link_limit():
    holders = [Command("connect", address, "--adapter", "hci0", "--hold")
               for address in (FINE, DEAF, HELD[0])]
    try:
        eventually("a full adapter", lambda: adapters()[0]["links"] == LIMIT)
        after = last_event()
        refused = run("connect", HELD[1], "--adapter", "hci0", "--timeout", "12")
        said = fails(refused, ("out-of-slots",), 12)
        need_in_order(["session-opened", "connect-failed"], kinds(after, HELD[1]))
        hear_on("hci1")
        free = works("connect", HELD[1])
        need(free["adapter"] == "hci1", f"it went over a full adapter: {free}")
        tell(after, HELD[1])
    finally:
        for holder in holders:
            holder.stop()
    works("connect", HELD[1], "--adapter", "hci0")
    return f"{said} where it is full; {free['total_ms']} ms over the other one"


def rotation():
    """Nobody knows that it is full before it refuses: the request goes on over the other one."""
    hear_on("hci0")
    hear_on("hci1")
    fault(f"refuse {HELD[0]} 1 0x0d")
    after = last_event()
    said = works("connect", HELD[0], within_ms=10000)
    need_in_order(["session-opened", "connect-failed", "escalated", "connected"],
                  kinds(after, HELD[0]))
    failed_on = [e["adapter"] for e in events(after)
                 if e["event"] == "connect-failed" and e["address"] == HELD[0]]
    need([said["adapter"]] != failed_on, f"it stayed on {failed_on}: {said}")
    tell(after, HELD[0])
    return f"{failed_on[0]} refused, over {said['adapter']} in {said['total_ms']} ms"


def foreign_link(address):
    """Somebody past bleherd connects and leaves the link behind; bluetoothd keeps it."""
    works("connect", address, "--adapter", "hci0")
    device = ("org.bluez", lab.device_path(address), "org.bluez.Device1")
    subprocess.run(lab.busctl("call", *device, "Connect"), check=True, stdout=subprocess.DEVNULL)
    resolved = lab.busctl("get-property", *device, "ServicesResolved")
    eventually("its services", lambda: "true" in subprocess.run(
        resolved, capture_output=True, text=True).stdout)


def dead_link():
    """All layers list it, and the peripheral does not answer."""
    foreign_link(DEAD)
    fault(f"lose {DEAD} forgotten")
    after = last_event()
    said = works("connect", DEAD, "--adapter", "hci0", "--validate", "read:2a19", "--timeout", "25",
                 within_ms=20000)
    tell(after, DEAD)
    return f"connected after all, in {said['total_ms']} ms and {said['attempts']} attempts"


def phantom():
    """BlueZ has it, the kernel does not: what `hciconfig hci0 reset` leaves. bluetoothd 5.66 cannot
    get rid of it on 6.12: the kernel's MGMT Disconnect says 0x0e there, and it waits for 0x02. A
    power cycle does."""
    foreign_link(PHANTOM)
    with socket.socket(socket.AF_BLUETOOTH, socket.SOCK_RAW, socket.BTPROTO_HCI) as hci:
        fcntl.ioctl(hci, HCIDEVRESET, 0)
    eventually("the kernel to forget it", lambda: not kernel_links(0))
    after = last_event()
    said = works("connect", PHANTOM, "--adapter", "hci0", "--timeout", "60", within_ms=60000)
    tell(after)
    need(any(e["event"] == "stuck" and e.get("class") == "phantom" and "did not help" in e["text"]
             for e in events(after)), "nobody said that it is a phantom")
    need("reset-done" in [e["event"] for e in events(after)], "the adapter was not reset")
    return f"the adapter was reset; connected in {said['total_ms']} ms"


def stuck_link():
    """The controller never lets it go: nothing but a power cycle helps, and here it costs nobody."""
    foreign_link(GHOST)
    fault(f"lose {GHOST} stuck")
    after = last_event()
    said = works("connect", GHOST, "--adapter", "hci0", "--validate", "read:2a19", "--timeout",
                 "60", within_ms=60000)
    tell(after)
    # Honest: what was found, what was tried, and that it did not help.
    need(any(e["event"] == "stuck" and e.get("class") == "zombie" and "did not help" in e["text"]
             for e in events(after)), "nobody said that it is a dead link")
    need("reset-done" in [e["event"] for e in events(after)], "the adapter was not reset")
    return f"the adapter was reset; connected in {said['total_ms']} ms"


def story():
    fault(f"refuse {STORY} 2 0x3e")
    after = last_event()
    said = works("connect", STORY, "--adapter", "hci0", "--timeout", "30", within_ms=25000)
    need_in_order(["session-opened", "connect-failed", "connect-failed", "connected",
                   "session-closed"], kinds(after, STORY))
    for line in subprocess.run([lab.BLEHERD, "events"], capture_output=True, text=True,
                               check=True).stdout.splitlines():
        if STORY in line:
            print("       " + line, flush=True)
    return f"{said['attempts']} attempts, {said['total_ms']} ms"


# --- bluetoothd ---

def bluetoothd():
    with open(os.environ["BLEHERD_WORLD"] + "/bluetoothd.pid", encoding="ascii") as pid:
        return int(pid.read())


def workers():
    return [(row["worker_pid"], row["deaths"]) for row in adapters()]


def stopped_bluetoothd():
    works("connect", WAITER, "--adapter", "hci0")
    before, pid = workers(), bluetoothd()
    begin = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    cont = threading.Timer(STOPPED_S, os.kill, (pid, signal.SIGCONT))
    cont.start()
    hasty = Command("connect", WAITER, "--adapter", "hci0", "--timeout", "3")
    eventually("an attempt", lambda: any("connect" in json.dumps(row) for row in locks()))
    patient = Command("connect", FINE, "--adapter", "hci0", "--timeout", "20")
    hasty.end()
    stopped_ms = (time.monotonic() - begin) * 1000
    patient.end()
    cont.join()
    said = fails(hasty, ("deadline", "no-reply"), 3)
    need(stopped_ms < STOPPED_S * 1000, f"it was told before bluetoothd went on: {stopped_ms:.0f} ms")
    need(patient.status == 0, str(patient))
    again = works("connect", WAITER, "--adapter", "hci0")
    need(workers() == before, f"workers: {before}, then {workers()}")
    return (f"3 s: {said}; 20 s: connected after {patient.ms:.0f} ms; afterwards "
            f"{again['total_ms']} ms; the same workers")


class Subscription(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.command = Command("notify", DEAF, "fff4", "--adapter", "hci0", "--reconnect")
        self.values, self.other = 0, []
        self.start()

    def run(self):
        for line in self.command.process.stdout:
            if '"hex"' in line:
                self.values += 1
            else:
                self.other.append(line.strip())


def killed_bluetoothd():
    before = workers()
    fault(f"deaf {WAITER} on")
    subscription = Subscription()
    eventually("values", lambda: subscription.values >= 5)
    pending = Command("connect", WAITER, "--adapter", "hci0", "--timeout", "60")
    eventually("a pending Connect", lambda: lab.radio()["pending"])
    after = last_event()
    os.kill(bluetoothd(), signal.SIGKILL)
    # A link that comes while the kernel cancels would be the controller's alone, for good.
    eventually("the kernel to cancel", lambda: not lab.radio()["pending"])
    fault(f"deaf {WAITER} off")
    eventually("bluez-gone", lambda: "bluez-gone" in kinds(after))
    late = Command("connect", FINE, "--timeout", "60")
    subprocess.run(["contrib/lab/fresh"], check=True)
    back, values = time.monotonic(), subscription.values
    eventually("values again", lambda: subscription.values >= values + 5)
    values_ms = (time.monotonic() - back) * 1000
    for command in pending.end(), late.end():
        need(command.status == 0, str(command))
    need_in_order(["bluez-gone", "bluez-back"], kinds(after))
    need(workers() == before, f"workers: {before}, then {workers()}")
    subscription.command.process.terminate()
    subscription.join()
    return (f"values {values_ms:.0f} ms after it was back; the connect that was pending: "
            f"{pending.ms:.0f} ms, one that came meanwhile: {late.ms:.0f} ms")


def main():
    eventually("adapters", lambda: run("adapters").status == 0)
    fault(f"silent {UNHEARD} on")
    bystander = Bystander()
    bystander.start()
    eventually("reads over the other adapter", lambda: len(bystander.done) > 2)
    for name, function in (
            ("silent peripheral", silent_peripheral),
            ("a peripheral nobody has heard", unheard_peripheral),
            ("vanishes while services are read", vanishing_peripheral),
            # In this order: one that refused is taken for full for a minute.
            ("one adapter is full", link_limit),
            ("one adapter refuses", rotation),
            ("dead link", dead_link),
            ("phantom", phantom),
            ("link that never ends", stuck_link),
            ("the story of a bad connect", story)):
        lab.step(name, function, bystander.since)
    bystander.is_over.set()
    bystander.join()
    lab.step(f"bluetoothd stopped for {STOPPED_S} s", stopped_bluetoothd)
    lab.step("bluetoothd killed", killed_bluetoothd)


lab.main("stuck", main)
