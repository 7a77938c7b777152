# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/lab/scan does inside the lab. One line per step; the first that fails ends it."""
import os
import selectors
import subprocess
import sys
import threading
import time

import lab
from lab import Failure, fault, kinds, need, ok, run

LATE, BUSY = "C0:AA:BB:00:00:03", ("C0:AA:BB:00:00:00", "C0:AA:BB:00:00:01")
PATIENCE_S = 40
# A connect that nothing hinders takes 0.2 to 0.5 s here, beside a discovery 8.7 s.
AT_ONCE_MS = 8000


class Scan:
    """bleherd scan, as a program runs it."""

    def __init__(self):
        self.process = lab.Command("scan", "--duration", "600").process
        self.said = self.process.stdout.buffer.raw
        os.set_blocking(self.said.fileno(), False)
        self.ready = selectors.DefaultSelector()
        self.ready.register(self.said, selectors.EVENT_READ)

    def hears(self, address):
        """Until an advert of it comes: after how many seconds."""
        begin, text = time.monotonic(), b""
        while (left := begin + PATIENCE_S - time.monotonic()) > 0:
            if not self.ready.select(left):
                break
            more = self.said.read(1 << 16) or b""
            need(more or self.process.poll() is None, f"the scan ended: {self.process.returncode}")
            text = text[-len(address):] + more
            if address.encode() in text:
                return time.monotonic() - begin
        raise Failure(f"{address} was not heard in {PATIENCE_S} s; events: {kinds()[-12:]}")

    def forget(self):
        """What was heard until now; then the late one is silent."""
        while self.said.read(1 << 16):
            pass
        time.sleep(2)
        need(LATE.encode() not in (self.said.read(1 << 20) or b""),
             f"{LATE} was heard though it is silent")

    def end(self):
        self.process.kill()
        self.process.wait()


def after(scan, name, interrupt):
    """The late one speaks up after the interruption, and is heard."""
    fault(f"silent {LATE} on")
    interrupt()
    scan.forget()
    fault(f"silent {LATE} off")
    ok(name, f"{scan.hears(LATE):.1f} s")


def power_cycle():
    for state in "false", "true":
        lab.set_property(lab.ADAPTER, "Adapter1", "Powered", state)


def replace_bluetoothd(*options):
    subprocess.run(["contrib/lab/fresh", *options], check=True)


# --- discovery ---

def connect_all_the_time(address, is_over, took_s):
    while not is_over.is_set():
        command = run("connect", address)
        if command.status == 0:
            took_s.append(command.ms / 1000)


def beside_connects(scan):
    fault(f"silent {LATE} on")
    run("connect", BUSY[0]), run("connect", BUSY[1])
    is_over, took_s = threading.Event(), []
    threads = [threading.Thread(target=connect_all_the_time, args=(a, is_over, took_s), daemon=True)
               for a in BUSY]
    for thread in threads:
        thread.start()
    time.sleep(10)
    scan.forget()
    fault(f"silent {LATE} off")
    heard_s = scan.hears(LATE)
    is_over.set()
    for thread in threads:
        thread.join()
    ok("two programs connect all the time",
       f"{heard_s:.1f} s; {len(took_s)} connects, {max(took_s):.1f} s at most")


def shared():
    other = subprocess.Popen(["bluetoothctl", "--timeout", "60", "scan", "on"],
                             stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    time.sleep(3)
    scan = Scan()
    scan.hears(BUSY[0])
    scan.end()
    lab.eventually("scan-shared", lambda: "scan-shared" in kinds(), PATIENCE_S)
    other.kill()
    other.wait()
    ok("another program discovers", "scan-shared")


def discovery():
    fault(f"silent {LATE} on")
    scan = Scan()
    ok("hears who is there", f"{scan.hears(BUSY[0]):.1f} s")
    after(scan, "the adapter's power goes and comes", power_cycle)
    after(scan, "another bluetoothd", replace_bluetoothd)
    beside_connects(scan)
    scan.end()
    shared()
    need("adapter-silent" not in kinds(), f"no false alarm: {kinds()}")
    ok("no false alarm")


# --- an advertisement monitor ---

def need_passive():
    """The kernel asks for no scan responses, and bluetoothd discovers nothing."""
    found = subprocess.run(lab.busctl("get-property", "org.bluez", lab.ADAPTER,
                                      "org.bluez.Adapter1", "Discovering"),
                           capture_output=True, text=True, check=True).stdout
    need("false" in found, f"Discovering: {found}")
    controller = lab.radio()
    need(controller["scanning"] and not controller["active"], f"{controller}")
    need("scan-active" not in kinds(), f"{kinds()}")


def passive():
    fault(f"silent {LATE} on")
    scan = Scan()
    heard_s = scan.hears(BUSY[0])
    need_passive()
    ok("hears who is there", f"{heard_s:.1f} s")
    after(scan, "the adapter's power goes and comes", power_cycle)
    need_passive()
    after(scan, "another bluetoothd", replace_bluetoothd)
    need_passive()
    said = lab.works("connect", BUSY[0], within_ms=AT_ONCE_MS)
    ok("a connect beside it", f"{said['connect_ms']} ms")
    need_passive()
    after(scan, "another bluetoothd, without monitors", lambda: replace_bluetoothd("--plain"))
    lab.eventually("scan-active", lambda: "scan-active" in kinds())
    ok("discovery instead", "scan-active")
    scan.end()
    need("adapter-silent" not in kinds(), f"no false alarm: {kinds()}")
    ok("no false alarm")


if sys.argv[1:] == ["passive"]:
    lab.main("passive scan", passive)
lab.main("scan", discovery)
