# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Python scripts of this folder have in common, inside the lab: steps, bleherd, the radio.

A step ends with ok() or with Failure. main() runs a script of steps that build on each other: the
first failure ends it. step() runs one that stands alone: the others run all the same.

    lab.py COMMAND...    as a program: one command to the radio
"""
import json
import os
import socket
import subprocess
import sys
import time

BLEHERD = os.environ.get("BLEHERD_BIN", "build/bin") + "/bleherd"
ADAPTER = "/org/bluez/hci0"
PATIENCE_S = 20
passed = 0
failed = 0


class Failure(Exception):
    pass


def need(condition, text):
    if not condition:
        raise Failure(text)


def eventually(what, is_so, patience_s=PATIENCE_S):
    end = time.monotonic() + patience_s
    while not is_so():
        need(time.monotonic() < end, f"{what}: not within {patience_s} s")


def ok(name, detail=""):
    global passed
    passed += 1
    print(f"ok   {name:<44} {detail}".rstrip(), flush=True)


def step(name, function, *after):
    """function() says what was seen; each of after gets when it began, and adds to that."""
    global failed
    begin, seq = time.monotonic(), last_event()
    try:
        text = function() + "".join(more(begin) for more in after)
    except (Failure, OSError, ValueError, KeyError, IndexError) as e:
        failed += 1
        print(f"FAIL {name:<34} {_ms_since(begin)} {e if isinstance(e, Failure) else repr(e)}",
              flush=True)
        tell(seq)
        tell_deaths()
        return
    ok(f"{name:<34} {_ms_since(begin)}", text)


def _ms_since(begin):
    return f"{(time.monotonic() - begin) * 1000:6.0f} ms"


def main(script, function):
    """Runs the script, says how many steps passed, and ends with its status."""
    global failed
    begin = time.monotonic()
    try:
        function()
    except Failure as e:
        failed += 1
        print(f"FAIL {e}", flush=True)
    print(f"lab {script}: {passed} steps passed, {failed} failed, {time.monotonic() - begin:.0f} s",
          flush=True)
    sys.exit(failed != 0)


# --- the radio ---

def tell_sim(line):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.connect(os.environ["BLEHERD_SIM_CONTROL"])
        control.send(line.encode())
        return control.recv(1 << 20).decode()


def fault(line):
    answer = tell_sim(line)
    need(answer.startswith("ok"), f"{line}: {answer}")


def radio(index=0):
    """What that controller believes."""
    return json.loads(tell_sim("radio"))[index]


# --- bleherd ---

class Command:
    """A run of bleherd: its status, what it said, how long it took."""

    def __init__(self, *words):
        self.words = words
        self.begin = time.monotonic()
        self.process = subprocess.Popen([BLEHERD, words[0], "--json", *words[1:]],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self):
        self.said = self.process.communicate()[0]
        self.ms = (time.monotonic() - self.begin) * 1000
        self.status = self.process.returncode
        return self

    def stop(self):
        self.process.terminate()
        return self.end()

    def objects(self):
        return [json.loads(line) for line in self.said.splitlines() if line.startswith("{")]

    def failure(self):
        for said in self.objects():
            if "error" in said:
                return said["error"]["class"]
        return None

    def __str__(self):
        return f"bleherd {' '.join(self.words)}: {self.status} in {self.ms:.0f} ms: {self.said}"


def run(*words):
    return Command(*words).end()


def works(*words, within_ms):
    command = run(*words)
    need(command.status == 0, str(command))
    need(command.ms < within_ms, f"slow, {within_ms} ms are enough: {command}")
    return command.objects()[0]


def adapters():
    return run("adapters").objects()[0]["adapters"]


def locks():
    return run("locks").objects()[0]["locks"]


def events(after=0):
    return [e for e in run("events").objects() if e["seq"] > after]


def last_event():
    return events()[-1]["seq"]


def kinds(after=0, address=None):
    return [e["event"] for e in events(after) if address in (None, e.get("address"))]


def need_in_order(wanted, found):
    rest = iter(found)
    need(all(kind in rest for kind in wanted), f"events: not {wanted} in {found}")


def tell(after, address=None):
    for e in events(after):
        if address in (None, e.get("address")):
            text = e.get("text", "")
            print(f"       {e['event']:<15} {e.get('class', ''):<13} {text}", flush=True)


def tell_deaths():
    """The daemon's own processes that ended by themselves, with their last steps."""
    text = subprocess.run(["bleherd", "deaths"], capture_output=True, text=True, timeout=30).stdout
    for line in text.splitlines():
        print(f"       {line}", flush=True)


# --- past bleherd ---

def device_path(address):
    return f"{ADAPTER}/dev_" + address.replace(":", "_")


def characteristic(address, uuid16):
    """Its path, while it is linked."""
    tree = subprocess.run(["busctl", "tree", "--list", "org.bluez"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split()
    for path in tree:
        if path.startswith(device_path(address)) and "/char" in path and "/desc" not in path:
            uuid = subprocess.run(["busctl", "get-property", "org.bluez", path,
                                   "org.bluez.GattCharacteristic1", "UUID"], check=True, text=True,
                                  stdout=subprocess.PIPE).stdout
            if uuid16 in uuid:
                return path
    raise Failure(f"{address} has no {uuid16}")


def busctl(*words):
    return ["busctl", "--timeout=60", *words]


def set_property(path, interface, name, value):
    subprocess.run(busctl("set-property", "org.bluez", path, f"org.bluez.{interface}", name, "b",
                          value), check=True)


if __name__ == "__main__":
    answer = tell_sim(" ".join(sys.argv[1:]))
    print(answer)
    sys.exit(not answer.startswith("ok"))
