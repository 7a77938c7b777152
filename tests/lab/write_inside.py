# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/lab/write does inside the lab."""
import asyncio
import json
import os
import select
import socket
import subprocess

from dbus_fast import BusType, Message, Variant
from dbus_fast.aio import MessageBus

from lab import BLEHERD, characteristic, eventually, fault, main, need, ok, works

OURS, OTHER = "C0:AA:BB:00:00:00", "C0:AA:BB:00:00:01"
CLIENT = os.path.dirname(os.path.dirname(BLEHERD)) + "/tests/connect-client"
CHRC = "org.bluez.GattCharacteristic1"


class Stream:
    """connect-client: it stays connected and writes numbers without response."""

    def __init__(self, address):
        self.process = subprocess.Popen([CLIENT, address], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, bufsize=1)

    def do(self, command):
        self.process.stdin.write(command + "\n")
        line = self.process.stdout.readline()
        need(line, f"{command}: the program has ended")
        return json.loads(line)

    def end(self):
        self.process.stdin.close()
        need(self.process.wait(20) == 0, "the program failed")


def written(address):
    """Values of its writes so far, and of what kind."""
    with open(os.environ["BLEHERD_WRITE_LOG"], encoding="ascii") as log:
        lines = [json.loads(line) for line in log]
    return [(line["hex"], line["kind"]) for line in lines if line["device"] == address]


def need_numbers(address, count, before):
    def came():
        return len(written(address)) - before >= count
    eventually(f"{count} writes", came)
    found = written(address)[before:]
    need(found == [(f"{i:08x}", "command") for i in range(1, count + 1)], f"{found[:20]}")


def is_acquired(path):
    return "true" in subprocess.run(
        ["busctl", "get-property", "org.bluez", path, CHRC, "WriteAcquired"], check=True,
        text=True, stdout=subprocess.PIPE).stdout


def stranger_writes(path):
    done = subprocess.run(["busctl", "call", "org.bluez", path, CHRC, "WriteValue", "aya{sv}",
                           "1", "119", "0"], check=False, text=True, stderr=subprocess.PIPE)
    return done.stderr.strip()


def bleherd_part():
    client = Stream(OURS)
    client.do("find")
    client.do("open")
    for command, count in (("write 200", 200), ("write 1000 16", 1000)):
        before = len(written(OURS))
        took = client.do(command)["wall_us"] / count
        need_numbers(OURS, count, before)
        ok(f"acquired: {command}", f"{took:.0f} us each")
    path = characteristic(OURS, "fff3")
    need(is_acquired(path), "WriteAcquired is false")
    said = stranger_writes(path)
    need("Write acquired" in said, said)
    ok("others are refused", said)
    works("write", OURS, "fff3", "0badcafe", within_ms=10000)
    need(not is_acquired(path), "WriteAcquired is true")
    before = len(written(OURS))
    client.do("write 20")
    need_numbers(OURS, 20, before)
    need(written(OURS)[before - 1] == ("0badcafe", "request"), f"{written(OURS)[before - 1]}")
    ok("with response between them")
    client.do("close")
    client.do("open")
    client.do("write 20")
    need(is_acquired(path), "WriteAcquired is false on a new link")
    fault(f"drop {OURS} 0x13")
    eventually("the end of the socket", lambda: not is_acquired(path))
    ok("the socket ends with the link")
    client.process.kill()
    client.process.wait()

    client = Stream(OTHER)
    client.do("find")
    client.do("open")
    took = client.do("write 200")["wall_us"] / 200
    need(not is_acquired(characteristic(OTHER, "fff3")), "WriteAcquired without being asked")
    ok("by WriteValue: write 200", f"{took:.0f} us each")
    client.end()


class Bus:
    def __init__(self, bus, path):
        self.bus, self.path = bus, path

    async def call(self, member, signature="", *body):
        return await self.bus.call(Message(destination="org.bluez", path=self.path, interface=CHRC,
                                           member=member, signature=signature, body=list(body)))

    async def acquire(self):
        reply = await self.call("AcquireWrite", "a{sv}", {})
        need(not reply.error_name, f"{reply.error_name} {reply.body}")
        return socket.socket(fileno=reply.unix_fds[0]), reply.body[1]

    async def write(self, value, kind="command"):
        reply = await self.call("WriteValue", "aya{sv}", value, {"type": Variant("s", kind)})
        return f"{reply.error_name} {reply.body}" if reply.error_name else "done"


async def bluez_part():
    """What bluetoothd itself does: the fake does the same."""
    holder = subprocess.Popen([BLEHERD, "connect", OTHER, "--hold", "60"],
                              stdout=subprocess.PIPE)
    holder.stdout.readline()
    path = characteristic(OTHER, "fff3")
    bus = Bus(await MessageBus(bus_type=BusType.SYSTEM, negotiate_unix_fd=True).connect(), path)
    end, mtu = await bus.acquire()
    ok("AcquireWrite", f"mtu {mtu}, {end.family.name} {end.type.name}")
    for size in (mtu - 3, mtu - 2):
        before = len(written(OTHER))
        end.send(bytes(size))
        end.send(b"after")
        eventually("the one after", lambda: written(OTHER)[-1][0] == b"after".hex())
        ok(f"datagram of {size}", f"{len(written(OTHER)) - before - 1} arrived")
    need("Write acquired" in await bus.write(b"x"), "not refused")
    end.close()
    answers = [await bus.write(b"x") for _ in range(1)]
    ok("WriteValue at once after close", answers[0])
    closes = []
    for _ in range(50):
        end, _ = await bus.acquire()
        end.close()
        closes.append(await bus.write(b"x"))
    ok("the same 50 times", f"{closes.count('done')} done")
    for size in (mtu - 3, mtu - 2):
        ok(f"WriteValue of {size}", await bus.write(bytes(size)))
    end, _ = await bus.acquire()
    end.send(b"")
    await asyncio.sleep(0.3)
    before = len(written(OTHER))
    end.send(b"y")
    await asyncio.sleep(0.3)
    ok("after an empty datagram", f"acquired {is_acquired(path)}, "
       f"{len(written(OTHER)) - before} arrived; WriteValue: {await bus.write(b'x')}")
    end.close()
    end, _ = await bus.acquire()
    fault(f"drop {OTHER} 0x13")
    poll = select.poll()
    poll.register(end, 0)
    found = poll.poll(5000)
    need(found and found[0][1] & select.POLLHUP, f"the socket did not end: {found}")
    ok("drop: the socket ends")
    holder.kill()
    holder.wait()


def steps():
    bleherd_part()
    asyncio.run(bluez_part())


if __name__ == "__main__":
    main("write", steps)
