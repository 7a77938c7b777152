# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/lab/scan does inside the lab. One line per step; the first that fails ends it."""
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
import time

BLEHERD = os.environ["BLEHERD_BIN"] + "/bleherd"
LATE, BUSY = "C0:AA:BB:00:00:03", ("C0:AA:BB:00:00:00", "C0:AA:BB:00:00:01")
ADAPTER = "/org/bluez/hci0"
PATIENCE_S = 40
passed = 0


def fail(name, text):
    print(f"FAIL {name}: {text}", flush=True)
    sys.exit(1)


def ok(name, detail=""):
    global passed
    passed += 1
    print(f"ok   {name:<44} {detail}".rstrip(), flush=True)


def tell_sim(line):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.connect(os.environ["BLEHERD_SIM_CONTROL"])
        control.send(line.encode())
        return control.recv(1 << 20).decode()


def bleherd(*words):
    run = subprocess.run([BLEHERD, *words], capture_output=True, text=True)
    return run.returncode, run.stdout, run.stderr


def kinds():
    return [json.loads(line)["event"] for line in bleherd("events", "--json")[1].splitlines()]


class Scan:
    """bleherd scan, as a program runs it."""

    def __init__(self):
        self.process = subprocess.Popen([BLEHERD, "scan", "--duration", "600", "--json"],
                                        stdout=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.ready = selectors.DefaultSelector()
        self.ready.register(self.process.stdout, selectors.EVENT_READ)

    def hears(self, name, address, patience_s=PATIENCE_S):
        """Until an advert of it comes: after how many seconds."""
        begin = time.monotonic()
        while (left := begin + patience_s - time.monotonic()) > 0:
            if not self.ready.select(left):
                break
            text = self.process.stdout.read()
            if text and address.encode() in text:
                return time.monotonic() - begin
            if text == b"":
                fail(name, f"the scan ended: {self.process.wait()}")
        fail(name, f"{address} was not heard in {patience_s} s; events: {kinds()[-12:]}")

    def forget(self, name):
        """What was heard until now; then the late one is silent."""
        while self.process.stdout.read():
            pass
        time.sleep(2)
        if LATE.encode() in (self.process.stdout.read() or b""):
            fail(name, f"{LATE} was heard though it is silent")

    def end(self):
        self.process.kill()
        self.process.wait()


def after(scan, name, interrupt):
    """The late one speaks up after the interruption, and is heard."""
    tell_sim(f"silent {LATE} on")
    interrupt()
    scan.forget(name)
    tell_sim(f"silent {LATE} off")
    ok(name, f"{scan.hears(name, LATE):.1f} s")


def power_cycle():
    for state in "false", "true":
        subprocess.run(["busctl", "set-property", "org.bluez", ADAPTER, "org.bluez.Adapter1",
                        "Powered", "b", state], check=True)


def replace_bluetoothd():
    subprocess.run(["contrib/lab/fresh"], check=True)


def connect_all_the_time(address, is_over, took_s):
    while not is_over.is_set():
        begin = time.monotonic()
        if bleherd("connect", address, "--json")[0] == 0:
            took_s.append(time.monotonic() - begin)


def main():
    tell_sim(f"silent {LATE} on")
    scan = Scan()
    ok("hears who is there", f"{scan.hears('first', BUSY[0]):.1f} s")
    after(scan, "the adapter's power goes and comes", power_cycle)
    after(scan, "another bluetoothd", replace_bluetoothd)

    name = "two programs connect all the time"
    tell_sim(f"silent {LATE} on")
    bleherd("connect", BUSY[0]), bleherd("connect", BUSY[1])
    is_over, took_s = threading.Event(), []
    threads = [threading.Thread(target=connect_all_the_time, args=(a, is_over, took_s))
               for a in BUSY]
    for thread in threads:
        thread.start()
    time.sleep(10)
    scan.forget(name)
    tell_sim(f"silent {LATE} off")
    heard_s = scan.hears(name, LATE)
    is_over.set()
    for thread in threads:
        thread.join()
    ok(name, f"{heard_s:.1f} s; {len(took_s)} connects, {max(took_s):.1f} s at most")
    scan.end()

    name = "another program discovers"
    other = subprocess.Popen(["bluetoothctl", "--timeout", "60", "scan", "on"],
                             stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    time.sleep(3)
    scan = Scan()
    scan.hears(name, BUSY[0])
    scan.end()
    end = time.monotonic() + PATIENCE_S
    while "scan-shared" not in kinds():
        if time.monotonic() > end:
            fail(name, f"no event: {kinds()[-12:]}")
        time.sleep(0.2)
    other.kill()
    other.wait()
    ok(name, "scan-shared")
    if "adapter-silent" in kinds():
        fail("no false alarm", f"{kinds()}")
    ok("no false alarm")
    print(f"{passed} steps passed")


main()
