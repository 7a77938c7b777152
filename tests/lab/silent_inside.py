# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/lab/silent does inside the lab. One line per step; the first that fails ends it."""
import json
import os
import signal
import socket
import subprocess
import sys
import time

BLEHERD = os.environ["BLEHERD_BIN"] + "/bleherd"
SILENT, OTHER = "C0:AA:BB:00:00:00", "C0:AA:BB:00:00:01"
# HEARD_MS and DIRECT_MS of worker/link_connect.c; emulation takes the rest.
HEARD_S, DIRECT_S, SLOW_S = 30, 5, 6


def fail(name, text):
    print(f"FAIL {name}: {text}", flush=True)
    sys.exit(1)


def tell_sim(line):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.connect(os.environ["BLEHERD_SIM_CONTROL"])
        control.send(line.encode())
        return control.recv(1 << 20).decode()


def start(*words):
    return subprocess.Popen([BLEHERD, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True)


def connect(name, address, limit_s):
    began = time.monotonic()
    run = start("connect", address, "--timeout", "60", "--json")
    said = run.communicate()[0].strip()
    took = time.monotonic() - began
    if run.returncode != 0 or took > limit_s:
        fail(name, f"status {run.returncode}, {took:.1f} s: {said}")
    print(f"ok   {name:<44} {took:5.1f} s  {said}", flush=True)


def introduce(address):
    """BlueZ forgets a stranger 30 s after its link has ended, one that was trusted meanwhile not."""
    path = "/org/bluez/hci0/dev_" + address.replace(":", "_")
    program = start("notify", address, "fff4", "--json")
    program.stdout.readline()
    subprocess.run(["busctl", "set-property", "org.bluez", path, "org.bluez.Device1", "Trusted",
                    "b", "true"], check=True)
    program.terminate()
    program.wait()


introduce(SILENT)
introduce(OTHER)
connect("known", SILENT, SLOW_S)
connect("the other one, known", OTHER, SLOW_S)
tell_sim(f"silent {SILENT} on")
time.sleep(HEARD_S + 2)  # the time itself is what it is about

waiting = start("connect", SILENT, "--timeout", "60", "--json")
time.sleep(1)
connect("another one while the silent one is tried", OTHER, DIRECT_S + SLOW_S)
tell_sim(f"silent {SILENT} off")
began = time.monotonic()
said = waiting.communicate(timeout=60)[0].strip()
if waiting.returncode != 0:
    fail("found when it comes back", said)
print(f"ok   {'found when it comes back':<44} {time.monotonic() - began:5.1f} s  {said}", flush=True)
# What was tried first did not reach it; what is found by discovery is a second attempt.
if json.loads(said)["attempts"] != 2:
    fail("tried first, then sought", said)

tell_sim(f"silent {SILENT} on")
for name, end in (("killed", lambda p: p.send_signal(signal.SIGKILL)),
                  ("interrupted", lambda p: p.send_signal(signal.SIGINT))):
    program = start("connect", SILENT, "--timeout", "60")
    time.sleep(2)
    end(program)
    program.wait()
    connect(f"another one, its program was {name}", OTHER, SLOW_S)
tell_sim(f"silent {SILENT} off")
connect("the silent one is there again", SILENT, 2 * SLOW_S)
print("all passed", flush=True)
